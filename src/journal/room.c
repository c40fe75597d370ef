/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Room on the disk, and who gets it. Floor 2.
 *
 *   destroying keys, withdrawals, erasures, sending, deleting rows    always: the reserve is theirs
 *   new records                                                       only while the reserve is whole
 *
 * Before that what is over a limit is evicted, and on a disk without any room what is old makes room for what is new
 * within journal.db. So a full disk stops recording first, and what makes room or protects somebody last. A transaction of the vault asks
 * before it begins, for one that fails at its end is in doubt and must not be done twice; those of journal.db are done
 * again when they have failed for want of room and the reserve could be given to them.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include "engine.h"

#define LOG_MODULE "journal"
#include "trailkeep/log.h"

/* A rollback journal holds each page that is changed, at most all of them; the rest is for what is added. */
#define VAULT_MORE_BYTES (UINT64_C(256) * 1024)
#define ROWS_MORE_BYTES (UINT64_C(64) * 1024)
#define MEDIA_MORE_BYTES (UINT64_C(1024) * 1024)

/**
 * is_no_room() - whether a failure is a lack of room
 * @r:          what a call returned
 *
 * Return: whether it is.
 */
bool is_no_room(int r) {
        return r == -ENOSPC || r == -EDQUOT;
}

/* What a transaction of the vault may take for a moment. */
static uint64_t room_vault_bytes(uint64_t vault_bytes) {
        return vault_bytes + VAULT_MORE_BYTES;
}

/* Twice: sealed, and in pages that are not full. */
static uint64_t room_waiting_bytes(const Engine *engine) {
        return 2 * (uint64_t)rows_total(&engine->waiting[ROW_CLASS_PLAIN]).bytes + ROWS_MORE_BYTES;
}

/**
 * engine_bound_wal() - on a small file system, copy the WAL back before the reserve cannot hold what that takes
 * @engine:     the engine, with its reserve and journal.db
 *
 * Return: 0; < 0.
 */
int engine_bound_wal(Engine *engine) {
        uint64_t n_pages = engine->reserve.bytes / 2 / DB_PAGE_BYTES;
        char sql[64];

        if (n_pages == 0 || n_pages >= LANES_WAL_PAGES)
                return 0;
        (void)snprintf(sql, sizeof(sql), "PRAGMA wal_autocheckpoint=%u", (unsigned)n_pages); /* always fits */
        return db_execute(engine->db, sql);
}

/**
 * engine_yield_reserve() - something that must be done has failed: make room for it, if that is why
 * @engine:     the engine
 * @r:          < 0, how it failed
 *
 * Return: whether to try again.
 */
bool engine_yield_reserve(Engine *engine, int r) {
        if (!is_no_room(r))
                return false;
        engine->is_full = true;
        return reserve_give(&engine->reserve);
}

/**
 * engine_secure_vault() - see to it that a transaction of the vault has room
 * @engine:     the engine
 */
void engine_secure_vault(Engine *engine) {
        struct statvfs fs;
        DbSize vault = { 0 };

        /* What cannot be asked cannot be written either, and says so there. */
        (void)!db_get_size(vault_db(engine->vault), &vault);
        if (engine->is_full || (fstatvfs(engine->lock_fd, &fs) >= 0 &&
                                (uint64_t)fs.f_bavail * fs.f_frsize < room_vault_bytes(vault.bytes)))
                (void)reserve_give(&engine->reserve); /* else there is none, and the transaction says so */
}

/**
 * engine_restore_reserve() - take the reserve again, as far as there is room
 * @engine:     the engine
 *
 * Return: 0: it is whole; < 0: why it is not.
 */
int engine_restore_reserve(Engine *engine) {
        int r = reserve_take(&engine->reserve);

        if (r >= 0)
                engine->is_full = false;
        return r;
}

/* What lies beside the databases gives its room back when it goes, other than what is in them. */
static int room_keep_free(Engine *engine) {
        const Quota *quota = &engine->quota;
        uint64_t goal_bytes = quota->keep_free_bytes + quota->owed_bytes;

        if (engine->has_media_dir || engine->lane_bytes[LANE_MEDIA] == 0 || quota->left_bytes >= goal_bytes)
                return 0;
        return engine_evict(engine, UINT32_C(1) << LANE_MEDIA, goal_bytes - quota->left_bytes, EVICT_SPARING);
}

/* Alarms go only when nothing else may. */
static int room_evict(Engine *engine, uint32_t lanes, uint64_t wanted_bytes, unsigned flags) {
        const uint32_t alarms = UINT32_C(1) << LANE_ALARM;
        int r;

        if (wanted_bytes == 0)
                return 0;
        r = engine_evict(engine, lanes & ~alarms, wanted_bytes, flags);
        return r == 0 && lanes & alarms ? engine_evict(engine, lanes, wanted_bytes, flags) : r;
}

/* More than a limit allows is evicted before more is written; what fails there is tried again with what is written next.
 * While rows are being deleted nobody knows yet how much is too much. Returns 0 when there was nothing to do. */
