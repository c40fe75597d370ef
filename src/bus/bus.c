/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The connection to the bus, and the name. Floor 5.
 *
 *                    .------------ connected, name ours (at start, waited for) ------------.
 *                    |                                                                     v
 *   STOPPED ---------'        WAITING --- delay over, connected ---> NAMING --- name ours ---> SERVING
 *      ^                       ^   ^                                  |                          |
 *      |                       |   '------ connection lost, refused --'                          |
 *   bus_free(), any            '-------------------------- connection lost -----------------------'
 *
 * At start all must succeed, and it is waited for: nothing runs yet, and a daemon that no one can speak to had better
 * say so at once. Later a lost bus must stop neither recording nor sending: it is tried again, with growing delays, and
 * nothing is waited for. The name is asked for last, so that who finds the name finds everything.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bus-internal.h"
#include "call.h"
#include "trailkeep/id.h"

#define LOG_MODULE "bus"
#include "trailkeep/log.h"

#define RETRY_FIRST_USEC USEC_PER_SEC
#define RETRY_CAP_USEC USEC_PER_MINUTE
#define RETRY_ACCURACY_USEC (250 * USEC_PER_MSEC)
#define LANES_INTERVAL_USEC (500 * USEC_PER_MSEC)
#define LANES_ACCURACY_USEC (250 * USEC_PER_MSEC)

static const char *const state_names[BUS_STATE_MAX] = {
        [BUS_STATE_STOPPED] = "stopped",
        [BUS_STATE_NAMING] = "naming",
        [BUS_STATE_SERVING] = "serving",
        [BUS_STATE_WAITING] = "waiting",
};

static void bus_retry_later(Bus *bus) {
        uint64_t delay_usec;
        uint32_t random;
        int r;

        r = random_bytes(&random, sizeof(random));
        if (r < 0)
                random = UINT32_MAX; /* the full delay */
        delay_usec = RETRY_FIRST_USEC + backoff_next_usec(&bus->backoff, 0, random);
        r = timer_arm_in(bus->timer, delay_usec, RETRY_ACCURACY_USEC);
        if (r < 0)
                log_error("The bus will not be tried again, restart the daemon to be able to control it: %s.",
                          strerror(-r));
}

static void bus_enter(Bus *bus, BusState state) {
        if (bus->state == state)
                return;

        log_debug("%s -> %s", state_names[bus->state], state_names[state]);
        bus->state = state;

        switch (state) {
        case BUS_STATE_STOPPED:
                timer_disarm(bus->timer);
                break;
        case BUS_STATE_NAMING:
                break;
        case BUS_STATE_SERVING:
                backoff_reset(&bus->backoff);
                break;
        case BUS_STATE_WAITING:
                bus_retry_later(bus);
                break;
        case BUS_STATE_MAX:
                break;
        }
}

/* The old connection is dropped when the new one is made, not here: this is called from inside it. */
static int bus_on_disconnected(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        Bus *bus = userdata;

        if (bus->state == BUS_STATE_SERVING)
                log_warning("The connection to the bus is lost; recording and sending go on, and the bus is tried "
                            "again.");
        if (bus->state != BUS_STATE_STOPPED)
                bus_enter(bus, BUS_STATE_WAITING);

        return 0;
}

static int bus_open(Bus *bus) {
        _cleanup_(sd_bus_close_unrefp) sd_bus *connection = NULL;
        int r;

        if (strcmp(bus->address, "system") == 0)
                r = sd_bus_open_system(&connection);
        else if (strcmp(bus->address, "session") == 0)
                r = sd_bus_open_user(&connection);
        else {
                r = sd_bus_new(&connection);
                if (r >= 0)
                        r = sd_bus_set_address(connection, bus->address);
                if (r >= 0)
                        r = sd_bus_set_bus_client(connection, true);
                if (r >= 0)
                        r = sd_bus_start(connection);
        }
        if (r < 0)
                return r;

        bus->connection = TAKE_PTR(connection);
        return 0;
}

