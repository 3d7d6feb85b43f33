/* What CreateTable and UpdateTable check of keys, indexes and throughput. */
#include "services/dynamodb/definition.h"
#include "services/dynamodb/parameters.h"
#include "services/dynamodb/table.h"

enum {
    MAX_LOCAL_INDEXES = 5,
    MAX_GLOBAL_INDEXES = 20,
    MAX_PROJECTED = 100,
};

#define MAX_UNITS 1000000000000

static enum err invalid(struct request *request, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static enum err invalid(struct request *request, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct str what = arena_vprintf(request->arena, format, args);
    va_end(args);
    return request_fail(request, ERR_VALIDATION, "One or more parameter values were invalid: %.*s",
                        STR_ARG(what));
}

/* --- Keys --- */

static struct str key_name(const yyjson_val *schema, size_t i)
{
    return json_get_str(yyjson_arr_get((yyjson_val *)(uintptr_t)schema, i), "AttributeName");
}

/* "a, b" of the elements' names. */
static struct str list_names(struct request *request, const yyjson_val *list)
{
    struct buf names;
    yyjson_val *element;
    size_t i, max;
    buf_init_arena(&names, request->arena, SIZE_MAX / 2);
    yyjson_arr_foreach ((yyjson_val *)(uintptr_t)list, i, max, element) {
        buf_add(&names, i ? STR(", ") : STR_EMPTY);
        buf_add(&names, json_get_str(element, "AttributeName"));
    }
    return buf_str(&names);
}

static bool is_defined(const yyjson_val *attributes, struct str name)
{
    yyjson_val *attribute;
    size_t i, max;
    yyjson_arr_foreach ((yyjson_val *)(uintptr_t)attributes, i, max, attribute) {
        if (str_eq(json_get_str(attribute, "AttributeName"), name))
            return true;
    }
    return false;
}

static enum err check_defined(struct request *request, const yyjson_val *schema,
                              const yyjson_val *attributes)
{
    size_t count = yyjson_arr_size((yyjson_val *)(uintptr_t)schema);
    for (size_t i = 0; i < count; i++) {
        if (!is_defined(attributes, key_name(schema, i)))
            return invalid(request,
                           "Some index key attributes are not defined in AttributeDefinitions. "
                           "Keys: [%.*s], AttributeDefinitions: [%.*s]",
                           STR_ARG(list_names(request, schema)),
                           STR_ARG(list_names(request, attributes)));
    }
    return OK;
}

static enum err check_key_order(struct request *request, const yyjson_val *schema)
{
    static const struct {
        const char *place, *type;
    } parts[] = {{"first", "HASH"}, {"second", "RANGE"}};
    size_t count = yyjson_arr_size((yyjson_val *)(uintptr_t)schema);
    if (count > 1 && str_eq(key_name(schema, 0), key_name(schema, 1)))
        return request_fail(request, ERR_VALIDATION,
                            "Both the Hash Key and the Range Key element in the KeySchema have the "
                            "same name");
    for (size_t i = 0; i < count && i < 2; i++) {
        yyjson_val *element = yyjson_arr_get((yyjson_val *)(uintptr_t)schema, i);
        if (!str_eq(json_get_str(element, "KeyType"), str_from(parts[i].type)))
            return request_fail(request, ERR_VALIDATION,
                                "Invalid KeySchema: The %s KeySchemaElement is not a %s key type",
                                parts[i].place, parts[i].type);
    }
    return OK;
}

static enum err check_table_key(struct request *request, const yyjson_val *input)
{
    yyjson_val *schema = json_get(input, "KeySchema");
    yyjson_val *attributes = json_get(input, "AttributeDefinitions");
    if (yyjson_arr_size(schema) > yyjson_arr_size(attributes))
        return request_fail(request, ERR_VALIDATION,
                            "Invalid KeySchema: Some index key attribute have no definition");
    enum err rc = check_defined(request, schema, attributes);
    if (rc == OK)
        rc = check_key_order(request, schema);
    bool has_indexes =
        ddb_get(input, "LocalSecondaryIndexes") || ddb_get(input, "GlobalSecondaryIndexes");
    if (rc == OK && !has_indexes && yyjson_arr_size(schema) != yyjson_arr_size(attributes))
        rc = invalid(request, "Number of attributes in KeySchema does not exactly match number of "
                              "attributes defined in AttributeDefinitions");
    return rc;
}

/* --- Indexes --- */

static enum err check_projection(struct request *request, const yyjson_val *index)
{
    yyjson_val *projection = json_get(index, "Projection");
    struct str type = json_get_str(projection, "ProjectionType");
    bool has_names = ddb_get(projection, "NonKeyAttributes") != NULL;
    bool is_include = str_eq(type, STR("INCLUDE"));
    if (!type.ptr)
        return invalid(request, "Unknown ProjectionType: null");
    if (has_names && !is_include)
        return invalid(request, "ProjectionType is %.*s, but NonKeyAttributes is specified",
                       STR_ARG(type));
    if (!has_names && is_include)
        return invalid(request, "ProjectionType is INCLUDE, but NonKeyAttributes is not specified");
    return OK;
}

static enum err check_index_key(struct request *request, const yyjson_val *index,
                                const yyjson_val *attributes)
{
    yyjson_val *schema = json_get(index, "KeySchema");
    enum err rc = check_defined(request, schema, attributes);
    return rc ? rc : check_key_order(request, schema);
}

static enum err check_local_key(struct request *request, const yyjson_val *input,
                                const yyjson_val *index)
{
    struct str name = json_get_str(index, "IndexName");
    yyjson_val *schema = json_get(index, "KeySchema");
    struct str table_hash = key_name(json_get(input, "KeySchema"), 0);
    enum err rc = check_index_key(request, index, json_get(input, "AttributeDefinitions"));
    if (rc)
        return rc;
    if (yyjson_arr_size(schema) != 2)
        return invalid(request, "Index KeySchema does not have a range key for index: %.*s",
                       STR_ARG(name));
    if (!str_eq(key_name(schema, 0), table_hash))
        return invalid(request,
                       "Index KeySchema does not have the same leading hash key as table KeySchema "
                       "for index: %.*s. index hash key: %.*s, table hash key: %.*s",
                       STR_ARG(name), STR_ARG(key_name(schema, 0)), STR_ARG(table_hash));
    return OK;
}

static enum err check_index_throughput(struct request *request, const yyjson_val *index,
                                       bool is_on_demand)
{
    struct str name = json_get_str(index, "IndexName");
    yyjson_val *throughput = ddb_get(index, "ProvisionedThroughput");
    if (is_on_demand && throughput)
        return invalid(request,
                       "ProvisionedThroughput should not be specified for index: %.*s when "
                       "BillingMode is PAY_PER_REQUEST",
                       STR_ARG(name));
    if (!is_on_demand && !throughput)
        return invalid(request, "ProvisionedThroughput must be specified for index: %.*s",
                       STR_ARG(name));
    return throughput ? ddb_check_throughput(request, throughput) : OK;
}

/* Up to four attributes of each kind, those of the partition key first. */
static enum err check_global_key(struct request *request, const yyjson_val *schema)
{
    size_t count = yyjson_arr_size((yyjson_val *)(uintptr_t)schema), hashes = 0;
    yyjson_val *first = yyjson_arr_get_first((yyjson_val *)(uintptr_t)schema);
    if (!str_eq(json_get_str(first, "KeyType"), STR("HASH")))
        return check_key_order(request, schema);
    for (size_t i = 0; i < count; i++) {
        yyjson_val *element = yyjson_arr_get((yyjson_val *)(uintptr_t)schema, i);
        bool is_hash = str_eq(json_get_str(element, "KeyType"), STR("HASH"));
        if (is_hash && hashes < i)
            return request_fail(request, ERR_VALIDATION,
                                "Invalid KeySchema: All HASH key attributes must precede RANGE key "
                                "attributes in the KeySchema");
        hashes += is_hash;
        for (size_t j = 0; j < i; j++) {
            if (str_eq(key_name(schema, i), key_name(schema, j)))
                return request_fail(request, ERR_VALIDATION,
                                    "Both the Hash Key and the Range Key element in the KeySchema "
                                    "have the same name");
        }
    }
    if (hashes > DDB_MAX_PARTS_OF_A_KIND || count - hashes > DDB_MAX_PARTS_OF_A_KIND)
        return request_fail(
            request, ERR_VALIDATION,
            "Invalid KeySchema: The KeySchema exceeds the maximum allowed number of "
            "%s key attributes",
            hashes > DDB_MAX_PARTS_OF_A_KIND ? "HASH" : "RANGE");
    return OK;
}

enum err ddb_check_new_index(struct request *request, const yyjson_val *index,
                             const yyjson_val *attributes, bool is_on_demand)
{
    yyjson_val *schema = json_get(index, "KeySchema");
    enum err rc = check_defined(request, schema, attributes);
    if (rc == OK)
        rc = check_global_key(request, schema);
    if (rc == OK)
        rc = check_projection(request, index);
    return rc ? rc : check_index_throughput(request, index, is_on_demand);
}

static bool is_on_demand(const yyjson_val *input)
{
    return str_eq(json_get_str(input, "BillingMode"), STR("PAY_PER_REQUEST"));
}

static enum err check_local_indexes(struct request *request, const yyjson_val *input)
{
    yyjson_val *list = ddb_get(input, "LocalSecondaryIndexes"), *index;
    size_t i, max;
    if (!list)
        return OK;
    if (yyjson_arr_size(list) == 0)
        return invalid(request, "List of LocalSecondaryIndexes is empty");
    if (yyjson_arr_size(json_get(input, "KeySchema")) != 2)
        return invalid(request, "Table KeySchema does not have a range key, which is required when "
                                "specifying a LocalSecondaryIndex");
    yyjson_arr_foreach (list, i, max, index) {
        enum err rc = check_local_key(request, input, index);
        if (rc == OK)
            rc = check_projection(request, index);
        if (rc)
            return rc;
    }
    if (yyjson_arr_size(list) > MAX_LOCAL_INDEXES)
        return invalid(request, "Number of LocalSecondaryIndexes exceeds per-table limit of %d",
                       MAX_LOCAL_INDEXES);
    return OK;
}

static enum err check_global_indexes(struct request *request, const yyjson_val *input)
{
    yyjson_val *list = ddb_get(input, "GlobalSecondaryIndexes"), *index;
    size_t i, max;
    if (!list)
        return OK;
    if (yyjson_arr_size(list) == 0)
        return invalid(request, "List of GlobalSecondaryIndexes is empty");
    yyjson_arr_foreach (list, i, max, index) {
        enum err rc = ddb_check_new_index(request, index, json_get(input, "AttributeDefinitions"),
                                          is_on_demand(input));
        if (rc)
            return rc;
    }
    if (yyjson_arr_size(list) > MAX_GLOBAL_INDEXES)
        return invalid(request, "GlobalSecondaryIndex count exceeds the per-table limit of %d",
                       MAX_GLOBAL_INDEXES);
    return OK;
}

/* Names of all indexes, and keys that nothing uses. */
struct used {
    struct str names[MAX_LOCAL_INDEXES + MAX_GLOBAL_INDEXES];
    size_t count, projected;
};

static bool is_used(const yyjson_val *schema, struct str name)
{
    return is_defined(schema, name); /* both are lists of objects with names */
}

static enum err note_indexes(struct request *request, const yyjson_val *input, const char *name,
                             struct used *used)
{
    yyjson_val *index;
    size_t i, max;
    yyjson_arr_foreach (json_get(input, name), i, max, index) {
        struct str index_name = json_get_str(index, "IndexName");
        for (size_t j = 0; j < used->count; j++) {
            if (str_eq(used->names[j], index_name))
                return invalid(request, "Duplicate index name: %.*s", STR_ARG(index_name));
        }
        used->names[used->count++] = index_name;
        used->projected +=
            yyjson_arr_size(json_get(json_get(index, "Projection"), "NonKeyAttributes"));
    }
    return OK;
}

static bool is_used_by_index(const yyjson_val *list, struct str name)
{
    yyjson_val *index;
    size_t i, max;
    yyjson_arr_foreach ((yyjson_val *)(uintptr_t)list, i, max, index) {
        if (is_used(json_get(index, "KeySchema"), name))
            return true;
    }
    return false;
}

static enum err check_all_used(struct request *request, const yyjson_val *input)
{
    yyjson_val *attributes = json_get(input, "AttributeDefinitions"), *attribute;
    struct buf used;
    size_t i, max, count = 0;
    buf_init_arena(&used, request->arena, SIZE_MAX / 2);
    yyjson_arr_foreach (attributes, i, max, attribute) {
        struct str name = json_get_str(attribute, "AttributeName");
        if (!is_used(json_get(input, "KeySchema"), name) &&
            !is_used_by_index(json_get(input, "LocalSecondaryIndexes"), name) &&
            !is_used_by_index(json_get(input, "GlobalSecondaryIndexes"), name))
            continue;
        buf_printf(&used, "%s%.*s", count++ ? ", " : "", STR_ARG(name));
    }
    if (count == yyjson_arr_size(attributes))
        return OK;
    return invalid(request,
                   "Some AttributeDefinitions are not used. AttributeDefinitions: [%.*s], keys "
                   "used: [%.*s]",
                   STR_ARG(list_names(request, attributes)), STR_ARG(buf_str(&used)));
}

/* --- Throughput --- */

enum err ddb_check_throughput(struct request *request, const yyjson_val *throughput)
{
    static const char *const names[] = {"ReadCapacityUnits", "WriteCapacityUnits"};
    for (size_t i = 0; i < 2; i++) {
        int64_t units = ddb_get_integer(throughput, names[i], 0);
        if (units > MAX_UNITS)
            return request_fail(request, ERR_VALIDATION, "Given value %lld for %s is out of bounds",
                                (long long)units, names[i]);
    }
    return OK;
}

static enum err check_billing(struct request *request, const yyjson_val *input)
{
    yyjson_val *throughput = ddb_get(input, "ProvisionedThroughput");
    if (is_on_demand(input))
        return throughput
                   ? invalid(request, "Neither ReadCapacityUnits nor WriteCapacityUnits can be "
                                      "specified when BillingMode is PAY_PER_REQUEST")
                   : OK;
    if (!throughput)
        return invalid(request, "ReadCapacityUnits and WriteCapacityUnits must both be specified "
                                "when BillingMode is PROVISIONED");
    if (ddb_get(input, "OnDemandThroughput"))
        return invalid(request, "OnDemandThroughput cannot be specified when BillingMode is "
                                "PROVISIONED");
    return ddb_check_throughput(request, throughput);
}

enum err ddb_check_stream(struct request *request, const yyjson_val *specification)
{
    bool is_enabled = ddb_get_boolean(specification, "StreamEnabled", false);
    bool has_view = ddb_get(specification, "StreamViewType") != NULL;
    if (specification && is_enabled && !has_view)
        return invalid(request, "StreamViewType is required when StreamEnabled is true");
    if (specification && !is_enabled && has_view)
        return invalid(request, "StreamViewType must not be specified when StreamEnabled is false");
    return OK;
}

enum err ddb_check_definition(struct request *request, const yyjson_val *input)
{
    struct used used = {.count = 0};
    enum err rc = check_billing(request, input);
    if (rc == OK)
        rc = check_table_key(request, input);
    if (rc == OK)
        rc = check_local_indexes(request, input);
    if (rc == OK)
        rc = check_global_indexes(request, input);
    if (rc == OK)
        rc = note_indexes(request, input, "LocalSecondaryIndexes", &used);
    if (rc == OK)
        rc = note_indexes(request, input, "GlobalSecondaryIndexes", &used);
    if (rc == OK && used.projected > MAX_PROJECTED)
        rc = invalid(request, "Number of projected attributes exceeds the per-table limit of %d",
                     MAX_PROJECTED);
    if (rc == OK)
        rc = check_all_used(request, input);
    return rc ? rc : ddb_check_stream(request, ddb_get(input, "StreamSpecification"));
}
