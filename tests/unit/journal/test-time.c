/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Retention by true time, with the power off in between, on the whole journal. */
#include "fixture.h"

#define BOOTED_USEC USEC_PER_MINUTE /* less than any boottime before: so it is another boot */

/* Power off, for so long, and on again. */
static void power_off(Fixture *f, uint64_t usec) {
        fixture_close(f);
        f->realtime_usec += usec + BOOTED_USEC;
        f->boottime_usec = BOOTED_USEC;
        assert_int_equal(fixture_open(f), 0);
        fixture_advance(f, USEC_PER_SEC);
}

static void ignore_done(int r, void *userdata) {
}

typedef struct Told {
        bool is_there;
        JournalTime time;
} Told;

static void on_proven(int r, void *userdata) {
        assert_int_equal(r, 0);
        ((Told *)userdata)->is_there = true;
}

static void on_time(int r, const JournalTime *time, void *userdata) {
        assert_int_equal(r, 0);
        *(Told *)userdata = (Told){ .is_there = true, .time = *time };
}

/* Realtime is true time, says a source. */
static TrueTimeProof proof_now(Fixture *f, TrueTimeSource source) {
        return (TrueTimeProof){
                .sources = 1U << source,
                .offset_usec = (int64_t)f->realtime_usec - (int64_t)f->boottime_usec,
                .uncertainty_usec = USEC_PER_SEC,
                .boottime_usec = f->boottime_usec,
        };
}

static void prove_time(Fixture *f, TrueTimeSource source) {
        TrueTimeProof proof = proof_now(f, source);
        Told told = { 0 };

        assert_int_equal(journal_prove_time(f->journal, &proof, on_proven, &told), 0);
        while (!told.is_there)
                fixture_turn(f);
}

static void read_time(Fixture *f, JournalTime *ret) {
        Told told = { 0 };

        assert_int_equal(journal_read_time(f->journal, on_time, &told), 0);
        while (!told.is_there)
                fixture_turn(f);
        *ret = told.time;
}

static uint64_t n_pending(Fixture *f) {
        return lane_counters(f, LANE_TRACK)->pending;
}

static uint64_t n_expired(Fixture *f) {
        return lane_counters(f, LANE_TRACK)->expired;
}

static void test_long_power_off_expires_before_anything_is_read(void **state) {
        Fixture *f = *state;

        assert_int_equal(fixture_open(f), 0);
        prove_time(f, TRUE_TIME_STORE);
        append(f, 3);
        power_off(f, 40 * USEC_PER_DAY);
        assert_int_equal(n_pending(f), 3);
        prove_time(f, TRUE_TIME_STORE);
        assert_int_equal(n_pending(f), 0);
        assert_int_equal(n_expired(f), 3);
        assert_null(read_batch(f, LANE_TRACK, 10));
        check_counters(f);
        fixture_reopen(f);
        assert_int_equal(n_expired(f), 3);
}

/* A batch that was asked for right behind the proof, before that was answered. */
static void test_nothing_read_behind_a_proof_has_expired(void **state) {
        Fixture *f = *state;
        TrueTimeProof proof;

        assert_int_equal(fixture_open(f), 0);
        prove_time(f, TRUE_TIME_STORE);
        append(f, 3);
        power_off(f, 40 * USEC_PER_DAY);
        proof = proof_now(f, TRUE_TIME_STORE);
        assert_int_equal(journal_prove_time(f->journal, &proof, ignore_done, f), 0);
        assert_null(read_batch(f, LANE_TRACK, 10));
        assert_int_equal(n_expired(f), 3);
}

static void test_power_off_shorter_than_retention_expires_nothing(void **state) {
        Fixture *f = *state;

        assert_int_equal(fixture_open(f), 0);
        prove_time(f, TRUE_TIME_STORE);
        append(f, 3);
        power_off(f, 29 * USEC_PER_DAY);
        prove_time(f, TRUE_TIME_STORE);
        assert_int_equal(n_pending(f), 3);
        fixture_advance(f, USEC_PER_DAY - 2 * USEC_PER_HOUR);
        fixture_reopen(f);
        assert_int_equal(n_pending(f), 3);
        fixture_advance(f, 3 * USEC_PER_HOUR);
        fixture_reopen(f);
        assert_int_equal(n_expired(f), 3);
}

static void test_unproven_clock_of_2099_expires_nothing(void **state) {
        Fixture *f = *state;

        assert_int_equal(fixture_open(f), 0);
        prove_time(f, TRUE_TIME_STORE);
        append(f, 3);
        power_off(f, 73 * 365 * USEC_PER_DAY);
        assert_int_equal(n_pending(f), 3);
        fixture_advance(f, 20 * USEC_PER_DAY);
        fixture_reopen(f);
        assert_int_equal(n_pending(f), 3);
}

