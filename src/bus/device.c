/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * org.trailkeep.Device1: what the box is doing. Floor 5. The contract is data/dbus/org.trailkeep.Device1.xml.
 *
 * The position is in GetLastFix alone: no property and no signal of this module carries a number that could be one.
 */
#include <errno.h>
#include <math.h>
#include "build-config.h"
#include "bus-internal.h"
#include "call.h"

static int append_string(sd_bus_message *reply, const char *key, const char *value) {
        return sd_bus_message_append(reply, "{sv}", key, "s", value);
}

/* A value that the receiver did not report stays absent. */
static int append_double(sd_bus_message *reply, const char *key, double value) {
        return isnan(value) ? 0 : sd_bus_message_append(reply, "{sv}", key, "d", value);
}

static int append_fix_numbers(sd_bus_message *reply, const Fix *fix) {
        const struct {
                const char *key;
                double value;
        } numbers[] = {
                { "lat", fix->lat_deg },        { "lon", fix->lon_deg },      { "altHAE", fix->alt_hae_m },
                { "altMSL", fix->alt_msl_m },   { "speed", fix->speed_mps },  { "track", fix->track_deg },
                { "climb", fix->climb_mps },    { "eph", fix->eph_m },        { "epv", fix->epv_m },
                { "eps", fix->eps_mps },        { "hdop", fix->hdop },
        };
        int r = 0;

        for (size_t i = 0; i < ELEMENTSOF(numbers) && r >= 0; i++)
                r = append_double(reply, numbers[i].key, numbers[i].value);

        return r;
}

static int append_fix(sd_bus_message *reply, const Fix *fix) {
        int r;

        r = sd_bus_message_open_container(reply, 'a', "{sv}");
        if (r >= 0 && fix->time_ms != TIME_MS_NONE)
                r = sd_bus_message_append(reply, "{sv}", "time", "x", fix->time_ms);
        if (r >= 0)
                r = sd_bus_message_append(reply, "{sv}", "mode", "i", fix->mode);
        if (r >= 0 && fix->status >= 0)
                r = sd_bus_message_append(reply, "{sv}", "status", "i", fix->status);
        if (r >= 0)
                r = append_fix_numbers(reply, fix);
        if (r >= 0 && fix->satellites_used >= 0)
                r = sd_bus_message_append(reply, "{sv}", "uSat", "i", fix->satellites_used);
        if (r >= 0 && fix->device[0] != '\0')
                r = append_string(reply, "device", fix->device);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);

        return r;
}

static int proceed_get_last_fix(BusCall *call, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const BusOptions *options = &call->bus->options;
        const Fix *fix;
        int r;

        if (!gate_allows(options->gate, PURPOSE_LOCATION))
                return bus_error_set(error, BUS_ERROR_NOT_GRANTED, NULL);
        fix = gnss_last_fix(options->gnss);
        if (!fix)
                return bus_error_set(error, BUS_ERROR_NO_FIX, NULL);

        r = sd_bus_message_new_method_return(call->message, &reply);
        if (r >= 0)
                r = sd_bus_message_sensitive(reply);
        if (r >= 0)
                r = append_fix(reply, fix);

        return r < 0 ? r : call_reply(call, reply);
}

static int method_get_last_fix(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return call_start(userdata, message, BUS_VERB_GET_LAST_FIX, NULL, proceed_get_last_fix);
}

static int proceed_get_installation(BusCall *call, sd_bus_error *error) {
        int r = sd_bus_reply_method_return(call->message, "s", journal_installation(call->bus->options.journal));

        return MIN(r, 0);
}

static int method_get_installation(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return call_start(userdata, message, BUS_VERB_GET_INSTALLATION, NULL, proceed_get_installation);
}

static int property_version(sd_bus *connection, const char *path, const char *interface, const char *property,
                            sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        return sd_bus_message_append(reply, "s", TRAILKEEP_VERSION);
}

typedef struct ModuleError {
        const char *module, *sentence; /* "": it works */
} ModuleError;

#define MODULE_ERRORS_MAX 5

static const char ledger_damaged[] = "The consent ledger failed its check: every purpose is off and nothing can be "
                                     "granted.";
static const char journal_damaged[] = "A part of what was recorded was found damaged; what could be read was carried "
                                      "over. Shown until it is acknowledged.";

static const char *find_journal_error(const JournalCounters *counters) {
        if (!counters->is_failing && counters->damage.n_damages > 0)
                return journal_damaged;
        return journal_state_sentence(counters->state);
}

static void find_errors(const Bus *bus, ModuleError ret_errors[static MODULE_ERRORS_MAX]) {
        const BusOptions *options = &bus->options;

        ret_errors[0] = (ModuleError){ "consent", gate_is_ledger_trusted(options->gate) ? "" : ledger_damaged };
        ret_errors[1] = (ModuleError){ "gnss", gnss_last_error(options->gnss) };
        ret_errors[2] = (ModuleError){ "journal", find_journal_error(journal_counters(options->journal)) };
        ret_errors[3] = (ModuleError){ "media", journal_media_trouble(options->journal) };
        ret_errors[4] = (ModuleError){ "sync", outbox_last_error(options->outbox) };
}

static bool is_degraded(const Bus *bus) {
        ModuleError errors[MODULE_ERRORS_MAX];

        find_errors(bus, errors);
        for (size_t i = 0; i < MODULE_ERRORS_MAX; i++)
                if (errors[i].sentence[0] != '\0')
                        return true;

        return false;
}

