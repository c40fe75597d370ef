/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Each error of the contract, as a caller gets it.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "face.h"

static void test_last_fix_without_consent(void **state) {
        Face *face = *state;
        Reply reply;

        face->gnss.has_fix = true; /* cannot be, yet must not get out */
        assert_error(face_call(face, &reply, DEVICE, "GetLastFix", NULL), OURS "NotGranted", "location");
}

static void test_last_fix_before_the_first(void **state) {
        Face *face = *state;
        Reply reply;

        assert_replied(face_call(face, &reply, CONSENT, "Grant", "sa{sv}", "location", 0));
        reply_clear(&reply);
        assert_error(face_call(face, &reply, DEVICE, "GetLastFix", NULL), OURS "NoFix", "position");
}

static void test_grant_that_is_not_written(void **state) {
        Face *face = *state;
        Reply reply;

        face->result = JOURNAL_E_FULL;
        assert_error(face_call(face, &reply, CONSENT, "Grant", "sa{sv}", "location", 0), OURS "Full", "does not hold");
        face->result = -EIO;
        assert_error(face_call(face, &reply, CONSENT, "Grant", "sa{sv}", "location", 0), OURS "NotDurable",
                     "does not hold");
        fake_journal_refuse(face->journal, JOURNAL_E_FULL);
        assert_error(face_call(face, &reply, CONSENT, "Grant", "sa{sv}", "location", 0), OURS "Full", "does not hold");
}

static void test_withdrawal_that_is_not_written(void **state) {
        Face *face = *state;
        Reply reply;

        face->result = JOURNAL_E_CORRUPT;
        assert_error(face_call(face, &reply, CONSENT, "Withdraw", "sa{sv}", "location", 0), OURS "NotDurable",
                     "only until the daemon restarts");
        fake_journal_refuse(face->journal, JOURNAL_E_FULL);
        assert_error(face_call(face, &reply, CONSENT, "Withdraw", "sa{sv}", "location", 0), OURS "Full",
                     "only until the daemon restarts");
}

static void test_erasure_that_is_not_written(void **state) {
        Face *face = *state;
        Reply reply;

        face->result = JOURNAL_E_FULL;
        assert_error(face_call(face, &reply, DATA, "Erase", "a{sv}", 0), OURS "Full", "Nothing was erased");
        face->result = -EIO;
        assert_error(face_call(face, &reply, DATA, "Erase", "a{sv}", 0), OURS "NotDurable", "Nothing was erased");
}

static void test_erasure_of_everything_that_is_not_written(void **state) {
        Face *face = *state;
        Reply reply;

        face->result = -EIO;
        assert_error(face_call(face, &reply, DATA, "EraseEverything", NULL), OURS "NotDurable", "Every purpose is off");
        face->result = JOURNAL_E_FULL;
        assert_error(face_call(face, &reply, DATA, "EraseEverything", NULL), OURS "Full", "nothing was erased");
}

static void test_rotation_that_is_not_written(void **state) {
        Face *face = *state;
        Reply reply;

        face->result = JOURNAL_E_FULL;
        assert_error(face_call(face, &reply, JOURNAL, "RotateKeys", NULL), OURS "Full", "as they were");
        face->result = -EIO;
        assert_error(face_call(face, &reply, JOURNAL, "RotateKeys", NULL), OURS "NotDurable", "as they were");
        fake_journal_refuse(face->journal, JOURNAL_E_FULL);
        assert_error(face_call(face, &reply, JOURNAL, "RotateKeys", NULL), OURS "Full", "as they were");
}

static void test_acknowledgement_that_is_not_written(void **state) {
        Face *face = *state;
        Reply reply;

        face->result = -EIO;
        assert_error(face_call(face, &reply, JOURNAL, "AcknowledgeDamage", NULL), OURS "NotDurable", "still shown");
        fake_journal_refuse(face->journal, JOURNAL_E_FULL);
        assert_error(face_call(face, &reply, JOURNAL, "AcknowledgeDamage", NULL), OURS "NotDurable", "still shown");
}

