/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The two deadlines, as a pure function of what was proven in which boot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "sessions.h"

#define SEC USEC_PER_SEC
#define HOUR USEC_PER_HOUR
#define DAY USEC_PER_DAY
#define UTC ((int64_t)(20000 * DAY)) /* when powered-on time was 0, of a box that was never off */
#define RETENTION (30 * DAY)

/* Another boot, with the power off in between; powered-on time goes on where it was. */
static void boot(Sessions *sessions, uint64_t on_usec) {
        sessions_begin(sessions, (const uint8_t[SESSION_BOOT_SIZE]){ 1 }, on_usec);
}

/* True time is proven: until now the box was off for so long altogether. */
static void prove(Sessions *sessions, uint64_t off_usec, uint64_t on_usec) {
        const TrueTimeProof proof = {
                .sources = 1U << TRUE_TIME_STORE,
                .offset_usec = UTC + (int64_t)off_usec,
                .uncertainty_usec = SEC,
                .boottime_usec = on_usec,
        };

        sessions_prove(sessions, &proof, 0);
}

static uint64_t expiry(const Sessions *sessions, uint64_t opened_on_usec, uint64_t now_on_usec) {
        return sessions_expiry_on_usec(sessions, opened_on_usec, RETENTION, now_on_usec);
}

static void test_without_proof_powered_on_time_counts(void **state) {
        Sessions sessions = { 0 };

        boot(&sessions, 0);
        assert_int_equal(expiry(&sessions, 5 * DAY, 6 * DAY), 35 * DAY);
        boot(&sessions, 6 * DAY);
        assert_int_equal(expiry(&sessions, 5 * DAY, 7 * DAY), 35 * DAY);
        assert_int_equal(sessions.n, 1);
}

static void test_within_one_boot_a_proof_changes_nothing(void **state) {
        Sessions sessions = { 0 };

        boot(&sessions, 0);
        prove(&sessions, 0, DAY);
        assert_int_equal(expiry(&sessions, 5 * DAY, 6 * DAY), 35 * DAY);
        prove(&sessions, 3000 * DAY, 2 * DAY);
        assert_int_equal(expiry(&sessions, 5 * DAY, 6 * DAY), 35 * DAY);
}

static void test_time_off_counts_once_both_ends_are_proven(void **state) {
        Sessions sessions = { 0 };

        boot(&sessions, 0);
        prove(&sessions, 0, 5 * DAY);
        boot(&sessions, 5 * DAY);
        assert_int_equal(expiry(&sessions, 5 * DAY, 5 * DAY + HOUR), 35 * DAY);
        prove(&sessions, 10 * DAY, 5 * DAY + HOUR);
        assert_int_equal(expiry(&sessions, 5 * DAY, 5 * DAY + HOUR), 25 * DAY + 2 * SEC);
        prove(&sessions, 3000 * DAY, 5 * DAY + HOUR);
        assert_int_equal(expiry(&sessions, 5 * DAY, 5 * DAY + HOUR), 0);
        assert_int_equal(expiry(&sessions, 5 * DAY + 1, 5 * DAY + HOUR), 35 * DAY + 1);
}

static void test_doubt_grows_with_distance_and_only_delays(void **state) {
        Sessions sessions = { 0 };

        boot(&sessions, 0);
        prove(&sessions, 0, 0);
        boot(&sessions, 5 * DAY);
        prove(&sessions, 10 * DAY, 5 * DAY);
        assert_int_equal(expiry(&sessions, 4 * DAY, 6 * DAY), 24 * DAY + 2 * SEC + 5 * DAY / 10000);
}

static void test_unproven_boot_is_taken_for_the_next_proven_one(void **state) {
        Sessions sessions = { 0 };

        boot(&sessions, 0); /* opened here, at 1 day; off for 9 days; */
        boot(&sessions, 2 * DAY);
        prove(&sessions, 9 * DAY, 2 * DAY); /* off for 20 more */
        boot(&sessions, 3 * DAY);
        prove(&sessions, 29 * DAY, 3 * DAY);
        assert_int_equal(expiry(&sessions, 1 * DAY, 3 * DAY), 11 * DAY + 2 * SEC);
}

static void test_unproven_present_goes_by_the_last_proof(void **state) {
        Sessions sessions = { 0 };

        boot(&sessions, 0);
        prove(&sessions, 0, 1 * DAY);
        boot(&sessions, 2 * DAY);
        prove(&sessions, 20 * DAY, 3 * DAY);
        boot(&sessions, 3 * DAY);
        assert_int_equal(expiry(&sessions, 1 * DAY, 3 * DAY), 11 * DAY + 2 * SEC);
        assert_int_equal(expiry(&sessions, 3 * DAY + 1, 4 * DAY), 33 * DAY + 1);
}

