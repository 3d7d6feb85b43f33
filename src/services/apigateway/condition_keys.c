/* The condition keys of API Gateway's actions: what a request gives (apigateway:Request/...), what
 * is there already (apigateway:Resource/...), and tags
 * (https://docs.aws.amazon.com/apigateway/latest/developerguide/security_iam_service-with-iam.html).
 *
 * A member that a request leaves out has the value that it gets. An update gives the values of its
 * patches, an import those of all methods and authorizers of its document. */
#include "services/apigateway/internal.h"
#include "services/apigateway/openapi/plan.h"

/* One key of either kind, by the name behind "Request/" or "Resource/". */
struct subject {
    const char *name;
    const char *noun;    /* of the operations: "RestApi" of CreateRestApi and UpdateRestApi */
    const char *path[2]; /* of the member in inputs and documents */
    const char *fallback;
};

static const struct subject subjects[] = {
    {"AccessLoggingDestination", "Stage", {"accessLogSettings", "destinationArn"}, NULL},
    {"AccessLoggingFormat", "Stage", {"accessLogSettings", "format"}, NULL},
    {"ApiKeyRequired", "Method", {"apiKeyRequired"}, "false"},
    {"ApiName", "RestApi", {"name"}, NULL},
    {"AuthorizerType", "Authorizer", {"type"}, NULL},
    {"DisableExecuteApiEndpoint", "RestApi", {"disableExecuteApiEndpoint"}, "false"},
    {"EndpointType", "RestApi", {"endpointConfiguration", "types"}, "EDGE"},
    {"EndpointType", "DomainName", {"endpointConfiguration", "types"}, "EDGE"},
    {"MtlsTrustStoreUri", "DomainName", {"mutualTlsAuthentication", "truststoreUri"}, NULL},
    {"MtlsTrustStoreVersion", "DomainName", {"mutualTlsAuthentication", "truststoreVersion"}, NULL},
    {"RouteAuthorizationType", "Method", {"authorizationType"}, "NONE"},
    {"RoutingMode", "DomainName", {"routingMode"}, "BASE_PATH_MAPPING_ONLY"},
    {"SecurityPolicy", "DomainName", {"securityPolicy"}, "TLS_1_2"},
    {"SecurityPolicy", "RestApi", {"securityPolicy"}, NULL},
    {"StageName", "Deployment", {"stageName"}, NULL},
};

enum { SUBJECTS = sizeof(subjects) / sizeof(subjects[0]) };

static bool is_import(const struct condition_question *question)
{
    const char *name = question->request->operation->name;
    return strcmp(name, "ImportRestApi") == 0 || strcmp(name, "PutRestApi") == 0;
}

/* True when the operation has the key; an import has those of all that an API is made of. */
static bool is_of(const struct condition_question *question, const struct subject *subject)
{
    const char *name = question->request->operation->name;
    struct str key = str_from(strchr(question->name.ptr, '/') + 1), noun = str_from(subject->noun);
    if (!str_eq(key, str_from(subject->name)))
        return false;
    if (is_import(question))
        return !str_eq(noun, STR("DomainName")) && !str_eq(noun, STR("Stage")) &&
               !str_eq(noun, STR("Deployment"));
    return str_ends(str_from(name), noun);
}

static void add_value(const struct subject *subject, yyjson_val *document, bool has_fallback,
                      struct condition_values *out)
{
    size_t before = out->count;
    yyjson_val *value = json_get(document, subject->path[0]);
    if (subject->path[1])
        value = json_get(value, subject->path[1]);
    condition_add_list(out, value);
    if (out->count == before && has_fallback && subject->fallback)
        condition_add(out, str_from(subject->fallback));
}

/* --- What a request gives --- */

/* "/endpointConfiguration/types/EDGE" is of endpointConfiguration.types too. */
static bool is_patch_of(const struct subject *subject, struct str path)
{
    struct str part;
    str_cut(&path, '/', &part);
    for (int i = 0; i < 2 && subject->path[i]; i++) {
        str_cut(&path, '/', &part);
        if (!str_eq(part, str_from(subject->path[i])))
            return false;
    }
    return true;
}

static void add_patches(const struct condition_question *question, const struct subject *subject,
                        struct condition_values *out)
{
    yyjson_val *list = json_get(question->request->input, "patchOperations"), *patch;
    size_t i, max;
    yyjson_arr_foreach (list, i, max, patch) {
        if (is_patch_of(subject, json_get_str(patch, "path")))
            condition_add_json(out, json_get(patch, "value"));
    }
}

/* The plan of the document that is imported, or NULL. */
static yyjson_val *read_plan(const struct condition_question *question, struct arena *arena)
{
    struct openapi_document document;
    struct openapi_plan plan;
    struct error error;
    if (openapi_parse(arena, apigw_body(question->request), &document, &error))
        return NULL;
    openapi_plan_make(&document, OPENAPI_IGNORE, &plan);
    yyjson_val *root = json_parse(arena, json_write(arena, plan.root));
    openapi_plan_release(&plan);
    return root;
}

