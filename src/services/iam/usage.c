/* Who uses which managed policy. */
#include "services/iam/operations.h"

static void count_up(struct map *map, struct str arn)
{
    uintptr_t count = (uintptr_t)map_get(map, arn);
    map_set(map, arn, (void *)(count + 1));
}

static bool count_entity(void *arg, struct str key, yyjson_val *entity)
{
    struct usage *usage = arg;
    struct str boundary = json_get_str(entity, "PermissionsBoundary");
    size_t i, max;
    yyjson_val *arn;
    (void)key;
    yyjson_arr_foreach (json_get(entity, "AttachedPolicies"), i, max, arn) {
        count_up(&usage->attached, json_str(arn));
    }
    if (boundary.ptr)
        count_up(&usage->boundaries, boundary);
    return true;
}

static void release(void *ptr)
{
    struct usage *usage = ptr;
    map_release(&usage->attached);
    map_release(&usage->boundaries);
}

enum err iam_usage_count(const struct reader *reader, struct usage **out, struct error *error)
{
    struct usage *usage = arena_new(reader->arena, struct usage);
    arena_defer(reader->arena, release, usage);
    enum err rc = iam_each_entity(reader, &iam_role_kind, count_entity, usage, error);
    if (rc == OK)
        rc = iam_each_entity(reader, &iam_user_kind, count_entity, usage, error);
    *out = usage;
    return rc;
}

size_t iam_usage_attached(const struct usage *usage, struct str arn)
{
    return (size_t)(uintptr_t)map_get(&usage->attached, arn);
}

size_t iam_usage_boundaries(const struct usage *usage, struct str arn)
{
    return (size_t)(uintptr_t)map_get(&usage->boundaries, arn);
}