static void test_offset_that_went_back_counts_as_no_time_off(void **state) {
        Sessions sessions = { 0 };

        boot(&sessions, 0);
        prove(&sessions, 500 * DAY, 1 * DAY);
        boot(&sessions, 2 * DAY);
        prove(&sessions, 20 * DAY, 2 * DAY);
        assert_int_equal(expiry(&sessions, 1 * DAY, 2 * DAY), 31 * DAY);
}

static void test_for_ever_and_overflow_never_expire(void **state) {
        Sessions sessions = { 0 };

        boot(&sessions, 0);
        prove(&sessions, 0, 0);
        boot(&sessions, 1);
        prove(&sessions, 3000 * DAY, 1);
        assert_int_equal(sessions_expiry_on_usec(&sessions, 0, USEC_INFINITY, DAY), USEC_INFINITY);
        assert_int_equal(sessions_expiry_on_usec(&sessions, UINT64_MAX - 5, RETENTION, DAY), USEC_INFINITY);
        assert_int_equal(sessions_expiry_on_usec(&(Sessions){ 0 }, 5, 10, DAY), 15);
}

static void test_trimming_keeps_what_a_parcel_needs_and_the_last_words(void **state) {
        Sessions sessions = { 0 };

        for (uint64_t i = 0; i < 10; i++) {
                boot(&sessions, i * DAY);
                prove(&sessions, i * 10 * HOUR, i * DAY);
        }
        sessions.list[2].sources = 1U << TRUE_TIME_STORE;
        for (size_t i = 3; i < 10; i++)
                sessions.list[i].sources = 1U << TRUE_TIME_GNSS | 1U << TRUE_TIME_KERNEL;
        boot(&sessions, 10 * DAY);
        assert_int_equal(sessions.n, 11);
        assert_true(sessions_trim(&sessions, 7 * DAY)); /* with the last write of session 6 */
        assert_int_equal(sessions.n, 6);
        assert_int_equal(sessions.list[0].started_on_usec, 2 * DAY); /* the store's last word */
        assert_int_equal(sessions.list[1].started_on_usec, 6 * DAY);
        assert_false(sessions_trim(&sessions, 7 * DAY));
        assert_true(sessions_trim(&sessions, USEC_INFINITY));
        assert_int_equal(sessions.n, 3);
        assert_int_equal(sessions_last_proven(&sessions, UINT32_MAX)->started_on_usec, 9 * DAY);
        assert_int_equal(sessions_last_proven(&sessions, 1U << TRUE_TIME_STORE)->started_on_usec, 2 * DAY);
}

/* Ten thousand boots, one of them after a long time off: the list is bounded, and what is lost is bounded too. */
static void test_too_many_boots_cost_little(void **state) {
        Sessions sessions = { 0 };
        uint64_t off_usec = 0, on_usec = 0;

        for (int i = 0; i < 10000; i++) {
                off_usec += i == 5000 ? 5 * DAY : SEC;
                on_usec += 60 * SEC;
                boot(&sessions, on_usec);
                prove(&sessions, off_usec, on_usec);
        }
        assert_true(sessions.n <= SESSIONS_MAX);
        assert_true(expiry(&sessions, 30, on_usec) <= 25 * DAY + HOUR);
        assert_true(expiry(&sessions, 30, on_usec) >= 25 * DAY - 3 * HOUR);
}

static void test_what_is_due_soon_goes_along(void **state) {
        assert_true(sessions_is_due(5 * DAY, RETENTION, 5 * DAY));
        assert_true(sessions_is_due(5 * DAY, RETENTION, 5 * DAY - HOUR));
        assert_false(sessions_is_due(5 * DAY, RETENTION, 5 * DAY - HOUR - 1));
        assert_true(sessions_is_due(5 * DAY, 100 * SEC, 5 * DAY - SEC));
        assert_false(sessions_is_due(5 * DAY, 100 * SEC, 5 * DAY - SEC - 1));
        assert_true(sessions_is_due(0, RETENTION, 0));
        assert_false(sessions_is_due(USEC_INFINITY, USEC_INFINITY, 5 * DAY));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_without_proof_powered_on_time_counts),
                cmocka_unit_test(test_within_one_boot_a_proof_changes_nothing),
                cmocka_unit_test(test_time_off_counts_once_both_ends_are_proven),
                cmocka_unit_test(test_doubt_grows_with_distance_and_only_delays),
                cmocka_unit_test(test_unproven_boot_is_taken_for_the_next_proven_one),
                cmocka_unit_test(test_unproven_present_goes_by_the_last_proof),
                cmocka_unit_test(test_offset_that_went_back_counts_as_no_time_off),
                cmocka_unit_test(test_for_ever_and_overflow_never_expire),
                cmocka_unit_test(test_trimming_keeps_what_a_parcel_needs_and_the_last_words),
                cmocka_unit_test(test_too_many_boots_cost_little),
                cmocka_unit_test(test_what_is_due_soon_goes_along),
        };

        return cmocka_run_group_tests_name("sessions", tests, NULL, NULL);
}
