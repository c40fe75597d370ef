/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A gate of subject "s-1" over a journal whose answers the test gives, what its observer heard, and what was answered.
 */
#include <stdbool.h>
#include <stdint.h>
#include "fake-journal.h"
#include "trailkeep/gate.h"

#define NOT_CALLED 4711

extern const GateActor owner, bridge;

typedef struct Fixture {
        Journal *journal;
        Gate *gate;
        uint64_t realtime_usec;
        Clock clock;
        unsigned n_changes;
        bool is_granted; /* as last heard from the observer */
        bool is_told_before_written;
} Fixture;

typedef struct Answer {
        int r;
        unsigned n_calls;
        bool has_receipt;
        uint64_t records;
} Answer;

int setup(void **state);
int teardown(void **state);
void reopen_gate(Fixture *fixture);

void on_done(int r, void *userdata);
void on_erased(int r, const JournalReceipt *receipt, void *userdata);

/* Ask for a decision about location; the journal has yet to complete it. */
Answer *ask_grant(Fixture *fixture, Answer *answer);
Answer *ask_withdraw(Fixture *fixture, bool keep, Answer *answer);
void grant(Fixture *fixture);                      /* ask and complete */
int submit(Fixture *fixture, uint64_t generation); /* a fix */

#define gate_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
