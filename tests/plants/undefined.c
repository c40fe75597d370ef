/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A fault on purpose: a signed integer overflow.
 */
#include <limits.h>

int main(int argc, char **argv) {
        volatile int sum = INT_MAX;

        (void)argv;
        sum = sum + argc;
        return sum == 0;
}
