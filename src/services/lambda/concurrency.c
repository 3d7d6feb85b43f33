/* PutFunctionConcurrency, GetFunctionConcurrency, DeleteFunctionConcurrency. */
#include "services/lambda/change.h"
#include "services/lambda/operations.h"
#include "services/lambda/settings.h"

/* What all functions together must leave to those that reserve nothing. */
enum { LEAST_UNRESERVED = 100 };

/* What all other functions have reserved. */
static int64_t reserved_by_others(struct request *request, const struct change *change)
{
    struct str prefix = STR(LAMBDA_FUNCTIONS), key, value;
    struct store_iter *iter = store_txn_iter_new(change->txn, STORE_META, prefix,
                                                 store_prefix_end(request->arena, prefix), false);
    int64_t sum = 0;
    while (store_iter_next(iter, &key, &value)) {
        struct arena scratch = {0};
        int64_t reserved = 0;
        json_get_i64(json_parse(&scratch, value), "ReservedConcurrentExecutions", &reserved);
        if (!str_eq(str_slice(key, prefix.len, key.len), change->key))
            sum += reserved;
        arena_release(&scratch);
    }
    store_iter_free(iter);
    return sum;
}

/* Here $LATEST is named. */
static enum err must_exist(struct request *request, const struct change *change)
{
    struct function_name name = {.name = change->name.name, .qualifier = STR("$LATEST")};
    return change->document ? OK : lambda_not_found(change->lambda, name, &request->error);
}

static enum err apply_put(struct request *request, struct change *change)
{
    int64_t reserved = 0;
    enum err rc = must_exist(request, change);
    if (rc)
        return rc;
    json_get_i64(request->input, "ReservedConcurrentExecutions", &reserved);
    int64_t left = change->lambda->account_concurrency - reserved_by_others(request, change);
    if (reserved > left - LEAST_UNRESERVED)
        return request_fail(request, ERR_LAMBDA_INVALID_PARAMETER_VALUE,
                            "Specified ReservedConcurrentExecutions for function decreases "
                            "account's UnreservedConcurrentExecution below its minimum value of "
                            "[%d].",
                            LEAST_UNRESERVED);
    settings_put(request->doc, change->document, "ReservedConcurrentExecutions",
                 yyjson_mut_sint(request->doc, reserved));
    return OK;
}

static enum err apply_delete(struct request *request, struct change *change)
{
    enum err rc = change_must_exist(request, change);
    if (rc == OK)
        yyjson_mut_obj_remove_key(change->document, "ReservedConcurrentExecutions");
    return rc;
}

static enum err answer_reserved(struct request *request)
{
    int64_t reserved;
    json_get_i64(request->input, "ReservedConcurrentExecutions", &reserved);
    json_add_i64(request->doc, request_output(request), "ReservedConcurrentExecutions", reserved);
    return OK;
}

enum err lambda_put_function_concurrency(struct request *request)
{
    int64_t reserved;
    struct change *change;
    if (!json_get_i64(request->input, "ReservedConcurrentExecutions", &reserved) || reserved < 0)
        return request_fail(request, ERR_VALIDATION,
                            "1 validation error detected: Value at 'reservedConcurrentExecutions' "
                            "failed to satisfy constraint: Member must have value greater than or "
                            "equal to 0");
    enum err rc = change_new(request, apply_put, &change);
    return rc ? rc : change_start(request, change, answer_reserved);
}

enum err lambda_delete_function_concurrency(struct request *request)
{
    struct change *change;
    enum err rc = change_new(request, apply_delete, &change);
    return rc ? rc : change_start(request, change, NULL);
}

enum err lambda_get_function_concurrency(struct request *request)
{
    struct lambda *lambda = request_self(request, struct lambda);
    struct lambda_target target;
    struct function_name name;
    enum err rc =
        lambda_parse_plain_name(request_str(request, "FunctionName"), &name, &request->error);
    if (rc == OK)
        rc = lambda_find(lambda, request_str(request, "FunctionName"), STR_EMPTY, &target,
                         &request->error);
    if (rc)
        return rc;
    yyjson_mut_val *output = request_output(request);
    int reserved = atomic_load(&target.function->load->reserved);
    if (reserved >= 0)
        json_add_i64(request->doc, output, "ReservedConcurrentExecutions", reserved);
    lambda_target_release(&target);
    return OK;
}
