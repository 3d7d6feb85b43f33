/* Matching statements and weighing what they say. */
#include "services/iam/evaluate.h"

#include <ctype.h>

enum { MAX_ACTION = 256 };

/* What is the same for every statement of an evaluation. */
struct call {
    struct context *context;
    char action_bytes[MAX_ACTION];
    struct str action; /* lower case */
    struct str resource;
    struct arn arn;
    bool is_arn;
};

/* What the statements that match say together. */
struct verdict {
    bool is_denied;
    bool is_allowed;
    enum principal_match allowed_by; /* of a resource-based policy: the closest one */
};

static void call_init(struct call *call, struct context *context)
{
    const struct authorization *authorization = context->authorization;
    size_t len = authorization->action.len < MAX_ACTION ? authorization->action.len : MAX_ACTION;
    for (size_t i = 0; i < len; i++)
        call->action_bytes[i] = (char)tolower((unsigned char)authorization->action.ptr[i]);
    call->context = context;
    call->action = str_make(call->action_bytes, len);
    call->resource = authorization->resource;
    call->is_arn = iam_arn_split(call->resource, &call->arn);
}

/* --- One statement --- */

static bool action_matches(const struct statement *statement, const struct call *call)
{
    bool is_listed = false;
    for (size_t i = 0; i < statement->action_count && !is_listed; i++)
        is_listed = iam_pattern_match(&statement->actions[i], call->action, NULL);
    return is_listed != statement->is_not_action;
}

/* A trust policy has no Resource: it is about the role that it belongs to. */
static bool resource_matches(const struct statement *statement, const struct call *call)
{
    if (!statement->has_resource)
        return true;
    bool is_listed = false;
    for (size_t i = 0; i < statement->resource_count && !is_listed; i++)
        is_listed = iam_arn_pattern_match(&statement->resources[i], call->resource,
                                          call->is_arn ? &call->arn : NULL, call->context);
    return is_listed != statement->is_not_resource;
}

static enum principal_match match_arn(struct str text, const struct context *context)
{
    const struct principal *principal = context->authorization->principal;
    if (str_eq(text, principal->arn))
        return MATCH_DIRECT;
    if (principal->kind == PRINCIPAL_ROLE && str_eq(text, context->principal_arn))
        return MATCH_ROLE;
    return MATCH_NONE;
}

static enum principal_match match_principal(const struct principal_pattern *pattern,
                                            const struct context *context)
{
    const struct principal *principal = context->authorization->principal;
    bool is_service = principal->kind == PRINCIPAL_SERVICE;
    switch (pattern->kind) {
    case WHO_ANYONE:
        return principal->kind == PRINCIPAL_ROLE ? MATCH_ROLE : MATCH_DIRECT;
    case WHO_ACCOUNT:
        if (is_service || !str_eq(pattern->text, principal->account))
            return MATCH_NONE;
        return principal->kind == PRINCIPAL_ROOT ? MATCH_DIRECT : MATCH_ACCOUNT;
    case WHO_ARN:
        return is_service ? MATCH_NONE : match_arn(pattern->text, context);
    case WHO_SERVICE:
        return is_service && str_eq(pattern->text, principal->arn) ? MATCH_DIRECT : MATCH_NONE;
    case WHO_OTHER:
        break;
    }
    return MATCH_NONE;
}

static enum principal_match closest_match(const struct statement *statement,
                                          const struct context *context)
{
    enum principal_match best = MATCH_NONE;
    for (size_t i = 0; i < statement->principal_count; i++) {
        enum principal_match match = match_principal(&statement->principals[i], context);
        best = match > best ? match : best;
    }
    return best;
}

/* A Deny with NotPrincipal spares who is named, and an account's ARN names its root user alone; an
 * Allow with it gives nothing to a whole account that is named. */
static enum principal_match match_all_but(const struct statement *statement,
                                          const struct context *context)
{
    enum principal_match match = closest_match(statement, context);
    bool is_spared = statement->effect == POLICY_DENY ? match > MATCH_ACCOUNT : match > MATCH_NONE;
    if (is_spared)
        return MATCH_NONE;
    return context->authorization->principal->kind == PRINCIPAL_ROLE ? MATCH_ROLE : MATCH_DIRECT;
}

static enum principal_match principal_matches(const struct statement *statement,
                                              const struct context *context)
{
    if (!statement->has_principal)
        return MATCH_DIRECT;
    return statement->is_not_principal ? match_all_but(statement, context)
                                       : closest_match(statement, context);
}

static bool conditions_hold(const struct statement *statement, struct context *context)
{
    for (size_t i = 0; i < statement->condition_count; i++) {
        if (!iam_condition_holds(&statement->conditions[i], context))
            return false;
    }
    return true;
}

/* --- Policies --- */

