/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The outbox: what time it is, before anything old is sent. Floor 4.
 *
 * What an earlier boot left may have expired while the power was off, and until true time is proven nobody knows. The
 * store often is the only one who can tell, and it would tell with the answer to the first PUT: too late for what went
 * with it. So the store is asked for nothing first. Its Date reaches the journal before that is asked for a batch, and
 * what has expired is gone by then.
 *
 * That is done once. A store that answers without a Date, or with one that is not believed, does not hold up anything:
 * then powered-on time alone counts, as on a box without a store.
 */
#include "outbox-internal.h"

/**
 * outbox_must_ask_time() - whether the store is to be asked before this lane is read
 * @outbox: the outbox
 * @lane:   which is due
 *
 * Return: true while true time is not known, the store was not heard, and something of the lane is of an earlier boot.
 */
bool outbox_must_ask_time(const Outbox *outbox, Lane lane) {
        const JournalLaneCounters *counters = &journal_counters(outbox->journal)->lanes[lane];

        if (outbox->has_asked_time || !outbox->is_time_known || outbox->is_time_known(outbox->time_userdata))
                return false;
        return counters->pending > 0 && (!counters->has_oldest_pending || counters->oldest_pending_boottime_usec < 0);
}

static void outbox_on_time(const StoreAnswer *answer, void *userdata) {
        Outbox *outbox = userdata;

        outbox_rest(outbox);
        if (answer->is_answered)
                outbox->has_asked_time = true; /* whatever it thinks of the question */
        else
                outbox_fail(outbox, &outbox->uploads, answer);
        outbox_proceed(outbox);
}

/**
 * outbox_ask_time() - hear what time it is, then go on
 * @outbox: at rest
 * @lane:   which is due
 */
void outbox_ask_time(Outbox *outbox, Lane lane) {
        int r;

        outbox->step = OUTBOX_STEP_ASKING;
        outbox->lane = lane;
        r = store_ask_time(outbox->store, outbox_on_time, outbox, &outbox->slot);
        if (r < 0) {
                outbox_rest(outbox);
                outbox_fail_here(outbox, &outbox->uploads, r);
                return;
        }
        outbox_enter(outbox, OUTBOX_STATE_SENDING);
}
