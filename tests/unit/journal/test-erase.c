/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fixture.h"
#include <errno.h>

#define EVERYTHING ((JournalErasure){ .purposes = ALL_PURPOSES, .since_ms = TIME_MS_NONE, .until_ms = TIME_MS_NONE })

static void test_erased_records_are_not_read(void **state) {
        Fixture *f = *state;
        JournalReceipt receipt;

        assert_int_equal(fixture_open(f), 0);
        append(f, 5);
        assert_int_equal(erase(f, &EVERYTHING, &receipt), 0);
        assert_int_equal(receipt.request, 1);
        assert_int_equal(receipt.parcels, 1);
        assert_int_equal(receipt.records, 5);
        assert_int_equal(receipt.objects_doomed, 0);
        assert_null(read_batch(f, LANE_TRACK, 10));
        assert_int_equal(lane_counters(f, LANE_TRACK)->erased, 5);
        assert_int_equal(lane_counters(f, LANE_TRACK)->pending, 0);
        check_counters(f);
        fixture_reopen(f);
        assert_null(read_batch(f, LANE_TRACK, 10));
        assert_int_equal(lane_counters(f, LANE_TRACK)->erased, 5);
        check_counters(f);
}

static void test_uncommitted_records_are_dropped(void **state) {
        Fixture *f = *state;
        JournalErasure of_a = EVERYTHING;
        JournalReceipt receipt;

        of_a.subject = SUBJECT_A;
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(append_record(f, RECORD_FIX, SUBJECT_A, START_REALTIME_MS), 0);
        assert_int_equal(append_record(f, RECORD_FIX, SUBJECT_B, START_REALTIME_MS), 0);
        assert_int_equal(erase(f, &of_a, &receipt), 0);
        assert_int_equal(receipt.records, 1);
        assert_int_equal(receipt.parcels, 0);
        assert_int_equal(lane_counters(f, LANE_TRACK)->recorded, 1); /* B's is durable now */
}

static void test_records_after_an_erasure_are_kept(void **state) {
        Fixture *f = *state;
        JournalReceipt receipt;

        assert_int_equal(fixture_open(f), 0);
        append(f, 5);
        assert_int_equal(erase(f, &EVERYTHING, &receipt), 0);
        append(f, 2);
        wait_reclaimed(f);
        fixture_reopen(f);
        assert_int_equal(lane_counters(f, LANE_TRACK)->pending, 2);
        assert_int_equal(send_batch(f, LANE_TRACK, 10), 2);
}

static void test_other_purposes_and_subjects_stay(void **state) {
        Fixture *f = *state;
        JournalErasure location = EVERYTHING;
        JournalReceipt receipt;

        location.purposes = 1U << PURPOSE_LOCATION;
        location.subject = SUBJECT_A;
        assert_int_equal(fixture_open(f), 0);
        append(f, 2);
        assert_int_equal(append_record(f, RECORD_EVENT, SUBJECT_A, START_REALTIME_MS), 0);
        assert_int_equal(append_record(f, RECORD_FIX, SUBJECT_B, START_REALTIME_MS), 0);
        assert_int_equal(commit(f), 0);
        assert_int_equal(erase(f, &location, &receipt), 0);
        assert_int_equal(receipt.parcels, 1);
        assert_int_equal(send_batch(f, LANE_EVENT, 10), 1);
        assert_int_equal(send_batch(f, LANE_TRACK, 10), 1);
        check_counters(f);
}

static void test_stored_objects_are_doomed(void **state) {
        Fixture *f = *state;
        JournalErasureState states[16];
        uint64_t objects[64];
        JournalReceipt receipt;
        char names[64][80];

        assert_int_equal(fixture_open(f), 0);
        append(f, 5);
        assert_int_equal(send_batch(f, LANE_TRACK, 2), 2);
        assert_int_equal(send_batch(f, LANE_TRACK, 2), 2);
        assert_int_equal(erase(f, &EVERYTHING, &receipt), 0);
        assert_int_equal(receipt.objects_doomed, 2);
        assert_int_equal(f->n_doomed, 1);
        assert_int_equal(journal_counters(f->journal)->objects_stored, 0);
        assert_int_equal(journal_counters(f->journal)->objects_doomed, 2);
        assert_int_equal(lane_counters(f, LANE_TRACK)->erased, 5);
        check_counters(f);
        assert_int_equal(list_doomed(f, objects, names), 2);
        assert_int_equal(object_deleted(f, objects[0]), 0);
        assert_int_equal(object_deleted(f, objects[0]), JOURNAL_E_GONE);
        assert_int_equal(list_erasures(f, states), 1);
        assert_int_equal(states[0].objects_doomed, 2);
        assert_int_equal(states[0].objects_deleted, 1);
        fixture_reopen(f);
        assert_int_equal(journal_counters(f->journal)->objects_doomed, 1);
        assert_int_equal(list_doomed(f, objects, names), 1);
}

