/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What holds when a person decides, and which records come in then.
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

static void test_everything_is_off_at_first(void **state) {
        Fixture *fixture = *state;

        for (Purpose purpose = 0; purpose < PURPOSE_MAX; purpose++) {
                GateConsent consent;

                assert_false(gate_allows(fixture->gate, purpose));
                gate_get_consent(fixture->gate, purpose, &consent);
                assert_int_equal(consent.purpose, purpose);
                assert_false(consent.is_granted);
                assert_int_equal(consent.generation, 0);
                assert_true(consent.since_realtime_ms == TIME_MS_NONE);
                assert_string_equal(consent.role, "");
        }
        assert_int_equal(submit(fixture, 0), GATE_E_REFUSED);
        assert_true(gate_is_ledger_trusted(fixture->gate));
}

static void test_grant_holds_once_it_is_written(void **state) {
        Fixture *fixture = *state;
        GateConsent consent;
        Answer answer;

        ask_grant(fixture, &answer);
        assert_false(gate_allows(fixture->gate, PURPOSE_LOCATION));
        assert_int_equal(answer.r, NOT_CALLED);
        assert_int_equal(fixture->n_changes, 0);

        fake_journal_complete(fixture->journal, 0);
        assert_int_equal(answer.r, 0);
        assert_true(gate_allows(fixture->gate, PURPOSE_LOCATION));
        assert_int_equal(fixture->n_changes, 1);
        assert_true(fixture->is_granted);
        gate_get_consent(fixture->gate, PURPOSE_LOCATION, &consent);
        assert_int_equal(consent.uid, 1000);
        assert_string_equal(consent.role, "owner");
        assert_true(consent.since_realtime_ms == INT64_C(1795455203000));
}

static void test_grant_is_of_one_purpose_only(void **state) {
        Fixture *fixture = *state;

        grant(fixture);
        for (Purpose purpose = 0; purpose < PURPOSE_MAX; purpose++)
                assert_int_equal(gate_allows(fixture->gate, purpose), purpose == PURPOSE_LOCATION);
}

static void test_granted_purpose_is_not_granted_again(void **state) {
        Fixture *fixture = *state;
        uint64_t generation;
        Answer answer = { .r = NOT_CALLED };

        grant(fixture);
        generation = gate_generation(fixture->gate, PURPOSE_LOCATION);
        assert_int_equal(gate_grant(fixture->gate, PURPOSE_LOCATION, &owner, on_done, &answer), GATE_E_UNCHANGED);
        assert_int_equal(answer.r, NOT_CALLED);
        assert_int_equal(fake_journal_n_waiting(fixture->journal), 0);
        assert_int_equal(gate_generation(fixture->gate, PURPOSE_LOCATION), generation);
}

static void test_grant_that_fails_stays_off(void **state) {
        static const int results[][2] = { { JOURNAL_E_FULL, GATE_E_FULL }, { JOURNAL_E_CORRUPT, GATE_E_NOT_DURABLE },
                                          { -EIO, -EIO } };
        Fixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(results); i++) {
                Answer answer;

                ask_grant(fixture, &answer);
                fake_journal_complete(fixture->journal, results[i][0]);
                assert_int_equal(answer.r, results[i][1]);
                assert_false(gate_allows(fixture->gate, PURPOSE_LOCATION));
        }
        assert_int_equal(fixture->n_changes, 0);
}

static void test_grant_that_is_not_taken_stays_off(void **state) {
        Fixture *fixture = *state;
        Answer answer = { .r = NOT_CALLED };

        fake_journal_refuse(fixture->journal, JOURNAL_E_FULL);
        assert_int_equal(gate_grant(fixture->gate, PURPOSE_LOCATION, &owner, on_done, &answer), GATE_E_FULL);
        assert_int_equal(answer.r, NOT_CALLED);
        assert_false(gate_allows(fixture->gate, PURPOSE_LOCATION));
}

