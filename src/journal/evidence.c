/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The evidence of vault.db. Floor 2.
 *
 *   evidence        one row for each link, as in evidence-link.h; seq counts up in each strand, from chain to chain
 *     digest, before, tag   32 bytes each
 *   evidence_head   one row for each strand, all of its columns BLOBs of fixed size, overwritten in place (see
 *                   parcels.c for why)
 *     chain, first, seq     8 bytes each, big endian: see EvidenceHead
 *     tag           of the last link
 *     key           of the next link, wrapped under the key-encryption key (60 bytes)
 *     seal          32 bytes, see evidence-link.c
 *
 * Links are made in the transactions that exist anyway: with a ledger entry, an erasure, another salt, and the closing
 * of a parcel. A vault has chain 1 from its first link on, under a key that nobody ever had; a chain whose first key is
 * given to somebody begins with evidence_start(). A chain begins with a link in each strand that binds what there was
 * before, and ends with one in each when another begins.
 *
 * In the strand of parcels, links of parcels that are gone are pruned once there are PRUNE_MIN of them; a link says how
 * many are missing in all, and binds their tags. So the table stays about as large as what is kept, the decisions
 * aside, which stay for good as the ledger does.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>
#include "evidence.h"
#include "trailkeep/parse.h"

#define PRUNE_MIN 256

/* A strand while a link is added to it. */
typedef struct Strand {
        EvidenceHead head;
        Secret *key; /* of the next link */
        bool is_new; /* has no row yet */
} Strand;

static void strand_done(Strand *strand) {
        strand->key = secret_free(strand->key);
}
#define _cleanup_strand_ _cleanup_(strand_done)

static SealAd strand_ad(const Vault *vault, EvidenceStrand strand) {
        return seal_ad(vault_scope(vault), SEAL_KIND_EVIDENCE_KEY, SEAL_NO_LANE, strand);
}

/* There is no head, or a damaged one: a chain begins behind all links that there are. */
static int strand_find_end(Vault *vault, EvidenceStrand which, EvidenceHead *ret) {
        int64_t seq = 0, chain = 0;
        int r;

        r = db_number(vault_db(vault), "SELECT max(seq) FROM evidence WHERE strand = ?", &seq, DB_INT(which));
        if (r >= 0)
                r = db_number(vault_db(vault), "SELECT max(chain) FROM evidence", &chain);
        *ret = (EvidenceHead){ .strand = which, .chain = (uint64_t)chain, .seq = (uint64_t)seq };
        return MIN(r, 0);
}

/* Without a key when there is no head, or a damaged one. */
static int strand_load(Vault *vault, EvidenceStrand which, Strand *strand) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        SealAd ad = strand_ad(vault, which);
        int r;

        r = db_start(vault_db(vault), "SELECT " EVIDENCE_HEAD_COLUMNS ", key FROM evidence_head WHERE strand = ?",
                     &statement, DB_INT(which));
        if (r < 0)
                return r;
        r = db_step(vault_db(vault), statement);
        if (r < 0)
                return r;
        strand_done(strand);
        strand->is_new = r == 0;
        r = r == 0 ? -EBADMSG : evidence_head_read(statement, &strand->head);
        if (r >= 0)
                r = keyring_unwrap(vault_keyring(vault), ad.bytes, sizeof(ad.bytes), sqlite3_column_blob(statement, 5),
                                   (size_t)sqlite3_column_bytes(statement, 5), &strand->key);
        if (r == -EBADMSG || r == KEYRING_E_FOREIGN)
                return strand_find_end(vault, which, &strand->head);
        return r;
}

