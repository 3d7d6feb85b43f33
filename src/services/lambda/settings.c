/* Checking and applying a function's settings. */
#include "services/lambda/settings.h"

#include <openssl/sha.h>
#include <sys/utsname.h>

#include "base/encode.h"
#include "services/lambda/environment.h"
#include "services/lambda/operations.h"
#include "services/lambda/runtime.h"
#include "services/lambda/violations.h"

enum {
    MAX_VARIABLES_BYTES = 4096,
    MAX_NAME = 64,
};

#define ROLE_PATTERN                                                                               \
    "satisfy regular expression pattern: "                                                         \
    "arn:(aws[a-zA-Z-]*)?:iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+"

/* --- Single members --- */

static enum err check_known_runtime(struct request *request, const struct runtime *runtime)
{
    char program[RUNTIME_PATH_MAX];
    if (!runtime->is_available)
        return request_fail(request, ERR_LAMBDA_INVALID_PARAMETER_VALUE,
                            "The runtime %s is not available on this server. Available are "
                            "provided.al2023, provided.al2, and those of Python and Node.js.",
                            runtime->name);
    if (runtime->language && !runtime_program(runtime, program))
        return request_fail(request, ERR_LAMBDA_INVALID_PARAMETER_VALUE,
                            "The runtime %s needs %s, which this machine does not have: install "
                            "the package %s.",
                            runtime->name, runtime->language->name, runtime->language->package);
    return OK;
}

static enum err check_runtime(struct request *request)
{
    struct str name = request_str(request, "Runtime");
    const struct runtime *runtime = runtime_find(name);
    if (!name.ptr)
        return OK;
    if (runtime)
        return check_known_runtime(request, runtime);
    if (runtime_is_deprecated(name))
        return request_fail(request, ERR_LAMBDA_INVALID_PARAMETER_VALUE,
                            "The runtime parameter of %.*s is no longer supported for creating or "
                            "updating AWS Lambda functions. We recommend you use a supported "
                            "runtime while creating or updating functions.",
                            STR_ARG(name));
    return request_fail(request, ERR_LAMBDA_INVALID_PARAMETER_VALUE,
                        "Value %.*s at 'runtime' failed to satisfy constraint: Member must satisfy "
                        "enum value set: [%s] or be a valid ARN",
                        STR_ARG(name), RUNTIME_NAMES);
}

static bool is_role_arn(struct str arn)
{
    struct str part;
    if (!str_cut(&arn, ':', &part) || !str_eq(part, STR("arn")) || !str_cut(&arn, ':', &part) ||
        !str_starts(part, STR("aws")) || !str_cut(&arn, ':', &part) || !str_eq(part, STR("iam")) ||
        !str_cut(&arn, ':', &part) || part.len || !str_cut(&arn, ':', &part) || part.len != 12)
        return false;
    return str_starts(arn, STR("role/")) && arn.len > strlen("role/") &&
           str_find_byte(arn, ' ', 0) < 0 && str_find_byte(arn, ':', 0) < 0;
}

static bool has_blank(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == ' ' || (text.ptr[i] >= '\t' && text.ptr[i] <= '\r'))
            return true;
    }
    return false;
}

/* A number that is there but is none is a malformed request, not a wrong value. */
static enum err check_number(struct request *request, struct violations *violations,
                             const yyjson_val *object, const char *key, const char *path,
                             int64_t min, int64_t max)
{
    int64_t value;
    if (!json_get(object, key))
        return OK;
    if (!json_get_i64(object, key, &value))
        return request_fail(request, ERR_SERIALIZATION, "%s can not be converted to an Integer",
                            key);
    violations_range(violations, value, path, min, max);
    return OK;
}

/* --- Environment --- */

static bool is_variable_name(struct str name)
{
    if (name.len < 2 || name.ptr[0] == '_' || (name.ptr[0] >= '0' && name.ptr[0] <= '9'))
        return false;
    return function_is_name(name) && str_find_byte(name, '-', 0) < 0;
}

