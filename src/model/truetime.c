/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The estimator of true time. Floor 1, pure.
 *
 *             gnss and an independent kernel clock within 60 s
 *   UNPROVEN ---------------------------------------------------> AGREED  (they may refine it, not move it)
 *      |                                                             |
 *      | store                                                       | store
 *      v                                                             v
 *   VOUCHED <--------------------------------------------------------'    (only the store moves it)
 *
 * There is no way back to UNPROVEN in a boot: what was proven of a constant stays proven when a source falls silent.
 *
 * What is not believed, whoever says it but the store:
 *   - a time before the floor, which is the release date or, carried on by powered-on time, what was proven in an
 *     earlier boot (five minutes of grace, since that was not exact either);
 *   - a time 1024 weeks or more behind the floor: nobody uses a release for twenty years, but a receiver's week number
 *     overflows after exactly that span, and it takes the kernel's clock along. So either way of an overflow ends
 *     outside;
 *   - a second agreement, in the same boot, more than five minutes from the first (and what drift adds). Compared with
 *     the first and not with the last, so that nobody can lead the clock away in small steps.
 *
 * A receiver's date is first brought into the 1024 weeks that begin at the floor. That is a guess, and all that comes
 * of it is that the date may then agree with somebody else.
 *
 * Independent means: no single fault, and no single liar, can move both. A kernel clock that chrony, ntpd or a script
 * sets from the receiver repeats what the receiver says, and the kernel calls it synchronised. The kernel cannot be
 * asked who did it. So it counts beside the receiver only where the configuration says that it is set by something
 * else. Two receivers are one source: they share the week number, the firmware and the sky. Two answers of the store
 * are one source, which needs no second.
 *
 * Drift: CLOCK_BOOTTIME is off by 100 ppm at most, more than any crystal in use. An observation grows as uncertain as
 * that with its distance in time.
 */
#include "trailkeep/truetime.h"

#define AGREE_USEC (60 * (int64_t)USEC_PER_SEC)
#define STEP_USEC (5 * (int64_t)USEC_PER_MINUTE)
#define ROLLOVER_USEC (1024 * 7 * (int64_t)USEC_PER_DAY)
#define REFINE_USEC USEC_PER_SEC /* a proof that is only that little more exact is no news */
#define DRIFT_DIVISOR 10000 /* 100 ppm */

static uint64_t distance(uint64_t a, uint64_t b) {
        return a > b ? a - b : b - a;
}

static int64_t drift_usec(uint64_t a_usec, uint64_t b_usec) {
        return (int64_t)(distance(a_usec, b_usec) / DRIFT_DIVISOR);
}

static int64_t offset_of(const TrueTimeObservation *observation) {
        return observation->utc_usec - (int64_t)observation->boottime_usec;
}

static bool is_known(const TrueTime *truetime, TrueTimeSource source) {
        return truetime->known & 1U << source;
}

/**
 * truetime_init() - begin with what is known from earlier
 * @truetime:   filled in
 * @options:    copied
 * @past:       copied
 */
void truetime_init(TrueTime *truetime, const TrueTimeOptions *options, const TrueTimePast *past) {
        *truetime = (TrueTime){
                .options = *options,
                .floor_offset_usec = past->has_floor ? past->floor_offset_usec : INT64_MIN,
                .proof = past->proof,
        };
        if (past->proof.sources & 1U << TRUE_TIME_STORE)
                truetime->state = TRUE_TIME_VOUCHED;
        else if (past->proof.sources != 0) {
                truetime->state = TRUE_TIME_AGREED;
                truetime->agreed_offset_usec = past->proof.offset_usec;
                truetime->agreed_boottime_usec = past->proof.boottime_usec;
        }
}

/* The earliest that UTC can be at a moment of this boot. */
static int64_t floor_utc(const TrueTime *truetime, uint64_t boottime_usec) {
        int64_t floor_usec = truetime->options.release_usec;

        if (truetime->floor_offset_usec != INT64_MIN)
                floor_usec = MAX(floor_usec, (int64_t)boottime_usec + truetime->floor_offset_usec);
        return floor_usec - STEP_USEC;
}

static int64_t repair(int64_t utc_usec, int64_t floor_usec) {
        int64_t weeks_usec = (utc_usec - floor_usec) % ROLLOVER_USEC;

        return floor_usec + (weeks_usec < 0 ? weeks_usec + ROLLOVER_USEC : weeks_usec);
}

static bool is_believable(const TrueTime *truetime, const TrueTimeObservation *observation) {
        int64_t floor_usec = floor_utc(truetime, observation->boottime_usec);

        return observation->utc_usec >= floor_usec && observation->utc_usec - floor_usec < ROLLOVER_USEC;
}

static bool is_near(int64_t a_usec, int64_t b_usec, int64_t limit_usec) {
        return a_usec - b_usec <= limit_usec && b_usec - a_usec <= limit_usec;
}

