/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Who may do what. Pure: the facts about a caller are handed in.
 *
 * A role is a Unix group. A bridge serves people it has authenticated itself, and names the one it speaks for.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef enum BusRole { BUS_ROLE_OWNER, BUS_ROLE_GUARDIAN, BUS_ROLE_OPERATOR, BUS_ROLE_BRIDGE, BUS_ROLE_MAX } BusRole;

typedef enum BusVerb {
        BUS_VERB_LIST_CONSENTS, /* the rest is for everyone: what is on; for a role: who turned it on, and when */
        BUS_VERB_GET_LAST_FIX,
        BUS_VERB_GET_INSTALLATION,
        BUS_VERB_GRANT,
        BUS_VERB_WITHDRAW,
        BUS_VERB_SUMMARIZE,
        BUS_VERB_ERASE,
        BUS_VERB_ERASE_EVERYTHING,
        BUS_VERB_READ_ERASURES,
        BUS_VERB_FLUSH,
        BUS_VERB_ROTATE_KEYS,
        BUS_VERB_START_EVIDENCE,
        BUS_VERB_ACKNOWLEDGE_DAMAGE,
        BUS_VERB_MAX,
} BusVerb;

#define BUS_GID_NONE ((gid_t)-1)

typedef struct AuthorizeFacts {
        uid_t uid;                     /* of the caller */
        uid_t daemon_uid;
        bool is_system_bus;
        gid_t role_gids[BUS_ROLE_MAX]; /* BUS_GID_NONE: there is no such group on this box */
        const gid_t *gids;             /* of the caller, all of them */
        size_t n_gids;
} AuthorizeFacts;

uint32_t authorize_roles(const AuthorizeFacts *facts);
bool authorize_verb(BusVerb verb, uint32_t roles);
BusRole authorize_role_for(BusVerb verb, uint32_t roles, bool has_actor);
const char *authorize_role_to_string(BusRole role);
const char *authorize_role_to_group(BusRole role);
void authorize_describe(BusVerb verb, char *ret_text, size_t size);
