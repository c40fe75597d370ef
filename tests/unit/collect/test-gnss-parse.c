/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Lines of gpsd to fixes: every value arrives, absent stays absent, the sky is that of the same epoch and receiver, and
 * nothing that is not gpsd's makes libgps stumble. The lines are as gpsd 3.22 and 3.27 print them.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "gnss-parse.h"

#define TPV(rest) "{\"class\":\"TPV\",\"device\":\"/dev/a\"," rest "}"
#define TPV_AT(time) TPV("\"mode\":3,\"time\":\"" time "\",\"lat\":47.1,\"lon\":8.2")
#define SKY(rest) "{\"class\":\"SKY\",\"device\":\"/dev/a\"" rest "}"

static GnssParser parser;

static int setup(void **state) {
        gnss_parser_init(&parser);
        return 0;
}

static GnssLine take(const char *text, Fix *ret_fix) {
        char line[4096];
        size_t size = strlen(text);

        assert_true(size < sizeof(line));
        memcpy(line, text, size + 1);
        return gnss_parser_line(&parser, line, size, ret_fix);
}

static Fix take_fix(const char *text) {
        Fix fix = fix_absent;

        assert_int_equal(take(text, &fix), GNSS_LINE_FIX);
        return fix;
}

static void take_sky(const char *text) {
        assert_int_equal(take(text, NULL), GNSS_LINE_SKY);
}

static void assert_near(double value, double expected) {
        if (!(fabs(value - expected) < 1e-9))
                fail_msg("%.12g, not %.12g", value, expected);
}

static void assert_sky(const char *tpv, double hdop, int satellites_used) {
        Fix fix = take_fix(tpv);

        assert_int_equal(fix.satellites_used, satellites_used);
        if (isnan(hdop))
                assert_true(isnan(fix.hdop));
        else
                assert_near(fix.hdop, hdop);
}

static void test_every_value_arrives(void **state) {
        Fix fix = take_fix(TPV("\"status\":2,\"mode\":3,\"time\":\"2026-11-23T17:33:23.250Z\",\"leapseconds\":18,"
                               "\"ept\":0.005,\"lat\":-47.123456789,\"lon\":-8.987654321,\"altHAE\":477.3001,"
                               "\"altMSL\":430.0002,\"alt\":430.0,\"epx\":14.6,\"epy\":7.5,\"epv\":31.51,"
                               "\"track\":258.2701,\"magtrack\":260.8,\"magvar\":2.6,\"speed\":13.901,"
                               "\"climb\":-0.102,\"eps\":29.31,\"epc\":86.94,\"geoidSep\":47.3,\"eph\":18.62,"
                               "\"sep\":31.73"));

        assert_string_equal(fix.device, "/dev/a");
        assert_int_equal(fix.status, 2);
        assert_int_equal(fix.mode, 3);
        assert_int_equal(fix.time_ms, INT64_C(1795455203250));
        assert_near(fix.lat_deg, -47.123456789);
        assert_near(fix.lon_deg, -8.987654321);
        assert_near(fix.alt_hae_m, 477.3001);
        assert_near(fix.alt_msl_m, 430.0002);
        assert_near(fix.speed_mps, 13.901);
        assert_near(fix.track_deg, 258.2701);
        assert_near(fix.climb_mps, -0.102);
        assert_near(fix.eph_m, 18.62);
        assert_near(fix.epv_m, 31.51);
        assert_near(fix.eps_mps, 29.31);
}

