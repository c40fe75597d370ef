/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The Retry-After header. Floor 2, pure.
 */
#include <stdint.h>
#include "trailkeep/macros.h"

#define RETRY_AFTER_MAX_USEC USEC_PER_DAY

uint64_t retry_after_parse(const char *value, const char *date, uint64_t realtime_usec);
