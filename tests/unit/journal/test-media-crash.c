/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Media whose medium fails once at each call, and the power cut between a segment and its row.
 */
#include "card-fixture.h"
#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>
#include "trailkeep/file.h"

/* From an empty card to a closed and erased parcel. Returns false when the failure did not come to pass. */
static bool live(Fixture *f, unsigned n) {
        unsigned n_before;
        JournalReceipt receipt;

        make_card(f, "card", "");
        assert_int_equal(fixture_open(f), 0);
        card = (Card){ .error = EIO, .countdown = n, .is_counting = true };
        add_video(f, 1);
        add_fix_and_alarm(f);
        (void)commit(f);
        assert_int_equal(pending(f, LANE_TRACK) + pending(f, LANE_ALARM), 2);
        add_video(f, 2);
        (void)commit(f);
        assert_int_equal(append_media(f, RECORD_VIDEO, "next", clip_sample(3), CLIP_SIZE), 0);
        (void)commit(f);
        n_before = card.countdown;
        card.countdown = 0;
        assert_int_equal(commit(f), 0);
        assert_int_equal(media_state(f), JOURNAL_MEDIA_OK);
        assert_int_equal(pending(f, LANE_MEDIA), 3);
        card.countdown = n_before;
        fixture_reopen(f);
        assert_read(f, 1, 3);
        assert_int_equal(erase(f, &everything, &receipt), 0);
        wait_reclaimed(f);
        while (files_on(f, "card") > 0)
                (void)commit(f);
        return card.countdown == 0;
}

static void test_each_call_fails_once(void **state) {
        unsigned n = 0;

        (void)card_teardown(state);
        do {
                assert_int_equal(card_setup(state), 0);
                n++;
                if (!live(*state, n))
                        break;
                (void)card_teardown(state);
        } while (n < 1000);
        assert_in_range(n, 35, 200);
}

/* A broken place costs its record, but not before it was asked three times: a card that is pulled says the same. */
static void test_what_the_medium_does_not_give_is_parked_the_third_time(void **state) {
        Fixture *f = *state;
        JournalBatch *batch = NULL;

        free((char *)f->options.media_dir); /* no marker is read in the box's own folder */
        f->options.media_dir = NULL;
        assert_int_equal(fixture_open(f), 0);
        add_video(f, 1);
        add_video(f, 2);
        assert_int_equal(commit(f), 0);
        card = (Card){ .error = EIO, .fails = { [CARD_READ] = true } };
        assert_int_equal(try_read_batch(f, LANE_MEDIA, 1, &batch), JOURNAL_E_MEDIA);
        assert_int_equal(try_read_batch(f, LANE_MEDIA, 1, &batch), JOURNAL_E_MEDIA);
        assert_int_equal(lane_counters(f, LANE_MEDIA)->parked, 0);
        card = (Card){ .error = EIO, .countdown = 2 }; /* the file is opened, and the next record is well */
        assert_int_equal(try_read_batch(f, LANE_MEDIA, 1, &batch), 0);
        assert_memory_equal(batch->records[0]->data.data, clip_sample(2), CLIP_SIZE);
        journal_batch_free(batch);
        assert_int_equal(lane_counters(f, LANE_MEDIA)->parked, 1);
}

/* The state folder and the card as they are now, for another box to start with. */
static void copy_folder(const char *from, const char *to) {
        DIR *d = opendir(from);
        const struct dirent *entry;

        assert_non_null(d);
        assert_int_equal(mkdir(to, 0700), 0);
        while ((entry = readdir(d))) {
                _cleanup_free_ char *a = path_join(from, entry->d_name), *b = path_join(to, entry->d_name);
                _cleanup_bytes_ Bytes content = { 0 };
                struct stat st;

                assert_int_equal(lstat(a, &st), 0);
                if (entry->d_name[0] == '.')
                        continue;
                if (S_ISDIR(st.st_mode)) {
                        copy_folder(a, b);
                        continue;
                }
                assert_int_equal(file_read(a, 64 << 20, &content), 0);
                assert_int_equal(file_write_atomic(b, content.size > 0 ? content.data : (uint8_t *)"", content.size,
                                                   0600, true), 0);
        }
        (void)closedir(d);
}

