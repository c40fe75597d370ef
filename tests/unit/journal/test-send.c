/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fixture.h"
#include <errno.h>

static void test_ack_moves_the_cursor(void **state) {
        Fixture *f = *state;

        assert_int_equal(fixture_open(f), 0);
        append(f, 5);
        assert_int_equal(send_batch(f, LANE_TRACK, 2), 2);
        assert_int_equal(lane_counters(f, LANE_TRACK)->stored, 2);
        assert_int_equal(lane_counters(f, LANE_TRACK)->pending, 3);
        assert_int_equal(send_batch(f, LANE_TRACK, 100), 3);
        assert_int_equal(send_batch(f, LANE_TRACK, 100), 0);
        assert_int_equal(journal_counters(f->journal)->objects_stored, 2);
        check_counters(f);
}

static void test_open_intent_gives_the_same_range_and_name(void **state) {
        Fixture *f = *state;
        _cleanup_(journal_batch_freep) JournalBatch *batch = NULL, *again = NULL;
        uint64_t object;

        assert_int_equal(fixture_open(f), 0);
        append(f, 5);
        batch = read_batch(f, LANE_TRACK, 3);
        assert_int_equal(put_intent(f, LANE_TRACK, batch->first, batch->last, "tracks/x", &object), 0);
        append(f, 5);
        fixture_reopen(f);
        again = read_batch(f, LANE_TRACK, 100);
        assert_int_equal(again->object, object);
        assert_string_equal(again->object_name, "tracks/x");
        assert_int_equal(again->first, batch->first);
        assert_int_equal(again->last, batch->last);
        assert_int_equal(again->n_records, 3);
        assert_int_equal(ack(f, object), 0);
        assert_int_equal(lane_counters(f, LANE_TRACK)->pending, 7);
}

static void test_intent_must_be_what_comes_next(void **state) {
        Fixture *f = *state;
        _cleanup_(journal_batch_freep) JournalBatch *batch = NULL;
        uint64_t object;

        assert_int_equal(fixture_open(f), 0);
        append(f, 5);
        batch = read_batch(f, LANE_TRACK, 5);
        assert_int_equal(put_intent(f, LANE_TRACK, batch->first + 1, batch->last, "x", &object), -EINVAL);
        assert_int_equal(put_intent(f, LANE_TRACK, batch->first, batch->last + 1, "x", &object), -EINVAL);
        assert_int_equal(put_intent(f, LANE_TRACK, batch->first, batch->last, "x", &object), 0);
        assert_int_equal(put_intent(f, LANE_TRACK, batch->first, batch->last, "x", &object), -EBUSY);
}

static void test_ack_twice_is_gone(void **state) {
        Fixture *f = *state;
        _cleanup_(journal_batch_freep) JournalBatch *batch = NULL;
        uint64_t object;

        assert_int_equal(fixture_open(f), 0);
        append(f, 2);
        batch = read_batch(f, LANE_TRACK, 5);
        assert_int_equal(put_intent(f, LANE_TRACK, batch->first, batch->last, "x", &object), 0);
        assert_int_equal(ack(f, object), 0);
        assert_int_equal(ack(f, object), JOURNAL_E_GONE);
        assert_int_equal(ack(f, 999), JOURNAL_E_GONE);
        assert_int_equal(lane_counters(f, LANE_TRACK)->stored, 2);
}

static void test_split_gives_two_objects_of_the_range(void **state) {
        Fixture *f = *state;
        _cleanup_(journal_batch_freep) JournalBatch *batch = NULL, *a = NULL, *b = NULL;
        uint64_t object;

        assert_int_equal(fixture_open(f), 0);
        append(f, 5);
        batch = read_batch(f, LANE_TRACK, 5);
        assert_int_equal(put_intent(f, LANE_TRACK, batch->first, batch->last, "x", &object), 0);
        assert_int_equal(split(f, object, "a", "b"), 0);
        assert_int_equal(ack(f, object), JOURNAL_E_GONE);
        a = read_batch(f, LANE_TRACK, 100);
        assert_string_equal(a->object_name, "a");
        assert_int_equal(a->first, batch->first);
        assert_int_equal(a->n_records, 3);
        assert_int_equal(ack(f, a->object), 0);
        b = read_batch(f, LANE_TRACK, 100);
        assert_string_equal(b->object_name, "b");
        assert_int_equal(b->first, a->last + 1);
        assert_int_equal(b->last, batch->last);
        assert_int_equal(ack(f, b->object), 0);
        assert_int_equal(lane_counters(f, LANE_TRACK)->stored, 5);
}

