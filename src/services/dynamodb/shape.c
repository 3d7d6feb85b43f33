/* Inputs against their shapes: types first, then limits. */
#include "services/dynamodb/shape.h"

#include "base/buf.h"
#include "base/encode.h"

enum { MAX_ERRORS = 10 };

static const char java_package[] = "com.amazonaws.dynamodb.v20120810.";

/* --- Types --- */

static enum err check_type(const struct ddb_shape *shape, bool is_member, yyjson_val *value,
                           struct error *error);

static enum err wrong_type(struct error *error, const char *message)
{
    return error_set(error, ERR_SERIALIZATION, "%s", message);
}

/* What a scalar cannot be made from. */
static enum err cannot_convert(struct error *error, yyjson_val *value, const char *type)
{
    const char *from = "STRING_VALUE";
    if (yyjson_is_bool(value))
        from = yyjson_get_bool(value) ? "TRUE_VALUE" : "FALSE_VALUE";
    else if (yyjson_is_num(value))
        from = yyjson_is_real(value) ? "DECIMAL_VALUE" : "NUMBER_VALUE";
    return error_set(error, ERR_SERIALIZATION, "%s cannot be converted to %s", from, type);
}

static enum err check_container(yyjson_val *value, const char *class_name, struct error *error)
{
    if (yyjson_is_arr(value))
        return error_set(error, ERR_SERIALIZATION, "Unrecognized collection type class %s",
                         class_name);
    if (yyjson_is_obj(value))
        return wrong_type(error, "Start of structure or map found where not expected");
    return OK;
}

static enum err check_string(yyjson_val *value, struct error *error)
{
    enum err rc = check_container(value, "java.lang.String", error);
    if (rc || yyjson_is_str(value))
        return rc;
    return cannot_convert(error, value, "String");
}

static enum err check_boolean(yyjson_val *value, struct error *error)
{
    static const char *const words[] = {"true", "false", "1", "0", "yes", "no"};
    enum err rc = check_container(value, "java.lang.Boolean", error);
    if (rc || yyjson_is_bool(value))
        return rc;
    if (yyjson_is_num(value))
        return cannot_convert(error, value, "Boolean");
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (str_eq_nocase(json_str(value), str_from(words[i])))
            return OK;
    }
    return wrong_type(error, "Unexpected token received from parser");
}

static enum err check_number(enum ddb_shape_kind kind, yyjson_val *value, struct error *error)
{
    const char *name = kind == DDB_SHAPE_INTEGER ? "Integer"
                       : kind == DDB_SHAPE_LONG  ? "Long"
                                                 : "Double";
    char class_name[32] = "java.lang.";
    strncat(class_name, name, sizeof(class_name) - sizeof("java.lang."));
    enum err rc = check_container(value, class_name, error);
    if (rc || yyjson_is_num(value))
        return rc;
    return cannot_convert(error, value, name);
}

static enum err check_binary(yyjson_val *value, struct error *error)
{
    enum err rc = check_container(value, "java.nio.ByteBuffer", error);
    if (rc)
        return rc;
    if (!yyjson_is_str(value))
        return wrong_type(error, "only base-64-encoded strings are convertible to bytes");
    struct str text = json_str(value), bytes;
    if (text.len % 4)
        return error_set(error, ERR_SERIALIZATION,
                         "Base64 encoded length is expected a multiple of 4 bytes but found: %zu",
                         text.len);
    struct arena scratch = {0};
    if (!decode_base64(&scratch, text, &bytes))
        rc = wrong_type(error, "Invalid last non-pad Base64 character dectected");
    arena_release(&scratch);
    return rc;
}

