/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fixture.h"

static void test_expired_records_are_not_read_after_a_start(void **state) {
        Fixture *f = *state;

        assert_int_equal(fixture_open(f), 0);
        append(f, 3);
        fixture_close(f);
        fixture_advance(f, 30 * USEC_PER_DAY);
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(lane_counters(f, LANE_TRACK)->pending, 0);
        assert_int_equal(lane_counters(f, LANE_TRACK)->expired, 3);
        assert_null(read_batch(f, LANE_TRACK, 10));
        check_counters(f);
        fixture_reopen(f);
        assert_int_equal(lane_counters(f, LANE_TRACK)->expired, 3);
        check_counters(f);
}

static void test_nothing_expires_before_its_time(void **state) {
        Fixture *f = *state;

        assert_int_equal(fixture_open(f), 0);
        append(f, 3);
        fixture_close(f);
        fixture_advance(f, 30 * USEC_PER_DAY - 2 * USEC_PER_HOUR);
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(lane_counters(f, LANE_TRACK)->pending, 3);
}

static void test_alarms_have_a_time_of_their_own(void **state) {
        Fixture *f = *state;

        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(append_record(f, RECORD_ALARM, SUBJECT_A, START_REALTIME_MS), 0);
        append(f, 1);
        fixture_close(f);
        fixture_advance(f, 31 * USEC_PER_DAY);
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(lane_counters(f, LANE_ALARM)->pending, 1);
        assert_int_equal(lane_counters(f, LANE_TRACK)->expired, 1);
        fixture_close(f);
        fixture_advance(f, 60 * USEC_PER_DAY);
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(lane_counters(f, LANE_ALARM)->expired, 1);
}

/* Realtime may say what it likes. */
static void test_a_wall_clock_of_another_year_expires_nothing(void **state) {
        Fixture *f = *state;

        assert_int_equal(fixture_open(f), 0);
        append(f, 3);
        fixture_close(f);
        f->realtime_usec += 365 * USEC_PER_DAY;
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(lane_counters(f, LANE_TRACK)->pending, 3);
        fixture_close(f);
        f->realtime_usec = 0;
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(lane_counters(f, LANE_TRACK)->pending, 3);
}

/* A boottime below the last one means another boot: it starts from zero and adds up. */
static void test_powered_on_time_adds_up_over_boots(void **state) {
        Fixture *f = *state;

        assert_int_equal(fixture_open(f), 0);
        append(f, 3);
        fixture_close(f);
        for (int i = 0; i < 10; i++) {
                f->boottime_usec = USEC_PER_SEC;
                assert_int_equal(fixture_open(f), 0);
                assert_int_equal(lane_counters(f, LANE_TRACK)->pending, 3);
                fixture_advance(f, 2 * USEC_PER_DAY);
                assert_int_equal(ledger_append_entry(f, "{}"), 0); /* any write of the vault takes the time along */
                fixture_close(f);
        }
        f->boottime_usec = 10 * USEC_PER_DAY + USEC_PER_HOUR; /* off for long, and on for ten days without us */
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(lane_counters(f, LANE_TRACK)->pending, 3);
        fixture_close(f);
        fixture_advance(f, 2 * USEC_PER_DAY);
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(lane_counters(f, LANE_TRACK)->expired, 3);
}

static void test_parked_records_expire_too(void **state) {
        Fixture *f = *state;
        _cleanup_(journal_batch_freep) JournalBatch *batch = NULL;
        uint64_t object;

        assert_int_equal(fixture_open(f), 0);
        append(f, 3);
        batch = read_batch(f, LANE_TRACK, 1);
        assert_int_equal(put_intent(f, LANE_TRACK, batch->first, batch->last, "x", &object), 0);
        assert_int_equal(park(f, object), 0);
        fixture_close(f);
        fixture_advance(f, 31 * USEC_PER_DAY);
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(lane_counters(f, LANE_TRACK)->parked, 0);
        assert_int_equal(lane_counters(f, LANE_TRACK)->expired, 3);
        check_counters(f);
}

/* What may have arrived of an expired parcel is deleted in the store. */
static void test_open_intent_of_an_expired_parcel_is_doomed(void **state) {
        Fixture *f = *state;
        _cleanup_(journal_batch_freep) JournalBatch *batch = NULL;
        uint64_t object;

        assert_int_equal(fixture_open(f), 0);
        append(f, 3);
        batch = read_batch(f, LANE_TRACK, 3);
        assert_int_equal(put_intent(f, LANE_TRACK, batch->first, batch->last, "x", &object), 0);
        fixture_close(f);
        fixture_advance(f, 31 * USEC_PER_DAY);
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(journal_counters(f->journal)->objects_doomed, 1);
        check_counters(f);
}

static void test_stored_objects_stay_when_a_parcel_expires(void **state) {
        Fixture *f = *state;

        assert_int_equal(fixture_open(f), 0);
        append(f, 3);
        assert_int_equal(send_batch(f, LANE_TRACK, 2), 2);
        fixture_close(f);
        fixture_advance(f, 31 * USEC_PER_DAY);
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(lane_counters(f, LANE_TRACK)->stored, 2);
        assert_int_equal(lane_counters(f, LANE_TRACK)->expired, 1);
        assert_int_equal(journal_counters(f->journal)->objects_stored, 1);
}

