/* The server ends in the middle of an operation, before any of its writes: after the next start
 * each stack is what it should be, and nothing is there that belongs to none. */
#include "stack_fixture.h"

#define TRUST                                                                                      \
    "{'Version':'2012-10-17','Statement':[{'Effect':'Allow','Principal':{'Service':"               \
    "'lambda.amazonaws.com'},'Action':'sts:AssumeRole'}]}"
#define ALLOW                                                                                      \
    "{'Version':'2012-10-17','Statement':[{'Effect':'Allow','Action':'s3:*','Resource':'*'}]}"

#define TABLE(key, more)                                                                           \
    "'Table':{'Type':'AWS::DynamoDB::Table','Properties':{'BillingMode':'PAY_PER_REQUEST',"        \
    "'AttributeDefinitions':[{'AttributeName':'" key "','AttributeType':'S'}],"                    \
    "'KeySchema':[{'AttributeName':'" key "','KeyType':'HASH'}]}" more "}"
#define ROLE(policies)                                                                             \
    "'Role':{'Type':'AWS::IAM::Role','Properties':{'AssumeRolePolicyDocument':" TRUST              \
    ",'ManagedPolicyArns':['arn:aws:iam::aws:policy/" policies "'],"                               \
    "'Policies':[{'PolicyName':'p','PolicyDocument':" ALLOW "}]}}"
#define GROUP                                                                                      \
    "'Group':{'Type':'AWS::Logs::LogGroup','Properties':{'LogGroupName':'g','RetentionInDays':7}}"
#define API "'Api':{'Type':'AWS::ApiGateway::RestApi','Properties':{'Name':'a'}}"
#define PART(name)                                                                                 \
    "'Part':{'Type':'AWS::ApiGateway::Resource','Properties':{'RestApiId':{'Ref':'Api'},"          \
    "'ParentId':{'Fn::GetAtt':['Api','RootResourceId']},'PathPart':'" name "'}}"
#define PLAN(rate)                                                                                 \
    "'Plan':{'Type':'AWS::ApiGateway::UsagePlan','Properties':{'UsagePlanName':{'Ref':'Table'},"   \
    "'Throttle':{'RateLimit':" rate ",'BurstLimit':5}}}"
#define KEY "'Key':{'Type':'AWS::ApiGateway::ApiKey','Properties':{'Name':'k'}}"
#define BROKEN                                                                                     \
    "'Broken':{'Type':'AWS::ApiGateway::Resource','DependsOn':['Plan','Part','Role'],"             \
    "'Properties':{'RestApiId':{'Ref':'Api'},'ParentId':'none','PathPart':'x'}}"

#define OUTPUTS "'Outputs':{'O':{'Value':{'Ref':'Table'},'Export':{'Name':'e'}}}"
#define BEFORE                                                                                     \
    "{'Resources':{" TABLE("id", "") "," ROLE("AWSLambda_FullAccess") "," GROUP "," API "," PART(  \
        "one") "," PLAN("7") "}," OUTPUTS "}"
/* The table, the part and (by its name) nothing else is replaced; the role and the plan change; the
 * group goes, a key comes. */
#define AFTER_RESOURCES                                                                            \
    TABLE("other", "")                                                                             \
    "," ROLE("AmazonDynamoDBFullAccess") "," API "," PART("two") "," PLAN("9") "," KEY
#define AFTER   "{'Resources':{" AFTER_RESOURCES "}," OUTPUTS "}"
#define FAILING "{'Resources':{" AFTER_RESOURCES "," BROKEN "}}"

