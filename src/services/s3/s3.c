/* The service's start and end, and its table of operations. */
#include "services/s3/s3.h"

#include <stdlib.h>

#include "base/clock.h"
#include "services/s3/internal.h"

#define BUCKET_ROW(name, handler, action, method, path, status)                                    \
    {                                                                                              \
        name, handler, action, s3_resource_bucket, method, path, status, .flags = 0                \
    }
#define OBJECT_ROW(name, handler, action, method, status, flags_)                                  \
    {                                                                                              \
        name, handler, action, s3_resource_object, method, "/{Bucket}/{Key+}", status,             \
            .flags = flags_                                                                        \
    }

const struct operation s3_operations[] = {
    {"ListBuckets", s3_list_buckets, "s3:ListAllMyBuckets", s3_resource_all, "GET", "/",
     .flags = OPERATION_READ},
    BUCKET_ROW("CreateBucket", s3_create_bucket, "s3:CreateBucket", "PUT", "/{Bucket}", 0),
    BUCKET_ROW("HeadBucket", s3_head_bucket, "s3:ListBucket", "HEAD", "/{Bucket}", 0),
    BUCKET_ROW("DeleteBucket", s3_delete_bucket, "s3:DeleteBucket", "DELETE", "/{Bucket}", 204),
    BUCKET_ROW("GetBucketLocation", s3_get_bucket_location, "s3:GetBucketLocation", "GET",
               "/{Bucket}?location", 0),
    BUCKET_ROW("ListObjectsV2", s3_list_objects, "s3:ListBucket", "GET", "/{Bucket}?list-type=2",
               0),
    /* DeleteObjects and forms of browsers; all refused by s3_check_parameters. */
    BUCKET_ROW("PostBucket", s3_post_object, "s3:DeleteObject", "POST", "/{Bucket}", 0),
    BUCKET_ROW("ListObjects", s3_list_objects, "s3:ListBucket", "GET", "/{Bucket}", 0),

    /* With ?uploadId these are UploadPart and AbortMultipartUpload, with ?uploads and ?uploadId the
     * POST starts and completes a multipart upload. */
    OBJECT_ROW("PutObject", s3_put_object, "s3:PutObject", "PUT", 0, OPERATION_BULK),
    OBJECT_ROW("GetObject", s3_get_object, "s3:GetObject", "GET", 0, 0),
    OBJECT_ROW("HeadObject", s3_get_object, "s3:GetObject", "HEAD", 0, 0),
    OBJECT_ROW("DeleteObject", s3_delete_object, "s3:DeleteObject", "DELETE", 204, 0),
    OBJECT_ROW("CreateMultipartUpload", s3_post_object, "s3:PutObject", "POST", 0, OPERATION_BULK),
};
const size_t s3_operation_count = sizeof(s3_operations) / sizeof(s3_operations[0]);

static enum err make_bucket(struct store_txn *txn, struct store_write *write, struct error *error)
{
    struct s3 *s3 = write->arg;
    struct arena arena = {0};
    struct s3_reader reader = {s3->skylite->store, txn, &arena};
    struct str key = s3_bucket_key(&arena, STR(S3_ARTIFACTS_BUCKET));
    yyjson_val *existing;
    enum err rc = s3_get(&reader, key, &existing, error);
    if (rc == OK && !existing) {
        yyjson_mut_doc *doc = json_doc(&arena);
        yyjson_mut_val *bucket = yyjson_mut_obj(doc);
        json_add_i64(doc, bucket, "created", clock_wall_ms());
        s3_put(txn, &arena, key, bucket);
    }
    arena_release(&arena);
    return rc;
}

/* Looks before it writes: a start with data in place costs no fsync. */
static enum err ensure_bucket(struct s3 *s3, struct error *error)
{
    struct arena arena = {0};
    struct s3_reader reader = {s3->skylite->store, NULL, &arena};
    enum err rc = s3_find_bucket(&reader, STR(S3_ARTIFACTS_BUCKET), error);
    arena_release(&arena);
    return rc == ERR_S3_NO_SUCH_BUCKET
               ? store_write_wait(s3->skylite->store, make_bucket, s3, error)
               : rc;
}

enum err s3_new(struct skylite *skylite, struct s3 **out, struct error *error)
{
    struct s3 *s3 = calloc(1, sizeof(*s3));
    if (!s3)
        abort();
    s3->skylite = skylite;
    enum err rc = ensure_bucket(s3, error);
    if (rc) {
        s3_free(s3);
        return rc;
    }
    s3->service = (struct service){
        .name = "s3",
        .signing_name = "s3",
        .protocols = PROTOCOL_REST_XML,
        .operations = s3_operations,
        .operation_count = s3_operation_count,
        .condition_keys = s3_condition_keys,
        .condition_key_count = s3_condition_key_count,
        .check_input = s3_check_parameters,
        .self = s3,
    };
    skylite_add_service(skylite, &s3->service);
    skylite->packages = (struct package_capability){.self = s3, .get = s3_package_get};
    *out = s3;
    return OK;
}

void s3_free(struct s3 *s3)
{
    free(s3);
}