static void test_object_of_a_released_parcel_is_doomed(void **state) {
        Fixture *f = *state;
        JournalErasure of_a = EVERYTHING;
        JournalReceipt receipt;

        of_a.subject = SUBJECT_A;
        assert_int_equal(fixture_open(f), 0);
        append(f, 5);
        send_all(f, LANE_TRACK);
        fixture_reopen(f);
        assert_int_equal(erase(f, &of_a, &receipt), 0);
        assert_int_equal(receipt.parcels, 0);
        assert_int_equal(receipt.objects_doomed, 1);
}

static void test_open_intent_is_doomed(void **state) {
        Fixture *f = *state;
        _cleanup_(journal_batch_freep) JournalBatch *batch = NULL;
        uint64_t object, objects[64];
        JournalReceipt receipt;
        char names[64][80];

        assert_int_equal(fixture_open(f), 0);
        append(f, 5);
        batch = read_batch(f, LANE_TRACK, 3);
        assert_int_equal(put_intent(f, LANE_TRACK, batch->first, batch->last, "tracks/maybe", &object), 0);
        assert_int_equal(erase(f, &EVERYTHING, &receipt), 0);
        assert_int_equal(receipt.objects_doomed, 1);
        assert_int_equal(ack(f, object), JOURNAL_E_GONE);
        assert_int_equal(list_doomed(f, objects, names), 1);
        assert_int_equal(objects[0], object);
        assert_string_equal(names[0], "tracks/maybe");
        assert_int_equal(lane_counters(f, LANE_TRACK)->erased, 5);
        check_counters(f);
}

static void test_withdrawal_leaves_what_was_sent(void **state) {
        Fixture *f = *state;
        JournalErasure unsent = EVERYTHING;
        JournalReceipt receipt;

        unsent.unsent_only = true;
        assert_int_equal(fixture_open(f), 0);
        append(f, 5);
        assert_int_equal(send_batch(f, LANE_TRACK, 2), 2);
        assert_int_equal(erase(f, &unsent, &receipt), 0);
        assert_int_equal(receipt.objects_doomed, 0);
        assert_int_equal(receipt.parcels, 1);
        assert_int_equal(receipt.records, 3);
        assert_int_equal(receipt.copies, 2);
        assert_int_equal(journal_counters(f->journal)->objects_stored, 1);
        assert_int_equal(lane_counters(f, LANE_TRACK)->stored, 2);
        assert_int_equal(lane_counters(f, LANE_TRACK)->erased, 3);
        assert_null(read_batch(f, LANE_TRACK, 10));
        check_counters(f);
}

static void test_range_of_time_is_rounded_to_parcels(void **state) {
        Fixture *f = *state;
        JournalErasure range = EVERYTHING;
        JournalReceipt receipt;

        assert_int_equal(fixture_open(f), 0);
        append(f, 1800); /* three parcels of ten minutes */
        range.since_ms = START_REALTIME_MS + 700 * 1000;
        range.until_ms = START_REALTIME_MS + 800 * 1000;
        assert_int_equal(erase(f, &range, &receipt), 0);
        assert_int_equal(receipt.parcels, 1);
        assert_int_equal(receipt.records, 600);
        assert_true(receipt.since_ms == START_REALTIME_MS + 600 * 1000);
        assert_true(receipt.until_ms == START_REALTIME_MS + 1199 * 1000);
        assert_int_equal(lane_counters(f, LANE_TRACK)->pending, 1200);
        send_all(f, LANE_TRACK);
        assert_int_equal(lane_counters(f, LANE_TRACK)->stored, 1200);
        check_counters(f);
}

