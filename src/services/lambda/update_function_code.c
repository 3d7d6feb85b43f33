/* UpdateFunctionCode. */
#include "services/lambda/change.h"
#include "services/lambda/operations.h"
#include "services/lambda/settings.h"

static enum err apply(struct request *request, struct change *change)
{
    enum err rc = change_must_exist(request, change);
    if (rc)
        return rc;
    yyjson_mut_val *revision = yyjson_mut_obj_get(change->configuration, "RevisionId");
    rc = change_check_revision(request, str_from(yyjson_mut_get_str(revision)));
    if (rc)
        return rc;
    change_set_code(request, change);
    change_touch(request, change);
    change->is_dry_run = json_get_bool(request->input, "DryRun", false);
    return OK;
}

enum err lambda_update_function_code(struct request *request)
{
    struct lambda *lambda = request_self(request, struct lambda);
    struct function *function;
    struct change *change;
    enum err rc = lambda_find(lambda, request_str(request, "FunctionName"), STR_EMPTY, &function,
                              &request->error);
    if (rc)
        return rc;
    function_unref(function);
    if (json_get_bool(request->input, "Publish", false))
        return request_fail(request, ERR_LAMBDA_INVALID_PARAMETER_VALUE,
                            "Publish is not available on this server.");
    rc = settings_check_architecture(request);
    if (rc == OK)
        rc = change_new(request, apply, &change);
    if (rc)
        return rc;
    return change_with_code(request, change, request->input, change_answer);
}
