/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Time, gate and store of the outbox's tests, and the world that holds them together.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "fakes.h"
#include "trailkeep/log.h"
#include "trailkeep/loop.h"

World *world;

/* Timers */

struct Timer {
        TimerCallback callback;
        void *userdata;
        uint64_t at_usec; /* USEC_INFINITY: not armed */
};

static Timer *the_timer;

int timer_new(sd_event *event, TimerCallback callback, void *userdata, Timer **ret) {
        assert_null(the_timer);
        the_timer = calloc(1, sizeof(*the_timer));
        assert_non_null(the_timer);
        *the_timer = (Timer){ .callback = callback, .userdata = userdata, .at_usec = USEC_INFINITY };
        *ret = the_timer;
        return 0;
}

int timer_arm_in(Timer *timer, uint64_t delay_usec, uint64_t accuracy_usec) {
        timer->at_usec = world->now_usec + delay_usec;
        return 0;
}

void timer_disarm(Timer *timer) {
        timer->at_usec = USEC_INFINITY;
}

Timer *timer_free(Timer *timer) {
        assert_ptr_equal(timer, the_timer);
        the_timer = NULL;
        free(timer);
        return NULL;
}

bool timer_armed_for(uint64_t *ret_delay_usec) {
        if (!the_timer || the_timer->at_usec == USEC_INFINITY)
                return false;
        *ret_delay_usec = the_timer->at_usec - world->now_usec;
        return true;
}

void time_move(World *w, uint64_t usec) {
        uint64_t until_usec = w->now_usec + usec;

        for (unsigned i = 0; the_timer && the_timer->at_usec <= until_usec; i++) {
                assert_true(i < 10000); /* it spins */
                w->now_usec = MAX(w->now_usec, the_timer->at_usec);
                the_timer->at_usec = USEC_INFINITY;
                the_timer->callback(the_timer->userdata);
        }
        w->now_usec = until_usec;
}

/* Gate */

bool gate_allows(const Gate *gate, Purpose purpose) {
        return gate->allows[purpose];
}

/* Store */

bool store_is_asked(const Store *store) {
        return store->slot;
}

static StoreSlot *store_begin(Store *store, const char *name, StoreDone done, void *userdata) {
        assert_null(store->slot); /* one thing at a time */
        store->slot = calloc(1, sizeof(*store->slot));
        assert_non_null(store->slot);
        *store->slot = (StoreSlot){ .store = store, .done = done, .userdata = userdata };
        snprintf(store->slot->name, sizeof(store->slot->name), "%s", name);
        snprintf(store->last_name, sizeof(store->last_name), "%s", name);
        return store->slot;
}

int store_put(Store *store, const JournalBatch *batch, StoreDone done, void *userdata, StoreSlot **ret) {
        if (store->fail_calls < 0)
                return store->fail_calls;
        assert_true(world->gate.allows[batch->purpose]); /* whatever happens, nothing goes out without consent */
        assert_non_null(journal_find_name(store->journal, batch->object_name)); /* its intent is written */
        store->n_puts++;
        *ret = store_begin(store, batch->object_name, done, userdata);
        memcpy(store->slot->ids, batch->ids, batch->n_records * sizeof(*batch->ids));
        store->slot->n_ids = batch->n_records;
        return 0;
}

int store_delete(Store *store, const char *name, StoreDone done, void *userdata, StoreSlot **ret) {
        if (store->fail_calls < 0)
                return store->fail_calls;
        store->n_deletes++;
        *ret = store_begin(store, name, done, userdata);
        store->slot->is_deletion = true;
        return 0;
}

int store_ask_time(Store *store, StoreDone done, void *userdata, StoreSlot **ret) {
        if (store->fail_calls < 0)
                return store->fail_calls;
        store->n_asks++;
        *ret = store_begin(store, "", done, userdata);
        store->slot->is_question = true;
        return 0;
}

StoreSlot *store_slot_free(StoreSlot *slot) {
        if (!slot)
                return NULL;
        if (slot->store) {
                slot->store->slot = NULL;
                slot->store->n_cancelled++;
        }
        free(slot);
        return NULL;
}

