/* What there is none of here: VPC links, client certificates, generators of SDKs. Lists are empty,
 * nothing is found, and making one is refused in words that say so. */
#include "services/apigateway/internal.h"

static enum err answer_none(struct request *request)
{
    yyjson_mut_doc *doc = json_doc(request->arena);
    yyjson_mut_val *answer = yyjson_mut_obj(doc);
    json_add_arr(doc, answer, "item");
    return apigw_answer(request, doc, answer);
}

enum err apigw_create_vpc_link(struct request *request)
{
    struct str name = request_str(request, "name");
    struct str target = json_str(yyjson_arr_get_first(json_get(request->input, "targetArns")));
    if (name.len == 0)
        return apigw_bad_request(request, "Name cannot be empty");
    if (!str_starts(target, STR("arn:")))
        return apigw_bad_request(request, "Invalid ARN. ARN is not well formed %.*s",
                                 STR_ARG(target));
    return apigw_bad_request(request, "VPC links are not supported: there is no VPC. Integrations "
                                      "reach other hosts directly");
}

enum err apigw_get_vpc_links(struct request *request)
{
    return answer_none(request);
}

enum err apigw_find_vpc_link(struct request *request)
{
    return apigw_not_found(request, "Invalid Vpc Link identifier specified");
}

enum err apigw_generate_client_certificate(struct request *request)
{
    return apigw_bad_request(request, "Client certificates are not supported");
}

enum err apigw_get_client_certificates(struct request *request)
{
    return answer_none(request);
}

enum err apigw_find_client_certificate(struct request *request)
{
    return apigw_not_found(request, "Invalid Client Certificate identifier specified");
}

enum err apigw_get_sdk_types(struct request *request)
{
    return answer_none(request);
}

enum err apigw_find_sdk_type(struct request *request)
{
    return apigw_not_found(request, "Invalid SDK type identifier specified");
}

enum err apigw_get_sdk(struct request *request)
{
    return apigw_bad_request(request, "Generating SDKs is not supported. Export the stage as "
                                      "OpenAPI and use a generator for that");
}
