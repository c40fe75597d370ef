/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The real journal below the face, in the folder of the test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>
#include "face.h"
#include "trailkeep/clock.h"
#include "trailkeep/keyring.h"

static void on_committed(Lane lane, void *userdata) {
        Face *face = userdata;

        if (face->bus)
                bus_journal_changed(face->bus);
}

static void on_settled(void *userdata) {
        on_committed(LANE_TRACK, userdata);
}

void below_open(Face *face) {
        char state_dir[96], secret[96];
        JournalOptions options = {
                .state_dir = state_dir,
                .root_secret_file = secret,
                .commit_interval_usec = 50 * USEC_PER_MSEC,
        };
        JournalError error = { 0 };

        (void)snprintf(state_dir, sizeof(state_dir), "%s/state", face->folder); /* fits */
        (void)snprintf(secret, sizeof(secret), "%s/secret", face->folder);      /* fits */
        if (access(secret, F_OK) < 0)
                assert_int_equal(keyring_make_root(secret), 0);
        if (journal_new(face->event, &clock_system, &options, &face->journal, &error) != 0)
                fail_msg("%s", error.text);
        journal_observe(face->journal, &(JournalObserver){ .committed = on_committed, .settled = on_settled,
                                                           .userdata = face });
}

void below_turn(Face *face) {
}

void below_close(Face *face) {
        face->journal = journal_free(face->journal);
}
