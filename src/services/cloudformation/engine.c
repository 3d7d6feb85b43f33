/* The engine: makes a stack's resources what its template says, one call after the other, and
 * takes back what it did when one fails.
 *
 * An operation runs on the first loop, whatever loop asked for it. Its state is the stack's
 * document and those of its resources; each step is stored before the next one begins. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/log.h"
#include "services/cloudformation/internal.h"

/* A resource as it is stored. */
struct record {
    struct str logical_id, type, physical_id, status;
    yyjson_val *properties, *attributes;
    bool is_retained;
    int64_t index; /* order of creation */
    struct record *next;
};

enum phase {
    PHASE_MAKE,     /* creating and updating, in the template's order */
    PHASE_CLEAN_UP, /* after success: what is not wanted any more */
    PHASE_UNDO,     /* after a failure: newest first */
    PHASE_DELETE,   /* the whole stack */
    PHASE_END,
};

/* What was done, so that it can be undone. */
struct deed {
    struct record *made;   /* the resource as it is now */
    struct record *before; /* as it was; NULL: it is new */
    bool is_replacement;
    struct deed *older;
};

/* What a step does to one resource. */
enum action { ACTION_CREATE, ACTION_UPDATE, ACTION_DELETE };

struct run {
    struct arena arena;
    struct cloudformation *cloudformation;
    struct loop *loop;
    struct loop_task task;
    struct store_write write;
    struct error error;

    struct str stack_name, stack_id;
    yyjson_val *document;
    struct principal principal;
    struct cfn_template template;
    struct record *records; /* all that exist */
    struct deed *deeds;     /* newest first */
    struct record **doomed; /* to delete: newest first */
    size_t doomed_count, doomed_next;
    size_t next; /* resource of the template */
    int64_t next_index;
    bool is_update;
    enum phase phase;
    struct str failure; /* why the operation failed; empty while it has not */
    bool has_undo_failed;

    /* The step under way. */
    enum action action;
    struct cfn_step step;
    const struct cfn_type *type;
    struct record *record; /* that is made, changed or deleted */
    struct record *before; /* of an update or replacement */
    bool is_replacement;
    unsigned call_index;

    /* What the next write stores. */
    struct record *to_store, *to_erase, *event_record;
    struct str stack_status; /* a NULL pointer: unchanged */
    struct str event_status, event_reason;
    unsigned event_count;
};

static void advance(struct run *run);
static void next_call(struct run *run);

/* --- Documents --- */

static yyjson_mut_val *record_to_json(struct run *run, yyjson_mut_doc *doc, struct record *record)
{
    (void)run;
    yyjson_mut_val *out = yyjson_mut_obj(doc);
    json_add_str(doc, out, "LogicalResourceId", record->logical_id);
    json_add_str(doc, out, "PhysicalResourceId", record->physical_id);
    json_add_str(doc, out, "ResourceType", record->type);
    json_add_str(doc, out, "ResourceStatus", record->status);
    json_add_i64(doc, out, "TimeMs", clock_wall_ms());
    json_add_i64(doc, out, "Index", record->index);
    json_add_bool(doc, out, "IsRetained", record->is_retained);
    json_add_copy(doc, out, "Properties", record->properties);
    json_add_copy(doc, out, "Attributes", record->attributes);
    return out;
}

static struct record *record_from_json(struct run *run, struct str text)
{
    struct record *record = arena_new(&run->arena, struct record);
    yyjson_val *document = json_parse(&run->arena, text);
    record->logical_id = json_get_str(document, "LogicalResourceId");
    record->physical_id = json_get_str(document, "PhysicalResourceId");
    record->type = json_get_str(document, "ResourceType");
    record->status = json_get_str(document, "ResourceStatus");
    record->properties = json_get(document, "Properties");
    record->attributes = json_get(document, "Attributes");
    record->is_retained = json_get_bool(document, "IsRetained", false);
    json_get_i64(document, "Index", &record->index);
    return record;
}

static struct record *find_record(struct run *run, struct str logical_id)
{
    for (struct record *record = run->records; record; record = record->next) {
        if (str_eq(record->logical_id, logical_id))
            return record;
    }
    return NULL;
}

static void unlink_record(struct run *run, const struct record *record)
{
    for (struct record **at = &run->records; *at; at = &(*at)->next) {
        if (*at == record) {
            *at = record->next;
            return;
        }
    }
}

static void link_record(struct run *run, struct record *record)
{
    record->next = run->records;
    run->records = record;
}

/* --- Storing a step --- */

