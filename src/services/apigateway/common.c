/* What all operations do: views, writes, answers, lists, and finding what others hang from. */
#include <stdatomic.h>

#include "base/clock.h"
#include "base/encode.h"
#include "services/apigateway/internal.h"

enum { DEFAULT_LIMIT = 25, MAX_LIMIT = 500, ID_LENGTH = 10 };

/* --- State --- */

struct view apigw_view(struct request *request, struct store_txn *txn)
{
    return (struct view){
        .store = request->skylite->store,
        .txn = txn ? txn : request->txn,
        .arena = request->arena,
        .error = &request->error,
    };
}

static void committed(struct store_write *write)
{
    struct request *request = write->arg;
    plane_refresh(request_self(request, struct apigateway)->plane);
}

enum err apigw_write_then(struct request *request,
                          enum err (*run)(struct request *request, struct store_txn *txn),
                          enum err (*after)(struct request *request))
{
    request->write.committed = committed;
    return request_write(request, run, after);
}

enum err apigw_write(struct request *request,
                     enum err (*run)(struct request *request, struct store_txn *txn))
{
    return apigw_write_then(request, run, NULL);
}

void apigw_touch(struct request *request, enum touch_kind kind, struct str id, struct str name)
{
    plane_touch(request_self(request, struct apigateway)->plane, kind, id, name);
}

struct str apigw_new_api_id(struct arena *arena)
{
    return random_text(arena, STR("abcdefghijklmnopqrstuvwxyz0123456789"), ID_LENGTH);
}

/* The time in ticks of which a millisecond has enough for a burst, as digits of base 36. Where in
 * its millisecond an id is, is random: a clock that was set back meets no id that there is. */
struct str apigw_new_id(struct arena *arena)
{
    enum { TICKS_PER_MS = 36 * 36, BASE = 36 };
    static _Atomic int64_t last;
    char *text = arena_alloc(arena, ID_LENGTH);
    int64_t before = atomic_load(&last), now, id;
    uint16_t tick;
    random_bytes(&tick, sizeof(tick));
    now = clock_wall_ms() * TICKS_PER_MS + tick % TICKS_PER_MS;
    do {
        id = now > before ? now : before + 1;
    } while (!atomic_compare_exchange_weak(&last, &before, id));
    for (size_t i = ID_LENGTH; i-- > 0; id /= BASE)
        text[i] = "0123456789abcdefghijklmnopqrstuvwxyz"[id % BASE];
    return str_make(text, ID_LENGTH);
}

int64_t apigw_now(void)
{
    return clock_wall_ms() / 1000;
}

/* --- Finding --- */

enum err apigw_find_api(struct request *request, const struct view *view, struct str api_id,
                        yyjson_val **out)
{
    enum err rc = state_get(view, state_key(request->arena, "api", api_id, NO_PART), out);
    if (rc || *out)
        return rc;
    return apigw_not_found(request, "Invalid API identifier specified %.*s:%.*s",
                           STR_ARG(request->skylite->config.account), STR_ARG(api_id));
}

static struct str resource_key(struct request *request)
{
    return state_key(request->arena, "resource", apigw_label(request, "restapi_id"),
                     apigw_label(request, "resource_id"));
}

enum err apigw_find_resource(struct request *request, const struct view *view, yyjson_val **out)
{
    enum err rc = state_get(view, resource_key(request), out);
    if (rc || *out)
        return rc;
    return apigw_not_found(request, "Invalid Resource identifier specified");
}

enum err apigw_edit_method(struct request *request, struct store_txn *txn, struct method_edit *out)
{
    yyjson_val *resource;
    struct method_edit edit = {.view = apigw_view(request, txn), .key = resource_key(request)};
    enum err rc = apigw_find_resource(request, &edit.view, &resource);
    if (rc)
        return rc;
    edit.doc = json_doc(request->arena);
    edit.resource = yyjson_val_mut_copy(edit.doc, resource);
    edit.verb = apigw_label(request, "http_method");
    edit.method = apigw_member(apigw_member(edit.resource, STR("resourceMethods")), edit.verb);
    if (!edit.method)
        return apigw_not_found(request, "Invalid Method identifier specified");
    *out = edit;
    return OK;
}

void apigw_save_method(struct method_edit *edit)
{
    state_put(&edit->view, edit->key, edit->resource);
}

enum err apigw_find_method(struct request *request, yyjson_val **out)
{
    struct view view = apigw_view(request, NULL);
    struct str verb = apigw_label(request, "http_method");
    yyjson_val *resource;
    enum err rc = apigw_find_resource(request, &view, &resource);
    if (rc)
        return rc;
    *out = yyjson_obj_getn(json_get(resource, "resourceMethods"), verb.ptr, verb.len);
    return *out ? OK : apigw_not_found(request, "Invalid Method identifier specified");
}

