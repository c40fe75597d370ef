/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The outbox: sending now. Floor 4.
 *
 * A flush commits what was recorded so far, makes every lane and the deletions due, and waits for each to get through
 * once, or to fail. What is recorded after it began is not waited for. A lane that the gate does not allow is through:
 * nothing of it may be sent.
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

/* Whether or not the commit went well: what is durable is to be sent. */
static void flush_on_committed(int r, void *userdata) {
        Flush *flush = userdata;
        Outbox *outbox = flush->outbox;

        flush->is_committing = false;
        if (!outbox) {
                free(flush);
                return;
        }

        flush->has_failed = r != 0;
        for (unsigned i = 0; i < LANE_MAX; i++)
                outbox_lane_begin(outbox, (Lane)i);
        outbox->has_doomed = true;
        outbox->uploads.not_before_usec = outbox->deletions.not_before_usec = 0;
        outbox_proceed(outbox);
}

/**
 * outbox_flush() - send now
 * @outbox:   the outbox
 * @done:     called once on the loop; must not free the outbox
 * @userdata: for @done. 0: nothing is left of what was recorded and may be sent, and nothing to be deleted; -EAGAIN:
 * some
 *            of it failed and is tried again later, outbox_last_error() says why; -ECANCELED: outbox_free()
 *
 * Return: 0, -EOPNOTSUPP without a store, or -errno; @done is then not called.
 */
int outbox_flush(Outbox *outbox, OutboxFlushDone done, void *userdata) {
        Flush *flush;
        int r;

        if (!outbox->store)
                return -EOPNOTSUPP;
        flush = calloc(1, sizeof(*flush));
        if (!flush)
                return -ENOMEM;
        *flush = (Flush){
                .outbox = outbox,
                .next = outbox->flushes,
                .done = done,
                .userdata = userdata,
                .parts = FLUSH_LANES | FLUSH_DELETIONS,
                .is_committing = true,
        };
        outbox->flushes = flush;

        r = journal_commit(outbox->journal, flush_on_committed, flush);
        if (r == 0)
                return 0;
        outbox->flushes = flush->next;
        free(flush);
        return r < 0 ? r : -EAGAIN;
}
