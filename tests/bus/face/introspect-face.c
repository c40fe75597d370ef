/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Prints what the face says of itself on a real bus: "=== PATH", then the answer of Introspect, for each path given.
 */
#include <stdio.h>
#include <stdlib.h>
#include "face.h"

int main(int argc, char **argv) {
        Reply reply;
        void *state;
        Face *face;

        if (face_setup(&state) != 0)
                return EXIT_FAILURE;
        face = state;

        /* So that there is an object /org/trailkeep/erasure/7. */
        face_call(face, &reply, DATA, "Erase", "a{sv}", 0);
        reply_clear(&reply);

        for (int i = 1; i < argc; i++) {
                const char *xml;

                face_send_to(face, &reply, argv[i], "org.freedesktop.DBus.Introspectable", "Introspect", NULL);
                face_wait(face, &reply.is_done);
                if (!reply.message || sd_bus_message_read(reply.message, "s", &xml) <= 0)
                        return EXIT_FAILURE;
                printf("=== %s\n%s", argv[i], xml);
                reply_clear(&reply);
        }

        return face_teardown(&state);
}
