/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Clock torture: thousands of boxes whose clocks start in 1970, step by hours and years, overflow their week numbers
 * either way and lie, which are on all day or an hour a day, and off for months. The estimator, the sessions and the
 * deadlines are the real ones, the rest is played (world.h). Each box opens a parcel an hour and sends nothing, so that
 * all that ends a parcel is its time.
 *
 * Nothing may go early; nothing may stay longer than promised in powered-on time; nor in true time once that is proven,
 * counted from the opening, or where the boot of the opening never learnt the time, from the start of the next that
 * did. What stays longer in truth, since nobody proves the time, is shown. Beside it runs what is usual, retention by
 * what the kernel's clock shows; and as a control boxes whose owner says that a clock set from the receiver is
 * independent: both must be seen to fail.
 *
 * TRAILKEEP_FAULT_DEVICES says how many boxes, TRAILKEEP_FAULT_SEED where they begin.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "sessions.h"
#include "trailkeep/parse.h"
#include "world.h"

#define DEVICES 10000
#define PARCELS_MAX 2048
#define BOOTS_MAX 256
#define LATE_DAYS_MAX 4096
#define SAVE_EVERY_USEC USEC_PER_HOUR
#define START_USEC (20 * USEC_PER_SEC) /* from boot until the daemon runs */
#define STEP_USEC (10 * USEC_PER_MINUTE)
#define GRACE_USEC (5 * (int64_t)USEC_PER_MINUTE) /* the doubt in two proofs, either way */

typedef struct Parcel {
        int64_t opened_usec; /* true time */
        uint64_t opened_on_usec;
        int64_t stamp_usec;  /* what the kernel's clock showed */
        unsigned boot;
        bool is_gone, is_gone_naively;
} Parcel;

typedef struct Boot {
        int64_t started_usec; /* true time */
        bool is_proven;
} Boot;

/* What came of all of them. */
typedef struct Verdict {
        uint64_t n_parcels, n_false, n_early, n_late_on, n_late_true;
        uint64_t n_naive_early, n_naive_late;
        uint64_t n_late, late_days[LATE_DAYS_MAX]; /* longer than promised in truth, by days */
        uint64_t n_awaited;                        /* of these, those that went as soon as time was proven */
} Verdict;

typedef struct Device {
        World world;
        Verdict *verdict;
        bool is_misled; /* the owner says that the kernel's clock is independent, whatever sets it */
        TrueTime estimate;
        Sessions sessions;
        uint64_t saved_on_usec, boot_on_usec, next_expiry_on_usec, next_parcel_on_usec;
        Boot boots[BOOTS_MAX];
        unsigned boot;
        Parcel parcels[PARCELS_MAX];
        size_t n_parcels;
} Device;

static uint64_t on_usec(const Device *device) {
        return device->boot_on_usec + world_boottime_usec(&device->world);
}

static int64_t age_usec(const Device *device, const Parcel *parcel) {
        return device->world.true_usec - parcel->opened_usec;
}

/* What goes along before its time, and what a drift of 100 ppm makes of it. */
static int64_t ahead_usec(const Device *device) {
        return (int64_t)(MIN(device->world.retention_usec / 100, USEC_PER_HOUR) +
                         device->world.retention_usec / 10000);
}

static void note_late(Device *device, const Parcel *parcel) {
        Verdict *verdict = device->verdict;
        int64_t late_usec = age_usec(device, parcel) - (int64_t)device->world.retention_usec;

        if (late_usec <= GRACE_USEC)
                return;
        verdict->n_late++;
        verdict->n_awaited += device->estimate.state != TRUE_TIME_UNPROVEN;
        verdict->late_days[MIN((uint64_t)late_usec / USEC_PER_DAY, (uint64_t)LATE_DAYS_MAX - 1)]++;
}

