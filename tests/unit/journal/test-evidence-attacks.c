/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Attacks on what happened before a box was taken over: with the files alone, and by somebody who has everything that is
 * on the box, the root secret and the present keys included. Each is found by whoever has the first key.
 */
#include "evidence-fixture.h"
#include <stdlib.h>
#include "ledger.h"
#include "trailkeep/file.h"

#define NO_TRIGGERS "DROP TRIGGER IF EXISTS ledger_keep_update; DROP TRIGGER IF EXISTS ledger_keep_delete;"

/* Five entries, an erasure, a rotation and two parcels under the chain of the auditor; the box is closed. */
static int history_setup(void **state) {
        const JournalErasure nothing = { .purposes = 1U << PURPOSE_AUDIO, .since_ms = TIME_MS_NONE,
                                         .until_ms = TIME_MS_NONE, .ledger_body = "{\"n\":3}" };
        JournalReceipt receipt;
        Findings found;
        Fixture *f;

        assert_int_equal(evidence_setup(state), 0);
        f = *state;
        append(f, 3);
        assert_int_equal(ledger_append_entry(f, "{\"n\":1}"), 0);
        assert_int_equal(ledger_append_entry(f, "{\"n\":2}"), 0);
        assert_int_equal(erase(f, &nothing, &receipt), 0);
        fixture_reopen(f);
        append(f, 3);
        assert_int_equal(rotate(f, "{\"n\":4}"), 0);
        assert_int_equal(ledger_append_entry(f, "{\"n\":5}"), 0);
        fixture_close(f);
        check_holds(f, &found);
        assert_int_equal(found.evidence.ledger_first, 3);
        assert_int_equal(found.evidence.ledger_last, 7);
        assert_int_equal(found.evidence.parcels_whole, 2);
        return 0;
}

typedef struct Attack {
        const char *file, *sql, *trouble;
} Attack;

static void check_attack(Fixture *f, const Attack *attack) {
        sql_run(f, attack->file, attack->sql);
        check_found(f, attack->trouble);
}

/* The files as they were, so that each attack begins with them. */
typedef struct Files {
        Bytes vault, journal;
} Files;

static Bytes read_state_file(Fixture *f, const char *name) {
        _cleanup_free_ char *path = fixture_path(f, name);
        Bytes bytes = { 0 };

        assert_int_equal(file_read(path, 64 << 20, &bytes), 0);
        return bytes;
}

static void write_state_file(Fixture *f, const char *name, const Bytes *bytes) {
        _cleanup_free_ char *path = fixture_path(f, name);

        assert_int_equal(file_write_atomic(path, bytes->data, bytes->size, 0600, true), 0);
}

static void files_keep(Fixture *f, Files *ret) {
        *ret = (Files){ .vault = read_state_file(f, "vault.db"), .journal = read_state_file(f, "journal.db") };
}

static void files_put_back(Fixture *f, const Files *files) {
        write_state_file(f, "vault.db", &files->vault);
        write_state_file(f, "journal.db", &files->journal);
}

static void files_done(Files *files) {
        bytes_done(&files->vault);
        bytes_done(&files->journal);
}

