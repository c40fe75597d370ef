/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whom the estimator of true time believes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>
#include "trailkeep/truetime.h"

#define SEC ((int64_t)USEC_PER_SEC)
#define DAY (86400 * SEC)
#define WEEK (7 * DAY)
#define YEAR (365 * DAY)
#define RELEASE (INT64_C(1793491200) * SEC)
#define NOW (RELEASE + 100 * DAY) /* UTC when the box booted */

static const TrueTimePast nothing_known;

static TrueTime begin(bool has_independent_kernel) {
        const TrueTimeOptions options = { .release_usec = RELEASE, .has_independent_kernel = has_independent_kernel };
        TrueTime truetime;

        truetime_init(&truetime, &options, &nothing_known);
        return truetime;
}

/* A source says, at a moment after boot, what true time plus an error is. */
static bool say(TrueTime *truetime, TrueTimeSource source, int64_t at_usec, int64_t error_usec) {
        return truetime_observe(truetime, &(TrueTimeObservation){ .source = source,
                                                                  .boottime_usec = (uint64_t)at_usec,
                                                                  .utc_usec = NOW + at_usec + error_usec,
                                                                  .uncertainty_usec = USEC_PER_SEC });
}

static bool is_proven(const TrueTime *truetime, int64_t error_usec) {
        int64_t utc_usec = 0;

        return truetime_now(truetime, (uint64_t)(1000 * SEC), &utc_usec) && utc_usec == NOW + 1000 * SEC + error_usec;
}

static bool is_unproven(const TrueTime *truetime) {
        int64_t utc_usec = 7;

        return !truetime_now(truetime, 1000, &utc_usec) && utc_usec == 7 &&
               truetime->proof.sources == 0;
}

static void test_nobody_alone_proves_anything_but_the_store(void **state) {
        TrueTime kernel = begin(true), gnss = begin(true), store = begin(false);

        assert_false(say(&kernel, TRUE_TIME_KERNEL, 5 * SEC, 0));
        assert_true(is_unproven(&kernel));
        for (int i = 0; i < 100; i++)
                assert_false(say(&gnss, TRUE_TIME_GNSS, i * SEC, 0));
        assert_true(is_unproven(&gnss));
        assert_true(say(&store, TRUE_TIME_STORE, 5 * SEC, 0));
        assert_true(is_proven(&store, 0));
        assert_string_equal(truetime_proof_to_string(&store.proof), "store");
}

static void test_two_independent_sources_within_a_minute_prove(void **state) {
        TrueTime truetime = begin(true);

        assert_false(say(&truetime, TRUE_TIME_KERNEL, 5 * SEC, 61 * SEC));
        assert_false(say(&truetime, TRUE_TIME_GNSS, 6 * SEC, 0));
        assert_true(is_unproven(&truetime));
        assert_true(say(&truetime, TRUE_TIME_KERNEL, 7 * SEC, 60 * SEC));
        assert_true(is_proven(&truetime, 60 * SEC));
        assert_int_equal(truetime.proof.uncertainty_usec, 60 * SEC);
        assert_string_equal(truetime_proof_to_string(&truetime.proof), "gnss+kernel");
}

/* chrony sets the kernel's clock from the receiver: one liar, two voices. */
static void test_a_kernel_clock_set_from_the_receiver_is_no_second_source(void **state) {
        TrueTime truetime = begin(false);

        assert_false(say(&truetime, TRUE_TIME_GNSS, 6 * SEC, YEAR));
        assert_false(say(&truetime, TRUE_TIME_KERNEL, 7 * SEC, YEAR));
        assert_true(is_unproven(&truetime));
        assert_true(say(&truetime, TRUE_TIME_STORE, 8 * SEC, 0));
        assert_true(is_proven(&truetime, 0));
        assert_int_equal(truetime_held_off(&truetime), 1U << TRUE_TIME_GNSS | 1U << TRUE_TIME_KERNEL);
}

static void test_dates_of_another_rollover_are_repaired(void **state) {
        static const int rollovers[] = { -2, -1, 0, 1, 2, 3 };

        for (size_t i = 0; i < ELEMENTSOF(rollovers); i++) {
                TrueTime truetime = begin(true);

                (void)say(&truetime, TRUE_TIME_KERNEL, 5 * SEC, 0);
                assert_true(say(&truetime, TRUE_TIME_GNSS, 6 * SEC, rollovers[i] * 1024 * WEEK));
                assert_true(is_proven(&truetime, 0));
                assert_int_equal(truetime_held_off(&truetime), 0);
        }
}

