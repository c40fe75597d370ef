/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* D-Bus messages as JSON values. The messages are sealed by hand and never sent. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client.h"

static int new_bus(void **state) {
        sd_bus *bus;
        int fds[2];

        /* A message needs a bus that was started; nobody listens at the other end. */
        if (sd_bus_new(&bus) < 0 || pipe(fds) < 0 || sd_bus_set_fd(bus, fds[0], fds[1]) < 0 || sd_bus_start(bus) < 0)
                return -1;

        *state = bus;
        return 0;
}

static int free_bus(void **state) {
        sd_bus_close_unref(*state);
        return 0;
}

static sd_bus_message *new_message(void **state) {
        sd_bus_message *message = NULL;

        assert_true(sd_bus_message_new_signal(*state, &message, "/x", "x.y", "Z") >= 0);
        return message;
}

/* Seals and converts; the text is compact. */
static void assert_json(sd_bus_message *message, const char *expected) {
        _cleanup_json_ json_t *json = NULL;
        _cleanup_free_ char *text = NULL;

        assert_true(sd_bus_message_seal(message, 1, 0) >= 0);
        assert_true(sd_bus_message_rewind(message, true) >= 0);
        assert_int_equal(bus_message_to_json(message, &json), 0);
        text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
        assert_string_equal(text, expected);
}

static void test_no_argument_is_null(void **state) {
        _cleanup_message_ sd_bus_message *message = new_message(state);

        assert_json(message, "null");
}

static void test_one_argument_is_itself(void **state) {
        _cleanup_message_ sd_bus_message *message = new_message(state);

        assert_true(sd_bus_message_append(message, "s", "a\"b") >= 0);
        assert_json(message, "\"a\\\"b\"");
}

static void test_basic_types_keep_their_values(void **state) {
        _cleanup_message_ sd_bus_message *message = new_message(state);

        assert_true(sd_bus_message_append(message, "bynqiuxtdog", 1, 255, -2, 65535, -3, UINT32_MAX, INT64_MIN,
                                          (uint64_t)INT64_MAX, 1.5, "/a", "s") >= 0);
        assert_json(message,
                    "[true,255,-2,65535,-3,4294967295,-9223372036854775808,9223372036854775807,1.5,\"/a\",\"s\"]");
}

static void test_dictionaries_nest(void **state) {
        _cleanup_message_ sd_bus_message *message = new_message(state);

        assert_true(sd_bus_message_append(message, "a{sa{sv}}", 2, "location", 2, "records", "t", UINT64_C(7), "oldest",
                                          "x", INT64_C(-1), "audio", 0) >= 0);
        assert_json(message, "{\"location\":{\"records\":7,\"oldest\":-1},\"audio\":{}}");
}

static void test_structs_and_empty_arrays_are_arrays(void **state) {
        _cleanup_message_ sd_bus_message *message = new_message(state);

        assert_true(sd_bus_message_append(message, "a(oa{sv})as", 1, "/a/1", 1, "Purposes", "as", 2, "x", "y", 0) >= 0);
        assert_json(message, "[[[\"/a/1\",{\"Purposes\":[\"x\",\"y\"]}]],[]]");
}

static void test_what_json_cannot_hold_is_null(void **state) {
        _cleanup_message_ sd_bus_message *message = new_message(state);

        assert_true(sd_bus_message_append(message, "dd", (double)NAN, (double)INFINITY) >= 0);
        assert_json(message, "[null,null]");
}

static void test_nesting_without_end_is_refused(void **state) {
        _cleanup_message_ sd_bus_message *message = new_message(state);
        json_t *json = NULL;

        assert_true(sd_bus_message_append(message, "v", "v", "v", "v", "v", "v", "v", "v", "v", "i", 1) >= 0);
        assert_true(sd_bus_message_seal(message, 1, 0) >= 0);
        assert_true(sd_bus_message_rewind(message, true) >= 0);
        assert_true(bus_message_to_json(message, &json) < 0);
        assert_null(json);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_no_argument_is_null),
                cmocka_unit_test(test_one_argument_is_itself),
                cmocka_unit_test(test_basic_types_keep_their_values),
                cmocka_unit_test(test_dictionaries_nest),
                cmocka_unit_test(test_structs_and_empty_arrays_are_arrays),
                cmocka_unit_test(test_what_json_cannot_hold_is_null),
                cmocka_unit_test(test_nesting_without_end_is_refused),
        };

        return cmocka_run_group_tests(tests, new_bus, free_bus);
}
