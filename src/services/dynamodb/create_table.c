/* CreateTable. */
#include "base/clock.h"
#include "base/encode.h"
#include "services/dynamodb/operations.h"

static enum err invalid(struct request *request, const char *what)
{
    return request_fail(request, ERR_VALIDATION, "One or more parameter values were invalid: %s",
                        what);
}

static enum err member_null(struct request *request, const char *name)
{
    return request_fail(request, ERR_VALIDATION,
                        "1 validation error detected: Value null at '%s' failed to satisfy "
                        "constraint: Member must not be null",
                        name);
}

/* What a table cannot have here must not be taken silently. */
static enum err refuse_unsupported(struct request *request)
{
    static const char *const parameters[] = {"GlobalSecondaryIndexes", "LocalSecondaryIndexes",
                                             NULL};
    for (const char *const *parameter = parameters; *parameter; parameter++) {
        yyjson_val *list = json_get(request->input, *parameter);
        if (list && !yyjson_is_null(list))
            return request_fail(request, ERR_VALIDATION, "%s are not supported", *parameter);
    }
    yyjson_val *stream = json_get(request->input, "StreamSpecification");
    if (json_get_bool(stream, "StreamEnabled", false))
        return request_fail(request, ERR_VALIDATION, "StreamSpecification is not supported");
    return OK;
}

static enum err check_attributes(struct request *request)
{
    yyjson_val *list = json_get(request->input, "AttributeDefinitions"), *attribute;
    size_t i, max;
    if (!yyjson_is_arr(list))
        return member_null(request, "attributeDefinitions");
    yyjson_arr_foreach (list, i, max, attribute) {
        struct str name = json_get_str(attribute, "AttributeName");
        struct str type = json_get_str(attribute, "AttributeType");
        if (name.len == 0 || name.len > 255)
            return member_null(request, "attributeDefinitions.1.member.attributeName");
        if (!str_eq(type, STR("S")) && !str_eq(type, STR("N")) && !str_eq(type, STR("B")))
            return request_fail(request, ERR_VALIDATION,
                                "1 validation error detected: Value '%.*s' at "
                                "'attributeDefinitions.%zu.member.attributeType' failed to satisfy "
                                "constraint: Member must satisfy enum value set: [B, N, S]",
                                type.ptr ? (int)type.len : 4, type.ptr ? type.ptr : "null", i + 1);
    }
    return OK;
}

static bool is_defined(struct request *request, struct str name)
{
    yyjson_val *attribute;
    size_t i, max;
    yyjson_arr_foreach (json_get(request->input, "AttributeDefinitions"), i, max, attribute) {
        if (str_eq(json_get_str(attribute, "AttributeName"), name))
            return true;
    }
    return false;
}

static enum err check_keys(struct request *request)
{
    yyjson_val *list = json_get(request->input, "KeySchema"), *element;
    size_t i, max, count = yyjson_arr_size(list);
    if (!yyjson_is_arr(list))
        return member_null(request, "keySchema");
    if (count < 1 || count > 2)
        return request_fail(request, ERR_VALIDATION,
                            "1 validation error detected: Value '[]' at 'keySchema' failed to "
                            "satisfy constraint: Member must have length %s",
                            count ? "less than or equal to 2" : "greater than or equal to 1");
    yyjson_arr_foreach (list, i, max, element) {
        struct str name = json_get_str(element, "AttributeName");
        struct str type = json_get_str(element, "KeyType");
        if (i == 0 && !str_eq(type, STR("HASH")))
            return request_fail(request, ERR_VALIDATION,
                                "Invalid KeySchema: The first KeySchemaElement is not a HASH key "
                                "type");
        if (i == 1 && !str_eq(type, STR("RANGE")))
            return request_fail(request, ERR_VALIDATION,
                                "Invalid KeySchema: The second KeySchemaElement is not a RANGE key "
                                "type");
        if (!is_defined(request, name))
            return invalid(request,
                           "Some index key attributes are not defined in AttributeDefinitions.");
    }
    if (count == 2 && str_eq(json_get_str(yyjson_arr_get(list, 0), "AttributeName"),
                             json_get_str(yyjson_arr_get(list, 1), "AttributeName")))
        return request_fail(request, ERR_VALIDATION,
                            "Both the Hash Key and the Range Key element in the KeySchema have the "
                            "same name");
    if (count != yyjson_arr_size(json_get(request->input, "AttributeDefinitions")))
        return invalid(request, "Number of attributes in KeySchema does not exactly match number "
                                "of attributes defined in AttributeDefinitions");
    return OK;
}

