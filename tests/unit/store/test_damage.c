/* Damage: whichever byte of the store's files is flipped, no acknowledged write is silently gone.
 */
#include "store/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../check.h"
#include "base/log.h"

enum { WRITES = 100, PLACES = 60 };

struct fixture {
    char whole[64], broken[64]; /* folders: as it was left, and a copy with one byte flipped */
};

static int run(const char *format, ...) __attribute__((format(printf, 1, 2)));

static int run(const char *format, ...)
{
    char command[512];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof(command), format, args);
    va_end(args);
    return system(command);
}

static struct str key_of(char buffer[16], int i)
{
    return str_make(buffer, (size_t)snprintf(buffer, 16, "key%05d", i));
}

/* Long and of each number its own, so that values span blocks of the log. */
static void fill_value(char value[2000], int i)
{
    unsigned state = (unsigned)i + 1;
    for (int at = 0; at < 2000; at++) {
        state = state * 1103515245 + 12345;
        value[at] = (char)(state >> 16);
    }
}

static enum err put_one(struct store_txn *txn, struct store_write *write, struct error *error)
{
    char key[16], value[2000];
    int i = *(int *)write->arg;
    (void)error;
    fill_value(value, i);
    store_txn_put(txn, STORE_ITEMS, key_of(key, i), str_make(value, sizeof(value)));
    return OK;
}

static struct store *open_or_fail(const char *path)
{
    struct store_options options = {.durability = STORE_SYNC, .cache_bytes = 1024 * 1024};
    struct store *store = NULL;
    struct error error;
    if (store_open(path, &options, &store, &error))
        fail_msg("%s", error.message);
    return store;
}

/* Each write is acknowledged by itself. With `is_closed` all are in tables, else in the log. */
static int set_up(void **state, bool is_closed)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct error error;
    char original[64] = "/tmp/skylite-damage-XXXXXX";
    assert_non_null(f);
    strcpy(f->whole, original);
    strcpy(f->broken, original);
    assert_non_null(mkdtemp(original));
    assert_non_null(mkdtemp(f->whole));
    assert_non_null(mkdtemp(f->broken));
    struct store *store = open_or_fail(original);
    for (int i = 0; i < WRITES; i++)
        assert_int_equal(store_write_wait(store, put_one, &i, &error), OK);
    if (is_closed)
        store_close(store);
    assert_int_equal(run("rm -f %s/reserve; cp -r %s/. %s", original, original, f->whole), 0);
    if (!is_closed)
        store_close(store);
    assert_int_equal(run("rm -r %s", original), 0);
    log_set_level(LOG_ERROR + 1);
    *state = f;
    return 0;
}

static int setup_in_log(void **state)
{
    return set_up(state, false);
}

static int setup_in_tables(void **state)
{
    return set_up(state, true);
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    int rc = run("rm -r %s %s", f->whole, f->broken);
    log_set_level(LOG_INFO);
    free(f);
    return rc;
}

/* The largest file whose name has `part`; false when there is none. */
static bool find_file(const char *dir, const char *part, char name[300], off_t *out_size)
{
    DIR *files = opendir(dir);
    struct dirent *entry;
    struct stat stat;
    *out_size = -1;
    while ((entry = readdir(files))) {
        if (strstr(entry->d_name, part) && fstatat(dirfd(files), entry->d_name, &stat, 0) == 0 &&
            stat.st_size > *out_size) {
            *out_size = stat.st_size;
            snprintf(name, 300, "%s", entry->d_name);
        }
    }
    closedir(files);
    return *out_size > 0;
}

