/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The outbox: when to send, and what to do next. Floor 4. How one object is uploaded stands in outbox-upload.c, how
 * one is deleted in outbox-deletion.c, flushing in outbox-flush.c.
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
 *   2. lanes by urgency. A lane is due at once (alarms, a full object, flush, after a start) or one interval after its
 *      oldest pending record became durable. What became durable while a lane was being sent waits for the next
 *      interval, or a slow line would carry one object per record.
 *
 * An alarm cuts short the upload of a lesser lane and does not sit out a backoff. A withdrawal cuts short the upload it
 * concerns. A lane whose next batch the gate does not allow is not an error: it rests until rows arrive or a purpose is
 * granted. When nothing is due there is no timer.
 */
#include "outbox-internal.h"
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "trailkeep/id.h"
#include "trailkeep/log.h"

#define LOG_MODULE "sync"

#define RETRY_FIRST_USEC (2 * USEC_PER_SEC)
#define RETRY_CAP_USEC (5 * USEC_PER_MINUTE)
#define HELD_FIRST_USEC (15 * USEC_PER_SEC)
#define HELD_CAP_USEC (15 * USEC_PER_MINUTE)
#define ACCURACY_MAX_USEC (5 * USEC_PER_SEC)

/**
 * outbox_state_to_string() - the name of a state, as on the bus
 * @state: the state
 *
 * Return: a constant, or NULL when out of range.
 */
const char *outbox_state_to_string(OutboxState state) {
        static const char *const names[OUTBOX_STATE_MAX] = {
                [OUTBOX_STATE_OFF] = "off",         [OUTBOX_STATE_IDLE] = "idle", [OUTBOX_STATE_SENDING] = "sending",
                [OUTBOX_STATE_WAITING] = "waiting", [OUTBOX_STATE_HELD] = "held",
        };

        return (size_t)state < ELEMENTSOF(names) ? names[state] : NULL;
}

static void outbox_tell(Outbox *outbox) {
        if (outbox->observer.changed)
                outbox->observer.changed(outbox->observer.userdata);
}

/**
 * outbox_enter() - change the state
 * @outbox: the outbox
 * @state:  the new state; nothing happens when it is the old one
 */
void outbox_enter(Outbox *outbox, OutboxState state) {
        if (state == outbox->state)
                return;
        log_debug("%s -> %s", outbox_state_to_string(outbox->state), outbox_state_to_string(state));
        outbox->state = state;
        outbox_tell(outbox);
}

/* Lines */

static void line_reset(Line *line) {
        *line = (Line){
                .retry = { .first_usec = RETRY_FIRST_USEC, .cap_usec = RETRY_CAP_USEC },
                .held = { .first_usec = HELD_FIRST_USEC, .cap_usec = HELD_CAP_USEC },
                .trouble = OUTBOX_STATE_IDLE,
        };
}

static const Line *outbox_other_line(const Outbox *outbox, const Line *line) {
        return line == &outbox->uploads ? &outbox->deletions : &outbox->uploads;
}

/* The trouble of a line is over, because it works again or because it has nothing left to do. */
static void outbox_clear(Outbox *outbox, Line *line) {
        bool is_news = line->error[0] != '\0';

        line_reset(line);
        if (is_news)
                outbox_tell(outbox);
}

/**
 * outbox_succeed() - the store took something on this line
 * @outbox: the outbox
 * @line:   uploads or deletions
 */
void outbox_succeed(Outbox *outbox, Line *line) {
        if (line->trouble != OUTBOX_STATE_IDLE && outbox_other_line(outbox, line)->trouble == OUTBOX_STATE_IDLE)
                log_notice("The store answers again.");
        outbox_clear(outbox, line);
}

