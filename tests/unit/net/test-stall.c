/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "stall.h"

#define TIMEOUT 1000
#define START 5000

static Stall begin(void) {
        Stall stall;

        stall_init(&stall, TIMEOUT, START);
        return stall;
}

static void silence_for_the_timeout_is_a_stall(void **state) {
        Stall stall = begin();

        assert_int_equal(stall_check(&stall, 0, 0, START), TIMEOUT / 4);
        assert_int_equal(stall_check(&stall, 0, 0, START + 900), 100);
        assert_int_equal(stall_check(&stall, 0, 0, START + TIMEOUT), 0);
}

static void a_request_that_moves_is_none(void **state) {
        Stall stall = begin();

        for (uint64_t i = 1; i < 100; i++)
                assert_int_not_equal(stall_check(&stall, i * STALL_BYTES_MIN, 0, START + i * 900), 0);
}

static void single_bytes_are_no_progress(void **state) {
        Stall stall = begin();

        for (uint64_t i = 1; i < 10; i++)
                assert_int_not_equal(stall_check(&stall, i, i, START + i * 100), 0);
        assert_int_equal(stall_check(&stall, 10, 10, START + TIMEOUT), 0);
}

static void slow_bytes_count_once_they_are_enough(void **state) {
        Stall stall = begin();

        assert_int_not_equal(stall_check(&stall, STALL_BYTES_MIN / 2, 0, START + 500), 0);
        assert_int_not_equal(stall_check(&stall, STALL_BYTES_MIN, 0, START + 900), 0);
        assert_int_not_equal(stall_check(&stall, STALL_BYTES_MIN, 0, START + 1800), 0);
        assert_int_equal(stall_check(&stall, STALL_BYTES_MIN, 0, START + 1900), 0);
}

static void a_moving_link_is_believed_for_a_while(void **state) {
        Stall stall = begin();
        uint64_t now = START;

        for (uint64_t i = 1; i < STALL_GRACE * 2; i++) {
                now = START + i * TIMEOUT / 2;
                assert_int_not_equal(stall_check(&stall, 0, i * STALL_BYTES_MIN, now), 0);
        }
        assert_int_equal(stall_check(&stall, 0, 1000000, START + STALL_GRACE * TIMEOUT), 0);
}

static void beginning_anew_is_progress(void **state) {
        Stall stall = begin();

        assert_int_not_equal(stall_check(&stall, 100000, 100000, START + 500), 0);
        assert_int_not_equal(stall_check(&stall, 0, 0, START + 1400), 0);
        assert_int_not_equal(stall_check(&stall, 0, 0, START + 2300), 0);
        assert_int_equal(stall_check(&stall, 0, 0, START + 2400), 0);
}

static void a_jump_of_boottime_over_suspend_is_a_stall(void **state) {
        Stall stall = begin();

        assert_int_not_equal(stall_check(&stall, 100000, 100000, START + 10), 0);
        assert_int_equal(stall_check(&stall, 100000, 100000, START + UINT64_C(3600000000)), 0);
}

static void never_asks_to_look_again_at_once(void **state) {
        Stall stall;

        stall_init(&stall, 1, START);
        assert_int_equal(stall_check(&stall, 0, 0, START), 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(silence_for_the_timeout_is_a_stall),
                cmocka_unit_test(a_request_that_moves_is_none),
                cmocka_unit_test(single_bytes_are_no_progress),
                cmocka_unit_test(slow_bytes_count_once_they_are_enough),
                cmocka_unit_test(a_moving_link_is_believed_for_a_while),
                cmocka_unit_test(beginning_anew_is_progress),
                cmocka_unit_test(a_jump_of_boottime_over_suspend_is_a_stall),
                cmocka_unit_test(never_asks_to_look_again_at_once),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
