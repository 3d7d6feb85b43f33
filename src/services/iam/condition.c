/* Condition operators and their evaluation. */
#include "services/iam/condition.h"

#include <arpa/inet.h>
#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "base/encode.h"

/* --- Operators --- */

static const struct {
    struct str name;
    enum condition_test test;
    enum condition_relation relation;
    bool is_negated;
} operators[] = {
    {STR_INIT("StringEquals"), TEST_STRING_EQUALS, RELATION_EQ, false},
    {STR_INIT("StringNotEquals"), TEST_STRING_EQUALS, RELATION_EQ, true},
    {STR_INIT("StringEqualsIgnoreCase"), TEST_STRING_EQUALS_IGNORE_CASE, RELATION_EQ, false},
    {STR_INIT("StringNotEqualsIgnoreCase"), TEST_STRING_EQUALS_IGNORE_CASE, RELATION_EQ, true},
    {STR_INIT("StringLike"), TEST_STRING_LIKE, RELATION_EQ, false},
    {STR_INIT("StringNotLike"), TEST_STRING_LIKE, RELATION_EQ, true},
    {STR_INIT("NumericEquals"), TEST_NUMERIC, RELATION_EQ, false},
    {STR_INIT("NumericNotEquals"), TEST_NUMERIC, RELATION_EQ, true},
    {STR_INIT("NumericLessThan"), TEST_NUMERIC, RELATION_LT, false},
    {STR_INIT("NumericLessThanEquals"), TEST_NUMERIC, RELATION_LE, false},
    {STR_INIT("NumericGreaterThan"), TEST_NUMERIC, RELATION_GT, false},
    {STR_INIT("NumericGreaterThanEquals"), TEST_NUMERIC, RELATION_GE, false},
    {STR_INIT("DateEquals"), TEST_DATE, RELATION_EQ, false},
    {STR_INIT("DateNotEquals"), TEST_DATE, RELATION_EQ, true},
    {STR_INIT("DateLessThan"), TEST_DATE, RELATION_LT, false},
    {STR_INIT("DateLessThanEquals"), TEST_DATE, RELATION_LE, false},
    {STR_INIT("DateGreaterThan"), TEST_DATE, RELATION_GT, false},
    {STR_INIT("DateGreaterThanEquals"), TEST_DATE, RELATION_GE, false},
    {STR_INIT("Bool"), TEST_BOOL, RELATION_EQ, false},
    {STR_INIT("BinaryEquals"), TEST_BINARY, RELATION_EQ, false},
    {STR_INIT("IpAddress"), TEST_IP, RELATION_EQ, false},
    {STR_INIT("NotIpAddress"), TEST_IP, RELATION_EQ, true},
    {STR_INIT("ArnEquals"), TEST_ARN, RELATION_EQ, false},
    {STR_INIT("ArnLike"), TEST_ARN, RELATION_EQ, false},
    {STR_INIT("ArnNotEquals"), TEST_ARN, RELATION_EQ, true},
    {STR_INIT("ArnNotLike"), TEST_ARN, RELATION_EQ, true},
    {STR_INIT("Null"), TEST_NULL, RELATION_EQ, false},
};

static bool take_prefix(struct str *name, struct str prefix)
{
    if (!str_eq_nocase(str_slice(*name, 0, prefix.len), prefix))
        return false;
    *name = str_slice(*name, prefix.len, name->len);
    return true;
}

static bool take_suffix(struct str *name, struct str suffix)
{
    if (name->len < suffix.len ||
        !str_eq_nocase(str_slice(*name, name->len - suffix.len, suffix.len), suffix))
        return false;
    name->len -= suffix.len;
    return true;
}

bool iam_condition_operator(struct str name, struct condition *out)
{
    enum condition_set set = take_prefix(&name, STR("ForAllValues:"))  ? SET_FOR_ALL
                             : take_prefix(&name, STR("ForAnyValue:")) ? SET_FOR_ANY
                                                                       : SET_NONE;
    bool is_if_exists = take_suffix(&name, STR("IfExists"));
    for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
        if (!str_eq_nocase(name, operators[i].name))
            continue;
        if (operators[i].test == TEST_NULL && (is_if_exists || set != SET_NONE))
            return false;
        *out = (struct condition){
            .test = operators[i].test,
            .relation = operators[i].relation,
            .set = set,
            .is_negated = operators[i].is_negated,
            .is_if_exists = is_if_exists,
        };
        return true;
    }
    return false;
}

