/* Mapping templates: Apache's Velocity Template Language (1.7) with API Gateway's $input, $context,
 * $stageVariables and $util. Templates are parsed once and rendered often; both are bounded in
 * steps, depth and output. No I/O.
 * https://velocity.apache.org/engine/1.7/user-guide.html
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"

/* A parsed template. It never changes, and may be rendered by several threads at once. */
struct velocity;

/* Parses `text`, which is copied, into `arena`. ERR_VALIDATION with the line and what is wrong. */
enum err velocity_parse(struct arena *arena, struct str text, struct velocity **out,
                        struct error *error);

/* True when the template renders to the same text for every request, and that text. */
bool velocity_is_static(const struct velocity *velocity, struct str *out);

enum velocity_parameter { VELOCITY_PATH, VELOCITY_QUERY, VELOCITY_HEADER };

/* What a template sees. A NULL pointer as the pointer of a text means that there is no such. */
struct velocity_override;

struct velocity_source {
    const struct velocity_override *overrides; /* of an earlier template, which can be read */
    size_t override_count;
    const void *arg; /* of the functions */
    struct str body;
    /* A variable of $context, such as "identity.sourceIp". */
    struct str (*context)(const void *arg, struct str name);
    /* The names below one ("identity") by their index; false at the end. */
    bool (*context_at)(const void *arg, struct str name, size_t index, struct str *out);
    struct str (*stage_variable)(const void *arg, struct str name);
    bool (*stage_variable_at)(const void *arg, size_t index, struct str *out_name);
    struct str (*parameter)(const void *arg, enum velocity_parameter kind, struct str name);
    bool (*parameter_at)(const void *arg, enum velocity_parameter kind, size_t index,
                         struct str *out_name, struct str *out_value);
};

/* What a template sets under $context.requestOverride and $context.responseOverride. */
enum velocity_override_kind {
    OVERRIDE_REQUEST_HEADER,
    OVERRIDE_REQUEST_QUERY,
    OVERRIDE_REQUEST_PATH,
    OVERRIDE_RESPONSE_HEADER,
    OVERRIDE_RESPONSE_STATUS,
    OVERRIDE_OTHER, /* changes nothing, but can be read again; its name is the whole one */
};

struct velocity_override {
    enum velocity_override_kind kind;
    struct str name;
    struct str value;
};

/* What "requestOverride.header.x" or its like was set to last; false where it was not. */
bool velocity_override_find(const struct velocity_override *overrides, size_t count,
                            struct str name, struct str *out);

struct velocity_result {
    struct str text;
    struct velocity_override *overrides; /* in the order set */
    size_t override_count;
};

/* Renders into `arena`. ERR_VALIDATION when it takes too much, or asks for what cannot be. */
enum err velocity_render(const struct velocity *velocity, const struct velocity_source *source,
                         struct arena *arena, struct velocity_result *out, struct error *error);
