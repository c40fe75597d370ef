/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What becomes of a damaged or missing journal.db.
 */
#include "fixture.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include "trailkeep/file.h"

#define PAGE 4096

static void overwrite(Fixture *f, const char *name, off_t offset, int byte, size_t size) {
        _cleanup_free_ char *path = fixture_path(f, name);
        FILE *file = fopen(path, "r+e");

        assert_non_null(file);
        assert_int_equal(fseeko(file, offset, SEEK_SET), 0);
        while (size-- > 0)
                assert_int_equal(fputc(byte, file), byte);
        assert_int_equal(fclose(file), 0);
}

static off_t file_size(Fixture *f, const char *name) {
        _cleanup_free_ char *path = fixture_path(f, name);
        FILE *file = fopen(path, "re");
        off_t size;

        if (!file)
                return -1;
        assert_int_equal(fseeko(file, 0, SEEK_END), 0);
        size = ftello(file);
        assert_int_equal(fclose(file), 0);
        return size;
}

static void rename_state_file(Fixture *f, const char *from, const char *to) {
        _cleanup_free_ char *a = fixture_path(f, from), *b = fixture_path(f, to);

        assert_int_equal(rename(a, b), 0);
}

static const JournalDamage *damage(Fixture *f) {
        return &journal_counters(f->journal)->damage;
}

/* The page that the tree of a table begins with. */
static off_t root_offset(Fixture *f, const char *table) {
        char sql[96];

        (void)snprintf(sql, sizeof(sql), "SELECT rootpage FROM sqlite_schema WHERE name = '%s'", table);
        return (off_t)(sql_number(f, "journal.db", sql) - 1) * PAGE;
}

/* Three parcels of fixes: one in the store, one half in the store, one to be sent; and events. */
static void make_state(Fixture *f) {
        assert_int_equal(fixture_open(f), 0);
        append(f, 100);
        assert_int_equal(send_batch(f, LANE_TRACK, 100), 100);
        fixture_advance(f, 11 * USEC_PER_MINUTE);
        append(f, 100);
        assert_int_equal(send_batch(f, LANE_TRACK, 40), 40);
        fixture_advance(f, 11 * USEC_PER_MINUTE);
        append(f, 100);
        for (int i = 0; i < 10; i++)
                assert_int_equal(append_record(f, RECORD_EVENT, SUBJECT_A, START_REALTIME_MS + i), 0);
        assert_int_equal(commit(f), 0);
        fixture_close(f);
}

static void check_all_is_there(Fixture *f) {
        assert_int_equal(lane_counters(f, LANE_TRACK)->pending, 160);
        assert_int_equal(lane_counters(f, LANE_TRACK)->stored, 140);
        assert_int_equal(lane_counters(f, LANE_EVENT)->pending, 10);
        assert_int_equal(journal_counters(f->journal)->objects_stored, 2);
        check_counters(f);
        send_all(f, LANE_TRACK);
        send_all(f, LANE_EVENT);
        assert_int_equal(lane_counters(f, LANE_TRACK)->stored, 300);
        assert_int_equal(lane_counters(f, LANE_TRACK)->parked, 0);
        assert_int_equal(lane_counters(f, LANE_EVENT)->stored, 10);
        check_counters(f);
        fixture_reopen(f);
        check_counters(f);
}

/* Page 1 holds the way to everything, and no row. */
static void test_without_page_1_nothing_is_lost(void **state) {
        Fixture *f = *state;

        make_state(f);
        overwrite(f, "journal.db", 0, 0xa5, PAGE);
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(damage(f)->n_damages, 1);
        assert_int_equal(damage(f)->records_lost, 0);
        assert_int_equal(damage(f)->objects_lost, 0);
        check_all_is_there(f);
        assert_int_equal(file_size(f, "journal.db.damaged-1"), -1);
}

static void test_a_lost_root_loses_no_row_of_other_pages(void **state) {
        Fixture *f = *state;
        off_t offset;

        make_state(f);
        offset = root_offset(f, "track");
        overwrite(f, "journal.db", offset, 0, PAGE);
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(damage(f)->n_damages, 1);
        assert_int_equal(damage(f)->records_lost, 0);
        check_all_is_there(f);
}

/* A leaf of the tracks: what lay in it is gone, counted, and parked when its turn comes. */
static void test_a_lost_page_loses_its_rows_alone(void **state) {
        Fixture *f = *state;
        uint64_t lost;

        make_state(f);
        overwrite(f, "journal.db", file_size(f, "journal.db") - PAGE, 0, PAGE);
        overwrite(f, "journal.db", 18, 0xff, 1); /* the header, so that the opening notices */
        assert_int_equal(fixture_open(f), 0);
        lost = damage(f)->records_lost;
        assert_in_range(lost, 1, 20);
        assert_int_equal(lane_counters(f, LANE_TRACK)->recorded, 300);
        send_all(f, LANE_TRACK);
        send_all(f, LANE_EVENT);
        assert_int_equal(lane_counters(f, LANE_TRACK)->parked + lane_counters(f, LANE_EVENT)->parked, lost);
        assert_int_equal(lane_counters(f, LANE_TRACK)->stored + lane_counters(f, LANE_EVENT)->stored, 310 - lost);
        check_counters(f);
        assert_true(file_size(f, "journal.db.damaged-1") > 0);
}

