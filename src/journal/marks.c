/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The marks of vault.db. Floor 2.
 *
 *   mark
 *     lane             number in enum Lane
 *     cursor, stored, parked, expired, erased, objects, evicted
 *                      the lane's row of journal.db as it was at the last transaction of the vault
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
 * Return: 1; 0 if none was written yet; < 0.
 */
int mark_load(Vault *vault, Lane lane, LaneState *ret) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r;

        r = db_start(vault_db(vault),
                     "SELECT cursor, stored, parked, expired, erased, objects, evicted FROM mark WHERE lane = ?",
                     &statement, DB_INT(lane));
        if (r < 0)
                return r;
        r = db_step(vault_db(vault), statement);
        if (r <= 0)
                return r;
        *ret = (LaneState){
                .cursor = db_column_u64(statement, 0),
                .stored = db_column_u64(statement, 1),
                .parked = db_column_u64(statement, 2),
                .expired = db_column_u64(statement, 3),
                .erased = db_column_u64(statement, 4),
                .objects = db_column_u64(statement, 5),
                .evicted = db_column_u64(statement, 6),
        };
        return 1;
}

/**
 * marks_save() - write down what journal.db has come to
 * @vault:      within a transaction
 * @lanes:      as committed to journal.db
 *
 * Return: 0; < 0.
 */
int marks_save(Vault *vault, const LaneState lanes[static LANE_MAX]) {
        int r = 0;

        for (unsigned lane = 0; r >= 0 && lane < LANE_MAX; lane++)
                r = db_run(vault_db(vault), "INSERT OR REPLACE INTO mark VALUES(?, ?, ?, ?, ?, ?, ?, ?)", DB_INT(lane),
                           DB_INT(lanes[lane].cursor), DB_INT(lanes[lane].stored), DB_INT(lanes[lane].parked),
                           DB_INT(lanes[lane].expired), DB_INT(lanes[lane].erased), DB_INT(lanes[lane].objects),
                           DB_INT(lanes[lane].evicted));
        return r;
}
