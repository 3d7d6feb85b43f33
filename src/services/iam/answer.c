/* What answers of several operations have in common. */
#include "base/encode.h"
#include "services/iam/operations.h"

struct str iam_encode_document(struct request *request, struct str document)
{
    struct buf buf;
    buf_init_arena(&buf, request->arena, document.len * 3);
    encode_percent(&buf, document, false);
    return buf_str(&buf);
}

/* "RoleId" of "RoleName". */
static const char *id_member(const struct entity_kind *kind)
{
    return kind == &iam_role_kind ? "RoleId" : kind == &iam_user_kind ? "UserId" : "PolicyId";
}

void iam_add_entity(struct request *request, yyjson_mut_val *object, const struct entity_kind *kind,
                    yyjson_val *entity)
{
    int64_t created = 0;
    json_get_i64(entity, "CreateDate", &created);
    json_add_str(request->doc, object, "Path", json_get_str(entity, "Path"));
    json_add_str(request->doc, object, kind->name_member, json_get_str(entity, kind->name_member));
    json_add_str(request->doc, object, id_member(kind), json_get_str(entity, "Id"));
    json_add_str(request->doc, object, "Arn", json_get_str(entity, "Arn"));
    iam_add_time(request, object, "CreateDate", created);
}

void iam_add_boundary_and_tags(struct request *request, yyjson_mut_val *object, yyjson_val *entity)
{
    struct str boundary = json_get_str(entity, "PermissionsBoundary");
    if (boundary.ptr) {
        yyjson_mut_val *attached = json_add_obj(request->doc, object, "PermissionsBoundary");
        json_add_str(request->doc, attached, "PermissionsBoundaryType", STR("Policy"));
        json_add_str(request->doc, attached, "PermissionsBoundaryArn", boundary);
    }
    yyjson_val *tags = json_get(entity, "Tags");
    if (yyjson_arr_size(tags))
        json_add_copy(request->doc, object, "Tags", tags);
}

/* --- Lists --- */

enum err iam_each_entity(const struct reader *reader, const struct entity_kind *kind,
                         bool (*fn)(void *arg, struct str key, yyjson_val *entity), void *arg,
                         struct error *error)
{
    struct str start = str_from(kind->key_prefix), key, text;
    struct store_iter *iter =
        iam_reader_iter(reader, start, store_prefix_end(reader->arena, start));
    while (store_iter_next(iter, &key, &text)) {
        yyjson_val *entity = json_parse(reader->arena, text);
        if (!fn(arg, arena_str(reader->arena, key), entity))
            break;
    }
    enum err rc = store_iter_error(iter, error);
    store_iter_free(iter);
    return rc;
}

struct listing {
    struct pager pager;
    struct str path_prefix;
    yyjson_mut_val *array;
    void (*add)(struct request *request, yyjson_mut_val *object, yyjson_val *entity);
};

static bool list_entity(void *arg, struct str key, yyjson_val *entity)
{
    struct listing *listing = arg;
    struct request *request = listing->pager.request;
    if (str_starts(json_get_str(entity, "Path"), listing->path_prefix) &&
        iam_pager_take(&listing->pager, key))
        listing->add(request, yyjson_mut_arr_add_obj(request->doc, listing->array), entity);
    return !iam_pager_is_full(&listing->pager);
}

enum err
iam_list_entities(struct request *request, const struct entity_kind *kind, const char *list,
                  void (*add)(struct request *request, yyjson_mut_val *object, yyjson_val *entity))
{
    struct reader reader = iam_reader_of(request, NULL);
    struct listing listing = {.path_prefix = request_str(request, "PathPrefix"), .add = add};
    enum err rc = PARAMS_CHECK(request, PARAM_LIST_PREFIX);
    if (rc == OK)
        rc = iam_pager_init(&listing.pager, request);
    if (rc)
        return rc;
    yyjson_mut_val *output = request_output(request);
    listing.array = json_add_arr(request->doc, output, list);
    rc = iam_each_entity(&reader, kind, list_entity, &listing, &request->error);
    iam_pager_finish(&listing.pager, output);
    return rc;
}
