/* Change sets: updates that are looked at before they are made. A new stack is in review until its
 * first one is executed. */
#include "base/clock.h"
#include "base/encode.h"
#include "services/cloudformation/changes.h"
#include "services/cloudformation/stacks.h"

enum { MAX_NAME = 128 };

#define NO_CHANGES                                                                                 \
    "The submitted information didn't contain changes. Submit different information to create a "  \
    "change set."

/* --- Finding --- */

static enum err not_found(struct request *request, struct str name)
{
    return request_fail(request, ERR_CFN_CHANGE_SET_NOT_FOUND, "ChangeSet [%.*s] does not exist",
                        STR_ARG(name));
}

/* By its id alone, among those of all stacks. */
static enum err find_by_id(struct request *request, struct str id, yyjson_val **out)
{
    struct str prefix = STR("cloudformation/changeset/"), key, value;
    struct store_iter *iter = store_iter_new(request->skylite->store, STORE_META, prefix,
                                             store_prefix_end(request->arena, prefix), false);
    *out = NULL;
    while (!*out && store_iter_next(iter, &key, &value)) {
        yyjson_val *set = json_parse(request->arena, value);
        if (str_eq(json_get_str(set, "ChangeSetId"), id))
            *out = set;
    }
    enum err rc = store_iter_error(iter, &request->error);
    store_iter_free(iter);
    return rc;
}

/* The one that "ChangeSetName" (with "StackName", or an id) means. */
static enum err find(struct request *request, yyjson_val **out)
{
    struct str given = request_str(request, "ChangeSetName"), text;
    struct str stack = request_str(request, "StackName");
    bool found;
    enum err rc;
    if (!given.ptr)
        return request_fail(request, ERR_VALIDATION_ERROR,
                            "1 validation error detected: Value null at 'changeSetName' failed to "
                            "satisfy constraint: Member must not be null");
    if (str_starts(given, STR("arn:"))) {
        rc = find_by_id(request, given, out);
        return rc == OK && !*out ? not_found(request, given) : rc;
    }
    if (!stack.ptr)
        return request_fail(request, ERR_VALIDATION_ERROR,
                            "StackName must be specified if ChangeSetName is not specified as an "
                            "ARN.");
    rc = store_get(request->skylite->store, STORE_META,
                   cfn_change_set_key(request->arena, cfn_stack_name(stack), given), request->arena,
                   &found, &text, &request->error);
    if (rc == OK && !found)
        rc = not_found(request, given);
    if (rc == OK)
        *out = json_parse(request->arena, text);
    return rc;
}

/* --- Creating --- */

