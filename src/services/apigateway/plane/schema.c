/* JSON Schema draft 4. */
#include "services/apigateway/plane/schema.h"

#include <math.h>
#include "wire/json.h"
#include "wire/regex.h"

/* One validation: where it is, and what it has found. */
struct check {
    const struct schema_context *context;
    struct buf *errors; /* NULL: nobody asks why */
    int depth;
};

static bool fits(const struct check *check, yyjson_val *schema, yyjson_val *value);

static bool complain(const struct check *check, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool complain(const struct check *check, const char *format, ...)
{
    va_list args;
    if (!check->errors)
        return false;
    va_start(args, format);
    struct str text = arena_vprintf(check->context->arena, format, args);
    va_end(args);
    buf_add(check->errors, check->errors->len ? STR(", ") : STR_EMPTY);
    buf_add(check->errors, text);
    return false;
}

/* --- Types --- */

static const char *type_of(yyjson_val *value)
{
    if (yyjson_is_obj(value))
        return "object";
    if (yyjson_is_arr(value))
        return "array";
    if (yyjson_is_str(value))
        return "string";
    if (yyjson_is_bool(value))
        return "boolean";
    if (yyjson_is_null(value))
        return "null";
    return yyjson_is_int(value) || floor(yyjson_get_num(value)) == yyjson_get_num(value) ? "integer"
                                                                                         : "number";
}

static bool is_type(struct str wanted, const char *actual)
{
    return str_eq(wanted, str_from(actual)) ||
           (str_eq(wanted, STR("number")) && strcmp(actual, "integer") == 0);
}

static bool fits_type(const struct check *check, yyjson_val *type, yyjson_val *value)
{
    const char *actual = type_of(value);
    yyjson_val *one;
    size_t i, max;
    if (!type || (yyjson_is_str(type) && is_type(json_str(type), actual)))
        return true;
    yyjson_arr_foreach (type, i, max, one) {
        if (is_type(json_str(one), actual))
            return true;
    }
    struct str allowed = json_write_val(check->context->arena, type);
    return complain(check,
                    "instance type (%s) does not match any allowed primitive type (allowed: "
                    "%s%.*s%s)",
                    actual, yyjson_is_arr(type) ? "" : "[", STR_ARG(allowed),
                    yyjson_is_arr(type) ? "" : "]");
}

static bool fits_enum(const struct check *check, yyjson_val *values, yyjson_val *value)
{
    yyjson_val *one;
    size_t i, max;
    if (!values)
        return true;
    yyjson_arr_foreach (values, i, max, one) {
        if (yyjson_equals(one, value))
            return true;
    }
    struct str allowed = json_write_val(check->context->arena, values);
    struct str actual = json_write_val(check->context->arena, value);
    return complain(check, "instance value (%.*s) not found in enum (possible values: %.*s)",
                    STR_ARG(actual), STR_ARG(allowed));
}

/* --- Numbers and text --- */

static bool fits_number(const struct check *check, yyjson_val *schema, yyjson_val *value)
{
    double number = yyjson_get_num(value), limit;
    bool is_open_low = json_get_bool(schema, "exclusiveMinimum", false);
    bool is_open_high = json_get_bool(schema, "exclusiveMaximum", false), is_good = true;
    if (!yyjson_is_num(value))
        return true;
    if (json_get_double(schema, "minimum", &limit) &&
        (number < limit || (is_open_low && number == limit)))
        is_good = complain(check,
                           "numeric instance is lower than the required minimum (minimum: %g, "
                           "found: %g)",
                           limit, number);
    if (json_get_double(schema, "maximum", &limit) &&
        (number > limit || (is_open_high && number == limit)))
        is_good = complain(check,
                           "numeric instance is greater than the required maximum (maximum: "
                           "%g, found: %g)",
                           limit, number);
    if (json_get_double(schema, "multipleOf", &limit) && limit > 0 &&
        fabs(remainder(number, limit)) > 1e-9 * fabs(limit))
        is_good = complain(check, "remainder of division is not zero (%g / %g)", number, limit);
    return is_good;
}

/* Characters, not bytes. */
static int64_t characters(struct str text)
{
    int64_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += ((unsigned char)text.ptr[i] & 0xc0) != 0x80;
    return count;
}

/* A pattern may match anywhere. */
static bool matches(struct arena *arena, struct str pattern, struct str text)
{
    const struct regex *regex = regex_compile(arena, REGEX_ECMA, pattern);
    return !regex || regex_match(regex, text) == REGEX_MATCHES; /* schema_check has refused it */
}

static bool fits_text(const struct check *check, yyjson_val *schema, yyjson_val *value)
{
    struct str text = json_str(value), pattern = json_get_str(schema, "pattern");
    int64_t limit, count = characters(text);
    bool is_good = true;
    if (!yyjson_is_str(value))
        return true;
    if (json_get_i64(schema, "minLength", &limit) && count < limit)
        is_good = complain(check,
                           "string \"%.*s\" is too short (length: %lld, required minimum: "
                           "%lld)",
                           STR_ARG(text), (long long)count, (long long)limit);
    if (json_get_i64(schema, "maxLength", &limit) && count > limit)
        is_good =
            complain(check, "string \"%.*s\" is too long (length: %lld, maximum allowed: %lld)",
                     STR_ARG(text), (long long)count, (long long)limit);
    if (pattern.len && !matches(check->context->arena, pattern, text))
        is_good = complain(check, "ECMA 262 regex \"%.*s\" does not match input string \"%.*s\"",
                           STR_ARG(pattern), STR_ARG(text));
    return is_good;
}

/* --- Lists --- */

static bool has_duplicates(yyjson_val *list)
{
    size_t count = yyjson_arr_size(list);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (yyjson_equals(yyjson_arr_get(list, i), yyjson_arr_get(list, j)))
                return true;
        }
    }
    return false;
}

