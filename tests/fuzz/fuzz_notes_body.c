/* Bodies and cursors, as clients send them: first byte even for a body, odd for a cursor. */
#include <stdlib.h>

#include "cursor.h"
#include "note.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_cursor(struct arena *arena, struct str cursor)
{
    struct str id, again;
    if (!cursor_read(arena, cursor, &id))
        return;
    if (!cursor_read(arena, cursor_write(arena, id), &again) || !str_eq(id, again))
        abort();
}

static void read_note(struct arena *arena, struct str body)
{
    struct note note;
    struct error error;
    struct buf out;
    if (note_read(arena, body, &note, &error))
        return;
    buf_init_arena(&out, arena, NOTE_MAX_JSON);
    note_add_json(&out, &note);
    if (!json_parse(arena, buf_str(&out)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    if (size > 0) {
        struct str text = str_make((const char *)data + 1, size - 1);
        if (data[0] & 1)
            read_cursor(&arena, text);
        else
            read_note(&arena, text);
    }
    arena_release(&arena);
    return 0;
}
