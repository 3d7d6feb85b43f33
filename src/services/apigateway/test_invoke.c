/* TestInvokeMethod and TestInvokeAuthorizer: methods and authorizers as they are now, deployed or
 * not. */
#include "services/apigateway/authorizers.h"
#include "services/apigateway/plane/trial.h"
#include "wire/query.h"

enum { MAX_HEADERS = 200 };

/* What a request with a test has in its arena. */
struct test {
    struct request *request;
    struct trial trial;
};

/* --- The answer --- */

static void add_headers(struct request *request, const struct trial *trial)
{
    yyjson_mut_doc *doc = request->doc;
    yyjson_mut_val *output = request_output(request);
    yyjson_mut_val *single = json_add_obj(doc, output, "headers");
    yyjson_mut_val *multi = json_add_obj(doc, output, "multiValueHeaders");
    for (size_t i = 0; i < trial->header_count; i++) {
        struct str name = arena_str(request->arena, trial->headers[i].name);
        struct str value = arena_str(request->arena, trial->headers[i].value);
        apigw_set_str(doc, single, name, value);
        yyjson_mut_val *values = apigw_member(multi, name);
        if (!values) {
            values = yyjson_mut_arr(doc);
            apigw_set(doc, multi, name, values);
        }
        yyjson_mut_arr_add_strn(doc, values, value.ptr, value.len);
    }
}

static void finish(struct loop_task *task)
{
    struct request *request = (struct request *)((char *)task - offsetof(struct request, task));
    request_finish(request, OK);
}

/* The call may have been answered inside the handler. */
static void finish_later(struct request *request, const struct trial *trial)
{
    json_add_str(request->doc, request->output, "log", arena_str(request->arena, trial->log));
    json_add_i64(request->doc, request->output, "latency", trial->latency_ms);
    request->task.run = finish;
    loop_post(request->loop, &request->task);
}

static void answered(struct trial *trial)
{
    struct request *request = ((struct test *)trial->arg)->request;
    yyjson_mut_val *output = request_output(request);
    json_add_i64(request->doc, output, "status", trial->status);
    json_add_str(request->doc, output, "body", arena_str(request->arena, trial->body));
    add_headers(request, trial);
    finish_later(request, trial);
}

static void authorized(struct trial *trial)
{
    struct request *request = ((struct test *)trial->arg)->request;
    const struct authorized *said = trial->authorized;
    yyjson_mut_val *output = request_output(request);
    json_add_i64(request->doc, output, "clientStatus", trial->status);
    if (said) {
        json_add_str(request->doc, output, "principalId",
                     arena_str(request->arena, said->principal_id));
        json_add_str(request->doc, output, "policy", arena_str(request->arena, said->policy));
    }
    finish_later(request, trial);
}

/* --- The request --- */

static void add_header(struct http_exchange *exchange, struct str name, struct str value)
{
    if (exchange->header_count < MAX_HEADERS && header_name_is_valid(name) &&
        header_value_is_valid(value))
        exchange->headers[exchange->header_count++] = (struct http_header){name, value};
}

static void read_headers(struct request *request, struct http_exchange *exchange)
{
    size_t i, max, j, count;
    yyjson_val *key, *value, *values;
    exchange->headers = arena_array(request->arena, struct http_header, MAX_HEADERS);
    yyjson_obj_foreach (json_get(request->input, "headers"), i, max, key, value) {
        add_header(exchange, json_str(key), json_str(value));
    }
    yyjson_obj_foreach (json_get(request->input, "multiValueHeaders"), i, max, key, values) {
        yyjson_arr_foreach (values, j, count, value) {
            add_header(exchange, json_str(key), json_str(value));
        }
    }
}

/* The path that is asked for; the resource's own where none is given. */
static enum err read_path(struct request *request, struct str resource_path,
                          struct http_exchange *exchange)
{
    struct str given = request_str(request, "pathWithQueryString");
    exchange->target = given.len ? given : resource_path;
    exchange->query = exchange->target;
    str_cut(&exchange->query, '?', &exchange->path);
    if (exchange->path.len && exchange->path.ptr[0] == '/')
        return OK;
    return apigw_bad_request(request, "Invalid pathWithQueryString specified: %.*s",
                             STR_ARG(given));
}

static void fill_exchange(struct request *request, struct str verb, struct http_exchange *exchange)
{
    struct str body = request_str(request, "body");
    exchange->loop = request->loop;
    exchange->method = str_eq(verb, STR("ANY")) ? STR("GET") : verb;
    exchange->body = body.ptr ? body : STR_EMPTY;
    exchange->peer = STR("test-invoke-source-ip");
    read_headers(request, exchange);
}

/* --- The stage --- */

