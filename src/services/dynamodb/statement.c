/* Statements made into writes and reads. */
#include "services/dynamodb/statement.h"

/* --- Reading --- */

bool ddb_statement_is_read(const struct ddb_statement *statement)
{
    return statement->kind == DDB_STATEMENT_SELECT;
}

static enum err read_parameters(struct request *request, const yyjson_val *input,
                                struct ddb_value **out, size_t *out_count)
{
    yyjson_val *list = ddb_get(input, "Parameters"), *wire;
    size_t i, max;
    enum err rc = OK;
    *out_count = yyjson_arr_size(list);
    *out = arena_array(request->arena, struct ddb_value, *out_count);
    yyjson_arr_foreach (list, i, max, wire) {
        if (rc == OK)
            rc = ddb_value_read(wire, request->arena, false, &(*out)[i], &request->error);
    }
    return rc;
}

static enum err authorize(struct request *request, const yyjson_val *input,
                          const struct ddb_statement *statement)
{
    static const char *const actions[] = {
        [DDB_STATEMENT_SELECT] = "dynamodb:PartiQLSelect",
        [DDB_STATEMENT_EXISTS] = "dynamodb:PartiQLSelect",
        [DDB_STATEMENT_INSERT] = "dynamodb:PartiQLInsert",
        [DDB_STATEMENT_UPDATE] = "dynamodb:PartiQLUpdate",
        [DDB_STATEMENT_DELETE] = "dynamodb:PartiQLDelete",
    };
    const char *action = actions[statement->kind];
    struct ddb_permission permission = {input, statement};
    if (statement->index.len == 0)
        return ddb_authorize_table(request, action, statement->table, &permission);
    return request_authorize_part(request, str_from(action),
                                  ddb_index_arn(request, statement->table, statement->index),
                                  &permission);
}

enum err ddb_statement_read(struct request *request, const yyjson_val *input,
                            struct ddb_statement *out, const struct ddb_table **out_table)
{
    struct ddb_value *parameters;
    size_t count;
    enum err rc = read_parameters(request, input, &parameters, &count);
    if (rc == OK)
        rc = ddb_statement_parse(json_get_str(input, "Statement"), parameters, count,
                                 request->arena, out, &request->error);
    if (rc == OK)
        rc = authorize(request, input, out);
    if (rc == OK)
        rc = ddb_table_by_name(request, out->table, out_table);
    if (rc == OK && out->index.len && !ddb_table_index(*out_table, out->index))
        rc = request_fail(request, ERR_VALIDATION,
                          "The table does not have the specified index: %.*s", STR_ARG(out->index));
    return rc;
}

/* --- WHERE --- */

struct where_reader {
    const struct ddb_keys *keys;
    struct arena *arena;
    struct error *error;
    struct ddb_where *out;
    size_t used, count; /* of the conditions that AND joins */
};

/* A condition on the attribute alone, with literals. */
static bool is_about(const struct ddb_condition *condition, const struct ddb_key_part *part)
{
    if (part->name.len == 0 || condition->operand_count < 2)
        return false;
    const struct ddb_operand *first = condition->operands[0];
    bool is_it = first->kind == DDB_OPERAND_PATH && first->path.count == 1 &&
                 str_eq(first->path.steps[0].name, part->name);
    for (size_t i = 1; is_it && i < condition->operand_count; i++)
        is_it = condition->operands[i]->kind == DDB_OPERAND_VALUE;
    return is_it;
}

static enum err check_types(const struct where_reader *reader,
                            const struct ddb_condition *condition, const struct ddb_key_part *part)
{
    for (size_t i = 1; i < condition->operand_count; i++) {
        if (condition->operands[i]->value->type != part->type)
            return error_set(reader->error, ERR_VALIDATION,
                             "One or more parameter values were invalid: Condition parameter type "
                             "does not match schema type");
    }
    return OK;
}