static void test_record_without_a_time_lies_in_every_range(void **state) {
        Fixture *f = *state;
        JournalErasure range = EVERYTHING;
        JournalReceipt receipt;

        range.since_ms = 1;
        range.until_ms = 2;
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(append_record(f, RECORD_FIX, SUBJECT_A, TIME_MS_NONE), 0);
        assert_int_equal(append_record(f, RECORD_FIX, SUBJECT_B, START_REALTIME_MS), 0);
        assert_int_equal(commit(f), 0);
        assert_int_equal(erase(f, &range, &receipt), 0);
        assert_int_equal(receipt.parcels, 1);
        assert_int_equal(lane_counters(f, LANE_TRACK)->pending, 1);
}

static void test_parked_records_are_erased_too(void **state) {
        Fixture *f = *state;
        _cleanup_(journal_batch_freep) JournalBatch *batch = NULL;
        JournalReceipt receipt;
        uint64_t object;

        assert_int_equal(fixture_open(f), 0);
        append(f, 3);
        batch = read_batch(f, LANE_TRACK, 1);
        assert_int_equal(put_intent(f, LANE_TRACK, batch->first, batch->last, "x", &object), 0);
        assert_int_equal(park(f, object), 0);
        assert_int_equal(erase(f, &EVERYTHING, &receipt), 0);
        assert_int_equal(receipt.records, 3);
        assert_int_equal(receipt.copies, 0);
        assert_int_equal(lane_counters(f, LANE_TRACK)->parked, 0);
        assert_int_equal(lane_counters(f, LANE_TRACK)->erased, 3);
        check_counters(f);
}

static void test_rows_are_reclaimed(void **state) {
        Fixture *f = *state;
        JournalErasureState states[16];
        JournalReceipt receipt;

        assert_int_equal(fixture_open(f), 0);
        for (int i = 0; i < 5; i++)
                append(f, 1000);
        assert_int_equal(erase(f, &EVERYTHING, &receipt), 0);
        assert_int_equal(receipt.records, 5000);
        wait_reclaimed(f);
        assert_int_equal(list_erasures(f, states), 1);
        assert_true(states[0].is_reclaimed);
        assert_int_equal(states[0].records, 5000);
        assert_int_equal(states[0].purposes, ALL_PURPOSES);
        assert_true(states[0].requested_realtime_ms > START_REALTIME_MS);
        fixture_close(f);
        assert_int_equal(sql_number(f, "journal.db", "SELECT count(*) FROM track"), 0);
        assert_int_equal(sql_number(f, "journal.db", "SELECT count(*) FROM dead"), 0);
        assert_int_equal(sql_number(f, "vault.db", "SELECT count(*) FROM parcel WHERE fate < 7"), 0);
}

/* What a crash between the two databases leaves: keys destroyed, journal.db not told. */
static void test_erasure_is_finished_by_the_next_start(void **state) {
        Fixture *f = *state;
        JournalReceipt receipt;

        assert_int_equal(fixture_open(f), 0);
        append(f, 5);
        assert_int_equal(send_batch(f, LANE_TRACK, 2), 2);
        fixture_close(f);
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(erase(f, &EVERYTHING, &receipt), 0);
        fixture_close(f);
        /* Back to before: none of it is noted. */
        sql_run(f, "journal.db", "UPDATE object SET state = 3, erasure = NULL; DELETE FROM applied; DELETE FROM dead;"
                                 "UPDATE lane SET stored = 2, erased = 0, objects = 1 WHERE id = 2");
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(journal_counters(f->journal)->objects_doomed, 1);
        assert_int_equal(journal_counters(f->journal)->objects_stored, 0);
        check_counters(f);
}

static void test_keys_are_wrapped_anew(void **state) {
        Fixture *f = *state;
        JournalErasure of_a = EVERYTHING;
        JournalReceipt receipt;
        int64_t before;

        of_a.subject = SUBJECT_A;
        assert_int_equal(fixture_open(f), 0);
        append(f, 5);
        assert_int_equal(append_record(f, RECORD_FIX, SUBJECT_B, START_REALTIME_MS), 0);
        assert_int_equal(commit(f), 0);
        assert_int_equal(ledger_append_entry(f, "{\"a\":1}"), 0);
        fixture_close(f);
        before = sql_number(f, "vault.db", "SELECT salt = x'00' FROM vault");
        assert_int_equal(before, 0);
        sql_run(f, "vault.db", "CREATE TABLE old AS SELECT salt, ledger_key FROM vault");
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(erase(f, &of_a, &receipt), 0);
        fixture_close(f);
        assert_int_equal(sql_number(f, "vault.db", "SELECT count(*) FROM vault, old WHERE vault.salt = old.salt"
                                                   " OR vault.ledger_key = old.ledger_key"), 0);
        sql_run(f, "vault.db", "DROP TABLE old");
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(send_batch(f, LANE_TRACK, 10), 1); /* B's */
}

