/* Query: key conditions as a range of store keys. */
#include "services/dynamodb/key_paths.h"
#include "services/dynamodb/operations.h"

/* One comparison of a key condition, with the attribute on the left. */
struct key_comparison {
    struct str name;
    enum ddb_condition_kind kind;
    const struct ddb_value *values[2];
    size_t count;
};

struct key_condition {
    struct key_comparison all[DDB_MAX_KEY_PARTS];
    size_t count;
    const struct key_comparison *of[DDB_MAX_KEY_PARTS]; /* the key's parts; NULL: none */
};

/* --- From the condition's tree --- */

static enum err wrong_operator(struct request *request, enum ddb_condition_kind kind)
{
    static const char *const names[] = {
        [DDB_OR] = "OR",
        [DDB_NOT] = "NOT",
        [DDB_NOT_EQUAL] = "<>",
        [DDB_IN] = "IN",
        [DDB_ATTRIBUTE_EXISTS] = "attribute_exists",
        [DDB_ATTRIBUTE_NOT_EXISTS] = "attribute_not_exists",
        [DDB_ATTRIBUTE_TYPE] = "attribute_type",
        [DDB_CONTAINS] = "contains",
    };
    if (kind >= sizeof(names) / sizeof(names[0]) || !names[kind])
        return OK;
    return request_fail(request, ERR_VALIDATION,
                        "Invalid operator used in KeyConditionExpression: %s", names[kind]);
}

static enum err invalid(struct request *request, const char *what)
{
    return request_fail(request, ERR_VALIDATION, "Invalid condition in KeyConditionExpression: %s",
                        what);
}

/* `:v < name` is `name > :v`. */
static enum ddb_condition_kind mirrored(enum ddb_condition_kind kind)
{
    switch ((int)kind) {
    case DDB_LESS:
        return DDB_GREATER;
    case DDB_LESS_EQUAL:
        return DDB_GREATER_EQUAL;
    case DDB_GREATER:
        return DDB_LESS;
    case DDB_GREATER_EQUAL:
        return DDB_LESS_EQUAL;
    default:
        return kind;
    }
}

static enum err check_first(struct request *request, const struct ddb_condition *condition)
{
    if (condition->operands[0]->kind == DDB_OPERAND_PATH)
        return OK;
    if (condition->kind == DDB_BETWEEN)
        return invalid(request,
                       "BETWEEN operator must have the key attribute as its first operand");
    if (condition->kind == DDB_BEGINS_WITH)
        return invalid(request,
                       "begins_with operator must have the key attribute as its first operand");
    return OK;
}

static enum err read_operands(struct request *request, const struct ddb_condition *condition,
                              struct key_comparison *out)
{
    out->kind = condition->kind;
    for (size_t i = 0; i < condition->operand_count; i++) {
        const struct ddb_operand *operand = condition->operands[i];
        if (operand->kind == DDB_OPERAND_SIZE)
            return request_fail(request, ERR_VALIDATION,
                                "KeyConditionExpressions cannot contain nested operations");
        if (operand->kind == DDB_OPERAND_VALUE) {
            if (out->count < 2)
                out->values[out->count++] = operand->value;
            continue;
        }
        if (out->name.ptr)
            return invalid(request, "Multiple attribute names used in one condition");
        if (operand->path.count > 1)
            return request_fail(
                request, ERR_VALIDATION,
                "Invalid KeyConditionExpression: KeyConditionExpressions cannot have conditions "
                "on nested attributes");
        out->name = operand->path.steps[0].name;
        if (i > 0)
            out->kind = mirrored(condition->kind);
    }
    return out->name.ptr ? OK : invalid(request, "No key attribute specified");
}

static enum err collect(struct request *request, const struct ddb_condition *condition,
                        struct key_condition *out)
{
    if (condition->kind == DDB_AND) {
        enum err rc = collect(request, condition->left, out);
        return rc ? rc : collect(request, condition->right, out);
    }
    struct key_comparison one = {.name = {NULL, 0}};
    enum err rc = wrong_operator(request, condition->kind);
    if (rc == OK)
        rc = check_first(request, condition);
    if (rc == OK)
        rc = read_operands(request, condition, &one);
    if (rc)
        return rc;
    for (size_t i = 0; i < out->count && i < DDB_MAX_KEY_PARTS; i++) {
        if (str_eq(out->all[i].name, one.name))
            return request_fail(request, ERR_VALIDATION,
                                "Invalid KeyConditionExpression: KeyConditionExpressions must only "
                                "contain one condition per key");
    }
    if (out->count < DDB_MAX_KEY_PARTS)
        out->all[out->count] = one;
    out->count++;
    return OK;
}

/* --- Against the key --- */

static const struct key_comparison *comparison_of(const struct key_condition *condition,
                                                  struct str name)
{
    for (size_t i = 0; i < condition->count && i < DDB_MAX_KEY_PARTS; i++) {
        if (str_eq(condition->all[i].name, name))
            return &condition->all[i];
    }
    return NULL;
}

