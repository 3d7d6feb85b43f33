/* Reading and writing documents. */
#include "services/apigateway/state.h"

struct str state_key(struct arena *arena, const char *kind, struct str first, struct str second)
{
    if (!first.ptr)
        return arena_printf(arena, "apigateway/%s", kind);
    if (!second.ptr)
        return arena_printf(arena, "apigateway/%s/%.*s", kind, STR_ARG(first));
    return arena_printf(arena, "apigateway/%s/%.*s/%.*s", kind, STR_ARG(first), STR_ARG(second));
}

struct str state_prefix(struct arena *arena, const char *kind, struct str first)
{
    return first.ptr ? arena_printf(arena, "apigateway/%s/%.*s/", kind, STR_ARG(first))
                     : arena_printf(arena, "apigateway/%s/", kind);
}

static enum err read_value(const struct view *view, struct str key, bool *out_found,
                           struct str *out_value)
{
    return view->txn ? store_txn_get(view->txn, STORE_META, key, view->arena, out_found, out_value,
                                     view->error)
                     : store_get(view->store, STORE_META, key, view->arena, out_found, out_value,
                                 view->error);
}

enum err state_get(const struct view *view, struct str key, yyjson_val **out)
{
    bool found;
    struct str value;
    enum err rc = read_value(view, key, &found, &value);
    if (rc == OK)
        *out = found && value.len ? json_parse(view->arena, value) : NULL;
    return rc;
}

enum err state_has(const struct view *view, struct str key, bool *out)
{
    struct str value;
    return read_value(view, key, out, &value);
}

/* The first key behind `prefix` and `after`: with a zero byte, since keys hold none. */
static struct str start_key(struct arena *arena, struct str prefix, struct str after)
{
    if (after.len == 0)
        return prefix;
    struct str key = arena_printf(arena, "%.*s%.*s", STR_ARG(prefix), STR_ARG(after));
    return str_make(key.ptr, key.len + 1);
}

static struct store_iter *open_iter(const struct view *view, enum store_family family,
                                    struct str prefix, struct str after)
{
    struct str start = start_key(view->arena, prefix, after);
    struct str end = store_prefix_end(view->arena, prefix);
    return view->txn ? store_txn_iter_new(view->txn, family, start, end, false)
                     : store_iter_new(view->store, family, start, end, false);
}

enum err state_each(const struct view *view, struct str prefix, struct str after, state_each_fn fn,
                    void *arg)
{
    enum err rc = OK;
    struct arena item = {0};
    struct str key, value;
    struct store_iter *iter = open_iter(view, STORE_META, prefix, after);
    while (rc == OK && store_iter_next(iter, &key, &value)) {
        struct str name = arena_str(&item, str_slice(key, prefix.len, key.len));
        rc = fn(arg, name, value.len ? json_parse(&item, value) : NULL);
        arena_reset(&item);
    }
    if (rc == OK)
        rc = store_iter_error(iter, view->error);
    store_iter_free(iter);
    arena_release(&item);
    return rc;
}

struct name_list {
    struct arena *arena;
    struct str *items;
    size_t count, capacity;
};

static void add_name(struct name_list *list, struct str name)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 8;
        list->items = arena_realloc(list->arena, list->items, list->capacity * sizeof(struct str),
                                    capacity * sizeof(struct str));
        list->capacity = capacity;
    }
    list->items[list->count++] = arena_str(list->arena, name);
}

static enum err collect_names(const struct view *view, enum store_family family, struct str prefix,
                              struct str **out, size_t *out_count)
{
    struct name_list list = {.arena = view->arena};
    struct str key, value;
    struct store_iter *iter = open_iter(view, family, prefix, STR_EMPTY);
    while (store_iter_next(iter, &key, &value))
        add_name(&list, str_slice(key, prefix.len, key.len));
    enum err rc = store_iter_error(iter, view->error);
    store_iter_free(iter);
    *out = list.items;
    *out_count = list.count;
    return rc;
}

enum err state_names(const struct view *view, struct str prefix, struct str **out,
                     size_t *out_count)
{
    return collect_names(view, STORE_META, prefix, out, out_count);
}

void state_put(const struct view *view, struct str key, const yyjson_mut_val *document)
{
    store_txn_put(view->txn, STORE_META, key, json_write(view->arena, document));
}

void state_put_text(const struct view *view, struct str key, struct str value)
{
    store_txn_put(view->txn, STORE_META, key, value);
}

void state_delete(const struct view *view, struct str key)
{
    store_txn_delete(view->txn, STORE_META, key);
}

/* Collected first: what an iterator walks is not changed under it. */
static enum err delete_family(const struct view *view, enum store_family family, struct str prefix)
{
    struct str *names;
    size_t count;
    enum err rc = collect_names(view, family, prefix, &names, &count);
    for (size_t i = 0; rc == OK && i < count; i++)
        store_txn_delete(view->txn, family,
                         arena_printf(view->arena, "%.*s%.*s", STR_ARG(prefix), STR_ARG(names[i])));
    return rc;
}

enum err state_delete_all(const struct view *view, struct str prefix)
{
    return delete_family(view, STORE_META, prefix);
}

enum err state_delete_usage(const struct view *view, struct str plan_id, struct str key_id)
{
    store_txn_delete(view->txn, STORE_METRICS, state_key(view->arena, "quota", plan_id, key_id));
    struct str days = state_key(view->arena, "usage", plan_id, key_id);
    return delete_family(view, STORE_METRICS, arena_printf(view->arena, "%.*s/", STR_ARG(days)));
}