static void add_of_methods(const struct subject *subject, yyjson_val *plan,
                           struct condition_values *out)
{
    yyjson_val *paths = json_get(plan, "paths"), *path, *method;
    size_t i, j, max, count;
    yyjson_arr_foreach (paths, i, max, path) {
        yyjson_val *methods = json_get(path, "methods");
        yyjson_arr_foreach (methods, j, count, method) {
            add_value(subject, json_get(method, "put"), true, out);
        }
    }
}

/* The parameter beside the document goes before the document. */
static bool add_parameter(const struct condition_question *question, const struct subject *subject,
                          struct condition_values *out)
{
    static const char name[] = "endpointConfigurationTypes";
    yyjson_val *input = question->request->input;
    struct str type = json_get_str(input, name);
    if (!type.ptr)
        type = json_get_str(json_get(input, "parameters"), name);
    if (!type.ptr || strcmp(subject->name, "EndpointType") != 0)
        return false;
    condition_add(out, type);
    return true;
}

static void add_imported(const struct condition_question *question, const struct subject *subject,
                         struct condition_values *out)
{
    yyjson_val *authorizer, *plan = read_plan(question, out->arena);
    size_t i, max;
    if (!plan || add_parameter(question, subject, out))
        return;
    if (strcmp(subject->noun, "Method") == 0) {
        add_of_methods(subject, plan, out);
    } else if (strcmp(subject->noun, "Authorizer") == 0) {
        yyjson_val *list = json_get(plan, "authorizers");
        yyjson_arr_foreach (list, i, max, authorizer) {
            add_value(subject, authorizer, false, out);
        }
    } else {
        add_value(subject, json_get(plan, "api"), true, out);
    }
}

static void given(const struct condition_question *question, struct condition_values *out)
{
    if (!condition_is_own(question))
        return;
    const char *name = question->request->operation->name;
    bool is_making =
        str_starts(str_from(name), STR("Create")) || str_starts(str_from(name), STR("Put"));
    for (size_t i = 0; i < SUBJECTS; i++) {
        const struct subject *subject = &subjects[i];
        if (!is_of(question, subject))
            continue;
        if (is_import(question))
            add_imported(question, subject, out);
        else if (is_making)
            add_value(subject, question->request->input, true, out);
        else
            add_patches(question, subject, out);
    }
}

/* --- What is there --- */

/* A walk's document is gone when the walk goes on: its values are copied. */
struct collection {
    const struct subject *subject;
    struct condition_values *out;
};

static enum err add_methods_of(void *arg, struct str name, yyjson_val *document)
{
    struct collection *collection = arg;
    yyjson_val *key, *method, *methods = json_get(document, "resourceMethods");
    size_t i, max, first = collection->out->count;
    (void)name;
    yyjson_obj_foreach (methods, i, max, key, method) {
        add_value(collection->subject, method, true, collection->out);
    }
    condition_keep(collection->out, first);
    return OK;
}

static enum err add_document(void *arg, struct str name, yyjson_val *document)
{
    struct collection *collection = arg;
    size_t first = collection->out->count;
    (void)name;
    add_value(collection->subject, document, true, collection->out);
    condition_keep(collection->out, first);
    return OK;
}

/* Adds those of all methods or authorizers of an API that is imported anew. */
static void add_collection(const struct view *view, const struct subject *subject,
                           struct str api_id, struct condition_values *out)
{
    struct collection collection = {subject, out};
    bool is_method = strcmp(subject->noun, "Method") == 0;
    struct str prefix = state_prefix(view->arena, is_method ? "resource" : "authorizer", api_id);
    if (state_each(view, prefix, STR_EMPTY, is_method ? add_methods_of : add_document, &collection))
        condition_add(out, STR_EMPTY); /* unreadable is not "none" */
}

/* The document of the kind that an operation is about; NULL when there is none. */
static yyjson_val *find_document(const struct condition_question *question, const struct view *view,
                                 const struct subject *subject)
{
    struct request *request = question->request;
    struct str api_id = apigw_label(request, "restapi_id"), verb;
    yyjson_val *document = NULL;
    const char *noun = subject->noun;
    struct str key = state_key(view->arena, "api", api_id, NO_PART);
    if (strcmp(noun, "Method") == 0)
        key = state_key(view->arena, "resource", api_id, apigw_label(request, "resource_id"));
    else if (strcmp(noun, "Authorizer") == 0)
        key = state_key(view->arena, "authorizer", api_id, apigw_label(request, "authorizer_id"));
    else if (strcmp(noun, "Stage") == 0)
        key = state_key(view->arena, "stage", api_id, apigw_label(request, "stage_name"));
    else if (strcmp(noun, "DomainName") == 0)
        key = state_key(view->arena, "domain",
                        apigw_lower(view->arena, apigw_label(request, "domain_name")), NO_PART);
    if (state_get(view, key, &document) || strcmp(noun, "Method") != 0)
        return document;
    verb = apigw_label(request, "http_method");
    return yyjson_obj_getn(json_get(document, "resourceMethods"), verb.ptr, verb.len);
}

