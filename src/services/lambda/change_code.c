/* New code for a function: where the package comes from, and unpacking it. */
#include <openssl/sha.h>

#include "base/encode.h"
#include "services/lambda/change.h"
#include "services/lambda/package.h"

struct code_job {
    struct request *request;
    struct change *change;
    enum err (*after)(struct request *request);
    enum err rc;
};

/* --- On a pool thread --- */

static void unpack(void *arg)
{
    struct code_job *job = arg;
    struct change *change = job->change;
    struct arena *arena = job->request->arena;
    unsigned char hash[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)change->zip.ptr, change->zip.len, hash);
    struct str bytes = str_make((const char *)hash, sizeof(hash));
    change->code_id = encode_hex(arena, bytes);
    change->code_sha256 = encode_base64(arena, bytes);
    job->rc = code_acquire(&change->lambda->codes, change->code_id, change->zip, &change->code,
                           &job->request->error);
}

static void unpacked(void *arg)
{
    struct code_job *job = arg;
    struct request *request = job->request;
    if (job->rc) {
        request_finish(request, job->rc);
        return;
    }
    change_start(request, job->change, job->after);
}

/* --- The package's source --- */

static enum err take_zip(struct request *request, yyjson_val *source, struct str *out)
{
    struct str text = json_get_str(source, "ZipFile");
    if (json_get_str(source, "S3Bucket").ptr || json_get_str(source, "S3Key").ptr)
        return request_fail(request, ERR_LAMBDA_INVALID_PARAMETER_VALUE,
                            "Please do not provide other FunctionCode parameters when providing a "
                            "ZipFile.");
    if (!decode_base64(request->arena, text, out))
        return request_fail(request, ERR_SERIALIZATION, "ZipFile is not valid base64");
    if (out->len > PACKAGE_MAX_ZIPPED)
        return request_fail(request, ERR_REQUEST_ENTITY_TOO_LARGE,
                            "Zipped size must be smaller than %u bytes", PACKAGE_MAX_ZIPPED);
    return OK;
}

static enum err take_object(struct request *request, yyjson_val *source, struct str *out)
{
    const struct package_capability *packages = &request->skylite->packages;
    struct str bucket = json_get_str(source, "S3Bucket"), key = json_get_str(source, "S3Key");
    struct error error;
    if (!bucket.ptr || !key.ptr)
        return request_fail(request, ERR_LAMBDA_INVALID_PARAMETER_VALUE,
                            "Please provide a source for function code.");
    if (json_get_str(source, "S3ObjectVersion").len)
        return request_fail(request, ERR_LAMBDA_INVALID_PARAMETER_VALUE,
                            "S3ObjectVersion is not available on this server.");
    if (!packages->get)
        return request_fail(request, ERR_LAMBDA_INVALID_PARAMETER_VALUE,
                            "Buckets are not available on this server.");
    struct str arn =
        arena_printf(request->arena, "arn:aws:s3:::%.*s/%.*s", STR_ARG(bucket), STR_ARG(key));
    enum err rc = request_authorize(request, STR("s3:GetObject"), arn);
    if (rc)
        return rc;
    rc = packages->get(packages->self, bucket, key, request->arena, out, &error);
    if (rc)
        return request_fail(request, ERR_LAMBDA_INVALID_PARAMETER_VALUE,
                            "Error occurred while GetObject. S3 Error Code: %s. S3 Error Message: "
                            "%.500s",
                            error_type(rc), error.message);
    return OK;
}

enum err change_with_code(struct request *request, struct change *change, yyjson_val *source,
                          enum err (*after)(struct request *request))
{
    if (json_get_str(source, "ImageUri").len)
        return request_fail(request, ERR_LAMBDA_INVALID_PARAMETER_VALUE,
                            "ImageUri is not available on this server.");
    bool is_direct = json_get_str(source, "ZipFile").ptr != NULL;
    enum err rc = is_direct ? take_zip(request, source, &change->zip)
                            : take_object(request, source, &change->zip);
    if (rc)
        return rc;
    if (change->zip.len == 0)
        return request_fail(request, ERR_LAMBDA_INVALID_PARAMETER_VALUE,
                            "Uploaded file must be a non-empty zip");

    struct code_job *job = arena_new(request->arena, struct code_job);
    *job = (struct code_job){.request = request, .change = change, .after = after};
    loop_work(request->loop, unpack, unpacked, job);
    return ERR_PENDING;
}
