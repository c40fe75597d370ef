/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The table outcome -> D-Bus error: complete, of one namespace, and what each result of the gate is called.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "bus/error.h"
#include "trailkeep/gate.h"

static void test_every_error_has_a_name_and_a_sentence(void **state) {
        for (BusError which = 0; which < BUS_ERROR_MAX; which++) {
                sd_bus_error error = SD_BUS_ERROR_NULL;

                assert_true(bus_error_set(&error, which, NULL) < 0);
                assert_true(strncmp(error.name, "org.trailkeep.Error.", 20) == 0 ||
                            strncmp(error.name, "org.freedesktop.DBus.Error.", 27) == 0);
                assert_true(strlen(error.message) > 5);
                assert_true(error.message[strlen(error.message) - 1] != '.');
                sd_bus_error_free(&error);
        }
}

static void test_detail_is_said(void **state) {
        sd_bus_error error = SD_BUS_ERROR_NULL;

        (void)bus_error_set(&error, BUS_ERROR_INVALID_ARGS, "keep: given twice"); /* tested above */
        assert_string_equal(error.message, "keep: given twice");
        sd_bus_error_free(&error);
        (void)bus_error_set(&error, BUS_ERROR_NOT_SENT, "the store is away"); /* tested above */
        assert_non_null(strstr(error.message, "nothing is lost"));
        assert_non_null(strstr(error.message, ": the store is away"));
        sd_bus_error_free(&error);
        (void)bus_error_set(&error, BUS_ERROR_NOT_SENT, ""); /* tested above */
        assert_null(strchr(error.message, ':'));
        sd_bus_error_free(&error);
}

static void test_failed_withdrawal_says_what_holds_whatever_the_reason(void **state) {
        static const int results[] = { GATE_E_NOT_DURABLE, GATE_E_FULL, -EIO, -ENOMEM };

        for (size_t i = 0; i < ELEMENTSOF(results); i++) {
                sd_bus_error error = SD_BUS_ERROR_NULL;

                (void)bus_error_set(&error, bus_error_from_gate(BUS_VERB_WITHDRAW, results[i]),
                                    NULL); /* tested above */
                assert_non_null(strstr(error.message, "is off"));
                assert_non_null(strstr(error.message, "only until the daemon restarts"));
                assert_non_null(strstr(error.message, "withdraw again"));
                sd_bus_error_free(&error);
        }
}

static void test_results_of_the_gate(void **state) {
        assert_int_equal(bus_error_from_gate(BUS_VERB_GRANT, GATE_E_OVERTAKEN), BUS_ERROR_OVERTAKEN);
        assert_int_equal(bus_error_from_gate(BUS_VERB_GRANT, GATE_E_LEDGER), BUS_ERROR_LEDGER);
        assert_int_equal(bus_error_from_gate(BUS_VERB_GRANT, GATE_E_FULL), BUS_ERROR_GRANT_FULL);
        assert_int_equal(bus_error_from_gate(BUS_VERB_GRANT, -EIO), BUS_ERROR_GRANT_NOT_DURABLE);
        assert_int_equal(bus_error_from_gate(BUS_VERB_ERASE, GATE_E_FULL), BUS_ERROR_ERASE_FULL);
        assert_int_equal(bus_error_from_gate(BUS_VERB_ERASE, GATE_E_NOT_DURABLE), BUS_ERROR_ERASE_NOT_DURABLE);
        assert_int_equal(bus_error_from_gate(BUS_VERB_ROTATE_KEYS, GATE_E_FULL), BUS_ERROR_KEYS_FULL);
        assert_int_equal(bus_error_from_gate(BUS_VERB_ROTATE_KEYS, -EIO), BUS_ERROR_KEYS_NOT_DURABLE);
        assert_int_equal(bus_error_from_gate(BUS_VERB_WITHDRAW, -ECANCELED), BUS_ERROR_STOPPING);
        assert_int_equal(bus_error_from_gate(BUS_VERB_FLUSH, -EIO), BUS_ERROR_FAILED);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_every_error_has_a_name_and_a_sentence),
                cmocka_unit_test(test_detail_is_said),
                cmocka_unit_test(test_failed_withdrawal_says_what_holds_whatever_the_reason),
                cmocka_unit_test(test_results_of_the_gate),
        };

        return cmocka_run_group_tests_name("bus-error", tests, NULL, NULL);
}
