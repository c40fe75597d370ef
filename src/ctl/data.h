/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What the files of the verb data share.
 */
#include <jansson.h>

char *data_join_purposes(const json_t *purposes); /* ["location", "audio"] as "location, audio" */
