/* Policy documents of any bytes, and what they say about a call. The first byte chooses the kind of
 * policy and the caller; up to a NUL follow action and resource, then the document. */
#include "services/iam/evaluate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct principal callers[] = {
    {.kind = PRINCIPAL_ANONYMOUS, .account = STR_INIT("000000000000")},
    {.kind = PRINCIPAL_ROOT,
     .account = STR_INIT("000000000000"),
     .arn = STR_INIT("arn:aws:iam::000000000000:root")},
    {.kind = PRINCIPAL_USER,
     .account = STR_INIT("000000000000"),
     .arn = STR_INIT("arn:aws:iam::000000000000:user/Alice"),
     .name = STR_INIT("Alice"),
     .user_id = STR_INIT("AIDAEXAMPLE")},
    {.kind = PRINCIPAL_ROLE,
     .account = STR_INIT("000000000000"),
     .arn = STR_INIT("arn:aws:sts::000000000000:assumed-role/App/one"),
     .name = STR_INIT("App"),
     .user_id = STR_INIT("AROAEXAMPLE:one")},
    {.kind = PRINCIPAL_SERVICE, .arn = STR_INIT("lambda.amazonaws.com")},
};

static void find_values(const struct authorization *authorization, struct str key,
                        struct condition_values *out)
{
    if (str_eq_nocase(key, STR("aws:SourceIp")))
        condition_values_add(out, STR("203.0.113.7"));
    else if (str_eq_nocase(key, STR("number")))
        condition_values_add(out, STR("12.5"));
    else if (str_eq_nocase(key, STR("date")))
        condition_values_add(out, STR("2020-05-01T12:00:00Z"));
    else if (str_eq_nocase(key, STR("key"))) {
        condition_values_add(out, authorization->action);
        condition_values_add(out, authorization->resource);
    }
}

static void decide(struct policy *policy, const struct principal *caller, struct str action,
                   struct str resource)
{
    struct authorization authorization = {
        .principal = caller,
        .action = action,
        .resource = resource,
        .source_arn = resource,
        .find_values = find_values,
    };
    struct context_tag tag = {STR("team"), STR("blue")};
    struct context context = {
        .authorization = &authorization,
        .principal_arn = STR("arn:aws:iam::000000000000:role/App"),
        .tags = &tag,
        .tag_count = 1,
    };
    struct policy_set policies = {
        .identity = &policy,
        .identity_count = 1,
        .boundary = policy,
        .resource = policy,
        .session = policy,
    };
    struct error error;
    iam_evaluate_error(iam_evaluate(&policies, &context), &authorization, &error);
    iam_context_release(&context);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = str_make((const char *)data, size), action, resource;
    struct policy *policy;
    struct error error;
    if (size < 1)
        return 0;
    unsigned choice = data[0];
    rest = str_slice(rest, 1, rest.len);
    str_cut(&rest, '\0', &action);
    str_cut(&rest, '\0', &resource);
    if (iam_policy_compile(rest, (enum iam_policy_kind)(choice % (POLICY_STORED + 1)), &policy,
                           &error))
        return 0;
    decide(policy, &callers[choice / 8 % (sizeof(callers) / sizeof(callers[0]))], action, resource);
    iam_policy_unref(policy);
    return 0;
}
