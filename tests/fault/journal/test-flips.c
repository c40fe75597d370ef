/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Damage to the files of a journal that has living data in several lanes: flipped bits, zeroed pages, files cut short,
 * rows that changed places. After each the journal is opened and everything in it is sent, and then must hold:
 *
 *   never a crash, never a record that is not, to the byte, the one of that id
 *   every row whose seal holds still comes through; which these are is found out here by looking for the whole cell (id,
 *   header and sealed body) in the damaged file, with nothing of what salvages it
 *   what comes out otherwise than without the damage is never silent: the damage is noted, a record is parked, or the
 *   journal is not opened and says why
 *
 * TRAILKEEP_FAULT_ROUNDS says how many bits are flipped (200 by default), TRAILKEEP_FAULT_SEED where it begins.
 */
#include "fixture.h"
#include <dirent.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>
#include "trailkeep/file.h"

#define PAGE ((size_t)4096)
#define ROWS_MAX 512
#define CELL_HEAD_MAX 16

static const Lane lanes_used[] = { LANE_ALARM, LANE_EVENT, LANE_TRACK, LANE_DIAGNOSTICS };

/* A row of the whole journal that is still to be sent. */
typedef struct Known {
        uint64_t id;
        char *payload;
        Bytes cell; /* as it lies in the file, from the id on */
        size_t n_copies; /* of the cell in the whole file: SQLite leaves some behind */
        bool has_come, is_whole;
} Known;

typedef struct Flips {
        Fixture *f;
        Bytes vault, journal; /* the whole files */
        Known rows[ROWS_MAX];
        size_t n_rows;
        uint64_t stored[LANE_MAX]; /* at the end, without damage */
        uint64_t random;
        unsigned n_noticed, n_harmless, n_refused;
} Flips;

static uint64_t next_random(Flips *flips) {
        flips->random ^= flips->random << 13;
        flips->random ^= flips->random >> 7;
        flips->random ^= flips->random << 17;
        return flips->random;
}

static uint64_t number_from_environment(const char *name, uint64_t fallback) {
        const char *text = getenv(name);

        return text ? strtoull(text, NULL, 10) : fallback;
}

static void write_state_file(Fixture *f, const char *name, const Bytes *content) {
        _cleanup_free_ char *path = fixture_path(f, name);

        assert_int_equal(file_write_atomic(path, content->data, content->size, 0600, true), 0);
}

/* The databases as they were, nothing beside them. */
static void restore(Flips *flips) {
        DIR *d = opendir(flips->f->dir);
        const struct dirent *entry;

        assert_non_null(d);
        while ((entry = readdir(d)))
                if (strncmp(entry->d_name, "journal.db", 10) == 0 || strncmp(entry->d_name, "vault.db", 8) == 0)
                        assert_int_equal(unlinkat(dirfd(d), entry->d_name, 0), 0);
        (void)closedir(d);
        write_state_file(flips->f, "vault.db", &flips->vault);
        write_state_file(flips->f, "journal.db", &flips->journal);
        flips->f->boottime_usec = START_BOOTTIME_USEC + USEC_PER_HOUR;
        for (size_t i = 0; i < flips->n_rows; i++)
                flips->rows[i].has_come = flips->rows[i].is_whole = false;
}

/* Three parcels of fixes with some of it in the store and some intended, a parked fix, and rows in three more lanes. */
static void make_state(Fixture *f) {
        static const RecordKind kinds[] = { RECORD_EVENT, RECORD_ALARM, RECORD_DIAGNOSTIC };
        _cleanup_(journal_batch_freep) JournalBatch *batch = NULL, *intended = NULL;
        uint64_t object;

        assert_int_equal(fixture_open(f), 0);
        append(f, 60);
        assert_int_equal(send_batch(f, LANE_TRACK, 40), 40);
        batch = read_batch(f, LANE_TRACK, 1);
        assert_int_equal(put_intent(f, LANE_TRACK, batch->first, batch->last, "tracks/parked", &object), 0);
        assert_int_equal(park(f, object), 0);
        fixture_advance(f, 11 * USEC_PER_MINUTE);
        append(f, 60);
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++)
                for (int n = 0; n < 30; n++)
                        assert_int_equal(append_record(f, kinds[i], SUBJECT_B, START_REALTIME_MS + n), 0);
        assert_int_equal(commit(f), 0);
        fixture_advance(f, 11 * USEC_PER_MINUTE);
        append(f, 60);
        intended = read_batch(f, LANE_TRACK, 10);
        assert_int_equal(put_intent(f, LANE_TRACK, intended->first, intended->last, "tracks/intended", &object), 0);
        assert_int_equal(ledger_append_entry(f, "{\"n\":1}"), 0);
        fixture_close(f);
}

