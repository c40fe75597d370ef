/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Arguments of methods, in messages that never leave the process: what is taken, and that each complaint names its
 * argument.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <cmocka.h>
#include "bus/arguments.h"
#include "trailkeep/parse.h"

typedef int (*Reader)(sd_bus_message *message, BusRequest *request, sd_bus_error *error);

static int setup(void **state) {
        sd_bus *bus = NULL;
        int pair[2];

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0 || sd_bus_new(&bus) < 0 ||
            sd_bus_set_fd(bus, pair[0], pair[0]) < 0 || sd_bus_start(bus) < 0)
                return -1;
        close_fdp(&pair[1]);
        *state = bus;

        return 0;
}

static int teardown(void **state) {
        sd_bus_close_unref(*state);

        return 0;
}

static int read_with(sd_bus *bus, Reader reader, BusRequest *request, char ret_text[static 256], const char *types,
                     ...) {
        sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus_message *message = NULL;
        va_list arguments;
        int r;

        memset(request, 0, sizeof(*request));
        ret_text[0] = '\0';
        assert_true(sd_bus_message_new_method_call(bus, &message, "a.b", "/a", "a.b", "C") >= 0);
        va_start(arguments, types);
        r = sd_bus_message_appendv(message, types, arguments);
        va_end(arguments);
        assert_true(r >= 0);
        assert_true(sd_bus_message_seal(message, 1, 0) >= 0);

        r = reader(message, request, &error);
        if (sd_bus_error_is_set(&error)) {
                assert_string_equal(error.name, SD_BUS_ERROR_INVALID_ARGS);
                strncpy(ret_text, error.message, 255);
        }
        assert_true(r >= 0 || ret_text[0] != '\0');
        sd_bus_error_free(&error);
        sd_bus_message_unref(message);

        return r;
}

#define assert_taken(...) assert_true(read_with(*state, __VA_ARGS__) >= 0)
#define assert_refused(begin, ...)                                             \
        do {                                                                   \
                assert_true(read_with(*state, __VA_ARGS__) < 0);               \
                if (strncmp(text, begin, strlen(begin)) != 0)                  \
                        fail_msg("\"%s\" does not begin with \"%s\"", text, begin); \
        } while (0)

static void test_grant_of_a_purpose(void **state) {
        BusRequest request;
        char text[256];

        assert_taken(arguments_read_grant, &request, text, "sa{sv}", "video", 0);
        assert_int_equal(request.purpose, PURPOSE_VIDEO);
        assert_string_equal(request.actor, "");
}

static void test_grant_for_someone(void **state) {
        BusRequest request;
        char text[256];

        assert_taken(arguments_read_grant, &request, text, "sa{sv}", "audio", 1, "actor", "s", "Zoë");
        assert_string_equal(request.actor, "Zoë");
}

static void test_unknown_purpose(void **state) {
        BusRequest request;
        char text[256];

        assert_refused("purpose: not a purpose; they are location audio", arguments_read_grant, &request, text,
                       "sa{sv}", "Location", 0);
        assert_non_null(strstr(text, "updates"));
        assert_refused("purpose: ", arguments_read_withdraw, &request, text, "sa{sv}", "", 0);
}

static void test_actor_of_impossible_length(void **state) {
        BusRequest request;
        char text[256], name[GATE_ACTOR_MAX + 1];

        memset(name, 'n', sizeof(name));
        name[GATE_ACTOR_MAX - 1] = '\0';
        assert_taken(arguments_read_grant, &request, text, "sa{sv}", "audio", 1, "actor", "s", name);
        name[GATE_ACTOR_MAX - 1] = 'n';
        name[GATE_ACTOR_MAX] = '\0';
        assert_refused("actor: ", arguments_read_grant, &request, text, "sa{sv}", "audio", 1, "actor", "s", name);
        assert_refused("actor: ", arguments_read_grant, &request, text, "sa{sv}", "audio", 1, "actor", "s", "");
}

static void test_option_of_wrong_type(void **state) {
        BusRequest request;
        char text[256];

        assert_refused("actor: must be of type 's'", arguments_read_grant, &request, text, "sa{sv}", "audio", 1,
                       "actor", "u", 7);
        assert_refused("keep: must be of type 'b'", arguments_read_withdraw, &request, text, "sa{sv}", "audio", 1,
                       "keep", "s", "true");
        assert_refused("since: must be of type 'x'", arguments_read_erase, &request, text, "a{sv}", 1, "since", "t",
                       UINT64_C(7));
        assert_refused("purposes: must be of type 'as'", arguments_read_erase, &request, text, "a{sv}", 1, "purposes",
                       "s", "audio");
}

static void test_unknown_option(void **state) {
        BusRequest request;
        char text[256];

        assert_refused("keep: unknown; known are actor", arguments_read_grant, &request, text, "sa{sv}", "audio", 1,
                       "keep", "b", 1);
        assert_refused("Keep: unknown; known are keep actor", arguments_read_withdraw, &request, text, "sa{sv}",
                       "audio", 1, "Keep", "b", 1);
}

static void test_unknown_option_of_great_length_is_not_repeated(void **state) {
        BusRequest request;
        char text[256], key[400];

        for (size_t i = 0; i < sizeof(key) - 2; i += 2)
                memcpy(key + i, "ë", 3);
        assert_refused("(a key of more than 64 bytes): unknown", arguments_read_grant, &request, text, "sa{sv}",
                       "audio", 1, key, "b", 1);
}