static void test_a_kept_file_goes_with_the_keys_of_its_time(void **state) {
        const JournalErasure everything = { .purposes = ALL_PURPOSES, .since_ms = TIME_MS_NONE,
                                            .until_ms = TIME_MS_NONE };
        Fixture *f = *state;
        JournalReceipt receipt;

        make_state(f);
        overwrite(f, "journal.db", file_size(f, "journal.db") - PAGE, 0, PAGE);
        overwrite(f, "journal.db", 18, 0xff, 1);
        assert_int_equal(fixture_open(f), 0);
        assert_true(file_size(f, "journal.db.damaged-1") > 0);
        assert_int_equal(erase(f, &everything, &receipt), 0);
        wait_reclaimed(f);
        assert_int_equal(file_size(f, "journal.db.damaged-1"), -1);
        check_counters(f);
}

static void test_missing_journal_is_made_anew(void **state) {
        Fixture *f = *state;

        make_state(f);
        rename_state_file(f, "journal.db", "elsewhere");
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(damage(f)->n_damages, 1);
        assert_int_equal(damage(f)->records_lost, 170);
        assert_int_equal(damage(f)->objects_lost, 2);
        assert_int_equal(lane_counters(f, LANE_TRACK)->stored, 140);
        assert_int_equal(lane_counters(f, LANE_TRACK)->recorded, 300);
        append(f, 5);
        send_all(f, LANE_TRACK);
        /* What was lost of two parcels is said by a record each. */
        assert_int_equal(lane_counters(f, LANE_TRACK)->stored, 147);
        assert_int_equal(lane_counters(f, LANE_TRACK)->parked, 160);
        check_counters(f);
}

static void test_first_start_is_no_damage(void **state) {
        Fixture *f = *state;

        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(damage(f)->n_damages, 0);
        fixture_reopen(f);
        assert_int_equal(damage(f)->n_damages, 0);
        append(f, 1);
        fixture_reopen(f);
        assert_int_equal(damage(f)->n_damages, 0);
}

/* An intent that was written down is the same object afterwards. */
static void test_an_intent_keeps_its_name(void **state) {
        Fixture *f = *state;
        _cleanup_(journal_batch_freep) JournalBatch *batch = NULL, *again = NULL;
        uint64_t object;

        assert_int_equal(fixture_open(f), 0);
        append(f, 30);
        batch = read_batch(f, LANE_TRACK, 20);
        assert_int_equal(put_intent(f, LANE_TRACK, batch->first, batch->last, "tracks/once", &object), 0);
        fixture_close(f);
        overwrite(f, "journal.db", 0, 0xa5, PAGE);
        assert_int_equal(fixture_open(f), 0);
        again = read_batch(f, LANE_TRACK, 500);
        assert_int_equal(again->object, object);
        assert_string_equal(again->object_name, "tracks/once");
        assert_int_equal(again->n_records, 20);
        assert_int_equal(ack(f, object), 0);
        assert_int_equal(send_batch(f, LANE_TRACK, 500), 10);
        check_counters(f);
}

/* Within an intent, and not its first one. */
static void test_a_damaged_record_does_not_hold_up_its_intent(void **state) {
        Fixture *f = *state;
        _cleanup_(journal_batch_freep) JournalBatch *batch = NULL, *again = NULL;
        uint64_t object;

        assert_int_equal(fixture_open(f), 0);
        append(f, 30);
        batch = read_batch(f, LANE_TRACK, 20);
        assert_int_equal(put_intent(f, LANE_TRACK, batch->first, batch->last, "tracks/once", &object), 0);
        fixture_close(f);
        sql_run(f, "journal.db", "UPDATE track SET body = zeroblob(length(body)) WHERE id % 1048576 IN (9, 10, 12)");
        assert_int_equal(fixture_open(f), 0);
        again = read_batch(f, LANE_TRACK, 500);
        assert_int_equal(again->object, object);
        assert_int_equal(again->n_records, 17);
        assert_int_equal(ack(f, object), 0);
        assert_int_equal(lane_counters(f, LANE_TRACK)->parked, 3);
        assert_int_equal(send_batch(f, LANE_TRACK, 500), 10);
        check_counters(f);
}