static enum err check_billing(struct request *request)
{
    static const char *const modes[] = {"PROVISIONED", "PAY_PER_REQUEST", NULL};
    yyjson_val *throughput = json_get(request->input, "ProvisionedThroughput");
    size_t mode;
    int64_t read = 0, write = 0;
    enum err rc = ddb_request_enum(request, "BillingMode", modes, 0, &mode);
    if (rc)
        return rc;
    if (mode == 1)
        return throughput
                   ? invalid(request, "Neither ReadCapacityUnits nor WriteCapacityUnits can be "
                                      "specified when BillingMode is PAY_PER_REQUEST")
                   : OK;
    if (!throughput)
        return invalid(request, "ReadCapacityUnits and WriteCapacityUnits must both be specified "
                                "when BillingMode is PROVISIONED");
    if (!json_get_i64(throughput, "ReadCapacityUnits", &read) || read < 1)
        return request_fail(request, ERR_VALIDATION,
                            "1 validation error detected: Value '%lld' at "
                            "'provisionedThroughput.readCapacityUnits' failed to satisfy "
                            "constraint: Member must have value greater than or equal to 1",
                            (long long)read);
    if (!json_get_i64(throughput, "WriteCapacityUnits", &write) || write < 1)
        return request_fail(request, ERR_VALIDATION,
                            "1 validation error detected: Value '%lld' at "
                            "'provisionedThroughput.writeCapacityUnits' failed to satisfy "
                            "constraint: Member must have value greater than or equal to 1",
                            (long long)write);
    return OK;
}

static void add_encryption(struct request *request, yyjson_mut_doc *doc, yyjson_mut_val *out)
{
    yyjson_val *wanted = json_get(request->input, "SSESpecification");
    if (!json_get_bool(wanted, "Enabled", false))
        return;
    yyjson_mut_val *described = json_add_obj(doc, out, "SSEDescription");
    json_add_str(doc, described, "Status", STR("ENABLED"));
    json_add_str(doc, described, "SSEType", STR("KMS"));
}

static struct str definition(struct request *request, struct str name, uint64_t id)
{
    static const char *const kept[] = {
        "AttributeDefinitions",  "KeySchema", "BillingMode",
        "ProvisionedThroughput", "Tags",      "DeletionProtectionEnabled"};
    yyjson_mut_doc *doc = json_doc(request->arena);
    yyjson_mut_val *out = yyjson_mut_obj(doc);
    json_add_str(doc, out, "TableName", name);
    json_add_i64(doc, out, "Id", (int64_t)id);
    json_add_str(doc, out, "TableId", random_uuid(request->arena));
    json_add_i64(doc, out, "CreatedMs", clock_wall_ms());
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
        json_add_copy(doc, out, kept[i], json_get(request->input, kept[i]));
    add_encryption(request, doc, out);
    return json_write(request->arena, out);
}

/* Ids are never used twice, so that a new table never sees the items of an old one. */
static enum err next_id(struct request *request, struct store_txn *txn, uint64_t *out)
{
    struct str key = STR("dynamodb/next-table-id"), value;
    bool found;
    uint64_t id = 1;
    enum err rc =
        store_txn_get(txn, STORE_META, key, request->arena, &found, &value, &request->error);
    if (rc)
        return rc;
    if (found && !str_to_u64(value, &id))
        return request_fail(request, ERR_DDB_INTERNAL, "The table counter cannot be read");
    store_txn_put(txn, STORE_META, key,
                  arena_printf(request->arena, "%llu", (unsigned long long)id + 1));
    *out = id;
    return OK;
}

static enum err create(struct request *request, struct store_txn *txn)
{
    struct str name, value;
    bool found;
    uint64_t id = 0;
    enum err rc = ddb_table_name(request, &name);
    struct str key = ddb_table_store_key(request->arena, name);
    if (rc == OK)
        rc = store_txn_get(txn, STORE_META, key, request->arena, &found, &value, &request->error);
    if (rc == OK && found)
        rc = request_fail(request, ERR_DDB_RESOURCE_IN_USE, "Table already exists: %.*s",
                          STR_ARG(name));
    if (rc == OK)
        rc = next_id(request, txn, &id);
    if (rc)
        return rc;
    struct str text = definition(request, name, id);
    struct ddb_table *table;
    rc = ddb_table_load(request_self(request, struct dynamodb), text, &table, &request->error);
    if (rc)
        return rc;
    request->handler_state = table;
    store_txn_put(txn, STORE_META, key, text);
    return OK;
}

static void publish(struct store_write *write)
{
    struct request *request = write->arg;
    struct ddb_table *table = request->handler_state;
    atomic_fetch_add(&table->refs, 1); /* one for the answer */
    ddb_table_publish(request_self(request, struct dynamodb), table);
}

static enum err answer(struct request *request)
{
    struct ddb_table *table = request->handler_state;
    yyjson_mut_val *out = json_add_obj(request->doc, request_output(request), "TableDescription");
    ddb_table_describe(request, table, "CREATING", out);
    ddb_table_unref(table);
    return OK;
}

enum err ddb_create_table(struct request *request)
{
    struct str name;
    enum err rc = ddb_table_name(request, &name);
    if (rc == OK)
        rc = check_attributes(request);
    if (rc == OK)
        rc = check_keys(request);
    if (rc == OK)
        rc = check_billing(request);
    if (rc == OK)
        rc = refuse_unsupported(request);
    request->write.committed = publish;
    return rc ? rc : request_write(request, create, answer);
}
