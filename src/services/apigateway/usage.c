/* GetUsage and UpdateUsage: how much of its plan a key has used. */
#include "services/apigateway/patch.h"

#include "base/clock.h"
#include "base/encode.h"

enum { MAX_DAYS = 366, DEFAULT_LIMIT = 25, MAX_LIMIT = 500 };

struct report {
    struct request *request;
    struct plane *plane;
    struct str plan_id;
    struct quota quota;
    uint32_t first_day, last_day;
    yyjson_mut_doc *doc;
    yyjson_mut_val *values; /* key id to [[used, remaining], ...] */
};

static enum err read_plan(struct request *request, struct str plan_id, struct quota *out)
{
    struct view view = apigw_view(request, NULL);
    yyjson_val *plan;
    enum err rc = state_get(&view, state_key(request->arena, "plan", plan_id, NO_PART), &plan);
    if (rc)
        return rc;
    if (!plan)
        return apigw_not_found(request, "Invalid Usage Plan ID specified");
    *out = plane_quota(json_get(plan, "quota"));
    return OK;
}

static enum err read_dates(struct request *request, uint32_t *out_first, uint32_t *out_last)
{
    struct str first = request_str(request, "startDate"), last = request_str(request, "endDate");
    if (!day_parse(first, out_first) || !day_parse(last, out_last))
        return apigw_bad_request(request, "Usage start and end dates must be formatted YYYY-MM-DD");
    if (*out_last < *out_first)
        return apigw_bad_request(request, "Usage end date must not be before the start date");
    if (*out_last - *out_first >= MAX_DAYS)
        return apigw_bad_request(request, "Usage can be queried for at most %d days", MAX_DAYS);
    return OK;
}

/* --- One key --- */

/* The days of a key as they were saved, by how many days they are after the first. */
struct day_use {
    bool is_known;
    uint32_t used, remaining;
};

static enum err read_saved(struct report *report, struct str key_id, struct day_use *days)
{
    struct request *request = report->request;
    struct str start = state_key(request->arena, "usage", report->plan_id, key_id), key, value;
    struct store_iter *iter = store_iter_new(
        request->skylite->store, STORE_METRICS,
        arena_printf(request->arena, "%.*s/%05u", STR_ARG(start), report->first_day),
        arena_printf(request->arena, "%.*s/%05u", STR_ARG(start), report->last_day + 1), false);
    while (store_iter_next(iter, &key, &value)) {
        uint64_t day;
        int64_t used = 0, remaining = 0;
        yyjson_val *document = json_parse(request->arena, value);
        json_get_i64(document, "used", &used);
        json_get_i64(document, "remaining", &remaining);
        if (str_to_u64(str_slice(key, start.len + 1, 5), &day))
            days[day - report->first_day] =
                (struct day_use){true, (uint32_t)used, (uint32_t)remaining};
    }
    enum err rc = store_iter_error(iter, &request->error);
    store_iter_free(iter);
    return rc;
}

static uint32_t clamp(int64_t value)
{
    return value < 0 ? 0 : (uint32_t)value;
}

/* Today's counts are newer in memory than in the store. */
static void add_today(struct report *report, struct str key_id, struct day_use *days)
{
    struct usage_figures now;
    if (!registry_get_usage(report->plane->registry, report->plan_id, key_id, clock_wall_ms(),
                            report->request->arena, &now) ||
        now.day < report->first_day || now.day > report->last_day)
        return;
    struct day_use *day = &days[now.day - report->first_day];
    int64_t remaining = (int64_t)now.quota.limit + now.bonus - now.used;
    if (now.day_used || day->is_known || now.used)
        *day = (struct day_use){true, now.day_used, clamp(remaining)};
}

