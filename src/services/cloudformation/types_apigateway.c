/* AWS::ApiGateway::* */
#include "base/buf.h"
#include "services/cloudformation/types.h"

/* Path labels go under their names on the wire, so that they never meet a member of the body. */
static void make(struct cfn_step *step, const char *operation, struct cfn_call *out)
{
    cfn_call_make(step, "apigateway", operation, out);
    cfn_call_add(step, out, "restapi_id", cfn_text(step, step->properties, "RestApiId"));
}

static void take_id(struct cfn_step *step, unsigned index, yyjson_mut_val *output)
{
    if (index == 0)
        step->physical_id = cfn_output(step, output, "id");
}

/* Of a list's element, or NULL. */
static yyjson_val *element(const yyjson_val *holder, const char *list, unsigned index)
{
    return yyjson_arr_get(json_get(holder, list), index);
}

/* --- RestApi --- */

static const struct cfn_property rest_api_properties[] = {
    {"Name", "name", CFN_COPY, CFN_REQUIRED},
    {"Description", "description", CFN_COPY, 0},
    {"ApiKeySourceType", "apiKeySource", CFN_COPY, CFN_REPLACES},
    {"BinaryMediaTypes", "binaryMediaTypes", CFN_COPY, CFN_REPLACES},
    {"DisableExecuteApiEndpoint", "disableExecuteApiEndpoint", CFN_COPY, CFN_REPLACES},
    {"EndpointConfiguration", "endpointConfiguration", CFN_LOWER, CFN_REPLACES},
    {"MinimumCompressionSize", "minimumCompressionSize", CFN_COPY, CFN_REPLACES},
    {NULL, NULL, CFN_COPY, 0},
};

static enum err create_rest_api(struct cfn_step *step, unsigned index, struct cfn_call *out)
{
    if (index > 0)
        return OK;
    cfn_call_make(step, "apigateway", "CreateRestApi", out);
    cfn_call_map(step, rest_api_properties, out);
    return OK;
}

static void created_rest_api(struct cfn_step *step, unsigned index, yyjson_mut_val *output)
{
    take_id(step, index, output);
    cfn_set_attribute(step, "RestApiId", step->physical_id);
    cfn_set_attribute(step, "RootResourceId", cfn_output(step, output, "rootResourceId"));
}

static enum err update_rest_api(struct cfn_step *step, unsigned index, struct cfn_call *out)
{
    if (index > 0)
        return OK;
    cfn_call_make(step, "apigateway", "UpdateRestApi", out);
    cfn_call_add(step, out, "restapi_id", step->physical_id);
    cfn_patch_changed(step, out, "Name", "/name");
    cfn_patch_changed(step, out, "Description", "/description");
    return OK;
}

static enum err remove_rest_api(struct cfn_step *step, unsigned index, struct cfn_call *out)
{
    if (index > 0)
        return OK;
    cfn_call_make(step, "apigateway", "DeleteRestApi", out);
    cfn_call_add(step, out, "restapi_id", step->physical_id);
    return OK;
}

/* --- Resource --- */

static const struct cfn_property resource_properties[] = {
    {"RestApiId", "restapi_id", CFN_COPY, CFN_REQUIRED},
    {"ParentId", "parent_id", CFN_COPY, CFN_REQUIRED},
    {"PathPart", "pathPart", CFN_COPY, CFN_REQUIRED},
    {NULL, NULL, CFN_COPY, 0},
};

static enum err create_resource(struct cfn_step *step, unsigned index, struct cfn_call *out)
{
    if (index > 0)
        return OK;
    cfn_call_make(step, "apigateway", "CreateResource", out);
    cfn_call_map(step, resource_properties, out);
    return OK;
}

static void created_resource(struct cfn_step *step, unsigned index, yyjson_mut_val *output)
{
    take_id(step, index, output);
    cfn_set_attribute(step, "ResourceId", step->physical_id);
}

static enum err remove_resource(struct cfn_step *step, unsigned index, struct cfn_call *out)
{
    if (index > 0)
        return OK;
    make(step, "DeleteResource", out);
    cfn_call_add(step, out, "resource_id", step->physical_id);
    return OK;
}

