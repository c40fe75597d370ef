/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From a damaged journal.db into a new one: what has no seal. Floor 2.
 *
 *   parked    as far as SQLite can still read it and the range lies in a living parcel
 *   applied   an erasure of which the vault says that nothing is left had been applied; how many objects it doomed is
 *             read from the old file, else counted among those that are left. Any other is applied (again): that may
 *             doom an object that was made in the seconds behind it and is released already, never too few
 *   dead      not needed: what the vault has destroyed is entered again
 *
 * A table that cannot be read is passed over; what salvage-fill.c does then errs on the safe side.
 */
#include <string.h>
#include "erasures.h"
#include "salvage.h"

#define REASON_LENGTH_MAX 200

static int small_park(Salvage *salvage, sqlite3_stmt *statement) {
        uint64_t lane = db_column_u64(statement, 0), first = db_column_u64(statement, 1);
        uint64_t last = db_column_u64(statement, 2);
        const char *reason = (const char *)sqlite3_column_text(statement, 3);
        ParcelRow row;
        int r;

        if (lane >= LANE_MAX || first > last || parcel_of(first) != parcel_of(last) || !reason ||
            strlen(reason) > REASON_LENGTH_MAX)
                return 0;
        r = parcels_next(salvage->engine->vault, (Lane)lane, parcel_of(first), &row);
        if (r <= 0 || row.id != parcel_of(first))
                return MIN(r, 0);
        r = parked_insert(salvage->catalogue.db, (Lane)lane, first, last, reason);
        if (r >= 0)
                salvage->n_parked[lane] += last - first + 1;
        return r;
}

/* Only what fails on the new file is a failure. */
static int small_parked(Salvage *salvage, Db *old) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r = 0;

        if (!old || db_start(old, "SELECT lane, first, last, reason FROM parked", &statement) < 0)
                return 0;
        while (r >= 0 && db_step(old, statement) > 0)
                r = small_park(salvage, statement);
        return r;
}

static int small_apply(Salvage *salvage, Db *old, uint64_t request) {
        int64_t n_objects = 0;
        uint64_t n_doomed;
        int r;

        r = objects_count_doomed(&salvage->catalogue, request, &n_doomed);
        if (r < 0)
                return r;
        if (!old || db_number(old, "SELECT objects FROM applied WHERE erasure = ?", &n_objects, DB_INT(request)) <= 0 ||
            n_objects < (int64_t)n_doomed)
                n_objects = (int64_t)n_doomed;
        return db_run(salvage->catalogue.db, "INSERT INTO applied VALUES(?, ?)", DB_INT(request), DB_INT(n_objects));
}

static int small_applied(Salvage *salvage, Db *old) {
        for (uint64_t request = 1;; request++) {
                _cleanup_erasure_ Erasure erasure = { 0 };
                int r;

                r = erasure_load(salvage->engine->vault, request, &erasure);
                if (r <= 0)
                        return r;
                if (!erasure.is_reclaimed)
                        return 0; /* nor was any behind it */
                r = small_apply(salvage, old, request);
                if (r < 0)
                        return r;
        }
}

/**
 * salvage_small() - carry over parked ranges and which erasures were applied
 * @salvage:    with the rows and objects of the old file
 * @path:       of the damaged file, which may be missing
 *
 * Return: 0; < 0.
 */
int salvage_small(Salvage *salvage, const char *path) {
        Db *old = NULL;
        int r;

        (void)!db_open_damaged(path, &old); /* NULL then: nothing of it can be read this way */
        r = db_begin(salvage->catalogue.db, &salvage->transaction);
        if (r >= 0)
                r = small_parked(salvage, old);
        if (r >= 0)
                r = small_applied(salvage, old);
        db_abandon(old);
        return r < 0 ? r : db_commit(&salvage->transaction);
}
