/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Erasing. Floor 2.
 *
 * One transaction of the vault destroys the keys, writes the ledger entry and the receipt, and wraps what lives under a
 * new key-encryption key. What has only been appended so far is thrown away with it. The rest is settle.c's.
 *
 * A parcel falls under an erasure if it may hold something of it: a damaged label, a record without a time, an extent
 * that is not known, all count as yes.
 */
#include <errno.h>
#include <string.h>
#include "engine.h"
#include "erasures.h"
#include "ledger.h"
#include "trailkeep/parse.h"

typedef struct Erasing {
        Engine *engine;
        const JournalErasure *scope;
        Erasure erasure;  /* its subject and clip are borrowed from the scope */
        ParcelList list;  /* all living ones; fate PARCEL_ERASED: destroyed here */
        RowList kept, dropped;
        Keyring *next;
        Aead *ledger_before; /* of everything: what sealed the ledger's bodies */
} Erasing;

static void erasing_done(Erasing *erasing) {
        parcel_list_done(&erasing->list);
        /* Not committed: every row waits on, those that would have gone first. Order matters only within a parcel. */
        engine_append(erasing->engine, &erasing->dropped);
        engine_append(erasing->engine, &erasing->kept);
        keyring_free(erasing->next);
        if (erasing->ledger_before)
                aead_free(vault_exchange_ledger_aead(erasing->engine->vault, erasing->ledger_before));
}

static bool row_is_covered(const Row *row, const JournalErasure *scope) {
        Extent extent = extent_empty();

        if (!(scope->purposes & 1U << row->purpose) || (scope->subject && strcmp(scope->subject, row->subject) != 0))
                return false;
        if (scope->clip && (row->lane != LANE_MEDIA || strcmp(scope->clip, row->clip) != 0))
                return false;
        extent_add(&extent, row->time_ms, 0);
        return extent_overlaps(&extent, scope->since_ms, scope->until_ms);
}

static void erasing_sort_rows(Erasing *erasing) {
        Row *row;

        for (size_t i = 0; i < ROW_CLASS_MAX; i++)
                while ((row = rows_pop(&erasing->engine->waiting[i])))
                        rows_push(row_is_covered(row, erasing->scope) ? &erasing->dropped : &erasing->kept, row);
}

/**
 * engine_count_stored() - how many of a parcel's rows the store has acknowledged
 * @engine:     the engine
 * @row:        of the parcel
 * @n:          how many rows it has
 * @ret:        the number; 0 or untouched on failure
 *
 * All that the cursor has passed, less what is parked. Rows are asked only for the one parcel that the cursor stands in,
 * since the keys of a month are not to wait for seeks all over a large file.
 *
 * Return: 0; < 0.
 */
int engine_count_stored(Engine *engine, const ParcelRow *row, uint64_t n, uint64_t *ret) {
        uint64_t first = parcel_first_id(row->id), last = parcel_last_id(row->id), n_parked;
        uint64_t cursor = engine->lanes[row->lane].cursor;
        int r = 0;

        *ret = 0;
        if (cursor < first)
                return 0;
        if (cursor < last)
                r = lane_count(engine->db, row->lane, first, cursor, &n);
        if (r >= 0)
                r = parked_count(engine->db, row->lane, first, MIN(last, cursor), &n_parked);
        if (r >= 0)
                *ret = n - MIN(n_parked, n);
        return r;
}

static void receipt_cover(JournalReceipt *receipt, Engine *engine, const ParcelRow *row, const Extent *extent) {
        uint64_t n = extent->records, n_stored = 0;

        /* Nobody's erasure waits for a count: where the rows cannot be read, none counts as being in the store. */
        if (n == 0)
                (void)!lane_count(engine->db, row->lane, parcel_first_id(row->id), parcel_last_id(row->id), &n);
        (void)!engine_count_stored(engine, row, n, &n_stored);
        receipt->parcels++;
        receipt->records += n - n_stored;
        receipt->copies += n_stored;
        if (extent->oldest_ms == TIME_MS_NONE)
                return;
        if (receipt->since_ms != TIME_MS_NONE)
                receipt->since_ms = MIN(receipt->since_ms, extent->oldest_ms);
        if (receipt->until_ms != TIME_MS_NONE)
                receipt->until_ms = MAX(receipt->until_ms, extent->newest_ms);
}

