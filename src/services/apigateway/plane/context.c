/* The variables of $context. */
#include "services/apigateway/plane/call.h"

#include "base/clock.h"
#include "services/apigateway/velocity/velocity.h"

typedef struct str (*variable_fn)(const struct api_call *call);

static struct str account_id(const struct api_call *call)
{
    return call->stage ? call->stage->account : STR_EMPTY;
}

static struct str api_id(const struct api_call *call)
{
    return call->stage ? call->stage->api_id : STR_EMPTY;
}

static struct str deployment_id(const struct api_call *call)
{
    return call->stage ? call->stage->deployment_id : STR_EMPTY;
}

static struct str stage_name(const struct api_call *call)
{
    return call->stage ? call->stage->name : STR_EMPTY;
}

static struct str resource_id(const struct api_call *call)
{
    return call->method ? call->method->resource_id : STR_EMPTY;
}

static struct str resource_path(const struct api_call *call)
{
    return call->method ? call->method->resource_path : STR_EMPTY;
}

static struct str domain_name(const struct api_call *call)
{
    return call->domain_name;
}

static struct str domain_prefix(const struct api_call *call)
{
    return call->domain_prefix;
}

static struct str request_id(const struct api_call *call)
{
    return call->request_id;
}

static struct str extended_id(const struct api_call *call)
{
    return call->extended_id;
}

static struct str request_time(const struct api_call *call)
{
    return call->request_time;
}

static struct str request_time_epoch(const struct api_call *call)
{
    return arena_printf(call->arena, "%lld", (long long)call->now_ms);
}

static struct str http_method(const struct api_call *call)
{
    return call->exchange->method;
}

static struct str path(const struct api_call *call)
{
    return call->context_path;
}

static struct str protocol(const struct api_call *call)
{
    return call->exchange->is_http_1_0 ? STR("HTTP/1.0") : STR("HTTP/1.1");
}

static struct str source_ip(const struct api_call *call)
{
    return call->exchange->peer;
}

static struct str user_agent(const struct api_call *call)
{
    struct str value = http_header_get(call->exchange, STR("user-agent"));
    return value.ptr ? value : STR_EMPTY;
}

static struct str api_key(const struct api_call *call)
{
    return call->api_key.ptr ? call->api_key : STR_EMPTY;
}

static struct str api_key_id(const struct api_call *call)
{
    return call->api_key_id.ptr ? call->api_key_id : STR_EMPTY;
}

static struct str error_message(const struct api_call *call)
{
    return call->error_message.ptr ? call->error_message : STR_EMPTY;
}

static struct str error_message_string(const struct api_call *call)
{
    struct buf text;
    buf_init_arena(&text, call->arena, 16 * 1024);
    buf_add_json(&text, error_message(call));
    return buf_str(&text);
}

static struct str error_response_type(const struct api_call *call)
{
    return call->error_message.ptr ? gateway_type_name(call->error_type) : STR_EMPTY;
}

static struct str validation_error(const struct api_call *call)
{
    return call->validation_error.ptr ? call->validation_error : STR_EMPTY;
}

static struct str trace_id(const struct api_call *call)
{
    return call->trace_id.ptr ? call->trace_id : STR_EMPTY;
}

static struct str number(const struct api_call *call, int64_t value, bool is_known)
{
    return is_known ? arena_printf(call->arena, "%lld", (long long)value) : STR_EMPTY;
}

static struct str status(const struct api_call *call)
{
    return number(call, call->status, call->status);
}

static struct str response_length(const struct api_call *call)
{
    return number(call, (int64_t)call->response_length, call->status);
}

static struct str response_latency(const struct api_call *call)
{
    return number(call, (clock_mono_us() - call->now_us) / 1000, true);
}

static struct str integration_latency(const struct api_call *call)
{
    return number(call, call->integration_us / 1000,
                  call->integration_started_us && call->integration_us >= 0);
}

/* Of the service that was asked: of Lambda itself, whatever the function has said. */
static struct str service_status(const struct api_call *call)
{
    return number(call, call->integration_status, call->integration_status);
}

static struct str integration_status(const struct api_call *call)
{
    return call->function_status ? number(call, call->function_status, true) : service_status(call);
}

static struct str integration_id(const struct api_call *call)
{
    return call->integration_id.ptr ? call->integration_id : STR_EMPTY;
}

static struct str integration_error(const struct api_call *call)
{
    return call->integration_error.ptr ? call->integration_error : STR_EMPTY;
}

static struct str user_account(const struct api_call *call)
{
    return call->principal ? call->principal->account : STR_EMPTY;
}

static struct str user_id(const struct api_call *call)
{
    return call->principal ? call->principal->user_id : STR_EMPTY;
}

static struct str user_arn(const struct api_call *call)
{
    return call->principal ? call->principal->arn : STR_EMPTY;
}

static struct str access_key(const struct api_call *call)
{
    return call->principal ? call->principal->access_key_id : STR_EMPTY;
}

