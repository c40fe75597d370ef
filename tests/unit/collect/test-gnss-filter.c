/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The filter, as tables: one row is one fix on a plane around a place, and what must become of it. Distances are metres
 * east and north of that place, times are seconds of boot time; the fix's own time is given where it matters.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "trailkeep/gnss-filter.h"

#define LAT_DEG 47.0
#define LON_DEG 8.0
#define M_PER_DEG (6371008.8 * M_PI / 180)
#define BOOT_SEC 1000

#define KEEP GNSS_FILTER_KEEP
#define MODE GNSS_FILTER_DROP_MODE
#define DUPLICATE GNSS_FILTER_DROP_DUPLICATE
#define SPEED GNSS_FILTER_DROP_SPEED
#define EARLY GNSS_FILTER_DROP_EARLY
#define PARKED GNSS_FILTER_DROP_PARKED

typedef struct Step {
        double at_sec, east_m, north_m, speed_mps, track_deg;
        GnssFilterVerdict expected;
        double time_sec; /* gpsd's; 0: absent */
        int mode;        /* 0: 3D */
} Step;

static Fix fix_of(const Step *step) {
        Fix fix = fix_absent;

        fix.mode = step->mode == 0 ? 3 : step->mode;
        fix.lat_deg = LAT_DEG + step->north_m / M_PER_DEG;
        fix.lon_deg = LON_DEG + step->east_m / (M_PER_DEG * cos(LAT_DEG * M_PI / 180));
        fix.speed_mps = step->speed_mps;
        fix.track_deg = step->track_deg;
        if (step->time_sec > 0)
                fix.time_ms = (int64_t)llround(step->time_sec * 1000);
        return fix;
}

static uint64_t usec_of(double at_sec) {
        return (uint64_t)llround((BOOT_SEC + at_sec) * 1e6);
}

static void run_steps(GnssFilter *filter, const Step *steps, size_t n_steps) {
        for (size_t i = 0; i < n_steps; i++) {
                Fix fix = fix_of(steps + i);
                GnssFilterVerdict verdict = gnss_filter_check(filter, &fix, usec_of(steps[i].at_sec));

                if (verdict != steps[i].expected)
                        fail_msg("step %zu at %g s: verdict %d, not %d", i, steps[i].at_sec, (int)verdict,
                                 (int)steps[i].expected);
        }
}

static void run_with(const GnssFilterOptions *options, const Step *steps, size_t n_steps) {
        GnssFilter filter;

        gnss_filter_init(&filter, options);
        run_steps(&filter, steps, n_steps);
        gnss_filter_done(&filter);
}

#define RUN(steps) run_with(&gnss_filter_options_default, (steps), ELEMENTSOF(steps))

static void test_defaults_are_the_documented_ones(void **state) {
        const GnssFilterOptions *o = &gnss_filter_options_default;

        assert_true(o->enabled);
        assert_int_equal(o->interval_moving_usec, 10 * USEC_PER_SEC);
        assert_int_equal(o->interval_parked_usec, 300 * USEC_PER_SEC);
        assert_true(fabs(o->distance_m - 50) < 1e-9 && fabs(o->heading_deg - 15) < 1e-9);
        assert_true(fabs(o->max_speed_mps - 100) < 1e-9);
        assert_int_equal(o->min_mode, 2);
}

static void test_off_keeps_everything(void **state) {
        GnssFilterOptions options = gnss_filter_options_default;
        static const Step steps[] = {
                { 0, 0, 0, 0, NAN, KEEP, 100 },
                { 0, 0, 0, 0, NAN, KEEP, 100 },         /* duplicate */
                { 0.1, 9e5, 0, 0, NAN, KEEP, 100.1 },   /* leap */
                { 0.2, 0, 0, 0, NAN, KEEP, 100.2, 1 },  /* no fix */
                { 0.3, NAN, NAN, 0, NAN, KEEP, 100.3 }, /* no place */
        };

        options.enabled = false;
        run_with(&options, steps, ELEMENTSOF(steps));
}

