/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Moments as people type them, for --since and --until.
 */
#include <stdint.h>

#include "trailkeep/clock.h"
#include "trailkeep/macros.h"

int moment_parse(const char *text, const Clock *clock, int64_t *ret_ms) _must_check_;
