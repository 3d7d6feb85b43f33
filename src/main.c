/* The skylite program: finds the command and runs it. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/client.h"

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *usage; /* its lines of the help; NULL: it is not told of */
};

static int print_version(int argc, char **argv);
static int print_help(int argc, char **argv);

static const struct command commands[] = {
    {"serve", cli_serve,
     "  serve [--data DIR] [--listen ADDR:PORT] [--deploy TEMPLATE]... [--stack NAME] [--region "
     "R]\n"
     "        [--allow-integration ADDRESS[/BITS][:PORT]]... [--metrics ADDR:PORT]\n"
     "        [--threads N] [--memory SIZE] [--log-quota SIZE] [--durability sync|relaxed]\n"
     "        [--auth sigv4|any] [--sandbox on|none]\n"
     "                            run the server; deploy the templates first\n"},
    {"deploy", cli_deploy_command,
     "  deploy TEMPLATE [--stack NAME] [--parameter NAME=VALUE]...\n"
     "                            create or update a stack\n"},
    {"delete", cli_delete, "  delete STACK              delete a stack and all it made\n"},
    {"outputs", cli_outputs, "  outputs STACK             print a stack's outputs\n"},
    {"logs", cli_logs,
     "  logs NAME [--since 10m] [--follow]\n"
     "                            print what a function wrote\n"},
    {"status", cli_status,
     "  status                    show APIs, functions, tables and plans with their figures\n"},
    {"stacks", cli_stacks, "  stacks                    list the stacks\n"},
    {"functions", cli_functions, "  functions                 list the functions\n"},
    {"tables", cli_tables, "  tables                    list the tables\n"},
    {"apis", cli_apis, "  apis                      list the REST APIs\n"},
    {"import", cli_import,
     "  import TABLE FILE         put a file's items into a table: DynamoDB JSON lines, or CSV\n"},
    {"export", cli_export,
     "  export TABLE FILE         write a table's items to a file: JSON lines; .csv: CSV\n"},
    {"check", cli_check,
     "  check [DIR]               read all data in the folder with their checksums; says what is "
     "damaged\n"},
    {"env", cli_env,
     "  env                       print shell variables for AWS's own tools: "
     "eval \"$(skylite env)\"\n"},
    {"version", print_version, "  version                   print the version\n"},
    {"help", print_help, "  help [COMMAND]            print this, or what a command takes\n"},
    {"--version", print_version, NULL},
    {"--help", print_help, NULL},
};

enum { COMMAND_COUNT = sizeof(commands) / sizeof(commands[0]) };

static const char where[] = "\nAll but serve and check talk to the server that runs on --data DIR "
                            "(else $SKYLITE_DATA, else " CLI_DEFAULT_DATA ").\n";

static const struct command *find_command(const char *name)
{
    for (int i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(name, commands[i].name) == 0)
            return &commands[i];
    }
    return NULL;
}

static void print_usage(FILE *to)
{
    fputs("usage: skylite COMMAND [OPTION...]\n\n", to);
    for (int i = 0; i < COMMAND_COUNT; i++) {
        if (commands[i].usage)
            fputs(commands[i].usage, to);
    }
    fputs(where, to);
}

static int unknown_command(const char *name)
{
    fprintf(stderr, "skylite: there is no command %s; there are", name);
    for (int i = 0; i < COMMAND_COUNT; i++) {
        if (commands[i].usage)
            fprintf(stderr, "%s %s", i ? "," : "", commands[i].name);
    }
    fputc('\n', stderr);
    return 2;
}

static int print_command(const struct command *command)
{
    if (command->usage)
        printf("usage: skylite%s%s", command->usage + 1, where); /* one of its two blanks */
    else
        print_usage(stdout);
    return 0;
}

static int print_version(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    puts("skylite " SKYLITE_VERSION);
    return 0;
}

static int print_help(int argc, char **argv)
{
    if (argc < 2) {
        print_usage(stdout);
        return 0;
    }
    const struct command *command = find_command(argv[1]);
    return command ? print_command(command) : unknown_command(argv[1]);
}

/* True when the command is asked for its help instead. */
static bool wants_help(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help") == 0)
            return true;
    }
    return false;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_usage(stderr);
        return 2;
    }
    const struct command *command = find_command(argv[1]);
    if (!command)
        return unknown_command(argv[1]);
    return wants_help(argc - 1, argv + 1) ? print_command(command)
                                          : command->run(argc - 1, argv + 1);
}
