/* What the operations of the control plane share: reading input, answering, writing state. */
#pragma once

#include "core/condition_keys.h"
#include "core/request.h"
#include "services/apigateway/apigateway.h"
#include "services/apigateway/plane/plane.h"
#include "services/apigateway/state.h"

struct apigateway {
    struct skylite *skylite;
    struct service service;
    struct plane *plane;
};

/* --- Input --- */

/* A path label of the row by its name on the wire ("restapi_id"), or, where an internal caller
 * leaves that out, by its name in AWS's model ("restApiId"). Numbers count as text. The empty
 * string when there is neither. */
struct str apigw_label(const struct request *request, const char *label);

/* The resource of the IAM check: "arn:aws:apigateway:REGION::/restapis/...", the path of the
 * request. */
enum err apigw_resource_arn(struct request *request, struct str *out_arn);

/* The body of a RAW_OPERATION; of an internal caller its member "body", text or JSON. */
struct str apigw_body(const struct request *request);

enum member_kind {
    MEMBER_STRING,
    MEMBER_BOOL,
    MEMBER_INTEGER,
    MEMBER_DOUBLE,
    MEMBER_STRING_MAP,
    MEMBER_BOOL_MAP,
    MEMBER_STRING_LIST,
};

struct member {
    const char *name;
    enum member_kind kind;
};

/* Copies those of the members that `input` has to `object`, in their own type (CloudFormation
 * gives all as text). A SerializationException when one cannot be that. */
enum err apigw_copy(struct request *request, yyjson_mut_doc *doc, yyjson_mut_val *object,
                    const yyjson_val *input, const struct member *members, size_t count);
#define APIGW_COPY(request, doc, object, input, members)                                           \
    apigw_copy(request, doc, object, input, members, sizeof(members) / sizeof((members)[0]))

/* Fails with a ValidationException unless the input has the member and it is not empty. */
enum err apigw_require(struct request *request, const char *member);

/* Fails with a ValidationException unless the text is one of `values` ("[A, B]", as AWS lists
 * them); a NULL pointer is none of its business. */
enum err apigw_check_enum(struct request *request, const char *member, struct str value,
                          const char *values);

/* How the label "status_code" is no status, in AWS's words; empty where it is one. */
struct str apigw_status_violation(struct request *request);

/* The label "status_code", checked to be one. */
enum err apigw_status_code(struct request *request, struct str *out);

/* --- State --- */

/* For a write's transaction; when `txn` is NULL for the one that the operation runs inside of, if
 * any, else the store. */
struct view apigw_view(struct request *request, struct store_txn *txn);

/* Runs `run` as the operation's one write; the data plane follows when it is committed. */
enum err apigw_write(struct request *request,
                     enum err (*run)(struct request *request, struct store_txn *txn));

/* The same with `after` on the request's loop, as request_write has it. */
enum err apigw_write_then(struct request *request,
                          enum err (*run)(struct request *request, struct store_txn *txn),
                          enum err (*after)(struct request *request));

/* plane_touch for the request's service. In `run`. */
void apigw_touch(struct request *request, enum touch_kind kind, struct str id, struct str name);

/* Ten digits and lower-case letters that sort by time of creation, so that lists do. From any
 * thread. */
struct str apigw_new_id(struct arena *arena);

/* An API has a random one, which strangers cannot guess. */
struct str apigw_new_api_id(struct arena *arena);

/* Now in epoch seconds, as the API tells times. */
int64_t apigw_now(void);

/* The document of an API; "Invalid API identifier specified ..." when there is none. */
enum err apigw_find_api(struct request *request, const struct view *view, struct str api_id,
                        yyjson_val **out);

/* A resource of the labels restapi_id and resource_id; "Invalid Resource identifier specified". */
enum err apigw_find_resource(struct request *request, const struct view *view, yyjson_val **out);

/* A copy of it to change, with the method of the label http_method in it; "Invalid Method
 * identifier specified". */
struct method_edit {
    struct view view;
    struct str key; /* of the resource */
    yyjson_mut_doc *doc;
    yyjson_mut_val *resource;
    struct str verb;
    yyjson_mut_val *method;
};
enum err apigw_edit_method(struct request *request, struct store_txn *txn, struct method_edit *out);

/* Writes the changed resource. */
void apigw_save_method(struct method_edit *edit);

/* The same for reading; `*out` is in the request's arena. */
enum err apigw_find_method(struct request *request, yyjson_val **out);

/* --- Answers --- */

/* Has the request answered with `object` of `doc`; returns OK. */
enum err apigw_answer(struct request *request, yyjson_mut_doc *doc, yyjson_mut_val *object);

