/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What vault.db knows of true time. Layout at the head of vault-time.c. Floor 2, private to the journal.
 */
#include <stdbool.h>
#include <stdint.h>
#include "sessions.h"
#include "trailkeep/journal.h"
#include "trailkeep/macros.h"
#include "vault.h"

typedef struct VaultTime {
        Vault *vault; /* borrowed */
        Sessions sessions;
        bool is_changed; /* not written yet */
        bool is_news;    /* and worth a transaction of its own */
} VaultTime;

int vault_time_init(VaultTime *time, Vault *vault) _must_check_;
int vault_time_save(VaultTime *time) _must_check_; /* in a transaction; nothing when nothing has changed */
void vault_time_prove(VaultTime *time, const TrueTimeProof *proof);
void vault_time_trim(VaultTime *time, uint64_t oldest_on_usec);
void vault_time_get(const VaultTime *time, JournalTime *ret);
