/* PutItem, UpdateItem and DeleteItem: checked on the loop, carried out by the writer. */
#include "services/dynamodb/operations.h"

enum returns {
    RETURN_NONE,
    RETURN_ALL_OLD,
    RETURN_ALL_NEW,
    RETURN_UPDATED_OLD,
    RETURN_UPDATED_NEW
};

struct item_write {
    const struct ddb_table *table;
    struct str key;        /* in the store */
    struct ddb_value item; /* of a put: the new item; otherwise the key attributes */
    const struct ddb_condition *condition;
    const struct ddb_update *update; /* of an update */
    bool is_delete;
    enum returns returns;
    bool returns_old_on_failure;
    enum ddb_consumed consumed;

    /* Filled by the writer. */
    size_t old_size, new_size;
    bool has_old;
    const struct ddb_value *returned; /* NULL: nothing */
};

/* --- On the writer thread --- */

static enum err condition_failed(struct request *request, const struct item_write *write,
                                 const struct ddb_value *old)
{
    request_fail(request, ERR_DDB_CONDITIONAL_CHECK_FAILED, "The conditional request failed");
    if (write->returns_old_on_failure && write->has_old) {
        struct buf item;
        buf_init_arena(&item, request->arena, SIZE_MAX / 2);
        buf_add(&item, STR("\"Item\":"));
        ddb_item_write(old, &item);
        request->error.members = buf_str(&item);
    }
    return ERR_DDB_CONDITIONAL_CHECK_FAILED;
}

/* The attributes that the update's paths name. */
static const struct ddb_value *updated_part(struct arena *arena, const struct ddb_update *update,
                                            const struct ddb_value *item)
{
    struct ddb_projection projection = {arena_array(arena, struct ddb_path, update->count),
                                        update->count};
    for (size_t i = 0; i < update->count; i++)
        projection.paths[i] = update->actions[i].path;
    struct ddb_value *part = arena_new(arena, struct ddb_value);
    ddb_projection_apply(&projection, item, arena, part);
    return part->count ? part : NULL;
}

static const struct ddb_value *keep(struct arena *arena, const struct ddb_value *item)
{
    struct ddb_value *kept = arena_new(arena, struct ddb_value);
    *kept = *item;
    return kept;
}

static void fill_returned(struct request *request, struct item_write *write,
                          const struct ddb_value *old, const struct ddb_value *changed)
{
    switch (write->returns) {
    case RETURN_NONE:
        break;
    case RETURN_ALL_OLD:
        write->returned = write->has_old ? keep(request->arena, old) : NULL;
        break;
    case RETURN_ALL_NEW:
        write->returned = keep(request->arena, changed);
        break;
    case RETURN_UPDATED_OLD:
        if (write->update)
            write->returned = updated_part(request->arena, write->update, old);
        break;
    case RETURN_UPDATED_NEW:
        if (write->update)
            write->returned = updated_part(request->arena, write->update, changed);
        break;
    }
}

/* The item as it will be. */
static enum err change(struct request *request, struct item_write *write,
                       const struct ddb_value *old, struct ddb_value *out)
{
    /* An update of what is not there starts from the key. */
    const struct ddb_value *base = write->update && write->has_old ? old : &write->item;
    *out = *base;
    if (!write->update)
        return OK;
    return ddb_update_apply(write->update, base, request->arena, out, &request->error);
}

static enum err store_item(struct request *request, struct store_txn *txn, struct item_write *write,
                           const struct ddb_value *item)
{
    write->new_size = ddb_item_size(item);
    if (write->new_size > DDB_MAX_ITEM_BYTES)
        return request_fail(request, ERR_VALIDATION,
                            write->update
                                ? "Item size to update has exceeded the maximum allowed size"
                                : "Item size has exceeded the maximum allowed size");
    store_txn_put(txn, STORE_ITEMS, write->key,
                  ddb_stored_make(request->arena, item, write->new_size));
    ddb_stats_change(txn, write->table, write->has_old ? 0 : 1,
                     (int64_t)write->new_size - (int64_t)write->old_size);
    return OK;
}

static enum err carry_out(struct request *request, struct store_txn *txn)
{
    struct item_write *write = request->handler_state;
    struct ddb_value old = {.type = DDB_M}, changed = {.type = DDB_M};
    struct ddb_stored stored = {0};
    struct str value;
    enum err rc = store_txn_get(txn, STORE_ITEMS, write->key, request->arena, &write->has_old,
                                &value, &request->error);
    if (rc == OK && write->has_old)
        rc = ddb_stored_read(value, &stored, &request->error);
    write->old_size = stored.size;
    bool needs_old = write->condition || write->update || write->returns != RETURN_NONE;
    if (rc == OK && write->has_old && needs_old)
        rc = ddb_stored_parse(value, request->arena, &old, &request->error);
    if (rc)
        return rc;
    if (write->condition && !ddb_condition_holds(write->condition, &old))
        return condition_failed(request, write, &old);

    if (write->is_delete) {
        if (write->has_old) {
            store_txn_delete(txn, STORE_ITEMS, write->key);
            ddb_stats_change(txn, write->table, -1, -(int64_t)write->old_size);
        }
    } else {
        rc = change(request, write, &old, &changed);
        if (rc == OK)
            rc = store_item(request, txn, write, &changed);
    }
    if (rc == OK)
        fill_returned(request, write, &old, &changed);
    return rc;
}

/* --- Back on the loop --- */

