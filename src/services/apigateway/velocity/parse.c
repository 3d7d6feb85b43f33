/* Template text to a tree. */
#include <ctype.h>
#include <stdlib.h>

#include "services/apigateway/velocity/ast.h"

enum { MAX_DEPTH = 64, MAX_TEMPLATE = 400 * 1024 };

/* What may end a block. */
enum terminator { AT_END_OF_TEXT, AT_END, AT_ELSE, AT_ELSEIF };

struct parser {
    struct arena *arena;
    struct str in;
    size_t at;
    int depth;
    struct macro **macros;
    struct error *error;
    enum err rc;
};

struct node_list {
    struct node *first, **last;
};

/* --- Text --- */

static char peek_at(const struct parser *p, size_t ahead)
{
    return p->at + ahead < p->in.len ? p->in.ptr[p->at + ahead] : '\0';
}

static char peek(const struct parser *p)
{
    return peek_at(p, 0);
}

static struct str rest(const struct parser *p)
{
    return str_slice(p->in, p->at, p->in.len);
}

static bool take(struct parser *p, const char *text)
{
    if (!str_starts(rest(p), str_from(text)))
        return false;
    p->at += strlen(text);
    return true;
}

static void skip_space(struct parser *p)
{
    while (p->at < p->in.len && isspace((unsigned char)peek(p)))
        p->at++;
}

/* A directive takes the line's end with it when nothing but blanks is before that. */
static void take_line_end(struct parser *p)
{
    size_t at = p->at;
    while (at < p->in.len && (p->in.ptr[at] == ' ' || p->in.ptr[at] == '\t'))
        at++;
    if (at + 1 < p->in.len && p->in.ptr[at] == '\r' && p->in.ptr[at + 1] == '\n')
        p->at = at + 2;
    else if (at < p->in.len && (p->in.ptr[at] == '\n' || p->in.ptr[at] == '\r'))
        p->at = at + 1;
}

static bool fail(struct parser *p, const char *what)
{
    size_t line = 1;
    for (size_t i = 0; i < p->at && i < p->in.len; i++)
        line += p->in.ptr[i] == '\n';
    if (!p->rc)
        p->rc = error_set(p->error, ERR_VALIDATION, "%s at line %zu", what, line);
    return false;
}

static bool is_name_start(char c)
{
    return isalpha((unsigned char)c) || c == '_';
}

static struct str take_name(struct parser *p)
{
    size_t start = p->at;
    if (is_name_start(peek(p))) {
        while (isalnum((unsigned char)peek(p)) || peek(p) == '_' || peek(p) == '-')
            p->at++;
    }
    return str_slice(p->in, start, p->at - start);
}

static struct node *add_node(struct parser *p, struct node_list *list, enum node_kind kind)
{
    struct node *node = arena_new(p->arena, struct node);
    node->kind = kind;
    *list->last = node;
    list->last = &node->next;
    return node;
}

static void add_text(struct parser *p, struct node_list *list, struct str text)
{
    if (text.len)
        add_node(p, list, NODE_TEXT)->text = text;
}

/* --- References --- */

static struct expression *parse_expression(struct parser *p);

/* Up to `end`, which is taken. NULL and no failure for none. */
static bool parse_arguments(struct parser *p, char end, struct expression **out)
{
    struct expression **last = out;
    for (skip_space(p); peek(p) != end; skip_space(p)) {
        if (*out && !take(p, ","))
            return fail(p, "',' is missing");
        struct expression *argument = parse_expression(p);
        if (!argument)
            return false;
        *last = argument;
        last = &argument->next;
    }
    p->at++;
    return true;
}

/* One ".name", ".name(...)" or "[...]"; *out is NULL when there is none here. */
static bool parse_step(struct parser *p, struct step **out)
{
    *out = NULL;
    bool is_index = peek(p) == '[';
    if (!is_index && !(peek(p) == '.' && is_name_start(peek_at(p, 1))))
        return true;
    struct step *step = arena_new(p->arena, struct step);
    p->at++;
    if (is_index) {
        step->kind = STEP_INDEX;
        skip_space(p);
        step->arguments = parse_expression(p);
        skip_space(p);
        if (!step->arguments || !take(p, "]"))
            return fail(p, "']' is missing");
    } else {
        step->name = take_name(p);
        step->kind = peek(p) == '(' ? STEP_METHOD : STEP_PROPERTY;
        if (step->kind == STEP_METHOD) {
            p->at++;
            if (!parse_arguments(p, ')', &step->arguments))
                return false;
        }
    }
    *out = step;
    return true;
}