/* A day without requests has what the day before left, or a whole quota when its period is new. */
static bool add_days(struct report *report, struct str key_id, const struct day_use *days)
{
    uint32_t remaining = report->quota.limit, start = 0;
    bool is_used = false;
    yyjson_mut_val *list = yyjson_mut_arr(report->doc);
    for (uint32_t day = report->first_day; day <= report->last_day; day++) {
        const struct day_use *use = &days[day - report->first_day];
        uint32_t day_start = quota_start(&report->quota, day);
        if (day_start != start)
            remaining = report->quota.limit;
        start = day_start;
        remaining = use->is_known ? use->remaining : remaining;
        is_used |= use->is_known;
        yyjson_mut_val *pair = yyjson_mut_arr_add_arr(report->doc, list);
        yyjson_mut_arr_add_uint(report->doc, pair, use->used);
        yyjson_mut_arr_add_uint(report->doc, pair, remaining);
    }
    if (is_used || request_str(report->request, "keyId").len)
        apigw_set(report->doc, report->values, key_id, list);
    return is_used;
}

static enum err add_key(struct report *report, struct str key_id)
{
    size_t count = report->last_day - report->first_day + 1;
    struct day_use *days = arena_array(report->request->arena, struct day_use, count);
    enum err rc = read_saved(report, key_id, days);
    if (rc)
        return rc;
    add_today(report, key_id, days);
    add_days(report, key_id, days);
    return OK;
}

/* --- All keys of a plan --- */

static enum err add_keys(struct report *report, yyjson_mut_val *answer)
{
    struct request *request = report->request;
    struct view view = apigw_view(request, NULL);
    struct str *keys, position = request_str(request, "position"), after = STR_EMPTY;
    int64_t limit = DEFAULT_LIMIT, taken = 0;
    size_t count, i = 0;
    if (position.len && !decode_base64(request->arena, position, &after))
        return apigw_bad_request(request, "Invalid position parameter");
    json_get_i64(request->input, "limit", &limit);
    limit = limit < 1 ? DEFAULT_LIMIT : limit > MAX_LIMIT ? MAX_LIMIT : limit;
    enum err rc =
        state_names(&view, state_prefix(request->arena, "plankey", report->plan_id), &keys, &count);
    while (rc == OK && i < count && str_cmp(keys[i], after) <= 0)
        i++;
    for (; rc == OK && i < count && taken < limit; i++, taken++)
        rc = add_key(report, keys[i]);
    if (rc == OK && i < count)
        json_add_str(report->doc, answer, "position", encode_base64(request->arena, keys[i - 1]));
    return rc;
}

enum err apigw_get_usage(struct request *request)
{
    struct report report = {
        .request = request,
        .plane = request_self(request, struct apigateway)->plane,
        .plan_id = apigw_label(request, "usageplanId"),
        .doc = json_doc(request->arena),
    };
    enum err rc = read_plan(request, report.plan_id, &report.quota);
    if (rc == OK)
        rc = read_dates(request, &report.first_day, &report.last_day);
    if (rc)
        return rc;
    yyjson_mut_val *answer = yyjson_mut_obj(report.doc);
    json_add_str(report.doc, answer, "usagePlanId", report.plan_id);
    json_add_str(report.doc, answer, "startDate", request_str(request, "startDate"));
    json_add_str(report.doc, answer, "endDate", request_str(request, "endDate"));
    report.values = json_add_obj(report.doc, answer, "values");
    struct str key_id = request_str(request, "keyId");
    rc = key_id.len ? add_key(&report, key_id) : add_keys(&report, answer);
    return rc ? rc : apigw_answer(request, report.doc, answer);
}

/* --- Granting more --- */

/* {"op": "replace", "path": "/remaining", "value": "N"} */
static enum err read_remaining(struct request *request, uint32_t *out)
{
    struct patch_op *ops;
    size_t count;
    uint64_t remaining = 0;
    enum err rc = patch_read(request, &ops, &count);
    if (rc)
        return rc;
    if (count == 0)
        return apigw_bad_request(request, "Invalid patch path null");
    for (size_t i = 0; i < count; i++) {
        if (!str_eq(ops[i].path, STR("/remaining")) || ops[i].op != PATCH_REPLACE)
            return apigw_bad_request(request,
                                     "Invalid patch path  '%.*s' specified for op '%s'. Must be "
                                     "one of: [/remaining]",
                                     STR_ARG(ops[i].path), patch_op_name(ops[i].op));
        if (!str_to_u64(ops[i].value, &remaining) || remaining > INT32_MAX)
            return apigw_bad_request(request, "Invalid value '%.*s' specified for path /remaining",
                                     STR_ARG(ops[i].value));
    }
    *out = (uint32_t)remaining;
    return OK;
}

