/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The receiver: a client of gpsd. Floor 2.
 *
 *   STOPPED <------ gnss_stop(), from everywhere
 *      |
 *      | gnss_start()
 *      v
 *   CONNECTING <--------------- the delay is over --------------+
 *      |     |                                                  |
 *      |     +---- refused, no banner in 10 s, garbage -----> WAITING
 *      |                                                        ^
 *      | the banner: ?WATCH is sent                             |
 *      v                                                        |
 *   WATCHING <------ a line -------+                            |
 *      |  ^ |                      |                            |
 *  fix |  | +--- 60 s silent --> SILENT                         |
 *      |  | 10 s without a fix     ^                            |
 *      v  |                        |                            |
 *   FIXING ----- 60 s silent ------+                            |
 *                                                               |
 *   WATCHING, FIXING, SILENT ---- closed, garbage --------------+
 *
 * The connection is the subscription, and there is one only while somebody may be followed. So gnss_stop() does not say
 * good-bye: on return the socket is closed and whatever could hold a place is wiped (the lines, libgps' struct, the
 * filter, the last fix).
 *
 * One timer serves all states, and it is armed for a reason only: the banner that must come, the delay until the next
 * attempt, and silence. For the latter it is armed once for the whole span and, when it is over, for what the last line
 * has added; as long as gpsd stays silent it is not armed at all. TCP itself finds out that another box has vanished.
 *
 * A trouble is said once, with the first reason; later attempts may fail for others, which gnss_last_error() tells. It
 * is over, and said to be, when a connection has lasted for 10 s: a gpsd that crashes again and again, or something
 * that only begins like gpsd, would else be said to be well and ill in turn for ever. No timer is armed for that: the
 * next line notices, or the silence after the last one.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "trailkeep/backoff.h"
#include "trailkeep/bytes.h"
#include "trailkeep/gnss.h"
#include "trailkeep/id.h"
#include "trailkeep/loop.h"
#include "gnss-link.h"
#include "gnss-parse.h"
#define LOG_MODULE "gnss"
#include "trailkeep/log.h"

#define WATCH_COMMAND "?WATCH={\"enable\":true,\"json\":true};\n"
#define TIMEOUT_USEC (10 * USEC_PER_SEC)
#define SILENCE_USEC (60 * USEC_PER_SEC)
#define LOST_USEC (10 * USEC_PER_SEC)   /* until FIXING ends: receivers lose a fix for an epoch and have it again */
#define PROVEN_USEC (10 * USEC_PER_SEC) /* a connection that lasted this long ends a trouble and its delays */
#define BACKOFF_FIRST_USEC USEC_PER_SEC
#define BACKOFF_CAP_USEC (60 * USEC_PER_SEC)
#define ACCURACY_USEC (100 * USEC_PER_MSEC)

struct Gnss {
        const Clock *clock;
        GnssObserver observer;
        GnssFilterOptions filter_options;
        uint64_t timeout_usec, silence_usec;

        GnssState state;
        GnssLink link;
        uint64_t connected_usec;  /* boot time of the banner; 0: not yet */
        uint64_t line_usec;       /* of the last line */
        uint64_t fix_usec;        /* of the last fix */
        Timer *timer;
        Backoff backoff;
        char address[80];
        char error[192];
        bool is_in_trouble; /* said, and not over yet, though there may be a connection again */

        GnssParser parser;
        GnssFilter filter;
        bool has_held, has_last_fix;
        Fix held; /* waits for its sky, see gnss-parse.c */
        Fix last_fix;
        uint64_t n_dropped;
};

/**
 * gnss_state_to_string() - a state's name
 * @state:      any value
 *
 * Return: a word in lower case, static.
 */
const char *gnss_state_to_string(GnssState state) {
        switch (state) {
        case GNSS_STATE_STOPPED:
                return "stopped";
        case GNSS_STATE_CONNECTING:
                return "connecting";
        case GNSS_STATE_WATCHING:
                return "watching";
        case GNSS_STATE_FIXING:
                return "fixing";
        case GNSS_STATE_SILENT:
                return "silent";
        case GNSS_STATE_WAITING:
                return "waiting";
        case GNSS_STATE_MAX:
                break;
        }
        return "unknown";
}

/* The observer may stop us: nothing may be assumed after this. */
static void gnss_enter(Gnss *gnss, GnssState state) {
        if (state == gnss->state)
                return;
        log_debug("%s -> %s", gnss_state_to_string(gnss->state), gnss_state_to_string(state));
        gnss->state = state;
        if (gnss->observer.state)
                gnss->observer.state(state, gnss->observer.userdata);
}