static struct str decision_status(const struct api_call *call, const struct decision *decision)
{
    return number(call, decision->status, decision->status);
}

static struct str decision_latency(const struct api_call *call, const struct decision *decision)
{
    return number(call, decision->us / 1000, decision->status);
}

static struct str decision_error(const struct decision *decision)
{
    return decision->error.ptr ? decision->error : STR_EMPTY;
}

static struct str authenticate_status(const struct api_call *call)
{
    return decision_status(call, &call->authentication);
}

static struct str authenticate_latency(const struct api_call *call)
{
    return decision_latency(call, &call->authentication);
}

static struct str authenticate_error(const struct api_call *call)
{
    return decision_error(&call->authentication);
}

static struct str authorize_status(const struct api_call *call)
{
    return decision_status(call, &call->authorization);
}

static struct str authorize_latency(const struct api_call *call)
{
    return decision_latency(call, &call->authorization);
}

static struct str authorize_error(const struct api_call *call)
{
    return decision_error(&call->authorization);
}

static struct str base_path(const struct api_call *call)
{
    return call->base_path.ptr ? call->base_path : STR_EMPTY;
}

static struct str endpoint_type(const struct api_call *call)
{
    return call->stage ? call->stage->endpoint_type : STR_EMPTY;
}

/* Only stages that have a canary say so. */
static struct str is_canary_request(const struct api_call *call)
{
    const struct stage *stage = call->stage;
    if (!stage || (!stage->is_canary && !stage->canary))
        return STR_EMPTY;
    return stage->is_canary ? STR("true") : STR("false");
}

/* Variables of what this gateway does not have (Cognito, WAF, client certificates...). */
static struct str nothing(const struct api_call *call)
{
    (void)call;
    return STR_EMPTY;
}

static const struct {
    struct str name;
    variable_fn value;
} variables[] = {
    {STR_INIT("accountId"), account_id},
    {STR_INIT("apiId"), api_id},
    {STR_INIT("authenticate.error"), authenticate_error},
    {STR_INIT("authenticate.latency"), authenticate_latency},
    {STR_INIT("authenticate.status"), authenticate_status},
    {STR_INIT("authorize.error"), authorize_error},
    {STR_INIT("authorize.latency"), authorize_latency},
    {STR_INIT("authorize.status"), authorize_status},
    {STR_INIT("awsEndpointRequestId"), integration_id},
    {STR_INIT("cipherSuite"), nothing},
    {STR_INIT("customDomain.basePathMatched"), base_path},
    {STR_INIT("deploymentId"), deployment_id},
    {STR_INIT("domainName"), domain_name},
    {STR_INIT("domainPrefix"), domain_prefix},
    {STR_INIT("endpointType"), endpoint_type},
    {STR_INIT("error.message"), error_message},
    {STR_INIT("error.messageString"), error_message_string},
    {STR_INIT("error.responseType"), error_response_type},
    {STR_INIT("error.validationErrorString"), validation_error},
    {STR_INIT("extendedRequestId"), extended_id},
    {STR_INIT("httpMethod"), http_method},
    {STR_INIT("identity.accessKey"), access_key},
    {STR_INIT("identity.accountId"), user_account},
    {STR_INIT("identity.apiKey"), api_key},
    {STR_INIT("identity.apiKeyId"), api_key_id},
    {STR_INIT("identity.caller"), user_id},
    {STR_INIT("identity.clientCert.clientCertPem"), nothing},
    {STR_INIT("identity.clientCert.issuerDN"), nothing},
    {STR_INIT("identity.clientCert.serialNumber"), nothing},
    {STR_INIT("identity.clientCert.subjectDN"), nothing},
    {STR_INIT("identity.clientCert.validity.notAfter"), nothing},
    {STR_INIT("identity.clientCert.validity.notBefore"), nothing},
    {STR_INIT("identity.cognitoAuthenticationProvider"), nothing},
    {STR_INIT("identity.cognitoAuthenticationType"), nothing},
    {STR_INIT("identity.cognitoIdentityId"), nothing},
    {STR_INIT("identity.cognitoIdentityPoolId"), nothing},
    {STR_INIT("identity.principalOrgId"), nothing},
    {STR_INIT("identity.sourceIp"), source_ip},
    {STR_INIT("identity.user"), user_id},
    {STR_INIT("identity.userAgent"), user_agent},
    {STR_INIT("identity.userArn"), user_arn},
    {STR_INIT("identity.vpcId"), nothing},
    {STR_INIT("identity.vpceId"), nothing},
    {STR_INIT("integration.error"), integration_error},
    {STR_INIT("integration.integrationStatus"), service_status},
    {STR_INIT("integration.latency"), integration_latency},
    {STR_INIT("integration.requestId"), integration_id},
    {STR_INIT("integration.status"), integration_status},
    {STR_INIT("integrationErrorMessage"), integration_error},
    {STR_INIT("integrationLatency"), integration_latency},
    {STR_INIT("integrationStatus"), service_status},
    {STR_INIT("isCanaryRequest"), is_canary_request},
    {STR_INIT("path"), path},
    {STR_INIT("protocol"), protocol},
    {STR_INIT("requestId"), request_id},
    {STR_INIT("requestTime"), request_time},
    {STR_INIT("requestTimeEpoch"), request_time_epoch},
    {STR_INIT("resourceId"), resource_id},
    {STR_INIT("resourcePath"), resource_path},
    {STR_INIT("responseLatency"), response_latency},
    {STR_INIT("responseLength"), response_length},
    {STR_INIT("stage"), stage_name},
    {STR_INIT("status"), status},
    {STR_INIT("tlsVersion"), nothing},
    {STR_INIT("waf.error"), nothing},
    {STR_INIT("waf.latency"), nothing},
    {STR_INIT("waf.status"), nothing},
    {STR_INIT("wafResponseCode"), nothing},
    {STR_INIT("webaclArn"), nothing},
    {STR_INIT("xrayTraceId"), trace_id},
};

