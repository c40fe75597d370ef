/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A file system of a few MiB for the state folder alone, which can be filled and emptied.
 */
#include <stdbool.h>
#include "fixture.h"

/* At the head of main(): where this process may mount. False: it may not, and that was said as a skip. */
bool small_fs_prepare(void);

int small_fs_setup(void **state); /* a fixture whose state folder is a file system of 16 MiB */
int small_fs_teardown(void **state);
void small_fs_fill(Fixture *f);   /* to the last byte, with a file that is not the journal's */
void small_fs_empty(Fixture *f, unsigned n_kib); /* takes so much of that file away, from its end; UINT_MAX: all */
