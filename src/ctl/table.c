/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tables on standard output, through libsmartcols. Floor 6.
 *
 * libsmartcols measures in columns of the terminal, so Chinese and umlauts line up; it writes control characters as
 * \x..., so foreign text cannot reach the terminal as an escape sequence.
 */
#include "table.h"

#include <errno.h>
#include <libsmartcols.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "format.h"
#include "terminal.h"

#define LABEL_COLUMNS 16 /* what the labels of a block take at most, in any language, with the gap */

struct Table {
        struct libscols_table *scols;
        struct libscols_line *line; /* being filled, borrowed */
        size_t n_cells;             /* of that line so far */
        int failed;                 /* first failure, -errno; 0 */
};

static const char *const colour_names[TABLE_COLOUR_MAX] = {
        [TABLE_PLAIN] = NULL, [TABLE_GOOD] = "green",       [TABLE_WARN] = "brown",
        [TABLE_BAD] = "red",  [TABLE_FAINT] = "halfbright",
};

static void table_check(Table *table, int r) {
        if (r < 0 && table->failed == 0)
                table->failed = r;
}

/**
 * table_new() - begin a table
 *
 * Return: it, the caller's; NULL when out of memory.
 */
Table *table_new(void) {
        _cleanup_(table_freep) Table *table = calloc(1, sizeof(*table));

        if (!table)
                return NULL;
        table->scols = scols_new_table();
        if (!table->scols)
                return NULL;

        if (terminal_has_colours(stdout))
                table_check(table, scols_table_enable_colors(table->scols, true));
        return TAKE_PTR(table);
}

static struct libscols_column *add_column(Table *table, const char *title, int flags) {
        struct libscols_column *column = scols_table_new_column(table->scols, title, 0, flags);

        if (!column) {
                table_check(table, -ENOMEM);
                return NULL;
        }
        if (terminal_has_colours(stdout))
                table_check(table, scols_cell_set_color(scols_column_get_header(column), "bold"));

        return column;
}

/**
 * table_new_pairs() - begin a block of labels and values
 *
 * Return: a table for table_add_pair(), the caller's; NULL when out of memory.
 */
Table *table_new_pairs(void) {
        struct libscols_column *values;
        Table *table = table_new();

        if (!table)
                return NULL;
        table_check(table, scols_table_enable_noheadings(table->scols, true));
        table_check(table, scols_table_set_column_separator(table->scols, "  "));
        table_add_number_column(table, "LABEL");
        values = add_column(table, "VALUE", SCOLS_FL_WRAP);
        if (values) { /* lines end where table_add_pair() has ended them */
                table_check(table, scols_column_set_safechars(values, "\n"));
                table_check(table,
                            scols_column_set_wrapfunc(values, scols_wrapnl_chunksize, scols_wrapnl_nextchunk, NULL));
        }

        return table;
}

/**
 * table_free() - forget a table
 * @table:      may be NULL
 *
 * Return: NULL.
 */
Table *table_free(Table *table) {
        if (!table)
                return NULL;

        scols_unref_table(table->scols);
        free(table);
        return NULL;
}

/**
 * table_add_column() - add a column of text
 * @table:      without rows yet
 * @title:      in capitals, translated
 */
void table_add_column(Table *table, const char *title) {
        add_column(table, title, 0);
}

/**
 * table_add_last_column() - add a column of text that goes on below where the terminal ends
 * @table:      without rows yet
 * @title:      in capitals, translated
 */
void table_add_last_column(Table *table, const char *title) {
        add_column(table, title, SCOLS_FL_WRAP);
}

/**
 * table_add_number_column() - add a column whose values end at its right edge
 * @table:      without rows yet
 * @title:      in capitals, translated
 */
void table_add_number_column(Table *table, const char *title) {
        add_column(table, title, SCOLS_FL_RIGHT);
}

/**
 * table_add_row() - begin the next row
 * @table:      with all its columns
 */
void table_add_row(Table *table) {
        table->n_cells = 0;
        table->line = scols_table_new_line(table->scols, NULL);
        if (!table->line)
                table_check(table, -ENOMEM);
}

static void add_text(Table *table, TableColour colour, char *text) {
        struct libscols_cell *cell;

        if (!table->line || !text) {
                free(text);
                table_check(table, -ENOMEM);
                return;
        }

        cell = scols_line_get_cell(table->line, table->n_cells);
        table_check(table, scols_line_refer_data(table->line, table->n_cells++, text)); /* takes it */
        if (cell && colour_names[colour] && terminal_has_colours(stdout))
                table_check(table, scols_cell_set_color(cell, colour_names[colour]));
}

static char *_printf_(1, 0) format_text(const char *format, va_list args) {
        char *text;

        return vasprintf(&text, format, args) < 0 ? NULL : text;
}

/**
 * table_add_cell() - fill the row's next cell
 * @table:      with a row begun
 * @colour:     used where there are colours
 * @format:     of the text
 */
void table_add_cell(Table *table, TableColour colour, const char *format, ...) {
        va_list args;

        va_start(args, format);
        add_text(table, colour, format_text(format, args));
        va_end(args);
}

/**
 * table_add_count() - fill the row's next cell with a count
 * @table:              with a row begun
 * @colour_if_any:      of a count that is not zero; a zero is faint
 * @count:              what to show
 */
void table_add_count(Table *table, TableColour colour_if_any, int64_t count) {
        char text[FORMAT_MAX];

        table_add_cell(table, count == 0 ? TABLE_FAINT : colour_if_any, "%s", format_count((uint64_t)count, text));
}

/**
 * table_add_pair() - add a row of a label and a value
 * @table:      from table_new_pairs()
 * @label:      translated, without a colon
 * @colour:     of the value
 * @format:     of the value
 */
void table_add_pair(Table *table, const char *label, TableColour colour, const char *format, ...) {
        size_t columns = terminal_columns(stdout);
        char *text;
        va_list args;

        table_add_row(table);
        table_add_cell(table, TABLE_FAINT, "%s", label);

        va_start(args, format);
        text = format_text(format, args);
        va_end(args);
        if (text && columns > 2 * LABEL_COLUMNS)
                text_wrap(text, columns - LABEL_COLUMNS);
        add_text(table, colour, text);
}

/**
 * table_print() - write the table to standard output
 * @table:      filled
 *
 * Return: 0, or the first failure since table_new() as -errno.
 */
int table_print(Table *table) {
        if (table->failed < 0)
                return table->failed;

        return scols_print_table(table->scols);
}