static void test_withdrawal_holds_at_once(void **state) {
        Fixture *fixture = *state;
        uint64_t generation;
        Answer answer;

        grant(fixture);
        generation = gate_generation(fixture->gate, PURPOSE_LOCATION);
        ask_withdraw(fixture, false, &answer);
        assert_false(gate_allows(fixture->gate, PURPOSE_LOCATION));
        assert_true(gate_generation(fixture->gate, PURPOSE_LOCATION) > generation);
        assert_int_equal(fixture->n_changes, 2);
        assert_false(fixture->is_granted);
        assert_true(fixture->is_told_before_written);
        assert_int_equal(answer.r, NOT_CALLED);

        fake_journal_complete(fixture->journal, 0);
        assert_int_equal(answer.r, 0);
        assert_true(answer.has_receipt);
        assert_int_equal(answer.records, 300);
        assert_int_equal(fixture->n_changes, 2);
}

static void test_withdrawal_erases_what_is_not_sent_in_one_transaction(void **state) {
        Fixture *fixture = *state;
        JournalErasure erasure;
        ConsentEntry entry;
        Answer answer;

        grant(fixture);
        ask_withdraw(fixture, false, &answer);
        assert_int_equal(fake_journal_n_waiting(fixture->journal), 1);
        erasure = fake_journal_last_erasure(fixture->journal);
        assert_int_equal(erasure.purposes, 1 << PURPOSE_LOCATION);
        assert_true(erasure.unsent_only);
        assert_true(erasure.since_ms == TIME_MS_NONE && erasure.until_ms == TIME_MS_NONE);

        fake_journal_complete(fixture->journal, 0);
        assert_int_equal(fake_journal_n_entries(fixture->journal), 2);
        assert_int_equal(consent_entry_decode(fake_journal_entry(fixture->journal, 1), &entry), 0);
        assert_int_equal(entry.kind, CONSENT_ENTRY_DECISION);
        assert_false(entry.is_granted);
        assert_false(entry.is_kept);
}

static void test_withdrawal_may_keep_what_was_recorded(void **state) {
        Fixture *fixture = *state;
        ConsentEntry entry;
        Answer answer;

        grant(fixture);
        ask_withdraw(fixture, true, &answer);
        assert_false(gate_allows(fixture->gate, PURPOSE_LOCATION));
        fake_journal_complete(fixture->journal, 0);
        assert_int_equal(answer.r, 0);
        assert_false(answer.has_receipt);
        assert_int_equal(fake_journal_n_erasures(fixture->journal), 0);
        assert_int_equal(consent_entry_decode(fake_journal_entry(fixture->journal, 1), &entry), 0);
        assert_true(entry.is_kept);
}

static void test_withdrawal_that_fails_stays_off_until_restart(void **state) {
        static const int results[][2] = { { JOURNAL_E_FULL, GATE_E_FULL }, { JOURNAL_E_CORRUPT, GATE_E_NOT_DURABLE },
                                          { -EIO, -EIO } };
        Fixture *fixture = *state;

        grant(fixture);
        for (size_t i = 0; i < ELEMENTSOF(results); i++) {
                Answer answer;

                ask_withdraw(fixture, i == 1, &answer);
                fake_journal_complete(fixture->journal, results[i][0]);
                assert_int_equal(answer.r, results[i][1]);
                assert_false(answer.has_receipt);
                assert_false(gate_allows(fixture->gate, PURPOSE_LOCATION));
        }
        assert_int_equal(fixture->n_changes, 2);

        reopen_gate(fixture);
        assert_true(gate_allows(fixture->gate, PURPOSE_LOCATION));
}

static void test_withdrawal_that_is_not_taken_stays_off(void **state) {
        Fixture *fixture = *state;
        Answer answer = { .r = NOT_CALLED };

        grant(fixture);
        fake_journal_refuse(fixture->journal, JOURNAL_E_FULL);
        assert_int_equal(gate_withdraw(fixture->gate, PURPOSE_LOCATION, false, &owner, on_erased, &answer),
                         GATE_E_FULL);
        assert_int_equal(answer.r, NOT_CALLED);
        assert_false(gate_allows(fixture->gate, PURPOSE_LOCATION));
        assert_int_equal(fixture->n_changes, 2);
}

static void test_withdrawal_by_an_impossible_actor_holds(void **state) {
        Fixture *fixture = *state;
        char name[GATE_ACTOR_MAX + 1];
        GateActor actor = { .uid = 1, .role = "bridge", .actor = name };
        Answer answer = { .r = NOT_CALLED };

        memset(name, 'n', sizeof(name));
        name[GATE_ACTOR_MAX] = '\0';
        grant(fixture);
        assert_int_equal(gate_withdraw(fixture->gate, PURPOSE_LOCATION, false, &actor, on_erased, &answer), -EINVAL);
        assert_false(gate_allows(fixture->gate, PURPOSE_LOCATION));
        assert_int_equal(fixture->n_changes, 2);
}

