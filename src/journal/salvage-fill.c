/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From a damaged journal.db into a new one: what follows from the rows and objects that were carried over. Floor 2.
 *
 *   cursor     the highest of: the latest sealed state of the lane, here or as the mark of the vault, the end of an object
 *              that is stored, the end of a parked range.
 *              Acknowledgements come in order, so all below it was settled, and it is never too far
 *   stored     the mark, or the records of the stored objects if these are more; objects: those
 *   parked     the records of the parked ranges      expired, evicted, erased   the mark
 *
 *   intent     as it is, if its parcel is living and the cursor has not reached it: the same name, whatever became of
 *              the first try. Behind the cursor it was acknowledged, unless it was parked. One that holds others was
 *              divided, so it is void
 *   void, or an intent of a parcel of which nothing is left: may be in the store, so it is doomed
 *
 *   lost row   of a living parcel, behind the cursor: an empty row takes its place. No key opens that one, so it is
 *              counted, and parked when its turn comes, like any damaged record; and a parcel stays without holes, which
 *              all else relies on. How many rows a closed parcel had is sealed in the vault; of one that was open when
 *              the box went down only what lies before the last row found can be known
 *
 *   Where ranges were parked and cannot be read, what the cursor has passed in a living parcel and no object covers is
 *   parked again: it may never have been sent, and must not be let go.
 */
#include <errno.h>
#include <string.h>
#include "salvage.h"

#define REASON_UNKNOWN "its fate was lost with a damaged file"

/* Of a lane: NULL counts as 0. */
static int fill_number(Salvage *salvage, const char *sql, Lane lane, uint64_t *ret) {
        int64_t number = 0;
        int r;

        r = db_number(salvage->catalogue.db, sql, &number, DB_INT(lane));
        if (r < 0)
                return r;
        *ret = (uint64_t)number;
        return 0;
}

/* The records of the stored objects of a lane; that number is in their labels. */
static int fill_count_stored(Salvage *salvage, LaneState stored[static LANE_MAX]) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r;

        r = objects_start(&salvage->catalogue, OBJECTS_STORED, &statement);
        while (r >= 0) {
                _cleanup_object_ Object object = { 0 };

                r = objects_step(&salvage->catalogue, statement, &object);
                if (r <= 0)
                        break;
                stored[object.lane].objects++;
                stored[object.lane].stored += object.extent.records;
        }
        return r;
}

/* Moves all on that a query finds, one after the other; none of them is found again then. */
static int fill_move_on(Salvage *salvage, const char *sql, Lane lane, uint64_t cursor, ObjectState state) {
        int64_t id;
        int r;

        while ((r = db_number(salvage->catalogue.db, sql, &id, DB_INT(lane), DB_INT(cursor))) > 0) {
                r = object_set_state(&salvage->catalogue, (uint64_t)id, state, 0);
                if (r < 0)
                        return r;
        }
        return r;
}

/* Intents: those that others lie in were divided, those that the cursor has passed were settled. */
static int fill_intents(Salvage *salvage, Lane lane, uint64_t cursor) {
        int r;

        r = fill_move_on(salvage, "SELECT id FROM object WHERE state = 1 AND lane = ?1 AND ?2 IS NOT NULL AND EXISTS"
                                  " (SELECT 1 FROM object AS part WHERE part.lane = object.lane AND part.id > object.id"
                                  " AND part.state <= 3 AND part.first >= object.first AND part.last <= object.last)",
                         lane, cursor, OBJECT_VOID);
        if (r >= 0)
                r = fill_move_on(salvage, "SELECT id FROM object WHERE state = 1 AND lane = ?1 AND first <= ?2"
                                          " AND last > ?2", lane, cursor, OBJECT_VOID);
        if (r >= 0)
                r = fill_move_on(salvage, "SELECT id FROM object WHERE state = 1 AND lane = ?1 AND last <= ?2 AND EXISTS"
                                          " (SELECT 1 FROM parked WHERE parked.lane = object.lane AND parked.first <="
                                          " object.first AND parked.last >= object.last)", lane, cursor, OBJECT_VOID);
        if (r >= 0)
                r = fill_move_on(salvage, "SELECT id FROM object WHERE state = 1 AND lane = ?1 AND last <= ?2", lane,
                                 cursor, OBJECT_STORED);
        return r;
}

/* Where a lane's cursor was at least. */
static int fill_cursor(Salvage *salvage, Lane lane, uint64_t *ret) {
        uint64_t stored_end, parked_end;
        int r;

        r = fill_number(salvage, "SELECT max(last) FROM object WHERE state = 3 AND lane = ?", lane, &stored_end);
        if (r >= 0)
                /* What was noted as damaged within an intent is ahead of the cursor still. */
                r = fill_number(salvage, "SELECT max(last) FROM parked WHERE lane = ? AND NOT EXISTS (SELECT 1 FROM"
                                         " object WHERE object.state = 1 AND object.lane = parked.lane"
                                         " AND object.first <= parked.first AND object.last >= parked.last)",
                                lane, &parked_end);
        if (r < 0)
                return r;
        *ret = MAX(stored_end, parked_end);
        *ret = MAX(*ret, salvage->marks[lane].cursor);
        return 0;
}

