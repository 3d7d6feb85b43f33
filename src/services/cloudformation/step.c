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
    run->type = cfn_type_find(record->type);
    run->receipts = receipt_prefix(run);
    run->step = (struct cfn_step){
        .arena = &run->arena,
        .doc = json_doc(&run->arena),
        .template = &run->template,
        .logical_id = record->logical_id,
        .token = record->token,
        .properties = record->properties,
        .old_properties = before ? before->properties : NULL,
        .error = &run->error,
    };
    run->step.attributes = yyjson_mut_obj(run->step.doc);
    if (action != ACTION_CREATE)
        run->step.physical_id = record->physical_id;
}

static struct str receipt_key(struct run *run, unsigned index)
{
    return arena_printf(&run->arena, "%.*s%04x", STR_ARG(run->receipts), index);
}

void step_erase_receipts(struct run *run)
{
    for (unsigned i = 0; i <= run->call_index; i++)
        run_erase(run, receipt_key(run, i));
}

/* The answer to a call that an earlier run of the server carried out; NULL when it did not. */
static enum err find_receipt(struct run *run, yyjson_mut_val **out_answer)
{
    bool found;
    struct str text;
    *out_answer = NULL;
    if (!run->is_resumed)
        return OK;
    enum err rc =
        store_get(run->cloudformation->skylite->store, STORE_META,
                  receipt_key(run, run->call_index), &run->arena, &found, &text, &run->error);
    if (rc == OK && found)
        *out_answer = yyjson_val_mut_copy(run->step.doc, json_parse(&run->arena, text));
    return rc;
}

static void call_next(struct run *run);

static void take_answer(struct run *run, yyjson_mut_val *answer)
{
    if (run->action == ACTION_CREATE && run->type->created)
        run->type->created(&run->step, run->call_index, answer);
    run->call_index++;
}

static void call_done(void *arg, enum err rc, const struct error *error, yyjson_mut_val *output)
{
    struct run *run = arg;
    bool is_gone =
        rc && cfn_is_missing(rc) && (run->action == ACTION_DELETE || run->may_be_missing);
    if (rc && !is_gone) {
        run_step_failed(run, arena_str(&run->arena, str_from(error->message)));
        return;
    }
    take_answer(run, output);
    call_next(run);
}

/* Calls until one has to be waited for. */
static void call_next(struct run *run)
{
    cfn_call_fn give = run->action == ACTION_CREATE   ? run->type->create
                       : run->action == ACTION_UPDATE ? run->type->update
                                                      : run->type->remove;
    for (;;) {
        struct cfn_call call = {0};
        yyjson_mut_val *answer = NULL;
        enum err rc = give(&run->step, run->call_index, &call);
        if (rc == OK && call.operation)
            rc = find_receipt(run, &answer);
        if (rc) {
            run_step_failed(run, arena_str(&run->arena, str_from(run->error.message)));
            return;
        }
        if (!call.operation) {
            run_step_succeeded(run);
            return;
        }
        if (!answer) {
            run->may_be_missing = call.may_be_missing;
            call_operation_with_receipt(run->cloudformation->skylite, run->loop, &run->principal,
                                        call.service, call.operation, call.input,
                                        receipt_key(run, run->call_index), call_done, run);
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
