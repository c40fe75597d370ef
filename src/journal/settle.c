/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What destroyed keys mean for journal.db. Floor 2.
 *
 * The vault commits first: from then on nothing of a destroyed parcel can be read. What follows here is bookkeeping
 * that can be done again at any time, so that a crash in between costs nothing:
 *
 *   settle    one transaction: each destroyed parcel that is not in dead yet is entered there and its share of the
 *             counters moved; what it had on its way to the store is doomed; each erasure of the vault that is not in
 *             applied yet dooms what it covers in the catalogue and forgets the gaps that it covers
 *   reclaim   one slice of rows at a time, with other jobs in between; when nothing is left and an erasure was among
 *             the causes, the WAL is truncated and the erasure marked as reclaimed
 *
 * An object on its way may have arrived or not: it is doomed, and deleting what is not there does no harm.
 */
#include <errno.h>
#include <string.h>
#include "engine.h"

#define SLICE_RECORDS ((uint64_t)2000)

/* Works on copies of the lanes' states, which are adopted once the transaction is committed. */
typedef struct Settling {
        Engine *engine;
        Catalogue catalogue;
        LaneState lanes[LANE_MAX];
        uint64_t gone[LANE_MAX]; /* from pending */
        bool has_erased;
} Settling;

static void settling_move(LaneState *lane, ParcelFate fate, uint64_t n) {
        if (fate == PARCEL_ERASED)
                lane->erased += n;
        else if (fate == PARCEL_EVICTED)
                lane->evicted += n;
        else
                lane->expired += n;
}

static int settling_doom(Settling *settling, const Object *object, uint64_t erasure) {
        LaneState *lane = &settling->lanes[object->lane];

        if (object->state == OBJECT_STORED) {
                /* A damaged label does not say how many were sent. */
                uint64_t n = object->subject ? object->extent.records : object->last - object->first + 1;

                n = MIN(n, lane->stored);
                lane->objects -= lane->objects > 0;
                lane->stored -= n;
                lane->erased += n;
        }
        return object_set_state(&settling->catalogue, object->id, OBJECT_DOOMED, erasure);
}

/* Intents of a destroyed parcel; voided ones of a released parcel are just forgotten. */
static int settling_open_objects(Settling *settling, const ParcelRow *row) {
        for (;;) {
                _cleanup_statement_ sqlite3_stmt *statement = NULL;
                _cleanup_object_ Object object = { 0 };
                int r;

                r = objects_start_open_in(&settling->catalogue, row->lane, parcel_first_id(row->id),
                                          parcel_last_id(row->id), &statement);
                if (r < 0)
                        return r;
                r = objects_step(&settling->catalogue, statement, &object);
                if (r <= 0)
                        return r;
                db_finish(TAKE_PTR(statement));
                if (row->fate == PARCEL_RELEASED)
                        r = object_delete(&settling->catalogue, object.id);
                else
                        r = settling_doom(settling, &object, row->erasure);
                if (r < 0)
                        return r;
        }
}

static int settling_parcel(Settling *settling, const ParcelRow *row) {
        Db *db = settling->engine->db;
        LaneState *lane = &settling->lanes[row->lane];
        uint64_t first = parcel_first_id(row->id), last = parcel_last_id(row->id), n_pending, n_parked;
        int r;

        r = dead_insert(db, row->id, row->lane);
        if (r <= 0)
                return r;
        settling->has_erased |= row->fate == PARCEL_ERASED;
        r = lane_count(db, row->lane, MAX(first, lane->cursor + 1), last, &n_pending);
        if (r >= 0)
                r = parked_count(db, row->lane, first, MIN(last, lane->cursor), &n_parked);
        if (r < 0)
                return r;
        settling_move(lane, row->fate, n_pending);
        settling->gone[row->lane] += n_pending;
        n_parked = MIN(n_parked, lane->parked);
        settling_move(lane, row->fate, n_parked);
        lane->parked -= n_parked;
        r = parked_delete(db, row->lane, first, last);
        if (r < 0)
                return r;
        ages_drop_parcel(&settling->engine->ages[row->lane], row->id);
        return settling_open_objects(settling, row);
}

