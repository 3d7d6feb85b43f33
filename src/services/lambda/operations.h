/* The handlers of the Lambda API's operations; each is in a file named after it or its family. */
#pragma once

#include "core/condition_keys.h"
#include "core/request.h"

enum err lambda_create_function(struct request *request);
enum err lambda_get_function(struct request *request);
enum err lambda_get_function_configuration(struct request *request);
enum err lambda_list_functions(struct request *request);
enum err lambda_update_function_code(struct request *request);
enum err lambda_update_function_configuration(struct request *request);
enum err lambda_delete_function(struct request *request);
enum err lambda_invoke(struct request *request);
enum err lambda_add_permission(struct request *request);
enum err lambda_get_policy(struct request *request);
enum err lambda_remove_permission(struct request *request);
enum err lambda_put_function_concurrency(struct request *request);
enum err lambda_get_function_concurrency(struct request *request);
enum err lambda_delete_function_concurrency(struct request *request);

enum err lambda_invoke_async(struct request *request);
enum err lambda_publish_version(struct request *request);
enum err lambda_list_versions(struct request *request);
enum err lambda_create_alias(struct request *request);
enum err lambda_list_aliases(struct request *request);
enum err lambda_get_alias(struct request *request);
enum err lambda_update_alias(struct request *request);
enum err lambda_delete_alias(struct request *request);
enum err lambda_put_event_config(struct request *request); /* and Update... */
enum err lambda_get_event_config(struct request *request);
enum err lambda_list_event_configs(struct request *request);
enum err lambda_delete_event_config(struct request *request);
enum err lambda_tag_resource(struct request *request);
enum err lambda_untag_resource(struct request *request);
enum err lambda_list_tags(struct request *request);
enum err lambda_get_account_settings(struct request *request);

/* Not of AWS: what Code.Location of GetFunction points to. */
enum err lambda_download_code(struct request *request);

/* The condition keys of the actions. */
extern const struct condition_key lambda_condition_keys[];
extern const size_t lambda_condition_key_count;

/* The ARN of the function that the request names, for IAM. */
enum err lambda_function_resource(struct request *request, struct str *out_arn);

/* The ARN that a tag operation names. */
enum err lambda_tagged_resource(struct request *request, struct str *out_arn);