/* Returns 1 with the extent when a parcel is covered, 0 when not. */
static int erasing_covers(Erasing *erasing, const ParcelRow *row, Extent *ret) {
        const JournalErasure *scope = erasing->scope;
        const Parcel *open = engine_find_open(erasing->engine, row->id);
        _cleanup_(parcel_freep) Parcel *parcel = NULL;
        bool is_known;
        int r;

        if (!(scope->purposes & 1U << row->purpose) || (scope->clip && row->lane != LANE_MEDIA))
                return 0;
        r = parcel_load(erasing->engine->vault, row->id, &parcel);
        if (r < 0)
                return r;
        *ret = extent_empty();
        if (r > 0)
                return 1; /* damaged: in doubt */
        if (scope->subject && strcmp(scope->subject, parcel->subject) != 0)
                return 0;
        if (scope->clip && strcmp(scope->clip, parcel->clip) != 0)
                return 0;
        *ret = open ? open->extent : parcel->extent;
        is_known = open || parcel->has_extent;
        return !is_known || extent_overlaps(ret, scope->since_ms, scope->until_ms);
}

static int erasing_destroy_keys(Erasing *erasing) {
        Engine *engine = erasing->engine;
        int r;

        r = parcels_list(engine->vault, PARCELS_LIVING, &erasing->list);
        for (size_t i = 0; r >= 0 && i < erasing->list.n; i++) {
                ParcelRow *row = &erasing->list.rows[i];
                Extent extent;

                r = erasing_covers(erasing, row, &extent);
                if (r <= 0)
                        continue;
                receipt_cover(&erasing->erasure.receipt, engine, row, &extent);
                row->fate = PARCEL_ERASED;
                r = engine_destroy(engine, row, extent.bytes, PARCEL_ERASED, erasing->erasure.request);
        }
        return r;
}

static int erasing_commit(Erasing *erasing) {
        _cleanup_transaction_ Db *transaction = NULL;
        Engine *engine = erasing->engine;
        int r;

        r = engine_vault_begin(engine, &transaction);
        if (r >= 0)
                r = erasure_next_request(engine->vault, &erasing->erasure.request);
        if (r >= 0)
                r = erasing_destroy_keys(erasing);
        if (r >= 0)
                r = erasure_insert(engine->vault, &erasing->erasure);
        if (r >= 0 && erasing->scope->is_everything)
                r = ledger_begin_volume(engine->vault, &erasing->ledger_before);
        if (r >= 0 && erasing->scope->ledger_body)
                r = ledger_append(engine->vault, erasing->scope->ledger_body);
        if (r >= 0)
                r = vault_rotate(engine->vault, &erasing->next);
        return r < 0 ? r : engine_vault_commit(engine, &transaction);
}

/* What was committed holds in memory too. */
static void erasing_adopt(Erasing *erasing) {
        Engine *engine = erasing->engine;

        vault_adopt(engine->vault, TAKE_PTR(erasing->next));
        erasing->ledger_before = aead_free(erasing->ledger_before);
        for (size_t i = 0; i < erasing->list.n; i++)
                if (erasing->list.rows[i].fate == PARCEL_ERASED)
                        engine_drop_open(engine, erasing->list.rows[i].id);
        engine->reading = parcel_free(engine->reading);
        engine->is_unsettled = true;
        engine_erase_refused(engine, &erasing->erasure);
        rows_done(&erasing->dropped);
}

static int engine_count_applied(Engine *engine, uint64_t request, uint64_t *ret) {
        int64_t n = 0;
        int r;

        r = db_number(engine->db, "SELECT objects FROM applied WHERE erasure = ?", &n, DB_INT(request));
        if (r < 0)
                return r;
        *ret = (uint64_t)n;
        return 0;
}

