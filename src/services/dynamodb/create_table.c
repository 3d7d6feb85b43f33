/* CreateTable. */
#include "services/dynamodb/definition.h"
#include "services/dynamodb/operations.h"
#include "services/dynamodb/resource_policy.h"
#include "services/dynamodb/stream.h"

static enum err create(struct request *request, struct store_txn *txn)
{
    struct dynamodb *dynamodb = request_self(request, struct dynamodb);
    struct str name = request_str(request, "TableName");
    yyjson_val *stream = ddb_get(request->input, "StreamSpecification");
    struct str policy = request_str(request, "ResourcePolicy");
    struct ddb_draft draft;
    struct ddb_table *old = ddb_table_now(dynamodb, name, 0), *table;
    if (old) {
        ddb_table_unref(old);
        return request_fail(request, ERR_DDB_RESOURCE_IN_USE, "Table already exists: %.*s",
                            STR_ARG(name));
    }
    ddb_draft_start(&draft, NULL, request->arena);
    enum err rc = ddb_draft_create(&draft, request, txn, request->input, name);
    if (rc == OK && ddb_get_boolean(stream, "StreamEnabled", false))
        rc = ddb_stream_open(&draft, name, txn, stream, &request->error);
    if (rc == OK && policy.ptr)
        ddb_policy_set(&draft, DDB_TABLE_POLICY, policy, STR_EMPTY);
    if (rc == OK)
        rc = ddb_draft_store(&draft, dynamodb, txn, &table, &request->error);
    if (rc)
        return rc;
    atomic_fetch_add(&table->refs, 1);
    ddb_table_keep(request->arena, table);
    request->handler_state = table;
    return OK;
}

static enum err answer(struct request *request)
{
    const struct ddb_table *table = request->handler_state;
    yyjson_mut_val *out = json_add_obj(request->doc, request_output(request), "TableDescription");
    ddb_table_describe(request, table, "CREATING", out);
    return OK;
}

static enum err check_policy(struct request *request)
{
    struct str policy = request_str(request, "ResourcePolicy"), arn;
    if (!policy.ptr)
        return OK;
    enum err rc = ddb_table_resource(request, &arn);
    if (rc == OK)
        rc = request_authorize(request, STR("dynamodb:PutResourcePolicy"), arn);
    return rc ? rc : ddb_policy_check(request, arn, policy, false);
}

enum err ddb_create_table(struct request *request)
{
    enum err rc = ddb_check_definition(request, request->input);
    if (rc == OK)
        rc = check_policy(request);
    return rc ? rc : request_write(request, create, answer);
}
