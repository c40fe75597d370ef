/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A real dbus-daemon, our face on it with the real gate and stand-ins below, and callers: one in this process with a
 * connection of its own, and strangers in processes of their own.
 */
#include <stdbool.h>
#include <sys/types.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>
#include "bus/authorize.h"
#include "fake-journal.h"
#include "fake-modules.h"
#include "trailkeep/bus.h"

#define DEADLINE_USEC (20 * USEC_PER_SEC)

typedef struct Face {
        char folder[64], address[128];
        const char *type; /* "session" or "system" */
        bool is_blind;    /* the bus tells no one who anyone is */
        pid_t daemon;
        sd_event *event;
        FakeStock stock;
        Gnss gnss;
        Outbox outbox;
        TrueTime true_time; /* nothing is known */
        Journal *journal;
        Gate *gate;
        Bus *bus;
        sd_bus *client;
        bool is_completing; /* what decides is completed by itself, with: */
        int result;
} Face;

/* An answer, or the lack of one. */
typedef struct Reply {
        bool is_done;
        sd_bus_message *message; /* NULL with an error */
        char error[128], text[2048]; /* with an answer from another process, text has every string in it */
} Reply;

/* The journal below: fake-stock.c or real-journal.c, whichever is linked. */
void below_open(Face *face);
void below_turn(Face *face);
void below_close(Face *face);

int face_setup(void **state);        /* bus of type session, completing */
int face_setup_system(void **state); /* bus of type system with the policy that is shipped */
int face_setup_blind(void **state);  /* like face_setup(), but the bus tells no one who anyone is */
int face_teardown(void **state);

void face_start_daemon(Face *face);
void face_stop_daemon(Face *face);
int face_open(Face *face, char text[static 512]); /* bus_new() */
void face_connect_client(Face *face);
void face_turn(Face *face); /* one turn of the loop and of the stand-ins */
void face_wait(Face *face, const bool *is_done); /* turns until it is, fails at the deadline */

/* Calls from this process; the path is /org/trailkeep unless a call says otherwise. */
void face_send(Face *face, Reply *reply, const char *interface, const char *member, const char *types, ...);
void face_send_to(Face *face, Reply *reply, const char *path, const char *interface, const char *member,
                  const char *types, ...);
Reply *face_call(Face *face, Reply *reply, const char *interface, const char *member, const char *types, ...);
Reply *face_get(Face *face, Reply *reply, const char *path, const char *interface, const char *property);
void reply_clear(Reply *reply);

void assert_replied(const Reply *reply);
void assert_error(const Reply *reply, const char *name, const char *part_of_text);
int face_dictionary_find(sd_bus_message *message, const char *key,
                         const char *type); /* enters the variant; 0: not there */

/* Who the next callers from other processes are: members of one role's group, or of none with BUS_ROLE_MAX. */
void stranger_be(BusRole role);
Reply *stranger_call(Face *face, Reply *reply, const char *interface, const char *member, const char *types, ...);
Reply *stranger_get(Face *face, Reply *reply, const char *path, const char *interface, const char *property);

#define DEVICE "org.trailkeep.Device1"
#define CONSENT "org.trailkeep.Consent1"
#define DATA "org.trailkeep.Data1"
#define ERASURE "org.trailkeep.Erasure1"
#define SYNC "org.trailkeep.Sync1"
#define JOURNAL "org.trailkeep.Journal1"
#define PROPERTIES "org.freedesktop.DBus.Properties"
#define OURS "org.trailkeep.Error."
