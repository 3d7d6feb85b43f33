/* The condition keys of DynamoDB's actions: which items, attributes and forms of answer a call, or
 * one table or item of it, asks for (Developer Guide, "Using IAM policy conditions for fine-grained
 * access control"). They are read here from the request as its handler does, when a policy asks.
 *
 * Where the request cannot be read, a name or key that no item has is among the values: the call
 * fails anyway, but no other reading of it may be what a policy has allowed. */
#include "base/encode.h"
#include "services/dynamodb/operations.h"
#include "services/dynamodb/statement.h"

/* Neither attributes nor partition keys are empty. */
static const struct str of_nothing = STR_INIT("");

static const struct ddb_statement *statement_of(const struct condition_question *question)
{
    const struct ddb_permission *permission = question->part;
    return permission ? permission->statement : NULL;
}

/* The request, or the part of it that is checked. */
static yyjson_val *input_of(const struct condition_question *question)
{
    const struct ddb_permission *permission = question->part;
    return permission ? (yyjson_val *)(uintptr_t)permission->input : question->request->input;
}

static bool is_action(const struct condition_question *question, struct str name)
{
    struct str action = question->authorization->action;
    return str_ends(action, name) && action.len == name.len + sizeof("dynamodb:") - 1;
}

/* The table of the ARN that is checked, with a reference until the request ends; the index's keys
 * where the ARN is an index's. */
static const struct ddb_table *table_of(const struct condition_question *question,
                                        const struct ddb_keys **out_keys)
{
    struct str rest = question->authorization->resource, name, kind;
    struct str prefix = ddb_table_arn(question->request, STR_EMPTY);
    if (!str_starts(rest, prefix))
        return NULL;
    rest = str_slice(rest, prefix.len, rest.len);
    str_cut(&rest, '/', &name);
    struct ddb_table *table = ddb_table_ref(question->service->self, name);
    if (!table)
        return NULL;
    ddb_table_keep(question->request->arena, table);
    str_cut(&rest, '/', &kind);
    const struct ddb_index *index =
        str_eq(kind, STR("index")) ? ddb_table_index(table, rest) : NULL;
    *out_keys = index ? &index->keys : &table->keys;
    return table;
}

/* --- dynamodb:LeadingKeys --- */

static void add_key_value(const struct ddb_value *value, struct condition_values *out)
{
    if (value && value->type == DDB_B)
        condition_values_add(out, encode_base64(out->arena, value->text));
    else if (value && (value->type == DDB_S || value->type == DDB_N))
        condition_values_add(out, value->text);
    else
        condition_values_add(out, of_nothing);
}

/* Reads the item or key whole, so that a name that comes twice is taken as the handler takes it. */
static void add_leading_key(const struct condition_question *question, const struct ddb_keys *keys,
                            yyjson_val *wire, struct condition_values *out)
{
    struct ddb_value item;
    struct error error;
    bool is_read =
        wire && ddb_item_read(wire, question->request->arena, false, &item, &error) == OK;
    add_key_value(is_read ? ddb_map_get(&item, keys->hash.name) : NULL, out);
}

/* Adds those of the puts and deletions of a batch, or of its keys. */
static void add_leading_keys(const struct condition_question *question, const struct ddb_keys *keys,
                             yyjson_val *list, struct condition_values *out)
{
    yyjson_val *entry;
    size_t i, max;
    yyjson_arr_foreach (list, i, max, entry) {
        yyjson_val *put = ddb_get(entry, "PutRequest"), *delete = ddb_get(entry, "DeleteRequest");
        yyjson_val *key = put ? json_get(put, "Item") : delete ? json_get(delete, "Key") : entry;
        add_leading_key(question, keys, key, out);
    }
}

static void add_of_query(const struct condition_question *question, const struct ddb_keys *keys,
                         struct condition_values *out)
{
    struct error before = question->request->error;
    struct ddb_value hash;
    bool is_read = ddb_query_partition(question->request, keys, &hash);
    question->request->error = before;
    add_key_value(is_read ? &hash : NULL, out);
}

