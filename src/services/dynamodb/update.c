/* Update expressions: parsing and applying. */
#include <stdlib.h>

#include "services/dynamodb/parser.h"

enum { MAX_ACTIONS = 1024 };

/* --- Parsing --- */

static enum err parse_operand(struct ddb_parser *parser, const struct ddb_operand **out);

/* What is known while parsing: a value of the wrong type is told before the item is read. */
static void check_literal(struct ddb_parser *parser, const struct ddb_operand *operand,
                          enum ddb_type wanted, struct str name)
{
    if (operand->kind == DDB_OPERAND_VALUE && operand->value->type != wanted)
        ddb_parser_wrong_type(parser, name, operand->value);
}

static void make_if_not_exists(struct ddb_parser *parser, struct str name,
                               const struct ddb_operand_list *list, struct ddb_operand *out)
{
    if (list->all[0]->kind != DDB_OPERAND_PATH)
        ddb_parser_fault(parser, DDB_FAULT_TYPE,
                         "Operator or function requires a document path; operator or function: "
                         "%.*s",
                         STR_ARG(name));
    out->kind = DDB_OPERAND_IF_NOT_EXISTS;
    out->path = list->all[0]->path;
    out->left = list->all[1];
}

static void make_list_append(struct ddb_parser *parser, struct str name,
                             const struct ddb_operand_list *list, struct ddb_operand *out)
{
    out->kind = DDB_OPERAND_LIST_APPEND;
    out->left = list->all[0];
    out->right = list->all[1];
    for (size_t i = 0; i < 2; i++) {
        if (list->all[i]->kind == DDB_OPERAND_LIST_APPEND)
            ddb_parser_misplaced(parser, name);
        check_literal(parser, list->all[i], DDB_L, name);
    }
}

/* name(operand, operand) */
static enum err parse_function(struct ddb_parser *parser, struct ddb_operand *operand)
{
    struct ddb_operand_list list = {0};
    const struct ddb_operand *one;
    struct str name = parser->token.text;
    enum err rc;
    ddb_parser_check_name(parser, name, true);
    parser->operators++;
    ddb_parser_advance(parser); /* the name */
    ddb_parser_advance(parser); /* ( */
    do {
        rc = parse_operand(parser, &one);
        if (rc == OK)
            ddb_parser_add_operand(parser, &list, one);
    } while (rc == OK && ddb_parser_take_sign(parser, ","));
    if (rc == OK)
        rc = ddb_parser_expect_sign(parser, ")");
    if (rc)
        return rc;
    ddb_parser_check_count(parser, name, list.count, 2);
    if (list.count != 2)
        return OK;
    if (str_eq(name, STR("list_append")))
        make_list_append(parser, name, &list, operand);
    else
        make_if_not_exists(parser, name, &list, operand);
    return OK;
}

/* The part in parentheses has been read; `is_doubled` when it has others right inside. */
static enum err close_group(struct ddb_parser *parser, bool is_doubled)
{
    if (is_doubled)
        ddb_parser_fault(parser, DDB_FAULT_PARENTHESES,
                         "The expression has redundant parentheses;");
    return ddb_parser_expect_sign(parser, ")");
}

static enum err parse_single(struct ddb_parser *parser, const struct ddb_operand **out)
{
    struct ddb_operand *operand = ddb_parser_new_operand(parser, DDB_OPERAND_PATH);
    *out = operand;
    if (parser->token.kind == DDB_TOKEN_VALUE) {
        operand->kind = DDB_OPERAND_VALUE;
        return ddb_parser_value(parser, &operand->value);
    }
    return ddb_parser_is_call(parser) ? parse_function(parser, operand)
                                      : ddb_parser_path(parser, &operand->path);
}

