/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The command line. Floor 6; reads the time for --since and --until from the Clock it is given.
 *
 * One table of options makes the parser, --help, and the checks of the man page and the completion. Messages of
 * getopt_long(3) itself are off: ours name the nearest valid word.
 */
#include <getopt.h>
#include <stdarg.h>
#include <string.h>

#include "build-config.h"
#include "ctl.h"
#include "i18n.h"
#include "moment.h"
#include "terminal.h"
#include "trailkeep/nearest.h"
#include "trailkeep/parse.h"
#include "trailkeep/purpose.h"
#include "trailkeep/record.h"

#define CANDIDATES_MAX 32
#define CTL_SCOPE_OPTIONS \
        (CTL_OPTION_PURPOSE | CTL_OPTION_SINCE | CTL_OPTION_UNTIL | CTL_OPTION_CLIP | CTL_OPTION_KEEP_STORED)

static const CtlOption options_table[] = {
        { "bus", 'b', 0, "ADDRESS", N_("system (default), session, or a D-Bus address") },
        { "json", 'j', 0, NULL, N_("Print JSON, named as on D-Bus") },
        { "quiet", 'q', 0, NULL, N_("Print nothing but errors and what was asked for") },
        { "help", 'h', 0, NULL, N_("Show this help") },
        { "version", 'V', 0, NULL, N_("Show the version") },
        { "fix", 0, CTL_OPTION_FIX, NULL, N_("Show the latest position, too") },
        { "keep", 0, CTL_OPTION_KEEP, NULL, N_("Keep what was recorded so far") },
        { "purpose", 'p', CTL_OPTION_PURPOSE, "PURPOSE", N_("Of this purpose only; may be given again") },
        { "since", 0, CTL_OPTION_SINCE, "TIME", N_("From then on: \"2026-11-23 17:30\", \"2h ago\"") },
        { "until", 0, CTL_OPTION_UNTIL, "TIME", N_("Up to then") },
        { "clip", 0, CTL_OPTION_CLIP, "NAME", N_("Media of this clip only") },
        { "keep-stored", 0, CTL_OPTION_KEEP_STORED, NULL, N_("Leave what is in the store") },
        { "all", 0, CTL_OPTION_ALL, NULL, N_("Everybody's, and who decided what; turns all off") },
        { "wait", 'w', CTL_OPTION_WAIT, NULL, N_("Wait until the store has deleted it, too") },
        { "yes", 'y', CTL_OPTION_YES, NULL, N_("Do not ask") },
};

/**
 * ctl_options() - all options
 * @ret_n:      how many
 *
 * Return: the table; those for every verb first.
 */
const CtlOption *ctl_options(size_t *ret_n) {
        *ret_n = ELEMENTSOF(options_table);
        return options_table;
}

static char *_printf_(1, 2) say(const char *format, ...) {
        va_list args;
        char *said;
        int r;

        va_start(args, format);
        r = vasprintf(&said, format, args);
        va_end(args);

        return r < 0 ? NULL : said;
}

/* Takes what is said. */
static int complain_unknown(char *said, const char *nearest) {
        if (said && nearest)
                ctl_complain(_("%s; did you mean \"%s\"?"), said, nearest);
        else if (said)
                ctl_complain(_("%s; see trailkeepctl --help"), said);

        free(said);
        return CTL_EXIT_USAGE;
}

static int unknown_option(const char *argument) {
        const char *names[ELEMENTSOF(options_table)], *nearest;
        char word[64], suggestion[64];
        size_t n = strcspn(argument, "=");

        for (size_t i = 0; i < ELEMENTSOF(options_table); i++)
                names[i] = options_table[i].name;

        snprintf(word, sizeof(word), "%.*s", (int)MIN(n, sizeof(word) - 1), argument); /* a longer one gets no guess */
        nearest = strncmp(word, "--", 2) == 0 ? nearest_guess(word + 2, names, ELEMENTSOF(names)) : NULL;
        if (nearest)
                snprintf(suggestion, sizeof(suggestion), "--%s", nearest); /* ours, and short */

        return complain_unknown(say(_("there is no option \"%s\""), word), nearest ? suggestion : NULL);
}

static int add_purpose(const char *name, CtlOptions *options) {
        const char *names[PURPOSE_MAX];
        Purpose purpose;

        if (purpose_from_string(name, &purpose) == 0) {
                options->purposes |= UINT32_C(1) << purpose;
                return CTL_EXIT_DONE;
        }

        for (Purpose i = 0; i < PURPOSE_MAX; i++)
                names[i] = purpose_to_string(i);
        return complain_unknown(say(_("there is no purpose \"%s\""), name), nearest_guess(name, names, PURPOSE_MAX));
}

static int set_moment(const char *option, const char *text, const Clock *clock, int64_t *ret_ms) {
        if (moment_parse(text, clock, ret_ms) == 0)
                return CTL_EXIT_DONE;

        ctl_complain(_("--%s: \"%s\" is no time; give one like \"2026-11-23 17:30\", \"yesterday\" or \"2h ago\""),
                     option, text);
        return CTL_EXIT_USAGE;
}

