#include "core/condition_keys.h"

/* --- Values --- */

void condition_values_add(struct condition_values *values, struct str value)
{
    if (values->count == values->room) {
        size_t room = values->room ? values->room * 2 : 4;
        values->list =
            arena_realloc(values->arena, values->list, values->room * sizeof(*values->list),
                          room * sizeof(*values->list));
        values->room = room;
    }
    values->list[values->count++] = value;
}

void condition_add(struct condition_values *out, struct str value)
{
    if (value.ptr)
        condition_values_add(out, value);
}

void condition_add_bool(struct condition_values *out, bool value)
{
    condition_values_add(out, value ? STR("true") : STR("false"));
}

void condition_add_number(struct condition_values *out, int64_t value)
{
    condition_values_add(out, arena_printf(out->arena, "%lld", (long long)value));
}

void condition_add_json(struct condition_values *out, yyjson_val *value)
{
    if (yyjson_is_str(value))
        condition_values_add(out, json_str(value));
    else if (yyjson_is_bool(value))
        condition_add_bool(out, yyjson_get_bool(value));
    else if (yyjson_is_num(value))
        condition_values_add(out, json_write_val(out->arena, value));
}

void condition_add_list(struct condition_values *out, yyjson_val *list)
{
    size_t i, max;
    yyjson_val *item;
    condition_add_json(out, list);
    yyjson_arr_foreach (list, i, max, item) {
        condition_add_json(out, item);
    }
}

void condition_keep(struct condition_values *out, size_t first)
{
    for (size_t i = first; i < out->count; i++)
        out->list[i] = arena_str(out->arena, out->list[i]);
}

bool condition_is_own(const struct condition_question *question)
{
    return question->request && question->request->service == question->service;
}

/* --- Tags --- */

static struct str member(yyjson_val *tag, const char *upper, const char *lower)
{
    struct str text = json_get_str(tag, upper);
    return text.ptr ? text : json_get_str(tag, lower);
}

void condition_add_tag_keys(struct condition_values *out, yyjson_val *tags)
{
    size_t i, max;
    yyjson_val *key, *tag;
    yyjson_obj_foreach (tags, i, max, key, tag) {
        condition_values_add(out, json_str(key));
    }
    yyjson_arr_foreach (tags, i, max, tag) {
        condition_add(out, member(tag, "Key", "key"));
    }
}

void condition_add_tag(struct condition_values *out, yyjson_val *tags, struct str key)
{
    size_t i, max;
    yyjson_val *name, *tag;
    yyjson_obj_foreach (tags, i, max, name, tag) {
        if (str_eq_nocase(json_str(name), key))
            condition_add_json(out, tag);
    }
    yyjson_arr_foreach (tags, i, max, tag) {
        struct str have = member(tag, "Key", "key"), value = member(tag, "Value", "value");
        if (have.ptr && str_eq_nocase(have, key))
            condition_values_add(out, value.ptr ? value : STR_EMPTY);
    }
}

/* --- Keys of every call --- */

static void source_ip(const struct condition_question *question, struct condition_values *out)
{
    if (question->exchange)
        condition_add(out, question->exchange->peer);
}

static void secure_transport(const struct condition_question *question,
                             struct condition_values *out)
{
    if (question->exchange)
        condition_add_bool(out, false);
}

static void user_agent(const struct condition_question *question, struct condition_values *out)
{
    if (question->exchange)
        condition_add(out, http_header_get(question->exchange, STR("user-agent")));
}

static void referer(const struct condition_question *question, struct condition_values *out)
{
    if (question->exchange)
        condition_add(out, http_header_get(question->exchange, STR("referer")));
}

/* IAM is one for all regions; its only endpoint is in us-east-1. */
static void requested_region(const struct condition_question *question,
                             struct condition_values *out)
{
    bool is_global = str_starts(question->authorization->action, STR("iam:"));
    condition_add(out, is_global ? STR("us-east-1") : question->skylite->config.region);
}

/* The account in the ARN; buckets and APIs have none in theirs. */
static void resource_account(const struct condition_question *question,
                             struct condition_values *out)
{
    struct str arn = question->authorization->resource, part = STR_EMPTY;
    for (int i = 0; i < 5; i++)
        str_cut(&arn, ':', &part);
    condition_add(out, part.len ? part : question->skylite->config.account);
}

#define NO_VPC          "No call comes through a VPC or an endpoint of one"
#define NO_ORGANIZATION "The account is in no organization"
#define NO_FEDERATION   "No identity provider signs anybody in"
#define NO_SUCH_SERVICE "The service that sets the key is not here"

