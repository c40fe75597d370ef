/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The object store uplink: PUT and DELETE under <base>/<installation>/, and what the answers mean. Floor 4.
 *
 *   <base>/<installation>/tracks/2026/11/23/<id>.geojsons.gz     GeoJSON text sequence (RFC 8142), gzip
 *                                undated/<id>.geojsons.gz        no believable time (src/sync/object-name.c)
 */
#include <stdbool.h>
#include <stdint.h>
#include "http.h"
#include "journal.h"
#include "macros.h"

typedef enum StoreOutcome {
        STORE_DONE,      /* stored, or deleted */
        STORE_RETRY,     /* network, 408, 425, 429, timeouts: try again after the backoff */
        STORE_HELD,      /* account or store: 400 without certificate, 401, 403, 404, 405, 5xx, redirects, TLS refusals */
        STORE_TOO_LARGE, /* 413 */
        STORE_REJECTED,  /* 422: this object's content */
        STORE_OUTCOME_MAX,
} StoreOutcome;

typedef struct StoreAnswer {
        StoreOutcome outcome;
        uint64_t retry_after_usec;
        bool is_doubtful;    /* no answer came, and what was sent may yet have an effect */
        bool is_answered;    /* the store itself said something */
        const char *message; /* one sentence without its full stop; borrowed */
} StoreAnswer;

typedef struct Store Store;
typedef struct StoreSlot StoreSlot;
typedef void (*StoreDone)(const StoreAnswer *answer, void *userdata);

int store_new(Http *http, const char *base_url, const char *installation, Store **ret) _must_check_; /* -EINVAL: not https */
Store *store_free(Store *store);
DEFINE_CLEANUP(Store, store_free);
int store_object_name(const JournalBatch *batch, char **ret_name) _must_check_; /* below the installation's folder */
int store_put(Store *store, const JournalBatch *batch, StoreDone done, void *userdata, StoreSlot **ret) _must_check_;
int store_ask_time(Store *store, StoreDone done, void *userdata, StoreSlot **ret) _must_check_; /* HttpClock hears it */
int store_delete(Store *store, const char *name, StoreDone done, void *userdata, StoreSlot **ret) _must_check_;
StoreSlot *store_slot_free(StoreSlot *slot);
DEFINE_CLEANUP(StoreSlot, store_slot_free);
