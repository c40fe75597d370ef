/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Stands in for src/journal when linked: see fake-journal.h.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "fake-journal.h"

#define FAKE_MAX 128

typedef struct FakeRequest {
        char *body;
        JournalDone done;
        JournalEraseDone erase_done;
        JournalEvidenceDone evidence_done;
        void *userdata;
} FakeRequest;

struct Journal {
        FakeRequest waiting[FAKE_MAX];
        size_t n_waiting;
        char *ledger[FAKE_MAX];
        size_t n_entries;
        int refusal, replay_result;
        size_t n_records, n_erasures;
        JournalErasure erasure;
        char clip[RECORD_CLIP_MAX + 1];
        void *stock;
};

Journal *fake_journal_new(void) {
        Journal *journal = calloc(1, sizeof(*journal));

        assert(journal);
        return journal;
}

void fake_journal_delete(Journal *journal) {
        while (journal->n_waiting > 0)
                fake_journal_complete(journal, -1);
        for (size_t i = 0; i < journal->n_entries; i++)
                free(journal->ledger[i]);
        free(journal);
}

size_t fake_journal_n_waiting(const Journal *journal) {
        return journal->n_waiting;
}

void fake_journal_write(Journal *journal, const char *body) {
        assert(journal->n_entries < FAKE_MAX);
        journal->ledger[journal->n_entries++] = strdup(body);
}

void fake_journal_complete(Journal *journal, int r) {
        static const JournalReceipt receipt = { .request = 7, .parcels = 2, .records = 300, .objects_doomed = 1 };
        FakeRequest request = journal->waiting[0];

        assert(journal->n_waiting > 0);
        memmove(journal->waiting, journal->waiting + 1, --journal->n_waiting * sizeof(*journal->waiting));
        if (r == 0)
                fake_journal_write(journal, request.body);
        free(request.body);

        if (request.erase_done)
                request.erase_done(r, r == 0 ? &receipt : NULL, request.userdata);
        else if (request.evidence_done)
                request.evidence_done(r, r == 0 ? "the first key\n" : NULL, request.userdata);
        else
                request.done(r, request.userdata);
}

void fake_journal_refuse(Journal *journal, int r) {
        journal->refusal = r;
}

void fake_journal_set_replay_result(Journal *journal, int r) {
        journal->replay_result = r;
}

size_t fake_journal_n_entries(const Journal *journal) {
        return journal->n_entries;
}

const char *fake_journal_entry(const Journal *journal, size_t i) {
        assert(i < journal->n_entries);
        return journal->ledger[i];
}

void fake_journal_set_stock(Journal *journal, void *stock) {
        journal->stock = stock;
}

void *fake_journal_stock(const Journal *journal) {
        return journal->stock;
}

size_t fake_journal_n_records(const Journal *journal) {
        return journal->n_records;
}

size_t fake_journal_n_erasures(const Journal *journal) {
        return journal->n_erasures;
}

JournalErasure fake_journal_last_erasure(const Journal *journal) {
        return journal->erasure;
}

const char *fake_journal_last_clip(const Journal *journal) {
        return journal->clip;
}

static int fake_journal_take(Journal *journal, const FakeRequest *request, const char *body) {
        if (journal->refusal != 0)
                return journal->refusal;

        assert(journal->n_waiting < FAKE_MAX);
        journal->waiting[journal->n_waiting] = *request;
        journal->waiting[journal->n_waiting++].body = strdup(body);
        return 0;
}

int journal_append(Journal *journal, Record *record) {
        if (journal->refusal != 0)
                return journal->refusal;

        journal->n_records++;
        return 0;
}

int journal_ledger_append(Journal *journal, const char *body, JournalDone done, void *userdata) {
        return fake_journal_take(journal, &(FakeRequest){ .done = done, .userdata = userdata }, body);
}

int journal_rotate(Journal *journal, const char *body, JournalDone done, void *userdata) {
        return fake_journal_take(journal, &(FakeRequest){ .done = done, .userdata = userdata }, body);
}

int journal_acknowledge_damage(Journal *journal, JournalDone done, void *userdata) {
        return fake_journal_take(journal, &(FakeRequest){ .done = done, .userdata = userdata }, "");
}

int journal_start_evidence(Journal *journal, const char *body, JournalEvidenceDone done, void *userdata) {
        return fake_journal_take(journal, &(FakeRequest){ .evidence_done = done, .userdata = userdata }, body);
}

int journal_erase(Journal *journal, const JournalErasure *erasure, JournalEraseDone done, void *userdata) {
        journal->n_erasures++;
        journal->erasure = *erasure;
        journal->erasure.ledger_body = journal->erasure.subject = journal->erasure.clip = NULL;
        (void)snprintf(journal->clip, sizeof(journal->clip), "%s", erasure->clip ? erasure->clip : "");

        return fake_journal_take(journal, &(FakeRequest){ .erase_done = done, .userdata = userdata },
                                 erasure->ledger_body);
}

int journal_ledger_replay(Journal *journal, int (*entry)(uint64_t seq, const char *body, void *userdata),
                          void *userdata) {
        for (size_t i = 0; i < journal->n_entries; i++) {
                int r = entry(i + 1, journal->ledger[i], userdata);

                if (r < 0)
                        return r;
        }

        return journal->replay_result;
}
