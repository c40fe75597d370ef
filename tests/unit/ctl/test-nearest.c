/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The nearest valid word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "nearest.h"
#include "trailkeep/macros.h"

static const char *const words[] = { "location", "audio", "video", "picture", "updates", "maps" };

static void test_a_slip_of_the_finger_finds_its_word(void **state) {
        static const char *const pairs[][2] = { { "locaton", "location" }, { "loaction", "location" },
                                                { "vidoe", "video" },      { "audios", "audio" },
                                                { "pictrue", "picture" },  { "map", "maps" } };

        for (size_t i = 0; i < ELEMENTSOF(pairs); i++)
                assert_string_equal(nearest_word(pairs[i][0], words, ELEMENTSOF(words)), pairs[i][1]);
}

static void test_a_beginning_of_one_word_finds_it(void **state) {
        assert_string_equal(nearest_word("l", words, ELEMENTSOF(words)), "location");
        assert_string_equal(nearest_word("upd", words, ELEMENTSOF(words)), "updates");
}

static void test_a_swap_counts_one(void **state) {
        static const char *const near[] = { "abdc" };

        assert_string_equal(nearest_word("abcd", near, 1), "abdc");
}

static void test_nonsense_finds_nothing(void **state) {
        assert_null(nearest_word("xyzzy", words, ELEMENTSOF(words)));
        assert_null(nearest_word("", words, ELEMENTSOF(words)));
        assert_null(nearest_word("locationlocationlocationlocationlocation", words, ELEMENTSOF(words)));
        assert_null(nearest_word("location", words, 0));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_slip_of_the_finger_finds_its_word),
                cmocka_unit_test(test_a_beginning_of_one_word_finds_it),
                cmocka_unit_test(test_a_swap_counts_one),
                cmocka_unit_test(test_nonsense_finds_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
