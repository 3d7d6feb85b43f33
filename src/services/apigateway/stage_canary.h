/* canarySettings of stages: a second deployment that takes a share of the requests. */
#pragma once

#include "services/apigateway/patch.h"

/* Sets the stage's canarySettings as the input gives them, if it does; those of a deployment that
 * is being made (`deployment_id` not NULL) are of that one. Fails when they cannot be. */
enum err canary_set(struct request *request, const struct view *view, yyjson_mut_doc *doc,
                    yyjson_mut_val *stage, struct str deployment_id);

/* Puts defaults in the place of what a canary lacks: no share, the stage's deployment. */
enum err canary_complete(struct patch_target *target, const struct patch_op *op);

/* Fail in AWS's words: settings of canaries are replaced, never added, and only copied from. */
enum err canary_refuse_add(struct patch_target *target, const struct patch_op *op);
enum err canary_refuse_copy(struct patch_target *target, const struct patch_op *op);

/* Patches: the share, the deployment, promotion ("copy" of either to the stage), and its end. */
enum err canary_patch_percent(struct patch_target *target, const struct patch_op *op);
enum err canary_patch_deployment(struct patch_target *target, const struct patch_op *op);
enum err canary_promote_deployment(struct patch_target *target, const struct patch_op *op);
enum err canary_promote_variables(struct patch_target *target, const struct patch_op *op);
enum err canary_remove(struct patch_target *target, const struct patch_op *op);