static Known *find_known(Flips *flips, uint64_t id) {
        for (size_t i = 0; i < flips->n_rows; i++)
                if (flips->rows[i].id == id)
                        return &flips->rows[i];
        return NULL;
}

/* Sends all there is; each record is noted as come, or is new. */
static void take_batch(Flips *flips, const JournalBatch *batch, bool is_first) {
        for (size_t i = 0; i < batch->n_records; i++) {
                Known *known = find_known(flips, batch->ids[i]);

                if (is_first && !known) {
                        assert_true(flips->n_rows < ROWS_MAX);
                        known = &flips->rows[flips->n_rows++];
                        *known = (Known){ .id = batch->ids[i], .payload = strdup(batch->records[i]->payload) };
                }
                if (known) {
                        assert_string_equal(batch->records[i]->payload, known->payload);
                        assert_false(known->has_come);
                        known->has_come = true;
                } else
                        /* What says that something is missing has an id that was never given out. */
                        assert_non_null(strstr(batch->records[i]->payload, "\"class\":\"GAP\""));
        }
}

/* Damage that is found by reading is repaired behind it, and the next call goes on. */
static void send_lane(Flips *flips, Lane lane, bool is_first) {
        Fixture *f = flips->f;
        unsigned n_failed = 0;

        for (;;) {
                _cleanup_(journal_batch_freep) JournalBatch *batch = NULL;
                char name[48];
                uint64_t object;
                int r = try_read_batch(f, lane, 25, &batch);

                if (r == 0 && !batch)
                        return;
                object = batch ? batch->object : 0;
                (void)snprintf(name, sizeof(name), "x/%llx", batch ? (unsigned long long)batch->first : 0ULL);
                if (r == 0 && object == 0)
                        r = put_intent(f, lane, batch->first, batch->last, name, &object);
                if (r == 0)
                        r = ack(f, object);
                if (r == 0)
                        take_batch(flips, batch, is_first);
                else
                        assert_true(n_failed++ < 4);
        }
}

static void send_everything(Flips *flips, bool is_first) {
        assert_true(commit(flips->f) <= 0); /* a repair may be due; gaps become records */
        assert_int_equal(commit(flips->f), 0);
        for (size_t i = 0; i < ELEMENTSOF(lanes_used); i++)
                send_lane(flips, lanes_used[i], is_first);
        check_counters(flips->f);
}

static size_t varint(uint64_t value, uint8_t *ret) {
        size_t n = 1;

        while (value >> (7 * n))
                n++;
        for (size_t i = 0; i < n; i++)
                ret[i] = (uint8_t)((value >> (7 * (n - 1 - i)) & 0x7f) | (i + 1 < n ? 0x80 : 0));
        return n;
}

/* The cell of a row as SQLite writes it: id, header of three or four bytes, body. */
static void read_cells(Flips *flips, Lane lane) {
        _cleanup_free_ char *path = fixture_path(flips->f, "journal.db");
        sqlite3_stmt *statement = NULL;
        sqlite3 *db = NULL;
        char sql[64];

        (void)snprintf(sql, sizeof(sql), "SELECT id, body FROM %s", lane_to_string(lane));
        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
        while (sqlite3_step(statement) == SQLITE_ROW) {
                Known *known = find_known(flips, (uint64_t)sqlite3_column_int64(statement, 0));
                size_t size = (size_t)sqlite3_column_bytes(statement, 1), n, n_type;
                uint8_t head[CELL_HEAD_MAX];

                if (!known)
                        continue;
                n = varint(known->id, head);
                n_type = varint(size * 2 + 12, head + n + 2);
                head[n] = (uint8_t)(2 + n_type);
                head[n + 1] = 0;
                assert_int_equal(bytes_append(&known->cell, head, n + 2 + n_type), 0);
                assert_int_equal(bytes_append(&known->cell, sqlite3_column_blob(statement, 1), size), 0);
        }
        (void)sqlite3_finalize(statement);
        (void)sqlite3_close(db);
}

