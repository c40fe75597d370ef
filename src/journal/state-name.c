/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the states of the journal are called, and what they mean for a person. Floor 2, pure.
 */
#include "trailkeep/journal.h"

static const struct {
        const char *name, *sentence;
} states[JOURNAL_STATE_MAX] = {
        [JOURNAL_STATE_OK] = { "ok", "" },
        [JOURNAL_STATE_LOW] = { "low", "Room for what is recorded is short: what is oldest has to make room for what comes, "
                                       "and each gap is noted. Make room on the disk, raise MaxUse=, or let the box reach "
                                       "its store." },
        [JOURNAL_STATE_FULL] = { "full", "There is no room for what is recorded: it waits in memory, then newer records are "
                                         "lost and the gap is noted. Withdrawing, erasing and sending work. Make room on "
                                         "the disk; recording goes on by itself." },
        [JOURNAL_STATE_READ_ONLY] = { "read-only", "The disk of what is recorded is read-only: it is kept in memory, and a "
                                                   "withdrawal holds until the restart only. Check the disk and mount it "
                                                   "for writing; recording goes on by itself." },
        [JOURNAL_STATE_FAILING] = { "failing", "What is recorded cannot be written to disk; it is kept in memory and tried "
                                               "again. Check the disk: the kernel's log says what is wrong with it." },
};

/**
 * journal_state_to_string() - name of a state, as on the bus
 * @state:      below JOURNAL_STATE_MAX
 *
 * Return: one word in lower case.
 */
const char *journal_state_to_string(JournalState state) {
        return states[state].name;
}

/**
 * journal_state_sentence() - what a state means, what is kept and what to do
 * @state:      below JOURNAL_STATE_MAX
 *
 * Return: whole sentences; "" while all is well.
 */
const char *journal_state_sentence(JournalState state) {
        return states[state].sentence;
}
