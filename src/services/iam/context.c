/* Looking condition keys up. */
#include "services/iam/context.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"

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
};

struct context_key iam_context_key_make(struct str name)
{
    static const struct str tag_prefix = STR_INIT("aws:PrincipalTag/");
    for (size_t i = 0; i < sizeof(known_keys) / sizeof(known_keys[0]); i++) {
        if (str_eq_nocase(name, known_keys[i].name))
            return (struct context_key){known_keys[i].kind, name};
    }
    if (name.len > tag_prefix.len && str_eq_nocase(str_slice(name, 0, tag_prefix.len), tag_prefix))
        return (struct context_key){CONTEXT_PRINCIPAL_TAG,
                                    str_slice(name, tag_prefix.len, name.len)};
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

static struct str current_time(struct context *context)
{
    time_t seconds = (time_t)(clock_wall_ms() / 1000);
    struct tm utc;
    gmtime_r(&seconds, &utc);
    size_t len = strftime(context->scratch, sizeof(context->scratch), "%Y-%m-%dT%H:%M:%SZ", &utc);
    return str_make(context->scratch, len);
}

static struct str epoch_time(struct context *context)
{
    int len =
        snprintf(context->scratch, sizeof(context->scratch), "%" PRId64, clock_wall_ms() / 1000);
    return str_make(context->scratch, (size_t)len);
}

static bool tag_value(const struct context *context, struct str key, struct str *out)
{
    for (size_t i = 0; i < context->tag_count; i++) {
        if (str_eq_nocase(context->tags[i].key, key)) {
            *out = context->tags[i].value;
            return true;
        }
    }
    return false;
}

static bool give(struct str value, struct str *out)
{
    if (value.len == 0)
        return false;
    *out = value;
    return true;
}

/* The one value of a key that the principal or the clock answers. */
static bool computed(struct context *context, const struct context_key *key, struct str *out)
{
    const struct principal *principal = context->authorization->principal;
    bool is_service = principal->kind == PRINCIPAL_SERVICE;
    switch (key->kind) {
    case CONTEXT_CURRENT_TIME:
        return give(current_time(context), out);
    case CONTEXT_EPOCH_TIME:
        return give(epoch_time(context), out);
    case CONTEXT_USERNAME:
        return principal->kind == PRINCIPAL_USER && give(principal->name, out);
    case CONTEXT_USERID:
        return give(principal->user_id, out);
    case CONTEXT_PRINCIPAL_ARN:
        return !is_service && give(context->principal_arn, out);
    case CONTEXT_PRINCIPAL_ACCOUNT:
        return !is_service && give(principal->account, out);
    case CONTEXT_PRINCIPAL_TYPE:
        return give(principal_type(principal->kind), out);
    case CONTEXT_PRINCIPAL_IS_SERVICE:
        return give(is_service ? STR("true") : STR("false"), out);
    case CONTEXT_PRINCIPAL_SERVICE_NAME:
        return is_service && give(principal->arn, out);
    case CONTEXT_PRINCIPAL_TAG:
        return tag_value(context, key->name, out);
    case CONTEXT_REQUEST:
        break;
    }
    return false;
}

bool iam_context_next(struct context *context, const struct context_key *key, size_t *cursor,
                      struct str *out_value)
{
    if (key->kind != CONTEXT_REQUEST)
        return (*cursor)++ == 0 && computed(context, key, out_value);

    const struct authorization *authorization = context->authorization;
    while (*cursor < authorization->key_count) {
        const struct condition_key *have = &authorization->keys[(*cursor)++];
        if (str_eq_nocase(have->name, key->name)) {
            *out_value = have->value;
            return true;
        }
    }
    return false;
}