static void store_finish(Store *store, const StoreAnswer *answer, bool has_effect) {
        StoreSlot *slot = store->slot;
        FakeObject *object;

        assert_non_null(slot);
        store->slot = NULL;
        slot->store = NULL; /* freeing it is no cancellation any more */
        object = slot->is_question ? NULL : journal_find_name(store->journal, slot->name);
        assert_true(object || slot->is_question);
        if (object && has_effect)
                object->is_in_store = !slot->is_deletion;
        slot->done(answer, slot->userdata);
}

void store_answer_after(Store *store, StoreOutcome outcome, uint64_t retry_after_usec) {
        static const char *const texts[STORE_OUTCOME_MAX] = {
                "done", "the network", "the store", "too large", "rejected",
        };
        char text[32]; /* gone when the callback has returned */
        StoreAnswer answer = { .outcome = outcome, .retry_after_usec = retry_after_usec, .message = text,
                               .is_answered = outcome != STORE_RETRY };

        snprintf(text, sizeof(text), "%s", texts[outcome]);
        store_finish(store, &answer, outcome == STORE_DONE);
}

void store_answer(Store *store, StoreOutcome outcome) {
        store_answer_after(store, outcome, 0);
}

void store_answer_doubtful(Store *store, bool has_effect) {
        StoreAnswer answer = { .outcome = STORE_RETRY, .is_doubtful = true, .message = "broke" };

        store_finish(store, &answer, has_effect);
}

void store_answer_by_content(Store *store) {
        const Journal *journal = store->journal;
        unsigned n_bad = 0, n_large = 0;

        for (size_t i = 0; i < store->slot->n_ids; i++)
                for (size_t k = 0; k < journal->n_records; k++)
                        if (journal->records[k].id == store->slot->ids[i]) {
                                n_bad += journal->records[k].is_bad;
                                n_large += journal->records[k].is_large;
                        }
        if (n_large > 1)
                store_answer(store, STORE_TOO_LARGE);
        else
                store_answer(store, n_bad > 0 ? STORE_REJECTED : STORE_DONE);
}

/* World */

static uint64_t world_now_usec(void *userdata) {
        return ((World *)userdata)->now_usec;
}

static void world_on_change(void *userdata) {
        ((World *)userdata)->n_changes++;
}

static void world_on_settled(void *userdata) {
        ((World *)userdata)->n_settled++;
}

void world_begin(World *w) {
        log_set_level(LOG_LEVEL_ERROR); /* what is tested here are troubles */
        memset(w, 0, sizeof(*w));
        world = w;
        w->now_usec = 1000 * USEC_PER_SEC;
        w->clock = (Clock){ .boottime_usec = world_now_usec, .realtime_usec = world_now_usec, .userdata = w };
        w->journal.answers_end = &w->journal.answers;
        w->store.journal = &w->journal;
        w->options = (OutboxOptions){
                .clock = &w->clock,
                .journal = &w->journal,
                .gate = &w->gate,
                .store = &w->store,
                .send_interval_usec = 60 * USEC_PER_SEC,
                .object_max = { .records_max = 8, .bytes_max = 65536 },
        };
        for (unsigned i = 0; i < PURPOSE_MAX; i++)
                w->gate.allows[i] = true;
}

void world_open(World *w) {
        OutboxObserver observer = { .changed = world_on_change, .settled = world_on_settled, .userdata = w };

        assert_int_equal(outbox_new(NULL, &w->options, &w->outbox), 0);
        outbox_observe(w->outbox, &observer);
}

void world_end(World *w) {
        w->outbox = outbox_free(w->outbox);
        journal_answer_all(&w->journal); /* late, to nobody */
        assert_null(w->store.slot);
        assert_null(the_timer);
}

void settle(World *w) {
        for (unsigned i = 0; i < 10000; i++) {
                if (journal_answer_one(&w->journal))
                        continue;
                if (!store_is_asked(&w->store))
                        return;
                store_answer_by_content(&w->store);
        }
        fail_msg("it never ends");
}
