/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The marks of vault.db. Floor 2.
 *
 *   mark
 *     lane             number in enum Lane
 *     body             the lane's row of journal.db as it was at the last transaction of the vault, sealed: see
 *                      lane-states.c
 *
 * Written along with every transaction of the vault, so about every ten minutes while something is recorded. A journal.db
 * that is behind its marks is an older copy; one that is gone goes on from them: no number is counted twice, and nothing
 * that the store was known to have is sent again.
 */
#include "marks.h"

/**
 * mark_load() - what a lane had come to
 * @vault:      the vault
 * @lane:       which
 * @ret:        filled when 1 is returned
 *
 * Return: 1; 0 if none was written yet; MARK_E_DAMAGED if its seal does not hold; < 0.
 */
int mark_load(Vault *vault, Lane lane, LaneState *ret) {
        const Catalogue catalogue = { .aead = vault_catalogue_aead(vault), .scope = vault_scope(vault) };
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        Bytes sealed;
        int r;

        r = db_start(vault_db(vault), "SELECT body FROM mark WHERE lane = ?", &statement, DB_INT(lane));
        if (r < 0)
                return r;
        r = db_step(vault_db(vault), statement);
        if (r <= 0)
                return r;
        sealed = db_column_bytes(statement, 0);
        r = lane_state_open(&catalogue, SEAL_KIND_MARK, lane, &sealed, ret);
        return r == 0 ? MARK_E_DAMAGED : r;
}

/**
 * marks_save() - write down what journal.db has come to
 * @vault:      within a transaction
 * @lanes:      as committed to journal.db
 *
 * Return: 0; < 0.
 */
int marks_save(Vault *vault, const LaneState lanes[static LANE_MAX]) {
        const Catalogue catalogue = { .aead = vault_catalogue_aead(vault), .scope = vault_scope(vault) };
        int r = 0;

        for (unsigned lane = 0; r >= 0 && lane < LANE_MAX; lane++) {
                _cleanup_bytes_ Bytes sealed = { 0 };

                r = lane_state_seal(&catalogue, SEAL_KIND_MARK, (Lane)lane, &lanes[lane], &sealed);
                if (r >= 0)
                        r = db_run(vault_db(vault), "INSERT OR REPLACE INTO mark VALUES(?, ?)", DB_INT(lane),
                                   DB_BYTES(&sealed));
        }
        return r;
}
