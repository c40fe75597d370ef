/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Retry delays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "trailkeep/backoff.h"
#include "trailkeep/macros.h"

static void test_ceiling_doubles_up_to_the_cap(void **state) {
        static const uint64_t expected[] = { 100, 200, 400, 800, 1000, 1000, 1000 };
        Backoff backoff = { .first_usec = 100, .cap_usec = 1000 };

        for (size_t i = 0; i < ELEMENTSOF(expected); i++)
                assert_int_equal(backoff_next_usec(&backoff, 0, UINT32_MAX), expected[i]);
        assert_int_equal(backoff.n_failed, ELEMENTSOF(expected));
}

static void test_jitter_reaches_from_nothing_to_the_ceiling(void **state) {
        Backoff backoff = { .first_usec = 1000, .cap_usec = 1000 };

        assert_int_equal(backoff_next_usec(&backoff, 0, 0), 0);
        assert_int_equal(backoff_next_usec(&backoff, 0, UINT32_MAX / 2), 499);
        assert_int_equal(backoff_next_usec(&backoff, 0, UINT32_MAX), 1000);
}

static void test_retry_after_is_a_lower_bound(void **state) {
        Backoff backoff = { .first_usec = 100, .cap_usec = 1000 };

        assert_int_equal(backoff_next_usec(&backoff, 5000, 0), 5000);
        assert_int_equal(backoff_next_usec(&backoff, 5000, UINT32_MAX), 5200);
}

static void test_reset_starts_over(void **state) {
        Backoff backoff = { .first_usec = 100, .cap_usec = 1000, .n_failed = 9 };

        backoff_reset(&backoff);
        assert_int_equal(backoff_next_usec(&backoff, 0, UINT32_MAX), 100);
}

static void test_extremes_neither_overflow_nor_hang(void **state) {
        static const Backoff extremes[] = {
                { .first_usec = 0, .cap_usec = 0, .n_failed = UINT32_MAX },
                { .first_usec = 0, .cap_usec = UINT64_MAX, .n_failed = UINT32_MAX },
                { .first_usec = 1, .cap_usec = 0, .n_failed = UINT32_MAX },
                { .first_usec = UINT64_MAX / 4 * 3, .cap_usec = UINT64_MAX / 2, .n_failed = 3 },
                { .first_usec = USEC_PER_SEC, .cap_usec = USEC_PER_HOUR, .n_failed = UINT32_MAX },
        };

        for (size_t i = 0; i < ELEMENTSOF(extremes); i++) {
                Backoff backoff = extremes[i];
                uint64_t delay_usec = backoff_next_usec(&backoff, 0, UINT32_MAX);

                assert_true(delay_usec <= backoff.cap_usec);
                assert_true(backoff.n_failed >= extremes[i].n_failed);
                assert_int_equal(backoff_next_usec(&backoff, UINT64_MAX, UINT32_MAX), USEC_INFINITY - 1);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_ceiling_doubles_up_to_the_cap),
                cmocka_unit_test(test_jitter_reaches_from_nothing_to_the_ceiling),
                cmocka_unit_test(test_retry_after_is_a_lower_bound),
                cmocka_unit_test(test_reset_starts_over),
                cmocka_unit_test(test_extremes_neither_overflow_nor_hang),
        };

        return cmocka_run_group_tests_name("backoff", tests, NULL, NULL);
}
