/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The evidence of a box that nobody has touched holds, whatever the box does; the attacks are in
 * test-evidence-attacks.c.
 */
#include "evidence-fixture.h"
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>
#include "trailkeep/file.h"
#include "trailkeep/keyring.h"

static const JournalErasure everything = { .purposes = ALL_PURPOSES, .since_ms = TIME_MS_NONE,
                                           .until_ms = TIME_MS_NONE };

static void test_all_that_happens_is_vouched_for(void **state) {
        Fixture *f = *state;
        JournalReceipt receipt;
        Findings found;

        append(f, 5);
        assert_int_equal(ledger_append_entry(f, "{\"n\":1}"), 0);
        fixture_reopen(f);
        append(f, 5);
        assert_int_equal(rotate(f, "{}"), 0);
        assert_int_equal(append_record(f, RECORD_ALARM, SUBJECT_A, START_REALTIME_MS), 0);
        assert_int_equal(commit(f), 0);
        fixture_close(f);
        check_holds(f, &found);
        assert_int_equal(found.evidence.chain, 2);
        assert_true(found.evidence.is_current);
        assert_int_equal(found.evidence.ledger_first, 3); /* behind the one before, and the one about this chain */
        assert_int_equal(found.evidence.ledger_last, 4);
        assert_int_equal(found.evidence.decisions.links, 4); /* start, two entries, another salt */
        assert_int_equal(found.evidence.parcels_whole, 3);
        assert_true(found.evidence.decisions.since_ms >= START_REALTIME_MS);
        assert_true(found.evidence.decisions.until_ms > found.evidence.decisions.since_ms);

        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(erase(f, &everything, &receipt), 0);
        wait_reclaimed(f);
        fixture_close(f);
        check_holds(f, &found);
        assert_int_equal(found.evidence.parcels_whole, 0);
        assert_int_equal(found.evidence.parcels_gone, 3);
}

static void test_erasure_of_everything_leaves_the_evidence(void **state) {
        JournalErasure all = everything;
        Fixture *f = *state;
        JournalReceipt receipt;
        Findings found;

        all.is_everything = true;
        all.ledger_body = "{}";
        assert_int_equal(ledger_append_entry(f, "{\"n\":1}"), 0);
        append(f, 5);
        assert_int_equal(erase(f, &all, &receipt), 0);
        assert_int_equal(ledger_append_entry(f, "{\"n\":2}"), 0);
        fixture_close(f);
        check_holds(f, &found);
        assert_int_equal(found.evidence.ledger_last, 5);
}

static void test_what_was_sent_or_has_expired_is_no_trouble(void **state) {
        Fixture *f = *state;
        Findings found;

        append(f, 5);
        fixture_reopen(f);
        send_all(f, LANE_TRACK);
        append(f, 5);
        fixture_advance(f, 31 * USEC_PER_DAY);
        fixture_reopen(f);
        fixture_close(f);
        check_holds(f, &found);
        assert_int_equal(found.evidence.parcels_gone, 2);
}

static void test_verifying_writes_nothing(void **state) {
        Fixture *f = *state;
        _cleanup_free_ char *vault = fixture_path(f, "vault.db"), *journal = fixture_path(f, "journal.db");
        _cleanup_free_ char *wal = fixture_path(f, "journal.db-wal");
        struct stat before[2], after[2];
        Findings found;

        append(f, 5);
        fixture_close(f);
        assert_int_equal(stat(vault, &before[0]), 0);
        assert_int_equal(stat(journal, &before[1]), 0);
        check_holds(f, &found);
        assert_int_equal(stat(vault, &after[0]), 0);
        assert_int_equal(stat(journal, &after[1]), 0);
        assert_memory_equal(&before[0].st_mtim, &after[0].st_mtim, sizeof(struct timespec));
        assert_memory_equal(&before[1].st_mtim, &after[1].st_mtim, sizeof(struct timespec));
        assert_int_equal(access(wal, F_OK), -1);
}

