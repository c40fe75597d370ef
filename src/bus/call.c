/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Calls that need a right: see call.h. Floor 5.
 *
 * The bus is asked for the caller's credentials with a call of our own and not with sd_bus_query_sender_creds(), which
 * waits for the answer on the loop. The name of a connection is never used again by another, so the answer cannot be
 * about someone else. A caller whom the bus does not know any more has no right to anything.
 *
 * How many calls of one caller may wait is bounded, since each takes memory here and a place in the journal's queue.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "bus-internal.h"
#include "call.h"
#include "groups.h"

#define LOG_MODULE "bus"
#include "trailkeep/log.h"

#define CALLS_PER_CALLER_MAX 64 /* not answered yet; a bridge serves many people over one connection */
#define UNKNOWN_CALLER "The bus does not say who the caller is"

static void call_unlink(BusCall *call) {
        if (!call->bus)
                return;

        for (BusCall **p = &call->bus->calls; *p; p = &(*p)->next)
                if (*p == call) {
                        *p = call->next;
                        break;
                }
        call->bus = NULL;
}

/**
 * call_free() - forget a call
 * @call:       or NULL; answered, or never to be
 *
 * Return: NULL.
 */
BusCall *call_free(BusCall *call) {
        if (!call)
                return NULL;

        call_unlink(call);
        sd_bus_slot_unref(call->slot);
        sd_bus_message_unref(call->message);
        explicit_bzero(&call->request, sizeof(call->request));
        free(call);

        return NULL;
}

/**
 * call_take() - a completion gets back the call that was lent
 * @userdata:   the call, owned by the caller from here on
 *
 * Return: the call; NULL: the bus is gone, and the call was freed.
 */
BusCall *call_take(void *userdata) {
        BusCall *call = userdata;

        return call->bus ? call : call_free(call);
}

/**
 * call_fail() - answer with an error
 * @call:       still the caller's
 * @which:      error
 * @detail:     more about this case, or NULL
 */
void call_fail(BusCall *call, BusError which, const char *detail) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        (void)bus_error_set(&error, which, detail); /* returns the errno that goes with the name */
        r = sd_bus_reply_method_error(call->message, &error);
        if (r < 0)
                log_debug("A caller could not be told of an error: %s", strerror(-r));
}

/**
 * call_reply() - answer with a message
 * @call:       still the caller's
 * @reply:      to @call->message, filled in; still the caller's
 *
 * Return: 0, or < 0: it could not be sent; that is logged.
 */
int call_reply(BusCall *call, sd_bus_message *reply) {
        int r = sd_bus_send(sd_bus_message_get_bus(call->message), reply, NULL);

        if (r < 0)
                log_debug("A caller could not be answered: %s", strerror(-r));
        return MIN(r, 0);
}

/**
 * call_abandon_all() - the bus goes
 * @bus:        its list is empty afterwards; every caller was told that the daemon stops
 *
 * What is lent comes back to call_take() later.
 */
void call_abandon_all(Bus *bus) {
        while (bus->calls) {
                BusCall *call = bus->calls;

                call_fail(call, BUS_ERROR_STOPPING, NULL);
                call_unlink(call);
                call->message = sd_bus_message_unref(call->message);
                if (call->slot)
                        call_free(call);
        }
}

/**
 * call_actor() - who decides, for the ledger
 * @call:       one that was authorised
 *
 * Return: strings are borrowed from the call.
 */
GateActor call_actor(const BusCall *call) {
        bool has_actor = call->request.actor[0] != '\0';
        BusRole role = authorize_role_for(call->verb, call->roles, has_actor);

        return (GateActor){
                .uid = call->uid,
                .role = authorize_role_to_string(role),
                .actor = has_actor ? call->request.actor : NULL,
        };
}

/* Only a bridge knows other people than the one that calls. */
static int call_check_actor(const BusCall *call, sd_bus_error *error) {
        if (call->request.actor[0] == '\0' || call->roles & UINT32_C(1) << BUS_ROLE_BRIDGE)
                return 0;

        return bus_error_set(error, BUS_ERROR_ACCESS_DENIED,
                             "actor: only a member of the group trailkeep-bridge may speak for someone else");
}

/**
 * call_require_actor() - a bridge must say for whom it speaks
 * @call:       one that was authorised
 * @error:      says so
 *
 * Return: 0, or < 0 for sd-bus.
 */
int call_require_actor(const BusCall *call, sd_bus_error *error) {
        if (call->request.actor[0] != '\0' || authorize_role_for(call->verb, call->roles, false) != BUS_ROLE_BRIDGE)
                return 0;

        return bus_error_set(error, BUS_ERROR_INVALID_ARGS, "actor: a bridge must name the person for whom it speaks");
}

static int read_gids(sd_bus_message *reply, gid_t **gids, size_t *n_gids) {
        const void *data;
        size_t size;
        int r;

        r = sd_bus_message_enter_container(reply, 'v', "au");
        if (r < 0)
                return r;
        r = sd_bus_message_read_array(reply, 'u', &data, &size);
        if (r < 0)
                return r;
        if (size > 0) {
                gid_t *copy = malloc(size);

                if (!copy)
                        return -ENOMEM;
                free(*gids);
                *gids = memcpy(copy, data, size);
                *n_gids = size / sizeof(gid_t);
        }

        return sd_bus_message_exit_container(reply);
}

