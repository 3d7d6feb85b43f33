#include "core/signing.h"

enum { MINUTE_MS = 60 * 1000, USUAL_WINDOW_MIN = 15 };

enum trait {
    GLOBAL = 1,    /* one for all regions: us-east-1 is right everywhere */
    PRESIGNED = 2, /* AWS documents signatures in the query string for it */
    S3_WORDS = 4,
};

/* Windows as they stand in recorded errors: "Signature expired: ... (... - 5 min.)". */
static const struct {
    struct str service;
    int window_min;
    unsigned traits;
} rows[] = {
    /* "<MaxAllowedSkewMilliseconds>900000" of RequestTimeTooSkewed; presigned:
     * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html */
    {STR_INIT("s3"), 15, PRESIGNED | S3_WORDS},
    /* ministackorg/ministack#1746 (measured), mhart/aws4#118; presigned: clients that cannot set
     * headers, as of https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html */
    {STR_INIT("execute-api"), 5, PRESIGNED},
    /* pulumi/pulumi-aws#55, motdotla/node-lambda#382 */
    {STR_INIT("lambda"), 5, 0},
    /* aws/aws-sdk-net#1506 */
    {STR_INIT("ssm"), 5, 0},
    /* hashicorp/terraform#9571, serverless/serverless#505 */
    {STR_INIT("cloudformation"), 5, 0},
    /* aws/aws-sdk-js#254, architect/dynalite (index.js) */
    {STR_INIT("dynamodb"), 15, 0},
    /* devsecops/bootcamp#101 for both; presigned: ListUsers is AWS's example of one
     * (reference_sigv-create-signed-request.html), GetCallerIdentity is what EKS takes as a token
     * (kubernetes-sigs/aws-iam-authenticator). AWS's global endpoints want us-east-1; a client that
     * is given an endpoint of its own signs for its own region. */
    {STR_INIT("iam"), 15, GLOBAL | PRESIGNED},
    {STR_INIT("sts"), 15, GLOBAL | PRESIGNED},
};

struct sigv4_rules signing_rules(const struct skylite *skylite, struct str service)
{
    struct sigv4_rules rules = {
        .service = service,
        .region = skylite->config.region,
        .other_region = STR_EMPTY,
        .window_ms = USUAL_WINDOW_MIN * MINUTE_MS,
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (!str_eq(rows[i].service, service))
            continue;
        rules.window_ms = (int64_t)rows[i].window_min * MINUTE_MS;
        rules.takes_presigned = rows[i].traits & PRESIGNED;
        rules.is_s3 = rows[i].traits & S3_WORDS;
        if (rows[i].traits & GLOBAL)
            rules.other_region = STR("us-east-1");
        break;
    }
    return rules;
}
