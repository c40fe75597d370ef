/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What erasing one purpose takes, and whether it depends on how much there is.
 *
 *   bench-erase [FOLDER]     works in a new folder below FOLDER, /var/tmp unless given
 *
 * For a growing volume a journal is filled by the journal's own writer: fixes and diagnostics in equal number, one of
 * each a second of an injected clock, so that there are as many parcels as on a box, and video in clips of a minute, 1
 * MiB a second. Then the fixes are erased, and after them the video. "erase" is the time until the answer, that is until
 * the keys are destroyed on the medium, what it means for the rest is noted and nothing can be read any more, which is
 * looked at; "fsync" is 4096 bytes and an fdatasync in the same folder, just before. Deleting rows and files comes
 * afterwards, in slices: "reclaim" is how long that takes, "wait" how long a new record took to become durable meanwhile.
 *
 * TRAILKEEP_BENCH_RECORDS and TRAILKEEP_BENCH_MEDIA_MIB: how much at most, 400000 and 512 unless set. The others are a
 * quarter and a sixteenth of it.
 */
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "trailkeep/file.h"
#include "trailkeep/journal.h"
#include "trailkeep/keyring.h"
#include "trailkeep/parse.h"

#define PAYLOAD_BYTES 200
#define COMMIT_RECORDS 200
#define FRAGMENT_BYTES ((size_t)1 << 20)
#define CLIP_FRAGMENTS 60
#define SAMPLES_MAX 100000
#define FSYNCS 200

typedef struct Samples {
        uint32_t usec[SAMPLES_MAX];
        size_t n;
} Samples;

/* How much there is. */
typedef struct Volume {
        uint64_t n_records, n_fragments;
} Volume;

typedef struct Bench {
        char dir[256];
        char payload[PAYLOAD_BYTES + 1];
        uint64_t boottime_usec; /* of the injected clock */
        sd_event *event;
        Journal *journal;
        bool is_done, is_settled, has_batch;
        JournalReceipt receipt;
        Purpose purpose;       /* that is erased */
        uint64_t records_left; /* of it, as the summary has it */
        Samples fsync, wait;
} Bench;

static void must(bool ok, const char *what) {
        if (ok)
                return;
        fprintf(stderr, "bench-erase: %s failed\n", what);
        exit(1);
}

static uint64_t now_usec(void) {
        struct timespec now;

        must(clock_gettime(CLOCK_MONOTONIC, &now) == 0, "clock_gettime");
        return (uint64_t)now.tv_sec * USEC_PER_SEC + (uint64_t)now.tv_nsec / 1000;
}

static int by_value(const void *a, const void *b) {
        uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

        return x < y ? -1 : x > y;
}

static double percentile_ms(Samples *samples, unsigned percent) {
        if (samples->n == 0)
                return 0;
        qsort(samples->usec, samples->n, sizeof(samples->usec[0]), by_value);
        return (double)samples->usec[(samples->n - 1) * percent / 100] / 1000;
}

static void add_sample(Samples *samples, uint64_t since_usec) {
        if (samples->n < SAMPLES_MAX)
                samples->usec[samples->n++] = (uint32_t)(now_usec() - since_usec);
}

static uint64_t boottime(void *userdata) {
        return ((Bench *)userdata)->boottime_usec;
}

static uint64_t realtime(void *userdata) {
        return UINT64_C(1795000000) * USEC_PER_SEC + ((Bench *)userdata)->boottime_usec;
}

static void wait_for(Bench *bench, const bool *flag) {
        while (!*flag)
                must(sd_event_run(bench->event, UINT64_MAX) >= 0, "sd_event_run");
}

static void append(Bench *bench, RecordKind kind) {
        _cleanup_(record_freep) Record *record = NULL;
        int64_t time_ms = (int64_t)(realtime(bench) / USEC_PER_MSEC);

        must(record_new(kind, "subject", "source", time_ms, bench->payload, &record) == 0, "record_new");
        must(journal_append(bench->journal, record) == 0, "journal_append");
}

static void on_done(int r, void *userdata) {
        must(r == 0, "a commit");
        ((Bench *)userdata)->is_done = true;
}

