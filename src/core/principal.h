/* Who makes a call. */
#pragma once

#include "base/arena.h"
#include "base/str.h"

enum principal_kind {
    PRINCIPAL_ANONYMOUS,
    PRINCIPAL_ROOT,    /* the account's root key: everything is allowed */
    PRINCIPAL_USER,    /* an IAM user's key */
    PRINCIPAL_ROLE,    /* a session of a role (STS) */
    PRINCIPAL_SERVICE, /* Skylite's own services, such as apigateway.amazonaws.com */
};

/* All parts live as long as the request that it belongs to. */
struct principal {
    enum principal_kind kind;
    struct str account; /* "000000000000" */
    struct str arn;  /* "arn:aws:iam::...:user/x", "arn:aws:sts::...:assumed-role/R/session", or a
                        service's name */
    struct str name; /* user, or role; for looking policies up */
    struct str session_name;  /* of a role session */
    struct str user_id;       /* "AIDA...", "AROA...:session", or the account for root */
    struct str access_key_id; /* "" for a service */
    /* A policy (JSON) that narrows what a session may do, or empty. */
    struct str session_policy;

    /* Of temporary credentials; 0 and empty for all others. */
    int64_t issued_ms;
    struct str session_tags;    /* JSON: [{"Key", "Value", "IsTransitive"}], or empty */
    struct str source_identity; /* who began the chain of roles, as its first caller said */
    struct str function_arn;    /* the function that they were made for */
    /* The service that calls in the principal's name ("cloudformation.amazonaws.com"), or empty. */
    struct str called_via;
};

/* Puts all parts into the arena, so that the principal lives as long as that. */
void principal_copy_parts(struct arena *arena, struct principal *principal);