/* What is left open of a parcel of which the vault keeps nothing: doomed. A destroyed one of which something is left is
 * settled as ever. */
static int fill_doom_orphans(Salvage *salvage) {
        Db *db = salvage->catalogue.db;
        int64_t id = 0, first, fate = 0;
        int r;

        while ((r = db_number(db, "SELECT id FROM object WHERE state <= 2 AND id > ? ORDER BY id LIMIT 1", &id,
                              DB_INT(id))) > 0) {
                r = db_number(db, "SELECT first FROM object WHERE id = ?", &first, DB_INT(id));
                if (r > 0)
                        r = db_number(vault_db(salvage->engine->vault), "SELECT fate FROM parcel WHERE id = ?", &fate,
                                      DB_INT(parcel_of((uint64_t)first)));
                if (r == 0 || (r > 0 && fate == PARCEL_GONE))
                        r = object_set_state(&salvage->catalogue, (uint64_t)id, OBJECT_DOOMED, 0);
                if (r < 0)
                        return r;
        }
        return r;
}

/* Numbers of objects go on well behind all that may have been given out: an answer that is still on its way must not
 * meet another object. */
static int fill_object_numbers(Salvage *salvage) {
        Db *db = salvage->catalogue.db;
        int r;

        r = db_run(db, "UPDATE sqlite_sequence SET seq = seq + 1000000 WHERE name = 'object'");
        if (r < 0 || db_changes(db) > 0)
                return r;
        return db_run(db, "INSERT INTO sqlite_sequence(name, seq) VALUES('object', 1000000)");
}

/* Parks what the cursor has passed from @from to @to and no object covers. */
static int fill_park(Salvage *salvage, Lane lane, uint64_t from, uint64_t to) {
        uint64_t bounds[2] = { 0 };
        int r;

        if (from > to)
                return 0;
        r = lane_bounds(salvage->catalogue.db, lane, from, to, bounds);
        if (r <= 0)
                return r;
        r = parked_insert(salvage->catalogue.db, lane, bounds[0], bounds[1], REASON_UNKNOWN);
        return r == -EEXIST ? 0 : r; /* it could be read */
}

static int fill_park_uncovered(Salvage *salvage, const ParcelRow *row, uint64_t cursor) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        uint64_t next = parcel_first_id(row->id), last = MIN(parcel_last_id(row->id), cursor);
        Db *db = salvage->catalogue.db;
        int r;

        r = db_start(db, "SELECT first, last FROM object WHERE state >= 3 AND lane = ? AND first BETWEEN ? AND ?"
                         " UNION SELECT first, last FROM parked WHERE lane = ? AND first BETWEEN ? AND ? ORDER BY 1",
                     &statement, DB_INT(row->lane), DB_INT(next), DB_INT(last), DB_INT(row->lane), DB_INT(next),
                     DB_INT(last));
        while (r >= 0 && (r = db_step(db, statement)) > 0) {
                uint64_t first = db_column_u64(statement, 0), end = db_column_u64(statement, 1);

                r = fill_park(salvage, row->lane, next, first - 1);
                next = MAX(next, end + 1);
        }
        return r < 0 ? r : fill_park(salvage, row->lane, next, last);
}

static int fill_lost_parked(Salvage *salvage, Lane lane, uint64_t cursor) {
        uint64_t from = 0;
        ParcelRow row;
        int r = 0;

        if (salvage->n_parked[lane] >= salvage->marks[lane].parked)
                return 0;
        while (r >= 0 && (r = parcels_next(salvage->engine->vault, lane, from, &row)) > 0 &&
               row.id <= parcel_of(cursor)) {
                from = row.id + 1;
                r = fill_park_uncovered(salvage, &row, cursor);
        }
        return MIN(r, 0);
}

static int fill_lane(Salvage *salvage, Lane lane) {
        LaneState *mark = &salvage->marks[lane];
        uint64_t cursor;
        int r;

        r = fill_cursor(salvage, lane, &cursor);
        if (r >= 0)
                r = fill_intents(salvage, lane, cursor);
        if (r >= 0)
                r = fill_lost_parked(salvage, lane, cursor);
        if (r < 0)
                return r;
        mark->cursor = cursor;
        mark->parked = 0;
        r = db_number(salvage->catalogue.db, "SELECT sum(last - first + 1) FROM parked WHERE lane = ? AND last <= ?",
                      (int64_t *)&mark->parked, DB_INT(lane), DB_INT(cursor));
        return MIN(r, 0);
}

/**
 * salvage_lanes() - cursors, counters and states of objects
 * @salvage:    with all that was carried over; its marks become the lanes' states
 *
 * Return: 0; < 0.
 */
