/* The tables of condition keys of all services against what AWS documents. */
#include "service_fixture.h"

#include "core/condition_keys.h"
#include "services/apigateway/apigateway.h"
#include "services/cloudformation/cloudformation.h"
#include "services/cloudwatch/cloudwatch.h"
#include "services/dynamodb/dynamodb.h"
#include "services/iam/context.h"
#include "services/iam/iam.h"
#include "services/lambda/lambda.h"
#include "services/logs/logs.h"
#include "services/s3/s3.h"

static const struct documented {
    const char *action, *keys;
} documented[] = {
#define ACTION(action, keys) {action, keys},
#include "condition_keys.def"
#undef ACTION
};

enum { DOCUMENTED = sizeof(documented) / sizeof(documented[0]) };

/* https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html */
static const char *const global_keys[] = {
    "aws:AssumedRoot",
    "aws:CalledVia",
    "aws:CalledViaFirst",
    "aws:CalledViaLast",
    "aws:ChatbotSourceArn",
    "aws:CurrentTime",
    "aws:Ec2InstanceSourcePrivateIPv4",
    "aws:Ec2InstanceSourceVpc",
    "aws:EpochTime",
    "aws:FederatedProvider",
    "aws:MultiFactorAuthAge",
    "aws:MultiFactorAuthPresent",
    "aws:PrincipalAccount",
    "aws:PrincipalArn",
    "aws:PrincipalIsAWSService",
    "aws:PrincipalOrgID",
    "aws:PrincipalOrgPaths",
    "aws:PrincipalServiceName",
    "aws:PrincipalServiceNamesList",
    "aws:PrincipalTag/",
    "aws:PrincipalType",
    "aws:referer",
    "aws:RequestedRegion",
    "aws:ResourceAccount",
    "aws:ResourceOrgID",
    "aws:ResourceOrgPaths",
    "aws:SecureTransport",
    "aws:SourceAccount",
    "aws:SourceArn",
    "aws:SourceIdentity",
    "aws:SourceIp",
    "aws:SourceOrgID",
    "aws:SourceOrgPaths",
    "aws:SourceVpc",
    "aws:SourceVpcArn",
    "aws:SourceVpce",
    "aws:TokenIssueTime",
    "aws:UserAgent",
    "aws:userid",
    "aws:username",
    "aws:ViaAWSService",
    "aws:VpceAccount",
    "aws:VpceOrgID",
    "aws:VpceOrgPaths",
    "aws:VpcSourceIp",
    "ec2:RoleDelivery",
    "ec2:SourceInstanceArn",
    "glue:CredentialIssuingService",
    "glue:RoleAssumedBy",
    "identitystore:UserId",
    "lambda:SourceFunctionArn",
    "ssm:SourceInstanceArn",
};

/* Actions of operations that check others instead: PartiQL's and those of items. */
static const char *const undocumented[] = {
    "dynamodb:BatchExecuteStatement", "dynamodb:ExecuteStatement",   "dynamodb:ExecuteTransaction",
    "dynamodb:TransactGetItems",      "dynamodb:TransactWriteItems",
};

/* --- Fixture --- */

static struct launcher *launcher;
static struct {
    struct iam *iam;
    struct cloudwatch *cloudwatch;
    struct logs *logs;
    struct s3 *s3;
    struct dynamodb *dynamodb;
    struct lambda *lambda;
    struct apigateway *apigateway;
    struct cloudformation *cloudformation;
} all;

static void start_services(struct fixture *f)
{
    struct skylite *skylite = &f->skylite;
    assert_int_equal(iam_new(skylite, &all.iam, &f->error), OK);
    assert_int_equal(cloudwatch_new(skylite, &all.cloudwatch, &f->error), OK);
    assert_int_equal(logs_new(skylite, &all.logs, &f->error), OK);
    assert_int_equal(s3_new(skylite, &all.s3, &f->error), OK);
    assert_int_equal(dynamodb_new(skylite, &all.dynamodb, &f->error), OK);
    assert_int_equal(lambda_new(skylite, launcher, &all.lambda, &f->error), OK);
    assert_int_equal(apigateway_new(skylite, &all.apigateway, &f->error), OK);
    assert_int_equal(cloudformation_new(skylite, &all.cloudformation, &f->error), OK);
}

static void stop_services(struct fixture *f)
{
    cloudformation_free(all.cloudformation);
    apigateway_free(all.apigateway);
    lambda_free(all.lambda);
    dynamodb_free(all.dynamodb);
    s3_free(all.s3);
    logs_free(all.logs);
    cloudwatch_free(all.cloudwatch);
    iam_free(all.iam);
    f->skylite.service_count = 0;
}

/* --- Looking up --- */

