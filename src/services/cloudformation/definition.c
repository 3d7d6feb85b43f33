/* Reading what a stack is to be. */
#include "services/cloudformation/definition.h"

#include "base/buf.h"
#include "base/encode.h"

enum { MAX_TAGS = 50 };

/* --- The template --- */

/* "http://HOST/BUCKET/KEY", or a host that begins with "BUCKET.s3". */
static bool split_url(struct arena *arena, struct str url, struct str *out_bucket,
                      struct str *out_key)
{
    ptrdiff_t scheme = str_find(url, STR("://"));
    if (scheme < 0)
        return false;
    struct str rest = str_slice(url, (size_t)scheme + 3, url.len), host, path;
    str_cut(&rest, '/', &host);
    str_cut(&rest, '?', &path);
    path = decode_percent(arena, path, false);
    ptrdiff_t dot = str_find(host, STR(".s3"));
    if (dot > 0)
        *out_bucket = str_slice(host, 0, (size_t)dot);
    else
        str_cut(&path, '/', out_bucket);
    *out_key = path;
    return out_bucket->len && out_key->len;
}

static enum err fetch(struct request *request, struct str url, struct str *out)
{
    const struct package_capability *packages = &request->skylite->packages;
    struct str bucket, key;
    struct error error;
    if (!split_url(request->arena, url, &bucket, &key))
        return request_fail(request, ERR_VALIDATION_ERROR,
                            "S3 error: Domain name specified in %.*s is not a valid S3 domain",
                            STR_ARG(url));
    struct str arn =
        arena_printf(request->arena, "arn:aws:s3:::%.*s/%.*s", STR_ARG(bucket), STR_ARG(key));
    if (request_authorize(request, STR("s3:GetObject"), arn))
        return request_fail(request, ERR_VALIDATION_ERROR, "S3 error: Access Denied");
    if (packages->get(packages->self, bucket, key, request->arena, out, &error))
        return request_fail(request, ERR_VALIDATION_ERROR, "S3 error: %s", error.message);
    return OK;
}

enum err definition_template_body(struct request *request, struct str *out)
{
    struct str url = request_str(request, "TemplateURL");
    *out = request_str(request, "TemplateBody");
    if (out->ptr && url.ptr)
        return request_fail(request, ERR_VALIDATION_ERROR,
                            "Both TemplateBody and TemplateURL cannot be specified.");
    if (url.ptr)
        return fetch(request, url, out);
    return out->ptr ? OK
                    : request_fail(request, ERR_VALIDATION_ERROR,
                                   "Either Template URL or Template Body must be specified.");
}

static enum err read_body(struct request *request, const yyjson_val *before, struct str *out)
{
    if (!json_get_bool(request->input, "UsePreviousTemplate", false))
        return definition_template_body(request, out);
    if (request_str(request, "TemplateBody").ptr || request_str(request, "TemplateURL").ptr)
        return request_fail(request, ERR_VALIDATION_ERROR,
                            "You cannot specify both usePreviousTemplate and Template Body/URL.");
    *out = json_get_str(before, "TemplateBody");
    return out->ptr ? OK
                    : request_fail(request, ERR_VALIDATION_ERROR,
                                   "usePreviousTemplate cannot be true for a new stack.");
}

/* --- Capabilities --- */

static bool has_capability(struct request *request, struct str wanted)
{
    yyjson_val *capability;
    size_t i, max;
    yyjson_arr_foreach (json_get(request->input, "Capabilities"), i, max, capability) {
        if (str_eq(json_str(capability), wanted))
            return true;
    }
    return false;
}

bool definition_needs_iam(struct arena *arena, const yyjson_val *root, struct str *out_types,
                          bool *out_named)
{
    struct buf types;
    yyjson_val *key, *resource;
    size_t i, max;
    buf_init_arena(&types, arena, ERROR_MESSAGE_MAX);
    *out_named = false;
    yyjson_obj_foreach (json_get(root, "Resources"), i, max, key, resource) {
        struct str type = json_get_str(resource, "Type");
        if (!str_starts(type, STR("AWS::IAM::")))
            continue;
        const char *name = cfn_type_find(type)->name_property;
        *out_named |= name && json_get(json_get(resource, "Properties"), name);
        if (str_find(buf_str(&types), type) >= 0)
            continue;
        buf_add(&types, types.len ? STR(", ") : STR_EMPTY);
        buf_add(&types, type);
    }
    *out_types = buf_str(&types);
    return types.len > 0;
}

