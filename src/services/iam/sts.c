/* The STS API: who am I, and temporary credentials. */
#include "base/clock.h"
#include "core/arn.h"
#include "services/iam/operations.h"

enum { DEFAULT_ROLE_S = 3600, DEFAULT_SESSION_S = 43200, MAX_CHAINED_S = 3600 };
enum { MAX_PACKED_POLICY = 16 * 1024, MAX_SESSION_TAGS = 50 };

enum err sts_get_caller_identity(struct request *request)
{
    yyjson_mut_val *output = request_output(request);
    json_add_str(request->doc, output, "UserId", request->principal.user_id);
    json_add_str(request->doc, output, "Account", request->principal.account);
    json_add_str(request->doc, output, "Arn", request->principal.arn);
    return OK;
}

static void add_credentials(struct request *request, const struct credentials *credentials)
{
    yyjson_mut_val *object = json_add_obj(request->doc, request_output(request), "Credentials");
    json_add_str(request->doc, object, "AccessKeyId", credentials->access_key_id);
    json_add_str(request->doc, object, "SecretAccessKey", credentials->secret_access_key);
    json_add_str(request->doc, object, "SessionToken", credentials->session_token);
    iam_add_time(request, object, "Expiration", credentials->expires_ms);
}

/* --- Session policies --- */

/* Adds the statements of a document to the session's policy. */
static void add_statements(struct request *request, yyjson_mut_val *list, struct str document)
{
    yyjson_val *statements = json_get(json_parse(request->arena, document), "Statement");
    size_t i, max;
    yyjson_val *statement;
    if (yyjson_is_obj(statements))
        yyjson_mut_arr_append(list, yyjson_val_mut_copy(request->doc, statements));
    yyjson_arr_foreach (statements, i, max, statement) {
        yyjson_mut_arr_append(list, yyjson_val_mut_copy(request->doc, statement));
    }
}

static enum err add_managed(struct request *request, yyjson_mut_val *list, struct str arn)
{
    struct reader reader = iam_reader_of(request, NULL);
    struct str document;
    enum err rc = iam_managed_document(&reader, arn, &document, &request->error);
    if (rc == OK && !document.ptr)
        rc = request_fail(request, ERR_IAM_MALFORMED_POLICY_DOCUMENT,
                          "Specified managed policy %.*s does not exist", STR_ARG(arn));
    if (rc == OK)
        add_statements(request, list, document);
    return rc;
}

/* The inline policy and the managed ones together, as one document; empty when there are none. */
static enum err session_policy(struct request *request, struct str *out)
{
    struct str text = request_str(request, "Policy");
    yyjson_val *arns = json_get(request->input, "PolicyArns"), *descriptor;
    size_t i, max;
    *out = STR_EMPTY;
    if (!text.ptr && yyjson_arr_size(arns) == 0)
        return OK;
    enum err rc = text.ptr ? iam_check_document(request, "Policy", POLICY_SESSION) : OK;
    yyjson_mut_val *document = yyjson_mut_obj(request->doc);
    json_add_str(request->doc, document, "Version", STR("2012-10-17"));
    yyjson_mut_val *list = json_add_arr(request->doc, document, "Statement");
    if (rc == OK && text.ptr)
        add_statements(request, list, text);
    yyjson_arr_foreach (arns, i, max, descriptor) {
        if (rc == OK)
            rc = add_managed(request, list, json_get_str(descriptor, "arn"));
    }
    *out = json_write(request->arena, document);
    if (rc == OK && out->len > MAX_PACKED_POLICY)
        rc = request_fail(request, ERR_STS_PACKED_POLICY_TOO_LARGE,
                          "Packed policy consumes %zu%% of allotted space, please use smaller "
                          "policy.",
                          out->len * 100 / MAX_PACKED_POLICY);
    return rc;
}

/* --- AssumeRole --- */