/* --- Method: with its integration and their responses --- */

static const struct cfn_property method_properties[] = {
    {"RestApiId", "restapi_id", CFN_COPY, CFN_REQUIRED | CFN_REPLACES},
    {"ResourceId", "resource_id", CFN_COPY, CFN_REQUIRED | CFN_REPLACES},
    {"HttpMethod", "http_method", CFN_COPY, CFN_REQUIRED | CFN_REPLACES},
    {"AuthorizationType", "authorizationType", CFN_COPY, 0},
    {"AuthorizationScopes", "authorizationScopes", CFN_COPY, 0},
    {"AuthorizerId", "authorizerId", CFN_COPY, 0},
    {"ApiKeyRequired", "apiKeyRequired", CFN_COPY, 0},
    {"OperationName", "operationName", CFN_COPY, 0},
    {"RequestModels", "requestModels", CFN_COPY, 0},
    {"RequestParameters", "requestParameters", CFN_COPY, 0},
    {"RequestValidatorId", "requestValidatorId", CFN_COPY, 0},
    {"Integration", NULL, CFN_OWN, 0},
    {"MethodResponses", NULL, CFN_OWN, 0},
    {NULL, NULL, CFN_COPY, 0},
};

static void make_for_method(struct cfn_step *step, const char *operation, struct cfn_call *out)
{
    make(step, operation, out);
    cfn_call_add(step, out, "resource_id", cfn_text(step, step->properties, "ResourceId"));
    cfn_call_add(step, out, "http_method", cfn_text(step, step->properties, "HttpMethod"));
}

static void copy(struct cfn_step *step, struct cfn_call *call, const yyjson_val *from,
                 const char *name, const char *member)
{
    json_add_copy(step->doc, call->input, member, json_get(from, name));
}

static void put_method_response(struct cfn_step *step, yyjson_val *response, struct cfn_call *out)
{
    make_for_method(step, "PutMethodResponse", out);
    cfn_call_add(step, out, "status_code", cfn_text(step, response, "StatusCode"));
    copy(step, out, response, "ResponseParameters", "responseParameters");
    copy(step, out, response, "ResponseModels", "responseModels");
}

static void put_integration(struct cfn_step *step, yyjson_val *integration, struct cfn_call *out)
{
    static const char *const same[][2] = {
        {"Type", "type"},
        {"Uri", "uri"},
        {"ConnectionType", "connectionType"},
        {"ConnectionId", "connectionId"},
        {"Credentials", "credentials"},
        {"RequestParameters", "requestParameters"},
        {"RequestTemplates", "requestTemplates"},
        {"PassthroughBehavior", "passthroughBehavior"},
        {"CacheNamespace", "cacheNamespace"},
        {"CacheKeyParameters", "cacheKeyParameters"},
        {"ContentHandling", "contentHandling"},
        {"TimeoutInMillis", "timeoutInMillis"},
        {"IntegrationHttpMethod", "httpMethod"},
    };
    make_for_method(step, "PutIntegration", out);
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
        copy(step, out, integration, same[i][0], same[i][1]);
}

static void put_integration_response(struct cfn_step *step, yyjson_val *response,
                                     struct cfn_call *out)
{
    make_for_method(step, "PutIntegrationResponse", out);
    cfn_call_add(step, out, "status_code", cfn_text(step, response, "StatusCode"));
    copy(step, out, response, "SelectionPattern", "selectionPattern");
    copy(step, out, response, "ResponseParameters", "responseParameters");
    copy(step, out, response, "ResponseTemplates", "responseTemplates");
    copy(step, out, response, "ContentHandling", "contentHandling");
}

