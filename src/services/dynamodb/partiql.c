/* PartiQL statements. */
#include "services/dynamodb/parser.h"
#include "services/dynamodb/partiql_parser.h"

enum { MAX_PATHS = 256, MAX_ACTIONS = 256, MAX_ORDER = 2 };

/* --- Parts of statements --- */

/* "Table" or "Table"."Index" */
static enum err parse_target(struct partiql *parser, struct ddb_statement *out)
{
    out->index = STR_EMPTY;
    enum err rc = partiql_name(parser, &out->table);
    if (rc == OK && partiql_take_sign(parser, "."))
        rc = partiql_name(parser, &out->index);
    return rc;
}

static enum err parse_where(struct partiql *parser, struct ddb_statement *out)
{
    return partiql_take_word(parser, "WHERE") ? partiql_condition(parser, &out->where) : OK;
}

static enum err parse_returning(struct partiql *parser, struct ddb_statement *out)
{
    if (!partiql_take_word(parser, "RETURNING"))
        return OK;
    bool is_all = partiql_take_word(parser, "ALL");
    if (!is_all && !partiql_take_word(parser, "MODIFIED"))
        return partiql_malformed(parser, "Expected ALL or MODIFIED");
    bool is_old = partiql_take_word(parser, "OLD");
    if (!is_old && !partiql_take_word(parser, "NEW"))
        return partiql_malformed(parser, "Expected OLD or NEW");
    out->returning = is_all ? (is_old ? DDB_RETURNING_ALL_OLD : DDB_RETURNING_ALL_NEW)
                            : (is_old ? DDB_RETURNING_MODIFIED_OLD : DDB_RETURNING_MODIFIED_NEW);
    return partiql_expect_sign(parser, "*");
}

/* Paths may not overlap, as in expressions. */
static enum err check_apart(struct partiql *parser, const char *kind, const struct ddb_path *paths,
                            size_t count)
{
    struct ddb_parser expression = {.kind = kind, .arena = parser->arena, .error = parser->error};
    for (size_t i = 0; i < count; i++) {
        for (size_t j = i + 1; j < count; j++) {
            enum err rc = ddb_parser_check_paths(&expression, &paths[i], &paths[j]);
            if (rc)
                return rc;
        }
    }
    return OK;
}

/* --- SELECT --- */

static enum err parse_projection(struct partiql *parser, struct ddb_statement *out)
{
    struct ddb_projection *projection = arena_new(parser->arena, struct ddb_projection);
    enum err rc;
    if (partiql_take_sign(parser, "*"))
        return OK;
    projection->paths = arena_array(parser->arena, struct ddb_path, MAX_PATHS);
    do {
        if (projection->count == MAX_PATHS)
            return partiql_malformed(parser, "The projection has too many paths");
        rc = partiql_path(parser, &projection->paths[projection->count++]);
    } while (rc == OK && partiql_take_sign(parser, ","));
    out->projection = projection;
    projection->is_flat = true;
    return rc ? rc
              : check_apart(parser, "ProjectionExpression", projection->paths, projection->count);
}

static enum err parse_order(struct partiql *parser, struct ddb_statement *out)
{
    enum err rc;
    if (!partiql_take_word(parser, "ORDER"))
        return OK;
    rc = partiql_expect_word(parser, "BY");
    out->order = arena_array(parser->arena, struct ddb_order, MAX_ORDER);
    if (rc)
        return rc;
    do {
        if (out->order_count == MAX_ORDER)
            return partiql_malformed(parser, "ORDER BY has too many keys");
        struct ddb_order *order = &out->order[out->order_count++];
        rc = partiql_name(parser, &order->name);
        order->is_descending = rc == OK && partiql_take_word(parser, "DESC");
        if (rc == OK && !order->is_descending)
            partiql_take_word(parser, "ASC");
    } while (rc == OK && partiql_take_sign(parser, ","));
    return rc;
}

static enum err parse_select(struct partiql *parser, struct ddb_statement *out)
{
    enum err rc = parse_projection(parser, out);
    if (rc == OK)
        rc = partiql_expect_word(parser, "FROM");
    if (rc == OK)
        rc = parse_target(parser, out);
    if (rc == OK)
        rc = parse_where(parser, out);
    return rc ? rc : parse_order(parser, out);
}