static void test_withdrawing_what_is_off_is_recorded_and_erases(void **state) {
        Fixture *fixture = *state;
        Answer answer;

        ask_withdraw(fixture, false, &answer);
        fake_journal_complete(fixture->journal, 0);
        assert_int_equal(answer.r, 0);
        assert_true(answer.has_receipt);
        assert_int_equal(fixture->n_changes, 0);
        assert_int_equal(fake_journal_n_entries(fixture->journal), 1);
}

static void test_record_of_the_current_generation_comes_in(void **state) {
        Fixture *fixture = *state;

        grant(fixture);
        assert_int_equal(submit(fixture, gate_generation(fixture->gate, PURPOSE_LOCATION)), 0);
        assert_int_equal(fake_journal_n_records(fixture->journal), 1);
}

static void test_record_of_an_older_generation_is_dropped(void **state) {
        Fixture *fixture = *state;
        uint64_t generation;
        Answer answer;

        grant(fixture);
        generation = gate_generation(fixture->gate, PURPOSE_LOCATION);
        ask_withdraw(fixture, false, &answer);
        fake_journal_complete(fixture->journal, 0);
        grant(fixture);
        assert_int_equal(submit(fixture, generation), GATE_E_REFUSED);
        assert_int_equal(fake_journal_n_records(fixture->journal), 0);
}

static void test_record_during_a_withdrawal_is_dropped(void **state) {
        Fixture *fixture = *state;
        Answer answer;

        grant(fixture);
        ask_withdraw(fixture, false, &answer);
        assert_int_equal(submit(fixture, gate_generation(fixture->gate, PURPOSE_LOCATION)), GATE_E_REFUSED);
        fake_journal_complete(fixture->journal, 0);
}

static void test_record_of_another_subject_is_dropped(void **state) {
        Fixture *fixture = *state;
        char subject[] = "s-2", source[] = "gnss", payload[] = "{}";
        Record record = { .kind = RECORD_FIX, .subject = subject, .source = source, .payload = payload };

        grant(fixture);
        record.generation = gate_generation(fixture->gate, PURPOSE_LOCATION);
        assert_int_equal(gate_submit(fixture->gate, &record), GATE_E_REFUSED);
}

static void test_record_the_journal_has_no_room_for_is_said(void **state) {
        Fixture *fixture = *state;

        grant(fixture);
        fake_journal_refuse(fixture->journal, JOURNAL_E_FULL);
        assert_int_equal(submit(fixture, gate_generation(fixture->gate, PURPOSE_LOCATION)), GATE_E_FULL);
        fake_journal_refuse(fixture->journal, -EIO);
        assert_int_equal(submit(fixture, gate_generation(fixture->gate, PURPOSE_LOCATION)), -EIO);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                gate_test(test_everything_is_off_at_first),
                gate_test(test_grant_holds_once_it_is_written),
                gate_test(test_grant_is_of_one_purpose_only),
                gate_test(test_granted_purpose_is_not_granted_again),
                gate_test(test_grant_that_fails_stays_off),
                gate_test(test_grant_that_is_not_taken_stays_off),
                gate_test(test_withdrawal_holds_at_once),
                gate_test(test_withdrawal_erases_what_is_not_sent_in_one_transaction),
                gate_test(test_withdrawal_may_keep_what_was_recorded),
                gate_test(test_withdrawal_that_fails_stays_off_until_restart),
                gate_test(test_withdrawal_that_is_not_taken_stays_off),
                gate_test(test_withdrawal_by_an_impossible_actor_holds),
                gate_test(test_withdrawing_what_is_off_is_recorded_and_erases),
                gate_test(test_record_of_the_current_generation_comes_in),
                gate_test(test_record_of_an_older_generation_is_dropped),
                gate_test(test_record_during_a_withdrawal_is_dropped),
                gate_test(test_record_of_another_subject_is_dropped),
                gate_test(test_record_the_journal_has_no_room_for_is_said),
        };

        return cmocka_run_group_tests_name("gate-decisions", tests, NULL, NULL);
}
