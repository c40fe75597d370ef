/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Start and end of the journal's engine. Floor 2.
 *
 * The folder (0700) holds vault.db, journal.db and the lock, all 0600. Order at start, on the calling thread:
 *
 *   lock -> root secret -> vault.db -> journal.db -> what crashes left undone is done -> what has expired is destroyed
 *        -> counters -> reserve
 *
 * Up to journal.db nothing is written but the lock, so that a refusal leaves all as it was. On a disk that has no room
 * even with the reserve given away, or cannot be written, the journal opens all the same, since withdrawing must be
 * possible: what crashes left undone and what has expired is then the first thing that is done before any other job
 * (engine_ready()), and no job is done before.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "engine.h"
#include "erasures.h"
#include "evidence.h"
#include "journal-error.h"
#include "marks.h"
#include "root.h"
#include "trailkeep/file.h"

static int engine_open_dir(Engine *engine, const char *dir, JournalError *error) {
        engine->dir = strdup(dir);
        if (!engine->dir)
                return journal_refuse(error, -ENOMEM, "out of memory");
        engine->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (engine->dir_fd < 0)
                return journal_refuse(error, -errno, "%s cannot be opened: %s", dir, strerror(errno));
        return 0;
}

/* A parcel that was open when the box went down: count what reached the medium. */
static int engine_recount(Engine *engine, const ParcelRow *row) {
        _cleanup_(parcel_freep) Parcel *parcel = NULL;
        Extent extent;
        uint64_t n;
        int r;

        r = parcel_load(engine->vault, row->id, &parcel);
        if (r < 0)
                return r;
        if (r > 0)
                return 0; /* damaged: is found again, and parked, when it is to be sent */
        r = engine_scan(engine, parcel, parcel_first_id(row->id), parcel_last_id(row->id), &extent);
        if (r < 0)
                return r;
        parcel->extent = extent;
        r = parcel_digest_read(engine->db, row->lane, row->id, parcel->digest, &n);
        if (r < 0)
                return r;
        if (row->lane == LANE_MEDIA)
                segments_set_untidy(engine->segments, true);
        if (extent.records == 0)
                return parcel_destroy(engine->vault, row->id, PARCEL_RELEASED, 0);
        return parcel_close(engine->vault, parcel);
}

static int engine_close_left_open(Engine *engine) {
        _cleanup_parcel_list_ ParcelList list = { 0 };
        _cleanup_transaction_ Db *transaction = NULL;
        int r;

        r = parcels_list(engine->vault, PARCELS_LEFT_OPEN, &list);
        if (r < 0 || list.n == 0)
                return r;
        r = engine_vault_begin(engine, &transaction);
        for (size_t i = 0; r >= 0 && i < list.n; i++)
                r = engine_find_open(engine, list.rows[i].id) ? 0 : engine_recount(engine, &list.rows[i]);
        return r < 0 ? r : engine_vault_commit(engine, &transaction);
}

/* How many rows of a parcel must be behind the cursor, as far as the vault knows. */
static int engine_expect(Engine *engine, const ParcelRow *row, uint64_t from, uint64_t *ret) {
        _cleanup_(parcel_freep) Parcel *parcel = NULL;
        uint64_t end;
        int r;

        *ret = 0;
        r = parcel_load(engine->vault, row->id, &parcel);
        if (r != 0)
                return MIN(r, 0);
        end = parcel_first_id(row->id) + (parcel->has_extent ? parcel->extent.records : 0);
        *ret = end > from ? end - from : 0;
        return 0;
}

static int engine_count(Engine *engine) {
        _cleanup_parcel_list_ ParcelList list = { 0 };
        Catalogue catalogue = engine_catalogue(engine);
        int r;

        r = parcels_list(engine->vault, PARCELS_LIVING, &list);
        if (r < 0)
                return r;
        engine_weigh(engine, &list);
        for (size_t i = 0; i < list.n; i++) {
                const ParcelRow *row = &list.rows[i];
                uint64_t n, n_expected, from = MAX(parcel_first_id(row->id), engine->lanes[row->lane].cursor + 1);

                r = lane_count(engine->db, row->lane, from, parcel_last_id(row->id), &n);
                if (r >= 0)
                        r = engine_expect(engine, row, from, &n_expected);
                if (r < 0)
                        return r;
                if (n < n_expected)
                        return db_damaged(engine->db); /* or an older copy */
                engine->pending[row->lane] += n;
                if (n > 0)
                        engine->earlier_end[row->lane] = row->id;
        }
        return objects_count_doomed(&catalogue, 0, &engine->objects_doomed);
}

