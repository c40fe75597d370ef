/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sealing and opening over OpenSSL's EVP: AES-256-GCM (NIST SP 800-38D) and ChaCha20-Poly1305 (RFC 8439), as AEADs in
 * the sense of RFC 5116. Floor 1.
 *
 *   sealed = nonce (12 bytes, random) | ciphertext (as long as the plain text) | tag (16 bytes)
 *
 * Nonces are random, so one key seals at most 2^20 pieces (the journal's parcels end there): the chance that any two
 * nonces of a key agree is then below 2^-57. They are drawn 64 at a time and contexts are kept per key, since for a
 * record of 200 bytes drawing and setting up cost more than the encryption.
 *
 * This file is a library of its own so that a test can link another one with the same interface in its place. There is
 * no switch in here that turns encryption off.
 */
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>
#if defined(__arm__) || defined(__aarch64__)
#include <sys/auxv.h>
#endif
#include "trailkeep/aead.h"
#include "trailkeep/id.h"

#define NONCE_SIZE 12
#define TAG_SIZE 16
#define NONCES_DRAWN 64
#define PIECE_SIZE ((size_t)64 * 1024) /* of a large text: stays in the CPU's cache between two steps */

_Static_assert(AEAD_OVERHEAD == NONCE_SIZE + TAG_SIZE, "the sealed form's overhead");

struct Aead {
        EVP_CIPHER_CTX *seal;
        EVP_CIPHER_CTX *open;
        size_t n_nonces; /* still unused, at the end of the array */
        uint8_t nonces[NONCES_DRAWN][NONCE_SIZE];
};

/* Bits of getauxval(3) as the kernel's <asm/hwcap.h> numbers them; some libcs do not have that header. */
static bool cpu_has_aes(void) {
#if defined(__x86_64__) || defined(__i386__)
        return __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul");
#elif defined(__aarch64__)
        return (getauxval(AT_HWCAP) & (1UL << 3)) && (getauxval(AT_HWCAP) & (1UL << 4)); /* AES, PMULL */
#elif defined(__arm__)
        return (getauxval(AT_HWCAP2) & (1UL << 0)) && (getauxval(AT_HWCAP2) & (1UL << 1));
#else
        return false;
#endif
}

/**
 * aead_best_algorithm() - the faster one on this CPU
 *
 * Return: AES-256-GCM where there are instructions for it, else ChaCha20-Poly1305, which is then 2 to 4.5 times faster
 * and runs in constant time without tables.
 */
AeadAlgorithm aead_best_algorithm(void) {
        return cpu_has_aes() ? AEAD_AES_256_GCM : AEAD_CHACHA20_POLY1305;
}

static const char *aead_cipher_name(AeadAlgorithm algorithm) {
        switch (algorithm) {
        case AEAD_AES_256_GCM:
                return "AES-256-GCM";
        case AEAD_CHACHA20_POLY1305:
                return "ChaCha20-Poly1305";
        }
        return NULL; /* a number from a file */
}

static int aead_context_new(const EVP_CIPHER *cipher, const Secret *key, int is_sealing, EVP_CIPHER_CTX **ret) {
        EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();

        if (!context)
                return -ENOMEM;
        if (EVP_CipherInit_ex2(context, cipher, secret_bytes(key), NULL, is_sealing, NULL) != 1) {
                EVP_CIPHER_CTX_free(context);
                return -EIO;
        }
        *ret = context;
        return 0;
}

/**
 * aead_new() - make a sealer and opener for one key
 * @algorithm:  as stored with what is to be opened, or aead_best_algorithm()
 * @key:        expanded into the contexts; not referred to afterwards
 * @ret:        owned by the caller; untouched on failure
 *
 * Return: 0; -EOPNOTSUPP for an unknown algorithm or one that this build of OpenSSL lacks; -ENOMEM; -EIO.
 */
int aead_new(AeadAlgorithm algorithm, const Secret *key, Aead **ret) {
        _cleanup_(aead_freep) Aead *aead = NULL;
        const char *name = aead_cipher_name(algorithm);
        EVP_CIPHER *cipher;
        int r;

        if (!name)
                return -EOPNOTSUPP;
        aead = calloc(1, sizeof(*aead));
        if (!aead)
                return -ENOMEM;
        ERR_clear_error(); /* what is oldest in the queue afterwards is the reason */
        cipher = EVP_CIPHER_fetch(NULL, name, NULL);
        if (!cipher)
                return ERR_GET_REASON(ERR_peek_error()) == ERR_R_MALLOC_FAILURE ? -ENOMEM : -EOPNOTSUPP;
        r = aead_context_new(cipher, key, 1, &aead->seal);
        if (r >= 0)
                r = aead_context_new(cipher, key, 0, &aead->open);
        EVP_CIPHER_free(cipher); /* the contexts hold their own reference */
        if (r < 0)
                return r;
        *ret = TAKE_PTR(aead);
        return 0;
}

/**
 * aead_free() - forget the key
 * @aead:       or NULL
 *
 * Return: NULL.
 */
Aead *aead_free(Aead *aead) {
        if (!aead)
                return NULL;
        EVP_CIPHER_CTX_free(aead->seal); /* cleanses the expanded key */
        EVP_CIPHER_CTX_free(aead->open);
        free(aead);
        return NULL;
}

static int aead_take_nonce(Aead *aead, uint8_t nonce[static NONCE_SIZE]) {
        int r;

        if (aead->n_nonces == 0) {
                r = random_bytes(aead->nonces, sizeof(aead->nonces));
                if (r < 0)
                        return r;
                aead->n_nonces = NONCES_DRAWN;
        }
        aead->n_nonces--;
        memcpy(nonce, aead->nonces[aead->n_nonces], NONCE_SIZE);
        return 0;
}

static int aead_seal_begin(EVP_CIPHER_CTX *context, const uint8_t *nonce, const void *ad, size_t n_ad) {
        int n;

        if (EVP_EncryptInit_ex2(context, NULL, NULL, nonce, NULL) != 1)
                return -EIO;
        return n_ad == 0 || EVP_EncryptUpdate(context, NULL, &n, ad, (int)n_ad) == 1 ? 0 : -EIO;
}

/* Both are stream ciphers: as much comes out at once as goes in. */
static int aead_seal_more(EVP_CIPHER_CTX *context, const void *plain, size_t n_plain, uint8_t *ret) {
        int n;

        return n_plain == 0 || EVP_EncryptUpdate(context, ret, &n, plain, (int)n_plain) == 1 ? 0 : -EIO;
}

static int aead_seal_end(EVP_CIPHER_CTX *context, uint8_t *ret_tag) {
        int n;

        if (EVP_EncryptFinal_ex(context, ret_tag, &n) != 1)
                return -EIO;
        return EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, ret_tag) == 1 ? 0 : -EIO;
}

