/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * trailkeepctl consent list|grant|withdraw. Floor 6.
 *
 * Withdrawing asks no question, though it destroys data: it must be as easy to withdraw as to give consent (GDPR
 * Article 7(3)). --keep leaves what was recorded. When one of several purposes fails, the others are still done.
 */
#include <errno.h>
#include <pwd.h>
#include <string.h>

#include "client.h"
#include "format.h"
#include "i18n.h"
#include "output.h"
#include "trailkeep/purpose.h"

/* "alice (owner)", "Mia (bridge)", "uid 1003 (owner)" */
static char *who_decided(const json_t *consent) {
        const char *role = json_string_value(json_object_get(consent, "role"));
        const char *actor = json_string_value(json_object_get(consent, "actor"));
        json_int_t uid = json_integer_value(json_object_get(consent, "uid"));
        const struct passwd *user = getpwuid((uid_t)uid); /* one thread, used at once */
        char number[FORMAT_MAX], *text;

        snprintf(number, sizeof(number), "uid %" JSON_INTEGER_FORMAT, uid);
        if (asprintf(&text, "%s (%s)", actor ? actor : user ? user->pw_name : number, role ? role : "-") < 0)
                return NULL;

        return text;
}

static int add_consent(Table *table, const Ctl *ctl, const json_t *consent) {
        bool is_granted = json_is_true(json_object_get(consent, "granted"));
        const json_t *since = json_object_get(consent, "since");
        char text[FORMAT_MAX];

        table_add_row(table);
        table_add_cell(table, TABLE_PLAIN, "%s", json_string_value(json_object_get(consent, "purpose")));
        table_add_cell(table, is_granted ? TABLE_GOOD : TABLE_PLAIN, "%s", is_granted ? _("granted") : _("off"));
        if (since)
                table_add_cell(table, TABLE_PLAIN, "%s",
                               format_time_ago(json_integer_value(since), ctl_now_ms(ctl), text));
        else
                table_add_cell(table, TABLE_FAINT, "-");

        if (json_object_get(consent, "uid")) {
                _cleanup_free_ char *who = who_decided(consent);

                if (!who)
                        return -ENOMEM;
                table_add_cell(table, TABLE_PLAIN, "%s", who);
        } else
                table_add_cell(table, TABLE_FAINT, "-");

        return 0;
}

/**
 * ctl_consent_list() - trailkeepctl consent list
 * @ctl:        options and bus
 *
 * Return: a CtlExit, other than CTL_EXIT_DONE said on stderr; or -errno.
 */
int ctl_consent_list(Ctl *ctl) {
        _cleanup_(table_freep) Table *table = NULL;
        _cleanup_json_ json_t *consents = NULL;
        json_t *consent;
        size_t i;
        int r;

        r = client_call_simple(ctl, CLIENT_CONSENT, "List", &consents);
        if (r != CTL_EXIT_DONE)
                return r;
        if (ctl->options->is_json)
                return output_json(consents);

        table = table_new();
        if (!table)
                return -ENOMEM;
        table_add_column(table, _("PURPOSE"));
        table_add_column(table, _("CONSENT"));
        table_add_column(table, _("SINCE"));
        table_add_last_column(table, _("BY"));
        json_array_foreach(consents, i, consent) {
                r = add_consent(table, ctl, consent);
                if (r < 0)
                        return r;
        }

        return table_print(table);
}

/* One decision; its outcome is appended to document. */
static int decide(Ctl *ctl, const char *purpose, bool is_grant, json_t *document) {
        _cleanup_message_ sd_bus_message *method = NULL;
        _cleanup_json_ json_t *reply = NULL, *outcome = NULL;
        int r;

        r = client_method_new(ctl, CLIENT_CONSENT, is_grant ? "Grant" : "Withdraw", &method);
        if (r < 0)
                return r;
        if (is_grant)
                r = sd_bus_message_append(method, "sa{sv}", purpose, 0);
        else
                r = sd_bus_message_append(method, "sa{sv}", purpose, 1, "keep", "b",
                                          (int)((ctl->options->given & CTL_OPTION_KEEP) != 0));
        if (r < 0)
                return r;
        r = client_call(ctl, method, &reply);
        if (r != CTL_EXIT_DONE)
                return r;

        outcome = json_pack("{ss sb}", "purpose", purpose, "granted", (int)is_grant);
        if (!outcome)
                return -ENOMEM;
        if (json_is_object(reply) && json_object_update(outcome, reply) < 0)
                return -ENOMEM;

        return json_array_append(document, outcome) < 0 ? -ENOMEM : CTL_EXIT_DONE;
}

static void say_outcome(const Ctl *ctl, const json_t *outcome) {
        const char *purpose = json_string_value(json_object_get(outcome, "purpose"));
        json_int_t records = json_integer_value(json_object_get(outcome, "records"));
        json_int_t copies = json_integer_value(json_object_get(outcome, "copies"));
        json_int_t objects = json_integer_value(json_object_get(outcome, "objects-to-delete"));
        char count[FORMAT_MAX];

        if (json_is_true(json_object_get(outcome, "granted"))) {
                output_say(ctl, _("%s is granted."), purpose);
                return;
        }

        output_say(ctl, _("%s is withdrawn."), purpose);
        if (json_is_true(json_object_get(outcome, "kept"))) {
                output_say(ctl, "  %s", _("What was recorded so far is kept."));
                return;
        }
        output_say(ctl,
                   ngettext("  %s record that was not in the store yet was destroyed.",
                            "  %s records that were not in the store yet were destroyed.", (unsigned long)records),
                   format_count((uint64_t)records, count));
        if (copies > 0)
                output_say(ctl,
                           ngettext("  %s record stays in the store; its copy here was destroyed.",
                                    "  %s records stay in the store; their copies here were destroyed.",
                                    (unsigned long)copies),
                           format_count((uint64_t)copies, count));
        if (objects > 0)
                output_say(ctl,
                           ngettext("  %s object that may have reached the store is being deleted there.",
                                    "  %s objects that may have reached the store are being deleted there.",
                                    (unsigned long)objects),
                           format_count((uint64_t)objects, count));
}

static int decide_all(Ctl *ctl, bool is_grant) {
        _cleanup_json_ json_t *document = json_array();
        int first = CTL_EXIT_DONE, r;
        json_t *outcome;
        size_t i;

        if (!document)
                return -ENOMEM;
        for (Purpose purpose = 0; purpose < PURPOSE_MAX; purpose++) {
                if (!(ctl->options->purposes & UINT32_C(1) << purpose))
                        continue;
                r = decide(ctl, purpose_to_string(purpose), is_grant, document);
                if (first == CTL_EXIT_DONE)
                        first = r;
        }

        if (ctl->options->is_json && json_array_size(document) > 0) {
                r = output_json(document);
                return first == CTL_EXIT_DONE ? r : first;
        }
        json_array_foreach(document, i, outcome)
                say_outcome(ctl, outcome);

        return first;
}

/**
 * ctl_consent_grant() - trailkeepctl consent grant
 * @ctl:        options and bus
 *
 * Return: a CtlExit, other than CTL_EXIT_DONE said on stderr; or -errno. The first failure of several purposes.
 */
int ctl_consent_grant(Ctl *ctl) {
        return decide_all(ctl, true);
}

/**
 * ctl_consent_withdraw() - trailkeepctl consent withdraw
 * @ctl:        options and bus
 *
 * Return: as ctl_consent_grant().
 */
int ctl_consent_withdraw(Ctl *ctl) {
        return decide_all(ctl, false);
}