static size_t count_copies(const Bytes *content, const Bytes *cell) {
        const uint8_t *at = content->data, *end = at ? at + content->size : NULL;
        size_t n = 0;

        while (at && (at = memmem(at, (size_t)(end - at), cell->data, cell->size))) {
                n++;
                at++;
        }
        return n;
}

static void learn(Flips *flips) {
        make_state(flips->f);
        {
                _cleanup_free_ char *vault = fixture_path(flips->f, "vault.db");
                _cleanup_free_ char *journal = fixture_path(flips->f, "journal.db");

                assert_int_equal(file_read(vault, 64 << 20, &flips->vault), 0);
                assert_int_equal(file_read(journal, 64 << 20, &flips->journal), 0);
        }
        restore(flips);
        assert_int_equal(fixture_open(flips->f), 0);
        send_everything(flips, true);
        for (unsigned lane = 0; lane < LANE_MAX; lane++)
                flips->stored[lane] = lane_counters(flips->f, (Lane)lane)->stored;
        fixture_close(flips->f);
        restore(flips);
        for (size_t i = 0; i < ELEMENTSOF(lanes_used); i++)
                read_cells(flips, lanes_used[i]);
        assert_int_equal(flips->n_rows, 19 + 60 + 60 + 90);
        for (size_t i = 0; i < flips->n_rows; i++) {
                flips->rows[i].n_copies = count_copies(&flips->journal, &flips->rows[i].cell);
                assert_true(flips->rows[i].n_copies > 0);
        }
}

/* By looking at the file alone. Of a cell that lies there more than once and was hit in one place nobody can say here
 * whether that was the living one. */
static void find_whole_rows(Flips *flips) {
        _cleanup_free_ char *path = fixture_path(flips->f, "journal.db");
        _cleanup_bytes_ Bytes content = { 0 };

        assert_int_equal(file_read(path, 64 << 20, &content), 0);
        for (size_t i = 0; i < flips->n_rows; i++) {
                Known *known = &flips->rows[i];

                known->is_whole = known->n_copies > 0 && count_copies(&content, &known->cell) == known->n_copies;
        }
}

static bool is_noticed(const Flips *flips) {
        const JournalCounters *counters = journal_counters(flips->f->journal);

        return counters->damage.n_damages > 0 || counters->lanes[LANE_TRACK].parked > 1 ||
               counters->lanes[LANE_ALARM].parked > 0 || counters->lanes[LANE_EVENT].parked > 0 ||
               counters->lanes[LANE_DIAGNOSTICS].parked > 0;
}

static bool is_as_without_damage(const Flips *flips) {
        for (size_t i = 0; i < flips->n_rows; i++)
                if (!flips->rows[i].has_come)
                        return false;
        for (unsigned lane = 0; lane < LANE_MAX; lane++)
                if (lane_counters(flips->f, (Lane)lane)->stored != flips->stored[lane])
                        return false;
        return true;
}

/* The journal was damaged in some way: what must hold. */
static void check_damaged(Flips *flips) {
        find_whole_rows(flips);
        if (fixture_open(flips->f) != 0) {
                assert_true(strlen(flips->f->error.text) > 0);
                flips->n_refused++;
                return;
        }
        send_everything(flips, false);
        for (size_t i = 0; i < flips->n_rows; i++)
                assert_true(flips->rows[i].has_come || !flips->rows[i].is_whole);
        assert_true(is_noticed(flips) || is_as_without_damage(flips));
        if (is_noticed(flips))
                flips->n_noticed++;
        else
                flips->n_harmless++;
        fixture_close(flips->f);
}

static void damage(Flips *flips, const char *name, off_t offset, const void *data, size_t size) {
        _cleanup_free_ char *path = fixture_path(flips->f, name);
        FILE *file = fopen(path, "r+e");

        assert_non_null(file);
        assert_int_equal(fseeko(file, offset, SEEK_SET), 0);
        assert_int_equal(fwrite(data, 1, size, file), size);
        assert_int_equal(fclose(file), 0);
}

