/* A policy document, compiled: immutable, shared by reference count, usable on any thread
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html). */
#pragma once

#include <stdatomic.h>

#include "services/iam/condition.h"

enum iam_policy_kind {
    POLICY_MANAGED,  /* stands alone; Version 2012-10-17 is asked for */
    POLICY_IDENTITY, /* inline, of a user or role */
    POLICY_SESSION,  /* passed to AssumeRole */
    POLICY_TRUST,    /* who may assume a role: a principal, no resource */
    POLICY_RESOURCE, /* of a resource of another service, which checks actions and resources */
    POLICY_STORED,   /* any of them, checked when it was stored: for deciding only */
};

enum policy_effect { POLICY_ALLOW, POLICY_DENY };

/* How closely a resource-based policy names the caller. */
enum principal_match {
    MATCH_NONE,
    MATCH_ACCOUNT, /* the account: identity policies still decide */
    MATCH_ROLE,    /* the role of the session: boundary and session policy still narrow */
    MATCH_DIRECT,  /* the user, the session, the service, or everyone */
};

enum principal_pattern_kind { WHO_ANYONE, WHO_ACCOUNT, WHO_ARN, WHO_SERVICE, WHO_OTHER };

struct principal_pattern {
    enum principal_pattern_kind kind;
    struct str text; /* account id, ARN, or service name */
};

struct statement {
    enum policy_effect effect;
    bool is_not_action, is_not_resource, is_not_principal;
    bool has_resource, has_principal;
    struct pattern *actions; /* lower case */
    size_t action_count;
    struct arn_pattern *resources;
    size_t resource_count;
    struct principal_pattern *principals;
    size_t principal_count;
    struct condition *conditions; /* all must hold */
    size_t condition_count;
};

struct policy {
    atomic_uint refs;
    struct arena arena;
    struct statement *statements;
    size_t statement_count;
};

/* Compiles a document and checks it as IAM does when it is stored;
 * ERR_IAM_MALFORMED_POLICY_DOCUMENT with AWS's message. The first reference is the caller's. */
enum err iam_policy_compile(struct str document, enum iam_policy_kind kind, struct policy **out,
                            struct error *error);

struct policy *iam_policy_ref(struct policy *policy);
void iam_policy_unref(struct policy *policy); /* NULL does nothing */
