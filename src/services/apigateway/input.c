/* Reading and checking what operations are given. */
#include "base/encode.h"
#include "services/apigateway/internal.h"

/* --- Labels --- */

static const struct {
    const char *wire, *member;
} label_names[] = {
    {"restapi_id", "restApiId"},
    {"parent_id", "parentId"},
    {"resource_id", "resourceId"},
    {"http_method", "httpMethod"},
    {"status_code", "statusCode"},
    {"deployment_id", "deploymentId"},
    {"stage_name", "stageName"},
    {"response_type", "responseType"},
    {"api_Key", "apiKey"},
    {"usageplanId", "usagePlanId"},
    {"domain_name", "domainName"},
    {"base_path", "basePath"},
    {"model_name", "modelName"},
    {"requestvalidator_id", "requestValidatorId"},
    {"resource_arn", "resourceArn"},
    {"export_type", "exportType"},
    {"part_id", "documentationPartId"},
    {"doc_version", "documentationVersion"},
};

static struct str scalar(const struct request *request, yyjson_val *value)
{
    if (yyjson_is_str(value))
        return json_str(value);
    return yyjson_is_num(value) ? json_write_val(request->arena, value) : STR_EMPTY;
}

struct str apigw_label(const struct request *request, const char *label)
{
    yyjson_val *value = json_get(request->input, label);
    for (size_t i = 0; !value && i < sizeof(label_names) / sizeof(label_names[0]); i++) {
        if (strcmp(label_names[i].wire, label) == 0)
            value = json_get(request->input, label_names[i].member);
    }
    return scalar(request, value);
}

enum err apigw_resource_arn(struct request *request, struct str *out_arn)
{
    struct buf arn;
    struct str query = str_from(request->operation->http_path), path, part;
    str_cut(&query, '?', &path);
    buf_init_arena(&arn, request->arena, 16 * 1024);
    buf_printf(&arn, "arn:aws:apigateway:%.*s::", STR_ARG(request->skylite->config.region));
    while (path.len) {
        str_cut(&path, '{', &part);
        buf_add(&arn, part);
        if (path.len == 0)
            break;
        str_cut(&path, '}', &part);
        encode_percent(&arn, apigw_label(request, arena_cstr(request->arena, part)), false);
    }
    *out_arn = buf_str(&arn);
    return OK;
}

struct str apigw_body(const struct request *request)
{
    yyjson_val *body = json_get(request->input, "body");
    if (request->exchange)
        return request->raw_input;
    return yyjson_is_str(body) ? json_str(body) : json_write_val(request->arena, body);
}

/* --- Members --- */

/* AWS names the Java class that it found. */
static const char *class_of(yyjson_val *value)
{
    if (yyjson_is_bool(value))
        return "java.lang.Boolean";
    if (yyjson_is_num(value))
        return "com.amazon.coral.value.json.numbers.TruncatingBigNumber";
    if (yyjson_is_str(value))
        return "java.lang.String";
    return yyjson_is_arr(value) ? "java.util.ArrayList" : "java.util.HashMap";
}

static enum err wrong_type(struct request *request, yyjson_val *value, const char *wanted)
{
    return request_fail(request, ERR_SERIALIZATION, "class %s can not be converted to %s",
                        class_of(value), wanted);
}

static enum err copy_string(struct request *request, yyjson_mut_doc *doc, yyjson_val *value,
                            yyjson_mut_val **out)
{
    if (yyjson_is_null(value)) {
        *out = yyjson_mut_null(doc);
        return OK;
    }
    if (request->protocol == PROTOCOL_INTERNAL && (yyjson_is_bool(value) || yyjson_is_num(value))) {
        /* Where a template says 1 for "1". */
        struct str text = json_write_val(request->arena, value);
        *out = yyjson_mut_strncpy(doc, text.ptr, text.len);
        return OK;
    }
    if (!yyjson_is_str(value))
        return wrong_type(request, value, "an String");
    *out = yyjson_mut_strncpy(doc, yyjson_get_str(value), yyjson_get_len(value));
    return OK;
}

static enum err copy_bool(struct request *request, yyjson_mut_doc *doc, yyjson_val *value,
                          yyjson_mut_val **out)
{
    struct str text = json_str(value);
    if (yyjson_is_bool(value))
        *out = yyjson_mut_bool(doc, yyjson_get_bool(value));
    else if (str_eq_nocase(text, STR("true")) || str_eq_nocase(text, STR("false")))
        *out = yyjson_mut_bool(doc, str_eq_nocase(text, STR("true")));
    else
        return wrong_type(request, value, "a Boolean");
    return OK;
}

