/* The condition keys of S3's actions, most of them headers and parameters of the request
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html). A permission
 * that another service checks before it reads an object is one of a signed request without any. */
#include "base/clock.h"
#include "base/encode.h"
#include "services/s3/internal.h"

static struct str own_header(const struct condition_question *question, struct str name)
{
    return condition_is_own(question) ? request_header(question->request, name)
                                      : (struct str){NULL, 0};
}

/* --- How the request is signed --- */

static bool is_presigned(const struct condition_question *question)
{
    return condition_is_own(question) && s3_query(question->request, "X-Amz-Signature").ptr;
}

static void auth_type(const struct condition_question *question, struct condition_values *out)
{
    condition_add(out, is_presigned(question) ? STR("REST-QUERY-STRING") : STR("REST-HEADER"));
}

static void signature_version(const struct condition_question *question,
                              struct condition_values *out)
{
    (void)question;
    condition_add(out, STR("AWS4-HMAC-SHA256"));
}

/* Only a presigned request is older than its sending. */
static void signature_age(const struct condition_question *question, struct condition_values *out)
{
    int64_t signed_ms;
    if (is_presigned(question) &&
        clock_parse_amz_date(s3_query(question->request, "X-Amz-Date"), &signed_ms))
        condition_add_number(out, clock_wall_ms() - signed_ms);
}

static void content_sha256(const struct condition_question *question, struct condition_values *out)
{
    struct str header = own_header(question, STR("x-amz-content-sha256"));
    if (header.ptr || !is_presigned(question))
        condition_add(out, header);
    else
        condition_add(out, STR("UNSIGNED-PAYLOAD"));
}

static void resource_account(const struct condition_question *question,
                             struct condition_values *out)
{
    condition_add(out, question->skylite->config.account);
}

/* --- Parameters and headers --- */

/* "s3:x-amz-acl" is the header x-amz-acl. */
static void header(const struct condition_question *question, struct condition_values *out)
{
    struct str name = str_slice(question->name, sizeof("s3:") - 1, question->name.len);
    condition_add(out, own_header(question, name));
}

/* "s3:prefix" is the parameter prefix; HeadBucket and the like have none. */
static void parameter(const struct condition_question *question, struct condition_values *out)
{
    struct str name = str_slice(question->name, sizeof("s3:") - 1, question->name.len);
    if (condition_is_own(question))
        condition_add(out, s3_query(question->request, arena_cstr(out->arena, name)));
}

/* "s3:object-lock-mode" is the header x-amz-object-lock-mode. */
static void lock_header(const struct condition_question *question, struct condition_values *out)
{
    struct str name = str_slice(question->name, sizeof("s3:") - 1, question->name.len);
    condition_add(out, own_header(question, arena_concat(out->arena, STR("x-amz-"), name)));
}

/* In the body, which is XML; the name of the region is all that is looked for. */
static void location_constraint(const struct condition_question *question,
                                struct condition_values *out)
{
    static const struct str element = STR_INIT("LocationConstraint");
    struct str body = condition_is_own(question) ? question->request->raw_input : STR_EMPTY, text;
    ptrdiff_t at = str_find(body, element);
    if (at < 0)
        return;
    body = str_slice(body, (size_t)at + element.len, body.len);
    str_cut(&body, '>', &text);
    str_cut(&body, '<', &text);
    condition_add(out, str_trim(text));
}

/* "x-amz-tagging: team=blue&stage=x" */
static void add_object_tags(const struct condition_question *question, bool wants_keys,
                            struct condition_values *out)
{
    struct str rest = own_header(question, STR("x-amz-tagging")), pair, name;
    while (rest.len) {
        str_cut(&rest, '&', &pair);
        str_cut(&pair, '=', &name);
        name = decode_percent(out->arena, name, true);
        if (wants_keys)
            condition_add(out, name);
        else if (str_eq_nocase(name, question->tail))
            condition_add(out, decode_percent(out->arena, pair, true));
    }
}

static void request_object_tag(const struct condition_question *question,
                               struct condition_values *out)
{
    add_object_tags(question, false, out);
}

static void request_object_tag_keys(const struct condition_question *question,
                                    struct condition_values *out)
{
    add_object_tags(question, true, out);
}

