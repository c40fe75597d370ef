/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Changes of the keys: what is kept stays readable, what is replaced is in no file any more.
 */
#include "fixture.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "trailkeep/file.h"
#include "trailkeep/keyring.h"

static int count_entry(uint64_t seq, const char *body, void *userdata) {
        size_t *n = userdata;

        (*n)++;
        return 0;
}

static size_t count_ledger(Fixture *f) {
        size_t n = 0;

        assert_int_equal(journal_ledger_replay(f->journal, count_entry, &n), 0);
        return n;
}

static void test_rotation_replaces_salt_and_wrapped_keys(void **state) {
        Fixture *f = *state;
        _cleanup_bytes_ Bytes key = { 0 }, salt = { 0 }, ledger_key = { 0 };

        assert_int_equal(fixture_open(f), 0);
        append(f, 3);
        fixture_close(f);
        key = sql_blob(f, "vault.db", "SELECT key FROM parcel LIMIT 1");
        salt = sql_blob(f, "vault.db", "SELECT salt FROM vault");
        ledger_key = sql_blob(f, "vault.db", "SELECT ledger_key FROM vault");
        assert_int_equal(fixture_open(f), 0);
        assert_true(state_holds(f, key.data, 16));
        assert_true(state_holds(f, salt.data, salt.size));
        assert_true(state_holds(f, ledger_key.data, 16));
        assert_int_equal(rotate(f, "{}"), 0);
        assert_false(state_holds(f, key.data, 16));
        assert_false(state_holds(f, key.data + 44, 16));
        assert_false(state_holds(f, salt.data, 16));
        assert_false(state_holds(f, ledger_key.data, 16));
}

static void test_rotation_leaves_all_readable(void **state) {
        Fixture *f = *state;

        assert_int_equal(fixture_open(f), 0);
        append(f, 5);
        assert_int_equal(rotate(f, "{\"n\":1}"), 0);
        append(f, 5); /* into the parcel that is open still */
        assert_int_equal(rotate(f, "{\"n\":2}"), 0);
        fixture_reopen(f);
        assert_int_equal(count_ledger(f), 2);
        assert_int_equal(lane_counters(f, LANE_TRACK)->pending, 10);
        send_all(f, LANE_TRACK);
        assert_int_equal(lane_counters(f, LANE_TRACK)->stored, 10);
}

static void test_damaged_key_does_not_hinder_rotation(void **state) {
        Fixture *f = *state;

        assert_int_equal(fixture_open(f), 0);
        append(f, 2);
        fixture_reopen(f);
        append(f, 2);
        fixture_close(f);
        sql_run(f, "vault.db", "UPDATE parcel SET key = randomblob(60) WHERE id = 1");
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(rotate(f, "{}"), 0);
        fixture_reopen(f);
        send_all(f, LANE_TRACK);
        assert_int_equal(lane_counters(f, LANE_TRACK)->stored, 2);
        assert_int_equal(lane_counters(f, LANE_TRACK)->parked, 2);
}

static const JournalErasure everything = { .purposes = ALL_PURPOSES, .since_ms = TIME_MS_NONE,
                                           .until_ms = TIME_MS_NONE, .is_everything = true, .ledger_body = "{\"all\":1}" };

static int keep_entry(uint64_t seq, const char *body, void *userdata) {
        char *text = userdata;
        size_t n = strlen(text);

        (void)snprintf(text + n, 512 - n, "%llu %s\n", (unsigned long long)seq, body); /* cut off at worst */
        return 0;
}

static void test_erasure_of_everything_closes_the_ledger_up_to_it(void **state) {
        Fixture *f = *state;
        _cleanup_bytes_ Bytes key = { 0 };
        JournalReceipt receipt;
        char text[512] = "";

        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(ledger_append_entry(f, "{\"who\":1}"), 0);
        assert_int_equal(ledger_append_entry(f, "{\"who\":2}"), 0);
        append(f, 3);
        fixture_close(f);
        key = sql_blob(f, "vault.db", "SELECT ledger_key FROM vault");
        assert_int_equal(fixture_open(f), 0);
        assert_true(state_holds(f, key.data, 16));
        assert_int_equal(erase(f, &everything, &receipt), 0);
        for (size_t i = 0; i + 12 <= key.size; i += 12)
                assert_false(state_holds(f, key.data + i, 12));
        assert_int_equal(ledger_append_entry(f, "{\"who\":4}"), 0);
        fixture_reopen(f);
        assert_int_equal(journal_ledger_replay(f->journal, keep_entry, text), 0);
        assert_string_equal(text, "3 {\"all\":1}\n4 {\"who\":4}\n");
        assert_int_equal(lane_counters(f, LANE_TRACK)->erased, 3);
        assert_int_equal(erase(f, &everything, &receipt), 0);
        fixture_reopen(f);
        text[0] = 0;
        assert_int_equal(journal_ledger_replay(f->journal, keep_entry, text), 0);
        assert_string_equal(text, "5 {\"all\":1}\n");
}

