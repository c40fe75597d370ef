/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Sealing: authenticated encryption with associated data (RFC 5116) over OpenSSL's EVP. Floor 1.
 * Sealed form: 12 bytes random nonce, ciphertext, 16 bytes tag. The algorithm's number is stored with each parcel.
 */
#include <stddef.h>
#include <stdint.h>
#include "bytes.h"
#include "macros.h"
#include "secret.h"

typedef enum AeadAlgorithm { AEAD_AES_256_GCM = 1, AEAD_CHACHA20_POLY1305 = 2 } AeadAlgorithm; /* stored: append only */

enum { AEAD_E_FORGED = 1 }; /* outcome of aead_open(): damaged, forged, or under another key */

#define AEAD_OVERHEAD 28

typedef struct Aead Aead; /* one key, its context reused; not for use by two threads */

AeadAlgorithm aead_best_algorithm(void); /* AES where the CPU has instructions for it, else ChaCha20 */
int aead_new(AeadAlgorithm algorithm, const Secret *key, Aead **ret) _must_check_;
Aead *aead_free(Aead *aead);
DEFINE_CLEANUP(Aead, aead_free);
int aead_seal(Aead *aead, const void *ad, size_t n_ad, const void *plain, size_t n_plain, Bytes *ret) _must_check_;

/* For what is large: the same sealed form, handed on as it comes about, so that it needs no copy of its own. */
typedef struct AeadText {
        const void *ad, *plain;
        size_t n_ad, n_plain;
} AeadText;
typedef int (*AeadSink)(const void *data, size_t n, void *userdata); /* < 0 ends the sealing */
int aead_seal_to(Aead *aead, const AeadText *text, AeadSink sink, void *userdata) _must_check_;

int aead_open(Aead *aead, const void *ad, size_t n_ad, const void *sealed, size_t n_sealed, Bytes *ret) _must_check_;
