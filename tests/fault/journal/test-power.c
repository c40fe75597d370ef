/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Power cuts. Lives of a journal with everything in them (mixed.h) are recorded down to each write, sync and name; then
 * the power is cut after any of these operations, what was not synced is dropped, torn or reordered (disk.h), and the
 * journal is opened on what is left. What had been reported before the cut must hold (check.c).
 *
 *   TRAILKEEP_FAULT_CUTS   how many cuts; 6000
 *   TRAILKEEP_FAULT_SEED   of the first life; the next ones count up
 *   TRAILKEEP_FAULT_CUT    a life's one cut alone, as a failure names it: SEED must be given with it
 *
 * The controls leave out one kind of sync from what was recorded, and must be found out.
 */
#include "check.h"
#include <inttypes.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "disk.h"
#include "medium.h"

#define STEPS 100
#define NOTES_MAX 4096
#define CUTS_DEFAULT 6000
#define PARCELS_MAX 64 /* that may be destroyed at once */
#define PROCESSES 2
#define THOROUGH_EVERY 16

/* What was known when so many operations had been made. */
typedef struct Note {
        size_t n_operations;
        MixedModel *model;
} Note;

typedef struct Life {
        uint64_t seed;
        DiskLog *log;
        Note *notes;
        size_t n_notes;
        Fixture *fixture;
} Life;

typedef struct Cut {
        uint64_t seed;
        size_t at;
} Cut;

static void take_note(const MixedModel *model, void *userdata) {
        Life *life = userdata;
        Note *note = &life->notes[life->n_notes++];
        size_t size;

        assert_true(life->n_notes <= NOTES_MAX);
        note->n_operations = disk_log_length(life->log);
        size = offsetof(MixedModel, records) + (model->n_records + 1) * sizeof(MixedRecord);
        note->model = malloc(size);
        assert_non_null(note->model);
        memcpy(note->model, model, size);
        note->model->boottime_usec = life->fixture->boottime_usec;
        note->model->realtime_usec = life->fixture->realtime_usec;
}

static void life_done(Life *life) {
        for (size_t i = 0; i < life->n_notes; i++)
                free(life->notes[i].model);
        free(life->notes);
        disk_log_free(life->log);
        assert_int_equal(fixture_teardown((void **)&life->fixture), 0);
}

/* The state folder's own name is recorded as well: the fixture's root is what is watched. */
static void live(Life *life) {
        _cleanup_free_ MixedModel *model = calloc(1, sizeof(*model));
        uint64_t random = life->seed;
        Fixture *f;

        assert_non_null(model);
        assert_int_equal(fixture_setup((void **)&life->fixture), 0);
        f = life->fixture;
        mixed_options(f);
        life->notes = calloc(NOTES_MAX, sizeof(Note));
        assert_non_null(life->notes);
        life->log = disk_log_new();
        model->boottime_usec = f->boottime_usec;
        model->realtime_usec = f->realtime_usec;
        mixed_observe(take_note, life);
        take_note(model, life);
        medium_watch(f->root);
        medium_record(life->log);
        assert_int_equal(fixture_open(f), 0);
        for (int i = 0; i < STEPS; i++) {
                MixedStep step = mixed_draw(&random);

                assert_int_equal(mixed_do(model, f, &step), 0);
                mixed_settle(f, PARCELS_MAX);
        }
        fixture_close(f);
        medium_record(NULL);
        medium_watch(NULL);
        mixed_observe(NULL, NULL);
}

static const MixedModel *known_at(const Life *life, size_t cut) {
        const MixedModel *model = life->notes[0].model;

        /* What was asked for may have been noted before the first operation that came of it: the last note counts that
         * is not later than the cut. */
        for (size_t i = 0; i < life->n_notes && life->notes[i].n_operations <= cut; i++)
                model = life->notes[i].model;
        return model;
}