/* Each alone. */
static void test_what_is_altered_in_the_files_is_found(void **state) {
        static const Attack attacks[] = {
                { "vault.db", NO_TRIGGERS "UPDATE ledger SET commitment = randomblob(32) WHERE seq = 4",
                  "chain breaks at entry 4" },
                { "vault.db", NO_TRIGGERS "UPDATE ledger SET hash = randomblob(32) WHERE seq = 4",
                  "entry 4 is not the one" },
                { "vault.db", NO_TRIGGERS "DELETE FROM ledger WHERE seq = 4", "entry 4 is missing" },
                { "vault.db", NO_TRIGGERS "DELETE FROM ledger WHERE seq = 7", "entry 7 is missing" },
                { "vault.db", "INSERT INTO ledger SELECT 8, commitment, hash, entry FROM ledger WHERE seq = 7",
                  "entry 8 has no link" },
                { "vault.db", NO_TRIGGERS "UPDATE ledger SET seq = 99 WHERE seq = 4; UPDATE ledger SET seq = 4 WHERE seq = "
                              "5; UPDATE ledger SET seq = 5 WHERE seq = 99", "entry 5 is not the one" },
                { "vault.db", NO_TRIGGERS "UPDATE ledger SET hash = randomblob(32) WHERE seq = 1",
                  "chain breaks at entry 1" },
                { "vault.db", "UPDATE erasure SET body = randomblob(length(body))", "receipt of erasure 1 is not the one" },
                { "vault.db", "DELETE FROM erasure", "receipt of erasure 1 is missing" },
                { "vault.db", "UPDATE vault SET salt = randomblob(32)", "not those of the last rotation" },
                { "vault.db", "DELETE FROM evidence WHERE strand = 1 AND kind = 4", "of decisions are missing" },
                { "vault.db", "DELETE FROM evidence WHERE strand = 2 AND seq = (SELECT max(seq) FROM evidence WHERE strand = "
                              "2)", "links were cut off at the end" },
                { "vault.db", "DELETE FROM evidence WHERE strand = 2 AND kind = 6 AND seq = (SELECT min(seq) FROM evidence "
                              "WHERE strand = 2 AND kind = 6 AND chain = 2)", "parcels are missing" },
                { "vault.db", "UPDATE evidence SET digest = randomblob(32) WHERE kind = 3 AND ref = 5", "does not hold" },
                { "vault.db", "UPDATE evidence SET n = n + 1 WHERE kind = 6", "does not hold" },
                { "vault.db", "UPDATE evidence SET made_on_usec = 0 WHERE kind = 3", "does not hold" },
                { "vault.db", "UPDATE evidence SET clock = clock + 1 WHERE kind = 3", "does not hold" },
                { "vault.db", "UPDATE evidence SET kind = 7 WHERE kind = 6", "does not hold" },
                { "vault.db", "UPDATE evidence SET seq = seq + 1000 WHERE strand = 1 AND kind = 4", "are missing" },
                { "vault.db", "UPDATE evidence_head SET seal = randomblob(32)", "the end of decisions does not hold" },
                { "vault.db", "DELETE FROM evidence_head", "break off without an end" },
                { "vault.db", "DELETE FROM evidence WHERE strand = 1", "the end of decisions does not hold" },
                { "journal.db", "DELETE FROM track WHERE id = (SELECT min(id) FROM track)", "not all are those" },
                { "journal.db", "UPDATE track SET body = randomblob(length(body)) WHERE id = (SELECT max(id) FROM track)",
                  "not all are those" },
                { "journal.db", "DELETE FROM track", "not all are those" },
                { "vault.db", "INSERT INTO parcel SELECT id + 5, lane, purpose, algorithm, fate, opened_on_usec, erasure,"
                              " key, label, extent FROM parcel WHERE fate = 3 LIMIT 1", "has no link" },
        };

        _cleanup_(files_done) Files files = { 0 };
        Fixture *f = *state;

        files_keep(f, &files);
        for (size_t i = 0; i < ELEMENTSOF(attacks); i++) {
                files_put_back(f, &files);
                check_attack(f, &attacks[i]);
        }
}

/* What somebody has who took the box over: all of it open before him, and the key of the next link. */
typedef struct Takeover {
        Engine *engine;
        Db *db;
        const SealScope *scope;
        Secret *key;
        EvidenceHead head;
} Takeover;

static void take_over(Fixture *f, EvidenceStrand strand, Takeover *ret) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        SealAd ad;

        assert_int_equal(engine_new(&f->options, &f->clock, &ret->engine, &f->error), 0);
        ret->db = vault_db(ret->engine->vault);
        ret->scope = vault_scope(ret->engine->vault);
        ad = seal_ad(ret->scope, SEAL_KIND_EVIDENCE_KEY, SEAL_NO_LANE, strand);
        assert_int_equal(db_start(ret->db, "SELECT " EVIDENCE_HEAD_COLUMNS ", key FROM evidence_head WHERE strand = ?",
                                  &statement, DB_INT(strand)), 0);
        assert_int_equal(db_step(ret->db, statement), 1);
        assert_int_equal(evidence_head_read(statement, &ret->head), 0);
        assert_int_equal(keyring_unwrap(vault_keyring(ret->engine->vault), ad.bytes, sizeof(ad.bytes),
                                        sqlite3_column_blob(statement, 5), (size_t)sqlite3_column_bytes(statement, 5),
                                        &ret->key), 0);
        assert_int_equal(db_execute(ret->db, NO_TRIGGERS), 0);
}

static void leave(Takeover *takeover) {
        secret_free(takeover->key);
        takeover->engine = engine_free(takeover->engine);
}

static EvidenceLink read_link(Takeover *takeover, uint64_t seq) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        EvidenceLink link;

        assert_int_equal(db_start(takeover->db, "SELECT " EVIDENCE_COLUMNS " FROM evidence WHERE strand = ? AND seq = ?",
                                  &statement, DB_INT(takeover->head.strand), DB_INT(seq)), 0);
        assert_int_equal(db_step(takeover->db, statement), 1);
        assert_int_equal(evidence_link_read(statement, &link), 0);
        return link;
}

