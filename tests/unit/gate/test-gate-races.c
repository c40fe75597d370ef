/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Decisions that overlap end in the one that was asked last; a gate may go while its journal still writes.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "gate-fixture.h"
#include "gate/consent-entry.h"
#include "trailkeep/parse.h"

static void test_grant_overtaken_by_withdrawal_ends_off(void **state) {
        Fixture *fixture = *state;
        Answer granted, withdrawn;

        ask_grant(fixture, &granted);
        ask_withdraw(fixture, false, &withdrawn);
        fake_journal_complete(fixture->journal, 0);
        assert_int_equal(granted.r, GATE_E_OVERTAKEN);
        assert_false(gate_allows(fixture->gate, PURPOSE_LOCATION));
        fake_journal_complete(fixture->journal, 0);
        assert_int_equal(withdrawn.r, 0);
        assert_false(gate_allows(fixture->gate, PURPOSE_LOCATION));
        assert_int_equal(fixture->n_changes, 0);

        reopen_gate(fixture);
        assert_false(gate_allows(fixture->gate, PURPOSE_LOCATION));
        assert_true(gate_is_ledger_trusted(fixture->gate));
}

static void test_grant_overtaken_by_withdrawal_that_fails_ends_off(void **state) {
        Fixture *fixture = *state;
        Answer granted, withdrawn;

        ask_grant(fixture, &granted);
        ask_withdraw(fixture, false, &withdrawn);
        fake_journal_complete(fixture->journal, 0);
        fake_journal_complete(fixture->journal, -EIO);
        assert_int_equal(granted.r, GATE_E_OVERTAKEN);
        assert_int_equal(withdrawn.r, -EIO);
        assert_false(gate_allows(fixture->gate, PURPOSE_LOCATION));
}

static void test_withdrawal_overtaken_by_grant_ends_on(void **state) {
        Fixture *fixture = *state;
        Answer granted, withdrawn;

        grant(fixture);
        ask_withdraw(fixture, false, &withdrawn);
        ask_grant(fixture, &granted);
        assert_false(gate_allows(fixture->gate, PURPOSE_LOCATION));
        fake_journal_complete(fixture->journal, 0);
        assert_int_equal(withdrawn.r, 0);
        assert_false(gate_allows(fixture->gate, PURPOSE_LOCATION));
        fake_journal_complete(fixture->journal, 0);
        assert_int_equal(granted.r, 0);
        assert_true(gate_allows(fixture->gate, PURPOSE_LOCATION));
        assert_int_equal(fixture->n_changes, 3);

        reopen_gate(fixture);
        assert_true(gate_allows(fixture->gate, PURPOSE_LOCATION));
        assert_true(gate_is_ledger_trusted(fixture->gate));
}

static void test_withdrawal_that_fails_overtaken_by_grant_ends_on(void **state) {
        Fixture *fixture = *state;
        Answer granted, withdrawn;

        grant(fixture);
        ask_withdraw(fixture, false, &withdrawn);
        ask_grant(fixture, &granted);
        fake_journal_complete(fixture->journal, JOURNAL_E_FULL);
        fake_journal_complete(fixture->journal, 0);
        assert_int_equal(withdrawn.r, GATE_E_FULL);
        assert_int_equal(granted.r, 0);
        assert_true(gate_allows(fixture->gate, PURPOSE_LOCATION));

        reopen_gate(fixture);
        assert_true(gate_allows(fixture->gate, PURPOSE_LOCATION));
        assert_true(gate_is_ledger_trusted(fixture->gate));
}

static void test_withdrawal_overtaken_by_grant_that_fails_ends_off(void **state) {
        Fixture *fixture = *state;
        Answer granted, withdrawn;

        grant(fixture);
        ask_withdraw(fixture, false, &withdrawn);
        ask_grant(fixture, &granted);
        fake_journal_complete(fixture->journal, 0);
        fake_journal_complete(fixture->journal, JOURNAL_E_FULL);
        assert_int_equal(granted.r, GATE_E_FULL);
        assert_false(gate_allows(fixture->gate, PURPOSE_LOCATION));
}

