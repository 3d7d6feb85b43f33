/* The operations of the IAM and STS APIs, and what they share. */
#pragma once

#include "core/condition_keys.h"
#include "services/iam/internal.h"
#include "services/iam/params.h"

extern const struct operation iam_operations[];
extern const size_t iam_operation_count;
extern const struct operation sts_operations[];
extern const size_t sts_operation_count;

/* condition_keys.c */
extern const struct condition_key iam_condition_keys[];
extern const size_t iam_condition_key_count;
extern const struct condition_key sts_condition_keys[];
extern const size_t sts_condition_key_count;

/* role.c */
enum err iam_create_role(struct request *request);
enum err iam_get_role(struct request *request);
enum err iam_list_roles(struct request *request);
enum err iam_delete_role(struct request *request);
enum err iam_update_role(struct request *request);
enum err iam_update_role_description(struct request *request);
enum err iam_update_assume_role_policy(struct request *request);

/* user.c */
enum err iam_create_user(struct request *request);
enum err iam_get_user(struct request *request);
enum err iam_list_users(struct request *request);
enum err iam_delete_user(struct request *request);

/* access_key.c */
enum err iam_create_access_key(struct request *request);
enum err iam_list_access_keys(struct request *request);
enum err iam_update_access_key(struct request *request);
enum err iam_delete_access_key(struct request *request);

/* attach.c */
enum err iam_attach_role_policy(struct request *request);
enum err iam_detach_role_policy(struct request *request);
enum err iam_list_attached_role_policies(struct request *request);
enum err iam_attach_user_policy(struct request *request);
enum err iam_detach_user_policy(struct request *request);
enum err iam_list_attached_user_policies(struct request *request);

/* inline_policy.c */
enum err iam_put_role_policy(struct request *request);
enum err iam_get_role_policy(struct request *request);
enum err iam_delete_role_policy(struct request *request);
enum err iam_list_role_policies(struct request *request);
enum err iam_put_user_policy(struct request *request);
enum err iam_get_user_policy(struct request *request);
enum err iam_delete_user_policy(struct request *request);
enum err iam_list_user_policies(struct request *request);

/* managed_policy.c */
enum err iam_create_policy(struct request *request);
enum err iam_get_policy(struct request *request);
enum err iam_list_policies(struct request *request);
enum err iam_delete_policy(struct request *request);
enum err iam_list_entities_for_policy(struct request *request);

/* policy_version.c */
enum err iam_create_policy_version(struct request *request);
enum err iam_get_policy_version(struct request *request);
enum err iam_list_policy_versions(struct request *request);
enum err iam_delete_policy_version(struct request *request);
enum err iam_set_default_policy_version(struct request *request);

/* boundary.c */
enum err iam_put_role_permissions_boundary(struct request *request);
enum err iam_delete_role_permissions_boundary(struct request *request);
enum err iam_put_user_permissions_boundary(struct request *request);
enum err iam_delete_user_permissions_boundary(struct request *request);

/* tag.c */
enum err iam_tag_role(struct request *request);
enum err iam_untag_role(struct request *request);
enum err iam_list_role_tags(struct request *request);
enum err iam_tag_user(struct request *request);
enum err iam_untag_user(struct request *request);
enum err iam_list_user_tags(struct request *request);
enum err iam_tag_policy(struct request *request);
enum err iam_untag_policy(struct request *request);
enum err iam_list_policy_tags(struct request *request);

/* sts.c */
enum err sts_get_caller_identity(struct request *request);
enum err sts_assume_role(struct request *request);
enum err sts_get_session_token(struct request *request);
enum err sts_get_access_key_info(struct request *request);

/* --- Changing documents (change.c) --- */

typedef enum err (*write_run_fn)(struct request *request, struct store_txn *txn);

/* As request_write, and what is cached of IAM's data is dropped. */
enum err iam_write(struct request *request, write_run_fn run);

/* A user, role or policy that is being changed. */
struct entity {
    struct request *request;
    struct store_txn *txn;
    struct str key;
    yyjson_mut_doc *doc;
    yyjson_mut_val *root;
};

/* A new one with Arn, Id, Path and CreateDate from the input; EntityAlreadyExists when its name is
 * taken. */
enum err iam_entity_create(struct request *request, struct store_txn *txn,
                           const struct entity_kind *kind, struct entity *out);

/* The one that the input names; NoSuchEntity. */
enum err iam_entity_load(struct request *request, struct store_txn *txn,
                         const struct entity_kind *kind, struct entity *out);
