/* AddPermission, GetPolicy, RemovePermission: a function's resource policy. */
#include "base/encode.h"
#include "services/lambda/change.h"
#include "services/lambda/operations.h"
#include "services/lambda/settings.h"
#include "services/lambda/violations.h"

enum { MAX_POLICY_BYTES = 20480 };

/* --- Checking --- */

static bool is_action(struct str action)
{
    if (str_eq(action, STR("*")) || str_eq(action, STR("lambda:*")))
        return true;
    return str_starts(action, STR("lambda:")) &&
           function_is_name(str_slice(action, strlen("lambda:"), action.len));
}

static enum err check(struct request *request)
{
    struct str id = request_str(request, "StatementId"), action = request_str(request, "Action");
    struct str principal = request_str(request, "Principal");
    struct str account = request_str(request, "SourceAccount");
    uint64_t number;
    struct violations violations;
    violations_init(&violations, request->arena);
    if (!id.ptr)
        violations_add(&violations, id, "statementId", "not be null");
    else if (!function_is_name(id) || id.len > 100)
        violations_add(&violations, id, "statementId",
                       "satisfy regular expression pattern: ([a-zA-Z0-9-_]+)");
    if (!action.ptr)
        violations_add(&violations, action, "action", "not be null");
    else if (!is_action(action))
        violations_add(&violations, action, "action",
                       "satisfy regular expression pattern: (lambda:[*]|lambda:[a-zA-Z]+|[*])");
    if (!principal.ptr)
        violations_add(&violations, principal, "principal", "not be null");
    if (account.ptr && (account.len != 12 || !str_to_u64(account, &number)))
        violations_add(&violations, account, "sourceAccount",
                       "satisfy regular expression pattern: \\d{12}");
    enum err rc = violations_check(&violations, &request->error);
    if (rc)
        return rc;
    static const char *const foreign[] = {"EventSourceToken", "PrincipalOrgID",
                                          "FunctionUrlAuthType"};
    for (size_t i = 0; i < sizeof(foreign) / sizeof(*foreign); i++) {
        if (request_str(request, foreign[i]).len)
            return request_fail(request, ERR_LAMBDA_INVALID_PARAMETER_VALUE,
                                "%s is not available on this server.", foreign[i]);
    }
    return OK;
}

/* --- The statement --- */

static enum err add_principal(struct request *request, yyjson_mut_val *statement)
{
    yyjson_mut_doc *doc = request->doc;
    struct str principal = request_str(request, "Principal");
    uint64_t account;
    if (str_eq(principal, STR("*"))) {
        json_add_str(doc, statement, "Principal", principal);
        return OK;
    }
    yyjson_mut_val *object = json_add_obj(doc, statement, "Principal");
    if (principal.len == 12 && str_to_u64(principal, &account))
        json_add_str(doc, object, "AWS",
                     arena_printf(request->arena, "arn:aws:iam::%.*s:root", STR_ARG(principal)));
    else if (str_starts(principal, STR("arn:")))
        json_add_str(doc, object, "AWS", principal);
    else if (str_find(principal, STR(".amazonaws.com")) > 0)
        json_add_str(doc, object, "Service", principal);
    else
        return request_fail(request, ERR_LAMBDA_INVALID_PARAMETER_VALUE,
                            "The provided principal was invalid. Please check the principal and "
                            "try again.");
    return OK;
}

static void add_condition(struct request *request, yyjson_mut_val *statement)
{
    yyjson_mut_doc *doc = request->doc;
    struct str arn = request_str(request, "SourceArn");
    struct str account = request_str(request, "SourceAccount");
    if (!arn.len && !account.len)
        return;
    yyjson_mut_val *condition = json_add_obj(doc, statement, "Condition");
    if (account.len)
        json_add_str(doc, json_add_obj(doc, condition, "StringEquals"), "AWS:SourceAccount",
                     account);
    if (arn.len)
        json_add_str(doc, json_add_obj(doc, condition, "ArnLike"), "AWS:SourceArn", arn);
}

