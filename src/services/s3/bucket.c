/* Buckets. */
#include "base/clock.h"
#include "core/region.h"
#include "services/s3/internal.h"

/* https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html */
static bool is_bucket_name(struct str name)
{
    if (name.len < 3 || name.len > 63)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool is_word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        bool is_inner = (c == '-' || c == '.') && i > 0 && i + 1 < name.len;
        if (!is_word && !is_inner)
            return false;
    }
    return str_find(name, STR("..")) < 0;
}

/* --- CreateBucket --- */

/* In us-east-1, making one's own bucket again succeeds. */
static enum err already_there(struct request *request)
{
    if (str_eq(request->skylite->config.region, STR("us-east-1")))
        return OK;
    return request_fail(request, ERR_S3_BUCKET_ALREADY_OWNED,
                        "Your previous request to create the named bucket succeeded and you "
                        "already own it.");
}

static enum err create(struct request *request, struct store_txn *txn)
{
    struct s3_reader reader = s3_reader_of(request, txn);
    struct str key = s3_bucket_key(request->arena, s3_bucket_of(request));
    yyjson_val *existing;
    enum err rc = s3_get(&reader, key, &existing, &request->error);
    if (rc)
        return rc;
    if (existing)
        return already_there(request);
    yyjson_mut_val *bucket = yyjson_mut_obj(request->doc);
    json_add_i64(request->doc, bucket, "created", clock_wall_ms());
    s3_put(txn, request->arena, key, bucket);
    return OK;
}

/* The endpoint of us-east-1 takes buckets for every region, under the names of others; one of
 * another region takes its own only. Here they all are on this machine. */
static enum err check_location(struct request *request)
{
    struct str region = request->skylite->config.region, xml = request->raw_input, wanted;
    bool is_first_region = str_eq(region, STR("us-east-1"));
    if (!s3_xml_take(&xml, "LocationConstraint", request->arena, &wanted))
        wanted = is_first_region ? region : STR("unspecified");
    else if (str_eq(wanted, STR("us-east-1")) ||
             !(region_is_valid(wanted) || str_eq(wanted, STR("EU"))))
        return request_fail(request, ERR_S3_INVALID_LOCATION_CONSTRAINT,
                            "The specified location-constraint is not valid");
    if (is_first_region || str_eq(wanted, region))
        return OK;
    return request_fail(request, ERR_S3_ILLEGAL_LOCATION_CONSTRAINT,
                        "The %.*s location constraint is incompatible for the region specific "
                        "endpoint this request was sent to.",
                        STR_ARG(wanted));
}

enum err s3_create_bucket(struct request *request)
{
    struct str bucket = s3_bucket_of(request);
    if (!is_bucket_name(bucket))
        return request_fail(request, ERR_S3_INVALID_BUCKET_NAME,
                            "The specified bucket is not valid.");
    enum err rc = check_location(request);
    if (rc)
        return rc;
    request_add_header(request, STR("Location"),
                       arena_printf(request->arena, "/%.*s", STR_ARG(bucket)));
    return request_write(request, create, NULL);
}

/* --- Reading --- */

enum err s3_head_bucket(struct request *request)
{
    struct s3_reader reader = s3_reader_of(request, NULL);
    request_add_header(request, STR("x-amz-bucket-region"), request->skylite->config.region);
    return s3_find_bucket(&reader, s3_bucket_of(request), &request->error);
}

enum err s3_get_bucket_location(struct request *request)
{
    struct s3_reader reader = s3_reader_of(request, NULL);
    struct str region = request->skylite->config.region;
    struct buf xml;
    enum err rc = s3_find_bucket(&reader, s3_bucket_of(request), &request->error);
    if (rc)
        return rc;
    s3_xml_start(request, &xml);
    buf_add(&xml, STR("<LocationConstraint xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"));
    /* us-east-1 is told as nothing. */
    if (!str_eq(region, STR("us-east-1")))
        buf_add(&xml, region);
    buf_add(&xml, STR("</LocationConstraint>"));
    s3_answer_xml(request, &xml);
    return OK;
}

static void add_bucket(struct request *request, struct buf *xml, struct str name,
                       yyjson_val *bucket)
{
    int64_t created = 0;
    json_get_i64(bucket, "created", &created);
    buf_add(xml, STR("<Bucket>"));
    s3_xml_add(xml, "Name", name);
    s3_xml_add(xml, "CreationDate", clock_iso8601_ms(request->arena, created));
    buf_add(xml, STR("</Bucket>"));
}

enum err s3_list_buckets(struct request *request)
{
    struct str start = s3_bucket_key(request->arena, STR_EMPTY), key, text;
    struct buf xml;
    s3_xml_start(request, &xml);
    buf_add(&xml, STR("<ListAllMyBucketsResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
                      "<Owner>"));
    s3_xml_add(&xml, "ID", request->skylite->config.account);
    buf_add(&xml, STR("</Owner><Buckets>"));
    struct store_iter *iter = store_iter_new(request->skylite->store, STORE_META, start,
                                             store_prefix_end(request->arena, start), false);
    while (store_iter_next(iter, &key, &text))
        add_bucket(request, &xml, str_slice(key, start.len, key.len),
                   json_parse(request->arena, text));
    enum err rc = store_iter_error(iter, &request->error);
    store_iter_free(iter);
    buf_add(&xml, STR("</Buckets></ListAllMyBucketsResult>"));
    s3_answer_xml(request, &xml);
    return rc;
}

/* --- DeleteBucket --- */

static bool is_empty(struct request *request, struct store_txn *txn)
{
    struct str start = s3_object_key(request->arena, s3_bucket_of(request), STR_EMPTY), key, text;
    struct store_iter *iter =
        store_txn_iter_new(txn, STORE_META, start, store_prefix_end(request->arena, start), false);
    bool has_object = store_iter_next(iter, &key, &text);
    store_iter_free(iter);
    return !has_object;
}

static enum err delete_bucket(struct request *request, struct store_txn *txn)
{
    struct s3_reader reader = s3_reader_of(request, txn);
    enum err rc = s3_find_bucket(&reader, s3_bucket_of(request), &request->error);
    if (rc)
        return rc;
    if (!is_empty(request, txn))
        return request_fail(request, ERR_S3_BUCKET_NOT_EMPTY,
                            "The bucket you tried to delete is not empty");
    store_txn_delete(txn, STORE_META, s3_bucket_key(request->arena, s3_bucket_of(request)));
    return OK;
}

enum err s3_delete_bucket(struct request *request)
{
    return request_write(request, delete_bucket, NULL);
}
