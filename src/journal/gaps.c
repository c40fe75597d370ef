/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The gaps of journal.db. Floor 2.
 *
 *   gap
 *     id               counts up, never used twice
 *     lane, purpose    numbers: of what is missing
 *     reason           enum GapReason
 *     parcel           it holds once the key of this parcel is destroyed, and goes if that does not come to pass; 0: it
 *                      holds
 *     body             sealed under the vault's catalogue key: subject, source (packed strings), number of records,
 *                      since_ms, until_ms
 *
 * A row stays until it has become a record of its own (gap.c). The body is not sealed under a parcel's key, since the
 * parcel is what was lost; it says whose it was and when, so an erasure that covers it deletes it.
 */
#include <errno.h>
#include <string.h>
#include "gaps.h"
#include "trailkeep/bytes.h"
#include "trailkeep/parse.h"

#define GAP_COLUMNS "id, lane, purpose, reason, parcel, body"
/* What is nearer to one another is one gap: as long as a parcel lasts at most. */
#define NEAR_MS ((int64_t)10 * 60 * 1000)

/**
 * gap_reason_to_string() - a reason as it stands in the record
 * @reason:     which
 *
 * Return: one word in lower case.
 */
const char *gap_reason_to_string(GapReason reason) {
        switch (reason) {
        case GAP_EVICTED:
                return "evicted";
        case GAP_EXPIRED:
                return "expired";
        case GAP_DAMAGED:
                return "damaged";
        case GAP_REFUSED:
                return "refused";
        case GAP_REASON_MAX:
                break;
        }
        return "unknown";
}

/**
 * gap_done() - wipe and free what a loaded gap holds
 * @gap:        empty afterwards
 */
void gap_done(Gap *gap) {
        string_wipe_free(gap->subject);
        string_wipe_free(gap->source);
        *gap = (Gap){ 0 };
}

/**
 * gaps_meet() - whether two gaps are one
 * @a:          borrowed
 * @b:          borrowed
 *
 * Of the same kind and less than ten minutes apart, or both without a time.
 *
 * Return: whether they are.
 */
bool gaps_meet(const Gap *a, const Gap *b) {
        if (a->lane != b->lane || a->purpose != b->purpose || a->reason != b->reason || a->parcel != b->parcel ||
            strcmp(a->subject, b->subject) != 0 || strcmp(a->source, b->source) != 0)
                return false;
        if (a->since_ms == TIME_MS_NONE || b->since_ms == TIME_MS_NONE)
                return a->since_ms == b->since_ms;
        /* Not by adding to a time, which may be any number. */
        return (b->since_ms <= a->until_ms || (uint64_t)b->since_ms - (uint64_t)a->until_ms < NEAR_MS) &&
               (a->since_ms <= b->until_ms || (uint64_t)a->since_ms - (uint64_t)b->until_ms < NEAR_MS);
}

/**
 * gap_widen() - take in another gap
 * @gap:        changed
 * @other:      one that meets it
 */
void gap_widen(Gap *gap, const Gap *other) {
        gap->records += other->records;
        if (other->since_ms == TIME_MS_NONE)
                return;
        gap->since_ms = gap->since_ms == TIME_MS_NONE ? other->since_ms : MIN(gap->since_ms, other->since_ms);
        gap->until_ms = MAX(gap->until_ms, other->until_ms);
}

/**
 * gap_save() - write what is sealed of a gap
 * @catalogue:  within a transaction
 * @gap:        with its id
 *
 * Return: 0; < 0.
 */
int gap_save(const Catalogue *catalogue, const Gap *gap) {
        SealAd ad = seal_ad(catalogue->scope, SEAL_KIND_GAP, (uint8_t)gap->lane, gap->id);
        _cleanup_bytes_ Bytes plain = { 0 }, body = { 0 };
        int r;

        r = pack_string(&plain, gap->subject);
        if (r >= 0)
                r = pack_string(&plain, gap->source);
        if (r >= 0)
                r = pack_u64(&plain, gap->records);
        if (r >= 0)
                r = pack_u64(&plain, (uint64_t)gap->since_ms);
        if (r >= 0)
                r = pack_u64(&plain, (uint64_t)gap->until_ms);
        if (r >= 0)
                r = aead_seal(catalogue->aead, ad.bytes, sizeof(ad.bytes), plain.data, plain.size, &body);
        return r < 0 ? r : db_run(catalogue->db, "UPDATE gap SET body = ? WHERE id = ?", DB_BYTES(&body),
                                  DB_INT(gap->id));
}

