/* Deploying a template: what `skylite deploy` and `skylite serve --deploy` do. */
#pragma once

#include "cli/client.h"

struct cli_deploy_options {
    const char *data_dir;
    const char *template_path;
    const char *stack_name;        /* NULL: after the template's folder */
    const char *const *parameters; /* NAME=VALUE */
    size_t parameter_count;
    bool is_quiet; /* no progress on standard output */
};

/* Packages local code, creates or updates the stack and waits until it is done. An update without
 * changes is fine. A parameter LocalPort that the template declares gets the server's port unless
 * it is given. Fails with the reason of the first resource that failed. */
enum err cli_deploy(const struct cli_deploy_options *options, struct error *error);

/* The stack name for a template: its folder's name, made fit for one; in `arena`. */
enum err cli_stack_name(const char *template_path, struct arena *arena, struct str *out,
                        struct error *error);

/* Waits until the stack's status does not end in _IN_PROGRESS any more. A stack that is gone has
 * the status DELETE_COMPLETE; one that only has change sets stays in REVIEW_IN_PROGRESS. `stack` is
 * a name or an id. */
enum err cli_wait_for_stack(struct cli_client *client, struct str stack, struct arena *arena,
                            struct str *out_status, struct error *error);

/* The reason of the first failure among a stack's latest events. */
struct str cli_failure_reason(struct cli_client *client, struct str stack, struct arena *arena);

#define CLI_CFN_VERSION "2010-05-15"
