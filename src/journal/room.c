/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Room on the disk, and who gets it. Floor 2.
 *
 *   destroying keys, withdrawals, erasures, sending, deleting rows    always: the reserve is theirs
 *   new records                                                       only while the reserve is whole
 *
 * So a full disk stops recording first, and what makes room or protects somebody last. A transaction of the vault asks
 * before it begins, for one that fails at its end is in doubt and must not be done twice; those of journal.db are done
 * again when they have failed for want of room and the reserve could be given to them.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include "engine.h"

/* A rollback journal holds each page that is changed, at most all of them; the rest is for what is added. */
#define VAULT_MORE_BYTES (UINT64_C(256) * 1024)

/**
 * is_no_room() - whether a failure is a lack of room
 * @r:          what a call returned
 *
 * Return: whether it is.
 */
bool is_no_room(int r) {
        return r == -ENOSPC || r == -EDQUOT;
}

/* UINT64_MAX where nobody knows. */
static uint64_t room_free_bytes(const Engine *engine) {
        struct statvfs fs;

        return fstatvfs(engine->lock_fd, &fs) < 0 ? UINT64_MAX : (uint64_t)fs.f_bavail * fs.f_frsize;
}

static uint64_t room_vault_bytes(const Engine *engine) {
        DbSize size = { 0 };

        /* What cannot be asked cannot be written either, and says so there. */
        (void)!db_get_size(vault_db(engine->vault), &size);
        return size.bytes + VAULT_MORE_BYTES;
}

/* By how much journal.db grows when its WAL is copied into it. */
static uint64_t room_owed_bytes(const Engine *engine) {
        DbSize size = { 0 };

        (void)!db_get_size(engine->db, &size); /* as above */
        return size.bytes - MIN(size.file_bytes, size.bytes);
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
        if (engine->is_full || room_free_bytes(engine) < room_vault_bytes(engine))
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

/**
 * engine_check_room() - whether there is room for new records
 * @engine:     the engine
 *
 * Return: 0; -ENOSPC: there is none that they may have; < 0: nothing can be written.
 */
int engine_check_room(Engine *engine) {
        int r = engine_restore_reserve(engine);

        if (r < 0)
                return r;
        return room_free_bytes(engine) < room_vault_bytes(engine) + room_owed_bytes(engine) ? -ENOSPC : 0;
}
