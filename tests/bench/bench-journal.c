/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a fix costs on its way to the medium: the journal beside plain SQLite.
 *
 * Fixes of 200 bytes, in commits of 1, 10 and 100, for a while each, the two in turn. Plain SQLite has the journal's
 * settings and one table, and neither seals nor counts, nor does it have a thread of its own: what the journal takes
 * more is the price of parcels, keys and the thread. Beside them stands the medium alone: write 4096 bytes, fdatasync.
 *
 *   bench-journal [FOLDER]     works in a new folder below FOLDER, the current one unless given
 */
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>
#include "trailkeep/file.h"
#include "trailkeep/journal.h"
#include "trailkeep/keyring.h"

#define PAYLOAD_BYTES 200
#define ROUNDS 4
#define ROUND_USEC (1500 * USEC_PER_MSEC)
#define COMMITS_MAX 100000

typedef struct Figures {
        uint64_t n_records, usec, cpu_usec, written_bytes;
        size_t n_commits;
        uint64_t commit_usec[COMMITS_MAX];
} Figures;

typedef struct Bench {
        char dir[256];
        sd_event *event;
        Journal *journal;
        sqlite3 *plain;
        sqlite3_stmt *insert;
        char payload[PAYLOAD_BYTES + 1];
        bool is_committed;
} Bench;

static void must(bool ok, const char *what) {
        if (ok)
                return;
        fprintf(stderr, "bench-journal: %s failed\n", what);
        exit(1);
}

static uint64_t now_usec(void) {
        struct timespec now;

        must(clock_gettime(CLOCK_MONOTONIC, &now) == 0, "clock_gettime");
        return (uint64_t)now.tv_sec * USEC_PER_SEC + (uint64_t)now.tv_nsec / 1000;
}

