/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * org.trailkeep.Sync1: the way to the store. Floor 5. The contract is data/dbus/org.trailkeep.Sync1.xml.
 */
#include <errno.h>
#include "bus-internal.h"
#include "call.h"

static void on_flushed(int r, void *userdata) {
        _cleanup_(call_freep) BusCall *call = call_take(userdata);

        if (!call)
                return;

        if (r == 0)
                (void)sd_bus_reply_method_return(call->message, NULL); /* the caller may have left */
        else if (r == -ECANCELED)
                call_fail(call, BUS_ERROR_STOPPING, NULL);
        else
                call_fail(call, BUS_ERROR_NOT_SENT, outbox_last_error(call->bus->options.outbox));
}

static int proceed_flush(BusCall *call, sd_bus_error *error) {
        Outbox *outbox = call->bus->options.outbox;
        int r;

        if (outbox_state(outbox) == OUTBOX_STATE_OFF)
                return bus_error_set(error, BUS_ERROR_NO_STORE, NULL);
        r = outbox_flush(outbox, on_flushed, call);

        return r < 0 ? r : CALL_LENT;
}

static int method_flush(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return call_start(userdata, message, BUS_VERB_FLUSH, NULL, proceed_flush);
}

static int property_state(sd_bus *connection, const char *path, const char *interface, const char *property,
                          sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const Bus *bus = userdata;

        return sd_bus_message_append(reply, "s", outbox_state_to_string(outbox_state(bus->options.outbox)));
}

static int property_last_error(sd_bus *connection, const char *path, const char *interface, const char *property,
                               sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const Bus *bus = userdata;

        return sd_bus_message_append(reply, "s", outbox_last_error(bus->options.outbox));
}

static int property_pending_deletions(sd_bus *connection, const char *path, const char *interface, const char *property,
                                      sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const Bus *bus = userdata;

        return sd_bus_message_append(reply, "t", journal_counters(bus->options.journal)->objects_doomed);
}

static const sd_bus_vtable sync_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("Flush", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_flush, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_PROPERTY("State", "s", property_state, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("LastError", "s", property_last_error, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("PendingDeletions", "t", property_pending_deletions, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_VTABLE_END,
};

/**
 * sync_export() - put Sync1 on the connection
 * @bus:        the bus
 *
 * Return: >= 0, or < 0.
 */
int sync_export(Bus *bus) {
        return sd_bus_add_object_vtable(bus->connection, NULL, BUS_PATH, BUS_SYNC_INTERFACE, sync_vtable, bus);
}

/**
 * sync_emit_deletions() - say how many objects are still to be deleted, if that changed
 * @bus:        the bus
 */
void sync_emit_deletions(Bus *bus) {
        uint64_t n_doomed = journal_counters(bus->options.journal)->objects_doomed;

        if (n_doomed == bus->n_doomed)
                return;

        bus->n_doomed = n_doomed;
        if (bus_is_connected(bus))
                /* Who missed it reads the property; a connection that is lost has its own news. */
                (void)sd_bus_emit_properties_changed(bus->connection, BUS_PATH, BUS_SYNC_INTERFACE, "PendingDeletions",
                                                     NULL);
}

/**
 * sync_emit() - say how sending stands
 * @bus:        the bus
 */
void sync_emit(Bus *bus) {
        if (bus_is_connected(bus))
                /* Who missed it reads the properties; a connection that is lost has its own news. */
                (void)sd_bus_emit_properties_changed(bus->connection, BUS_PATH, BUS_SYNC_INTERFACE, "State",
                                                     "LastError", "PendingDeletions", NULL);
}