/**
 * gap_insert() - add a gap
 * @catalogue:  within a transaction
 * @gap:        its id does not matter
 *
 * Return: 0; < 0.
 */
int gap_insert(const Catalogue *catalogue, const Gap *gap) {
        Gap stored = *gap;
        int64_t id;
        int r;

        /* The id comes first, since the body is bound to it. */
        r = db_run(catalogue->db, "INSERT INTO gap(lane, purpose, reason, parcel, body) VALUES(?, ?, ?, ?, x'')",
                   DB_INT(gap->lane), DB_INT(gap->purpose), DB_INT(gap->reason), DB_INT(gap->parcel));
        if (r < 0)
                return r;
        r = db_number(catalogue->db, "SELECT last_insert_rowid()", &id);
        if (r <= 0)
                return r < 0 ? r : -EIO;
        stored.id = (uint64_t)id;
        return gap_save(catalogue, &stored);
}

/**
 * gap_delete() - forget a gap
 * @catalogue:  within a transaction
 * @id:         of the gap
 *
 * Return: 0; < 0.
 */
int gap_delete(const Catalogue *catalogue, uint64_t id) {
        return db_run(catalogue->db, "DELETE FROM gap WHERE id = ?", DB_INT(id));
}

static int gap_read_body(const Catalogue *catalogue, sqlite3_stmt *statement, Gap *gap) {
        SealAd ad = seal_ad(catalogue->scope, SEAL_KIND_GAP, (uint8_t)gap->lane, gap->id);
        _cleanup_bytes_ Bytes plain = { 0 };
        const char *subject, *source;
        Unpack unpack;
        int r;

        r = aead_open(catalogue->aead, ad.bytes, sizeof(ad.bytes), sqlite3_column_blob(statement, 5),
                      (size_t)sqlite3_column_bytes(statement, 5), &plain);
        if (r < 0)
                return r;
        if (r == AEAD_E_FORGED)
                return 0; /* subject stays NULL */
        unpack = (Unpack){ .data = plain.data, .size = plain.size };
        subject = unpack_string(&unpack);
        source = unpack_string(&unpack);
        gap->records = unpack_u64(&unpack);
        gap->since_ms = (int64_t)unpack_u64(&unpack);
        gap->until_ms = (int64_t)unpack_u64(&unpack);
        if (unpack.is_short)
                return 0;
        gap->source = strdup(source);
        gap->subject = gap->source ? strdup(subject) : NULL;
        return gap->subject ? 0 : -ENOMEM;
}

/**
 * gaps_next() - the next gap
 * @catalogue:  borrowed
 * @after:      a lower id than this is passed over; 0: from the first on
 * @ret:        freed with gap_done(); filled when 1 is returned; subject NULL: its body is damaged
 *
 * Return: 1; 0 if there is none left; < 0.
 */
int gaps_next(const Catalogue *catalogue, uint64_t after, Gap *ret) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        _cleanup_gap_ Gap gap = { 0 };
        int r;

        r = db_start(catalogue->db, "SELECT " GAP_COLUMNS " FROM gap WHERE id > ? ORDER BY id LIMIT 1", &statement,
                     DB_INT(after));
        if (r < 0)
                return r;
        r = db_step(catalogue->db, statement);
        if (r <= 0)
                return r;
        if (db_column_u64(statement, 1) >= LANE_MAX || db_column_u64(statement, 2) >= PURPOSE_MAX)
                return -EBADMSG;
        gap.id = db_column_u64(statement, 0);
        gap.lane = (Lane)sqlite3_column_int(statement, 1);
        gap.purpose = (Purpose)sqlite3_column_int(statement, 2);
        gap.reason = (GapReason)sqlite3_column_int(statement, 3);
        gap.parcel = db_column_u64(statement, 4);
        r = gap_read_body(catalogue, statement, &gap);
        if (r < 0)
                return r;
        *ret = gap;
        gap = (Gap){ 0 };
        return 1;
}
