/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Growable bytes with an upper bound that wipe themselves. Floor 0, pure but for the heap.
 *
 * realloc() is not used: it may move the block and leave the old contents behind in freed memory.
 */
#include <errno.h>
#include <string.h>
#include "trailkeep/bytes.h"

#define BYTES_FIRST_ALLOCATION ((size_t)64)

static size_t bytes_limit(const Bytes *bytes) {
        return bytes->limit > 0 ? bytes->limit : BYTES_LIMIT_DEFAULT;
}

/**
 * bytes_reserve() - make room for more bytes
 * @bytes:      changed
 * @more:       number of bytes that will be appended
 *
 * Afterwards @more bytes may be written at data + size; the caller then adds to size and writes a 0 byte behind, or
 * calls bytes_append(), which does so.
 *
 * Return: 0; -ENOBUFS if the limit would be passed; -ENOMEM. On failure nothing has changed.
 */
int bytes_reserve(Bytes *bytes, size_t more) {
        size_t limit = bytes_limit(bytes);
        size_t needed, allocated;
        uint8_t *data;

        if (bytes->size > limit || more > limit - bytes->size)
                return -ENOBUFS;
        needed = bytes->size + more + 1;
        if (needed <= bytes->allocated)
                return 0;

        allocated = MAX(BYTES_FIRST_ALLOCATION, needed);
        if (bytes->allocated <= SIZE_MAX / 2)
                allocated = MAX(allocated, bytes->allocated * 2);
        allocated = MAX(MIN(allocated, limit + 1), needed);

        data = malloc(allocated);
        if (!data)
                return -ENOMEM;
        if (bytes->size > 0)
                memcpy(data, bytes->data, bytes->size);
        data[bytes->size] = 0;

        bytes_wipe(bytes->data, bytes->allocated);
        free(bytes->data);
        bytes->data = data;
        bytes->allocated = allocated;
        return 0;
}

/**
 * bytes_append() - copy bytes to the end
 * @bytes:      changed
 * @data:       what to copy; may be NULL when @size is 0; must not lie within @bytes
 * @size:       in bytes
 *
 * Return: 0; -ENOBUFS if the limit would be passed; -ENOMEM. On failure nothing has changed.
 */
int bytes_append(Bytes *bytes, const void *data, size_t size) {
        int r;

        if (size == 0)
                return 0;
        r = bytes_reserve(bytes, size);
        if (r < 0)
                return r;
        memcpy(bytes->data + bytes->size, data, size);
        bytes->size += size;
        bytes->data[bytes->size] = 0;
        return 0;
}

/**
 * bytes_append_string() - copy a string to the end, without its 0 byte
 * @bytes:      changed
 * @string:     0-terminated
 *
 * Return: as bytes_append().
 */
int bytes_append_string(Bytes *bytes, const char *string) {
        return bytes_append(bytes, string, strlen(string));
}

/**
 * bytes_truncate() - forget what lies behind a size, and wipe it
 * @bytes:      changed
 * @size:       new size in bytes; a larger one than now changes nothing
 */
void bytes_truncate(Bytes *bytes, size_t size) {
        if (size >= bytes->size)
                return;
        bytes_wipe(bytes->data + size, bytes->size - size);
        bytes->size = size;
}

/**
 * bytes_done() - wipe and free the contents
 * @bytes:      empty afterwards, with its limit kept, and usable again
 */
void bytes_done(Bytes *bytes) {
        bytes_wipe(bytes->data, bytes->allocated);
        free(bytes->data);
        *bytes = (Bytes){ .limit = bytes->limit };
}

/**
 * bytes_wipe() - overwrite memory in a way that the optimiser does not remove
 * @data:       may be NULL when @size is 0
 * @size:       in bytes
 */
void bytes_wipe(void *data, size_t size) {
        if (size > 0)
                explicit_bzero(data, size);
}

/**
 * string_wipe_free() - wipe a string on the heap and free it
 * @string:     0-terminated, or NULL
 *
 * Return: NULL.
 */
char *string_wipe_free(char *string) {
        if (!string)
                return NULL;
        bytes_wipe(string, strlen(string));
        free(string);
        return NULL;
}
