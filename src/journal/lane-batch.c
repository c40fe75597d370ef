/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rows, several in one statement. Floor 2.
 *
 * Starting and ending a statement costs SQLite as much as a row in it does. OR FAIL spares it the journal that would
 * take back one statement alone: here the whole transaction is rolled back.
 */
#include "lane-batch.h"
#include "lanes.h"

_Static_assert(LANE_BATCH_MAX == 8, "the statement has eight rows");

static int lane_batch_insert_all(LaneBatch *batch) {
        LANE_SQL(insert, "INSERT OR FAIL INTO ", "(id, body) VALUES(?, ?), (?, ?), (?, ?), (?, ?), (?, ?), (?, ?),"
                                                 " (?, ?), (?, ?)");
        DbValue values[2 * LANE_BATCH_MAX];

        for (size_t i = 0; i < LANE_BATCH_MAX; i++) {
                values[2 * i] = DB_INT(batch->ids[i]);
                values[2 * i + 1] = DB_BYTES(&batch->bodies[i]);
        }
        return db_run_values(batch->db, insert[batch->lane], values, ELEMENTSOF(values));
}

/**
 * lane_batch_flush() - insert the rows that wait
 * @batch:      empty afterwards, also on failure
 *
 * Return: 0; -EEXIST; < 0: some of them may be there.
 */
int lane_batch_flush(LaneBatch *batch) {
        size_t n = batch->n;
        int r = 0;

        batch->n = 0;
        if (n == LANE_BATCH_MAX)
                return lane_batch_insert_all(batch);
        for (size_t i = 0; r >= 0 && i < n; i++)
                r = lane_insert(batch->db, batch->lane, batch->ids[i], &batch->bodies[i]);
        return r;
}

/**
 * lane_batch_add() - one more row
 * @batch:      changed; rows that have to go before are inserted
 * @lane:       where
 * @id:         of the record
 * @ret_body:   empty, the batch's: the sealed body is to be put in before the next call; untouched on failure
 *
 * Return: 0; -EEXIST; < 0.
 */
int lane_batch_add(LaneBatch *batch, Lane lane, uint64_t id, Bytes **ret_body) {
        int r;

        if (batch->n == LANE_BATCH_MAX || (batch->n > 0 && batch->lane != lane)) {
                r = lane_batch_flush(batch);
                if (r < 0)
                        return r;
        }
        batch->lane = lane;
        batch->ids[batch->n] = id;
        batch->bodies[batch->n].size = 0; /* what is in it is sealed */
        *ret_body = &batch->bodies[batch->n++];
        return 0;
}

/**
 * lane_batch_done() - free what a batch holds
 * @batch:      rows that wait are forgotten
 */
void lane_batch_done(LaneBatch *batch) {
        for (size_t i = 0; i < LANE_BATCH_MAX; i++)
                bytes_done(&batch->bodies[i]);
        batch->n = 0;
}