static enum err check_duration(struct request *request, yyjson_val *role, int64_t *out_seconds)
{
    int64_t seconds = DEFAULT_ROLE_S, allowed = DEFAULT_ROLE_S;
    json_get_i64(request->input, "DurationSeconds", &seconds);
    json_get_i64(role, "MaxSessionDuration", &allowed);
    if (request->principal.kind == PRINCIPAL_ROLE && seconds > MAX_CHAINED_S)
        return request_fail(request, ERR_VALIDATION_ERROR,
                            "The requested DurationSeconds exceeds the 1 hour session limit for "
                            "roles assumed by role chaining.");
    if (seconds > allowed)
        return request_fail(request, ERR_VALIDATION_ERROR,
                            "The requested DurationSeconds exceeds the MaxSessionDuration set for "
                            "this role.");
    *out_seconds = seconds;
    return OK;
}

static void answer_role(struct request *request, yyjson_val *role, struct session *session)
{
    struct credentials credentials;
    struct str account = request->skylite->config.account;
    iam_session_start(request_self(request, struct iam), request->arena, session, &credentials);
    add_credentials(request, &credentials);
    yyjson_mut_val *user = json_add_obj(request->doc, request_output(request), "AssumedRoleUser");
    json_add_str(request->doc, user, "AssumedRoleId",
                 arena_printf(request->arena, "%.*s:%.*s", STR_ARG(json_get_str(role, "Id")),
                              STR_ARG(session->session_name)));
    json_add_str(request->doc, user, "Arn",
                 arena_printf(request->arena, "arn:aws:sts::%.*s:assumed-role/%.*s/%.*s",
                              STR_ARG(account), STR_ARG(session->name),
                              STR_ARG(session->session_name)));
    if (session->source_identity.len)
        json_add_str(request->doc, request_output(request), "SourceIdentity",
                     session->source_identity);
    size_t packed = session->policy.len + session->tags.len;
    if (packed)
        json_add_i64(request->doc, request_output(request), "PackedPolicySize",
                     (int64_t)(packed * 100 / MAX_PACKED_POLICY));
}

/* A role that is not there is refused like one that may not be assumed. */
static enum err find_role(struct request *request, yyjson_val **out)
{
    struct reader reader = iam_reader_of(request, NULL);
    struct str arn = request_str(request, "RoleArn");
    enum err rc = iam_role_by_arn(&reader, arn, out, &request->error);
    if (rc == ERR_IAM_NO_SUCH_ENTITY)
        rc = request_fail(
            request, ERR_ACCESS_DENIED,
            "User: %.*s is not authorized to perform: sts:AssumeRole on resource: %.*s",
            STR_ARG(request->principal.arn), STR_ARG(arn));
    return rc;
}

static enum err check_role_arn(struct request *request)
{
    struct str text = request_str(request, "RoleArn");
    struct arn_parts arn;
    if (arn_parse(text, &arn) && arn.partition.len && arn.service.len && arn.resource.len)
        return OK;
    return request_fail(request, ERR_VALIDATION_ERROR, "%.*s is invalid", STR_ARG(text));
}

/* Contexts and MFA devices are refused rather than passed over: policies may rely on them. */
static enum err check_unsupported(struct request *request)
{
    if (yyjson_arr_size(json_get(request->input, "ProvidedContexts")))
        return request_fail(request, ERR_VALIDATION_ERROR, "ProvidedContexts is not supported");
    if (json_get(request->input, "SerialNumber") || json_get(request->input, "TokenCode"))
        return request_fail(
            request, ERR_ACCESS_DENIED,
            "MultiFactorAuthentication failed with invalid MFA one time pass code.");
    return OK;
}

/* --- Tags and source identities of sessions --- */

/* The element of a list of tags that has the key; NULL when there is none. */
static yyjson_val *find_tag(yyjson_val *tags, struct str key)
{
    size_t i, max;
    yyjson_val *tag;
    yyjson_arr_foreach (tags, i, max, tag) {
        if (str_eq_nocase(json_get_str(tag, "Key"), key))
            return tag;
    }
    return NULL;
}

