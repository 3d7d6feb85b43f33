/* Settings of methods. */
#include "services/apigateway/stage_settings.h"

#include <math.h>
#include <stdlib.h>

enum { MAX_TTL_S = 3600 };

/* In AWS's words, slips included. */
#define BAD_PATH                                                                                   \
    "Invalid method setting path: %.*s. Must be one of: [/deploymentId, /description, "            \
    "/cacheClusterEnabled, /cacheClusterSize, /clientCertificateId, /accessLogSettings, "          \
    "/accessLogSettings/destinationArn, /accessLogSettings/format, "                               \
    "/{resourcePath}/{httpMethod}/metrics/enabled, "                                               \
    "/{resourcePath}/{httpMethod}/logging/dataTrace, "                                             \
    "/{resourcePath}/{httpMethod}/logging/loglevel, "                                              \
    "/{resourcePath}/{httpMethod}/throttling/burstLimit/{resourcePath}/{httpMethod}/throttling/"   \
    "rateLimit/{resourcePath}/{httpMethod}/caching/ttlInSeconds, "                                 \
    "/{resourcePath}/{httpMethod}/caching/enabled, "                                               \
    "/{resourcePath}/{httpMethod}/caching/dataEncrypted, "                                         \
    "/{resourcePath}/{httpMethod}/caching/requireAuthorizationForCacheControl, "                   \
    "/{resourcePath}/{httpMethod}/caching/unauthorizedCacheControlHeaderStrategy, "                \
    "/*/*/metrics/enabled, /*/*/logging/dataTrace, /*/*/logging/loglevel, "                        \
    "/*/*/throttling/burstLimit /*/*/throttling/rateLimit /*/*/caching/ttlInSeconds, "             \
    "/*/*/caching/enabled, /*/*/caching/dataEncrypted, "                                           \
    "/*/*/caching/requireAuthorizationForCacheControl, "                                           \
    "/*/*/caching/unauthorizedCacheControlHeaderStrategy, /variables/{variable_name}, "            \
    "/tracingEnabled]"

enum err settings_refuse(struct patch_target *target, const struct patch_op *op)
{
    return apigw_bad_request(target->request, BAD_PATH, STR_ARG(op->path));
}

static const struct {
    const char *group, *name, *member;
    enum patch_kind kind;
} settings[] = {
    {"metrics", "enabled", "metricsEnabled", PATCH_BOOL},
    {"logging", "loglevel", "loggingLevel", PATCH_STRING},
    {"logging", "dataTrace", "dataTraceEnabled", PATCH_BOOL},
    {"throttling", "burstLimit", "throttlingBurstLimit", PATCH_INTEGER},
    {"throttling", "rateLimit", "throttlingRateLimit", PATCH_DOUBLE},
    {"caching", "enabled", "cachingEnabled", PATCH_BOOL},
    {"caching", "ttlInSeconds", "cacheTtlInSeconds", PATCH_INTEGER},
    {"caching", "dataEncrypted", "cacheDataEncrypted", PATCH_BOOL},
    {"caching", "requireAuthorizationForCacheControl", "requireAuthorizationForCacheControl",
     PATCH_BOOL},
    {"caching", "unauthorizedCacheControlHeaderStrategy", "unauthorizedCacheControlHeaderStrategy",
     PATCH_STRING},
};

/* The settings of a method as they are before anything is set. */
static yyjson_mut_val *default_settings(yyjson_mut_doc *doc)
{
    yyjson_mut_val *object = yyjson_mut_obj(doc);
    json_add_bool(doc, object, "metricsEnabled", false);
    json_add_bool(doc, object, "dataTraceEnabled", false);
    json_add_i64(doc, object, "throttlingBurstLimit", 5000);
    json_add_double(doc, object, "throttlingRateLimit", 10000);
    json_add_bool(doc, object, "cachingEnabled", false);
    json_add_i64(doc, object, "cacheTtlInSeconds", 300);
    json_add_bool(doc, object, "cacheDataEncrypted", false);
    json_add_bool(doc, object, "requireAuthorizationForCacheControl", true);
    json_add_str(doc, object, "unauthorizedCacheControlHeaderStrategy",
                 STR("SUCCEED_WITH_RESPONSE_HEADER"));
    return object;
}

static yyjson_mut_val *setting_value(struct patch_target *target, size_t which, struct str value)
{
    char *end, *text = arena_cstr(target->request->arena, value);
    int64_t integer;
    switch (settings[which].kind) {
    case PATCH_BOOL:
        return yyjson_mut_bool(target->doc, patch_bool(value));
    case PATCH_INTEGER:
        return str_to_i64(value, &integer) ? yyjson_mut_sint(target->doc, integer) : NULL;
    case PATCH_DOUBLE: {
        double number = strtod(text, &end);
        return end != text && *end == '\0' && isfinite(number)
                   ? yyjson_mut_real(target->doc, number)
                   : NULL;
    }
    case PATCH_STRING:
    case PATCH_SET:
    case PATCH_CUSTOM:
        break;
    }
    return yyjson_mut_strncpy(target->doc, value.ptr, value.len);
}

