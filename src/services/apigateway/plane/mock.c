/* The MOCK integration: the answer is written in the configuration. */
#include <stdio.h>

#include "services/apigateway/plane/plane.h"
#include "services/apigateway/plane/transform.h"

void mock_start(struct api_call *call)
{
    struct integration_request request;
    if (!transform_request(call, &request))
        return;
    if (!request.mock_status) {
        call_misconfigured(call, 500, "The request of a MOCK integration gives no statusCode",
                           STR_EMPTY);
        return;
    }
    char text[16];
    snprintf(text, sizeof(text), "%d", request.mock_status);
    struct integration_answer answer = {.selector = str_from(text), .body = STR_EMPTY};
    transform_answer(call, &answer);
}
