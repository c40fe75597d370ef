/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Gaps: from what was lost to a record that says so. Floor 2.
 *
 *   noted -> [its parcel's key is destroyed] -> holds, widened by what follows -> a record of the journal's own -> store
 *
 * Whoever reads the store must be able to tell "nothing happened" from "it was lost". So what is lost here before the
 * store had it is noted in the transaction that loses it, and once there is room it becomes a Feature without a place
 *
 *   { "type":"Feature", "geometry":null, "properties":{ "time":"...", "class":"GAP", "reason":"evicted",
 *     "records":123, "until":"...", "source":"gnss" } }
 *
 * of the same lane, purpose and subject, which travels, expires and is erased like any other. Its source is the
 * journal itself, hence its parcels hold nothing else. A gap of media is said in the lane of events, under the purpose
 * of the media: it is text, and a reader of text finds it there.
 *
 * The vault commits first, and by then nobody can tell any more whose a destroyed parcel was. A gap that a destruction
 * brings about is therefore noted before, with the number of the parcel, and holds or goes when the two are settled.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "engine.h"
#include "erasures.h"
#include "trailkeep/parse.h"

#define PAYLOAD_MAX 384
#define SOURCE_SHOWN_MAX 64

_Static_assert(GAP_REASON_MAX == 5, "the manual names them all");

/* Makes one of a gap and a stored one that meets it. Returns 1, 0 when there is none. */
static int gap_join(const Catalogue *catalogue, const Gap *gap) {
        uint64_t after = 0;

        for (;;) {
                _cleanup_gap_ Gap other = { 0 };
                int r;

                r = gaps_next(catalogue, after, &other);
                if (r <= 0)
                        return r;
                after = other.id;
                if (!other.subject || !gaps_meet(&other, gap))
                        continue;
                gap_widen(&other, gap);
                r = gap_save(catalogue, &other);
                return r < 0 ? r : 1;
        }
}

/**
 * engine_note_gap() - note what is missing
 * @engine:     the engine, within a transaction of journal.db
 * @gap:        borrowed. With a parcel: before that one's key is destroyed as PARCEL_EVICTED or PARCEL_EXPIRED, and in
 *              a transaction that is committed before that
 *
 * What meets a gap that holds is made one with it. A gap of nothing is none, and neither is a lost record of a gap.
 *
 * Return: 0; < 0.
 */
int engine_note_gap(Engine *engine, const Gap *gap) {
        Catalogue catalogue = engine_catalogue(engine);
        int r;

        if (gap->records == 0 || strcmp(gap->source, PARCEL_SOURCE_OWN) == 0)
                return 0;
        r = gap->parcel == 0 ? gap_join(&catalogue, gap) : 0;
        if (r == 0)
                r = gap_insert(&catalogue, gap);
        if (r < 0)
                return r;
        engine->has_gaps = true; /* should the transaction fail, one look too many */
        return 0;
}

/**
 * engine_note_parcel() - note what of a parcel the store does not have, before its key is destroyed
 * @engine:     the engine, within a transaction of journal.db that is committed before that
 * @parcel:     with its extent; an open one as far as it is durable
 * @reason:     why it goes
 *
 * Return: 0; < 0.
 */
int engine_note_parcel(Engine *engine, const Parcel *parcel, GapReason reason) {
        uint64_t n = parcel->extent.records, n_stored = 0;
        Gap gap = {
                .parcel = parcel->row.id,
                .lane = parcel->row.lane,
                .purpose = parcel->row.purpose,
                .reason = reason,
                .subject = parcel->subject,
                .source = parcel->source,
                .since_ms = parcel->extent.oldest_ms,
                .until_ms = parcel->extent.newest_ms,
        };
        int r;

        r = engine_count_stored(engine, &parcel->row, n, &n_stored);
        if (r < 0)
                return r;
        gap.records = n - n_stored;
        return engine_note_gap(engine, &gap);
}

/* Whether what a gap waits for came to pass. */
static bool gap_holds(const Gap *gap, const ParcelList *destroyed) {
        for (size_t i = 0; i < destroyed->n; i++)
                if (destroyed->rows[i].id == gap->parcel)
                        return destroyed->rows[i].fate == PARCEL_EVICTED || destroyed->rows[i].fate == PARCEL_EXPIRED;
        return false;
}

/**
 * engine_settle_gaps() - gaps of parcels that are destroyed hold now, those of others never will
 * @engine:     the engine, within a transaction of journal.db
 * @destroyed:  all destroyed parcels of which something may be left in journal.db
 *
 * Return: 0; < 0.
 */
int engine_settle_gaps(Engine *engine, const ParcelList *destroyed) {
        Catalogue catalogue = engine_catalogue(engine);
        uint64_t after = 0;

        for (;;) {
                _cleanup_gap_ Gap gap = { 0 };
                int r;

                r = gaps_next(&catalogue, after, &gap);
                if (r <= 0)
                        return r;
                after = gap.id;
                if (gap.parcel == 0)
                        continue;
                r = gap_delete(&catalogue, gap.id);
                if (r >= 0 && gap.subject && gap_holds(&gap, destroyed)) {
                        gap.parcel = 0;
                        r = engine_note_gap(engine, &gap);
                }
                if (r < 0)
                        return r;
        }
}

static bool erasure_covers_gap(const Erasure *erasure, const Gap *gap) {
        Extent extent = extent_empty();

        /* What is missing of a clip is not known by clip: it stays. */
        if (!(erasure->scope.purposes & 1U << gap->purpose) || erasure->clip)
                return false;
        if (!gap->subject)
                return true; /* damaged: in doubt */
        if (erasure->subject && strcmp(erasure->subject, gap->subject) != 0)
                return false;
        extent_add(&extent, gap->since_ms, 0);
        extent_add(&extent, gap->until_ms, 0);
        return extent_overlaps(&extent, erasure->receipt.since_ms, erasure->receipt.until_ms);
}

/**
 * engine_erase_gaps() - forget the gaps that an erasure covers
 * @engine:     the engine, within a transaction of journal.db
 * @erasure:    borrowed
 *
 * Return: 0; < 0.
 */
int engine_erase_gaps(Engine *engine, const Erasure *erasure) {
        Catalogue catalogue = engine_catalogue(engine);
        uint64_t after = 0;

        for (;;) {
                _cleanup_gap_ Gap gap = { 0 };
                int r;

                r = gaps_next(&catalogue, after, &gap);
                if (r <= 0)
                        return r;
                after = gap.id;
                r = erasure_covers_gap(erasure, &gap) ? gap_delete(&catalogue, gap.id) : 0;
                if (r < 0)
                        return r;
        }
}

/**
 * engine_erase_refused() - forget what was refused and is covered by an erasure
 * @engine:     the engine
 * @erasure:    borrowed
 */
void engine_erase_refused(Engine *engine, const Erasure *erasure) {
        for (size_t i = engine->refused.n; i > 0; i--)
                if (erasure_covers_gap(erasure, &engine->refused.gaps[i - 1]))
                        gap_list_remove(&engine->refused, i - 1);
}

/**
 * engine_note_refused() - note what there was no room for, now that there is
 * @engine:     the engine
 *
 * Return: 0; < 0: it waits on.
 */
int engine_note_refused(Engine *engine) {
        _cleanup_transaction_ Db *transaction = NULL;
        int r;

        if (engine->refused.n == 0)
                return 0;
        r = db_begin(engine->db, &transaction);
        for (size_t i = 0; r >= 0 && i < engine->refused.n; i++)
                r = engine_note_gap(engine, &engine->refused.gaps[i]);
        if (r >= 0)
                r = db_commit(&transaction);
        if (r >= 0)
                gap_list_done(&engine->refused);
        return r;
}

/**
 * engine_note_lost() - the end has come, and what waits could not be written: at least say so, out of the reserve
 * @engine:     the engine
 */
void engine_note_lost(Engine *engine) {
        for (size_t i = 0; i < ROW_CLASS_MAX; i++)
                for (const Row *row = engine->waiting[i].first; row; row = row->next)
                        gap_list_add(&engine->refused, &(Gap){
                                .lane = row->lane,
                                .purpose = row->purpose,
                                .reason = GAP_REFUSED,
                                .subject = (char *)row->subject,
                                .source = (char *)row->source,
                                .records = 1,
                                .since_ms = row->time_ms,
                                .until_ms = row->time_ms,
                        });
        if (engine->is_doubtful || !engine->db)
                return;
        if (engine_note_refused(engine) < 0 && reserve_give(&engine->reserve))
                (void)!engine_note_refused(engine); /* nobody is left to be told */
}

/* The first kind of record that travels in the lane. */
static RecordKind gap_kind(Lane lane) {
        RecordKind kind = 0;

        while (kind < RECORD_KIND_MAX - 1 && record_kind_lane(kind) != lane)
                kind++;
        return kind;
}

/* Names of sources need no escape in JSON; one that does is left out. */
static const char *gap_source_shown(const Gap *gap) {
        size_t n = strspn(gap->source, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

        return n <= SOURCE_SHOWN_MAX && gap->source[n] == 0 ? gap->source : "";
}

/* Members are absent where nothing is known, as in a fix. */
static void gap_write(const Gap *gap, char payload[static PAYLOAD_MAX]) {
        char since[RFC3339_MS_MAX], until[RFC3339_MS_MAX];
        const char *source = gap_source_shown(gap);

        format_rfc3339_ms(gap->since_ms, since);
        format_rfc3339_ms(gap->until_ms, until);
        /* always fits: the head of PAYLOAD_MAX is what stands here, two times and a source */
        (void)snprintf(payload, PAYLOAD_MAX,
                       "{\"type\":\"Feature\",\"geometry\":null,\"properties\":{%s%s%s\"class\":\"GAP\","
                       "\"reason\":\"%s\",\"records\":%" PRIu64 "%s%s%s%s%s%s}}",
                       since[0] ? "\"time\":\"" : "", since, since[0] ? "\"," : "", gap_reason_to_string(gap->reason),
                       gap->records, until[0] ? ",\"until\":\"" : "", until, until[0] ? "\"" : "",
                       source[0] ? ",\"source\":\"" : "", source, source[0] ? "\"" : "");
}

static int gap_to_row(Engine *engine, const Gap *gap, Row **ret) {
        Lane lane = gap->lane == LANE_MEDIA ? LANE_EVENT : gap->lane; /* see above */
        _cleanup_(record_freep) Record *record = NULL;
        char payload[PAYLOAD_MAX];
        Row *row = NULL;
        int r;

        gap_write(gap, payload);
        r = record_new(gap_kind(lane), gap->subject, PARCEL_SOURCE_OWN, gap->since_ms, payload, &record);
        bytes_wipe(payload, sizeof(payload));
        if (r >= 0)
                r = row_new(record, clock_boottime_usec(engine->clock), &row);
        if (r < 0)
                return r;
        row->lane = lane;
        row->purpose = gap->purpose;
        row->gap = gap->id;
        *ret = row;
        return 0;
}

/**
 * engine_next_gap() - a gap on its way to become a record
 * @engine:     the engine
 * @after:      the gaps up to this id were given before; 0: none was
 * @ret:        the row, owned by the caller; its gap is to be deleted when it is inserted. Filled when 1 is returned
 *
 * Return: 1; 0 if there is none; < 0.
 */
int engine_next_gap(Engine *engine, uint64_t after, Row **ret) {
        Catalogue catalogue = engine_catalogue(engine);

        for (;;) {
                _cleanup_gap_ Gap gap = { 0 };
                int r;

                r = gaps_next(&catalogue, after, &gap);
                if (r <= 0)
                        return r;
                after = gap.id;
                if (gap.parcel != 0)
                        continue;
                if (!gap.subject) {
                        r = gap_delete(&catalogue, gap.id); /* damaged: nobody knows any more what it said */
                        if (r < 0)
                                return r;
                        continue;
                }
                r = gap_to_row(engine, &gap, ret);
                return r < 0 ? r : 1;
        }
}