/* Opened in a boot that never learnt the time: from the next one that did, it is bounded. */
static void test_opening_in_an_unproven_boot_counts_from_the_next_proven_one(void **state) {
        Fixture *f = *state;

        assert_int_equal(fixture_open(f), 0);
        append(f, 3);
        power_off(f, 100 * USEC_PER_DAY);
        prove_time(f, TRUE_TIME_STORE);
        assert_int_equal(n_pending(f), 3); /* whether it was before or after those 100 days, nobody knows */
        power_off(f, 29 * USEC_PER_DAY);
        prove_time(f, TRUE_TIME_STORE);
        assert_int_equal(n_pending(f), 3);
        power_off(f, 2 * USEC_PER_DAY);
        prove_time(f, TRUE_TIME_STORE);
        assert_int_equal(n_expired(f), 3);
}

static void test_proof_of_this_boot_is_there_after_a_restart(void **state) {
        Fixture *f = *state;
        JournalTime time;

        assert_int_equal(fixture_open(f), 0);
        read_time(f, &time);
        assert_int_equal(time.past.proof.sources, 0);
        assert_false(time.past.has_floor);
        assert_false(time.has_vouched);
        prove_time(f, TRUE_TIME_STORE);
        fixture_advance(f, USEC_PER_HOUR);
        fixture_reopen(f);
        read_time(f, &time);
        assert_int_equal(time.past.proof.sources, 1U << TRUE_TIME_STORE);
        assert_int_equal(time.past.proof.offset_usec, f->realtime_usec - f->boottime_usec);
        assert_int_equal(time.past.proof.boottime_usec, START_BOOTTIME_USEC);
        assert_int_equal(time.past.proof.uncertainty_usec, USEC_PER_SEC);
        assert_false(time.past.has_floor);
        assert_true(time.has_vouched);
}

static void test_next_boot_knows_the_earliest_it_can_be(void **state) {
        Fixture *f = *state;
        JournalTime time;
        int64_t before_ms;

        assert_int_equal(fixture_open(f), 0);
        prove_time(f, TRUE_TIME_GNSS);
        append(f, 3);
        before_ms = (int64_t)(f->realtime_usec / USEC_PER_MSEC);
        power_off(f, 40 * USEC_PER_DAY);
        read_time(f, &time);
        assert_int_equal(time.past.proof.sources, 0);
        assert_true(time.past.has_floor);
        assert_int_equal((time.past.floor_offset_usec + (int64_t)f->boottime_usec) / (int64_t)USEC_PER_MSEC,
                         before_ms + (int64_t)((BOOTED_USEC + USEC_PER_SEC) / USEC_PER_MSEC));
        assert_false(time.has_vouched);
}

static void test_sessions_nobody_needs_are_dropped(void **state) {
        Fixture *f = *state;

        assert_int_equal(fixture_open(f), 0);
        for (int i = 0; i < 10; i++) {
                prove_time(f, TRUE_TIME_STORE);
                append(f, 1);
                power_off(f, USEC_PER_DAY);
        }
        append(f, 1);
        fixture_close(f);
        assert_int_equal(sql_number(f, "vault.db", "SELECT count(*) FROM session"), 11);
        assert_int_equal(fixture_open(f), 0);
        power_off(f, 25 * USEC_PER_DAY);
        prove_time(f, TRUE_TIME_STORE);
        assert_int_equal(ledger_append_entry(f, "{}"), 0); /* they go with the transaction that follows */
        fixture_close(f);
        assert_true(sql_number(f, "vault.db", "SELECT count(*) FROM session") <= 7);
        assert_int_equal(fixture_open(f), 0);
        power_off(f, 30 * USEC_PER_DAY);
        prove_time(f, TRUE_TIME_STORE);
        assert_int_equal(ledger_append_entry(f, "{}"), 0); /* they go with the transaction that follows */
        fixture_close(f);
        assert_int_equal(sql_number(f, "vault.db", "SELECT count(*) FROM session"), 1);
}

static void test_damaged_session_only_delays(void **state) {
        Fixture *f = *state;

        assert_int_equal(fixture_open(f), 0);
        prove_time(f, TRUE_TIME_STORE);
        append(f, 3);
        fixture_close(f);
        sql_run(f, "vault.db", "UPDATE session SET body = zeroblob(length(body))");
        assert_int_equal(fixture_open(f), 0);
        power_off(f, 40 * USEC_PER_DAY);
        prove_time(f, TRUE_TIME_STORE);
        assert_int_equal(n_pending(f), 3);
        power_off(f, 31 * USEC_PER_DAY);
        prove_time(f, TRUE_TIME_STORE);
        assert_int_equal(n_expired(f), 3);
}

