/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the face reads from a journal, and the scripted journal below it: see fake-modules.h.
 */
#include <assert.h>
#include "face.h"
#include "fake-journal.h"
#include "fake-modules.h"

const char *journal_installation(const Journal *journal) {
        return "0b5e7c6e-8f5c-4d64-9d0c-3f6a3f0e9d11";
}

const JournalCounters *journal_counters(const Journal *journal) {
        return &((const FakeStock *)fake_journal_stock(journal))->counters;
}

const char *journal_media_trouble(const Journal *journal) {
        return ((const FakeStock *)fake_journal_stock(journal))->media_trouble;
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

static void answer_readers(FakeStock *stock) {
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

/* A decision that is written is in the stock of erasures, too, as in the real journal. */
static void complete_decisions(Face *face) {
        while (face->is_completing && fake_journal_n_waiting(face->journal) > 0) {
                bool is_new = face->stock.n_erasures < fake_journal_n_erasures(face->journal);

                if (face->result == 0 && is_new && face->stock.n_erasures < FAKE_ERASURES_MAX)
                        face->stock.erasures[face->stock.n_erasures++] = (JournalErasureState){
                                .request = 7,
                                .parcels = 2,
                                .records = 300,
                                .objects_doomed = 1,
                                .since_ms = INT64_MIN,
                                .until_ms = INT64_MIN,
                                .purposes = fake_journal_last_erasure(face->journal).purposes,
                        };
                fake_journal_complete(face->journal, face->result);
        }
}

void below_open(Face *face) {
        face->journal = fake_journal_new();
        fake_journal_set_stock(face->journal, &face->stock);
}

void below_turn(Face *face) {
        complete_decisions(face);
        answer_readers(&face->stock);
}

void below_close(Face *face) {
        answer_readers(&face->stock);
        fake_journal_delete(face->journal);
}