/* Adds "tags": {} to the answer of an operation that tells that there are none. */
void apigw_answer_tags(struct request *request);

/* As apigw_answer, with a copy of a parsed value. */
enum err apigw_answer_copy(struct request *request, yyjson_val *value);

/* Answers with a page of the documents behind `prefix`: {"item": [...], "position": "..."}.
 * `select` (or NULL) may change the copy, or leave it out by returning false. */
typedef bool (*apigw_select_fn)(struct request *request, yyjson_mut_doc *doc, yyjson_mut_val *item,
                                struct str name);
enum err apigw_list(struct request *request, struct str prefix, apigw_select_fn select);

/* For lists that are not one prefix of the store: the name to go on behind ("" for the start) and
 * how many a page has; and the position of a page that is not the last. */
enum err apigw_page(struct request *request, struct str *out_after, size_t *out_limit);
void apigw_add_position(struct request *request, yyjson_mut_doc *doc, yyjson_mut_val *answer,
                        struct str last);

#define apigw_bad_request(request, ...) request_fail(request, ERR_APIGW_BAD_REQUEST, __VA_ARGS__)
#define apigw_not_found(request, ...)   request_fail(request, ERR_APIGW_NOT_FOUND, __VA_ARGS__)
#define apigw_conflict(request, ...)    request_fail(request, ERR_APIGW_CONFLICT, __VA_ARGS__)

/* --- Mutable JSON --- */

/* A member by a name that is not a literal; NULL when missing. */
yyjson_mut_val *apigw_member(yyjson_mut_val *object, struct str name);

/* Sets (or replaces) it; the name and a text value are copied. */
void apigw_set(yyjson_mut_doc *doc, yyjson_mut_val *object, struct str name, yyjson_mut_val *value);
void apigw_set_str(yyjson_mut_doc *doc, yyjson_mut_val *object, struct str name, struct str value);

/* The member, made as an empty object when it is missing. */
yyjson_mut_val *apigw_object_member(yyjson_mut_doc *doc, yyjson_mut_val *object, struct str name);

/* Text of a string value; a NULL pointer for anything else. */
struct str apigw_mut_str(yyjson_mut_val *value);

/* --- The operations, by file --- */

#define OPERATION(name, function, method, path, status) enum err function(struct request *request);
#include "services/apigateway/operations.def"
#undef OPERATION

/* The condition keys of the actions (condition_keys.c). */
extern const struct condition_key apigw_condition_keys[];
extern const size_t apigw_condition_key_count;

/* Used across files. */

/* The document whose tags count for an ARN of the control plane: of the stage, API, key, plan or
 * domain name that it is or is a part of; NULL when there is none (tags.c). */
enum err apigw_find_tagged(const struct view *view, struct str arn, yyjson_val **out);

/* Domain names are compared in lower case (domain_names.c). */
struct str apigw_lower(struct arena *arena, struct str name);

/* What a stage is compiled from (see stage.h): the API as it is now, or one resource of it where
 * `resource_id` is not empty (deployments.c). */
enum err apigw_snapshot(struct request *request, const struct view *view, yyjson_val *api,
                        struct str resource_id, yyjson_mut_val **out);

/* Points the stage of a CreateDeployment, made when it is missing, to the deployment (stages.c). */
enum err apigw_deploy_to_stage(struct request *request, const struct view *view, struct str api_id,
                               struct str deployment_id);

/* Deletes a stage and takes it out of plans (stages.c). */
enum err apigw_remove_stage(struct request *request, const struct view *view, struct str api_id,
                            struct str name);

/* Tags of a Create call: at most 50, with names and values of the right lengths (tags.c). */
enum err apigw_check_tags(struct request *request, yyjson_val *tags);

/* Writes a new key under the document's id and value; the rules for values and their being taken
 * are checked. Works in the view's arena (api_keys.c). */
enum err apigw_insert_key(struct request *request, const struct view *view, yyjson_mut_val *key);

/* Puts a key that is there into a plan, with all checks. Works in the view's arena
 * (usage_plan_keys.c). */
enum err apigw_join_plan(struct request *request, const struct view *view, struct str plan_id,
                         struct str key_id);

/* Fails when the key is in a plan other than `plan_id` that covers one of `stages` (a list as
 * apiStages) as well: which plan counts would be open (usage_plan_keys.c). */
enum err apigw_check_key_stages(struct request *request, const struct view *view, struct str key_id,
                                struct str plan_id, yyjson_mut_val *stages);

/* The domain names that have base paths for an API, or for one of its stages (`stage` not NULL),
 * as "a, b"; empty when there are none (base_path_mappings.c). */
enum err apigw_mapped_domains(struct request *request, const struct view *view, struct str api_id,
                              struct str stage, struct str *out);
