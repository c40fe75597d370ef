/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The command line. Floor 6. What is not understood is said on stderr together with the way to --help, and nothing
 * runs.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>

#include "build-config.h"
#include "options.h"

enum { ARG_BUS = 0x100, ARG_CHECK_CONFIG, ARG_CONFIG, ARG_INIT, ARG_LOG_LEVEL, ARG_REPLACE_ROOT, ARG_STATE, ARG_VERIFY_EVIDENCE,
       ARG_VERSION };

static const struct option long_options[] = {
        {"bus", required_argument, NULL, ARG_BUS},
        {"check-config", no_argument, NULL, ARG_CHECK_CONFIG},
        {"config", required_argument, NULL, ARG_CONFIG},
        {"help", no_argument, NULL, 'h'},
        {"init", no_argument, NULL, ARG_INIT},
        {"log-level", required_argument, NULL, ARG_LOG_LEVEL},
        {"replace-root-secret", no_argument, NULL, ARG_REPLACE_ROOT},
        {"state", required_argument, NULL, ARG_STATE},
        {"verify-evidence", required_argument, NULL, ARG_VERIFY_EVIDENCE},
        {"version", no_argument, NULL, ARG_VERSION},
        {0},
};

/**
 * options_print_help() - print the summary of trailkeepd(8) on stdout
 */
void options_print_help(void) {
        printf("trailkeepd [OPTION...]\n"
               "\n"
               "Records positions under consent, sealed, and hands them to your own object store.\n"
               "\n"
               "      --config FILE           configuration (default: " TRAILKEEP_CONFIG_FILE ")\n"
               "      --bus BUS               system, session or a D-Bus address (default: system)\n"
               "      --check-config          check the configuration, say what is wrong, and end\n"
               "      --init                  make the root secret and the device key where missing, and end\n"
               "      --log-level LEVEL       error, warning, notice, info or debug; before the configuration's\n"
               "      --replace-root-secret   put what is recorded under another root secret, and end\n"
               "      --verify-evidence KEY   check the evidence of a box with its first key, and end\n"
               "      --state DIR             of that box, or a copy (default: the configuration's)\n"
               "  -h, --help                  show this and end\n"
               "      --version               show the version and end\n"
               "\n"
               "See trailkeepd(8), trailkeep.conf(5) and trailkeepctl(1).\n");
}

/**
 * options_parse() - read the command line
 * @argc:       as main() got it
 * @argv:       as main() got it; the strings are borrowed for the life of the result
 * @ret:        what is asked for; untouched on failure
 *
 * Return: 0, or -EINVAL after saying on stderr what was not understood.
 */
int options_parse(int argc, char *argv[], Options *ret) {
        Options options = {.config_path = TRAILKEEP_CONFIG_FILE, .bus_address = "system"};
        int c;

        while ((c = getopt_long(argc, argv, "h", long_options, NULL)) >= 0)
                switch (c) {
                case ARG_BUS:
                        options.bus_address = optarg;
                        break;
                case ARG_CHECK_CONFIG:
                        options.verb = OPTIONS_CHECK_CONFIG;
                        break;
                case ARG_CONFIG:
                        options.config_path = optarg;
                        break;
                case 'h':
                        options.verb = OPTIONS_HELP;
                        break;
                case ARG_INIT:
                        options.verb = OPTIONS_INIT;
                        break;
                case ARG_LOG_LEVEL:
                        options.log_level = optarg;
                        break;
                case ARG_REPLACE_ROOT:
                        options.verb = OPTIONS_REPLACE_ROOT;
                        break;
                case ARG_STATE:
                        options.state_dir = optarg;
                        break;
                case ARG_VERIFY_EVIDENCE:
                        options.verb = OPTIONS_VERIFY_EVIDENCE;
                        options.key_file = optarg;
                        break;
                case ARG_VERSION:
                        options.verb = OPTIONS_VERSION;
                        break;
                default: /* getopt_long() has said what is wrong */
                        fprintf(stderr, "Try 'trailkeepd --help'.\n");
                        return -EINVAL;
                }

        if (optind < argc) {
                fprintf(stderr, "trailkeepd takes no argument, got '%s'. Try 'trailkeepd --help'.\n", argv[optind]);
                return -EINVAL;
        }

        *ret = options;
        return 0;
}
