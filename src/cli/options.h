/* Options of the client commands. */
#pragma once

#include "cli/client.h"

enum { CLI_MAX_PARAMETERS = 60 };

struct cli_options {
    const char *data_dir;
    const char *stack_name;                     /* --stack; NULL when not given */
    const char *since;                          /* --since; NULL when not given */
    bool follow;                                /* --follow */
    const char *parameters[CLI_MAX_PARAMETERS]; /* --parameter NAME=VALUE */
    size_t parameter_count;
    const char *argument; /* the word that is no option; NULL when there is none */
    const char *second_argument;
};

/* Reads the options that `allowed` names by their letters: d(ata) S(tack) s(ince) f(ollow)
 * p(arameter). False, and a message on standard error, when they are wrong or the argument (named
 * `argument` in the message; NULL: there may be none; "A B": there are two) is missing. */
bool cli_options_read(int argc, char **argv, const char *allowed, const char *argument,
                      struct cli_options *out);

/* Prints "skylite: MESSAGE" on standard error and returns 1. */
int cli_failed(const struct error *error);