static void add_of_statement(const struct condition_question *question, const struct ddb_keys *keys,
                             const struct ddb_statement *statement, struct condition_values *out)
{
    struct ddb_where where;
    struct error error;
    if (statement->kind == DDB_STATEMENT_INSERT) {
        add_key_value(ddb_map_get(&statement->item, keys->hash.name), out);
        return;
    }
    enum err rc = ddb_where_read(keys, statement->where, question->request->arena, &where, &error);
    for (size_t i = 0; rc == OK && i < where.hash_count; i++)
        add_key_value(where.hashes[i], out);
    if (rc || where.hash_count == 0)
        condition_values_add(out, of_nothing);
}

/* A read of the whole table is of every partition key, which no list of them allows. On AWS a Scan
 * has no such key, and ForAllValues lets it pass: its documentation tells not to allow Scan then.
 */
static void leading_keys(const struct condition_question *question, struct condition_values *out)
{
    const struct ddb_statement *statement = statement_of(question);
    yyjson_val *input = input_of(question);
    const struct ddb_keys *keys = NULL;
    if (!table_of(question, &keys))
        return;
    if (statement)
        add_of_statement(question, keys, statement, out);
    else if (is_action(question, STR("Query")))
        add_of_query(question, keys, out);
    else if (is_action(question, STR("Scan")))
        condition_values_add(out, of_nothing);
    else if (yyjson_is_arr(input))
        add_leading_keys(question, keys, input, out);
    else if (is_action(question, STR("BatchGetItem")))
        add_leading_keys(question, keys, json_get(input, "Keys"), out);
    else
        add_leading_key(question, keys,
                        json_get(input, is_action(question, STR("PutItem")) ? "Item" : "Key"), out);
}

/* --- dynamodb:Attributes --- */

static void add_name(struct str name, struct condition_values *out)
{
    for (size_t i = 0; i < out->count; i++) {
        if (str_eq(out->list[i], name))
            return;
    }
    condition_values_add(out, name);
}

static void add_path(const struct ddb_path *path, struct condition_values *out)
{
    if (path->count)
        add_name(path->steps[0].name, out);
}

static void add_operand(const struct ddb_operand *operand, struct condition_values *out)
{
    if (!operand)
        return;
    add_path(&operand->path, out);
    add_operand(operand->left, out);
    add_operand(operand->right, out);
}

static void add_condition(const struct ddb_condition *condition, struct condition_values *out)
{
    if (!condition)
        return;
    add_condition(condition->left, out);
    add_condition(condition->right, out);
    for (size_t i = 0; i < condition->operand_count; i++)
        add_operand(condition->operands[i], out);
}

static void add_update(const struct ddb_update *update, struct condition_values *out)
{
    for (size_t i = 0; update && i < update->count; i++) {
        add_path(&update->actions[i].path, out);
        add_operand(update->actions[i].operand, out);
    }
}

static void add_projection(const struct ddb_projection *projection, struct condition_values *out)
{
    for (size_t i = 0; projection && i < projection->count; i++)
        add_path(&projection->paths[i], out);
}

/* The expressions that the action takes. */
static const char *const *expressions_of(const struct condition_question *question)
{
    static const char *const query[] = {"KeyConditionExpression", "FilterExpression",
                                        "ProjectionExpression", NULL};
    static const char *const scan[] = {"FilterExpression", "ProjectionExpression", NULL};
    static const char *const get[] = {"ProjectionExpression", NULL};
    static const char *const update[] = {"UpdateExpression", "ConditionExpression", NULL};
    static const char *const other[] = {"ConditionExpression", NULL};
    if (is_action(question, STR("Query")))
        return query;
    if (is_action(question, STR("Scan")))
        return scan;
    if (is_action(question, STR("UpdateItem")))
        return update;
    return is_action(question, STR("GetItem")) || is_action(question, STR("BatchGetItem")) ? get
                                                                                           : other;
}

static void add_expressions(const struct condition_question *question, const yyjson_val *input,
                            struct condition_values *out)
{
    static const char *const none[] = {NULL};
    struct ddb_parameter_set set = {expressions_of(question), none};
    struct ddb_expressions expressions = {0};
    struct error before = question->request->error;
    if (ddb_expressions_read(question->request, input, &set, &expressions))
        add_name(of_nothing, out);
    question->request->error = before;
    add_condition(expressions.condition, out);
    add_condition(expressions.key_condition, out);
    add_condition(expressions.filter, out);
    add_update(expressions.update, out);
    add_projection(expressions.projection, out);
}

