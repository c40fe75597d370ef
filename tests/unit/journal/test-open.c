/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fixture.h"
#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "trailkeep/file.h"
#include "trailkeep/keyring.h"

static void add_to_snapshot(Bytes *snapshot, const char *path) {
        _cleanup_bytes_ Bytes content = { 0 };
        char text[256];
        struct stat st;

        assert_int_equal(lstat(path, &st), 0);
        (void)snprintf(text, sizeof(text), "%s %o %lld %lld.%09ld\n", path, st.st_mode, (long long)st.st_size,
                       (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec); /* fits */
        assert_int_equal(bytes_append_string(snapshot, text), 0);
        if (S_ISREG(st.st_mode))
                assert_int_equal(file_read(path, 64 << 20, &content), 0);
        if (content.size > 0)
                assert_int_equal(bytes_append(snapshot, content.data, content.size), 0);
}

/* Each file in the folder, and the folder itself if wanted: its name, mode, size, time of change and bytes. */
static Bytes take_snapshot(Fixture *f, bool with_folder) {
        struct dirent **entries = NULL;
        Bytes snapshot = { 0 };
        int n = scandir(f->dir, &entries, NULL, alphasort);

        assert_true(n >= 2);
        for (int i = 0; i < n; i++) {
                _cleanup_free_ char *path = fixture_path(f, entries[i]->d_name);

                if (entries[i]->d_name[0] != '.' || (with_folder && strcmp(entries[i]->d_name, ".") == 0))
                        add_to_snapshot(&snapshot, path);
                free(entries[i]);
        }
        free(entries);
        return snapshot;
}

static void check_untouched(Fixture *f, const Bytes *before, bool with_folder) {
        _cleanup_bytes_ Bytes now = take_snapshot(f, with_folder);

        assert_int_equal(now.size, before->size);
        assert_memory_equal(now.data, before->data, now.size);
}

/* A state folder with some records in it, closed. */
static void make_state(Fixture *f) {
        assert_int_equal(fixture_open(f), 0);
        append(f, 3);
        fixture_close(f);
}

static void check_refused(Fixture *f, int outcome, const char *word) {
        /* With a wrong secret no file is even made beside the others for a moment. */
        bool with_folder = outcome == JOURNAL_E_SECRET;
        _cleanup_bytes_ Bytes before = take_snapshot(f, with_folder);

        assert_int_equal(fixture_open(f), outcome);
        assert_null(f->journal);
        assert_non_null(strstr(f->error.text, word));
        check_untouched(f, &before, with_folder);
}

static void overwrite(Fixture *f, const char *name, off_t offset, const void *data, size_t size) {
        _cleanup_free_ char *path = fixture_path(f, name);
        FILE *file = fopen(path, "r+e");

        assert_non_null(file);
        assert_int_equal(fseeko(file, offset, SEEK_SET), 0);
        assert_int_equal(fwrite(data, 1, size, file), size);
        assert_int_equal(fclose(file), 0);
}

static void rename_state_file(Fixture *f, const char *from, const char *to) {
        _cleanup_free_ char *a = fixture_path(f, from), *b = fixture_path(f, to);

        assert_int_equal(rename(a, b), 0);
}

static void test_another_secret_is_refused(void **state) {
        Fixture *f = *state;

        make_state(f);
        assert_int_equal(unlink(f->secret), 0);
        assert_int_equal(keyring_make_root(f->secret), 0);
        check_refused(f, JOURNAL_E_SECRET, f->secret);
}

static void test_missing_secret_is_refused(void **state) {
        Fixture *f = *state;

        make_state(f);
        assert_int_equal(unlink(f->secret), 0);
        check_refused(f, JOURNAL_E_SECRET, "--init");
}

static void test_missing_secret_at_first_start_makes_no_vault(void **state) {
        Fixture *f = *state;
        _cleanup_free_ char *path = fixture_path(f, "vault.db");

        assert_int_equal(unlink(f->secret), 0);
        assert_int_equal(fixture_open(f), JOURNAL_E_SECRET);
        assert_int_equal(access(path, F_OK), -1);
}

static void test_right_secret_again_opens_all(void **state) {
        Fixture *f = *state;
        char other[96];

        make_state(f);
        (void)snprintf(other, sizeof(other), "%s.kept", f->secret);
        assert_int_equal(rename(f->secret, other), 0);
        assert_int_equal(keyring_make_root(f->secret), 0);
        assert_int_equal(fixture_open(f), JOURNAL_E_SECRET);
        assert_int_equal(rename(other, f->secret), 0);
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(lane_counters(f, LANE_TRACK)->pending, 3);
}

static void test_second_opener_is_refused(void **state) {
        Fixture *f = *state;
        Journal *second = NULL;
        JournalError error;

        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(journal_new(f->event, &f->clock, &f->options, &second, &error), JOURNAL_E_BUSY);
        assert_null(second);
        assert_non_null(strstr(error.text, f->dir));
        append(f, 1);
}

static void test_later_version_is_refused(void **state) {
        Fixture *f = *state;

        make_state(f);
        sql_run(f, "journal.db", "PRAGMA user_version=1000");
        check_refused(f, JOURNAL_E_NEWER, "journal.db");
        sql_run(f, "vault.db", "PRAGMA user_version=1000");
        check_refused(f, JOURNAL_E_NEWER, "vault.db");
}

static void test_a_vault_of_garbage_is_refused(void **state) {
        Fixture *f = *state;
        uint8_t garbage[8192];

        memset(garbage, 0xa5, sizeof(garbage));
        make_state(f);
        overwrite(f, "vault.db", 0, garbage, sizeof(garbage));
        check_refused(f, JOURNAL_E_CORRUPT, "vault.db");
}

static void test_somebody_elses_database_is_refused(void **state) {
        Fixture *f = *state;

        make_state(f);
        sql_run(f, "vault.db", "PRAGMA application_id=1");
        check_refused(f, JOURNAL_E_CORRUPT, "vault.db");
}

static void test_missing_vault_is_refused(void **state) {
        Fixture *f = *state;

        make_state(f);
        rename_state_file(f, "vault.db", "elsewhere");
        assert_int_equal(fixture_open(f), JOURNAL_E_CORRUPT);
        assert_non_null(strstr(f->error.text, "vault.db"));
        rename_state_file(f, "elsewhere", "vault.db");
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(lane_counters(f, LANE_TRACK)->pending, 3);
}

static void test_journal_of_another_vault_is_refused(void **state) {
        Fixture *f = *state;

        make_state(f);
        rename_state_file(f, "journal.db", "elsewhere");
        rename_state_file(f, "vault.db", "elsewhere-vault");
        make_state(f);
        rename_state_file(f, "elsewhere", "journal.db");
        check_refused(f, JOURNAL_E_CORRUPT, "journal.db");
}

/* Each byte of a sealed body, of a label and of a wrapped key is bound: a flip never gives another record. */
static void test_damaged_record_is_parked_and_the_rest_goes_on(void **state) {
        Fixture *f = *state;
        _cleanup_(journal_batch_freep) JournalBatch *batch = NULL;

        make_state(f);
        sql_run(f, "journal.db",
                "UPDATE track SET body = substr(body, 1, 30) || CASE substr(body, 31, 1) WHEN x'00' THEN x'01' ELSE x'00' "
                "END || substr(body, 32) WHERE id = (SELECT min(id) FROM track)");
        assert_int_equal(fixture_open(f), 0);
        batch = read_batch(f, LANE_TRACK, 100);
        assert_int_equal(batch->n_records, 2);
        assert_int_equal(lane_counters(f, LANE_TRACK)->parked, 1);
        assert_int_equal(lane_counters(f, LANE_TRACK)->pending, 2);
        check_counters(f);
}

static void test_row_moved_to_another_id_is_damaged(void **state) {
        Fixture *f = *state;

        make_state(f);
        sql_run(f, "journal.db", "UPDATE track SET body = (SELECT body FROM track ORDER BY id LIMIT 1)"
                                 " WHERE id = (SELECT max(id) FROM track)");
        assert_int_equal(fixture_open(f), 0);
        send_all(f, LANE_TRACK);
        assert_int_equal(lane_counters(f, LANE_TRACK)->stored, 2);
        assert_int_equal(lane_counters(f, LANE_TRACK)->parked, 1);
}

static void test_parcel_with_a_damaged_key_is_parked(void **state) {
        Fixture *f = *state;

        make_state(f);
        assert_int_equal(fixture_open(f), 0);
        append(f, 2);
        fixture_close(f);
        sql_run(f, "vault.db", "UPDATE parcel SET key = zeroblob(60) WHERE id = (SELECT min(id) FROM parcel)");
        assert_int_equal(fixture_open(f), 0);
        send_all(f, LANE_TRACK);
        assert_int_equal(lane_counters(f, LANE_TRACK)->parked, 3);
        assert_int_equal(lane_counters(f, LANE_TRACK)->stored, 2);
        fixture_reopen(f);
        assert_int_equal(lane_counters(f, LANE_TRACK)->parked, 3);
        check_counters(f);
}

static void copy_vault(Fixture *f, const char *from, const char *to) {
        _cleanup_free_ char *source = fixture_path(f, from), *target = fixture_path(f, to);
        _cleanup_bytes_ Bytes content = { 0 };

        assert_int_equal(file_read(source, 1 << 20, &content), 0);
        assert_int_equal(file_write_atomic(target, content.data, content.size, 0600, true), 0);
}

/* The store has more than the vault knows of: nothing new may be taken for what is there. */
static void test_vault_from_a_backup_gives_no_number_twice(void **state) {
        const JournalErasure everything = { .purposes = ALL_PURPOSES, .since_ms = TIME_MS_NONE,
                                            .until_ms = TIME_MS_NONE };
        JournalReceipt receipt;
        Fixture *f = *state;

        assert_int_equal(fixture_open(f), 0);
        append(f, 1);
        send_all(f, LANE_TRACK);
        fixture_close(f);
        copy_vault(f, "vault.db", "vault.backup");
        assert_int_equal(fixture_open(f), 0);
        for (int i = 0; i < 3; i++) {
                fixture_advance(f, 11 * USEC_PER_MINUTE);
                append(f, 2);
        }
        send_all(f, LANE_TRACK);
        assert_int_equal(erase(f, &everything, &receipt), 0);
        assert_int_equal(receipt.objects_doomed, 4);
        fixture_close(f);
        copy_vault(f, "vault.backup", "vault.db");

        assert_int_equal(fixture_open(f), 0);
        append(f, 5);
        assert_int_equal(lane_counters(f, LANE_TRACK)->pending, 5);
        assert_int_equal(send_batch(f, LANE_TRACK, 100), 5);
        assert_int_equal(erase(f, &everything, &receipt), 0);
        assert_int_equal(receipt.objects_doomed, 1);
        assert_int_equal(journal_counters(f->journal)->objects_doomed, 5);
        check_counters(f);
}

#define unit(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                unit(test_another_secret_is_refused),
                unit(test_missing_secret_is_refused),
                unit(test_missing_secret_at_first_start_makes_no_vault),
                unit(test_right_secret_again_opens_all),
                unit(test_second_opener_is_refused),
                unit(test_later_version_is_refused),
                unit(test_a_vault_of_garbage_is_refused),
                unit(test_somebody_elses_database_is_refused),
                unit(test_missing_vault_is_refused),
                unit(test_journal_of_another_vault_is_refused),
                unit(test_damaged_record_is_parked_and_the_rest_goes_on),
                unit(test_row_moved_to_another_id_is_damaged),
                unit(test_parcel_with_a_damaged_key_is_parked),
                unit(test_vault_from_a_backup_gives_no_number_twice),
        };

        return cmocka_run_group_tests_name("journal open", tests, NULL, NULL);
}
