/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The one table of who may do what on the bus. Floor 5, pure.
 *
 * Withdrawing and erasing are open to every role, since they can only make less be known; granting and reading a
 * position are the affair of the person concerned, so an operator may do neither. The
 * keys are the affair of whoever keeps the box, so a bridge may not change them. Where no one is asked for (status
 * without personal data) there is no verb.
 */
#include <stdio.h>
#include "authorize.h"
#include "trailkeep/macros.h"

#define OWNER (UINT32_C(1) << BUS_ROLE_OWNER)
#define GUARDIAN (UINT32_C(1) << BUS_ROLE_GUARDIAN)
#define OPERATOR (UINT32_C(1) << BUS_ROLE_OPERATOR)
#define BRIDGE (UINT32_C(1) << BUS_ROLE_BRIDGE)
#define PERSON (OWNER | GUARDIAN | BRIDGE)
#define ANY_ROLE (PERSON | OPERATOR)

static const uint32_t verb_roles[BUS_VERB_MAX] = {
        [BUS_VERB_LIST_CONSENTS] = ANY_ROLE,
        [BUS_VERB_GET_LAST_FIX] = PERSON,
        [BUS_VERB_GET_INSTALLATION] = ANY_ROLE,
        [BUS_VERB_GRANT] = PERSON,
        [BUS_VERB_WITHDRAW] = ANY_ROLE,
        [BUS_VERB_SUMMARIZE] = ANY_ROLE,
        [BUS_VERB_ERASE] = ANY_ROLE,
        [BUS_VERB_ERASE_EVERYTHING] = OWNER | GUARDIAN | OPERATOR,
        [BUS_VERB_READ_ERASURES] = ANY_ROLE,
        [BUS_VERB_FLUSH] = ANY_ROLE,
        [BUS_VERB_ROTATE_KEYS] = OWNER | GUARDIAN | OPERATOR,
        [BUS_VERB_START_EVIDENCE] = OWNER,
        [BUS_VERB_ACKNOWLEDGE_DAMAGE] = OWNER | GUARDIAN | OPERATOR,
};

static const struct {
        const char *name, *group;
} role_names[BUS_ROLE_MAX] = {
        [BUS_ROLE_OWNER] = { "owner", "trailkeep-owner" },
        [BUS_ROLE_GUARDIAN] = { "guardian", "trailkeep-guardian" },
        [BUS_ROLE_OPERATOR] = { "operator", "trailkeep-operator" },
        [BUS_ROLE_BRIDGE] = { "bridge", "trailkeep-bridge" },
};

/**
 * authorize_roles() - the roles of a caller
 * @facts:      who it is
 *
 * Root can do anything on the box anyway, and counts as the owner; on a bus that is not the system bus so does the user
 * that runs the daemon.
 *
 * Return: bit mask 1 << BusRole.
 */
uint32_t authorize_roles(const AuthorizeFacts *facts) {
        uint32_t roles = 0;

        if (facts->uid == 0 || (!facts->is_system_bus && facts->uid == facts->daemon_uid))
                roles |= OWNER;
        for (BusRole role = 0; role < BUS_ROLE_MAX; role++) {
                if (facts->role_gids[role] == BUS_GID_NONE)
                        continue;
                for (size_t i = 0; i < facts->n_gids; i++)
                        if (facts->gids[i] == facts->role_gids[role])
                                roles |= UINT32_C(1) << role;
        }

        return roles;
}

/**
 * authorize_verb() - whether a caller may do something
 * @verb:       what
 * @roles:      of the caller
 *
 * Return: true if one of the roles may.
 */
bool authorize_verb(BusVerb verb, uint32_t roles) {
        return (verb_roles[verb] & roles) != 0;
}

/**
 * authorize_role_for() - the role in which a caller does something, for the ledger
 * @verb:       what, and one of @roles may do it
 * @roles:      of the caller
 * @has_actor:  it names someone for whom it speaks: then it acts as a bridge, if it is one
 *
 * Return: the first role in the order of the enum that may, or BUS_ROLE_MAX: none.
 */
BusRole authorize_role_for(BusVerb verb, uint32_t roles, bool has_actor) {
        uint32_t able = verb_roles[verb] & roles;
        BusRole role = BUS_ROLE_OWNER;

        if (has_actor && able & BRIDGE)
                return BUS_ROLE_BRIDGE;
        while (role < BUS_ROLE_MAX && !(able & UINT32_C(1) << role))
                role++;

        return role;
}

/**
 * authorize_role_to_string() - name of a role
 * @role:       which
 *
 * Return: as in the ledger and on the bus.
 */
const char *authorize_role_to_string(BusRole role) {
        return role_names[role].name;
}

/**
 * authorize_role_to_group() - the Unix group that is a role
 * @role:       which
 *
 * Return: its name.
 */
const char *authorize_role_to_group(BusRole role) {
        return role_names[role].group;
}

/**
 * authorize_describe() - who may do something, as a sentence for those who may not
 * @verb:       what
 * @ret_text:   the sentence, cut off if it does not fit
 * @size:       of @ret_text, at least 1
 */
void authorize_describe(BusVerb verb, char *ret_text, size_t size) {
        const char *before = "Only for members of the group ";
        size_t used = 0;

        ret_text[0] = '\0';
        for (BusRole role = 0; role < BUS_ROLE_MAX; role++) {
                int n;

                if (!(verb_roles[verb] & UINT32_C(1) << role))
                        continue;
                n = snprintf(ret_text + used, size - used, "%s%s", before, role_names[role].group);
                if (n < 0 || (size_t)n >= size - used)
                        return;
                used += (size_t)n;
                before = " or ";
        }
}
