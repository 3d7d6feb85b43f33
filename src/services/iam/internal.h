/* What the files of this folder share. */
#pragma once

#include <openssl/evp.h>
#include <pthread.h>

#include "base/map.h"
#include "core/request.h"
#include "core/skylite.h"
#include "services/iam/evaluate.h"
#include "services/iam/iam.h"

/* --- State --- */

struct iam_cache {
    pthread_rwlock_t lock;
    struct map holders;   /* "role/NAME", "user/NAME" -> struct holder */
    struct map keys;      /* access key id -> struct long_term_key */
    struct map documents; /* a policy's text -> struct policy */
    uint64_t generation;  /* counts the changes of IAM's data */
};

struct iam {
    struct skylite *skylite;
    struct service iam_service;
    struct service sts_service;
    struct arena arena; /* what follows, and else what lives as long as the service */
    struct str root_arn;
    struct str root_key_id;
    struct str root_secret;
    int64_t created_ms;
    EVP_CIPHER *cipher;
    unsigned char seal_key[32];
    struct iam_cache cache;
};

/* --- Reading, on a loop or inside a write --- */

/* From the store, or from a write's transaction when `txn` is set. */
struct reader {
    struct store *store;
    struct store_txn *txn;
    struct arena *arena;
};

struct reader iam_reader_of(struct request *request, struct store_txn *txn);

/* The JSON document under `key`; NULL in `*out` when there is none. */
enum err iam_reader_get(const struct reader *reader, struct str key, yyjson_val **out,
                        struct error *error);
struct store_iter *iam_reader_iter(const struct reader *reader, struct str start, struct str end);

/* --- Kinds of entities (entity.c) --- */

struct entity_kind {
    const char *noun;        /* "role", in messages and ARNs */
    const char *title;       /* "Role" */
    const char *name_member; /* "RoleName" */
    const char *name_path;   /* "roleName", in validation messages */
    const char *id_prefix;   /* "AROA" */
    const char *key_prefix;  /* "iam/role/" */
    size_t inline_max;       /* bytes of all inline policies together */
    const char *quota;       /* "PoliciesPerRole" */
};

extern const struct entity_kind iam_role_kind;
extern const struct entity_kind iam_user_kind;
extern const struct entity_kind iam_policy_kind; /* the account's own managed policies */

/* Names are compared without case: the key holds the name in lower case. */
struct str iam_entity_key(struct arena *arena, const struct entity_kind *kind, struct str name);

/* NoSuchEntity when there is none. */
enum err iam_entity_get(const struct reader *reader, const struct entity_kind *kind,
                        struct str name, yyjson_val **out, struct error *error);

/* NULL in `*out` when there is none. */
enum err iam_entity_by_arn(const struct reader *reader, const struct entity_kind *kind,
                           struct str arn, yyjson_val **out, struct error *error);
enum err iam_role_by_arn(const struct reader *reader, struct str arn, yyjson_val **out,
                         struct error *error);

/* NULL in `*out` when there is none. */
enum err iam_policy_by_arn(const struct reader *reader, struct str arn, yyjson_val **out,
                           struct error *error);

/* --- Caches (cache.c) --- */

/* A user or role with its policies: immutable, shared by reference count. */
struct holder {
    atomic_uint refs;
    struct arena arena;
    struct str name, arn, id;
    struct policy **policies;
    size_t policy_count;
    struct policy *boundary;
    struct context_tag *tags;
    size_t tag_count;
};

struct long_term_key {
    atomic_uint refs;
    struct arena arena;
    struct str secret;
    struct str user_name;
    bool is_active;
};

void iam_cache_init(struct iam_cache *cache);
void iam_cache_release(struct iam_cache *cache);

/* Drops everything that depends on IAM's data. Any thread. */
void iam_cache_forget(struct iam_cache *cache);

