/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Random bytes and UUIDs, RFC 9562. Floor 0.
 *
 * Version 7 is used without the counter of RFC 9562 §6.2: two ids of the same millisecond differ but are in no order,
 * which is enough for names that only have to list roughly by time. That keeps this file without state.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include "trailkeep/id.h"

#define UUID_SIZE 16
#define UUID_TIME_MS_MAX ((UINT64_C(1) << 48) - 1)

/**
 * random_bytes() - fill memory from the kernel's generator
 * @data:       filled; undefined on failure
 * @size:       in bytes
 *
 * Waits only in the first moments after boot, until the kernel's generator is seeded.
 *
 * Return: 0; -errno of getrandom(2).
 */
int random_bytes(void *data, size_t size) {
        uint8_t *p = data;

        while (size > 0) {
                ssize_t n = getrandom(p, size, 0);

                if (n < 0) {
                        if (errno == EINTR)
                                continue;
                        return -errno;
                }
                p += n;
                size -= (size_t)n;
        }
        return 0;
}

static void uuid_format(uint8_t uuid[static UUID_SIZE], unsigned version, char ret[static ID_STRING_MAX]) {
        static const char digits[] = "0123456789abcdef";
        char *p = ret;

        uuid[6] = (uint8_t)((uuid[6] & 0x0f) | version << 4);
        uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
        for (size_t i = 0; i < UUID_SIZE; i++) {
                if (i == 4 || i == 6 || i == 8 || i == 10)
                        *p++ = '-';
                *p++ = digits[uuid[i] >> 4];
                *p++ = digits[uuid[i] & 0x0f];
        }
        *p = 0;
}

/**
 * id_new_random() - a UUID of 122 random bits
 * @ret:        UUID version 4 in lower case, 0-terminated; untouched on failure
 *
 * Return: 0; -errno of getrandom(2).
 */
int id_new_random(char ret[static ID_STRING_MAX]) {
        uint8_t uuid[UUID_SIZE];
        int r;

        r = random_bytes(uuid, sizeof(uuid));
        if (r < 0)
                return r;
        uuid_format(uuid, 4, ret);
        return 0;
}

/**
 * id_new_ordered() - a UUID that sorts by time
 * @time_ms:    ms since 1970, at most 48 bits of it
 * @ret:        UUID version 7 in lower case, 0-terminated; untouched on failure
 *
 * Return: 0; -ERANGE if @time_ms needs more than 48 bits; -errno of getrandom(2).
 */
int id_new_ordered(uint64_t time_ms, char ret[static ID_STRING_MAX]) {
        uint8_t uuid[UUID_SIZE];
        int r;

        if (time_ms > UUID_TIME_MS_MAX)
                return -ERANGE;
        r = random_bytes(uuid, sizeof(uuid));
        if (r < 0)
                return r;
        for (size_t i = 0; i < 6; i++)
                uuid[i] = (uint8_t)(time_ms >> (40 - 8 * i));
        uuid_format(uuid, 7, ret);
        return 0;
}
