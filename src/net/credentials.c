/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The files TLS needs, looked at once at start. Floor 2.
 *
 * libcurl reads them with each connection and says little when that fails, by night and to nobody. Here a person is
 * still there to read which file it is and what is wrong with it.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdarg.h>
#include <stdio.h>
#include "tls.h"
#include "trailkeep/bytes.h"
#include "trailkeep/file.h"
#include "trailkeep/http.h"

#define PEM_BYTES_MAX (4 * 1024 * 1024) /* the authorities of a whole distribution are a quarter of a MiB */

static inline void bio_freep(BIO **bio) {
        BIO_free_all(*bio);
}
static inline void x509_freep(X509 **cert) {
        X509_free(*cert);
}
static inline void pkey_freep(EVP_PKEY **key) {
        EVP_PKEY_free(*key);
}

static _printf_(3, 4) int credentials_refuse(char *text, int r, const char *format, ...) {
        va_list args;

        va_start(args, format);
        (void)vsnprintf(text, HTTP_CREDENTIALS_TEXT_MAX, format, args); /* cut short it still names the file */
        va_end(args);
        return r;
}

static bool is_set(const char *name) {
        return name && *name != '\0';
}

/* Says that the key is encrypted instead of asking for its password on the terminal. */
static int credentials_on_password(char *buffer, int size, int is_writing, void *userdata) {
        bool *is_encrypted = userdata;

        *is_encrypted = true;
        return -1;
}

static int credentials_open(const char *what, const char *path, Bytes *pem, BIO **ret, char *text) {
        BIO *bio;
        int r;

        r = file_read(path, PEM_BYTES_MAX, pem);
        if (r < 0) {
                errno = -r;
                return credentials_refuse(text, r, "cannot read the %s %s: %m", what, path);
        }
        bio = BIO_new_mem_buf(pem->data ? (const void *)pem->data : "", (int)pem->size);
        if (!bio)
                return -ENOMEM;
        *ret = bio;
        return 0;
}

static int credentials_read_certificate(const char *what, const char *path, X509 **ret, char *text) {
        _cleanup_bytes_ Bytes pem = {};
        _cleanup_(bio_freep) BIO *bio = NULL;
        X509 *cert;
        int r;

        r = credentials_open(what, path, &pem, &bio, text);
        if (r < 0)
                return r;
        cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
        ERR_clear_error();
        if (!cert)
                return credentials_refuse(text, -EBADMSG, "the %s %s holds no certificate in PEM form", what, path);
        *ret = cert;
        return 0;
}

static int credentials_read_key(const char *path, EVP_PKEY **ret, char *text) {
        _cleanup_bytes_ Bytes pem = {};
        _cleanup_(bio_freep) BIO *bio = NULL;
        bool is_encrypted = false;
        EVP_PKEY *key;
        int r;

        r = credentials_open("key file", path, &pem, &bio, text);
        if (r < 0)
                return r;
        key = PEM_read_bio_PrivateKey(bio, NULL, credentials_on_password, &is_encrypted);
        ERR_clear_error();
        if (!key && is_encrypted)
                return credentials_refuse(text, -EBADMSG,
                                          "the key file %s is encrypted; nobody is there to type its password, protect "
                                          "it by its mode instead",
                                          path);
        if (!key)
                return credentials_refuse(text, -EBADMSG, "the key file %s holds no private key in PEM form", path);
        *ret = key;
        return 0;
}

static int credentials_check_dates(const char *path, const X509 *cert, const HttpClock *clock, char *text) {
        char today[TLS_DAY_MAX], day[TLS_DAY_MAX];
        HttpTime known;
        time_t now;

        tls_get_time(clock, &known);
        now = (time_t)known.utc_sec;
        tls_format_day(known.utc_sec, today);
        if (X509_cmp_time(X509_get0_notAfter(cert), &now) < 0) {
                tls_format_asn1_day(X509_get0_notAfter(cert), day);
                return credentials_refuse(text, -EKEYEXPIRED,
                                          "the certificate %s expired on %s and this box believes it is %s; renew it, "
                                          "or check this box's clock",
                                          path, day, today);
        }
        if (known.is_exact && X509_cmp_time(X509_get0_notBefore(cert), &now) > 0) {
                tls_format_asn1_day(X509_get0_notBefore(cert), day);
                return credentials_refuse(text, -EKEYEXPIRED,
                                          "the certificate %s is not valid before %s and this box believes it is %s; "
                                          "check this box's clock",
                                          path, day, today);
        }
        return 0;
}

/**
 * http_check_credentials() - look whether the files of TLS can work
 * @options: the files; none at all is fine
 * @text:    one sentence that names the file and what is wrong; "" when nothing is
 *
 * Return: 0; -EKEYEXPIRED when all that is wrong is a date, that of the certificate or that of this box; the error of
 * reading a file; -EBADMSG for a file with the wrong content; -EKEYREJECTED when certificate and key are not a pair;
 * -EINVAL for a key without a certificate; -ENOMEM.
 */
int http_check_credentials(const HttpOptions *options, char text[static HTTP_CREDENTIALS_TEXT_MAX]) {
        _cleanup_(x509_freep) X509 *authority = NULL, *cert = NULL;
        _cleanup_(pkey_freep) EVP_PKEY *key = NULL;
        const char *key_file;
        int r;

        text[0] = '\0';
        if (is_set(options->ca_file)) {
                r = credentials_read_certificate("CA file", options->ca_file, &authority, text);
                if (r < 0)
                        return r;
        }
        if (!is_set(options->cert_file)) {
                if (is_set(options->key_file))
                        return credentials_refuse(text, -EINVAL, "there is a key file %s but no certificate file",
                                                  options->key_file);
                return 0;
        }

        r = credentials_read_certificate("certificate file", options->cert_file, &cert, text);
        if (r < 0)
                return r;
        key_file = is_set(options->key_file) ? options->key_file : options->cert_file;
        r = credentials_read_key(key_file, &key, text);
        if (r < 0)
                return r;
        if (X509_check_private_key(cert, key) != 1) {
                ERR_clear_error();
                return credentials_refuse(text, -EKEYREJECTED, "the certificate %s and the key %s are not a pair",
                                          options->cert_file, key_file);
        }
        return credentials_check_dates(options->cert_file, cert, &options->clock, text);
}