static void test_option_given_twice(void **state) {
        BusRequest request;
        char text[256];

        assert_refused("keep: given twice", arguments_read_withdraw, &request, text, "sa{sv}", "audio", 2, "keep", "b",
                       0, "keep", "b", 1);
}

static void test_withdrawal_erases_unless_told_to_keep(void **state) {
        BusRequest request;
        char text[256];

        assert_taken(arguments_read_withdraw, &request, text, "sa{sv}", "audio", 0);
        assert_false(request.is_kept);
        assert_taken(arguments_read_withdraw, &request, text, "sa{sv}", "audio", 1, "keep", "b", 1);
        assert_true(request.is_kept);
}

static void test_empty_scope_means_everything(void **state) {
        BusRequest request;
        char text[256];

        assert_taken(arguments_read_erase, &request, text, "a{sv}", 0);
        assert_int_equal(request.scope.purposes, (1 << PURPOSE_MAX) - 1);
        assert_true(request.scope.since_ms == TIME_MS_NONE && request.scope.until_ms == TIME_MS_NONE);
        assert_false(request.scope.keep_stored);
}

static void test_scope_as_given(void **state) {
        BusRequest request;
        char text[256];

        assert_taken(arguments_read_erase, &request, text, "a{sv}", 4, "purposes", "as", 2, "location", "maps", "since",
                     "x", INT64_C(5), "until", "x", INT64_C(9), "keep-stored", "b", 1);
        assert_int_equal(request.scope.purposes, 1 << PURPOSE_LOCATION | 1 << PURPOSE_MAPS);
        assert_true(request.scope.since_ms == 5 && request.scope.until_ms == 9);
        assert_true(request.scope.keep_stored);
}

static void test_scope_of_a_clip(void **state) {
        char text[256], long_name[RECORD_CLIP_MAX + 2];
        BusRequest request;

        memset(long_name, 'x', sizeof(long_name) - 1);
        long_name[sizeof(long_name) - 1] = 0;
        assert_taken(arguments_read_erase, &request, text, "a{sv}", 1, "clip", "s", "door 7");
        assert_string_equal(request.clip, "door 7");
        assert_refused("clip: must be", arguments_read_erase, &request, text, "a{sv}", 1, "clip", "s", "");
        assert_refused("clip: must be", arguments_read_erase, &request, text, "a{sv}", 1, "clip", "s", long_name);
        assert_taken(arguments_read_erase, &request, text, "a{sv}", 1, "clip", "s", long_name + 1);
}

static void test_scope_with_one_end_open(void **state) {
        BusRequest request;
        char text[256];

        assert_taken(arguments_read_erase, &request, text, "a{sv}", 1, "until", "x", INT64_C(9));
        assert_true(request.scope.since_ms == TIME_MS_NONE && request.scope.until_ms == 9);
        assert_taken(arguments_read_erase, &request, text, "a{sv}", 1, "since", "x", INT64_C(9));
        assert_true(request.scope.since_ms == 9 && request.scope.until_ms == TIME_MS_NONE);
}

static void test_scope_of_no_purpose_is_not_all(void **state) {
        BusRequest request;
        char text[256];

        assert_refused("purposes: must name at least one", arguments_read_erase, &request, text, "a{sv}", 1, "purposes",
                       "as", 0);
        assert_refused("purposes: not a purpose", arguments_read_erase, &request, text, "a{sv}", 1, "purposes", "as", 2,
                       "audio", "sound");
}

static void test_scope_of_impossible_times(void **state) {
        BusRequest request;
        char text[256];

        assert_refused("until: must not lie before since", arguments_read_erase, &request, text, "a{sv}", 2, "since",
                       "x", INT64_C(9), "until", "x", INT64_C(8));
        /* What stands for "open" inside must not come in from outside. */
        assert_refused("until: ", arguments_read_erase, &request, text, "a{sv}", 1, "until", "x", INT64_MIN);
        assert_refused("since: ", arguments_read_erase, &request, text, "a{sv}", 1, "since", "x", INT64_C(-1));
        assert_refused("until: ", arguments_read_erase, &request, text, "a{sv}", 1, "until", "x", INT64_MAX);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_grant_of_a_purpose),
                cmocka_unit_test(test_grant_for_someone),
                cmocka_unit_test(test_unknown_purpose),
                cmocka_unit_test(test_actor_of_impossible_length),
                cmocka_unit_test(test_option_of_wrong_type),
                cmocka_unit_test(test_unknown_option),
                cmocka_unit_test(test_unknown_option_of_great_length_is_not_repeated),
                cmocka_unit_test(test_option_given_twice),
                cmocka_unit_test(test_withdrawal_erases_unless_told_to_keep),
                cmocka_unit_test(test_empty_scope_means_everything),
                cmocka_unit_test(test_scope_as_given),
                cmocka_unit_test(test_scope_of_a_clip),
                cmocka_unit_test(test_scope_with_one_end_open),
                cmocka_unit_test(test_scope_of_no_purpose_is_not_all),
                cmocka_unit_test(test_scope_of_impossible_times),
        };

        return cmocka_run_group_tests_name("bus-arguments", tests, setup, teardown);
}
