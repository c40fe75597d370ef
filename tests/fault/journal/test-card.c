/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Media on a card that is a file system of its own: mounted, filled to the last page, made read-only, unmounted.
 */
#include "small-fs.h"
#include <errno.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include "trailkeep/file.h"

#define PIECE (200 * 1024)
#define MARKER "trailkeep-media"

static void mount_card(Fixture *f, unsigned long flags) {
        assert_int_equal(mount("none", f->options.media_dir, "tmpfs", flags, "size=2m,mode=0700"), 0);
}

static void touch_marker(Fixture *f) {
        _cleanup_free_ char *path = path_join(f->options.media_dir, MARKER);

        assert_int_equal(file_write_atomic(path, "", 0, 0600, true), 0);
}

static int setup(void **state) {
        Fixture *f;

        assert_int_equal(fixture_setup(state), 0);
        f = *state;
        f->options.media_dir = path_join(f->root, "card");
        f->options.commit_interval_usec = USEC_PER_HOUR;
        assert_int_equal(mkdir(f->options.media_dir, 0700), 0);
        return 0;
}

static int teardown(void **state) {
        Fixture *f = *state;
        char *media_dir = (char *)f->options.media_dir;

        fixture_close(f);
        (void)umount(media_dir); /* where it is mounted still */
        (void)rmdir(media_dir);
        free(media_dir);
        return fixture_teardown(state);
}

static void add_clip(Fixture *f, const char *clip, uint8_t seed) {
        static uint8_t data[PIECE];

        memset(data, seed, sizeof(data));
        assert_int_equal(append_media(f, RECORD_VIDEO, clip, data, sizeof(data)), 0);
}

static void add_video(Fixture *f, uint8_t seed) {
        add_clip(f, "clip", seed);
}

static void assert_first_is(Fixture *f, uint8_t seed) {
        _cleanup_(journal_batch_freep) JournalBatch *batch = read_batch(f, LANE_MEDIA, 1);

        assert_non_null(batch);
        assert_int_equal(batch->records[0]->data.size, PIECE);
        assert_int_equal(batch->records[0]->data.data[PIECE - 1], seed);
}

static JournalMediaState media_state(Fixture *f) {
        return journal_counters(f->journal)->media_state;
}

static uint64_t free_bytes(Fixture *f) {
        struct statvfs st;

        assert_int_equal(statvfs(f->options.media_dir, &st), 0);
        return (uint64_t)st.f_bavail * st.f_frsize;
}

static void test_full_costs_media_alone(void **state) {
        const JournalErasure clip = { .purposes = ALL_PURPOSES, .clip = "clip", .since_ms = TIME_MS_NONE,
                                      .until_ms = TIME_MS_NONE };
        Fixture *f = *state;
        JournalReceipt receipt;
        uint64_t n = 0;
        int r;

        mount_card(f, 0);
        touch_marker(f);
        assert_int_equal(fixture_open(f), 0);
        do {
                add_video(f, (uint8_t)n);
                r = commit(f);
                n += r == 0;
        } while (r == 0 && n < 100);
        assert_int_equal(r, JOURNAL_E_MEDIA);
        assert_in_range(n, 7, 10); /* of 2 MiB, to nearly the last page */
        assert_int_equal(media_state(f), JOURNAL_MEDIA_FULL);
        assert_int_equal(append_record(f, RECORD_ALARM, SUBJECT_A, START_REALTIME_MS), 0);
        assert_int_equal(commit(f), JOURNAL_E_MEDIA);
        assert_int_equal(lane_counters(f, LANE_ALARM)->pending, 1);
        assert_int_equal(lane_counters(f, LANE_MEDIA)->pending, n);
        assert_first_is(f, 0);

        assert_int_equal(erase(f, &clip, &receipt), 0); /* what waits belongs to it, too */
        assert_int_equal(receipt.records, n + 1);
        wait_reclaimed(f);
        add_video(f, 77);
        assert_int_equal(commit(f), 0);
        assert_int_equal(media_state(f), JOURNAL_MEDIA_OK);
        assert_first_is(f, 77);
}

/* The clip that is being recorded stays, and those before make room for it, the oldest first. */
static void test_old_clips_make_room_on_a_full_card(void **state) {
        Fixture *f = *state;
        const JournalLaneCounters *media;

        mount_card(f, 0);
        touch_marker(f);
        assert_int_equal(fixture_open(f), 0);
        for (uint8_t i = 0; i < 40; i++) {
                char clip[16];

                (void)snprintf(clip, sizeof(clip), "clip-%u", i / 2);
                add_clip(f, clip, i);
                assert_int_equal(commit(f), 0);
        }
        media = lane_counters(f, LANE_MEDIA);
        assert_in_range(media->evicted, 30, 36);
        assert_int_equal(media->evicted % 2, 0); /* clips go whole */
        assert_int_equal(media->pending, 40 - media->evicted);
        assert_in_range(lane_counters(f, LANE_EVENT)->recorded, 1, 18); /* what went is said */
        assert_first_is(f, (uint8_t)media->evicted);
        check_counters(f);
}