static void add_policy(struct verdict *verdict, const struct policy *policy, struct call *call)
{
    for (size_t i = 0; i < policy->statement_count; i++) {
        const struct statement *statement = &policy->statements[i];
        if (!action_matches(statement, call) || !resource_matches(statement, call))
            continue;
        enum principal_match match = principal_matches(statement, call->context);
        if (match == MATCH_NONE || !conditions_hold(statement, call->context))
            continue;
        if (statement->effect == POLICY_DENY) {
            verdict->is_denied = true;
            return;
        }
        verdict->is_allowed = true;
        verdict->allowed_by = match > verdict->allowed_by ? match : verdict->allowed_by;
    }
}

static struct verdict judge(const struct policy *policy, struct call *call)
{
    struct verdict verdict = {0};
    if (policy)
        add_policy(&verdict, policy, call);
    return verdict;
}

/* Those who hold no identity policies are allowed by the resource's policy alone. */
static bool needs_resource_policy(enum principal_kind kind)
{
    return kind == PRINCIPAL_SERVICE || kind == PRINCIPAL_ANONYMOUS;
}

enum decision iam_evaluate(const struct policy_set *policies, struct context *context)
{
    enum principal_kind kind = context->authorization->principal->kind;
    struct verdict identity = {0};
    struct call call;
    call_init(&call, context);

    for (size_t i = 0; i < policies->identity_count && !identity.is_denied; i++)
        add_policy(&identity, policies->identity[i], &call);
    if (identity.is_denied)
        return DECISION_DENY_IDENTITY;
    struct verdict resource = judge(policies->resource, &call);
    if (resource.is_denied)
        return DECISION_DENY_RESOURCE;
    struct verdict boundary = judge(policies->boundary, &call);
    if (boundary.is_denied)
        return DECISION_DENY_BOUNDARY;
    struct verdict session = judge(policies->session, &call);
    if (session.is_denied)
        return DECISION_DENY_SESSION;

    if (policies->is_trust && !resource.is_allowed)
        return DECISION_NO_RESOURCE;
    if (kind == PRINCIPAL_ROOT && !policies->session)
        return DECISION_ALLOW;
    if (resource.is_allowed && resource.allowed_by == MATCH_DIRECT)
        return DECISION_ALLOW;
    if (needs_resource_policy(kind))
        return DECISION_NO_RESOURCE;
    bool is_granted = identity.is_allowed || kind == PRINCIPAL_ROOT ||
                      (resource.is_allowed && resource.allowed_by == MATCH_ROLE);
    if (!is_granted)
        return DECISION_NO_IDENTITY;
    if (policies->boundary && !boundary.is_allowed)
        return DECISION_NO_BOUNDARY;
    if (policies->session && !session.is_allowed)
        return DECISION_NO_SESSION;
    return DECISION_ALLOW;
}

/* --- Refusals --- */

static struct str reason(enum decision decision)
{
    switch (decision) {
    case DECISION_DENY_IDENTITY:
        return STR("with an explicit deny in an identity-based policy");
    case DECISION_DENY_RESOURCE:
        return STR("with an explicit deny in a resource-based policy");
    case DECISION_DENY_BOUNDARY:
        return STR("with an explicit deny in a permissions boundary");
    case DECISION_DENY_SESSION:
        return STR("with an explicit deny in a session policy");
    case DECISION_NO_IDENTITY:
        return STR("identity-based policy");
    case DECISION_NO_RESOURCE:
        return STR("resource-based policy");
    case DECISION_NO_BOUNDARY:
        return STR("permissions boundary");
    case DECISION_NO_SESSION:
        return STR("session policy");
    case DECISION_ALLOW:
        break;
    }
    return STR_EMPTY;
}

enum err iam_evaluate_error(enum decision decision, const struct authorization *authorization,
                            struct error *error)
{
    const struct principal *principal = authorization->principal;
    struct str who = principal->kind == PRINCIPAL_ANONYMOUS ? STR("anonymous") : principal->arn;
    struct str why = reason(decision), action = authorization->action;
    if (decision == DECISION_ALLOW)
        return OK;
    if (decision >= DECISION_NO_IDENTITY)
        return error_set(error, ERR_ACCESS_DENIED_EXCEPTION,
                         "User: %.*s is not authorized to perform: %.*s on resource: %.*s because "
                         "no %.*s allows the %.*s action",
                         STR_ARG(who), STR_ARG(action), STR_ARG(authorization->resource),
                         STR_ARG(why), STR_ARG(action));
    return error_set(error, ERR_ACCESS_DENIED_EXCEPTION,
                     "User: %.*s is not authorized to perform: %.*s on resource: %.*s %.*s",
                     STR_ARG(who), STR_ARG(action), STR_ARG(authorization->resource), STR_ARG(why));
}
