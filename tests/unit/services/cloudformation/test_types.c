/* Resource types: which calls make, change and delete a resource. */
#include "services/cloudformation/types.h"

#include "base/buf.h"
#include "template_fixture.h"

static struct cfn_step step_of(struct fixture *f, const char *properties, const char *before)
{
    f->template =
        (struct cfn_template){.arena = &f->arena, .skylite = &f->skylite, .stack_name = STR("s")};
    struct cfn_step step = {
        .arena = &f->arena,
        .doc = json_doc(&f->arena),
        .template = &f->template,
        .logical_id = STR("X"),
        .token = STR("TOKEN"),
        .properties = json_parse(&f->arena, quotes(f, properties)),
        .old_properties = before ? json_parse(&f->arena, quotes(f, before)) : NULL,
        .physical_id = STR("id"),
        .error = &f->error,
    };
    step.attributes = yyjson_mut_obj(step.doc);
    assert_non_null(step.properties);
    return step;
}

/* "Operation {input}" of each call, a line each. */
static struct str text_of(struct fixture *f, const struct cfn_calls *calls)
{
    struct buf out;
    buf_init_arena(&out, &f->arena, 65536);
    for (const struct cfn_call *call = calls->first; call; call = call->next)
        buf_printf(&out, "%s%s %.*s", out.len ? "\n" : "", call->operation,
                   STR_ARG(json_write(&f->arena, call->input)));
    return buf_str(&out);
}

static struct str list(struct fixture *f, cfn_calls_fn give, struct cfn_step *step)
{
    struct cfn_calls calls = {.step = step, .end = &calls.first};
    if (give(step, &calls))
        return str_from(f->error.message);
    return text_of(f, &calls);
}

static void updates(struct fixture *f, const char *type, const char *before, const char *after,
                    const char *expected)
{
    struct cfn_step step = step_of(f, after, before);
    assert_str(list(f, cfn_type_find(str_from(type))->update, &step), quotes(f, expected));
}

static enum cfn_change change(struct fixture *f, const char *type, const char *before,
                              const char *after)
{
    return cfn_plan_change(str_from(type), json_parse(&f->arena, quotes(f, before)), str_from(type),
                           json_parse(&f->arena, quotes(f, after)));
}

static void refuses_properties(struct fixture *f, const char *type, const char *properties,
                               const char *message)
{
    enum err rc = cfn_check_properties(cfn_type_find(str_from(type)),
                                       json_parse(&f->arena, quotes(f, properties)), &f->error);
    assert_int_equal(rc, ERR_VALIDATION_ERROR);
    assert_string_equal(f->error.message, message);
}

/* --- What becomes of a resource --- */

static void test_plan__what_a_change_needs(void **state)
{
    static const struct {
        const char *type, *before, *after;
        enum cfn_change change;
    } cases[] = {
        {"AWS::IAM::Role", "{'RoleName':'a'}", "{'RoleName':'a'}", CFN_KEEP},
        {"AWS::IAM::Role", "{'RoleName':'a'}", "{'RoleName':'b'}", CFN_REPLACE},
        {"AWS::IAM::Role", "{'Description':'a'}", "{}", CFN_UPDATE},
        {"AWS::IAM::ManagedPolicy", "{'PolicyDocument':{'a':1}}", "{'PolicyDocument':{}}",
         CFN_UPDATE},
        {"AWS::ApiGateway::RestApi", "{'BinaryMediaTypes':['a']}", "{}", CFN_UPDATE},
        {"AWS::ApiGateway::RestApi", "{'EndpointConfiguration':{'Types':['EDGE']}}",
         "{'EndpointConfiguration':{'Types':['REGIONAL']}}", CFN_UPDATE},
        {"AWS::ApiGateway::Resource", "{'PathPart':'a'}", "{'PathPart':'b'}", CFN_REPLACE},
        {"AWS::DynamoDB::Table", "{'BillingMode':'PROVISIONED'}",
         "{'BillingMode':'PAY_PER_REQUEST'}", CFN_UPDATE},
        {"AWS::DynamoDB::Table",
         "{'AttributeDefinitions':[{'AttributeName':'a','AttributeType':'S'}]}",
         "{'AttributeDefinitions':[{'AttributeName':'a','AttributeType':'N'}]}", CFN_REPLACE},
        {"AWS::DynamoDB::Table",
         "{'AttributeDefinitions':[{'AttributeName':'a','AttributeType':'S'}]}",
         "{'AttributeDefinitions':[{'AttributeName':'a','AttributeType':'S'},"
         "{'AttributeName':'b','AttributeType':'N'}]}",
         CFN_UPDATE},
        {"AWS::Lambda::Permission", "{'Action':'a'}", "{'Action':'b'}", CFN_REPLACE},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (change(*state, cases[i].type, cases[i].before, cases[i].after) != cases[i].change)
            fail_msg("%s: %s to %s", cases[i].type, cases[i].before, cases[i].after);
    }
}