static const char *quoted(struct fixture *f, const char *template)
{
    /* A template is text inside the input. */
    char *text = arena_cstr(&f->arena, str_from(template));
    for (char *c = text; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    struct buf out;
    buf_init_arena(&out, &f->arena, 65536);
    buf_add_json(&out, str_from(text));
    buf_add_byte(&out, '\0');
    return buf_str(&out).ptr;
}

/* Calls the operation, then has the power cut before write number `cut` behind it (0: never). */
static void start(struct fixture *f, const char *operation, const char *template, unsigned cut)
{
    struct str input = template ? arena_printf(&f->arena,
                                               "{'StackName':'s','Capabilities':['CAPABILITY_IAM'],"
                                               "'TemplateBody':%s}",
                                               quoted(f, template))
                                : STR("{'StackName':'s'}");
    atomic_store(&power.until_cut, cut ? cut + 1 : 0);
    service_ok(f, "cloudformation", operation, input.ptr);
}

/* The same, where write number `failing` behind it fails. */
static void start_failing(struct fixture *f, const char *operation, const char *template,
                          unsigned failing)
{
    atomic_store(&power.until_fail, failing);
    start(f, operation, template, 0);
}

/* What belongs to the stack "s", which has these numbers of things; root resources count. */
static void check(struct fixture *f, size_t tables, size_t roles, size_t groups, size_t apis,
                  size_t keys, size_t plans)
{
    assert_int_equal(count_of(f, "dynamodb", "ListTables", "{}", "TableNames"), tables);
    assert_int_equal(count_of(f, "iam", "ListRoles", "{}", "Roles"), roles);
    assert_int_equal(count_of(f, "logs", "DescribeLogGroups", "{}", "logGroups"), groups);
    assert_int_equal(count_of(f, "apigateway", "GetRestApis", "{}", "item"), apis);
    assert_int_equal(count_of(f, "apigateway", "GetApiKeys", "{}", "item"), keys);
    assert_int_equal(count_of(f, "apigateway", "GetUsagePlans", "{}", "item"), plans);
    assert_int_equal(keys_under(f, "cloudformation/export/"), tables);
    assert_int_equal(keys_under(f, "cloudformation/journal/"), 0);
    assert_int_equal(keys_under(f, "cloudformation/receipt/"), 0);
}

static yyjson_val *resource(struct fixture *f, const char *logical_id)
{
    struct str input =
        arena_printf(&f->arena, "{'StackName':'s','LogicalResourceId':'%s'}", logical_id);
    return json_get(service_ok(f, "cloudformation", "DescribeStackResource", input.ptr),
                    "StackResourceDetail");
}

static const char *physical(struct fixture *f, const char *logical_id)
{
    return arena_cstr(&f->arena, json_get_str(resource(f, logical_id), "PhysicalResourceId"));
}

/* That the stack's resources are those that there are, with the properties of BEFORE or AFTER. */
static void check_contents(struct fixture *f, const char *rate, const char *path,
                           const char *policy, const char *key)
{
    struct str api = arena_printf(&f->arena, "{'restapi_id':'%s'}", physical(f, "Api"));
    assert_int_equal(count_of(f, "apigateway", "GetResources", api.ptr, "item"), 2);
    struct str part = arena_printf(&f->arena, "{'restapi_id':'%s','resource_id':'%s'}",
                                   physical(f, "Api"), physical(f, "Part"));
    assert_str(json_get_str(service_ok(f, "apigateway", "GetResource", part.ptr), "pathPart"),
               str_from(path));
    struct str plan = arena_printf(&f->arena, "{'usageplanId':'%s'}", physical(f, "Plan"));
    yyjson_val *found = service_ok(f, "apigateway", "GetUsagePlan", plan.ptr);
    assert_str(json_write_val(&f->arena, json_get(json_get(found, "throttle"), "rateLimit")),
               str_from(rate));
    assert_str(json_get_str(found, "name"), str_from(physical(f, "Table")));
    struct str table = arena_printf(&f->arena, "{'TableName':'%s'}", physical(f, "Table"));
    found = json_get(service_ok(f, "dynamodb", "DescribeTable", table.ptr), "Table");
    yyjson_val *schema = yyjson_arr_get_first(json_get(found, "KeySchema"));
    assert_str(json_get_str(schema, "AttributeName"), str_from(key));
    struct str role = arena_printf(&f->arena, "{'RoleName':'%s'}", physical(f, "Role"));
    found =
        json_get(service_ok(f, "iam", "ListAttachedRolePolicies", role.ptr), "AttachedPolicies");
    assert_int_equal(yyjson_arr_size(found), 1);
    assert_str(json_get_str(yyjson_arr_get_first(found), "PolicyName"), str_from(policy));
    assert_int_equal(count_of(f, "iam", "ListRolePolicies", role.ptr, "PolicyNames"), 1);
}

static void check_before(struct fixture *f)
{
    check(f, 1, 1, 1, 1, 0, 1);
    check_contents(f, "7.0", "one", "AWSLambda_FullAccess", "id");
}

static void check_after(struct fixture *f)
{
    check(f, 1, 1, 0, 1, 1, 1);
    check_contents(f, "9.0", "two", "AmazonDynamoDBFullAccess", "other");
}

static void delete_stack(struct fixture *f)
{
    yyjson_val *answer = service_ok(f, "cloudformation", "DescribeStacks", "{'StackName':'s'}");
    yyjson_val *stack = yyjson_arr_get_first(json_get(answer, "Stacks"));
    const char *id = arena_cstr(&f->arena, json_get_str(stack, "StackId"));
    start(f, "DeleteStack", NULL, 0);
    assert_str(wait_for(f, id), STR("DELETE_COMPLETE"));
}

/* True when the power was cut: the server runs again then. */
static bool wait_and_restart(struct fixture *f)
{
    wait_for(f, "s");
    bool was_cut = atomic_load(&power.is_cut);
    atomic_store(&power.until_cut, 0);
    if (was_cut) {
        restart(f);
        wait_for(f, "s");
    }
    return was_cut;
}

static void test_restart__a_creation_goes_on(void **state)
{
    struct fixture *f = *state;
    bool was_cut = true;
    for (unsigned cut = 1; was_cut; cut++) {
        start(f, "CreateStack", BEFORE, cut);
        was_cut = wait_and_restart(f);
        assert_str(status_of(f, "s"), STR("CREATE_COMPLETE"));
        check_before(f);
        delete_stack(f);
        check(f, 0, 0, 0, 0, 0, 0);
    }
}

static void test_restart__a_failed_creation_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    bool was_cut = true;
    for (unsigned cut = 1; was_cut; cut++) {
        start(f, "CreateStack", FAILING, cut);
        was_cut = wait_and_restart(f);
        assert_str(status_of(f, "s"), STR("ROLLBACK_COMPLETE"));
        check(f, 0, 0, 0, 0, 0, 0);
        delete_stack(f);
    }
}

