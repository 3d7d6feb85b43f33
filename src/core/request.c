/* The life of a request: permissions, running, writes, calls between services. */
#include "core/request.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/encode.h"
#include "core/arn.h"
#include "core/condition_keys.h"
#include "core/internal.h"
#include "wire/cbor.h"

void request_finish(struct request *request, enum err rc)
{
    assert(rc != ERR_PENDING);
    if (request->started_us)
        request->service->observe(request, rc);
    request->finished(request, rc);
}

yyjson_mut_val *request_output(struct request *request)
{
    if (!request->doc)
        request->doc = json_doc(request->arena);
    if (!request->output)
        request->output = yyjson_mut_obj(request->doc);
    return request->output;
}

yyjson_mut_val *request_time(struct request *request, int64_t wall_ms)
{
    if (request->protocol == PROTOCOL_QUERY || request->protocol == PROTOCOL_REST_XML) {
        struct str text = clock_iso8601_ms(request->arena, wall_ms);
        return yyjson_mut_strn(request->doc, text.ptr, text.len);
    }
    if (request->protocol == PROTOCOL_RPC_CBOR)
        return cbor_time(request->doc, request->arena, wall_ms);
    if (wall_ms % 1000 == 0)
        return yyjson_mut_sint(request->doc, wall_ms / 1000);
    return yyjson_mut_real(request->doc, (double)wall_ms / 1000);
}

void request_add_time(struct request *request, yyjson_mut_val *object, const char *key,
                      int64_t wall_ms)
{
    json_add(request->doc, object, key, request_time(request, wall_ms));
}

void request_add_header(struct request *request, struct str name, struct str value)
{
    size_t max = sizeof(request->extra_headers) / sizeof(request->extra_headers[0]);
    assert(request->extra_header_count < max);
    request->extra_headers[request->extra_header_count++] = (struct http_header){name, value};
}

struct str request_header(const struct request *request, struct str name)
{
    return request->exchange ? http_header_get(request->exchange, name) : (struct str){NULL, 0};
}

/* --- Permissions --- */

void request_find_values(const struct authorization *authorization, struct str key,
                         struct condition_values *out)
{
    const struct request_part *part = authorization->find_arg;
    struct request *request = part->request;
    struct condition_question question = {
        .authorization = authorization,
        .skylite = request->skylite,
        .exchange = request->exchange,
        .request = request,
        .part = part->part,
    };
    condition_key_find(&question, key, out);
}

enum err request_authorize_part(struct request *request, struct str action, struct str resource,
                                const void *part)
{
    struct str policy = request->service->resource_policy
                            ? request->service->resource_policy(request, resource)
                            : STR_EMPTY;
    if (request->principal.kind == PRINCIPAL_ROOT && policy.len == 0)
        return OK;

    struct request_part own_part = {request, part};
    struct authorization authorization = {
        .principal = &request->principal,
        .action = action,
        .resource = resource,
        .resource_policy = policy,
        .find_values = request_find_values,
        .find_arg = &own_part,
    };
    const struct iam_capability *iam = &request->skylite->iam;
    return iam->authorize(iam->self, &authorization, &request->error);
}

enum err request_authorize(struct request *request, struct str action, struct str resource)
{
    return request_authorize_part(request, action, resource, NULL);
}

enum err request_authorize_pass_role(struct request *request, struct str role_arn,
                                     struct str service, struct str resource_arn)
{
    struct arn_parts arn;
    if (arn_parse(role_arn, &arn) &&
        arn_place(&request->skylite->config, &arn) == ARN_IN_OTHER_ACCOUNT)
        return request_fail(request, ERR_ACCESS_DENIED_EXCEPTION,
                            "Cross-account pass role is not allowed.");
    struct pass_role_part part = {service, resource_arn};
    return request_authorize_part(request, STR("iam:PassRole"), role_arn, &part);
}

static enum err authorize_row(struct request *request)
{
    const struct operation *operation = request->operation;
    if (operation->flags & (OPERATION_NO_AUTH | OPERATION_NO_IAM) || !operation->iam_action)
        return OK;

    struct str resource = STR("*");
    if (operation->resource) {
        enum err rc = operation->resource(request, &resource);
        if (rc)
            return rc;
    }
    return request_authorize(request, str_from(operation->iam_action), resource);
}

