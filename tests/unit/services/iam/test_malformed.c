/* What IAM refuses in policy documents, with its messages. */
#include "services/iam/policy.h"

#include "../../check.h"

struct malformed {
    enum iam_policy_kind kind;
    const char *document; /* ' is " */
    const char *message;  /* NULL: it is fine */
};

#define SYNTAX             "Syntax errors in policy."
#define STATEMENT(members) "{'Version':'2012-10-17','Statement':[{'Effect':'Allow'," members "}]}"
#define TRUST(members)     STATEMENT("'Action':'sts:AssumeRole'," members)

static const struct malformed cases[] = {
    /* Grammar */
    {POLICY_IDENTITY, "", SYNTAX},
    {POLICY_IDENTITY, "[]", SYNTAX},
    {POLICY_IDENTITY, "{}", SYNTAX},
    {POLICY_IDENTITY, "{'Version':'2012-10-17'}", SYNTAX},
    {POLICY_IDENTITY, "{'Version':'2012-10-17','Statement':[]}", SYNTAX},
    {POLICY_IDENTITY, "{'Version':'2012-10-17','Statement':'x'}", SYNTAX},
    {POLICY_IDENTITY, "{'Version':'2020-01-01','Statement':{'Effect':'Allow'}}", SYNTAX},
    {POLICY_IDENTITY, "{'Other':1,'Statement':{'Effect':'Allow'}}", SYNTAX},
    {POLICY_IDENTITY, "{'Statement':[1]}", SYNTAX},
    {POLICY_IDENTITY, "{'Statement':[{'Action':'s3:*','Resource':'*'}]}", SYNTAX},
    {POLICY_IDENTITY, "{'Statement':[{'Effect':'allow','Action':'s3:*','Resource':'*'}]}", SYNTAX},
    {POLICY_IDENTITY, STATEMENT("'Action':'s3:*','Resource':'*','Extra':1"), SYNTAX},
    {POLICY_IDENTITY, STATEMENT("'Action':1,'Resource':'*'"), SYNTAX},
    {POLICY_IDENTITY, STATEMENT("'Action':['s3:*',1],'Resource':'*'"), SYNTAX},
    {POLICY_IDENTITY, STATEMENT("'Action':'s3:*','NotAction':'s3:*','Resource':'*'"), SYNTAX},
    {POLICY_IDENTITY, STATEMENT("'Action':'s3:*','Resource':'*','NotResource':'*'"), SYNTAX},
    {POLICY_IDENTITY, STATEMENT("'Action':'s3:*','Resource':'*','Sid':1"), SYNTAX},
    {POLICY_IDENTITY, STATEMENT("'Action':'s3:*','Resource':'*','Condition':[]"), SYNTAX},
    {POLICY_IDENTITY, STATEMENT("'Action':'s3:*','Resource':'*','Condition':{'Is':{'a':'b'}}"),
     SYNTAX},
    {POLICY_IDENTITY,
     STATEMENT("'Action':'s3:*','Resource':'*','Condition':{'NullIfExists':{'a':'true'}}"), SYNTAX},
    {POLICY_IDENTITY, STATEMENT("'Action':'s3:*','Resource':'*','Condition':{'Bool':{'a':{}}}"),
     SYNTAX},

    /* Fine */
    {POLICY_IDENTITY, STATEMENT("'Action':'s3:*','Resource':'*'"), NULL},
    {POLICY_IDENTITY, "{'Statement':{'Effect':'Deny','NotAction':'*','NotResource':'*'}}", NULL},
    {POLICY_IDENTITY,
     "{'Version':'2008-10-17','Id':'x','Statement':[{'Effect':'Allow','Action':'s3:*',"
     "'Resource':'arn:aws:s3:::b'}]}",
     NULL},
    {POLICY_MANAGED, STATEMENT("'Action':'*','Resource':['arn:aws:s3:::b','arn:aws:sqs']"), NULL},

    /* Versions */
    {POLICY_MANAGED, "{'Statement':[{'Effect':'Allow','Action':'s3:*','Resource':'*'}]}",
     "Policy document must be version 2012-10-17 or greater."},

    /* Actions */
    {POLICY_IDENTITY, STATEMENT("'Resource':'*'"), "Policy statement must contain actions."},
    {POLICY_IDENTITY, STATEMENT("'Action':[],'Resource':'*'"),
     "Policy statement must contain actions."},
    {POLICY_IDENTITY, STATEMENT("'Action':'GetObject','Resource':'*'"),
     "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."},
    {POLICY_IDENTITY, STATEMENT("'Action':'s3:Get:Object','Resource':'*'"),
     "Actions/Condition can contain only one colon."},
    {POLICY_IDENTITY, STATEMENT("'Action':'a b:Get','Resource':'*'"), "Vendor a b is not valid"},

    /* Resources */
    {POLICY_IDENTITY, STATEMENT("'Action':'s3:*'"), "Policy statement must contain resources."},
    {POLICY_IDENTITY, STATEMENT("'Action':'s3:*','Resource':[]"),
     "Policy statement must contain resources."},
    {POLICY_IDENTITY, STATEMENT("'Action':'s3:*','Resource':'bucket'"),
     "Resource bucket must be in ARN format or \"*\"."},
    {POLICY_IDENTITY, STATEMENT("'Action':'s3:*','Resource':'arn:aws:s3:::b','Resource':'x'"),
     SYNTAX},
    {POLICY_IDENTITY, STATEMENT("'Action':'s3:*','Resource':'arn:moon:s3:::b'"),
     "Partition \"moon\" is not valid for resource \"arn:moon:s3:::b\"."},
    {POLICY_IDENTITY, STATEMENT("'Action':'s3:*','Resource':'arn:aws'"),
     "Resource vendor must be fully qualified and cannot contain regexes."},
    {POLICY_IDENTITY, STATEMENT("'Action':'iam:*','Resource':'arn:aws:iam:us-east-1:1:user/a'"),
     "IAM resource arn:aws:iam:us-east-1:1:user/a cannot contain region information."},

    /* The rest of identity policies */
    {POLICY_IDENTITY,
     "{'Statement':[{'Sid':'a','Effect':'Allow','Action':'s3:*','Resource':'*'},"
     "{'Sid':'a','Effect':'Allow','Action':'s3:*','Resource':'*'}]}",
     "Statement IDs (SID) in a single policy must be unique."},
    {POLICY_IDENTITY, STATEMENT("'Action':'s3:*','Resource':'*','Principal':'*'"),
     "Policy document should not specify a principal."},

    /* Trust policies */
    {POLICY_TRUST, "{", "This policy contains invalid Json"},
    {POLICY_TRUST, TRUST("'Principal':{'Service':'lambda.amazonaws.com'}"), NULL},
    {POLICY_TRUST, TRUST("'Principal':{'AWS':['111122223333','arn:aws:iam::111122223333:root']}"),
     NULL},
    {POLICY_TRUST, TRUST("'Principal':'*'"), NULL},
    {POLICY_TRUST, TRUST("'Principal':'arn:aws:iam::111122223333:root'"), SYNTAX},
    {POLICY_TRUST, TRUST("'Principal':{'Nobody':'x'}"), SYNTAX},
    {POLICY_TRUST, TRUST("'Sid':'a'"), "Missing required field Principal"},
    {POLICY_TRUST, TRUST("'Principal':'*','Resource':'*'"), "Has prohibited field Resource"},
    {POLICY_TRUST, TRUST("'Principal':{'AWS':'Alice'}"),
     "Invalid principal in policy: \"AWS\":\"Alice\""},
    {POLICY_TRUST, STATEMENT("'Action':'s3:*','Principal':'*'"),
     "AssumeRole policy may only specify STS AssumeRole actions."},
};

