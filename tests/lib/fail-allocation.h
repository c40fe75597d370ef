/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Has the n-th allocation fail, so that a test can let each one fail in turn until none is left. Works on what is linked
 * statically, that is on our own code; jansson is given the same through fail_allocation_malloc().
 * fail_allocation_dep in meson.build brings the linker's part.
 */
#include <stdbool.h>
#include <stddef.h>

void fail_allocation_start(size_t n); /* the n-th from now, from 1 */
bool fail_allocation_stop(void);      /* whether it came to that one */
void *fail_allocation_malloc(size_t size);
