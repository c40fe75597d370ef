/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * org.trailkeep.Journal1: the storage itself, its keys above all. Floor 5. The contract is
 * data/dbus/org.trailkeep.Journal1.xml.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "bus-internal.h"
#include "call.h"

#define LOG_MODULE "bus"
#include "trailkeep/log.h"

/* Says once in the log what the caller is told in a sentence. */
static BusError explain_keys(int r) {
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
                call_fail(call, explain_keys(r), NULL);
}

static int proceed_rotate(BusCall *call, sd_bus_error *error) {
        GateActor actor = call_actor(call);
        int r = gate_rotate_keys(call->bus->options.gate, &actor, on_rotated, call);

        return r == 0 ? CALL_LENT : bus_error_set(error, explain_keys(r), NULL);
}

static int method_rotate(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return call_start(userdata, message, BUS_VERB_ROTATE_KEYS, NULL, proceed_rotate);
}

/* The key goes through a file in memory that nobody can change any more, not through a message, which the bus and its
 * watchers would have. */
static int memory_file(const char *text, int *ret_fd) {
        _cleanup_close_ int fd = memfd_create("trailkeep-evidence", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        size_t size = strlen(text);
        ssize_t n;

        if (fd < 0)
                return negative_errno();
        n = write(fd, text, size);
        if (n != (ssize_t)size)
                return n < 0 ? negative_errno() : -EIO;
        if (lseek(fd, 0, SEEK_SET) < 0 ||
            fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
                return negative_errno();
        *ret_fd = TAKE_FD(fd);
        return 0;
}

static void on_evidence(int r, const char *key, void *userdata) {
        _cleanup_(call_freep) BusCall *call = call_take(userdata);
        _cleanup_close_ int fd = -1;

        if (!call)
                return;

        if (r != 0) {
                call_fail(call, explain_keys(r), NULL);
                return;
        }
        log_notice("A chain of evidence has begun; its first key was given to whoever asked for it.");
        r = memory_file(key, &fd);
        if (r >= 0)
                r = sd_bus_reply_method_return(call->message, "h", fd);
        if (r < 0) {
                log_error("The first key of the evidence could not be handed over: %s. Start the evidence again.",
                          strerror(-r));
                call_fail(call, BUS_ERROR_FAILED, NULL);
        }
        journal1_emit(call->bus, "EvidenceChain");
}

static int proceed_evidence(BusCall *call, sd_bus_error *error) {
        GateActor actor = call_actor(call);
        int r = gate_start_evidence(call->bus->options.gate, &actor, on_evidence, call);

        return r == 0 ? CALL_LENT : bus_error_set(error, explain_keys(r), NULL);
}

static int method_evidence(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return call_start(userdata, message, BUS_VERB_START_EVIDENCE, NULL, proceed_evidence);
}

static int property_evidence_chain(sd_bus *connection, const char *path, const char *interface, const char *property,
                                   sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const Bus *bus = userdata;

        return sd_bus_message_append(reply, "t", journal_counters(bus->options.journal)->evidence_chain);
}

static void on_acknowledged(int r, void *userdata) {
        _cleanup_(call_freep) BusCall *call = call_take(userdata);

        if (!call)
                return;

        if (r == 0)
                (void)sd_bus_reply_method_return(call->message, NULL); /* the caller may have left */
        else {
                log_error("That damage was acknowledged could not be written: %s.", strerror(r < 0 ? -r : ENOSPC));
                call_fail(call, BUS_ERROR_ACKNOWLEDGE_NOT_DURABLE, NULL);
        }
}

static int proceed_acknowledge(BusCall *call, sd_bus_error *error) {
        int r = journal_acknowledge_damage(call->bus->options.journal, on_acknowledged, call);

        return r == 0 ? CALL_LENT : bus_error_set(error, BUS_ERROR_ACKNOWLEDGE_NOT_DURABLE, NULL);
}

static int method_acknowledge(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return call_start(userdata, message, BUS_VERB_ACKNOWLEDGE_DAMAGE, NULL, proceed_acknowledge);
}

static int property_damage(sd_bus *connection, const char *path, const char *interface, const char *property,
                           sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const Bus *bus = userdata;
        const JournalDamage *damage = &journal_counters(bus->options.journal)->damage;

        if (damage->n_damages == 0)
                return sd_bus_message_append(reply, "a{st}", 0);
        return sd_bus_message_append(reply, "a{st}", 5, "damages", damage->n_damages, "last_ms",
                                     (uint64_t)damage->last_realtime_ms, "saved", damage->records_saved, "lost",
                                     damage->records_lost, "objects_lost", damage->objects_lost);
}

static int property_media_state(sd_bus *connection, const char *path, const char *interface, const char *property,
                                sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const Bus *bus = userdata;
        JournalMediaState state = journal_counters(bus->options.journal)->media_state;

        return sd_bus_message_append(reply, "s", journal_media_state_to_string(state));
}

static int property_state(sd_bus *connection, const char *path, const char *interface, const char *property,
                          sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const Bus *bus = userdata;

        return sd_bus_message_append(reply, "s", journal_state_to_string(journal_counters(bus->options.journal)->state));
}

static int property_room(sd_bus *connection, const char *path, const char *interface, const char *property,
                         sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const Bus *bus = userdata;
        const JournalCounters *counters = journal_counters(bus->options.journal);

        return sd_bus_message_append(reply, "a{st}", 2, "used", counters->used_bytes, "max", counters->max_use_bytes);
}

static const sd_bus_vtable journal_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("RotateKeys", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_rotate,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("StartEvidence", SD_BUS_NO_ARGS, SD_BUS_RESULT("h", key), method_evidence,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("AcknowledgeDamage", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_acknowledge,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_PROPERTY("EvidenceChain", "t", property_evidence_chain, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Damage", "a{st}", property_damage, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("State", "s", property_state, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Room", "a{st}", property_room, 0, 0),
        SD_BUS_PROPERTY("MediaState", "s", property_media_state, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
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

/**
 * journal1_emit() - say that a property changed
 * @bus:        the bus
 * @property:   its name
 */
void journal1_emit(Bus *bus, const char *property) {
        if (bus_is_connected(bus))
                /* Who missed it reads the property; a connection that is lost has its own news. */
                (void)sd_bus_emit_properties_changed(bus->connection, BUS_PATH, BUS_JOURNAL_INTERFACE, property, NULL);
}
