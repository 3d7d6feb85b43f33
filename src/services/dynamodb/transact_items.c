/* TransactWriteItems and TransactGetItems. */
#include "services/dynamodb/transaction.h"

/* --- Writing --- */

static const struct action {
    const char *name;
    enum ddb_write_kind kind;
    const char *permission;
} actions[] = {
    {"ConditionCheck", DDB_CHECK, "dynamodb:ConditionCheckItem"},
    {"Put", DDB_PUT, "dynamodb:PutItem"},
    {"Update", DDB_UPDATE, "dynamodb:UpdateItem"},
    {"Delete", DDB_DELETE, "dynamodb:DeleteItem"},
};

enum { ACTIONS = sizeof(actions) / sizeof(actions[0]) };

/* The one action of an element. */
static enum err find_action(struct request *request, const yyjson_val *element,
                            const struct action **out_action, yyjson_val **out_input)
{
    size_t count = 0;
    for (size_t i = 0; i < ACTIONS; i++) {
        yyjson_val *input = ddb_get(element, actions[i].name);
        if (!input)
            continue;
        *out_action = &actions[i];
        *out_input = input;
        count++;
    }
    if (count == 1)
        return OK;
    return request_fail(request, ERR_VALIDATION,
                        "TransactItems can only contain one of Check, Put, Update or Delete");
}

static enum err read_write(struct request *request, const yyjson_val *input,
                           const struct action *action, struct ddb_write *write)
{
    static const char *const condition[] = {"ConditionExpression", NULL};
    static const char *const update[] = {"UpdateExpression", "ConditionExpression", NULL};
    static const char *const none[] = {NULL};
    static const char *const on_failure[] = {"NONE", "ALL_OLD", NULL};
    struct ddb_parameter_set set = {action->kind == DDB_UPDATE ? update : condition, none};
    struct ddb_expressions expressions = {0};
    write->kind = action->kind;
    write->returns_old_on_failure =
        ddb_get_choice(input, "ReturnValuesOnConditionCheckFailure", on_failure) == 1;
    enum err rc = ddb_check_style(request, input, &set);
    if (rc == OK)
        rc = ddb_read_item(request, input, write->kind == DDB_PUT ? "Item" : "Key", &write->item);
    if (rc == OK)
        rc = ddb_expressions_read(request, input, &set, &expressions);
    write->condition = expressions.condition;
    write->update = expressions.update;
    return rc;
}

static enum err read_action(struct request *request, struct ddb_transaction *transaction, size_t i,
                            const yyjson_val *element)
{
    const struct action *action = NULL;
    yyjson_val *input = NULL;
    enum err rc = find_action(request, element, &action, &input);
    return rc ? rc : read_write(request, input, action, &transaction->writes[i]);
}

/* Comes when all actions are read: what cannot be read is told before a table that is not there.
 */
static enum err prepare_action(struct request *request, struct ddb_transaction *transaction,
                               size_t i, const yyjson_val *element)
{
    struct ddb_write *write = &transaction->writes[i];
    const struct action *action = NULL;
    yyjson_val *input = NULL;
    enum err rc = find_action(request, element, &action, &input);
    struct ddb_permission permission = {.input = input};
    if (rc == OK)
        rc = ddb_authorize_table(request, action->permission, json_get_str(input, "TableName"),
                                 &permission);
    if (rc == OK)
        rc = ddb_table_by_name(request, json_get_str(input, "TableName"), &write->table);
    if (rc == OK)
        rc = ddb_check_key_filled(&write->table->keys, &write->item, &request->error);
    if (rc)
        return rc;
    rc = ddb_write_prepare(write, request->arena, &request->error);
    return ddb_transaction_note(transaction, i, rc, request->arena, &request->error);
}

static enum err answer_write(struct request *request)
{
    struct buf out;
    buf_init_arena(&out, request->arena, SIZE_MAX / 2);
    buf_add_byte(&out, '{');
    ddb_transaction_add_capacity(request, request->handler_state, &out, true);
    buf_add_byte(&out, '}');
    request->raw_output = buf_str(&out);
    return OK;
}

