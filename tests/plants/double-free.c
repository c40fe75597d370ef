/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A fault on purpose, for analyses that only read: on one path the block is freed twice.
 */
#include <stdlib.h>

int *twice(int n);

int *twice(int n) {
        int *block = malloc(sizeof(*block));

        if (!block)
                return NULL;
        *block = n;
        if (n > 3)
                free(block);
        if (n > 5) {
                free(block);
                return NULL;
        }
        return block;
}