static void test_two_grants_at_once_both_succeed(void **state) {
        Fixture *fixture = *state;
        Answer first, second;

        ask_grant(fixture, &first);
        ask_grant(fixture, &second);
        fake_journal_complete(fixture->journal, 0);
        fake_journal_complete(fixture->journal, 0);
        assert_int_equal(first.r, 0);
        assert_int_equal(second.r, 0);
        assert_true(gate_allows(fixture->gate, PURPOSE_LOCATION));
        assert_int_equal(fixture->n_changes, 1);
}

static void test_first_of_two_grants_failing_leaves_the_second(void **state) {
        Fixture *fixture = *state;
        Answer first, second;

        ask_grant(fixture, &first);
        ask_grant(fixture, &second);
        fake_journal_complete(fixture->journal, JOURNAL_E_FULL);
        fake_journal_complete(fixture->journal, 0);
        assert_int_equal(first.r, GATE_E_FULL);
        assert_int_equal(second.r, 0);
        assert_true(gate_allows(fixture->gate, PURPOSE_LOCATION));
}

static void test_grant_withdraw_grant_ends_on(void **state) {
        Fixture *fixture = *state;
        Answer first, withdrawn, last;

        ask_grant(fixture, &first);
        ask_withdraw(fixture, false, &withdrawn);
        ask_grant(fixture, &last);
        for (unsigned i = 0; i < 3; i++) {
                assert_false(gate_allows(fixture->gate, PURPOSE_LOCATION));
                fake_journal_complete(fixture->journal, 0);
        }
        assert_int_equal(first.r, GATE_E_OVERTAKEN);
        assert_int_equal(withdrawn.r, 0);
        assert_int_equal(last.r, 0);
        assert_true(gate_allows(fixture->gate, PURPOSE_LOCATION));
}

static void test_gate_freed_before_the_journal_answers(void **state) {
        Fixture *fixture = *state;
        Answer granted, withdrawn, erased = { .r = NOT_CALLED };
        GateErase scope = { .purposes = 1, .since_ms = TIME_MS_NONE, .until_ms = TIME_MS_NONE };

        ask_grant(fixture, &granted);
        ask_withdraw(fixture, true, &withdrawn);
        assert_int_equal(gate_erase(fixture->gate, &scope, &owner, on_erased, &erased), 0);
        fixture->gate = gate_free(fixture->gate);
        assert_int_equal(granted.r, -ECANCELED);
        assert_int_equal(withdrawn.r, -ECANCELED);
        assert_int_equal(erased.r, -ECANCELED);

        while (fake_journal_n_waiting(fixture->journal) > 0)
                fake_journal_complete(fixture->journal, 0);
        assert_int_equal(granted.n_calls, 1);
        assert_int_equal(withdrawn.n_calls, 1);
        assert_int_equal(erased.n_calls, 1);
        assert_int_equal(fixture->n_changes, 0);
}

static void free_gate_on_done(int r, void *userdata) {
        Fixture *fixture = userdata;

        fixture->n_changes += 100;
        fixture->gate = gate_free(fixture->gate);
}

static void test_gate_freed_by_the_one_who_is_answered(void **state) {
        Fixture *fixture = *state;

        assert_int_equal(gate_grant(fixture->gate, PURPOSE_LOCATION, &owner, free_gate_on_done, fixture), 0);
        fake_journal_complete(fixture->journal, 0);
        assert_null(fixture->gate);
        assert_int_equal(fixture->n_changes, 101);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                gate_test(test_grant_overtaken_by_withdrawal_ends_off),
                gate_test(test_grant_overtaken_by_withdrawal_that_fails_ends_off),
                gate_test(test_withdrawal_overtaken_by_grant_ends_on),
                gate_test(test_withdrawal_that_fails_overtaken_by_grant_ends_on),
                gate_test(test_withdrawal_overtaken_by_grant_that_fails_ends_off),
                gate_test(test_two_grants_at_once_both_succeed),
                gate_test(test_first_of_two_grants_failing_leaves_the_second),
                gate_test(test_grant_withdraw_grant_ends_on),
                gate_test(test_gate_freed_before_the_journal_answers),
                gate_test(test_gate_freed_by_the_one_who_is_answered),
        };

        return cmocka_run_group_tests_name("gate-races", tests, NULL, NULL);
}
