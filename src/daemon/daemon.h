/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Everything wired together: who is started in which order, and whose news goes to whom.
 */
#include <systemd/sd-event.h>
#include "trailkeep/clock.h"
#include "trailkeep/config.h"
#include "trailkeep/macros.h"

typedef struct Daemon Daemon;

enum { DAEMON_E_SETUP = 1 }; /* outcome of daemon_new(): trying again does not help, a person has to */

int daemon_new(sd_event *event, const Clock *clock, const Config *config, const char *bus_address,
               Daemon **ret) _must_check_;
Daemon *daemon_free(Daemon *daemon);
DEFINE_CLEANUP(Daemon, daemon_free);
