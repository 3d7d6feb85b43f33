/* Custom domain names. Names under .localhost are the loopback address (RFC 6761) and served over
 * plain HTTP, so they need no certificate; all others do, as on AWS. */
#include "services/apigateway/patch.h"

struct str apigw_lower(struct arena *arena, struct str name)
{
    char *text = arena_cstr(arena, name);
    for (size_t i = 0; i < name.len; i++) {
        if (text[i] >= 'A' && text[i] <= 'Z')
            text[i] = (char)(text[i] - 'A' + 'a');
    }
    return str_make(text, name.len);
}

static struct str key_of(struct request *request)
{
    return state_key(request->arena, "domain",
                     apigw_lower(request->arena, apigw_label(request, "domain_name")), NO_PART);
}

static enum err unknown_domain(struct request *request)
{
    return apigw_not_found(request, "Invalid domain name identifier specified");
}

/* --- Creating --- */

static bool is_label_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

static bool name_is_valid(struct str name)
{
    size_t label = 0;
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == '.' && label == 0)
            return false;
        if (name.ptr[i] != '.' && !is_label_byte(name.ptr[i]))
            return false;
        label = name.ptr[i] == '.' ? 0 : label + 1;
        if (label > 63)
            return false;
    }
    return label > 0 && name.len <= 253 && str_find_byte(name, '.', 0) > 0;
}

static bool has_certificate(struct request *request)
{
    static const char *const members[] = {"certificateArn", "regionalCertificateArn",
                                          "certificateBody"};
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        if (request_str(request, members[i]).len)
            return true;
    }
    return false;
}

static enum err check_input(struct request *request)
{
    struct str name = request_str(request, "domainName");
    enum err rc = apigw_require(request, "domainName");
    if (rc)
        return rc;
    if (!name_is_valid(name))
        return apigw_bad_request(request, "Domain name %.*s is not a valid domain name",
                                 STR_ARG(name));
    if (!str_ends(apigw_lower(request->arena, name), STR(".localhost")) &&
        !has_certificate(request))
        return apigw_bad_request(request, "No certificate specified. Only domain names that end in "
                                          ".localhost need none");
    rc = apigw_check_tags(request, json_get(request->input, "tags"));
    if (rc)
        return rc;
    return apigw_check_enum(request, "securityPolicy", request_str(request, "securityPolicy"),
                            "[TLS_1_0, TLS_1_2]");
}

static void add_endpoint(struct request *request, yyjson_mut_doc *doc, yyjson_mut_val *domain,
                         struct str name)
{
    yyjson_val *given = json_get(request->input, "endpointConfiguration");
    struct str type = json_str(yyjson_arr_get_first(json_get(given, "types")));
    bool is_regional = str_eq(type, STR("REGIONAL"));
    yyjson_mut_val *configuration = json_add_obj(doc, domain, "endpointConfiguration");
    yyjson_mut_arr_add_str(doc, json_add_arr(doc, configuration, "types"),
                           is_regional ? "REGIONAL" : "EDGE");
    /* AWS gives a name of its own that the custom one is to be an alias of; here that is itself. */
    json_add_str(doc, domain, is_regional ? "regionalDomainName" : "distributionDomainName", name);
    json_add_str(doc, domain, is_regional ? "regionalHostedZoneId" : "distributionHostedZoneId",
                 is_regional ? STR("Z1UJRXOUMOOFQ8") : STR("Z2FDTNDATAQYW2"));
}

static enum err run_create(struct request *request, struct store_txn *txn)
{
    static const struct member members[] = {
        {"certificateName", MEMBER_STRING},         {"certificateArn", MEMBER_STRING},
        {"regionalCertificateName", MEMBER_STRING}, {"regionalCertificateArn", MEMBER_STRING},
        {"securityPolicy", MEMBER_STRING},          {"tags", MEMBER_STRING_MAP},
    };
    struct view view = apigw_view(request, txn);
    struct str name = apigw_lower(request->arena, request_str(request, "domainName"));
    struct str key = state_key(request->arena, "domain", name, NO_PART);
    yyjson_mut_doc *doc = json_doc(request->arena);
    yyjson_mut_val *domain = yyjson_mut_obj(doc);
    bool found;
    enum err rc = state_has(&view, key, &found);
    if (rc)
        return rc;
    if (found)
        return apigw_bad_request(request, "The domain name you provided already exists.");
    json_add_str(doc, domain, "domainName", name);
    json_add_str(doc, domain, "domainNameStatus", STR("AVAILABLE"));
    json_add_str(doc, domain, "securityPolicy", STR("TLS_1_2"));
    add_endpoint(request, doc, domain, name);
    rc = APIGW_COPY(request, doc, domain, request->input, members);
    if (rc)
        return rc;
    state_put(&view, key, domain);
    apigw_touch(request, TOUCH_DOMAIN, name, STR_EMPTY);
    return apigw_answer(request, doc, domain);
}

enum err apigw_create_domain_name(struct request *request)
{
    enum err rc = check_input(request);
    return rc ? rc : apigw_write(request, run_create);
}

/* --- Reading --- */

enum err apigw_get_domain_name(struct request *request)
{
    struct view view = apigw_view(request, NULL);
    yyjson_val *domain;
    enum err rc = state_get(&view, key_of(request), &domain);
    if (rc)
        return rc;
    return domain ? apigw_answer_copy(request, domain) : unknown_domain(request);
}

enum err apigw_get_domain_names(struct request *request)
{
    return apigw_list(request, state_prefix(request->arena, "domain", NO_PART), NULL);
}

/* --- Updating --- */

static const struct patch_rule domain_rules[] = {
    {"/certificateName", PATCH_REPLACE | PATCH_ADD, PATCH_STRING, NULL, NULL},
    {"/certificateArn", PATCH_REPLACE | PATCH_ADD, PATCH_STRING, NULL, NULL},
    {"/regionalCertificateName", PATCH_REPLACE | PATCH_ADD, PATCH_STRING, NULL, NULL},
    {"/regionalCertificateArn", PATCH_REPLACE | PATCH_ADD, PATCH_STRING, NULL, NULL},
    {"/securityPolicy", PATCH_REPLACE, PATCH_STRING, NULL, NULL},
};

static const struct patch_table domain_table = PATCH_TABLE(domain_rules, PATCH_STYLE_LISTED, NULL);

static enum err run_update(struct request *request, struct store_txn *txn)
{
    return patch_document(request, txn, key_of(request), &domain_table,
                          "Invalid domain name identifier specified");
}

enum err apigw_update_domain_name(struct request *request)
{
    return apigw_write(request, run_update);
}

/* --- Deleting --- */

static enum err run_delete(struct request *request, struct store_txn *txn)
{
    struct view view = apigw_view(request, txn);
    struct str name = apigw_lower(request->arena, apigw_label(request, "domain_name"));
    bool found;
    enum err rc = state_has(&view, key_of(request), &found);
    if (rc)
        return rc;
    if (!found)
        return unknown_domain(request);
    state_delete(&view, key_of(request));
    apigw_touch(request, TOUCH_DOMAIN, name, STR_EMPTY);
    return state_delete_all(&view, state_prefix(request->arena, "mapping", name));
}

enum err apigw_delete_domain_name(struct request *request)
{
    return apigw_write(request, run_delete);
}
