/* Tags of users, roles and policies. */
#include "services/iam/operations.h"

enum { MAX_TAGS = 50, MAX_KEY = 128, MAX_VALUE = 256 };

static struct str mut_str(yyjson_mut_val *value)
{
    const char *text = yyjson_mut_get_str(value);
    return text ? str_make(text, yyjson_mut_get_len(value)) : STR_EMPTY;
}

/* --- Checks --- */

/* Letters, digits, spaces and _.:/=+-@; what is beyond ASCII is taken as a letter. */
static bool is_tag_text(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        bool is_fine = c >= 0x80 || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       (c >= '0' && c <= '9') || (c && strchr(" _.:/=+-@", c));
        if (!is_fine)
            return false;
    }
    return true;
}

static enum err tag_error(struct request *request, size_t index, const char *member,
                          struct str value, const char *constraint)
{
    return request_fail(request, ERR_VALIDATION_ERROR,
                        "1 validation error detected: Value '%.*s' at 'tags.%zu.member.%s' failed "
                        "to satisfy constraint: %s",
                        STR_ARG(value), index + 1, member, constraint);
}

static enum err check_tag(struct request *request, yyjson_val *tag, size_t index)
{
    static const char pattern[] =
        "Member must satisfy regular expression pattern: [\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+";
    struct str key = json_get_str(tag, "Key"), value = json_get_str(tag, "Value");
    if (!key.ptr || key.len == 0)
        return tag_error(request, index, "key", STR_EMPTY,
                         "Member must have length greater than or equal to 1");
    if (key.len > MAX_KEY)
        return tag_error(request, index, "key", key,
                         "Member must have length less than or equal to 128");
    if (!is_tag_text(key))
        return tag_error(request, index, "key", key, pattern);
    if (value.len > MAX_VALUE)
        return tag_error(request, index, "value", value,
                         "Member must have length less than or equal to 256");
    if (!is_tag_text(value))
        return tag_error(request, index, "value", value, pattern);
    return OK;
}

static bool repeats_key(yyjson_val *tags, size_t index)
{
    struct str key = json_get_str(yyjson_arr_get(tags, index), "Key");
    for (size_t i = 0; i < index; i++) {
        if (str_eq_nocase(json_get_str(yyjson_arr_get(tags, i), "Key"), key))
            return true;
    }
    return false;
}

enum err iam_check_tags(struct request *request, yyjson_val *tags)
{
    size_t i, max;
    yyjson_val *tag;
    yyjson_arr_foreach (tags, i, max, tag) {
        enum err rc = check_tag(request, tag, i);
        if (rc)
            return rc;
        if (repeats_key(tags, i))
            return request_fail(request, ERR_IAM_INVALID_INPUT,
                                "Duplicate tag keys found. Please note that Tag keys are case "
                                "insensitive.");
    }
    return OK;
}

/* --- Setting --- */

static ptrdiff_t find_tag(yyjson_mut_val *tags, struct str key)
{
    size_t i, max;
    yyjson_mut_val *tag;
    yyjson_mut_arr_foreach (tags, i, max, tag) {
        if (str_eq_nocase(mut_str(yyjson_mut_obj_get(tag, "Key")), key))
            return (ptrdiff_t)i;
    }
    return -1;
}

static void put_tag(struct entity *entity, yyjson_mut_val *tags, yyjson_val *tag)
{
    struct str key = json_get_str(tag, "Key"), value = json_get_str(tag, "Value");
    ptrdiff_t index = find_tag(tags, key);
    if (index >= 0)
        yyjson_mut_arr_remove(tags, (size_t)index);
    yyjson_mut_val *object = yyjson_mut_arr_add_obj(entity->doc, tags);
    json_add_str(entity->doc, object, "Key", key);
    json_add_str(entity->doc, object, "Value", value.ptr ? value : STR_EMPTY);
}

enum err iam_set_tags(struct entity *entity)
{
    yyjson_val *given = json_get(entity->request->input, "Tags"), *tag;
    size_t i, max;
    enum err rc = iam_check_tags(entity->request, given);
    if (rc || yyjson_arr_size(given) == 0)
        return rc;
    yyjson_mut_val *tags = iam_entity_array(entity, "Tags");
    yyjson_arr_foreach (given, i, max, tag) {
        put_tag(entity, tags, tag);
    }
    if (yyjson_mut_arr_size(tags) > MAX_TAGS)
        return request_fail(entity->request, ERR_IAM_LIMIT_EXCEEDED,
                            "The number of tags has reached the maximum limit.");
    return OK;
}

