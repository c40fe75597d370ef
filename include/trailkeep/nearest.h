/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The valid word that somebody who wrote another one may have meant. Floor 0, pure.
 */
#include <stddef.h>

size_t nearest_distance(const char *a, const char *b);
/* The one that is spelled most like it, however far it is; NULL: there are no candidates. */
const char *nearest_word(const char *word, const char *const *candidates, size_t n_candidates);
/* The same for a question "did you mean": NULL when nothing is near enough to be asked for. */
const char *nearest_guess(const char *word, const char *const *candidates, size_t n_candidates);
