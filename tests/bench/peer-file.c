/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Measured: files without any structure, which is what a commit costs at least. Variants:
 *
 *   append      a file that grows, write(2) and fdatasync(2)
 *   fallocated  the same within room that was allocated ahead, 16 MiB at a time
 *   floor       a file that was written and synced from end to end before, overwritten in a circle: no metadata changes
 *   fsync       4096 bytes somewhere in such a file, whatever the payload is: the medium alone
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>
#include "peer.h"

#define AHEAD_BYTES ((off_t)16 << 20)
#define CIRCLE_BYTES ((off_t)64 << 20)
#define PAGE_BYTES 4096

struct Peer {
        const PeerSetup *setup;
        int fd;
        off_t at, allocated;
        bool is_ahead, is_circle, is_page;
        uint8_t *buffer; /* one commit */
        size_t n_buffer;
};

static void write_at(Peer *peer, const void *data, size_t n, off_t at) {
        must(pwrite(peer->fd, data, n, at) == (ssize_t)n, "pwrite");
}

static void fill_circle(Peer *peer) {
        _cleanup_free_ uint8_t *block = malloc((size_t)AHEAD_BYTES);

        must(block, "malloc");
        memset(block, 0x5a, (size_t)AHEAD_BYTES);
        for (off_t at = 0; at < CIRCLE_BYTES; at += AHEAD_BYTES)
                write_at(peer, block, (size_t)AHEAD_BYTES, at);
        must(fsync(peer->fd) == 0, "fsync");
}

Peer *peer_open(const PeerSetup *setup) {
        Peer *peer = calloc(1, sizeof(*peer));

        must(peer, "calloc");
        peer->setup = setup;
        peer->is_page = strcmp(setup->variant, "fsync") == 0;
        peer->is_circle = peer->is_page || strcmp(setup->variant, "floor") == 0;
        peer->is_ahead = strcmp(setup->variant, "fallocated") == 0;
        must(peer->is_circle || peer->is_ahead || strcmp(setup->variant, "append") == 0, "knowing the variant");
        must(chdir(setup->folder) == 0, "chdir");
        peer->fd = open("file", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        must(peer->fd >= 0, "open");
        if (peer->is_circle)
                fill_circle(peer);
        return peer;
}

static void make_room(Peer *peer, size_t n_bytes) {
        if (peer->is_circle && peer->at + (off_t)n_bytes > CIRCLE_BYTES)
                peer->at = 0;
        while (peer->is_ahead && peer->at + (off_t)n_bytes > peer->allocated) {
                must(posix_fallocate(peer->fd, peer->allocated, AHEAD_BYTES) == 0, "posix_fallocate");
                peer->allocated += AHEAD_BYTES;
        }
        if (n_bytes <= peer->n_buffer)
                return;
        free(peer->buffer);
        peer->buffer = malloc(n_bytes);
        must(peer->buffer, "malloc");
        peer->n_buffer = n_bytes;
}

void peer_commit(Peer *peer, unsigned n_records) {
        size_t n_bytes = n_records * peer->setup->payload_bytes;

        if (peer->is_page) {
                static const uint8_t page[PAGE_BYTES];

                write_at(peer, page, sizeof(page), PAGE_BYTES * (rand() % (CIRCLE_BYTES / PAGE_BYTES)));
        } else {
                make_room(peer, n_bytes);
                for (unsigned i = 0; i < n_records; i++)
                        memcpy(peer->buffer + i * peer->setup->payload_bytes, peer->setup->payload,
                               peer->setup->payload_bytes);
                write_at(peer, peer->buffer, n_bytes, peer->at);
                peer->at += (off_t)n_bytes;
        }
        must(fdatasync(peer->fd) == 0, "fdatasync");
}

void peer_close(Peer *peer) {
        must(close(peer->fd) == 0, "close");
        free(peer->buffer);
        free(peer);
}
