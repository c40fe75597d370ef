/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Changes of the keys: what is kept stays readable, what is replaced is in no file any more.
 */
#include "fixture.h"

static int count_entry(uint64_t seq, const char *body, void *userdata) {
        size_t *n = userdata;

        (*n)++;
        return 0;
}

static size_t count_ledger(Fixture *f) {
        size_t n = 0;

        assert_int_equal(journal_ledger_replay(f->journal, count_entry, &n), 0);
        return n;
}

static void test_rotation_replaces_salt_and_wrapped_keys(void **state) {
        Fixture *f = *state;
        _cleanup_bytes_ Bytes key = { 0 }, salt = { 0 }, ledger_key = { 0 };

        assert_int_equal(fixture_open(f), 0);
        append(f, 3);
        fixture_close(f);
        key = sql_blob(f, "vault.db", "SELECT key FROM parcel LIMIT 1");
        salt = sql_blob(f, "vault.db", "SELECT salt FROM vault");
        ledger_key = sql_blob(f, "vault.db", "SELECT ledger_key FROM vault");
        assert_int_equal(fixture_open(f), 0);
        assert_true(state_holds(f, key.data, 16));
        assert_true(state_holds(f, salt.data, salt.size));
        assert_true(state_holds(f, ledger_key.data, 16));
        assert_int_equal(rotate(f, "{}"), 0);
        assert_false(state_holds(f, key.data, 16));
        assert_false(state_holds(f, key.data + 44, 16));
        assert_false(state_holds(f, salt.data, 16));
        assert_false(state_holds(f, ledger_key.data, 16));
}

static void test_rotation_leaves_all_readable(void **state) {
        Fixture *f = *state;

        assert_int_equal(fixture_open(f), 0);
        append(f, 5);
        assert_int_equal(rotate(f, "{\"n\":1}"), 0);
        append(f, 5); /* into the parcel that is open still */
        assert_int_equal(rotate(f, "{\"n\":2}"), 0);
        fixture_reopen(f);
        assert_int_equal(count_ledger(f), 2);
        assert_int_equal(lane_counters(f, LANE_TRACK)->pending, 10);
        send_all(f, LANE_TRACK);
        assert_int_equal(lane_counters(f, LANE_TRACK)->stored, 10);
}

static void test_damaged_key_does_not_hinder_rotation(void **state) {
        Fixture *f = *state;

        assert_int_equal(fixture_open(f), 0);
        append(f, 2);
        fixture_reopen(f);
        append(f, 2);
        fixture_close(f);
        sql_run(f, "vault.db", "UPDATE parcel SET key = randomblob(60) WHERE id = 1");
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(rotate(f, "{}"), 0);
        fixture_reopen(f);
        send_all(f, LANE_TRACK);
        assert_int_equal(lane_counters(f, LANE_TRACK)->stored, 2);
        assert_int_equal(lane_counters(f, LANE_TRACK)->parked, 2);
}

#define unit(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                unit(test_rotation_replaces_salt_and_wrapped_keys),
                unit(test_rotation_leaves_all_readable),
                unit(test_damaged_key_does_not_hinder_rotation),
        };

        return cmocka_run_group_tests_name("journal keys", tests, NULL, NULL);
}
