/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Callers that vanish, a daemon that stops, a bus that is lost, and what signals say.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "face.h"

typedef struct Ear {
        bool is_heard;
        unsigned n_heard;
        char member[64], types[64];
        bool has_double;
} Ear;

/* Whether a 'd' is anywhere in the message, variants included. */
static bool has_double(sd_bus_message *message) {
        const char *contents;
        char type;

        while (sd_bus_message_peek_type(message, &type, &contents) > 0) {
                if (type == 'd')
                        return true;
                if (strchr("avre", type)) {
                        assert_true(sd_bus_message_enter_container(message, type, contents) > 0);
                        if (has_double(message))
                                return true;
                        assert_true(sd_bus_message_exit_container(message) >= 0);
                } else
                        assert_true(sd_bus_message_skip(message, (char[]){ type, '\0' }) >= 0);
        }

        return false;
}

static int on_signal(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        Ear *ear = userdata;

        ear->n_heard++;
        strncpy(ear->member, sd_bus_message_get_member(message), sizeof(ear->member) - 1);
        strncpy(ear->types, sd_bus_message_get_signature(message, true), sizeof(ear->types) - 1);
        if (strcmp(ear->member, "Changed") == 0)
                ear->is_heard = true;
        ear->has_double |= has_double(message);

        return 0;
}

static int on_listening(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        *(bool *)userdata = true;

        return 0;
}

static void listen_to(Face *face, Ear *ear, bool *is_listening) {
        *ear = (Ear){ 0 };
        *is_listening = false;
        assert_true(sd_bus_add_match_async(face->client, NULL, "type='signal',path_namespace='/org/trailkeep'",
                                           on_signal, NULL, ear) >= 0);
        assert_true(sd_bus_call_method_async(face->client, NULL, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                             "org.freedesktop.DBus.Peer", "Ping", on_listening, is_listening,
                                             NULL) >= 0);
        face_wait(face, is_listening);
}

static void test_consent_is_signalled(void **state) {
        Face *face = *state;
        bool is_listening;
        Reply reply;
        Ear ear;

        listen_to(face, &ear, &is_listening);
        assert_replied(face_call(face, &reply, CONSENT, "Grant", "sa{sv}", "location", 0));
        reply_clear(&reply);
        /* Sent before the answer, so heard before it. */
        assert_true(ear.is_heard);
        assert_string_equal(ear.types, "sb");
}

static void test_signals_carry_no_double(void **state) {
        Face *face = *state;
        bool is_listening;
        Reply reply;
        Ear ear;

        listen_to(face, &ear, &is_listening);
        face->gnss.has_fix = true;
        face->gnss.fix.lat_deg = 12.5;
        face->gnss.error = "gpsd is away";
        face->stock.counters.is_failing = true;
        face->stock.counters.state = JOURNAL_STATE_FAILING;
        assert_replied(face_call(face, &reply, DATA, "Erase", "a{sv}", 0));
        reply_clear(&reply);
        face->stock.erasures[0].objects_deleted = 1;
        bus_gnss_changed(face->bus);
        bus_sync_changed(face->bus);
        bus_journal_changed(face->bus);
        assert_replied(face_call(face, &reply, CONSENT, "Grant", "sa{sv}", "location", 0));
        reply_clear(&reply);
        assert_true(ear.is_heard);
        assert_true(ear.n_heard >= 6);
        assert_false(ear.has_double);
}

/* State of Journal1 and of Device1, and LastErrors, each time it is another; nothing when it is the same. */
static void test_the_state_of_the_disk_is_signalled(void **state) {
        Face *face = *state;
        bool is_listening;
        const char *value;
        Reply reply;
        Ear ear;

        listen_to(face, &ear, &is_listening);
        face->stock.counters.state = JOURNAL_STATE_LOW;
        bus_journal_changed(face->bus);
        bus_journal_changed(face->bus);
        assert_replied(face_get(face, &reply, "/org/trailkeep", JOURNAL, "State"));
        assert_true(sd_bus_message_read(reply.message, "s", &value) > 0);
        assert_string_equal(value, "low");
        reply_clear(&reply);
        assert_int_equal(ear.n_heard, 3 + 1); /* and the lanes */
        face->stock.counters.state = JOURNAL_STATE_FULL;
        face->stock.counters.is_failing = true;
        bus_journal_changed(face->bus);
        assert_replied(face_get(face, &reply, "/org/trailkeep", DEVICE, "State"));
        assert_true(sd_bus_message_read(reply.message, "s", &value) > 0);
        assert_string_equal(value, "degraded");
        reply_clear(&reply);
        assert_int_equal(ear.n_heard, 4 + 2); /* the box is degraded as before */
}

