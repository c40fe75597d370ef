/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Retry delays. Floor 1, pure: reads no clock, owns nothing.
 *
 * Exponential with full jitter, so that a fleet that lost its server at the same moment does not come back at the same
 * moment. A server's Retry-After (RFC 9110 §10.2.3), where given, is a lower bound with the jitter on top.
 */
#include <stdint.h>

typedef struct Backoff {
        uint64_t first_usec; /* ceiling of the first retry's delay */
        uint64_t cap_usec;   /* no delay is longer, Retry-After aside */
        unsigned n_failed;   /* since the last success */
} Backoff;

uint64_t backoff_next_usec(Backoff *backoff, uint64_t retry_after_usec, uint32_t random);
void backoff_reset(Backoff *backoff);
