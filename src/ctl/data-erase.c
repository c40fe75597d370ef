/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * trailkeepctl data erase. Floor 6.
 *
 * The daemon answers when nothing in scope can be read on the box any more; what the store has is deleted after that,
 * and --wait waits for it. A store that refuses ends the wait: it may refuse for weeks.
 */
#include <errno.h>
#include <string.h>

#include "client.h"
#include "data.h"
#include "format.h"
#include "i18n.h"
#include "output.h"
#include "terminal.h"
#include "trailkeep/parse.h"
#include "trailkeep/purpose.h"
#include "wait.h"

typedef struct Erase {
        Ctl *ctl;
        Wait *wait;       /* NULL: not waiting */
        const char *path; /* of the erasure, borrowed; NULL before it exists */
        json_t *erasure;  /* its properties, owned */
} Erase;

static json_t *scope_purposes(const CtlOptions *options) {
        json_t *purposes = json_array();

        for (Purpose i = 0; purposes && i < PURPOSE_MAX; i++)
                if (options->purposes & UINT32_C(1) << i &&
                    json_array_append_new(purposes, json_string(purpose_to_string(i))) < 0) {
                        json_decref(purposes);
                        return NULL;
                }

        return purposes;
}

/* Nothing but media belongs to a clip. */
static uint32_t counted_purposes(const CtlOptions *options) {
        uint32_t purposes = options->purposes ? options->purposes : UINT32_MAX;

        if (options->clip)
                purposes &= UINT32_C(1) << PURPOSE_AUDIO | UINT32_C(1) << PURPOSE_VIDEO | UINT32_C(1) << PURPOSE_PICTURE;

        return purposes;
}

static json_int_t total(const json_t *summary, const CtlOptions *options, const char *key) {
        json_int_t sum = 0;

        for (Purpose i = 0; i < PURPOSE_MAX; i++)
                if (counted_purposes(options) & UINT32_C(1) << i)
                        sum += json_integer_value(json_object_get(json_object_get(summary, purpose_to_string(i)), key));

        return sum;
}

static void show_scope(const CtlOptions *options, const char *purposes, const json_t *summary) {
        char count[FORMAT_MAX], objects[FORMAT_MAX], text[FORMAT_MAX];

        /* On stderr, with the question: unseen, it gets no yes. */
        fprintf(stderr, _("This destroys what was recorded under: %s\n"), *purposes ? purposes : _("every purpose"));
        if (options->clip)
                fprintf(stderr, _("  clip    %s\n"), options->clip);
        if (options->since_ms != TIME_MS_NONE)
                fprintf(stderr, _("  from    %s\n"), format_time(options->since_ms, text));
        if (options->until_ms != TIME_MS_NONE)
                fprintf(stderr, _("  up to   %s\n"), format_time(options->until_ms, text));
        fprintf(stderr, _("  here    at most %s records\n"),
                format_count((uint64_t)total(summary, options, "records"), count));
        if (options->given & CTL_OPTION_KEEP_STORED)
                fprintf(stderr, "%s", _("  store   nothing is deleted there\n"));
        else
                fprintf(stderr, _("  store   at most %s objects\n"),
                        format_count((uint64_t)total(summary, options, "objects-stored"), objects));
}

static void show_all(const json_t *summary, const CtlOptions *options) {
        char count[FORMAT_MAX], objects[FORMAT_MAX];

        fprintf(stderr, "%s",
                _("This destroys all that was recorded, of everybody, and who decided what; every purpose is off then.\n"));
        fprintf(stderr, _("  here    at least %s records\n"),
                format_count((uint64_t)total(summary, options, "records"), count));
        fprintf(stderr, _("  store   at least %s objects\n"),
                format_count((uint64_t)total(summary, options, "objects-stored"), objects));
}

static int confirm(Ctl *ctl) {
        _cleanup_json_ json_t *summary = NULL, *purposes = NULL;
        _cleanup_free_ char *joined = NULL;
        int r;

        if (ctl->options->given & CTL_OPTION_YES)
                return CTL_EXIT_DONE;
        if (!terminal_can_ask()) {
                ctl_complain(_("erasing cannot be undone and there is no terminal to ask on; "
                               "add --yes if it is meant"));
                return CTL_EXIT_USAGE;
        }

        r = client_call_simple(ctl, CLIENT_DATA, "Summary", &summary);
        if (r != CTL_EXIT_DONE)
                return r;
        purposes = scope_purposes(ctl->options);
        joined = purposes ? data_join_purposes(purposes) : NULL;
        if (!joined)
                return -ENOMEM;

        if (ctl->options->given & CTL_OPTION_ALL)
                show_all(summary, ctl->options);
        else
                show_scope(ctl->options, joined, summary);
        if (terminal_confirm(_("It cannot be undone. Go on? [y/N]")))
                return CTL_EXIT_DONE;
        ctl_complain(_("nothing was erased"));
        return CTL_EXIT_FAILED;
}

