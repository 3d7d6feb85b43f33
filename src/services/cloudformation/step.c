/* One step: the calls that make, change or delete one resource. */
#include "services/cloudformation/engine.h"

/* Whose calls the receipts are of: a deed's making, its undoing, or a deletion. */
static struct str receipt_prefix(struct run *run)
{
    struct arena *arena = &run->arena;
    struct str prefix = cfn_receipt_prefix(arena, run->stack_name);
    if (!run->deed)
        return arena_printf(arena, "%.*sresource/%.*s/", STR_ARG(prefix),
                            STR_ARG(run->record->logical_id));
    return arena_printf(arena, "%.*s%08x/%s/", STR_ARG(prefix), run->deed->sequence,
                        run->phase == PHASE_MAKE       ? "make"
                        : run->action == ACTION_UPDATE ? "undo"
                                                       : "drop");
}

void step_prepare(struct run *run, enum action action, struct record *record,
                  const struct record *before, struct deed *deed)
{
    run->is_step_ready = true;
    run->action = action;
    run->record = record;
    run->deed = deed;
    run->call_index = 0;
    run->made = NULL;
    run->type = cfn_type_find(record->type);
    run->receipts = receipt_prefix(run);
    run->step = (struct cfn_step){
        .arena = &run->arena,
        .doc = json_doc(&run->arena),
        .template = &run->template,
        .principal = &run->principal,
        .logical_id = record->logical_id,
        .token = record->token,
        .properties = record->properties,
        .old_properties = before ? before->properties : NULL,
        .error = &run->error,
    };
    run->step.attributes = yyjson_mut_obj(run->step.doc);
    if (action == ACTION_CREATE)
        return;
    run->step.physical_id = record->physical_id;
    if (record->attributes)
        run->step.attributes = yyjson_val_mut_copy(run->step.doc, record->attributes);
}

void step_take_results(struct run *run)
{
    struct record *record = run->record;
    record->physical_id = run->step.physical_id.ptr ? run->step.physical_id : STR_EMPTY;
    record->attributes = json_parse(&run->arena, json_write(&run->arena, run->step.attributes));
}

/* FNV-1a: the same whenever it is asked. */
static uint64_t hash_of(uint64_t hash, struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ (unsigned char)text.ptr[i]) * 0x100000001b3;
    return hash;
}

/* By what is called, not by its place: what a list of calls begins with may be less the second
 * time, when part of it was done. */
static struct str receipt_key(struct run *run, const struct cfn_call *call)
{
    uint64_t hash = hash_of(0xcbf29ce484222325, str_from(call->operation));
    hash = hash_of(hash, json_write(&run->arena, call->input));
    return arena_printf(&run->arena, "%.*s%016llx", STR_ARG(run->receipts),
                        (unsigned long long)hash);
}

void step_erase_receipts(struct run *run)
{
    struct str key, value;
    for (const struct receipt *receipt = run->made; receipt; receipt = receipt->next)
        run_erase(run, receipt->key);
    if (!run->is_resumed)
        return;
    struct store_iter *iter =
        store_iter_new(run->cloudformation->skylite->store, STORE_META, run->receipts,
                       store_prefix_end(&run->arena, run->receipts), false);
    while (store_iter_next(iter, &key, &value))
        run_erase(run, arena_str(&run->arena, key));
    store_iter_free(iter);
}

/* The answer to a call that an earlier run of the server carried out; NULL when it did not. */
static enum err find_receipt(struct run *run, struct str key, yyjson_mut_val **out_answer)
{
    bool found;
    struct str text;
    *out_answer = NULL;
    if (!run->is_resumed)
        return OK;
    enum err rc = store_get(run->cloudformation->skylite->store, STORE_META, key, &run->arena,
                            &found, &text, &run->error);
    if (rc == OK && found)
        *out_answer = yyjson_val_mut_copy(run->step.doc, json_parse(&run->arena, text));
    return rc;
}

static void call_next(struct run *run);

static void take_answer(struct run *run, yyjson_mut_val *answer)
{
    if (run->type->answered)
        run->type->answered(&run->step, run->call, answer);
    run->call_index++;
}

static void call_done(void *arg, enum err rc, const struct error *error, yyjson_mut_val *output)
{
    struct run *run = arg;
    bool is_gone =
        rc && cfn_is_missing(rc) && (run->action == ACTION_DELETE || run->call->may_be_missing);
    if (rc && !is_gone) {
        run_step_failed(run, arena_str(&run->arena, str_from(error->message)));
        return;
    }
    take_answer(run, output);
    call_next(run);
}

/* The call whose turn it is; NULL when all are made. */
static enum err find_call(struct run *run)
{
    cfn_calls_fn list = run->action == ACTION_CREATE   ? run->type->create
                        : run->action == ACTION_UPDATE ? run->type->update
                                                       : run->type->remove;
    struct cfn_calls calls = {.step = &run->step, .end = &calls.first};
    enum err rc = list ? list(&run->step, &calls) : OK;
    run->call = calls.first;
    for (unsigned i = 0; i < run->call_index && run->call; i++)
        run->call = run->call->next;
    return rc;
}

static void make_call(struct run *run, struct str receipt)
{
    struct receipt *made = arena_new(&run->arena, struct receipt);
    *made = (struct receipt){receipt, run->made};
    run->made = made;
    call_operation_with_receipt(run->cloudformation->skylite, run->loop, &run->principal,
                                run->call->service, run->call->operation, run->call->input, receipt,
                                call_done, run);
}

/* Calls until one has to be waited for. */
static void call_next(struct run *run)
{
    for (;;) {
        yyjson_mut_val *answer = NULL;
        struct str receipt = STR_EMPTY;
        enum err rc = find_call(run);
        if (rc == OK && run->call) {
            receipt = receipt_key(run, run->call);
            rc = find_receipt(run, receipt, &answer);
        }
        if (rc) {
            run_step_failed(run, arena_str(&run->arena, str_from(run->error.message)));
            return;
        }
        if (!run->call) {
            run_step_succeeded(run);
            return;
        }
        if (!answer) {
            make_call(run, receipt);
            return;
        }
        take_answer(run, answer);
    }
}

void step_start(struct run *run)
{
    run->is_step_ready = false;
    call_next(run);
}