static enum err missed(struct request *request, struct str name)
{
    return request_fail(request, ERR_VALIDATION, "Query condition missed key schema element: %.*s",
                        STR_ARG(name));
}

static enum err check_comparison(struct request *request, const struct ddb_key_part *part,
                                 const struct key_comparison *comparison)
{
    for (size_t i = 0; i < comparison->count; i++) {
        const struct ddb_value *value = comparison->values[i];
        if (value->type != part->type)
            return request_fail(request, ERR_VALIDATION,
                                "One or more parameter values were invalid: Condition parameter "
                                "type does not match schema type");
        if (value->type != DDB_N && value->text.len == 0 && comparison->kind != DDB_BEGINS_WITH)
            return request_fail(request, ERR_VALIDATION,
                                "One or more parameter values are not valid. The AttributeValue "
                                "for a key attribute cannot contain an empty %s value. Key: %.*s",
                                value->type == DDB_S ? "string" : "binary", STR_ARG(part->name));
    }
    if (comparison->kind == DDB_BEGINS_WITH && part->type == DDB_N)
        return request_fail(request, ERR_VALIDATION,
                            "Invalid KeyConditionExpression: Incorrect operand type for operator "
                            "or function; operator or function: begins_with, operand type: N");
    return OK;
}

static enum err not_supported(struct request *request)
{
    return request_fail(request, ERR_VALIDATION, "Query key condition not supported");
}

/* A key of several attributes: all of the partition key are equal to something, those of the sort
 * key come from the left without a gap, and all but the last are equal to something. */
static enum err check_several(struct request *request, const struct ddb_keys *keys,
                              const struct key_condition *condition)
{
    struct str gap = STR_EMPTY;
    size_t used = 0;
    bool is_open = false;
    for (size_t i = 0; i < keys->count; i++) {
        const struct key_comparison *one = condition->of[i];
        bool is_hash = i < keys->hash_count;
        if (!one && is_hash)
            return missed(request, keys->parts[i].name);
        if (!one) {
            gap = gap.len ? gap : keys->parts[i].name;
            continue;
        }
        if (gap.len)
            return missed(request, gap);
        enum err rc = check_comparison(request, &keys->parts[i], one);
        if (rc)
            return rc;
        if (is_open || (is_hash && one->kind != DDB_EQUAL))
            return not_supported(request);
        is_open = one->kind != DDB_EQUAL;
        used++;
    }
    if (used == condition->count)
        return OK;
    return gap.len ? missed(request, gap) : not_supported(request);
}

static enum err check_two(struct request *request, const struct ddb_keys *keys,
                          const struct key_condition *condition)
{
    bool has_range = keys->count > 1;
    const struct key_comparison *hash = condition->of[0];
    const struct key_comparison *range = has_range ? condition->of[1] : NULL;
    if (condition->count > 2)
        return request_fail(request, ERR_VALIDATION, "Conditions can be of length 1 or 2 only");
    if (!has_range && condition->count > 1)
        return not_supported(request);
    if (!hash)
        return missed(request, keys->hash.name);
    enum err rc = check_comparison(request, &keys->hash, hash);
    if (rc == OK && hash->kind != DDB_EQUAL)
        rc = not_supported(request);
    if (rc == OK && condition->count > 1 && !range)
        rc = missed(request, keys->range.name);
    if (rc == OK && range)
        rc = check_comparison(request, &keys->range, range);
    return rc;
}

static enum err check_against_keys(struct request *request, const struct ddb_keys *keys,
                                   struct key_condition *condition)
{
    for (size_t i = 0; i < keys->count; i++)
        condition->of[i] = comparison_of(condition, keys->parts[i].name);
    bool has_several = keys->hash_count > 1 || keys->count > 2;
    return has_several ? check_several(request, keys, condition)
                       : check_two(request, keys, condition);
}

/* --- The range --- */

static enum err continue_query(struct request *request, struct ddb_page *page, bool has_range,
                               struct str partition)
{
    struct str from = ddb_page_start_key(request, page);
    bool is_same_partition = str_starts(from, partition);
    bool is_inside =
        str_cmp(from, page->start) >= 0 && (page->end.len == 0 || str_cmp(from, page->end) < 0);
    if (!page->index && page->keys->count == 1)
        return request_fail(request, ERR_VALIDATION,
                            "The query can return at most one row and cannot be restarted");
    if (has_range && is_same_partition && !is_inside)
        return request_fail(request, ERR_VALIDATION,
                            "The provided starting key does not match the range key predicate");
    if (!is_same_partition)
        return request_fail(request, ERR_VALIDATION,
                            has_range
                                ? "The query can return at most one row and cannot be restarted"
                                : "The provided starting key is outside query boundaries based on "
                                  "provided conditions");
    ddb_page_continue(request, page, from);
    return OK;
}

