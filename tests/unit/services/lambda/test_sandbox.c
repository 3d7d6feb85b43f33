/* The launcher and its sandboxes, from outside: a probe runs as a function and tries to break out.
 * With the argument "user" the tests run as an ordinary user, with "plain" without sandboxes. */
#include "services/lambda/launcher.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../check.h"

enum { WAIT_MS = 20000 };

struct fixture {
    struct launcher *launcher;
    int channel;
    char root[64]; /* removed in the end */
    char dir[96];  /* the functions folder, in it */
    uint64_t next_id;
};

static bool is_sandboxed = true;

/* --- Fixture --- */

static void copy_probe(const char *to)
{
    int in = open(PROBE_PROGRAM, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
    char block[64 * 1024];
    ssize_t len;
    assert_true(in >= 0 && out >= 0);
    while ((len = read(in, block, sizeof(block))) > 0)
        assert_int_equal(write(out, block, (size_t)len), len);
    close(in);
    close(out);
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    struct error error;
    char path[128];
    assert_non_null(fixture);
    *state = fixture;

    snprintf(fixture->root, sizeof(fixture->root), "/tmp/skylite-test-XXXXXX");
    assert_non_null(mkdtemp(fixture->root));
    snprintf(fixture->dir, sizeof(fixture->dir), "%s/functions", fixture->root);
    assert_int_equal(mkdir(fixture->dir, 0755), 0);
    snprintf(path, sizeof(path), "%s/probe", fixture->dir);
    assert_int_equal(mkdir(path, 0755), 0);
    snprintf(path, sizeof(path), "%s/probe/bootstrap", fixture->dir);
    copy_probe(path);
    snprintf(path, sizeof(path), "%s/empty", fixture->dir);
    assert_int_equal(mkdir(path, 0755), 0);

    assert_int_equal(launcher_start(is_sandboxed, &fixture->launcher, &error), OK);
    if (launcher_configure(fixture->launcher, fixture->dir, &error))
        fail_msg("%s", error.message);
    assert_int_equal(launcher_open(fixture->launcher, &fixture->channel, &error), OK);
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    char command[128];
    if (fixture->channel >= 0)
        close(fixture->channel);
    launcher_stop(fixture->launcher);
    snprintf(command, sizeof(command), "rm -rf %s", fixture->root);
    assert_int_equal(system(command), 0);
    free(fixture);
    return 0;
}

static bool wait_readable(int fd)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    return poll(&wait, 1, WAIT_MS) == 1;
}

static struct launcher_event next_event(struct fixture *fixture)
{
    struct launcher_event event;
    assert_true(wait_readable(fixture->channel));
    assert_true(launcher_receive(fixture->channel, &event));
    return event;
}

/* An instance of the probe and what it has printed. */
struct run {
    struct launcher_event started;
    struct launcher_event end;
    char output[4096];
};

static void spawn(struct fixture *fixture, const char *code, struct str environment,
                  struct run *run)
{
    struct error error;
    struct launcher_spawn spawn = {
        .id = ++fixture->next_id,
        .code = str_from(code),
        .environment = environment,
        .memory_mb = 128,
        .tmp_mb = 16,
    };
    assert_int_equal(launcher_spawn(fixture->channel, &spawn, &error), OK);
    run->started = next_event(fixture);
    if (run->started.kind != LAUNCHER_STARTED)
        fail_msg("%s", run->started.message);
}

static void close_run(struct run *run)
{
    close(run->started.api_fd);
    close(run->started.endpoint_fd);
    close(run->started.output_fd);
    close(run->started.memory_fd);
    close(run->started.process_fd);
}

/* Reads what it prints until its end. */
static void finish(struct fixture *fixture, struct run *run)
{
    size_t len = 0;
    ssize_t got = 1;
    while (got != 0 && wait_readable(run->started.output_fd)) {
        got = read(run->started.output_fd, run->output + len, sizeof(run->output) - 1 - len);
        assert_true(got >= 0 || errno == EAGAIN);
        len += got > 0 ? (size_t)got : 0;
    }
    run->output[len] = '\0';
    run->end = next_event(fixture);
    assert_int_equal(run->end.kind, LAUNCHER_EXITED);
    close_run(run);
}

static void run_probe(struct fixture *fixture, struct str environment, struct run *run)
{
    spawn(fixture, "probe", environment, run);
    finish(fixture, run);
}

static void assert_contained(const struct run *run)
{
    if (run->end.exit != LAUNCHER_EXIT_CODE || run->end.status != 0)
        fail_msg("exit %d, status %d:\n%s", (int)run->end.exit, run->end.status, run->output);
}

#define PROBE(name) STR("PROBE=" name "\0")

/* --- Any launcher --- */

static void test_launcher__reports_the_exit_code(void **state)
{
    struct run run;
    run_probe(*state, PROBE("exit"), &run);
    assert_int_equal(run.end.exit, LAUNCHER_EXIT_CODE);
    assert_int_equal(run.end.status, 7);
}

static void test_launcher__reports_the_signal(void **state)
{
    struct run run;
    run_probe(*state, PROBE("abort"), &run);
    assert_int_equal(run.end.exit, LAUNCHER_EXIT_SIGNAL);
    assert_int_equal(run.end.status, SIGABRT);
}