static int print_version(void) {
        /* ctl_run() looks at the state of stdout */
        printf("trailkeepctl %s\n", TRAILKEEP_VERSION);
        return CTL_OPTIONS_ANSWERED;
}

static int set_bus(const char *address, CtlOptions *options) {
        static const char *const names[] = { "system", "session" };

        options->bus_address = address;
        if (strchr(address, ':') || strcmp(address, names[0]) == 0 || strcmp(address, names[1]) == 0)
                return CTL_EXIT_DONE;

        return complain_unknown(say(_("there is no bus \"%s\""), address),
                                nearest_guess(address, names, ELEMENTSOF(names)));
}

static int set_clip(const char *name, CtlOptions *options) {
        if (*name && strlen(name) <= RECORD_CLIP_MAX) {
                options->clip = name;
                return CTL_EXIT_DONE;
        }

        ctl_complain(_("--clip: the name of a clip is 1 to 128 bytes long"));
        return CTL_EXIT_USAGE;
}

static int take_option(const CtlOption *option, const char *value, const Clock *clock, CtlOptions *options) {
        options->given |= option->bit;
        if (option->bit == CTL_OPTION_PURPOSE)
                return add_purpose(value, options);
        if (option->bit == CTL_OPTION_SINCE)
                return set_moment(option->name, value, clock, &options->since_ms);
        if (option->bit == CTL_OPTION_UNTIL)
                return set_moment(option->name, value, clock, &options->until_ms);

        if (option->bit == CTL_OPTION_CLIP)
                return set_clip(value, options);

        if (option->letter == 'b')
                return set_bus(value, options);
        if (option->letter == 'j')
                options->is_json = true;
        else if (option->letter == 'q')
                options->is_quiet = true;
        else if (option->letter == 'V')
                return print_version();
        else if (option->letter == 'h') {
                ctl_print_help(stdout);
                return CTL_OPTIONS_ANSWERED;
        }

        return CTL_EXIT_DONE;
}

/* getopt_long(3) gives the index of our table plus this for every option, short ones too. */
#define INDEX_BASE 256

static void make_getopt_tables(struct option *longs, char *shorts) {
        size_t n = 0;

        shorts[n++] = ':'; /* tell a missing value from an unknown option */
        for (size_t i = 0; i < ELEMENTSOF(options_table); i++) {
                const CtlOption *option = &options_table[i];

                longs[i] = (struct option){ option->name, option->argument ? required_argument : no_argument, NULL,
                                            INDEX_BASE + (int)i };
                if (option->letter == 0)
                        continue;
                shorts[n++] = option->letter;
                if (option->argument)
                        shorts[n++] = ':';
        }
        shorts[n] = '\0';
}

static const CtlOption *option_of(int c) {
        if (c >= INDEX_BASE)
                return &options_table[c - INDEX_BASE];
        for (size_t i = 0; i < ELEMENTSOF(options_table); i++)
                if (options_table[i].letter == c)
                        return &options_table[i];

        return NULL;
}

/* getopt_long(3) has set optopt to the option, or to 0 for a long one it does not know. */
static int refuse_option(char **argv) {
        const CtlOption *option = optopt ? option_of(optopt) : NULL;
        char letter[] = { '-', (char)optopt, '\0' };

        if (option && option->argument) {
                ctl_complain(_("--%s needs a value: %s"), option->name, option->argument);
                return CTL_EXIT_USAGE;
        }
        if (option) {
                ctl_complain(_("--%s takes no value"), option->name);
                return CTL_EXIT_USAGE;
        }

        return unknown_option(optopt ? letter : argv[optind - 1]);
}

