/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * org.trailkeep.Data1: what is kept, and its erasure. Floor 5. The contract is data/dbus/org.trailkeep.Data1.xml.
 */
#include <errno.h>
#include <string.h>
#include "bus-internal.h"
#include "call.h"

#define LOG_MODULE "bus"
#include "trailkeep/log.h"

static int append_summary(sd_bus_message *reply, Purpose purpose, const JournalPurposeSummary *summary) {
        int r;

        r = sd_bus_message_open_container(reply, 'e', "sa{sv}");
        if (r >= 0)
                r = sd_bus_message_append(reply, "s", purpose_to_string(purpose));
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "{sv}");
        if (r >= 0)
                r = sd_bus_message_append(reply, "{sv}{sv}{sv}{sv}", "records", "t", summary->records, "bytes", "t",
                                          summary->bytes, "parcels", "t", summary->parcels, "objects-stored", "t",
                                          summary->objects_stored);
        if (r >= 0 && summary->records > 0 && summary->oldest_ms != TIME_MS_NONE)
                r = sd_bus_message_append(reply, "{sv}", "oldest", "x", summary->oldest_ms);
        if (r >= 0 && summary->records > 0 && summary->newest_ms != TIME_MS_NONE)
                r = sd_bus_message_append(reply, "{sv}", "newest", "x", summary->newest_ms);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);

        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int reply_summary(BusCall *call, const JournalPurposeSummary *summary) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        int r;

        r = sd_bus_message_new_method_return(call->message, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "{sa{sv}}");
        for (Purpose purpose = 0; purpose < PURPOSE_MAX && r >= 0; purpose++)
                r = append_summary(reply, purpose, &summary[purpose]);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);

        return r < 0 ? r : call_reply(call, reply);
}

static void on_summary(int r, const JournalPurposeSummary summary[static PURPOSE_MAX], void *userdata) {
        _cleanup_(call_freep) BusCall *call = call_take(userdata);

        if (!call)
                return;

        if (r == 0)
                r = reply_summary(call, summary);
        if (r != 0) {
                log_warning("The summary could not be made (%d).", r);
                call_fail(call, BUS_ERROR_FAILED, NULL);
        }
}

static int proceed_summary(BusCall *call, sd_bus_error *error) {
        const BusOptions *options = &call->bus->options;
        int r = journal_summary(options->journal, gate_subject(options->gate), on_summary, call);

        if (r > 0)
                return bus_error_set(error, BUS_ERROR_FAILED, "The journal is busy");
        return r < 0 ? r : CALL_LENT;
}

static int method_summary(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return call_start(userdata, message, BUS_VERB_SUMMARIZE, NULL, proceed_summary);
}

/* Says once in the log what the caller is told in a sentence. */
static BusError explain_erase(BusVerb verb, int r) {
        BusError which = bus_error_from_gate(verb, r);

        if (which != BUS_ERROR_STOPPING)
                log_error("%s%s%s.", bus_error_sentence(which), r < 0 ? ": " : "", r < 0 ? strerror(-r) : "");

        return which;
}

static void on_erased(int r, const JournalReceipt *receipt, void *userdata) {
        _cleanup_(call_freep) BusCall *call = call_take(userdata);
        char path[ERASURE_PATH_MAX];

        if (!call)
                return;

        if (r != 0) {
                call_fail(call, explain_erase(call->verb, r), NULL);
                return;
        }
        erasure_list_add_receipt(call->bus->erasures, receipt, call->request.scope.purposes,
                                 call->request.clip);
        erasure_path(receipt->request, path);
        (void)sd_bus_reply_method_return(call->message, "o", path); /* the caller may have left */
}

static int proceed_erase(BusCall *call, sd_bus_error *error) {
        GateErase scope = call->request.scope;
        GateActor actor = call_actor(call);
        int r;

        scope.clip = call->request.clip[0] ? call->request.clip : NULL;
        r = gate_erase(call->bus->options.gate, &scope, &actor, on_erased, call);
        if (r == 0)
                return CALL_LENT;

        return bus_error_set(error, explain_erase(call->verb, r), NULL);
}

static int proceed_erase_everything(BusCall *call, sd_bus_error *error) {
        GateActor actor = call_actor(call);
        int r;

        call->request.scope.purposes = (UINT32_C(1) << PURPOSE_MAX) - 1; /* for the receipt */
        r = gate_erase_everything(call->bus->options.gate, &actor, on_erased, call);

        return r == 0 ? CALL_LENT : bus_error_set(error, explain_erase(call->verb, r), NULL);
}

static int method_erase_everything(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return call_start(userdata, message, BUS_VERB_ERASE_EVERYTHING, NULL, proceed_erase_everything);
}

static int method_erase(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        BusRequest request = { 0 };
        int r;

        r = arguments_read_erase(message, &request, error);
        if (r < 0)
                return r;

        return call_start(userdata, message, BUS_VERB_ERASE, &request, proceed_erase);
}

static int append_erasure(sd_bus_message *reply, const JournalErasureState *state) {
        char path[ERASURE_PATH_MAX];
        int r;

        erasure_path(state->request, path);
        r = sd_bus_message_open_container(reply, 'r', "oa{sv}");
        if (r >= 0)
                r = sd_bus_message_append(reply, "o", path);
        if (r >= 0)
                r = erasure_append(reply, state);

        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int reply_erasures(BusCall *call, const JournalErasureState *states, size_t n_states) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        int r;

        r = sd_bus_message_new_method_return(call->message, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(oa{sv})");
        for (size_t i = 0; i < n_states && r >= 0; i++)
                r = append_erasure(reply, &states[i]);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);

        return r < 0 ? r : call_reply(call, reply);
}

static void on_erasures(int r, const JournalErasureState *states, size_t n_states, void *userdata) {
        _cleanup_(call_freep) BusCall *call = call_take(userdata);

        if (!call)
                return;

        if (r == 0)
                r = reply_erasures(call, states, n_states);
        if (r != 0) {
                log_warning("The erasures could not be listed (%d).", r);
                call_fail(call, BUS_ERROR_FAILED, NULL);
        }
}

static int proceed_list_erasures(BusCall *call, sd_bus_error *error) {
        int r = journal_list_erasures(call->bus->options.journal, on_erasures, call);

        if (r > 0)
                return bus_error_set(error, BUS_ERROR_FAILED, "The journal is busy");
        return r < 0 ? r : CALL_LENT;
}

static int method_list_erasures(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return call_start(userdata, message, BUS_VERB_READ_ERASURES, NULL, proceed_list_erasures);
}

static const sd_bus_vtable data_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("Summary", SD_BUS_NO_ARGS, SD_BUS_RESULT("a{sa{sv}}", summary), method_summary,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("EraseEverything", SD_BUS_NO_ARGS, SD_BUS_RESULT("o", erasure), method_erase_everything,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Erase", SD_BUS_ARGS("a{sv}", scope), SD_BUS_RESULT("o", erasure), method_erase,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ListErasures", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(oa{sv})", erasures),
                                method_list_erasures, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

/**
 * data_export() - put Data1 on the connection
 * @bus:        the bus
 *
 * Return: >= 0, or < 0.
 */
int data_export(Bus *bus) {
        return sd_bus_add_object_vtable(bus->connection, NULL, BUS_PATH, BUS_DATA_INTERFACE, data_vtable, bus);
}
