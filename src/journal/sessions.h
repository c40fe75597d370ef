/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What is known of true time in each boot, and when a parcel expires because of it. Floor 2, pure, private to the
 * journal. How they are stored stands at the head of vault-time.c, the reasoning at the head of sessions.c.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "trailkeep/journal.h"
#include "trailkeep/macros.h"
#include "trailkeep/truetime.h"

#define SESSION_BOOT_SIZE 16
#define SESSIONS_MAX 128

/* One boot. Times are powered-on time but for what the proof says. */
typedef struct Session {
        uint8_t boot[SESSION_BOOT_SIZE]; /* the kernel's boot id */
        uint64_t started_on_usec;
        uint64_t ended_on_usec; /* USEC_INFINITY: it goes on */
        /* As TrueTimeProof, against powered-on time: UTC is powered-on time + offset. */
        uint32_t sources; /* 0: not proven */
        int64_t offset_usec;
        uint64_t uncertainty_usec;
        uint64_t proven_on_usec;
} Session;

/* Oldest first; the last one is the present boot, and the only one that may be unproven. */
typedef struct Sessions {
        Session list[SESSIONS_MAX];
        size_t n;
} Sessions;

void sessions_begin(Sessions *sessions, const uint8_t boot[static SESSION_BOOT_SIZE], uint64_t on_usec);
void sessions_prove(Sessions *sessions, const TrueTimeProof *proof, int64_t on_minus_boottime_usec);
void sessions_get_time(const Sessions *sessions, int64_t on_minus_boottime_usec, JournalTime *ret);
bool sessions_trim(Sessions *sessions, uint64_t oldest_on_usec);

const Session *sessions_last_proven(const Sessions *sessions, uint32_t sources);
uint64_t sessions_off_usec(const Sessions *sessions, uint64_t since_on_usec, uint64_t now_on_usec);
uint64_t sessions_expiry_on_usec(const Sessions *sessions, uint64_t opened_on_usec, uint64_t retention_usec,
                                 uint64_t now_on_usec);
bool sessions_is_due(uint64_t expiry_on_usec, uint64_t retention_usec, uint64_t now_on_usec);