static void test_moving_keeps_by_interval(void **state) {
        static const Step steps[] = {
                { 0, 0, 0, 3, 90, KEEP },    { 5, 15, 0, 3, 90, EARLY },   { 9.9, 29.7, 0, 3, 90, EARLY },
                { 10, 30, 0, 3, 90, KEEP },  { 15, 45, 0, 3, 90, EARLY },  { 20, 60, 0, 3, 90, KEEP },
        };
        RUN(steps);
}

static void test_moving_keeps_by_distance(void **state) {
        static const Step steps[] = {
                { 0, 0, 0, 25, 90, KEEP },
                { 1, 25, 0, 25, 90, EARLY },
                { 2, 50.01, 0, 25, 90, KEEP },
                { 3, 75, 0, 25, 90, EARLY },
                { 4, 100.02, 0, 25, 90, KEEP },
        };
        RUN(steps);
}

static void test_moving_keeps_by_turn(void **state) {
        static const Step steps[] = {
                { 0, 0, 0, 5, 80, KEEP },
                { 1, 5, 0, 5, 94, EARLY },
                { 2, 10, 0, 5, 95, KEEP },  /* 15 degrees from the one kept */
                { 3, 15, 0, 5, 100, EARLY },
                { 4, 20, 0, 5, 80, KEEP },  /* and to the other side */
        };
        RUN(steps);
}

static void test_turn_through_north_wraps(void **state) {
        static const Step steps[] = {
                { 0, 0, 0, 5, 359, KEEP },
                { 1, 0, 5, 5, 1, EARLY },   /* 2 degrees, not 358 */
                { 2, 0, 10, 5, 13, EARLY }, /* 14 */
                { 3, 0, 15, 5, 14, KEEP },  /* 15 */
                { 4, 0, 20, 5, 359, KEEP }, /* 15 back */
                { 5, 0, 25, 5, 345, EARLY },
        };
        RUN(steps);
}

static void test_heading_without_speed_means_nothing(void **state) {
        static const Step steps[] = {
                { 0, 0, 0, 0.3, 0, KEEP },    { 1, 0, 0, 0.3, 180, EARLY },  { 2, 0, 0, 1.9, 90, EARLY },
                { 3, 0, 0, NAN, 180, EARLY }, { 4, 0, 0, 5, NAN, EARLY },
                { 5, 0, 0, 5, 180, EARLY }, /* the course of the one kept was noise */
        };
        RUN(steps);
}

static void test_nan_speed_still_keeps_by_interval_and_distance(void **state) {
        static const Step steps[] = {
                { 0, 0, 0, NAN, NAN, KEEP },
                { 5, 40, 0, NAN, NAN, EARLY },
                { 6, 51, 0, NAN, NAN, KEEP },
                { 16, 60, 0, NAN, NAN, KEEP },
        };
        RUN(steps);
}

static void test_mode_below_the_minimum_is_dropped(void **state) {
        GnssFilterOptions options = gnss_filter_options_default;
        static const Step steps[] = {
                { 0, 0, 0, 0, NAN, MODE, 0, 1 },
                { 1, 0, 0, 0, NAN, MODE, 0, 2 },
                { 2, 0, 0, 0, NAN, KEEP, 0, 3 },
                { 60, 500, 0, 0, NAN, MODE, 0, 2 },
        };

        options.min_mode = 3;
        run_with(&options, steps, ELEMENTSOF(steps));
}

static void test_fix_without_a_place_is_dropped(void **state) {
        static const Step steps[] = {
                { 0, NAN, NAN, 0, NAN, MODE },
                { 1, 0, 0, 0, NAN, KEEP },
                { 60, NAN, 0, 0, NAN, MODE },
                { 61, 0, NAN, 0, NAN, MODE },
        };
        RUN(steps);
}