static void test_absent_stays_absent_after_a_full_fix(void **state) {
        Fix fix;

        test_every_value_arrives(state);
        fix = take_fix("{\"class\":\"TPV\",\"mode\":2}");
        assert_int_equal(fix.mode, 2);
        fix.mode = fix_absent.mode;
        assert_memory_equal(fix.device, fix_absent.device, sizeof(fix.device));
        assert_int_equal(fix.time_ms, TIME_MS_NONE);
        assert_int_equal(fix.status, -1);
        assert_int_equal(fix.satellites_used, -1);
        assert_true(isnan(fix.lat_deg) && isnan(fix.lon_deg) && isnan(fix.alt_hae_m) && isnan(fix.alt_msl_m));
        assert_true(isnan(fix.speed_mps) && isnan(fix.track_deg) && isnan(fix.climb_mps) && isnan(fix.hdop));
        assert_true(isnan(fix.eph_m) && isnan(fix.epv_m) && isnan(fix.eps_mps));
}

static void test_zero_is_not_absent(void **state) {
        Fix fix = take_fix(TPV("\"mode\":3,\"lat\":0.0,\"lon\":0.0,\"altHAE\":0.0,\"altMSL\":0.0,\"speed\":0.0,"
                               "\"track\":0.0,\"climb\":0.0,\"eph\":0.0,\"epv\":0.0,\"eps\":0.0"));

        assert_near(fix.lat_deg, 0);
        assert_near(fix.lon_deg, 0);
        assert_near(fix.alt_hae_m, 0);
        assert_near(fix.alt_msl_m, 0);
        assert_near(fix.speed_mps, 0);
        assert_near(fix.track_deg, 0);
        assert_near(fix.climb_mps, 0);
        assert_near(fix.eph_m, 0);
        assert_near(fix.epv_m, 0);
        assert_near(fix.eps_mps, 0);
}

static void test_time_keeps_its_milliseconds(void **state) {
        for (int ms = 0; ms < 1000; ms++) {
                char line[128];

                snprintf(line, sizeof(line), TPV("\"mode\":2,\"time\":\"2026-11-23T17:33:23.%03dZ\""), ms);
                assert_int_equal(take_fix(line).time_ms, INT64_C(1795455203000) + ms);
        }
        assert_int_equal(take_fix(TPV_AT("2019-04-06T23:59:59.999Z")).time_ms, INT64_C(1554595199999));
        assert_int_equal(take_fix(TPV_AT("2038-01-19T03:14:08.001Z")).time_ms, INT64_C(2147483648001));
        assert_int_equal(take_fix(TPV_AT("2007-04-09T17:33:23.300Z")).time_ms, INT64_C(1176140003300));
}

static void test_half_a_place_is_none(void **state) {
        static const char *const lines[] = {
                TPV("\"mode\":3,\"lat\":47.1"),
                TPV("\"mode\":3,\"lon\":8.1"),
                TPV("\"mode\":3,\"lat\":90.1,\"lon\":8.1"),
                TPV("\"mode\":3,\"lat\":47.1,\"lon\":-180.1"),
        };

        for (size_t i = 0; i < ELEMENTSOF(lines); i++) {
                Fix fix = take_fix(lines[i]);

                assert_true(isnan(fix.lat_deg) && isnan(fix.lon_deg));
        }
}

static void test_less_than_2d_is_no_fix(void **state) {
        Fix fix = { .mode = 77 };

        assert_int_equal(take(TPV("\"mode\":0"), &fix), GNSS_LINE_NO_FIX);
        assert_int_equal(take(TPV("\"mode\":1,\"time\":\"2026-11-23T17:33:23.000Z\""), &fix), GNSS_LINE_NO_FIX);
        assert_int_equal(take(TPV("\"lat\":47.1,\"lon\":8.1"), &fix), GNSS_LINE_NO_FIX);
        assert_int_equal(fix.mode, 77);
}

static void test_a_timed_sky_counts_for_its_own_time(void **state) {
        take_sky(SKY(",\"time\":\"2026-11-23T17:33:23.000Z\",\"hdop\":0.96,\"nSat\":20,\"uSat\":11"));
        assert_sky(TPV_AT("2026-11-23T17:33:22.000Z"), NAN, -1);
        assert_sky(TPV_AT("2026-11-23T17:33:23.000Z"), 0.96, 11);
        assert_sky(TPV_AT("2026-11-23T17:33:23.000Z"), 0.96, 11);
        assert_sky(TPV_AT("2026-11-23T17:33:24.000Z"), NAN, -1);
}