static enum err parse_operand(struct ddb_parser *parser, const struct ddb_operand **out)
{
    enum err rc = ddb_parser_enter(parser);
    if (rc == OK && ddb_parser_take_sign(parser, "(")) {
        bool is_doubled = ddb_parser_is_sign(parser, "(");
        rc = parse_operand(parser, out);
        if (rc == OK)
            rc = close_group(parser, is_doubled);
    } else if (rc == OK) {
        rc = parse_single(parser, out);
    }
    parser->depth--;
    return rc;
}

static enum err parse_set_value(struct ddb_parser *parser, const struct ddb_operand **out,
                                bool *out_is_group);

/* What is in parentheses may be a sum, or the first operand of one. */
static enum err parse_group(struct ddb_parser *parser, const struct ddb_operand **out)
{
    bool is_doubled = false;
    ddb_parser_advance(parser);
    enum err rc = ddb_parser_enter(parser);
    if (rc == OK)
        rc = parse_set_value(parser, out, &is_doubled);
    parser->depth--;
    return rc ? rc : close_group(parser, is_doubled);
}

static bool is_sum(const struct ddb_operand *operand)
{
    return operand->kind == DDB_OPERAND_PLUS || operand->kind == DDB_OPERAND_MINUS;
}

/* operand [+|- operand] */
static enum err parse_set_value(struct ddb_parser *parser, const struct ddb_operand **out,
                                bool *out_is_group)
{
    *out_is_group = ddb_parser_is_sign(parser, "(");
    enum err rc = *out_is_group ? parse_group(parser, out) : parse_operand(parser, out);
    bool is_plus = ddb_parser_is_sign(parser, "+"), is_minus = ddb_parser_is_sign(parser, "-");
    if (rc || is_sum(*out) || (!is_plus && !is_minus))
        return rc;
    struct str sign = parser->token.text;
    struct ddb_operand *sum =
        ddb_parser_new_operand(parser, is_plus ? DDB_OPERAND_PLUS : DDB_OPERAND_MINUS);
    ddb_parser_advance(parser);
    *out_is_group = false;
    parser->operators++;
    sum->left = *out;
    rc = parse_operand(parser, &sum->right);
    if (rc)
        return rc;
    check_literal(parser, sum->left, DDB_N, sign);
    check_literal(parser, sum->right, DDB_N, sign);
    *out = sum;
    return OK;
}

static bool is_set(const struct ddb_value *value)
{
    return value->type == DDB_SS || value->type == DDB_NS || value->type == DDB_BS;
}

static enum err parse_literal(struct ddb_parser *parser, enum ddb_action_kind kind,
                              const struct ddb_operand **out)
{
    static const char *const long_names[] = {"STRING",     "NUMBER",     "BINARY", "STRING_SET",
                                             "NUMBER_SET", "BINARY_SET", "MAP",    "LIST",
                                             "BOOLEAN",    "NULL"};
    struct ddb_operand *operand = ddb_parser_new_operand(parser, DDB_OPERAND_VALUE);
    *out = operand;
    if (parser->token.kind != DDB_TOKEN_VALUE)
        return ddb_parser_syntax_error(parser);
    enum err rc = ddb_parser_value(parser, &operand->value);
    if (rc)
        return rc;
    bool fits = is_set(operand->value) || (kind == DDB_ACTION_ADD && operand->value->type == DDB_N);
    if (!fits)
        ddb_parser_fault(parser, DDB_FAULT_TYPE,
                         "Incorrect operand type for operator or function; operator: %s, operand "
                         "type: %s",
                         kind == DDB_ACTION_ADD ? "ADD" : "DELETE",
                         long_names[operand->value->type]);
    return OK;
}

static enum err parse_action(struct ddb_parser *parser, enum ddb_action_kind kind,
                             struct ddb_action *out)
{
    bool is_group;
    *out = (struct ddb_action){.kind = kind};
    enum err rc = ddb_parser_path(parser, &out->path);
    if (rc)
        return rc;
    switch (kind) {
    case DDB_ACTION_SET:
        parser->operators++;
        rc = ddb_parser_expect_sign(parser, "=");
        return rc ? rc : parse_set_value(parser, &out->operand, &is_group);
    case DDB_ACTION_ADD:
    case DDB_ACTION_DELETE:
        parser->operators++;
        return parse_literal(parser, kind, &out->operand);
    case DDB_ACTION_REMOVE:
        return OK;
    }
    return OK;
}