static void tell(const Flips *flips, const char *what) {
        print_message("# %s: noticed %u, of no consequence %u, refused %u\n", what, flips->n_noticed, flips->n_harmless,
                      flips->n_refused);
}

static void flips_begin(Flips *flips, Fixture *f) {
        uint64_t seed = number_from_environment("TRAILKEEP_FAULT_SEED", 20261124);

        *flips = (Flips){ .f = f, .random = seed | 1 };
        print_message("# TRAILKEEP_FAULT_SEED=%llu\n", (unsigned long long)seed);
        learn(flips);
}

static void flips_done(Flips *flips) {
        for (size_t i = 0; i < flips->n_rows; i++) {
                free(flips->rows[i].payload);
                bytes_done(&flips->rows[i].cell);
        }
        bytes_done(&flips->vault);
        bytes_done(&flips->journal);
}
#define _cleanup_flips_ _cleanup_(flips_done)

static void test_flipped_bits(void **state) {
        uint64_t rounds = number_from_environment("TRAILKEEP_FAULT_ROUNDS", 200);
        _cleanup_flips_ Flips flips;

        flips_begin(&flips, *state);
        for (uint64_t i = 0; i < rounds; i++) {
                uint64_t bit = next_random(&flips) % (flips.journal.size * 8);
                uint8_t byte = flips.journal.data[bit / 8] ^ (uint8_t)(1U << bit % 8);

                restore(&flips);
                damage(&flips, "journal.db", (off_t)(bit / 8), &byte, 1);
                check_damaged(&flips);
        }
        tell(&flips, "flipped bits");
        assert_true(flips.n_noticed > 0);
}

static void test_zeroed_pages(void **state) {
        static const uint8_t zeroes[PAGE];
        _cleanup_flips_ Flips flips;

        flips_begin(&flips, *state);
        for (size_t at = 0; at < flips.journal.size; at += PAGE) {
                restore(&flips);
                damage(&flips, "journal.db", (off_t)at, zeroes, PAGE);
                check_damaged(&flips);
        }
        tell(&flips, "zeroed pages");
        assert_true(flips.n_noticed > 0);
}

static void test_files_cut_short(void **state) {
        _cleanup_flips_ Flips flips;

        flips_begin(&flips, *state);
        for (int i = 0; i < 40; i++) {
                _cleanup_free_ char *path = fixture_path(flips.f, "journal.db");

                restore(&flips);
                assert_int_equal(truncate(path, (off_t)(next_random(&flips) % flips.journal.size)), 0);
                check_damaged(&flips);
        }
        tell(&flips, "files cut short");
        assert_true(flips.n_noticed > 0);
}

/* By somebody who can write the file, and has no key. */
static void test_rows_in_wrong_places(void **state) {
        static const char *const changes[] = {
                "UPDATE track SET body = (SELECT body FROM event ORDER BY id LIMIT 1) WHERE id = (SELECT max(id) FROM track)",
                "UPDATE track SET body = (SELECT body FROM track ORDER BY id DESC LIMIT 1 OFFSET 1)"
                " WHERE id = (SELECT max(id) FROM track)",
                "INSERT INTO event SELECT id, body FROM track WHERE id = (SELECT max(id) FROM track);"
                "DELETE FROM track WHERE id = (SELECT max(id) FROM track)",
                "UPDATE track SET id = id + 1048576 * 1000 WHERE id = (SELECT max(id) FROM track)",
                "DELETE FROM track WHERE id = (SELECT max(id) FROM track)",
                "DELETE FROM event",
        };
        _cleanup_flips_ Flips flips;

        flips_begin(&flips, *state);
        for (size_t i = 0; i < ELEMENTSOF(changes); i++) {
                restore(&flips);
                sql_run(flips.f, "journal.db", changes[i]);
                check_damaged(&flips);
        }
        tell(&flips, "rows in wrong places");
        assert_int_equal(flips.n_noticed, ELEMENTSOF(changes));
}

#define flips(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                flips(test_flipped_bits),
                flips(test_zeroed_pages),
                flips(test_files_cut_short),
                flips(test_rows_in_wrong_places),
        };

        return cmocka_run_group_tests_name("journal flips", tests, NULL, NULL);
}
