/* The service: its operations and its life. */
#include "services/apigateway/apigateway.h"

#include <stdlib.h>

#include "services/apigateway/internal.h"

enum {
    FLAGS_GET = OPERATION_READ,
    FLAGS_POST = 0,
    FLAGS_PUT = 0,
    FLAGS_PATCH = 0,
    FLAGS_DELETE = 0
};

static const struct operation operations[] = {
#define OPERATION(name, function, method, path, status)                                            \
    {#name, function, "apigateway:" #method, apigw_resource_arn, #method,                          \
     path,  status,   FLAGS_##method},
#define RAW_OPERATION(name, function, method, path, status)                                        \
    {#name, function, "apigateway:" #method, apigw_resource_arn, #method,                          \
     path,  status,   OPERATION_RAW_BODY},
#include "services/apigateway/operations.def"
#undef OPERATION
};

enum err apigateway_new(struct skylite *skylite, struct apigateway **out, struct error *error)
{
    struct apigateway *apigateway = calloc(1, sizeof(*apigateway));
    if (!apigateway)
        abort();
    enum err rc = plane_new(skylite, &apigateway->plane, error);
    if (rc) {
        free(apigateway);
        return rc;
    }
    apigateway->skylite = skylite;
    apigateway->service = (struct service){
        .name = "apigateway",
        .signing_name = "apigateway",
        .protocols = PROTOCOL_REST_JSON,
        .unavailable = ERR_APIGW_SERVICE_UNAVAILABLE,
        .operations = operations,
        .operation_count = sizeof(operations) / sizeof(operations[0]),
        .condition_keys = apigw_condition_keys,
        .condition_key_count = apigw_condition_key_count,
        .self = apigateway,
    };
    skylite_add_service(skylite, &apigateway->service);
    skylite->apis = (struct api_capability){
        .self = apigateway->plane,
        .handle = plane_handle,
        .body_limit = plane_body_limit,
        .reject = plane_reject,
    };
    *out = apigateway;
    return OK;
}

void apigateway_free(struct apigateway *apigateway)
{
    if (!apigateway)
        return;
    plane_free(apigateway->plane);
    free(apigateway);
}
