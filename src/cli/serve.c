/* `skylite serve`: builds the server out of its parts, runs it and takes it down. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/cli.h"
#include "cli/deploy.h"
#include "cli/machine.h"
#include "core/region.h"
#include "core/skylite.h"
#include "services/apigateway/apigateway.h"
#include "services/cloudformation/cloudformation.h"
#include "services/dynamodb/dynamodb.h"
#include "services/iam/iam.h"
#include "services/lambda/lambda.h"
#include "services/lambda/launcher.h"
#include "services/cloudwatch/cloudwatch.h"
#include "services/logs/logs.h"
#include "services/s3/s3.h"

enum {
    MAX_TEMPLATES = 16,
    DRAIN_MS = 10000,
    LEAST_MEMORY_MB = 64,
    DEFAULT_LOG_QUOTA = 1 << 30,
};

struct serve_options {
    struct skylite_config config;
    char listen_address[64];
    char metrics_address[64]; /* empty: no listener for figures alone */
    uint16_t metrics_port;
    const char *templates[MAX_TEMPLATES];
    size_t template_count;
    const char *stack_name; /* NULL: the template's folder */
    struct str region;      /* empty: the data folder's own */
};

/* One listener on its way out. */
struct drain {
    struct loop_task task;
    struct server *server;
    struct http_listener *listener;
};

struct server {
    struct serve_options options;
    struct skylite skylite;
    struct arena arena; /* names and paths */

    struct launcher *launcher;
    struct iam *iam;
    struct logs *logs;
    struct cloudwatch *cloudwatch;
    struct s3 *s3;
    struct dynamodb *dynamodb;
    struct lambda *lambda;
    struct apigateway *apigateway;
    struct cloudformation *cloudformation;

    struct http_listener *listeners[SKYLITE_MAX_LOOPS];
    struct http_listener *metrics_listener; /* on loop 0; NULL: none */
    struct drain drains[SKYLITE_MAX_LOOPS];
    struct loop_timer *drain_timer;
    unsigned open_listeners;
    struct loop_task failed_task;
    pthread_t deployer;
    bool is_deploying, is_terminating;
    int exit_status;
};

/* --- Options --- */

/* "ADDR:PORT" of --`option`, an address of IPv6 in brackets. */
static enum err parse_address(const char *option, const char *text, char out_address[64],
                              uint16_t *out_port, struct error *error)
{
    const char *colon = strrchr(text, ':');
    uint64_t port;
    if (!colon || !str_to_u64(str_from(colon + 1), &port) || port > UINT16_MAX)
        return error_set(error, ERR_VALIDATION, "--%s wants ADDR:PORT, not %s", option, text);
    struct str address = str_make(text, (size_t)(colon - text));
    if (str_starts(address, STR("[")) && str_ends(address, STR("]")))
        address = str_slice(address, 1, address.len - 2);
    if (address.len == 0 || address.len >= 64)
        return error_set(error, ERR_VALIDATION, "--%s wants ADDR:PORT, not %s", option, text);
    memcpy(out_address, address.ptr, address.len);
    out_address[address.len] = '\0';
    *out_port = (uint16_t)port;
    return OK;
}

static enum err parse_allowed(struct serve_options *options, const char *text, struct error *error)
{
    struct error why;
    if (reach_allow(&options->config.reach, str_from(text), &why))
        return error_set(error, ERR_VALIDATION, "--allow-integration: %s", why.message);
    return OK;
}

static enum err parse_threads(struct serve_options *options, const char *text, struct error *error)
{
    uint64_t count;
    if (!str_to_u64(str_from(text), &count) || count < 1 || count > SKYLITE_MAX_LOOPS)
        return error_set(error, ERR_VALIDATION, "--threads wants a number from 1 to %d",
                         SKYLITE_MAX_LOOPS);
    options->config.thread_count = (unsigned)count;
    return OK;
}

