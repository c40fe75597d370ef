/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The sessions of vault.db: what was proven of true time, boot by boot. Floor 2. What follows from it for retention is
 * in sessions.c.
 *
 *   session
 *     id     1, 2, 3 ..., the oldest first
 *     body   sealed under the catalogue key, id as above; packed numbers: boot id (two halves), powered-on time at its start
 *            and at its end (all ones: it goes on), sources (1 << TrueTimeSource, 0: not proven), offset of UTC against
 *            powered-on time, uncertainty, powered-on time when that was observed
 *
 * Sealed, since a parcel's row has its powered-on time in plain text: with the offset beside it everybody could read
 * when somebody was on the road. A row that does not open counts as never proven, which only delays an expiry.
 *
 * The table is small, changes about twice a boot, and is written whole, along with some other transaction where that
 * can wait: nothing that is recorded in a boot is durable before one.
 */
#include <endian.h>
#include <string.h>
#include "vault-time.h"

#define WORTH_USEC (10 * (int64_t)USEC_PER_SEC) /* a proof that moved less is not written for itself */

static uint64_t boot_half(const Session *session, size_t half) {
        uint64_t le;

        memcpy(&le, session->boot + half * sizeof(le), sizeof(le));
        return le64toh(le);
}

static int session_pack(const Session *session, Bytes *ret) {
        const uint64_t numbers[] = {
                boot_half(session, 0),
                boot_half(session, 1),
                session->started_on_usec,
                session->ended_on_usec,
                session->sources,
                (uint64_t)session->offset_usec,
                session->uncertainty_usec,
                session->proven_on_usec,
        };
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(numbers); i++)
                r = pack_u64(ret, numbers[i]);
        return r;
}

static bool session_unpack(const Bytes *plain, Session *ret) {
        Unpack unpack = { .data = plain->data, .size = plain->size };
        uint64_t boot_le[2];

        for (size_t i = 0; i < ELEMENTSOF(boot_le); i++)
                boot_le[i] = htole64(unpack_u64(&unpack));
        memcpy(ret->boot, boot_le, sizeof(boot_le));
        ret->started_on_usec = unpack_u64(&unpack);
        ret->ended_on_usec = unpack_u64(&unpack);
        ret->sources = (uint32_t)unpack_u64(&unpack);
        ret->offset_usec = (int64_t)unpack_u64(&unpack);
        ret->uncertainty_usec = unpack_u64(&unpack);
        ret->proven_on_usec = unpack_u64(&unpack);
        return !unpack.is_short;
}

/* Returns 1 when it opened, 0 when it is damaged. */
static int session_open(Vault *vault, sqlite3_stmt *statement, Session *ret) {
        SealAd ad = seal_ad(vault_scope(vault), SEAL_KIND_SESSION, SEAL_NO_LANE, db_column_u64(statement, 0));
        _cleanup_bytes_ Bytes plain = { 0 };
        int r;

        r = aead_open(vault_catalogue_aead(vault), ad.bytes, sizeof(ad.bytes), sqlite3_column_blob(statement, 1),
                      (size_t)sqlite3_column_bytes(statement, 1), &plain);
        if (r < 0)
                return r;
        return r == 0 && session_unpack(&plain, ret);
}

static int sessions_read(Vault *vault, Sessions *sessions) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r;

        r = db_start(vault_db(vault), "SELECT id, body FROM session ORDER BY id", &statement);
        while (r >= 0 && sessions->n < SESSIONS_MAX && (r = db_step(vault_db(vault), statement)) > 0) {
                r = session_open(vault, statement, &sessions->list[sessions->n]);
                sessions->n += r > 0;
        }
        return MIN(r, 0);
}

/**
 * vault_time_init() - what earlier boots knew, and another session if this is another boot
 * @time:       filled in, whatever it was
 * @vault:      borrowed for as long as @time is used
 *
 * Return: 0; < 0.
 */
int vault_time_init(VaultTime *time, Vault *vault) {
        const VaultStart *start = vault_start(vault);
        const Session *last;
        int r;

        *time = (VaultTime){ .vault = vault };
        r = sessions_read(vault, &time->sessions);
        if (r < 0)
                return r;
        last = time->sessions.n > 0 ? &time->sessions.list[time->sessions.n - 1] : NULL;
        if (start->is_same_boot && last && last->ended_on_usec == USEC_INFINITY &&
            memcmp(last->boot, start->boot.bytes, SESSION_BOOT_SIZE) == 0)
                return 0;
        sessions_begin(&time->sessions, start->boot.bytes, start->boot_on_usec);
        time->is_changed = true;
        return 0;
}

static int session_insert(Vault *vault, const Session *session, uint64_t id) {
        SealAd ad = seal_ad(vault_scope(vault), SEAL_KIND_SESSION, SEAL_NO_LANE, id);
        _cleanup_bytes_ Bytes plain = { 0 }, sealed = { 0 };
        int r;

        r = session_pack(session, &plain);
        if (r >= 0)
                r = aead_seal(vault_catalogue_aead(vault), ad.bytes, sizeof(ad.bytes), plain.data, plain.size, &sealed);
        if (r < 0)
                return r;
        return db_run(vault_db(vault), "INSERT INTO session VALUES(?, ?)", DB_INT(id), DB_BYTES(&sealed));
}

/**
 * vault_time_save() - write the sessions down
 * @time:       its vault is within a transaction; is_changed is to be set again if that comes to nothing
 *
 * Return: 0; < 0.
 */
int vault_time_save(VaultTime *time) {
        int r;

        if (!time->is_changed)
                return 0;
        r = db_run(vault_db(time->vault), "DELETE FROM session");
        for (size_t i = 0; r >= 0 && i < time->sessions.n; i++)
                r = session_insert(time->vault, &time->sessions.list[i], i + 1);
        if (r < 0)
                return r;
        time->is_changed = time->is_news = false;
        return 0;
}

/**
 * vault_time_prove() - true time is proven in this boot, or better than before
 * @time:       changed
 * @proof:      against CLOCK_BOOTTIME; used from here on, written with the next transaction
 */
void vault_time_prove(VaultTime *time, const TrueTimeProof *proof) {
        const Session *present = &time->sessions.list[time->sessions.n - 1], before = *present;
        int64_t moved_usec;

        sessions_prove(&time->sessions, proof, vault_start(time->vault)->on_minus_boottime_usec);
        moved_usec = present->offset_usec - before.offset_usec;
        time->is_changed = true;
        time->is_news |= before.sources != present->sources || moved_usec > WORTH_USEC || moved_usec < -WORTH_USEC;
}

/**
 * vault_time_trim() - drop what no living parcel needs
 * @time:       changed
 * @oldest_on_usec: when the oldest that may expire was opened, in powered-on time; USEC_INFINITY: there is none
 */
void vault_time_trim(VaultTime *time, uint64_t oldest_on_usec) {
        time->is_changed |= sessions_trim(&time->sessions, oldest_on_usec);
}

/**
 * vault_time_get() - what is known of true time, against CLOCK_BOOTTIME of this boot
 * @time:       borrowed
 * @ret:        filled
 */
void vault_time_get(const VaultTime *time, JournalTime *ret) {
        sessions_get_time(&time->sessions, vault_start(time->vault)->on_minus_boottime_usec, ret);
}
