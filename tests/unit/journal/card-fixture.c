/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "card-fixture.h"
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>
#include "trailkeep/file.h"

char *in_root(Fixture *f, const char *name) {
        char *path = path_join(f->root, name);

        assert_non_null(path);
        return path;
}

void make_card(Fixture *f, const char *name, const char *marker) {
        _cleanup_free_ char *dir = in_root(f, name);
        _cleanup_free_ char *path = path_join(dir, MARKER);

        assert_int_equal(mkdir(dir, 0700), 0);
        if (marker)
                assert_int_equal(file_write_atomic(path, marker, strlen(marker), 0600, true), 0);
}

void move_card(Fixture *f, const char *from, const char *to) {
        _cleanup_free_ char *a = in_root(f, from), *b = in_root(f, to);

        assert_int_equal(rename(a, b), 0);
}

int card_setup(void **state) {
        Fixture *f;

        card = (Card){ 0 };
        assert_int_equal(fixture_setup(state), 0);
        f = *state;
        f->options.media_dir = in_root(f, "card");
        f->options.commit_interval_usec = USEC_PER_HOUR;
        return 0;
}

static void remove_cards(Fixture *f) {
        static const char *const names[] = { "card", "pulled", "other", "copy/segments", "copy", "state/segments" };

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                _cleanup_free_ char *dir = in_root(f, names[i]);
                DIR *d = opendir(dir);
                const struct dirent *entry;

                while (d && (entry = readdir(d)))
                        (void)unlinkat(dirfd(d), entry->d_name, 0);
                if (d)
                        (void)closedir(d);
                (void)rmdir(dir);
        }
}

int card_teardown(void **state) {
        Fixture *f = *state;
        char *media_dir = (char *)f->options.media_dir;

        card = (Card){ 0 };
        fixture_close(f);
        remove_cards(f);
        free(media_dir);
        return fixture_teardown(state);
}

size_t files_on(Fixture *f, const char *name) {
        _cleanup_free_ char *dir = in_root(f, name);
        DIR *d = opendir(dir);
        const struct dirent *entry;
        size_t n = 0;

        assert_non_null(d);
        while ((entry = readdir(d)))
                n += entry->d_name[0] != '.' && strcmp(entry->d_name, MARKER) != 0;
        (void)closedir(d);
        return n;
}

const uint8_t *clip_sample(uint8_t seed) {
        static uint8_t data[CLIP_SIZE];

        for (size_t i = 0; i < sizeof(data); i++)
                data[i] = (uint8_t)(seed + i * 7 + i / 251);
        return data;
}

void add_video(Fixture *f, uint8_t seed) {
        assert_int_equal(append_media(f, RECORD_VIDEO, "clip", clip_sample(seed), CLIP_SIZE), 0);
        fixture_advance(f, USEC_PER_SEC);
}

void add_fix_and_alarm(Fixture *f) {
        assert_int_equal(append_record(f, RECORD_FIX, SUBJECT_A, START_REALTIME_MS), 0);
        assert_int_equal(append_record(f, RECORD_ALARM, SUBJECT_A, START_REALTIME_MS), 0);
}

JournalMediaState media_state(Fixture *f) {
        return journal_counters(f->journal)->media_state;
}

uint64_t pending(Fixture *f, Lane lane) {
        return lane_counters(f, lane)->pending;
}

/* A failing card may cost a try and nothing else. */
static JournalBatch *read_patiently(Fixture *f) {
        JournalBatch *batch = NULL;

        if (try_read_batch(f, LANE_MEDIA, 100, &batch) != 0)
                assert_int_equal(try_read_batch(f, LANE_MEDIA, 100, &batch), 0);
        return batch;
}

void assert_read(Fixture *f, uint8_t first, uint8_t n) {
        for (uint8_t i = 0; i < n;) {
                _cleanup_(journal_batch_freep) JournalBatch *batch = read_patiently(f);
                uint64_t object;

                assert_non_null(batch);
                for (size_t k = 0; k < batch->n_records; k++, i++) {
                        assert_int_equal(batch->records[k]->data.size, CLIP_SIZE);
                        assert_memory_equal(batch->records[k]->data.data, clip_sample((uint8_t)(first + i)), CLIP_SIZE);
                }
                assert_int_equal(put_intent(f, LANE_MEDIA, batch->first, batch->last, "x", &object), 0);
                assert_int_equal(ack(f, object), 0);
        }
        assert_null(read_patiently(f));
        assert_int_equal(lane_counters(f, LANE_MEDIA)->parked, 0);
        check_counters(f);
}
