/* The parameters from before expressions (Developer Guide, "Legacy conditional parameters"), made
 * into the same trees. */
#include "services/dynamodb/parameters.h"

/* --- Building trees --- */

static const struct ddb_operand *path_operand(struct arena *arena, struct str name)
{
    struct ddb_operand *operand = arena_new(arena, struct ddb_operand);
    operand->kind = DDB_OPERAND_PATH;
    operand->path.steps = arena_new(arena, struct ddb_step);
    operand->path.steps[0].name = name;
    operand->path.count = 1;
    return operand;
}

static const struct ddb_operand *value_operand(struct arena *arena, const struct ddb_value *value)
{
    struct ddb_operand *operand = arena_new(arena, struct ddb_operand);
    operand->kind = DDB_OPERAND_VALUE;
    operand->value = value;
    return operand;
}

static struct ddb_condition *compare(struct arena *arena, enum ddb_condition_kind kind,
                                     struct str name, const struct ddb_value *values, size_t count)
{
    struct ddb_condition *condition = arena_new(arena, struct ddb_condition);
    condition->kind = kind;
    condition->operand_count = count + 1;
    condition->operands = arena_alloc(arena, (count + 1) * sizeof(*condition->operands));
    condition->operands[0] = path_operand(arena, name);
    for (size_t i = 0; i < count; i++)
        condition->operands[i + 1] = value_operand(arena, &values[i]);
    return condition;
}

static void join(struct arena *arena, enum ddb_condition_kind kind, const struct ddb_condition *one,
                 const struct ddb_condition **all)
{
    if (!*all) {
        *all = one;
        return;
    }
    struct ddb_condition *condition = arena_new(arena, struct ddb_condition);
    condition->kind = kind;
    condition->left = *all;
    condition->right = one;
    *all = condition;
}

/* The negation holds for nothing that is not there. */
static const struct ddb_condition *negate(struct arena *arena, struct str name,
                                          const struct ddb_condition *left)
{
    const struct ddb_condition *both = compare(arena, DDB_ATTRIBUTE_EXISTS, name, NULL, 0);
    struct ddb_condition *condition = arena_new(arena, struct ddb_condition);
    condition->kind = DDB_NOT;
    condition->left = left;
    join(arena, DDB_AND, condition, &both);
    return both;
}

/* --- Comparison operators --- */

#define ANY_NUMBER SIZE_MAX
#define SCALARS    (1u << DDB_S | 1u << DDB_N | 1u << DDB_B)
#define SETS       (1u << DDB_SS | 1u << DDB_NS | 1u << DDB_BS)

static const struct comparison {
    const char *name;
    enum ddb_condition_kind kind;
    size_t least, most; /* values */
    unsigned types;     /* that filters may compare with; 0: any */
    bool is_negated;
} comparisons[] = {
    {"EQ", DDB_EQUAL, 1, 1, 0, false},
    {"NE", DDB_NOT_EQUAL, 1, 1, 0, false},
    {"LE", DDB_LESS_EQUAL, 1, 1, SCALARS, false},
    {"LT", DDB_LESS, 1, 1, SCALARS, false},
    {"GE", DDB_GREATER_EQUAL, 1, 1, SCALARS, false},
    {"GT", DDB_GREATER, 1, 1, SCALARS, false},
    {"CONTAINS", DDB_CONTAINS, 1, 1, SCALARS, false},
    {"NOT_CONTAINS", DDB_CONTAINS, 1, 1, SCALARS, true},
    {"BEGINS_WITH", DDB_BEGINS_WITH, 1, 1, 1u << DDB_S | 1u << DDB_B, false},
    {"IN", DDB_IN, 1, ANY_NUMBER, SCALARS, false},
    {"BETWEEN", DDB_BETWEEN, 2, 2, SCALARS, false},
    {"NULL", DDB_ATTRIBUTE_NOT_EXISTS, 0, 0, 0, false},
    {"NOT_NULL", DDB_ATTRIBUTE_EXISTS, 0, 0, 0, false},
};

