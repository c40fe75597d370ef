/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Media: records whose bytes lie in segments, with real files in the state folder. How they end is in test-media-gone.c.
 */
#include "media-fixture.h"
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static void check_all_kinds(Fixture *f) {
        static const RecordKind kinds[] = { RECORD_VIDEO_INIT, RECORD_VIDEO, RECORD_AUDIO_INIT, RECORD_AUDIO,
                                            RECORD_PICTURE };
        static const size_t sizes[] = { 900, 1 << 20, 1, BLOCK, 0 };
        static const char *const clips[] = { "clip-1", "clip-1", "clip-1", "clip-1", "" };
        size_t n = 0;

        while (n < ELEMENTSOF(kinds)) {
                _cleanup_(journal_batch_freep) JournalBatch *batch = read_batch(f, LANE_MEDIA, 10);
                uint64_t object;

                assert_non_null(batch);
                for (size_t i = 0; i < batch->n_records; i++, n++) {
                        const Record *record = batch->records[i];

                        assert_int_equal(record->kind, kinds[n]);
                        assert_string_equal(record->subject, SUBJECT_A);
                        assert_string_equal(record->source, "front");
                        assert_string_equal(record->clip, clips[n]);
                        assert_string_equal(record->payload, "{\"duration\":1000,\"key\":true}");
                        assert_is_sample(record, (unsigned)n, sizes[n]);
                        assert_int_equal(record_kind_purpose(record->kind), batch->purpose);
                }
                assert_int_equal(put_intent(f, LANE_MEDIA, batch->first, batch->last, "x", &object), 0);
                assert_int_equal(ack(f, object), 0);
        }
        assert_null(read_batch(f, LANE_MEDIA, 10));
}

static void add_all_kinds(Fixture *f) {
        add_media(f, RECORD_VIDEO_INIT, "clip-1", 0, 900);
        add_media(f, RECORD_VIDEO, "clip-1", 1, 1 << 20);
        add_media(f, RECORD_AUDIO_INIT, "clip-1", 2, 1);
        add_media(f, RECORD_AUDIO, "clip-1", 3, BLOCK);
        add_media(f, RECORD_PICTURE, "", 4, 0);
        assert_int_equal(commit(f), 0);
}

static void test_bytes_come_back_as_they_were(void **state) {
        Fixture *f = *state;

        assert_int_equal(fixture_open(f), 0);
        add_all_kinds(f);
        assert_int_equal(lane_counters(f, LANE_MEDIA)->pending, 5);
        assert_true(f->n_committed[LANE_MEDIA] > 0);
        check_all_kinds(f);
        check_counters(f);
        assert_int_equal(lane_counters(f, LANE_MEDIA)->stored, 5);
}

static void test_bytes_survive_a_restart(void **state) {
        Fixture *f = *state;

        assert_int_equal(fixture_open(f), 0);
        add_all_kinds(f);
        fixture_reopen(f);
        assert_int_equal(lane_counters(f, LANE_MEDIA)->pending, 5);
        check_all_kinds(f);
}

static void test_no_folder_without_media(void **state) {
        Fixture *f = *state;
        _cleanup_free_ char *dir = fixture_path(f, "segments");

        assert_int_equal(fixture_open(f), 0);
        append(f, 3);
        assert_null(read_batch(f, LANE_MEDIA, 10));
        fixture_reopen(f);
        assert_int_equal(access(dir, F_OK), -1);
        assert_int_equal(journal_counters(f->journal)->media_state, JOURNAL_MEDIA_OK);
        assert_int_equal(f->n_media, 0);
}

