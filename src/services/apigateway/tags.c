/* TagResource, UntagResource, GetTags: tags are a member of the document that they are on. */
#include "base/encode.h"
#include "services/apigateway/internal.h"

enum { MAX_TAGS = 50, MAX_KEY = 128, MAX_VALUE = 256 };

/* --- Checks --- */

static enum err check_tag(struct request *request, struct str key, yyjson_val *value)
{
    if (key.len == 0 || key.len > MAX_KEY)
        return apigw_bad_request(request, "Tag keys must be between 1 and 128 characters: %.*s",
                                 STR_ARG(key));
    if (key.len >= 4 && str_eq_nocase(str_slice(key, 0, 4), STR("aws:")))
        return apigw_bad_request(request,
                                 "aws: prefixed tag key names are not allowed for external use.");
    if (!yyjson_is_str(value) || yyjson_get_len(value) > MAX_VALUE)
        return apigw_bad_request(request, "Tag values must be at most 256 characters: %.*s",
                                 STR_ARG(key));
    return OK;
}

enum err apigw_check_tags(struct request *request, yyjson_val *tags)
{
    size_t i, max;
    yyjson_val *key, *value;
    yyjson_obj_foreach (tags, i, max, key, value) {
        enum err rc = check_tag(request, json_str(key), value);
        if (rc)
            return rc;
    }
    return yyjson_obj_size(tags) <= MAX_TAGS
               ? OK
               : apigw_bad_request(request, "The number of tags exceeds the limit of 50");
}

/* --- Finding --- */

/* What can have tags: "/restapis/ID", and "/restapis/ID/stages/NAME" with `second`. */
static const struct taggable {
    struct str first, second;
    const char *kind;    /* in the store */
    const char *missing; /* what is said when there is none */
} taggables[] = {
    {STR_INIT("restapis"), STR_INIT(""), "api", "Invalid API identifier specified"},
    {STR_INIT("restapis"), STR_INIT("stages"), "stage", "Invalid stage identifier specified"},
    {STR_INIT("apikeys"), STR_INIT(""), "key", "Invalid API Key identifier specified"},
    {STR_INIT("usageplans"), STR_INIT(""), "plan", "Invalid Usage Plan ID specified"},
    {STR_INIT("domainnames"), STR_INIT(""), "domain", "Invalid domain name identifier specified"},
};

static const struct taggable *taggable_of(struct str first, struct str second)
{
    for (size_t i = 0; i < sizeof(taggables) / sizeof(taggables[0]); i++) {
        if (str_eq(taggables[i].first, first) && str_eq(taggables[i].second, second))
            return &taggables[i];
    }
    return NULL;
}

struct tagged {
    struct str key;
    yyjson_val *document;
};

/* "arn:aws:apigateway:REGION::/restapis/ID/stages/NAME" to what it names. */
static enum err find_tagged(struct request *request, const struct view *view, struct tagged *out)
{
    struct str arn = apigw_label(request, "resource_arn"), rest = arn, parts[4] = {0};
    struct str prefix = arena_printf(view->arena, "arn:aws:apigateway:%.*s::/",
                                     STR_ARG(request->skylite->config.region));
    if (!str_starts(arn, prefix))
        return apigw_bad_request(request, "Invalid ARN specified in the request");
    rest = str_slice(rest, prefix.len, rest.len);
    for (size_t i = 0; i < 4 && rest.len; i++)
        str_cut(&rest, '/', &parts[i]);
    const struct taggable *taggable = taggable_of(parts[0], parts[2]);
    if (!taggable || rest.len || parts[1].len == 0)
        return apigw_bad_request(request, "Invalid ARN specified in the request");
    out->key =
        state_key(view->arena, taggable->kind, parts[1], taggable->second.len ? parts[3] : NO_PART);
    enum err rc = state_get(view, out->key, &out->document);
    if (rc == OK && !out->document)
        rc = apigw_not_found(request, "%s", taggable->missing);
    return rc;
}