static void test_grant_overtaken(void **state) {
        Face *face = *state;
        Reply granted, withdrawn;

        face->is_completing = false;
        face_send(face, &granted, CONSENT, "Grant", "sa{sv}", "location", 0);
        while (fake_journal_n_waiting(face->journal) < 1)
                face_turn(face);
        face_send(face, &withdrawn, CONSENT, "Withdraw", "sa{sv}", "location", 0);
        while (fake_journal_n_waiting(face->journal) < 2)
                face_turn(face);
        face->is_completing = true;
        face_wait(face, &withdrawn.is_done);
        assert_error(&granted, OURS "Overtaken", "off");
        assert_replied(&withdrawn);
        reply_clear(&withdrawn);
}

static void test_grant_on_a_damaged_ledger(void **state) {
        Face *face = *state;
        Reply reply;

        face->bus = bus_free(face->bus);
        face->gate = gate_free(face->gate);
        fake_journal_set_replay_result(face->journal, JOURNAL_E_CORRUPT);
        assert_int_equal(gate_new(face->journal, &clock_system, "s-1", &face->gate), 0);
        assert_int_equal(face_open(face, (char[512]){ 0 }), 0);
        assert_error(face_call(face, &reply, CONSENT, "Grant", "sa{sv}", "location", 0), OURS "LedgerDamaged",
                     "ledger");
        assert_replied(face_get(face, &reply, "/org/trailkeep", DEVICE, "State"));
        reply_clear(&reply);
        assert_replied(face_call(face, &reply, CONSENT, "Withdraw", "sa{sv}", "location", 0));
        reply_clear(&reply);
}

static void test_reading_that_fails(void **state) {
        Face *face = *state;
        Reply reply;

        face->stock.read_result = -EIO;
        assert_error(face_call(face, &reply, DATA, "Summary", NULL), OURS "Failed", "log");
        assert_error(face_call(face, &reply, DATA, "ListErasures", NULL), OURS "Failed", "log");
}

static void test_flush_without_a_store(void **state) {
        Face *face = *state;
        Reply reply;

        face->outbox.state = OUTBOX_STATE_OFF;
        assert_error(face_call(face, &reply, SYNC, "Flush", NULL), OURS "NoStore", "store");
}

static void test_flush_that_fails_says_why(void **state) {
        Face *face = *state;
        Reply reply;

        face_send(face, &reply, SYNC, "Flush", NULL);
        while (!face->outbox.done)
                face_turn(face);
        face->outbox.error = "the store does not answer";
        fake_outbox_complete(&face->outbox, -EAGAIN);
        face_wait(face, &reply.is_done);
        assert_error(&reply, OURS "NotSent", "the store does not answer");
}

static void test_malformed_arguments_are_named(void **state) {
        Face *face = *state;
        Reply reply;

        assert_error(face_call(face, &reply, CONSENT, "Grant", "sa{sv}", "sound", 0), SD_BUS_ERROR_INVALID_ARGS,
                     "purpose: ");
        assert_error(face_call(face, &reply, CONSENT, "Grant", "sa{sv}", "audio", 1, "actor", "u", 1),
                     SD_BUS_ERROR_INVALID_ARGS, "actor: ");
        assert_error(face_call(face, &reply, CONSENT, "Withdraw", "sa{sv}", "audio", 1, "keep", "s", "yes"),
                     SD_BUS_ERROR_INVALID_ARGS, "keep: ");
        assert_error(face_call(face, &reply, DATA, "Erase", "a{sv}", 1, "since", "s", "yesterday"),
                     SD_BUS_ERROR_INVALID_ARGS, "since: ");
        assert_error(face_call(face, &reply, DATA, "Erase", "a{sv}", 1, "everything", "b", 1),
                     SD_BUS_ERROR_INVALID_ARGS, "everything: ");
        assert_int_equal(fake_journal_n_waiting(face->journal), 0);
        assert_int_equal(fake_journal_n_entries(face->journal), 0);
}