static const struct {
    const char *word;
    enum ddb_action_kind kind;
} clauses[] = {
    {"SET", DDB_ACTION_SET},
    {"REMOVE", DDB_ACTION_REMOVE},
    {"ADD", DDB_ACTION_ADD},
    {"DELETE", DDB_ACTION_DELETE},
};

enum { CLAUSES = sizeof(clauses) / sizeof(clauses[0]) };

static enum err parse_clause(struct ddb_parser *parser, bool seen[CLAUSES],
                             struct ddb_action *actions, size_t *count)
{
    size_t which = 0;
    while (which < CLAUSES && !ddb_parser_is_word(parser, clauses[which].word))
        which++;
    if (which == CLAUSES)
        return ddb_parser_syntax_error(parser);
    if (seen[which])
        ddb_parser_fault(parser, DDB_FAULT_SECTION,
                         "The \"%s\" section can only be used once in an update expression;",
                         clauses[which].word);
    seen[which] = true;
    ddb_parser_advance(parser);
    enum err rc;
    do {
        if (*count == MAX_ACTIONS)
            return error_set(parser->error, ERR_VALIDATION,
                             "Invalid UpdateExpression: The expression contains too many actions");
        rc = parse_action(parser, clauses[which].kind, &actions[(*count)++]);
    } while (rc == OK && ddb_parser_take_sign(parser, ","));
    return rc;
}

enum err ddb_update_parse(struct str text, struct ddb_substitutions *with, struct arena *arena,
                          struct ddb_update *out, struct error *error)
{
    struct ddb_parser parser = {
        .text = text, .kind = "UpdateExpression", .with = with, .arena = arena, .error = error};
    bool seen[CLAUSES] = {false};
    enum err rc = ddb_parser_start(&parser);
    if (rc)
        return rc;
    struct ddb_action *actions = arena_array(arena, struct ddb_action, MAX_ACTIONS);
    size_t count = 0;
    do {
        rc = parse_clause(&parser, seen, actions, &count);
    } while (rc == OK && parser.token.kind != DDB_TOKEN_END);
    if (rc == OK)
        rc = ddb_parser_finish(&parser);
    for (size_t i = 0; rc == OK && i < count; i++) {
        for (size_t j = i + 1; rc == OK && j < count; j++)
            rc = ddb_parser_check_paths(&parser, &actions[i].path, &actions[j].path);
    }
    *out = (struct ddb_update){actions, count, false};
    return rc;
}

/* --- Values of operands --- */

static enum err wrong_type(struct error *error)
{
    return error_set(error, ERR_VALIDATION,
                     "An operand in the update expression has an incorrect data type");
}

static enum err evaluate(const struct ddb_operand *operand, const struct ddb_value *item,
                         struct arena *arena, struct ddb_value *out, struct error *error);

static enum err add_numbers(const struct ddb_value *a, const struct ddb_value *b, bool is_minus,
                            struct arena *arena, struct ddb_value *out, struct error *error)
{
    struct ddb_number x, y, sum;
    if (a->type != DDB_N || b->type != DDB_N)
        return wrong_type(error);
    enum err rc = ddb_number_parse(a->text, &x, error);
    if (rc == OK)
        rc = ddb_number_parse(b->text, &y, error);
    if (rc == OK)
        rc = ddb_number_add(&x, &y, is_minus, &sum, error);
    if (rc == OK)
        *out = (struct ddb_value){.type = DDB_N, .text = ddb_number_format(&sum, arena)};
    return rc;
}

