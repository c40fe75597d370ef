/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Which fixes are worth keeping. Floor 2, pure: state in, verdict out; time is the caller's boot time.
 */
#include <stdbool.h>
#include <stdint.h>
#include "fix.h"

typedef struct GnssFilterOptions {
        bool enabled; /* false: every fix is kept */
        uint64_t interval_moving_usec, interval_parked_usec;
        double distance_m, heading_deg, max_speed_mps;
        int min_mode;
} GnssFilterOptions;

typedef enum GnssFilterVerdict {
        GNSS_FILTER_KEEP,
        GNSS_FILTER_DROP_MODE,      /* less than the minimum mode, or without a place */
        GNSS_FILTER_DROP_DUPLICATE, /* same time and place as the last one kept */
        GNSS_FILTER_DROP_SPEED,     /* farther than anyone could have come */
        GNSS_FILTER_DROP_EARLY,     /* moving: neither interval, distance nor turn */
        GNSS_FILTER_DROP_PARKED,    /* standing, and the long interval is not over */
        GNSS_FILTER_MAX,
} GnssFilterVerdict;

typedef struct GnssFilter {
        GnssFilterOptions options;
        bool has_kept;
        Fix kept;                           /* the last one kept */
        uint64_t kept_usec;                 /* when */
        bool is_slow;                       /* since slow_since_usec, within options.distance_m of the anchor */
        uint64_t slow_since_usec;
        double anchor_lat_deg, anchor_lon_deg;
        bool is_parked;                     /* slow for long enough */
        unsigned n_implausible;             /* in a row; enough of them mean that the old place was wrong */
} GnssFilter;

/* What trailkeep.conf(5) has when nothing is said: 10 s, 300 s, 50 m, 15 degrees, 100 m/s, mode 2. */
extern const GnssFilterOptions gnss_filter_options_default;

void gnss_filter_init(GnssFilter *filter, const GnssFilterOptions *options);
void gnss_filter_done(GnssFilter *filter); /* wipes the place it remembers; init() makes it usable again */
GnssFilterVerdict gnss_filter_check(GnssFilter *filter, const Fix *fix, uint64_t now_usec);