static enum err check_list(const struct ddb_shape *shape, yyjson_val *value, struct error *error)
{
    yyjson_val *element;
    size_t i, max;
    if (yyjson_is_obj(value))
        return wrong_type(error, "Start of structure or map found where not expected");
    if (!yyjson_is_arr(value))
        return wrong_type(
            error,
            shape->flags & DDB_SHAPE_PARAMETERIZED
                ? "class sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl cannot be "
                  "cast to class java.lang.Class (sun.reflect.generics.reflectiveObjects."
                  "ParameterizedTypeImpl and java.lang.Class are in module java.base of loader "
                  "'bootstrap')"
                : "Unexpected field type");
    yyjson_arr_foreach (value, i, max, element) {
        enum err rc = check_type(shape->element, false, element, error);
        if (rc)
            return rc;
    }
    return OK;
}

static enum err check_map(const struct ddb_shape *shape, yyjson_val *value, struct error *error)
{
    yyjson_val *key, *element;
    size_t i, max;
    if (yyjson_is_arr(value))
        return error_set(error, ERR_SERIALIZATION,
                         "Unrecognized collection type java.util.Map<java.lang.String, %s%s>",
                         strchr(shape->type, '.') ? "" : java_package, shape->type);
    if (!yyjson_is_obj(value))
        return wrong_type(
            error,
            shape->flags & DDB_SHAPE_PARAMETERIZED
                ? "class sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl cannot be "
                  "cast to class java.lang.Class (sun.reflect.generics.reflectiveObjects."
                  "ParameterizedTypeImpl and java.lang.Class are in module java.base of loader "
                  "'bootstrap')"
                : "Unexpected field type");
    yyjson_obj_foreach (value, i, max, key, element) {
        enum err rc = check_type(shape->element, false, element, error);
        if (rc)
            return rc;
    }
    return OK;
}

static enum err check_struct(const struct ddb_shape *shape, bool is_member, yyjson_val *value,
                             struct error *error)
{
    if (yyjson_is_arr(value))
        return error_set(error, ERR_SERIALIZATION, "Unrecognized collection type class %s%s",
                         java_package, shape->type);
    if (!yyjson_is_obj(value))
        return wrong_type(error,
                          is_member ? "Unexpected field type" : "Unexpected value type in payload");
    for (const struct ddb_member *member = shape->members; member->name; member++) {
        yyjson_val *part = yyjson_obj_get(value, member->name);
        enum err rc = part ? check_type(member->shape, true, part, error) : OK;
        if (rc)
            return rc;
    }
    return OK;
}

static const struct ddb_shape plain_string = {.kind = DDB_SHAPE_STRING};
static const struct ddb_shape plain_boolean = {.kind = DDB_SHAPE_BOOLEAN};
static const struct ddb_shape any_value = {.kind = DDB_SHAPE_VALUE};
static const struct ddb_shape strings = {.kind = DDB_SHAPE_LIST, .element = &plain_string};
static const struct ddb_shape values = {.kind = DDB_SHAPE_LIST, .element = &any_value};
static const struct ddb_shape value_map = {
    .kind = DDB_SHAPE_MAP, .type = "AttributeValue", .element = &any_value};

static enum err check_binaries(yyjson_val *list, struct error *error)
{
    yyjson_val *element;
    size_t i, max;
    if (!yyjson_is_arr(list))
        return check_list(&strings, list, error);
    yyjson_arr_foreach (list, i, max, element) {
        enum err rc = check_binary(element, error);
        if (rc)
            return rc;
    }
    return OK;
}

/* One member of an attribute value. */
static enum err check_content(struct str type, yyjson_val *content, struct error *error)
{
    if (str_eq(type, STR("S")) || str_eq(type, STR("N")))
        return check_string(content, error);
    if (str_eq(type, STR("B")))
        return check_binary(content, error);
    if (str_eq(type, STR("BOOL")) || str_eq(type, STR("NULL")))
        return check_type(&plain_boolean, true, content, error);
    if (str_eq(type, STR("SS")) || str_eq(type, STR("NS")))
        return check_list(&strings, content, error);
    if (str_eq(type, STR("BS")))
        return check_binaries(content, error);
    if (str_eq(type, STR("L")))
        return check_list(&values, content, error);
    if (str_eq(type, STR("M")))
        return check_map(&value_map, content, error);
    return OK;
}

