/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the ledger brings back at the next start, what a ledger that is not trusted turns off, and what erasing writes.
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

static void test_impossible_subject_is_refused(void **state) {
        Fixture *fixture = *state;
        char subject[CONSENT_SUBJECT_MAX + 1];
        Gate *gate = NULL;

        memset(subject, 's', sizeof(subject));
        subject[CONSENT_SUBJECT_MAX] = '\0';
        assert_int_equal(gate_new(fixture->journal, &fixture->clock, "", &gate), -EINVAL);
        assert_int_equal(gate_new(fixture->journal, &fixture->clock, subject, &gate), -EINVAL);
        assert_null(gate);
}

static void test_generation_rises_with_every_decision_and_over_restarts(void **state) {
        Fixture *fixture = *state;
        uint64_t last = 0;

        for (unsigned i = 0; i < 4; i++) {
                Answer answer;

                grant(fixture);
                assert_true(gate_generation(fixture->gate, PURPOSE_LOCATION) > last);
                last = gate_generation(fixture->gate, PURPOSE_LOCATION);
                ask_withdraw(fixture, i % 2, &answer);
                fake_journal_complete(fixture->journal, 0);
                assert_true(gate_generation(fixture->gate, PURPOSE_LOCATION) > last);
                last = gate_generation(fixture->gate, PURPOSE_LOCATION);

                reopen_gate(fixture);
                assert_int_equal(gate_generation(fixture->gate, PURPOSE_LOCATION), last);
                assert_true(gate_is_ledger_trusted(fixture->gate));
        }
}

static void test_who_and_when_survive_a_restart(void **state) {
        Fixture *fixture = *state;
        Answer answer = { .r = NOT_CALLED };
        GateConsent consent;

        assert_int_equal(gate_grant(fixture->gate, PURPOSE_AUDIO, &bridge, on_done, &answer), 0);
        fake_journal_complete(fixture->journal, 0);
        fixture->realtime_usec = 1;
        reopen_gate(fixture);
        gate_get_consent(fixture->gate, PURPOSE_AUDIO, &consent);
        assert_true(consent.is_granted);
        assert_int_equal(consent.uid, 2000);
        assert_string_equal(consent.role, "bridge");
        assert_string_equal(consent.actor, "Zoë");
        assert_true(consent.since_realtime_ms == INT64_C(1795455203000));
}

static void test_consents_of_another_subject_are_not_ours(void **state) {
        Fixture *fixture = *state;
        Gate *other = NULL;

        grant(fixture);
        assert_int_equal(gate_new(fixture->journal, &fixture->clock, "s-2", &other), 0);
        assert_false(gate_allows(other, PURPOSE_LOCATION));
        assert_true(gate_is_ledger_trusted(other));
        gate_free(other);
}

static void assert_untrusted(Fixture *fixture) {
        Answer answer = { .r = NOT_CALLED };

        reopen_gate(fixture);
        assert_false(gate_is_ledger_trusted(fixture->gate));
        for (Purpose purpose = 0; purpose < PURPOSE_MAX; purpose++)
                assert_false(gate_allows(fixture->gate, purpose));
        assert_int_equal(gate_grant(fixture->gate, PURPOSE_LOCATION, &owner, on_done, &answer), GATE_E_LEDGER);
        assert_int_equal(answer.r, NOT_CALLED);
        assert_int_equal(fake_journal_n_waiting(fixture->journal), 0);
}

static void test_ledger_with_a_broken_chain_turns_everything_off(void **state) {
        Fixture *fixture = *state;

        grant(fixture);
        fake_journal_set_replay_result(fixture->journal, JOURNAL_E_CORRUPT);
        assert_untrusted(fixture);
}

static void test_ledger_that_cannot_be_read_turns_everything_off(void **state) {
        Fixture *fixture = *state;

        grant(fixture);
        fake_journal_set_replay_result(fixture->journal, -EIO);
        assert_untrusted(fixture);
}

static void test_entry_that_is_not_understood_turns_everything_off(void **state) {
        Fixture *fixture = *state;

        grant(fixture);
        fake_journal_write(fixture->journal, "{\"v\":2}");
        assert_untrusted(fixture);
}