/* "1G", "512M", "100K" or bytes; 1024 at a time. */
static enum err parse_size(const char *option, const char *text, int64_t *out, struct error *error)
{
    static const char units[] = "KMGT";
    struct str digits = str_from(text);
    const char *unit = digits.len ? strchr(units, text[digits.len - 1]) : NULL;
    int shift = unit ? 10 * (int)(unit - units + 1) : 0;
    uint64_t size;
    if (unit)
        digits.len--;
    if (!str_to_u64(digits, &size) || size > (uint64_t)INT64_MAX >> shift)
        return error_set(error, ERR_VALIDATION, "--%s wants a size such as 512M or 1G, not %s",
                         option, text);
    *out = (int64_t)(size << shift);
    return OK;
}

/* One of two words; `*out_is_first` tells which. */
static enum err parse_choice(const char *option, const char *text, const char *first,
                             const char *second, bool *out_is_first, struct error *error)
{
    if (strcmp(text, first) != 0 && strcmp(text, second) != 0)
        return error_set(error, ERR_VALIDATION, "--%s wants %s or %s, not %s", option, first,
                         second, text);
    *out_is_first = strcmp(text, first) == 0;
    return OK;
}

static enum err parse_region(struct serve_options *options, const char *text, struct error *error)
{
    options->region = str_from(text);
    if (!region_is_valid(options->region))
        return error_set(error, ERR_VALIDATION,
                         "--region wants a region of the partition aws, such as eu-west-1, not %s",
                         text);
    return OK;
}

/* "256M" or "4G". */
static enum err parse_memory(struct serve_options *options, const char *text, struct error *error)
{
    int64_t bytes;
    enum err rc = parse_size("memory", text, &bytes, error);
    if (rc)
        return rc;
    if (bytes < (int64_t)LEAST_MEMORY_MB << 20)
        return error_set(error, ERR_VALIDATION, "--memory wants at least %dM", LEAST_MEMORY_MB);
    options->config.memory = (uint64_t)bytes;
    return OK;
}

static enum err parse_template(struct serve_options *options, const char *text, struct error *error)
{
    if (options->template_count == MAX_TEMPLATES)
        return error_set(error, ERR_VALIDATION, "--deploy can be given %d times", MAX_TEMPLATES);
    options->templates[options->template_count++] = text;
    return OK;
}

static enum err parse_option(struct serve_options *options, int option, const char *text,
                             struct error *error)
{
    bool is_first = false;
    enum err rc = OK;
    switch (option) {
    case 'd':
        options->config.data_dir = text;
        return OK;
    case 'l':
        return parse_address("listen", text, options->listen_address, &options->config.listen_port,
                             error);
    case 'm':
        return parse_address("metrics", text, options->metrics_address, &options->metrics_port,
                             error);
    case 'i':
        return parse_allowed(options, text, error);
    case 'q':
        return parse_size("log-quota", text, &options->config.log_quota_bytes, error);
    case 't':
        return parse_threads(options, text, error);
    case 'M':
        return parse_memory(options, text, error);
    case 'D':
        return parse_template(options, text, error);
    case 'r':
        return parse_region(options, text, error);
    case 'S':
        options->stack_name = text;
        return OK;
    case 'u':
        rc = parse_choice("durability", text, "sync", "relaxed", &is_first, error);
        options->config.durability = is_first ? STORE_SYNC : STORE_RELAXED;
        return rc;
    case 'a':
        rc = parse_choice("auth", text, "sigv4", "any", &is_first, error);
        options->config.auth = is_first ? AUTH_SIGV4 : AUTH_ANY;
        return rc;
    case 's':
        rc = parse_choice("sandbox", text, "on", "none", &is_first, error);
        options->config.is_sandboxed = is_first;
        return rc;
    default:
        return error_set(error, ERR_VALIDATION, "unknown option; see skylite help");
    }
}

static unsigned core_count(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count < 1 ? 1 : count > SKYLITE_MAX_LOOPS ? SKYLITE_MAX_LOOPS : (unsigned)count;
}

