/* Query: key conditions as a range of store keys. */
#include "services/dynamodb/operations.h"

struct key_condition {
    const struct ddb_value *hash;
    const struct ddb_condition *range; /* NULL: the whole partition */
};

static enum err not_supported(struct request *request)
{
    return request_fail(request, ERR_VALIDATION, "Query key condition not supported");
}

static const struct str *attribute_of(const struct ddb_condition *condition)
{
    const struct ddb_operand *first = condition->operands[0];
    bool is_name = condition->operand_count && first->kind == DDB_OPERAND_PATH &&
                   first->path.count == 1 && first->path.steps[0].name.ptr;
    return is_name ? &first->path.steps[0].name : NULL;
}

static bool is_range_condition(enum ddb_condition_kind kind)
{
    switch ((int)kind) {
    case DDB_EQUAL:
    case DDB_LESS:
    case DDB_LESS_EQUAL:
    case DDB_GREATER:
    case DDB_GREATER_EQUAL:
    case DDB_BETWEEN:
    case DDB_BEGINS_WITH:
        return true;
    default:
        return false;
    }
}

static enum err wrong_operator(struct request *request, enum ddb_condition_kind kind)
{
    static const struct {
        enum ddb_condition_kind kind;
        const char *name;
    } names[] = {
        {DDB_OR, "OR"},
        {DDB_NOT, "NOT"},
        {DDB_NOT_EQUAL, "<>"},
        {DDB_IN, "IN"},
        {DDB_ATTRIBUTE_EXISTS, "attribute_exists"},
        {DDB_ATTRIBUTE_NOT_EXISTS, "attribute_not_exists"},
        {DDB_ATTRIBUTE_TYPE, "attribute_type"},
        {DDB_CONTAINS, "contains"},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (names[i].kind == kind)
            return request_fail(request, ERR_VALIDATION,
                                "Invalid operator used in KeyConditionExpression: %s",
                                names[i].name);
    }
    return not_supported(request);
}

static enum err take_one(struct request *request, const struct ddb_table *table,
                         const struct ddb_condition *condition, struct key_condition *out)
{
    if (!is_range_condition(condition->kind))
        return wrong_operator(request, condition->kind);
    const struct str *name = attribute_of(condition);
    if (!name)
        return not_supported(request);
    bool is_hash = str_eq(*name, table->hash.name);
    bool is_range = table->range.name.len && str_eq(*name, table->range.name);
    const struct ddb_key_part *part = is_hash ? &table->hash : &table->range;
    for (size_t i = 1; i < condition->operand_count; i++) {
        const struct ddb_operand *operand = condition->operands[i];
        if (operand->kind != DDB_OPERAND_VALUE)
            return not_supported(request);
        if ((is_hash || is_range) && operand->value->type != part->type)
            return request_fail(request, ERR_VALIDATION,
                                "One or more parameter values were invalid: Condition parameter "
                                "type does not match schema type");
    }
    if (is_hash && condition->kind == DDB_EQUAL && !out->hash)
        out->hash = condition->operands[1]->value;
    else if (is_range && !out->range)
        out->range = condition;
    else if (is_hash || is_range)
        return not_supported(request);
    else
        return request_fail(
            request, ERR_VALIDATION, "Query condition missed key schema element: %.*s",
            STR_ARG(out->hash && table->range.name.len ? table->range.name : table->hash.name));
    return OK;
}

static enum err analyze(struct request *request, const struct ddb_table *table,
                        const struct ddb_condition *condition, struct key_condition *out)
{
    enum err rc;
    if (condition->kind == DDB_AND) {
        if (condition->left->kind == DDB_AND || condition->right->kind == DDB_AND)
            return request_fail(request, ERR_VALIDATION, "Conditions can be of length 1 or 2 only");
        rc = take_one(request, table, condition->left, out);
        if (rc == OK)
            rc = take_one(request, table, condition->right, out);
    } else {
        rc = take_one(request, table, condition, out);
    }
    if (rc == OK && !out->hash)
        rc =
            request_fail(request, ERR_VALIDATION, "Query condition missed key schema element: %.*s",
                         STR_ARG(table->hash.name));
    return rc;
}

static struct str with_range(struct arena *arena, struct str partition,
                             const struct ddb_value *value)
{
    struct buf key;
    buf_init_arena(&key, arena, SIZE_MAX / 2);
    buf_add(&key, partition);
    ddb_key_encode(value, &key);
    return buf_str(&key);
}

