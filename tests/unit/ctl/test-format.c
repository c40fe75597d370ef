/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values as people read them. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "format.h"
#include "trailkeep/macros.h"

#define NOW_MS INT64_C(1795455203000) /* 2026-11-23T17:33:23Z */

static int use_utf8(void **state) {
        return setlocale(LC_CTYPE, "C.UTF-8") ? 0 : -1;
}

static void test_span_shows_two_units_at_most(void **state) {
        static const struct {
                uint64_t usec;
                const char *text;
        } cases[] = {
                { 0, "0 s" },
                { 59 * USEC_PER_SEC + 999999, "59 s" },
                { USEC_PER_MINUTE, "1 min" },
                { 59 * USEC_PER_MINUTE + 59 * USEC_PER_SEC, "59 min" },
                { USEC_PER_HOUR, "1 h" },
                { 2 * USEC_PER_HOUR + 5 * USEC_PER_MINUTE, "2 h 5 min" },
                { USEC_PER_DAY, "1 d" },
                { USEC_PER_DAY + 23 * USEC_PER_HOUR, "1 d 23 h" },
                { 10 * USEC_PER_DAY + 23 * USEC_PER_HOUR, "10 d" },
                { USEC_INFINITY, "unlimited" },
        };
        char text[FORMAT_MAX];

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_string_equal(format_span(cases[i].usec, text), cases[i].text);
}

static void test_ago_knows_past_future_and_never(void **state) {
        char text[FORMAT_MAX];

        assert_string_equal(format_ago(NOW_MS - 3 * 60 * 1000, NOW_MS, text), "3 min ago");
        assert_string_equal(format_ago(NOW_MS - 999, NOW_MS, text), "just now");
        assert_string_equal(format_ago(NOW_MS + 999, NOW_MS, text), "just now");
        assert_string_equal(format_ago(NOW_MS + 7200 * 1000, NOW_MS, text), "in 2 h");
        assert_string_equal(format_ago(TIME_MS_NONE, NOW_MS, text), "never");
}

static void test_time_is_local(void **state) {
        char text[FORMAT_MAX];

        assert_int_equal(setenv("TZ", "XST-8", 1), 0);
        tzset();
        assert_string_equal(format_time(NOW_MS, text), "2026-11-24 01:33:23");
        assert_string_equal(format_time_ago(NOW_MS - 60000, NOW_MS, text), "2026-11-24 01:32 (1 min ago)");
        assert_int_equal(setenv("TZ", "UTC", 1), 0);
        tzset();
        assert_string_equal(format_time(NOW_MS, text), "2026-11-23 17:33:23");
        assert_string_equal(format_time(-1, text), "1969-12-31 23:59:59");
        assert_string_equal(format_time(TIME_MS_NONE, text), "-");
        assert_string_equal(format_time_ago(TIME_MS_NONE, NOW_MS, text), "never");
}

static void test_bytes_are_binary_and_never_1024_of_a_unit(void **state) {
        char text[FORMAT_MAX];

        assert_string_equal(format_bytes(0, text), "0 B");
        assert_string_equal(format_bytes(1023, text), "1023 B");
        assert_string_equal(format_bytes(1024, text), "1.0 KiB");
        assert_string_equal(format_bytes(1536, text), "1.5 KiB");
        assert_string_equal(format_bytes(1024 * 1024 - 1, text), "1.0 MiB");
        assert_string_equal(format_bytes(UINT64_C(123) * 1024 * 1024, text), "123 MiB");
        assert_string_equal(format_bytes(UINT64_MAX, text), "16.0 EiB");
}

static void test_degrees_have_a_point(void **state) {
        char text[FORMAT_MAX];

        assert_string_equal(format_degrees(-52.51630001, text), "-52.5163000");
}

static void test_control_characters_do_not_reach_the_terminal(void **state) {
        _cleanup_free_ char *escape = text_dup_printable("a\033[31mb\nc"), *broken = text_dup_printable("x\xff\xc3");

        assert_string_equal(escape, "a?[31mb?c");
        assert_string_equal(broken, "x??");
}

static void test_printable_text_is_left_alone(void **state) {
        _cleanup_free_ char *text = text_dup_printable("Zürich 深圳");

        assert_string_equal(text, "Zürich 深圳");
}

static void test_clip_counts_columns_not_bytes(void **state) {
        char umlauts[] = "Zürich", chinese[] = "深圳市";

        assert_int_equal(text_clip(umlauts, 3), 3);
        assert_string_equal(umlauts, "Zür");
        assert_int_equal(text_clip(chinese, 5), 4);
        assert_string_equal(chinese, "深圳");
}

static void test_wrap_breaks_between_words(void **state) {
        char text[] = "the store refuses every single object", wide[] = "深圳 深圳市 x", word[] = "0123456789 1";

        text_wrap(text, 10);
        assert_string_equal(text, "the store\nrefuses\nevery\nsingle\nobject");
        text_wrap(wide, 6);
        assert_string_equal(wide, "深圳\n深圳市\nx");
        text_wrap(word, 5);
        assert_string_equal(word, "0123456789\n1");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_span_shows_two_units_at_most),
                cmocka_unit_test(test_ago_knows_past_future_and_never),
                cmocka_unit_test(test_time_is_local),
                cmocka_unit_test(test_bytes_are_binary_and_never_1024_of_a_unit),
                cmocka_unit_test(test_degrees_have_a_point),
                cmocka_unit_test(test_control_characters_do_not_reach_the_terminal),
                cmocka_unit_test(test_printable_text_is_left_alone),
                cmocka_unit_test(test_wrap_breaks_between_words),
                cmocka_unit_test(test_clip_counts_columns_not_bytes),
        };

        return cmocka_run_group_tests(tests, use_utf8, NULL);
}