enum err settings_require_log_role(struct patch_target *target)
{
    yyjson_val *account;
    struct str key = state_key(target->request->arena, "account", NO_PART, NO_PART);
    enum err rc = state_get(&target->view, key, &account);
    if (rc == OK && !json_get_str(account, "cloudwatchRoleArn").len)
        rc = apigw_bad_request(target->request, "CloudWatch Logs role ARN must be set in account "
                                                "settings to enable logging");
    return rc;
}

static bool is_one_of(struct str value, const char *const *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq(value, str_from(values[i])))
            return true;
    }
    return false;
}

static enum err check_level(struct patch_target *target, struct str level)
{
    static const char *const levels[] = {"OFF", "ERROR", "INFO"};
    if (!is_one_of(level, levels, sizeof(levels) / sizeof(levels[0])))
        return apigw_bad_request(target->request,
                                 "Invalid logging level '%.*s'. Must be one of: [OFF, ERROR, INFO]",
                                 STR_ARG(level));
    return str_eq(level, STR("OFF")) ? OK : settings_require_log_role(target);
}

/* Beyond being of its kind. */
static enum err check_value(struct patch_target *target, const char *member, struct str value)
{
    static const char *const strategies[] = {"FAIL_WITH_403", "SUCCEED_WITH_RESPONSE_HEADER",
                                             "SUCCEED_WITHOUT_RESPONSE_HEADER"};
    uint64_t seconds;
    if (strcmp(member, "loggingLevel") == 0)
        return check_level(target, value);
    if (strcmp(member, "cacheTtlInSeconds") == 0 &&
        (!str_to_u64(value, &seconds) || seconds > MAX_TTL_S))
        return apigw_bad_request(target->request,
                                 "Invalid cache TTL '%.*s'. Must be between 0 and 3600",
                                 STR_ARG(value));
    if (strcmp(member, "unauthorizedCacheControlHeaderStrategy") == 0 &&
        !is_one_of(value, strategies, sizeof(strategies) / sizeof(strategies[0])))
        return apigw_bad_request(target->request,
                                 "Invalid unauthorized cache control header strategy '%.*s'. Must "
                                 "be one of: [FAIL_WITH_403, SUCCEED_WITH_RESPONSE_HEADER, "
                                 "SUCCEED_WITHOUT_RESPONSE_HEADER]",
                                 STR_ARG(value));
    return OK;
}

enum err settings_patch(struct patch_target *target, const struct patch_op *op)
{
    yyjson_mut_val *all = apigw_object_member(target->doc, target->object, STR("methodSettings"));
    struct str key =
        arena_printf(target->request->arena, "%.*s/%.*s", STR_ARG(op->raw[0]), STR_ARG(op->raw[1]));
    size_t which = 0, count = sizeof(settings) / sizeof(settings[0]);
    while (which < count && (!str_eq(op->parts[2], str_from(settings[which].group)) ||
                             !str_eq(op->parts[3], str_from(settings[which].name))))
        which++;
    if (which == count)
        return settings_refuse(target, op);
    yyjson_mut_val *value = setting_value(target, which, op->value.ptr ? op->value : STR_EMPTY);
    if (!value)
        return apigw_bad_request(target->request, "Invalid value '%.*s' specified for path %.*s",
                                 STR_ARG(op->value), STR_ARG(op->path));
    enum err rc =
        check_value(target, settings[which].member, op->value.ptr ? op->value : STR_EMPTY);
    if (rc)
        return rc;
    yyjson_mut_val *entry = apigw_member(all, key);
    if (!entry) {
        entry = default_settings(target->doc);
        apigw_set(target->doc, all, key, entry);
    }
    apigw_set(target->doc, entry, str_from(settings[which].member), value);
    return OK;
}

enum err settings_refuse_removal(struct patch_target *target, const struct patch_op *op)
{
    return apigw_bad_request(target->request,
                             "Cannot remove method setting %.*s because there is no method setting "
                             "for this method ",
                             STR_ARG(str_slice(op->path, 1, op->path.len)));
}

enum err settings_remove(struct patch_target *target, const struct patch_op *op)
{
    yyjson_mut_val *all = apigw_member(target->object, STR("methodSettings"));
    struct str key =
        arena_printf(target->request->arena, "%.*s/%.*s", STR_ARG(op->raw[0]), STR_ARG(op->raw[1]));
    if (!yyjson_mut_obj_remove_keyn(all, key.ptr, key.len))
        return settings_refuse_removal(target, op);
    return OK;
}