void request_run(struct request *request)
{
    const struct service *service = request->service;
    if (service->observe)
        request->started_us = clock_mono_us();
    enum err rc = service->check_input ? service->check_input(request) : OK;
    if (rc == OK)
        rc = arn_check_input(request);
    if (rc == OK)
        rc = authorize_row(request);
    if (rc == OK)
        rc = request->operation->flags & OPERATION_READ
                 ? request_read(request, request->operation->handler)
                 : request->operation->handler(request);
    if (rc != ERR_PENDING)
        request_finish(request, rc);
}

/* --- Writes --- */

static struct request *request_of_task(struct loop_task *task)
{
    return (struct request *)((char *)task - offsetof(struct request, task));
}

static enum err write_on_writer(struct store_txn *txn, struct store_write *write,
                                struct error *error)
{
    (void)error;
    struct request *request = write->arg;
    enum err rc = request->write_fn(request, txn);
    if (rc == OK && !write->has_more && request->receipt_key.len)
        store_txn_put(txn, STORE_META, request->receipt_key,
                      request->output ? json_write(request->arena, request->output) : STR("{}"));
    return rc;
}

static void written(struct loop_task *task)
{
    struct request *request = request_of_task(task);
    enum err rc = request->write.rc;
    if (rc == OK && request->after_write_fn)
        rc = request->after_write_fn(request);
    if (rc != ERR_PENDING)
        request_finish(request, rc);
}

static void write_done(struct store_write *write)
{
    struct request *request = write->arg;
    /* A failed commit is the store's error, not one of the write function's. */
    if (write->rc && request->error.code != write->rc)
        request->error = write->error;
    if (write->rc == ERR_SERVICE_UNAVAILABLE && request->service->unavailable)
        write->rc = request->error.code = request->service->unavailable;
    request->task.run = written;
    loop_post(request->loop, &request->task);
}

enum err request_write(struct request *request,
                       enum err (*run)(struct request *request, struct store_txn *txn),
                       enum err (*after)(struct request *request))
{
    if (request->txn) {
        enum err rc = run(request, request->txn);
        return rc == OK && after ? after(request) : rc;
    }
    request->write_fn = run;
    request->after_write_fn = after;
    request->write.run = write_on_writer;
    request->write.done = write_done;
    request->write.arg = request;
    request->write.bytes = request->raw_input.len;
    if (request->write.class == STORE_INTERACTIVE && !(request->operation->flags & OPERATION_BULK))
        request->write.class = STORE_CONTROL;
    store_submit(request->skylite->store, &request->write);
    return ERR_PENDING;
}

enum err request_write_in_parts(struct request *request,
                                enum err (*run)(struct request *request, struct store_txn *txn),
                                enum err (*after)(struct request *request))
{
    enum err rc;
    request->write.class = STORE_BACKGROUND;
    do {
        request->write.has_more = false;
        rc = request_write(request, run, after);
    } while (rc == OK && request->write.has_more); /* in a transaction, which takes all parts */
    return rc;
}

/* --- Calling another service --- */

struct call {
    struct arena arena; /* holds the call itself */
    struct request request;
    call_done_fn done;
    call_json_fn json_done; /* instead, where it is set */
    void *arg;
};

/* An answer that was made as bytes; NULL when it is no JSON object. */
static yyjson_mut_val *parse_output(struct request *request)
{
    yyjson_val *output = json_parse(request->arena, request->raw_output);
    return yyjson_is_obj(output) ? yyjson_val_mut_copy(request->doc, output) : NULL;
}

static void call_finished(struct request *request, enum err rc)
{
    struct call *call = request->finished_arg;
    if (rc)
        request->error.code = rc;
    else if (request->raw_output.ptr)
        request->output = parse_output(request);
    call->done(call->arg, rc, &request->error, rc ? NULL : request->output);
    struct arena arena = call->arena;
    arena_release(&arena);
}

static void call_json_finished(struct request *request, enum err rc)
{
    struct call *call = request->finished_arg;
    int status;
    struct str body = protocol_answer(request, rc, &status);
    call->json_done(call->arg, status, body);
    struct arena arena = call->arena;
    arena_release(&arena);
}

