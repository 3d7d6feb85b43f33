/* Which operation an HTTP request means, and its input as one JSON object, for each protocol. */
#include "base/encode.h"
#include "core/gzip.h"
#include "core/internal.h"
#include "wire/cbor.h"
#include "wire/query.h"

enum { MAX_SEGMENTS = 32, MAX_QUERY_PARAMETERS = 256, MAX_UNPACKED_BYTES = 16 * 1024 * 1024 };
enum { SMALL_BODY = 64 * 1024 };

/* --- AWS JSON --- */

static const struct operation *operation_by_name(const struct service *service, struct str name)
{
    for (size_t i = 0; i < service->operation_count; i++) {
        if (str_eq(name, str_from(service->operations[i].name)))
            return &service->operations[i];
    }
    return NULL;
}

static enum err unknown_operation(struct request *request)
{
    return request_fail(request, ERR_UNKNOWN_OPERATION, "%s", "");
}

static enum err route_target(struct request *request, struct str target)
{
    struct skylite *skylite = request->skylite;
    struct str prefix;
    str_cut(&target, '.', &prefix);
    struct str type = request_header(request, STR("content-type"));
    request->protocol = str_starts(type, STR("application/x-amz-json-1.1")) ? PROTOCOL_AWS_JSON_1_1
                                                                            : PROTOCOL_AWS_JSON_1_0;
    for (size_t i = 0; i < skylite->service_count; i++) {
        const struct service *service = skylite->services[i];
        if (!service->target_prefix || !str_eq(prefix, str_from(service->target_prefix)))
            continue;
        request->service = service;
        request->operation = operation_by_name(service, target);
        break;
    }
    return request->operation ? OK : unknown_operation(request);
}

/* --- RPC with CBOR --- */

/* "/service/NAME/operation/OPERATION" */
static enum err route_rpc(struct request *request)
{
    struct skylite *skylite = request->skylite;
    struct str path = request->exchange->path, part, service_name;
    str_cut(&path, '/', &part);
    bool is_rpc = str_cut(&path, '/', &part) && str_eq(part, STR("service")) &&
                  str_cut(&path, '/', &service_name) && str_cut(&path, '/', &part) &&
                  str_eq(part, STR("operation"));
    request->protocol = PROTOCOL_RPC_CBOR;
    for (size_t i = 0; is_rpc && i < skylite->service_count; i++) {
        const struct service *service = skylite->services[i];
        if (!(service->protocols & PROTOCOL_RPC_CBOR) ||
            !str_eq(service_name, str_from(service->target_prefix)))
            continue;
        request->service = service;
        request->operation = operation_by_name(service, path);
    }
    return request->operation ? OK : unknown_operation(request);
}

static enum err read_cbor_input(struct request *request)
{
    struct str body = request->exchange->body;
    request->input =
        body.len ? cbor_to_json(request->arena, body) : json_parse(request->arena, STR("{}"));
    return yyjson_is_obj(request->input)
               ? OK
               : request_fail(request, ERR_SERIALIZATION, "The body is not a map in CBOR");
}

/* --- Query --- */

static enum err route_query(struct request *request)
{

    struct str form =
        request->exchange->body.len ? request->exchange->body : request->exchange->query;
    enum err rc = query_to_json(request->arena, form, &request->input, &request->error);
    if (rc)
        return rc;

    struct str action = request_str(request, "Action");
    if (!action.ptr)
        return request_fail(request, ERR_MISSING_ACTION,
                            "The request must contain the parameter Action.");
    request->operation = operation_by_name(request->service, action);
    if (request->operation)
        return OK;
    struct str version = request_str(request, "Version");
    if (!version.ptr)
        version = STR("NO_VERSION_SPECIFIED");
    return request_fail(request, ERR_INVALID_ACTION,
                        "Could not find operation %.*s for version %.*s", STR_ARG(action),
                        STR_ARG(version));
}

/* --- REST --- */

static bool next_segment(struct str *path, struct str *out)
{
    if (path->len == 0)
        return false;
    if (path->ptr[0] == '/')
        *path = str_slice(*path, 1, path->len);
    ptrdiff_t end = str_find_byte(*path, '/', 0);
    *out = str_slice(*path, 0, end < 0 ? path->len : (size_t)end);
    *path = str_slice(*path, out->len, path->len);
    return true;
}

