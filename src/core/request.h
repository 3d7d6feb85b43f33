/* One AWS API call, from the wire or from another service. It belongs to its loop's thread;
 * everything that it makes lives in its arena. */
#pragma once

#include "core/capabilities.h"
#include "core/operation.h"
#include "core/principal.h"
#include "io/http.h"
#include "io/workers.h"
#include "store/store.h"
#include "wire/json.h"

enum { REQUEST_EXTRA_HEADERS = 16 };

struct sigv4_stream;

struct request {
    struct arena *arena;
    struct loop *loop;
    struct skylite *skylite;
    const struct service *service;
    const struct operation *operation;
    enum protocol protocol;
    struct principal principal;
    struct str request_id;
    struct http_exchange *exchange; /* NULL for internal calls */
    void *route;                    /* the router's own */
    /* What the chunks of its body are signed with; NULL when they are not, or the body has none. */
    struct sigv4_stream *stream;

    yyjson_val *input;    /* an object, never NULL */
    struct str raw_input; /* the body as sent */

    /* The answer: a tree, or ready bytes when raw_output.ptr is set, or a source of them. */
    yyjson_mut_doc *doc;    /* for building `output` */
    yyjson_mut_val *output; /* an object; NULL for an empty answer */
    struct str raw_output;
    struct http_source *source; /* of an answer over HTTP that is sent in pieces, or NULL */
    uint64_t source_size;
    int status; /* 0: the row's */
    struct http_header extra_headers[REQUEST_EXTRA_HEADERS];
    size_t extra_header_count;
    struct error error;

    /* Called once when the answer is there: writes it to the wire, or hands it to the internal
     * caller. */
    void (*finished)(struct request *request, enum err rc);
    void *finished_arg;

    int64_t started_us;  /* clock_mono_us, when the service observes its requests */
    void *handler_state; /* the handler's own, for its functions below */
    struct loop_task task;
    struct store_write write;
    enum err (*write_fn)(struct request *request, struct store_txn *txn);
    enum err (*after_write_fn)(struct request *request);
    struct workers_job job;
    enum err (*read_fn)(struct request *request);
    enum err read_rc;
    struct str receipt_key; /* see call_operation_with_receipt; empty: none */
    struct store_txn *txn;  /* of the write that it runs inside of (request_run_inside), or NULL */
};

/* The service's state, as its `self`. */
#define request_self(request, type) ((type *)(request)->service->self)

/* Ends a request whose handler returned ERR_PENDING. On its loop. */
void request_finish(struct request *request, enum err rc);

/* Makes `request->output` an empty object (once) and returns it. */
yyjson_mut_val *request_output(struct request *request);

/* Adds a timestamp member in the protocol's form: epoch seconds in JSON, ISO 8601 in XML. */
void request_add_time(struct request *request, yyjson_mut_val *object, const char *key,
                      int64_t wall_ms);

/* The same without an object, for lists. */
yyjson_mut_val *request_time(struct request *request, int64_t wall_ms);

/* Adds a header to the answer; ignored for internal calls. REQUEST_EXTRA_HEADERS at most. */
void request_add_header(struct request *request, struct str name, struct str value);

/* A header of the HTTP request; NULL pointer when missing or for internal calls. */
struct str request_header(const struct request *request, struct str name);

/* Fills request->error and returns the code. */
#define request_fail(request, ...) error_set_long(&(request)->error, (request)->arena, __VA_ARGS__)

/* A string member of the input; NULL pointer when missing. */
#define request_str(request, key) json_get_str((request)->input, key)

/* Checks a further permission of the caller. Fills request->error. */
enum err request_authorize(struct request *request, struct str action, struct str resource);

/* The same for a part of the request, such as one table of a batch: `part` is what the sources of
 * the service's condition keys find the part by. */
enum err request_authorize_part(struct request *request, struct str action, struct str resource,
                                const void *part);

/* For a service that asks IAM by itself: authorization->find_values, with a struct request_part as
 * find_arg. */
struct request_part {
    struct request *request;
    const void *part;
};
void request_find_values(const struct authorization *authorization, struct str key,
                         struct condition_values *out);

