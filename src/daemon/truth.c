/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * True time. Floor 6: the estimator is model/truetime.c, this brings it together with those who know and those who ask.
 *
 *   kernel clock, receiver, the store's Date -> estimator --proof--> journal (retention, the next boot)
 *                                                |- time of certificates -> net
 *                                                `- what is proven -> bus
 *
 * What the journal knows from earlier comes first: until then nobody is heard.
 *
 * Certificates are judged at proven time; else at that of a kernel clock that somebody synchronises and that nothing
 * contradicts, as every other program would; else all that is known is what the store itself once said, carried on by
 * powered-on time. A receiver alone decides nothing here, and neither does a kernel clock that merely shows something:
 * one in 2099 would lock the box out from the store, which alone could put it right. For the same reason what others
 * than the store proved is forgotten for certificates with the next boot.
 */
#include <errno.h>
#include <string.h>

#define LOG_MODULE "time"
#include "build-config.h"
#include "kernel-clock.h"
#include "trailkeep/log.h"
#include "truth.h"

#define KERNEL_EVERY_USEC USEC_PER_MINUTE
#define RECEIVER_UNCERTAINTY_USEC (2 * USEC_PER_SEC) /* a fix may be held for its sky for a second */

struct Truth {
        TruthOptions options;
        KernelClock *kernel;
        TrueTime estimate;
        JournalTime known; /* from earlier */
        bool is_ready, is_owed; /* the journal's knowledge is there; it does not know of the proof yet */
        uint64_t kernel_usec; /* when the kernel was asked last */
        uint32_t held_off;
};

static uint64_t now_usec(const Truth *truth) {
        return clock_boottime_usec(truth->options.clock);
}

static void on_told(int r, void *userdata) {
        if (r < 0)
                log_error("What has expired by true time could not be destroyed: %s. It is tried again, and nothing is "
                          "sent before.",
                          strerror(-r));
}

/* The queue may be full: then with the next news. */
static void tell_journal(Truth *truth) {
        truth->is_owed = journal_prove_time(truth->options.journal, &truth->estimate.proof, on_told, truth) != 0;
}

static void say_held_off(Truth *truth, uint32_t before) {
        for (unsigned i = 0; i < TRUE_TIME_SOURCE_MAX; i++) {
                uint32_t bit = 1U << i;

                if ((truth->held_off & ~before) & bit)
                        log_warning("The time of source '%s' contradicts %s and is not believed.",
                                    truetime_source_to_string((TrueTimeSource)i),
                                    truth->estimate.proof.sources != 0 ? "what is proven" : "another, or what is known");
        }
}

/* After anything was heard. */
static void heard(Truth *truth, uint32_t sources_before, bool is_proof) {
        uint32_t held_off_before = truth->held_off;
        bool is_other = truth->estimate.proof.sources != sources_before;

        truth->held_off = truetime_held_off(&truth->estimate);
        if (is_proof || truth->is_owed)
                tell_journal(truth);
        if (is_other)
                log_notice("True time is proven now, by: %s.", truetime_proof_to_string(&truth->estimate.proof));
        say_held_off(truth, held_off_before);
        if ((is_other || truth->held_off != held_off_before) && truth->options.changed)
                truth->options.changed(truth->options.userdata);
}

static void hear(Truth *truth, const TrueTimeObservation *observation) {
        uint32_t sources_before = truth->estimate.proof.sources;

        if (truth->is_ready)
                heard(truth, sources_before, truetime_observe(&truth->estimate, observation));
}

static void ask_kernel(Truth *truth) {
        TrueTimeObservation observation = { .source = TRUE_TIME_KERNEL, .boottime_usec = now_usec(truth) };

        truth->kernel_usec = observation.boottime_usec;
        if (kernel_clock_is_synchronised(&observation.uncertainty_usec)) {
                observation.utc_usec = (int64_t)clock_realtime_usec(truth->options.clock);
                hear(truth, &observation);
        } else if (truth->is_ready) {
                truetime_forget(&truth->estimate, TRUE_TIME_KERNEL);
                heard(truth, truth->estimate.proof.sources, false);
        }
}

static void on_kernel_set(void *userdata) {
        ask_kernel(userdata);
}

static void on_known(int r, const JournalTime *time, void *userdata) {
        Truth *truth = userdata;
        const TrueTimeOptions options = {
                .release_usec = (int64_t)TRAILKEEP_RELEASE_DATE_UNIX * (int64_t)USEC_PER_SEC,
                .has_independent_kernel = truth->options.has_independent_kernel,
        };

        if (r < 0) {
                log_error("What is known of true time cannot be read: %s. Nothing expires by it.", strerror(-r));
                return;
        }
        truth->known = *time;
        truetime_init(&truth->estimate, &options, &time->past);
        truth->is_ready = true;
        if (truth->estimate.proof.sources != 0 && truth->options.changed)
                truth->options.changed(truth->options.userdata);
        ask_kernel(truth);
}

/**
 * truth_new() - an estimator that nobody has told anything
 * @event:      loop; a reference is kept
 * @options:    copied
 * @ret:        owned by the caller; untouched on failure
 *
 * Return: 0; -errno.
 */
int truth_new(sd_event *event, const TruthOptions *options, Truth **ret) {
        _cleanup_(truth_freep) Truth *truth = calloc(1, sizeof(*truth));
        int r;

        if (!truth)
                return -ENOMEM;
        truth->options = *options;
        r = kernel_clock_new(event, on_kernel_set, truth, &truth->kernel);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(truth);
        return 0;
}

/**
 * truth_free() - forget it
 * @truth:      or NULL; its journal is still there
 *
 * Return: NULL.
 */
Truth *truth_free(Truth *truth) {
        if (!truth)
                return NULL;
        journal_forget(truth->options.journal, truth);
        kernel_clock_free(truth->kernel);
        free(truth);
        return NULL;
}

/**
 * truth_start() - begin with what the journal knows
 * @truth:      new
 *
 * Return: 0; < 0.
 */
int truth_start(Truth *truth) {
        int r = journal_read_time(truth->options.journal, on_known, truth);

        return r > 0 ? -EAGAIN : r;
}

/**
 * truth_hear_receiver() - a receiver with a fix shows a time
 * @truth:      state
 * @time_ms:    since 1970, as it came; TIME_MS_NONE: it shows none
 */
void truth_hear_receiver(Truth *truth, int64_t time_ms) {
        if (time_ms < 0 || time_ms > INT64_MAX / (int64_t)USEC_PER_MSEC)
                return;
        hear(truth, &(TrueTimeObservation){
                .source = TRUE_TIME_GNSS,
                .boottime_usec = now_usec(truth),
                .utc_usec = time_ms * (int64_t)USEC_PER_MSEC,
                .uncertainty_usec = RECEIVER_UNCERTAINTY_USEC,
        });
}

/**
 * truth_hear_kernel() - there are other news: ask the kernel along with them, once a minute at most
 * @truth:      state
 *
 * That its clock became synchronised without a step is no event of its own.
 */
void truth_hear_kernel(Truth *truth) {
        if (now_usec(truth) - truth->kernel_usec >= KERNEL_EVERY_USEC)
                ask_kernel(truth);
}

static void on_get_time(HttpTime *ret, void *userdata) {
        Truth *truth = userdata;
        uint64_t boottime_usec = now_usec(truth);
        const TrueTime *estimate = &truth->estimate;
        int64_t utc_usec = 0;
        bool is_exact;

        if (!truth->is_ready)
                return;
        truth_hear_kernel(truth);
        is_exact = estimate->state != TRUE_TIME_UNPROVEN ||
                   (estimate->known & ~truth->held_off & 1U << TRUE_TIME_KERNEL);
        if (is_exact)
                (void)truetime_best(estimate, boottime_usec, &utc_usec); /* there is one */
        else if (truth->known.has_vouched)
                utc_usec = (int64_t)boottime_usec + truth->known.vouched_offset_usec;
        *ret = (HttpTime){ .utc_sec = utc_usec / (int64_t)USEC_PER_SEC, .is_exact = is_exact };
}

static void on_date(const HttpDate *date, void *userdata) {
        hear(userdata, &(TrueTimeObservation){
                .source = TRUE_TIME_STORE,
                .boottime_usec = date->boottime_usec,
                .utc_usec = date->utc_usec,
                .uncertainty_usec = date->uncertainty_usec,
        });
}

/**
 * truth_http_clock() - whom net asks for the time of certificates, and tells the store's
 * @truth:      must outlive the Http it is given to
 *
 * Return: for HttpOptions.
 */
HttpClock truth_http_clock(Truth *truth) {
        return (HttpClock){ .get_time = on_get_time, .date = on_date, .userdata = truth };
}

/**
 * truth_estimate() - what is proven, and who is held off
 * @truth:      state
 *
 * Return: borrowed, for the life of @truth.
 */
const TrueTime *truth_estimate(const Truth *truth) {
        return &truth->estimate;
}
