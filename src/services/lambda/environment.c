/* Lambda's environment variables
 * (https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html). */
#include "services/lambda/environment.h"

#include <limits.h>

#include "services/lambda/runtime.h"

static const struct str reserved[] = {
    STR_INIT("_HANDLER"),
    STR_INIT("_X_AMZN_TRACE_ID"),
    STR_INIT("AWS_ACCESS_KEY"),
    STR_INIT("AWS_ACCESS_KEY_ID"),
    STR_INIT("AWS_DEFAULT_REGION"),
    STR_INIT("AWS_EXECUTION_ENV"),
    STR_INIT("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"),
    STR_INIT("AWS_LAMBDA_FUNCTION_NAME"),
    STR_INIT("AWS_LAMBDA_FUNCTION_VERSION"),
    STR_INIT("AWS_LAMBDA_INITIALIZATION_TYPE"),
    STR_INIT("AWS_LAMBDA_LOG_GROUP_NAME"),
    STR_INIT("AWS_LAMBDA_LOG_STREAM_NAME"),
    STR_INIT("AWS_LAMBDA_RUNTIME_API"),
    STR_INIT("AWS_REGION"),
    STR_INIT("AWS_SECRET_ACCESS_KEY"),
    STR_INIT("AWS_SECRET_KEY"),
    STR_INIT("AWS_SESSION_TOKEN"),
    STR_INIT("LAMBDA_RUNTIME_DIR"),
    STR_INIT("LAMBDA_TASK_ROOT"),
};

/* What its owner may override. Where distributions keep libraries by architecture, those come
 * first: on AWS, too, the system's own win over those in a package. */
static const struct {
    const char *name;
    const char *value;
} defaults[] = {
    {"AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR"},
    {"AWS_XRAY_DAEMON_ADDRESS", "169.254.79.129:2000"},
    {"_AWS_XRAY_DAEMON_ADDRESS", "169.254.79.129"},
    {"_AWS_XRAY_DAEMON_PORT", "2000"},
    {"PWD", "/var/task"},
    {"SHLVL", "0"},
    {"LANG", "en_US.UTF-8"},
    {"TZ", ":UTC"},
    {"PATH", "/usr/local/bin:/usr/bin/:/bin:/opt/bin"},
    {"LD_LIBRARY_PATH",
#if defined(__x86_64__)
     "/usr/lib/x86_64-linux-gnu:"
#elif defined(__aarch64__)
     "/usr/lib/aarch64-linux-gnu:"
#endif
     "/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib"},
};

bool environment_is_reserved(struct str name)
{
    for (size_t i = 0; i < sizeof(reserved) / sizeof(*reserved); i++) {
        if (str_eq(reserved[i], name))
            return true;
    }
    return false;
}

static void add(struct buf *block, const char *name, struct str value)
{
    buf_add(block, str_from(name));
    buf_add_byte(block, '=');
    buf_add(block, value);
    buf_add_byte(block, '\0');
}

static void add_lambda(struct buf *block, const struct function *function, struct str log_stream,
                       struct arena *arena)
{
    add(block, "_HANDLER", function->handler.ptr ? function->handler : STR_EMPTY);
    add(block, "AWS_LAMBDA_FUNCTION_NAME", function->name);
    add(block, "AWS_LAMBDA_FUNCTION_VERSION", function->version);
    add(block, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", arena_printf(arena, "%u", function->memory_mb));
    add(block, "AWS_LAMBDA_LOG_GROUP_NAME", function->log_group);
    add(block, "AWS_LAMBDA_LOG_STREAM_NAME", log_stream);
    add(block, "AWS_LAMBDA_INITIALIZATION_TYPE", STR("on-demand"));
    if (!function->log_level.ptr)
        return; /* text: then the owner may have variables of these names */
    add(block, "AWS_LAMBDA_LOG_FORMAT", function->log_format);
    add(block, "AWS_LAMBDA_LOG_LEVEL", function->log_level);
}

/* Unless its owner has set it. */
static void add_default(struct buf *block, const struct function *function, const char *name,
                        struct str value)
{
    if (!json_get(function->variables, name))
        add(block, name, value);
}

/* What runtimes with a language have besides. Node.js finds what is installed for all, and takes
 * the machine's memory for its own unless it is told. */
static void add_language(struct buf *block, const struct function *function, struct arena *arena)
{
    const struct runtime *runtime = runtime_find(function->runtime);
    if (!runtime || !runtime->language)
        return;
    add(block, "AWS_EXECUTION_ENV", arena_printf(arena, "AWS_Lambda_%s", runtime->name));
    if (str_starts(function->runtime, STR("python")))
        add_default(block, function, "PYTHONPATH", STR("/var/runtime"));
    if (!str_starts(function->runtime, STR("nodejs")))
        return;
    add_default(block, function, "NODE_PATH",
                STR("/opt/nodejs/node_modules:/usr/local/lib/node_modules:/usr/lib/node_modules:"
                    "/usr/share/nodejs"));
    add_default(block, function, "NODE_OPTIONS",
                arena_printf(arena, "--max-old-space-size=%u", function->memory_mb / 4 * 3));
}

static void add_credentials(struct buf *block, const struct skylite *skylite,
                            const struct credentials *credentials)
{
    add(block, "AWS_REGION", skylite->config.region);
    add(block, "AWS_DEFAULT_REGION", skylite->config.region);
    add(block, "AWS_ACCESS_KEY_ID", credentials->access_key_id);
    add(block, "AWS_SECRET_ACCESS_KEY", credentials->secret_access_key);
    add(block, "AWS_SESSION_TOKEN", credentials->session_token);
}

struct str environment_build(const struct skylite *skylite, const struct function *function,
                             struct str log_stream, const struct credentials *credentials,
                             struct arena *arena)
{
    struct buf block;
    size_t index, max;
    yyjson_val *key, *value;
    buf_init_arena(&block, arena, INT_MAX);

    add_lambda(&block, function, log_stream, arena);
    add_language(&block, function, arena);
    add_credentials(&block, skylite, credentials);
    for (size_t i = 0; i < sizeof(defaults) / sizeof(*defaults); i++)
        add_default(&block, function, defaults[i].name, str_from(defaults[i].value));
    yyjson_obj_foreach (function->variables, index, max, key, value) {
        add(&block, yyjson_get_str(key), json_str(value));
    }
    return buf_str(&block);
}
