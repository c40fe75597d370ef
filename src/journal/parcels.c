/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The parcels of vault.db. Floor 2.
 *
 *   parcel
 *     id               counts up, never used twice
 *     lane, purpose    numbers in enum Lane, enum Purpose
 *     algorithm        that its key is used with, enum AeadAlgorithm
 *     fate             enum ParcelFate, never 0 or 1
 *     opened_on_usec   powered-on time; from here retention counts, so that no record is kept longer than promised
 *     erasure          number of the one that destroyed it, 8 bytes big endian; 0: none
 *     key              wrapped (60 bytes); zeroes: destroyed
 *     label            sealed under the key: purpose again (packed number), so that nobody can make data of one
 *                      purpose pass as another's, then subject and source, in the media lane the clip too (packed
 *                      strings); zeroes once destroyed
 *     extent           sealed under the key (68 bytes): the five numbers of extent.h; zeroes while open, after a crash
 *                      until it has been counted again, and once destroyed
 *
 *   PARCEL_OPEN -> PARCEL_CLOSED -> PARCEL_RELEASED | PARCEL_EXPIRED | PARCEL_ERASED | PARCEL_EVICTED -> PARCEL_GONE -> row deleted
 *        `-------------------^
 *
 * A key is on the medium before the first record sealed with it is, and is never used again after this start of the
 * daemon. The row of a destroyed parcel stays until its records are gone from journal.db too.
 *
 * A row never changes its size and is never deleted alone. secure_delete overwrites what is deleted, but not the copies
 * that SQLite leaves in the unused part of a page when it balances pages, that is when rows grow, shrink or go: a key
 * that is destroyed later would live on there. So rows are added at the end in their final size, everything is
 * overwritten in place (which is why fate and erasure take the same room whatever they are), and rows go in
 * parcels-gone.c only.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>
#include "evidence.h"
#include "parcels.h"
#include "trailkeep/parse.h"

#define PARCEL_COLUMNS "id, lane, purpose, fate, opened_on_usec, erasure"
#define ERASURE_SIZE 8
#define EXTENT_SEALED_SIZE (5 * 8 + AEAD_OVERHEAD)

/* The statements below name them. */
_Static_assert(PARCEL_OPEN == 2 && PARCEL_CLOSED == 3 && PARCEL_RELEASED == 4 && PARCEL_ERASED == 6 &&
                       PARCEL_GONE == 7 && PARCEL_EVICTED == 8,
               "stored numbers");

/**
 * parcel_free() - forget a parcel's key and names
 * @parcel:     or NULL
 *
 * Return: NULL.
 */
Parcel *parcel_free(Parcel *parcel) {
        if (!parcel)
                return NULL;
        string_wipe_free(parcel->subject);
        string_wipe_free(parcel->source);
        string_wipe_free(parcel->clip);
        aead_free(parcel->aead);
        bytes_wipe(parcel, sizeof(*parcel));
        free(parcel);
        return NULL;
}

/**
 * parcel_list_done() - free a list
 * @list:       empty afterwards
 */
void parcel_list_done(ParcelList *list) {
        free(list->rows);
        *list = (ParcelList){ 0 };
}

static int parcel_new(const ParcelLabel *label, Parcel **ret) {
        _cleanup_(parcel_freep) Parcel *parcel = NULL;

        parcel = calloc(1, sizeof(*parcel));
        if (!parcel)
                return -ENOMEM;
        parcel->extent = extent_empty();
        parcel->subject = strdup(label->subject);
        parcel->source = strdup(label->source);
        parcel->clip = strdup(label->clip);
        if (!parcel->subject || !parcel->source || !parcel->clip)
                return -ENOMEM;
        *ret = TAKE_PTR(parcel);
        return 0;
}

static int parcel_seal(Vault *vault, const Parcel *parcel, SealKind kind, const Bytes *plain, Bytes *ret) {
        SealAd ad = seal_ad(vault_scope(vault), kind, (uint8_t)parcel->row.lane, parcel->row.id);

        return aead_seal(parcel->aead, ad.bytes, sizeof(ad.bytes), plain->data, plain->size, ret);
}

static int parcel_seal_label(Vault *vault, const Parcel *parcel, Bytes *ret) {
        _cleanup_bytes_ Bytes plain = { 0 };
        int r;

        r = pack_u64(&plain, parcel->row.purpose);
        if (r >= 0)
                r = pack_string(&plain, parcel->subject);
        if (r >= 0)
                r = pack_string(&plain, parcel->source);
        if (r >= 0 && parcel->row.lane == LANE_MEDIA)
                r = pack_string(&plain, parcel->clip);
        if (r < 0)
                return r;
        return parcel_seal(vault, parcel, SEAL_KIND_LABEL, &plain, ret);
}

/* The one statement that adds a row: in its final size. */
static int parcel_insert(Vault *vault, Parcel *parcel, AeadAlgorithm algorithm) {
        static const uint8_t no_erasure[ERASURE_SIZE], no_extent[EXTENT_SEALED_SIZE];
        _cleanup_(secret_freep) Secret *key = NULL;
        _cleanup_bytes_ Bytes wrapped = { 0 }, label = { 0 };
        SealAd ad = seal_ad(vault_scope(vault), SEAL_KIND_PARCEL_KEY, (uint8_t)parcel->row.lane, parcel->row.id);
        int r;

        r = secret_new_random(&key);
        if (r >= 0)
                r = keyring_wrap(vault_keyring(vault), ad.bytes, sizeof(ad.bytes), key, &wrapped);
        if (r >= 0)
                r = aead_new(algorithm, key, &parcel->aead);
        if (r >= 0)
                r = parcel_seal_label(vault, parcel, &label);
        if (r < 0)
                return r;
        return db_run(vault_db(vault), "INSERT INTO parcel VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                      DB_INT(parcel->row.id), DB_INT(parcel->row.lane), DB_INT(parcel->row.purpose), DB_INT(algorithm),
                      DB_INT(PARCEL_OPEN), DB_INT(parcel->row.opened_on_usec), DB_BLOB(no_erasure, ERASURE_SIZE),
                      DB_BYTES(&wrapped), DB_BYTES(&label), DB_BLOB(no_extent, EXTENT_SEALED_SIZE));
}

/**
 * parcel_make() - open a new parcel
 * @vault:      within a transaction; the parcel is not to be used before that is committed
 * @label:      where its records go, what they may be used for, whose they are, what makes them; copied
 * @ret:        owned by the caller; untouched on failure
 *
 * Return: 0; < 0.
 */
int parcel_make(Vault *vault, const ParcelLabel *label, Parcel **ret) {
        _cleanup_(parcel_freep) Parcel *parcel = NULL;
        int64_t last = 0;
        int r;

        r = parcel_new(label, &parcel);
        if (r < 0)
                return r;
        r = db_number(vault_db(vault), "SELECT seq FROM sqlite_sequence WHERE name = 'parcel'", &last);
        if (r < 0)
                return r;
        parcel->row = (ParcelRow){
                .id = (uint64_t)last + 1,
                .lane = label->lane,
                .purpose = label->purpose,
                .fate = PARCEL_OPEN,
                .opened_on_usec = vault_powered_on_usec(vault),
        };
        r = parcel_insert(vault, parcel, aead_best_algorithm());
        if (r < 0)
                return r;
        *ret = TAKE_PTR(parcel);
        return 0;
}

static int parcel_row_read(sqlite3_stmt *statement, ParcelRow *ret) {
        uint64_t lane = db_column_u64(statement, 1), purpose = db_column_u64(statement, 2), erasure_be;

        if (lane >= LANE_MAX || purpose >= PURPOSE_MAX || sqlite3_column_bytes(statement, 5) != sizeof(erasure_be))
                return -EBADMSG;
        memcpy(&erasure_be, sqlite3_column_blob(statement, 5), sizeof(erasure_be));
        *ret = (ParcelRow){
                .id = db_column_u64(statement, 0),
                .lane = (Lane)lane,
                .purpose = (Purpose)purpose,
                .fate = (ParcelFate)sqlite3_column_int(statement, 3),
                .opened_on_usec = db_column_u64(statement, 4),
                .erasure = be64toh(erasure_be),
        };
        return 0;
}

/* Opens one of the two sealed columns; PARCEL_E_DAMAGED when it does not. */
static int parcel_open_column(Vault *vault, const ParcelRow *row, Aead *aead, SealKind kind, const Bytes *sealed,
                              Bytes *ret) {
        SealAd ad = seal_ad(vault_scope(vault), kind, (uint8_t)row->lane, row->id);
        int r = aead_open(aead, ad.bytes, sizeof(ad.bytes), sealed->data, sealed->size, ret);

        return r == AEAD_E_FORGED ? PARCEL_E_DAMAGED : r;
}

static int parcel_load_key(Vault *vault, const ParcelRow *row, sqlite3_stmt *statement, Aead **ret) {
        _cleanup_(secret_freep) Secret *key = NULL;
        SealAd ad = seal_ad(vault_scope(vault), SEAL_KIND_PARCEL_KEY, (uint8_t)row->lane, row->id);
        int r;

        r = keyring_unwrap(vault_keyring(vault), ad.bytes, sizeof(ad.bytes), sqlite3_column_blob(statement, 6),
                           (size_t)sqlite3_column_bytes(statement, 6), &key);
        if (r == KEYRING_E_FOREIGN)
                return PARCEL_E_DAMAGED;
        if (r < 0)
                return r;
        return aead_new((AeadAlgorithm)sqlite3_column_int(statement, 9), key, ret);
}

static int parcel_load_label(Vault *vault, const ParcelRow *row, Aead *aead, const Bytes *sealed, Parcel **ret) {
        ParcelLabel label = { .lane = row->lane, .purpose = row->purpose, .clip = "" };
        _cleanup_bytes_ Bytes plain = { 0 };
        uint64_t purpose;
        Unpack unpack;
        int r;

        r = parcel_open_column(vault, row, aead, SEAL_KIND_LABEL, sealed, &plain);
        if (r != 0)
                return r;
        unpack = (Unpack){ .data = plain.data, .size = plain.size };
        purpose = unpack_u64(&unpack);
        label.subject = unpack_string(&unpack);
        label.source = unpack_string(&unpack);
        if (row->lane == LANE_MEDIA)
                label.clip = unpack_string(&unpack);
        if (unpack.is_short || purpose != row->purpose)
                return PARCEL_E_DAMAGED;
        return parcel_new(&label, ret);
}

static int parcel_load_extent(Vault *vault, Parcel *parcel, const Bytes *sealed) {
        _cleanup_bytes_ Bytes plain = { 0 };
        Unpack unpack;
        int r;

        if (parcel->row.fate == PARCEL_OPEN)
                return 0;
        r = parcel_open_column(vault, &parcel->row, parcel->aead, SEAL_KIND_EXTENT, sealed, &plain);
        if (r != 0)
                return r;
        unpack = (Unpack){ .data = plain.data, .size = plain.size };
        parcel->extent = extent_unpack(&unpack);
        parcel->has_extent = !unpack.is_short;
        return parcel->has_extent ? 0 : PARCEL_E_DAMAGED;
}

/**
 * parcel_load() - a living parcel with its key
 * @vault:      the vault
 * @id:         of the parcel
 * @ret:        owned by the caller; untouched on failure
 *
 * Return: 0; PARCEL_E_GONE; PARCEL_E_DAMAGED; < 0.
 */
int parcel_load(Vault *vault, uint64_t id, Parcel **ret) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        _cleanup_(parcel_freep) Parcel *parcel = NULL;
        _cleanup_(aead_freep) Aead *aead = NULL;
        Bytes label, extent;
        ParcelRow row;
        int r;

        r = db_start(vault_db(vault),
                     "SELECT " PARCEL_COLUMNS ", key, label, extent, algorithm FROM parcel WHERE id = ?", &statement,
                     DB_INT(id));
        if (r < 0)
                return r;
        r = db_step(vault_db(vault), statement);
        if (r < 0)
                return r;
        if (r == 0)
                return PARCEL_E_GONE;
        r = parcel_row_read(statement, &row);
        if (r < 0)
                return r;
        if (row.fate > PARCEL_CLOSED)
                return PARCEL_E_GONE;
        r = parcel_load_key(vault, &row, statement, &aead);
        if (r != 0)
                return r;
        label = db_column_bytes(statement, 7);
        r = parcel_load_label(vault, &row, aead, &label, &parcel);
        if (r != 0)
                return r;
        parcel->row = row;
        parcel->aead = TAKE_PTR(aead);
        extent = db_column_bytes(statement, 8);
        r = parcel_load_extent(vault, parcel, &extent);
        if (r != 0)
                return r;
        *ret = TAKE_PTR(parcel);
        return 0;
}

static int parcel_vouch(Vault *vault, const Parcel *parcel) {
        EvidenceFact fact = { .kind = EVIDENCE_PARCEL, .ref = parcel->row.id, .n = parcel->extent.records };

        memcpy(fact.digest, parcel->digest, EVIDENCE_DIGEST_SIZE);
        return evidence_append(vault, &fact);
}

/**
 * parcel_close() - nothing is added any more; what is in it is written down
 * @vault:      within a transaction
 * @parcel:     whose extent and digest are complete
 *
 * Return: 0; < 0.
 */
int parcel_close(Vault *vault, Parcel *parcel) {
        _cleanup_bytes_ Bytes plain = { 0 }, sealed = { 0 };
        int r;

        r = extent_pack(&parcel->extent, &plain);
        if (r < 0)
                return r;
        r = parcel_seal(vault, parcel, SEAL_KIND_EXTENT, &plain, &sealed);
        if (r < 0)
                return r;
        r = db_run(vault_db(vault), "UPDATE parcel SET fate = ?, extent = ? WHERE id = ?", DB_INT(PARCEL_CLOSED),
                   DB_BYTES(&sealed), DB_INT(parcel->row.id));
        return r < 0 ? r : parcel_vouch(vault, parcel);
}

/**
 * parcel_destroy() - destroy a parcel's key and all that says whose it was
 * @vault:      within a transaction
 * @id:         of the parcel
 * @fate:       why
 * @erasure:    which erasure, or 0
 *
 * Return: 0; < 0.
 */
int parcel_destroy(Vault *vault, uint64_t id, ParcelFate fate, uint64_t erasure) {
        uint64_t erasure_be = htobe64(erasure);

        return db_run(vault_db(vault),
                      "UPDATE parcel SET key = zeroblob(length(key)), label = zeroblob(length(label)),"
                      " extent = zeroblob(length(extent)), fate = ?, erasure = ? WHERE id = ?",
                      DB_INT(fate), DB_BLOB(&erasure_be, sizeof(erasure_be)), DB_INT(id));
}

/**
 * parcel_record_time_ms() - the time of a record of a parcel, as it counts in the parcel's extent
 * @parcel:     borrowed
 * @time_ms:    of the record
 *
 * The record of a gap is about a range of time and not about the moment that it bears, so it lies in every range, as
 * one without a time does.
 *
 * Return: the time, or TIME_MS_NONE.
 */
int64_t parcel_record_time_ms(const Parcel *parcel, int64_t time_ms) {
        return strcmp(parcel->source, PARCEL_SOURCE_OWN) == 0 ? TIME_MS_NONE : time_ms;
}

static const char *parcel_filter_sql(ParcelFilter filter) {
        switch (filter) {
        case PARCELS_LIVING:
                return "SELECT " PARCEL_COLUMNS " FROM parcel WHERE fate <= 3 ORDER BY id";
        case PARCELS_DESTROYED:
                return "SELECT " PARCEL_COLUMNS " FROM parcel WHERE fate IN (4, 5, 6, 8) ORDER BY id";
        case PARCELS_LEFT_OPEN:
                return "SELECT " PARCEL_COLUMNS " FROM parcel WHERE fate = 2 ORDER BY id";
        }
        return NULL;
}

/**
 * parcels_list() - all parcels of a kind, oldest first
 * @vault:      the vault
 * @filter:     which
 * @ret:        must be empty; freed with parcel_list_done(); untouched on failure
 *
 * Return: 0; < 0.
 */
int parcels_list(Vault *vault, ParcelFilter filter, ParcelList *ret) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        _cleanup_parcel_list_ ParcelList list = { 0 };
        size_t allocated = 0;
        int r;

        r = db_start(vault_db(vault), parcel_filter_sql(filter), &statement);
        if (r < 0)
                return r;
        while ((r = db_step(vault_db(vault), statement)) > 0) {
                if (list.n == allocated) {
                        ParcelRow *rows = realloc(list.rows,
                                                  (allocated = MAX(allocated * 2, (size_t)16)) * sizeof(*rows));

                        if (!rows)
                                return -ENOMEM;
                        list.rows = rows;
                }
                r = parcel_row_read(statement, &list.rows[list.n]);
                if (r < 0)
                        return r;
                list.n++;
        }
        if (r < 0)
                return r;
        *ret = list;
        list = (ParcelList){ 0 };
        return 0;
}

/**
 * parcels_next() - the first living parcel of a lane from a number on
 * @vault:      the vault
 * @lane:       of the parcel
 * @from:       lowest id that will do
 * @ret:        filled when 1 is returned
 *
 * Return: 1; 0 if there is none; < 0.
 */
int parcels_next(Vault *vault, Lane lane, uint64_t from, ParcelRow *ret) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r;

        r = db_start(vault_db(vault),
                     "SELECT " PARCEL_COLUMNS
                     " FROM parcel WHERE id >= ? AND lane = ? AND fate <= 3 ORDER BY id LIMIT 1",
                     &statement, DB_INT(from), DB_INT(lane));
        if (r < 0)
                return r;
        r = db_step(vault_db(vault), statement);
        if (r <= 0)
                return r;
        r = parcel_row_read(statement, ret);
        return r < 0 ? r : 1;
}
