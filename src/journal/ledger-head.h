/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The end of the ledger's chain, and how it is sealed. Layout at the head of ledger.c. Floor 2, pure, private to the
 * journal.
 */
#include <stddef.h>
#include <stdint.h>
#include "seal.h"
#include "trailkeep/aead.h"
#include "trailkeep/bytes.h"
#include "trailkeep/macros.h"

#define LEDGER_HASH_SIZE 32

typedef struct LedgerHead {
        uint64_t seq;
        uint8_t hash[LEDGER_HASH_SIZE];
} LedgerHead;

int ledger_hash(const void *data, size_t size, uint8_t ret[static LEDGER_HASH_SIZE]) _must_check_;
int ledger_head_first(const SealScope *scope, LedgerHead *ret) _must_check_;
int ledger_head_seal(const LedgerHead *head, const SealScope *scope, Aead *aead, Bytes *ret) _must_check_;
int ledger_head_open(const SealScope *scope, Aead *aead, const Bytes *sealed, LedgerHead *ret) _must_check_;
