/* AWS::ApiGateway: RestApi, Resource, Method, GatewayResponse. */
#include "base/buf.h"
#include "services/cloudformation/types_apigateway.h"

struct cfn_call *apigw_add(struct cfn_calls *calls, const char *operation)
{
    struct cfn_call *call = cfn_add(calls, "apigateway", operation);
    cfn_put(calls->step, call, "restapi_id", cfn_wanted(calls->step, "RestApiId"));
    return call;
}

void apigw_change_tags(struct cfn_step *step, struct cfn_calls *calls, struct str path)
{
    static const struct cfn_tagging tagging = {
        .service = "apigateway",
        .tag = "TagResource",
        .untag = "UntagResource",
        .id_member = "resource_arn",
        .tags_member = "tags",
        .keys_member = "tagKeys",
        .is_map = true,
    };
    struct str region = step->template->skylite->config.region;
    cfn_change_tags(
        step, calls, &tagging,
        arena_printf(step->arena, "arn:aws:apigateway:%.*s::%.*s", STR_ARG(region), STR_ARG(path)));
}

struct str apigw_escape(struct arena *arena, struct str part)
{
    struct buf out;
    buf_init_arena(&out, arena, SIZE_MAX / 2);
    for (size_t i = 0; i < part.len; i++) {
        char c = part.ptr[i];
        buf_add(&out, c == '/' ? STR("~1") : c == '~' ? STR("~0") : str_make(part.ptr + i, 1));
    }
    return buf_str(&out);
}

/* --- RestApi --- */

static const struct cfn_property endpoint_properties[] = {
    {"Types", NULL, CFN_OWN, 0, NULL},
    {"IpAddressType", NULL, CFN_OWN, 0, NULL},
    {"VpcEndpointIds", NULL, CFN_OWN, 0, NULL},
    CFN_END,
};

static const struct cfn_property body_location_properties[] = {
    {"Bucket", NULL, CFN_OWN, CFN_REQUIRED, NULL},
    {"Key", NULL, CFN_OWN, CFN_REQUIRED, NULL},
    CFN_END,
};

static const struct cfn_property rest_api_properties[] = {
    {"Name", NULL, CFN_OWN, 0, NULL},
    {"Body", NULL, CFN_OWN, 0, NULL},
    {"BodyS3Location", NULL, CFN_OWN, 0, body_location_properties},
    {"Mode", NULL, CFN_OWN, 0, NULL},
    {"FailOnWarnings", NULL, CFN_OWN, 0, NULL},
    {"Parameters", NULL, CFN_OWN, 0, NULL},
    {"Policy", NULL, CFN_OWN, 0, NULL},
    {"CloneFrom", "cloneFrom", CFN_COPY, 0, NULL},
    {"Description", "description", CFN_COPY, 0, NULL},
    {"ApiKeySourceType", "apiKeySource", CFN_COPY, 0, NULL},
    {"BinaryMediaTypes", "binaryMediaTypes", CFN_COPY, 0, NULL},
    {"DisableExecuteApiEndpoint", "disableExecuteApiEndpoint", CFN_BOOLEAN, 0, NULL},
    {"EndpointConfiguration", "endpointConfiguration", CFN_LOWER, 0, endpoint_properties},
    {"MinimumCompressionSize", "minimumCompressionSize", CFN_INTEGER, 0, NULL},
    APIGW_TAGS,
    CFN_END,
};

static struct cfn_call *add_rest_api_update(struct cfn_step *step, struct cfn_calls *calls)
{
    struct cfn_call *call = cfn_add(calls, "apigateway", "UpdateRestApi");
    cfn_put(step, call, "restapi_id", step->physical_id);
    return call;
}

/* What a member of the document says, the template's property of that name says better. */
static void patch_own(struct cfn_step *step, struct cfn_call *call, const char *property,
                      const char *path, const char *fallback)
{
    struct str value = cfn_wanted(step, property);
    if (value.ptr && apigw_has_new_body(step))
        cfn_patch(step, call, "replace", str_from(path), value);
    else
        cfn_patch_property(step, call, property, path, fallback);
}

