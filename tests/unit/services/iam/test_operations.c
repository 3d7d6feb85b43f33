/* The IAM and STS APIs. */
#include "fixture.h"

#define TRUST                                                                                      \
    "'{\\'Version\\':\\'2012-10-17\\',\\'Statement\\':[{\\'Effect\\':\\'Allow\\',\\'Principal\\'"  \
    ":{\\'Service\\':\\'lambda.amazonaws.com\\'},\\'Action\\':\\'sts:AssumeRole\\'}]}'"
#define TRUST_USER                                                                                 \
    "'{\\'Statement\\':[{\\'Effect\\':\\'Allow\\',\\'Principal\\':{\\'AWS\\':\\'arn:aws:iam::"     \
    "000000000000:user/Alice\\'},\\'Action\\':\\'sts:AssumeRole\\'}]}'"
#define ALLOW(action)                                                                              \
    "'{\\'Version\\':\\'2012-10-17\\',\\'Statement\\':[{\\'Effect\\':\\'Allow\\',\\'Action\\':"    \
    "\\'" action "\\',\\'Resource\\':\\'*\\'}]}'"
#define ROLE_ARN "arn:aws:iam::000000000000:role/App"

static void create_role(struct fixture *f)
{
    call_ok(f, "CreateRole", "{'RoleName':'App','AssumeRolePolicyDocument':" TRUST "}");
}

/* A user Alice and its key. */
static struct principal create_user(struct fixture *f)
{
    call_ok(f, "CreateUser", "{'UserName':'Alice'}");
    yyjson_val *key = json_get(call_ok(f, "CreateAccessKey", "{'UserName':'Alice'}"), "AccessKey");
    struct str secret;
    struct principal principal;
    const struct iam_capability *iam = &f->skylite.iam;
    assert_int_equal(iam->find_key(iam->self, json_get_str(key, "AccessKeyId"), STR_EMPTY,
                                   &f->arena, &secret, &principal, &f->error),
                     OK);
    assert_str(secret, json_get_str(key, "SecretAccessKey"));
    return principal;
}

static enum err authorize(struct fixture *f, const struct principal *principal, const char *action,
                          const char *resource)
{
    struct authorization authorization = {
        .principal = principal,
        .action = str_from(action),
        .resource = str_from(resource),
    };
    return f->skylite.iam.authorize(f->skylite.iam.self, &authorization, &f->error);
}

static enum err assume_for(struct fixture *f, const char *service, struct str source_arn,
                           struct credentials *out)
{
    const struct iam_capability *iam = &f->skylite.iam;
    struct role_assumption asked = {.role_arn = STR(ROLE_ARN),
                                    .service = str_from(service),
                                    .source_arn = source_arn,
                                    .session_name = STR("fn"),
                                    .duration_s = 3600};
    return iam->assume_role_for_service(iam->self, &asked, &f->arena, out, &f->error);
}

static struct principal assume_for_lambda(struct fixture *f)
{
    const struct iam_capability *iam = &f->skylite.iam;
    struct credentials credentials;
    struct str secret;
    struct principal principal;
    assert_int_equal(assume_for(f, "lambda.amazonaws.com", STR_EMPTY, &credentials), OK);
    assert_int_equal(iam->find_key(iam->self, credentials.access_key_id, credentials.session_token,
                                   &f->arena, &secret, &principal, &f->error),
                     OK);
    return principal;
}

/* --- Roles --- */

static void test_roles__are_created_with_ids_and_arns_of_awss_form(void **state)
{
    struct fixture *f = *state;
    yyjson_val *role =
        json_get(call_ok(f, "CreateRole",
                         "{'RoleName':'App','Path':'/x/','AssumeRolePolicyDocument':" TRUST "}"),
                 "Role");
    assert_str(json_get_str(role, "Arn"), STR("arn:aws:iam::000000000000:role/x/App"));
    assert_true(str_starts(json_get_str(role, "RoleId"), STR("AROA")));
    assert_int_equal(json_get_str(role, "RoleId").len, 21);
}

static void test_roles__trust_policy_is_given_back_percent_encoded(void **state)
{
    struct fixture *f = *state;
    create_role(f);
    yyjson_val *role = json_get(call_ok(f, "GetRole", "{'RoleName':'App'}"), "Role");
    assert_true(str_starts(json_get_str(role, "AssumeRolePolicyDocument"),
                           STR("%7B%22Version%22%3A%222012-10-17%22%2C")));
}

