/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the verbs print. Floor 6.
 */
#include "output.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "format.h"
#include "i18n.h"

/**
 * output_json() - print a document on standard output
 * @document:   whole
 *
 * Return: 0 or -errno.
 */
int output_json(json_t *document) {
        if (json_dumpf(document, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY) < 0)
                return -EIO;

        return putchar('\n') == EOF ? -EIO : 0;
}

/**
 * output_json_line() - print a document on a line of its own, at once
 * @document:   whole
 *
 * Return: 0 or -errno.
 */
int output_json_line(json_t *document) {
        if (json_dumpf(document, stdout, JSON_COMPACT | JSON_ENCODE_ANY) < 0)
                return -EIO;
        if (putchar('\n') == EOF)
                return -EIO;

        return fflush(stdout) == EOF ? -EIO : 0;
}

/**
 * output_say() - print a sentence for people
 * @ctl:        nothing is printed with --json or --quiet
 * @format:     without the end of line
 */
void output_say(const Ctl *ctl, const char *format, ...) {
        va_list args;

        if (ctl->options->is_json || ctl->options->is_quiet)
                return;

        va_start(args, format);
        vprintf(format, args); /* ctl_run() looks at the state of stdout at the end */
        va_end(args);
        putchar('\n');
}

/**
 * output_state() - a state in words
 * @state:              as data/dbus names it; NULL is unknown
 * @ret_colour:         good, a warning, bad, or plain
 *
 * Return: a translated text, or @state; borrowed.
 */
const char *output_state(const char *state, TableColour *ret_colour) {
        static const struct {
                const char *state;
                TableColour colour;
                const char *text;
        } states[] = {
                { "running", TABLE_GOOD, N_("running") },
                { "degraded", TABLE_WARN, N_("degraded") },
                { "stopped", TABLE_PLAIN, N_("off, no consent to location") },
                { "connecting", TABLE_WARN, N_("connecting to gpsd") },
                { "watching", TABLE_WARN, N_("no fix yet") },
                { "fixing", TABLE_GOOD, N_("fixes arrive") },
                { "silent", TABLE_WARN, N_("gpsd says nothing") },
                { "waiting", TABLE_WARN, N_("waiting for the next attempt") },
                { "off", TABLE_PLAIN, N_("no store is configured") },
                { "idle", TABLE_GOOD, N_("idle") },
                { "sending", TABLE_GOOD, N_("sending") },
                { "missing", TABLE_WARN, N_("no card, or a new one") },
                { "foreign", TABLE_WARN, N_("the card of another installation") },
                { "low", TABLE_WARN, N_("room is short") },
                { "full", TABLE_WARN, N_("no space") },
                { "read-only", TABLE_WARN, N_("cannot be written to") },
                { "failing", TABLE_BAD, N_("does not work") },
                { "held", TABLE_BAD, N_("held, the account or the store refuses") },
        };

        *ret_colour = TABLE_PLAIN;
        if (!state)
                return _("unknown");
        for (size_t i = 0; i < ELEMENTSOF(states); i++)
                if (strcmp(states[i].state, state) == 0) {
                        *ret_colour = states[i].colour;
                        return _(states[i].text);
                }

        return state;
}

/**
 * output_lanes_total() - sum a counter over all lanes
 * @lanes:      Device1.Lanes
 * @counter:    its name
 *
 * Return: the sum; what is missing counts as none.
 */
int64_t output_lanes_total(const json_t *lanes, const char *counter) {
        int64_t total = 0;
        const char *name;
        json_t *lane;

        json_object_foreach((json_t *)lanes, name, lane)
                total += json_integer_value(json_object_get(lane, counter));

        return total;
}

/* What never reached the store although nobody asked for that. */
static bool is_loss(const char *counter) {
        return strcmp(counter, "parked") == 0 || strcmp(counter, "evicted") == 0;
}

/**
 * output_lanes() - print the table of lanes
 * @ctl:        for the options
 * @device:     the properties of Device1
 *
 * Return: 0 or -errno.
 */
int output_lanes(const Ctl *ctl, const json_t *device) {
        static const char *const counters[] = { "recorded", "pending", "stored", "parked", "expired", "evicted", "erased" };
        _cleanup_(table_freep) Table *table = table_new();
        const json_t *oldest = json_object_get(device, "OldestPending");
        const char *name;
        json_t *lane;

        if (!table)
                return -ENOMEM;
        table_add_column(table, _("LANE"));
        table_add_number_column(table, _("RECORDED"));
        table_add_number_column(table, _("PENDING"));
        table_add_number_column(table, _("STORED"));
        table_add_number_column(table, _("PARKED"));
        table_add_number_column(table, _("EXPIRED"));
        table_add_number_column(table, _("EVICTED"));
        table_add_number_column(table, _("ERASED"));
        table_add_number_column(table, _("OLDEST UNSENT"));

        json_object_foreach(json_object_get(device, "Lanes"), name, lane) {
                const json_t *age = json_object_get(oldest, name);
                char text[FORMAT_MAX] = "-";

                table_add_row(table);
                table_add_cell(table, TABLE_PLAIN, "%s", name);
                for (size_t i = 0; i < ELEMENTSOF(counters); i++)
                        table_add_count(table, is_loss(counters[i]) ? TABLE_WARN : TABLE_PLAIN,
                                        json_integer_value(json_object_get(lane, counters[i])));
                if (age)
                        format_span((uint64_t)json_integer_value(age) * USEC_PER_SEC, text);
                table_add_cell(table, age ? TABLE_PLAIN : TABLE_FAINT, "%s", text);
        }

        return table_print(table);
}

/**
 * output_errors() - add what keeps modules from their work to a block
 * @table:              from table_new_pairs()
 * @last_errors:        Device1.LastErrors
 */
void output_errors(Table *table, const json_t *last_errors) {
        const char *module;
        json_t *text;

        json_object_foreach((json_t *)last_errors, module, text)
                table_add_pair(table, _("Trouble"), TABLE_BAD, "%s: %s", module, json_string_value(text));
}
