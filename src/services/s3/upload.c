/* Multipart uploads: SDKs cut what is larger than 8 MB into parts. A part is a blob; completing an
 * upload makes an object of its blobs. */
#include <openssl/evp.h>

#include "base/encode.h"
#include "services/s3/internal.h"

enum { MAX_PARTS = 10000 };

static enum err no_such_upload(struct request *request)
{
    return request_fail(request, ERR_S3_NO_SUCH_UPLOAD,
                        "The specified upload does not exist. The upload ID may be invalid, or the "
                        "upload may have been aborted or completed.");
}

static enum err find_upload(struct request *request, struct store_txn *txn, yyjson_val **out)
{
    struct s3_reader reader = s3_reader_of(request, txn);
    struct str id = s3_query(request, "uploadId");
    enum err rc = s3_get(&reader, s3_upload_key(request->arena, id), out, &request->error);
    if (rc)
        return rc;
    bool is_ours = *out && str_eq(json_get_str(*out, "bucket"), s3_bucket_of(request)) &&
                   str_eq(json_get_str(*out, "key"), s3_key_of(request));
    return is_ours ? OK : no_such_upload(request);
}

/* --- CreateMultipartUpload --- */

static enum err start_upload(struct request *request, struct store_txn *txn)
{
    struct s3_reader reader = s3_reader_of(request, txn);
    struct str id = random_text(
        request->arena, STR("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"), 48);
    yyjson_mut_val *upload;
    struct buf xml;
    enum err rc = s3_find_bucket(&reader, s3_bucket_of(request), &request->error);
    if (rc == OK)
        rc = s3_new_document(request, &upload);
    if (rc)
        return rc;
    json_add_str(request->doc, upload, "bucket", s3_bucket_of(request));
    json_add_str(request->doc, upload, "key", s3_key_of(request));
    s3_put(txn, request->arena, s3_upload_key(request->arena, id), upload);

    s3_xml_start(request, &xml);
    buf_add(&xml, STR("<InitiateMultipartUploadResult "
                      "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"));
    s3_xml_add(&xml, "Bucket", s3_bucket_of(request));
    s3_xml_add(&xml, "Key", s3_key_of(request));
    s3_xml_add(&xml, "UploadId", id);
    buf_add(&xml, STR("</InitiateMultipartUploadResult>"));
    s3_answer_xml(request, &xml);
    return OK;
}

/* --- UploadPart --- */

struct part {
    int64_t number;
    struct s3_body body;
};

static enum err put_part(struct request *request, struct store_txn *txn)
{
    struct part *part = request->handler_state;
    struct s3_reader reader = s3_reader_of(request, txn);
    struct str place = s3_part_key(request->arena, s3_query(request, "uploadId"), part->number);
    yyjson_val *upload, *before;
    enum err rc = find_upload(request, txn, &upload);
    if (rc == OK)
        rc = s3_get(&reader, place, &before, &request->error);
    if (rc)
        return rc;
    s3_delete_blobs(txn, request->arena, before);

    yyjson_mut_val *document = yyjson_mut_obj(request->doc);
    yyjson_mut_val *blobs = json_add_arr(request->doc, document, "blobs");
    s3_add_blob(request, txn, blobs, part->body.bytes);
    json_add_str(request->doc, document, "md5", encode_hex(request->arena, part->body.md5));
    s3_put(txn, request->arena, place, document);
    return OK;
}

enum err s3_upload_part(struct request *request)
{
    struct part *part = arena_new(request->arena, struct part);
    uint64_t number;
    if (!str_to_u64(s3_query(request, "partNumber"), &number) || number < 1 || number > MAX_PARTS)
        return request_fail(request, ERR_S3_INVALID_ARGUMENT,
                            "Part number must be an integer between 1 and 10000, inclusive");
    enum err rc = s3_read_body(request, &part->body);
    if (rc)
        return rc;
    part->number = (int64_t)number;
    request->handler_state = part;
    request_add_header(request, STR("ETag"), s3_etag(request->arena, part->body.md5));
    return request_write(request, put_part, NULL);
}

/* --- CompleteMultipartUpload --- */

/* The object in the making. */
struct assembly {
    struct request *request;
    struct store_txn *txn;
    yyjson_mut_val *document, *blobs;
    EVP_MD_CTX *md5; /* of the parts' sums */
    int64_t size, last_number;
    size_t count;
};

static enum err invalid_part(struct request *request)
{
    return request_fail(request, ERR_S3_INVALID_PART,
                        "One or more of the specified parts could not be found. The part may not "
                        "have been uploaded, or the specified entity tag may not match the part's "
                        "entity tag.");
}

static enum err add_blob(struct assembly *assembly, yyjson_val *part)
{
    struct request *request = assembly->request;
    yyjson_val *blob = yyjson_arr_get(json_get(part, "blobs"), 0);
    struct str sum;
    int64_t size = 0;
    json_get_i64(blob, "size", &size);
    assembly->size += size;
    assembly->count++;
    if (assembly->size > S3_MAX_OBJECT)
        return request_fail(request, ERR_S3_ENTITY_TOO_LARGE,
                            "Your proposed upload exceeds the maximum allowed size");
    if (!decode_hex(request->arena, json_get_str(part, "md5"), &sum) ||
        !EVP_DigestUpdate(assembly->md5, sum.ptr, sum.len))
        return invalid_part(request);
    yyjson_mut_arr_append(assembly->blobs, yyjson_val_mut_copy(request->doc, blob));
    return OK;
}

