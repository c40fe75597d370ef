/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is kept, and how long. Floor 2.
 *
 * Every transaction of the vault goes through here, since it costs five syncs and is seldom: along with it powered-on
 * time is written and how far journal.db has come, parcels are let go that the store has whole, and rows of parcels are
 * deleted of which nothing is left.
 *
 * A parcel is let go (released) when it is closed and the cursor has passed its end, with nothing of it parked or on
 * its way: then each of its records was acknowledged by the store. Its key is destroyed; what the store has is found
 * through the catalogue.
 *
 * Retention counts from the opening of a parcel, so that no record is kept longer than promised, and in powered-on time,
 * in which time that was spent off counts too once it is proven (sessions.c). What is due within the next hundredth of
 * its time, an hour at most, goes along, so that flash and sleep are disturbed once. What is due goes before anything
 * is read for sending; if it cannot go, nothing is read.
 *
 * There is one moment at which something is due, engine_keep_in_usec(), and none when nothing is kept:
 *   an open parcel's ten minutes and a minute's grace are over (the next record closes it in the same transaction as it
 *   opens another; the grace leaves that the first choice); something expires; powered-on time was not written for an
 *   hour.
 */
#include <errno.h>
#include <string.h>
#include "engine.h"
#include "marks.h"
#include "trailkeep/log.h"

#define LOG_MODULE "journal"

#define CLOSE_GRACE_USEC USEC_PER_MINUTE
#define SAVE_EVERY_USEC USEC_PER_HOUR

/**
 * engine_retention_usec() - how long something is kept at most
 * @engine:     the engine
 * @lane:       where it is
 * @purpose:    what it is for
 *
 * Return: powered-on time in µs; USEC_INFINITY where the options set none.
 */
uint64_t engine_retention_usec(const Engine *engine, Lane lane, Purpose purpose) {
        uint64_t usec = lane == LANE_ALARM ? engine->alarm_retention_usec : engine->retention_usec[purpose];

        return usec > 0 ? usec : USEC_INFINITY;
}

static uint64_t engine_expiry_on_usec(Engine *engine, const ParcelRow *row) {
        return sessions_expiry_on_usec(&engine->time.sessions, row->opened_on_usec,
                                       engine_retention_usec(engine, row->lane, row->purpose),
                                       vault_powered_on_usec(engine->vault));
}

/* Returns 1 when all of a living parcel is in the store, 0 when not. */
static int engine_is_stored_whole(Engine *engine, const ParcelRow *row) {
        uint64_t first = parcel_first_id(row->id), last = parcel_last_id(row->id), n;
        Catalogue catalogue = engine_catalogue(engine);
        int r;

        if (row->fate != PARCEL_CLOSED || engine_find_open(engine, row->id))
                return 0;
        r = lane_count(engine->db, row->lane, MAX(first, engine->lanes[row->lane].cursor + 1), last, &n);
        if (r < 0 || n > 0)
                return r;
        r = parked_count(engine->db, row->lane, first, last, &n);
        if (r < 0 || n > 0)
                return r;
        r = objects_open_in(&catalogue, row->lane, first, last);
        return r < 0 ? r : !r;
}

/* Of one lane, up to its cursor. Returns 1 when something was let go. */
static int engine_release(Engine *engine, Lane lane) {
        uint64_t from = 0, end = parcel_of(engine->lanes[lane].cursor);
        int has_released = 0, r;
        ParcelRow row;

        while ((r = parcels_next(engine->vault, lane, from, &row)) > 0 && row.id <= end) {
                from = row.id + 1;
                r = engine_is_stored_whole(engine, &row);
                if (r > 0) {
                        has_released = 1;
                        r = engine_destroy(engine, &row, engine_parcel_bytes(engine, row.id), PARCEL_RELEASED, 0);
                }
                if (r < 0)
                        return r;
        }
        return r < 0 ? r : has_released;
}

/**
 * engine_vault_begin() - start a transaction of the vault
 * @engine:     the engine
 * @ret_transaction: with _cleanup_transaction_; ended with engine_vault_commit()
 *
 * Return: 0; < 0.
 */
int engine_vault_begin(Engine *engine, Db **ret_transaction) {
        _cleanup_transaction_ Db *transaction = NULL;
        int r;

        if (engine->is_doubtful)
                return -EIO; /* engine_ready() comes first */
        memset(engine->leaving_bytes, 0, sizeof(engine->leaving_bytes));
        engine_secure_vault(engine);
        r = db_begin(vault_db(engine->vault), &transaction);
        if (r < 0)
                return r;
        if (engine->can_forget)
                r = parcels_forget(engine->vault);
        if (r < 0)
                return r;
        *ret_transaction = TAKE_PTR(transaction);
        return 0;
}

