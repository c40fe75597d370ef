/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names of the states of the folder of the segments. Floor 2, pure.
 */
#include "trailkeep/journal.h"

/**
 * journal_media_state_to_string() - name of a state, as on the bus
 * @state:      below JOURNAL_MEDIA_MAX
 *
 * Return: one word in lower case.
 */
const char *journal_media_state_to_string(JournalMediaState state) {
        static const char *const names[JOURNAL_MEDIA_MAX] = {
                [JOURNAL_MEDIA_OK] = "ok",         [JOURNAL_MEDIA_MISSING] = "missing",
                [JOURNAL_MEDIA_FOREIGN] = "foreign", [JOURNAL_MEDIA_FULL] = "full",
                [JOURNAL_MEDIA_READ_ONLY] = "read-only", [JOURNAL_MEDIA_FAILING] = "failing",
        };

        return names[state];
}
