/* PutFunctionConcurrency, GetFunctionConcurrency, DeleteFunctionConcurrency. */
#include "services/lambda/change.h"
#include "services/lambda/operations.h"
#include "services/lambda/settings.h"

/* What all functions together must leave to those that reserve nothing. */
enum { LEAST_UNRESERVED = 100 };

static enum err apply_put(struct request *request, struct change *change)
{
    int64_t reserved;
    enum err rc = change_must_exist(request, change);
    if (rc)
        return rc;
    json_get_i64(request->input, "ReservedConcurrentExecutions", &reserved);
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
    const struct lambda *lambda = request_self(request, struct lambda);
    int64_t reserved;
    struct change *change;
    if (!json_get_i64(request->input, "ReservedConcurrentExecutions", &reserved) || reserved < 0)
        return request_fail(request, ERR_VALIDATION,
                            "1 validation error detected: Value at 'reservedConcurrentExecutions' "
                            "failed to satisfy constraint: Member must have value greater than or "
                            "equal to 0");
    if (reserved > lambda->account_concurrency - LEAST_UNRESERVED)
        return request_fail(request, ERR_LAMBDA_INVALID_PARAMETER_VALUE,
                            "Specified ReservedConcurrentExecutions for function decreases "
                            "account's UnreservedConcurrentExecution below its minimum value of "
                            "[%d].",
                            LEAST_UNRESERVED);
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
    struct function *function;
    enum err rc = lambda_find(lambda, request_str(request, "FunctionName"), STR_EMPTY, &function,
                              &request->error);
    if (rc)
        return rc;
    yyjson_mut_val *output = request_output(request);
    if (function->reserved >= 0)
        json_add_i64(request->doc, output, "ReservedConcurrentExecutions", function->reserved);
    function_unref(function);
    return OK;
}
