/* `skylite env`: what a shell needs to talk to the server with AWS's own tools. */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/options.h"

int cli_env(int argc, char **argv)
{
    struct cli_options options;
    struct cli_client *client;
    struct error error;
    if (!cli_options_read(argc, argv, "d", NULL, &options))
        return 2;
    if (cli_client_new(options.data_dir, &client, &error))
        return cli_failed(&error);
    /* Each line ends a command, for eval $(skylite env) without quotes. The function is for AWS
     * CLIs older than 2.13, which do not know AWS_ENDPOINT_URL. */
    printf("export AWS_ACCESS_KEY_ID=%.*s;\n", STR_ARG(cli_client_access_key(client)));
    printf("export AWS_SECRET_ACCESS_KEY=%.*s;\n", STR_ARG(cli_client_secret_key(client)));
    printf("unset AWS_SESSION_TOKEN;\n");
    printf("export AWS_DEFAULT_REGION=%.*s;\n", STR_ARG(cli_client_region(client)));
    printf("export AWS_REGION=%.*s;\n", STR_ARG(cli_client_region(client)));
    printf("export AWS_ENDPOINT_URL=%.*s;\n", STR_ARG(cli_client_url(client)));
    printf("aws() { command aws --endpoint-url \"$AWS_ENDPOINT_URL\" \"$@\"; };\n");
    cli_client_free(client);
    return 0;
}