/* What cannot be opened any more still cannot be altered, taken out or put in. */
static void test_closed_entries_are_still_chained(void **state) {
        static const char *const attacks[] = {
                "UPDATE ledger SET commitment = randomblob(32) WHERE seq = 1",
                "UPDATE ledger SET hash = randomblob(32) WHERE seq = 2",
                "DELETE FROM ledger WHERE seq = 2",
                "DELETE FROM ledger WHERE seq = 3",
                "DELETE FROM ledger_volume",
                "UPDATE ledger_volume SET body = randomblob(36)",
        };
        char sql[160], text[512] = "";
        JournalReceipt receipt;

        for (size_t i = 0; i < ELEMENTSOF(attacks); i++) {
                Fixture *f = NULL;

                assert_int_equal(fixture_setup((void **)&f), 0);
                assert_int_equal(fixture_open(f), 0);
                assert_int_equal(ledger_append_entry(f, "{}"), 0);
                assert_int_equal(ledger_append_entry(f, "{}"), 0);
                assert_int_equal(erase(f, &everything, &receipt), 0);
                fixture_close(f);
                (void)snprintf(sql, sizeof(sql), "DROP TRIGGER ledger_keep_update; DROP TRIGGER ledger_keep_delete; %s",
                               attacks[i]); /* fits */
                sql_run(f, "vault.db", sql);
                assert_int_equal(fixture_open(f), 0);
                assert_int_equal(journal_ledger_replay(f->journal, keep_entry, text), JOURNAL_E_CORRUPT);
                assert_int_equal(fixture_teardown((void **)&f), 0);
        }
}

/* Some records under the present secret, the journal closed, and a next secret beside it. */
static int next_setup(void **state) {
        Fixture *f;

        assert_int_equal(fixture_setup(state), 0);
        f = *state;
        (void)snprintf(f->next_secret, sizeof(f->next_secret), "%s.new", f->secret);
        assert_int_equal(keyring_make_root(f->next_secret), 0);
        f->options.next_root_secret_file = f->next_secret;
        assert_int_equal(fixture_open(f), 0);
        append(f, 4);
        fixture_close(f);
        return 0;
}

static int replace(Fixture *f) {
        return journal_replace_root(&f->options, &f->clock, "{\"n\":1}", &f->error);
}

static void check_all_is_there(Fixture *f, size_t n_entries) {
        assert_int_equal(count_ledger(f), n_entries);
        assert_int_equal(lane_counters(f, LANE_TRACK)->pending, 4);
        fixture_close(f);
}

static void test_next_secret_beside_the_present_one_changes_nothing(void **state) {
        Fixture *f = *state;

        assert_int_equal(fixture_open(f), 0);
        assert_false(journal_is_root_next(f->journal));
        check_all_is_there(f, 0);
}

static void test_replaced_root_secret_opens_alone_and_the_one_before_does_not(void **state) {
        Fixture *f = *state;

        assert_int_equal(replace(f), 0);
        assert_int_equal(fixture_open(f), 0);
        assert_true(journal_is_root_next(f->journal));
        check_all_is_there(f, 1);
        f->options.next_root_secret_file = NULL;
        assert_int_equal(fixture_open(f), JOURNAL_E_SECRET);
        assert_int_equal(rename(f->next_secret, f->secret), 0);
        assert_int_equal(fixture_open(f), 0);
        assert_false(journal_is_root_next(f->journal));
        check_all_is_there(f, 1);
}