/* --- Answers --- */

enum err apigw_answer(struct request *request, yyjson_mut_doc *doc, yyjson_mut_val *object)
{
    request->doc = doc;
    request->output = object;
    return OK;
}

void apigw_answer_tags(struct request *request)
{
    if (!apigw_member(request->output, STR("tags")))
        json_add_obj(request->doc, request->output, "tags");
}

enum err apigw_answer_copy(struct request *request, yyjson_val *value)
{
    yyjson_mut_doc *doc = json_doc(request->arena);
    return apigw_answer(request, doc, yyjson_val_mut_copy(doc, value));
}

struct page {
    struct request *request;
    apigw_select_fn select;
    yyjson_mut_doc *doc;
    yyjson_mut_val *items;
    size_t limit;
    struct str last;
    bool is_cut;
};

static enum err add_item(void *arg, struct str name, yyjson_val *document)
{
    struct page *page = arg;
    yyjson_mut_val *item =
        document ? yyjson_val_mut_copy(page->doc, document) : yyjson_mut_obj(page->doc);
    if (page->select && !page->select(page->request, page->doc, item, name))
        return OK;
    if (yyjson_mut_arr_size(page->items) == page->limit) {
        page->is_cut = true;
        return ERR_PENDING; /* ends the walk */
    }
    yyjson_mut_arr_append(page->items, item);
    page->last = arena_str(page->request->arena, name);
    return OK;
}

/* A position is the last name of the page before, so that pages do not shift when items come and
 * go. */
enum err apigw_page(struct request *request, struct str *out_after, size_t *out_limit)
{
    struct str position = request_str(request, "position");
    int64_t limit = DEFAULT_LIMIT;
    *out_after = STR_EMPTY;
    if (position.len && !decode_base64(request->arena, position, out_after))
        return apigw_bad_request(request, "Invalid position parameter");
    json_get_i64(request->input, "limit", &limit);
    *out_limit = limit < 1 ? DEFAULT_LIMIT : limit > MAX_LIMIT ? MAX_LIMIT : (size_t)limit;
    return OK;
}

void apigw_add_position(struct request *request, yyjson_mut_doc *doc, yyjson_mut_val *answer,
                        struct str last)
{
    json_add_str(doc, answer, "position", encode_base64(request->arena, last));
}

enum err apigw_list(struct request *request, struct str prefix, apigw_select_fn select)
{
    struct view view = apigw_view(request, NULL);
    struct page page = {.request = request, .select = select, .doc = json_doc(request->arena)};
    struct str after;
    enum err rc = apigw_page(request, &after, &page.limit);
    if (rc)
        return rc;
    page.items = yyjson_mut_arr(page.doc);
    rc = state_each(&view, prefix, after, add_item, &page);
    if (rc && rc != ERR_PENDING)
        return rc;
    yyjson_mut_val *answer = yyjson_mut_obj(page.doc);
    json_add(page.doc, answer, "item", page.items);
    if (page.is_cut)
        apigw_add_position(request, page.doc, answer, page.last);
    return apigw_answer(request, page.doc, answer);
}

/* --- Mutable JSON --- */

yyjson_mut_val *apigw_member(yyjson_mut_val *object, struct str name)
{
    return yyjson_mut_obj_getn(object, name.ptr, name.len);
}

void apigw_set(yyjson_mut_doc *doc, yyjson_mut_val *object, struct str name, yyjson_mut_val *value)
{
    yyjson_mut_obj_put(object, yyjson_mut_strncpy(doc, name.ptr, name.len), value);
}

void apigw_set_str(yyjson_mut_doc *doc, yyjson_mut_val *object, struct str name, struct str value)
{
    apigw_set(doc, object, name, yyjson_mut_strncpy(doc, value.ptr, value.len));
}

yyjson_mut_val *apigw_object_member(yyjson_mut_doc *doc, yyjson_mut_val *object, struct str name)
{
    yyjson_mut_val *member = apigw_member(object, name);
    if (yyjson_mut_is_obj(member))
        return member;
    member = yyjson_mut_obj(doc);
    apigw_set(doc, object, name, member);
    return member;
}

struct str apigw_mut_str(yyjson_mut_val *value)
{
    const char *text = yyjson_mut_get_str(value);
    return text ? str_make(text, yyjson_mut_get_len(value)) : (struct str){NULL, 0};
}