static void test_wrong_signature_is_refused(void **state) {
        Face *face = *state;
        Reply reply;

        assert_error(face_call(face, &reply, CONSENT, "Grant", "s", "audio"), SD_BUS_ERROR_INVALID_ARGS, "sa{sv}");
}

static void test_erasure_that_does_not_exist(void **state) {
        static const char *const paths[] = {"/org/trailkeep/erasure/8", "/org/trailkeep/erasure/07",
                                            "/org/trailkeep/erasure/x", "/org/trailkeep/erasure/0",
                                            "/org/trailkeep/erasure/7/7"};
        Face *face = *state;
        Reply reply;

        assert_replied(face_call(face, &reply, DATA, "Erase", "a{sv}", 0));
        reply_clear(&reply);
        for (size_t i = 0; i < ELEMENTSOF(paths); i++)
                assert_error(face_get(face, &reply, paths[i], ERASURE, "Records"), SD_BUS_ERROR_UNKNOWN_OBJECT, "");
        assert_error(face_get(face, &reply, "/org/trailkeep/erasure/7", ERASURE, "Nothing"),
                     SD_BUS_ERROR_UNKNOWN_PROPERTY, "");
}

static void test_who_waits_for_too_much_is_told(void **state) {
        Reply replies[64], reply;
        Face *face = *state;

        face->is_completing = false;
        for (size_t i = 0; i < ELEMENTSOF(replies); i++)
                face_send(face, &replies[i], CONSENT, "Grant", "sa{sv}", "audio", 0);
        while (fake_journal_n_waiting(face->journal) < ELEMENTSOF(replies))
                face_turn(face);
        assert_error(face_call(face, &reply, CONSENT, "Withdraw", "sa{sv}", "audio", 0),
                     "org.freedesktop.DBus.Error.LimitsExceeded", "wait");
        assert_replied(stranger_call(face, &reply, CONSENT, "List", NULL)); /* others are not held up */
        reply_clear(&reply);

        face->is_completing = true;
        for (size_t i = 0; i < ELEMENTSOF(replies); i++) {
                face_wait(face, &replies[i].is_done);
                reply_clear(&replies[i]);
        }
        assert_replied(face_call(face, &reply, CONSENT, "Withdraw", "sa{sv}", "audio", 0));
        reply_clear(&reply);
}

static void test_caller_whom_the_bus_does_not_name_is_told(void **state) {
        Face *face = *state;
        Reply reply;

        assert_error(face_call(face, &reply, CONSENT, "Grant", "sa{sv}", "location", 0), SD_BUS_ERROR_ACCESS_DENIED,
                     "who the caller is");
        assert_error(face_call(face, &reply, CONSENT, "List", NULL), SD_BUS_ERROR_ACCESS_DENIED, "who the caller is");
        assert_int_equal(fake_journal_n_entries(face->journal), 0);
}

#define face_test(f) cmocka_unit_test_setup_teardown(f, face_setup, face_teardown)

int main(void) {
        static const struct CMUnitTest tests[] = {
                face_test(test_last_fix_without_consent),
                face_test(test_last_fix_before_the_first),
                face_test(test_grant_that_is_not_written),
                face_test(test_withdrawal_that_is_not_written),
                face_test(test_erasure_that_is_not_written),
                face_test(test_erasure_of_everything_that_is_not_written),
                face_test(test_rotation_that_is_not_written),
                face_test(test_acknowledgement_that_is_not_written),
                face_test(test_grant_overtaken),
                face_test(test_grant_on_a_damaged_ledger),
                face_test(test_reading_that_fails),
                face_test(test_flush_without_a_store),
                face_test(test_flush_that_fails_says_why),
                face_test(test_malformed_arguments_are_named),
                face_test(test_wrong_signature_is_refused),
                face_test(test_erasure_that_does_not_exist),
                face_test(test_who_waits_for_too_much_is_told),
                cmocka_unit_test_setup_teardown(test_caller_whom_the_bus_does_not_name_is_told, face_setup_blind,
                                                face_teardown),
        };

        return cmocka_run_group_tests_name("face-errors", tests, NULL, NULL);
}
