/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Cursors and counters of the lanes, and their seals. Floor 2.
 *
 * What the numbers say decides what is sent and what is let go, so they are sealed under the catalogue's key, here and as
 * the marks of vault.db (marks.c): cursor, stored, parked, expired, erased, objects, evicted, as packed numbers.
 */
#include <string.h>
#include "lane-states.h"

static int lane_state_pack(const LaneState *state, Bytes *bytes) {
        const uint64_t numbers[] = { state->cursor,  state->stored, state->parked,
                                     state->expired, state->erased, state->objects, state->evicted };
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(numbers); i++)
                r = pack_u64(bytes, numbers[i]);
        return r;
}

/**
 * lane_state_open() - a lane's state out of its seal
 * @catalogue:  borrowed
 * @kind:       SEAL_KIND_LANE or SEAL_KIND_MARK
 * @lane:       which
 * @sealed:     borrowed
 * @ret:        filled when 1 is returned
 *
 * Return: 1; 0 if the seal does not hold; < 0.
 */
int lane_state_open(const Catalogue *catalogue, SealKind kind, Lane lane, const Bytes *sealed, LaneState *ret) {
        SealAd ad = seal_ad(catalogue->scope, kind, (uint8_t)lane, 0);
        _cleanup_bytes_ Bytes plain = { 0 };
        LaneState state;
        Unpack unpack;
        int r;

        r = aead_open(catalogue->aead, ad.bytes, sizeof(ad.bytes), sealed->data, sealed->size, &plain);
        if (r != 0)
                return r < 0 ? r : 0;
        unpack = (Unpack){ .data = plain.data, .size = plain.size };
        state.cursor = unpack_u64(&unpack);
        state.stored = unpack_u64(&unpack);
        state.parked = unpack_u64(&unpack);
        state.expired = unpack_u64(&unpack);
        state.erased = unpack_u64(&unpack);
        state.objects = unpack_u64(&unpack);
        state.evicted = unpack_u64(&unpack);
        if (unpack.is_short)
                return 0;
        *ret = state;
        return 1;
}

/**
 * lane_state_seal() - seal a lane's state
 * @catalogue:  borrowed
 * @kind:       SEAL_KIND_LANE or SEAL_KIND_MARK
 * @lane:       which
 * @state:      borrowed
 * @ret:        appended to
 *
 * Return: 0; < 0.
 */
int lane_state_seal(const Catalogue *catalogue, SealKind kind, Lane lane, const LaneState *state, Bytes *ret) {
        SealAd ad = seal_ad(catalogue->scope, kind, (uint8_t)lane, 0);
        _cleanup_bytes_ Bytes plain = { 0 };
        int r = lane_state_pack(state, &plain);

        return r < 0 ? r : aead_seal(catalogue->aead, ad.bytes, sizeof(ad.bytes), plain.data, plain.size, ret);
}

static int lane_read(const Catalogue *catalogue, Lane lane, LaneState *ret, bool *ret_is_sealed) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        Db *db = catalogue->db;
        LaneState sealed;
        Bytes seal;
        int r;

        r = db_start(db, "SELECT cursor, stored, parked, expired, erased, objects, evicted, seal FROM lane WHERE id = ?",
                     &statement, DB_INT(lane));
        if (r < 0)
                return r;
        r = db_step(db, statement);
        if (r <= 0)
                return r < 0 ? r : -EBADMSG;
        *ret = (LaneState){
                .cursor = db_column_u64(statement, 0),
                .stored = db_column_u64(statement, 1),
                .parked = db_column_u64(statement, 2),
                .expired = db_column_u64(statement, 3),
                .erased = db_column_u64(statement, 4),
                .objects = db_column_u64(statement, 5),
                .evicted = db_column_u64(statement, 6),
        };
        *ret_is_sealed = sqlite3_column_type(statement, 7) != SQLITE_NULL;
        if (!*ret_is_sealed)
                return 0;
        seal = db_column_bytes(statement, 7);
        r = lane_state_open(catalogue, SEAL_KIND_LANE, lane, &seal, &sealed);
        return r < 0 ? r : r == 0 || memcmp(&sealed, ret, sizeof(sealed)) != 0 ? -EBADMSG : 0;
}

/**
 * lane_check() - whether the row of a lane is whole
 * @catalogue:  borrowed
 * @lane:       which
 * @ret:        filled on success
 *
 * Return: 0; -EBADMSG if it is missing or its seal does not hold; < 0.
 */
int lane_check(const Catalogue *catalogue, Lane lane, LaneState *ret) {
        LaneState state;
        bool is_sealed;
        int r = lane_read(catalogue, lane, &state, &is_sealed);

        if (r >= 0)
                *ret = state;
        return r;
}

/**
 * lane_load() - the cursor and counters of a lane
 * @catalogue:  borrowed
 * @lane:       which
 * @ret:        filled on success
 *
 * One that has no seal, since an earlier version wrote it or the file is new, gets one.
 *
 * Return: 0; -EBADMSG if it is missing or its seal does not hold: the database is damaged; < 0.
 */
int lane_load(const Catalogue *catalogue, Lane lane, LaneState *ret) {
        LaneState state;
        bool is_sealed;
        int r = lane_read(catalogue, lane, &state, &is_sealed);

        if (r == -EBADMSG)
                return db_damaged(catalogue->db);
        if (r >= 0 && !is_sealed)
                r = lane_save(catalogue, lane, &state);
        if (r < 0)
                return r;
        *ret = state;
        return 0;
}

/**
 * lane_save() - write the cursor and counters of a lane
 * @catalogue:  within a transaction
 * @lane:       which
 * @state:      what to write
 *
 * Return: 0; < 0.
 */
int lane_save(const Catalogue *catalogue, Lane lane, const LaneState *state) {
        _cleanup_bytes_ Bytes seal = { 0 };
        int r = lane_state_seal(catalogue, SEAL_KIND_LANE, lane, state, &seal);

        if (r < 0)
                return r;
        return db_run(catalogue->db,
                      "UPDATE lane SET cursor = ?, stored = ?, parked = ?, expired = ?, erased = ?, objects = ?,"
                      " evicted = ?, seal = ? WHERE id = ?",
                      DB_INT(state->cursor), DB_INT(state->stored), DB_INT(state->parked), DB_INT(state->expired),
                      DB_INT(state->erased), DB_INT(state->objects), DB_INT(state->evicted),
                      DB_BYTES(&seal), DB_INT(lane));
}