static enum err check_capabilities(struct request *request, const struct cfn_template *template)
{
    struct str types;
    bool needs_named, has_named = has_capability(request, STR("CAPABILITY_NAMED_IAM"));
    if (!definition_needs_iam(request->arena, template->root, &types, &needs_named) || has_named)
        return OK;
    if (needs_named)
        return request_fail(request, ERR_CFN_INSUFFICIENT_CAPABILITIES,
                            "Requires capabilities : [CAPABILITY_NAMED_IAM]");
    return has_capability(request, STR("CAPABILITY_IAM"))
               ? OK
               : request_fail(request, ERR_CFN_INSUFFICIENT_CAPABILITIES,
                              "Requires capabilities : [CAPABILITY_IAM]");
}

/* --- Parameters --- */

static enum err read_parameter(struct request *request, yyjson_val *given, const yyjson_val *before,
                               yyjson_mut_doc *doc, yyjson_mut_val *out)
{
    struct str name = json_get_str(given, "ParameterKey");
    char *key = arena_cstr(request->arena, name);
    yyjson_val *previous = json_get(json_get(before, "Parameters"), key);
    if (name.len == 0)
        return request_fail(request, ERR_VALIDATION_ERROR, "ParameterKey must not be empty");
    if (!json_get_bool(given, "UsePreviousValue", false)) {
        json_add_str_opt(doc, out, key, json_get_str(given, "ParameterValue"));
        return OK;
    }
    if (json_get(given, "ParameterValue"))
        return request_fail(request, ERR_VALIDATION_ERROR,
                            "Invalid input for parameter key %s. Cannot specify usePreviousValue "
                            "as true and non empty value for a parameter",
                            key);
    if (!previous)
        return request_fail(request, ERR_VALIDATION_ERROR,
                            "Invalid input for parameter key %s. Cannot specify usePreviousValue "
                            "as true for a parameter key not in the previous template",
                            key);
    json_add_copy(doc, out, key, previous);
    return OK;
}

/* The given parameters as an object; those with UsePreviousValue from the stack as it was. */
static enum err read_parameters(struct request *request, const yyjson_val *before, yyjson_val **out)
{
    yyjson_mut_doc *doc = json_doc(request->arena);
    yyjson_mut_val *object = yyjson_mut_obj(doc);
    yyjson_val *parameter;
    size_t i, max;
    yyjson_arr_foreach (json_get(request->input, "Parameters"), i, max, parameter) {
        enum err rc = read_parameter(request, parameter, before, doc, object);
        if (rc)
            return rc;
    }
    *out = json_parse(request->arena, json_write(request->arena, object));
    return OK;
}

/* All with their values; and as DescribeStacks shows them, those with NoEcho hidden. */
static void add_parameters(const struct cfn_template *template, yyjson_mut_doc *doc,
                           yyjson_mut_val *out)
{
    yyjson_val *values = cfn_parameter_texts(template);
    yyjson_mut_val *list = json_add_arr(doc, out, "ParameterList");
    yyjson_val *key, *value;
    size_t i, max;
    json_add_copy(doc, out, "Parameters", values);
    yyjson_obj_foreach (values, i, max, key, value) {
        const char *name = yyjson_get_str(key);
        yyjson_val *declared = json_get(json_get(template->root, "Parameters"), name);
        yyjson_mut_val *one = yyjson_mut_arr_add_obj(doc, list);
        json_add_str(doc, one, "ParameterKey", json_str(key));
        json_add_str(doc, one, "ParameterValue",
                     json_get_bool(declared, "NoEcho", false) ? STR("****") : json_str(value));
    }
}

/* --- Tags --- */

static enum err check_tags(struct request *request, yyjson_val *tags)
{
    yyjson_val *tag;
    size_t i, max;
    if (yyjson_arr_size(tags) > MAX_TAGS)
        return request_fail(request, ERR_VALIDATION_ERROR,
                            "1 validation error detected: Value at 'tags' failed to satisfy "
                            "constraint: Member must have length less than or equal to %d",
                            MAX_TAGS);
    yyjson_arr_foreach (tags, i, max, tag) {
        struct str key = json_get_str(tag, "Key");
        if (key.len == 0 || key.len > 128)
            return request_fail(request, ERR_VALIDATION_ERROR,
                                "1 validation error detected: Value '%.*s' at 'tags.%zu.member.key'"
                                " failed to satisfy constraint: Member must have length between 1 "
                                "and 128",
                                STR_ARG(key), i + 1);
        if (str_starts(key, STR("aws:")))
            return request_fail(request, ERR_VALIDATION_ERROR,
                                "aws: prefixed tag key names are not allowed for external use.");
    }
    return OK;
}

/* --- All of it --- */

