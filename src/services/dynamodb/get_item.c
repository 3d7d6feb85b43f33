/* GetItem, and the reading of one item that other operations share. */
#include "services/dynamodb/key_paths.h"
#include "services/dynamodb/operations.h"

enum err ddb_read_stored(struct request *request, const struct ddb_get *get, struct buf *out,
                         size_t *out_size, bool *out_found)
{
    struct ddb_stored stored = {0};
    struct str value = STR_EMPTY;
    enum err rc = store_get(request->skylite->store, STORE_ITEMS, get->key, request->arena,
                            out_found, &value, &request->error);
    if (rc == OK && *out_found)
        rc = ddb_stored_read(value, &stored, &request->error);
    *out_size = stored.size;
    if (rc || !*out_found)
        return rc;
    if (!get->projection) {
        buf_add(out, stored.json);
        return OK;
    }
    struct ddb_value item, part;
    rc = ddb_stored_parse(value, request->arena, &item, &request->error);
    if (rc == OK) {
        ddb_projection_apply(get->projection, &item, request->arena, &part);
        ddb_item_write(&part, out);
    }
    return rc;
}

enum err ddb_get_prepare(struct request *request, struct ddb_get *get)
{
    enum err rc = ddb_check_key(&get->table->keys, &get->item_key, &request->error);
    if (rc == OK && get->projection)
        rc = ddb_check_projection_paths(get->table, get->projection, &request->error);
    if (rc == OK)
        get->key = ddb_item_key(request->arena, &get->table->keys, &get->item_key);
    return rc;
}

static enum err answer(struct request *request, const struct ddb_get *get)
{
    static const struct str member = STR_INIT("\"Item\":");
    struct ddb_capacity capacity = {.table = get->table};
    struct buf item, out;
    size_t size;
    bool found;
    buf_init_arena(&item, request->arena, SIZE_MAX / 2);
    enum err rc = ddb_read_stored(request, get, &item, &size, &found);
    if (rc)
        return rc;
    buf_init_arena(&out, request->arena, SIZE_MAX / 2);
    buf_reserve(&out, item.len + 256);
    buf_add_byte(&out, '{');
    if (found) {
        buf_add(&out, member);
        buf_add(&out, buf_str(&item));
    }
    bool is_consistent = ddb_get_boolean(request->input, "ConsistentRead", false);
    capacity.table_half = ddb_read_half_units(size, is_consistent);
    ddb_capacity_write(&out, ddb_get_consumed(request->input), &capacity, !found);
    buf_add_byte(&out, '}');
    request->raw_output = buf_str(&out);
    return OK;
}

const struct ddb_parameter_set *ddb_get_parameters(void)
{
    static const char *const expressions[] = {"ProjectionExpression", NULL};
    static const char *const older[] = {"AttributesToGet", NULL};
    static const struct ddb_parameter_set set = {expressions, older};
    return &set;
}

enum err ddb_get_item(struct request *request)
{
    struct ddb_get get = {0};
    struct ddb_expressions expressions = {0};
    const struct ddb_parameter_set *set = ddb_get_parameters();
    enum err rc = ddb_check_style(request, request->input, set);
    if (rc == OK)
        rc = ddb_read_item(request, request->input, "Key", &get.item_key);
    if (rc == OK)
        rc = ddb_read_attributes_to_get(request, request->input, &expressions);
    if (rc == OK)
        rc = ddb_expressions_read(request, request->input, set, &expressions);
    if (rc == OK)
        rc = ddb_table_of_request(request, &get.table);
    get.projection = expressions.projection;
    if (rc == OK)
        rc = ddb_get_prepare(request, &get);
    return rc ? rc : answer(request, &get);
}