/* The vault's part. Once it is committed the receipt has its number. */
static int engine_erase_keys(Engine *engine, const JournalErasure *scope, JournalReceipt *ret) {
        _cleanup_(erasing_done) Erasing erasing = { .engine = engine, .scope = scope };
        JournalReceipt *receipt = &erasing.erasure.receipt;
        int r;

        erasing.erasure.scope = *scope;
        erasing.erasure.subject = (char *)scope->subject;
        erasing.erasure.clip = (char *)scope->clip;
        erasing.erasure.requested_realtime_ms = (int64_t)(clock_realtime_usec(engine->clock) / USEC_PER_MSEC);
        receipt->since_ms = scope->since_ms;
        receipt->until_ms = scope->until_ms;
        erasing_sort_rows(&erasing);
        receipt->records = rows_total(&erasing.dropped).n;
        r = erasing_commit(&erasing);
        if (r < 0)
                return r;
        erasing_adopt(&erasing);
        receipt->request = erasing.erasure.request;
        *ret = *receipt;
        return 0;
}

/**
 * engine_erase() - destroy what is here and doom what is in the store
 * @engine:     the engine
 * @scope:      what; borrowed
 * @receipt:    zeroed; it has its number as soon as the keys are destroyed, and with it only what is left to do is done:
 *              so nothing is erased, or written down, a second time when journal.db wanted for room
 *
 * Return: 0: the keys are destroyed and the doomed objects are noted, both on the medium; < 0: if the vault failed
 * nothing was erased, and if journal.db failed the keys are destroyed and the rest is tried again.
 */
int engine_erase(Engine *engine, const JournalErasure *scope, JournalReceipt *receipt) {
        int r = receipt->request == 0 ? engine_erase_keys(engine, scope, receipt) : 0;

        if (r >= 0)
                r = engine_settle(engine);
        return r < 0 ? r : engine_count_applied(engine, receipt->request, &receipt->objects_doomed);
}

static int erasure_state(Engine *engine, const Erasure *erasure, JournalErasureState *ret) {
        Catalogue catalogue = engine_catalogue(engine);
        uint64_t n_doomed, n_left;
        int r;

        r = engine_count_applied(engine, erasure->request, &n_doomed);
        if (r >= 0)
                r = objects_count_doomed(&catalogue, erasure->request, &n_left);
        if (r < 0)
                return r;
        *ret = (JournalErasureState){
                .request = erasure->request,
                .parcels = erasure->receipt.parcels,
                .records = erasure->receipt.records,
                .copies = erasure->receipt.copies,
                .objects_doomed = n_doomed,
                .objects_deleted = n_doomed - MIN(n_left, n_doomed),
                .is_reclaimed = erasure->is_reclaimed,
                .since_ms = erasure->receipt.since_ms,
                .until_ms = erasure->receipt.until_ms,
                .requested_realtime_ms = erasure->requested_realtime_ms,
                .purposes = erasure->scope.purposes,
        };
        if (erasure->clip)
                (void)stpncpy(ret->clip, erasure->clip, sizeof(ret->clip) - 1); /* cut off at worst */
        return 0;
}

/**
 * engine_list_erasures() - all erasures and how far they are
 * @engine:     the engine
 * @ret:        array, the caller's to free; NULL when there are none; untouched on failure
 * @ret_n:      number of them
 *
 * Return: 0; < 0.
 */
int engine_list_erasures(Engine *engine, JournalErasureState **ret, size_t *ret_n) {
        _cleanup_free_ JournalErasureState *states = NULL;
        size_t n = 0;
        int r;

        for (;; n++) {
                _cleanup_erasure_ Erasure erasure = { 0 };
                JournalErasureState *grown;

                r = erasure_load(engine->vault, n + 1, &erasure);
                if (r <= 0)
                        break;
                grown = reallocarray(states, n + 1, sizeof(*states));
                if (!grown)
                        return -ENOMEM;
                states = grown;
                r = erasure_state(engine, &erasure, &states[n]);
                if (r < 0)
                        return r;
        }
        if (r < 0)
                return r;
        *ret = TAKE_PTR(states);
        *ret_n = n;
        return 0;
}