static void test_objects_are_acknowledged_in_order(void **state) {
        Fixture *f = *state;
        _cleanup_(journal_batch_freep) JournalBatch *batch = NULL;
        uint64_t object;

        assert_int_equal(fixture_open(f), 0);
        append(f, 4);
        batch = read_batch(f, LANE_TRACK, 5);
        assert_int_equal(put_intent(f, LANE_TRACK, batch->first, batch->last, "x", &object), 0);
        assert_int_equal(split(f, object, "a", "b"), 0);
        assert_int_equal(ack(f, object + 2), -EINVAL);
        assert_int_equal(ack(f, object + 1), 0);
        assert_int_equal(ack(f, object + 2), 0);
}

static void test_single_record_is_not_split_but_parked(void **state) {
        Fixture *f = *state;
        _cleanup_(journal_batch_freep) JournalBatch *batch = NULL;
        uint64_t object;

        assert_int_equal(fixture_open(f), 0);
        append(f, 3);
        batch = read_batch(f, LANE_TRACK, 1);
        assert_int_equal(put_intent(f, LANE_TRACK, batch->first, batch->last, "x", &object), 0);
        assert_int_equal(split(f, object, "a", "b"), JOURNAL_E_SINGLE);
        assert_int_equal(park(f, object), 0);
        assert_int_equal(park(f, object), JOURNAL_E_GONE);
        assert_int_equal(lane_counters(f, LANE_TRACK)->parked, 1);
        assert_int_equal(send_batch(f, LANE_TRACK, 100), 2);
        fixture_reopen(f);
        assert_int_equal(lane_counters(f, LANE_TRACK)->parked, 1);
        assert_int_equal(lane_counters(f, LANE_TRACK)->stored, 2);
        check_counters(f);
}

/* Nothing can be appended behind the cursor, and nothing waits for another source's parcel to end. */
static void test_cursor_closes_the_parcel_it_passes(void **state) {
        Fixture *f = *state;
        _cleanup_(journal_batch_freep) JournalBatch *batch = NULL;

        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(append_record(f, RECORD_ALARM, SUBJECT_A, START_REALTIME_MS), 0);
        assert_int_equal(commit(f), 0);
        assert_int_equal(append_record(f, RECORD_ALARM, SUBJECT_B, START_REALTIME_MS), 0);
        assert_int_equal(commit(f), 0);
        assert_int_equal(send_batch(f, LANE_ALARM, 10), 1);
        assert_int_equal(send_batch(f, LANE_ALARM, 10), 1);
        /* A's parcel was passed: A's next record is behind the cursor all the same. */
        assert_int_equal(append_record(f, RECORD_ALARM, SUBJECT_A, START_REALTIME_MS), 0);
        assert_int_equal(commit(f), 0);
        batch = read_batch(f, LANE_ALARM, 10);
        assert_non_null(batch);
        assert_int_equal(batch->n_records, 1);
        assert_string_equal(batch->records[0]->subject, SUBJECT_A);
}

static void test_more_records_in_an_open_parcel_follow_the_cursor(void **state) {
        Fixture *f = *state;
        uint64_t first;
        JournalBatch *batch;

        assert_int_equal(fixture_open(f), 0);
        append(f, 2);
        batch = read_batch(f, LANE_TRACK, 10);
        first = batch->first;
        journal_batch_free(batch);
        send_all(f, LANE_TRACK);
        append(f, 2);
        batch = read_batch(f, LANE_TRACK, 10);
        assert_int_equal(batch->first, first + 2);
        journal_batch_free(batch);
}

