/* Text in columns, for people at terminals and for pipes. Pure. */
#pragma once

#include "base/buf.h"

struct table_column {
    const char *title;
    bool is_right; /* numbers */
};

/* Rows to come; the arena owns them. */
struct table {
    struct arena *arena;
    const struct table_column *columns;
    size_t column_count;
    struct str *cells; /* row by row */
    size_t row_count, room;
};

void table_init(struct table *table, struct arena *arena, const struct table_column *columns,
                size_t column_count);

/* Adds a row of `column_count` cells, whose text must stay. Control characters are shown as '?',
 * since names are whatever someone gave them. */
void table_add(struct table *table, const struct str *cells);

/* Writes titles and rows. Where they need more than `width` columns (0: any number will do), the
 * last column goes to lines of its own, and then the first one's texts are cut. */
void table_write(const struct table *table, size_t width, struct buf *out);
