/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From rows in memory to records on the medium. Floor 2.
 *
 *   waiting rows -> each finds its open parcel, or one is opened (vault.db commits) -> sealed, inserted (journal.db
 *   commits)
 *
 * A commit is all or nothing: until it is durable the rows stay where they are, the parcels' numbers do not move, and
 * the next try seals again with new nonces under the same ids.
 *
 * A parcel ends after ten minutes or 2^20 records. It must not be closed in the vault while rows that belong to it are
 * not yet durable, for the cursor could pass its end and leave them behind. So when a row needs another parcel than
 * rows before it in the same commit, that commit ends before it, and the next one begins with it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "engine.h"
#include "lane-batch.h"

#define GAPS_PER_COMMIT 64 /* the others with the next */

static OpenParcel *open_parcel_free(OpenParcel *open) {
        if (!open)
                return NULL;
        parcel_free(open->parcel);
        parcel_digest_free(open->digest);
        close_fdp(&open->segment.fd);
        free(open);
        return NULL;
}
DEFINE_CLEANUP(OpenParcel, open_parcel_free);

/**
 * engine_drop_open() - forget an open parcel and its key
 * @engine:     the engine
 * @parcel:     id; need not be open
 */
void engine_drop_open(Engine *engine, uint64_t parcel) {
        for (OpenParcel **link = &engine->open_parcels; *link; link = &(*link)->next) {
                OpenParcel *open = *link;

                if (open->parcel->row.id != parcel)
                        continue;
                *link = open->next;
                open_parcel_free(open);
                return;
        }
}

/**
 * engine_append() - take rows that are to become durable
 * @engine:     the engine
 * @rows:       empty afterwards
 */
void engine_append(Engine *engine, RowList *rows) {
        Row *row;

        while ((row = rows_pop(rows)))
                rows_push(&engine->waiting[lane_row_class(row->lane)], row);
}

static OpenParcel *engine_open_for(Engine *engine, const Row *row) {
        for (OpenParcel *open = engine->open_parcels; open; open = open->next) {
                const Parcel *parcel = open->parcel;

                if (parcel->row.lane == row->lane && parcel->row.purpose == row->purpose &&
                    strcmp(parcel->subject, row->subject) == 0 && strcmp(parcel->source, row->source) == 0)
                        return open;
        }
        return NULL;
}

/* A parcel of media is one track of one clip, or one picture. What a decoder needs first begins a track. */
static bool open_parcel_takes(const OpenParcel *open, const Row *row) {
        if (open->n_planned > 0 && (row->kind == RECORD_PICTURE || row->kind == RECORD_AUDIO_INIT ||
                                    row->kind == RECORD_VIDEO_INIT))
                return false;
        if (strcmp(open->parcel->clip, row->clip) != 0)
                return false;
        return open->n_planned < PARCEL_RECORDS_MAX &&
               (row->made_usec < open->first_usec || row->made_usec - open->first_usec < PARCEL_SPAN_USEC);
}

static void engine_plan_none(Engine *engine) {
        for (OpenParcel *open = engine->open_parcels; open; open = open->next) {
                open->n_planned = open->n;
                open->planned = open->parcel->extent;
                parcel_digest_plan_none(open->digest);
        }
}

static int engine_close_parcel(Engine *engine, OpenParcel *open) {
        int r = parcel_digest_finish(open->digest, open->parcel->digest);

        return r < 0 ? r : parcel_close(engine->vault, open->parcel);
}

