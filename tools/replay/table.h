/*
 * table.h - aligned columns of text.                                  SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VMEM_TOOLS_REPLAY_TABLE_H
#define VMEM_TOOLS_REPLAY_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* A table under construction.  The first column is aligned to the left, the others to the right. */
struct replay_table {
    size_t column_count;
    char **cells; /* row by row */
    size_t cell_count;
    size_t cell_capacity;
    bool is_out_of_memory;
};

void replay_table_init(struct replay_table *table, size_t column_count);

/* Add the next cell, row by row; the text is copied. */
void replay_table_add(struct replay_table *table, const char *text);

/* Print, unless out is NULL, and dispose.  Returns false if memory ran out: nothing was printed. */
bool replay_table_print(struct replay_table *table, FILE *out);

#endif
