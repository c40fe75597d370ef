/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fixture.h"
#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>
#include "trailkeep/file.h"
#include "trailkeep/keyring.h"

#define WAIT_USEC (20 * USEC_PER_SEC)

static uint64_t fake_boottime(void *userdata) {
        return ((Fixture *)userdata)->boottime_usec;
}

static uint64_t fake_realtime(void *userdata) {
        return ((Fixture *)userdata)->realtime_usec;
}

int fixture_setup(void **state) {
        Fixture *f = calloc(1, sizeof(*f));

        *state = f;
        assert_non_null(f);
        (void)snprintf(f->root, sizeof(f->root), "/tmp/trailkeep-journal-XXXXXX");
        assert_non_null(mkdtemp(f->root));
        (void)snprintf(f->dir, sizeof(f->dir), "%s/state", f->root);
        (void)snprintf(f->secret, sizeof(f->secret), "%s/secret", f->root);
        assert_int_equal(keyring_make_root(f->secret), 0);
        f->boottime_usec = START_BOOTTIME_USEC;
        f->realtime_usec = START_REALTIME_MS * USEC_PER_MSEC;
        f->clock = (Clock){ .boottime_usec = fake_boottime, .realtime_usec = fake_realtime, .userdata = f };
        assert_int_equal(sd_event_new(&f->event), 0);
        f->options = (JournalOptions){
                .state_dir = f->dir,
                .root_secret_file = f->secret,
                .commit_interval_usec = USEC_PER_SEC,
                .alarm_retention_usec = 90 * USEC_PER_DAY,
        };
        for (size_t i = 0; i < PURPOSE_MAX; i++)
                f->options.retention_usec[i] = 30 * USEC_PER_DAY;
        return 0;
}

static void remove_files(const char *dir) {
        DIR *d = opendir(dir);
        const struct dirent *entry;

        while (d && (entry = readdir(d))) {
                _cleanup_free_ char *path = path_join(dir, entry->d_name);

                if (entry->d_name[0] != '.' && unlink(path) < 0)
                        remove_files(path); /* a folder */
        }
        if (d)
                (void)closedir(d);
        (void)rmdir(dir);
}

int fixture_teardown(void **state) {
        Fixture *f = *state;

        fixture_close(f);
        sd_event_unref(f->event);
        remove_files(f->dir);
        remove_files(f->root);
        free(f);
        return 0;
}

static void on_committed(Lane lane, void *userdata) {
        ((Fixture *)userdata)->n_committed[lane]++;
}

static void on_failed(const char *message, void *userdata) {
        assert_true(strlen(message) > 0);
        ((Fixture *)userdata)->n_failed++;
}

static void on_media(JournalMediaState media_state, const char *sentence, void *userdata) {
        Fixture *f = userdata;

        assert_int_equal(media_state == JOURNAL_MEDIA_OK, sentence[0] == 0);
        f->media_state = media_state;
        f->n_media++;
}

static void on_recovered(void *userdata) {
        ((Fixture *)userdata)->n_recovered++;
}

static void on_doomed(void *userdata) {
        ((Fixture *)userdata)->n_doomed++;
}

static void on_damaged(const JournalDamage *damage, void *userdata) {
        ((Fixture *)userdata)->n_damaged++;
}

int fixture_open(Fixture *f) {
        const JournalObserver observer = { .committed = on_committed, .failed = on_failed, .recovered = on_recovered,
                                           .media = on_media,
                                           .doomed = on_doomed, .damaged = on_damaged, .userdata = f };
        int r;

        r = journal_new(f->event, &f->clock, &f->options, &f->journal, &f->error);
        if (r == 0)
                journal_observe(f->journal, &observer);
        return r;
}

void fixture_close(Fixture *f) {
        f->journal = journal_free(f->journal);
}

void fixture_reopen(Fixture *f) {
        fixture_close(f);
        assert_int_equal(fixture_open(f), 0);
}

void fixture_advance(Fixture *f, uint64_t usec) {
        f->boottime_usec += usec;
        f->realtime_usec += usec;
}

void fixture_turn(Fixture *f) {
        assert_true(sd_event_run(f->event, WAIT_USEC) > 0);
}

char *fixture_path(Fixture *f, const char *name) {
        char *path = path_join(f->dir, name);

        assert_non_null(path);
        return path;
}

/* What an answer brought. */
typedef struct Answer {
        bool is_there;
        int r;
        uint64_t object;
        JournalBatch *batch;
        JournalReceipt receipt;
        JournalPurposeSummary *summary;
        JournalErasureState *states;
        uint64_t *objects;
        char (*names)[80];
        Bytes *text;
        size_t n;
} Answer;