static void add_member_names(yyjson_val *object, struct condition_values *out)
{
    yyjson_val *name, *value;
    size_t i, max;
    yyjson_obj_foreach (object, i, max, name, value) {
        add_name(json_str(name), out);
    }
}

/* Keys, items, and the parameters of the older style, which name attributes as members. */
static void add_plain_names(const yyjson_val *input, struct condition_values *out)
{
    static const char *const members[] = {
        "Key",           "Item",        "Expected",  "AttributeUpdates",
        "KeyConditions", "QueryFilter", "ScanFilter"};
    yyjson_val *list = json_get(input, "AttributesToGet"), *name;
    size_t i, max;
    for (i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        add_member_names(json_get(input, members[i]), out);
    yyjson_arr_foreach (list, i, max, name) {
        add_name(json_str(name), out);
    }
}

static void add_batch_names(yyjson_val *list, struct condition_values *out)
{
    yyjson_val *entry;
    size_t i, max;
    yyjson_arr_foreach (list, i, max, entry) {
        yyjson_val *put = ddb_get(entry, "PutRequest"), *delete = ddb_get(entry, "DeleteRequest");
        add_member_names(put      ? json_get(put, "Item")
                         : delete ? json_get(delete, "Key")
                                  : entry,
                         out);
    }
}

static void add_statement_names(const struct ddb_statement *statement, struct condition_values *out)
{
    add_condition(statement->where, out);
    add_projection(statement->projection, out);
    add_update(&statement->update, out);
    for (size_t i = 0; i < statement->order_count; i++)
        add_name(statement->order[i].name, out);
    for (size_t i = 0; statement->kind == DDB_STATEMENT_INSERT && i < statement->item.count; i++)
        add_name(statement->item.map[i].name, out);
}

static void attributes(const struct condition_question *question, struct condition_values *out)
{
    const struct ddb_statement *statement = statement_of(question);
    yyjson_val *input = input_of(question);
    if (statement) {
        add_statement_names(statement, out);
        return;
    }
    if (yyjson_is_arr(input)) {
        add_batch_names(input, out);
        return;
    }
    add_batch_names(json_get(input, "Keys"), out);
    add_plain_names(input, out);
    add_expressions(question, input, out);
}

/* --- How much is answered --- */

static struct str selected(bool has_projection, bool has_index)
{
    return has_projection ? STR("SPECIFIC_ATTRIBUTES")
           : has_index    ? STR("ALL_PROJECTED_ATTRIBUTES")
                          : STR("ALL_ATTRIBUTES");
}

static void select_value(const struct condition_question *question, struct condition_values *out)
{
    const struct ddb_statement *statement = statement_of(question);
    yyjson_val *input = input_of(question);
    bool is_page = is_action(question, STR("Query")) || is_action(question, STR("Scan"));
    struct str given = is_page ? json_get_str(input, "Select") : (struct str){NULL, 0};
    if (statement)
        condition_add(out, selected(statement->projection, statement->index.len > 0));
    else if (given.ptr)
        condition_add(out, given);
    else
        condition_add(out, selected(ddb_get(input, "ProjectionExpression") ||
                                        ddb_get(input, "AttributesToGet"),
                                    is_page && ddb_get(input, "IndexName")));
}

static struct str returning(const struct ddb_statement *statement)
{
    switch (statement->returning) {
    case DDB_RETURNING_NOTHING:
        break;
    case DDB_RETURNING_ALL_OLD:
        return STR("ALL_OLD");
    case DDB_RETURNING_MODIFIED_OLD:
        return STR("UPDATED_OLD");
    case DDB_RETURNING_ALL_NEW:
        return STR("ALL_NEW");
    case DDB_RETURNING_MODIFIED_NEW:
        return STR("UPDATED_NEW");
    }
    return STR("NONE");
}

/* The old item may also come with the error of a condition that fails; of a transaction's parts it
 * is all that is returned. Reads return no such values. */
static void return_values(const struct condition_question *question, struct condition_values *out)
{
    const struct ddb_statement *statement = statement_of(question);
    yyjson_val *input = input_of(question);
    struct str on_failure = json_get_str(input, "ReturnValuesOnConditionCheckFailure");
    struct str given = json_get_str(input, "ReturnValues");
    if (is_action(question, STR("Query")) || is_action(question, STR("Scan")))
        return;
    if (statement)
        given = returning(statement);
    if (!given.ptr || str_eq(given, STR("NONE")))
        given = on_failure.ptr ? on_failure : STR("NONE");
    condition_add(out, given);
}

static void return_consumed_capacity(const struct condition_question *question,
                                     struct condition_values *out)
{
    struct str given = request_str(question->request, "ReturnConsumedCapacity");
    condition_add(out, given.ptr ? given : STR("NONE"));
}

static void full_table_scan(const struct condition_question *question, struct condition_values *out)
{
    const struct ddb_statement *statement = statement_of(question);
    const struct ddb_keys *keys = NULL;
    struct ddb_where where;
    struct error error;
    if (!statement || !table_of(question, &keys))
        return;
    enum err rc = ddb_where_read(keys, statement->where, question->request->arena, &where, &error);
    condition_add_bool(out, rc || where.hash_count == 0);
}

static void enclosing_operation(const struct condition_question *question,
                                struct condition_values *out)
{
    static const char *const operations[] = {"ExecuteTransaction", "TransactGetItems",
                                             "TransactWriteItems"};
    const char *name = question->request->operation->name;
    for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
        if (strcmp(name, operations[i]) == 0)
            condition_add(out, str_from(name));
    }
}

