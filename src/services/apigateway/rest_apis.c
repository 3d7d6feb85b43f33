/* REST APIs. */
#include "services/apigateway/clone.h"
#include "services/apigateway/models.h"
#include "services/apigateway/patch.h"

#define ENDPOINT_TYPES   "[PRIVATE, EDGE, REGIONAL]"
#define NO_ENDPOINT_TYPE "REGIONAL Configuration and EDGE Configuration cannot be both DISABLED."
#define ONLY_DUALSTACK   "Only dualstack ipAddressType is supported for Private APIs."

enum { MAX_COMPRESSION_SIZE = 10485760 };

static struct str api_key_of(struct request *request)
{
    return state_key(request->arena, "api", apigw_label(request, "restapi_id"), NO_PART);
}

/* --- Checks --- */

static bool is_endpoint_type(struct str type)
{
    return str_eq(type, STR("EDGE")) || str_eq(type, STR("REGIONAL")) ||
           str_eq(type, STR("PRIVATE"));
}

static bool is_address_type(struct str type)
{
    return str_eq(type, STR("ipv4")) || str_eq(type, STR("dualstack"));
}

static enum err check_compression(struct request *request, yyjson_val *input)
{
    int64_t size;
    yyjson_val *value = json_get(input, "minimumCompressionSize");
    if (!value || yyjson_is_null(value))
        return OK;
    if (!json_get_i64(input, "minimumCompressionSize", &size) || size < 0 ||
        size > MAX_COMPRESSION_SIZE)
        return apigw_bad_request(
            request, "Invalid minimum compression size, must be between 0 and 10485760");
    return OK;
}

/* Violations of the model are told together, and before all else. */
static enum err check_shape(struct request *request, yyjson_val *configuration)
{
    struct buf text;
    size_t i, max, count = 0;
    yyjson_val *type, *types = json_get(configuration, "types");
    struct str address = json_get_str(configuration, "ipAddressType");
    bool is_known = true;
    buf_init_arena(&text, request->arena, ERROR_MESSAGE_MAX);
    yyjson_arr_foreach (types, i, max, type) {
        is_known &= is_endpoint_type(json_str(type));
    }
    if (!is_known) {
        buf_printf(&text, "Value '[");
        yyjson_arr_foreach (types, i, max, type) {
            buf_printf(&text, "%s%.*s", i ? ", " : "", STR_ARG(json_str(type)));
        }
        buf_printf(&text, "]' at 'createRestApiInput.endpointConfiguration.types' failed to "
                          "satisfy constraint: Member must satisfy constraint: [Member must "
                          "satisfy enum value set: " ENDPOINT_TYPES "]");
        count++;
    }
    if (address.len && !is_address_type(address)) {
        buf_printf(&text,
                   "%sValue '%.*s' at 'createRestApiInput.endpointConfiguration.ipAddressType' "
                   "failed to satisfy constraint: Member must satisfy enum value set: "
                   "[ipv4, dualstack]",
                   count ? "; " : "", STR_ARG(address));
        count++;
    }
    if (count == 0)
        return OK;
    return request_fail(request, ERR_VALIDATION, "%zu validation error%s detected: %.*s", count,
                        count == 1 ? "" : "s", STR_ARG(buf_str(&text)));
}

static enum err check_endpoint(struct request *request, yyjson_val *configuration)
{
    yyjson_val *types = json_get(configuration, "types");
    struct str type = json_str(yyjson_arr_get_first(types));
    if (types && yyjson_arr_size(types) == 0)
        return apigw_bad_request(request, NO_ENDPOINT_TYPE);
    if (yyjson_arr_size(types) > 1)
        return apigw_bad_request(request, "Cannot create an api with multiple Endpoint Types.");
    if (str_eq(type, STR("PRIVATE")) &&
        str_eq(json_get_str(configuration, "ipAddressType"), STR("ipv4")))
        return apigw_bad_request(request, ONLY_DUALSTACK);
    return OK;
}

/* --- Resource policies --- */

/* A template of CloudFormation may give it as an object. */
static struct str given_policy(struct request *request)
{
    yyjson_val *given = json_get(request->input, "policy");
    return yyjson_is_str(given) ? json_str(given)
           : given              ? json_write_val(request->arena, given)
                                : STR_EMPTY;
}