/* EXISTS(SELECT ...) */
static enum err parse_exists(struct partiql *parser, struct ddb_statement *out)
{
    enum err rc = partiql_expect_sign(parser, "(");
    if (rc == OK)
        rc = partiql_expect_word(parser, "SELECT");
    if (rc == OK)
        rc = parse_select(parser, out);
    return rc ? rc : partiql_expect_sign(parser, ")");
}

/* --- INSERT, DELETE --- */

static enum err parse_insert(struct partiql *parser, struct ddb_statement *out)
{
    enum err rc = partiql_expect_word(parser, "INTO");
    if (rc == OK)
        rc = parse_target(parser, out);
    if (rc == OK)
        rc = partiql_expect_word(parser, "VALUE");
    if (rc == OK)
        rc = partiql_value(parser, &out->item);
    if (rc == OK && out->item.type != DDB_M)
        rc = partiql_malformed(parser, "Expected tuple value to be inserted");
    return rc;
}

static enum err parse_delete(struct partiql *parser, struct ddb_statement *out)
{
    enum err rc = partiql_expect_word(parser, "FROM");
    if (rc == OK)
        rc = parse_target(parser, out);
    if (rc == OK)
        rc = parse_where(parser, out);
    if (rc == OK)
        rc = parse_returning(parser, out);
    if (rc == OK && out->returning != DDB_RETURNING_NOTHING &&
        out->returning != DDB_RETURNING_ALL_OLD)
        rc = error_set(parser->error, ERR_VALIDATION,
                       "DELETE statement only supports RETURNING ALL OLD *");
    return rc;
}

/* --- UPDATE --- */

static enum err parse_operand(struct partiql *parser, const struct ddb_operand **out);

/* list_append(a, b) or if_not_exists(path, b) */
static enum err parse_call(struct partiql *parser, struct ddb_operand *operand)
{
    bool is_append = partiql_is_word(parser, "list_append");
    if (!is_append && !partiql_is_word(parser, "if_not_exists"))
        return error_set(parser->error, ERR_VALIDATION, "Unsupported function: %.*s",
                         STR_ARG(parser->token.text));
    operand->kind = is_append ? DDB_OPERAND_LIST_APPEND : DDB_OPERAND_IF_NOT_EXISTS;
    partiql_advance(parser);
    partiql_advance(parser);
    enum err rc =
        is_append ? parse_operand(parser, &operand->left) : partiql_path(parser, &operand->path);
    if (rc == OK)
        rc = partiql_expect_sign(parser, ",");
    if (rc == OK)
        rc = parse_operand(parser, is_append ? &operand->right : &operand->left);
    return rc ? rc : partiql_expect_sign(parser, ")");
}

static enum err parse_operand(struct partiql *parser, const struct ddb_operand **out)
{
    struct ddb_operand *operand = partiql_operand(parser, DDB_OPERAND_PATH);
    *out = operand;
    enum err rc = partiql_enter(parser);
    if (rc == OK && partiql_is_value(parser)) {
        struct ddb_value *value = arena_new(parser->arena, struct ddb_value);
        operand->kind = DDB_OPERAND_VALUE;
        operand->value = value;
        rc = partiql_value(parser, value);
    } else if (rc == OK && partiql_is_call(parser)) {
        rc = parse_call(parser, operand);
    } else if (rc == OK) {
        rc = partiql_path(parser, &operand->path);
    }
    parser->depth--;
    return rc;
}

static enum err parse_sum(struct partiql *parser, const struct ddb_operand **out)
{
    enum err rc = parse_operand(parser, out);
    bool is_plus = partiql_is_sign(parser, "+"), is_minus = partiql_is_sign(parser, "-");
    if (rc || (!is_plus && !is_minus))
        return rc;
    struct ddb_operand *sum =
        partiql_operand(parser, is_plus ? DDB_OPERAND_PLUS : DDB_OPERAND_MINUS);
    partiql_advance(parser);
    sum->left = *out;
    *out = sum;
    return parse_operand(parser, &sum->right);
}

