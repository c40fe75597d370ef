/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The medium under a folder: every call that changes it is counted, recorded on request, and fails on request.
 *
 * The calls of libc are defined in the test program itself, which goes before the libraries': so SQLite's calls, ours,
 * and those of whatever library comes next are caught alike, in the order they are made. A VFS would see SQLite's
 * alone, and neither the folder that db.c syncs nor segments, reserve and quarantine.
 *
 * Syncs below the folder do nothing, so that many rounds are quick. Outside of it everything goes its way.
 */
#include <stdbool.h>
#include "disk.h"

/* From here on what lies below this folder; it exists. NULL: nothing. Files that are open already are not seen. */
void medium_watch(const char *folder);

/* Recording; the folder is empty when it begins. NULL: no more. */
void medium_record(DiskLog *log);

/* Failing: the n-th call from here, counted from 1; lasting: and all after it. Half of a write arrives, as on a full
 * medium; nothing else happens. Why changes with n: no space, input/output error, quota, read-only. */
void medium_fail_at(unsigned n, bool is_lasting);
void medium_never_fail(void);
unsigned medium_count(void); /* calls since medium_fail_at() or medium_never_fail() */
const char *medium_failed(void); /* the last call that failed on request, for messages; NULL: none since then */