static void creates_object(const struct condition_question *question, struct condition_values *out)
{
    bool is_part = condition_is_own(question) && s3_query(question->request, "partNumber").ptr;
    condition_add_bool(out, !is_part);
}

#define NO_TAGS         "Buckets and objects have no tags here"
#define NO_ACCESS_POINT "There are no access points and grants here"
#define NO_LOCKS        "Requests to lock an object are refused"
#define NO_TLS          "The server does not end TLS"

const struct condition_key s3_condition_keys[] = {
    {"s3:authType", NULL, auth_type, NULL},
    {"s3:signatureversion", NULL, signature_version, NULL},
    {"s3:signatureAge", NULL, signature_age, NULL},
    {"s3:x-amz-content-sha256", NULL, content_sha256, NULL},
    {"s3:ResourceAccount", NULL, resource_account, NULL},
    {"s3:TlsVersion", NULL, NULL, NO_TLS},

    {"s3:prefix", "ListBucket", parameter, NULL},
    {"s3:delimiter", "ListBucket", parameter, NULL},
    {"s3:max-keys", "ListBucket", parameter, NULL},
    {"s3:locationconstraint", "CreateBucket", location_constraint, NULL},
    {"s3:x-amz-bucket-namespace", "CreateBucket", header, NULL},
    {"s3:x-amz-object-ownership", "CreateBucket", header, NULL},
    {"s3:x-amz-acl", "CreateBucket PutObject", header, NULL},
    {"s3:x-amz-grant-full-control", "CreateBucket PutObject", header, NULL},
    {"s3:x-amz-grant-read", "CreateBucket PutObject", header, NULL},
    {"s3:x-amz-grant-read-acp", "CreateBucket PutObject", header, NULL},
    {"s3:x-amz-grant-write", "CreateBucket PutObject", header, NULL},
    {"s3:x-amz-grant-write-acp", "CreateBucket PutObject", header, NULL},
    {"s3:x-amz-copy-source", "PutObject", header, NULL},
    {"s3:x-amz-metadata-directive", "PutObject", header, NULL},
    {"s3:x-amz-server-side-encryption", "PutObject", header, NULL},
    {"s3:x-amz-server-side-encryption-aws-kms-key-id", "PutObject", header, NULL},
    {"s3:x-amz-server-side-encryption-customer-algorithm", "PutObject", header, NULL},
    {"s3:x-amz-storage-class", "PutObject", header, NULL},
    {"s3:x-amz-website-redirect-location", "PutObject", header, NULL},
    {"s3:object-lock-mode", "PutObject", lock_header, NULL},
    {"s3:object-lock-retain-until-date", "PutObject", lock_header, NULL},
    {"s3:object-lock-legal-hold", "PutObject", lock_header, NULL},
    {"s3:object-lock-remaining-retention-days", NULL, NULL, NO_LOCKS},
    {"s3:if-match", "PutObject DeleteObject", header, NULL},
    {"s3:if-none-match", "PutObject", header, NULL},
    {"s3:RequestObjectTag/", "PutObject", request_object_tag, NULL},
    {"s3:RequestObjectTagKeys", "PutObject", request_object_tag_keys, NULL},
    {"s3:ObjectCreationOperation", "PutObject", creates_object, NULL},

    {"s3:ExistingObjectTag/", NULL, NULL, NO_TAGS},
    {"s3:BucketTag/", NULL, NULL, NO_TAGS},
    {"aws:RequestTag/", NULL, NULL, NO_TAGS},
    {"aws:TagKeys", NULL, NULL, NO_TAGS},
    {"aws:ResourceTag/", NULL, NULL, NO_TAGS},
    {"s3:AccessGrantsInstanceArn", NULL, NULL, NO_ACCESS_POINT},
    {"s3:AccessPointNetworkOrigin", NULL, NULL, NO_ACCESS_POINT},
    {"s3:AccessPointTag/", NULL, NULL, NO_ACCESS_POINT},
    {"s3:DataAccessPointAccount", NULL, NULL, NO_ACCESS_POINT},
    {"s3:DataAccessPointArn", NULL, NULL, NO_ACCESS_POINT},
};
const size_t s3_condition_key_count = sizeof(s3_condition_keys) / sizeof(s3_condition_keys[0]);
