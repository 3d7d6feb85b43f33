/* How callers name functions, versions and aliases. */
#include "services/lambda/internal.h"
#include "services/lambda/violations.h"

enum { MAX_PLAIN = 140, MAX_QUALIFIER = 128 };

#define PATTERN_START                                                                              \
    "satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:)?"                          \
    "((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:)?(\\d{12}:)?(function:)?"
#define PLAIN_PATTERN PATTERN_START "([a-zA-Z0-9-_]+)(:(\\$LATEST|[a-zA-Z0-9-_]+))?"
#define SPACED_PATTERN                                                                             \
    PATTERN_START "([a-zA-Z0-9-_\\.]+)(:(\\$LATEST(\\.PUBLISHED)?|[a-zA-Z0-9-_]+))?"

enum err lambda_not_found(const struct lambda *lambda, struct function_name name,
                          struct error *error)
{
    const struct skylite_config *config = &lambda->skylite->config;
    return error_set(error, ERR_LAMBDA_RESOURCE_NOT_FOUND,
                     "Function not found: arn:aws:lambda:%.*s:%.*s:function:%.*s%s%.*s",
                     STR_ARG(config->region), STR_ARG(config->account), STR_ARG(name.name),
                     name.qualifier.len ? ":" : "", STR_ARG(name.qualifier));
}

enum err lambda_alias_not_found(struct request *request, struct function_name name)
{
    struct str resource = arena_printf(request->arena, "function:%.*s:%.*s", STR_ARG(name.name),
                                       STR_ARG(name.qualifier));
    struct str arn = skylite_arn(request->skylite, request->arena, "lambda", resource);
    return request_fail(request, ERR_LAMBDA_RESOURCE_NOT_FOUND, "Cannot find alias arn: %.*s",
                        STR_ARG(arn));
}

static bool is_qualifier(struct str text)
{
    if (str_eq(text, STR("$LATEST.PUBLISHED")))
        return true;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != '$' && !function_is_name(str_slice(text, i, 1)))
            return false;
    }
    return text.len > 0;
}

void lambda_check_name(struct violations *violations, struct str text, bool is_plain)
{
    struct function_name name;
    if (is_plain)
        violations_length(violations, text, "functionName", 0, MAX_PLAIN);
    bool is_name = function_name_parse(text, &name);
    if (is_plain)
        is_name = is_name && function_is_name(name.name) &&
                  !str_eq(name.qualifier, STR("$LATEST.PUBLISHED"));
    if (!is_name)
        violations_add(violations, text.ptr ? text : STR_EMPTY, "functionName",
                       is_plain ? PLAIN_PATTERN : SPACED_PATTERN);
}

static enum err check_texts(struct str text, struct str qualifier, bool is_plain,
                            struct error *error)
{
    struct arena scratch = {0};
    struct violations violations;
    violations_init(&violations, &scratch);
    if (qualifier.len) {
        violations_length(&violations, qualifier, "qualifier", 1, MAX_QUALIFIER);
        if (!is_qualifier(qualifier))
            violations_add(&violations, qualifier, "qualifier",
                           "satisfy regular expression pattern: "
                           "\\$(LATEST(\\.PUBLISHED)?)|[a-zA-Z0-9-_$]+");
    }
    lambda_check_name(&violations, text, is_plain);
    enum err rc = violations_check(&violations, error);
    arena_release(&scratch);
    return rc;
}

static enum err parse(struct str text, struct str qualifier, bool is_plain,
                      struct function_name *out, struct error *error)
{
    struct function_name name;
    enum err rc = check_texts(text, qualifier, is_plain, error);
    if (rc)
        return rc;
    function_name_parse(text, &name);
    if (name.qualifier.len && qualifier.len && !str_eq(name.qualifier, qualifier))
        return error_set(error, ERR_LAMBDA_INVALID_PARAMETER_VALUE,
                         "The derived qualifier from the function name does not match the "
                         "specified qualifier.");
    if (!name.qualifier.len)
        name.qualifier = qualifier.len ? qualifier : STR_EMPTY;
    *out = name;
    return OK;
}

enum err lambda_parse_name(struct str text, struct str qualifier, struct function_name *out,
                           struct error *error)
{
    return parse(text, qualifier, false, out, error);
}

enum err lambda_parse_plain_name(struct str text, struct function_name *out, struct error *error)
{
    return parse(text, STR_EMPTY, true, out, error);
}

struct str lambda_key(struct arena *arena, struct function_name name)
{
    if (!name.qualifier.len || str_eq(name.qualifier, STR("$LATEST")))
        return name.name;
    return arena_printf(arena, "%.*s:%.*s", STR_ARG(name.name), STR_ARG(name.qualifier));
}
