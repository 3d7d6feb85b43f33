/* GetItem. */
#include "services/dynamodb/operations.h"

static enum err add_item(struct request *request, const struct ddb_projection *projection,
                         struct str value, struct buf *out)
{
    struct ddb_stored stored;
    enum err rc = ddb_stored_read(value, &stored, &request->error);
    if (rc)
        return rc;
    buf_add(out, STR("\"Item\":"));
    if (!projection) {
        buf_add(out, stored.json);
        return OK;
    }
    struct ddb_value item, part;
    rc = ddb_stored_parse(value, request->arena, &item, &request->error);
    if (rc == OK) {
        ddb_projection_apply(projection, &item, request->arena, &part);
        ddb_item_write(&part, out);
    }
    return rc;
}

static enum err read_and_answer(struct request *request, const struct ddb_table *table,
                                const struct ddb_value *key,
                                const struct ddb_projection *projection, enum ddb_consumed consumed)
{
    bool found;
    struct str value = STR_EMPTY;
    struct ddb_stored stored = {0};
    struct buf out;
    struct str store_key = ddb_item_key(request->arena, table, key);
    enum err rc = store_get(request->skylite->store, STORE_ITEMS, store_key, request->arena, &found,
                            &value, &request->error);
    if (rc)
        return rc;
    buf_init_arena(&out, request->arena, SIZE_MAX / 2);
    buf_reserve(&out, value.len + 128);
    buf_add_byte(&out, '{');
    if (found) {
        rc = add_item(request, projection, value, &out);
        if (rc == OK)
            rc = ddb_stored_read(value, &stored, &request->error);
        if (rc)
            return rc;
    }
    bool is_consistent = json_get_bool(request->input, "ConsistentRead", false);
    ddb_add_consumed(&out, consumed, table, ddb_read_half_units(stored.size, is_consistent),
                     !found);
    buf_add_byte(&out, '}');
    request->raw_output = buf_str(&out);
    return OK;
}

enum err ddb_get_item(struct request *request)
{
    static const char *const legacy[] = {"AttributesToGet", NULL};
    const struct ddb_table *table;
    const struct ddb_projection *projection;
    struct ddb_substitutions *with;
    struct ddb_value key;
    enum ddb_consumed consumed;
    enum err rc = ddb_table_of_request(request, &table);
    if (rc == OK)
        rc = ddb_refuse_legacy(request, legacy);
    if (rc == OK)
        rc = ddb_request_consumed(request, &consumed);
    if (rc == OK)
        rc = ddb_request_substitutions(request, &with);
    if (rc == OK)
        rc = ddb_request_projection(request, with, &projection);
    if (rc == OK)
        rc = ddb_substitutions_check_used(with, &request->error);
    if (rc == OK)
        rc = ddb_request_key(request, table, &key);
    return rc ? rc : read_and_answer(request, table, &key, projection, consumed);
}
