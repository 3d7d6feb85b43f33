/* Conditions, filters and key conditions: parsing and evaluating. */
#include "services/dynamodb/parser.h"

enum { MAX_IN = 100, MAX_FUNCTION_OPERANDS = 2 };

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

enum { FUNCTIONS = sizeof(functions) / sizeof(functions[0]) };

static const struct {
    const char *sign;
    enum ddb_condition_kind kind;
} comparators[] = {
    {"=", DDB_EQUAL},       {"<>", DDB_NOT_EQUAL},     {"<", DDB_LESS},
    {"<=", DDB_LESS_EQUAL}, {">=", DDB_GREATER_EQUAL}, {">", DDB_GREATER},
};

enum { COMPARATORS = sizeof(comparators) / sizeof(comparators[0]) };

/* A part of a condition, of which only what follows says whether it is one itself or an operand. */
struct term {
    const struct ddb_condition *condition; /* or, when NULL: */
    const struct ddb_operand *operand;
    struct str call; /* the name of a function that is all of it; else empty */
    bool is_group;   /* in parentheses of its own */
};

static enum err parse_or(struct ddb_parser *parser, struct term *out);

static bool has_size(enum ddb_type type)
{
    return type != DDB_N && type != DDB_BOOL && type != DDB_NULL;
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

static void check_parentheses(struct ddb_parser *parser, bool is_doubled)
{
    if (is_doubled)
        ddb_parser_fault(parser, DDB_FAULT_PARENTHESES,
                         "The expression has redundant parentheses;");
}

/* --- Operands --- */

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
static void check_distinct(struct ddb_parser *parser, struct str operator,
                           const struct ddb_operand * const * operands)
{
    if (same_path(operands[0], operands[1]))
        ddb_parser_fault(parser, DDB_FAULT_DISTINCT,
                         "The first operand must be distinct from the remaining operands for this "
                         "operator or function; operator: %.*s, first operand: %.*s",
                         STR_ARG(operator),
                         STR_ARG(ddb_path_text(&operands[0]->path, parser->arena)));
}

static void check_type_name(struct ddb_parser *parser, struct str name,
                            const struct ddb_operand *second)
{
    if (second->kind != DDB_OPERAND_VALUE || second->value->type != DDB_S) {
        if (second->kind == DDB_OPERAND_VALUE)
            ddb_parser_wrong_type(parser, name, second->value);
        else
            ddb_parser_fault(parser, DDB_FAULT_TYPE,
                             "Incorrect operand type for operator or function; operator or "
                             "function: %.*s, operand type: {NS,SS,L,BS,N,M,B,BOOL,NULL,S}",
                             STR_ARG(name));
        return;
    }
    for (enum ddb_type type = DDB_S; type <= DDB_NULL; type++) {
        if (str_eq(second->value->text, str_from(ddb_type_name(type))))
            return;
    }
    ddb_parser_fault(parser, DDB_FAULT_TYPE,
                     "Invalid attribute type name found; type: %.*s, valid types: "
                     "{B,NULL,SS,BOOL,L,BS,N,NS,S,M}",
                     STR_ARG(second->value->text));
}

static void check_function(struct ddb_parser *parser, enum ddb_condition_kind kind, struct str name,
                           const struct ddb_operand **operands)
{
    bool first_is_path = operands[0]->kind == DDB_OPERAND_PATH;
    const struct ddb_operand *second = operands[1];
    if ((kind == DDB_ATTRIBUTE_EXISTS || kind == DDB_ATTRIBUTE_NOT_EXISTS) && !first_is_path)
        ddb_parser_fault(parser, DDB_FAULT_TYPE,
                         "Operator or function requires a document path; operator or function: "
                         "%.*s",
                         STR_ARG(name));
    if (kind == DDB_ATTRIBUTE_TYPE)
        check_type_name(parser, name, second);
    for (size_t i = 0; kind == DDB_BEGINS_WITH && i < MAX_FUNCTION_OPERANDS; i++) {
        const struct ddb_value *value = operands[i]->value;
        if (operands[i]->kind == DDB_OPERAND_VALUE && value->type != DDB_S && value->type != DDB_B)
            ddb_parser_wrong_type(parser, name, value);
    }
    if (second)
        check_distinct(parser, name, operands);
}

static enum err parse_operand(struct ddb_parser *parser, const struct ddb_operand **out);

static enum err parse_operands(struct ddb_parser *parser, struct ddb_operand_list *out)
{
    const struct ddb_operand *operand;
    enum err rc = ddb_parser_expect_sign(parser, "(");
    while (rc == OK) {
        rc = parse_operand(parser, &operand);
        if (rc == OK)
            ddb_parser_add_operand(parser, out, operand);
        if (rc == OK && !ddb_parser_take_sign(parser, ","))
            break;
    }
    return rc ? rc : ddb_parser_expect_sign(parser, ")");
}

static const struct ddb_operand *make_size(struct ddb_parser *parser, struct str name,
                                           const struct ddb_operand_list *list)
{
    struct ddb_operand *operand = ddb_parser_new_operand(parser, DDB_OPERAND_SIZE);
    const struct ddb_operand *of = list->all[0];
    ddb_parser_check_count(parser, name, list->count, 1);
    if (of->kind == DDB_OPERAND_SIZE)
        ddb_parser_misplaced(parser, name);
    if (of->kind == DDB_OPERAND_VALUE && !has_size(of->value->type))
        ddb_parser_wrong_type(parser, name, of->value);
    operand->path = of->path;
    operand->value = of->value;
    return operand;
}

/* name(operand, ...): a condition, or an operand where it is size(). */
static enum err parse_call(struct ddb_parser *parser, struct term *out)
{
    struct ddb_operand_list list = {0};
    size_t which = 0;
    struct str name = parser->token.text;
    *out = (struct term){.call = name};
    ddb_parser_check_name(parser, name, false);
    ddb_parser_advance(parser);
    enum err rc = ddb_parser_enter(parser);
    if (rc == OK)
        rc = parse_operands(parser, &list);
    parser->depth--;
    if (rc)
        return rc;
    while (which < FUNCTIONS && !str_eq(name, str_from(functions[which].name)))
        which++;
    if (which == FUNCTIONS) { /* or a name that no function has, which is a fault already */
        out->operand = make_size(parser, name, &list);
        return OK;
    }
    parser->operators++;
    ddb_parser_check_count(parser, name, list.count, functions[which].operands);
    const struct ddb_operand *operands[MAX_FUNCTION_OPERANDS] = {NULL, NULL};
    memcpy(operands, list.all,
           (list.count < MAX_FUNCTION_OPERANDS ? list.count : MAX_FUNCTION_OPERANDS) *
               sizeof(*operands));
    if (list.count == functions[which].operands)
        check_function(parser, functions[which].kind, name, operands);
    out->condition = new_condition(parser, functions[which].kind, operands, list.count);
    return OK;
}

/* The operand that a term is: a condition in the place of one is at fault. */
static const struct ddb_operand *operand_of(struct ddb_parser *parser, const struct term *term)
{
    if (term->operand)
        return term->operand;
    ddb_parser_misplaced(parser, term->call);
    return ddb_parser_new_operand(parser, DDB_OPERAND_SIZE);
}

static enum err parse_single(struct ddb_parser *parser, struct term *out)
{
    *out = (struct term){.call = STR_EMPTY};
    if (ddb_parser_is_call(parser))
        return parse_call(parser, out);
    bool is_value = parser->token.kind == DDB_TOKEN_VALUE;
    struct ddb_operand *operand =
        ddb_parser_new_operand(parser, is_value ? DDB_OPERAND_VALUE : DDB_OPERAND_PATH);
    out->operand = operand;
    return is_value ? ddb_parser_value(parser, &operand->value)
                    : ddb_parser_path(parser, &operand->path);
}

/* Where only an operand can be. */
static enum err parse_operand(struct ddb_parser *parser, const struct ddb_operand **out)
{
    struct term term;
    if (!ddb_parser_take_sign(parser, "(")) {
        enum err rc = parse_single(parser, &term);
        if (rc == OK)
            *out = operand_of(parser, &term);
        return rc;
    }
    bool is_doubled = ddb_parser_is_sign(parser, "(");
    enum err rc = ddb_parser_enter(parser);
    if (rc == OK)
        rc = parse_operand(parser, out);
    parser->depth--;
    if (rc == OK)
        rc = ddb_parser_expect_sign(parser, ")");
    check_parentheses(parser, is_doubled);
    return rc;
}

/* --- Comparisons --- */

static void check_between(struct ddb_parser *parser, const struct ddb_operand *low,
                          const struct ddb_operand *high)
{
    int order;
    if (low->kind == DDB_OPERAND_VALUE && low->value->type > DDB_B)
        ddb_parser_wrong_type(parser, STR("BETWEEN"), low->value);
    if (high->kind == DDB_OPERAND_VALUE && high->value->type > DDB_B)
        ddb_parser_wrong_type(parser, STR("BETWEEN"), high->value);
    if (low->kind != DDB_OPERAND_VALUE || high->kind != DDB_OPERAND_VALUE)
        return;
    if (low->value->type != high->value->type)
        ddb_parser_fault(parser, DDB_FAULT_TYPE,
                         "The BETWEEN operator requires same data type for lower and upper bounds; "
                         "lower bound operand: AttributeValue: {%s}, upper bound operand: "
                         "AttributeValue: {%s}",
                         ddb_type_name(low->value->type), ddb_type_name(high->value->type));
    if (ddb_value_compare(low->value, high->value, &order) && order > 0)
        ddb_parser_fault(parser, DDB_FAULT_TYPE,
                         "The BETWEEN operator requires upper bound to be greater than or equal to "
                         "lower bound; lower bound operand: AttributeValue: {%s:%.*s}, upper bound "
                         "operand: AttributeValue: {%s:%.*s}",
                         ddb_type_name(low->value->type), STR_ARG(low->value->text),
                         ddb_type_name(high->value->type), STR_ARG(high->value->text));
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
    if (rc)
        return rc;
    check_between(parser, operands[1], operands[2]);
    *out = new_condition(parser, DDB_BETWEEN, operands, 3);
    return OK;
}

static enum err parse_in(struct ddb_parser *parser, const struct ddb_operand *first,
                         const struct ddb_condition **out)
{
    struct ddb_operand_list list = {0};
    ddb_parser_add_operand(parser, &list, first);
    enum err rc = parse_operands(parser, &list);
    if (rc)
        return rc;
    if (list.count - 1 > MAX_IN)
        ddb_parser_fault(parser, DDB_FAULT_SIZE,
                         "The IN operator is provided with too many operands; number of operands: "
                         "%zu",
                         list.count - 1);
    *out = new_condition(parser, DDB_IN, list.all, list.count);
    return OK;
}

static void check_comparison(struct ddb_parser *parser, enum ddb_condition_kind kind,
                             struct str sign, const struct ddb_operand *const *operands)
{
    check_distinct(parser, sign, operands);
    for (size_t i = 0; kind != DDB_EQUAL && kind != DDB_NOT_EQUAL && i < 2; i++) {
        if (operands[i]->kind == DDB_OPERAND_VALUE && operands[i]->value->type > DDB_B)
            ddb_parser_wrong_type(parser, sign, operands[i]->value);
    }
}

static bool is_comparator(const struct ddb_parser *parser)
{
    bool is_it = ddb_parser_is_word(parser, "BETWEEN") || ddb_parser_is_word(parser, "IN");
    for (size_t i = 0; !is_it && i < COMPARATORS; i++)
        is_it = ddb_parser_is_sign(parser, comparators[i].sign);
    return is_it;
}

/* What is behind the first operand. */
static enum err compare_operand(struct ddb_parser *parser, const struct ddb_operand *first,
                                const struct ddb_condition **out)
{
    const struct ddb_operand *operands[2] = {first, NULL};
    struct str sign = parser->token.text;
    size_t which = 0;
    parser->operators++;
    if (ddb_parser_take_word(parser, "BETWEEN"))
        return parse_between(parser, first, out);
    if (ddb_parser_take_word(parser, "IN"))
        return parse_in(parser, first, out);
    while (which < COMPARATORS && !ddb_parser_take_sign(parser, comparators[which].sign))
        which++;
    enum err rc = parse_operand(parser, &operands[1]);
    if (rc)
        return rc;
    check_comparison(parser, comparators[which].kind, sign, operands);
    *out = new_condition(parser, comparators[which].kind, operands, 2);
    return OK;
}

/* --- Joining --- */

/* `((a = b))` is refused, `((a = b) AND c = d)` is not. */
static enum err parse_group(struct ddb_parser *parser, struct term *out)
{
    ddb_parser_advance(parser);
    enum err rc = ddb_parser_enter(parser);
    if (rc == OK)
        rc = parse_or(parser, out);
    parser->depth--;
    if (rc == OK)
        rc = ddb_parser_expect_sign(parser, ")");
    if (rc)
        return rc;
    check_parentheses(parser, out->is_group);
    out->is_group = true;
    return OK;
}

static enum err parse_comparison(struct ddb_parser *parser, struct term *out)
{
    enum err rc =
        ddb_parser_is_sign(parser, "(") ? parse_group(parser, out) : parse_single(parser, out);
    if (rc || !is_comparator(parser))
        return rc;
    if (!out->operand && out->call.len == 0) /* a comparison of a comparison */
        return ddb_parser_syntax_error(parser);
    const struct ddb_operand *first = operand_of(parser, out);
    *out = (struct term){.call = STR_EMPTY};
    return compare_operand(parser, first, &out->condition);
}

/* A term where only a condition can be. */
static enum err make_condition(struct ddb_parser *parser, struct term *term)
{
    if (term->condition)
        return OK;
    if (term->call.len == 0)
        return ddb_parser_syntax_error(parser);
    ddb_parser_misplaced(parser, term->call);
    term->condition = new_condition(parser, DDB_ATTRIBUTE_EXISTS, &term->operand, 1);
    return OK;
}

static enum err parse_not(struct ddb_parser *parser, struct term *out)
{
    if (!ddb_parser_take_word(parser, "NOT"))
        return parse_comparison(parser, out);
    struct ddb_condition *condition = new_condition(parser, DDB_NOT, NULL, 0);
    struct term inner;
    parser->operators++;
    enum err rc = ddb_parser_enter(parser);
    if (rc == OK)
        rc = parse_not(parser, &inner);
    parser->depth--;
    if (rc == OK)
        rc = make_condition(parser, &inner);
    if (rc)
        return rc;
    condition->left = inner.condition;
    *out = (struct term){.condition = condition, .call = STR_EMPTY};
    return OK;
}

static enum err parse_chain(struct ddb_parser *parser, const char *word,
                            enum ddb_condition_kind kind,
                            enum err (*parse_part)(struct ddb_parser *parser, struct term *out),
                            struct term *out)
{
    struct term part;
    enum err rc = parse_part(parser, out);
    while (rc == OK && ddb_parser_is_word(parser, word)) {
        struct ddb_condition *condition = new_condition(parser, kind, NULL, 0);
        rc = make_condition(parser, out);
        if (rc)
            break;
        ddb_parser_advance(parser);
        parser->operators++;
        rc = parse_part(parser, &part);
        if (rc == OK)
            rc = make_condition(parser, &part);
        condition->left = out->condition;
        condition->right = part.condition;
        *out = (struct term){.condition = condition, .call = STR_EMPTY};
    }
    return rc;
}

static enum err parse_and(struct ddb_parser *parser, struct term *out)
{
    return parse_chain(parser, "AND", DDB_AND, parse_not, out);
}

static enum err parse_or(struct ddb_parser *parser, struct term *out)
{
    return parse_chain(parser, "OR", DDB_OR, parse_and, out);
}

enum err ddb_condition_parse(struct str text, const char *kind, struct ddb_substitutions *with,
                             struct arena *arena, const struct ddb_condition **out,
                             struct error *error)
{
    struct ddb_parser parser = {
        .text = text, .kind = kind, .with = with, .arena = arena, .error = error};
    struct term term;
    enum err rc = ddb_parser_start(&parser);
    if (rc == OK)
        rc = parse_or(&parser, &term);
    if (rc == OK)
        rc = make_condition(&parser, &term);
    if (rc == OK)
        rc = ddb_parser_expect_end(&parser);
    if (rc == OK)
        rc = ddb_parser_finish(&parser);
    if (rc == OK)
        *out = term.condition;
    return rc;
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
        return !a || !b || !ddb_value_equal(a, b);
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