static bool do_agree(const TrueTimeObservation *a, const TrueTimeObservation *b) {
        return is_near(offset_of(a), offset_of(b), AGREE_USEC + drift_usec(a->boottime_usec, b->boottime_usec));
}

/* Of two that agree: what the less uncertain one says, with as much doubt as lies between them. */
static TrueTimeProof proof_of_agreement(const TrueTimeObservation *a, const TrueTimeObservation *b) {
        const TrueTimeObservation *better = a->uncertainty_usec <= b->uncertainty_usec ? a : b;
        int64_t difference_usec = offset_of(a) - offset_of(b);

        return (TrueTimeProof){
                .sources = 1U << a->source | 1U << b->source,
                .offset_usec = offset_of(better),
                .uncertainty_usec = MAX((uint64_t)(difference_usec < 0 ? -difference_usec : difference_usec),
                                        better->uncertainty_usec),
                .boottime_usec = better->boottime_usec,
        };
}

/* Whether a proof says what is known, and not notably better. */
static bool says_nothing_new(const TrueTime *truetime, const TrueTimeProof *proof) {
        uint64_t known_usec = truetime_uncertainty_usec(&truetime->proof, proof->boottime_usec);

        return known_usec <= proof->uncertainty_usec + REFINE_USEC &&
               is_near(proof->offset_usec, truetime->proof.offset_usec,
                       (int64_t)(known_usec + proof->uncertainty_usec));
}

/* An agreement proves nothing when somebody vouched, and must stay where the first one of this boot was. */
static bool agree(TrueTime *truetime) {
        const TrueTimeObservation *kernel = truetime->latest + TRUE_TIME_KERNEL;
        const TrueTimeObservation *gnss = truetime->latest + TRUE_TIME_GNSS;
        TrueTimeProof proof;

        if (truetime->state == TRUE_TIME_VOUCHED || !truetime->options.has_independent_kernel ||
            !is_known(truetime, TRUE_TIME_KERNEL) || !is_known(truetime, TRUE_TIME_GNSS) ||
            !is_believable(truetime, kernel) || !do_agree(kernel, gnss))
                return false;
        proof = proof_of_agreement(kernel, gnss);
        if (truetime->state == TRUE_TIME_UNPROVEN) {
                truetime->agreed_offset_usec = proof.offset_usec;
                truetime->agreed_boottime_usec = proof.boottime_usec;
        } else if (!is_near(proof.offset_usec, truetime->agreed_offset_usec,
                            STEP_USEC + drift_usec(proof.boottime_usec, truetime->agreed_boottime_usec)) ||
                   says_nothing_new(truetime, &proof))
                return false;
        truetime->state = TRUE_TIME_AGREED;
        truetime->proof = proof;
        return true;
}

/* The newest word of the store holds, unless an earlier one that it does not contradict is still more exact. */
static bool vouch(TrueTime *truetime, const TrueTimeObservation *store) {
        const TrueTimeProof proof = {
                .sources = 1U << TRUE_TIME_STORE,
                .offset_usec = offset_of(store),
                .uncertainty_usec = store->uncertainty_usec,
                .boottime_usec = store->boottime_usec,
        };

        if (truetime->state == TRUE_TIME_VOUCHED && says_nothing_new(truetime, &proof))
                return false;
        truetime->state = TRUE_TIME_VOUCHED;
        truetime->proof = proof;
        /* What was proven in an earlier boot and lies behind this was wrong. */
        truetime->floor_offset_usec = MIN(truetime->floor_offset_usec, truetime->proof.offset_usec);
        return true;
}

/**
 * truetime_observe() - a source shows a time
 * @truetime:   state, changed
 * @observation: what it shows; left out when it is no time (before 1970, after the year 9999) or not exact to a minute
 *
 * Return: whether the proof is another than before.
 */
bool truetime_observe(TrueTime *truetime, const TrueTimeObservation *observation) {
        static const int64_t last_usec = INT64_C(253402300799) * (int64_t)USEC_PER_SEC;
        TrueTimeObservation *latest = truetime->latest + observation->source;

        if (observation->utc_usec < 0 || observation->utc_usec > last_usec ||
            observation->boottime_usec > (uint64_t)last_usec || observation->uncertainty_usec > (uint64_t)AGREE_USEC)
                return false;
        *latest = *observation;
        truetime->known |= 1U << observation->source;
        if (observation->source == TRUE_TIME_STORE)
                return vouch(truetime, observation);
        if (observation->source == TRUE_TIME_GNSS)
                latest->utc_usec = repair(observation->utc_usec, floor_utc(truetime, observation->boottime_usec));
        return agree(truetime);
}

/**
 * truetime_forget() - a source is gone: the kernel's clock is synchronised no longer, the receiver is off
 * @truetime:   state, changed
 * @source:     which; what it helped to prove stays proven
 */
