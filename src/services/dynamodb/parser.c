/* The common part of the expression parsers. */
#include "services/dynamodb/parser.h"

/* No valid expression is nested as deeply: each level needs an operator. */
enum { MAX_DEPTH = 2 * DDB_MAX_OPERATORS };

struct substitution {
    struct str key;  /* "#n", ":v" */
    struct str name; /* what #n stands for */
    struct ddb_value value;
    bool is_used;
};

struct ddb_substitutions {
    struct substitution *names, *values;
    size_t name_count, value_count;
    bool has_names, has_values;
};

/* --- Substitutions --- */

static bool is_key(struct str key, char mark)
{
    if (key.len < 2 || key.ptr[0] != mark)
        return false;
    struct ddb_token token = ddb_lex(key, 0);
    return token.text.len == key.len && token.kind != DDB_TOKEN_BAD;
}

static enum err read_names(struct ddb_substitutions *with, yyjson_val *names, struct arena *arena,
                           struct error *error)
{
    yyjson_val *key, *value;
    size_t i, max;
    if (!yyjson_is_obj(names))
        return error_set(error, ERR_SERIALIZATION, "Unexpected value type in payload");
    if (yyjson_obj_size(names) == 0)
        return error_set(error, ERR_VALIDATION, "ExpressionAttributeNames must not be empty");
    with->names = arena_array(arena, struct substitution, yyjson_obj_size(names));
    yyjson_obj_foreach (names, i, max, key, value) {
        struct substitution *one = &with->names[with->name_count++];
        one->key = json_str(key);
        one->name = json_str(value);
        if (!one->name.ptr)
            return error_set(error, ERR_SERIALIZATION, "Unexpected value type in payload");
        if (!is_key(one->key, '#'))
            return error_set(error, ERR_VALIDATION,
                             "ExpressionAttributeNames contains invalid key: Syntax error; key: "
                             "\"%.*s\"",
                             STR_ARG(one->key));
    }
    return OK;
}

static enum err read_values(struct ddb_substitutions *with, yyjson_val *values, struct arena *arena,
                            struct error *error)
{
    yyjson_val *key, *value;
    size_t i, max;
    if (!yyjson_is_obj(values))
        return error_set(error, ERR_SERIALIZATION, "Unexpected value type in payload");
    if (yyjson_obj_size(values) == 0)
        return error_set(error, ERR_VALIDATION, "ExpressionAttributeValues must not be empty");
    with->values = arena_array(arena, struct substitution, yyjson_obj_size(values));
    yyjson_obj_foreach (values, i, max, key, value) {
        struct substitution *one = &with->values[with->value_count++];
        struct error inner;
        one->key = json_str(key);
        if (!is_key(one->key, ':'))
            return error_set(error, ERR_VALIDATION,
                             "ExpressionAttributeValues contains invalid key: Syntax error; key: "
                             "\"%.*s\"",
                             STR_ARG(one->key));
        enum err rc = ddb_value_read(value, arena, false, &one->value, &inner);
        if (rc == ERR_VALIDATION)
            return error_set(error, rc,
                             "ExpressionAttributeValues contains invalid value: %s for key %.*s",
                             inner.message, STR_ARG(one->key));
        if (rc)
            return error_set(error, rc, "%s", inner.message);
    }
    return OK;
}

enum err ddb_substitutions_read(yyjson_val *names, yyjson_val *values, struct arena *arena,
                                struct ddb_substitutions **out, struct error *error)
{
    struct ddb_substitutions *with = arena_new(arena, struct ddb_substitutions);
    enum err rc = OK;
    if (names && !yyjson_is_null(names))
        rc = read_names(with, names, arena, error);
    if (rc == OK && values && !yyjson_is_null(values))
        rc = read_values(with, values, arena, error);
    if (rc == OK)
        *out = with;
    return rc;
}

static struct substitution *find(struct substitution *all, size_t count, struct str key)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq(all[i].key, key)) {
            all[i].is_used = true;
            return &all[i];
        }
    }
    return NULL;
}

static enum err check_used(const struct substitution *all, size_t count, const char *parameter,
                           struct error *error)
{
    char unused[256];
    struct buf keys;
    struct arena arena = {0};
    buf_init_arena(&keys, &arena, sizeof(unused));
    for (size_t i = 0; i < count; i++) {
        if (all[i].is_used)
            continue;
        buf_add(&keys, keys.len ? STR(", ") : STR_EMPTY);
        buf_add(&keys, all[i].key);
    }
    enum err rc = OK;
    if (keys.len)
        rc = error_set(error, ERR_VALIDATION,
                       "Value provided in %s unused in expressions: keys: {%.*s}", parameter,
                       STR_ARG(buf_str(&keys)));
    arena_release(&arena);
    return rc;
}