static void put_event(struct run *run, struct store_txn *txn, struct str logical_id,
                      struct str physical_id, struct str type)
{
    struct arena *arena = &run->arena;
    yyjson_mut_doc *doc = json_doc(arena);
    yyjson_mut_val *event = yyjson_mut_obj(doc);
    int64_t now_ms = clock_wall_ms();
    json_add_str(doc, event, "EventId", random_uuid(arena));
    json_add_str(doc, event, "StackId", run->stack_id);
    json_add_str(doc, event, "StackName", run->stack_name);
    json_add_str(doc, event, "LogicalResourceId", logical_id);
    json_add_str(doc, event, "PhysicalResourceId", physical_id.ptr ? physical_id : STR_EMPTY);
    json_add_str(doc, event, "ResourceType", type);
    json_add_i64(doc, event, "TimeMs", now_ms);
    json_add_str(doc, event, "ResourceStatus", run->event_status);
    if (run->event_reason.len)
        json_add_str(doc, event, "ResourceStatusReason", run->event_reason);
    /* Later ones sort first. */
    struct str prefix = cfn_event_prefix(arena, run->stack_id);
    struct str key =
        arena_printf(arena, "%.*s%016llx%08x", STR_ARG(prefix),
                     (unsigned long long)(INT64_MAX - now_ms), UINT32_MAX - run->event_count++);
    store_txn_put(txn, STORE_META, key, json_write(arena, event));
}

static struct str record_key(struct run *run, const struct record *record)
{
    struct str prefix = cfn_resource_prefix(&run->arena, run->stack_name);
    return arena_printf(&run->arena, "%.*s%.*s", STR_ARG(prefix), STR_ARG(record->logical_id));
}

static void put_stack(struct run *run, struct store_txn *txn)
{
    struct arena *arena = &run->arena;
    yyjson_mut_doc *doc = json_doc(arena);
    yyjson_mut_val *stack = yyjson_val_mut_copy(doc, run->document);
    yyjson_mut_obj_remove_key(stack, "StackStatus");
    yyjson_mut_obj_remove_key(stack, "StackStatusReason");
    json_add_str(doc, stack, "StackStatus", run->stack_status);
    if (run->event_reason.len)
        json_add_str(doc, stack, "StackStatusReason", run->event_reason);
    if (str_eq(run->stack_status, STR("DELETE_COMPLETE"))) {
        json_add_i64(doc, stack, "DeletionTimeMs", clock_wall_ms());
        store_txn_delete(txn, STORE_META, cfn_stack_key(arena, run->stack_name));
        store_txn_put(txn, STORE_META, cfn_deleted_key(arena, run->stack_id),
                      json_write(arena, stack));
        return;
    }
    store_txn_put(txn, STORE_META, cfn_stack_key(arena, run->stack_name), json_write(arena, stack));
}

static enum err store_step(struct store_txn *txn, struct store_write *write, struct error *error)
{
    (void)error;
    struct run *run = write->arg;
    struct record *record = run->event_record;
    if (run->to_erase)
        store_txn_delete(txn, STORE_META, record_key(run, run->to_erase));
    if (run->to_store) {
        yyjson_mut_doc *doc = json_doc(&run->arena);
        store_txn_put(txn, STORE_META, record_key(run, run->to_store),
                      json_write(&run->arena, record_to_json(run, doc, run->to_store)));
    }
    if (record)
        put_event(run, txn, record->logical_id, record->physical_id, record->type);
    if (run->stack_status.ptr) {
        put_stack(run, txn);
        if (!record)
            put_event(run, txn, run->stack_name, run->stack_id, STR("AWS::CloudFormation::Stack"));
    }
    return OK;
}

static void stored(struct loop_task *task)
{
    struct run *run = (struct run *)((char *)task - offsetof(struct run, task));
    if (run->write.rc)
        log_error("cloudformation", "stack %.*s: %s", STR_ARG(run->stack_name),
                  run->write.error.message);
    run->to_store = run->to_erase = run->event_record = NULL;
    run->stack_status = (struct str){NULL, 0};
    run->event_reason = STR_EMPTY;
    advance(run);
}

static void store_done(struct store_write *write)
{
    struct run *run = write->arg;
    run->task.run = stored;
    loop_post(run->loop, &run->task);
}

/* Stores what is set in `run`, then goes on. */
static void store_and_advance(struct run *run)
{
    run->write = (struct store_write){.run = store_step, .done = store_done, .arg = run};
    store_submit(run->cloudformation->skylite->store, &run->write);
}