/* The receiver's overflow has gone into the kernel's clock, and the configuration says they are independent. */
static void test_rollover_in_both_proves_nothing(void **state) {
        static const int rollovers[] = { -1, 1, 2 };

        for (size_t i = 0; i < ELEMENTSOF(rollovers); i++) {
                TrueTime truetime = begin(true);

                (void)say(&truetime, TRUE_TIME_GNSS, 6 * SEC, rollovers[i] * 1024 * WEEK);
                assert_false(say(&truetime, TRUE_TIME_KERNEL, 7 * SEC, rollovers[i] * 1024 * WEEK));
                assert_true(is_unproven(&truetime));
                assert_int_equal(truetime_held_off(&truetime), 1U << TRUE_TIME_KERNEL);
        }
}

static void test_before_the_floor_only_the_store_is_believed(void **state) {
        const TrueTimeOptions options = { .release_usec = RELEASE, .has_independent_kernel = true };
        const TrueTimePast past = { .has_floor = true, .floor_offset_usec = NOW };
        TrueTime truetime;

        truetime_init(&truetime, &options, &past);
        (void)say(&truetime, TRUE_TIME_KERNEL, 5 * SEC, -301 * SEC);
        assert_false(say(&truetime, TRUE_TIME_GNSS, 6 * SEC, -301 * SEC));
        assert_true(is_unproven(&truetime));
        (void)say(&truetime, TRUE_TIME_KERNEL, 7 * SEC, -299 * SEC);
        assert_true(say(&truetime, TRUE_TIME_GNSS, 8 * SEC, -299 * SEC));
        assert_true(is_proven(&truetime, -299 * SEC));
        assert_true(say(&truetime, TRUE_TIME_STORE, 9 * SEC, -YEAR));
        assert_true(is_proven(&truetime, -YEAR));
}

static void test_release_date_is_a_floor_as_well(void **state) {
        TrueTime truetime = begin(true);

        (void)say(&truetime, TRUE_TIME_KERNEL, 5 * SEC, -101 * DAY);
        assert_false(say(&truetime, TRUE_TIME_GNSS, 6 * SEC, -101 * DAY));
        assert_true(is_unproven(&truetime));
}

static void test_agreement_does_not_move_within_a_boot(void **state) {
        static const int64_t steps[] = { 301 * SEC, -301 * SEC, YEAR, -10 * DAY };

        for (size_t i = 0; i < ELEMENTSOF(steps); i++) {
                TrueTime truetime = begin(true);

                (void)say(&truetime, TRUE_TIME_KERNEL, 5 * SEC, 0);
                assert_true(say(&truetime, TRUE_TIME_GNSS, 6 * SEC, 0));
                assert_false(say(&truetime, TRUE_TIME_KERNEL, 10 * SEC, steps[i]));
                assert_false(say(&truetime, TRUE_TIME_GNSS, 11 * SEC, steps[i]));
                assert_true(is_proven(&truetime, 0));
                assert_int_equal(truetime_held_off(&truetime), 1U << TRUE_TIME_GNSS | 1U << TRUE_TIME_KERNEL);
        }
}

/* Four minutes at a time, which each would be let through if it were compared with the one before. */
static void test_agreement_is_not_led_away_in_small_steps(void **state) {
        TrueTime truetime = begin(true);

        for (int i = 0; i < 100; i++) {
                (void)say(&truetime, TRUE_TIME_KERNEL, (10 + i) * SEC, i * 30 * SEC);
                (void)say(&truetime, TRUE_TIME_GNSS, (10 + i) * SEC, i * 30 * SEC);
        }
        assert_true(is_proven(&truetime, 300 * SEC));
}

static void test_drift_is_followed(void **state) {
        TrueTime truetime = begin(true);
        int64_t at = 0;

        for (; at < 100 * DAY; at += DAY / 2) {
                (void)say(&truetime, TRUE_TIME_KERNEL, at, at / 20000);
                assert_true(say(&truetime, TRUE_TIME_GNSS, at, at / 20000));
        }
        assert_true(is_proven(&truetime, (at - DAY / 2) / 20000));
        assert_int_equal(truetime_held_off(&truetime), 0);
}