/* The method, its responses, its integration, that one's responses. */
static enum err create_method(struct cfn_step *step, unsigned index, struct cfn_call *out)
{
    yyjson_val *integration = json_get(step->properties, "Integration"), *response;
    unsigned responses = (unsigned)yyjson_arr_size(json_get(step->properties, "MethodResponses"));
    if (index == 0) {
        cfn_call_make(step, "apigateway", "PutMethod", out);
        cfn_call_map(step, method_properties, out);
        if (!json_get(step->properties, "AuthorizationType"))
            cfn_call_add(step, out, "authorizationType", STR("NONE"));
        return OK;
    }
    if (index <= responses) {
        put_method_response(step, element(step->properties, "MethodResponses", index - 1), out);
        return OK;
    }
    index -= responses + 1;
    if (!integration)
        return OK;
    if (index == 0) {
        put_integration(step, integration, out);
        return OK;
    }
    response = element(integration, "IntegrationResponses", index - 1);
    if (response)
        put_integration_response(step, response, out);
    return OK;
}

static void created_method(struct cfn_step *step, unsigned index, yyjson_mut_val *output)
{
    (void)output;
    if (index == 0)
        step->physical_id = cfn_name(step, "");
}

static enum err remove_method(struct cfn_step *step, unsigned index, struct cfn_call *out)
{
    if (index > 0)
        return OK;
    make_for_method(step, "DeleteMethod", out);
    out->may_be_missing = true;
    return OK;
}

static enum err update_method(struct cfn_step *step, unsigned index, struct cfn_call *out)
{
    return index == 0 ? remove_method(step, 0, out) : create_method(step, index - 1, out);
}

/* --- GatewayResponse --- */

static const struct cfn_property gateway_response_properties[] = {
    {"RestApiId", "restapi_id", CFN_COPY, CFN_REQUIRED | CFN_REPLACES},
    {"ResponseType", "response_type", CFN_COPY, CFN_REQUIRED | CFN_REPLACES},
    {"StatusCode", "statusCode", CFN_COPY, 0},
    {"ResponseParameters", "responseParameters", CFN_COPY, 0},
    {"ResponseTemplates", "responseTemplates", CFN_COPY, 0},
    {NULL, NULL, CFN_COPY, 0},
};

static enum err put_gateway_response(struct cfn_step *step, unsigned index, struct cfn_call *out)
{
    if (index > 0)
        return OK;
    cfn_call_make(step, "apigateway", "PutGatewayResponse", out);
    cfn_call_map(step, gateway_response_properties, out);
    return OK;
}

static enum err remove_gateway_response(struct cfn_step *step, unsigned index, struct cfn_call *out)
{
    if (index > 0)
        return OK;
    make(step, "DeleteGatewayResponse", out);
    cfn_call_add(step, out, "response_type", cfn_text(step, step->properties, "ResponseType"));
    return OK;
}

/* --- Deployment --- */

static const struct cfn_property deployment_properties[] = {
    {"RestApiId", "restapi_id", CFN_COPY, CFN_REQUIRED},
    {"Description", "description", CFN_COPY, 0},
    {"StageName", "stageName", CFN_COPY, 0},
    {NULL, NULL, CFN_COPY, 0},
};

static enum err create_deployment(struct cfn_step *step, unsigned index, struct cfn_call *out)
{
    if (index > 0)
        return OK;
    cfn_call_make(step, "apigateway", "CreateDeployment", out);
    cfn_call_map(step, deployment_properties, out);
    return OK;
}

static void created_deployment(struct cfn_step *step, unsigned index, yyjson_mut_val *output)
{
    take_id(step, index, output);
    cfn_set_attribute(step, "DeploymentId", step->physical_id);
}

/* A stage that the deployment made goes with it. */
static enum err remove_deployment(struct cfn_step *step, unsigned index, struct cfn_call *out)
{
    struct str stage = cfn_text(step, step->properties, "StageName");
    if (stage.ptr && index == 0) {
        make(step, "DeleteStage", out);
        cfn_call_add(step, out, "stage_name", stage);
    } else if (index == (stage.ptr ? 1 : 0)) {
        make(step, "DeleteDeployment", out);
        cfn_call_add(step, out, "deployment_id", step->physical_id);
    }
    return OK;
}

/* --- Stage --- */