static int parse_all(int argc, char **argv, const Clock *clock, CtlOptions *options) {
        struct option longs[ELEMENTSOF(options_table) + 1] = { 0 };
        char shorts[2 * ELEMENTSOF(options_table) + 2];
        const CtlOption *option;
        int c, r;

        make_getopt_tables(longs, shorts);
        optind = 0; /* from the start, also when called again */
        opterr = 0;
        while ((c = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
                if (c == '?' || c == ':')
                        return refuse_option(argv);
                option = option_of(c);
                if (!option)
                        return refuse_option(argv);
                r = take_option(option, optarg, clock, options);
                if (r != CTL_EXIT_DONE)
                        return r;
        }

        return CTL_EXIT_DONE;
}

/* Each name once, though a name may stand in several rows. */
static size_t add_candidate(const char **candidates, size_t n, const char *word) {
        if (!word || n >= CANDIDATES_MAX)
                return n;
        for (size_t i = 0; i < n; i++)
                if (strcmp(candidates[i], word) == 0)
                        return n;

        candidates[n] = word;
        return n + 1;
}

/* sub: NULL when the first word itself is unknown. */
static int unknown_verb(const char *name, const char *sub) {
        const char *candidates[CANDIDATES_MAX], *nearest;
        char words[64], suggestion[64];
        size_t n = 0, n_verbs;
        const CtlVerb *verbs = ctl_verbs(&n_verbs);

        for (size_t i = 0; i < n_verbs; i++)
                if (!sub || strcmp(verbs[i].name, name) == 0)
                        n = add_candidate(candidates, n, sub ? verbs[i].sub : verbs[i].name);
        nearest = nearest_guess(sub ? sub : name, candidates, n);

        /* A word that does not fit is cut; it got no guess. */
        snprintf(words, sizeof(words), "%s%s%.40s", sub ? name : "", sub ? " " : "", sub ? sub : name);
        snprintf(suggestion, sizeof(suggestion), "%s%s%s", sub ? name : "", sub ? " " : "", nearest ? nearest : "");
        return complain_unknown(say(_("there is no verb \"%s\""), words), nearest ? suggestion : NULL);
}

/* ret_n_words: how many of the words the verb itself took. */
static int find_verb(char **words, size_t n_words, const CtlVerb **ret, size_t *ret_n_words) {
        const char *name = n_words > 0 ? words[0] : "status", *sub = n_words > 1 ? words[1] : NULL;
        bool is_name_known = false;
        size_t n_verbs;
        const CtlVerb *verbs = ctl_verbs(&n_verbs);

        for (size_t i = 0; i < n_verbs; i++) {
                if (strcmp(verbs[i].name, name) != 0)
                        continue;
                is_name_known = true;
                if (verbs[i].sub && sub ? strcmp(verbs[i].sub, sub) == 0 : verbs[i].is_default) {
                        *ret = &verbs[i];
                        *ret_n_words = MIN(n_words, verbs[i].sub ? (size_t)2 : (size_t)1);
                        return CTL_EXIT_DONE;
                }
        }

        return unknown_verb(name, is_name_known ? sub : NULL);
}

static int take_file(char **words, size_t n_words, CtlOptions *options) {
        if (n_words > 1) {
                ctl_complain(_("\"%s\" is one word too many; see trailkeepctl --help"), words[1]);
                return CTL_EXIT_USAGE;
        }

        options->file = words[0];
        return CTL_EXIT_DONE;
}

static int take_arguments(char **words, size_t n_words, CtlOptions *options) {
        const CtlVerb *verb = options->verb;

        if (!verb->arguments && n_words > 0) {
                ctl_complain(_("\"%s\" is one word too many; see trailkeepctl --help"), words[0]);
                return CTL_EXIT_USAGE;
        }
        if (verb->arguments && n_words == 0) {
                ctl_complain(_("name what for: trailkeepctl %s %s %s"), verb->name, verb->sub, verb->arguments);
                return CTL_EXIT_USAGE;
        }
        if (verb->arguments && strcmp(verb->arguments, CTL_ARGUMENT_FILE) == 0)
                return take_file(words, n_words, options);
        for (size_t i = 0; i < n_words; i++) {
                int r = add_purpose(words[i], options);

                if (r != CTL_EXIT_DONE)
                        return r;
        }

        return CTL_EXIT_DONE;
}

static int check_options(const CtlOptions *options) {
        const CtlVerb *verb = options->verb;

        for (size_t i = 0; i < ELEMENTSOF(options_table); i++)
                if (options_table[i].bit & options->given & ~verb->options) {
                        ctl_complain(_("--%s does not go with \"%s%s%s\"; see trailkeepctl --help"),
                                     options_table[i].name, verb->name, verb->sub ? " " : "",
                                     verb->sub ? verb->sub : "");
                        return CTL_EXIT_USAGE;
                }
        if (options->given & CTL_OPTION_ALL && options->given & CTL_SCOPE_OPTIONS) {
                ctl_complain(_("--all leaves nothing out, so no other choice of what to erase goes with it"));
                return CTL_EXIT_USAGE;
        }
        if (options->since_ms != TIME_MS_NONE && options->until_ms != TIME_MS_NONE &&
            options->since_ms >= options->until_ms) {
                ctl_complain(_("--since must be before --until"));
                return CTL_EXIT_USAGE;
        }

        return CTL_EXIT_DONE;
}

/**
 * options_parse() - read the command line
 * @argc:       number of arguments
 * @argv:       arguments, moved about so that options stand first; borrowed for as long as @ret is used
 * @clock:      what time it is
 * @ret:        set whole on success, undefined otherwise
 *
 * Return: CTL_EXIT_DONE; CTL_EXIT_USAGE, said on stderr; CTL_OPTIONS_ANSWERED when --help or --version was printed.
 */
int options_parse(int argc, char **argv, const Clock *clock, CtlOptions *ret) {
        CtlOptions options = { .bus_address = "system", .since_ms = TIME_MS_NONE, .until_ms = TIME_MS_NONE };
        size_t n_verb_words = 0;
        char **words;
        int r;

        r = parse_all(argc, argv, clock, &options);
        if (r != CTL_EXIT_DONE)
                return r;

        words = argv + optind;
        r = find_verb(words, (size_t)(argc - optind), &options.verb, &n_verb_words);
        if (r != CTL_EXIT_DONE)
                return r;
        r = take_arguments(words + n_verb_words, (size_t)(argc - optind) - n_verb_words, &options);
        if (r != CTL_EXIT_DONE)
                return r;
        r = check_options(&options);
        if (r != CTL_EXIT_DONE)
                return r;

        *ret = options;
        return CTL_EXIT_DONE;
}
