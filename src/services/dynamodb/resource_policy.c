/* Resource policies of tables and of their open streams: PutResourcePolicy, GetResourcePolicy,
 * DeleteResourcePolicy. They are part of the table's definition, and judged by IAM beside what the
 * caller's own policies say. */
#include "services/dynamodb/resource_policy.h"

#include "base/clock.h"

#include "services/dynamodb/operations.h"

enum { MAX_POLICY_BYTES = 20 * 1024 };

/* A resource that a policy can be attached to, as its ARN names it. */
struct holder {
    struct str arn;
    const struct ddb_table *table;
    const char *member; /* of the definition: {"Policy", "RevisionId"} */
};

/* --- Finding --- */

/* Cuts "arn:...:table/NAME/REST"; false when it is no such ARN. */
static bool parse_arn(const struct request *request, struct str arn, struct str *out_name,
                      struct str *out_rest)
{
    struct str prefix = ddb_table_arn(request, STR_EMPTY);
    if (!str_starts(arn, prefix) || arn.len == prefix.len)
        return false;
    *out_rest = str_slice(arn, prefix.len, arn.len);
    str_cut(out_rest, '/', out_name);
    return true;
}

/* Which of the two policies a resource comes under; NULL: it is a stream that is not open. */
static const char *member_of(const struct ddb_table *table, struct str rest)
{
    struct str kind, label = rest;
    str_cut(&label, '/', &kind);
    if (!str_eq(kind, STR("stream")))
        return DDB_TABLE_POLICY;
    bool is_open =
        table->stream_id && str_eq(label, json_get_str(table->definition, "LatestStreamLabel"));
    return is_open ? DDB_STREAM_POLICY : NULL;
}

static enum err not_found(struct request *request, struct str name)
{
    return request_fail(request, ERR_DDB_RESOURCE_NOT_FOUND,
                        "Requested resource not found: Table: %.*s not found", STR_ARG(name));
}

static enum err policy_not_found(struct request *request, struct str arn)
{
    return request_fail(request, ERR_DDB_POLICY_NOT_FOUND,
                        "Resource-based policy not found for the provided ResourceArn: %.*s",
                        STR_ARG(arn));
}

static enum err find(struct request *request, struct holder *out)
{
    struct str name, rest;
    out->arn = request_str(request, "ResourceArn");
    if (!parse_arn(request, out->arn, &name, &rest) ||
        (rest.len && !str_starts(rest, STR("stream/"))))
        return request_fail(request, ERR_VALIDATION,
                            "Invalid ResourceArn: Invalid ResourceArn provided as input %.*s",
                            STR_ARG(out->arn));
    struct ddb_table *table = ddb_table_ref(request_self(request, struct dynamodb), name);
    if (!table)
        return not_found(request, name);
    ddb_table_keep(request->arena, table);
    out->table = table;
    out->member = member_of(table, rest);
    if (out->member)
        return OK;
    bool is_get = strcmp(request->operation->name, "GetResourcePolicy") == 0;
    return is_get ? policy_not_found(request, out->arn) : not_found(request, name);
}

struct str ddb_policy_of_resource(struct request *request, struct str arn)
{
    struct dynamodb *dynamodb = request_self(request, struct dynamodb);
    struct str name, rest;
    bool is_way_back = request->principal.kind == PRINCIPAL_ROOT &&
                       strcmp(request->operation->name, "DeleteResourcePolicy") == 0;
    if (!atomic_load_explicit(&dynamodb->has_policies, memory_order_relaxed) || is_way_back ||
        !parse_arn(request, arn, &name, &rest))
        return STR_EMPTY;
    struct ddb_table *table = ddb_table_ref(dynamodb, name);
    if (!table)
        return STR_EMPTY;
    ddb_table_keep(request->arena, table);
    const char *member = member_of(table, rest);
    struct str policy =
        member ? json_get_str(json_get(table->definition, member), "Policy") : STR_EMPTY;
    return policy.ptr ? policy : STR_EMPTY;
}

/* --- Checking a new one --- */

static enum err invalid(struct request *request, const char *why)
{
    return request_fail(request, ERR_VALIDATION, "Invalid policy document: %s", why);
}

