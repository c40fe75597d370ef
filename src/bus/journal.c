/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * org.trailkeep.Journal1: the storage itself, its keys above all. Floor 5. The contract is
 * data/dbus/org.trailkeep.Journal1.xml.
 */
#include <errno.h>
#include <string.h>
#include "bus-internal.h"
#include "call.h"

#define LOG_MODULE "bus"
#include "trailkeep/log.h"

/* Says once in the log what the caller is told in a sentence. */
static BusError explain_rotation(int r) {
        BusError which = bus_error_from_gate(BUS_VERB_ROTATE_KEYS, r);

        if (which != BUS_ERROR_STOPPING)
                log_error("%s%s%s.", bus_error_sentence(which), r < 0 ? ": " : "", r < 0 ? strerror(-r) : "");

        return which;
}

static void on_rotated(int r, void *userdata) {
        _cleanup_(call_freep) BusCall *call = call_take(userdata);

        if (!call)
                return;

        if (r == 0) {
                log_notice("The keys were rotated on request.");
                (void)sd_bus_reply_method_return(call->message, NULL); /* the caller may have left */
        } else
                call_fail(call, explain_rotation(r), NULL);
}

static int proceed_rotate(BusCall *call, sd_bus_error *error) {
        GateActor actor = call_actor(call);
        int r = gate_rotate_keys(call->bus->options.gate, &actor, on_rotated, call);

        return r == 0 ? CALL_LENT : bus_error_set(error, explain_rotation(r), NULL);
}

static int method_rotate(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return call_start(userdata, message, BUS_VERB_ROTATE_KEYS, NULL, proceed_rotate);
}

static const sd_bus_vtable journal_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("RotateKeys", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_rotate,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

/**
 * journal1_export() - put Journal1 on the connection
 * @bus:        the bus
 *
 * Return: >= 0, or < 0.
 */
int journal1_export(Bus *bus) {
        return sd_bus_add_object_vtable(bus->connection, NULL, BUS_PATH, BUS_JOURNAL_INTERFACE, journal_vtable, bus);
}
