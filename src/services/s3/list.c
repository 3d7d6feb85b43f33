/* ListObjects and ListObjectsV2. */
#include "base/clock.h"
#include "base/encode.h"
#include "services/s3/internal.h"

enum { MAX_KEYS = 1000 };

struct listing {
    struct request *request;
    struct buf xml;
    struct str prefix, delimiter;
    struct str after; /* keys up to here are on pages before */
    bool is_v2, is_url;
    size_t max_keys, count;
    bool is_truncated;
    struct str last;   /* the last key or common prefix given */
    struct str common; /* the common prefix that keys are now passed over for */
};

static struct str as_asked(struct listing *listing, struct str key)
{
    struct buf buf;
    if (!listing->is_url)
        return key;
    buf_init_arena(&buf, listing->request->arena, SIZE_MAX / 2);
    encode_percent(&buf, key, true);
    return buf_str(&buf);
}

static void add_key(struct listing *listing, struct str name, struct str key, yyjson_val *object)
{
    struct request *request = listing->request;
    int64_t modified = 0, size = 0;
    json_get_i64(object, "modified", &modified);
    json_get_i64(object, "size", &size);
    (void)key;
    buf_add(&listing->xml, STR("<Contents>"));
    s3_xml_add(&listing->xml, "Key", as_asked(listing, name));
    s3_xml_add(&listing->xml, "LastModified", clock_iso8601_ms(request->arena, modified));
    s3_xml_add(&listing->xml, "ETag", json_get_str(object, "etag"));
    buf_printf(&listing->xml, "<Size>%lld</Size>", (long long)size);
    buf_add(&listing->xml, STR("<StorageClass>STANDARD</StorageClass></Contents>"));
}

/* The part of a key up to the delimiter behind the prefix; empty when there is none. */
static struct str common_prefix(const struct listing *listing, struct str key)
{
    if (listing->delimiter.len == 0)
        return STR_EMPTY;
    struct str rest = str_slice(key, listing->prefix.len, key.len);
    ptrdiff_t at = str_find(rest, listing->delimiter);
    return at < 0 ? STR_EMPTY
                  : str_slice(key, 0, listing->prefix.len + (size_t)at + listing->delimiter.len);
}

/* False when the page is full. */
static bool visit(struct listing *listing, struct str key, struct str text)
{
    struct request *request = listing->request;
    struct str common = common_prefix(listing, key);
    if (str_cmp(key, listing->after) <= 0 ||
        (common.len && (str_eq(common, listing->common) || str_eq(common, listing->after))))
        return true;
    if (listing->count == listing->max_keys) {
        listing->is_truncated = true;
        return false;
    }
    listing->count++;
    listing->last = arena_str(request->arena, common.len ? common : key);
    listing->common = common.len ? listing->last : STR_EMPTY;
    if (common.len) {
        buf_add(&listing->xml, STR("<CommonPrefixes>"));
        s3_xml_add(&listing->xml, "Prefix", as_asked(listing, common));
        buf_add(&listing->xml, STR("</CommonPrefixes>"));
    } else {
        add_key(listing, key, key, json_parse(request->arena, text));
    }
    return true;
}

static enum err walk(struct listing *listing)
{
    struct request *request = listing->request;
    struct str bucket = s3_bucket_of(request), key, text;
    struct str start = s3_object_key(request->arena, bucket, listing->prefix);
    size_t head = start.len - listing->prefix.len;
    struct str end = store_prefix_end(request->arena, start);
    if (str_cmp(listing->after, listing->prefix) > 0)
        start = s3_object_key(request->arena, bucket, listing->after);
    struct store_iter *iter =
        store_iter_new(request->skylite->store, STORE_META, start, end, false);
    while (store_iter_next(iter, &key, &text)) {
        if (!visit(listing, str_slice(key, head, key.len), text))
            break;
    }
    enum err rc = store_iter_error(iter, &request->error);
    store_iter_free(iter);
    return rc;
}

/* --- The answer --- */

static struct str or_empty(struct str text)
{
    return text.ptr ? text : STR_EMPTY;
}

static enum err read_listing(struct request *request, struct listing *out)
{
    struct str max_keys = s3_query(request, "max-keys"), token;
    uint64_t number = MAX_KEYS;
    *out = (struct listing){
        .request = request,
        .prefix = or_empty(s3_query(request, "prefix")),
        .delimiter = or_empty(s3_query(request, "delimiter")),
        .is_v2 = str_eq(s3_query(request, "list-type"), STR("2")),
        .is_url = str_eq(s3_query(request, "encoding-type"), STR("url")),
    };
    if (max_keys.ptr && !str_to_u64(max_keys, &number))
        return request_fail(request, ERR_S3_INVALID_ARGUMENT,
                            "Provided max-keys not an integer or within integer range");
    out->max_keys = number > MAX_KEYS ? MAX_KEYS : number;
    out->after = or_empty(s3_query(request, out->is_v2 ? "start-after" : "marker"));
    token = s3_query(request, "continuation-token");
    if (token.ptr && !decode_base64(request->arena, token, &out->after))
        return request_fail(request, ERR_S3_INVALID_ARGUMENT,
                            "The continuation token provided is incorrect");
    return OK;
}

static void add_head(struct listing *listing)
{
    struct buf *xml = &listing->xml;
    s3_xml_start(listing->request, xml);
    buf_add(xml, STR("<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"));
    s3_xml_add(xml, "Name", s3_bucket_of(listing->request));
    s3_xml_add(xml, "Prefix", as_asked(listing, listing->prefix));
    if (listing->delimiter.len)
        s3_xml_add(xml, "Delimiter", as_asked(listing, listing->delimiter));
    if (listing->is_url)
        s3_xml_add(xml, "EncodingType", STR("url"));
    buf_printf(xml, "<MaxKeys>%zu</MaxKeys>", listing->max_keys);
}

static void add_tail(struct listing *listing)
{
    struct request *request = listing->request;
    struct buf *xml = &listing->xml;
    s3_xml_add(xml, "IsTruncated", listing->is_truncated ? STR("true") : STR("false"));
    if (listing->is_v2) {
        buf_printf(xml, "<KeyCount>%zu</KeyCount>", listing->count);
        if (listing->is_truncated)
            s3_xml_add(xml, "NextContinuationToken", encode_base64(request->arena, listing->last));
    } else {
        s3_xml_add(xml, "Marker", as_asked(listing, or_empty(s3_query(request, "marker"))));
        if (listing->is_truncated)
            s3_xml_add(xml, "NextMarker", as_asked(listing, listing->last));
    }
    buf_add(xml, STR("</ListBucketResult>"));
}

static enum err list_objects(struct request *request)
{
    struct s3_reader reader = s3_reader_of(request, NULL);
    struct listing listing;
    enum err rc = read_listing(request, &listing);
    if (rc == OK)
        rc = s3_find_bucket(&reader, s3_bucket_of(request), &request->error);
    if (rc)
        return rc;
    add_head(&listing);
    rc = walk(&listing);
    add_tail(&listing);
    s3_answer_xml(request, &listing.xml);
    return rc;
}

enum err s3_list_objects(struct request *request)
{
    return request_read(request, list_objects);
}
