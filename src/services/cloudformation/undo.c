/* Taking an update back, and deleting. */
#include <stdlib.h>

#include "services/cloudformation/engine.h"

enum { MAX_ATTEMPTS = 3 };

static bool has_name(yyjson_val *list, struct str name)
{
    yyjson_val *item;
    size_t i, max;
    yyjson_arr_foreach (list, i, max, item) {
        if (str_eq(json_str(item), name))
            return true;
    }
    return false;
}

/* --- Taking back --- */

/* The resource is what it was; what was made in vain goes later. */
static void restore(struct run *run, struct deed *deed)
{
    if (deed->before) {
        struct record *record = record_copy(run, deed->before);
        record_set(run, record);
        run_put_record(run, record);
    }
    if (deed->kind == DEED_UPDATE) {
        run_erase_deed(run, deed);
        return;
    }
    deed->state = DEED_DISCARD;
    run_put_deed(run, deed);
}

/* "ResourcesToSkip" of ContinueUpdateRollback. */
static bool is_skipped(const struct run *run, const struct deed *deed)
{
    return has_name(json_get(run->document, "ResourcesToSkip"), deed->after->logical_id);
}

bool undo_next(struct run *run)
{
    while (run->next_undo) {
        struct deed *deed = run->next_undo;
        run->next_undo = deed->older;
        if (deed->state == DEED_DISCARD)
            continue;
        bool is_changed = deed->kind == DEED_UPDATE && !is_skipped(run, deed) &&
                          (deed->state != DEED_FAILED || deed->is_touched) &&
                          cfn_plan_change(deed->before->type, deed->before->properties,
                                          deed->after->type, deed->after->properties) != CFN_KEEP;
        if (!is_changed) {
            restore(run, deed);
            continue;
        }
        struct record *restored = record_copy(run, deed->before);
        restored->status = STR("UPDATE_IN_PROGRESS");
        run_put_event(run, restored, "UPDATE_IN_PROGRESS", STR_EMPTY);
        step_prepare(run, ACTION_UPDATE, restored, deed->after, deed);
        return true;
    }
    return false;
}

void undo_succeeded(struct run *run)
{
    struct record *record = run->record;
    step_take_results(run);
    record->status = STR("UPDATE_COMPLETE");
    record_set(run, record);
    run_put_record(run, record);
    run_put_event(run, record, "UPDATE_COMPLETE", STR_EMPTY);
    step_erase_receipts(run);
    run_erase_deed(run, run->deed);
}

void undo_failed(struct run *run, struct str reason)
{
    struct record *record = run->record;
    record->status = STR("UPDATE_FAILED");
    record_set(run, record);
    run_put_record(run, record);
    run_put_event(run, record, "UPDATE_FAILED", reason);
    step_erase_receipts(run);
    run_note_failure(run, record->logical_id);
}

/* --- Choosing what goes --- */

static int newest_first(const void *a, const void *b)
{
    int64_t x = ((const struct doom *)a)->record->index,
            y = ((const struct doom *)b)->record->index;
    return (x < y) - (x > y);
}

struct record *deed_leftover(const struct deed *deed)
{
    if (deed->state == DEED_DISCARD)
        return deed->after;
    if (deed->kind != DEED_REPLACE)
        return NULL;
    return deed->state == DEED_DONE ? deed->before : deed->after;
}

static bool is_policy(struct str policy, const char *name)
{
    return str_eq(policy, str_from(name));
}

/* `is_in_vain`: it was made by the operation that is being taken back. */
static bool is_retained(struct str policy, bool is_in_vain)
{
    return is_policy(policy, "Retain") ||
           (is_policy(policy, "RetainExceptOnCreate") && !is_in_vain);
}

static void add_doom(struct run *run, struct record *record, struct deed *deed, bool retained)
{
    retained |= has_name(json_get(run->document, "RetainResources"), record->logical_id);
    run->doomed[run->doomed_count++] =
        (struct doom){.record = record, .deed = deed, .is_retained = retained};
}