static void wait_for(Fixture *f, Answer *answer) {
        while (!answer->is_there)
                fixture_turn(f);
}

/* @r: whether it could be asked at all. */
static void ask(Fixture *f, Answer *answer, int r) {
        answer->r = r;
        if (r == 0)
                wait_for(f, answer);
}

static void on_done(int r, void *userdata) {
        Answer *answer = userdata;

        answer->is_there = true;
        answer->r = r;
}

int append_record(Fixture *f, RecordKind kind, const char *subject, int64_t time_ms) {
        _cleanup_(record_freep) Record *record = NULL;
        char payload[160];

        (void)snprintf(payload, sizeof(payload),
                       "{\"type\":\"Feature\",\"geometry\":{\"type\":\"Point\",\"coordinates\":[13.37770100,52."
                       "51627500]},"
                       "\"time\":%lld}",
                       (long long)time_ms);
        assert_int_equal(record_new(kind, subject, "gnss", time_ms, payload, &record), 0);
        return journal_append(f->journal, record);
}

Record *media_record(RecordKind kind, const char *clip, int64_t time_ms, const void *data, size_t size) {
        _cleanup_bytes_ Bytes bytes = { 0 };
        Record *record = NULL;

        assert_int_equal(bytes_append(&bytes, data, size), 0);
        assert_int_equal(record_new(kind, SUBJECT_A, "front", time_ms, "{\"duration\":1000,\"key\":true}", &record), 0);
        assert_int_equal(record_set_media(record, clip, &bytes), 0);
        return record;
}

int append_media(Fixture *f, RecordKind kind, const char *clip, const void *data, size_t size) {
        _cleanup_(record_freep) Record *record = media_record(kind, clip, (int64_t)(f->realtime_usec / USEC_PER_MSEC),
                                                              data, size);

        return journal_append(f->journal, record);
}

int commit(Fixture *f) {
        Answer answer = { 0 };

        ask(f, &answer, journal_commit(f->journal, on_done, &answer));
        return answer.r;
}

void append(Fixture *f, size_t n) {
        for (size_t i = 0; i < n; i++) {
                assert_int_equal(append_record(f, RECORD_FIX, SUBJECT_A, (int64_t)(f->realtime_usec / USEC_PER_MSEC)),
                                 0);
                fixture_advance(f, USEC_PER_SEC);
        }
        assert_int_equal(commit(f), 0);
}

static void on_batch(int r, JournalBatch *batch, void *userdata) {
        Answer *answer = userdata;

        on_done(r, answer);
        answer->batch = batch;
}

int try_read_batch(Fixture *f, Lane lane, size_t records_max, JournalBatch **ret) {
        const JournalBatchLimits limits = { .records_max = records_max, .bytes_max = 8 << 20 };
        Answer answer = { 0 };

        ask(f, &answer, journal_read_batch(f->journal, lane, &limits, on_batch, &answer));
        *ret = answer.batch;
        return answer.r;
}

JournalBatch *read_batch(Fixture *f, Lane lane, size_t records_max) {
        JournalBatch *batch = NULL;

        assert_int_equal(try_read_batch(f, lane, records_max, &batch), 0);
        return batch;
}

static void on_object(int r, uint64_t object, void *userdata) {
        Answer *answer = userdata;

        on_done(r, answer);
        answer->object = object;
}

int put_intent(Fixture *f, Lane lane, uint64_t first, uint64_t last, const char *name, uint64_t *ret) {
        const JournalBatch batch = { .lane = lane, .first = first, .last = last, .object_name = (char *)name };
        Answer answer = { 0 };

        ask(f, &answer, journal_put_intent(f->journal, &batch, on_object, &answer));
        *ret = answer.object;
        return answer.r;
}

int ack(Fixture *f, uint64_t object) {
        Answer answer = { 0 };

        ask(f, &answer, journal_ack_object(f->journal, object, on_done, &answer));
        return answer.r;
}

int split(Fixture *f, uint64_t object, const char *a, const char *b) {
        Answer answer = { 0 };

        ask(f, &answer, journal_split_object(f->journal, object, a, b, on_done, &answer));
        return answer.r;
}

int park(Fixture *f, uint64_t object) {
        Answer answer = { 0 };

        ask(f, &answer, journal_park_object(f->journal, object, "422", on_done, &answer));
        return answer.r;
}

uint64_t send_batch(Fixture *f, Lane lane, size_t records_max) {
        _cleanup_(journal_batch_freep) JournalBatch *batch = read_batch(f, lane, records_max);
        uint64_t object;
        char name[80];

        if (!batch)
                return 0;
        object = batch->object;
        (void)snprintf(name, sizeof(name), "tracks/%llx", (unsigned long long)batch->first);
        if (object == 0)
                assert_int_equal(put_intent(f, lane, batch->first, batch->last, name, &object), 0);
        assert_int_equal(ack(f, object), 0);
        return batch->n_records;
}

