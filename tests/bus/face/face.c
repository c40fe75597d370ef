/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The dbus-daemon, the face on it, and the caller in this process: see face.h.
 */
#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "face.h"
#include "trailkeep/clock.h"

/* The file as it is shipped; whoever runs the tests stands for trailkeep. */
static void write_policy(const Face *face) {
        static const char mark[] = "user=\"trailkeep\"";
        char text[8192], path[128], *at;
        FILE *file = fopen(DBUS_POLICY_FILE, "re");
        size_t n;

        assert_non_null(file);
        n = fread(text, 1, sizeof(text) - 1, file);
        assert_true(n < sizeof(text) - 1);
        text[n] = '\0';
        fclose(file);
        at = strstr(text, mark);
        assert_non_null(at);

        (void)snprintf(path, sizeof(path), "%s/policy.conf", face->folder); /* fits */
        file = fopen(path, "we");
        assert_non_null(file);
        fprintf(file, "%.*suser=\"%u\"%s", (int)(at - text), text, (unsigned)geteuid(), at + strlen(mark));
        assert_int_equal(fclose(file), 0);
}

static void write_config(const Face *face) {
        char path[128];
        FILE *file;

        (void)snprintf(path, sizeof(path), "%s/bus.conf", face->folder); /* fits */
        file = fopen(path, "we");
        assert_non_null(file);
        fprintf(file,
                "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\"\n"
                " \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n"
                "<busconfig><type>%s</type><listen>unix:path=%s/bus</listen><auth>EXTERNAL</auth>\n",
                face->type, face->folder);
        if (strcmp(face->type, "session") == 0)
                fprintf(file, "<policy context=\"default\"><allow user=\"*\"/><allow own=\"*\"/><allow "
                              "send_destination=\"*\"/>"
                              "<allow receive_sender=\"*\"/>%s</policy>\n",
                        face->is_blind ? "<deny send_interface=\"org.freedesktop.DBus\" "
                                         "send_member=\"GetConnectionCredentials\"/>"
                                       : "");
        else /* what Debian's system.conf allows, then the file that is shipped */
                fprintf(file,
                        "<policy context=\"default\"><allow user=\"*\"/><deny own=\"*\"/><deny "
                        "send_type=\"method_call\"/>"
                        "<allow send_type=\"signal\"/><allow send_requested_reply=\"true\" "
                        "send_type=\"method_return\"/>"
                        "<allow send_requested_reply=\"true\" send_type=\"error\"/><allow "
                        "receive_type=\"method_call\"/>"
                        "<allow receive_type=\"method_return\"/><allow receive_type=\"error\"/><allow "
                        "receive_type=\"signal\"/>"
                        "<allow send_destination=\"org.freedesktop.DBus\" send_interface=\"org.freedesktop.DBus\"/>"
                        "</policy><include>policy.conf</include>\n");
        fprintf(file, "</busconfig>\n");
        assert_int_equal(fclose(file), 0);
}

/* Returns when the daemon has said its address, that is, when it listens. */
void face_start_daemon(Face *face) {
        char config[160], log[160], line[256];
        int said[2];
        pid_t parent = getpid();

        (void)snprintf(config, sizeof(config), "--config-file=%s/bus.conf", face->folder); /* fits */
        (void)snprintf(log, sizeof(log), "%s/log", face->folder);                          /* fits */
        assert_int_equal(pipe(said), 0);
        face->daemon = fork();
        assert_true(face->daemon >= 0);
        if (face->daemon == 0) {
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that dies leaves nothing behind */
                if (getppid() != parent)
                        _exit(1);
                close(said[0]);
                dup2(said[1], 3);
                if (!freopen(log, "a", stderr))
                        _exit(1);
                if (said[1] != 3)
                        close(said[1]);
                execlp("dbus-daemon", "dbus-daemon", config, "--nofork", "--nopidfile", "--nosyslog",
                       "--print-address=3", NULL);
                _exit(127);
        }
        close(said[1]);
        assert_true(read(said[0], line, sizeof(line)) > 0);
        close(said[0]);
}

void face_stop_daemon(Face *face) {
        char path[128];

        if (face->daemon <= 0)
                return;
        kill(face->daemon, SIGKILL);
        waitpid(face->daemon, NULL, 0);
        face->daemon = 0;
        (void)snprintf(path, sizeof(path), "%s/bus", face->folder); /* fits */
        unlink(path);
}

static void on_consent(Purpose purpose, bool is_granted, void *userdata) {
        Face *face = userdata;

        if (face->bus)
                bus_consent_changed(face->bus, purpose, is_granted);
}

int face_open(Face *face, char text[static 512]) {
        BusOptions options = {
                .address = face->address,
                .clock = &clock_system,
                .gate = face->gate,
                .gnss = &face->gnss,
                .journal = face->journal,
                .outbox = &face->outbox,
                .true_time = &face->true_time,
        };

        return bus_new(face->event, &options, &face->bus, text);
}

void face_connect_client(Face *face) {
        face->client = sd_bus_close_unref(face->client);
        assert_true(sd_bus_new(&face->client) >= 0);
        assert_true(sd_bus_set_address(face->client, face->address) >= 0);
        assert_true(sd_bus_set_bus_client(face->client, true) >= 0);
        assert_true(sd_bus_start(face->client) >= 0);
        assert_true(sd_bus_attach_event(face->client, face->event, 0) >= 0);
}