/* The cursor of a journal.db that is an older copy is behind what the vault remembers. */
static int engine_load_lane(Engine *engine, Lane lane) {
        Catalogue catalogue = engine_catalogue(engine);
        LaneState mark;
        int r;

        r = lane_load(&catalogue, lane, &engine->lanes[lane]);
        if (r < 0)
                return r;
        r = mark_load(engine->vault, lane, &mark);
        if (r == 1 && mark.cursor > engine->lanes[lane].cursor)
                return db_damaged(engine->db);
        return MIN(r, 0);
}

/**
 * engine_catch_up() - do what a crash left undone, destroy what has expired, and count
 * @engine:     with both databases, at start or after a repair
 *
 * Return: 0; < 0.
 */
int engine_catch_up(Engine *engine) {
        int r = 0;

        for (unsigned lane = 0; r >= 0 && lane < LANE_MAX; lane++)
                r = engine_load_lane(engine, (Lane)lane);
        if (r >= 0)
                r = engine_outrun(engine);
        if (r >= 0)
                r = engine_close_left_open(engine);
        if (r >= 0)
                r = engine_settle(engine);
        if (r >= 0)
                r = engine_keep(engine);
        if (r >= 0 && engine->is_unsettled)
                r = engine_settle(engine);
        if (r >= 0)
                r = damages_sum(engine->vault, &engine->damage);
        if (r >= 0)
                r = evidence_given_chain(engine->vault, &engine->evidence_chain);
        if (r >= 0)
                r = erasures_unreclaimed(engine->vault);
        if (r < 0)
                return r;
        engine->must_truncate = r > 0;
        memset(engine->pending, 0, sizeof(engine->pending));
        return engine_count(engine);
}

static int engine_clear_doubt(Engine *engine) {
        int r;

        while (engine->open_parcels)
                engine_drop_open(engine, engine->open_parcels->parcel->row.id);
        engine->reading = parcel_free(engine->reading);
        engine->is_unsettled = true;
        engine->next_expiry_on_usec = 0;
        r = vault_reload(engine->vault);
        if (r < 0)
                return r;
        engine->is_doubtful = false;
        r = engine_close_left_open(engine);
        if (r >= 0)
                r = engine_settle(engine);
        engine->is_doubtful = r < 0;
        return r;
}

/**
 * engine_ready() - replace a damaged journal.db, do what was not possible at start, and clear up what a failed commit of
 * the vault left in doubt
 * @engine:     the engine
 *
 * With a rollback journal the last sync of a commit may fail when the journal is already truncated: SQLite reports a
 * failure, and yet the transaction holds. What is in memory is then not to be trusted. So no parcel is open any more,
 * the key-encryption key is read again, and what may have been destroyed is settled, all as at start; rows that wait go
 * into new parcels.
 *
 * Return: 0; < 0: still in doubt or behind, nothing else can be done now.
 */
int engine_ready(Engine *engine) {
        int r = 0;

        if (!engine->db || db_is_damaged(engine->db))
                r = engine_replace_lanes(engine);
        if (r >= 0 && engine->is_doubtful)
                r = engine_clear_doubt(engine);
        if (r >= 0 && engine->is_behind) {
                r = engine_catch_up(engine);
                engine->is_behind = r < 0;
                engine_note_failure(engine, r);
        }
        return r;
}

/* What can be read but not written is opened all the same. */
static int engine_begin(Engine *engine) {
        int r;

        r = vault_time_init(&engine->time, engine->vault);
        if (r < 0)
                return r;
        engine->is_behind = true;
        r = engine_ready(engine);
        if (r < 0 && engine->db && db_is_damaged(engine->db))
                r = engine_ready(engine); /* it was found while catching up */
        if (r < 0 && engine_yield_reserve(engine, r))
                r = engine_ready(engine);
        return is_no_room(r) || r == -EROFS ? 0 : r;
}