/* Connects and exports everything but the name. */
static int bus_connect(Bus *bus) {
        static int (*const exports[])(Bus *bus) = { device_export, consent_export, data_export, erasure_export,
                                                    sync_export, journal1_export };
        int r;

        bus->connection = sd_bus_close_unref(bus->connection);
        r = bus_open(bus);
        if (r < 0)
                return r;
        r = sd_bus_match_signal(bus->connection, NULL, "org.freedesktop.DBus.Local", "/org/freedesktop/DBus/Local",
                                "org.freedesktop.DBus.Local", "Disconnected", bus_on_disconnected, bus);
        for (size_t i = 0; i < ELEMENTSOF(exports) && r >= 0; i++)
                r = exports[i](bus);
        if (r >= 0)
                r = sd_bus_attach_event(bus->connection, bus->event, SD_EVENT_PRIORITY_NORMAL);
        if (r >= 0) /* else it is closed when the loop ends, before bus_free() can tell those who wait */
                r = sd_bus_set_close_on_exit(bus->connection, false);
        if (r < 0)
                bus->connection = sd_bus_close_unref(bus->connection);

        return MIN(r, 0);
}

static int bus_on_named(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        const sd_bus_error *error = sd_bus_message_get_error(reply);
        uint32_t answer = 0;
        Bus *bus = userdata;

        if (bus->state != BUS_STATE_NAMING)
                return 0;

        /* 1: primary owner, 4: it was ours already; of the D-Bus specification, RequestName */
        if (!error && sd_bus_message_read(reply, "u", &answer) >= 0 && (answer == 1 || answer == 4)) {
                log_info("The bus is back.");
                bus_enter(bus, BUS_STATE_SERVING);
        } else {
                log_debug("The name %s is not to be had: %s", BUS_NAME, error ? error->message : "someone else has it");
                bus_enter(bus, BUS_STATE_WAITING);
        }

        return 0;
}

static void bus_on_retry(void *userdata) {
        Bus *bus = userdata;
        int r;

        r = bus_connect(bus);
        if (r >= 0)
                r = sd_bus_request_name_async(bus->connection, NULL, BUS_NAME, 0, bus_on_named, bus);
        if (r < 0) {
                log_debug("The bus is not there: %s", strerror(-r));
                bus_retry_later(bus);
                return;
        }
        bus_enter(bus, BUS_STATE_NAMING);
}

static void bus_on_lanes(void *userdata) {
        Bus *bus = userdata;

        bus->lanes_usec = clock_boottime_usec(bus->options.clock);
        device_emit(bus, "Lanes");
}

/* Counters may change with every commit, each of which would wake the bus and whoever listens: two a second will do. */
static void bus_announce_lanes(Bus *bus) {
        uint64_t since_usec = clock_boottime_usec(bus->options.clock) - bus->lanes_usec;

        if (timer_is_armed(bus->lanes_timer))
                return;
        if (bus->lanes_usec > 0 && since_usec < LANES_INTERVAL_USEC &&
            timer_arm_in(bus->lanes_timer, LANES_INTERVAL_USEC - since_usec, LANES_ACCURACY_USEC) >= 0)
                return;
        bus_on_lanes(bus);
}

static void explain_name(const Bus *bus, int r, char text[static 512]) {
        const char *reason = r == -EEXIST ? "it is taken; is another trailkeepd running there?" :
                             r == -EACCES || r == -EPERM ? "this user may not have it; is org.trailkeep.conf in "
                             "/usr/share/dbus-1/system.d, and does the daemon run as the user it names?" : strerror(-r);

        /* Cut off at worst. */
        (void)snprintf(text, 512, "No name %s on the bus %s: %s", BUS_NAME, bus->address, reason);
}

static int bus_start(Bus *bus, char text[static 512]) {
        int r;

        r = bus_connect(bus);
        if (r < 0) {
                /* Cut off at worst. */
                (void)snprintf(text, 512, "The bus %s cannot be reached: %s; is dbus-daemon running?", bus->address,
                               strerror(-r));
                return r;
        }
        r = sd_bus_request_name(bus->connection, BUS_NAME, 0);
        if (r < 0) {
                explain_name(bus, r, text);
                return r;
        }
        bus_enter(bus, BUS_STATE_SERVING);

        return 0;
}

/**
 * bus_new() - be there on the bus
 * @event:      loop
 * @options:    address and the modules that are shown; copied, and what it points to must outlive the bus
 * @ret:        the bus
 * @text:       on failure one sentence that names the bus and what to do
 *
 * Waits for the bus, so it is for the start only.
 *
 * Return: 0; < 0: not connected or the name is not ours.
 */
