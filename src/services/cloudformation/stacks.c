/* CreateStack, UpdateStack and DeleteStack: checked and stored here, carried out by the engine. */
#include "base/clock.h"
#include "base/encode.h"
#include "services/cloudformation/internal.h"

enum { MAX_NAME = 128 };

struct str cfn_stack_key(struct arena *arena, struct str name)
{
    return arena_printf(arena, "cloudformation/stack/%.*s", STR_ARG(name));
}

struct str cfn_resource_prefix(struct arena *arena, struct str stack_name)
{
    return arena_printf(arena, "cloudformation/resource/%.*s/", STR_ARG(stack_name));
}

struct str cfn_deleted_key(struct arena *arena, struct str stack_id)
{
    return arena_printf(arena, "cloudformation/deleted/%.*s", STR_ARG(stack_id));
}

struct str cfn_journal_prefix(struct arena *arena, struct str stack_name)
{
    return arena_printf(arena, "cloudformation/journal/%.*s/", STR_ARG(stack_name));
}

struct str cfn_receipt_prefix(struct arena *arena, struct str stack_name)
{
    return arena_printf(arena, "cloudformation/receipt/%.*s/", STR_ARG(stack_name));
}

/* --- Checks --- */

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

static bool has_capability(struct request *request, struct str wanted)
{
    yyjson_val *capability;
    size_t i, max;
    yyjson_arr_foreach (json_get(request->input, "Capabilities"), i, max, capability) {
        if (str_eq(json_str(capability), wanted))
            return true;
    }
    return false;
}

/* Templates that make roles and policies must be meant to. */
static enum err check_capabilities(struct request *request, const struct cfn_template *template)
{
    static const char *const name_properties[] = {"RoleName", "PolicyName", "ManagedPolicyName"};
    bool needs_iam = false, needs_named = false;
    for (size_t i = 0; i < template->resource_count; i++) {
        const struct cfn_resource *resource = &template->resources[i];
        if (!str_starts(resource->type, STR("AWS::IAM::")))
            continue;
        needs_iam = true;
        bool is_inline = str_eq(resource->type, STR("AWS::IAM::Policy"));
        for (size_t j = 0; j < 3 && !is_inline; j++)
            needs_named |=
                json_get(json_get(resource->definition, "Properties"), name_properties[j]) != NULL;
    }
    bool has_named = has_capability(request, STR("CAPABILITY_NAMED_IAM"));
    if (needs_named && !has_named)
        return request_fail(request, ERR_CFN_INSUFFICIENT_CAPABILITIES,
                            "Requires capabilities : [CAPABILITY_NAMED_IAM]");
    if (needs_iam && !has_named && !has_capability(request, STR("CAPABILITY_IAM")))
        return request_fail(request, ERR_CFN_INSUFFICIENT_CAPABILITIES,
                            "Requires capabilities : [CAPABILITY_IAM]");
    return OK;
}

/* The given parameters as an object; those with UsePreviousValue from the stack as it was. */
static yyjson_val *given_parameters(struct request *request, const yyjson_val *old)
{
    yyjson_mut_doc *doc = json_doc(request->arena);
    yyjson_mut_val *out = yyjson_mut_obj(doc);
    yyjson_val *parameter, *before = json_get(old, "Parameters");
    size_t i, max;
    yyjson_arr_foreach (json_get(request->input, "Parameters"), i, max, parameter) {
        char *key = arena_cstr(request->arena, json_get_str(parameter, "ParameterKey"));
        if (json_get_bool(parameter, "UsePreviousValue", false))
            json_add_copy(doc, out, key, json_get(before, key));
        else
            json_add_str_opt(doc, out, key, json_get_str(parameter, "ParameterValue"));
    }
    return json_parse(request->arena, json_write(request->arena, out));
}

/* --- Documents --- */

static void add_principal(struct request *request, yyjson_mut_doc *doc, yyjson_mut_val *stack)
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

struct stack_change {
    struct str name, id, body;
    yyjson_val *parameters; /* as given */
    yyjson_val *old;        /* NULL: a new stack */
};

static struct str new_document(struct request *request, const struct stack_change *change)
{
    static const char *const kept[] = {"Tags", "Capabilities", "NotificationARNs",
                                       "DisableRollback", "RoleARN"};
    yyjson_mut_doc *doc = json_doc(request->arena);
    yyjson_mut_val *stack = yyjson_mut_obj(doc);
    int64_t now_ms = clock_wall_ms(), created_ms = now_ms;
    json_get_i64(change->old, "CreationTimeMs", &created_ms);
    json_add_str(doc, stack, "StackName", change->name);
    json_add_str(doc, stack, "StackId", change->id);
    json_add_str(doc, stack, "StackStatus",
                 change->old ? STR("UPDATE_IN_PROGRESS") : STR("CREATE_IN_PROGRESS"));
    json_add_i64(doc, stack, "CreationTimeMs", created_ms);
    if (change->old)
        json_add_i64(doc, stack, "LastUpdatedTimeMs", now_ms);
    json_add_str(doc, stack, "TemplateBody", change->body);
    json_add_copy(doc, stack, "Parameters", change->parameters);
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
        json_add_copy(doc, stack, kept[i], json_get(request->input, kept[i]));
    json_add_copy(doc, stack, "Outputs", json_get(change->old, "Outputs"));
    add_principal(request, doc, stack);
    return json_write(request->arena, stack);
}

