/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A box with evidence whose first key an auditor has, and what he finds.
 */
#include "fixture.h"
#include "engine.h"
#include "evidence.h"

typedef struct Findings {
        JournalEvidence evidence;
        char text[4096]; /* every trouble, a line each */
} Findings;

int evidence_setup(void **state); /* chain 2 has begun; the key is in the file of evidence_key_path() */
char *evidence_key_path(Fixture *f);
void give_key_to_auditor(Fixture *f); /* another chain begins */

/* With the journal closed. */
int verify(Fixture *f, Findings *ret);
void check_holds(Fixture *f, Findings *ret);
void check_found(Fixture *f, const char *part_of_trouble);
