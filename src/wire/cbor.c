/* CBOR, read with libcbor's streaming decoder: what it builds itself is bounded by what was sent.
 */
#include "wire/cbor.h"

#include <cbor.h>

#include "base/buf.h"
#include "base/encode.h"

enum { TAG_EPOCH = 1, MAX_HEAD = 16 };

/* --- Reading --- */

enum frame_kind { FRAME_ARRAY, FRAME_MAP, FRAME_TEXT, FRAME_BYTES };

/* A container, or a string that comes in chunks, that is not complete. */
struct frame {
    enum frame_kind kind;
    bool is_open_ended;
    uint64_t left; /* items still to come, unless it is open-ended */
    yyjson_mut_val *container;
    yyjson_mut_val *key; /* of a map: waits for its value */
    struct buf chunks;
};

struct decoder {
    struct arena *arena;
    yyjson_mut_doc *doc;
    yyjson_mut_val *root;
    struct frame frames[CBOR_MAX_DEPTH];
    size_t depth;
    bool is_bad;
};

static struct frame *top(struct decoder *decoder)
{
    return decoder->depth ? &decoder->frames[decoder->depth - 1] : NULL;
}

/* Puts a value where it belongs. */
static void place(struct decoder *decoder, yyjson_mut_val *value)
{
    struct frame *frame = top(decoder);
    if (!frame && !decoder->root) {
        decoder->root = value;
        return;
    }
    bool is_container = frame && (frame->kind == FRAME_ARRAY || frame->kind == FRAME_MAP);
    if (!is_container || (!frame->is_open_ended && frame->left == 0)) {
        decoder->is_bad = true;
        return;
    }
    if (frame->kind == FRAME_ARRAY) {
        yyjson_mut_arr_append(frame->container, value);
        frame->left--;
    } else if (!frame->key) {
        frame->key = value;
        decoder->is_bad |= !yyjson_mut_is_str(value);
    } else {
        yyjson_mut_obj_add(frame->container, frame->key, value);
        frame->key = NULL;
        frame->left--;
    }
}

/* Leaves the containers that are complete. */
static void close_complete(struct decoder *decoder)
{
    struct frame *frame;
    while ((frame = top(decoder)) && !frame->is_open_ended && frame->left == 0 && !frame->key)
        decoder->depth--;
}

static void put(struct decoder *decoder, yyjson_mut_val *value)
{
    place(decoder, value);
    close_complete(decoder);
}

static void open_frame(struct decoder *decoder, enum frame_kind kind, yyjson_mut_val *container,
                       bool is_open_ended, uint64_t left)
{
    if (decoder->depth == CBOR_MAX_DEPTH) {
        decoder->is_bad = true;
        return;
    }
    if (container)
        place(decoder, container);
    struct frame *frame = &decoder->frames[decoder->depth++];
    *frame = (struct frame){kind, is_open_ended, left, container, NULL, {0}};
    buf_init_arena(&frame->chunks, decoder->arena, SIZE_MAX / 2);
    close_complete(decoder);
}

static void on_uint8(void *context, uint8_t value)
{
    struct decoder *decoder = context;
    put(decoder, yyjson_mut_uint(decoder->doc, value));
}

static void on_uint16(void *context, uint16_t value)
{
    struct decoder *decoder = context;
    put(decoder, yyjson_mut_uint(decoder->doc, value));
}

static void on_uint32(void *context, uint32_t value)
{
    struct decoder *decoder = context;
    put(decoder, yyjson_mut_uint(decoder->doc, value));
}

static void on_uint64(void *context, uint64_t value)
{
    struct decoder *decoder = context;
    put(decoder, yyjson_mut_uint(decoder->doc, value));
}

/* The number is -1 - value. */
static void on_negint64(void *context, uint64_t value)
{
    struct decoder *decoder = context;
    put(decoder, value <= INT64_MAX ? yyjson_mut_sint(decoder->doc, -1 - (int64_t)value)
                                    : yyjson_mut_real(decoder->doc, -1.0 - (double)value));
}

static void on_negint32(void *context, uint32_t value)
{
    on_negint64(context, value);
}

static void on_negint16(void *context, uint16_t value)
{
    on_negint64(context, value);
}

