/* The smallest REST API: GET /hello?name=Ada answers {"hello":"Ada"}. */
#include <skylite/api.h>
#include <skylite/lambda.h>

#include "base/buf.h"

static enum err hello(struct lambda_context *context, const struct api_event *event,
                      struct api_response *response, struct error *error)
{
    struct str name = api_event_query(event, "name");
    struct buf json;
    if (!name.ptr)
        return error_set(error, ERR_VALIDATION, "no name");
    buf_init_arena(&json, context->arena, 4096);
    buf_add(&json, STR("{\"hello\":"));
    buf_add_json(&json, name);
    buf_add_byte(&json, '}');
    api_response_json(response, buf_str(&json));
    return OK;
}

int main(void)
{
    const struct lambda_handler handlers[] = {{.name = "hello.handler", .handle_api = hello}};
    return lambda_run(handlers, 1, NULL);
}