static enum err append_lists(const struct ddb_value *a, const struct ddb_value *b,
                             struct arena *arena, struct ddb_value *out, struct error *error)
{
    if (a->type != DDB_L || b->type != DDB_L)
        return wrong_type(error);
    *out = (struct ddb_value){.type = DDB_L, .count = a->count + b->count};
    out->list = arena_array(arena, struct ddb_value, out->count);
    if (a->count)
        memcpy(out->list, a->list, a->count * sizeof(*out->list));
    if (b->count)
        memcpy(out->list + a->count, b->list, b->count * sizeof(*out->list));
    return OK;
}

static enum err evaluate_pair(const struct ddb_operand *operand, const struct ddb_value *item,
                              struct arena *arena, struct ddb_value *out, struct error *error)
{
    struct ddb_value left, right;
    enum err rc = evaluate(operand->left, item, arena, &left, error);
    if (rc == OK)
        rc = evaluate(operand->right, item, arena, &right, error);
    if (rc)
        return rc;
    if (operand->kind == DDB_OPERAND_LIST_APPEND)
        return append_lists(&left, &right, arena, out, error);
    return add_numbers(&left, &right, operand->kind == DDB_OPERAND_MINUS, arena, out, error);
}

static enum err evaluate(const struct ddb_operand *operand, const struct ddb_value *item,
                         struct arena *arena, struct ddb_value *out, struct error *error)
{
    const struct ddb_value *found;
    switch (operand->kind) {
    case DDB_OPERAND_VALUE:
        *out = *operand->value;
        return OK;
    case DDB_OPERAND_IF_NOT_EXISTS:
        found = ddb_path_find(&operand->path, item);
        if (!found)
            return evaluate(operand->left, item, arena, out, error);
        *out = *found;
        return OK;
    case DDB_OPERAND_PATH:
    case DDB_OPERAND_SIZE: /* no part of update expressions */
        found = ddb_path_find(&operand->path, item);
        if (!found)
            return error_set(
                error, ERR_VALIDATION,
                "The provided expression refers to an attribute that does not exist in "
                "the item");
        *out = *found;
        return OK;
    case DDB_OPERAND_LIST_APPEND:
    case DDB_OPERAND_PLUS:
    case DDB_OPERAND_MINUS:
        break;
    }
    return evaluate_pair(operand, item, arena, out, error);
}

/* --- Changing --- */

/* Values that are changed are copied on the way down; what is beside the way is shared. */

static enum err invalid_path(struct error *error)
{
    return error_set(error, ERR_VALIDATION,
                     "The document path provided in the update expression is invalid for update");
}

static void own_members(struct ddb_value *value, size_t more, struct arena *arena)
{
    if (value->type == DDB_M) {
        struct ddb_entry *map = arena_array(arena, struct ddb_entry, value->count + more);
        if (value->count)
            memcpy(map, value->map, value->count * sizeof(*map));
        value->map = map;
    } else {
        struct ddb_value *list = arena_array(arena, struct ddb_value, value->count + more);
        if (value->count)
            memcpy(list, value->list, value->count * sizeof(*list));
        value->list = list;
    }
}

static struct ddb_value *member(struct ddb_value *value, const struct ddb_step *step)
{
    if (step->name.ptr)
        return (struct ddb_value *)(uintptr_t)ddb_map_get(value, step->name);
    return step->index < value->count ? &value->list[step->index] : NULL;
}

static bool fits(const struct ddb_value *value, const struct ddb_step *step)
{
    return value->type == (step->name.ptr ? DDB_M : DDB_L);
}

/* The value that holds the path's last step, with all above it owned. NULL when there is none. */
static struct ddb_value *parent_of(struct ddb_value *item, const struct ddb_path *path,
                                   struct arena *arena)
{
    struct ddb_value *value = item;
    for (size_t i = 0; i + 1 < path->count; i++) {
        if (!fits(value, &path->steps[i]))
            return NULL;
        own_members(value, 0, arena);
        value = member(value, &path->steps[i]);
        if (!value)
            return NULL;
    }
    return fits(value, &path->steps[path->count - 1]) ? value : NULL;
}

