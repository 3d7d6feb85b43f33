/* Writes of items, as the writer thread carries them out. */
#include "services/dynamodb/write.h"

#include "services/dynamodb/key_paths.h"

static const char too_large[] = "Item size has exceeded the maximum allowed size";

/* --- On the loop --- */

/* What is known before the item is read: a value of the wrong type for an index's key. */
static enum err check_literals(const struct ddb_write *write, struct error *error)
{
    for (size_t i = 0; i < write->update->count; i++) {
        const struct ddb_action *action = &write->update->actions[i];
        bool is_literal = action->kind == DDB_ACTION_SET && action->path.count == 1 &&
                          action->operand->kind == DDB_OPERAND_VALUE;
        if (!is_literal)
            continue;
        struct ddb_entry entry = {action->path.steps[0].name, *action->operand->value};
        struct ddb_value item = {.type = DDB_M, .count = 1, .map = &entry};
        enum err rc = ddb_check_index_attributes(write->table, &item, error);
        if (rc)
            return rc;
    }
    return OK;
}

static enum err check_update(const struct ddb_write *write, struct error *error)
{
    for (size_t i = 0; i < write->update->count; i++) {
        struct str name = write->update->actions[i].path.steps[0].name;
        if (ddb_is_key(&write->table->keys, name))
            return error_set(error, ERR_VALIDATION,
                             "One or more parameter values were invalid: Cannot update attribute "
                             "%.*s. This attribute is part of the key",
                             STR_ARG(name));
    }
    enum err rc = check_literals(write, error);
    return rc ? rc : ddb_check_update_paths(write->table, write->update, error);
}

enum err ddb_write_prepare(struct ddb_write *write, struct arena *arena, struct error *error)
{
    enum err rc = write->kind == DDB_PUT ? ddb_check_item(write->table, &write->item, error)
                                         : ddb_check_key(&write->table->keys, &write->item, error);
    if (rc == OK && write->update)
        rc = check_update(write, error);
    if (rc == OK && write->condition)
        rc = ddb_check_condition_paths(write->table, write->condition, error);
    if (rc == OK && write->kind == DDB_PUT && ddb_item_size(&write->item) > DDB_MAX_ITEM_BYTES)
        rc = error_set(error, ERR_VALIDATION, too_large);
    if (rc == OK)
        write->key = ddb_item_key(arena, &write->table->keys, &write->item);
    return rc;
}

/* --- On the writer thread: checking --- */

static enum err condition_failed(const struct ddb_write *write, struct arena *arena,
                                 struct error *error)
{
    if (write->is_insert)
        return error_set(error, ERR_DDB_DUPLICATE_ITEM, "Duplicate primary key exists in table");
    error_set(error, ERR_DDB_CONDITIONAL_CHECK_FAILED, "The conditional request failed");
    error->members = STR_EMPTY;
    if (write->returns_old_on_failure && write->change.has_old) {
        struct buf item;
        buf_init_arena(&item, arena, SIZE_MAX / 2);
        buf_add(&item, STR("\"Item\":"));
        ddb_item_write(&write->old_item, &item);
        error->members = buf_str(&item);
    }
    return ERR_DDB_CONDITIONAL_CHECK_FAILED;
}

/* The table may have been deleted or changed since the request read it. */
static enum err find_table(struct dynamodb *dynamodb, struct ddb_write *write, struct arena *arena,
                           struct error *error)
{
    struct ddb_table *now = ddb_table_now(dynamodb, write->table->name, write->table->keys.id);
    if (!now)
        return error_set(error, ERR_DDB_RESOURCE_NOT_FOUND, "Requested resource not found");
    if (now == write->table) {
        ddb_table_unref(now); /* the request holds it */
        return OK;
    }
    ddb_table_keep(arena, now);
    write->table = now;
    return write->kind == DDB_PUT ? ddb_check_item(now, &write->item, error) : OK;
}

static enum err read_old(struct store_txn *txn, struct ddb_write *write, struct arena *arena,
                         struct error *error)
{
    struct ddb_change *change = &write->change;
    struct ddb_stored stored = {0};
    struct str value;
    enum err rc =
        store_txn_get(txn, STORE_ITEMS, write->key, arena, &change->has_old, &value, error);
    if (rc || !change->has_old)
        return rc;
    rc = ddb_stored_read(value, &stored, error);
    change->old_size = stored.size;
    bool is_needed =
        write->condition || write->update || write->wants_old || ddb_change_needs_old(write->table);
    if (rc == OK && is_needed) {
        rc = ddb_stored_parse(value, arena, &write->old_item, error);
        change->old_item = &write->old_item;
    }
    return rc;
}

/* What an update computed must still fit the indexes. */
static enum err check_result(const struct ddb_write *write, struct error *error)
{
    for (size_t i = 0; i < write->table->index_count; i++) {
        const struct ddb_index *index = &write->table->indexes[i];
        for (size_t j = 0; j < index->keys.count; j++) {
            const struct ddb_key_part *part = &index->keys.parts[j];
            const struct ddb_value *value = ddb_map_get(&write->new_item, part->name);
            if (value && value->type != part->type)
                return error_set(error, ERR_VALIDATION,
                                 "The update expression attempted to update the secondary index "
                                 "key to unsupported type");
        }
    }
    return ddb_check_index_attributes(write->table, &write->new_item, error);
}

