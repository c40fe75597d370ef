/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Evicting: destroying what is there to make room for what comes. Floor 2.
 *
 *   what the store has -> let go
 *   else: choose parcels -> note their gaps (journal.db) -> destroy their keys (vault) -> settle -> delete the rows
 *
 * Chosen are whole parcels, from the lowest lane up and in it the oldest first: media, diagnostics, tracks, events. What
 * is being recorded, and what may be on its way to the store, is taken only when nothing else is left: of the latter,
 * what arrives would have to be deleted there. Alarms come last of all. Records of gaps are not taken: they are small, expire like all others, and say
 * what is missing.
 *
 * Evicted is not expired: it is counted apart, and becomes a gap.
 */
#include <errno.h>
#include <string.h>
#include "engine.h"
#include "erasures.h"
#include "trailkeep/parse.h"

typedef struct Evicting {
        Engine *engine;
        const uint32_t lanes;  /* bit mask 1 << Lane */
        const uint64_t wanted_bytes;
        const unsigned flags;
        ParcelList list;       /* all living ones; fate PARCEL_EVICTED: chosen */
        uint64_t chosen_bytes;
        size_t n_chosen;
} Evicting;

/* The open parcels that the store has to the last record so far; the vault lets them go along with the closed ones. */
static int evict_close_stored(Engine *engine) {
        bool has_some = false;

        for (OpenParcel *open = engine->open_parcels; open; open = open->next) {
                uint64_t last = parcel_first_id(open->parcel->row.id) + open->n;

                open->is_closing = open->n > 0 && last <= engine->lanes[open->parcel->row.lane].cursor + 1;
                has_some |= open->is_closing;
        }
        return has_some ? engine_close_marked(engine) : 0;
}

static uint64_t evict_kept_bytes(const Engine *engine) {
        uint64_t n_bytes = 0;

        for (size_t i = 0; i < LANE_MAX; i++)
                n_bytes += engine->lane_bytes[i];
        return n_bytes;
}

/* Returns 1 when there was something that the store has. */
static int evict_let_go(Engine *engine) {
        _cleanup_transaction_ Db *transaction = NULL;
        uint64_t before_bytes = evict_kept_bytes(engine);
        int r;

        r = evict_close_stored(engine);
        if (r >= 0)
                r = engine_vault_begin(engine, &transaction);
        if (r >= 0)
                r = engine_vault_commit(engine, &transaction);
        if (r >= 0 && engine->is_unsettled)
                r = engine_settle(engine);
        return r < 0 ? r : evict_kept_bytes(engine) < before_bytes;
}

/* Returns 1 when the parcel may be taken, with its label and what it holds; 0 when not. */
static int evict_look_at(Evicting *evicting, const ParcelRow *row, bool is_spared, Parcel **ret) {
        const Parcel *open = engine_find_open(evicting->engine, row->id);
        Catalogue catalogue = engine_catalogue(evicting->engine);
        _cleanup_(parcel_freep) Parcel *parcel = NULL;
        int r;

        r = objects_open_in(&catalogue, row->lane, parcel_first_id(row->id), parcel_last_id(row->id));
        if (r < 0 || (open || r > 0) != is_spared)
                return MIN(r, 0);
        r = parcel_load(evicting->engine->vault, row->id, &parcel);
        if (r != 0)
                return MIN(r, 0); /* damaged: is found again, and parked, when it is to be sent */
        if (strcmp(parcel->source, PARCEL_SOURCE_OWN) == 0)
                return 0;
        if (open)
                parcel->extent = open->extent;
        *ret = TAKE_PTR(parcel);
        return 1;
}

