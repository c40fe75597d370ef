/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The object store uplink: PUT and DELETE, and HEAD for the time. Floor 4.
 *
 * An object is sent as the file it is, Content-Type application/gzip (RFC 6713) and no Content-Encoding. Called encoded
 * it would be application/geo+json-seq on the way, and a store that keeps the header would hand it out with it: every
 * client would then unpack on download what is named .gz and announced as such to GDAL and to people.
 */
#include "trailkeep/store.h"
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "geojson-seq.h"
#include "store-answer.h"
#include "trailkeep/bytes.h"

#define URL_BYTES_MAX 4096

struct Store {
        Http *http;
        char *folder_url; /* <base>/<installation>/ */
};

struct StoreSlot {
        HttpSlot *slot;
        Bytes body;
        bool is_deletion;
        StoreDone done;
        void *userdata;
};

/* https, a host, and nothing that could end up in front of or behind the object's name. */
static bool store_is_base_url(const char *url) {
        size_t n_scheme = strlen("https://");

        if (strncmp(url, "https://", n_scheme) != 0 || strlen(url) >= URL_BYTES_MAX / 2)
                return false;
        if (strchr("/:", url[n_scheme])) /* also the end */
                return false;
        for (const char *c = url; *c; c++)
                if (!isgraph((unsigned char)*c) || strchr("?#@\"<>\\^`{|}", *c))
                        return false;
        return true;
}

/* Percent-encodes what is neither unreserved (RFC 3986 §2.3) nor a slash. */
static int store_append_path(Bytes *url, const char *path) {
        char encoded[4];
        int r;

        for (const char *c = path; *c; c++) {
                bool is_plain = isalnum((unsigned char)*c) || strchr("-._~/", *c);

                (void)snprintf(encoded, sizeof(encoded), is_plain ? "%c" : "%%%02X", (unsigned char)*c); /* fits */
                r = bytes_append_string(url, encoded);
                if (r < 0)
                        return r;
        }
        return 0;
}

/**
 * store_new() - an object store at an address
 * @http:         borrowed for the life of @ret
 * @base_url:     https, no login, query or fragment; a slash at the end or not
 * @installation: first folder below it
 * @ret:          the store
 *
 * Return: 0, -EINVAL for an address that is not like that, or -ENOMEM.
 */
int store_new(Http *http, const char *base_url, const char *installation, Store **ret) {
        _cleanup_(store_freep) Store *store = NULL;
        _cleanup_bytes_ Bytes url = {};
        int r;

        if (!store_is_base_url(base_url) || *installation == '\0')
                return -EINVAL;
        r = bytes_append_string(&url, base_url);
        if (r < 0)
                return r;
        while (url.data[url.size - 1] == '/')
                bytes_truncate(&url, url.size - 1);
        r = bytes_append_string(&url, "/");
        if (r >= 0)
                r = store_append_path(&url, installation);
        if (r >= 0)
                r = bytes_append_string(&url, "/");
        if (r < 0)
                return r;

        store = calloc(1, sizeof(*store));
        if (!store)
                return -ENOMEM;
        store->http = http;
        store->folder_url = strdup((const char *)url.data);
        if (!store->folder_url)
                return -ENOMEM;
        *ret = TAKE_PTR(store);
        return 0;
}

/**
 * store_free() - forget the store
 * @store: may be NULL; its slots were freed before
 *
 * Return: NULL.
 */
Store *store_free(Store *store) {
        if (!store)
                return NULL;
        free(store->folder_url);
        free(store);
        return NULL;
}

static void store_on_done(const HttpResult *result, void *userdata) {
        StoreSlot *slot = userdata;
        char text[STORE_TEXT_MAX];
        StoreAnswer answer;

        answer = store_answer_of(result, slot->is_deletion, text);
        slot->done(&answer, slot->userdata);
}

/* Takes what is in the slot so far; frees it on failure. */
static int store_start(Store *store, const char *name, const HttpRequest *request, StoreSlot *slot, StoreSlot **ret) {
        _cleanup_(store_slot_freep) StoreSlot *owned = slot;
        _cleanup_bytes_ Bytes url = { .limit = URL_BYTES_MAX };
        HttpRequest with_url = *request;
        int r;

        r = bytes_append_string(&url, store->folder_url);
        if (r >= 0)
                r = store_append_path(&url, name);
        if (r < 0)
                return r;
        with_url.url = (const char *)url.data;
        r = http_start(store->http, &with_url, store_on_done, slot, &slot->slot);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(owned);
        return 0;
}

static StoreSlot *store_slot_new(StoreDone done, void *userdata) {
        StoreSlot *slot = calloc(1, sizeof(*slot));

        if (slot) {
                slot->done = done;
                slot->userdata = userdata;
        }
        return slot;
}

/**
 * store_put() - send an object
 * @store:    the store
 * @batch:    its records and its name below the installation's folder; borrowed for the call
 * @done:     called once on the loop, unless the slot was freed before
 * @userdata: for @done
 * @ret:      the caller's to free, also within @done; cancels. Whether it arrived is then not known.
 *
 * Return: 0, -EBADMSG when a record cannot be written as GeoJSON, or -errno; @done is then not called.
 */
int store_put(Store *store, const JournalBatch *batch, StoreDone done, void *userdata, StoreSlot **ret) {
        _cleanup_(store_slot_freep) StoreSlot *slot = NULL;
        HttpRequest request = { .method = "PUT", .content_type = "application/gzip" };
        int r;

        slot = store_slot_new(done, userdata);
        if (!slot)
                return -ENOMEM;
        r = geojson_seq_write(batch, &slot->body);
        if (r < 0)
                return r;
        request.body = slot->body.data;
        request.n_body = slot->body.size;
        return store_start(store, batch->object_name, &request, TAKE_PTR(slot), ret);
}

/**
 * store_delete() - delete an object
 * @store:    the store
 * @name:     below the installation's folder
 * @done:     called once on the loop, unless the slot was freed before; an object that is not there counts as deleted
 * @userdata: for @done
 * @ret:      the caller's to free, also within @done; cancels
 *
 * Return: 0, or -errno; @done is then not called.
 */
int store_delete(Store *store, const char *name, StoreDone done, void *userdata, StoreSlot **ret) {
        HttpRequest request = { .method = "DELETE" };
        StoreSlot *slot;

        slot = store_slot_new(done, userdata);
        if (!slot)
                return -ENOMEM;
        slot->is_deletion = true;
        return store_start(store, name, &request, slot, ret);
}

/**
 * store_ask_time() - have the store say something, for the Date that comes with it
 * @store:    the store
 * @done:     called once on the loop, unless the slot was freed before; HttpClock has heard the Date by then. Any answer
 *            will do: the folder may well be one that nobody may look at
 * @userdata: for @done
 * @ret:      the caller's to free, also within @done; cancels
 *
 * Return: 0, or -errno; @done is then not called.
 */
int store_ask_time(Store *store, StoreDone done, void *userdata, StoreSlot **ret) {
        HttpRequest request = { .method = "HEAD" };
        StoreSlot *slot;

        slot = store_slot_new(done, userdata);
        if (!slot)
                return -ENOMEM;
        return store_start(store, "", &request, slot, ret);
}

/**
 * store_slot_free() - cancel what still runs, and wipe what was to be sent
 * @slot: may be NULL
 *
 * Return: NULL.
 */
StoreSlot *store_slot_free(StoreSlot *slot) {
        if (!slot)
                return NULL;
        http_slot_free(slot->slot);
        bytes_done(&slot->body);
        free(slot);
        return NULL;
}
