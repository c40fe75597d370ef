/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The clock of the kernel behind the Clock interface. Floor 0. This file and sd-event are the only ones that ask the
 * kernel for the time.
 */
#include <time.h>
#include "trailkeep/clock.h"
#include "trailkeep/macros.h"

static uint64_t kernel_usec(clockid_t id) {
        struct timespec ts = { 0 };

        /* Cannot fail: the ids are constants that every kernel since 2.6.39 knows, and ts is writable. */
        (void)clock_gettime(id, &ts);
        if (ts.tv_sec < 0)
                return 0;
        return (uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000;
}

static uint64_t system_boottime_usec(void *userdata) {
        return kernel_usec(CLOCK_BOOTTIME);
}

static uint64_t system_realtime_usec(void *userdata) {
        return kernel_usec(CLOCK_REALTIME);
}

const Clock clock_system = {
        .boottime_usec = system_boottime_usec,
        .realtime_usec = system_realtime_usec,
};

/**
 * clock_boottime_usec() - time since boot, suspend included
 * @clock:      which clock to ask
 *
 * Return: µs on CLOCK_BOOTTIME; never steps, never goes back.
 */
uint64_t clock_boottime_usec(const Clock *clock) {
        return clock->boottime_usec(clock->userdata);
}

/**
 * clock_realtime_usec() - what the kernel believes the wall clock to be
 * @clock:      which clock to ask
 *
 * Return: µs since 1970, which may be wrong by any amount and may step.
 */
uint64_t clock_realtime_usec(const Clock *clock) {
        return clock->realtime_usec(clock->userdata);
}

/**
 * clock_monotonic_after() - a deadline for pthread_cond_timedwait()
 * @delay_usec: from now, in µs; capped at 100 years
 * @ret:        absolute time on CLOCK_MONOTONIC
 *
 * This one asks the kernel whatever the injected clock is, since the kernel does the waiting.
 */
void clock_monotonic_after(uint64_t delay_usec, struct timespec *ret) {
        uint64_t until_usec = kernel_usec(CLOCK_MONOTONIC) + MIN(delay_usec, 36500 * USEC_PER_DAY);

        *ret = (struct timespec){
                .tv_sec = (time_t)(until_usec / USEC_PER_SEC),
                .tv_nsec = (long)(until_usec % USEC_PER_SEC * 1000),
        };
}
