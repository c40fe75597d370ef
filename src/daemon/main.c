/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * trailkeepd(8). Floor 6.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#define LOG_MODULE "main"
#include "build-config.h"
#include "daemon.h"
#include "init.h"
#include "options.h"
#include "process.h"
#include "replace-root.h"
#include "trailkeep/clock.h"
#include "trailkeep/config.h"
#include "trailkeep/log.h"
#include "trailkeep/loop.h"
#include "verify-evidence.h"

/* Numbers of sysexits.h where systemd.exec(5) has them: the unit does not restart what EX_CONFIG ended. */
enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_SETUP = 78 };

static int read_config(const Options *options, Config **ret) {
        ConfigError error = {0};
        LogLevel level;
        int r;

        r = config_load(options->config_path, ret, &error);
        if (r < 0) {
                log_error("%s", error.text);
                return r;
        }
        level = (*ret)->log_level;
        if (options->log_level && log_level_from_string(options->log_level, &level) < 0) {
                log_error("--log-level knows error, warning, notice, info and debug, not '%s'.", options->log_level);
                return -EINVAL;
        }
        log_set_level(level);
        return 0;
}

/* The words of sd_notify(3) go nowhere without systemd, which is fine. */
static void tell_manager(const char *state) {
        (void)sd_notify(0, state);
}

static int run(const Config *config, const char *bus_address) {
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;
        _cleanup_(daemon_freep) Daemon *daemon = NULL;
        int r;

        r = loop_new(&event);
        if (r < 0) {
                log_error("The event loop cannot be made: %s.", strerror(-r));
                return EXIT_FAILED;
        }
        r = daemon_new(event, &clock_system, config, bus_address, &daemon);
        if (r != 0)
                return r == DAEMON_E_SETUP ? EXIT_SETUP : EXIT_FAILED;

        if (!process_can_lock_keys())
                log_warning("Keys may get into swap, if there is any: this process may not lock 64 KiB of memory. Raise "
                            "LimitMEMLOCK= of its unit or 'ulimit -l', or switch swap off.");
        log_info("trailkeepd %s is running.", TRAILKEEP_VERSION);
        tell_manager("READY=1\nSTATUS=Running.");
        r = sd_event_loop(event);
        tell_manager("STOPPING=1\nSTATUS=Committing the journal.");
        if (r < 0)
                log_error("The event loop broke: %s.", strerror(-r));
        return r < 0 ? EXIT_FAILED : EXIT_DONE;
}

static int verify_evidence(const Options *options, const char *state_dir) {
        int r = verify_evidence_run(options->key_file, state_dir);

        return r == 0 ? EXIT_DONE : r > 0 ? EXIT_FAILED : EXIT_SETUP;
}

int main(int argc, char *argv[]) {
        _cleanup_(config_freep) Config *config = NULL;
        Options options;
        int r;

        if (options_parse(argc, argv, &options) < 0)
                return EXIT_USAGE;
        if (options.verb == OPTIONS_HELP) {
                options_print_help();
                return EXIT_DONE;
        }
        if (options.verb == OPTIONS_VERSION) {
                printf("trailkeepd %s\n", TRAILKEEP_VERSION);
                return EXIT_DONE;
        }

        r = process_close_up();
        if (r < 0) {
                log_error("Core dumps cannot be switched off: %s. Not started, since one could betray a person.",
                          strerror(-r));
                return EXIT_FAILED;
        }
        if (options.verb == OPTIONS_VERIFY_EVIDENCE && options.state_dir)
                return verify_evidence(&options, options.state_dir);
        if (read_config(&options, &config) < 0)
                return EXIT_SETUP;

        switch (options.verb) {
        case OPTIONS_CHECK_CONFIG:
                printf("%s is fine.\n", options.config_path);
                return EXIT_DONE;
        case OPTIONS_INIT:
                return init_run(config) < 0 ? EXIT_FAILED : EXIT_DONE;
        case OPTIONS_REPLACE_ROOT:
                return replace_root_run(config) < 0 ? EXIT_FAILED : EXIT_DONE;
        case OPTIONS_VERIFY_EVIDENCE:
                return verify_evidence(&options, config->state_dir);
        case OPTIONS_RUN:
        case OPTIONS_HELP:
        case OPTIONS_VERSION:
                break;
        }
        return run(config, options.bus_address);
}
