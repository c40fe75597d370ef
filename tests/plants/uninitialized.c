/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A fault on purpose: a decision on memory that was never written.
 */
#include <stdlib.h>

int main(void) {
        int *block = malloc(16 * sizeof(*block));
        volatile int result = 0;

        if (!block)
                return 0;
        if (block[3] == 7)
                result = 1;
        free(block);
        return result && 0;
}
