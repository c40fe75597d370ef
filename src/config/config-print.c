/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is made from the table of keys: the OPTIONS part of trailkeep.conf(5) in scdoc(5), and the sample file. Floor 2.
 */
#include <errno.h>
#include <string.h>
#include "config-table.h"
#include "config-value.h"
#include "trailkeep/config.h"

/* scdoc reads * and _ as emphasis and a backslash as an escape. */
static void print_escaped(FILE *out, const char *text) {
        for (; *text; text++) {
                if (strchr("*_\\", *text))
                        fputc('\\', out);
                fputc(*text == '\n' ? ' ' : *text, out);
        }
}

static void print_man_key(FILE *out, const ConfigKey *key) {
        char form[CONFIG_FORM_MAX];

        config_value_form(key, form);
        fprintf(out, "*%s=*\n\t", key->name);
        print_escaped(out, key->help);
        fputs("\n\n\tValue: ", out);
        print_escaped(out, form);
        fputs(". Default: ", out);
        if (*key->default_text) {
                fputc('*', out);
                print_escaped(out, key->default_text);
                fputc('*', out);
        } else {
                fputs("none", out);
        }
        fputs(".\n\n", out);
}

static void print_sample_key(FILE *out, const ConfigKey *key) {
        char form[CONFIG_FORM_MAX];

        fputs("\n# ", out);
        for (const char *p = key->help; *p; p++) {
                fputc(*p, out);
                if (*p == '\n')
                        fputs("# ", out);
        }
        config_value_form(key, form);
        fprintf(out, "\n# Value: %s.\n#%s=%s\n", form, key->name, key->default_text);
}

static bool is_first_of_section(size_t i) {
        return i == 0 || strcmp(config_keys[i].section, config_keys[i - 1].section) != 0;
}

static int flush(FILE *out) {
        if (fflush(out) != 0)
                return -errno;
        return ferror(out) ? -EIO : 0;
}

/**
 * config_print_man() - print the OPTIONS part of trailkeep.conf(5), in scdoc(5)
 * @out:        where to; flushed
 *
 * Return: 0; -errno if it could not be written.
 */
int config_print_man(FILE *out) {
        fputs("# OPTIONS\n\n", out);
        for (size_t i = 0; i < config_n_keys; i++) {
                if (is_first_of_section(i))
                        fprintf(out, "## [%s]\n\n", config_keys[i].section);
                print_man_key(out, &config_keys[i]);
        }
        return flush(out);
}

/**
 * config_print_sample() - print a trailkeep.conf in which every key is commented out and shows its default
 * @out:        where to; flushed
 *
 * Return: 0; -errno if it could not be written.
 */
int config_print_sample(FILE *out) {
        fputs("# Configuration of trailkeepd, see trailkeep.conf(5). Each key stands with its default; to change one,\n"
              "# take the \"#\" off, or better write it to a file of your own in trailkeep.conf.d/: updates leave\n"
              "# that alone. \"trailkeepd --check-config\" says whether all is right.\n",
              out);
        for (size_t i = 0; i < config_n_keys; i++) {
                if (is_first_of_section(i))
                        fprintf(out, "\n[%s]\n", config_keys[i].section);
                print_sample_key(out, &config_keys[i]);
        }
        return flush(out);
}
