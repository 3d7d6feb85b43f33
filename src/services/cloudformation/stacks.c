/* CreateStack, UpdateStack and DeleteStack: checked and stored here, carried out by the engine.
 *
 * Each reads the stack and checks what is asked on the loop. The write makes sure that the stack is
 * still what was read; if not, all is done again. */
#include "services/cloudformation/stacks.h"

#include "services/cloudformation/changes.h"
#include "services/cloudformation/exports.h"

#include "base/clock.h"
#include "base/encode.h"

enum { MAX_NAME = 128 };

/* --- Names --- */

static enum err check_name(struct request *request, struct str name, struct str *out)
{
    bool is_fine = name.len > 0 && name.len <= MAX_NAME;
    for (size_t i = 0; is_fine && i < name.len; i++) {
        char c = name.ptr[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        is_fine = is_letter || (i > 0 && ((c >= '0' && c <= '9') || c == '-'));
    }
    if (!is_fine)
        return request_fail(request, ERR_VALIDATION_ERROR,
                            "1 validation error detected: Value '%.*s' at 'stackName' failed to "
                            "satisfy constraint: Member must satisfy regular expression pattern: "
                            "[a-zA-Z][-a-zA-Z0-9]*",
                            name.ptr ? (int)name.len : 4, name.ptr ? name.ptr : "null");
    *out = name;
    return OK;
}

struct str cfn_stack_name(struct str name_or_id)
{
    ptrdiff_t at = str_find(name_or_id, STR(":stack/"));
    struct str rest = at < 0 ? name_or_id : str_slice(name_or_id, (size_t)at + 7, name_or_id.len);
    struct str name;
    str_cut(&rest, '/', &name);
    return name;
}

/* --- Reading and writing the document --- */

static enum err read_document(struct request *request, struct str name, struct str *out)
{
    bool found;
    enum err rc =
        store_get(request->skylite->store, STORE_META, cfn_stack_key(request->arena, name),
                  request->arena, &found, out, &request->error);
    if (rc == OK && !found)
        *out = (struct str){NULL, 0};
    return rc;
}

enum err cfn_stack_change_new(struct request *request, struct str given, bool is_new,
                              struct stack_change **out)
{
    struct str name;
    struct stack_change *change = arena_new(request->arena, struct stack_change);
    enum err rc = OK;
    if (is_new || !given.ptr)
        rc = check_name(request, given, &name);
    else
        name = cfn_stack_name(given);
    if (rc == OK)
        rc = read_document(request, name, &change->before_text);
    if (rc)
        return rc;
    change->name = name;
    change->again = request->operation->handler;
    if (change->before_text.ptr) {
        change->before = json_parse(request->arena, change->before_text);
        change->id = json_get_str(change->before, "StackId");
        change->status = json_get_str(change->before, "StackStatus");
        if (str_starts(given, STR("arn:")) && !str_eq(given, change->id))
            change->before = NULL;
    }
    request->handler_state = change;
    *out = change;
    return OK;
}

static enum err write_change(struct request *request, struct store_txn *txn)
{
    struct stack_change *change = request->handler_state;
    struct str key = cfn_stack_key(request->arena, change->name), text;
    bool found;
    enum err rc =
        store_txn_get(txn, STORE_META, key, request->arena, &found, &text, &request->error);
    if (rc)
        return rc;
    change->is_outdated =
        found != (change->before_text.ptr != NULL) || (found && !str_eq(text, change->before_text));
    if (change->is_outdated)
        return OK;
    rc = exports_take_imports(request, txn, change->name, change->imports);
    if (rc == OK && change->write)
        rc = change->write(request, txn);
    if (rc)
        return rc;
    if (change->after)
        store_txn_put(txn, STORE_META, key, json_write(request->arena, change->after));
    if (change->event)
        cfn_put_stack_event(request, txn, change);
    return OK;
}

static enum err written(struct request *request)
{
    struct stack_change *change = request->handler_state;
    if (change->is_outdated)
        return change->again(request);
    if (change->is_started)
        cfn_engine_start(request_self(request, struct cloudformation), change->name);
    return change->answer ? change->answer(request) : OK;
}

enum err cfn_stack_change_write(struct request *request)
{
    return request_write(request, write_change, written);
}

void cfn_put_stack_event(struct request *request, struct store_txn *txn,
                         const struct stack_change *change)
{
    struct cfn_event event = {
        .stack_id = change->id,
        .stack_name = change->name,
        .logical_id = change->name,
        .physical_id = change->id,
        .type = STR("AWS::CloudFormation::Stack"),
        .status = str_from(change->event),
        .reason = STR("User Initiated"),
        .token = request_str(request, "ClientRequestToken"),
    };
    struct str key, value = cfn_event_new(request->arena, &event, &key);
    store_txn_put(txn, STORE_META, key, value);
}

/* --- Documents --- */

void cfn_add_principal(struct request *request, yyjson_mut_doc *doc, yyjson_mut_val *stack)
{
    const struct principal *principal = &request->principal;
    yyjson_mut_val *by = json_add_obj(doc, stack, "Principal");
    json_add_i64(doc, by, "Kind", (int64_t)principal->kind);
    json_add_str_opt(doc, by, "Account", principal->account);
    json_add_str_opt(doc, by, "Arn", principal->arn);
    json_add_str_opt(doc, by, "Name", principal->name);
    json_add_str_opt(doc, by, "SessionName", principal->session_name);
    json_add_str_opt(doc, by, "UserId", principal->user_id);
    json_add_str_opt(doc, by, "AccessKeyId", principal->access_key_id);
    json_add_str_opt(doc, by, "SessionPolicy", principal->session_policy);
    json_add_str_opt(doc, by, "SessionTags", principal->session_tags);
    json_add_str_opt(doc, by, "SourceIdentity", principal->source_identity);
    json_add_str_opt(doc, by, "FunctionArn", principal->function_arn);
    json_add_i64(doc, by, "IssuedMs", principal->issued_ms);
}

struct str cfn_new_stack_id(struct request *request, struct str name)
{
    struct str suffix = arena_printf(request->arena, "stack/%.*s/%.*s", STR_ARG(name),
                                     STR_ARG(random_uuid(request->arena)));
    return skylite_arn(request->skylite, request->arena, "cloudformation", suffix);
}

void cfn_begin_operation(struct request *request, struct stack_change *change, const char *status,
                         const yyjson_val *definition)
{
    yyjson_mut_doc *doc = json_doc(request->arena);
    yyjson_mut_val *stack = yyjson_mut_obj(doc);
    int64_t now_ms = clock_wall_ms(), created_ms = now_ms;
    bool is_update = str_starts(str_from(status), STR("UPDATE"));
    json_get_i64(change->before, "CreationTimeMs", &created_ms);
    json_add_str(doc, stack, "StackName", change->name);
    json_add_str(doc, stack, "StackId", change->id);
    json_add_str(doc, stack, "StackStatus", str_from(status));
    json_add_i64(doc, stack, "CreationTimeMs", created_ms);
    if (change->before)
        json_add_i64(doc, stack, "LastUpdatedTimeMs", now_ms);
    json_add_copy(doc, stack, "Definition", definition);
    if (is_update)
        json_add_copy(doc, stack, "Previous", json_get(change->before, "Definition"));
    json_add_copy(doc, stack, "Outputs", json_get(change->before, "Outputs"));
    json_add_str_opt(doc, stack, "ClientRequestToken", request_str(request, "ClientRequestToken"));
    json_add_copy(doc, stack, "EnableTerminationProtection",
                  json_get(change->before, "EnableTerminationProtection"));
    if (json_get_bool(request->input, "DisableRollback", false))
        json_add_str(doc, stack, "OnFailure", STR("DO_NOTHING"));
    cfn_add_principal(request, doc, stack);
    change->imports = json_get(definition, "Imports");
    change->after = stack;
    change->event = status;
    change->is_started = true;
}

/* --- Creating and updating --- */

static enum err cannot(struct request *request, const struct stack_change *change, const char *what)
{
    return request_fail(request, ERR_VALIDATION_ERROR,
                        "Stack:%.*s is in %.*s state and can not be %s.", STR_ARG(change->id),
                        STR_ARG(change->status), what);
}

/* The same request again, of which the client did not get the answer. */
static bool is_repeated(struct request *request, const struct stack_change *change)
{
    struct str token = request_str(request, "ClientRequestToken");
    return token.len && str_eq(token, json_get_str(change->before, "ClientRequestToken"));
}

static enum err answer_id(struct request *request)
{
    struct stack_change *change = request->handler_state;
    json_add_str(request->doc, request_output(request), "StackId", change->id);
    return OK;
}

/* What only a new stack can be given. */
static enum err add_creation_options(struct request *request, yyjson_mut_val *stack)
{
    static const char *const known[] = {"DO_NOTHING", "ROLLBACK", "DELETE"};
    yyjson_mut_doc *doc = json_doc(request->arena);
    struct str on_failure = request_str(request, "OnFailure");
    int64_t minutes;
    bool is_known = !on_failure.ptr;
    if (on_failure.ptr && json_get(request->input, "DisableRollback"))
        return request_fail(request, ERR_VALIDATION_ERROR,
                            "You can specify either DisableRollback or OnFailure, but not both.");
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        is_known |= str_eq(on_failure, str_from(known[i]));
    if (!is_known)
        return request_fail(request, ERR_VALIDATION_ERROR,
                            "1 validation error detected: Value '%.*s' at 'onFailure' failed to "
                            "satisfy constraint: Member must satisfy enum value set: [DELETE, "
                            "DO_NOTHING, ROLLBACK]",
                            STR_ARG(on_failure));
    json_add_str_opt(doc, stack, "OnFailure", on_failure);
    json_add_bool(doc, stack, "EnableTerminationProtection",
                  json_get_bool(request->input, "EnableTerminationProtection", false));
    if (json_get_i64(request->input, "TimeoutInMinutes", &minutes)) {
        json_add_i64(doc, stack, "TimeoutInMinutes", minutes);
        json_add_i64(doc, stack, "DeadlineMs", clock_wall_ms() + minutes * 60000);
    }
    return OK;
}

enum err cfn_create_stack(struct request *request)
{
    struct definition definition;
    struct stack_change *change;
    enum err rc = cfn_stack_change_new(request, request_str(request, "StackName"), true, &change);
    if (rc == OK && is_repeated(request, change))
        return answer_id(request);
    if (rc == OK && change->before)
        rc = request_fail(request, ERR_CFN_ALREADY_EXISTS, "Stack [%.*s] already exists",
                          STR_ARG(change->name));
    if (rc)
        return rc;
    change->id = cfn_new_stack_id(request, change->name);
    rc = definition_read(request, change->name, change->id, NULL, &definition);
    if (rc)
        return rc;
    cfn_begin_operation(request, change, "CREATE_IN_PROGRESS", definition.stored);
    rc = add_creation_options(request, change->after);
    change->answer = answer_id;
    return rc ? rc : cfn_stack_change_write(request);
}

enum err cfn_check_updatable(struct request *request, const struct stack_change *change)
{
    static const char *const updatable[] = {"CREATE_COMPLETE", "CREATE_FAILED", "UPDATE_COMPLETE",
                                            "UPDATE_FAILED", "UPDATE_ROLLBACK_COMPLETE"};
    if (!change->before)
        return request_fail(request, ERR_VALIDATION_ERROR, "Stack [%.*s] does not exist",
                            STR_ARG(change->name));
    for (size_t i = 0; i < sizeof(updatable) / sizeof(updatable[0]); i++) {
        if (str_eq(change->status, str_from(updatable[i])))
            return OK;
    }
    return cannot(request, change, "updated");
}

/* Whether the engine would have something to do. */
static enum err check_changes(struct request *request, const struct stack_change *change,
                              struct definition *definition)
{
    struct changes changes = {.template = &definition->template, .before = change->before};
    yyjson_val *before = json_get(json_get(change->before, "Definition"), "Tags");
    yyjson_val *tags = json_get(definition->stored, "Tags");
    bool is_retagged = yyjson_arr_size(tags) != yyjson_arr_size(before) ||
                       (tags && before && !yyjson_equals(tags, before));
    enum err rc = changes_plan(request, &changes, json_doc(request->arena));
    if (rc == OK && yyjson_mut_arr_size(changes.list) == 0 && !changes.is_output_changed &&
        !is_retagged)
        rc = request_fail(request, ERR_VALIDATION_ERROR, "No updates are to be performed.");
    return rc;
}

enum err cfn_update_stack(struct request *request)
{
    struct definition definition;
    struct stack_change *change;
    enum err rc = cfn_stack_change_new(request, request_str(request, "StackName"), false, &change);
    if (rc == OK && is_repeated(request, change))
        return answer_id(request);
    if (rc == OK)
        rc = cfn_check_updatable(request, change);
    if (rc == OK)
        rc = definition_read(request, change->name, change->id,
                             json_get(change->before, "Definition"), &definition);
    if (rc == OK)
        rc = check_changes(request, change, &definition);
    if (rc)
        return rc;
    cfn_begin_operation(request, change, "UPDATE_IN_PROGRESS", definition.stored);
    change->answer = answer_id;
    return cfn_stack_change_write(request);
}

/* --- Deleting --- */

/* A copy of the document with another status, to be changed further. */
static yyjson_mut_val *copy_with_status(struct request *request, struct stack_change *change,
                                        const char *status)
{
    static const char *const renewed[] = {"StackStatus", "Principal", "ClientRequestToken",
                                          "RetainResources", "IsCancelled"};
    yyjson_mut_doc *doc = json_doc(request->arena);
    yyjson_mut_val *stack = yyjson_val_mut_copy(doc, change->before);
    for (size_t i = 0; i < sizeof(renewed) / sizeof(renewed[0]); i++)
        yyjson_mut_obj_remove_key(stack, renewed[i]);
    json_add_str(doc, stack, "StackStatus", str_from(status));
    json_add_str_opt(doc, stack, "ClientRequestToken", request_str(request, "ClientRequestToken"));
    cfn_add_principal(request, doc, stack);
    change->after = stack;
    return stack;
}

/* Before anything is said of the stack's state. */
static enum err authorize_role(struct request *request)
{
    struct str role = request_str(request, "RoleARN");
    return role.len ? request_authorize_pass_role(request, role,
                                                  STR("cloudformation.amazonaws.com"), STR_EMPTY)
                    : OK;
}

/* A role that the request gives takes the place of the stack's. */
static void replace_role(struct request *request, yyjson_mut_val *stack)
{
    struct str role = request_str(request, "RoleARN");
    yyjson_mut_val *definition = yyjson_mut_obj_get(stack, "Definition");
    if (!role.len)
        return;
    yyjson_mut_obj_remove_key(definition, "RoleARN");
    json_add_str(json_doc(request->arena), definition, "RoleARN", role);
}

static enum err check_deletable(struct request *request, const struct stack_change *change)
{
    bool is_retaining = yyjson_arr_size(json_get(request->input, "RetainResources")) > 0;
    if (str_ends(change->status, STR("_IN_PROGRESS")) &&
        !str_eq(change->status, STR("REVIEW_IN_PROGRESS")))
        return cannot(request, change, "deleted");
    if (json_get_bool(change->before, "EnableTerminationProtection", false))
        return request_fail(request, ERR_VALIDATION_ERROR,
                            "Stack [%.*s] cannot be deleted while TerminationProtection is enabled",
                            STR_ARG(change->name));
    if (is_retaining && !str_eq(change->status, STR("DELETE_FAILED")))
        return request_fail(request, ERR_VALIDATION_ERROR,
                            "Invalid operation on stack [%.*s]. Stack is not in DELETE_FAILED "
                            "state to retain resources.",
                            STR_ARG(change->id));
    return OK;
}

static enum err check_exports(struct request *request, struct store_txn *txn)
{
    const struct stack_change *change = request->handler_state;
    return exports_check_removed(request->arena, txn, change->name, change->before, NULL,
                                 &request->error);
}

enum err cfn_delete_stack(struct request *request)
{
    struct stack_change *change;
    enum err rc = cfn_stack_change_new(request, request_str(request, "StackName"), false, &change);
    if (rc)
        return rc;
    /* Deleting what is not there is fine. */
    if (!change->before || str_eq(change->status, STR("DELETE_IN_PROGRESS")))
        return OK;
    rc = authorize_role(request);
    if (rc == OK)
        rc = check_deletable(request, change);
    if (rc)
        return rc;
    yyjson_mut_val *stack = copy_with_status(request, change, "DELETE_IN_PROGRESS");
    json_add_copy(json_doc(request->arena), stack, "RetainResources",
                  json_get(request->input, "RetainResources"));
    replace_role(request, stack);
    change->write = check_exports;
    change->event = "DELETE_IN_PROGRESS";
    change->is_started = true;
    return cfn_stack_change_write(request);
}

/* --- Updates that go wrong --- */

static enum err must_exist(struct request *request, const struct stack_change *change)
{
    return change->before ? OK
                          : request_fail(request, ERR_VALIDATION_ERROR,
                                         "Stack [%.*s] does not exist", STR_ARG(change->name));
}

static enum err cancel(struct request *request)
{
    struct stack_change *change = request->handler_state;
    cfn_engine_cancel(request_self(request, struct cloudformation), change->name);
    return OK;
}

enum err cfn_cancel_update_stack(struct request *request)
{
    struct stack_change *change;
    enum err rc = cfn_stack_change_new(request, request_str(request, "StackName"), false, &change);
    if (rc == OK)
        rc = must_exist(request, change);
    if (rc)
        return rc;
    if (!str_eq(change->status, STR("UPDATE_IN_PROGRESS")))
        return request_fail(request, ERR_VALIDATION_ERROR,
                            "CancelUpdateStack cannot be called from current stack status");
    yyjson_mut_doc *doc = json_doc(request->arena);
    change->after = yyjson_val_mut_copy(doc, change->before);
    yyjson_mut_obj_remove_key(change->after, "IsCancelled");
    json_add_bool(doc, change->after, "IsCancelled", true);
    change->answer = cancel;
    return cfn_stack_change_write(request);
}

enum err cfn_continue_update_rollback(struct request *request)
{
    struct stack_change *change;
    enum err rc = cfn_stack_change_new(request, request_str(request, "StackName"), false, &change);
    if (rc == OK)
        rc = must_exist(request, change);
    if (rc == OK)
        rc = authorize_role(request);
    if (rc)
        return rc;
    if (!str_eq(change->status, STR("UPDATE_ROLLBACK_FAILED")))
        return cannot(request, change, "rolled back");
    yyjson_mut_val *stack = copy_with_status(request, change, "UPDATE_ROLLBACK_IN_PROGRESS");
    yyjson_mut_obj_remove_key(stack, "ResourcesToSkip");
    json_add_copy(json_doc(request->arena), stack, "ResourcesToSkip",
                  json_get(request->input, "ResourcesToSkip"));
    replace_role(request, stack);
    change->event = "UPDATE_ROLLBACK_IN_PROGRESS";
    change->is_started = true;
    request_output(request); /* clients look for the empty result */
    return cfn_stack_change_write(request);
}

/* --- Termination protection --- */

enum err cfn_update_termination_protection(struct request *request)
{
    struct stack_change *change;
    enum err rc = cfn_stack_change_new(request, request_str(request, "StackName"), false, &change);
    if (rc == OK)
        rc = must_exist(request, change);
    /* The engine holds the document of a stack in progress. */
    if (rc == OK && str_ends(change->status, STR("_IN_PROGRESS")))
        rc = cannot(request, change, "updated");
    if (rc)
        return rc;
    yyjson_mut_doc *doc = json_doc(request->arena);
    change->after = yyjson_val_mut_copy(doc, change->before);
    yyjson_mut_obj_remove_key(change->after, "EnableTerminationProtection");
    json_add_bool(doc, change->after, "EnableTerminationProtection",
                  json_get_bool(request->input, "EnableTerminationProtection", false));
    change->answer = answer_id;
    return cfn_stack_change_write(request);
}

/* --- Finding --- */

enum err cfn_stack_of_request(struct request *request, yyjson_val **out)
{
    struct str given = request_str(request, "StackName"), text;
    struct store *store = request->skylite->store;
    bool found;
    if (!given.ptr)
        return request_fail(request, ERR_VALIDATION_ERROR,
                            "1 validation error detected: Value null at 'stackName' failed to "
                            "satisfy constraint: Member must not be null");
    enum err rc = read_document(request, cfn_stack_name(given), &text);
    yyjson_val *stack = rc == OK && text.ptr ? json_parse(request->arena, text) : NULL;
    if (rc == OK && str_starts(given, STR("arn:")) &&
        !str_eq(json_get_str(stack, "StackId"), given)) {
        rc = store_get(store, STORE_META, cfn_deleted_key(request->arena, given), request->arena,
                       &found, &text, &request->error);
        stack = rc == OK && found ? json_parse(request->arena, text) : NULL;
    }
    if (rc)
        return rc;
    if (!stack)
        return request_fail(request, ERR_VALIDATION_ERROR, "Stack with id %.*s does not exist",
                            STR_ARG(given));
    *out = stack;
    return OK;
}