static bool fits_items(const struct check *check, yyjson_val *schema, yyjson_val *value)
{
    yyjson_val *items = json_get(schema, "items"), *item;
    size_t i, max;
    bool is_good = true;
    yyjson_arr_foreach (value, i, max, item) {
        yyjson_val *own = yyjson_is_arr(items) ? yyjson_arr_get(items, i) : items;
        if (!own && yyjson_is_arr(items))
            own = json_get(schema, "additionalItems");
        if (own && !(yyjson_is_bool(own) ? yyjson_get_bool(own) : fits(check, own, item)))
            is_good = false;
    }
    return is_good;
}

static bool fits_array(const struct check *check, yyjson_val *schema, yyjson_val *value)
{
    int64_t limit, count = (int64_t)yyjson_arr_size(value);
    bool is_good = true;
    if (!yyjson_is_arr(value))
        return true;
    if (json_get_i64(schema, "minItems", &limit) && count < limit)
        is_good = complain(check,
                           "array is too short: must have at least %lld elements but instance "
                           "has %lld elements",
                           (long long)limit, (long long)count);
    if (json_get_i64(schema, "maxItems", &limit) && count > limit)
        is_good = complain(check,
                           "array is too long: must have at most %lld elements but instance "
                           "has %lld elements",
                           (long long)limit, (long long)count);
    if (json_get_bool(schema, "uniqueItems", false) && has_duplicates(value))
        is_good = complain(check, "array must not contain duplicate elements");
    return fits_items(check, schema, value) && is_good;
}

/* --- Objects --- */

static bool has_required(const struct check *check, yyjson_val *required, yyjson_val *value)
{
    yyjson_val *name;
    size_t i, max;
    struct buf missing;
    buf_init_arena(&missing, check->context->arena, 64 * 1024);
    yyjson_arr_foreach (required, i, max, name) {
        if (yyjson_obj_getn(value, yyjson_get_str(name), yyjson_get_len(name)))
            continue;
        buf_add(&missing, missing.len ? STR(",") : STR_EMPTY);
        buf_add_json(&missing, json_str(name));
    }
    return missing.len == 0 || complain(check, "object has missing required properties ([%.*s])",
                                        STR_ARG(buf_str(&missing)));
}

