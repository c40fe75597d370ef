/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A method call that needs a right, from its arrival to its answer.
 *
 *   call_start() -> the bus says who the caller is -> denied, answered, freed
 *                                                  `-> proceed() -> answers at once, freed
 *                                                                `-> lends the call to a module below, whose completion
 *                                                                    takes it back with call_take(), answers, frees
 *
 * The caller may vanish, the connection may be lost and the daemon may stop at every arrow.
 */
#include <stdbool.h>
#include <systemd/sd-bus.h>
#include "trailkeep/macros.h"
#include "arguments.h"
#include "authorize.h"
#include "error.h"

typedef struct Bus Bus;
typedef struct BusCall BusCall;

enum { CALL_LENT = 1 }; /* outcome of proceed(): a completion will follow */

/* 0: answered; CALL_LENT; < 0: of bus_error_set(). */
typedef int (*CallProceed)(BusCall *call, sd_bus_error *error);

struct BusCall {
        Bus *bus; /* NULL: it is gone, and so is the message */
        BusCall *next;
        sd_bus_message *message;
        sd_bus_slot *slot; /* while the bus is asked who the caller is */
        BusVerb verb;
        BusRequest request;
        CallProceed proceed;
        uint32_t uid;   /* of the caller */
        uint32_t roles; /* of the caller */
};

int call_start(Bus *bus, sd_bus_message *message, BusVerb verb, const BusRequest *request,
               CallProceed proceed) _must_check_;
BusCall *call_free(BusCall *call);
DEFINE_CLEANUP(BusCall, call_free);
BusCall *call_take(void *userdata);
GateActor call_actor(const BusCall *call);
int call_require_actor(const BusCall *call, sd_bus_error *error) _must_check_;
void call_fail(BusCall *call, BusError which, const char *detail);
int call_reply(BusCall *call, sd_bus_message *reply);
void call_abandon_all(Bus *bus);
