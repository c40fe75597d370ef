/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rows that wait. Floor 2.
 */
#include <errno.h>
#include <string.h>
#include "rows.h"

/**
 * row_new() - what is needed of a record until it is sealed
 * @record:     copied
 * @made_usec:  CLOCK_BOOTTIME now
 * @ret:        owned by the caller; untouched on failure
 *
 * Return: 0; -ENOMEM; -ENOBUFS if the payload is absurdly large.
 */
int row_new(const Record *record, uint64_t made_usec, Row **ret) {
        _cleanup_(row_freep) Row *row = NULL;
        int r;

        row = calloc(1, sizeof(*row));
        if (!row)
                return -ENOMEM;
        row->lane = record_kind_lane(record->kind);
        row->purpose = record_kind_purpose(record->kind);
        row->time_ms = record->time_ms;
        row->made_usec = made_usec;
        row->subject = strdup(record->subject);
        row->source = strdup(record->source);
        if (!row->subject || !row->source)
                return -ENOMEM;
        r = record_encode(record, &row->plain);
        if (r < 0)
                return r;
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
        string_wipe_free(row->subject);
        string_wipe_free(row->source);
        bytes_done(&row->plain);
        bytes_wipe(row, sizeof(*row));
        free(row);
        return NULL;
}

/**
 * rows_push() - add a row at the end
 * @list:       changed
 * @row:        taken
 */
void rows_push(RowList *list, Row *row) {
        row->next = NULL;
        if (list->last)
                list->last->next = row;
        else
                list->first = row;
        list->last = row;
        list->n++;
        list->bytes += row->plain.size;
}

/**
 * rows_pop() - take the first row
 * @list:       changed
 *
 * Return: the row, owned by the caller; NULL if the list is empty.
 */
Row *rows_pop(RowList *list) {
        Row *row = list->first;

        if (!row)
                return NULL;
        list->first = row->next;
        if (!list->first)
                list->last = NULL;
        list->n--;
        list->bytes -= row->plain.size;
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
        to->n += from->n;
        to->bytes += from->bytes;
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