static const struct comparison *find_comparison(struct str name)
{
    for (size_t i = 0; i < sizeof(comparisons) / sizeof(comparisons[0]); i++) {
        if (str_eq(name, str_from(comparisons[i].name)))
            return &comparisons[i];
    }
    return NULL;
}

static enum err invalid(struct request *request, const char *what)
{
    return request_fail(request, ERR_VALIDATION, "One or more parameter values were invalid: %s",
                        what);
}

static enum err read_values(struct request *request, yyjson_val *list, struct ddb_value **out,
                            size_t *out_count)
{
    yyjson_val *wire;
    size_t i, max;
    enum err rc = OK;
    *out_count = yyjson_arr_size(list);
    *out = arena_array(request->arena, struct ddb_value, *out_count + 1);
    yyjson_arr_foreach (list, i, max, wire) {
        if (rc == OK)
            rc = ddb_value_read(wire, request->arena, false, &(*out)[i], &request->error);
    }
    return rc;
}

static enum err check_values(struct request *request, const struct comparison *comparison,
                             const struct ddb_value *values, size_t count)
{
    int order;
    if (count < comparison->least || count > comparison->most)
        return request_fail(request, ERR_VALIDATION,
                            "One or more parameter values were invalid: Invalid number of "
                            "argument(s) for the %s ComparisonOperator",
                            comparison->name);
    for (size_t i = 1; i < count; i++) {
        if (values[i].type != values[0].type)
            return invalid(request,
                           "AttributeValues inside AttributeValueList must be of same type");
    }
    for (size_t i = 0; comparison->types && i < count; i++) {
        if (!(comparison->types & 1u << values[i].type))
            return request_fail(request, ERR_VALIDATION,
                                "One or more parameter values were invalid: ComparisonOperator %s "
                                "is not valid for %s AttributeValue type",
                                comparison->name, ddb_type_name(values[i].type));
    }
    if (comparison->kind == DDB_BETWEEN && ddb_value_compare(&values[0], &values[1], &order) &&
        order > 0)
        return request_fail(request, ERR_VALIDATION,
                            "The BETWEEN condition was provided a range where the lower bound is "
                            "greater than the upper bound");
    return OK;
}

/* One attribute's comparison, checked, joined to `*all`. */
static enum err add_comparison(struct request *request, struct str name,
                               const struct comparison *comparison, const struct ddb_value *values,
                               size_t count, enum ddb_condition_kind joined_by,
                               const struct ddb_condition **all)
{
    enum err rc = check_values(request, comparison, values, count);
    if (rc)
        return rc;
    const struct ddb_condition *one =
        compare(request->arena, comparison->kind, name, values, count);
    if (comparison->is_negated)
        one = negate(request->arena, name, one);
    join(request->arena, joined_by, one, all);
    return OK;
}

static enum ddb_condition_kind joint(const yyjson_val *input)
{
    return str_eq(json_get_str(input, "ConditionalOperator"), STR("OR")) ? DDB_OR : DDB_AND;
}

/* "ConditionalOperator" without what it joins, or with one condition only. */
static enum err check_joint(struct request *request, const yyjson_val *input,
                            const yyjson_val *conditions)
{
    if (!ddb_get(input, "ConditionalOperator"))
        return OK;
    if (!conditions || yyjson_obj_size((yyjson_val *)(uintptr_t)conditions) == 0)
        return request_fail(request, ERR_VALIDATION,
                            "ConditionalOperator cannot be used without Filter or Expected");
    if (yyjson_obj_size((yyjson_val *)(uintptr_t)conditions) == 1)
        return request_fail(request, ERR_VALIDATION,
                            "ConditionalOperator can only be used when Filter or Expected has two "
                            "or more elements");
    return OK;
}

/* --- Conditions of Query and Scan --- */

static enum err read_conditions(struct request *request, yyjson_val *conditions,
                                enum ddb_condition_kind joined_by, const struct ddb_condition **out)
{
    yyjson_val *key, *condition;
    size_t i, max;
    yyjson_obj_foreach (conditions, i, max, key, condition) {
        const struct comparison *comparison =
            find_comparison(json_get_str(condition, "ComparisonOperator"));
        struct ddb_value *values;
        size_t count;
        enum err rc =
            read_values(request, ddb_get(condition, "AttributeValueList"), &values, &count);
        if (rc == OK && comparison)
            rc = add_comparison(request, json_str(key), comparison, values, count, joined_by, out);
        if (rc)
            return rc;
    }
    return OK;
}