/* Closes the parcel that the row has outgrown, if any, and opens another: one transaction. */
static int engine_open_parcel(Engine *engine, const Row *row, OpenParcel *outgrown, OpenParcel **ret) {
        const ParcelLabel label = { .lane = row->lane, .purpose = row->purpose, .subject = row->subject,
                                    .source = row->source, .clip = row->clip };
        _cleanup_transaction_ Db *transaction = NULL;
        _cleanup_(open_parcel_freep) OpenParcel *open = NULL;
        uint64_t expiry_on_usec, retention_usec = engine_retention_usec(engine, row->lane, row->purpose);
        int r;

        open = calloc(1, sizeof(*open));
        if (!open)
                return -ENOMEM;
        open->segment = SEGMENT_NONE;
        r = parcel_digest_new(&open->digest);
        if (r >= 0)
                r = engine_vault_begin(engine, &transaction);
        if (r >= 0 && outgrown)
                r = engine_close_parcel(engine, outgrown);
        if (r >= 0)
                r = parcel_make(engine->vault, &label, &open->parcel);
        if (r >= 0)
                r = engine_vault_commit(engine, &transaction);
        if (r < 0)
                return r;
        if (outgrown) {
                engine_finish_media(engine, outgrown);
                engine_drop_open(engine, outgrown->parcel->row.id);
        }
        if (!__builtin_add_overflow(open->parcel->row.opened_on_usec, retention_usec, &expiry_on_usec))
                engine->next_expiry_on_usec = MIN(engine->next_expiry_on_usec, expiry_on_usec);
        engine->has_kept = true;
        open->first_usec = row->made_usec;
        open->planned = extent_empty();
        open->next = engine->open_parcels;
        engine->open_parcels = open;
        *ret = TAKE_PTR(open);
        return 0;
}

/* Returns 1 with the parcel for a row, 0 when the commit must end before it. */
static int engine_place(Engine *engine, const Row *row, OpenParcel **ret) {
        OpenParcel *open = engine_open_for(engine, row);
        int r;

        if (open && open_parcel_takes(open, row)) {
                *ret = open;
                return 1;
        }
        if (open && open->n_planned > open->n)
                return 0;
        r = engine_open_parcel(engine, row, open, ret);
        return r < 0 ? r : 1;
}

static int engine_insert(Engine *engine, LaneBatch *batch, OpenParcel *open, const Row *row) {
        const Parcel *parcel = open->parcel;
        uint64_t id = parcel_first_id(parcel->row.id) | open->n_planned;
        SealAd ad = seal_ad(vault_scope(engine->vault), SEAL_KIND_RECORD, (uint8_t)parcel->row.lane, id);
        Catalogue catalogue = engine_catalogue(engine);
        _cleanup_bytes_ Bytes media = { 0 };
        const Bytes *plain = row->lane == LANE_MEDIA ? &media : &row->plain;
        Bytes *body;
        int r;

        r = row->lane == LANE_MEDIA ? engine_write_media(engine, open, row, id, &media) : 0;
        if (r >= 0)
                r = lane_batch_add(batch, parcel->row.lane, id, &body);
        if (r >= 0)
                r = aead_seal(parcel->aead, ad.bytes, sizeof(ad.bytes), plain->data, plain->size, body);
        if (r >= 0)
                r = parcel_digest_plan(open->digest, body);
        if (r >= 0 && row->gap > 0)
                r = gap_delete(&catalogue, row->gap);
        if (r < 0)
                return r;
        open->n_planned++;
        extent_add(&open->planned, parcel_record_time_ms(parcel, row->time_ms),
                   body->size + (row->data.size > 0 ? row->data.size + AEAD_OVERHEAD : 0));
        return 0;
}

/* The first @n waiting rows are durable. */
static void engine_note_durable(Engine *engine, RowList *waiting, size_t n, uint32_t *lanes) {
        uint64_t oldest_usec[LANE_MAX] = { 0 };

        for (size_t i = 0; i < n; i++) {
                _cleanup_(row_freep) Row *row = rows_pop(waiting);

                if (oldest_usec[row->lane] == 0)
                        oldest_usec[row->lane] = row->made_usec;
                *lanes |= 1U << row->lane;
                engine->pending[row->lane]++;
        }
        for (OpenParcel *open = engine->open_parcels; open; open = open->next) {
                Lane lane = open->parcel->row.lane;

                if (open->n_planned == open->n)
                        continue;
                open->n = open->n_planned;
                engine->lane_bytes[lane] += open->planned.bytes - open->parcel->extent.bytes;
                open->parcel->extent = open->planned;
                parcel_digest_keep(open->digest);
                ages_add(&engine->ages[lane], parcel_first_id(open->parcel->row.id) | (open->n - 1),
                         (int64_t)oldest_usec[lane]);
        }
}

