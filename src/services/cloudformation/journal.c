/* What the engine stores: resources, deeds, the stack's status, events. */
#include "base/clock.h"
#include "base/log.h"
#include "services/cloudformation/engine.h"
#include "services/cloudformation/exports.h"

enum { FIRST_RETRY_MS = 200, LONGEST_RETRY_MS = 30000 };

/* --- Collecting --- */

static void add_change(struct run *run, struct str key, struct str value)
{
    struct change *change = arena_new(&run->arena, struct change);
    *change = (struct change){key, value, NULL};
    *run->changes_end = change;
    run->changes_end = &change->next;
}

void run_put(struct run *run, struct str key, const yyjson_mut_val *value)
{
    add_change(run, key, json_write(&run->arena, value));
}

void run_erase(struct run *run, struct str key)
{
    add_change(run, key, (struct str){NULL, 0});
}

/* --- Resources --- */

static struct str record_key(struct run *run, struct str logical_id)
{
    struct str prefix = cfn_resource_prefix(&run->arena, run->stack_name);
    return arena_printf(&run->arena, "%.*s%.*s", STR_ARG(prefix), STR_ARG(logical_id));
}

static yyjson_mut_val *record_to_json(yyjson_mut_doc *doc, const struct record *record)
{
    yyjson_mut_val *out = yyjson_mut_obj(doc);
    json_add_str(doc, out, "LogicalResourceId", record->logical_id);
    json_add_str(doc, out, "PhysicalResourceId", record->physical_id);
    json_add_str(doc, out, "ResourceType", record->type);
    json_add_str(doc, out, "ResourceStatus", record->status);
    json_add_str(doc, out, "Token", record->token);
    json_add_str_opt(doc, out, "DeletionPolicy", record->deletion_policy);
    json_add_str_opt(doc, out, "UpdateReplacePolicy", record->replace_policy);
    json_add_i64(doc, out, "TimeMs", clock_wall_ms());
    json_add_i64(doc, out, "Index", record->index);
    json_add_copy(doc, out, "Properties", record->properties);
    json_add_copy(doc, out, "Attributes", record->attributes);
    return out;
}

static struct record *record_from_json(struct run *run, const yyjson_val *document)
{
    if (!document)
        return NULL;
    struct record *record = arena_new(&run->arena, struct record);
    record->logical_id = json_get_str(document, "LogicalResourceId");
    record->physical_id = json_get_str(document, "PhysicalResourceId");
    record->type = json_get_str(document, "ResourceType");
    record->status = json_get_str(document, "ResourceStatus");
    record->token = json_get_str(document, "Token");
    record->deletion_policy = json_get_str(document, "DeletionPolicy");
    record->replace_policy = json_get_str(document, "UpdateReplacePolicy");
    record->properties = json_get(document, "Properties");
    record->attributes = json_get(document, "Attributes");
    json_get_i64(document, "Index", &record->index);
    if (record->index >= run->next_index)
        run->next_index = record->index + 1;
    return record;
}

void run_put_record(struct run *run, const struct record *record)
{
    run_put(run, record_key(run, record->logical_id),
            record_to_json(json_doc(&run->arena), record));
}

void run_erase_record(struct run *run, const struct record *record)
{
    run_erase(run, record_key(run, record->logical_id));
}

struct record *record_find(const struct run *run, struct str logical_id)
{
    for (struct record *record = run->records; record; record = record->next) {
        if (str_eq(record->logical_id, logical_id))
            return record;
    }
    return NULL;
}

void record_remove(struct run *run, struct str logical_id)
{
    for (struct record **at = &run->records; *at; at = &(*at)->next) {
        if (str_eq((*at)->logical_id, logical_id)) {
            *at = (*at)->next;
            return;
        }
    }
}

void record_set(struct run *run, struct record *record)
{
    record_remove(run, record->logical_id);
    record->next = run->records;
    run->records = record;
}

struct record *record_copy(struct run *run, const struct record *record)
{
    struct record *copy = arena_new(&run->arena, struct record);
    *copy = *record;
    copy->next = NULL;
    return copy;
}

/* --- Deeds --- */