static void on_negint8(void *context, uint8_t value)
{
    on_negint64(context, value);
}

static void put_text(struct decoder *decoder, struct str text)
{
    text = arena_str(decoder->arena, text);
    decoder->is_bad |= !str_is_utf8(text);
    put(decoder, yyjson_mut_strn(decoder->doc, text.ptr, text.len));
}

static void put_string(struct decoder *decoder, enum frame_kind kind, cbor_data data, size_t len)
{
    struct frame *frame = top(decoder);
    struct str bytes = str_make((const char *)data, len);
    if (frame && (frame->kind == FRAME_TEXT || frame->kind == FRAME_BYTES)) {
        decoder->is_bad |= frame->kind != kind;
        buf_add(&frame->chunks, bytes);
        return;
    }
    put_text(decoder, kind == FRAME_TEXT ? bytes : encode_base64(decoder->arena, bytes));
}

static void on_bytes(void *context, cbor_data data, size_t len)
{
    put_string(context, FRAME_BYTES, data, len);
}

static void on_text(void *context, cbor_data data, size_t len)
{
    put_string(context, FRAME_TEXT, data, len);
}

static void on_bytes_start(void *context)
{
    open_frame(context, FRAME_BYTES, NULL, true, 0);
}

static void on_text_start(void *context)
{
    open_frame(context, FRAME_TEXT, NULL, true, 0);
}

static void on_array(void *context, size_t count)
{
    struct decoder *decoder = context;
    open_frame(decoder, FRAME_ARRAY, yyjson_mut_arr(decoder->doc), false, count);
}

static void on_open_array(void *context)
{
    struct decoder *decoder = context;
    open_frame(decoder, FRAME_ARRAY, yyjson_mut_arr(decoder->doc), true, 0);
}

static void on_map(void *context, size_t count)
{
    struct decoder *decoder = context;
    open_frame(decoder, FRAME_MAP, yyjson_mut_obj(decoder->doc), false, count);
}

static void on_open_map(void *context)
{
    struct decoder *decoder = context;
    open_frame(decoder, FRAME_MAP, yyjson_mut_obj(decoder->doc), true, 0);
}

/* What is tagged stands for itself: a time is its number. */
static void on_tag(void *context, uint64_t tag)
{
    (void)context;
    (void)tag;
}

static void on_float(void *context, float value)
{
    struct decoder *decoder = context;
    put(decoder, yyjson_mut_real(decoder->doc, (double)value));
}

static void on_double(void *context, double value)
{
    struct decoder *decoder = context;
    put(decoder, yyjson_mut_real(decoder->doc, value));
}

static void on_null(void *context)
{
    struct decoder *decoder = context;
    put(decoder, yyjson_mut_null(decoder->doc));
}

static void on_bool(void *context, bool value)
{
    struct decoder *decoder = context;
    put(decoder, yyjson_mut_bool(decoder->doc, value));
}

static void on_break(void *context)
{
    struct decoder *decoder = context;
    struct frame *frame = top(decoder);
    if (!frame || !frame->is_open_ended || frame->key) {
        decoder->is_bad = true;
        return;
    }
    struct str chunks = buf_str(&frame->chunks);
    enum frame_kind kind = frame->kind;
    decoder->depth--;
    if (kind == FRAME_TEXT)
        put_text(decoder, chunks);
    else if (kind == FRAME_BYTES)
        put_text(decoder, encode_base64(decoder->arena, chunks));
    else
        close_complete(decoder);
}

static const struct cbor_callbacks callbacks = {
    .uint8 = on_uint8,
    .uint16 = on_uint16,
    .uint32 = on_uint32,
    .uint64 = on_uint64,
    .negint64 = on_negint64,
    .negint32 = on_negint32,
    .negint16 = on_negint16,
    .negint8 = on_negint8,
    .byte_string_start = on_bytes_start,
    .byte_string = on_bytes,
    .string = on_text,
    .string_start = on_text_start,
    .indef_array_start = on_open_array,
    .array_start = on_array,
    .indef_map_start = on_open_map,
    .map_start = on_map,
    .tag = on_tag,
    .float2 = on_float,
    .float4 = on_float,
    .float8 = on_double,
    .undefined = on_null,
    .null = on_null,
    .boolean = on_bool,
    .indef_break = on_break,
};

