/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Start and stop. Floor 6. What the parts tell one another is in news.c.
 *
 * Start goes from the ground up and is fatal where it fails, with one line that says what to do; the bus name is taken
 * last, so that whoever sees the name sees a whole daemon. Stop goes down the same way: no caller, no source, then the
 * journal commits what it holds.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LOG_MODULE "daemon"
#include "credentials.h"
#include "daemon.h"
#include "parts.h"
#include "trailkeep/keyring.h"

static int check_device_key(const Daemon *d) {
        int r = keyring_check_device_key(d->device_key_path);

        switch (r) {
        case 0:
                return 0;
        case KEYRING_E_MISSING:
                log_error("There is no device key %s. Make it with 'trailkeepd --init'.", d->device_key_path);
                return DAEMON_E_SETUP;
        case KEYRING_E_EXPOSED:
                log_error("The device key %s can be read by others. Give it mode 0400.", d->device_key_path);
                return DAEMON_E_SETUP;
        case KEYRING_E_MALFORMED:
                log_error("%s is not an ECDSA P-256 key in PEM. Move it away and run 'trailkeepd --init'.",
                          d->device_key_path);
                return DAEMON_E_SETUP;
        default:
                log_error("The device key %s cannot be read: %s.", d->device_key_path, strerror(r < 0 ? -r : EIO));
                return DAEMON_E_SETUP;
        }
}

static int start_journal(Daemon *d, sd_event *event) {
        const Config *c = d->config;
        JournalOptions options = {
                .state_dir = c->state_dir,
                .root_secret_file = d->root_secret_path,
                .next_root_secret_file = d->next_root_secret_path,
                .media_dir = c->media_dir,
                .commit_interval_usec = c->commit_interval_usec,
                .alarm_retention_usec = c->alarm_retention_usec,
                .has_store = c->store_url && c->store_url[0],
                .max_use_bytes = c->max_use_bytes,
                .keep_free_bytes = c->keep_free_bytes,
        };
        JournalError error = {0};
        int r;

        memcpy(options.retention_usec, c->retention_usec, sizeof(options.retention_usec));
        r = journal_new(event, d->clock, &options, &d->journal, &error);
        if (r != 0) {
                log_error("%s", error.text);
                return r < 0 ? r : DAEMON_E_SETUP;
        }
        if (journal_is_root_next(d->journal))
                log_warning("The replacement of the root secret is not finished: what is recorded lies under %s already. "
                            "Finish it with 'trailkeepd --replace-root-secret', the daemon being stopped.",
                            d->next_root_secret_path);
        news_log_damage(&journal_counters(d->journal)->damage);
        r = gate_new(d->journal, d->clock, c->subject, &d->gate);
        if (r < 0) {
                log_error("The consents cannot be read: %s.", strerror(-r));
                return r;
        }
        if (!gate_is_ledger_trusted(d->gate))
                log_error("The ledger of consents in %s/vault.db is damaged or not this box's: every purpose is off and "
                          "cannot be granted. Restore the vault, or erase everything and move the folder away.",
                          c->state_dir);
        return 0;
}

static int start_truth(Daemon *d, sd_event *event) {
        const TruthOptions options = {
                .clock = d->clock,
                .journal = d->journal,
                .has_independent_kernel = d->config->independent_clock,
                .changed = news_time_changed,
                .userdata = d,
        };
        int r;

        r = truth_new(event, &options, &d->truth);
        if (r >= 0)
                r = truth_start(d->truth);
        if (r < 0)
                log_error("True time cannot be watched: %s.", strerror(-r));
        return r;
}

static int start_store(Daemon *d, sd_event *event) {
        const Config *c = d->config;
        const HttpOptions options = {
                .clock = truth_http_clock(d->truth),
                .ca_file = c->ca_file,
                .cert_file = c->cert_file,
                .key_file = c->key_file && c->key_file[0] ? c->key_file : d->device_key_path,
                .timeout_usec = c->timeout_usec,
        };
        char text[HTTP_CREDENTIALS_TEXT_MAX];
        int r;

        if (!c->store_url || !c->store_url[0]) {
                log_notice("No store is configured ([Store] Url=): what is recorded stays here until it expires.");
                return 0;
        }

        /* Said at start, not fatal: recording goes on, and the store's refusal is shown as a held lane. */
        if (http_check_credentials(&options, text) != 0)
                log_error("%s", text);

        r = http_new(event, d->clock, &options, &d->http);
        if (r >= 0)
                r = store_new(d->http, c->store_url, journal_installation(d->journal), &d->store);
        if (r < 0)
                log_error("The store cannot be prepared: %s.", strerror(-r));
        return r;
}

static bool is_time_known(void *userdata) {
        return truth_estimate(userdata)->state != TRUE_TIME_UNPROVEN;
}

