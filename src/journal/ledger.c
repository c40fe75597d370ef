/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The consent ledger. Floor 2.
 *
 *   ledger
 *     seq          1, 2, 3 ... without a gap
 *     entry        sealed under the ledger key, id seq: 32 random bytes (salt), then the body
 *     commitment   SHA-256(salt | body)
 *     hash         SHA-256(hash before | seq, 8 bytes big endian | commitment)
 *
 *   The hash before the first entry is SHA-256("trailkeep ledger" | installation).
 *   vault.ledger_head is sealed under the ledger key: seq of the last entry (packed number) and its hash.
 *
 * Triggers refuse UPDATE and DELETE, which guards against ourselves. Against others: an entry cannot be changed, taken
 * out or moved without the chain showing it, nor the last ones cut off without the sealed head showing it. Putting back
 * the whole file as it once was cannot be seen without a counter outside of it (a TPM's).
 *
 * The chain is over commitments, not bodies: a body may be handed to somebody together with its salt and proven, while
 * the others stay closed; and should the ledger key be destroyed, the chain of what was once decided still stands.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>
#include "evidence.h"
#include "ledger.h"
#include "ledger-head.h"
#include "trailkeep/id.h"

#define HASH_SIZE LEDGER_HASH_SIZE
#define LEDGER_SALT_SIZE 32

/* One row, borrowed from the statement. */
typedef struct LedgerRow {
        uint64_t seq;
        const void *commitment, *hash, *entry;
        size_t n_commitment, n_hash, n_entry;
} LedgerRow;

static int ledger_link(const uint8_t *before, uint64_t seq, const uint8_t *commitment, uint8_t ret[static HASH_SIZE]) {
        uint8_t input[HASH_SIZE + sizeof(uint64_t) + HASH_SIZE];
        uint64_t seq_be = htobe64(seq);

        memcpy(input, before, HASH_SIZE);
        memcpy(input + HASH_SIZE, &seq_be, sizeof(seq_be));
        memcpy(input + HASH_SIZE + sizeof(seq_be), commitment, HASH_SIZE);
        return ledger_hash(input, sizeof(input), ret);
}

static int ledger_write_head(Vault *vault, const LedgerHead *head) {
        _cleanup_bytes_ Bytes sealed = { 0 };
        int r;

        r = ledger_head_seal(head, vault_scope(vault), vault_ledger_aead(vault), &sealed);
        if (r < 0)
                return r;
        return db_run(vault_db(vault), "UPDATE vault SET ledger_head = ?", DB_BYTES(&sealed));
}

static int ledger_vouch(Vault *vault, const LedgerHead *head) {
        EvidenceFact fact = { .kind = EVIDENCE_LEDGER, .ref = head->seq };

        memcpy(fact.digest, head->hash, HASH_SIZE);
        return evidence_append(vault, &fact);
}

/**
 * ledger_append() - add an entry
 * @vault:      within a transaction
 * @body:       JSON text; copied
 *
 * Return: 0; -EBADMSG if the head is damaged; < 0.
 */
int ledger_append(Vault *vault, const char *body) {
        _cleanup_bytes_ Bytes plain = { 0 }, sealed = { 0 };
        uint8_t salt[LEDGER_SALT_SIZE], commitment[HASH_SIZE];
        LedgerHead head;
        SealAd ad;
        int r;

        r = vault_ledger_head(vault, &head);
        if (r < 0)
                return r;
        r = random_bytes(salt, sizeof(salt));
        if (r >= 0)
                r = bytes_append(&plain, salt, sizeof(salt));
        if (r >= 0)
                r = bytes_append_string(&plain, body);
        if (r >= 0)
                r = ledger_hash(plain.data, plain.size, commitment);
        if (r >= 0)
                r = ledger_link(head.hash, head.seq + 1, commitment, head.hash);
        if (r < 0)
                return r;
        head.seq++;
        ad = seal_ad(vault_scope(vault), SEAL_KIND_LEDGER_ENTRY, SEAL_NO_LANE, head.seq);
        r = aead_seal(vault_ledger_aead(vault), ad.bytes, sizeof(ad.bytes), plain.data, plain.size, &sealed);
        if (r < 0)
                return r;
        r = ledger_vouch(vault, &head); /* first: a chain that begins with it begins behind the entries before */
        if (r >= 0)
                r = db_run(vault_db(vault), "INSERT INTO ledger(seq, commitment, hash, entry) VALUES(?, ?, ?, ?)",
                           DB_INT(head.seq), DB_BLOB(commitment, HASH_SIZE), DB_BLOB(head.hash, HASH_SIZE),
                           DB_BYTES(&sealed));
        return r < 0 ? r : ledger_write_head(vault, &head);
}

/* Checks one row against what came before it, moves the head on, and gives the body. */
static int ledger_check(Vault *vault, const LedgerRow *row, LedgerHead *head, Bytes *ret_plain) {
        SealAd ad = seal_ad(vault_scope(vault), SEAL_KIND_LEDGER_ENTRY, SEAL_NO_LANE, row->seq);
        uint8_t commitment[HASH_SIZE];
        int r;

        if (row->seq != head->seq + 1 || row->n_commitment != HASH_SIZE || row->n_hash != HASH_SIZE)
                return -EBADMSG;
        r = aead_open(vault_ledger_aead(vault), ad.bytes, sizeof(ad.bytes), row->entry, row->n_entry, ret_plain);
        if (r < 0)
                return r;
        if (r == AEAD_E_FORGED || ret_plain->size < LEDGER_SALT_SIZE)
                return -EBADMSG;
        r = ledger_hash(ret_plain->data, ret_plain->size, commitment);
        if (r >= 0)
                r = ledger_link(head->hash, row->seq, commitment, head->hash);
        if (r < 0)
                return r;
        head->seq = row->seq;
        if (memcmp(commitment, row->commitment, HASH_SIZE) != 0 || memcmp(head->hash, row->hash, HASH_SIZE) != 0)
                return -EBADMSG;
        return 0;
}

static LedgerRow ledger_row(sqlite3_stmt *statement) {
        return (LedgerRow){
                .seq = db_column_u64(statement, 0),
                .commitment = sqlite3_column_blob(statement, 1),
                .n_commitment = (size_t)sqlite3_column_bytes(statement, 1),
                .hash = sqlite3_column_blob(statement, 2),
                .n_hash = (size_t)sqlite3_column_bytes(statement, 2),
                .entry = sqlite3_column_blob(statement, 3),
                .n_entry = (size_t)sqlite3_column_bytes(statement, 3),
        };
}

/* Goes along the whole chain; with @entry it hands out the bodies as well. */
static int ledger_walk(Vault *vault, LedgerEntry entry, void *userdata) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        LedgerHead head, last;
        int r;

        r = ledger_head_first(vault_scope(vault), &head);
        if (r >= 0)
                r = vault_ledger_head(vault, &last);
        if (r >= 0)
                r = db_start(vault_db(vault), "SELECT seq, commitment, hash, entry FROM ledger ORDER BY seq",
                             &statement);
        if (r < 0)
                return r;
        while ((r = db_step(vault_db(vault), statement)) > 0) {
                _cleanup_bytes_ Bytes plain = { 0 };
                LedgerRow row = ledger_row(statement);

                r = ledger_check(vault, &row, &head, &plain);
                if (r >= 0 && entry)
                        r = entry(row.seq, (const char *)plain.data + LEDGER_SALT_SIZE, userdata);
                if (r != 0)
                        return r;
        }
        if (r < 0)
                return r;
        return head.seq == last.seq && memcmp(head.hash, last.hash, HASH_SIZE) == 0 ? 0 : -EBADMSG;
}

