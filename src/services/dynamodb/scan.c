/* Scan, whole or one segment of the hash range. */
#include "services/dynamodb/operations.h"

enum { MAX_SEGMENTS = 1000000 };

static enum err read_segments(struct request *request, int64_t *out_segment, int64_t *out_total)
{
    bool has_segment = json_get_i64(request->input, "Segment", out_segment);
    bool has_total = json_get_i64(request->input, "TotalSegments", out_total);
    if (!has_segment && !has_total) {
        *out_segment = 0;
        *out_total = 1;
        return OK;
    }
    if (!has_total)
        return request_fail(request, ERR_VALIDATION,
                            "The TotalSegments parameter is required but was not present in the "
                            "request when Segment parameter is present");
    if (!has_segment)
        return request_fail(request, ERR_VALIDATION,
                            "The Segment parameter is required but was not present in the request "
                            "when parameter TotalSegments is present");
    if (*out_total < 1 || *out_total > MAX_SEGMENTS)
        return request_fail(
            request, ERR_VALIDATION,
            "1 validation error detected: Value '%lld' at 'totalSegments' failed to "
            "satisfy constraint: Member must have value %s",
            (long long)*out_total,
            *out_total < 1 ? "greater than or equal to 1" : "less than or equal to 1000000");
    if (*out_segment < 0 || *out_segment >= *out_total)
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

enum err ddb_scan(struct request *request)
{
    static const char *const legacy[] = {"ScanFilter", "ConditionalOperator", "AttributesToGet",
                                         NULL};
    struct ddb_page page = {0};
    struct ddb_substitutions *with;
    int64_t segment, total;
    enum err rc = ddb_table_of_request(request, &page.table);
    if (rc == OK)
        rc = ddb_refuse_legacy(request, legacy);
    if (rc == OK)
        rc = read_segments(request, &segment, &total);
    if (rc == OK)
        rc = ddb_request_substitutions(request, &with);
    if (rc == OK)
        rc = ddb_page_read(request, with, &page);
    if (rc == OK)
        rc = ddb_substitutions_check_used(with, &request->error);
    if (rc)
        return rc;
    struct str prefix = ddb_table_prefix(request->arena, page.table);
    page.start = segment_start(request->arena, prefix, segment, total);
    page.end = segment + 1 < total ? segment_start(request->arena, prefix, segment + 1, total)
                                   : store_prefix_end(request->arena, prefix);
    rc = ddb_page_continue(request, &page, STR_EMPTY);
    return rc ? rc : ddb_page_answer(request, &page);
}
