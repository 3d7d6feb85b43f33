/* The skylite program: finds the command and runs it. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static const char usage[] =
    "usage: skylite COMMAND [OPTION...]\n"
    "\n"
    "  serve [--data DIR] [--listen ADDR:PORT] [--deploy TEMPLATE]... [--stack NAME] [--region R]\n"
    "        [--allow-integration ADDRESS[/BITS][:PORT]]... [--metrics ADDR:PORT]\n"
    "        [--threads N] [--memory SIZE] [--log-quota SIZE] [--durability sync|relaxed]\n"
    "        [--auth sigv4|any] [--sandbox on|none]\n"
    "                            run the server; deploy the templates first\n"
    "  deploy TEMPLATE [--stack NAME] [--parameter NAME=VALUE]...\n"
    "                            create or update a stack\n"
    "  delete STACK              delete a stack and all it made\n"
    "  outputs STACK             print a stack's outputs\n"
    "  logs NAME [--since 10m] [--follow]\n"
    "                            print what a function wrote\n"
    "  status                    show APIs, functions, tables and plans with their figures\n"
    "  import TABLE FILE         put a file's items into a table: DynamoDB JSON lines, or CSV\n"
    "  export TABLE FILE         write a table's items to a file: JSON lines; .csv: CSV\n"
    "  check [DIR]               read all data in the folder with their checksums; says what is "
    "damaged\n"
    "  env                       print shell variables for AWS's own tools: eval $(skylite env)\n"
    "  version                   print the version\n"
    "\n"
    "All but serve and check talk to the server that runs on --data DIR (default "
    "./skylite-data).\n";

static int print_version(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    puts("skylite " SKYLITE_VERSION);
    return 0;
}

static int print_help(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    fputs(usage, stdout);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(int argc, char **argv);
    } commands[] = {
        {"serve", cli_serve},       {"deploy", cli_deploy_command},
        {"delete", cli_delete},     {"outputs", cli_outputs},
        {"logs", cli_logs},         {"env", cli_env},
        {"import", cli_import},     {"export", cli_export},
        {"status", cli_status},     {"check", cli_check},
        {"version", print_version}, {"--version", print_version},
        {"help", print_help},       {"--help", print_help},
    };
    for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    }
    fputs(usage, stderr);
    return 2;
}
