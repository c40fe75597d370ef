/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The nearest valid word to a misspelt one.
 */
#include <stddef.h>

const char *nearest_word(const char *word, const char *const *candidates, size_t n_candidates);