/* SQLite passes over it, or over all behind it, without a word. */
static void test_a_record_that_is_not_where_it_must_be_is_noticed(void **state) {
        Fixture *f = *state;
        _cleanup_(journal_batch_freep) JournalBatch *batch = NULL;
        uint64_t lost;

        assert_int_equal(fixture_open(f), 0);
        append(f, 30);
        fixture_close(f);
        sql_run(f, "journal.db", "DELETE FROM track WHERE id % 1048576 = 9");
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(try_read_batch(f, LANE_TRACK, 500, &batch), -EBADMSG);
        assert_int_equal(damage(f)->n_damages, 1);
        lost = damage(f)->records_lost;
        assert_in_range(lost, 0, 1); /* SQLite may have left a copy of it */
        assert_int_equal(commit(f), 0);
        send_all(f, LANE_TRACK);
        assert_int_equal(lane_counters(f, LANE_TRACK)->stored, 30); /* or 29, and what says that one is missing */
        assert_int_equal(lane_counters(f, LANE_TRACK)->parked, lost);
        check_counters(f);
}

static void test_what_was_parked_stays_parked(void **state) {
        Fixture *f = *state;
        _cleanup_(journal_batch_freep) JournalBatch *batch = NULL;
        uint64_t object;

        assert_int_equal(fixture_open(f), 0);
        append(f, 3);
        batch = read_batch(f, LANE_TRACK, 1);
        assert_int_equal(put_intent(f, LANE_TRACK, batch->first, batch->last, "tracks/bad", &object), 0);
        assert_int_equal(park(f, object), 0);
        send_all(f, LANE_TRACK);
        fixture_close(f);
        overwrite(f, "journal.db", 0, 0xa5, PAGE); /* SQLite cannot read the table of parked ranges */
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(lane_counters(f, LANE_TRACK)->stored, 2);
        assert_int_equal(lane_counters(f, LANE_TRACK)->parked, 1);
        assert_int_equal(lane_counters(f, LANE_TRACK)->pending, 0);
        check_counters(f);
}

/* What an erasure doomed stays doomed, and what came after it is not. */
static void test_an_erasure_is_not_applied_to_what_came_after(void **state) {
        const JournalErasure everything = { .purposes = ALL_PURPOSES, .since_ms = TIME_MS_NONE,
                                            .until_ms = TIME_MS_NONE };
        Fixture *f = *state;
        JournalErasureState states[16];
        JournalReceipt receipt;

        assert_int_equal(fixture_open(f), 0);
        append(f, 3);
        send_all(f, LANE_TRACK);
        assert_int_equal(erase(f, &everything, &receipt), 0);
        wait_reclaimed(f);
        append(f, 4);
        send_all(f, LANE_TRACK);
        fixture_close(f);
        overwrite(f, "journal.db", 0, 0xa5, PAGE);
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(journal_counters(f->journal)->objects_doomed, 1);
        assert_int_equal(journal_counters(f->journal)->objects_stored, 1);
        assert_int_equal(list_erasures(f, states), 1);
        assert_int_equal(states[0].objects_doomed, 1);
        assert_int_equal(states[0].objects_deleted, 0);
        check_counters(f);
}

/* Commits of a day may lie in the WAL alone. SQLite takes them up to a frame that does not hold, and says nothing. */
static void test_a_flip_in_the_wal_is_noticed(void **state) {
        Fixture *f = *state;
        off_t frame;

        assert_int_equal(fixture_open(f), 0);
        append(f, 50);
        append(f, 50);
        append(f, 50);
        /* As a power cut leaves it. */
        rename_state_file(f, "journal.db-wal", "kept-wal");
        rename_state_file(f, "journal.db", "kept");
        fixture_close(f);
        rename_state_file(f, "kept-wal", "journal.db-wal");
        rename_state_file(f, "kept", "journal.db");
        frame = 32 + 5 * (24 + (off_t)PAGE);
        overwrite(f, "journal.db-wal", frame + 24 + 100, 0x5a, 1);
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(damage(f)->n_damages, 1);
        assert_int_equal(lane_counters(f, LANE_TRACK)->pending, 150);
        check_counters(f);
}

/* What is not a row has a seal as well. */
static void test_a_changed_cursor_is_put_right(void **state) {
        Fixture *f = *state;

        make_state(f);
        sql_run(f, "journal.db", "UPDATE lane SET cursor = cursor | 64 WHERE id = 2");
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(damage(f)->n_damages, 1);
        assert_int_equal(damage(f)->records_lost, 0);
        check_all_is_there(f);
}

static void test_a_changed_state_of_an_object_is_put_right(void **state) {
        Fixture *f = *state;
        _cleanup_(journal_batch_freep) JournalBatch *batch = NULL;

        make_state(f);
        sql_run(f, "journal.db", "UPDATE object SET state = 1 WHERE id = 1");
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(try_read_batch(f, LANE_TRACK, 100, &batch), -EBADMSG);
        assert_int_equal(damage(f)->n_damages, 1);
        check_all_is_there(f);
}

