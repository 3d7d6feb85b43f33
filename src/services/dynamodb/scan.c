/* Scan, whole or one segment of the hash range. */
#include "services/dynamodb/operations.h"

static enum err read_segments(struct request *request, int64_t *out_segment, int64_t *out_total)
{
    bool has_segment = ddb_get(request->input, "Segment") != NULL;
    bool has_total = ddb_get(request->input, "TotalSegments") != NULL;
    *out_segment = ddb_get_integer(request->input, "Segment", 0);
    *out_total = ddb_get_integer(request->input, "TotalSegments", 1);
    if (has_segment && !has_total)
        return request_fail(request, ERR_VALIDATION,
                            "The TotalSegments parameter is required but was not present in the "
                            "request when Segment parameter is present");
    if (has_total && !has_segment)
        return request_fail(request, ERR_VALIDATION,
                            "The Segment parameter is required but was not present in the request "
                            "when parameter TotalSegments is present");
    if (*out_segment >= *out_total)
        return request_fail(request, ERR_VALIDATION,
                            "The Segment parameter is zero-based and must be less than parameter "
                            "TotalSegments: Segment: %lld is not less than TotalSegments: %lld",
                            (long long)*out_segment, (long long)*out_total);
    return OK;
}

/* The key at which the hashes from `part` of `total` begin. */
static struct str segment_start(struct arena *arena, struct str prefix, int64_t part, int64_t total)
{
    unsigned __int128 hash = ((unsigned __int128)part << 64) / (unsigned __int128)total;
    uint64_t big_endian = __builtin_bswap64((uint64_t)hash);
    struct buf key;
    buf_init_arena(&key, arena, 16);
    buf_add(&key, prefix);
    buf_add(&key, str_make((const char *)&big_endian, sizeof(big_endian)));
    return buf_str(&key);
}

static enum err read_scan(struct request *request, struct ddb_page *page, int64_t *segment,
                          int64_t *total)
{
    static const char *const names[] = {"ProjectionExpression", "FilterExpression", NULL};
    static const char *const older[] = {"AttributesToGet", "ScanFilter", "ConditionalOperator",
                                        NULL};
    static const struct ddb_parameter_set set = {names, older};
    struct ddb_expressions expressions = {0};
    enum err rc = ddb_check_style(request, request->input, &set);
    if (rc == OK)
        rc = ddb_read_attributes_to_get(request, request->input, &expressions);
    if (rc == OK)
        rc = ddb_read_filter(request, request->input, "ScanFilter", &expressions);
    if (rc == OK)
        rc = ddb_page_read(request, page);
    if (rc == OK)
        rc = read_segments(request, segment, total);
    if (rc == OK)
        rc = ddb_expressions_read(request, request->input, &set, &expressions);
    return rc ? rc : ddb_page_select(request, &expressions, page);
}

static enum err continue_scan(struct request *request, struct ddb_page *page, int64_t segment,
                              int64_t total)
{
    enum err rc = ddb_page_check_start(request, page);
    if (rc)
        return rc;
    struct str from = ddb_page_start_key(request, page);
    if (str_cmp(from, page->start) < 0 || (page->end.len && str_cmp(from, page->end) >= 0))
        return request_fail(request, ERR_VALIDATION,
                            "The provided starting key is invalid: Invalid ExclusiveStartKey. "
                            "Please use ExclusiveStartKey with correct Segment. TotalSegments: "
                            "%lld Segment: %lld",
                            (long long)total, (long long)segment);
    ddb_page_continue(request, page, from);
    return OK;
}

enum err ddb_scan(struct request *request)
{
    struct ddb_page page = {0};
    int64_t segment, total;
    enum err rc = read_scan(request, &page, &segment, &total);
    if (rc == OK)
        rc = ddb_page_find(request, &page);
    if (rc)
        return rc;
    struct str prefix = ddb_keys_prefix(request->arena, page.keys->id);
    page.start = segment_start(request->arena, prefix, segment, total);
    page.end = segment + 1 < total ? segment_start(request->arena, prefix, segment + 1, total)
                                   : store_prefix_end(request->arena, prefix);
    if (page.has_start_key)
        rc = continue_scan(request, &page, segment, total);
    if (rc == OK)
        rc = ddb_page_check_projected(request, &page);
    return rc ? rc : ddb_page_answer(request, &page);
}
