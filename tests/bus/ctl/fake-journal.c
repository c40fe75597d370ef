/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Journal1 of the daemon that is none: see fake-daemon.c.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fake-daemon.h"

static int answer_nothing(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        int r = fail_as_told(userdata, call);

        if (r != 0)
                return r;
        r = note_call(userdata, call);
        return r < 0 ? r : sd_bus_reply_method_return(call, "");
}

static int start_evidence(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        static const char key[] = "the first key\n";
        int fd, r = fail_as_told(userdata, call);

        if (r != 0)
                return r;
        r = note_call(userdata, call);
        if (r < 0)
                return r;
        fd = memfd_create("key", MFD_CLOEXEC);
        if (fd < 0 || pwrite(fd, key, sizeof(key) - 1, 0) < 0)
                return -errno;
        r = sd_bus_reply_method_return(call, "h", fd);
        close(fd);
        return r;
}

static int get_chain(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                     void *userdata, sd_bus_error *error) {
        return sd_bus_message_append(reply, "t", ((const Fake *)userdata)->chain);
}

static int get_damage(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                      void *userdata, sd_bus_error *error) {
        if (strcmp(((const Fake *)userdata)->device_state, "degraded") != 0)
                return sd_bus_message_append(reply, "a{st}", 0);
        return sd_bus_message_append(reply, "a{st}", 5, "damages", UINT64_C(2), "last_ms", UINT64_C(1795000000000), "saved",
                                     UINT64_C(1234), "lost", UINT64_C(7), "objects_lost", UINT64_C(0));
}

static int get_media_state(sd_bus *bus, const char *path, const char *interface, const char *property,
                           sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        bool is_degraded = strcmp(((const Fake *)userdata)->device_state, "degraded") == 0;

        return sd_bus_message_append(reply, "s", is_degraded ? "missing" : "ok");
}

static int get_state(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                     void *userdata, sd_bus_error *error) {
        bool is_degraded = strcmp(((const Fake *)userdata)->device_state, "degraded") == 0;

        return sd_bus_message_append(reply, "s", is_degraded ? "low" : "ok");
}

const sd_bus_vtable fake_journal_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("StartEvidence", "", "h", start_evidence, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_PROPERTY("EvidenceChain", "t", get_chain, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_METHOD("AcknowledgeDamage", "", "", answer_nothing, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_PROPERTY("Damage", "a{st}", get_damage, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_METHOD("RotateKeys", "", "", answer_nothing, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_PROPERTY("State", "s", get_state, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("MediaState", "s", get_media_state, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_VTABLE_END,
};