/* The policy with its short ARNs ("execute-api:/stage/GET/x") in full, as AWS keeps it. */
static struct str full_policy(struct request *request, struct str text, struct str api_id)
{
    static const struct str abbreviated = STR_INIT("\"execute-api:/");
    struct buf out;
    ptrdiff_t at;
    buf_init_arena(&out, request->arena, SIZE_MAX / 2);
    while ((at = str_find(text, abbreviated)) >= 0) {
        buf_add(&out, str_slice(text, 0, (size_t)at));
        buf_printf(&out, "\"arn:aws:execute-api:%.*s:%.*s:%.*s/",
                   STR_ARG(request->skylite->config.region),
                   STR_ARG(request->skylite->config.account), STR_ARG(api_id));
        text = str_slice(text, (size_t)at + abbreviated.len, text.len);
    }
    buf_add(&out, text);
    return buf_str(&out);
}

/* Whether it lets anyone in does not matter. */
static enum err check_policy(struct request *request, struct str policy)
{
    enum { MAX_POLICY = 8192 };
    const struct iam_capability *iam = &request->skylite->iam;
    struct error error;
    if (policy.len > MAX_POLICY)
        return apigw_bad_request(request, "The policy is longer than %d bytes", MAX_POLICY);
    if (iam->check_resource_policy(iam->self, policy, &error) == OK)
        return OK;
    return apigw_bad_request(request, "Invalid policy document. Please check the policy syntax and "
                                      "ensure that Principals are valid.");
}

/* None for the empty text. */
static enum err set_policy(struct request *request, yyjson_mut_doc *doc, yyjson_mut_val *api,
                           struct str given, struct str api_id)
{
    struct str policy = full_policy(request, given, api_id);
    if (!policy.len) {
        yyjson_mut_obj_remove_key(api, "policy");
        return OK;
    }
    enum err rc = check_policy(request, policy);
    if (rc == OK)
        apigw_set_str(doc, api, STR("policy"), policy);
    return rc;
}

/* --- Checks --- */

static enum err check_input(struct request *request)
{
    yyjson_val *input = request->input;
    enum err rc = apigw_require(request, "name");
    if (rc == OK)
        rc = apigw_check_enum(request, "apiKeySource", request_str(request, "apiKeySource"),
                              "[AUTHORIZER, HEADER]");
    if (rc == OK)
        rc = apigw_check_enum(request, "endpointAccessMode",
                              request_str(request, "endpointAccessMode"), "[BASIC, STRICT]");
    if (rc == OK)
        rc = check_shape(request, json_get(input, "endpointConfiguration"));
    struct str description = request_str(request, "description");
    if (rc == OK && description.ptr && description.len == 0)
        rc = apigw_bad_request(request, "Description cannot be an empty string");
    if (rc == OK)
        rc = check_compression(request, input);
    if (rc == OK)
        rc = apigw_check_tags(request, json_get(input, "tags"));
    return rc ? rc : check_endpoint(request, json_get(input, "endpointConfiguration"));
}

/* --- Creating --- */

static void add_endpoint(yyjson_mut_doc *doc, yyjson_mut_val *api, yyjson_val *configuration)
{
    yyjson_mut_val *object = json_add_obj(doc, api, "endpointConfiguration");
    struct str type = json_str(yyjson_arr_get_first(json_get(configuration, "types")));
    struct str address = json_get_str(configuration, "ipAddressType");
    yyjson_mut_val *types = json_add_arr(doc, object, "types");
    yyjson_mut_arr_add_strncpy(doc, types, type.ptr ? type.ptr : "EDGE", type.ptr ? type.len : 4);
    if (!address.len)
        address = str_eq(type, STR("PRIVATE")) ? STR("dualstack") : STR("ipv4");
    apigw_set_str(doc, object, STR("ipAddressType"), address);
    json_add_copy(doc, object, "vpcEndpointIds", json_get(configuration, "vpcEndpointIds"));
}

static enum err build_api(struct request *request, yyjson_mut_doc *doc, yyjson_mut_val *api)
{
    static const struct member members[] = {
        {"name", MEMBER_STRING},
        {"description", MEMBER_STRING},
        {"version", MEMBER_STRING},
        {"minimumCompressionSize", MEMBER_INTEGER},
        {"disableExecuteApiEndpoint", MEMBER_BOOL},
        {"apiKeySource", MEMBER_STRING},
        {"securityPolicy", MEMBER_STRING},
        {"endpointAccessMode", MEMBER_STRING},
        {"tags", MEMBER_STRING_MAP},
    };
    static const struct member media_types[] = {{"binaryMediaTypes", MEMBER_STRING_LIST}};
    json_add_str(doc, api, "apiKeySource", STR("HEADER"));
    json_add_bool(doc, api, "disableExecuteApiEndpoint", false);
    json_add_i64(doc, api, "createdDate", apigw_now());
    enum err rc = APIGW_COPY(request, doc, api, request->input, members);
    if (rc == OK && yyjson_arr_size(json_get(request->input, "binaryMediaTypes")))
        rc = APIGW_COPY(request, doc, api, request->input, media_types);
    add_endpoint(doc, api, json_get(request->input, "endpointConfiguration"));
    return rc;
}