/* --- Compiling --- */

static bool value_text(struct arena *arena, yyjson_val *value, struct str *out)
{
    if (yyjson_is_str(value))
        *out = json_str(value);
    else if (yyjson_is_bool(value))
        *out = yyjson_get_bool(value) ? STR("true") : STR("false");
    else if (yyjson_is_num(value))
        *out = json_write_val(arena, value);
    else
        return false;
    return true;
}

static bool add_value(struct arena *arena, yyjson_val *value, unsigned variables,
                      struct condition *out)
{
    struct str text;
    if (!value_text(arena, value, &text))
        return false;
    bool is_glob = out->test == TEST_STRING_LIKE || out->test == TEST_ARN;
    unsigned flags = variables | (is_glob ? PATTERN_WILDCARDS : 0u);
    if (out->test == TEST_ARN)
        iam_arn_pattern_compile(arena, text, flags, &out->arns[out->value_count++]);
    else
        iam_pattern_compile(arena, text, flags, &out->values[out->value_count++]);
    return true;
}

bool iam_condition_compile(struct arena *arena, struct str key, yyjson_val *values,
                           unsigned variables, struct condition *out)
{
    size_t count = yyjson_is_arr(values) ? yyjson_arr_size(values) : 1;
    if (out->test == TEST_ARN)
        out->arns = arena_array(arena, struct arn_pattern, count);
    else
        out->values = arena_array(arena, struct pattern, count);
    out->key = iam_context_key_make(arena_str(arena, key));
    out->value_count = 0;
    if (!yyjson_is_arr(values))
        return add_value(arena, values, variables, out);

    size_t i, max;
    yyjson_val *value;
    yyjson_arr_foreach (values, i, max, value) {
        if (!add_value(arena, value, variables, out))
            return false;
    }
    return true;
}

/* --- Numbers, dates, addresses --- */

static bool parse_number(struct str text, double *out)
{
    char copy[64];
    if (text.len == 0 || text.len >= sizeof(copy))
        return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    if (strspn(copy, "+-.0123456789eE") < text.len)
        return false;
    char *end;
    *out = strtod(copy, &end);
    return *end == '\0' && isfinite(*out);
}

static bool relation_holds(enum condition_relation relation, double have, double want)
{
    switch (relation) {
    case RELATION_EQ:
        return have == want;
    case RELATION_LT:
        return have < want;
    case RELATION_LE:
        return have <= want;
    case RELATION_GT:
        return have > want;
    case RELATION_GE:
        return have >= want;
    }
    return false;
}

/* Reads `min` to `max` digits, which are a number in [low, high], off the front. */
static bool take_number(struct str *text, size_t min, size_t max, int low, int high, int *out)
{
    int number = 0;
    size_t len = 0;
    for (; len < max && len < text->len && text->ptr[len] >= '0' && text->ptr[len] <= '9'; len++)
        number = number * 10 + (text->ptr[len] - '0');
    *text = str_slice(*text, len, text->len);
    *out = number;
    return len >= min && number >= low && number <= high;
}

/* Letters in either case. */
static bool take_byte(struct str *text, char byte)
{
    if (!str_eq_nocase(str_slice(*text, 0, 1), str_make(&byte, 1)))
        return false;
    *text = str_slice(*text, 1, text->len);
    return true;
}

/* Up to nine digits, of which the first three count. */
static bool take_fraction(struct str *text, int *out_ms)
{
    struct str digits = *text;
    int number;
    if (!take_number(text, 1, 9, 0, 999999999, &number))
        return false;
    digits = str_slice(digits, 0, digits.len - text->len);
    for (size_t i = 0; i < 3; i++)
        *out_ms = *out_ms * 10 + (i < digits.len ? digits.ptr[i] - '0' : 0);
    return true;
}

/* "Z", "+hh", "+hh:mm", "-hh:mm" or nothing. */
static bool take_zone(struct str *text, int *out_minutes)
{
    int hours, minutes = 0;
    if (text->len == 0 || take_byte(text, 'Z'))
        return true;
    int sign = text->ptr[0] == '-' ? -1 : text->ptr[0] == '+' ? 1 : 0;
    *text = str_slice(*text, 1, text->len);
    if (!sign || !take_number(text, 2, 2, 0, 23, &hours) ||
        (take_byte(text, ':') && !take_number(text, 2, 2, 0, 59, &minutes)))
        return false;
    *out_minutes = sign * (hours * 60 + minutes);
    return true;
}

