/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gnss-dump HOST:PORT: what collect makes of a gpsd, with nothing above it. The filter is off.
 *
 * Prints one GeoJSON Feature per fix. On standard error each state by name and each trouble, so that a test can wait
 * for "watching". Ends with 0 when gpsd closes the connection, with 1 when there was none.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "trailkeep/bytes.h"
#include "trailkeep/gnss.h"
#include "trailkeep/loop.h"

typedef struct Dump {
        sd_event *event;
        bool has_watched;
        int result;
} Dump;

static void end(Dump *dump, int result) {
        int r;

        dump->result = result;
        r = sd_event_exit(dump->event, 0);
        if (r < 0)
                fprintf(stderr, "cannot end: %s\n", strerror(-r));
}

static void on_fix(const Fix *fix, void *userdata) {
        char *json = NULL;
        int r;

        r = fix_to_geojson(fix, &json);
        if (r < 0) {
                fprintf(stderr, "error: %s\n", strerror(-r));
                end(userdata, r);
                return;
        }
        puts(json);
        string_wipe_free(json);
}

static void on_state(GnssState state, void *userdata) {
        Dump *dump = userdata;

        fprintf(stderr, "%s\n", gnss_state_to_string(state));
        if (state == GNSS_STATE_WATCHING)
                dump->has_watched = true;
        if (state == GNSS_STATE_WAITING)
                end(dump, dump->has_watched ? 0 : -ENOTCONN);
}

static void on_trouble(const char *sentence, void *userdata) {
        fprintf(stderr, "trouble: %s\n", sentence);
}

static int run(const char *address) {
        const GnssOptions options = { .address = address };
        Dump dump = { 0 };
        const GnssObserver observer = { .fix = on_fix, .state = on_state, .trouble = on_trouble, .userdata = &dump };
        _cleanup_(gnss_freep) Gnss *gnss = NULL;
        int r;

        r = loop_new(&dump.event);
        if (r < 0)
                return r;
        r = gnss_new(dump.event, &clock_system, &options, &observer, &gnss);
        if (r >= 0)
                r = gnss_start(gnss);
        if (r >= 0)
                r = sd_event_loop(dump.event);
        gnss = gnss_free(gnss);
        sd_event_unref(dump.event);

        return r < 0 ? r : dump.result;
}

int main(int argc, char **argv) {
        int r;

        if (argc != 2) {
                fprintf(stderr, "usage: %s HOST:PORT\n", argv[0]);
                return 2;
        }
        r = run(argv[1]);
        if (r < 0)
                fprintf(stderr, "error: %s\n", strerror(-r));

        return r < 0 ? 1 : 0;
}