static enum err answer(struct request *request)
{
    struct item_write *write = request->handler_state;
    struct buf out;
    buf_init_arena(&out, request->arena, SIZE_MAX / 2);
    buf_add_byte(&out, '{');
    if (write->returned) {
        buf_add(&out, STR("\"Attributes\":"));
        ddb_item_write(write->returned, &out);
    }
    size_t larger = write->old_size > write->new_size ? write->old_size : write->new_size;
    ddb_add_consumed(&out, write->consumed, write->table, ddb_write_half_units(larger),
                     !write->returned);
    buf_add_byte(&out, '}');
    request->raw_output = buf_str(&out);
    return OK;
}

/* --- Reading the request --- */

static const char *const legacy[] = {"Expected", "ConditionalOperator", "AttributeUpdates", NULL};
static const char *const return_names[] = {"NONE",        "ALL_OLD",     "ALL_NEW",
                                           "UPDATED_OLD", "UPDATED_NEW", NULL};

static enum err read_returns(struct request *request, struct item_write *write)
{
    static const char *const on_failure[] = {"NONE", "ALL_OLD", NULL};
    static const char *const metrics[] = {"NONE", "SIZE", NULL};
    size_t which, ignored;
    enum err rc = ddb_request_enum(request, "ReturnValues", return_names, RETURN_NONE, &which);
    if (rc)
        return rc;
    write->returns = (enum returns)which;
    rc = ddb_request_enum(request, "ReturnValuesOnConditionCheckFailure", on_failure, 0, &which);
    write->returns_old_on_failure = which == 1;
    if (rc == OK)
        /* Only tables with local secondary indexes have item collections to measure. */
        rc = ddb_request_enum(request, "ReturnItemCollectionMetrics", metrics, 0, &ignored);
    return rc ? rc : ddb_request_consumed(request, &write->consumed);
}

static enum err start(struct request *request, struct item_write **out)
{
    struct item_write *write = arena_new(request->arena, struct item_write);
    enum err rc = ddb_table_of_request(request, &write->table);
    if (rc == OK)
        rc = ddb_refuse_legacy(request, legacy);
    if (rc == OK)
        rc = read_returns(request, write);
    *out = write;
    return rc;
}

static enum err submit(struct request *request, struct item_write *write)
{
    write->key = ddb_item_key(request->arena, write->table, &write->item);
    request->handler_state = write;
    return request_write(request, carry_out, answer);
}

static enum err old_or_none_only(struct request *request, const struct item_write *write)
{
    if (write->returns == RETURN_NONE || write->returns == RETURN_ALL_OLD)
        return OK;
    return request_fail(request, ERR_VALIDATION, "ReturnValues can only be ALL_OLD or NONE");
}

static enum err read_condition(struct request *request, struct item_write *write)
{
    struct ddb_substitutions *with;
    enum err rc = ddb_request_substitutions(request, &with);
    if (rc == OK)
        rc = ddb_request_condition(request, "ConditionExpression", with, &write->condition);
    return rc ? rc : ddb_substitutions_check_used(with, &request->error);
}

enum err ddb_put_item(struct request *request)
{
    struct item_write *write;
    yyjson_val *wire = json_get(request->input, "Item");
    enum err rc = start(request, &write);
    if (rc == OK && !wire)
        rc = request_fail(request, ERR_VALIDATION,
                          "1 validation error detected: Value null at 'item' failed to satisfy "
                          "constraint: Member must not be null");
    if (rc == OK)
        rc = old_or_none_only(request, write);
    if (rc == OK)
        rc = ddb_item_read(wire, request->arena, false, &write->item, &request->error);
    if (rc == OK)
        rc = read_condition(request, write);
    if (rc == OK)
        rc = ddb_check_item(write->table, &write->item, &request->error);
    if (rc == OK && ddb_item_size(&write->item) > DDB_MAX_ITEM_BYTES)
        rc = request_fail(request, ERR_VALIDATION,
                          "Item size has exceeded the maximum allowed size");
    return rc ? rc : submit(request, write);
}

enum err ddb_delete_item(struct request *request)
{
    struct item_write *write;
    enum err rc = start(request, &write);
    if (rc)
        return rc;
    write->is_delete = true;
    rc = old_or_none_only(request, write);
    if (rc == OK)
        rc = read_condition(request, write);
    if (rc == OK)
        rc = ddb_request_key(request, write->table, &write->item);
    return rc ? rc : submit(request, write);
}

static enum err check_keys_untouched(struct request *request, const struct item_write *write)
{
    for (size_t i = 0; i < write->update->count; i++) {
        struct str name = write->update->actions[i].path.steps[0].name;
        if (str_eq(name, write->table->hash.name) ||
            (write->table->range.name.len && str_eq(name, write->table->range.name)))
            return request_fail(
                request, ERR_VALIDATION,
                "One or more parameter values were invalid: Cannot update attribute "
                "%.*s. This attribute is part of the key",
                STR_ARG(name));
    }
    return OK;
}

static enum err read_update(struct request *request, struct item_write *write)
{
    struct ddb_update *update = arena_new(request->arena, struct ddb_update);
    struct ddb_substitutions *with;
    struct str text = request_str(request, "UpdateExpression");
    write->update = update; /* without an expression: only the key is put */
    enum err rc = ddb_request_substitutions(request, &with);
    if (rc == OK && text.ptr)
        rc = ddb_update_parse(text, with, request->arena, update, &request->error);
    if (rc == OK)
        rc = ddb_request_condition(request, "ConditionExpression", with, &write->condition);
    if (rc == OK)
        rc = ddb_substitutions_check_used(with, &request->error);
    return rc ? rc : check_keys_untouched(request, write);
}

enum err ddb_update_item(struct request *request)
{
    struct item_write *write;
    enum err rc = start(request, &write);
    if (rc == OK)
        rc = read_update(request, write);
    if (rc == OK)
        rc = ddb_request_key(request, write->table, &write->item);
    return rc ? rc : submit(request, write);
}