static void take_copy(void *userdata) {
        Fixture *f = userdata;
        _cleanup_free_ char *copy = in_root(f, "copy");

        card.synced = NULL;
        copy_folder(f->dir, copy);
}

static void open_copy(Fixture *f) {
        fixture_close(f);
        (void)snprintf(f->dir, sizeof(f->dir), "%s/copy", f->root);
        assert_int_equal(fixture_open(f), 0);
}

static void crash_setup(Fixture *f) {
        free((char *)f->options.media_dir);
        f->options.media_dir = NULL;
        assert_int_equal(fixture_open(f), 0);
        add_video(f, 1);
        assert_int_equal(commit(f), 0);
        add_video(f, 2);
}

static void copy_segment(Fixture *f, const char *to) {
        _cleanup_free_ char *from = fixture_path(f, "segments/0000000000000001");
        _cleanup_bytes_ Bytes content = { 0 };

        assert_int_equal(file_read(from, 64 << 20, &content), 0);
        assert_int_equal(file_write_atomic(to, content.data, content.size, 0600, true), 0);
}

/* The same record was written twice, sealed anew the second time: the first bytes open, and are not what was committed. */
static void test_bytes_of_a_commit_that_failed_do_not_pass(void **state) {
        Fixture *f = *state;
        _cleanup_free_ char *old = in_root(f, "old"), *path = fixture_path(f, "segments/0000000000000001");

        crash_setup(f);
        card = (Card){ .error = ENOSPC, .fails = { [CARD_SYNC] = true } };
        assert_int_equal(commit(f), JOURNAL_E_MEDIA);
        card = (Card){ 0 };
        copy_segment(f, old);
        assert_int_equal(commit(f), 0);
        assert_int_equal(rename(old, path), 0);
        assert_int_equal(send_batch(f, LANE_MEDIA, 10), 1);
        assert_null(read_batch(f, LANE_MEDIA, 10));
        assert_int_equal(lane_counters(f, LANE_MEDIA)->parked, 1);
}

static size_t segment_size(Fixture *f) {
        _cleanup_free_ char *path = fixture_path(f, "segments/0000000000000001");
        struct stat st;

        return stat(path, &st) < 0 ? 0 : (size_t)st.st_size;
}

static void test_power_cut_between_segment_and_row(void **state) {
        Fixture *f = *state;
        size_t size;

        crash_setup(f);
        size = segment_size(f);
        card.synced = take_copy;
        card.userdata = f;
        assert_int_equal(commit(f), 0);
        assert_null(card.synced);
        open_copy(f);
        assert_int_equal(pending(f, LANE_MEDIA), 1);
        assert_true(segment_size(f) > size);
        while (segment_size(f) > size) /* tidied */
                fixture_turn(f);
        assert_read(f, 1, 1);
}

static void test_power_cut_after_the_row(void **state) {
        Fixture *f = *state;

        crash_setup(f);
        assert_int_equal(commit(f), 0);
        take_copy(f);
        open_copy(f);
        assert_int_equal(pending(f, LANE_MEDIA), 2);
        assert_read(f, 1, 2);
}

/* The first segment of all: its folder and file are on the medium before the row is. */
static void test_power_cut_at_the_first_sync(void **state) {
        Fixture *f = *state;

        free((char *)f->options.media_dir);
        f->options.media_dir = NULL;
        assert_int_equal(fixture_open(f), 0);
        add_video(f, 1);
        card.synced = take_copy;
        card.userdata = f;
        assert_int_equal(commit(f), 0);
        open_copy(f);
        assert_int_equal(pending(f, LANE_MEDIA), 0);
        while (segment_size(f) > 0) /* its parcel holds nothing, so it goes */
                fixture_turn(f);
}

#define unit(test) cmocka_unit_test_setup_teardown(test, card_setup, card_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                unit(test_each_call_fails_once),
                unit(test_what_the_medium_does_not_give_is_parked_the_third_time),
                unit(test_bytes_of_a_commit_that_failed_do_not_pass),
                unit(test_power_cut_between_segment_and_row),
                unit(test_power_cut_after_the_row),
                unit(test_power_cut_at_the_first_sync),
        };

        return cmocka_run_group_tests_name("media and a failing medium", tests, NULL, NULL);
}