static int append_purposes(sd_bus_message *method, uint32_t purposes) {
        int r;

        if (purposes == 0)
                return 0;
        r = sd_bus_message_open_container(method, 'e', "sv");
        if (r >= 0)
                r = sd_bus_message_append(method, "s", "purposes");
        if (r >= 0)
                r = sd_bus_message_open_container(method, 'v', "as");
        if (r >= 0)
                r = sd_bus_message_open_container(method, 'a', "s");
        for (Purpose i = 0; i < PURPOSE_MAX && r >= 0; i++)
                if (purposes & UINT32_C(1) << i)
                        r = sd_bus_message_append(method, "s", purpose_to_string(i));
        for (int i = 0; i < 3 && r >= 0; i++) /* the array, the variant, the entry */
                r = sd_bus_message_close_container(method);

        return r;
}

static int append_scope(sd_bus_message *method, const CtlOptions *options) {
        int r;

        r = sd_bus_message_open_container(method, 'a', "{sv}");
        if (r >= 0)
                r = append_purposes(method, options->purposes);
        if (r >= 0 && options->since_ms != TIME_MS_NONE)
                r = sd_bus_message_append(method, "{sv}", "since", "x", options->since_ms);
        if (r >= 0 && options->until_ms != TIME_MS_NONE)
                r = sd_bus_message_append(method, "{sv}", "until", "x", options->until_ms);
        if (r >= 0 && options->clip)
                r = sd_bus_message_append(method, "{sv}", "clip", "s", options->clip);
        if (r >= 0 && options->given & CTL_OPTION_KEEP_STORED)
                r = sd_bus_message_append(method, "{sv}", "keep-stored", "b", 1);
        if (r >= 0)
                r = sd_bus_message_close_container(method);

        return r;
}

static json_int_t objects_left(const json_t *erasure) {
        return json_integer_value(json_object_get(erasure, "ObjectsToDelete")) -
               json_integer_value(json_object_get(erasure, "ObjectsDeleted"));
}

static void show_progress(const Erase *erase) {
        json_int_t left = objects_left(erase->erasure);
        char text[FORMAT_MAX];

        terminal_progress(ngettext("Deleting in the store: %s object to go", "Deleting in the store: %s objects to go",
                                   (unsigned long)left),
                          format_count((uint64_t)left, text));
}

static void on_erasure(const json_t *reply, void *userdata) {
        Erase *erase = userdata;

        json_decref(erase->erasure);
        erase->erasure = json_incref((json_t *)reply);
        show_progress(erase);
        if (objects_left(reply) <= 0)
                wait_end(erase->wait, CTL_EXIT_DONE);
}

static int read_again(Erase *erase) {
        _cleanup_message_ sd_bus_message *method = NULL;
        int r;

        r = client_get_all_new(erase->ctl, erase->path, CLIENT_ERASURE, &method);
        if (r < 0)
                return r;

        return wait_call(erase->wait, method, 0, on_erasure, erase);
}

/* Held or off: nothing more is deleted until somebody acts. Properties of Sync1, or those of it that changed. */
static bool is_store_refusing(const json_t *sync) {
        const char *state = json_string_value(json_object_get(sync, "State"));

        return state && (strcmp(state, "held") == 0 || strcmp(state, "off") == 0);
}

static void on_changed(sd_bus_message *signal, void *userdata) {
        _cleanup_json_ json_t *arguments = NULL;
        Erase *erase = userdata;
        const char *interface;
        int r;

        if (!erase->path || sd_bus_message_is_signal(signal, CLIENT_PROPERTIES, NULL) <= 0)
                return;
        r = bus_message_to_json(signal, &arguments);
        if (r < 0) {
                wait_end(erase->wait, r);
                return;
        }

        interface = json_string_value(json_array_get(arguments, 0));
        if (interface && strcmp(interface, CLIENT_SYNC) == 0 && is_store_refusing(json_array_get(arguments, 1)))
                wait_end(erase->wait, CTL_EXIT_INCOMPLETE);
        else if (strcmp(sd_bus_message_get_path(signal), erase->path) == 0) {
                r = read_again(erase);
                if (r < 0)
                        wait_end(erase->wait, r);
        }
}

static int wait_for_store(Erase *erase) {
        _cleanup_json_ json_t *sync = NULL;
        int r;

        if (objects_left(erase->erasure) <= 0)
                return CTL_EXIT_DONE;
        r = client_get_all(erase->ctl, CLIENT_PATH, CLIENT_SYNC, &sync);
        if (r != CTL_EXIT_DONE)
                return r;
        if (is_store_refusing(sync))
                return CTL_EXIT_INCOMPLETE;

        show_progress(erase);
        r = wait_run(erase->wait);
        terminal_progress_end();
        return r;
}

