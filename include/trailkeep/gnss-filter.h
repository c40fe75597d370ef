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
        GNSS_FILTER_DROP_MODE,      /* less than the minimum mode */
        GNSS_FILTER_DROP_DUPLICATE, /* same time and place as the one before */
        GNSS_FILTER_DROP_SPEED,     /* farther than anyone could have come */
        GNSS_FILTER_DROP_EARLY,     /* moving: neither interval, distance nor turn */
        GNSS_FILTER_DROP_PARKED,
        GNSS_FILTER_MAX,
} GnssFilterVerdict;

typedef struct GnssFilter {
        GnssFilterOptions options;
        Fix kept;                  /* the last one kept */
        uint64_t kept_usec;        /* when; 0: none yet */
        bool is_parked;
        uint64_t slow_since_usec;  /* for the hysteresis; 0: not slow */
        unsigned n_implausible;    /* in a row; enough of them mean the old place was wrong */
} GnssFilter;

void gnss_filter_init(GnssFilter *filter, const GnssFilterOptions *options);
GnssFilterVerdict gnss_filter_check(GnssFilter *filter, const Fix *fix, uint64_t now_usec);
