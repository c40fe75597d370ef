/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The damages of vault.db. Floor 2.
 *
 *   damage
 *     id            1, 2, 3 ...; the file is journal.db.damaged-<id>
 *     kind          enum DamageKind
 *     realtime_ms   when it was noticed, by a clock that is not trusted
 *     records       rows whose seal held, carried over
 *     lost          records that were still to be sent and are gone, as far as that can be known
 *     objects_lost  objects in the store that the catalogue has lost, as far as that can be known
 *     last_parcel   the highest number of a parcel at that time
 *     has_file      1: the damaged file is kept, since something living in it could not be carried over
 *     is_done       1: the new journal.db is in its place
 *     is_seen       1: somebody has acknowledged it
 *
 * Here and not in journal.db, which is what gets damaged. Nothing in it says whose data it was.
 */
#include "damages.h"

/**
 * damage_next_id() - the number of the next damage
 * @vault:      the vault
 * @ret:        untouched on failure; that of the last one, if a crash left it half done
 *
 * Return: 0; < 0.
 */
int damage_next_id(Vault *vault, uint64_t *ret) {
        int64_t last = 0;
        int r;

        r = db_number(vault_db(vault), "SELECT max(id) FROM damage WHERE is_done = 1", &last);
        if (r < 0)
                return r;
        *ret = (uint64_t)last + 1;
        return 0;
}

/**
 * damages_finish() - the new journal.db is in its place
 * @vault:      within a transaction, or not
 *
 * Return: 0; < 0.
 */
int damages_finish(Vault *vault) {
        return db_run(vault_db(vault), "UPDATE damage SET is_done = 1 WHERE is_done = 0");
}

/**
 * damage_insert() - write a damage down
 * @vault:      within a transaction
 * @damage:     with its number; one of the same number is replaced
 *
 * Return: 0; < 0.
 */
int damage_insert(Vault *vault, const Damage *damage) {
        return db_run(vault_db(vault), "INSERT OR REPLACE INTO damage VALUES(?, ?, ?, ?, ?, ?, ?, ?, 0, 0)",
                      DB_INT(damage->id), DB_INT(damage->kind), DB_INT(damage->realtime_ms), DB_INT(damage->records),
                      DB_INT(damage->lost), DB_INT(damage->objects_lost), DB_INT(damage->last_parcel),
                      DB_INT(damage->has_file));
}

/**
 * damage_next_file() - the first damage from a number on whose file is kept
 * @vault:      the vault
 * @from:       lowest number that will do
 * @ret:        its number and last_parcel, filled when 1 is returned
 *
 * Return: 1; 0 if there is none; < 0.
 */
int damage_next_file(Vault *vault, uint64_t from, Damage *ret) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r;

        r = db_start(vault_db(vault),
                     "SELECT id, last_parcel FROM damage WHERE has_file = 1 AND is_done = 1 AND id >= ? ORDER BY id LIMIT 1",
                     &statement, DB_INT(from));
        if (r < 0)
                return r;
        r = db_step(vault_db(vault), statement);
        if (r <= 0)
                return r;
        *ret = (Damage){
                .id = db_column_u64(statement, 0),
                .last_parcel = db_column_u64(statement, 1),
                .has_file = true,
        };
        return 1;
}

/**
 * damage_drop_file() - the damaged file is gone
 * @vault:      within a transaction
 * @id:         of the damage
 *
 * Return: 0; < 0.
 */
int damage_drop_file(Vault *vault, uint64_t id) {
        return db_run(vault_db(vault), "UPDATE damage SET has_file = 0 WHERE id = ?", DB_INT(id));
}

/**
 * damages_sum() - what nobody has acknowledged yet
 * @vault:      the vault
 * @ret:        filled on success; n_damages 0: nothing
 *
 * Return: 0; < 0.
 */
int damages_sum(Vault *vault, JournalDamage *ret) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r;

        r = db_start(vault_db(vault),
                     "SELECT count(*), coalesce(max(realtime_ms), 0), coalesce(sum(records), 0), coalesce(sum(lost), 0),"
                     " coalesce(sum(objects_lost), 0) FROM damage WHERE is_seen = 0",
                     &statement);
        if (r < 0)
                return r;
        r = db_step(vault_db(vault), statement);
        if (r <= 0)
                return r < 0 ? r : -EBADMSG;
        *ret = (JournalDamage){
                .n_damages = db_column_u64(statement, 0),
                .last_realtime_ms = sqlite3_column_int64(statement, 1),
                .records_saved = db_column_u64(statement, 2),
                .records_lost = db_column_u64(statement, 3),
                .objects_lost = db_column_u64(statement, 4),
        };
        return 0;
}

/**
 * damages_acknowledge() - somebody has taken note of all of them
 * @vault:      within a transaction
 *
 * Return: 0; < 0.
 */
int damages_acknowledge(Vault *vault) {
        return db_run(vault_db(vault), "UPDATE damage SET is_seen = 1 WHERE is_seen = 0");
}
