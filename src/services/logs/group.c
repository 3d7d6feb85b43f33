/* Log groups, their retention and their tags. */
#include "base/clock.h"
#include "services/logs/internal.h"

enum { MAX_PAGE = 50, MAX_TAGS = 50, MAX_LIST = 1000 };

/* --- Reading --- */

enum err logs_reader_get(const struct reader *reader, struct str key, yyjson_val **out,
                         struct error *error)
{
    bool found = false;
    struct str text;
    enum err rc =
        reader->txn
            ? store_txn_get(reader->txn, STORE_LOGS, key, reader->arena, &found, &text, error)
            : store_get(reader->store, STORE_LOGS, key, reader->arena, &found, &text, error);
    *out = NULL;
    if (rc || !found)
        return rc;
    *out = json_parse(reader->arena, text);
    return *out ? OK : error_set(error, ERR_INTERNAL, "A document of the log store is damaged");
}

struct store_iter *logs_reader_iter(const struct reader *reader, struct str start, struct str end)
{
    return reader->txn ? store_txn_iter_new(reader->txn, STORE_LOGS, start, end, false)
                       : store_iter_new(reader->store, STORE_LOGS, start, end, false);
}

static int64_t number(yyjson_val *document, const char *key)
{
    int64_t value = 0;
    json_get_i64(document, key, &value);
    return value;
}

struct group logs_group_read(struct str name, yyjson_val *document)
{
    return (struct group){
        .id = (uint64_t)number(document, "id"),
        .name = name,
        .created_ms = number(document, "created"),
        .retention_days = number(document, "retention"),
        .stored_bytes = number(document, "bytes"),
        .oldest_ms = number(document, "oldest"),
        .tags = json_get(document, "tags"),
    };
}

enum err logs_group_get(const struct reader *reader, struct str name, struct group *out,
                        struct error *error)
{
    yyjson_val *document;
    enum err rc = logs_reader_get(reader, logs_key_group(reader->arena, name), &document, error);
    if (rc == OK && !document)
        return error_set(error, ERR_LOGS_RESOURCE_NOT_FOUND,
                         "The specified log group does not exist.");
    if (rc == OK)
        *out = logs_group_read(name, document);
    return rc;
}

/* --- Writing --- */

void logs_group_put(struct store_txn *txn, struct arena *arena, const struct group *group)
{
    yyjson_mut_doc *doc = json_doc(arena);
    yyjson_mut_val *object = yyjson_mut_obj(doc);
    json_add_i64(doc, object, "id", (int64_t)group->id);
    json_add_i64(doc, object, "created", group->created_ms);
    json_add_i64(doc, object, "bytes", group->stored_bytes);
    json_add_i64(doc, object, "oldest", group->oldest_ms);
    if (group->retention_days)
        json_add_i64(doc, object, "retention", group->retention_days);
    json_add_copy(doc, object, "tags", group->tags);
    store_txn_put(txn, STORE_LOGS, logs_key_group(arena, group->name), json_write(arena, object));
}

enum err logs_id_take(const struct reader *reader, uint64_t *out, struct error *error)
{
    bool found;
    struct str text;
    enum err rc = store_txn_get(reader->txn, STORE_LOGS, logs_key_next_id(), reader->arena, &found,
                                &text, error);
    if (rc)
        return rc;
    char next[8];
    *out = found ? logs_read_u64(text, 0) : 1;
    logs_write_u64(next, *out + 1);
    store_txn_put(reader->txn, STORE_LOGS, logs_key_next_id(), str_make(next, sizeof(next)));
    return OK;
}

enum err logs_group_create(const struct reader *reader, struct str name, struct group *out,
                           struct error *error)
{
    yyjson_val *existing;
    enum err rc = logs_reader_get(reader, logs_key_group(reader->arena, name), &existing, error);
    if (rc)
        return rc;
    if (existing)
        return error_set(error, ERR_LOGS_RESOURCE_ALREADY_EXISTS,
                         "The specified log group already exists");
    *out = (struct group){.name = name, .created_ms = clock_wall_ms()};
    rc = logs_id_take(reader, &out->id, error);
    if (rc == OK)
        logs_group_put(reader->txn, reader->arena, out);
    return rc;
}

