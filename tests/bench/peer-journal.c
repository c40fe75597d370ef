/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Measured: the journal through its public calls, as the daemon uses it. Records go in on the loop, the journal's
 * thread makes them durable, and the answer comes back on the loop. What is as large as a fragment of video is one.
 */
#include <stdlib.h>
#include "peer.h"
#include "trailkeep/file.h"
#include "trailkeep/journal.h"
#include "trailkeep/keyring.h"

#define FRAGMENT_BYTES_MIN ((size_t)64 * 1024)
#define WAL_COMMITS 1200 /* more than fill the WAL once: it is reused from there on, as in all but a box's first hour */

struct Peer {
        const PeerSetup *setup;
        sd_event *event;
        Journal *journal;
        bool is_committed;
};

static void on_committed(int r, void *userdata) {
        must(r == 0, "a commit");
        ((Peer *)userdata)->is_committed = true;
}

static bool peer_is_media(const Peer *peer) {
        return peer->setup->payload_bytes >= FRAGMENT_BYTES_MIN;
}

static void append_fix(Peer *peer, const char *payload) {
        _cleanup_(record_freep) Record *record = NULL;

        must(record_new(RECORD_FIX, "subject", "gnss", INT64_C(1795000000000), payload, &record) == 0,
             "record_new");
        must(journal_append(peer->journal, record) == 0, "journal_append");
}

static void append_fragment(Peer *peer) {
        _cleanup_(record_freep) Record *record = NULL;
        _cleanup_bytes_ Bytes data = { 0 };

        must(record_new(RECORD_VIDEO, "subject", "camera", INT64_C(1795000000000), "{}", &record) == 0, "record_new");
        must(bytes_append(&data, peer->setup->payload, peer->setup->payload_bytes) == 0 &&
                     record_set_media(record, "clip", &data) == 0,
             "record_set_media");
        must(journal_append(peer->journal, record) == 0, "journal_append");
}

static void commit(Peer *peer) {
        peer->is_committed = false;
        must(journal_commit(peer->journal, on_committed, peer) == 0, "journal_commit");
        while (!peer->is_committed)
                must(sd_event_run(peer->event, UINT64_MAX) >= 0, "sd_event_run");
}

Peer *peer_open(const PeerSetup *setup) {
        _cleanup_free_ char *state = path_join(setup->folder, "state"), *secret = path_join(setup->folder, "secret");
        JournalOptions options = {
                .state_dir = state,
                .root_secret_file = secret,
                .commit_interval_usec = USEC_PER_HOUR,
        };
        Peer *peer = calloc(1, sizeof(*peer));
        JournalError error;

        must(peer, "calloc");
        peer->setup = setup;
        must(state && secret && keyring_make_root(secret) == 0, "making the root secret");
        must(sd_event_new(&peer->event) >= 0, "sd_event_new");
        if (journal_new(peer->event, &clock_system, &options, &peer->journal, &error) != 0)
                must(false, error.text);
        for (unsigned i = 0; i < WAL_COMMITS && peer_is_media(peer); i++) {
                append_fix(peer, "{}");
                commit(peer);
        }
        return peer;
}

void peer_commit(Peer *peer, unsigned n_records) {
        for (unsigned i = 0; i < n_records; i++)
                if (peer_is_media(peer))
                        append_fragment(peer);
                else
                        append_fix(peer, peer->setup->payload);
        commit(peer);
}

void peer_close(Peer *peer) {
        journal_free(peer->journal);
        sd_event_unref(peer->event);
        free(peer);
}
