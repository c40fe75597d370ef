/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * trailkeepctl data summary|erasures. Floor 6. Erasing is in data-erase.c.
 */
#include <errno.h>
#include <string.h>

#include "client.h"
#include "data.h"
#include "format.h"
#include "i18n.h"
#include "output.h"
#include "trailkeep/purpose.h"

static void add_time(Table *table, const json_t *time) {
        char text[FORMAT_MAX];

        if (time)
                table_add_cell(table, TABLE_PLAIN, "%.16s",
                               format_time(json_integer_value(time), text)); /* to the minute */
        else
                table_add_cell(table, TABLE_FAINT, "-");
}

static void add_summary(Table *table, const char *purpose, const json_t *summary) {
        json_int_t bytes = json_integer_value(json_object_get(summary, "bytes"));
        char text[FORMAT_MAX];

        table_add_row(table);
        table_add_cell(table, TABLE_PLAIN, "%s", purpose);
        table_add_count(table, TABLE_PLAIN, json_integer_value(json_object_get(summary, "records")));
        table_add_cell(table, bytes == 0 ? TABLE_FAINT : TABLE_PLAIN, "%s", format_bytes((uint64_t)bytes, text));
        table_add_count(table, TABLE_PLAIN, json_integer_value(json_object_get(summary, "objects-stored")));
        add_time(table, json_object_get(summary, "oldest"));
        add_time(table, json_object_get(summary, "newest"));
}

/**
 * ctl_data_summary() - trailkeepctl data summary
 * @ctl:        options and bus
 *
 * Return: a CtlExit, other than CTL_EXIT_DONE said on stderr; or -errno.
 */
int ctl_data_summary(Ctl *ctl) {
        _cleanup_(table_freep) Table *table = NULL;
        _cleanup_json_ json_t *summary = NULL;
        const char *purpose;
        json_t *values;
        int r;

        r = client_call_simple(ctl, CLIENT_DATA, "Summary", &summary);
        if (r != CTL_EXIT_DONE)
                return r;
        if (ctl->options->is_json)
                return output_json(summary);

        table = table_new();
        if (!table)
                return -ENOMEM;
        table_add_column(table, _("PURPOSE"));
        table_add_number_column(table, _("RECORDS"));
        table_add_number_column(table, _("SIZE"));
        table_add_number_column(table, _("IN STORE"));
        table_add_column(table, _("OLDEST"));
        table_add_column(table, _("NEWEST"));
        json_object_foreach(summary, purpose, values)
                add_summary(table, purpose, values);

        return table_print(table);
}

/**
 * data_join_purposes() - the purposes of an erasure in one text
 * @purposes:   array of strings
 *
 * Return: a text the caller frees, NULL when out of memory.
 */
char *data_join_purposes(const json_t *purposes) {
        _cleanup_free_ char *joined = strdup("");
        json_t *purpose;
        size_t i;

        json_array_foreach((json_t *)purposes, i, purpose) {
                char *longer;

                if (!joined || asprintf(&longer, "%s%s%s", joined, *joined ? ", " : "", json_string_value(purpose)) < 0)
                        return NULL;
                free(joined);
                joined = longer;
        }

        return TAKE_PTR(joined);
}

static int add_erasure(Table *table, const Ctl *ctl, const char *path, const json_t *erasure) {
        _cleanup_free_ char *purposes = data_join_purposes(json_object_get(erasure, "Purposes"));
        json_int_t to_delete = json_integer_value(json_object_get(erasure, "ObjectsToDelete"));
        json_int_t deleted = json_integer_value(json_object_get(erasure, "ObjectsDeleted"));
        const char *clip = json_string_value(json_object_get(erasure, "Clip"));
        const char *number = strrchr(path, '/'), *scope;
        char text[FORMAT_MAX];

        if (!purposes)
                return -ENOMEM;

        table_add_row(table);
        table_add_cell(table, TABLE_PLAIN, "%s", number ? number + 1 : path);
        table_add_cell(table, TABLE_PLAIN, "%s",
                       format_time_ago(json_integer_value(json_object_get(erasure, "Requested")), ctl_now_ms(ctl),
                                       text));
        table_add_count(table, TABLE_PLAIN,
                        json_integer_value(json_object_get(erasure, "Records")) +
                                json_integer_value(json_object_get(erasure, "Copies")));
        table_add_cell(table, deleted < to_delete ? TABLE_WARN : TABLE_PLAIN,
                       "%" JSON_INTEGER_FORMAT "/%" JSON_INTEGER_FORMAT, deleted, to_delete);
        scope = json_array_size(json_object_get(erasure, "Purposes")) == PURPOSE_MAX ? _("every purpose") : purposes;
        if (clip && *clip)
                table_add_cell(table, TABLE_PLAIN, _("%s (clip %s)"), scope, clip);
        else
                table_add_cell(table, TABLE_PLAIN, "%s", scope);
        return 0;
}

/* [[path, properties], ...] as [{"erasure": path, properties...}, ...] */
static json_t *flatten_erasures(const json_t *erasures) {
        _cleanup_json_ json_t *flat = json_array();
        json_t *entry;
        size_t i;

        json_array_foreach((json_t *)erasures, i, entry) {
                _cleanup_json_ json_t *object = json_pack("{sO?}", "erasure", json_array_get(entry, 0));

                if (!object || json_object_update(object, json_array_get(entry, 1)) < 0 ||
                    json_array_append(flat, object) < 0)
                        return NULL;
        }

        return TAKE_PTR(flat);
}

/**
 * ctl_data_erasures() - trailkeepctl data erasures
 * @ctl:        options and bus
 *
 * Return: a CtlExit, other than CTL_EXIT_DONE said on stderr; or -errno.
 */
int ctl_data_erasures(Ctl *ctl) {
        _cleanup_(table_freep) Table *table = NULL;
        _cleanup_json_ json_t *reply = NULL, *erasures = NULL;
        json_t *erasure;
        size_t i;
        int r;

        r = client_call_simple(ctl, CLIENT_DATA, "ListErasures", &reply);
        if (r != CTL_EXIT_DONE)
                return r;
        erasures = flatten_erasures(reply);
        if (!erasures)
                return -ENOMEM;
        if (ctl->options->is_json)
                return output_json(erasures);
        if (json_array_size(erasures) == 0) {
                output_say(ctl, _("Nothing was erased so far."));
                return CTL_EXIT_DONE;
        }

        table = table_new();
        if (!table)
                return -ENOMEM;
        table_add_number_column(table, _("NR"));
        table_add_column(table, _("REQUESTED"));
        table_add_number_column(table, _("RECORDS"));
        table_add_number_column(table, _("STORE"));
        table_add_last_column(table, _("PURPOSES"));
        json_array_foreach(erasures, i, erasure) {
                r = add_erasure(table, ctl, json_string_value(json_object_get(erasure, "erasure")), erasure);
                if (r < 0)
                        return r;
        }

        return table_print(table);
}
