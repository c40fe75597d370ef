/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What was lost and is to be said so. Layout at the head of gaps.c. Floor 2, private to the journal; used by one thread
 * at a time.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "objects.h"
#include "trailkeep/macros.h"
#include "trailkeep/purpose.h"

/* Stored: append only. */
typedef enum GapReason {
        GAP_EVICTED = 1, /* destroyed to make room */
        GAP_EXPIRED,     /* kept as long as promised, and not sent until then */
        GAP_DAMAGED,     /* could not be read any more */
        GAP_REFUSED,     /* never written: there was no room */
        GAP_REASON_MAX,
} GapReason;

const char *gap_reason_to_string(GapReason reason);

/* The strings of what is noted are borrowed, those of what is loaded are freed with gap_done(). */
typedef struct Gap {
        uint64_t id;     /* 0: not stored yet */
        uint64_t parcel; /* it holds once this parcel's key is destroyed; 0: it holds */
        Lane lane;
        Purpose purpose;
        GapReason reason;
        char *subject, *source;
        uint64_t records;
        int64_t since_ms, until_ms; /* times of the first and the last record; both TIME_MS_NONE: not known */
} Gap;

void gap_done(Gap *gap);
#define _cleanup_gap_ _cleanup_(gap_done)

bool gaps_meet(const Gap *a, const Gap *b);
void gap_widen(Gap *gap, const Gap *other);

/* Gaps that wait in memory, each with strings of its own. */
typedef struct GapList {
        Gap *gaps;
        size_t n;
} GapList;
#define GAP_LIST_MAX 64 /* what does not meet any of so many is counted with the last of its kind */

void gap_list_add(GapList *list, const Gap *gap);      /* copies; out of memory: it is not said */
void gap_list_move(GapList *to, GapList *from);        /* @from is empty afterwards */
void gap_list_remove(GapList *list, size_t i);
void gap_list_done(GapList *list);

/* Writers work within a transaction. */
int gap_insert(const Catalogue *catalogue, const Gap *gap) _must_check_;
int gap_save(const Catalogue *catalogue, const Gap *gap) _must_check_;
int gap_delete(const Catalogue *catalogue, uint64_t id) _must_check_;
int gaps_next(const Catalogue *catalogue, uint64_t after, Gap *ret) _must_check_; /* 1: found, 0: none */
