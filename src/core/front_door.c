/* Where HTTP requests come in: deployed APIs, probes, and AWS API calls, which are authenticated
 * here. */
#include "base/encode.h"
#include "core/authenticate.h"
#include "core/gzip.h"
#include "core/internal.h"

enum {
    MAX_PACKAGE = 72 * 1024 * 1024, /* a 50 MB zip in base64, as UpdateFunctionCode sends it */
    MAX_DOCUMENT = 16 * 1024 * 1024,
    MAX_UNSIGNED_BODY = 1024 * 1024,
};

#define BUSY "The service is unavailable. Please retry your request."

/* --- Authentication --- */

/* Who calls an operation that takes unsigned requests: nobody with rights. */
static void become_anonymous(struct request *request)
{
    request->principal = (struct principal){
        .kind = PRINCIPAL_ANONYMOUS,
        .account = STR_EMPTY,
        .arn = STR("anonymous"),
        .name = STR_EMPTY,
        .user_id = STR_EMPTY,
    };
}

/* --- AWS API calls --- */

/* 52 characters of DynamoDB's kind, or a UUID. */
static struct str new_request_id(struct arena *arena, enum protocol protocol)
{
    if (protocol == PROTOCOL_AWS_JSON_1_0)
        return random_text(arena, STR("ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"), 52);
    return random_uuid(arena);
}

static void reply_to_wire(struct request *request, enum err rc)
{
    protocol_reply(request, rc);
}

/* The service that the request is for decides, not the one that the signature names. */
static enum err authenticate(struct request *request, const struct sigv4_request *part,
                             const struct sigv4_claim *claim)
{
    struct str service =
        request->service ? str_from(request->service->signing_name) : claim->service;
    return authenticate_claim(request->skylite, part, claim, service, request->arena,
                              &request->principal, &request->stream, &request->error);
}

/* Services of AWS JSON take a header of another scheme for none (architect/dynalite, index.js). */
static enum err refuse_claim(struct request *request, enum err rc, const struct error *error)
{
    bool is_json =
        request->protocol == PROTOCOL_AWS_JSON_1_0 || request->protocol == PROTOCOL_AWS_JSON_1_1;
    struct str authorization = request_header(request, STR("authorization"));
    request->error = *error;
    if (is_json && authorization.ptr && !str_starts(authorization, STR("AWS4-")))
        return request_fail(request, ERR_MISSING_AUTHENTICATION_TOKEN,
                            "Request is missing Authentication Token");
    return rc;
}

/* The query protocol names its operation in the body, so that an unpacked one is routed again; by
 * no means to another service than has been asked whether the caller is known. */
static enum err unpack(struct request *request, struct str service_name)
{
    const struct service *service = request->service;
    enum err rc = route_unpack(request);
    if (rc == OK)
        rc = route_find(request, service_name);
    if (rc == OK && request->service != service)
        rc = request_fail(request, ERR_UNKNOWN_OPERATION, "%s", "");
    return rc;
}

/* Everything before the handler. The order is AWS's: what is it, who is it, what does it say. */
static enum err prepare(struct request *request)
{
    bool is_any = request->skylite->config.auth == AUTH_ANY;
    struct sigv4_request signed_request = authenticate_part(request->exchange, request->arena);
    struct sigv4_claim claim;
    struct error claim_error;
    enum err claim_rc = sigv4_parse(&signed_request, request->arena, &claim, &claim_error);
    /* It will be refused whatever the signature of the rest would be: see below. */
    signed_request.is_head_only = request->exchange->is_body_refused;