struct label {
    struct str name, value;
};

struct match {
    const struct operation *operation;
    struct label labels[MAX_SEGMENTS];
    size_t label_count;
    int score; /* literal parts that matched: the more exact row wins */
};

static bool is_label(struct str segment)
{
    return segment.len > 2 && segment.ptr[0] == '{';
}

static bool add_label(struct match *match, struct str segment, struct str value)
{
    if (match->label_count == MAX_SEGMENTS)
        return false;
    match->labels[match->label_count++] =
        (struct label){str_slice(segment, 1, segment.len - 2), value};
    return true;
}

static bool match_path(struct str pattern, struct str path, struct match *match)
{
    struct str want, have;
    if (path.len > 1 && str_ends(path, STR("/")) && !str_ends(pattern, STR("+}")))
        path.len--;
    while (next_segment(&pattern, &want)) {
        if (str_ends(want, STR("+}"))) {
            if (path.len < 2)
                return false;
            want.len--;
            return add_label(match, want, str_slice(path, 1, path.len));
        }
        if (!next_segment(&path, &have))
            return false;
        if (is_label(want)) {
            if (have.len == 0 || !add_label(match, want, have))
                return false;
        } else if (!str_eq(want, have)) {
            return false;
        } else {
            match->score++;
        }
    }
    return path.len == 0;
}

/* Whether "mode=import&x" is in the request's query. */
static bool match_query(struct arena *arena, struct str wanted, struct str query,
                        struct match *match)
{
    struct query_pair *want, *have;
    size_t want_count = query_parse(arena, wanted, &want);
    size_t have_count = query_parse(arena, query, &have);
    for (size_t i = 0; i < want_count; i++) {
        bool found = false;
        for (size_t j = 0; j < have_count && !found; j++)
            found = str_eq(want[i].name, have[j].name) && str_eq(want[i].value, have[j].value);
        if (!found)
            return false;
        match->score++;
    }
    return true;
}

static void match_row(const struct operation *operation, const struct http_exchange *exchange,
                      struct arena *arena, struct match *best)
{
    if (!operation->http_method || !str_eq(exchange->method, str_from(operation->http_method)))
        return;
    struct match match = {.operation = operation};
    struct str wanted_query = str_from(operation->http_path), pattern;
    str_cut(&wanted_query, '?', &pattern);
    if (!match_path(pattern, exchange->path, &match))
        return;
    if (wanted_query.len && !match_query(arena, wanted_query, exchange->query, &match))
        return;
    if (!best->operation || match.score > best->score)
        *best = match;
}

static enum err add_query_members(struct request *request, yyjson_mut_doc *doc,
                                  yyjson_mut_val *input)
{
    struct query_pair *pairs;
    size_t count = query_parse(request->arena, request->exchange->query, &pairs);
    if (count > MAX_QUERY_PARAMETERS)
        return request_fail(request, ERR_VALIDATION, "Too many query parameters");
    for (size_t i = 0; i < count; i++) {
        yyjson_mut_val *value = yyjson_mut_strn(doc, pairs[i].value.ptr, pairs[i].value.len);
        yyjson_mut_val *old = yyjson_mut_obj_getn(input, pairs[i].name.ptr, pairs[i].name.len);
        if (!old) {
            yyjson_mut_obj_add(input, yyjson_mut_strn(doc, pairs[i].name.ptr, pairs[i].name.len),
                               value);
        } else if (yyjson_mut_is_arr(old)) {
            yyjson_mut_arr_append(old, value);
        } else {
            yyjson_mut_val *list = yyjson_mut_arr(doc);
            yyjson_mut_arr_append(list, yyjson_mut_val_mut_copy(doc, old));
            yyjson_mut_arr_append(list, value);
            yyjson_mut_obj_replace(
                input, yyjson_mut_strn(doc, pairs[i].name.ptr, pairs[i].name.len), list);
        }
    }
    return OK;
}