static void copy_state_file(Fixture *f, const char *from, const char *to) {
        _cleanup_free_ char *source = fixture_path(f, from), *target = fixture_path(f, to);
        _cleanup_bytes_ Bytes content = { 0 };

        assert_int_equal(file_read(source, 1 << 24, &content), 0);
        assert_int_equal(file_write_atomic(target, content.data, content.size, 0600, true), 0);
}

/* Acknowledgements and rows are missing in it. */
static void test_an_older_copy_is_noticed(void **state) {
        Fixture *f = *state;
        uint64_t stored;

        make_state(f);
        copy_state_file(f, "journal.db", "copy");
        assert_int_equal(fixture_open(f), 0);
        stored = send_batch(f, LANE_TRACK, 500);
        assert_int_equal(stored, 60);
        fixture_advance(f, 11 * USEC_PER_MINUTE);
        append(f, 20);
        fixture_close(f);
        copy_state_file(f, "copy", "journal.db");
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(damage(f)->n_damages, 1);
        assert_int_equal(damage(f)->records_lost, 20);
        assert_int_equal(damage(f)->objects_lost, 1);
        assert_int_equal(lane_counters(f, LANE_TRACK)->stored, 200);
        assert_int_equal(lane_counters(f, LANE_TRACK)->recorded, 320);
        /* Not what the store has, but what it has not: 100 and what says that 20 are missing. */
        assert_int_equal(commit(f), 0);
        send_all(f, LANE_TRACK);
        assert_int_equal(lane_counters(f, LANE_TRACK)->stored, 301);
        assert_int_equal(lane_counters(f, LANE_TRACK)->parked, 20);
        check_counters(f);
        fixture_reopen(f);
        assert_int_equal(damage(f)->n_damages, 1);
}

static void test_at_run_time_the_journal_goes_on(void **state) {
        Fixture *f = *state;
        _cleanup_(journal_batch_freep) JournalBatch *batch = NULL;
        off_t from;

        make_state(f);
        from = root_offset(f, "object");
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(append_record(f, RECORD_FIX, SUBJECT_A, START_REALTIME_MS), 0);
        for (off_t offset = from; offset < file_size(f, "journal.db"); offset += PAGE)
                overwrite(f, "journal.db", offset, 0xa5, 8); /* each page's header; SQLite has few of them in memory */
        while (damage(f)->n_damages == 0) {
                batch = journal_batch_free(batch);
                (void)!try_read_batch(f, LANE_TRACK, 100, &batch);
                (void)!try_read_batch(f, LANE_EVENT, 100, &batch);
        }
        assert_int_equal(commit(f), 0);
        assert_int_equal(lane_counters(f, LANE_TRACK)->recorded, 301);
        check_counters(f);
        send_all(f, LANE_TRACK);
        assert_int_equal(lane_counters(f, LANE_TRACK)->stored, 301);
        assert_int_equal(f->n_damaged, 1);
}

/* A crash at any step of putting the new file in place. */
static void test_a_crash_in_between_is_finished(void **state) {
        Fixture *f = *state;

        make_state(f);
        overwrite(f, "journal.db", 0, 0xa5, PAGE);
        assert_int_equal(fixture_open(f), 0);
        fixture_close(f);
        sql_run(f, "vault.db", "UPDATE damage SET is_done = 0");
        rename_state_file(f, "journal.db", "journal.db.salvaged");
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(damage(f)->n_damages, 1);
        check_all_is_there(f);
        fixture_close(f);
        assert_int_equal(sql_number(f, "vault.db", "SELECT is_done FROM damage"), 1);
}

#define unit(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                unit(test_without_page_1_nothing_is_lost),
                unit(test_a_lost_root_loses_no_row_of_other_pages),
                unit(test_a_lost_page_loses_its_rows_alone),
                unit(test_a_kept_file_goes_with_the_keys_of_its_time),
                unit(test_missing_journal_is_made_anew),
                unit(test_first_start_is_no_damage),
                unit(test_an_intent_keeps_its_name),
                unit(test_a_damaged_record_does_not_hold_up_its_intent),
                unit(test_a_record_that_is_not_where_it_must_be_is_noticed),
                unit(test_what_was_parked_stays_parked),
                unit(test_an_erasure_is_not_applied_to_what_came_after),
                unit(test_a_flip_in_the_wal_is_noticed),
                unit(test_a_changed_cursor_is_put_right),
                unit(test_a_changed_state_of_an_object_is_put_right),
                unit(test_an_older_copy_is_noticed),
                unit(test_at_run_time_the_journal_goes_on),
                unit(test_a_crash_in_between_is_finished),
        };

        return cmocka_run_group_tests_name("journal damage", tests, NULL, NULL);
}
