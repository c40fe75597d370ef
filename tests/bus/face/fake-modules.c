/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Stand in for src/collect and src/sync when linked: see fake-modules.h.
 */
#include <assert.h>
#include "fake-modules.h"

GnssState gnss_state(const Gnss *gnss) {
        return gnss->state;
}

const char *gnss_state_to_string(GnssState state) {
        return state == GNSS_STATE_FIXING ? "fixing" : "stopped";
}

const Fix *gnss_last_fix(const Gnss *gnss) {
        return gnss->has_fix ? &gnss->fix : NULL;
}

const char *gnss_last_error(const Gnss *gnss) {
        return gnss->error;
}

uint64_t gnss_n_dropped(const Gnss *gnss) {
        return 12;
}

OutboxState outbox_state(const Outbox *outbox) {
        return outbox->state;
}

const char *outbox_state_to_string(OutboxState state) {
        return state == OUTBOX_STATE_OFF ? "off" : state == OUTBOX_STATE_HELD ? "held" : "idle";
}

const char *outbox_last_error(const Outbox *outbox) {
        return outbox->error;
}

int outbox_flush(Outbox *outbox, OutboxFlushDone done, void *userdata) {
        assert(!outbox->done);
        outbox->done = done;
        outbox->userdata = userdata;

        return 0;
}

void fake_outbox_complete(Outbox *outbox, int r) {
        OutboxFlushDone done = outbox->done;

        outbox->done = NULL;
        done(r, outbox->userdata);
}