static void test_generation_that_does_not_rise_turns_everything_off(void **state) {
        Fixture *fixture = *state;

        grant(fixture);
        fake_journal_write(fixture->journal, fake_journal_entry(fixture->journal, 0));
        assert_untrusted(fixture);
}

static void test_out_of_memory_in_replay_is_an_error(void **state) {
        Fixture *fixture = *state;
        Gate *gate = NULL;

        fake_journal_set_replay_result(fixture->journal, -ENOMEM);
        assert_int_equal(gate_new(fixture->journal, &fixture->clock, "s-1", &gate), -ENOMEM);
        assert_null(gate);
}

static void test_withdrawing_works_without_a_trusted_ledger(void **state) {
        Fixture *fixture = *state;
        uint64_t generation;
        Answer answer;

        grant(fixture);
        generation = gate_generation(fixture->gate, PURPOSE_LOCATION);
        fake_journal_set_replay_result(fixture->journal, JOURNAL_E_CORRUPT);
        reopen_gate(fixture);
        assert_int_equal(gate_generation(fixture->gate, PURPOSE_LOCATION), generation);
        ask_withdraw(fixture, false, &answer);
        assert_true(gate_generation(fixture->gate, PURPOSE_LOCATION) > generation);
        fake_journal_complete(fixture->journal, 0);
        assert_int_equal(answer.r, 0);
        assert_true(answer.has_receipt);
}

static void test_erasure_is_passed_on_and_written_down(void **state) {
        Fixture *fixture = *state;
        GateErase scope = { .purposes = 1 << PURPOSE_LOCATION | 1 << PURPOSE_AUDIO, .since_ms = 10, .until_ms = 20,
                            .keep_stored = true };
        Answer answer = { .r = NOT_CALLED };
        JournalErasure erasure;
        ConsentEntry entry;

        assert_int_equal(gate_erase(fixture->gate, &scope, &bridge, on_erased, &answer), 0);
        erasure = fake_journal_last_erasure(fixture->journal);
        assert_int_equal(erasure.purposes, scope.purposes);
        assert_true(erasure.since_ms == 10 && erasure.until_ms == 20);
        assert_true(erasure.unsent_only);
        fake_journal_complete(fixture->journal, 0);
        assert_int_equal(answer.r, 0);
        assert_int_equal(answer.records, 300);

        assert_int_equal(consent_entry_decode(fake_journal_entry(fixture->journal, 0), &entry), 0);
        assert_int_equal(entry.kind, CONSENT_ENTRY_ERASURE);
        assert_int_equal(entry.purposes, scope.purposes);
        assert_string_equal(entry.actor, "Zoë");
        reopen_gate(fixture);
        assert_true(gate_is_ledger_trusted(fixture->gate));
}

static void test_erasure_of_a_clip_is_passed_on_and_written_down(void **state) {
        Fixture *fixture = *state;
        GateErase scope = { .purposes = 1 << PURPOSE_VIDEO, .clip = "door 7", .since_ms = TIME_MS_NONE,
                            .until_ms = TIME_MS_NONE };
        char long_name[RECORD_CLIP_MAX + 2];
        Answer answer = { .r = NOT_CALLED };
        ConsentEntry entry;

        memset(long_name, 'x', sizeof(long_name) - 1);
        long_name[sizeof(long_name) - 1] = 0;
        assert_int_equal(gate_erase(fixture->gate, &scope, &owner, on_erased, &answer), 0);
        assert_string_equal(fake_journal_last_clip(fixture->journal), "door 7");
        fake_journal_complete(fixture->journal, 0);
        assert_int_equal(consent_entry_decode(fake_journal_entry(fixture->journal, 0), &entry), 0);
        assert_string_equal(entry.clip, "door 7");
        scope.clip = "";
        assert_int_equal(gate_erase(fixture->gate, &scope, &owner, on_erased, &answer), -EINVAL);
        scope.clip = long_name;
        assert_int_equal(gate_erase(fixture->gate, &scope, &owner, on_erased, &answer), -EINVAL);
        reopen_gate(fixture);
        assert_true(gate_is_ledger_trusted(fixture->gate));
}