static int engine_try_some(Engine *engine, const RowList *waiting, size_t *ret_n) {
        _cleanup_lane_batch_ LaneBatch batch = { .db = engine->db };
        _cleanup_transaction_ Db *transaction = NULL;
        size_t n = 0;
        int r;

        engine_plan_none(engine);
        r = db_begin(engine->db, &transaction);
        if (r < 0)
                return r;
        for (const Row *row = waiting->first; row; row = row->next, n++) {
                OpenParcel *open;

                r = engine_place(engine, row, &open);
                if (r > 0)
                        r = engine_insert(engine, &batch, open, row);
                else if (r == 0)
                        break;
                if (r < 0)
                        return r;
        }
        r = lane_batch_flush(&batch);
        /* A row must never be on the medium before what it refers to. */
        if (r >= 0)
                r = engine_sync_media(engine);
        if (r >= 0)
                r = db_commit(&transaction);
        if (r < 0)
                return r;
        *ret_n = n;
        return 0;
}

/**
 * engine_commit_some() - one transaction of journal.db with as many waiting rows as belong into it
 * @engine:     the engine; for media the folder of the segments is entered
 * @waiting:    of one class, not empty; less what became durable afterwards
 * @lanes:      bits of the lanes that have new durable records are set
 *
 * A parcel opened on the way is committed to the vault before this is, so no record is ever on the medium without its
 * key.
 *
 * Return: 0; < 0: nothing became durable.
 */
int engine_commit_some(Engine *engine, RowList *waiting, uint32_t *lanes) {
        size_t n = 0;
        int r;

        r = engine_try_some(engine, waiting, &n);
        engine_settle_media(engine, r);
        if (r >= 0)
                engine_note_durable(engine, waiting, n, lanes);
        return r;
}

/* Gaps become records when nothing else waits, each with its row in one transaction; what fails waits in the table. */
static int engine_commit_gaps(Engine *engine, uint32_t *lanes) {
        RowList *waiting = &engine->waiting[ROW_CLASS_PLAIN];
        uint64_t after = 0;
        Row *row;
        int r;

        for (unsigned i = 0; i < GAPS_PER_COMMIT; i++) {
                r = engine_next_gap(engine, after, &row);
                if (r < 0)
                        return r;
                if (r == 0) {
                        engine->has_gaps = false;
                        break;
                }
                after = row->gap;
                rows_push(waiting, row);
        }
        for (r = 0; r >= 0 && waiting->first;)
                r = engine_commit_some(engine, waiting, lanes);
        engine->has_gaps |= r < 0;
        rows_done(waiting);
        return r;
}

/**
 * engine_note_failure() - remember whether the journal can be written
 * @engine:     the engine
 * @r:          0 or < 0, of the last try
 */
void engine_note_failure(Engine *engine, int r) {
        engine->failure_state = is_no_room(r)                     ? JOURNAL_STATE_FULL
                                : r == -EROFS || r == -EACCES ? JOURNAL_STATE_READ_ONLY
                                                              : JOURNAL_STATE_FAILING;
        if (r >= 0)
                engine->failure[0] = 0;
        else
                /* cut off at worst */
                (void)snprintf(engine->failure, sizeof(engine->failure),
                               "the journal cannot be written: %s; what is recorded waits in memory", strerror(-r));
}

/* A folder that is full loses its oldest, once; after that the media timer tries again. */
static int engine_try_commit_media(Engine *engine, uint32_t *lanes) {
        int r;

        if (segments_state(engine->segments) != JOURNAL_MEDIA_OK)
                return JOURNAL_E_MEDIA;
        r = engine_commit_media(engine, lanes);
        if (r > 0 && segments_state(engine->segments) == JOURNAL_MEDIA_FULL && engine_make_media_room(engine))
                r = engine_commit_media(engine, lanes);
        return r;
}