static enum err set_range(struct request *request, const struct key_condition *condition,
                          struct ddb_page *page)
{
    const struct ddb_keys *keys = page->keys;
    struct ddb_key_range range = {.has_comparison = false};
    for (size_t i = 0; i < keys->count && condition->of[i]; i++) {
        const struct key_comparison *one = condition->of[i];
        bool is_last = i + 1 == keys->count || !condition->of[i + 1];
        if (i < keys->hash_count) {
            range.hashes[i] = one->values[0];
        } else if (!is_last) {
            range.equal[range.equal_count++] = one->values[0];
        } else {
            range.has_comparison = true;
            range.kind = one->kind;
            range.values[0] = one->values[0];
            range.values[1] = one->values[1];
        }
    }
    struct str partition = ddb_page_set_range(request->arena, &range, page);
    return page->has_start_key ? continue_query(request, page, range.has_comparison, partition)
                               : OK;
}

/* --- The filter --- */

static enum err refuse_key_in_filter(struct request *request, const struct ddb_keys *keys,
                                     const struct ddb_condition *filter)
{
    enum err rc = OK;
    if (filter->left)
        rc = refuse_key_in_filter(request, keys, filter->left);
    if (rc == OK && filter->right)
        rc = refuse_key_in_filter(request, keys, filter->right);
    for (size_t i = 0; rc == OK && i < filter->operand_count; i++) {
        const struct ddb_operand *operand = filter->operands[i];
        if (operand->value)
            continue;
        struct str name = operand->path.steps[0].name;
        bool is_older = ddb_get(request->input, "QueryFilter") != NULL;
        if (ddb_is_key(keys, name))
            rc = request_fail(request, ERR_VALIDATION,
                              "%s can only contain non-primary key attributes: Primary key "
                              "attribute: %.*s",
                              is_older ? "QueryFilter" : "Filter Expression", STR_ARG(name));
    }
    return rc;
}

/* --- The operation --- */

static enum err read_query(struct request *request, struct ddb_page *page,
                           struct key_condition *condition)
{
    static const char *const names[] = {"ProjectionExpression", "FilterExpression",
                                        "KeyConditionExpression", NULL};
    static const char *const older[] = {"AttributesToGet", "QueryFilter", "ConditionalOperator",
                                        "KeyConditions", NULL};
    /* KeyConditions may go with expressions other than KeyConditionExpression. */
    static const char *const without_conditions[] = {"AttributesToGet", "QueryFilter",
                                                     "ConditionalOperator", NULL};
    const yyjson_val *input = request->input;
    bool has_conditions = ddb_get(input, "KeyConditions") != NULL;
    bool has_both = has_conditions && ddb_get(input, "KeyConditionExpression");
    struct ddb_parameter_set set = {names, has_both ? older : without_conditions};
    struct ddb_expressions expressions = {0};
    enum err rc = ddb_check_style(request, input, &set);
    if (rc == OK)
        rc = ddb_read_filter(request, input, "QueryFilter", &expressions);
    if (rc == OK)
        rc = ddb_read_attributes_to_get(request, input, &expressions);
    if (rc == OK)
        rc = ddb_page_read(request, page);
    if (rc == OK && !has_conditions && !ddb_get(input, "KeyConditionExpression"))
        rc = request_fail(request, ERR_VALIDATION,
                          "Either the KeyConditions or KeyConditionExpression parameter must be "
                          "specified in the request.");
    if (rc == OK)
        rc = ddb_expressions_read(request, input, &set, &expressions);
    if (rc == OK)
        rc = ddb_read_key_conditions(request, input, &expressions);
    if (rc == OK)
        rc = ddb_page_select(request, &expressions, page);
    page->is_not_indexable = expressions.is_not_indexable;
    return rc || page->is_not_indexable ? rc
                                        : collect(request, expressions.key_condition, condition);
}

bool ddb_query_partition(struct request *request, const struct ddb_keys *keys,
                         struct ddb_value *out)
{
    struct ddb_page page = {.is_query = true};
    struct key_condition condition = {.count = 0};
    if (read_query(request, &page, &condition))
        return false;
    const struct key_comparison *hash = comparison_of(&condition, keys->hash.name);
    if (!hash || hash->kind != DDB_EQUAL || hash->count != 1)
        return false;
    *out = *hash->values[0];
    return true;
}

enum err ddb_query(struct request *request)
{
    struct ddb_page page = {.is_query = true};
    struct key_condition condition = {.count = 0};
    enum err rc = read_query(request, &page, &condition);
    if (rc == OK)
        rc = ddb_page_find(request, &page);
    if (rc == OK && page.has_start_key)
        rc = ddb_page_check_start(request, &page);
    if (rc == OK)
        rc = ddb_page_check_projected(request, &page);
    if (rc == OK && page.is_not_indexable)
        rc = request_fail(request, ERR_VALIDATION,
                          "Attempted conditional constraint is not an indexable operation");
    if (rc == OK)
        rc = check_against_keys(request, page.keys, &condition);
    if (rc == OK && page.filter)
        rc = refuse_key_in_filter(request, page.keys, page.filter);
    page.is_reverse = !ddb_get_boolean(request->input, "ScanIndexForward", true);
    if (rc == OK)
        rc = set_range(request, &condition, &page);
    return rc ? rc : ddb_page_answer(request, &page);
}
