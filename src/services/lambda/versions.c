/* Published versions: PublishVersion, ListVersionsByFunction. */
#include <stdlib.h>

#include "base/encode.h"
#include "services/lambda/change.h"
#include "services/lambda/operations.h"
#include "services/lambda/page.h"
#include "services/lambda/settings.h"

/* --- Publishing --- */

static struct str version_key(struct arena *arena, const struct change *change, int64_t version)
{
    return arena_printf(arena, "%.*s:%lld", STR_ARG(change->name.name), (long long)version);
}

static yyjson_mut_val *make_version(struct request *request, const struct change *change,
                                    int64_t version, struct str description)
{
    yyjson_mut_doc *doc = request->doc;
    struct arena *arena = request->arena;
    yyjson_mut_val *document = yyjson_mut_obj(doc);
    yyjson_mut_val *configuration = yyjson_mut_val_mut_copy(doc, change->configuration);
    json_add(doc, document, "Configuration", configuration);
    json_add_str(doc, document, "Code", json_mut_get_str(change->document, "Code"));
    json_add_str_opt(doc, document, "Generation", json_mut_get_str(change->document, "Generation"));
    settings_put_text(request->doc, configuration, "Version",
                      arena_printf(arena, "%lld", (long long)version));
    settings_put_text(request->doc, configuration, "FunctionArn",
                      arena_printf(arena, "%.*s:%lld",
                                   STR_ARG(json_mut_get_str(change->configuration, "FunctionArn")),
                                   (long long)version));
    settings_put_text(request->doc, configuration, "RevisionId", random_uuid(arena));
    if (description.ptr)
        settings_put_text(request->doc, configuration, "Description", description);
    return document;
}

enum err change_publish(struct request *request, struct change *change, struct str description)
{
    struct arena *arena = request->arena;
    struct published *published = &change->published;
    int64_t last = yyjson_mut_get_sint(yyjson_mut_obj_get(change->document, "LastVersion"));
    yyjson_mut_val *newest;
    enum err rc = change_load(
        request, change, lambda_function_key(arena, version_key(arena, change, last)), &newest);
    if (rc)
        return rc;
    published->configuration = yyjson_mut_obj_get(newest, "Configuration");
    struct str generation = json_mut_get_str(change->document, "Generation");
    if (newest && generation.len && str_eq(generation, json_mut_get_str(newest, "Generation")))
        return OK;

    yyjson_mut_val *document = make_version(request, change, last + 1, description);
    settings_put(request->doc, change->document, "LastVersion",
                 yyjson_mut_sint(request->doc, last + 1));
    settings_put_text(request->doc, change->configuration, "RevisionId", random_uuid(arena));
    published->configuration = yyjson_mut_obj_get(document, "Configuration");
    published->key = version_key(arena, change, last + 1);
    published->text = json_write(arena, document);
    store_txn_put(change->txn, STORE_META, lambda_function_key(arena, published->key),
                  published->text);
    return OK;
}

/* --- PublishVersion --- */

static enum err check_code(struct request *request, const struct change *change)
{
    struct str expected = request_str(request, "CodeSha256");
    struct str actual = json_mut_get_str(change->configuration, "CodeSha256");
    if (!expected.len || str_eq(expected, actual))
        return OK;
    return request_fail(request, ERR_LAMBDA_INVALID_PARAMETER_VALUE,
                        "CodeSHA256 (%.*s) is different from current CodeSHA256 in $LATEST "
                        "(%.*s). Please try again with the CodeSHA256 in $LATEST.",
                        STR_ARG(expected), STR_ARG(actual));
}

static enum err apply(struct request *request, struct change *change)
{
    enum err rc = change_must_exist(request, change);
    if (rc == OK)
        rc = change_check_revision(request, change->configuration);
    if (rc == OK)
        rc = check_code(request, change);
    return rc ? rc : change_publish(request, change, request_str(request, "Description"));
}

enum err lambda_publish_version(struct request *request)
{
    struct change *change;
    enum err rc = change_new(request, apply, &change);
    return rc ? rc : change_start(request, change, change_answer);
}

/* --- ListVersionsByFunction --- */

static uint64_t version_of(const yyjson_val *configuration)
{
    uint64_t version = 0; /* of $LATEST */
    str_to_u64(json_get_str(configuration, "Version"), &version);
    return version;
}

static int by_version(const void *a, const void *b)
{
    uint64_t left = version_of(*(yyjson_val *const *)a),
             right = version_of(*(yyjson_val *const *)b);
    return (left > right) - (left < right);
}

/* The configurations of $LATEST and all versions, in their order. */
static enum err load_versions(struct request *request, struct str name, yyjson_val ***out,
                              size_t *out_count)
{
    struct arena *arena = request->arena;
    struct str key, value, first = lambda_function_key(arena, name);
    struct store_iter *iter = store_iter_new(request->skylite->store, STORE_META, first,
                                             arena_printf(arena, "%.*s;", STR_ARG(first)), false);
    yyjson_val **versions = NULL;
    size_t count = 0, room = 0;
    while (store_iter_next(iter, &key, &value)) {
        if (key.len > first.len && key.ptr[first.len] != ':')
            continue; /* another function, whose name goes on with '-' or a digit */
        if (count == room) {
            yyjson_val **more = arena_array(arena, yyjson_val *, 2 * room + 16);
            if (count)
                memcpy(more, versions, count * sizeof(*more));
            versions = more;
            room = 2 * room + 16;
        }
        yyjson_val *document = json_parse(arena, arena_str(arena, value));
        versions[count++] = json_get(document, "Configuration");
    }
    enum err rc = store_iter_error(iter, &request->error);
    store_iter_free(iter);
    if (rc == OK && count)
        qsort(versions, count, sizeof(*versions), by_version);
    *out = versions;
    *out_count = count;
    return rc;
}

enum err lambda_list_versions(struct request *request)
{
    struct lambda *lambda = request_self(request, struct lambda);
    struct function_name name;
    struct page page;
    yyjson_val **versions;
    size_t count, at = 0;
    enum err rc =
        lambda_parse_name(request_str(request, "FunctionName"), STR_EMPTY, &name, &request->error);
    if (rc == OK)
        rc = page_read(request, &page);
    if (rc == OK)
        rc = load_versions(request, name.name, &versions, &count);
    if (rc)
        return rc;
    if (count == 0)
        return lambda_not_found(lambda, name, &request->error);

    yyjson_mut_val *list = json_add_arr(request->doc, request_output(request), "Versions");
    uint64_t after = 0;
    if (page.after.len && str_to_u64(page.after, &after))
        while (at < count && version_of(versions[at]) <= after)
            at++;
    for (; at < count && (int64_t)yyjson_mut_arr_size(list) < page.size; at++)
        yyjson_mut_arr_append(list, settings_listed(request, versions[at], true));
    if (at < count)
        page_add_marker(request, arena_printf(request->arena, "%llu",
                                              (unsigned long long)version_of(versions[at - 1])));
    return OK;
}
