/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What the process forbids itself before it reads a single secret.
 */
#include <stdbool.h>
#include "trailkeep/macros.h"

int process_close_up(void) _must_check_;
bool process_can_lock_keys(void);