/* The answer of GetConnectionCredentials, a{sv}; groups are in it where the bus knows them. */
static int read_credentials(sd_bus_message *reply, uid_t *ret_uid, gid_t **gids, size_t *n_gids) {
        bool has_uid = false;
        uint32_t uid = 0;
        int r;

        r = sd_bus_message_enter_container(reply, 'a', "{sv}");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_enter_container(reply, 'e', "sv")) > 0) {
                const char *key;

                r = sd_bus_message_read(reply, "s", &key);
                if (r < 0)
                        return r;
                if (strcmp(key, "UnixUserID") == 0) {
                        r = sd_bus_message_read(reply, "v", "u", &uid);
                        has_uid = r >= 0;
                } else if (strcmp(key, "UnixGroupIDs") == 0)
                        r = read_gids(reply, gids, n_gids);
                else
                        r = sd_bus_message_skip(reply, "v");
                if (r < 0)
                        return r;
                r = sd_bus_message_exit_container(reply);
                if (r < 0)
                        return r;
        }
        if (r < 0)
                return r;
        if (!has_uid)
                return -ENODATA;

        *ret_uid = uid;
        return 0;
}

/*
 * A caller has the roles of the groups that its process carries (a service with SupplementaryGroups= is in no database)
 * and of those in which the user database lists its user (someone who was just added need not log in anew).
 */
static int find_roles(BusCall *call, sd_bus_message *reply) {
        _cleanup_free_ gid_t *gids = NULL;
        AuthorizeFacts facts = {
                .daemon_uid = geteuid(),
                .is_system_bus = strcmp(call->bus->address, "system") == 0,
        };
        size_t n_gids = 0;
        int r;

        r = read_credentials(reply, &facts.uid, &gids, &n_gids);
        if (r < 0)
                return r;
        r = groups_of_user(facts.uid, &gids, &n_gids);
        if (r < 0)
                log_debug("The groups of user %u cannot be read: %s", (unsigned)facts.uid, strerror(-r));

        groups_find_roles(facts.role_gids);
        facts.gids = gids;
        facts.n_gids = n_gids;
        call->uid = facts.uid;
        call->roles = authorize_roles(&facts);

        return 0;
}

static int call_authorize(BusCall *call, sd_bus_message *reply, sd_bus_error *error) {
        char text[256];
        int r;

        r = find_roles(call, reply);
        if (r < 0) {
                log_debug("The caller's credentials cannot be read: %s", strerror(-r));
                return bus_error_set(error, BUS_ERROR_ACCESS_DENIED, UNKNOWN_CALLER);
        }
        /* Anyone may list consents; what is left out for those without a role is decided there. */
        if (call->verb != BUS_VERB_LIST_CONSENTS && !authorize_verb(call->verb, call->roles)) {
                authorize_describe(call->verb, text, sizeof(text));
                return bus_error_set(error, BUS_ERROR_ACCESS_DENIED, text);
        }

        return call_check_actor(call, error);
}

static int call_on_credentials(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(call_freep) BusCall *call = userdata;
        int r;

        call->slot = sd_bus_slot_unref(call->slot);
        if (sd_bus_message_is_method_error(reply, NULL)) {
                call_fail(call, BUS_ERROR_ACCESS_DENIED, UNKNOWN_CALLER); /* most likely it has left */
                return 0;
        }

        r = call_authorize(call, reply, &error);
        if (r >= 0)
                r = call->proceed(call, &error);
        if (r == CALL_LENT)
                call = NULL;
        else if (r < 0 && sd_bus_error_is_set(&error))
                (void)sd_bus_reply_method_error(call->message, &error); /* the caller may have left */
        else if (r < 0) {
                log_warning("A call could not be carried out: %s.", strerror(-r));
                call_fail(call, BUS_ERROR_FAILED, NULL);
        }

        return 0;
}

static size_t n_calls_of(const Bus *bus, const char *caller) {
        size_t n = 0;

        for (const BusCall *call = bus->calls; call; call = call->next)
                n += strcmp(sd_bus_message_get_sender(call->message), caller) == 0;

        return n;
}

static int refuse_one_more(sd_bus_message *message) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

        (void)bus_error_set(&error, BUS_ERROR_TOO_MANY, NULL); /* returns the errno that goes with the name */
        return sd_bus_reply_method_error(message, &error);
}

/**
 * call_start() - find out who calls, then go on if it has the right
 * @bus:        the bus
 * @message:    the call; referenced
 * @verb:       what it wants
 * @request:    its arguments, copied; or NULL
 * @proceed:    called when the caller has the right
 *
 * Return: 1, for a method handler to return; < 0 for sd-bus.
 */
int call_start(Bus *bus, sd_bus_message *message, BusVerb verb, const BusRequest *request, CallProceed proceed) {
        _cleanup_(call_freep) BusCall *call = NULL;
        int r;

        if (n_calls_of(bus, sd_bus_message_get_sender(message)) >= CALLS_PER_CALLER_MAX)
                return refuse_one_more(message);
        call = calloc(1, sizeof(*call));
        if (!call)
                return -ENOMEM;
        call->verb = verb;
        call->proceed = proceed;
        call->message = sd_bus_message_ref(message);
        if (request)
                call->request = *request;

        r = sd_bus_call_method_async(bus->connection, &call->slot, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                     "org.freedesktop.DBus", "GetConnectionCredentials", call_on_credentials, call, "s",
                                     sd_bus_message_get_sender(message));
        if (r < 0)
                return r;
        call->bus = bus;
        call->next = bus->calls;
        bus->calls = TAKE_PTR(call);

        return 1;
}
