/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A daemon that is none: it takes the name org.trailkeep, implements the contract in data/dbus, and answers from a
 * script. It tests what trailkeepctl makes of each answer, refusals and silences included, that a real daemon gives
 * only on a bad day.
 *
 *   fake-daemon ADDRESS       prints "ready" when it has the name
 *
 * Commands, one a line on standard input; "ok" is printed when it is done:
 *   fail METHOD ERROR TEXT    from now on METHOD (Grant, Summary, GetAll...) answers that error
 *   state INTERFACE STATE     Device1's or Sync1's State, announced
 *   consent PURPOSE 0|1       Consent1.Changed
 *   pending N                 the track lane's pending counter, announced
 *   deletable N               the next erasure concerns N objects in the store
 *   deleted N                 ObjectsDeleted of that erasure, announced without its value
 *   position                  a PropertiesChanged that betrays a position, as no daemon may send it
 *   flush                     answers the waiting Flush, or the next one
 *   chain N                   the chain of evidence whose key was given out, 0: none
 *   calls                     prints "call METHOD ARGUMENTS" for each decision, erasure and flush since the last time
 *   quit                      leaves at once, calls unanswered
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "fake-daemon.h"

#define ROOT "/org/trailkeep"
#define ERASURE ROOT "/erasure/1"
#define OTHER_ERASURE ROOT "/erasure/2"
#define DEVICE "org.trailkeep.Device1"
#define CONSENT "org.trailkeep.Consent1"
#define DATA "org.trailkeep.Data1"
#define SYNC "org.trailkeep.Sync1"
#define ERASURE_INTERFACE "org.trailkeep.Erasure1"

#define SINCE_MS INT64_C(1795454000000)

/* The arguments as JSON; the message is left at its beginning. */
int note_call(Fake *fake, sd_bus_message *call) {
        _cleanup_json_ json_t *arguments = NULL;
        _cleanup_free_ char *text = NULL;
        size_t n = strlen(fake->calls);
        int r;

        r = bus_message_to_json(call, &arguments);
        if (r < 0)
                return r;
        text = json_dumps(arguments, JSON_COMPACT | JSON_ENCODE_ANY);
        if (!text)
                return -ENOMEM;

        snprintf(fake->calls + n, sizeof(fake->calls) - n, "call %s %s\n", sd_bus_message_get_member(call), text);
        return sd_bus_message_rewind(call, true);
}

/* 1 when the call was answered with the scripted error. */
int fail_as_told(Fake *fake, sd_bus_message *call) {
        for (size_t i = 0; i < fake->n_failures; i++)
                if (strcmp(fake->failures[i].method, sd_bus_message_get_member(call)) == 0)
                        return sd_bus_reply_method_errorf(call, fake->failures[i].error, "%s", fake->failures[i].text) <
                                                               0
                                               ? -EIO
                                               : 1;

        return 0;
}

/* ---- Device1 ---- */

static int get_last_fix(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        int r = fail_as_told(userdata, call);

        if (r != 0)
                return r;
        return sd_bus_reply_method_return(call, "a{sv}", 8, "time", "x", SINCE_MS, "mode", "i", 3, "lat", "d", 52.5163,
                                          "lon", "d", 13.3777, "altMSL", "d", 34.5, "speed", "d", 10.0, "track", "d",
                                          271.4, "eph", "d", 3.25);
}

static int get_lanes(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                     void *userdata, sd_bus_error *error) {
        uint64_t pending = ((Fake *)userdata)->pending;
        uint64_t expired = strcmp(((Fake *)userdata)->device_state, "degraded") == 0 ? 7 : 0;
        const uint64_t none = 0;

        return sd_bus_message_append(reply, "a{sa{st}}", 2, "alarm", 7, "recorded", none, "pending", none, "stored",
                                     none, "parked", none, "expired", none, "evicted", none, "erased", none, "track",
                                     7, "recorded",
                                     UINT64_C(1216) + pending + expired, "pending", pending, "stored", UINT64_C(1200), "parked",
                                     UINT64_C(1), "expired", expired, "evicted", UINT64_C(12), "erased", UINT64_C(3));
}