/* MediaState, State and LastErrors when it goes wrong; when only the reason changes, LastErrors alone. */
static void test_the_state_of_the_card_is_signalled(void **state) {
        Face *face = *state;
        bool is_listening;
        Reply reply;
        Ear ear;

        listen_to(face, &ear, &is_listening);
        face->stock.counters.media_state = JOURNAL_MEDIA_FAILING;
        (void)snprintf(face->stock.media_trouble, sizeof(face->stock.media_trouble), "It does not work.");
        bus_media_changed(face->bus);
        (void)snprintf(face->stock.media_trouble, sizeof(face->stock.media_trouble), "It still does not.");
        bus_media_changed(face->bus);
        assert_replied(face_call(face, &reply, CONSENT, "List", NULL));
        reply_clear(&reply);
        assert_int_equal(ear.n_heard, 4);
        assert_string_equal(ear.member, "PropertiesChanged");
}

static void test_counters_that_run_are_signalled_twice_a_second_at_most(void **state) {
        Face *face = *state;
        uint64_t deadline_usec;
        bool is_listening;
        Reply reply;
        Ear ear;

        listen_to(face, &ear, &is_listening);
        for (unsigned i = 0; i < 100; i++)
                bus_journal_changed(face->bus);
        assert_replied(face_call(face, &reply, CONSENT, "List", NULL));
        reply_clear(&reply);
        assert_in_range(ear.n_heard, 1, 2);

        /* The last news comes, too. */
        deadline_usec = clock_boottime_usec(&clock_system) + DEADLINE_USEC;
        while (ear.n_heard < 2) {
                assert_true(clock_boottime_usec(&clock_system) < deadline_usec);
                face_turn(face);
        }
}

static void test_counters_are_signalled_before_the_end(void **state) {
        Face *face = *state;
        bool is_listening;
        Reply reply;
        Ear ear;

        listen_to(face, &ear, &is_listening);
        bus_journal_changed(face->bus);
        bus_journal_changed(face->bus);
        face->bus = bus_free(face->bus);
        face_call(face, &reply, CONSENT, "List", NULL); /* answered by the bus, behind what was sent before */
        reply_clear(&reply);
        assert_int_equal(ear.n_heard, 2);
}

static void test_the_search_for_doubles_finds_one(void **state) {
        Face *face = *state;
        bool is_listening;
        Reply reply;
        Ear ear;

        listen_to(face, &ear, &is_listening);
        assert_true(sd_bus_emit_signal(face->client, "/org/trailkeep", "org.trailkeep.Device1", "Planted", "sa{sv}",
                                       "x", 1, "lat", "d", 12.5) >= 0);
        assert_replied(face_get(face, &reply, "/org/trailkeep", DEVICE, "Version"));
        reply_clear(&reply);
        assert_true(ear.has_double);
}

static void test_caller_that_vanishes_changes_nothing(void **state) {
        Face *face = *state;
        Reply reply;

        face->is_completing = false;
        face_send(face, &reply, CONSENT, "Withdraw", "sa{sv}", "location", 0);
        while (fake_journal_n_waiting(face->journal) < 1)
                face_turn(face);
        face_connect_client(face);
        face->is_completing = true;
        assert_replied(face_call(face, &reply, CONSENT, "List", NULL));
        reply_clear(&reply);
        assert_int_equal(fake_journal_n_entries(face->journal), 1);
}

