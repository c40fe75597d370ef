/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fixture.h"
#include <sys/stat.h>

static void test_what_was_committed_is_read(void **state) {
        Fixture *f = *state;
        _cleanup_(journal_batch_freep) JournalBatch *batch = NULL;

        assert_int_equal(fixture_open(f), 0);
        append(f, 3);
        batch = read_batch(f, LANE_TRACK, 100);
        assert_non_null(batch);
        assert_int_equal(batch->n_records, 3);
        assert_int_equal(batch->purpose, PURPOSE_LOCATION);
        assert_int_equal(batch->object, 0);
        assert_null(batch->object_name);
        assert_int_equal(batch->first, batch->ids[0]);
        assert_int_equal(batch->last, batch->first + 2);
        for (size_t i = 0; i < 3; i++) {
                assert_int_equal(batch->ids[i], batch->first + i);
                assert_int_equal(batch->records[i]->time_ms, START_REALTIME_MS + 1000 * (int64_t)i);
                assert_string_equal(batch->records[i]->subject, SUBJECT_A);
                assert_string_equal(batch->records[i]->source, "gnss");
                assert_non_null(strstr(batch->records[i]->payload, "13.377701"));
        }
}

static void test_records_survive_a_restart(void **state) {
        Fixture *f = *state;
        _cleanup_(journal_batch_freep) JournalBatch *batch = NULL;
        char installation[64];

        assert_int_equal(fixture_open(f), 0);
        (void)snprintf(installation, sizeof(installation), "%s", journal_installation(f->journal));
        assert_int_equal(strlen(installation), 32);
        append(f, 3);
        fixture_reopen(f);
        assert_string_equal(journal_installation(f->journal), installation);
        assert_int_equal(lane_counters(f, LANE_TRACK)->pending, 3);
        assert_int_equal(lane_counters(f, LANE_TRACK)->recorded, 3);
        batch = read_batch(f, LANE_TRACK, 100);
        assert_int_equal(batch->n_records, 3);
}

static void test_uncommitted_records_are_committed_at_the_end(void **state) {
        Fixture *f = *state;

        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(append_record(f, RECORD_FIX, SUBJECT_A, START_REALTIME_MS), 0);
        assert_int_equal(lane_counters(f, LANE_TRACK)->recorded, 0);
        fixture_reopen(f);
        assert_int_equal(lane_counters(f, LANE_TRACK)->recorded, 1);
}

static void test_commits_by_itself_after_the_interval(void **state) {
        Fixture *f = *state;

        f->options.commit_interval_usec = 20 * USEC_PER_MSEC;
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(append_record(f, RECORD_FIX, SUBJECT_A, START_REALTIME_MS), 0);
        while (f->n_committed[LANE_TRACK] == 0)
                fixture_turn(f);
        assert_int_equal(lane_counters(f, LANE_TRACK)->pending, 1);
}

static void test_alarm_is_committed_at_once(void **state) {
        Fixture *f = *state;

        f->options.commit_interval_usec = USEC_PER_HOUR;
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(append_record(f, RECORD_ALARM, SUBJECT_A, START_REALTIME_MS), 0);
        while (f->n_committed[LANE_ALARM] == 0)
                fixture_turn(f);
        assert_int_equal(lane_counters(f, LANE_ALARM)->pending, 1);
}

static void test_256_records_are_committed_at_once(void **state) {
        Fixture *f = *state;

        f->options.commit_interval_usec = USEC_PER_HOUR;
        assert_int_equal(fixture_open(f), 0);
        for (int i = 0; i < 256; i++)
                assert_int_equal(append_record(f, RECORD_FIX, SUBJECT_A, START_REALTIME_MS), 0);
        while (f->n_committed[LANE_TRACK] == 0)
                fixture_turn(f);
        assert_int_equal(lane_counters(f, LANE_TRACK)->pending, 256);
}

static void test_subjects_and_kinds_have_parcels_of_their_own(void **state) {
        Fixture *f = *state;
        _cleanup_(journal_batch_freep) JournalBatch *batch = NULL, *event = NULL;

        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(append_record(f, RECORD_FIX, SUBJECT_A, START_REALTIME_MS), 0);
        assert_int_equal(append_record(f, RECORD_FIX, SUBJECT_B, START_REALTIME_MS), 0);
        assert_int_equal(append_record(f, RECORD_FIX, SUBJECT_A, START_REALTIME_MS), 0);
        assert_int_equal(append_record(f, RECORD_EVENT, SUBJECT_A, START_REALTIME_MS), 0);
        assert_int_equal(commit(f), 0);
        assert_int_equal(lane_counters(f, LANE_TRACK)->pending, 3);
        batch = read_batch(f, LANE_TRACK, 100);
        assert_int_equal(batch->n_records, 2);
        assert_string_equal(batch->records[0]->subject, SUBJECT_A);
        event = read_batch(f, LANE_EVENT, 100);
        assert_int_equal(event->n_records, 1);
        assert_int_equal(event->purpose, PURPOSE_DIAGNOSTICS);
        assert_true(event->first >> 20 != batch->first >> 20);
}