static void put_root(const struct view *view, struct str id, struct str root)
{
    yyjson_mut_doc *doc = json_doc(view->arena);
    yyjson_mut_val *resource = yyjson_mut_obj(doc);
    json_add_str(doc, resource, "id", root);
    json_add_str(doc, resource, "path", STR("/"));
    state_put(view, state_key(view->arena, "resource", id, root), resource);
}

/* What the call does not give is as the other API has it. */
static enum err copy_from(struct request *request, const struct view *view, yyjson_mut_doc *doc,
                          yyjson_mut_val *api)
{
    static const char *const members[] = {"description", "version", "minimumCompressionSize",
                                          "apiKeySource", "binaryMediaTypes"};
    struct str from_id = request_str(request, "cloneFrom"), id = json_mut_get_str(api, "id");
    yyjson_val *from;
    enum err rc = apigw_find_api(request, view, from_id, &from);
    for (size_t i = 0; rc == OK && i < sizeof(members) / sizeof(members[0]); i++) {
        yyjson_val *value = json_get(from, members[i]);
        if (value && !json_get(request->input, members[i]))
            apigw_set(doc, api, str_from(members[i]), yyjson_val_mut_copy(doc, value));
    }
    if (rc == OK && json_get(from, "policy") && !json_get(request->input, "policy"))
        apigw_set_str(doc, api, STR("policy"),
                      clone_policy(request->arena, json_get_str(from, "policy"), from_id, id));
    return rc ? rc : clone_parts(view, from, id, json_mut_get_str(api, "rootResourceId"));
}

static enum err run_create(struct request *request, struct store_txn *txn)
{
    struct view view = apigw_view(request, txn);
    struct str id = apigw_new_api_id(request->arena), root = apigw_new_id(request->arena);
    yyjson_mut_doc *doc = json_doc(request->arena);
    yyjson_mut_val *api = yyjson_mut_obj(doc);
    json_add_str(doc, api, "id", id);
    json_add_str(doc, api, "rootResourceId", root);
    enum err rc = build_api(request, doc, api);
    if (rc == OK)
        rc = set_policy(request, doc, api, given_policy(request), id);
    if (rc)
        return rc;
    if (request_str(request, "cloneFrom").len) {
        rc = copy_from(request, &view, doc, api);
    } else {
        put_root(&view, id, root);
        models_add_own(&view, id);
    }
    if (rc)
        return rc;
    state_put(&view, state_key(request->arena, "api", id, NO_PART), api);
    return apigw_answer(request, doc, api);
}

enum err apigw_create_rest_api(struct request *request)
{
    enum err rc = check_input(request);
    return rc ? rc : apigw_write(request, run_create);
}

/* --- Reading --- */

enum err apigw_get_rest_api(struct request *request)
{
    struct view view = apigw_view(request, NULL);
    yyjson_val *api;
    enum err rc = apigw_find_api(request, &view, apigw_label(request, "restapi_id"), &api);
    if (rc == OK)
        rc = apigw_answer_copy(request, api);
    if (rc == OK)
        apigw_answer_tags(request);
    return rc;
}

enum err apigw_get_rest_apis(struct request *request)
{
    return apigw_list(request, state_prefix(request->arena, "api", NO_PART), NULL);
}

/* --- Updating --- */

static enum err patch_compression(struct patch_target *target, const struct patch_op *op)
{
    static const char name[] = "minimumCompressionSize";
    uint64_t size;
    if (!op->value.ptr || op->value.len == 0) {
        yyjson_mut_obj_remove_key(target->object, name);
        return OK;
    }
    if (!str_to_u64(op->value, &size) || size > MAX_COMPRESSION_SIZE)
        return apigw_bad_request(
            target->request, "Invalid minimum compression size, must be between 0 and 10485760");
    apigw_set(target->doc, target->object, str_from(name), yyjson_mut_uint(target->doc, size));
    return OK;
}

static enum err patch_key_source(struct patch_target *target, const struct patch_op *op)
{
    if (!str_eq(op->value, STR("HEADER")) && !str_eq(op->value, STR("AUTHORIZER")))
        return apigw_bad_request(target->request, "Invalid API key source specified");
    apigw_set_str(target->doc, target->object, STR("apiKeySource"), op->value);
    return OK;
}

