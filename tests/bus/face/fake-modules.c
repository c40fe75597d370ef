/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Stand in for src/journal, src/collect and src/sync when linked: see fake-modules.h.
 */
#include <assert.h>
#include "fake-journal.h"
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

const char *journal_installation(const Journal *journal) {
        return "0b5e7c6e-8f5c-4d64-9d0c-3f6a3f0e9d11";
}

const JournalCounters *journal_counters(const Journal *journal) {
        return &((const FakeStock *)fake_journal_stock(journal))->counters;
}

int journal_summary(Journal *journal, const char *subject, JournalSummaryDone done, void *userdata) {
        FakeStock *stock = fake_journal_stock(journal);

        assert(!stock->summary_done);
        stock->summary_done = done;
        stock->summary_userdata = userdata;

        return 0;
}

int journal_list_erasures(Journal *journal, JournalErasuresDone done, void *userdata) {
        FakeStock *stock = fake_journal_stock(journal);

        if (stock->n_waiting == FAKE_ERASURES_MAX)
                return JOURNAL_E_FULL;
        stock->erasures_done[stock->n_waiting] = done;
        stock->erasures_userdata[stock->n_waiting++] = userdata;

        return 0;
}

void fake_modules_turn(FakeStock *stock) {
        JournalSummaryDone summary_done = stock->summary_done;
        FakeStock before = *stock;

        stock->summary_done = NULL;
        stock->n_waiting = 0;
        if (summary_done)
                summary_done(stock->read_result, stock->summary, before.summary_userdata);
        for (size_t i = 0; i < before.n_waiting; i++)
                before.erasures_done[i](stock->read_result, before.erasures, before.n_erasures,
                                        before.erasures_userdata[i]);
}