static void test_plan__another_type_is_another_resource(void **state)
{
    (void)state;
    assert_int_equal(cfn_plan_change(STR("AWS::IAM::Role"), NULL, STR("AWS::IAM::User"), NULL),
                     CFN_REPLACE);
}

/* --- Properties --- */

static void test_properties__are_known_at_every_depth(void **state)
{
    refuses_properties(*state, "AWS::IAM::Role", "{'AssumeRolePolicyDocument':{},'Nothing':1}",
                       "Encountered unsupported property Nothing");
    refuses_properties(*state, "AWS::ApiGateway::Method",
                       "{'RestApiId':'a','ResourceId':'r','HttpMethod':'GET','Integration':{"
                       "'Type':'MOCK','Nothing':1}}",
                       "Encountered unsupported property Nothing");
    refuses_properties(*state, "AWS::ApiGateway::Stage",
                       "{'RestApiId':'a','DeploymentId':'d','MethodSettings':[{'HttpMethod':'*',"
                       "'Throttling':1}]}",
                       "Encountered unsupported property Throttling");
    refuses_properties(*state, "AWS::IAM::Role", "{}",
                       "Property AssumeRolePolicyDocument cannot be empty.");
}

static void test_properties__have_the_types_of_the_api(void **state)
{
    struct fixture *f = *state;
    struct cfn_step step =
        step_of(f,
                "{'KeySchema':[],'ProvisionedThroughput':{'ReadCapacityUnits':'5',"
                "'WriteCapacityUnits':6},'DeletionProtectionEnabled':'true'}",
                NULL);
    assert_str(list(f, cfn_type_find(STR("AWS::DynamoDB::Table"))->create, &step),
               STR("CreateTable {\"KeySchema\":[],\"ProvisionedThroughput\":{"
                   "\"ReadCapacityUnits\":5,\"WriteCapacityUnits\":6},"
                   "\"DeletionProtectionEnabled\":true,\"TableName\":\"s-X-TOKEN\"}"));
}

/* --- Changing --- */

static void test_role__gets_new_policies_before_it_loses_old_ones(void **state)
{
    updates(*state, "AWS::IAM::Role",
            "{'ManagedPolicyArns':['a','b'],'Policies':[{'PolicyName':'p','PolicyDocument':{}},"
            "{'PolicyName':'q','PolicyDocument':{}}]}",
            "{'ManagedPolicyArns':['b','c'],'Policies':[{'PolicyName':'p','PolicyDocument':{}},"
            "{'PolicyName':'r','PolicyDocument':{}}]}",
            "AttachRolePolicy {'RoleName':'id','PolicyArn':'c'}\n"
            "PutRolePolicy {'RoleName':'id','PolicyName':'r','PolicyDocument':'{}'}\n"
            "DetachRolePolicy {'RoleName':'id','PolicyArn':'a'}\n"
            "DeleteRolePolicy {'RoleName':'id','PolicyName':'q'}");
}