static const struct cfn_property stage_properties[] = {
    {"RestApiId", "restapi_id", CFN_COPY, CFN_REQUIRED | CFN_REPLACES},
    {"StageName", "stageName", CFN_COPY, CFN_REQUIRED | CFN_REPLACES},
    {"DeploymentId", "deploymentId", CFN_COPY, CFN_REQUIRED},
    {"Description", "description", CFN_COPY, 0},
    {"Variables", "variables", CFN_COPY, 0},
    {"TracingEnabled", "tracingEnabled", CFN_COPY, 0},
    {"DocumentationVersion", "documentationVersion", CFN_COPY, 0},
    {"MethodSettings", NULL, CFN_OWN, 0},
    {"AccessLogSetting", NULL, CFN_OWN, 0},
    {NULL, NULL, CFN_COPY, 0},
};

/* "/notes/{id}" as one element of a patch path. */
static struct str escape_path(struct arena *arena, struct str path)
{
    struct buf out;
    buf_init_arena(&out, arena, SIZE_MAX / 2);
    if (!str_eq(path, STR("/*")) && !str_eq(path, STR("*"))) {
        for (size_t i = 0; i < path.len; i++)
            buf_add(&out, path.ptr[i] == '/' ? STR("~1") : str_make(path.ptr + i, 1));
        return buf_str(&out);
    }
    return STR("*");
}

static void patch_method_setting(struct cfn_step *step, yyjson_val *setting, struct cfn_call *out)
{
    static const char *const settings[][2] = {
        {"ThrottlingRateLimit", "throttling/rateLimit"},
        {"ThrottlingBurstLimit", "throttling/burstLimit"},
        {"LoggingLevel", "logging/loglevel"},
        {"DataTraceEnabled", "logging/dataTrace"},
        {"MetricsEnabled", "metrics/enabled"},
        {"CachingEnabled", "caching/enabled"},
    };
    struct str path = cfn_text(step, setting, "ResourcePath");
    struct str method = cfn_text(step, setting, "HttpMethod");
    path = escape_path(step->arena, path.ptr ? path : STR("/*"));
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        struct str value = cfn_text(step, setting, settings[i][0]);
        if (!value.ptr)
            continue;
        struct str full = arena_printf(step->arena, "/%.*s/%.*s/%s", STR_ARG(path),
                                       method.ptr ? (int)method.len : 1,
                                       method.ptr ? method.ptr : "*", settings[i][1]);
        cfn_patch(step, out, "replace", full, value);
    }
}

static void patch_settings(struct cfn_step *step, struct cfn_call *out)
{
    yyjson_val *setting;
    size_t i, max;
    yyjson_arr_foreach (json_get(step->properties, "MethodSettings"), i, max, setting)
        patch_method_setting(step, setting, out);
    yyjson_val *access = json_get(step->properties, "AccessLogSetting");
    struct str destination = cfn_text(step, access, "DestinationArn");
    struct str format = cfn_text(step, access, "Format");
    if (destination.ptr)
        cfn_patch(step, out, "replace", STR("/accessLogSettings/destinationArn"), destination);
    if (format.ptr)
        cfn_patch(step, out, "replace", STR("/accessLogSettings/format"), format);
}

static bool has_settings(const struct cfn_step *step)
{
    return json_get(step->properties, "MethodSettings") ||
           json_get(step->properties, "AccessLogSetting");
}

static void make_stage_update(struct cfn_step *step, struct cfn_call *out)
{
    make(step, "UpdateStage", out);
    cfn_call_add(step, out, "stage_name", step->physical_id);
}

static enum err create_stage(struct cfn_step *step, unsigned index, struct cfn_call *out)
{
    if (index == 0) {
        cfn_call_make(step, "apigateway", "CreateStage", out);
        cfn_call_map(step, stage_properties, out);
    } else if (index == 1 && has_settings(step)) {
        make_stage_update(step, out);
        patch_settings(step, out);
    }
    return OK;
}

static void created_stage(struct cfn_step *step, unsigned index, yyjson_mut_val *output)
{
    (void)output;
    if (index == 0)
        step->physical_id = cfn_text(step, step->properties, "StageName");
}

