/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who may do what: the whole table, and who has which role.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "bus/authorize.h"
#include "trailkeep/macros.h"

#define OWNER (1u << BUS_ROLE_OWNER)
#define GUARDIAN (1u << BUS_ROLE_GUARDIAN)
#define OPERATOR (1u << BUS_ROLE_OPERATOR)
#define BRIDGE (1u << BUS_ROLE_BRIDGE)

static const AuthorizeFacts stranger = {
        .uid = 1000,
        .daemon_uid = 500,
        .is_system_bus = true,
        .role_gids = { 101, 102, 103, 104 },
};

static void test_stranger_has_no_role(void **state) {
        assert_int_equal(authorize_roles(&stranger), 0);
}

static void test_group_is_a_role(void **state) {
        for (BusRole role = 0; role < BUS_ROLE_MAX; role++) {
                gid_t gids[] = { 7, 101 + role, 9 };
                AuthorizeFacts facts = stranger;

                facts.gids = gids;
                facts.n_gids = ELEMENTSOF(gids);
                assert_int_equal(authorize_roles(&facts), 1u << role);
        }
}

static void test_several_groups_are_several_roles(void **state) {
        gid_t gids[] = { 104, 101 };
        AuthorizeFacts facts = stranger;

        facts.gids = gids;
        facts.n_gids = ELEMENTSOF(gids);
        assert_int_equal(authorize_roles(&facts), OWNER | BRIDGE);
}

static void test_group_that_does_not_exist_is_no_role(void **state) {
        gid_t gids[] = { BUS_GID_NONE };
        AuthorizeFacts facts = stranger;

        facts.gids = gids;
        facts.n_gids = 1;
        for (BusRole role = 0; role < BUS_ROLE_MAX; role++)
                facts.role_gids[role] = BUS_GID_NONE;
        assert_int_equal(authorize_roles(&facts), 0);
}

static void test_root_is_the_owner(void **state) {
        AuthorizeFacts facts = stranger;

        facts.uid = 0;
        assert_int_equal(authorize_roles(&facts), OWNER);
}

static void test_daemon_user_is_the_owner_off_the_system_bus_only(void **state) {
        AuthorizeFacts facts = stranger;

        facts.uid = facts.daemon_uid;
        assert_int_equal(authorize_roles(&facts), 0);
        facts.is_system_bus = false;
        assert_int_equal(authorize_roles(&facts), OWNER);
        facts.uid = 1000;
        assert_int_equal(authorize_roles(&facts), 0);
}

static void test_table(void **state) {
        static const struct {
                BusVerb verb;
                uint32_t able;
        } rows[] = {
                { BUS_VERB_LIST_CONSENTS, OWNER | GUARDIAN | OPERATOR | BRIDGE },
                { BUS_VERB_GET_LAST_FIX, OWNER | GUARDIAN | BRIDGE },
                { BUS_VERB_GET_INSTALLATION, OWNER | GUARDIAN | OPERATOR | BRIDGE },
                { BUS_VERB_GRANT, OWNER | GUARDIAN | BRIDGE },
                { BUS_VERB_WITHDRAW, OWNER | GUARDIAN | OPERATOR | BRIDGE },
                { BUS_VERB_SUMMARIZE, OWNER | GUARDIAN | OPERATOR | BRIDGE },
                { BUS_VERB_ERASE, OWNER | GUARDIAN | OPERATOR | BRIDGE },
                { BUS_VERB_ERASE_EVERYTHING, OWNER | GUARDIAN | OPERATOR },
                { BUS_VERB_READ_ERASURES, OWNER | GUARDIAN | OPERATOR | BRIDGE },
                { BUS_VERB_FLUSH, OWNER | GUARDIAN | OPERATOR | BRIDGE },
                { BUS_VERB_ROTATE_KEYS, OWNER | GUARDIAN | OPERATOR },
                { BUS_VERB_START_EVIDENCE, OWNER },
                { BUS_VERB_ACKNOWLEDGE_DAMAGE, OWNER | GUARDIAN | OPERATOR },
        };

        assert_int_equal(ELEMENTSOF(rows), BUS_VERB_MAX);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                assert_int_equal(rows[i].verb, i);
                assert_false(authorize_verb(rows[i].verb, 0));
                for (BusRole role = 0; role < BUS_ROLE_MAX; role++)
                        assert_int_equal(authorize_verb(rows[i].verb, 1u << role), rows[i].able >> role & 1);
        }
}

static void test_role_for_the_ledger_is_the_first_that_may(void **state) {
        assert_int_equal(authorize_role_for(BUS_VERB_GRANT, OPERATOR | BRIDGE, false), BUS_ROLE_BRIDGE);
        assert_int_equal(authorize_role_for(BUS_VERB_WITHDRAW, OPERATOR | BRIDGE, false), BUS_ROLE_OPERATOR);
        assert_int_equal(authorize_role_for(BUS_VERB_WITHDRAW, OPERATOR | OWNER, false), BUS_ROLE_OWNER);
        assert_int_equal(authorize_role_for(BUS_VERB_GRANT, OPERATOR, false), BUS_ROLE_MAX);
}

static void test_who_names_an_actor_acts_as_bridge(void **state) {
        assert_int_equal(authorize_role_for(BUS_VERB_GRANT, OWNER | BRIDGE, true), BUS_ROLE_BRIDGE);
        assert_int_equal(authorize_role_for(BUS_VERB_GRANT, OWNER, true), BUS_ROLE_OWNER);
}

static void test_denial_names_the_groups(void **state) {
        char text[256], short_text[40];

        authorize_describe(BUS_VERB_GRANT, text, sizeof(text));
        assert_string_equal(text,
                            "Only for members of the group trailkeep-owner or trailkeep-guardian or trailkeep-bridge");
        authorize_describe(BUS_VERB_ERASE, short_text, sizeof(short_text));
        assert_true(strlen(short_text) < sizeof(short_text));
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_stranger_has_no_role),
                cmocka_unit_test(test_group_is_a_role),
                cmocka_unit_test(test_several_groups_are_several_roles),
                cmocka_unit_test(test_group_that_does_not_exist_is_no_role),
                cmocka_unit_test(test_root_is_the_owner),
                cmocka_unit_test(test_daemon_user_is_the_owner_off_the_system_bus_only),
                cmocka_unit_test(test_table),
                cmocka_unit_test(test_role_for_the_ledger_is_the_first_that_may),
                cmocka_unit_test(test_who_names_an_actor_acts_as_bridge),
                cmocka_unit_test(test_denial_names_the_groups),
        };

        return cmocka_run_group_tests_name("bus-authorize", tests, NULL, NULL);
}
