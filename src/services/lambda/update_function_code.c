/* UpdateFunctionCode. */
#include "services/lambda/change.h"
#include "services/lambda/operations.h"
#include "services/lambda/settings.h"

static enum err apply(struct request *request, struct change *change)
{
    enum err rc = change_must_exist(request, change);
    if (rc)
        return rc;
    rc = change_check_revision(request, change->configuration);
    if (rc)
        return rc;
    change_set_code(request, change);
    change_touch(request, change);
    change->is_dry_run = json_get_bool(request->input, "DryRun", false);
    if (json_get_bool(request->input, "Publish", false) && !change->is_dry_run)
        return change_publish(request, change, (struct str){NULL, 0});
    return OK;
}

enum err lambda_update_function_code(struct request *request)
{
    struct lambda *lambda = request_self(request, struct lambda);
    struct lambda_target target;
    struct change *change;
    enum err rc = lambda_find(lambda, request_str(request, "FunctionName"), STR_EMPTY, &target,
                              &request->error);
    if (rc)
        return rc;
    lambda_target_release(&target);
    rc = settings_check_architecture(request);
    if (rc == OK)
        rc = change_new(request, apply, &change);
    if (rc)
        return rc;
    return change_with_code(request, change, request->input, change_answer);
}