static void test_parcel_ends_after_ten_minutes(void **state) {
        Fixture *f = *state;
        _cleanup_(journal_batch_freep) JournalBatch *batch = NULL;

        assert_int_equal(fixture_open(f), 0);
        append(f, 650); /* one job, seconds apart: two parcels */
        batch = read_batch(f, LANE_TRACK, 1000);
        assert_int_equal(batch->n_records, 600);
        assert_int_equal(send_batch(f, LANE_TRACK, 1000), 600);
        assert_int_equal(send_batch(f, LANE_TRACK, 1000), 50);
        assert_int_equal(lane_counters(f, LANE_TRACK)->stored, 650);
}

static void test_parcel_is_not_reopened_by_the_next_start(void **state) {
        Fixture *f = *state;
        _cleanup_(journal_batch_freep) JournalBatch *batch = NULL;

        assert_int_equal(fixture_open(f), 0);
        append(f, 2);
        fixture_reopen(f);
        append(f, 2);
        batch = read_batch(f, LANE_TRACK, 100);
        assert_int_equal(batch->n_records, 2);
        fixture_close(f);
        assert_int_equal(sql_number(f, "vault.db", "SELECT count(*) FROM parcel WHERE fate = 3"), 2);
}

static void test_limits_of_a_batch_hold(void **state) {
        Fixture *f = *state;
        _cleanup_(journal_batch_freep) JournalBatch *batch = NULL;

        assert_int_equal(fixture_open(f), 0);
        append(f, 10);
        batch = read_batch(f, LANE_TRACK, 4);
        assert_int_equal(batch->n_records, 4);
        assert_int_equal(batch->last, batch->first + 3);
}

static void test_empty_lane_gives_no_batch(void **state) {
        Fixture *f = *state;

        assert_int_equal(fixture_open(f), 0);
        assert_null(read_batch(f, LANE_ALARM, 10));
}

static void test_too_much_in_memory_is_refused(void **state) {
        Fixture *f = *state;
        int r = 0, n = 0;

        assert_int_equal(fixture_open(f), 0);
        /* The loop does not turn, so nothing is ever reported as durable. */
        while (n < 10000 && (r = append_record(f, RECORD_FIX, SUBJECT_A, START_REALTIME_MS)) == 0)
                n++;
        assert_int_equal(r, JOURNAL_E_FULL);
        assert_int_equal(n, 4096);
        assert_int_equal(commit(f), 0);
        assert_int_equal(append_record(f, RECORD_FIX, SUBJECT_A, START_REALTIME_MS), 0);
        assert_int_equal(lane_counters(f, LANE_TRACK)->pending, n + 1); /* with one that says that one is missing */
}

static void test_files_are_private(void **state) {
        Fixture *f = *state;
        static const char *const names[] = { "vault.db", "journal.db", "journal.db-wal", "vault.db-journal", "lock",
                                             "reserve" };
        struct stat st;

        assert_int_equal(fixture_open(f), 0);
        append(f, 1);
        assert_int_equal(stat(f->dir, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0700);
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                _cleanup_free_ char *path = fixture_path(f, names[i]);

                assert_int_equal(stat(path, &st), 0);
                assert_int_equal(st.st_mode & 07777, 0600);
        }
}

/* The age of the oldest, in µs; UINT64_MAX: none. */
static uint64_t oldest_age_usec(Fixture *f, Lane lane) {
        const JournalLaneCounters *c = lane_counters(f, lane);

        return c->has_oldest_pending ? f->boottime_usec - (uint64_t)c->oldest_pending_boottime_usec : UINT64_MAX;
}

static void test_age_of_the_oldest_is_known(void **state) {
        Fixture *f = *state;
        uint64_t first_usec = f->boottime_usec;

        assert_int_equal(fixture_open(f), 0);
        append(f, 2);
        assert_int_equal(oldest_age_usec(f, LANE_TRACK), f->boottime_usec - first_usec);
        append(f, 2);
        assert_int_equal(send_batch(f, LANE_TRACK, 2), 2);
        assert_int_equal(oldest_age_usec(f, LANE_TRACK), f->boottime_usec - first_usec - 2 * USEC_PER_SEC);
        send_all(f, LANE_TRACK);
        assert_int_equal(oldest_age_usec(f, LANE_TRACK), UINT64_MAX);
}