/* False if the observer has stopped us. */
static bool say_trouble(Gnss *gnss, const char *sentence) {
        uint64_t connection = gnss->link.n_closed;

        log_debug("%s", *sentence ? sentence : "the trouble is over");
        gnss->is_in_trouble = *sentence;
        if (gnss->observer.trouble)
                gnss->observer.trouble(sentence, gnss->observer.userdata);

        return gnss->link.n_closed == connection;
}

static bool is_proven(const Gnss *gnss) {
        return gnss->connected_usec > 0 &&
               clock_boottime_usec(gnss->clock) - gnss->connected_usec >= PROVEN_USEC;
}

/* False if the observer has stopped us. */
static bool end_trouble(Gnss *gnss) {
        return !gnss->is_in_trouble || !is_proven(gnss) || say_trouble(gnss, "");
}

static void disconnect(Gnss *gnss) {
        gnss_link_close(&gnss->link);
        gnss->connected_usec = 0;
        gnss_parser_init(&gnss->parser);
        bytes_wipe(&gnss->held, sizeof(gnss->held));
        gnss->has_held = false;
        timer_disarm(gnss->timer);
}

static void take_fix(Gnss *gnss, const Fix *fix) {
        uint64_t now_usec = clock_boottime_usec(gnss->clock);
        uint64_t connection = gnss->link.n_closed;

        gnss->fix_usec = now_usec;
        if (isfinite(fix->lat_deg)) {
                gnss->last_fix = *fix;
                gnss->has_last_fix = true;
        }
        gnss_enter(gnss, GNSS_STATE_FIXING);
        if (gnss->link.n_closed != connection)
                return;
        if (gnss_filter_check(&gnss->filter, fix, now_usec) != GNSS_FILTER_KEEP)
                gnss->n_dropped++;
        else if (gnss->observer.fix)
                gnss->observer.fix(fix, gnss->observer.userdata);
}

/* With what is known of its sky by now. False if the observer has stopped us. */
static bool release_held(Gnss *gnss) {
        uint64_t connection = gnss->link.n_closed;
        Fix fix;

        if (!gnss->has_held)
                return true;
        fix = gnss->held;
        gnss->has_held = false;
        (void)gnss_parser_complete(&gnss->parser, &fix); /* it comes, complete or not */
        take_fix(gnss, &fix);
        bytes_wipe(&fix, sizeof(fix));

        return gnss->link.n_closed == connection;
}

/* The connection, or the attempt at one, is over: wait, and say what gpsd did. The error is an -errno, or 0. */
static void fail(Gnss *gnss, const char *what, int error) {
        uint32_t random = UINT32_MAX;
        int r;

        if (!release_held(gnss))
                return;
        if (is_proven(gnss))
                backoff_reset(&gnss->backoff);
        disconnect(gnss);
        /* Without randomness it is the longest delay: there is no fleet that would come back at once to one gpsd. */
        r = random_bytes(&random, sizeof(random));
        if (r < 0)
                log_debug("no jitter: %s", strerror(-r));
        r = timer_arm_in(gnss->timer, backoff_next_usec(&gnss->backoff, 0, random), ACCURACY_USEC);
        if (r < 0) {
                what = "is not tried again for want of a timer";
                error = r;
        }
        snprintf(gnss->error, sizeof(gnss->error), "gpsd at %s %s%s%s.", gnss->address, what, error < 0 ? ": " : "",
                 error < 0 ? strerror(-error) : "");
        if (gnss->is_in_trouble)
                log_debug("%s", gnss->error);
        if (gnss->is_in_trouble || say_trouble(gnss, gnss->error))
                gnss_enter(gnss, GNSS_STATE_WAITING);
}

static void on_failed(const char *what, int error, void *userdata) {
        fail(userdata, what, error);
}

static void begin_watching(Gnss *gnss) {
        int r;

        r = gnss_link_send(&gnss->link, WATCH_COMMAND);
        if (r < 0) {
                fail(gnss, "cannot be asked", r);
                return;
        }
        gnss->connected_usec = gnss->line_usec = clock_boottime_usec(gnss->clock);
        r = timer_arm_in(gnss->timer, gnss->silence_usec, ACCURACY_USEC);
        if (r < 0) {
                fail(gnss, "cannot be watched for want of a timer", r);
                return;
        }
        gnss->error[0] = 0;
        gnss_enter(gnss, GNSS_STATE_WATCHING);
}