static uint64_t cpu_usec(void) {
        struct rusage usage;

        must(getrusage(RUSAGE_SELF, &usage) == 0, "getrusage");
        return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * USEC_PER_SEC +
               (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

/* proc(5): what this process caused to be sent to the storage layer, whole pages. */
static uint64_t written_bytes(void) {
        _cleanup_bytes_ Bytes text = { 0 };
        uint64_t n = 0;
        const char *line;

        must(file_read("/proc/self/io", 4096, &text) >= 0, "/proc/self/io");
        line = strstr((const char *)text.data, "\nwrite_bytes: ");
        must(line && sscanf(line, "\nwrite_bytes: %" SCNu64, &n) == 1, "write_bytes");
        return n;
}

static void on_committed(int r, void *userdata) {
        must(r == 0, "a commit");
        ((Bench *)userdata)->is_committed = true;
}

static void commit_journal(Bench *bench, unsigned n) {
        for (unsigned i = 0; i < n; i++) {
                _cleanup_(record_freep) Record *record = NULL;

                must(record_new(RECORD_FIX, "subject", "gnss", INT64_C(1795000000000), bench->payload, &record) == 0,
                     "record_new");
                must(journal_append(bench->journal, record) == 0, "journal_append");
        }
        bench->is_committed = false;
        must(journal_commit(bench->journal, on_committed, bench) == 0, "journal_commit");
        while (!bench->is_committed)
                must(sd_event_run(bench->event, UINT64_MAX) >= 0, "sd_event_run");
}

static void run_sql(Bench *bench, const char *sql) {
        must(sqlite3_exec(bench->plain, sql, NULL, NULL, NULL) == SQLITE_OK, sql);
}

static void commit_plain(Bench *bench, unsigned n) {
        run_sql(bench, "BEGIN IMMEDIATE");
        for (unsigned i = 0; i < n; i++) {
                must(sqlite3_bind_blob(bench->insert, 1, bench->payload, PAYLOAD_BYTES, SQLITE_STATIC) == SQLITE_OK,
                     "binding a value");
                must(sqlite3_step(bench->insert) == SQLITE_DONE, "INSERT");
                (void)sqlite3_reset(bench->insert); /* has just succeeded */
        }
        run_sql(bench, "COMMIT");
}

static void measure(Bench *bench, void (*commit)(Bench *bench, unsigned n), unsigned batch, Figures *figures) {
        uint64_t begin_usec = now_usec(), cpu_before_usec = cpu_usec(), written_before = written_bytes();
        uint64_t last_usec, t_usec;

        for (last_usec = begin_usec; last_usec - begin_usec < ROUND_USEC; last_usec = t_usec) {
                must(figures->n_commits < COMMITS_MAX, "counting commits");
                commit(bench, batch);
                t_usec = now_usec();
                figures->commit_usec[figures->n_commits++] = t_usec - last_usec;
                figures->n_records += batch;
        }
        figures->usec += last_usec - begin_usec;
        figures->cpu_usec += cpu_usec() - cpu_before_usec;
        figures->written_bytes += written_bytes() - written_before;
}

static int by_value(const void *a, const void *b) {
        uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

        return x < y ? -1 : x > y;
}

static double percentile_ms(Figures *figures, unsigned percent) {
        qsort(figures->commit_usec, figures->n_commits, sizeof(uint64_t), by_value);
        return (double)figures->commit_usec[(figures->n_commits - 1) * percent / 100] / 1000;
}

static double per_second(const Figures *figures) {
        return (double)figures->n_records * USEC_PER_SEC / (double)figures->usec;
}

static double cpu_per_record(const Figures *figures) {
        return (double)figures->cpu_usec / (double)figures->n_records;
}

static double written_per_byte(const Figures *figures) {
        return (double)figures->written_bytes / (double)(figures->n_records * PAYLOAD_BYTES);
}

static void print_line(unsigned batch, const char *who, Figures *figures) {
        printf("| %5u | %-7s | %9.0f | %10.1f | %8.1f | %6.2f | %6.2f |\n", batch, who, per_second(figures),
               cpu_per_record(figures), written_per_byte(figures), percentile_ms(figures, 50),
               percentile_ms(figures, 99));
}

static void compare(Bench *bench, unsigned batch) {
        Figures *ours = calloc(1, sizeof(*ours)), *plain = calloc(1, sizeof(*plain));

        must(ours && plain, "calloc");
        for (unsigned i = 0; i < ROUNDS; i++) {
                measure(bench, commit_journal, batch, ours);
                measure(bench, commit_plain, batch, plain);
        }
        print_line(batch, "journal", ours);
        print_line(batch, "plain", plain);
        printf("| %5u | ratio   | %9.2f | %10.2f | %8.2f | %6.2f | %6.2f |\n", batch,
               per_second(ours) / per_second(plain), cpu_per_record(ours) / cpu_per_record(plain),
               written_per_byte(ours) / written_per_byte(plain), percentile_ms(ours, 50) / percentile_ms(plain, 50),
               percentile_ms(ours, 99) / percentile_ms(plain, 99));
        free(ours);
        free(plain);
}

static void sync_medium(Bench *bench, unsigned n) {
        static const char page[4096];
        static int fd = -1;
        char path[300];

        if (fd < 0) {
                (void)snprintf(path, sizeof(path), "%s/medium", bench->dir); /* fits: dir is shorter */
                fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        }
        must(pwrite(fd, page, sizeof(page), (off_t)sizeof(page) * (rand() % 256)) == sizeof(page), "pwrite");
        must(fdatasync(fd) == 0, "fdatasync");
}

static void measure_medium(Bench *bench) {
        Figures *figures = calloc(1, sizeof(*figures));

        must(figures, "calloc");
        measure(bench, sync_medium, 1, figures);
        printf("|     - | medium  | %9.0f | %10.1f |        - | %6.2f | %6.2f |\n", per_second(figures),
               cpu_per_record(figures), percentile_ms(figures, 50), percentile_ms(figures, 99));
        free(figures);
}

static void open_journal(Bench *bench) {
        _cleanup_free_ char *state = path_join(bench->dir, "state"), *secret = path_join(bench->dir, "secret");
        JournalOptions options = {
                .state_dir = state,
                .root_secret_file = secret,
                .commit_interval_usec = USEC_PER_HOUR,
        };
        JournalError error;

        must(state && secret && keyring_make_root(secret) == 0, "making the root secret");
        must(sd_event_new(&bench->event) >= 0, "sd_event_new");
        if (journal_new(bench->event, &clock_system, &options, &bench->journal, &error) != 0)
                must(false, error.text);
}

static void open_plain(Bench *bench) {
        _cleanup_free_ char *path = path_join(bench->dir, "plain.db");
        int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;

        must(path && sqlite3_open_v2(path, &bench->plain, flags, NULL) == SQLITE_OK, "sqlite3_open_v2");
        run_sql(bench, "PRAGMA locking_mode=EXCLUSIVE; PRAGMA page_size=4096; PRAGMA journal_mode=WAL;"
                       "PRAGMA synchronous=FULL; PRAGMA secure_delete=OFF; PRAGMA journal_size_limit=4194304;"
                       "PRAGMA wal_autocheckpoint=1000; PRAGMA cache_size=-256;"
                       "CREATE TABLE track(id INTEGER PRIMARY KEY, body BLOB NOT NULL)");
        must(sqlite3_prepare_v2(bench->plain, "INSERT INTO track(body) VALUES(?)", -1, &bench->insert, NULL) ==
                     SQLITE_OK,
             "preparing the INSERT");
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw) {
        return remove(path);
}

int main(int argc, char *argv[]) {
        Bench bench = { 0 };

        /* mkdtemp() refuses what was cut off. */
        (void)snprintf(bench.dir, sizeof(bench.dir), "%s/bench-journal-XXXXXX", argc > 1 ? argv[1] : ".");
        must(mkdtemp(bench.dir), "mkdtemp");
        memset(bench.payload, ' ', PAYLOAD_BYTES); /* as long as a fix; what is in it matters to nobody here */
        bench.payload[0] = '{';
        bench.payload[PAYLOAD_BYTES - 1] = '}';
        open_journal(&bench);
        open_plain(&bench);

        printf("| batch | what    | records/s | CPU us/rec | B/byte   | p50 ms | p99 ms |\n"
               "| ----- | ------- | --------- | ---------- | -------- | ------ | ------ |\n");
        measure_medium(&bench);
        for (unsigned batch = 1; batch <= 100; batch *= 10)
                compare(&bench, batch);

        (void)sqlite3_finalize(bench.insert); /* repeats the last step's result */
        (void)sqlite3_close(bench.plain);     /* the folder goes anyway */
        journal_free(bench.journal);
        sd_event_unref(bench.event);
        must(nftw(bench.dir, remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0, "cleaning up");
        return 0;
}