static void test_an_untimed_sky_counts_for_the_epoch_that_follows(void **state) {
        take_sky(SKY(",\"hdop\":1.72,\"nSat\":11,\"uSat\":7"));
        assert_sky(TPV_AT("2026-11-23T17:33:23.000Z"), 1.72, 7);
        assert_sky(TPV_AT("2026-11-23T17:33:23.000Z"), 1.72, 7);
        assert_sky(TPV_AT("2026-11-23T17:33:23.200Z"), NAN, -1);
}

static void test_without_any_time_the_last_sky_counts(void **state) {
        take_sky(SKY(",\"hdop\":1.72,\"nSat\":11,\"uSat\":7"));
        assert_sky(TPV("\"mode\":2,\"lat\":47.1,\"lon\":8.2"), 1.72, 7);
        assert_sky(TPV("\"mode\":2,\"lat\":47.1,\"lon\":8.2"), 1.72, 7);
        assert_sky(TPV_AT("2026-11-23T17:33:23.000Z"), NAN, -1);
}

static void test_a_fix_that_is_none_begins_an_epoch_too(void **state) {
        Fix fix = fix_absent;

        take_sky(SKY(",\"hdop\":1.72,\"nSat\":11,\"uSat\":7"));
        assert_int_equal(take(TPV("\"mode\":1,\"time\":\"2026-11-23T17:33:22.000Z\""), &fix), GNSS_LINE_NO_FIX);
        assert_sky(TPV_AT("2026-11-23T17:33:23.000Z"), NAN, -1);
}

static void test_skies_of_one_epoch_add_up(void **state) {
        /* gpsd 3.27: the second carries dilutions only */
        take_sky(SKY(",\"time\":\"2026-11-23T17:33:23.000Z\",\"hdop\":0.96,\"nSat\":20,\"uSat\":11"));
        take_sky(SKY(",\"time\":\"2026-11-23T17:33:23.000Z\",\"hdop\":0.97"));
        assert_sky(TPV_AT("2026-11-23T17:33:23.000Z"), 0.97, 11);
        take_sky(SKY(",\"uSat\":12"));
        take_sky(SKY(",\"hdop\":0.82"));
        assert_sky(TPV_AT("2026-11-23T17:33:24.000Z"), 0.82, 12);
        /* the next epoch owes nothing to the one before */
        take_sky(SKY(",\"hdop\":0.83"));
        assert_sky(TPV_AT("2026-11-23T17:33:25.000Z"), 0.83, -1);
        take_sky(SKY(",\"time\":\"2026-11-23T17:33:26.000Z\",\"uSat\":9"));
        assert_sky(TPV_AT("2026-11-23T17:33:26.000Z"), NAN, 9);
}

static void test_no_satellite_used_is_zero(void **state) {
        take_sky(SKY(",\"nSat\":0,\"uSat\":0"));
        assert_sky(TPV_AT("2026-11-23T17:33:23.000Z"), NAN, 0);
}

static void test_usat_is_gpsds_not_the_length_of_the_list(void **state) {
        take_sky(SKY(",\"hdop\":0.82,\"nSat\":46,\"uSat\":24,\"satellites\":[{\"PRN\":4,\"el\":2.0,\"az\":85.0,"
                     "\"ss\":16.0,\"used\":true,\"gnssid\":0,\"svid\":4,\"health\":1}]"));
        assert_sky(TPV_AT("2026-11-23T17:33:23.000Z"), 0.82, 24);
        take_sky(SKY(",\"uSat\":-3"));
        assert_sky(TPV_AT("2026-11-23T17:33:24.000Z"), NAN, -1);
        take_sky(SKY(",\"uSat\":99999999999999999999"));
        assert_sky(TPV_AT("2026-11-23T17:33:25.000Z"), NAN, -1);
}