static int strand_save(Vault *vault, const Strand *strand) {
        const EvidenceHead *head = &strand->head;
        const uint64_t chain_be = htobe64(head->chain), first_be = htobe64(head->first), seq_be = htobe64(head->seq);
        SealAd ad = strand_ad(vault, head->strand);
        _cleanup_bytes_ Bytes wrapped = { 0 };
        uint8_t seal[MAC_SIZE];
        int r;

        r = keyring_wrap(vault_keyring(vault), ad.bytes, sizeof(ad.bytes), strand->key, &wrapped);
        if (r >= 0)
                r = evidence_head_seal(head, vault_scope(vault), strand->key, seal);
        if (r < 0)
                return r;
        return db_run(vault_db(vault),
                      strand->is_new ? "INSERT INTO evidence_head(chain, first, seq, tag, key, seal, strand)"
                                       " VALUES(?, ?, ?, ?, ?, ?, ?)"
                                     : "UPDATE evidence_head SET chain = ?, first = ?, seq = ?, tag = ?, key = ?, seal = ?"
                                       " WHERE strand = ?",
                      DB_BLOB(&chain_be, 8), DB_BLOB(&first_be, 8), DB_BLOB(&seq_be, 8), DB_BLOB(head->tag, MAC_SIZE),
                      DB_BYTES(&wrapped), DB_BLOB(seal, MAC_SIZE), DB_INT(head->strand));
}

static int strand_insert(Vault *vault, const EvidenceLink *link) {
        const EvidenceFact *fact = &link->fact;

        return db_run(vault_db(vault),
                      "INSERT INTO evidence(" EVIDENCE_COLUMNS ") VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                      DB_INT(link->strand), DB_INT(link->seq), DB_INT(link->chain), DB_INT(fact->kind),
                      DB_INT(fact->ref), DB_INT(fact->n), DB_BLOB(fact->digest, EVIDENCE_DIGEST_SIZE),
                      DB_INT(link->made_on_usec), DB_INT(link->clock), DB_BLOB(link->before, MAC_SIZE),
                      DB_BLOB(link->tag, MAC_SIZE));
}

/* One link, and the key moves on. */
static int strand_add(Vault *vault, Strand *strand, const EvidenceFact *fact) {
        EvidenceLink link = {
                .chain = strand->head.chain,
                .strand = strand->head.strand,
                .seq = strand->head.seq + 1,
                .fact = *fact,
                .made_on_usec = vault_powered_on_usec(vault),
        };
        Secret *next = NULL;
        uint64_t mask;
        int r;

        memcpy(link.before, strand->head.tag, MAC_SIZE);
        r = evidence_clock_mask(strand->key, &mask);
        if (r < 0)
                return r;
        link.clock = (uint64_t)vault_realtime_ms(vault) ^ mask;
        r = evidence_link_tag(&link, vault_scope(vault), strand->key, link.tag);
        if (r >= 0)
                r = strand_insert(vault, &link);
        if (r >= 0)
                r = evidence_next_key(strand->key, &next);
        if (r < 0)
                return r;
        secret_free(strand->key);
        strand->key = next;
        strand->head.seq = link.seq;
        memcpy(strand->head.tag, link.tag, MAC_SIZE);
        return 0;
}

/* What there was before a chain, for its first link. */
static int describe_start(Vault *vault, EvidenceStrand strand, uint64_t given, EvidenceFact *ret) {
        LedgerHead ledger;
        int64_t parcel = 0;
        int r;

        *ret = (EvidenceFact){ .kind = EVIDENCE_START, .n = given };
        if (strand == EVIDENCE_PARCELS) {
                r = db_number(vault_db(vault), "SELECT seq FROM sqlite_sequence WHERE name = 'parcel'", &parcel);
                ret->ref = (uint64_t)parcel;
                return MIN(r, 0);
        }
        r = vault_ledger_head(vault, &ledger);
        if (r == -EBADMSG)
                return 0; /* binds nothing, which whoever verifies is told */
        if (r < 0)
                return r;
        ret->ref = ledger.seq;
        memcpy(ret->digest, ledger.hash, LEDGER_HASH_SIZE);
        return 0;
}

/* What a chain begins with. */
typedef struct Beginning {
        Secret *first;
        uint64_t chain;
        bool is_given; /* somebody gets the first key */
} Beginning;

