/* The service's start and end, and its tables of operations. */
#include "services/iam/iam.h"

#include <stdlib.h>

#include "core/arn.h"
#include "services/iam/operations.h"

static enum err refuse_region(struct request *request, struct str member, struct str text,
                              const struct arn_parts *arn)
{
    (void)member;
    (void)arn;
    return request_fail(request, ERR_IAM_INVALID_INPUT, "ARN %.*s is not valid.", STR_ARG(text));
}

static const char *const arn_members[] = {"PolicyArn", "PermissionsBoundary", "PolicySourceArn",
                                          NULL};
static const struct arn_rules arn_rules = {arn_members, refuse_region};

static void register_services(struct iam *iam)
{
    struct skylite *skylite = iam->skylite;
    iam->iam_service = (struct service){
        .name = "iam",
        .signing_name = "iam",
        .protocols = PROTOCOL_QUERY | PROTOCOL_INTERNAL,
        .xmlns = "https://iam.amazonaws.com/doc/2010-05-08/",
        .arns = &arn_rules,
        .operations = iam_operations,
        .operation_count = iam_operation_count,
        .condition_keys = iam_condition_keys,
        .condition_key_count = iam_condition_key_count,
        .self = iam,
    };
    iam->sts_service = (struct service){
        .name = "sts",
        .signing_name = "sts",
        .protocols = PROTOCOL_QUERY | PROTOCOL_INTERNAL,
        .xmlns = "https://sts.amazonaws.com/doc/2011-06-15/",
        .operations = sts_operations,
        .operation_count = sts_operation_count,
        .condition_keys = sts_condition_keys,
        .condition_key_count = sts_condition_key_count,
        .self = iam,
    };
    skylite_add_service(skylite, &iam->iam_service);
    skylite_add_service(skylite, &iam->sts_service);
    skylite->iam = (struct iam_capability){
        .self = iam,
        .find_key = iam_find_key,
        .authorize = iam_authorize,
        .authorize_by = iam_authorize_by,
        .check_resource_policy = iam_check_resource_policy,
        .assume_role_for_service = iam_assume_role_for_service,
    };
}

enum err iam_new(struct skylite *skylite, struct iam **out, struct error *error)
{
    struct iam *iam = calloc(1, sizeof(*iam));
    if (!iam)
        abort();
    iam->skylite = skylite;
    iam_cache_init(&iam->cache);
    iam->root_arn =
        arena_printf(&iam->arena, "arn:aws:iam::%.*s:root", STR_ARG(skylite->config.account));
    iam->cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);

    enum err rc = iam->cipher ? iam_load_account(iam, error)
                              : error_set(error, ERR_INTERNAL, "OpenSSL has no AES-256-GCM");
    if (rc) {
        iam_free(iam);
        return rc;
    }
    register_services(iam);
    *out = iam;
    return OK;
}

void iam_free(struct iam *iam)
{
    if (!iam)
        return;
    iam_cache_release(&iam->cache);
    EVP_CIPHER_free(iam->cipher);
    OPENSSL_cleanse(iam->seal_key, sizeof(iam->seal_key));
    arena_release(&iam->arena);
    free(iam);
}
