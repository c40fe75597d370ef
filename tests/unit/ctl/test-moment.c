/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Moments as people type them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "moment.h"
#include "trailkeep/parse.h"

#define NOW_MS INT64_C(1795455203000) /* 2026-11-23T17:33:23Z, 18:33:23 in the zone below */

static uint64_t now_usec(void *userdata) {
        return (uint64_t)NOW_MS * USEC_PER_MSEC;
}

static const Clock clock_fake = { .boottime_usec = now_usec, .realtime_usec = now_usec };

static int zone(void **state) {
        if (setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1) < 0)
                return -1;
        tzset();
        return 0;
}

static void test_each_form_is_read(void **state) {
        static const struct {
                const char *text, *expected; /* in UTC */
        } cases[] = {
                { "now", "2026-11-23T17:33:23.000Z" },
                { "today", "2026-11-22T23:00:00.000Z" },
                { "yesterday", "2026-11-21T23:00:00.000Z" },
                { "2026-11-23", "2026-11-22T23:00:00.000Z" },
                { "2026-11-23 17:30", "2026-11-23T16:30:00.000Z" },
                { "2026-11-23T17:30:05", "2026-11-23T16:30:05.000Z" },
                { "2026-07-01 12:00:00", "2026-07-01T10:00:00.000Z" }, /* summer time */
                { "2026-11-23T17:30:05.250Z", "2026-11-23T17:30:05.250Z" },
                { "2h ago", "2026-11-23T15:33:23.000Z" },
                { "-90", "2026-11-23T17:31:53.000Z" },
                { "1d 12h ago", "2026-11-22T05:33:23.000Z" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char text[RFC3339_MS_MAX];
                int64_t ms = 0;

                assert_int_equal(moment_parse(cases[i].text, &clock_fake, &ms), 0);
                format_rfc3339_ms(ms, text);
                assert_string_equal(text, cases[i].expected);
        }
}

static void test_anything_else_is_refused_and_leaves_the_output(void **state) {
        static const char *const texts[] = {
                "",          "tomorrow", "2026-02-31",        "2026-13-01", "2026-11-23 17",
                "2h",        " ago",     "2026-11-23 17:30x", "-",          "2026-11-23T17:30+01:00",
                "yesterday "
        };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                int64_t ms = 42;

                assert_int_equal(moment_parse(texts[i], &clock_fake, &ms), -EINVAL);
                assert_int_equal(ms, 42);
        }
}

static void test_before_1970_is_out_of_range(void **state) {
        int64_t ms = 42;

        assert_int_equal(moment_parse("1969-12-31", &clock_fake, &ms), -ERANGE);
        assert_int_equal(moment_parse("99999d ago", &clock_fake, &ms), -ERANGE);
        assert_int_equal(ms, 42);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_each_form_is_read),
                cmocka_unit_test(test_anything_else_is_refused_and_leaves_the_output),
                cmocka_unit_test(test_before_1970_is_out_of_range),
        };

        return cmocka_run_group_tests(tests, zone, NULL);
}
