/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What an HTTP answer (RFC 9110 §15) means for an object. Floor 4, pure.
 *
 * The question behind each line is whom it concerns. A network that fails concerns nobody: try again. The account or
 * the store as a whole: nothing else would fare better, so everything is held, and a person is told what to look at.
 * This object alone: it is divided until the one record is found, so that it cannot hold up the others.
 */
#include "store-answer.h"
#include <stdio.h>

typedef struct StatusMeaning {
        unsigned first, last; /* statuses, both inclusive */
        StoreOutcome outcome;
        const char *text; /* with one %u for the status */
} StatusMeaning;

/* The first line that fits counts. */
static const StatusMeaning meanings[] = {
        { 200, 299, STORE_DONE, "the store answered %u" },
        { 300, 399, STORE_HELD, "the store answered %u, a redirect, not followed; check the address of the store" },
        { 400, 400, STORE_HELD, "the store answered %u; it may miss this box's certificate or not accept it" },
        { 401, 401, STORE_HELD, "the store answered %u: it does not know this box" },
        { 403, 403, STORE_HELD, "the store answered %u: this box may not do that there" },
        { 404, 404, STORE_HELD, "the store answered %u: there is no such place; check the address of the store" },
        { 405, 405, STORE_HELD, "the store answered %u: it does not take this there; check the address of the store" },
        { 408, 408, STORE_RETRY, "the store answered %u: it did not get the request in time" },
        { 413, 413, STORE_TOO_LARGE, "the store answered %u: the object is too large" },
        { 422, 422, STORE_REJECTED, "the store answered %u: it refuses what is in the object" },
        { 425, 425, STORE_RETRY, "the store answered %u: too early" },
        { 429, 429, STORE_RETRY, "the store answered %u: too many requests" },
        { 507, 507, STORE_HELD, "the store answered %u: it is full" },
        { 500, 599, STORE_HELD, "the store answered %u: it has a trouble of its own" },
};

static StoreOutcome store_outcome_of_fault(HttpFault fault) {
        switch (fault) {
        case HTTP_FAULT_TLS_AUTHORITY:
        case HTTP_FAULT_TLS_EXPIRED:
        case HTTP_FAULT_TLS_NAME:
        case HTTP_FAULT_TLS_VERSION:
        case HTTP_FAULT_TLS_REFUSED:
        case HTTP_FAULT_LOCAL:
                return STORE_HELD;
        case HTTP_FAULT_RESOLVE:
        case HTTP_FAULT_CONNECT:
        case HTTP_FAULT_TIMEOUT:
        case HTTP_FAULT_CLOSED:
        case HTTP_FAULT_PROTOCOL:
        case HTTP_FAULT_TLS_OTHER: /* also what a connection looks like that breaks within the handshake */
        case HTTP_FAULT_NONE:
        case HTTP_FAULT_MAX:
                return STORE_RETRY;
        }
        return STORE_RETRY;
}

static const StatusMeaning *store_find_meaning(unsigned status) {
        static const StatusMeaning other = { 0, 0, STORE_HELD, "the store answered %u, which is not expected" };

        for (size_t i = 0; i < ELEMENTSOF(meanings); i++)
                if (status >= meanings[i].first && status <= meanings[i].last)
                        return &meanings[i];
        return &other;
}

/**
 * store_answer_of() - say what came of a request to the store
 * @result:      of the request
 * @is_deletion: it was a DELETE, for which what is not there is done
 * @text:        the sentence
 *
 * Return: the meaning; its message borrows @text.
 */
StoreAnswer store_answer_of(const HttpResult *result, bool is_deletion, char text[static STORE_TEXT_MAX]) {
        StoreAnswer answer = { .retry_after_usec = result->retry_after_usec, .message = text };
        const StatusMeaning *meaning = store_find_meaning(result->status);

        if (result->fault != HTTP_FAULT_NONE) {
                (void)snprintf(text, STORE_TEXT_MAX, "%s", result->message); /* both are bounded alike */
                answer.outcome = store_outcome_of_fault(result->fault);
                answer.is_doubtful = result->bytes_sent > 0 || is_deletion;
                return answer;
        }

        answer.is_answered = true;
        answer.outcome = meaning->outcome;
        if (is_deletion && (result->status == 404 || result->status == 410))
                answer.outcome = STORE_DONE;
        else if (is_deletion && (answer.outcome == STORE_TOO_LARGE || answer.outcome == STORE_REJECTED))
                answer.outcome = STORE_HELD; /* a DELETE has no content to be at fault */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* of the table above */
        (void)snprintf(text, STORE_TEXT_MAX, meaning->text, result->status); /* shorter than the buffer */
#pragma GCC diagnostic pop
        return answer;
}
