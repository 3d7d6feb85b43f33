/* The engine: makes a stack's resources what its template says, and takes back what it did when it
 * cannot. */
#include "base/log.h"
#include "services/cloudformation/definition.h"
#include "services/cloudformation/engine.h"

enum { ROLE_S = 3600 };

static struct str status_of(const struct run *run)
{
    return json_get_str(run->document, "StackStatus");
}

void run_tell_template(struct run *run, const struct record *record)
{
    struct cfn_resource *resource = cfn_template_find(&run->template, record->logical_id);
    if (!resource)
        return;
    resource->physical_id = record->physical_id;
    resource->attributes = record->attributes;
}

void run_note_failure(struct run *run, struct str logical_id)
{
    run->not_undone =
        run->not_undone.len
            ? arena_printf(&run->arena, "%.*s, %.*s", STR_ARG(run->not_undone), STR_ARG(logical_id))
            : logical_id;
}

void run_free(struct run *run)
{
    for (struct run **at = &run->cloudformation->runs; *at; at = &(*at)->next_run) {
        if (*at == run) {
            *at = run->next_run;
            break;
        }
    }
    struct arena arena = run->arena;
    arena_release(&arena);
}

/* --- Outputs --- */

/* Exports are stored before the end is: another stack may have one already. */
static enum err fill_outputs(struct run *run)
{
    yyjson_mut_doc *doc = json_doc(&run->arena);
    yyjson_mut_val *outputs;
    enum err rc = cfn_outputs(&run->template, doc, &outputs, &run->error);
    if (rc)
        return rc;
    run->outputs = json_parse(&run->arena, json_write(&run->arena, outputs));
    return OK;
}

static void take_outputs(struct run *run)
{
    yyjson_mut_doc *doc = json_doc(&run->arena);
    yyjson_mut_val *stack = yyjson_val_mut_copy(doc, run->document);
    yyjson_mut_obj_remove_key(stack, "Outputs");
    json_add_copy(doc, stack, "Outputs", run->outputs);
    run_set_document(run, stack);
}

static bool has_exports(const yyjson_val *outputs)
{
    yyjson_val *output;
    size_t i, max;
    yyjson_arr_foreach ((yyjson_val *)(uintptr_t)outputs, i, max, output) {
        if (json_get(output, "ExportName"))
            return true;
    }
    return false;
}

static void erase_exports(struct run *run)
{
    yyjson_val *output;
    size_t i, max;
    yyjson_arr_foreach (json_get(run->document, "Outputs"), i, max, output) {
        struct str name = json_get_str(output, "ExportName");
        if (name.ptr)
            run_erase(run, cfn_export_key(&run->arena, name));
    }
}

/* Those of a definition that another one (NULL: none) does not have. */
static void erase_imports(struct run *run, const yyjson_val *definition, const yyjson_val *kept)
{
    yyjson_val *name, *other;
    size_t i, max, j, count;
    yyjson_arr_foreach (json_get(definition, "Imports"), i, max, name) {
        bool is_kept = false;
        yyjson_arr_foreach (json_get(kept, "Imports"), j, count, other)
            is_kept |= yyjson_equals(name, other);
        if (!is_kept)
            run_erase(run, cfn_import_key(&run->arena, json_str(name), run->stack_name));
    }
}

/* --- From phase to phase --- */

/* The stack is what it was before the update. */
static void restore_definition(struct run *run)
{
    yyjson_mut_doc *doc = json_doc(&run->arena);
    yyjson_mut_val *stack = yyjson_val_mut_copy(doc, run->document);
    const yyjson_val *before = json_get(run->document, "Previous");
    erase_imports(run, json_get(run->document, "Definition"), before);
    yyjson_mut_obj_remove_key(stack, "Definition");
    json_add_copy(doc, stack, "Definition", before);
    run_set_document(run, stack);
}

static void forget_previous(struct run *run)
{
    yyjson_mut_val *stack = yyjson_val_mut_copy(json_doc(&run->arena), run->document);
    erase_imports(run, json_get(run->document, "Previous"), json_get(run->document, "Definition"));
    yyjson_mut_obj_remove_key(stack, "Previous");
    run_set_document(run, stack);
}

