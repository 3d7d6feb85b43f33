/* A cursor is the table's LastEvaluatedKey in base64url without padding (RFC 4648, section 5). */
#include "cursor.h"

#include "base/encode.h"
#include "note.h"
#include "skylite/dynamodb.h"

enum { MAX_CURSOR = 16 * 1024 };

static void replace(char *text, char from, char to)
{
    for (; *text; text++)
        *text = *text == from ? to : *text;
}

struct str cursor_write(struct arena *arena, struct str note_id)
{
    struct buf key;
    buf_init_arena(&key, arena, NOTE_MAX_JSON);
    buf_add_byte(&key, '{');
    note_add_attribute(&key, STR("noteId"), note_id);
    buf_add_byte(&key, '}');

    struct str text = encode_base64(arena, buf_str(&key));
    while (str_ends(text, STR("=")))
        text.len--;
    char *safe = arena_cstr(arena, text);
    replace(safe, '+', '-');
    replace(safe, '/', '_');
    return str_make(safe, text.len);
}

bool cursor_read(struct arena *arena, struct str cursor, struct str *out_note_id)
{
    struct str key;
    if (cursor.len == 0 || cursor.len > MAX_CURSOR || str_find_byte(cursor, '+', 0) >= 0 ||
        str_find_byte(cursor, '/', 0) >= 0 || str_find_byte(cursor, '=', 0) >= 0)
        return false;
    static const char *const padding[] = {"", "===", "==", "="};
    struct str padded = arena_printf(arena, "%.*s%s", STR_ARG(cursor), padding[cursor.len % 4]);
    char *text = arena_cstr(arena, padded);
    replace(text, '-', '+');
    replace(text, '_', '/');
    if (!decode_base64(arena, str_make(text, padded.len), &key))
        return false;

    yyjson_val *root = json_parse(arena, key);
    struct str id = dynamodb_get_s(root, "noteId");
    if (yyjson_obj_size(root) != 1 || id.len == 0 || id.len > NOTE_MAX_ID)
        return false;
    *out_note_id = id;
    return true;
}