/* Behind the name. An index that cannot be read is text behind the reference. */
static bool parse_steps(struct parser *p, struct reference *reference)
{
    struct step **last = &reference->steps;
    for (;;) {
        size_t start = p->at;
        bool may_be_text = peek(p) == '[' && !p->rc;
        if (!parse_step(p, last)) {
            if (!may_be_text)
                return false;
            p->rc = OK;
            p->at = start;
            *last = NULL;
            return true;
        }
        if (!*last)
            return true;
        last = &(*last)->next;
    }
}

/* At '$'. NULL when no reference begins here, then nothing is taken; or after a failure. */
static struct reference *parse_reference(struct parser *p)
{
    size_t start = p->at;
    struct reference *reference = arena_new(p->arena, struct reference);
    if (++p->depth > MAX_DEPTH) {
        fail(p, "it is nested too deeply");
        return NULL;
    }
    p->at++;
    reference->is_quiet = take(p, "!");
    bool is_formal = take(p, "{");
    reference->name = take_name(p);
    bool is_good = reference->name.len > 0 && parse_steps(p, reference);
    p->depth--;
    if (is_good && is_formal)
        is_good = take(p, "}");
    if (!is_good) {
        p->at = start;
        return NULL;
    }
    reference->text = str_slice(p->in, start, p->at - start);
    return reference;
}

/* --- Expressions --- */

static struct expression *new_expression(struct parser *p, enum expression_kind kind)
{
    struct expression *expression = arena_new(p->arena, struct expression);
    expression->kind = kind;
    return expression;
}

static struct expression *new_literal(struct parser *p, struct value value)
{
    struct expression *expression = new_expression(p, EXPRESSION_VALUE);
    expression->value = value;
    return expression;
}

/* 'text', or "text" in which references and directives are rendered. A doubled quote is a quote. */
static struct expression *parse_string(struct parser *p)
{
    char quote = peek(p);
    struct buf text;
    buf_init_arena(&text, p->arena, p->in.len);
    for (p->at++; p->at < p->in.len; p->at++) {
        if (peek(p) == quote) {
            if (peek_at(p, 1) != quote)
                break;
            p->at++;
        }
        buf_add_byte(&text, peek(p));
    }
    if (p->at >= p->in.len) {
        fail(p, "a string does not end");
        return NULL;
    }
    p->at++;
    struct str value = buf_str(&text);
    if (quote == '\'' || (str_find_byte(value, '$', 0) < 0 && str_find_byte(value, '#', 0) < 0))
        return new_literal(p, value_text(value.len ? value : STR_EMPTY));
    struct expression *expression = new_expression(p, EXPRESSION_TEMPLATE);
    struct error error;
    if (velocity_parse_nodes(p->arena, value, p->macros, &expression->nodes, &error)) {
        fail(p, error.message);
        return NULL;
    }
    return expression;
}

static struct expression *parse_number(struct parser *p)
{
    size_t start = p->at;
    bool is_fraction = false;
    p->at += peek(p) == '-';
    while (isdigit((unsigned char)peek(p)))
        p->at++;
    if (peek(p) == '.' && isdigit((unsigned char)peek_at(p, 1))) {
        is_fraction = true;
        for (p->at++; isdigit((unsigned char)peek(p));)
            p->at++;
    }
    if (peek(p) == 'e' || peek(p) == 'E') {
        size_t sign = peek_at(p, 1) == '-' || peek_at(p, 1) == '+';
        if (isdigit((unsigned char)peek_at(p, 1 + sign))) {
            is_fraction = true;
            for (p->at += 1 + sign; isdigit((unsigned char)peek(p));)
                p->at++;
        }
    }
    char *text = arena_cstr(p->arena, str_slice(p->in, start, p->at - start));
    return new_literal(p, is_fraction ? value_number(strtod(text, NULL))
                                      : value_integer(strtoll(text, NULL, 10)));
}

