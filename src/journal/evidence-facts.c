/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the links of the evidence say, against what stands in copies of the databases. Floor 2.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include "evidence-verify.h"
#include "ledger.h"
#include "parcel-digest.h"
#include "parcels.h"

/* One BLOB by a number: 1 and its SHA-256, or as it is if it is that long and @is_hash; 0: there is no such row. */
static int digest_of(Db *db, const char *sql, uint64_t number, bool is_hash, uint8_t ret[static EVIDENCE_DIGEST_SIZE]) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        size_t size;
        int r;

        r = db_start(db, sql, &statement, DB_INT(number));
        if (r >= 0)
                r = db_step(db, statement);
        if (r <= 0)
                return r;
        size = (size_t)sqlite3_column_bytes(statement, 0);
        if (!is_hash)
                r = ledger_hash(sqlite3_column_blob(statement, 0), size, ret);
        else if (size == EVIDENCE_DIGEST_SIZE)
                memcpy(ret, sqlite3_column_blob(statement, 0), size);
        else
                return 0;
        return r < 0 ? r : 1;
}

/**
 * verify_ledger_chain() - whether the ledger's own chain holds, from its first entry to its last
 * @verifying:  says where it does not
 *
 * Return: 0; < 0: it cannot be read.
 */
int verify_ledger_chain(Verifying *verifying) {
        uint64_t broken = 0;
        int r;

        r = ledger_check_hashes(verifying->vault, &verifying->scope, &broken);
        if (r >= 0 && broken > 0)
                verifying_trouble(verifying, "the ledger's own chain breaks at entry %" PRIu64, broken);
        return r;
}

static int ledger_hash_at(Verifying *verifying, uint64_t seq, uint8_t ret[static EVIDENCE_DIGEST_SIZE]) {
        LedgerHead first;
        int r;

        if (seq > 0)
                return digest_of(verifying->vault, "SELECT hash FROM ledger WHERE seq = ?", seq, true, ret);
        r = ledger_head_first(&verifying->scope, &first);
        memcpy(ret, first.hash, LEDGER_HASH_SIZE);
        return r < 0 ? r : 1;
}

static int verify_start(Verifying *verifying, const EvidenceLink *link) {
        uint8_t hash[EVIDENCE_DIGEST_SIZE];
        int r;

        if (link->strand == EVIDENCE_PARCELS) {
                verifying->first_parcel = link->fact.ref;
                return 0;
        }
        verifying->ledger.seq = link->fact.ref;
        verifying->evidence->ledger_first = link->fact.ref + 1;
        r = ledger_hash_at(verifying, link->fact.ref, hash);
        if (r >= 0 && (r == 0 || memcmp(hash, link->fact.digest, sizeof(hash)) != 0))
                verifying_trouble(verifying, "the ledger up to entry %" PRIu64 " is not what it was when the chain began",
                                  link->fact.ref);
        return MIN(r, 0);
}

static int verify_entry(Verifying *verifying, const EvidenceLink *link) {
        uint8_t hash[EVIDENCE_DIGEST_SIZE];
        int r;

        if (link->fact.ref != verifying->ledger.seq + 1)
                verifying_trouble(verifying, "the ledger's entry %" PRIu64 " follows entry %" PRIu64, link->fact.ref,
                                  verifying->ledger.seq);
        verifying->ledger.seq = link->fact.ref;
        r = ledger_hash_at(verifying, link->fact.ref, hash);
        if (r == 0)
                verifying_trouble(verifying, "the ledger's entry %" PRIu64 " is missing", link->fact.ref);
        else if (r > 0 && memcmp(hash, link->fact.digest, sizeof(hash)) != 0)
                verifying_trouble(verifying, "the ledger's entry %" PRIu64 " is not the one that was written",
                                  link->fact.ref);
        return MIN(r, 0);
}

static int verify_erasure(Verifying *verifying, const EvidenceLink *link) {
        uint8_t digest[EVIDENCE_DIGEST_SIZE];
        int r;

        if (verifying->erasure > 0 && link->fact.ref != verifying->erasure + 1)
                verifying_trouble(verifying, "erasure %" PRIu64 " follows erasure %" PRIu64, link->fact.ref,
                                  verifying->erasure);
        verifying->erasure = link->fact.ref;
        r = digest_of(verifying->vault, "SELECT body FROM erasure WHERE request = ?", link->fact.ref, false, digest);
        if (r == 0)
                verifying_trouble(verifying, "the receipt of erasure %" PRIu64 " is missing", link->fact.ref);
        else if (r > 0 && memcmp(digest, link->fact.digest, sizeof(digest)) != 0)
                verifying_trouble(verifying, "the receipt of erasure %" PRIu64 " is not the one that was written",
                                  link->fact.ref);
        return MIN(r, 0);
}

