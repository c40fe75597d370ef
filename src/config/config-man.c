/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Build tool, not installed: prints what is made from the table of keys.
 *
 *   config-man            the OPTIONS part of trailkeep.conf(5), in scdoc(5)
 *   config-man --sample   trailkeep.conf with every key commented out
 */
#include <stdio.h>
#include <string.h>
#include "trailkeep/config.h"

int main(int argc, char *argv[]) {
        int r;

        if (argc > 2 || (argc == 2 && strcmp(argv[1], "--sample") != 0)) {
                fputs("usage: config-man [--sample]\n", stderr);
                return EXIT_FAILURE;
        }
        r = argc == 2 ? config_print_sample(stdout) : config_print_man(stdout);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
