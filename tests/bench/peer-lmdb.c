/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Measured: LMDB with its default durability (a write transaction ends with fdatasync and a synchronous write of its
 * head page), keys counting up and appended, which is what suits it best.
 */
#include <lmdb.h>
#include <stdint.h>
#include <stdlib.h>
#include "peer.h"

#define MAP_BYTES ((size_t)4 << 30) /* of address space */

struct Peer {
        const PeerSetup *setup;
        MDB_env *env;
        MDB_dbi dbi;
        uint64_t id;
};

Peer *peer_open(const PeerSetup *setup) {
        Peer *peer = calloc(1, sizeof(*peer));
        MDB_txn *txn = NULL;

        must(peer, "calloc");
        peer->setup = setup;
        must(mdb_env_create(&peer->env) == 0 && mdb_env_set_mapsize(peer->env, MAP_BYTES) == 0 &&
                     mdb_env_open(peer->env, setup->folder, 0, 0600) == 0,
             "mdb_env_open");
        must(mdb_txn_begin(peer->env, NULL, 0, &txn) == 0 &&
                     mdb_dbi_open(txn, NULL, MDB_INTEGERKEY, &peer->dbi) == 0 && mdb_txn_commit(txn) == 0,
             "mdb_dbi_open");
        return peer;
}

void peer_commit(Peer *peer, unsigned n_records) {
        MDB_txn *txn = NULL;

        must(mdb_txn_begin(peer->env, NULL, 0, &txn) == 0, "mdb_txn_begin");
        for (unsigned i = 0; i < n_records; i++) {
                MDB_val key = { sizeof(peer->id), &peer->id };
                MDB_val value = { peer->setup->payload_bytes, (void *)peer->setup->payload };

                must(mdb_put(txn, peer->dbi, &key, &value, MDB_APPEND) == 0, "mdb_put");
                peer->id++;
        }
        must(mdb_txn_commit(txn) == 0, "mdb_txn_commit");
}

void peer_close(Peer *peer) {
        mdb_env_close(peer->env);
        free(peer);
}