static int setup_type(void **state, const char *type, bool is_blind) {
        Face *face = calloc(1, sizeof(*face));
        char text[512] = "";

        assert_non_null(face);
        face->type = type;
        face->is_blind = is_blind;
        face->is_completing = true;
        (void)snprintf(face->folder, sizeof(face->folder), "/tmp/trailkeep-face-XXXXXX"); /* fits */
        assert_non_null(mkdtemp(face->folder));
        assert_int_equal(chmod(face->folder, 0755), 0);
        (void)snprintf(face->address, sizeof(face->address), "unix:path=%s/bus", face->folder); /* fits */
        write_policy(face);
        write_config(face);
        face_start_daemon(face);

        assert_true(sd_event_new(&face->event) >= 0);
        face->gnss.error = face->outbox.error = "";
        face->outbox.state = OUTBOX_STATE_IDLE;
        below_open(face);
        assert_int_equal(gate_new(face->journal, &clock_system, "s-1", &face->gate), 0);
        gate_observe(face->gate, &(GateObserver){ .changed = on_consent, .userdata = face });
        *state = face;
        if (face_open(face, text) < 0) {
                fprintf(stderr, "%s\n", text);
                face_teardown(state); /* is not called after a setup that failed */
                return -1;
        }
        face_connect_client(face);
        stranger_be(BUS_ROLE_MAX);

        return 0;
}

int face_setup(void **state) {
        return setup_type(state, "session", false);
}

int face_setup_blind(void **state) {
        return setup_type(state, "session", true);
}

int face_setup_system(void **state) {
        return setup_type(state, "system", false);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw) {
        return remove(path);
}

int face_teardown(void **state) {
        Face *face = *state;

        sd_bus_close_unref(face->client);
        bus_free(face->bus);
        gate_free(face->gate);
        if (face->outbox.done)
                fake_outbox_complete(&face->outbox, -ECANCELED);
        below_close(face);
        sd_event_unref(face->event);
        face_stop_daemon(face);
        nftw(face->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
        free(face);

        return 0;
}

void face_turn(Face *face) {
        assert_true(sd_event_run(face->event, 20 * USEC_PER_MSEC) >= 0);
        below_turn(face);
}

void face_wait(Face *face, const bool *is_done) {
        uint64_t deadline_usec = clock_boottime_usec(&clock_system) + DEADLINE_USEC;

        while (!*is_done) {
                if (clock_boottime_usec(&clock_system) > deadline_usec)
                        fail_msg("nothing came within the deadline");
                face_turn(face);
        }
}

static int on_reply(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        const sd_bus_error *error = sd_bus_message_get_error(message);
        Reply *reply = userdata;

        if (error) {
                (void)snprintf(reply->error, sizeof(reply->error), "%s", error->name);    /* cut off at worst */
                (void)snprintf(reply->text, sizeof(reply->text), "%s", error->message); /* cut off at worst */
        } else
                reply->message = sd_bus_message_ref(message);
        reply->is_done = true;

        return 0;
}

static void send_list(Face *face, Reply *reply, const char *path, const char *interface, const char *member,
                      const char *types, va_list arguments) {
        sd_bus_message *message = NULL;

        *reply = (Reply){ 0 };
        assert_true(sd_bus_message_new_method_call(face->client, &message, "org.trailkeep", path, interface, member) >=
                    0);
        if (types)
                assert_true(sd_bus_message_appendv(message, types, arguments) >= 0);
        assert_true(sd_bus_call_async(face->client, NULL, message, on_reply, reply, 0) >= 0);
        sd_bus_message_unref(message);
}

void face_send(Face *face, Reply *reply, const char *interface, const char *member, const char *types, ...) {
        va_list arguments;

        va_start(arguments, types);
        send_list(face, reply, "/org/trailkeep", interface, member, types, arguments);
        va_end(arguments);
}

void face_send_to(Face *face, Reply *reply, const char *path, const char *interface, const char *member,
                  const char *types, ...) {
        va_list arguments;

        va_start(arguments, types);
        send_list(face, reply, path, interface, member, types, arguments);
        va_end(arguments);
}

Reply *face_call(Face *face, Reply *reply, const char *interface, const char *member, const char *types, ...) {
        va_list arguments;

        va_start(arguments, types);
        send_list(face, reply, "/org/trailkeep", interface, member, types, arguments);
        va_end(arguments);
        face_wait(face, &reply->is_done);

        return reply;
}

Reply *face_get(Face *face, Reply *reply, const char *path, const char *interface, const char *property) {
        face_send_to(face, reply, path, PROPERTIES, "Get", "ss", interface, property);
        face_wait(face, &reply->is_done);
        if (reply->message)
                assert_true(sd_bus_message_enter_container(reply->message, 'v', NULL) >= 0);

        return reply;
}

void reply_clear(Reply *reply) {
        sd_bus_message_unref(reply->message);
        *reply = (Reply){ 0 };
}

void assert_replied(const Reply *reply) {
        assert_true(reply->is_done);
        if (reply->error[0] != '\0')
                fail_msg("%s: %s", reply->error, reply->text);
}

void assert_error(const Reply *reply, const char *name, const char *part_of_text) {
        assert_true(reply->is_done);
        assert_string_equal(reply->error, name);
        if (!strstr(reply->text, part_of_text))
                fail_msg("\"%s\" does not say \"%s\"", reply->text, part_of_text);
}

int face_dictionary_find(sd_bus_message *message, const char *key, const char *type) {
        const char *found;

        assert_true(sd_bus_message_rewind(message, true) >= 0);
        assert_true(sd_bus_message_enter_container(message, 'a', "{sv}") >= 0);
        while (sd_bus_message_enter_container(message, 'e', "sv") > 0) {
                assert_true(sd_bus_message_read(message, "s", &found) > 0);
                if (strcmp(found, key) == 0) {
                        assert_true(sd_bus_message_enter_container(message, 'v', type) > 0);
                        return 1;
                }
                assert_true(sd_bus_message_skip(message, "v") >= 0);
                assert_true(sd_bus_message_exit_container(message) >= 0);
        }

        return 0;
}