void truetime_forget(TrueTime *truetime, TrueTimeSource source) {
        truetime->known &= ~(1U << source);
}

/**
 * truetime_now() - proven UTC
 * @truetime:   state
 * @boottime_usec: now, on CLOCK_BOOTTIME
 * @ret_utc_usec: µs since 1970; untouched when false is returned
 *
 * Return: whether it is proven.
 */
bool truetime_now(const TrueTime *truetime, uint64_t boottime_usec, int64_t *ret_utc_usec) {
        if (truetime->state == TRUE_TIME_UNPROVEN)
                return false;
        *ret_utc_usec = (int64_t)boottime_usec + truetime->proof.offset_usec;
        return true;
}

/**
 * truetime_best() - UTC as far as anybody knows
 * @truetime:   state
 * @boottime_usec: now, on CLOCK_BOOTTIME
 * @ret_utc_usec: µs since 1970: what is proven, else a believable kernel clock's, else the receiver's. Nothing may be
 *              destroyed on its word. Untouched when false is returned.
 *
 * Return: whether anybody knows.
 */
bool truetime_best(const TrueTime *truetime, uint64_t boottime_usec, int64_t *ret_utc_usec) {
        const TrueTimeObservation *kernel = truetime->latest + TRUE_TIME_KERNEL;
        const TrueTimeObservation *gnss = truetime->latest + TRUE_TIME_GNSS;

        if (truetime_now(truetime, boottime_usec, ret_utc_usec))
                return true;
        if (is_known(truetime, TRUE_TIME_KERNEL) && is_believable(truetime, kernel))
                *ret_utc_usec = (int64_t)boottime_usec + offset_of(kernel);
        else if (is_known(truetime, TRUE_TIME_GNSS))
                *ret_utc_usec = (int64_t)boottime_usec + offset_of(gnss);
        else
                return false;
        return true;
}

/**
 * truetime_held_off() - whose word is not taken
 * @truetime:   state
 *
 * Return: 1 << TrueTimeSource for each source that shows something else than what is proven; while nothing is, for a
 * kernel clock that is not believable, and for both when they contradict one another.
 */
uint32_t truetime_held_off(const TrueTime *truetime) {
        const TrueTimeObservation *kernel = truetime->latest + TRUE_TIME_KERNEL;
        const TrueTimeObservation *gnss = truetime->latest + TRUE_TIME_GNSS;
        uint32_t held_off = 0;

        for (unsigned i = 0; truetime->state != TRUE_TIME_UNPROVEN && i < TRUE_TIME_SOURCE_MAX; i++) {
                const TrueTimeObservation *latest = truetime->latest + i;
                uint64_t doubt_usec = truetime_uncertainty_usec(&truetime->proof, latest->boottime_usec);

                if (truetime->known & 1U << i &&
                    !is_near(offset_of(latest), truetime->proof.offset_usec,
                             AGREE_USEC + (int64_t)(doubt_usec + latest->uncertainty_usec)))
                        held_off |= 1U << i;
        }
        if (truetime->state != TRUE_TIME_UNPROVEN || !is_known(truetime, TRUE_TIME_KERNEL))
                return held_off;
        if (!is_believable(truetime, kernel))
                return 1U << TRUE_TIME_KERNEL;
        if (is_known(truetime, TRUE_TIME_GNSS) && !do_agree(kernel, gnss))
                return 1U << TRUE_TIME_KERNEL | 1U << TRUE_TIME_GNSS;
        return 0;
}

/**
 * truetime_uncertainty_usec() - how exact a proof is at another moment of the same boot
 * @proof:      the proof
 * @boottime_usec: the moment, on CLOCK_BOOTTIME
 *
 * Return: µs either way.
 */
uint64_t truetime_uncertainty_usec(const TrueTimeProof *proof, uint64_t boottime_usec) {
        return proof->uncertainty_usec + (uint64_t)drift_usec(boottime_usec, proof->boottime_usec);
}

/**
 * truetime_source_to_string() - the name of a source, as on the bus
 * @source:     the source
 *
 * Return: a constant; NULL when out of range.
 */
const char *truetime_source_to_string(TrueTimeSource source) {
        static const char *const names[TRUE_TIME_SOURCE_MAX] = { "kernel", "gnss", "store" };

        return (size_t)source < ELEMENTSOF(names) ? names[source] : NULL;
}

/**
 * truetime_proof_to_string() - what proves true time, as on the bus
 * @proof:      the proof
 *
 * Return: "none", "store" or "gnss+kernel", static.
 */
const char *truetime_proof_to_string(const TrueTimeProof *proof) {
        if (proof->sources == 0)
                return "none";
        return proof->sources & 1U << TRUE_TIME_STORE ? "store" : "gnss+kernel";
}