static void test_rotation_is_written_down_and_leaves_the_consent(void **state) {
        Fixture *fixture = *state;
        Answer answer = { .r = NOT_CALLED };
        ConsentEntry entry;

        grant(fixture);
        assert_int_equal(gate_rotate_keys(fixture->gate, &owner, on_done, &answer), 0);
        assert_int_equal(answer.r, NOT_CALLED);
        fake_journal_complete(fixture->journal, 0);
        assert_int_equal(answer.r, 0);
        assert_int_equal(consent_entry_decode(fake_journal_entry(fixture->journal, 1), &entry), 0);
        assert_int_equal(entry.kind, CONSENT_ENTRY_KEYS);
        assert_int_equal(entry.change, GATE_KEYS_ROTATED);
        assert_int_equal(entry.uid, owner.uid);
        reopen_gate(fixture);
        assert_true(gate_is_ledger_trusted(fixture->gate));
        assert_true(gate_allows(fixture->gate, PURPOSE_LOCATION));
}

static void test_rotation_that_fails_is_said(void **state) {
        Fixture *fixture = *state;
        Answer answer = { .r = NOT_CALLED };

        assert_int_equal(gate_rotate_keys(fixture->gate, &owner, on_done, &answer), 0);
        fake_journal_complete(fixture->journal, -EIO);
        assert_int_equal(answer.r, -EIO);
        fake_journal_refuse(fixture->journal, JOURNAL_E_FULL);
        assert_int_equal(gate_rotate_keys(fixture->gate, &owner, on_done, &answer), GATE_E_FULL);
        assert_int_equal(answer.n_calls, 1);
}

static void test_erasing_leaves_the_consent(void **state) {
        Fixture *fixture = *state;
        GateErase scope = { .purposes = 1 << PURPOSE_LOCATION, .since_ms = TIME_MS_NONE, .until_ms = TIME_MS_NONE };
        Answer answer;

        grant(fixture);
        assert_int_equal(gate_erase(fixture->gate, &scope, &owner, on_erased, &answer), 0);
        fake_journal_complete(fixture->journal, 0);
        assert_true(gate_allows(fixture->gate, PURPOSE_LOCATION));
        reopen_gate(fixture);
        assert_true(gate_allows(fixture->gate, PURPOSE_LOCATION));
}

static void grant_purpose(Fixture *fixture, Purpose purpose) {
        Answer answer = { .r = NOT_CALLED };

        assert_int_equal(gate_grant(fixture->gate, purpose, &bridge, on_done, &answer), 0);
        fake_journal_complete(fixture->journal, 0);
        assert_int_equal(answer.r, 0);
}

static void assert_all_off(const Fixture *fixture) {
        for (Purpose purpose = 0; purpose < PURPOSE_MAX; purpose++)
                assert_false(gate_allows(fixture->gate, purpose));
}

static void test_erasure_of_everything_turns_all_off_and_names_nobody(void **state) {
        Fixture *fixture = *state;
        Answer answer = { .r = NOT_CALLED };
        JournalErasure erasure;
        uint64_t generation;
        GateConsent consent;

        grant(fixture);
        grant_purpose(fixture, PURPOSE_AUDIO);
        assert_int_equal(gate_erase_everything(fixture->gate, &bridge, on_erased, &answer), 0);
        assert_all_off(fixture); /* before it is written */
        erasure = fake_journal_last_erasure(fixture->journal);
        assert_true(erasure.is_everything);
        assert_false(erasure.unsent_only);
        assert_int_equal(erasure.purposes, (1 << PURPOSE_MAX) - 1);
        assert_true(erasure.since_ms == TIME_MS_NONE && erasure.until_ms == TIME_MS_NONE);
        fake_journal_complete(fixture->journal, 0);
        assert_int_equal(answer.r, 0);
        assert_true(answer.has_receipt);
        assert_null(strstr(fake_journal_entry(fixture->journal, 2), "s-1"));
        assert_null(strstr(fake_journal_entry(fixture->journal, 2), "Zoë"));

        generation = gate_generation(fixture->gate, PURPOSE_LOCATION);
        gate_get_consent(fixture->gate, PURPOSE_AUDIO, &consent);
        assert_string_equal(consent.actor, "");
        reopen_gate(fixture);
        assert_true(gate_is_ledger_trusted(fixture->gate));
        assert_all_off(fixture);
        assert_int_equal(gate_generation(fixture->gate, PURPOSE_LOCATION), generation);
        grant(fixture); /* anew */
        assert_true(gate_generation(fixture->gate, PURPOSE_LOCATION) > generation);
        reopen_gate(fixture);
        assert_true(gate_allows(fixture->gate, PURPOSE_LOCATION));
        assert_false(gate_allows(fixture->gate, PURPOSE_AUDIO));
}

