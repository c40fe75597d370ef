/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What lies in the files of the state folder, byte by byte. Built twice: as it is, and with an AEAD that does not
 * encrypt (REMNANTS_PLAIN), the control which shows that the search does find what is there.
 */
#include "fixture.h"

#define COORDINATE "52.51627500"
#define CLIP "clip-of-somebody"
#define MEDIA "what a camera saw and a microphone heard"
#define OBJECT_NAME "tracks/2026/11/23/some-object"

/* A record of each lane, an object, a ledger entry. */
static void record_all(Fixture *f) {
        _cleanup_(journal_batch_freep) JournalBatch *batch = NULL;
        uint64_t object;

        for (unsigned kind = 0; kind < RECORD_KIND_MAX; kind++)
                for (int i = 0; i < 20; i++)
                        assert_int_equal(append_record(f, (RecordKind)kind, SUBJECT_A, START_REALTIME_MS), 0);
        for (int i = 0; i < 20; i++)
                assert_int_equal(append_media(f, RECORD_VIDEO, CLIP, MEDIA, strlen(MEDIA)), 0);
        assert_int_equal(commit(f), 0);
        batch = read_batch(f, LANE_TRACK, 10);
        assert_int_equal(put_intent(f, LANE_TRACK, batch->first, batch->last, OBJECT_NAME, &object), 0);
        assert_int_equal(ledger_append_entry(f, "{\"who\":\"somebody-in-the-ledger\"}"), 0);
}

#ifdef REMNANTS_PLAIN

static void test_search_finds_what_is_not_encrypted(void **state) {
        Fixture *f = *state;

        assert_int_equal(fixture_open(f), 0);
        record_all(f);
        assert_true(text_in_state(f, COORDINATE));
        assert_true(text_in_state(f, SUBJECT_A));
        assert_true(text_in_state(f, OBJECT_NAME));
        assert_true(text_in_state(f, CLIP));
        assert_true(text_in_state(f, MEDIA));
        assert_true(text_in_state(f, "somebody-in-the-ledger"));
}

#else

static const JournalErasure everything = {.purposes = ALL_PURPOSES, .since_ms = TIME_MS_NONE, .until_ms = TIME_MS_NONE};

static void check_no_plain_text(Fixture *f) {
        assert_false(text_in_state(f, COORDINATE));
        assert_false(text_in_state(f, SUBJECT_A));
        assert_false(text_in_state(f, OBJECT_NAME));
        assert_false(text_in_state(f, CLIP));
        assert_false(text_in_state(f, "camera saw"));
        assert_false(text_in_state(f, "somebody-in-the-ledger"));
        assert_false(text_in_state(f, "gnss"));
}

static void test_no_plain_text_at_any_time(void **state) {
        Fixture *f = *state;
        JournalReceipt receipt;

        assert_int_equal(fixture_open(f), 0);
        record_all(f);
        check_no_plain_text(f);
        fixture_reopen(f);
        check_no_plain_text(f);
        assert_int_equal(erase(f, &everything, &receipt), 0);
        check_no_plain_text(f);
        wait_reclaimed(f);
        check_no_plain_text(f);
}

static void test_destroyed_key_is_in_no_file(void **state) {
        Fixture *f = *state;
        _cleanup_bytes_ Bytes key = { 0 }, label = { 0 }, extent = { 0 }, salt = { 0 };
        JournalReceipt receipt;

        assert_int_equal(fixture_open(f), 0);
        record_all(f);
        fixture_close(f);
        key = sql_blob(f, "vault.db", "SELECT key FROM parcel LIMIT 1");
        label = sql_blob(f, "vault.db", "SELECT label FROM parcel LIMIT 1");
        extent = sql_blob(f, "vault.db", "SELECT extent FROM parcel LIMIT 1");
        salt = sql_blob(f, "vault.db", "SELECT salt FROM vault");
        assert_int_equal(key.size, 60);
        assert_int_equal(fixture_open(f), 0);
        /* The control: it is there. */
        assert_true(state_holds(f, key.data, key.size));
        assert_true(state_holds(f, salt.data, salt.size));
        assert_int_equal(erase(f, &everything, &receipt), 0);
        /* At once, with the journal open and rows not yet reclaimed, and in any part. */
        for (size_t i = 0; i + 12 <= key.size; i += 12)
                assert_false(state_holds(f, key.data + i, 12));
        assert_false(state_holds(f, label.data, 16));
        assert_false(state_holds(f, extent.data, 16));
        assert_false(state_holds(f, salt.data, salt.size));
}

enum { N_SUBJECTS = 80, N_STAY = 40 };