static void flip(const char *dir, const char *name, off_t at, unsigned char mask)
{
    char path[400];
    unsigned char byte;
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    int fd = open(path, O_RDWR);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= mask;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

/* How many are there as they were written. Those that are not must give an error, but for the last
 * one: a write that was cut off by a crash looks like it. */
static void check_writes(struct store *store, off_t at, const bool *is_told)
{
    for (int i = 0; i < WRITES; i++) {
        struct arena arena = {0};
        struct error error;
        char key[16], expected[2000];
        bool found = false;
        struct str value;
        enum err rc = store_get(store, STORE_ITEMS, key_of(key, i), &arena, &found, &value, &error);
        if (rc && !*is_told)
            fail_msg("byte %lld: nobody was told of the damage", (long long)at);
        if (rc == OK && !found && i < WRITES - 1)
            fail_msg("byte %lld: write %d is silently gone", (long long)at, i);
        fill_value(expected, i);
        if (rc == OK && found)
            assert_str(value, str_make(expected, sizeof(expected)));
        arena_release(&arena);
    }
}

static void note_damage(void *arg, const char *reason)
{
    assert_non_null(reason);
    *(bool *)arg = true;
}

static void check_place(struct fixture *f, const char *name, off_t at, unsigned char mask)
{
    bool is_told = false;
    struct store_options options = {
        .durability = STORE_SYNC,
        .cache_bytes = 1024 * 1024,
        .report_damage = note_damage,
        .report_arg = &is_told,
    };
    struct store *store = NULL;
    struct error error;
    assert_int_equal(run("rm -r %s && cp -r %s %s", f->broken, f->whole, f->broken), 0);
    flip(f->broken, name, at, mask);
    if (store_open(f->broken, &options, &store, &error)) {
        if (!strstr(error.message, "damaged") || strstr(error.message, "another process"))
            fail_msg("byte %lld: %s", (long long)at, error.message);
        return;
    }
    check_writes(store, at, &is_told);
    store_close(store);
}

static void check_file(struct fixture *f, const char *part)
{
    char name[300];
    off_t size;
    assert_true(find_file(f->whole, part, name, &size));
    for (int i = 0; i < PLACES; i++)
        check_place(f, name, (off_t)(size * i / PLACES), (unsigned char)(1 << i % 8));
}

static void test_damage__of_the_log_is_told(void **state)
{
    check_file(*state, ".log");
}

/* Where the record begins that ends at `end`: the length before it leads there. */
static off_t record_before(const char *dir, const char *name, off_t end)
{
    char path[400];
    unsigned char header[7];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    int fd = open(path, O_RDONLY);
    off_t at = end - (off_t)sizeof(header);
    while (pread(fd, header, sizeof(header), --at) == (ssize_t)sizeof(header) &&
           (header[6] != 1 || at + 7 + header[4] + header[5] * 256 != end))
        ;
    close(fd);
    assert_true(at > end - 3000);
    return at;
}

/* A length that points behind the file looks like a write that was cut off. */
static void test_damage__of_a_length_in_the_log_is_told(void **state)
{
    struct fixture *f = *state;
    char name[300];
    off_t size;
    assert_true(find_file(f->whole, ".log", name, &size));
    off_t at = size;
    for (int i = 0; i < 3; i++) {
        at = record_before(f->whole, name, at);
        check_place(f, name, at + 5, 0x80);
    }
}

static void test_damage__of_a_table_is_told(void **state)
{
    check_file(*state, ".sst");
}

static void test_damage__of_the_manifest_is_told(void **state)
{
    check_file(*state, "MANIFEST");
}

static void test_damage__a_write_that_was_cut_off_is_left_out(void **state)
{
    struct fixture *f = *state;
    struct arena arena = {0};
    struct error error;
    char name[300], key[16];
    off_t size;
    bool found;
    struct str value;
    assert_true(find_file(f->whole, ".log", name, &size));
    for (off_t cut = 1; cut < 2000; cut += 333) {
        assert_int_equal(run("rm -r %s && cp -r %s %s && truncate -s %lld %s/%s", f->broken,
                             f->whole, f->broken, (long long)(size - cut), f->broken, name),
                         0);
        struct store *store = open_or_fail(f->broken);
        check_writes(store, size - cut, &(bool){false});
        assert_int_equal(
            store_get(store, STORE_ITEMS, key_of(key, WRITES - 1), &arena, &found, &value, &error),
            OK);
        assert_false(found);
        store_close(store);
    }
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_damage__of_the_log_is_told, setup_in_log, teardown),
        cmocka_unit_test_setup_teardown(test_damage__of_a_length_in_the_log_is_told, setup_in_log,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_damage__of_a_table_is_told, setup_in_tables, teardown),
        cmocka_unit_test_setup_teardown(test_damage__of_the_manifest_is_told, setup_in_tables,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_damage__a_write_that_was_cut_off_is_left_out,
                                        setup_in_log, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
