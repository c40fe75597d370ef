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
 *   ledger_volume   one row or none; body: sealed under the ledger key, the number (packed) of the first entry that this
 *                   key opens; none: the first of all
 *
 * The chain is over commitments, not bodies: a body may be handed to somebody together with its salt and proven, while
 * the others stay closed. An erasure of everything destroys the ledger key, with the bodies so far, and begins a volume
 * under another; the chain of what was once decided still stands, and nobody can say any more what that was.
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

/* Number of the first entry that the present key opens. */
static int ledger_first_readable(Vault *vault, uint64_t *ret) {
        SealAd ad = seal_ad(vault_scope(vault), SEAL_KIND_LEDGER_VOLUME, SEAL_NO_LANE, 0);
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        _cleanup_bytes_ Bytes plain = { 0 };
        Unpack unpack;
        int r;

        *ret = 1;
        r = db_start(vault_db(vault), "SELECT body FROM ledger_volume", &statement);
        if (r >= 0)
                r = db_step(vault_db(vault), statement);
        if (r <= 0)
                return r;
        r = aead_open(vault_ledger_aead(vault), ad.bytes, sizeof(ad.bytes), sqlite3_column_blob(statement, 0),
                      (size_t)sqlite3_column_bytes(statement, 0), &plain);
        if (r != 0)
                return r < 0 ? r : -EBADMSG;
        unpack = (Unpack){ .data = plain.data, .size = plain.size };
        *ret = unpack_u64(&unpack);
        return unpack.is_short ? -EBADMSG : 0;
}

static int ledger_write_volume(Vault *vault, uint64_t first) {
        SealAd ad = seal_ad(vault_scope(vault), SEAL_KIND_LEDGER_VOLUME, SEAL_NO_LANE, 0);
        _cleanup_bytes_ Bytes plain = { 0 }, sealed = { 0 };
        int r;

        r = pack_u64(&plain, first);
        if (r >= 0)
                r = aead_seal(vault_ledger_aead(vault), ad.bytes, sizeof(ad.bytes), plain.data, plain.size, &sealed);
        if (r < 0)
                return r;
        return db_run(vault_db(vault), "INSERT INTO ledger_volume VALUES(1, ?)"
                                       " ON CONFLICT(id) DO UPDATE SET body = excluded.body", DB_BYTES(&sealed));
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

static int ledger_open_body(Vault *vault, const LedgerRow *row, uint8_t ret_commitment[static HASH_SIZE],
                            Bytes *ret_plain) {
        SealAd ad = seal_ad(vault_scope(vault), SEAL_KIND_LEDGER_ENTRY, SEAL_NO_LANE, row->seq);
        int r;

        r = aead_open(vault_ledger_aead(vault), ad.bytes, sizeof(ad.bytes), row->entry, row->n_entry, ret_plain);
        if (r < 0)
                return r;
        if (r == AEAD_E_FORGED || ret_plain->size < LEDGER_SALT_SIZE)
                return -EBADMSG;
        return ledger_hash(ret_plain->data, ret_plain->size, ret_commitment);
}

/* Checks one row against what came before it, moves the head on, and gives the body. Of an entry before @first the body
 * cannot be opened any more, and its commitment is what stands. */
static int ledger_check(Vault *vault, const LedgerRow *row, uint64_t first, LedgerHead *head, Bytes *ret_plain) {
        uint8_t commitment[HASH_SIZE];
        int r = 0;

        if (row->seq != head->seq + 1 || row->n_commitment != HASH_SIZE || row->n_hash != HASH_SIZE)
                return -EBADMSG;
        if (row->seq < first)
                memcpy(commitment, row->commitment, HASH_SIZE);
        else
                r = ledger_open_body(vault, row, commitment, ret_plain);
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
        uint64_t first;
        int r;

        r = ledger_head_first(vault_scope(vault), &head);
        if (r >= 0)
                r = vault_ledger_head(vault, &last);
        if (r >= 0)
                r = ledger_first_readable(vault, &first);
        if (r >= 0)
                r = db_start(vault_db(vault), "SELECT seq, commitment, hash, entry FROM ledger ORDER BY seq",
                             &statement);
        if (r < 0)
                return r;
        while ((r = db_step(vault_db(vault), statement)) > 0) {
                _cleanup_bytes_ Bytes plain = { 0 };
                LedgerRow row = ledger_row(statement);

                r = ledger_check(vault, &row, first, &head, &plain);
                if (r >= 0 && entry && row.seq >= first)
                        r = entry(row.seq, (const char *)plain.data + LEDGER_SALT_SIZE, userdata);
                if (r != 0)
                        return r;
        }
        if (r < 0)
                return r;
        return head.seq == last.seq && memcmp(head.hash, last.hash, HASH_SIZE) == 0 ? 0 : -EBADMSG;
}

/* The key that the entries from here on lie under, stored and in use. */
static int ledger_take_key(Vault *vault, Aead **ret_before) {
        SealAd ad = seal_ad(vault_scope(vault), SEAL_KIND_LEDGER_KEY, SEAL_NO_LANE, 0);
        _cleanup_(secret_freep) Secret *key = NULL;
        _cleanup_bytes_ Bytes wrapped = { 0 };
        Aead *aead = NULL;
        int r;

        r = secret_new_random(&key);
        if (r >= 0)
                r = keyring_wrap(vault_keyring(vault), ad.bytes, sizeof(ad.bytes), key, &wrapped);
        if (r >= 0)
                r = db_run(vault_db(vault), "UPDATE vault SET ledger_key = ?", DB_BYTES(&wrapped));
        if (r >= 0)
                r = aead_new(AEAD_AES_256_GCM, key, &aead);
        if (r >= 0)
                *ret_before = vault_exchange_ledger_aead(vault, aead);
        return r;
}

/**
 * ledger_begin_volume() - destroy the key of all bodies so far
 * @vault:      within a transaction
 * @ret_before: what sealed them: to be freed once that is committed, else given back to the vault; untouched where
 *              nothing was exchanged
 *
 * The chain of commitments goes on over them.
 *
 * Return: 0; -EBADMSG if the head is damaged; < 0: also when something was exchanged.
 */
int ledger_begin_volume(Vault *vault, Aead **ret_before) {
        LedgerHead head;
        int r;

        r = vault_ledger_head(vault, &head);
        if (r >= 0)
                r = ledger_take_key(vault, ret_before);
        if (r >= 0)
                r = ledger_write_volume(vault, head.seq + 1);
        return r < 0 ? r : ledger_write_head(vault, &head);
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
