/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Stand-ins for the modules that the bus shows, linked in place of the real ones; the gate is real, and in
 * test-face-journal.c the journal. Their state is open to the test. What decides (ledger, erasing) waits in
 * fake-journal.c until the test completes it; what only reads is answered by below_turn(), so never inside the call, as
 * with the real journal.
 */
#include <stdbool.h>
#include <stddef.h>
#include "trailkeep/gnss.h"
#include "trailkeep/journal.h"
#include "trailkeep/outbox.h"

#define FAKE_ERASURES_MAX 4

struct Gnss {
        GnssState state;
        Fix fix;
        bool has_fix;
        const char *error;
};

struct Outbox {
        OutboxState state;
        const char *error;
        OutboxFlushDone done; /* NULL: nothing to flush is waiting */
        void *userdata;
};

/* What the fake journal has beside its ledger. */
typedef struct FakeStock {
        JournalCounters counters;
        char media_trouble[64];
        JournalPurposeSummary summary[PURPOSE_MAX];
        JournalErasureState erasures[FAKE_ERASURES_MAX];
        size_t n_erasures;
        int read_result; /* of every reading request */
        JournalSummaryDone summary_done;
        JournalErasuresDone erasures_done[FAKE_ERASURES_MAX];
        void *summary_userdata, *erasures_userdata[FAKE_ERASURES_MAX];
        size_t n_waiting;
} FakeStock;

void fake_outbox_complete(Outbox *outbox, int r);
