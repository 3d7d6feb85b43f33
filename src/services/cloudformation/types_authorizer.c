/* AWS::ApiGateway::Authorizer. */
#include "services/cloudformation/types_apigateway.h"

static const struct cfn_property authorizer_properties[] = {
    {"RestApiId", "restapi_id", CFN_COPY, CFN_REQUIRED | CFN_REPLACES, NULL},
    {"Name", "name", CFN_COPY, CFN_REQUIRED, NULL},
    {"Type", "type", CFN_COPY, CFN_REQUIRED, NULL},
    {"AuthType", "authType", CFN_COPY, 0, NULL},
    {"AuthorizerCredentials", "authorizerCredentials", CFN_COPY, 0, NULL},
    {"AuthorizerResultTtlInSeconds", "authorizerResultTtlInSeconds", CFN_INTEGER, 0, NULL},
    {"AuthorizerUri", "authorizerUri", CFN_COPY, 0, NULL},
    {"IdentitySource", "identitySource", CFN_COPY, 0, NULL},
    {"IdentityValidationExpression", "identityValidationExpression", CFN_COPY, 0, NULL},
    CFN_END,
};

static enum err create_authorizer(struct cfn_step *step, struct cfn_calls *calls)
{
    cfn_map(step, cfn_add(calls, "apigateway", "CreateAuthorizer"), authorizer_properties);
    return OK;
}

static void answered_authorizer(struct cfn_step *step, const struct cfn_call *call,
                                yyjson_mut_val *output)
{
    if (!cfn_is(call, "CreateAuthorizer"))
        return;
    step->physical_id = cfn_output(step, output, "id");
    cfn_set_attribute(step, "AuthorizerId", step->physical_id);
}

static struct cfn_call *add_for_authorizer(struct cfn_calls *calls, const char *operation)
{
    struct cfn_call *call = apigw_add(calls, operation);
    cfn_put(calls->step, call, "authorizer_id", calls->step->physical_id);
    return call;
}

/* Replaces what the property says, or removes it when the template has it no longer. */
static void patch_or_remove(struct cfn_step *step, struct cfn_call *call, const char *property,
                            const char *path)
{
    if (!cfn_wanted(step, property).ptr && cfn_changed(step, property))
        cfn_patch(step, call, "remove", str_from(path), (struct str){NULL, 0});
    else
        cfn_patch_property(step, call, property, path, "");
}

static enum err update_authorizer(struct cfn_step *step, struct cfn_calls *calls)
{
    struct cfn_call *call = add_for_authorizer(calls, "UpdateAuthorizer");
    cfn_patch_property(step, call, "Name", "/name", "");
    cfn_patch_property(step, call, "Type", "/type", "");
    cfn_patch_property(step, call, "AuthType", "/authType", "custom");
    cfn_patch_property(step, call, "AuthorizerUri", "/authorizerUri", "");
    cfn_patch_property(step, call, "AuthorizerResultTtlInSeconds", "/authorizerResultTtlInSeconds",
                       "300");
    patch_or_remove(step, call, "AuthorizerCredentials", "/authorizerCredentials");
    patch_or_remove(step, call, "IdentitySource", "/identitySource");
    patch_or_remove(step, call, "IdentityValidationExpression", "/identityValidationExpression");
    cfn_drop_unpatched(calls, call);
    return OK;
}

static enum err remove_authorizer(struct cfn_step *step, struct cfn_calls *calls)
{
    (void)step;
    add_for_authorizer(calls, "DeleteAuthorizer");
    return OK;
}

const struct cfn_type cfn_authorizer_types[] = {
    {
        .name = APIGW_TYPE "Authorizer",
        .properties = authorizer_properties,
        .create = create_authorizer,
        .update = update_authorizer,
        .remove = remove_authorizer,
        .answered = answered_authorizer,
        .attributes = CFN_NAMES("AuthorizerId"),
    },
    {.name = NULL},
};
