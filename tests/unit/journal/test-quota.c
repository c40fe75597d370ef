/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What goes when there is too much: in which order, how much of it, how it is counted and said, and that its room is
 * used again.
 */
#include "fixture.h"
#include <sys/stat.h>
#include "engine.h"

#define MAX_USE_BYTES ((uint64_t)1024 * 1024)
#define PAYLOAD_BYTES 1900
#define PARCEL_RECORDS 16 /* some 32 KiB */

static int engine_setup(void **state) {
        Fixture *f;

        assert_int_equal(fixture_setup(state), 0);
        f = *state;
        f->options.max_use_bytes = MAX_USE_BYTES;
        f->options.keep_free_bytes = 1;
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

static void engine_commit_all(Fixture *f) {
        uint32_t lanes;

        assert_int_equal(engine_commit(f->engine, &lanes), 0);
        while (f->engine->has_dead)
                assert_int_equal(engine_reclaim(f->engine), 0);
}

/* A parcel of its own: ten minutes later than the one before. */
static void add_parcel(Fixture *f, RecordKind kind, size_t n_records) {
        static char payload[PAYLOAD_BYTES + 1];
        RowList rows = { 0 };

        fixture_advance(f, 10 * USEC_PER_MINUTE);
        memset(payload, ' ', PAYLOAD_BYTES);
        payload[0] = '{';
        payload[PAYLOAD_BYTES - 1] = '}';
        for (size_t i = 0; i < n_records; i++) {
                _cleanup_(record_freep) Record *record = NULL;
                Row *row;

                assert_int_equal(record_new(kind, SUBJECT_A, "gnss",
                                            (int64_t)(f->realtime_usec / USEC_PER_MSEC) + (int64_t)i * 1000, payload,
                                            &record),
                                 0);
                assert_int_equal(row_new(record, f->boottime_usec, &row), 0);
                rows_push(&rows, row);
        }
        engine_append(f->engine, &rows);
        engine_commit_all(f);
}

static void add_parcels(Fixture *f, RecordKind kind, size_t n) {
        for (size_t i = 0; i < n; i++)
                add_parcel(f, kind, PARCEL_RECORDS);
}

static uint64_t evicted(Fixture *f, Lane lane) {
        return f->engine->lanes[lane].evicted;
}

/* The next batch of a lane is acknowledged. */
static uint64_t send_one(Fixture *f, Lane lane) {
        _cleanup_(journal_batch_freep) JournalBatch *batch = NULL;
        uint64_t object;

        assert_int_equal(engine_read_batch(f->engine, lane, 1000, 1 << 20, &batch), 0);
        if (!batch)
                return 0;
        object = batch->object;
        if (object == 0)
                assert_int_equal(engine_put_intent(f->engine, lane, batch->first, batch->last, "x", &object), 0);
        assert_int_equal(engine_ack_object(f->engine, object), 0);
        return batch->n_records;
}

static void check_recorded(Fixture *f) {
        EngineReport report;

        engine_report(f->engine, &report);
        for (unsigned i = 0; i < LANE_MAX; i++) {
                const JournalLaneCounters *c = &report.counters.lanes[i];

                assert_int_equal(c->recorded,
                                 c->pending + c->stored + c->parked + c->expired + c->evicted + c->erased);
        }
}

/* What is kept in step is what a start would count. */
static void check_weight(Fixture *f) {
        uint64_t kept[LANE_MAX];

        memcpy(kept, f->engine->lane_bytes, sizeof(kept));
        engine_reopen(f);
        for (unsigned lane = 0; lane < LANE_MAX; lane++)
                assert_int_equal(f->engine->lane_bytes[lane], kept[lane]);
}

static void test_nothing_goes_below_the_limit(void **state) {
        Fixture *f = *state;

        add_parcels(f, RECORD_FIX, 20);
        assert_int_equal(evicted(f, LANE_TRACK), 0);
        assert_true(f->engine->lane_bytes[LANE_TRACK] > (uint64_t)20 * PARCEL_RECORDS * PAYLOAD_BYTES);
        assert_true(f->engine->lane_bytes[LANE_TRACK] < (uint64_t)20 * PARCEL_RECORDS * (PAYLOAD_BYTES + 100));
        check_weight(f);
}

static void test_the_oldest_goes_above_it(void **state) {
        Fixture *f = *state;
        _cleanup_(journal_batch_freep) JournalBatch *batch = NULL;
        int64_t first_ms = (int64_t)(f->realtime_usec / USEC_PER_MSEC) + 600000;
        Quota quota;
        uint64_t n;

        add_parcels(f, RECORD_FIX, 40);
        n = evicted(f, LANE_TRACK);
        assert_in_range(n, PARCEL_RECORDS, 15 * PARCEL_RECORDS);
        assert_int_equal(n % PARCEL_RECORDS, 0); /* parcels go whole */
        assert_int_equal(engine_measure(f->engine, &quota), 0);
        assert_true(quota.used_bytes < MAX_USE_BYTES + 64 * 1024); /* one parcel more than when it was last looked at */
        assert_int_equal(engine_read_batch(f->engine, LANE_TRACK, 1, 1 << 20, &batch), 0);
        assert_int_equal(batch->records[0]->time_ms, first_ms + (int64_t)(n / PARCEL_RECORDS) * 600000);
        check_recorded(f);
        check_weight(f);
        assert_int_equal(evicted(f, LANE_TRACK), n);
        check_recorded(f);
}

static void test_the_lowest_lane_goes_first(void **state) {
        Fixture *f = *state;

        add_parcels(f, RECORD_FIX, 10);
        add_parcels(f, RECORD_EVENT, 2);
        add_parcels(f, RECORD_DIAGNOSTIC, 2);
        assert_int_equal(engine_close_old(f->engine, UINT64_MAX), 0); /* what is open is spared */
        for (int i = 0; i < 40; i++) {
                add_parcel(f, RECORD_ALARM, PARCEL_RECORDS);
                if (evicted(f, LANE_TRACK) > 0)
                        assert_int_equal(evicted(f, LANE_DIAGNOSTICS), 2 * PARCEL_RECORDS);
                if (evicted(f, LANE_EVENT) > 0)
                        assert_int_equal(evicted(f, LANE_TRACK), 10 * PARCEL_RECORDS);
                if (evicted(f, LANE_ALARM) > 0)
                        assert_int_equal(evicted(f, LANE_EVENT), 2 * PARCEL_RECORDS);
        }
        assert_true(evicted(f, LANE_ALARM) > 0);
        check_recorded(f);
}

/* A fix that comes while there are alarms only goes itself before one of them does. */
static void test_no_alarm_goes_before_a_fix(void **state) {
        Fixture *f = *state;

        add_parcels(f, RECORD_ALARM, 28);
        for (int i = 0; i < 10; i++) {
                uint64_t n_alarms = evicted(f, LANE_ALARM);

                add_parcel(f, RECORD_FIX, PARCEL_RECORDS);
                assert_int_equal(evicted(f, LANE_ALARM), n_alarms);
        }
        assert_true(evicted(f, LANE_TRACK) > 0);
        assert_int_equal(evicted(f, LANE_ALARM), 0);
}

static void test_a_lane_keeps_to_its_share(void **state) {
        Fixture *f = *state;

        add_parcels(f, RECORD_FIX, 2);
        add_parcels(f, RECORD_DIAGNOSTIC, 6); /* a tenth is three of them */
        assert_in_range(evicted(f, LANE_DIAGNOSTICS), 2 * PARCEL_RECORDS, 4 * PARCEL_RECORDS);
        assert_int_equal(evicted(f, LANE_TRACK), 0);
        add_parcels(f, RECORD_EVENT, 6);
        assert_in_range(evicted(f, LANE_EVENT), 2 * PARCEL_RECORDS, 4 * PARCEL_RECORDS);
        assert_true(f->engine->lane_bytes[LANE_EVENT] < MAX_USE_BYTES / 10 + 40 * 1024);
}

static void test_what_the_store_has_goes_first(void **state) {
        Fixture *f = *state;

        add_parcels(f, RECORD_FIX, 24);
        for (int i = 0; i < 24; i++)
                assert_int_equal(send_one(f, LANE_TRACK), PARCEL_RECORDS);
        add_parcels(f, RECORD_ALARM, 20);
        assert_int_equal(evicted(f, LANE_TRACK), 0);
        assert_int_equal(evicted(f, LANE_ALARM), 0);
        assert_int_equal(f->engine->lanes[LANE_TRACK].stored, 24 * PARCEL_RECORDS);
}

/* Even where its parcel is open still. */
static void test_what_the_store_has_of_an_open_parcel_goes_first(void **state) {
        Fixture *f = *state;

        add_parcel(f, RECORD_FIX, 400);
        assert_int_equal(send_one(f, LANE_TRACK), 400);
        assert_true(f->engine->lane_bytes[LANE_TRACK] > MAX_USE_BYTES / 2);
        f->options.max_use_bytes = 0;
        f->engine->max_use_bytes = MAX_USE_BYTES / 2;
        assert_int_equal(engine_evict(f->engine, UINT32_MAX, 1, 0), 1);
        assert_int_equal(f->engine->lane_bytes[LANE_TRACK], 0);
        assert_int_equal(evicted(f, LANE_TRACK), 0);
}

/* What arrives of it would have to be deleted in the store again. */
static void test_what_is_on_its_way_goes_last(void **state) {
        Fixture *f = *state;
        _cleanup_(journal_batch_freep) JournalBatch *batch = NULL;
        uint64_t object;

        add_parcels(f, RECORD_FIX, 20);
        assert_int_equal(engine_read_batch(f->engine, LANE_TRACK, 5, 1 << 20, &batch), 0);
        assert_int_equal(engine_put_intent(f->engine, LANE_TRACK, batch->first, batch->last, "x", &object), 0);
        assert_int_equal(engine_close_old(f->engine, UINT64_MAX), 0);
        assert_int_equal(engine_evict(f->engine, UINT32_MAX, f->engine->lane_bytes[LANE_TRACK] / 20 * 19, 0), 1);
        assert_int_equal(evicted(f, LANE_TRACK), 19 * PARCEL_RECORDS);
        engine_commit_all(f);
        assert_int_equal(engine_ack_object(f->engine, object), 0);
        add_parcel(f, RECORD_FIX, PARCEL_RECORDS); /* the rest of that parcel is the oldest */
        assert_int_equal(send_one(f, LANE_TRACK), PARCEL_RECORDS - 5);
        check_recorded(f);
}

static void test_what_is_being_recorded_goes_last(void **state) {
        Fixture *f = *state;

        add_parcels(f, RECORD_FIX, 2);
        add_parcels(f, RECORD_DIAGNOSTIC, 2);
        assert_int_equal(engine_evict(f->engine, UINT32_MAX, 1000 * 50, 0), 1);
        assert_int_equal(evicted(f, LANE_DIAGNOSTICS), PARCEL_RECORDS);
        assert_int_equal(evicted(f, LANE_TRACK), PARCEL_RECORDS);
        engine_commit_all(f);
        assert_int_equal(engine_evict(f->engine, UINT32_MAX, 1, EVICT_SPARING), 0);
        assert_int_equal(engine_evict(f->engine, UINT32_MAX, 1, 0), 1);
        assert_int_equal(evicted(f, LANE_DIAGNOSTICS), 2 * PARCEL_RECORDS);
        assert_int_equal(evicted(f, LANE_TRACK), PARCEL_RECORDS);
}

static void test_less_than_enough_is_nothing(void **state) {
        Fixture *f = *state;

        add_parcels(f, RECORD_FIX, 4);
        assert_int_equal(engine_evict(f->engine, UINT32_MAX, MAX_USE_BYTES, EVICT_ENOUGH), 0);
        assert_int_equal(evicted(f, LANE_TRACK), 0);
        engine_commit_all(f); /* and says nothing */
        assert_int_equal(f->engine->pending[LANE_TRACK], 4 * PARCEL_RECORDS);
}

static void test_what_is_on_its_way_is_doomed_when_it_goes(void **state) {
        Fixture *f = *state;
        _cleanup_(journal_batch_freep) JournalBatch *batch = NULL;
        uint64_t object;

        add_parcels(f, RECORD_FIX, 2);
        assert_int_equal(engine_read_batch(f->engine, LANE_TRACK, 5, 1 << 20, &batch), 0);
        assert_int_equal(engine_put_intent(f->engine, LANE_TRACK, batch->first, batch->last, "x", &object), 0);
        assert_int_equal(engine_evict(f->engine, UINT32_MAX, MAX_USE_BYTES, 0), 1);
        assert_int_equal(evicted(f, LANE_TRACK), 2 * PARCEL_RECORDS);
        assert_int_equal(f->engine->objects_doomed, 1);
        assert_int_equal(engine_ack_object(f->engine, object), JOURNAL_E_GONE);
}

static void test_a_gap_says_what_went(void **state) {
        Fixture *f = *state;
        _cleanup_(journal_batch_freep) JournalBatch *batch = NULL;
        char expected[160], since[RFC3339_MS_MAX], until[RFC3339_MS_MAX];
        int64_t first_ms = (int64_t)(f->realtime_usec / USEC_PER_MSEC) + 600000;

        add_parcels(f, RECORD_FIX, 3);
        assert_int_equal(send_one(f, LANE_TRACK), PARCEL_RECORDS);
        assert_int_equal(engine_evict(f->engine, UINT32_MAX, MAX_USE_BYTES, 0), 1); /* the first, which the store has */
        assert_int_equal(engine_evict(f->engine, UINT32_MAX, MAX_USE_BYTES, 0), 1);
        engine_commit_all(f);
        assert_int_equal(engine_read_batch(f->engine, LANE_TRACK, 100, 1 << 20, &batch), 0);
        assert_int_equal(batch->n_records, 1);
        format_rfc3339_ms(first_ms + 600000, since);
        format_rfc3339_ms(first_ms + 1200000 + (PARCEL_RECORDS - 1) * 1000, until);
        (void)snprintf(expected, sizeof(expected), "{\"time\":\"%s\",\"class\":\"GAP\",\"reason\":\"evicted\","
                       "\"records\":%d,\"until\":\"%s\",\"source\":\"gnss\"}", since, 2 * PARCEL_RECORDS, until);
        assert_non_null(strstr(batch->records[0]->payload, expected));
}

/* Of a parcel that the store has a part of, only the rest is missing. */
static void test_a_gap_leaves_out_what_the_store_has(void **state) {
        Fixture *f = *state;
        _cleanup_(journal_batch_freep) JournalBatch *batch = NULL, *gap = NULL;
        uint64_t object;

        add_parcels(f, RECORD_FIX, 1);
        assert_int_equal(engine_read_batch(f->engine, LANE_TRACK, 5, 1 << 20, &batch), 0);
        assert_int_equal(engine_put_intent(f->engine, LANE_TRACK, batch->first, batch->last, "x", &object), 0);
        assert_int_equal(engine_ack_object(f->engine, object), 0);
        assert_int_equal(engine_evict(f->engine, UINT32_MAX, 1, 0), 1);
        engine_commit_all(f);
        assert_int_equal(evicted(f, LANE_TRACK), PARCEL_RECORDS - 5);
        assert_int_equal(engine_read_batch(f->engine, LANE_TRACK, 100, 1 << 20, &gap), 0);
        assert_non_null(strstr(gap->records[0]->payload, "\"records\":11,"));
        check_recorded(f);
}

static void test_records_of_gaps_stay(void **state) {
        Fixture *f = *state;
        uint64_t n_bytes;

        add_parcels(f, RECORD_FIX, 3);
        assert_int_equal(engine_evict(f->engine, UINT32_MAX, MAX_USE_BYTES, 0), 1);
        engine_commit_all(f);
        n_bytes = f->engine->lane_bytes[LANE_TRACK];
        assert_true(n_bytes > 0);
        assert_int_equal(engine_evict(f->engine, UINT32_MAX, MAX_USE_BYTES, 0), 0);
        assert_int_equal(f->engine->lane_bytes[LANE_TRACK], n_bytes);
}

static void test_the_room_is_used_again(void **state) {
        Fixture *f = *state;
        _cleanup_free_ char *journal = fixture_path(f, "journal.db"), *wal = fixture_path(f, "journal.db-wal");
        struct stat st;

        add_parcels(f, RECORD_FIX, 300); /* ten times what may be there */
        assert_true(evicted(f, LANE_TRACK) > 250 * PARCEL_RECORDS);
        assert_int_equal(stat(journal, &st), 0);
        assert_true(st.st_size < (off_t)MAX_USE_BYTES * 5 / 4);
        assert_int_equal(stat(wal, &st), 0);
        assert_true(st.st_size < 5 * 1024 * 1024);
        check_recorded(f);
        check_weight(f);
}

static void test_all_that_goes_is_subtracted(void **state) {
        Fixture *f = *state;
        const JournalErasure erasure = {
                .purposes = 1U << PURPOSE_NOTIFICATIONS, .since_ms = TIME_MS_NONE, .until_ms = TIME_MS_NONE,
        };
        JournalReceipt receipt = { 0 };

        add_parcels(f, RECORD_FIX, 3);
        add_parcels(f, RECORD_ALARM, 3);
        add_parcels(f, RECORD_EVENT, 1);
        assert_int_equal(engine_erase(f->engine, &erasure, &receipt), 0);
        assert_int_equal(f->engine->lane_bytes[LANE_ALARM], 0);
        assert_int_equal(send_one(f, LANE_TRACK), PARCEL_RECORDS);
        add_parcels(f, RECORD_EVENT, 1);
        check_weight(f);
        fixture_advance(f, 31 * USEC_PER_DAY);
        assert_int_equal(engine_keep(f->engine), 0);
        for (unsigned lane = 0; lane < LANE_MAX; lane++)
                assert_int_equal(f->engine->lane_bytes[lane], 0);
}

/* A file system that is to keep more than it has: journal.db does not grow, and what is new takes the place of the old. */
static void test_what_others_are_to_have_is_left_to_them(void **state) {
        Fixture *f = *state;
        DbSize before, after;

        f->engine->max_use_bytes = 64 * MAX_USE_BYTES;
        add_parcels(f, RECORD_FIX, 30);
        assert_int_equal(db_get_size(f->engine->db, &before), 0);
        assert_int_equal(evicted(f, LANE_TRACK), 0);
        f->engine->keep_free_bytes = UINT64_MAX / 2;
        add_parcels(f, RECORD_FIX, 100);
        assert_int_equal(db_get_size(f->engine->db, &after), 0);
        assert_true(evicted(f, LANE_TRACK) >= 70 * PARCEL_RECORDS);
        assert_true(f->engine->pending[LANE_TRACK] > 0);
        assert_true(after.bytes <= before.bytes + 256 * 1024);
}

static void test_the_limits_follow_the_file_system(void **state) {
        Fixture *f = *state;
        Quota quota;

        f->engine->max_use_bytes = f->engine->keep_free_bytes = 0;
        assert_int_equal(engine_measure(f->engine, &quota), 0);
        assert_true(quota.max_bytes > quota.left_bytes / 4);
        assert_in_range(quota.keep_free_bytes, 1, (uint64_t)1 << 30);
        f->engine->max_use_bytes = 1;
        assert_int_equal(engine_measure(f->engine, &quota), 0);
        assert_int_equal(quota.max_bytes, MAX_USE_BYTES); /* not less, or nothing could be kept */
}

#define test(name) cmocka_unit_test_setup_teardown(test_##name, engine_setup, engine_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                test(nothing_goes_below_the_limit),
                test(the_oldest_goes_above_it),
                test(the_lowest_lane_goes_first),
                test(no_alarm_goes_before_a_fix),
                test(a_lane_keeps_to_its_share),
                test(what_the_store_has_goes_first),
                test(what_the_store_has_of_an_open_parcel_goes_first),
                test(what_is_on_its_way_goes_last),
                test(what_is_being_recorded_goes_last),
                test(less_than_enough_is_nothing),
                test(what_is_on_its_way_is_doomed_when_it_goes),
                test(a_gap_says_what_went),
                test(a_gap_leaves_out_what_the_store_has),
                test(records_of_gaps_stay),
                test(the_room_is_used_again),
                test(all_that_goes_is_subtracted),
                test(what_others_are_to_have_is_left_to_them),
                test(the_limits_follow_the_file_system),
        };

        return cmocka_run_group_tests_name("journal quota", tests, NULL, NULL);
}
