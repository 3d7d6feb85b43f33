/* cloneFrom of CreateRestApi: what another API is made of, under ids of the new one. */
#include "services/apigateway/clone.h"

#include "base/map.h"

#define MODEL_URL "https://apigateway.amazonaws.com/restapis/"

struct clone {
    const struct view *view;
    struct str from_id, to_id;
    struct map ids; /* of the other API, to those of the new one */
    yyjson_mut_doc *doc;
};

/* --- Ids --- */

static void give_id(struct clone *clone, struct str old_id, struct str new_id)
{
    struct str *copy = arena_new(clone->view->arena, struct str);
    *copy = new_id;
    map_set(&clone->ids, old_id, copy);
}

static enum err give_new_id(void *arg, struct str name, yyjson_val *document)
{
    struct clone *clone = arg;
    (void)document;
    if (!map_get(&clone->ids, name))
        give_id(clone, name, apigw_new_id(clone->view->arena));
    return OK;
}

/* Ids are random: a text that is one refers to it, wherever it stands. */
static void rewrite(struct clone *clone, yyjson_mut_val *value)
{
    size_t i, max;
    yyjson_mut_val *key, *member;
    struct str *id = yyjson_mut_is_str(value) ? map_get(&clone->ids, apigw_mut_str(value)) : NULL;
    if (id)
        yyjson_mut_set_strn(value, id->ptr, id->len);
    yyjson_mut_arr_foreach (value, i, max, member) {
        rewrite(clone, member);
    }
    yyjson_mut_obj_foreach (value, i, max, key, member) {
        rewrite(clone, member);
    }
}

static struct str replace(struct arena *arena, struct str text, struct str from, struct str to)
{
    struct buf out;
    ptrdiff_t at;
    buf_init_arena(&out, arena, SIZE_MAX / 2);
    while ((at = str_find(text, from)) >= 0) {
        buf_add(&out, str_slice(text, 0, (size_t)at));
        buf_add(&out, to);
        text = str_slice(text, (size_t)at + from.len, text.len);
    }
    buf_add(&out, text);
    return buf_str(&out);
}

/* A schema's references to models of the other API. */
static struct str rewrite_schema(struct clone *clone, struct str schema)
{
    struct arena *arena = clone->view->arena;
    return replace(arena, schema, arena_printf(arena, MODEL_URL "%.*s/", STR_ARG(clone->from_id)),
                   arena_printf(arena, MODEL_URL "%.*s/", STR_ARG(clone->to_id)));
}

struct str clone_policy(struct arena *arena, struct str policy, struct str from_id,
                        struct str to_id)
{
    return replace(arena, policy, arena_printf(arena, ":%.*s/", STR_ARG(from_id)),
                   arena_printf(arena, ":%.*s/", STR_ARG(to_id)));
}

/* --- Documents --- */

struct copying {
    struct clone *clone;
    yyjson_mut_val *copies; /* by their new names: what is walked is not written to meanwhile */
};

static enum err copy_document(void *arg, struct str name, yyjson_val *document)
{
    struct copying *copying = arg;
    struct clone *clone = copying->clone;
    struct str *id = map_get(&clone->ids, name);
    yyjson_mut_val *copy = yyjson_val_mut_copy(clone->doc, document);
    struct str schema = json_get_str(document, "schema");
    rewrite(clone, copy);
    if (schema.ptr)
        apigw_set_str(clone->doc, copy, STR("schema"), rewrite_schema(clone, schema));
    apigw_set(clone->doc, copying->copies, id ? *id : name, copy);
    return OK;
}

static enum err copy_kind(struct clone *clone, const char *kind)
{
    struct copying copying = {clone, yyjson_mut_obj(clone->doc)};
    const struct view *view = clone->view;
    size_t i, max;
    yyjson_mut_val *key, *copy;
    enum err rc = state_each(view, state_prefix(view->arena, kind, clone->from_id), STR_EMPTY,
                             copy_document, &copying);
    yyjson_mut_obj_foreach (copying.copies, i, max, key, copy) {
        if (rc == OK)
            state_put(view, state_key(view->arena, kind, clone->to_id, apigw_mut_str(key)), copy);
    }
    return rc;
}

enum err clone_parts(const struct view *view, yyjson_val *from, struct str to_id,
                     struct str to_root_id)
{
    static const char *const named[] = {"resource", "validator", "authorizer", "documentationpart"};
    static const char *const kinds[] = {"resource", "validator",       "authorizer",
                                        "model",    "gatewayresponse", "documentationpart"};
    struct clone clone = {view, json_get_str(from, "id"), to_id, {0}, json_doc(view->arena)};
    enum err rc = OK;
    give_id(&clone, json_get_str(from, "rootResourceId"), to_root_id);
    for (size_t i = 0; rc == OK && i < sizeof(named) / sizeof(named[0]); i++)
        rc = state_each(view, state_prefix(view->arena, named[i], clone.from_id), STR_EMPTY,
                        give_new_id, &clone);
    for (size_t i = 0; rc == OK && i < sizeof(kinds) / sizeof(kinds[0]); i++)
        rc = copy_kind(&clone, kinds[i]);
    map_release(&clone.ids);
    return rc;
}