static int start_outbox(Daemon *d, sd_event *event) {
        const OutboxOptions options = {
                .clock = d->clock,
                .journal = d->journal,
                .gate = d->gate,
                .store = d->store,
                .send_interval_usec = d->config->send_interval_usec,
                .object_max = {
                        .records_max = d->config->object_records_max,
                        .bytes_max = d->config->object_bytes_max,
                },
                .is_time_known = is_time_known,
                .time_userdata = d->truth,
        };
        int r;

        r = outbox_new(event, &options, &d->outbox);
        if (r < 0)
                log_error("The outbox cannot be prepared: %s.", strerror(-r));
        return r;
}

static int start_gnss(Daemon *d, sd_event *event) {
        const Config *c = d->config;
        const GnssOptions options = {
                .address = c->gpsd_address,
                .filter = {
                        .enabled = c->filter,
                        .interval_moving_usec = c->interval_moving_usec,
                        .interval_parked_usec = c->interval_parked_usec,
                        .distance_m = c->distance_m,
                        .heading_deg = c->heading_deg,
                        .max_speed_mps = c->max_speed_mps,
                        .min_mode = (int)c->min_mode,
                },
        };
        const GnssObserver observer = news_from_gnss(d);
        int r;

        r = gnss_new(event, d->clock, &options, &observer, &d->gnss);
        if (r < 0)
                log_error("The receiver cannot be prepared: %s.", strerror(-r));
        return r;
}

static int start_bus(Daemon *d, sd_event *event, const char *address) {
        const BusOptions options = {
                .address = address,
                .clock = d->clock,
                .gate = d->gate,
                .gnss = d->gnss,
                .journal = d->journal,
                .outbox = d->outbox,
                .true_time = truth_estimate(d->truth),
        };
        char text[512];
        int r;

        r = bus_new(event, &options, &d->bus, text);
        if (r < 0)
                log_error("%s", text);
        return r;
}

/* What an earlier start left: rows to be sent, objects to be deleted, consents that still hold. */
static void resume(Daemon *d) {
        for (Lane lane = 0; lane < LANE_MAX; lane++)
                outbox_wake(d->outbox, lane);
        outbox_wake_doomed(d->outbox);
        if (gate_allows(d->gate, PURPOSE_LOCATION))
                news_apply_location(d, true);
}

static int start(Daemon *d, sd_event *event, const char *bus_address) {
        int r;

        r = credential_dup_path(CREDENTIAL_ROOT_SECRET, d->config->root_secret_file, &d->root_secret_path);
        if (r == 0)
                r = credential_dup_next_path(d->config->root_secret_file, &d->next_root_secret_path);
        if (r == 0)
                r = credential_dup_path(CREDENTIAL_DEVICE_KEY, d->config->device_key_file, &d->device_key_path);
        if (r == 0)
                r = check_device_key(d);
        if (r == 0)
                r = start_journal(d, event);
        if (r == 0)
                r = start_truth(d, event);
        if (r == 0)
                r = start_store(d, event);
        if (r == 0)
                r = start_outbox(d, event);
        if (r == 0)
                r = start_gnss(d, event);
        if (r != 0)
                return r;

        news_wire(d);
        r = start_bus(d, event, bus_address);
        if (r != 0)
                return r;
        resume(d);
        return 0;
}

/**
 * daemon_new() - open the journal, connect everything, take the bus name
 * @event:       the main loop; referenced by the parts
 * @clock:       borrowed for the life of the daemon
 * @config:      borrowed for the life of the daemon
 * @bus_address: "system", "session" or a D-Bus address; borrowed during the call
 * @ret:         the running daemon
 *
 * Return: 0; DAEMON_E_SETUP: a secret is missing or wrong, or the journal is damaged or of a later version: somebody has
 * to put that right; -errno. Other than 0 only after one line in the log that says what is wrong and what to do; then
 * nothing runs, and nothing was changed but for the folder and databases that a first start makes.
 */
int daemon_new(sd_event *event, const Clock *clock, const Config *config, const char *bus_address, Daemon **ret) {
        _cleanup_(daemon_freep) Daemon *d = calloc(1, sizeof(*d));
        int r;

        if (!d)
                return -ENOMEM;
        d->clock = clock;
        d->config = config;
        r = start(d, event, bus_address);
        if (r != 0)
                return r;

        *ret = TAKE_PTR(d);
        return 0;
}

/**
 * daemon_free() - stop everything, from the face down
 * @d:          the daemon, or NULL
 *
 * What was appended to the journal is committed before this returns; an upload in flight is cancelled, and its intent
 * makes it the same object at the next start.
 *
 * Return: NULL.
 */
Daemon *daemon_free(Daemon *d) {
        if (!d)
                return NULL;

        bus_free(TAKE_PTR(d->bus));
        gnss_free(TAKE_PTR(d->gnss));
        outbox_free(TAKE_PTR(d->outbox));
        store_free(TAKE_PTR(d->store));
        http_free(TAKE_PTR(d->http));
        truth_free(TAKE_PTR(d->truth));
        gate_free(TAKE_PTR(d->gate));
        journal_free(TAKE_PTR(d->journal));
        free(d->root_secret_path);
        free(d->next_root_secret_path);
        free(d->device_key_path);
        free(d);
        return NULL;
}
