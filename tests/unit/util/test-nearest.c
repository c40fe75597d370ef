/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The nearest valid word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "trailkeep/macros.h"
#include "trailkeep/nearest.h"

static const char *const words[] = { "location", "audio", "video", "picture", "updates", "maps" };

static void test_distance(void **state) {
        static const struct {
                const char *a, *b;
                size_t distance;
        } cases[] = {
                { "", "", 0 },
                { "", "abc", 3 },
                { "abc", "", 3 },
                { "Url", "url", 0 },
                { "kitten", "sitting", 3 },
                { "flaw", "lawn", 2 },
                { "RetentionAudio", "RetentionVideo", 3 },
                { "RetentionAudio", "RetentoinAudio", 1 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                assert_int_equal(nearest_distance(cases[i].a, cases[i].b), cases[i].distance);
                assert_int_equal(nearest_distance(cases[i].b, cases[i].a), cases[i].distance);
        }
}

static void test_long_words_are_compared_by_their_beginning(void **state) {
        char a[200], b[200];

        memset(a, 'a', sizeof(a) - 1);
        memset(b, 'a', sizeof(b) - 1);
        a[sizeof(a) - 1] = b[sizeof(b) - 1] = '\0';
        b[100] = 'b';
        assert_int_equal(nearest_distance(a, b), 0);
        b[63] = 'b';
        assert_int_equal(nearest_distance(a, b), 1);
}

static void test_the_nearest_is_found_however_far(void **state) {
        assert_string_equal(nearest_word("vidoe", words, ELEMENTSOF(words)), "video");
        assert_non_null(nearest_word("", words, ELEMENTSOF(words)));
        assert_non_null(nearest_word("xyzzyxyzzy", words, ELEMENTSOF(words)));
        assert_null(nearest_word("video", words, 0));
}

static void test_a_slip_of_the_finger_finds_its_word(void **state) {
        static const char *const pairs[][2] = { { "locaton", "location" }, { "loaction", "location" },
                                                { "vidoe", "video" },      { "audios", "audio" },
                                                { "pictrue", "picture" },  { "map", "maps" } };

        for (size_t i = 0; i < ELEMENTSOF(pairs); i++)
                assert_string_equal(nearest_guess(pairs[i][0], words, ELEMENTSOF(words)), pairs[i][1]);
}

static void test_a_beginning_of_one_word_finds_it(void **state) {
        assert_string_equal(nearest_guess("l", words, ELEMENTSOF(words)), "location");
        assert_string_equal(nearest_guess("upd", words, ELEMENTSOF(words)), "updates");
}

static void test_a_swap_counts_one(void **state) {
        static const char *const near[] = { "abdc" };

        assert_string_equal(nearest_guess("abcd", near, 1), "abdc");
}

static void test_nonsense_finds_nothing(void **state) {
        assert_null(nearest_guess("xyzzy", words, ELEMENTSOF(words)));
        assert_null(nearest_guess("", words, ELEMENTSOF(words)));
        assert_null(nearest_guess("locationlocationlocationlocationlocation", words, ELEMENTSOF(words)));
        assert_null(nearest_guess("location", words, 0));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_distance),
                cmocka_unit_test(test_long_words_are_compared_by_their_beginning),
                cmocka_unit_test(test_the_nearest_is_found_however_far),
                cmocka_unit_test(test_a_slip_of_the_finger_finds_its_word),
                cmocka_unit_test(test_a_beginning_of_one_word_finds_it),
                cmocka_unit_test(test_a_swap_counts_one),
                cmocka_unit_test(test_nonsense_finds_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