/* A stage of the snapshot, whose execution log says all. */
static struct stage *make_stage(struct request *request, yyjson_val *api, yyjson_mut_val *snapshot)
{
    yyjson_mut_doc *doc = json_doc(request->arena);
    yyjson_mut_val *stage = yyjson_mut_obj(doc);
    yyjson_mut_val *settings = json_add_obj(doc, stage, "methodSettings");
    yyjson_mut_val *all = json_add_obj(doc, settings, "*/*");
    json_add_str(doc, stage, "stageName", STR("test-invoke-stage"));
    json_add_copy(doc, stage, "variables", json_get(request->input, "stageVariables"));
    json_add_str(doc, all, "loggingLevel", STR("INFO"));
    json_add_bool(doc, all, "dataTraceEnabled", true);
    static const struct metric_capability no_metrics = {0};
    struct stage_source source = {
        .metrics = &no_metrics,
        .account = request->skylite->config.account,
        .region = request->skylite->config.region,
        .api = api,
        .stage = json_parse(request->arena, json_write(request->arena, stage)),
        .snapshot = json_parse(request->arena, json_write(request->arena, snapshot)),
    };
    return stage_compile(&source);
}

/* Nothing but a method at the root, which the authorizer guards. */
static yyjson_mut_val *make_guarded(struct request *request, yyjson_val *authorizer)
{
    yyjson_mut_doc *doc = json_doc(request->arena);
    yyjson_mut_val *snapshot = yyjson_mut_obj(doc), *root = yyjson_mut_obj(doc);
    struct str id = json_get_str(authorizer, "id");
    yyjson_mut_arr_append(json_add_arr(doc, snapshot, "resources"), root);
    json_add_str(doc, root, "path", STR("/"));
    yyjson_mut_val *method = json_add_obj(doc, json_add_obj(doc, root, "resourceMethods"), "GET");
    json_add_str(doc, method, "authorizationType", STR("CUSTOM"));
    json_add_str(doc, method, "authorizerId", id);
    apigw_set(doc, json_add_obj(doc, snapshot, "authorizers"), id,
              yyjson_val_mut_copy(doc, authorizer));
    return snapshot;
}

/* ANY is called as such, whatever other methods the resource has. */
static void keep_method(yyjson_mut_val *snapshot, struct str verb)
{
    size_t i, max;
    yyjson_mut_val *resource;
    yyjson_mut_arr_foreach (yyjson_mut_obj_get(snapshot, "resources"), i, max, resource) {
        yyjson_mut_val *methods = yyjson_mut_obj_get(resource, "resourceMethods"), *key;
        yyjson_mut_obj_iter iter = yyjson_mut_obj_iter_with(methods);
        while ((key = yyjson_mut_obj_iter_next(&iter))) {
            if (!str_eq(apigw_mut_str(key), verb))
                yyjson_mut_obj_iter_remove(&iter);
        }
    }
}

enum err apigw_test_invoke_method(struct request *request)
{
    struct view view = apigw_view(request, NULL);
    struct test *test = arena_new(request->arena, struct test);
    yyjson_val *api, *resource, *method;
    yyjson_mut_val *snapshot;
    enum err rc = apigw_find_resource(request, &view, &resource);
    if (rc == OK)
        rc = apigw_find_api(request, &view, apigw_label(request, "restapi_id"), &api);
    if (rc == OK)
        rc = apigw_find_method(request, &method);
    if (rc == OK)
        rc = read_path(request, json_get_str(resource, "path"), &test->trial.exchange);
    if (rc == OK)
        rc = apigw_snapshot(request, &view, api, json_get_str(resource, "id"), &snapshot);
    if (rc)
        return rc;
    keep_method(snapshot, apigw_label(request, "http_method"));
    test->trial.resource_path = json_get_str(resource, "path");
    test->request = request;
    test->trial.done = answered;
    test->trial.arg = test;
    fill_exchange(request, apigw_label(request, "http_method"), &test->trial.exchange);
    trial_run(request_self(request, struct apigateway)->plane, make_stage(request, api, snapshot),
              &test->trial);
    return ERR_PENDING;
}

enum err apigw_test_invoke_authorizer(struct request *request)
{
    struct view view = apigw_view(request, NULL);
    struct test *test = arena_new(request->arena, struct test);
    yyjson_val *api, *authorizer;
    enum err rc = apigw_find_api(request, &view, apigw_label(request, "restapi_id"), &api);
    if (rc == OK)
        rc = authorizers_find(request, &view, &authorizer);
    if (rc == OK)
        rc = read_path(request, STR("/"), &test->trial.exchange);
    if (rc == OK && yyjson_obj_size(json_get(request->input, "additionalContext")))
        rc =
            apigw_bad_request(request, "Additional context is not supported: variables of $context "
                                       "are those of the request itself");
    if (rc)
        return rc;
    test->request = request;
    test->trial.done = authorized;
    test->trial.arg = test;
    fill_exchange(request, STR("GET"), &test->trial.exchange);
    trial_authorize(request_self(request, struct apigateway)->plane,
                    make_stage(request, api, make_guarded(request, authorizer)), &test->trial);
    return ERR_PENDING;
}
