/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The daemon as seen over D-Bus: connect and call. Floor 6.
 *
 * Calls block: this is a command, not a daemon, and until the answer is there it has nothing else to do. The verbs that
 * watch something go on in wait.c, on an event loop. No call starts the daemon: who stopped it meant it, and a
 * question must not change what it asks about.
 */
#include "client.h"

#include <errno.h>
#include <string.h>

#include "i18n.h"

/* Granting, withdrawing and erasing return when an SD card has synced, and one that is wearing out takes its time. */
#define CALL_TIMEOUT_USEC (2 * USEC_PER_MINUTE)

static int open_address(const char *address, sd_bus **ret) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        int r;

        r = sd_bus_new(&bus);
        if (r < 0)
                return r;
        r = sd_bus_set_address(bus, address);
        if (r < 0)
                return r;
        r = sd_bus_set_bus_client(bus, true);
        if (r < 0)
                return r;
        r = sd_bus_start(bus);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(bus);
        return 0;
}

static int open_bus(const char *address, sd_bus **ret) {
        if (strcmp(address, "system") == 0)
                return sd_bus_open_system(ret);
        if (strcmp(address, "session") == 0)
                return sd_bus_open_user(ret);

        return open_address(address, ret);
}

static int complain_no_bus(const char *address, int error) {
        if (error == EINVAL) {
                ctl_complain(_("\"%s\" is no D-Bus address; give --bus=system, --bus=session or an address like "
                               "unix:path=/run/bus"),
                             address);
                return CTL_EXIT_USAGE;
        }
        if (strcmp(address, "system") == 0)
                ctl_complain(_("cannot reach the system bus (%s); is the D-Bus daemon running?"), strerror(error));
        else if (strcmp(address, "session") == 0)
                ctl_complain(_("cannot reach the session bus (%s); is DBUS_SESSION_BUS_ADDRESS set?"), strerror(error));
        else
                ctl_complain(_("cannot reach the bus at %s (%s); is it running there?"), address, strerror(error));

        return CTL_EXIT_ABSENT;
}

/**
 * client_connect() - connect to the bus and wait until it has answered
 * @options:    which bus
 * @ret_bus:    the connection, the caller's
 *
 * Return: a CtlExit; other than CTL_EXIT_DONE it was said on stderr.
 */
int client_connect(const CtlOptions *options, sd_bus **ret_bus) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        const char *unique;
        int r;

        r = open_bus(options->bus_address, &bus);
        if (r >= 0)
                r = sd_bus_get_unique_name(bus, &unique); /* returns once the bus has said hello */
        if (r < 0)
                return complain_no_bus(options->bus_address, -r);

        *ret_bus = TAKE_PTR(bus);
        return CTL_EXIT_DONE;
}

static int method_new(Ctl *ctl, const char *path, const char *interface, const char *member, sd_bus_message **ret) {
        _cleanup_message_ sd_bus_message *method = NULL;
        int r;

        r = sd_bus_message_new_method_call(ctl->bus, &method, CLIENT_NAME, path, interface, member);
        if (r < 0)
                return r;
        r = sd_bus_message_set_auto_start(method, false);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(method);
        return 0;
}

/**
 * client_method_new() - begin a call of a method of /org/trailkeep
 * @ctl:        its bus
 * @interface:  one of CLIENT_
 * @member:     the method
 * @ret:        the message, to be given its arguments; the caller's
 *
 * Return: 0 or -errno.
 */
int client_method_new(Ctl *ctl, const char *interface, const char *member, sd_bus_message **ret) {
        return method_new(ctl, CLIENT_PATH, interface, member, ret);
}

/**
 * client_call() - call and wait for the answer
 * @ctl:        its bus
 * @method:     from client_method_new()
 * @ret_reply:  the answer as bus_message_to_json() gives it, the caller's
 *
 * Return: a CtlExit, other than CTL_EXIT_DONE said on stderr; or -errno when the answer cannot be read.
 */
int client_call(Ctl *ctl, sd_bus_message *method, json_t **ret_reply) {
        _cleanup_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_message_ sd_bus_message *reply = NULL;

        if (sd_bus_call(ctl->bus, method, CALL_TIMEOUT_USEC, &error, &reply) < 0)
                return client_explain(ctl->options, &error);

        return bus_message_to_json(reply, ret_reply);
}

/**
 * client_call_simple() - call a method without arguments and wait for the answer
 * @ctl:        its bus
 * @interface:  one of CLIENT_
 * @member:     the method
 * @ret_reply:  the answer as bus_message_to_json() gives it, the caller's
 *
 * Return: as client_call().
 */
int client_call_simple(Ctl *ctl, const char *interface, const char *member, json_t **ret_reply) {
        _cleanup_message_ sd_bus_message *method = NULL;
        int r;

        r = client_method_new(ctl, interface, member, &method);
        if (r < 0)
                return r;

        return client_call(ctl, method, ret_reply);
}

/**
 * client_get_all_new() - a call that asks for all properties of an interface
 * @ctl:        its bus
 * @path:       the object
 * @interface:  one of CLIENT_
 * @ret:        the whole message, the caller's
 *
 * Return: 0 or -errno.
 */
int client_get_all_new(Ctl *ctl, const char *path, const char *interface, sd_bus_message **ret) {
        _cleanup_message_ sd_bus_message *method = NULL;
        int r;

        r = method_new(ctl, path, CLIENT_PROPERTIES, "GetAll", &method);
        if (r < 0)
                return r;
        r = sd_bus_message_append(method, "s", interface);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(method);
        return 0;
}

/**
 * client_get_all() - read all properties of an interface
 * @ctl:                its bus
 * @path:               the object
 * @interface:          one of CLIENT_
 * @ret_properties:     a JSON object, the caller's
 *
 * Return: as client_call().
 */
int client_get_all(Ctl *ctl, const char *path, const char *interface, json_t **ret_properties) {
        _cleanup_message_ sd_bus_message *method = NULL;
        int r;

        r = client_get_all_new(ctl, path, interface, &method);
        if (r < 0)
                return r;

        return client_call(ctl, method, ret_properties);
}
