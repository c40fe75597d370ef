/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bytes that grow, are bounded and wiped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include "trailkeep/bytes.h"

static void test_appending_keeps_a_0_behind(void **state) {
        _cleanup_bytes_ Bytes bytes = { 0 };

        assert_int_equal(bytes_append(&bytes, NULL, 0), 0);
        assert_null(bytes.data);
        assert_int_equal(bytes_append_string(&bytes, "where"), 0);
        assert_int_equal(bytes_append(&bytes, "\0x", 2), 0);
        assert_int_equal(bytes.size, 7);
        assert_memory_equal(bytes.data, "where\0x", 8);
}

static void test_growing_keeps_the_contents(void **state) {
        _cleanup_bytes_ Bytes bytes = { 0 };

        for (unsigned i = 0; i < 10000; i++) {
                uint8_t byte = (uint8_t)(i * 7);

                assert_int_equal(bytes_append(&bytes, &byte, 1), 0);
        }
        assert_int_equal(bytes.size, 10000);
        for (unsigned i = 0; i < 10000; i++)
                assert_int_equal(bytes.data[i], (uint8_t)(i * 7));
        assert_true(bytes.allocated < 20001);
}

static void test_limit_is_exact_and_a_refusal_changes_nothing(void **state) {
        _cleanup_bytes_ Bytes bytes = { .limit = 10 };

        assert_int_equal(bytes_append_string(&bytes, "0123456789"), 0);
        assert_int_equal(bytes_append(&bytes, "x", 1), -ENOBUFS);
        assert_int_equal(bytes_append(&bytes, "x", SIZE_MAX), -ENOBUFS);
        assert_int_equal(bytes_reserve(&bytes, SIZE_MAX), -ENOBUFS);
        assert_int_equal(bytes.size, 10);
        assert_string_equal((char *)bytes.data, "0123456789");
        assert_true(bytes.allocated <= 11);
}

static void test_default_limit(void **state) {
        _cleanup_bytes_ Bytes bytes = { 0 };

        assert_int_equal(bytes_reserve(&bytes, BYTES_LIMIT_DEFAULT + 1), -ENOBUFS);
        assert_null(bytes.data);
}

static void test_reserved_room_may_be_written(void **state) {
        _cleanup_bytes_ Bytes bytes = { 0 };
        uint8_t *data;

        assert_int_equal(bytes_append_string(&bytes, "a"), 0);
        assert_int_equal(bytes_reserve(&bytes, 1000), 0);
        data = bytes.data;
        memset(bytes.data + bytes.size, 'b', 1000);
        bytes.size += 1000;
        bytes.data[bytes.size] = 0;
        assert_ptr_equal(bytes.data, data);
        assert_int_equal(strlen((char *)bytes.data), 1001);
}

static void test_truncating_wipes_what_is_behind(void **state) {
        _cleanup_bytes_ Bytes bytes = { 0 };

        assert_int_equal(bytes_append_string(&bytes, "keep-forget"), 0);
        bytes_truncate(&bytes, 100);
        assert_int_equal(bytes.size, 11);
        bytes_truncate(&bytes, 4);
        assert_int_equal(bytes.size, 4);
        assert_memory_equal(bytes.data, "keep\0\0\0\0\0\0\0", 12);
        bytes_truncate(&bytes, 0);
        assert_memory_equal(bytes.data, "\0\0\0\0", 4);
}

static void test_done_keeps_the_limit_and_may_be_repeated(void **state) {
        Bytes bytes = { .limit = 5 };

        assert_int_equal(bytes_append_string(&bytes, "abc"), 0);
        bytes_done(&bytes);
        bytes_done(&bytes);
        assert_null(bytes.data);
        assert_int_equal(bytes.size, 0);
        assert_int_equal(bytes_append_string(&bytes, "abcdef"), -ENOBUFS);
        assert_int_equal(bytes_append_string(&bytes, "abcde"), 0);
        bytes_done(&bytes);
}

static void test_wiping(void **state) {
        char text[] = "secret";

        bytes_wipe(NULL, 0);
        bytes_wipe(text, 3);
        assert_memory_equal(text, "\0\0\0ret", 7);
        assert_null(string_wipe_free(NULL));
        assert_null(string_wipe_free(strdup("secret")));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_appending_keeps_a_0_behind),
                cmocka_unit_test(test_growing_keeps_the_contents),
                cmocka_unit_test(test_limit_is_exact_and_a_refusal_changes_nothing),
                cmocka_unit_test(test_default_limit),
                cmocka_unit_test(test_reserved_room_may_be_written),
                cmocka_unit_test(test_truncating_wipes_what_is_behind),
                cmocka_unit_test(test_done_keeps_the_limit_and_may_be_repeated),
                cmocka_unit_test(test_wiping),
        };

        return cmocka_run_group_tests_name("bytes", tests, NULL, NULL);
}
