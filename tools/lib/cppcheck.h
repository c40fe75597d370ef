/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tools/tidy includes this before each file that cppcheck reads: jansson's loops, since it reads no system headers, and
 * plain forms of the macros whose statement expressions it stumbles over.
 */
#include "trailkeep/macros.h"

#undef MIN
#undef MAX
#undef TAKE_PTR
#undef TAKE_FD
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define TAKE_PTR(p) (p)
#define TAKE_FD(fd) (fd)
#define json_array_foreach(array, i, value) \
        for (i = 0; i < json_array_size(array) && (value = json_array_get(array, i)); i++)
#define json_object_foreach(object, key, value) \
        for (key = json_object_iter_key(json_object_iter(object)); key && (value = json_object_get(object, key)); \
             key = json_object_iter_key(json_object_iter_next(object, json_object_key_to_iter(key))))
