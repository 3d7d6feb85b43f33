/* yyjson over arenas. */
#include "wire/json.h"

#include <stdlib.h>

enum { MAX_DEPTH = 200 };

static void *alc_malloc(void *arena, size_t size)
{
    return arena_alloc(arena, size);
}

static void *alc_realloc(void *arena, void *ptr, size_t old_size, size_t size)
{
    return arena_realloc(arena, ptr, old_size, size);
}

static void alc_free(void *arena, void *ptr)
{
    (void)arena;
    (void)ptr;
}

struct yyjson_alc json_alc(struct arena *arena)
{
    return (struct yyjson_alc){alc_malloc, alc_realloc, alc_free, arena};
}

/* yyjson itself reads any depth; what walks values later recurses. */
static bool is_too_deep(struct str text)
{
    size_t depth = 0;
    bool is_in_string = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (is_in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                is_in_string = false;
        } else if (c == '"') {
            is_in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > MAX_DEPTH)
                return true;
        } else if ((c == '}' || c == ']') && depth) {
            depth--;
        }
    }
    return false;
}

yyjson_val *json_parse(struct arena *arena, struct str text)
{
    if (text.len == 0 || (text.len > MAX_DEPTH && is_too_deep(text)))
        return NULL;
    struct yyjson_alc alc = json_alc(arena);
    /* Without the in-situ flag yyjson copies the text and does not change it. */
    yyjson_doc *doc =
        yyjson_read_opts((char *)(uintptr_t)text.ptr, text.len, YYJSON_READ_NOFLAG, &alc, NULL);
    return doc ? yyjson_doc_get_root(doc) : NULL;
}

yyjson_mut_doc *json_doc(struct arena *arena)
{
    struct yyjson_alc alc = json_alc(arena);
    yyjson_mut_doc *doc = yyjson_mut_doc_new(&alc);
    if (!doc)
        abort();
    /* Small answers are the rule. */
    yyjson_mut_doc_set_str_pool_size(doc, 512);
    yyjson_mut_doc_set_val_pool_size(doc, 32);
    return doc;
}

struct str json_write(struct arena *arena, const yyjson_mut_val *value)
{
    struct yyjson_alc alc = json_alc(arena);
    size_t len = 0;
    char *text = yyjson_mut_val_write_opts(value, YYJSON_WRITE_NOFLAG, &alc, &len, NULL);
    return text ? str_make(text, len) : STR_EMPTY;
}

struct str json_write_val(struct arena *arena, const yyjson_val *value)
{
    struct yyjson_alc alc = json_alc(arena);
    size_t len = 0;
    char *text = yyjson_val_write_opts(value, YYJSON_WRITE_NOFLAG, &alc, &len, NULL);
    return text ? str_make(text, len) : STR_EMPTY;
}

yyjson_val *json_get(const yyjson_val *object, const char *key)
{
    return yyjson_obj_get((yyjson_val *)(uintptr_t)object, key);
}

struct str json_str(const yyjson_val *value)
{
    yyjson_val *text = (yyjson_val *)(uintptr_t)value;
    if (!yyjson_is_str(text))
        return (struct str){NULL, 0};
    return str_make(yyjson_get_str(text), yyjson_get_len(text));
}

struct str json_get_str(const yyjson_val *object, const char *key)
{
    return json_str(json_get(object, key));
}

struct str json_mut_get_str(yyjson_mut_val *object, const char *key)
{
    yyjson_mut_val *text = yyjson_mut_obj_get(object, key);
    if (!yyjson_mut_is_str(text))
        return (struct str){NULL, 0};
    return str_make(yyjson_mut_get_str(text), yyjson_mut_get_len(text));
}

bool json_get_i64(const yyjson_val *object, const char *key, int64_t *out)
{
    yyjson_val *value = json_get(object, key);
    if (yyjson_is_str(value))
        return str_to_i64(json_str(value), out);
    if (yyjson_is_real(value)) {
        double real = yyjson_get_real(value);
        if (real < -9007199254740992.0 || real > 9007199254740992.0 ||
            real != (double)(int64_t)real)
            return false;
        *out = (int64_t)real;
        return true;
    }
    if (yyjson_is_uint(value) && yyjson_get_uint(value) > INT64_MAX)
        return false;
    if (!yyjson_is_int(value))
        return false;
    *out = yyjson_get_sint(value);
    return true;
}

static bool text_to_double(struct str text, double *out)
{
    char copy[64], *end;
    if (text.len == 0 || text.len >= sizeof(copy))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (!strchr("0123456789+-.eE", text.ptr[i]))
            return false;
    }
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    *out = strtod(copy, &end);
    return end == copy + text.len;
}

bool json_double(yyjson_val *value, double *out)
{
    if (yyjson_is_str(value))
        return text_to_double(json_str(value), out);
    if (!yyjson_is_num(value))
        return false;
    *out = yyjson_get_num(value);
    return true;
}

bool json_get_double(const yyjson_val *object, const char *key, double *out)
{
    return json_double(json_get(object, key), out);
}

bool json_get_bool(const yyjson_val *object, const char *key, bool fallback)
{
    yyjson_val *value = json_get(object, key);
    if (yyjson_is_bool(value))
        return yyjson_get_bool(value);
    struct str text = json_str(value);
    if (str_eq(text, STR("true")))
        return true;
    return str_eq(text, STR("false")) ? false : fallback;
}

static yyjson_mut_val *literal(yyjson_mut_doc *doc, const char *key)
{
    return yyjson_mut_str(doc, key);
}

void json_add(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key, yyjson_mut_val *value)
{
    yyjson_mut_obj_add(object, literal(doc, key), value);
}

void json_add_str(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key, struct str value)
{
    json_add(doc, object, key, yyjson_mut_strn(doc, value.ptr ? value.ptr : "", value.len));
}

void json_add_str_opt(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key,
                      struct str value)
{
    if (value.ptr)
        json_add_str(doc, object, key, value);
}

void json_add_i64(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key, int64_t value)
{
    json_add(doc, object, key, yyjson_mut_sint(doc, value));
}

void json_add_double(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key, double value)
{
    json_add(doc, object, key, yyjson_mut_real(doc, value));
}

void json_add_bool(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key, bool value)
{
    json_add(doc, object, key, yyjson_mut_bool(doc, value));
}

yyjson_mut_val *json_add_obj(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key)
{
    yyjson_mut_val *value = yyjson_mut_obj(doc);
    json_add(doc, object, key, value);
    return value;
}

yyjson_mut_val *json_add_arr(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key)
{
    yyjson_mut_val *value = yyjson_mut_arr(doc);
    json_add(doc, object, key, value);
    return value;
}

void json_add_copy(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key,
                   const yyjson_val *value)
{
    if (value)
        json_add(doc, object, key, yyjson_val_mut_copy(doc, (yyjson_val *)(uintptr_t)value));
}
