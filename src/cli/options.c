/* Options of the client commands. */
#include "cli/options.h"

#include <getopt.h>
#include <stdio.h>

static bool take_option(struct cli_options *options, int option)
{
    switch (option) {
    case 'd':
        options->data_dir = optarg;
        return true;
    case 'S':
        options->stack_name = optarg;
        return true;
    case 's':
        options->since = optarg;
        return true;
    case 'f':
        options->follow = true;
        return true;
    case 'p':
        if (options->parameter_count == CLI_MAX_PARAMETERS) {
            fprintf(stderr, "skylite: more than %d parameters\n", CLI_MAX_PARAMETERS);
            return false;
        }
        options->parameters[options->parameter_count++] = optarg;
        return true;
    default:
        return false;
    }
}

bool cli_options_read(int argc, char **argv, const char *allowed, const char *argument,
                      struct cli_options *out)
{
    static const struct option known[] = {
        {"data", required_argument, NULL, 'd'},      {"stack", required_argument, NULL, 'S'},
        {"since", required_argument, NULL, 's'},     {"follow", no_argument, NULL, 'f'},
        {"parameter", required_argument, NULL, 'p'}, {NULL, 0, NULL, 0},
    };
    int option;
    *out = (struct cli_options){.data_dir = cli_data_dir()};
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (option != '?' && !strchr(allowed, option)) {
            fprintf(stderr, "skylite %s: that option is of another command\n", argv[0]);
            return false;
        }
        if (!take_option(out, option))
            return false;
    }
    if (optind < argc)
        out->argument = argv[optind++];
    if (optind < argc && argument && strchr(argument, ' '))
        out->second_argument = argv[optind++];
    if (optind < argc || (out->argument && !argument)) {
        fprintf(stderr, "skylite %s: unexpected argument: %s\n", argv[0], argv[argc - 1]);
        return false;
    }
    bool is_short =
        argument && (!out->argument || (strchr(argument, ' ') && !out->second_argument));
    if (is_short) {
        fprintf(stderr, "usage: skylite %s %s [--data DIR]; see skylite help\n", argv[0], argument);
        return false;
    }
    return true;
}

int cli_failed(const struct error *error)
{
    fprintf(stderr, "skylite: %s\n", error->message);
    return 1;
}
