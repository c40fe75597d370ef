/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * From one key to another, one way: HKDF-SHA256 (RFC 5869), and what a key vouches for: HMAC-SHA256 (RFC 2104).
 * Floor 1.
 */
#include <stddef.h>
#include <stdint.h>
#include "macros.h"
#include "secret.h"

#define MAC_SIZE 32

/* What a key is derived with; the label is one of ours and says what for. */
typedef struct DeriveFrom {
        const Secret *key;
        const void *salt; /* NULL: none */
        size_t n_salt;
        const char *label;
} DeriveFrom;

int derive_key(const DeriveFrom *from, Secret **ret) _must_check_;
int mac_compute(const Secret *key, const void *data, size_t size, uint8_t ret[static MAC_SIZE]) _must_check_;