/* The strand goes on in another chain, with a first link of its own. */
static int strand_begin(Vault *vault, Strand *strand, const Beginning *beginning) {
        EvidenceFact start;
        int r;

        strand->key = secret_free(strand->key);
        strand->head.chain = beginning->chain;
        strand->head.first = strand->head.seq + 1;
        memset(strand->head.tag, 0, MAC_SIZE);
        r = evidence_strand_key(beginning->first, strand->head.strand, &strand->key);
        if (r >= 0)
                r = describe_start(vault, strand->head.strand, beginning->is_given ? beginning->chain : 0, &start);
        return r < 0 ? r : strand_add(vault, strand, &start);
}

static int evidence_begin(Vault *vault, EvidenceStrand which, const Beginning *beginning) {
        const EvidenceFact end = { .kind = EVIDENCE_END };
        _cleanup_strand_ Strand strand = { 0 };
        int r;

        r = strand_load(vault, which, &strand);
        if (r >= 0 && strand.key)
                r = strand_add(vault, &strand, &end);
        if (r >= 0)
                r = strand_begin(vault, &strand, beginning);
        return r < 0 ? r : strand_save(vault, &strand);
}

static int evidence_begin_both(Vault *vault, bool is_given, Secret **ret_first) {
        _cleanup_(secret_freep) Secret *first = NULL;
        Beginning beginning = { .is_given = is_given };
        int64_t chain = 0;
        int r;

        r = db_number(vault_db(vault), "SELECT max(chain) FROM evidence", &chain);
        if (r >= 0)
                r = secret_new_random(&first);
        if (r < 0)
                return r;
        beginning.first = first;
        beginning.chain = (uint64_t)chain + 1;
        r = evidence_begin(vault, EVIDENCE_DECISIONS, &beginning);
        if (r >= 0)
                r = evidence_begin(vault, EVIDENCE_PARCELS, &beginning);
        if (r >= 0 && is_given)
                *ret_first = TAKE_PTR(first);
        return r;
}

/**
 * evidence_start() - begin another chain
 * @vault:      within a transaction
 * @ret_first:  its first key, which is kept nowhere: whoever gets it can verify; untouched on failure
 *
 * Return: 0; < 0.
 */
int evidence_start(Vault *vault, Secret **ret_first) {
        return evidence_begin_both(vault, true, ret_first);
}

/* A vault without evidence, or with a damaged end of it, gets a chain that nobody has the first key of: nothing that is
 * to be written waits for somebody to mend the evidence, and the end that is missing shows. */
static int strand_load_or_begin(Vault *vault, EvidenceStrand which, Strand *strand) {
        int r;

        r = strand_load(vault, which, strand);
        if (r < 0 || strand->key)
                return r;
        r = evidence_begin_both(vault, false, NULL);
        return r < 0 ? r : strand_load(vault, which, strand);
}

/* How many links of the strand are missing so far, and what binds them. */
static int pruned_before(Vault *vault, const Strand *strand, EvidenceFact *ret) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        EvidenceLink link;
        int r;

        *ret = (EvidenceFact){ .kind = EVIDENCE_PRUNED };
        r = db_start(vault_db(vault),
                     "SELECT " EVIDENCE_COLUMNS
                     " FROM evidence WHERE strand = 2 AND seq >= ? AND kind = 7 ORDER BY seq DESC LIMIT 1",
                     &statement, DB_INT(strand->head.first));
        if (r < 0)
                return r;
        r = db_step(vault_db(vault), statement);
        if (r <= 0)
                return r;
        r = evidence_link_read(statement, &link);
        if (r >= 0)
                *ret = link.fact;
        return r;
}

/* All that may go: links of parcels that are gone, and those that said what was pruned before. */
#define PRUNABLE \
        " FROM evidence WHERE strand = 2 AND seq > ? AND (kind = 7 OR kind = 6 AND ref NOT IN" \
        " (SELECT id FROM parcel WHERE fate <= 3))"