static void test_roles__names_are_taken_without_case(void **state)
{
    struct fixture *f = *state;
    create_role(f);
    call_fails(f, "CreateRole", "{'RoleName':'APP','AssumeRolePolicyDocument':" TRUST "}",
               ERR_IAM_ENTITY_ALREADY_EXISTS, "Role with name APP already exists.");
}

static void test_roles__missing_one_is_told_by_name(void **state)
{
    struct fixture *f = *state;
    call_fails(f, "GetRole", "{'RoleName':'Nobody'}", ERR_IAM_NO_SUCH_ENTITY,
               "The role with name Nobody cannot be found.");
}

static void test_roles__name_is_checked_as_the_model_says(void **state)
{
    struct fixture *f = *state;
    call_fails(f, "GetRole", "{'RoleName':'a b'}", ERR_VALIDATION_ERROR,
               "1 validation error detected: Value 'a b' at 'roleName' failed to satisfy "
               "constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]+");
}

static void test_roles__missing_name_is_told(void **state)
{
    struct fixture *f = *state;
    call_fails(f, "GetRole", "{}", ERR_VALIDATION_ERROR,
               "1 validation error detected: Value null at 'roleName' failed to satisfy "
               "constraint: Member must not be null");
}

static void test_roles__trust_policy_with_resource_is_refused(void **state)
{
    struct fixture *f = *state;
    call_fails(f, "CreateRole",
               "{'RoleName':'App','AssumeRolePolicyDocument':'{\\'Statement\\':[{\\'Effect\\':"
               "\\'Allow\\',\\'Principal\\':\\'*\\',\\'Action\\':\\'sts:AssumeRole\\',"
               "\\'Resource\\':\\'*\\'}]}'}",
               ERR_IAM_MALFORMED_POLICY_DOCUMENT, "Has prohibited field Resource");
}

static void test_roles__with_attached_policies_are_not_deleted(void **state)
{
    struct fixture *f = *state;
    create_role(f);
    call_ok(f, "AttachRolePolicy",
            "{'RoleName':'App','PolicyArn':'arn:aws:iam::aws:policy/AmazonDynamoDBFullAccess'}");
    call_fails(f, "DeleteRole", "{'RoleName':'App'}", ERR_IAM_DELETE_CONFLICT,
               "Cannot delete entity, must detach all policies first.");
}

static void test_roles__with_inline_policies_are_not_deleted(void **state)
{
    struct fixture *f = *state;
    create_role(f);
    call_ok(f, "PutRolePolicy",
            "{'RoleName':'App','PolicyName':'p','PolicyDocument':" ALLOW("s3:*") "}");
    call_fails(f, "DeleteRole", "{'RoleName':'App'}", ERR_IAM_DELETE_CONFLICT,
               "Cannot delete entity, must delete policies first.");
}

static void test_roles__are_gone_once_deleted(void **state)
{
    struct fixture *f = *state;
    create_role(f);
    call_ok(f, "DeleteRole", "{'RoleName':'App'}");
    call_fails(f, "GetRole", "{'RoleName':'App'}", ERR_IAM_NO_SUCH_ENTITY,
               "The role with name App cannot be found.");
}

static void test_roles__are_listed_in_pages(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 5; i++)
        call_ok(
            f, "CreateRole",
            arena_printf(&f->arena, "{'RoleName':'r%d','AssumeRolePolicyDocument':%s}", i, TRUST)
                .ptr);
    yyjson_val *first = call_ok(f, "ListRoles", "{'MaxItems':'3'}");
    assert_true(json_get_bool(first, "IsTruncated", false));
    struct str next = arena_printf(&f->arena, "{'MaxItems':'3','Marker':'%.*s'}",
                                   STR_ARG(json_get_str(first, "Marker")));
    yyjson_val *second = call_ok(f, "ListRoles", next.ptr);
    assert_int_equal(yyjson_arr_size(json_get(second, "Roles")), 2);
    assert_false(json_get_bool(second, "IsTruncated", true));
}

/* --- What roles may do --- */

