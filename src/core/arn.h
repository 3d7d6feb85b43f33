/* Amazon Resource Names: what one names, and whether that can be this server's. */
#pragma once

#include "base/error.h"
#include "base/str.h"

struct request;
struct skylite_config;

/* "arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE", borrowed from the text. */
struct arn_parts {
    struct str partition, service, region, account, resource;
};

/* False when `text` has no six sections of that kind. */
bool arn_parse(struct str text, struct arn_parts *out);

/* Another partition is another region. IAM's ARNs have no region and some no account, and policies
 * of the account "aws" are everyone's: these are here. */
enum arn_place { ARN_HERE, ARN_IN_OTHER_REGION, ARN_IN_OTHER_ACCOUNT };
enum arn_place arn_place(const struct skylite_config *config, const struct arn_parts *arn);

/* The resource of an ARN of `service` ("logs") that is here; the NULL pointer for any other text.
 */
struct str arn_resource_here(const struct skylite_config *config, struct str service,
                             struct str text);

/* How a service takes ARNs of its own resources. */
struct arn_rules {
    const char *const *members; /* of the input; ends with NULL */
    /* Refuses what is in another region as the service does there. Fills request->error. */
    enum err (*refuse)(struct request *request, struct str member, struct str text,
                       const struct arn_parts *arn);
};

/* Refuses what belongs to another account, as every service does. Fills request->error. */
enum err arn_deny(struct request *request, struct str text);

/* Refuses `text` when it is an ARN of elsewhere: by the service's rules, or as all services refuse
 * what belongs to another account. Other text is OK. */
enum err arn_check(struct request *request, struct str member, struct str text);

/* The same for all members of the input that the service's rules name. Costs no more than a look at
 * each member where no value is an ARN. */
enum err arn_check_input(struct request *request);