static enum err change_group(struct request *request, struct store_txn *txn,
                             enum err (*change)(struct request *request, struct group *group))
{
    struct reader reader = reader_of(request, txn);
    struct str name;
    struct group group;
    enum err rc = logs_input_group(request, &name);
    if (rc == OK)
        rc = logs_group_get(&reader, name, &group, &request->error);
    if (rc == OK)
        rc = change(request, &group);
    if (rc == OK)
        logs_group_put(txn, request->arena, &group);
    return rc;
}

/* --- CreateLogGroup --- */

static enum err create(struct request *request, struct store_txn *txn)
{
    struct reader reader = reader_of(request, txn);
    struct group group;
    enum err rc =
        logs_group_create(&reader, request_str(request, "logGroupName"), &group, &request->error);
    if (rc == OK && yyjson_obj_size(json_get(request->input, "tags"))) {
        group.tags = json_get(request->input, "tags");
        logs_group_put(txn, request->arena, &group);
    }
    return rc;
}

enum err logs_create_log_group(struct request *request)
{
    struct str name;
    enum err rc = logs_input_name(request, "logGroupName", true, &name);
    if (rc == OK && json_get(request->input, "kmsKeyId"))
        rc = request_fail(request, ERR_LOGS_INVALID_PARAMETER,
                          "The specified KMS key does not exist or is not allowed to be used.");
    if (rc == OK && yyjson_obj_size(json_get(request->input, "tags")) > MAX_TAGS)
        rc = request_fail(request, ERR_LOGS_INVALID_PARAMETER,
                          "A log group can have up to %d tags.", MAX_TAGS);
    return rc ? rc : request_write(request, create, NULL);
}

/* --- DescribeLogGroups --- */

static void add_group(struct request *request, yyjson_mut_val *list, const struct group *group)
{
    yyjson_mut_val *object = yyjson_mut_arr_add_obj(request->doc, list);
    struct str arn = logs_group_arn(request, group->name);
    json_add_str(request->doc, object, "logGroupName", group->name);
    json_add_i64(request->doc, object, "creationTime", group->created_ms);
    if (group->retention_days)
        json_add_i64(request->doc, object, "retentionInDays", group->retention_days);
    json_add_i64(request->doc, object, "metricFilterCount", 0);
    json_add_str(request->doc, object, "arn", arena_printf(request->arena, "%.*s:*", STR_ARG(arn)));
    json_add_i64(request->doc, object, "storedBytes", group->stored_bytes);
    json_add_str(request->doc, object, "logGroupClass", STR("STANDARD"));
    json_add_str(request->doc, object, "logGroupArn", arn);
    json_add_bool(request->doc, object, "deletionProtectionEnabled", false);
}

/* Where the walk starts: behind the group that nextToken names, or at the prefix. */
static struct str first_key(struct request *request, struct str prefix)
{
    struct str token = request_str(request, "nextToken");
    if (!token.ptr)
        return logs_key_group(request->arena, prefix);
    struct str key = logs_key_group(request->arena, token);
    return arena_printf(request->arena, "%.*s%c", STR_ARG(key), '\0');
}

static enum err list_groups(struct request *request, struct str prefix, struct str pattern,
                            int64_t limit)
{
    struct reader reader = reader_of(request, NULL);
    struct str key, text, last = STR_EMPTY;
    yyjson_mut_val *output = request_output(request);
    yyjson_mut_val *list = json_add_arr(request->doc, output, "logGroups");
    struct str end = store_prefix_end(request->arena, logs_key_group(request->arena, prefix));
    struct store_iter *iter = logs_reader_iter(&reader, first_key(request, prefix), end);
    while (store_iter_next(iter, &key, &text)) {
        struct str name = arena_str(request->arena, str_slice(key, 1, key.len));
        if (str_find(name, pattern) < 0)
            continue;
        if (limit-- == 0) {
            json_add_str(request->doc, output, "nextToken", last);
            break;
        }
        struct group group = logs_group_read(name, json_parse(request->arena, text));
        add_group(request, list, &group);
        last = name;
    }
    enum err rc = store_iter_error(iter, &request->error);
    store_iter_free(iter);
    return rc;
}

enum err logs_describe_log_groups(struct request *request)
{
    struct str prefix, pattern;
    int64_t limit;
    enum err rc = logs_input_name(request, "logGroupNamePrefix", false, &prefix);
    if (rc == OK)
        rc = logs_input_name(request, "logGroupNamePattern", false, &pattern);
    if (rc == OK)
        rc = logs_input_limit(request, MAX_PAGE, &limit);
    if (rc == OK && prefix.len && pattern.len)
        rc = request_fail(request, ERR_LOGS_INVALID_PARAMETER,
                          "LogGroup name prefix and LogGroup name pattern are mutually exclusive "
                          "parameters.");
    return rc ? rc : list_groups(request, prefix, pattern, limit);
}

