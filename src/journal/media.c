/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Media: records whose bytes lie in segments. Floor 2.
 *
 *   row -> bytes sealed, appended to the parcel's segment -> segments synced -> rows committed (journal.db)
 *
 * It is a commit of its own, after that of the other lanes, and the only place that waits for a card: whatever the
 * folder of the segments does, the rows of the other lanes are durable by then. While it does not work media waits in
 * memory, within bounds, and only the media timer of journal.c tries again.
 *
 * Bytes whose card is away are not lost: reading says so and passes nothing over. Bytes that are damaged, or whose file
 * is gone from the box's own disk, cost their record alone.
 */
#include <errno.h>
#include <string.h>
#include "engine.h"

/* A medium that will not give the bytes may have been pulled; one that says so for the third time is broken there. */
#define UNREADABLE_MAX 3

typedef struct MediaSink {
        Segment *segment;
        Piece *piece;    /* gets the tag */
        bool has_failed; /* the folder, not the sealing */
} MediaSink;

/* The tag comes last, perhaps in two pieces. */
static void media_note_tail(Piece *piece, const uint8_t *data, size_t n_bytes) {
        size_t n = MIN(n_bytes, sizeof(piece->tag));

        memmove(piece->tag, piece->tag + n, sizeof(piece->tag) - n);
        memcpy(piece->tag + sizeof(piece->tag) - n, data + n_bytes - n, n);
}

static int media_write(const void *data, size_t n_bytes, void *userdata) {
        MediaSink *sink = userdata;
        int r = segment_write(sink->segment, data, n_bytes);

        media_note_tail(sink->piece, data, n_bytes);
        sink->has_failed = r < 0;
        return r;
}

/* Within an entered folder. Sealed on the way, since a fragment is large and is to be in memory once. */
static int media_append(Engine *engine, OpenParcel *open, const Row *row, uint64_t id, Piece *ret) {
        SealAd ad = seal_ad(vault_scope(engine->vault), SEAL_KIND_BLOB, LANE_MEDIA, id);
        AeadText text = { ad.bytes, row->data.data, sizeof(ad.bytes), row->data.size };
        MediaSink sink = { .segment = &open->segment, .piece = ret };
        int r;

        open->segment.parcel = open->parcel->row.id;
        r = segment_begin(engine->segments, &open->segment, row->data.size + AEAD_OVERHEAD, &ret->offset);
        ret->length = row->data.size + AEAD_OVERHEAD;
        sink.has_failed = r < 0;
        if (r >= 0)
                r = aead_seal_to(open->parcel->aead, &text, media_write, &sink);
        if (!sink.has_failed)
                return r;
        engine->is_media_failure = true;
        return segments_fail(engine->segments, r);
}

/**
 * engine_write_media() - put the bytes of a row into its segment
 * @engine:     the engine; the folder is entered
 * @open:       the row's parcel
 * @row:        of the media lane
 * @id:         of the record
 * @ret_plain:  what is to be sealed as the row's body, appended
 *
 * Return: 0: not synced yet; < 0.
 */
int engine_write_media(Engine *engine, OpenParcel *open, const Row *row, uint64_t id, Bytes *ret_plain) {
        Piece piece = { 0 };
        int r = 0;

        if (row->data.size > 0)
                r = media_append(engine, open, row, id, &piece);
        if (r >= 0)
                r = pack_u64(ret_plain, piece.offset);
        if (r >= 0)
                r = pack_u64(ret_plain, piece.length);
        if (r >= 0)
                r = bytes_append(ret_plain, piece.tag, sizeof(piece.tag));
        if (r >= 0)
                r = bytes_append(ret_plain, row->plain.data, row->plain.size);
        return r;
}

/**
 * engine_sync_media() - put on the medium what the commit under way has appended to segments
 * @engine:     the engine
 *
 * Return: 0; < 0.
 */
int engine_sync_media(Engine *engine) {
        int r = 0;

        for (OpenParcel *open = engine->open_parcels; r >= 0 && open; open = open->next)
                r = segment_sync(engine->segments, &open->segment);
        engine->is_media_failure |= r < 0;
        return segments_fail(engine->segments, r);
}

/**
 * engine_settle_media() - the commit under way is over
 * @engine:     the engine
 * @r:          how it ended
 */
void engine_settle_media(Engine *engine, int r) {
        for (OpenParcel *open = engine->open_parcels; open; open = open->next)
                segment_settle(&open->segment, r);
}

