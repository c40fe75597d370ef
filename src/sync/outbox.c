/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The outbox: when to send, and what to do next. Floor 4. How one object is uploaded stands in outbox-upload.c, how
 * one is deleted in outbox-deletion.c; troubles and the state that is shown in outbox-line.c, when a lane is due in
 * outbox-lane.c, who waits for a flush in outbox-flush.c.
 *
 *   OFF           IDLE <-------------------------------.
 *   no store       | something is due                  | nothing due
 *                  v                                   |
 *               SENDING ---- done, next --------> (SENDING)
 *                  |  network, 408, 425, 429      ^
 *                  |-----------------> WAITING ---| delay is over, flush,
 *                  |  account, store, TLS         | alarm (unless the store named the delay)
 *                  `-----------------> HELD ------'
 *
 * One thing is under way at a time (OutboxStep), so a deletion never overtakes the upload it follows. In this order:
 *
 *   1. deletions: what a person had erased goes first, with or without consent;
 *      (once, before anything of an earlier boot: what time it is, see outbox-time.c)
 *   2. lanes by urgency. A lane is due at once (alarms, a full object, flush, after a start) or one interval after its
 *      oldest pending record became durable. What became durable while a lane was being sent waits for the next
 *      interval, or a slow line would carry one object per record.
 *
 * An alarm cuts short the upload of a lesser lane and does not sit out a backoff. A withdrawal cuts short the upload it
 * concerns, an erasure whichever there is. A lane whose next batch the gate does not allow is not an error: it rests
 * until rows arrive or a purpose is granted. When nothing is due there is no timer.
 */
#include "outbox-internal.h"
#include <errno.h>
#include "trailkeep/log.h"

#define LOG_MODULE "sync"

#define ACCURACY_MAX_USEC (5 * USEC_PER_SEC)

/* Nothing can be done now. @uploads_usec: when a lane is due. */
static void outbox_sleep(Outbox *outbox, uint64_t uploads_usec, uint64_t now_usec) {
        uint64_t next_usec = uploads_usec, delay_usec;

        if (uploads_usec == USEC_INFINITY)
                outbox_clear(outbox, &outbox->uploads);
        if (outbox->has_doomed)
                next_usec = MIN(next_usec, outbox->deletions.not_before_usec);
        else
                outbox_clear(outbox, &outbox->deletions);

        if (outbox->uploads.trouble == OUTBOX_STATE_HELD || outbox->deletions.trouble == OUTBOX_STATE_HELD)
                outbox_enter(outbox, OUTBOX_STATE_HELD);
        else if (outbox->uploads.trouble == OUTBOX_STATE_WAITING || outbox->deletions.trouble == OUTBOX_STATE_WAITING)
                outbox_enter(outbox, OUTBOX_STATE_WAITING);
        else
                outbox_enter(outbox, OUTBOX_STATE_IDLE);

        if (next_usec == USEC_INFINITY) {
                timer_disarm(outbox->timer);
                return;
        }
        delay_usec = next_usec > now_usec ? next_usec - now_usec : 0;
        if (timer_arm_in(outbox->timer, delay_usec, MIN(delay_usec / 10 + 1, ACCURACY_MAX_USEC)) < 0)
                log_warning("Cannot arm the timer of the outbox; sending goes on with the next record.");
}

/**
 * outbox_proceed() - begin what is due, or sleep until something is
 * @outbox: the outbox; does nothing while something is under way
 */
void outbox_proceed(Outbox *outbox) {
        uint64_t now_usec = clock_boottime_usec(outbox->clock), next_usec;
        Lane lane;

        /* Turns only when a step could not even begin, which pushes its line into the future. */
        while (outbox->step == OUTBOX_STEP_REST && outbox->store) {
                if (outbox->has_doomed && outbox->deletions.not_before_usec <= now_usec) {
                        outbox_delete_next(outbox);
                        continue;
                }
                lane = outbox_lane_next(outbox, now_usec, &next_usec);
                if (lane != LANE_MAX) {
                        if (outbox_must_ask_time(outbox, lane))
                                outbox_ask_time(outbox, lane);
                        else
                                outbox_upload(outbox, lane);
                        continue;
                }
                outbox_sleep(outbox, next_usec, now_usec);
                return;
        }
}

static void outbox_on_timer(void *userdata) {
        outbox_proceed(userdata);
}

/* From outside */

/**
 * outbox_new() - make an outbox
 * @event:   the loop
 * @options: what it works with; copied
 * @ret:     the outbox; looks for what earlier starts left with the next turn of the loop
 *
 * Return: 0, or -errno.
 */
int outbox_new(sd_event *event, const OutboxOptions *options, Outbox **ret) {
        _cleanup_(outbox_freep) Outbox *outbox = NULL;
        int r;

        outbox = calloc(1, sizeof(*outbox));
        if (!outbox)
                return -ENOMEM;
        outbox->clock = options->clock;
        outbox->journal = options->journal;
        outbox->gate = options->gate;
        outbox->store = options->store;
        outbox->send_interval_usec = options->send_interval_usec;
        outbox->object_max = options->object_max;
        outbox->is_time_known = options->is_time_known;
        outbox->time_userdata = options->time_userdata;
        outbox->state = outbox->store ? OUTBOX_STATE_IDLE : OUTBOX_STATE_OFF;
        outbox->has_doomed = true;
        outbox_line_reset(&outbox->uploads);
        outbox_line_reset(&outbox->deletions);
        for (unsigned i = 0; i < LANE_MAX; i++)
                outbox_lane_begin(outbox, (Lane)i);

        r = timer_new(event, outbox_on_timer, outbox, &outbox->timer);
        if (r >= 0 && outbox->store)
                r = timer_arm_in(outbox->timer, 0, 1);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(outbox);
        return 0;
}

/**
 * outbox_free() - stop sending
 * @outbox: may be NULL; not from within a callback of its own
 *
 * What is under way is cancelled and will be the same object again after the next start. Flushes end with -ECANCELED.
 *
 * Return: NULL.
 */
Outbox *outbox_free(Outbox *outbox) {
        if (!outbox)
                return NULL;
        outbox_rest(outbox);
        outbox_flush_cancel_all(outbox);
        timer_free(outbox->timer);
        free(outbox);
        return NULL;
}

/**
 * outbox_observe() - be told when state or last error change, or counters move
 * @outbox:   the outbox
 * @observer: copied; must not free the outbox
 */
void outbox_observe(Outbox *outbox, const OutboxObserver *observer) {
        outbox->observer = *observer;
}

/**
 * outbox_wake() - rows of a lane became durable
 * @outbox: the outbox
 * @lane:   the lane
 */
void outbox_wake(Outbox *outbox, Lane lane) {
        outbox->lanes[lane].has_news = true;
        outbox_lane_plan(outbox, lane);
        if (lane == LANE_ALARM) {
                if (!outbox->uploads.is_asked)
                        outbox->uploads.not_before_usec = 0;
                if (outbox->lane > LANE_ALARM)
                        outbox_upload_cut(outbox);
        }
        outbox_proceed(outbox);
}

/**
 * outbox_wake_doomed() - something is to be deleted in the store
 * @outbox: the outbox
 *
 * An upload under way is cancelled before this returns, since it may be of what was erased; if it is not it goes on
 * later, as the same object.
 */
void outbox_wake_doomed(Outbox *outbox) {
        outbox->has_doomed = true;
        outbox_upload_cut(outbox);
        outbox_proceed(outbox);
}

/**
 * outbox_purpose_changed() - a purpose was granted or withdrawn
 * @outbox:     the outbox
 * @purpose:    the purpose
 * @is_granted: true: what rested may go on; false: an upload of it is cancelled before this returns
 */
void outbox_purpose_changed(Outbox *outbox, Purpose purpose, bool is_granted) {
        if (is_granted) {
                for (unsigned i = 0; i < LANE_MAX; i++)
                        outbox_lane_set_due(outbox, (Lane)i, 0);
        } else if (outbox->batch && outbox->batch->purpose == purpose)
                outbox_upload_cut(outbox);
        outbox_proceed(outbox);
}

/* Whether or not the commit went well: what is durable is to be sent. */
static void flush_on_committed(int r, void *userdata) {
        Flush *flush = userdata;
        Outbox *outbox = flush->outbox;

        flush->is_committing = false;
        if (!outbox) {
                free(flush);
                return;
        }

        flush->has_failed = r != 0 && r != JOURNAL_E_MEDIA; /* media is not sent */
        for (unsigned i = 0; i < LANE_MAX; i++)
                outbox_lane_begin(outbox, (Lane)i);
        outbox->has_doomed = true;
        outbox->uploads.not_before_usec = outbox->deletions.not_before_usec = 0;
        outbox_proceed(outbox);
}

/**
 * outbox_flush() - send now
 * @outbox:   the outbox
 * @done:     called once on the loop; must not free the outbox
 * @userdata: for @done. 0: nothing is left of what was recorded and may be sent, and nothing to be deleted; -EAGAIN:
 * some
 *            of it failed and is tried again later, outbox_last_error() says why; -ECANCELED: outbox_free()
 *
 * Return: 0, -EOPNOTSUPP without a store, or -errno; @done is then not called.
 */
int outbox_flush(Outbox *outbox, OutboxFlushDone done, void *userdata) {
        Flush *flush;
        int r;

        if (!outbox->store)
                return -EOPNOTSUPP;
        flush = calloc(1, sizeof(*flush));
        if (!flush)
                return -ENOMEM;
        *flush = (Flush){
                .outbox = outbox,
                .next = outbox->flushes,
                .done = done,
                .userdata = userdata,
                .parts = FLUSH_LANES | FLUSH_DELETIONS,
                .is_committing = true,
        };
        outbox->flushes = flush;

        r = journal_commit(outbox->journal, flush_on_committed, flush);
        if (r == 0)
                return 0;
        outbox->flushes = flush->next;
        free(flush);
        return r < 0 ? r : -EAGAIN;
}

/**
 * outbox_state() - what it does
 * @outbox: the outbox
 *
 * Return: the state.
 */
OutboxState outbox_state(const Outbox *outbox) {
        return outbox->state;
}

/**
 * outbox_last_error() - why it does not send
 * @outbox: the outbox
 *
 * Return: one whole sentence with its full stop, "" while all is well; borrowed, until the next change.
 */
const char *outbox_last_error(const Outbox *outbox) {
        return outbox->uploads.error[0] ? outbox->uploads.error : outbox->deletions.error;
}