static void test_shorter_retention_holds_for_what_is_there(void **state) {
        Fixture *f = *state;

        assert_int_equal(fixture_open(f), 0);
        append(f, 3);
        fixture_close(f);
        fixture_advance(f, USEC_PER_DAY);
        f->options.retention_usec[PURPOSE_LOCATION] = USEC_PER_HOUR;
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(lane_counters(f, LANE_TRACK)->expired, 3);
}

static void test_no_retention_means_no_end(void **state) {
        Fixture *f = *state;

        f->options.retention_usec[PURPOSE_LOCATION] = 0;
        assert_int_equal(fixture_open(f), 0);
        append(f, 3);
        fixture_close(f);
        fixture_advance(f, 3000 * USEC_PER_DAY);
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(lane_counters(f, LANE_TRACK)->pending, 3);
}

static int count_entries(uint64_t seq, const char *body, void *userdata) {
        char expected[32];
        uint64_t *n = userdata;

        (void)snprintf(expected, sizeof(expected), "{\"n\":%llu}", (unsigned long long)seq);
        assert_string_equal(body, expected);
        assert_int_equal(seq, ++*n);
        return 0;
}

static void make_ledger(Fixture *f) {
        assert_int_equal(fixture_open(f), 0);
        for (int i = 1; i <= 3; i++) {
                char body[32];

                (void)snprintf(body, sizeof(body), "{\"n\":%d}", i);
                assert_int_equal(ledger_append_entry(f, body), 0);
        }
        fixture_close(f);
}

static int replay(Fixture *f, uint64_t *n) {
        *n = 0;
        assert_int_equal(fixture_open(f), 0);
        return journal_ledger_replay(f->journal, count_entries, n);
}

static void test_ledger_is_replayed_in_order(void **state) {
        Fixture *f = *state;
        uint64_t n;

        make_ledger(f);
        assert_int_equal(replay(f, &n), 0);
        assert_int_equal(n, 3);
}

static void test_empty_ledger_is_sound(void **state) {
        Fixture *f = *state;
        uint64_t n;

        assert_int_equal(replay(f, &n), 0);
        assert_int_equal(n, 0);
}

static void test_ledger_refuses_changes(void **state) {
        Fixture *f = *state;

        make_ledger(f);
        assert_int_equal(sql_number(f, "vault.db", "SELECT count(*) FROM sqlite_schema WHERE type = 'trigger'"), 2);
}

static const char unlocked[] = "DROP TRIGGER ledger_keep_update; DROP TRIGGER ledger_keep_delete;";

static void check_broken(Fixture *f, const char *sql) {
        uint64_t n;

        make_ledger(f);
        sql_run(f, "vault.db", unlocked);
        sql_run(f, "vault.db", sql);
        assert_int_equal(replay(f, &n), JOURNAL_E_CORRUPT);
        assert_int_equal(n, 0);
}

static void test_changed_entry_breaks_the_chain(void **state) {
        check_broken(*state, "UPDATE ledger SET entry = (SELECT entry FROM ledger WHERE seq = 1) WHERE seq = 2");
}

static void test_changed_hash_breaks_the_chain(void **state) {
        check_broken(*state, "UPDATE ledger SET hash = zeroblob(32) WHERE seq = 2");
}

static void test_missing_entry_breaks_the_chain(void **state) {
        check_broken(*state, "DELETE FROM ledger WHERE seq = 2");
}

static void test_cut_off_entry_breaks_the_chain(void **state) {
        check_broken(*state, "DELETE FROM ledger WHERE seq = 3");
}

static void test_emptied_ledger_breaks_the_chain(void **state) {
        check_broken(*state, "DELETE FROM ledger");
}

#define unit(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                unit(test_expired_records_are_not_read_after_a_start),
                unit(test_nothing_expires_before_its_time),
                unit(test_alarms_have_a_time_of_their_own),
                unit(test_a_wall_clock_of_another_year_expires_nothing),
                unit(test_powered_on_time_adds_up_over_boots),
                unit(test_parked_records_expire_too),
                unit(test_open_intent_of_an_expired_parcel_is_doomed),
                unit(test_stored_objects_stay_when_a_parcel_expires),
                unit(test_shorter_retention_holds_for_what_is_there),
                unit(test_no_retention_means_no_end),
                unit(test_ledger_is_replayed_in_order),
                unit(test_empty_ledger_is_sound),
                unit(test_ledger_refuses_changes),
                unit(test_changed_entry_breaks_the_chain),
                unit(test_changed_hash_breaks_the_chain),
                unit(test_missing_entry_breaks_the_chain),
                unit(test_cut_off_entry_breaks_the_chain),
                unit(test_emptied_ledger_breaks_the_chain),
        };

        return cmocka_run_group_tests_name("journal keep", tests, NULL, NULL);
}
