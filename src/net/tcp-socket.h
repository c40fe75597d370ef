/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What the kernel knows about a TCP socket and libcurl does not ask it. Floor 2.
 */
#include <stdint.h>
#include "trailkeep/macros.h"

uint64_t tcp_socket_moved_bytes(int fd);
int tcp_socket_limit_unsent(int fd, unsigned limit_bytes) _must_check_;
