/* Answers and errors of each wire protocol. */
#include "base/encode.h"
#include "base/log.h"
#include "core/gzip.h"
#include "core/internal.h"
#include "wire/cbor.h"
#include "wire/xml.h"

enum { PACKED_FROM_BYTES = 4096 };
enum { MAX_REPLY_HEADERS = REQUEST_EXTRA_HEADERS + 8 };

struct reply {
    int status;
    struct http_header headers[MAX_REPLY_HEADERS];
    size_t header_count;
    struct str body;
};

static void add_header(struct reply *reply, struct str name, struct str value)
{
    if (reply->header_count < MAX_REPLY_HEADERS)
        reply->headers[reply->header_count++] = (struct http_header){name, value};
}

static bool is_aws_json(const struct request *request)
{
    return request->protocol == PROTOCOL_AWS_JSON_1_0 || request->protocol == PROTOCOL_AWS_JSON_1_1;
}

/* --- Errors --- */

/* The query and REST-XML protocols have names of their own for what the front door refuses. */
static const struct {
    enum err code;
    const char *query, *xml;
} older_names[] = {
    {ERR_ACCESS_DENIED_EXCEPTION, "AccessDenied", "AccessDenied"},
    {ERR_UNRECOGNIZED_CLIENT, "InvalidClientTokenId", "InvalidAccessKeyId"},
    {ERR_INVALID_SIGNATURE, "SignatureDoesNotMatch", "SignatureDoesNotMatch"},
    {ERR_INCOMPLETE_SIGNATURE, "IncompleteSignature", "AuthorizationHeaderMalformed"},
    {ERR_MISSING_AUTHENTICATION_TOKEN, "MissingAuthenticationToken", "AccessDenied"},
    {ERR_EXPIRED_TOKEN, "ExpiredToken", "ExpiredToken"},
};

static struct str error_name(const struct request *request, enum err code)
{
    bool is_query = request->protocol == PROTOCOL_QUERY;
    if (is_query || request->protocol == PROTOCOL_REST_XML) {
        for (size_t i = 0; i < sizeof(older_names) / sizeof(older_names[0]); i++) {
            if (older_names[i].code == code)
                return str_from(is_query ? older_names[i].query : older_names[i].xml);
        }
    }
    return str_from(error_type(code));
}

/* AWS JSON services answer 400 where the others answer 403. */
static int status_of_error(const struct request *request, enum err code)
{
    int status = error_status(code);
    bool is_rpc = is_aws_json(request) || request->protocol == PROTOCOL_RPC_CBOR;
    return is_rpc && status == 403 ? 400 : status;
}

static struct str json_error_type(const struct request *request, enum err code)
{
    const struct service *service = request->service;
    if (service && service->error_type)
        return service->error_type(request, code);
    const char *prefix = service ? service->error_prefix : "com.amazon.coral.service#";
    return arena_printf(request->arena, "%s%s", prefix ? prefix : "", error_type(code));
}

/* Clients that knew a query API go on to see its error codes: the trait awsQueryCompatible. */
static void add_query_error(struct request *request, enum err code, struct reply *reply)
{
    if (!(request->service && request->service->protocols & PROTOCOL_QUERY))
        return;
    add_header(reply, STR("x-amzn-query-error"),
               arena_printf(request->arena, "%s;%s", error_type(code),
                            error_status(code) < 500 ? "Sender" : "Receiver"));
}

static struct str cbor_error(const struct request *request, enum err code)
{
    yyjson_mut_doc *doc = json_doc(request->arena);
    yyjson_mut_val *error = yyjson_mut_obj(doc);
    json_add_str(doc, error, "__type", json_error_type(request, code));
    json_add_str(doc, error, "message", error_text(&request->error));
    return cbor_from_json(request->arena, error);
}

static struct str aws_json_error(const struct request *request, enum err code)
{
    struct buf body;
    buf_init_arena(&body, request->arena, SIZE_MAX / 2);
    buf_add(&body, STR("{\"__type\":"));
    buf_add_json(&body, json_error_type(request, code));
    if (request->error.message[0]) {
        bool is_capital = code == ERR_ACCESS_DENIED_EXCEPTION || code == ERR_SERIALIZATION ||
                          code == ERR_DDB_TRANSACTION_CANCELED ||
                          code == ERR_DDB_IDEMPOTENT_PARAMETER_MISMATCH;
        buf_add(&body, is_capital ? STR(",\"Message\":") : STR(",\"message\":"));
        buf_add_json(&body, error_text(&request->error));
    }
    if (request->error.members.len) {
        buf_add_byte(&body, ',');
        buf_add(&body, request->error.members);
    }
    buf_add_byte(&body, '}');
    return buf_str(&body);
}

