/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One-way derivation and message authentication over OpenSSL's EVP. Floor 1.
 */
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <string.h>
#include "trailkeep/bytes.h"
#include "trailkeep/derive.h"

static int derive_bytes(const DeriveFrom *from, uint8_t *ret) {
        EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
        EVP_KDF_CTX *context = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
        OSSL_PARAM params[] = {
                OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)"SHA256", 0),
                OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)secret_bytes(from->key), SECRET_SIZE),
                OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)from->label, strlen(from->label)),
                from->salt ? OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)from->salt, from->n_salt)
                           : OSSL_PARAM_construct_end(),
                OSSL_PARAM_construct_end(),
        };
        int ok = context && EVP_KDF_derive(context, ret, SECRET_SIZE, params) == 1;

        EVP_KDF_CTX_free(context); /* cleanses its copy of the key */
        EVP_KDF_free(kdf);
        return ok ? 0 : -EIO;
}

/**
 * derive_key() - make a key from another, from which the other cannot be found
 * @from:       borrowed during the call
 * @ret:        owned by the caller; untouched on failure
 *
 * Return: 0; -ENOMEM; -EIO.
 */
int derive_key(const DeriveFrom *from, Secret **ret) {
        uint8_t derived[SECRET_SIZE];
        int r;

        r = derive_bytes(from, derived);
        if (r >= 0)
                r = secret_new(derived, ret);
        bytes_wipe(derived, sizeof(derived));
        return r;
}

/**
 * mac_compute() - what only somebody with the key can compute over some bytes
 * @key:        not referred to afterwards
 * @data:       borrowed
 * @size:       in bytes
 * @ret:        undefined on failure
 *
 * Return: 0; -EIO.
 */
int mac_compute(const Secret *key, const void *data, size_t size, uint8_t ret[static MAC_SIZE]) {
        size_t n;

        if (!EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, secret_bytes(key), SECRET_SIZE, data, size, ret, MAC_SIZE,
                       &n))
                return -EIO;
        return n == MAC_SIZE ? 0 : -EIO;
}
