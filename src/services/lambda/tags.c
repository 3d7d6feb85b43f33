/* TagResource, UntagResource, ListTags: the tags of functions. */
#include "services/lambda/change.h"
#include "services/lambda/operations.h"
#include "services/lambda/settings.h"
#include "services/lambda/violations.h"

#define PATTERN                                                                                    \
    "arn:(aws[a-zA-Z-]*):lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:\\d{12}:"   \
    "(function:[a-zA-Z0-9-_]+(:(\\$LATEST|[a-zA-Z0-9-_]+))?|layer:([a-zA-Z0-9-_]+)|"               \
    "code-signing-config:csc-[a-z0-9]{17}|event-source-mapping:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-"     \
    "[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|capacity-provider:[a-zA-Z0-9-_]+)"

/* Tags are on functions only, not on versions or aliases. */
static enum err check_resource(struct request *request)
{
    struct str arn = request_str(request, "ARN");
    struct function_name name;
    struct arn_parts parts;
    struct violations violations;
    bool is_arn = arn_parse(arn, &parts) && str_starts(parts.resource, STR("function:")) &&
                  function_name_parse(arn, &name) && function_is_name(name.name);
    violations_init(&violations, request->arena);
    if (!is_arn)
        violations_add(&violations, arn, "resource",
                       "satisfy regular expression pattern: " PATTERN);
    else if (name.qualifier.len)
        return request_fail(request, ERR_LAMBDA_INVALID_PARAMETER_VALUE,
                            "Tags on function aliases and versions are not supported. Please "
                            "specify a function ARN.");
    return violations_check(&violations, &request->error);
}

static enum err change_of_arn(struct request *request, change_fn apply, struct change **out)
{
    enum err rc = check_resource(request);
    return rc ? rc : change_new_of(request, apply, request_str(request, "ARN"), out);
}

static yyjson_mut_val *tags_of(struct request *request, struct change *change)
{
    yyjson_mut_val *tags = yyjson_mut_obj_get(change->document, "Tags");
    return tags ? tags : json_add_obj(request->doc, change->document, "Tags");
}

static enum err apply_tag(struct request *request, struct change *change)
{
    yyjson_val *key, *value;
    size_t index, max;
    enum err rc = change_must_exist(request, change);
    if (rc)
        return rc;
    yyjson_mut_val *tags = tags_of(request, change);
    yyjson_obj_foreach (json_get(request->input, "Tags"), index, max, key, value) {
        yyjson_mut_obj_put(tags, yyjson_val_mut_copy(request->doc, key),
                           yyjson_val_mut_copy(request->doc, value));
    }
    if (yyjson_mut_obj_size(tags) > SETTINGS_MAX_TAGS)
        return request_fail(request, ERR_LAMBDA_INVALID_PARAMETER_VALUE,
                            "Number of tags exceeds resource tag limit.");
    return OK;
}

enum err lambda_tag_resource(struct request *request)
{
    struct change *change;
    enum err rc = settings_check_tags(request);
    if (rc == OK && yyjson_obj_size(json_get(request->input, "Tags")) == 0)
        rc = request_fail(request, ERR_LAMBDA_INVALID_PARAMETER_VALUE,
                          "An error occurred and the request cannot be processed.");
    if (rc == OK)
        rc = change_of_arn(request, apply_tag, &change);
    return rc ? rc : change_start(request, change, NULL);
}

static void remove_tag(yyjson_mut_val *tags, const yyjson_val *key)
{
    struct str name = json_str(key);
    if (name.len)
        yyjson_mut_obj_remove_keyn(tags, name.ptr, name.len);
}

static enum err apply_untag(struct request *request, struct change *change)
{
    yyjson_val *keys = json_get(request->input, "tagKeys"), *key;
    size_t index, max;
    enum err rc = change_must_exist(request, change);
    if (rc)
        return rc;
    yyjson_mut_val *tags = tags_of(request, change);
    remove_tag(tags, keys); /* a single one is no array */
    yyjson_arr_foreach (keys, index, max, key) {
        remove_tag(tags, key);
    }
    return OK;
}

enum err lambda_untag_resource(struct request *request)
{
    struct change *change;
    if (!json_get(request->input, "tagKeys"))
        return request_fail(request, ERR_VALIDATION,
                            "1 validation error detected: Value null at 'tagKeys' failed to "
                            "satisfy constraint: Member must not be null");
    enum err rc = change_of_arn(request, apply_untag, &change);
    return rc ? rc : change_start(request, change, NULL);
}

enum err lambda_list_tags(struct request *request)
{
    struct lambda *lambda = request_self(request, struct lambda);
    struct lambda_target target;
    enum err rc = check_resource(request);
    if (rc == OK)
        rc = lambda_find(lambda, request_str(request, "ARN"), STR_EMPTY, &target, &request->error);
    if (rc)
        return rc;
    yyjson_mut_val *output = request_output(request);
    yyjson_val *tags = json_get(target.function->document, "Tags");
    if (tags)
        json_add_copy(request->doc, output, "Tags", tags);
    else
        json_add_obj(request->doc, output, "Tags");
    lambda_target_release(&target);
    return OK;
}

enum err lambda_tagged_resource(struct request *request, struct str *out_arn)
{
    *out_arn = request_str(request, "ARN");
    return OK;
}
