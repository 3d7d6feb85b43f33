/* Looking condition keys up. */
#include "services/iam/context.h"

#include <inttypes.h>
#include <time.h>

#include "base/clock.h"
#include "core/condition_keys.h"

static const struct {
    struct str name;
    enum context_key_kind kind;
} known_keys[] = {
    {STR_INIT("aws:CurrentTime"), CONTEXT_CURRENT_TIME},
    {STR_INIT("aws:EpochTime"), CONTEXT_EPOCH_TIME},
    {STR_INIT("aws:username"), CONTEXT_USERNAME},
    {STR_INIT("aws:userid"), CONTEXT_USERID},
    {STR_INIT("aws:PrincipalArn"), CONTEXT_PRINCIPAL_ARN},
    {STR_INIT("aws:PrincipalAccount"), CONTEXT_PRINCIPAL_ACCOUNT},
    {STR_INIT("aws:PrincipalType"), CONTEXT_PRINCIPAL_TYPE},
    {STR_INIT("aws:PrincipalIsAWSService"), CONTEXT_PRINCIPAL_IS_SERVICE},
    {STR_INIT("aws:PrincipalServiceName"), CONTEXT_PRINCIPAL_SERVICE_NAME},
    {STR_INIT("aws:PrincipalServiceNamesList"), CONTEXT_PRINCIPAL_SERVICE_NAME},
    {STR_INIT("aws:TokenIssueTime"), CONTEXT_TOKEN_ISSUE_TIME},
    {STR_INIT("aws:MultiFactorAuthPresent"), CONTEXT_MFA_PRESENT},
    {STR_INIT("aws:SourceIdentity"), CONTEXT_SOURCE_IDENTITY},
    {STR_INIT("aws:SourceArn"), CONTEXT_SOURCE_ARN},
    {STR_INIT("aws:SourceAccount"), CONTEXT_SOURCE_ACCOUNT},
    {STR_INIT("aws:SourceOwner"), CONTEXT_SOURCE_ACCOUNT},
    {STR_INIT("aws:CalledVia"), CONTEXT_CALLED_VIA},
    {STR_INIT("aws:CalledViaFirst"), CONTEXT_CALLED_VIA},
    {STR_INIT("aws:CalledViaLast"), CONTEXT_CALLED_VIA},
    {STR_INIT("aws:ViaAWSService"), CONTEXT_VIA_SERVICE},
    {STR_INIT("lambda:SourceFunctionArn"), CONTEXT_SOURCE_FUNCTION_ARN},
};

static const struct str tag_prefix = STR_INIT("aws:PrincipalTag/");

struct context_key iam_context_key_make(struct str name)
{
    for (size_t i = 0; i < sizeof(known_keys) / sizeof(known_keys[0]); i++) {
        if (str_eq_nocase(name, known_keys[i].name))
            return (struct context_key){known_keys[i].kind, name};
    }
    if (name.len > tag_prefix.len && str_eq_nocase(str_slice(name, 0, tag_prefix.len), tag_prefix))
        return (struct context_key){CONTEXT_PRINCIPAL_TAG, name};
    return (struct context_key){CONTEXT_REQUEST, name};
}

/* https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#principaltable
 */
static struct str principal_type(enum principal_kind kind)
{
    switch (kind) {
    case PRINCIPAL_ANONYMOUS:
        return STR("Anonymous");
    case PRINCIPAL_ROOT:
        return STR("Account");
    case PRINCIPAL_USER:
        return STR("User");
    case PRINCIPAL_ROLE:
        return STR("AssumedRole");
    case PRINCIPAL_SERVICE:
        return STR("Service");
    }
    return STR_EMPTY;
}

static void add_time(struct condition_values *out, int64_t wall_ms)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm utc;
    char text[32];
    gmtime_r(&seconds, &utc);
    size_t len = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
    condition_values_add(out, arena_str(out->arena, str_make(text, len)));
}