static enum err check_value(bool is_member, yyjson_val *value, struct error *error)
{
    yyjson_val *key, *content;
    size_t i, max;
    if (yyjson_is_arr(value))
        return error_set(error, ERR_SERIALIZATION,
                         "Unrecognized collection type class %sAttributeValue", java_package);
    if (!yyjson_is_obj(value))
        return wrong_type(error,
                          is_member ? "Unexpected field type" : "Unexpected value type in payload");
    yyjson_obj_foreach (value, i, max, key, content) {
        enum err rc = yyjson_is_null(content) ? OK : check_content(json_str(key), content, error);
        if (rc)
            return rc;
    }
    return OK;
}

/* `is_member` of a structure, rather than of a list or map. Depth is bounded by the JSON reader. */
static enum err check_type(const struct ddb_shape *shape, bool is_member, yyjson_val *value,
                           struct error *error)
{
    if (yyjson_is_null(value))
        return OK;
    switch (shape->kind) {
    case DDB_SHAPE_STRING:
        return check_string(value, error);
    case DDB_SHAPE_BOOLEAN:
        return check_boolean(value, error);
    case DDB_SHAPE_INTEGER:
    case DDB_SHAPE_LONG:
    case DDB_SHAPE_DOUBLE:
        return check_number(shape->kind, value, error);
    case DDB_SHAPE_LIST:
        return check_list(shape, value, error);
    case DDB_SHAPE_MAP:
        return check_map(shape, value, error);
    case DDB_SHAPE_STRUCT:
        return check_struct(shape, is_member, value, error);
    case DDB_SHAPE_VALUE:
        return check_value(is_member, value, error);
    case DDB_SHAPE_ELSEWHERE:
        break;
    }
    return OK;
}

/* --- Limits --- */

/* Where something is: written out ("keySchema.1.member.keyType") only for a message. */
struct place {
    const struct place *above;
    struct str name; /* of a member, or a map's key */
    size_t index;    /* in a list, from 1; 0: not in a list */
    bool is_member;  /* of a structure */
};

struct checker {
    struct arena *arena;
    struct buf text;
    unsigned count;
    const struct place *place; /* of what is checked now */
    bool is_bare;              /* what is checked now is told without its value, */
    struct str bare;           /* and only where nothing else is wrong; a NULL pointer: nothing */
    struct str elsewhere;      /* a member that this server has no use for */
};

static void add_place(struct buf *out, const struct place *place, bool is_bare)
{
    if (place->above) {
        add_place(out, place->above, is_bare);
        buf_add_byte(out, '.');
    }
    if (place->index) {
        buf_printf(out, "%zu.member", place->index);
    } else if (!place->is_member) {
        buf_add(out, place->name);
        buf_add(out, STR(".member"));
    } else {
        char first = place->name.ptr[0];
        buf_add_byte(out, first >= 'A' && first <= 'Z' && !is_bare ? (char)(first + ('a' - 'A'))
                                                                   : first);
        buf_add(out, str_slice(place->name, 1, place->name.len));
    }
}

/* Values as Java prints them. */
static void add_value(struct buf *out, yyjson_val *value, struct arena *arena)
{
    yyjson_val *key, *element;
    size_t i, max;
    if (!value || yyjson_is_null(value)) {
        buf_add(out, STR("null"));
    } else if (yyjson_is_str(value)) {
        buf_add(out, json_str(value));
    } else if (yyjson_is_arr(value)) {
        buf_add_byte(out, '[');
        yyjson_arr_foreach (value, i, max, element) {
            buf_add(out, i ? STR(", ") : STR_EMPTY);
            add_value(out, element, arena);
        }
        buf_add_byte(out, ']');
    } else if (yyjson_is_obj(value)) {
        buf_add_byte(out, '{');
        yyjson_obj_foreach (value, i, max, key, element) {
            buf_add(out, i ? STR(", ") : STR_EMPTY);
            buf_add(out, json_str(key));
            buf_add_byte(out, '=');
            add_value(out, element, arena);
        }
        buf_add_byte(out, '}');
    } else {
        buf_add(out, json_write_val(arena, value));
    }
}

