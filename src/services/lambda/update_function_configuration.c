/* UpdateFunctionConfiguration. */
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
    settings_apply(request, change->configuration);
    change_touch(request, change);
    return OK;
}

enum err lambda_update_function_configuration(struct request *request)
{
    struct change *change;
    enum err rc = settings_check(request, false);
    if (rc == OK)
        rc = change_new(request, apply, &change);
    return rc ? rc : change_start(request, change, change_answer);
}
