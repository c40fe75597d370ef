/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a parcel's records are, in 32 bytes. Floor 2.
 *
 *   digest of a parcel = SHA-256(the last 16 bytes of each sealed body, in order of the records)
 *
 * Those bytes are the tag of the seal, which binds the record's text, its number, its parcel and the box. So the digest
 * says which records there were, without a key and without a word about what was in them.
 *
 * It is computed along with the commits, not read back when the parcel is closed: a commit that fails is tried again
 * with other seals. So there are two states, of what is durable and with what the commit under way adds.
 */
#include <errno.h>
#include <openssl/evp.h>
#include "parcel-digest.h"
#include "parcels.h"

#define SEAL_TAG_SIZE ((size_t)16)

struct ParcelDigest {
        EVP_MD_CTX *durable, *planned;
        bool is_planned; /* planned goes on from durable */
};

static int context_new(EVP_MD_CTX **ret) {
        EVP_MD_CTX *context = EVP_MD_CTX_new();

        if (!context)
                return -ENOMEM;
        if (EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1) {
                EVP_MD_CTX_free(context);
                return -EIO;
        }
        *ret = context;
        return 0;
}

/**
 * parcel_digest_new() - the digest of a parcel that is opened
 * @ret:        owned by the caller; untouched on failure
 *
 * Return: 0; -ENOMEM; -EIO.
 */
int parcel_digest_new(ParcelDigest **ret) {
        ParcelDigest *digest = calloc(1, sizeof(*digest));
        int r;

        if (!digest)
                return -ENOMEM;
        r = context_new(&digest->durable);
        if (r >= 0)
                r = context_new(&digest->planned);
        if (r < 0) {
                parcel_digest_free(digest);
                return r;
        }
        *ret = digest;
        return 0;
}

/**
 * parcel_digest_free() - forget a digest
 * @digest:     or NULL
 *
 * Return: NULL.
 */
ParcelDigest *parcel_digest_free(ParcelDigest *digest) {
        if (!digest)
                return NULL;
        EVP_MD_CTX_free(digest->durable);
        EVP_MD_CTX_free(digest->planned);
        free(digest);
        return NULL;
}

static int context_add(EVP_MD_CTX *context, const void *body, size_t size) {
        if (size < SEAL_TAG_SIZE)
                return -EBADMSG;
        return EVP_DigestUpdate(context, (const uint8_t *)body + size - SEAL_TAG_SIZE, SEAL_TAG_SIZE) == 1 ? 0 : -EIO;
}

/**
 * parcel_digest_plan() - one more record in the commit under way
 * @digest:     of its parcel
 * @body:       as sealed
 *
 * Return: 0; -EBADMSG if it is no sealed body; -EIO.
 */
int parcel_digest_plan(ParcelDigest *digest, const Bytes *body) {
        if (!digest->is_planned && EVP_MD_CTX_copy_ex(digest->planned, digest->durable) != 1)
                return -EIO;
        digest->is_planned = true;
        return context_add(digest->planned, body->data, body->size);
}

/**
 * parcel_digest_plan_none() - a commit begins, or has failed
 * @digest:     of a parcel
 */
void parcel_digest_plan_none(ParcelDigest *digest) {
        digest->is_planned = false;
}

/**
 * parcel_digest_keep() - the commit holds
 * @digest:     of a parcel
 */
void parcel_digest_keep(ParcelDigest *digest) {
        EVP_MD_CTX *planned = digest->planned;

        if (!digest->is_planned)
                return;
        digest->planned = digest->durable;
        digest->durable = planned;
        digest->is_planned = false;
}

/**
 * parcel_digest_finish() - the digest of what is durable
 * @digest:     of a parcel; may be added to afterwards
 * @ret:        undefined on failure
 *
 * Return: 0; -ENOMEM; -EIO.
 */
int parcel_digest_finish(const ParcelDigest *digest, uint8_t ret[static PARCEL_DIGEST_SIZE]) {
        EVP_MD_CTX *context = EVP_MD_CTX_new();
        int ok;

        if (!context)
                return -ENOMEM;
        ok = EVP_MD_CTX_copy_ex(context, digest->durable) == 1 && EVP_DigestFinal_ex(context, ret, NULL) == 1;
        EVP_MD_CTX_free(context);
        return ok ? 0 : -EIO;
}

/**
 * parcel_digest_read() - the digest of a parcel from its rows
 * @db:         journal.db, or a copy of it
 * @lane:       of the parcel
 * @parcel:     its id
 * @ret:        undefined on failure
 * @ret_n:      number of its rows; untouched on failure
 *
 * Return: 0; -EBADMSG if a row is no sealed body; < 0.
 */
int parcel_digest_read(Db *db, Lane lane, uint64_t parcel, uint8_t ret[static PARCEL_DIGEST_SIZE], uint64_t *ret_n) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        EVP_MD_CTX *context = NULL;
        uint64_t n = 0;
        int r;

        r = context_new(&context);
        if (r < 0)
                return r;
        r = lane_start_rows(db, lane, parcel_first_id(parcel), parcel_last_id(parcel), &statement);
        while (r >= 0 && (r = db_step(db, statement)) > 0) {
                r = context_add(context, sqlite3_column_blob(statement, 1),
                                (size_t)sqlite3_column_bytes(statement, 1));
                n++;
        }
        if (r >= 0 && EVP_DigestFinal_ex(context, ret, NULL) != 1)
                r = -EIO;
        EVP_MD_CTX_free(context);
        if (r < 0)
                return r;
        *ret_n = n;
        return 0;
}