/* --- ListLogGroups --- */

/* Whether one of the texts between '|' is in the name; behind '^' only at its start. */
static bool is_like(struct str name, struct str pattern)
{
    struct str part;
    bool has_more = true;
    while (has_more) {
        has_more = str_cut(&pattern, '|', &part);
        bool is_start = str_starts(part, STR("^"));
        struct str text = str_slice(part, is_start, part.len);
        if (is_start ? str_starts(name, text) : str_find(name, text) >= 0)
            return true;
    }
    return false;
}

static enum err list_short(struct request *request, struct str pattern, int64_t limit)
{
    struct reader reader = reader_of(request, NULL);
    struct str key, text, last = STR_EMPTY;
    yyjson_mut_val *output = request_output(request);
    yyjson_mut_val *list = json_add_arr(request->doc, output, "logGroups");
    struct str end = store_prefix_end(request->arena, logs_key_group(request->arena, STR_EMPTY));
    struct store_iter *iter = logs_reader_iter(&reader, first_key(request, STR_EMPTY), end);
    while (store_iter_next(iter, &key, &text)) {
        struct str name = arena_str(request->arena, str_slice(key, 1, key.len));
        if (!is_like(name, pattern))
            continue;
        if (limit-- == 0) {
            json_add_str(request->doc, output, "nextToken", last);
            break;
        }
        yyjson_mut_val *object = yyjson_mut_arr_add_obj(request->doc, list);
        json_add_str(request->doc, object, "logGroupName", name);
        json_add_str(request->doc, object, "logGroupArn", logs_group_arn(request, name));
        json_add_str(request->doc, object, "logGroupClass", STR("STANDARD"));
        last = name;
    }
    enum err rc = store_iter_error(iter, &request->error);
    store_iter_free(iter);
    return rc;
}

enum err logs_list_log_groups(struct request *request)
{
    struct str pattern = request_str(request, "logGroupNamePattern");
    struct str class = request_str(request, "logGroupClass");
    int64_t limit = 0;
    enum err rc = logs_input_limit(request, MAX_LIST, &limit);
    if (rc)
        return rc;
    if (!json_get(request->input, "limit"))
        limit = MAX_PAGE;
    if (class.ptr && !str_eq(class, STR("STANDARD")))
        limit = 0; /* there are none of another class */
    if (limit == 0) {
        json_add_arr(request->doc, request_output(request), "logGroups");
        return OK;
    }
    return list_short(request, pattern.ptr ? pattern : STR_EMPTY, limit);
}

/* --- DeleteLogGroup --- */

/* Streams and events are left to the sweep: there may be millions. */
static enum err delete_group(struct request *request, struct store_txn *txn)
{
    struct reader reader = reader_of(request, txn);
    struct str name = request_str(request, "logGroupName");
    struct group group;
    enum err rc = logs_group_get(&reader, name, &group, &request->error);
    if (rc)
        return rc;
    store_txn_delete(txn, STORE_LOGS, logs_key_group(request->arena, name));
    store_txn_put(txn, STORE_LOGS, logs_key_deleted(request->arena, group.id), STR_EMPTY);
    return OK;
}

static enum err after_delete(struct request *request)
{
    logs_sweep_start(request_self(request, struct logs));
    return OK;
}

enum err logs_delete_log_group(struct request *request)
{
    struct str name;
    enum err rc = logs_input_name(request, "logGroupName", true, &name);
    return rc ? rc : request_write(request, delete_group, after_delete);
}

/* --- Retention --- */

static bool is_retention(int64_t days)
{
    static const int allowed[] = {1,   3,   5,   7,   14,   30,   60,   90,   120,  150,  180,
                                  365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653};
    for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
        if (days == allowed[i])
            return true;
    }
    return false;
}

static enum err set_retention(struct request *request, struct group *group)
{
    json_get_i64(request->input, "retentionInDays", &group->retention_days);
    return OK;
}

static enum err run_set_retention(struct request *request, struct store_txn *txn)
{
    return change_group(request, txn, set_retention);
}

