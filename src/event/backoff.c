/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Retry delays: exponential with full jitter. Floor 1, pure.
 */
#include "trailkeep/backoff.h"
#include "trailkeep/macros.h"

/**
 * backoff_next_usec() - count one more failure and say how long to wait
 * @backoff:            state, changed
 * @retry_after_usec:   what the server asked for, or 0
 * @random:             uniform over all 32 bits
 *
 * Return: the delay from now, in µs, in [retry_after_usec, retry_after_usec + cap_usec], short of USEC_INFINITY.
 */
uint64_t backoff_next_usec(Backoff *backoff, uint64_t retry_after_usec, uint32_t random) {
        uint64_t ceiling_usec = MIN(backoff->first_usec, backoff->cap_usec);
        uint64_t delay_usec;

        for (unsigned i = 0; i < backoff->n_failed && ceiling_usec > 0 && ceiling_usec < backoff->cap_usec; i++)
                ceiling_usec = ceiling_usec <= backoff->cap_usec / 2 ? ceiling_usec * 2 : backoff->cap_usec;
        if (backoff->n_failed < UINT32_MAX)
                backoff->n_failed++;

        /* ceiling * random / UINT32_MAX, in two parts that fit 64 bits. */
        delay_usec = ceiling_usec / UINT32_MAX * random + ceiling_usec % UINT32_MAX * random / UINT32_MAX;
        if (__builtin_add_overflow(retry_after_usec, delay_usec, &delay_usec))
                return USEC_INFINITY - 1;
        return MIN(delay_usec, USEC_INFINITY - 1);
}

/**
 * backoff_reset() - forget the failures after a success
 * @backoff:    state, changed
 */
void backoff_reset(Backoff *backoff) {
        backoff->n_failed = 0;
}
