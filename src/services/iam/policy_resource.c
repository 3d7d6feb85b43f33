/* The form of the resources that a policy names, with what IAM says of those that it refuses. */
#include "services/iam/policy_check.h"

enum { PARTITION = 1, VENDOR, REGION, ACCOUNT, RELATIVE };

/* A resource cut at its colons; what is behind the fifth is the last part. */
struct resource {
    struct str parts[ARN_PARTS];
    size_t count;
};

static struct resource split(struct str text)
{
    struct resource resource = {.count = 0};
    bool has_more = true;
    while (has_more && resource.count < ARN_PARTS - 1)
        has_more = str_cut(&text, ':', &resource.parts[resource.count++]);
    if (has_more)
        resource.parts[resource.count++] = text;
    return resource;
}

/* --- What a part may be --- */

static bool is_one_of(struct str text, const struct str *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq(text, list[i]))
            return true;
    }
    return false;
}

static bool is_partition(struct str text)
{
    static const struct str partitions[] = {
        STR_INIT("*"),          STR_INIT("aws"),       STR_INIT("aws-cn"),
        STR_INIT("aws-us-gov"), STR_INIT("aws-iso"),   STR_INIT("aws-iso-b"),
        STR_INIT("aws-iso-e"),  STR_INIT("aws-iso-f"), STR_INIT("aws-eusc"),
    };
    return is_one_of(text, partitions, sizeof(partitions) / sizeof(partitions[0]));
}

#define IAM_PATHS                                                                                  \
    "user/, federated-user/, role/, group/, instance-profile/, mfa/, server-certificate/, "        \
    "policy/, sms-mfa/, saml-provider/, oidc-provider/, report/, access-report/"

static bool is_iam_path(struct str path)
{
    struct str left = STR(IAM_PATHS), start;
    if (str_eq(path, STR("*")))
        return true;
    while (left.len) {
        str_cut(&left, ',', &start);
        if (str_starts(path, str_trim(start)))
            return true;
    }
    return false;
}

/* What S3 has in regions; buckets and objects are in none. */
static bool is_regional_in_s3(struct str relative)
{
    return str_eq(relative, STR("*")) || str_starts(relative, STR("accesspoint")) ||
           str_starts(relative, STR("job/")) || str_starts(relative, STR("storage-lens"));
}

/* --- The whole --- */

#define malformed(error, ...) error_set(error, ERR_IAM_MALFORMED_POLICY_DOCUMENT, __VA_ARGS__)

static enum err no_arn(struct str text, struct error *error)
{
    return malformed(error, "Resource %.*s must be in ARN format or \"*\".", STR_ARG(text));
}

static struct str part_or_any(const struct resource *resource, size_t index)
{
    return index < resource->count ? resource->parts[index] : STR("*");
}

static enum err wrong_partition(const struct resource *resource, struct error *error)
{
    return malformed(
        error, "Partition \"%.*s\" is not valid for resource \"arn:%.*s:%.*s:%.*s:%.*s:%.*s\".",
        STR_ARG(resource->parts[PARTITION]), STR_ARG(resource->parts[PARTITION]),
        STR_ARG(part_or_any(resource, VENDOR)), STR_ARG(part_or_any(resource, REGION)),
        STR_ARG(part_or_any(resource, ACCOUNT)), STR_ARG(part_or_any(resource, RELATIVE)));
}

static bool is_glob(struct str text)
{
    return str_find_byte(text, '*', 0) >= 0 || str_find_byte(text, '?', 0) >= 0;
}

enum err iam_resource_check(struct str text, struct error *error)
{
    struct resource resource = split(text);
    struct str vendor = resource.parts[VENDOR], relative = resource.parts[RELATIVE];
    if (str_eq(text, STR("*")))
        return OK;
    if (resource.count == 1)
        return no_arn(text, error);
    if (!is_partition(resource.parts[PARTITION]))
        return wrong_partition(&resource, error);
    if (!str_eq(resource.parts[0], STR("arn")) && !str_eq(resource.parts[0], STR("*")))
        return no_arn(text, error);
    if (resource.count == 2 || is_glob(vendor))
        return malformed(error,
                         "Resource vendor must be fully qualified and cannot contain regexes.");

    bool has_region = resource.count <= REGION || resource.parts[REGION].len;
    if (str_eq(vendor, STR("iam")) && has_region)
        return malformed(error, "IAM resource %.*s cannot contain region information.",
                         STR_ARG(text));
    if (str_eq(vendor, STR("s3")) && has_region && !is_regional_in_s3(relative))
        return malformed(error, "Resource %.*s can not contain region information.", STR_ARG(text));
    if (str_eq(vendor, STR("iam")) && !is_iam_path(relative))
        return malformed(error,
                         "IAM resource path must either be \"*\" or start with " IAM_PATHS ".");
    return OK;
}

bool iam_resource_is_parsed_by_legacy(struct str text)
{
    struct resource resource = split(text);
    if (str_eq(text, STR("*")))
        return true;
    bool is_whole = resource.count == ARN_PARTS || str_find(text, STR("::")) < 0;
    return is_whole && (resource.count <= VENDOR || resource.parts[VENDOR].len);
}