static void test_folder_and_files_are_private(void **state) {
        Fixture *f = *state;
        _cleanup_free_ char *dir = fixture_path(f, "segments");
        struct stat st;

        assert_int_equal(fixture_open(f), 0);
        add_media(f, RECORD_VIDEO, "c", 1, 100);
        assert_int_equal(commit(f), 0);
        assert_int_equal(stat(dir, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0700);
        assert_int_equal(n_segments(f), 1); /* looks at the mode */
}

static void test_a_parcel_is_one_track_of_one_clip(void **state) {
        static const struct {
                RecordKind kind;
                const char *clip;
                uint64_t parcel;
        } steps[] = {
                { RECORD_VIDEO, "a", 1 },       { RECORD_AUDIO, "a", 2 },      { RECORD_VIDEO, "a", 1 },
                { RECORD_AUDIO, "a", 2 },       { RECORD_VIDEO, "b", 3 },      { RECORD_AUDIO, "a", 2 },
                { RECORD_AUDIO_INIT, "a", 4 },  { RECORD_AUDIO, "a", 4 },      { RECORD_VIDEO_INIT, "c", 5 },
                { RECORD_VIDEO, "c", 5 },       { RECORD_PICTURE, "c", 6 },    { RECORD_PICTURE, "c", 7 },
                { RECORD_VIDEO, "c", 5 },
        };
        uint64_t seen[8] = { 0 }, expected[8] = { 0 };
        JournalPurposeSummary sums[PURPOSE_MAX];
        Fixture *f = *state;

        assert_int_equal(fixture_open(f), 0);
        for (size_t i = 0; i < ELEMENTSOF(steps); i++) {
                add_media(f, steps[i].kind, steps[i].clip, (unsigned)i, 10);
                expected[steps[i].parcel]++;
        }
        assert_int_equal(commit(f), 0);
        summary(f, SUBJECT_A, sums);
        assert_int_equal(sums[PURPOSE_VIDEO].parcels, 3);
        assert_int_equal(sums[PURPOSE_AUDIO].parcels, 2);
        assert_int_equal(sums[PURPOSE_PICTURE].parcels, 2);
        assert_int_equal(n_segments(f), 7);
        for (;;) {
                _cleanup_(journal_batch_freep) JournalBatch *batch = read_batch(f, LANE_MEDIA, 100);
                uint64_t object;

                if (!batch)
                        break;
                assert_in_range(batch->first >> 20, 1, 7);
                seen[batch->first >> 20] = batch->n_records;
                assert_int_equal(put_intent(f, LANE_MEDIA, batch->first, batch->last, "x", &object), 0);
                assert_int_equal(ack(f, object), 0);
        }
        assert_memory_equal(seen, expected, sizeof(seen));
}

/* What was synced is never written again, and what is closed takes up what it needs. */
static void test_commits_begin_at_blocks_and_closed_segments_are_cut(void **state) {
        Fixture *f = *state;
        _cleanup_free_ char *path = segment_path(f, 1);
        struct stat st;

        assert_int_equal(fixture_open(f), 0);
        add_media(f, RECORD_VIDEO, "a", 1, 100);
        add_media(f, RECORD_VIDEO, "a", 2, 100);
        assert_int_equal(commit(f), 0);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_size, 2 * 128);
        add_media(f, RECORD_VIDEO, "a", 3, 100);
        assert_int_equal(commit(f), 0);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_size, BLOCK + 128);
        fixture_close(f);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_size, BLOCK + 128);
        assert_true(st.st_blocks * 512 <= 4 * BLOCK);
}

static void test_a_mebibyte_is_committed_at_once(void **state) {
        Fixture *f = *state;

        f->options.commit_interval_usec = USEC_PER_HOUR;
        assert_int_equal(fixture_open(f), 0);
        for (unsigned i = 0; i < 3; i++)
                add_media(f, RECORD_VIDEO, "a", i, 300 << 10);
        assert_int_equal(f->n_committed[LANE_MEDIA], 0);
        add_media(f, RECORD_VIDEO, "a", 3, 300 << 10);
        while (f->n_committed[LANE_MEDIA] == 0)
                fixture_turn(f);
        assert_int_equal(lane_counters(f, LANE_MEDIA)->pending, 4);
}

