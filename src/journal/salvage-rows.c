/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From a damaged journal.db into a new one: the rows, objects, gaps and lanes whose seals hold. Floor 2.
 *
 * A row is proven by the key of the parcel that its id names, in the lane that the vault says; where in the old file it
 * lay does not matter. An object is proven by its label; of several versions of one the latest state counts, since
 * states only go up. What is new is committed in slices, so that its WAL stays small.
 */
#include <errno.h>
#include <string.h>
#include "salvage.h"
#include "salvage-pages.h"

#define SLICE_ROWS 2000
#define OBJECT_COLUMNS 7
#define GAP_COLUMNS 5
#define LANE_COLUMNS 8

/* Returns 1 when the parcel is living and its key opens, 0 when not. */
static int salvage_open_parcel(Salvage *salvage, uint64_t id) {
        int r;

        if (salvage->parcel && salvage->parcel->row.id == id)
                return 1;
        if (id == 0 || id > salvage->damage.last_parcel || id == salvage->no_parcel)
                return 0;
        salvage->parcel = parcel_free(salvage->parcel);
        r = parcel_load(salvage->engine->vault, id, &salvage->parcel);
        if (r > 0)
                salvage->no_parcel = id;
        return r < 0 ? r : r == 0;
}

static int salvage_next_slice(Salvage *salvage) {
        int r;

        if (++salvage->n_rows < SLICE_ROWS)
                return 0;
        salvage->n_rows = 0;
        r = db_commit(&salvage->transaction);
        return r < 0 ? r : db_begin(salvage->catalogue.db, &salvage->transaction);
}

static int salvage_row(Salvage *salvage, const FoundRow *found) {
        const Bytes body = { .data = (uint8_t *)found->columns[0].data, .size = found->columns[0].size };
        _cleanup_bytes_ Bytes plain = { 0 };
        const Parcel *parcel;
        SealAd ad;
        int r;

        r = salvage_open_parcel(salvage, parcel_of(found->id));
        if (r <= 0)
                return r;
        parcel = salvage->parcel;
        ad = seal_ad(vault_scope(salvage->engine->vault), SEAL_KIND_RECORD, (uint8_t)parcel->row.lane, found->id);
        r = aead_open(parcel->aead, ad.bytes, sizeof(ad.bytes), body.data, body.size, &plain);
        if (r != 0)
                return r == AEAD_E_FORGED ? 0 : r;
        r = lane_insert(salvage->catalogue.db, parcel->row.lane, found->id, &body);
        if (r < 0)
                return r == -EEXIST ? 0 : r;
        salvage->damage.records++;
        return salvage_next_slice(salvage);
}

static bool object_is_possible(const Salvage *salvage, const Object *object) {
        uint64_t parcel = parcel_of(object->first);

        return object->purpose < PURPOSE_MAX && object->first <= object->last &&
               parcel == parcel_of(object->last) && parcel > 0 && parcel <= salvage->damage.last_parcel &&
               object->state >= OBJECT_INTENDED && object->state <= OBJECT_DOOMED;
}

static int salvage_object(Salvage *salvage, const FoundRow *found) {
        const DbValue *columns = found->columns;
        const Bytes label = { .data = (uint8_t *)columns[6].data, .size = columns[6].size };
        _cleanup_object_ Object object = {
                .id = found->id,
                .lane = (Lane)columns[0].number,
                .purpose = (Purpose)columns[1].number,
                .first = (uint64_t)columns[2].number,
                .last = (uint64_t)columns[3].number,
                .state = (ObjectState)columns[4].number,
                .erasure = (uint64_t)columns[5].number, /* NULL: 0 */
        };
        int r;

        if ((uint64_t)columns[0].number >= LANE_MAX)
                return 0;
        r = object_open_label(&salvage->catalogue, &label, &object);
        if (r < 0)
                return r;
        if (!object.subject || !object_is_possible(salvage, &object))
                return 0;
        r = db_run(salvage->catalogue.db,
                   "INSERT INTO object VALUES(?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(id) DO UPDATE"
                   " SET state = excluded.state, erasure = excluded.erasure, label = excluded.label"
                   " WHERE excluded.state > state",
                   DB_INT(object.id), DB_INT(object.lane), DB_INT(object.purpose), DB_INT(object.first),
                   DB_INT(object.last), DB_INT(object.state), object.erasure > 0 ? DB_INT(object.erasure) : DB_NULL,
                   DB_BYTES(&label));
        return r < 0 ? r : salvage_next_slice(salvage);
}