/* An open parcel whose segment is on another card takes no more. */
static int media_close_away(Engine *engine) {
        bool has_some = false;

        for (OpenParcel *open = engine->open_parcels; open; open = open->next) {
                int r = segment_is_here(engine->segments, &open->segment);

                if (r < 0) {
                        engine->is_media_failure = true;
                        return segments_fail(engine->segments, r);
                }
                open->is_closing = r == 0;
                has_some |= open->is_closing;
        }
        return has_some ? engine_close_marked(engine) : 0;
}

static int media_enter(Engine *engine, bool is_writing, Segments **ret_entered) {
        int r;

        r = is_writing ? segments_fail(engine->segments, segments_prepare(engine->segments)) : 0;
        if (r >= 0)
                r = segments_enter(engine->segments);
        if (r == 0)
                *ret_entered = engine->segments;
        return r < 0 ? SEGMENTS_E_AWAY : r;
}

/**
 * engine_commit_media() - make the media that waits durable
 * @engine:     the engine
 * @lanes:      the bit of LANE_MEDIA is set if something became durable
 *
 * Return: 0; JOURNAL_E_MEDIA: the folder of the segments does not work; < 0: anything else. What is not durable waits.
 */
int engine_commit_media(Engine *engine, uint32_t *lanes) {
        RowList *waiting = &engine->waiting[ROW_CLASS_MEDIA];
        _cleanup_leave_ Segments *entered = NULL;
        int r;

        if (!waiting->first)
                return 0;
        engine->is_media_failure = false;
        r = media_enter(engine, true, &entered);
        if (r > 0)
                return JOURNAL_E_MEDIA;
        r = media_close_away(engine);
        while (r >= 0 && waiting->first)
                r = engine_commit_some(engine, waiting, lanes);
        if (r < 0)
                return engine->is_media_failure ? JOURNAL_E_MEDIA : r;
        segments_recover(engine->segments);
        return 0;
}

/* The end of what a parcel's rows refer to. Returns SEGMENT_KEEP where there is none: then nothing is known. */
static int media_find_end(Engine *engine, const Parcel *parcel, uint64_t *ret_end) {
        uint64_t first = parcel_first_id(parcel->row.id), bounds[2] = { 0 };
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        _cleanup_(record_freep) Record *record = NULL;
        Piece piece = { 0 };
        int r;

        r = lane_bounds(engine->db, LANE_MEDIA, first, parcel_last_id(parcel->row.id), bounds);
        if (r <= 0)
                return r < 0 ? r : SEGMENT_KEEP;
        r = lane_start_rows(engine->db, LANE_MEDIA, bounds[1], bounds[1], &statement);
        if (r >= 0)
                r = db_step(engine->db, statement);
        if (r <= 0)
                return r < 0 ? r : SEGMENT_KEEP;
        r = engine_open_row(engine, parcel, statement, &piece, &record);
        if (r != 0 || piece.length == 0)
                return r < 0 ? r : SEGMENT_KEEP;
        *ret_end = piece.offset + piece.length;
        return SEGMENT_CUT;
}

static int media_judge(uint64_t id, uint64_t *ret_end, void *userdata) {
        _cleanup_(parcel_freep) Parcel *parcel = NULL;
        Engine *engine = userdata;
        int r;

        if (engine_find_open(engine, id))
                return SEGMENT_KEEP;
        r = parcel_load(engine->vault, id, &parcel);
        if (r < 0)
                return r;
        if (r == PARCEL_E_GONE)
                return SEGMENT_REMOVE;
        if (r > 0 || parcel->row.lane != LANE_MEDIA)
                return SEGMENT_KEEP; /* damaged: is parked when it is read */
        return media_find_end(engine, parcel, ret_end);
}

/**
 * engine_has_media_retry() - whether engine_check_media() has something to see to
 * @engine:     the engine
 *
 * Return: whether the folder did not work the last time, or is to be tidied.
 */
bool engine_has_media_retry(const Engine *engine) {
        return segments_state(engine->segments) != JOURNAL_MEDIA_OK || segments_is_untidy(engine->segments);
}

/**
 * engine_check_media() - see whether the folder of the segments works again, and tidy it
 * @engine:     the engine
 * @lanes:      the bit of LANE_MEDIA is set if something became durable
 *
 * Return: as engine_commit_media().
 */
int engine_check_media(Engine *engine, uint32_t *lanes) {
        bool has_waiting = engine->waiting[ROW_CLASS_MEDIA].first;
        _cleanup_leave_ Segments *entered = NULL;
        int r;

        r = media_enter(engine, has_waiting, &entered);
        if (r > 0)
                return segments_state(engine->segments) == JOURNAL_MEDIA_OK ? 0 : JOURNAL_E_MEDIA;
        /* First, since a card may be full of what was erased while it was away. What is left over is tried again. */
        if (segments_is_untidy(engine->segments))
                (void)!segments_tidy(engine->segments, media_judge, engine);
        if (!has_waiting) {
                if (segments_has_room(engine->segments))
                        segments_recover(engine->segments);
                return 0;
        }
        r = engine_check_room(engine); /* for the rows */
        return r < 0 ? r : engine_commit_media(engine, lanes);
}

