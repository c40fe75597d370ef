/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The consent ledger of vault.db: append-only, hash-chained, bodies sealed. Layout at the head of ledger.c. Floor 2,
 * private to the journal.
 */
#include <stdint.h>
#include "trailkeep/macros.h"
#include "vault.h"

int ledger_begin_volume(Vault *vault, Aead **ret_before) _must_check_; /* in a transaction */
int ledger_check_hashes(Db *db, const SealScope *scope, uint64_t *ret_broken) _must_check_; /* without any key */
int ledger_append(Vault *vault, const char *body) _must_check_; /* in a transaction */

typedef int (*LedgerEntry)(uint64_t seq, const char *body, void *userdata);
int ledger_replay(Vault *vault, LedgerEntry entry, void *userdata) _must_check_;