static enum err take_hash(struct where_reader *reader, const struct ddb_condition *condition)
{
    struct ddb_where *out = reader->out;
    bool is_usable = condition->kind == DDB_EQUAL || condition->kind == DDB_IN;
    if (!is_usable || out->hash_count)
        return OK;
    enum err rc = check_types(reader, condition, &reader->keys->hash);
    if (rc)
        return rc;
    out->hashes = arena_alloc(reader->arena, condition->operand_count * sizeof(*out->hashes));
    for (size_t i = 1; i < condition->operand_count; i++) {
        const struct ddb_value *value = condition->operands[i]->value;
        bool is_new = true;
        for (size_t j = 0; j < out->hash_count; j++)
            is_new = is_new && !ddb_value_equal(out->hashes[j], value);
        if (is_new)
            out->hashes[out->hash_count++] = value;
    }
    reader->used++;
    return OK;
}

static bool is_range(enum ddb_condition_kind kind)
{
    return kind == DDB_EQUAL || kind == DDB_LESS || kind == DDB_LESS_EQUAL || kind == DDB_GREATER ||
           kind == DDB_GREATER_EQUAL || kind == DDB_BETWEEN || kind == DDB_BEGINS_WITH;
}

static enum err take_range(struct where_reader *reader, const struct ddb_condition *condition)
{
    struct ddb_key_range *range = &reader->out->range;
    if (!is_range(condition->kind) || range->has_comparison)
        return OK;
    enum err rc = check_types(reader, condition, &reader->keys->range);
    if (rc)
        return rc;
    range->has_comparison = true;
    range->kind = condition->kind;
    range->values[0] = condition->operands[1]->value;
    range->values[1] = condition->operand_count > 2 ? condition->operands[2]->value : NULL;
    reader->used++;
    return OK;
}

static enum err read_where(struct where_reader *reader, const struct ddb_condition *condition)
{
    if (condition->kind == DDB_AND) {
        enum err rc = read_where(reader, condition->left);
        return rc ? rc : read_where(reader, condition->right);
    }
    reader->count++;
    if (is_about(condition, &reader->keys->hash))
        return take_hash(reader, condition);
    if (is_about(condition, &reader->keys->range))
        return take_range(reader, condition);
    return OK;
}

enum err ddb_where_read(const struct ddb_keys *keys, const struct ddb_condition *where,
                        struct arena *arena, struct ddb_where *out, struct error *error)
{
    struct where_reader reader = {keys, arena, error, out, 0, 0};
    *out = (struct ddb_where){.hash_count = 0};
    /* Keys of several attributes are not looked up, but filtered by. */
    bool is_plain = keys->hash_count == 1 && keys->count <= 2;
    enum err rc = where && is_plain ? read_where(&reader, where) : OK;
    bool has_range = keys->range.name.len > 0;
    out->is_whole_key = out->hash_count == 1 &&
                        (!has_range || (out->range.has_comparison && out->range.kind == DDB_EQUAL));
    out->is_key_only = is_plain && reader.used == reader.count;
    return rc;
}

/* --- One item --- */

/* The key that a WHERE clause is equal to. */
static enum err read_key(struct request *request, const struct ddb_statement *statement,
                         const struct ddb_table *table, struct ddb_value *out_key,
                         bool *out_is_key_only)
{
    struct ddb_where where;
    enum err rc =
        ddb_where_read(&table->keys, statement->where, request->arena, &where, &request->error);
    if (rc)
        return rc;
    if (!where.is_whole_key)
        return request_fail(request, ERR_VALIDATION,
                            "Where clause does not contain a mandatory equality on all key "
                            "attributes");
    *out_key = (struct ddb_value){.type = DDB_M};
    out_key->map = arena_array(request->arena, struct ddb_entry, 2);
    out_key->map[out_key->count++] = (struct ddb_entry){table->keys.hash.name, *where.hashes[0]};
    if (table->keys.range.name.len)
        out_key->map[out_key->count++] =
            (struct ddb_entry){table->keys.range.name, *where.range.values[0]};
    *out_is_key_only = where.is_key_only;
    return OK;
}

