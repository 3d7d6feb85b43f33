/* CreateStack, UpdateStack and DeleteStack: checked and stored here, carried out by the engine.
 *
 * Each reads the stack and checks what is asked on the loop. The write makes sure that the stack is
 * still what was read; if not, all is done again. */
#include "services/cloudformation/stacks.h"

#include "base/clock.h"
#include "base/encode.h"

enum { MAX_NAME = 128 };

/* --- Names --- */

static enum err check_name(struct request *request, struct str *out)
{
    struct str name = request_str(request, "StackName");
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

enum err cfn_stack_change_new(struct request *request, bool is_new, struct stack_change **out)
{
    struct str given = request_str(request, "StackName"), name;
    struct stack_change *change = arena_new(request->arena, struct stack_change);
    enum err rc = OK;
    if (is_new || !given.ptr)
        rc = check_name(request, &name);
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
    if (change->write) {
        rc = change->write(request, txn);
        if (rc)
            return rc;
    }
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
    cfn_add_principal(request, doc, stack);
    change->after = stack;
    change->event = status;
    change->is_started = true;
}

/* --- Creating and updating --- */

static enum err answer_id(struct request *request)
{
    struct stack_change *change = request->handler_state;
    json_add_str(request->doc, request_output(request), "StackId", change->id);
    return OK;
}

enum err cfn_create_stack(struct request *request)
{
    struct definition definition;
    struct stack_change *change;
    enum err rc = cfn_stack_change_new(request, true, &change);
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
    change->answer = answer_id;
    return cfn_stack_change_write(request);
}

enum err cfn_check_updatable(struct request *request, const struct stack_change *change)
{
    static const char *const updatable[] = {"CREATE_COMPLETE", "UPDATE_COMPLETE",
                                            "UPDATE_ROLLBACK_COMPLETE"};
    if (!change->before)
        return request_fail(request, ERR_VALIDATION_ERROR, "Stack [%.*s] does not exist",
                            STR_ARG(change->name));
    for (size_t i = 0; i < sizeof(updatable) / sizeof(updatable[0]); i++) {
        if (str_eq(change->status, str_from(updatable[i])))
            return OK;
    }
    return request_fail(request, ERR_VALIDATION_ERROR,
                        "Stack:%.*s is in %.*s state and can not be updated.", STR_ARG(change->id),
                        STR_ARG(change->status));
}

/* Whether anything that the engine would act on differs. */
static bool is_same(const struct stack_change *change, const yyjson_val *definition)
{
    const yyjson_val *before = json_get(change->before, "Definition");
    return str_eq(json_get_str(before, "TemplateBody"), json_get_str(definition, "TemplateBody")) &&
           yyjson_equals(json_get(before, "Parameters"), json_get(definition, "Parameters"));
}

enum err cfn_update_stack(struct request *request)
{
    struct definition definition;
    struct stack_change *change;
    enum err rc = cfn_stack_change_new(request, false, &change);
    if (rc == OK)
        rc = cfn_check_updatable(request, change);
    if (rc == OK)
        rc = definition_read(request, change->name, change->id,
                             json_get(change->before, "Definition"), &definition);
    if (rc == OK && is_same(change, definition.stored))
        rc = request_fail(request, ERR_VALIDATION_ERROR, "No updates are to be performed.");
    if (rc)
        return rc;
    cfn_begin_operation(request, change, "UPDATE_IN_PROGRESS", definition.stored);
    change->answer = answer_id;
    return cfn_stack_change_write(request);
}

/* --- Deleting --- */

static void begin_deleting(struct request *request, struct stack_change *change)
{
    yyjson_mut_doc *doc = json_doc(request->arena);
    yyjson_mut_val *stack = yyjson_val_mut_copy(doc, change->before);
    yyjson_mut_obj_remove_key(stack, "StackStatus");
    yyjson_mut_obj_remove_key(stack, "Principal");
    yyjson_mut_obj_remove_key(stack, "ClientRequestToken");
    json_add_str(doc, stack, "StackStatus", STR("DELETE_IN_PROGRESS"));
    json_add_str_opt(doc, stack, "ClientRequestToken", request_str(request, "ClientRequestToken"));
    cfn_add_principal(request, doc, stack);
    change->after = stack;
    change->event = "DELETE_IN_PROGRESS";
    change->is_started = true;
}

enum err cfn_delete_stack(struct request *request)
{
    struct stack_change *change;
    enum err rc = cfn_stack_change_new(request, false, &change);
    if (rc)
        return rc;
    /* Deleting what is not there is fine. */
    if (!change->before || str_eq(change->status, STR("DELETE_IN_PROGRESS")))
        return OK;
    if (str_ends(change->status, STR("_IN_PROGRESS")))
        return request_fail(request, ERR_VALIDATION_ERROR,
                            "Stack:%.*s is in %.*s state and can not be deleted.",
                            STR_ARG(change->id), STR_ARG(change->status));
    begin_deleting(request, change);
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
