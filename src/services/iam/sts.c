/* The STS API: who am I, and temporary credentials. */
#include "services/iam/operations.h"

enum err sts_get_caller_identity(struct request *request)
{
    yyjson_mut_val *output = request_output(request);
    json_add_str(request->doc, output, "UserId", request->principal.user_id);
    json_add_str(request->doc, output, "Account", request->principal.account);
    json_add_str(request->doc, output, "Arn", request->principal.arn);
    return OK;
}

const struct operation sts_operations[] = {
    {.name = "GetCallerIdentity", .handler = sts_get_caller_identity, .flags = OPERATION_NO_IAM},
};
const size_t sts_operation_count = sizeof(sts_operations) / sizeof(sts_operations[0]);
const struct operation iam_operations[1];
const size_t iam_operation_count = 0;