static void add_leftover(struct run *run, struct deed *deed)
{
    struct record *record = deed_leftover(deed);
    bool is_there_already = run->phase == PHASE_DELETE && deed->kind == DEED_CREATE;
    if (!record || is_there_already)
        return;
    bool is_replaced = record == deed->before;
    struct str policy = is_replaced ? deed->after->replace_policy : record->deletion_policy;
    add_doom(run, record, deed, is_retained(policy, !is_replaced));
}

/* All; or, of a clean-up, what the template does not have any more and what deeds left. */
static void choose(struct run *run)
{
    bool is_all = run->phase == PHASE_DELETE;
    size_t count = 1;
    for (struct record *record = run->records; record; record = record->next)
        count++;
    for (struct deed *deed = run->deeds; deed; deed = deed->older)
        count++;
    run->doomed = arena_array(&run->arena, struct doom, count);
    run->doomed_count = run->doomed_next = 0;
    for (struct record *record = run->records; record; record = record->next) {
        if (is_all || (!run->has_failed && !cfn_template_find(&run->template, record->logical_id)))
            add_doom(run, record, NULL, is_retained(record->deletion_policy, run->has_failed));
    }
    for (struct deed *deed = run->deeds; deed; deed = deed->older)
        add_leftover(run, deed);
    qsort(run->doomed, run->doomed_count, sizeof(*run->doomed), newest_first);
}

/* --- Deleting --- */

/* Whether the stack's resource of that name is this thing; what was replaced is not. */
static bool is_own(const struct doom *doom)
{
    return !doom->deed || doom->deed->kind == DEED_CREATE;
}

static void forget(struct run *run, const struct doom *doom, const char *status, struct str reason)
{
    run_put_event(run, doom->record, status, reason);
    if (is_own(doom)) {
        record_remove(run, doom->record->logical_id);
        run_erase_record(run, doom->record);
    }
    if (doom->deed)
        run_erase_deed(run, doom->deed);
}

bool drop_next(struct run *run)
{
    if (!run->doomed)
        choose(run);
    while (run->doomed_next < run->doomed_count) {
        struct doom *doom = &run->doomed[run->doomed_next++];
        if (doom->is_retained || doom->record->physical_id.len == 0) {
            forget(run, doom, doom->is_retained ? "DELETE_SKIPPED" : "DELETE_COMPLETE", STR_EMPTY);
            continue;
        }
        if (is_own(doom)) {
            doom->record->status = STR("DELETE_IN_PROGRESS");
            run_put_record(run, doom->record);
        }
        run_put_event(run, doom->record, "DELETE_IN_PROGRESS", STR_EMPTY);
        step_prepare(run, ACTION_DELETE, doom->record, NULL, doom->deed);
        return true;
    }
    return false;
}

static struct doom *current(const struct run *run)
{
    return &run->doomed[run->doomed_next - 1];
}

void drop_succeeded(struct run *run)
{
    step_erase_receipts(run);
    forget(run, current(run), "DELETE_COMPLETE", STR_EMPTY);
}

/* A stack is rid of what it could not delete, unless it was to be deleted itself: as on AWS, that
 * is tried a few times and then left. */
void drop_failed(struct run *run, struct str reason)
{
    struct doom *doom = current(run);
    step_erase_receipts(run);
    if (run->phase == PHASE_CLEAN_UP && ++doom->attempts < MAX_ATTEMPTS) {
        run->doomed_next--;
        return;
    }
    if (run->phase == PHASE_CLEAN_UP) {
        forget(run, doom, "DELETE_FAILED", reason);
        return;
    }
    struct record *record = run->record;
    record->status = STR("DELETE_FAILED");
    if (is_own(doom))
        run_put_record(run, record);
    run_put_event(run, record, "DELETE_FAILED", reason);
    run_note_failure(run, record->logical_id);
}
