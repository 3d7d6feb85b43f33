/* Input checks, pages and times of the query API. */
#include "services/iam/params.h"

#include <ctype.h>

#include "base/clock.h"
#include "base/encode.h"

enum { DEFAULT_PAGE = 100 };

/* --- Forms --- */

static bool is_word_char(unsigned char c)
{
    return isalnum(c) || c == '_';
}

static bool is_name_char(unsigned char c)
{
    return is_word_char(c) || (c && strchr("+=,.@-", c));
}

static bool is_path_char(unsigned char c)
{
    return c >= 0x21 && c <= 0x7f;
}

/* What is above U+00FF has a first byte of C4 or more in UTF-8. */
static bool is_document_char(unsigned char c)
{
    return c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c < 0xc4);
}

static bool is_any_char(unsigned char c)
{
    (void)c;
    return true;
}

static const struct {
    bool (*is_char)(unsigned char c);
    const char *pattern; /* as the API's model has it */
} forms[] = {
    [PARAM_TEXT] = {is_any_char, ""},
    [PARAM_NAME] = {is_name_char, "[\\w+=,.@-]+"},
    [PARAM_SESSION_NAME] = {is_name_char, "[\\w+=,.@-]*"},
    [PARAM_WORD] = {is_word_char, "[\\w]+"},
    [PARAM_PATH] = {is_path_char, "(\\u002F)|(\\u002F[\\u0021-\\u007F]+\\u002F)"},
    [PARAM_PATH_PREFIX] = {is_path_char, "\\u002F[\\u0021-\\u007F]*"},
    [PARAM_DOCUMENT] = {is_document_char, "[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+"},
};

static bool has_form(enum param_form form, struct str value)
{
    for (size_t i = 0; i < value.len; i++) {
        if (!forms[form].is_char((unsigned char)value.ptr[i]))
            return false;
    }
    if (form == PARAM_PATH || form == PARAM_PATH_PREFIX)
        return str_starts(value, STR("/")) && (form != PARAM_PATH || str_ends(value, STR("/")));
    return true;
}

/* --- Refusals --- */

static enum err refuse(struct request *request, const struct param *param, struct str value,
                       struct str constraint)
{
    struct str quoted =
        value.ptr ? arena_printf(request->arena, "'%.*s'", STR_ARG(value)) : STR("null");
    struct str path = arena_str(request->arena, str_from(param->member));
    char first = (char)tolower((unsigned char)path.ptr[0]);
    return request_fail(request, ERR_VALIDATION_ERROR,
                        "1 validation error detected: Value %.*s at '%c%s' failed to satisfy "
                        "constraint: %.*s",
                        STR_ARG(quoted), first, path.ptr + 1, STR_ARG(constraint));
}

static size_t char_count(struct str text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += ((unsigned char)text.ptr[i] & 0xc0) != 0x80;
    return count;
}

static enum err check_text(struct request *request, const struct param *param, struct str value)
{
    size_t len = char_count(value);
    if (len < param->min)
        return refuse(request, param, value,
                      arena_printf(request->arena,
                                   "Member must have length greater than or equal to %zu",
                                   param->min));
    if (len > param->max)
        return refuse(request, param, value,
                      arena_printf(request->arena,
                                   "Member must have length less than or equal to %zu",
                                   param->max));
    if (!has_form(param->form, value))
        return refuse(request, param, value,
                      arena_printf(request->arena,
                                   "Member must satisfy regular expression pattern: %s",
                                   forms[param->form].pattern));
    return OK;
}

static enum err check_number(struct request *request, const struct param *param)
{
    int64_t number;
    if (!json_get_i64(request->input, param->member, &number))
        return request_fail(request, ERR_VALIDATION_ERROR, "%s must be a number", param->member);
    struct str value = arena_printf(request->arena, "%lld", (long long)number);
    if (number < (int64_t)param->min)
        return refuse(request, param, value,
                      arena_printf(request->arena,
                                   "Member must have value greater than or equal to %zu",
                                   param->min));
    if (number > (int64_t)param->max)
        return refuse(request, param, value,
                      arena_printf(request->arena,
                                   "Member must have value less than or equal to %zu", param->max));
    return OK;
}

static enum err check_param(struct request *request, const struct param *param)
{
    yyjson_val *value = json_get(request->input, param->member);
    if (!value)
        return param->is_required
                   ? refuse(request, param, (struct str){NULL, 0}, STR("Member must not be null"))
                   : OK;
    if (param->form == PARAM_NUMBER)
        return check_number(request, param);
    if (!yyjson_is_str(value))
        return request_fail(request, ERR_VALIDATION_ERROR, "%s must be a string", param->member);
    return check_text(request, param, json_str(value));
}

enum err iam_params_check(struct request *request, const struct param *params, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        enum err rc = check_param(request, &params[i]);
        if (rc)
            return rc;
    }
    return OK;
}

/* --- Pages --- */

enum err iam_pager_init(struct pager *pager, struct request *request)
{
    int64_t max_items = DEFAULT_PAGE;
    enum err rc = PARAMS_CHECK(request, PARAM_MARKER, PARAM_MAX_ITEMS);
    if (rc)
        return rc;
    json_get_i64(request->input, "MaxItems", &max_items);
    *pager = (struct pager){.request = request, .left = (size_t)max_items};
    struct str marker = request_str(request, "Marker");
    if (marker.ptr && !decode_base64(request->arena, marker, &pager->after))
        return request_fail(request, ERR_VALIDATION_ERROR, "Invalid Marker.");
    return OK;
}

bool iam_pager_take(struct pager *pager, struct str key)
{
    if (pager->after.len && str_cmp(key, pager->after) <= 0)
        return false;
    if (pager->left == 0) {
        pager->is_truncated = true;
        return false;
    }
    pager->left--;
    pager->last = key;
    return true;
}

bool iam_pager_is_full(const struct pager *pager)
{
    return pager->is_truncated;
}

void iam_pager_finish(const struct pager *pager, yyjson_mut_val *output)
{
    struct request *request = pager->request;
    json_add_bool(request->doc, output, "IsTruncated", pager->is_truncated);
    if (pager->is_truncated)
        json_add_str(request->doc, output, "Marker", encode_base64(request->arena, pager->last));
}

void iam_add_time(struct request *request, yyjson_mut_val *object, const char *key, int64_t wall_ms)
{
    json_add_str(request->doc, object, key, clock_iso8601(request->arena, wall_ms));
}
