/* The path trie. */
#include "services/apigateway/plane/router.h"

#include "base/encode.h"
#include "base/map.h"

struct node {
    struct str part; /* a literal, or the name of the variable */
    uint64_t hash;   /* of the literal */
    /* By hash, with linear probing and never more than half full: an API may have hundreds of
     * resources side by side, and each step of a search would be a miss of the cache. */
    struct node **literals;
    size_t literal_count, literal_capacity; /* which is a power of two, or 0 */
    struct node *parameter;
    struct node *greedy;
    void *targets[VERB_COUNT];
};

struct router {
    struct arena *arena;
    struct node root;
};

static const struct str verb_names[VERB_COUNT] = {
    [VERB_GET] = STR_INIT("GET"),     [VERB_PUT] = STR_INIT("PUT"),
    [VERB_POST] = STR_INIT("POST"),   [VERB_DELETE] = STR_INIT("DELETE"),
    [VERB_PATCH] = STR_INIT("PATCH"), [VERB_OPTIONS] = STR_INIT("OPTIONS"),
    [VERB_HEAD] = STR_INIT("HEAD"),   [VERB_ANY] = STR_INIT("ANY"),
};

enum http_verb verb_of(struct str method)
{
    for (int verb = 0; verb < VERB_COUNT; verb++) {
        if (str_eq(method, verb_names[verb]))
            return (enum http_verb)verb;
    }
    return VERB_COUNT;
}

struct str verb_name(enum http_verb verb)
{
    return verb_names[verb];
}

struct router *router_new(struct arena *arena)
{
    struct router *router = arena_new(arena, struct router);
    router->arena = arena;
    return router;
}

/* --- Building --- */

static struct node *new_node(struct arena *arena, struct str part)
{
    struct node *node = arena_new(arena, struct node);
    node->part = part;
    return node;
}

/* The place of the literal, or a free one; there must be one. */
static struct node **find_literal(const struct node *node, struct str part, uint64_t hash)
{
    size_t mask = node->literal_capacity - 1, at = hash & mask;
    while (node->literals[at] &&
           (node->literals[at]->hash != hash || !str_eq(node->literals[at]->part, part)))
        at = (at + 1) & mask;
    return &node->literals[at];
}

static void grow_literals(struct arena *arena, struct node *node)
{
    struct node grown = {.literal_capacity =
                             node->literal_capacity ? node->literal_capacity * 2 : 4};
    grown.literals = arena_array(arena, struct node *, grown.literal_capacity);
    for (size_t i = 0; i < node->literal_capacity; i++) {
        struct node *child = node->literals[i];
        if (child)
            *find_literal(&grown, child->part, child->hash) = child;
    }
    node->literals = grown.literals;
    node->literal_capacity = grown.literal_capacity;
}

static struct node *add_literal(struct arena *arena, struct node *node, struct str part)
{
    uint64_t hash = map_hash(part);
    if (node->literal_count * 2 >= node->literal_capacity)
        grow_literals(arena, node);
    struct node **place = find_literal(node, part, hash);
    if (!*place) {
        *place = new_node(arena, part);
        (*place)->hash = hash;
        node->literal_count++;
    }
    return *place;
}

static struct node *add_part(struct arena *arena, struct node *node, struct str part)
{
    if (!str_starts(part, STR("{")) || !str_ends(part, STR("}")))
        return add_literal(arena, node, part);
    bool is_greedy = str_ends(part, STR("+}"));
    struct str name = str_slice(part, 1, part.len - (is_greedy ? 3 : 2));
    struct node **child = is_greedy ? &node->greedy : &node->parameter;
    if (!*child)
        *child = new_node(arena, name);
    return *child;
}

void router_add(struct router *router, struct str resource_path, enum http_verb verb, void *target)
{
    struct node *node = &router->root;
    struct str rest = str_slice(resource_path, 1, resource_path.len), part;
    while (rest.len) {
        str_cut(&rest, '/', &part);
        node = add_part(router->arena, node, part);
    }
    node->targets[verb] = target;
}

/* --- Matching --- */

struct match {
    enum http_verb verb;
    struct arena *arena;
    struct route *route;
};

static bool take(struct match *match, const struct node *node)
{
    void *target = node->targets[match->verb];
    match->route->target = target ? target : node->targets[VERB_ANY];
    return match->route->target;
}

static bool match_node(struct match *match, const struct node *node, struct str rest);

/* Binds a variable's value and goes on; gives the slot back when that leads nowhere. */
static bool match_variable(struct match *match, const struct node *node, struct str value,
                           struct str rest)
{
    struct route *route = match->route;
    if (!node || value.len == 0 || route->parameter_count == ROUTE_MAX_PARAMETERS)
        return false;
    route->parameters[route->parameter_count++] = (struct route_parameter){node->part, value};
    if (match_node(match, node, rest))
        return true;
    route->parameter_count--;
    return false;
}

static bool match_literal(struct match *match, const struct node *node, struct str part,
                          struct str rest)
{
    if (node->literal_count == 0)
        return false;
    if (memchr(part.ptr, '%', part.len))
        part = decode_percent(match->arena, part, false);
    const struct node *child = *find_literal(node, part, map_hash(part));
    return child && match_node(match, child, rest);
}

/* `rest` is what is left of the path, from its slash; empty at the end. The depth is that of the
 * trie, which its owner has bounded. */
static bool match_node(struct match *match, const struct node *node, struct str rest)
{
    if (rest.len == 0)
        return take(match, node);
    struct str part, whole = str_slice(rest, 1, rest.len);
    ptrdiff_t end = str_find_byte(whole, '/', 0);
    part = str_slice(whole, 0, end < 0 ? whole.len : (size_t)end);
    struct str next = str_slice(whole, part.len, whole.len);

    return match_literal(match, node, part, next) ||
           match_variable(match, node->parameter, part, next) ||
           match_variable(match, node->greedy, whole, STR_EMPTY);
}

bool router_match(const struct router *router, struct str path, enum http_verb verb,
                  struct arena *arena, struct route *out)
{
    if (path.len && path.ptr[path.len - 1] == '/')
        path.len--;
    if (verb >= VERB_ANY || (path.len && path.ptr[0] != '/'))
        return false;
    out->parameter_count = 0;
    struct match match = {verb, arena, out};
    return match_node(&match, &router->root, path);
}