enum err ddb_substitutions_check_used(const struct ddb_substitutions *with, struct error *error)
{
    enum err rc = check_used(with->names, with->name_count, "ExpressionAttributeNames", error);
    if (rc == OK)
        rc = check_used(with->values, with->value_count, "ExpressionAttributeValues", error);
    return rc;
}

/* --- Tokens --- */

enum err ddb_parser_start(struct ddb_parser *parser)
{
    if (str_trim(parser->text).len == 0)
        return error_set(parser->error, ERR_VALIDATION,
                         "Invalid %s: The expression can not be empty;", parser->kind);
    bool is_filter = strcmp(parser->kind, "FilterExpression") == 0;
    bool is_too_long = parser->text.len > DDB_MAX_EXPRESSION_BYTES;
    if (is_too_long && is_filter)
        return error_set(parser->error, ERR_VALIDATION,
                         "Invalid %s: Expression size has exceeded the maximum allowed size; "
                         "expression size: %zu",
                         parser->kind, parser->text.len);
    if (is_too_long)
        return error_set(parser->error, ERR_VALIDATION,
                         "Invalid %s: Expression size has exceeded the maximum allowed size;",
                         parser->kind);
    parser->token = ddb_lex(parser->text, 0);
    return OK;
}

void ddb_parser_advance(struct ddb_parser *parser)
{
    parser->previous = parser->token;
    parser->token = ddb_lex(parser->text, parser->token.at + parser->token.text.len);
}

bool ddb_parser_is_sign(const struct ddb_parser *parser, const char *sign)
{
    return parser->token.kind == DDB_TOKEN_SIGN && str_eq(parser->token.text, str_from(sign));
}

bool ddb_parser_is_word(const struct ddb_parser *parser, const char *word)
{
    return parser->token.kind == DDB_TOKEN_WORD &&
           str_eq_nocase(parser->token.text, str_from(word));
}

bool ddb_parser_take_sign(struct ddb_parser *parser, const char *sign)
{
    if (!ddb_parser_is_sign(parser, sign))
        return false;
    ddb_parser_advance(parser);
    return true;
}

bool ddb_parser_take_word(struct ddb_parser *parser, const char *word)
{
    if (!ddb_parser_is_word(parser, word))
        return false;
    ddb_parser_advance(parser);
    return true;
}

enum err ddb_parser_syntax_error(struct ddb_parser *parser)
{
    struct ddb_token at = parser->token;
    if (at.kind == DDB_TOKEN_END)
        return error_set_long(
            parser->error, parser->arena, ERR_VALIDATION,
            "Invalid %s: Syntax error; token: \"<EOF>\", near: \"%.*s\"", parser->kind,
            STR_ARG(str_slice(parser->text, parser->previous.at, parser->text.len)));
    struct ddb_token next = ddb_lex(parser->text, at.at + at.text.len);
    size_t from = parser->previous.text.len ? parser->previous.at : at.at;
    size_t to = next.at + next.text.len;
    return error_set_long(parser->error, parser->arena, ERR_VALIDATION,
                          "Invalid %s: Syntax error; token: \"%.*s\", near: \"%.*s\"", parser->kind,
                          STR_ARG(at.text), STR_ARG(str_slice(parser->text, from, to - from)));
}

enum err ddb_parser_expect_sign(struct ddb_parser *parser, const char *sign)
{
    return ddb_parser_take_sign(parser, sign) ? OK : ddb_parser_syntax_error(parser);
}

enum err ddb_parser_expect_end(struct ddb_parser *parser)
{
    return parser->token.kind == DDB_TOKEN_END ? OK : ddb_parser_syntax_error(parser);
}

/* --- Faults --- */

void ddb_parser_fault(struct ddb_parser *parser, enum ddb_fault fault, const char *format, ...)
{
    va_list args;
    if (parser->faults[fault].ptr)
        return;
    va_start(args, format);
    parser->faults[fault] = arena_vprintf(parser->arena, format, args);
    va_end(args);
}

enum err ddb_parser_finish(struct ddb_parser *parser)
{
    if (parser->operators > DDB_MAX_OPERATORS)
        ddb_parser_fault(parser, DDB_FAULT_SIZE,
                         "The expression contains too many operators; operator count: %u",
                         parser->operators);
    for (size_t i = 0; i < DDB_FAULTS; i++) {
        if (parser->faults[i].ptr)
            return error_set_long(parser->error, parser->arena, ERR_VALIDATION, "Invalid %s: %.*s",
                                  parser->kind, STR_ARG(parser->faults[i]));
    }
    return OK;
}

