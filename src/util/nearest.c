/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The nearest valid word to a misspelt one. Floor 0, pure.
 *
 * Optimal string alignment distance: insertions, deletions, replacements and swaps of two neighbours count one each,
 * upper and lower case are the same.
 */
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include "trailkeep/macros.h"
#include "trailkeep/nearest.h"

#define WORD_MAX 64 /* of longer words only the beginning counts */

static bool is_same(char a, char b) {
        return strncasecmp(&a, &b, 1) == 0;
}

/**
 * nearest_distance() - how many slips apart two words are
 * @a:          a word; of more than 64 characters only the first 64 count
 * @b:          another
 *
 * Return: how many characters have to be inserted, removed, replaced or swapped with their neighbour.
 */
size_t nearest_distance(const char *a, const char *b) {
        size_t rows[3][WORD_MAX + 1], n_a = strnlen(a, WORD_MAX), n_b = strnlen(b, WORD_MAX);
        size_t *before = rows[0], *last = rows[1], *row = rows[2];

        /* row[j]: distance of the first i characters of a from the first j of b. */
        for (size_t j = 0; j <= n_b; j++)
                last[j] = before[j] = j;

        for (size_t i = 1; i <= n_a; i++) {
                size_t *oldest = before;

                row[0] = i;
                for (size_t j = 1; j <= n_b; j++) {
                        row[j] = MIN(last[j] + 1, row[j - 1] + 1);
                        row[j] = MIN(row[j], last[j - 1] + !is_same(a[i - 1], b[j - 1]));
                        if (i > 1 && j > 1 && is_same(a[i - 1], b[j - 2]) && is_same(a[i - 2], b[j - 1]))
                                row[j] = MIN(row[j], before[j - 2] + 1);
                }
                before = last;
                last = row;
                row = oldest;
        }

        return last[n_b];
}

/**
 * nearest_word() - find the valid word that is spelled most like another
 * @word:               as written
 * @candidates:         the valid words, borrowed
 * @n_candidates:       how many
 *
 * Return: the first of the nearest candidates, borrowed; NULL: there are none.
 */
const char *nearest_word(const char *word, const char *const *candidates, size_t n_candidates) {
        const char *found = NULL;
        size_t found_distance = SIZE_MAX;

        for (size_t i = 0; i < n_candidates; i++) {
                size_t distance = nearest_distance(word, candidates[i]);

                if (distance < found_distance) {
                        found = candidates[i];
                        found_distance = distance;
                }
        }

        return found;
}

/* The one candidate that goes on where the word ends. */
static const char *find_completion(const char *word, const char *const *candidates, size_t n_candidates) {
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
 * nearest_guess() - find what was probably meant
 * @word:               as written
 * @candidates:         the valid words, borrowed
 * @n_candidates:       how many
 *
 * A word that one candidate alone continues (`loc` for `location`) counts as near however short it is; else nothing is
 * near that is not closer than half the word, so that nonsense gets no advice.
 *
 * Return: one of the candidates, borrowed; NULL: none is near.
 */
const char *nearest_guess(const char *word, const char *const *candidates, size_t n_candidates) {
        const char *found;

        if (*word == '\0')
                return NULL;
        found = find_completion(word, candidates, n_candidates);
        if (found)
                return found;
        found = nearest_word(word, candidates, n_candidates);

        return found && nearest_distance(word, found) < (strlen(word) + 1) / 2 ? found : NULL;
}