static bool columns_are_numbers(const DbValue *columns, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (columns[i].type != DB_VALUE_INT)
                        return false;
        return true;
}

/* A gap that is still to become a record. */
static int salvage_gap(Salvage *salvage, const FoundRow *found) {
        const DbValue *columns = found->columns;
        SealAd ad = seal_ad(salvage->catalogue.scope, SEAL_KIND_GAP, (uint8_t)columns[0].number, found->id);
        _cleanup_bytes_ Bytes plain = { 0 };
        int r;

        if ((uint64_t)columns[0].number >= LANE_MAX || (uint64_t)columns[1].number >= PURPOSE_MAX)
                return 0;
        r = aead_open(salvage->catalogue.aead, ad.bytes, sizeof(ad.bytes), columns[4].data, columns[4].size, &plain);
        if (r != 0)
                return r == AEAD_E_FORGED ? 0 : r;
        salvage->engine->has_gaps = true;
        return db_run(salvage->catalogue.db, "INSERT OR IGNORE INTO gap VALUES(?, ?, ?, ?, ?, ?)", DB_INT(found->id),
                      columns[0], columns[1], columns[2], columns[3], columns[4]);
}

/* The latest one counts. Cursors only go up, and so does what is settled, if not each part of it. */
static bool lane_is_later(const LaneState *a, const LaneState *b) {
        uint64_t settled_a = a->stored + a->parked + a->expired + a->evicted + a->erased;
        uint64_t settled_b = b->stored + b->parked + b->expired + b->evicted + b->erased;

        if (a->cursor != b->cursor)
                return a->cursor > b->cursor;
        return settled_a != settled_b ? settled_a > settled_b : a->parked < b->parked;
}

static int salvage_lane(Salvage *salvage, const FoundRow *found) {
        const Bytes seal = { .data = (uint8_t *)found->columns[7].data, .size = found->columns[7].size };
        LaneState state;
        int r;

        r = lane_state_open(&salvage->catalogue, SEAL_KIND_LANE, (Lane)found->id, &seal, &state);
        if (r > 0 && lane_is_later(&state, &salvage->marks[found->id]))
                salvage->marks[found->id] = state;
        return MIN(r, 0);
}

static bool lane_has_types(const FoundRow *found) {
        return found->id < LANE_MAX && columns_are_numbers(found->columns, 7) &&
               found->columns[7].type == DB_VALUE_BLOB && found->columns[7].size == LANE_STATE_SEALED_SIZE;
}

static bool object_has_types(const DbValue *columns) {
        return columns_are_numbers(columns, 5) &&
               (columns[5].type == DB_VALUE_INT || columns[5].type == DB_VALUE_NULL) &&
               columns[6].type == DB_VALUE_BLOB && columns[6].size > AEAD_OVERHEAD;
}

static int on_found(const FoundRow *found, void *userdata) {
        Salvage *salvage = userdata;

        if (found->n_columns == 1 && found->columns[0].type == DB_VALUE_BLOB &&
            found->columns[0].size >= AEAD_OVERHEAD)
                return salvage_row(salvage, found);
        if (found->n_columns == LANE_COLUMNS && lane_has_types(found))
                return salvage_lane(salvage, found);
        if (found->n_columns == OBJECT_COLUMNS && object_has_types(found->columns))
                return salvage_object(salvage, found);
        if (found->n_columns == GAP_COLUMNS && columns_are_numbers(found->columns, 4) &&
            found->columns[4].type == DB_VALUE_BLOB)
                return salvage_gap(salvage, found);
        return 0;
}

/**
 * salvage_rows() - carry over all rows and objects whose seals hold
 * @salvage:    whose new file is open
 * @path:       of the damaged file, which may be missing
 *
 * Return: 0; < 0.
 */
int salvage_rows(Salvage *salvage, const char *path) {
        int r;

        r = db_begin(salvage->catalogue.db, &salvage->transaction);
        if (r >= 0)
                r = pages_search(path, on_found, salvage);
        return r < 0 ? r : db_commit(&salvage->transaction);
}