static void test_duplicate_is_dropped_whatever_the_interval(void **state) {
        static const Step steps[] = {
                { 0, 0, 0, 0, NAN, KEEP, 100 },
                { 0.1, 0, 0, 0, NAN, DUPLICATE, 100 },
                { 400, 0, 0, 0, NAN, DUPLICATE, 100 },  /* a receiver that got stuck */
                { 401, 0, 0, 0, NAN, KEEP, 101 },
        };
        RUN(steps);
}

static void test_same_time_elsewhere_is_no_duplicate(void **state) {
        static const Step steps[] = {
                { 0, 0, 0, 9, NAN, KEEP, 100 },
                { 1, 9, 0, 9, NAN, EARLY, 100 },
                { 10, 90, 0, 9, NAN, KEEP, 100 },
        };
        RUN(steps);
}

static void test_without_time_nothing_is_a_duplicate(void **state) {
        static const Step steps[] = {
                { 0, 0, 0, NAN, NAN, KEEP },
                { 1, 0, 0, NAN, NAN, EARLY },
                { 10, 0, 0, NAN, NAN, KEEP },
        };
        RUN(steps);
}

static void test_leap_is_dropped(void **state) {
        static const Step steps[] = {
                { 0, 0, 0, 10, 90, KEEP, 100 },
                { 1, 5000, 0, 10, 90, SPEED, 101 },
                { 2, 20, 0, 10, 90, EARLY, 102 },
                { 3, 0, -9000, 10, 90, SPEED, 103 },
                { 4, 40, 0, 10, 90, EARLY, 104 }, /* the count begins again */
                { 5, 5000, 0, 10, 90, SPEED, 105 },
                { 6, 60, 0, 10, 90, KEEP, 106 },
        };
        RUN(steps);
}

static void test_third_leap_in_a_row_is_believed(void **state) {
        static const Step steps[] = {
                { 0, 0, 0, 10, 90, KEEP, 100 },        { 1, 50000, 0, 10, 90, SPEED, 101 },
                { 2, 50010, 0, 10, 90, SPEED, 102 },   { 3, 50020, 0, 10, 90, KEEP, 103 },
                { 4, 50030, 0, 10, 90, EARLY, 104 },   { 13, 50120, 0, 10, 90, KEEP, 113 },
        };
        RUN(steps);
}

static void test_leap_while_parked_does_not_unpark(void **state) {
        GnssFilter filter;
        static const Step settle[] = { { 0, 0, 0, 0, NAN, KEEP }, { 60, 0, 0, 0, NAN, PARKED } };
        static const Step leap[] = { { 61, 90000, 0, 0, NAN, SPEED }, { 62, 0, 0, 0, NAN, PARKED } };

        gnss_filter_init(&filter, &gnss_filter_options_default);
        run_steps(&filter, settle, ELEMENTSOF(settle));
        run_steps(&filter, leap, ELEMENTSOF(leap));
        assert_true(filter.is_parked);
}

static void test_believed_leap_ends_the_stay(void **state) {
        GnssFilter filter;
        static const Step steps[] = {
                { 0, 0, 0, 0, NAN, KEEP },       { 60, 0, 0, 0, NAN, PARKED },    { 61, 90000, 0, 0, NAN, SPEED },
                { 62, 90000, 0, 0, NAN, SPEED }, { 63, 90000, 0, 0, NAN, KEEP },  { 64, 90000, 0, 0, NAN, EARLY },
                { 73, 90000, 0, 0, NAN, KEEP },  { 122, 90000, 0, 0, NAN, KEEP }, { 123, 90000, 0, 0, NAN, PARKED },
        };

        gnss_filter_init(&filter, &gnss_filter_options_default);
        run_steps(&filter, steps, ELEMENTSOF(steps));
        assert_true(filter.is_parked);
}

static void test_noise_at_a_high_rate_is_no_leap(void **state) {
        static const Step steps[] = {
                { 0, 0, 0, 1, NAN, KEEP },      { 0.1, 20, 0, 1, NAN, EARLY }, { 0.2, -20, 0, 1, NAN, EARLY },
                { 0.3, 49, 0, 1, NAN, EARLY },
        };
        RUN(steps);
}

