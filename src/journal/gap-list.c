/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Gaps in memory: records that were refused, until that can be written. Floor 2, pure but for the heap.
 *
 * What meets a gap of the list is made one with it. The list is bounded: where it is full, a gap widens the last one of
 * its kind, and says too much rather than nothing.
 */
#include <errno.h>
#include <string.h>
#include "gaps.h"
#include "trailkeep/bytes.h"

static bool gaps_are_kin(const Gap *a, const Gap *b) {
        return a->lane == b->lane && a->purpose == b->purpose && a->reason == b->reason &&
               strcmp(a->subject, b->subject) == 0 && strcmp(a->source, b->source) == 0;
}

static Gap *gap_list_find(const GapList *list, const Gap *gap) {
        for (size_t i = list->n; i > 0; i--)
                if (gaps_meet(&list->gaps[i - 1], gap))
                        return &list->gaps[i - 1];
        for (size_t i = list->n; i > 0 && list->n >= GAP_LIST_MAX; i--)
                if (gaps_are_kin(&list->gaps[i - 1], gap))
                        return &list->gaps[i - 1];
        return NULL;
}

static int gap_list_push(GapList *list, const Gap *gap) {
        _cleanup_gap_ Gap copy = *gap;
        Gap *gaps;

        copy.subject = strdup(gap->subject);
        copy.source = strdup(gap->source);
        gaps = reallocarray(list->gaps, list->n + 1, sizeof(*gaps));
        if (gaps)
                list->gaps = gaps;
        if (!gaps || !copy.subject || !copy.source)
                return -ENOMEM;
        gaps[list->n++] = copy;
        copy = (Gap){ 0 };
        return 0;
}

/**
 * gap_list_add() - one more gap
 * @list:       changed
 * @gap:        copied
 */
void gap_list_add(GapList *list, const Gap *gap) {
        Gap *other = gap_list_find(list, gap);

        if (other)
                gap_widen(other, gap);
        else if (list->n < GAP_LIST_MAX)
                (void)!gap_list_push(list, gap); /* without memory there is nothing to say it with */
}

/**
 * gap_list_remove() - forget a gap
 * @list:       changed
 * @i:          which
 */
void gap_list_remove(GapList *list, size_t i) {
        gap_done(&list->gaps[i]);
        memmove(&list->gaps[i], &list->gaps[i + 1], (list->n - i - 1) * sizeof(Gap));
        list->n--;
}

/**
 * gap_list_move() - add one list to another
 * @to:         changed
 * @from:       empty afterwards
 */
void gap_list_move(GapList *to, GapList *from) {
        for (size_t i = 0; i < from->n; i++)
                gap_list_add(to, &from->gaps[i]);
        gap_list_done(from);
}

/**
 * gap_list_done() - forget all
 * @list:       empty afterwards
 */
void gap_list_done(GapList *list) {
        while (list->n > 0)
                gap_list_remove(list, list->n - 1);
        free(list->gaps);
        *list = (GapList){ 0 };
}
