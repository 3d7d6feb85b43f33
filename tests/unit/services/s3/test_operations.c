/* Buckets, objects, lists and multipart uploads. */
#include "../service_fixture.h"
#include "services/s3/internal.h"

static void start_services(struct fixture *f)
{
    struct s3 *s3;
    assert_int_equal(s3_new(&f->skylite, &s3, &f->error), OK);
    f->service = s3;
}

static void stop_services(struct fixture *f)
{
    s3_free(f->service);
}

/* --- One HTTP exchange, made by hand --- */

struct exchange {
    struct http_exchange http;
    struct http_header headers[4];
    struct request request;
    struct loop_task task;
    sem_t is_done;
    enum err rc;
};

static void finished(struct request *request, enum err rc)
{
    struct exchange *exchange = request->finished_arg;
    exchange->rc = rc;
    sem_post(&exchange->is_done);
}

static void run(struct loop_task *task)
{
    struct exchange *exchange = (struct exchange *)((char *)task - offsetof(struct exchange, task));
    struct request *request = &exchange->request;
    enum err rc = request->operation->handler(request);
    if (rc != ERR_PENDING)
        request_finish(request, rc);
}

static const struct operation *find_operation(const char *name)
{
    for (size_t i = 0; i < s3_operation_count; i++) {
        if (strcmp(s3_operations[i].name, name) == 0)
            return &s3_operations[i];
    }
    fail_msg("no operation %s", name);
    return NULL;
}

