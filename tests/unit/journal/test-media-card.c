/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Media on a card: pulled, somebody else's, full, read-only and failing. Real file systems in the card's place are in the
 * fault suite.
 */
#include "card-fixture.h"
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include "trailkeep/file.h"

#define OTHER "ffffffffffffffffffffffffffffffff\n"

static void assert_marker(Fixture *f, const char *name, const char *text) {
        _cleanup_free_ char *dir = in_root(f, name);
        _cleanup_free_ char *path = path_join(dir, MARKER);
        _cleanup_bytes_ Bytes content = { 0 };

        assert_int_equal(file_read(path, 100, &content), 0);
        assert_string_equal((char *)content.data, text);
}

static void assert_our_marker(Fixture *f, const char *name) {
        char text[40];

        (void)snprintf(text, sizeof(text), "%s\n", journal_installation(f->journal));
        assert_marker(f, name, text);
}

static void test_an_empty_marker_is_filled_in(void **state) {
        Fixture *f = *state;

        make_card(f, "card", "");
        assert_int_equal(fixture_open(f), 0);
        add_video(f, 1);
        assert_int_equal(commit(f), 0);
        assert_our_marker(f, "card");
        assert_int_equal(files_on(f, "card"), 1);
        assert_int_equal(media_state(f), JOURNAL_MEDIA_OK);
        assert_int_equal(f->n_media, 0);
        fixture_reopen(f);
        assert_read(f, 1, 1);
}

/* A mount point without its card is a folder, too. */
static void test_a_folder_without_a_marker_is_not_touched(void **state) {
        Fixture *f = *state;
        _cleanup_free_ char *marker = path_join(f->options.media_dir, MARKER);

        make_card(f, "card", NULL);
        assert_int_equal(fixture_open(f), 0);
        add_video(f, 1);
        add_fix_and_alarm(f);
        assert_int_equal(commit(f), JOURNAL_E_MEDIA);
        assert_int_equal(files_on(f, "card"), 0);
        assert_int_equal(media_state(f), JOURNAL_MEDIA_MISSING);
        assert_int_equal(f->media_state, JOURNAL_MEDIA_MISSING);
        assert_non_null(strstr(journal_media_trouble(f->journal), "touch "));
        assert_false(journal_counters(f->journal)->is_failing);
        assert_int_equal(pending(f, LANE_TRACK) + pending(f, LANE_ALARM), 2);
        assert_int_equal(pending(f, LANE_MEDIA), 0);

        assert_int_equal(file_write_atomic(marker, "", 0, 0600, false), 0);
        assert_int_equal(commit(f), 0);
        assert_int_equal(media_state(f), JOURNAL_MEDIA_OK);
        assert_string_equal(journal_media_trouble(f->journal), "");
        assert_int_equal(f->n_media, 2);
        assert_read(f, 1, 1);
}

static void test_another_boxs_card_is_not_touched(void **state) {
        Fixture *f = *state;

        make_card(f, "card", OTHER);
        assert_int_equal(fixture_open(f), 0);
        add_video(f, 1);
        assert_int_equal(commit(f), JOURNAL_E_MEDIA);
        assert_int_equal(media_state(f), JOURNAL_MEDIA_FOREIGN);
        assert_int_equal(files_on(f, "card"), 0);
        assert_marker(f, "card", OTHER);
        move_card(f, "card", "pulled");
        make_card(f, "card", "");
        assert_int_equal(commit(f), 0);
        assert_read(f, 1, 1);
}

