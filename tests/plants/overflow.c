/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A fault on purpose: a write behind the end of the heap's block. Each analysis must find the fault planted for it
 * before its silence counts. Not part of any build; volatile, so that no optimiser takes the fault away.
 */
#include <stdlib.h>

int main(int argc, char **argv) {
        volatile char *block = malloc(16);
        volatile int at = 15 + argc;

        (void)argv;
        if (!block)
                return 0;
        block[at] = 1;
        free((void *)block);
        return 0;
}
