#include "client/table.h"

#include <assert.h>
#include <stdlib.h>

void table_init(struct table *t, const struct print_mode *mode)
{
    *t = (struct table){ .rows = NULL };
    print_init(&t->cell, mode);
}

void table_deinit(struct table *t)
{
    for (size_t r = 0; r < t->count; r++)
        for (size_t c = 0; c < t->rows[r].count; c++) free(t->rows[r].cells[c]);
    free(t->rows);
    print_deinit(&t->cell);
    *t = (struct table){ .rows = NULL };
}

void table_row(struct table *t)
{
    if (t->count == t->cap) {
        t->cap = t->cap ? 2 * t->cap : 32;
        t->rows = xrealloc(t->rows, t->cap * sizeof *t->rows);
    }
    t->rows[t->count++] = (struct table_row){ .count = 0 };
}

void table_cell(struct table *t)
{
    assert(t->count > 0);
    struct table_row *row = &t->rows[t->count - 1];
    assert(row->count < TABLE_COLUMNS_MAX);
    row->cells[row->count++] = xstrdup(print_string(&t->cell));
    print_clear(&t->cell);
}

void table_cell_text(struct table *t, const char *text)
{
    print_text(&t->cell, text);
    table_cell(t);
}

void table_line(struct table *t)
{
    table_row(t);
    t->rows[t->count - 1].line = true;
    table_cell(t);
}

void table_header(struct table *t, const char *const *names)
{
    table_row(t);
    for (size_t i = 0; names[i]; i++) {
        print_styled(&t->cell, STYLE_BOLD, names[i]);
        table_cell(t);
    }
}

static void pad(struct print *out, size_t columns)
{
    print_format(out, "%*s", (int)columns, "");
}

void table_print(const struct table *t, struct print *out)
{
    size_t widths[TABLE_COLUMNS_MAX] = { 0 };
    for (size_t r = 0; r < t->count; r++)
        for (size_t c = 0; c < t->rows[r].count && !t->rows[r].line; c++) {
            size_t width = print_columns(t->rows[r].cells[c]);
            if (width > widths[c]) widths[c] = width;
        }
    for (size_t r = 0; r < t->count; r++) {
        const struct table_row *row = &t->rows[r];
        size_t owed = 0; /* blanks are written only when something follows */
        for (size_t c = 0; c < row->count; c++) {
            size_t width = print_columns(row->cells[c]);
            size_t room = row->line || widths[c] < width ? 0 : widths[c] - width;
            if (!row->line && widths[c] == 0) continue;
            if (t->right[c] && !row->line) {
                owed += room;
                room = 0;
            }
            if (width > 0) {
                pad(out, owed);
                print_raw(out, row->cells[c]);
                owed = 0;
            }
            owed += room + 2;
        }
        print_raw(out, "\n");
    }
}
