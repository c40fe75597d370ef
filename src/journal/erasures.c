/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The erasures of vault.db. Floor 2.
 *
 *   erasure
 *     request     1, 2, 3 ...
 *     reclaimed   1: the rows are gone from journal.db and its WAL as well
 *     body        sealed under the catalogue key, id request; packed: purposes, has_subject, since_ms, until_ms,
 *                 unsent_only, parcels, records, copies, since_ms and until_ms as rounded, requested_realtime_ms,
 *                 then the string subject, and, if it is of a clip, the string clip
 *
 * Kept for good: it is the receipt, and what journal.db is brought up to after a crash.
 */
#include <errno.h>
#include <string.h>
#include "erasures.h"
#include "evidence.h"
#include "ledger-head.h"

/**
 * erasure_done() - wipe and free what an erasure holds
 * @erasure:    empty afterwards
 */
void erasure_done(Erasure *erasure) {
        string_wipe_free(erasure->subject);
        string_wipe_free(erasure->clip);
        *erasure = (Erasure){ 0 };
}

/**
 * erasure_covers_object() - whether an object in the store falls under an erasure
 * @erasure:    borrowed
 * @object:     borrowed; one whose label is damaged is covered in doubt
 *
 * Return: whether it does.
 */
bool erasure_covers_object(const Erasure *erasure, const Object *object) {
        if (!(erasure->scope.purposes & 1U << object->purpose) || (erasure->clip && object->lane != LANE_MEDIA))
                return false;
        if (!object->subject)
                return true;
        if (erasure->clip && strcmp(erasure->clip, object->clip) != 0)
                return false;
        if (erasure->subject && strcmp(erasure->subject, object->subject) != 0)
                return false;
        return extent_overlaps(&object->extent, erasure->receipt.since_ms, erasure->receipt.until_ms);
}

/**
 * erasure_next_request() - the number of the next erasure
 * @vault:      within a transaction
 * @ret:        the number; untouched on failure
 *
 * Return: 0; < 0.
 */
int erasure_next_request(Vault *vault, uint64_t *ret) {
        int64_t last = 0;
        int r;

        r = db_number(vault_db(vault), "SELECT max(request) FROM erasure", &last);
        if (r < 0)
                return r;
        *ret = (uint64_t)last + 1;
        return 0;
}

static int erasure_pack(const Erasure *erasure, Bytes *ret) {
        const uint64_t numbers[] = {
                erasure->scope.purposes,
                erasure->subject ? 1 : 0,
                (uint64_t)erasure->scope.since_ms,
                (uint64_t)erasure->scope.until_ms,
                erasure->scope.unsent_only ? 1 : 0,
                erasure->receipt.parcels,
                erasure->receipt.records,
                erasure->receipt.copies,
                (uint64_t)erasure->receipt.since_ms,
                (uint64_t)erasure->receipt.until_ms,
                (uint64_t)erasure->requested_realtime_ms,
        };

        int r;

        for (size_t i = 0; i < ELEMENTSOF(numbers); i++) {
                r = pack_u64(ret, numbers[i]);
                if (r < 0)
                        return r;
        }
        r = pack_string(ret, erasure->subject ? erasure->subject : "");
        return r >= 0 && erasure->clip ? pack_string(ret, erasure->clip) : r;
}

static int erasure_vouch(Vault *vault, const Erasure *erasure, const Bytes *sealed) {
        EvidenceFact fact = { .kind = EVIDENCE_ERASURE, .ref = erasure->request, .n = erasure->receipt.parcels };
        int r;

        r = ledger_hash(sealed->data, sealed->size, fact.digest);
        return r < 0 ? r : evidence_append(vault, &fact);
}

/**
 * erasure_insert() - write an erasure down
 * @vault:      within the transaction that destroys the keys
 * @erasure:    with its number
 *
 * Return: 0; < 0.
 */