static void note_no_fix(Gnss *gnss) {
        if (gnss->state == GNSS_STATE_FIXING && gnss->line_usec - gnss->fix_usec >= LOST_USEC)
                gnss_enter(gnss, GNSS_STATE_WATCHING);
}

static void take_report(Gnss *gnss, GnssLine kind, const Fix *fix) {
        if (kind == GNSS_LINE_SKY) {
                if (gnss->has_held && gnss_parser_complete(&gnss->parser, &gnss->held))
                        (void)release_held(gnss); /* nothing is done after it */
                return;
        }
        if ((kind != GNSS_LINE_FIX && kind != GNSS_LINE_NO_FIX) || !release_held(gnss))
                return;
        if (kind == GNSS_LINE_NO_FIX) {
                note_no_fix(gnss);
        } else if (gnss_parser_awaits_sky(&gnss->parser, fix)) {
                gnss->held = *fix;
                gnss->has_held = true;
        } else {
                take_fix(gnss, fix);
        }
}

/* Any line ends a silence; the timer does not run during one. */
static int end_silence(Gnss *gnss) {
        int r;

        if (gnss->state != GNSS_STATE_SILENT)
                return 0;
        r = timer_arm_in(gnss->timer, gnss->silence_usec, ACCURACY_USEC);
        if (r >= 0)
                gnss_enter(gnss, GNSS_STATE_WATCHING);
        return r;
}

static void on_line(char *line, size_t size, void *userdata) {
        Gnss *gnss = userdata;
        uint64_t connection = gnss->link.n_closed;
        Fix fix = fix_absent;
        GnssLine kind;
        int r;

        kind = gnss_parser_line(&gnss->parser, line, size, &fix);
        if (kind == GNSS_LINE_GARBAGE || (gnss->state == GNSS_STATE_CONNECTING && kind != GNSS_LINE_VERSION)) {
                fail(gnss, "does not speak gpsd's protocol", 0);
                return;
        }
        gnss->line_usec = clock_boottime_usec(gnss->clock);
        if (gnss->state == GNSS_STATE_CONNECTING) {
                begin_watching(gnss);
                return;
        }
        r = end_silence(gnss);
        if (r < 0)
                fail(gnss, "cannot be watched for want of a timer", r);
        if (gnss->link.n_closed != connection || !end_trouble(gnss))
                return;
        take_report(gnss, kind, &fix);
        bytes_wipe(&fix, sizeof(fix));
}

static void begin_connecting(Gnss *gnss) {
        uint64_t connection = gnss->link.n_closed;
        int r;

        gnss_enter(gnss, GNSS_STATE_CONNECTING);
        if (gnss->link.n_closed != connection)
                return;
        r = gnss_link_open(&gnss->link);
        if (r >= 0)
                r = timer_arm_in(gnss->timer, gnss->timeout_usec, ACCURACY_USEC);
        if (r < 0)
                fail(gnss, "cannot be reached", r);
}

static void check_silence(Gnss *gnss) {
        uint64_t silent_usec = clock_boottime_usec(gnss->clock) - gnss->line_usec;
        int r;

        if (silent_usec >= gnss->silence_usec) {
                if (release_held(gnss))
                        gnss_enter(gnss, GNSS_STATE_SILENT);
                return;
        }
        r = timer_arm_in(gnss->timer, gnss->silence_usec - silent_usec, ACCURACY_USEC);
        if (r < 0)
                fail(gnss, "cannot be watched for want of a timer", r);
}

static void on_timer(void *userdata) {
        Gnss *gnss = userdata;

        switch (gnss->state) {
        case GNSS_STATE_CONNECTING:
                fail(gnss, "does not answer", 0);
                return;
        case GNSS_STATE_WAITING:
                begin_connecting(gnss);
                return;
        case GNSS_STATE_WATCHING:
        case GNSS_STATE_FIXING:
                if (end_trouble(gnss))
                        check_silence(gnss);
                return;
        case GNSS_STATE_STOPPED:
        case GNSS_STATE_SILENT:
        case GNSS_STATE_MAX:
                return;
        }
}

/**
 * gnss_new() - a client of gpsd, stopped
 * @event:      loop; a reference is kept
 * @clock:      borrowed; must outlive the client
 * @options:    copied
 * @observer:   copied; its callbacks run on the loop and within gnss_start() and gnss_stop()
 * @ret:        owned by the caller; untouched on failure
 *
 * Return: 0; -EINVAL if the address is not HOST:PORT with a numeric address or "localhost"; -ENOMEM; -errno of the
 * loop.
 */
