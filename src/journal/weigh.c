/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How much room the journal takes. Floor 2.
 *
 * Taken are the pages of both databases that hold something, and media where it lies beside them. How much a lane holds
 * is known from the extents of its parcels: summed up at start, and kept in step with commits and destroyed keys.
 * Nothing is written for it, and nothing is measured but when something is about to be written.
 */
#include <string.h>
#include <sys/statvfs.h>
#include "engine.h"

/**
 * engine_parcel_bytes() - what a living parcel holds
 * @engine:     the engine
 * @id:         of the parcel
 *
 * Return: bytes, as sealed; 0 where it cannot be opened.
 */
uint64_t engine_parcel_bytes(Engine *engine, uint64_t id) {
        const Parcel *open = engine_find_open(engine, id);
        _cleanup_(parcel_freep) Parcel *parcel = NULL;

        if (open)
                return open->extent.bytes;
        return parcel_load(engine->vault, id, &parcel) == 0 ? parcel->extent.bytes : 0;
}

/**
 * engine_weigh() - sum up what the lanes hold
 * @engine:     the engine
 * @living:     all living parcels
 */
void engine_weigh(Engine *engine, const ParcelList *living) {
        memset(engine->lane_bytes, 0, sizeof(engine->lane_bytes));
        for (size_t i = 0; i < living->n; i++)
                engine->lane_bytes[living->rows[i].lane] += engine_parcel_bytes(engine, living->rows[i].id);
}

/**
 * engine_destroy() - destroy a parcel's key, and know how much goes with it once that is committed
 * @engine:     the engine, within a transaction of the vault
 * @row:        of a living parcel
 * @n_bytes:    what it holds
 * @fate:       why
 * @erasure:    which erasure, or 0
 *
 * Return: 0; < 0.
 */
int engine_destroy(Engine *engine, const ParcelRow *row, uint64_t n_bytes, ParcelFate fate, uint64_t erasure) {
        int r = parcel_destroy(engine->vault, row->id, fate, erasure);

        if (r >= 0)
                engine->leaving_bytes[row->lane] += n_bytes;
        return r;
}

/**
 * engine_note_destroyed() - the transaction of the vault was committed
 * @engine:     the engine
 */
void engine_note_destroyed(Engine *engine) {
        for (size_t i = 0; i < LANE_MAX; i++)
                engine->lane_bytes[i] -= MIN(engine->leaving_bytes[i], engine->lane_bytes[i]);
        memset(engine->leaving_bytes, 0, sizeof(engine->leaving_bytes));
}

/**
 * engine_measure() - what is taken and what may be
 * @engine:     the engine
 * @ret:        filled on success
 *
 * Return: 0; < 0.
 */
int engine_measure(Engine *engine, Quota *ret) {
        DbSize journal = { 0 }, vault = { 0 };
        uint64_t fs_bytes = UINT64_MAX;
        struct statvfs fs;
        Quota quota = { .left_bytes = UINT64_MAX };
        int r;

        r = db_get_size(engine->db, &journal);
        if (r >= 0)
                r = db_get_size(vault_db(engine->vault), &vault);
        if (r < 0)
                return r;
        if (fstatvfs(engine->lock_fd, &fs) >= 0) {
                fs_bytes = (uint64_t)fs.f_blocks * fs.f_frsize;
                quota.left_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
                quota.keep_free_bytes = quota_keep_free_bytes(engine->keep_free_bytes, fs_bytes);
        }
        quota.max_bytes = quota_max_use_bytes(engine->max_use_bytes, fs_bytes);
        quota.empty_bytes = journal.free_bytes;
        quota.owed_bytes = journal.bytes - MIN(journal.file_bytes, journal.bytes);
        quota.wal_bytes = journal.wal_bytes;
        quota.vault_bytes = vault.bytes;
        quota.used_bytes = journal.bytes - MIN(journal.free_bytes, journal.bytes) + vault.bytes;
        if (!engine->has_media_dir)
                quota.used_bytes += engine->lane_bytes[LANE_MEDIA];
        *ret = quota;
        return 0;
}
