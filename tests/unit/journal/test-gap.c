/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What was lost becomes a record that says so: once, of the right lane, purpose and subject, and no longer than its
 * data would have been kept.
 */
#include "fixture.h"
#include "engine.h"
#include "gaps.h"

#define LOST_MS START_REALTIME_MS

static int engine_setup(void **state) {
        Fixture *f;

        assert_int_equal(fixture_setup(state), 0);
        f = *state;
        assert_int_equal(engine_new(&f->options, &f->clock, &f->engine, &f->error), 0);
        return 0;
}

static int engine_teardown(void **state) {
        Fixture *f = *state;

        f->engine = engine_free(f->engine);
        return fixture_teardown(state);
}

static void engine_reopen(Fixture *f) {
        f->engine = engine_free(f->engine);
        assert_int_equal(engine_new(&f->options, &f->clock, &f->engine, &f->error), 0);
}

static Gap gap_of(const char *subject, int64_t since_ms, int64_t until_ms, uint64_t records) {
        return (Gap){
                .lane = LANE_TRACK,
                .purpose = PURPOSE_LOCATION,
                .reason = GAP_DAMAGED,
                .subject = (char *)subject,
                .source = (char *)"gnss",
                .records = records,
                .since_ms = since_ms,
                .until_ms = until_ms,
        };
}

static void note(Fixture *f, const Gap *gap) {
        _cleanup_transaction_ Db *transaction = NULL;

        assert_int_equal(db_begin(f->engine->db, &transaction), 0);
        assert_int_equal(engine_note_gap(f->engine, gap), 0);
        assert_int_equal(db_commit(&transaction), 0);
}

static int64_t count_gaps(Fixture *f) {
        int64_t n = -1;

        assert_int_equal(db_number(f->engine->db, "SELECT count(*) FROM gap", &n), 1);
        return n;
}

static void engine_commit_all(Fixture *f) {
        uint32_t lanes;

        assert_int_equal(engine_commit(f->engine, &lanes), 0);
}

static void add_fix(Fixture *f, int64_t time_ms) {
        _cleanup_(record_freep) Record *record = NULL;
        RowList rows = { 0 };
        Row *row;

        assert_int_equal(record_new(RECORD_FIX, SUBJECT_A, "gnss", time_ms, "{}", &record), 0);
        assert_int_equal(row_new(record, f->boottime_usec, &row), 0);
        rows_push(&rows, row);
        engine_append(f->engine, &rows);
        engine_commit_all(f);
}

/* The next batch of a lane, which is then acknowledged; NULL: there is none. */
static JournalBatch *take_batch(Fixture *f, Lane lane) {
        JournalBatch *batch = NULL;
        uint64_t object;

        assert_int_equal(engine_read_batch(f->engine, lane, 100, 100000, &batch), 0);
        if (!batch)
                return NULL;
        assert_int_equal(engine_put_intent(f->engine, lane, batch->first, batch->last, "x", &object), 0);
        assert_int_equal(engine_ack_object(f->engine, object), 0);
        return batch;
}

static void erase_range(Fixture *f, uint32_t purposes, const char *subject, int64_t since_ms, int64_t until_ms) {
        const JournalErasure erasure = {
                .purposes = purposes, .subject = subject, .since_ms = since_ms, .until_ms = until_ms,
        };
        JournalReceipt receipt = { 0 };

        assert_int_equal(engine_erase(f->engine, &erasure, &receipt), 0);
}

static void test_a_gap_becomes_a_record(void **state) {
        Fixture *f = *state;
        _cleanup_(journal_batch_freep) JournalBatch *batch = NULL;
        const Gap gap = gap_of(SUBJECT_A, LOST_MS, LOST_MS + 1500, 3);

        note(f, &gap);
        assert_int_equal(count_gaps(f), 1);
        engine_commit_all(f);
        assert_int_equal(count_gaps(f), 0);
        batch = take_batch(f, LANE_TRACK);
        assert_non_null(batch);
        assert_int_equal(batch->n_records, 1);
        assert_int_equal(batch->purpose, PURPOSE_LOCATION);
        assert_string_equal(batch->records[0]->subject, SUBJECT_A);
        assert_int_equal(batch->records[0]->time_ms, LOST_MS);
        assert_string_equal(batch->records[0]->payload,
                            "{\"type\":\"Feature\",\"geometry\":null,\"properties\":{\"time\":\"2026-11-18T11:06:40.000Z\","
                            "\"class\":\"GAP\",\"reason\":\"damaged\",\"records\":3,"
                            "\"until\":\"2026-11-18T11:06:41.500Z\",\"source\":\"gnss\"}}");
}