static void test_launcher__reports_a_missing_bootstrap(void **state)
{
    struct run run;
    spawn(*state, "empty", STR_EMPTY, &run);
    finish(*state, &run);
    assert_int_equal(run.end.exit, LAUNCHER_EXIT_MISSING);
}

static void test_launcher__refuses_names_that_leave_the_folder(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    struct launcher_spawn spawn = {.id = 1, .code = STR("../probe"), .memory_mb = 128};
    assert_int_equal(launcher_spawn(fixture->channel, &spawn, &error), OK);
    assert_int_equal(next_event(fixture).kind, LAUNCHER_FAILED);
}

static void test_launcher__gives_the_environment_and_the_addresses(void **state)
{
    struct run run;
    run_probe(*state, STR("PROBE=environment\0A=b c\0"), &run);
    assert_non_null(strstr(run.output, "A=b c\n"));
    assert_non_null(strstr(run.output, "AWS_LAMBDA_RUNTIME_API=127.0.0.1:"));
    assert_non_null(strstr(run.output, "AWS_ENDPOINT_URL=http://127.0.0.1:"));
}

static void test_launcher__leaves_the_endpoint_that_the_owner_set(void **state)
{
    struct run run;
    run_probe(*state, STR("PROBE=environment\0AWS_ENDPOINT_URL=http://x\0"), &run);
    assert_non_null(strstr(run.output, "AWS_ENDPOINT_URL=http://x\n"));
    assert_null(strstr(run.output, "AWS_ENDPOINT_URL=http://127"));
}

static void test_launcher__passes_three_descriptors_only(void **state)
{
    struct run run;
    run_probe(*state, PROBE("descriptors"), &run);
    assert_contained(&run);
}

static void assert_word(int listener, const char *word)
{
    char text[16] = "";
    assert_true(wait_readable(listener));
    int fd = accept(listener, NULL, NULL);
    assert_true(fd >= 0);
    assert_true(wait_readable(fd));
    assert_true(read(fd, text, sizeof(text) - 1) > 0);
    assert_string_equal(text, word);
    close(fd);
}

static void test_launcher__hands_over_listeners_that_the_function_reaches(void **state)
{
    struct run run;
    spawn(*state, "probe", PROBE("connect"), &run);
    assert_word(run.started.api_fd, "api");
    assert_word(run.started.endpoint_fd, "endpoint");
    launcher_kill(run.started.process_fd);
    finish(*state, &run);
}

static void test_launcher__shows_how_much_memory_the_bootstrap_uses(void **state)
{
    struct run run;
    char text[4096];
    spawn(*state, "probe", PROBE("sleep"), &run);
    assert_true(wait_readable(run.started.output_fd));
    ssize_t len = pread(run.started.memory_fd, text, sizeof(text) - 1, 0);
    assert_true(len > 0);
    text[len] = '\0';
    assert_non_null(strstr(text, "VmHWM:"));
    launcher_kill(run.started.process_fd);
    finish(*state, &run);
}

static void test_launcher__kills_an_instance_with_its_children(void **state)
{
    struct run run;
    spawn(*state, "probe", PROBE("sleep"), &run);
    assert_true(wait_readable(run.started.output_fd));
    launcher_kill(run.started.process_fd);
    finish(*state, &run); /* the output ends only when no process holds the pipe */
    assert_int_equal(run.end.exit, LAUNCHER_EXIT_SIGNAL);
    assert_int_equal(run.end.status, SIGKILL);
    assert_false(run.end.is_out_of_memory);
}

static void test_launcher__kills_what_a_closed_channel_has_started(void **state)
{
    struct fixture *fixture = *state;
    struct run run;
    spawn(fixture, "probe", PROBE("sleep"), &run);
    close(fixture->channel);
    fixture->channel = -1;
    assert_true(wait_readable(run.started.process_fd));
    close_run(&run);
}

static void test_launcher__ends_with_the_process_that_started_it(void **state)
{
    (void)state;
    int ends[2];
    char byte;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t server = fork();
    if (server == 0) {
        struct launcher *launcher;
        struct error error;
        void *inner = NULL;
        struct run run;
        (void)launcher;
        (void)error;
        if (set_up(&inner))
            _exit(1);
        spawn(inner, "probe", PROBE("sleep"), &run);
        /* Tells the folder to clean, then dies as hard as one can. */
        struct fixture *fixture = inner;
        if (write(ends[1], fixture->root, sizeof(fixture->root)) < 0)
            _exit(1);
        if (!wait_readable(run.started.output_fd))
            _exit(1);
        kill(getpid(), SIGKILL);
    }
    close(ends[1]);
    char root[64], command[128];
    assert_int_equal(read(ends[0], root, sizeof(root)), sizeof(root));
    waitpid(server, NULL, 0);
    /* The pipe's other end is gone once server and launcher are. */
    assert_true(wait_readable(ends[0]));
    assert_int_equal(read(ends[0], &byte, 1), 0);
    close(ends[0]);
    snprintf(command, sizeof(command), "rm -rf %s", root);
    assert_int_equal(system(command), 0);
}

