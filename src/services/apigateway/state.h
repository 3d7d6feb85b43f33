/* Where API Gateway's state is in the store. Every document is the JSON that the API answers with,
 * so that reading one is a copy (times are epoch seconds); what the API keeps to itself is under
 * keys of its own. All in STORE_META but the use of plans, which is in STORE_METRICS.
 *
 *   apigateway/api/API                         RestApi
 *   apigateway/resource/API/RESOURCE           Resource with methods, integrations, responses
 *   apigateway/deployment/API/DEPLOYMENT       Deployment
 *   apigateway/snapshot/API/DEPLOYMENT         what it deployed: resources, gatewayResponses...
 *   apigateway/stage/API/NAME                  Stage
 *   apigateway/gatewayresponse/API/TYPE        GatewayResponse, as far as it was given
 *   apigateway/model/API/NAME                  Model
 *   apigateway/validator/API/VALIDATOR         RequestValidator
 *   apigateway/authorizer/API/AUTHORIZER       Authorizer
 *   apigateway/documentationpart/API/PART      DocumentationPart
 *   apigateway/documentationversion/API/VERSION  DocumentationVersion
 *   apigateway/documentationsnapshot/API/VERSION  its parts
 *   apigateway/key/KEY                         ApiKey with its value
 *   apigateway/keyvalue/VALUE                  the key's id
 *   apigateway/keyplan/KEY/PLAN                empty: the key is in the plan
 *   apigateway/plan/PLAN                       UsagePlan
 *   apigateway/plankey/PLAN/KEY                empty: the same, from the other side
 *   apigateway/domain/NAME                     DomainName
 *   apigateway/mapping/NAME/BASEPATH           BasePathMapping; "(none)" for the empty one
 *   apigateway/account                         Account
 *   apigateway/quota/PLAN/KEY      (METRICS)   the use in the quota's period
 *   apigateway/usage/PLAN/KEY/DAY  (METRICS)   the use of a day (five digits since 1970) */
#pragma once

#include "core/request.h"

/* "apigateway/KIND/first/second"; the parts that are NULL are left out. */
struct str state_key(struct arena *arena, const char *kind, struct str first, struct str second);

/* The same with a slash at the end, for walking. */
struct str state_prefix(struct arena *arena, const char *kind, struct str first);

#define NO_PART ((struct str){NULL, 0})

/* Where documents are read from: a write's transaction, or the store. */
struct view {
    struct store *store;
    struct store_txn *txn; /* NULL: read the store */
    struct arena *arena;
    struct error *error;
};

/* The document at `key`; NULL when there is none. */
enum err state_get(const struct view *view, struct str key, yyjson_val **out);

/* Whether there is anything at `key`. */
enum err state_has(const struct view *view, struct str key, bool *out);

/* Calls fn(arg, name, document) for each key that starts with `prefix` and goes on behind `after`
 * (empty: all of them); `name` is what follows the prefix. Both are gone when it returns. The
 * document is NULL where the value is empty. Stops when fn fails and returns its code. */
typedef enum err (*state_each_fn)(void *arg, struct str name, yyjson_val *document);
enum err state_each(const struct view *view, struct str prefix, struct str after, state_each_fn fn,
                    void *arg);

/* The names alone, in the view's arena; for walks that write. */
enum err state_names(const struct view *view, struct str prefix, struct str **out,
                     size_t *out_count);

/* Writing; only with a transaction. */
void state_put(const struct view *view, struct str key, const yyjson_mut_val *document);
void state_put_text(const struct view *view, struct str key, struct str value);
void state_delete(const struct view *view, struct str key);

/* Deletes every key that starts with `prefix`. */
enum err state_delete_all(const struct view *view, struct str prefix);

/* The same for the use of plans. */
enum err state_delete_usage(const struct view *view, struct str plan_id, struct str key_id);