/* Taking attributes away does not make an item. */
static bool makes_nothing(const struct ddb_write *write)
{
    if (write->change.has_old || !write->update)
        return false;
    for (size_t i = 0; i < write->update->count; i++) {
        enum ddb_action_kind kind = write->update->actions[i].kind;
        if (kind == DDB_ACTION_SET || kind == DDB_ACTION_ADD)
            return false;
    }
    return write->update->count > 0;
}

/* A set inside an attribute that is not there cannot be made smaller; removing is passed over. */
static enum err check_deletions(const struct ddb_update *update, struct error *error)
{
    for (size_t i = 0; i < update->count; i++) {
        if (update->actions[i].kind == DDB_ACTION_DELETE && update->actions[i].path.count > 1)
            return error_set(
                error, ERR_VALIDATION,
                "The document path provided in the update expression is invalid for update");
    }
    return OK;
}

static enum err make_new(struct ddb_write *write, struct arena *arena, struct error *error)
{
    /* An update of what is not there starts from the key. */
    bool from_old = write->update && write->change.has_old;
    if (makes_nothing(write))
        return check_deletions(write->update, error);
    write->new_item = from_old ? write->old_item : write->item;
    enum err rc = OK;
    if (write->update)
        rc = ddb_update_apply(write->update, from_old ? &write->old_item : &write->item, arena,
                              &write->new_item, error);
    if (rc == OK && write->update)
        rc = check_result(write, error);
    if (rc)
        return rc;
    write->change.new_item = &write->new_item;
    write->change.new_size = ddb_item_size(&write->new_item);
    if (write->change.new_size > DDB_MAX_ITEM_BYTES)
        return error_set(error, ERR_VALIDATION,
                         write->update ? "Item size to update has exceeded the maximum allowed size"
                                       : too_large);
    return OK;
}

enum err ddb_write_check(struct dynamodb *dynamodb, struct store_txn *txn, struct ddb_write *write,
                         struct arena *arena, struct error *error)
{
    write->old_item = (struct ddb_value){.type = DDB_M};
    enum err rc = find_table(dynamodb, write, arena, error);
    if (rc == OK)
        rc = read_old(txn, write, arena, error);
    if (rc)
        return rc;
    if (write->condition && !ddb_condition_holds(write->condition, &write->old_item))
        return condition_failed(write, arena, error);
    if (write->kind == DDB_PUT || write->kind == DDB_UPDATE)
        rc = make_new(write, arena, error);
    write->change.table = write->table;
    write->change.key = write->key;
    if (rc == OK && write->change.new_item)
        rc = ddb_change_check(txn, &write->change, arena, error);
    return rc;
}

/* --- On the writer thread: doing --- */

enum err ddb_write_apply(struct dynamodb *dynamodb, struct store_txn *txn, struct ddb_write *write,
                         struct arena *arena, struct error *error)
{
    if (write->kind != DDB_CHECK)
        return ddb_change_apply(dynamodb, txn, &write->change, arena, error);
    write->change.capacity.table = write->table;
    write->change.capacity.table_half = ddb_write_half_units(write->change.old_size);
    return OK;
}

/* --- For answers --- */

const struct ddb_value *ddb_updated_part(struct arena *arena, const struct ddb_update *update,
                                         const struct ddb_value *item)
{
    struct ddb_projection projection = {arena_array(arena, struct ddb_path, update->count),
                                        update->count, false};
    for (size_t i = 0; i < update->count; i++)
        projection.paths[i] = update->actions[i].path;
    struct ddb_value *part = arena_new(arena, struct ddb_value);
    ddb_projection_apply(&projection, item, arena, part);
    return part->count ? part : NULL;
}

void ddb_add_collection_metrics(struct buf *out, const struct ddb_write *write)
{
    uint64_t gigabytes = write->change.collection_bytes >> 30;
    struct str name = write->table->keys.hash.name;
    buf_add(out, STR("{\"ItemCollectionKey\":{"));
    buf_add_json(out, name);
    buf_add_byte(out, ':');
    ddb_value_write(ddb_map_get(&write->item, name), out);
    buf_printf(out, "},\"SizeEstimateRangeGB\":[%llu.0,%llu.0]}", (unsigned long long)gigabytes,
               (unsigned long long)gigabytes + 1);
}

bool ddb_write_is_same(const struct ddb_write *a, const struct ddb_write *b)
{
    return str_eq(a->key, b->key);
}

void ddb_add_all_collection_metrics(struct buf *out, const struct ddb_write *const *writes,
                                    size_t count)
{
    bool has_any = false;
    for (size_t i = 0; i < count; i++) {
        const struct ddb_table *table = writes[i]->table;
        bool is_new = table->collections_id != 0;
        for (size_t j = 0; is_new && j < i; j++)
            is_new = writes[j]->table->keys.id != table->keys.id;
        if (!is_new)
            continue;
        buf_add(out, has_any ? STR(",") : STR("\"ItemCollectionMetrics\":{"));
        has_any = true;
        buf_add_json(out, table->name);
        buf_add(out, STR(":["));
        for (size_t j = i; j < count; j++) {
            if (writes[j]->table->keys.id != table->keys.id)
                continue;
            buf_add(out, j > i ? STR(",") : STR_EMPTY);
            ddb_add_collection_metrics(out, writes[j]);
        }
        buf_add_byte(out, ']');
    }
    if (has_any)
        buf_add_byte(out, '}');
}