static enum err parse_options(struct serve_options *options, int argc, char **argv,
                              struct error *error)
{
    static const struct option known[] = {
        {"data", required_argument, NULL, 'd'},
        {"listen", required_argument, NULL, 'l'},
        {"metrics", required_argument, NULL, 'm'},
        {"allow-integration", required_argument, NULL, 'i'},
        {"deploy", required_argument, NULL, 'D'},
        {"stack", required_argument, NULL, 'S'},
        {"region", required_argument, NULL, 'r'},
        {"threads", required_argument, NULL, 't'},
        {"memory", required_argument, NULL, 'M'},
        {"log-quota", required_argument, NULL, 'q'},
        {"auth", required_argument, NULL, 'a'},
        {"durability", required_argument, NULL, 'u'},
        {"sandbox", required_argument, NULL, 's'},
        {NULL, 0, NULL, 0},
    };
    *options = (struct serve_options){
        .config = {.data_dir = cli_data_dir(),
                   .listen_port = 4566,
                   .thread_count = core_count(),
                   .memory = machine_memory() / 4,
                   .durability = STORE_SYNC,
                   .auth = AUTH_SIGV4,
                   .is_sandboxed = true,
                   .log_quota_bytes = DEFAULT_LOG_QUOTA,
                   .account = STR("000000000000")},
        .listen_address = "127.0.0.1",
    };
    int option;
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        enum err rc = parse_option(options, option, optarg, error);
        if (rc)
            return rc;
    }
    if (optind < argc)
        return error_set(error, ERR_VALIDATION, "unexpected argument: %s", argv[optind]);
    return OK;
}

/* --- The data folder --- */

static const char *data_path(struct server *server, const char *name)
{
    return arena_printf(&server->arena, "%s/%s", server->options.config.data_dir, name).ptr;
}

/* It holds secrets, so nobody else may look in. */
static enum err make_data_dir(struct server *server, struct error *error)
{
    const char *path = server->options.config.data_dir;
    struct stat stat_of;
    if (mkdir(path, 0700) == 0)
        return OK;
    if (errno != EEXIST || stat(path, &stat_of))
        return error_set(error, ERR_INTERNAL, "cannot make the data folder %s: %m", path);
    if (stat_of.st_mode & 077)
        return error_set(
            error, ERR_INTERNAL,
            "others than its owner can use the data folder %s (mode %04o), which holds "
            "secrets: chmod 700 %s",
            path, (unsigned)stat_of.st_mode & 07777, path);
    return OK;
}

/* What clients on this machine connect to. */
static struct str endpoint_url(struct server *server)
{
    const char *address = server->options.listen_address;
    bool is_any = strcmp(address, "0.0.0.0") == 0 || strcmp(address, "::") == 0;
    if (is_any)
        address = strchr(address, ':') ? "::1" : "127.0.0.1";
    return strchr(address, ':')
               ? arena_printf(&server->arena, "http://[%s]:%u", address, server->skylite.port)
               : arena_printf(&server->arena, "http://%s:%u", address, server->skylite.port);
}

static bool write_text(const char *path, struct str text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    bool is_written = fchmod(fd, 0600) == 0 && write(fd, text.ptr, text.len) == (ssize_t)text.len &&
                      ftruncate(fd, (off_t)text.len) == 0;
    return close(fd) == 0 && is_written;
}

/* Where the other commands find the server, and its region. Written whole or not at all; on a full
 * disk over the one that is there, which has its block, or not at all: a server that can be read is
 * better than none. */
static enum err write_endpoint(struct server *server, struct error *error)
{
    const char *path = data_path(server, "endpoint"), *new_path = data_path(server, "endpoint.new");
    struct str text = arena_concat(&server->arena, endpoint_url(server), STR("\n"),
                                   server->skylite.config.region, STR("\n"));
    if (write_text(new_path, text) && rename(new_path, path) == 0)
        return OK;
    if (errno != ENOSPC && errno != EDQUOT)
        return error_set(error, ERR_INTERNAL, "cannot write %s: %m", path);
    unlink(new_path);
    if (!write_text(path, text))
        log_warn("cli", "cannot write %s, by which other commands find the server: %m", path);
    return OK;
}

/* --- Building --- */