int bus_new(sd_event *event, const BusOptions *options, Bus **ret, char text[static 512]) {
        _cleanup_(bus_freep) Bus *bus = calloc(1, sizeof(*bus));
        int r = -ENOMEM;

        if (bus) {
                bus->event = sd_event_ref(event);
                bus->options = *options;
                bus->backoff = (Backoff){ .first_usec = RETRY_FIRST_USEC, .cap_usec = RETRY_CAP_USEC };
                bus->address = strdup(options->address);
                if (bus->address)
                        r = timer_new(event, bus_on_retry, bus, &bus->timer);
                if (r >= 0)
                        r = timer_new(event, bus_on_lanes, bus, &bus->lanes_timer);
                if (r >= 0)
                        r = erasure_list_new(bus, &bus->erasures);
        }
        if (r < 0) {
                (void)snprintf(text, 512, "The bus cannot be set up: %s", strerror(-r)); /* fits */
                return r;
        }
        r = bus_start(bus, text);
        if (r < 0)
                return r;
        erasure_list_read(bus->erasures);

        *ret = TAKE_PTR(bus);
        return 0;
}

/**
 * bus_free() - leave the bus
 * @bus:        or NULL
 *
 * Callers that wait are told that the daemon stops; what they asked goes on below. Nothing is waited for: sd-bus hands
 * each message to the socket when it is sent, and what a bus that is stuck does not take is not worth a hanging stop.
 *
 * Return: NULL.
 */
Bus *bus_free(Bus *bus) {
        if (!bus)
                return NULL;

        if (bus->lanes_timer && timer_is_armed(bus->lanes_timer))
                bus_on_lanes(bus);
        if (bus->timer)
                bus_enter(bus, BUS_STATE_STOPPED);
        call_abandon_all(bus);
        bus->connection = sd_bus_close_unref(bus->connection);
        erasure_list_free(bus->erasures);
        timer_free(bus->timer);
        timer_free(bus->lanes_timer);
        sd_event_unref(bus->event);
        free(bus->address);
        free(bus);

        return NULL;
}

/**
 * bus_is_connected() - whether signals have somewhere to go
 * @bus:        the bus
 *
 * Return: true while the name is ours.
 */
bool bus_is_connected(const Bus *bus) {
        return bus->state == BUS_STATE_SERVING;
}

/**
 * bus_consent_changed() - a consent came into force or was withdrawn
 * @bus:        the bus
 * @purpose:    which
 * @is_granted: as it is now
 */
void bus_consent_changed(Bus *bus, Purpose purpose, bool is_granted) {
        consent_emit_changed(bus, purpose, is_granted);
}

/**
 * bus_gnss_changed() - the receiver's state or last error changed
 * @bus:        the bus
 */
void bus_gnss_changed(Bus *bus) {
        device_emit(bus, "GnssState");
        device_emit_errors(bus);
}

/**
 * bus_sync_changed() - the outbox's state or last error changed, or something was sent or deleted
 * @bus:        the bus
 */
void bus_sync_changed(Bus *bus) {
        sync_emit(bus);
        device_emit_errors(bus);
        erasure_list_refresh(bus->erasures);
}

/**
 * bus_time_changed() - what is proven of true time, or whose word is held off, is another
 * @bus:        the bus
 */
void bus_time_changed(Bus *bus) {
        device_emit(bus, "TrueTime");
        device_emit(bus, "ClocksHeldOff");
}

/**
 * bus_journal_changed() - any news of the journal: JournalObserver says which there are
 * @bus:        the bus
 */
void bus_journal_changed(Bus *bus) {
        JournalState state = journal_counters(bus->options.journal)->state;

        bus_announce_lanes(bus);
        sync_emit_deletions(bus);
        if (state != bus->journal_state) {
                bus->journal_state = state;
                journal1_emit(bus, "State");
                device_emit_errors(bus);
        }
        erasure_list_refresh(bus->erasures);
}

/**
 * bus_media_changed() - the folder for media changed its state, or what is wrong with it
 * @bus:        the bus
 */
void bus_media_changed(Bus *bus) {
        JournalMediaState state = journal_counters(bus->options.journal)->media_state;

        if (state != bus->media_state)
                journal1_emit(bus, "MediaState");
        bus->media_state = state;
        device_emit_errors(bus);
}

/**
 * bus_journal_damaged() - damage was noticed or acknowledged
 * @bus:        the bus
 */
void bus_journal_damaged(Bus *bus) {
        device_emit_errors(bus);
        journal1_emit(bus, "Damage");
        bus_journal_changed(bus);
}