/* [a, b] or [a..b]. */
static struct expression *parse_list(struct parser *p)
{
    struct expression *expression = new_expression(p, EXPRESSION_LIST);
    p->at++;
    skip_space(p);
    if (take(p, "]"))
        return expression;
    expression->first = parse_expression(p);
    if (!expression->first)
        return NULL;
    skip_space(p);
    if (take(p, "..")) {
        expression->kind = EXPRESSION_RANGE;
        expression->left = expression->first;
        expression->right = parse_expression(p);
        skip_space(p);
        if (expression->right && take(p, "]"))
            return expression;
        fail(p, "']' is missing");
        return NULL;
    }
    if (peek(p) == ',')
        p->at++;
    else if (peek(p) != ']') {
        fail(p, "']' is missing");
        return NULL;
    }
    return parse_arguments(p, ']', &expression->first->next) ? expression : NULL;
}

static struct expression *parse_map(struct parser *p)
{
    struct expression *expression = new_expression(p, EXPRESSION_MAP);
    struct expression **last = &expression->first;
    p->at++;
    for (skip_space(p); !take(p, "}"); skip_space(p)) {
        if (expression->first && !take(p, ",")) {
            fail(p, "'}' is missing");
            return NULL;
        }
        struct expression *key = parse_expression(p);
        skip_space(p);
        struct expression *value = key && take(p, ":") ? parse_expression(p) : NULL;
        if (!value) {
            fail(p, "a map's value is missing");
            return NULL;
        }
        *last = key;
        key->next = value;
        last = &value->next;
    }
    return expression;
}

/* A word that no letter follows. */
static bool take_word(struct parser *p, const char *word)
{
    size_t len = strlen(word);
    if (!str_starts(rest(p), str_from(word)) || isalnum((unsigned char)peek_at(p, len)) ||
        peek_at(p, len) == '_')
        return false;
    p->at += len;
    return true;
}

static struct expression *parse_word(struct parser *p)
{
    if (take_word(p, "true"))
        return new_literal(p, value_bool(true));
    if (take_word(p, "false"))
        return new_literal(p, value_bool(false));
    if (take_word(p, "null"))
        return new_literal(p, (struct value){.kind = VALUE_NULL});
    fail(p, "an expression is missing");
    return NULL;
}

static struct expression *parse_primary(struct parser *p)
{
    char c = peek(p);
    struct expression *inner;
    if (c == '$') {
        struct reference *reference = parse_reference(p);
        if (!reference) {
            fail(p, "a reference is not complete");
            return NULL;
        }
        inner = new_expression(p, EXPRESSION_REFERENCE);
        inner->reference = reference;
        return inner;
    }
    if (c == '\'' || c == '"')
        return parse_string(p);
    if (isdigit((unsigned char)c) || (c == '-' && isdigit((unsigned char)peek_at(p, 1))))
        return parse_number(p);
    if (c == '[')
        return parse_list(p);
    if (c == '{')
        return parse_map(p);
    if (c != '(')
        return parse_word(p);
    p->at++;
    inner = parse_expression(p);
    skip_space(p);
    if (inner && !take(p, ")")) {
        fail(p, "')' is missing");
        return NULL;
    }
    return inner;
}

static struct expression *parse_unary(struct parser *p)
{
    skip_space(p);
    bool is_not = (peek(p) == '!' && peek_at(p, 1) != '=' && take(p, "!")) || take_word(p, "not");
    bool is_negated = !is_not && peek(p) == '-' && !isdigit((unsigned char)peek_at(p, 1));
    if (!is_not && !is_negated)
        return parse_primary(p);
    p->at += is_negated;
    struct expression *expression = new_expression(p, is_not ? EXPRESSION_NOT : EXPRESSION_NEGATE);
    if (++p->depth > MAX_DEPTH) {
        fail(p, "it is nested too deeply");
        return NULL;
    }
    expression->left = parse_unary(p);
    p->depth--;
    return expression->left ? expression : NULL;
}