enum err apigw_find_tagged(const struct view *view, struct str arn, yyjson_val **out)
{
    struct str parts[4] = {STR_EMPTY, STR_EMPTY, STR_EMPTY, STR_EMPTY}, rest = arn, head;
    for (int i = 0; i < 5; i++)
        str_cut(&rest, ':', &head);
    str_cut(&rest, '/', &head);
    for (size_t i = 0; i < 4 && rest.len; i++) {
        str_cut(&rest, '/', &head);
        parts[i] = decode_percent(view->arena, head, false);
    }
    const struct taggable *inner = taggable_of(parts[0], parts[2]);
    const struct taggable *outer = taggable_of(parts[0], STR_EMPTY);
    enum err rc = OK;
    *out = NULL;
    if (inner && inner != outer && parts[3].len)
        rc = state_get(view, state_key(view->arena, inner->kind, parts[1], parts[3]), out);
    if (rc == OK && !*out && outer && parts[1].len)
        rc = state_get(view, state_key(view->arena, outer->kind, parts[1], NO_PART), out);
    return rc;
}

/* --- Operations --- */

enum err apigw_get_tags(struct request *request)
{
    struct view view = apigw_view(request, NULL);
    struct tagged tagged;
    enum err rc = find_tagged(request, &view, &tagged);
    if (rc)
        return rc;
    yyjson_mut_doc *doc = json_doc(request->arena);
    yyjson_mut_val *answer = yyjson_mut_obj(doc);
    yyjson_val *tags = json_get(tagged.document, "tags");
    if (tags)
        json_add_copy(doc, answer, "tags", tags);
    else
        json_add_obj(doc, answer, "tags");
    return apigw_answer(request, doc, answer);
}

static enum err run_tag(struct request *request, struct store_txn *txn)
{
    struct view view = apigw_view(request, txn);
    struct tagged tagged;
    size_t i, max;
    yyjson_val *key, *value;
    enum err rc = find_tagged(request, &view, &tagged);
    if (rc)
        return rc;
    yyjson_mut_doc *doc = json_doc(request->arena);
    yyjson_mut_val *document = yyjson_val_mut_copy(doc, tagged.document);
    yyjson_mut_val *tags = apigw_object_member(doc, document, STR("tags"));
    yyjson_obj_foreach (json_get(request->input, "tags"), i, max, key, value) {
        apigw_set_str(doc, tags, json_str(key), json_str(value));
    }
    if (yyjson_mut_obj_size(tags) > MAX_TAGS)
        return apigw_bad_request(request, "The number of tags exceeds the limit of 50");
    state_put(&view, tagged.key, document);
    return OK;
}

enum err apigw_tag_resource(struct request *request)
{
    yyjson_val *tags = json_get(request->input, "tags");
    if (!yyjson_is_obj(tags))
        return request_fail(request, ERR_VALIDATION,
                            "1 validation error detected: Value null at 'tagResourceInput.tags' "
                            "failed to satisfy constraint: Member must not be null");
    enum err rc = apigw_check_tags(request, tags);
    return rc ? rc : apigw_write(request, run_tag);
}

static void remove_tag(yyjson_mut_val *tags, struct str key)
{
    if (key.len)
        yyjson_mut_obj_remove_keyn(tags, key.ptr, key.len);
}

static enum err run_untag(struct request *request, struct store_txn *txn)
{
    struct view view = apigw_view(request, txn);
    struct tagged tagged;
    size_t i, max;
    yyjson_val *keys = json_get(request->input, "tagKeys"), *key;
    enum err rc = find_tagged(request, &view, &tagged);
    if (rc)
        return rc;
    yyjson_mut_doc *doc = json_doc(request->arena);
    yyjson_mut_val *document = yyjson_val_mut_copy(doc, tagged.document);
    yyjson_mut_val *tags = apigw_object_member(doc, document, STR("tags"));
    remove_tag(tags, json_str(keys)); /* a single one is no list */
    yyjson_arr_foreach (keys, i, max, key) {
        remove_tag(tags, json_str(key));
    }
    if (yyjson_mut_obj_size(tags) == 0)
        yyjson_mut_obj_remove_key(document, "tags");
    state_put(&view, tagged.key, document);
    return OK;
}

enum err apigw_untag_resource(struct request *request)
{
    if (!json_get(request->input, "tagKeys"))
        return request_fail(request, ERR_VALIDATION,
                            "1 validation error detected: Value null at "
                            "'untagResourceInput.tagKeys' failed to satisfy constraint: Member "
                            "must not be null");
    return apigw_write(request, run_untag);
}