    enum err rc = route_find(request, claim.service);
    request->request_id = new_request_id(request->arena, request->protocol);
    bool is_open = request->operation && request->operation->flags & OPERATION_NO_AUTH;
    if (is_any) {
        request->principal = authenticate_nobody(request->skylite, &claim, request->arena);
    } else if (is_open) {
        become_anonymous(request);
    } else if (claim_rc) {
        /* An unknown operation is told only to those who signed, but for AWS JSON, where the target
         * names it. */
        if (rc && request_header(request, STR("x-amz-target")).ptr)
            return rc;
        return refuse_claim(request, claim_rc, &claim_error);
    } else {
        enum err auth_rc = authenticate(request, &signed_request, &claim);
        if (auth_rc)
            return auth_rc;
    }
    /* The key may have been made since the head was judged. */
    if (request->exchange->is_body_refused)
        return request_fail(request, ERR_SERVICE_UNAVAILABLE, "%s", BUSY);
    if (route_is_packed(request))
        rc = unpack(request, claim.service);
    return rc ? rc : route_read_input(request);
}

static struct request *new_request(struct skylite *skylite, struct http_exchange *exchange)
{
    struct request *request = arena_new(&exchange->arena, struct request);
    request->arena = &exchange->arena;
    request->loop = exchange->loop;
    request->skylite = skylite;
    request->exchange = exchange;
    request->finished = reply_to_wire;
    request->error.message[0] = '\0';
    request->error.text = STR_EMPTY;
    return request;
}

static void handle_aws_call(struct skylite *skylite, struct http_exchange *exchange)
{
    struct request *request = new_request(skylite, exchange);
    enum err rc = prepare(request);
    if (rc) {
        request_finish(request, rc);
        return;
    }
    request->doc = json_doc(request->arena);
    request_run(request);
}

/* --- The rest --- */

/* What DynamoDB's endpoint says to a GET; clients and load balancers ask it. */
static bool handle_root(const struct skylite *skylite, struct http_exchange *exchange)
{
    if (!str_eq(exchange->method, STR("GET")) || !str_eq(exchange->path, STR("/")) ||
        exchange->query.len || http_header_get(exchange, STR("authorization")).ptr)
        return false;
    struct str text = arena_printf(&exchange->arena, "healthy: dynamodb.%.*s.amazonaws.com ",
                                   STR_ARG(skylite->config.region));
    struct http_header headers[] = {
        {STR("Content-Type"), STR("text/plain")},
        {STR("x-amz-crc32"), gzip_crc32_text(&exchange->arena, text)},
    };
    http_reply(exchange, 200, headers, 2, text);
    return true;
}

static bool handle_probe(struct skylite *skylite, struct http_exchange *exchange)
{
    if (!str_eq(exchange->path, STR("/health")))
        return handle_root(skylite, exchange);
    struct http_header type = {STR("Content-Type"), STR("application/json")};
    struct str body;
    int status = health_answer(&skylite->health, &exchange->arena, &body);
    http_reply(exchange, status, &type, 1, body);
    return true;
}

/* --- Figures for Prometheus --- */

/* Four numbers with dots: "127.example.com" is a name. */
static bool is_ipv4(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((text.ptr[i] < '0' || text.ptr[i] > '9') && text.ptr[i] != '.')
            return false;
    }
    return text.len > 0;
}

static bool is_loopback_address(struct str text)
{
    return str_eq(text, STR("::1")) || (str_starts(text, STR("127.")) && is_ipv4(text));
}

/* The name under which the server was asked is one of this machine's loopback. So no page of
 * another site reads it through a name of its own (DNS rebinding). */
static bool is_loopback_host(struct str host)
{
    ptrdiff_t close = str_starts(host, STR("[")) ? str_find_byte(host, ']', 0) : -1;
    ptrdiff_t colon = str_find_byte(host, ':', 0);
    if (close > 0)
        return is_loopback_address(str_slice(host, 1, (size_t)close - 1));
    struct str name = colon < 0 ? host : str_slice(host, 0, (size_t)colon);
    return str_eq_nocase(name, STR("localhost")) || is_loopback_address(name);
}

