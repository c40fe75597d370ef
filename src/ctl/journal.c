/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * trailkeepctl journal damage|acknowledge. Floor 6.
 */
#include <errno.h>

#include "client.h"
#include "format.h"
#include "i18n.h"
#include "output.h"

static void add_count(Table *table, const char *label, TableColour colour_if_any, const json_t *damage, const char *key) {
        uint64_t count = (uint64_t)json_integer_value(json_object_get(damage, key));
        char text[FORMAT_MAX];

        table_add_pair(table, label, count > 0 ? colour_if_any : TABLE_PLAIN, "%s", format_count(count, text));
}

static int show_damage(Ctl *ctl, const json_t *damage) {
        _cleanup_(table_freep) Table *table = table_new_pairs();
        int64_t last_ms = json_integer_value(json_object_get(damage, "last_ms"));
        char text[FORMAT_MAX];

        if (!table)
                return -ENOMEM;
        add_count(table, _("Times damaged"), TABLE_BAD, damage, "damages");
        table_add_pair(table, _("Last noticed"), TABLE_PLAIN, "%s", format_time_ago(last_ms, ctl_now_ms(ctl), text));
        add_count(table, _("Carried over"), TABLE_PLAIN, damage, "saved");
        add_count(table, _("Lost unsent"), TABLE_BAD, damage, "lost");
        add_count(table, _("Forgotten in the store"), TABLE_BAD, damage, "objects_lost");
        return table_print(table);
}

/**
 * ctl_journal_damage() - trailkeepctl journal damage
 * @ctl:        options and bus
 *
 * Return: a CtlExit, other than CTL_EXIT_DONE said on stderr; or -errno.
 */
int ctl_journal_damage(Ctl *ctl) {
        _cleanup_json_ json_t *properties = NULL, *document = NULL;
        json_t *damage;
        int r;

        r = client_get_all(ctl, CLIENT_PATH, CLIENT_JOURNAL, &properties);
        if (r != CTL_EXIT_DONE)
                return r;
        damage = json_object_get(properties, "Damage");
        if (ctl->options->is_json) {
                document = json_pack("{sO?}", "Damage", damage);
                return document ? output_json(document) : -ENOMEM;
        }
        if (json_object_size(damage) > 0)
                return show_damage(ctl, damage);
        output_say(ctl, _("Nothing was found damaged since somebody last acknowledged it."));
        return CTL_EXIT_DONE;
}

/**
 * ctl_journal_acknowledge() - trailkeepctl journal acknowledge
 * @ctl:        options and bus
 *
 * Return: a CtlExit, other than CTL_EXIT_DONE said on stderr; or -errno.
 */
int ctl_journal_acknowledge(Ctl *ctl) {
        _cleanup_json_ json_t *reply = NULL, *document = NULL;
        int r;

        r = client_call_simple(ctl, CLIENT_JOURNAL, "AcknowledgeDamage", &reply);
        if (r != CTL_EXIT_DONE)
                return r;
        if (!ctl->options->is_json) {
                output_say(ctl, _("The damage is shown no more."));
                return CTL_EXIT_DONE;
        }
        document = json_pack("{sb}", "acknowledged", 1);
        return document ? output_json(document) : -ENOMEM;
}
