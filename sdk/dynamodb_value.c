/* Attribute values: {"name":{"S":"text"}} and its like. */
#include "skylite/dynamodb.h"

#include "base/encode.h"

static yyjson_mut_val *add(yyjson_mut_doc *doc, yyjson_mut_val *item, const char *name)
{
    return json_add_obj(doc, item, name);
}

void dynamodb_add_s(yyjson_mut_doc *doc, yyjson_mut_val *item, const char *name, struct str text)
{
    json_add_str(doc, add(doc, item, name), "S", text);
}

void dynamodb_add_n(yyjson_mut_doc *doc, yyjson_mut_val *item, const char *name, int64_t number)
{
    char digits[24];
    int len = snprintf(digits, sizeof(digits), "%lld", (long long)number);
    json_add(doc, add(doc, item, name), "N", yyjson_mut_strncpy(doc, digits, (size_t)len));
}

void dynamodb_add_b(yyjson_mut_doc *doc, yyjson_mut_val *item, const char *name,
                    struct arena *arena, struct str bytes)
{
    json_add_str(doc, add(doc, item, name), "B", encode_base64(arena, bytes));
}

void dynamodb_add_bool(yyjson_mut_doc *doc, yyjson_mut_val *item, const char *name, bool value)
{
    json_add_bool(doc, add(doc, item, name), "BOOL", value);
}

void dynamodb_add_null(yyjson_mut_doc *doc, yyjson_mut_val *item, const char *name)
{
    json_add_bool(doc, add(doc, item, name), "NULL", true);
}

struct str dynamodb_get_s(const yyjson_val *item, const char *name)
{
    return json_get_str(json_get(item, name), "S");
}

bool dynamodb_get_n(const yyjson_val *item, const char *name, int64_t *out)
{
    return str_to_i64(json_get_str(json_get(item, name), "N"), out);
}

bool dynamodb_get_b(const yyjson_val *item, const char *name, struct arena *arena, struct str *out)
{
    struct str text = json_get_str(json_get(item, name), "B");
    return text.ptr && decode_base64(arena, text, out);
}

bool dynamodb_get_bool(const yyjson_val *item, const char *name, bool *out)
{
    yyjson_val *value = json_get(json_get(item, name), "BOOL");
    if (!yyjson_is_bool(value))
        return false;
    *out = yyjson_get_bool(value);
    return true;
}
