/* Walks a template's tree. */
#include "services/apigateway/velocity/renderer.h"

enum { MAX_STEPS = 100000, MAX_OUTPUT = 10 * 1024 * 1024, MAX_DEPTH = 64, MAX_OVERRIDES = 64 };

struct value render_fail(struct renderer *r, const char *what)
{
    if (!r->rc)
        r->rc = error_set(r->error, ERR_VALIDATION, "%s", what);
    return (struct value){.kind = VALUE_NULL};
}

bool render_step(struct renderer *r, size_t count)
{
    if (r->rc)
        return false;
    if (r->steps < count) {
        render_fail(r, "the template takes too many steps");
        return false;
    }
    r->steps -= count;
    return true;
}

struct str render_value(struct renderer *r, struct value value)
{
    struct buf text;
    if (value.kind == VALUE_TEXT)
        return value.text;
    buf_init_arena(&text, r->arena, r->bytes);
    value_print(&text, value, 0);
    if (text.is_full)
        render_fail(r, "the template's text is too long");
    r->bytes -= text.len;
    return buf_str(&text);
}

void render_open(struct renderer *r, struct value *value)
{
    if (value->kind == VALUE_JSON && render_step(r, unsafe_yyjson_get_len(value->json) / 8))
        value_open(r->arena, value);
}

/* A null that API Gateway's own variables have given equals the empty text as well. */
static bool equals_nothing(struct value nothing, struct value other)
{
    if (!value_is_nothing(nothing))
        return false;
    return value_is_nothing(other) ||
           (nothing.kind == VALUE_ABSENT && other.kind == VALUE_TEXT && other.text.len == 0);
}

bool render_equals(struct renderer *r, struct value left, struct value right)
{
    if (value_is_nothing(left) || value_is_nothing(right))
        return equals_nothing(left, right) || equals_nothing(right, left);
    if (left.kind == VALUE_INTEGER && right.kind == VALUE_INTEGER)
        return left.integer == right.integer;
    if (value_is_numeric(left) && value_is_numeric(right))
        return value_to_number(left) == value_to_number(right);
    return str_eq(render_value(r, left), render_value(r, right));
}

static void render_nodes(struct renderer *r, const struct node *node, struct buf *out);
static struct value evaluate(struct renderer *r, const struct expression *expression);

static bool has_ended(const struct renderer *r)
{
    return r->rc || r->is_breaking || r->is_stopping;
}

static struct str render_text(struct renderer *r, const struct node *nodes)
{
    struct buf text;
    buf_init_arena(&text, r->arena, MAX_OUTPUT);
    render_nodes(r, nodes, &text);
    if (text.is_full)
        render_fail(r, "the template's text is too long");
    return buf_str(&text);
}

/* --- References --- */

static void read_arguments(struct renderer *r, const struct expression *expression,
                           struct arguments *out)
{
    out->count = 0;
    for (; expression; expression = expression->next) {
        if (out->count == MAX_ARGUMENTS) {
            render_fail(r, "a method has too many arguments");
            return;
        }
        out->items[out->count++] = evaluate(r, expression);
    }
}

/* The value that a name stands for; `place` is where it is kept, or scratch. */
static struct value *find_variable(struct renderer *r, struct str name, struct value *scratch)
{
    struct value *place = members_get(&r->variables, name);
    if (place)
        return place;
    *scratch = builtin_variable(r, name);
    return scratch;
}

/* Where the step leads inside lists and maps, so that it can be changed there; else NULL. */
static struct value *place_of_step(struct renderer *r, struct value *value, const struct step *step)
{
    struct arguments arguments;
    render_open(r, value);
    if (value->kind == VALUE_MAP && step->kind == STEP_PROPERTY)
        return members_get(value->map, step->name);
    if (step->kind != STEP_INDEX)
        return NULL;
    read_arguments(r, step->arguments, &arguments);
    if (value->kind == VALUE_MAP)
        return members_get(value->map, render_value(r, arguments.items[0]));
    int64_t index = arguments.items[0].integer;
    bool is_there = value->kind == VALUE_LIST && arguments.items[0].kind == VALUE_INTEGER &&
                    index >= 0 && index < (int64_t)value->list->count;
    return is_there ? &value->list->items[index] : NULL;
}

