/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * trailkeepctl monitor: changes as they happen, a line each. Floor 6.
 *
 * A position is never printed here, whatever the daemon sends: only what the tables below name is, and reals are
 * dropped from it. It needs no daemon at its start: it says when one comes and goes.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "client.h"
#include "format.h"
#include "i18n.h"
#include "output.h"
#include "wait.h"

typedef struct Monitor {
        Ctl *ctl;
        Wait *wait;
        json_t *lanes; /* as last announced, to show what changed; owned, NULL: nothing yet */
} Monitor;

/* What may be shown; all of it is state or a counter. */
static const struct {
        const char *interface, *property;
} shown[] = {
        { CLIENT_DEVICE, "State" },           { CLIENT_DEVICE, "GnssState" },  { CLIENT_DEVICE, "Lanes" },
        { CLIENT_DEVICE, "LastErrors" },      { CLIENT_SYNC, "State" },        { CLIENT_SYNC, "LastError" },
        { CLIENT_SYNC, "PendingDeletions" },  { CLIENT_ERASURE, "Reclaimed" }, { CLIENT_ERASURE, "ObjectsToDelete" },
        { CLIENT_ERASURE, "ObjectsDeleted" },
};

static bool is_shown(const char *interface, const char *property) {
        for (size_t i = 0; i < ELEMENTSOF(shown); i++)
                if (strcmp(shown[i].interface, interface) == 0 && strcmp(shown[i].property, property) == 0)
                        return true;

        return false;
}

static void monitor_check(Monitor *monitor, int r) {
        if (r < 0)
                wait_end(monitor->wait, r);
}

static void _printf_(3, 4) print_line(Monitor *monitor, const char *what, const char *format, ...) {
        char time[FORMAT_MAX], line[1024];
        _cleanup_free_ char *printable = NULL;
        va_list args;

        va_start(args, format);
        vsnprintf(line, sizeof(line), format, args); /* a longer sentence is cut */
        va_end(args);
        printable = text_dup_printable(line);
        if (!printable) {
                monitor_check(monitor, -ENOMEM);
                return;
        }

        format_time(ctl_now_ms(monitor->ctl), time);
        if (printf("%s  %-9s %s\n", time, what, printable) < 0 || fflush(stdout) == EOF)
                monitor_check(monitor, -EIO);
}

static void print_json(Monitor *monitor, json_t *event) {
        if (!event || json_object_set_new(event, "time", json_integer(ctl_now_ms(monitor->ctl))) < 0)
                monitor_check(monitor, -ENOMEM);
        else
                monitor_check(monitor, output_json_line(event));
        json_decref(event);
}

static char *counter(const json_t *lane, const char *name, char ret[static FORMAT_MAX]) {
        return format_count((uint64_t)json_integer_value(json_object_get(lane, name)), ret);
}

static void print_lanes(Monitor *monitor, const json_t *lanes) {
        char recorded[FORMAT_MAX], pending[FORMAT_MAX], stored[FORMAT_MAX], parked[FORMAT_MAX];
        const char *name;
        json_t *lane;

        json_object_foreach((json_t *)lanes, name, lane) {
                if (json_equal(lane, json_object_get(monitor->lanes, name)))
                        continue;
                if (!monitor->lanes && json_integer_value(json_object_get(lane, "recorded")) == 0)
                        continue;
                print_line(monitor, "journal", _("%s: %s recorded, %s pending, %s stored, %s parked"), name,
                           counter(lane, "recorded", recorded), counter(lane, "pending", pending),
                           counter(lane, "stored", stored), counter(lane, "parked", parked));
        }

        json_decref(monitor->lanes);
        monitor->lanes = json_incref((json_t *)lanes);
}

static void print_errors(Monitor *monitor, const json_t *errors) {
        const char *module;
        json_t *text;

        if (json_object_size(errors) == 0)
                print_line(monitor, "trouble", "%s", _("none any more"));
        json_object_foreach((json_t *)errors, module, text)
                print_line(monitor, "trouble", "%s: %s", module, json_string_value(text));
}

static void print_state(Monitor *monitor, const char *what, const json_t *state) {
        TableColour colour;

        print_line(monitor, what, "%s", output_state(json_string_value(state), &colour));
}

