/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The two deadlines of retention. Floor 2, pure.
 *
 * A parcel expires at the first of
 *
 *   (a) powered-on time now - powered-on time of its opening >= retention
 *   (b) proven UTC now      - proven UTC of its opening      >= retention
 *
 * (a) needs no clock, but stands still while the power is off. Both are one, since in each boot, called session here,
 * UTC is powered-on time plus an offset: what (b) has more than (a) is the difference of two offsets, the time for
 * which the power was off in between. So
 *
 *   expiry in powered-on time = opening + retention - time that was spent off since, as far as that is proven
 *
 * and one timer serves both deadlines.
 *
 * The offset only ever grows, since UTC goes on while the power is off and powered-on time does not (nor during what
 * a loss of power took of its last hour). Hence, without knowing more:
 *
 *   - of a parcel opened in a session that was never proven, the first proven session after it gives the latest moment
 *     at which it can have been opened;
 *   - in a session that is not proven yet, the last proven one before gives the earliest UTC that it can be now.
 *
 * Either way what is taken for time off is at most what it was, less the doubt in both proofs: nothing expires early,
 * and what was not proven costs only that much delay.
 *
 * A session that ends unproven says nothing and is dropped. When there are too many, the one is dropped whose successor
 * says nearly the same, since that loses least.
 */
#include <string.h>
#include "sessions.h"

#define DRIFT_DIVISOR 10000 /* 100 ppm, as in truetime.c */
#define AHEAD_MAX_USEC USEC_PER_HOUR

static void sessions_remove(Sessions *sessions, size_t i) {
        memmove(&sessions->list[i], &sessions->list[i + 1], (sessions->n - i - 1) * sizeof(Session));
        sessions->n--;
}

/**
 * sessions_last_proven() - the newest session of which something is proven
 * @sessions:   borrowed
 * @sources:    any of these must say so, 1 << TrueTimeSource
 *
 * Return: borrowed; NULL if there is none.
 */
const Session *sessions_last_proven(const Sessions *sessions, uint32_t sources) {
        for (size_t i = sessions->n; i > 0; i--)
                if (sessions->list[i - 1].sources & sources)
                        return &sessions->list[i - 1];
        return NULL;
}

/* What TLS and the estimator go by is kept whatever its age. */
static bool is_needed_anyway(const Sessions *sessions, size_t i) {
        const Session *session = &sessions->list[i];

        return i == sessions->n - 1 || session == sessions_last_proven(sessions, UINT32_MAX) ||
               session == sessions_last_proven(sessions, 1U << TRUE_TIME_STORE);
}

static void sessions_make_room(Sessions *sessions) {
        int64_t least_usec = INT64_MAX;
        size_t found = 0;

        if (sessions->n < SESSIONS_MAX)
                return;
        for (size_t i = 0; i + 1 < sessions->n; i++) {
                int64_t lost_usec = sessions->list[i + 1].offset_usec - sessions->list[i].offset_usec;

                if (!is_needed_anyway(sessions, i) && lost_usec < least_usec) {
                        least_usec = lost_usec;
                        found = i;
                }
        }
        sessions_remove(sessions, found);
}

/**
 * sessions_begin() - another boot
 * @sessions:   changed
 * @boot:       its boot id
 * @on_usec:    powered-on time at its start
 */
void sessions_begin(Sessions *sessions, const uint8_t boot[static SESSION_BOOT_SIZE], uint64_t on_usec) {
        Session *present = sessions->n > 0 ? &sessions->list[sessions->n - 1] : NULL;

        if (present)
                present->ended_on_usec = on_usec;
        if (present && present->sources == 0)
                sessions->n--;
        sessions_make_room(sessions);
        present = &sessions->list[sessions->n++];
        *present = (Session){ .started_on_usec = on_usec, .ended_on_usec = USEC_INFINITY };
        memcpy(present->boot, boot, SESSION_BOOT_SIZE);
}

/**
 * sessions_prove() - true time is proven in the present session, or better than before
 * @sessions:   changed; there is a present one
 * @proof:      against CLOCK_BOOTTIME
 * @on_minus_boottime_usec: powered-on time less CLOCK_BOOTTIME, a constant of this boot
 */
void sessions_prove(Sessions *sessions, const TrueTimeProof *proof, int64_t on_minus_boottime_usec) {
        Session *present = &sessions->list[sessions->n - 1];
        int64_t proven_on_usec = (int64_t)proof->boottime_usec + on_minus_boottime_usec;

        present->sources = proof->sources;
        present->offset_usec = proof->offset_usec - on_minus_boottime_usec;
        present->uncertainty_usec = proof->uncertainty_usec;
        present->proven_on_usec = (uint64_t)MAX(proven_on_usec, INT64_C(0));
}

/**
 * sessions_get_time() - what is known of true time, against CLOCK_BOOTTIME of this boot
 * @sessions:   borrowed; there is a present one
 * @on_minus_boottime_usec: as above
 * @ret:        filled
 */