static void end(struct run *run, const char *status, struct str reason)
{
    forget_previous(run);
    run_erase_deeds(run);
    run_set_status(run, status, reason);
    run->is_ended = true;
}

/* All stays as far as it was made; what was replaced, and what replaces in vain, goes with the next
 * update. */
static void keep(struct run *run, struct str reason)
{
    for (struct deed *deed = run->deeds; deed; deed = deed->older) {
        struct record *left = deed_leftover(deed);
        if (!left || left->physical_id.len == 0)
            continue;
        deed->state = DEED_DISCARD;
        deed->after = left;
        run_put_deed(run, deed);
    }
    end(run, run->is_update ? "UPDATE_FAILED" : "CREATE_FAILED", reason);
}

void run_turn_back(struct run *run, struct str reason)
{
    struct str wanted = json_get_str(run->document, "OnFailure");
    if (str_eq(wanted, STR("DO_NOTHING"))) {
        keep(run, reason);
        return;
    }
    if (str_eq(wanted, STR("DELETE")) && !run->is_update) {
        run->phase = PHASE_DELETE;
        run_set_status(run, "DELETE_IN_PROGRESS", reason);
        return;
    }
    run->has_failed = true;
    run->phase = run->is_update ? PHASE_UNDO : PHASE_DELETE;
    run->next_undo = run->deeds;
    run_set_status(run, run->is_update ? "UPDATE_ROLLBACK_IN_PROGRESS" : "ROLLBACK_IN_PROGRESS",
                   reason);
}