int gnss_new(sd_event *event, const Clock *clock, const GnssOptions *options, const GnssObserver *observer,
             Gnss **ret) {
        GnssLinkObserver link_observer = { .line = on_line, .failed = on_failed };
        _cleanup_(gnss_freep) Gnss *gnss = NULL;
        int r;

        gnss = calloc(1, sizeof(*gnss));
        if (!gnss)
                return -ENOMEM;
        link_observer.userdata = gnss;
        gnss->clock = clock;
        gnss->observer = *observer;
        gnss->filter_options = options->filter;
        gnss->timeout_usec = options->timeout_usec > 0 ? options->timeout_usec : TIMEOUT_USEC;
        gnss->silence_usec = options->silence_usec > 0 ? options->silence_usec : SILENCE_USEC;
        gnss->backoff = (Backoff){ .first_usec = BACKOFF_FIRST_USEC, .cap_usec = BACKOFF_CAP_USEC };
        gnss_parser_init(&gnss->parser);
        snprintf(gnss->address, sizeof(gnss->address), "%s", options->address);
        r = gnss_link_init(&gnss->link, event, options->address, &link_observer);
        if (r < 0)
                return r;
        r = timer_new(event, on_timer, gnss, &gnss->timer);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(gnss);

        return 0;
}

/**
 * gnss_free() - stop and free a client
 * @gnss:       or NULL; not from within one of its callbacks
 *
 * The observer is not called.
 *
 * Return: NULL.
 */
Gnss *gnss_free(Gnss *gnss) {
        if (!gnss)
                return NULL;
        gnss->observer = (GnssObserver){ 0 };
        if (gnss->timer)
                gnss_stop(gnss);
        timer_free(gnss->timer);
        gnss_link_done(&gnss->link);
        free(gnss);

        return NULL;
}

/**
 * gnss_start() - connect, and stay connected until stopped
 * @gnss:       if it is started already nothing happens
 *
 * A gpsd that is not there is no failure: the state says so, and it is tried again.
 *
 * Return: 0; no other outcome today.
 */
int gnss_start(Gnss *gnss) {
        if (gnss->state != GNSS_STATE_STOPPED)
                return 0;
        gnss->n_dropped = 0;
        backoff_reset(&gnss->backoff);
        gnss_filter_init(&gnss->filter, &gnss->filter_options);
        begin_connecting(gnss);

        return 0;
}

/**
 * gnss_stop() - leave gpsd at once and forget where the vehicle was
 * @gnss:       if it is stopped already nothing happens; allowed within its callbacks
 *
 * On return there is no connection, and no place is left in the client's memory. No fix is reported any more.
 */
void gnss_stop(Gnss *gnss) {
        if (gnss->state == GNSS_STATE_STOPPED)
                return;
        disconnect(gnss);
        gnss_filter_done(&gnss->filter);
        bytes_wipe(&gnss->last_fix, sizeof(gnss->last_fix));
        gnss->has_last_fix = false;
        gnss->error[0] = 0;
        gnss->is_in_trouble = false;
        gnss_enter(gnss, GNSS_STATE_STOPPED);
}

/**
 * gnss_state() - where the client stands
 * @gnss:       borrowed
 *
 * Return: the state.
 */
GnssState gnss_state(const Gnss *gnss) {
        return gnss->state;
}

/**
 * gnss_last_fix() - the latest fix with a place, whether the filter kept it or not
 * @gnss:       borrowed
 *
 * Return: borrowed until the loop runs again or the client is stopped; NULL if there was none since start.
 */
const Fix *gnss_last_fix(const Gnss *gnss) {
        return gnss->has_last_fix ? &gnss->last_fix : NULL;
}

/**
 * gnss_last_error() - what is wrong now
 * @gnss:       borrowed
 *
 * Return: one whole sentence with its full stop, borrowed until the loop runs again; "" as long as there is a
 * connection.
 */
const char *gnss_last_error(const Gnss *gnss) {
        return gnss->error;
}

/**
 * gnss_n_dropped() - how many fixes the filter dropped
 * @gnss:       borrowed
 *
 * Return: the number since the last start.
 */
uint64_t gnss_n_dropped(const Gnss *gnss) {
        return gnss->n_dropped;
}