static struct value take_step(struct renderer *r, struct value *value, const struct step *step)
{
    struct arguments arguments;
    switch (step->kind) {
    case STEP_PROPERTY:
        return value_property(r, value, step->name);
    case STEP_INDEX:
        read_arguments(r, step->arguments, &arguments);
        return value_index(r, value, arguments.items[0]);
    case STEP_METHOD:
        break;
    }
    read_arguments(r, step->arguments, &arguments);
    return value_method(r, value, step->name, &arguments);
}

static bool is_changing(const struct step *step)
{
    while (step && step->next)
        step = step->next;
    return step && step->kind == STEP_METHOD && method_changes(step->name);
}

static struct value read_reference(struct renderer *r, const struct reference *reference)
{
    struct value scratch, *place = find_variable(r, reference->name, &scratch);
    bool is_to_change = is_changing(reference->steps);
    for (const struct step *step = reference->steps; step; step = step->next) {
        if (value_is_nothing(*place) || !render_step(r, 1))
            return r->rc ? (struct value){.kind = VALUE_NULL} : *place;
        struct value *next = is_to_change && step->next ? place_of_step(r, place, step) : NULL;
        if (!next) {
            scratch = take_step(r, place, step);
            next = &scratch;
        }
        place = next;
    }
    return *place;
}

/* --- Setting --- */

/* "requestOverride.header.x" of $context.requestOverride.header.x or ["x"]. */
static struct str dotted_name(struct renderer *r, const struct step *step)
{
    struct buf name;
    struct arguments arguments;
    buf_init_arena(&name, r->arena, 4096);
    for (; step; step = step->next) {
        buf_add(&name, name.len ? STR(".") : STR_EMPTY);
        if (step->kind == STEP_INDEX) {
            read_arguments(r, step->arguments, &arguments);
            value_print(&name, arguments.items[0], 0);
        } else {
            buf_add(&name, step->name);
        }
    }
    return buf_str(&name);
}

void render_override(struct renderer *r, struct str name, struct value value)
{
    struct velocity_override override;
    if (!override_named(name, &override))
        return;
    if (r->override_count == MAX_OVERRIDES) {
        render_fail(r, "the template sets too many overrides");
        return;
    }
    if (!r->overrides)
        r->overrides = arena_array(r->arena, struct velocity_override, MAX_OVERRIDES);
    override.value = render_value(r, value);
    r->overrides[r->override_count++] = override;
}

/* Behind the place that the steps before the last one lead to. */
static void set_member(struct renderer *r, struct value *container, const struct step *step,
                       struct value value)
{
    struct arguments arguments;
    render_open(r, container);
    if (step->kind == STEP_METHOD)
        return;
    if (step->kind == STEP_PROPERTY) {
        if (container->kind == VALUE_MAP)
            members_put(r->arena, container->map, step->name, value);
        return;
    }
    read_arguments(r, step->arguments, &arguments);
    if (container->kind == VALUE_MAP) {
        members_put(r->arena, container->map, render_value(r, arguments.items[0]), value);
        return;
    }
    int64_t index = arguments.items[0].integer;
    if (container->kind == VALUE_LIST && arguments.items[0].kind == VALUE_INTEGER && index >= 0 &&
        index < (int64_t)container->list->count)
        container->list->items[index] = value;
}

/* A variable may be set to null: it then prints as nothing. Members are left as they were. */
static void render_set(struct renderer *r, const struct node *node)
{
    const struct reference *reference = node->reference;
    struct value value = evaluate(r, node->expression), scratch;
    if (r->rc)
        return;
    if (!reference->steps) {
        if (value_is_nothing(value))
            value.kind = VALUE_ABSENT;
        members_put(r->arena, &r->variables, reference->name, value);
        return;
    }
    if (value_is_nothing(value))
        return;
    struct value *place = find_variable(r, reference->name, &scratch);
    if (place->kind == VALUE_CONTEXT) {
        render_override(r, dotted_name(r, reference->steps), value);
        return;
    }
    const struct step *step = reference->steps;
    for (; step->next && place; step = step->next)
        place = place_of_step(r, place, step);
    if (place)
        set_member(r, place, step, value);
}

