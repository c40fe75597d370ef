/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * trailkeepctl: what its files share. Floor 6; talks to the daemon over D-Bus alone.
 *
 *   main -> ctl_run -> options_parse -> one verb -> client (D-Bus) -> JSON values -> table, or the JSON itself
 *
 * What the bus answers is turned into JSON values once, under the names of data/dbus; --json prints them as they are,
 * and the tables read them.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <systemd/sd-bus.h>

#include "trailkeep/clock.h"
#include "trailkeep/macros.h"

/* Outcomes of a verb, and exit codes of the program: trailkeepctl(1) names them, scripts rely on them. */
typedef enum CtlExit {
        CTL_EXIT_DONE = 0,
        CTL_EXIT_FAILED = 1,     /* the daemon reported a failure, or something unexpected happened here */
        CTL_EXIT_USAGE = 2,      /* wrong command line */
        CTL_EXIT_ABSENT = 3,     /* no bus, or no daemon on it */
        CTL_EXIT_DENIED = 4,     /* the caller has no right */
        CTL_EXIT_INCOMPLETE = 5, /* asked for and begun, but held: the store, the network, or a missing consent */
} CtlExit;

/* Options that belong to some verbs only, as bits. */
enum {
        CTL_OPTION_FIX = 1 << 0,
        CTL_OPTION_KEEP = 1 << 1,
        CTL_OPTION_PURPOSE = 1 << 2,
        CTL_OPTION_SINCE = 1 << 3,
        CTL_OPTION_UNTIL = 1 << 4,
        CTL_OPTION_KEEP_STORED = 1 << 5,
        CTL_OPTION_WAIT = 1 << 6,
        CTL_OPTION_YES = 1 << 7,
        CTL_OPTION_CLIP = 1 << 8,
        CTL_OPTION_ALL = 1 << 9,
};

typedef struct CtlVerb CtlVerb;

#define CTL_ARGUMENT_FILE "FILE"

/* The command line, read and checked. Strings borrowed from argv. */
typedef struct CtlOptions {
        const CtlVerb *verb;
        const char *bus_address; /* "system", "session" or a D-Bus address */
        bool is_json, is_quiet;
        uint32_t given;             /* CTL_OPTION_ bits */
        uint32_t purposes;          /* bit mask 1 << Purpose, from --purpose or the arguments of the verb */
        int64_t since_ms, until_ms; /* TIME_MS_NONE: open */
        const char *file;           /* the one argument of a verb that takes CTL_ARGUMENT_FILE */
        const char *clip;           /* NULL: not of one clip */
} CtlOptions;

/* What a verb gets. */
typedef struct Ctl {
        const CtlOptions *options;
        const Clock *clock;
        sd_bus *bus;
} Ctl;

struct CtlVerb {
        const char *name, *sub; /* "consent", "grant"; sub NULL: the verb stands alone */
        const char *arguments;  /* for --help: purposes, unless it is CTL_ARGUMENT_FILE; NULL: none */
        const char *help;       /* untranslated */
        uint32_t options;       /* CTL_OPTION_ bits it takes */
        bool is_default;        /* of the verbs of that name, the one meant without a second word */
        int (*run)(Ctl *ctl);   /* a CtlExit, or -errno */
};

/* One file each. */
int ctl_status(Ctl *ctl) _must_check_;
int ctl_consent_list(Ctl *ctl) _must_check_;
int ctl_consent_grant(Ctl *ctl) _must_check_;
int ctl_consent_withdraw(Ctl *ctl) _must_check_;
int ctl_data_summary(Ctl *ctl) _must_check_;
int ctl_data_erase(Ctl *ctl) _must_check_;
int ctl_data_erasures(Ctl *ctl) _must_check_;
int ctl_evidence_status(Ctl *ctl) _must_check_;
int ctl_evidence_start(Ctl *ctl) _must_check_;
int ctl_journal_damage(Ctl *ctl) _must_check_;
int ctl_journal_acknowledge(Ctl *ctl) _must_check_;
int ctl_key_rotate(Ctl *ctl) _must_check_;
int ctl_sync_now(Ctl *ctl) _must_check_;
int ctl_sync_status(Ctl *ctl) _must_check_;
int ctl_monitor(Ctl *ctl) _must_check_;

/* verbs.c */
const CtlVerb *ctl_verbs(size_t *ret_n);

/* options.c */
typedef struct CtlOption {
        const char *name;
        char letter;          /* 0: none */
        uint32_t bit;         /* CTL_OPTION_, 0: for every verb */
        const char *argument; /* for --help, NULL: none */
        const char *help;     /* untranslated */
} CtlOption;
const CtlOption *ctl_options(size_t *ret_n);

enum { CTL_OPTIONS_ANSWERED = 64 }; /* outcome of options_parse(): --help, --version */
int options_parse(int argc, char **argv, const Clock *clock, CtlOptions *ret) _must_check_;

/* help.c */
void ctl_print_help(FILE *out);

/* run.c */
int ctl_run(int argc, char **argv, const Clock *clock) _must_check_;
void ctl_complain(const char *format, ...) _printf_(1, 2);
int64_t ctl_now_ms(const Ctl *ctl);
