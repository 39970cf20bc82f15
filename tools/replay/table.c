/*
 * table - aligned columns of text.                            SPDX-License-Identifier: BSD-2-Clause
 *
 * Cells are gathered first, because a column is as wide as its widest cell.
 */
#include "table.h"

#include <stdlib.h>
#include <string.h>

#define COLUMN_GAP 2

void
replay_table_init(struct replay_table *table, size_t column_count)
{
    *table = (struct replay_table){ .column_count = column_count };
}

void
replay_table_add(struct replay_table *table, const char *text)
{
    if (table->cell_count == table->cell_capacity) {
        const size_t capacity = table->cell_capacity == 0 ? 64 : table->cell_capacity * 2;
        char **larger = realloc(table->cells, capacity * sizeof(*larger));
        if (larger == NULL) {
            table->is_out_of_memory = true;
            return;
        }
        table->cells = larger;
        table->cell_capacity = capacity;
    }
    char *copy = strdup(text);
    table->is_out_of_memory = table->is_out_of_memory || copy == NULL;
    if (copy != NULL) {
        table->cells[table->cell_count++] = copy;
    }
}

static int
width_of(const struct replay_table *table, size_t column)
{
    size_t width = 0;
    for (size_t i = column; i < table->cell_count; i += table->column_count) {
        const size_t length = strlen(table->cells[i]);
        width = length > width ? length : width;
    }
    return (int)width;
}

static void
print_cells(const struct replay_table *table, FILE *out)
{
    for (size_t i = 0; i < table->cell_count; i++) {
        const size_t column = i % table->column_count;
        const int width = width_of(table, column);
        if (column == 0) {
            (void)fprintf(out, "  %-*s", width, table->cells[i]);
        } else {
            (void)fprintf(out, "%*s%*s", COLUMN_GAP, "", width, table->cells[i]);
        }
        if (column + 1 == table->column_count) {
            (void)fputc('\n', out);
        }
    }
}

bool
replay_table_print(struct replay_table *table, FILE *out)
{
    const bool is_printed = !table->is_out_of_memory;
    if (is_printed && out != NULL) {
        print_cells(table, out);
    }
    for (size_t i = 0; i < table->cell_count; i++) {
        free(table->cells[i]);
    }
    free(table->cells);
    *table = (struct replay_table){ 0 };
    return is_printed;
}