enum err ddb_read_filter(struct request *request, const yyjson_val *input, const char *parameter,
                         struct ddb_expressions *out)
{
    yyjson_val *conditions = ddb_get(input, parameter);
    enum err rc = read_conditions(request, conditions, joint(input), &out->filter);
    return rc ? rc : check_joint(request, input, conditions);
}

enum err ddb_read_key_conditions(struct request *request, const yyjson_val *input,
                                 struct ddb_expressions *out)
{
    yyjson_val *conditions = ddb_get(input, "KeyConditions"), *key, *condition;
    size_t i, max;
    if (!conditions)
        return OK;
    enum err rc = read_conditions(request, conditions, DDB_AND, &out->key_condition);
    if (rc)
        return rc;
    if (yyjson_obj_size(conditions) < 1 || yyjson_obj_size(conditions) > 2)
        return request_fail(request, ERR_VALIDATION, "Conditions can be of length 1 or 2 only");
    yyjson_obj_foreach (conditions, i, max, key, condition) {
        const struct comparison *one =
            find_comparison(json_get_str(condition, "ComparisonOperator"));
        bool is_range = one && one->least > 0 && one->kind != DDB_NOT_EQUAL &&
                        one->kind != DDB_CONTAINS && one->kind != DDB_IN;
        out->is_not_indexable |= !is_range;
    }
    return OK;
}

/* --- Expected --- */

static enum err wrong_expected(struct request *request, const char *what, struct str name)
{
    return request_fail(request, ERR_VALIDATION,
                        "One or more parameter values were invalid: %s for Attribute: %.*s", what,
                        STR_ARG(name));
}

/* {"Value": v} or {"Exists": false} */
static enum err read_plain_expected(struct request *request, struct str name, yyjson_val *expected,
                                    enum ddb_condition_kind joined_by,
                                    const struct ddb_condition **out)
{
    yyjson_val *wire = ddb_get(expected, "Value"), *exists = ddb_get(expected, "Exists");
    bool must_exist = ddb_get_boolean(expected, "Exists", true);
    if (must_exist && !wire)
        return wrong_expected(request,
                              exists ? "Value must be provided when Exists is true"
                                     : "Value must be provided when Exists is null",
                              name);
    if (!must_exist && wire)
        return wrong_expected(request, "Value cannot be used when Exists is false", name);
    struct ddb_value *value = arena_new(request->arena, struct ddb_value);
    enum err rc = wire ? ddb_value_read(wire, request->arena, false, value, &request->error) : OK;
    if (rc == OK)
        join(request->arena, joined_by,
             compare(request->arena, wire ? DDB_EQUAL : DDB_ATTRIBUTE_NOT_EXISTS, name, value,
                     wire ? 1 : 0),
             out);
    return rc;
}

static enum err read_one_expected(struct request *request, struct str name, yyjson_val *expected,
                                  enum ddb_condition_kind joined_by,
                                  const struct ddb_condition **out)
{
    yyjson_val *list = ddb_get(expected, "AttributeValueList"), *value = ddb_get(expected, "Value");
    struct str given = json_get_str(expected, "ComparisonOperator");
    const struct comparison *comparison = find_comparison(given);
    if (list && value)
        return wrong_expected(request, "Value and AttributeValueList cannot be used together",
                              name);
    if (!comparison && list)
        return wrong_expected(
            request, "AttributeValueList can only be used with a ComparisonOperator", name);
    if (!comparison)
        return read_plain_expected(request, name, expected, joined_by, out);
    if (ddb_get(expected, "Exists"))
        return wrong_expected(request, "Exists and ComparisonOperator cannot be used together",
                              name);
    if (comparison->least && !list && !value)
        return request_fail(request, ERR_VALIDATION,
                            "One or more parameter values were invalid: Value or "
                            "AttributeValueList must be used with ComparisonOperator: %s for "
                            "Attribute: %.*s",
                            comparison->name, STR_ARG(name));
    struct ddb_value *values = arena_new(request->arena, struct ddb_value);
    size_t count = value ? 1 : 0;
    enum err rc = value ? ddb_value_read(value, request->arena, false, values, &request->error)
                        : read_values(request, list, &values, &count);
    return rc ? rc : add_comparison(request, name, comparison, values, count, joined_by, out);
}