static enum err check_variables(struct request *request, yyjson_val *variables)
{
    size_t index, max;
    yyjson_val *key, *value;
    yyjson_obj_foreach (variables, index, max, key, value) {
        struct str name = json_str(key);
        if (environment_is_reserved(name))
            return request_fail(
                request, ERR_LAMBDA_INVALID_PARAMETER_VALUE,
                "Lambda was unable to configure your environment variables because the environment "
                "variables you have provided contains reserved keys that are currently not "
                "supported for modification. Reserved keys used in this request: %.*s",
                STR_ARG(name));
        if (!is_variable_name(name))
            return request_fail(
                request, ERR_VALIDATION,
                "1 validation error detected: Value at 'environment.variables' failed to satisfy "
                "constraint: Map keys must satisfy constraint: [Member must satisfy regular "
                "expression pattern: [a-zA-Z]([a-zA-Z0-9_])+]");
        struct str text = json_str(value);
        if (!text.ptr || memchr(text.ptr, '\0', text.len))
            return request_fail(request, ERR_SERIALIZATION,
                                "The value of the variable %.*s is no text", STR_ARG(name));
    }
    struct str measured = json_write_val(request->arena, variables);
    if (measured.len > MAX_VARIABLES_BYTES)
        return request_fail(
            request, ERR_LAMBDA_INVALID_PARAMETER_VALUE,
            "Lambda was unable to configure your environment variables because the environment "
            "variables you have provided exceeded the 4KB limit. String measured: %.200s...",
            measured.ptr);
    return OK;
}

static enum err check_environment(struct request *request)
{
    yyjson_val *environment = json_get(request->input, "Environment");
    yyjson_val *variables = json_get(environment, "Variables");
    if ((environment && !yyjson_is_obj(environment)) || (variables && !yyjson_is_obj(variables)))
        return request_fail(request, ERR_SERIALIZATION, "Environment is not of the expected type");
    return check_variables(request, variables);
}

/* --- What is not to be had here --- */

static bool is_set(yyjson_val *value)
{
    return value && !yyjson_is_null(value) && !(yyjson_is_str(value) && json_str(value).len == 0) &&
           !(yyjson_is_ctn(value) && yyjson_get_len(value) == 0);
}

/* Members that would change what a function does and that this server cannot honour. */
static enum err refuse_foreign(struct request *request)
{
    static const char *const whole[] = {"Layers", "FileSystemConfigs", "ImageConfig", "KMSKeyArn",
                                        "CodeSigningConfigArn"};
    static const struct {
        const char *object, *member;
    } parts[] = {
        {"VpcConfig", "SubnetIds"},
        {"VpcConfig", "SecurityGroupIds"},
        {"DeadLetterConfig", "TargetArn"},
    };
    const char *name = NULL;
    for (size_t i = 0; i < sizeof(whole) / sizeof(*whole); i++)
        name = is_set(json_get(request->input, whole[i])) ? whole[i] : name;
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        yyjson_val *object = json_get(request->input, parts[i].object);
        name = is_set(json_get(object, parts[i].member)) ? parts[i].object : name;
    }
    if (str_eq(json_get_str(json_get(request->input, "SnapStart"), "ApplyOn"),
               STR("PublishedVersions")))
        name = "SnapStart";
    if (str_eq(request_str(request, "PackageType"), STR("Image")))
        name = "PackageType Image";
    if (!name)
        return OK;
    return request_fail(request, ERR_LAMBDA_INVALID_PARAMETER_VALUE,
                        "%s is not available on this server.", name);
}

static bool is_one_of(struct str text, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq(text, str_from(names[i])))
            return true;
    }
    return false;
}

