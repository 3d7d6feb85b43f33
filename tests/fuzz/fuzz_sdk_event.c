/* Events of API Gateway, as a function reads them. */
#include "skylite/api.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct api_event event;
    struct api_response response;
    struct error error;
    if (api_event_parse(&arena, str_make((const char *)data, size), &event, &error) == OK) {
        api_response_init(&response, &arena);
        api_response_header(&response, STR("Accept"), event.method);
        struct str accept = api_event_header(&event, STR("accept"));
        if (accept.ptr)
            api_response_header(&response, STR("accept"), accept);
        api_event_query(&event, "limit");
        api_event_path_parameter(&event, "id");
        api_event_context(&event, "stage");
        if (event.body.ptr)
            api_response_text(&response, event.body);
        api_response_write(&response);
    }
    arena_release(&arena);
    return 0;
}
