/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Reading the arguments of methods, strictly: each complaint begins with the name of the argument.
 */
#include <systemd/sd-bus.h>
#include "trailkeep/gate.h"
#include "trailkeep/macros.h"

/* What a caller asks, of whichever method. */
typedef struct BusRequest {
        Purpose purpose;
        bool is_kept;
        GateErase scope;
        char actor[GATE_ACTOR_MAX]; /* "" none */
        char clip[RECORD_CLIP_MAX + 1]; /* "" none */
        uint64_t erasure;           /* number of the object; 0 none */
        char property[32];          /* "" all */
} BusRequest;

int arguments_read_purpose(sd_bus_message *message, BusRequest *request, sd_bus_error *error) _must_check_;
int arguments_read_grant(sd_bus_message *message, BusRequest *request, sd_bus_error *error) _must_check_;
int arguments_read_withdraw(sd_bus_message *message, BusRequest *request, sd_bus_error *error) _must_check_;
int arguments_read_erase(sd_bus_message *message, BusRequest *request, sd_bus_error *error) _must_check_;
