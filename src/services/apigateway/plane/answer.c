/* Reading what a function answers through the proxy integration. */
#include "base/encode.h"
#include "services/apigateway/plane/event.h"
#include "services/apigateway/plane/headers.h"
#include "wire/json.h"

enum { MAX_HEADERS = 1000 };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct builder {
    struct arena *arena;
    struct proxy_answer *answer;
};

static bool add_header(struct builder *builder, struct str name, struct str value)
{
    struct proxy_answer *answer = builder->answer;
    if (!header_name_is_valid(name) || !header_value_is_valid(value))
        return false;
    if (!header_may_leave(builder->arena, true, &name))
        return true;
    answer->headers[answer->header_count++] = (struct http_header){name, value};
    return true;
}

/* A header's value as text: strings, numbers and truth values; null is no header. */
static bool scalar_text(struct builder *builder, yyjson_val *value, struct str *out)
{
    if (yyjson_is_str(value))
        *out = json_str(value);
    else if (yyjson_is_bool(value) || yyjson_is_num(value))
        *out = json_write_val(builder->arena, value);
    else
        return false;
    return true;
}

static bool add_single(struct builder *builder, yyjson_val *headers)
{
    size_t i, max;
    yyjson_val *key, *value;
    struct str text;
    yyjson_obj_foreach (headers, i, max, key, value) {
        if (yyjson_is_null(value))
            continue;
        if (!scalar_text(builder, value, &text) || !add_header(builder, json_str(key), text))
            return false;
    }
    return true;
}

static bool add_multi(struct builder *builder, yyjson_val *multi)
{
    size_t i, max, j, count;
    yyjson_val *key, *values, *value;
    struct str text;
    yyjson_obj_foreach (multi, i, max, key, values) {
        if (!yyjson_is_arr(values))
            return false;
        yyjson_arr_foreach (values, j, count, value) {
            if (!scalar_text(builder, value, &text) || !add_header(builder, json_str(key), text))
                return false;
        }
    }
    return true;
}

static size_t count_headers(yyjson_val *headers, yyjson_val *multi)
{
    size_t i, max, count = yyjson_obj_size(headers);
    yyjson_val *key, *values;
    yyjson_obj_foreach (multi, i, max, key, values) {
        count += yyjson_arr_size(values);
    }
    return count;
}

static bool is_object_or_missing(yyjson_val *value)
{
    return !value || yyjson_is_null(value) || yyjson_is_obj(value);
}

static bool read_headers(struct builder *builder, yyjson_val *root)
{
    yyjson_val *headers = json_get(root, "headers");
    yyjson_val *multi = json_get(root, "multiValueHeaders");
    if (!is_object_or_missing(headers) || !is_object_or_missing(multi))
        return false;
    size_t count = count_headers(headers, multi);
    if (count > MAX_HEADERS)
        return false;
    builder->answer->headers = arena_array(builder->arena, struct http_header, count + 1);
    /* A name in both has the values of both. */
    return add_multi(builder, multi) && add_single(builder, headers);
}

static bool read_status(yyjson_val *root, int *out)
{
    int64_t status = 200;
    yyjson_val *value = json_get(root, "statusCode");
    if (value && !yyjson_is_null(value) && !json_get_i64(root, "statusCode", &status))
        return false;
    *out = (int)status;
    return status >= 100 && status <= 999;
}

static bool read_body(struct builder *builder, yyjson_val *root, bool is_binary)
{
    yyjson_val *body = json_get(root, "body"), *flag = json_get(root, "isBase64Encoded");
    struct str text = STR_EMPTY;
    if (flag && !yyjson_is_null(flag) && !yyjson_is_bool(flag))
        return false;
    if (yyjson_is_str(body))
        text = json_str(body);
    else if (body && !yyjson_is_null(body))
        return false;
    builder->answer->body = text;
    return !is_binary || !yyjson_is_true(flag) ||
           decode_base64(builder->arena, text, &builder->answer->body);
}

static bool has_only_known_members(yyjson_val *root)
{
    static const struct str known[] = {
        STR_INIT("statusCode"),      STR_INIT("headers"), STR_INIT("multiValueHeaders"),
        STR_INIT("isBase64Encoded"), STR_INIT("body"),
    };
    size_t i, max;
    yyjson_val *key, *value;
    yyjson_obj_foreach (root, i, max, key, value) {
        bool is_known = false;
        for (size_t j = 0; j < COUNT(known); j++)
            is_known |= str_eq(json_str(key), known[j]);
        if (!is_known)
            return false;
    }
    return true;
}

bool proxy_answer_parse(struct arena *arena, struct str payload, bool is_binary,
                        struct proxy_answer *out)
{
    struct proxy_answer answer = {0};
    struct builder builder = {arena, &answer};
    yyjson_val *root = json_parse(arena, payload);
    if (!yyjson_is_obj(root) || !has_only_known_members(root) ||
        !read_status(root, &answer.status) || !read_headers(&builder, root) ||
        !read_body(&builder, root, is_binary))
        return false;
    *out = answer;
    return true;
}