static void test_pulled_and_put_back_nothing_is_lost(void **state) {
        Fixture *f = *state;
        JournalBatch *batch = NULL;

        make_card(f, "card", "");
        assert_int_equal(fixture_open(f), 0);
        add_video(f, 1);
        assert_int_equal(commit(f), 0);
        move_card(f, "card", "pulled");
        add_video(f, 2);
        add_fix_and_alarm(f);
        assert_int_equal(commit(f), JOURNAL_E_MEDIA);
        assert_int_equal(media_state(f), JOURNAL_MEDIA_MISSING);
        assert_int_equal(pending(f, LANE_TRACK) + pending(f, LANE_ALARM), 2);
        assert_int_equal(pending(f, LANE_MEDIA), 1);
        /* Not lost, so not passed over either. */
        assert_int_equal(try_read_batch(f, LANE_MEDIA, 10, &batch), JOURNAL_E_MEDIA);
        assert_null(batch);
        assert_int_equal(lane_counters(f, LANE_MEDIA)->parked, 0);

        move_card(f, "pulled", "card");
        assert_int_equal(commit(f), 0);
        assert_int_equal(media_state(f), JOURNAL_MEDIA_OK);
        assert_int_equal(files_on(f, "card"), 1); /* the parcel goes on */
        assert_read(f, 1, 2);
}

static void test_it_is_found_again_by_itself(void **state) {
        Fixture *f = *state;

        f->options.commit_interval_usec = USEC_PER_MSEC;
        make_card(f, "card", "");
        make_card(f, "other", "");
        assert_int_equal(fixture_open(f), 0);
        move_card(f, "card", "pulled");
        add_video(f, 1);
        while (f->n_media == 0)
                fixture_turn(f);
        assert_int_equal(f->media_state, JOURNAL_MEDIA_MISSING);
        move_card(f, "pulled", "card");
        while (f->n_media == 1)
                fixture_turn(f);
        assert_int_equal(f->media_state, JOURNAL_MEDIA_OK);
        while (pending(f, LANE_MEDIA) == 0)
                fixture_turn(f);
        assert_read(f, 1, 1);
}

/* Nothing asks after a card that works: one look at the start, and then the loop has nothing to do. */
static void test_nobody_asks_while_it_works(void **state) {
        Fixture *f = *state;
        unsigned n_calls;

        make_card(f, "card", "");
        card = (Card){ 0 };
        assert_int_equal(fixture_open(f), 0);
        while (card.n_calls[CARD_OPEN] == 0)
                fixture_turn(f);
        assert_int_equal(commit(f), 0);
        n_calls = card.n_all;
        for (int i = 0; i < 5; i++)
                assert_true(sd_event_run(f->event, 300 * USEC_PER_MSEC) >= 0);
        assert_int_equal(card.n_all, n_calls);
}

/* What waited in memory is gone with it, and the store is told so. */
static void test_ended_without_its_card_it_says_what_is_lost(void **state) {
        Fixture *f = *state;
        _cleanup_(journal_batch_freep) JournalBatch *batch = NULL;

        assert_int_equal(fixture_open(f), 0);
        for (uint8_t i = 0; i < 5; i++)
                add_video(f, i);
        assert_int_equal(commit(f), JOURNAL_E_MEDIA);
        fixture_close(f);
        make_card(f, "card", "");
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(commit(f), 0);
        assert_int_equal(lane_counters(f, LANE_MEDIA)->recorded, 0);
        batch = read_batch(f, LANE_EVENT, 10);
        assert_int_equal(batch->n_records, 1);
        assert_int_equal(batch->purpose, PURPOSE_VIDEO);
        assert_non_null(strstr(batch->records[0]->payload, "\"reason\":\"refused\",\"records\":5"));
        assert_non_null(strstr(batch->records[0]->payload, "\"source\":\"front\""));
}