static const struct ddb_condition *existence(struct arena *arena, const struct ddb_table *table,
                                             enum ddb_condition_kind kind)
{
    struct ddb_condition *condition = arena_new(arena, struct ddb_condition);
    struct ddb_operand *operand = arena_new(arena, struct ddb_operand);
    operand->kind = DDB_OPERAND_PATH;
    operand->path.steps = arena_new(arena, struct ddb_step);
    operand->path.steps[0].name = table->keys.hash.name;
    operand->path.count = 1;
    condition->kind = kind;
    condition->operands = arena_alloc(arena, sizeof(*condition->operands));
    condition->operands[0] = operand;
    condition->operand_count = 1;
    return condition;
}

static enum err make_insert(struct request *request, const struct ddb_statement *statement,
                            struct ddb_write *out)
{
    out->kind = DDB_PUT;
    out->is_insert = true;
    out->item = statement->item;
    out->condition = existence(request->arena, out->table, DDB_ATTRIBUTE_NOT_EXISTS);
    return OK;
}

static enum err make_change(struct request *request, const struct ddb_statement *statement,
                            struct ddb_write *out)
{
    bool is_key_only, is_update = statement->kind == DDB_STATEMENT_UPDATE;
    enum err rc = read_key(request, statement, out->table, &out->item, &is_key_only);
    if (rc)
        return rc;
    out->kind = is_update                                 ? DDB_UPDATE
                : statement->kind == DDB_STATEMENT_DELETE ? DDB_DELETE
                                                          : DDB_CHECK;
    out->update = is_update ? &statement->update : NULL;
    /* The clause does not hold for what is not there: the key's equality is part of it. */
    if (!is_key_only)
        out->condition = statement->where;
    else if (out->kind != DDB_DELETE)
        out->condition = existence(request->arena, out->table, DDB_ATTRIBUTE_EXISTS);
    return OK;
}

enum err ddb_statement_write(struct request *request, const struct ddb_statement *statement,
                             const struct ddb_table *table, const yyjson_val *input,
                             struct ddb_write *out)
{
    static const char *const on_failure[] = {"NONE", "ALL_OLD", NULL};
    if (statement->index.len)
        return request_fail(request, ERR_VALIDATION,
                            "Cannot perform operations on an index that change data: %.*s",
                            STR_ARG(statement->index));
    out->table = table;
    out->wants_old = statement->returning != DDB_RETURNING_NOTHING;
    out->returns_old_on_failure =
        ddb_get_choice(input, "ReturnValuesOnConditionCheckFailure", on_failure) == 1;
    enum err rc = statement->kind == DDB_STATEMENT_INSERT ? make_insert(request, statement, out)
                                                          : make_change(request, statement, out);
    return rc ? rc : ddb_write_prepare(out, request->arena, &request->error);
}

enum err ddb_statement_get(struct request *request, const struct ddb_statement *statement,
                           const struct ddb_table *table, struct ddb_get *out,
                           const struct ddb_condition **out_filter)
{
    bool is_key_only;
    out->table = table;
    out->projection = statement->projection;
    enum err rc = read_key(request, statement, table, &out->item_key, &is_key_only);
    if (rc == OK && statement->index.len)
        rc = request_fail(request, ERR_VALIDATION,
                          "Where clause does not contain a mandatory equality on all key "
                          "attributes");
    *out_filter = rc || is_key_only ? NULL : statement->where;
    return rc ? rc : ddb_get_prepare(request, out);
}

const struct ddb_value *ddb_statement_returned(struct arena *arena,
                                               const struct ddb_statement *statement,
                                               const struct ddb_write *write)
{
    const struct ddb_value *old = write->change.has_old ? &write->old_item : NULL;
    const struct ddb_value *new = write->change.new_item;
    switch (statement->returning) {
    case DDB_RETURNING_NOTHING:
        return NULL;
    case DDB_RETURNING_ALL_OLD:
        return old;
    case DDB_RETURNING_ALL_NEW:
        return new;
    case DDB_RETURNING_MODIFIED_OLD:
        return old ? ddb_updated_part(arena, &statement->update, old) : NULL;
    case DDB_RETURNING_MODIFIED_NEW:
        return new ? ddb_updated_part(arena, &statement->update, new) : NULL;
    }
    return NULL;
}
