/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * trailkeepctl(1). Floor 6.
 */
#include <libintl.h>
#include <locale.h>

#include "build-config.h"
#include "ctl.h"

int main(int argc, char **argv) {
        /* Without the locale wanted everything still works, in English. */
        setlocale(LC_ALL, "");
        bindtextdomain("trailkeep", TRAILKEEP_LOCALE_DIR);
        textdomain("trailkeep");

        return ctl_run(argc, argv, &clock_system);
}