/* Whether all holds after one cut, in a folder of its own. */
static bool survives(const Life *life, DiskReplay *replay, size_t cut, const char *folder) {
        uint64_t random = life->seed << 32 ^ cut;
        bool is_thorough = disk_random(&random) % THOROUGH_EVERY == 0;
        Fixture f = *life->fixture;
        CheckText text = { .text = "" };

        disk_replay_cut(replay, cut, random, folder);
        (void)snprintf(f.dir, sizeof(f.dir), "%s/state", folder);
        f.options.state_dir = f.dir;
        f.clock.userdata = &f;
        if (check_journal(known_at(life, cut), &f, is_thorough, &text))
                return true;
        disk_replay_cut(replay, cut, random, folder); /* as it was before it was opened */
        print_message("# TRAILKEEP_FAULT_SEED=%" PRIu64 " TRAILKEEP_FAULT_CUT=%zu: %s\n", life->seed, cut, text.text);
        return false;
}

static void make_folder(char folder[static 64]) {
        (void)snprintf(folder, 64, "%s/trailkeep-power-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        assert_non_null(mkdtemp(folder));
}

/* Every n-th cut from one on; the exit status says whether all were survived. */
static void cut_some(const Life *life, DiskSkip skip, size_t first, size_t every) {
        _cleanup_(disk_replay_freep) DiskReplay *replay = disk_replay_new(life->log, skip);
        size_t n = disk_log_length(life->log);
        bool is_well = true;
        char folder[64];

        make_folder(folder);
        for (size_t cut = first; is_well && cut <= n; cut += every)
                is_well = survives(life, replay, cut, folder);
        if (is_well || skip != DISK_SKIP_NONE) {
                disk_empty(folder);
                (void)rmdir(folder); /* it is memory, which nobody needs any more */
        } else
                print_message("# what the cut left is kept in %s\n", folder);
        (void)fflush(NULL);
        _exit(is_well ? 0 : 1);
}

/* Returns whether all cuts of a life were survived. */
static bool cut_all(const Life *life, DiskSkip skip) {
        pid_t pids[PROCESSES];
        bool is_well = true;

        (void)fflush(NULL);
        for (size_t i = 0; i < PROCESSES; i++) {
                pids[i] = fork();
                assert_true(pids[i] >= 0);
                if (pids[i] == 0)
                        cut_some(life, skip, i, PROCESSES);
        }
        for (size_t i = 0; i < PROCESSES; i++) {
                int status = 0;

                assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
                is_well &= WIFEXITED(status) && WEXITSTATUS(status) == 0;
        }
        return is_well;
}

static uint64_t number_from(const char *name, uint64_t otherwise) {
        const char *text = getenv(name);
        uint64_t n = otherwise;

        if (text)
                assert_int_equal(parse_u64(text, 0, UINT64_MAX, &n), 0);
        return n;
}

static void test_what_was_reported_survives_any_cut(void **state) {
        uint64_t n_wanted = number_from("TRAILKEEP_FAULT_CUTS", CUTS_DEFAULT), n = 0;
        uint64_t cut = number_from("TRAILKEEP_FAULT_CUT", UINT64_MAX);
        Life life = { .seed = number_from("TRAILKEEP_FAULT_SEED", 20261123) };

        for (; n < n_wanted; life = (Life){ .seed = life.seed + 1 }) {
                bool is_well;

                live(&life);
                print_message("# seed %" PRIu64 ": %zu operations\n", life.seed, disk_log_length(life.log));
                n += disk_log_length(life.log) + 1;
                if (cut != UINT64_MAX) {
                        cut_some(&life, DISK_SKIP_NONE, cut, SIZE_MAX / 2);
                        return;
                }
                is_well = cut_all(&life, DISK_SKIP_NONE);
                life_done(&life);
                assert_true(is_well);
        }
        print_message("# %" PRIu64 " cuts\n", n);
}

static void test_a_sync_that_is_left_out_is_found(void **state) {
        static const char *const names[] = { [DISK_SKIP_FOLDERS] = "folders", [DISK_SKIP_WAL] = "the WAL",
                                             [DISK_SKIP_VAULT] = "the vault" };
        Life life = { .seed = 1 };

        live(&life);
        for (DiskSkip skip = DISK_SKIP_NONE + 1; skip < DISK_SKIP_SEGMENTS; skip++) {
                print_message("# without the syncs of %s:\n", names[skip]);
                assert_false(cut_all(&life, skip));
        }
        life_done(&life);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_what_was_reported_survives_any_cut),
                cmocka_unit_test(test_a_sync_that_is_left_out_is_found),
        };

        mixed_include_media();
        return cmocka_run_group_tests_name("fault journal power", tests, NULL, NULL);
}
