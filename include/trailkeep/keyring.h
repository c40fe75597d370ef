/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * From the root secret to a parcel's key: root secret -> HKDF-SHA256 (RFC 5869) with the vault's salt -> key-encryption
 * key -> wraps parcel keys. Also reads and makes the root secret and the device key (ECDSA P-256). Floor 1.
 */
#include <stddef.h>
#include <stdint.h>
#include "bytes.h"
#include "macros.h"
#include "secret.h"

#define KEYRING_SALT_SIZE 32
#define KEYRING_WRAPPED_SIZE (SECRET_SIZE + 28)

enum {
        KEYRING_E_MISSING = 1, /* no such file or credential: "run trailkeepd --init" */
        KEYRING_E_MALFORMED,   /* not 32 bytes, or not a P-256 key in PEM */
        KEYRING_E_EXPOSED,     /* readable by group or others */
        KEYRING_E_FOREIGN,     /* does not unwrap: another root secret */
};

typedef struct Keyring Keyring;

int keyring_read_root(const char *path, Secret **ret_root) _must_check_;
int keyring_make_root(const char *path) _must_check_;       /* -EEXIST: left as it is */
int keyring_make_device_key(const char *path) _must_check_; /* -EEXIST: left as it is */
int keyring_check_device_key(const char *path) _must_check_;

int keyring_new(const Secret *root, const uint8_t salt[static KEYRING_SALT_SIZE], Keyring **ret) _must_check_;
Keyring *keyring_free(Keyring *keyring);
DEFINE_CLEANUP(Keyring, keyring_free);
/* The additional data binds a wrapped key to what it is the key of. */
int keyring_wrap(Keyring *keyring, const void *ad, size_t n_ad, const Secret *key, Bytes *ret) _must_check_;
int keyring_unwrap(Keyring *keyring, const void *ad, size_t n_ad, const void *wrapped, size_t n_wrapped, Secret **ret) _must_check_;