static void test_running_box_is_not_verified(void **state) {
        Fixture *f = *state;
        Findings found;

        assert_int_equal(verify(f, &found), JOURNAL_E_BUSY);
        assert_non_null(strstr(f->error.text, "stop the daemon"));
}

static void test_what_is_no_key_is_refused(void **state) {
        static const char *const texts[] = {
                "", "trailkeep-evidence 1\n",
                "trailkeep-evidence 1\ninstallation 00\nchain 2\nfirst 1 1\nkey 00\n",
                "trailkeep-evidence 1\ninstallation 0123456789abcdef0123456789abcdef\nchain 2\nfirst 1 1\nkey "
                "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\nmore\n",
        };
        Fixture *f = *state;
        _cleanup_free_ char *path = evidence_key_path(f);
        Findings found;

        fixture_close(f);
        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                assert_int_equal(file_write_atomic(path, texts[i], strlen(texts[i]), 0400, true), 0);
                assert_int_equal(verify(f, &found), JOURNAL_E_SECRET);
        }
        assert_int_equal(unlink(path), 0);
        assert_int_equal(verify(f, &found), -ENOENT);
}

static void test_key_of_another_box_is_refused(void **state) {
        Fixture *f = *state, *other = NULL;
        _cleanup_free_ char *path = evidence_key_path(f), *other_path = NULL;
        Findings found;

        assert_int_equal(evidence_setup((void **)&other), 0);
        other_path = evidence_key_path(other);
        assert_int_equal(rename(other_path, path), 0);
        fixture_close(f);
        assert_int_equal(verify(f, &found), JOURNAL_E_SECRET);
        assert_non_null(strstr(f->error.text, "another installation"));
        assert_int_equal(fixture_teardown((void **)&other), 0);
}

static void test_chain_ends_where_another_begins(void **state) {
        Fixture *f = *state;
        _cleanup_free_ char *path = evidence_key_path(f), *kept = path_join(f->root, "kept");
        Findings found;

        append(f, 3);
        assert_int_equal(rename(path, kept), 0);
        give_key_to_auditor(f);
        assert_int_equal(ledger_append_entry(f, "{\"n\":1}"), 0);
        fixture_close(f);
        check_holds(f, &found);
        assert_int_equal(found.evidence.chain, 3);
        assert_int_equal(found.evidence.ledger_last, 4);
        assert_int_equal(rename(kept, path), 0);
        check_holds(f, &found);
        assert_int_equal(found.evidence.chain, 2);
        assert_false(found.evidence.is_current);
        assert_int_equal(found.evidence.ledger_last, 3); /* which says that another chain begins */
}

static void copy_file(Fixture *from, Fixture *to, const char *name) {
        _cleanup_free_ char *a = fixture_path(from, name), *b = fixture_path(to, name);
        _cleanup_bytes_ Bytes content = { 0 };

        assert_int_equal(file_read(a, 64 << 20, &content), 0);
        assert_int_equal(file_write_atomic(b, content.data, content.size, 0600, true), 0);
}

/* The parcel that was open is counted again at the next start, and its digest made of what is on the medium. */
static void test_parcel_that_was_open_in_a_crash_is_vouched_for(void **state) {
        Fixture *f = *state, *crashed = NULL;
        _cleanup_free_ char *path = evidence_key_path(f), *crashed_path = NULL;
        Findings found;

        append(f, 7);
        assert_int_equal(fixture_setup((void **)&crashed), 0);
        assert_int_equal(mkdir(crashed->dir, 0700), 0);
        copy_file(f, crashed, "vault.db");
        copy_file(f, crashed, "journal.db");
        copy_file(f, crashed, "journal.db-wal");
        crashed_path = evidence_key_path(crashed);
        assert_int_equal(rename(path, crashed_path), 0);
        crashed->options.root_secret_file = f->secret;
        assert_int_equal(fixture_open(crashed), 0);
        fixture_close(crashed);
        check_holds(crashed, &found);
        assert_int_equal(found.evidence.parcels_whole, 1);
        assert_int_equal(fixture_teardown((void **)&crashed), 0);
}