static bool take_time(struct str *text, struct tm *time, int *ms, int *zone)
{
    if (text->len == 0)
        return true;
    if (!take_number(text, 1, 2, 0, 23, &time->tm_hour))
        return false;
    if (take_byte(text, ':') && !take_number(text, 1, 2, 0, 59, &time->tm_min))
        return false;
    if (take_byte(text, ':') && !take_number(text, 1, 2, 0, 60, &time->tm_sec))
        return false;
    if (take_byte(text, '.') && !take_fraction(text, ms))
        return false;
    return take_zone(text, zone);
}

/* [-]YYYY[-MM[-DD]][T[hh[:mm[:ss[.s]]][zone]]], and as lax as IAM is: "01T" is a date. */
static bool parse_iso_date(struct str text, int64_t *out_ms)
{
    struct tm time = {.tm_mon = 1, .tm_mday = 1};
    int ms = 0, zone = 0, year;
    bool is_before_christ = take_byte(&text, '-');
    if (!take_number(&text, 1, 9, 0, is_before_christ ? 292275054 : 292278993, &year))
        return false;
    if (take_byte(&text, '-') && !take_number(&text, 1, 2, 1, 12, &time.tm_mon))
        return false;
    if (take_byte(&text, '-') && !take_number(&text, 1, 2, 1, 31, &time.tm_mday))
        return false;
    if (take_byte(&text, 'T') && !take_time(&text, &time, &ms, &zone))
        return false;
    if (text.len)
        return false;
    time.tm_year = (is_before_christ ? -year : year) - 1900;
    time.tm_mon--;
    int64_t seconds = (int64_t)timegm(&time) - zone * 60;
    if (__builtin_mul_overflow(seconds, (int64_t)1000, out_ms))
        *out_ms = seconds < 0 ? INT64_MIN : INT64_MAX;
    else
        *out_ms += *out_ms < INT64_MAX - ms ? ms : 0;
    return true;
}

/* Digits alone are seconds, unless they are the four of a year. */
static bool is_iso_date(struct str text)
{
    uint64_t number;
    return text.len == 4 || !str_to_u64(text, &number);
}

bool iam_condition_is_date(struct str text)
{
    uint64_t seconds;
    int64_t ms;
    if (str_to_u64(text, &seconds))
        return seconds <= INT64_MAX;
    return parse_iso_date(text, &ms) &&
           (str_find_byte(text, '-', 0) >= 0 || str_find_byte(text, 'T', 0) >= 0 ||
            str_find_byte(text, 't', 0) >= 0);
}

bool iam_condition_parse_date(struct str text, int64_t *out_ms)
{
    double seconds;
    if (is_iso_date(text) && parse_iso_date(text, out_ms))
        return true;
    if (!parse_number(text, &seconds))
        return false;
    double ms = seconds * 1000;
    *out_ms = ms >= 0x1p63 ? INT64_MAX : ms < -0x1p63 ? INT64_MIN : (int64_t)ms;
    return true;
}

static bool parse_address(struct str text, unsigned char bytes[16], unsigned *out_bits)
{
    char copy[INET6_ADDRSTRLEN];
    if (text.len >= sizeof(copy))
        return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (inet_pton(AF_INET, copy, bytes) == 1) {
        *out_bits = 32;
        return true;
    }
    if (inet_pton(AF_INET6, copy, bytes) != 1)
        return false;
    *out_bits = 128;
    if (memcmp(bytes, mapped, sizeof(mapped)) == 0) {
        memmove(bytes, bytes + 12, 4);
        *out_bits = 32;
    }
    return true;
}

bool iam_condition_ip_in_range(struct str address, struct str range)
{
    unsigned char have[16], want[16];
    unsigned have_bits, want_bits;
    struct str network;
    bool has_mask = str_cut(&range, '/', &network);
    if (!parse_address(address, have, &have_bits) || !parse_address(network, want, &want_bits) ||
        have_bits != want_bits)
        return false;
    uint64_t mask = want_bits;
    if (has_mask && (!str_to_u64(range, &mask) || mask > want_bits))
        return false;
    size_t whole = mask / 8;
    if (memcmp(have, want, whole) != 0)
        return false;
    unsigned rest = (unsigned)(mask % 8);
    return rest == 0 || (have[whole] ^ want[whole]) >> (8 - rest) == 0;
}

