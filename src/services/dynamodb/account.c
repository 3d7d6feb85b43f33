/* DescribeLimits and DescribeEndpoints. */
#include "services/dynamodb/operations.h"

/* The quotas of a new account; nothing here is throttled by them. */
enum { ACCOUNT_UNITS = 80000, TABLE_UNITS = 40000, CACHE_MINUTES = 1440 };

enum err ddb_describe_limits(struct request *request)
{
    yyjson_mut_val *out = request_output(request);
    json_add_i64(request->doc, out, "AccountMaxReadCapacityUnits", ACCOUNT_UNITS);
    json_add_i64(request->doc, out, "AccountMaxWriteCapacityUnits", ACCOUNT_UNITS);
    json_add_i64(request->doc, out, "TableMaxReadCapacityUnits", TABLE_UNITS);
    json_add_i64(request->doc, out, "TableMaxWriteCapacityUnits", TABLE_UNITS);
    return OK;
}

enum err ddb_describe_endpoints(struct request *request)
{
    struct str host = request_header(request, STR("host"));
    yyjson_mut_val *list = json_add_arr(request->doc, request_output(request), "Endpoints");
    yyjson_mut_val *endpoint = yyjson_mut_arr_add_obj(request->doc, list);
    if (!host.ptr)
        host = arena_printf(request->arena, "%s:%u", request->skylite->config.listen_address,
                            request->skylite->port);
    json_add_str(request->doc, endpoint, "Address", host);
    json_add_i64(request->doc, endpoint, "CachePeriodInMinutes", CACHE_MINUTES);
    return OK;
}