/* `input` is JSON where ' is "; `headers` are "name: value" lines. */
static struct exchange *send_with(struct fixture *f, const char *operation, const char *input,
                                  const char *headers, struct str body)
{
    struct exchange *exchange = arena_new(&f->arena, struct exchange);
    struct request *request = &exchange->request;
    struct str lines = str_from(headers), line;
    char *text = arena_cstr(&f->arena, str_from(input));
    for (char *c = text; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    exchange->http.headers = exchange->headers;
    while (lines.len) {
        struct http_header *header = &exchange->headers[exchange->http.header_count++];
        str_cut(&lines, '\n', &line);
        str_cut(&line, ':', &header->name);
        header->value = str_trim(line);
    }
    *request = (struct request){
        .arena = &f->arena,
        .loop = f->loop,
        .skylite = &f->skylite,
        .service = &((struct s3 *)f->service)->service,
        .operation = find_operation(operation),
        .protocol = PROTOCOL_REST_XML,
        .exchange = &exchange->http,
        .input = json_parse(&f->arena, str_from(text)),
        .raw_input = body,
        .doc = json_doc(&f->arena),
        .finished = finished,
        .finished_arg = exchange,
    };
    sem_init(&exchange->is_done, 0, 0);
    exchange->task.run = run;
    loop_post(f->loop, &exchange->task);
    sem_wait(&exchange->is_done);
    sem_destroy(&exchange->is_done);
    return exchange;
}

static struct exchange *send(struct fixture *f, const char *operation, const char *input,
                             const char *body)
{
    return send_with(f, operation, input, "", str_from(body));
}

static struct str header(const struct exchange *exchange, const char *name)
{
    for (size_t i = 0; i < exchange->request.extra_header_count; i++) {
        if (str_eq(exchange->request.extra_headers[i].name, str_from(name)))
            return exchange->request.extra_headers[i].value;
    }
    return STR("(missing)");
}

static struct str element(struct str xml, const char *name)
{
    char open[64], close[64];
    snprintf(open, sizeof(open), "<%s>", name);
    snprintf(close, sizeof(close), "</%s>", name);
    ptrdiff_t start = str_find(xml, str_from(open)), end = str_find(xml, str_from(close));
    if (start < 0 || end < 0)
        return STR("(missing)");
    size_t from = (size_t)start + strlen(open);
    return str_slice(xml, from, (size_t)end - from);
}

#define OBJECT "{'Bucket':'skylite-artifacts','Key':'a.zip'}"

/* --- Objects --- */

static void test_objects__are_read_back(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(send(f, "PutObject", OBJECT, "abc")->rc, OK);
    struct exchange *got = send(f, "GetObject", OBJECT, "");
    assert_str(got->request.raw_output, STR("abc"));
    assert_str(header(got, "ETag"), STR("\"900150983cd24fb0d6963f7d28e17f72\""));
}

static void test_objects__are_given_to_other_services(void **state)
{
    struct fixture *f = *state;
    const struct package_capability *packages = &f->skylite.packages;
    struct str bytes;
    send(f, "PutObject", OBJECT, "abc");
    assert_int_equal(packages->get(packages->self, STR("skylite-artifacts"), STR("a.zip"),
                                   &f->arena, &bytes, &f->error),
                     OK);
    assert_str(bytes, STR("abc"));
}

static void test_objects__empty_ones_are_objects(void **state)
{
    struct fixture *f = *state;
    send(f, "PutObject", OBJECT, "");
    struct exchange *got = send(f, "GetObject", OBJECT, "");
    assert_int_equal(got->rc, OK);
    assert_int_equal(got->request.raw_output.len, 0);
}

static void test_objects__replacing_one_deletes_its_bytes(void **state)
{
    struct fixture *f = *state;
    struct str key, value;
    size_t count = 0;
    send(f, "PutObject", OBJECT, "abc");
    send(f, "PutObject", OBJECT, "def");
    struct store_iter *iter =
        store_iter_new(f->skylite.store, STORE_BLOBS, STR_EMPTY, STR_EMPTY, false);
    while (store_iter_next(iter, &key, &value))
        count++;
    store_iter_free(iter);
    assert_int_equal(count, 1);
}

static void test_objects__missing_one_is_told(void **state)
{
    struct fixture *f = *state;
    struct exchange *got = send(f, "GetObject", OBJECT, "");
    assert_int_equal(got->rc, ERR_S3_NO_SUCH_KEY);
    assert_string_equal(got->request.error.message, "The specified key does not exist.");
}

static void test_objects__missing_bucket_is_told(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(send(f, "PutObject", "{'Bucket':'nothing','Key':'a'}", "x")->rc,
                     ERR_S3_NO_SUCH_BUCKET);
}

static void test_objects__keep_type_and_metadata(void **state)
{
    struct fixture *f = *state;
    send_with(f, "PutObject", OBJECT, "Content-Type: application/zip\nx-amz-meta-who: me",
              STR("abc"));
    struct exchange *got = send(f, "HeadObject", OBJECT, "");
    assert_str(header(got, "Content-Type"), STR("application/zip"));
    assert_str(header(got, "x-amz-meta-who"), STR("me"));
}

static void test_objects__a_range_is_cut_out(void **state)
{
    struct fixture *f = *state;
    send(f, "PutObject", OBJECT, "0123456789");
    struct exchange *got = send_with(f, "GetObject", OBJECT, "range: bytes=2-4", STR_EMPTY);
    assert_str(got->request.raw_output, STR("234"));
    assert_int_equal(got->request.status, 206);
    assert_str(header(got, "Content-Range"), STR("bytes 2-4/10"));
}

static void test_objects__a_range_from_the_end_is_cut_out(void **state)
{
    struct fixture *f = *state;
    send(f, "PutObject", OBJECT, "0123456789");
    assert_str(send_with(f, "GetObject", OBJECT, "range: bytes=-3", STR_EMPTY)->request.raw_output,
               STR("789"));
}

static void test_objects__a_range_behind_the_end_is_refused(void **state)
{
    struct fixture *f = *state;
    send(f, "PutObject", OBJECT, "0123456789");
    assert_int_equal(send_with(f, "GetObject", OBJECT, "range: bytes=10-", STR_EMPTY)->rc,
                     ERR_S3_INVALID_RANGE);
}

static void test_objects__chunked_bodies_lose_their_frames(void **state)
{
    struct fixture *f = *state;
    struct exchange *put = send_with(f, "PutObject", OBJECT,
                                     "x-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\n"
                                     "x-amz-decoded-content-length: 3",
                                     STR("3\r\nabc\r\n0\r\nx-amz-checksum-crc32:NSRBwg==\r\n\r\n"));
    assert_int_equal(put->rc, OK);
    assert_str(send(f, "GetObject", OBJECT, "")->request.raw_output, STR("abc"));
}

static void test_objects__wrong_checksum_is_refused(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(
        send_with(f, "PutObject", OBJECT, "x-amz-checksum-crc32: AAAAAA==", STR("abc"))->rc,
        ERR_S3_BAD_DIGEST);
}

static void test_objects__wrong_md5_is_refused(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(
        send_with(f, "PutObject", OBJECT, "content-md5: AAAAAAAAAAAAAAAAAAAAAA==", STR("abc"))->rc,
        ERR_S3_BAD_DIGEST);
}

static void test_objects__deleting_what_is_not_there_succeeds(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(send(f, "DeleteObject", OBJECT, "")->rc, OK);
}

static void test_objects__deleted_one_is_gone(void **state)
{
    struct fixture *f = *state;
    send(f, "PutObject", OBJECT, "abc");
    send(f, "DeleteObject", OBJECT, "");
    assert_int_equal(send(f, "HeadObject", OBJECT, "")->rc, ERR_S3_NO_SUCH_KEY);
}

/* --- Buckets --- */

static void test_buckets__artifacts_are_there_from_the_start(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(send(f, "HeadBucket", "{'Bucket':'skylite-artifacts'}", "")->rc, OK);
}

static void test_buckets__are_listed(void **state)
{
    struct fixture *f = *state;
    send(f, "CreateBucket", "{'Bucket':'one-more'}", "");
    struct str xml = send(f, "ListBuckets", "{}", "")->request.raw_output;
    assert_true(str_find(xml, STR("<Name>one-more</Name>")) > 0);
}

static void test_buckets__wrong_names_are_refused(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(send(f, "CreateBucket", "{'Bucket':'No'}", "")->rc,
                     ERR_S3_INVALID_BUCKET_NAME);
}

static void test_buckets__with_objects_are_not_deleted(void **state)
{
    struct fixture *f = *state;
    send(f, "PutObject", OBJECT, "abc");
    assert_int_equal(send(f, "DeleteBucket", "{'Bucket':'skylite-artifacts'}", "")->rc,
                     ERR_S3_BUCKET_NOT_EMPTY);
}

/* --- Lists --- */

static void put_keys(struct fixture *f)
{
    static const char *const keys[] = {"a/1", "a/2", "b", "c/1"};
    for (size_t i = 0; i < 4; i++)
        send(f, "PutObject",
             arena_printf(&f->arena, "{'Bucket':'skylite-artifacts','Key':'%s'}", keys[i]).ptr,
             "x");
}

static struct str list(struct fixture *f, const char *members)
{
    return send(f, "ListObjectsV2",
                arena_printf(&f->arena, "{'Bucket':'skylite-artifacts','list-type':'2'%s}", members)
                    .ptr,
                "")
        ->request.raw_output;
}

static void test_lists__give_keys_under_a_prefix(void **state)
{
    struct fixture *f = *state;
    put_keys(f);
    struct str xml = list(f, ",'prefix':'a/'");
    assert_str(element(xml, "KeyCount"), STR("2"));
    assert_true(str_find(xml, STR("<Key>a/2</Key>")) > 0);
}

static void test_lists__fold_keys_up_to_the_delimiter(void **state)
{
    struct fixture *f = *state;
    put_keys(f);
    struct str xml = list(f, ",'delimiter':'/'");
    assert_str(element(xml, "KeyCount"), STR("3"));
    assert_true(str_find(xml, STR("<CommonPrefixes><Prefix>c/</Prefix></CommonPrefixes>")) > 0);
}

static void test_lists__go_on_with_their_token(void **state)
{
    struct fixture *f = *state;
    put_keys(f);
    struct str first = list(f, ",'delimiter':'/','max-keys':'1'");
    assert_str(element(first, "IsTruncated"), STR("true"));
    struct str token = element(first, "NextContinuationToken");
    struct str rest = list(
        f, arena_printf(&f->arena, ",'delimiter':'/','continuation-token':'%.*s'", STR_ARG(token))
               .ptr);
    assert_str(element(rest, "KeyCount"), STR("2"));
    assert_str(element(rest, "Key"), STR("b"));
}

/* --- Multipart uploads --- */

static struct str start_upload(struct fixture *f)
{
    struct exchange *started =
        send(f, "CreateMultipartUpload",
             "{'Bucket':'skylite-artifacts','Key':'a.zip','uploads':''}", "");
    return element(started->request.raw_output, "UploadId");
}

static struct exchange *upload_part(struct fixture *f, struct str upload, int number,
                                    const char *body)
{
    struct str input = arena_printf(&f->arena,
                                    "{'Bucket':'skylite-artifacts','Key':'a.zip','uploadId':"
                                    "'%.*s','partNumber':'%d'}",
                                    STR_ARG(upload), number);
    return send(f, "PutObject", input.ptr, body);
}

static struct exchange *complete_upload(struct fixture *f, struct str upload, const char *xml)
{
    struct str input =
        arena_printf(&f->arena, "{'Bucket':'skylite-artifacts','Key':'a.zip','uploadId':'%.*s'}",
                     STR_ARG(upload));
    return send(f, "CreateMultipartUpload", input.ptr, xml);
}

static void test_uploads__are_joined_in_the_order_of_their_parts(void **state)
{
    struct fixture *f = *state;
    struct str upload = start_upload(f);
    struct str two = header(upload_part(f, upload, 2, "def"), "ETag");
    struct str one = header(upload_part(f, upload, 1, "abc"), "ETag");
    struct str xml = arena_printf(
        &f->arena,
        "<CompleteMultipartUpload><Part><ETag>%.*s</ETag><PartNumber>1</PartNumber></Part>"
        "<Part><PartNumber>2</PartNumber><ETag>%.*s</ETag></Part></CompleteMultipartUpload>",
        STR_ARG(one), STR_ARG(two));
    struct exchange *completed = complete_upload(f, upload, xml.ptr);
    assert_int_equal(completed->rc, OK);
    assert_true(str_ends(element(completed->request.raw_output, "ETag"), STR("-2&quot;")) ||
                str_ends(element(completed->request.raw_output, "ETag"), STR("-2\"")));
    assert_str(send(f, "GetObject", OBJECT, "")->request.raw_output, STR("abcdef"));
}

static void test_uploads__need_their_parts(void **state)
{
    struct fixture *f = *state;
    struct str upload = start_upload(f);
    assert_int_equal(complete_upload(f, upload,
                                     "<C><Part><PartNumber>1</PartNumber><ETag>\"x\"</ETag>"
                                     "</Part></C>")
                         ->rc,
                     ERR_S3_INVALID_PART);
}

static void test_uploads__aborted_ones_leave_nothing(void **state)
{
    struct fixture *f = *state;
    struct str upload = start_upload(f), key, value;
    upload_part(f, upload, 1, "abc");
    struct str input =
        arena_printf(&f->arena, "{'Bucket':'skylite-artifacts','Key':'a.zip','uploadId':'%.*s'}",
                     STR_ARG(upload));
    assert_int_equal(send(f, "DeleteObject", input.ptr, "")->rc, OK);
    struct store_iter *iter =
        store_iter_new(f->skylite.store, STORE_BLOBS, STR_EMPTY, STR_EMPTY, false);
    assert_false(store_iter_next(iter, &key, &value));
    store_iter_free(iter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_objects__are_read_back),
        TEST(test_objects__are_given_to_other_services),
        TEST(test_objects__empty_ones_are_objects),
        TEST(test_objects__replacing_one_deletes_its_bytes),
        TEST(test_objects__missing_one_is_told),
        TEST(test_objects__missing_bucket_is_told),
        TEST(test_objects__keep_type_and_metadata),
        TEST(test_objects__a_range_is_cut_out),
        TEST(test_objects__a_range_from_the_end_is_cut_out),
        TEST(test_objects__a_range_behind_the_end_is_refused),
        TEST(test_objects__chunked_bodies_lose_their_frames),
        TEST(test_objects__wrong_checksum_is_refused),
        TEST(test_objects__wrong_md5_is_refused),
        TEST(test_objects__deleting_what_is_not_there_succeeds),
        TEST(test_objects__deleted_one_is_gone),
        TEST(test_buckets__artifacts_are_there_from_the_start),
        TEST(test_buckets__are_listed),
        TEST(test_buckets__wrong_names_are_refused),
        TEST(test_buckets__with_objects_are_not_deleted),
        TEST(test_lists__give_keys_under_a_prefix),
        TEST(test_lists__fold_keys_up_to_the_delimiter),
        TEST(test_lists__go_on_with_their_token),
        TEST(test_uploads__are_joined_in_the_order_of_their_parts),
        TEST(test_uploads__need_their_parts),
        TEST(test_uploads__aborted_ones_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