/* Only logs in JSON can be filtered by level. */
static enum err check_log_levels(struct request *request, const yyjson_val *logging)
{
    static const char *const application[] = {"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"};
    static const char *const system[] = {"DEBUG", "INFO", "WARN"};
    struct str own = json_get_str(logging, "ApplicationLogLevel");
    struct str platform = json_get_str(logging, "SystemLogLevel");
    if ((own.ptr && !is_one_of(own, application, 6)) ||
        (platform.ptr && !is_one_of(platform, system, 3)))
        return request_fail(
            request, ERR_VALIDATION,
            "1 validation error detected: Value at 'loggingConfig' failed to satisfy "
            "constraint: levels are [TRACE, DEBUG, INFO, WARN, ERROR, FATAL] of the "
            "application and [DEBUG, INFO, WARN] of the system");
    if ((own.ptr || platform.ptr) && !str_eq(json_get_str(logging, "LogFormat"), STR("JSON")))
        return request_fail(
            request, ERR_LAMBDA_INVALID_PARAMETER_VALUE,
            "To use ApplicationLogLevel or SystemLogLevel, LogFormat must be JSON.");
    return OK;
}

static enum err check_logging(struct request *request)
{
    yyjson_val *logging = json_get(request->input, "LoggingConfig");
    struct str format = json_get_str(logging, "LogFormat");
    struct str group = json_get_str(logging, "LogGroup");
    enum err rc = check_log_levels(request, logging);
    if (rc)
        return rc;
    if (format.ptr && !str_eq(format, STR("Text")) && !str_eq(format, STR("JSON")))
        return request_fail(
            request, ERR_VALIDATION,
            "1 validation error detected: Value '%.*s' at 'loggingConfig.logFormat' "
            "failed to satisfy constraint: Member must satisfy enum value set: "
            "[JSON, Text]",
            STR_ARG(format));
    if (group.ptr && (group.len == 0 || group.len > 512 || has_blank(group)))
        return request_fail(request, ERR_LAMBDA_INVALID_PARAMETER_VALUE,
                            "LogGroup is not a valid log group name.");
    return OK;
}

static const char *own_architecture(void)
{
    struct utsname system;
    return uname(&system) == 0 && strcmp(system.machine, "aarch64") == 0 ? "arm64" : "x86_64";
}

static enum err fail_architectures(struct request *request, yyjson_val *list)
{
    struct buf text;
    yyjson_val *one;
    size_t i, max;
    buf_init_arena(&text, request->arena, ERROR_MESSAGE_MAX);
    yyjson_arr_foreach (list, i, max, one) {
        buf_printf(&text, "%s%.*s", i ? ", " : "", STR_ARG(json_str(one)));
    }
    const char *constraint = "satisfy constraint: [Member must satisfy enum value set: [x86_64, "
                             "arm64], Member must not be null]";
    if (max != 1)
        constraint =
            max ? "have length less than or equal to 1" : "have length greater than or equal to 1";
    return request_fail(request, ERR_VALIDATION,
                        "1 validation error detected: Value '[%.*s]' at 'architectures' failed to "
                        "satisfy constraint: Member must %s",
                        STR_ARG(buf_str(&text)), constraint);
}

enum err settings_check_architecture(struct request *request)
{
    yyjson_val *list = json_get(request->input, "Architectures");
    struct str asked = json_str(yyjson_arr_get_first(list));
    bool is_known = str_eq(asked, STR("x86_64")) || str_eq(asked, STR("arm64"));
    if (!list || (yyjson_arr_size(list) == 1 && str_eq(asked, str_from(own_architecture()))))
        return OK;
    if (yyjson_arr_size(list) != 1 || !is_known)
        return fail_architectures(request, list);
    return request_fail(request, ERR_LAMBDA_INVALID_PARAMETER_VALUE,
                        "This server runs functions for %s.", own_architecture());
}

/* --- All of them --- */