/* Headers of those who pass on what others ask: proxies, and this gateway's own integrations. */
static bool is_forwarded(const struct http_exchange *exchange)
{
    static const struct str names[] = {
        STR_INIT("forwarded"),       STR_INIT("via"),
        STR_INIT("x-real-ip"),       STR_INIT("client-ip"),
        STR_INIT("true-client-ip"),  STR_INIT("cf-connecting-ip"),
        STR_INIT("x-amzn-trace-id"), STR_INIT("x-amzn-apigateway-api-id"),
    };
    for (size_t i = 0; i < exchange->header_count; i++) {
        struct str name = exchange->headers[i].name, start = str_slice(name, 0, 11);
        if (str_eq_nocase(start, STR("x-forwarded")))
            return true;
        for (size_t j = 0; j < sizeof(names) / sizeof(names[0]); j++) {
            if (str_eq_nocase(name, names[j]))
                return true;
        }
    }
    return false;
}

static bool is_for_metrics(const struct skylite *skylite, const struct http_exchange *exchange)
{
    return skylite->metrics.expose && str_eq(exchange->path, STR("/metrics")) &&
           str_eq(exchange->method, STR("GET"));
}

static void reply_text(struct http_exchange *exchange, int status, struct str text)
{
    struct http_header type = {STR("Content-Type"),
                               STR("text/plain; version=0.0.4; charset=utf-8")};
    http_reply(exchange, status, &type, 1, text);
}

static void reply_metrics(const struct skylite *skylite, struct http_exchange *exchange)
{
    reply_text(exchange, 200, skylite->metrics.expose(skylite->metrics.self, &exchange->arena));
}

/* They name tables, functions and APIs, so only this machine may see them, and no function. */
static bool handle_metrics(const struct skylite *skylite, struct http_exchange *exchange)
{
    if (!is_for_metrics(skylite, exchange) || http_header_get(exchange, STR("authorization")).ptr)
        return false;
    bool is_local = is_loopback_address(exchange->peer) && !is_forwarded(exchange) &&
                    is_loopback_host(http_header_get(exchange, STR("host")));
    if (is_local)
        reply_metrics(skylite, exchange);
    else
        reply_text(exchange, 403, STR("only from this machine\n"));
    return true;
}

static void handle_metrics_alone(struct http_exchange *exchange, void *arg)
{
    if (is_for_metrics(arg, exchange))
        reply_metrics(arg, exchange);
    else
        reply_text(exchange, 404, STR("only /metrics\n"));
}

/* --- Listeners --- */

/* A browser asks before it sends a signed call from another page. */
static bool handle_preflight(struct http_exchange *exchange)
{
    struct str method = http_header_get(exchange, STR("access-control-request-method"));
    struct str asked = http_header_get(exchange, STR("access-control-request-headers"));
    bool is_page = method.ptr || http_header_get(exchange, STR("origin")).ptr;
    if (!str_eq(exchange->method, STR("OPTIONS")) || !is_page)
        return false;
    struct http_header headers[4] = {
        {STR("Access-Control-Allow-Origin"), STR("*")},
        {STR("Access-Control-Max-Age"), STR("172800")},
    };
    size_t count = 2;
    if (method.ptr)
        headers[count++] = (struct http_header){STR("Access-Control-Allow-Methods"), method};
    if (asked.ptr)
        headers[count++] = (struct http_header){STR("Access-Control-Allow-Headers"), asked};
    http_reply(exchange, 200, headers, count, STR_EMPTY);
    return true;
}

static void handle_in_sandbox(struct http_exchange *exchange, void *arg)
{
    struct skylite *skylite = arg;
    bool may_be_api = skylite->apis.handle && !exchange->is_body_refused;
    if (may_be_api && skylite->apis.handle(skylite->apis.self, exchange))
        return;
    if (handle_probe(skylite, exchange) || handle_preflight(exchange))
        return;
    handle_aws_call(skylite, exchange);
}

static void handle(struct http_exchange *exchange, void *arg)
{
    if (!handle_metrics(arg, exchange))
        handle_in_sandbox(exchange, arg);
}

/* The longest body of a service's calls: packages and objects go to two of them. */
static size_t limit_of_service(struct str service)
{
    return str_eq(service, STR("lambda")) || str_eq(service, STR("s3")) ? MAX_PACKAGE
                                                                        : MAX_DOCUMENT;
}

/* A body of more than a megabyte is taken from those whose head bears a signature that may be good;
 * the others are told at once what is wrong with it. */
