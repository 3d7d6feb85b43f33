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

/* Statements of which one element is looked at; the others are fine. */
#define ON(resource)     STATEMENT("'Action':'s3:ListBucket','Resource':" resource)
#define MAY(action)      STATEMENT("'Action':" action ",'Resource':'arn:aws:s3:::b'")
#define IF(condition)    ON("'arn:aws:s3:::b','Condition':" condition)
#define SID(sid)         ON("'arn:aws:s3:::b','Sid':" sid)
#define EFFECT(effect)   "{'Version':'2012-10-17','Statement':{'Effect':'" effect "'," READ "}}"
#define READ             "'Action':'s3:ListBucket','Resource':'arn:aws:s3:::b'"
#define TWO(first, then) "{'Version':'2012-10-17','Statement':[{" first "},{" then "}]}"

#define LEGACY    "The policy failed legacy parsing"
#define VERSION   "Policy document must be version 2012-10-17 or greater."
#define ACTIONS   "Policy statement must contain actions."
#define RESOURCES "Policy statement must contain resources."
#define PREFACE   "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
#define COLONS    "Actions/Condition can contain only one colon."
#define VENDOR    "Resource vendor must be fully qualified and cannot contain regexes."
#define UNIQUE    "Statement IDs (SID) in a single policy must be unique."
#define ALPHA                                                                                      \
    "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular "      \
    "expression [0-9A-Za-z]*"
#define IAM_PATH                                                                                   \
    "IAM resource path must either be \"*\" or start with user/, federated-user/, role/, group/, " \
    "instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, saml-provider/, "            \
    "oidc-provider/, report/, access-report/."
