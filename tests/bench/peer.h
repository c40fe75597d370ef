/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What is measured, one small program each: SQLite and SQLCipher export the same names, and memory is a process's own.
 * A program defines these three; main() is in peer.c, the driver is journal.py.
 */
#include <stdbool.h>
#include <stddef.h>
#include "trailkeep/macros.h"

typedef struct Peer Peer;

typedef struct PeerSetup {
        const char *folder;  /* empty */
        const char *variant; /* of a program that has several; "" where it has one */
        const char *payload; /* of each record: text in braces, 0-terminated */
        size_t payload_bytes;
} PeerSetup;

Peer *peer_open(const PeerSetup *setup);           /* borrows the setup for as long as it lives */
void peer_commit(Peer *peer, unsigned n_records);  /* returns when all of them are durable */
void peer_close(Peer *peer);

void must(bool ok, const char *what); /* else says so and exits */