static enum err share_out(struct server *server, struct error *error)
{
    const struct skylite_config *config = &server->options.config;
    size_t descriptors = machine_raise_descriptors();
    int dir_fd = open(config->data_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0)
        return error_set(error, ERR_INTERNAL, "cannot open the data folder %s: %m",
                         config->data_dir);
    limits_init(&server->skylite.limits, config->memory, descriptors, dir_fd, config->thread_count);
    return OK;
}

static enum err start_loops(struct server *server, struct error *error)
{
    struct skylite *skylite = &server->skylite;
    for (unsigned i = 0; i < server->options.config.thread_count; i++) {
        enum err rc = loop_new(i, &skylite->loops[i], error);
        if (rc)
            return rc;
        skylite->loop_count++;
    }
    return OK;
}

/* The order matters: a service may use the capabilities of those before it. */
static enum err start_services(struct server *server, struct error *error)
{
    struct skylite *skylite = &server->skylite;
    enum err rc = iam_new(skylite, &server->iam, error);
    if (rc == OK)
        rc = cloudwatch_new(skylite, &server->cloudwatch, error);
    if (rc == OK)
        rc = logs_new(skylite, &server->logs, error);
    if (rc == OK)
        rc = s3_new(skylite, &server->s3, error);
    if (rc == OK)
        rc = dynamodb_new(skylite, &server->dynamodb, error);
    if (rc == OK)
        rc = lambda_new(skylite, server->launcher, &server->lambda, error);
    if (rc == OK)
        rc = apigateway_new(skylite, &server->apigateway, error);
    if (rc == OK)
        rc = cloudformation_new(skylite, &server->cloudformation, error);
    return rc;
}

static void free_services(struct server *server)
{
    cloudformation_free(server->cloudformation);
    apigateway_free(server->apigateway);
    lambda_free(server->lambda);
    dynamodb_free(server->dynamodb);
    s3_free(server->s3);
    logs_free(server->logs);
    cloudwatch_free(server->cloudwatch);
    iam_free(server->iam);
}

static enum err listen_everywhere(struct server *server, struct error *error)
{
    struct skylite *skylite = &server->skylite;
    skylite->port = server->options.config.listen_port;
    enum err taken = http_port_check(server->options.listen_address, skylite->port, error);
    if (taken)
        return taken;
    for (unsigned i = 0; i < skylite->loop_count; i++) {
        struct http_listener_options options = front_door_options(skylite, i);
        enum err rc = http_listen(skylite->loops[i], server->options.listen_address, skylite->port,
                                  &options, &server->listeners[i], error);
        if (rc)
            return rc;
        skylite->port = http_listener_port(server->listeners[i]);
    }
    return OK;
}

static enum err listen_for_metrics(struct server *server, struct error *error)
{
    const struct serve_options *options = &server->options;
    struct http_listener_options door = front_door_options_for_metrics(&server->skylite);
    if (!options->metrics_address[0])
        return OK;
    enum err rc = http_port_check(options->metrics_address, options->metrics_port, error);
    if (rc == OK)
        rc = http_listen(server->skylite.loops[0], options->metrics_address, options->metrics_port,
                         &door, &server->metrics_listener, error);
    return rc;
}

/* Integrations reach the server's own ports only where a rule names them. */
static void guard_own_ports(struct server *server)
{
    struct reach *reach = &server->skylite.config.reach;
    reach_add_own_port(reach, server->skylite.port);
    if (server->metrics_listener)
        reach_add_own_port(reach, http_listener_port(server->metrics_listener));
}

/* Every write that was acknowledged is on disk, and no other can be made: whoever watches over the
 * server starts it again. On the store's writer thread. */
static void report_store(void *arg, enum store_state state, const char *reason)
{
    struct server *server = arg;
    health_report(&server->skylite.health, HEALTH_STORE, reason);
    if (state != STORE_FAILED)
        return;
    fprintf(stderr, "skylite: %s: the server ends, nothing acknowledged is lost\n", reason);
    _exit(1);
}

static void report_damage(void *arg, const char *reason)
{
    struct server *server = arg;
    health_report(&server->skylite.health, HEALTH_DATA, reason);
}