static size_t body_limit(const struct http_exchange *exchange, size_t announced, void *arg)
{
    struct skylite *skylite = arg;
    size_t limit =
        skylite->apis.body_limit ? skylite->apis.body_limit(skylite->apis.self, exchange) : 0;
    if (limit)
        return limit;
    if (skylite->config.auth == AUTH_ANY)
        return MAX_PACKAGE;
    bool is_signed = http_header_get(exchange, STR("authorization")).ptr ||
                     str_find(exchange->query, STR("X-Amz-Signature=")) >= 0;
    if (!is_signed || announced <= MAX_UNSIGNED_BODY)
        return MAX_UNSIGNED_BODY;
    struct arena arena = {0};
    struct str service;
    bool is_known = authenticate_head(skylite, exchange, &arena, &service);
    limit = is_known ? limit_of_service(service) : HTTP_REFUSE_BODY;
    arena_release(&arena);
    return limit;
}

static bool is_known(const struct http_exchange *exchange, void *arg)
{
    struct skylite *skylite = arg;
    struct arena arena = {0};
    struct str service;
    bool is_ours =
        skylite->config.auth == AUTH_ANY || authenticate_head(skylite, exchange, &arena, &service);
    arena_release(&arena);
    return is_ours;
}

/* An AWS call for which there is no memory, in the error form of its protocol: SDKs try again. */
static void reject_busy(struct skylite *skylite, struct http_exchange *exchange)
{
    struct request *request = new_request(skylite, exchange);
    struct sigv4_request part = authenticate_part(exchange, request->arena);
    struct sigv4_claim claim;
    sigv4_parse(&part, request->arena, &claim, &request->error);
    route_find(request, claim.service); /* what it finds out before it fails */
    request->request_id = new_request_id(request->arena, request->protocol);
    request_add_header(request, STR("Retry-After"), STR("1"));
    bool is_s3 = request->protocol == PROTOCOL_REST_XML;
    request_finish(request,
                   request_fail(request, is_s3 ? ERR_S3_SLOW_DOWN : ERR_SERVICE_UNAVAILABLE, "%s",
                                is_s3 ? "Please reduce your request rate." : BUSY));
}

static void reject(struct http_exchange *exchange, int status, void *arg)
{
    struct skylite *skylite = arg;
    if (skylite->apis.reject && skylite->apis.reject(skylite->apis.self, exchange, status))
        return;
    bool is_call = exchange->headers && !(skylite->apis.body_limit &&
                                          skylite->apis.body_limit(skylite->apis.self, exchange));
    if (status == 503 && is_call) {
        reject_busy(skylite, exchange);
        return;
    }
    struct http_header type = {STR("Content-Type"), STR("application/json")};
    http_reply(exchange, status, &type, 1,
               arena_printf(&exchange->arena, "{\"message\":\"%s\"}", http_status_text(status)));
}

struct http_listener_options front_door_options(struct skylite *skylite, unsigned loop_index)
{
    struct loop_limits *limits = &skylite->limits.loops[loop_index];
    return (struct http_listener_options){
        .request = handle,
        .body_limit = body_limit,
        .is_known = is_known,
        .reject = reject,
        .arg = skylite,
        .memory = &limits->public_memory,
        .places = &limits->public_places,
        .spill = limits->spill.disk ? &limits->spill : NULL,
        .probe_path = STR("/health"),
    };
}

struct http_listener_options front_door_options_in_sandbox(struct skylite *skylite,
                                                           unsigned loop_index,
                                                           struct sandbox_limits *limits)
{
    struct http_listener_options options = front_door_options(skylite, loop_index);
    options.request = handle_in_sandbox;
    options.memory = &limits->memory;
    options.places = &limits->endpoint_places;
    options.probe_path = STR_EMPTY;
    return options;
}

struct http_listener_options front_door_options_for_metrics(struct skylite *skylite)
{
    return (struct http_listener_options){
        .request = handle_metrics_alone,
        .arg = skylite,
        .max_body_bytes = 1,
    };
}