/* The `part` of iam:PassRole. */
struct pass_role_part {
    struct str service;      /* "lambda.amazonaws.com": iam:PassedToService */
    struct str resource_arn; /* what gets the role: iam:AssociatedResourceArn; empty: unknown */
};

/* Checks that the caller may hand the role to `service` ("lambda.amazonaws.com"), for the resource
 * with that ARN (empty: unknown). */
enum err request_authorize_pass_role(struct request *request, struct str role_arn,
                                     struct str service, struct str resource_arn);

/* Runs `run`, which only reads the store and makes the answer, for: return request_read(request,
 * run). One that turns out to be long is dropped half-way and run again from its start by a worker
 * (then ERR_PENDING is returned): `run` must not do what cannot be done twice, nor use what belongs
 * to the loop, nor keep what it read. Operations with OPERATION_READ are run so as a whole. */
enum err request_read(struct request *request, enum err (*run)(struct request *request));

/* Has `run(request, txn)` run on the writer thread and, when it succeeded and is durable,
 * `after(request)` on the request's loop (NULL: the request is finished as it is). Returns
 * ERR_PENDING, for: return request_write(request, run, after). `run` uses request->error and may
 * use the request's arena: the loop does not touch the request meanwhile. Where the disk runs full,
 * operations with OPERATION_BULK are refused first, unless the handler has set write.class. */
enum err request_write(struct request *request,
                       enum err (*run)(struct request *request, struct store_txn *txn),
                       enum err (*after)(struct request *request));

/* The same for what may be much, such as logs and figures: behind what others wait for. `run` asks
 * store_txn_is_full now and then; then it sets request->write.has_more, and is called again. */
enum err request_write_in_parts(struct request *request,
                                enum err (*run)(struct request *request, struct store_txn *txn),
                                enum err (*after)(struct request *request));

/* The same; `committed` runs on the writer thread between commit and `after` (for caches). Set
 * request->write.committed before calling request_write; in it, write->arg is the request. */

/* Runs another operation of the same service inside the write function of `outer`: with its caller,
 * but no permission check, and in its transaction, as one of PROTOCOL_INTERNAL. What it makes lives
 * in `arena`. Its error is in outer->error; `*out` is its answer, or NULL for an empty one. An
 * operation that there is not is ERR_UNKNOWN_OPERATION. What it wrote before it failed stays,
 * unless the outer write fails too. */
enum err request_run_inside(struct request *outer, struct store_txn *txn, struct arena *arena,
                            const char *operation, const yyjson_mut_val *input,
                            yyjson_mut_val **out);

/* --- Calling another service --- */

/* Called on the caller's loop. `output` (NULL for an empty answer) lives until it returns. */
typedef void (*call_done_fn)(void *arg, enum err rc, const struct error *error,
                             yyjson_mut_val *output);

/* Calls an operation as `principal` with the same checks as from the wire. `input` is copied.
 * `done` is called later, never inside the call. An unknown service or operation is
 * ERR_UNKNOWN_OPERATION. */
void call_operation(struct skylite *skylite, struct loop *loop, const struct principal *principal,
                    const char *service, const char *operation, const yyjson_mut_val *input,
                    call_done_fn done, void *arg);

/* Called on the caller's loop with what a client of the service's JSON protocol would be answered.
 * The body lives until it returns. */
typedef void (*call_json_fn)(void *arg, int status, struct str body);

/* The same with a JSON object as text in and out. ERR_UNKNOWN_OPERATION is among the answers. */
void call_operation_json(struct skylite *skylite, struct loop *loop,
                         const struct principal *principal, const char *service,
                         const char *operation, struct str input, call_json_fn done, void *arg);

/* The same, leaving a receipt: what the operation writes and a value under `receipt_key` in
 * STORE_META are one transaction. So after a crash the receipt tells whether the call was carried
 * out. Its value is the answer in JSON as far as it is there inside the write, else "{}". Calls
 * that fail or write nothing leave none. Who takes the receipt deletes it. */
void call_operation_with_receipt(struct skylite *skylite, struct loop *loop,
                                 const struct principal *principal, const char *service,
                                 const char *operation, const yyjson_mut_val *input,
                                 struct str receipt_key, call_done_fn done, void *arg);