static struct str quoted(struct arena *arena, const char *text)
{
    char *copy = arena_cstr(arena, str_from(text));
    for (char *c = copy; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    return str_from(copy);
}

static void check(const struct malformed *row)
{
    struct arena arena = {0};
    struct policy *policy = NULL;
    struct error error = {0};
    enum err rc = iam_policy_compile(quoted(&arena, row->document), row->kind, &policy, &error);
    arena_release(&arena);
    iam_policy_unref(policy);
    if (!row->message && rc)
        fail_msg("%s: %s", row->document, error.message);
    if (row->message && rc != ERR_IAM_MALFORMED_POLICY_DOCUMENT)
        fail_msg("%s was taken", row->document);
    if (row->message && strcmp(error.message, row->message) != 0)
        fail_msg("%s: got \"%s\", expected \"%s\"", row->document, error.message, row->message);
}

static void test_policy__is_refused_with_awss_message(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check(&cases[i]);
}

static void test_policy__of_deep_json_is_refused(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct policy *policy;
    struct error error;
    char *text = arena_alloc(&arena, 200001);
    memset(text, '[', 200000);
    text[200000] = '\0';
    assert_int_equal(iam_policy_compile(str_from(text), POLICY_IDENTITY, &policy, &error),
                     ERR_IAM_MALFORMED_POLICY_DOCUMENT);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_policy__is_refused_with_awss_message),
        cmocka_unit_test(test_policy__of_deep_json_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