/**
 * aead_seal() - encrypt and authenticate
 * @aead:       whose key is used
 * @ad:         associated data: authenticated, not stored; NULL when @n_ad is 0
 * @n_ad:       in bytes
 * @plain:      what is sealed; NULL when @n_plain is 0
 * @n_plain:    in bytes
 * @ret:        the sealed form is appended; on failure unchanged
 *
 * Return: 0; -EFBIG; -ENOBUFS if @ret's limit would be passed; -ENOMEM; -EIO; -errno of getrandom(2).
 */
int aead_seal(Aead *aead, const void *ad, size_t n_ad, const void *plain, size_t n_plain, Bytes *ret) {
        uint8_t *sealed;
        int r;

        if (n_ad > INT_MAX || n_plain > INT_MAX - AEAD_OVERHEAD)
                return -EFBIG;
        r = bytes_reserve(ret, n_plain + AEAD_OVERHEAD);
        if (r < 0)
                return r;
        sealed = ret->data + ret->size;
        r = aead_take_nonce(aead, sealed);
        if (r >= 0)
                r = aead_seal_begin(aead->seal, sealed, ad, n_ad);
        if (r >= 0)
                r = aead_seal_more(aead->seal, plain, n_plain, sealed + NONCE_SIZE);
        if (r >= 0)
                r = aead_seal_end(aead->seal, sealed + NONCE_SIZE + n_plain);
        if (r < 0)
                return r;
        ret->size += n_plain + AEAD_OVERHEAD;
        ret->data[ret->size] = 0;
        return 0;
}

