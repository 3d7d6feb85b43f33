/* Checks of the Logs API's input, and the ARNs that permissions are about. */
#include "core/arn.h"
#include "services/logs/internal.h"

enum { MAX_NAME = 512 };

static bool is_group_name(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool is_fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       (c && strchr(".-_/#", c));
        if (!is_fine)
            return false;
    }
    return true;
}

static bool is_stream_name(struct str name)
{
    return str_find_byte(name, ':', 0) < 0 && str_find_byte(name, '*', 0) < 0;
}

static enum err refuse(struct request *request, const char *member, struct str value,
                       const char *constraint)
{
    struct str quoted =
        value.ptr ? arena_printf(request->arena, "'%.*s'", STR_ARG(value)) : STR("null");
    return request_fail(request, ERR_LOGS_INVALID_PARAMETER,
                        "1 validation error detected: Value %.*s at '%s' failed to satisfy "
                        "constraint: %s",
                        STR_ARG(quoted), member, constraint);
}

enum err logs_input_name(struct request *request, const char *member, bool is_required,
                         struct str *out)
{
    bool is_stream = str_starts(str_from(member), STR("logStream"));
    struct str name = json_get_str(request->input, member);
    *out = name.ptr ? name : STR_EMPTY;
    if (!name.ptr)
        return is_required ? refuse(request, member, name, "Member must not be null") : OK;
    if (name.len == 0)
        return refuse(request, member, name, "Member must have length greater than or equal to 1");
    if (name.len > MAX_NAME)
        return request_fail(request, ERR_LOGS_INVALID_PARAMETER,
                            "Invalid LogGroup or LogStream, both must have length less than or "
                            "equal to %d.",
                            MAX_NAME);
    if (is_stream && !is_stream_name(name))
        return refuse(request, member, name,
                      "Member must satisfy regular expression pattern: [^:*]*");
    if (!is_stream && !is_group_name(name))
        return refuse(request, member, name,
                      "Member must satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+");
    return OK;
}

/* The name in "arn:aws:logs:REGION:ACCOUNT:log-group:NAME" or "...:NAME:*"; other text is a name.
 */
static struct str name_of_arn(struct request *request, struct str text)
{
    struct str kind, name;
    if (!str_starts(text, STR("arn:")))
        return text;
    struct str resource = arn_resource_here(&request->skylite->config, STR("logs"), text);
    if (!str_cut(&resource, ':', &kind) || !str_eq(kind, STR("log-group")))
        return text;
    str_cut(&resource, ':', &name);
    return resource.len == 0 || str_eq(resource, STR("*")) ? name : text;
}

static enum err refuse_region(struct request *request, struct str member, struct str text,
                              const struct arn_parts *arn)
{
    (void)member;
    (void)text;
    (void)arn;
    return request_fail(request, ERR_LOGS_RESOURCE_NOT_FOUND,
                        "The specified log group does not exist.");
}

static const char *const arn_members[] = {"logGroupIdentifier", "logGroupIdentifiers",
                                          "logGroupArn", "resourceArn", NULL};
const struct arn_rules logs_arn_rules = {arn_members, refuse_region};

/* Of the members that name a group, the first there is. */
static struct str group_member(struct request *request, const char **out_member)
{
    static const char *const members[] = {"logGroupName", "logGroupIdentifier", "resourceArn"};
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        struct str value = json_get_str(request->input, members[i]);
        *out_member = members[i];
        if (value.ptr)
            return i == 0 ? value : name_of_arn(request, value);
    }
    *out_member = "logGroupName";
    return (struct str){NULL, 0};
}

enum err logs_input_group(struct request *request, struct str *out)
{
    const char *member;
    struct str name = group_member(request, &member);
    if (json_get(request->input, "logGroupName") && json_get(request->input, "logGroupIdentifier"))
        return request_fail(request, ERR_VALIDATION,
                            "LogGroup name and LogGroup ARN are mutually exclusive parameters.");
    struct str identifier = request_str(request, "logGroupIdentifier");
    if (str_find_byte(identifier, '*', 0) >= 0)
        return refuse(request, "logGroupIdentifier", identifier,
                      "Member must satisfy regular expression pattern: [\\w#+=/:,.@-]*");
    *out = name;
    if (!name.ptr)
        return refuse(request, member, name, "Member must not be null");
    if (name.len == 0 || name.len > MAX_NAME || !is_group_name(name))
        return refuse(request, member, name,
                      "Member must satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+");
    return OK;
}

static struct str decimal(struct request *request, int64_t number)
{
    return arena_printf(request->arena, "%lld", (long long)number);
}

enum err logs_input_limit(struct request *request, int64_t max, int64_t *out)
{
    yyjson_val *value = json_get(request->input, "limit");
    *out = max;
    if (!value)
        return OK;
    if (!json_get_i64(request->input, "limit", out))
        return request_fail(request, ERR_SERIALIZATION, "limit must be a number");
    if (*out < 1)
        return refuse(request, "limit", decimal(request, *out),
                      "Member must have value greater than or equal to 1");
    if (*out > max)
        return refuse(request, "limit", decimal(request, *out),
                      arena_printf(request->arena,
                                   "Member must have value less than or equal to %lld",
                                   (long long)max)
                          .ptr);
    return OK;
}

enum err logs_input_time(struct request *request, const char *member, int64_t fallback,
                         int64_t *out)
{
    *out = fallback;
    if (!json_get(request->input, member))
        return OK;
    if (!json_get_i64(request->input, member, out))
        return request_fail(request, ERR_SERIALIZATION, "%s must be a number", member);
    if (*out < 0)
        return refuse(request, member, decimal(request, *out),
                      "Member must have value greater than or equal to 0");
    return OK;
}

/* --- ARNs --- */

struct str logs_group_arn(struct request *request, struct str name)
{
    return skylite_arn(request->skylite, request->arena, "logs",
                       arena_printf(request->arena, "log-group:%.*s", STR_ARG(name)));
}

/* As AWS names a group in its refusals, which is what policies on "log-group:NAME:*" cover. */
static void stream_arn(struct request *request, struct str group, struct str stream,
                       struct str *out_arn)
{
    *out_arn = arena_printf(request->arena, "%.*s:log-stream:%.*s",
                            STR_ARG(logs_group_arn(request, group)), STR_ARG(stream));
}

enum err logs_resource_group(struct request *request, struct str *out_arn)
{
    const char *member;
    stream_arn(request, group_member(request, &member), STR_EMPTY, out_arn);
    return OK;
}

enum err logs_resource_stream(struct request *request, struct str *out_arn)
{
    const char *member;
    stream_arn(request, group_member(request, &member), request_str(request, "logStreamName"),
               out_arn);
    return OK;
}

enum err logs_resource_all_groups(struct request *request, struct str *out_arn)
{
    stream_arn(request, STR_EMPTY, STR_EMPTY, out_arn);
    return OK;
}