/* --- Expressions --- */

static struct value evaluate_list(struct renderer *r, const struct expression *expression)
{
    struct value list = value_new_list(r->arena);
    for (const struct expression *item = expression->first; item; item = item->next)
        list_add(r->arena, list.list, evaluate(r, item));
    return list;
}

static struct value evaluate_map(struct renderer *r, const struct expression *expression)
{
    struct value map = value_new_map(r->arena);
    for (const struct expression *key = expression->first; key; key = key->next->next) {
        struct str name = render_value(r, evaluate(r, key));
        members_put(r->arena, map.map, name, evaluate(r, key->next));
    }
    return map;
}

static struct value evaluate_range(struct renderer *r, const struct expression *expression)
{
    struct value from = evaluate(r, expression->left), to = evaluate(r, expression->right);
    struct value list = value_new_list(r->arena);
    if (from.kind != VALUE_INTEGER || to.kind != VALUE_INTEGER)
        return (struct value){.kind = VALUE_NULL};
    int64_t step = from.integer <= to.integer ? 1 : -1;
    for (int64_t i = from.integer; render_step(r, 1); i += step) {
        list_add(r->arena, list.list, value_integer(i));
        if (i == to.integer)
            break;
    }
    return list;
}

/* Whole numbers stay so as long as they fit. */
static struct value calculate_integers(enum expression_kind kind, int64_t left, int64_t right)
{
    int64_t result = 0;
    bool is_too_large = false;
    if (kind == EXPRESSION_DIVIDE || kind == EXPRESSION_REMAINDER) {
        if (right == 0 || (left == INT64_MIN && right == -1))
            return (struct value){.kind = VALUE_NULL};
        return value_integer(kind == EXPRESSION_DIVIDE ? left / right : left % right);
    }
    if (kind == EXPRESSION_ADD)
        is_too_large = __builtin_add_overflow(left, right, &result);
    else if (kind == EXPRESSION_SUBTRACT)
        is_too_large = __builtin_sub_overflow(left, right, &result);
    else
        is_too_large = __builtin_mul_overflow(left, right, &result);
    return is_too_large ? (struct value){.kind = VALUE_NULL} : value_integer(result);
}

static struct value calculate_numbers(enum expression_kind kind, double left, double right)
{
    switch (kind) {
    case EXPRESSION_ADD:
        return value_number(left + right);
    case EXPRESSION_SUBTRACT:
        return value_number(left - right);
    case EXPRESSION_MULTIPLY:
        return value_number(left * right);
    default:
        break;
    }
    if (right == 0)
        return (struct value){.kind = VALUE_NULL};
    double quotient = left / right;
    return value_number(kind == EXPRESSION_DIVIDE
                            ? quotient
                            : left - right * (quotient < 0 ? -(double)(int64_t)-quotient
                                                           : (double)(int64_t)quotient));
}

static struct value calculate(struct renderer *r, enum expression_kind kind, struct value left,
                              struct value right)
{
    bool is_text = left.kind == VALUE_TEXT || right.kind == VALUE_TEXT;
    if (kind == EXPRESSION_ADD && is_text) {
        struct str head = render_value(r, left), tail = render_value(r, right);
        if (head.len + tail.len > r->bytes)
            return render_fail(r, "the template's text is too long");
        r->bytes -= head.len + tail.len;
        return value_text(arena_printf(r->arena, "%.*s%.*s", STR_ARG(head), STR_ARG(tail)));
    }
    if (left.kind == VALUE_INTEGER && right.kind == VALUE_INTEGER)
        return calculate_integers(kind, left.integer, right.integer);
    if (value_is_numeric(left) && value_is_numeric(right))
        return calculate_numbers(kind, value_to_number(left), value_to_number(right));
    return (struct value){.kind = VALUE_NULL};
}

