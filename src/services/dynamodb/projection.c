/* Projection expressions: parsing and applying. */
#include "services/dynamodb/parser.h"

enum { MAX_PATHS = 1024 };

enum err ddb_projection_parse(struct str text, struct ddb_substitutions *with, struct arena *arena,
                              struct ddb_projection *out, struct error *error)
{
    struct ddb_parser parser = {
        .text = text, .kind = "ProjectionExpression", .with = with, .arena = arena, .error = error};
    enum err rc = ddb_parser_start(&parser);
    if (rc)
        return rc;
    struct ddb_path *paths = arena_array(arena, struct ddb_path, MAX_PATHS);
    size_t count = 0;
    do {
        if (count == MAX_PATHS)
            return error_set(
                error, ERR_VALIDATION,
                "Invalid ProjectionExpression: The expression contains too many paths");
        rc = ddb_parser_path(&parser, &paths[count++]);
    } while (rc == OK && ddb_parser_take_sign(&parser, ","));
    if (rc == OK)
        rc = ddb_parser_expect_end(&parser);
    if (rc == OK)
        rc = ddb_parser_finish(&parser);
    for (size_t i = 0; rc == OK && i < count; i++) {
        for (size_t j = i + 1; rc == OK && j < count; j++)
            rc = ddb_parser_check_paths(&parser, &paths[i], &paths[j]);
    }
    *out = (struct ddb_projection){paths, count, false};
    return rc;
}

struct projector {
    const struct ddb_path **paths;
    size_t count;
    struct arena *arena;
};

static bool project(const struct projector *all, size_t depth, const struct ddb_value *value,
                    struct ddb_value *out);

/* One member of a map or list: whole, in part, or not at all. */
static bool project_member(const struct projector *all, size_t depth, struct ddb_step step,
                           const struct ddb_value *value, struct ddb_value *out)
{
    struct projector below = {arena_alloc(all->arena, all->count * sizeof(void *)), 0, all->arena};
    for (size_t i = 0; i < all->count; i++) {
        const struct ddb_step *wanted = &all->paths[i]->steps[depth];
        bool is_it = wanted->name.ptr ? step.name.ptr && str_eq(wanted->name, step.name)
                                      : !step.name.ptr && wanted->index == step.index;
        if (!is_it)
            continue;
        if (all->paths[i]->count == depth + 1) {
            *out = *value;
            return true;
        }
        below.paths[below.count++] = all->paths[i];
    }
    return below.count && project(&below, depth + 1, value, out);
}

static bool project(const struct projector *all, size_t depth, const struct ddb_value *value,
                    struct ddb_value *out)
{
    *out = (struct ddb_value){.type = value->type};
    if (value->type == DDB_M) {
        out->map = arena_array(all->arena, struct ddb_entry, value->count);
        for (size_t i = 0; i < value->count; i++) {
            struct ddb_entry *entry = &out->map[out->count];
            struct ddb_step step = {value->map[i].name, 0};
            entry->name = step.name;
            out->count += project_member(all, depth, step, &value->map[i].value, &entry->value);
        }
    } else if (value->type == DDB_L) {
        out->list = arena_array(all->arena, struct ddb_value, value->count);
        for (size_t i = 0; i < value->count; i++) {
            struct ddb_step step = {{NULL, 0}, i};
            out->count += project_member(all, depth, step, &value->list[i], &out->list[out->count]);
        }
    }
    return out->count > 0;
}

static bool is_flattened(const struct ddb_path *path)
{
    return path->count > 1 && path->steps[path->count - 1].name.ptr;
}

/* What is inside the item becomes attributes beside those that `out` has. */
static void add_flattened(const struct ddb_projection *projection, const struct ddb_value *item,
                          struct arena *arena, struct ddb_value *out)
{
    struct ddb_entry *map = arena_array(arena, struct ddb_entry, out->count + projection->count);
    if (out->count)
        memcpy(map, out->map, out->count * sizeof(*map));
    out->map = map;
    for (size_t i = 0; i < projection->count; i++) {
        const struct ddb_path *path = &projection->paths[i];
        const struct ddb_value *found = is_flattened(path) ? ddb_path_find(path, item) : NULL;
        struct str name = path->steps[path->count - 1].name;
        if (found && !ddb_map_get(out, name))
            map[out->count++] = (struct ddb_entry){name, *found};
    }
}

void ddb_projection_apply(const struct ddb_projection *projection, const struct ddb_value *item,
                          struct arena *arena, struct ddb_value *out)
{
    struct projector all = {arena_alloc(arena, (projection->count + 1) * sizeof(void *)), 0, arena};
    for (size_t i = 0; i < projection->count; i++) {
        if (!projection->is_flat || !is_flattened(&projection->paths[i]))
            all.paths[all.count++] = &projection->paths[i];
    }
    project(&all, 0, item, out);
    if (projection->is_flat)
        add_flattened(projection, item, arena, out);
}