/**
 * engine_vault_commit() - let go what may go, write powered-on time, commit
 * @engine:     the engine
 * @transaction: emptied on success
 *
 * Return: 0; < 0: nothing of the transaction counts.
 */
int engine_vault_commit(Engine *engine, Db **transaction) {
        bool has_released = false;
        int r = 0;

        for (unsigned lane = 0; r >= 0 && lane < LANE_MAX; lane++) {
                r = engine_release(engine, (Lane)lane);
                has_released |= r > 0;
        }
        if (r >= 0)
                r = vault_save_powered_on(engine->vault);
        if (r >= 0)
                r = vault_time_save(&engine->time);
        if (r >= 0)
                r = marks_save(engine->vault, engine->lanes);
        if (r < 0)
                return r;
        r = db_commit(transaction);
        if (r < 0) {
                engine->is_doubtful = true;
                engine->time.is_changed = true;
                return r;
        }
        engine_note_destroyed(engine);
        engine->can_forget = false;
        engine->is_unsettled |= has_released;
        return 0;
}

/* Destroys what is due, finds the next deadline and when the oldest was opened that will have one. Returns how many were
 * destroyed. */
static int engine_expire_in(Engine *engine, ParcelList *list, uint64_t *ret_next_usec, uint64_t *ret_oldest_usec) {
        uint64_t on_usec = vault_powered_on_usec(engine->vault), next_usec = USEC_INFINITY;
        uint64_t oldest_usec = USEC_INFINITY;
        int n = 0, r;

        for (size_t i = 0; i < list->n; i++) {
                ParcelRow *row = &list->rows[i];
                uint64_t retention_usec = engine_retention_usec(engine, row->lane, row->purpose);
                uint64_t expiry_usec = engine_expiry_on_usec(engine, row);

                if (!sessions_is_due(expiry_usec, retention_usec, on_usec)) {
                        next_usec = MIN(next_usec, expiry_usec);
                        if (retention_usec != USEC_INFINITY)
                                oldest_usec = MIN(oldest_usec, row->opened_on_usec);
                        continue;
                }
                r = engine_destroy(engine, row, engine_parcel_bytes(engine, row->id), PARCEL_EXPIRED, 0);
                if (r < 0)
                        return r;
                row->fate = PARCEL_EXPIRED;
                n++;
        }
        *ret_next_usec = next_usec;
        *ret_oldest_usec = oldest_usec;
        return n;
}

static int engine_note_expired_one(Engine *engine, const ParcelRow *row) {
        const Parcel *open = engine_find_open(engine, row->id);
        _cleanup_(parcel_freep) Parcel *parcel = NULL;
        int r;

        if (open)
                return engine_note_parcel(engine, open, GAP_EXPIRED);
        r = parcel_load(engine->vault, row->id, &parcel);
        if (r != 0)
                return MIN(r, 0); /* damaged: nobody knows any more what was in it */
        return engine_note_parcel(engine, parcel, GAP_EXPIRED);
}

/* What should have been sent and was not becomes a gap. If that cannot be written it expires all the same. Without a
 * store, and of media, which is not sent yet, nobody misses anything. */
static void engine_note_expired(Engine *engine, const ParcelList *list) {
        uint64_t on_usec = vault_powered_on_usec(engine->vault);
        _cleanup_transaction_ Db *transaction = NULL;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < list->n && engine->has_store; i++) {
                const ParcelRow *row = &list->rows[i];

                if (row->lane == LANE_MEDIA ||
                    !sessions_is_due(engine_expiry_on_usec(engine, row),
                                     engine_retention_usec(engine, row->lane, row->purpose), on_usec))
                        continue;
                if (!transaction)
                        r = db_begin(engine->db, &transaction);
                if (r >= 0)
                        r = engine_note_expired_one(engine, row);
        }
        if (r >= 0 && transaction)
                r = db_commit(&transaction);
        if (r < 0)
                log_debug("a gap could not be noted: %s", strerror(-r));
}

