/* Making what the template says, in its order. */
#include "base/clock.h"
#include "base/encode.h"
#include "services/cloudformation/engine.h"

/* --- What is wanted --- */

/* A resource as the template has it now. */
static enum err want(struct run *run, const struct cfn_resource *resource, struct record **out)
{
    struct record *record = arena_new(&run->arena, struct record);
    record->logical_id = resource->logical_id;
    record->type = resource->type;
    record->physical_id = STR_EMPTY;
    record->deletion_policy = json_get_str(resource->definition, "DeletionPolicy");
    record->replace_policy = json_get_str(resource->definition, "UpdateReplacePolicy");
    *out = record;
    enum err rc = cfn_wanted_properties(&run->template, resource, &record->properties, &run->error);
    return rc ? rc
              : cfn_check_properties(cfn_type_find(record->type), record->properties, &run->error);
}

/* A replacement lives beside the old one for a while, so it cannot have the same given name. */
static bool name_collides(const struct record *wanted, const struct record *before)
{
    const char *property = cfn_type_find(wanted->type)->name_property;
    if (!property || !str_eq(wanted->type, before->type))
        return false;
    struct str name = json_get_str(wanted->properties, property);
    return name.ptr && str_eq(name, before->physical_id);
}

static bool same_text(struct str a, struct str b)
{
    return str_eq(a.ptr ? a : STR_EMPTY, b.ptr ? b : STR_EMPTY);
}

static bool same_policies(const struct record *a, const struct record *b)
{
    return same_text(a->deletion_policy, b->deletion_policy) &&
           same_text(a->replace_policy, b->replace_policy);
}

/* --- Intents --- */

static void put_intent_event(struct run *run, const struct deed *deed)
{
    bool is_replacement = deed->kind == DEED_REPLACE;
    run_put_event(run, deed->kind == DEED_CREATE ? deed->after : deed->before,
                  deed->kind == DEED_CREATE ? "CREATE_IN_PROGRESS" : "UPDATE_IN_PROGRESS",
                  is_replacement ? STR("Requested update requires the creation of a new physical "
                                       "resource; hence creating one.")
                                 : STR_EMPTY);
}

static struct deed *intend(struct run *run, enum deed_kind kind, struct record *before,
                           struct record *wanted)
{
    struct deed *deed = arena_new(&run->arena, struct deed);
    *deed = (struct deed){.sequence = run->next_sequence++,
                          .kind = kind,
                          .state = DEED_INTENDED,
                          .before = before ? record_copy(run, before) : NULL,
                          .after = wanted,
                          .older = run->deeds};
    run->deeds = deed;
    wanted->status = before ? STR("UPDATE_IN_PROGRESS") : STR("CREATE_IN_PROGRESS");
    if (kind == DEED_UPDATE) {
        wanted->physical_id = before->physical_id;
        wanted->attributes = before->attributes;
        wanted->token = before->token;
        wanted->index = before->index;
    } else {
        wanted->token = random_text(&run->arena, STR("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"), 12);
        wanted->index = run->next_index++;
    }
    return deed;
}

static void begin_deed(struct run *run, struct deed *deed)
{
    struct record *shown = deed->after;
    if (deed->before) {
        shown = record_copy(run, deed->before);
        shown->status = STR("UPDATE_IN_PROGRESS");
    }
    record_set(run, shown);
    run_put_record(run, shown);
    run_put_deed(run, deed);
    put_intent_event(run, deed);
    step_prepare(run, deed->kind == DEED_UPDATE ? ACTION_UPDATE : ACTION_CREATE, deed->after,
                 deed->before, deed);
}

/* --- Failing --- */

static struct str failure(struct run *run, struct str logical_id, bool is_new)
{
    return arena_printf(&run->arena, "The following resource(s) failed to %s: [%.*s]. %s",
                        is_new ? "create" : "update", STR_ARG(logical_id),
                        run->is_update ? "" : "Rollback requested by user.");
}

/* Stores that a deed failed, and has the operation taken back. */
static void show_failure(struct run *run, struct deed *deed, struct str reason)
{
    struct record *shown = deed->before ? record_copy(run, deed->before) : deed->after;
    shown->status = deed->before ? STR("UPDATE_FAILED") : STR("CREATE_FAILED");
    deed->after->status = shown->status;
    record_set(run, shown);
    run_put_record(run, shown);
    run_put_deed(run, deed);
    run_put_event(run, deed->after, shown->status.ptr, reason);
    run_turn_back(run, failure(run, shown->logical_id, !deed->before));
}

/* Of a resource for which nothing could be begun. */
static void fail_at_once(struct run *run, const struct cfn_resource *resource,
                         struct record *before, struct str reason)
{
    struct record *wanted = arena_new(&run->arena, struct record);
    *wanted = (struct record){
        .logical_id = resource->logical_id, .type = resource->type, .physical_id = STR_EMPTY};
    struct deed *deed = intend(run, before ? DEED_UPDATE : DEED_CREATE, before, wanted);
    deed->state = DEED_FAILED;
    show_failure(run, deed, arena_str(&run->arena, reason));
}