/* A parcel of fixes of each subject, and of some one of events: several pages of the vault. */
static void record_many(Fixture *f) {
        char subject[32];

        for (int i = 0; i < N_SUBJECTS; i++) {
                (void)snprintf(subject, sizeof(subject), "subject-%d", i);
                assert_int_equal(append_record(f, RECORD_FIX, subject, START_REALTIME_MS), 0);
                if (i < N_STAY)
                        assert_int_equal(append_record(f, RECORD_EVENT, subject, START_REALTIME_MS), 0);
        }
        assert_int_equal(commit(f), 0);
}

/* With the journal closed. */
static void read_keys(Fixture *f, Lane lane, int n, Bytes keys[]) {
        char sql[96];

        for (int i = 0; i < n; i++) {
                (void)snprintf(sql, sizeof(sql), "SELECT key FROM parcel WHERE lane = %d ORDER BY id LIMIT 1 OFFSET %d",
                               (int)lane, i);
                keys[i] = sql_blob(f, "vault.db", sql);
        }
}

static void erase_and_look_for_keys(Fixture *f, Purpose purpose, int n, Bytes keys[]) {
        JournalErasure erasure = everything;
        JournalReceipt receipt;

        erasure.purposes = 1U << purpose;
        assert_true(state_holds(f, keys[0].data, keys[0].size));
        assert_int_equal(erase(f, &erasure, &receipt), 0);
        for (int i = 0; i < n; i++) {
                assert_false(state_holds(f, keys[i].data, 16));
                assert_false(state_holds(f, keys[i].data + 44, 16));
                bytes_done(&keys[i]);
        }
        wait_reclaimed(f);
}

/* Nothing in the unused parts of pages and in freed pages either, also after rows were put together anew. */
static void test_many_destroyed_keys_are_in_no_file(void **state) {
        Bytes keys[N_SUBJECTS] = { 0 };
        Fixture *f = *state;

        assert_int_equal(fixture_open(f), 0);
        record_many(f);
        fixture_close(f);
        read_keys(f, LANE_TRACK, N_SUBJECTS, keys);
        assert_int_equal(fixture_open(f), 0);
        erase_and_look_for_keys(f, PURPOSE_LOCATION, N_SUBJECTS, keys);

        fixture_close(f);
        read_keys(f, LANE_EVENT, N_STAY, keys);
        assert_int_equal(fixture_open(f), 0);
        for (int i = 0; i < 3; i++)
                assert_int_equal(ledger_append_entry(f, "{}"), 0); /* the rows of the first go */
        erase_and_look_for_keys(f, PURPOSE_DIAGNOSTICS, N_STAY, keys);
}

static void test_rows_of_destroyed_parcels_go(void **state) {
        JournalErasure erasure = everything;
        Fixture *f = *state;
        JournalReceipt receipt;

        assert_int_equal(fixture_open(f), 0);
        record_many(f);
        erasure.purposes = 1U << PURPOSE_LOCATION;
        assert_int_equal(erase(f, &erasure, &receipt), 0);
        assert_int_equal(receipt.parcels, N_SUBJECTS);
        wait_reclaimed(f);
        append(f, 1);
        fixture_close(f);
        assert_int_equal(sql_number(f, "vault.db", "SELECT count(*) FROM parcel"), N_STAY + 1);
        assert_int_equal(sql_number(f, "vault.db", "SELECT max(id) FROM parcel"), N_SUBJECTS + N_STAY + 1);
        assert_int_equal(fixture_open(f), 0);
        send_all(f, LANE_EVENT);
        assert_int_equal(lane_counters(f, LANE_EVENT)->stored, N_STAY);
        assert_int_equal(lane_counters(f, LANE_TRACK)->pending, 1);
}

static void test_expired_key_is_in_no_file(void **state) {
        Fixture *f = *state;
        _cleanup_bytes_ Bytes key = { 0 };

        assert_int_equal(fixture_open(f), 0);
        append(f, 3);
        fixture_close(f);
        key = sql_blob(f, "vault.db", "SELECT key FROM parcel LIMIT 1");
        assert_true(state_holds(f, key.data, key.size));
        fixture_advance(f, 31 * USEC_PER_DAY);
        assert_int_equal(fixture_open(f), 0);
        assert_false(state_holds(f, key.data, 16));
}

#endif

#define unit(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
#ifdef REMNANTS_PLAIN
                unit(test_search_finds_what_is_not_encrypted),
#else
                unit(test_no_plain_text_at_any_time),
                unit(test_destroyed_key_is_in_no_file),
                unit(test_many_destroyed_keys_are_in_no_file),
                unit(test_rows_of_destroyed_parcels_go),
                unit(test_expired_key_is_in_no_file),
#endif
        };

        return cmocka_run_group_tests_name("journal remnants", tests, NULL, NULL);
}
