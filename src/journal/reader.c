/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Batches: what is to be sent next. Floor 2.
 *
 *   open intent of the lane -> exactly its range, whatever the limits: the same rows under the same name
 *   none                    -> what follows the cursor, within one parcel, up to the limits
 *
 * The cursor must not pass the end of a parcel that may still grow. If there is something to send behind such a parcel,
 * that parcel is closed here and the next record of its kind opens another: an alarm of one source does not wait ten
 * minutes for another source's parcel.
 *
 * A record whose seal does not open is parked as damaged and the rest goes on: one flipped bit must not hold up a lane.
 * One whose bytes are on a card that is not here holds it up, since it is not lost.
 */
#include <errno.h>
#include <string.h>
#include "engine.h"
#include "trailkeep/parse.h"

#define REASON_DAMAGED "damaged on this device"
#define BATCH_FIRST_ALLOCATION ((size_t)64)

/* Outcomes within this file, beside the two of engine.h. */
enum {
        READER_FULL = READER_E_AWAY + 1, /* the limits allow no more */
        READER_AGAIN,                    /* to be called again, since something damaged was parked */
};

typedef struct BatchLimits {
        size_t records_max, bytes_max;
} BatchLimits;

static int reader_open(Engine *engine, uint64_t id, const Parcel **ret) {
        Parcel *parcel = NULL;
        int r;

        if (!engine->reading || engine->reading->row.id != id) {
                engine->reading = parcel_free(engine->reading);
                r = parcel_load(engine->vault, id, &parcel);
                if (r != 0)
                        return r;
                engine->reading = parcel;
        }
        *ret = engine->reading;
        return 0;
}

/**
 * engine_open_row() - a record without the bytes it may have
 * @engine:     the engine
 * @parcel:     with its key
 * @statement:  at a row of lane_start_rows()
 * @ret_piece:  where its bytes lie; length 0: it has none. Filled when 0 is returned
 * @ret:        owned by the caller; untouched on failure
 *
 * Return: 0; READER_E_DAMAGED; < 0.
 */
int engine_open_row(Engine *engine, const Parcel *parcel, sqlite3_stmt *statement, Piece *ret_piece, Record **ret) {
        SealAd ad = seal_ad(vault_scope(engine->vault), SEAL_KIND_RECORD, (uint8_t)parcel->row.lane,
                            db_column_u64(statement, 0));
        _cleanup_bytes_ Bytes plain = { 0 };
        Piece piece = { 0 };
        Unpack rest;
        int r;

        r = aead_open(parcel->aead, ad.bytes, sizeof(ad.bytes), sqlite3_column_blob(statement, 1),
                      (size_t)sqlite3_column_bytes(statement, 1), &plain);
        if (r == AEAD_E_FORGED)
                return READER_E_DAMAGED;
        if (r < 0)
                return r;
        rest = (Unpack){ .data = plain.data, .size = plain.size };
        if (parcel->row.lane == LANE_MEDIA) {
                piece.offset = unpack_u64(&rest);
                piece.length = unpack_u64(&rest);
                unpack_bytes(&rest, piece.tag, sizeof(piece.tag));
                if (rest.is_short || piece.length > RECORD_DATA_MAX + AEAD_OVERHEAD ||
                    (piece.length > 0 && piece.length <= AEAD_OVERHEAD))
                        return READER_E_DAMAGED;
        }
        r = record_decode(rest.data, rest.size, parcel->subject, parcel->source, ret);
        if (r < 0)
                return r == -EBADMSG ? READER_E_DAMAGED : r;
        *ret_piece = piece;
        return 0;
}

/**
 * engine_scan() - what a range of a parcel covers
 * @engine:     the engine
 * @parcel:     with its key
 * @first:      lowest record id
 * @last:       highest record id
 * @ret:        the extent; a damaged record counts as one without a time; untouched on failure
 *
 * Return: 0; < 0.
 */
int engine_scan(Engine *engine, const Parcel *parcel, uint64_t first, uint64_t last, Extent *ret) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        Extent extent = extent_empty();
        int r;

        r = lane_start_rows(engine->db, parcel->row.lane, first, last, &statement);
        if (r < 0)
                return r;
        while ((r = db_step(engine->db, statement)) > 0) {
                _cleanup_(record_freep) Record *record = NULL;
                size_t n_bytes = (size_t)sqlite3_column_bytes(statement, 1);
                Piece piece = { 0 };

                r = engine_open_row(engine, parcel, statement, &piece, &record);
                if (r < 0)
                        return r;
                extent_add(&extent, record ? parcel_record_time_ms(parcel, record->time_ms) : TIME_MS_NONE,
                           n_bytes + (size_t)piece.length);
        }
        if (r < 0)
                return r;
        *ret = extent;
        return 0;
}