/* --- Choosing --- */

/* Only the policies are others: nothing is called. */
static void change_policies(struct run *run, struct record *before, struct record *wanted)
{
    struct deed *deed = intend(run, DEED_UPDATE, before, wanted);
    deed->state = DEED_DONE;
    wanted->status = before->status;
    record_set(run, wanted);
    run_put_record(run, wanted);
    run_put_deed(run, deed);
    run_tell_template(run, wanted);
}

/* False when it is as it should be, or when that failed at once. */
static bool change(struct run *run, const struct cfn_resource *resource, struct record *before,
                   struct record *wanted)
{
    bool has_failed_before = str_ends(before->status, STR("_FAILED"));
    enum cfn_change change =
        str_eq(before->status, STR("CREATE_FAILED"))
            ? CFN_REPLACE
            : cfn_plan_change(before->type, before->properties, wanted->type, wanted->properties);
    if (change == CFN_KEEP && has_failed_before)
        change = CFN_UPDATE;
    if (change == CFN_KEEP) {
        if (same_policies(before, wanted))
            run_tell_template(run, before);
        else
            change_policies(run, before, wanted);
        return false;
    }
    if (change == CFN_REPLACE && name_collides(wanted, before)) {
        fail_at_once(run, resource, before,
                     arena_printf(&run->arena,
                                  "CloudFormation cannot update a stack when a custom-named "
                                  "resource requires replacing. Rename %.*s and update the stack "
                                  "again.",
                                  STR_ARG(before->physical_id)));
        return false;
    }
    begin_deed(run,
               intend(run, change == CFN_REPLACE ? DEED_REPLACE : DEED_UPDATE, before, wanted));
    return true;
}

/* What ends the making from outside; false when nothing does. */
static bool is_called_off(struct run *run)
{
    int64_t deadline_ms;
    if (run->is_cancelled)
        run_turn_back(run, STR("User Initiated"));
    else if (json_get_i64(run->document, "DeadlineMs", &deadline_ms) &&
             clock_wall_ms() >= deadline_ms)
        run_turn_back(run, STR("Stack creation time exceeded the specified timeout. Rollback "
                               "requested by user."));
    else
        return false;
    return true;
}

/* The newest deed is the one that was under way when the server ended; it is gone on with. */
static bool resume(struct run *run)
{
    struct deed *deed = run->deeds;
    if (!deed || deed->state != DEED_INTENDED)
        return false;
    step_prepare(run, deed->kind == DEED_UPDATE ? ACTION_UPDATE : ACTION_CREATE, deed->after,
                 deed->before, deed);
    return true;
}

/* True when a step is ready. */
static bool make_one(struct run *run, const struct cfn_resource *resource)
{
    struct record *before = record_find(run, resource->logical_id), *wanted;
    if (deed_find(run, resource->logical_id)) { /* done before the server ended */
        run_tell_template(run, before);
        return false;
    }
    if (want(run, resource, &wanted)) {
        fail_at_once(run, resource, before, str_from(run->error.message));
        return false;
    }
    if (before)
        return change(run, resource, before, wanted);
    begin_deed(run, intend(run, DEED_CREATE, NULL, wanted));
    return true;
}

bool make_next(struct run *run)
{
    if (resume(run))
        return true;
    if (is_called_off(run))
        return false;
    while (run->phase == PHASE_MAKE && run->next < run->template.resource_count) {
        if (make_one(run, &run->template.resources[run->next++]))
            return true;
    }
    return false;
}

/* --- The end of a step --- */

void make_succeeded(struct run *run)
{
    struct record *record = run->record;
    struct deed *deed = run->deed;
    bool is_created = run->action == ACTION_CREATE;
    step_take_results(run);
    if (is_created)
        run_put_event(run, record, record->status.ptr, STR("Resource creation Initiated"));
    record->status = deed->before ? STR("UPDATE_COMPLETE") : STR("CREATE_COMPLETE");
    deed->state = DEED_DONE;
    record_set(run, record);
    run_put_record(run, record);
    run_put_event(run, record, record->status.ptr, STR_EMPTY);
    run_tell_template(run, record);
    step_erase_receipts(run);
    if (run->is_update)
        run_put_deed(run, deed);
    else
        run_erase_deed(run, deed); /* what undoes a creation deletes everything */
}

void make_failed(struct run *run, struct str reason)
{
    struct record *record = run->record;
    struct deed *deed = run->deed;
    bool is_created = run->action == ACTION_CREATE;
    /* What was half made is there to be deleted, what was half changed to be changed back. */
    if (is_created && run->step.physical_id.ptr)
        record->physical_id = run->step.physical_id;
    deed->state = DEED_FAILED;
    deed->is_touched = run->call_index > 0;
    step_erase_receipts(run);
    show_failure(run, deed, reason);
}