static void test_tunnel_gap_is_no_leap(void **state) {
        static const Step steps[] = {
                { 0, 0, 0, 25, 90, KEEP, 100 },
                { 90, 2250, 400, 25, 60, KEEP, 190 },
                { 91, 2272, 412, 25, 61, EARLY, 191 },
        };
        RUN(steps);
}

static void test_burst_after_a_stall_is_no_leap(void **state) {
        static const Step steps[] = {
                { 0, 0, 0, 25, 90, KEEP, 100 },
                { 60, 250, 0, 25, 90, KEEP, 110 },
                { 60.001, 500, 0, 25, 90, KEEP, 120 },
                { 60.002, 750, 0, 25, 90, KEEP, 130 },
        };
        RUN(steps);
}

static void test_time_stepping_back_changes_nothing(void **state) {
        static const Step steps[] = {
                { 0, 0, 0, 10, 90, KEEP, 800000100 },   { 5, 49, 0, 10, 90, EARLY, 180684905 },
                { 6, 60, 0, 10, 90, KEEP, 180684906 },  { 7, 70, 0, 10, 90, EARLY, 180684907 },
                { 16, 160, 0, 10, 90, KEEP, 800000116 }, { 17, 170, 0, 10, 90, EARLY, 800000117 },
        };
        RUN(steps);
}

static void test_parked_after_a_minute(void **state) {
        static const Step steps[] = {
                { 0, 0, 0, 0.2, NAN, KEEP },   { 10, 0, 0, 0.2, NAN, KEEP },    { 50, 0, 0, 0.2, NAN, KEEP },
                { 59, 0, 0, 0.2, NAN, EARLY }, { 60, 0, 0, 0.2, NAN, PARKED },  { 349, 0, 0, 0.2, NAN, PARKED },
                { 350, 0, 0, 0.2, NAN, KEEP }, { 351, 0, 0, 0.2, NAN, PARKED }, { 650, 0, 0, 0.2, NAN, KEEP },
        };
        RUN(steps);
}

static void test_parked_drift_stays_parked(void **state) {
        static const Step steps[] = {
                { 0, 0, 0, 0.1, NAN, KEEP },         { 60, 3, -4, 0.4, 20, PARKED },
                { 61, 10, 9, 0.8, 300, PARKED },     { 90, -20, 15, 1.5, 100, PARKED }, /* neither slow nor fast */
                { 150, 30, -30, 0.9, 190, PARKED },  { 200, -35, 30, 1.9, 10, PARKED },
                { 300, 5, 5, 0.1, NAN, KEEP },       { 301, 40, 5, 0.1, NAN, PARKED },
        };
        GnssFilter filter;

        gnss_filter_init(&filter, &gnss_filter_options_default);
        run_steps(&filter, steps, ELEMENTSOF(steps));
        assert_true(filter.is_parked);
}

static void test_leaving_by_speed_is_kept_at_once(void **state) {
        static const Step steps[] = {
                { 0, 0, 0, 0, NAN, KEEP },   { 60, 0, 0, 0, NAN, PARKED },  { 61, 0, 0, 0, NAN, PARKED },
                { 62, 3, 0, 2.5, 90, KEEP }, { 63, 6, 0, 3, 90, EARLY },    { 72, 33, 0, 3, 90, KEEP },
        };
        RUN(steps);
}

static void test_leaving_right_after_a_parked_fix_is_kept_too(void **state) {
        static const Step steps[] = {
                { 0, 0, 0, 0, NAN, KEEP },    { 60, 0, 0, 0, NAN, PARKED }, { 300, 0, 0, 0, NAN, KEEP },
                { 301, 2, 0, 2.5, 90, KEEP }, { 302, 5, 0, 3, 90, EARLY },
        };
        RUN(steps);
}