enum err ddb_read_expected(struct request *request, const yyjson_val *input,
                           struct ddb_expressions *out)
{
    yyjson_val *all = ddb_get(input, "Expected"), *key, *expected;
    size_t i, max;
    enum err rc = OK;
    yyjson_obj_foreach (all, i, max, key, expected) {
        if (rc == OK)
            rc = read_one_expected(request, json_str(key), expected, joint(input), &out->condition);
    }
    return rc ? rc : check_joint(request, input, all);
}

/* --- AttributeUpdates --- */

static enum err read_update(struct request *request, struct str name, yyjson_val *update,
                            struct ddb_action *out)
{
    yyjson_val *wire = ddb_get(update, "Value");
    struct str action = json_get_str(update, "Action");
    bool is_delete = str_eq(action, STR("DELETE")), is_add = str_eq(action, STR("ADD"));
    struct ddb_value *value = arena_new(request->arena, struct ddb_value);
    out->path = path_operand(request->arena, name)->path;
    out->kind = is_delete ? DDB_ACTION_REMOVE : is_add ? DDB_ACTION_ADD : DDB_ACTION_SET;
    if (!wire)
        return is_delete ? OK
                         : invalid(request, "Only DELETE action is allowed when no attribute value "
                                            "is specified");
    enum err rc = ddb_value_read(wire, request->arena, false, value, &request->error);
    if (rc)
        return rc;
    unsigned type = 1u << value->type;
    if (is_delete && !(type & SETS))
        return request_fail(request, ERR_VALIDATION,
                            "One or more parameter values were invalid: DELETE action with value "
                            "is not supported for the type %s",
                            ddb_type_name(value->type));
    if (is_add && !(type & (SETS | 1u << DDB_N | 1u << DDB_L)))
        return request_fail(request, ERR_VALIDATION,
                            "One or more parameter values were invalid: ADD action is not "
                            "supported for the type %s",
                            ddb_type_name(value->type));
    if (is_delete)
        out->kind = DDB_ACTION_DELETE;
    out->operand = value_operand(request->arena, value);
    return OK;
}

enum err ddb_read_attribute_updates(struct request *request, const yyjson_val *input,
                                    struct ddb_expressions *out)
{
    yyjson_val *updates = ddb_get(input, "AttributeUpdates"), *key, *one;
    size_t i, max;
    enum err rc = OK;
    if (!updates)
        return OK;
    struct ddb_update *update = arena_new(request->arena, struct ddb_update);
    update->is_older = true;
    update->actions = arena_array(request->arena, struct ddb_action, yyjson_obj_size(updates));
    yyjson_obj_foreach (updates, i, max, key, one) {
        if (rc == OK)
            rc = read_update(request, json_str(key), one, &update->actions[update->count++]);
    }
    out->update = update;
    return rc;
}

/* --- AttributesToGet --- */

enum err ddb_read_attributes_to_get(struct request *request, const yyjson_val *input,
                                    struct ddb_expressions *out)
{
    yyjson_val *names = ddb_get(input, "AttributesToGet"), *name;
    size_t i, max;
    if (!names)
        return OK;
    struct ddb_projection *projection = arena_new(request->arena, struct ddb_projection);
    projection->paths = arena_array(request->arena, struct ddb_path, yyjson_arr_size(names));
    yyjson_arr_foreach (names, i, max, name) {
        for (size_t j = 0; j < i; j++) {
            if (str_eq(projection->paths[j].steps[0].name, json_str(name)))
                return request_fail(request, ERR_VALIDATION,
                                    "One or more parameter values were invalid: Duplicate value in "
                                    "attribute name: %.*s",
                                    STR_ARG(json_str(name)));
        }
        projection->paths[projection->count++] = path_operand(request->arena, json_str(name))->path;
    }
    out->projection = projection;
    return OK;
}
