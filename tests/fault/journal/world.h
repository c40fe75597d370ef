/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A box on the road and the clocks around it, each of which may lie, for test-clock.c. True time is known here, and
 * nowhere else.
 *
 * The power goes on and off as people do it; each boot draws anew what its clocks show, a box keeps its kind.
 */
#include <stdbool.h>
#include <stdint.h>
#include "trailkeep/macros.h"

#define WORLD_RELEASE_USEC (INT64_C(1793491200) * (int64_t)USEC_PER_SEC)

typedef enum WorldUse { USE_ALWAYS, USE_HOUR_A_DAY, USE_SEASONS, USE_ANYHOW, USE_MAX } WorldUse;

/* Who synchronises the kernel's clock. */
typedef enum WorldKernel {
        KERNEL_NOBODY,
        KERNEL_NTP,
        KERNEL_WRONG_NTP,     /* days off */
        KERNEL_FROM_RECEIVER, /* chrony with the receiver as its reference */
        KERNEL_MAX,
} WorldKernel;

typedef struct World {
        uint64_t random;
        /* the box */
        WorldUse use;
        WorldKernel kernel;
        bool has_rtc, has_receiver, has_store;
        int64_t drift_ppm;       /* of CLOCK_BOOTTIME */
        uint64_t retention_usec;
        unsigned n_boots;        /* it will see */
        /* now */
        int64_t true_usec;       /* UTC */
        int64_t booted_usec;     /* UTC */
        int64_t off_at_usec;     /* UTC, when the power goes */
        bool is_crash;           /* and that without notice */
        /* this boot */
        int64_t kernel_error_usec, receiver_error_usec;
        int64_t synced_usec, fix_usec, store_usec, step_usec; /* true time from when on; INT64_MAX: never */
        bool is_synced;
} World;

void world_init(World *world, uint64_t seed);
void world_boot(World *world);
void world_advance(World *world, uint64_t usec);

uint64_t world_random(World *world, uint64_t below);
uint64_t world_boottime_usec(const World *world);
int64_t world_kernel_usec(const World *world); /* what CLOCK_REALTIME shows */
bool world_receiver_usec(const World *world, int64_t *ret);
bool world_store_usec(World *world, int64_t *ret); /* within ten seconds of true time */