enum err ddb_parser_enter(struct ddb_parser *parser)
{
    if (++parser->depth <= MAX_DEPTH)
        return OK;
    ddb_parser_fault(parser, DDB_FAULT_SIZE,
                     "The expression contains too many operators; operator count: %u",
                     parser->operators + 1);
    return ddb_parser_finish(parser);
}

/* --- Functions --- */

bool ddb_parser_is_call(const struct ddb_parser *parser)
{
    struct ddb_token next = ddb_lex(parser->text, parser->token.at + parser->token.text.len);
    return parser->token.kind == DDB_TOKEN_WORD && next.kind == DDB_TOKEN_SIGN &&
           str_eq(next.text, STR("("));
}

void ddb_parser_add_operand(struct ddb_parser *parser, struct ddb_operand_list *list,
                            const struct ddb_operand *operand)
{
    if (list->count == list->room) {
        size_t more = list->room ? list->room * 2 : 4;
        list->all = arena_realloc(parser->arena, list->all, list->room * sizeof(*list->all),
                                  more * sizeof(*list->all));
        list->room = more;
    }
    list->all[list->count++] = operand;
}

static bool is_one_of(struct str name, const char *const *names)
{
    while (*names && !str_eq(name, str_from(*names)))
        names++;
    return *names != NULL;
}

void ddb_parser_check_name(struct ddb_parser *parser, struct str name, bool is_update)
{
    static const char *const of_updates[] = {"if_not_exists", "list_append", NULL};
    static const char *const of_conditions[] = {"attribute_exists",
                                                "attribute_not_exists",
                                                "attribute_type",
                                                "begins_with",
                                                "contains",
                                                "size",
                                                NULL};
    if (is_one_of(name, is_update ? of_updates : of_conditions))
        return;
    if (!is_one_of(name, is_update ? of_conditions : of_updates))
        ddb_parser_fault(parser, DDB_FAULT_FUNCTION, "Invalid function name; function: %.*s",
                         STR_ARG(name));
    else
        ddb_parser_fault(parser, DDB_FAULT_FUNCTION,
                         "The function is not allowed in %s expression; function: %.*s",
                         is_update ? "an update" : "a condition", STR_ARG(name));
}

void ddb_parser_misplaced(struct ddb_parser *parser, struct str name)
{
    ddb_parser_fault(parser, DDB_FAULT_FUNCTION,
                     "The function is not allowed to be used this way in an expression; function: "
                     "%.*s",
                     STR_ARG(name));
}

void ddb_parser_check_count(struct ddb_parser *parser, struct str name, size_t given, size_t wanted)
{
    if (given != wanted)
        ddb_parser_fault(parser, DDB_FAULT_COUNT,
                         "Incorrect number of operands for operator or function; operator or "
                         "function: %.*s, number of operands: %zu",
                         STR_ARG(name), given);
}

void ddb_parser_wrong_type(struct ddb_parser *parser, struct str name,
                           const struct ddb_value *value)
{
    ddb_parser_fault(parser, DDB_FAULT_TYPE,
                     "Incorrect operand type for operator or function; operator or function: %.*s, "
                     "operand type: %s",
                     STR_ARG(name), ddb_type_name(value->type));
}

/* --- Paths and values --- */

static enum err name_step(struct ddb_parser *parser, struct str *out)
{
    struct ddb_token token = parser->token;
    if (token.kind == DDB_TOKEN_NAME) {
        struct substitution *one = find(parser->with->names, parser->with->name_count, token.text);
        if (!one)
            ddb_parser_fault(parser, DDB_FAULT_UNDEFINED,
                             "An expression attribute name used in the document path is not "
                             "defined; attribute name: %.*s",
                             STR_ARG(token.text));
        *out = one ? one->name : token.text;
    } else if (token.kind == DDB_TOKEN_WORD) {
        if (ddb_is_reserved(token.text))
            ddb_parser_fault(parser, DDB_FAULT_RESERVED,
                             "Attribute name is a reserved keyword; reserved keyword: %.*s",
                             STR_ARG(token.text));
        *out = token.text;
    } else {
        return ddb_parser_syntax_error(parser);
    }
    ddb_parser_advance(parser);
    return OK;
}

static enum err index_step(struct ddb_parser *parser, size_t *out)
{
    uint64_t index;
    if (parser->token.kind != DDB_TOKEN_INDEX)
        return ddb_parser_syntax_error(parser);
    if (!str_to_u64(parser->token.text, &index) || index > UINT32_MAX) {
        ddb_parser_fault(parser, DDB_FAULT_RESERVED,
                         "List index is not within the allowable range; index: [%.*s]",
                         STR_ARG(parser->token.text));
        index = 0;
    }
    *out = (size_t)index;
    ddb_parser_advance(parser);
    return ddb_parser_expect_sign(parser, "]");
}

