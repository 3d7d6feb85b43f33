/* XML answers, and what operations read of the request. */
#include "services/s3/internal.h"
#include "wire/xml.h"

enum { MAX_ANSWER = 16 * 1024 * 1024 };

void s3_xml_start(struct request *request, struct buf *buf)
{
    buf_init_arena(buf, request->arena, MAX_ANSWER);
    buf_add(buf, STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"));
}

void s3_xml_add(struct buf *buf, const char *name, struct str value)
{
    buf_printf(buf, "<%s>", name);
    xml_add_text(buf, value);
    buf_printf(buf, "</%s>", name);
}

void s3_answer_xml(struct request *request, struct buf *buf)
{
    request->raw_output = buf_str(buf);
}

bool s3_xml_take(struct str *xml, const char *name, struct arena *arena, struct str *out)
{
    struct str open = arena_printf(arena, "<%s>", name), close = arena_printf(arena, "</%s>", name);
    ptrdiff_t start = str_find(*xml, open);
    if (start < 0)
        return false;
    struct str rest = str_slice(*xml, (size_t)start + open.len, xml->len);
    ptrdiff_t end = str_find(rest, close);
    if (end < 0)
        return false;
    *out = str_slice(rest, 0, (size_t)end);
    *xml = str_slice(rest, (size_t)end + close.len, rest.len);
    return true;
}

struct str s3_bucket_of(struct request *request)
{
    return request_str(request, "Bucket");
}

struct str s3_key_of(struct request *request)
{
    return request_str(request, "Key");
}

struct str s3_query(struct request *request, const char *name)
{
    return json_get_str(request->input, name);
}

enum err s3_resource_all(struct request *request, struct str *out_arn)
{
    (void)request;
    *out_arn = STR("arn:aws:s3:::*");
    return OK;
}

enum err s3_resource_bucket(struct request *request, struct str *out_arn)
{
    *out_arn = arena_printf(request->arena, "arn:aws:s3:::%.*s", STR_ARG(s3_bucket_of(request)));
    return OK;
}

enum err s3_resource_object(struct request *request, struct str *out_arn)
{
    *out_arn = arena_printf(request->arena, "arn:aws:s3:::%.*s/%.*s",
                            STR_ARG(s3_bucket_of(request)), STR_ARG(s3_key_of(request)));
    return OK;
}
