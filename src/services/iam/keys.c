/* The account: its root key, the key that seals session tokens, and the credentials file. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/log.h"
#include "services/iam/internal.h"

static const struct str account_key = STR_INIT("iam/account");

/* --- The account's document --- */

static struct str new_account(struct arena *arena)
{
    unsigned char seal_key[32];
    random_bytes(seal_key, sizeof(seal_key));
    yyjson_mut_doc *doc = json_doc(arena);
    yyjson_mut_val *account = yyjson_mut_obj(doc);
    json_add_str(doc, account, "AccessKeyId", iam_new_id(arena, "AKIA", 20));
    json_add_str(doc, account, "SecretAccessKey", iam_new_secret(arena));
    json_add_i64(doc, account, "CreateDate", clock_wall_ms());
    json_add_str(doc, account, "SealKey",
                 encode_hex(arena, str_make((char *)seal_key, sizeof(seal_key))));
    return json_write(arena, account);
}

static enum err put_account(struct store_txn *txn, struct store_write *write, struct error *error)
{
    (void)error;
    store_txn_put(txn, STORE_META, account_key, *(struct str *)write->arg);
    return OK;
}

static enum err read_account(struct iam *iam, yyjson_val *account, struct error *error)
{
    struct str seal_key;
    iam->root_key_id = json_get_str(account, "AccessKeyId");
    iam->root_secret = json_get_str(account, "SecretAccessKey");
    if (!decode_hex(&iam->arena, json_get_str(account, "SealKey"), &seal_key) ||
        seal_key.len != sizeof(iam->seal_key) || iam->root_key_id.len == 0 ||
        !json_get_i64(account, "CreateDate", &iam->created_ms))
        return error_set(error, ERR_INTERNAL, "the account's document in the store is damaged");
    memcpy(iam->seal_key, seal_key.ptr, seal_key.len);
    return OK;
}

/* --- The credentials file --- */

static struct str credentials_text(struct iam *iam)
{
    return arena_printf(&iam->arena,
                        "[default]\n"
                        "aws_access_key_id = %.*s\n"
                        "aws_secret_access_key = %.*s\n"
                        "region = %.*s\n",
                        STR_ARG(iam->root_key_id), STR_ARG(iam->root_secret),
                        STR_ARG(iam->skylite->config.region));
}

static bool file_holds(const char *path, struct str text)
{
    char have[1024];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t len = read(fd, have, sizeof(have));
    close(fd);
    return len >= 0 && str_eq(str_make(have, (size_t)len), text);
}

static bool write_and_sync(int fd, struct str text)
{
    while (text.len) {
        ssize_t written = write(fd, text.ptr, text.len);
        if (written <= 0)
            return false;
        text = str_slice(text, (size_t)written, text.len);
    }
    return fsync(fd) == 0;
}

/* Under another name first, so that a reader never sees a part. */
static enum err replace_file(const char *path, const char *new_path, struct str text,
                             struct error *error)
{
    unlink(new_path);
    int fd = open(new_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool is_written = fd >= 0 && write_and_sync(fd, text);
    if (fd >= 0)
        close(fd);
    if (is_written && rename(new_path, path) == 0)
        return OK;
    return error_set(error, ERR_INTERNAL, "cannot write %s: %m", path);
}

static enum err write_credentials(struct iam *iam, struct error *error)
{
    struct str text = credentials_text(iam);
    const char *data_dir = iam->skylite->config.data_dir;
    const char *path = arena_printf(&iam->arena, "%s/credentials", data_dir).ptr;
    if (file_holds(path, text))
        return OK;
    return replace_file(path, arena_printf(&iam->arena, "%s/credentials.new", data_dir).ptr, text,
                        error);
}

enum err iam_load_account(struct iam *iam, struct error *error)
{
    struct reader reader = {iam->skylite->store, NULL, &iam->arena};
    yyjson_val *account;
    enum err rc = iam_reader_get(&reader, account_key, &account, error);
    if (rc == OK && !account) {
        struct str text = new_account(&iam->arena);
        rc = store_write_wait(iam->skylite->store, put_account, &text, error);
        account = json_parse(&iam->arena, text);
        if (rc == OK)
            log_info("iam", "made the root access key");
    }
    if (rc == OK)
        rc = read_account(iam, account, error);
    return rc ? rc : write_credentials(iam, error);
}