static void add_tag(struct request *request, yyjson_mut_val *list, yyjson_val *tag,
                    bool is_transitive)
{
    struct str value = json_get_str(tag, "Value");
    yyjson_mut_val *object = yyjson_mut_arr_add_obj(request->doc, list);
    json_add_str(request->doc, object, "Key", json_get_str(tag, "Key"));
    json_add_str(request->doc, object, "Value", value.ptr ? value : STR_EMPTY);
    if (is_transitive)
        json_add_bool(request->doc, object, "IsTransitive", true);
}

/* Transitive tags of the caller's session stay, and cannot be given anew. */
static enum err inherit_tags(struct request *request, yyjson_val *given, yyjson_mut_val *list)
{
    yyjson_val *before = json_parse(request->arena, request->principal.session_tags), *tag;
    size_t i, max;
    yyjson_arr_foreach (before, i, max, tag) {
        if (!json_get_bool(tag, "IsTransitive", false))
            continue;
        if (find_tag(given, json_get_str(tag, "Key")))
            return request_fail(request, ERR_STS_INVALID_PARAMETER_VALUE,
                                "One of the specified transitive tag keys can't be set because it "
                                "conflicts with a transitive tag key from the calling session.");
        add_tag(request, list, tag, true);
    }
    return OK;
}

static enum err check_unique(struct request *request, yyjson_val *tags)
{
    size_t i, max;
    yyjson_val *tag;
    yyjson_arr_foreach (tags, i, max, tag) {
        if (find_tag(tags, json_get_str(tag, "Key")) != tag)
            return request_fail(request, ERR_STS_INVALID_PARAMETER_VALUE,
                                "Duplicate tag keys found. Please note that Tag keys are case "
                                "insensitive.");
    }
    return OK;
}

static bool is_listed(yyjson_val *keys, struct str key)
{
    size_t i, max;
    yyjson_val *item;
    yyjson_arr_foreach (keys, i, max, item) {
        if (str_eq_nocase(json_str(item), key))
            return true;
    }
    return false;
}

/* The session's tags as JSON; empty when it has none. */
static enum err session_tags(struct request *request, struct str *out)
{
    yyjson_val *given = json_get(request->input, "Tags"), *item;
    yyjson_val *transitive = json_get(request->input, "TransitiveTagKeys");
    yyjson_mut_val *list = yyjson_mut_arr(request->doc);
    size_t i, max;
    enum err rc = check_unique(request, given);
    if (rc == OK)
        rc = iam_check_tags(request, given);
    if (rc == OK && yyjson_arr_size(given) > MAX_SESSION_TAGS)
        rc = request_fail(request, ERR_VALIDATION_ERROR,
                          "1 validation error detected: Value at 'tags' failed to satisfy "
                          "constraint: Member must have length less than or equal to %d",
                          MAX_SESSION_TAGS);
    yyjson_arr_foreach (transitive, i, max, item) {
        if (rc == OK && !find_tag(given, json_str(item)))
            rc = request_fail(request, ERR_STS_INVALID_PARAMETER_VALUE,
                              "The specified transitive tag key must be included in the requested "
                              "tags.");
    }
    if (rc == OK)
        rc = inherit_tags(request, given, list);
    yyjson_arr_foreach (given, i, max, item) {
        add_tag(request, list, item, is_listed(transitive, json_get_str(item, "Key")));
    }
    *out = yyjson_mut_arr_size(list) ? json_write(request->arena, list) : STR_EMPTY;
    return rc;
}

/* It stays through a chain of roles. */
static enum err source_identity(struct request *request, struct str *out)
{
    struct str given = request_str(request, "SourceIdentity");
    struct str before = request->principal.source_identity;
    if (given.ptr && before.len && !str_eq(given, before))
        return request_fail(request, ERR_VALIDATION_ERROR,
                            "The source identity of the calling session cannot be changed.");
    *out = given.ptr ? given : before.len ? before : STR_EMPTY;
    return OK;
}

/* --- Who may assume --- */

static enum err check_action(struct request *request, yyjson_val *role, struct str action)
{
    struct request_part part = {request, NULL};
    struct authorization authorization = {
        .principal = &request->principal,
        .action = action,
        .find_values = request_find_values,
        .find_arg = &part,
    };
    return iam_check_trust(request_self(request, struct iam), role, &authorization,
                           &request->error);
}

