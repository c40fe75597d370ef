/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * --help, made from the tables of verbs and options. Floor 6.
 *
 * Only names, which are ASCII, stand in the padded column; so translations may be of any width.
 */
#include "ctl.h"
#include "i18n.h"
#include "terminal.h"
#include "trailkeep/purpose.h"

#define NAME_COLUMN 28

static void print_heading(FILE *out, const char *heading) {
        fprintf(out, "\n%s%s%s\n", terminal_paint(out, TERMINAL_BOLD), heading, terminal_paint(out, TERMINAL_PLAIN));
}

static void print_verb(FILE *out, const CtlVerb *verb) {
        char name[64];

        snprintf(name, sizeof(name), "%s%s%s%s%s", verb->name, verb->sub ? " " : "", verb->sub ? verb->sub : "",
                 verb->arguments ? " " : "", verb->arguments ? verb->arguments : "");
        fprintf(out, "  %-*s %s\n", NAME_COLUMN, name, _(verb->help));
}

static void print_option(FILE *out, const CtlOption *option) {
        char name[64], letter[] = "-x,";

        letter[1] = option->letter;
        snprintf(name, sizeof(name), "%3s --%s%s%s", option->letter ? letter : "", option->name,
                 option->argument ? "=" : "", option->argument ? option->argument : "");
        fprintf(out, "  %-*s %s\n", NAME_COLUMN, name, _(option->help));
}

static void print_purposes(FILE *out) {
        size_t column = 0;

        print_heading(out, _("Purposes:"));
        for (Purpose i = 0; i < PURPOSE_MAX; i++) {
                int n = fprintf(out, "%s%s", column == 0 ? "  " : " ", purpose_to_string(i));

                column += n > 0 ? (size_t)n : 0;
                if (column > 60 || i + 1 == PURPOSE_MAX) {
                        fputc('\n', out);
                        column = 0;
                }
        }
}

/* The options of each verb that has its own. */
static void print_verb_options(FILE *out, const CtlVerb *verb) {
        size_t n;
        const CtlOption *options = ctl_options(&n);
        char heading[128];

        snprintf(heading, sizeof(heading), _("Options of \"%s%s%s\":"), verb->name, verb->sub ? " " : "",
                 verb->sub ? verb->sub : "");
        print_heading(out, heading);
        for (size_t i = 0; i < n; i++)
                if (options[i].bit & verb->options)
                        print_option(out, &options[i]);
}

/**
 * ctl_print_help() - print the help
 * @out:        where to; whether it could be written is its caller's to look at
 */
void ctl_print_help(FILE *out) {
        size_t n_verbs, n_options;
        const CtlVerb *verbs = ctl_verbs(&n_verbs);
        const CtlOption *options = ctl_options(&n_options);

        fprintf(out, "%s\n\n%s\n", _("trailkeepctl [OPTION...] [VERB] [PURPOSE...]"),
                _("See and decide what this box records: consents, data, and the way to the store."));

        print_heading(out, _("Verbs:"));
        for (size_t i = 0; i < n_verbs; i++)
                print_verb(out, &verbs[i]);

        print_heading(out, _("Options:"));
        for (size_t i = 0; i < n_options; i++)
                if (options[i].bit == 0)
                        print_option(out, &options[i]);
        for (size_t i = 0; i < n_verbs; i++)
                if (verbs[i].options)
                        print_verb_options(out, &verbs[i]);

        print_purposes(out);
        fprintf(out, "\n%s\n", _("Exit codes and examples: trailkeepctl(1)."));
}