/* Together with the powered-on time of parcels it would tell when somebody was on the road. */
static void test_offset_is_nowhere_in_plain_text(void **state) {
        Fixture *f = *state;
        int64_t offset_usec;

        assert_int_equal(fixture_open(f), 0);
        prove_time(f, TRUE_TIME_STORE);
        append(f, 3);
        offset_usec = (int64_t)f->realtime_usec; /* powered-on time is boottime here, less what it was at first */
        fixture_close(f);
        assert_int_equal(sql_number(f, "vault.db", "SELECT length(body) FROM session"), 8 * 8 + 28);
        for (int64_t value = offset_usec - 4 * (int64_t)USEC_PER_SEC; value <= offset_usec; value += USEC_PER_SEC)
                assert_false(state_holds(f, &value, sizeof(value)));
}

static void test_vault_of_the_first_version_is_brought_up(void **state) {
        Fixture *f = *state;

        assert_int_equal(fixture_open(f), 0);
        append(f, 3);
        fixture_close(f);
        sql_run(f, "vault.db", "DROP TABLE session; DROP TABLE mark; DROP TABLE damage; DROP TABLE evidence;"
                               "DROP TABLE evidence_head; DROP TABLE ledger_volume; PRAGMA user_version=1");
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(n_pending(f), 3);
        prove_time(f, TRUE_TIME_STORE);
        power_off(f, 31 * USEC_PER_DAY);
        prove_time(f, TRUE_TIME_STORE);
        assert_int_equal(n_expired(f), 3);
}

static void on_expired(uint64_t n_records, void *userdata) {
        *(uint64_t *)userdata += n_records;
}

/* Somebody waits for it in the store: he is to see that something was there. */
static void test_what_expired_unsent_is_told_and_becomes_a_gap(void **state) {
        Fixture *f = *state;
        _cleanup_(journal_batch_freep) JournalBatch *batch = NULL;
        uint64_t n_told = 0;

        f->options.has_store = true;
        assert_int_equal(fixture_open(f), 0);
        prove_time(f, TRUE_TIME_STORE);
        append(f, 3);
        assert_int_equal(send_batch(f, LANE_TRACK, 1), 1);
        power_off(f, 40 * USEC_PER_DAY);
        journal_observe(f->journal, &(JournalObserver){ .expired = on_expired, .userdata = &n_told });
        assert_int_equal(n_told, 0);
        prove_time(f, TRUE_TIME_STORE);
        assert_int_equal(n_told, 2);
        assert_int_equal(commit(f), 0);
        batch = read_batch(f, LANE_TRACK, 10);
        assert_non_null(batch);
        assert_int_equal(batch->n_records, 1);
        assert_non_null(strstr(batch->records[0]->payload, "\"class\":\"GAP\",\"reason\":\"expired\",\"records\":2"));
        check_counters(f);
}

static void test_what_expired_at_start_is_told_once(void **state) {
        Fixture *f = *state;
        uint64_t n_told = 0;

        assert_int_equal(fixture_open(f), 0);
        append(f, 3);
        fixture_close(f);
        fixture_advance(f, 31 * USEC_PER_DAY);
        assert_int_equal(fixture_open(f), 0);
        journal_observe(f->journal, &(JournalObserver){ .expired = on_expired, .userdata = &n_told });
        assert_int_equal(n_told, 3);
        assert_int_equal(commit(f), 0);
        assert_int_equal(n_told, 3);
        assert_int_equal(n_pending(f), 0); /* without a store nobody misses it: there is no gap */
}

#define unit(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                unit(test_long_power_off_expires_before_anything_is_read),
                unit(test_nothing_read_behind_a_proof_has_expired),
                unit(test_power_off_shorter_than_retention_expires_nothing),
                unit(test_unproven_clock_of_2099_expires_nothing),
                unit(test_opening_in_an_unproven_boot_counts_from_the_next_proven_one),
                unit(test_proof_of_this_boot_is_there_after_a_restart),
                unit(test_next_boot_knows_the_earliest_it_can_be),
                unit(test_sessions_nobody_needs_are_dropped),
                unit(test_damaged_session_only_delays),
                unit(test_offset_is_nowhere_in_plain_text),
                unit(test_vault_of_the_first_version_is_brought_up),
                unit(test_what_expired_unsent_is_told_and_becomes_a_gap),
                unit(test_what_expired_at_start_is_told_once),
        };

        return cmocka_run_group_tests_name("journal time", tests, NULL, NULL);
}