/* A phrase as a sentence, shown and logged once, however often it is tried and whatever for. */
static void outbox_say(Outbox *outbox, Line *line, const char *phrase) {
        char sentence[OUTBOX_TEXT_MAX];

        (void)snprintf(sentence, sizeof(sentence), "%c%s.", toupper((unsigned char)phrase[0]), phrase + 1); /* or cut */
        if (strcmp(line->error, sentence) == 0)
                return;
        memcpy(line->error, sentence, sizeof(line->error));
        if (strcmp(outbox_other_line(outbox, line)->error, sentence) != 0)
                log_warning("%s %s", line->error,
                            line == &outbox->uploads ? "Nothing is lost: it stays in the journal and is tried again." :
                                                       "What is to be deleted there is tried again.");
        outbox_tell(outbox);
}

/**
 * outbox_fail() - an attempt on this line came to nothing; try again later
 * @outbox: the outbox
 * @line:   uploads or deletions
 * @answer: STORE_RETRY, or anything else for what holds; its sentence is shown
 */
void outbox_fail(Outbox *outbox, Line *line, const StoreAnswer *answer) {
        bool is_retry = answer->outcome == STORE_RETRY;
        uint32_t random = UINT32_MAX;
        uint64_t delay_usec;

        if (random_bytes(&random, sizeof(random)) < 0)
                log_debug("no random bytes, the longest delay is taken");
        delay_usec = backoff_next_usec(is_retry ? &line->retry : &line->held, answer->retry_after_usec, random);
        line->trouble = is_retry ? OUTBOX_STATE_WAITING : OUTBOX_STATE_HELD;
        line->not_before_usec = clock_boottime_usec(outbox->clock) + delay_usec;
        line->is_asked = answer->retry_after_usec > 0;

        outbox_say(outbox, line, answer->message);
        outbox_flush_pass(outbox, line == &outbox->deletions ? FLUSH_DELETIONS : FLUSH_LANES, true);
}

/**
 * outbox_fail_here() - an attempt on this line failed on this box
 * @outbox: the outbox
 * @line:   uploads or deletions
 * @r:      < 0, or an outcome of the journal's
 */
void outbox_fail_here(Outbox *outbox, Line *line, int r) {
        char text[OUTBOX_TEXT_MAX];

        errno = r < 0 ? -r : EAGAIN;
        (void)snprintf(text, sizeof(text), "cannot send, for a reason on this box: %m"); /* fits */
        outbox_fail(outbox, line, &(StoreAnswer){ .outcome = STORE_RETRY, .message = text });
}

/* Errands */

/**
 * outbox_send_errand() - note that the journal owes an answer
 * @outbox: waits for none yet
 * @ret:    to be given to the journal as userdata; outbox_drop_errand() when it does not take it
 *
 * Return: 0, or -ENOMEM.
 */
int outbox_send_errand(Outbox *outbox, Errand **ret) {
        Errand *errand = calloc(1, sizeof(*errand));

        if (!errand)
                return -ENOMEM;
        errand->outbox = outbox;
        outbox->errand = errand;
        *ret = errand;
        return 0;
}

/**
 * outbox_take_errand() - the journal's answer is there
 * @userdata: the errand, freed
 *
 * Return: who waits for it; NULL: nobody any more.
 */
Outbox *outbox_take_errand(void *userdata) {
        Errand *errand = userdata;
        Outbox *outbox = errand->outbox;

        if (outbox)
                outbox->errand = NULL;
        free(errand);
        return outbox;
}

/**
 * outbox_drop_errand() - the journal did not take it
 * @outbox: the outbox
 */
void outbox_drop_errand(Outbox *outbox) {
        free(outbox->errand);
        outbox->errand = NULL;
}

/* What next */

static void outbox_lane_set_due(Outbox *outbox, Lane lane, uint64_t due_usec) {
        outbox->lanes[lane].due_usec = MIN(outbox->lanes[lane].due_usec, due_usec);
}

/* Rows are pending: when are they to be sent? */
static void outbox_lane_plan(Outbox *outbox, Lane lane) {
        const JournalLaneCounters *counters = &journal_counters(outbox->journal)->lanes[lane];
        bool is_full = counters->pending >= outbox->options.object_records_max;
        uint64_t due_usec = clock_boottime_usec(outbox->clock);

        if (lane != LANE_ALARM && !is_full)
                due_usec += outbox->options.send_interval_usec;
        outbox_lane_set_due(outbox, lane, due_usec);
}

