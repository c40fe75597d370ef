/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From the command line to the exit code. Floor 6.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "client.h"
#include "ctl.h"
#include "i18n.h"
#include "terminal.h"

/**
 * ctl_complain() - say on stderr what is wrong
 * @format:     one sentence, translated, without the end of line
 */
void ctl_complain(const char *format, ...) {
        va_list args;

        /* Nobody is left to tell when stderr is closed; the exit code says it too. */
        fprintf(stderr, "%strailkeepctl:%s ", terminal_paint(stderr, TERMINAL_RED),
                terminal_paint(stderr, TERMINAL_PLAIN));
        va_start(args, format);
        vfprintf(stderr, format, args);
        va_end(args);
        fputc('\n', stderr);
}

/**
 * ctl_now_ms() - the time now
 * @ctl:        its clock
 *
 * Return: ms since 1970, UTC.
 */
int64_t ctl_now_ms(const Ctl *ctl) {
        return (int64_t)(clock_realtime_usec(ctl->clock) / USEC_PER_MSEC);
}

/* A full disk behind `> file` shows only here; a verb that says done must have said it. */
static int finish_output(int r) {
        if (fflush(stdout) == 0 && !ferror(stdout))
                return r;

        ctl_complain(_("cannot write the output: %s"), strerror(errno));
        return r == CTL_EXIT_DONE ? CTL_EXIT_FAILED : r;
}

/**
 * ctl_run() - do what a command line asks for
 * @argc:       number of arguments
 * @argv:       arguments; getopt_long(3) moves them about
 * @clock:      what time it is
 *
 * Return: the exit code, a CtlExit.
 */
int ctl_run(int argc, char **argv, const Clock *clock) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        CtlOptions options;
        int r;

        r = options_parse(argc, argv, clock, &options);
        if (r == CTL_OPTIONS_ANSWERED)
                return finish_output(CTL_EXIT_DONE);
        if (r != 0)
                return r;

        r = client_connect(&options, &bus);
        if (r != CTL_EXIT_DONE)
                return r;

        r = options.verb->run(&(Ctl){ .options = &options, .clock = clock, .bus = bus });
        if (r < 0) {
                ctl_complain(_("unexpected failure: %s"), strerror(-r));
                return CTL_EXIT_FAILED;
        }

        return finish_output(r);
}
