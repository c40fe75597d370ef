/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A layer under SQLite that lets writes, syncs and truncations fail on request. Syncs that do not fail do nothing, so
 * that many rounds are quick: what is tested here is what the journal does when it is told of a failure, not the
 * medium.
 */
#include <stdbool.h>
#include <stddef.h>

void fail_vfs_install(void);                       /* becomes the default of this process */
void fail_vfs_at(unsigned n,
                 bool is_lasting); /* the n-th operation from here fails, counted from 1; lasting: and all after */
void fail_vfs_never(void);
unsigned fail_vfs_count(void);                     /* operations since fail_vfs_at() or fail_vfs_never() */

/* Recording, for power cuts: every write, truncation and sync in their order, until it is stopped. */
void fail_vfs_record(void);
void fail_vfs_stop_recording(void);
size_t fail_vfs_recorded(void); /* operations so far */

/* Makes in a folder the files that a power cut after the first @n operations leaves: for each file all up to its last
 * sync, and of what follows any 512-byte sectors and truncations, drawn with rand(). */
void fail_vfs_replay_cut(size_t n, const char *dir);
