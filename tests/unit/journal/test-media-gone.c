/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How media ends: in the store, expired, erased, damaged, or as what a crash left.
 */
#include "media-fixture.h"
#include <fcntl.h>
#include <unistd.h>

static void test_what_is_in_the_store_leaves_the_disk(void **state) {
        Fixture *f = *state;

        assert_int_equal(fixture_open(f), 0);
        add_media(f, RECORD_VIDEO, "a", 1, 1000);
        add_media(f, RECORD_VIDEO, "b", 2, 1000);
        assert_int_equal(commit(f), 0);
        assert_int_equal(n_segments(f), 2);
        send_all(f, LANE_MEDIA);
        add_media(f, RECORD_VIDEO, "c", 3, 1000);
        assert_int_equal(commit(f), 0);
        assert_int_equal(ledger_append_entry(f, "{}"), 0); /* a transaction of the vault lets what is closed go */
        wait_segments(f, 1);
        assert_int_equal(lane_counters(f, LANE_MEDIA)->stored, 2);
}

static void test_what_expires_leaves_the_disk(void **state) {
        Fixture *f = *state;

        f->options.retention_usec[PURPOSE_VIDEO] = USEC_PER_DAY;
        assert_int_equal(fixture_open(f), 0);
        add_media(f, RECORD_VIDEO, "a", 1, 1000);
        add_media(f, RECORD_AUDIO, "a", 2, 1000);
        assert_int_equal(commit(f), 0);
        fixture_close(f);
        fixture_advance(f, 2 * USEC_PER_DAY);
        assert_int_equal(fixture_open(f), 0);
        wait_segments(f, 1);
        assert_int_equal(lane_counters(f, LANE_MEDIA)->expired, 1);
        assert_int_equal(lane_counters(f, LANE_MEDIA)->pending, 1);
}

static void test_erasing_a_purpose_takes_its_segments(void **state) {
        const JournalErasure video = { .purposes = 1U << PURPOSE_VIDEO, .since_ms = TIME_MS_NONE,
                                       .until_ms = TIME_MS_NONE };
        Fixture *f = *state;
        JournalReceipt receipt;

        assert_int_equal(fixture_open(f), 0);
        add_media(f, RECORD_VIDEO, "a", 1, 1000);
        add_media(f, RECORD_AUDIO, "a", 2, 1000);
        assert_int_equal(commit(f), 0);
        add_media(f, RECORD_VIDEO, "a", 3, 1000); /* waits in memory */
        add_media(f, RECORD_AUDIO, "a", 4, 1000);
        assert_int_equal(erase(f, &video, &receipt), 0);
        assert_int_equal(receipt.parcels, 1);
        assert_int_equal(receipt.records, 2);
        wait_reclaimed(f);
        assert_int_equal(n_segments(f), 1);
        assert_int_equal(lane_counters(f, LANE_MEDIA)->pending, 2);
        assert_int_equal(lane_counters(f, LANE_MEDIA)->erased, 1);
        check_counters(f);
}

static void test_erasing_a_clip_takes_that_clip_alone(void **state) {
        JournalErasure erasure = { .purposes = ALL_PURPOSES, .clip = "b", .since_ms = TIME_MS_NONE,
                                   .until_ms = TIME_MS_NONE };
        Fixture *f = *state;
        JournalReceipt receipt;

        assert_int_equal(fixture_open(f), 0);
        append(f, 2); /* belongs to no clip */
        add_media(f, RECORD_VIDEO, "a", 1, 1000);
        add_media(f, RECORD_AUDIO, "b", 2, 1000);
        add_media(f, RECORD_VIDEO, "b", 3, 1000);
        assert_int_equal(commit(f), 0);
        add_media(f, RECORD_VIDEO, "b", 4, 1000); /* these wait in memory */
        add_media(f, RECORD_VIDEO, "bb", 5, 1000);
        assert_int_equal(erase(f, &erasure, &receipt), 0);
        assert_int_equal(receipt.parcels, 2);
        assert_int_equal(receipt.records, 3);
        fixture_reopen(f); /* it is applied once more where a crash would have left it undone, and covers the same */
        wait_reclaimed(f);
        assert_int_equal(lane_counters(f, LANE_TRACK)->pending, 2);
        assert_int_equal(lane_counters(f, LANE_MEDIA)->pending, 2);
        assert_int_equal(lane_counters(f, LANE_MEDIA)->erased, 2);
        assert_int_equal(n_segments(f), 2);
        erasure.purposes = 1U << PURPOSE_AUDIO;
        erasure.clip = "a";
        assert_int_equal(erase(f, &erasure, &receipt), 0);
        assert_int_equal(receipt.parcels, 0);
        check_counters(f);
}

