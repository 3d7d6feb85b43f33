/* WHERE clauses of PartiQL. */
#include "services/dynamodb/partiql_parser.h"

enum { MAX_OPERANDS = 101 };

struct ddb_operand *partiql_operand(struct partiql *parser, enum ddb_operand_kind kind)
{
    struct ddb_operand *operand = arena_new(parser->arena, struct ddb_operand);
    operand->kind = kind;
    return operand;
}

static struct ddb_condition *new_condition(struct partiql *parser, enum ddb_condition_kind kind,
                                           const struct ddb_operand **operands, size_t count)
{
    struct ddb_condition *condition = arena_new(parser->arena, struct ddb_condition);
    condition->kind = kind;
    condition->operand_count = count;
    condition->operands = arena_alloc(parser->arena, (count + 1) * sizeof(*operands));
    if (count)
        memcpy(condition->operands, operands, count * sizeof(*operands));
    return condition;
}

static struct ddb_condition *negation(struct partiql *parser, const struct ddb_condition *inner)
{
    struct ddb_condition *condition = new_condition(parser, DDB_NOT, NULL, 0);
    condition->left = inner;
    return condition;
}

static enum err count_operator(struct partiql *parser)
{
    if (++parser->operators <= DDB_MAX_OPERATORS)
        return OK;
    return partiql_malformed(parser, "The statement contains too many operators");
}

/* A value, a path, or size(path). */
static enum err parse_operand(struct partiql *parser, const struct ddb_operand **out)
{
    struct ddb_operand *operand = partiql_operand(parser, DDB_OPERAND_PATH);
    *out = operand;
    if (partiql_is_value(parser)) {
        struct ddb_value *value = arena_new(parser->arena, struct ddb_value);
        operand->kind = DDB_OPERAND_VALUE;
        operand->value = value;
        return partiql_value(parser, value);
    }
    if (partiql_is_word(parser, "size") && partiql_is_call(parser)) {
        operand->kind = DDB_OPERAND_SIZE;
        partiql_advance(parser);
        partiql_advance(parser);
        enum err rc = partiql_path(parser, &operand->path);
        return rc ? rc : partiql_expect_sign(parser, ")");
    }
    return partiql_path(parser, &operand->path);
}

/* begins_with(path, value), contains(path, value), attribute_type(path, 'S') */
static enum err parse_function(struct partiql *parser, const struct ddb_condition **out)
{
    static const struct {
        const char *name;
        enum ddb_condition_kind kind;
    } functions[] = {
        {"begins_with", DDB_BEGINS_WITH},
        {"contains", DDB_CONTAINS},
        {"attribute_type", DDB_ATTRIBUTE_TYPE},
    };
    const struct ddb_operand *operands[2] = {NULL, NULL};
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
        if (!partiql_is_word(parser, functions[i].name))
            continue;
        partiql_advance(parser);
        partiql_advance(parser);
        enum err rc = parse_operand(parser, &operands[0]);
        if (rc == OK)
            rc = partiql_expect_sign(parser, ",");
        if (rc == OK)
            rc = parse_operand(parser, &operands[1]);
        if (rc == OK)
            rc = partiql_expect_sign(parser, ")");
        if (rc == OK && functions[i].kind == DDB_ATTRIBUTE_TYPE &&
            (operands[1]->kind != DDB_OPERAND_VALUE || operands[1]->value->type != DDB_S))
            rc = partiql_malformed(parser, "attribute_type needs the name of a type");
        if (rc == OK)
            *out = new_condition(parser, functions[i].kind, operands, 2);
        return rc;
    }
    return error_set(parser->error, ERR_VALIDATION, "Unsupported function: %.*s",
                     STR_ARG(parser->token.text));
}

static enum err parse_between(struct partiql *parser, const struct ddb_operand *first,
                              const struct ddb_condition **out)
{
    const struct ddb_operand *operands[3] = {first, NULL, NULL};
    enum err rc = parse_operand(parser, &operands[1]);
    if (rc == OK)
        rc = partiql_expect_word(parser, "AND");
    if (rc == OK)
        rc = parse_operand(parser, &operands[2]);
    if (rc == OK)
        *out = new_condition(parser, DDB_BETWEEN, operands, 3);
    return rc;
}

/* IN [1, 2] or IN (1, 2) */
static enum err parse_in(struct partiql *parser, const struct ddb_operand *first,
                         const struct ddb_condition **out)
{
    const struct ddb_operand *operands[MAX_OPERANDS] = {first};
    size_t count = 1;
    bool has_bracket = partiql_take_sign(parser, "[");
    enum err rc = has_bracket ? OK : partiql_expect_sign(parser, "(");
    while (rc == OK) {
        if (count == MAX_OPERANDS)
            return partiql_malformed(parser, "IN has too many operands");
        rc = parse_operand(parser, &operands[count++]);
        if (!partiql_take_sign(parser, ","))
            break;
    }
    if (rc == OK)
        rc = partiql_expect_sign(parser, has_bracket ? "]" : ")");
    if (rc == OK)
        *out = new_condition(parser, DDB_IN, operands, count);
    return rc;
}