static enum err check_name(struct request *request)
{
    struct str name = request_str(request, "ChangeSetName");
    bool is_fine = name.len > 0 && name.len <= MAX_NAME;
    for (size_t i = 0; is_fine && i < name.len; i++) {
        char c = name.ptr[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        is_fine = is_letter || (i > 0 && ((c >= '0' && c <= '9') || c == '-'));
    }
    if (is_fine)
        return OK;
    return request_fail(request, ERR_VALIDATION_ERROR,
                        "1 validation error detected: Value '%.*s' at 'changeSetName' failed to "
                        "satisfy constraint: Member must satisfy regular expression pattern: "
                        "[a-zA-Z][-a-zA-Z0-9]*",
                        name.ptr ? (int)name.len : 4, name.ptr ? name.ptr : "null");
}

/* What the stack was when the change set was made. */
static int64_t stack_time(const yyjson_val *stack)
{
    int64_t time_ms = 0;
    if (!json_get_i64(stack, "LastUpdatedTimeMs", &time_ms))
        json_get_i64(stack, "CreationTimeMs", &time_ms);
    return time_ms;
}

static bool same(const yyjson_val *a, const yyjson_val *b)
{
    return yyjson_arr_size((yyjson_val *)(uintptr_t)a) == 0 &&
                   yyjson_arr_size((yyjson_val *)(uintptr_t)b) == 0
               ? true
               : a && b && yyjson_equals((yyjson_val *)(uintptr_t)a, (yyjson_val *)(uintptr_t)b);
}

/* Why there is nothing to execute; a NULL pointer when there is. */
static struct str why_empty(const struct stack_change *change, const struct changes *changes,
                            const yyjson_val *definition)
{
    const yyjson_val *before = json_get(change->before, "Definition");
    bool is_retagged = !same(json_get(before, "Tags"), json_get(definition, "Tags"));
    if (!before || yyjson_mut_arr_size(changes->list) || changes->is_output_changed || is_retagged)
        return (struct str){NULL, 0};
    bool is_same_template =
        str_eq(json_get_str(before, "TemplateBody"), json_get_str(definition, "TemplateBody")) &&
        yyjson_equals(json_get(before, "Parameters"), json_get(definition, "Parameters"));
    return is_same_template ? STR(NO_CHANGES) : STR("No updates are to be performed.");
}

static yyjson_mut_val *new_document(struct request *request, const struct stack_change *change,
                                    const struct changes *changes, const yyjson_val *definition,
                                    yyjson_mut_doc *doc)
{
    struct str name = request_str(request, "ChangeSetName");
    struct str suffix = arena_printf(request->arena, "changeSet/%.*s/%.*s", STR_ARG(name),
                                     STR_ARG(random_uuid(request->arena)));
    struct str reason = why_empty(change, changes, definition);
    yyjson_mut_val *set = yyjson_mut_obj(doc);
    json_add_str(doc, set, "ChangeSetName", name);
    json_add_str(doc, set, "ChangeSetId",
                 skylite_arn(request->skylite, request->arena, "cloudformation", suffix));
    json_add_str(doc, set, "StackId", change->id);
    json_add_str(doc, set, "StackName", change->name);
    json_add_str_opt(doc, set, "Description", request_str(request, "Description"));
    json_add_i64(doc, set, "CreationTimeMs", clock_wall_ms());
    json_add_str(doc, set, "Status", reason.ptr ? STR("FAILED") : STR("CREATE_COMPLETE"));
    json_add_str_opt(doc, set, "StatusReason", reason);
    json_add_str(doc, set, "ExecutionStatus", reason.ptr ? STR("UNAVAILABLE") : STR("AVAILABLE"));
    json_add_str_opt(doc, set, "OnStackFailure", request_str(request, "OnStackFailure"));
    json_add_copy(doc, set, "Definition", definition);
    json_add(doc, set, "Changes", changes->list);
    return set;
}

/* The name is taken once in a stack; a new stack is made with it. */
static enum err write_set(struct request *request, struct store_txn *txn)
{
    struct stack_change *change = request->handler_state;
    struct str name = request_str(request, "ChangeSetName"), text;
    struct str key = cfn_change_set_key(request->arena, change->name, name);
    bool found;
    enum err rc =
        store_txn_get(txn, STORE_META, key, request->arena, &found, &text, &request->error);
    if (rc == OK && found)
        rc = request_fail(request, ERR_CFN_ALREADY_EXISTS, "ChangeSet [%.*s] already exists",
                          STR_ARG(name));
    if (rc == OK)
        store_txn_put(txn, STORE_META, key, change->more);
    return rc;
}

static enum err answer_set(struct request *request)
{
    const struct stack_change *change = request->handler_state;
    yyjson_val *set = json_parse(request->arena, change->more);
    json_add_copy(request->doc, request_output(request), "Id", json_get(set, "ChangeSetId"));
    json_add_str(request->doc, request->output, "StackId", change->id);
    return OK;
}

static void review(struct request *request, struct stack_change *change)
{
    yyjson_mut_doc *doc = json_doc(request->arena);
    int64_t now_ms = clock_wall_ms();
    change->id = cfn_new_stack_id(request, change->name);
    change->after = yyjson_mut_obj(doc);
    change->event = "REVIEW_IN_PROGRESS";
    json_add_str(doc, change->after, "StackName", change->name);
    json_add_str(doc, change->after, "StackId", change->id);
    json_add_str(doc, change->after, "StackStatus", STR("REVIEW_IN_PROGRESS"));
    json_add_str(doc, change->after, "StackStatusReason", STR("User Initiated"));
    json_add_i64(doc, change->after, "CreationTimeMs", now_ms);
    cfn_add_principal(request, doc, change->after);
}

static enum err check_stack(struct request *request, struct stack_change *change, struct str type)
{
    bool is_in_review = str_eq(change->status, STR("REVIEW_IN_PROGRESS"));
    if (str_eq(type, STR("UPDATE")))
        return cfn_check_updatable(request, change);
    if (!str_eq(type, STR("CREATE")))
        return request_fail(request, ERR_VALIDATION_ERROR,
                            "ChangeSetType %.*s is not supported: there are CREATE and UPDATE",
                            STR_ARG(type));
    if (change->before && !is_in_review)
        return request_fail(request, ERR_VALIDATION_ERROR,
                            "Stack [%.*s] already exists and cannot be created again with the "
                            "changeSet [%.*s].",
                            STR_ARG(change->name), STR_ARG(request_str(request, "ChangeSetName")));
    if (!change->before)
        review(request, change);
    return OK;
}

enum err cfn_create_change_set(struct request *request)
{
    struct definition definition;
    struct stack_change *change;
    struct str type = request_str(request, "ChangeSetType");
    type = type.ptr ? type : STR("UPDATE");
    enum err rc = check_name(request);
    if (rc == OK)
        rc = cfn_stack_change_new(request, request_str(request, "StackName"),
                                  str_eq(type, STR("CREATE")), &change);
    if (rc == OK)
        rc = check_stack(request, change, type);
    if (rc == OK)
        rc = definition_read(request, change->name, change->id,
                             json_get(change->before, "Definition"), &definition);
    if (rc)
        return rc;
    yyjson_mut_doc *doc = json_doc(request->arena);
    struct changes changes = {.template = &definition.template, .before = change->before};
    rc = changes_plan(request, &changes, doc);
    if (rc)
        return rc;
    yyjson_mut_val *set = new_document(request, change, &changes, definition.stored, doc);
    json_add_i64(doc, set, "StackTimeMs",
                 change->before
                     ? stack_time(change->before)
                     : yyjson_mut_get_sint(yyjson_mut_obj_get(change->after, "CreationTimeMs")));
    change->more = json_write(request->arena, set);
    change->write = write_set;
    change->answer = answer_set;
    return cfn_stack_change_write(request);
}

/* --- Describing --- */

/* Of one that was executed, the stack tells how it went. */
static struct str execution_status(const yyjson_val *set, const yyjson_val *stack)
{
    struct str stored = json_get_str(set, "ExecutionStatus");
    struct str status = json_get_str(stack, "StackStatus");
    int64_t time_ms = 0;
    json_get_i64(set, "StackTimeMs", &time_ms);
    if (str_eq(stored, STR("AVAILABLE")) && stack && stack_time(stack) != time_ms)
        return STR("OBSOLETE");
    if (!str_eq(stored, STR("EXECUTE_COMPLETE")) ||
        !str_eq(json_get_str(stack, "ChangeSetId"), json_get_str(set, "ChangeSetId")))
        return stored;
    if (str_ends(status, STR("_IN_PROGRESS")))
        return STR("EXECUTE_IN_PROGRESS");
    bool is_good = str_eq(status, STR("CREATE_COMPLETE")) || str_eq(status, STR("UPDATE_COMPLETE"));
    return is_good ? stored : STR("EXECUTE_FAILED");
}

static enum err stack_of(struct request *request, const yyjson_val *set, yyjson_val **out)
{
    bool found;
    struct str text;
    struct str key = cfn_stack_key(request->arena, json_get_str(set, "StackName"));
    enum err rc = store_get(request->skylite->store, STORE_META, key, request->arena, &found, &text,
                            &request->error);
    *out = rc == OK && found ? json_parse(request->arena, text) : NULL;
    return rc;
}

static void add_summary(struct request *request, yyjson_mut_val *out, const yyjson_val *set,
                        const yyjson_val *stack)
{
    static const char *const members[] = {"ChangeSetName", "ChangeSetId", "StackId",
                                          "StackName",     "Description", "Status",
                                          "StatusReason"};
    int64_t time_ms;
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        json_add_copy(request->doc, out, members[i], json_get(set, members[i]));
    if (json_get_i64(set, "CreationTimeMs", &time_ms))
        request_add_time(request, out, "CreationTime", time_ms);
    json_add_str(request->doc, out, "ExecutionStatus", execution_status(set, stack));
    json_add_bool(request->doc, out, "IncludeNestedStacks", false);
}

enum err cfn_describe_change_set(struct request *request)
{
    yyjson_val *set, *stack;
    enum err rc = find(request, &set);
    if (rc == OK)
        rc = stack_of(request, set, &stack);
    if (rc)
        return rc;
    yyjson_mut_doc *doc = request->doc;
    yyjson_mut_val *out = request_output(request);
    const yyjson_val *definition = json_get(set, "Definition");
    add_summary(request, out, set, stack);
    json_add_copy(doc, out, "Parameters", json_get(definition, "ParameterList"));
    json_add_copy(doc, out, "Capabilities", json_get(definition, "Capabilities"));
    json_add_copy(doc, out, "Tags", json_get(definition, "Tags"));
    json_add_obj(doc, out, "RollbackConfiguration");
    json_add_copy(doc, out, "Changes", json_get(set, "Changes"));
    return OK;
}

enum err cfn_list_change_sets(struct request *request)
{
    yyjson_val *stack;
    struct str key, value;
    enum err rc = cfn_stack_of_request(request, &stack);
    if (rc)
        return rc;
    struct str prefix =
        cfn_change_set_key(request->arena, json_get_str(stack, "StackName"), STR_EMPTY);
    yyjson_mut_val *list = json_add_arr(request->doc, request_output(request), "Summaries");
    struct store_iter *iter = store_iter_new(request->skylite->store, STORE_META, prefix,
                                             store_prefix_end(request->arena, prefix), false);
    while (store_iter_next(iter, &key, &value))
        add_summary(request, yyjson_mut_arr_add_obj(request->doc, list),
                    json_parse(request->arena, value), stack);
    rc = store_iter_error(iter, &request->error);
    store_iter_free(iter);
    return rc;
}

enum err cfn_change_set_definition(struct request *request, yyjson_val **out)
{
    yyjson_val *set;
    enum err rc = find(request, &set);
    if (rc == OK)
        *out = json_get(set, "Definition");
    return rc;
}

/* --- Executing and deleting --- */

/* The others are of no use any more: the stack is another then. */
static void drop_others(struct request *request, struct store_txn *txn,
                        const struct stack_change *change, struct str kept)
{
    struct str prefix = cfn_change_set_key(request->arena, change->name, STR_EMPTY), key, value;
    struct store_iter *iter = store_txn_iter_new(txn, STORE_META, prefix,
                                                 store_prefix_end(request->arena, prefix), false);
    struct str *doomed = NULL;
    size_t count = 0;
    while (store_iter_next(iter, &key, &value)) {
        if (str_eq(key, kept))
            continue;
        size_t size = count * sizeof(*doomed);
        doomed = arena_realloc(request->arena, doomed, size, size + sizeof(*doomed));
        doomed[count++] = arena_str(request->arena, key);
    }
    store_iter_free(iter);
    for (size_t i = 0; i < count; i++)
        store_txn_delete(txn, STORE_META, doomed[i]);
}

static enum err write_execution(struct request *request, struct store_txn *txn)
{
    struct stack_change *change = request->handler_state;
    yyjson_mut_doc *doc = json_doc(request->arena);
    yyjson_mut_val *set = yyjson_val_mut_copy(doc, json_parse(request->arena, change->more));
    struct str key =
        cfn_change_set_key(request->arena, change->name, json_mut_get_str(set, "ChangeSetName"));
    yyjson_mut_obj_remove_key(set, "ExecutionStatus");
    json_add_str(doc, set, "ExecutionStatus", STR("EXECUTE_COMPLETE"));
    store_txn_put(txn, STORE_META, key, json_write(request->arena, set));
    drop_others(request, txn, change, key);
    return OK;
}

static enum err check_executable(struct request *request, const struct stack_change *change,
                                 const yyjson_val *set)
{
    struct str status = execution_status(set, change->before);
    if (str_eq(status, STR("AVAILABLE")))
        return OK;
    struct str told = str_eq(json_get_str(set, "Status"), STR("FAILED")) ? STR("FAILED") : status;
    return request_fail(request, ERR_CFN_INVALID_CHANGE_SET_STATUS,
                        "ChangeSet [%.*s] cannot be executed in its current status of [%.*s]",
                        STR_ARG(json_get_str(set, "ChangeSetId")), STR_ARG(told));
}

enum err cfn_execute_change_set(struct request *request)
{
    struct stack_change *change;
    yyjson_val *set;
    enum err rc = find(request, &set);
    if (rc == OK)
        rc = cfn_stack_change_new(request, json_get_str(set, "StackId"), false, &change);
    if (rc == OK)
        rc = check_executable(request, change, set);
    if (rc)
        return rc;
    bool is_new = str_eq(change->status, STR("REVIEW_IN_PROGRESS"));
    rc = is_new ? OK : cfn_check_updatable(request, change);
    if (rc)
        return rc;
    yyjson_mut_doc *doc = json_doc(request->arena);
    cfn_begin_operation(request, change, is_new ? "CREATE_IN_PROGRESS" : "UPDATE_IN_PROGRESS",
                        json_get(set, "Definition"));
    json_add_copy(doc, change->after, "ChangeSetId", json_get(set, "ChangeSetId"));
    if (!yyjson_mut_obj_get(change->after, "OnFailure"))
        json_add_copy(doc, change->after, "OnFailure", json_get(set, "OnStackFailure"));
    change->more = json_write_val(request->arena, set);
    change->write = write_execution;
    request_output(request); /* clients look for the empty result */
    return cfn_stack_change_write(request);
}

static enum err write_deletion(struct request *request, struct store_txn *txn)
{
    struct str *key = request->handler_state;
    store_txn_delete(txn, STORE_META, *key);
    return OK;
}

/* Deleting what is not there is fine. */
enum err cfn_delete_change_set(struct request *request)
{
    yyjson_val *set, *stack;
    request_output(request);
    enum err rc = find(request, &set);
    if (rc == ERR_CFN_CHANGE_SET_NOT_FOUND)
        return OK;
    if (rc == OK)
        rc = stack_of(request, set, &stack);
    if (rc)
        return rc;
    if (str_eq(execution_status(set, stack), STR("EXECUTE_IN_PROGRESS")))
        return request_fail(request, ERR_CFN_INVALID_CHANGE_SET_STATUS,
                            "ChangeSet [%.*s] cannot be deleted in its current execution status of "
                            "[EXECUTE_IN_PROGRESS]",
                            STR_ARG(json_get_str(set, "ChangeSetId")));
    struct str *key = arena_new(request->arena, struct str);
    *key = cfn_change_set_key(request->arena, json_get_str(set, "StackName"),
                              json_get_str(set, "ChangeSetName"));
    request->handler_state = key;
    return request_write(request, write_deletion, NULL);
}