static void test_roles__managed_policy_lets_a_function_use_its_table(void **state)
{
    struct fixture *f = *state;
    create_role(f);
    call_ok(f, "AttachRolePolicy",
            "{'RoleName':'App','PolicyArn':'arn:aws:iam::aws:policy/AmazonDynamoDBFullAccess'}");
    struct principal principal = assume_for_lambda(f);
    assert_int_equal(authorize(f, &principal, "dynamodb:PutItem",
                               "arn:aws:dynamodb:us-east-1:000000000000:table/Notes"),
                     OK);
}

static void test_roles__without_rights_get_awss_message(void **state)
{
    struct fixture *f = *state;
    create_role(f);
    struct principal principal = assume_for_lambda(f);
    assert_int_equal(authorize(f, &principal, "dynamodb:PutItem",
                               "arn:aws:dynamodb:us-east-1:000000000000:table/Notes"),
                     ERR_ACCESS_DENIED_EXCEPTION);
    assert_string_equal(
        f->error.message,
        "User: arn:aws:sts::000000000000:assumed-role/App/fn is not authorized to perform: "
        "dynamodb:PutItem on resource: arn:aws:dynamodb:us-east-1:000000000000:table/Notes "
        "because no identity-based policy allows the dynamodb:PutItem action");
}

static void test_roles__detaching_a_policy_takes_effect_at_once(void **state)
{
    struct fixture *f = *state;
    static const char policy[] =
        "{'RoleName':'App','PolicyArn':'arn:aws:iam::aws:policy/AdministratorAccess'}";
    create_role(f);
    call_ok(f, "AttachRolePolicy", policy);
    struct principal principal = assume_for_lambda(f);
    assert_int_equal(authorize(f, &principal, "s3:GetObject", "arn:aws:s3:::b/k"), OK);
    call_ok(f, "DetachRolePolicy", policy);
    assert_int_equal(authorize(f, &principal, "s3:GetObject", "arn:aws:s3:::b/k"),
                     ERR_ACCESS_DENIED_EXCEPTION);
}

static void test_roles__boundary_narrows_what_policies_allow(void **state)
{
    struct fixture *f = *state;
    create_role(f);
    call_ok(f, "AttachRolePolicy",
            "{'RoleName':'App','PolicyArn':'arn:aws:iam::aws:policy/AdministratorAccess'}");
    call_ok(f, "PutRolePermissionsBoundary",
            "{'RoleName':'App','PermissionsBoundary':'arn:aws:iam::aws:policy/AmazonS3FullAccess'"
            "}");
    struct principal principal = assume_for_lambda(f);
    assert_int_equal(authorize(f, &principal, "iam:CreateUser", "*"), ERR_ACCESS_DENIED_EXCEPTION);
}

static void test_roles__a_new_role_of_the_same_name_is_another_one(void **state)
{
    struct fixture *f = *state;
    const struct iam_capability *iam = &f->skylite.iam;
    struct credentials credentials;
    struct str secret;
    struct principal principal;
    create_role(f);
    assume_for(f, "lambda.amazonaws.com", STR_EMPTY, &credentials);
    call_ok(f, "DeleteRole", "{'RoleName':'App'}");
    create_role(f);
    assert_int_equal(iam->find_key(iam->self, credentials.access_key_id, credentials.session_token,
                                   &f->arena, &secret, &principal, &f->error),
                     ERR_UNRECOGNIZED_CLIENT);
}

static void test_roles__are_not_assumed_by_a_service_that_is_not_trusted(void **state)
{
    struct fixture *f = *state;
    struct credentials credentials;
    create_role(f);
    assert_int_equal(assume_for(f, "apigateway.amazonaws.com", STR_EMPTY, &credentials),
                     ERR_ACCESS_DENIED);
}

/* --- Policies --- */

static void test_policies__own_ones_are_attached_by_arn(void **state)
{
    struct fixture *f = *state;
    create_role(f);
    call_ok(f, "CreatePolicy", "{'PolicyName':'P','PolicyDocument':" ALLOW("sqs:*") "}");
    call_ok(f, "AttachRolePolicy",
            "{'RoleName':'App','PolicyArn':'arn:aws:iam::000000000000:policy/P'}");
    yyjson_val *policy = json_get(
        call_ok(f, "GetPolicy", "{'PolicyArn':'arn:aws:iam::000000000000:policy/P'}"), "Policy");
    int64_t count = 0;
    assert_true(json_get_i64(policy, "AttachmentCount", &count));
    assert_int_equal(count, 1);
}