static void patch_variables(struct cfn_step *step, struct cfn_call *out)
{
    yyjson_val *now = json_get(step->properties, "Variables"), *key, *value;
    yyjson_val *before = json_get(step->old_properties, "Variables");
    size_t i, max;
    yyjson_obj_foreach (now, i, max, key, value)
        cfn_patch(step, out, "replace",
                  arena_printf(step->arena, "/variables/%s", yyjson_get_str(key)),
                  cfn_text(step, now, yyjson_get_str(key)));
    yyjson_obj_foreach (before, i, max, key, value) {
        if (!json_get(now, yyjson_get_str(key)))
            cfn_patch(step, out, "remove",
                      arena_printf(step->arena, "/variables/%s", yyjson_get_str(key)),
                      (struct str){NULL, 0});
    }
}

static enum err update_stage(struct cfn_step *step, unsigned index, struct cfn_call *out)
{
    if (index > 0)
        return OK;
    make_stage_update(step, out);
    cfn_patch_changed(step, out, "DeploymentId", "/deploymentId");
    cfn_patch_changed(step, out, "Description", "/description");
    cfn_patch_changed(step, out, "TracingEnabled", "/tracingEnabled");
    if (cfn_changed(step, "Variables"))
        patch_variables(step, out);
    patch_settings(step, out);
    return OK;
}

static enum err remove_stage(struct cfn_step *step, unsigned index, struct cfn_call *out)
{
    if (index > 0)
        return OK;
    make(step, "DeleteStage", out);
    cfn_call_add(step, out, "stage_name", step->physical_id);
    return OK;
}

/* --- ApiKey --- */

static const struct cfn_property api_key_properties[] = {
    {"Name", "name", CFN_COPY, 0},
    {"Description", "description", CFN_COPY, 0},
    {"Enabled", "enabled", CFN_COPY, 0},
    {"Value", "value", CFN_COPY, CFN_REPLACES},
    {"CustomerId", "customerId", CFN_COPY, 0},
    {"GenerateDistinctId", "generateDistinctId", CFN_COPY, CFN_REPLACES},
    {NULL, NULL, CFN_COPY, 0},
};

static enum err create_api_key(struct cfn_step *step, unsigned index, struct cfn_call *out)
{
    if (index > 0)
        return OK;
    cfn_call_make(step, "apigateway", "CreateApiKey", out);
    cfn_call_map(step, api_key_properties, out);
    if (!json_get(step->properties, "Name"))
        cfn_call_add(step, out, "name", cfn_name(step, ""));
    return OK;
}

static void created_api_key(struct cfn_step *step, unsigned index, yyjson_mut_val *output)
{
    take_id(step, index, output);
    cfn_set_attribute(step, "APIKeyId", step->physical_id);
}

static enum err update_api_key(struct cfn_step *step, unsigned index, struct cfn_call *out)
{
    if (index > 0)
        return OK;
    cfn_call_make(step, "apigateway", "UpdateApiKey", out);
    cfn_call_add(step, out, "api_Key", step->physical_id);
    cfn_patch_changed(step, out, "Name", "/name");
    cfn_patch_changed(step, out, "Description", "/description");
    cfn_patch_changed(step, out, "Enabled", "/enabled");
    cfn_patch_changed(step, out, "CustomerId", "/customerId");
    return OK;
}

static enum err remove_api_key(struct cfn_step *step, unsigned index, struct cfn_call *out)
{
    if (index > 0)
        return OK;
    cfn_call_make(step, "apigateway", "DeleteApiKey", out);
    cfn_call_add(step, out, "api_Key", step->physical_id);
    return OK;
}

/* --- UsagePlan --- */

static const struct cfn_property usage_plan_properties[] = {
    {"UsagePlanName", "name", CFN_COPY, 0},   {"Description", "description", CFN_COPY, 0},
    {"ApiStages", "apiStages", CFN_LOWER, 0}, {"Throttle", "throttle", CFN_LOWER, 0},
    {"Quota", "quota", CFN_LOWER, 0},         {NULL, NULL, CFN_COPY, 0},
};

