/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Killed at any moment. A child records, sends and now and then erases, and notes in shared memory what the journal
 * reported as done; the parent kills it after a random time and starts the next one on the same folder. What lies in
 * the "store" at the end must hold each durable record once and none that was erased before it was sent.
 */
#include "fixture.h"
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define STORE_MAX 200000
#define SEQ_MAX 100000
#define LIFE_MS 20
#define LIFE_MAX_MS 10000

typedef struct StoredRecord {
        uint64_t id;
        uint32_t seq, name;
} StoredRecord;

/* Written by the child, read by the parent. */
typedef struct Shared {
        uint32_t n_appended;           /* records handed to the journal, numbered from 1 */
        uint32_t n_durable;            /* of them reported as durable */
        uint32_t n_names;
        uint32_t n_erased;             /* all of subject B up to this number were reported as erased */
        uint32_t n_stored;
        uint8_t is_durable[SEQ_MAX + 1];
        StoredRecord stored[STORE_MAX]; /* in the order of the PUTs, repeated ones as well */
} Shared;

static Shared *shared;

static bool is_of_b(uint32_t seq) {
        return seq % 4 == 0;
}

static void append_numbered(Fixture *f, uint32_t seq) {
        _cleanup_(record_freep) Record *record = NULL;
        char payload[64];

        (void)snprintf(payload, sizeof(payload), "{\"seq\":%u}", seq);
        assert_int_equal(record_new(RECORD_FIX, is_of_b(seq) ? SUBJECT_B : SUBJECT_A, "gnss", START_REALTIME_MS,
                                    payload, &record),
                         0);
        assert_int_equal(journal_append(f->journal, record), 0);
}

/* A PUT: the records of the batch lie in the store under that name. */
static void store_batch(const JournalBatch *batch, uint32_t name) {
        for (size_t i = 0; i < batch->n_records; i++) {
                unsigned seq = 0;

                assert_int_equal(sscanf(batch->records[i]->payload, "{\"seq\":%u}", &seq), 1);
                assert_true(shared->n_stored < STORE_MAX);
                shared->stored[shared->n_stored] = (StoredRecord){ .id = batch->ids[i], .seq = seq, .name = name };
                shared->n_stored++;
        }
}

static bool send_one(Fixture *f) {
        _cleanup_(journal_batch_freep) JournalBatch *batch = read_batch(f, LANE_TRACK, 7);
        unsigned name = 0;
        uint64_t object;
        char text[32];

        if (!batch)
                return false;
        object = batch->object;
        if (object > 0)
                assert_int_equal(sscanf(batch->object_name, "%u", &name), 1);
        else {
                name = ++shared->n_names;
                (void)snprintf(text, sizeof(text), "%u", name);
                assert_int_equal(put_intent(f, LANE_TRACK, batch->first, batch->last, text, &object), 0);
        }
        store_batch(batch, name);
        assert_int_equal(ack(f, object), 0);
        return true;
}

static void erase_b(Fixture *f) {
        const JournalErasure of_b = { .purposes = ALL_PURPOSES, .subject = SUBJECT_B, .since_ms = TIME_MS_NONE,
                                      .until_ms = TIME_MS_NONE };
        uint32_t n = shared->n_appended;
        JournalReceipt receipt;

        assert_int_equal(erase(f, &of_b, &receipt), 0);
        shared->n_erased = n;
}

/* Until it is killed. */
static void child(const Fixture *parent, unsigned seed) {
        Fixture *f = (Fixture *)parent;

        srand(seed);
        assert_int_equal(sd_event_new(&f->event), 0);
        f->clock = clock_system;
        assert_int_equal(fixture_open(f), 0);
        check_counters(f);
        for (;;) {
                uint32_t first = shared->n_appended + 1;

                for (int i = rand() % 20; i >= 0 && shared->n_appended < SEQ_MAX; i--)
                        append_numbered(f, ++shared->n_appended);
                assert_int_equal(commit(f), 0);
                for (uint32_t seq = first; seq <= shared->n_appended; seq++, shared->n_durable++)
                        shared->is_durable[seq] = 1;
                for (int i = rand() % 3; i > 0; i--)
                        (void)send_one(f);
                if (rand() % 10 == 0)
                        erase_b(f);
                check_counters(f);
        }
}

