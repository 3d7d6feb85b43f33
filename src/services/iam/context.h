/* The request context that policies see: the condition keys that the caller and the clock tell, and
 * those that the call tells. One per evaluation, on the stack. Values are looked up when a
 * statement asks for them, and once. */
#pragma once

#include "base/map.h"
#include "core/capabilities.h"

/* A condition key's name, prepared when the policy is compiled. */
enum context_key_kind {
    CONTEXT_REQUEST, /* asked of authorization->find_values */
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
    CONTEXT_TOKEN_ISSUE_TIME,
    CONTEXT_MFA_PRESENT,
    CONTEXT_SOURCE_IDENTITY,
    CONTEXT_SOURCE_ARN,
    CONTEXT_SOURCE_ACCOUNT,
    CONTEXT_CALLED_VIA, /* only one service calls for another's caller: first and last are it too */
    CONTEXT_VIA_SERVICE,
    CONTEXT_SOURCE_FUNCTION_ARN,
};

struct context_key {
    enum context_key_kind kind;
    struct str name; /* as the policy has it */
};

struct context_tag {
    struct str key;
    struct str value;
};

/* A key that was looked up, in a list. */
struct context_found {
    const struct context_found *next;
    struct str name;
    struct condition_values values;
};

struct context {
    const struct authorization *authorization;
    struct str principal_arn; /* of a role session: the role's */
    const struct context_tag *tags;
    size_t tag_count;
    struct arena arena; /* of all that is looked up */
    const struct context_found *found;
};

/* Prepares a key; `name` must stay as long as the key. Names are compared without case. */
struct context_key iam_context_key_make(struct str name);

/* The values of a key, which stay as long as the context. */
const struct condition_values *iam_context_values(struct context *context,
                                                  const struct context_key *key);

void iam_context_release(struct context *context);