static void print_property(Monitor *monitor, const char *interface, const char *property, const json_t *value) {
        const char *sentence = json_string_value(value);
        char text[FORMAT_MAX];

        if (strcmp(property, "Lanes") == 0)
                print_lanes(monitor, value);
        else if (strcmp(property, "LastErrors") == 0)
                print_errors(monitor, value);
        else if (strcmp(property, "GnssState") == 0)
                print_state(monitor, "receiver", value);
        else if (strcmp(property, "State") == 0)
                print_state(monitor, strcmp(interface, CLIENT_SYNC) == 0 ? "store" : "daemon", value);
        else if (sentence && *sentence)
                print_line(monitor, "store", "%s", sentence);
        else if (json_is_integer(value))
                print_line(monitor, "store", _("to delete there: %s"),
                           format_count((uint64_t)json_integer_value(value), text));
}

/* {"signal": "PropertiesChanged", "path": ..., "interface": ..., "properties": {...}, "invalidated": [...]} */
static void on_properties(Monitor *monitor, const char *path, const json_t *arguments) {
        _cleanup_json_ json_t *properties = json_object(), *invalidated = json_array();
        const char *interface = json_string_value(json_array_get(arguments, 0)), *property;
        json_t *value;
        size_t i;

        if (!interface || !properties || !invalidated)
                return;
        json_object_foreach(json_array_get(arguments, 1), property, value)
                if (is_shown(interface, property) && !json_is_real(value) &&
                    json_object_set(properties, property, value) < 0)
                        return;
        json_array_foreach(json_array_get(arguments, 2), i, value)
                if (json_is_string(value) && is_shown(interface, json_string_value(value)) &&
                    json_array_append(invalidated, value) < 0)
                        return;
        if (json_object_size(properties) == 0 && json_array_size(invalidated) == 0)
                return;

        if (monitor->ctl->options->is_json) {
                print_json(monitor,
                           json_pack("{ss ss ss sO sO}", "signal", "PropertiesChanged", "path", path, "interface",
                                     interface, "properties", properties, "invalidated", invalidated));
                return;
        }
        json_object_foreach(properties, property, value)
                print_property(monitor, interface, property, value);
        if (json_array_size(invalidated) > 0)
                print_line(monitor, "erasure", _("%s goes on"), path);
}

static void on_consent(Monitor *monitor, const json_t *arguments) {
        const char *purpose = json_string_value(json_array_get(arguments, 0));
        bool is_granted = json_is_true(json_array_get(arguments, 1));

        if (!purpose)
                return;
        if (monitor->ctl->options->is_json)
                print_json(monitor, json_pack("{ss ss sb}", "signal", "Changed", "purpose", purpose, "granted",
                                              (int)is_granted));
        else
                print_line(monitor, "consent", is_granted ? _("%s granted") : _("%s withdrawn"), purpose);
}

static void on_changed(sd_bus_message *signal, void *userdata) {
        _cleanup_json_ json_t *arguments = NULL;
        Monitor *monitor = userdata;
        int r = bus_message_to_json(signal, &arguments);

        if (r < 0)
                monitor_check(monitor, r);
        else if (sd_bus_message_is_signal(signal, CLIENT_CONSENT, "Changed") > 0)
                on_consent(monitor, arguments);
        else
                on_properties(monitor, sd_bus_message_get_path(signal), arguments);
}

static void on_daemon(bool is_there, void *userdata) {
        Monitor *monitor = userdata;

        if (monitor->ctl->options->is_json)
                print_json(monitor, json_pack("{ss sb}", "signal", "NameOwnerChanged", "running", (int)is_there));
        else
                print_line(monitor, "daemon", "%s", is_there ? _("started") : _("stopped"));
}

/**
 * ctl_monitor() - trailkeepctl monitor
 * @ctl:        options and bus
 *
 * Return: CTL_EXIT_ABSENT, said on stderr, when the bus goes away; or -errno. It never ends by itself.
 */
int ctl_monitor(Ctl *ctl) {
        _cleanup_(wait_freep) Wait *wait = NULL;
        Monitor monitor = { .ctl = ctl };
        int r;

        r = wait_new(ctl, &(WaitObserver){ .changed = on_changed, .daemon = on_daemon, .userdata = &monitor }, &wait);
        if (r < 0)
                return r;
        monitor.wait = wait;
        if (!ctl->options->is_quiet)
                fprintf(stderr, "%s\n", _("Watching; end with Ctrl-C.")); /* not what was asked for: stderr, may fail */

        r = wait_run(wait);
        json_decref(monitor.lanes);
        return r;
}
