/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Strict parsing: what is accepted, what is refused with which error, and that a refusal leaves the output alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <string.h>
#include "trailkeep/parse.h"

#define UNTOUCHED 4711

static void test_whole_numbers(void **state) {
        static const struct {
                const char *text;
                uint64_t min, max;
                int r;
                uint64_t value;
        } cases[] = {
                { "0", 0, UINT64_MAX, 0, 0 },
                { "18446744073709551615", 0, UINT64_MAX, 0, UINT64_MAX },
                { "007", 0, 9, 0, 7 },
                { "18446744073709551616", 0, UINT64_MAX, -ERANGE, 0 },
                { "99999999999999999999999", 0, UINT64_MAX, -ERANGE, 0 },
                { "4", 5, 9, -ERANGE, 0 },
                { "10", 5, 9, -ERANGE, 0 },
                { "", 0, 9, -EINVAL, 0 },
                { " 1", 0, 9, -EINVAL, 0 },
                { "1 ", 0, 9, -EINVAL, 0 },
                { "+1", 0, 9, -EINVAL, 0 },
                { "-1", 0, UINT64_MAX, -EINVAL, 0 },
                { "1.0", 0, 9, -EINVAL, 0 },
                { "0x1", 0, 9, -EINVAL, 0 },
                { "99999999999999999999999x", 0, 9, -EINVAL, 0 },
                { "\331\241", 0, 9, -EINVAL, 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                uint64_t value = UNTOUCHED;

                assert_int_equal(parse_u64(cases[i].text, cases[i].min, cases[i].max, &value), cases[i].r);
                assert_int_equal(value, cases[i].r == 0 ? cases[i].value : UNTOUCHED);
        }
}

static void test_decimal_numbers(void **state) {
        static const struct {
                const char *text;
                int r;
                double value;
        } cases[] = {
                { "0", 0, 0 },         { "-0", 0, 0 },          { "50", 0, 50 },        { "-1.5", 0, -1.5 },
                { "1e2", 0, 100 },     { "2.5E-1", 0, 0.25 },   { "1e+2", 0, 100 },     { "01.5", 0, 1.5 },
                { "1e-999", 0, 0 },    { "100.5", -ERANGE, 0 }, { "1e999", -ERANGE, 0 }, { "-101", -ERANGE, 0 },
                { "", -EINVAL, 0 },    { "-", -EINVAL, 0 },     { ".", -EINVAL, 0 },    { ".5", -EINVAL, 0 },
                { "5.", -EINVAL, 0 },  { "1e", -EINVAL, 0 },    { "1e+", -EINVAL, 0 },  { "+1", -EINVAL, 0 },
                { " 1", -EINVAL, 0 },  { "1 ", -EINVAL, 0 },    { "1,5", -EINVAL, 0 },  { "nan", -EINVAL, 0 },
                { "inf", -EINVAL, 0 }, { "0x1p3", -EINVAL, 0 }, { "1.5.2", -EINVAL, 0 }, { "--1", -EINVAL, 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                double value = UNTOUCHED, expected = cases[i].r == 0 ? cases[i].value : UNTOUCHED;

                assert_int_equal(parse_double(cases[i].text, -100, 100, &value), cases[i].r);
                assert_true(fabs(value - expected) < 1e-12);
        }
}

static void test_infinity_is_beyond_any_limit(void **state) {
        double value;

        assert_int_equal(parse_double("1e999", -INFINITY, INFINITY, &value), -ERANGE);
        assert_int_equal(parse_double("-1e999", -INFINITY, INFINITY, &value), -ERANGE);
}

static void test_the_decimal_point_does_not_follow_the_locale(void **state) {
        double value = 0;

        /* Not every machine has one of these; where none is, this test repeats the one above. */
        if (!setlocale(LC_NUMERIC, "de_DE.UTF-8"))
                (void)setlocale(LC_NUMERIC, "fr_FR.UTF-8");
        assert_int_equal(parse_double("1.5", 0, 2, &value), 0);
        assert_true(fabs(value - 1.5) < 1e-12);
        assert_int_equal(parse_double("1,5", 0, 2, &value), -EINVAL);
        setlocale(LC_NUMERIC, "C");
}

static void test_booleans(void **state) {
        static const char *const yes[] = { "yes", "true", "on", "1", "YES", "True" };
        static const char *const no[] = { "no", "false", "off", "0", "No", "OFF" };
        static const char *const neither[] = { "", "y", "n", "yes ", " no", "2", "01", "enabled" };
        bool value;

        for (size_t i = 0; i < ELEMENTSOF(yes); i++) {
                value = false;
                assert_int_equal(parse_bool(yes[i], &value), 0);
                assert_true(value);
        }
        for (size_t i = 0; i < ELEMENTSOF(no); i++) {
                value = true;
                assert_int_equal(parse_bool(no[i], &value), 0);
                assert_false(value);
        }
        for (size_t i = 0; i < ELEMENTSOF(neither); i++)
                assert_int_equal(parse_bool(neither[i], &value), -EINVAL);
}

static void test_lengths_of_time(void **state) {
        static const struct {
                const char *text;
                int r;
                uint64_t usec;
        } cases[] = {
                { "0", 0, 0 },
                { "90", 0, 90 * USEC_PER_SEC },
                { "90s", 0, 90 * USEC_PER_SEC },
                { "90sec", 0, 90 * USEC_PER_SEC },
                { "1min 30s", 0, 90 * USEC_PER_SEC },
                { "1min30s", 0, 90 * USEC_PER_SEC },
                { "1min   30s", 0, 90 * USEC_PER_SEC },
                { "2h", 0, 2 * USEC_PER_HOUR },
                { "30d", 0, 30 * USEC_PER_DAY },
                { "1w", 0, 7 * USEC_PER_DAY },
                { "1500ms", 0, 1500 * USEC_PER_MSEC },
                { "7us", 0, 7 },
                { "18446744073709551614us", 0, UINT64_MAX - 1 },
                { "18446744073709551615us", -ERANGE, 0 },
                { "18446744073709551615", -ERANGE, 0 },
                { "18446744073709551616us", -ERANGE, 0 },
                { "18446744073709551614us 1us", -ERANGE, 0 },
                { "30500569w", -ERANGE, 0 },
                { "", -EINVAL, 0 },
                { " 1s", -EINVAL, 0 },
                { "1s ", -EINVAL, 0 },
                { "1 s", -EINVAL, 0 },
                { "1min 30", -EINVAL, 0 },
                { "30 1min", -EINVAL, 0 },
                { "s", -EINVAL, 0 },
                { "1m", -EINVAL, 0 },
                { "1S", -EINVAL, 0 },
                { "1.5h", -EINVAL, 0 },
                { "-1s", -EINVAL, 0 },
                { "+1s", -EINVAL, 0 },
                { "1s\t2s", -EINVAL, 0 },
                { "1s,2s", -EINVAL, 0 },
                { "1years", -EINVAL, 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                uint64_t usec = UNTOUCHED;

                assert_int_equal(parse_timespan(cases[i].text, &usec), cases[i].r);
                assert_int_equal(usec, cases[i].r == 0 ? cases[i].usec : UNTOUCHED);
        }
}

static void test_sizes(void **state) {
        static const struct {
                const char *text;
                int r;
                uint64_t bytes;
        } cases[] = {
                { "0", 0, 0 },
                { "4096", 0, 4096 },
                { "64K", 0, 65536 },
                { "16M", 0, 16 << 20 },
                { "1G", 0, 1 << 30 },
                { "16777215T", 0, UINT64_C(16777215) << 40 },
                { "16777216T", -ERANGE, 0 },
                { "18446744073709551616", -ERANGE, 0 },
                { "", -EINVAL, 0 },
                { "K", -EINVAL, 0 },
                { "64k", -EINVAL, 0 },
                { "64KB", -EINVAL, 0 },
                { "64 K", -EINVAL, 0 },
                { "1.5M", -EINVAL, 0 },
                { "-1", -EINVAL, 0 },
                { "1P", -EINVAL, 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                uint64_t bytes = UNTOUCHED;

                assert_int_equal(parse_size(cases[i].text, &bytes), cases[i].r);
                assert_int_equal(bytes, cases[i].r == 0 ? cases[i].bytes : UNTOUCHED);
        }
}

static void test_dates(void **state) {
        static const struct {
                const char *text;
                int r;
                int64_t ms;
        } cases[] = {
                { "1970-01-01T00:00:00Z", 0, 0 },
                { "1970-01-01T00:00:00.001Z", 0, 1 },
                { "1969-12-31T23:59:59.999Z", 0, -1 },
                { "2026-11-23T17:33:23Z", 0, INT64_C(1795455203000) },
                { "2026-11-23T17:33:23.5Z", 0, INT64_C(1795455203500) },
                { "2026-11-23T17:33:23.123456789Z", 0, INT64_C(1795455203123) },
                { "2000-02-29T12:00:00.000Z", 0, INT64_C(951825600000) },
                { "1900-02-28T23:59:59Z", 0, INT64_C(-2203891201000) },
                { "2016-12-31T23:59:60Z", 0, INT64_C(1483228800000) },
                { "0000-01-01T00:00:00Z", 0, INT64_C(-62167219200000) },
                { "9999-12-31T23:59:59.999Z", 0, INT64_C(253402300799999) },
                { "1900-02-29T00:00:00Z", -ERANGE, 0 },
                { "2001-02-29T00:00:00Z", -ERANGE, 0 },
                { "2026-00-01T00:00:00Z", -ERANGE, 0 },
                { "2026-13-01T00:00:00Z", -ERANGE, 0 },
                { "2026-04-31T00:00:00Z", -ERANGE, 0 },
                { "2026-01-00T00:00:00Z", -ERANGE, 0 },
                { "2026-01-01T24:00:00Z", -ERANGE, 0 },
                { "2026-01-01T00:60:00Z", -ERANGE, 0 },
                { "2026-01-01T00:00:61Z", -ERANGE, 0 },
                { "2026-01-01T12:59:60Z", -ERANGE, 0 },
                { "2026-01-01T23:00:60Z", -ERANGE, 0 },
                { "", -EINVAL, 0 },
                { "2026-11-23", -EINVAL, 0 },
                { "2026-11-23T17:33:23", -EINVAL, 0 },
                { "2026-11-23T17:33Z", -EINVAL, 0 },
                { "2026-11-23T17:33:23+00:00", -EINVAL, 0 },
                { "2026-11-23t17:33:23z", -EINVAL, 0 },
                { "2026-11-23 17:33:23Z", -EINVAL, 0 },
                { "2026-11-23T17:33:23.Z", -EINVAL, 0 },
                { "2026-11-23T17:33:23,5Z", -EINVAL, 0 },
                { "2026-11-23T17:33:23Z ", -EINVAL, 0 },
                { " 2026-11-23T17:33:23Z", -EINVAL, 0 },
                { "26-11-23T17:33:23Z", -EINVAL, 0 },
                { "+2026-11-23T17:33:23Z", -EINVAL, 0 },
                { "2026-1-23T17:33:23Z", -EINVAL, 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                int64_t ms = UNTOUCHED;

                assert_int_equal(parse_rfc3339_ms(cases[i].text, &ms), cases[i].r);
                assert_int_equal(ms, cases[i].r == 0 ? cases[i].ms : UNTOUCHED);
        }
}

static void test_dates_are_written(void **state) {
        static const struct {
                int64_t ms;
                const char *text;
        } cases[] = {
                { 0, "1970-01-01T00:00:00.000Z" },
                { -1, "1969-12-31T23:59:59.999Z" },
                { INT64_C(1795455203000), "2026-11-23T17:33:23.000Z" },
                { INT64_C(-62167219200000), "0000-01-01T00:00:00.000Z" },
                { INT64_C(253402300799999), "9999-12-31T23:59:59.999Z" },
                { INT64_C(253402300800000), "" },
                { INT64_C(-62167219200001), "" },
                { INT64_MAX, "" },
                { TIME_MS_NONE, "" },
        };
        char text[RFC3339_MS_MAX];

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                format_rfc3339_ms(cases[i].ms, text);
                assert_string_equal(text, cases[i].text);
        }
}

/* Every day of four centuries, which is when the calendar repeats, and a spread beyond. */
static void test_dates_survive_there_and_back(void **state) {
        char text[RFC3339_MS_MAX];

        for (int64_t day = -200000; day < 2900000; day += day < 146097 ? 1 : 97) {
                int64_t ms = day * INT64_C(86400000) + (day * 7919 % 86400000 + 86400000) % 86400000, back = 0;

                format_rfc3339_ms(ms, text);
                assert_int_equal(parse_rfc3339_ms(text, &back), 0);
                assert_int_equal(back, ms);
        }
}

static void test_utf8(void **state) {
        static const struct {
                const char *text;
                bool is_valid;
        } cases[] = {
                { "", true },
                { "plain", true },
                { "\303\244\342\202\254\360\237\230\200", true },
                { "\302\200", true },
                { "\337\277", true },
                { "\340\240\200", true },
                { "\355\237\277", true },
                { "\356\200\200", true },
                { "\364\217\277\277", true },
                { "\200", false },                 /* a continuation alone */
                { "\303", false },                 /* cut off */
                { "\342\202", false },
                { "\360\237\230", false },
                { "\303(", false },
                { "\300\200", false },             /* overlong */
                { "\301\277", false },
                { "\340\237\277", false },
                { "\360\217\277\277", false },
                { "\355\240\200", false },         /* surrogate */
                { "\364\220\200\200", false },     /* beyond U+10FFFF */
                { "\365\200\200\200", false },
                { "\377", false },
                { "a\303\244\377", false },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_int_equal(utf8_is_valid(cases[i].text, strlen(cases[i].text)), cases[i].is_valid);
        assert_false(utf8_is_valid("a\0b", 3));
        assert_true(utf8_is_valid(NULL, 0));
}

/* ASCII is looked at several bytes at a time: no place in such a step hides anything. */
static void test_every_place_of_a_long_text_is_looked_at(void **state) {
        for (size_t n = 1; n <= 33; n++)
                for (size_t i = 0; i < n; i++) {
                        char text[33];

                        memset(text, 'a', sizeof(text));
                        for (int byte = 0; byte <= UINT8_MAX; byte++) {
                                text[i] = (char)byte;
                                assert_int_equal(utf8_is_valid(text, n), byte >= 1 && byte <= 0x7f);
                        }
                }
}

static void test_random_text_never_does_harm(void **state) {
        static const char alphabet[] = "0123456789 .-+eEsmhduwKMGTZ:\303\244\377/";
        uint64_t seed = 1;

        for (unsigned round = 0; round < 200000; round++) {
                char text[24];
                uint64_t u = UNTOUCHED, span = UNTOUCHED, size = UNTOUCHED;
                int64_t ms = UNTOUCHED;
                double d = UNTOUCHED;
                bool b;
                size_t n = round % (sizeof(text) - 1);

                for (size_t i = 0; i < n; i++) {
                        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
                        text[i] = alphabet[(seed >> 33) % (sizeof(alphabet) - 1)];
                }
                text[n] = 0;
                assert_true(parse_u64(text, 10, 99, &u) == 0 ? u >= 10 && u <= 99 : u == UNTOUCHED);
                assert_true(parse_double(text, -9, 9, &d) == 0 ? d >= -9 && d <= 9 : d > UNTOUCHED - 1);
                assert_true(parse_timespan(text, &span) == 0 || span == UNTOUCHED);
                assert_true(parse_size(text, &size) == 0 || size == UNTOUCHED);
                assert_true(parse_rfc3339_ms(text, &ms) == 0 || ms == UNTOUCHED);
                assert_true(parse_bool(text, &b) <= 0);
                assert_true(utf8_is_valid(text, n) || strpbrk(text, "\303\244\377"));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_whole_numbers),
                cmocka_unit_test(test_decimal_numbers),
                cmocka_unit_test(test_infinity_is_beyond_any_limit),
                cmocka_unit_test(test_the_decimal_point_does_not_follow_the_locale),
                cmocka_unit_test(test_booleans),
                cmocka_unit_test(test_lengths_of_time),
                cmocka_unit_test(test_sizes),
                cmocka_unit_test(test_dates),
                cmocka_unit_test(test_dates_are_written),
                cmocka_unit_test(test_dates_survive_there_and_back),
                cmocka_unit_test(test_utf8),
                cmocka_unit_test(test_every_place_of_a_long_text_is_looked_at),
                cmocka_unit_test(test_random_text_never_does_harm),
        };

        return cmocka_run_group_tests_name("parse", tests, NULL, NULL);
}