static void test_too_much_media_costs_no_fix(void **state) {
        Fixture *f = *state;
        unsigned n = 0;
        int r;

        f->options.commit_interval_usec = USEC_PER_HOUR;
        assert_int_equal(fixture_open(f), 0);
        /* Nothing of it is looked at until the loop turns. */
        while ((r = append_media(f, RECORD_VIDEO, "a", sample(n, 1 << 20), 1 << 20)) == 0)
                n++;
        assert_int_equal(r, JOURNAL_E_FULL);
        assert_int_equal(n, 3);
        assert_int_equal(append_record(f, RECORD_FIX, SUBJECT_A, START_REALTIME_MS), 0);
        assert_int_equal(commit(f), 0);
        assert_int_equal(lane_counters(f, LANE_MEDIA)->recorded, 3);
        assert_int_equal(lane_counters(f, LANE_TRACK)->recorded, 1);
        assert_int_equal(append_media(f, RECORD_VIDEO, "a", sample(0, 1 << 20), 1 << 20), 0);
}

static void test_the_largest_is_taken(void **state) {
        Fixture *f = *state;
        _cleanup_(journal_batch_freep) JournalBatch *batch = NULL;

        assert_int_equal(fixture_open(f), 0);
        add_media(f, RECORD_PICTURE, "", 7, RECORD_DATA_MAX);
        assert_int_equal(commit(f), 0);
        batch = read_batch(f, LANE_MEDIA, 1);
        assert_is_sample(batch->records[0], 7, RECORD_DATA_MAX);
}

static void test_bytes_of_another_kind_are_refused(void **state) {
        Fixture *f = *state;
        char subject[] = SUBJECT_A, source[] = "gnss", payload[] = "{}";
        uint8_t data[] = { 1 };
        Record record = { .kind = RECORD_FIX, .subject = subject, .source = source, .payload = payload,
                          .data = { .data = data, .size = 1 } };

        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(journal_append(f->journal, &record), -EINVAL);
        assert_non_null(record.data.data); /* still the caller's */
        assert_int_equal(commit(f), 0);
        assert_int_equal(lane_counters(f, LANE_TRACK)->recorded, 0);
}

static void on_batch(int r, JournalBatch *batch, void *userdata) {
        assert_int_equal(r, 0);
        *(JournalBatch **)userdata = batch;
}

static void test_limits_of_a_batch_count_bytes_of_media(void **state) {
        const JournalBatchLimits limits = { .records_max = 100, .bytes_max = 2500 };
        Fixture *f = *state;
        JournalBatch *batch = NULL;

        assert_int_equal(fixture_open(f), 0);
        for (unsigned i = 0; i < 5; i++)
                add_media(f, RECORD_VIDEO, "a", i, 1000);
        assert_int_equal(commit(f), 0);
        assert_int_equal(journal_read_batch(f->journal, LANE_MEDIA, &limits, on_batch, &batch), 0);
        while (!batch)
                fixture_turn(f);
        assert_int_equal(batch->n_records, 2);
        journal_batch_free(batch);
}

static void test_summary_counts_bytes_of_media(void **state) {
        Fixture *f = *state;
        JournalPurposeSummary sums[PURPOSE_MAX];

        assert_int_equal(fixture_open(f), 0);
        add_media(f, RECORD_AUDIO, "a", 1, 50000);
        assert_int_equal(commit(f), 0);
        summary(f, SUBJECT_A, sums);
        assert_in_range(sums[PURPOSE_AUDIO].bytes, 50000, 50200);
        fixture_reopen(f);
        summary(f, SUBJECT_A, sums);
        assert_in_range(sums[PURPOSE_AUDIO].bytes, 50000, 50200);
        assert_int_equal(sums[PURPOSE_AUDIO].records, 1);
        assert_int_equal(sums[PURPOSE_VIDEO].bytes, 0);
}

#define unit(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                unit(test_bytes_come_back_as_they_were),
                unit(test_bytes_survive_a_restart),
                unit(test_no_folder_without_media),
                unit(test_folder_and_files_are_private),
                unit(test_a_parcel_is_one_track_of_one_clip),
                unit(test_commits_begin_at_blocks_and_closed_segments_are_cut),
                unit(test_a_mebibyte_is_committed_at_once),
                unit(test_too_much_media_costs_no_fix),
                unit(test_the_largest_is_taken),
                unit(test_bytes_of_another_kind_are_refused),
                unit(test_limits_of_a_batch_count_bytes_of_media),
                unit(test_summary_counts_bytes_of_media),
        };

        return cmocka_run_group_tests_name("journal media", tests, NULL, NULL);
}
