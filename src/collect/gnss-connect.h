/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Where gpsd is, and the way there without waiting. Floor 2.
 */
#include <sys/socket.h>
#include "trailkeep/macros.h"

#define GNSS_ADDRESSES_MAX 2 /* "localhost" is two */

typedef struct GnssAddress {
        struct sockaddr_storage address;
        socklen_t size;
} GnssAddress;

int gnss_address_parse(const char *text, GnssAddress ret[static GNSS_ADDRESSES_MAX], size_t *ret_n) _must_check_;
int gnss_connect(const GnssAddress *address, int *ret_fd) _must_check_;
int gnss_connect_result(int fd) _must_check_;
