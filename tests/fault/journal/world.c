/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "world.h"

#define SEC ((int64_t)USEC_PER_SEC)
#define MINUTE (60 * SEC)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define YEAR (365 * DAY)
#define ROLLOVER (1024 * 7 * DAY)
#define NEVER INT64_MAX

/* splitmix64: the same seed is the same life. */
uint64_t world_random(World *world, uint64_t below) {
        uint64_t z = world->random += UINT64_C(0x9e3779b97f4a7c15);

        z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        return (z ^ z >> 31) % below;
}

static int64_t between(World *world, int64_t low, int64_t high) {
        return low + (int64_t)world_random(world, (uint64_t)(high - low) + 1);
}

static bool chance(World *world, unsigned percent) {
        return world_random(world, 100) < percent;
}

/* Boots until some months, or a few years, have gone by. */
static unsigned boots_of(World *world) {
        switch (world->use) {
        case USE_ALWAYS:
                return (unsigned)between(world, 1, 6);
        case USE_HOUR_A_DAY:
                return (unsigned)between(world, 60, 240);
        case USE_SEASONS:
                return (unsigned)between(world, 3, 10);
        case USE_ANYHOW:
        case USE_MAX:
                break;
        }
        return (unsigned)between(world, 10, 80);
}

void world_init(World *world, uint64_t seed) {
        *world = (World){ .random = seed };
        world->use = (WorldUse)world_random(world, USE_MAX);
        world->kernel = (WorldKernel)world_random(world, KERNEL_MAX);
        world->has_rtc = chance(world, 50);
        world->has_receiver = chance(world, 90);
        world->has_store = chance(world, 60);
        world->drift_ppm = between(world, -50, 50);
        world->retention_usec = (uint64_t)between(world, 1, world->use == USE_ALWAYS ? 10 : 30) * USEC_PER_DAY;
        world->n_boots = boots_of(world);
        world->true_usec = WORLD_RELEASE_USEC + between(world, 0, 12 * YEAR);
}

static int64_t time_off(World *world) {
        switch (world->use) {
        case USE_ALWAYS:
                return between(world, 10 * SEC, 10 * MINUTE);
        case USE_HOUR_A_DAY:
                return between(world, 22 * HOUR, 24 * HOUR);
        case USE_SEASONS:
                return between(world, 20 * DAY, 400 * DAY);
        case USE_ANYHOW:
        case USE_MAX:
                break;
        }
        return chance(world, 50) ? between(world, SEC, DAY) : between(world, DAY, 60 * DAY);
}

static int64_t time_on(World *world) {
        switch (world->use) {
        case USE_ALWAYS:
                return between(world, 3 * DAY, 20 * DAY);
        case USE_HOUR_A_DAY:
                return between(world, 30 * MINUTE, 90 * MINUTE);
        case USE_SEASONS:
                return between(world, DAY, 6 * DAY);
        case USE_ANYHOW:
        case USE_MAX:
                break;
        }
        return chance(world, 50) ? between(world, MINUTE, 2 * HOUR) : between(world, 2 * HOUR, 3 * DAY);
}

/* Seven in ten tell the truth; the others are wrong by what receivers are wrong by. */
static int64_t receiver_error(World *world) {
        const int64_t errors[] = { -ROLLOVER, ROLLOVER, YEAR, -40 * DAY, 3 * DAY, -2 * HOUR };

        return chance(world, 70) ? between(world, -2 * SEC, 2 * SEC) : errors[world_random(world, ELEMENTSOF(errors))];
}

/* Without a battery it is 1970; with one it is right, or what the battery left. */
static int64_t kernel_error(World *world) {
        const int64_t errors[] = { YEAR, -40 * DAY, 12 * HOUR, INT64_C(4070908800) * SEC - world->true_usec };

        if (!world->has_rtc)
                return -world->true_usec;
        return chance(world, 70) ? between(world, -MINUTE, MINUTE) : errors[world_random(world, ELEMENTSOF(errors))];
}

static int64_t some_time(World *world, unsigned percent, int64_t within) {
        return chance(world, percent) ? world->true_usec + between(world, SEC, within) : NEVER;
}

/* The power goes on again. */
void world_boot(World *world) {
        world->true_usec += time_off(world);
        world->booted_usec = world->true_usec;
        world->off_at_usec = world->true_usec + time_on(world);
        world->is_crash = chance(world, 40);
        world->is_synced = false;
        world->kernel_error_usec = kernel_error(world);
        world->receiver_error_usec = receiver_error(world);
        world->fix_usec = world->has_receiver ? some_time(world, 90, 30 * MINUTE) : NEVER;
        world->store_usec = world->has_store ? some_time(world, 60, 5 * HOUR) : NEVER;
        world->step_usec = some_time(world, 20, DAY);
        world->synced_usec = NEVER;
        if (world->kernel == KERNEL_FROM_RECEIVER && world->fix_usec != NEVER)
                world->synced_usec = world->fix_usec + 5 * MINUTE;
        else if (world->kernel == KERNEL_NTP || world->kernel == KERNEL_WRONG_NTP)
                world->synced_usec = some_time(world, 60, 2 * HOUR);
}

static void set_kernel(World *world) {
        world->is_synced = true;
        if (world->kernel == KERNEL_FROM_RECEIVER)
                world->kernel_error_usec = world->receiver_error_usec;
        else if (world->kernel == KERNEL_WRONG_NTP) /* as no receiver is: two liars that agree by chance are believed */
                world->kernel_error_usec = between(world, 11 * DAY, 20 * DAY);
        else
                world->kernel_error_usec = between(world, -50000, 50000);
}

/* Time goes by; somebody sets the clock by hours or years, somebody sets it right, or what he takes for it. */
void world_advance(World *world, uint64_t usec) {
        const int64_t steps[] = { 5 * HOUR, -3 * HOUR, 30 * DAY, -30 * DAY, 2 * YEAR, -5 * YEAR, ROLLOVER, -ROLLOVER };

        world->true_usec += (int64_t)usec;
        if (world->true_usec >= world->step_usec) {
                world->kernel_error_usec += steps[world_random(world, ELEMENTSOF(steps))];
                world->is_synced = false;
                world->step_usec = NEVER;
        }
        if (world->true_usec >= world->synced_usec) {
                set_kernel(world);
                world->synced_usec = NEVER;
        }
}

uint64_t world_boottime_usec(const World *world) {
        int64_t usec = world->true_usec - world->booted_usec;

        return (uint64_t)(usec + usec / 1000000 * world->drift_ppm);
}

int64_t world_kernel_usec(const World *world) {
        return world->true_usec + world->kernel_error_usec;
}

bool world_receiver_usec(const World *world, int64_t *ret) {
        if (world->true_usec < world->fix_usec)
                return false;
        *ret = world->true_usec + world->receiver_error_usec;
        return true;
}

bool world_store_usec(World *world, int64_t *ret) {
        if (world->true_usec < world->store_usec)
                return false;
        *ret = world->true_usec + between(world, -10 * SEC, 10 * SEC);
        world->store_usec = world->true_usec + between(world, 10 * MINUTE, 10 * HOUR);
        return true;
}
