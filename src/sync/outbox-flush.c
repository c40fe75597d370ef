/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The outbox: who waits for what was asked to be sent now. Floor 4.
 *
 * A flush waits for every lane and the deletions to get through once, or to fail. What is recorded after it began is
 * not waited for. A lane that the gate does not allow is through: nothing of it may be sent.
 */
#include "outbox-internal.h"
#include <errno.h>

/* Off the list and told. */
static void flush_end(Outbox *outbox, Flush *flush, int r) {
        Flush **p = &outbox->flushes;

        while (*p && *p != flush)
                p = &(*p)->next;
        if (*p)
                *p = flush->next;
        flush->outbox = NULL;
        flush->done(r, flush->userdata);
        if (!flush->is_committing) /* else its completion frees it */
                free(flush);
}

/**
 * outbox_flush_pass() - parts of what flushes wait for got through
 * @outbox:     the outbox
 * @parts:      1 << lane, FLUSH_DELETIONS
 * @is_failure: not really: they failed, and are tried again later
 */
void outbox_flush_pass(Outbox *outbox, uint32_t parts, bool is_failure) {
        Flush *next;

        for (Flush *flush = outbox->flushes; flush; flush = next) {
                next = flush->next;
                if (flush->is_committing || !(flush->parts & parts))
                        continue;
                flush->parts &= ~parts;
                flush->has_failed = flush->has_failed || is_failure;
                if (flush->parts == 0)
                        flush_end(outbox, flush, flush->has_failed ? -EAGAIN : 0);
        }
}

/**
 * outbox_flush_cancel_all() - the outbox goes
 * @outbox: its flushes end with -ECANCELED
 */
void outbox_flush_cancel_all(Outbox *outbox) {
        while (outbox->flushes)
                flush_end(outbox, outbox->flushes, -ECANCELED);
}
