/* AWS::ApiGateway: Model, RequestValidator. */
#include "services/cloudformation/types_apigateway.h"

/* --- Model --- */

static const struct cfn_property model_properties[] = {
    {"RestApiId", "restapi_id", CFN_COPY, CFN_REQUIRED | CFN_REPLACES, NULL},
    {"Name", NULL, CFN_OWN, CFN_REPLACES, NULL},
    {"ContentType", "contentType", CFN_COPY, CFN_REPLACES, NULL},
    {"Description", "description", CFN_COPY, 0, NULL},
    {"Schema", NULL, CFN_OWN, 0, NULL},
    CFN_END,
};

/* Names of models have letters and digits only. */
static struct str model_name(struct cfn_step *step)
{
    struct str name = cfn_wanted(step, "Name");
    return name.ptr ? name
                    : arena_printf(step->arena, "%.*s%.*s", STR_ARG(step->logical_id),
                                   STR_ARG(step->token));
}

/* A schema is given as a structure and sent as text. */
static struct str schema_of(struct cfn_step *step)
{
    struct str schema = cfn_wanted(step, "Schema");
    return schema.ptr ? schema : STR("{}");
}

static enum err create_model(struct cfn_step *step, struct cfn_calls *calls)
{
    struct cfn_call *call = cfn_add(calls, "apigateway", "CreateModel");
    cfn_map(step, call, model_properties);
    cfn_put(step, call, "name", model_name(step));
    cfn_put(step, call, "schema", schema_of(step));
    if (!json_get(step->properties, "ContentType"))
        cfn_put(step, call, "contentType", STR("application/json"));
    return OK;
}

static void answered_model(struct cfn_step *step, const struct cfn_call *call,
                           yyjson_mut_val *output)
{
    (void)output;
    if (cfn_is(call, "CreateModel"))
        step->physical_id = model_name(step);
}

static struct cfn_call *add_for_model(struct cfn_calls *calls, const char *operation)
{
    struct cfn_call *call = apigw_add(calls, operation);
    cfn_put(calls->step, call, "model_name", calls->step->physical_id);
    return call;
}

static enum err update_model(struct cfn_step *step, struct cfn_calls *calls)
{
    struct cfn_call *call = add_for_model(calls, "UpdateModel");
    cfn_patch_property(step, call, "Description", "/description", "");
    if (cfn_changed(step, "Schema"))
        cfn_patch(step, call, "replace", STR("/schema"), schema_of(step));
    cfn_drop_unpatched(calls, call);
    return OK;
}

static enum err remove_model(struct cfn_step *step, struct cfn_calls *calls)
{
    (void)step;
    add_for_model(calls, "DeleteModel");
    return OK;
}

/* --- RequestValidator --- */

static const struct cfn_property validator_properties[] = {
    {"RestApiId", "restapi_id", CFN_COPY, CFN_REQUIRED | CFN_REPLACES, NULL},
    {"Name", "name", CFN_COPY, CFN_REPLACES, NULL},
    {"ValidateRequestBody", "validateRequestBody", CFN_BOOLEAN, 0, NULL},
    {"ValidateRequestParameters", "validateRequestParameters", CFN_BOOLEAN, 0, NULL},
    CFN_END,
};

static enum err create_validator(struct cfn_step *step, struct cfn_calls *calls)
{
    cfn_map(step, cfn_add(calls, "apigateway", "CreateRequestValidator"), validator_properties);
    return OK;
}

static void answered_validator(struct cfn_step *step, const struct cfn_call *call,
                               yyjson_mut_val *output)
{
    if (!cfn_is(call, "CreateRequestValidator"))
        return;
    step->physical_id = cfn_output(step, output, "id");
    cfn_set_attribute(step, "RequestValidatorId", step->physical_id);
}

static struct cfn_call *add_for_validator(struct cfn_calls *calls, const char *operation)
{
    struct cfn_call *call = apigw_add(calls, operation);
    cfn_put(calls->step, call, "requestvalidator_id", calls->step->physical_id);
    return call;
}

static enum err update_validator(struct cfn_step *step, struct cfn_calls *calls)
{
    struct cfn_call *call = add_for_validator(calls, "UpdateRequestValidator");
    cfn_patch_property(step, call, "ValidateRequestBody", "/validateRequestBody", "false");
    cfn_patch_property(step, call, "ValidateRequestParameters", "/validateRequestParameters",
                       "false");
    cfn_drop_unpatched(calls, call);
    return OK;
}

static enum err remove_validator(struct cfn_step *step, struct cfn_calls *calls)
{
    (void)step;
    add_for_validator(calls, "DeleteRequestValidator");
    return OK;
}

const struct cfn_type cfn_model_types[] = {
    {
        .name = APIGW_TYPE "Model",
        .properties = model_properties,
        .create = create_model,
        .update = update_model,
        .remove = remove_model,
        .answered = answered_model,
        .name_property = "Name",
    },
    {
        .name = APIGW_TYPE "RequestValidator",
        .properties = validator_properties,
        .create = create_validator,
        .update = update_validator,
        .remove = remove_validator,
        .answered = answered_validator,
        .attributes = CFN_NAMES("RequestValidatorId"),
    },
    {.name = NULL},
};