/**
 * engine_new() - open the journal
 * @options:    nothing of it is referred to afterwards
 * @clock:      borrowed, must outlive the engine
 * @ret:        owned by the caller; untouched on failure
 * @error:      filled on failure
 *
 * Return: 0; JOURNAL_E_SECRET, JOURNAL_E_CORRUPT, JOURNAL_E_NEWER, JOURNAL_E_BUSY: nothing was touched; < 0.
 */
int engine_new(const JournalOptions *options, const Clock *clock, Engine **ret, JournalError *error) {
        _cleanup_(engine_freep) Engine *engine = NULL;
        int r;

        engine = calloc(1, sizeof(*engine));
        if (!engine)
                return journal_refuse(error, -ENOMEM, "out of memory");
        engine->clock = clock;
        engine->lock_fd = engine->dir_fd = -1;
        engine->is_unsettled = engine->has_gaps = true;
        memcpy(engine->retention_usec, options->retention_usec, sizeof(engine->retention_usec));
        engine->alarm_retention_usec = options->alarm_retention_usec;
        engine->has_store = options->has_store;
        engine->max_use_bytes = options->max_use_bytes;
        engine->keep_free_bytes = options->keep_free_bytes;
        engine->has_media_dir = options->media_dir && options->media_dir[0];
        r = state_lock(options->state_dir, &engine->lock_fd, error);
        if (r == 0 && reserve_open(options->state_dir, &engine->reserve) < 0)
                r = journal_refuse(error, -ENOMEM, "out of memory");
        if (r == 0)
                r = engine_open_dir(engine, options->state_dir, error);
        if (r == 0)
                r = root_open_vault(options, clock, &engine->vault, &engine->is_root_next, error);
        if (r == 0)
                r = engine_open_lanes(engine, error);
        if (r != 0)
                return r;
        r = segments_new(options->state_dir, options->media_dir, vault_installation(engine->vault), &engine->segments);
        if (r < 0)
                return journal_refuse(error, r, "out of memory");
        r = engine_begin(engine);
        if (r < 0)
                return journal_refuse_file(error, r, options->state_dir);
        (void)!engine_restore_reserve(engine); /* as far as possible; records wait until it is whole */
        (void)!engine_measure(engine, &engine->quota); /* for the report; is measured again before anything is written */
        *ret = TAKE_PTR(engine);
        return 0;
}

/**
 * engine_free() - commit what waits, close the parcels and the files
 * @engine:     or NULL; its thread has ended
 *
 * Return: NULL.
 */
Engine *engine_free(Engine *engine) {
        bool has_opened;
        uint32_t lanes;

        if (!engine)
                return NULL;
        if (engine->vault && engine->db && engine_ready(engine) >= 0) {
                /* Nobody is left to be told; what fails here is counted again at the next start. */
                if (engine_commit(engine, &lanes) == JOURNAL_E_MEDIA)
                        (void)!engine_end_media(engine);
                else
                        engine_note_lost(engine);
                (void)!engine_close_old(engine, UINT64_MAX);
        }
        while (engine->open_parcels)
                engine_drop_open(engine, engine->open_parcels->parcel->row.id);
        for (size_t i = 0; i < ROW_CLASS_MAX; i++)
                rows_done(&engine->waiting[i]);
        gap_list_done(&engine->refused);
        parcel_free(engine->reading);
        segments_free(engine->segments);
        has_opened = engine->db;
        db_free(engine->db);
        vault_free(engine->vault);
        if (has_opened)
                (void)!reserve_take(&engine->reserve); /* as far as possible, for the next start */
        reserve_done(&engine->reserve);
        close_fdp(&engine->lock_fd);
        close_fdp(&engine->dir_fd);
        free(engine->dir);
        free(engine);
        return NULL;
}

/**
 * engine_catalogue() - the objects and what opens them
 * @engine:     the engine
 *
 * Return: borrowed parts.
 */
Catalogue engine_catalogue(Engine *engine) {
        return (Catalogue){
                .db = engine->db,
                .aead = vault_catalogue_aead(engine->vault),
                .scope = vault_scope(engine->vault),
        };
}

/**
 * engine_find_open() - an open parcel by its number
 * @engine:     the engine
 * @parcel:     id
 *
 * Return: borrowed; NULL if that parcel is not open.
 */