static int settling_parcels(Settling *settling) {
        _cleanup_parcel_list_ ParcelList list = { 0 };
        int r;

        r = parcels_list(settling->engine->vault, PARCELS_DESTROYED, &list);
        for (size_t i = 0; r >= 0 && i < list.n; i++)
                r = settling_parcel(settling, &list.rows[i]);
        return r < 0 ? r : engine_settle_gaps(settling->engine, &list);
}

/* What an erasure covers it has destroyed, so what is living was recorded behind it: seen where one is applied again
 * since journal.db was damaged. */
static int settling_doom_older(Settling *settling, const Object *object, uint64_t erasure) {
        uint64_t parcel = parcel_of(object->first);
        ParcelRow row;
        int r;

        r = parcels_next(settling->engine->vault, object->lane, parcel, &row);
        if (r < 0 || (r > 0 && row.id == parcel))
                return MIN(r, 0);
        return settling_doom(settling, object, erasure);
}

/* Dooms what an erasure covers in the store. */
static int settling_erasure(Settling *settling, const Erasure *erasure) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        uint64_t n_doomed;
        int r;

        r = objects_start(&settling->catalogue, OBJECTS_STORED, &statement);
        while (r >= 0 && !erasure->scope.unsent_only) {
                _cleanup_object_ Object object = { 0 };

                r = objects_step(&settling->catalogue, statement, &object);
                if (r <= 0)
                        break;
                if (erasure_covers_object(erasure, &object))
                        r = settling_doom_older(settling, &object, erasure->request);
        }
        if (r >= 0)
                r = engine_erase_gaps(settling->engine, erasure);
        if (r >= 0)
                r = objects_count_doomed(&settling->catalogue, erasure->request, &n_doomed);
        if (r < 0)
                return r;
        settling->has_erased = true;
        return db_run(settling->engine->db, "INSERT INTO applied VALUES(?, ?)", DB_INT(erasure->request),
                      DB_INT(n_doomed));
}

static int settling_erasures(Settling *settling) {
        int64_t applied = 0;
        int r;

        r = db_number(settling->engine->db, "SELECT max(erasure) FROM applied", &applied);
        if (r < 0)
                return r;
        for (uint64_t request = (uint64_t)applied + 1;; request++) {
                _cleanup_erasure_ Erasure erasure = { 0 };

                r = erasure_load(settling->engine->vault, request, &erasure);
                if (r <= 0)
                        return r;
                r = settling_erasure(settling, &erasure);
                if (r < 0)
                        return r;
        }
}

static void settling_adopt(Settling *settling) {
        Engine *engine = settling->engine;

        for (size_t i = 0; i < LANE_MEDIA; i++) /* media is not sent yet */
                engine->n_expired += settling->lanes[i].expired - engine->lanes[i].expired;
        memcpy(engine->lanes, settling->lanes, sizeof(engine->lanes));
        for (size_t i = 0; i < LANE_MAX; i++)
                engine->pending[i] -= MIN(settling->gone[i], engine->pending[i]);
        engine->is_unsettled = false;
        engine->has_dead = true;
        engine->must_truncate |= settling->has_erased;
        engine->reading = parcel_free(engine->reading);
}