static void patch_media_type(struct cfn_step *step, struct cfn_call *call, const char *op,
                             const yyjson_val *type)
{
    cfn_patch(step, call, op,
              arena_printf(step->arena, "/binaryMediaTypes/%.*s",
                           STR_ARG(apigw_escape(step->arena, json_str(type)))),
              (struct str){NULL, 0});
}

static void patch_media_types(struct cfn_step *step, struct cfn_call *call)
{
    yyjson_val *now = json_get(step->properties, "BinaryMediaTypes"), *type;
    yyjson_val *before = json_get(step->old_properties, "BinaryMediaTypes");
    bool is_imported = apigw_has_new_body(step);
    bool is_reset = is_imported && str_eq(cfn_wanted(step, "Mode"), STR("overwrite"));
    size_t i, max;
    yyjson_arr_foreach (before, i, max, type) {
        if (!cfn_has(now, type) && !is_reset)
            patch_media_type(step, call, "remove", type);
    }
    yyjson_arr_foreach (now, i, max, type) {
        if (!cfn_has(before, type) || is_imported)
            patch_media_type(step, call, "add", type);
    }
}

static void patch_rest_api(struct cfn_step *step, struct cfn_call *call)
{
    if (cfn_wanted(step, "Name").ptr)
        patch_own(step, call, "Name", "/name", "");
    patch_own(step, call, "Description", "/description", "");
    patch_own(step, call, "Policy", "/policy", "");
    patch_own(step, call, "ApiKeySourceType", "/apiKeySource", "HEADER");
    patch_own(step, call, "DisableExecuteApiEndpoint", "/disableExecuteApiEndpoint", "false");
    patch_own(step, call, "MinimumCompressionSize", "/minimumCompressionSize", "");
    patch_media_types(step, call);
}

static enum err create_rest_api(struct cfn_step *step, struct cfn_calls *calls)
{
    struct str name = cfn_wanted(step, "Name");
    if (!name.ptr && !apigw_has_body(step))
        return error_set(step->error, ERR_VALIDATION_ERROR, "Property Name cannot be empty.");
    struct cfn_call *call = cfn_add(calls, "apigateway", "CreateRestApi");
    cfn_map(step, call, rest_api_properties);
    cfn_put(step, call, "name", cfn_name(step, "Name"));
    cfn_put(step, call, "policy", cfn_wanted(step, "Policy"));
    cfn_put_tag_map(step, call, "tags");
    if (!apigw_has_body(step) || !step->physical_id.ptr)
        return OK;
    enum err rc = apigw_put_body(step, calls, step->physical_id);
    call = add_rest_api_update(step, calls);
    patch_rest_api(step, call);
    cfn_drop_unpatched(calls, call);
    return rc;
}

static void answered_rest_api(struct cfn_step *step, const struct cfn_call *call,
                              yyjson_mut_val *output)
{
    if (!cfn_is(call, "CreateRestApi"))
        return;
    step->physical_id = cfn_output(step, output, "id");
    cfn_set_attribute(step, "RestApiId", step->physical_id);
    cfn_set_attribute(step, "RootResourceId", cfn_output(step, output, "rootResourceId"));
}

static struct str endpoint_type(const yyjson_val *properties)
{
    yyjson_val *types = json_get(json_get(properties, "EndpointConfiguration"), "Types");
    struct str type = json_str(yyjson_arr_get_first(types));
    return type.ptr ? type : STR("EDGE");
}

static void patch_endpoint_ids(struct cfn_step *step, struct cfn_call *call)
{
    const char *const path = "/endpointConfiguration/vpcEndpointIds";
    yyjson_val *now =
        json_get(json_get(step->properties, "EndpointConfiguration"), "VpcEndpointIds");
    yyjson_val *before =
        json_get(json_get(step->old_properties, "EndpointConfiguration"), "VpcEndpointIds");
    yyjson_val *id;
    size_t i, max;
    yyjson_arr_foreach (now, i, max, id) {
        if (!cfn_has(before, id))
            cfn_patch(step, call, "add", str_from(path), json_str(id));
    }
    yyjson_arr_foreach (before, i, max, id) {
        if (!cfn_has(now, id))
            cfn_patch(step, call, "remove", str_from(path), json_str(id));
    }
}