/* The plain text and the tag behind the nonce, which is in the piece already. */
static int aead_seal_pieces(Aead *aead, const AeadText *text, uint8_t *piece, AeadSink sink, void *userdata) {
        size_t done = 0, used = NONCE_SIZE;
        int r = 0;

        while (done < text->n_plain) {
                size_t n = MIN(text->n_plain - done, PIECE_SIZE - used);

                r = aead_seal_more(aead->seal, (const uint8_t *)text->plain + done, n, piece + used);
                if (r < 0)
                        return r;
                done += n;
                used += n;
                if (used < PIECE_SIZE)
                        break; /* the last one */
                r = sink(piece, used, userdata);
                if (r < 0)
                        return r;
                used = 0;
        }
        r = aead_seal_end(aead->seal, piece + used);
        return r < 0 ? r : sink(piece, used + TAG_SIZE, userdata);
}

/**
 * aead_seal_to() - encrypt and authenticate something large
 * @aead:       whose key is used
 * @text:       what is sealed and its associated data; each NULL when its size is 0
 * @sink:       gets the sealed form, n_plain + AEAD_OVERHEAD bytes, in order and in pieces that are gone when it returns
 * @userdata:   for @sink
 *
 * Return: 0; what @sink returned if that was < 0; -EFBIG; -ENOMEM; -EIO; -errno of getrandom(2). After a failure what
 * @sink got is of no use.
 */
int aead_seal_to(Aead *aead, const AeadText *text, AeadSink sink, void *userdata) {
        _cleanup_free_ uint8_t *piece = NULL;
        int r;

        if (text->n_ad > INT_MAX || text->n_plain > INT_MAX - AEAD_OVERHEAD)
                return -EFBIG;
        piece = malloc(PIECE_SIZE + TAG_SIZE);
        if (!piece)
                return -ENOMEM;
        r = aead_take_nonce(aead, piece);
        if (r >= 0)
                r = aead_seal_begin(aead->seal, piece, text->ad, text->n_ad);
        if (r >= 0)
                r = aead_seal_pieces(aead, text, piece, sink, userdata);
        return r < 0 ? r : 0;
}

static int aead_open_into(EVP_CIPHER_CTX *context, const void *ad, size_t n_ad, const uint8_t *sealed, size_t n_sealed,
                          uint8_t *plain) {
        uint8_t tag[TAG_SIZE];
        size_t n_plain = n_sealed - AEAD_OVERHEAD;
        int n;

        memcpy(tag, sealed + n_sealed - TAG_SIZE, TAG_SIZE);
        if (EVP_DecryptInit_ex2(context, NULL, NULL, sealed, NULL) != 1)
                return -EIO;
        if (EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, tag) != 1)
                return -EIO;
        if (n_ad > 0 && EVP_DecryptUpdate(context, NULL, &n, ad, (int)n_ad) != 1)
                return -EIO;
        if (n_plain > 0 && EVP_DecryptUpdate(context, plain, &n, sealed + NONCE_SIZE, (int)n_plain) != 1)
                return -EIO;
        return EVP_DecryptFinal_ex(context, plain + n_plain, &n) == 1 ? 0 : AEAD_E_FORGED;
}

/**
 * aead_open() - check and decrypt
 * @aead:       whose key is used
 * @ad:         the associated data it was sealed with; NULL when @n_ad is 0
 * @n_ad:       in bytes
 * @sealed:     as aead_seal() made it
 * @n_sealed:   in bytes
 * @ret:        the plain text is appended; on failure unchanged, and nothing of it is left behind its end
 *
 * Return: 0; AEAD_E_FORGED if it is damaged, forged, sealed under another key or with other associated data;
 * -EFBIG; -ENOBUFS if @ret's limit would be passed; -ENOMEM; -EIO.
 */
int aead_open(Aead *aead, const void *ad, size_t n_ad, const void *sealed, size_t n_sealed, Bytes *ret) {
        size_t n_plain;
        uint8_t *plain;
        int r;

        if (n_sealed < AEAD_OVERHEAD)
                return AEAD_E_FORGED;
        if (n_ad > INT_MAX || n_sealed > INT_MAX)
                return -EFBIG;
        n_plain = n_sealed - AEAD_OVERHEAD;
        r = bytes_reserve(ret, n_plain);
        if (r < 0)
                return r;
        plain = ret->data + ret->size;
        r = aead_open_into(aead->open, ad, n_ad, sealed, n_sealed, plain);
        if (r != 0) {
                bytes_wipe(plain, n_plain + 1);
                return r;
        }
        ret->size += n_plain;
        ret->data[ret->size] = 0;
        return 0;
}
