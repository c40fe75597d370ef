/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The injected clock. Nothing below daemon/ asks the kernel for the time; it asks the Clock it was given, so that a
 * test can move time by hand. Floor 0.
 *
 * Deadlines and intervals use boottime (it goes on in suspend and never steps); realtime is only ever shown or offered
 * to the time estimator, never trusted.
 */
#include <stdint.h>
#include <time.h>

typedef struct Clock {
        uint64_t (*boottime_usec)(void *userdata); /* CLOCK_BOOTTIME */
        uint64_t (*realtime_usec)(void *userdata); /* CLOCK_REALTIME, µs since 1970, may be wrong */
        void *userdata;
} Clock;

extern const Clock clock_system;

uint64_t clock_boottime_usec(const Clock *clock);
uint64_t clock_realtime_usec(const Clock *clock);
void clock_monotonic_after(uint64_t delay_usec, struct timespec *ret); /* for pthread_cond_timedwait() alone */