/* Of the stack itself. */
static void put_event(struct request *request, struct store_txn *txn, struct str name,
                      struct str id, const char *status)
{
    struct cfn_event event = {
        .stack_id = id,
        .stack_name = name,
        .logical_id = name,
        .physical_id = id,
        .type = STR("AWS::CloudFormation::Stack"),
        .status = str_from(status),
        .reason = STR("User Initiated"),
        .token = request_str(request, "ClientRequestToken"),
    };
    struct str key, value = cfn_event_new(request->arena, &event, &key);
    store_txn_put(txn, STORE_META, key, value);
}

static enum err load_stack(struct request *request, struct store_txn *txn, struct str name,
                           yyjson_val **out)
{
    bool found;
    struct str text;
    enum err rc = store_txn_get(txn, STORE_META, cfn_stack_key(request->arena, name),
                                request->arena, &found, &text, &request->error);
    if (rc == OK)
        *out = found ? json_parse(request->arena, text) : NULL;
    return rc;
}

/* --- Creating and updating --- */

static enum err check_template(struct request *request, struct stack_change *change)
{
    struct cfn_template template = {.arena = request->arena,
                                    .skylite = request->skylite,
                                    .stack_name = change->name,
                                    .stack_id = change->id};
    enum err rc = cfn_template_parse(&template, change->body, &request->error);
    if (rc == OK)
        rc = cfn_template_set_parameters(&template, change->parameters, &request->error);
    if (rc == OK)
        rc = cfn_template_sort(&template, &request->error);
    return rc ? rc : check_capabilities(request, &template);
}

static enum err write_created(struct request *request, struct store_txn *txn)
{
    struct stack_change *change = request->handler_state;
    yyjson_val *existing;
    enum err rc = load_stack(request, txn, change->name, &existing);
    if (rc == OK && existing)
        rc = request_fail(request, ERR_CFN_ALREADY_EXISTS, "Stack [%.*s] already exists",
                          STR_ARG(change->name));
    if (rc)
        return rc;
    store_txn_put(txn, STORE_META, cfn_stack_key(request->arena, change->name),
                  new_document(request, change));
    put_event(request, txn, change->name, change->id, "CREATE_IN_PROGRESS");
    return OK;
}

static enum err started(struct request *request)
{
    struct stack_change *change = request->handler_state;
    cfn_engine_start(request_self(request, struct cloudformation), change->name);
    json_add_str(request->doc, request_output(request), "StackId", change->id);
    return OK;
}

static enum err template_body(struct request *request, const yyjson_val *old, struct str *out)
{
    *out = request_str(request, "TemplateBody");
    if (!out->ptr && json_get_bool(request->input, "UsePreviousTemplate", false))
        *out = json_get_str(old, "TemplateBody");
    if (out->ptr)
        return OK;
    return request_fail(request, ERR_VALIDATION_ERROR,
                        request_str(request, "TemplateURL").ptr
                            ? "TemplateURL is not supported: send the template in TemplateBody"
                            : "Either Template URL or Template Body must be specified.");
}

enum err cfn_create_stack(struct request *request)
{
    struct stack_change *change = arena_new(request->arena, struct stack_change);
    enum err rc = check_name(request, &change->name);
    if (rc == OK)
        rc = template_body(request, NULL, &change->body);
    if (rc)
        return rc;
    struct str suffix = arena_printf(request->arena, "stack/%.*s/%.*s", STR_ARG(change->name),
                                     STR_ARG(random_uuid(request->arena)));
    change->id = skylite_arn(request->skylite, request->arena, "cloudformation", suffix);
    change->parameters = given_parameters(request, NULL);
    rc = check_template(request, change);
    request->handler_state = change;
    return rc ? rc : request_write(request, write_created, started);
}

static bool is_updatable(struct str status)
{
    return str_eq(status, STR("CREATE_COMPLETE")) || str_eq(status, STR("UPDATE_COMPLETE")) ||
           str_eq(status, STR("UPDATE_ROLLBACK_COMPLETE"));
}

/* Whether anything that the engine would act on differs. */
static bool is_same(const struct stack_change *change)
{
    yyjson_val *before = json_get(change->old, "Parameters");
    return str_eq(change->body, json_get_str(change->old, "TemplateBody")) &&
           yyjson_equals(before, change->parameters) &&
           !str_eq(json_get_str(change->old, "StackStatus"), STR("UPDATE_ROLLBACK_COMPLETE"));
}