int erasure_insert(Vault *vault, const Erasure *erasure) {
        SealAd ad = seal_ad(vault_scope(vault), SEAL_KIND_ERASURE, SEAL_NO_LANE, erasure->request);
        _cleanup_bytes_ Bytes plain = { 0 }, sealed = { 0 };
        int r;

        r = erasure_pack(erasure, &plain);
        if (r < 0)
                return r;
        r = aead_seal(vault_catalogue_aead(vault), ad.bytes, sizeof(ad.bytes), plain.data, plain.size, &sealed);
        if (r < 0)
                return r;
        r = db_run(vault_db(vault), "INSERT INTO erasure(request, body) VALUES(?, ?)", DB_INT(erasure->request),
                   DB_BYTES(&sealed));
        return r < 0 ? r : erasure_vouch(vault, erasure, &sealed);
}

static int erasure_unpack(const Bytes *plain, Erasure *erasure) {
        Unpack unpack = { .data = plain->data, .size = plain->size };
        const char *subject, *clip = NULL;
        bool has_subject;

        erasure->scope.purposes = (uint32_t)unpack_u64(&unpack);
        has_subject = unpack_u64(&unpack) != 0;
        erasure->scope.since_ms = (int64_t)unpack_u64(&unpack);
        erasure->scope.until_ms = (int64_t)unpack_u64(&unpack);
        erasure->scope.unsent_only = unpack_u64(&unpack) != 0;
        erasure->receipt.parcels = unpack_u64(&unpack);
        erasure->receipt.records = unpack_u64(&unpack);
        erasure->receipt.copies = unpack_u64(&unpack);
        erasure->receipt.since_ms = (int64_t)unpack_u64(&unpack);
        erasure->receipt.until_ms = (int64_t)unpack_u64(&unpack);
        erasure->requested_realtime_ms = (int64_t)unpack_u64(&unpack);
        subject = unpack_string(&unpack);
        if (unpack.size > 0)
                clip = unpack_string(&unpack);
        if (unpack.is_short)
                return -EBADMSG;
        erasure->scope.subject = erasure->subject = has_subject ? strdup(subject) : NULL;
        erasure->scope.clip = erasure->clip = clip ? strdup(clip) : NULL;
        return (has_subject && !erasure->subject) || (clip && !erasure->clip) ? -ENOMEM : 0;
}

/**
 * erasure_load() - one erasure
 * @vault:      the vault
 * @request:    its number
 * @ret:        freed with erasure_done(); filled when 1 is returned
 *
 * Return: 1; 0 if there is none; -EBADMSG if it is damaged; < 0.
 */
int erasure_load(Vault *vault, uint64_t request, Erasure *ret) {
        SealAd ad = seal_ad(vault_scope(vault), SEAL_KIND_ERASURE, SEAL_NO_LANE, request);
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        _cleanup_erasure_ Erasure erasure = { .request = request };
        _cleanup_bytes_ Bytes plain = { 0 };
        int r;

        r = db_start(vault_db(vault), "SELECT body, reclaimed FROM erasure WHERE request = ?", &statement,
                     DB_INT(request));
        if (r < 0)
                return r;
        r = db_step(vault_db(vault), statement);
        if (r <= 0)
                return r;
        r = aead_open(vault_catalogue_aead(vault), ad.bytes, sizeof(ad.bytes), sqlite3_column_blob(statement, 0),
                      (size_t)sqlite3_column_bytes(statement, 0), &plain);
        if (r != 0)
                return r < 0 ? r : -EBADMSG;
        erasure.is_reclaimed = sqlite3_column_int(statement, 1) != 0;
        r = erasure_unpack(&plain, &erasure);
        if (r < 0)
                return r;
        erasure.receipt.request = request;
        *ret = erasure;
        erasure = (Erasure){ 0 };
        return 1;
}

/**
 * erasures_set_reclaimed() - nothing is left of what any of them destroyed
 * @vault:      within a transaction
 *
 * Return: 0; < 0.
 */
int erasures_set_reclaimed(Vault *vault) {
        return db_run(vault_db(vault), "UPDATE erasure SET reclaimed = 1 WHERE reclaimed = 0");
}

/**
 * erasures_unreclaimed() - whether rows of an erasure may still be there
 * @vault:      the vault
 *
 * Return: 1; 0 if none are; < 0.
 */
int erasures_unreclaimed(Vault *vault) {
        int64_t request;

        return db_number(vault_db(vault), "SELECT request FROM erasure WHERE reclaimed = 0 LIMIT 1", &request);
}