static void test_erasing_a_clip_dooms_what_the_store_has_of_it(void **state) {
        const JournalErasure erasure = { .purposes = ALL_PURPOSES, .clip = "b", .since_ms = TIME_MS_NONE,
                                         .until_ms = TIME_MS_NONE };
        static const char *const clips[] = { "a", "b", "c" };
        uint64_t objects[64], object;
        char names[64][80];
        Fixture *f = *state;
        JournalReceipt receipt;

        assert_int_equal(fixture_open(f), 0);
        append(f, 1);
        send_all(f, LANE_TRACK);
        for (unsigned i = 0; i < 3; i++) {
                _cleanup_(journal_batch_freep) JournalBatch *batch = NULL;

                add_media(f, RECORD_VIDEO, clips[i], i, 1000);
                assert_int_equal(commit(f), 0);
                batch = read_batch(f, LANE_MEDIA, 10);
                assert_int_equal(put_intent(f, LANE_MEDIA, batch->first, batch->last, clips[i], &object), 0);
                if (i < 2)
                        assert_int_equal(ack(f, object), 0);
        }
        assert_int_equal(erase(f, &erasure, &receipt), 0);
        assert_int_equal(receipt.objects_doomed, 1);
        assert_int_equal(list_doomed(f, objects, names), 1);
        assert_string_equal(names[0], "b");
        check_counters(f);
}

static void change_byte(Fixture *f, uint64_t parcel, off_t offset) {
        _cleanup_free_ char *path = segment_path(f, parcel);
        _cleanup_close_ int fd = open(path, O_RDWR);
        uint8_t byte;

        assert_int_equal(pread(fd, &byte, 1, offset), 1);
        byte ^= 1;
        assert_int_equal(pwrite(fd, &byte, 1, offset), 1);
}

static void test_damaged_bytes_cost_their_record_alone(void **state) {
        Fixture *f = *state;
        _cleanup_(journal_batch_freep) JournalBatch *batch = NULL;

        assert_int_equal(fixture_open(f), 0);
        for (unsigned i = 0; i < 3; i++)
                add_media(f, RECORD_VIDEO, "a", i, 1000);
        assert_int_equal(commit(f), 0);
        change_byte(f, 1, 1028 + 500);
        assert_int_equal(send_batch(f, LANE_MEDIA, 100), 1); /* up to the damaged one */
        batch = read_batch(f, LANE_MEDIA, 100);
        assert_int_equal(batch->n_records, 1);
        assert_is_sample(batch->records[0], 2, 1000);
        assert_int_equal(lane_counters(f, LANE_MEDIA)->parked, 1);
        check_counters(f);
}

/* Sealed with one key, yet bound to their records. */
static void test_bytes_of_another_record_do_not_pass(void **state) {
        Fixture *f = *state;
        _cleanup_free_ char *path = segment_path(f, 1);
        uint8_t one[1028];
        _cleanup_close_ int fd = -1;

        assert_int_equal(fixture_open(f), 0);
        add_media(f, RECORD_VIDEO, "a", 1, 1000);
        add_media(f, RECORD_VIDEO, "a", 2, 1000);
        assert_int_equal(commit(f), 0);
        fd = open(path, O_RDWR);
        assert_int_equal(pread(fd, one, sizeof(one), 0), sizeof(one));
        assert_int_equal(pwrite(fd, one, sizeof(one), sizeof(one)), sizeof(one));
        assert_int_equal(send_batch(f, LANE_MEDIA, 100), 1);
        assert_null(read_batch(f, LANE_MEDIA, 100));
        assert_int_equal(lane_counters(f, LANE_MEDIA)->parked, 1);
}

static void test_a_lost_segment_of_the_boxs_disk_is_parked(void **state) {
        Fixture *f = *state;
        _cleanup_free_ char *path = segment_path(f, 1), *other = segment_path(f, 2);

        assert_int_equal(fixture_open(f), 0);
        add_media(f, RECORD_VIDEO, "a", 1, 1000);
        add_media(f, RECORD_VIDEO, "b", 2, 1000);
        add_media(f, RECORD_VIDEO, "b", 3, 1000);
        add_media(f, RECORD_VIDEO, "c", 4, 1000);
        assert_int_equal(commit(f), 0);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(truncate(other, 1500), 0);
        send_all(f, LANE_MEDIA);
        assert_int_equal(lane_counters(f, LANE_MEDIA)->parked, 2);
        assert_int_equal(lane_counters(f, LANE_MEDIA)->stored, 2);
}