static enum err build(struct server *server, struct error *error)
{
    struct store_options store_options = {
        .durability = server->options.config.durability,
        .report = report_store,
        .report_damage = report_damage,
        .report_arg = server,
    };
    server->skylite.config = server->options.config;
    server->skylite.config.listen_address = server->options.listen_address;
    enum err rc = machine_check_address_space(server->options.config.memory,
                                              server->options.config.thread_count, error);
    if (rc == OK)
        rc = make_data_dir(server, error);
    if (rc == OK)
        rc = launcher_start(server->options.config.is_sandboxed, &server->launcher, error);
    if (rc == OK)
        rc = share_out(server, error);
    if (rc == OK)
        rc = store_open(data_path(server, "store"), &store_options, &server->skylite.store, error);
    if (rc == OK)
        rc = region_settle(server->skylite.store, server->options.region,
                           server->options.config.data_dir, &server->arena,
                           &server->skylite.config.region, error);
    if (rc == OK)
        rc = start_loops(server, error);
    if (rc == OK) /* half of the machine at most */
        rc = workers_new((core_count() + 1) / 2, &server->skylite.workers, error);
    if (rc == OK)
        rc = start_services(server, error);
    if (rc == OK)
        rc = listen_everywhere(server, error);
    if (rc == OK)
        rc = listen_for_metrics(server, error);
    if (rc == OK)
        guard_own_ports(server);
    if (rc == OK)
        rc = write_endpoint(server, error);
    return rc;
}

/* --- Taking down --- */

/* All on loop 0, but close_listener and listener_closed, which run on the listener's loop. */

static void stop_loops(void *arg)
{
    struct server *server = arg;
    loop_timer_stop(server->drain_timer);
    for (unsigned i = 0; i < server->skylite.loop_count; i++)
        loop_stop(server->skylite.loops[i]);
}

static struct drain *drain_of(struct loop_task *task)
{
    return (struct drain *)((char *)task - offsetof(struct drain, task));
}

static void count_closed(struct loop_task *task)
{
    struct server *server = drain_of(task)->server;
    if (--server->open_listeners == 0)
        lambda_shutdown(server->lambda, stop_loops, server);
}

static void listener_closed(void *arg)
{
    struct drain *drain = arg;
    drain->task.run = count_closed;
    loop_post(drain->server->skylite.loops[0], &drain->task);
}

static void close_listener(struct loop_task *task)
{
    struct drain *drain = drain_of(task);
    http_listener_close(drain->listener, listener_closed, drain);
}

static void give_up(void *arg)
{
    struct server *server = arg;
    log_warn("cli", "requests still under way after %d ms are cut off", DRAIN_MS);
    server->drain_timer = NULL; /* it has fired */
    for (unsigned i = 0; i < server->skylite.loop_count; i++)
        loop_stop(server->skylite.loops[i]);
}

static void terminate(struct server *server)
{
    struct skylite *skylite = &server->skylite;
    if (server->is_terminating)
        _exit(1); /* asked twice: now */
    server->is_terminating = true;
    server->open_listeners = skylite->loop_count;
    server->drain_timer = loop_timer_start(skylite->loops[0], DRAIN_MS, 0, give_up, server);
    if (server->metrics_listener)
        http_listener_close(server->metrics_listener, NULL, NULL);
    for (unsigned i = 0; i < skylite->loop_count; i++) {
        server->drains[i].task.run = close_listener;
        loop_post(skylite->loops[i], &server->drains[i].task);
    }
}

static void on_signal(int signal, void *arg)
{
    (void)signal;
    terminate(arg);
}

static void on_failed_deployment(struct loop_task *task)
{
    struct server *server = (struct server *)((char *)task - offsetof(struct server, failed_task));
    if (!server->is_terminating)
        terminate(server);
}

static void take_down(struct server *server)
{
    unlink(data_path(server, "endpoint"));
    for (unsigned i = 1; i < server->skylite.loop_count; i++)
        loop_join(server->skylite.loops[i]);
    if (server->is_deploying)
        pthread_join(server->deployer, NULL);
    workers_free(server->skylite.workers);
    free_services(server);
    for (unsigned i = 0; i < server->skylite.loop_count; i++)
        loop_free(server->skylite.loops[i]);
    store_close(server->skylite.store);
    launcher_stop(server->launcher);
    arena_release(&server->arena);
}

