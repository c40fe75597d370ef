/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * trailkeepd --verify-evidence. Floor 6. Reads a copy, on an auditor's machine as well, and writes nothing.
 */
#include <inttypes.h>
#include <stdio.h>

#include "trailkeep/journal.h"
#include "trailkeep/parse.h"
#include "verify-evidence.h"

static void say_trouble(const char *sentence, void *userdata) {
        printf("DOES NOT HOLD: %s.\n", sentence);
}

static void say_strand(const char *what, const JournalStrand *strand) {
        char since[RFC3339_MS_MAX], until[RFC3339_MS_MAX];

        if (strand->links == 0) {
                printf("%s: no link holds.\n", what);
                return;
        }
        format_rfc3339_ms(strand->since_ms, since);
        format_rfc3339_ms(strand->until_ms, until);
        printf("%s: %" PRIu64 " links hold, from %s to %s by the clock of the box, which had been on for %" PRIu64
               " h then.\n",
               what, strand->links, since, until, strand->powered_on_until_usec / USEC_PER_HOUR);
}

static void say_found(const JournalEvidence *evidence) {
        printf("Chain %" PRIu64 "%s.\n", evidence->chain,
               evidence->is_current ? ", which goes on" : ", which has ended");
        say_strand("Decisions", &evidence->decisions);
        if (evidence->ledger_last >= evidence->ledger_first)
                printf("They vouch for entries %" PRIu64 " to %" PRIu64
                       " of the ledger, and the first of them for all before.\n",
                       evidence->ledger_first, evidence->ledger_last);
        say_strand("Parcels", &evidence->parcels);
        printf("%" PRIu64 " parcels have the records they were closed with; %" PRIu64
               " are gone since, and of %" PRIu64 " the link, too.\n",
               evidence->parcels_whole, evidence->parcels_gone, evidence->pruned);
}

/**
 * verify_evidence_run() - check the evidence of a box and say what holds
 * @key_file:   the first key of a chain
 * @state_dir:  of the box, or a copy
 *
 * Says on stdout what was found, on stderr why nothing can be.
 *
 * Return: 0: all holds; 1: something does not; < 0: it cannot be checked.
 */
int verify_evidence_run(const char *key_file, const char *state_dir) {
        const JournalVerification options = {
                .state_dir = state_dir,
                .key_file = key_file,
                .trouble = say_trouble,
        };
        JournalEvidence evidence;
        JournalError error = {0};
        int r;

        r = journal_verify_evidence(&options, &evidence, &error);
        if (r != 0) {
                fprintf(stderr, "%s.\n", error.text);
                return r < 0 ? r : -EINVAL;
        }
        say_found(&evidence);
        printf(evidence.troubles == 0
                       ? "All of it holds. What was added after somebody took the box over proves nothing.\n"
                       : "Not all of it holds: see above.\n");
        return evidence.troubles > 0;
}
