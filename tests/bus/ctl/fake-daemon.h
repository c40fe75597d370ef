/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What the files of the daemon that is none share: see fake-daemon.c.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "client.h"

typedef struct Failure {
        char method[32], error[96], text[128];
} Failure;

typedef struct Fake {
        sd_bus *bus;
        sd_event *event;
        char device_state[32], sync_state[32];
        uint64_t pending, to_delete, deleted, chain;
        Failure failures[4];
        size_t n_failures;
        sd_bus_message *flush; /* waiting for its answer */
        bool is_flush_told;    /* to answer the next one at once */
        char calls[1024];
} Fake;

int note_call(Fake *fake, sd_bus_message *call);
int fail_as_told(Fake *fake, sd_bus_message *call);

extern const sd_bus_vtable fake_journal_vtable[]; /* Journal1, in fake-journal.c */