static void kill_one(Fixture *f, unsigned seed, int life_ms) {
        int ms = 1 + rand() % life_ms, status;
        struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };
        pid_t pid;

        (void)fflush(NULL);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                child(f, seed);
                _exit(1);
        }
        /* Not waiting for anything: this is the random moment. */
        (void)pselect(0, NULL, NULL, NULL, &time, NULL);
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status)); /* it did not fail before */
        assert_int_equal(WTERMSIG(status), SIGKILL);
}

static int by_id(const void *a, const void *b) {
        const StoredRecord *x = a, *y = b;

        return x->id < y->id ? -1 : x->id > y->id;
}

/* No id under two names or for two records. */
static void check_ids(void) {
        qsort(shared->stored, shared->n_stored, sizeof(StoredRecord), by_id);
        for (uint32_t i = 1; i < shared->n_stored; i++) {
                const StoredRecord *a = &shared->stored[i - 1], *b = &shared->stored[i];

                if (a->id != b->id)
                        continue;
                assert_int_equal(a->name, b->name);
                assert_int_equal(a->seq, b->seq);
        }
}

static void check_nothing_lost(uint8_t *n_ids) {
        for (uint32_t i = 0; i < shared->n_stored; i++)
                if (i == 0 || shared->stored[i].id != shared->stored[i - 1].id)
                        n_ids[shared->stored[i].seq]++;
        for (uint32_t seq = 1; seq <= SEQ_MAX; seq++) {
                assert_true(n_ids[seq] <= 1);
                if (shared->is_durable[seq] && !is_of_b(seq))
                        assert_int_equal(n_ids[seq], 1);
        }
}

static unsigned rounds(void) {
        const char *text = getenv("TRAILKEEP_FAULT_ROUNDS");
        uint64_t n = 1000;

        if (text)
                assert_int_equal(parse_u64(text, 1, 100000, &n), 0);
        return (unsigned)n;
}

static void test_nothing_durable_is_lost_or_doubled(void **state) {
        _cleanup_free_ uint8_t *n_ids = calloc(SEQ_MAX + 1, 1);
        Fixture *f = *state;
        uint32_t n_stored;
        int life_ms = LIFE_MS;

        assert_non_null(n_ids);
        srand(20261123);
        for (unsigned i = rounds(); i > 0 && shared->n_appended < SEQ_MAX; i--) {
                uint32_t n_durable = shared->n_durable;

                kill_one(f, (unsigned)rand(), life_ms);
                assert_true(shared->n_durable >= n_durable);
                /* On a slow machine nobody gets anywhere in so short a life. */
                life_ms = shared->n_durable > n_durable ? LIFE_MS : MIN(2 * life_ms, LIFE_MAX_MS);
        }
        assert_true(shared->n_durable > 0); /* they got somewhere, however slow the machine */
        f->clock = clock_system;
        assert_int_equal(fixture_open(f), 0);
        check_counters(f);
        n_stored = shared->n_stored;
        while (send_one(f))
                ;
        for (uint32_t i = n_stored; i < shared->n_stored; i++)
                assert_false(is_of_b(shared->stored[i].seq) && shared->stored[i].seq <= shared->n_erased);
        print_message("# %u records, %u durable, %u names, %u of B erased\n", shared->n_appended, shared->n_durable,
                      shared->n_names, shared->n_erased);
        assert_int_equal(lane_counters(f, LANE_TRACK)->pending, 0);
        assert_true(lane_counters(f, LANE_TRACK)->recorded >= shared->n_durable);
        check_counters(f);
        check_ids();
        check_nothing_lost(n_ids);
}

static int setup(void **state) {
        shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        return shared == MAP_FAILED ? -1 : fixture_setup(state);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_nothing_durable_is_lost_or_doubled, setup, fixture_teardown),
        };

        return cmocka_run_group_tests_name("fault journal kill", tests, NULL, NULL);
}
