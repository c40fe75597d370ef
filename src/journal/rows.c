/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rows that wait. Floor 2.
 */
#include <errno.h>
#include <string.h>
#include "rows.h"

static Row *row_allocate(const Record *record) {
        const char *clip = record->clip ? record->clip : "";
        size_t n_subject = strlen(record->subject) + 1, n_source = strlen(record->source) + 1;
        size_t n_clip = strlen(clip) + 1, size = sizeof(Row) + n_subject + n_source + n_clip;
        Row *row = calloc(1, size);

        if (!row)
                return NULL;
        row->size = size;
        row->subject = memcpy(row->names, record->subject, n_subject);
        row->source = memcpy(row->names + n_subject, record->source, n_source);
        row->clip = memcpy(row->names + n_subject + n_source, clip, n_clip);
        return row;
}

/**
 * row_new() - what is needed of a record until it is sealed
 * @record:     copied, but for the bytes of media, which are taken; as it was on failure
 * @made_usec:  CLOCK_BOOTTIME now
 * @ret:        owned by the caller; untouched on failure
 *
 * Return: 0; -EINVAL if it has bytes of media that its kind does not have; -ENOMEM; -ENOBUFS if the payload is absurdly
 * large.
 */
int row_new(Record *record, uint64_t made_usec, Row **ret) {
        _cleanup_(row_freep) Row *row = NULL;
        int r;

        if (record->data.size > 0 && record_kind_lane(record->kind) != LANE_MEDIA)
                return -EINVAL;
        row = row_allocate(record);
        if (!row)
                return -ENOMEM;
        row->kind = record->kind;
        row->lane = record_kind_lane(record->kind);
        row->purpose = record_kind_purpose(record->kind);
        row->time_ms = record->time_ms;
        row->made_usec = made_usec;
        r = record_encode(record, &row->plain);
        if (r < 0)
                return r;
        row->data = record->data;
        record->data = (Bytes){ .limit = row->data.limit };
        *ret = TAKE_PTR(row);
        return 0;
}

/**
 * row_free() - wipe a row and free it
 * @row:        or NULL
 *
 * Return: NULL.
 */
Row *row_free(Row *row) {
        if (!row)
                return NULL;
        bytes_done(&row->plain);
        bytes_done(&row->data);
        bytes_wipe(row, row->size);
        free(row);
        return NULL;
}

static size_t row_bytes(const Row *row) {
        return row->plain.size + row->data.size;
}

/**
 * rows_push() - add a row at the end
 * @list:       changed
 * @row:        taken
 */
void rows_push(RowList *list, Row *row) {
        RowLoad *load = &list->load[lane_row_class(row->lane)];

        row->next = NULL;
        if (list->last)
                list->last->next = row;
        else
                list->first = row;
        list->last = row;
        load->n++;
        load->bytes += row_bytes(row);
}

/**
 * rows_pop() - take the first row
 * @list:       changed
 *
 * Return: the row, owned by the caller; NULL if the list is empty.
 */
Row *rows_pop(RowList *list) {
        Row *row = list->first;
        RowLoad *load;

        if (!row)
                return NULL;
        list->first = row->next;
        if (!list->first)
                list->last = NULL;
        load = &list->load[lane_row_class(row->lane)];
        load->n--;
        load->bytes -= row_bytes(row);
        row->next = NULL;
        return row;
}

/**
 * rows_move() - put one list behind another
 * @to:         changed
 * @from:       empty afterwards
 */
void rows_move(RowList *to, RowList *from) {
        if (!from->first)
                return;
        if (to->last)
                to->last->next = from->first;
        else
                to->first = from->first;
        to->last = from->last;
        loads_add(to->load, from->load);
        *from = (RowList){ 0 };
}

/**
 * rows_done() - wipe and free all rows
 * @list:       empty afterwards
 */
void rows_done(RowList *list) {
        Row *row;

        while ((row = rows_pop(list)))
                row_free(row);
}

/**
 * rows_total() - how much there is of both classes
 * @list:       borrowed
 *
 * Return: the sum.
 */
RowLoad rows_total(const RowList *list) {
        const RowLoad *plain = &list->load[ROW_CLASS_PLAIN], *media = &list->load[ROW_CLASS_MEDIA];

        return (RowLoad){ .n = plain->n + media->n, .bytes = plain->bytes + media->bytes };
}

/**
 * loads_add() - count something in, class by class
 * @to:         changed
 * @from:       borrowed
 */
void loads_add(RowLoad to[static ROW_CLASS_MAX], const RowLoad from[static ROW_CLASS_MAX]) {
        for (size_t i = 0; i < ROW_CLASS_MAX; i++) {
                to[i].n += from[i].n;
                to[i].bytes += from[i].bytes;
        }
}

/**
 * loads_subtract() - count something out, class by class
 * @from:       changed
 * @load:       borrowed; was counted in before
 */
void loads_subtract(RowLoad from[static ROW_CLASS_MAX], const RowLoad load[static ROW_CLASS_MAX]) {
        for (size_t i = 0; i < ROW_CLASS_MAX; i++) {
                from[i].n -= load[i].n;
                from[i].bytes -= load[i].bytes;
        }
}
