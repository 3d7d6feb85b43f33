/* DeleteFunction. */
#include "services/lambda/change.h"
#include "services/lambda/operations.h"

static enum err apply(struct request *request, struct change *change)
{
    change->is_removed = true;
    return change_must_exist(request, change);
}

static enum err after(struct request *request)
{
    struct change *change = request->handler_state;
    lambda_sweep_code(change->lambda, request->loop);
    return OK;
}

enum err lambda_delete_function(struct request *request)
{
    struct change *change;
    struct str qualifier = request_str(request, "Qualifier");
    if (str_eq(qualifier, STR("$LATEST")))
        return request_fail(request, ERR_LAMBDA_INVALID_PARAMETER_VALUE,
                            "$LATEST version cannot be deleted without deleting the function.");
    if (qualifier.len)
        return request_fail(request, ERR_LAMBDA_RESOURCE_NOT_FOUND, "Function not found: %.*s:%.*s",
                            STR_ARG(request_str(request, "FunctionName")), STR_ARG(qualifier));
    enum err rc = change_new(request, apply, &change);
    return rc ? rc : change_start(request, change, after);
}