static void test_policies__attached_ones_are_not_deleted(void **state)
{
    struct fixture *f = *state;
    create_role(f);
    call_ok(f, "CreatePolicy", "{'PolicyName':'P','PolicyDocument':" ALLOW("sqs:*") "}");
    call_ok(f, "AttachRolePolicy",
            "{'RoleName':'App','PolicyArn':'arn:aws:iam::000000000000:policy/P'}");
    call_fails(f, "DeletePolicy", "{'PolicyArn':'arn:aws:iam::000000000000:policy/P'}",
               ERR_IAM_DELETE_CONFLICT, "Cannot delete a policy attached to entities.");
}

static void test_policies__unknown_one_is_not_attachable(void **state)
{
    struct fixture *f = *state;
    create_role(f);
    call_fails(f, "AttachRolePolicy",
               "{'RoleName':'App','PolicyArn':'arn:aws:iam::aws:policy/Nothing'}",
               ERR_IAM_NO_SUCH_ENTITY,
               "Policy arn:aws:iam::aws:policy/Nothing does not exist or is not attachable.");
}

static void test_policies__new_default_version_takes_effect(void **state)
{
    struct fixture *f = *state;
    struct principal principal = create_user(f);
    call_ok(f, "CreatePolicy", "{'PolicyName':'P','PolicyDocument':" ALLOW("sqs:*") "}");
    call_ok(f, "AttachUserPolicy",
            "{'UserName':'Alice','PolicyArn':'arn:aws:iam::000000000000:policy/P'}");
    assert_int_equal(authorize(f, &principal, "sns:Publish", "*"), ERR_ACCESS_DENIED_EXCEPTION);
    call_ok(f, "CreatePolicyVersion",
            "{'PolicyArn':'arn:aws:iam::000000000000:policy/P','SetAsDefault':'true',"
            "'PolicyDocument':" ALLOW("sns:*") "}");
    assert_int_equal(authorize(f, &principal, "sns:Publish", "*"), OK);
}

static void test_policies__built_in_ones_are_all_well_formed(void **state)
{
    struct fixture *f = *state;
    yyjson_val *policies =
        json_get(call_ok(f, "ListPolicies", "{'Scope':'AWS','MaxItems':'1000'}"), "Policies");
    size_t i, max;
    yyjson_val *policy;
    create_role(f);
    yyjson_arr_foreach (policies, i, max, policy) {
        struct str arn = json_get_str(policy, "Arn");
        const char *input =
            arena_printf(&f->arena, "{'RoleName':'App','PolicyArn':'%.*s'}", STR_ARG(arn)).ptr;
        call_ok(f, "AttachRolePolicy", input);
        struct principal principal = assume_for_lambda(f);
        enum err rc = authorize(f, &principal, "x:Y", "*");
        assert_true(rc == OK || rc == ERR_ACCESS_DENIED_EXCEPTION);
        call_ok(f, "DetachRolePolicy", input);
    }
    assert_true(yyjson_arr_size(policies) >= 13);
}

static void test_policies__malformed_one_is_refused(void **state)
{
    struct fixture *f = *state;
    call_fails(f, "CreatePolicy", "{'PolicyName':'P','PolicyDocument':'{'}",
               ERR_IAM_MALFORMED_POLICY_DOCUMENT, "Syntax errors in policy.");
}

/* --- Users --- */

static void test_users__are_held_to_their_policies(void **state)
{
    struct fixture *f = *state;
    struct principal principal = create_user(f);
    call_ok(f, "PutUserPolicy",
            "{'UserName':'Alice','PolicyName':'p','PolicyDocument':" ALLOW("iam:ListRoles") "}");
    assert_int_equal(call_as(f, &principal, "iam", "ListRoles", "{}", NULL), OK);
    assert_int_equal(call_as(f, &principal, "iam", "ListUsers", "{}", NULL),
                     ERR_ACCESS_DENIED_EXCEPTION);
    assert_string_equal(f->error.message,
                        "User: arn:aws:iam::000000000000:user/Alice is not authorized to perform: "
                        "iam:ListUsers on resource: arn:aws:iam::000000000000:user/ because no "
                        "identity-based policy allows the iam:ListUsers action");
}