/* The schema that a property has to fit besides the one of its name; NULL for any. */
static yyjson_val *by_pattern(const struct check *check, yyjson_val *schema, struct str name)
{
    yyjson_val *key, *own;
    size_t i, max;
    yyjson_obj_foreach (json_get(schema, "patternProperties"), i, max, key, own) {
        if (matches(check->context->arena, json_str(key), name))
            return own;
    }
    return NULL;
}

static bool fits_properties(const struct check *check, yyjson_val *schema, yyjson_val *value)
{
    yyjson_val *properties = json_get(schema, "properties"), *key, *member;
    yyjson_val *others = json_get(schema, "additionalProperties");
    size_t i, max;
    bool is_good = true;
    yyjson_obj_foreach (value, i, max, key, member) {
        struct str name = json_str(key);
        yyjson_val *own = yyjson_obj_getn(properties, name.ptr, name.len);
        yyjson_val *pattern = by_pattern(check, schema, name);
        if (own && !fits(check, own, member))
            is_good = false;
        if (pattern && !fits(check, pattern, member))
            is_good = false;
        if (own || pattern || !others)
            continue;
        if (yyjson_is_false(others))
            is_good = complain(check,
                               "object instance has properties which are not allowed by the "
                               "schema: [\"%.*s\"]",
                               STR_ARG(name));
        else if (yyjson_is_obj(others) && !fits(check, others, member))
            is_good = false;
    }
    return is_good;
}

static bool fits_object(const struct check *check, yyjson_val *schema, yyjson_val *value)
{
    int64_t limit, count = (int64_t)yyjson_obj_size(value);
    if (!yyjson_is_obj(value))
        return true;
    bool is_good = has_required(check, json_get(schema, "required"), value);
    if (json_get_i64(schema, "minProperties", &limit) && count < limit)
        is_good = complain(check,
                           "object has too few properties (found %lld but schema requires at "
                           "least %lld)",
                           (long long)count, (long long)limit);
    if (json_get_i64(schema, "maxProperties", &limit) && count > limit)
        is_good = complain(check,
                           "object has too many properties (found %lld but schema requires at "
                           "most %lld)",
                           (long long)count, (long long)limit);
    return fits_properties(check, schema, value) && is_good;
}

/* --- Combinations and references --- */

/* How many of the schemas fit. */
static size_t count_fitting(const struct check *check, yyjson_val *schemas, yyjson_val *value)
{
    struct check silent = *check;
    yyjson_val *one;
    size_t i, max, count = 0;
    silent.errors = NULL;
    yyjson_arr_foreach (schemas, i, max, one) {
        count += fits(&silent, one, value);
    }
    return count;
}

static bool fits_combined(const struct check *check, yyjson_val *schema, yyjson_val *value)
{
    yyjson_val *all = json_get(schema, "allOf"), *any = json_get(schema, "anyOf");
    yyjson_val *one = json_get(schema, "oneOf"), *none = json_get(schema, "not"), *part;
    struct check silent = *check;
    size_t i, max;
    bool is_good = true;
    silent.errors = NULL;
    yyjson_arr_foreach (all, i, max, part) {
        is_good &= fits(check, part, value);
    }
    if (any && count_fitting(check, any, value) == 0)
        is_good = complain(check, "instance failed to match at least one required schema among %zu",
                           yyjson_arr_size(any));
    size_t found = one ? count_fitting(check, one, value) : 1;
    if (found != 1)
        is_good = complain(check,
                           "instance failed to match exactly one schema (matched %zu out of "
                           "%zu)",
                           found, yyjson_arr_size(one));
    if (none && fits(&silent, none, value))
        is_good = complain(check, "instance matched a schema which it should not have");
    return is_good;
}