static enum err write_updated(struct request *request, struct store_txn *txn)
{
    struct stack_change *change = request->handler_state;
    enum err rc = load_stack(request, txn, change->name, &change->old);
    if (rc == OK && !change->old)
        rc = request_fail(request, ERR_VALIDATION_ERROR, "Stack [%.*s] does not exist",
                          STR_ARG(change->name));
    if (rc)
        return rc;
    struct str status = json_get_str(change->old, "StackStatus");
    change->id = json_get_str(change->old, "StackId");
    if (!is_updatable(status))
        return request_fail(request, ERR_VALIDATION_ERROR,
                            "Stack:%.*s is in %.*s state and can not be updated.",
                            STR_ARG(change->id), STR_ARG(status));
    rc = template_body(request, change->old, &change->body);
    if (rc)
        return rc;
    change->parameters = given_parameters(request, change->old);
    rc = check_template(request, change);
    if (rc == OK && is_same(change))
        rc = request_fail(request, ERR_VALIDATION_ERROR, "No updates are to be performed.");
    if (rc)
        return rc;
    store_txn_put(txn, STORE_META, cfn_stack_key(request->arena, change->name),
                  new_document(request, change));
    put_event(request, txn, change->name, change->id, "UPDATE_IN_PROGRESS");
    return OK;
}

/* The name in a name or an id ("arn:aws:cloudformation:...:stack/NAME/UUID"). */
static struct str name_of(struct str name_or_id)
{
    ptrdiff_t at = str_find(name_or_id, STR(":stack/"));
    struct str rest = at < 0 ? name_or_id : str_slice(name_or_id, (size_t)at + 7, name_or_id.len);
    struct str name;
    str_cut(&rest, '/', &name);
    return name;
}

/* Has a change of the stack that "StackName" means written, then gone on with. */
static enum err change_existing(struct request *request,
                                enum err (*write)(struct request *request, struct store_txn *txn),
                                enum err (*after)(struct request *request))
{
    struct stack_change *change = arena_new(request->arena, struct stack_change);
    struct str given = request_str(request, "StackName");
    if (!given.ptr)
        return check_name(request, &change->name);
    change->name = name_of(given);
    request->handler_state = change;
    return request_write(request, write, after);
}

enum err cfn_update_stack(struct request *request)
{
    return change_existing(request, write_updated, started);
}

/* --- Deleting --- */

static enum err write_deleting(struct request *request, struct store_txn *txn)
{
    struct stack_change *change = request->handler_state;
    enum err rc = load_stack(request, txn, change->name, &change->old);
    if (rc || !change->old)
        return rc; /* deleting what is not there is fine */
    struct str status = json_get_str(change->old, "StackStatus");
    change->id = json_get_str(change->old, "StackId");
    if (str_eq(status, STR("DELETE_IN_PROGRESS"))) {
        change->old = NULL;
        return OK;
    }
    if (str_ends(status, STR("_IN_PROGRESS")))
        return request_fail(request, ERR_VALIDATION_ERROR,
                            "Stack:%.*s is in %.*s state and can not be deleted.",
                            STR_ARG(change->id), STR_ARG(status));
    yyjson_mut_doc *doc = json_doc(request->arena);
    yyjson_mut_val *stack = yyjson_val_mut_copy(doc, change->old);
    yyjson_mut_obj_remove_key(stack, "StackStatus");
    yyjson_mut_obj_remove_key(stack, "Principal");
    json_add_str(doc, stack, "StackStatus", STR("DELETE_IN_PROGRESS"));
    add_principal(request, doc, stack);
    store_txn_put(txn, STORE_META, cfn_stack_key(request->arena, change->name),
                  json_write(request->arena, stack));
    put_event(request, txn, change->name, change->id, "DELETE_IN_PROGRESS");
    return OK;
}

static enum err deleting(struct request *request)
{
    struct stack_change *change = request->handler_state;
    if (change->old)
        cfn_engine_start(request_self(request, struct cloudformation), change->name);
    return OK;
}

enum err cfn_delete_stack(struct request *request)
{
    return change_existing(request, write_deleting, deleting);
}

enum err cfn_stack_of_request(struct request *request, yyjson_val **out)
{
    struct str given = request_str(request, "StackName"), text;
    struct store *store = request->skylite->store;
    bool found;
    if (!given.ptr)
        return request_fail(request, ERR_VALIDATION_ERROR,
                            "1 validation error detected: Value null at 'stackName' failed to "
                            "satisfy constraint: Member must not be null");
    bool is_id = str_starts(given, STR("arn:"));
    enum err rc = store_get(store, STORE_META, cfn_stack_key(request->arena, name_of(given)),
                            request->arena, &found, &text, &request->error);
    yyjson_val *stack = rc == OK && found ? json_parse(request->arena, text) : NULL;
    if (rc == OK && is_id && (!stack || !str_eq(json_get_str(stack, "StackId"), given))) {
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
