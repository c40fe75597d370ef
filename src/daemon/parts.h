/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The parts of the daemon, shared by the file that starts and stops them and the one that carries their news.
 */
#include <stdbool.h>
#include "trailkeep/bus.h"
#include "trailkeep/clock.h"
#include "trailkeep/config.h"
#include "trailkeep/gate.h"
#include "trailkeep/gnss.h"
#include "trailkeep/http.h"
#include "trailkeep/journal.h"
#include "trailkeep/outbox.h"
#include "trailkeep/store.h"
#include "truth.h"

typedef struct Daemon Daemon;

struct Daemon {
        const Clock *clock;
        const Config *config;
        char *root_secret_path, *next_root_secret_path;
        char *device_key_path;
        Journal *journal;
        Truth *truth;
        Gate *gate;
        Http *http;
        Store *store;
        Outbox *outbox;
        Gnss *gnss;
        Bus *bus;
        bool is_refusing; /* the journal has no room; said once */
        bool has_said_expired;
};

GnssObserver news_from_gnss(Daemon *d);
void news_wire(Daemon *d);
void news_log_damage(const JournalDamage *damage);
void news_time_changed(void *userdata);
void news_apply_location(Daemon *d, bool is_granted);
