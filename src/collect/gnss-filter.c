/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which fixes are worth keeping. Floor 2, pure.
 *
 * A receiver reports once a second and more, whether the vehicle moves or not; a track needs far less. A fix is kept
 * when it is believable and says something that the last one kept did not: time has passed, way has been made, or the
 * vehicle has turned.
 *
 *                slow for 60 s within distance_m of where it began
 *      MOVING -----------------------------------------------------> PARKED
 *             <-----------------------------------------------------
 *                fast, or distance_m away from that place: that fix is kept
 *
 * Slow is less than 1 m/s and fast more than 2 m/s: a receiver at rest reports a few decimetres per second, and what
 * lies between the two changes nothing. Where the receiver reports no speed, the distance from the anchor decides
 * alone.
 *
 * Intervals are measured in the caller's boot time: gpsd's time may be absent, step back or be 1024 weeks wrong. It
 * has a say in one place only, the believable speed, where it can excuse a fix but never condemn one: what a stalled
 * connection held back arrives in one burst, yet the way was made in the time that the fixes themselves carry.
 */
#include <math.h>
#include <string.h>
#include "trailkeep/bytes.h"
#include "trailkeep/geo.h"
#include "trailkeep/gnss-filter.h"

#define SLOW_MPS 1.0
#define FAST_MPS 2.0
#define PARKED_AFTER_USEC (60 * USEC_PER_SEC)
#define HEADING_MIN_MPS 2.0  /* below, a course over ground is noise */
#define N_IMPLAUSIBLE_MAX 3  /* the third in a row is believed */
#define SAME_PLACE_DEG 1e-9  /* gpsd prints nine decimals */

const GnssFilterOptions gnss_filter_options_default = {
        .enabled = true,
        .interval_moving_usec = 10 * USEC_PER_SEC,
        .interval_parked_usec = 300 * USEC_PER_SEC,
        .distance_m = 50,
        .heading_deg = 15,
        .max_speed_mps = 100,
        .min_mode = 2,
};

/**
 * gnss_filter_init() - begin with nothing known
 * @filter:             overwritten, whatever it held
 * @options:            copied
 */
void gnss_filter_init(GnssFilter *filter, const GnssFilterOptions *options) {
        *filter = (GnssFilter){ .options = *options, .kept = fix_absent };
}

/**
 * gnss_filter_done() - forget where the vehicle was
 * @filter:             wiped, so that no place stays in memory
 */
void gnss_filter_done(GnssFilter *filter) {
        bytes_wipe(filter, sizeof(*filter));
}

static double distance_from_kept_m(const GnssFilter *filter, const Fix *fix) {
        return geo_distance_m(filter->kept.lat_deg, filter->kept.lon_deg, fix->lat_deg, fix->lon_deg);
}

static bool is_duplicate(const Fix *kept, const Fix *fix) {
        return fix->time_ms != TIME_MS_NONE && fix->time_ms == kept->time_ms &&
               fabs(fix->lat_deg - kept->lat_deg) < SAME_PLACE_DEG &&
               fabs(fix->lon_deg - kept->lon_deg) < SAME_PLACE_DEG;
}

/* Way shorter than distance_m is noise, not speed: a high rate would make a leap of every metre. */
static bool is_implausible(const GnssFilter *filter, const Fix *fix, uint64_t now_usec) {
        double distance_m = distance_from_kept_m(filter, fix);
        double elapsed_sec = (double)(now_usec - filter->kept_usec) / (double)USEC_PER_SEC;

        if (fix->time_ms != TIME_MS_NONE && filter->kept.time_ms != TIME_MS_NONE)
                elapsed_sec = fmax(elapsed_sec, ((double)fix->time_ms - (double)filter->kept.time_ms) / 1000);

        return distance_m > filter->options.distance_m && distance_m > filter->options.max_speed_mps * elapsed_sec;
}

static bool has_heading(const Fix *fix) {
        return isfinite(fix->track_deg) && isfinite(fix->speed_mps) && fix->speed_mps >= HEADING_MIN_MPS;
}

