/* JSON as YAML, by libyaml's emitter. Texts stand in double quotes, so that none is taken for a
 * number or a truth value; so do keys that could be. */
#include <stdlib.h>
#include <yaml.h>

#include "base/buf.h"
#include "wire/yaml.h"

enum { MAX_BYTES = 64 * 1024 * 1024 };

static int append(void *arg, unsigned char *bytes, size_t size)
{
    return buf_add(arg, str_make((const char *)bytes, size));
}

static void emit(yaml_emitter_t *emitter, yaml_event_t *event)
{
    /* Fails only when the buffer is full, which is asked for at the end. */
    if (!yaml_emitter_emit(emitter, event))
        yaml_event_delete(event);
}

static void write_scalar(yaml_emitter_t *emitter, struct str text, yaml_scalar_style_t style)
{
    yaml_event_t event;
    if (!yaml_scalar_event_initialize(&event, NULL, NULL,
                                      (yaml_char_t *)(uintptr_t)(text.ptr ? text.ptr : ""),
                                      (int)text.len, 1, 1, style))
        abort();
    emit(emitter, &event);
}

/* Words that read as themselves: names, and paths such as "/notes/{id}". */
static bool is_plain_key(struct str key)
{
    static const char *const taken[] = {"true", "false", "yes", "no", "on",
                                        "off",  "null",  "y",   "n"};
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
        if (str_eq_nocase(key, str_from(taken[i])))
            return false;
    }
    for (size_t i = 0; i < key.len; i++) {
        char c = key.ptr[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '/' || c == '_';
        bool is_more = (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '{' || c == '}';
        if (!is_letter && (i == 0 || !is_more))
            return false;
    }
    return key.len > 0;
}

static void write_value(yaml_emitter_t *emitter, struct arena *arena, yyjson_mut_val *value);

static void write_object(yaml_emitter_t *emitter, struct arena *arena, yyjson_mut_val *object)
{
    yaml_event_t event;
    size_t i, max;
    yyjson_mut_val *key, *value;
    bool is_empty = yyjson_mut_obj_size(object) == 0;
    if (!yaml_mapping_start_event_initialize(
            &event, NULL, NULL, 1, is_empty ? YAML_FLOW_MAPPING_STYLE : YAML_BLOCK_MAPPING_STYLE))
        abort();
    emit(emitter, &event);
    yyjson_mut_obj_foreach (object, i, max, key, value) {
        struct str name = str_make(yyjson_mut_get_str(key), yyjson_mut_get_len(key));
        write_scalar(emitter, name,
                     is_plain_key(name) ? YAML_PLAIN_SCALAR_STYLE
                                        : YAML_DOUBLE_QUOTED_SCALAR_STYLE);
        write_value(emitter, arena, value);
    }
    yaml_mapping_end_event_initialize(&event);
    emit(emitter, &event);
}

static void write_array(yaml_emitter_t *emitter, struct arena *arena, yyjson_mut_val *array)
{
    yaml_event_t event;
    size_t i, max;
    yyjson_mut_val *value;
    bool is_empty = yyjson_mut_arr_size(array) == 0;
    if (!yaml_sequence_start_event_initialize(
            &event, NULL, NULL, 1, is_empty ? YAML_FLOW_SEQUENCE_STYLE : YAML_BLOCK_SEQUENCE_STYLE))
        abort();
    emit(emitter, &event);
    yyjson_mut_arr_foreach (array, i, max, value) {
        write_value(emitter, arena, value);
    }
    yaml_sequence_end_event_initialize(&event);
    emit(emitter, &event);
}

static void write_value(yaml_emitter_t *emitter, struct arena *arena, yyjson_mut_val *value)
{
    if (yyjson_mut_is_obj(value))
        write_object(emitter, arena, value);
    else if (yyjson_mut_is_arr(value))
        write_array(emitter, arena, value);
    else if (yyjson_mut_is_str(value))
        write_scalar(emitter, str_make(yyjson_mut_get_str(value), yyjson_mut_get_len(value)),
                     YAML_DOUBLE_QUOTED_SCALAR_STYLE);
    else
        write_scalar(emitter, json_write(arena, value), YAML_PLAIN_SCALAR_STYLE);
}

struct str yaml_write(struct arena *arena, yyjson_mut_val *value)
{
    struct buf text;
    yaml_emitter_t emitter;
    yaml_event_t event;
    buf_init_arena(&text, arena, MAX_BYTES);
    if (!yaml_emitter_initialize(&emitter))
        abort();
    yaml_emitter_set_output(&emitter, append, &text);
    yaml_emitter_set_unicode(&emitter, 1);
    yaml_emitter_set_width(&emitter, -1);
    yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING);
    emit(&emitter, &event);
    yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1);
    emit(&emitter, &event);
    write_value(&emitter, arena, value);
    yaml_document_end_event_initialize(&event, 1);
    emit(&emitter, &event);
    yaml_stream_end_event_initialize(&event);
    emit(&emitter, &event);
    yaml_emitter_delete(&emitter);
    return text.is_full ? STR_EMPTY : buf_str(&text);
}