static enum err make_statement(struct request *request, const struct change *change,
                               yyjson_mut_val **out)
{
    yyjson_mut_doc *doc = request->doc;
    yyjson_mut_val *statement = yyjson_mut_obj(doc);
    struct str arn = change->is_alias ? json_mut_get_str(change->document, "AliasArn")
                                      : json_mut_get_str(change->configuration, "FunctionArn");
    json_add_str(doc, statement, "Sid", request_str(request, "StatementId"));
    json_add_str(doc, statement, "Effect", STR("Allow"));
    enum err rc = add_principal(request, statement);
    if (rc)
        return rc;
    json_add_str(doc, statement, "Action", request_str(request, "Action"));
    json_add_str(doc, statement, "Resource", arn);
    add_condition(request, statement);
    *out = statement;
    return OK;
}

/* --- The policy --- */

static yyjson_mut_val *statements_of(const struct change *change)
{
    return yyjson_mut_obj_get(yyjson_mut_obj_get(change->policy, "Policy"), "Statement");
}

static void make_policy(struct request *request, struct change *change)
{
    yyjson_mut_doc *doc = request->doc;
    change->policy = yyjson_mut_obj(doc);
    yyjson_mut_val *policy = json_add_obj(doc, change->policy, "Policy");
    json_add_str(doc, policy, "Version", STR("2012-10-17"));
    json_add_str(doc, policy, "Id", STR("default"));
    json_add_arr(doc, policy, "Statement");
}

/* What has the policy: a function's configuration, or an alias. */
static yyjson_mut_val *owner_of(const struct change *change)
{
    return change->is_alias ? change->document : change->configuration;
}

/* The policy and what has it get the same. */
static void renew_revision(struct request *request, struct change *change)
{
    struct str revision = random_uuid(request->arena);
    settings_put_text(request->doc, owner_of(change), "RevisionId", revision);
    if (change->policy)
        settings_put_text(request->doc, change->policy, "RevisionId", revision);
}

/* The policy's own is good, and so is that of what has it. `source` is who tells the right one. */
static enum err check_revision(struct request *request, const struct change *change,
                               const char *source)
{
    struct str expected = request_str(request, "RevisionId");
    if (!expected.ptr || str_eq(expected, json_mut_get_str(owner_of(change), "RevisionId")) ||
        str_eq(expected, json_mut_get_str(change->policy, "RevisionId")))
        return OK;
    return request_fail(request, ERR_LAMBDA_PRECONDITION_FAILED,
                        "The Revision Id provided does not match the latest Revision Id. Call the "
                        "%s API to retrieve the latest Revision Id",
                        source);
}

static bool is_alias_missing(const struct change *change)
{
    return !change->document && change->is_alias &&
           str_find_byte(change->name.qualifier, '$', 0) < 0;
}

static enum err apply_add(struct request *request, struct change *change)
{
    struct str id = request_str(request, "StatementId");
    yyjson_mut_val *statement, *other;
    size_t index, max;
    if (is_alias_missing(change))
        return lambda_alias_not_found(request, change->name);
    enum err rc = change_must_exist(request, change);
    if (rc == OK)
        rc = check_revision(request, change, "GetPolicy");
    if (rc)
        return rc;
    if (!change->policy)
        make_policy(request, change);
    yyjson_mut_val *statements = statements_of(change);
    yyjson_mut_arr_foreach (statements, index, max, other) {
        if (str_eq(json_mut_get_str(other, "Sid"), id))
            return request_fail(request, ERR_LAMBDA_RESOURCE_CONFLICT,
                                "The statement id (%.*s) provided already exists. Please provide a "
                                "new statement id, or remove the existing statement.",
                                STR_ARG(id));
    }
    rc = make_statement(request, change, &statement);
    if (rc)
        return rc;
    yyjson_mut_arr_append(statements, statement);
    if (json_write(request->arena, yyjson_mut_obj_get(change->policy, "Policy")).len >
        MAX_POLICY_BYTES)
        return request_fail(request, ERR_LAMBDA_POLICY_LENGTH_EXCEEDED,
                            "The final policy size is bigger than the limit (%d).",
                            MAX_POLICY_BYTES);
    renew_revision(request, change);
    return OK;
}