static void test_role__loses_what_the_template_leaves_out(void **state)
{
    updates(*state, "AWS::IAM::Role",
            "{'Description':'d','MaxSessionDuration':7200,'PermissionsBoundary':'b',"
            "'Tags':[{'Key':'k','Value':'v'}]}",
            "{}",
            "UpdateRole {'RoleName':'id','Description':'','MaxSessionDuration':'3600'}\n"
            "DeleteRolePermissionsBoundary {'RoleName':'id'}\n"
            "UntagRole {'RoleName':'id','TagKeys':['k']}");
}

static void test_function__loses_what_the_template_leaves_out(void **state)
{
    updates(*state, "AWS::Lambda::Function",
            "{'Description':'d','MemorySize':256,'Environment':{'Variables':{'a':'b'}},"
            "'ReservedConcurrentExecutions':5}",
            "{'Timeout':'9','Environment':{}}",
            "UpdateFunctionConfiguration {'FunctionName':'id','Description':'','MemorySize':128,"
            "'Timeout':9,'Environment':{}}\n"
            "DeleteFunctionConcurrency {'FunctionName':'id'}");
}

static void test_function__code_in_the_template_is_packed(void **state)
{
    struct fixture *f = *state;
    struct cfn_step step =
        step_of(f, "{'Code':{'ZipFile':'x'},'Runtime':'python3.11','Role':'r'}", NULL);
    struct str calls = list(f, cfn_type_find(STR("AWS::Lambda::Function"))->create, &step);
    assert_true(str_find(calls, STR("\"Code\":{\"ZipFile\":\"UEsDBBQ")) > 0);
    step = step_of(f, "{'Code':{'ZipFile':'x'},'Runtime':'provided.al2023','Role':'r'}", NULL);
    assert_str(list(f, cfn_type_find(STR("AWS::Lambda::Function"))->create, &step),
               STR("ZipFile can only be used when Runtime is set to one of nodejs or python"));
}

static void test_stage__loses_what_the_template_leaves_out(void **state)
{
    updates(*state, "AWS::ApiGateway::Stage",
            "{'RestApiId':'a','DeploymentId':'d','Description':'x','Variables':{'v':'1','w':'2'},"
            "'MethodSettings':[{'ResourcePath':'/n/{id}','HttpMethod':'GET',"
            "'ThrottlingRateLimit':5}],'AccessLogSetting':{'DestinationArn':'arn'}}",
            "{'RestApiId':'a','DeploymentId':'e','Variables':{'w':'3'}}",
            "UpdateStage {'restapi_id':'a','stage_name':'id','patchOperations':["
            "{'op':'replace','path':'/deploymentId','value':'e'},"
            "{'op':'replace','path':'/description','value':''},"
            "{'op':'replace','path':'/variables/w','value':'3'},"
            "{'op':'remove','path':'/variables/v'},"
            "{'op':'remove','path':'/accessLogSettings'},"
            "{'op':'remove','path':'/~1n~1{id}/GET'}]}");
}

static void test_rest_api__is_changed_in_place(void **state)
{
    updates(*state, "AWS::ApiGateway::RestApi",
            "{'Name':'a','BinaryMediaTypes':['image/png'],'MinimumCompressionSize':1}",
            "{'Name':'b','BinaryMediaTypes':['*/*'],'EndpointConfiguration':{'Types':["
            "'REGIONAL']}}",
            "UpdateRestApi {'restapi_id':'id','patchOperations':["
            "{'op':'replace','path':'/name','value':'b'},"
            "{'op':'replace','path':'/minimumCompressionSize','value':''},"
            "{'op':'remove','path':'/binaryMediaTypes/image~1png'},"
            "{'op':'add','path':'/binaryMediaTypes/*~1*'},"
            "{'op':'replace','path':'/endpointConfiguration/types/EDGE','value':'REGIONAL'},"
            "{'op':'replace','path':'/endpointConfiguration/ipAddressType','value':'ipv4'}]}");
}