static int get_device(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                      void *userdata, sd_bus_error *error) {
        const char *state = ((Fake *)userdata)->device_state;

        if (strcmp(property, "State") == 0)
                return sd_bus_message_append(reply, "s", state);
        if (strcmp(property, "GnssState") == 0)
                return sd_bus_message_append(reply, "s", "fixing");
        if (strcmp(property, "Version") == 0)
                return sd_bus_message_append(reply, "s", "0.1.0");
        if (strcmp(property, "TrueTime") == 0)
                return sd_bus_message_append(reply, "s", strcmp(state, "degraded") == 0 ? "none" : "store");
        if (strcmp(property, "ClocksHeldOff") == 0 && strcmp(state, "degraded") == 0)
                return sd_bus_message_append(reply, "as", 2, "kernel", "gnss");
        if (strcmp(property, "ClocksHeldOff") == 0)
                return sd_bus_message_append(reply, "as", 0);
        if (strcmp(property, "FixesFiltered") == 0)
                return sd_bus_message_append(reply, "t", UINT64_C(12345));
        if (strcmp(property, "OldestPending") == 0)
                return sd_bus_message_append(reply, "a{st}", 1, "track", UINT64_C(190));
        if (strcmp(state, "degraded") == 0) /* LastErrors */
                return sd_bus_message_append(reply, "a{ss}", 1, "sync", "the server answers 403 to \033[31mevery PUT");
        return sd_bus_message_append(reply, "a{ss}", 0);
}