/**
 * ledger_replay() - check the whole chain, then hand out its bodies
 * @vault:      the vault
 * @entry:      called for each, oldest first; not 0 ends the replay
 * @userdata:   for @entry
 *
 * The chain is checked to its end before the first body is handed out.
 *
 * Return: 0; -EBADMSG if a link, a seal or the head does not hold; what @entry returned; < 0.
 */
int ledger_replay(Vault *vault, LedgerEntry entry, void *userdata) {
        int r;

        r = ledger_walk(vault, NULL, NULL);
        return r < 0 ? r : ledger_walk(vault, entry, userdata);
}

/**
 * ledger_check_hashes() - whether the chain of commitments holds, without the key of the bodies
 * @db:         vault.db, or a copy
 * @scope:      whose it is
 * @ret_broken: number of the first entry that does not follow from those before it; untouched where all do
 *
 * Return: 0; < 0.
 */
int ledger_check_hashes(Db *db, const SealScope *scope, uint64_t *ret_broken) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        LedgerHead head;
        int r;

        r = ledger_head_first(scope, &head);
        if (r >= 0)
                r = db_start(db, "SELECT seq, commitment, hash, entry FROM ledger ORDER BY seq", &statement);
        while (r >= 0 && (r = db_step(db, statement)) > 0) {
                LedgerRow row = ledger_row(statement);
                bool has_sizes = row.n_commitment == HASH_SIZE && row.n_hash == HASH_SIZE;

                r = has_sizes ? ledger_link(head.hash, row.seq, row.commitment, head.hash) : 0;
                if (r >= 0 && (!has_sizes || row.seq != ++head.seq || memcmp(head.hash, row.hash, HASH_SIZE) != 0)) {
                        *ret_broken = row.seq;
                        return 0;
                }
        }
        return r;
}
