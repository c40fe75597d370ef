/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The D-Bus face: org.trailkeep at /org/trailkeep. The contract is the XML files in data/dbus; one file per interface
 * in src/bus/. Floor 5. Signals carry state, never a coordinate.
 */
#include <stdbool.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>
#include "clock.h"
#include "gate.h"
#include "gnss.h"
#include "journal.h"
#include "macros.h"
#include "outbox.h"
#include "truetime.h"

typedef struct Bus Bus;

typedef struct BusOptions {
        const char *address; /* "system", "session" or a D-Bus address */
        const Clock *clock;
        Gate *gate;
        Gnss *gnss;
        Journal *journal;
        Outbox *outbox;
        const TrueTime *true_time;
} BusOptions;

/* Connects, exports everything, then asks for the name. Sentence into text on failure. */
int bus_new(sd_event *event, const BusOptions *options, Bus **ret, char text[static 512]) _must_check_;
Bus *bus_free(Bus *bus); /* releases the name, flushes */
DEFINE_CLEANUP(Bus, bus_free);

/* News from below, wired by daemon/; each emits what the contract says. */
void bus_consent_changed(Bus *bus, Purpose purpose, bool is_granted);
void bus_gnss_changed(Bus *bus);
void bus_sync_changed(Bus *bus);
void bus_journal_changed(Bus *bus);
void bus_media_changed(Bus *bus);
void bus_journal_damaged(Bus *bus); /* noticed, or acknowledged */
void bus_time_changed(Bus *bus);