static enum err check_name_length(struct request *request, struct str text)
{
    struct function_name name;
    if (!function_name_parse(text, &name) || name.name.len <= MAX_NAME)
        return OK;
    return request_fail(request, ERR_LAMBDA_INVALID_PARAMETER_VALUE,
                        "1 validation error detected: Value '%.*s' at 'functionName' failed to "
                        "satisfy constraint: Member must have length less than or equal to %d",
                        STR_ARG(name.name), MAX_NAME);
}

static enum err check_shapes(struct request *request, bool is_create)
{
    const yyjson_val *input = request->input;
    struct str role = request_str(request, "Role"), handler = request_str(request, "Handler");
    struct str mode = json_get_str(json_get(input, "TracingConfig"), "Mode");
    struct violations violations;
    violations_init(&violations, request->arena);

    struct str name = request_str(request, "FunctionName");
    if (!name.ptr)
        violations_add(&violations, name, "functionName", "not be null");
    else
        lambda_check_name(&violations, name, true);
    if (!role.ptr && is_create)
        violations_add(&violations, role, "role", "not be null");
    else if (role.ptr && !is_role_arn(role))
        violations_add(&violations, role, "role", ROLE_PATTERN);
    violations_length(&violations, handler, "handler", 0, 128);
    if (handler.ptr && (handler.len == 0 || has_blank(handler)))
        violations_add(&violations, handler, "handler",
                       "satisfy regular expression pattern: [^\\s]+");
    violations_length(&violations, request_str(request, "Description"), "description", 0, 256);
    if (mode.ptr && !str_eq(mode, STR("Active")) && !str_eq(mode, STR("PassThrough")))
        violations_add(&violations, mode, "tracingConfig.mode",
                       "satisfy enum value set: [Active, PassThrough]");
    enum err rc = check_number(request, &violations, input, "MemorySize", "memorySize", 128, 10240);
    if (rc == OK)
        rc = check_number(request, &violations, input, "Timeout", "timeout", 1, 900);
    if (rc == OK)
        rc = check_number(request, &violations, json_get(input, "EphemeralStorage"), "Size",
                          "ephemeralStorage.size", 512, 10240);
    if (rc == OK)
        rc = violations_check(&violations, &request->error);
    return rc ? rc : check_name_length(request, name);
}

enum err settings_check_tags(struct request *request)
{
    yyjson_val *tags = json_get(request->input, "Tags"), *key, *value;
    size_t index, max;
    if (!tags)
        return OK;
    if (yyjson_is_obj(tags) && yyjson_obj_size(tags) > SETTINGS_MAX_TAGS)
        return request_fail(request, ERR_LAMBDA_INVALID_PARAMETER_VALUE,
                            "Number of tags exceeds resource tag limit.");
    bool is_good = yyjson_is_obj(tags);
    yyjson_obj_foreach (tags, index, max, key, value) {
        is_good = is_good && json_str(key).len && json_str(key).len <= 128 &&
                  yyjson_is_str(value) && json_str(value).len <= 256;
    }
    return is_good ? OK
                   : request_fail(request, ERR_LAMBDA_INVALID_PARAMETER_VALUE, "Invalid tags.");
}

static enum err check_role(struct request *request)
{
    const struct iam_capability *iam = &request->skylite->iam;
    struct str role = request_str(request, "Role");
    struct role_assumption asked = {.role_arn = role,
                                    .service = STR("lambda.amazonaws.com"),
                                    .session_name = STR("check"),
                                    .duration_s = 900};
    struct credentials credentials;
    if (!role.ptr)
        return OK;
    enum err rc = lambda_function_resource(request, &asked.source_arn);
    if (rc == OK)
        rc = request_authorize_pass_role(request, role, asked.service, asked.source_arn);
    if (rc)
        return rc;
    if (iam->assume_role_for_service(iam->self, &asked, request->arena, &credentials,
                                     &request->error))
        return request_fail(request, ERR_LAMBDA_INVALID_PARAMETER_VALUE,
                            "The role defined for the function cannot be assumed by Lambda.");
    return OK;
}