static bool authorizer_name_at(const struct authorized *authorized, size_t index, struct str *out)
{
    size_t i, max;
    yyjson_val *key, *value;
    *out = STR("principalId");
    if (!authorized || index == 0)
        return authorized;
    yyjson_obj_foreach (authorized->context, i, max, key, value) {
        *out = json_str(key);
        if (i + 1 == index)
            return true;
    }
    return false;
}

bool call_context_at(const struct api_call *call, struct str name, size_t index, struct str *out)
{
    if (str_eq(name, STR("authorizer")))
        return authorizer_name_at(call->authorized, index, out);
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
        struct str full = variables[i].name;
        if (!str_starts(full, name) || full.len <= name.len + 1 || full.ptr[name.len] != '.')
            continue;
        *out = str_slice(full, name.len + 1, full.len);
        if (str_find_byte(*out, '.', 0) < 0 && index-- == 0)
            return true;
    }
    return false;
}

static struct str authorizer_status(const struct api_call *call)
{
    return decision_status(call, &call->authorizer);
}

static struct str authorizer_latency(const struct api_call *call)
{
    return decision_latency(call, &call->authorizer);
}

static struct str authorizer_error(const struct api_call *call)
{
    return decision_error(&call->authorizer);
}

static struct str authorizer_lambda_status(const struct api_call *call)
{
    return number(call, call->authorizer_lambda_status, call->authorizer_lambda_status);
}

static struct str authorizer_request_id(const struct api_call *call)
{
    return call->authorizer_id.ptr ? call->authorizer_id : STR_EMPTY;
}

static struct str authorizer_principal(const struct api_call *call)
{
    return call->authorized ? call->authorized->principal_id : STR_EMPTY;
}

static struct str authorizer_integration_latency(const struct api_call *call)
{
    return call->authorized ? number(call, call->authorized->latency_ms, true) : STR_EMPTY;
}

static const struct {
    struct str name;
    variable_fn value;
} authorizer_variables[] = {
    {STR_INIT("error"), authorizer_error},
    {STR_INIT("integrationLatency"), authorizer_integration_latency},
    {STR_INIT("integrationStatus"), authorizer_lambda_status},
    {STR_INIT("latency"), authorizer_latency},
    {STR_INIT("principalId"), authorizer_principal},
    {STR_INIT("requestId"), authorizer_request_id},
    {STR_INIT("status"), authorizer_status},
};

/* A name that the function itself has given comes before the gateway's own, but not before who the
 * caller is. */
static struct str authorizer_variable(const struct api_call *call, struct str name)
{
    yyjson_val *context = call->authorized ? call->authorized->context : NULL;
    yyjson_val *value = yyjson_obj_getn(context, name.ptr, name.len);
    if (value && !str_eq(name, STR("principalId")))
        return yyjson_is_str(value) ? json_str(value) : json_write_val(call->arena, value);
    for (size_t i = 0; i < sizeof(authorizer_variables) / sizeof(authorizer_variables[0]); i++) {
        if (str_eq(authorizer_variables[i].name, name))
            return authorizer_variables[i].value(call);
    }
    return STR_EMPTY;
}

static const struct str authorizer_prefix = STR_INIT("authorizer.");

/* Templates ask for these before they ask here: this is for access logs. */
static struct str override_value(const struct api_call *call, struct str name)
{
    struct str value = {NULL, 0};
    if (str_starts(name, STR("requestOverride.")) || str_starts(name, STR("responseOverride.")))
        value = STR_EMPTY;
    velocity_override_find(call->overrides, call->override_count, name, &value);
    return value;
}

struct str call_context(const struct api_call *call, struct str name)
{
    if (str_starts(name, authorizer_prefix))
        return authorizer_variable(call, str_slice(name, authorizer_prefix.len, name.len));
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
        if (str_eq(variables[i].name, name))
            return variables[i].value(call);
    }
    return override_value(call, name);
}
