/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A disk without any room, on a real file system: what protects somebody still works, a start works, records wait, and
 * all goes on by itself once there is room.
 */
#include "small-fs.h"
#include <errno.h>
#include <limits.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define RESERVE_BYTES (16 * 1024 * 1024 / 8)

static const JournalErasure everything_unsent = {
        .purposes = ALL_PURPOSES,
        .subject = SUBJECT_A,
        .since_ms = TIME_MS_NONE,
        .until_ms = TIME_MS_NONE,
        .unsent_only = true,
        .ledger_body = "{\"withdrawn\":true}",
};

static int64_t reserve_bytes(Fixture *f) {
        _cleanup_free_ char *path = fixture_path(f, "reserve");
        struct stat st;

        return stat(path, &st) < 0 ? -1 : (int64_t)st.st_blocks * 512;
}

static JournalState journal_state(Fixture *f) {
        return journal_counters(f->journal)->state;
}

static void append_one(Fixture *f) {
        assert_int_equal(append_record(f, RECORD_FIX, SUBJECT_A, START_REALTIME_MS), 0);
}

/* Until not even one more record can be made durable, since what waits in journal.db's WAL is still to be had. */
static void fill_up(Fixture *f) {
        small_fs_fill(f);
        append_one(f);
        assert_int_equal(commit(f), -ENOSPC);
}

/* What is sent next is this record of a gap. */
static void check_gap(Fixture *f, const char *expected) {
        _cleanup_(journal_batch_freep) JournalBatch *batch = read_batch(f, LANE_TRACK, 1);

        assert_non_null(batch);
        assert_non_null(strstr(batch->records[0]->payload, expected));
}

static void open_with_records(Fixture *f) {
        assert_int_equal(fixture_open(f), 0);
        append(f, 100);
}

typedef struct Replayed {
        char last[64];
        uint64_t n;
} Replayed;

static int on_entry(uint64_t seq, const char *body, void *userdata) {
        Replayed *replayed = userdata;

        replayed->n = seq;
        (void)snprintf(replayed->last, sizeof(replayed->last), "%s", body);
        return 0;
}

static void test_the_reserve_is_real(void **state) {
        Fixture *f = *state;

        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(reserve_bytes(f), RESERVE_BYTES);
        fixture_reopen(f);
        assert_int_equal(reserve_bytes(f), RESERVE_BYTES);
}

static void test_withdrawal_on_a_full_disk_is_durable(void **state) {
        Fixture *f = *state;
        Replayed replayed = { 0 };
        JournalReceipt receipt;

        open_with_records(f);
        fill_up(f);
        assert_int_equal(erase(f, &everything_unsent, &receipt), 0);
        assert_int_equal(receipt.records, 101);
        small_fs_fill(f);
        fixture_close(f);
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(journal_ledger_replay(f->journal, on_entry, &replayed), 0);
        assert_int_equal(replayed.n, 1);
        assert_string_equal(replayed.last, everything_unsent.ledger_body);
        assert_int_equal(lane_counters(f, LANE_TRACK)->erased, 100);
        assert_int_equal(lane_counters(f, LANE_TRACK)->pending, 0);
        check_counters(f);
}

static void test_decisions_on_a_full_disk_are_durable(void **state) {
        Fixture *f = *state;
        Replayed replayed = { 0 };

        open_with_records(f);
        fill_up(f);
        for (int i = 0; i < 50; i++)
                assert_int_equal(ledger_append_entry(f, "{\"decision\":true}"), 0);
        fixture_close(f);
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(journal_ledger_replay(f->journal, on_entry, &replayed), 0);
        assert_int_equal(replayed.n, 50);
}

static void test_erased_rows_go_and_make_room(void **state) {
        Fixture *f = *state;
        JournalReceipt receipt;

        assert_int_equal(fixture_open(f), 0);
        append(f, 4000);
        small_fs_fill(f);
        assert_int_equal(erase(f, &everything_unsent, &receipt), 0);
        wait_reclaimed(f);
        fixture_close(f);
        assert_int_equal(sql_number(f, "journal.db", "SELECT count(*) FROM track"), 0);
}