static void set_stack_status(struct run *run, const char *status, struct str reason)
{
    run->stack_status = str_from(status);
    run->event_status = run->stack_status;
    run->event_reason = reason;
    store_and_advance(run);
}

/* --- One step --- */

static void tell_template(struct run *run, const struct record *record)
{
    struct cfn_resource *resource = cfn_template_find(&run->template, record->logical_id);
    if (!resource)
        return;
    resource->physical_id = record->physical_id;
    resource->attributes = record->attributes;
}

static yyjson_val *to_immutable(struct run *run, yyjson_mut_val *value)
{
    return value ? json_parse(&run->arena, json_write(&run->arena, value)) : NULL;
}

/* A new stack goes altogether, also what an earlier run of the server made of it. */
static void turn_back(struct run *run)
{
    run->phase = run->is_update ? PHASE_UNDO : PHASE_DELETE;
    run->doomed = NULL;
}

static void remember_deed(struct run *run, bool is_replacement)
{
    struct deed *deed = arena_new(&run->arena, struct deed);
    *deed = (struct deed){run->record, run->before, is_replacement, run->deeds};
    run->deeds = deed;
    if (run->before)
        unlink_record(run, run->before);
    link_record(run, run->record);
}

static void step_succeeded(struct run *run)
{
    struct record *record = run->record;
    if (run->action == ACTION_DELETE) {
        if (find_record(run, record->logical_id) == record) {
            unlink_record(run, record);
            run->to_erase = record;
        }
        run->event_status = STR("DELETE_COMPLETE");
    } else {
        bool is_new = run->action == ACTION_CREATE;
        record->physical_id = run->step.physical_id.ptr ? run->step.physical_id : STR_EMPTY;
        if (is_new)
            record->attributes = to_immutable(run, run->step.attributes);
        record->status = is_new && !run->before ? STR("CREATE_COMPLETE") : STR("UPDATE_COMPLETE");
        tell_template(run, record);
        if (run->phase == PHASE_MAKE) {
            remember_deed(run, run->is_replacement);
        } else {
            if (run->before)
                unlink_record(run, run->before);
            link_record(run, record);
        }
        run->to_store = record;
        run->event_status = record->status;
    }
    run->event_record = record;
    store_and_advance(run);
}

static void step_failed(struct run *run, struct str reason)
{
    static const char *const statuses[] = {"CREATE_FAILED", "UPDATE_FAILED", "DELETE_FAILED"};
    struct record *record = run->record;
    reason = arena_str(&run->arena, reason);
    record->status = str_from(statuses[run->action]);
    if (run->phase == PHASE_MAKE && !run->failure.len)
        run->failure = arena_printf(&run->arena, "The following resource(s) failed to %s: [%.*s]. ",
                                    run->action == ACTION_CREATE ? "create" : "update",
                                    STR_ARG(record->logical_id));
    else
        run->has_undo_failed = true;
    /* What was half made is there to be deleted, what was half changed to be changed back. */
    bool was_tried = run->step.template != NULL;
    if (was_tried && run->action == ACTION_CREATE && run->step.physical_id.ptr) {
        record->physical_id = run->step.physical_id;
        remember_deed(run, run->is_replacement);
    } else if (was_tried && run->action == ACTION_UPDATE && run->phase == PHASE_MAKE) {
        remember_deed(run, false);
    }
    if (find_record(run, record->logical_id) == record)
        run->to_store = record;
    run->event_record = record;
    run->event_status = record->status;
    run->event_reason = reason;
    if (run->phase == PHASE_MAKE)
        turn_back(run);
    store_and_advance(run);
}

static void call_done(void *arg, enum err rc, const struct error *error, yyjson_mut_val *output)
{
    struct run *run = arg;
    bool is_gone = run->action == ACTION_DELETE && rc && cfn_is_missing(rc);
    if (rc && !is_gone) {
        step_failed(run, str_from(error->message));
        return;
    }
    if (run->action == ACTION_CREATE && run->type->created)
        run->type->created(&run->step, run->call_index, output);
    run->call_index++;
    next_call(run);
}

static void next_call(struct run *run)
{
    struct cfn_call call = {0};
    cfn_call_fn give = run->action == ACTION_CREATE   ? run->type->create
                       : run->action == ACTION_UPDATE ? run->type->update
                                                      : run->type->remove;
    enum err rc = give(&run->step, run->call_index, &call);
    if (rc) {
        step_failed(run, str_from(run->error.message));
        return;
    }
    if (!call.operation) {
        step_succeeded(run);
        return;
    }
    call_operation(run->cloudformation->skylite, run->loop, &run->principal, call.service,
                   call.operation, call.input, call_done, run);
}