static int property_state(sd_bus *connection, const char *path, const char *interface, const char *property,
                          sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        return sd_bus_message_append(reply, "s", is_degraded(userdata) ? "degraded" : "running");
}

static int property_last_errors(sd_bus *connection, const char *path, const char *interface, const char *property,
                                sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        ModuleError errors[MODULE_ERRORS_MAX];
        int r;

        find_errors(userdata, errors);
        r = sd_bus_message_open_container(reply, 'a', "{ss}");
        for (size_t i = 0; i < MODULE_ERRORS_MAX && r >= 0; i++)
                if (errors[i].sentence[0] != '\0')
                        r = sd_bus_message_append(reply, "{ss}", errors[i].module, errors[i].sentence);

        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int property_gnss_state(sd_bus *connection, const char *path, const char *interface, const char *property,
                               sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const Bus *bus = userdata;

        return sd_bus_message_append(reply, "s", gnss_state_to_string(gnss_state(bus->options.gnss)));
}

static int property_fixes_filtered(sd_bus *connection, const char *path, const char *interface, const char *property,
                                   sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const Bus *bus = userdata;

        return sd_bus_message_append(reply, "t", gnss_n_dropped(bus->options.gnss));
}

static int property_true_time(sd_bus *connection, const char *path, const char *interface, const char *property,
                              sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const Bus *bus = userdata;

        return sd_bus_message_append(reply, "s", truetime_proof_to_string(&bus->options.true_time->proof));
}

static int property_held_off(sd_bus *connection, const char *path, const char *interface, const char *property,
                             sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const Bus *bus = userdata;
        uint32_t held_off = truetime_held_off(bus->options.true_time);
        int r;

        r = sd_bus_message_open_container(reply, 'a', "s");
        for (unsigned i = 0; i < TRUE_TIME_SOURCE_MAX && r >= 0; i++)
                if (held_off & 1U << i)
                        r = sd_bus_message_append(reply, "s", truetime_source_to_string((TrueTimeSource)i));

        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int property_lanes(sd_bus *connection, const char *path, const char *interface, const char *property,
                          sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const Bus *bus = userdata;
        const JournalCounters *counters = journal_counters(bus->options.journal);
        int r;

        r = sd_bus_message_open_container(reply, 'a', "{sa{st}}");
        for (Lane lane = 0; lane < LANE_MAX && r >= 0; lane++) {
                const JournalLaneCounters *c = &counters->lanes[lane];

                r = sd_bus_message_append(reply, "{sa{st}}", lane_to_string(lane), 8, "recorded", c->recorded,
                                          "pending", c->pending, "stored", c->stored, "parked", c->parked, "expired",
                                          c->expired, "evicted", c->evicted, "erased", c->erased, "bytes", c->bytes);
        }

        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int property_oldest_pending(sd_bus *connection, const char *path, const char *interface, const char *property,
                                   sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const Bus *bus = userdata;
        const JournalCounters *counters = journal_counters(bus->options.journal);
        int64_t now_usec = (int64_t)clock_boottime_usec(bus->options.clock);
        int r;

        r = sd_bus_message_open_container(reply, 'a', "{st}");
        for (Lane lane = 0; lane < LANE_MAX && r >= 0; lane++) {
                const JournalLaneCounters *c = &counters->lanes[lane];
                int64_t age_usec = now_usec - c->oldest_pending_boottime_usec;

                if (c->has_oldest_pending && age_usec >= 0)
                        r = sd_bus_message_append(reply, "{st}", lane_to_string(lane),
                                                  (uint64_t)age_usec / USEC_PER_SEC);
        }

        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static const sd_bus_vtable device_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("GetLastFix", SD_BUS_NO_ARGS, SD_BUS_RESULT("a{sv}", fix), method_get_last_fix,
                                SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("GetInstallation", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", installation),
                                method_get_installation, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_PROPERTY("Version", "s", property_version, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("State", "s", property_state, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("GnssState", "s", property_gnss_state, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("FixesFiltered", "t", property_fixes_filtered, 0, 0),
        SD_BUS_PROPERTY("TrueTime", "s", property_true_time, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("ClocksHeldOff", "as", property_held_off, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Lanes", "a{sa{st}}", property_lanes, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("OldestPending", "a{st}", property_oldest_pending, 0, 0),
        SD_BUS_PROPERTY("LastErrors", "a{ss}", property_last_errors, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_VTABLE_END,
};

/**
 * device_export() - put Device1 on the connection
 * @bus:        the bus
 *
 * Return: >= 0, or < 0.
 */
int device_export(Bus *bus) {
        return sd_bus_add_object_vtable(bus->connection, NULL, BUS_PATH, BUS_DEVICE_INTERFACE, device_vtable, bus);
}

/**
 * device_emit() - say that a property changed
 * @bus:        the bus
 * @property:   its name
 */
void device_emit(Bus *bus, const char *property) {
        if (bus_is_connected(bus))
                /* Who missed it reads the property; a connection that is lost has its own news. */
                (void)sd_bus_emit_properties_changed(bus->connection, BUS_PATH, BUS_DEVICE_INTERFACE, property, NULL);
}

/**
 * device_emit_errors() - say that the errors changed, and the state if it did
 * @bus:        the bus
 */
void device_emit_errors(Bus *bus) {
        bool degraded = is_degraded(bus);

        if (degraded != bus->is_degraded)
                device_emit(bus, "State");
        if (degraded || bus->is_degraded)
                device_emit(bus, "LastErrors");
        bus->is_degraded = degraded;
}