static void commit(Bench *bench) {
        bench->is_done = false;
        must(journal_commit(bench->journal, on_done, bench) == 0, "journal_commit");
        wait_for(bench, &bench->is_done);
}

static void fill(Bench *bench, uint64_t n_records) {
        for (uint64_t n = 0; n < n_records; n += 2) {
                append(bench, RECORD_FIX);
                append(bench, RECORD_DIAGNOSTIC);
                bench->boottime_usec += USEC_PER_SEC;
                if ((n + 2) % COMMIT_RECORDS == 0 || n + 2 >= n_records)
                        commit(bench);
        }
}

static void fill_media(Bench *bench, uint64_t n_fragments) {
        _cleanup_free_ uint8_t *fragment = calloc(1, FRAGMENT_BYTES);

        must(fragment, "calloc");
        for (uint64_t n = 0; n < n_fragments; n++) {
                _cleanup_(record_freep) Record *record = NULL;
                _cleanup_bytes_ Bytes data = { 0 };
                int64_t time_ms = (int64_t)(realtime(bench) / USEC_PER_MSEC);
                char clip[32];

                (void)snprintf(clip, sizeof(clip), "%" PRIu64, n / CLIP_FRAGMENTS); /* always fits */
                must(record_new(RECORD_VIDEO, "subject", "camera", time_ms, "{}", &record) == 0, "record_new");
                must(bytes_append(&data, fragment, FRAGMENT_BYTES) == 0 && record_set_media(record, clip, &data) == 0,
                     "record_set_media");
                must(journal_append(bench->journal, record) == 0, "journal_append");
                bench->boottime_usec += USEC_PER_SEC;
                commit(bench);
        }
}

static void measure_fsync(Bench *bench) {
        static const char page[4096];
        _cleanup_free_ char *path = path_join(bench->dir, "page");
        _cleanup_close_ int fd = path ? open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) : -1;

        must(fd >= 0, "open");
        bench->fsync.n = 0;
        for (unsigned i = 0; i < FSYNCS; i++) {
                uint64_t since_usec = now_usec();

                must(pwrite(fd, page, sizeof(page), 0) == sizeof(page) && fdatasync(fd) == 0, "fdatasync");
                add_sample(&bench->fsync, since_usec);
        }
}

static void on_erased(int r, const JournalReceipt *receipt, void *userdata) {
        Bench *bench = userdata;

        must(r == 0, "journal_erase");
        bench->receipt = *receipt;
        bench->is_done = true;
}

static void on_summary(int r, const JournalPurposeSummary summary[static PURPOSE_MAX], void *userdata) {
        Bench *bench = userdata;

        must(r == 0, "journal_summary");
        bench->records_left = summary[bench->purpose].records;
        bench->is_done = true;
}

static void on_batch(int r, JournalBatch *batch, void *userdata) {
        Bench *bench = userdata;

        must(r == 0, "journal_read_batch");
        bench->has_batch = batch;
        journal_batch_free(batch);
        bench->is_done = true;
}

static void on_settled(void *userdata) {
        ((Bench *)userdata)->is_settled = true;
}

/* Asks as everybody else would: the sender for what comes next, the bus for what there is. */
static void must_be_unreadable(Bench *bench, Lane lane) {
        JournalBatchLimits limits = { .records_max = 10, .bytes_max = 10000 };

        bench->is_done = false;
        must(journal_read_batch(bench->journal, lane, &limits, on_batch, bench) == 0, "journal_read_batch");
        wait_for(bench, &bench->is_done);
        bench->is_done = false;
        must(journal_summary(bench->journal, "subject", on_summary, bench) == 0, "journal_summary");
        wait_for(bench, &bench->is_done);
        must(!bench->has_batch && bench->records_left == 0, "finding nothing that was erased");
}

/* Records of the other purpose go on being made durable, one at a time. */
static uint64_t reclaim(Bench *bench) {
        uint64_t begin_usec = now_usec();

        bench->wait.n = 0;
        while (!bench->is_settled) {
                uint64_t since_usec = now_usec();

                append(bench, RECORD_DIAGNOSTIC);
                commit(bench);
                add_sample(&bench->wait, since_usec);
        }
        return now_usec() - begin_usec;
}

