/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The daemon as seen over D-Bus: connect, call, and say what went wrong.
 */
#include <jansson.h>
#include <systemd/sd-bus.h>

#include "ctl.h"

#define CLIENT_NAME "org.trailkeep"
#define CLIENT_PATH "/org/trailkeep"
#define CLIENT_DEVICE "org.trailkeep.Device1"
#define CLIENT_CONSENT "org.trailkeep.Consent1"
#define CLIENT_DATA "org.trailkeep.Data1"
#define CLIENT_ERASURE "org.trailkeep.Erasure1"
#define CLIENT_SYNC "org.trailkeep.Sync1"
#define CLIENT_JOURNAL "org.trailkeep.Journal1"
#define CLIENT_PROPERTIES "org.freedesktop.DBus.Properties"

#define _cleanup_json_ _cleanup_(json_decrefp)
#define _cleanup_message_ _cleanup_(sd_bus_message_unrefp)
#define _cleanup_error_ _cleanup_(sd_bus_error_free)

/* All of these return a CtlExit or -errno; a CtlExit other than done was said on stderr. */
int client_connect(const CtlOptions *options, sd_bus **ret_bus) _must_check_;
int client_method_new(Ctl *ctl, const char *interface, const char *member, sd_bus_message **ret) _must_check_;
int client_call(Ctl *ctl, sd_bus_message *method, json_t **ret_reply) _must_check_;
int client_call_simple(Ctl *ctl, const char *interface, const char *member, json_t **ret_reply) _must_check_;
int client_get_all_new(Ctl *ctl, const char *path, const char *interface, sd_bus_message **ret) _must_check_;
int client_get_all(Ctl *ctl, const char *path, const char *interface, json_t **ret_properties) _must_check_;
int client_explain(const CtlOptions *options, const sd_bus_error *error);

/* bus-json.c */
int bus_message_to_json(sd_bus_message *message, json_t **ret) _must_check_;
