/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The nearest valid word to a misspelt one, for "did you mean". Floor 6, pure.
 *
 * Optimal string alignment distance: insertions, deletions, replacements and swaps of two neighbours count one each.
 * A guess is offered only when it is closer than half the word, so that nonsense gets no advice. A word that one
 * candidate alone continues (`loc` for `location`) counts as near however short it is.
 */
#include "nearest.h"

#include <stdbool.h>
#include <string.h>

#include "trailkeep/macros.h"

#define WORD_MAX 31 /* longer words are not ours and get no guess */

/* Distance over the first lengths of a and b, three rows of the usual table at a time. */
static size_t word_distance(const char *a, const char *b) {
        size_t rows[3][WORD_MAX + 1], n_a = strlen(a), n_b = strlen(b);
        size_t *before = rows[0], *last = rows[1], *row = rows[2];

        for (size_t j = 0; j <= n_b; j++)
                last[j] = before[j] = j;

        for (size_t i = 1; i <= n_a; i++) {
                row[0] = i;
                for (size_t j = 1; j <= n_b; j++) {
                        row[j] = MIN(last[j] + 1, row[j - 1] + 1);
                        row[j] = MIN(row[j], last[j - 1] + (a[i - 1] != b[j - 1]));
                        if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                                row[j] = MIN(row[j], before[j - 2] + 1);
                }

                size_t *oldest = before;
                before = last;
                last = row;
                row = oldest;
        }

        return last[n_b];
}

static const char *word_completion(const char *word, const char *const *candidates, size_t n_candidates) {
        const char *found = NULL;

        for (size_t i = 0; i < n_candidates; i++)
                if (strncmp(candidates[i], word, strlen(word)) == 0) {
                        if (found)
                                return NULL;
                        found = candidates[i];
                }

        return found;
}

/**
 * nearest_word() - find what was probably meant
 * @word:               as typed
 * @candidates:         the valid words, borrowed
 * @n_candidates:       how many
 *
 * Return: one of the candidates, borrowed, or NULL when none is near.
 */
const char *nearest_word(const char *word, const char *const *candidates, size_t n_candidates) {
        const char *found;
        size_t found_distance;

        if (*word == '\0' || strlen(word) > WORD_MAX)
                return NULL;
        found = word_completion(word, candidates, n_candidates);
        if (found)
                return found;

        found_distance = (strlen(word) + 1) / 2;
        for (size_t i = 0; i < n_candidates; i++) {
                if (strlen(candidates[i]) > WORD_MAX)
                        continue;

                size_t distance = word_distance(word, candidates[i]);
                if (distance < found_distance) {
                        found = candidates[i];
                        found_distance = distance;
                }
        }

        return found;
}
