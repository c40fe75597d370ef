/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Power cuts in a life of media (see test-power.c, and disk.h for what a cut may leave): clips and pictures are
 * recorded, sent, erased and read again after restarts. After any cut each row that is there has its bytes, what was
 * durable is there, what was erased is not, and all of it still holds once the folder of the segments was tidied.
 *
 *   TRAILKEEP_FAULT_CUTS   how many cuts; 3000
 *   TRAILKEEP_FAULT_SEED   of the first life; the next ones count up
 */
#include "disk.h"
#include "engine.h"
#include "fixture.h"
#include "medium.h"
#include <inttypes.h>
#include <sys/wait.h>
#include <unistd.h>

#define STEPS 50
#define RECORDS_MAX 256
#define CLIPS 4
#define BYTES_MAX 40000
#define NOTES_MAX 2048
#define CUTS_DEFAULT 3000
#define PROCESSES 2

enum { MAY_BE_THERE = 1, MUST_BE_THERE = 2, MAY_BE_GONE = 4, MUST_BE_GONE = 8 };

/* What is known of each record, by its number. Without pointers: copied at each note. */
typedef struct Model {
        uint8_t flags[RECORDS_MAX], clips[RECORDS_MAX];
        unsigned n_records;
        uint64_t boottime_usec, realtime_usec;
} Model;

typedef struct Note {
        size_t n_operations;
        Model model;
} Note;

typedef struct Life {
        uint64_t seed, random;
        DiskLog *log;
        Note *notes;
        size_t n_notes;
        Fixture *f;
        Model model;
        unsigned clip;
} Life;

static void note(Life *life) {
        assert_true(life->n_notes < NOTES_MAX);
        life->model.boottime_usec = life->f->boottime_usec;
        life->model.realtime_usec = life->f->realtime_usec;
        life->notes[life->n_notes++] = (Note){ disk_log_length(life->log), life->model };
}

/* The bytes of a record follow from its number. */
static size_t fill(unsigned number, uint8_t data[static BYTES_MAX]) {
        uint64_t random = number * 2654435761U;
        size_t size = disk_random(&random) % (disk_random(&random) % 4 == 0 ? BYTES_MAX : 6000) + 1;

        for (size_t i = 0; i < size; i += sizeof(random)) {
                uint64_t word = disk_random(&random);

                memcpy(data + i, &word, MIN(sizeof(word), size - i));
        }
        return size;
}

static void append_one(Life *life) {
        static const RecordKind kinds[] = { RECORD_VIDEO, RECORD_VIDEO, RECORD_AUDIO, RECORD_AUDIO, RECORD_VIDEO_INIT,
                                            RECORD_PICTURE };
        _cleanup_(record_freep) Record *record = NULL;
        _cleanup_bytes_ Bytes bytes = { 0 };
        static uint8_t data[BYTES_MAX];
        unsigned number = life->model.n_records++;
        char payload[32], clip[8];

        assert_true(number < RECORDS_MAX);
        life->model.flags[number] = MAY_BE_THERE;
        life->model.clips[number] = (uint8_t)life->clip;
        note(life);
        (void)snprintf(payload, sizeof(payload), "{\"seq\":%u}", number);
        (void)snprintf(clip, sizeof(clip), "c%u", life->clip);
        assert_int_equal(bytes_append(&bytes, data, fill(number, data)), 0);
        assert_int_equal(record_new(kinds[disk_random(&life->random) % ELEMENTSOF(kinds)], SUBJECT_A, "front",
                                    (int64_t)(life->f->realtime_usec / USEC_PER_MSEC), payload, &record), 0);
        assert_int_equal(record_set_media(record, clip, &bytes), 0);
        assert_int_equal(journal_append(life->f->journal, record), 0);
        fixture_advance(life->f, USEC_PER_SEC);
}

static void do_append(Life *life) {
        for (uint64_t i = disk_random(&life->random) % 4 + 1; i > 0; i--)
                append_one(life);
        if (disk_random(&life->random) % 2 == 0)
                assert_int_equal(append_record(life->f, RECORD_FIX, SUBJECT_A, START_REALTIME_MS), 0);
        assert_int_equal(commit(life->f), 0);
        for (unsigned i = 0; i < life->model.n_records; i++)
                life->model.flags[i] |= MUST_BE_THERE;
        note(life);
        if (disk_random(&life->random) % 4 == 0)
                life->clip = (unsigned)(disk_random(&life->random) % CLIPS);
}

static unsigned number_of(const Record *record) {
        unsigned number = 0;

        assert_int_equal(sscanf(record->payload, "{\"seq\":%u", &number), 1);
        return number;
}