/* True when a string, or each of an array, starts with `prefix` or is "*". */
static bool all_start(yyjson_val *texts, struct str prefix)
{
    yyjson_val *text;
    size_t i, max;
    if (yyjson_is_str(texts))
        return str_eq(json_str(texts), STR("*")) || str_starts(json_str(texts), prefix);
    yyjson_arr_foreach (texts, i, max, text) {
        if (!str_eq(json_str(text), STR("*")) && !str_starts(json_str(text), prefix))
            return false;
    }
    return true;
}

static enum err check_statement(struct request *request, struct str arn, yyjson_val *statement)
{
    if (!json_get(statement, "Principal") && !json_get(statement, "NotPrincipal"))
        return invalid(request, "Missing required field Principal");
    if (!all_start(json_get(statement, "Action"), STR("dynamodb:")) ||
        !all_start(json_get(statement, "NotAction"), STR("dynamodb:")))
        return invalid(request, "Policy has an action of another service");
    if (!all_start(json_get(statement, "Resource"), arn))
        return invalid(request, "Policy has a resource that it is not attached to");
    return OK;
}

/* True when the caller could still change the policy once it is `policy`. */
static enum err check_access(struct request *request, struct str arn, struct str policy,
                             bool is_confirmed)
{
    struct request_part part = {request, NULL};
    struct authorization authorization = {
        .principal = &request->principal,
        .action = STR("dynamodb:PutResourcePolicy"),
        .resource = arn,
        .resource_policy = policy,
        .find_values = request_find_values,
        .find_arg = &part,
    };
    const struct iam_capability *iam = &request->skylite->iam;
    enum err rc = iam->authorize(iam->self, &authorization, &request->error);
    if (rc == OK || (is_confirmed && rc == ERR_ACCESS_DENIED_EXCEPTION))
        return OK;
    if (rc == ERR_ACCESS_DENIED_EXCEPTION)
        return invalid(request,
                       "The new policy would not let you change it in the future; confirm that "
                       "with ConfirmRemoveSelfResourceAccess");
    return rc;
}

enum err ddb_policy_check(struct request *request, struct str arn, struct str policy,
                          bool is_confirmed)
{
    yyjson_val *document = json_parse(request->arena, policy), *statement;
    yyjson_val *statements = json_get(document, "Statement");
    const struct iam_capability *iam = &request->skylite->iam;
    struct error error;
    size_t i, max;
    enum err rc = OK;
    if (policy.len > MAX_POLICY_BYTES)
        return request_fail(request, ERR_DDB_LIMIT_EXCEEDED,
                            "Resource policy document exceeds the maximum size of %d bytes",
                            MAX_POLICY_BYTES);
    if (!yyjson_is_obj(document))
        return invalid(request, "This is not a valid JSON document");
    if (yyjson_is_obj(statements))
        rc = check_statement(request, arn, statements);
    yyjson_arr_foreach (statements, i, max, statement) {
        if (rc == OK)
            rc = check_statement(request, arn, statement);
    }
    if (rc == OK && iam->check_resource_policy(iam->self, policy, &error))
        rc = invalid(request, error.message);
    return rc ? rc : check_access(request, arn, policy, is_confirmed);
}

/* --- Changing --- */

static struct str revision_of(const struct ddb_table *table, const char *member)
{
    struct str revision = json_get_str(json_get(table->definition, member), "RevisionId");
    return revision.ptr ? revision : STR_EMPTY;
}

void ddb_policy_set(struct ddb_draft *draft, const char *member, struct str policy,
                    struct str before)
{
    /* A moment, and behind the one of the policy that it takes the place of. */
    uint64_t revision = (uint64_t)clock_wall_ms(), last;
    if (str_to_u64(before, &last) && last >= revision)
        revision = last + 1;
    yyjson_mut_val *set = yyjson_mut_obj(draft->doc);
    json_add_str(draft->doc, set, "Policy", policy);
    json_add_str(draft->doc, set, "RevisionId",
                 arena_printf(draft->arena, "%llu", (unsigned long long)revision));
    ddb_draft_set(draft, member, set);
}