/* Signs every link from a number on again, with the only key there is, and seals the end. */
static void sign_again(Takeover *takeover, uint64_t from) {
        EvidenceHead *head = &takeover->head;
        uint8_t before[MAC_SIZE], seal[MAC_SIZE];
        uint64_t seq_be;

        memcpy(before, read_link(takeover, from).before, MAC_SIZE);
        for (uint64_t seq = from; seq <= head->seq; seq++) {
                EvidenceLink link = read_link(takeover, seq);

                memcpy(link.before, before, MAC_SIZE);
                assert_int_equal(evidence_link_tag(&link, takeover->scope, takeover->key, link.tag), 0);
                assert_int_equal(db_run(takeover->db, "UPDATE evidence SET before = ?, tag = ? WHERE strand = ? AND seq = ?",
                                        DB_BLOB(link.before, MAC_SIZE), DB_BLOB(link.tag, MAC_SIZE),
                                        DB_INT(head->strand), DB_INT(seq)), 0);
                memcpy(before, link.tag, MAC_SIZE);
        }
        memcpy(head->tag, before, MAC_SIZE);
        seq_be = __builtin_bswap64(head->seq);
        assert_int_equal(evidence_head_seal(head, takeover->scope, takeover->key, seal), 0);
        assert_int_equal(db_run(takeover->db, "UPDATE evidence_head SET seq = ?, tag = ?, seal = ? WHERE strand = ?",
                                DB_BLOB(&seq_be, 8), DB_BLOB(head->tag, MAC_SIZE), DB_BLOB(seal, MAC_SIZE),
                                DB_INT(head->strand)), 0);
}

/* A ledger that ends where he wants it to, sealed as it should be. */
static void cut_ledger(Takeover *takeover, uint64_t last) {
        Vault *vault = takeover->engine->vault;
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        _cleanup_bytes_ Bytes sealed = { 0 };
        LedgerHead head = { .seq = last };

        assert_int_equal(db_run(takeover->db, "DELETE FROM ledger WHERE seq > ?", DB_INT(last)), 0);
        assert_int_equal(db_start(takeover->db, "SELECT hash FROM ledger WHERE seq = ?", &statement, DB_INT(last)), 0);
        assert_int_equal(db_step(takeover->db, statement), 1);
        memcpy(head.hash, sqlite3_column_blob(statement, 0), LEDGER_HASH_SIZE);
        assert_int_equal(ledger_head_seal(&head, vault_scope(vault), vault_ledger_aead(vault), &sealed), 0);
        assert_int_equal(db_run(takeover->db, "UPDATE vault SET ledger_head = ?", DB_BYTES(&sealed)), 0);
}

static uint64_t link_of_entry(Takeover *takeover, uint64_t entry) {
        int64_t seq = 0;

        assert_int_equal(db_number(takeover->db, "SELECT seq FROM evidence WHERE kind = 3 AND ref = ?", &seq,
                                   DB_INT(entry)), 1);
        return (uint64_t)seq;
}

/* The daemon itself would be content with any of these. */
static void check_box_is_content(Fixture *f) {
        assert_int_equal(fixture_open(f), 0);
        fixture_close(f);
}

static void test_signing_an_altered_link_again_is_found(void **state) {
        Fixture *f = *state;
        Takeover takeover;
        uint64_t seq;

        take_over(f, EVIDENCE_DECISIONS, &takeover);
        seq = link_of_entry(&takeover, 5);
        assert_int_equal(db_run(takeover.db, "UPDATE evidence SET digest = zeroblob(32) WHERE kind = 3 AND ref = 5"), 0);
        sign_again(&takeover, seq);
        leave(&takeover);
        check_box_is_content(f);
        check_found(f, "does not hold");
}

static void test_cutting_off_the_last_and_sealing_the_end_again_is_found(void **state) {
        Fixture *f = *state;
        Takeover takeover;

        take_over(f, EVIDENCE_DECISIONS, &takeover);
        takeover.head.seq = link_of_entry(&takeover, 6) - 1;
        assert_int_equal(db_run(takeover.db, "DELETE FROM evidence WHERE strand = 1 AND seq > ?",
                                DB_INT(takeover.head.seq)), 0);
        cut_ledger(&takeover, 5);
        sign_again(&takeover, takeover.head.seq);
        leave(&takeover);
        check_box_is_content(f);
        check_found(f, "links were cut off at the end");
}

