/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * org.trailkeep.Erasure1: one object per erasure. Floor 5. The contract is data/dbus/org.trailkeep.Erasure1.xml.
 *
 * The properties are for roles only, and who calls is known only after the bus was asked, which a property getter of
 * sd-bus cannot wait for. So Get and GetAll are taken before the vtable sees them and answered like a method; the
 * vtable is there for introspection, and its getter refuses.
 *
 * Which erasures there are is in erasure-list.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bus-internal.h"
#include "call.h"
#include "trailkeep/parse.h"

#define ERASURE_PREFIX BUS_PATH "/erasure"

/**
 * erasure_path() - object of an erasure
 * @request:    its number
 * @ret_path:   path
 */
void erasure_path(uint64_t request, char ret_path[static ERASURE_PATH_MAX]) {
        (void)snprintf(ret_path, ERASURE_PATH_MAX, ERASURE_PREFIX "/%llu", (unsigned long long)request); /* fits */
}

static int append_purposes(sd_bus_message *reply, uint32_t purposes) {
        int r;

        r = sd_bus_message_open_container(reply, 'a', "s");
        for (Purpose purpose = 0; purpose < PURPOSE_MAX && r >= 0; purpose++)
                if (purposes & UINT32_C(1) << purpose)
                        r = sd_bus_message_append(reply, "s", purpose_to_string(purpose));

        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int append_value(sd_bus_message *reply, const char *property, const JournalErasureState *state) {
        const struct {
                const char *name, *type;
                uint64_t value; /* as read by that type */
        } numbers[] = {
                { "Since", "x", (uint64_t)state->since_ms },
                { "Until", "x", (uint64_t)(state->until_ms == TIME_MS_NONE ? INT64_MAX : state->until_ms) },
                { "Requested", "x", (uint64_t)state->requested_realtime_ms },
                { "Parcels", "t", state->parcels },
                { "Records", "t", state->records },
                { "Copies", "t", state->copies },
                { "ObjectsToDelete", "t", state->objects_doomed },
                { "ObjectsDeleted", "t", state->objects_deleted },
        };

        if (strcmp(property, "Purposes") == 0)
                return append_purposes(reply, state->purposes);
        if (strcmp(property, "Clip") == 0)
                return sd_bus_message_append(reply, "s", state->clip);
        if (strcmp(property, "Reclaimed") == 0)
                return sd_bus_message_append(reply, "b", (int)state->is_reclaimed);
        for (size_t i = 0; i < ELEMENTSOF(numbers); i++)
                if (strcmp(property, numbers[i].name) == 0)
                        return sd_bus_message_append_basic(reply, numbers[i].type[0], &numbers[i].value);

        return -ENOENT;
}

static const struct {
        const char *name, *type;
} properties[] = {
        { "Purposes", "as" }, { "Clip", "s" }, { "Since", "x" },   { "Until", "x" },  { "Requested", "x" },       { "Parcels", "t" },
        { "Records", "t" },   { "Copies", "t" },  { "Reclaimed", "b" }, { "ObjectsToDelete", "t" },
        { "ObjectsDeleted", "t" },
};

static const char *find_type(const char *property) {
        for (size_t i = 0; i < ELEMENTSOF(properties); i++)
                if (strcmp(properties[i].name, property) == 0)
                        return properties[i].type;

        return NULL;
}

static int append_variant(sd_bus_message *reply, const char *property, const JournalErasureState *state) {
        int r;

        r = sd_bus_message_open_container(reply, 'v', find_type(property));
        if (r >= 0)
                r = append_value(reply, property, state);

        return r < 0 ? r : sd_bus_message_close_container(reply);
}

/**
 * erasure_append() - write an erasure as a{sv}
 * @reply:      message to write to
 * @state:      the erasure
 *
 * Return: >= 0, or < 0.
 */
int erasure_append(sd_bus_message *reply, const JournalErasureState *state) {
        int r;

        r = sd_bus_message_open_container(reply, 'a', "{sv}");
        for (size_t i = 0; i < ELEMENTSOF(properties) && r >= 0; i++) {
                r = sd_bus_message_open_container(reply, 'e', "sv");
                if (r >= 0)
                        r = sd_bus_message_append(reply, "s", properties[i].name);
                if (r >= 0)
                        r = append_variant(reply, properties[i].name, state);
                if (r >= 0)
                        r = sd_bus_message_close_container(reply);
        }

        return r < 0 ? r : sd_bus_message_close_container(reply);
}

/* The number in a path of ours; 0: none. */
static uint64_t parse_path(const char *path) {
        const size_t prefix = strlen(ERASURE_PREFIX "/");
        char again[ERASURE_PATH_MAX];
        uint64_t request;

        if (strncmp(path, ERASURE_PREFIX "/", prefix) != 0 || parse_u64(path + prefix, 1, UINT64_MAX, &request) < 0)
                return 0;

        /* One object, one path: not /erasure/01. */
        erasure_path(request, again);
        return strcmp(again, path) == 0 ? request : 0;
}

static int proceed_get(BusCall *call, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const JournalErasureState *state = erasure_list_find(call->bus->erasures, call->request.erasure);
        int r;

        if (!state)
                return sd_bus_error_set(error, SD_BUS_ERROR_UNKNOWN_OBJECT, "There is no such erasure");
        r = sd_bus_message_new_method_return(call->message, &reply);
        if (r < 0)
                return r;
        if (call->request.property[0] == '\0')
                r = erasure_append(reply, state);
        else
                r = append_variant(reply, call->request.property, state);

        return r < 0 ? r : call_reply(call, reply);
}

/* Takes Get and GetAll of our interface; the rest goes on to the vtable, if there is such an object. */
static int on_message(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        const char *path = sd_bus_message_get_path(message);
        bool is_get = sd_bus_message_is_method_call(message, "org.freedesktop.DBus.Properties", "Get") > 0;
        bool is_get_all = sd_bus_message_is_method_call(message, "org.freedesktop.DBus.Properties", "GetAll") > 0;
        const char *interface, *property = "";
        BusRequest request = { 0 };
        Bus *bus = userdata;
        int r;

        if (strcmp(path, ERASURE_PREFIX) == 0)
                return 0;
        request.erasure = parse_path(path);
        if (!erasure_list_find(bus->erasures, request.erasure))
                return sd_bus_error_set(error, SD_BUS_ERROR_UNKNOWN_OBJECT, "There is no such erasure");
        if (!is_get && !is_get_all)
                return 0;

        r = sd_bus_message_read(message, is_get ? "ss" : "s", &interface, &property);
        if (r < 0 || strcmp(interface, BUS_ERASURE_INTERFACE) != 0 || (is_get && !find_type(property))) {
                r = sd_bus_message_rewind(message, true);
                return MIN(r, 0);
        }
        (void)snprintf(request.property, sizeof(request.property), "%s", property); /* one of ours, so it fits */

        return call_start(bus, message, BUS_VERB_READ_ERASURES, &request, proceed_get);
}

static int property_refused(sd_bus *connection, const char *path, const char *interface, const char *property,
                            sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        return bus_error_set(error, BUS_ERROR_ACCESS_DENIED, NULL);
}

#define ERASURE_PROPERTY(name, type, flags) SD_BUS_PROPERTY(name, type, property_refused, 0, flags)

static const sd_bus_vtable erasure_vtable[] = {
        SD_BUS_VTABLE_START(0),
        ERASURE_PROPERTY("Purposes", "as", SD_BUS_VTABLE_PROPERTY_CONST),
        ERASURE_PROPERTY("Clip", "s", SD_BUS_VTABLE_PROPERTY_CONST),
        ERASURE_PROPERTY("Since", "x", SD_BUS_VTABLE_PROPERTY_CONST),
        ERASURE_PROPERTY("Until", "x", SD_BUS_VTABLE_PROPERTY_CONST),
        ERASURE_PROPERTY("Requested", "x", SD_BUS_VTABLE_PROPERTY_CONST),
        ERASURE_PROPERTY("Parcels", "t", SD_BUS_VTABLE_PROPERTY_CONST),
        ERASURE_PROPERTY("Records", "t", SD_BUS_VTABLE_PROPERTY_CONST),
        ERASURE_PROPERTY("Copies", "t", SD_BUS_VTABLE_PROPERTY_CONST),
        ERASURE_PROPERTY("Reclaimed", "b", SD_BUS_VTABLE_PROPERTY_EMITS_INVALIDATION),
        ERASURE_PROPERTY("ObjectsToDelete", "t", SD_BUS_VTABLE_PROPERTY_EMITS_INVALIDATION),
        ERASURE_PROPERTY("ObjectsDeleted", "t", SD_BUS_VTABLE_PROPERTY_EMITS_INVALIDATION),
        SD_BUS_VTABLE_END,
};

static int find_object(sd_bus *connection, const char *path, const char *interface, void *userdata, void **ret_found,
                       sd_bus_error *error) {
        Bus *bus = userdata;

        if (!erasure_list_find(bus->erasures, parse_path(path)))
                return 0;
        *ret_found = bus;

        return 1;
}

static char **nodes_free(char **nodes) {
        for (char **p = nodes; p && *p; p++)
                free(*p);
        free(nodes);

        return NULL;
}
DEFINE_CLEANUP(char *, nodes_free);

static int node_add(const JournalErasureState *state, char **ret_node) {
        char path[ERASURE_PATH_MAX];

        erasure_path(state->request, path);
        *ret_node = strdup(path);

        return *ret_node ? 0 : -ENOMEM;
}

static int list_objects(sd_bus *connection, const char *prefix, void *userdata, char ***ret_nodes,
                        sd_bus_error *error) {
        const ErasureList *list = ((Bus *)userdata)->erasures;
        size_t n_states = erasure_list_size(list);
        _cleanup_(nodes_freep) char **nodes = calloc(n_states + 1, sizeof(*nodes));
        int r = nodes ? 0 : -ENOMEM;

        for (size_t i = 0; i < n_states && r == 0; i++)
                r = node_add(erasure_list_get(list, i), &nodes[i]);
        if (r == 0)
                *ret_nodes = TAKE_PTR(nodes);

        return r;
}

/**
 * erasure_export() - put the erasures on the connection
 * @bus:        the bus
 *
 * Return: >= 0, or < 0.
 */
int erasure_export(Bus *bus) {
        int r;

        r = sd_bus_add_fallback(bus->connection, NULL, ERASURE_PREFIX, on_message, bus);
        if (r < 0)
                return r;
        r = sd_bus_add_fallback_vtable(bus->connection, NULL, ERASURE_PREFIX, BUS_ERASURE_INTERFACE, erasure_vtable,
                                       find_object, bus);
        if (r < 0)
                return r;

        return sd_bus_add_node_enumerator(bus->connection, NULL, ERASURE_PREFIX, list_objects, bus);
}