/* Once all of a parcel is in the store it goes here. */
static void do_send(Life *life) {
        _cleanup_(journal_batch_freep) JournalBatch *batch = read_batch(life->f, LANE_MEDIA, 3);
        uint64_t object;

        if (!batch)
                return;
        object = batch->object;
        if (object == 0)
                assert_int_equal(put_intent(life->f, LANE_MEDIA, batch->first, batch->last, "media/x", &object), 0);
        for (size_t i = 0; i < batch->n_records; i++)
                life->model.flags[number_of(batch->records[i])] |= MAY_BE_GONE;
        note(life);
        assert_int_equal(ack(life->f, object), 0);
}

static void mark_clip(Life *life, unsigned clip, uint8_t flags) {
        for (unsigned i = 0; i < life->model.n_records; i++)
                if (life->model.clips[i] == clip)
                        life->model.flags[i] |= flags;
        note(life);
}

static void do_erase(Life *life) {
        unsigned clip = (unsigned)(disk_random(&life->random) % CLIPS);
        JournalReceipt receipt;
        char name[8];

        (void)snprintf(name, sizeof(name), "c%u", clip);
        mark_clip(life, clip, MAY_BE_GONE);
        assert_int_equal(erase(life->f, &(JournalErasure){ .purposes = ALL_PURPOSES, .clip = name,
                                                           .since_ms = TIME_MS_NONE, .until_ms = TIME_MS_NONE },
                               &receipt), 0);
        mark_clip(life, clip, MUST_BE_GONE);
}

static void do_step(Life *life) {
        switch (disk_random(&life->random) % 12) {
        case 0:
                do_erase(life);
                break;
        case 1:
                fixture_reopen(life->f);
                break;
        case 2 ... 4:
                do_send(life);
                break;
        default:
                do_append(life);
        }
        for (int i = 0; i < 32; i++) /* until rows of what is gone are deleted */
                assert_int_equal(commit(life->f), 0);
}

static void live(Life *life) {
        assert_int_equal(fixture_setup((void **)&life->f), 0);
        life->f->options.commit_interval_usec = USEC_PER_HOUR;
        life->random = life->seed;
        life->notes = calloc(NOTES_MAX, sizeof(Note));
        assert_non_null(life->notes);
        life->log = disk_log_new();
        note(life);
        medium_watch(life->f->root);
        medium_record(life->log);
        assert_int_equal(fixture_open(life->f), 0);
        for (int i = 0; i < STEPS; i++)
                do_step(life);
        fixture_close(life->f);
        medium_record(NULL);
        medium_watch(NULL);
}

static void life_done(Life *life) {
        free(life->notes);
        disk_log_free(life->log);
        assert_int_equal(fixture_teardown((void **)&life->f), 0);
}

#define WRONG(...) (print_message("# " __VA_ARGS__), print_message("\n"), false)

static bool read_row(Engine *engine, const Parcel *parcel, sqlite3_stmt *statement, bool seen[static RECORDS_MAX]) {
        static uint8_t expected[BYTES_MAX];
        _cleanup_(record_freep) Record *record = NULL;
        uint64_t id = db_column_u64(statement, 0);
        unsigned number;
        Piece piece;
        size_t size;

        if (engine_open_row(engine, parcel, statement, &piece, &record) != 0)
                return WRONG("row %" PRIx64 " does not open", id);
        if (engine_read_media(engine, parcel, id, &piece, record) != 0)
                return WRONG("row %" PRIx64 " lacks its bytes", id);
        number = number_of(record);
        size = fill(number, expected);
        if (record->data.size != size || memcmp(record->data.data, expected, size) != 0)
                return WRONG("record %u has other bytes", number);
        if (seen[number])
                return WRONG("record %u is there twice", number);
        seen[number] = true;
        return true;
}

static bool read_parcel(Engine *engine, uint64_t id, bool seen[static RECORDS_MAX]) {
        _cleanup_(parcel_freep) Parcel *parcel = NULL;
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r;

        if (parcel_load(engine->vault, id, &parcel) != 0)
                return WRONG("parcel %" PRIu64 " cannot be loaded", id);
        r = lane_start_rows(engine->db, LANE_MEDIA, parcel_first_id(id), parcel_last_id(id), &statement);
        while (r >= 0 && (r = db_step(engine->db, statement)) > 0)
                if (!read_row(engine, parcel, statement, seen))
                        return false;
        return r == 0 || WRONG("parcel %" PRIu64 " cannot be read", id);
}