static void expire(Device *device) {
        uint64_t now_usec = on_usec(device), retention_usec = device->world.retention_usec, oldest_usec = USEC_INFINITY;

        device->next_expiry_on_usec = USEC_INFINITY;
        for (size_t i = 0; i < device->n_parcels; i++) {
                Parcel *parcel = &device->parcels[i];
                uint64_t expiry_usec;

                if (parcel->is_gone)
                        continue;
                expiry_usec = sessions_expiry_on_usec(&device->sessions, parcel->opened_on_usec, retention_usec,
                                                      now_usec);
                if (!sessions_is_due(expiry_usec, retention_usec, now_usec)) {
                        device->next_expiry_on_usec = MIN(device->next_expiry_on_usec, expiry_usec);
                        oldest_usec = MIN(oldest_usec, parcel->opened_on_usec);
                        continue;
                }
                parcel->is_gone = true;
                note_late(device, parcel);
                device->verdict->n_early +=
                        age_usec(device, parcel) < (int64_t)retention_usec - ahead_usec(device);
        }
        (void)sessions_trim(&device->sessions, oldest_usec);
        device->saved_on_usec = now_usec;
}

/* True time from which on a parcel counts once time is proven. */
static int64_t counts_from_usec(const Device *device, const Parcel *parcel) {
        if (device->boots[parcel->boot].is_proven)
                return parcel->opened_usec;
        for (unsigned boot = parcel->boot + 1; boot <= device->boot; boot++)
                if (device->boots[boot].is_proven)
                        return device->boots[boot].started_usec;
        return INT64_MAX;
}

/* After everything that is due was done: what is still there? */
static void check_kept(Device *device) {
        int64_t limit_usec = (int64_t)device->world.retention_usec + GRACE_USEC + ahead_usec(device);

        for (size_t i = 0; i < device->n_parcels; i++) {
                const Parcel *parcel = &device->parcels[i];
                int64_t from_usec;

                if (parcel->is_gone)
                        continue;
                device->verdict->n_late_on += on_usec(device) - parcel->opened_on_usec > device->world.retention_usec;
                from_usec = counts_from_usec(device, parcel);
                device->verdict->n_late_true += device->estimate.state != TRUE_TIME_UNPROVEN &&
                                                from_usec != INT64_MAX &&
                                                device->world.true_usec - from_usec > limit_usec;
                return; /* the oldest is the first to be late, either way */
        }
}

/* What is usual. Who is there after twice his time is counted, and followed no longer. */
static void expire_naively(Device *device) {
        int64_t now_usec = world_kernel_usec(&device->world), retention_usec = (int64_t)device->world.retention_usec;

        for (size_t i = 0; i < device->n_parcels; i++) {
                Parcel *parcel = &device->parcels[i];
                bool is_late = age_usec(device, parcel) > 2 * retention_usec;

                if (parcel->is_gone_naively || (!is_late && now_usec - parcel->stamp_usec < retention_usec))
                        continue;
                parcel->is_gone_naively = true;
                device->verdict->n_naive_early += age_usec(device, parcel) < retention_usec - ahead_usec(device);
                device->verdict->n_naive_late += is_late;
        }
}

static void take_proof(Device *device) {
        int64_t error_usec, utc_usec = 0;

        (void)truetime_now(&device->estimate, world_boottime_usec(&device->world), &utc_usec);
        error_usec = utc_usec - device->world.true_usec;
        device->verdict->n_false += error_usec > GRACE_USEC || error_usec < -GRACE_USEC;
        sessions_prove(&device->sessions, &device->estimate.proof, (int64_t)device->boot_on_usec);
        device->boots[device->boot].is_proven = true;
        device->next_expiry_on_usec = 0;
}

static void hear(Device *device, TrueTimeSource source, int64_t utc_usec, uint64_t uncertainty_usec) {
        if (truetime_observe(&device->estimate, &(TrueTimeObservation){
                                                        .source = source,
                                                        .boottime_usec = world_boottime_usec(&device->world),
                                                        .utc_usec = utc_usec,
                                                        .uncertainty_usec = uncertainty_usec,
                                                }))
                take_proof(device);
}