static void complain_bare(struct checker *checker, struct str constraint)
{
    struct buf text;
    if (checker->bare.ptr)
        return;
    buf_init_arena(&text, checker->arena, SIZE_MAX / 2);
    buf_add(&text, STR("1 validation error detected: Value at '"));
    if (checker->place)
        add_place(&text, checker->place, true);
    buf_add(&text, STR("' failed to satisfy constraint: "));
    buf_add(&text, constraint);
    checker->bare = buf_str(&text);
}

static void complain(struct checker *checker, yyjson_val *value, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void complain(struct checker *checker, yyjson_val *value, const char *format, ...)
{
    va_list args;
    if (checker->count >= MAX_ERRORS)
        return;
    const char *quote = value && !yyjson_is_null(value) ? "'" : "";
    va_start(args, format);
    struct str constraint = arena_vprintf(checker->arena, format, args);
    va_end(args);
    if (checker->is_bare) {
        complain_bare(checker, constraint);
        return;
    }
    buf_printf(&checker->text, "%sValue %s", checker->count++ ? "; " : "", quote);
    add_value(&checker->text, value, checker->arena);
    buf_printf(&checker->text, "%s at '", quote);
    if (checker->place)
        add_place(&checker->text, checker->place, false);
    buf_add(&checker->text, STR("' failed to satisfy constraint: "));
    buf_add(&checker->text, constraint);
}

static bool is_name(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '_' || c == '.' || c == '-'))
            return false;
    }
    return text.len > 0;
}

static bool is_choice(const char *choices, struct str text)
{
    struct str rest = str_from(choices), choice;
    while (rest.len) {
        str_cut(&rest, ',', &choice);
        if (str_eq(choice, text))
            return true;
        rest = str_trim(rest);
    }
    return false;
}

/* Lengths are counted in characters of UTF-16, as Java does. */
static int64_t text_length(struct str text)
{
    int64_t length = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        length += (c & 0xC0) != 0x80;
        length += c >= 0xF0;
    }
    return length;
}

static void check_length(struct checker *checker, const struct ddb_shape *shape, yyjson_val *value,
                         int64_t length)
{
    if (length < shape->min)
        complain(checker, value, "Member must have length greater than or equal to %lld",
                 (long long)shape->min);
    if (shape->max && length > shape->max)
        complain(checker, value, "Member must have length less than or equal to %lld",
                 (long long)shape->max);
}

static void limit_string(struct checker *checker, const struct ddb_shape *shape, yyjson_val *value)
{
    struct str text = json_str(value);
    if (shape->flags & DDB_SHAPE_ARN && str_starts(text, STR("arn:")))
        return;
    if (shape->choices && !is_choice(shape->choices, text))
        complain(checker, value, "Member must satisfy enum value set: [%s]", shape->choices);
    if (shape->flags & DDB_SHAPE_NAME && !is_name(text))
        complain(checker, value, "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+");
    check_length(checker, shape, value, text_length(text));
}

static void limit_number(struct checker *checker, const struct ddb_shape *shape, yyjson_val *value)
{
    double number = yyjson_get_num(value);
    if (number < (double)shape->min)
        complain(checker, value, "Member must have value greater than or equal to %lld",
                 (long long)shape->min);
    if (shape->max && number > (double)shape->max)
        complain(checker, value, "Member must have value less than or equal to %lld",
                 (long long)shape->max);
}

static void limit(struct checker *checker, const struct ddb_shape *shape, yyjson_val *value);

