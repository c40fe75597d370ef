/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The common part of the programs that are measured.
 *
 *   peer-NAME FOLDER PAYLOAD_BYTES [VARIANT]
 *
 * Speaks with its driver in lines. It says "ready" once it is open, then reads
 *
 *   run N_RECORDS MSEC COMMITS_MAX   commits that many records at a time until the time or the commits are used up;
 *                                    answers "USEC CPU_USEC LATENCY_USEC...", one latency for each commit
 *
 * and at the end of its input it closes its files and says "closed".
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include "peer.h"

#define COMMITS_MAX 100000

/**
 * must() - go on only if something went well
 * @ok:         whether it did
 * @what:       for the message
 */
void must(bool ok, const char *what) {
        if (ok)
                return;
        fprintf(stderr, "%s: %s failed\n", program_invocation_short_name, what);
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

static void run(Peer *peer, unsigned n_records, unsigned msec, size_t commits_max) {
        _cleanup_free_ uint32_t *latency_usec = calloc(commits_max, sizeof(*latency_usec));
        uint64_t begin_usec = now_usec(), cpu_before_usec = cpu_usec(), last_usec = begin_usec;
        size_t n = 0;

        must(latency_usec, "calloc");
        while (n < commits_max && last_usec - begin_usec < msec * USEC_PER_MSEC) {
                uint64_t t_usec;

                peer_commit(peer, n_records);
                t_usec = now_usec();
                latency_usec[n++] = (uint32_t)(t_usec - last_usec);
                last_usec = t_usec;
        }
        printf("%" PRIu64 " %" PRIu64, last_usec - begin_usec, cpu_usec() - cpu_before_usec);
        for (size_t i = 0; i < n; i++)
                printf(" %" PRIu32, latency_usec[i]);
        printf("\n");
}

/* As long as a record; what is in it matters to nobody here. */
static char *make_payload(size_t n_bytes) {
        char *payload = malloc(n_bytes + 1);

        must(payload && n_bytes >= 2, "making a payload");
        memset(payload, ' ', n_bytes);
        payload[0] = '{';
        payload[n_bytes - 1] = '}';
        payload[n_bytes] = 0;
        return payload;
}

int main(int argc, char *argv[]) {
        PeerSetup setup = { 0 };
        unsigned n_records, msec, commits_max;
        Peer *peer;

        must(argc >= 3, "reading the arguments FOLDER PAYLOAD_BYTES [VARIANT]");
        must(setvbuf(stdout, NULL, _IOLBF, 0) == 0, "setvbuf");
        setup.folder = argv[1];
        setup.payload_bytes = strtoul(argv[2], NULL, 10);
        setup.variant = argc > 3 ? argv[3] : "";
        setup.payload = make_payload(setup.payload_bytes);
        peer = peer_open(&setup);
        printf("ready\n");
        while (scanf(" run %u %u %u", &n_records, &msec, &commits_max) == 3) {
                must(commits_max <= COMMITS_MAX, "counting commits");
                run(peer, n_records, msec, commits_max);
        }
        peer_close(peer);
        printf("closed\n");
        free((char *)setup.payload);
        return 0;
}