/* path = set_add(path, <<...>>) or set_delete(path, <<...>>) */
static enum err parse_set_change(struct partiql *parser, struct ddb_action *action)
{
    struct ddb_operand *operand = partiql_operand(parser, DDB_OPERAND_VALUE);
    struct ddb_value *value = arena_new(parser->arena, struct ddb_value);
    struct ddb_path path;
    action->kind = partiql_is_word(parser, "set_add") ? DDB_ACTION_ADD : DDB_ACTION_DELETE;
    action->operand = operand;
    operand->value = value;
    partiql_advance(parser);
    partiql_advance(parser);
    enum err rc = partiql_path(parser, &path);
    if (rc == OK)
        rc = partiql_expect_sign(parser, ",");
    if (rc == OK)
        rc = partiql_value(parser, value);
    if (rc == OK && (value->type < DDB_SS || value->type > DDB_BS))
        rc = partiql_malformed(parser, "set_add and set_delete need a set");
    return rc ? rc : partiql_expect_sign(parser, ")");
}

static enum err parse_assignment(struct partiql *parser, struct ddb_action *action)
{
    action->kind = DDB_ACTION_SET;
    enum err rc = partiql_path(parser, &action->path);
    if (rc == OK)
        rc = partiql_expect_sign(parser, "=");
    if (rc)
        return rc;
    bool is_set = partiql_is_call(parser) &&
                  (partiql_is_word(parser, "set_add") || partiql_is_word(parser, "set_delete"));
    return is_set ? parse_set_change(parser, action) : parse_sum(parser, &action->operand);
}

/* SET a = 1, b = 2 SET c = 3 REMOVE d, e */
static enum err parse_actions(struct partiql *parser, struct ddb_update *out)
{
    struct ddb_path *paths = arena_array(parser->arena, struct ddb_path, MAX_ACTIONS);
    out->actions = arena_array(parser->arena, struct ddb_action, MAX_ACTIONS);
    while (partiql_is_word(parser, "SET") || partiql_is_word(parser, "REMOVE")) {
        bool is_set = partiql_is_word(parser, "SET");
        enum err rc;
        partiql_advance(parser);
        do {
            if (out->count == MAX_ACTIONS)
                return partiql_malformed(parser, "The statement has too many actions");
            struct ddb_action *action = &out->actions[out->count];
            action->kind = DDB_ACTION_REMOVE;
            rc = is_set ? parse_assignment(parser, action) : partiql_path(parser, &action->path);
            paths[out->count++] = action->path;
        } while (rc == OK && partiql_take_sign(parser, ","));
        if (rc)
            return rc;
    }
    if (out->count == 0)
        return partiql_malformed(parser, "Expected SET or REMOVE");
    return check_apart(parser, "UpdateExpression", paths, out->count);
}

static enum err parse_update(struct partiql *parser, struct ddb_statement *out)
{
    enum err rc = parse_target(parser, out);
    if (rc == OK)
        rc = parse_actions(parser, &out->update);
    if (rc == OK)
        rc = parse_where(parser, out);
    return rc ? rc : parse_returning(parser, out);
}

/* --- All of them --- */

static const struct {
    const char *word;
    enum ddb_statement_kind kind;
    enum err (*parse)(struct partiql *parser, struct ddb_statement *out);
} statements[] = {
    {"SELECT", DDB_STATEMENT_SELECT, parse_select}, {"INSERT", DDB_STATEMENT_INSERT, parse_insert},
    {"UPDATE", DDB_STATEMENT_UPDATE, parse_update}, {"DELETE", DDB_STATEMENT_DELETE, parse_delete},
    {"EXISTS", DDB_STATEMENT_EXISTS, parse_exists},
};

enum err ddb_statement_parse(struct str text, const struct ddb_value *parameters,
                             size_t parameter_count, struct arena *arena, struct ddb_statement *out,
                             struct error *error)
{
    struct partiql parser = {
        .text = text,
        .parameters = parameters,
        .parameter_count = parameter_count,
        .arena = arena,
        .error = error,
    };
    *out = (struct ddb_statement){.table = STR_EMPTY, .index = STR_EMPTY};
    partiql_advance(&parser);
    for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
        if (!partiql_take_word(&parser, statements[i].word))
            continue;
        out->kind = statements[i].kind;
        enum err rc = statements[i].parse(&parser, out);
        if (rc == OK && parser.token.kind != PARTIQL_END)
            rc = partiql_malformed(&parser, "Unexpected token after the statement");
        if (rc == OK && parser.parameters_used != parameter_count)
            rc = error_set(error, ERR_VALIDATION,
                           "Number of parameters in request and statement don't match.");
        return rc;
    }
    return partiql_malformed(&parser, "Unexpected term");
}