enum err ddb_parser_path(struct ddb_parser *parser, struct ddb_path *out)
{
    struct ddb_step steps[DDB_MAX_PATH], step = {0};
    size_t count = 1;
    enum err rc = name_step(parser, &steps[0].name);
    if (rc)
        return rc;
    steps[0].index = 0;
    while (ddb_parser_is_sign(parser, ".") || ddb_parser_is_sign(parser, "[")) {
        bool is_index = ddb_parser_take_sign(parser, "[");
        if (!is_index)
            ddb_parser_advance(parser);
        step = (struct ddb_step){0};
        rc = is_index ? index_step(parser, &step.index) : name_step(parser, &step.name);
        if (rc)
            return rc;
        if (count < DDB_MAX_PATH)
            steps[count] = step;
        count++;
    }
    if (count > DDB_MAX_PATH) {
        ddb_parser_fault(parser, DDB_FAULT_SIZE,
                         "The document path has too many nesting elements; nesting levels: %zu",
                         count);
        count = DDB_MAX_PATH;
    }
    out->count = count;
    out->steps = arena_array(parser->arena, struct ddb_step, count);
    memcpy(out->steps, steps, count * sizeof(*steps));
    return OK;
}

enum err ddb_parser_value(struct ddb_parser *parser, const struct ddb_value **out)
{
    static const struct ddb_value nothing = {.type = DDB_S, .text = STR_INIT("")};
    struct str key = parser->token.text;
    struct substitution *one = find(parser->with->values, parser->with->value_count, key);
    if (!one)
        ddb_parser_fault(parser, DDB_FAULT_UNDEFINED,
                         "An expression attribute value used in expression is not defined; "
                         "attribute value: %.*s",
                         STR_ARG(key));
    *out = one ? &one->value : &nothing;
    ddb_parser_advance(parser);
    return OK;
}

/* How two paths lie to each other: overlapping ones name the same value or a part of it. */
enum relation { APART, OVERLAP, CONFLICT };

static enum relation relate(const struct ddb_path *a, const struct ddb_path *b)
{
    size_t common = a->count < b->count ? a->count : b->count;
    for (size_t i = 0; i < common; i++) {
        const struct ddb_step *x = &a->steps[i], *y = &b->steps[i];
        if (!x->name.ptr != !y->name.ptr)
            return CONFLICT;
        if (x->name.ptr ? !str_eq(x->name, y->name) : x->index != y->index)
            return APART;
    }
    return OVERLAP;
}

enum err ddb_parser_check_paths(struct ddb_parser *parser, const struct ddb_path *a,
                                const struct ddb_path *b)
{
    enum relation relation = relate(a, b);
    if (relation == APART)
        return OK;
    return error_set_long(
        parser->error, parser->arena, ERR_VALIDATION,
        "Invalid %s: Two document paths %s with each other; must remove or rewrite one "
        "of these paths; path one: %.*s, path two: %.*s",
        parser->kind, relation == OVERLAP ? "overlap" : "conflict",
        STR_ARG(ddb_path_text(a, parser->arena)), STR_ARG(ddb_path_text(b, parser->arena)));
}

struct ddb_operand *ddb_parser_new_operand(struct ddb_parser *parser, enum ddb_operand_kind kind)
{
    struct ddb_operand *operand = arena_new(parser->arena, struct ddb_operand);
    operand->kind = kind;
    return operand;
}

/* --- Paths in use --- */

const struct ddb_value *ddb_path_find(const struct ddb_path *path, const struct ddb_value *item)
{
    for (size_t i = 0; i < path->count && item; i++) {
        const struct ddb_step *step = &path->steps[i];
        if (step->name.ptr)
            item = item->type == DDB_M ? ddb_map_get(item, step->name) : NULL;
        else
            item =
                item->type == DDB_L && step->index < item->count ? &item->list[step->index] : NULL;
    }
    return item;
}

struct str ddb_path_text(const struct ddb_path *path, struct arena *arena)
{
    struct buf text;
    buf_init_arena(&text, arena, SIZE_MAX / 2);
    buf_add_byte(&text, '[');
    for (size_t i = 0; i < path->count; i++) {
        buf_add(&text, i ? STR(", ") : STR_EMPTY);
        if (path->steps[i].name.ptr)
            buf_add(&text, path->steps[i].name);
        else
            buf_printf(&text, "[%zu]", path->steps[i].index);
    }
    buf_add_byte(&text, ']');
    return buf_str(&text);
}
