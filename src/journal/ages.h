/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * When the oldest record that is still to be sent was made: kept for this start only, in little memory. Floor 2, pure,
 * private to the journal.
 */
#include <stddef.h>
#include <stdint.h>

#define AGES_MAX 64

typedef struct Age {
        uint64_t last;      /* record id of the last one this is about */
        uint64_t made_usec; /* CLOCK_BOOTTIME, of the first one */
} Age;

typedef struct Ages {
        Age entries[AGES_MAX]; /* oldest first */
        size_t n;
} Ages;

void ages_add(Ages *ages, uint64_t last, uint64_t made_usec);
void ages_pass(Ages *ages, uint64_t cursor);
void ages_drop_parcel(Ages *ages, uint64_t parcel);
uint64_t ages_oldest_usec(const Ages *ages); /* 0: none, or not known */