static int batch_grow(JournalBatch *batch, size_t *allocated) {
        size_t n = MAX(*allocated * 2, BATCH_FIRST_ALLOCATION);
        Record **records;
        uint64_t *ids;

        if (batch->n_records < *allocated)
                return 0;
        records = reallocarray(batch->records, n, sizeof(*records));
        if (!records)
                return -ENOMEM;
        batch->records = records;
        ids = reallocarray(batch->ids, n, sizeof(*ids));
        if (!ids)
                return -ENOMEM;
        batch->ids = ids;
        *allocated = n;
        return 0;
}

/* One reading of a parcel into a batch. */
typedef struct Filling {
        Engine *engine;
        JournalBatch *batch;
        const Parcel *parcel;
        const BatchLimits *limits;
        size_t n_bytes, allocated;
} Filling;

/* Adds the record of a row; its bytes are read only if there is room for them. Returns 0; READER_E_DAMAGED;
 * READER_E_AWAY; READER_FULL; < 0. */
static int filling_add(Filling *filling, sqlite3_stmt *statement) {
        _cleanup_(record_freep) Record *record = NULL;
        uint64_t id = db_column_u64(statement, 0);
        JournalBatch *batch = filling->batch;
        Piece piece;
        int r;

        r = engine_open_row(filling->engine, filling->parcel, statement, &piece, &record);
        if (r != 0)
                return r;
        filling->n_bytes += strlen(record->payload) + (size_t)piece.length;
        if (batch->n_records > 0 && filling->n_bytes > filling->limits->bytes_max)
                return READER_FULL;
        if (batch->lane == LANE_MEDIA)
                r = engine_read_media(filling->engine, filling->parcel, id, &piece, record);
        if (r == 0)
                r = batch_grow(batch, &filling->allocated);
        if (r != 0)
                return r;
        batch->ids[batch->n_records] = id;
        batch->records[batch->n_records++] = TAKE_PTR(record);
        return 0;
}

/* Reads into the batch until the limits are reached or a record is damaged; then its id is given, else 0. Returns 0;
 * READER_E_AWAY: the rest is on a card that is not here; < 0. */
static int batch_fill(Engine *engine, JournalBatch *batch, const Parcel *parcel, const BatchLimits *limits,
                      uint64_t *ret_damaged) {
        Filling filling = { .engine = engine, .batch = batch, .parcel = parcel, .limits = limits };
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        uint64_t next = batch->first;
        int r;

        *ret_damaged = 0;
        if (batch->n_records > 0)
                next = MAX(next, batch->ids[batch->n_records - 1] + 1);
        r = lane_start_rows(engine->db, batch->lane, next, batch->last, &statement);
        if (r < 0)
                return r;
        while (batch->n_records < limits->records_max) {
                r = db_step(engine->db, statement);
                if (r < 0)
                        return r;
                /* Where an id is damaged SQLite passes over it, or over all behind it, without a word. */
                if (r == 0)
                        return next <= batch->last ? db_damaged(engine->db) : 0;
                if (db_column_u64(statement, 0) != next++)
                        return db_damaged(engine->db);
                r = filling_add(&filling, statement);
                if (r == READER_E_DAMAGED)
                        *ret_damaged = db_column_u64(statement, 0);
                if (r != 0)
                        return r == READER_E_DAMAGED || r == READER_FULL ? 0 : r;
        }
        return 0;
}

/**
 * engine_next_range() - what follows the cursor
 * @engine:     the engine
 * @lane:       which
 * @ret_parcel: the parcel that is next, filled when 1 is returned
 * @ret_bounds: lowest and highest record id in it behind the cursor, filled when 1 is returned
 *
 * Return: 1; 0 if there is nothing; < 0.
 */
int engine_next_range(Engine *engine, Lane lane, ParcelRow *ret_parcel, uint64_t ret_bounds[static 2]) {
        uint64_t cursor = engine->lanes[lane].cursor, from = parcel_of(cursor);
        int r;

        while ((r = parcels_next(engine->vault, lane, from, ret_parcel)) > 0) {
                r = lane_bounds(engine->db, lane, MAX(parcel_first_id(ret_parcel->id), cursor + 1),
                                parcel_last_id(ret_parcel->id), ret_bounds);
                if (r < 0)
                        return r;
                if (r > 0) {
                        r = engine_close_below(engine, lane, ret_parcel->id);
                        return r < 0 ? r : 1;
                }
                from = ret_parcel->id + 1;
        }
        return r;
}

static int batch_new(Lane lane, Purpose purpose, uint64_t first, uint64_t last, JournalBatch **ret) {
        JournalBatch *batch = calloc(1, sizeof(*batch));

        if (!batch)
                return -ENOMEM;
        batch->lane = lane;
        batch->purpose = purpose;
        batch->first = first;
        batch->last = last;
        *ret = batch;
        return 0;
}

