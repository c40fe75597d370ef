/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What the files of this module share: the connection, and one file per interface.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-bus.h>
#include "trailkeep/backoff.h"
#include "trailkeep/bus.h"
#include "trailkeep/loop.h"

#define BUS_NAME "org.trailkeep"
#define BUS_PATH "/org/trailkeep"
#define BUS_DEVICE_INTERFACE "org.trailkeep.Device1"
#define BUS_CONSENT_INTERFACE "org.trailkeep.Consent1"
#define BUS_DATA_INTERFACE "org.trailkeep.Data1"
#define BUS_ERASURE_INTERFACE "org.trailkeep.Erasure1"
#define BUS_SYNC_INTERFACE "org.trailkeep.Sync1"
#define BUS_JOURNAL_INTERFACE "org.trailkeep.Journal1"

typedef enum BusState {
        BUS_STATE_STOPPED,
        BUS_STATE_NAMING,  /* connected, the name is asked for */
        BUS_STATE_SERVING, /* the name is ours */
        BUS_STATE_WAITING, /* for the next attempt */
        BUS_STATE_MAX,
} BusState;

typedef struct BusCall BusCall;
typedef struct ErasureList ErasureList;

struct Bus {
        sd_event *event;
        BusOptions options;
        char *address;
        sd_bus *connection; /* NULL: none */
        BusState state;
        Timer *timer;
        Backoff backoff;
        BusCall *calls; /* not answered yet */
        ErasureList *erasures;
        bool is_degraded;                     /* as last announced */
        JournalState journal_state;           /* likewise */
        JournalMediaState media_state;        /* likewise */
        uint64_t n_doomed;                    /* likewise */
        uint64_t lanes_usec;                  /* boottime at which Lanes was announced last; 0: not yet */
        Timer *lanes_timer;                   /* armed: Lanes changed since then */
};

/* Each registers its interface on the connection, and emits what changed; nothing while there is no connection. */
int device_export(Bus *bus) _must_check_;
int consent_export(Bus *bus) _must_check_;
int data_export(Bus *bus) _must_check_;
int erasure_export(Bus *bus) _must_check_;
int sync_export(Bus *bus) _must_check_;
int journal1_export(Bus *bus) _must_check_;

void device_emit(Bus *bus, const char *property);
void device_emit_errors(Bus *bus);
void journal1_emit(Bus *bus, const char *property);
void consent_emit_changed(Bus *bus, Purpose purpose, bool is_granted);
void sync_emit(Bus *bus);
void sync_emit_deletions(Bus *bus);

int erasure_list_new(Bus *bus, ErasureList **ret) _must_check_;
ErasureList *erasure_list_free(ErasureList *list);
void erasure_list_read(ErasureList *list);
void erasure_list_refresh(ErasureList *list);
void erasure_list_add_receipt(ErasureList *list, const JournalReceipt *receipt, uint32_t purposes, const char *clip);
const JournalErasureState *erasure_list_find(const ErasureList *list, uint64_t request);
const JournalErasureState *erasure_list_get(const ErasureList *list, size_t i);
size_t erasure_list_size(const ErasureList *list);
int erasure_append(sd_bus_message *reply, const JournalErasureState *state) _must_check_;

#define ERASURE_PATH_MAX 64
void erasure_path(uint64_t request, char ret_path[static ERASURE_PATH_MAX]);

bool bus_is_connected(const Bus *bus);