static void hear_all(Device *device) {
        World *world = &device->world;
        int64_t utc_usec;

        if (world->is_synced)
                hear(device, TRUE_TIME_KERNEL, world_kernel_usec(world), USEC_PER_SEC);
        else
                truetime_forget(&device->estimate, TRUE_TIME_KERNEL);
        if (world_receiver_usec(world, &utc_usec))
                hear(device, TRUE_TIME_GNSS, utc_usec, 2 * USEC_PER_SEC);
        if (world_store_usec(world, &utc_usec))
                hear(device, TRUE_TIME_STORE, utc_usec, 10 * USEC_PER_SEC);
}

/* The daemon starts, at boot or later. */
static void start(Device *device) {
        const TrueTimeOptions options = {
                .release_usec = WORLD_RELEASE_USEC,
                .has_independent_kernel = device->is_misled || device->world.kernel == KERNEL_NTP ||
                                          device->world.kernel == KERNEL_WRONG_NTP,
        };
        JournalTime known;

        sessions_get_time(&device->sessions, (int64_t)device->boot_on_usec, &known);
        truetime_init(&device->estimate, &options, &known.past);
}

static void boot(Device *device) {
        const uint8_t id[SESSION_BOOT_SIZE] = { (uint8_t)device->boot };

        world_boot(&device->world);
        device->boots[device->boot].started_usec = device->world.true_usec;
        device->boot_on_usec = device->saved_on_usec;
        sessions_begin(&device->sessions, id, device->boot_on_usec);
        device->next_expiry_on_usec = 0;
        device->next_parcel_on_usec = device->boot_on_usec;
}

static void drop_gone(Device *device) {
        size_t n = 0;

        for (size_t i = 0; i < device->n_parcels; i++)
                if (!device->parcels[i].is_gone || !device->parcels[i].is_gone_naively)
                        device->parcels[n++] = device->parcels[i];
        device->n_parcels = n;
}

static void open_parcel(Device *device) {
        if (device->verdict->n_parcels % 32 == 0)
                drop_gone(device);
        assert_true(device->n_parcels < PARCELS_MAX);
        device->parcels[device->n_parcels++] = (Parcel){
                .opened_usec = device->world.true_usec,
                .opened_on_usec = on_usec(device),
                .stamp_usec = world_kernel_usec(&device->world),
                .boot = device->boot,
        };
        device->saved_on_usec = on_usec(device);
        device->next_expiry_on_usec = MIN(device->next_expiry_on_usec, on_usec(device) + device->world.retention_usec);
        device->next_parcel_on_usec = on_usec(device) + USEC_PER_HOUR;
        device->verdict->n_parcels++;
}

/* As the engine does it: hear, expire what is due, and only then anything else. */
static void turn(Device *device) {
        hear_all(device);
        if (on_usec(device) >= device->next_expiry_on_usec || on_usec(device) - device->saved_on_usec >= SAVE_EVERY_USEC)
                expire(device);
        check_kept(device);
        if (on_usec(device) >= device->next_parcel_on_usec) {
                expire_naively(device);
                open_parcel(device);
        }
}

static void live_a_boot(Device *device) {
        World *world = &device->world;

        boot(device);
        world_advance(world, START_USEC);
        start(device);
        while (world->true_usec < world->off_at_usec) {
                turn(device);
                world_advance(world, MIN(STEP_USEC, (uint64_t)(world->off_at_usec - world->true_usec)));
                if (world_random(world, 200) == 0)
                        start(device); /* anew, in the same boot */
        }
        if (!world->is_crash)
                device->saved_on_usec = on_usec(device);
}

static void live(Device *device, uint64_t seed, bool is_misled, Verdict *verdict) {
        memset(device, 0, sizeof(*device));
        device->verdict = verdict;
        device->is_misled = is_misled;
        world_init(&device->world, seed);
        if (is_misled)
                device->world.kernel = KERNEL_FROM_RECEIVER;
        for (; device->boot < device->world.n_boots; device->boot++)
                live_a_boot(device);
        for (size_t i = 0; i < device->n_parcels; i++)
                if (!device->parcels[i].is_gone)
                        note_late(device, &device->parcels[i]);
}

static uint64_t setting(const char *name, uint64_t otherwise) {
        const char *text = getenv(name);
        uint64_t value = otherwise;

        if (text)
                assert_int_equal(parse_u64(text, 0, UINT64_MAX, &value), 0);
        return value;
}