static int prune_into(Vault *vault, const Strand *strand, EvidenceFact *fact) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        _cleanup_bytes_ Bytes bound = { 0 };
        int r;

        r = bytes_append(&bound, fact->digest, EVIDENCE_DIGEST_SIZE);
        if (r >= 0)
                r = db_start(vault_db(vault), "SELECT tag" PRUNABLE " ORDER BY seq", &statement,
                             DB_INT(strand->head.first));
        while (r >= 0 && (r = db_step(vault_db(vault), statement)) > 0) {
                fact->n++;
                r = bytes_append(&bound, sqlite3_column_blob(statement, 0),
                                 (size_t)sqlite3_column_bytes(statement, 0));
        }
        if (r < 0)
                return r;
        db_finish(TAKE_PTR(statement));
        r = ledger_hash(bound.data, bound.size, fact->digest);
        return r < 0 ? r : db_run(vault_db(vault), "DELETE" PRUNABLE, DB_INT(strand->head.first));
}

/* Looked at now and then only, since counting costs more than a link does. */
static int strand_prune(Vault *vault, Strand *strand) {
        EvidenceFact fact;
        int64_t n = 0;
        int r;

        if (strand->head.seq % (PRUNE_MIN / 4) != 0)
                return 0;
        r = db_number(vault_db(vault), "SELECT count(*)" PRUNABLE, &n, DB_INT(strand->head.first));
        if (r < 0 || n < PRUNE_MIN)
                return MIN(r, 0);
        r = pruned_before(vault, strand, &fact);
        if (r >= 0)
                r = prune_into(vault, strand, &fact);
        return r < 0 ? r : strand_add(vault, strand, &fact);
}

/**
 * evidence_append() - add a link
 * @vault:      within the transaction that does what it says, before vault_rewrap() does its part
 * @fact:       what it says
 *
 * Return: 0; < 0.
 */
int evidence_append(Vault *vault, const EvidenceFact *fact) {
        _cleanup_strand_ Strand strand = { 0 };
        int r;

        r = strand_load_or_begin(vault, evidence_strand_of(fact->kind), &strand);
        if (r >= 0)
                r = strand_add(vault, &strand, fact);
        if (r >= 0 && strand.head.strand == EVIDENCE_PARCELS)
                r = strand_prune(vault, &strand);
        return r < 0 ? r : strand_save(vault, &strand);
}

static int strand_rewrap(Vault *vault, EvidenceStrand which, Keyring *next) {
        SealAd ad = strand_ad(vault, which);
        _cleanup_strand_ Strand strand = { 0 };
        _cleanup_bytes_ Bytes wrapped = { 0 };
        int r;

        r = strand_load(vault, which, &strand);
        if (r < 0 || !strand.key)
                return r;
        r = keyring_wrap(next, ad.bytes, sizeof(ad.bytes), strand.key, &wrapped);
        return r < 0 ? r : db_run(vault_db(vault), "UPDATE evidence_head SET key = ? WHERE strand = ?",
                                  DB_BYTES(&wrapped), DB_INT(which));
}

/**
 * evidence_rewrap() - wrap the keys of the next links under another key-encryption key
 * @vault:      within a transaction, as its last deed
 * @next:       the other one
 *
 * Return: 0; < 0.
 */
int evidence_rewrap(Vault *vault, Keyring *next) {
        int r = strand_rewrap(vault, EVIDENCE_DECISIONS, next);

        return r < 0 ? r : strand_rewrap(vault, EVIDENCE_PARCELS, next);
}

/**
 * evidence_given_chain() - number of the chain that links are added to, if somebody got its first key
 * @vault:      the vault
 * @ret:        0: nobody did; untouched on failure
 *
 * Return: 0; -EBADMSG; < 0.
 */
int evidence_given_chain(Vault *vault, uint64_t *ret) {
        _cleanup_strand_ Strand strand = { 0 };
        int64_t given = 0;
        int r;

        r = strand_load(vault, EVIDENCE_DECISIONS, &strand);
        if (r >= 0 && strand.key)
                r = db_number(vault_db(vault), "SELECT n FROM evidence WHERE strand = 1 AND seq = ?", &given,
                              DB_INT(strand.head.first));
        if (r >= 0)
                *ret = (uint64_t)given;
        return MIN(r, 0);
}
