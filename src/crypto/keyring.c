/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The key-encryption key and what it wraps. Floor 1.
 *
 *   key-encryption key = HKDF-SHA256 (RFC 5869), input: root secret, salt: the vault's, info: KEYRING_INFO
 *   wrapped key        = AES-256-GCM under it (see aead.c): nonce | encrypted key | tag, 60 bytes
 *
 * Wrapping is always AES-256-GCM, also where records are sealed with ChaCha20: a wrap is 32 bytes, so speed does not
 * matter, and there is one form to describe.
 */
#include <errno.h>
#include "key-file.h"
#include "trailkeep/aead.h"
#include "trailkeep/derive.h"
#include "trailkeep/file.h"
#include "trailkeep/keyring.h"

#define KEYRING_INFO "trailkeep key-encryption key 1"
#define ROOT_MODE 0400

_Static_assert(KEYRING_WRAPPED_SIZE == SECRET_SIZE + AEAD_OVERHEAD, "the size of a wrapped key");

struct Keyring {
        Aead *aead; /* under the key-encryption key */
};

/**
 * keyring_new() - derive the key-encryption key
 * @root:       root secret; not referred to afterwards
 * @salt:       the vault's; another one gives another key
 * @ret:        owned by the caller; untouched on failure
 *
 * Return: 0; -ENOMEM; -EIO; -EOPNOTSUPP.
 */
int keyring_new(const Secret *root, const uint8_t salt[static KEYRING_SALT_SIZE], Keyring **ret) {
        _cleanup_(keyring_freep) Keyring *keyring = NULL;
        _cleanup_(secret_freep) Secret *key = NULL;
        const DeriveFrom from = { .key = root, .salt = salt, .n_salt = KEYRING_SALT_SIZE, .label = KEYRING_INFO };
        int r;

        keyring = calloc(1, sizeof(*keyring));
        if (!keyring)
                return -ENOMEM;
        r = derive_key(&from, &key);
        if (r < 0)
                return r;
        r = aead_new(AEAD_AES_256_GCM, key, &keyring->aead);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(keyring);
        return 0;
}

/**
 * keyring_free() - forget the key-encryption key
 * @keyring:    or NULL
 *
 * Return: NULL.
 */
Keyring *keyring_free(Keyring *keyring) {
        if (!keyring)
                return NULL;
        aead_free(keyring->aead);
        free(keyring);
        return NULL;
}

/**
 * keyring_wrap() - encrypt a key so that it may be stored
 * @keyring:    whose key-encryption key is used
 * @ad:         says what it is the key of; needed again to unwrap
 * @n_ad:       in bytes
 * @key:        the key
 * @ret:        KEYRING_WRAPPED_SIZE bytes are appended; on failure unchanged
 *
 * Return: 0; -ENOMEM; -EIO.
 */
int keyring_wrap(Keyring *keyring, const void *ad, size_t n_ad, const Secret *key, Bytes *ret) {
        return aead_seal(keyring->aead, ad, n_ad, secret_bytes(key), SECRET_SIZE, ret);
}

/**
 * keyring_unwrap() - get a stored key back
 * @keyring:    of the same root secret and salt
 * @ad:         as it was wrapped with
 * @n_ad:       in bytes
 * @wrapped:    what keyring_wrap() made
 * @n_wrapped:  in bytes
 * @ret:        the key, owned by the caller; untouched on failure
 *
 * Return: 0; KEYRING_E_FOREIGN if it was wrapped under another root secret or salt, for something else, or is damaged;
 * -ENOMEM; -EIO.
 */
int keyring_unwrap(Keyring *keyring, const void *ad, size_t n_ad, const void *wrapped, size_t n_wrapped, Secret **ret) {
        _cleanup_bytes_ Bytes plain = { 0 };
        int r;

        if (n_wrapped != KEYRING_WRAPPED_SIZE)
                return KEYRING_E_FOREIGN;
        r = aead_open(keyring->aead, ad, n_ad, wrapped, n_wrapped, &plain);
        if (r == AEAD_E_FORGED)
                return KEYRING_E_FOREIGN;
        if (r < 0)
                return r;
        return secret_new(plain.data, ret);
}

/**
 * keyring_read_root() - read the root secret
 * @path:       of a file or a systemd credential of exactly SECRET_SIZE bytes, readable by nobody but us and root
 * @ret_root:   owned by the caller; untouched on failure
 *
 * Return: 0; KEYRING_E_MISSING; KEYRING_E_MALFORMED; KEYRING_E_EXPOSED; -errno of open(2), read(2); -ENOMEM.
 */
int keyring_read_root(const char *path, Secret **ret_root) {
        _cleanup_bytes_ Bytes bytes = { 0 };
        int r;

        r = key_file_read(path, SECRET_SIZE, &bytes);
        if (r != 0)
                return r;
        if (bytes.size != SECRET_SIZE)
                return KEYRING_E_MALFORMED;
        return secret_new(bytes.data, ret_root);
}

/**
 * keyring_make_root() - make a root secret
 * @path:       of the file; its folder must exist
 *
 * Return: 0; -EEXIST: left as it is; -errno of the system calls. After a failure there is no new file, unless only the
 * last sync of the folder failed.
 */
int keyring_make_root(const char *path) {
        _cleanup_(secret_freep) Secret *root = NULL;
        int r;

        r = secret_new_random(&root);
        if (r < 0)
                return r;
        return file_write_atomic(path, secret_bytes(root), SECRET_SIZE, ROOT_MODE, false);
}