static bool has_turned(const GnssFilter *filter, const Fix *fix) {
        return has_heading(fix) && has_heading(&filter->kept) &&
               geo_heading_difference_deg(filter->kept.track_deg, fix->track_deg) >= filter->options.heading_deg;
}

static void start_slow(GnssFilter *filter, const Fix *fix, uint64_t now_usec) {
        filter->is_slow = true;
        filter->slow_since_usec = now_usec;
        filter->anchor_lat_deg = fix->lat_deg;
        filter->anchor_lon_deg = fix->lon_deg;
}

/* The diagram above. Returns true when this fix ends a stay. */
static bool update_parked(GnssFilter *filter, const Fix *fix, uint64_t now_usec) {
        double limit_mps = filter->is_parked ? FAST_MPS : SLOW_MPS;
        bool was_parked = filter->is_parked;

        if (isfinite(fix->speed_mps) && fix->speed_mps > limit_mps) {
                filter->is_slow = filter->is_parked = false;
                return was_parked;
        }
        if (!filter->is_slow) {
                start_slow(filter, fix, now_usec);
                return false;
        }
        if (geo_distance_m(filter->anchor_lat_deg, filter->anchor_lon_deg, fix->lat_deg, fix->lon_deg) >
            filter->options.distance_m) {
                filter->is_parked = false;
                start_slow(filter, fix, now_usec);
                return was_parked;
        }
        if (now_usec - filter->slow_since_usec >= PARKED_AFTER_USEC)
                filter->is_parked = true;

        return false;
}

static GnssFilterVerdict judge_motion(GnssFilter *filter, const Fix *fix, uint64_t now_usec) {
        const GnssFilterOptions *options = &filter->options;
        bool has_left = update_parked(filter, fix, now_usec);
        uint64_t elapsed_usec = now_usec - filter->kept_usec;

        if (has_left)
                return GNSS_FILTER_KEEP;
        if (filter->is_parked)
                return elapsed_usec >= options->interval_parked_usec ? GNSS_FILTER_KEEP : GNSS_FILTER_DROP_PARKED;
        if (elapsed_usec >= options->interval_moving_usec || distance_from_kept_m(filter, fix) >= options->distance_m ||
            has_turned(filter, fix))
                return GNSS_FILTER_KEEP;

        return GNSS_FILTER_DROP_EARLY;
}

static GnssFilterVerdict keep(GnssFilter *filter, const Fix *fix, uint64_t now_usec) {
        filter->has_kept = true;
        filter->kept = *fix;
        filter->kept_usec = now_usec;
        filter->n_implausible = 0;

        return GNSS_FILTER_KEEP;
}

/**
 * gnss_filter_check() - say whether a fix is worth keeping
 * @filter:              state, changed
 * @fix:                 copied when kept; one without a place (gpsd has such) is dropped like one of too low a mode
 * @now_usec:            boot time, never less than in an earlier call
 *
 * Return: GNSS_FILTER_KEEP, or the reason why not. A leap that was dropped leaves all state but its count as it was.
 */
GnssFilterVerdict gnss_filter_check(GnssFilter *filter, const Fix *fix, uint64_t now_usec) {
        GnssFilterVerdict verdict;

        if (!filter->options.enabled)
                return GNSS_FILTER_KEEP;
        if (fix->mode < filter->options.min_mode || !isfinite(fix->lat_deg) || !isfinite(fix->lon_deg))
                return GNSS_FILTER_DROP_MODE;
        if (!filter->has_kept) {
                (void)update_parked(filter, fix, now_usec); /* the first fix ends no stay */
                return keep(filter, fix, now_usec);
        }
        if (is_duplicate(&filter->kept, fix))
                return GNSS_FILTER_DROP_DUPLICATE;
        if (is_implausible(filter, fix, now_usec)) {
                if (++filter->n_implausible < N_IMPLAUSIBLE_MAX)
                        return GNSS_FILTER_DROP_SPEED;
                (void)update_parked(filter, fix, now_usec); /* a stay that ends by this was at the wrong place */
                return keep(filter, fix, now_usec);
        }
        filter->n_implausible = 0;

        verdict = judge_motion(filter, fix, now_usec);
        return verdict == GNSS_FILTER_KEEP ? keep(filter, fix, now_usec) : verdict;
}