static void test_stop_with_calls_pending(void **state) {
        Face *face = *state;
        Reply replies[5];

        face->is_completing = false;
        face_send(face, &replies[0], CONSENT, "Grant", "sa{sv}", "location", 0);
        face_send(face, &replies[1], CONSENT, "Withdraw", "sa{sv}", "audio", 0);
        face_send(face, &replies[2], DATA, "Erase", "a{sv}", 0);
        face_send(face, &replies[3], SYNC, "Flush", NULL);
        while (fake_journal_n_waiting(face->journal) < 3 || !face->outbox.done)
                face_turn(face);
        face_send(face, &replies[4], DATA, "ListErasures", NULL);
        assert_true(sd_bus_flush(face->client) >= 0);
        while (face->stock.n_waiting == 0)
                assert_true(sd_event_run(face->event, DEADLINE_USEC) >= 0);

        face->bus = bus_free(face->bus);
        for (size_t i = 0; i < ELEMENTSOF(replies); i++) {
                face_wait(face, &replies[i].is_done);
                assert_error(&replies[i], OURS "Stopping", "stopping");
        }
        face->is_completing = true;
        face_turn(face); /* what was lent comes back to no one */
        assert_int_equal(fake_journal_n_entries(face->journal), 3);
}

static void test_stop_while_the_caller_is_being_looked_up(void **state) {
        Face *face = *state;
        Reply reply;

        face_send(face, &reply, CONSENT, "Grant", "sa{sv}", "location", 0);
        assert_true(sd_bus_flush(face->client) >= 0);
        assert_true(sd_event_run(face->event, DEADLINE_USEC) >= 0);
        face->bus = bus_free(face->bus);
        face_wait(face, &reply.is_done);
        assert_null(reply.message);
}

static bool is_back(Face *face) {
        bool is_back;
        Reply reply;

        face_connect_client(face);
        face_get(face, &reply, "/org/trailkeep", DEVICE, "Version");
        is_back = reply.error[0] == '\0';
        reply_clear(&reply);

        return is_back;
}

static void test_lost_bus_is_found_again(void **state) {
        Face *face = *state;
        uint64_t deadline_usec;
        Reply reply;

        face->is_completing = false;
        face_send(face, &reply, CONSENT, "Grant", "sa{sv}", "location", 0);
        while (fake_journal_n_waiting(face->journal) < 1)
                face_turn(face);
        face->client = sd_bus_close_unref(face->client);
        face_stop_daemon(face);
        for (unsigned i = 0; i < 3; i++)
                face_turn(face);

        /* Decisions and news go on with no one to hear them. */
        face->is_completing = true;
        face_turn(face);
        assert_true(gate_allows(face->gate, PURPOSE_LOCATION));
        bus_journal_changed(face->bus);
        bus_sync_changed(face->bus);

        face_start_daemon(face);
        deadline_usec = clock_boottime_usec(&clock_system) + DEADLINE_USEC;
        while (!is_back(face)) {
                assert_true(clock_boottime_usec(&clock_system) < deadline_usec);
                face_turn(face);
        }
        assert_replied(face_call(face, &reply, CONSENT, "Withdraw", "sa{sv}", "location", 0));
        reply_clear(&reply);
}

static void test_bus_that_is_not_there_is_said(void **state) {
        Face *face = *state;
        char text[512] = "";

        face->bus = bus_free(face->bus);
        face->client = sd_bus_close_unref(face->client);
        face_stop_daemon(face);
        assert_true(face_open(face, text) < 0);
        assert_null(face->bus);
        assert_non_null(strstr(text, face->address));
}

#define face_test(f) cmocka_unit_test_setup_teardown(f, face_setup, face_teardown)

int main(void) {
        static const struct CMUnitTest tests[] = {
                face_test(test_consent_is_signalled),
                face_test(test_signals_carry_no_double),
                face_test(test_the_state_of_the_card_is_signalled),
                face_test(test_the_state_of_the_disk_is_signalled),
                face_test(test_counters_that_run_are_signalled_twice_a_second_at_most),
                face_test(test_counters_are_signalled_before_the_end),
                face_test(test_the_search_for_doubles_finds_one),
                face_test(test_caller_that_vanishes_changes_nothing),
                face_test(test_stop_with_calls_pending),
                face_test(test_stop_while_the_caller_is_being_looked_up),
                face_test(test_lost_bus_is_found_again),
                face_test(test_bus_that_is_not_there_is_said),
        };

        return cmocka_run_group_tests_name("face-life", tests, NULL, NULL);
}
