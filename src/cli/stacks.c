/* `skylite outputs` and `skylite delete`. */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/deploy.h"
#include "cli/names.h"
#include "cli/options.h"

/* Outputs never hold secrets: an API key among them is its id, as on AWS. Here the value is what is
 * wanted, and the caller may read it. */
static struct str key_value(struct cli_client *client, struct str key_id, struct arena *arena)
{
    struct cli_answer answer;
    struct error ignored;
    struct str path = arena_printf(arena, "/apikeys/%.*s?includeValue=true", STR_ARG(key_id));
    if (cli_send(client, "apigateway", STR("GET"), path, STR_EMPTY, STR_EMPTY, STR_EMPTY, arena,
                 &answer, &ignored))
        return key_id;
    struct str value = json_get_str(json_parse(arena, answer.body), "value");
    return value.ptr ? value : key_id;
}

/* Whether the output is the id of an API key of the stack. */
static bool is_api_key(struct str resources, struct str output, struct arena *arena)
{
    struct str member;
    size_t from = 0;
    while (cli_xml_next(resources, "member", &from, arena, &member)) {
        struct str type, id;
        size_t in_type = 0, in_id = 0;
        if (cli_xml_next(member, "ResourceType", &in_type, arena, &type) &&
            cli_xml_next(member, "PhysicalResourceId", &in_id, arena, &id) &&
            str_eq(type, STR("AWS::ApiGateway::ApiKey")) && str_eq(id, output))
            return true;
    }
    return false;
}

static enum err print_outputs(struct cli_client *client, struct str stack, struct arena *arena,
                              struct error *error)
{
    struct cli_parameter form[] = {{"Action", STR("DescribeStacks")}, {"StackName", stack}};
    struct str body, resources, name, value;
    size_t from = 0;
    enum err rc =
        cli_query(client, "cloudformation", CLI_CFN_VERSION, form, 2, arena, &body, NULL, error);
    form[0].value = STR("DescribeStackResources");
    if (rc == OK)
        rc = cli_query(client, "cloudformation", CLI_CFN_VERSION, form, 2, arena, &resources, NULL,
                       error);
    if (rc)
        return rc;
    while (cli_xml_next(body, "OutputKey", &from, arena, &name) &&
           cli_xml_next(body, "OutputValue", &from, arena, &value)) {
        if (is_api_key(resources, value, arena))
            value = key_value(client, value, arena);
        printf("%.*s\t%.*s\n", STR_ARG(name), STR_ARG(value));
    }
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
    if (rc && client)
        cli_add_names(client, CLI_STACKS, str_from(options.argument), &error);
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