static void start_step(struct run *run, enum action action, struct record *record,
                       struct record *before)
{
    run->action = action;
    run->record = record;
    run->before = before;
    run->call_index = 0;
    run->type = cfn_type_find(record->type);
    run->step = (struct cfn_step){
        .arena = &run->arena,
        .doc = json_doc(&run->arena),
        .template = &run->template,
        .logical_id = record->logical_id,
        .properties = record->properties,
        .old_properties = before ? before->properties : NULL,
        .error = &run->error,
    };
    run->step.attributes = yyjson_mut_obj(run->step.doc);
    if (action != ACTION_CREATE)
        run->step.physical_id = record->physical_id;
    next_call(run);
}

/* --- Making --- */

static bool is_retained(const struct cfn_resource *resource)
{
    return str_eq(json_get_str(resource->definition, "DeletionPolicy"), STR("Retain"));
}

static struct record *wanted_record(struct run *run, struct cfn_resource *resource)
{
    struct record *record = arena_new(&run->arena, struct record);
    yyjson_mut_doc *doc = json_doc(&run->arena);
    yyjson_mut_val *properties = NULL;
    record->logical_id = resource->logical_id;
    record->type = resource->type;
    record->physical_id = STR_EMPTY;
    record->is_retained = is_retained(resource);
    record->index = run->next_index++;
    yyjson_val *given = json_get(resource->definition, "Properties");
    enum err rc = given ? cfn_resolve(&run->template, given, doc, &properties, &run->error) : OK;
    record->properties =
        json_parse(&run->arena, properties ? json_write(&run->arena, properties) : STR("{}"));
    if (rc == OK)
        rc = cfn_check_properties(cfn_type_find(record->type), record->properties, &run->error);
    return rc ? NULL : record;
}

static bool same_json(const yyjson_val *a, const yyjson_val *b)
{
    return yyjson_equals((yyjson_val *)(uintptr_t)a, (yyjson_val *)(uintptr_t)b);
}

/* A replacement lives beside the old one for a while, so it cannot have the same given name. */
static bool name_collides(const struct cfn_type *type, const struct record *wanted,
                          const struct record *before)
{
    if (!type->name_property)
        return false;
    struct str name = json_get_str(wanted->properties, type->name_property);
    return name.ptr && str_eq(name, before->physical_id);
}

static void change_resource(struct run *run, struct record *wanted, struct record *before)
{
    const struct cfn_type *type = cfn_type_find(wanted->type);
    struct cfn_step probe = {.properties = wanted->properties,
                             .old_properties = before->properties};
    bool is_replaced = !str_eq(wanted->type, before->type) || !type->update ||
                       (type->needs_replacement && type->needs_replacement(&probe));
    wanted->index = before->index;
    run->is_replacement = is_replaced;
    if (is_replaced && name_collides(type, wanted, before)) {
        run->action = ACTION_UPDATE;
        run->record = wanted;
        run->before = before;
        run->step = (struct cfn_step){0};
        wanted->physical_id = before->physical_id;
        wanted->attributes = before->attributes;
        wanted->properties = before->properties;
        step_failed(run, arena_printf(&run->arena,
                                      "CloudFormation cannot update a stack when a custom-named "
                                      "resource requires replacing. Rename %.*s and update the "
                                      "stack again.",
                                      STR_ARG(before->physical_id)));
        return;
    }
    if (!is_replaced) {
        wanted->physical_id = before->physical_id;
        wanted->attributes = before->attributes;
    } else {
        wanted->index = run->next_index++;
    }
    start_step(run, is_replaced ? ACTION_CREATE : ACTION_UPDATE, wanted, before);
}

static void make_next(struct run *run)
{
    while (run->next < run->template.resource_count) {
        struct cfn_resource *resource = &run->template.resources[run->next++];
        struct record *before = find_record(run, resource->logical_id);
        struct record *wanted = wanted_record(run, resource);
        run->is_replacement = false;
        if (!wanted) {
            struct record *failed = before ? before : arena_new(&run->arena, struct record);
            struct str reason = str_from(run->error.message);
            if (!before)
                *failed = (struct record){.logical_id = resource->logical_id,
                                          .type = resource->type,
                                          .physical_id = STR_EMPTY};
            run->action = ACTION_CREATE;
            run->record = failed;
            run->before = before;
            run->step = (struct cfn_step){0};
            step_failed(run, reason);
            return;
        }
        if (!before) {
            start_step(run, ACTION_CREATE, wanted, NULL);
            return;
        }
        if (!same_json(wanted->properties, before->properties) ||
            !str_eq(wanted->type, before->type)) {
            change_resource(run, wanted, before);
            return;
        }
        before->is_retained = wanted->is_retained;
        tell_template(run, before);
    }
    run->phase = PHASE_CLEAN_UP;
    advance(run);
}

