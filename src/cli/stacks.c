/* `skylite outputs` and `skylite delete`. */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/deploy.h"
#include "cli/options.h"

static enum err print_outputs(struct cli_client *client, struct str stack, struct arena *arena,
                              struct error *error)
{
    struct cli_parameter form[] = {{"Action", STR("DescribeStacks")}, {"StackName", stack}};
    struct str body, name, value;
    size_t from = 0;
    enum err rc =
        cli_query(client, "cloudformation", CLI_CFN_VERSION, form, 2, arena, &body, NULL, error);
    if (rc)
        return rc;
    while (cli_xml_next(body, "OutputKey", &from, arena, &name) &&
           cli_xml_next(body, "OutputValue", &from, arena, &value))
        printf("%.*s\t%.*s\n", STR_ARG(name), STR_ARG(value));
    return OK;
}

static enum err delete_stack(struct cli_client *client, struct str stack, struct arena *arena,
                             struct error *error)
{
    struct cli_parameter describe[] = {{"Action", STR("DescribeStacks")}, {"StackName", stack}};
    struct str body, id = stack, status;
    size_t from = 0;
    enum err rc = cli_query(client, "cloudformation", CLI_CFN_VERSION, describe, 2, arena, &body,
                            NULL, error);
    if (rc)
        return rc;
    cli_xml_next(body, "StackId", &from, arena, &id);
    struct cli_parameter form[] = {{"Action", STR("DeleteStack")}, {"StackName", stack}};
    rc = cli_query(client, "cloudformation", CLI_CFN_VERSION, form, 2, arena, &body, NULL, error);
    if (rc == OK)
        rc = cli_wait_for_stack(client, id, arena, &status, error);
    if (rc == OK && !str_eq(status, STR("DELETE_COMPLETE"))) {
        struct str why = cli_failure_reason(client, stack, arena);
        rc = error_set(error, ERR_VALIDATION, "stack %.*s is in %.*s: %.*s", STR_ARG(stack),
                       STR_ARG(status), STR_ARG(why));
    }
    if (rc == OK)
        printf("skylite: stack %.*s is deleted\n", STR_ARG(stack));
    return rc;
}

static int run(int argc, char **argv,
               enum err (*command)(struct cli_client *client, struct str stack, struct arena *arena,
                                   struct error *error))
{
    struct cli_options options;
    struct cli_client *client = NULL;
    struct arena arena = {0};
    struct error error;
    if (!cli_options_read(argc, argv, "d", "STACK", &options))
        return 2;
    enum err rc = cli_client_new(options.data_dir, &client, &error);
    if (rc == OK)
        rc = command(client, str_from(options.argument), &arena, &error);
    cli_client_free(client);
    arena_release(&arena);
    return rc ? cli_failed(&error) : 0;
}

int cli_outputs(int argc, char **argv)
{
    return run(argc, argv, print_outputs);
}

int cli_delete(int argc, char **argv)
{
    return run(argc, argv, delete_stack);
}
