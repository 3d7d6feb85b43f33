/* methodSettings of stages: throttles, logs, metrics and caches by method. */
#pragma once

#include "services/apigateway/patch.h"

/* "/~1notes/GET/throttling/rateLimit", with * for all paths and all methods. */
enum err settings_patch(struct patch_target *target, const struct patch_op *op);

/* "/~1notes/GET" takes all settings of a method out. */
enum err settings_remove(struct patch_target *target, const struct patch_op *op);

/* Fails: there is no setting at the path that could be taken out. */
enum err settings_refuse_removal(struct patch_target *target, const struct patch_op *op);

/* What a stage says to all paths that it does not have: it takes them for settings. */
enum err settings_refuse(struct patch_target *target, const struct patch_op *op);

/* Logs are written by a role that the account names; fails when it names none. */
enum err settings_require_log_role(struct patch_target *target);