static enum err put(struct ddb_value *item, const struct ddb_path *path,
                    const struct ddb_value *value, struct arena *arena, struct error *error)
{
    const struct ddb_step *last = &path->steps[path->count - 1];
    struct ddb_value *parent = parent_of(item, path, arena);
    if (!parent)
        return invalid_path(error);
    own_members(parent, 1, arena);
    struct ddb_value *place = member(parent, last);
    if (place) {
        *place = *value;
    } else if (last->name.ptr) {
        parent->map[parent->count++] = (struct ddb_entry){last->name, *value};
    } else { /* behind the end: appended */
        parent->list[parent->count++] = *value;
    }
    return OK;
}

static enum err take_out(struct ddb_value *item, const struct ddb_path *path, struct arena *arena,
                         struct error *error)
{
    const struct ddb_step *last = &path->steps[path->count - 1];
    struct ddb_value *parent = parent_of(item, path, arena);
    if (!parent)
        return path->count > 1 ? invalid_path(error) : OK;
    own_members(parent, 0, arena);
    size_t i = 0;
    if (last->name.ptr) {
        while (i < parent->count && !str_eq(parent->map[i].name, last->name))
            i++;
    } else {
        i = last->index;
    }
    if (i >= parent->count)
        return OK;
    parent->count--;
    if (parent->type == DDB_M)
        memmove(&parent->map[i], &parent->map[i + 1], (parent->count - i) * sizeof(*parent->map));
    else
        memmove(&parent->list[i], &parent->list[i + 1],
                (parent->count - i) * sizeof(*parent->list));
    return OK;
}

static bool has_text(const struct ddb_value *set, struct str text)
{
    for (size_t i = 0; i < set->count; i++) {
        if (str_eq(set->texts[i], text))
            return true;
    }
    return false;
}

/* The union, or what of `a` is not in `b`. */
static struct ddb_value combine_sets(const struct ddb_value *a, const struct ddb_value *b,
                                     bool is_union, struct arena *arena)
{
    struct ddb_value out = {.type = a->type};
    out.texts = arena_array(arena, struct str, a->count + b->count);
    for (size_t i = 0; i < a->count; i++) {
        if (is_union || !has_text(b, a->texts[i]))
            out.texts[out.count++] = a->texts[i];
    }
    for (size_t i = 0; is_union && i < b->count; i++) {
        if (!has_text(a, b->texts[i]))
            out.texts[out.count++] = b->texts[i];
    }
    return out;
}

static enum err apply_add(struct ddb_value *item, const struct ddb_action *action,
                          const struct ddb_value *old, struct arena *arena, struct error *error)
{
    const struct ddb_value *operand = action->operand->value;
    struct ddb_value result = *operand;
    enum err rc = OK;
    if (old && old->type != operand->type)
        rc = wrong_type(error);
    else if (old && operand->type == DDB_N)
        rc = add_numbers(old, operand, false, arena, &result, error);
    else if (old && operand->type == DDB_L)
        rc = append_lists(old, operand, arena, &result, error);
    else if (old)
        result = combine_sets(old, operand, true, arena);
    return rc ? rc : put(item, &action->path, &result, arena, error);
}

static enum err apply_delete(struct ddb_value *item, const struct ddb_action *action,
                             const struct ddb_value *old, struct arena *arena, struct error *error)
{
    if (!old) /* but what would hold it must be there */
        return action->path.count == 1 || parent_of(item, &action->path, arena)
                   ? OK
                   : invalid_path(error);
    if (old->type != action->operand->value->type)
        return wrong_type(error);
    struct ddb_value rest = combine_sets(old, action->operand->value, false, arena);
    return rest.count ? put(item, &action->path, &rest, arena, error)
                      : take_out(item, &action->path, arena, error);
}

/* AttributeUpdates words a value of another type in its own way. */
static enum err check_type(const struct ddb_update *update, const struct ddb_action *action,
                           const struct ddb_value *old, struct error *error)
{
    if (!update->is_older || !old || old->type == action->operand->value->type)
        return OK;
    return error_set(error, ERR_VALIDATION, "Type mismatch for attribute to update");
}