void send_all(Fixture *f, Lane lane) {
        while (send_batch(f, lane, 500) > 0)
                ;
}

static void on_erased(int r, const JournalReceipt *receipt, void *userdata) {
        Answer *answer = userdata;

        on_done(r, answer);
        if (receipt)
                answer->receipt = *receipt;
}

int erase(Fixture *f, const JournalErasure *erasure, JournalReceipt *ret) {
        Answer answer = { 0 };

        ask(f, &answer, journal_erase(f->journal, erasure, on_erased, &answer));
        *ret = answer.receipt;
        return answer.r;
}

static void on_doomed_list(int r, const JournalDoomed *doomed, size_t n_doomed, void *userdata) {
        Answer *answer = userdata;

        on_done(r, answer);
        answer->n = n_doomed;
        for (size_t i = 0; i < n_doomed; i++) {
                answer->objects[i] = doomed[i].object;
                (void)snprintf(answer->names[i], sizeof(answer->names[i]), "%s", doomed[i].name);
        }
}

int try_list_doomed(Fixture *f, uint64_t objects[static 64], char names[static 64][80], size_t *ret) {
        Answer answer = { .objects = objects, .names = names };

        ask(f, &answer, journal_list_doomed(f->journal, 64, on_doomed_list, &answer));
        *ret = answer.n;
        return answer.r;
}

size_t list_doomed(Fixture *f, uint64_t objects[static 64], char names[static 64][80]) {
        size_t n;

        assert_int_equal(try_list_doomed(f, objects, names, &n), 0);
        return n;
}

int object_deleted(Fixture *f, uint64_t object) {
        Answer answer = { 0 };

        ask(f, &answer, journal_object_deleted(f->journal, object, on_done, &answer));
        return answer.r;
}

static void on_erasures(int r, const JournalErasureState *states, size_t n_states, void *userdata) {
        Answer *answer = userdata;

        on_done(r, answer);
        answer->n = MIN(n_states, (size_t)16);
        if (answer->n > 0)
                memcpy(answer->states, states, answer->n * sizeof(*states));
}

size_t list_erasures(Fixture *f, JournalErasureState states[static 16]) {
        Answer answer = { .states = states };

        ask(f, &answer, journal_list_erasures(f->journal, on_erasures, &answer));
        assert_int_equal(answer.r, 0);
        return answer.n;
}

static void on_summary(int r, const JournalPurposeSummary sums[static PURPOSE_MAX], void *userdata) {
        Answer *answer = userdata;

        on_done(r, answer);
        memcpy(answer->summary, sums, PURPOSE_MAX * sizeof(*sums));
}

void summary(Fixture *f, const char *subject, JournalPurposeSummary sums[static PURPOSE_MAX]) {
        Answer answer = { .summary = sums };

        ask(f, &answer, journal_summary(f->journal, subject, on_summary, &answer));
        assert_int_equal(answer.r, 0);
}

int ledger_append_entry(Fixture *f, const char *body) {
        Answer answer = { 0 };

        ask(f, &answer, journal_ledger_append(f->journal, body, on_done, &answer));
        return answer.r;
}

int rotate(Fixture *f, const char *body) {
        Answer answer = { 0 };

        ask(f, &answer, journal_rotate(f->journal, body, on_done, &answer));
        return answer.r;
}

static void on_evidence(int r, const char *key, void *userdata) {
        Answer *answer = userdata;

        on_done(r, answer);
        if (key)
                assert_int_equal(bytes_append_string(answer->text, key), 0);
}

int start_evidence(Fixture *f, Bytes *ret_key) {
        Answer answer = { .text = ret_key };

        ask(f, &answer, journal_start_evidence(f->journal, "{}", on_evidence, &answer));
        return answer.r;
}

const JournalLaneCounters *lane_counters(Fixture *f, Lane lane) {
        return &journal_counters(f->journal)->lanes[lane];
}

void check_counters(Fixture *f) {
        for (unsigned lane = 0; lane < LANE_MAX; lane++) {
                const JournalLaneCounters *c = lane_counters(f, (Lane)lane);

                assert_int_equal(c->recorded, c->pending + c->stored + c->parked + c->expired + c->evicted +
                                                      c->erased);
        }
}

void wait_reclaimed(Fixture *f) {
        JournalErasureState states[16];

        for (;;) {
                size_t n = list_erasures(f, states);

                if (n == 0 || states[n - 1].is_reclaimed)
                        return;
        }
}