/* Operators by how tightly they bind, the longest first within one. */
static const struct {
    int level;
    const char *text;
    bool is_word;
    enum expression_kind kind;
} operators[] = {
    {0, "||", false, EXPRESSION_OR},
    {0, "or", true, EXPRESSION_OR},
    {1, "&&", false, EXPRESSION_AND},
    {1, "and", true, EXPRESSION_AND},
    {2, "==", false, EXPRESSION_EQUAL},
    {2, "eq", true, EXPRESSION_EQUAL},
    {2, "!=", false, EXPRESSION_NOT_EQUAL},
    {2, "ne", true, EXPRESSION_NOT_EQUAL},
    {3, "<=", false, EXPRESSION_LESS_EQUAL},
    {3, "le", true, EXPRESSION_LESS_EQUAL},
    {3, "<", false, EXPRESSION_LESS},
    {3, "lt", true, EXPRESSION_LESS},
    {3, ">=", false, EXPRESSION_GREATER_EQUAL},
    {3, "ge", true, EXPRESSION_GREATER_EQUAL},
    {3, ">", false, EXPRESSION_GREATER},
    {3, "gt", true, EXPRESSION_GREATER},
    {4, "+", false, EXPRESSION_ADD},
    {4, "-", false, EXPRESSION_SUBTRACT},
    {5, "*", false, EXPRESSION_MULTIPLY},
    {5, "/", false, EXPRESSION_DIVIDE},
    {5, "%", false, EXPRESSION_REMAINDER},
};

enum { OPERATOR_COUNT = sizeof(operators) / sizeof(operators[0]), OPERATOR_LEVELS = 6 };

static bool take_operator(struct parser *p, int level, enum expression_kind *out)
{
    skip_space(p);
    for (size_t i = 0; i < OPERATOR_COUNT; i++) {
        if (operators[i].level != level)
            continue;
        bool is_there =
            operators[i].is_word ? take_word(p, operators[i].text) : take(p, operators[i].text);
        *out = operators[i].kind;
        if (is_there)
            return true;
    }
    return false;
}

static struct expression *parse_binary(struct parser *p, int level)
{
    if (level == OPERATOR_LEVELS)
        return parse_unary(p);
    struct expression *left = parse_binary(p, level + 1);
    enum expression_kind kind;
    int chain = 0;
    while (left && take_operator(p, level, &kind)) {
        struct expression *expression = new_expression(p, kind);
        expression->left = left;
        expression->right = parse_binary(p, level + 1);
        left = expression->right ? expression : NULL;
        if (++chain > MAX_DEPTH * 4) { /* the tree leans to the left: it is walked by recursion */
            fail(p, "an expression is too long");
            return NULL;
        }
    }
    return left;
}

static struct expression *parse_expression(struct parser *p)
{
    if (++p->depth > MAX_DEPTH) {
        fail(p, "it is nested too deeply");
        return NULL;
    }
    struct expression *expression = parse_binary(p, 0);
    p->depth--;
    return expression;
}

/* --- Directives --- */

static bool parse_block(struct parser *p, const struct node **out, enum terminator *end);

/* Behind a directive's name: blanks and the parenthesis. */
static bool open_parenthesis(struct parser *p)
{
    skip_space(p);
    if (!take(p, "("))
        return fail(p, "'(' is missing");
    skip_space(p);
    return true;
}

static bool close_parenthesis(struct parser *p)
{
    skip_space(p);
    if (!take(p, ")"))
        return fail(p, "')' is missing");
    take_line_end(p);
    return true;
}

static bool parse_body(struct parser *p, const struct node **out)
{
    enum terminator end;
    if (!parse_block(p, out, &end))
        return false;
    return end == AT_END || fail(p, "#end is missing");
}

static bool parse_set(struct parser *p, struct node_list *list)
{
    struct node *node = add_node(p, list, NODE_SET);
    if (!open_parenthesis(p))
        return false;
    if (peek(p) != '$' || !(node->reference = parse_reference(p)))
        return fail(p, "#set needs a reference");
    skip_space(p);
    if (!take(p, "="))
        return fail(p, "#set needs '='");
    node->expression = parse_expression(p);
    return node->expression && close_parenthesis(p);
}