/* Elements are taken out from the back, so that indexes mean the list as it was. */
static int by_index_descending(const void *a, const void *b)
{
    const struct ddb_path *x = &(*(const struct ddb_action *const *)a)->path;
    const struct ddb_path *y = &(*(const struct ddb_action *const *)b)->path;
    for (size_t i = 0; i < x->count && i < y->count; i++) {
        if (x->steps[i].index != y->steps[i].index)
            return x->steps[i].index < y->steps[i].index ? 1 : -1;
    }
    return 0;
}

/* Elements behind the end of a list are appended in the order of their indexes, whatever the order
 * of the text. */
static int by_index(const void *a, const void *b)
{
    return -by_index_descending(a, b);
}

static enum err apply_removals(const struct ddb_update *update, struct ddb_value *item,
                               struct arena *arena, struct error *error)
{
    const struct ddb_action **removals = arena_alloc(arena, (update->count + 1) * sizeof(void *));
    size_t count = 0;
    for (size_t i = 0; i < update->count; i++) {
        if (update->actions[i].kind == DDB_ACTION_REMOVE)
            removals[count++] = &update->actions[i];
    }
    qsort(removals, count, sizeof(*removals), by_index_descending);
    enum err rc = OK;
    for (size_t i = 0; rc == OK && i < count; i++)
        rc = take_out(item, &removals[i]->path, arena, error);
    return rc;
}

static enum err apply_action(const struct ddb_update *update, const struct ddb_action *action,
                             const struct ddb_value *item, struct arena *arena,
                             struct ddb_value *changed, struct error *error)
{
    struct ddb_value value;
    const struct ddb_value *old = NULL;
    enum err rc = OK;
    if (action->kind == DDB_ACTION_ADD || action->kind == DDB_ACTION_DELETE) {
        old = ddb_path_find(&action->path, item);
        rc = check_type(update, action, old, error);
    }
    if (rc)
        return rc;
    switch (action->kind) {
    case DDB_ACTION_SET:
        rc = evaluate(action->operand, item, arena, &value, error);
        return rc ? rc : put(changed, &action->path, &value, arena, error);
    case DDB_ACTION_ADD:
        return apply_add(changed, action, old, arena, error);
    case DDB_ACTION_DELETE:
        return apply_delete(changed, action, old, arena, error);
    case DDB_ACTION_REMOVE:
        break;
    }
    return OK;
}

static bool ends_in_index(const struct ddb_action *action)
{
    return !action->path.steps[action->path.count - 1].name.ptr;
}

/* The actions as they are applied: those on elements of lists last, by index. */
static const struct ddb_action **in_order(const struct ddb_update *update, struct arena *arena)
{
    const struct ddb_action **all = arena_alloc(arena, (update->count + 1) * sizeof(void *));
    size_t count = 0, plain;
    for (size_t i = 0; i < update->count; i++) {
        if (!ends_in_index(&update->actions[i]))
            all[count++] = &update->actions[i];
    }
    plain = count;
    for (size_t i = 0; i < update->count; i++) {
        if (ends_in_index(&update->actions[i]))
            all[count++] = &update->actions[i];
    }
    qsort(all + plain, count - plain, sizeof(*all), by_index);
    return all;
}

enum err ddb_update_apply(const struct ddb_update *update, const struct ddb_value *item,
                          struct arena *arena, struct ddb_value *out, struct error *error)
{
    struct ddb_value changed = *item;
    const struct ddb_action **ordered = in_order(update, arena);
    enum err rc = OK;
    own_members(&changed, update->count, arena);
    for (size_t i = 0; rc == OK && i < update->count; i++)
        rc = apply_action(update, ordered[i], item, arena, &changed, error);
    if (rc == OK)
        rc = apply_removals(update, &changed, arena, error);
    if (rc == OK)
        *out = changed;
    return rc;
}
