/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The outbox: deleting in the store what was erased here. Floor 4.
 *
 *   LISTING -> DELETING -> FORGETTING -> LISTING ... until the list is empty
 *                 |- 204, 404, 410: it is not there any more
 *                 `- anything else: tried again later, and shown as still to be deleted until then
 *
 * An upload that was cut short, or whose connection broke, may still be completed by a server that had all of it: a
 * DELETE right behind it finds nothing, and the object appears afterwards. So an object that is in doubt is deleted at
 * once and once more when that must have settled, and counts as deleted only then.
 */
#include "outbox-internal.h"
#include <errno.h>
#include "trailkeep/log.h"

#define LOG_MODULE "sync"

static void outbox_deletion_fail_here(Outbox *outbox, int r) {
        outbox_rest(outbox);
        outbox_fail_here(outbox, &outbox->deletions, r);
}

static void outbox_on_forgotten(int r, void *userdata) {
        Outbox *outbox = outbox_take_errand(userdata);

        if (!outbox)
                return;
        if (r == 0 || r == JOURNAL_E_GONE)
                outbox_rest(outbox);
        else
                outbox_deletion_fail_here(outbox, r);
        outbox_proceed(outbox);
}

static void outbox_forget(Outbox *outbox) {
        Errand *errand;
        int r;

        outbox->step = OUTBOX_STEP_FORGETTING;
        r = outbox_send_errand(outbox, &errand);
        if (r == 0) {
                r = journal_object_deleted(outbox->journal, outbox->doomed_object, outbox_on_forgotten, errand);
                if (r == 0)
                        return;
                outbox_drop_errand(outbox);
        }
        outbox_deletion_fail_here(outbox, r);
}

/* Until when this object may yet appear; 0: it is not in doubt. */
static uint64_t outbox_doubtful_until_usec(const Outbox *outbox, uint64_t object) {
        uint64_t now_usec = clock_boottime_usec(outbox->clock);

        for (unsigned i = 0; i < LANE_MAX; i++)
                if (outbox->lanes[i].doubtful_object == object && now_usec < outbox->lanes[i].doubtful_until_usec)
                        return outbox->lanes[i].doubtful_until_usec;
        return 0;
}

static void outbox_on_deleted(const StoreAnswer *answer, void *userdata) {
        Outbox *outbox = userdata;
        uint64_t until_usec = outbox_doubtful_until_usec(outbox, outbox->doomed_object);

        outbox->slot = store_slot_free(outbox->slot);
        if (answer->outcome != STORE_DONE) {
                outbox_rest(outbox);
                outbox_fail(outbox, &outbox->deletions, answer);
        } else if (until_usec > 0) {
                outbox_rest(outbox);
                outbox_succeed(outbox, &outbox->deletions);
                outbox->deletions.not_before_usec = until_usec;
                outbox_flush_pass(outbox, FLUSH_DELETIONS, false);
        } else {
                outbox_succeed(outbox, &outbox->deletions);
                outbox_forget(outbox);
        }
        outbox_proceed(outbox);
}

static void outbox_on_doomed(int r, const JournalDoomed *doomed, size_t n_doomed, void *userdata) {
        Outbox *outbox = outbox_take_errand(userdata);

        if (!outbox)
                return;
        if (r == 0 && n_doomed == 0) {
                outbox_rest(outbox);
                outbox_flush_pass(outbox, FLUSH_DELETIONS, false);
                outbox_proceed(outbox);
                return;
        }
        outbox->has_doomed = true;
        if (r == 0) {
                outbox->step = OUTBOX_STEP_DELETING;
                outbox->doomed_object = doomed[0].object;
                r = store_delete(outbox->store, doomed[0].name, outbox_on_deleted, outbox, &outbox->slot);
        }
        if (r == 0) {
                outbox_enter(outbox, OUTBOX_STATE_SENDING);
                return;
        }
        outbox_deletion_fail_here(outbox, r);
        outbox_proceed(outbox);
}

/**
 * outbox_delete_next() - begin with the next object that is to be deleted
 * @outbox: at rest
 */
void outbox_delete_next(Outbox *outbox) {
        Errand *errand;
        int r;

        outbox->step = OUTBOX_STEP_LISTING;
        outbox->has_doomed = false; /* true again if there is one, or news comes meanwhile */
        r = outbox_send_errand(outbox, &errand);
        if (r == 0) {
                r = journal_list_doomed(outbox->journal, 1, outbox_on_doomed, errand);
                if (r == 0)
                        return;
                outbox_drop_errand(outbox);
        }
        outbox->has_doomed = true;
        outbox_deletion_fail_here(outbox, r);
}
