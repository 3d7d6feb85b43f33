/* The data plane: requests to deployed APIs. */
#pragma once

#include "core/skylite.h"
#include "services/apigateway/plane/lane.h"
#include "services/apigateway/plane/registry.h"
#include "wire/json.h"

struct usage_saver;
struct touched;

struct plane {
    struct skylite *skylite;
    struct registry *registry;
    struct principal principal; /* who invokes functions: apigateway.amazonaws.com */
    struct usage_saver *saver;
    struct touched *touched;           /* the writer thread's: what has to be read anew */
    _Atomic uint64_t authorizer_epoch; /* cached answers of an earlier one do not count */
    struct lane lanes[SKYLITE_MAX_LOOPS];
};

/* Loads everything from the store. Before the loops run. */
enum err plane_new(struct skylite *skylite, struct plane **out, struct error *error);

/* Saves the use of plans and frees. After the loops have ended, before the store is closed. */
void plane_free(struct plane *plane);

/* The functions of struct api_capability; `self` is the plane. */
bool plane_handle(void *self, struct http_exchange *exchange);
size_t plane_body_limit(void *self, const struct http_exchange *exchange);
bool plane_reject(void *self, struct http_exchange *exchange, int status);

struct lane *plane_lane(struct plane *plane, struct loop *loop);

/* --- The parts of a request's way (plane.c) --- */

/* A call in its exchange's arena, without stage and paths. */
struct api_call *plane_new_call(struct plane *plane, struct http_exchange *exchange,
                                const struct address *address);

/* Takes over a reference (or NULL), for as long as the exchange lives. */
void plane_use_stage(struct api_call *call, struct stage *stage);

/* Whether the caller may: by IAM where the method asks for that, and by the resource policy of the
 * API. False when the call is answered (authorize.c). */
bool authorize(struct plane *plane, struct api_call *call);

/* Asks the method's authorizer, and goes on with plane_admit or answers, now or later
 * (authorizer.c). */
void authorizer_start(struct plane *plane, struct api_call *call);

/* What comes behind the authorization: keys and plans, then plane_serve. */
void plane_admit(struct plane *plane, struct api_call *call);

/* Goes on with a call that plane_admit has parked; `has_failed`: nothing could be granted. */
void plane_admit_again(struct plane *plane, struct api_call *call, bool has_failed);

/* What authorizers have said is forgotten. Any thread. */
void plane_flush_authorizers(struct plane *plane);

/* The same by policies alone, for a caller who is known (call->principal) or not. */
bool authorize_by_policy(struct plane *plane, struct api_call *call);

/* Whether the API's own policy leaves it to an authorizer: it does not where it denies the call.
 * False when the call is answered. */
bool authorize_unless_denied(struct plane *plane, struct api_call *call);

/* How a step ended that began at `started_us`; the NULL pointer as its error for none. */
struct decision decision_of(const struct api_call *call, int64_t started_us, int status,
                            struct str error);

/* Whether a policy denies, as opposed to none that allows. */
bool is_explicit_deny(const struct error *error);

/* find_values of an authorization for a call, with a struct call_question as find_arg. */
struct call_question {
    const struct plane *plane;
    const struct api_call *call;
};
void call_find_values(const struct authorization *authorization, struct str key,
                      struct condition_values *out);

/* The ARN that execute-api:Invoke is checked on, in the call's arena. */
struct str call_arn(const struct api_call *call);

/* Validates a call that may pass, and starts its integration. */
void plane_serve(struct plane *plane, struct api_call *call);

/* Start the integration of a call that may pass; they answer it, at once or later. */
void lambda_start(struct plane *plane, struct api_call *call);
void action_start(struct plane *plane, struct api_call *call);
void http_start(const struct plane *plane, struct api_call *call);
void mock_start(struct api_call *call);

/* Who asks on behalf of the gateway: the integration's role, the call's own caller, or (of
 * functions only) API Gateway itself. Its parts are in `arena`. False when the role cannot be
 * assumed or nobody has signed the call, and the call is answered. */
bool integration_principal(struct plane *plane, struct api_call *call, struct arena *arena,
                           struct principal *out);

/* What the gateway calls for: "arn:aws:execute-api:REGION:ACCOUNT:API/STAGE/GET/notes/{id}". */
struct str call_source_arn(const struct api_call *call, struct arena *arena);

/* The same for any role (the empty text: API Gateway itself), without an answer. `source_arn` is
 * what its trust policy sees as aws:SourceArn. */
enum err plane_assume(struct plane *plane, struct str role, struct str source_arn,
                      struct arena *arena, struct principal *out, struct error *error);

/* --- Following the store (refresh.c) --- */

enum touch_kind {
    TOUCH_STAGE,
    TOUCH_PLAN,
    TOUCH_KEY,
    TOUCH_DOMAIN,
    TOUCH_ACCOUNT,
    TOUCH_USAGE,
};

/* Notes on the writer thread that something changed in this batch: a stage by API id and name, the
 * use of a plan by plan and key, all others by id alone. */
void plane_touch(struct plane *plane, enum touch_kind kind, struct str id, struct str name);

/* Reads what was touched anew, once the batch is committed. On the writer thread. */
void plane_refresh(struct plane *plane);

/* Frees what plane_touch has noted. */
void plane_forget_touched(struct plane *plane);

/* A plan's "quota" as it is in its document; without a period for NULL. */
struct quota plane_quota(yyjson_val *document);

/* Reads everything, at the start. */
enum err plane_load(struct plane *plane, struct error *error);

/* --- Saving use (usage_store.c) --- */

/* Restores what was saved, and saves what changes twice a second from when the loops run. */
enum err usage_saver_new(struct plane *plane, struct usage_saver **out, struct error *error);

/* Has the call go on with plane_admit_again once more requests are granted. On the call's loop. */
void usage_saver_park(struct usage_saver *saver, struct api_call *call);

/* Saves once more and frees. */
void usage_saver_free(struct usage_saver *saver);
