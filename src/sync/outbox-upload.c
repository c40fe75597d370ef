/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The outbox: how one object gets into the store. Floor 4.
 *
 *   READING -> gate? -> INTENDING -> gate? -> PUTTING -> SETTLING -> next
 *      |        |          |          |          |          |- 2xx: acknowledged, the cursor moves
 *      |        |          |          |          |          |- 413, 422: divided; a single record is parked
 *      |        |          |          |          |          `- erased meanwhile: it is doomed, and deleted next
 *      |        |          |          |          |- network, account, store: fails; the intent stays, and is the same
 *      |        |          |          |          |  object when it is tried again
 *      |        |          |          |          `- cut short: likewise, or erased
 *      |        |          `- erased meanwhile: begin anew, quietly
 *      |        `- not allowed: the lane rests
 *      `- nothing: the lane is through
 *
 * A batch that belongs to an intent already, of an upload that failed or of an earlier start, skips INTENDING.
 */
#include "outbox-internal.h"
#include <errno.h>
#include "object-name.h"
#include "trailkeep/log.h"

#define LOG_MODULE "sync"

/* How long a server may still be busy with a request whose connection is gone. */
#define DOUBT_USEC (10 * USEC_PER_SEC)

/* The PUT under way ends without an answer; outbox-deletion.c minds that the object may yet appear. */
static void outbox_note_doubt(Outbox *outbox) {
        LaneState *lane = &outbox->lanes[outbox->lane];

        lane->doubtful_object = outbox->object;
        lane->doubtful_until_usec = clock_boottime_usec(outbox->clock) + DOUBT_USEC;
}

/* This object is settled, or gone: on with the lane, up to what was pending when its sending began. */
static void outbox_object_is_through(Outbox *outbox) {
        LaneState *lane = &outbox->lanes[outbox->lane];
        size_t n_records = outbox->batch->n_records;

        outbox_rest(outbox);
        if (outbox->observer.settled)
                outbox->observer.settled(outbox->observer.userdata);
        if (lane->n_owed != OWED_UNKNOWN) {
                lane->n_owed -= MIN(lane->n_owed, (uint64_t)n_records);
                if (lane->n_owed == 0) {
                        lane->has_news = journal_counters(outbox->journal)->lanes[outbox->lane].pending > 0;
                        outbox_lane_is_through(outbox, outbox->lane);
                }
        }
        outbox_proceed(outbox);
}

static void outbox_upload_fail_here(Outbox *outbox, int r) {
        outbox_rest(outbox);
        outbox_fail_here(outbox, &outbox->uploads, r);
}

static void outbox_on_settled(int r, void *userdata) {
        Outbox *outbox = outbox_take_errand(userdata);

        if (!outbox)
                return;
        if (r == 0 || r == JOURNAL_E_GONE) {
                outbox_object_is_through(outbox);
                return;
        }
        outbox_upload_fail_here(outbox, r);
        outbox_proceed(outbox);
}

/* Divided: both halves are still owed. */
static void outbox_on_split(int r, void *userdata) {
        Outbox *outbox = outbox_take_errand(userdata);

        if (!outbox)
                return;
        outbox_rest(outbox);
        if (r != 0 && r != JOURNAL_E_GONE)
                outbox_fail_here(outbox, &outbox->uploads, r);
        outbox_proceed(outbox);
}

/* The journal divides the range of ids, some of which may have gone; names are for what each half holds. */
static size_t batch_middle(const JournalBatch *batch) {
        uint64_t last_of_first = batch->first + (batch->last - batch->first) / 2;
        size_t middle = 1;

        while (middle + 1 < batch->n_records && batch->ids[middle] <= last_of_first)
                middle++;
        return middle;
}

static int outbox_split(Outbox *outbox, Errand *errand) {
        _cleanup_free_ char *name_a = NULL, *name_b = NULL;
        size_t middle = batch_middle(outbox->batch);
        int r;

        r = object_name_new(outbox->batch, 0, middle, &name_a);
        if (r >= 0)
                r = object_name_new(outbox->batch, middle, outbox->batch->n_records, &name_b);
        if (r < 0)
                return r;
        return journal_split_object(outbox->journal, outbox->object, name_a, name_b, outbox_on_split, errand);
}

/* The store will not have this object; find the record that is to blame, and put it aside. */
static int outbox_divide(Outbox *outbox, StoreOutcome outcome, Errand *errand) {
        const char *reason = outcome == STORE_TOO_LARGE ? "the store says that this record alone is too large"
                                                        : "the store refuses what is in this record";

        if (outbox->batch->n_records > 1)
                return outbox_split(outbox, errand);
        log_warning("One record of lane %s is parked: %s.", lane_to_string(outbox->lane), reason);
        return journal_park_object(outbox->journal, outbox->object, reason, outbox_on_settled, errand);
}

static void outbox_settle(Outbox *outbox, StoreOutcome outcome) {
        Errand *errand;
        int r;

        outbox->slot = store_slot_free(outbox->slot);
        outbox->step = OUTBOX_STEP_SETTLING;
        r = outbox_send_errand(outbox, &errand);
        if (r == 0) {
                if (outcome == STORE_DONE)
                        r = journal_ack_object(outbox->journal, outbox->object, outbox_on_settled, errand);
                else
                        r = outbox_divide(outbox, outcome, errand);
                if (r == 0)
                        return;
                outbox_drop_errand(outbox);
        }
        outbox_upload_fail_here(outbox, r);
}

static void outbox_on_put(const StoreAnswer *answer, void *userdata) {
        Outbox *outbox = userdata;

        switch (answer->outcome) {
        case STORE_DONE:
        case STORE_TOO_LARGE:
        case STORE_REJECTED:
                /* Whatever it thinks of this object, the store works. */
                outbox_succeed(outbox, &outbox->uploads);
                outbox_settle(outbox, answer->outcome);
                break;
        case STORE_RETRY:
        case STORE_HELD:
        case STORE_OUTCOME_MAX:
                if (answer->is_doubtful)
                        outbox_note_doubt(outbox);
                outbox_rest(outbox);
                outbox_fail(outbox, &outbox->uploads, answer);
                break;
        }
        outbox_proceed(outbox);
}

static void outbox_put(Outbox *outbox) {
        int r;

        /* Asked again here: the intent took a turn of the loop or more. */
        if (!gate_allows(outbox->gate, outbox->batch->purpose)) {
                outbox_rest(outbox);
                outbox_lane_is_through(outbox, outbox->lane);
                return;
        }

        outbox->step = OUTBOX_STEP_PUTTING;
        r = store_put(outbox->store, outbox->batch, outbox_on_put, outbox, &outbox->slot);
        if (r == -EBADMSG) {
                outbox_settle(outbox, STORE_REJECTED);
                return;
        }
        if (r < 0) {
                outbox_upload_fail_here(outbox, r);
                return;
        }
        outbox_enter(outbox, OUTBOX_STATE_SENDING);
}

static void outbox_on_intent(int r, uint64_t object, void *userdata) {
        Outbox *outbox = outbox_take_errand(userdata);

        if (!outbox)
                return;
        if (r == 0) {
                outbox->object = object;
                outbox_put(outbox);
        } else if (r == JOURNAL_E_GONE)
                outbox_rest(outbox);
        else
                outbox_upload_fail_here(outbox, r);
        outbox_proceed(outbox);
}

static void outbox_intend(Outbox *outbox) {
        JournalBatch *batch = outbox->batch;
        Errand *errand;
        int r;

        outbox->step = OUTBOX_STEP_INTENDING;
        r = store_object_name(batch, &batch->object_name);
        if (r == 0)
                r = outbox_send_errand(outbox, &errand);
        if (r == 0) {
                r = journal_put_intent(outbox->journal, batch, outbox_on_intent, errand);
                if (r == 0)
                        return;
                outbox_drop_errand(outbox);
        }
        outbox_upload_fail_here(outbox, r);
}

static void outbox_take_batch(Outbox *outbox, JournalBatch *batch) {
        LaneState *lane = &outbox->lanes[outbox->lane];
        uint64_t pending = journal_counters(outbox->journal)->lanes[outbox->lane].pending;

        outbox->batch = batch;
        if (lane->n_owed == OWED_UNKNOWN)
                lane->n_owed = MAX(pending, (uint64_t)batch->n_records);

        if (batch->object == 0) {
                outbox_intend(outbox);
                return;
        }
        outbox->object = batch->object;
        outbox_put(outbox);
}

static void outbox_on_batch(int r, JournalBatch *batch, void *userdata) {
        _cleanup_(journal_batch_freep) JournalBatch *owned = batch;
        Outbox *outbox = outbox_take_errand(userdata);

        if (!outbox)
                return;
        if (r != 0)
                outbox_upload_fail_here(outbox, r);
        else if (!batch || batch->n_records == 0 || !gate_allows(outbox->gate, batch->purpose)) {
                outbox_rest(outbox);
                outbox_lane_is_through(outbox, outbox->lane);
        } else
                outbox_take_batch(outbox, TAKE_PTR(owned));
        outbox_proceed(outbox);
}

/**
 * outbox_upload() - begin with the next object of a lane
 * @outbox: at rest
 * @lane:   the lane
 */
void outbox_upload(Outbox *outbox, Lane lane) {
        Errand *errand;
        int r;

        outbox->step = OUTBOX_STEP_READING;
        outbox->lane = lane;
        outbox->lanes[lane].has_news = false;
        r = outbox_send_errand(outbox, &errand);
        if (r == 0) {
                r = journal_read_batch(outbox->journal, lane, &outbox->object_max, outbox_on_batch, errand);
                if (r == 0)
                        return;
                outbox_drop_errand(outbox);
        }
        outbox_upload_fail_here(outbox, r);
}

/**
 * outbox_upload_cut() - let go of the upload under way, if there is one
 * @outbox: the outbox; at rest afterwards unless it waits for the journal to settle, or deletes
 *
 * Nothing more of the batch leaves the box. Its intent stays, if it has one.
 */
void outbox_upload_cut(Outbox *outbox) {
        switch (outbox->step) {
        case OUTBOX_STEP_ASKING:
        case OUTBOX_STEP_READING:
        case OUTBOX_STEP_INTENDING:
                outbox_rest(outbox);
                break;
        case OUTBOX_STEP_PUTTING:
                outbox_note_doubt(outbox);
                outbox_rest(outbox);
                break;
        case OUTBOX_STEP_REST:
        case OUTBOX_STEP_SETTLING:
        case OUTBOX_STEP_LISTING:
        case OUTBOX_STEP_DELETING:
        case OUTBOX_STEP_FORGETTING:
        case OUTBOX_STEP_MAX:
                break;
        }
}