static void patch_endpoint(struct cfn_step *step, struct cfn_call *call)
{
    struct str now = endpoint_type(step->properties), before = endpoint_type(step->old_properties);
    yyjson_val *configuration = json_get(step->properties, "EndpointConfiguration");
    struct str address = json_get_str(configuration, "IpAddressType");
    if (!cfn_changed(step, "EndpointConfiguration"))
        return;
    if (!str_eq(now, before))
        cfn_patch(step, call, "replace",
                  arena_printf(step->arena, "/endpointConfiguration/types/%.*s", STR_ARG(before)),
                  now);
    patch_endpoint_ids(step, call);
    if (!address.ptr)
        address = str_eq(now, STR("PRIVATE")) ? STR("dualstack") : STR("ipv4");
    cfn_patch(step, call, "replace", STR("/endpointConfiguration/ipAddressType"), address);
}

static enum err update_rest_api(struct cfn_step *step, struct cfn_calls *calls)
{
    enum err rc = apigw_has_new_body(step) ? apigw_put_body(step, calls, step->physical_id) : OK;
    struct cfn_call *call = add_rest_api_update(step, calls);
    patch_rest_api(step, call);
    patch_endpoint(step, call);
    cfn_drop_unpatched(calls, call);
    apigw_change_tags(step, calls,
                      arena_printf(step->arena, "/restapis/%.*s", STR_ARG(step->physical_id)));
    return rc;
}

static enum err remove_rest_api(struct cfn_step *step, struct cfn_calls *calls)
{
    cfn_put(step, cfn_add(calls, "apigateway", "DeleteRestApi"), "restapi_id", step->physical_id);
    return OK;
}

/* --- Resource --- */

static const struct cfn_property resource_properties[] = {
    {"RestApiId", "restapi_id", CFN_COPY, CFN_REQUIRED | CFN_REPLACES, NULL},
    {"ParentId", "parent_id", CFN_COPY, CFN_REQUIRED | CFN_REPLACES, NULL},
    {"PathPart", "pathPart", CFN_COPY, CFN_REQUIRED | CFN_REPLACES, NULL},
    CFN_END,
};

static enum err create_resource(struct cfn_step *step, struct cfn_calls *calls)
{
    cfn_map(step, cfn_add(calls, "apigateway", "CreateResource"), resource_properties);
    return OK;
}

static void answered_resource(struct cfn_step *step, const struct cfn_call *call,
                              yyjson_mut_val *output)
{
    if (!cfn_is(call, "CreateResource"))
        return;
    step->physical_id = cfn_output(step, output, "id");
    cfn_set_attribute(step, "ResourceId", step->physical_id);
}

static enum err remove_resource(struct cfn_step *step, struct cfn_calls *calls)
{
    cfn_put(step, apigw_add(calls, "DeleteResource"), "resource_id", step->physical_id);
    return OK;
}

/* --- Method: with its integration and their responses --- */

static const struct cfn_property method_response_properties[] = {
    {"StatusCode", NULL, CFN_OWN, CFN_REQUIRED, NULL},
    {"ResponseParameters", "responseParameters", CFN_COPY, 0, NULL},
    {"ResponseModels", "responseModels", CFN_COPY, 0, NULL},
    CFN_END,
};

static const struct cfn_property integration_response_properties[] = {
    {"StatusCode", NULL, CFN_OWN, CFN_REQUIRED, NULL},
    {"SelectionPattern", "selectionPattern", CFN_COPY, 0, NULL},
    {"ResponseParameters", "responseParameters", CFN_COPY, 0, NULL},
    {"ResponseTemplates", "responseTemplates", CFN_COPY, 0, NULL},
    {"ContentHandling", "contentHandling", CFN_COPY, 0, NULL},
    CFN_END,
};

