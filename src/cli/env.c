/* `skylite env`: what a shell needs to talk to the server with AWS's own tools. */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/options.h"

/* Nothing listens there. */
#define NOWHERE "http://127.0.0.1:9"

/* Each line ends a command, for eval $(skylite env) without quotes. */
static void print_endpoint(struct str url)
{
    /* First, so that no command in between goes to the real account. Service by service where tools
     * have been seen to read nothing else. */
    printf("export AWS_ENDPOINT_URL=%.*s;\n", STR_ARG(url));
    printf("export AWS_ENDPOINT_URL_S3=%.*s;\n", STR_ARG(url));
    printf("unset AWS_IGNORE_CONFIGURED_ENDPOINT_URLS;\n");
    /* Other sources of credentials, which SDKs ask before or instead of the variables below. */
    printf("unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SESSION_TOKEN AWS_SECURITY_TOKEN "
           "AWS_ROLE_ARN AWS_WEB_IDENTITY_TOKEN_FILE AWS_CONTAINER_CREDENTIALS_FULL_URI "
           "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI;\n");
    printf("export AWS_EC2_METADATA_DISABLED=true;\n");
}

/* A shell that evaluates this has no way to the real account either, and its last status is 1. */
static int print_failure(const struct error *error)
{
    print_endpoint(STR(NOWHERE));
    printf("unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY;\n");
    printf("false;\n");
    return cli_failed(error);
}

int cli_env(int argc, char **argv)
{
    struct cli_options options;
    struct cli_client *client;
    struct error error;
    if (!cli_options_read(argc, argv, "d", NULL, &options))
        return 2;
    if (cli_client_new(options.data_dir, &client, &error))
        return print_failure(&error);
    print_endpoint(cli_client_url(client));
    printf("export AWS_ACCESS_KEY_ID=%.*s;\n", STR_ARG(cli_client_access_key(client)));
    printf("export AWS_SECRET_ACCESS_KEY=%.*s;\n", STR_ARG(cli_client_secret_key(client)));
    printf("export AWS_DEFAULT_REGION=%.*s;\n", STR_ARG(cli_client_region(client)));
    printf("export AWS_REGION=%.*s;\n", STR_ARG(cli_client_region(client)));
    /* AWS CLIs older than 2.13 do not know AWS_ENDPOINT_URL. */
    printf("aws() { command aws --endpoint-url \"$AWS_ENDPOINT_URL\" \"$@\"; };\n");
    cli_client_free(client);
    return 0;
}
