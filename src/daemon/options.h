/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The command line of trailkeepd(8).
 */
#include <stdbool.h>
#include "trailkeep/macros.h"

typedef enum OptionsVerb {
        OPTIONS_RUN,
        OPTIONS_CHECK_CONFIG,
        OPTIONS_INIT,
        OPTIONS_REPLACE_ROOT,
        OPTIONS_VERIFY_EVIDENCE,
        OPTIONS_HELP,
        OPTIONS_VERSION,
} OptionsVerb;

typedef struct Options {
        OptionsVerb verb;
        const char *config_path;
        const char *bus_address;
        const char *key_file;  /* of --verify-evidence */
        const char *state_dir; /* NULL: the configuration's */
        const char *log_level; /* NULL: the configuration's */
} Options;

int options_parse(int argc, char *argv[], Options *ret) _must_check_;
void options_print_help(void);