void sessions_get_time(const Sessions *sessions, int64_t on_minus_boottime_usec, JournalTime *ret) {
        const Session *present = &sessions->list[sessions->n - 1];
        const Session *last = sessions_last_proven(sessions, UINT32_MAX);
        const Session *vouched = sessions_last_proven(sessions, 1U << TRUE_TIME_STORE);
        int64_t proven_usec = (int64_t)present->proven_on_usec - on_minus_boottime_usec;

        *ret = (JournalTime){
                .has_vouched = vouched,
        };
        if (present->sources != 0)
                ret->past.proof = (TrueTimeProof){
                        .sources = present->sources,
                        .offset_usec = present->offset_usec + on_minus_boottime_usec,
                        .uncertainty_usec = present->uncertainty_usec,
                        .boottime_usec = (uint64_t)MAX(proven_usec, INT64_C(0)),
                };
        if (last && last != present) {
                ret->past.has_floor = true;
                ret->past.floor_offset_usec = last->offset_usec + on_minus_boottime_usec;
        }
        if (vouched)
                ret->vouched_offset_usec = vouched->offset_usec + on_minus_boottime_usec;
}

/**
 * sessions_trim() - drop what no living parcel needs
 * @sessions:   changed
 * @oldest_on_usec: when the oldest of them that may expire was opened; USEC_INFINITY: there is none
 *
 * Return: whether one was dropped.
 */
bool sessions_trim(Sessions *sessions, uint64_t oldest_on_usec) {
        bool has_dropped = false;

        for (size_t i = sessions->n; i > 0; i--)
                if (sessions->list[i - 1].ended_on_usec < oldest_on_usec && !is_needed_anyway(sessions, i - 1)) {
                        sessions_remove(sessions, i - 1);
                        has_dropped = true;
                }
        return has_dropped;
}

/* How wrong a session's offset can be at a moment in powered-on time, or at its start for what is older. */
static uint64_t doubt_usec(const Session *session, uint64_t on_usec) {
        uint64_t at_usec = MAX(on_usec, session->started_on_usec), proven_usec = session->proven_on_usec;
        uint64_t distance_usec = at_usec > proven_usec ? at_usec - proven_usec : proven_usec - at_usec;

        return session->uncertainty_usec + distance_usec / DRIFT_DIVISOR;
}

/**
 * sessions_off_usec() - how long the power was off, as far as is proven
 * @sessions:   borrowed
 * @since_on_usec: from this moment on, in powered-on time
 * @now_on_usec: powered-on time now
 *
 * Return: µs, never more than it was.
 */
uint64_t sessions_off_usec(const Sessions *sessions, uint64_t since_on_usec, uint64_t now_on_usec) {
        const Session *last = sessions_last_proven(sessions, UINT32_MAX), *first = sessions->list;
        uint64_t doubts_usec;
        int64_t off_usec;

        if (!last)
                return 0;
        /* A parcel that was opened with the last write of a session belongs to that one: by the time the daemon runs in
         * the next, powered-on time has gone on. */
        while (first < last && (first->sources == 0 || first->ended_on_usec < since_on_usec))
                first++;
        if (first == last)
                return 0;
        doubts_usec = doubt_usec(first, since_on_usec) + doubt_usec(last, MIN(now_on_usec, last->ended_on_usec));
        off_usec = last->offset_usec - first->offset_usec;
        return off_usec > 0 && (uint64_t)off_usec > doubts_usec ? (uint64_t)off_usec - doubts_usec : 0;
}

/**
 * sessions_expiry_on_usec() - when a parcel expires: the first of the two deadlines
 * @sessions:   borrowed
 * @opened_on_usec: when it was opened, in powered-on time
 * @retention_usec: how long it may be kept; USEC_INFINITY: for ever
 * @now_on_usec: powered-on time now
 *
 * Return: powered-on time in µs; 0: long ago; USEC_INFINITY: never.
 */
uint64_t sessions_expiry_on_usec(const Sessions *sessions, uint64_t opened_on_usec, uint64_t retention_usec,
                                 uint64_t now_on_usec) {
        uint64_t on_usec, off_usec;

        if (retention_usec == USEC_INFINITY || __builtin_add_overflow(opened_on_usec, retention_usec, &on_usec))
                return USEC_INFINITY;
        off_usec = sessions_off_usec(sessions, opened_on_usec, now_on_usec);
        return on_usec > off_usec ? on_usec - off_usec : 0;
}

/**
 * sessions_is_due() - whether a parcel goes now
 * @expiry_on_usec: when it expires, in powered-on time
 * @retention_usec: how long it may be kept
 * @now_on_usec: powered-on time now
 *
 * What is due within the next hundredth of its time, an hour at most, goes along, so that flash and sleep are disturbed
 * once for many.
 *
 * Return: whether it does.
 */
bool sessions_is_due(uint64_t expiry_on_usec, uint64_t retention_usec, uint64_t now_on_usec) {
        return expiry_on_usec != USEC_INFINITY &&
               expiry_on_usec <= now_on_usec + MIN(retention_usec / 100, AHEAD_MAX_USEC);
}