/* Others have taken the whole disk: what is old makes room for what is new, within journal.db, and says so. */
static void test_records_go_on_in_the_place_of_old_ones(void **state) {
        Fixture *f = *state;
        const JournalLaneCounters *track;

        assert_int_equal(fixture_open(f), 0);
        for (int i = 0; i < 10; i++)
                append(f, 1000);
        track = lane_counters(f, LANE_TRACK);
        assert_int_equal(track->evicted, 0);
        small_fs_fill(f);
        for (int i = 0; i < 20; i++) {
                append(f, 1000); /* twice what was there */
                small_fs_fill(f);
        }
        track = lane_counters(f, LANE_TRACK);
        assert_int_equal(journal_state(f), JOURNAL_STATE_LOW);
        assert_true(track->recorded >= 30000);
        assert_in_range(track->evicted, 20000, 29000);
        assert_int_equal(lane_counters(f, LANE_TRACK)->pending, track->recorded - track->evicted);
        assert_int_equal(f->n_failed, 0);
        assert_true(reserve_bytes(f) >= RESERVE_BYTES / 4);
        check_counters(f);
        fixture_reopen(f);
        check_counters(f);
        assert_in_range(lane_counters(f, LANE_TRACK)->evicted, 20000, 29000);
}

static void test_start_on_a_full_disk(void **state) {
        Fixture *f = *state;

        open_with_records(f);
        fill_up(f);
        fixture_close(f);
        small_fs_fill(f);
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(lane_counters(f, LANE_TRACK)->pending, 100);
        assert_int_equal(send_batch(f, LANE_TRACK, 50), 50);
        assert_int_equal(journal_state(f), JOURNAL_STATE_LOW); /* nothing waits */
        append_one(f);
        assert_int_equal(commit(f), -ENOSPC);
        assert_int_equal(journal_state(f), JOURNAL_STATE_FULL);
        small_fs_empty(f, UINT_MAX);
        while (journal_state(f) != JOURNAL_STATE_OK)
                fixture_turn(f); /* by itself */
        assert_int_equal(lane_counters(f, LANE_TRACK)->pending, 52); /* with a gap: what waited when it was closed */
        check_counters(f);
        assert_int_equal(reserve_bytes(f), RESERVE_BYTES);
}

/* What expired while the box was off is destroyed before anything else is done, wherever the room comes from. */
static void test_what_expired_goes_on_a_full_disk(void **state) {
        Fixture *f = *state;

        open_with_records(f);
        fill_up(f);
        fixture_close(f);
        small_fs_fill(f);
        fixture_advance(f, 31 * USEC_PER_DAY);
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(lane_counters(f, LANE_TRACK)->expired, 100);
        assert_int_equal(lane_counters(f, LANE_TRACK)->pending, 0);
}

/* Somebody has removed the reserve and taken its room. The journal opens, does nothing before it could do what is due,
 * and says why. */
static void test_start_on_a_full_disk_without_a_reserve(void **state) {
        Fixture *f = *state;
        _cleanup_(journal_batch_freep) JournalBatch *batch = NULL;
        _cleanup_free_ char *reserve = fixture_path(f, "reserve");

        open_with_records(f);
        fixture_close(f);
        assert_int_equal(unlink(reserve), 0);
        small_fs_fill(f);
        fixture_advance(f, 31 * USEC_PER_DAY);
        assert_int_equal(fixture_open(f), 0);
        assert_true(journal_counters(f->journal)->is_failing);
        assert_int_equal(try_read_batch(f, LANE_TRACK, 10, &batch), -ENOSPC); /* nothing that should be gone is read */
        assert_null(batch);
        assert_int_equal(f->n_failed, 1);
        small_fs_empty(f, UINT_MAX);
        while (f->n_recovered == 0)
                fixture_turn(f); /* by itself */
        assert_int_equal(lane_counters(f, LANE_TRACK)->expired, 100);
        assert_int_equal(reserve_bytes(f), RESERVE_BYTES);
}