static void test_a_gap_without_a_time_says_so_by_absence(void **state) {
        Fixture *f = *state;
        _cleanup_(journal_batch_freep) JournalBatch *batch = NULL;
        Gap gap = gap_of(SUBJECT_A, TIME_MS_NONE, TIME_MS_NONE, UINT64_MAX);

        gap.source = (char *)"not \"a\" name";
        note(f, &gap);
        engine_commit_all(f);
        batch = take_batch(f, LANE_TRACK);
        assert_string_equal(batch->records[0]->payload,
                            "{\"type\":\"Feature\",\"geometry\":null,\"properties\":{\"class\":\"GAP\","
                            "\"reason\":\"damaged\",\"records\":18446744073709551615}}");
}

static void test_each_lane_says_its_own(void **state) {
        Fixture *f = *state;

        for (unsigned lane = 0; lane < LANE_MAX; lane++) {
                Gap gap = gap_of(SUBJECT_A, LOST_MS, LOST_MS, 1);

                gap.lane = (Lane)lane;
                note(f, &gap);
        }
        engine_commit_all(f);
        for (unsigned lane = 0; lane < LANE_MEDIA; lane++) {
                _cleanup_(journal_batch_freep) JournalBatch *batch = take_batch(f, (Lane)lane);

                assert_non_null(batch);
                assert_int_equal(batch->n_records, lane == LANE_EVENT ? 2 : 1); /* that of media is told there */
        }
        assert_null(take_batch(f, LANE_MEDIA));
}

static void test_what_meets_is_one_gap(void **state) {
        Fixture *f = *state;
        const Gap gaps[] = {
                gap_of(SUBJECT_A, LOST_MS, LOST_MS + 60000, 5),
                gap_of(SUBJECT_A, LOST_MS + 60000 + 599999, LOST_MS + 700000, 7), /* less than ten minutes behind */
                gap_of(SUBJECT_A, LOST_MS - 599999, LOST_MS - 1000, 1),           /* and before */
                gap_of(SUBJECT_A, LOST_MS, LOST_MS, 2),                           /* within */
                gap_of(SUBJECT_A, LOST_MS + 700000 + 600000, LOST_MS + 2000000, 11), /* ten minutes: another */
                gap_of(SUBJECT_B, LOST_MS, LOST_MS, 13),
                gap_of(SUBJECT_A, TIME_MS_NONE, TIME_MS_NONE, 17),
                gap_of(SUBJECT_A, TIME_MS_NONE, TIME_MS_NONE, 19),
        };
        Catalogue catalogue = engine_catalogue(f->engine);
        uint64_t after = 0, records[4] = { 0 };

        for (size_t i = 0; i < ELEMENTSOF(gaps); i++)
                note(f, &gaps[i]);
        assert_int_equal(count_gaps(f), 4);
        for (size_t i = 0; i < 4; i++) {
                _cleanup_gap_ Gap gap = { 0 };

                assert_int_equal(gaps_next(&catalogue, after, &gap), 1);
                after = gap.id;
                records[i] = gap.records;
                if (i == 0) {
                        assert_int_equal(gap.since_ms, LOST_MS - 599999);
                        assert_int_equal(gap.until_ms, LOST_MS + 700000);
                }
        }
        assert_int_equal(records[0], 15);
        assert_int_equal(records[1], 11);
        assert_int_equal(records[2], 13);
        assert_int_equal(records[3], 36);
}

static void test_times_at_the_ends_of_the_range_do_no_harm(void **state) {
        Gap a = gap_of(SUBJECT_A, INT64_MIN + 1, INT64_MIN + 1, 1), b = gap_of(SUBJECT_A, INT64_MAX, INT64_MAX, 1);

        assert_false(gaps_meet(&a, &b));
        assert_false(gaps_meet(&b, &a));
        gap_widen(&a, &b);
        assert_true(gaps_meet(&a, &b));
}

static void test_other_reasons_and_lanes_are_other_gaps(void **state) {
        Fixture *f = *state;
        Gap gap = gap_of(SUBJECT_A, LOST_MS, LOST_MS, 1);

        note(f, &gap);
        gap.reason = GAP_REFUSED;
        note(f, &gap);
        gap.lane = LANE_ALARM;
        note(f, &gap);
        gap.purpose = PURPOSE_NOTIFICATIONS;
        note(f, &gap);
        gap.source = (char *)"other";
        note(f, &gap);
        assert_int_equal(count_gaps(f), 5);
        note(f, &gap);
        assert_int_equal(count_gaps(f), 5);
}

