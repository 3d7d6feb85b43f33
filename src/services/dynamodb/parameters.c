/* Parameters that several operations have. */
#include "services/dynamodb/operations.h"

enum err ddb_request_key(struct request *request, const struct ddb_table *table,
                         struct ddb_value *out)
{
    yyjson_val *wire = json_get(request->input, "Key");
    if (!wire)
        return request_fail(request, ERR_VALIDATION,
                            "1 validation error detected: Value null at 'key' failed to satisfy "
                            "constraint: Member must not be null");
    enum err rc = ddb_item_read(wire, request->arena, false, out, &request->error);
    return rc ? rc : ddb_check_key(table, out, &request->error);
}

enum err ddb_refuse_legacy(struct request *request, const char *const *parameters)
{
    for (; *parameters; parameters++) {
        yyjson_val *value = json_get(request->input, *parameters);
        if (value && !yyjson_is_null(value))
            return request_fail(request, ERR_VALIDATION,
                                "%s is not supported: use the expression parameters", *parameters);
    }
    return OK;
}

/* "ReturnValues" is 'returnValues' in messages. */
static struct str member_name(struct arena *arena, const char *parameter)
{
    char *name = arena_cstr(arena, str_from(parameter));
    name[0] = (char)(name[0] | 0x20);
    return str_from(name);
}

enum err ddb_request_enum(struct request *request, const char *parameter, const char *const *values,
                          size_t fallback, size_t *out)
{
    struct str given = request_str(request, parameter);
    *out = fallback;
    if (!given.ptr)
        return OK;
    struct buf list;
    buf_init_arena(&list, request->arena, ERROR_MESSAGE_MAX);
    for (size_t i = 0; values[i]; i++) {
        if (str_eq(given, str_from(values[i]))) {
            *out = i;
            return OK;
        }
        buf_printf(&list, "%s%s", i ? ", " : "", values[i]);
    }
    return request_fail(request, ERR_VALIDATION,
                        "1 validation error detected: Value '%.*s' at '%.*s' failed to satisfy "
                        "constraint: Member must satisfy enum value set: [%.*s]",
                        STR_ARG(given), STR_ARG(member_name(request->arena, parameter)),
                        STR_ARG(buf_str(&list)));
}

/* --- Capacity --- */

enum err ddb_request_consumed(struct request *request, enum ddb_consumed *out)
{
    static const char *const values[] = {"NONE", "TOTAL", "INDEXES", NULL};
    size_t which;
    enum err rc =
        ddb_request_enum(request, "ReturnConsumedCapacity", values, DDB_CONSUMED_NONE, &which);
    *out = (enum ddb_consumed)which;
    return rc;
}

uint64_t ddb_read_half_units(size_t bytes, bool is_consistent)
{
    uint64_t blocks = bytes ? (bytes + 4095) / 4096 : 1;
    return is_consistent ? blocks * 2 : blocks;
}

uint64_t ddb_write_half_units(size_t bytes)
{
    return (bytes ? (bytes + 1023) / 1024 : 1) * 2;
}

void ddb_add_consumed(struct buf *out, enum ddb_consumed consumed, const struct ddb_table *table,
                      uint64_t half_units, bool is_first)
{
    if (consumed == DDB_CONSUMED_NONE)
        return;
    char units[32];
    struct buf text = {.ptr = units, .cap = sizeof(units), .max = sizeof(units)};
    buf_add_u64(&text, half_units / 2);
    buf_add(&text, half_units % 2 ? STR(".5") : STR(".0"));
    buf_printf(out, "%s\"ConsumedCapacity\":{\"TableName\":\"%.*s\",\"CapacityUnits\":%.*s",
               is_first ? "" : ",", STR_ARG(table->name), STR_ARG(buf_str(&text)));
    if (consumed == DDB_CONSUMED_INDEXES)
        buf_printf(out, ",\"Table\":{\"CapacityUnits\":%.*s}", STR_ARG(buf_str(&text)));
    buf_add_byte(out, '}');
}

/* --- Expressions --- */

enum err ddb_request_substitutions(struct request *request, struct ddb_substitutions **out)
{
    static const char *const expressions[] = {"ConditionExpression",    "UpdateExpression",
                                              "FilterExpression",       "ProjectionExpression",
                                              "KeyConditionExpression", NULL};
    yyjson_val *names = json_get(request->input, "ExpressionAttributeNames");
    yyjson_val *values = json_get(request->input, "ExpressionAttributeValues");
    bool has_expression = false;
    for (size_t i = 0; expressions[i]; i++)
        has_expression |= yyjson_is_str(json_get(request->input, expressions[i]));
    bool has_names = names && !yyjson_is_null(names),
         has_values = values && !yyjson_is_null(values);
    if (!has_expression && (has_names || has_values))
        return request_fail(request, ERR_VALIDATION,
                            "%s can only be specified when using expressions",
                            has_names ? "ExpressionAttributeNames" : "ExpressionAttributeValues");
    return ddb_substitutions_read(names, values, request->arena, out, &request->error);
}

enum err ddb_request_condition(struct request *request, const char *parameter,
                               struct ddb_substitutions *with, const struct ddb_condition **out)
{
    struct str text = request_str(request, parameter);
    *out = NULL;
    if (!text.ptr)
        return OK;
    return ddb_condition_parse(text, parameter, with, request->arena, out, &request->error);
}

enum err ddb_request_projection(struct request *request, struct ddb_substitutions *with,
                                const struct ddb_projection **out)
{
    struct str text = request_str(request, "ProjectionExpression");
    *out = NULL;
    if (!text.ptr)
        return OK;
    struct ddb_projection *projection = arena_new(request->arena, struct ddb_projection);
    *out = projection;
    return ddb_projection_parse(text, with, request->arena, projection, &request->error);
}