static int engine_settle_once(Engine *engine) {
        _cleanup_transaction_ Db *transaction = NULL;
        Settling settling = { .engine = engine, .catalogue = engine_catalogue(engine) };
        int r;

        engine->is_unsettled = true;
        memcpy(settling.lanes, engine->lanes, sizeof(settling.lanes));
        r = db_begin(engine->db, &transaction);
        if (r >= 0)
                r = settling_parcels(&settling);
        if (r >= 0)
                r = settling_erasures(&settling);
        for (unsigned lane = 0; r >= 0 && lane < LANE_MAX; lane++)
                if (memcmp(&settling.lanes[lane], &engine->lanes[lane], sizeof(LaneState)) != 0)
                        r = lane_save(&settling.catalogue, (Lane)lane, &settling.lanes[lane]);
        if (r >= 0)
                r = db_commit(&transaction);
        if (r < 0)
                return r;
        settling_adopt(&settling);
        return objects_count_doomed(&settling.catalogue, 0, &engine->objects_doomed);
}

/**
 * engine_settle() - bring journal.db up to what the vault says
 * @engine:     the engine
 *
 * Return: 0; < 0: to be tried again.
 */
int engine_settle(Engine *engine) {
        int r = engine_settle_once(engine);

        if (r < 0 && engine_yield_reserve(engine, r))
                r = engine_settle_once(engine);
        return r;
}

/* Returns 1 when a slice was deleted, 0 when no parcel is left. */
static int engine_reclaim_slice(Engine *engine) {
        _cleanup_transaction_ Db *transaction = NULL;
        uint64_t parcel, bounds[2] = { 0 };
        Lane lane;
        int r;

        r = dead_next(engine->db, &parcel, &lane);
        if (r <= 0)
                return r;
        if (lane == LANE_MEDIA)
                engine_remove_media(engine, parcel);
        r = db_begin(engine->db, &transaction);
        if (r >= 0)
                r = lane_bounds(engine->db, lane, parcel_first_id(parcel), parcel_last_id(parcel), bounds);
        if (r < 0)
                return r;
        if (r > 0)
                r = lane_delete(engine->db, lane, bounds[0], MIN(bounds[1], bounds[0] + SLICE_RECORDS - 1));
        if (r >= 0 && bounds[1] - bounds[0] < SLICE_RECORDS)
                r = dead_delete(engine->db, parcel);
        if (r < 0)
                return r;
        r = db_commit(&transaction);
        return r < 0 ? r : 1;
}

/* Nothing is left of what erasures destroyed: take the old pages out of the WAL and say so in the vault. */
static int engine_finish_erasures(Engine *engine) {
        _cleanup_transaction_ Db *transaction = NULL;
        int r;

        r = db_execute(engine->db, "PRAGMA wal_checkpoint(TRUNCATE)");
        if (r < 0)
                return r;
        engine->can_forget = true;
        r = engine_vault_begin(engine, &transaction);
        if (r >= 0)
                r = erasures_set_reclaimed(engine->vault);
        if (r >= 0)
                r = engine_vault_commit(engine, &transaction);
        if (r < 0)
                return r;
        engine->must_truncate = false;
        return 0;
}

/**
 * engine_reclaim() - delete some rows of destroyed parcels
 * @engine:     the engine
 *
 * Return: 0: has_dead says whether there is more to do; < 0: to be tried again later.
 */
int engine_reclaim(Engine *engine) {
        int r;

        r = engine_reclaim_slice(engine);
        if (r != 0)
                return r < 0 ? r : 0;
        if (!engine->is_unsettled && engine->must_truncate) {
                r = engine_drop_damaged(engine);
                if (r >= 0)
                        r = engine_finish_erasures(engine);
                engine->has_dead = r < 0; /* or nobody would come back to it */
                return r;
        }
        engine->can_forget |= !engine->is_unsettled;
        engine->has_dead = false;
        if (engine->is_unsettled)
                return 0;
        return engine_drop_damaged(engine);
}

/**
 * engine_reclaim_all() - delete all rows of destroyed parcels, now
 * @engine:     the engine
 *
 * Return: 0; < 0: some may be left.
 */
int engine_reclaim_all(Engine *engine) {
        int r = 0;

        while (r >= 0 && engine->has_dead)
                r = engine_reclaim(engine);
        return r;
}
