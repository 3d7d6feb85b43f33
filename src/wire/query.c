/* The AWS query protocol's names with dots as nested values. */
#include "wire/query.h"

#include <stdlib.h>

#include "base/encode.h"

enum { MAX_NESTING = 32, MAX_PAIRS = 2000 };

size_t query_parse(struct arena *arena, struct str text, struct query_pair **out_pairs)
{
    size_t max = text.len ? 1 : 0, count = 0;
    for (size_t i = 0; i < text.len; i++)
        max += text.ptr[i] == '&';
    struct query_pair *pairs = arena_array(arena, struct query_pair, max);
    while (text.len) {
        struct str pair, name;
        str_cut(&text, '&', &pair);
        if (pair.len == 0)
            continue;
        str_cut(&pair, '=', &name);
        pairs[count].name = decode_percent(arena, name, true);
        pairs[count].value = decode_percent(arena, pair, true);
        count++;
    }
    *out_pairs = pairs;
    return count;
}

/* One level of names: a leaf has text, a structure has children, in the order they came. */
struct node {
    struct str name;
    struct str text; /* of a leaf */
    bool is_leaf;
    struct node *children, *last, *next;
};

static struct node *child_of(struct arena *arena, struct node *parent, struct str name)
{
    for (struct node *child = parent->children; child; child = child->next) {
        if (str_eq(child->name, name))
            return child;
    }
    struct node *child = arena_new(arena, struct node);
    child->name = name;
    if (parent->last)
        parent->last->next = child;
    else
        parent->children = child;
    parent->last = child;
    return child;
}

static enum err add_pair(struct arena *arena, struct node *root, const struct query_pair *pair,
                         struct error *error)
{
    struct node *node = root;
    struct str rest = pair->name, part;
    bool has_more = true;
    for (int depth = 0; has_more; depth++) {
        has_more = str_cut(&rest, '.', &part);
        if (depth == MAX_NESTING)
            return error_set(error, ERR_VALIDATION_ERROR, "A parameter name is nested too deeply");
        node = child_of(arena, node, part);
        if (node->is_leaf)
            return error_set(error, ERR_VALIDATION_ERROR, "Parameter %.*s is given twice",
                             STR_ARG(pair->name));
    }
    if (node->children)
        return error_set(error, ERR_VALIDATION_ERROR, "Parameter %.*s is given twice",
                         STR_ARG(pair->name));
    node->is_leaf = true;
    node->text = pair->value;
    return OK;
}

static yyjson_mut_val *to_json(yyjson_mut_doc *doc, struct arena *arena, const struct node *node);

struct numbered {
    uint64_t number;
    const struct node *node;
};

static int by_number(const void *a, const void *b)
{
    const struct numbered *x = a, *y = b;
    return (x->number > y->number) - (x->number < y->number);
}

/* The children as a list when all their names are numbers; NULL when they are not. */
static yyjson_mut_val *list_to_json(yyjson_mut_doc *doc, struct arena *arena,
                                    const struct node *node)
{
    size_t count = 0;
    for (struct node *child = node->children; child; child = child->next)
        count++;
    struct numbered *items = arena_array(arena, struct numbered, count);
    size_t i = 0;
    for (struct node *child = node->children; child; child = child->next, i++) {
        items[i].node = child;
        if (!str_to_u64(child->name, &items[i].number))
            return NULL;
    }
    qsort(items, count, sizeof(*items), by_number);
    yyjson_mut_val *list = yyjson_mut_arr(doc);
    for (i = 0; i < count; i++)
        yyjson_mut_arr_append(list, to_json(doc, arena, items[i].node));
    return list;
}

static yyjson_mut_val *object_to_json(yyjson_mut_doc *doc, struct arena *arena,
                                      const struct node *node)
{
    yyjson_mut_val *object = yyjson_mut_obj(doc);
    for (struct node *child = node->children; child; child = child->next)
        yyjson_mut_obj_add(object, yyjson_mut_strn(doc, child->name.ptr, child->name.len),
                           to_json(doc, arena, child));
    return object;
}

static bool is_list_mark(const struct node *node)
{
    return str_eq(node->name, STR("member")) || str_eq(node->name, STR("entry"));
}

static yyjson_mut_val *to_json(yyjson_mut_doc *doc, struct arena *arena, const struct node *node)
{
    if (node->is_leaf)
        return yyjson_mut_strn(doc, node->text.ptr, node->text.len);
    struct node *only = node->children && !node->children->next ? node->children : NULL;
    if (only && is_list_mark(only)) {
        /* "Names=" or "Names.member=" with nothing in it is how an empty list is sent. */
        if (only->is_leaf)
            return yyjson_mut_arr(doc);
        yyjson_mut_val *list = list_to_json(doc, arena, only);
        if (list)
            return list;
    }
    return object_to_json(doc, arena, node);
}

enum err query_to_json(struct arena *arena, struct str text, yyjson_val **out, struct error *error)
{
    struct query_pair *pairs;
    struct node root = {0};
    size_t count = query_parse(arena, text, &pairs);
    if (count > MAX_PAIRS)
        return error_set(error, ERR_VALIDATION_ERROR, "More than %d parameters", MAX_PAIRS);
    for (size_t i = 0; i < count; i++) {
        if (!str_is_utf8(pairs[i].name) || !str_is_utf8(pairs[i].value))
            return error_set(error, ERR_VALIDATION_ERROR, "The parameters are not valid UTF-8");
        enum err rc = add_pair(arena, &root, &pairs[i], error);
        if (rc)
            return rc;
    }
    /* The parameters together are an object, also when the only one is called "member". */
    yyjson_mut_val *value = object_to_json(json_doc(arena), arena, &root);
    *out = json_parse(arena, json_write(arena, value));
    return *out ? OK : error_set(error, ERR_VALIDATION_ERROR, "The parameters cannot be read");
}