enum err logs_put_retention_policy(struct request *request)
{
    struct str name;
    int64_t days = 0;
    enum err rc = logs_input_name(request, "logGroupName", true, &name);
    if (rc)
        return rc;
    if (!json_get_i64(request->input, "retentionInDays", &days))
        return request_fail(request, ERR_LOGS_INVALID_PARAMETER,
                            "1 validation error detected: Value null at 'retentionInDays' failed "
                            "to satisfy constraint: Member must not be null");
    if (!is_retention(days))
        return request_fail(request, ERR_LOGS_INVALID_PARAMETER,
                            "1 validation error detected: Value '%lld' at 'retentionInDays' failed "
                            "to satisfy constraint: Member must satisfy enum value set: [1, 3, 5, "
                            "7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, "
                            "2192, 2557, 2922, 3288, 3653]",
                            (long long)days);
    return request_write(request, run_set_retention, after_delete);
}

static enum err clear_retention(struct request *request, struct group *group)
{
    (void)request;
    group->retention_days = 0;
    return OK;
}

static enum err run_clear_retention(struct request *request, struct store_txn *txn)
{
    return change_group(request, txn, clear_retention);
}

enum err logs_delete_retention_policy(struct request *request)
{
    struct str name;
    enum err rc = logs_input_name(request, "logGroupName", true, &name);
    return rc ? rc : request_write(request, run_clear_retention, NULL);
}

/* --- Tags --- */

static yyjson_val *changed_tags(struct request *request, yyjson_mut_val *tags)
{
    return json_parse(request->arena, json_write(request->arena, tags));
}

static yyjson_mut_val *mutable_tags(struct request *request, const struct group *group)
{
    return group->tags ? yyjson_val_mut_copy(request->doc, group->tags)
                       : yyjson_mut_obj(request->doc);
}

static enum err add_tags(struct request *request, struct group *group)
{
    yyjson_mut_val *tags = mutable_tags(request, group);
    size_t i, max;
    yyjson_val *key, *value;
    yyjson_obj_foreach (json_get(request->input, "tags"), i, max, key, value) {
        if (!yyjson_is_str(value))
            return request_fail(request, ERR_LOGS_INVALID_PARAMETER, "Invalid tag value");
        yyjson_mut_obj_remove_strn(tags, yyjson_get_str(key), yyjson_get_len(key));
        yyjson_mut_obj_add(tags, yyjson_val_mut_copy(request->doc, key),
                           yyjson_val_mut_copy(request->doc, value));
    }
    if (yyjson_mut_obj_size(tags) > MAX_TAGS)
        return request_fail(request, ERR_LOGS_INVALID_PARAMETER,
                            "A log group can have up to %d tags.", MAX_TAGS);
    group->tags = changed_tags(request, tags);
    return OK;
}

static enum err run_add_tags(struct request *request, struct store_txn *txn)
{
    return change_group(request, txn, add_tags);
}

enum err logs_tag_resource(struct request *request)
{
    struct str name;
    enum err rc = logs_input_group(request, &name);
    return rc ? rc : request_write(request, run_add_tags, NULL);
}

static enum err remove_tags(struct request *request, struct group *group)
{
    yyjson_mut_val *tags = mutable_tags(request, group);
    yyjson_val *keys = json_get(request->input, "tagKeys"), *key;
    size_t i, max;
    if (!keys)
        keys = json_get(request->input, "tags"); /* of UntagLogGroup */
    yyjson_arr_foreach (keys, i, max, key) {
        struct str text = json_str(key);
        yyjson_mut_obj_remove_strn(tags, text.ptr, text.len);
    }
    group->tags = changed_tags(request, tags);
    return OK;
}

static enum err run_remove_tags(struct request *request, struct store_txn *txn)
{
    return change_group(request, txn, remove_tags);
}

enum err logs_untag_resource(struct request *request)
{
    struct str name;
    enum err rc = logs_input_group(request, &name);
    return rc ? rc : request_write(request, run_remove_tags, NULL);
}

enum err logs_list_tags_for_resource(struct request *request)
{
    struct reader reader = reader_of(request, NULL);
    struct str name;
    struct group group;
    enum err rc = logs_input_group(request, &name);
    if (rc == OK)
        rc = logs_group_get(&reader, name, &group, &request->error);
    if (rc)
        return rc;
    yyjson_mut_val *output = request_output(request);
    if (group.tags)
        json_add_copy(request->doc, output, "tags", group.tags);
    else
        json_add_obj(request->doc, output, "tags");
    return OK;
}