static void limit_members(struct checker *checker, const struct ddb_shape *shape, yyjson_val *value)
{
    const struct place *parent = checker->place;
    for (const struct ddb_member *member = shape->members; member->name; member++) {
        yyjson_val *part = yyjson_obj_get(value, member->name);
        bool is_missing = !part || yyjson_is_null(part);
        if (is_missing && !member->is_required)
            continue;
        struct place place = {parent, str_from(member->name), 0, true};
        checker->place = &place;
        checker->is_bare = false;
        if (is_missing)
            complain(checker, NULL, "Member must not be null");
        else
            limit(checker, member->shape, part);
    }
    checker->place = parent;
}

static void limit_list(struct checker *checker, const struct ddb_shape *shape, yyjson_val *value)
{
    yyjson_val *element;
    size_t i, max;
    const struct place *parent = checker->place;
    check_length(checker, shape, value, (int64_t)yyjson_arr_size(value));
    if (shape->element->kind == DDB_SHAPE_VALUE)
        return;
    yyjson_arr_foreach (value, i, max, element) {
        if (checker->count >= MAX_ERRORS)
            break;
        struct place place = {parent, STR_EMPTY, i + 1, false};
        checker->place = &place;
        limit(checker, shape->element, element);
    }
    checker->place = parent;
}

/* "Map keys must satisfy constraint: [Member must have length ..., ...]" lists all that is asked.
 */
static struct str list_limits(struct arena *arena, const struct ddb_shape *shape)
{
    struct buf text;
    buf_init_arena(&text, arena, SIZE_MAX / 2);
    if (shape->max)
        buf_printf(&text, "Member must have length less than or equal to %lld",
                   (long long)shape->max);
    if (shape->min)
        buf_printf(&text, "%sMember must have length greater than or equal to %lld",
                   text.len ? ", " : "", (long long)shape->min);
    if (shape->flags & DDB_SHAPE_NAME)
        buf_printf(&text, "%sMember must satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
                   text.len ? ", " : "");
    return buf_str(&text);
}

static bool satisfies(const struct ddb_shape *shape, yyjson_val *value, struct arena *arena)
{
    struct checker quiet = {.arena = arena};
    buf_init_arena(&quiet.text, arena, SIZE_MAX / 2);
    if (shape->kind == DDB_SHAPE_LIST)
        check_length(&quiet, shape, value, (int64_t)yyjson_arr_size(value));
    else
        limit(&quiet, shape, value);
    return quiet.count == 0;
}

static void limit_map(struct checker *checker, const struct ddb_shape *shape, yyjson_val *value)
{
    yyjson_val *key, *element;
    size_t i, max;
    const struct place *parent = checker->place;
    check_length(checker, shape, value, (int64_t)yyjson_obj_size(value));
    if (shape->element->kind == DDB_SHAPE_VALUE)
        return;
    yyjson_obj_foreach (value, i, max, key, element) {
        if (shape->key && !satisfies(shape->key, key, checker->arena))
            complain(checker, value, "Map keys must satisfy constraint: [%.*s]",
                     STR_ARG(list_limits(checker->arena, shape->key)));
        if (shape->value && !satisfies(shape->value, element, checker->arena))
            complain(checker, value, "Map value must satisfy constraint: [%.*s]",
                     STR_ARG(list_limits(checker->arena, shape->value)));
    }
    yyjson_obj_foreach (value, i, max, key, element) {
        if (checker->count >= MAX_ERRORS)
            break;
        struct place place = {parent, json_str(key), 0, false};
        checker->place = &place;
        limit(checker, shape->element, element);
    }
    checker->place = parent;
}

