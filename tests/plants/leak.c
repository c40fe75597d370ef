/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A fault on purpose: memory that nobody frees and nobody can reach any more.
 */
#include <stdlib.h>

static void lose(void) {
        volatile char *block = malloc(16);

        if (block)
                block[0] = 1;
}

int main(void) {
        lose();
        return 0;
}
