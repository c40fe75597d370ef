/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The erasures of vault.db: what was asked for and what came of it. Layout at the head of erasures.c. Floor 2, private
 * to the journal.
 */
#include <stdbool.h>
#include <stdint.h>
#include "objects.h"
#include "parcels.h"
#include "trailkeep/journal.h"
#include "trailkeep/macros.h"
#include "vault.h"

typedef struct Erasure {
        uint64_t request;
        JournalErasure scope; /* its subject and clip are the ones below; it has no ledger body */
        char *subject;        /* NULL: everybody's */
        char *clip;           /* NULL: all */
        JournalReceipt receipt; /* objects_doomed is not in it: journal.db knows */
        int64_t requested_realtime_ms;
        bool is_reclaimed;
} Erasure;

void erasure_done(Erasure *erasure);
#define _cleanup_erasure_ _cleanup_(erasure_done)

bool erasure_covers_object(const Erasure *erasure, const Object *object);

int erasure_next_request(Vault *vault, uint64_t *ret) _must_check_;
int erasure_insert(Vault *vault, const Erasure *erasure) _must_check_; /* in a transaction */
int erasure_load(Vault *vault, uint64_t request, Erasure *ret) _must_check_; /* 1: found, 0: none */
int erasures_unreclaimed(Vault *vault) _must_check_;   /* 1: there are some, 0: none */
int erasures_set_reclaimed(Vault *vault) _must_check_; /* all of them, in a transaction */