static bool parse_if(struct parser *p, struct node_list *list)
{
    struct node *node = add_node(p, list, NODE_IF);
    struct branch **last = &node->branches;
    enum terminator end = AT_ELSEIF;
    while (end != AT_END) {
        struct branch *branch = arena_new(p->arena, struct branch);
        bool is_else = end == AT_ELSE;
        *last = branch;
        last = &branch->next;
        if (is_else) {
            take_line_end(p);
        } else {
            if (!open_parenthesis(p) || !(branch->condition = parse_expression(p)) ||
                !close_parenthesis(p))
                return false;
        }
        if (!parse_block(p, &branch->body, &end))
            return false;
        if (end == AT_END_OF_TEXT || (is_else && end != AT_END))
            return fail(p, "#end is missing");
    }
    return true;
}

static bool parse_foreach(struct parser *p, struct node_list *list)
{
    struct node *node = add_node(p, list, NODE_FOREACH);
    if (!open_parenthesis(p))
        return false;
    if (peek(p) != '$' || !(node->reference = parse_reference(p)) || node->reference->steps)
        return fail(p, "#foreach needs a variable");
    skip_space(p);
    if (!take_word(p, "in"))
        return fail(p, "#foreach needs 'in'");
    node->expression = parse_expression(p);
    return node->expression && close_parenthesis(p) && parse_body(p, &node->body);
}

static bool parse_define(struct parser *p, struct node_list *list)
{
    struct node *node = add_node(p, list, NODE_DEFINE);
    if (!open_parenthesis(p))
        return false;
    if (peek(p) != '$' || !(node->reference = parse_reference(p)) || node->reference->steps)
        return fail(p, "#define needs a variable");
    node->text = node->reference->name;
    return close_parenthesis(p) && parse_body(p, &node->body);
}

static bool parse_evaluate(struct parser *p, struct node_list *list)
{
    struct node *node = add_node(p, list, NODE_EVALUATE);
    return open_parenthesis(p) && (node->expression = parse_expression(p)) && close_parenthesis(p);
}

/* "#macro(name $a $b)": known from here on, also to its own body. */
static bool parse_macro(struct parser *p)
{
    enum { MAX_PARAMETERS = 16 };
    struct macro *macro = arena_new(p->arena, struct macro);
    macro->parameters = arena_array(p->arena, struct str, MAX_PARAMETERS);
    if (!open_parenthesis(p))
        return false;
    macro->name = take_name(p);
    if (!macro->name.len)
        return fail(p, "#macro needs a name");
    for (skip_space(p); peek(p) == '$'; skip_space(p)) {
        struct reference *reference = parse_reference(p);
        if (!reference || macro->parameter_count == MAX_PARAMETERS)
            return fail(p, "#macro has a parameter that it cannot have");
        macro->parameters[macro->parameter_count++] = reference->name;
        skip_space(p);
        take(p, ",");
    }
    macro->next = *p->macros;
    *p->macros = macro;
    return close_parenthesis(p) && parse_body(p, &macro->body);
}

static const struct macro *find_macro(const struct parser *p, struct str name)
{
    const struct macro *macro = *p->macros;
    while (macro && !str_eq(macro->name, name))
        macro = macro->next;
    return macro;
}

/* "#name(a b, c)". */
static bool parse_call(struct parser *p, struct node_list *list, struct str name)
{
    struct node *node = add_node(p, list, NODE_CALL);
    struct expression **last = &node->expression;
    node->text = name;
    if (!open_parenthesis(p))
        return false;
    for (skip_space(p); peek(p) != ')'; skip_space(p)) {
        struct expression *argument = parse_unary(p);
        if (!argument)
            return false;
        *last = argument;
        last = &argument->next;
        skip_space(p);
        take(p, ",");
    }
    return close_parenthesis(p);
}

/* --- Blocks --- */

/* The name of a directive at '#', also "#{name}"; `*out_len` is what it takes. */
static struct str directive_name(const struct parser *p, size_t *out_len)
{
    struct str text = str_slice(p->in, p->at + 1, p->in.len);
    bool has_brace = str_starts(text, STR("{"));
    size_t len = 0;
    text = str_slice(text, has_brace, text.len);
    while (len < text.len && (isalnum((unsigned char)text.ptr[len]) || text.ptr[len] == '_'))
        len++;
    bool is_closed = !has_brace || (len < text.len && text.ptr[len] == '}');
    *out_len = 1 + len + (has_brace ? 2 : 0);
    return is_closed ? str_slice(text, 0, len) : STR_EMPTY;
}

