/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * trailkeepctl status [--fix]. Floor 6.
 *
 * The position is shown only when asked for by name: a status that is pasted into a bug report must not say where
 * somebody is.
 */
#include <errno.h>
#include <string.h>

#include "client.h"
#include "format.h"
#include "i18n.h"
#include "output.h"

static int gather(Ctl *ctl, json_t *document) {
        static const struct {
                const char *key, *interface;
        } interfaces[] = { { "device", CLIENT_DEVICE }, { "sync", CLIENT_SYNC },
                         { "journal", CLIENT_JOURNAL } };
        json_t *value;
        int r;

        for (size_t i = 0; i < ELEMENTSOF(interfaces); i++) {
                r = client_get_all(ctl, CLIENT_PATH, interfaces[i].interface, &value);
                if (r != CTL_EXIT_DONE)
                        return r;
                if (json_object_set_new(document, interfaces[i].key, value) < 0)
                        return -ENOMEM;
        }

        r = client_call_simple(ctl, CLIENT_CONSENT, "List", &value);
        if (r != CTL_EXIT_DONE)
                return r;
        if (json_object_set_new(document, "consents", value) < 0)
                return -ENOMEM;
        if (!(ctl->options->given & CTL_OPTION_FIX))
                return CTL_EXIT_DONE;

        r = client_call_simple(ctl, CLIENT_DEVICE, "GetLastFix", &value);
        if (r != CTL_EXIT_DONE)
                return r;
        return json_object_set_new(document, "fix", value) < 0 ? -ENOMEM : CTL_EXIT_DONE;
}

static int add_consents(Table *table, const json_t *consents) {
        _cleanup_free_ char *granted = strdup("");
        json_t *consent;
        size_t i;

        json_array_foreach((json_t *)consents, i, consent) {
                char *longer;

                if (!granted)
                        return -ENOMEM;
                if (!json_is_true(json_object_get(consent, "granted")))
                        continue;
                if (asprintf(&longer, "%s%s%s", granted, *granted ? ", " : "",
                             json_string_value(json_object_get(consent, "purpose"))) < 0)
                        return -ENOMEM;
                free(granted);
                granted = longer;
        }
        if (!granted)
                return -ENOMEM;

        if (*granted)
                table_add_pair(table, _("Consent"), TABLE_PLAIN, "%s", granted);
        else
                table_add_pair(table, _("Consent"), TABLE_PLAIN, "%s", _("none: nothing is recorded"));
        return 0;
}

static void add_state(Table *table, const char *label, const json_t *state) {
        TableColour colour;
        const char *text = output_state(json_string_value(state), &colour);

        table_add_pair(table, label, colour, "%s", text);
}

/* What proves true time, and whose word is not believed. A daemon that is older does not say. */
static void add_time(Table *table, const json_t *device) {
        const char *proof = json_string_value(json_object_get(device, "TrueTime"));
        json_t *source;
        size_t i;

        if (!proof)
                return;
        if (strcmp(proof, "none") == 0)
                table_add_pair(table, _("True time"), TABLE_WARN, "%s", _("not proven, time off counts for nothing"));
        else if (strcmp(proof, "store") == 0)
                table_add_pair(table, _("True time"), TABLE_GOOD, "%s", _("proven by the store"));
        else if (strcmp(proof, "gnss+kernel") == 0)
                table_add_pair(table, _("True time"), TABLE_GOOD, "%s", _("proven by receiver and system clock"));
        else
                table_add_pair(table, _("True time"), TABLE_PLAIN, "%s", proof);
        json_array_foreach(json_object_get(device, "ClocksHeldOff"), i, source)
                table_add_pair(table, _("Held off"), TABLE_WARN, _("the time of '%s', which contradicts the others"),
                               json_string_value(source));
}

/* The disk, and the folder for media, have nothing to say as long as all is well. */
static void add_storage(Table *table, const char *label, const json_t *state) {
        const char *name = json_string_value(state);

        if (name && strcmp(name, "ok") != 0)
                add_state(table, label, state);
}

/* What nobody was to get is no loss. */
static void add_expired(Table *table, const json_t *lanes, const char *store_state) {
        int64_t n = output_lanes_total(lanes, "expired");
        char text[FORMAT_MAX];

        if (n > 0 && store_state && strcmp(store_state, "off") != 0)
                table_add_pair(table, _("Expired"), TABLE_WARN, _("%s records before they could be sent"),
                               format_count((uint64_t)n, text));
}

