/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * When a request has stalled. Floor 2, pure.
 */
#include <stdint.h>

/* Fewer bytes than these within the timeout are no progress: a server that feeds single bytes is as silent as one that
 * says nothing, and the slowest link worth the name carries more. */
#define STALL_BYTES_MIN 256

/* So many timeouts at most while only the connections move and not the request. */
#define STALL_GRACE 4

typedef struct StallCounter {
        uint64_t bytes;      /* at the last progress */
        uint64_t since_usec; /* boottime of it */
} StallCounter;

typedef struct Stall {
        uint64_t timeout_usec;
        StallCounter request;
        StallCounter link;
} Stall;

void stall_init(Stall *stall, uint64_t timeout_usec, uint64_t now_usec);
uint64_t stall_check(Stall *stall, uint64_t request_bytes, uint64_t link_bytes, uint64_t now_usec);