static void test_who_vouched_is_moved_by_nobody_else(void **state) {
        TrueTime truetime = begin(true);

        assert_true(say(&truetime, TRUE_TIME_STORE, 5 * SEC, 0));
        (void)say(&truetime, TRUE_TIME_KERNEL, 6 * SEC, DAY);
        assert_false(say(&truetime, TRUE_TIME_GNSS, 7 * SEC, DAY));
        assert_true(is_proven(&truetime, 0));
        assert_true(say(&truetime, TRUE_TIME_STORE, 8 * SEC, DAY));
        assert_true(is_proven(&truetime, DAY));
        assert_int_equal(truetime_held_off(&truetime), 0);
}

static void test_a_vaguer_word_of_the_store_changes_nothing(void **state) {
        TrueTime truetime = begin(false);
        const TrueTimeObservation vague = { TRUE_TIME_STORE, 20 * USEC_PER_SEC, NOW + 30 * SEC, 20 * USEC_PER_SEC };

        assert_true(say(&truetime, TRUE_TIME_STORE, 5 * SEC, 0));
        assert_false(truetime_observe(&truetime, &vague));
        assert_true(is_proven(&truetime, 0));
}

static void test_store_overrules_an_agreement(void **state) {
        TrueTime truetime = begin(true);

        (void)say(&truetime, TRUE_TIME_KERNEL, 5 * SEC, YEAR);
        assert_true(say(&truetime, TRUE_TIME_GNSS, 6 * SEC, YEAR));
        assert_true(say(&truetime, TRUE_TIME_STORE, 7 * SEC, 0));
        assert_true(is_proven(&truetime, 0));
        assert_string_equal(truetime_proof_to_string(&truetime.proof), "store");
}

static void test_what_is_proven_stays_when_its_sources_go(void **state) {
        TrueTime truetime = begin(true);

        (void)say(&truetime, TRUE_TIME_KERNEL, 5 * SEC, 0);
        (void)say(&truetime, TRUE_TIME_GNSS, 6 * SEC, 0);
        truetime_forget(&truetime, TRUE_TIME_KERNEL);
        truetime_forget(&truetime, TRUE_TIME_GNSS);
        assert_true(is_proven(&truetime, 0));
        assert_int_equal(truetime_held_off(&truetime), 0);
}

static void test_a_forgotten_source_agrees_with_nobody(void **state) {
        TrueTime truetime = begin(true);

        (void)say(&truetime, TRUE_TIME_KERNEL, 5 * SEC, 0);
        truetime_forget(&truetime, TRUE_TIME_KERNEL);
        assert_false(say(&truetime, TRUE_TIME_GNSS, 6 * SEC, 0));
        assert_true(is_unproven(&truetime));
}

static void test_proof_of_this_boot_outlives_the_daemon(void **state) {
        const TrueTimeOptions options = { .release_usec = RELEASE, .has_independent_kernel = true };
        TrueTime before = begin(true), after;

        (void)say(&before, TRUE_TIME_KERNEL, 5 * SEC, 0);
        (void)say(&before, TRUE_TIME_GNSS, 6 * SEC, 0);
        truetime_init(&after, &options, &(TrueTimePast){ .proof = before.proof });
        assert_true(is_proven(&after, 0));
        assert_int_equal(after.state, TRUE_TIME_AGREED);
        (void)say(&after, TRUE_TIME_KERNEL, 7 * SEC, DAY);
        assert_false(say(&after, TRUE_TIME_GNSS, 8 * SEC, DAY));
        assert_true(is_proven(&after, 0));

        (void)say(&before, TRUE_TIME_STORE, 9 * SEC, 0);
        truetime_init(&after, &options, &(TrueTimePast){ .proof = before.proof });
        assert_int_equal(after.state, TRUE_TIME_VOUCHED);
}