/* The encoded text without its two closing bytes is what all longer ones start with. */
static struct str beginning(struct arena *arena, struct str partition,
                            const struct ddb_value *value)
{
    struct str key = with_range(arena, partition, value);
    return str_slice(key, 0, key.len - 2);
}

static void narrow(struct arena *arena, const struct ddb_condition *range, struct str partition,
                   struct ddb_page *page)
{
    const struct ddb_value *value = range->operands[1]->value;
    struct str exact = with_range(arena, partition, value);
    struct str behind = store_prefix_end(arena, exact);
    switch ((int)range->kind) {
    case DDB_EQUAL:
        page->start = exact;
        page->end = behind;
        break;
    case DDB_LESS:
        page->end = exact;
        break;
    case DDB_LESS_EQUAL:
        page->end = behind;
        break;
    case DDB_GREATER:
        page->start = behind;
        break;
    case DDB_GREATER_EQUAL:
        page->start = exact;
        break;
    case DDB_BETWEEN:
        page->start = exact;
        page->end =
            store_prefix_end(arena, with_range(arena, partition, range->operands[2]->value));
        break;
    default: /* begins_with */
        page->start = beginning(arena, partition, value);
        page->end = store_prefix_end(arena, page->start);
        break;
    }
}

static enum err refuse_key_in_filter(struct request *request, const struct ddb_table *table,
                                     const struct ddb_condition *filter)
{
    if (!filter)
        return OK;
    enum err rc = OK;
    if (filter->left)
        rc = refuse_key_in_filter(request, table, filter->left);
    if (rc == OK && filter->right)
        rc = refuse_key_in_filter(request, table, filter->right);
    for (size_t i = 0; rc == OK && i < filter->operand_count; i++) {
        const struct ddb_operand *operand = filter->operands[i];
        if (operand->kind == DDB_OPERAND_VALUE)
            continue;
        struct str name = operand->path.steps[0].name;
        if (str_eq(name, table->hash.name) ||
            (table->range.name.len && str_eq(name, table->range.name)))
            rc = request_fail(request, ERR_VALIDATION,
                              "Filter Expression can only contain non-primary key attributes: "
                              "Primary key attribute: %.*s",
                              STR_ARG(name));
    }
    return rc;
}

static enum err set_range(struct request *request, const struct ddb_condition *condition,
                          struct ddb_page *page)
{
    struct key_condition keys = {0};
    enum err rc = analyze(request, page->table, condition, &keys);
    if (rc)
        return rc;
    if (keys.hash->type != DDB_N && keys.hash->text.len == 0)
        return request_fail(request, ERR_VALIDATION,
                            "One or more parameter values are not valid. The AttributeValue for a "
                            "key attribute cannot contain an empty string value. Key: %.*s",
                            STR_ARG(page->table->hash.name));
    struct str partition = ddb_partition_prefix(request->arena, page->table, keys.hash);
    page->start = partition;
    page->end = store_prefix_end(request->arena, partition);
    if (keys.range)
        narrow(request->arena, keys.range, partition, page);
    return ddb_page_continue(request, page, partition);
}

enum err ddb_query(struct request *request)
{
    static const char *const legacy[] = {"KeyConditions", "QueryFilter", "ConditionalOperator",
                                         "AttributesToGet", NULL};
    struct ddb_page page = {0};
    struct ddb_substitutions *with;
    const struct ddb_condition *condition = NULL;
    enum err rc = ddb_table_of_request(request, &page.table);
    if (rc == OK)
        rc = ddb_refuse_legacy(request, legacy);
    if (rc == OK)
        rc = ddb_request_substitutions(request, &with);
    if (rc == OK)
        rc = ddb_page_read(request, with, &page);
    if (rc == OK)
        rc = ddb_request_condition(request, "KeyConditionExpression", with, &condition);
    if (rc == OK && !condition)
        rc = request_fail(request, ERR_VALIDATION,
                          "Either the KeyConditions or KeyConditionExpression parameter must be "
                          "specified in the request.");
    if (rc == OK)
        rc = ddb_substitutions_check_used(with, &request->error);
    if (rc == OK)
        rc = refuse_key_in_filter(request, page.table, page.filter);
    page.is_reverse = !json_get_bool(request->input, "ScanIndexForward", true);
    if (rc == OK)
        rc = set_range(request, condition, &page);
    return rc ? rc : ddb_page_answer(request, &page);
}
