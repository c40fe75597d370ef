/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The interface of aead.h without encryption: the sealed form is 12 zero bytes, the plain text, 16 zero bytes. Linked into
 * test programs only, as the positive control of searches for plain text: what such a search does not find in a program
 * with this file in it, it could not find anywhere.
 */
#include <errno.h>
#include <string.h>
#include "trailkeep/aead.h"

#define NONCE_SIZE 12

struct Aead {
        AeadAlgorithm algorithm;
};

AeadAlgorithm aead_best_algorithm(void) {
        return AEAD_AES_256_GCM;
}

int aead_new(AeadAlgorithm algorithm, const Secret *key, Aead **ret) {
        Aead *aead = calloc(1, sizeof(*aead));

        if (!aead)
                return -ENOMEM;
        aead->algorithm = algorithm;
        *ret = aead;
        return 0;
}

Aead *aead_free(Aead *aead) {
        free(aead);
        return NULL;
}

int aead_seal(Aead *aead, const void *ad, size_t n_ad, const void *plain, size_t n_plain, Bytes *ret) {
        int r;

        r = bytes_reserve(ret, n_plain + AEAD_OVERHEAD);
        if (r < 0)
                return r;
        memset(ret->data + ret->size, 0, n_plain + AEAD_OVERHEAD + 1);
        if (n_plain > 0)
                memcpy(ret->data + ret->size + NONCE_SIZE, plain, n_plain);
        ret->size += n_plain + AEAD_OVERHEAD;
        return 0;
}

int aead_seal_to(Aead *aead, const AeadText *text, AeadSink sink, void *userdata) {
        _cleanup_bytes_ Bytes sealed = { 0 };
        int r;

        r = aead_seal(aead, text->ad, text->n_ad, text->plain, text->n_plain, &sealed);
        if (r >= 0)
                r = sink(sealed.data, sealed.size, userdata);
        return r < 0 ? r : 0;
}

int aead_open(Aead *aead, const void *ad, size_t n_ad, const void *sealed, size_t n_sealed, Bytes *ret) {
        if (n_sealed < AEAD_OVERHEAD)
                return AEAD_E_FORGED;
        return bytes_append(ret, (const uint8_t *)sealed + NONCE_SIZE, n_sealed - AEAD_OVERHEAD);
}
