/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The outbox: which lane is to be sent, and when. Floor 4.
 */
#include "outbox-internal.h"

/**
 * outbox_lane_set_due() - send a lane at a time, if it is not due earlier
 * @outbox:   the outbox
 * @lane:     the lane; one that is not sent is never due
 * @due_usec: boottime; 0 at once
 */
void outbox_lane_set_due(Outbox *outbox, Lane lane, uint64_t due_usec) {
        if (outbox_sends(lane))
                outbox->lanes[lane].due_usec = MIN(outbox->lanes[lane].due_usec, due_usec);
}

/**
 * outbox_lane_plan() - rows are pending: when are they to be sent?
 * @outbox: the outbox
 * @lane:   the lane
 */
void outbox_lane_plan(Outbox *outbox, Lane lane) {
        const JournalLaneCounters *counters = &journal_counters(outbox->journal)->lanes[lane];
        bool is_full = counters->pending >= outbox->object_max.records_max;
        uint64_t due_usec = clock_boottime_usec(outbox->clock);

        if (lane != LANE_ALARM && !is_full)
                due_usec += outbox->send_interval_usec;
        outbox_lane_set_due(outbox, lane, due_usec);
}

/**
 * outbox_lane_begin() - send all that is pending of a lane, from now on
 * @outbox: the outbox
 * @lane:   the lane
 */
void outbox_lane_begin(Outbox *outbox, Lane lane) {
        outbox->lanes[lane].due_usec = outbox_sends(lane) ? 0 : USEC_INFINITY;
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

/**
 * outbox_lane_next() - the most urgent lane that is due
 * @outbox:        the outbox
 * @now_usec:      boottime
 * @ret_next_usec: when the first is due; USEC_INFINITY: nothing waits
 *
 * Return: the lane; LANE_MAX: none is due.
 */
Lane outbox_lane_next(const Outbox *outbox, uint64_t now_usec, uint64_t *ret_next_usec) {
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