static const sd_bus_vtable device_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("GetLastFix", "", "a{sv}", get_last_fix, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_PROPERTY("Version", "s", get_device, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("State", "s", get_device, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("GnssState", "s", get_device, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("FixesFiltered", "t", get_device, 0, 0),
        SD_BUS_PROPERTY("TrueTime", "s", get_device, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("ClocksHeldOff", "as", get_device, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Lanes", "a{sa{st}}", get_lanes, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("OldestPending", "a{st}", get_device, 0, 0),
        SD_BUS_PROPERTY("LastErrors", "a{ss}", get_device, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_VTABLE_END,
};

/* ---- Consent1 ---- */

static int list(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        int r = fail_as_told(userdata, call);

        if (r != 0)
                return r;
        return sd_bus_reply_method_return(call, "aa{sv}", 3, 6, "purpose", "s", "location", "granted", "b", 1, "since",
                                          "x", SINCE_MS, "generation", "t", UINT64_C(1), "uid", "u", UINT32_C(0),
                                          "role", "s", "owner", 7, "purpose", "s", "audio", "granted", "b", 0, "since",
                                          "x", SINCE_MS, "generation", "t", UINT64_C(2), "uid", "u", UINT32_C(4242),
                                          "role", "s", "bridge", "actor", "s", "\xe6\xb7\xb1\xe5\x9c\xb3 Mia", 2,
                                          "purpose", "s", "video", "granted", "b", 0);
}

static int grant(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        int r = fail_as_told(userdata, call);

        if (r != 0)
                return r;
        r = note_call(userdata, call);
        return r < 0 ? r : sd_bus_reply_method_return(call, "");
}

static int withdraw(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        const char *purpose, *key;
        int keep, r = fail_as_told(userdata, call);

        if (r != 0)
                return r;
        r = note_call(userdata, call);
        if (r < 0)
                return r;
        r = sd_bus_message_read(call, "sa{sv}", &purpose, 1, &key, "b", &keep);
        if (r < 0)
                return r;
        if (keep)
                return sd_bus_reply_method_return(call, "a{sv}", 1, "kept", "b", 1);
        return sd_bus_reply_method_return(call, "a{sv}", 6, "kept", "b", 0, "parcels", "t", UINT64_C(2), "records", "t",
                                          UINT64_C(17), "copies", "t", UINT64_C(8), "objects-to-delete", "t", UINT64_C(1),
                                          "erasure", "o", ERASURE);
}

static const sd_bus_vtable consent_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("List", "", "aa{sv}", list, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Grant", "sa{sv}", "", grant, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Withdraw", "sa{sv}", "a{sv}", withdraw, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_SIGNAL("Changed", "sb", 0),
        SD_BUS_VTABLE_END,
};

/* ---- Data1 ---- */

static int summary(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        int r = fail_as_told(userdata, call);

        if (r != 0)
                return r;
        return sd_bus_reply_method_return(call, "a{sa{sv}}", 2, "location", 6, "records", "t", UINT64_C(1204), "bytes",
                                          "t", UINT64_C(307200), "parcels", "t", UINT64_C(9), "objects-stored", "t",
                                          UINT64_C(12), "oldest", "x", SINCE_MS, "newest", "x", SINCE_MS + 60000,
                                          "audio", 4, "records", "t", UINT64_C(0), "bytes", "t", UINT64_C(0), "parcels",
                                          "t", UINT64_C(0), "objects-stored", "t", UINT64_C(0));
}

static int erase(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        int r = fail_as_told(userdata, call);

        if (r != 0)
                return r;
        r = note_call(userdata, call);
        return r < 0 ? r : sd_bus_reply_method_return(call, "o", ERASURE);
}

static int list_erasures(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        int r = fail_as_told(userdata, call);

        if (r != 0)
                return r;
        return sd_bus_reply_method_return(call, "a(oa{sv})", 2, ERASURE, 6, "Purposes", "as", 2, "location", "audio",
                                          "Requested", "x", SINCE_MS, "Records", "t", UINT64_C(17), "Copies", "t",
                                          UINT64_C(8), "ObjectsToDelete", "t", UINT64_C(3), "ObjectsDeleted", "t",
                                          UINT64_C(1), OTHER_ERASURE, 3, "Purposes", "as", 1, "video", "Requested", "x",
                                          SINCE_MS, "Clip", "s", "door \033[31m7");
}

static const sd_bus_vtable data_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("Summary", "", "a{sa{sv}}", summary, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Erase", "a{sv}", "o", erase, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("EraseEverything", "", "o", erase, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("ListErasures", "", "a(oa{sv})", list_erasures, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

static int get_erasure(sd_bus *bus, const char *path, const char *interface, const char *property,
                       sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const Fake *fake = userdata;

        if (strcmp(property, "Purposes") == 0)
                return sd_bus_message_append(reply, "as", 1, "location");
        if (strcmp(property, "ObjectsToDelete") == 0)
                return sd_bus_message_append(reply, "t", fake->to_delete);
        if (strcmp(property, "ObjectsDeleted") == 0)
                return sd_bus_message_append(reply, "t", fake->deleted);
        if (strcmp(property, "Reclaimed") == 0)
                return sd_bus_message_append(reply, "b", 1);
        if (strcmp(property, "Since") == 0)
                return sd_bus_message_append(reply, "x", INT64_MIN);
        if (strcmp(property, "Until") == 0)
                return sd_bus_message_append(reply, "x", INT64_MAX);
        if (strcmp(property, "Requested") == 0)
                return sd_bus_message_append(reply, "x", SINCE_MS);
        if (strcmp(property, "Copies") == 0)
                return sd_bus_message_append(reply, "t", UINT64_C(8));
        return sd_bus_message_append(reply, "t", UINT64_C(17)); /* Records, Parcels */
}

static const sd_bus_vtable erasure_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("Purposes", "as", get_erasure, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Since", "x", get_erasure, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Until", "x", get_erasure, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Requested", "x", get_erasure, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Parcels", "t", get_erasure, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Records", "t", get_erasure, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Copies", "t", get_erasure, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Reclaimed", "b", get_erasure, 0, SD_BUS_VTABLE_PROPERTY_EMITS_INVALIDATION),
        SD_BUS_PROPERTY("ObjectsToDelete", "t", get_erasure, 0, SD_BUS_VTABLE_PROPERTY_EMITS_INVALIDATION),
        SD_BUS_PROPERTY("ObjectsDeleted", "t", get_erasure, 0, SD_BUS_VTABLE_PROPERTY_EMITS_INVALIDATION),
        SD_BUS_VTABLE_END,
};

/* ---- Sync1 ---- */

static int flush(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        Fake *fake = userdata;
        int r = fail_as_told(fake, call);

        if (r != 0)
                return r;
        r = note_call(fake, call);
        if (r < 0)
                return r;
        if (fake->pending == 0 || fake->is_flush_told) {
                fake->is_flush_told = false;
                return sd_bus_reply_method_return(call, "");
        }
        fake->flush = sd_bus_message_ref(call);
        return 1;
}

static int get_sync(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                    void *userdata, sd_bus_error *error) {
        const Fake *fake = userdata;

        if (strcmp(property, "State") == 0)
                return sd_bus_message_append(reply, "s", fake->sync_state);
        if (strcmp(property, "LastError") == 0)
                return sd_bus_message_append(reply, "s", strcmp(fake->sync_state, "held") == 0 ? "403 Forbidden" : "");
        return sd_bus_message_append(reply, "t", fake->to_delete - fake->deleted);
}

static const sd_bus_vtable sync_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("Flush", "", "", flush, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_PROPERTY("State", "s", get_sync, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("LastError", "s", get_sync, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("PendingDeletions", "t", get_sync, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_VTABLE_END,
};

/* ---- the script ---- */

static int set_failure(Fake *fake, const char *method, const char *error, const char *text) {
        Failure *failure;

        if (fake->n_failures >= ELEMENTSOF(fake->failures) || !method || !error || !text)
                return -EINVAL;
        failure = &fake->failures[fake->n_failures++];
        snprintf(failure->method, sizeof(failure->method), "%s", method);
        snprintf(failure->error, sizeof(failure->error), "%s", error);
        snprintf(failure->text, sizeof(failure->text), "%s", text);
        return 0;
}

static int set_state(Fake *fake, const char *interface, const char *state) {
        if (!interface || !state)
                return -EINVAL;
        if (strcmp(interface, "Sync1") == 0) {
                snprintf(fake->sync_state, sizeof(fake->sync_state), "%s", state);
                return sd_bus_emit_properties_changed(fake->bus, ROOT, SYNC, "State", "LastError", NULL);
        }

        snprintf(fake->device_state, sizeof(fake->device_state), "%s", state);
        return sd_bus_emit_properties_changed(fake->bus, ROOT, DEVICE, "State", "LastErrors", NULL);
}

static int betray_position(Fake *fake) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *signal = NULL;
        int r;

        r = sd_bus_message_new_signal(fake->bus, &signal, ROOT, "org.freedesktop.DBus.Properties", "PropertiesChanged");
        if (r < 0)
                return r;
        r = sd_bus_message_append(signal, "sa{sv}as", DEVICE, 3, "State", "d", 52.5163, "LastFix", "s",
                                  "52.5163 13.3777", "Lanes", "d", 13.3777, 0);
        if (r < 0)
                return r;

        return sd_bus_send(fake->bus, signal, NULL);
}

static int answer_flush(Fake *fake) {
        int r;

        if (!fake->flush) {
                fake->is_flush_told = true;
                return 0;
        }
        r = sd_bus_reply_method_return(fake->flush, "");
        fake->flush = sd_bus_message_unref(fake->flush);
        return r;
}

static uint64_t number(const char *text) {
        return text ? strtoull(text, NULL, 10) : 0;
}

static int obey(Fake *fake, char *line) {
        const char *command = strsep(&line, " ");
        const char *first = line ? strsep(&line, " ") : NULL, *second = line;

        if (strcmp(command, "fail") == 0) {
                const char *error = line ? strsep(&line, " ") : NULL;

                return set_failure(fake, first, error, line);
        }
        if (strcmp(command, "state") == 0)
                return set_state(fake, first, second);
        if (strcmp(command, "pending") == 0) {
                fake->pending = number(first);
                return sd_bus_emit_properties_changed(fake->bus, ROOT, DEVICE, "Lanes", NULL);
        }
        if (strcmp(command, "deletable") == 0) {
                fake->to_delete = number(first);
                fake->deleted = 0;
                return 0;
        }
        if (strcmp(command, "deleted") == 0) {
                fake->deleted = number(first);
                return sd_bus_emit_properties_changed(fake->bus, ERASURE, ERASURE_INTERFACE, "ObjectsDeleted", NULL);
        }
        if (strcmp(command, "consent") == 0)
                return sd_bus_emit_signal(fake->bus, ROOT, CONSENT, "Changed", "sb", first, second && *second == '1');
        if (strcmp(command, "position") == 0)
                return betray_position(fake);
        if (strcmp(command, "chain") == 0) {
                fake->chain = number(first);
                return 0;
        }
        if (strcmp(command, "flush") == 0)
                return answer_flush(fake);
        if (strcmp(command, "calls") == 0) {
                printf("%s", fake->calls);
                fake->calls[0] = '\0';
                return 0;
        }

        return -EINVAL;
}

static int on_line(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        Fake *fake = userdata;
        char line[512];
        int r;

        if (!fgets(line, sizeof(line), stdin) || strcmp(line, "quit\n") == 0)
                return sd_event_exit(fake->event, 0);

        line[strcspn(line, "\n")] = '\0';
        r = obey(fake, line);
        if (r >= 0)
                r = sd_bus_flush(fake->bus);
        if (r < 0)
                printf("failed: %s\n", strerror(-r));
        else
                printf("ok\n");
        return 0;
}

static int export_all(Fake *fake) {
        const struct {
                const char *path, *interface;
                const sd_bus_vtable *vtable;
        } objects[] = {
                { ROOT, DEVICE, device_vtable },
                { ROOT, CONSENT, consent_vtable },
                { ROOT, DATA, data_vtable },
                { ROOT, SYNC, sync_vtable },
                { ROOT, "org.trailkeep.Journal1", fake_journal_vtable },
                { ERASURE, ERASURE_INTERFACE, erasure_vtable },
        };
        int r = 0;

        for (size_t i = 0; i < ELEMENTSOF(objects) && r >= 0; i++)
                r = sd_bus_add_object_vtable(fake->bus, NULL, objects[i].path, objects[i].interface, objects[i].vtable,
                                             fake);

        return r;
}

static int serve(const char *address) {
        Fake fake = { .device_state = "running", .sync_state = "idle", .pending = 4 };
        int r;

        setlinebuf(stdout);
        setvbuf(stdin, NULL, _IONBF, 0); /* the loop watches the fd: nothing may wait in a buffer */
        r = sd_event_default(&fake.event);
        if (r >= 0)
                r = sd_bus_new(&fake.bus);
        if (r >= 0)
                r = sd_bus_set_address(fake.bus, address);
        if (r >= 0)
                r = sd_bus_set_bus_client(fake.bus, 1);
        if (r >= 0)
                r = sd_bus_start(fake.bus);
        if (r >= 0)
                r = export_all(&fake);
        if (r >= 0)
                r = sd_bus_request_name(fake.bus, "org.trailkeep", 0);
        if (r >= 0)
                r = sd_bus_attach_event(fake.bus, fake.event, 0);
        if (r >= 0)
                r = sd_event_add_io(fake.event, NULL, 0, EPOLLIN, on_line, &fake);
        if (r >= 0) {
                printf("ready\n");
                r = sd_event_loop(fake.event);
        }

        sd_bus_message_unref(fake.flush);
        sd_bus_flush_close_unref(fake.bus);
        sd_event_unref(fake.event);
        return r;
}

int main(int argc, char **argv) {
        int r = argc == 2 ? serve(argv[1]) : -EINVAL;

        if (r < 0)
                fprintf(stderr, "fake-daemon: %s\n", strerror(-r));
        return r < 0 ? 1 : 0;
}