const struct condition_key condition_global_keys[] = {
    {"aws:SourceIp", NULL, source_ip, NULL},
    {"aws:SecureTransport", NULL, secure_transport, NULL},
    {"aws:UserAgent", NULL, user_agent, NULL},
    {"aws:Referer", NULL, referer, NULL},
    {"aws:RequestedRegion", NULL, requested_region, NULL},
    {"aws:ResourceAccount", NULL, resource_account, NULL},

    {"aws:MultiFactorAuthAge", NULL, NULL, "Nobody has a device"},
    {"aws:SourceVpc", NULL, NULL, NO_VPC},
    {"aws:SourceVpcArn", NULL, NULL, NO_VPC},
    {"aws:SourceVpce", NULL, NULL, NO_VPC},
    {"aws:VpceAccount", NULL, NULL, NO_VPC},
    {"aws:VpceOrgID", NULL, NULL, NO_VPC},
    {"aws:VpceOrgPaths", NULL, NULL, NO_VPC},
    {"aws:VpcSourceIp", NULL, NULL, NO_VPC},
    {"aws:PrincipalOrgID", NULL, NULL, NO_ORGANIZATION},
    {"aws:PrincipalOrgPaths", NULL, NULL, NO_ORGANIZATION},
    {"aws:ResourceOrgID", NULL, NULL, NO_ORGANIZATION},
    {"aws:ResourceOrgPaths", NULL, NULL, NO_ORGANIZATION},
    {"aws:SourceOrgID", NULL, NULL, NO_ORGANIZATION},
    {"aws:SourceOrgPaths", NULL, NULL, NO_ORGANIZATION},
    {"aws:AssumedRoot", NULL, NULL, NO_ORGANIZATION},
    {"aws:FederatedProvider", NULL, NULL, NO_FEDERATION},
    {"aws:SignInSessionArn", NULL, NULL, NO_FEDERATION},
    {"aws:ChatbotSourceArn", NULL, NULL, NO_SUCH_SERVICE},
    {"aws:Ec2InstanceSourceVpc", NULL, NULL, NO_SUCH_SERVICE},
    {"aws:Ec2InstanceSourcePrivateIPv4", NULL, NULL, NO_SUCH_SERVICE},
    {"aws:IsMcpServiceAction", NULL, NULL, NO_SUCH_SERVICE},
    {"ec2:RoleDelivery", NULL, NULL, NO_SUCH_SERVICE},
    {"ec2:SourceInstanceArn", NULL, NULL, NO_SUCH_SERVICE},
    {"glue:RoleAssumedBy", NULL, NULL, NO_SUCH_SERVICE},
    {"glue:CredentialIssuingService", NULL, NULL, NO_SUCH_SERVICE},
    {"codebuild:BuildArn", NULL, NULL, NO_SUCH_SERVICE},
    {"codebuild:ProjectArn", NULL, NULL, NO_SUCH_SERVICE},
    {"ssm:SourceInstanceArn", NULL, NULL, NO_SUCH_SERVICE},
    {"identitystore:UserId", NULL, NULL, NO_SUCH_SERVICE},
    {"execute-api:viaDomainArn", NULL, NULL, "Only private domain names set it"},
};
const size_t condition_global_key_count =
    sizeof(condition_global_keys) / sizeof(condition_global_keys[0]);

/* --- Finding --- */

/* True when `word` is one of the words of `list`. */
static bool has_word(struct str list, struct str word)
{
    struct str one;
    while (list.len) {
        str_cut(&list, ' ', &one);
        if (str_eq(one, word))
            return true;
    }
    return false;
}

static bool is_named(const struct condition_key *row, struct str key)
{
    struct str name = str_from(row->name);
    if (str_ends(name, STR("/")))
        return key.len > name.len && str_eq_nocase(str_slice(key, 0, name.len), name);
    return str_eq_nocase(key, name);
}

/* "dynamodb" of "dynamodb:GetItem", whose "GetItem" stays. */
static struct str cut_service(struct str *action)
{
    struct str service;
    str_cut(action, ':', &service);
    return service;
}

const struct condition_key *condition_key_row(const struct condition_key *rows, size_t count,
                                              struct str action, struct str key)
{
    cut_service(&action);
    for (size_t i = 0; i < count; i++) {
        if (is_named(&rows[i], key) &&
            (!rows[i].actions || has_word(str_from(rows[i].actions), action)))
            return &rows[i];
    }
    return NULL;
}

static const struct service *service_of(const struct skylite *skylite, struct str action)
{
    struct str name = cut_service(&action);
    for (size_t i = 0; i < skylite->service_count; i++) {
        if (str_eq(str_from(skylite->services[i]->name), name))
            return skylite->services[i];
    }
    return NULL;
}

void condition_key_find(struct condition_question *question, struct str key,
                        struct condition_values *out)
{
    struct str action = question->authorization->action;
    const struct condition_key *row =
        condition_key_row(condition_global_keys, condition_global_key_count, action, key);
    question->service = service_of(question->skylite, action);
    if (!row && question->service)
        row = condition_key_row(question->service->condition_keys,
                                question->service->condition_key_count, action, key);
    if (!row || !row->source)
        return;
    question->name = str_from(row->name);
    question->tail = str_slice(key, question->name.len, key.len);
    row->source(question, out);
}

void condition_find_values(const struct authorization *authorization, struct str key,
                           struct condition_values *out)
{
    struct condition_question question = {
        .authorization = authorization,
        .skylite = authorization->find_arg,
    };
    condition_key_find(&question, key, out);
}
