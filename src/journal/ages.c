/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Ages of what waits to be sent. Floor 2, pure.
 *
 * One entry for each commit of this start. When there are too many, the newest takes in what follows: the age is then
 * somewhat too high for a while. What an earlier start left is older than all of them; of it only the parcel that is
 * next is known, and the engine looks for another one when that is gone.
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
void ages_add(Ages *ages, uint64_t last, int64_t made_usec) {
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
        if (ages->earlier.last <= cursor)
                ages->earlier = (Age){ 0 };
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
        if (parcel_of(ages->earlier.last) == parcel)
                ages->earlier = (Age){ 0 };
        for (size_t i = ages->n; i > 0; i--)
                if (parcel_of(ages->entries[i - 1].last) == parcel)
                        ages_remove(ages, i - 1);
}

/**
 * ages_oldest() - when the oldest of them was made
 * @ages:       borrowed
 * @ret_made_usec: CLOCK_BOOTTIME in µs, negative when that was before this boot; untouched when false is returned
 *
 * Return: whether there is one, as far as is known.
 */
bool ages_oldest(const Ages *ages, int64_t *ret_made_usec) {
        const Age *oldest = ages->earlier.last > 0 ? &ages->earlier : ages->entries;

        if (ages->earlier.last == 0 && ages->n == 0)
                return false;
        *ret_made_usec = oldest->made_usec;
        return true;
}
