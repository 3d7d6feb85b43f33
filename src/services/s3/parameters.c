/* Query parameters and headers that each operation reads; requests with others are refused.
 *
 * In S3 a parameter chooses the operation: PUT /bucket/key?tagging is not PutObject. So a parameter
 * that nothing here reads must never reach the handler of the plain operation, which would put the
 * body of the one in the place of the object, or delete what was only to lose its tags. */
#include <assert.h>

#include "services/s3/internal.h"
#include "wire/query.h"

enum { MAX_KNOWN = 12 };

/* "name", or "name=value" when no other value is implemented. */
static const struct {
    const char *operation;
    const char *names[MAX_KNOWN];
} known_parameters[] = {
    {"ListBuckets", {NULL}},
    {"CreateBucket", {NULL}},
    {"HeadBucket", {NULL}},
    {"DeleteBucket", {NULL}},
    {"GetBucketLocation", {"location"}},
    {"ListObjectsV2",
     {"list-type=2", "prefix", "delimiter", "max-keys", "encoding-type", "start-after",
      "continuation-token", "fetch-owner=false"}},
    {"ListObjects", {"list-type=1", "prefix", "delimiter", "max-keys", "encoding-type", "marker"}},
    {"PutObject", {"uploadId", "partNumber"}},
    {"GetObject", {"versionId=null"}},
    {"HeadObject", {"versionId=null"}},
    {"DeleteObject", {"uploadId", "versionId=null"}},
    {"CreateMultipartUpload", {"uploads", "uploadId"}},
    {"PostBucket", {NULL}},
};

/* Headers that change what a write means. What they ask for is not done, so it is not begun. */
static const struct str refused_headers[] = {
    STR_INIT("if-match"),
    STR_INIT("if-none-match"),
    STR_INIT("x-amz-bypass-governance-retention"),
    STR_INIT("x-amz-copy-source"),
    STR_INIT("x-amz-grant-full-control"),
    STR_INIT("x-amz-grant-read"),
    STR_INIT("x-amz-grant-read-acp"),
    STR_INIT("x-amz-grant-write"),
    STR_INIT("x-amz-grant-write-acp"),
    STR_INIT("x-amz-if-match-last-modified-time"),
    STR_INIT("x-amz-if-match-size"),
    STR_INIT("x-amz-mfa"),
    STR_INIT("x-amz-object-lock-legal-hold"),
    STR_INIT("x-amz-object-lock-mode"),
    STR_INIT("x-amz-object-lock-retain-until-date"),
    STR_INIT("x-amz-server-side-encryption-customer-algorithm"),
    STR_INIT("x-amz-tagging"),
    STR_INIT("x-amz-website-redirect-location"),
    STR_INIT("x-amz-write-offset-bytes"),
};

/* Belong to every request: the operation's name, which SDKs add, and the parts of a presigned URL.
 */
static bool is_common(struct str name)
{
    static const struct str signature = STR_INIT("x-amz-");
    return str_eq(name, STR("x-id")) ||
           str_eq_nocase(str_slice(name, 0, name.len < signature.len ? name.len : signature.len),
                         signature);
}

static bool is_known(const char *const names[MAX_KNOWN], const struct query_pair *pair)
{
    for (size_t i = 0; i < MAX_KNOWN && names[i]; i++) {
        struct str value = str_from(names[i]), name;
        bool has_value = str_find_byte(value, '=', 0) >= 0;
        str_cut(&value, '=', &name);
        if (str_eq(pair->name, name) && (!has_value || str_eq(pair->value, value)))
            return true;
    }
    return false;
}

static enum err check_query(struct request *request, const char *const names[MAX_KNOWN])
{
    struct query_pair *pairs;
    size_t count = query_parse(request->arena, request->exchange->query, &pairs);
    for (size_t i = 0; i < count; i++) {
        if (!is_common(pairs[i].name) && !is_known(names, &pairs[i]))
            return request_fail(request, ERR_S3_NOT_IMPLEMENTED,
                                "The parameter %.*s of %s %s implies functionality that is not "
                                "implemented",
                                STR_ARG(pairs[i].name),
                                arena_cstr(request->arena, request->exchange->method),
                                s3_key_of(request).ptr ? "an object" : "a bucket");
    }
    return OK;
}

static enum err check_headers(struct request *request)
{
    struct str acl = request_header(request, STR("x-amz-acl"));
    for (size_t i = 0; i < sizeof(refused_headers) / sizeof(refused_headers[0]); i++) {
        if (request_header(request, refused_headers[i]).ptr)
            return request_fail(request, ERR_S3_NOT_IMPLEMENTED,
                                "The header %.*s implies functionality that is not implemented",
                                STR_ARG(refused_headers[i]));
    }
    if (acl.ptr && !str_eq(acl, STR("private")) && !str_eq(acl, STR("bucket-owner-full-control")))
        return request_fail(request, ERR_S3_NOT_IMPLEMENTED,
                            "The access control list %.*s is not implemented", STR_ARG(acl));
    return OK;
}

/* Chunks are taken off, and their signatures checked, where an object's bytes are read. */
static enum err check_payload(struct request *request)
{
    struct str hash = request_header(request, STR("x-amz-content-sha256"));
    if (!str_starts(hash, STR("STREAMING-")) || strcmp(request->operation->name, "PutObject") == 0)
        return OK;
    return request_fail(request, ERR_S3_NOT_IMPLEMENTED,
                        "A header you provided implies functionality that is not implemented");
}

enum err s3_check_parameters(struct request *request)
{
    if (!request->exchange)
        return OK;
    enum err payload_rc = check_payload(request);
    if (payload_rc)
        return payload_rc;
    bool is_write = !str_eq(request->exchange->method, STR("GET")) &&
                    !str_eq(request->exchange->method, STR("HEAD"));
    enum err rc = is_write ? check_headers(request) : OK;
    if (rc)
        return rc;
    for (size_t i = 0; i < sizeof(known_parameters) / sizeof(known_parameters[0]); i++) {
        if (strcmp(known_parameters[i].operation, request->operation->name) == 0)
            return check_query(request, known_parameters[i].names);
    }
    assert(false); /* an operation without a row */
    return OK;
}