void iam_entity_save(const struct entity *entity);
void iam_entity_delete(const struct entity *entity);

/* The entity as it was read; for looking at what is not being changed. */
yyjson_val *iam_entity_read(const struct entity *entity);

/* Sets or replaces a text member; the text must stay. */
void iam_entity_set(const struct entity *entity, const char *key, struct str value);

/* Its object or array member, made when it is missing. */
yyjson_mut_val *iam_entity_object(const struct entity *entity, const char *key);
yyjson_mut_val *iam_entity_array(const struct entity *entity, const char *key);

/* The index of a text in an array, or -1. */
ptrdiff_t iam_array_find(yyjson_mut_val *array, struct str text);

/* Loads, calls change(entity) and saves when that succeeded. */
enum err iam_entity_change(struct request *request, struct store_txn *txn,
                           const struct entity_kind *kind,
                           enum err (*change)(struct entity *entity));

/* Checks a policy document of the input. ERR_IAM_MALFORMED_POLICY_DOCUMENT. */
enum err iam_check_document(struct request *request, const char *member, enum iam_policy_kind kind);

/* The same for a customer managed policy, with its size. */
enum err iam_check_managed_document(struct request *request);

/* A document's size as quotas count it: without white space. */
size_t iam_policy_size(struct str document);

/* DeleteConflict while policies are attached or written into it. */
enum err iam_check_bare(const struct entity *entity);

/* NoSuchEntity for the input's PolicyArn. */
enum err iam_no_such_managed_policy(struct request *request);

/* UserName of the input, or the caller's when it is a user. */
enum err iam_user_of_input(struct request *request, struct str *out_name);

/* Checks that the managed policy exists, or fails with AWS's "does not exist or is not attachable".
 */
enum err iam_check_attachable(struct request *request, struct store_txn *txn, struct str arn);

/* Sets PermissionsBoundary from the input when it is there, after checking it. */
enum err iam_set_boundary(struct entity *entity);

/* Checks tags of an input: their form, and that no key comes twice. */
enum err iam_check_tags(struct request *request, yyjson_val *tags);

/* Sets Tags from the input when they are there, after checking them. */
enum err iam_set_tags(struct entity *entity);

/* --- Answers (answer.c) --- */

/* A policy document as IAM gives it: percent-encoded. */
struct str iam_encode_document(struct request *request, struct str document);

/* Adds "MEMBER Id" under AWS's name, Arn, Path, the name, CreateDate. */
void iam_add_entity(struct request *request, yyjson_mut_val *object, const struct entity_kind *kind,
                    yyjson_val *entity);
void iam_add_boundary_and_tags(struct request *request, yyjson_mut_val *object, yyjson_val *entity);

/* Calls fn(arg, name key, document) for all of a kind, in the order of their keys, until it returns
 * false. */
enum err iam_each_entity(const struct reader *reader, const struct entity_kind *kind,
                         bool (*fn)(void *arg, struct str key, yyjson_val *entity), void *arg,
                         struct error *error);

/* Lists all of a kind under the input's PathPrefix, in pages, as output member `list`; `add` fills
 * an element. */
enum err
iam_list_entities(struct request *request, const struct entity_kind *kind, const char *list,
                  void (*add)(struct request *request, yyjson_mut_val *object, yyjson_val *entity));

/* --- Use of managed policies (usage.c) --- */

struct usage {
    struct map attached; /* ARN -> how often */
    struct map boundaries;
};

/* Counts over all users and roles; the result lives in the reader's arena. */
enum err iam_usage_count(const struct reader *reader, struct usage **out, struct error *error);
size_t iam_usage_attached(const struct usage *usage, struct str arn);
size_t iam_usage_boundaries(const struct usage *usage, struct str arn);

/* --- Resources of the rows (resource.c) --- */

enum err iam_resource_role(struct request *request, struct str *out_arn);
enum err iam_resource_user(struct request *request, struct str *out_arn);
enum err iam_resource_policy(struct request *request, struct str *out_arn);
enum err iam_resource_new_role(struct request *request, struct str *out_arn);
enum err iam_resource_new_user(struct request *request, struct str *out_arn);
enum err iam_resource_new_policy(struct request *request, struct str *out_arn);
enum err iam_resource_all_roles(struct request *request, struct str *out_arn);
enum err iam_resource_all_users(struct request *request, struct str *out_arn);
enum err iam_resource_all_policies(struct request *request, struct str *out_arn);