static void test_usage_plan__changes_stages_that_differ(void **state)
{
    updates(*state, "AWS::ApiGateway::UsagePlan",
            "{'ApiStages':[{'ApiId':'a','Stage':'x'},{'ApiId':'a','Stage':'y'}],'Quota':{"
            "'Limit':5}}",
            "{'ApiStages':[{'ApiId':'a','Stage':'x'},{'ApiId':'a','Stage':'y','Throttle':{"
            "'/n/GET':{'RateLimit':2}}}]}",
            "UpdateUsagePlan {'usageplanId':'id','patchOperations':["
            "{'op':'remove','path':'/quota'},"
            "{'op':'remove','path':'/apiStages','value':'a:y'},"
            "{'op':'add','path':'/apiStages','value':'a:y'},"
            "{'op':'replace','path':'/apiStages/a:y/throttle/~1n/GET/rateLimit','value':'2'}]}");
}

static void test_managed_policy__becomes_a_new_version(void **state)
{
    updates(*state, "AWS::IAM::ManagedPolicy", "{'PolicyDocument':{},'Roles':['a']}",
            "{'PolicyDocument':{'b':1},'Roles':['c']}",
            "CreatePolicyVersion {'PolicyArn':'id','PolicyDocument':'{\\'b\\':1}',"
            "'SetAsDefault':true}\n"
            "AttachRolePolicy {'RoleName':'c','PolicyArn':'id'}\n"
            "DetachRolePolicy {'RoleName':'a','PolicyArn':'id'}\n"
            "ListPolicyVersions {'PolicyArn':'id'}");
}

static void test_table__is_changed_in_place(void **state)
{
    updates(*state, "AWS::DynamoDB::Table",
            "{'KeySchema':[],'BillingMode':'PAY_PER_REQUEST','TimeToLiveSpecification':{"
            "'AttributeName':'a','Enabled':true}}",
            "{'KeySchema':[],'ProvisionedThroughput':{'ReadCapacityUnits':'1',"
            "'WriteCapacityUnits':'2'},'TimeToLiveSpecification':{'AttributeName':'b',"
            "'Enabled':true}}",
            "UpdateTable {'TableName':'id','BillingMode':'PROVISIONED','ProvisionedThroughput':{"
            "'ReadCapacityUnits':1,'WriteCapacityUnits':2}}\n"
            "UpdateTimeToLive {'TableName':'id','TimeToLiveSpecification':{'AttributeName':'a',"
            "'Enabled':false}}\n"
            "UpdateTimeToLive {'TableName':'id','TimeToLiveSpecification':{'AttributeName':'b',"
            "'Enabled':true}}");
}

/* --- Deleting --- */

static void test_deployment__takes_its_stage_along_unless_that_moved_on(void **state)
{
    struct fixture *f = *state;
    const struct cfn_type *type = cfn_type_find(STR("AWS::ApiGateway::Deployment"));
    struct cfn_step step = step_of(f, "{'RestApiId':'a','StageName':'p'}", NULL);
    step.found = yyjson_mut_obj(step.doc);
    json_add_str(step.doc, step.found, "deploymentId", STR("other"));
    assert_str(list(f, type->remove, &step),
               quotes(f, "GetStage {'restapi_id':'a','stage_name':'p'}\n"
                         "DeleteDeployment {'restapi_id':'a','deployment_id':'id'}"));
    yyjson_mut_obj_clear(step.found);
    json_add_str(step.doc, step.found, "deploymentId", STR("id"));
    assert_true(str_find(list(f, type->remove, &step), STR("DeleteStage")) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_plan__what_a_change_needs),
        TEST(test_plan__another_type_is_another_resource),
        TEST(test_properties__are_known_at_every_depth),
        TEST(test_properties__have_the_types_of_the_api),
        TEST(test_role__gets_new_policies_before_it_loses_old_ones),
        TEST(test_role__loses_what_the_template_leaves_out),
        TEST(test_function__loses_what_the_template_leaves_out),
        TEST(test_function__code_in_the_template_is_packed),
        TEST(test_stage__loses_what_the_template_leaves_out),
        TEST(test_rest_api__is_changed_in_place),
        TEST(test_usage_plan__changes_stages_that_differ),
        TEST(test_managed_policy__becomes_a_new_version),
        TEST(test_table__is_changed_in_place),
        TEST(test_deployment__takes_its_stage_along_unless_that_moved_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