static int evict_choose_in(Evicting *evicting, Lane lane, bool is_spared) {
        if (!(evicting->lanes & 1U << lane))
                return 0;
        for (size_t i = 0; i < evicting->list.n && evicting->chosen_bytes < evicting->wanted_bytes; i++) {
                _cleanup_(parcel_freep) Parcel *parcel = NULL;
                ParcelRow *row = &evicting->list.rows[i];
                int r;

                if (row->lane != lane || row->fate == PARCEL_EVICTED)
                        continue;
                r = evict_look_at(evicting, row, is_spared, &parcel);
                if (r > 0)
                        r = engine_note_parcel(evicting->engine, parcel, GAP_EVICTED);
                if (r < 0)
                        return r;
                if (!parcel)
                        continue;
                row->fate = PARCEL_EVICTED;
                evicting->chosen_bytes += parcel->extent.bytes;
                evicting->n_chosen++;
        }
        return 0;
}

/* Notes the gaps of what is chosen on the way; they hold once the keys are destroyed. Returns 1, 0 when nothing goes. */
static int evict_choose(Evicting *evicting) {
        unsigned n_passes = evicting->flags & EVICT_SPARING ? 1 : 2;
        _cleanup_transaction_ Db *transaction = NULL;
        int r;

        r = parcels_list(evicting->engine->vault, PARCELS_LIVING, &evicting->list);
        if (r >= 0)
                r = db_begin(evicting->engine->db, &transaction);
        for (unsigned pass = 0; pass < n_passes; pass++)
                for (unsigned lane = LANE_MAX - 1; r >= 0 && lane > LANE_ALARM; lane--)
                        r = evict_choose_in(evicting, (Lane)lane, pass > 0);
        for (unsigned pass = 0; r >= 0 && pass < n_passes; pass++)
                r = evict_choose_in(evicting, LANE_ALARM, pass > 0);
        if (r < 0 || evicting->n_chosen == 0 ||
            ((evicting->flags & EVICT_ENOUGH) && evicting->chosen_bytes < evicting->wanted_bytes))
                return MIN(r, 0);
        r = db_commit(&transaction);
        return r < 0 ? r : 1;
}

static int evict_destroy_one(Engine *engine, const ParcelRow *row) {
        return engine_destroy(engine, row, engine_parcel_bytes(engine, row->id), PARCEL_EVICTED, 0);
}

static int evict_destroy(Evicting *evicting) {
        _cleanup_transaction_ Db *transaction = NULL;
        Engine *engine = evicting->engine;
        int r;

        r = engine_vault_begin(engine, &transaction);
        for (size_t i = 0; r >= 0 && i < evicting->list.n; i++)
                if (evicting->list.rows[i].fate == PARCEL_EVICTED)
                        r = evict_destroy_one(engine, &evicting->list.rows[i]);
        if (r >= 0)
                r = engine_vault_commit(engine, &transaction);
        if (r < 0)
                return r;
        for (size_t i = 0; i < evicting->list.n; i++)
                if (evicting->list.rows[i].fate == PARCEL_EVICTED)
                        engine_drop_open(engine, evicting->list.rows[i].id);
        return engine_settle(engine);
}

static void evicting_done(Evicting *evicting) {
        parcel_list_done(&evicting->list);
}

/**
 * engine_evict() - make room
 * @engine:     the engine
 * @lanes:      what may go, bit mask 1 << Lane
 * @wanted_bytes: how much
 * @flags:      EVICT_ENOUGH, EVICT_SPARING
 *
 * The rows are deleted by engine_reclaim() afterwards.
 *
 * Return: 1: something is going; 0: there is nothing that may; < 0: nothing was evicted, or it was and is settled
 * later.
 */
int engine_evict(Engine *engine, uint32_t lanes, uint64_t wanted_bytes, unsigned flags) {
        _cleanup_(evicting_done) Evicting evicting = { .engine = engine, .lanes = lanes, .wanted_bytes = wanted_bytes,
                                                       .flags = flags };
        int r;

        r = evict_let_go(engine);
        if (r != 0)
                return r;
        r = evict_choose(&evicting);
        if (r <= 0)
                return r;
        r = evict_destroy(&evicting);
        return r < 0 ? r : 1;
}