/* He lets the box go on by itself: what it adds now is signed with keys that the auditor knows to come later. */
static void test_cutting_off_the_last_and_going_on_is_found(void **state) {
        Fixture *f = *state;
        Takeover takeover;

        take_over(f, EVIDENCE_DECISIONS, &takeover);
        takeover.head.seq = link_of_entry(&takeover, 6) - 1;
        assert_int_equal(db_run(takeover.db, "DELETE FROM evidence WHERE strand = 1 AND seq > ?",
                                DB_INT(takeover.head.seq)), 0);
        cut_ledger(&takeover, 5);
        sign_again(&takeover, takeover.head.seq);
        leave(&takeover);
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(ledger_append_entry(f, "{\"n\":\"false\"}"), 0);
        fixture_close(f);
        check_found(f, "does not hold");
}

/* Links of parcels may be missing where a link says so, and he can make such a link: it hides no decision. */
static void test_no_link_about_pruning_hides_a_decision(void **state) {
        Fixture *f = *state;
        Takeover takeover;
        uint64_t seq;

        take_over(f, EVIDENCE_DECISIONS, &takeover);
        seq = link_of_entry(&takeover, 4);
        assert_int_equal(db_run(takeover.db, "DELETE FROM evidence WHERE strand = 1 AND seq = ?", DB_INT(seq)), 0);
        assert_int_equal(db_run(takeover.db, "DELETE FROM ledger WHERE seq = 4"), 0);
        assert_int_equal(evidence_append(takeover.engine->vault, &(EvidenceFact){ .kind = EVIDENCE_PRUNED, .n = 1 }), 0);
        leave(&takeover);
        check_found(f, "of decisions are missing");
        check_found(f, "entry 5 follows entry 3");
}

static void test_another_chain_hides_nothing_of_the_one_before(void **state) {
        Fixture *f = *state;
        _cleanup_(secret_freep) Secret *first = NULL;
        Takeover takeover;

        take_over(f, EVIDENCE_DECISIONS, &takeover);
        takeover.head.seq = link_of_entry(&takeover, 6) - 1;
        assert_int_equal(db_run(takeover.db, "DELETE FROM evidence WHERE strand = 1 AND seq > ?",
                                DB_INT(takeover.head.seq)), 0);
        cut_ledger(&takeover, 5);
        sign_again(&takeover, takeover.head.seq);
        assert_int_equal(evidence_start(takeover.engine->vault, &first), 0);
        leave(&takeover);
        check_found(f, "does not hold"); /* the link that would end it */
}

/* A number that would keep the auditor's machine computing for years. */
static void test_absurd_numbers_are_refused(void **state) {
        Fixture *f = *state;
        Findings found;

        sql_run(f, "vault.db", "UPDATE evidence SET seq = 9000000000000000000 WHERE strand = 2 AND kind = 6 AND seq ="
                               " (SELECT max(seq) FROM evidence WHERE strand = 2)");
        assert_int_equal(verify(f, &found), JOURNAL_E_CORRUPT);
}

static void test_garbage_in_the_rows_is_found_or_refused(void **state) {
        static const char *const columns[] = { "strand", "seq", "chain", "kind", "ref", "n", "digest", "made_on_usec",
                                               "clock", "before", "tag" };
        static const char *const values[] = { "-1", "x'3939'", "'77text'", "1e300", "replace(hex(zeroblob(50000)), '0', '9')" };
        _cleanup_(files_done) Files files = { 0 };
        Fixture *f = *state;
        char sql[128];

        files_keep(f, &files);
        for (size_t i = 0; i < ELEMENTSOF(columns) * ELEMENTSOF(values); i++) {
                Findings found;
                int r;

                files_put_back(f, &files);
                (void)snprintf(sql, sizeof(sql), "UPDATE OR REPLACE evidence SET %s = %s WHERE strand = 1 AND kind = 4",
                               columns[i / ELEMENTSOF(values)], values[i % ELEMENTSOF(values)]); /* fits */
                sql_run(f, "vault.db", sql);
                r = verify(f, &found);
                if (r != JOURNAL_E_CORRUPT && (r != 0 || found.evidence.troubles == 0))
                        fail_msg("%d after %s", r, sql);
        }
}

#define unit(test) cmocka_unit_test_setup_teardown(test, history_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                unit(test_what_is_altered_in_the_files_is_found),
                unit(test_signing_an_altered_link_again_is_found),
                unit(test_cutting_off_the_last_and_sealing_the_end_again_is_found),
                unit(test_cutting_off_the_last_and_going_on_is_found),
                unit(test_no_link_about_pruning_hides_a_decision),
                unit(test_another_chain_hides_nothing_of_the_one_before),
                unit(test_absurd_numbers_are_refused),
                unit(test_garbage_in_the_rows_is_found_or_refused),
        };

        return cmocka_run_group_tests_name("journal evidence attacks", tests, NULL, NULL);
}
