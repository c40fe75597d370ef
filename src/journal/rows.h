/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Rows on their way to the medium: in memory, in plain text, in the order they were appended. Floor 2, private to the
 * journal.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "trailkeep/bytes.h"
#include "trailkeep/macros.h"
#include "trailkeep/record.h"

typedef struct Row Row;
struct Row {
        Row *next;
        Lane lane;
        Purpose purpose;
        int64_t time_ms;
        uint64_t made_usec; /* CLOCK_BOOTTIME when it was appended */
        uint64_t gap;       /* it is the record of this gap, which goes when the row is inserted; 0: of none */
        char *subject, *source;
        Bytes plain;        /* record_encode() */
};

typedef struct RowList {
        Row *first, *last;
        size_t n, bytes; /* bytes of plain text */
} RowList;

int row_new(const Record *record, uint64_t made_usec, Row **ret) _must_check_;
Row *row_free(Row *row);
DEFINE_CLEANUP(Row, row_free);

void rows_push(RowList *list, Row *row);             /* takes it */
Row *rows_pop(RowList *list);                        /* the caller's, or NULL */
void rows_move(RowList *to, RowList *from);          /* to the end; @from is empty afterwards */
void rows_done(RowList *list);
