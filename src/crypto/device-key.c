/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The device's own key: ECDSA on P-256, in PEM as PKCS #8 (RFC 5958), unencrypted and readable by its owner only, since
 * the box must start without anybody typing a passphrase. Floor 1.
 */
#include <errno.h>
#include <limits.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>
#include "key-file.h"
#include "trailkeep/file.h"
#include "trailkeep/keyring.h"

#define DEVICE_KEY_MODE 0400
#define DEVICE_KEY_SIZE_MAX 4096
#define DEVICE_KEY_GROUP "prime256v1" /* OpenSSL's name of P-256 */

static int pem_encode(EVP_PKEY *key, Bytes *ret) {
        BIO *bio = BIO_new(BIO_s_mem());
        char *text = NULL;
        long n;
        int r = -EIO;

        if (!bio)
                return -ENOMEM;
        if (PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1) {
                n = BIO_get_mem_data(bio, &text);
                r = n > 0 ? bytes_append(ret, text, (size_t)n) : -EIO;
                if (n > 0)
                        bytes_wipe(text, (size_t)n);
        }
        BIO_free(bio);
        return r;
}

/**
 * keyring_make_device_key() - make the device's key
 * @path:       of the file; its folder must exist
 *
 * Return: 0; -EEXIST: left as it is; -EIO if OpenSSL fails; -errno of the system calls. After a failure there is no new
 * file, unless only the last sync of the folder failed.
 */
int keyring_make_device_key(const char *path) {
        _cleanup_bytes_ Bytes pem = { 0 };
        EVP_PKEY *key;
        int r;

        key = EVP_EC_gen("P-256");
        if (!key)
                return -EIO;
        r = pem_encode(key, &pem);
        EVP_PKEY_free(key);
        if (r < 0)
                return r;
        return file_write_atomic(path, pem.data, pem.size, DEVICE_KEY_MODE, false);
}

/* OpenSSL would ask on the terminal for the passphrase of an encrypted key. */
static int pem_refuse_passphrase(char *buffer, int size, int rwflag, void *userdata) {
        return -1;
}

static bool pkey_is_p256(EVP_PKEY *key) {
        char group[64] = "";

        if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC)
                return false;
        if (EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) != 1)
                return false;
        return strcmp(group, DEVICE_KEY_GROUP) == 0;
}

/**
 * keyring_check_device_key() - whether the device's key can be used
 * @path:       of the file
 *
 * Return: 0; KEYRING_E_MISSING; KEYRING_E_MALFORMED if it is not a private key on P-256 in unencrypted PEM;
 * KEYRING_E_EXPOSED; -errno of open(2), read(2); -ENOMEM.
 */
int keyring_check_device_key(const char *path) {
        _cleanup_bytes_ Bytes pem = { 0 };
        EVP_PKEY *key;
        BIO *bio;
        bool ok;
        int r;

        r = key_file_read(path, DEVICE_KEY_SIZE_MAX, &pem);
        if (r != 0)
                return r;
        bio = BIO_new_mem_buf(pem.data, (int)pem.size);
        if (!bio)
                return -ENOMEM;
        key = PEM_read_bio_PrivateKey(bio, NULL, pem_refuse_passphrase, NULL);
        ok = key && pkey_is_p256(key);
        EVP_PKEY_free(key);
        BIO_free(bio);
        return ok ? 0 : KEYRING_E_MALFORMED;
}