static void test_each_receiver_has_its_own_sky(void **state) {
        Fix fix;

        take_sky(SKY(",\"hdop\":1.5,\"nSat\":11,\"uSat\":7"));
        take_sky("{\"class\":\"SKY\",\"device\":\"/dev/b\",\"hdop\":2.5,\"nSat\":5,\"uSat\":4}");
        assert_sky(TPV_AT("2026-11-23T17:33:23.000Z"), 1.5, 7);
        fix = take_fix("{\"class\":\"TPV\",\"device\":\"/dev/b\",\"mode\":2,\"lat\":47.1,\"lon\":8.2}");
        assert_string_equal(fix.device, "/dev/b");
        assert_near(fix.hdop, 2.5);
        assert_int_equal(fix.satellites_used, 4);
        fix = take_fix("{\"class\":\"TPV\",\"device\":\"/dev/c\",\"mode\":2,\"lat\":47.1,\"lon\":8.2}");
        assert_true(isnan(fix.hdop) && fix.satellites_used == -1);
}

static void test_more_receivers_than_skies_take_turns(void **state) {
        char line[] = "{\"class\":\"SKY\",\"device\":\"/dev/N\",\"hdop\":2.5,\"nSat\":5,\"uSat\":4}";

        take_sky(SKY(",\"hdop\":1.5,\"nSat\":11,\"uSat\":7"));
        for (char c = '0'; c < '0' + GNSS_SKIES_MAX; c++) {
                *strchr(line, 'N') = c; /* the first N is the one of the path: "class" and "SKY" have none */
                take_sky(line);
                *strchr(line, c) = 'N';
        }
        assert_sky(TPV_AT("2026-11-23T17:33:23.000Z"), NAN, -1);
}

static void test_a_path_of_any_length(void **state) {
        char path[FIX_DEVICE_MAX], line[512];
        Fix fix;

        memset(path, 'x', sizeof(path) - 1);
        path[sizeof(path) - 1] = 0;
        snprintf(line, sizeof(line), "{\"class\":\"TPV\",\"device\":\"%s\",\"mode\":2,\"lat\":47.1,\"lon\":8.2}", path);
        fix = take_fix(line);
        assert_int_equal(strlen(fix.device), FIX_DEVICE_MAX - 1);
}

static void test_the_banner(void **state) {
        static const char line[] = "{\"class\":\"VERSION\",\"release\":\"3.22\",\"rev\":\"3.22\",\"proto_major\":3,"
                                   "\"proto_minor\":14}";

        assert_int_equal(take(line, NULL), GNSS_LINE_VERSION);
}

static void test_other_classes_are_passed_over(void **state) {
        static const char *const lines[] = {
                "{\"class\":\"DEVICES\",\"devices\":[{\"class\":\"DEVICE\",\"path\":\"/dev/a\"}]}",
                "{\"class\":\"WATCH\",\"enable\":true,\"json\":true}",
                "{\"class\":\"IMU\",\"msg\":\"UBX-ESF-RAW\",\"acc_x\":0.02539}",
                "{\"class\":\"ERROR\",\"message\":\"Unrecognized request '?TPV'\"}",
                "{\"class\":\"TPVX\",\"mode\":3}",
                "{\"class\":\"NEW\",\"x\":[{\"class\":\"TPV\"}]}",
        };

        for (size_t i = 0; i < ELEMENTSOF(lines); i++)
                assert_int_equal(take(lines[i], NULL), GNSS_LINE_OTHER);
}

static void test_a_sky_beyond_libgps_is_passed_over(void **state) {
        take_sky(SKY(",\"hdop\":1.5,\"uSat\":7"));
        assert_int_equal(take(SKY(",\"hdop\":\"high\",\"uSat\":9"), NULL), GNSS_LINE_OTHER);
        assert_sky(TPV_AT("2026-11-23T17:33:23.000Z"), 1.5, 7);
}

