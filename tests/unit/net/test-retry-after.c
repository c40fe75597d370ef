/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "retry-after.h"

#define NOON "Mon, 23 Nov 2026 12:00:00 GMT"
#define NOON_USEC (UINT64_C(1795435200) * USEC_PER_SEC)

static void seconds(void **state) {
        assert_int_equal(retry_after_parse("0", "", 0), 0);
        assert_int_equal(retry_after_parse("120", "", 0), 120 * USEC_PER_SEC);
        assert_int_equal(retry_after_parse("86400", NOON, 0), USEC_PER_DAY);
}

static void more_than_a_day_is_a_day(void **state) {
        assert_int_equal(retry_after_parse("86401", "", 0), USEC_PER_DAY);
        assert_int_equal(retry_after_parse("99999999999999999999999999", "", 0), USEC_PER_DAY);
        assert_int_equal(retry_after_parse("Fri, 31 Dec 2100 23:59:59 GMT", NOON, 0), USEC_PER_DAY);
}

static void date_against_the_servers_date(void **state) {
        /* whatever this box believes */
        assert_int_equal(retry_after_parse("Mon, 23 Nov 2026 12:01:30 GMT", NOON, 0), 90 * USEC_PER_SEC);
        assert_int_equal(retry_after_parse("Mon, 23 Nov 2026 12:01:30 GMT", NOON, UINT64_MAX / 2), 90 * USEC_PER_SEC);
}

static void date_against_our_clock_without_one(void **state) {
        assert_int_equal(retry_after_parse("Mon, 23 Nov 2026 12:01:30 GMT", "", NOON_USEC), 90 * USEC_PER_SEC);
        assert_int_equal(retry_after_parse("Mon, 23 Nov 2026 12:01:30 GMT", "nonsense", NOON_USEC), 90 * USEC_PER_SEC);
}

static void obsolete_date_forms(void **state) {
        /* RFC 9110 §5.6.7: RFC 850 and asctime */
        assert_int_equal(retry_after_parse("Monday, 23-Nov-26 12:01:30 GMT", NOON, 0), 90 * USEC_PER_SEC);
        assert_int_equal(retry_after_parse("Mon Nov 23 12:01:30 2026", NOON, 0), 90 * USEC_PER_SEC);
}

static void past_date_is_no_delay(void **state) {
        assert_int_equal(retry_after_parse("Mon, 23 Nov 2026 11:59:59 GMT", NOON, 0), 0);
        assert_int_equal(retry_after_parse(NOON, NOON, 0), 0);
}

static void neither_form_is_no_delay(void **state) {
        static const char *const texts[] = { "", " ", "-5", "1.5", "5 s", "soon", "+7", "0x10", "1e3" };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                assert_int_equal(retry_after_parse(texts[i], NOON, 0), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(seconds),
                cmocka_unit_test(more_than_a_day_is_a_day),
                cmocka_unit_test(date_against_the_servers_date),
                cmocka_unit_test(date_against_our_clock_without_one),
                cmocka_unit_test(obsolete_date_forms),
                cmocka_unit_test(past_date_is_no_delay),
                cmocka_unit_test(neither_form_is_no_delay),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