/* --- Deleting --- */

static int newest_first(const void *a, const void *b)
{
    const struct record *x = *(struct record *const *)a, *y = *(struct record *const *)b;
    return (x->index < y->index) - (x->index > y->index);
}

/* Fills the list of what is to be deleted: all, or (after an update) what the template does not
 * have any more and what was replaced. */
static void choose_doomed(struct run *run, bool is_all)
{
    size_t count = 0;
    for (struct record *record = run->records; record; record = record->next)
        count++;
    for (struct deed *deed = run->deeds; deed; deed = deed->older)
        count++;
    run->doomed = arena_array(&run->arena, struct record *, count + 1);
    run->doomed_count = run->doomed_next = 0;
    for (struct record *record = run->records; record; record = record->next) {
        if (is_all || !cfn_template_find(&run->template, record->logical_id))
            run->doomed[run->doomed_count++] = record;
    }
    for (struct deed *deed = is_all ? NULL : run->deeds; deed; deed = deed->older) {
        if (deed->is_replacement && deed->before)
            run->doomed[run->doomed_count++] = deed->before;
    }
    qsort(run->doomed, run->doomed_count, sizeof(*run->doomed), newest_first);
}

/* False when there is nothing left to delete. */
static bool delete_next(struct run *run)
{
    while (run->doomed_next < run->doomed_count) {
        struct record *record = run->doomed[run->doomed_next++];
        if (record->is_retained) {
            run->action = ACTION_DELETE;
            run->record = record;
            run->event_reason = STR_EMPTY;
            if (find_record(run, record->logical_id) == record)
                unlink_record(run, record);
            run->to_erase = run->event_record = record;
            run->event_status = STR("DELETE_SKIPPED");
            store_and_advance(run);
            return true;
        }
        start_step(run, ACTION_DELETE, record, NULL);
        return true;
    }
    return false;
}

/* --- Undoing --- */

static void undo_next(struct run *run)
{
    struct deed *deed = run->deeds;
    if (!deed) {
        run->phase = PHASE_END;
        advance(run);
        return;
    }
    run->deeds = deed->older;
    if (deed->before && !deed->is_replacement) {
        /* The properties as they were become the wanted ones again. */
        struct record *restored = arena_new(&run->arena, struct record);
        *restored = *deed->before;
        start_step(run, ACTION_UPDATE, restored, deed->made);
        return;
    }
    if (deed->before) { /* the old one is still there */
        unlink_record(run, deed->made);
        link_record(run, deed->before);
        run->to_store = deed->before;
    }
    start_step(run, ACTION_DELETE, deed->made, NULL);
}

/* --- The whole --- */

static enum err fill_outputs(struct run *run)
{
    yyjson_val *declared = json_get(run->template.root, "Outputs"), *key, *output;
    yyjson_mut_doc *doc = json_doc(&run->arena);
    yyjson_mut_val *stack = yyjson_val_mut_copy(doc, run->document);
    yyjson_mut_obj_remove_key(stack, "Outputs");
    yyjson_mut_val *list = json_add_arr(doc, stack, "Outputs");
    size_t i, max;
    yyjson_obj_foreach (declared, i, max, key, output) {
        struct str condition = json_get_str(output, "Condition");
        bool holds = true;
        yyjson_mut_val *value = NULL;
        enum err rc = OK;
        if (condition.ptr)
            rc = cfn_condition_holds(&run->template, condition, &holds, &run->error);
        if (rc == OK && holds)
            rc = cfn_resolve(&run->template, json_get(output, "Value"), doc, &value, &run->error);
        if (rc)
            return rc;
        if (!value)
            continue;
        yyjson_mut_val *one = yyjson_mut_obj(doc);
        json_add_str(doc, one, "OutputKey", json_str(key));
        json_add(doc, one, "OutputValue",
                 yyjson_mut_is_str(value) ? value
                                          : yyjson_mut_strn(doc, json_write(&run->arena, value).ptr,
                                                            json_write(&run->arena, value).len));
        json_add_copy(doc, one, "Description", json_get(output, "Description"));
        yyjson_mut_arr_append(list, one);
    }
    run->document = to_immutable(run, stack);
    return OK;
}

