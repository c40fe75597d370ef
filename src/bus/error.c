/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The table outcome -> D-Bus error. Floor 5, pure.
 *
 * The names are part of the contract in data/dbus; the sentences are for people and may change.
 */
#include <errno.h>
#include "error.h"
#include "trailkeep/gate.h"

#define OURS "org.trailkeep.Error."

static const struct {
        const char *name, *sentence;
} errors[BUS_ERROR_MAX] = {
        [BUS_ERROR_ACCESS_DENIED] = {
                SD_BUS_ERROR_ACCESS_DENIED,
                "Not allowed",
        },
        [BUS_ERROR_INVALID_ARGS] = {
                SD_BUS_ERROR_INVALID_ARGS,
                "An argument is not valid",
        },
        [BUS_ERROR_TOO_MANY] = {
                SD_BUS_ERROR_LIMITS_EXCEEDED,
                "Too many calls of this caller wait for their answer; wait for some of them, then try again",
        },
        [BUS_ERROR_NO_FIX] = {
                OURS "NoFix",
                "The receiver has not reported a position yet",
        },
        [BUS_ERROR_NOT_GRANTED] = {
                OURS "NotGranted",
                "The purpose location is off",
        },
        [BUS_ERROR_OVERTAKEN] = {
                OURS "Overtaken",
                "A withdrawal was asked meanwhile; the purpose is off",
        },
        [BUS_ERROR_LEDGER] = {
                OURS "LedgerDamaged",
                "The consent ledger failed its check when the daemon started, so nothing can be granted; "
                "withdrawing and erasing still work. The log names the file",
        },
        [BUS_ERROR_GRANT_NOT_DURABLE] = {
                OURS "NotDurable",
                "The grant could not be written and does not hold; the log has the reason",
        },
        [BUS_ERROR_GRANT_FULL] = {
                OURS "Full",
                "There is no room to write the grant, and it does not hold; free some space, then grant again",
        },
        [BUS_ERROR_WITHDRAW_NOT_DURABLE] = {
                OURS "NotDurable",
                "The purpose is off, but the withdrawal could not be written: it holds only until the daemon "
                "restarts, and nothing was erased. Mend what the log names, then withdraw again",
        },
        [BUS_ERROR_WITHDRAW_FULL] = {
                OURS "Full",
                "The purpose is off, but there is no room to write the withdrawal: it holds only until the daemon "
                "restarts, and nothing was erased. Free some space, then withdraw again",
        },
        [BUS_ERROR_ERASE_NOT_DURABLE] = {
                OURS "NotDurable",
                "Nothing was erased, since the request could not be written. Mend what the log names, then try "
                "again",
        },
        [BUS_ERROR_ERASE_FULL] = {
                OURS "Full",
                "Nothing was erased, since there is no room to write the request. Free some space, then try again",
        },
        [BUS_ERROR_EVERYTHING_NOT_DURABLE] = {
                OURS "NotDurable",
                "Every purpose is off, but the request could not be written: that holds only until the daemon restarts, "
                "and nothing was erased. Mend what the log names, then try again",
        },
        [BUS_ERROR_EVERYTHING_FULL] = {
                OURS "Full",
                "Every purpose is off, but there is no room to write the request: that holds only until the daemon "
                "restarts, and nothing was erased. Free some space, then try again",
        },
        [BUS_ERROR_KEYS_NOT_DURABLE] = {
                OURS "NotDurable",
                "The keys are as they were, since the change could not be written. Mend what the log names, then try "
                "again",
        },
        [BUS_ERROR_KEYS_FULL] = {
                OURS "Full",
                "The keys are as they were, since there is no room to write the change. Free some space, then try "
                "again",
        },
        [BUS_ERROR_ACKNOWLEDGE_NOT_DURABLE] = {
                OURS "NotDurable",
                "The damage is still shown, since it could not be written that you took note of it. Mend what the log "
                "names, then try again",
        },
        [BUS_ERROR_NO_STORE] = {
                OURS "NoStore",
                "No store is configured; what is recorded stays on this box",
        },
        [BUS_ERROR_NOT_SENT] = {
                OURS "NotSent",
                "Not everything could be sent; nothing is lost, and the daemon tries again",
        },
        [BUS_ERROR_STOPPING] = {
                OURS "Stopping",
                "The daemon is stopping; whether the request was carried out shows when it is back",
        },
        [BUS_ERROR_FAILED] = {
                OURS "Failed",
                "Unexpected error; the log has the reason",
        },
};

/**
 * bus_error_sentence() - what an error says, for the log
 * @which:      of the table
 *
 * Return: one sentence, without a full stop.
 */
const char *bus_error_sentence(BusError which) {
        return errors[which].sentence;
}

/**
 * bus_error_set() - fill in an error
 * @error:      set
 * @which:      of the table
 * @detail:     more about this case, put after the sentence; replaces it where the sentence says nothing by itself;
 * NULL
 *
 * Return: a negative number for the caller to return to sd-bus.
 */
int bus_error_set(sd_bus_error *error, BusError which, const char *detail) {
        if (!detail || detail[0] == '\0')
                return sd_bus_error_set(error, errors[which].name, errors[which].sentence);
        if (which == BUS_ERROR_ACCESS_DENIED || which == BUS_ERROR_INVALID_ARGS)
                return sd_bus_error_set(error, errors[which].name, detail);

        return sd_bus_error_setf(error, errors[which].name, "%s: %s", errors[which].sentence, detail);
}

static BusError not_written(BusVerb verb, bool is_full) {
        switch (verb) {
        case BUS_VERB_GRANT:
                return is_full ? BUS_ERROR_GRANT_FULL : BUS_ERROR_GRANT_NOT_DURABLE;
        case BUS_VERB_WITHDRAW:
                return is_full ? BUS_ERROR_WITHDRAW_FULL : BUS_ERROR_WITHDRAW_NOT_DURABLE;
        case BUS_VERB_ERASE:
                return is_full ? BUS_ERROR_ERASE_FULL : BUS_ERROR_ERASE_NOT_DURABLE;
        case BUS_VERB_ERASE_EVERYTHING:
                return is_full ? BUS_ERROR_EVERYTHING_FULL : BUS_ERROR_EVERYTHING_NOT_DURABLE;
        case BUS_VERB_ROTATE_KEYS:
        case BUS_VERB_START_EVIDENCE:
                return is_full ? BUS_ERROR_KEYS_FULL : BUS_ERROR_KEYS_NOT_DURABLE;
        case BUS_VERB_LIST_CONSENTS:
        case BUS_VERB_GET_LAST_FIX:
        case BUS_VERB_GET_INSTALLATION:
        case BUS_VERB_SUMMARIZE:
        case BUS_VERB_READ_ERASURES:
        case BUS_VERB_FLUSH:
        case BUS_VERB_ACKNOWLEDGE_DAMAGE:
        case BUS_VERB_MAX:
                break;
        }

        return BUS_ERROR_FAILED;
}

/**
 * bus_error_from_gate() - what a result of the gate means to the caller
 * @verb:       what was asked: granting, withdrawing, erasing or changing the keys
 * @r:          a result other than 0
 *
 * Return: of the table. Whatever kept a decision from the disk, known or not, is said in terms of what holds now.
 */
BusError bus_error_from_gate(BusVerb verb, int r) {
        if (r == GATE_E_OVERTAKEN)
                return BUS_ERROR_OVERTAKEN;
        if (r == GATE_E_LEDGER)
                return BUS_ERROR_LEDGER;
        if (r == -ECANCELED)
                return BUS_ERROR_STOPPING;

        return not_written(verb, r == GATE_E_FULL);
}