/* Only numbers have an order; of others nothing is true. */
static struct value compare(enum expression_kind kind, struct value left, struct value right)
{
    if (!value_is_numeric(left) || !value_is_numeric(right))
        return value_bool(false);
    double a = value_to_number(left), b = value_to_number(right);
    switch (kind) {
    case EXPRESSION_LESS:
        return value_bool(a < b);
    case EXPRESSION_LESS_EQUAL:
        return value_bool(a <= b);
    case EXPRESSION_GREATER:
        return value_bool(a > b);
    default:
        return value_bool(a >= b);
    }
}

static struct value evaluate_operator(struct renderer *r, const struct expression *expression)
{
    enum expression_kind kind = expression->kind;
    struct value left = evaluate(r, expression->left);
    if (kind == EXPRESSION_AND && !value_is_true(left))
        return value_bool(false);
    if (kind == EXPRESSION_OR && value_is_true(left))
        return value_bool(true);
    struct value right = evaluate(r, expression->right);
    switch (kind) {
    case EXPRESSION_AND:
    case EXPRESSION_OR:
        return value_bool(value_is_true(right));
    case EXPRESSION_EQUAL:
    case EXPRESSION_NOT_EQUAL:
        return value_bool(render_equals(r, left, right) == (kind == EXPRESSION_EQUAL));
    case EXPRESSION_LESS:
    case EXPRESSION_LESS_EQUAL:
    case EXPRESSION_GREATER:
    case EXPRESSION_GREATER_EQUAL:
        return compare(kind, left, right);
    default:
        return calculate(r, kind, left, right);
    }
}

static struct value evaluate(struct renderer *r, const struct expression *expression)
{
    if (!render_step(r, 1))
        return (struct value){.kind = VALUE_NULL};
    switch (expression->kind) {
    case EXPRESSION_VALUE:
        return expression->value;
    case EXPRESSION_TEMPLATE:
        return value_text(render_text(r, expression->nodes));
    case EXPRESSION_REFERENCE:
        return read_reference(r, expression->reference);
    case EXPRESSION_LIST:
        return evaluate_list(r, expression);
    case EXPRESSION_RANGE:
        return evaluate_range(r, expression);
    case EXPRESSION_MAP:
        return evaluate_map(r, expression);
    case EXPRESSION_NOT:
        return value_bool(!value_is_true(evaluate(r, expression->left)));
    case EXPRESSION_NEGATE:
        return calculate(r, EXPRESSION_SUBTRACT, value_integer(0), evaluate(r, expression->left));
    default:
        return evaluate_operator(r, expression);
    }
}

/* --- Directives --- */

static void render_if(struct renderer *r, const struct node *node, struct buf *out)
{
    for (const struct branch *branch = node->branches; branch; branch = branch->next) {
        if (branch->condition && !value_is_true(evaluate(r, branch->condition)))
            continue;
        render_nodes(r, branch->body, out);
        return;
    }
}

static size_t count_members(const struct value *value)
{
    return value->kind == VALUE_LIST  ? value->list->count
           : value->kind == VALUE_MAP ? value->map->count
                                      : 0;
}

static void render_foreach(struct renderer *r, const struct node *node, struct buf *out)
{
    struct str name = node->reference->name;
    struct value all = evaluate(r, node->expression);
    render_open(r, &all);
    const struct value *before = members_get(&r->variables, name);
    struct value kept = before ? *before : (struct value){.kind = VALUE_NULL};
    struct loop_state loop = {.outer = r->loop};
    r->loop = &loop;
    for (size_t i = 0; i < count_members(&all) && !has_ended(r); i++) {
        if (!render_step(r, 1))
            break;
        loop.index = (int64_t)i;
        loop.has_next = i + 1 < count_members(&all);
        members_put(r->arena, &r->variables, name,
                    all.kind == VALUE_LIST ? all.list->items[i] : all.map->items[i].value);
        render_nodes(r, node->body, out);
    }
    r->is_breaking = false;
    r->loop = loop.outer;
    if (value_is_nothing(kept))
        members_remove(&r->variables, name);
    else
        members_put(r->arena, &r->variables, name, kept);
}

static const struct macro *find_macro(const struct renderer *r, struct str name)
{
    const struct macro *macro = r->macros;
    while (macro && !str_eq(macro->name, name))
        macro = macro->next;
    return macro;
}