static const struct documented *find_action(const char *action)
{
    for (size_t i = 0; i < DOCUMENTED; i++) {
        if (strcmp(documented[i].action, action) == 0)
            return &documented[i];
    }
    return NULL;
}

static const struct service *service_of(const struct fixture *f, struct str action)
{
    struct str name;
    str_cut(&action, ':', &name);
    for (size_t i = 0; i < f->skylite.service_count; i++) {
        if (str_eq(str_from(f->skylite.services[i]->name), name))
            return f->skylite.services[i];
    }
    return NULL;
}

/* A key that IAM answers by itself, or one with a row; "aws:RequestTag/" is asked as one of it. */
static bool is_answered(const struct fixture *f, const char *action, const char *key)
{
    char one[128];
    snprintf(one, sizeof(one), "%s%s", key, key[strlen(key) - 1] == '/' ? "team" : "");
    struct str name = str_from(one);
    const struct service *service = service_of(f, str_from(action));
    return iam_context_key_make(name).kind != CONTEXT_REQUEST ||
           condition_key_row(condition_global_keys, condition_global_key_count, str_from(action),
                             name) ||
           (service && condition_key_row(service->condition_keys, service->condition_key_count,
                                         str_from(action), name));
}

/* --- The walks --- */

static void test_condition_keys__all_that_are_documented_have_a_source_or_a_reason(void **state)
{
    struct fixture *f = *state;
    size_t count = 0;
    for (size_t i = 0; i < DOCUMENTED; i++) {
        struct str keys = str_from(documented[i].keys), key;
        while (keys.len) {
            str_cut(&keys, ' ', &key);
            count++;
            if (!is_answered(f, documented[i].action, arena_cstr(&f->arena, key)))
                fail_msg("%s: nothing tells %.*s", documented[i].action, STR_ARG(key));
        }
    }
    print_message("%zu keys of %d actions\n", count, DOCUMENTED);
}

static void test_condition_keys__actions_of_all_operations_are_documented(void **state)
{
    const struct fixture *f = *state;
    for (size_t i = 0; i < f->skylite.service_count; i++) {
        const struct service *service = f->skylite.services[i];
        for (size_t j = 0; j < service->operation_count; j++) {
            const char *action = service->operations[j].iam_action;
            bool is_known = !action || find_action(action);
            for (size_t k = 0; k < sizeof(undocumented) / sizeof(undocumented[0]); k++)
                is_known |= action && strcmp(action, undocumented[k]) == 0;
            if (!is_known)
                fail_msg("%s is not in condition_keys.def", action);
        }
    }
}

static void test_condition_keys__global_ones_have_a_source_or_a_reason(void **state)
{
    const struct fixture *f = *state;
    for (size_t i = 0; i < sizeof(global_keys) / sizeof(global_keys[0]); i++) {
        if (!is_answered(f, "dynamodb:GetItem", global_keys[i]))
            fail_msg("nothing tells %s", global_keys[i]);
    }
}

static void check_row(const struct service *service, const struct condition_key *row)
{
    struct str actions = row->actions ? str_from(row->actions) : STR_EMPTY, one;
    char action[96];
    if (!row->source == !row->absent)
        fail_msg("%s: needs a source or a reason", row->name);
    while (actions.len) {
        str_cut(&actions, ' ', &one);
        snprintf(action, sizeof(action), "%s:%.*s", service->name, STR_ARG(one));
        if (!find_action(action))
            fail_msg("%s: there is no action %s", row->name, action);
    }
}

static void test_condition_keys__rows_name_actions_that_there_are(void **state)
{
    const struct fixture *f = *state;
    for (size_t i = 0; i < f->skylite.service_count; i++) {
        const struct service *service = f->skylite.services[i];
        /* The older name has the rows of the newer one. */
        for (size_t j = 0;
             strcmp(service->name, "dynamodb-20111205") != 0 && j < service->condition_key_count;
             j++)
            check_row(service, &service->condition_keys[j]);
    }
    for (size_t i = 0; i < condition_global_key_count; i++)
        check_row(f->skylite.services[0], &condition_global_keys[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_condition_keys__all_that_are_documented_have_a_source_or_a_reason),
        cmocka_unit_test(test_condition_keys__actions_of_all_operations_are_documented),
        cmocka_unit_test(test_condition_keys__global_ones_have_a_source_or_a_reason),
        cmocka_unit_test(test_condition_keys__rows_name_actions_that_there_are),
    };
    struct error error;
    if (launcher_start(false, &launcher, &error))
        return 1;
    /* All read one server: a launcher is configured once. */
    int failed = cmocka_run_group_tests(tests, setup, teardown);
    launcher_stop(launcher);
    return failed;
}
