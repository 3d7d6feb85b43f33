/* Conditions, filters and key conditions: parsing and evaluating. */
#include "services/dynamodb/parser.h"

enum { MAX_DEPTH = 128, MAX_OPERANDS = 101 };

/* --- Parsing --- */

static const struct {
    const char *name;
    enum ddb_condition_kind kind;
    size_t operands;
} functions[] = {
    {"attribute_exists", DDB_ATTRIBUTE_EXISTS, 1},
    {"attribute_not_exists", DDB_ATTRIBUTE_NOT_EXISTS, 1},
    {"attribute_type", DDB_ATTRIBUTE_TYPE, 2},
    {"begins_with", DDB_BEGINS_WITH, 2},
    {"contains", DDB_CONTAINS, 2},
};

static const struct {
    const char *sign;
    enum ddb_condition_kind kind;
} comparators[] = {
    {"=", DDB_EQUAL},       {"<>", DDB_NOT_EQUAL},     {"<", DDB_LESS},
    {"<=", DDB_LESS_EQUAL}, {">=", DDB_GREATER_EQUAL}, {">", DDB_GREATER},
};

static enum err parse_or(struct ddb_parser *parser, const struct ddb_condition **out);

static bool is_call(const struct ddb_parser *parser)
{
    struct ddb_token next = ddb_lex(parser->text, parser->token.at + parser->token.text.len);
    return parser->token.kind == DDB_TOKEN_WORD && next.kind == DDB_TOKEN_SIGN &&
           str_eq(next.text, STR("("));
}

static enum err operand_type_error(struct ddb_parser *parser, struct str name,
                                   const struct ddb_value *value)
{
    return error_set(parser->error, ERR_VALIDATION,
                     "Invalid %s: Incorrect operand type for operator or function; operator or "
                     "function: %.*s, operand type: %s",
                     parser->kind, STR_ARG(name), ddb_type_name(value->type));
}

static bool has_size(enum ddb_type type)
{
    return type != DDB_N && type != DDB_BOOL && type != DDB_NULL;
}

static enum err parse_size(struct ddb_parser *parser, struct ddb_operand *operand)
{
    struct str name = parser->token.text;
    enum err rc;
    operand->kind = DDB_OPERAND_SIZE;
    ddb_parser_advance(parser); /* size */
    ddb_parser_advance(parser); /* ( */
    if (parser->token.kind == DDB_TOKEN_VALUE)
        rc = ddb_parser_value(parser, &operand->value);
    else
        rc = ddb_parser_path(parser, &operand->path);
    if (rc == OK && operand->value && !has_size(operand->value->type))
        rc = operand_type_error(parser, name, operand->value);
    return rc ? rc : ddb_parser_expect_sign(parser, ")");
}

static enum err parse_operand(struct ddb_parser *parser, const struct ddb_operand **out)
{
    struct ddb_operand *operand = ddb_parser_new_operand(parser, DDB_OPERAND_PATH);
    *out = operand;
    if (parser->token.kind == DDB_TOKEN_VALUE) {
        operand->kind = DDB_OPERAND_VALUE;
        return ddb_parser_value(parser, &operand->value);
    }
    if (is_call(parser) && str_eq(parser->token.text, STR("size")))
        return parse_size(parser, operand);
    if (is_call(parser))
        return error_set(parser->error, ERR_VALIDATION,
                         "Invalid %s: Invalid function name; function: %.*s", parser->kind,
                         STR_ARG(parser->token.text));
    return ddb_parser_path(parser, &operand->path);
}