/* From the opening of its parcel, which is not before its first record was made by more than ten minutes. */
static void test_age_of_the_oldest_outlives_a_restart(void **state) {
        Fixture *f = *state;
        uint64_t first_usec = f->boottime_usec;

        assert_int_equal(fixture_open(f), 0);
        append(f, 3);
        fixture_close(f);
        fixture_advance(f, 2 * USEC_PER_HOUR);
        assert_int_equal(fixture_open(f), 0);
        assert_in_range(oldest_age_usec(f, LANE_TRACK), 2 * USEC_PER_HOUR, f->boottime_usec - first_usec);
        assert_int_equal(send_batch(f, LANE_TRACK, 1), 1);
        assert_in_range(oldest_age_usec(f, LANE_TRACK), 2 * USEC_PER_HOUR, f->boottime_usec - first_usec);
        send_all(f, LANE_TRACK);
        assert_int_equal(oldest_age_usec(f, LANE_TRACK), UINT64_MAX);
}

static void test_age_of_the_oldest_outlives_a_boot(void **state) {
        Fixture *f = *state;

        assert_int_equal(fixture_open(f), 0);
        append(f, 3);
        fixture_close(f);
        f->boottime_usec = USEC_PER_SEC;
        assert_int_equal(fixture_open(f), 0);
        assert_in_range(oldest_age_usec(f, LANE_TRACK), USEC_PER_SEC, USEC_PER_MINUTE);
        assert_true(lane_counters(f, LANE_TRACK)->oldest_pending_boottime_usec <= 0);
        fixture_advance(f, 2 * USEC_PER_DAY);
        assert_in_range(oldest_age_usec(f, LANE_TRACK), 2 * USEC_PER_DAY, 2 * USEC_PER_DAY + USEC_PER_MINUTE);
}

static void test_age_of_the_oldest_goes_on_to_the_next_start(void **state) {
        Fixture *f = *state;
        uint64_t made_usec;

        assert_int_equal(fixture_open(f), 0);
        append(f, 2);
        fixture_close(f);
        fixture_advance(f, USEC_PER_DAY);
        assert_int_equal(fixture_open(f), 0);
        append(f, 2);
        fixture_close(f);
        fixture_advance(f, USEC_PER_HOUR);
        assert_int_equal(fixture_open(f), 0);
        made_usec = f->boottime_usec;
        append(f, 2);
        assert_in_range(oldest_age_usec(f, LANE_TRACK), USEC_PER_DAY + USEC_PER_HOUR, 26 * USEC_PER_HOUR);
        assert_int_equal(send_batch(f, LANE_TRACK, 2), 2);
        assert_in_range(oldest_age_usec(f, LANE_TRACK), USEC_PER_HOUR, USEC_PER_HOUR + USEC_PER_MINUTE);
        assert_int_equal(send_batch(f, LANE_TRACK, 2), 2);
        assert_int_equal(oldest_age_usec(f, LANE_TRACK), f->boottime_usec - made_usec);
}

static void must_not_be_called(int r, void *userdata) {
        fail();
}

static void test_who_is_forgotten_is_not_called(void **state) {
        Fixture *f = *state;
        int me;

        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(append_record(f, RECORD_FIX, SUBJECT_A, START_REALTIME_MS), 0);
        assert_int_equal(journal_commit(f->journal, must_not_be_called, &me), 0);
        journal_forget(f->journal, &me);
        assert_int_equal(commit(f), 0);
        assert_int_equal(lane_counters(f, LANE_TRACK)->pending, 1);
}

static void append_one_more(int r, void *userdata) {
        assert_int_equal(r, 0);
        assert_int_equal(append_record(userdata, RECORD_FIX, SUBJECT_A, START_REALTIME_MS), 0);
}

static void test_what_an_answer_appends_at_the_end_is_committed(void **state) {
        Fixture *f = *state;

        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(append_record(f, RECORD_FIX, SUBJECT_A, START_REALTIME_MS), 0);
        assert_int_equal(journal_commit(f->journal, append_one_more, f), 0);
        fixture_reopen(f);
        assert_int_equal(lane_counters(f, LANE_TRACK)->pending, 2);
}

#define unit(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                unit(test_what_was_committed_is_read),
                unit(test_records_survive_a_restart),
                unit(test_uncommitted_records_are_committed_at_the_end),
                unit(test_what_an_answer_appends_at_the_end_is_committed),
                unit(test_commits_by_itself_after_the_interval),
                unit(test_alarm_is_committed_at_once),
                unit(test_256_records_are_committed_at_once),
                unit(test_subjects_and_kinds_have_parcels_of_their_own),
                unit(test_parcel_ends_after_ten_minutes),
                unit(test_parcel_is_not_reopened_by_the_next_start),
                unit(test_limits_of_a_batch_hold),
                unit(test_empty_lane_gives_no_batch),
                unit(test_too_much_in_memory_is_refused),
                unit(test_files_are_private),
                unit(test_age_of_the_oldest_is_known),
                unit(test_age_of_the_oldest_outlives_a_restart),
                unit(test_age_of_the_oldest_outlives_a_boot),
                unit(test_age_of_the_oldest_goes_on_to_the_next_start),
                unit(test_who_is_forgotten_is_not_called),
        };

        return cmocka_run_group_tests_name("journal append", tests, NULL, NULL);
}
