/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rows of parcels of which nothing is left. Floor 2.
 *
 * They are of no use, but deleting them one by one would move others about (see parcels.c). So they are marked, and
 * when they are more than the living ones the table is emptied, its pages being zeroed by secure_delete, and the living
 * rows are put back in order. They wait in a temporary table meanwhile, which is in memory.
 */
#include "parcels.h"

#define GONE_MIN 64 /* fewer do not bother anybody */

_Static_assert(PARCEL_GONE == 7, "the number is in the statements");

static int parcels_count(Vault *vault, int64_t *ret_gone, int64_t *ret_living) {
        int r;

        *ret_gone = *ret_living = 0;
        r = db_number(vault_db(vault), "SELECT count(*) FROM parcel WHERE fate = 7", ret_gone);
        if (r < 0)
                return r;
        return db_number(vault_db(vault), "SELECT count(*) FROM parcel WHERE fate <> 7", ret_living);
}

static int parcels_rewrite(Vault *vault) {
        static const char *const statements[] = {
                "CREATE TEMP TABLE parcel_kept AS SELECT * FROM parcel WHERE fate <> 7 ORDER BY id",
                "DELETE FROM parcel",
                "INSERT INTO parcel SELECT * FROM temp.parcel_kept ORDER BY id",
                "DROP TABLE temp.parcel_kept",
        };
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(statements); i++)
                r = db_execute(vault_db(vault), statements[i]);
        return r;
}

/**
 * parcels_forget() - nothing is left of any destroyed parcel
 * @vault:      within a transaction
 *
 * Return: 0; < 0.
 */
int parcels_forget(Vault *vault) {
        int64_t n_gone, n_living;
        int r;

        r = db_run(vault_db(vault), "UPDATE parcel SET fate = 7 WHERE fate IN (4, 5, 6, 8)");
        if (r < 0)
                return r;
        r = parcels_count(vault, &n_gone, &n_living);
        if (r < 0)
                return r;
        return n_gone >= GONE_MIN && n_gone > n_living ? parcels_rewrite(vault) : 0;
}
