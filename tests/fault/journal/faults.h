/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What may fail beside the medium (medium.h): memory, ours and that of the libraries, and SQLite's calls. All are counted
 * from faults_arm() on, on both threads.
 *
 * Ours is caught by the linker (ld(1), --wrap), so that the test's libraries are spared; SQLite's and OpenSSL's by the
 * hooks they have for it. A failing call of SQLite returns its code and does nothing.
 */
#include <stdbool.h>

typedef enum FaultSource {
        FAULT_MEDIUM,
        FAULT_MEMORY,
        FAULT_SQLITE_MEMORY,
        FAULT_OPENSSL_MEMORY,
        FAULT_SQLITE_CALL,
        FAULT_SOURCE_MAX,
} FaultSource;

void faults_install(void); /* first of all in main(): the libraries take their hooks before their first use only */
/* The n-th from here fails, counted from 1; lasting: and all after it. */
void faults_arm(FaultSource source, unsigned n, bool is_lasting);
bool faults_disarm(void);  /* whether it came to that one */
const char *fault_source_to_string(FaultSource source);
