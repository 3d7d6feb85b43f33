/* The request context that policies see: the global condition keys, the principal's own, and what
 * the service adds. One per evaluation, on the stack. */
#pragma once

#include "base/map.h"
#include "core/capabilities.h"

/* A condition key's name, prepared when the policy is compiled. */
enum context_key_kind {
    CONTEXT_REQUEST, /* looked up in authorization->keys */
    CONTEXT_CURRENT_TIME,
    CONTEXT_EPOCH_TIME,
    CONTEXT_USERNAME,
    CONTEXT_USERID,
    CONTEXT_PRINCIPAL_ARN,
    CONTEXT_PRINCIPAL_ACCOUNT,
    CONTEXT_PRINCIPAL_TYPE,
    CONTEXT_PRINCIPAL_IS_SERVICE,
    CONTEXT_PRINCIPAL_SERVICE_NAME,
    CONTEXT_PRINCIPAL_TAG, /* aws:PrincipalTag/NAME */
};

struct context_key {
    enum context_key_kind kind;
    struct str name; /* of CONTEXT_PRINCIPAL_TAG: the tag's */
};

struct context_tag {
    struct str key;
    struct str value;
};

struct context {
    const struct authorization *authorization;
    struct str principal_arn; /* of a role session: the role's */
    const struct context_tag *tags;
    size_t tag_count;
    char scratch[32]; /* the text of a computed value */
};

/* Prepares a key; `name` must stay as long as the key. Names are compared without case. */
struct context_key iam_context_key_make(struct str name);

/* The values of a key, one per call: start with *cursor = 0. False when there are no more. A value
 * is borrowed until the next call for the same context. */
bool iam_context_next(struct context *context, const struct context_key *key, size_t *cursor,
                      struct str *out_value);
