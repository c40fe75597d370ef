/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which erasures there are: a copy of what the journal knows, so that an object exists from the moment its path is
 * handed out. Floor 5.
 *
 * It is read at start, and read anew when something happened while one of them is not finished; at no other time. The
 * list outlives the bus while the journal has a request of it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "bus-internal.h"

#define LOG_MODULE "bus"
#include "trailkeep/log.h"

struct ErasureList {
        Bus *bus; /* NULL: gone */
        JournalErasureState *states;
        size_t n_states;
        bool is_asking;     /* the journal; it answers once */
        bool is_asked_anew; /* something happened since it was asked */
};

static bool is_finished(const JournalErasureState *state) {
        return state->is_reclaimed && state->objects_deleted >= state->objects_doomed;
}

static bool is_all_finished(const ErasureList *list) {
        for (size_t i = 0; i < list->n_states; i++)
                if (!is_finished(&list->states[i]))
                        return false;

        return true;
}

static void emit_progress(const Bus *bus, uint64_t request) {
        char path[ERASURE_PATH_MAX];

        if (!bus_is_connected(bus))
                return;

        erasure_path(request, path);
        /* Who missed it reads the properties; a connection that is lost has its own news. */
        (void)sd_bus_emit_properties_changed(bus->connection, path, BUS_ERASURE_INTERFACE, "Reclaimed",
                                             "ObjectsToDelete", "ObjectsDeleted", NULL);
}

/* Takes the journal's states for ours, and says of which ones something is new. */
static int replace_states(ErasureList *list, const JournalErasureState *states, size_t n_states) {
        _cleanup_free_ JournalErasureState *before = NULL;
        JournalErasureState *copy = calloc(n_states + 1, sizeof(*copy));
        size_t n_before = list->n_states;

        if (!copy)
                return -ENOMEM;
        if (n_states > 0)
                memcpy(copy, states, n_states * sizeof(*copy));
        before = list->states;
        list->states = copy;
        list->n_states = n_states;

        for (size_t i = 0; i < n_before; i++) {
                const JournalErasureState *now = erasure_list_find(list, before[i].request);

                if (now &&
                    (now->is_reclaimed != before[i].is_reclaimed || now->objects_doomed != before[i].objects_doomed ||
                     now->objects_deleted != before[i].objects_deleted))
                        emit_progress(list->bus, now->request);
        }

        return 0;
}

static void erasure_list_ask(ErasureList *list);

static void on_listed(int r, const JournalErasureState *states, size_t n_states, void *userdata) {
        ErasureList *list = userdata;

        list->is_asking = false;
        if (!list->bus) {
                erasure_list_free(list);
                return;
        }
        if (r == 0)
                r = replace_states(list, states, n_states);
        if (r != 0)
                log_debug("The erasures could not be read (%d); those known are shown", r);
        if (list->is_asked_anew && !is_all_finished(list))
                erasure_list_ask(list);
}

static void erasure_list_ask(ErasureList *list) {
        int r;

        list->is_asked_anew = false;
        r = journal_list_erasures(list->bus->options.journal, on_listed, list);
        if (r == 0)
                list->is_asking = true;
        else
                log_debug("The erasures cannot be read now (%d); the next change is the next chance", r);
}

/**
 * erasure_list_new() - the list of a bus
 * @bus:        the bus; must free the list before it goes
 * @ret:        empty list
 *
 * Return: 0, or -ENOMEM.
 */
int erasure_list_new(Bus *bus, ErasureList **ret) {
        ErasureList *list = calloc(1, sizeof(*list));

        if (!list)
                return -ENOMEM;
        list->bus = bus;

        *ret = list;
        return 0;
}

/**
 * erasure_list_free() - forget the list
 * @list:       or NULL; freed now, or when the journal answers
 *
 * Return: NULL.
 */
ErasureList *erasure_list_free(ErasureList *list) {
        if (!list)
                return NULL;

        list->bus = NULL;
        if (!list->is_asking) {
                free(list->states);
                free(list);
        }

        return NULL;
}

/**
 * erasure_list_read() - read the list for the first time
 * @list:       the list
 */
void erasure_list_read(ErasureList *list) {
        if (!list->is_asking)
                erasure_list_ask(list);
}

/**
 * erasure_list_refresh() - something happened: look whether an erasure has gone on
 * @list:       the list
 *
 * Does nothing if all are finished.
 */
void erasure_list_refresh(ErasureList *list) {
        if (is_all_finished(list))
                return;
        if (list->is_asking)
                list->is_asked_anew = true;
        else
                erasure_list_ask(list);
}

/**
 * erasure_list_add_receipt() - a new erasure, which the journal has just confirmed
 * @list:       the list
 * @receipt:    of it
 * @purposes:   bit mask of what was erased
 * @clip:       "": not of one clip
 *
 * If there is no memory for it the object appears when the journal is asked the next time.
 */
void erasure_list_add_receipt(ErasureList *list, const JournalReceipt *receipt, uint32_t purposes, const char *clip) {
        JournalErasureState *states = reallocarray(list->states, list->n_states + 1, sizeof(*states));

        if (!states) {
                log_debug("No memory for erasure %llu", (unsigned long long)receipt->request);
                return;
        }
        list->states = states;
        list->states[list->n_states++] = (JournalErasureState){
                .request = receipt->request,
                .parcels = receipt->parcels,
                .records = receipt->records,
                .copies = receipt->copies,
                .objects_doomed = receipt->objects_doomed,
                .since_ms = receipt->since_ms,
                .until_ms = receipt->until_ms,
                .requested_realtime_ms = (int64_t)(clock_realtime_usec(list->bus->options.clock) / USEC_PER_MSEC),
                .purposes = purposes,
        };
        /* always fits: the bus has looked at its length */
        (void)snprintf(list->states[list->n_states - 1].clip, sizeof(list->states[0].clip), "%s", clip);
        /* The journal answers in order, so an answer that is under way knows this one. */
        erasure_list_refresh(list);
}

/**
 * erasure_list_find() - an erasure by its number
 * @list:       the list
 * @request:    number
 *
 * Return: borrowed until the list changes; NULL: there is none.
 */
const JournalErasureState *erasure_list_find(const ErasureList *list, uint64_t request) {
        for (size_t i = 0; i < list->n_states; i++)
                if (list->states[i].request == request)
                        return &list->states[i];

        return NULL;
}

/**
 * erasure_list_get() - an erasure by its place
 * @list:       the list
 * @i:          below erasure_list_size()
 *
 * Return: borrowed until the list changes.
 */
const JournalErasureState *erasure_list_get(const ErasureList *list, size_t i) {
        return &list->states[i];
}

/**
 * erasure_list_size() - how many there are
 * @list:       the list
 *
 * Return: the number.
 */
size_t erasure_list_size(const ErasureList *list) {
        return list->n_states;
}