static const char *const kind_names[] = {"CREATE", "UPDATE", "REPLACE"};
static const char *const state_names[] = {"INTENDED", "DONE", "FAILED", "DISCARD"};

static struct str deed_key(struct run *run, uint32_t sequence)
{
    struct str prefix = cfn_journal_prefix(&run->arena, run->stack_name);
    return arena_printf(&run->arena, "%.*s%08x", STR_ARG(prefix), sequence);
}

void run_put_deed(struct run *run, const struct deed *deed)
{
    yyjson_mut_doc *doc = json_doc(&run->arena);
    yyjson_mut_val *out = yyjson_mut_obj(doc);
    json_add_i64(doc, out, "Sequence", deed->sequence);
    json_add_str(doc, out, "Kind", str_from(kind_names[deed->kind]));
    json_add_str(doc, out, "State", str_from(state_names[deed->state]));
    json_add_bool(doc, out, "IsTouched", deed->is_touched);
    if (deed->before)
        json_add(doc, out, "Before", record_to_json(doc, deed->before));
    json_add(doc, out, "After", record_to_json(doc, deed->after));
    run_put(run, deed_key(run, deed->sequence), out);
}

static unsigned name_index(const char *const *names, unsigned count, struct str name)
{
    unsigned i = 0;
    while (i + 1 < count && !str_eq(name, str_from(names[i])))
        i++;
    return i;
}

static void link_deed(struct run *run, const yyjson_val *document)
{
    struct deed *deed = arena_new(&run->arena, struct deed);
    int64_t sequence = 0;
    json_get_i64(document, "Sequence", &sequence);
    deed->sequence = (uint32_t)sequence;
    deed->kind = (enum deed_kind)name_index(kind_names, 3, json_get_str(document, "Kind"));
    deed->state = (enum deed_state)name_index(state_names, 4, json_get_str(document, "State"));
    deed->is_touched = json_get_bool(document, "IsTouched", false);
    deed->before = record_from_json(run, json_get(document, "Before"));
    deed->after = record_from_json(run, json_get(document, "After"));
    deed->older = run->deeds;
    run->deeds = deed;
    run->next_sequence = deed->sequence + 1;
}

void run_erase_deed(struct run *run, const struct deed *deed)
{
    for (struct deed **at = &run->deeds; *at; at = &(*at)->older) {
        if (*at == deed) {
            *at = deed->older;
            break;
        }
    }
    run_erase(run, deed_key(run, deed->sequence));
}

void run_erase_deeds(struct run *run)
{
    struct deed *older;
    for (struct deed *deed = run->deeds; deed; deed = older) {
        older = deed->older;
        if (deed->state != DEED_DISCARD)
            run_erase_deed(run, deed);
    }
}

struct deed *deed_find(const struct run *run, struct str logical_id)
{
    for (struct deed *deed = run->deeds; deed; deed = deed->older) {
        if (deed->state != DEED_DISCARD && str_eq(deed->after->logical_id, logical_id))
            return deed;
    }
    return NULL;
}

/* --- Loading --- */

static enum err load_each(struct run *run, struct str prefix,
                          void (*take)(struct run *run, const yyjson_val *document))
{
    struct str key, value;
    struct store_iter *iter = store_iter_new(run->cloudformation->skylite->store, STORE_META,
                                             prefix, store_prefix_end(&run->arena, prefix), false);
    while (store_iter_next(iter, &key, &value))
        take(run, json_parse(&run->arena, value));
    enum err rc = store_iter_error(iter, &run->error);
    store_iter_free(iter);
    return rc;
}

static void take_record(struct run *run, const yyjson_val *document)
{
    record_set(run, record_from_json(run, document));
}

enum err run_load_records(struct run *run)
{
    return load_each(run, cfn_resource_prefix(&run->arena, run->stack_name), take_record);
}

enum err run_load_deeds(struct run *run)
{
    return load_each(run, cfn_journal_prefix(&run->arena, run->stack_name), link_deed);
}

/* --- Events and status --- */

