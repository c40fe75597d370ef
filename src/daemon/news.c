/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The wiring. Floor 6: the only place where a module's news meets another module.
 *
 *   gnss --fix--> gate --> journal --committed--> outbox --> store
 *   gnss, kernel, store --time--> truth --proof--> journal, bus
 *   bus --> gate --changed--> gnss (start, stop), outbox (cancel), bus (signal)
 */
#include <inttypes.h>
#include <string.h>

#define LOG_MODULE "daemon"
#include "parts.h"

static void on_fix(const Fix *fix, void *userdata) {
        Daemon *d = userdata;
        _cleanup_(record_freep) Record *record = NULL;
        char *feature = NULL;
        int r;

        truth_hear_receiver(d->truth, fix->time_ms);
        truth_hear_kernel(d->truth);
        r = fix_to_geojson(fix, &feature);
        if (r >= 0)
                r = record_new(RECORD_FIX, gate_subject(d->gate), "gnss", fix->time_ms, feature, &record);
        string_wipe_free(feature);
        if (r < 0) {
                log_error("A fix was not recorded: %s.", strerror(-r));
                return;
        }

        record->generation = gate_generation(d->gate, PURPOSE_LOCATION);
        r = gate_submit(d->gate, record);
        if (r == GATE_E_FULL || r < 0) {
                if (!d->is_refusing)
                        log_error("The journal takes no fix at the moment (%s); newer ones are lost until it does.",
                                  r < 0 ? strerror(-r) : "no room");
                d->is_refusing = true;
        } else if (d->is_refusing) {
                log_notice("The journal takes fixes again.");
                d->is_refusing = false;
        }
}

static void on_gnss_state(GnssState state, void *userdata) {
        Daemon *d = userdata;

        if (d->bus)
                bus_gnss_changed(d->bus);
}

static void on_gnss_trouble(const char *sentence, void *userdata) {
        Daemon *d = userdata;

        if (sentence[0])
                log_warning("%s", sentence);
        else
                log_notice("gpsd is heard again.");
        if (d->bus)
                bus_gnss_changed(d->bus);
}

static void on_committed(Lane lane, void *userdata) {
        Daemon *d = userdata;

        truth_hear_kernel(d->truth);
        outbox_wake(d->outbox, lane);
        if (d->bus)
                bus_journal_changed(d->bus);
}

static void on_journal_failed(const char *message, void *userdata) {
        Daemon *d = userdata;

        log_error("%s", message);
        if (d->bus)
                bus_journal_changed(d->bus);
}

static void on_journal_recovered(void *userdata) {
        Daemon *d = userdata;

        log_notice("The journal can be written again; nothing that was kept in memory was lost.");
        if (d->bus)
                bus_journal_changed(d->bus);
}

static void on_journal_state(JournalState state, void *userdata) {
        Daemon *d = userdata;

        if (state == JOURNAL_STATE_LOW)
                log_warning("%s", journal_state_sentence(state));
        if (d->bus)
                bus_journal_changed(d->bus);
}

/**
 * news_log_damage() - say what was damaged and nobody has acknowledged
 * @damage:     borrowed; says nothing when there is none
 */
void news_log_damage(const JournalDamage *damage) {
        if (damage->n_damages == 0)
                return;
        log_error("journal.db was damaged or gone (%" PRIu64 " times since somebody last acknowledged it): %" PRIu64
                  " records were carried over, %" PRIu64 " that were still to be sent are lost, %" PRIu64
                  " objects in the store are not known here any more. Look at the storage; 'trailkeepctl journal' shows "
                  "it.",
                  damage->n_damages, damage->records_saved, damage->records_lost, damage->objects_lost);
}

static void on_damaged(const JournalDamage *damage, void *userdata) {
        Daemon *d = userdata;

        news_log_damage(damage);
        if (d->bus)
                bus_journal_damaged(d->bus);
}