static void test_root_secret_that_was_replaced_breaks_nothing(void **state) {
        Fixture *f = *state;
        Findings found;

        (void)snprintf(f->next_secret, sizeof(f->next_secret), "%s.new", f->secret);
        assert_int_equal(keyring_make_root(f->next_secret), 0);
        f->options.next_root_secret_file = f->next_secret;
        append(f, 3);
        fixture_close(f);
        assert_int_equal(journal_replace_root(&f->options, &f->clock, "{}", &f->error), 0);
        assert_int_equal(fixture_open(f), 0);
        append(f, 3);
        fixture_close(f);
        check_holds(f, &found);
        assert_int_equal(found.evidence.parcels_whole, 2);
}

static void vouch_for_parcels(Fixture *f, unsigned n) {
        _cleanup_transaction_ Db *transaction = NULL;
        Engine *engine = NULL;
        Vault *vault;

        assert_int_equal(engine_new(&f->options, &f->clock, &engine, &f->error), 0);
        vault = engine->vault;
        assert_int_equal(db_begin(vault_db(vault), &transaction), 0);
        for (unsigned i = 0; i < n; i++)
                assert_int_equal(evidence_append(vault, &(EvidenceFact){ .kind = EVIDENCE_PARCEL, .ref = 1000 + i }), 0);
        assert_int_equal(db_commit(&transaction), 0);
        engine_free(engine);
}

static void test_links_of_parcels_that_are_gone_are_pruned(void **state) {
        Fixture *f = *state;
        Findings found;

        append(f, 3);
        fixture_close(f);
        vouch_for_parcels(f, 2000);
        assert_true(sql_number(f, "vault.db", "SELECT count(*) FROM evidence") < 400);
        assert_int_equal(sql_number(f, "vault.db", "SELECT count(*) FROM evidence WHERE kind = 7"), 1);
        check_holds(f, &found);
        assert_true(found.evidence.pruned > 1600);
        assert_int_equal(found.evidence.parcels_whole, 1);
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(ledger_append_entry(f, "{}"), 0);
        append(f, 3);
        fixture_close(f);
        check_holds(f, &found);
        assert_int_equal(found.evidence.parcels_whole, 2);
}

/* Nothing waits for somebody to mend the evidence; that it is broken shows. */
static void test_damaged_end_hinders_nothing_and_shows(void **state) {
        Fixture *f = *state;
        JournalReceipt receipt;
        Findings found;

        fixture_close(f);
        sql_run(f, "vault.db", "UPDATE evidence_head SET key = randomblob(60) WHERE strand = 1");
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(ledger_append_entry(f, "{}"), 0);
        append(f, 3);
        assert_int_equal(erase(f, &everything, &receipt), 0);
        fixture_close(f);
        check_found(f, "break off without an end");
        assert_int_equal(fixture_open(f), 0);
        give_key_to_auditor(f);
        append(f, 3);
        fixture_close(f);
        check_holds(f, &found);
        assert_int_equal(found.evidence.chain, 4);
}

#define unit(test) cmocka_unit_test_setup_teardown(test, evidence_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                unit(test_all_that_happens_is_vouched_for),
                unit(test_erasure_of_everything_leaves_the_evidence),
                unit(test_what_was_sent_or_has_expired_is_no_trouble),
                unit(test_verifying_writes_nothing),
                unit(test_running_box_is_not_verified),
                unit(test_what_is_no_key_is_refused),
                unit(test_key_of_another_box_is_refused),
                unit(test_chain_ends_where_another_begins),
                unit(test_parcel_that_was_open_in_a_crash_is_vouched_for),
                unit(test_root_secret_that_was_replaced_breaks_nothing),
                unit(test_links_of_parcels_that_are_gone_are_pruned),
                unit(test_damaged_end_hinders_nothing_and_shows),
        };

        return cmocka_run_group_tests_name("journal evidence", tests, NULL, NULL);
}