static int media_note_lost(Engine *engine) {
        _cleanup_transaction_ Db *transaction = NULL;
        int r;

        r = db_begin(engine->db, &transaction);
        for (const Row *row = engine->waiting[ROW_CLASS_MEDIA].first; r >= 0 && row; row = row->next)
                r = engine_note_gap(engine, &(Gap){ .lane = LANE_MEDIA, .purpose = row->purpose, .reason = GAP_REFUSED,
                                                    .subject = (char *)row->subject, .source = (char *)row->source,
                                                    .records = 1, .since_ms = row->time_ms, .until_ms = row->time_ms });
        return r < 0 ? r : db_commit(&transaction);
}

/**
 * engine_end_media() - the end: try once more, and say what is lost where the folder of the segments does not work
 * @engine:     the engine
 *
 * Return: 0: nothing is lost in silence; < 0.
 */
int engine_end_media(Engine *engine) {
        uint32_t lanes = 0;
        int r;

        r = engine_check_media(engine, &lanes);
        if (r < 0 || !engine->waiting[ROW_CLASS_MEDIA].first)
                return MIN(r, 0);
        return media_note_lost(engine);
}

/**
 * engine_finish_media() - a parcel was closed: give back the space it did not use
 * @engine:     the engine
 * @open:       the parcel, just before it is forgotten; of any lane
 */
void engine_finish_media(Engine *engine, const OpenParcel *open) {
        _cleanup_leave_ Segments *entered = NULL;

        if (!open->segment.is_made)
                return;
        if (media_enter(engine, false, &entered) != 0 || segment_finish(engine->segments, &open->segment) < 0)
                segments_set_untidy(engine->segments, true);
}

/**
 * engine_remove_media() - a parcel's key is destroyed: its segment goes, too
 * @engine:     the engine
 * @parcel:     its number
 *
 * Where that cannot be done now it is when the folder is tidied.
 */
void engine_remove_media(Engine *engine, uint64_t parcel) {
        _cleanup_leave_ Segments *entered = NULL;

        if (media_enter(engine, false, &entered) != 0 || segments_remove(engine->segments, parcel) < 0)
                segments_set_untidy(engine->segments, true);
}

static int media_unreadable(Engine *engine, uint64_t id) {
        engine->n_unreadable = engine->unreadable == id ? engine->n_unreadable + 1 : 1;
        engine->unreadable = id;
        return engine->n_unreadable < UNREADABLE_MAX ? READER_E_AWAY : READER_E_DAMAGED;
}

/**
 * engine_read_media() - the bytes of a record
 * @engine:     the engine
 * @parcel:     with its key
 * @id:         of the record
 * @piece:      where they lie
 * @record:     gets them, and its clip
 *
 * Return: 0; READER_E_DAMAGED; READER_E_AWAY; < 0.
 */
int engine_read_media(Engine *engine, const Parcel *parcel, uint64_t id, const Piece *piece, Record *record) {
        SealAd ad = seal_ad(vault_scope(engine->vault), SEAL_KIND_BLOB, LANE_MEDIA, id);
        _cleanup_bytes_ Bytes sealed = { 0 }, data = { 0 };
        _cleanup_leave_ Segments *entered = NULL;
        int r;

        if (piece->length == 0)
                return record_set_media(record, parcel->clip, &data);
        if (media_enter(engine, false, &entered) != 0)
                return segments_state(engine->segments) == JOURNAL_MEDIA_OK ? READER_E_DAMAGED : READER_E_AWAY;
        r = segments_read(engine->segments, parcel->row.id, piece->offset, piece->length, &sealed);
        if (r == SEGMENTS_E_UNREADABLE)
                return media_unreadable(engine, id);
        if (r != 0)
                return r < 0 ? r : r == SEGMENTS_E_AWAY ? READER_E_AWAY : READER_E_DAMAGED;
        if (memcmp(sealed.data + sealed.size - sizeof(piece->tag), piece->tag, sizeof(piece->tag)) != 0)
                return READER_E_DAMAGED; /* not what the row was committed with */
        r = aead_open(parcel->aead, ad.bytes, sizeof(ad.bytes), sealed.data, sealed.size, &data);
        if (r != 0)
                return r < 0 ? r : READER_E_DAMAGED;
        return record_set_media(record, parcel->clip, &data);
}