/* Today's line of a report. */
static enum err answer_usage(struct request *request, const struct usage_figures *figures,
                             uint32_t remaining)
{
    int year;
    unsigned month, day;
    yyjson_mut_doc *doc = json_doc(request->arena);
    yyjson_mut_val *answer = yyjson_mut_obj(doc);
    day_to_date(figures->day, &year, &month, &day);
    struct str date = arena_printf(request->arena, "%04d-%02u-%02u", year, month, day);
    json_add_str(doc, answer, "usagePlanId", apigw_label(request, "usageplanId"));
    json_add_str(doc, answer, "startDate", date);
    json_add_str(doc, answer, "endDate", date);
    yyjson_mut_val *values = json_add_obj(doc, answer, "values"), *list = yyjson_mut_arr(doc);
    yyjson_mut_val *pair = yyjson_mut_arr_add_arr(doc, list);
    yyjson_mut_arr_add_uint(doc, pair, figures->day_used);
    yyjson_mut_arr_add_uint(doc, pair, remaining);
    apigw_set(doc, values, request_str(request, "keyId"), list);
    return apigw_answer(request, doc, answer);
}

/* What is granted beyond what is used: here, or by a save in this batch. */
static enum err read_ahead(struct request *request, struct store_txn *txn, struct str key,
                           const struct usage_figures *figures, int64_t *out)
{
    bool found;
    struct str value;
    int64_t start = 0, used = 0, ahead = 0, granted = figures->granted;
    enum err rc =
        store_txn_get(txn, STORE_METRICS, key, request->arena, &found, &value, &request->error);
    if (rc)
        return rc;
    yyjson_val *document = found ? json_parse(request->arena, value) : NULL;
    json_get_i64(document, "start", &start);
    json_get_i64(document, "used", &used);
    json_get_i64(document, "ahead", &ahead);
    if (start == figures->quota_start && used + ahead > granted)
        granted = used + ahead;
    *out = granted > figures->used ? granted - figures->used : 0;
    return OK;
}

static enum err run_update(struct request *request, struct store_txn *txn)
{
    struct registry *registry = request_self(request, struct apigateway)->plane->registry;
    struct str plan_id = apigw_label(request, "usageplanId");
    struct str key_id = request_str(request, "keyId");
    struct usage_figures figures;
    uint32_t remaining = 0;
    enum err rc = read_remaining(request, &remaining);
    if (rc)
        return rc;
    if (!registry_get_usage(registry, plan_id, key_id, clock_wall_ms(), request->arena, &figures))
        return apigw_not_found(request, "Invalid API Key identifier specified");
    if (figures.quota.period == QUOTA_NONE)
        return apigw_bad_request(request, "Usage Plan %.*s has no quota", STR_ARG(plan_id));
    int64_t bonus = (int64_t)remaining + figures.used - figures.quota.limit, ahead = 0;
    struct str key = state_key(request->arena, "quota", plan_id, key_id);
    rc = read_ahead(request, txn, key, &figures, &ahead);
    if (rc)
        return rc;
    struct str value = arena_printf(
        request->arena, "{\"start\":%u,\"used\":%u,\"bonus\":%lld,\"day\":%u,\"ahead\":%lld}",
        figures.quota_start, figures.used, (long long)bonus, figures.day, (long long)ahead);
    store_txn_put(txn, STORE_METRICS, key, value);
    apigw_touch(request, TOUCH_USAGE, plan_id, key_id);
    return answer_usage(request, &figures, remaining);
}

enum err apigw_update_usage(struct request *request)
{
    return apigw_write(request, run_update);
}