/* "##...", "#*...*#", "#[[...]]#". False when none is here. */
static bool take_comment(struct parser *p, struct node_list *list)
{
    if (take(p, "##")) {
        ptrdiff_t end = str_find_byte(p->in, '\n', p->at);
        p->at = end < 0 ? p->in.len : (size_t)end + 1;
        return true;
    }
    if (take(p, "#*")) {
        ptrdiff_t end = str_find(rest(p), STR("*#"));
        p->at = end < 0 ? p->in.len : p->at + (size_t)end + 2;
        return true;
    }
    if (take(p, "#[[")) {
        ptrdiff_t end = str_find(rest(p), STR("]]#"));
        size_t len = end < 0 ? p->in.len - p->at : (size_t)end;
        add_text(p, list, str_slice(p->in, p->at, len));
        p->at += len + (end < 0 ? 0 : 3);
        return true;
    }
    return false;
}

typedef bool (*directive_fn)(struct parser *p, struct node_list *list);

static const struct {
    const char *name;
    directive_fn parse;
} directives[] = {
    {"set", parse_set},           {"if", parse_if},
    {"foreach", parse_foreach},   {"define", parse_define},
    {"evaluate", parse_evaluate},
};

/* What begins at '#'. */
enum found { FOUND_NOTHING, FOUND_DIRECTIVE, FOUND_TERMINATOR, FOUND_FAILURE };

static enum found take_simple(struct parser *p, struct node_list *list, struct str name, size_t len,
                              enum terminator *end)
{
    bool is_end = str_eq(name, STR("end")), is_else = str_eq(name, STR("else"));
    if (is_end || is_else || str_eq(name, STR("elseif"))) {
        *end = is_end ? AT_END : is_else ? AT_ELSE : AT_ELSEIF;
        p->at += len;
        if (is_end)
            take_line_end(p);
        return FOUND_TERMINATOR;
    }
    if (str_eq(name, STR("break")) || str_eq(name, STR("stop"))) {
        p->at += len;
        add_node(p, list, name.ptr[0] == 'b' ? NODE_BREAK : NODE_STOP);
        take_line_end(p);
        return FOUND_DIRECTIVE;
    }
    return FOUND_NOTHING;
}

static enum found take_directive(struct parser *p, struct node_list *list, enum terminator *end)
{
    size_t len;
    if (take_comment(p, list))
        return FOUND_DIRECTIVE;
    struct str name = directive_name(p, &len);
    enum found found = take_simple(p, list, name, len, end);
    if (found != FOUND_NOTHING)
        return found;
    for (size_t i = 0; i < sizeof(directives) / sizeof(directives[0]); i++) {
        if (str_eq(name, str_from(directives[i].name))) {
            p->at += len;
            return directives[i].parse(p, list) ? FOUND_DIRECTIVE : FOUND_FAILURE;
        }
    }
    if (str_eq(name, STR("macro"))) {
        p->at += len;
        return parse_macro(p) ? FOUND_DIRECTIVE : FOUND_FAILURE;
    }
    if (str_eq(name, STR("include")) || str_eq(name, STR("parse"))) {
        fail(p, "#include and #parse are not supported");
        return FOUND_FAILURE;
    }
    if (name.len && find_macro(p, name)) {
        p->at += len;
        return parse_call(p, list, name) ? FOUND_DIRECTIVE : FOUND_FAILURE;
    }
    return FOUND_NOTHING;
}

/* Whether a reference or directive begins here, which backslashes before it can escape. */
static bool begins_something(const struct parser *p)
{
    size_t len;
    if (peek(p) == '$') {
        size_t ahead = 1 + (peek_at(p, 1) == '!');
        ahead += peek_at(p, ahead) == '{';
        return is_name_start(peek_at(p, ahead));
    }
    struct str name = peek(p) == '#' ? directive_name(p, &len) : STR_EMPTY;
    static const char *const names[] = {"set",   "if",     "foreach",  "define", "end", "else",
                                        "macro", "elseif", "evaluate", "break",  "stop"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (str_eq(name, str_from(names[i])))
            return true;
    }
    return name.len && find_macro(p, name);
}