static yyjson_val *resolve(const struct schema_context *context, struct str reference)
{
    static const struct str models = STR_INIT("/models/");
    ptrdiff_t at = str_find(reference, models);
    if (at >= 0 && context->find_model)
        return context->find_model(context->arg,
                                   str_slice(reference, (size_t)at + models.len, reference.len));
    if (str_eq(reference, STR("#")))
        return context->root;
    if (!str_starts(reference, STR("#/")))
        return NULL;
    struct str pointer = str_slice(reference, 1, reference.len);
    return yyjson_ptr_getn(context->root, pointer.ptr, pointer.len);
}

static bool fits(const struct check *check, yyjson_val *schema, yyjson_val *value)
{
    struct check deeper = *check;
    struct str reference = json_get_str(schema, "$ref");
    if (++deeper.depth > SCHEMA_MAX_DEPTH)
        return complain(check, "the schema is nested too deeply");
    if (reference.ptr) {
        yyjson_val *target = resolve(check->context, reference);
        return target ? fits(&deeper, target, value)
                      : complain(check, "the reference %.*s leads nowhere", STR_ARG(reference));
    }
    if (!fits_type(&deeper, json_get(schema, "type"), value))
        return false;
    bool is_good = fits_enum(&deeper, json_get(schema, "enum"), value);
    is_good &= fits_number(&deeper, schema, value);
    is_good &= fits_text(&deeper, schema, value);
    is_good &= fits_array(&deeper, schema, value);
    is_good &= fits_object(&deeper, schema, value);
    return fits_combined(&deeper, schema, value) && is_good;
}

bool schema_fits(const struct schema_context *context, yyjson_val *schema, yyjson_val *value,
                 struct buf *errors)
{
    struct check check = {.context = context, .errors = errors};
    return fits(&check, schema, value);
}

/* --- Schemas themselves --- */

static bool is_list_of_schemas(yyjson_val *value)
{
    return !value || (yyjson_is_arr(value) && yyjson_arr_size(value) > 0);
}

static enum err check_one(yyjson_val *schema, struct arena *arena, int depth, struct error *error)
{
    static const char *const lists[] = {"allOf", "anyOf", "oneOf"};
    static const char *const maps[] = {"properties", "definitions", "patternProperties"};
    yyjson_val *pattern = json_get(schema, "pattern"), *required = json_get(schema, "required");
    yyjson_val *key, *member;
    size_t i, max;
    if (!yyjson_is_obj(schema))
        return error_set(error, ERR_VALIDATION, "a schema must be an object");
    if (depth > SCHEMA_MAX_DEPTH)
        return error_set(error, ERR_VALIDATION, "it is nested too deeply");
    if (required && (!yyjson_is_arr(required) || yyjson_arr_size(required) == 0))
        return error_set(error, ERR_VALIDATION, "required must be a list of names");
    for (size_t list = 0; list < 3; list++) {
        if (!is_list_of_schemas(json_get(schema, lists[list])))
            return error_set(error, ERR_VALIDATION, "%s must be a list of schemas", lists[list]);
    }
    if (pattern &&
        (!yyjson_is_str(pattern) || !regex_compile(arena, REGEX_ECMA, json_str(pattern))))
        return error_set(error, ERR_VALIDATION, "pattern is no regular expression");
    for (size_t map = 0; map < 3; map++) {
        yyjson_val *object = json_get(schema, maps[map]);
        if (object && !yyjson_is_obj(object))
            return error_set(error, ERR_VALIDATION, "%s must be an object", maps[map]);
        yyjson_obj_foreach (object, i, max, key, member) {
            enum err rc = check_one(member, arena, depth + 1, error);
            if (rc)
                return rc;
        }
    }
    yyjson_val *items = json_get(schema, "items");
    return yyjson_is_obj(items) ? check_one(items, arena, depth + 1, error) : OK;
}

enum err schema_check(yyjson_val *schema, struct arena *arena, struct error *error)
{
    return check_one(schema, arena, 0, error);
}
