/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Tables and blocks of "Label  value" on standard output, through libsmartcols.
 */
#include <stdint.h>

#include "trailkeep/macros.h"

typedef struct Table Table;

typedef enum TableColour { TABLE_PLAIN, TABLE_GOOD, TABLE_WARN, TABLE_BAD, TABLE_FAINT, TABLE_COLOUR_MAX } TableColour;

/* The first failure is kept and returned by table_print(), so that filling needs no checks. */
Table *table_new(void); /* NULL: out of memory */
Table *table_free(Table *table);
DEFINE_CLEANUP(Table, table_free);
void table_add_column(Table *table, const char *title);        /* left-aligned */
void table_add_last_column(Table *table, const char *title);   /* as above, and goes on below on a narrow terminal */
void table_add_number_column(Table *table, const char *title); /* right-aligned */
void table_add_row(Table *table);
void table_add_cell(Table *table, TableColour colour, const char *format, ...) _printf_(3, 4); /* the row's next */
void table_add_count(Table *table, TableColour colour_if_any, int64_t count);
void table_add_pair(Table *table, const char *label, TableColour colour, const char *format, ...) _printf_(4, 5);
int table_print(Table *table) _must_check_;

Table *table_new_pairs(void); /* two columns without a heading, for table_add_pair() */
