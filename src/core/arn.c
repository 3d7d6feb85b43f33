/* Judges ARNs in one place: an operation that cut the name out of one by itself would act on the
 * resource of that name here. */
#include "core/arn.h"

#include "core/request.h"
#include "core/skylite.h"

bool arn_parse(struct str text, struct arn_parts *out)
{
    struct str head;
    struct arn_parts found;
    if (!str_cut(&text, ':', &head) || !str_eq(head, STR("arn")) ||
        !str_cut(&text, ':', &found.partition) || !str_cut(&text, ':', &found.service) ||
        !str_cut(&text, ':', &found.region) || !str_cut(&text, ':', &found.account))
        return false;
    found.resource = text;
    if (found.partition.len == 0 || found.service.len == 0 || text.len == 0)
        return false;
    *out = found;
    return true;
}

enum arn_place arn_place(const struct skylite_config *config, const struct arn_parts *arn)
{
    if (!str_eq(arn->partition, STR("aws")))
        return ARN_IN_OTHER_REGION;
    bool has_region = arn->region.len > 0;
    if (has_region && (!str_eq(arn->region, config->region) || str_eq(arn->service, STR("iam"))))
        return ARN_IN_OTHER_REGION;
    bool is_everyones = arn->account.len == 0 ||
                        (str_eq(arn->account, STR("aws")) && str_eq(arn->service, STR("iam")));
    return is_everyones || str_eq(arn->account, config->account) ? ARN_HERE : ARN_IN_OTHER_ACCOUNT;
}

struct str arn_resource_here(const struct skylite_config *config, struct str service,
                             struct str text)
{
    struct arn_parts arn;
    bool is_here = arn_parse(text, &arn) && str_eq(arn.service, service) &&
                   arn_place(config, &arn) == ARN_HERE;
    return is_here ? arn.resource : (struct str){NULL, 0};
}

/* AWS would ask the policy of the resource, of which nothing can be known here. */
enum err arn_deny(struct request *request, struct str text)
{
    const struct operation *operation = request->operation;
    struct str action = operation->iam_action
                            ? str_from(operation->iam_action)
                            : arena_printf(request->arena, "%s:%s", request->service->signing_name,
                                           operation->name);
    return request_fail(request, ERR_ACCESS_DENIED_EXCEPTION,
                        "User: %.*s is not authorized to perform: %.*s on resource: %.*s because "
                        "no resource-based policy allows the %.*s action",
                        STR_ARG(request->principal.arn), STR_ARG(action), STR_ARG(text),
                        STR_ARG(action));
}

enum err arn_check(struct request *request, struct str member, struct str text)
{
    struct arn_parts arn;
    if (!str_starts(text, STR("arn:")) || !arn_parse(text, &arn))
        return OK;
    switch (arn_place(&request->skylite->config, &arn)) {
    case ARN_HERE:
        return OK;
    case ARN_IN_OTHER_REGION:
        return request->service->arns->refuse(request, member, text, &arn);
    case ARN_IN_OTHER_ACCOUNT:
        break;
    }
    return arn_deny(request, text);
}

static bool is_named(const char *const *members, struct str name)
{
    for (; *members; members++) {
        if (str_eq(name, str_from(*members)))
            return true;
    }
    return false;
}

static enum err check_member(struct request *request, struct str name, yyjson_val *value)
{
    size_t i, max;
    yyjson_val *item;
    enum err rc = OK;
    if (!yyjson_is_arr(value))
        return arn_check(request, name, json_str(value));
    yyjson_arr_foreach (value, i, max, item) {
        if (rc == OK)
            rc = arn_check(request, name, json_str(item));
    }
    return rc;
}

enum err arn_check_input(struct request *request)
{
    const struct arn_rules *rules = request->service->arns;
    size_t i, max;
    yyjson_val *key, *value;
    enum err rc = OK;
    if (!rules)
        return OK;
    yyjson_obj_foreach (request->input, i, max, key, value) {
        bool may_be = yyjson_is_arr(value) || str_starts(json_str(value), STR("arn:"));
        if (rc == OK && may_be && is_named(rules->members, json_str(key)))
            rc = check_member(request, json_str(key), value);
    }
    return rc;
}