static void call_start(struct loop_task *task)
{
    struct request *request = request_of_task(task);
    if (!request->operation)
        request_finish(request, request_fail(request, ERR_UNKNOWN_OPERATION, "Unknown operation"));
    else if (!yyjson_is_obj(request->input))
        request_finish(request, request_fail(request, ERR_SERIALIZATION, "%s", ""));
    else
        request_run(request);
}

static void find_by_name(struct request *request, const char *service, const char *operation)
{
    struct skylite *skylite = request->skylite;
    for (size_t i = 0; i < skylite->service_count; i++) {
        const struct service *candidate = skylite->services[i];
        if (strcmp(candidate->name, service) != 0)
            continue;
        request->service = candidate;
        for (size_t j = 0; j < candidate->operation_count; j++) {
            if (strcmp(candidate->operations[j].name, operation) == 0)
                request->operation = &candidate->operations[j];
        }
    }
}

/* A copy of `input` in the arena; an empty object for NULL. */
static yyjson_val *copy_input(struct arena *arena, const yyjson_mut_val *input)
{
    return json_parse(arena, input ? json_write(arena, input) : STR("{}"));
}

enum err request_run_inside(struct request *outer, struct store_txn *txn, struct arena *arena,
                            const char *operation, const yyjson_mut_val *input,
                            yyjson_mut_val **out)
{
    struct request *inner = arena_new(arena, struct request);
    inner->arena = arena;
    inner->loop = outer->loop;
    inner->skylite = outer->skylite;
    inner->protocol = PROTOCOL_INTERNAL;
    inner->principal = outer->principal;
    inner->request_id = outer->request_id;
    inner->input = copy_input(arena, input);
    inner->doc = json_doc(arena);
    inner->txn = txn;
    find_by_name(inner, outer->service->name, operation);
    if (!inner->operation)
        return request_fail(outer, ERR_UNKNOWN_OPERATION, "Unknown operation %s", operation);
    enum err rc = inner->operation->handler(inner);
    outer->error = inner->error;
    if (rc == OK)
        *out = inner->output;
    return rc;
}

/* A call that lives in an arena of its own, ready to be posted once its input is there. */
static struct call *call_new(struct skylite *skylite, struct loop *loop,
                             const struct principal *principal, const char *service,
                             const char *operation, void *arg)
{
    struct arena start = {0};
    struct call *call = arena_new(&start, struct call);
    struct arena *arena = &call->arena;
    struct request *request = &call->request;
    *arena = start;
    call->arg = arg;
    request->arena = arena;
    request->loop = loop;
    request->skylite = skylite;
    request->protocol = PROTOCOL_INTERNAL;
    request->request_id = random_uuid(arena);
    request->principal = *principal;
    principal_copy_parts(arena, &request->principal);
    request->doc = json_doc(arena);
    request->finished_arg = call;
    request->task.run = call_start;
    find_by_name(request, service, operation);
    return call;
}

void call_operation_with_receipt(struct skylite *skylite, struct loop *loop,
                                 const struct principal *principal, const char *service,
                                 const char *operation, const yyjson_mut_val *input,
                                 struct str receipt_key, call_done_fn done, void *arg)
{
    struct call *call = call_new(skylite, loop, principal, service, operation, arg);
    struct request *request = &call->request;
    call->done = done;
    request->finished = call_finished;
    request->input = copy_input(request->arena, input);
    request->receipt_key = arena_str(request->arena, receipt_key);
    loop_post(loop, &request->task);
}

void call_operation_json(struct skylite *skylite, struct loop *loop,
                         const struct principal *principal, const char *service,
                         const char *operation, struct str input, call_json_fn done, void *arg)
{
    struct call *call = call_new(skylite, loop, principal, service, operation, arg);
    struct request *request = &call->request;
    call->json_done = done;
    request->finished = call_json_finished;
    request->protocol = PROTOCOL_AWS_JSON_1_0;
    request->raw_input = arena_str(request->arena, input);
    request->input = json_parse(request->arena, request->raw_input);
    loop_post(loop, &request->task);
}

void call_operation(struct skylite *skylite, struct loop *loop, const struct principal *principal,
                    const char *service, const char *operation, const yyjson_mut_val *input,
                    call_done_fn done, void *arg)
{
    call_operation_with_receipt(skylite, loop, principal, service, operation, input, STR_EMPTY,
                                done, arg);
}
