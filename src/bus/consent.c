/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * org.trailkeep.Consent1: what may be recorded and used. Floor 5. The contract is data/dbus/org.trailkeep.Consent1.xml.
 */
#include <errno.h>
#include <string.h>
#include "bus-internal.h"
#include "call.h"

#define LOG_MODULE "bus"
#include "trailkeep/log.h"

static int append_decision(sd_bus_message *reply, const GateConsent *consent) {
        int r;

        r = sd_bus_message_append(reply, "{sv}{sv}{sv}", "generation", "t", consent->generation, "uid", "u",
                                  consent->uid, "role", "s", consent->role);
        if (r >= 0 && consent->since_realtime_ms != TIME_MS_NONE)
                r = sd_bus_message_append(reply, "{sv}", "since", "x", consent->since_realtime_ms);
        if (r >= 0 && consent->actor[0] != '\0')
                r = sd_bus_message_append(reply, "{sv}", "actor", "s", consent->actor);

        return r;
}

static int append_consent(sd_bus_message *reply, const GateConsent *consent, bool has_role) {
        int r;

        r = sd_bus_message_open_container(reply, 'a', "{sv}");
        if (r >= 0)
                r = sd_bus_message_append(reply, "{sv}{sv}", "purpose", "s", purpose_to_string(consent->purpose),
                                          "granted", "b", (int)consent->is_granted);
        if (r >= 0 && has_role && consent->role[0] != '\0')
                r = append_decision(reply, consent);

        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int proceed_list(BusCall *call, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        bool has_role = authorize_verb(BUS_VERB_LIST_CONSENTS, call->roles);
        int r;

        r = sd_bus_message_new_method_return(call->message, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "a{sv}");
        for (Purpose purpose = 0; purpose < PURPOSE_MAX && r >= 0; purpose++) {
                GateConsent consent;

                gate_get_consent(call->bus->options.gate, purpose, &consent);
                r = append_consent(reply, &consent, has_role);
        }
        if (r >= 0)
                r = sd_bus_message_close_container(reply);

        return r < 0 ? r : call_reply(call, reply);
}

static int method_list(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return call_start(userdata, message, BUS_VERB_LIST_CONSENTS, NULL, proceed_list);
}

/* Says once in the log what the caller is told; that one was overtaken concerns only the two who asked. */
static BusError explain(const BusCall *call, int r) {
        BusError which = bus_error_from_gate(call->verb, r);

        if (which != BUS_ERROR_OVERTAKEN && which != BUS_ERROR_STOPPING)
                log_error("Purpose %s: %s%s%s.", purpose_to_string(call->request.purpose), bus_error_sentence(which),
                          r < 0 ? ": " : "", r < 0 ? strerror(-r) : "");

        return which;
}

static void on_granted(int r, void *userdata) {
        _cleanup_(call_freep) BusCall *call = call_take(userdata);

        if (!call)
                return;

        if (r == 0)
                (void)sd_bus_reply_method_return(call->message, NULL); /* the caller may have left */
        else
                call_fail(call, explain(call, r), NULL);
}

static int proceed_grant(BusCall *call, sd_bus_error *error) {
        GateActor actor = call_actor(call);
        int r;

        r = call_require_actor(call, error);
        if (r < 0)
                return r;
        r = gate_grant(call->bus->options.gate, call->request.purpose, &actor, on_granted, call);
        if (r == 0)
                return CALL_LENT;
        if (r == GATE_E_UNCHANGED)
                return MIN(sd_bus_reply_method_return(call->message, NULL), 0);

        return bus_error_set(error, explain(call, r), NULL);
}

static int method_grant(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        BusRequest request = { 0 };
        int r;

        r = arguments_read_grant(message, &request, error);
        if (r < 0)
                return r;

        return call_start(userdata, message, BUS_VERB_GRANT, &request, proceed_grant);
}

static int reply_receipt(BusCall *call, const JournalReceipt *receipt) {
        char path[ERASURE_PATH_MAX];

        if (!receipt)
                return sd_bus_reply_method_return(call->message, "a{sv}", 1, "kept", "b", true);

        erasure_path(receipt->request, path);
        return sd_bus_reply_method_return(call->message, "a{sv}", 6, "kept", "b", false, "parcels", "t",
                                          receipt->parcels, "records", "t", receipt->records, "copies", "t",
                                          receipt->copies, "objects-to-delete", "t", receipt->objects_doomed,
                                          "erasure", "o", path);
}

static void on_withdrawn(int r, const JournalReceipt *receipt, void *userdata) {
        _cleanup_(call_freep) BusCall *call = call_take(userdata);

        if (!call)
                return;

        if (r != 0) {
                call_fail(call, explain(call, r), NULL);
                return;
        }
        if (receipt)
                erasure_list_add_receipt(call->bus->erasures, receipt, UINT32_C(1) << call->request.purpose, "");
        (void)reply_receipt(call, receipt); /* the caller may have left */
}

static int proceed_withdraw(BusCall *call, sd_bus_error *error) {
        GateActor actor = call_actor(call);
        int r;

        r = gate_withdraw(call->bus->options.gate, call->request.purpose, call->request.is_kept, &actor, on_withdrawn,
                          call);
        if (r == 0)
                return CALL_LENT;

        return bus_error_set(error, explain(call, r), NULL);
}

static int method_withdraw(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        BusRequest request = { 0 };
        int r;

        r = arguments_read_withdraw(message, &request, error);
        if (r < 0)
                return r;

        return call_start(userdata, message, BUS_VERB_WITHDRAW, &request, proceed_withdraw);
}

static const sd_bus_vtable consent_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("List", SD_BUS_NO_ARGS, SD_BUS_RESULT("aa{sv}", consents), method_list,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Grant", SD_BUS_ARGS("s", purpose, "a{sv}", options), SD_BUS_NO_RESULT, method_grant,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Withdraw", SD_BUS_ARGS("s", purpose, "a{sv}", options),
                                SD_BUS_RESULT("a{sv}", receipt), method_withdraw, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_SIGNAL_WITH_ARGS("Changed", SD_BUS_ARGS("s", purpose, "b", granted), 0),
        SD_BUS_VTABLE_END,
};

/**
 * consent_export() - put Consent1 on the connection
 * @bus:        the bus
 *
 * Return: >= 0, or < 0.
 */
int consent_export(Bus *bus) {
        return sd_bus_add_object_vtable(bus->connection, NULL, BUS_PATH, BUS_CONSENT_INTERFACE, consent_vtable, bus);
}

/**
 * consent_emit_changed() - tell everyone that a consent changed
 * @bus:        the bus
 * @purpose:    which
 * @is_granted: as it is now
 */
void consent_emit_changed(Bus *bus, Purpose purpose, bool is_granted) {
        if (bus_is_connected(bus))
                /* Who missed it lists the consents; a connection that is lost has its own news. */
                (void)sd_bus_emit_signal(bus->connection, BUS_PATH, BUS_CONSENT_INTERFACE, "Changed", "sb",
                                         purpose_to_string(purpose), (int)is_granted);
}