static void test_garbage(void **state) {
        static const char *const lines[] = {
                "", "{", "{}", "}", "SSH-2.0-OpenSSH_9.2p1", "HTTP/1.1 400 Bad Request",
                "$GPRMC,170000.00,V,,,,,,,231126,,,N*7F", "\xff\xfe\x80{", "[{\"class\":\"TPV\"}]",
                " {\"class\":\"TPV\",\"mode\":3}", "{\"Class\":\"TPV\"}",
                "{\"class\":\"TPV\",\"mode\":3,\"lat\":1.0,\"lon\":2.0",
                "{\"class\":\"TPV\",\"mode\":3,\"lat\":1.0,\"l",
                "{\"class\":\"TPV\"",
        };
        Fix fix = { .mode = 77 };

        for (size_t i = 0; i < ELEMENTSOF(lines); i++)
                if (take(lines[i], &fix) != GNSS_LINE_GARBAGE)
                        fail_msg("taken: %s", lines[i]);
        assert_int_equal(fix.mode, 77);
}

static void test_a_nul_byte_is_garbage(void **state) {
        char line[] = "{\"class\":\"TPV\",\"mode\":3,\0\"lat\":1.0}";

        assert_int_equal(gnss_parser_line(&parser, line, sizeof(line) - 1, NULL), GNSS_LINE_GARBAGE);
}

static void test_what_makes_libgps_loop_is_kept_from_it(void **state) {
        static const char *const lines[] = {
                "{\"class\":\"TPV\",\"x\":[{\"class\":\"TPV\"}]}",
                "{\"class\":\"TPV\",\"mode\":3}x\"class\":\"TPV\"}",
                "{\"class\":\"TPV\",x\"class\":\"TPV\"}",
                "{\"class\":\"SKY\",\"satellites\":[{\"class\":\"SKY\"]}",
        };
        Fix fix;

        alarm(10); /* instead of hanging */
        for (size_t i = 0; i < ELEMENTSOF(lines); i++)
                assert_int_equal(take(lines[i], &fix), GNSS_LINE_GARBAGE);
        alarm(0);
}

static void test_init_leaves_nothing_behind(void **state) {
        static const GnssParser empty;

        take_sky(SKY(",\"hdop\":1.5,\"uSat\":7"));
        take_fix(TPV_AT("2026-11-23T17:33:23.000Z"));
        gnss_parser_init(&parser);
        assert_memory_equal(&parser, &empty, sizeof(parser));
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_every_value_arrives),
                TEST(test_absent_stays_absent_after_a_full_fix),
                TEST(test_zero_is_not_absent),
                TEST(test_time_keeps_its_milliseconds),
                TEST(test_half_a_place_is_none),
                TEST(test_less_than_2d_is_no_fix),
                TEST(test_a_timed_sky_counts_for_its_own_time),
                TEST(test_an_untimed_sky_counts_for_the_epoch_that_follows),
                TEST(test_without_any_time_the_last_sky_counts),
                TEST(test_a_fix_that_is_none_begins_an_epoch_too),
                TEST(test_skies_of_one_epoch_add_up),
                TEST(test_no_satellite_used_is_zero),
                TEST(test_usat_is_gpsds_not_the_length_of_the_list),
                TEST(test_each_receiver_has_its_own_sky),
                TEST(test_more_receivers_than_skies_take_turns),
                TEST(test_a_path_of_any_length),
                TEST(test_the_banner),
                TEST(test_other_classes_are_passed_over),
                TEST(test_a_sky_beyond_libgps_is_passed_over),
                TEST(test_garbage),
                TEST(test_a_nul_byte_is_garbage),
                TEST(test_what_makes_libgps_loop_is_kept_from_it),
                TEST(test_init_leaves_nothing_behind),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
