/* Parameters that several operations have. */
#include "services/dynamodb/parameters.h"

yyjson_val *ddb_get(const yyjson_val *input, const char *name)
{
    yyjson_val *value = json_get(input, name);
    return yyjson_is_null(value) ? NULL : value;
}

int64_t ddb_get_integer(const yyjson_val *input, const char *name, int64_t fallback)
{
    yyjson_val *value = ddb_get(input, name);
    if (!value)
        return fallback;
    return yyjson_is_real(value) ? (int64_t)yyjson_get_real(value) : yyjson_get_sint(value);
}

bool ddb_get_boolean(const yyjson_val *input, const char *name, bool fallback)
{
    yyjson_val *value = ddb_get(input, name);
    struct str text = json_str(value);
    if (!text.ptr)
        return value ? yyjson_get_bool(value) : fallback;
    return str_eq_nocase(text, STR("true")) || str_eq_nocase(text, STR("yes")) ||
           str_eq(text, STR("1"));
}

size_t ddb_get_choice(const yyjson_val *input, const char *name, const char *const *values)
{
    struct str given = json_get_str(input, name);
    for (size_t i = 0; given.ptr && values[i]; i++) {
        if (str_eq(given, str_from(values[i])))
            return i;
    }
    return 0;
}

enum ddb_consumed ddb_get_consumed(const yyjson_val *input)
{
    static const char *const values[] = {"NONE", "TOTAL", "INDEXES", NULL};
    return (enum ddb_consumed)ddb_get_choice(input, "ReturnConsumedCapacity", values);
}

enum err ddb_read_item(struct request *request, const yyjson_val *input, const char *name,
                       struct ddb_value *out)
{
    return ddb_item_read(json_get(input, name), request->arena, false, out, &request->error);
}

/* --- Style --- */

/* "A, B" of those that the input has. */
static struct str list_given(struct arena *arena, const yyjson_val *input, const char *const *names)
{
    struct buf list;
    buf_init_arena(&list, arena, SIZE_MAX / 2);
    for (; *names; names++) {
        if (ddb_get(input, *names))
            buf_printf(&list, "%s%s", list.len ? ", " : "", *names);
    }
    return buf_str(&list);
}

static bool is_projection(const char *name)
{
    return strcmp(name, "ProjectionExpression") == 0;
}

/* Whether the operation takes ExpressionAttributeValues at all. */
static bool takes_values(const struct ddb_parameter_set *set)
{
    const char *const *name = set->expressions;
    while (*name && is_projection(*name))
        name++;
    return *name != NULL;
}

static enum err values_without_use(struct request *request, const yyjson_val *input,
                                   const char *const *expressions)
{
    struct buf list;
    size_t count = 0;
    buf_init_arena(&list, request->arena, SIZE_MAX / 2);
    for (; *expressions; expressions++) {
        if (is_projection(*expressions))
            continue;
        if (ddb_get(input, *expressions))
            return OK;
        buf_printf(&list, "%s%s", count++ ? " and " : "", *expressions);
    }
    return request_fail(request, ERR_VALIDATION,
                        "ExpressionAttributeValues can only be specified when using expressions: "
                        "%.*s %s null",
                        STR_ARG(buf_str(&list)), count > 1 ? "are" : "is");
}

enum err ddb_check_style(struct request *request, const yyjson_val *input,
                         const struct ddb_parameter_set *set)
{
    struct str expressions = list_given(request->arena, input, set->expressions);
    struct str older = list_given(request->arena, input, set->older);
    if (expressions.len && older.len)
        return request_fail(request, ERR_VALIDATION,
                            "Can not use both expression and non-expression parameters in the same "
                            "request: Non-expression parameters: {%.*s} Expression parameters: "
                            "{%.*s}",
                            STR_ARG(older), STR_ARG(expressions));
    if (ddb_get(input, "ExpressionAttributeNames") && !expressions.len)
        return request_fail(request, ERR_VALIDATION,
                            "ExpressionAttributeNames can only be specified when using "
                            "expressions");
    if (takes_values(set) && ddb_get(input, "ExpressionAttributeValues"))
        return values_without_use(request, input, set->expressions);
    return OK;
}

/* --- Expressions --- */

struct reading {
    struct request *request;
    const yyjson_val *input;
    const struct ddb_parameter_set *set;
    struct ddb_substitutions *with;
};

/* The text of an expression that the operation takes; a NULL pointer when it is missing. */
static struct str text_of(const struct reading *reading, const char *parameter)
{
    for (const char *const *name = reading->set->expressions; *name; name++) {
        if (strcmp(*name, parameter) == 0)
            return json_get_str(reading->input, parameter);
    }
    return (struct str){NULL, 0};
}

static enum err read_condition(const struct reading *reading, const char *parameter,
                               const struct ddb_condition **out)
{
    struct request *request = reading->request;
    struct str text = text_of(reading, parameter);
    return text.ptr ? ddb_condition_parse(text, parameter, reading->with, request->arena, out,
                                          &request->error)
                    : OK;
}

static enum err read_update(const struct reading *reading, struct ddb_expressions *out)
{
    struct request *request = reading->request;
    struct str text = text_of(reading, "UpdateExpression");
    if (!text.ptr)
        return OK;
    struct ddb_update *update = arena_new(request->arena, struct ddb_update);
    out->update = update;
    return ddb_update_parse(text, reading->with, request->arena, update, &request->error);
}

static enum err read_projection(const struct reading *reading, struct ddb_expressions *out)
{
    struct request *request = reading->request;
    struct str text = text_of(reading, "ProjectionExpression");
    if (!text.ptr)
        return OK;
    struct ddb_projection *projection = arena_new(request->arena, struct ddb_projection);
    out->projection = projection;
    return ddb_projection_parse(text, reading->with, request->arena, projection, &request->error);
}

enum err ddb_expressions_read(struct request *request, const yyjson_val *input,
                              const struct ddb_parameter_set *set, struct ddb_expressions *out)
{
    struct reading reading = {request, input, set, NULL};
    yyjson_val *values = takes_values(set) ? ddb_get(input, "ExpressionAttributeValues") : NULL;
    enum err rc = ddb_substitutions_read(ddb_get(input, "ExpressionAttributeNames"), values,
                                         request->arena, &reading.with, &request->error);
    if (rc == OK)
        rc = read_update(&reading, out);
    if (rc == OK)
        rc = read_condition(&reading, "ConditionExpression", &out->condition);
    if (rc == OK)
        rc = read_condition(&reading, "KeyConditionExpression", &out->key_condition);
    if (rc == OK)
        rc = read_condition(&reading, "FilterExpression", &out->filter);
    if (rc == OK)
        rc = read_projection(&reading, out);
    return rc ? rc : ddb_substitutions_check_used(reading.with, &request->error);
}