/**
 * outbox_lane_begin() - send all that is pending of a lane, from now on
 * @outbox: the outbox
 * @lane:   the lane
 */
void outbox_lane_begin(Outbox *outbox, Lane lane) {
        outbox->lanes[lane].due_usec = 0;
        outbox->lanes[lane].n_owed = OWED_UNKNOWN;
}

/**
 * outbox_lane_is_through() - what was pending when the sending of this lane began is sent, or may not be
 * @outbox: the outbox
 * @lane:   the lane; nothing of it is under way. What became durable meanwhile waits for its time.
 */
void outbox_lane_is_through(Outbox *outbox, Lane lane) {
        outbox->lanes[lane].due_usec = USEC_INFINITY;
        outbox->lanes[lane].n_owed = OWED_UNKNOWN;
        if (outbox->lanes[lane].has_news)
                outbox_lane_plan(outbox, lane);
        outbox_flush_pass(outbox, UINT32_C(1) << lane, false);
}

/* The lane to send next, LANE_MAX none; and when to look again. */
static Lane outbox_next_lane(const Outbox *outbox, uint64_t now_usec, uint64_t *ret_next_usec) {
        uint64_t next_usec = USEC_INFINITY;
        Lane next = LANE_MAX;

        for (unsigned i = 0; i < LANE_MAX; i++) {
                uint64_t due_usec = outbox->lanes[i].due_usec;

                if (due_usec == USEC_INFINITY)
                        continue;
                due_usec = MAX(due_usec, outbox->uploads.not_before_usec);
                if (due_usec <= now_usec && next == LANE_MAX)
                        next = (Lane)i;
                next_usec = MIN(next_usec, due_usec);
        }
        *ret_next_usec = next_usec;
        return next;
}

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
 * outbox_rest() - what was under way has ended, one way or the other
 * @outbox: the outbox; its batch, slot and errand are let go
 */
void outbox_rest(Outbox *outbox) {
        if (outbox->errand)
                outbox->errand->outbox = NULL;
        outbox->errand = NULL;
        outbox->slot = store_slot_free(outbox->slot);
        outbox->batch = journal_batch_free(outbox->batch);
        outbox->object = outbox->doomed_object = 0;
        outbox->step = OUTBOX_STEP_REST;
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
                lane = outbox_next_lane(outbox, now_usec, &next_usec);
                if (lane != LANE_MAX) {
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
 * @clock:   borrowed for the life of @ret, like all that follows
 * @journal: where records and intents are
 * @gate:    asked before each upload
 * @store:   where objects go; NULL: nowhere, the state is then OFF for good
 * @options: copied
 * @ret:     the outbox; looks for what earlier starts left with the next turn of the loop
 *
 * Return: 0, or -errno.
 */
int outbox_new(sd_event *event, const Clock *clock, Journal *journal, Gate *gate, Store *store,
               const OutboxOptions *options, Outbox **ret) {
        _cleanup_(outbox_freep) Outbox *outbox = NULL;
        int r;

        outbox = calloc(1, sizeof(*outbox));
        if (!outbox)
                return -ENOMEM;
        outbox->clock = clock;
        outbox->journal = journal;
        outbox->gate = gate;
        outbox->store = store;
        outbox->options = *options;
        outbox->state = store ? OUTBOX_STATE_IDLE : OUTBOX_STATE_OFF;
        outbox->has_doomed = true;
        line_reset(&outbox->uploads);
        line_reset(&outbox->deletions);
        for (unsigned i = 0; i < LANE_MAX; i++)
                outbox_lane_begin(outbox, (Lane)i);

        r = timer_new(event, outbox_on_timer, outbox, &outbox->timer);
        if (r >= 0 && store)
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
 */
void outbox_wake_doomed(Outbox *outbox) {
        outbox->has_doomed = true;
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