static void test_nothing_missing_is_no_gap(void **state) {
        Fixture *f = *state;
        Gap gap = gap_of(SUBJECT_A, LOST_MS, LOST_MS, 0);

        note(f, &gap);
        gap.records = 1;
        gap.source = (char *)PARCEL_SOURCE_OWN; /* a gap's record was lost */
        note(f, &gap);
        assert_int_equal(count_gaps(f), 0);
}

static void test_a_gap_survives_a_restart_once(void **state) {
        Fixture *f = *state;
        _cleanup_(journal_batch_freep) JournalBatch *batch = NULL, *none = NULL;
        const Gap gap = gap_of(SUBJECT_A, LOST_MS, LOST_MS, 3);

        note(f, &gap);
        engine_reopen(f); /* becomes a record at the end */
        assert_int_equal(count_gaps(f), 0);
        engine_commit_all(f);
        batch = take_batch(f, LANE_TRACK);
        assert_int_equal(batch->n_records, 1);
        none = take_batch(f, LANE_TRACK);
        assert_null(none);
}

static void test_many_gaps_become_records_in_steps(void **state) {
        Fixture *f = *state;

        for (int64_t i = 0; i < 100; i++) {
                const Gap gap = gap_of(SUBJECT_A, LOST_MS + i * 3600000, LOST_MS + i * 3600000, 1);

                note(f, &gap);
        }
        engine_commit_all(f);
        assert_int_equal(count_gaps(f), 36);
        engine_commit_all(f);
        assert_int_equal(count_gaps(f), 0);
        assert_int_equal(f->engine->pending[LANE_TRACK], 100);
}

/* The number of the open parcel of fixes. */
static uint64_t open_parcel(Fixture *f) {
        assert_non_null(f->engine->open_parcels);
        return f->engine->open_parcels->parcel->row.id;
}

static void test_a_gap_of_a_parcel_holds_once_that_expired(void **state) {
        Fixture *f = *state;
        Gap gap = gap_of(SUBJECT_A, LOST_MS, LOST_MS, 1);

        add_fix(f, LOST_MS);
        gap.parcel = open_parcel(f);
        gap.reason = GAP_EXPIRED;
        note(f, &gap);
        engine_commit_all(f);
        assert_int_equal(count_gaps(f), 1); /* waits */
        fixture_advance(f, 30 * USEC_PER_DAY);
        assert_int_equal(engine_keep(f->engine), 0);
        assert_int_equal(f->engine->lanes[LANE_TRACK].expired, 1);
        assert_int_equal(count_gaps(f), 1);
        engine_commit_all(f);
        assert_int_equal(count_gaps(f), 0);
        assert_int_equal(f->engine->pending[LANE_TRACK], 1);
}

static void test_a_gap_of_a_parcel_that_lives_on_is_none(void **state) {
        Fixture *f = *state;
        Gap gap = gap_of(SUBJECT_A, LOST_MS, LOST_MS, 1);

        add_fix(f, LOST_MS);
        gap.parcel = open_parcel(f);
        note(f, &gap);
        engine_reopen(f); /* the box went down before the key was destroyed */
        assert_int_equal(count_gaps(f), 0);
        assert_int_equal(f->engine->pending[LANE_TRACK], 1);
}

static void test_a_gap_of_an_erased_parcel_is_none(void **state) {
        Fixture *f = *state;
        Gap gap = gap_of(SUBJECT_B, LOST_MS, LOST_MS, 1); /* a subject that the erasure below does not cover */

        add_fix(f, LOST_MS);
        gap.parcel = open_parcel(f);
        note(f, &gap);
        erase_range(f, ALL_PURPOSES, SUBJECT_A, TIME_MS_NONE, TIME_MS_NONE);
        assert_int_equal(count_gaps(f), 0);
}

static void test_erasing_takes_the_gaps_along(void **state) {
        Fixture *f = *state;
        const Gap a = gap_of(SUBJECT_A, LOST_MS, LOST_MS + 3600000, 1), b = gap_of(SUBJECT_B, LOST_MS, LOST_MS, 1);

        note(f, &a);
        note(f, &b);
        erase_range(f, 1U << PURPOSE_AUDIO, NULL, TIME_MS_NONE, TIME_MS_NONE);
        erase_range(f, ALL_PURPOSES, SUBJECT_A, LOST_MS + 3600001, TIME_MS_NONE);
        erase_range(f, ALL_PURPOSES, SUBJECT_A, TIME_MS_NONE, LOST_MS - 1);
        assert_int_equal(count_gaps(f), 2);
        erase_range(f, ALL_PURPOSES, SUBJECT_A, LOST_MS + 60000, LOST_MS + 60001); /* in the middle */
        assert_int_equal(count_gaps(f), 1);
        erase_range(f, 1U << PURPOSE_LOCATION, NULL, TIME_MS_NONE, TIME_MS_NONE);
        assert_int_equal(count_gaps(f), 0);
}

