/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bytes to lines: however they come in pieces, the same lines come out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "trailkeep/macros.h"
#include "gnss-lines.h"

static GnssLines lines;

static int setup(void **state) {
        gnss_lines_init(&lines);
        return 0;
}

static void add(const char *data, size_t size) {
        size_t space_size;
        char *space = gnss_lines_space(&lines, &space_size);

        assert_true(size <= space_size);
        memcpy(space, data, size);
        gnss_lines_add(&lines, size);
}

static void assert_next(const char *expected) {
        size_t size = 0;
        const char *line = gnss_lines_next(&lines, &size);

        assert_non_null(line);
        assert_string_equal(line, expected);
        assert_int_equal(size, strlen(expected));
}

static void assert_none(void) {
        size_t size = 77;

        assert_null(gnss_lines_next(&lines, &size));
        assert_int_equal(size, 77);
}

static void test_several_lines_in_one_piece(void **state) {
        add("one\r\ntwo\n\r\n\nfi", 14);
        assert_next("one");
        assert_next("two");
        assert_next("");
        assert_next("");
        assert_none();
        add("ve\n", 3);
        assert_next("five");
        assert_none();
}

static void test_byte_by_byte(void **state) {
        static const char text[] = "{\"class\":\"TPV\"}\r\n";

        for (size_t i = 0; i + 1 < sizeof(text) - 1; i++) {
                add(text + i, 1);
                assert_none();
        }
        add("\n", 1);
        assert_next("{\"class\":\"TPV\"}");
}

static void test_a_carriage_return_inside_stays(void **state) {
        add("a\rb\r\r\n", 6);
        assert_next("a\rb\r");
}

static void test_nul_bytes_do_not_end_a_line(void **state) {
        size_t size;
        const char *line;

        add("a\0b\n", 4);
        line = gnss_lines_next(&lines, &size);
        assert_int_equal(size, 3);
        assert_memory_equal(line, "a\0b", 4);
}

static void test_the_longest_line_fits(void **state) {
        static char text[GNSS_LINE_MAX_BYTES];
        size_t size;

        memset(text, 'x', sizeof(text));
        text[sizeof(text) - 1] = '\n';
        add(text, sizeof(text));
        assert_non_null(gnss_lines_next(&lines, &size));
        assert_int_equal(size, sizeof(text) - 1);
        assert_false(gnss_lines_is_full(&lines));
}

static void test_a_longer_line_is_full(void **state) {
        static char text[GNSS_LINE_MAX_BYTES];

        memset(text, 'x', sizeof(text));
        add("ok\n", 3);
        assert_next("ok");
        add(text, sizeof(text) - 1);
        assert_none();
        assert_false(gnss_lines_is_full(&lines));
        add("x", 1);
        assert_none();
        assert_true(gnss_lines_is_full(&lines));
}

static void test_init_leaves_nothing_behind(void **state) {
        static const GnssLines empty;

        add("lat\nlon", 7);
        assert_next("lat");
        gnss_lines_init(&lines);
        assert_memory_equal(&lines, &empty, sizeof(lines));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(test_several_lines_in_one_piece, setup),
                cmocka_unit_test_setup(test_byte_by_byte, setup),
                cmocka_unit_test_setup(test_a_carriage_return_inside_stays, setup),
                cmocka_unit_test_setup(test_nul_bytes_do_not_end_a_line, setup),
                cmocka_unit_test_setup(test_the_longest_line_fits, setup),
                cmocka_unit_test_setup(test_a_longer_line_is_full, setup),
                cmocka_unit_test_setup(test_init_leaves_nothing_behind, setup),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