static int room_keep_quota(Engine *engine) {
        uint32_t lanes = engine->has_media_dir ? ~(UINT32_C(1) << LANE_MEDIA) : UINT32_MAX;
        int r;

        if (engine->has_dead || engine->is_unsettled)
                return 0;
        r = room_keep_free(engine);
        if (r == 0)
                r = room_evict(engine, lanes, quota_excess(&engine->quota), 0);
        if (r == 0)
                r = room_evict(engine, lanes, quota_wanted_empty(&engine->quota), EVICT_ENOUGH);
        for (unsigned lane = 0; r == 0 && lane < LANE_MAX; lane++)
                r = room_evict(engine, lanes & UINT32_C(1) << lane,
                               quota_lane_excess(&engine->quota, (Lane)lane, engine->lane_bytes[lane]), 0);
        if (r < 0)
                log_debug("no room could be made: %s", strerror(-r));
        return r;
}

/* How much the WAL may still grow, as large as it gets with what waits. */
static uint64_t room_wal_growth_bytes(const Engine *engine) {
        uint64_t wal_max_bytes = MIN((uint64_t)LANES_WAL_PAGES * DB_PAGE_BYTES, engine->reserve.bytes / 2) +
                                 room_waiting_bytes(engine);

        return wal_max_bytes - MIN(engine->quota.wal_bytes, wal_max_bytes);
}

/* Whether the reserve does for the vault when the WAL has grown as far as it does: it grows once, and is used again. */
static bool room_can_lend(const Engine *engine) {
        return engine->reserve.held_bytes >=
               room_vault_bytes(engine->quota.vault_bytes) + room_wal_growth_bytes(engine);
}

/* On a disk that has no room for growing, records may have what is empty in journal.db. */
static bool room_can_recycle(const Engine *engine) {
        return engine->quota.owed_bytes == 0 && engine->quota.empty_bytes >= room_waiting_bytes(engine) &&
               room_can_lend(engine);
}

/**
 * engine_check_room() - see to the limits, and whether there is room for new records
 * @engine:     the engine
 *
 * The reserve may be lent to them; whoever writes takes it back afterwards.
 *
 * Return: 0; -ENOSPC: there is none that they may have; < 0: nothing can be written.
 */
int engine_check_room(Engine *engine) {
        bool is_changed;
        int r, r_reserve;

        r = engine_measure(engine, &engine->quota);
        if (r < 0)
                return r;
        is_changed = room_keep_quota(engine) != 0 || !reserve_is_whole(&engine->reserve);
        r_reserve = engine_restore_reserve(engine);
        if (r_reserve < 0 && !is_no_room(r_reserve))
                return r_reserve;
        r = is_changed ? engine_measure(engine, &engine->quota) : 0;
        if (r < 0)
                return r;
        if (r_reserve >= 0 &&
            engine->quota.left_bytes >= room_vault_bytes(engine->quota.vault_bytes) + engine->quota.owed_bytes)
                return 0;
        if (!room_can_recycle(engine))
                return -ENOSPC;
        if (room_wal_growth_bytes(engine) > 0)
                (void)reserve_give(&engine->reserve); /* it is not empty, see above */
        return 0;
}

/* What is to become empty in journal.db for the records that wait. */
static int room_empty(Engine *engine) {
        uint64_t wanted_bytes = room_waiting_bytes(engine);
        int r;

        r = engine_reclaim_all(engine);
        if (r >= 0)
                r = engine_measure(engine, &engine->quota);
        if (r < 0)
                return r;
        wanted_bytes -= MIN(engine->quota.empty_bytes, wanted_bytes);
        r = room_evict(engine, UINT32_MAX, wanted_bytes, EVICT_ENOUGH);
        return r > 0 ? engine_reclaim_all(engine) : r;
}

/**
 * engine_make_room() - the disk is full: make room for what waits, with the reserve given away for it
 * @engine:     the engine
 *
 * Nothing is evicted that would not help.
 *
 * Return: whether something was done that may have helped.
 */
bool engine_make_room(Engine *engine) {
        int r;

        (void)!engine_restore_reserve(engine); /* as far as possible: how far is what counts next */
        if (engine_measure(engine, &engine->quota) < 0 || !room_can_lend(engine))
                return false;
        engine->is_full = true;
        (void)reserve_give(&engine->reserve); /* it is not empty, see above */
        r = room_empty(engine);
        /* Copied back, the WAL is written from its beginning again. */
        if (r >= 0)
                r = db_execute(engine->db, "PRAGMA wal_checkpoint(PASSIVE)");
        (void)!engine_restore_reserve(engine); /* as far as possible */
        return r >= 0;
}

/**
 * engine_make_media_room() - the folder of the segments is full: evict media for the media that waits
 * @engine:     the engine
 *
 * Return: whether some was evicted.
 */
bool engine_make_media_room(Engine *engine) {
        uint64_t waiting_bytes = rows_total(&engine->waiting[ROW_CLASS_MEDIA]).bytes;
        int r;

        r = engine_evict(engine, UINT32_C(1) << LANE_MEDIA, MAX(2 * waiting_bytes, MEDIA_MORE_BYTES), EVICT_SPARING);
        return r > 0 && engine_reclaim_all(engine) >= 0;
}