static enum err create_usage_plan(struct cfn_step *step, unsigned index, struct cfn_call *out)
{
    if (index > 0)
        return OK;
    cfn_call_make(step, "apigateway", "CreateUsagePlan", out);
    cfn_call_map(step, usage_plan_properties, out);
    if (!json_get(step->properties, "UsagePlanName"))
        cfn_call_add(step, out, "name", cfn_name(step, ""));
    return OK;
}

static void created_usage_plan(struct cfn_step *step, unsigned index, yyjson_mut_val *output)
{
    take_id(step, index, output);
    cfn_set_attribute(step, "Id", step->physical_id);
}

static struct str stage_pair(struct cfn_step *step, const yyjson_val *stage)
{
    struct str api = cfn_text(step, stage, "ApiId"), name = cfn_text(step, stage, "Stage");
    return arena_printf(step->arena, "%.*s:%.*s", STR_ARG(api), STR_ARG(name));
}

static void patch_stages(struct cfn_step *step, const yyjson_val *properties, const char *op,
                         struct cfn_call *out)
{
    yyjson_val *stage;
    size_t i, max;
    yyjson_arr_foreach (json_get(properties, "ApiStages"), i, max, stage)
        cfn_patch(step, out, op, STR("/apiStages"), stage_pair(step, stage));
}

static void patch_group(struct cfn_step *step, const char *property,
                        const char *const (*members)[2], size_t count, const char *path,
                        struct cfn_call *out)
{
    yyjson_val *now = json_get(step->properties, property);
    if (!cfn_changed(step, property))
        return;
    if (!now) {
        cfn_patch(step, out, "remove", str_from(path), (struct str){NULL, 0});
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct str value = cfn_text(step, now, members[i][0]);
        if (value.ptr)
            cfn_patch(step, out, "replace", arena_printf(step->arena, "%s/%s", path, members[i][1]),
                      value);
    }
}

static enum err update_usage_plan(struct cfn_step *step, unsigned index, struct cfn_call *out)
{
    static const char *const throttle[][2] = {{"RateLimit", "rateLimit"},
                                              {"BurstLimit", "burstLimit"}};
    static const char *const quota[][2] = {
        {"Limit", "limit"}, {"Offset", "offset"}, {"Period", "period"}};
    if (index > 0)
        return OK;
    cfn_call_make(step, "apigateway", "UpdateUsagePlan", out);
    cfn_call_add(step, out, "usageplanId", step->physical_id);
    cfn_patch_changed(step, out, "UsagePlanName", "/name");
    cfn_patch_changed(step, out, "Description", "/description");
    patch_group(step, "Throttle", throttle, 2, "/throttle", out);
    patch_group(step, "Quota", quota, 3, "/quota", out);
    if (cfn_changed(step, "ApiStages")) {
        patch_stages(step, step->old_properties, "remove", out);
        patch_stages(step, step->properties, "add", out);
    }
    return OK;
}

/* A plan that still has stages cannot be deleted. */
static enum err remove_usage_plan(struct cfn_step *step, unsigned index, struct cfn_call *out)
{
    bool has_stages = yyjson_arr_size(json_get(step->properties, "ApiStages")) > 0;
    if (index == 0 && has_stages) {
        cfn_call_make(step, "apigateway", "UpdateUsagePlan", out);
        patch_stages(step, step->properties, "remove", out);
    } else if (index == (has_stages ? 1 : 0)) {
        cfn_call_make(step, "apigateway", "DeleteUsagePlan", out);
    } else {
        return OK;
    }
    cfn_call_add(step, out, "usageplanId", step->physical_id);
    return OK;
}

/* --- UsagePlanKey --- */

static const struct cfn_property usage_plan_key_properties[] = {
    {"UsagePlanId", "usageplanId", CFN_COPY, CFN_REQUIRED},
    {"KeyId", "keyId", CFN_COPY, CFN_REQUIRED},
    {"KeyType", "keyType", CFN_COPY, CFN_REQUIRED},
    {NULL, NULL, CFN_COPY, 0},
};

static enum err create_usage_plan_key(struct cfn_step *step, unsigned index, struct cfn_call *out)
{
    if (index > 0)
        return OK;
    cfn_call_make(step, "apigateway", "CreateUsagePlanKey", out);
    cfn_call_map(step, usage_plan_key_properties, out);
    return OK;
}

