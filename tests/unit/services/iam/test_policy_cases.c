/* The policy evaluator against the table of cases. */
#include <stdlib.h>

#include "../../check.h"
#include "base/clock.h"
#include "services/iam/evaluate.h"

struct policy_texts {
    const char *identity, *resource, *boundary, *session;
    bool is_trust;
};

struct policy_case {
    int line;
    const char *page;
    const char *who;
    struct policy_texts texts;
    const char *action, *resource, *context;
    enum decision expected;
};

#define IDENTITY(statements) .identity = statements,
#define RESOURCE(statements) .resource = statements,
#define TRUST(statements)    .resource = statements, .is_trust = true,
#define BOUNDARY(statements) .boundary = statements,
#define SESSION(statements)  .session = statements,
#define CASE(page, who, policies, action, resource, context, expected)                             \
    {__LINE__, page, who, {policies}, action, resource, context, DECISION_##expected},

static const struct policy_case cases[] = {
#include "policy_cases.def"
};

/* 2020-05-01T12:00:00Z */
enum { NOON_S = 1588334400 };

static struct str to_document(struct arena *arena, const char *text)
{
    bool is_whole = strncmp(text, "{'Version'", 10) == 0;
    struct str document =
        is_whole ? arena_printf(arena, "%s", text)
                 : arena_printf(arena, "{'Version':'2012-10-17','Statement':[%s]}", text);
    char *bytes = arena_cstr(arena, document);
    /* A quote inside a variable ("${key, 'x'}") stays. */
    for (size_t i = 0, depth = 0; i < document.len; i++) {
        depth += i > 0 && bytes[i] == '{' && bytes[i - 1] == '$';
        depth -= depth > 0 && bytes[i] == '}';
        if (bytes[i] == '\'' && depth == 0)
            bytes[i] = '"';
    }
    return str_make(bytes, document.len);
}

static struct policy *compile(struct arena *arena, const struct policy_case *row, const char *text)
{
    struct policy *policy = NULL;
    struct error error;
    if (!text)
        return NULL;
    enum err rc = iam_policy_compile(to_document(arena, text), POLICY_STORED, &policy, &error);
    if (rc)
        fail_msg("line %d: %s", row->line, error.message);
    return policy;
}

static struct principal to_principal(struct arena *arena, struct str who, struct str *out_arn)
{
    struct principal principal = {.account = STR("111122223333"), .kind = PRINCIPAL_ANONYMOUS};
    struct str kind, rest = who;
    str_cut(&rest, '/', &kind);
    *out_arn = STR_EMPTY;
    if (str_eq(kind, STR("root"))) {
        principal.kind = PRINCIPAL_ROOT;
        principal.arn = STR("arn:aws:iam::111122223333:root");
        principal.user_id = principal.account;
    } else if (str_eq(kind, STR("user"))) {
        principal.kind = PRINCIPAL_USER;
        principal.name = rest;
        principal.arn = arena_printf(arena, "arn:aws:iam::111122223333:user/%.*s", STR_ARG(rest));
        principal.user_id = STR("AIDAEXAMPLE");
    } else if (str_eq(kind, STR("role"))) {
        principal.kind = PRINCIPAL_ROLE;
        principal.arn =
            arena_printf(arena, "arn:aws:sts::111122223333:assumed-role/%.*s", STR_ARG(rest));
        str_cut(&rest, '/', &principal.name);
        principal.user_id = arena_printf(arena, "AROAEXAMPLE:%.*s", STR_ARG(rest));
    } else if (str_eq(kind, STR("service"))) {
        principal.kind = PRINCIPAL_SERVICE;
        principal.account = STR_EMPTY; /* whose account it acts for, the case says */
        principal.arn = rest;
    }
    *out_arn =
        principal.kind == PRINCIPAL_ROLE
            ? arena_printf(arena, "arn:aws:iam::111122223333:role/%.*s", STR_ARG(principal.name))
            : principal.arn;
    return principal;
}

/* "name=value;name=value" */
static void find_values(const struct authorization *authorization, struct str key,
                        struct condition_values *out)
{
    const struct policy_case *row = authorization->find_arg;
    struct str text = str_from(row->context), pair, name;
    while (text.len) {
        str_cut(&text, ';', &pair);
        str_cut(&pair, '=', &name);
        if (str_eq_nocase(name, key))
            condition_values_add(out, pair);
    }
}

static enum decision decide(struct arena *arena, const struct policy_case *row,
                            const struct policy_set *policies)
{
    static const struct context_tag tag = {STR_INIT("team"), STR_INIT("blue")};
    struct str principal_arn;
    struct principal principal = to_principal(arena, str_from(row->who), &principal_arn);
    struct authorization authorization = {
        .principal = &principal,
        .action = str_from(row->action),
        .resource = str_from(row->resource),
        .find_values = find_values,
        .find_arg = row,
    };
    if (strstr(row->context, "aws:ViaAWSService=true"))
        principal.called_via = STR("cloudformation.amazonaws.com");
    struct context context = {
        .authorization = &authorization,
        .principal_arn = principal_arn,
        .tags = &tag,
        .tag_count = principal.kind == PRINCIPAL_USER || principal.kind == PRINCIPAL_ROLE,
    };
    enum decision decision = iam_evaluate(policies, &context);
    iam_context_release(&context);
    return decision;
}

static void check_case(const struct policy_case *row)
{
    struct arena arena = {0};
    struct policy *identity = compile(&arena, row, row->texts.identity);
    struct policy *resource = compile(&arena, row, row->texts.resource);
    struct policy *boundary = compile(&arena, row, row->texts.boundary);
    struct policy *session = compile(&arena, row, row->texts.session);
    struct policy_set policies = {
        .identity = &identity,
        .identity_count = identity != NULL,
        .resource = resource,
        .boundary = boundary,
        .session = session,
        .is_trust = row->texts.is_trust,
    };
    enum decision decision = decide(&arena, row, &policies);
    iam_policy_unref(identity);
    iam_policy_unref(resource);
    iam_policy_unref(boundary);
    iam_policy_unref(session);
    arena_release(&arena);
    if (decision != row->expected)
        fail_msg("policy_cases.def:%d (%s): decision %d, expected %d", row->line, row->page,
                 decision, row->expected);
}

static void test_policy__decides_every_case_as_documented(void **state)
{
    (void)state;
    clock_fake_ms((int64_t)NOON_S * 1000);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check_case(&cases[i]);
    clock_fake_ms(0);
    print_message("%zu policy cases\n", sizeof(cases) / sizeof(cases[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_policy__decides_every_case_as_documented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