/* --- Running --- */

static enum err deploy_all(struct server *server, struct error *error)
{
    for (size_t i = 0; i < server->options.template_count; i++) {
        struct cli_deploy_options options = {
            .template_path = server->options.templates[i],
            .stack_name = server->options.stack_name,
            .data_dir = server->options.config.data_dir,
        };
        enum err rc = cli_deploy(&options, error);
        if (rc)
            return rc;
    }
    return OK;
}

/* A thread of its own, since it is a client of this server and blocks. */
static void *deploy_and_report(void *arg)
{
    struct server *server = arg;
    struct error error;
    enum err rc = deploy_all(server, &error);
    if (rc && store_state(server->skylite.store) != STORE_WRITABLE) {
        /* What is deployed already can be served. */
        log_warn("cli", "not deployed: %s", error.message);
        rc = OK;
    }
    if (rc) {
        fprintf(stderr, "skylite: %s\n", error.message);
        server->exit_status = 1;
        server->failed_task.run = on_failed_deployment;
        loop_post(server->skylite.loops[0], &server->failed_task);
        return NULL;
    }
    struct str url = endpoint_url(server);
    printf("skylite: ready on %.*s\n", STR_ARG(url));
    fflush(stdout);
    return NULL;
}

static void greet(struct server *server)
{
    const struct skylite_config *config = &server->options.config;
    if (config->auth == AUTH_ANY)
        fprintf(stderr, "skylite: WARNING: --auth any: every caller is the account's root\n");
    if (!config->is_sandboxed)
        fprintf(stderr,
                "skylite: WARNING: --sandbox none: functions run as this user, unconfined\n");
    const char *shortcoming;
    for (size_t i = 0; (shortcoming = launcher_shortcoming(server->launcher, i)); i++)
        fprintf(stderr, "skylite: WARNING: %s\n", shortcoming);
    if (server->metrics_listener)
        printf("skylite: figures for Prometheus on http://%s%s%s:%u/metrics\n",
               strchr(server->options.metrics_address, ':') ? "[" : "",
               server->options.metrics_address,
               strchr(server->options.metrics_address, ':') ? "]" : "",
               http_listener_port(server->metrics_listener));
    printf("skylite: data in %s, credentials in %s/credentials; eval $(skylite env --data %s)\n",
           config->data_dir, config->data_dir, config->data_dir);
    fflush(stdout);
}

static enum err run(struct server *server, struct error *error)
{
    struct skylite *skylite = &server->skylite;
    greet(server);
    limits_watch(&skylite->limits, skylite->loops[0]);
    cloudformation_resume(server->cloudformation);
    for (unsigned i = 0; i < skylite->loop_count; i++) {
        server->drains[i] = (struct drain){.server = server, .listener = server->listeners[i]};
        enum err rc = i > 0 ? loop_start(skylite->loops[i], error) : OK;
        if (rc)
            return rc;
    }
    loop_on_termination(skylite->loops[0], on_signal, server);
    if (pthread_create(&server->deployer, NULL, deploy_and_report, server) != 0)
        return error_set(error, ERR_INTERNAL, "cannot start a thread");
    server->is_deploying = true;
    loop_run(skylite->loops[0]);
    return OK;
}

int cli_serve(int argc, char **argv)
{
    static struct server server; /* large, and of the process's lifetime */
    struct error error;

    if (parse_options(&server.options, argc, argv, &error) != OK) {
        fprintf(stderr, "skylite: %s\n", error.message);
        return 2;
    }
    umask(077);
    enum err rc = build(&server, &error);
    if (rc == OK)
        rc = run(&server, &error);
    if (rc != OK) {
        /* Threads may be running: leave taking down to the kernel. */
        fprintf(stderr, "skylite: %s\n", error.message);
        _exit(1);
    }
    take_down(&server);
    return server.exit_status;
}
