/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A journal that does what the test says: requests wait until the test completes them, in order, with the result it
 * gives. What completes with 0 is in the ledger and is replayed to the next gate.
 */
#include <stdbool.h>
#include <stddef.h>
#include "trailkeep/journal.h"

Journal *fake_journal_new(void);
void fake_journal_delete(Journal *journal);

size_t fake_journal_n_waiting(const Journal *journal);
void fake_journal_complete(Journal *journal, int r);         /* the oldest waiting request */
void fake_journal_refuse(Journal *journal, int r); /* from now on requests return this at once; 0: they wait */
void fake_journal_set_replay_result(Journal *journal, int r); /* after the last entry */

void fake_journal_write(Journal *journal, const char *body); /* puts a line into the ledger */
size_t fake_journal_n_entries(const Journal *journal);
const char *fake_journal_entry(const Journal *journal, size_t i);

void fake_journal_set_stock(Journal *journal, void *stock); /* for the stand-ins of other parts of the journal */
void *fake_journal_stock(const Journal *journal);

size_t fake_journal_n_records(const Journal *journal);
size_t fake_journal_n_erasures(const Journal *journal);
JournalErasure fake_journal_last_erasure(const Journal *journal); /* its texts are NULL */
const char *fake_journal_last_clip(const Journal *journal); /* "" none */