/* --- Sandboxes --- */

static void test_sandbox__hides_the_hosts_files(void **state)
{
    struct fixture *fixture = *state;
    struct run run;
    char environment[128];
    int len = snprintf(environment, sizeof(environment), "PROBE=files%cPROBE_PATH=%s/probe", '\0',
                       fixture->dir);
    run_probe(fixture, str_make(environment, (size_t)len + 1), &run);
    assert_contained(&run);
}

static void test_sandbox__lets_a_function_write_to_tmp_only(void **state)
{
    struct run run;
    run_probe(*state, PROBE("writing"), &run);
    assert_contained(&run);
}

static void test_sandbox__hides_the_hosts_processes(void **state)
{
    struct run run;
    run_probe(*state, PROBE("processes"), &run);
    assert_contained(&run);
}

static void test_sandbox__cannot_reach_the_hosts_network(void **state)
{
    struct run run;
    char environment[64];
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof(address);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(listener, 1), 0);
    getsockname(listener, (struct sockaddr *)&address, &size);

    int len = snprintf(environment, sizeof(environment), "PROBE=network%cPROBE_PORT=%d", '\0',
                       ntohs(address.sin_port));
    run_probe(*state, str_make(environment, (size_t)len + 1), &run);
    assert_contained(&run);
    close(listener);
}

static void test_sandbox__refuses_dangerous_calls(void **state)
{
    struct run run;
    run_probe(*state, PROBE("calls"), &run);
    assert_contained(&run);
}

static void test_sandbox__runs_without_any_right(void **state)
{
    struct run run;
    run_probe(*state, PROBE("rights"), &run);
    assert_contained(&run);
}

static void test_sandbox__contains_a_fork_bomb(void **state)
{
    struct run run;
    run_probe(*state, PROBE("fork"), &run);
    assert_contained(&run);
}

static void test_sandbox__ends_what_takes_too_much_memory(void **state)
{
    struct run run;
    run_probe(*state, PROBE("memory"), &run);
    /* Killed by the group's limit, or refused the memory by the process's. */
    bool is_killed = run.end.exit == LAUNCHER_EXIT_SIGNAL && run.end.status == SIGKILL &&
                     run.end.is_out_of_memory;
    bool is_refused = run.end.exit == LAUNCHER_EXIT_CODE && run.end.status == 9;
    assert_true(is_killed || is_refused);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static const struct CMUnitTest launcher_tests[] = {
    TEST(test_launcher__reports_the_exit_code),
    TEST(test_launcher__reports_the_signal),
    TEST(test_launcher__reports_a_missing_bootstrap),
    TEST(test_launcher__refuses_names_that_leave_the_folder),
    TEST(test_launcher__gives_the_environment_and_the_addresses),
    TEST(test_launcher__leaves_the_endpoint_that_the_owner_set),
    TEST(test_launcher__passes_three_descriptors_only),
    TEST(test_launcher__hands_over_listeners_that_the_function_reaches),
    TEST(test_launcher__shows_how_much_memory_the_bootstrap_uses),
    TEST(test_launcher__kills_an_instance_with_its_children),
    TEST(test_launcher__kills_what_a_closed_channel_has_started),
    cmocka_unit_test(test_launcher__ends_with_the_process_that_started_it),
};

static const struct CMUnitTest sandbox_tests[] = {
    TEST(test_sandbox__hides_the_hosts_files),
    TEST(test_sandbox__lets_a_function_write_to_tmp_only),
    TEST(test_sandbox__hides_the_hosts_processes),
    TEST(test_sandbox__cannot_reach_the_hosts_network),
    TEST(test_sandbox__refuses_dangerous_calls),
    TEST(test_sandbox__runs_without_any_right),
    TEST(test_sandbox__contains_a_fork_bomb),
    TEST(test_sandbox__ends_what_takes_too_much_memory),
};

/* 77 is how a test tells meson that it was skipped. */
static void skip_unless_possible(void)
{
    struct launcher *launcher;
    struct error error;
    if (launcher_start(is_sandboxed, &launcher, &error) ||
        launcher_configure(launcher, "/tmp", &error)) {
        fprintf(stderr, "skipped: this machine makes no sandboxes (%s)\n", error.message);
        exit(77);
    }
    launcher_stop(launcher);
}

static void become_ordinary(void)
{
    enum { NOBODY = 65534 };
    if (geteuid() == 0 && (setgroups(0, NULL) || setgid(NOBODY) || setuid(NOBODY)))
        exit(1);
    if (access(PROBE_PROGRAM, R_OK)) {
        fprintf(stderr, "skipped: an ordinary user cannot read %s\n", PROBE_PROGRAM);
        exit(77);
    }
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "";
    is_sandboxed = strcmp(mode, "plain") != 0;
    if (strcmp(mode, "user") == 0)
        become_ordinary();
    skip_unless_possible();
    int failed = cmocka_run_group_tests(launcher_tests, NULL, NULL);
    if (is_sandboxed)
        failed += cmocka_run_group_tests(sandbox_tests, NULL, NULL);
    return failed;
}