/* Expiry alone, and writing powered-on time while something is kept, and what is known of true time. */
static int engine_expire(Engine *engine) {
        _cleanup_parcel_list_ ParcelList list = { 0 };
        _cleanup_transaction_ Db *transaction = NULL;
        uint64_t next_usec = USEC_INFINITY, oldest_usec = USEC_INFINITY;
        int n, r;

        r = parcels_list(engine->vault, PARCELS_LIVING, &list);
        if (r < 0)
                return r;
        if (list.n == 0 && !engine->time.is_news) {
                engine->next_expiry_on_usec = USEC_INFINITY;
                engine->has_kept = false;
                return 0;
        }
        engine_note_expired(engine, &list);
        r = engine_vault_begin(engine, &transaction);
        if (r < 0)
                return r;
        n = engine_expire_in(engine, &list, &next_usec, &oldest_usec);
        if (n < 0)
                return n;
        r = engine_vault_commit(engine, &transaction);
        if (r < 0)
                return r;
        /* Only now: should it have failed, the next try needs to know the boots of what is due. */
        vault_time_trim(&engine->time, oldest_usec);
        engine->next_expiry_on_usec = next_usec;
        engine->has_kept = (size_t)n < list.n;
        engine->is_unsettled |= n > 0;
        for (size_t i = 0; i < list.n; i++)
                if (list.rows[i].fate == PARCEL_EXPIRED)
                        engine_drop_open(engine, list.rows[i].id);
        return 0;
}

static bool engine_is_expiry_due(const Engine *engine) {
        uint64_t on_usec = vault_powered_on_usec(engine->vault);

        return on_usec >= engine->next_expiry_on_usec ||
               (engine->has_kept && on_usec - vault_saved_powered_on_usec(engine->vault) >= SAVE_EVERY_USEC);
}

/**
 * engine_keep() - do what is due: expire, close, let go, write powered-on time
 * @engine:     the engine
 *
 * Return: 0; < 0: what could not be done is due still.
 */
int engine_keep(Engine *engine) {
        uint64_t now_usec = clock_boottime_usec(engine->clock);
        int r;

        r = engine_is_expiry_due(engine) ? engine_expire(engine) : 0;
        if (r >= 0 && now_usec > PARCEL_SPAN_USEC + CLOSE_GRACE_USEC)
                r = engine_close_old(engine, now_usec - PARCEL_SPAN_USEC - CLOSE_GRACE_USEC + 1);
        if (r >= 0 && engine->is_unsettled)
                r = engine_settle(engine);
        return r;
}

/**
 * engine_keep_due() - make sure that nothing is read whose time is over
 * @engine:     the engine
 *
 * Return: 0; < 0: something is due and could not be destroyed.
 */
int engine_keep_due(Engine *engine) {
        return vault_powered_on_usec(engine->vault) >= engine->next_expiry_on_usec ? engine_keep(engine) : 0;
}

/**
 * engine_prove_time() - true time is proven in this boot, or better than before
 * @engine:     the engine
 * @proof:      against CLOCK_BOOTTIME
 *
 * What has expired by it is destroyed at once, and both are on the medium then.
 *
 * Return: 0; < 0: what could not be done is due still, and nothing is read before it is done.
 */
int engine_prove_time(Engine *engine, const TrueTimeProof *proof) {
        vault_time_prove(&engine->time, proof);
        if (!engine->time.is_news)
                return 0;
        engine->next_expiry_on_usec = 0;
        return engine_keep(engine);
}

static uint64_t until_usec(uint64_t now_usec, uint64_t due_usec) {
        if (due_usec == USEC_INFINITY)
                return USEC_INFINITY;
        return due_usec > now_usec ? due_usec - now_usec : 0;
}

/**
 * engine_keep_in_usec() - when engine_keep() is due
 * @engine:     the engine
 *
 * Return: µs from now; USEC_INFINITY: never.
 */
uint64_t engine_keep_in_usec(const Engine *engine) {
        uint64_t now_usec = clock_boottime_usec(engine->clock), on_usec = vault_powered_on_usec(engine->vault);
        uint64_t in_usec = until_usec(on_usec, engine->next_expiry_on_usec);

        if (engine->has_kept)
                in_usec = MIN(in_usec,
                              until_usec(on_usec, vault_saved_powered_on_usec(engine->vault) + SAVE_EVERY_USEC));
        for (const OpenParcel *open = engine->open_parcels; open; open = open->next)
                in_usec = MIN(in_usec, until_usec(now_usec, open->first_usec + PARCEL_SPAN_USEC + CLOSE_GRACE_USEC));
        return in_usec;
}
