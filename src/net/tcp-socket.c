/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the kernel knows about a TCP socket and libcurl does not ask it. Floor 2.
 *
 * A file of its own because the kernel's header, which has the newer members of struct tcp_info, and the C library's
 * cannot be included together.
 */
#include "tcp-socket.h"
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

/**
 * tcp_socket_moved_bytes() - what a socket has delivered either way
 * @fd: a socket, or -1
 *
 * Return: bytes acknowledged by the peer plus bytes received from it; 0 without a connection.
 */
uint64_t tcp_socket_moved_bytes(int fd) {
        struct tcp_info info = {};
        socklen_t size = sizeof(info);

        if (fd < 0 || getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0)
                return 0;

        /* A kernel before 4.2 fills in less and leaves these at 0: the timeout then bounds the whole request. */
        return info.tcpi_bytes_acked + info.tcpi_bytes_received;
}

/**
 * tcp_socket_limit_unsent() - keep what waits in the kernel small
 * @fd:          a TCP socket
 * @limit_bytes: the socket counts as writable only below this many unsent bytes
 *
 * Return: 0, or -errno.
 */
int tcp_socket_limit_unsent(int fd, unsigned limit_bytes) {
        if (setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &limit_bytes, sizeof(limit_bytes)) < 0)
                return -errno;
        return 0;
}
