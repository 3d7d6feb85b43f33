/* CreateFunction. */
#include "services/lambda/change.h"
#include "services/lambda/operations.h"
#include "services/lambda/settings.h"

static enum err apply(struct request *request, struct change *change)
{
    yyjson_mut_doc *doc = request->doc;
    if (change->document)
        return request_fail(request, ERR_LAMBDA_RESOURCE_CONFLICT, "Function already exist: %.*s",
                            STR_ARG(change->key));
    change->document = yyjson_mut_obj(doc);
    change->configuration = json_add_obj(doc, change->document, "Configuration");
    settings_defaults(request, change->key, change->configuration);
    settings_apply(request, change->configuration);
    change_set_code(request, change);
    change_touch(request, change);
    if (yyjson_obj_size(json_get(request->input, "Tags")))
        json_add_copy(doc, change->document, "Tags", json_get(request->input, "Tags"));
    if (json_get_bool(request->input, "Publish", false))
        return change_publish(request, change, (struct str){NULL, 0});
    return OK;
}

/* Refused at once where it can be: the package need not be unpacked then. */
static enum err check_name(struct request *request, const struct change *change)
{
    struct function *function = catalog_get(&change->lambda->catalog, change->key);
    if (!function)
        return OK;
    function_unref(function);
    return request_fail(request, ERR_LAMBDA_RESOURCE_CONFLICT, "Function already exist: %.*s",
                        STR_ARG(change->key));
}

/* A version that is published at once is answered with the function's ARN. */
static enum err answer(struct request *request)
{
    struct change *change = request->handler_state;
    enum err rc = change_answer(request);
    settings_put_text(request->doc, request->output, "FunctionArn",
                      json_mut_get_str(change->configuration, "FunctionArn"));
    return rc;
}

enum err lambda_create_function(struct request *request)
{
    struct change *change;
    struct function_name name;
    enum err rc = settings_check(request, true);
    if (rc == OK)
        rc = settings_check_architecture(request);
    if (rc == OK)
        rc = lambda_parse_plain_name(request_str(request, "FunctionName"), &name, &request->error);
    if (rc == OK)
        rc = change_new_of(request, apply, name.name, &change);
    if (rc == OK)
        rc = check_name(request, change);
    if (rc)
        return rc;
    return change_with_code(request, change, json_get(request->input, "Code"), answer);
}