static enum err remove_tags(struct entity *entity)
{
    yyjson_mut_val *tags = iam_entity_array(entity, "Tags");
    size_t i, max;
    yyjson_val *key;
    yyjson_arr_foreach (json_get(entity->request->input, "TagKeys"), i, max, key) {
        ptrdiff_t index = find_tag(tags, json_str(key));
        if (index >= 0)
            yyjson_mut_arr_remove(tags, (size_t)index);
    }
    return OK;
}

/* --- Listing --- */

static void list_tags(struct pager *pager, yyjson_val *entity)
{
    struct request *request = pager->request;
    yyjson_mut_val *output = request_output(request);
    yyjson_mut_val *list = json_add_arr(request->doc, output, "Tags");
    size_t i, max;
    yyjson_val *tag;
    yyjson_arr_foreach (json_get(entity, "Tags"), i, max, tag) {
        if (iam_pager_take(pager, arena_printf(request->arena, "%04zu", i)))
            yyjson_mut_arr_append(list, yyjson_val_mut_copy(request->doc, tag));
    }
    iam_pager_finish(pager, output);
}

static enum err list_named(struct request *request, const struct entity_kind *kind)
{
    struct reader reader = iam_reader_of(request, NULL);
    struct pager pager;
    yyjson_val *entity;
    enum err rc = iam_pager_init(&pager, request);
    if (rc == OK)
        rc = iam_entity_get(&reader, kind, request_str(request, kind->name_member), &entity,
                            &request->error);
    if (rc == OK)
        list_tags(&pager, entity);
    return rc;
}

/* --- Operations --- */

#define TAG_OPERATIONS(noun, param)                                                                \
    static enum err run_tag_##noun(struct request *request, struct store_txn *txn)                 \
    {                                                                                              \
        return iam_entity_change(request, txn, &iam_##noun##_kind, iam_set_tags);                  \
    }                                                                                              \
    static enum err run_untag_##noun(struct request *request, struct store_txn *txn)               \
    {                                                                                              \
        return iam_entity_change(request, txn, &iam_##noun##_kind, remove_tags);                   \
    }                                                                                              \
    enum err iam_tag_##noun(struct request *request)                                               \
    {                                                                                              \
        enum err rc = PARAMS_CHECK(request, param);                                                \
        return rc ? rc : iam_write(request, run_tag_##noun);                                       \
    }                                                                                              \
    enum err iam_untag_##noun(struct request *request)                                             \
    {                                                                                              \
        enum err rc = PARAMS_CHECK(request, param);                                                \
        return rc ? rc : iam_write(request, run_untag_##noun);                                     \
    }

TAG_OPERATIONS(role, PARAM_ROLE_NAME)
TAG_OPERATIONS(user, PARAM_USER_NAME)
TAG_OPERATIONS(policy, PARAM_POLICY_ARN)

enum err iam_list_role_tags(struct request *request)
{
    enum err rc = PARAMS_CHECK(request, PARAM_ROLE_NAME);
    return rc ? rc : list_named(request, &iam_role_kind);
}

enum err iam_list_user_tags(struct request *request)
{
    enum err rc = PARAMS_CHECK(request, PARAM_USER_NAME);
    return rc ? rc : list_named(request, &iam_user_kind);
}

enum err iam_list_policy_tags(struct request *request)
{
    struct reader reader = iam_reader_of(request, NULL);
    struct pager pager;
    yyjson_val *policy;
    enum err rc = PARAMS_CHECK(request, PARAM_POLICY_ARN);
    if (rc == OK)
        rc = iam_pager_init(&pager, request);
    if (rc == OK)
        rc =
            iam_policy_by_arn(&reader, request_str(request, "PolicyArn"), &policy, &request->error);
    if (rc == OK && !policy)
        rc = iam_no_such_managed_policy(request);
    if (rc == OK)
        list_tags(&pager, policy);
    return rc;
}