static enum err remove_usage_plan_key(struct cfn_step *step, unsigned index, struct cfn_call *out)
{
    if (index > 0)
        return OK;
    cfn_call_make(step, "apigateway", "DeleteUsagePlanKey", out);
    cfn_call_add(step, out, "usageplanId", cfn_text(step, step->properties, "UsagePlanId"));
    cfn_call_add(step, out, "keyId", cfn_text(step, step->properties, "KeyId"));
    return OK;
}

/* --- DomainName, BasePathMapping --- */

static const struct cfn_property domain_name_properties[] = {
    {"DomainName", "domainName", CFN_COPY, CFN_REQUIRED},
    {"CertificateArn", "certificateArn", CFN_COPY, 0},
    {"RegionalCertificateArn", "regionalCertificateArn", CFN_COPY, 0},
    {"EndpointConfiguration", "endpointConfiguration", CFN_LOWER, 0},
    {"SecurityPolicy", "securityPolicy", CFN_COPY, 0},
    {NULL, NULL, CFN_COPY, 0},
};

static enum err create_domain_name(struct cfn_step *step, unsigned index, struct cfn_call *out)
{
    if (index > 0)
        return OK;
    cfn_call_make(step, "apigateway", "CreateDomainName", out);
    cfn_call_map(step, domain_name_properties, out);
    return OK;
}

static void created_domain_name(struct cfn_step *step, unsigned index, yyjson_mut_val *output)
{
    if (index > 0)
        return;
    step->physical_id = cfn_text(step, step->properties, "DomainName");
    cfn_set_attribute(step, "RegionalDomainName", cfn_output(step, output, "regionalDomainName"));
    cfn_set_attribute(step, "RegionalHostedZoneId",
                      cfn_output(step, output, "regionalHostedZoneId"));
    cfn_set_attribute(step, "DistributionDomainName",
                      cfn_output(step, output, "distributionDomainName"));
}

static enum err remove_domain_name(struct cfn_step *step, unsigned index, struct cfn_call *out)
{
    if (index > 0)
        return OK;
    cfn_call_make(step, "apigateway", "DeleteDomainName", out);
    cfn_call_add(step, out, "domain_name", step->physical_id);
    return OK;
}

static const struct cfn_property base_path_properties[] = {
    {"DomainName", "domain_name", CFN_COPY, CFN_REQUIRED | CFN_REPLACES},
    {"BasePath", "basePath", CFN_COPY, 0},
    {"RestApiId", "restApiId", CFN_COPY, 0},
    {"Stage", "stage", CFN_COPY, 0},
    {NULL, NULL, CFN_COPY, 0},
};

static enum err create_base_path(struct cfn_step *step, unsigned index, struct cfn_call *out)
{
    if (index > 0)
        return OK;
    cfn_call_make(step, "apigateway", "CreateBasePathMapping", out);
    cfn_call_map(step, base_path_properties, out);
    return OK;
}

static void created_base_path(struct cfn_step *step, unsigned index, yyjson_mut_val *output)
{
    (void)output;
    struct str base = cfn_text(step, step->properties, "BasePath");
    if (index == 0)
        step->physical_id = arena_printf(step->arena, "%.*s|%.*s",
                                         STR_ARG(cfn_text(step, step->properties, "DomainName")),
                                         STR_ARG(base.ptr ? base : STR_EMPTY));
}

static enum err remove_base_path(struct cfn_step *step, unsigned index, struct cfn_call *out)
{
    struct str base = cfn_text(step, step->properties, "BasePath");
    if (index > 0)
        return OK;
    cfn_call_make(step, "apigateway", "DeleteBasePathMapping", out);
    cfn_call_add(step, out, "domain_name", cfn_text(step, step->properties, "DomainName"));
    cfn_call_add(step, out, "base_path", base.len ? base : STR("(none)"));
    out->may_be_missing = true;
    return OK;
}