static void test_present_secret_may_be_gone_once_it_is_replaced(void **state) {
        Fixture *f = *state;

        assert_int_equal(replace(f), 0);
        assert_int_equal(unlink(f->secret), 0);
        assert_int_equal(fixture_open(f), 0);
        check_all_is_there(f, 1);
}

static void test_replacing_again_goes_on_where_it_ended(void **state) {
        Fixture *f = *state;

        assert_int_equal(replace(f), 0);
        assert_int_equal(replace(f), 0);
        assert_int_equal(fixture_open(f), 0);
        check_all_is_there(f, 1);
}

static void test_secret_that_is_replaced_opens_no_key_any_more(void **state) {
        Fixture *f = *state;
        _cleanup_bytes_ Bytes key = { 0 }, salt = { 0 };

        key = sql_blob(f, "vault.db", "SELECT key FROM parcel LIMIT 1");
        salt = sql_blob(f, "vault.db", "SELECT salt FROM vault");
        assert_true(state_holds(f, key.data, 16));
        assert_int_equal(replace(f), 0);
        assert_false(state_holds(f, key.data, 16));
        assert_false(state_holds(f, salt.data, 16));
}

static void overwrite_next(Fixture *f, const void *data, size_t size, mode_t mode) {
        assert_int_equal(file_write_atomic(f->next_secret, data, size, mode, true), 0);
}

static void check_not_replaced(Fixture *f, int outcome, const char *word) {
        assert_int_equal(replace(f), outcome);
        assert_non_null(strstr(f->error.text, word));
        f->options.next_root_secret_file = NULL;
        assert_int_equal(fixture_open(f), 0);
        check_all_is_there(f, 0);
        f->options.next_root_secret_file = f->next_secret;
}

static void test_next_secret_that_will_not_do_is_refused(void **state) {
        static const char long_enough[SECRET_SIZE] = "as many bytes as a secret has...";
        Fixture *f = *state;
        _cleanup_bytes_ Bytes present = { 0 };

        overwrite_next(f, "short", 5, 0400);
        check_not_replaced(f, JOURNAL_E_SECRET, f->next_secret);
        overwrite_next(f, long_enough, SECRET_SIZE, 0444);
        check_not_replaced(f, JOURNAL_E_SECRET, f->next_secret);
        assert_int_equal(file_read(f->secret, SECRET_SIZE, &present), 0);
        overwrite_next(f, present.data, present.size, 0400);
        check_not_replaced(f, -EINVAL, "the same secret");
        assert_int_equal(unlink(f->next_secret), 0);
        check_not_replaced(f, JOURNAL_E_SECRET, f->next_secret);
}

static void test_root_secret_of_a_journal_in_use_is_not_replaced(void **state) {
        Fixture *f = *state;

        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(replace(f), JOURNAL_E_BUSY);
        assert_non_null(strstr(f->error.text, "stop that one first"));
        append(f, 1);
}

static void test_without_a_vault_nothing_is_replaced_or_made(void **state) {
        Fixture *f = *state;
        _cleanup_free_ char *path = fixture_path(f, "vault.db");

        assert_int_equal(unlink(path), 0);
        assert_int_equal(replace(f), -ENOENT);
        assert_int_equal(access(path, F_OK), -1);
}

#define replacing(test) cmocka_unit_test_setup_teardown(test, next_setup, fixture_teardown)
#define unit(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                unit(test_rotation_replaces_salt_and_wrapped_keys),
                unit(test_rotation_leaves_all_readable),
                unit(test_damaged_key_does_not_hinder_rotation),
                unit(test_erasure_of_everything_closes_the_ledger_up_to_it),
                cmocka_unit_test(test_closed_entries_are_still_chained),
                replacing(test_next_secret_beside_the_present_one_changes_nothing),
                replacing(test_replaced_root_secret_opens_alone_and_the_one_before_does_not),
                replacing(test_present_secret_may_be_gone_once_it_is_replaced),
                replacing(test_replacing_again_goes_on_where_it_ended),
                replacing(test_secret_that_is_replaced_opens_no_key_any_more),
                replacing(test_next_secret_that_will_not_do_is_refused),
                replacing(test_root_secret_of_a_journal_in_use_is_not_replaced),
                replacing(test_without_a_vault_nothing_is_replaced_or_made),
        };

        return cmocka_run_group_tests_name("journal keys", tests, NULL, NULL);
}