static int print_overview(const json_t *document) {
        const json_t *device = json_object_get(document, "device"), *sync = json_object_get(document, "sync");
        const json_t *deletions = json_object_get(sync, "PendingDeletions");
        _cleanup_(table_freep) Table *table = table_new_pairs();
        char text[FORMAT_MAX];
        TableColour colour;
        const char *state;
        int r;

        if (!table)
                return -ENOMEM;
        state = output_state(json_string_value(json_object_get(device, "State")), &colour);
        table_add_pair(table, "trailkeepd", colour, "%s (%s)", state,
                       json_string_value(json_object_get(device, "Version")));
        r = add_consents(table, json_object_get(document, "consents"));
        if (r < 0)
                return r;

        add_state(table, _("Receiver"), json_object_get(device, "GnssState"));
        add_state(table, _("Store"), json_object_get(sync, "State"));
        add_storage(table, _("Storage"), json_object_get(json_object_get(document, "journal"), "State"));
        add_storage(table, _("Media"), json_object_get(json_object_get(document, "journal"), "MediaState"));
        if (json_integer_value(deletions) > 0)
                table_add_pair(table, _("To delete"), TABLE_WARN, _("%s in the store"),
                               format_count((uint64_t)json_integer_value(deletions), text));
        table_add_pair(table, _("Filtered"), TABLE_PLAIN, _("%s fixes left out since start"),
                       format_count((uint64_t)json_integer_value(json_object_get(device, "FixesFiltered")), text));
        add_expired(table, json_object_get(device, "Lanes"), json_string_value(json_object_get(sync, "State")));
        add_time(table, device);
        output_errors(table, json_object_get(device, "LastErrors"));

        return table_print(table);
}

static void add_number(Table *table, const char *label, const json_t *value, const char *format_kind) {
        if (!value)
                return;
        if (strcmp(format_kind, "m") == 0)
                table_add_pair(table, label, TABLE_PLAIN, "%.1f m", json_number_value(value));
        else if (strcmp(format_kind, "km/h") == 0)
                table_add_pair(table, label, TABLE_PLAIN, "%.1f km/h", json_number_value(value) * 3.6);
        else
                table_add_pair(table, label, TABLE_PLAIN, "%.0f°", json_number_value(value));
}

static int print_fix(const Ctl *ctl, const json_t *fix) {
        _cleanup_(table_freep) Table *table = table_new_pairs();
        const json_t *time = json_object_get(fix, "time"), *eph = json_object_get(fix, "eph");
        char text[FORMAT_MAX], lon[FORMAT_MAX];

        if (!table)
                return -ENOMEM;
        table_add_pair(table, _("Position"), TABLE_PLAIN, "%s, %s",
                       format_degrees(json_number_value(json_object_get(fix, "lat")), text),
                       format_degrees(json_number_value(json_object_get(fix, "lon")), lon));
        if (eph)
                table_add_pair(table, _("Accuracy"), TABLE_PLAIN, "± %.1f m", json_number_value(eph));
        if (time)
                table_add_pair(table, _("Time"), TABLE_PLAIN, "%s",
                               format_time_ago(json_integer_value(time), ctl_now_ms(ctl), text));
        add_number(table, _("Altitude"), json_object_get(fix, "altMSL"), "m");
        add_number(table, _("Speed"), json_object_get(fix, "speed"), "km/h");
        add_number(table, _("Direction"), json_object_get(fix, "track"), "°");

        putchar('\n'); /* ctl_run() looks at the state of stdout */
        return table_print(table);
}

/**
 * ctl_status() - trailkeepctl status
 * @ctl:        options and bus
 *
 * Return: a CtlExit, other than CTL_EXIT_DONE said on stderr; or -errno.
 */
int ctl_status(Ctl *ctl) {
        _cleanup_json_ json_t *document = json_object();
        const json_t *device, *fix;
        int r;

        if (!document)
                return -ENOMEM;
        r = gather(ctl, document);
        if (r != CTL_EXIT_DONE)
                return r;
        if (ctl->options->is_json)
                return output_json(document);

        device = json_object_get(document, "device");
        r = print_overview(document);
        if (r < 0)
                return r;
        putchar('\n'); /* ctl_run() looks at the state of stdout */
        r = output_lanes(ctl, device);
        if (r < 0)
                return r;

        fix = json_object_get(document, "fix");
        return fix ? print_fix(ctl, fix) : CTL_EXIT_DONE;
}