/* --- Tags --- */

static void request_tag(const struct condition_question *question, struct condition_values *out)
{
    condition_add_tag(out, json_get(question->request->input, "Tags"), question->tail);
}

static void tag_keys(const struct condition_question *question, struct condition_values *out)
{
    condition_add_tag_keys(out, json_get(question->request->input, "Tags"));
    condition_add_list(out, json_get(question->request->input, "TagKeys"));
}

static void resource_tag(const struct condition_question *question, struct condition_values *out)
{
    const struct ddb_keys *keys;
    const struct ddb_table *table = table_of(question, &keys);
    if (table)
        condition_add_tag(out, json_get(table->definition, "Tags"), question->tail);
}

/* --- The table --- */

#define WRITES   "DeleteItem PutItem UpdateItem ConditionCheckItem"
#define READS    "GetItem Query"
#define BATCHES  "BatchGetItem BatchWriteItem"
#define PARTIQLS "PartiQLDelete PartiQLInsert PartiQLSelect PartiQLUpdate"

const struct condition_key ddb_condition_keys[] = {
    {"dynamodb:LeadingKeys", READS " Scan " WRITES " " BATCHES " " PARTIQLS, leading_keys, NULL},
    {"dynamodb:FirstPartitionKeyValues", READS " Scan " WRITES " " BATCHES " " PARTIQLS,
     leading_keys, NULL},
    {"dynamodb:Attributes", READS " Scan " WRITES " " BATCHES " " PARTIQLS, attributes, NULL},
    {"dynamodb:Select", READS " Scan BatchGetItem PartiQLSelect", select_value, NULL},
    {"dynamodb:ReturnValues", WRITES " Query Scan PartiQLDelete PartiQLUpdate", return_values,
     NULL},
    {"dynamodb:ReturnConsumedCapacity", READS " Scan " WRITES " " BATCHES, return_consumed_capacity,
     NULL},
    {"dynamodb:FullTableScan", "PartiQLSelect", full_table_scan, NULL},
    {"dynamodb:EnclosingOperation", "GetItem " WRITES " " PARTIQLS, enclosing_operation, NULL},
    {"aws:RequestTag/", "CreateTable TagResource", request_tag, NULL},
    {"aws:TagKeys", "CreateTable TagResource UntagResource", tag_keys, NULL},
    {"aws:ResourceTag/", NULL, resource_tag, NULL},
};
const size_t ddb_condition_key_count = sizeof(ddb_condition_keys) / sizeof(ddb_condition_keys[0]);
