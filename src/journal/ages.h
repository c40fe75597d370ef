/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * When the oldest record that is still to be sent was made, in little memory. Floor 2, pure, private to the journal.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AGES_MAX 64

typedef struct Age {
        uint64_t last;     /* record id of the last one this is about */
        int64_t made_usec; /* CLOCK_BOOTTIME, of the first one; negative: before this boot */
} Age;

typedef struct Ages {
        Age earlier;           /* the oldest parcel of an earlier start; last 0: none */
        Age entries[AGES_MAX]; /* of this start, oldest first */
        size_t n;
} Ages;

void ages_add(Ages *ages, uint64_t last, int64_t made_usec);
void ages_pass(Ages *ages, uint64_t cursor);
void ages_drop_parcel(Ages *ages, uint64_t parcel);
bool ages_oldest(const Ages *ages, int64_t *ret_made_usec); /* false: none, or not known */