/* Closed and stored whole: key and rows go, the catalogue stays. */
static void test_stored_parcel_is_let_go(void **state) {
        Fixture *f = *state;

        assert_int_equal(fixture_open(f), 0);
        append(f, 700);
        send_all(f, LANE_TRACK);
        fixture_reopen(f);
        send_all(f, LANE_TRACK);
        fixture_reopen(f);
        /* One slice of what is to go comes after each job. */
        for (int i = 0; i < 5; i++)
                assert_int_equal(commit(f), 0);
        fixture_close(f);
        assert_int_equal(sql_number(f, "vault.db", "SELECT count(*) FROM parcel WHERE key <> zeroblob(60)"), 0);
        assert_int_equal(sql_number(f, "journal.db", "SELECT count(*) FROM track"), 0);
        assert_int_equal(sql_number(f, "journal.db", "SELECT count(*) FROM object WHERE state = 3"), 3);
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(lane_counters(f, LANE_TRACK)->stored, 700);
        assert_int_equal(journal_counters(f->journal)->objects_stored, 3);
        check_counters(f);
}

static void test_parcel_with_something_parked_is_kept(void **state) {
        Fixture *f = *state;
        _cleanup_(journal_batch_freep) JournalBatch *batch = NULL;
        uint64_t object;

        assert_int_equal(fixture_open(f), 0);
        append(f, 3);
        batch = read_batch(f, LANE_TRACK, 1);
        assert_int_equal(put_intent(f, LANE_TRACK, batch->first, batch->last, "x", &object), 0);
        assert_int_equal(park(f, object), 0);
        send_all(f, LANE_TRACK);
        fixture_reopen(f);
        fixture_close(f);
        assert_int_equal(sql_number(f, "vault.db", "SELECT count(*) FROM parcel WHERE key <> zeroblob(60)"), 1);
        assert_int_equal(sql_number(f, "journal.db", "SELECT count(*) FROM track"), 3);
}

static void test_summary_tells_subjects_apart(void **state) {
        Fixture *f = *state;
        JournalPurposeSummary a[PURPOSE_MAX], b[PURPOSE_MAX];

        assert_int_equal(fixture_open(f), 0);
        append(f, 3);
        assert_int_equal(append_record(f, RECORD_EVENT, SUBJECT_B, TIME_MS_NONE), 0);
        assert_int_equal(commit(f), 0);
        assert_int_equal(send_batch(f, LANE_TRACK, 2), 2);
        summary(f, SUBJECT_A, a);
        summary(f, SUBJECT_B, b);
        assert_int_equal(a[PURPOSE_LOCATION].records, 3);
        assert_int_equal(a[PURPOSE_LOCATION].parcels, 1);
        assert_int_equal(a[PURPOSE_LOCATION].objects_stored, 1);
        assert_true(a[PURPOSE_LOCATION].bytes > 300);
        assert_int_equal(a[PURPOSE_LOCATION].oldest_ms, START_REALTIME_MS);
        assert_int_equal(a[PURPOSE_LOCATION].newest_ms, START_REALTIME_MS + 2000);
        assert_int_equal(a[PURPOSE_DIAGNOSTICS].records, 0);
        assert_true(a[PURPOSE_DIAGNOSTICS].oldest_ms == TIME_MS_NONE);
        assert_int_equal(b[PURPOSE_LOCATION].records, 0);
        assert_int_equal(b[PURPOSE_DIAGNOSTICS].records, 1);
        assert_true(b[PURPOSE_DIAGNOSTICS].oldest_ms == TIME_MS_NONE);
}

#define unit(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                unit(test_ack_moves_the_cursor),
                unit(test_open_intent_gives_the_same_range_and_name),
                unit(test_intent_must_be_what_comes_next),
                unit(test_ack_twice_is_gone),
                unit(test_split_gives_two_objects_of_the_range),
                unit(test_objects_are_acknowledged_in_order),
                unit(test_single_record_is_not_split_but_parked),
                unit(test_cursor_closes_the_parcel_it_passes),
                unit(test_more_records_in_an_open_parcel_follow_the_cursor),
                unit(test_stored_parcel_is_let_go),
                unit(test_parcel_with_something_parked_is_kept),
                unit(test_summary_tells_subjects_apart),
        };

        return cmocka_run_group_tests_name("journal send", tests, NULL, NULL);
}
