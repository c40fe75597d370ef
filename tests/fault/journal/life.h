/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A short life of a journal with everything in it, what it reported on the way, and what must then hold at the next
 * start.
 */
#include "fixture.h"

/* What was reported so far. */
typedef struct Reported {
        uint64_t n_durable, n_stored;
        bool is_erased, has_ledger;
} Reported;

/* Called after each answer. */
typedef void (*LifeStep)(const Reported *reported);

void live(Fixture *f, Reported *reported, LifeStep step); /* from opening to closing; any call may fail */
void check_what_was_reported(Fixture *f, const Reported *reported); /* opens the journal and leaves it open */