/* What Skylite has no use for must not be taken silently. */
static enum err refuse_unsupported(struct request *request)
{
    static const char *const lists[] = {"NotificationARNs", "ResourcesToImport"};
    static const char *const texts[] = {"StackPolicyBody", "StackPolicyURL",
                                        "StackPolicyDuringUpdateBody",
                                        "StackPolicyDuringUpdateURL"};
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        if (yyjson_arr_size(json_get(request->input, lists[i])))
            return request_fail(request, ERR_VALIDATION_ERROR, "%s is not supported", lists[i]);
    }
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (request_str(request, texts[i]).len)
            return request_fail(request, ERR_VALIDATION_ERROR, "%s is not supported", texts[i]);
    }
    yyjson_val *rollback = json_get(request->input, "RollbackConfiguration");
    if (yyjson_arr_size(json_get(rollback, "RollbackTriggers")))
        return request_fail(request, ERR_VALIDATION_ERROR, "RollbackTriggers are not supported");
    return OK;
}

static bool type_matches(struct str pattern, struct str type)
{
    return str_ends(pattern, STR("*")) ? str_starts(type, str_slice(pattern, 0, pattern.len - 1))
                                       : str_eq(pattern, type);
}

/* "ResourceTypes" narrows what a template may have. */
static enum err check_types(struct request *request, const struct cfn_template *template)
{
    yyjson_val *allowed = json_get(request->input, "ResourceTypes"), *pattern;
    size_t i, max;
    for (size_t j = 0; yyjson_arr_size(allowed) && j < template->resource_count; j++) {
        bool is_allowed = false;
        yyjson_arr_foreach (allowed, i, max, pattern)
            is_allowed |= type_matches(json_str(pattern), template->resources[j].type);
        if (!is_allowed)
            return request_fail(request, ERR_VALIDATION_ERROR,
                                "Resource type %.*s is not allowed by parameter ResourceTypes",
                                STR_ARG(template->resources[j].type));
    }
    return OK;
}

static enum err build(struct cfn_template *template, struct str body, const yyjson_val *parameters,
                      struct error *error)
{
    enum err rc = cfn_template_parse(template, body, error);
    if (rc == OK)
        rc = cfn_template_set_parameters(template, parameters, error);
    return rc ? rc : cfn_template_sort(template, error);
}

static void add_kept(struct request *request, const yyjson_val *before, const char *name,
                     yyjson_mut_doc *doc, yyjson_mut_val *out)
{
    yyjson_val *given = json_get(request->input, name);
    json_add_copy(doc, out, name, given ? given : json_get(before, name));
}

enum err definition_read(struct request *request, struct str stack_name, struct str stack_id,
                         const yyjson_val *before, struct definition *out)
{
    yyjson_mut_doc *doc = json_doc(request->arena);
    yyjson_mut_val *stored = yyjson_mut_obj(doc);
    yyjson_val *parameters = NULL;
    struct str body = STR_EMPTY;
    out->template = (struct cfn_template){.arena = request->arena,
                                          .skylite = request->skylite,
                                          .stack_name = stack_name,
                                          .stack_id = stack_id};
    out->template.tags = json_get(request->input, "Tags");
    if (!out->template.tags)
        out->template.tags = json_get(before, "Tags");
    enum err rc = refuse_unsupported(request);
    if (rc == OK)
        rc = read_body(request, before, &body);
    if (rc == OK)
        rc = read_parameters(request, before, &parameters);
    if (rc == OK && request_str(request, "RoleARN").len)
        rc = request_authorize_pass_role(request, request_str(request, "RoleARN"),
                                         STR("cloudformation.amazonaws.com"), stack_id);
    if (rc == OK)
        rc = check_tags(request, json_get(request->input, "Tags"));
    if (rc == OK)
        rc = build(&out->template, body, parameters, &request->error);
    if (rc == OK)
        rc = check_capabilities(request, &out->template);
    if (rc == OK)
        rc = check_types(request, &out->template);
    if (rc)
        return rc;
    json_add_str(doc, stored, "TemplateBody", body);
    add_parameters(&out->template, doc, stored);
    json_add_copy(doc, stored, "Capabilities", json_get(request->input, "Capabilities"));
    add_kept(request, before, "Tags", doc, stored);
    add_kept(request, before, "RoleARN", doc, stored);
    yyjson_mut_val *imports = json_add_arr(doc, stored, "Imports");
    for (size_t i = 0; i < out->template.import_count; i++)
        yyjson_mut_arr_add_strn(doc, imports, out->template.imports[i].ptr,
                                out->template.imports[i].len);
    out->stored = json_parse(request->arena, json_write(request->arena, stored));
    return OK;
}

enum err definition_load(struct cfn_template *template, const yyjson_val *stored,
                         struct error *error)
{
    template->tags = json_get(stored, "Tags");
    return build(template, json_get_str(stored, "TemplateBody"), json_get(stored, "Parameters"),
                 error);
}