static int no_entry(uint64_t seq, const char *body, void *userdata) {
        return strcmp(body, "{\"erased\":true}") == 0 ? 0 : -EINVAL;
}

static void test_ledger_entry_goes_with_the_erasure(void **state) {
        Fixture *f = *state;
        JournalErasure erasure = EVERYTHING;
        JournalReceipt receipt;

        erasure.ledger_body = "{\"erased\":true}";
        assert_int_equal(fixture_open(f), 0);
        append(f, 1);
        assert_int_equal(erase(f, &erasure, &receipt), 0);
        fixture_reopen(f);
        assert_int_equal(journal_ledger_replay(f->journal, no_entry, NULL), 0);
}

static void test_nothing_to_erase_is_a_receipt_too(void **state) {
        Fixture *f = *state;
        JournalReceipt receipt;

        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(erase(f, &EVERYTHING, &receipt), 0);
        assert_int_equal(receipt.request, 1);
        assert_int_equal(receipt.parcels, 0);
        assert_int_equal(erase(f, &EVERYTHING, &receipt), 0);
        assert_int_equal(receipt.request, 2);
}

/* A record that was damaged after its intent had been written is in no store; an erasure counts it once. */
static void test_damaged_record_of_a_stored_object_is_counted_once(void **state) {
        const JournalErasure of_a = { .purposes = ALL_PURPOSES, .subject = SUBJECT_A, .since_ms = TIME_MS_NONE,
                                      .until_ms = TIME_MS_NONE };
        _cleanup_(journal_batch_freep) JournalBatch *batch = NULL;
        JournalReceipt receipt;
        Fixture *f = *state;
        uint64_t object;

        assert_int_equal(fixture_open(f), 0);
        append(f, 3);
        assert_int_equal(append_record(f, RECORD_FIX, SUBJECT_B, START_REALTIME_MS), 0);
        assert_int_equal(commit(f), 0);
        batch = read_batch(f, LANE_TRACK, 3);
        assert_int_equal(put_intent(f, LANE_TRACK, batch->first, batch->last, "x", &object), 0);
        fixture_close(f);
        sql_run(f, "journal.db",
                "UPDATE track SET body = substr(body, 1, 30) || x'00000000' || substr(body, 35) WHERE id = (SELECT min(id) FROM"
                " track)");
        assert_int_equal(fixture_open(f), 0);
        send_all(f, LANE_TRACK);
        assert_int_equal(lane_counters(f, LANE_TRACK)->stored, 3);
        assert_int_equal(lane_counters(f, LANE_TRACK)->parked, 1);
        assert_int_equal(erase(f, &of_a, &receipt), 0);
        assert_int_equal(lane_counters(f, LANE_TRACK)->stored, 1); /* B's */
        assert_int_equal(lane_counters(f, LANE_TRACK)->parked, 0);
        assert_int_equal(lane_counters(f, LANE_TRACK)->erased, 3);
        check_counters(f);
}

#define unit(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                unit(test_erased_records_are_not_read),
                unit(test_uncommitted_records_are_dropped),
                unit(test_records_after_an_erasure_are_kept),
                unit(test_other_purposes_and_subjects_stay),
                unit(test_stored_objects_are_doomed),
                unit(test_object_of_a_released_parcel_is_doomed),
                unit(test_open_intent_is_doomed),
                unit(test_withdrawal_leaves_what_was_sent),
                unit(test_range_of_time_is_rounded_to_parcels),
                unit(test_record_without_a_time_lies_in_every_range),
                unit(test_parked_records_are_erased_too),
                unit(test_damaged_record_of_a_stored_object_is_counted_once),
                unit(test_rows_are_reclaimed),
                unit(test_erasure_is_finished_by_the_next_start),
                unit(test_keys_are_wrapped_anew),
                unit(test_ledger_entry_goes_with_the_erasure),
                unit(test_nothing_to_erase_is_a_receipt_too),
        };

        return cmocka_run_group_tests_name("journal erase", tests, NULL, NULL);
}
