/* TagResource, UntagResource and ListTagsOfResource: a table's tags are part of its definition. */
#include "services/dynamodb/definition.h"
#include "services/dynamodb/operations.h"

enum { MAX_TAGS = 50, TAGS_ON_PAGE = 10 };

struct tagging {
    const struct ddb_table *table;
    struct ddb_alteration change;
};

static enum err find_table(struct request *request, const struct ddb_table **out)
{
    struct str arn = request_str(request, "ResourceArn");
    struct str prefix = ddb_table_arn(request, STR_EMPTY);
    bool is_table =
        str_starts(arn, prefix) && arn.len > prefix.len && str_find_byte(arn, '/', prefix.len) < 0;
    if (!is_table)
        return request_fail(request, ERR_VALIDATION,
                            "Invalid TableArn: Invalid ResourceArn provided as input %.*s",
                            STR_ARG(arn));
    struct ddb_table *table =
        ddb_table_ref(request_self(request, struct dynamodb), str_slice(arn, prefix.len, arn.len));
    if (!table)
        return request_fail(request, ERR_DDB_RESOURCE_NOT_FOUND,
                            "Requested resource not found: ResourcArn: %.*s not found",
                            STR_ARG(arn));
    ddb_table_keep(request->arena, table);
    *out = table;
    return OK;
}

enum err ddb_given_resource(struct request *request, struct str *out_arn)
{
    *out_arn = request_str(request, "ResourceArn");
    return OK;
}

/* --- Changing --- */

static bool has_key(yyjson_mut_val *tag, struct str key)
{
    return yyjson_mut_equals_strn(yyjson_mut_obj_get(tag, "Key"), key.ptr, key.len);
}

static void remove_tag(yyjson_mut_val *tags, struct str key)
{
    for (size_t i = yyjson_mut_arr_size(tags); i > 0; i--) {
        if (has_key(yyjson_mut_arr_get(tags, i - 1), key))
            yyjson_mut_arr_remove(tags, i - 1);
    }
}

static yyjson_mut_val *tags_of(struct ddb_draft *draft)
{
    yyjson_mut_val *tags = yyjson_mut_obj_get(draft->root, "Tags");
    return tags ? tags : json_add_arr(draft->doc, draft->root, "Tags");
}

static enum err add_tags(struct request *request, struct store_txn *txn)
{
    struct tagging *tagging = request->handler_state;
    yyjson_val *tag;
    size_t i, max;
    enum err rc = ddb_alter_start(request, tagging->table, &tagging->change);
    if (rc)
        return rc;
    yyjson_mut_val *tags = tags_of(&tagging->change.draft);
    yyjson_arr_foreach (json_get(request->input, "Tags"), i, max, tag) {
        remove_tag(tags, json_get_str(tag, "Key"));
        yyjson_mut_arr_append(tags, yyjson_val_mut_copy(tagging->change.draft.doc, tag));
    }
    if (yyjson_mut_arr_size(tags) > MAX_TAGS)
        return request_fail(request, ERR_VALIDATION,
                            "One or more parameter values were invalid: Number of tags exceeds the "
                            "limit of %d",
                            MAX_TAGS);
    return ddb_alter_finish(request, txn, &tagging->change);
}

static enum err remove_tags(struct request *request, struct store_txn *txn)
{
    struct tagging *tagging = request->handler_state;
    yyjson_val *key;
    size_t i, max;
    enum err rc = ddb_alter_start(request, tagging->table, &tagging->change);
    if (rc)
        return rc;
    yyjson_arr_foreach (json_get(request->input, "TagKeys"), i, max, key)
        remove_tag(tags_of(&tagging->change.draft), json_str(key));
    return ddb_alter_finish(request, txn, &tagging->change);
}

static enum err answer_nothing(struct request *request)
{
    request->raw_output = STR_EMPTY;
    return OK;
}

static enum err change_tags(struct request *request, const char *list, const char *what,
                            enum err (*change)(struct request *request, struct store_txn *txn))
{
    struct tagging *tagging = arena_new(request->arena, struct tagging);
    request->handler_state = tagging;
    if (yyjson_arr_size(json_get(request->input, list)) == 0)
        return request_fail(request, ERR_VALIDATION,
                            "Atleast one %s needs to be provided as Input.", what);
    enum err rc = find_table(request, &tagging->table);
    return rc ? rc : request_write(request, change, answer_nothing);
}

enum err ddb_tag_resource(struct request *request)
{
    return change_tags(request, "Tags", "Tag", add_tags);
}

enum err ddb_untag_resource(struct request *request)
{
    return change_tags(request, "TagKeys", "Tag Key", remove_tags);
}

/* --- Listing --- */

enum err ddb_list_tags_of_resource(struct request *request)
{
    struct str token = request_str(request, "NextToken");
    const struct ddb_table *table;
    yyjson_val *tag;
    size_t i, max;
    uint64_t start = 0;
    enum err rc = find_table(request, &table);
    if (rc)
        return rc;
    if (token.ptr && !str_to_u64(token, &start))
        return request_fail(request, ERR_VALIDATION, "Invalid NextToken: %.*s", STR_ARG(token));
    yyjson_mut_val *out = request_output(request);
    yyjson_mut_val *list = json_add_arr(request->doc, out, "Tags");
    yyjson_arr_foreach (json_get(table->definition, "Tags"), i, max, tag) {
        if (i < start)
            continue;
        if (yyjson_mut_arr_size(list) == TAGS_ON_PAGE) {
            json_add_str(request->doc, out, "NextToken", arena_printf(request->arena, "%zu", i));
            break;
        }
        yyjson_mut_arr_append(list, yyjson_val_mut_copy(request->doc, tag));
    }
    return OK;
}
