/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A gate over a journal whose answers the test gives: see gate-fixture.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "gate-fixture.h"

const GateActor owner = { .uid = 1000, .role = "owner" };
const GateActor bridge = { .uid = 2000, .role = "bridge", .actor = "Zoë" };

static uint64_t fixed_realtime_usec(void *userdata) {
        return ((Fixture *)userdata)->realtime_usec;
}

static void on_changed(Purpose purpose, bool is_granted, void *userdata) {
        Fixture *fixture = userdata;

        fixture->n_changes++;
        fixture->is_granted = is_granted;
        fixture->is_told_before_written = fake_journal_n_waiting(fixture->journal) == 0;
}

void on_done(int r, void *userdata) {
        Answer *answer = userdata;

        answer->r = r;
        answer->n_calls++;
}

void on_erased(int r, const JournalReceipt *receipt, void *userdata) {
        Answer *answer = userdata;

        answer->r = r;
        answer->n_calls++;
        answer->has_receipt = receipt;
        answer->records = receipt ? receipt->records : 0;
}

static void open_gate(Fixture *fixture) {
        assert_int_equal(gate_new(fixture->journal, &fixture->clock, "s-1", &fixture->gate), 0);
        gate_observe(fixture->gate, &(GateObserver){ .changed = on_changed, .userdata = fixture });
}

void reopen_gate(Fixture *fixture) {
        fixture->gate = gate_free(fixture->gate);
        open_gate(fixture);
}

int setup(void **state) {
        Fixture *fixture = calloc(1, sizeof(*fixture));

        fixture->journal = fake_journal_new();
        fixture->realtime_usec = UINT64_C(1795455203000999);
        fixture->clock = (Clock){ .realtime_usec = fixed_realtime_usec, .userdata = fixture };
        open_gate(fixture);
        *state = fixture;

        return 0;
}

int teardown(void **state) {
        Fixture *fixture = *state;

        gate_free(fixture->gate);
        fake_journal_delete(fixture->journal);
        free(fixture);

        return 0;
}

Answer *ask_grant(Fixture *fixture, Answer *answer) {
        *answer = (Answer){ .r = NOT_CALLED };
        assert_int_equal(gate_grant(fixture->gate, PURPOSE_LOCATION, &owner, on_done, answer), 0);
        return answer;
}

Answer *ask_withdraw(Fixture *fixture, bool keep, Answer *answer) {
        *answer = (Answer){ .r = NOT_CALLED };
        assert_int_equal(gate_withdraw(fixture->gate, PURPOSE_LOCATION, keep, &owner, on_erased, answer), 0);
        return answer;
}

void grant(Fixture *fixture) {
        Answer answer;

        ask_grant(fixture, &answer);
        fake_journal_complete(fixture->journal, 0);
        assert_int_equal(answer.r, 0);
        assert_true(gate_allows(fixture->gate, PURPOSE_LOCATION));
}

int submit(Fixture *fixture, uint64_t generation) {
        char subject[] = "s-1", source[] = "gnss", payload[] = "{}";

        return gate_submit(fixture->gate, &(Record){ .kind = RECORD_FIX, .generation = generation, .subject = subject,
                                                     .source = source, .payload = payload });
}