static void free_run(struct run *run)
{
    struct arena arena = run->arena;
    arena_release(&arena);
}

static void end(struct run *run)
{
    run->phase = PHASE_END;
    run->next = SIZE_MAX; /* the status is set: the next round frees */
}

static void finish(struct run *run)
{
    if (run->next == SIZE_MAX) {
        free_run(run);
        return;
    }
    const char *status = NULL;
    if (str_eq(json_get_str(run->document, "StackStatus"), STR("DELETE_IN_PROGRESS")))
        status = run->has_undo_failed ? "DELETE_FAILED" : "DELETE_COMPLETE";
    else if (run->failure.len && run->is_update)
        status = run->has_undo_failed ? "UPDATE_ROLLBACK_FAILED" : "UPDATE_ROLLBACK_COMPLETE";
    else if (run->failure.len)
        status = run->has_undo_failed ? "ROLLBACK_FAILED" : "ROLLBACK_COMPLETE";
    else
        status = run->is_update ? "UPDATE_COMPLETE" : "CREATE_COMPLETE";
    end(run);
    set_stack_status(run, status, run->failure);
}

static void clean_up(struct run *run)
{
    if (!run->doomed) {
        choose_doomed(run, false);
        if (fill_outputs(run)) {
            run->failure = arena_str(&run->arena, str_from(run->error.message));
            turn_back(run);
            advance(run);
            return;
        }
    }
    if (!delete_next(run)) {
        run->has_undo_failed = false; /* what could not be deleted does not spoil an update */
        finish(run);
    }
}

static void delete_all(struct run *run)
{
    if (!run->doomed)
        choose_doomed(run, true);
    if (!delete_next(run))
        finish(run);
}

static void advance(struct run *run)
{
    switch (run->phase) {
    case PHASE_MAKE:
        make_next(run);
        break;
    case PHASE_CLEAN_UP:
        clean_up(run);
        break;
    case PHASE_UNDO:
        undo_next(run);
        break;
    case PHASE_DELETE:
        delete_all(run);
        break;
    case PHASE_END:
        finish(run);
        break;
    }
}

/* --- Starting --- */

static enum err load_records(struct run *run)
{
    struct str prefix = cfn_resource_prefix(&run->arena, run->stack_name), key, value;
    struct store_iter *iter = store_iter_new(run->cloudformation->skylite->store, STORE_META,
                                             prefix, store_prefix_end(&run->arena, prefix), false);
    while (store_iter_next(iter, &key, &value)) {
        struct record *record = record_from_json(run, value);
        link_record(run, record);
        if (record->index >= run->next_index)
            run->next_index = record->index + 1;
    }
    enum err rc = store_iter_error(iter, &run->error);
    store_iter_free(iter);
    return rc;
}

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
    enum err rc =
        cfn_template_parse(template, json_get_str(run->document, "TemplateBody"), &run->error);
    if (rc == OK)
        rc = cfn_template_set_parameters(template, json_get(run->document, "Parameters"),
                                         &run->error);
    return rc ? rc : cfn_template_sort(template, &run->error);
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
    rc = load_records(run);
    return rc ? rc : load_template(run);
}

static void begin(struct loop_task *task)
{
    struct run *run = (struct run *)((char *)task - offsetof(struct run, task));
    enum err rc = load(run);
    struct str status = json_get_str(run->document, "StackStatus");
    if (rc) {
        log_error("cloudformation", "stack %.*s: %s", STR_ARG(run->stack_name), run->error.message);
        free_run(run);
        return;
    }
    run->is_update = str_starts(status, STR("UPDATE_"));
    run->phase = PHASE_MAKE;
    if (str_eq(status, STR("DELETE_IN_PROGRESS")))
        run->phase = PHASE_DELETE;
    advance(run);
}

void cfn_engine_start(struct cloudformation *cloudformation, struct str stack_name)
{
    struct arena arena = {0};
    struct run *run = arena_new(&arena, struct run);
    run->arena = arena;
    run->cloudformation = cloudformation;
    run->loop = cloudformation->skylite->loops[0];
    run->stack_name = arena_str(&run->arena, stack_name);
    run->failure = STR_EMPTY;
    run->event_reason = STR_EMPTY;
    run->task.run = begin;
    loop_post(run->loop, &run->task);
}