static void erase(Bench *bench, const Volume *volume, RecordKind kind, uint64_t n_expected) {
        Purpose purpose = record_kind_purpose(kind);
        JournalErasure erasure = {
                .purposes = 1U << purpose,
                .since_ms = TIME_MS_NONE,
                .until_ms = TIME_MS_NONE,
                .ledger_body = "{}",
        };
        JournalObserver observer = { .settled = on_settled, .userdata = bench };
        uint64_t since_usec, erase_usec, reclaim_usec;

        bench->purpose = purpose;
        journal_observe(bench->journal, &observer);
        measure_fsync(bench);
        bench->is_done = bench->is_settled = false;
        since_usec = now_usec();
        must(journal_erase(bench->journal, &erasure, on_erased, bench) == 0, "journal_erase");
        wait_for(bench, &bench->is_done);
        erase_usec = now_usec() - since_usec;
        must(bench->receipt.records == n_expected, "erasing all of them");
        reclaim_usec = reclaim(bench);
        must_be_unreadable(bench, record_kind_lane(kind));
        printf("| %" PRIu64 " | %" PRIu64 " | %s | %" PRIu64 " | %.1f | %.2f | %.2f | %.0f | %.1f | %.1f |\n",
               volume->n_records, volume->n_fragments, purpose_to_string(purpose), bench->receipt.parcels, (double)erase_usec / 1000, percentile_ms(&bench->fsync, 50),
               percentile_ms(&bench->fsync, 99), (double)reclaim_usec / 1000, percentile_ms(&bench->wait, 50),
               percentile_ms(&bench->wait, 100));
        (void)fflush(stdout); /* a line that is late is no failure */
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw) {
        return remove(path);
}

static void measure(const char *below, const Volume *volume) {
        Bench *bench = calloc(1, sizeof(*bench));
        _cleanup_free_ char *state = NULL, *secret = NULL;
        JournalOptions options = { .commit_interval_usec = USEC_PER_HOUR };
        Clock clock = { boottime, realtime, bench };
        JournalError error;

        must(bench, "calloc");
        /* mkdtemp() refuses what was cut off. */
        (void)snprintf(bench->dir, sizeof(bench->dir), "%s/bench-erase-XXXXXX", below);
        must(mkdtemp(bench->dir), "mkdtemp");
        state = path_join(bench->dir, "state");
        secret = path_join(bench->dir, "secret");
        options.state_dir = state;
        options.root_secret_file = secret;
        memset(bench->payload, ' ', PAYLOAD_BYTES);
        bench->payload[0] = '{';
        bench->payload[PAYLOAD_BYTES - 1] = '}';
        must(state && secret && keyring_make_root(secret) == 0, "making the root secret");
        must(sd_event_new(&bench->event) >= 0, "sd_event_new");
        if (journal_new(bench->event, &clock, &options, &bench->journal, &error) != 0)
                must(false, error.text);
        fill(bench, volume->n_records);
        fill_media(bench, volume->n_fragments);
        erase(bench, volume, RECORD_FIX, volume->n_records / 2);
        erase(bench, volume, RECORD_VIDEO, volume->n_fragments);
        journal_free(bench->journal);
        sd_event_unref(bench->event);
        must(nftw(bench->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0, "cleaning up");
        free(bench);
}

static uint64_t setting(const char *name, uint64_t from, uint64_t value) {
        const char *text = getenv(name);

        if (text)
                must(parse_u64(text, from, 10000000, &value) == 0, name);
        return value;
}

int main(int argc, char *argv[]) {
        uint64_t n_records = setting("TRAILKEEP_BENCH_RECORDS", 3200, 400000);
        uint64_t n_fragments = setting("TRAILKEEP_BENCH_MEDIA_MIB", 16, 512);

        printf("| records | media MiB | erased | parcels | erase ms | fsync p50 ms | p99 ms | reclaim ms | wait p50 ms | "
               "longest ms |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n");
        for (unsigned part = 16; part > 0; part /= 4) {
                Volume volume = { n_records / part / 2 * 2, n_fragments / part };

                measure(argc > 1 ? argv[1] : "/var/tmp", &volume);
        }
        return 0;
}