static struct ddb_condition *new_condition(struct ddb_parser *parser, enum ddb_condition_kind kind,
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

static bool same_path(const struct ddb_operand *a, const struct ddb_operand *b)
{
    if (a->kind != DDB_OPERAND_PATH || b->kind != DDB_OPERAND_PATH ||
        a->path.count != b->path.count)
        return false;
    for (size_t i = 0; i < a->path.count; i++) {
        const struct ddb_step *x = &a->path.steps[i], *y = &b->path.steps[i];
        if (!x->name.ptr != !y->name.ptr || x->index != y->index ||
            (x->name.ptr && !str_eq(x->name, y->name)))
            return false;
    }
    return true;
}

/* `operator` may not compare a path with itself. */
static enum err check_distinct(struct ddb_parser *parser, struct str operator,
                               const struct ddb_operand ** operands)
{
    if (!same_path(operands[0], operands[1]))
        return OK;
    return error_set(parser->error, ERR_VALIDATION,
                     "Invalid %s: The first operand must be distinct from the remaining operands "
                     "for this operator or function; operator: %.*s, first operand: %.*s",
                     parser->kind, STR_ARG(operator),
                     STR_ARG(ddb_path_text(&operands[0]->path, parser->arena)));
}

static enum err check_function(struct ddb_parser *parser, enum ddb_condition_kind kind,
                               struct str name, const struct ddb_operand **operands)
{
    bool first_is_path = operands[0]->kind == DDB_OPERAND_PATH;
    const struct ddb_operand *second = operands[1];
    if ((kind == DDB_ATTRIBUTE_EXISTS || kind == DDB_ATTRIBUTE_NOT_EXISTS) && !first_is_path)
        return error_set(parser->error, ERR_VALIDATION,
                         "Invalid %s: Operator or function requires a document path; operator or "
                         "function: %.*s",
                         parser->kind, STR_ARG(name));
    if (kind == DDB_ATTRIBUTE_TYPE) {
        if (second->kind != DDB_OPERAND_VALUE || second->value->type != DDB_S)
            return second->kind == DDB_OPERAND_VALUE
                       ? operand_type_error(parser, name, second->value)
                       : ddb_parser_syntax_error(parser);
        for (enum ddb_type type = DDB_S; type <= DDB_NULL; type++) {
            if (str_eq(second->value->text, str_from(ddb_type_name(type))))
                return OK;
        }
        return error_set(parser->error, ERR_VALIDATION,
                         "Invalid %s: Invalid attribute type name found; type: %.*s, valid types: "
                         "{B,NULL,SS,BOOL,L,BS,N,NS,S,M}",
                         parser->kind, STR_ARG(second->value->text));
    }
    if (kind == DDB_BEGINS_WITH && second->kind == DDB_OPERAND_VALUE &&
        second->value->type != DDB_S && second->value->type != DDB_B)
        return operand_type_error(parser, name, second->value);
    return second ? check_distinct(parser, name, operands) : OK;
}

static enum err parse_function(struct ddb_parser *parser, const struct ddb_condition **out)
{
    struct str name = parser->token.text;
    const struct ddb_operand *operands[MAX_OPERANDS] = {NULL};
    size_t count = 0, which = 0, known = sizeof(functions) / sizeof(functions[0]);
    while (which < known && !str_eq(name, str_from(functions[which].name)))
        which++;
    if (which == known)
        return error_set(parser->error, ERR_VALIDATION,
                         "Invalid %s: Invalid function name; function: %.*s", parser->kind,
                         STR_ARG(name));
    enum err rc = ddb_parser_count_operator(parser);
    ddb_parser_advance(parser); /* the name */
    ddb_parser_advance(parser); /* ( */
    do {
        if (rc == OK && count == MAX_OPERANDS)
            rc = ddb_parser_syntax_error(parser);
        if (rc == OK)
            rc = parse_operand(parser, &operands[count]);
        count++;
    } while (rc == OK && ddb_parser_take_sign(parser, ","));
    if (rc == OK)
        rc = ddb_parser_expect_sign(parser, ")");
    if (rc)
        return rc;
    if (count != functions[which].operands)
        return error_set(parser->error, ERR_VALIDATION,
                         "Invalid %s: Incorrect number of operands for operator or function; "
                         "operator or function: %.*s, number of operands: %zu",
                         parser->kind, STR_ARG(name), count);
    rc = check_function(parser, functions[which].kind, name, operands);
    *out = new_condition(parser, functions[which].kind, operands, count);
    return rc;
}

static enum err check_between(struct ddb_parser *parser, const struct ddb_operand *low,
                              const struct ddb_operand *high)
{
    int order;
    if (low->kind != DDB_OPERAND_VALUE || high->kind != DDB_OPERAND_VALUE)
        return OK;
    if (low->value->type > DDB_B)
        return operand_type_error(parser, STR("BETWEEN"), low->value);
    if (high->value->type > DDB_B)
        return operand_type_error(parser, STR("BETWEEN"), high->value);
    if (low->value->type != high->value->type)
        return error_set(parser->error, ERR_VALIDATION,
                         "Invalid %s: The BETWEEN operator requires same data type for lower and "
                         "upper bounds; lower bound operand: AttributeValue: {%s}, upper bound "
                         "operand: AttributeValue: {%s}",
                         parser->kind, ddb_type_name(low->value->type),
                         ddb_type_name(high->value->type));
    if (ddb_value_compare(low->value, high->value, &order) && order > 0)
        return error_set(parser->error, ERR_VALIDATION,
                         "Invalid %s: The BETWEEN operator requires upper bound to be greater than "
                         "or equal to lower bound; lower bound operand: AttributeValue: {%s:%.*s}, "
                         "upper bound operand: AttributeValue: {%s:%.*s}",
                         parser->kind, ddb_type_name(low->value->type), STR_ARG(low->value->text),
                         ddb_type_name(high->value->type), STR_ARG(high->value->text));
    return OK;
}

static enum err parse_between(struct ddb_parser *parser, const struct ddb_operand *first,
                              const struct ddb_condition **out)
{
    const struct ddb_operand *operands[3] = {first, NULL, NULL};
    enum err rc = parse_operand(parser, &operands[1]);
    if (rc == OK && !ddb_parser_take_word(parser, "AND"))
        rc = ddb_parser_syntax_error(parser);
    if (rc == OK)
        rc = parse_operand(parser, &operands[2]);
    if (rc == OK)
        rc = check_between(parser, operands[1], operands[2]);
    if (rc == OK)
        *out = new_condition(parser, DDB_BETWEEN, operands, 3);
    return rc;
}

static enum err parse_in(struct ddb_parser *parser, const struct ddb_operand *first,
                         const struct ddb_condition **out)
{
    const struct ddb_operand *operands[MAX_OPERANDS] = {first};
    size_t count = 1;
    enum err rc = ddb_parser_expect_sign(parser, "(");
    while (rc == OK) {
        if (count == MAX_OPERANDS)
            return error_set(parser->error, ERR_VALIDATION,
                             "Invalid %s: The IN operator is provided with too many operands; "
                             "number of operands: %zu",
                             parser->kind, count);
        rc = parse_operand(parser, &operands[count++]);
        if (rc == OK && !ddb_parser_take_sign(parser, ","))
            break;
    }
    if (rc == OK)
        rc = ddb_parser_expect_sign(parser, ")");
    if (rc == OK)
        *out = new_condition(parser, DDB_IN, operands, count);
    return rc;
}

static enum err check_comparison(struct ddb_parser *parser, enum ddb_condition_kind kind,
                                 struct str sign, const struct ddb_operand **operands)
{
    enum err rc = check_distinct(parser, sign, operands);
    if (rc)
        return rc;
    if (kind == DDB_EQUAL || kind == DDB_NOT_EQUAL)
        return OK;
    for (size_t i = 0; i < 2; i++) {
        if (operands[i]->kind == DDB_OPERAND_VALUE && operands[i]->value->type > DDB_B)
            return operand_type_error(parser, sign, operands[i]->value);
    }
    return OK;
}

static enum err parse_comparison(struct ddb_parser *parser, const struct ddb_condition **out)
{
    const struct ddb_operand *operands[2] = {NULL, NULL};
    enum err rc = parse_operand(parser, &operands[0]);
    if (rc == OK)
        rc = ddb_parser_count_operator(parser);
    if (rc)
        return rc;
    if (ddb_parser_take_word(parser, "BETWEEN"))
        return parse_between(parser, operands[0], out);
    if (ddb_parser_take_word(parser, "IN"))
        return parse_in(parser, operands[0], out);
    for (size_t i = 0; i < sizeof(comparators) / sizeof(comparators[0]); i++) {
        struct str sign = parser->token.text;
        if (!ddb_parser_take_sign(parser, comparators[i].sign))
            continue;
        rc = parse_operand(parser, &operands[1]);
        if (rc == OK)
            rc = check_comparison(parser, comparators[i].kind, sign, operands);
        if (rc == OK)
            *out = new_condition(parser, comparators[i].kind, operands, 2);
        return rc;
    }
    return ddb_parser_syntax_error(parser);
}

/* `((a = b))` is refused, `((a = b) AND c = d)` is not. */
static enum err parse_group(struct ddb_parser *parser, const struct ddb_condition **out)
{
    ddb_parser_advance(parser);
    bool has_group = ddb_parser_is_sign(parser, "(");
    enum err rc = parse_or(parser, out);
    if (rc == OK)
        rc = ddb_parser_expect_sign(parser, ")");
    if (rc == OK && has_group && *out == parser->group)
        rc = error_set(parser->error, ERR_VALIDATION,
                       "Invalid %s: The expression has redundant parentheses;", parser->kind);
    parser->group = *out;
    return rc;
}

static enum err parse_primary(struct ddb_parser *parser, const struct ddb_condition **out)
{
    if (ddb_parser_is_sign(parser, "("))
        return parse_group(parser, out);
    if (is_call(parser) && !str_eq(parser->token.text, STR("size")))
        return parse_function(parser, out);
    return parse_comparison(parser, out);
}

static enum err parse_not(struct ddb_parser *parser, const struct ddb_condition **out)
{
    if (++parser->depth > MAX_DEPTH)
        return error_set(parser->error, ERR_VALIDATION,
                         "Invalid %s: The expression is nested too deeply", parser->kind);
    enum err rc;
    if (ddb_parser_take_word(parser, "NOT")) {
        struct ddb_condition *condition = new_condition(parser, DDB_NOT, NULL, 0);
        *out = condition;
        rc = ddb_parser_count_operator(parser);
        if (rc == OK)
            rc = parse_not(parser, &condition->left);
    } else {
        rc = parse_primary(parser, out);
    }
    parser->depth--;
    return rc;
}

static enum err
parse_chain(struct ddb_parser *parser, const char *word, enum ddb_condition_kind kind,
            enum err (*parse_part)(struct ddb_parser *parser, const struct ddb_condition **out),
            const struct ddb_condition **out)
{
    enum err rc = parse_part(parser, out);
    while (rc == OK && ddb_parser_take_word(parser, word)) {
        struct ddb_condition *condition = new_condition(parser, kind, NULL, 0);
        condition->left = *out;
        *out = condition;
        rc = ddb_parser_count_operator(parser);
        if (rc == OK)
            rc = parse_part(parser, &condition->right);
    }
    return rc;
}

static enum err parse_and(struct ddb_parser *parser, const struct ddb_condition **out)
{
    return parse_chain(parser, "AND", DDB_AND, parse_not, out);
}

static enum err parse_or(struct ddb_parser *parser, const struct ddb_condition **out)
{
    return parse_chain(parser, "OR", DDB_OR, parse_and, out);
}

enum err ddb_condition_parse(struct str text, const char *kind, struct ddb_substitutions *with,
                             struct arena *arena, const struct ddb_condition **out,
                             struct error *error)
{
    struct ddb_parser parser = {
        .text = text, .kind = kind, .with = with, .arena = arena, .error = error};
    enum err rc = ddb_parser_start(&parser);
    if (rc == OK)
        rc = parse_or(&parser, out);
    return rc ? rc : ddb_parser_expect_end(&parser);
}

/* --- Evaluating --- */

/* size() of a value, as a number value in `out`. */
static bool size_of(const struct ddb_value *value, char digits[24], struct ddb_value *out)
{
    size_t size = value->count;
    if (!has_size(value->type))
        return false;
    if (value->type == DDB_B)
        size = value->text.len;
    if (value->type == DDB_S) {
        /* Characters of UTF-16: what starts a UTF-8 sequence, and one more for those of four bytes.
         */
        size = 0;
        for (size_t i = 0; i < value->text.len; i++) {
            unsigned char byte = (unsigned char)value->text.ptr[i];
            size += (byte & 0xC0) != 0x80;
            size += byte >= 0xF0;
        }
    }
    struct buf text = {.ptr = digits, .cap = 24, .max = 24};
    buf_add_u64(&text, size);
    *out = (struct ddb_value){.type = DDB_N, .text = buf_str(&text)};
    return true;
}

struct resolved {
    const struct ddb_value *value; /* NULL: the path leads nowhere */
    struct ddb_value computed;
    char digits[24];
};

static void resolve(const struct ddb_operand *operand, const struct ddb_value *item,
                    struct resolved *out)
{
    out->value = operand->value ? operand->value : ddb_path_find(&operand->path, item);
    if (operand->kind == DDB_OPERAND_SIZE && out->value)
        out->value = size_of(out->value, out->digits, &out->computed) ? &out->computed : NULL;
}

static bool compare(enum ddb_condition_kind kind, const struct ddb_value *a,
                    const struct ddb_value *b)
{
    int order;
    if (kind == DDB_EQUAL)
        return a && b && ddb_value_equal(a, b);
    if (kind == DDB_NOT_EQUAL)
        return !a || !b ? a != b : !ddb_value_equal(a, b);
    if (!a || !b || !ddb_value_compare(a, b, &order))
        return false;
    switch ((int)kind) {
    case DDB_LESS:
        return order < 0;
    case DDB_LESS_EQUAL:
        return order <= 0;
    case DDB_GREATER:
        return order > 0;
    default:
        return order >= 0;
    }
}

static bool begins_with(const struct ddb_value *a, const struct ddb_value *b)
{
    return a && b && a->type == b->type && (a->type == DDB_S || a->type == DDB_B) &&
           str_starts(a->text, b->text);
}

static bool contains(const struct ddb_value *a, const struct ddb_value *b)
{
    if (!a || !b)
        return false;
    if ((a->type == DDB_S || a->type == DDB_B) && a->type == b->type)
        return str_find(a->text, b->text) >= 0;
    if (a->type == DDB_L) {
        for (size_t i = 0; i < a->count; i++) {
            if (ddb_value_equal(&a->list[i], b))
                return true;
        }
    }
    bool fits = (a->type == DDB_SS && b->type == DDB_S) ||
                (a->type == DDB_NS && b->type == DDB_N) || (a->type == DDB_BS && b->type == DDB_B);
    for (size_t i = 0; fits && i < a->count; i++) {
        if (str_eq(a->texts[i], b->text))
            return true;
    }
    return false;
}

static bool is_one_of(const struct ddb_condition *condition, const struct ddb_value *item,
                      const struct ddb_value *value)
{
    for (size_t i = 1; i < condition->operand_count; i++) {
        struct resolved candidate;
        resolve(condition->operands[i], item, &candidate);
        if (compare(DDB_EQUAL, value, candidate.value))
            return true;
    }
    return false;
}

static bool holds_on_operands(const struct ddb_condition *condition, const struct ddb_value *item)
{
    struct resolved all[3] = {0};
    size_t count = condition->operand_count < 3 ? condition->operand_count : 3;
    for (size_t i = 0; i < count; i++)
        resolve(condition->operands[i], item, &all[i]);
    const struct ddb_value *first = all[0].value, *second = all[1].value;
    switch ((int)condition->kind) {
    case DDB_BETWEEN:
        return compare(DDB_GREATER_EQUAL, first, second) &&
               compare(DDB_LESS_EQUAL, first, all[2].value);
    case DDB_IN:
        return is_one_of(condition, item, first);
    case DDB_ATTRIBUTE_EXISTS:
        return first != NULL;
    case DDB_ATTRIBUTE_NOT_EXISTS:
        return first == NULL;
    case DDB_ATTRIBUTE_TYPE:
        return first && str_eq(second->text, str_from(ddb_type_name(first->type)));
    case DDB_BEGINS_WITH:
        return begins_with(first, second);
    case DDB_CONTAINS:
        return contains(first, second);
    default:
        return compare(condition->kind, first, second);
    }
}

bool ddb_condition_holds(const struct ddb_condition *condition, const struct ddb_value *item)
{
    switch ((int)condition->kind) {
    case DDB_AND:
        return ddb_condition_holds(condition->left, item) &&
               ddb_condition_holds(condition->right, item);
    case DDB_OR:
        return ddb_condition_holds(condition->left, item) ||
               ddb_condition_holds(condition->right, item);
    case DDB_NOT:
        return !ddb_condition_holds(condition->left, item);
    default:
        return holds_on_operands(condition, item);
    }
}
