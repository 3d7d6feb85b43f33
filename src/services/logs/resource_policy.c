/* Resource policies of the account: kept and described. They grant other services what no service
 * of this server asks for. */
#include "base/clock.h"
#include "services/logs/internal.h"

enum { MAX_POLICIES = 10, MAX_DOCUMENT = 5120 };

static struct str key_of(struct arena *arena, struct str name)
{
    return arena_printf(arena, "r%.*s", STR_ARG(name));
}

static void add_policy(struct request *request, yyjson_mut_val *object, struct str name,
                       yyjson_val *document)
{
    int64_t updated = 0;
    json_get_i64(document, "updated", &updated);
    json_add_str(request->doc, object, "policyName", name);
    json_add_str(request->doc, object, "policyDocument", json_get_str(document, "document"));
    json_add_i64(request->doc, object, "lastUpdatedTime", updated);
    json_add_str(request->doc, object, "policyScope", STR("ACCOUNT"));
}

static enum err check_room(struct request *request, const struct reader *reader, struct str key)
{
    struct str other, value;
    size_t count = 0;
    struct store_iter *iter = logs_reader_iter(reader, STR("r"), STR("s"));
    while (store_iter_next(iter, &other, &value))
        count += !str_eq(other, key);
    enum err rc = store_iter_error(iter, &request->error);
    store_iter_free(iter);
    if (rc == OK && count >= MAX_POLICIES)
        rc = request_fail(request, ERR_LOGS_LIMIT_EXCEEDED, "Resource limit exceeded.");
    return rc;
}

static enum err put(struct request *request, struct store_txn *txn)
{
    struct reader reader = reader_of(request, txn);
    struct str name = request_str(request, "policyName"), key = key_of(request->arena, name);
    enum err rc = check_room(request, &reader, key);
    if (rc)
        return rc;
    yyjson_mut_val *object = yyjson_mut_obj(request->doc);
    json_add_str(request->doc, object, "document", request_str(request, "policyDocument"));
    json_add_i64(request->doc, object, "updated", clock_wall_ms());
    struct str text = json_write(request->arena, object);
    store_txn_put(txn, STORE_LOGS, key, text);
    yyjson_mut_val *policy = json_add_obj(request->doc, request_output(request), "resourcePolicy");
    add_policy(request, policy, name, json_parse(request->arena, text));
    return OK;
}

static enum err check_name(struct request *request)
{
    if (request_str(request, "policyName").len)
        return OK;
    return request_fail(request, ERR_LOGS_INVALID_PARAMETER,
                        "1 validation error detected: Value null at 'policyName' failed to satisfy "
                        "constraint: Member must not be null");
}

enum err logs_put_resource_policy(struct request *request)
{
    struct str document = request_str(request, "policyDocument");
    enum err rc = check_name(request);
    if (rc == OK && (!document.len || document.len > MAX_DOCUMENT ||
                     !yyjson_is_obj(json_parse(request->arena, document))))
        rc = request_fail(request, ERR_LOGS_INVALID_PARAMETER, "Malformed policy document");
    if (rc == OK && request_str(request, "resourceArn").ptr)
        rc = request_fail(request, ERR_LOGS_INVALID_PARAMETER,
                          "Policies of single log groups are not available on this server.");
    return rc ? rc : request_write(request, put, NULL);
}

enum err logs_describe_resource_policies(struct request *request)
{
    struct reader reader = reader_of(request, NULL);
    struct str key, value;
    yyjson_mut_val *list = json_add_arr(request->doc, request_output(request), "resourcePolicies");
    struct store_iter *iter = logs_reader_iter(&reader, STR("r"), STR("s"));
    while (store_iter_next(iter, &key, &value)) {
        struct str name = arena_str(request->arena, str_slice(key, 1, key.len));
        add_policy(request, yyjson_mut_arr_add_obj(request->doc, list), name,
                   json_parse(request->arena, arena_str(request->arena, value)));
    }
    enum err rc = store_iter_error(iter, &request->error);
    store_iter_free(iter);
    return rc;
}

static enum err remove_policy(struct request *request, struct store_txn *txn)
{
    struct reader reader = reader_of(request, txn);
    struct str name = request_str(request, "policyName"), key = key_of(request->arena, name);
    yyjson_val *document;
    enum err rc = logs_reader_get(&reader, key, &document, &request->error);
    if (rc == OK && !document)
        rc = request_fail(request, ERR_LOGS_RESOURCE_NOT_FOUND,
                          "Policy with name [%.*s] does not exist.", STR_ARG(name));
    if (rc == OK)
        store_txn_delete(txn, STORE_LOGS, key);
    return rc;
}

enum err logs_delete_resource_policy(struct request *request)
{
    enum err rc = check_name(request);
    return rc ? rc : request_write(request, remove_policy, NULL);
}