static void test_leaving_by_distance_is_kept_at_once(void **state) {
        static const Step steps[] = {
                { 0, 0, 0, NAN, NAN, KEEP },    { 60, 0, 0, NAN, NAN, PARKED }, { 61, 20, 0, NAN, NAN, PARKED },
                { 70, 51, 0, NAN, NAN, KEEP },  { 75, 80, 0, NAN, NAN, EARLY },
        };
        RUN(steps);
}

static void test_traffic_light_is_not_parking(void **state) {
        static const Step steps[] = {
                { 0, 0, 0, 10, 90, KEEP },     { 5, 20, 0, 0, NAN, EARLY },   { 10, 20, 0, 0, NAN, KEEP },
                { 20, 20, 0, 0, NAN, KEEP },   { 63, 20, 0, 0, NAN, KEEP },   { 64, 21, 0, 1.5, 90, EARLY },
                { 64.5, 22, 0, 3, 90, EARLY }, { 66, 22, 0, 0, NAN, EARLY },  { 73, 22, 0, 0, NAN, KEEP },
                { 125, 22, 0, 0, NAN, KEEP },  { 126, 22, 0, 0, NAN, PARKED },
        };
        RUN(steps);
}

static void test_walking_pace_without_speed_is_not_parking(void **state) {
        GnssFilter filter;

        gnss_filter_init(&filter, &gnss_filter_options_default);
        for (int i = 0; i <= 600; i++) {
                Step step = { i, 1.4 * i, 0, NAN, NAN, i % 10 == 0 ? KEEP : EARLY };

                run_steps(&filter, &step, 1);
                assert_false(filter.is_parked);
        }
}

static void test_done_leaves_nothing_behind(void **state) {
        static const GnssFilter zero;
        GnssFilter filter;
        const Step step = { 0, 0, 0, 0, NAN, KEEP };

        memset(&filter, 0, sizeof(filter));
        gnss_filter_init(&filter, &gnss_filter_options_default);
        run_steps(&filter, &step, 1);
        gnss_filter_done(&filter);
        assert_memory_equal(&filter, &zero, sizeof(filter));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_defaults_are_the_documented_ones),
                cmocka_unit_test(test_off_keeps_everything),
                cmocka_unit_test(test_moving_keeps_by_interval),
                cmocka_unit_test(test_moving_keeps_by_distance),
                cmocka_unit_test(test_moving_keeps_by_turn),
                cmocka_unit_test(test_turn_through_north_wraps),
                cmocka_unit_test(test_heading_without_speed_means_nothing),
                cmocka_unit_test(test_nan_speed_still_keeps_by_interval_and_distance),
                cmocka_unit_test(test_mode_below_the_minimum_is_dropped),
                cmocka_unit_test(test_fix_without_a_place_is_dropped),
                cmocka_unit_test(test_duplicate_is_dropped_whatever_the_interval),
                cmocka_unit_test(test_same_time_elsewhere_is_no_duplicate),
                cmocka_unit_test(test_without_time_nothing_is_a_duplicate),
                cmocka_unit_test(test_leap_is_dropped),
                cmocka_unit_test(test_third_leap_in_a_row_is_believed),
                cmocka_unit_test(test_leap_while_parked_does_not_unpark),
                cmocka_unit_test(test_believed_leap_ends_the_stay),
                cmocka_unit_test(test_noise_at_a_high_rate_is_no_leap),
                cmocka_unit_test(test_tunnel_gap_is_no_leap),
                cmocka_unit_test(test_burst_after_a_stall_is_no_leap),
                cmocka_unit_test(test_time_stepping_back_changes_nothing),
                cmocka_unit_test(test_parked_after_a_minute),
                cmocka_unit_test(test_parked_drift_stays_parked),
                cmocka_unit_test(test_leaving_by_speed_is_kept_at_once),
                cmocka_unit_test(test_leaving_right_after_a_parked_fix_is_kept_too),
                cmocka_unit_test(test_leaving_by_distance_is_kept_at_once),
                cmocka_unit_test(test_traffic_light_is_not_parking),
                cmocka_unit_test(test_walking_pace_without_speed_is_not_parking),
                cmocka_unit_test(test_done_leaves_nothing_behind),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