yyjson_val *cbor_to_json(struct arena *arena, struct str bytes)
{
    struct decoder *decoder = arena_new(arena, struct decoder);
    struct yyjson_alc alc = json_alc(arena);
    decoder->arena = arena;
    decoder->doc = json_doc(arena);
    for (size_t at = 0; at < bytes.len;) {
        struct cbor_decoder_result result =
            cbor_stream_decode((cbor_data)bytes.ptr + at, bytes.len - at, &callbacks, decoder);
        if (result.status != CBOR_DECODER_FINISHED || result.read == 0 || decoder->is_bad)
            return NULL;
        at += result.read;
    }
    if (!decoder->root || decoder->depth)
        return NULL;
    return yyjson_doc_get_root(yyjson_mut_val_imut_copy(decoder->root, &alc));
}

/* --- Writing --- */

yyjson_mut_val *cbor_time(yyjson_mut_doc *doc, struct arena *arena, int64_t wall_ms)
{
    struct str digits = arena_printf(arena, "%lld", (long long)wall_ms);
    return yyjson_mut_rawn(doc, digits.ptr, digits.len);
}

static unsigned char *room(struct buf *out)
{
    return (unsigned char *)buf_reserve(out, MAX_HEAD);
}

static void add_text(struct buf *out, yyjson_mut_val *value)
{
    struct str text = str_make(unsafe_yyjson_get_str(value), unsafe_yyjson_get_len(value));
    buf_commit(out, cbor_encode_string_start(text.len, room(out), MAX_HEAD));
    buf_add(out, text);
}

static void add_time(struct buf *out, yyjson_mut_val *value)
{
    int64_t wall_ms = 0;
    str_to_i64(str_make(unsafe_yyjson_get_str(value), unsafe_yyjson_get_len(value)), &wall_ms);
    buf_commit(out, cbor_encode_tag(TAG_EPOCH, room(out), MAX_HEAD));
    buf_commit(out, cbor_encode_double((double)wall_ms / 1000, room(out), MAX_HEAD));
}

static void add_number(struct buf *out, yyjson_mut_val *value)
{
    if (yyjson_mut_is_real(value)) {
        buf_commit(out, cbor_encode_double(yyjson_mut_get_real(value), room(out), MAX_HEAD));
        return;
    }
    int64_t number = yyjson_mut_get_sint(value);
    if (yyjson_mut_is_uint(value) || number >= 0)
        buf_commit(out, cbor_encode_uint(yyjson_mut_get_uint(value), room(out), MAX_HEAD));
    else
        buf_commit(out, cbor_encode_negint((uint64_t)(-1 - number), room(out), MAX_HEAD));
}

static void add_value(struct buf *out, yyjson_mut_val *value)
{
    size_t i, max;
    yyjson_mut_val *key, *item;
    if (yyjson_mut_is_obj(value)) {
        buf_commit(out, cbor_encode_map_start(yyjson_mut_obj_size(value), room(out), MAX_HEAD));
        yyjson_mut_obj_foreach (value, i, max, key, item) {
            add_text(out, key);
            add_value(out, item);
        }
    } else if (yyjson_mut_is_arr(value)) {
        buf_commit(out, cbor_encode_array_start(yyjson_mut_arr_size(value), room(out), MAX_HEAD));
        yyjson_mut_arr_foreach (value, i, max, item) {
            add_value(out, item);
        }
    } else if (yyjson_mut_is_str(value)) {
        add_text(out, value);
    } else if (yyjson_mut_is_raw(value)) {
        add_time(out, value);
    } else if (yyjson_mut_is_num(value)) {
        add_number(out, value);
    } else if (yyjson_mut_is_bool(value)) {
        buf_commit(out, cbor_encode_bool(yyjson_mut_is_true(value), room(out), MAX_HEAD));
    } else {
        buf_commit(out, cbor_encode_null(room(out), MAX_HEAD));
    }
}

struct str cbor_from_json(struct arena *arena, yyjson_mut_val *value)
{
    struct buf out;
    buf_init_arena(&out, arena, SIZE_MAX / 2);
    add_value(&out, value);
    return buf_str(&out);
}