/* A refusal that says what is wrong; the next start, which an init system tries by itself, finds all as it was. */
static void test_start_on_a_read_only_disk_is_refused(void **state) {
        Fixture *f = *state;

        open_with_records(f);
        fixture_close(f);
        assert_int_equal(mount(NULL, f->dir, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
        assert_true(fixture_open(f) < 0);
        assert_non_null(strstr(f->error.text, "Read-only file system"));
        assert_int_equal(mount(NULL, f->dir, NULL, MS_REMOUNT, NULL), 0);
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(lane_counters(f, LANE_TRACK)->pending, 100);
}

static void test_records_do_not_eat_the_reserve(void **state) {
        Fixture *f = *state;
        JournalReceipt receipt;

        open_with_records(f);
        fill_up(f);
        for (int i = 0; i < 20; i++) {
                append_one(f);
                assert_int_equal(commit(f), -ENOSPC);
        }
        assert_true(reserve_bytes(f) > RESERVE_BYTES * 3 / 4);
        /* Nor when it was given away and only a part of it could be taken again. */
        assert_int_equal(erase(f, &(JournalErasure){ .purposes = 1U << PURPOSE_AUDIO, .since_ms = TIME_MS_NONE,
                                                     .until_ms = TIME_MS_NONE }, &receipt), 0);
        small_fs_fill(f);
        for (int i = 0; i < 20; i++) {
                append_one(f);
                assert_int_equal(commit(f), -ENOSPC);
        }
        assert_true(reserve_bytes(f) > RESERVE_BYTES / 2);
        small_fs_empty(f, UINT_MAX);
        assert_int_equal(commit(f), 0);
        assert_int_equal(lane_counters(f, LANE_TRACK)->recorded, 141);
        assert_int_equal(reserve_bytes(f), RESERVE_BYTES);
}

static void test_sending_goes_on_on_a_full_disk(void **state) {
        Fixture *f = *state;

        open_with_records(f);
        fill_up(f);
        send_all(f, LANE_TRACK);
        assert_int_equal(lane_counters(f, LANE_TRACK)->stored, 100);
}

static void test_records_wait_up_to_a_bound(void **state) {
        Fixture *f = *state;
        int r = 0;

        assert_int_equal(fixture_open(f), 0);
        fill_up(f);
        for (int i = 1; i < 4096; i++)
                append_one(f);
        for (int i = 0; i < 3; i++) {
                r = append_record(f, RECORD_FIX, SUBJECT_A, START_REALTIME_MS + 1000 * i);
                assert_int_equal(r, JOURNAL_E_FULL);
        }
        assert_int_equal(append_record(f, RECORD_ALARM, SUBJECT_A, START_REALTIME_MS), JOURNAL_E_FULL);
        small_fs_empty(f, UINT_MAX);
        assert_int_equal(commit(f), 0);
        assert_int_equal(lane_counters(f, LANE_TRACK)->recorded, 4096 + 1); /* and what was refused is said */
        assert_int_equal(lane_counters(f, LANE_ALARM)->recorded, 1);
        append_one(f);
        assert_int_equal(commit(f), 0);
        while (lane_counters(f, LANE_TRACK)->pending > 1)
                assert_true(send_batch(f, LANE_TRACK, 4096) > 0);
        check_gap(f, "\"class\":\"GAP\",\"reason\":\"refused\",\"records\":3,");
}

/* What waited when the box was switched off is lost; that it is, is not. */
static void test_what_waits_at_the_end_becomes_a_gap(void **state) {
        Fixture *f = *state;

        open_with_records(f);
        fill_up(f);
        append_one(f);
        fixture_close(f);
        small_fs_empty(f, UINT_MAX);
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(lane_counters(f, LANE_TRACK)->recorded, 100);
        append_one(f);
        assert_int_equal(commit(f), 0);
        assert_int_equal(lane_counters(f, LANE_TRACK)->recorded, 102);
        assert_int_equal(send_batch(f, LANE_TRACK, 100), 100);
        assert_int_equal(send_batch(f, LANE_TRACK, 1), 1);
        check_gap(f, "\"class\":\"GAP\",\"reason\":\"refused\",\"records\":2,");
}

/* Withdrawn is withdrawn: not even that something is missing is said. */
static void test_what_was_refused_before_a_withdrawal_is_forgotten(void **state) {
        Fixture *f = *state;
        JournalReceipt receipt;

        assert_int_equal(fixture_open(f), 0);
        fill_up(f);
        for (int i = 1; i < 4096; i++)
                append_one(f);
        assert_int_equal(append_record(f, RECORD_FIX, SUBJECT_A, START_REALTIME_MS), JOURNAL_E_FULL);
        assert_int_equal(append_record(f, RECORD_FIX, SUBJECT_B, START_REALTIME_MS), JOURNAL_E_FULL);
        assert_int_equal(erase(f, &everything_unsent, &receipt), 0);
        small_fs_empty(f, UINT_MAX);
        assert_int_equal(commit(f), 0);
        assert_int_equal(lane_counters(f, LANE_TRACK)->recorded, 1); /* of the other subject */
}

#define test(name) cmocka_unit_test_setup_teardown(test_##name, small_fs_setup, small_fs_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                test(the_reserve_is_real),
                test(withdrawal_on_a_full_disk_is_durable),
                test(decisions_on_a_full_disk_are_durable),
                test(erased_rows_go_and_make_room),
                test(records_go_on_in_the_place_of_old_ones),
                test(start_on_a_full_disk),
                test(what_expired_goes_on_a_full_disk),
                test(start_on_a_full_disk_without_a_reserve),
                test(start_on_a_read_only_disk_is_refused),
                test(records_do_not_eat_the_reserve),
                test(sending_goes_on_on_a_full_disk),
                test(records_wait_up_to_a_bound),
                test(what_waits_at_the_end_becomes_a_gap),
                test(what_was_refused_before_a_withdrawal_is_forgotten),
        };

        if (!small_fs_prepare())
                return 0;
        return cmocka_run_group_tests_name("journal on a full disk", tests, NULL, NULL);
}