static void on_media(JournalMediaState state, const char *sentence, void *userdata) {
        Daemon *d = userdata;

        if (state == JOURNAL_MEDIA_OK)
                log_notice("The folder for media can be written again.");
        else
                log_warning("%s", sentence);
        if (d->bus)
                bus_media_changed(d->bus);
}

/* Said once a start: while the store is away for longer than that, every hour has some. */
static void on_expired(uint64_t n_records, void *userdata) {
        Daemon *d = userdata;

        if (!d->store)
                return; /* they were not to be sent */
        if (!d->has_said_expired)
                log_warning("%" PRIu64 " records were kept for as long as they may be and could not be sent until then: they "
                            "are destroyed. Look at the way to the store, or allow more time; 'trailkeepctl status' counts "
                            "them.",
                            n_records);
        d->has_said_expired = true;
        if (d->bus)
                bus_journal_changed(d->bus);
}

static void on_settled(void *userdata) {
        Daemon *d = userdata;

        if (d->bus)
                bus_journal_changed(d->bus);
}

static void on_doomed(void *userdata) {
        Daemon *d = userdata;

        outbox_wake_doomed(d->outbox);
        if (d->bus)
                bus_sync_changed(d->bus);
}

static void on_outbox_changed(void *userdata) {
        Daemon *d = userdata;

        if (d->bus) /* the outbox itself has said it in the log, once */
                bus_sync_changed(d->bus);
}

static void on_outbox_settled(void *userdata) {
        Daemon *d = userdata;

        if (d->bus)
                bus_journal_changed(d->bus);
}

/**
 * news_apply_location() - start or stop the receiver
 * @d:          the daemon
 * @is_granted: whether location is consented to now
 *
 * A receiver that cannot be started is said in the log; consent stays granted.
 */
void news_apply_location(Daemon *d, bool is_granted) {
        int r;

        if (!is_granted) {
                gnss_stop(d->gnss);
                return;
        }
        r = gnss_start(d->gnss);
        if (r < 0)
                log_error("Location is granted, but the connection to gpsd cannot be prepared: %s.", strerror(-r));
}

static void on_consent(Purpose purpose, bool is_granted, void *userdata) {
        Daemon *d = userdata;

        log_notice("Consent: %s is %s.", purpose_to_string(purpose), is_granted ? "granted" : "withdrawn");
        if (purpose == PURPOSE_LOCATION)
                news_apply_location(d, is_granted);
        outbox_purpose_changed(d->outbox, purpose, is_granted);
        if (d->bus)
                bus_consent_changed(d->bus, purpose, is_granted);
}

/**
 * news_time_changed() - what is proven of true time, or whose word is held off, is another
 * @userdata:   the daemon
 */
void news_time_changed(void *userdata) {
        Daemon *d = userdata;

        if (d->bus)
                bus_time_changed(d->bus);
}

/**
 * news_from_gnss() - whom the receiver tells
 * @d:          the daemon
 *
 * Return: the observer, for gnss_new().
 */
GnssObserver news_from_gnss(Daemon *d) {
        return (GnssObserver){
                .fix = on_fix,
                .state = on_gnss_state,
                .trouble = on_gnss_trouble,
                .userdata = d,
        };
}

/**
 * news_wire() - whom journal, gate and outbox tell
 * @d:          the daemon; its journal, gate and outbox exist
 */
void news_wire(Daemon *d) {
        journal_observe(d->journal, &(JournalObserver){
                .committed = on_committed,
                .failed = on_journal_failed,
                .recovered = on_journal_recovered,
                .state = on_journal_state,
                .expired = on_expired,
                .doomed = on_doomed,
                .damaged = on_damaged,
                .media = on_media,
                .settled = on_settled,
                .userdata = d,
        });
        gate_observe(d->gate, &(GateObserver){.changed = on_consent, .userdata = d});
        outbox_observe(d->outbox, &(OutboxObserver){
                .changed = on_outbox_changed,
                .settled = on_outbox_settled,
                .userdata = d,
        });
}