static const struct cfn_property integration_properties[] = {
    {"Type", "type", CFN_COPY, CFN_REQUIRED, NULL},
    {"Uri", "uri", CFN_COPY, 0, NULL},
    {"ConnectionType", "connectionType", CFN_COPY, 0, NULL},
    {"ConnectionId", "connectionId", CFN_COPY, 0, NULL},
    {"Credentials", "credentials", CFN_COPY, 0, NULL},
    {"RequestParameters", "requestParameters", CFN_COPY, 0, NULL},
    {"RequestTemplates", "requestTemplates", CFN_COPY, 0, NULL},
    {"PassthroughBehavior", "passthroughBehavior", CFN_COPY, 0, NULL},
    {"CacheNamespace", "cacheNamespace", CFN_COPY, 0, NULL},
    {"CacheKeyParameters", "cacheKeyParameters", CFN_COPY, 0, NULL},
    {"ContentHandling", "contentHandling", CFN_COPY, 0, NULL},
    {"TimeoutInMillis", "timeoutInMillis", CFN_INTEGER, 0, NULL},
    {"IntegrationHttpMethod", "httpMethod", CFN_COPY, 0, NULL},
    {"IntegrationResponses", NULL, CFN_OWN, 0, integration_response_properties},
    CFN_END,
};

static const struct cfn_property method_properties[] = {
    {"RestApiId", "restapi_id", CFN_COPY, CFN_REQUIRED | CFN_REPLACES, NULL},
    {"ResourceId", "resource_id", CFN_COPY, CFN_REQUIRED | CFN_REPLACES, NULL},
    {"HttpMethod", "http_method", CFN_COPY, CFN_REQUIRED | CFN_REPLACES, NULL},
    {"AuthorizationType", "authorizationType", CFN_COPY, 0, NULL},
    {"AuthorizationScopes", "authorizationScopes", CFN_COPY, 0, NULL},
    {"AuthorizerId", "authorizerId", CFN_COPY, 0, NULL},
    {"ApiKeyRequired", "apiKeyRequired", CFN_BOOLEAN, 0, NULL},
    {"OperationName", "operationName", CFN_COPY, 0, NULL},
    {"RequestModels", "requestModels", CFN_COPY, 0, NULL},
    {"RequestParameters", "requestParameters", CFN_COPY, 0, NULL},
    {"RequestValidatorId", "requestValidatorId", CFN_COPY, 0, NULL},
    {"Integration", NULL, CFN_OWN, 0, integration_properties},
    {"MethodResponses", NULL, CFN_OWN, 0, method_response_properties},
    CFN_END,
};

static struct cfn_call *add_for_method(struct cfn_calls *calls, const char *operation)
{
    struct cfn_call *call = apigw_add(calls, operation);
    cfn_put(calls->step, call, "resource_id", cfn_wanted(calls->step, "ResourceId"));
    cfn_put(calls->step, call, "http_method", cfn_wanted(calls->step, "HttpMethod"));
    return call;
}

/* Members of an object inside the properties, as the table has them. */
static void map_inside(struct cfn_step *step, struct cfn_call *call, const yyjson_val *object,
                       const struct cfn_property *properties)
{
    for (; properties->name; properties++) {
        yyjson_val *value = json_get(object, properties->name);
        if (value && properties->how != CFN_OWN)
            json_add(step->doc, call->input, properties->member,
                     cfn_typed_property(step, value, properties));
    }
}

static void add_responses(struct cfn_step *step, struct cfn_calls *calls, const char *operation,
                          const yyjson_val *list, const struct cfn_property *properties)
{
    yyjson_val *response;
    size_t i, max;
    yyjson_arr_foreach ((yyjson_val *)(uintptr_t)list, i, max, response) {
        struct cfn_call *call = add_for_method(calls, operation);
        cfn_put(step, call, "status_code", cfn_text(step, response, "StatusCode"));
        map_inside(step, call, response, properties);
    }
}

