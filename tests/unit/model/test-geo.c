/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Distances and directions, against values that can be worked out by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include "trailkeep/geo.h"
#include "trailkeep/macros.h"

#define METERS_PER_DEGREE (6371008.8 * M_PI / 180.0)

static void assert_near(double value, double expected, double tolerance) {
        if (!(fabs(value - expected) <= tolerance))
                fail_msg("%.12g instead of %.12g", value, expected);
}

static void test_distances(void **state) {
        static const struct {
                double lat1, lon1, lat2, lon2, degrees;
        } cases[] = {
                { 0, 0, 0, 0, 0 },
                { 52.5, 13.4, 52.5, 13.4, 0 },
                { 0, 0, 0, 1, 1 },
                { 0, 0, 1, 0, 1 },
                { 0, 179.5, 0, -179.5, 1 },
                { 0, 540, 0, 181, 1 },
                { 90, 0, 90, 123, 0 },
                { 89.5, 0, 89.5, 180, 1 },
                { 0, 0, 0, 180, 180 },
                { 90, 0, -90, 0, 180 },
                { 12.34, 56.78, -12.34, -123.22, 180 },
                { 0, 0, 1e-7, 0, 1e-7 },
                { 52.5, 13.4, 52.500001, 13.4, 1e-6 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                double d = geo_distance_m(cases[i].lat1, cases[i].lon1, cases[i].lat2, cases[i].lon2);

                assert_near(d, cases[i].degrees * METERS_PER_DEGREE, 1e-5 + cases[i].degrees * 1e-3);
                assert_near(geo_distance_m(cases[i].lat2, cases[i].lon2, cases[i].lat1, cases[i].lon1), d, 1e-6);
        }
}

/* Rounding carries the haversine of some of them beyond 1. */
static void test_antipodes_are_half_a_turn_apart(void **state) {
        static const double places[][2] = {
                { 10.096979844825071, -170.85025543474217 },
                { 83.896740027630528, -43.768659483649373 },
                { 88.675934597759522, -57.317258697126476 },
                { -87.647022514711708, -109.59142825292005 },
                { 8.2606573905395209, -36.290036692634544 },
                { 45, -90 },
        };

        for (size_t i = 0; i < ELEMENTSOF(places); i++)
                assert_near(geo_distance_m(places[i][0], places[i][1], -places[i][0], places[i][1] + 180),
                            180 * METERS_PER_DEGREE, 1);
}

static void test_bearings(void **state) {
        static const struct {
                double lat1, lon1, lat2, lon2, bearing;
        } cases[] = {
                { 0, 0, 1, 0, 0 },      { 0, 0, 0, 1, 90 },        { 0, 0, -1, 0, 180 },  { 0, 0, 0, -1, 270 },
                { 5, 5, 5, 5, 0 },      { 0, 179.5, 0, -179.5, 90 }, { 90, 0, 0, 0, 180 }, { -90, 0, 0, 0, 0 },
                { 0, 0, 1e-5, 1e-5, 45 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_near(geo_bearing_deg(cases[i].lat1, cases[i].lon1, cases[i].lat2, cases[i].lon2),
                            cases[i].bearing, 1e-6);
}

static void test_bearing_stays_below_360(void **state) {
        for (double west = 1e-20; west < 1; west *= 10) {
                double bearing = geo_bearing_deg(0, 0, 10, -west);

                assert_true(bearing >= 0 && bearing < 360);
        }
}

static void test_heading_difference_wraps(void **state) {
        static const double cases[][3] = {
                { 0, 0, 0 },      { 350, 10, 20 },  { 10, 350, 20 }, { 0, 180, 180 }, { 180, 0, 180 },
                { 0, 360, 0 },    { 1, 359, 2 },    { 90, 271, 179 }, { -10, 10, 20 }, { 725, 0, 5 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_near(geo_heading_difference_deg(cases[i][0], cases[i][1]), cases[i][2], 1e-9);
}

static void test_what_is_absent_stays_so(void **state) {
        assert_true(isnan(geo_distance_m(NAN, 0, 0, 0)));
        assert_true(isnan(geo_distance_m(0, 0, 0, NAN)));
        assert_true(isnan(geo_bearing_deg(0, NAN, 0, 0)));
        assert_true(isnan(geo_heading_difference_deg(NAN, 0)));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_distances),
                cmocka_unit_test(test_antipodes_are_half_a_turn_apart),
                cmocka_unit_test(test_bearings),
                cmocka_unit_test(test_bearing_stays_below_360),
                cmocka_unit_test(test_heading_difference_wraps),
                cmocka_unit_test(test_what_is_absent_stays_so),
        };

        return cmocka_run_group_tests_name("geo", tests, NULL, NULL);
}