/* The record bears the moment at which the gap begins, and is about all of it. */
static void test_erasing_a_part_of_a_gap_takes_its_record_along(void **state) {
        Fixture *f = *state;
        const Gap gap = gap_of(SUBJECT_A, LOST_MS, LOST_MS + 3600000, 1);

        note(f, &gap);
        engine_commit_all(f);
        erase_range(f, ALL_PURPOSES, SUBJECT_A, LOST_MS + 60000, LOST_MS + 60001);
        assert_int_equal(f->engine->pending[LANE_TRACK], 0);
        assert_int_equal(f->engine->lanes[LANE_TRACK].erased, 1);
        /* And after a crash, when what is in a parcel is counted again. */
        note(f, &gap);
        engine_reopen(f);
        assert_int_equal(f->engine->pending[LANE_TRACK], 1);
        erase_range(f, ALL_PURPOSES, SUBJECT_A, LOST_MS + 60000, LOST_MS + 60001);
        assert_int_equal(f->engine->pending[LANE_TRACK], 0);
}

static void test_a_damaged_gap_is_forgotten(void **state) {
        Fixture *f = *state;
        const Gap gap = gap_of(SUBJECT_A, LOST_MS, LOST_MS, 1);

        note(f, &gap);
        assert_int_equal(db_execute(f->engine->db, "UPDATE gap SET body = zeroblob(length(body))"), 0);
        note(f, &gap);
        assert_int_equal(count_gaps(f), 2);
        engine_commit_all(f);
        assert_int_equal(count_gaps(f), 0);
        assert_int_equal(f->engine->pending[LANE_TRACK], 1);
}

static void test_a_gap_names_nobody_in_plain_text(void **state) {
        Fixture *f = *state;
        const Gap gap = gap_of("subject-in-plain-text", LOST_MS, LOST_MS, 1);

        note(f, &gap);
        assert_int_equal(db_execute(f->engine->db, "PRAGMA wal_checkpoint(TRUNCATE)"), 0);
        assert_false(text_in_state(f, "subject-in-plain-text"));
}

static void test_no_gap_fails_the_commit_of_what_was_recorded(void **state) {
        Fixture *f = *state;
        const Gap gap = gap_of(SUBJECT_A, LOST_MS, LOST_MS, 1);
        uint32_t lanes = 0;

        note(f, &gap);
        assert_int_equal(db_execute(f->engine->db, "CREATE TRIGGER stop BEFORE DELETE ON gap BEGIN"
                                                   " SELECT RAISE(ABORT, 'no'); END"), 0);
        assert_true(engine_commit(f->engine, &lanes) < 0);
        assert_int_equal(rows_total(&f->engine->waiting[ROW_CLASS_PLAIN]).n, 0);
        assert_int_equal(f->engine->pending[LANE_TRACK], 0);
        assert_int_equal(count_gaps(f), 1);
        assert_int_equal(db_execute(f->engine->db, "DROP TRIGGER stop"), 0);
        engine_commit_all(f);
        assert_int_equal(count_gaps(f), 0);
        assert_int_equal(f->engine->pending[LANE_TRACK], 1);
}

#define test(name) cmocka_unit_test_setup_teardown(test_##name, engine_setup, engine_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                test(a_gap_becomes_a_record),
                test(a_gap_without_a_time_says_so_by_absence),
                test(each_lane_says_its_own),
                test(what_meets_is_one_gap),
                test(times_at_the_ends_of_the_range_do_no_harm),
                test(other_reasons_and_lanes_are_other_gaps),
                test(nothing_missing_is_no_gap),
                test(a_gap_survives_a_restart_once),
                test(many_gaps_become_records_in_steps),
                test(a_gap_of_a_parcel_holds_once_that_expired),
                test(a_gap_of_a_parcel_that_lives_on_is_none),
                test(a_gap_of_an_erased_parcel_is_none),
                test(erasing_takes_the_gaps_along),
                test(erasing_a_part_of_a_gap_takes_its_record_along),
                test(a_damaged_gap_is_forgotten),
                test(a_gap_names_nobody_in_plain_text),
                test(no_gap_fails_the_commit_of_what_was_recorded),
        };

        return cmocka_run_group_tests_name("journal gaps", tests, NULL, NULL);
}
