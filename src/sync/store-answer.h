/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What an HTTP answer means for an object. Floor 4, pure.
 */
#include <stdbool.h>
#include "trailkeep/http.h"
#include "trailkeep/store.h"

#define STORE_TEXT_MAX 512

StoreAnswer store_answer_of(const HttpResult *result, bool is_deletion, char text[static STORE_TEXT_MAX]);