/* Behind the cursor. Returns 0; READER_AGAIN; READER_E_AWAY; < 0. */
static int reader_next(Engine *engine, Lane lane, const BatchLimits *limits, JournalBatch **ret) {
        _cleanup_(journal_batch_freep) JournalBatch *batch = NULL;
        uint64_t bounds[2] = { 0 }, damaged;
        const Parcel *parcel = NULL;
        ParcelRow row;
        int r;

        r = engine_next_range(engine, lane, &row, bounds);
        if (r <= 0)
                return r;
        r = reader_open(engine, row.id, &parcel);
        if (r < 0)
                return r;
        if (!parcel) {
                r = engine_park_range(engine, lane, bounds[0], bounds[1], REASON_DAMAGED);
                return r < 0 ? r : READER_AGAIN;
        }
        r = batch_new(lane, row.purpose, bounds[0], bounds[1], &batch);
        if (r < 0)
                return r;
        r = batch_fill(engine, batch, parcel, limits, &damaged);
        if (r < 0)
                return r;
        if (batch->n_records == 0) {
                if (damaged == 0)
                        return r; /* its card is away, or the limits allow nothing */
                r = engine_park_range(engine, lane, damaged, damaged, REASON_DAMAGED);
                return r < 0 ? r : READER_AGAIN;
        }
        batch->last = batch->ids[batch->n_records - 1];
        *ret = TAKE_PTR(batch);
        return 0;
}

/* All of an intent's range but what is damaged, which is noted as parked. Returns 0; READER_E_AWAY; < 0. */
static int reader_fill_intent(Engine *engine, const Parcel *parcel, JournalBatch *batch) {
        const BatchLimits limits = { .records_max = SIZE_MAX, .bytes_max = SIZE_MAX };
        uint64_t first = batch->first, damaged;
        int r;

        for (;;) {
                r = batch_fill(engine, batch, parcel, &limits, &damaged);
                if (r != 0 || damaged == 0) {
                        batch->first = first;
                        return r;
                }
                r = parked_insert(engine->db, batch->lane, damaged, damaged, REASON_DAMAGED);
                if (r < 0 && r != -EEXIST)
                        return r;
                batch->first = damaged + 1;
        }
}

/* Returns 0; READER_AGAIN; READER_E_AWAY; < 0. */
static int reader_intent(Engine *engine, const Object *object, JournalBatch **ret) {
        _cleanup_(journal_batch_freep) JournalBatch *batch = NULL;
        const Parcel *parcel = NULL;
        int r;

        r = reader_open(engine, parcel_of(object->first), &parcel);
        if (r < 0)
                return r;
        if (parcel && object->name) {
                r = batch_new(object->lane, object->purpose, object->first, object->last, &batch);
                if (r >= 0)
                        r = reader_fill_intent(engine, parcel, batch);
                if (r != 0)
                        return r;
        }
        if (!batch || batch->n_records == 0) {
                r = engine_park_object(engine, object->id, REASON_DAMAGED);
                return r < 0 ? r : READER_AGAIN;
        }
        batch->object = object->id;
        batch->object_name = strdup(object->name);
        if (!batch->object_name)
                return -ENOMEM;
        *ret = TAKE_PTR(batch);
        return 0;
}

/**
 * engine_read_batch() - the next to be sent of a lane
 * @engine:     the engine
 * @lane:       which
 * @records_max: of a batch that is no intent yet
 * @bytes_max:  the same, sum of the payloads and of the bytes of media; one record always fits
 * @ret:        owned by the caller; untouched when there is nothing
 *
 * Nothing is given whose time is over.
 *
 * Return: 0; JOURNAL_E_MEDIA: what is next is on a card that is not here, and nothing was passed over; < 0.
 */
int engine_read_batch(Engine *engine, Lane lane, size_t records_max, size_t bytes_max, JournalBatch **ret) {
        const BatchLimits limits = { .records_max = records_max, .bytes_max = bytes_max };
        Catalogue catalogue = engine_catalogue(engine);
        int r;

        r = engine_keep_due(engine);
        if (r < 0)
                return r;
        do {
                _cleanup_object_ Object object = { 0 };

                r = object_load_intent(&catalogue, lane, &object);
                if (r > 0)
                        r = reader_intent(engine, &object, ret);
                else if (r == 0)
                        r = reader_next(engine, lane, &limits, ret);
        } while (r == READER_AGAIN);
        return r > 0 ? JOURNAL_E_MEDIA : r;
}

/**
 * journal_batch_free() - wipe a batch and free it
 * @batch:      or NULL
 *
 * Return: NULL.
 */
JournalBatch *journal_batch_free(JournalBatch *batch) {
        if (!batch)
                return NULL;
        for (size_t i = 0; i < batch->n_records; i++)
                record_free(batch->records[i]);
        free(batch->records);
        free(batch->ids);
        string_wipe_free(batch->object_name);
        free(batch);
        return NULL;
}