static bool check_records(Engine *engine, const Model *model) {
        _cleanup_parcel_list_ ParcelList list = { 0 };
        bool seen[RECORDS_MAX] = { false };

        if (parcels_list(engine->vault, PARCELS_LIVING, &list) < 0)
                return WRONG("the parcels cannot be listed");
        for (size_t i = 0; i < list.n; i++)
                if (list.rows[i].lane == LANE_MEDIA && !read_parcel(engine, list.rows[i].id, seen))
                        return false;
        for (unsigned i = 0; i < RECORDS_MAX; i++) {
                uint8_t flags = model->flags[i];

                if (!seen[i] && flags & MUST_BE_THERE && !(flags & MAY_BE_GONE))
                        return WRONG("record %u was durable and is lost", i);
                if (seen[i] && (flags & MUST_BE_GONE || !(flags & MAY_BE_THERE)))
                        return WRONG("record %u was erased, or never recorded, and is there", i);
        }
        return true;
}

static bool check(const Life *life, const Model *model, const char *folder) {
        _cleanup_(engine_freep) Engine *engine = NULL;
        Fixture f = *life->f;
        JournalError error = { .text = "" };
        uint32_t lanes = 0;

        (void)snprintf(f.dir, sizeof(f.dir), "%s/state", folder);
        f.options.state_dir = f.dir;
        f.clock.userdata = &f;
        f.boottime_usec = model->boottime_usec;
        f.realtime_usec = model->realtime_usec;
        if (engine_new(&f.options, &f.clock, &engine, &error) != 0)
                return WRONG("it does not open: %s", error.text);
        if (!check_records(engine, model))
                return false;
        if (engine_check_media(engine, &lanes) != 0)
                return WRONG("the folder of the segments cannot be tidied");
        return check_records(engine, model) || WRONG("after the folder was tidied");
}

static const Model *known_at(const Life *life, size_t cut) {
        size_t i = 0;

        while (i + 1 < life->n_notes && life->notes[i + 1].n_operations <= cut)
                i++;
        return &life->notes[i].model;
}

/* Every n-th cut from one on; the exit status says whether all were survived. */
static void cut_some(const Life *life, DiskSkip skip, size_t first) {
        _cleanup_(disk_replay_freep) DiskReplay *replay = disk_replay_new(life->log, skip);
        char folder[64];
        bool is_well = true;

        (void)snprintf(folder, sizeof(folder), "%s/trailkeep-power-XXXXXX",
                       access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        assert_non_null(mkdtemp(folder));
        for (size_t cut = first; is_well && cut <= disk_log_length(life->log); cut += PROCESSES) {
                disk_replay_cut(replay, cut, life->seed << 32 ^ cut, folder);
                is_well = check(life, known_at(life, cut), folder) || WRONG("seed %" PRIu64 ", cut %zu", life->seed, cut);
        }
        disk_empty(folder);
        (void)rmdir(folder); /* it is memory, which nobody needs any more */
        (void)fflush(NULL);
        _exit(is_well ? 0 : 1);
}

static bool cut_all(const Life *life, DiskSkip skip) {
        pid_t pids[PROCESSES];
        bool is_well = true;

        (void)fflush(NULL);
        for (size_t i = 0; i < PROCESSES; i++) {
                pids[i] = fork();
                assert_true(pids[i] >= 0);
                if (pids[i] == 0)
                        cut_some(life, skip, i);
        }
        for (size_t i = 0; i < PROCESSES; i++) {
                int status = 0;

                assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
                is_well &= WIFEXITED(status) && WEXITSTATUS(status) == 0;
        }
        return is_well;
}

static uint64_t number_from(const char *name, uint64_t otherwise) {
        uint64_t n = otherwise;

        if (getenv(name))
                assert_int_equal(parse_u64(getenv(name), 0, UINT64_MAX, &n), 0);
        return n;
}

static void test_media_survives_any_cut(void **state) {
        uint64_t n_wanted = number_from("TRAILKEEP_FAULT_CUTS", CUTS_DEFAULT), n = 0;

        for (uint64_t seed = number_from("TRAILKEEP_FAULT_SEED", 4711); n < n_wanted; seed++) {
                Life life = { .seed = seed };
                bool is_well;

                live(&life);
                n += disk_log_length(life.log) + 1;
                print_message("# seed %" PRIu64 ": %zu operations, %u records of media\n", seed,
                              disk_log_length(life.log), life.model.n_records);
                is_well = cut_all(&life, DISK_SKIP_NONE);
                life_done(&life);
                assert_true(is_well);
        }
        print_message("# %" PRIu64 " cuts\n", n);
}

static void test_without_syncs_of_segments_it_does_not(void **state) {
        Life life = { .seed = 1 };

        live(&life);
        assert_false(cut_all(&life, DISK_SKIP_SEGMENTS));
        life_done(&life);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_media_survives_any_cut),
                cmocka_unit_test(test_without_syncs_of_segments_it_does_not),
        };

        return cmocka_run_group_tests_name("fault journal power media", tests, NULL, NULL);
}