static enum err add_part(struct assembly *assembly, uint64_t number, struct str etag)
{
    struct request *request = assembly->request;
    struct s3_reader reader = s3_reader_of(request, assembly->txn);
    struct str place = s3_part_key(request->arena, s3_query(request, "uploadId"), (int64_t)number);
    yyjson_val *part;
    if ((int64_t)number <= assembly->last_number)
        return request_fail(request, ERR_S3_INVALID_PART_ORDER,
                            "The list of parts was not in ascending order. Parts must be ordered "
                            "by part number.");
    enum err rc = s3_get(&reader, place, &part, &request->error);
    if (rc == OK && (!part || str_find(etag, json_get_str(part, "md5")) < 0))
        rc = invalid_part(request);
    if (rc)
        return rc;
    assembly->last_number = (int64_t)number;
    store_txn_delete(assembly->txn, STORE_META, place);
    return add_blob(assembly, part);
}

static enum err add_parts(struct assembly *assembly)
{
    struct request *request = assembly->request;
    struct str xml = request->raw_input, part;
    while (s3_xml_take(&xml, "Part", request->arena, &part)) {
        struct str of_number = part, number_text, etag;
        uint64_t number;
        if (!s3_xml_take(&of_number, "PartNumber", request->arena, &number_text) ||
            !s3_xml_take(&part, "ETag", request->arena, &etag) ||
            !str_to_u64(str_trim(number_text), &number) || number > MAX_PARTS)
            break;
        enum err rc = add_part(assembly, number, etag);
        if (rc)
            return rc;
    }
    if (assembly->count == 0)
        return request_fail(request, ERR_S3_MALFORMED_XML,
                            "The XML you provided was not well-formed or did not validate against "
                            "our published schema");
    return OK;
}

/* "\"md5 of the parts' md5s-COUNT\"", as S3 makes it. */
static struct str assembled_etag(struct assembly *assembly)
{
    struct arena *arena = assembly->request->arena;
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    EVP_DigestFinal_ex(assembly->md5, sum, &len);
    struct str hex = encode_hex(arena, str_make((char *)sum, len));
    return arena_printf(arena, "\"%.*s-%zu\"", STR_ARG(hex), assembly->count);
}

/* Parts that were uploaded but not asked for go away. */
static void delete_parts(struct request *request, struct store_txn *txn)
{
    struct str id = s3_query(request, "uploadId"), key, text;
    struct str start = arena_printf(request->arena, "s3/part/%.*s/", STR_ARG(id));
    struct store_iter *iter =
        store_txn_iter_new(txn, STORE_META, start, store_prefix_end(request->arena, start), false);
    while (store_iter_next(iter, &key, &text)) {
        s3_delete_blobs(txn, request->arena, json_parse(request->arena, text));
        store_txn_delete(txn, STORE_META, arena_str(request->arena, key));
    }
    store_iter_free(iter);
    store_txn_delete(txn, STORE_META, s3_upload_key(request->arena, id));
}

static void answer_completed(struct request *request, struct str etag)
{
    struct buf xml;
    s3_xml_start(request, &xml);
    buf_add(&xml, STR("<CompleteMultipartUploadResult "
                      "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"));
    s3_xml_add(&xml, "Location",
               arena_printf(request->arena, "/%.*s/%.*s", STR_ARG(s3_bucket_of(request)),
                            STR_ARG(s3_key_of(request))));
    s3_xml_add(&xml, "Bucket", s3_bucket_of(request));
    s3_xml_add(&xml, "Key", s3_key_of(request));
    s3_xml_add(&xml, "ETag", etag);
    buf_add(&xml, STR("</CompleteMultipartUploadResult>"));
    s3_answer_xml(request, &xml);
}

static enum err assemble(struct assembly *assembly, yyjson_val *upload)
{
    struct request *request = assembly->request;
    assembly->document = yyjson_val_mut_copy(request->doc, upload);
    assembly->blobs = json_add_arr(request->doc, assembly->document, "blobs");
    enum err rc = add_parts(assembly);
    if (rc)
        return rc;
    struct str etag = assembled_etag(assembly);
    json_add_str(request->doc, assembly->document, "etag", etag);
    json_add_i64(request->doc, assembly->document, "size", assembly->size);
    rc = s3_replace_object(request, assembly->txn, s3_bucket_of(request), s3_key_of(request),
                           assembly->document);
    if (rc == OK) {
        delete_parts(request, assembly->txn);
        answer_completed(request, etag);
    }
    return rc;
}

static enum err complete(struct request *request, struct store_txn *txn)
{
    struct assembly assembly = {.request = request, .txn = txn};
    yyjson_val *upload;
    enum err rc = find_upload(request, txn, &upload);
    if (rc)
        return rc;
    assembly.md5 = EVP_MD_CTX_new();
    if (assembly.md5 && EVP_DigestInit_ex(assembly.md5, EVP_md5(), NULL))
        rc = assemble(&assembly, upload);
    else
        rc = request_fail(request, ERR_INTERNAL, "MD5 is not available");
    EVP_MD_CTX_free(assembly.md5);
    return rc;
}

enum err s3_post_object(struct request *request)
{
    if (s3_query(request, "uploads").ptr)
        return request_write(request, start_upload, NULL);
    if (s3_query(request, "uploadId").ptr)
        return request_write(request, complete, NULL);
    return request_fail(request, ERR_S3_NOT_IMPLEMENTED,
                        "A header you provided implies functionality that is not implemented");
}

/* --- AbortMultipartUpload --- */

static enum err abort_upload(struct request *request, struct store_txn *txn)
{
    yyjson_val *upload;
    enum err rc = find_upload(request, txn, &upload);
    if (rc == OK)
        delete_parts(request, txn);
    return rc;
}

enum err s3_abort_upload(struct request *request)
{
    return request_write(request, abort_upload, NULL);
}