enum err settings_check(struct request *request, bool is_create)
{
    enum err rc = check_shapes(request, is_create);
    if (rc == OK)
        rc = refuse_foreign(request);
    if (rc == OK && is_create &&
        (!request_str(request, "Runtime").ptr || !request_str(request, "Handler").ptr))
        rc = request_fail(request, ERR_LAMBDA_INVALID_PARAMETER_VALUE,
                          "Runtime and Handler are mandatory parameters for functions created with "
                          "deployment packages.");
    if (rc == OK)
        rc = check_runtime(request);
    if (rc == OK)
        rc = check_environment(request);
    if (rc == OK)
        rc = check_logging(request);
    if (rc == OK)
        rc = settings_check_tags(request);
    return rc ? rc : check_role(request);
}

/* --- Applying --- */

void settings_put(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key,
                  yyjson_mut_val *value)
{
    yyjson_mut_val *name = yyjson_mut_str(doc, key);
    if (!yyjson_mut_obj_replace(object, name, value))
        yyjson_mut_obj_add(object, name, value);
}

void settings_put_text(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key,
                       struct str value)
{
    settings_put(doc, object, key, yyjson_mut_strn(doc, value.ptr, value.len));
}

/* An object of one member. */
static yyjson_mut_val *object_of(yyjson_mut_doc *doc, const char *key, yyjson_mut_val *value)
{
    yyjson_mut_val *object = yyjson_mut_obj(doc);
    json_add(doc, object, key, value);
    return object;
}

static yyjson_mut_val *text(yyjson_mut_doc *doc, struct str value)
{
    return yyjson_mut_strn(doc, value.ptr, value.len);
}

static void apply_texts(struct request *request, yyjson_mut_val *configuration)
{
    static const char *const keys[] = {"Runtime", "Role", "Handler", "Description"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        struct str value = request_str(request, keys[i]);
        if (value.ptr)
            settings_put(request->doc, configuration, keys[i], text(request->doc, value));
    }
}

static void apply_numbers(struct request *request, yyjson_mut_val *configuration)
{
    static const char *const keys[] = {"Timeout", "MemorySize"};
    yyjson_mut_doc *doc = request->doc;
    int64_t value;
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        if (json_get_i64(request->input, keys[i], &value))
            settings_put(doc, configuration, keys[i], yyjson_mut_sint(doc, value));
    }
    if (json_get_i64(json_get(request->input, "EphemeralStorage"), "Size", &value))
        settings_put(doc, configuration, "EphemeralStorage",
                     object_of(doc, "Size", yyjson_mut_sint(doc, value)));
}

static void apply_environment(struct request *request, yyjson_mut_val *configuration)
{
    yyjson_val *environment = json_get(request->input, "Environment");
    yyjson_val *variables = json_get(environment, "Variables");
    if (!environment)
        return;
    if (!variables) {
        yyjson_mut_obj_remove_key(configuration, "Environment");
        return;
    }
    settings_put(
        request->doc, configuration, "Environment",
        object_of(request->doc, "Variables", yyjson_val_mut_copy(request->doc, variables)));
}

static void apply_logging(struct request *request, yyjson_mut_val *configuration)
{
    static const char *const members[] = {"LogFormat", "ApplicationLogLevel", "SystemLogLevel",
                                          "LogGroup"};
    yyjson_val *given = json_get(request->input, "LoggingConfig");
    yyjson_mut_val *logging = yyjson_mut_obj_get(configuration, "LoggingConfig");
    struct str format = json_get_str(given, "LogFormat");
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        struct str value = json_get_str(given, members[i]);
        bool is_level = i == 1 || i == 2;
        if (value.ptr)
            settings_put_text(request->doc, logging, members[i], value);
        else if (is_level && str_eq(format, STR("JSON")))
            settings_put_text(request->doc, logging, members[i], STR("INFO"));
        else if (is_level && format.ptr)
            yyjson_mut_obj_remove_key(logging, members[i]);
    }
}

