/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Rows on their way to the medium: in memory, in plain text, in the order they were appended. Floor 2, private to the
 * journal.
 *
 * Rows of media are of a class of their own: they are counted, bounded and committed apart, so that a card that is
 * pulled or full holds up nothing else.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "trailkeep/bytes.h"
#include "trailkeep/macros.h"
#include "trailkeep/record.h"

typedef enum RowClass { ROW_CLASS_PLAIN, ROW_CLASS_MEDIA, ROW_CLASS_MAX } RowClass;

typedef struct Row Row;
struct Row {
        Row *next;
        Lane lane;
        Purpose purpose;
        RecordKind kind;
        int64_t time_ms;
        uint64_t made_usec; /* CLOCK_BOOTTIME when it was appended */
        uint64_t gap;       /* it is the record of this gap, which goes when the row is inserted; 0: of none */
        Bytes plain;        /* record_encode() */
        Bytes data;         /* of media */
        const char *subject, *source, *clip; /* of the names below */
        size_t size;        /* of it all */
        char names[];
};

typedef struct RowLoad {
        size_t n, bytes; /* bytes of plain text and of media */
} RowLoad;

typedef struct RowList {
        Row *first, *last;
        RowLoad load[ROW_CLASS_MAX];
} RowList;

static inline RowClass lane_row_class(Lane lane) {
        return lane == LANE_MEDIA ? ROW_CLASS_MEDIA : ROW_CLASS_PLAIN;
}

int row_new(Record *record, uint64_t made_usec, Row **ret) _must_check_;
Row *row_free(Row *row);
DEFINE_CLEANUP(Row, row_free);

void rows_push(RowList *list, Row *row);             /* takes it */
Row *rows_pop(RowList *list);                        /* the caller's, or NULL */
void rows_move(RowList *to, RowList *from);          /* to the end; @from is empty afterwards */
void rows_done(RowList *list);
RowLoad rows_total(const RowList *list);
void loads_add(RowLoad to[static ROW_CLASS_MAX], const RowLoad from[static ROW_CLASS_MAX]);
void loads_subtract(RowLoad from[static ROW_CLASS_MAX], const RowLoad load[static ROW_CLASS_MAX]);
