/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The estimator of true time: which of the clocks around the box to believe. Floor 1, pure: asks no clock, owns nothing.
 * States and rules stand at the head of src/model/truetime.c.
 *
 * One of these lives as long as one boot, in which UTC minus CLOCK_BOOTTIME is a constant (drift aside): the offset.
 * It is proven by the store, or by two sources that do not depend on one another. Nobody else's word counts, and the
 * times in records are never changed by it.
 */
#include <stdbool.h>
#include <stdint.h>
#include "macros.h"

/* Persisted as bits 1 << source: append only, never renumber. */
typedef enum TrueTimeSource {
        TRUE_TIME_KERNEL, /* CLOCK_REALTIME while the kernel says that somebody synchronises it */
        TRUE_TIME_GNSS,   /* a receiver's date */
        TRUE_TIME_STORE,  /* the store's Date over verified TLS: authenticated */
        TRUE_TIME_SOURCE_MAX,
} TrueTimeSource;

typedef enum TrueTimeState {
        TRUE_TIME_UNPROVEN,
        TRUE_TIME_AGREED,  /* two independent sources say the same */
        TRUE_TIME_VOUCHED, /* an authenticated source said it */
} TrueTimeState;

typedef struct TrueTimeObservation {
        TrueTimeSource source;
        uint64_t boottime_usec;    /* CLOCK_BOOTTIME at which the source showed */
        int64_t utc_usec;          /* this, in µs since 1970 */
        uint64_t uncertainty_usec; /* either way */
} TrueTimeObservation;

/* UTC is CLOCK_BOOTTIME + offset_usec, give or take uncertainty_usec at boottime_usec and more before and after. */
typedef struct TrueTimeProof {
        uint32_t sources; /* that say so, 1 << TrueTimeSource; 0: not proven */
        int64_t offset_usec;
        uint64_t uncertainty_usec;
        uint64_t boottime_usec;
} TrueTimeProof;

typedef struct TrueTimeOptions {
        int64_t release_usec;        /* UTC; true time is not before it */
        bool has_independent_kernel; /* what synchronises the kernel's clock is not this box's receiver */
} TrueTimeOptions;

typedef struct TrueTime {
        TrueTimeOptions options;
        int64_t floor_offset_usec; /* of the earliest that UTC can be, unless an authenticated source says otherwise */
        TrueTimeState state;
        TrueTimeProof proof;
        int64_t agreed_offset_usec; /* of the first agreement of this boot */
        uint64_t agreed_boottime_usec;
        TrueTimeObservation latest[TRUE_TIME_SOURCE_MAX]; /* a receiver's date as repaired */
        uint32_t known; /* sources with a latest observation, 1 << TrueTimeSource */
} TrueTime;

/* What is known from earlier: of this boot, and of the ones before it. */
typedef struct TrueTimePast {
        TrueTimeProof proof;       /* of this boot; sources 0: none */
        bool has_floor;
        int64_t floor_offset_usec; /* UTC is not before CLOCK_BOOTTIME + this, as was proven in an earlier boot */
} TrueTimePast;

void truetime_init(TrueTime *truetime, const TrueTimeOptions *options, const TrueTimePast *past);
bool truetime_observe(TrueTime *truetime, const TrueTimeObservation *observation); /* whether the proof is another */
void truetime_forget(TrueTime *truetime, TrueTimeSource source);

bool truetime_now(const TrueTime *truetime, uint64_t boottime_usec, int64_t *ret_utc_usec);
bool truetime_best(const TrueTime *truetime, uint64_t boottime_usec, int64_t *ret_utc_usec);
uint32_t truetime_held_off(const TrueTime *truetime); /* sources whose word is not taken, 1 << TrueTimeSource */

uint64_t truetime_uncertainty_usec(const TrueTimeProof *proof, uint64_t boottime_usec);
const char *truetime_proof_to_string(const TrueTimeProof *proof); /* "none", "store", "gnss+kernel" */
const char *truetime_source_to_string(TrueTimeSource source);     /* "kernel", "gnss", "store" */
