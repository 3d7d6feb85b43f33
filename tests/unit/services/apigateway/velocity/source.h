/* A request that templates are rendered with. */
#pragma once

#include "services/apigateway/velocity/velocity.h"

static struct str find(const char *const (*pairs)[2], size_t count, struct str name)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq(name, str_from(pairs[i][0])))
            return str_from(pairs[i][1]);
    }
    return (struct str){NULL, 0};
}

static const char *const context_pairs[][2] = {
    {"requestId", "request-1"},
    {"httpMethod", "POST"},
    {"stage", "prod"},
    {"identity.sourceIp", "192.0.2.1"},
    {"identity.userAgent", "curl/8"},
    {"authorizer.principalId", "ann"},
    {"authorizer.plan", "gold"},
    {"error.messageString", "\"Forbidden\""},
};
static const char *const variable_pairs[][2] = {{"color", "blue"}, {"dotted.name", "x"}};
static const char *const path_pairs[][2] = {{"id", "42"}, {"same", "path"}};
static const char *const query_pairs[][2] = {
    {"limit", "10"}, {"same", "query"}, {"text", "it's \"so\""}};
static const char *const header_pairs[][2] = {
    {"Accept", "*/*"}, {"X-Trace", "t-1"}, {"same", "header"}};

#define PAIRS(pairs) pairs, sizeof(pairs) / sizeof((pairs)[0])

static struct str source_context(const void *arg, struct str name)
{
    (void)arg;
    return find(PAIRS(context_pairs), name);
}

static bool source_context_at(const void *arg, struct str name, size_t index, struct str *out)
{
    (void)arg;
    for (size_t i = 0; i < sizeof(context_pairs) / sizeof(context_pairs[0]); i++) {
        struct str full = str_from(context_pairs[i][0]);
        if (!str_starts(full, name) || full.len <= name.len || full.ptr[name.len] != '.')
            continue;
        *out = str_slice(full, name.len + 1, full.len);
        if (index-- == 0)
            return true;
    }
    return false;
}

static struct str source_variable(const void *arg, struct str name)
{
    (void)arg;
    return find(PAIRS(variable_pairs), name);
}

static bool source_variable_at(const void *arg, size_t index, struct str *out)
{
    (void)arg;
    if (index >= sizeof(variable_pairs) / sizeof(variable_pairs[0]))
        return false;
    *out = str_from(variable_pairs[index][0]);
    return true;
}

static struct str source_parameter(const void *arg, enum velocity_parameter kind, struct str name)
{
    (void)arg;
    return kind == VELOCITY_PATH    ? find(PAIRS(path_pairs), name)
           : kind == VELOCITY_QUERY ? find(PAIRS(query_pairs), name)
                                    : find(PAIRS(header_pairs), name);
}

static bool pair_at(const char *const (*pairs)[2], size_t count, size_t index, struct str *out_name,
                    struct str *out_value)
{
    if (index >= count)
        return false;
    *out_name = str_from(pairs[index][0]);
    *out_value = str_from(pairs[index][1]);
    return true;
}

static bool source_parameter_at(const void *arg, enum velocity_parameter kind, size_t index,
                                struct str *out_name, struct str *out_value)
{
    (void)arg;
    return kind == VELOCITY_PATH    ? pair_at(PAIRS(path_pairs), index, out_name, out_value)
           : kind == VELOCITY_QUERY ? pair_at(PAIRS(query_pairs), index, out_name, out_value)
                                    : pair_at(PAIRS(header_pairs), index, out_name, out_value);
}

static inline struct velocity_source source_of(struct str body)
{
    return (struct velocity_source){
        .body = body,
        .context = source_context,
        .context_at = source_context_at,
        .stage_variable = source_variable,
        .stage_variable_at = source_variable_at,
        .parameter = source_parameter,
        .parameter_at = source_parameter_at,
    };
}

/* What the cases take their values from. */
#define SOURCE_BODY                                                                                \
    "{\"title\":\"Tea\",\"count\":3,\"price\":1.5,\"ok\":true,\"none\":null,\"empty\":\"\","       \
    "\"tags\":[\"a\",\"b\",\"c\"],\"author\":{\"name\":\"Ann\",\"age\":40},"                       \
    "\"notes\":[{\"id\":1,\"text\":\"one\"},{\"id\":2,\"text\":\"two\"},{\"id\":3,\"text\":\"o'"   \
    "k\"}],"                                                                                       \
    "\"item\":{\"Item\":{\"noteId\":{\"S\":\"n1\"}}}}"