static void write_file(Fixture *f, const char *name, size_t size) {
        _cleanup_free_ char *path = fixture_path(f, name);
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT, 0600);

        assert_int_equal(pwrite(fd, sample(99, size), size, 0), size);
}

/* A crash leaves what was written and not committed: a tail, or a whole file. */
static void test_what_a_crash_left_is_tidied_at_the_start(void **state) {
        Fixture *f = *state;
        size_t bytes;

        assert_int_equal(fixture_open(f), 0);
        add_media(f, RECORD_VIDEO, "a", 1, 1000);
        assert_int_equal(commit(f), 0);
        fixture_close(f);
        write_file(f, "segments/0000000000000077", 5000);
        write_file(f, "segments/not-a-segment", 10);
        {
                _cleanup_free_ char *path = segment_path(f, 1);
                _cleanup_close_ int fd = open(path, O_WRONLY | O_APPEND);

                assert_int_equal(write(fd, sample(98, 3000), 3000), 3000);
        }
        assert_int_equal(fixture_open(f), 0);
        wait_segments(f, 2);
        while (segments(f, &bytes) && bytes != 1028 + 10)
                fixture_turn(f);
        assert_int_equal(send_batch(f, LANE_MEDIA, 10), 1);
}

static void overwrite_page_1(Fixture *f) {
        _cleanup_free_ char *path = fixture_path(f, "journal.db");
        _cleanup_close_ int fd = open(path, O_WRONLY);
        static const uint8_t zeroes[4096];

        assert_int_equal(pwrite(fd, zeroes, sizeof(zeroes), 0), sizeof(zeroes));
}

/* The bytes lie elsewhere; the rows that say where are carried over. */
static void test_a_damaged_database_costs_no_bytes(void **state) {
        Fixture *f = *state;
        _cleanup_(journal_batch_freep) JournalBatch *batch = NULL;

        assert_int_equal(fixture_open(f), 0);
        for (unsigned i = 0; i < 20; i++)
                add_media(f, RECORD_VIDEO, "a", i, 3000);
        assert_int_equal(commit(f), 0);
        fixture_close(f);
        overwrite_page_1(f);
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(journal_counters(f->journal)->damage.n_damages, 1);
        assert_int_equal(lane_counters(f, LANE_MEDIA)->pending, 20);
        assert_int_equal(commit(f), 0); /* tidies the folder */
        batch = read_batch(f, LANE_MEDIA, 100);
        assert_int_equal(batch->n_records, 20);
        for (unsigned i = 0; i < 20; i++)
                assert_is_sample(batch->records[i], i, 3000);
}

/* Where no row is left nobody knows where the bytes begin: the record is parked, and said to be lost; what is new is
 * not in its way. */
static void test_a_lost_database_leaves_media_that_works(void **state) {
        Fixture *f = *state;
        _cleanup_free_ char *path = fixture_path(f, "journal.db");
        _cleanup_(journal_batch_freep) JournalBatch *batch = NULL;

        assert_int_equal(fixture_open(f), 0);
        add_media(f, RECORD_VIDEO, "a", 1, 3000);
        assert_int_equal(commit(f), 0);
        fixture_close(f);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(fixture_open(f), 0);
        add_media(f, RECORD_VIDEO, "b", 2, 3000);
        assert_int_equal(commit(f), 0);
        batch = read_batch(f, LANE_MEDIA, 100);
        assert_int_equal(batch->n_records, 1);
        assert_is_sample(batch->records[0], 2, 3000);
        assert_int_equal(lane_counters(f, LANE_MEDIA)->parked, 1);
        assert_int_equal(lane_counters(f, LANE_EVENT)->pending, 1);
}

#define unit(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                unit(test_what_is_in_the_store_leaves_the_disk),
                unit(test_what_expires_leaves_the_disk),
                unit(test_erasing_a_purpose_takes_its_segments),
                unit(test_erasing_a_clip_takes_that_clip_alone),
                unit(test_erasing_a_clip_dooms_what_the_store_has_of_it),
                unit(test_damaged_bytes_cost_their_record_alone),
                unit(test_bytes_of_another_record_do_not_pass),
                unit(test_a_lost_segment_of_the_boxs_disk_is_parked),
                unit(test_what_a_crash_left_is_tidied_at_the_start),
                unit(test_a_damaged_database_costs_no_bytes),
                unit(test_a_lost_database_leaves_media_that_works),
        };

        return cmocka_run_group_tests_name("the end of media", tests, NULL, NULL);
}