int salvage_lanes(Salvage *salvage) {
        LaneState stored[LANE_MAX] = { 0 };
        int r;

        r = db_begin(salvage->catalogue.db, &salvage->transaction);
        for (unsigned lane = 0; r >= 0 && lane < LANE_MAX; lane++)
                r = fill_lane(salvage, (Lane)lane);
        if (r >= 0)
                r = fill_doom_orphans(salvage);
        if (r >= 0)
                r = fill_count_stored(salvage, stored);
        for (unsigned lane = 0; r >= 0 && lane < LANE_MAX; lane++) {
                LaneState *state = &salvage->marks[lane];

                if (state->objects > stored[lane].objects)
                        salvage->damage.objects_lost += state->objects - stored[lane].objects;
                state->objects = stored[lane].objects;
                state->stored = MAX(state->stored, stored[lane].stored);
                r = lane_save(&salvage->catalogue, (Lane)lane, state);
        }
        if (r >= 0)
                r = fill_object_numbers(salvage);
        return r < 0 ? r : db_commit(&salvage->transaction);
}

static int fill_hole(Salvage *salvage, Lane lane, uint64_t from, uint64_t end) {
        const Bytes nothing = { .data = (uint8_t *)"", .size = 0 };
        int r = 0;

        for (uint64_t id = from; r >= 0 && id < end; id++, salvage->damage.lost++)
                r = lane_insert(salvage->catalogue.db, lane, id, &nothing);
        return r;
}

/* Where the rows of a parcel end, as far as the vault or the open parcel knows; the first id behind. */
static uint64_t fill_end(Salvage *salvage, const Parcel *parcel) {
        uint64_t end = parcel_first_id(parcel->row.id);

        for (const OpenParcel *open = salvage->engine->open_parcels; open; open = open->next)
                if (open->parcel->row.id == parcel->row.id)
                        return end + open->n;
        return parcel->has_extent ? end + MIN(parcel->extent.records, PARCEL_RECORDS_MAX) : end;
}

/* So that the store does not take it for silence. When exactly is not known, but within the parcel's time. */
static int fill_note_gap(Salvage *salvage, const Parcel *parcel, uint64_t n_lost) {
        const Gap gap = {
                .lane = parcel->row.lane,
                .purpose = parcel->row.purpose,
                .reason = GAP_DAMAGED,
                .subject = parcel->subject,
                .source = parcel->source,
                .records = n_lost,
                .since_ms = parcel->extent.oldest_ms,
                .until_ms = parcel->extent.newest_ms,
        };

        if (n_lost == 0 || strcmp(parcel->source, PARCEL_SOURCE_OWN) == 0)
                return 0;
        salvage->engine->has_gaps = true;
        return gap_insert(&salvage->catalogue, &gap);
}

/* The end of the run of rows that begins at or behind @from, and where it begins. Returns 1; 0 if there is no row. */
static int fill_next_run(Salvage *salvage, Lane lane, uint64_t from, uint64_t to, uint64_t ret_run[static 2]) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        uint64_t end = 0;
        int r;

        r = lane_start_rows(salvage->catalogue.db, lane, from, to, &statement);
        while (r >= 0 && (r = db_step(salvage->catalogue.db, statement)) > 0) {
                uint64_t id = db_column_u64(statement, 0);

                if (end == 0)
                        ret_run[0] = id;
                else if (id != end)
                        break;
                end = id + 1;
        }
        ret_run[1] = end;
        return r < 0 ? r : end > 0;
}

static int fill_parcel(Salvage *salvage, const ParcelRow *row) {
        uint64_t next = MAX(parcel_first_id(row->id), salvage->marks[row->lane].cursor + 1), run[2] = { 0 };
        uint64_t n_before = salvage->damage.lost;
        _cleanup_(parcel_freep) Parcel *parcel = NULL;
        int r;

        r = parcel_load(salvage->engine->vault, row->id, &parcel);
        if (r != 0)
                return MIN(r, 0); /* its key is damaged: there is no row that it could be known by */
        while ((r = fill_next_run(salvage, row->lane, next, parcel_last_id(row->id), run)) > 0) {
                r = fill_hole(salvage, row->lane, next, run[0]);
                if (r < 0)
                        return r;
                next = run[1];
        }
        if (r >= 0)
                r = fill_hole(salvage, row->lane, next, fill_end(salvage, parcel));
        return r < 0 ? r : fill_note_gap(salvage, parcel, salvage->damage.lost - n_before);
}

/**
 * salvage_fill() - put an empty row in the place of each that is lost
 * @salvage:    whose lanes are done
 *
 * Return: 0; < 0.
 */
int salvage_fill(Salvage *salvage) {
        _cleanup_parcel_list_ ParcelList list = { 0 };
        int r;

        r = parcels_list(salvage->engine->vault, PARCELS_LIVING, &list);
        if (r >= 0)
                r = db_begin(salvage->catalogue.db, &salvage->transaction);
        for (size_t i = 0; r >= 0 && i < list.n; i++)
                r = fill_parcel(salvage, &list.rows[i]);
        return r < 0 ? r : db_commit(&salvage->transaction);
}
