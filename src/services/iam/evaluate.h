/* The decision: which policies allow or deny a call
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html).
 * Pure: no I/O, no locks. */
#pragma once

#include "services/iam/policy.h"

/* The policies that bear on one call; NULL or 0 for those that there are not. */
struct policy_set {
    struct policy *const *identity;
    size_t identity_count;
    const struct policy *boundary;
    const struct policy *resource;
    const struct policy *session;
    bool is_trust; /* `resource` is a role's trust policy: who is not let in by it stays out */
};

enum decision {
    DECISION_ALLOW,
    DECISION_DENY_IDENTITY, /* explicit denials */
    DECISION_DENY_RESOURCE,
    DECISION_DENY_BOUNDARY,
    DECISION_DENY_SESSION,
    DECISION_NO_IDENTITY, /* nothing allows it */
    DECISION_NO_RESOURCE,
    DECISION_NO_BOUNDARY,
    DECISION_NO_SESSION,
};

enum decision iam_evaluate(const struct policy_set *policies, struct context *context);

/* Fills `error` with AWS's message for a refusal and returns ERR_ACCESS_DENIED_EXCEPTION; OK for
 * DECISION_ALLOW. */
enum err iam_evaluate_error(enum decision decision, const struct authorization *authorization,
                            struct error *error);
