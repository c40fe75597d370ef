/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Callers who are not the owner, in processes of their own. What is real is the way from the socket's credentials
 * through dbus-daemon to the daemon's decision. Stood in at link time is the user database: the roles' groups need not
 * exist on the machine that tests, and their numbers are given here.
 *
 * Run as root, a stranger becomes user 65534 with the role's group. Run as an ordinary user it cannot change, so the
 * daemon is told to be someone else, and the role's group to be the one that the user is in.
 */
#include <errno.h>
#include <grp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "face.h"

#define STRANGER_UID 65534
#define ROLE_GID 61000 /* and the role: of no one on this machine */

static BusRole stranger_role = BUS_ROLE_MAX;
static bool is_stranger_calling;

void stranger_be(BusRole role) {
        stranger_role = role;
}

uid_t __real_geteuid(void);
uid_t __wrap_geteuid(void);
int __wrap_getgrnam_r(const char *name, struct group *group, char *buffer, size_t size, struct group **ret);

/* Whom the daemon believes to be. */
uid_t __wrap_geteuid(void) {
        uid_t uid = __real_geteuid();

        return uid != 0 && is_stranger_calling ? uid + 1 : uid;
}

int __wrap_getgrnam_r(const char *name, struct group *group, char *buffer, size_t size, struct group **ret) {
        for (BusRole role = 0; role < BUS_ROLE_MAX; role++)
                if (strcmp(name, authorize_role_to_group(role)) == 0) {
                        bool is_mine = is_stranger_calling && role == stranger_role && __real_geteuid() != 0;

                        *group = (struct group){ .gr_gid = is_mine ? getegid() : (gid_t)(ROLE_GID + role) };
                        *ret = group;
                        return 0;
                }

        *ret = NULL;
        return 0;
}

static void become_stranger(void) {
        gid_t gid = ROLE_GID + stranger_role;

        if (__real_geteuid() != 0)
                return;
        if (setgroups(stranger_role < BUS_ROLE_MAX, &gid) < 0 ||
            setresgid(STRANGER_UID, STRANGER_UID, STRANGER_UID) < 0 ||
            setresuid(STRANGER_UID, STRANGER_UID, STRANGER_UID) < 0)
                _exit(1);
}

typedef struct Making {
        const char *path, *interface, *member, *types;
        va_list arguments;
        sd_bus_message *message;
} Making;

static sd_bus_message *make_message(sd_bus *bus, Making *making) {
        if (sd_bus_message_new_method_call(bus, &making->message, "org.trailkeep", making->path, making->interface,
                                           making->member) < 0)
                _exit(1);
        if (making->types && sd_bus_message_appendv(making->message, making->types, making->arguments) < 0)
                _exit(1);

        return making->message;
}

/* Every string in the message, keys and values, one after the other. */
static void tell_strings(sd_bus_message *message, int tell) {
        const char *contents, *text;
        char type;

        while (sd_bus_message_peek_type(message, &type, &contents) > 0) {
                if (strchr("avre", type)) {
                        if (sd_bus_message_enter_container(message, type, contents) < 0)
                                _exit(1);
                        tell_strings(message, tell);
                        if (sd_bus_message_exit_container(message) < 0)
                                _exit(1);
                } else if (type == 's') {
                        if (sd_bus_message_read(message, "s", &text) < 0)
                                _exit(1);
                        dprintf(tell, "%s ", text);
                } else if (sd_bus_message_skip(message, (char[]){ type, '\0' }) < 0)
                        _exit(1);
        }
}

/* In the child: one call, and its outcome as two lines: error, and its text or the strings of the answer. */
static void call_and_tell(const char *address, int tell, Making *making) {
        sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus_message *answer = NULL;
        sd_bus *bus = NULL;
        int r;

        become_stranger();
        if (sd_bus_new(&bus) < 0 || sd_bus_set_address(bus, address) < 0 || sd_bus_set_bus_client(bus, true) < 0 ||
            sd_bus_start(bus) < 0)
                _exit(1);
        r = sd_bus_call(bus, make_message(bus, making), 0, &error, &answer);
        dprintf(tell, "%s\n%s", r < 0 ? error.name : "", r < 0 ? error.message : "");
        if (r >= 0)
                tell_strings(answer, tell);
        _exit(0);
}

typedef struct Ear {
        char text[2048];
        size_t size;
        bool is_done;
} Ear;

static int on_told(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Ear *ear = userdata;
        ssize_t n = read(fd, ear->text + ear->size, sizeof(ear->text) - 1 - ear->size);

        if (n > 0)
                ear->size += (size_t)n;
        else {
                ear->is_done = true;
                return sd_event_source_set_enabled(source, SD_EVENT_OFF);
        }

        return 0;
}

static Reply *call_in_child(Face *face, Reply *reply, Making *making) {
        sd_event_source *source = NULL;
        Ear ear = { .size = 0 };
        int told[2], status;
        char *error, *text;
        pid_t pid;

        *reply = (Reply){ 0 };
        assert_int_equal(pipe(told), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                close(told[0]);
                call_and_tell(face->address, told[1], making);
        }
        close(told[1]);
        assert_true(sd_event_add_io(face->event, &source, told[0], EPOLLIN, on_told, &ear) >= 0);
        is_stranger_calling = true;
        face_wait(face, &ear.is_done);
        is_stranger_calling = false;
        sd_event_source_unref(source);
        close(told[0]);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);

        error = ear.text;
        text = strchr(error, '\n');
        assert_non_null(text);
        *text++ = '\0';
        (void)snprintf(reply->error, sizeof(reply->error), "%.127s", error); /* cut off at worst */
        (void)snprintf(reply->text, sizeof(reply->text), "%s", text);        /* fits */
        reply->is_done = true;

        return reply;
}

Reply *stranger_call(Face *face, Reply *reply, const char *interface, const char *member, const char *types, ...) {
        Making making = { .path = "/org/trailkeep", .interface = interface, .member = member, .types = types };

        va_start(making.arguments, types);
        call_in_child(face, reply, &making);
        va_end(making.arguments);

        return reply;
}

static Reply *get_in_child(Face *face, Reply *reply, const char *path, ...) {
        Making making = { .path = path, .interface = PROPERTIES, .member = "Get", .types = "ss" };

        va_start(making.arguments, path);
        call_in_child(face, reply, &making);
        va_end(making.arguments);

        return reply;
}

Reply *stranger_get(Face *face, Reply *reply, const char *path, const char *interface, const char *property) {
        return get_in_child(face, reply, path, interface, property);
}