/* Two cards of one box: what is on the one is not lost while the other is in. */
static void test_cards_may_be_changed(void **state) {
        Fixture *f = *state;
        JournalBatch *batch = NULL;

        make_card(f, "card", "");
        make_card(f, "other", "");
        assert_int_equal(fixture_open(f), 0);
        add_video(f, 1);
        assert_int_equal(commit(f), 0);
        move_card(f, "card", "pulled");
        move_card(f, "other", "card");
        add_video(f, 2);
        assert_int_equal(commit(f), 0);
        assert_int_equal(media_state(f), JOURNAL_MEDIA_OK);
        assert_int_equal(files_on(f, "card"), 1);
        assert_int_equal(files_on(f, "pulled"), 1);
        assert_int_equal(try_read_batch(f, LANE_MEDIA, 10, &batch), JOURNAL_E_MEDIA);
        assert_int_equal(lane_counters(f, LANE_MEDIA)->parked, 0);

        move_card(f, "card", "other");
        move_card(f, "pulled", "card");
        assert_int_equal(send_batch(f, LANE_MEDIA, 10), 1);
        move_card(f, "card", "pulled");
        move_card(f, "other", "card");
        assert_read(f, 2, 1);
}

static void test_erased_while_it_is_away(void **state) {
        Fixture *f = *state;
        JournalReceipt receipt;

        make_card(f, "card", "");
        assert_int_equal(fixture_open(f), 0);
        add_video(f, 1);
        assert_int_equal(commit(f), 0);
        move_card(f, "card", "pulled");
        assert_int_equal(erase(f, &everything, &receipt), 0);
        assert_int_equal(receipt.parcels, 1);
        wait_reclaimed(f);
        assert_null(read_batch(f, LANE_MEDIA, 10));
        assert_int_equal(files_on(f, "pulled"), 1);
        move_card(f, "pulled", "card");
        assert_int_equal(commit(f), 0); /* somebody asks */
        assert_int_equal(files_on(f, "card"), 0);
}

static void test_expired_while_it_is_away(void **state) {
        Fixture *f = *state;

        make_card(f, "card", "");
        assert_int_equal(fixture_open(f), 0);
        add_video(f, 1);
        assert_int_equal(commit(f), 0);
        fixture_close(f);
        move_card(f, "card", "pulled");
        fixture_advance(f, 31 * USEC_PER_DAY);
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(lane_counters(f, LANE_MEDIA)->expired, 1);
        move_card(f, "pulled", "card");
        while (files_on(f, "card") > 0)
                fixture_turn(f);
}

static void test_memory_is_bounded_and_fixes_go_on(void **state) {
        Fixture *f = *state;
        uint64_t n = 0;
        int r;

        assert_int_equal(fixture_open(f), 0);
        do {
                r = append_media(f, RECORD_VIDEO, "clip", clip_sample((uint8_t)n), CLIP_SIZE);
                n += r == 0;
        } while (r == 0 && n < 1000);
        assert_int_equal(r, JOURNAL_E_FULL);
        assert_in_range(n, 70, 84); /* 4 MiB */
        assert_int_equal(commit(f), JOURNAL_E_MEDIA);
        assert_int_equal(append_media(f, RECORD_VIDEO, "clip", clip_sample(0), CLIP_SIZE), JOURNAL_E_FULL);
        for (int i = 0; i < 1000; i++)
                assert_int_equal(append_record(f, RECORD_FIX, SUBJECT_A, START_REALTIME_MS), 0);
        assert_int_equal(commit(f), JOURNAL_E_MEDIA);
        assert_int_equal(pending(f, LANE_TRACK), 1000);
        make_card(f, "card", "");
        assert_int_equal(commit(f), 0);
        assert_int_equal(pending(f, LANE_MEDIA), n);
}

/* An error of a kind, at one of the calls, for as long as it lasts. */
static void check_error(Fixture *f, int error, CardCall call, JournalMediaState expected) {
        JournalMediaState before = media_state(f);
        uint64_t n = pending(f, LANE_MEDIA), n_fixes = pending(f, LANE_TRACK);

        assert_int_equal(before, JOURNAL_MEDIA_OK);
        card.error = error;
        card.fails[call] = true;
        add_video(f, (uint8_t)(1 + n));
        add_fix_and_alarm(f);
        assert_int_equal(commit(f), JOURNAL_E_MEDIA);
        assert_int_equal(media_state(f), expected);
        assert_int_equal(pending(f, LANE_MEDIA), n);
        assert_int_equal(pending(f, LANE_TRACK), n_fixes + 1);
        assert_false(journal_counters(f->journal)->is_failing);
        assert_int_equal(commit(f), JOURNAL_E_MEDIA); /* and again */
        card.fails[call] = false;
        assert_int_equal(commit(f), 0);
        assert_int_equal(media_state(f), JOURNAL_MEDIA_OK);
        assert_int_equal(pending(f, LANE_MEDIA), n + 1);
}

