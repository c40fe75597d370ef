/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The outbox: its state as it is shown, and the two lines to the store. Floor 4.
 *
 * Uploads and deletions fail, wait and recover apart; each says a trouble once, however often it is tried again.
 */
#include "outbox-internal.h"
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "trailkeep/id.h"
#include "trailkeep/log.h"

#define LOG_MODULE "sync"

#define RETRY_FIRST_USEC (2 * USEC_PER_SEC)
#define RETRY_CAP_USEC (5 * USEC_PER_MINUTE)
#define HELD_FIRST_USEC (15 * USEC_PER_SEC)
#define HELD_CAP_USEC (15 * USEC_PER_MINUTE)

/**
 * outbox_state_to_string() - the name of a state, as on the bus
 * @state: the state
 *
 * Return: a constant, or NULL when out of range.
 */
const char *outbox_state_to_string(OutboxState state) {
        static const char *const names[OUTBOX_STATE_MAX] = {
                [OUTBOX_STATE_OFF] = "off",         [OUTBOX_STATE_IDLE] = "idle", [OUTBOX_STATE_SENDING] = "sending",
                [OUTBOX_STATE_WAITING] = "waiting", [OUTBOX_STATE_HELD] = "held",
        };

        return (size_t)state < ELEMENTSOF(names) ? names[state] : NULL;
}

static void outbox_tell(Outbox *outbox) {
        if (outbox->observer.changed)
                outbox->observer.changed(outbox->observer.userdata);
}

/**
 * outbox_enter() - change the state
 * @outbox: the outbox
 * @state:  the new state; nothing happens when it is the old one
 */
void outbox_enter(Outbox *outbox, OutboxState state) {
        if (state == outbox->state)
                return;
        log_debug("%s -> %s", outbox_state_to_string(outbox->state), outbox_state_to_string(state));
        outbox->state = state;
        outbox_tell(outbox);
}

/**
 * outbox_line_reset() - forget what went wrong on a line
 * @line: uploads or deletions
 */
void outbox_line_reset(Line *line) {
        *line = (Line){
                .retry = { .first_usec = RETRY_FIRST_USEC, .cap_usec = RETRY_CAP_USEC },
                .held = { .first_usec = HELD_FIRST_USEC, .cap_usec = HELD_CAP_USEC },
                .trouble = OUTBOX_STATE_IDLE,
        };
}

static const Line *outbox_other_line(const Outbox *outbox, const Line *line) {
        return line == &outbox->uploads ? &outbox->deletions : &outbox->uploads;
}

/**
 * outbox_clear() - the trouble of a line is over, because it works again or because it has nothing left to do
 * @outbox: the outbox
 * @line:   uploads or deletions
 */
void outbox_clear(Outbox *outbox, Line *line) {
        bool is_news = line->error[0] != '\0';

        outbox_line_reset(line);
        if (is_news)
                outbox_tell(outbox);
}

/**
 * outbox_succeed() - the store took something on this line
 * @outbox: the outbox
 * @line:   uploads or deletions
 */
void outbox_succeed(Outbox *outbox, Line *line) {
        if (line->trouble != OUTBOX_STATE_IDLE && outbox_other_line(outbox, line)->trouble == OUTBOX_STATE_IDLE)
                log_notice("The store answers again.");
        outbox_clear(outbox, line);
}

/* A phrase as a sentence, shown and logged once, however often it is tried and whatever for. */
static void outbox_say(Outbox *outbox, Line *line, const char *phrase) {
        char sentence[OUTBOX_TEXT_MAX];

        (void)snprintf(sentence, sizeof(sentence), "%c%s.", toupper((unsigned char)phrase[0]), phrase + 1); /* or cut */
        if (strcmp(line->error, sentence) == 0)
                return;
        memcpy(line->error, sentence, sizeof(line->error));
        if (strcmp(outbox_other_line(outbox, line)->error, sentence) != 0)
                log_warning("%s %s", line->error,
                            line == &outbox->uploads ? "Nothing is lost: it stays in the journal and is tried again." :
                                                       "What is to be deleted there is tried again.");
        outbox_tell(outbox);
}

/**
 * outbox_fail() - an attempt on this line came to nothing; try again later
 * @outbox: the outbox
 * @line:   uploads or deletions
 * @answer: STORE_RETRY, or anything else for what holds; its sentence is shown
 */
void outbox_fail(Outbox *outbox, Line *line, const StoreAnswer *answer) {
        bool is_retry = answer->outcome == STORE_RETRY;
        uint32_t random = UINT32_MAX;
        uint64_t delay_usec;

        if (random_bytes(&random, sizeof(random)) < 0)
                log_debug("no random bytes, the longest delay is taken");
        delay_usec = backoff_next_usec(is_retry ? &line->retry : &line->held, answer->retry_after_usec, random);
        line->trouble = is_retry ? OUTBOX_STATE_WAITING : OUTBOX_STATE_HELD;
        line->not_before_usec = clock_boottime_usec(outbox->clock) + delay_usec;
        line->is_asked = answer->retry_after_usec > 0;

        outbox_say(outbox, line, answer->message);
        outbox_flush_pass(outbox, line == &outbox->deletions ? FLUSH_DELETIONS : FLUSH_LANES, true);
}

/**
 * outbox_fail_here() - an attempt on this line failed on this box
 * @outbox: the outbox
 * @line:   uploads or deletions
 * @r:      < 0, or an outcome of the journal's
 */
void outbox_fail_here(Outbox *outbox, Line *line, int r) {
        char text[OUTBOX_TEXT_MAX];

        errno = r < 0 ? -r : EAGAIN;
        (void)snprintf(text, sizeof(text), "cannot send, for a reason on this box: %m"); /* fits */
        outbox_fail(outbox, line, &(StoreAnswer){ .outcome = STORE_RETRY, .message = text });
}
