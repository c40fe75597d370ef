/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Random ids (RFC 9562) and the clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include "trailkeep/clock.h"
#include "trailkeep/id.h"

static void assert_uuid(const char *id, char version) {
        assert_int_equal(strlen(id), 36);
        for (size_t i = 0; i < 36; i++)
                if (i == 8 || i == 13 || i == 18 || i == 23)
                        assert_int_equal(id[i], '-');
                else
                        assert_non_null(strchr("0123456789abcdef", id[i]));
        assert_int_equal(id[14], version);
        assert_non_null(strchr("89ab", id[19]));
}

static void test_random_ids_are_version_4_and_differ(void **state) {
        char id[ID_STRING_MAX], before[ID_STRING_MAX] = "";

        for (unsigned i = 0; i < 1000; i++) {
                assert_int_equal(id_new_random(id), 0);
                assert_uuid(id, '4');
                assert_string_not_equal(id, before);
                strncpy(before, id, sizeof(before));
        }
}

static void test_ordered_ids_are_version_7_and_sort_by_time(void **state) {
        static const uint64_t times_ms[] = { 0, 1, 255, 256, UINT64_C(0x17f22e279b0), UINT64_C(0xffffffffffff) };
        char id[ID_STRING_MAX], before[ID_STRING_MAX] = "";

        for (size_t i = 0; i < ELEMENTSOF(times_ms); i++) {
                assert_int_equal(id_new_ordered(times_ms[i], id), 0);
                assert_uuid(id, '7');
                assert_true(strcmp(id, before) > 0);
                strncpy(before, id, sizeof(before));
        }
}

/* RFC 9562 appendix A.6: 2022-02-22T19:22:22.000Z begins with 017f22e2-79b0-7. */
static void test_ordered_id_begins_as_in_the_standard(void **state) {
        char id[ID_STRING_MAX];

        assert_int_equal(id_new_ordered(UINT64_C(1645557742000), id), 0);
        assert_memory_equal(id, "017f22e2-79b0-7", 15);
}

static void test_ordered_ids_of_one_moment_differ(void **state) {
        char a[ID_STRING_MAX], b[ID_STRING_MAX];

        assert_int_equal(id_new_ordered(1, a), 0);
        assert_int_equal(id_new_ordered(1, b), 0);
        assert_string_not_equal(a, b);
}

static void test_time_beyond_48_bits_is_refused(void **state) {
        char id[ID_STRING_MAX] = "untouched";

        assert_int_equal(id_new_ordered(UINT64_C(1) << 48, id), -ERANGE);
        assert_string_equal(id, "untouched");
}

static void test_random_bytes_fill_what_they_are_given(void **state) {
        uint8_t data[4096] = { 0 };
        unsigned n_zero = 0;

        assert_int_equal(random_bytes(data, 0), 0);
        assert_int_equal(data[0], 0);
        assert_int_equal(random_bytes(data, sizeof(data)), 0);
        for (size_t i = 0; i < sizeof(data); i++)
                n_zero += data[i] == 0;
        assert_true(n_zero < 100); /* 16 are expected; 100 has less than 1e-40 */
}

static uint64_t seven(void *userdata) {
        return *(uint64_t *)userdata + 7;
}

static void test_clock_is_the_one_that_was_given(void **state) {
        uint64_t base = 1000;
        const Clock clock = { .boottime_usec = seven, .realtime_usec = seven, .userdata = &base };

        assert_int_equal(clock_boottime_usec(&clock), 1007);
        base = 2000;
        assert_int_equal(clock_realtime_usec(&clock), 2007);
}

static void test_kernel_clock_goes_on(void **state) {
        uint64_t before = clock_boottime_usec(&clock_system);
        struct timespec soon, later;

        assert_true(clock_boottime_usec(&clock_system) >= before);
        assert_true(clock_realtime_usec(&clock_system) > 0);
        clock_monotonic_after(0, &soon);
        clock_monotonic_after(UINT64_MAX, &later);
        assert_true(later.tv_sec > soon.tv_sec);
        assert_true(soon.tv_nsec >= 0 && soon.tv_nsec < 1000000000);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_random_ids_are_version_4_and_differ),
                cmocka_unit_test(test_ordered_ids_are_version_7_and_sort_by_time),
                cmocka_unit_test(test_ordered_id_begins_as_in_the_standard),
                cmocka_unit_test(test_ordered_ids_of_one_moment_differ),
                cmocka_unit_test(test_time_beyond_48_bits_is_refused),
                cmocka_unit_test(test_random_bytes_fill_what_they_are_given),
                cmocka_unit_test(test_clock_is_the_one_that_was_given),
                cmocka_unit_test(test_kernel_clock_goes_on),
        };

        return cmocka_run_group_tests_name("id", tests, NULL, NULL);
}
