/* Address, route and proxy event of any request: the event is JSON whatever was sent. The input is
 * "METHOD\nHOST\nTARGET\n", headers "NAME:VALUE\n" up to an empty line, and the body. */
#include <assert.h>

#include "core/capabilities.h"
#include "services/apigateway/plane/event.h"
#include "wire/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_HEADERS = 64 };

static const char snapshot_text[] =
    "{\"binaryMediaTypes\":[\"image/*\",\"application/octet-stream\"],\"resources\":["
    "{\"id\":\"a\",\"path\":\"/\",\"resourceMethods\":{\"GET\":{}}},"
    "{\"id\":\"b\",\"path\":\"/notes\",\"resourceMethods\":{\"GET\":{},\"POST\":{}}},"
    "{\"id\":\"c\",\"path\":\"/notes/{id}\",\"resourceMethods\":{\"ANY\":{}}},"
    "{\"id\":\"d\",\"path\":\"/notes/{id}/text\",\"resourceMethods\":{\"PUT\":{}}},"
    "{\"id\":\"e\",\"path\":\"/files/{path+}\",\"resourceMethods\":{\"GET\":{}}},"
    "{\"id\":\"f\",\"path\":\"/{proxy+}\",\"resourceMethods\":{\"OPTIONS\":{}}}]}";

static struct stage *make_stage(void)
{
    struct arena arena = {0};
    static const struct metric_capability no_metrics;
    struct stage_source source = {
        .metrics = &no_metrics,
        .account = STR("000000000000"),
        .region = STR("us-east-1"),
        .api = json_parse(&arena, STR("{\"id\":\"a1b2c3d4e5\"}")),
        .stage = json_parse(&arena, STR("{\"stageName\":\"prod\",\"variables\":{\"a\":\"b\"}}")),
        .snapshot = json_parse(&arena, str_from(snapshot_text)),
    };
    struct stage *stage = stage_compile(&source);
    arena_release(&arena);
    return stage;
}

static struct str next_line(struct str *rest)
{
    struct str line;
    str_cut(rest, '\n', &line);
    return line;
}

static void read_exchange(struct http_exchange *exchange, struct str rest)
{
    exchange->method = next_line(&rest);
    exchange->headers = arena_array(&exchange->arena, struct http_header, MAX_HEADERS);
    exchange->headers[exchange->header_count++] =
        (struct http_header){STR("Host"), next_line(&rest)};
    exchange->target = next_line(&rest);
    exchange->query = exchange->target;
    str_cut(&exchange->query, '?', &exchange->path);
    while (exchange->header_count < MAX_HEADERS) {
        struct str value = next_line(&rest), name;
        if (value.len == 0)
            break;
        str_cut(&value, ':', &name);
        exchange->headers[exchange->header_count++] = (struct http_header){name, value};
    }
    exchange->body = rest;
    exchange->peer = STR("127.0.0.1");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct stage *stage;
    if (!stage)
        stage = make_stage();
    struct http_exchange exchange = {0};
    read_exchange(&exchange, str_make((const char *)data, size));

    struct address address = address_of(&exchange, &exchange.arena);
    struct api_call call = {
        .exchange = &exchange,
        .arena = &exchange.arena,
        .stage = stage,
        .domain_name = address.domain,
        .domain_prefix = address.api_id,
        .event_path = address.path,
        .context_path = exchange.path,
        .request_id = STR("id"),
        .extended_id = STR("id"),
        .trace_id = STR("Root=1-0-0"),
        .request_time = STR("now"),
    };
    if (router_match(stage->router, address.path, verb_of(exchange.method), &exchange.arena,
                     &call.route)) {
        struct buf event;
        call.method = call.route.target;
        buf_init_arena(&event, &exchange.arena, EVENT_MAX_BYTES);
        event_build(&call, &event);
        assert(event.is_full || yyjson_is_obj(json_parse(&exchange.arena, buf_str(&event))));
    }
    template_expand(&call, exchange.body);
    arena_release(&exchange.arena);
    return 0;
}
