/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A fault on purpose, for analyses that only read: what was just found to be NULL is followed.
 */
#include <stddef.h>

int follow(const int *number);

int follow(const int *number) {
        int result = 0;

        if (number == NULL)
                result = 1;
        return result + *number;
}
