/* table.h - rows of cells in aligned columns.
 *
 * Cells are texts of ours as print.h makes them (outside text already escaped); colour sequences
 * take no room. table_line() is a row that does not take part in the alignment.
 */
#pragma once
#include "client/print.h"

enum { TABLE_COLUMNS_MAX = 12 };

struct table_row {
    char *cells[TABLE_COLUMNS_MAX];
    size_t count;
    bool line;
};

struct table {
    struct table_row *rows;
    size_t count, cap;
    struct print cell;             /* where the next cell is written */
    bool right[TABLE_COLUMNS_MAX]; /* columns that are aligned to the right */
};

void table_init(struct table *t, const struct print_mode *mode);
void table_deinit(struct table *t); /* accepts a zeroed one */
/* A header from a list of column names, NULL-terminated, in bold. */
void table_header(struct table *t, const char *const *names);
void table_row(struct table *t);
/* Ends the cell that was written into t->cell and adds it to the newest row. */
void table_cell(struct table *t);
void table_cell_text(struct table *t, const char *text); /* outside text */
/* The same as a row that stands alone. */
void table_line(struct table *t);
void table_print(const struct table *t, struct print *out);