void run_put_event(struct run *run, const struct record *record, const char *status,
                   struct str reason)
{
    struct cfn_event event = {
        .stack_id = run->stack_id,
        .stack_name = run->stack_name,
        .logical_id = record ? record->logical_id : run->stack_name,
        .physical_id = record ? record->physical_id : run->stack_id,
        .type = record ? record->type : STR("AWS::CloudFormation::Stack"),
        .status = str_from(status),
        .reason = reason,
        .token = json_get_str(run->document, "ClientRequestToken"),
    };
    struct str key, value = cfn_event_new(&run->arena, &event, &key);
    add_change(run, key, value);
}

void run_set_document(struct run *run, const yyjson_mut_val *document)
{
    run->document = json_parse(&run->arena, json_write(&run->arena, document));
}

void run_set_status(struct run *run, const char *status, struct str reason)
{
    struct arena *arena = &run->arena;
    yyjson_mut_doc *doc = json_doc(arena);
    yyjson_mut_val *stack = yyjson_val_mut_copy(doc, run->document);
    struct str name = str_from(status);
    bool is_gone = str_eq(name, STR("DELETE_COMPLETE"));
    yyjson_mut_obj_remove_key(stack, "StackStatus");
    json_add_str(doc, stack, "StackStatus", name);
    if (reason.len || str_find(name, STR("ROLLBACK")) < 0)
        yyjson_mut_obj_remove_key(stack, "StackStatusReason");
    if (reason.len)
        json_add_str(doc, stack, "StackStatusReason", reason);
    if (is_gone)
        json_add_i64(doc, stack, "DeletionTimeMs", clock_wall_ms());
    run_set_document(run, stack);

    struct str text = json_write(arena, stack);
    add_change(run, cfn_stack_key(arena, run->stack_name), is_gone ? (struct str){NULL, 0} : text);
    if (is_gone)
        add_change(run, cfn_deleted_key(arena, run->stack_id), text);
    run_put_event(run, NULL, status, reason);
}

/* --- Writing --- */

static enum err write_changes(struct store_txn *txn, struct store_write *write, struct error *error)
{
    struct run *run = write->arg;
    for (struct change *change = run->changes; change; change = change->next) {
        if (change->value.ptr)
            store_txn_put(txn, STORE_META, change->key, change->value);
        else
            store_txn_delete(txn, STORE_META, change->key);
    }
    return run->is_exporting ? exports_replace(&run->arena, txn, run->document, run->outputs, error)
                             : OK;
}

static void write_again(void *arg)
{
    run_store(arg);
}

/* What waits to be stored still waits; a step that has not begun need not begin. */
static void write_failed(struct run *run)
{
    uint64_t delay_ms = FIRST_RETRY_MS;
    if (run->failed_writes++ == 0)
        log_error("cloudformation", "stack %.*s cannot be stored: %s", STR_ARG(run->stack_name),
                  run->write.error.message);
    if (run->is_step_ready && run->phase == PHASE_MAKE) {
        run->is_step_ready = false;
        run_step_failed(run, STR("Internal Failure: the state could not be stored"));
        return;
    }
    for (unsigned i = 1; i < run->failed_writes && delay_ms < LONGEST_RETRY_MS; i++)
        delay_ms *= 2;
    loop_timer_start(run->loop, delay_ms, 0, write_again, run);
}

static void stored(struct loop_task *task)
{
    struct run *run = (struct run *)((char *)task - offsetof(struct run, task));
    bool is_refused = run->is_exporting && run->write.rc == ERR_VALIDATION_ERROR;
    if (run->write.rc && !is_refused) {
        write_failed(run);
        return;
    }
    run->failed_writes = 0;
    if (!is_refused) {
        run->changes = NULL;
        run->changes_end = &run->changes;
    }
    if (run->is_exporting)
        run_exported(run, run->write.rc);
    else if (run->is_step_ready)
        step_start(run);
    else
        run_free(run);
}

static void write_done(struct store_write *write)
{
    struct run *run = write->arg;
    run->task.run = stored;
    loop_post(run->loop, &run->task);
}

void run_store(struct run *run)
{
    run->write = (struct store_write){.run = write_changes, .done = write_done, .arg = run};
    store_submit(run->cloudformation->skylite->store, &run->write);
}