static void say_erased(const Erase *erase, bool is_incomplete) {
        const Ctl *ctl = erase->ctl;
        int64_t since_ms = json_integer_value(json_object_get(erase->erasure, "Since"));
        int64_t until_ms = json_integer_value(json_object_get(erase->erasure, "Until"));
        json_int_t copies = json_integer_value(json_object_get(erase->erasure, "Copies"));
        json_int_t records = json_integer_value(json_object_get(erase->erasure, "Records")) + copies;
        json_int_t objects = json_integer_value(json_object_get(erase->erasure, "ObjectsToDelete"));
        json_int_t left = objects_left(erase->erasure);
        char count[FORMAT_MAX], time[FORMAT_MAX];

        output_say(ctl,
                   ngettext("%s record was destroyed on this box.", "%s records were destroyed on this box.",
                            (unsigned long)records),
                   format_count((uint64_t)records, count));
        if (copies > 0)
                output_say(ctl,
                           ngettext("  %s of them had been sent to the store before.",
                                    "  %s of them had been sent to the store before.", (unsigned long)copies),
                           format_count((uint64_t)copies, count));
        if (since_ms != INT64_MIN)
                output_say(ctl, _("  from    %s (rounded outward to whole parcels)"), format_time(since_ms, time));
        if (until_ms != INT64_MAX)
                output_say(ctl, _("  up to   %s (rounded outward to whole parcels)"), format_time(until_ms, time));
        if (objects > 0 && left <= 0)
                output_say(ctl,
                           ngettext("%s object was deleted in the store.", "%s objects were deleted in the store.",
                                    (unsigned long)objects),
                           format_count((uint64_t)objects, count));
        else if (objects > 0 && !is_incomplete)
                output_say(ctl,
                           ngettext("%s object is still to be deleted in the store; see: trailkeepctl data erasures",
                                    "%s objects are still to be deleted in the store; see: trailkeepctl data erasures",
                                    (unsigned long)left),
                           format_count((uint64_t)left, count));
}

static int report(const Erase *erase, int outcome) {
        json_int_t left = objects_left(erase->erasure);
        char count[FORMAT_MAX];
        int r = 0;

        if (erase->ctl->options->is_json) {
                _cleanup_json_ json_t *document = json_pack("{ss}", "erasure", erase->path);

                if (!document || json_object_update(document, erase->erasure) < 0)
                        return -ENOMEM;
                r = output_json(document);
        } else
                say_erased(erase, outcome == CTL_EXIT_INCOMPLETE);

        if (outcome == CTL_EXIT_INCOMPLETE)
                ctl_complain(ngettext("the store refuses to delete %s object now; trailkeepd goes on trying",
                                      "the store refuses to delete %s objects now; trailkeepd goes on trying",
                                      (unsigned long)left),
                             format_count((uint64_t)left, count));
        return r < 0 ? r : outcome;
}

/* The daemon has answered once nothing of it can be read on the box any more. */
static int request(Ctl *ctl, json_t **ret_path) {
        _cleanup_message_ sd_bus_message *method = NULL;
        _cleanup_json_ json_t *path = NULL;
        bool is_all = ctl->options->given & CTL_OPTION_ALL;
        int r;

        r = client_method_new(ctl, CLIENT_DATA, is_all ? "EraseEverything" : "Erase", &method);
        if (r < 0)
                return r;
        r = is_all ? 0 : append_scope(method, ctl->options);
        if (r < 0)
                return r;
        r = client_call(ctl, method, &path);
        if (r != CTL_EXIT_DONE)
                return r;
        if (!json_is_string(path))
                return -EBADMSG;

        *ret_path = TAKE_PTR(path);
        return CTL_EXIT_DONE;
}

/* With a wait installed, its signals were counted from before the request. */
static int follow(Erase *erase) {
        int r;

        r = client_get_all(erase->ctl, erase->path, CLIENT_ERASURE, &erase->erasure);
        if (r != CTL_EXIT_DONE)
                return r;
        if (erase->wait)
                r = wait_for_store(erase);

        return r == CTL_EXIT_DONE || r == CTL_EXIT_INCOMPLETE ? report(erase, r) : r;
}

/**
 * ctl_data_erase() - trailkeepctl data erase
 * @ctl:        options and bus
 *
 * Return: a CtlExit, other than CTL_EXIT_DONE said on stderr: CTL_EXIT_FAILED when the answer was no, CTL_EXIT_USAGE
 * when nobody can be asked, CTL_EXIT_INCOMPLETE when the wait for the store was in vain; or -errno.
 */
int ctl_data_erase(Ctl *ctl) {
        _cleanup_(wait_freep) Wait *wait = NULL;
        _cleanup_json_ json_t *path = NULL;
        Erase erase = { .ctl = ctl };
        int r;

        r = confirm(ctl);
        if (r != CTL_EXIT_DONE)
                return r;
        if (ctl->options->given & CTL_OPTION_WAIT) {
                r = wait_new(ctl, &(WaitObserver){ .changed = on_changed, .userdata = &erase }, &wait);
                if (r < 0)
                        return r;
        }
        r = request(ctl, &path);
        if (r != CTL_EXIT_DONE)
                return r;

        erase.wait = wait;
        erase.path = json_string_value(path);
        r = follow(&erase);
        json_decref(erase.erasure);
        return r;
}