/* A tag of the session goes before one of the role or user. */
static void add_tag(const struct context *context, struct str key, struct condition_values *out)
{
    struct str session_tags = context->authorization->principal->session_tags;
    if (session_tags.len)
        condition_add_tag(out, json_parse(out->arena, session_tags), key);
    for (size_t i = 0; i < context->tag_count && out->count == 0; i++) {
        if (str_eq_nocase(context->tags[i].key, key))
            condition_values_add(out, context->tags[i].value);
    }
}

static struct str source_account(const struct authorization *authorization)
{
    struct str arn = authorization->source_arn, account = STR_EMPTY;
    for (int i = 0; i < 5; i++)
        str_cut(&arn, ':', &account);
    return account.len ? account : authorization->principal->account;
}

static void add_if(struct condition_values *out, bool is_present, struct str value)
{
    if (is_present && value.len)
        condition_values_add(out, value);
}

/* Adds what the caller's identity and the clock tell. */
static void look_up(struct context *context, const struct context_key *key,
                    struct condition_values *out)
{
    const struct authorization *authorization = context->authorization;
    const struct principal *principal = authorization->principal;
    bool is_service = principal->kind == PRINCIPAL_SERVICE;
    switch (key->kind) {
    case CONTEXT_CURRENT_TIME:
        add_time(out, clock_wall_ms());
        return;
    case CONTEXT_EPOCH_TIME:
        condition_add_number(out, clock_wall_ms() / 1000);
        return;
    case CONTEXT_USERNAME:
        add_if(out, principal->kind == PRINCIPAL_USER, principal->name);
        return;
    case CONTEXT_USERID:
        add_if(out, true, principal->user_id);
        return;
    case CONTEXT_PRINCIPAL_ARN:
        add_if(out, !is_service, context->principal_arn);
        return;
    case CONTEXT_PRINCIPAL_ACCOUNT:
        add_if(out, !is_service, principal->account);
        return;
    case CONTEXT_PRINCIPAL_TYPE:
        add_if(out, true, principal_type(principal->kind));
        return;
    case CONTEXT_PRINCIPAL_IS_SERVICE:
        condition_add_bool(out, is_service);
        return;
    case CONTEXT_PRINCIPAL_SERVICE_NAME:
        add_if(out, is_service, principal->arn);
        return;
    case CONTEXT_PRINCIPAL_TAG:
        add_tag(context, str_slice(key->name, tag_prefix.len, key->name.len), out);
        return;
    case CONTEXT_TOKEN_ISSUE_TIME:
        if (principal->issued_ms)
            add_time(out, principal->issued_ms);
        return;
    case CONTEXT_MFA_PRESENT:
        /* Long-term keys have no such key, and nobody here has a device. */
        if (principal->issued_ms)
            condition_add_bool(out, false);
        return;
    case CONTEXT_SOURCE_IDENTITY:
        add_if(out, true, principal->source_identity);
        return;
    case CONTEXT_SOURCE_ARN:
        add_if(out, true, authorization->source_arn);
        return;
    case CONTEXT_SOURCE_ACCOUNT:
        add_if(out, is_service, source_account(authorization));
        return;
    case CONTEXT_CALLED_VIA:
        add_if(out, true, principal->called_via);
        return;
    case CONTEXT_VIA_SERVICE:
        condition_add_bool(out, principal->called_via.len > 0);
        return;
    case CONTEXT_SOURCE_FUNCTION_ARN:
        add_if(out, true, principal->function_arn);
        return;
    case CONTEXT_REQUEST:
        return;
    }
}

const struct condition_values *iam_context_values(struct context *context,
                                                  const struct context_key *key)
{
    for (const struct context_found *found = context->found; found; found = found->next) {
        if (str_eq_nocase(found->name, key->name))
            return &found->values;
    }
    const struct authorization *authorization = context->authorization;
    struct context_found *found = arena_new(&context->arena, struct context_found);
    found->name = key->name;
    found->values.arena = &context->arena;
    look_up(context, key, &found->values);
    if (found->values.count == 0 && authorization->find_values)
        authorization->find_values(authorization, key->name, &found->values);
    found->next = context->found;
    context->found = found;
    return &found->values;
}

void iam_context_release(struct context *context)
{
    arena_release(&context->arena);
}
