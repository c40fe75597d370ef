/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Ages of what waits to be sent. Floor 2, pure.
 *
 * One entry for each commit. When there are too many, the newest takes in what follows: the age is then somewhat too
 * high for a while, which makes the outbox send a little early and nothing else.
 */
#include <string.h>
#include "ages.h"
#include "parcels.h"

/**
 * ages_add() - records became durable
 * @ages:       changed
 * @last:       highest record id among them
 * @made_usec:  CLOCK_BOOTTIME when the first of them was made
 */
void ages_add(Ages *ages, uint64_t last, uint64_t made_usec) {
        if (ages->n == AGES_MAX)
                ages->entries[AGES_MAX - 1].last = last;
        else
                ages->entries[ages->n++] = (Age){ .last = last, .made_usec = made_usec };
}

static void ages_remove(Ages *ages, size_t i) {
        memmove(&ages->entries[i], &ages->entries[i + 1], (ages->n - i - 1) * sizeof(Age));
        ages->n--;
}

/**
 * ages_pass() - records were settled
 * @ages:       changed
 * @cursor:     of the lane
 */
void ages_pass(Ages *ages, uint64_t cursor) {
        for (size_t i = ages->n; i > 0; i--)
                if (ages->entries[i - 1].last <= cursor)
                        ages_remove(ages, i - 1);
}

/**
 * ages_drop_parcel() - a parcel's key was destroyed
 * @ages:       changed
 * @parcel:     its id
 */
void ages_drop_parcel(Ages *ages, uint64_t parcel) {
        for (size_t i = ages->n; i > 0; i--)
                if (parcel_of(ages->entries[i - 1].last) == parcel)
                        ages_remove(ages, i - 1);
}

/**
 * ages_oldest_usec() - when the oldest of them was made
 * @ages:       borrowed
 *
 * Return: CLOCK_BOOTTIME in µs; 0 if there is none or it is not known.
 */
uint64_t ages_oldest_usec(const Ages *ages) {
        return ages->n > 0 ? ages->entries[0].made_usec : 0;
}