/* True when the policy is the one that the caller expects: on the writer, as nothing comes between.
 */
static enum err check_revision(struct request *request, const struct holder *holder,
                               struct str revision)
{
    struct str expected = request_str(request, "ExpectedRevisionId");
    if (!expected.ptr)
        return OK;
    bool wants_none = str_eq(expected, STR("NO_POLICY"));
    if (wants_none ? revision.len == 0 : str_eq(expected, revision))
        return OK;
    if (revision.len == 0)
        return policy_not_found(request, holder->arn);
    if (wants_none)
        return request_fail(request, ERR_DDB_POLICY_NOT_FOUND,
                            "Resource-based policy not found for the provided ResourceArn: "
                            "Requested policy update expecting none to be present for table %.*s, "
                            "but a policy exists with revision id %.*s.",
                            STR_ARG(holder->table->name), STR_ARG(revision));
    return request_fail(request, ERR_DDB_POLICY_NOT_FOUND,
                        "Resource-based policy not found for the provided ResourceArn: Requested "
                        "update for policy with revision id %.*s, but the policy associated to "
                        "target table %.*s has revision id %.*s.",
                        STR_ARG(expected), STR_ARG(holder->table->name), STR_ARG(revision));
}

static void answer_revision(struct request *request, struct str revision)
{
    yyjson_mut_val *out = request_output(request);
    if (revision.len)
        json_add_str(request->doc, out, "RevisionId", arena_str(request->arena, revision));
}

static enum err put(struct request *request, struct store_txn *txn)
{
    const struct holder *holder = request->handler_state;
    struct str policy = request_str(request, "Policy");
    struct ddb_alteration change;
    enum err rc = ddb_alter_start(request, holder->table, &change);
    if (rc)
        return rc;
    struct str revision = revision_of(change.before, holder->member);
    yyjson_val *before = json_get(change.before->definition, holder->member);
    rc = check_revision(request, holder, revision);
    if (rc)
        return rc;
    if (!before || !str_eq(json_get_str(before, "Policy"), policy)) {
        ddb_policy_set(&change.draft, holder->member, policy, revision);
        rc = ddb_alter_finish(request, txn, &change);
        if (rc)
            return rc;
        revision = revision_of(change.after, holder->member);
    }
    answer_revision(request, revision);
    return OK;
}

static enum err delete (struct request *request, struct store_txn *txn) {
    const struct holder *holder = request->handler_state; struct ddb_alteration change;
    enum err rc = ddb_alter_start(request, holder->table, &change); if (rc) return rc;
    struct str revision = revision_of(change.before, holder->member);
    rc = check_revision(request, holder, revision);
    if (rc == OK && revision.len){ddb_draft_remove(&change.draft, holder->member);
                                  rc = ddb_alter_finish(request, txn, &change);}
if (rc == OK) answer_revision(request, revision);
return rc;
}

enum err ddb_put_resource_policy(struct request *request)
{
    struct holder *holder = arena_new(request->arena, struct holder);
    request->handler_state = holder;
    enum err rc = find(request, holder);
    if (rc == OK)
        rc = ddb_policy_check(
            request, holder->arn, request_str(request, "Policy"),
            ddb_get_boolean(request->input, "ConfirmRemoveSelfResourceAccess", false));
    return rc ? rc : request_write(request, put, NULL);
}

enum err ddb_delete_resource_policy(struct request *request)
{
    struct holder *holder = arena_new(request->arena, struct holder);
    request->handler_state = holder;
    enum err rc = find(request, holder);
    return rc ? rc : request_write(request, delete, NULL);
}

enum err ddb_get_resource_policy(struct request *request)
{
    struct holder holder;
    enum err rc = find(request, &holder);
    if (rc)
        return rc;
    yyjson_val *policy = json_get(holder.table->definition, holder.member);
    if (!policy)
        return policy_not_found(request, holder.arn);
    yyjson_mut_val *out = request_output(request);
    json_add_copy(request->doc, out, "Policy", json_get(policy, "Policy"));
    json_add_copy(request->doc, out, "RevisionId", json_get(policy, "RevisionId"));
    return OK;
}