/* Body members, then query parameters, then labels, which win. */
static enum err merge_input(struct request *request, yyjson_val *body, const struct match *match)
{
    yyjson_mut_doc *doc = json_doc(request->arena);
    yyjson_mut_val *input = body ? yyjson_val_mut_copy(doc, body) : yyjson_mut_obj(doc);
    enum err rc = add_query_members(request, doc, input);
    if (rc)
        return rc;
    for (size_t i = 0; i < match->label_count; i++) {
        struct str value = decode_percent(request->arena, match->labels[i].value, false);
        if (!str_is_utf8(value))
            return request_fail(request, ERR_VALIDATION, "The path is not valid UTF-8");
        yyjson_mut_obj_put(
            input, yyjson_mut_strn(doc, match->labels[i].name.ptr, match->labels[i].name.len),
            yyjson_mut_strn(doc, value.ptr, value.len));
    }
    request->input = json_parse(request->arena, json_write(request->arena, input));
    return request->input ? OK
                          : request_fail(request, ERR_VALIDATION, "The request is not valid UTF-8");
}

static struct match find_row(struct request *request, const struct service *service)
{
    struct match best = {0};
    for (size_t i = 0; i < service->operation_count; i++)
        match_row(&service->operations[i], request->exchange, request->arena, &best);
    return best;
}

static enum err route_rest(struct request *request)
{
    request->protocol =
        request->service->protocols & PROTOCOL_REST_XML ? PROTOCOL_REST_XML : PROTOCOL_REST_JSON;
    struct match *match = arena_new(request->arena, struct match);
    *match = find_row(request, request->service);
    request->operation = match->operation;
    request->route = match;
    if (match->operation)
        return OK;
    return request_fail(request, ERR_UNKNOWN_OPERATION_404,
                        "Unable to determine service/operation name to be authorized");
}

static enum err read_rest_input(struct request *request)
{
    struct http_exchange *exchange = request->exchange;
    yyjson_val *body = NULL;
    bool is_raw =
        request->operation->flags & OPERATION_RAW_BODY || request->protocol == PROTOCOL_REST_XML;
    if (!is_raw && exchange->body.len) {
        body = json_parse(request->arena, exchange->body);
        if (!yyjson_is_obj(body))
            return request_fail(request, ERR_SERIALIZATION,
                                "Could not parse request body into json");
    }
    return merge_input(request, body, request->route);
}

/* --- All of them --- */

/* For a request whose signature names no service (--auth=any, or to word the refusal): the service
 * that would know it. */
static void guess_service(struct request *request)
{
    struct skylite *skylite = request->skylite;
    for (size_t i = 0; i < skylite->service_count; i++) {
        const struct service *service = skylite->services[i];
        if (service->protocols & PROTOCOL_REST_JSON && find_row(request, service).operation) {
            request->service = service;
            return;
        }
    }
}

static void guess_query_service(struct request *request)
{
    struct skylite *skylite = request->skylite;
    struct query_pair *pairs;
    struct str form =
        request->exchange->body.len ? request->exchange->body : request->exchange->query;
    size_t count = query_parse(request->arena, form, &pairs);
    for (size_t i = 0; i < count; i++) {
        if (!str_eq(pairs[i].name, STR("Action")))
            continue;
        for (size_t j = 0; j < skylite->service_count; j++) {
            const struct service *service = skylite->services[j];
            if (service->protocols & PROTOCOL_QUERY && operation_by_name(service, pairs[i].value))
                request->service = service;
        }
    }
}

static bool is_form(const struct request *request)
{
    struct str type = request_header(request, STR("content-type"));
    return str_starts(type, STR("application/x-www-form-urlencoded"));
}

static void find_service(struct request *request, struct str name)
{
    struct skylite *skylite = request->skylite;
    for (size_t i = 0; i < skylite->service_count; i++) {
        if (str_eq(name, str_from(skylite->services[i]->signing_name)))
            request->service = skylite->services[i];
    }
    if (!request->service)
        guess_service(request);
    if (!request->service)
        guess_query_service(request);
}

enum err route_find(struct request *request, struct str service)
{
    struct str target = request_header(request, STR("x-amz-target"));
    if (target.ptr)
        return route_target(request, target);
    if (str_eq(request_header(request, STR("smithy-protocol")), STR("rpc-v2-cbor")))
        return route_rpc(request);

