/* The OpenAPI document of an AWS::ApiGateway::RestApi: in the template, or in a bucket. */
#include "services/cloudformation/types_apigateway.h"

#include "core/condition_keys.h"

bool apigw_has_body(const struct cfn_step *step)
{
    return json_get(step->properties, "Body") || json_get(step->properties, "BodyS3Location");
}

bool apigw_has_new_body(const struct cfn_step *step)
{
    return apigw_has_body(step) &&
           (cfn_changed(step, "Body") || cfn_changed(step, "BodyS3Location") ||
            cfn_changed(step, "Mode") || cfn_changed(step, "Parameters"));
}

static enum err may_read(struct cfn_step *step, struct str arn)
{
    const struct iam_capability *iam = &step->template->skylite->iam;
    struct authorization authorization = {
        .principal = step->principal,
        .action = STR("s3:GetObject"),
        .resource = arn,
        .find_values = condition_find_values,
        .find_arg = step->template->skylite,
    };
    if (step->principal->kind == PRINCIPAL_ROOT)
        return OK;
    return iam->authorize(iam->self, &authorization, step->error);
}

/* With the rights of who asked for the stack. */
static enum err fetch(struct cfn_step *step, const yyjson_val *location, struct str *out)
{
    const struct package_capability *packages = &step->template->skylite->packages;
    struct str bucket = cfn_text(step, location, "Bucket"), key = cfn_text(step, location, "Key");
    enum err rc = may_read(
        step, arena_printf(step->arena, "arn:aws:s3:::%.*s/%.*s", STR_ARG(bucket), STR_ARG(key)));
    return rc ? rc : packages->get(packages->self, bucket, key, step->arena, out, step->error);
}

enum err apigw_put_body(struct cfn_step *step, struct cfn_calls *calls, struct str api_id)
{
    yyjson_val *body = json_get(step->properties, "Body");
    yyjson_val *location = json_get(step->properties, "BodyS3Location");
    struct str text = {NULL, 0}, mode = cfn_wanted(step, "Mode");
    if (body && location)
        return error_set(step->error, ERR_VALIDATION_ERROR,
                         "Body and BodyS3Location cannot both be specified");
    enum err rc = location ? fetch(step, location, &text) : OK;
    if (rc)
        return rc;
    struct cfn_call *call = cfn_add(calls, "apigateway", "PutRestApi");
    cfn_put(step, call, "restapi_id", api_id);
    cfn_put(step, call, "mode", mode.ptr ? mode : STR("merge"));
    cfn_put(step, call, "body", text);
    cfn_put_copy(step, call, "body", body);
    cfn_put_copy(step, call, "parameters", json_get(step->properties, "Parameters"));
    if (str_eq(cfn_wanted(step, "FailOnWarnings"), STR("true")))
        json_add_bool(step->doc, call->input, "failOnWarnings", true);
    return OK;
}