#define NO_ARN(text) "Resource " text " must be in ARN format or \"*\"."
#define PARTITION(partition, whole)                                                                \
    "Partition \"" partition "\" is not valid for resource \"" whole "\"."

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

    /* The grammar comes first: what AWS answered, by moto's tests/test_iam/test_iam_policies.py */
    {POLICY_MANAGED, "no JSON", SYNTAX},
    {POLICY_MANAGED, "{'Version':'2013-10-17','Statement':{'Effect':'Allow'," READ "}}", SYNTAX},
    {POLICY_MANAGED, "{'Version':'2012-10-17'}", SYNTAX},
    {POLICY_MANAGED, "{'Version':'2012-10-17','Statement':[]}", SYNTAX},
    {POLICY_MANAGED, "{'Version':'2012-10-17','Statement':['x']}", SYNTAX},
    {POLICY_MANAGED, "{'Version':'2012-10-17','Statement':{'Effect':'Allow'," READ "},'Note':'x'}",
     SYNTAX},
    {POLICY_MANAGED, "{'Version':'2012-10-17','Id':['x'],'Statement':{'Effect':'Allow'," READ "}}",
     SYNTAX},
    {POLICY_MANAGED, "{'Version':'2012-10-17','Id':{},'Statement':{'Effect':'Allow'," READ "}}",
     SYNTAX},
    {POLICY_MANAGED, "{'Version':'2012-10-17','Statement':{" READ "}}", SYNTAX},
    {POLICY_MANAGED, EFFECT("Perhaps"), SYNTAX},
    {POLICY_MANAGED, ON("'arn:aws:s3:::b','Note':'x'"), SYNTAX},
    {POLICY_MANAGED, ON("{'a':'arn:aws:s3:::b'}"), SYNTAX},
    {POLICY_MANAGED, ON("['x',{}]"), SYNTAX},
    {POLICY_MANAGED, ON("'arn:aws:s3:::b','NotResource':[]"), SYNTAX},
    {POLICY_MANAGED, ON("'arn:aws:s3:::b','NotResource':'*'"), SYNTAX},
    {POLICY_MANAGED, MAY("[[]]"), SYNTAX},
    {POLICY_MANAGED, MAY("{}"), SYNTAX},
    {POLICY_MANAGED, MAY("[],'NotAction':'s3:ListBucket'"), SYNTAX},
    {POLICY_MANAGED, MAY("'iam:GetUser','NotAction':'s3:ListBucket'"), SYNTAX},
    {POLICY_MANAGED, IF("[]"), SYNTAX},
    {POLICY_MANAGED, IF("'x'"), SYNTAX},
    {POLICY_MANAGED, IF("{'x':'y'}"), SYNTAX},
    {POLICY_MANAGED, IF("{'DateGreaterThan':'y'}"), SYNTAX},
    {POLICY_MANAGED, IF("{'DateGreaterThan':[]}"), SYNTAX},
    {POLICY_MANAGED, IF("{'DateGreaterThan':{'x':{}}}"), SYNTAX},
    {POLICY_MANAGED,
     STATEMENT("'Resource':'arn:aws:s3:::b','Condition':{'DateGreaterThan':{'x':{}}}"), SYNTAX},
    {POLICY_MANAGED, IF("{'Like':{'x':'1'}}"), SYNTAX},
    {POLICY_MANAGED, IF("{'ForAnyValue::StringEqualsIfExists':{'x':'y'}}"), SYNTAX},
    {POLICY_MANAGED, IF("[{'ForAllValues:StringEquals':{'aws:TagKeys':'Department'}}]"), SYNTAX},
    {POLICY_MANAGED, SID("{}"), SYNTAX},
    {POLICY_MANAGED, SID("[]"), SYNTAX},

    /* Members that are there twice */
    {POLICY_MANAGED, EFFECT("Allow','Effect':'Deny"), SYNTAX},
    {POLICY_MANAGED, SID("'a','Sid':'b'"), SYNTAX},
    {POLICY_MANAGED, IF("{},'Condition':{}"), SYNTAX},
    {POLICY_MANAGED,
     "{'Version':'2012-10-17','Version':'2008-10-17','Statement':{'Effect':'Allow'," READ "}}",
     SYNTAX},
    {POLICY_MANAGED,
     "{'Version':'2012-10-17','Statement':[],'Statement':{'Effect':'Allow'," READ "}}", SYNTAX},
    {POLICY_TRUST, TRUST("'Principal':{'AWS':'111122223333','AWS':'x'}"), SYNTAX},

    /* Then the version */
    {POLICY_MANAGED, "{'Version':'2008-10-17','Statement':{'Effect':'Allow'," READ "}}", VERSION},
    {POLICY_MANAGED, "{'Statement':{'Effect':'deny'," READ "}}", VERSION},
    {POLICY_MANAGED,
     "{'Statement':{'Effect':'Allow'," READ ",'Condition':{'DateGreaterThan':{'x':'y'}}}}",
     VERSION},
    {POLICY_MANAGED,
     "{'Statement':[{'Sid':'a','Effect':'Allow'," READ "},{'Sid':'a','Effect':'Allow'}]}", VERSION},

    /* Then the older parser: effects, dates, resources */
    {POLICY_MANAGED, EFFECT("denY"), LEGACY},
    {POLICY_IDENTITY, EFFECT("allow"), LEGACY},
    {POLICY_SESSION, EFFECT("ALLOW"), LEGACY},
    {POLICY_MANAGED,
     "{'Version':'2012-10-17','Statement':{'Effect':'allow','Resource':'arn:aws:s3:us-east-1::b'}}",
     LEGACY},
    {POLICY_MANAGED, TWO("'Sid':'a','Effect':'aLLow'," READ, "'Sid':'a','Effect':'Allow'"), LEGACY},
    {POLICY_MANAGED, IF("{'DateGreaterThan':{'x':'soon'}}"), LEGACY},
    {POLICY_MANAGED, IF("{'DateGreaterThanIfExists':{'x':['2020-01-01','soon']}}"), LEGACY},
    {POLICY_MANAGED, IF("{'ForAnyValue:DateEquals':{'x':'soon'}}"), LEGACY},
    {POLICY_MANAGED, STATEMENT("'Condition':{'DateGreaterThan':{'x':'soon'}}"), LEGACY},
    {POLICY_MANAGED, IF("{'DateLessThanEquals':{'x':'234-13'}}"), LEGACY},
    {POLICY_MANAGED, IF("{'DateLessThanEquals':{'x':'2016-12-32'}}"), LEGACY},
    {POLICY_MANAGED, IF("{'DateLessThanEquals':{'x':'2016-12-13-14'}}"), LEGACY},
    {POLICY_MANAGED, IF("{'DateLessThanEquals':{'x':'2016-12-13T24:00'}}"), LEGACY},
    {POLICY_MANAGED, IF("{'DateLessThanEquals':{'x':'2016-12-13T2:60'}}"), LEGACY},
    {POLICY_MANAGED, IF("{'DateLessThanEquals':{'x':'2016-12-13t2:00:00.593194+1'}}"), LEGACY},
    {POLICY_MANAGED, IF("{'DateLessThanEquals':{'x':'2016-12-13t2:00:00.1999999999+10:59'}}"),
     LEGACY},
    {POLICY_MANAGED, IF("{'DateLessThan':{'x':'9223372036854775808'}}"), LEGACY},
    {POLICY_MANAGED, IF("{'DateLessThan':{'x':'${aws:CurrentTime}'}}"), LEGACY},
    {POLICY_MANAGED, IF("{'DateLessThan':{'x':''}}"), LEGACY},
    {POLICY_MANAGED, ON("'arn:moon:s3:::b','Condition':{'DateGreaterThan':{'x':'soon'}}"), LEGACY},
    {POLICY_MANAGED, ON("'arn:aws:s3::b'"), LEGACY},
    {POLICY_MANAGED, ON("['arn:aws:s3:::b','arn:aws:s3::b']"), LEGACY},
    {POLICY_MANAGED, STATEMENT("'Resource':'arn:aws:s3::b'"), LEGACY},
    {POLICY_MANAGED, STATEMENT("'Action':'s3:ListBucket','NotResource':'arn:aws:s3::b'"), LEGACY},
    {POLICY_MANAGED, STATEMENT("'NotAction':'s3:ListBucket','Resource':'arn:aws::::b'"), LEGACY},
    {POLICY_MANAGED, ON("'arn:aws::b'"), LEGACY},

    /* Then ids */
    {POLICY_MANAGED, TWO("'Sid':'a','Effect':'Allow'," READ, "'Sid':'a','Effect':'Allow'"), UNIQUE},
    {POLICY_MANAGED, SID("'a-b'"), ALPHA},
    {POLICY_IDENTITY, SID("'a b'"), ALPHA},
    {POLICY_SESSION, SID("'a_b'"), ALPHA},
    {POLICY_TRUST, TRUST("'Principal':'*','Sid':'a-b'"), ALPHA},

    /* Then whether there are actions */
    {POLICY_MANAGED, STATEMENT("'Resource':'arn:aws:s3:::b'"), ACTIONS},
    {POLICY_MANAGED, "{'Version':'2012-10-17','Statement':{'Effect':'Allow'}}", ACTIONS},
    {POLICY_MANAGED, MAY("[]"), ACTIONS},
    {POLICY_MANAGED, TWO("'Effect':'Deny'", "'Effect':'Allow'," READ), ACTIONS},
    {POLICY_MANAGED, STATEMENT("'Action':'sts:AssumeRole','Principal':{'AWS':'111122223333'}"),
     "Policy document should not specify a principal."},

    /* Then the form of resources */
    {POLICY_MANAGED, ON("'no arn'"), NO_ARN("no arn")},
    {POLICY_MANAGED, ON("['x']"), NO_ARN("x")},
    {POLICY_MANAGED, ON("''"), NO_ARN("")},
    {POLICY_MANAGED, STATEMENT("'Action':'s:3:ListBucket','Resource':'x'"), NO_ARN("x")},
    {POLICY_MANAGED,
     TWO("'Sid':'a','Effect':'Allow','Action':['a:b','a:c'],'Resource':''",
         "'Sid':'b','Effect':'Allow','Action':'a:d','Resource':''"),
     NO_ARN("")},
    {POLICY_MANAGED, ON("'a:bcd'"), PARTITION("bcd", "arn:bcd:*:*:*:*")},
    {POLICY_MANAGED, ON("'a:b:cde'"), PARTITION("b", "arn:b:cde:*:*:*")},
    {POLICY_MANAGED, ON("'a:b:c:d:e:f:g:h'"), PARTITION("b", "arn:b:c:d:e:f:g:h")},
    {POLICY_MANAGED, ON("'aws:s3:::b'"), PARTITION("s3", "arn:s3:::b:*")},
    {POLICY_MANAGED, ON("['arn:moon:s3:::b','arn:moon:s3::b']"),
     PARTITION("moon", "arn:moon:s3:::b")},
    {POLICY_MANAGED, ON("'moon:aws:s3:::b'"), NO_ARN("moon:aws:s3:::b")},
    {POLICY_MANAGED, ON("'arn:aws'"), VENDOR},
    {POLICY_MANAGED, ON("'arn:aws:*:*:*:*b*'"), VENDOR},
    {POLICY_MANAGED, ON("'arn:aws:s?:::b'"), VENDOR},
    {POLICY_MANAGED, ON("'arn:aws:iam:us-east-1::b'"),
     "IAM resource arn:aws:iam:us-east-1::b cannot contain region information."},
    {POLICY_MANAGED, ON("'arn:aws:s3:us-east-1::b'"),
     "Resource arn:aws:s3:us-east-1::b can not contain region information."},
    {POLICY_MANAGED, ON("'arn:aws:iam:::b'"), IAM_PATH},
    {POLICY_MANAGED, ON("'arn:aws:iam::111122223333:root'"), IAM_PATH},

    /* Then actions, and at last whether there are resources */
    {POLICY_MANAGED, MAY("'x'"), PREFACE},
    {POLICY_MANAGED, STATEMENT("'NotAction':'','Resource':'arn:aws:s3:::b'"), PREFACE},
    {POLICY_MANAGED, STATEMENT("'Action':'x'"), PREFACE},
    {POLICY_MANAGED, MAY("'a a:ListBucket'"), "Vendor a a is not valid"},
    {POLICY_MANAGED, MAY("'s3:List:Bucket'"), COLONS},
    {POLICY_MANAGED,
     TWO("'Effect':'Allow','Action':'s3s:x','Resource':'*'",
         "'Effect':'Allow','Action':'s:3s:x','Resource':'*'"),
     COLONS},
    {POLICY_MANAGED, STATEMENT("'Action':'s3:ListBucket'"), RESOURCES},
    {POLICY_MANAGED, ON("[]"), RESOURCES},

    /* What AWS takes */
    {POLICY_MANAGED, ON("['arn:aws:s3:::b','*']"), NULL},
    {POLICY_MANAGED, ON("'arn:aws:iam:::user/b'"), NULL},
    {POLICY_MANAGED, ON("'arn:aws:iam::*:user/${aws:username}'"), NULL},
    {POLICY_MANAGED, ON("'arn:aws:iam::111122223333:*'"), NULL},
    {POLICY_MANAGED, ON("'arn:aws:s33:::b'"), NULL},
    {POLICY_MANAGED, ON("'arn:aws:other'"), NULL},
    {POLICY_MANAGED, ON("'arn:aws:other:us-east-1::b'"), NULL},
    {POLICY_MANAGED, ON("'arn:aws:rds:region:*:*'"), NULL},
    {POLICY_MANAGED,
     ON("['arn:aws:s3:us-west-2:111122223333:accesspoint/a','arn:aws:s3:us-west-2:"
        "111122223333:accesspoint/a/object/*']"),
     NULL},
    {POLICY_MANAGED, MAY("'*'"), NULL},
    {POLICY_MANAGED, MAY("'iam: some words '"), NULL},
    {POLICY_MANAGED, MAY("['fsx:ListBucket','s3-s:ListBucket','s3.s:ListBucket']"), NULL},
    {POLICY_MANAGED, STATEMENT("'NotAction':'s3:ListBucket','NotResource':'*'"), NULL},
    {POLICY_MANAGED, "{'Version':'2012-10-17','Id':'x','Statement':{'Effect':'Deny'," READ "}}",
     NULL},
    {POLICY_MANAGED, TWO("'Sid':'','Effect':'Allow'," READ, "'Sid':'','Effect':'Allow'," READ),
     NULL},
    {POLICY_MANAGED, TWO("'Sid':'a','Effect':'Allow'," READ, "'Effect':'Allow'," READ), NULL},
    {POLICY_MANAGED, IF("{}"), NULL},
    {POLICY_MANAGED, IF("{'x':{},'y':{}}"), NULL},
    {POLICY_MANAGED, IF("{'DateGreaterThan':{}}"), NULL},
    {POLICY_MANAGED, IF("{'DateGreaterThan':{'x':[]}}"), NULL},
    {POLICY_MANAGED, IF("{'DateGreaterThan':{'x':'01T'}}"), NULL},
    {POLICY_MANAGED, IF("{'DateGreaterThan':{'x':1588334400}}"), NULL},
    {POLICY_MANAGED, IF("{'DateLessThan':{'x':'-292275054'}}"), NULL},
    {POLICY_MANAGED, IF("{'DateLessThan':{'x':'9223372036854775807'}}"), NULL},
    {POLICY_MANAGED, IF("{'DateLessThanEquals':{'x':'2019-07-01T13:20:15Z'}}"), NULL},
    {POLICY_MANAGED, IF("{'DateLessThanEquals':{'x':'2016-12-13T21:20:37.593194+00:00'}}"), NULL},
    {POLICY_MANAGED, IF("{'DateLessThanEquals':{'x':'2016-12-13t2:00:00.593194+23'}}"), NULL},
    {POLICY_MANAGED, IF("{'StringEqualsIfExists':{'x':'y'}}"), NULL},
    {POLICY_MANAGED, IF("{'ForAnyValue:StringEqualsIfExists':{'x':'y'}}"), NULL},
    {POLICY_MANAGED, IF("{'BoolIfExists':{'aws:MultiFactorAuthPresent':false}}"), NULL},

    /* Policies of resources: ids and the form of resources are for their service to check */
    {POLICY_RESOURCE, ON("'*','Principal':'*','Sid':'a b'"), NULL},
    {POLICY_RESOURCE, ON("'execute-api:/*','NotPrincipal':{'AWS':'111122223333'}"), NULL},
    {POLICY_RESOURCE, ON("'*'"), "Missing required field Principal"},
    {POLICY_RESOURCE, ON("'*','Principal':{'AWS':'Alice'}"),
     "Invalid principal in policy: \"AWS\":\"Alice\""},
    {POLICY_RESOURCE, ON("'*','Principal':{'Service':'lambda'}"),
     "Invalid principal in policy: \"SERVICE\":\"lambda\""},
    {POLICY_RESOURCE, ON("'*','Principal':'*','Condition':{'DateEquals':{'x':'soon'}}"), LEGACY},
    {POLICY_RESOURCE, STATEMENT("'Action':'s3:*','Principal':'*'"), RESOURCES},
    {POLICY_RESOURCE, STATEMENT("'Resource':'*','Principal':'*'"), ACTIONS},

    /* Trust policies */
    {POLICY_TRUST, "{", "This policy contains invalid Json"},
    {POLICY_TRUST, TRUST("'Principal':{'Service':'lambda.amazonaws.com'}"), NULL},
    {POLICY_TRUST, TRUST("'Principal':{'AWS':['111122223333','arn:aws:iam::111122223333:root']}"),
     NULL},
    {POLICY_TRUST, TRUST("'Principal':'*'"), NULL},
    {POLICY_TRUST, TRUST("'Principal':'arn:aws:iam::111122223333:root'"), SYNTAX},
    {POLICY_TRUST, TRUST("'Principal':{'Nobody':'x'}"), SYNTAX},
    {POLICY_TRUST, TRUST("'Principal':{'Service':'lambda'}"),
     "Invalid principal in policy: \"SERVICE\":\"lambda\""},
    {POLICY_TRUST, TRUST("'Principal':{'AWS':'*'},'Condition':{'DateEquals':{'x':'soon'}}"),
     LEGACY},
    {POLICY_TRUST, STATEMENT("'NotAction':'s3:*','Principal':'*'"),
     "AssumeRole policy may only specify STS AssumeRole actions."},
    {POLICY_TRUST, TRUST("'NotPrincipal':{'AWS':'*'}"),
     "AssumeRole policy must not contain NotPrincipal"},
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