    find_service(request, service);
    if (!request->service) {
        request->protocol = is_form(request) ? PROTOCOL_QUERY : PROTOCOL_REST_JSON;
        return request_fail(request, ERR_UNKNOWN_OPERATION_404,
                            "Unable to determine service/operation name to be authorized");
    }
    if (request->service->protocols & PROTOCOL_QUERY &&
        (is_form(request) ||
         !(request->service->protocols & (PROTOCOL_REST_JSON | PROTOCOL_REST_XML)))) {
        request->protocol = PROTOCOL_QUERY;
        return route_query(request);
    }
    if (request->service->protocols & (PROTOCOL_REST_JSON | PROTOCOL_REST_XML))
        return route_rest(request);
    request->protocol = PROTOCOL_AWS_JSON_1_0;
    return unknown_operation(request);
}

bool route_is_packed(const struct request *request)
{
    bool is_rest =
        request->protocol == PROTOCOL_REST_JSON || request->protocol == PROTOCOL_REST_XML;
    struct str coding = request_header(request, STR("content-encoding"));
    if (is_rest || !coding.ptr)
        return false;
    if (request->service && request->service->bad_packing)
        return coding.len && !str_eq_nocase(coding, STR("identity"));
    return str_eq_nocase(coding, STR("gzip"));
}

static enum err bad_packing(struct request *request)
{
    if (!request->service || !request->service->bad_packing)
        return request_fail(request, ERR_SERIALIZATION, "%s", "");
    return request_fail(request, request->service->bad_packing,
                        "The request processing has failed because of an unknown error, exception "
                        "or failure.");
}

static enum err busy(struct request *request)
{
    return request_fail(request, ERR_SERVICE_UNAVAILABLE,
                        "The service is unavailable. Please retry your request.");
}

enum err route_unpack(struct request *request)
{
    struct str *body = &request->exchange->body;
    struct str coding = request_header(request, STR("content-encoding"));
    if (!str_eq_nocase(coding, STR("gzip")) && !str_eq_nocase(coding, STR("deflate")))
        return bad_packing(request);
    if (!http_reserve(request->exchange, gzip_most(*body, MAX_UNPACKED_BYTES)))
        return busy(request);
    if (!gzip_unpack(request->arena, *body, MAX_UNPACKED_BYTES, body))
        return bad_packing(request);
    return OK;
}

/* What parsing makes of a body: a copy, and 16 bytes for each value. A megabyte of "[0,0,0" becomes
 * nine. REST calls are written and parsed once more, with the members of path and query. */
static bool reserve_tree(struct request *request)
{
    struct str body = request->exchange->body;
    bool is_rest = request->protocol == PROTOCOL_REST_JSON;
    if (body.len <= SMALL_BODY || request->protocol == PROTOCOL_REST_XML ||
        (request->operation && request->operation->flags & OPERATION_RAW_BODY))
        return true;
    size_t values = 0;
    for (size_t i = 0; i < body.len; i++)
        values += body.ptr[i] == ',' || body.ptr[i] == ':' || body.ptr[i] == '[';
    size_t tree = body.len + values * 16;
    return http_reserve(request->exchange, tree * (is_rest ? 4 : 1));
}

enum err route_read_input(struct request *request)
{
    request->raw_input = request->exchange->body;
    if (!reserve_tree(request))
        return busy(request);
    switch (request->protocol) {
    case PROTOCOL_QUERY: /* read already: it names the operation */
    case PROTOCOL_INTERNAL:
        return OK;
    case PROTOCOL_REST_JSON:
    case PROTOCOL_REST_XML:
        return read_rest_input(request);
    case PROTOCOL_RPC_CBOR:
        return read_cbor_input(request);
    case PROTOCOL_AWS_JSON_1_0:
    case PROTOCOL_AWS_JSON_1_1:
        break;
    }
    request->input = json_parse(request->arena, request->raw_input);
    return yyjson_is_obj(request->input) ? OK : request_fail(request, ERR_SERIALIZATION, "%s", "");
}