static void test_users__inactive_key_is_refused(void **state)
{
    struct fixture *f = *state;
    struct principal principal = create_user(f);
    const struct iam_capability *iam = &f->skylite.iam;
    struct str secret;
    struct str input =
        arena_printf(&f->arena, "{'UserName':'Alice','AccessKeyId':'%.*s','Status':'Inactive'}",
                     STR_ARG(principal.access_key_id));
    call_ok(f, "UpdateAccessKey", input.ptr);
    assert_int_equal(iam->find_key(iam->self, principal.access_key_id, STR_EMPTY, &f->arena,
                                   &secret, &principal, &f->error),
                     ERR_UNRECOGNIZED_CLIENT);
}

static void test_users__have_two_keys_at_most(void **state)
{
    struct fixture *f = *state;
    create_user(f);
    call_ok(f, "CreateAccessKey", "{'UserName':'Alice'}");
    call_fails(f, "CreateAccessKey", "{'UserName':'Alice'}", ERR_IAM_LIMIT_EXCEEDED,
               "Cannot exceed quota for AccessKeysPerUser: 2");
}

static void test_users__with_keys_are_not_deleted(void **state)
{
    struct fixture *f = *state;
    create_user(f);
    call_fails(f, "DeleteUser", "{'UserName':'Alice'}", ERR_IAM_DELETE_CONFLICT,
               "Cannot delete entity, must delete access keys first.");
}

static void test_users__deleted_key_is_gone_from_their_list(void **state)
{
    struct fixture *f = *state;
    struct principal principal = create_user(f);
    struct str input = arena_printf(&f->arena, "{'UserName':'Alice','AccessKeyId':'%.*s'}",
                                    STR_ARG(principal.access_key_id));
    call_ok(f, "DeleteAccessKey", input.ptr);
    yyjson_val *list =
        json_get(call_ok(f, "ListAccessKeys", "{'UserName':'Alice'}"), "AccessKeyMetadata");
    assert_int_equal(yyjson_arr_size(list), 0);
}

static void test_users__tags_are_replaced_without_case(void **state)
{
    struct fixture *f = *state;
    call_ok(f, "CreateUser", "{'UserName':'Alice','Tags':[{'Key':'Team','Value':'a'}]}");
    call_ok(f, "TagUser", "{'UserName':'Alice','Tags':[{'Key':'team','Value':'b'}]}");
    yyjson_val *tags = json_get(call_ok(f, "ListUserTags", "{'UserName':'Alice'}"), "Tags");
    assert_int_equal(yyjson_arr_size(tags), 1);
    assert_str(json_get_str(yyjson_arr_get(tags, 0), "Value"), STR("b"));
}

/* --- STS --- */

static struct principal assume(struct fixture *f, const struct principal *principal,
                               const char *input)
{
    const struct iam_capability *iam = &f->skylite.iam;
    struct str output, secret;
    struct principal session;
    if (call_as(f, principal, "sts", "AssumeRole", input, &output))
        fail_msg("AssumeRole: %s", f->error.message);
    yyjson_val *credentials = json_get(json_parse(&f->arena, output), "Credentials");
    assert_int_equal(iam->find_key(iam->self, json_get_str(credentials, "AccessKeyId"),
                                   json_get_str(credentials, "SessionToken"), &f->arena, &secret,
                                   &session, &f->error),
                     OK);
    return session;
}

static void create_role_for_alice(struct fixture *f)
{
    call_ok(f, "CreateRole", "{'RoleName':'App','AssumeRolePolicyDocument':" TRUST_USER "}");
    call_ok(f, "AttachRolePolicy",
            "{'RoleName':'App','PolicyArn':'arn:aws:iam::aws:policy/AdministratorAccess'}");
}

static void test_sts__trusted_user_becomes_the_role(void **state)
{
    struct fixture *f = *state;
    struct principal alice = create_user(f);
    create_role_for_alice(f);
    struct principal session =
        assume(f, &alice, "{'RoleArn':'" ROLE_ARN "','RoleSessionName':'work'}");
    assert_str(session.arn, STR("arn:aws:sts::000000000000:assumed-role/App/work"));
}