static enum err copy_map(struct request *request, yyjson_mut_doc *doc, yyjson_val *map,
                         enum member_kind kind, yyjson_mut_val **out)
{
    if (!yyjson_is_obj(map))
        return wrong_type(request, map, "a Map");
    size_t i, max;
    yyjson_val *key, *value;
    *out = yyjson_mut_obj(doc);
    yyjson_obj_foreach (map, i, max, key, value) {
        yyjson_mut_val *copy;
        enum err rc = kind == MEMBER_BOOL_MAP ? copy_bool(request, doc, value, &copy)
                                              : copy_string(request, doc, value, &copy);
        if (rc)
            return rc;
        apigw_set(doc, *out, json_str(key), copy);
    }
    return OK;
}

static enum err copy_list(struct request *request, yyjson_mut_doc *doc, yyjson_val *list,
                          yyjson_mut_val **out)
{
    if (!yyjson_is_arr(list))
        return wrong_type(request, list, "a List");
    size_t i, max;
    yyjson_val *value;
    *out = yyjson_mut_arr(doc);
    yyjson_arr_foreach (list, i, max, value) {
        yyjson_mut_val *copy;
        enum err rc = copy_string(request, doc, value, &copy);
        if (rc)
            return rc;
        yyjson_mut_arr_append(*out, copy);
    }
    return OK;
}

static enum err copy_member(struct request *request, yyjson_mut_doc *doc, const yyjson_val *input,
                            const struct member *member, yyjson_val *value, yyjson_mut_val **out)
{
    int64_t integer;
    double number;
    switch (member->kind) {
    case MEMBER_STRING:
        return copy_string(request, doc, value, out);
    case MEMBER_BOOL:
        return copy_bool(request, doc, value, out);
    case MEMBER_INTEGER:
        if (!json_get_i64(input, member->name, &integer))
            return wrong_type(request, value, "an Integer");
        *out = yyjson_mut_sint(doc, integer);
        return OK;
    case MEMBER_DOUBLE:
        if (!json_get_double(input, member->name, &number))
            return wrong_type(request, value, "a Double");
        *out = yyjson_mut_real(doc, number);
        return OK;
    case MEMBER_STRING_MAP:
    case MEMBER_BOOL_MAP:
        return copy_map(request, doc, value, member->kind, out);
    case MEMBER_STRING_LIST:
        return copy_list(request, doc, value, out);
    }
    return OK;
}

enum err apigw_copy(struct request *request, yyjson_mut_doc *doc, yyjson_mut_val *object,
                    const yyjson_val *input, const struct member *members, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        yyjson_val *value = json_get(input, members[i].name);
        yyjson_mut_val *copy = NULL;
        if (!value || yyjson_is_null(value))
            continue;
        enum err rc = copy_member(request, doc, input, &members[i], value, &copy);
        if (rc)
            return rc;
        apigw_set(doc, object, str_from(members[i].name), copy);
    }
    return OK;
}

/* --- Checks --- */

/* "createRestApiInput", as AWS names the input in its validation errors. */
static struct str input_name(struct request *request)
{
    struct str name = arena_printf(request->arena, "%sInput", request->operation->name);
    char *text = arena_cstr(request->arena, name);
    text[0] = (char)(text[0] | 0x20);
    return str_make(text, name.len);
}

enum err apigw_require(struct request *request, const char *member)
{
    if (request_str(request, member).len)
        return OK;
    return request_fail(request, ERR_VALIDATION,
                        "1 validation error detected: Value null at '%.*s.%s' failed to satisfy "
                        "constraint: Member must not be null",
                        STR_ARG(input_name(request)), member);
}

enum err apigw_check_enum(struct request *request, const char *member, struct str value,
                          const char *values)
{
    struct str rest = str_from(values), one;
    rest = str_slice(rest, 1, rest.len - 2);
    if (!value.ptr)
        return OK;
    while (rest.len) {
        str_cut(&rest, ',', &one);
        if (str_eq(str_trim(one), value))
            return OK;
    }
    return request_fail(request, ERR_VALIDATION,
                        "1 validation error detected: Value '%.*s' at '%.*s.%s' failed to satisfy "
                        "constraint: Member must satisfy enum value set: %s",
                        STR_ARG(value), STR_ARG(input_name(request)), member, values);
}

struct str apigw_status_violation(struct request *request)
{
    struct str code = apigw_label(request, "status_code");
    uint64_t number;
    if (code.len == 3 && str_to_u64(code, &number) && number >= 100 && number <= 599)
        return STR_EMPTY;
    return arena_printf(request->arena,
                        "Value '%.*s' at 'statusCode' failed to satisfy constraint: Member must "
                        "satisfy regular expression pattern: [1-5]\\d\\d",
                        STR_ARG(code));
}

enum err apigw_status_code(struct request *request, struct str *out)
{
    struct str violation = apigw_status_violation(request);
    if (violation.len)
        return request_fail(request, ERR_VALIDATION, "1 validation error detected: %.*s",
                            STR_ARG(violation));
    *out = apigw_label(request, "status_code");
    return OK;
}
