/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fixes as GeoJSON: exact text where it matters, and precision over the whole globe. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <jansson.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "trailkeep/bytes.h"
#include "trailkeep/fix.h"

static Fix make_fix(double lat_deg, double lon_deg) {
        Fix fix = fix_absent;

        fix.mode = 2;
        fix.lat_deg = lat_deg;
        fix.lon_deg = lon_deg;
        return fix;
}

static void assert_geojson(const Fix *fix, const char *expected) {
        char *json = NULL;

        assert_int_equal(fix_to_geojson(fix, &json), 0);
        assert_string_equal(json, expected);
        string_wipe_free(json);
}

static void test_everything_that_is_there(void **state) {
        Fix fix = make_fix(52.516275, 13.377704);

        fix.time_ms = INT64_C(1795455203123);
        fix.mode = 3;
        fix.status = 1;
        fix.alt_hae_m = 78.1;
        fix.alt_msl_m = 34.25;
        fix.speed_mps = 9.9;
        fix.track_deg = 0;
        fix.climb_mps = -0.1;
        fix.eph_m = 4.2;
        fix.epv_m = 8;
        fix.eps_mps = 0.3;
        fix.hdop = 0.9;
        fix.satellites_used = 0;
        snprintf(fix.device, sizeof(fix.device), "/dev/ttyS\"1");
        assert_geojson(&fix,
                       "{\"type\":\"Feature\","
                       "\"geometry\":{\"type\":\"Point\",\"coordinates\":[13.377704,52.516275,78.1]},"
                       "\"properties\":{\"time\":\"2026-11-23T17:33:23.123Z\",\"mode\":3,\"status\":1,\"uSat\":0,"
                       "\"altHAE\":78.1,\"altMSL\":34.25,\"speed\":9.9,\"track\":0.0,\"climb\":-0.1,\"eph\":4.2,"
                       "\"epv\":8.0,\"eps\":0.3,\"hdop\":0.9,\"device\":\"/dev/ttyS\\\"1\"}}");
}

static void test_what_is_absent_is_absent(void **state) {
        Fix fix = make_fix(-33.5, -70.25);

        assert_geojson(&fix, "{\"type\":\"Feature\",\"geometry\":{\"type\":\"Point\",\"coordinates\":[-70.25,-33.5]},"
                             "\"properties\":{\"mode\":2}}");
}

static void test_infinity_and_a_time_beyond_dates_are_absent(void **state) {
        Fix fix = make_fix(0, 0);

        fix.alt_hae_m = INFINITY;
        fix.speed_mps = -INFINITY;
        fix.time_ms = INT64_MAX;
        assert_geojson(&fix, "{\"type\":\"Feature\",\"geometry\":{\"type\":\"Point\",\"coordinates\":[0.0,0.0]},"
                             "\"properties\":{\"mode\":2}}");
}

static void test_device_that_is_not_utf8_is_left_out(void **state) {
        Fix fix = make_fix(0, 0);

        memcpy(fix.device, "/dev/\xff", 7);
        assert_geojson(&fix, "{\"type\":\"Feature\",\"geometry\":{\"type\":\"Point\",\"coordinates\":[0.0,0.0]},"
                             "\"properties\":{\"mode\":2}}");
}

static void test_place_that_is_none_is_refused(void **state) {
        static const double places[][2] = { { NAN, 0 },       { 0, NAN },   { 90.0001, 0 }, { -90.0001, 0 },
                                            { 0, 180.0001 }, { 0, -181 }, { INFINITY, 0 }, { 0, -INFINITY } };
        char *json = NULL;

        for (size_t i = 0; i < ELEMENTSOF(places); i++) {
                Fix fix = make_fix(places[i][0], places[i][1]);

                assert_int_equal(fix_to_geojson(&fix, &json), -EINVAL);
                assert_null(json);
        }
}

static void test_fix_without_a_place_has_no_geometry(void **state) {
        Fix fix = make_fix(NAN, NAN);

        fix.alt_hae_m = 5.5;
        assert_geojson(&fix, "{\"type\":\"Feature\",\"geometry\":null,\"properties\":{\"mode\":2,\"altHAE\":5.5}}");
}

/* Read back with another reader's eyes: jansson's. */
static void test_coordinates_survive_within_a_billionth_of_a_degree(void **state) {
        uint64_t seed = 4;

        for (unsigned round = 0; round < 20000; round++) {
                json_t *root, *coordinates;
                char *json = NULL;
                double unit[2];
                Fix fix;

                for (size_t i = 0; i < 2; i++) {
                        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
                        unit[i] = (double)(seed >> 11) / (double)(UINT64_C(1) << 53) * 2 - 1;
                }
                /* Every fourth near the origin, where %g turns to exponents. */
                fix = make_fix(unit[0] * (round % 4 ? 90 : 1e-5), unit[1] * (round % 4 ? 180 : 1e-5));
                assert_int_equal(fix_to_geojson(&fix, &json), 0);
                root = json_loads(json, 0, NULL);
                assert_non_null(root);
                coordinates = json_object_get(json_object_get(root, "geometry"), "coordinates");
                assert_true(fabs(json_real_value(json_array_get(coordinates, 0)) - fix.lon_deg) < 1e-9);
                assert_true(fabs(json_real_value(json_array_get(coordinates, 1)) - fix.lat_deg) < 1e-9);
                json_decref(root);
                string_wipe_free(json);
        }
}

static void test_the_decimal_point_does_not_follow_the_locale(void **state) {
        Fix fix = make_fix(1.5, 2.5);

        /* Not every machine has one of these; where none is, this test says little. */
        if (!setlocale(LC_NUMERIC, "de_DE.UTF-8"))
                (void)setlocale(LC_NUMERIC, "fr_FR.UTF-8");
        assert_geojson(&fix, "{\"type\":\"Feature\",\"geometry\":{\"type\":\"Point\",\"coordinates\":[2.5,1.5]},"
                             "\"properties\":{\"mode\":2}}");
        setlocale(LC_NUMERIC, "C");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_everything_that_is_there),
                cmocka_unit_test(test_what_is_absent_is_absent),
                cmocka_unit_test(test_infinity_and_a_time_beyond_dates_are_absent),
                cmocka_unit_test(test_device_that_is_not_utf8_is_left_out),
                cmocka_unit_test(test_place_that_is_none_is_refused),
                cmocka_unit_test(test_fix_without_a_place_has_no_geometry),
                cmocka_unit_test(test_coordinates_survive_within_a_billionth_of_a_degree),
                cmocka_unit_test(test_the_decimal_point_does_not_follow_the_locale),
        };

        return cmocka_run_group_tests_name("fix", tests, NULL, NULL);
}
