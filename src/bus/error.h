/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The one table from what went wrong to a D-Bus error: its name, and a sentence that says what holds now and what to
 * do.
 */
#include <systemd/sd-bus.h>
#include "authorize.h"
#include "trailkeep/macros.h"

typedef enum BusError {
        BUS_ERROR_ACCESS_DENIED,
        BUS_ERROR_INVALID_ARGS,
        BUS_ERROR_TOO_MANY,
        BUS_ERROR_NO_FIX,
        BUS_ERROR_NOT_GRANTED,
        BUS_ERROR_OVERTAKEN,
        BUS_ERROR_LEDGER,
        BUS_ERROR_GRANT_NOT_DURABLE,
        BUS_ERROR_GRANT_FULL,
        BUS_ERROR_WITHDRAW_NOT_DURABLE,
        BUS_ERROR_WITHDRAW_FULL,
        BUS_ERROR_ERASE_NOT_DURABLE,
        BUS_ERROR_ERASE_FULL,
        BUS_ERROR_EVERYTHING_NOT_DURABLE,
        BUS_ERROR_EVERYTHING_FULL,
        BUS_ERROR_KEYS_NOT_DURABLE,
        BUS_ERROR_KEYS_FULL,
        BUS_ERROR_ACKNOWLEDGE_NOT_DURABLE,
        BUS_ERROR_NO_STORE,
        BUS_ERROR_NOT_SENT,
        BUS_ERROR_STOPPING,
        BUS_ERROR_FAILED,
        BUS_ERROR_MAX,
} BusError;

const char *bus_error_sentence(BusError which);
int bus_error_set(sd_bus_error *error, BusError which, const char *detail);
BusError bus_error_from_gate(BusVerb verb, int r);
