/* Comma-separated values. */
#include "wire/csv.h"

/* The field that starts in quotes; what is behind the closing one goes on as it is. */
static struct str quoted_field(struct str *rest, struct arena *arena, size_t *lines)
{
    struct buf field;
    size_t i = 1;
    buf_init_arena(&field, arena, rest->len + 1);
    for (; i < rest->len; i++) {
        bool is_doubled = rest->ptr[i] == '"' && i + 1 < rest->len && rest->ptr[i + 1] == '"';
        if (rest->ptr[i] == '"' && !is_doubled) {
            i++;
            break;
        }
        *lines += rest->ptr[i] == '\n';
        buf_add_byte(&field, rest->ptr[i]);
        i += is_doubled;
    }
    for (; i < rest->len && rest->ptr[i] != ',' && rest->ptr[i] != '\n' && rest->ptr[i] != '\r';
         i++)
        buf_add_byte(&field, rest->ptr[i]);
    *rest = str_slice(*rest, i, rest->len);
    return buf_str(&field);
}

static struct str plain_field(struct str *rest)
{
    size_t i = 0;
    while (i < rest->len && rest->ptr[i] != ',' && rest->ptr[i] != '\n')
        i++;
    struct str field = str_slice(*rest, 0, i);
    *rest = str_slice(*rest, i, rest->len);
    if (str_ends(field, STR("\r")) && (rest->len == 0 || rest->ptr[0] == '\n'))
        field.len--;
    return field;
}

bool csv_next(struct str *rest, struct arena *arena, struct csv_row *out)
{
    size_t room = 0;
    *out = (struct csv_row){.lines = 1};
    if (rest->len == 0)
        return false;
    for (;;) {
        if (out->count == room) {
            size_t more = room ? room * 2 : 16;
            out->fields = arena_realloc(arena, out->fields, room * sizeof(*out->fields),
                                        more * sizeof(*out->fields));
            room = more;
        }
        bool is_quoted = rest->len && rest->ptr[0] == '"';
        out->fields[out->count++] =
            is_quoted ? quoted_field(rest, arena, &out->lines) : plain_field(rest);
        if (str_starts(*rest, STR("\r\n")))
            *rest = str_slice(*rest, 1, rest->len);
        if (rest->len == 0)
            return true;
        char end = rest->ptr[0];
        *rest = str_slice(*rest, 1, rest->len);
        if (end != ',')
            return true;
    }
}

void csv_add(struct buf *out, struct str field)
{
    bool needs_quotes = field.len && (field.ptr[0] == ' ' || field.ptr[field.len - 1] == ' ');
    for (size_t i = 0; !needs_quotes && i < field.len; i++)
        needs_quotes = strchr(",\"\r\n", field.ptr[i]) && field.ptr[i];
    if (!needs_quotes) {
        buf_add(out, field);
        return;
    }
    buf_add_byte(out, '"');
    for (size_t i = 0; i < field.len; i++) {
        if (field.ptr[i] == '"')
            buf_add_byte(out, '"');
        buf_add_byte(out, field.ptr[i]);
    }
    buf_add_byte(out, '"');
}