static unsigned late_days(const Verdict *verdict, unsigned percent) {
        uint64_t n = 0;
        unsigned day = 0;

        for (; day < LATE_DAYS_MAX - 1; day++) {
                n += verdict->late_days[day];
                if (n > 0 && n * 100 >= verdict->n_late * percent)
                        break;
        }
        return day;
}

static void print(const char *what, const Verdict *verdict) {
        print_message("# %s: %llu parcels, nothing proven that was false: %s; early: %llu; late in powered-on time: %llu, "
                      "in proven true time: %llu\n",
                      what, (unsigned long long)verdict->n_parcels, verdict->n_false == 0 ? "yes" : "NO",
                      (unsigned long long)verdict->n_early, (unsigned long long)verdict->n_late_on,
                      (unsigned long long)verdict->n_late_true);
        print_message("#   kept longer in truth, since the box was off or nobody proved the time: %llu (%.1f %%), by %u "
                      "days in the median, %u in 99 of 100, %u at most; %llu of them went when it was proven\n",
                      (unsigned long long)verdict->n_late, 100.0 * (double)verdict->n_late / (double)verdict->n_parcels,
                      late_days(verdict, 50), late_days(verdict, 99), late_days(verdict, 100),
                      (unsigned long long)verdict->n_awaited);
        print_message("#   by the kernel's clock alone: early %llu (%.1f %%), kept longer than twice their time %llu "
                      "(%.1f %%)\n",
                      (unsigned long long)verdict->n_naive_early,
                      100.0 * (double)verdict->n_naive_early / (double)verdict->n_parcels,
                      (unsigned long long)verdict->n_naive_late,
                      100.0 * (double)verdict->n_naive_late / (double)verdict->n_parcels);
}

static void test_no_clock_can_fool_retention(void **state) {
        uint64_t n = setting("TRAILKEEP_FAULT_DEVICES", DEVICES), seed = setting("TRAILKEEP_FAULT_SEED", 1);
        static Verdict verdict;
        static Device device;

        for (uint64_t i = 0; i < n; i++) {
                Verdict before = { .n_early = verdict.n_early, .n_late_on = verdict.n_late_on };

                before.n_late_true = verdict.n_late_true;
                before.n_false = verdict.n_false;
                live(&device, seed + i, false, &verdict);
                if (verdict.n_early != before.n_early || verdict.n_late_on != before.n_late_on ||
                    verdict.n_late_true != before.n_late_true || verdict.n_false != before.n_false)
                        fail_msg("TRAILKEEP_FAULT_DEVICES=1 TRAILKEEP_FAULT_SEED=%llu: false %llu, early %llu, late %llu "
                                 "and %llu",
                                 (unsigned long long)(seed + i), (unsigned long long)(verdict.n_false - before.n_false),
                                 (unsigned long long)(verdict.n_early - before.n_early),
                                 (unsigned long long)(verdict.n_late_on - before.n_late_on),
                                 (unsigned long long)(verdict.n_late_true - before.n_late_true));
        }
        print("boxes", &verdict);
        if (n >= DEVICES) {
                assert_true(verdict.n_naive_early > verdict.n_parcels / 100);
                assert_true(verdict.n_naive_late > verdict.n_parcels / 100);
                assert_true(verdict.n_late > 0 && verdict.n_awaited > 0);
        }
}

/* What the same rules come to where one liar is taken for two witnesses: that is why the default says no. */
static void test_control_a_clock_set_from_the_receiver_taken_for_independent(void **state) {
        static Verdict verdict;
        static Device device;

        for (uint64_t seed = 1; seed <= DEVICES / 10; seed++)
                live(&device, seed, true, &verdict);
        print("boxes of a mistaken owner", &verdict);
        assert_true(verdict.n_false > 0);
        assert_true(verdict.n_early > 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_no_clock_can_fool_retention),
                cmocka_unit_test(test_control_a_clock_set_from_the_receiver_taken_for_independent),
        };

        return cmocka_run_group_tests_name("clock torture", tests, NULL, NULL);
}