/* IS [NOT] MISSING, IS [NOT] NULL */
static enum err parse_is(struct partiql *parser, const struct ddb_operand *first,
                         const struct ddb_condition **out)
{
    static const struct ddb_value null_type = {.type = DDB_S, .text = STR_INIT("NULL")};
    bool is_not = partiql_take_word(parser, "NOT");
    const struct ddb_operand *operands[2] = {first, NULL};
    if (first->kind != DDB_OPERAND_PATH)
        return partiql_malformed(parser, "IS needs a path");
    if (partiql_take_word(parser, "MISSING")) {
        *out = new_condition(parser, is_not ? DDB_ATTRIBUTE_EXISTS : DDB_ATTRIBUTE_NOT_EXISTS,
                             operands, 1);
        return OK;
    }
    enum err rc = partiql_expect_word(parser, "NULL");
    struct ddb_operand *type = partiql_operand(parser, DDB_OPERAND_VALUE);
    type->value = &null_type;
    operands[1] = type;
    *out = new_condition(parser, DDB_ATTRIBUTE_TYPE, operands, 2);
    if (is_not)
        *out = negation(parser, *out);
    return rc;
}

static enum err parse_comparison(struct partiql *parser, const struct ddb_condition **out)
{
    static const struct {
        const char *sign;
        enum ddb_condition_kind kind;
    } comparators[] = {
        {"=", DDB_EQUAL},       {"<>", DDB_NOT_EQUAL},     {"!=", DDB_NOT_EQUAL}, {"<", DDB_LESS},
        {"<=", DDB_LESS_EQUAL}, {">=", DDB_GREATER_EQUAL}, {">", DDB_GREATER},
    };
    const struct ddb_operand *operands[2] = {NULL, NULL};
    enum err rc = parse_operand(parser, &operands[0]);
    if (rc == OK)
        rc = count_operator(parser);
    if (rc)
        return rc;
    if (partiql_take_word(parser, "BETWEEN"))
        return parse_between(parser, operands[0], out);
    if (partiql_take_word(parser, "IN"))
        return parse_in(parser, operands[0], out);
    if (partiql_take_word(parser, "IS"))
        return parse_is(parser, operands[0], out);
    for (size_t i = 0; i < sizeof(comparators) / sizeof(comparators[0]); i++) {
        if (!partiql_take_sign(parser, comparators[i].sign))
            continue;
        rc = parse_operand(parser, &operands[1]);
        if (rc == OK)
            *out = new_condition(parser, comparators[i].kind, operands, 2);
        return rc;
    }
    return partiql_malformed(parser, "Expected a comparison");
}

static enum err parse_primary(struct partiql *parser, const struct ddb_condition **out)
{
    if (partiql_take_word(parser, "NOT")) {
        const struct ddb_condition *inner = NULL;
        enum err rc = partiql_enter(parser);
        if (rc == OK)
            rc = parse_primary(parser, &inner);
        parser->depth--;
        *out = negation(parser, inner);
        return rc;
    }
    if (partiql_take_sign(parser, "(")) {
        enum err rc = partiql_condition(parser, out);
        return rc ? rc : partiql_expect_sign(parser, ")");
    }
    if (partiql_is_call(parser) && !partiql_is_word(parser, "size"))
        return parse_function(parser, out);
    return parse_comparison(parser, out);
}

static enum err parse_chain(struct partiql *parser, const char *word, enum ddb_condition_kind kind,
                            enum err (*parse_part)(struct partiql *parser,
                                                   const struct ddb_condition **out),
                            const struct ddb_condition **out)
{
    enum err rc = parse_part(parser, out);
    while (rc == OK && partiql_take_word(parser, word)) {
        struct ddb_condition *both = new_condition(parser, kind, NULL, 0);
        both->left = *out;
        *out = both;
        rc = count_operator(parser);
        if (rc == OK)
            rc = parse_part(parser, &both->right);
    }
    return rc;
}

static enum err parse_and(struct partiql *parser, const struct ddb_condition **out)
{
    return parse_chain(parser, "AND", DDB_AND, parse_primary, out);
}

enum err partiql_condition(struct partiql *parser, const struct ddb_condition **out)
{
    enum err rc = partiql_enter(parser);
    if (rc == OK)
        rc = parse_chain(parser, "OR", DDB_OR, parse_and, out);
    parser->depth--;
    return rc;
}