/* Erased while the card is away: its files go before the next is written, or the card would stay full for good. */
static void test_full_of_what_was_erased(void **state) {
        const JournalErasure clip = { .purposes = ALL_PURPOSES, .clip = "clip", .since_ms = TIME_MS_NONE,
                                      .until_ms = TIME_MS_NONE };
        Fixture *f = *state;
        _cleanup_free_ char *drawer = path_join(f->root, "drawer");
        JournalReceipt receipt;
        int r;

        assert_int_equal(mkdir(drawer, 0700), 0);
        mount_card(f, 0);
        touch_marker(f);
        assert_int_equal(fixture_open(f), 0);
        do {
                add_video(f, 1);
                r = commit(f);
        } while (r == 0);
        assert_int_equal(media_state(f), JOURNAL_MEDIA_FULL);
        assert_int_equal(mount(f->options.media_dir, drawer, NULL, MS_MOVE, NULL), 0);
        assert_int_equal(erase(f, &clip, &receipt), 0);
        wait_reclaimed(f);
        add_video(f, 2);
        assert_int_equal(commit(f), JOURNAL_E_MEDIA);
        assert_int_equal(media_state(f), JOURNAL_MEDIA_MISSING);
        assert_int_equal(mount(drawer, f->options.media_dir, NULL, MS_MOVE, NULL), 0);
        assert_int_equal(commit(f), 0);
        assert_int_equal(media_state(f), JOURNAL_MEDIA_OK);
        assert_first_is(f, 2);
        assert_int_equal(rmdir(drawer), 0);
}

static void test_read_only_can_be_read(void **state) {
        Fixture *f = *state;

        mount_card(f, 0);
        touch_marker(f);
        assert_int_equal(fixture_open(f), 0);
        add_video(f, 1);
        assert_int_equal(commit(f), 0);
        assert_int_equal(mount(NULL, f->options.media_dir, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
        add_video(f, 2);
        assert_int_equal(append_record(f, RECORD_FIX, SUBJECT_A, START_REALTIME_MS), 0);
        assert_int_equal(commit(f), JOURNAL_E_MEDIA);
        assert_int_equal(media_state(f), JOURNAL_MEDIA_READ_ONLY);
        assert_int_equal(lane_counters(f, LANE_TRACK)->pending, 1);
        assert_first_is(f, 1);
        fixture_close(f); /* what waited only in memory goes with it */
        assert_int_equal(fixture_open(f), 0);
        assert_first_is(f, 1);
        while (media_state(f) != JOURNAL_MEDIA_READ_ONLY) /* nothing waits, and it is seen all the same */
                fixture_turn(f);
        assert_int_equal(mount(NULL, f->options.media_dir, NULL, MS_REMOUNT, NULL), 0);
        while (media_state(f) != JOURNAL_MEDIA_OK)
                fixture_turn(f);
        assert_first_is(f, 1);
}

/* Where it was there is the empty folder of another file system, which must stay empty. And it can be unmounted while
 * a clip is being recorded. */
static void test_unmounted_in_the_middle_of_a_clip(void **state) {
        Fixture *f = *state;

        mount_card(f, 0);
        touch_marker(f);
        assert_int_equal(fixture_open(f), 0);
        add_video(f, 1);
        assert_int_equal(commit(f), 0);
        assert_int_equal(umount(f->options.media_dir), 0); /* not EBUSY */
        add_video(f, 2);
        assert_int_equal(append_record(f, RECORD_FIX, SUBJECT_A, START_REALTIME_MS), 0);
        assert_int_equal(commit(f), JOURNAL_E_MEDIA);
        assert_int_equal(media_state(f), JOURNAL_MEDIA_MISSING);
        assert_int_equal(lane_counters(f, LANE_TRACK)->pending, 1);
        assert_int_equal(rmdir(f->options.media_dir), 0); /* is empty */
        assert_int_equal(mkdir(f->options.media_dir, 0700), 0);
        mount_card(f, 0); /* a new one */
        assert_int_equal(commit(f), JOURNAL_E_MEDIA);
        touch_marker(f);
        assert_int_equal(commit(f), 0);
        assert_int_equal(lane_counters(f, LANE_MEDIA)->pending, 2);
        assert_int_equal(lane_counters(f, LANE_MEDIA)->parked, 0);
}

/* Allocated in steps while a parcel is open, given back when it is closed. */
static void test_allocated_space_is_given_back(void **state) {
        Fixture *f = *state;
        uint64_t before, open;

        mount_card(f, 0);
        touch_marker(f);
        before = free_bytes(f);
        assert_int_equal(fixture_open(f), 0);
        add_video(f, 1);
        assert_int_equal(commit(f), 0);
        open = free_bytes(f);
        assert_true(open <= before - PIECE);
        fixture_close(f);
        assert_in_range(before - free_bytes(f), PIECE, PIECE + 3 * 4096);
}

#define unit(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                unit(test_full_costs_media_alone),
                unit(test_old_clips_make_room_on_a_full_card),
                unit(test_full_of_what_was_erased),
                unit(test_read_only_can_be_read),
                unit(test_unmounted_in_the_middle_of_a_clip),
                unit(test_allocated_space_is_given_back),
        };

        if (!small_fs_prepare())
                return 0;
        return cmocka_run_group_tests_name("a card that is a file system", tests, NULL, NULL);
}