/* Backslashes in pairs stand for one; one that is left makes what follows plain text. True when
 * there were any that count. */
static bool take_escapes(struct parser *p, struct node_list *list)
{
    size_t start = p->at, count = 0;
    while (peek(p) == '\\') {
        p->at++;
        count++;
    }
    if (!begins_something(p)) {
        p->at = start;
        return false;
    }
    add_text(p, list, str_slice(p->in, start, count / 2));
    if (count % 2)
        add_text(p, list, str_slice(p->in, p->at++, 1));
    return true;
}

/* `#set` takes the blanks before it as well. */
static struct str without_blanks_for(const struct parser *p, struct str text)
{
    size_t len;
    if (str_eq(directive_name(p, &len), STR("set")) && peek_at(p, 1) != '#') {
        while (text.len && (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == '\t'))
            text.len--;
    }
    return text;
}

/* One thing that is not text, or FOUND_NOTHING. The text before it is `text`. */
static enum found take_special(struct parser *p, struct node_list *list, struct str text,
                               enum terminator *end)
{
    struct node_list found_nodes = {.last = &found_nodes.first};
    enum found found = FOUND_NOTHING;
    char c = peek(p);
    if (c == '#') {
        text = without_blanks_for(p, text);
        found = take_directive(p, &found_nodes, end);
    } else if (c == '\\') {
        found = take_escapes(p, &found_nodes) ? FOUND_DIRECTIVE : FOUND_NOTHING;
    } else if (c == '$') {
        struct reference *reference = parse_reference(p);
        if (reference)
            add_node(p, &found_nodes, NODE_REFERENCE)->reference = reference;
        found = reference ? FOUND_DIRECTIVE : p->rc ? FOUND_FAILURE : FOUND_NOTHING;
    }
    if (found == FOUND_NOTHING)
        return found;
    add_text(p, list, text);
    if (found_nodes.first) {
        *list->last = found_nodes.first;
        list->last = found_nodes.last;
    }
    return found;
}

static bool parse_block(struct parser *p, const struct node **out, enum terminator *end)
{
    struct node_list list = {.last = &list.first};
    size_t start = p->at;
    *end = AT_END_OF_TEXT;
    if (++p->depth > MAX_DEPTH)
        return fail(p, "it is nested too deeply");
    while (p->at < p->in.len) {
        struct str text = str_slice(p->in, start, p->at - start);
        enum found found = take_special(p, &list, text, end);
        if (found == FOUND_FAILURE)
            return false;
        if (found == FOUND_NOTHING)
            p->at++;
        else
            start = p->at;
        if (found == FOUND_TERMINATOR)
            break;
    }
    if (*end == AT_END_OF_TEXT)
        add_text(p, &list, str_slice(p->in, start, p->in.len));
    p->depth--;
    *out = list.first;
    return true;
}

enum err velocity_parse_nodes(struct arena *arena, struct str text, struct macro **macros,
                              const struct node **out, struct error *error)
{
    struct parser p = {.arena = arena, .in = text, .macros = macros, .error = error};
    enum terminator end;
    *out = NULL;
    if (text.len > MAX_TEMPLATE)
        return error_set(error, ERR_VALIDATION, "it is longer than %d bytes", MAX_TEMPLATE);
    if (parse_block(&p, out, &end) && end != AT_END_OF_TEXT)
        fail(&p, "#end or #else without its directive");
    return p.rc;
}

enum err velocity_parse(struct arena *arena, struct str text, struct velocity **out,
                        struct error *error)
{
    *out = arena_new(arena, struct velocity);
    return velocity_parse_nodes(arena, arena_str(arena, text), &(*out)->macros, &(*out)->nodes,
                                error);
}

bool velocity_is_static(const struct velocity *velocity, struct str *out)
{
    const struct node *node = velocity->nodes;
    if (node && (node->next || node->kind != NODE_TEXT))
        return false;
    *out = node ? node->text : STR_EMPTY;
    return true;
}