static void limit(struct checker *checker, const struct ddb_shape *shape, yyjson_val *value)
{
    if (yyjson_is_null(value))
        return;
    checker->is_bare = (shape->flags & DDB_SHAPE_BARE) != 0;
    switch (shape->kind) {
    case DDB_SHAPE_STRING:
        limit_string(checker, shape, value);
        break;
    case DDB_SHAPE_INTEGER:
    case DDB_SHAPE_LONG:
        limit_number(checker, shape, value);
        break;
    case DDB_SHAPE_LIST:
        limit_list(checker, shape, value);
        break;
    case DDB_SHAPE_MAP:
        limit_map(checker, shape, value);
        break;
    case DDB_SHAPE_STRUCT:
        limit_members(checker, shape, value);
        break;
    case DDB_SHAPE_ELSEWHERE:
        if (!yyjson_is_ctn(value) || yyjson_get_len(value) > 0)
            checker->elsewhere = checker->place->name;
        break;
    case DDB_SHAPE_BOOLEAN:
    case DDB_SHAPE_DOUBLE:
    case DDB_SHAPE_VALUE: /* checked where it is read */
        break;
    }
}

/* An empty name of a table is told alone, before anything else. */
static enum err check_empty_name(const struct ddb_shape *shape, yyjson_val *input,
                                 struct error *error)
{
    for (const struct ddb_member *member = shape->members; member->name; member++) {
        bool is_table = strcmp(member->name, "TableName") == 0 && member->shape->min;
        struct str name = json_get_str(input, member->name);
        if (is_table && name.ptr && name.len == 0)
            return error_set(error, ERR_VALIDATION,
                             "1 validation error detected: Value '' at 'tableName' failed to "
                             "satisfy constraint: Member must have length greater than or equal to "
                             "1");
    }
    return OK;
}

/* The operations on tables tell a missing or too long name by itself. */
static enum err check_control_name(const struct ddb_shape *shape, yyjson_val *input,
                                   struct error *error)
{
    for (const struct ddb_member *member = shape->members; member->name; member++) {
        if (!(member->shape->flags & DDB_SHAPE_CONTROL))
            continue;
        struct str name = json_get_str(input, member->name);
        if (!name.ptr)
            return error_set(error, ERR_VALIDATION,
                             "The parameter '%s' is required but was not present in the request",
                             member->name);
        bool is_arn = str_starts(name, STR("arn:"));
        if (!member->shape->min && !is_arn && (name.len < 3 || name.len > 255))
            return error_set(
                error, ERR_VALIDATION,
                "%s must be at least 3 characters long and at most 255 characters long",
                member->name);
    }
    return OK;
}

enum err ddb_shape_check(const struct ddb_shape *shape, yyjson_val *input, struct arena *arena,
                         struct error *error)
{
    struct checker checker = {.arena = arena, .elsewhere = STR_EMPTY};
    enum err rc = check_struct(shape, true, input, error);
    if (rc == OK)
        rc = check_empty_name(shape, input, error);
    if (rc == OK)
        rc = check_control_name(shape, input, error);
    if (rc)
        return rc;
    buf_init_arena(&checker.text, arena, SIZE_MAX / 2);
    limit_members(&checker, shape, input);
    if (checker.count == 0 && checker.bare.ptr)
        return error_set_long(error, arena, ERR_VALIDATION, "%.*s", STR_ARG(checker.bare));
    if (checker.count == 0 && checker.elsewhere.len)
        return error_set(error, ERR_VALIDATION,
                         "One or more parameter values were invalid: %.*s is not available on "
                         "this server",
                         STR_ARG(checker.elsewhere));
    if (checker.count == 0)
        return OK;
    return error_set_long(error, arena, ERR_VALIDATION, "%u validation error%s detected: %.*s",
                          checker.count, checker.count > 1 ? "s" : "",
                          STR_ARG(buf_str(&checker.text)));
}

enum err ddb_check_input(struct request *request)
{
    const struct ddb_shape *shape = ddb_shape_of_input(request->operation->name);
    return shape ? ddb_shape_check(shape, request->input, request->arena, &request->error) : OK;
}