static int verify_records(Verifying *verifying, const EvidenceFact *fact, Lane lane) {
        uint8_t digest[PARCEL_DIGEST_SIZE];
        uint64_t n = 0;
        int r;

        r = parcel_digest_read(verifying->journal, lane, fact->ref, digest, &n);
        if (r < 0)
                return r;
        if (n == fact->n && memcmp(digest, fact->digest, sizeof(digest)) == 0)
                verifying->evidence->parcels_whole++;
        else
                verifying_trouble(verifying,
                                  "parcel %" PRIu64 " has %" PRIu64 " records of which not all are those that were in it"
                                  " when it was closed with %" PRIu64,
                                  fact->ref, n, fact->n);
        return 0;
}

static int verify_parcel(Verifying *verifying, const EvidenceLink *link) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        uint64_t lane;
        int r;

        r = db_start(verifying->vault, "SELECT lane FROM parcel WHERE id = ? AND fate <= 3", &statement,
                     DB_INT(link->fact.ref));
        if (r >= 0)
                r = db_step(verifying->vault, statement);
        if (r < 0)
                return r;
        if (r == 0) {
                verifying->evidence->parcels_gone++;
                return 0;
        }
        lane = db_column_u64(statement, 0);
        if (!verifying->journal)
                return 0;
        if (lane >= LANE_MAX) {
                verifying_trouble(verifying, "parcel %" PRIu64 " is in no lane", link->fact.ref);
                return 0;
        }
        return verify_records(verifying, &link->fact, (Lane)lane);
}

/**
 * verify_fact() - what a link says, against the databases
 * @verifying:  says where they differ
 * @link:       one that holds
 *
 * Return: 0; < 0: they cannot be read.
 */
int verify_fact(Verifying *verifying, const EvidenceLink *link) {
        switch (link->fact.kind) {
        case EVIDENCE_START:
                return verify_start(verifying, link);
        case EVIDENCE_LEDGER:
                return verify_entry(verifying, link);
        case EVIDENCE_ERASURE:
                return verify_erasure(verifying, link);
        case EVIDENCE_PARCEL:
                return verify_parcel(verifying, link);
        case EVIDENCE_KEYS:
                memcpy(verifying->salt_digest, link->fact.digest, sizeof(verifying->salt_digest));
                verifying->has_salt = true;
                return 0;
        case EVIDENCE_END:
        case EVIDENCE_PRUNED:
                return 0;
        }
        return 0;
}

static int verify_nothing_above(Verifying *verifying, const char *sql, uint64_t last, const char *what) {
        int64_t number = 0;
        int r;

        r = db_number(verifying->vault, sql, &number, DB_INT(last));
        if (r > 0 && number > 0)
                verifying_trouble(verifying, "%s %" PRId64 " has no link", what, number);
        return MIN(r, 0);
}

static int verify_salt(Verifying *verifying) {
        uint8_t digest[EVIDENCE_DIGEST_SIZE];
        int r;

        r = digest_of(verifying->vault, "SELECT salt FROM vault WHERE id = ?", 1, false, digest);
        if (r >= 0 && verifying->has_salt && (r == 0 || memcmp(digest, verifying->salt_digest, sizeof(digest)) != 0))
                verifying_trouble(verifying, "the keys are not those of the last rotation");
        return MIN(r, 0);
}

/**
 * verify_rest() - whether something is there that no link vouches for
 * @verifying:  all links of the present chain were gone through; says what
 *
 * Return: 0; < 0: the databases cannot be read.
 */
int verify_rest(Verifying *verifying) {
        int r;

        r = verify_nothing_above(verifying, "SELECT min(seq) FROM ledger WHERE seq > ?", verifying->ledger.seq,
                                 "the ledger's entry");
        if (r >= 0 && verifying->erasure > 0)
                r = verify_nothing_above(verifying, "SELECT min(request) FROM erasure WHERE request > ?",
                                         verifying->erasure, "erasure");
        if (r >= 0)
                r = verify_nothing_above(verifying,
                                         "SELECT min(id) FROM parcel WHERE fate = 3 AND id > ? AND id NOT IN"
                                         " (SELECT ref FROM evidence WHERE strand = 2 AND kind = 6)",
                                         verifying->first_parcel, "parcel");
        return r < 0 ? r : verify_salt(verifying);
}
