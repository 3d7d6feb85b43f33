/* Text in columns. */
#include "cli/table.h"

enum { GAP = 2, INDENT = 4, LEAST_FIRST = 12 };

void table_init(struct table *table, struct arena *arena, const struct table_column *columns,
                size_t column_count)
{
    *table = (struct table){.arena = arena, .columns = columns, .column_count = column_count};
}

static struct str printable(struct arena *arena, struct str text)
{
    char *copy = NULL;
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] >= ' ' && text.ptr[i] != 0x7f)
            continue;
        copy = copy ? copy : arena_cstr(arena, text);
        copy[i] = '?';
    }
    return copy ? str_make(copy, text.len) : text;
}

void table_add(struct table *table, const struct str *cells)
{
    size_t used = table->row_count * table->column_count;
    if (table->row_count == table->room) {
        size_t room = table->room ? 2 * table->room : 16;
        table->cells = arena_realloc(table->arena, table->cells, used * sizeof(struct str),
                                     room * table->column_count * sizeof(struct str));
        table->room = room;
    }
    for (size_t i = 0; i < table->column_count; i++)
        table->cells[used + i] = printable(table->arena, cells[i]);
    table->row_count++;
}

/* --- Widths --- */

/* Characters, each taken as one column wide. */
static size_t width_of(struct str text)
{
    size_t width = 0;
    for (size_t i = 0; i < text.len; i++)
        width += ((unsigned char)text.ptr[i] & 0xc0) != 0x80;
    return width;
}

static struct str cell(const struct table *table, size_t row, size_t column)
{
    return table->cells[row * table->column_count + column];
}

static size_t column_width(const struct table *table, size_t column)
{
    size_t width = width_of(str_from(table->columns[column].title));
    for (size_t row = 0; row < table->row_count; row++) {
        size_t own = width_of(cell(table, row, column));
        width = own > width ? own : width;
    }
    return width;
}

/* How the table is to be written. */
struct layout {
    size_t *widths;
    size_t columns; /* side by side; the rest is one that goes to lines of its own */
};

static size_t total_width(const struct layout *layout)
{
    size_t total = (layout->columns - 1) * GAP;
    for (size_t i = 0; i < layout->columns; i++)
        total += layout->widths[i];
    return total;
}

static struct layout lay_out(const struct table *table, size_t width)
{
    struct layout layout = {arena_array(table->arena, size_t, table->column_count),
                            table->column_count};
    for (size_t i = 0; i < table->column_count; i++)
        layout.widths[i] = column_width(table, i);
    if (width == 0 || total_width(&layout) <= width)
        return layout;
    if (layout.columns > 1 && !table->columns[layout.columns - 1].is_right)
        layout.columns--;
    size_t total = total_width(&layout), first = layout.widths[0];
    size_t excess = total > width ? total - width : 0;
    if (first > LEAST_FIRST && excess)
        layout.widths[0] =
            first - excess > LEAST_FIRST && first > excess ? first - excess : LEAST_FIRST;
    return layout;
}

/* --- Writing --- */

static void add_blanks(struct buf *out, size_t count)
{
    while (count--)
        buf_add_byte(out, ' ');
}

/* The first `width` columns of the text, with a mark when something is missing. */
static struct str cut(struct arena *arena, struct str text, size_t width)
{
    size_t len = 0, taken = 0;
    if (width_of(text) <= width)
        return text;
    while (len < text.len && taken + 1 < width) {
        do
            len++;
        while (len < text.len && ((unsigned char)text.ptr[len] & 0xc0) == 0x80);
        taken++;
    }
    return arena_printf(arena, "%.*s~", (int)len, text.ptr);
}

static void write_row(const struct table *table, const struct layout *layout,
                      const struct str *cells, struct buf *out)
{
    size_t start = out->len, used = layout->columns;
    while (used && cells[used - 1].len == 0)
        used--;
    for (size_t i = 0; i < used; i++) {
        struct str text = cut(table->arena, cells[i], layout->widths[i]);
        size_t blanks = layout->widths[i] - width_of(text);
        add_blanks(out, i ? GAP : 0);
        add_blanks(out, table->columns[i].is_right ? blanks : 0);
        buf_add(out, text);
        add_blanks(out, table->columns[i].is_right || i + 1 == used ? 0 : blanks);
    }
    if (out->len > start)
        buf_add_byte(out, '\n');
    if (layout->columns == table->column_count || cells[layout->columns].len == 0)
        return;
    add_blanks(out, INDENT);
    buf_add(out, cells[layout->columns]);
    buf_add_byte(out, '\n');
}

void table_write(const struct table *table, size_t width, struct buf *out)
{
    struct layout layout = lay_out(table, width);
    struct str *titles = arena_array(table->arena, struct str, table->column_count);
    for (size_t i = 0; i < layout.columns; i++)
        titles[i] = str_from(table->columns[i].title);
    for (size_t i = layout.columns; i < table->column_count; i++)
        titles[i] = STR_EMPTY;
    write_row(table, &layout, titles, out);
    for (size_t row = 0; row < table->row_count; row++)
        write_row(table, &layout, table->cells + row * table->column_count, out);
}
