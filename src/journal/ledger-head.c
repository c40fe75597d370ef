/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The end of the ledger's chain. Floor 2, pure.
 */
#include <errno.h>
#include <openssl/evp.h>
#include <string.h>
#include "ledger-head.h"

#define LEDGER_SEED "trailkeep ledger"

/**
 * ledger_hash() - SHA-256
 * @data:       borrowed
 * @size:       in bytes
 * @ret:        the hash; undefined on failure
 *
 * Return: 0; -EIO.
 */
int ledger_hash(const void *data, size_t size, uint8_t ret[static LEDGER_HASH_SIZE]) {
        return EVP_Digest(data, size, ret, NULL, EVP_sha256(), NULL) == 1 ? 0 : -EIO;
}

/**
 * ledger_head_first() - the head of a ledger without entries
 * @scope:      of the vault
 * @ret:        the head; undefined on failure
 *
 * Return: 0; -EIO.
 */
int ledger_head_first(const SealScope *scope, LedgerHead *ret) {
        uint8_t input[sizeof(LEDGER_SEED) - 1 + INSTALLATION_SIZE];

        memcpy(input, LEDGER_SEED, sizeof(LEDGER_SEED) - 1);
        memcpy(input + sizeof(LEDGER_SEED) - 1, scope->installation, INSTALLATION_SIZE);
        ret->seq = 0;
        return ledger_hash(input, sizeof(input), ret->hash);
}

/**
 * ledger_head_seal() - the head as it is stored
 * @head:       borrowed
 * @scope:      of the vault
 * @aead:       under the ledger key
 * @ret:        appended to
 *
 * Return: 0; < 0.
 */
int ledger_head_seal(const LedgerHead *head, const SealScope *scope, Aead *aead, Bytes *ret) {
        SealAd ad = seal_ad(scope, SEAL_KIND_LEDGER_HEAD, SEAL_NO_LANE, 0);
        _cleanup_bytes_ Bytes plain = { 0 };
        int r;

        r = pack_u64(&plain, head->seq);
        if (r >= 0)
                r = bytes_append(&plain, head->hash, LEDGER_HASH_SIZE);
        if (r < 0)
                return r;
        return aead_seal(aead, ad.bytes, sizeof(ad.bytes), plain.data, plain.size, ret);
}

/**
 * ledger_head_open() - the head as it was stored
 * @scope:      of the vault
 * @aead:       under the ledger key
 * @sealed:     borrowed
 * @ret:        the head; untouched on failure
 *
 * Return: 0; -EBADMSG if it is damaged; < 0.
 */
int ledger_head_open(const SealScope *scope, Aead *aead, const Bytes *sealed, LedgerHead *ret) {
        SealAd ad = seal_ad(scope, SEAL_KIND_LEDGER_HEAD, SEAL_NO_LANE, 0);
        _cleanup_bytes_ Bytes plain = { 0 };
        Unpack unpack;
        int r;

        r = aead_open(aead, ad.bytes, sizeof(ad.bytes), sealed->data, sealed->size, &plain);
        if (r < 0)
                return r;
        if (r == AEAD_E_FORGED || plain.size != sizeof(uint64_t) + LEDGER_HASH_SIZE)
                return -EBADMSG;
        unpack = (Unpack){ .data = plain.data, .size = plain.size };
        ret->seq = unpack_u64(&unpack);
        memcpy(ret->hash, unpack.data, LEDGER_HASH_SIZE);
        return 0;
}
