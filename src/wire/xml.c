/* JSON values as XML elements. */
#include "wire/xml.h"

static struct str escape_of(char byte)
{
    switch (byte) {
    case '&':
        return STR("&amp;");
    case '<':
        return STR("&lt;");
    case '>':
        return STR("&gt;");
    case '"':
        return STR("&quot;");
    case '\'':
        return STR("&apos;");
    case '\r': /* a parser would make a newline of it */
        return STR("&#xD;");
    default:
        /* XML 1.0 has no way to write the other control characters. */
        return (unsigned char)byte < 0x20 && byte != '\t' && byte != '\n' ? STR("\xEF\xBF\xBD")
                                                                          : STR_EMPTY;
    }
}

void xml_add_text(struct buf *buf, struct str text)
{
    size_t start = 0;
    for (size_t i = 0; i < text.len; i++) {
        struct str escape = escape_of(text.ptr[i]);
        if (escape.len == 0)
            continue;
        buf_add(buf, str_slice(text, start, i - start));
        buf_add(buf, escape);
        start = i + 1;
    }
    buf_add(buf, str_slice(text, start, text.len));
}

static void add_scalar(struct buf *buf, const yyjson_mut_val *value)
{
    yyjson_mut_val *v = (yyjson_mut_val *)(uintptr_t)value;
    if (yyjson_mut_is_str(v))
        xml_add_text(buf, str_make(yyjson_mut_get_str(v), yyjson_mut_get_len(v)));
    else if (yyjson_mut_is_bool(v))
        buf_add(buf, yyjson_mut_get_bool(v) ? STR("true") : STR("false"));
    else if (yyjson_mut_is_uint(v))
        buf_add_u64(buf, yyjson_mut_get_uint(v));
    else if (yyjson_mut_is_sint(v))
        buf_printf(buf, "%lld", (long long)yyjson_mut_get_sint(v));
    else if (yyjson_mut_is_real(v))
        buf_printf(buf, "%.17g", yyjson_mut_get_real(v));
}

static void add_content(struct buf *buf, const yyjson_mut_val *value)
{
    yyjson_mut_val *v = (yyjson_mut_val *)(uintptr_t)value, *key, *item;
    size_t i, max;
    if (yyjson_mut_is_obj(v)) {
        yyjson_mut_obj_foreach (v, i, max, key, item)
            xml_add_value(buf, str_make(yyjson_mut_get_str(key), yyjson_mut_get_len(key)), item);
    } else if (yyjson_mut_is_arr(v)) {
        yyjson_mut_arr_foreach (v, i, max, item)
            xml_add_value(buf, STR("member"), item);
    } else {
        add_scalar(buf, value);
    }
}

void xml_add_value(struct buf *buf, struct str name, const yyjson_mut_val *value)
{
    if (!value || yyjson_mut_is_null((yyjson_mut_val *)(uintptr_t)value))
        return;
    buf_add_byte(buf, '<');
    buf_add(buf, name);
    buf_add_byte(buf, '>');
    add_content(buf, value);
    buf_add(buf, STR("</"));
    buf_add(buf, name);
    buf_add_byte(buf, '>');
}

struct str xml_query_response(struct arena *arena, struct str operation, struct str xmlns,
                              struct str request_id, const yyjson_mut_val *output)
{
    struct buf body;
    buf_init_arena(&body, arena, SIZE_MAX / 2);
    buf_printf(&body, "<%.*sResponse xmlns=\"%.*s\">", STR_ARG(operation), STR_ARG(xmlns));
    if (output)
        xml_add_value(&body, arena_printf(arena, "%.*sResult", STR_ARG(operation)), output);
    buf_add(&body, STR("<ResponseMetadata><RequestId>"));
    buf_add(&body, request_id);
    buf_printf(&body, "</RequestId></ResponseMetadata></%.*sResponse>", STR_ARG(operation));
    return buf_str(&body);
}

struct str xml_query_error(struct arena *arena, struct str xmlns, struct str request_id,
                           bool is_sender, struct str code, struct str message)
{
    struct buf body;
    buf_init_arena(&body, arena, SIZE_MAX / 2);
    buf_printf(&body, "<ErrorResponse xmlns=\"%.*s\"><Error><Type>%s</Type><Code>", STR_ARG(xmlns),
               is_sender ? "Sender" : "Receiver");
    xml_add_text(&body, code);
    buf_add(&body, STR("</Code><Message>"));
    xml_add_text(&body, message);
    buf_add(&body, STR("</Message></Error><RequestId>"));
    buf_add(&body, request_id);
    buf_add(&body, STR("</RequestId></ErrorResponse>"));
    return buf_str(&body);
}