/* A session with tags or a source identity asks for actions of their own. */
static enum err check_assumption(struct request *request, const struct session *session,
                                 yyjson_val **out_role)
{
    if (request->principal.kind == PRINCIPAL_ROOT && request->skylite->config.auth != AUTH_ANY)
        return request_fail(request, ERR_ACCESS_DENIED,
                            "Roles may not be assumed by root accounts.");
    enum err rc = find_role(request, out_role);
    if (rc == OK)
        rc = check_action(request, *out_role, STR("sts:AssumeRole"));
    if (rc == OK && session->tags.len)
        rc = check_action(request, *out_role, STR("sts:TagSession"));
    if (rc == OK && session->source_identity.len)
        rc = check_action(request, *out_role, STR("sts:SetSourceIdentity"));
    return rc;
}

enum err sts_assume_role(struct request *request)
{
    struct session session = {.kind = SESSION_OF_ROLE};
    int64_t seconds = 0;
    yyjson_val *role = NULL;
    enum err rc = PARAMS_CHECK(request, {"RoleArn", PARAM_TEXT, true, 20, 2048},
                               {"RoleSessionName", PARAM_SESSION_NAME, true, 2, 64},
                               {"DurationSeconds", PARAM_NUMBER, false, 900, 43200},
                               {"Policy", PARAM_DOCUMENT, false, 1, 2048},
                               {"ExternalId", PARAM_TEXT, false, 2, 1224},
                               {"SourceIdentity", PARAM_SESSION_NAME, false, 2, 64});
    if (rc == OK)
        rc = check_role_arn(request);
    if (rc == OK)
        rc = check_unsupported(request);
    if (rc == OK)
        rc = session_tags(request, &session.tags);
    if (rc == OK)
        rc = source_identity(request, &session.source_identity);
    if (rc == OK)
        rc = check_assumption(request, &session, &role);
    if (rc == OK)
        rc = check_duration(request, role, &seconds);
    if (rc == OK)
        rc = session_policy(request, &session.policy);
    if (rc)
        return rc;
    session.expires_ms = (clock_wall_ms() / 1000 + seconds) * 1000;
    session.name = json_get_str(role, "RoleName");
    session.id = json_get_str(role, "Id");
    session.session_name = request_str(request, "RoleSessionName");
    answer_role(request, role, &session);
    return OK;
}

/* --- GetAccessKeyInfo --- */

/* Every key is one of this account. */
enum err sts_get_access_key_info(struct request *request)
{
    enum err rc = PARAMS_CHECK(request, {"AccessKeyId", PARAM_WORD, true, 16, 128});
    if (rc == OK)
        json_add_str(request->doc, request_output(request), "Account",
                     request->skylite->config.account);
    return rc;
}

/* --- GetSessionToken --- */

enum err sts_get_session_token(struct request *request)
{
    const struct principal *principal = &request->principal;
    struct session session = {.kind = SESSION_OF_USER, .policy = STR_EMPTY};
    struct credentials credentials;
    int64_t seconds = DEFAULT_SESSION_S;
    enum err rc = PARAMS_CHECK(request, {"DurationSeconds", PARAM_NUMBER, false, 900, 129600});
    if (rc == OK)
        rc = check_unsupported(request);
    if (rc)
        return rc;
    if (!str_starts(principal->access_key_id, STR("AKIA")) &&
        request->skylite->config.auth != AUTH_ANY)
        return request_fail(request, ERR_ACCESS_DENIED,
                            "Cannot call GetSessionToken with session credentials");
    if (principal->kind == PRINCIPAL_ROOT)
        session.kind = SESSION_OF_ROOT;
    json_get_i64(request->input, "DurationSeconds", &seconds);
    session.expires_ms = (clock_wall_ms() / 1000 + seconds) * 1000;
    session.name = principal->name;
    session.id = principal->user_id;
    session.session_name = STR_EMPTY;
    iam_session_start(request_self(request, struct iam), request->arena, &session, &credentials);
    add_credentials(request, &credentials);
    return OK;
}