static int engine_try_commit(Engine *engine, uint32_t *lanes) {
        RowList *waiting = engine->waiting;
        int r = 0;

        if (waiting[ROW_CLASS_PLAIN].first || waiting[ROW_CLASS_MEDIA].first || engine->has_gaps ||
            engine->refused.n > 0)
                r = engine_check_room(engine);
        while (r >= 0 && waiting[ROW_CLASS_PLAIN].first)
                r = engine_commit_some(engine, &waiting[ROW_CLASS_PLAIN], lanes);
        if (r >= 0)
                r = engine_note_refused(engine);
        if (r >= 0 && engine->has_gaps)
                r = engine_commit_gaps(engine, lanes);
        if (r >= 0 && waiting[ROW_CLASS_MEDIA].first)
                r = engine_try_commit_media(engine, lanes);
        return r;
}

/**
 * engine_commit() - make all waiting rows durable, media last
 * @engine:     the engine
 * @ret_lanes:  lanes that have new durable records, bit mask 1 << Lane; also when a later part failed
 *
 * Where the folder of the segments did not work the last time it is not tried here; engine_check_media() does.
 *
 * Return: 0; JOURNAL_E_MEDIA: all but media is durable; < 0. What is not durable still waits.
 */
int engine_commit(Engine *engine, uint32_t *ret_lanes) {
        int r;

        *ret_lanes = 0;
        r = engine_ready(engine);
        if (r >= 0)
                r = engine_try_commit(engine, ret_lanes);
        if (is_no_room(r) && !engine->is_doubtful && engine_make_room(engine))
                r = engine_try_commit(engine, ret_lanes);
        (void)!engine_restore_reserve(engine); /* as far as possible */
        engine_note_failure(engine, r);
        return r;
}

/* A parcel without records, whose first commit failed, is of no use to anybody. */
static int engine_close_one(Engine *engine, OpenParcel *open) {
        if (open->n == 0)
                return parcel_destroy(engine->vault, open->parcel->row.id, PARCEL_RELEASED, 0);
        return engine_close_parcel(engine, open);
}

/**
 * engine_close_marked() - close the open parcels that are marked as closing, in one transaction
 * @engine:     the engine
 *
 * Return: 0; < 0: all are still open.
 */
int engine_close_marked(Engine *engine) {
        _cleanup_transaction_ Db *transaction = NULL;
        int r;

        r = engine_vault_begin(engine, &transaction);
        for (OpenParcel *open = engine->open_parcels; r >= 0 && open; open = open->next)
                if (open->is_closing)
                        r = engine_close_one(engine, open);
        if (r >= 0)
                r = engine_vault_commit(engine, &transaction);
        if (r < 0)
                return r;
        for (OpenParcel *open = engine->open_parcels, *next; open; open = next) {
                next = open->next;
                if (!open->is_closing)
                        continue;
                engine->is_unsettled |= open->n == 0;
                engine_finish_media(engine, open);
                engine_drop_open(engine, open->parcel->row.id);
        }
        return 0;
}

/**
 * engine_close_old() - close the parcels that were opened before a moment
 * @engine:     the engine
 * @made_before_usec: when their first record was made, CLOCK_BOOTTIME; UINT64_MAX: all
 *
 * Rows that wait for one of them go to another parcel then.
 *
 * Return: 0; < 0: all are still open.
 */
int engine_close_old(Engine *engine, uint64_t made_before_usec) {
        bool has_some = false;

        for (OpenParcel *open = engine->open_parcels; open; open = open->next) {
                open->is_closing = made_before_usec == UINT64_MAX || open->first_usec < made_before_usec;
                has_some |= open->is_closing;
        }
        return has_some ? engine_close_marked(engine) : 0;
}

/**
 * engine_close_below() - close the parcels of a lane that are in the cursor's way
 * @engine:     the engine
 * @lane:       which
 * @parcel:     those with a lower id
 *
 * Return: 0; < 0: all are still open.
 */
int engine_close_below(Engine *engine, Lane lane, uint64_t parcel) {
        bool has_some = false;

        for (OpenParcel *open = engine->open_parcels; open; open = open->next) {
                open->is_closing = open->parcel->row.lane == lane && open->parcel->row.id < parcel;
                has_some |= open->is_closing;
        }
        return has_some ? engine_close_marked(engine) : 0;
}