static void test_restart__an_update_goes_on(void **state)
{
    struct fixture *f = *state;
    bool was_cut = true;
    for (unsigned cut = 1; was_cut; cut++) {
        start(f, "CreateStack", BEFORE, 0);
        wait_for(f, "s");
        start(f, "UpdateStack", AFTER, cut);
        was_cut = wait_and_restart(f);
        assert_str(status_of(f, "s"), STR("UPDATE_COMPLETE"));
        check_after(f);
        delete_stack(f);
        check(f, 0, 0, 0, 0, 0, 0);
    }
}

static void test_restart__a_failed_update_is_taken_back(void **state)
{
    struct fixture *f = *state;
    bool was_cut = true;
    start(f, "CreateStack", BEFORE, 0);
    wait_for(f, "s");
    for (unsigned cut = 1; was_cut; cut++) {
        start(f, "UpdateStack", FAILING, cut);
        was_cut = wait_and_restart(f);
        assert_str(status_of(f, "s"), STR("UPDATE_ROLLBACK_COMPLETE"));
        check_before(f);
        yyjson_val *answer = service_ok(f, "cloudformation", "GetTemplate", "{'StackName':'s'}");
        assert_true(str_find(json_get_str(answer, "TemplateBody"), STR("Broken")) < 0);
    }
}

static void test_restart__a_deletion_goes_on(void **state)
{
    struct fixture *f = *state;
    bool was_cut = true;
    for (unsigned cut = 1; was_cut; cut++) {
        start(f, "CreateStack", BEFORE, 0);
        wait_for(f, "s");
        const char *id = arena_cstr(&f->arena, json_get_str(resource(f, "Api"), "StackId"));
        start(f, "DeleteStack", NULL, cut);
        wait_for(f, id);
        was_cut = atomic_load(&power.is_cut);
        atomic_store(&power.until_cut, 0);
        if (was_cut)
            restart(f);
        assert_str(wait_for(f, id), STR("DELETE_COMPLETE"));
        check(f, 0, 0, 0, 0, 0, 0);
    }
}

/* What others made in the meantime under the name that an interrupted step was about to take. */
static void test_restart__what_is_not_the_stacks_is_not_touched(void **state)
{
    struct fixture *f = *state;
    start(f, "CreateStack", "{'Resources':{" GROUP "}}", 2); /* the intent, not the call */
    wait_for(f, "s");
    atomic_store(&power.is_cut, false);
    service_ok(f, "logs", "CreateLogGroup", "{'logGroupName':'g'}");
    restart(f);
    assert_str(wait_for(f, "s"), STR("ROLLBACK_COMPLETE"));
    assert_int_equal(count_of(f, "logs", "DescribeLogGroups", "{}", "logGroups"), 1);
}

static void test_restart__what_cannot_be_stored_fails_the_operation(void **state)
{
    struct fixture *f = *state;
    atomic_store(&power.until_fail, 4);
    start(f, "CreateStack", BEFORE, 0);
    assert_str(wait_for(f, "s"), STR("ROLLBACK_COMPLETE"));
    check(f, 0, 0, 0, 0, 0, 0);
}

/* Each write of an update, in the engine or in another service, fails once. */
static void test_failure__of_any_write_is_recovered_from(void **state)
{
    struct fixture *f = *state;
    bool has_failed = true, was_continued = false;
    start(f, "CreateStack", BEFORE, 0);
    wait_for(f, "s");
    for (unsigned n = 2; has_failed; n++) {
        start_failing(f, "UpdateStack", FAILING, n);
        struct str status = wait_for(f, "s");
        has_failed = atomic_load(&power.until_fail) == 0;
        atomic_store(&power.until_fail, 0);
        if (str_eq(status, STR("UPDATE_ROLLBACK_FAILED"))) {
            was_continued = true;
            start(f, "ContinueUpdateRollback", NULL, 0);
            status = wait_for(f, "s");
        }
        assert_str(status, STR("UPDATE_ROLLBACK_COMPLETE"));
        check_contents(f, "7.0", "one", "AWSLambda_FullAccess", "id");
    }
    assert_true(was_continued);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_restart__a_creation_goes_on),
        TEST(test_restart__a_failed_creation_leaves_nothing),
        TEST(test_restart__an_update_goes_on),
        TEST(test_restart__a_failed_update_is_taken_back),
        TEST(test_restart__a_deletion_goes_on),
        TEST(test_restart__what_is_not_the_stacks_is_not_touched),
        TEST(test_restart__what_cannot_be_stored_fails_the_operation),
        TEST(test_failure__of_any_write_is_recovered_from),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