static void test_every_error_has_its_state_and_is_recovered_from(void **state) {
        Fixture *f = *state;

        make_card(f, "card", "");
        assert_int_equal(fixture_open(f), 0);
        add_video(f, 1);
        assert_int_equal(commit(f), 0);
        check_error(f, ENOSPC, CARD_WRITE, JOURNAL_MEDIA_FULL);
        check_error(f, EDQUOT, CARD_WRITE, JOURNAL_MEDIA_FULL);
        check_error(f, EROFS, CARD_OPEN, JOURNAL_MEDIA_READ_ONLY);
        check_error(f, EACCES, CARD_OPEN, JOURNAL_MEDIA_READ_ONLY);
        check_error(f, EIO, CARD_WRITE, JOURNAL_MEDIA_FAILING);
        check_error(f, EIO, CARD_SYNC, JOURNAL_MEDIA_FAILING);
        check_error(f, ENODEV, CARD_OPEN, JOURNAL_MEDIA_MISSING);
        assert_read(f, 1, 8);
}

/* A real limit, of the kernel. */
static void test_a_file_that_may_not_grow(void **state) {
        Fixture *f = *state;
        struct rlimit before, limit;

        make_card(f, "card", "");
        assert_int_equal(fixture_open(f), 0);
        for (uint8_t i = 0; i < 30; i++)
                add_video(f, (uint8_t)(1 + i));
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
        limit = before;
        limit.rlim_cur = 1 << 20;
        assert_ptr_not_equal(signal(SIGXFSZ, SIG_IGN), SIG_ERR);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        add_fix_and_alarm(f);
        assert_int_equal(commit(f), JOURNAL_E_MEDIA);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        assert_int_equal(media_state(f), JOURNAL_MEDIA_FULL);
        assert_int_equal(pending(f, LANE_TRACK) + pending(f, LANE_ALARM), 2);
        assert_int_equal(commit(f), 0);
        assert_read(f, 1, 30);
}

static void test_space_need_not_be_allocated(void **state) {
        Fixture *f = *state;

        make_card(f, "card", "");
        card.error = EOPNOTSUPP;
        card.fails[CARD_ALLOCATE] = true;
        assert_int_equal(fixture_open(f), 0);
        add_video(f, 1);
        assert_int_equal(commit(f), 0);
        assert_true(card.n_calls[CARD_ALLOCATE] > 0);
        assert_read(f, 1, 1);
}

#define unit(test) cmocka_unit_test_setup_teardown(test, card_setup, card_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                unit(test_an_empty_marker_is_filled_in),
                unit(test_a_folder_without_a_marker_is_not_touched),
                unit(test_another_boxs_card_is_not_touched),
                unit(test_pulled_and_put_back_nothing_is_lost),
                unit(test_it_is_found_again_by_itself),
                unit(test_nobody_asks_while_it_works),
                unit(test_ended_without_its_card_it_says_what_is_lost),
                unit(test_cards_may_be_changed),
                unit(test_erased_while_it_is_away),
                unit(test_expired_while_it_is_away),
                unit(test_memory_is_bounded_and_fixes_go_on),
                unit(test_every_error_has_its_state_and_is_recovered_from),
                unit(test_a_file_that_may_not_grow),
                unit(test_space_need_not_be_allocated),
        };

        return cmocka_run_group_tests_name("media on a card", tests, NULL, NULL);
}