static enum err create_method(struct cfn_step *step, struct cfn_calls *calls)
{
    yyjson_val *integration = json_get(step->properties, "Integration");
    struct cfn_call *call = cfn_add(calls, "apigateway", "PutMethod");
    cfn_map(step, call, method_properties);
    if (!json_get(step->properties, "AuthorizationType"))
        cfn_put(step, call, "authorizationType", STR("NONE"));
    add_responses(step, calls, "PutMethodResponse", json_get(step->properties, "MethodResponses"),
                  method_response_properties);
    if (!integration)
        return OK;
    map_inside(step, add_for_method(calls, "PutIntegration"), integration, integration_properties);
    add_responses(step, calls, "PutIntegrationResponse",
                  json_get(integration, "IntegrationResponses"), integration_response_properties);
    return OK;
}

static void answered_method(struct cfn_step *step, const struct cfn_call *call,
                            yyjson_mut_val *output)
{
    (void)output;
    if (cfn_is(call, "PutMethod"))
        step->physical_id = cfn_name(step, "");
}

static enum err remove_method(struct cfn_step *step, struct cfn_calls *calls)
{
    (void)step;
    add_for_method(calls, "DeleteMethod")->may_be_missing = true;
    return OK;
}

/* What is deployed does not see it until the next deployment. */
static enum err update_method(struct cfn_step *step, struct cfn_calls *calls)
{
    enum err rc = remove_method(step, calls);
    return rc ? rc : create_method(step, calls);
}

/* --- GatewayResponse --- */

static const struct cfn_property gateway_response_properties[] = {
    {"RestApiId", "restapi_id", CFN_COPY, CFN_REQUIRED | CFN_REPLACES, NULL},
    {"ResponseType", "response_type", CFN_COPY, CFN_REQUIRED | CFN_REPLACES, NULL},
    {"StatusCode", "statusCode", CFN_COPY, 0, NULL},
    {"ResponseParameters", "responseParameters", CFN_COPY, 0, NULL},
    {"ResponseTemplates", "responseTemplates", CFN_COPY, 0, NULL},
    CFN_END,
};

static enum err put_gateway_response(struct cfn_step *step, struct cfn_calls *calls)
{
    cfn_map(step, cfn_add(calls, "apigateway", "PutGatewayResponse"), gateway_response_properties);
    return OK;
}

static void answered_gateway_response(struct cfn_step *step, const struct cfn_call *call,
                                      yyjson_mut_val *output)
{
    (void)output;
    if (cfn_is(call, "PutGatewayResponse"))
        step->physical_id = cfn_name(step, "");
}

static enum err remove_gateway_response(struct cfn_step *step, struct cfn_calls *calls)
{
    cfn_put(step, apigw_add(calls, "DeleteGatewayResponse"), "response_type",
            cfn_wanted(step, "ResponseType"));
    return OK;
}

const struct cfn_type cfn_api_types[] = {
    {
        .name = APIGW_TYPE "RestApi",
        .properties = rest_api_properties,
        .create = create_rest_api,
        .update = update_rest_api,
        .remove = remove_rest_api,
        .answered = answered_rest_api,
        .attributes = CFN_NAMES("RestApiId", "RootResourceId"),
    },
    {
        .name = APIGW_TYPE "Resource",
        .properties = resource_properties,
        .create = create_resource,
        .remove = remove_resource,
        .answered = answered_resource,
        .attributes = CFN_NAMES("ResourceId"),
    },
    {
        .name = APIGW_TYPE "Method",
        .properties = method_properties,
        .create = create_method,
        .update = update_method,
        .remove = remove_method,
        .answered = answered_method,
    },
    {
        .name = APIGW_TYPE "GatewayResponse",
        .properties = gateway_response_properties,
        .create = put_gateway_response,
        .update = put_gateway_response,
        .remove = remove_gateway_response,
        .answered = answered_gateway_response,
    },
    {.name = NULL},
};