enum err ddb_transact_write_items(struct request *request)
{
    yyjson_val *list = json_get(request->input, "TransactItems"), *element;
    struct ddb_transaction *transaction = arena_new(request->arena, struct ddb_transaction);
    size_t i, max;
    ddb_transaction_init(transaction, request->arena, yyjson_arr_size(list), true);
    yyjson_arr_foreach (list, i, max, element) {
        enum err rc = read_action(request, transaction, i, element);
        if (rc)
            return rc;
    }
    yyjson_arr_foreach (list, i, max, element) {
        enum err rc = prepare_action(request, transaction, i, element);
        if (rc)
            return rc;
    }
    struct str token = request_str(request, "ClientRequestToken");
    if (token.ptr) {
        transaction->token = token;
        transaction->digest = ddb_transaction_digest(request->arena, list);
    }
    transaction->consumed = ddb_get_consumed(request->input);
    transaction->wants_metrics =
        str_eq(request_str(request, "ReturnItemCollectionMetrics"), STR("SIZE"));
    return ddb_transaction_submit(request, transaction, answer_write);
}

/* --- Reading --- */

static enum err read_get(struct request *request, struct ddb_transaction *transaction, size_t i,
                         const yyjson_val *element)
{
    const struct ddb_parameter_set *set = ddb_get_parameters();
    struct ddb_expressions expressions = {0};
    struct ddb_get *get = &transaction->gets[i];
    yyjson_val *input = json_get(element, "Get");
    enum err rc = ddb_check_style(request, input, set);
    if (rc == OK)
        rc = ddb_read_item(request, input, "Key", &get->item_key);
    if (rc == OK)
        rc = ddb_expressions_read(request, input, set, &expressions);
    get->projection = expressions.projection;
    return rc;
}

static enum err prepare_get(struct request *request, struct ddb_transaction *transaction, size_t i,
                            const yyjson_val *element)
{
    struct ddb_get *get = &transaction->gets[i];
    yyjson_val *input = json_get(element, "Get");
    struct str name = json_get_str(input, "TableName");
    struct ddb_permission permission = {.input = input};
    enum err rc = ddb_authorize_table(request, "dynamodb:GetItem", name, &permission);
    if (rc == OK)
        rc = ddb_table_by_name(request, name, &get->table);
    if (rc == OK)
        rc = ddb_check_key_filled(&get->table->keys, &get->item_key, &request->error);
    if (rc)
        return rc;
    rc = ddb_get_prepare(request, get);
    return ddb_transaction_note(transaction, i, rc, request->arena, &request->error);
}

enum err ddb_transaction_add_item(struct request *request,
                                  const struct ddb_transaction *transaction, size_t i,
                                  struct buf *out)
{
    const struct ddb_projection *projection = transaction->gets[i].projection;
    struct ddb_value item, part;
    if (!transaction->items[i].ptr)
        return OK;
    buf_add(out, STR("\"Item\":"));
    if (!projection) {
        buf_add(out, transaction->items[i]);
        return OK;
    }
    yyjson_val *wire = json_parse(request->arena, transaction->items[i]);
    enum err rc = ddb_item_read(wire, request->arena, true, &item, &request->error);
    if (rc == OK) {
        ddb_projection_apply(projection, &item, request->arena, &part);
        ddb_item_write(&part, out);
    }
    return rc;
}

static enum err answer_get(struct request *request)
{
    const struct ddb_transaction *transaction = request->handler_state;
    struct buf out;
    buf_init_arena(&out, request->arena, SIZE_MAX / 2);
    buf_add(&out, STR("{\"Responses\":["));
    for (size_t i = 0; i < transaction->count; i++) {
        buf_add(&out, i ? STR(",{") : STR("{"));
        enum err rc = ddb_transaction_add_item(request, transaction, i, &out);
        if (rc)
            return rc;
        buf_add_byte(&out, '}');
    }
    buf_add_byte(&out, ']');
    ddb_transaction_add_capacity(request, transaction, &out, false);
    buf_add_byte(&out, '}');
    request->raw_output = buf_str(&out);
    return OK;
}

enum err ddb_transact_get_items(struct request *request)
{
    yyjson_val *list = json_get(request->input, "TransactItems"), *element;
    struct ddb_transaction *transaction = arena_new(request->arena, struct ddb_transaction);
    size_t i, max;
    ddb_transaction_init(transaction, request->arena, yyjson_arr_size(list), false);
    yyjson_arr_foreach (list, i, max, element) {
        enum err rc = read_get(request, transaction, i, element);
        if (rc)
            return rc;
    }
    yyjson_arr_foreach (list, i, max, element) {
        enum err rc = prepare_get(request, transaction, i, element);
        if (rc)
            return rc;
    }
    transaction->consumed = ddb_get_consumed(request->input);
    return ddb_transaction_submit(request, transaction, answer_get);
}