static void test_erasure_of_everything_that_is_not_written_still_turns_all_off(void **state) {
        Fixture *fixture = *state;
        Answer answer = { .r = NOT_CALLED };

        grant(fixture);
        assert_int_equal(gate_erase_everything(fixture->gate, &owner, on_erased, &answer), 0);
        fake_journal_complete(fixture->journal, -EIO);
        assert_int_equal(answer.r, -EIO);
        assert_all_off(fixture);
        fake_journal_refuse(fixture->journal, JOURNAL_E_FULL);
        assert_int_equal(gate_erase_everything(fixture->gate, &owner, on_erased, &answer), GATE_E_FULL);
        assert_all_off(fixture);
}

static void test_erasure_that_fails_is_said(void **state) {
        Fixture *fixture = *state;
        GateErase scope = { .purposes = 1, .since_ms = TIME_MS_NONE, .until_ms = TIME_MS_NONE };
        Answer answer = { .r = NOT_CALLED };

        assert_int_equal(gate_erase(fixture->gate, &scope, &owner, on_erased, &answer), 0);
        fake_journal_complete(fixture->journal, JOURNAL_E_CORRUPT);
        assert_int_equal(answer.r, GATE_E_NOT_DURABLE);
        assert_false(answer.has_receipt);
}

static void test_erasure_of_nothing_or_of_a_reversed_range_is_refused(void **state) {
        Fixture *fixture = *state;
        GateErase nothing = { .since_ms = TIME_MS_NONE, .until_ms = TIME_MS_NONE };
        GateErase unknown = { .purposes = 1 << PURPOSE_MAX, .since_ms = TIME_MS_NONE, .until_ms = TIME_MS_NONE };
        GateErase reversed = { .purposes = 1, .since_ms = 2, .until_ms = 1 };

        assert_int_equal(gate_erase(fixture->gate, &nothing, &owner, on_erased, NULL), -EINVAL);
        assert_int_equal(gate_erase(fixture->gate, &unknown, &owner, on_erased, NULL), -EINVAL);
        assert_int_equal(gate_erase(fixture->gate, &reversed, &owner, on_erased, NULL), -EINVAL);
        assert_int_equal(fake_journal_n_waiting(fixture->journal), 0);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                gate_test(test_impossible_subject_is_refused),
                gate_test(test_generation_rises_with_every_decision_and_over_restarts),
                gate_test(test_who_and_when_survive_a_restart),
                gate_test(test_consents_of_another_subject_are_not_ours),
                gate_test(test_ledger_with_a_broken_chain_turns_everything_off),
                gate_test(test_ledger_that_cannot_be_read_turns_everything_off),
                gate_test(test_entry_that_is_not_understood_turns_everything_off),
                gate_test(test_generation_that_does_not_rise_turns_everything_off),
                gate_test(test_out_of_memory_in_replay_is_an_error),
                gate_test(test_withdrawing_works_without_a_trusted_ledger),
                gate_test(test_erasure_is_passed_on_and_written_down),
                gate_test(test_erasure_of_a_clip_is_passed_on_and_written_down),
                gate_test(test_rotation_is_written_down_and_leaves_the_consent),
                gate_test(test_rotation_that_fails_is_said),
                gate_test(test_erasing_leaves_the_consent),
                gate_test(test_erasure_of_everything_turns_all_off_and_names_nobody),
                gate_test(test_erasure_of_everything_that_is_not_written_still_turns_all_off),
                gate_test(test_erasure_that_fails_is_said),
                gate_test(test_erasure_of_nothing_or_of_a_reversed_range_is_refused),
        };

        return cmocka_run_group_tests_name("gate-ledger", tests, NULL, NULL);
}
