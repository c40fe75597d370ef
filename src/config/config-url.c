/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The base URL of the store, checked and in one canonical spelling (RFC 3986 §6.2). Pure but for the heap.
 *
 * Object names are appended to it and the catalogue compares what comes out, so there must be one spelling: scheme and
 * host in lower case, no default port, no needless percent-encoding and the others in upper case, no slash at the end.
 * What would have to be interpreted (dot segments, empty segments, an encoded slash, a user name, a query, a fragment)
 * is refused instead of repaired.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "config-value.h"
#include "trailkeep/bytes.h"
#include "trailkeep/parse.h"

#define SCHEME "https://"
#define URL_BYTES_MAX 2048
#define HOST_BYTES_MAX 253
#define LABEL_BYTES_MAX 63
#define PORT_DEFAULT 443
#define ALPHA_DIGIT "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
#define UNRESERVED ALPHA_DIGIT "-._~"          /* RFC 3986 §2.3 */
#define SEGMENT UNRESERVED "!$&'()*+,;=:@"     /* pchar of RFC 3986 §3.3, without "%" */

static bool is_one_of(const char *set, char c) {
        return c != 0 && strchr(set, c);
}

/* A name of labels (RFC 1123 §2.1), or an IPv4 address. */
static bool is_host_name(const char *s, size_t n) {
        size_t n_label = 0;

        if (n == 0 || n > HOST_BYTES_MAX || s[n - 1] == '-')
                return false;
        for (size_t i = 0; i < n; i++) {
                if (s[i] == '.') {
                        if (n_label == 0 || s[i - 1] == '-')
                                return false;
                        n_label = 0;
                        continue;
                }
                if (!is_one_of(ALPHA_DIGIT "-", s[i]) || (s[i] == '-' && n_label == 0) || ++n_label > LABEL_BYTES_MAX)
                        return false;
        }
        return n_label > 0;
}

static bool is_host_ipv6(const char *s, size_t n) {
        char address[INET6_ADDRSTRLEN];
        struct in6_addr binary;

        if (n < 4 || n - 2 >= sizeof(address) || s[0] != '[' || s[n - 1] != ']')
                return false;
        memcpy(address, s + 1, n - 2);
        address[n - 2] = 0;
        return inet_pton(AF_INET6, address, &binary) == 1;
}

static int append_port(const char *s, size_t n, Bytes *url) {
        char text[8];
        uint64_t port;

        if (n == 0 || n >= sizeof(text))
                return -EINVAL;
        memcpy(text, s, n);
        text[n] = 0;
        if (parse_u64(text, 1, UINT16_MAX, &port) < 0)
                return -EINVAL;
        if (port == PORT_DEFAULT)
                return 0;
        (void)snprintf(text, sizeof(text), ":%" PRIu64, port); /* fits: five digits at most */
        return bytes_append_string(url, text);
}

static int append_authority(const char *s, size_t n, Bytes *url) {
        size_t n_host = n;
        int r = 0;

        /* The colon of the port is the last one that is not within brackets. */
        for (size_t i = n; i > 0 && s[i - 1] != ']'; i--)
                if (s[i - 1] == ':') {
                        n_host = i - 1;
                        break;
                }
        if (!is_host_name(s, n_host) && !is_host_ipv6(s, n_host))
                return -EINVAL;
        for (size_t i = 0; i < n_host && r >= 0; i++) {
                char c = s[i] >= 'A' && s[i] <= 'Z' ? (char)(s[i] | 0x20) : s[i];

                r = bytes_append(url, &c, 1);
        }
        if (r < 0 || n_host == n)
                return r;
        return append_port(s + n_host + 1, n - n_host - 1, url);
}

static int hex_value(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        c |= 0x20;
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "%" and two digits: decoded where the character may stand for itself (RFC 3986 §6.2.2.2). */
static int append_encoded(const char *s, size_t n, Bytes *url) {
        int high = n < 3 ? -1 : hex_value(s[1]), low = n < 3 ? -1 : hex_value(s[2]);
        char c, text[4];

        if (high < 0 || low < 0)
                return -EINVAL;
        c = (char)(high << 4 | low);
        if (c == '/' || c == 0x7f || (unsigned char)c < 0x20)
                return -EINVAL;
        if (is_one_of(UNRESERVED, c))
                return bytes_append(url, &c, 1);
        (void)snprintf(text, sizeof(text), "%%%02X", (unsigned char)c); /* fits */
        return bytes_append_string(url, text);
}

static int append_segment(const char *s, size_t n, Bytes *url) {
        size_t start = url->size + 1;
        const char *segment;
        int r;

        r = bytes_append(url, "/", 1);
        for (size_t i = 0; i < n && r >= 0; i += s[i] == '%' ? 3 : 1)
                if (s[i] == '%')
                        r = append_encoded(s + i, n - i, url);
                else
                        r = is_one_of(SEGMENT, s[i]) ? bytes_append(url, &s[i], 1) : -EINVAL;
        if (r < 0)
                return r;
        segment = (const char *)url->data + start;
        return *segment == 0 || strcmp(segment, ".") == 0 || strcmp(segment, "..") == 0 ? -EINVAL : 0;
}

/**
 * config_url_normalize() - check a base URL and spell it canonically
 * @text:       as in the file
 * @ret_url:    owned by the caller; untouched on failure
 *
 * Return: 0; -EINVAL if it is not https, has a user name, query or fragment, or is no URL; -ENOMEM.
 */
int config_url_normalize(const char *text, char **ret_url) {
        /* Nothing grows: what is put in is at most what is taken out. */
        _cleanup_bytes_ Bytes url = { .limit = URL_BYTES_MAX };
        size_t n;
        int r;

        if (strlen(text) > URL_BYTES_MAX || strncasecmp(text, SCHEME, strlen(SCHEME)) != 0)
                return -EINVAL;
        text += strlen(SCHEME);
        r = bytes_append_string(&url, SCHEME);
        if (r < 0)
                return r;
        n = strcspn(text, "/?#");
        r = append_authority(text, n, &url);
        for (text += n; *text && r >= 0; text += n) {
                if (*text != '/')
                        return -EINVAL;
                text++;
                n = strcspn(text, "/");
                if (n > 0 || *text)
                        r = append_segment(text, n, &url);
        }
        if (r < 0)
                return r;
        *ret_url = (char *)TAKE_PTR(url.data);
        url = (Bytes){ 0 };
        return 0;
}
