/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory for keys. Floor 1.
 *
 * Each secret has a page of its own: page attributes (locked, not dumped, wiped in a forked child) hold for whole
 * pages, so a key beside ordinary data would either lose them or lend them. There are few keys at a time; a page each
 * is cheaper than an allocator would be. Where the page cannot be locked, since RLIMIT_MEMLOCK is too small, it is used
 * all the same, and the daemon says so at its start.
 *
 * What OpenSSL expands from a key, and that begins with the key itself, lies on the ordinary heap as long as its context
 * lives, and is cleansed when that is freed: its secure heap is for private keys and does not take cipher contexts, and an
 * allocator of ours under all of OpenSSL would lock everything that TLS holds as well. So it is kept out of core dumps and
 * from other users' eyes with the whole process (PR_SET_DUMPABLE, RLIMIT_CORE), and out of swap by the unit
 * (MemorySwapMax=0), not page by page.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "trailkeep/bytes.h"
#include "trailkeep/id.h"
#include "trailkeep/secret.h"

struct Secret {
        uint8_t bytes[SECRET_SIZE];
};

static size_t secret_map_size(void) {
        long page_bytes = sysconf(_SC_PAGESIZE);

        return page_bytes > 0 ? (size_t)page_bytes : 4096;
}

/* NULL: no memory. */
static Secret *secret_new_empty(void) {
        size_t size = secret_map_size();
        void *page;

        page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (page == MAP_FAILED)
                return NULL;
        /* A box without swap and with core dumps off loses nothing where one of these fails. */
        (void)mlock(page, size);                    /* best effort: RLIMIT_MEMLOCK may be small */
        (void)madvise(page, size, MADV_DONTDUMP);   /* best effort: the advice is since Linux 3.4 */
        (void)madvise(page, size, MADV_WIPEONFORK); /* best effort: since 4.14 */
        return page;
}

/**
 * secret_new_random() - make a key from the kernel's generator
 * @ret:        the key, owned by the caller; untouched on failure
 *
 * Return: 0; -ENOMEM; -errno of getrandom(2).
 */
int secret_new_random(Secret **ret) {
        _cleanup_(secret_freep) Secret *secret = secret_new_empty();
        int r;

        if (!secret)
                return -ENOMEM;
        r = random_bytes(secret->bytes, SECRET_SIZE);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(secret);
        return 0;
}

/**
 * secret_new() - copy a key into protected memory
 * @bytes:      copied; the caller wipes its own
 * @ret:        the key, owned by the caller; untouched on failure
 *
 * Return: 0; -ENOMEM.
 */
int secret_new(const uint8_t bytes[static SECRET_SIZE], Secret **ret) {
        Secret *secret = secret_new_empty();

        if (!secret)
                return -ENOMEM;
        memcpy(secret->bytes, bytes, SECRET_SIZE);
        *ret = secret;
        return 0;
}

/**
 * secret_bytes() - the key itself
 * @secret:     the key
 *
 * Return: SECRET_SIZE bytes, borrowed; valid as long as the key.
 */
const uint8_t *secret_bytes(const Secret *secret) {
        return secret->bytes;
}

/**
 * secret_free() - wipe a key and give its memory back
 * @secret:     the key, or NULL
 *
 * Return: NULL.
 */
Secret *secret_free(Secret *secret) {
        if (!secret)
                return NULL;
        bytes_wipe(secret->bytes, SECRET_SIZE);
        /* Fails only for an address that is not ours; unlocks too. */
        (void)munmap(secret, secret_map_size());
        return NULL;
}