/* True when the exports have to be stored first. */
static bool made(struct run *run)
{
    if (!run->outputs && fill_outputs(run)) {
        run_turn_back(run, arena_str(&run->arena, str_from(run->error.message)));
        return false;
    }
    bool is_exporting =
        has_exports(run->outputs) || has_exports(json_get(run->document, "Outputs"));
    if (is_exporting && !run->has_exported) {
        run->is_exporting = true;
        return true;
    }
    take_outputs(run);
    if (!run->is_update) {
        end(run, "CREATE_COMPLETE", STR_EMPTY);
        return false;
    }
    run->phase = PHASE_CLEAN_UP;
    run_set_status(run, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", STR_EMPTY);
    return false;
}

void run_exported(struct run *run, enum err rc)
{
    run->is_exporting = false;
    run->has_exported = rc == OK;
    if (rc)
        run_turn_back(run, arena_str(&run->arena, str_from(run->write.error.message)));
    run_advance(run);
}

static void undone(struct run *run)
{
    if (run->not_undone.len) {
        struct str reason =
            arena_printf(&run->arena, "The following resource(s) failed to update: [%.*s]. ",
                         STR_ARG(run->not_undone));
        run_set_status(run, "UPDATE_ROLLBACK_FAILED", reason);
        run->is_ended = true; /* the deeds stay */
        return;
    }
    run->phase = PHASE_CLEAN_UP;
    restore_definition(run);
    run_set_status(run, "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", STR_EMPTY);
}

static void cleaned_up(struct run *run)
{
    end(run, run->has_failed ? "UPDATE_ROLLBACK_COMPLETE" : "UPDATE_COMPLETE", STR_EMPTY);
}

static void erase_change_sets(struct run *run)
{
    struct str prefix = cfn_change_set_key(&run->arena, run->stack_name, STR_EMPTY), key, value;
    struct store_iter *iter = store_iter_new(run->cloudformation->skylite->store, STORE_META,
                                             prefix, store_prefix_end(&run->arena, prefix), false);
    while (store_iter_next(iter, &key, &value))
        run_erase(run, arena_str(&run->arena, key));
    store_iter_free(iter);
}

static void deleted(struct run *run)
{
    bool is_rollback = run->has_failed;
    if (run->not_undone.len) {
        struct str reason =
            arena_printf(&run->arena, "The following resource(s) failed to delete: [%.*s]. ",
                         STR_ARG(run->not_undone));
        run_set_status(run, is_rollback ? "ROLLBACK_FAILED" : "DELETE_FAILED", reason);
        run->is_ended = true;
        return;
    }
    erase_exports(run);
    erase_imports(run, json_get(run->document, "Definition"), NULL);
    if (!is_rollback)
        erase_change_sets(run);
    end(run, is_rollback ? "ROLLBACK_COMPLETE" : "DELETE_COMPLETE", STR_EMPTY);
}

/* True when something is to be stored before it goes on. */
static bool choose_next(struct run *run)
{
    switch (run->phase) {
    case PHASE_MAKE:
        if (make_next(run))
            return true;
        return run->phase == PHASE_MAKE && !run->is_ended && made(run);
    case PHASE_UNDO:
        if (undo_next(run))
            return true;
        undone(run);
        return false;
    case PHASE_CLEAN_UP:
        if (drop_next(run))
            return true;
        cleaned_up(run);
        return false;
    case PHASE_DELETE:
        if (drop_next(run))
            return true;
        deleted(run);
        return false;
    }
    return false;
}

void run_advance(struct run *run)
{
    while (!run->is_ended && !choose_next(run)) {
    }
    run_store(run);
}

void run_step_succeeded(struct run *run)
{
    if (run->phase == PHASE_MAKE)
        make_succeeded(run);
    else if (run->phase == PHASE_UNDO)
        undo_succeeded(run);
    else
        drop_succeeded(run);
    run_advance(run);
}

void run_step_failed(struct run *run, struct str reason)
{
    if (run->phase == PHASE_MAKE)
        make_failed(run, reason);
    else if (run->phase == PHASE_UNDO)
        undo_failed(run, reason);
    else
        drop_failed(run, reason);
    run_advance(run);
}

/* --- Starting --- */

/* The role that the stack was given, in its author's place; whom nothing is allowed when it cannot
 * be assumed any more. */
static void assume_role(struct run *run, struct str role)
{
    const struct iam_capability *iam = &run->cloudformation->skylite->iam;
    struct role_assumption asked = {.role_arn = role,
                                    .service = STR("cloudformation.amazonaws.com"),
                                    .source_arn = run->stack_id,
                                    .session_name = STR("AWSCloudFormation"),
                                    .duration_s = ROLE_S};
    struct credentials credentials;
    struct str secret;
    enum err rc =
        iam->assume_role_for_service(iam->self, &asked, &run->arena, &credentials, &run->error);
    if (rc == OK)
        rc = iam->find_key(iam->self, credentials.access_key_id, credentials.session_token,
                           &run->arena, &secret, &run->principal, &run->error);
    if (rc)
        run->principal = (struct principal){.kind = PRINCIPAL_ANONYMOUS,
                                            .account = run->principal.account,
                                            .arn = role,
                                            .name = STR_EMPTY,
                                            .session_name = STR_EMPTY,
                                            .user_id = STR_EMPTY,
                                            .access_key_id = STR_EMPTY,
                                            .session_policy = STR_EMPTY};
}

static void load_principal(struct run *run)
{
    struct str role = json_get_str(json_get(run->document, "Definition"), "RoleARN");
    yyjson_val *by = json_get(run->document, "Principal");
    int64_t kind = PRINCIPAL_ANONYMOUS;
    json_get_i64(by, "Kind", &kind);
    run->principal.kind = (enum principal_kind)kind;
    run->principal.account = json_get_str(by, "Account");
    run->principal.arn = json_get_str(by, "Arn");
    run->principal.name = json_get_str(by, "Name");
    run->principal.session_name = json_get_str(by, "SessionName");
    run->principal.user_id = json_get_str(by, "UserId");
    run->principal.access_key_id = json_get_str(by, "AccessKeyId");
    run->principal.session_policy = json_get_str(by, "SessionPolicy");
    run->principal.session_tags = json_get_str(by, "SessionTags");
    run->principal.source_identity = json_get_str(by, "SourceIdentity");
    run->principal.function_arn = json_get_str(by, "FunctionArn");
    json_get_i64(by, "IssuedMs", &run->principal.issued_ms);
    run->principal.called_via = STR("cloudformation.amazonaws.com");
    if (role.len)
        assume_role(run, role);
}

static void set_phase(struct run *run)
{
    struct str status = status_of(run);
    run->is_update = str_starts(status, STR("UPDATE_"));
    run->has_failed = str_find(status, STR("ROLLBACK")) >= 0;
    if (str_ends(status, STR("CLEANUP_IN_PROGRESS")))
        run->phase = PHASE_CLEAN_UP;
    else if (run->is_update && run->has_failed)
        run->phase = PHASE_UNDO;
    else if (run->has_failed || str_eq(status, STR("DELETE_IN_PROGRESS")))
        run->phase = PHASE_DELETE;
    else
        run->phase = PHASE_MAKE;
}

static enum err load_template(struct run *run)
{
    struct cfn_template *template = &run->template;
    *template = (struct cfn_template){.arena = &run->arena,
                                      .skylite = run->cloudformation->skylite,
                                      .stack_name = run->stack_name,
                                      .stack_id = run->stack_id};
    if (run->phase == PHASE_DELETE)
        return OK; /* what is to go is known without it */
    return definition_load(template, json_get(run->document, "Definition"), &run->error);
}

static enum err load(struct run *run)
{
    bool found;
    struct str text;
    enum err rc = store_get(run->cloudformation->skylite->store, STORE_META,
                            cfn_stack_key(&run->arena, run->stack_name), &run->arena, &found, &text,
                            &run->error);
    if (rc == OK && !found)
        rc = error_set(&run->error, ERR_INTERNAL, "the stack is gone");
    if (rc)
        return rc;
    run->document = json_parse(&run->arena, text);
    run->stack_id = json_get_str(run->document, "StackId");
    set_phase(run);
    load_principal(run);
    rc = run_load_records(run);
    if (rc == OK)
        rc = run_load_deeds(run);
    return rc ? rc : load_template(run);
}

static void begin(struct loop_task *task)
{
    struct run *run = (struct run *)((char *)task - offsetof(struct run, task));
    run->next_run = run->cloudformation->runs;
    run->cloudformation->runs = run;
    if (load(run)) {
        log_error("cloudformation", "stack %.*s: %s", STR_ARG(run->stack_name), run->error.message);
        run_free(run);
        return;
    }
    run->next_undo = run->deeds;
    run->is_cancelled = json_get_bool(run->document, "IsCancelled", false);
    run_advance(run);
}

static void start(struct cloudformation *cloudformation, struct str stack_name, bool is_resumed)
{
    struct arena arena = {0};
    struct run *run = arena_new(&arena, struct run);
    run->arena = arena;
    run->cloudformation = cloudformation;
    run->loop = cloudformation->skylite->loops[0];
    run->stack_name = arena_str(&run->arena, stack_name);
    run->changes_end = &run->changes;
    run->is_resumed = is_resumed;
    run->not_undone = STR_EMPTY;
    run->task.run = begin;
    loop_post(run->loop, &run->task);
}

void cfn_engine_start(struct cloudformation *cloudformation, struct str stack_name)
{
    start(cloudformation, stack_name, false);
}

void cfn_engine_resume(struct cloudformation *cloudformation, struct str stack_name)
{
    start(cloudformation, stack_name, true);
}

/* --- Cancelling --- */

struct cancellation {
    struct arena arena; /* holds it */
    struct cloudformation *cloudformation;
    struct str stack_name;
    struct loop_task task;
};

/* A run that has not begun yet finds it in the document. */
static void cancel(struct loop_task *task)
{
    struct cancellation *cancellation =
        (struct cancellation *)((char *)task - offsetof(struct cancellation, task));
    for (struct run *run = cancellation->cloudformation->runs; run; run = run->next_run) {
        if (str_eq(run->stack_name, cancellation->stack_name))
            run->is_cancelled = run->is_update;
    }
    struct arena arena = cancellation->arena;
    arena_release(&arena);
}

void cfn_engine_cancel(struct cloudformation *cloudformation, struct str stack_name)
{
    struct arena arena = {0};
    struct cancellation *cancellation = arena_new(&arena, struct cancellation);
    cancellation->cloudformation = cloudformation;
    cancellation->stack_name = arena_str(&arena, stack_name);
    cancellation->task.run = cancel;
    cancellation->arena = arena;
    loop_post(cloudformation->skylite->loops[0], &cancellation->task);
}
