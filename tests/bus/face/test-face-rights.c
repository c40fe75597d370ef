/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Callers from other processes, other users and other groups, on a bus of type system with the policy that is shipped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "face.h"
#include "gate/consent-entry.h"

#define DENIED SD_BUS_ERROR_ACCESS_DENIED

static void test_status_is_for_everyone(void **state) {
        static const struct {
                const char *interface, *property;
        } rows[] = {
                        {DEVICE, "Version"},        {DEVICE, "State"}, {DEVICE, "GnssState"},
                        {DEVICE, "TrueTime"},       {DEVICE, "ClocksHeldOff"},
                        {DEVICE, "FixesFiltered"},  {DEVICE, "Lanes"}, {DEVICE, "OldestPending"},
                        {DEVICE, "LastErrors"},     {SYNC, "State"},   {SYNC, "LastError"},
                        {SYNC, "PendingDeletions"}, {JOURNAL, "EvidenceChain"},
        };
        Face *face = *state;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                Reply reply;

                assert_replied(stranger_get(face, &reply, "/org/trailkeep", rows[i].interface, rows[i].property));
        }
}

static void test_all_else_is_denied_to_strangers(void **state) {
        Face *face = *state;
        Reply reply;

        assert_error(stranger_call(face, &reply, DEVICE, "GetLastFix", NULL), DENIED, "trailkeep-owner");
        assert_error(stranger_call(face, &reply, DEVICE, "GetInstallation", NULL), DENIED, "trailkeep-owner");
        assert_error(stranger_call(face, &reply, CONSENT, "Grant", "sa{sv}", "location", 0), DENIED,
                     "trailkeep-guardian");
        assert_error(stranger_call(face, &reply, CONSENT, "Withdraw", "sa{sv}", "location", 0), DENIED,
                     "trailkeep-operator");
        assert_error(stranger_call(face, &reply, DATA, "Summary", NULL), DENIED, "trailkeep-owner");
        assert_error(stranger_call(face, &reply, DATA, "Erase", "a{sv}", 0), DENIED, "trailkeep-bridge");
        assert_error(stranger_call(face, &reply, DATA, "ListErasures", NULL), DENIED, "trailkeep-owner");
        assert_error(stranger_call(face, &reply, DATA, "EraseEverything", NULL), DENIED, "trailkeep-operator");
        assert_error(stranger_call(face, &reply, SYNC, "Flush", NULL), DENIED, "trailkeep-owner");
        assert_error(stranger_call(face, &reply, JOURNAL, "RotateKeys", NULL), DENIED, "trailkeep-owner");
        assert_error(stranger_call(face, &reply, JOURNAL, "AcknowledgeDamage", NULL), DENIED, "trailkeep-owner");
        assert_int_equal(fake_journal_n_entries(face->journal), 0);
}

static void test_erasures_are_not_for_strangers(void **state) {
        Face *face = *state;
        Reply reply;

        assert_replied(face_call(face, &reply, DATA, "Erase", "a{sv}", 0));
        reply_clear(&reply);
        assert_error(stranger_get(face, &reply, "/org/trailkeep/erasure/7", ERASURE, "Records"), DENIED,
                     "trailkeep-owner");
        stranger_be(BUS_ROLE_OPERATOR);
        assert_replied(stranger_get(face, &reply, "/org/trailkeep/erasure/7", ERASURE, "Records"));
}

static void test_roles_may_what_the_table_says(void **state) {
        static const BusRole people[] = { BUS_ROLE_OWNER, BUS_ROLE_GUARDIAN };
        Face *face = *state;
        Reply reply;

        for (size_t i = 0; i < ELEMENTSOF(people); i++) {
                stranger_be(people[i]);
                assert_replied(stranger_call(face, &reply, CONSENT, "Grant", "sa{sv}", "location", 0));
                assert_error(stranger_call(face, &reply, DEVICE, "GetLastFix", NULL), OURS "NoFix", "");
                assert_replied(stranger_call(face, &reply, CONSENT, "Withdraw", "sa{sv}", "location", 0));
        }
}

