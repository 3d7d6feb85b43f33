/* Pages of lists. A marker is the last name of the page before, in base64. */
#include "services/lambda/page.h"

#include "base/encode.h"
#include "services/lambda/function.h"

enum { PAGE_MAX = 50 };

enum err page_read(struct request *request, struct page *out)
{
    struct page page = {.size = PAGE_MAX, .after = STR_EMPTY};
    struct str marker = request_str(request, "Marker");
    if (json_get(request->input, "MaxItems") &&
        (!json_get_i64(request->input, "MaxItems", &page.size) || page.size < 1 ||
         page.size > 10000))
        return request_fail(request, ERR_VALIDATION,
                            "1 validation error detected: Value at 'maxItems' failed to satisfy "
                            "constraint: Member must have value between 1 and 10000");
    if (page.size > PAGE_MAX)
        page.size = PAGE_MAX;
    struct function_name name;
    if (marker.len && (!decode_base64(request->arena, marker, &page.after) ||
                       !function_name_parse(page.after, &name)))
        return request_fail(request, ERR_LAMBDA_INVALID_PARAMETER_VALUE,
                            "Invalid pagination token");
    *out = page;
    return OK;
}

void page_add_marker(struct request *request, struct str last)
{
    json_add_str(request->doc, request_output(request), "NextMarker",
                 encode_base64(request->arena, last));
}