static enum err answer_add(struct request *request)
{
    struct change *change = request->handler_state;
    yyjson_mut_val *statement = yyjson_mut_arr_get_last(statements_of(change));
    json_add_str(request->doc, request_output(request), "Statement",
                 json_write(request->arena, statement));
    return OK;
}

enum err lambda_add_permission(struct request *request)
{
    struct change *change;
    struct str qualifier = request_str(request, "Qualifier");
    enum err rc = check(request);
    if (rc == OK && str_eq(qualifier, STR("$LATEST")))
        rc = request_fail(request, ERR_LAMBDA_INVALID_PARAMETER_VALUE,
                          "We currently do not support adding policies for $LATEST.");
    if (rc == OK)
        rc = change_new_qualified(request, apply_add, qualifier, &change);
    return rc ? rc : change_start(request, change, answer_add);
}

/* --- Removing and reading --- */

static enum err apply_remove(struct request *request, struct change *change)
{
    struct str id = request_str(request, "StatementId");
    struct str arn =
        skylite_arn(request->skylite, request->arena, "lambda",
                    arena_printf(request->arena, "function:%.*s", STR_ARG(change->key)));
    if (is_alias_missing(change))
        return lambda_alias_not_found(request, change->name);
    if (!change->document)
        return request_fail(request, ERR_LAMBDA_RESOURCE_NOT_FOUND, "No policy found for: %.*s",
                            STR_ARG(arn));
    if (!change->policy)
        return request_fail(request, ERR_LAMBDA_RESOURCE_NOT_FOUND,
                            "No policy is associated with the given resource.");
    enum err rc = check_revision(request, change, "GetFunction/GetAlias");
    if (rc)
        return rc;
    yyjson_mut_val *statements = statements_of(change);
    for (size_t i = 0; i < yyjson_mut_arr_size(statements); i++) {
        if (!str_eq(json_mut_get_str(yyjson_mut_arr_get(statements, i), "Sid"), id))
            continue;
        yyjson_mut_arr_remove(statements, i);
        if (!yyjson_mut_arr_size(statements))
            change->policy = NULL;
        renew_revision(request, change);
        return OK;
    }
    return request_fail(request, ERR_LAMBDA_RESOURCE_NOT_FOUND,
                        "Statement %.*s is not found in resource policy.", STR_ARG(id));
}

enum err lambda_remove_permission(struct request *request)
{
    struct change *change;
    enum err rc =
        change_new_qualified(request, apply_remove, request_str(request, "Qualifier"), &change);
    return rc ? rc : change_start(request, change, NULL);
}

enum err lambda_get_policy(struct request *request)
{
    struct function_name name;
    bool is_found = false;
    struct str text = request_str(request, "FunctionName");
    struct str qualifier = request_str(request, "Qualifier");
    enum err rc = lambda_parse_name(text, qualifier, &name, &request->error);
    if (rc)
        return rc;
    struct str key = lambda_policy_key(request->arena, lambda_key(request->arena, name));
    rc = store_get(request->skylite->store, STORE_META, key, request->arena, &is_found, &text,
                   &request->error);
    if (rc == OK && !is_found)
        rc = request_fail(request, ERR_LAMBDA_RESOURCE_NOT_FOUND,
                          "The resource you requested does not exist.");
    if (rc)
        return rc;
    yyjson_val *stored = json_parse(request->arena, text);
    yyjson_mut_val *output = request_output(request);
    json_add_str(request->doc, output, "Policy",
                 json_write_val(request->arena, json_get(stored, "Policy")));
    json_add_str_opt(request->doc, output, "RevisionId", json_get_str(stored, "RevisionId"));
    return OK;
}