static enum err patch_name(struct patch_target *target, const struct patch_op *op)
{
    if (op->value.len == 0)
        return apigw_bad_request(target->request, "API name cannot be empty");
    apigw_set_str(target->doc, target->object, STR("name"), op->value);
    return OK;
}

/* "/endpointConfiguration/types/EDGE" with the value "REGIONAL". */
static enum err patch_endpoint_type(struct patch_target *target, const struct patch_op *op)
{
    if (op->op != PATCH_ADD && op->op != PATCH_REMOVE && op->op != PATCH_REPLACE)
        return apigw_bad_request(
            target->request, "Invalid patch operation specified. Must be 'add'|'remove'|'replace'");
    if (op->op == PATCH_REMOVE)
        return apigw_bad_request(target->request, NO_ENDPOINT_TYPE);
    if (!is_endpoint_type(op->value))
        return apigw_bad_request(
            target->request,
            "Invalid EndpointTypes specified. Valid options are REGIONAL,EDGE,PRIVATE");
    yyjson_mut_val *configuration =
        apigw_object_member(target->doc, target->object, STR("endpointConfiguration"));
    yyjson_mut_val *types = yyjson_mut_arr(target->doc);
    yyjson_mut_arr_add_strncpy(target->doc, types, op->value.ptr, op->value.len);
    apigw_set(target->doc, configuration, STR("types"), types);
    if (str_eq(op->value, STR("PRIVATE")))
        apigw_set_str(target->doc, configuration, STR("ipAddressType"), STR("dualstack"));
    return OK;
}

static enum err patch_address_type(struct patch_target *target, const struct patch_op *op)
{
    yyjson_mut_val *configuration =
        apigw_object_member(target->doc, target->object, STR("endpointConfiguration"));
    struct str type =
        apigw_mut_str(yyjson_mut_arr_get_first(apigw_member(configuration, STR("types"))));
    bool is_v4 = str_eq(op->value, STR("ipv4"));
    if (!is_address_type(op->value))
        return apigw_bad_request(target->request,
                                 "ipAddressType must be either ipv4 or dualstack.");
    if (is_v4 && str_eq(type, STR("PRIVATE")))
        return apigw_bad_request(target->request, ONLY_DUALSTACK);
    apigw_set_str(target->doc, configuration, STR("ipAddressType"), op->value);
    return OK;
}

/* "/endpointConfiguration/vpcEndpointIds": the value is added or taken out. */
static enum err patch_endpoint_ids(struct patch_target *target, const struct patch_op *op)
{
    size_t i, max;
    yyjson_mut_val *id;
    yyjson_mut_val *configuration =
        apigw_object_member(target->doc, target->object, STR("endpointConfiguration"));
    yyjson_mut_val *old = apigw_member(configuration, STR("vpcEndpointIds"));
    yyjson_mut_val *ids = yyjson_mut_arr(target->doc);
    if (op->value.len == 0)
        return apigw_bad_request(target->request, "Invalid VPC endpoint specified");
    yyjson_mut_arr_foreach (old, i, max, id) {
        if (!str_eq(apigw_mut_str(id), op->value))
            yyjson_mut_arr_append(ids, yyjson_mut_val_mut_copy(target->doc, id));
    }
    if (op->op == PATCH_ADD)
        yyjson_mut_arr_add_strncpy(target->doc, ids, op->value.ptr, op->value.len);
    if (yyjson_mut_arr_size(ids))
        apigw_set(target->doc, configuration, STR("vpcEndpointIds"), ids);
    else
        yyjson_mut_obj_remove_key(configuration, "vpcEndpointIds");
    return OK;
}

static enum err patch_policy(struct patch_target *target, const struct patch_op *op)
{
    return set_policy(target->request, target->doc, target->object,
                      op->value.ptr ? op->value : STR_EMPTY,
                      apigw_label(target->request, "restapi_id"));
}

static enum err patch_access_mode(struct patch_target *target, const struct patch_op *op)
{
    if (!str_eq(op->value, STR("BASIC")) && !str_eq(op->value, STR("STRICT")))
        return apigw_bad_request(target->request, "Invalid endpoint access mode specified");
    apigw_set_str(target->doc, target->object, STR("endpointAccessMode"), op->value);
    return OK;
}

#define ANY_OPERATION                                                                              \
    (PATCH_ADD | PATCH_REMOVE | PATCH_REPLACE | PATCH_COPY | PATCH_MOVE | PATCH_TEST)