void settings_apply(struct request *request, yyjson_mut_val *configuration)
{
    struct str mode = json_get_str(json_get(request->input, "TracingConfig"), "Mode");
    apply_texts(request, configuration);
    apply_numbers(request, configuration);
    apply_environment(request, configuration);
    apply_logging(request, configuration);
    if (mode.ptr)
        settings_put(request->doc, configuration, "TracingConfig",
                     object_of(request->doc, "Mode", text(request->doc, mode)));
}

/* Which build of a runtime it is: here there is one of each. */
static struct str runtime_arn(struct request *request, struct str runtime)
{
    unsigned char hash[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)runtime.ptr, runtime.len, hash);
    struct str digits = encode_hex(request->arena, str_make((const char *)hash, sizeof(hash)));
    return arena_printf(request->arena, "arn:aws:lambda:%.*s::runtime:%.*s",
                        STR_ARG(request->skylite->config.region), STR_ARG(digits));
}

void settings_show(struct request *request, yyjson_mut_val *configuration)
{
    struct str runtime = json_mut_get_str(configuration, "Runtime");
    struct str arn = runtime_arn(request, runtime.ptr ? runtime : STR_EMPTY);
    settings_put(request->doc, configuration, "RuntimeVersionConfig",
                 object_of(request->doc, "RuntimeVersionArn", text(request->doc, arn)));
}

yyjson_mut_val *settings_listed(struct request *request, yyjson_val *configuration,
                                bool is_qualified)
{
    yyjson_mut_val *out = yyjson_val_mut_copy(request->doc, configuration);
    struct str arn = json_get_str(configuration, "FunctionArn");
    yyjson_mut_obj_remove_key(out, "State");
    yyjson_mut_obj_remove_key(out, "LastUpdateStatus");
    if (is_qualified && str_eq(json_get_str(configuration, "Version"), STR("$LATEST")))
        settings_put_text(request->doc, out, "FunctionArn",
                          arena_printf(request->arena, "%.*s:$LATEST", STR_ARG(arn)));
    return out;
}

void settings_defaults(struct request *request, struct str name, yyjson_mut_val *configuration)
{
    yyjson_mut_doc *doc = request->doc;
    struct arena *arena = request->arena;
    struct str resource = arena_printf(arena, "function:%.*s", STR_ARG(name));
    json_add_str(doc, configuration, "FunctionName", name);
    json_add_str(doc, configuration, "FunctionArn",
                 skylite_arn(request->skylite, arena, "lambda", resource));
    json_add_str(doc, configuration, "Description", STR_EMPTY);
    json_add_i64(doc, configuration, "Timeout", 3);
    json_add_i64(doc, configuration, "MemorySize", 128);
    json_add_str(doc, configuration, "Version", STR("$LATEST"));
    json_add(doc, configuration, "TracingConfig",
             object_of(doc, "Mode", text(doc, STR("PassThrough"))));
    json_add_str(doc, configuration, "State", STR("Active"));
    json_add_str(doc, configuration, "LastUpdateStatus", STR("Successful"));
    json_add_str(doc, configuration, "PackageType", STR("Zip"));
    yyjson_mut_val *architectures = json_add_arr(doc, configuration, "Architectures");
    yyjson_mut_arr_add_str(doc, architectures, own_architecture());
    json_add(doc, configuration, "EphemeralStorage",
             object_of(doc, "Size", yyjson_mut_sint(doc, 512)));
    yyjson_mut_val *snap = json_add_obj(doc, configuration, "SnapStart");
    json_add_str(doc, snap, "ApplyOn", STR("None"));
    json_add_str(doc, snap, "OptimizationStatus", STR("Off"));
    yyjson_mut_val *logging = json_add_obj(doc, configuration, "LoggingConfig");
    json_add_str(doc, logging, "LogFormat", STR("Text"));
    json_add_str(doc, logging, "LogGroup", arena_printf(arena, "/aws/lambda/%.*s", STR_ARG(name)));
}