/* --- Evaluation --- */

static bool number_matches(const struct condition *condition, struct str have, struct str want)
{
    double a, b;
    return parse_number(have, &a) && parse_number(want, &b) &&
           relation_holds(condition->relation, a, b);
}

static bool date_matches(const struct condition *condition, struct str have, struct str want)
{
    int64_t a, b;
    return iam_condition_parse_date(have, &a) && iam_condition_parse_date(want, &b) &&
           relation_holds(condition->relation, (double)a, (double)b);
}

static bool binary_matches(struct str have, struct str want, struct arena *arena)
{
    struct str a, b;
    return decode_base64(arena, have, &a) && decode_base64(arena, want, &b) && str_eq(a, b);
}

/* One value of the request against one of the policy, both as text. */
static bool text_matches(const struct condition *condition, struct str have, struct str want,
                         struct arena *arena)
{
    switch (condition->test) {
    case TEST_STRING_EQUALS:
        return str_eq(have, want);
    case TEST_STRING_EQUALS_IGNORE_CASE:
    case TEST_BOOL:
        return str_eq_nocase(have, want);
    case TEST_STRING_LIKE:
        return iam_pattern_glob(want, have);
    case TEST_NUMERIC:
        return number_matches(condition, have, want);
    case TEST_DATE:
        return date_matches(condition, have, want);
    case TEST_BINARY:
        return binary_matches(have, want, arena);
    case TEST_IP:
        return iam_condition_ip_in_range(have, want);
    case TEST_ARN:
    case TEST_NULL:
        break;
    }
    return false;
}

/* What is no ARN matches "*" alone. */
static bool arn_matches(const struct condition *condition, struct str have, struct context *context)
{
    struct arn arn;
    bool is_arn = iam_arn_split(have, &arn);
    for (size_t i = 0; i < condition->value_count; i++) {
        const struct arn_pattern *pattern = &condition->arns[i];
        if (is_arn ? iam_arn_pattern_match(pattern, have, &arn, context) : pattern->whole.is_any)
            return true;
    }
    return false;
}

/* True when a value of the request matches any value of the policy. */
static bool matches_any(const struct condition *condition, struct str have, struct context *context)
{
    if (condition->test == TEST_ARN)
        return arn_matches(condition, have, context);
    struct arena arena = {0};
    bool matches = false;
    for (size_t i = 0; i < condition->value_count && !matches; i++) {
        const struct pattern *pattern = &condition->values[i];
        struct str want = pattern->text;
        bool is_known =
            pattern->variable_count == 0 || iam_pattern_expand(pattern, context, &arena, &want);
        matches = is_known && text_matches(condition, have, want, &arena);
    }
    arena_release(&arena);
    return matches;
}

static bool null_holds(const struct condition *condition, bool is_missing)
{
    for (size_t i = 0; i < condition->value_count; i++) {
        if (str_eq_nocase(condition->values[i].text, is_missing ? STR("true") : STR("false")))
            return true;
    }
    return false;
}

static bool holds_without_value(const struct condition *condition)
{
    if (condition->test == TEST_NULL)
        return null_holds(condition, true);
    if (condition->is_if_exists || condition->set == SET_FOR_ALL)
        return true;
    return condition->set == SET_NONE && condition->is_negated;
}

/* Without a set operator, a negated one asks that no value of the request matches. */
bool iam_condition_holds(const struct condition *condition, struct context *context)
{
    const struct condition_values *values = iam_context_values(context, &condition->key);
    if (values->count == 0)
        return holds_without_value(condition);
    if (condition->test == TEST_NULL)
        return null_holds(condition, false);

    bool needs_all =
        condition->set == SET_FOR_ALL || (condition->set == SET_NONE && condition->is_negated);
    for (size_t i = 0; i < values->count; i++) {
        bool holds = matches_any(condition, values->list[i], context) != condition->is_negated;
        if (holds != needs_all)
            return holds;
    }
    return needs_all;
}
