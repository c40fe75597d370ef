/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The receiver: gpsd's JSON over a socket of our own (non-blocking) and libgps' gps_unpack(). Floor 2.
 *
 * Stopped means: no connection to gpsd exists, no fix is held in memory. The state machine is drawn in
 * src/collect/gnss.c.
 */
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>
#include "clock.h"
#include "fix.h"
#include "gnss-filter.h"
#include "macros.h"

typedef enum GnssState {
        GNSS_STATE_STOPPED,
        GNSS_STATE_CONNECTING, /* until gpsd has shown its banner */
        GNSS_STATE_WATCHING,   /* ?WATCH sent, no fix now */
        GNSS_STATE_FIXING,     /* fixes arrive */
        GNSS_STATE_SILENT,     /* connected, gpsd says nothing */
        GNSS_STATE_WAITING,    /* for the next attempt */
        GNSS_STATE_MAX,
} GnssState;

typedef struct GnssOptions {
        const char *address; /* HOST:PORT, a numeric address ([] around IPv6) or "localhost" */
        GnssFilterOptions filter;
        uint64_t timeout_usec; /* for gpsd's banner; 0: 10 s */
        uint64_t silence_usec; /* without a line until the state says so; 0: 60 s */
} GnssOptions;

/* Each may be NULL. A callback may call gnss_stop() and gnss_start(), not gnss_free(). */
typedef struct GnssObserver {
        void (*fix)(const Fix *fix, void *userdata); /* kept by the filter; if that is off, perhaps without a place */
        void (*state)(GnssState state, void *userdata);
        /* Once when a trouble begins, however often it is tried again and fails for other reasons; with "" when it is
         * over, some seconds after gpsd is heard again, but not at stop. */
        void (*trouble)(const char *sentence, void *userdata);
        void *userdata;
} GnssObserver;

typedef struct Gnss Gnss;

int gnss_new(sd_event *event, const Clock *clock, const GnssOptions *options, const GnssObserver *observer,
             Gnss **ret) _must_check_;
Gnss *gnss_free(Gnss *gnss);
DEFINE_CLEANUP(Gnss, gnss_free);
int gnss_start(Gnss *gnss) _must_check_; /* idempotent */
void gnss_stop(Gnss *gnss);              /* idempotent; the socket is closed and the last fix wiped on return */
GnssState gnss_state(const Gnss *gnss);
const char *gnss_state_to_string(GnssState state);
const Fix *gnss_last_fix(const Gnss *gnss);    /* latest with a place, filtered or not; NULL; borrowed */
const char *gnss_last_error(const Gnss *gnss); /* a whole sentence; "": all is well */
uint64_t gnss_n_dropped(const Gnss *gnss);     /* by the filter, since start */
