/* AWS::ApiGateway: DomainName, BasePathMapping, Account. */
#include "services/cloudformation/types_apigateway.h"

/* --- DomainName --- */

static const struct cfn_property domain_endpoint_properties[] = {
    {"Types", NULL, CFN_OWN, 0, NULL},
    {"IpAddressType", NULL, CFN_OWN, 0, NULL},
    CFN_END,
};

static const struct cfn_property domain_name_properties[] = {
    {"DomainName", "domainName", CFN_COPY, CFN_REQUIRED | CFN_REPLACES, NULL},
    {"CertificateArn", "certificateArn", CFN_COPY, 0, NULL},
    {"RegionalCertificateArn", "regionalCertificateArn", CFN_COPY, 0, NULL},
    {"EndpointConfiguration", "endpointConfiguration", CFN_LOWER, CFN_REPLACES,
     domain_endpoint_properties},
    {"SecurityPolicy", "securityPolicy", CFN_COPY, 0, NULL},
    APIGW_TAGS,
    CFN_END,
};

static enum err create_domain_name(struct cfn_step *step, struct cfn_calls *calls)
{
    struct cfn_call *call = cfn_add(calls, "apigateway", "CreateDomainName");
    cfn_map(step, call, domain_name_properties);
    cfn_put_tag_map(step, call, "tags");
    return OK;
}

static void answered_domain_name(struct cfn_step *step, const struct cfn_call *call,
                                 yyjson_mut_val *output)
{
    if (!cfn_is(call, "CreateDomainName"))
        return;
    step->physical_id = cfn_wanted(step, "DomainName");
    cfn_set_attribute(step, "RegionalDomainName", cfn_output(step, output, "regionalDomainName"));
    cfn_set_attribute(step, "RegionalHostedZoneId",
                      cfn_output(step, output, "regionalHostedZoneId"));
    cfn_set_attribute(step, "DistributionDomainName",
                      cfn_output(step, output, "distributionDomainName"));
    cfn_set_attribute(step, "DistributionHostedZoneId",
                      cfn_output(step, output, "distributionHostedZoneId"));
}

static enum err update_domain_name(struct cfn_step *step, struct cfn_calls *calls)
{
    struct cfn_call *call = cfn_add(calls, "apigateway", "UpdateDomainName");
    cfn_put(step, call, "domain_name", step->physical_id);
    cfn_patch_property(step, call, "CertificateArn", "/certificateArn", "");
    cfn_patch_property(step, call, "RegionalCertificateArn", "/regionalCertificateArn", "");
    cfn_patch_property(step, call, "SecurityPolicy", "/securityPolicy", "TLS_1_2");
    cfn_drop_unpatched(calls, call);
    apigw_change_tags(step, calls,
                      arena_printf(step->arena, "/domainnames/%.*s", STR_ARG(step->physical_id)));
    return OK;
}

static enum err remove_domain_name(struct cfn_step *step, struct cfn_calls *calls)
{
    cfn_put(step, cfn_add(calls, "apigateway", "DeleteDomainName"), "domain_name",
            step->physical_id);
    return OK;
}

/* --- BasePathMapping --- */

static const struct cfn_property base_path_properties[] = {
    {"DomainName", "domain_name", CFN_COPY, CFN_REQUIRED | CFN_REPLACES, NULL},
    {"BasePath", "basePath", CFN_COPY, CFN_REPLACES, NULL},
    {"RestApiId", "restApiId", CFN_COPY, 0, NULL},
    {"Stage", "stage", CFN_COPY, 0, NULL},
    CFN_END,
};

static enum err create_base_path(struct cfn_step *step, struct cfn_calls *calls)
{
    cfn_map(step, cfn_add(calls, "apigateway", "CreateBasePathMapping"), base_path_properties);
    return OK;
}

static void answered_base_path(struct cfn_step *step, const struct cfn_call *call,
                               yyjson_mut_val *output)
{
    struct str base = cfn_wanted(step, "BasePath");
    (void)output;
    if (cfn_is(call, "CreateBasePathMapping"))
        step->physical_id =
            arena_printf(step->arena, "%.*s|%.*s", STR_ARG(cfn_wanted(step, "DomainName")),
                         STR_ARG(base.ptr ? base : STR_EMPTY));
}

static struct cfn_call *add_for_base_path(struct cfn_calls *calls, const char *operation)
{
    struct cfn_call *call = cfn_add(calls, "apigateway", operation);
    struct str base = cfn_wanted(calls->step, "BasePath");
    cfn_put(calls->step, call, "domain_name", cfn_wanted(calls->step, "DomainName"));
    cfn_put(calls->step, call, "base_path", base.len ? base : STR("(none)"));
    return call;
}

static enum err update_base_path(struct cfn_step *step, struct cfn_calls *calls)
{
    struct cfn_call *call = add_for_base_path(calls, "UpdateBasePathMapping");
    cfn_patch_property(step, call, "RestApiId", "/restapiId", "");
    if (cfn_changed(step, "Stage") && !cfn_wanted(step, "Stage").ptr)
        cfn_patch(step, call, "remove", STR("/stage"), (struct str){NULL, 0});
    else
        cfn_patch_property(step, call, "Stage", "/stage", "");
    return OK;
}

static enum err remove_base_path(struct cfn_step *step, struct cfn_calls *calls)
{
    (void)step;
    add_for_base_path(calls, "DeleteBasePathMapping");
    return OK;
}

/* --- Account --- */

static const struct cfn_property account_properties[] = {
    {"CloudWatchRoleArn", NULL, CFN_OWN, 0, NULL},
    CFN_END,
};

/* As on AWS, the account's settings stay when the resource goes. */
static enum err update_account(struct cfn_step *step, struct cfn_calls *calls)
{
    struct str role = cfn_wanted(step, "CloudWatchRoleArn");
    cfn_patch(step, cfn_add(calls, "apigateway", "UpdateAccount"), "replace",
              STR("/cloudwatchRoleArn"), role.ptr ? role : STR_EMPTY);
    return OK;
}

static void answered_account(struct cfn_step *step, const struct cfn_call *call,
                             yyjson_mut_val *output)
{
    (void)output;
    if (cfn_is(call, "UpdateAccount"))
        step->physical_id = cfn_name(step, "");
}

const struct cfn_type cfn_domain_types[] = {
    {
        .name = APIGW_TYPE "DomainName",
        .properties = domain_name_properties,
        .create = create_domain_name,
        .update = update_domain_name,
        .remove = remove_domain_name,
        .answered = answered_domain_name,
        .name_property = "DomainName",
        .attributes = CFN_NAMES("RegionalDomainName", "RegionalHostedZoneId",
                                "DistributionDomainName", "DistributionHostedZoneId"),
    },
    {
        .name = APIGW_TYPE "BasePathMapping",
        .properties = base_path_properties,
        .create = create_base_path,
        .update = update_base_path,
        .remove = remove_base_path,
        .answered = answered_base_path,
    },
    {
        .name = APIGW_TYPE "Account",
        .properties = account_properties,
        .create = update_account,
        .update = update_account,
        .answered = answered_account,
    },
    {.name = NULL},
};