static void present(const struct condition_question *question, struct condition_values *out)
{
    struct error error;
    struct view view = {.store = question->skylite->store, .arena = out->arena, .error = &error};
    if (!condition_is_own(question))
        return;
    for (size_t i = 0; i < SUBJECTS; i++) {
        const struct subject *subject = &subjects[i];
        if (!is_of(question, subject))
            continue;
        if (is_import(question) && strcmp(subject->noun, "RestApi") != 0) {
            add_collection(&view, subject, apigw_label(question->request, "restapi_id"), out);
            continue;
        }
        yyjson_val *document = find_document(question, &view, subject);
        if (document)
            add_value(subject, document, true, out);
    }
}

/* --- Tags --- */

static yyjson_val *own_member(const struct condition_question *question, const char *name)
{
    return condition_is_own(question) ? json_get(question->request->input, name) : NULL;
}

static void request_tag(const struct condition_question *question, struct condition_values *out)
{
    condition_add_tag(out, own_member(question, "tags"), question->tail);
}

static void tag_keys(const struct condition_question *question, struct condition_values *out)
{
    condition_add_tag_keys(out, own_member(question, "tags"));
    condition_add_list(out, own_member(question, "tagKeys"));
}

/* A resource without tags of its own has those that it is below: a stage's parts the stage's, all
 * else below an API the API's. */
static void resource_tag(const struct condition_question *question, struct condition_values *out)
{
    struct error error;
    struct view view = {.store = question->skylite->store, .arena = out->arena, .error = &error};
    yyjson_val *document = NULL;
    if (apigw_find_tagged(&view, question->authorization->resource, &document) == OK)
        condition_add_tag(out, json_get(document, "tags"), question->tail);
}

#define MAKING   "POST PUT PATCH"
#define CHANGING "PUT PATCH DELETE"
#define NO_LINKS "Domain names are not private, and associated with nothing"

const struct condition_key apigw_condition_keys[] = {
    {"apigateway:Request/AccessLoggingDestination", MAKING, given, NULL},
    {"apigateway:Request/AccessLoggingFormat", MAKING, given, NULL},
    {"apigateway:Request/ApiKeyRequired", MAKING, given, NULL},
    {"apigateway:Request/ApiName", MAKING, given, NULL},
    {"apigateway:Request/AuthorizerType", MAKING, given, NULL},
    {"apigateway:Request/DisableExecuteApiEndpoint", MAKING, given, NULL},
    {"apigateway:Request/EndpointType", MAKING, given, NULL},
    {"apigateway:Request/MtlsTrustStoreUri", MAKING, given, NULL},
    {"apigateway:Request/MtlsTrustStoreVersion", MAKING, given, NULL},
    {"apigateway:Request/RouteAuthorizationType", MAKING, given, NULL},
    {"apigateway:Request/RoutingMode", MAKING, given, NULL},
    {"apigateway:Request/SecurityPolicy", MAKING, given, NULL},
    {"apigateway:Request/StageName", MAKING, given, NULL},
    {"apigateway:Request/AccessAssociationSource", NULL, NULL, NO_LINKS},
    {"apigateway:Request/DomainNameArn", NULL, NULL, NO_LINKS},
    {"apigateway:Resource/AccessLoggingDestination", CHANGING, present, NULL},
    {"apigateway:Resource/AccessLoggingFormat", CHANGING, present, NULL},
    {"apigateway:Resource/ApiKeyRequired", CHANGING, present, NULL},
    {"apigateway:Resource/ApiName", CHANGING, present, NULL},
    {"apigateway:Resource/AuthorizerType", CHANGING, present, NULL},
    {"apigateway:Resource/DisableExecuteApiEndpoint", CHANGING, present, NULL},
    {"apigateway:Resource/EndpointType", CHANGING, present, NULL},
    {"apigateway:Resource/MtlsTrustStoreUri", CHANGING, present, NULL},
    {"apigateway:Resource/MtlsTrustStoreVersion", CHANGING, present, NULL},
    {"apigateway:Resource/RouteAuthorizationType", CHANGING, present, NULL},
    {"apigateway:Resource/RoutingMode", CHANGING, present, NULL},
    {"apigateway:Resource/SecurityPolicy", CHANGING, present, NULL},
    {"aws:RequestTag/", "POST PUT PATCH DELETE", request_tag, NULL},
    {"aws:TagKeys", "POST PUT PATCH DELETE", tag_keys, NULL},
    {"aws:ResourceTag/", NULL, resource_tag, NULL},
};
const size_t apigw_condition_key_count =
    sizeof(apigw_condition_keys) / sizeof(apigw_condition_keys[0]);
