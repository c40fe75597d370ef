/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * vault.db: the keys and all that must never be lost or left behind. Layout at the head of vault.c. Floor 2, private to
 * the journal; used by one thread at a time.
 */
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-id128.h>
#include "db.h"
#include "ledger-head.h"
#include "seal.h"
#include "trailkeep/aead.h"
#include "trailkeep/clock.h"
#include "trailkeep/journal.h"
#include "trailkeep/keyring.h"
#include "trailkeep/macros.h"

typedef struct Vault Vault;

/* A start of the daemon. */
typedef struct VaultStart {
        sd_id128_t boot;
        bool is_same_boot;              /* as the one that the vault was last written in */
        uint64_t boot_on_usec;          /* powered-on time when the box was switched on */
        int64_t on_minus_boottime_usec; /* a constant of this start */
} VaultStart;

int vault_open(const char *path, Secret *root, const Clock *clock, Vault **ret, JournalError *error) _must_check_;
const DbFormat *vault_format(void);
int vault_open_copy(const char *path, Db **ret) _must_check_; /* to be read only, without keys */
Vault *vault_free(Vault *vault);
DEFINE_CLEANUP(Vault, vault_free);

Db *vault_db(Vault *vault);
const SealScope *vault_scope(const Vault *vault);
const char *vault_installation(const Vault *vault);
const Secret *vault_root(const Vault *vault);
Keyring *vault_keyring(Vault *vault);
Aead *vault_ledger_aead(Vault *vault);
Aead *vault_exchange_ledger_aead(Vault *vault, Aead *next);
int vault_ledger_head(Vault *vault, LedgerHead *ret) _must_check_;
Aead *vault_catalogue_aead(Vault *vault);

/* Time with the power on: goes on from start to start, needs no wall clock. */
uint64_t vault_powered_on_usec(const Vault *vault);
int64_t vault_realtime_ms(const Vault *vault); /* as the box's clock shows it, right or wrong */
int vault_save_powered_on(Vault *vault) _must_check_; /* in a transaction */
uint64_t vault_saved_powered_on_usec(const Vault *vault);
const VaultStart *vault_start(const Vault *vault);

/* Another key-encryption key for everything that lives: in a transaction, then adopted once that is committed. */
int vault_rewrap(Vault *vault, const Secret *root, Keyring **ret_next) _must_check_;
int vault_rotate(Vault *vault, Keyring **ret_next) _must_check_;
void vault_adopt(Vault *vault, Keyring *next);
int vault_reload(Vault *vault) _must_check_; /* after a commit in doubt: the key-encryption key that is stored */