/* The base path may stay the same: the old mapping goes first. */
static enum err update_base_path(struct cfn_step *step, unsigned index, struct cfn_call *out)
{
    yyjson_val *wanted = step->properties;
    enum err rc = OK;
    if (index == 0) {
        step->properties = step->old_properties;
        rc = remove_base_path(step, 0, out);
        step->properties = wanted;
        return rc;
    }
    return create_base_path(step, index - 1, out);
}

/* --- Account --- */

static const struct cfn_property account_properties[] = {
    {"CloudWatchRoleArn", NULL, CFN_OWN, 0},
    {NULL, NULL, CFN_COPY, 0},
};

static enum err update_account(struct cfn_step *step, unsigned index, struct cfn_call *out)
{
    struct str role = cfn_text(step, step->properties, "CloudWatchRoleArn");
    if (index > 0)
        return OK;
    cfn_call_make(step, "apigateway", "UpdateAccount", out);
    cfn_patch(step, out, "replace", STR("/cloudwatchRoleArn"), role.ptr ? role : STR_EMPTY);
    return OK;
}

/* As on AWS, the account's settings stay when the resource goes. */
static enum err remove_nothing(struct cfn_step *step, unsigned index, struct cfn_call *out)
{
    (void)step;
    (void)index;
    (void)out;
    return OK;
}

#define AWS "AWS::ApiGateway::"

const struct cfn_type cfn_apigateway_types[] = {
    {
        .name = AWS "RestApi",
        .properties = rest_api_properties,
        .create = create_rest_api,
        .created = created_rest_api,
        .update = update_rest_api,
        .remove = remove_rest_api,
        .attributes = CFN_NAMES("RestApiId", "RootResourceId"),
    },
    {
        .name = AWS "Resource",
        .properties = resource_properties,
        .create = create_resource,
        .created = created_resource,
        .remove = remove_resource,
        .attributes = CFN_NAMES("ResourceId"),
    },
    {
        .name = AWS "Method",
        .properties = method_properties,
        .create = create_method,
        .created = created_method,
        .update = update_method,
        .remove = remove_method,
    },
    {
        .name = AWS "GatewayResponse",
        .properties = gateway_response_properties,
        .create = put_gateway_response,
        .created = created_method,
        .update = put_gateway_response,
        .remove = remove_gateway_response,
    },
    {
        .name = AWS "Deployment",
        .properties = deployment_properties,
        .create = create_deployment,
        .created = created_deployment,
        .remove = remove_deployment,
        .attributes = CFN_NAMES("DeploymentId"),
    },
    {
        .name = AWS "Stage",
        .properties = stage_properties,
        .create = create_stage,
        .created = created_stage,
        .update = update_stage,
        .remove = remove_stage,
        .name_property = "StageName",
    },
    {
        .name = AWS "ApiKey",
        .properties = api_key_properties,
        .create = create_api_key,
        .created = created_api_key,
        .update = update_api_key,
        .remove = remove_api_key,
        .attributes = CFN_NAMES("APIKeyId"),
    },
    {
        .name = AWS "UsagePlan",
        .properties = usage_plan_properties,
        .create = create_usage_plan,
        .created = created_usage_plan,
        .update = update_usage_plan,
        .remove = remove_usage_plan,
        .attributes = CFN_NAMES("Id"),
    },
    {
        .name = AWS "UsagePlanKey",
        .properties = usage_plan_key_properties,
        .create = create_usage_plan_key,
        .created = take_id,
        .remove = remove_usage_plan_key,
    },
    {
        .name = AWS "DomainName",
        .properties = domain_name_properties,
        .create = create_domain_name,
        .created = created_domain_name,
        .remove = remove_domain_name,
        .name_property = "DomainName",
        .attributes =
            CFN_NAMES("DistributionDomainName", "RegionalDomainName", "RegionalHostedZoneId"),
    },
    {
        .name = AWS "BasePathMapping",
        .properties = base_path_properties,
        .create = create_base_path,
        .created = created_base_path,
        .update = update_base_path,
        .remove = remove_base_path,
    },
    {
        .name = AWS "Account",
        .properties = account_properties,
        .create = update_account,
        .created = created_method,
        .update = update_account,
        .remove = remove_nothing,
    },
    {.name = NULL},
};
