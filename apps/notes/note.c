/* The note's rules and forms. */
#include "note.h"

#include "base/encode.h"
#include "skylite/dynamodb.h"

/* --- Reading --- */

/* Bytes that go on with a character do not count. */
static size_t count_characters(struct str utf8)
{
    size_t count = 0;
    for (size_t i = 0; i < utf8.len; i++)
        count += (utf8.ptr[i] & 0xc0) != 0x80;
    return count;
}

static enum err read_text(const yyjson_val *body, const char *name, struct str *out,
                          struct error *error)
{
    yyjson_val *member = json_get(body, name);
    if (member && !yyjson_is_str(member))
        return error_set(error, ERR_VALIDATION, "%s must be a string", name);
    *out = json_str(member);
    return OK;
}

static enum err check(const struct note *note, struct error *error)
{
    size_t title_len = count_characters(note->title);
    if (note->id.ptr && (note->id.len == 0 || note->id.len > NOTE_MAX_ID))
        return error_set(error, ERR_VALIDATION, "noteId must be 1 to %d bytes long", NOTE_MAX_ID);
    if (note->title.ptr && (title_len == 0 || title_len > NOTE_MAX_TITLE))
        return error_set(error, ERR_VALIDATION, "title must be 1 to %d characters long",
                         NOTE_MAX_TITLE);
    if (note->content.ptr && note->content.len > NOTE_MAX_CONTENT)
        return error_set(error, ERR_REQUEST_ENTITY_TOO_LARGE,
                         "content must be %d bytes long at most", NOTE_MAX_CONTENT);
    return OK;
}

enum err note_read(struct arena *arena, struct str body, struct note *out, struct error *error)
{
    struct note note = {0};
    if (body.len == 0)
        return error_set(error, ERR_VALIDATION, "the body is empty; it must be a JSON object");
    yyjson_val *root = json_parse(arena, body);
    if (!root)
        return error_set(error, ERR_VALIDATION, "the body is not valid JSON");
    if (!yyjson_is_obj(root))
        return error_set(error, ERR_VALIDATION, "the body must be a JSON object");

    enum err rc = read_text(root, "noteId", &note.id, error);
    rc = rc ? rc : read_text(root, "title", &note.title, error);
    rc = rc ? rc : read_text(root, "content", &note.content, error);
    rc = rc ? rc : check(&note, error);
    if (rc == OK)
        *out = note;
    return rc;
}

enum err note_check_complete(const struct note *note, struct error *error)
{
    if (!note->title.ptr)
        return error_set(error, ERR_VALIDATION, "title is missing");
    if (!note->content.ptr)
        return error_set(error, ERR_VALIDATION, "content is missing");
    return OK;
}

struct note note_from_item(const yyjson_val *item)
{
    return (struct note){
        .id = dynamodb_get_s(item, "noteId"),
        .title = dynamodb_get_s(item, "title"),
        .content = dynamodb_get_s(item, "content"),
        .timestamp = dynamodb_get_s(item, "timestamp"),
    };
}

/* --- Making --- */

struct str note_new_id(struct arena *arena, int64_t now_ms)
{
    unsigned char bytes[16];
    random_bytes(bytes + 6, 10);
    for (int i = 0; i < 6; i++)
        bytes[i] = (unsigned char)(now_ms >> (40 - 8 * i));
    bytes[6] = (unsigned char)((bytes[6] & 0x0f) | 0x70);
    bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80);

    struct str hex = encode_hex(arena, str_make((const char *)bytes, sizeof(bytes)));
    return arena_printf(arena, "%.8s-%.4s-%.4s-%.4s-%.12s", hex.ptr, hex.ptr + 8, hex.ptr + 12,
                        hex.ptr + 16, hex.ptr + 20);
}

/* --- Writing --- */

static void add_member(struct buf *out, char *separator, struct str name, struct str value)
{
    if (!value.ptr)
        return;
    buf_add_byte(out, *separator);
    *separator = ',';
    buf_add_json(out, name);
    buf_add_byte(out, ':');
    buf_add_json(out, value);
}

void note_add_json(struct buf *out, const struct note *note)
{
    char separator = '{';
    add_member(out, &separator, STR("noteId"), note->id);
    add_member(out, &separator, STR("title"), note->title);
    add_member(out, &separator, STR("content"), note->content);
    add_member(out, &separator, STR("timestamp"), note->timestamp);
    if (separator == '{')
        buf_add_byte(out, '{');
    buf_add_byte(out, '}');
}

void note_add_attribute(struct buf *out, struct str name, struct str text)
{
    buf_add_json(out, name);
    buf_add(out, STR(":{\"S\":"));
    buf_add_json(out, text);
    buf_add_byte(out, '}');
}

void note_add_attributes(struct buf *out, const struct note *note)
{
    note_add_attribute(out, STR("noteId"), note->id);
    buf_add_byte(out, ',');
    note_add_attribute(out, STR("title"), note->title);
    buf_add_byte(out, ',');
    note_add_attribute(out, STR("content"), note->content);
    buf_add_byte(out, ',');
    note_add_attribute(out, STR("timestamp"), note->timestamp);
}