static void test_sts__session_policy_narrows_the_session(void **state)
{
    struct fixture *f = *state;
    struct principal alice = create_user(f);
    create_role_for_alice(f);
    struct principal session =
        assume(f, &alice,
               "{'RoleArn':'" ROLE_ARN "','RoleSessionName':'work','Policy':" ALLOW("s3:*") "}");
    assert_int_equal(authorize(f, &session, "s3:GetObject", "arn:aws:s3:::b/k"), OK);
    assert_int_equal(authorize(f, &session, "sqs:SendMessage", "*"), ERR_ACCESS_DENIED_EXCEPTION);
}

static void test_sts__user_that_is_not_trusted_is_refused(void **state)
{
    struct fixture *f = *state;
    struct principal alice = create_user(f);
    create_role(f);
    assert_int_equal(call_as(f, &alice, "sts", "AssumeRole",
                             "{'RoleArn':'" ROLE_ARN "','RoleSessionName':'work'}", NULL),
                     ERR_ACCESS_DENIED);
    assert_string_equal(f->error.message,
                        "User: arn:aws:iam::000000000000:user/Alice is not authorized to perform: "
                        "sts:AssumeRole on resource: " ROLE_ARN);
}

static void test_sts__duration_beyond_the_roles_maximum_is_refused(void **state)
{
    struct fixture *f = *state;
    struct principal alice = create_user(f);
    create_role_for_alice(f);
    assert_int_equal(call_as(f, &alice, "sts", "AssumeRole",
                             "{'RoleArn':'" ROLE_ARN
                             "','RoleSessionName':'work','DurationSeconds':'7200'}",
                             NULL),
                     ERR_VALIDATION_ERROR);
}

static void test_sts__caller_identity_is_the_user(void **state)
{
    struct fixture *f = *state;
    struct principal alice = create_user(f);
    struct str output;
    assert_int_equal(call_as(f, &alice, "sts", "GetCallerIdentity", "{}", &output), OK);
    assert_str(json_get_str(json_parse(&f->arena, output), "Arn"),
               STR("arn:aws:iam::000000000000:user/Alice"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_roles__are_created_with_ids_and_arns_of_awss_form),
        TEST(test_roles__trust_policy_is_given_back_percent_encoded),
        TEST(test_roles__names_are_taken_without_case),
        TEST(test_roles__missing_one_is_told_by_name),
        TEST(test_roles__name_is_checked_as_the_model_says),
        TEST(test_roles__missing_name_is_told),
        TEST(test_roles__trust_policy_with_resource_is_refused),
        TEST(test_roles__with_attached_policies_are_not_deleted),
        TEST(test_roles__with_inline_policies_are_not_deleted),
        TEST(test_roles__are_gone_once_deleted),
        TEST(test_roles__are_listed_in_pages),
        TEST(test_roles__managed_policy_lets_a_function_use_its_table),
        TEST(test_roles__without_rights_get_awss_message),
        TEST(test_roles__detaching_a_policy_takes_effect_at_once),
        TEST(test_roles__boundary_narrows_what_policies_allow),
        TEST(test_roles__a_new_role_of_the_same_name_is_another_one),
        TEST(test_roles__are_not_assumed_by_a_service_that_is_not_trusted),
        TEST(test_policies__own_ones_are_attached_by_arn),
        TEST(test_policies__attached_ones_are_not_deleted),
        TEST(test_policies__unknown_one_is_not_attachable),
        TEST(test_policies__new_default_version_takes_effect),
        TEST(test_policies__built_in_ones_are_all_well_formed),
        TEST(test_policies__malformed_one_is_refused),
        TEST(test_users__are_held_to_their_policies),
        TEST(test_users__inactive_key_is_refused),
        TEST(test_users__have_two_keys_at_most),
        TEST(test_users__with_keys_are_not_deleted),
        TEST(test_users__deleted_key_is_gone_from_their_list),
        TEST(test_users__tags_are_replaced_without_case),
        TEST(test_sts__trusted_user_becomes_the_role),
        TEST(test_sts__session_policy_narrows_the_session),
        TEST(test_sts__user_that_is_not_trusted_is_refused),
        TEST(test_sts__duration_beyond_the_roles_maximum_is_refused),
        TEST(test_sts__caller_identity_is_the_user),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