static void test_best_guess_prefers_what_is_better_known(void **state) {
        TrueTime truetime = begin(false);
        int64_t utc_usec = 7;

        assert_false(truetime_best(&truetime, 0, &utc_usec));
        assert_int_equal(utc_usec, 7);
        (void)say(&truetime, TRUE_TIME_KERNEL, 5 * SEC, -40 * YEAR); /* not believable */
        assert_false(truetime_best(&truetime, 0, &utc_usec));
        (void)say(&truetime, TRUE_TIME_GNSS, 6 * SEC, 3 * SEC);
        assert_true(truetime_best(&truetime, 0, &utc_usec));
        assert_int_equal(utc_usec, NOW + 3 * SEC);
        (void)say(&truetime, TRUE_TIME_KERNEL, 7 * SEC, 2 * SEC);
        assert_true(truetime_best(&truetime, 0, &utc_usec));
        assert_int_equal(utc_usec, NOW + 2 * SEC);
        (void)say(&truetime, TRUE_TIME_STORE, 8 * SEC, 1 * SEC);
        assert_true(truetime_best(&truetime, 0, &utc_usec));
        assert_int_equal(utc_usec, NOW + 1 * SEC);
}

static void test_contradiction_is_shown_before_anything_is_proven(void **state) {
        TrueTime truetime = begin(true);

        (void)say(&truetime, TRUE_TIME_KERNEL, 5 * SEC, 0);
        (void)say(&truetime, TRUE_TIME_GNSS, 6 * SEC, 2 * DAY);
        assert_int_equal(truetime_held_off(&truetime), 1U << TRUE_TIME_GNSS | 1U << TRUE_TIME_KERNEL);
}

static void test_what_is_no_time_is_left_out(void **state) {
        static const TrueTimeObservation nonsense[] = {
                { TRUE_TIME_STORE, 5, -1, 1 },
                { TRUE_TIME_STORE, 5, INT64_MAX, 1 },
                { TRUE_TIME_STORE, UINT64_MAX, NOW, 1 },
                { TRUE_TIME_STORE, 5, NOW, 61 * USEC_PER_SEC },
                { TRUE_TIME_STORE, 5, NOW, UINT64_MAX },
        };
        TrueTime truetime = begin(true);

        for (size_t i = 0; i < ELEMENTSOF(nonsense); i++) {
                assert_false(truetime_observe(&truetime, &nonsense[i]));
                assert_true(is_unproven(&truetime));
        }
}

static void test_names(void **state) {
        assert_string_equal(truetime_source_to_string(TRUE_TIME_KERNEL), "kernel");
        assert_string_equal(truetime_source_to_string(TRUE_TIME_GNSS), "gnss");
        assert_string_equal(truetime_source_to_string(TRUE_TIME_STORE), "store");
        assert_null(truetime_source_to_string(TRUE_TIME_SOURCE_MAX));
        assert_string_equal(truetime_proof_to_string(&(TrueTimeProof){ 0 }), "none");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_nobody_alone_proves_anything_but_the_store),
                cmocka_unit_test(test_two_independent_sources_within_a_minute_prove),
                cmocka_unit_test(test_a_kernel_clock_set_from_the_receiver_is_no_second_source),
                cmocka_unit_test(test_dates_of_another_rollover_are_repaired),
                cmocka_unit_test(test_rollover_in_both_proves_nothing),
                cmocka_unit_test(test_before_the_floor_only_the_store_is_believed),
                cmocka_unit_test(test_release_date_is_a_floor_as_well),
                cmocka_unit_test(test_agreement_does_not_move_within_a_boot),
                cmocka_unit_test(test_agreement_is_not_led_away_in_small_steps),
                cmocka_unit_test(test_drift_is_followed),
                cmocka_unit_test(test_who_vouched_is_moved_by_nobody_else),
                cmocka_unit_test(test_a_vaguer_word_of_the_store_changes_nothing),
                cmocka_unit_test(test_store_overrules_an_agreement),
                cmocka_unit_test(test_what_is_proven_stays_when_its_sources_go),
                cmocka_unit_test(test_a_forgotten_source_agrees_with_nobody),
                cmocka_unit_test(test_proof_of_this_boot_outlives_the_daemon),
                cmocka_unit_test(test_best_guess_prefers_what_is_better_known),
                cmocka_unit_test(test_contradiction_is_shown_before_anything_is_proven),
                cmocka_unit_test(test_what_is_no_time_is_left_out),
                cmocka_unit_test(test_names),
        };

        return cmocka_run_group_tests_name("truetime", tests, NULL, NULL);
}
