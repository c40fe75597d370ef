/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where gpsd is, and the way there without waiting. Floor 2.
 *
 * libgps' own gps_open() resolves names and connects blocking, which may hold the loop for minutes. A name would need
 * a resolver; gpsd runs on this box or on a neighbour with a fixed address, so a numeric address and "localhost" are
 * all there is. The latter is ::1 and 127.0.0.1 in this order, since gpsd's socket unit binds both and gpsd alone
 * whatever it can.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <string.h>
#include "trailkeep/file.h"
#include "trailkeep/parse.h"
#include "gnss-connect.h"

#define HOST_MAX 64
#define KEEPALIVE_IDLE_SEC 60
#define KEEPALIVE_INTERVAL_SEC 20
#define KEEPALIVE_PROBES 3

static void set_ipv4(GnssAddress *address, struct in_addr host, uint16_t port) {
        struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = host };

        memcpy(&address->address, &in, sizeof(in));
        address->size = sizeof(in);
}

static void set_ipv6(GnssAddress *address, struct in6_addr host, uint16_t port) {
        struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = host };

        memcpy(&address->address, &in6, sizeof(in6));
        address->size = sizeof(in6);
}

/* Splits "HOST:PORT"; brackets, which only IPv6 has and must have, are left out. */
static int split(const char *text, char ret_host[static HOST_MAX], uint64_t *ret_port, bool *ret_is_ipv6) {
        const char *colon = strrchr(text, ':');
        const char *host = text;
        size_t size;
        bool is_ipv6 = text[0] == '[';

        if (!colon)
                return -EINVAL;
        size = (size_t)(colon - text);
        if (is_ipv6) {
                if (size < 2 || text[size - 1] != ']')
                        return -EINVAL;
                host++;
                size -= 2;
        }
        if (size == 0 || size >= HOST_MAX || (!is_ipv6 && memchr(host, ':', size)) ||
            parse_u64(colon + 1, 1, UINT16_MAX, ret_port) < 0)
                return -EINVAL;
        memcpy(ret_host, host, size);
        ret_host[size] = 0;
        *ret_is_ipv6 = is_ipv6;

        return 0;
}

/**
 * gnss_address_parse() - read HOST:PORT
 * @text:       a numeric address or "localhost" and a port from 1 to 65535; IPv6 in brackets
 * @ret:        where to try, in this order; undefined on failure
 * @ret_n:      how many of them; untouched on failure
 *
 * Return: 0; -EINVAL if it is anything else.
 */
int gnss_address_parse(const char *text, GnssAddress ret[static GNSS_ADDRESSES_MAX], size_t *ret_n) {
        struct in6_addr in6 = in6addr_loopback;
        struct in_addr in = { .s_addr = htonl(INADDR_LOOPBACK) };
        char host[HOST_MAX];
        uint64_t port;
        bool is_ipv6;
        int r;

        r = split(text, host, &port, &is_ipv6);
        if (r < 0)
                return r;
        if (!is_ipv6 && strcmp(host, "localhost") == 0) {
                set_ipv6(ret, in6, (uint16_t)port);
                set_ipv4(ret + 1, in, (uint16_t)port);
                *ret_n = 2;
                return 0;
        }
        if (inet_pton(is_ipv6 ? AF_INET6 : AF_INET, host, is_ipv6 ? (void *)&in6 : (void *)&in) != 1)
                return -EINVAL;
        if (is_ipv6)
                set_ipv6(ret, in6, (uint16_t)port);
        else
                set_ipv4(ret, in, (uint16_t)port);
        *ret_n = 1;

        return 0;
}

/*
 * A gpsd on another box may vanish without a word while it has nothing to say. The kernel asks after it; this process
 * is not woken for that. Without it the connection only seems alive for longer, so a failure is no reason to give up.
 */
static void set_keepalive(int fd) {
        const struct {
                int level, name, value;
        } options[] = {
                { SOL_SOCKET, SO_KEEPALIVE, 1 },
                { IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_SEC },
                { IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_SEC },
                { IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES },
        };

        for (size_t i = 0; i < ELEMENTSOF(options); i++)
                if (setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof(int)) < 0)
                        return;
}

/**
 * gnss_connect() - begin to connect
 * @address:    borrowed
 * @ret_fd:     owned by the caller; writable, or in error, as soon as gnss_connect_result() has something to say;
 *              untouched on failure
 *
 * Return: 0; -errno of socket(2) or connect(2).
 */
int gnss_connect(const GnssAddress *address, int *ret_fd) {
        _cleanup_close_ int fd = -1;

        fd = socket(address->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        set_keepalive(fd);
        if (connect(fd, (const struct sockaddr *)&address->address, address->size) < 0 && errno != EINPROGRESS)
                return -errno;
        *ret_fd = TAKE_FD(fd);

        return 0;
}

/**
 * gnss_connect_result() - how a connect that was begun has ended
 * @fd:         of gnss_connect(), after the loop reported it writable or in error
 *
 * Return: 0 if it is connected; -errno of connect(2).
 */
int gnss_connect_result(int fd) {
        socklen_t size = sizeof(int);
        int error = 0;

        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
                return -errno;
        return -error;
}