static struct str rest_json_error(const struct request *request, enum err code)
{
    struct error_form form = {.message = "message"};
    struct buf body;
    if (request->service && request->service->error_form)
        form = request->service->error_form(code);
    buf_init_arena(&body, request->arena, SIZE_MAX / 2);
    buf_add_byte(&body, '{');
    if (form.has_type) {
        bool is_ours = error_status(code) >= 500;
        buf_printf(&body, "\"Type\":\"%s\",", is_ours ? "Service" : "User");
    }
    buf_printf(&body, "\"%s\":", form.message);
    buf_add_json(&body, error_text(&request->error));
    if (request->error.members.len) {
        buf_add_byte(&body, ',');
        buf_add(&body, request->error.members);
    }
    buf_add_byte(&body, '}');
    return buf_str(&body);
}

static struct str rest_xml_error(const struct request *request, enum err code)
{
    struct buf body;
    buf_init_arena(&body, request->arena, SIZE_MAX / 2);
    buf_add(&body, STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>"));
    buf_add(&body, error_name(request, code));
    buf_add(&body, STR("</Code><Message>"));
    xml_add_text(&body, error_text(&request->error));
    buf_add(&body, STR("</Message>"));
    buf_add(&body, request->error.members);
    buf_add(&body, STR("<Resource>"));
    xml_add_text(&body, request->exchange->path);
    buf_add(&body, STR("</Resource><RequestId>"));
    buf_add(&body, request->request_id);
    buf_add(&body, STR("</RequestId></Error>"));
    return buf_str(&body);
}

static struct str xmlns_of(const struct request *request)
{
    return str_from(request->service ? request->service->xmlns : NULL);
}

static void fill_error(struct request *request, enum err code, struct reply *reply)
{
    reply->status = status_of_error(request, code);
    switch (request->protocol) {
    case PROTOCOL_AWS_JSON_1_0:
    case PROTOCOL_AWS_JSON_1_1:
        reply->body = aws_json_error(request, code);
        add_query_error(request, code, reply);
        break;
    case PROTOCOL_RPC_CBOR:
        reply->body = cbor_error(request, code);
        add_query_error(request, code, reply);
        break;
    case PROTOCOL_QUERY:
        reply->body = xml_query_error(request->arena, xmlns_of(request), request->request_id,
                                      reply->status < 500, error_name(request, code),
                                      error_text(&request->error));
        break;
    case PROTOCOL_REST_XML:
        reply->body = rest_xml_error(request, code);
        break;
    case PROTOCOL_REST_JSON:
    case PROTOCOL_INTERNAL:
        reply->body = rest_json_error(request, code);
        add_header(reply, STR("x-amzn-ErrorType"), error_name(request, code));
        break;
    }
}

/* --- Success --- */

static struct str json_body(struct request *request)
{
    if (request->output)
        return json_write(request->arena, request->output);
    return is_aws_json(request) ? STR("{}") : STR_EMPTY;
}

static void fill_success(struct request *request, struct reply *reply)
{
    reply->status = request->operation->http_status ? request->operation->http_status : 200;
    if (request->status)
        reply->status = request->status;
    if (request->raw_output.ptr)
        reply->body = request->raw_output;
    else if (request->protocol == PROTOCOL_QUERY)
        reply->body = xml_query_response(request->arena, str_from(request->operation->name),
                                         xmlns_of(request), request->request_id, request->output);
    else if (request->protocol == PROTOCOL_RPC_CBOR)
        reply->body = cbor_from_json(request->arena, request_output(request));
    else if (request->protocol != PROTOCOL_REST_XML)
        reply->body = json_body(request);
}

/* --- Both --- */

static struct str content_type(const struct request *request)
{
    switch (request->protocol) {
    case PROTOCOL_AWS_JSON_1_0: {
        struct str asked = request_header(request, STR("content-type"));
        bool is_plain = asked.ptr && str_eq_nocase(asked, STR("application/json"));
        return is_plain ? STR("application/json") : STR("application/x-amz-json-1.0");
    }
    case PROTOCOL_AWS_JSON_1_1:
        return STR("application/x-amz-json-1.1");
    case PROTOCOL_QUERY:
        return STR("text/xml");
    case PROTOCOL_REST_XML:
        return STR("application/xml");
    case PROTOCOL_RPC_CBOR:
        return STR("application/cbor");
    case PROTOCOL_REST_JSON:
    case PROTOCOL_INTERNAL:
        break;
    }
    return STR("application/json");
}

static bool has_header(const struct request *request, struct str name)
{
    for (size_t i = 0; i < request->extra_header_count; i++) {
        if (str_eq_nocase(request->extra_headers[i].name, name))
            return true;
    }
    return false;
}

/* Short answers are not worth it. */
static void pack(struct request *request, struct reply *reply)
{
    struct str packed;
    if (!is_aws_json(request) || reply->body.len < PACKED_FROM_BYTES)
        return;
    struct str accepted = request_header(request, STR("accept-encoding"));
    struct str coding = accepted.ptr ? gzip_choose(accepted) : STR_EMPTY;
    bool is_gzip = str_eq(coding, STR("gzip"));
    if (coding.len == 0 || !(is_gzip ? gzip_pack(request->arena, reply->body, &packed)
                                     : gzip_pack_deflate(request->arena, reply->body, &packed)))
        return;
    reply->body = packed;
    add_header(reply, STR("Content-Encoding"), coding);
}

static void add_common_headers(struct request *request, struct reply *reply)
{
    struct str id_name =
        request->protocol == PROTOCOL_REST_XML ? STR("x-amz-request-id") : STR("x-amzn-RequestId");
    add_header(reply, id_name, request->request_id);
    if (reply->body.len && !has_header(request, STR("content-type")))
        add_header(reply, STR("Content-Type"), content_type(request));
    if (request->service && request->service->server)
        add_header(reply, STR("Server"), str_from(request->service->server));
    if (request->protocol == PROTOCOL_RPC_CBOR)
        add_header(reply, STR("smithy-protocol"), STR("rpc-v2-cbor"));
    if (request->protocol == PROTOCOL_AWS_JSON_1_0)
        add_header(reply, STR("x-amz-crc32"), gzip_crc32_text(request->arena, reply->body));
    /* A browser on another page may read the answer: it had to be signed all the same. */
    if (request_header(request, STR("origin")).ptr) {
        add_header(reply, STR("Access-Control-Allow-Origin"), STR("*"));
        add_header(reply, STR("Access-Control-Expose-Headers"),
                   STR("x-amzn-errortype,x-amzn-requestid,x-amzn-errormessage,x-amzn-trace-id,"
                       "x-amz-apigw-id,x-amz-crc32,date"));
    }
    for (size_t i = 0; i < request->extra_header_count; i++)
        add_header(reply, request->extra_headers[i].name, request->extra_headers[i].value);
}

struct str protocol_answer(struct request *request, enum err rc, int *out_status)
{
    struct reply reply = {0};
    if (rc)
        fill_error(request, rc, &reply);
    else
        fill_success(request, &reply);
    *out_status = reply.status;
    return reply.body;
}

void protocol_reply(struct request *request, enum err rc)
{
    struct reply reply = {0};
    if (rc) {
        if (error_status(rc) >= 500)
            log_warn_limited(
                "core", "%s.%s failed: %s", request->service ? request->service->name : "-",
                request->operation ? request->operation->name : "-", request->error.message);
        fill_error(request, rc, &reply);
    } else {
        fill_success(request, &reply);
    }
    pack(request, &reply);
    add_common_headers(request, &reply);
    const struct metric_capability *metrics = &request->skylite->metrics;
    if (metrics->count_request && request->service)
        metrics->count_request(metrics->self, request->service, request->operation, reply.status);
    if (request->source && rc == OK)
        http_reply_from(request->exchange, reply.status, reply.headers, reply.header_count,
                        request->source_size, request->source);
    else
        http_reply(request->exchange, reply.status, reply.headers, reply.header_count, reply.body);
}
