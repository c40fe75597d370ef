/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command line. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "ctl.h"
#include "trailkeep/parse.h"
#include "trailkeep/purpose.h"

#define NOW_MS INT64_C(1795455203000)

static uint64_t now_usec(void *userdata) {
        return (uint64_t)NOW_MS * USEC_PER_MSEC;
}

static const Clock clock_fake = { .boottime_usec = now_usec, .realtime_usec = now_usec };

/* Words separated by '|'. */
static int parse(const char *line, CtlOptions *ret) {
        static char copy[256]; /* CtlOptions borrows from it */
        char *argv[16] = { (char *)"trailkeepctl" }, *rest = copy;
        int argc = 1;

        assert_true(strlen(line) < sizeof(copy));
        memcpy(copy, line, strlen(line) + 1);
        for (char *word = strsep(&rest, "|"); word && *word; word = strsep(&rest, "|"))
                argv[argc++] = word;

        return options_parse(argc, argv, &clock_fake, ret);
}

static void test_no_words_mean_status_on_the_system_bus(void **state) {
        CtlOptions options;

        assert_int_equal(parse("", &options), CTL_EXIT_DONE);
        assert_string_equal(options.verb->name, "status");
        assert_string_equal(options.bus_address, "system");
        assert_false(options.is_json);
        assert_false(options.is_quiet);
        assert_int_equal(options.since_ms, TIME_MS_NONE);
        assert_int_equal(options.until_ms, TIME_MS_NONE);
}

static void test_every_verb_is_found_by_its_words(void **state) {
        size_t n;
        const CtlVerb *verbs = ctl_verbs(&n);

        for (size_t i = 0; i < n; i++) {
                char line[128];
                CtlOptions options;

                snprintf(line, sizeof(line), "%s%s%s%s", verbs[i].name, verbs[i].sub ? "|" : "",
                         verbs[i].sub ? verbs[i].sub : "", verbs[i].arguments ? "|audio" : "");
                assert_int_equal(parse(line, &options), CTL_EXIT_DONE);
                assert_ptr_equal(options.verb, &verbs[i]);
        }
}

static void test_one_word_means_its_harmless_form(void **state) {
        static const char *const words[][2] = { { "consent", "list" }, { "data", "summary" }, { "sync", "status" } };

        for (size_t i = 0; i < ELEMENTSOF(words); i++) {
                CtlOptions options;

                assert_int_equal(parse(words[i][0], &options), CTL_EXIT_DONE);
                assert_string_equal(options.verb->sub, words[i][1]);
        }
}

static void test_options_may_stand_anywhere(void **state) {
        CtlOptions options;

        assert_int_equal(parse("data|-j|erase|-p|audio|--bus=unix:path=/x|--purpose|video|-y|"
                               "--since=1h ago|-w|--keep-stored",
                               &options),
                         CTL_EXIT_DONE);
        assert_string_equal(options.bus_address, "unix:path=/x");
        assert_true(options.is_json);
        assert_int_equal(options.purposes, 1 << PURPOSE_AUDIO | 1 << PURPOSE_VIDEO);
        assert_int_equal(options.given, CTL_OPTION_PURPOSE | CTL_OPTION_YES | CTL_OPTION_SINCE | CTL_OPTION_WAIT |
                                                        CTL_OPTION_KEEP_STORED);
        assert_int_equal(options.since_ms, NOW_MS - 3600 * 1000);
}

static void test_purposes_of_a_decision_are_its_words(void **state) {
        CtlOptions options;

        assert_int_equal(parse("consent|withdraw|location|audio|--keep", &options), CTL_EXIT_DONE);
        assert_int_equal(options.purposes, 1 << PURPOSE_LOCATION | 1 << PURPOSE_AUDIO);
        assert_int_equal(options.given, CTL_OPTION_KEEP);
}

static void test_a_wrong_line_is_refused(void **state) {
        static const char *const lines[] = {
                "stauts",
                "consent|grnt",
                "consent|grant",
                "consent|grant|locaton",
                "status|location",
                "sync|now|later",
                "--jsno",
                "-x",
                "--json=3",
                "--bus",
                "status|--keep",
                "consent|list|-y",
                "sync|now|-w",
                "data|erase|-p|pictures",
                "data|erase|--since=soon",
                "data|erase|location",
                "--bus=sytem",
                "data|erase|--since=now|--until=1h ago",
                "data|erase|--since=now|--until=now",
        };

        for (size_t i = 0; i < ELEMENTSOF(lines); i++) {
                CtlOptions options;

                assert_int_equal(parse(lines[i], &options), CTL_EXIT_USAGE);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_no_words_mean_status_on_the_system_bus),
                cmocka_unit_test(test_every_verb_is_found_by_its_words),
                cmocka_unit_test(test_one_word_means_its_harmless_form),
                cmocka_unit_test(test_options_may_stand_anywhere),
                cmocka_unit_test(test_purposes_of_a_decision_are_its_words),
                cmocka_unit_test(test_a_wrong_line_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