Parcel *engine_find_open(Engine *engine, uint64_t parcel) {
        for (OpenParcel *open = engine->open_parcels; open; open = open->next)
                if (open->parcel->row.id == parcel)
                        return open->parcel;
        return NULL;
}

/* Looks for what an earlier start left only when what was found last is gone. A failure is harmless: the age is not
 * known until the next report. */
static void engine_find_earlier(Engine *engine, Lane lane) {
        uint64_t cursor = engine->lanes[lane].cursor, from = parcel_of(cursor), n;
        Ages *ages = &engine->ages[lane];
        ParcelRow row;
        int r;

        if (!engine->db || engine->earlier_end[lane] == 0 || ages->earlier.last > 0)
                return;
        while ((r = parcels_next(engine->vault, lane, from, &row)) > 0 && row.id <= engine->earlier_end[lane]) {
                r = lane_count(engine->db, lane, MAX(parcel_first_id(row.id), cursor + 1), parcel_last_id(row.id), &n);
                if (r < 0)
                        return;
                if (n > 0) {
                        uint64_t age_usec = vault_powered_on_usec(engine->vault) - row.opened_on_usec;

                        ages->earlier = (Age){
                                .last = MAX(parcel_first_id(row.id) - 1, cursor) + n,
                                .made_usec = (int64_t)(clock_boottime_usec(engine->clock) - age_usec),
                        };
                        return;
                }
                from = row.id + 1;
        }
        if (r >= 0)
                engine->earlier_end[lane] = 0;
}

static JournalState engine_state(const Engine *engine) {
        if (engine->failure[0] != 0)
                return engine->failure_state;
        return quota_is_low(&engine->quota) || !reserve_is_whole(&engine->reserve) ? JOURNAL_STATE_LOW
                                                                                   : JOURNAL_STATE_OK;
}

/**
 * engine_report() - what the loop should know
 * @engine:     the engine
 * @ret:        filled
 */
void engine_report(Engine *engine, EngineReport *ret) {
        JournalMediaState media = segments_state(engine->segments);
        bool has_waiting = engine->waiting[ROW_CLASS_PLAIN].first ||
                           (engine->waiting[ROW_CLASS_MEDIA].first && media == JOURNAL_MEDIA_OK);

        *ret = (EngineReport){
                .keep_in_usec = engine_keep_in_usec(engine),
                .n_expired = engine->n_expired,
                .has_retry = has_waiting || engine->is_unsettled || engine->is_doubtful || engine->is_behind ||
                             engine->refused.n > 0 ||
                             !engine->db,
                .has_media_retry = engine_has_media_retry(engine),
                .has_dead = engine->has_dead,
        };
        for (size_t i = 0; i < ROW_CLASS_MAX; i++)
                loads_add(ret->waiting, engine->waiting[i].load);
        (void)snprintf(ret->media_trouble, sizeof(ret->media_trouble), "%s", segments_trouble(engine->segments)); /* fits */
        ret->counters.media_state = media;
        memcpy(ret->failure, engine->failure, sizeof(ret->failure));
        ret->counters.objects_doomed = engine->objects_doomed;
        ret->counters.evidence_chain = engine->evidence_chain;
        ret->counters.damage = engine->damage;
        ret->counters.is_failing = engine->failure[0] != 0;
        ret->counters.state = engine_state(engine);
        ret->counters.used_bytes = engine->quota.used_bytes;
        ret->counters.max_use_bytes = engine->quota.max_bytes;
        for (size_t i = 0; i < LANE_MAX; i++) {
                const LaneState *lane = &engine->lanes[i];
                JournalLaneCounters *counters = &ret->counters.lanes[i];

                ret->counters.objects_stored += lane->objects;
                *counters = (JournalLaneCounters){
                        .recorded = engine->pending[i] + lane->stored + lane->parked + lane->expired +
                                    lane->evicted + lane->erased,
                        .pending = engine->pending[i],
                        .stored = lane->stored,
                        .parked = lane->parked,
                        .expired = lane->expired,
                        .evicted = lane->evicted,
                        .bytes = engine->lane_bytes[i],
                        .erased = lane->erased,
                };
                engine_find_earlier(engine, (Lane)i);
                counters->has_oldest_pending =
                                ages_oldest(&engine->ages[i], &counters->oldest_pending_boottime_usec);
        }
}
