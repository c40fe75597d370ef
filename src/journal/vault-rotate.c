/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Another key-encryption key. Floor 2.
 *
 * Flash keeps old pages for a while, whatever is written over them. So after an erasure the salt is replaced and every
 * living key is wrapped anew: an old page with a destroyed key's wrapped form is of use only together with the old
 * salt, which is gone from the files as well. What stays possible for somebody with the root secret and the raw chips,
 * who finds both old pages, is said in SECURITY.md.
 */
#include <errno.h>
#include <string.h>
#include "trailkeep/id.h"
#include "evidence.h"
#include "ledger-head.h"
#include "vault.h"

/* Unwraps with the present key, wraps with the next. The statement's column holds the wrapped key. */
static int rewrap(Vault *vault, Keyring *next, const SealAd *ad, sqlite3_stmt *statement, int column, Bytes *ret) {
        _cleanup_(secret_freep) Secret *key = NULL;
        int r;

        r = keyring_unwrap(vault_keyring(vault), ad->bytes, sizeof(ad->bytes), sqlite3_column_blob(statement, column),
                           (size_t)sqlite3_column_bytes(statement, column), &key);
        if (r != 0)
                return r;
        return keyring_wrap(next, ad->bytes, sizeof(ad->bytes), key, ret);
}

/* The next living parcel after *id. Returns 1 when there was one, 0 at the end. A key that does not unwrap is damaged
 * and stays as it is: it is of no use under either key. */
static int rotate_next_parcel(Vault *vault, Keyring *next, uint64_t *id) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        _cleanup_bytes_ Bytes wrapped = { 0 };
        SealAd ad;
        int r;

        r = db_start(vault_db(vault),
                     "SELECT id, lane, key FROM parcel WHERE id > ? AND fate <= 3 ORDER BY id LIMIT 1",
                     &statement, DB_INT(*id));
        if (r < 0)
                return r;
        r = db_step(vault_db(vault), statement);
        if (r <= 0)
                return r;
        *id = db_column_u64(statement, 0);
        ad = seal_ad(vault_scope(vault), SEAL_KIND_PARCEL_KEY, (uint8_t)sqlite3_column_int(statement, 1), *id);
        r = rewrap(vault, next, &ad, statement, 2, &wrapped);
        if (r < 0)
                return r;
        if (r == KEYRING_E_FOREIGN)
                return 1;
        r = db_run(vault_db(vault), "UPDATE parcel SET key = ? WHERE id = ?", DB_BYTES(&wrapped), DB_INT(*id));
        return r < 0 ? r : 1;
}

static int rotate_own_keys(Vault *vault, Keyring *next, const uint8_t *salt) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        _cleanup_bytes_ Bytes ledger_key = { 0 }, catalogue_key = { 0 };
        SealAd ledger_ad = seal_ad(vault_scope(vault), SEAL_KIND_LEDGER_KEY, SEAL_NO_LANE, 0);
        SealAd catalogue_ad = seal_ad(vault_scope(vault), SEAL_KIND_CATALOGUE_KEY, SEAL_NO_LANE, 0);
        int r;

        r = db_start(vault_db(vault), "SELECT ledger_key, catalogue_key FROM vault", &statement);
        if (r < 0)
                return r;
        r = db_step(vault_db(vault), statement);
        if (r <= 0)
                return r < 0 ? r : -EBADMSG;
        r = rewrap(vault, next, &ledger_ad, statement, 0, &ledger_key);
        if (r == 0)
                r = rewrap(vault, next, &catalogue_ad, statement, 1, &catalogue_key);
        if (r != 0)
                return r < 0 ? r : -EBADMSG;
        return db_run(vault_db(vault), "UPDATE vault SET salt = ?, ledger_key = ?, catalogue_key = ?",
                      DB_BLOB(salt, KEYRING_SALT_SIZE), DB_BYTES(&ledger_key), DB_BYTES(&catalogue_key));
}

static int rotate_evidence(Vault *vault, Keyring *next, const uint8_t *salt) {
        EvidenceFact fact = { .kind = EVIDENCE_KEYS };
        int r;

        r = ledger_hash(salt, KEYRING_SALT_SIZE, fact.digest);
        if (r >= 0)
                r = evidence_append(vault, &fact);
        return r < 0 ? r : evidence_rewrap(vault, next);
}

/**
 * vault_rewrap() - replace the salt and wrap every living key anew
 * @vault:      within a transaction
 * @root:       root secret of the next key-encryption key
 * @ret_next:   to be given to vault_adopt() once that is committed, else freed; untouched on failure
 *
 * Takes some microseconds for each living parcel. Comes last in its transaction, since nothing may be wrapped under the
 * key-encryption key of before after it.
 *
 * Return: 0; -EBADMSG; < 0.
 */
int vault_rewrap(Vault *vault, const Secret *root, Keyring **ret_next) {
        _cleanup_(keyring_freep) Keyring *next = NULL;
        uint8_t salt[KEYRING_SALT_SIZE];
        uint64_t id = 0;
        int r;

        r = random_bytes(salt, sizeof(salt));
        if (r < 0)
                return r;
        r = keyring_new(root, salt, &next);
        if (r < 0)
                return r;
        do
                r = rotate_next_parcel(vault, next, &id);
        while (r > 0);
        if (r < 0)
                return r;
        r = rotate_own_keys(vault, next, salt);
        if (r >= 0)
                r = rotate_evidence(vault, next, salt);
        if (r < 0)
                return r;
        *ret_next = TAKE_PTR(next);
        return 0;
}

/**
 * vault_rotate() - replace the salt and wrap every living key anew, under the same root secret
 * @vault:      within a transaction
 * @ret_next:   as in vault_rewrap()
 *
 * Return: 0; -EBADMSG; < 0.
 */
int vault_rotate(Vault *vault, Keyring **ret_next) {
        return vault_rewrap(vault, vault_root(vault), ret_next);
}

/**
 * vault_reload() - use the key-encryption key and the ledger's key that the file has
 * @vault:      outside of a transaction
 *
 * Return: 0; -EBADMSG; < 0: the one before is still in use.
 */
int vault_reload(Vault *vault) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        _cleanup_(keyring_freep) Keyring *keyring = NULL;
        _cleanup_(secret_freep) Secret *ledger_key = NULL;
        SealAd ad = seal_ad(vault_scope(vault), SEAL_KIND_LEDGER_KEY, SEAL_NO_LANE, 0);
        Aead *ledger_aead = NULL;
        int r;

        r = db_start(vault_db(vault), "SELECT salt, ledger_key FROM vault", &statement);
        if (r < 0)
                return r;
        r = db_step(vault_db(vault), statement);
        if (r < 0)
                return r;
        if (r == 0 || sqlite3_column_bytes(statement, 0) != KEYRING_SALT_SIZE)
                return -EBADMSG;
        r = keyring_new(vault_root(vault), sqlite3_column_blob(statement, 0), &keyring);
        if (r < 0)
                return r;
        r = keyring_unwrap(keyring, ad.bytes, sizeof(ad.bytes), sqlite3_column_blob(statement, 1),
                           (size_t)sqlite3_column_bytes(statement, 1), &ledger_key);
        if (r == 0)
                r = aead_new(AEAD_AES_256_GCM, ledger_key, &ledger_aead);
        if (r != 0)
                return r < 0 ? r : -EBADMSG;
        vault_adopt(vault, TAKE_PTR(keyring));
        aead_free(vault_exchange_ledger_aead(vault, ledger_aead));
        return 0;
}