/* A reference in `*out`, or NULL there when there is no such user, role or key. Any thread. */
enum err iam_holder(struct iam *iam, const struct entity_kind *kind, struct str name,
                    struct holder **out, struct error *error);
enum err iam_long_term_key(struct iam *iam, struct str access_key_id, struct long_term_key **out,
                           struct error *error);
void iam_holder_unref(struct holder *holder);
void iam_long_term_key_unref(struct long_term_key *key);

/* A reference to the compiled form of a policy that was checked before. Any thread. */
enum err iam_document(struct iam *iam, struct str text, struct policy **out, struct error *error);

/* --- Keys and sessions (keys.c, token.c, session.c) --- */

/* Loads or makes the account's document, and sees to DATA/credentials. */
enum err iam_load_account(struct iam *iam, struct error *error);

enum session_kind { SESSION_OF_ROLE = 'r', SESSION_OF_USER = 'u', SESSION_OF_ROOT = 'a' };

/* What a session token holds. */
struct session {
    enum session_kind kind;
    int64_t expires_ms;
    struct str secret;
    struct str name; /* of the role or user */
    struct str id;   /* its unique id: a new role of the same name is another one */
    struct str session_name;
    struct str policy; /* JSON, or empty */
    int64_t issued_ms;
    struct str tags;            /* of the session: a JSON array as of AssumeRole's Tags, or empty */
    struct str source_identity; /* or empty */
    struct str function_arn;    /* of a function that runs as the role, or empty */
};

/* Seals a session into a token that only goes with `access_key_id`. */
struct str iam_token_seal(struct iam *iam, struct arena *arena, struct str access_key_id,
                          const struct session *session);

/* False when the token is not ours, was changed, or belongs to another key. */
bool iam_token_open(struct iam *iam, struct arena *arena, struct str access_key_id,
                    struct str token, struct session *out);

/* New credentials for `session`, whose secret is made here. */
void iam_session_start(struct iam *iam, struct arena *arena, struct session *session,
                       struct credentials *out);

enum err iam_find_key(void *self, struct str access_key_id, struct str session_token,
                      struct arena *arena, struct str *out_secret, struct principal *out_principal,
                      struct error *error);
enum err iam_authorize(void *self, const struct authorization *authorization, struct error *error);
enum err iam_authorize_by(void *self, struct str policy, const struct authorization *authorization,
                          struct error *error);
enum err iam_check_resource_policy(void *self, struct str policy, struct error *error);
enum err iam_assume_role_for_service(void *self, const struct role_assumption *asked,
                                     struct arena *arena, struct credentials *out,
                                     struct error *error);

/* Decides `authorization`, in which the principal and what tells of condition keys are filled in: a
 * role is assumed by whom its trust policy lets in, which is a principal that it names; or one of
 * an account that it names, whose own policies allow sts:AssumeRole on the role too. An explicit
 * deny of either refuses. */
enum err iam_check_trust(struct iam *iam, yyjson_val *role, struct authorization *authorization,
                         struct error *error);

/* An id of `len` characters that begins with `prefix`. */
struct str iam_new_id(struct arena *arena, const char *prefix, size_t len);
struct str iam_new_secret(struct arena *arena);

/* --- Managed policies (managed.c) --- */

struct managed_policy {
    const char *name;
    const char *path;
    const char *create_date; /* ISO 8601 */
    const char *update_date;
    const char *version; /* "v15" */
    const char *document;
};

/* Sorted by name; made at build time from managed/. */
extern const struct managed_policy iam_managed_policies[];
extern const size_t iam_managed_policy_count;

/* The built-in policy with that ARN, or NULL. */
const struct managed_policy *iam_managed_find(struct str arn);
struct str iam_managed_arn(struct arena *arena, const struct managed_policy *policy);

/* The default version's text of a managed policy, the account's or AWS's; NULL pointer when there
 * is none. */
enum err iam_managed_document(const struct reader *reader, struct str arn, struct str *out,
                              struct error *error);