static void test_operator_may_reduce_but_not_grant_or_see(void **state) {
        Face *face = *state;
        Reply reply;

        stranger_be(BUS_ROLE_OPERATOR);
        assert_error(stranger_call(face, &reply, CONSENT, "Grant", "sa{sv}", "location", 0), DENIED, "trailkeep-owner");
        assert_error(stranger_call(face, &reply, DEVICE, "GetLastFix", NULL), DENIED, "trailkeep-owner");
        assert_replied(stranger_call(face, &reply, CONSENT, "Withdraw", "sa{sv}", "location", 0));
        assert_replied(stranger_call(face, &reply, DATA, "Erase", "a{sv}", 0));
        assert_replied(stranger_call(face, &reply, DATA, "Summary", NULL));
        assert_replied(stranger_call(face, &reply, DATA, "EraseEverything", NULL));
        assert_replied(stranger_call(face, &reply, JOURNAL, "RotateKeys", NULL));
        assert_error(stranger_call(face, &reply, JOURNAL, "StartEvidence", NULL), DENIED, "trailkeep-owner");
        assert_replied(stranger_call(face, &reply, JOURNAL, "AcknowledgeDamage", NULL));
}

static void test_bridge_names_for_whom_it_speaks(void **state) {
        Face *face = *state;
        ConsentEntry entry;
        Reply reply;

        stranger_be(BUS_ROLE_BRIDGE);
        assert_error(stranger_call(face, &reply, CONSENT, "Grant", "sa{sv}", "audio", 0), SD_BUS_ERROR_INVALID_ARGS,
                     "actor: ");
        assert_replied(stranger_call(face, &reply, CONSENT, "Grant", "sa{sv}", "audio", 1, "actor", "s", "Zoë"));
        assert_int_equal(consent_entry_decode(fake_journal_entry(face->journal, 0), &entry), 0);
        assert_string_equal(entry.role, "bridge");
        assert_string_equal(entry.actor, "Zoë");
        assert_int_equal(entry.uid, geteuid() == 0 ? 65534 : geteuid());
        assert_error(stranger_call(face, &reply, JOURNAL, "RotateKeys", NULL), DENIED, "trailkeep-operator");
        /* Less must always be possible. */
        assert_replied(stranger_call(face, &reply, CONSENT, "Withdraw", "sa{sv}", "audio", 0));
}

static void test_no_one_else_speaks_for_others(void **state) {
        Face *face = *state;
        Reply reply;

        stranger_be(BUS_ROLE_OWNER);
        assert_error(stranger_call(face, &reply, CONSENT, "Grant", "sa{sv}", "audio", 1, "actor", "s", "Zoë"), DENIED,
                     "actor: ");
        assert_false(gate_allows(face->gate, PURPOSE_AUDIO));
}

static void test_everyone_sees_what_is_on_but_not_who_turned_it_on(void **state) {
        Face *face = *state;
        Reply reply;

        assert_replied(face_call(face, &reply, CONSENT, "Grant", "sa{sv}", "location", 0));
        reply_clear(&reply);
        assert_replied(stranger_call(face, &reply, CONSENT, "List", NULL));
        assert_non_null(strstr(reply.text, "purpose location granted "));
        assert_null(strstr(reply.text, "uid"));
        assert_null(strstr(reply.text, "role"));
        assert_null(strstr(reply.text, "since"));
        stranger_be(BUS_ROLE_OPERATOR);
        assert_replied(stranger_call(face, &reply, CONSENT, "List", NULL));
        assert_non_null(strstr(reply.text, "role owner"));
        assert_non_null(strstr(reply.text, "since"));
}

static void test_second_daemon_is_told_of_the_first(void **state) {
        Face *face = *state;
        char text[512] = "";
        Bus *other = NULL;
        BusOptions options = {.address = face->address,
                              .clock = &clock_system,
                              .gate = face->gate,
                              .gnss = &face->gnss,
                              .journal = face->journal,
                              .outbox = &face->outbox,
                              .true_time = &face->true_time};

        /* The name is taken: the second daemon is told so. */
        assert_true(bus_new(face->event, &options, &other, text) < 0);
        assert_null(other);
        assert_non_null(strstr(text, "another trailkeepd"));
}

#define face_test(f) cmocka_unit_test_setup_teardown(f, face_setup_system, face_teardown)

int main(void) {
        static const struct CMUnitTest tests[] = {
                face_test(test_status_is_for_everyone),
                face_test(test_all_else_is_denied_to_strangers),
                face_test(test_erasures_are_not_for_strangers),
                face_test(test_roles_may_what_the_table_says),
                face_test(test_operator_may_reduce_but_not_grant_or_see),
                face_test(test_bridge_names_for_whom_it_speaks),
                face_test(test_no_one_else_speaks_for_others),
                face_test(test_everyone_sees_what_is_on_but_not_who_turned_it_on),
                face_test(test_second_daemon_is_told_of_the_first),
        };

        return cmocka_run_group_tests_name("face-rights", tests, NULL, NULL);
}