static const struct patch_rule api_rules[] = {
    {"/name", PATCH_REPLACE, PATCH_CUSTOM, patch_name, NULL},
    {"/description", PATCH_REPLACE | PATCH_REMOVE, PATCH_STRING, NULL, NULL},
    {"/version", PATCH_REPLACE, PATCH_STRING, NULL, NULL},
    {"/binaryMediaTypes/{type}", PATCH_ADD | PATCH_REMOVE | PATCH_REPLACE, PATCH_SET, NULL, NULL},
    {"/minimumCompressionSize", PATCH_REPLACE, PATCH_CUSTOM, patch_compression, NULL},
    {"/apiKeySource", PATCH_REPLACE, PATCH_CUSTOM, patch_key_source, NULL},
    {"/disableExecuteApiEndpoint", PATCH_REPLACE, PATCH_BOOL, NULL, NULL},
    {"/policy", PATCH_REPLACE | PATCH_REMOVE, PATCH_CUSTOM, patch_policy, NULL},
    {"/securityPolicy", PATCH_REPLACE, PATCH_STRING, NULL, NULL},
    {"/endpointAccessMode", PATCH_REPLACE, PATCH_CUSTOM, patch_access_mode, NULL},
    {"/endpointConfiguration/types/{type}", ANY_OPERATION, PATCH_CUSTOM, patch_endpoint_type, NULL},
    {"/endpointConfiguration/vpcEndpointIds", PATCH_ADD | PATCH_REMOVE, PATCH_CUSTOM,
     patch_endpoint_ids, NULL},
    {"/endpointConfiguration/ipAddressType", PATCH_REPLACE, PATCH_CUSTOM, patch_address_type, NULL},
};

static const struct patch_table api_table = PATCH_TABLE(api_rules, PATCH_STYLE_SHORT, NULL);

static enum err run_update(struct request *request, struct store_txn *txn)
{
    struct view view = apigw_view(request, txn);
    struct str id = apigw_label(request, "restapi_id"), *stages;
    size_t count;
    yyjson_val *api;
    enum err rc = patch_check(request, STR_EMPTY);
    if (rc == OK)
        rc = apigw_find_api(request, &view, id, &api);
    if (rc == OK)
        rc = patch_document(request, txn, api_key_of(request), &api_table, "");
    if (rc == OK)
        rc = state_names(&view, state_prefix(request->arena, "stage", id), &stages, &count);
    /* Whether execute-api hosts are refused holds at once, without a deployment. */
    for (size_t i = 0; rc == OK && i < count; i++)
        apigw_touch(request, TOUCH_STAGE, id, stages[i]);
    if (rc == OK)
        apigw_answer_tags(request);
    return rc;
}

enum err apigw_update_rest_api(struct request *request)
{
    return apigw_write(request, run_update);
}

/* --- Deleting --- */

static enum err check_unmapped(struct request *request, const struct view *view, struct str id)
{
    struct str domains;
    enum err rc = apigw_mapped_domains(request, view, id, NO_PART, &domains);
    if (rc || domains.len == 0)
        return rc;
    return apigw_bad_request(request,
                             "Deleting RestApi %.*s failed. Please remove all base path mappings "
                             "related to the RestApi in your domains: %.*s",
                             STR_ARG(id), STR_ARG(domains));
}

static enum err remove_stages(struct request *request, const struct view *view, struct str id)
{
    struct str *stages;
    size_t count;
    enum err rc = state_names(view, state_prefix(request->arena, "stage", id), &stages, &count);
    for (size_t i = 0; rc == OK && i < count; i++)
        rc = apigw_remove_stage(request, view, id, stages[i]);
    return rc;
}

static enum err run_delete(struct request *request, struct store_txn *txn)
{
    static const char *const parts[] = {"resource",
                                        "deployment",
                                        "snapshot",
                                        "gatewayresponse",
                                        "model",
                                        "validator",
                                        "authorizer",
                                        "documentationpart",
                                        "documentationversion",
                                        "documentationsnapshot"};
    struct view view = apigw_view(request, txn);
    struct str id = apigw_label(request, "restapi_id");
    yyjson_val *api;
    enum err rc = apigw_find_api(request, &view, id, &api);
    if (rc == OK)
        rc = check_unmapped(request, &view, id);
    if (rc == OK)
        rc = remove_stages(request, &view, id);
    for (size_t i = 0; rc == OK && i < sizeof(parts) / sizeof(parts[0]); i++)
        rc = state_delete_all(&view, state_prefix(request->arena, parts[i], id));
    if (rc == OK)
        state_delete(&view, api_key_of(request));
    return rc;
}

enum err apigw_delete_rest_api(struct request *request)
{
    return apigw_write(request, run_delete);
}
