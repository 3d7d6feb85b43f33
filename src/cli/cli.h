/* The commands of the skylite program. Each takes what follows its name, with argv[0] being the
 * name itself, and returns the exit status: 0, 1 for a failure, 2 for wrong usage. They run on the
 * main thread. */
#pragma once

int cli_serve(int argc, char **argv);
int cli_deploy_command(int argc, char **argv);
int cli_delete(int argc, char **argv);
int cli_outputs(int argc, char **argv);
int cli_env(int argc, char **argv);
int cli_logs(int argc, char **argv);
int cli_import(int argc, char **argv);
int cli_export(int argc, char **argv);
int cli_stacks(int argc, char **argv);
int cli_functions(int argc, char **argv);
int cli_tables(int argc, char **argv);
int cli_apis(int argc, char **argv);
int cli_status(int argc, char **argv);
int cli_check(int argc, char **argv);