/* Parameters hide variables of their names until the macro ends. */
static void render_call(struct renderer *r, const struct node *node, struct buf *out)
{
    const struct macro *macro = find_macro(r, node->text);
    struct value kept[16];
    if (!macro)
        return;
    const struct expression *argument = node->expression;
    struct value values[16];
    for (size_t i = 0; i < macro->parameter_count; i++) {
        values[i] = argument ? evaluate(r, argument) : (struct value){.kind = VALUE_NULL};
        argument = argument ? argument->next : NULL;
    }
    for (size_t i = 0; i < macro->parameter_count; i++) {
        const struct value *before = members_get(&r->variables, macro->parameters[i]);
        kept[i] = before ? *before : (struct value){.kind = VALUE_NULL};
        members_put(r->arena, &r->variables, macro->parameters[i], values[i]);
    }
    render_nodes(r, macro->body, out);
    for (size_t i = 0; i < macro->parameter_count; i++)
        members_put(r->arena, &r->variables, macro->parameters[i], kept[i]);
}

static void render_evaluate(struct renderer *r, const struct node *node, struct buf *out)
{
    struct str text = render_value(r, evaluate(r, node->expression));
    const struct node *nodes;
    if (!render_step(r, 1 + text.len / 16))
        return;
    enum err rc = velocity_parse_nodes(r->arena, text, &r->macros, &nodes, r->error);
    if (rc)
        r->rc = rc;
    else
        render_nodes(r, nodes, out);
}

static void render_define(struct renderer *r, const struct node *node)
{
    struct value block = {.kind = VALUE_BLOCK, .block = node->body};
    members_put(r->arena, &r->variables, node->text, block);
}

static void render_reference(struct renderer *r, const struct reference *reference, struct buf *out)
{
    struct value value = read_reference(r, reference);
    if (value.kind == VALUE_BLOCK)
        render_nodes(r, value.block, out);
    else if (value.kind != VALUE_NULL)
        value_print(out, value, 0);
    else if (!reference->is_quiet)
        buf_add(out, reference->text);
}

static void render_node(struct renderer *r, const struct node *node, struct buf *out)
{
    switch (node->kind) {
    case NODE_TEXT:
        buf_add(out, node->text);
        break;
    case NODE_REFERENCE:
        render_reference(r, node->reference, out);
        break;
    case NODE_SET:
        render_set(r, node);
        break;
    case NODE_IF:
        render_if(r, node, out);
        break;
    case NODE_FOREACH:
        render_foreach(r, node, out);
        break;
    case NODE_BREAK:
        r->is_breaking = true;
        break;
    case NODE_STOP:
        r->is_stopping = true;
        break;
    case NODE_DEFINE:
        render_define(r, node);
        break;
    case NODE_EVALUATE:
        render_evaluate(r, node, out);
        break;
    case NODE_CALL:
        render_call(r, node, out);
        break;
    }
}

/* What is written is counted, so that texts that are made of texts end as well. */
static void render_nodes(struct renderer *r, const struct node *node, struct buf *out)
{
    if (++r->depth > MAX_DEPTH)
        render_fail(r, "the template is nested too deeply");
    for (; node && !has_ended(r) && render_step(r, 1); node = node->next) {
        size_t before = out->len;
        render_node(r, node, out);
        size_t written = out->len - before;
        if (out->is_full || (node->kind != NODE_IF && written > r->bytes))
            render_fail(r, "the template's text is too long");
        else if (node->kind == NODE_TEXT || node->kind == NODE_REFERENCE)
            r->bytes -= written;
    }
    r->depth--;
}

enum err velocity_render(const struct velocity *velocity, const struct velocity_source *source,
                         struct arena *arena, struct velocity_result *out, struct error *error)
{
    struct renderer r = {
        .source = source,
        .arena = arena,
        .macros = velocity->macros,
        .steps = MAX_STEPS,
        .bytes = MAX_OUTPUT,
        .error = error,
    };
    struct buf text;
    buf_init_arena(&text, arena, MAX_OUTPUT);
    render_nodes(&r, velocity->nodes, &text);
    *out = (struct velocity_result){buf_str(&text), r.overrides, r.override_count};
    return r.rc;
}
