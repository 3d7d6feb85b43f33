/* The engine: makes a stack's resources what its template says, and takes back what it did when it
 * cannot. */
#include "base/log.h"
#include "services/cloudformation/definition.h"
#include "services/cloudformation/engine.h"

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
    struct arena arena = run->arena;
    arena_release(&arena);
}

/* --- Outputs --- */

static enum err add_output(struct run *run, yyjson_mut_doc *doc, yyjson_mut_val *list,
                           yyjson_val *name, yyjson_val *output)
{
    struct str condition = json_get_str(output, "Condition");
    bool holds = true;
    yyjson_mut_val *value = NULL;
    enum err rc = OK;
    if (condition.ptr)
        rc = cfn_condition_holds(&run->template, condition, &holds, &run->error);
    if (rc == OK && holds)
        rc = cfn_resolve(&run->template, json_get(output, "Value"), doc, &value, &run->error);
    if (rc || !value)
        return rc;
    yyjson_mut_val *one = yyjson_mut_obj(doc);
    json_add_str(doc, one, "OutputKey", json_str(name));
    if (yyjson_mut_is_str(value))
        json_add(doc, one, "OutputValue", value);
    else
        json_add_str(doc, one, "OutputValue", json_write(&run->arena, value));
    json_add_copy(doc, one, "Description", json_get(output, "Description"));
    yyjson_mut_arr_append(list, one);
    return OK;
}

static enum err fill_outputs(struct run *run)
{
    yyjson_val *key, *output;
    yyjson_mut_doc *doc = json_doc(&run->arena);
    yyjson_mut_val *stack = yyjson_val_mut_copy(doc, run->document);
    yyjson_mut_obj_remove_key(stack, "Outputs");
    yyjson_mut_val *list = json_add_arr(doc, stack, "Outputs");
    size_t i, max;
    yyjson_obj_foreach (json_get(run->template.root, "Outputs"), i, max, key, output) {
        enum err rc = add_output(run, doc, list, key, output);
        if (rc)
            return rc;
    }
    run_set_document(run, stack);
    return OK;
}

/* --- From phase to phase --- */

/* The stack is what it was before the update. */
static void restore_definition(struct run *run)
{
    yyjson_mut_doc *doc = json_doc(&run->arena);
    yyjson_mut_val *stack = yyjson_val_mut_copy(doc, run->document);
    yyjson_mut_obj_remove_key(stack, "Definition");
    json_add_copy(doc, stack, "Definition", json_get(run->document, "Previous"));
    run_set_document(run, stack);
}

static void forget_previous(struct run *run)
{
    yyjson_mut_val *stack = yyjson_val_mut_copy(json_doc(&run->arena), run->document);
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

void run_turn_back(struct run *run, struct str reason)
{
    run->has_failed = true;
    run->phase = run->is_update ? PHASE_UNDO : PHASE_DELETE;
    run->next_undo = run->deeds;
    run_set_status(run, run->is_update ? "UPDATE_ROLLBACK_IN_PROGRESS" : "ROLLBACK_IN_PROGRESS",
                   reason);
}

static void made(struct run *run)
{
    if (fill_outputs(run)) {
        run_turn_back(run, arena_str(&run->arena, str_from(run->error.message)));
        return;
    }
    if (!run->is_update) {
        end(run, "CREATE_COMPLETE", STR_EMPTY);
        return;
    }
    run->phase = PHASE_CLEAN_UP;
    run_set_status(run, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", STR_EMPTY);
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
    end(run, is_rollback ? "ROLLBACK_COMPLETE" : "DELETE_COMPLETE", STR_EMPTY);
}

/* True when a step is ready. */
static bool choose_next(struct run *run)
{
    switch (run->phase) {
    case PHASE_MAKE:
        if (make_next(run))
            return true;
        if (run->phase == PHASE_MAKE)
            made(run);
        return false;
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

static void load_principal(struct run *run)
{
    yyjson_val *by = json_get(run->document, "Principal");
    int64_t kind = PRINCIPAL_ROOT;
    json_get_i64(by, "Kind", &kind);
    run->principal.kind = (enum principal_kind)kind;
    run->principal.account = json_get_str(by, "Account");
    run->principal.arn = json_get_str(by, "Arn");
    run->principal.name = json_get_str(by, "Name");
    run->principal.session_name = json_get_str(by, "SessionName");
    run->principal.user_id = json_get_str(by, "UserId");
    run->principal.access_key_id = json_get_str(by, "AccessKeyId");
    run->principal.session_policy = json_get_str(by, "SessionPolicy");
}

static enum err load_template(struct run *run)
{
    struct cfn_template *template = &run->template;
    *template = (struct cfn_template){.arena = &run->arena,
                                      .skylite = run->cloudformation->skylite,
                                      .stack_name = run->stack_name,
                                      .stack_id = run->stack_id};
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
    load_principal(run);
    rc = run_load_records(run);
    if (rc == OK)
        rc = run_load_deeds(run);
    return rc ? rc : load_template(run);
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
    run->next_undo = run->deeds;
}

static void begin(struct loop_task *task)
{
    struct run *run = (struct run *)((char *)task - offsetof(struct run, task));
    if (load(run)) {
        log_error("cloudformation", "stack %.*s: %s", STR_ARG(run->stack_name), run->error.message);
        run_free(run);
        return;
    }
    set_phase(run);
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
