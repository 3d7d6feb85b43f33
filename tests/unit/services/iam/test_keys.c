/* The root key and its file. */
#include "fixture.h"

#include "services/iam/internal.h"

static struct str read_credentials(struct fixture *f)
{
    char path[96], text[512];
    snprintf(path, sizeof(path), "%s/credentials", f->path);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t len = fread(text, 1, sizeof(text), file);
    fclose(file);
    return arena_str(&f->arena, str_make(text, len));
}

static enum err find(struct fixture *f, struct str id, struct str token, struct str *out_secret,
                     struct principal *out_principal)
{
    const struct iam_capability *iam = &f->skylite.iam;
    return iam->find_key(iam->self, id, token, &f->arena, out_secret, out_principal, &f->error);
}

static void test_keys__writes_the_root_key_as_a_credentials_file(void **state)
{
    struct fixture *f = *state;
    struct str expected = arena_printf(
        &f->arena,
        "[default]\naws_access_key_id = %.*s\naws_secret_access_key = %.*s\nregion = us-east-1\n",
        STR_ARG(IAM(f)->root_key_id), STR_ARG(IAM(f)->root_secret));
    assert_str(read_credentials(f), expected);
}

static void test_keys__root_key_has_the_form_of_awss(void **state)
{
    struct fixture *f = *state;
    assert_true(str_starts(IAM(f)->root_key_id, STR("AKIA")));
    assert_int_equal(IAM(f)->root_key_id.len, 20);
    assert_int_equal(IAM(f)->root_secret.len, 40);
}

static void test_keys__credentials_file_is_for_its_owner_only(void **state)
{
    struct fixture *f = *state;
    char path[96];
    struct stat info;
    snprintf(path, sizeof(path), "%s/credentials", f->path);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
}

static void test_keys__root_key_stays_across_a_restart(void **state)
{
    struct fixture *f = *state;
    struct str before = read_credentials(f);
    stop_server(f);
    start_server(f);
    assert_str(read_credentials(f), before);
}

static void test_keys__a_changed_credentials_file_is_written_anew(void **state)
{
    struct fixture *f = *state;
    char path[96];
    struct str before = read_credentials(f);
    stop_server(f);
    snprintf(path, sizeof(path), "%s/credentials", f->path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("[default]\n", file);
    fclose(file);
    start_server(f);
    assert_str(read_credentials(f), before);
}

static void test_keys__root_key_is_the_account(void **state)
{
    struct fixture *f = *state;
    struct str secret;
    struct principal principal;
    assert_int_equal(find(f, IAM(f)->root_key_id, STR_EMPTY, &secret, &principal), OK);
    assert_str(secret, IAM(f)->root_secret);
    assert_str(principal.arn, STR("arn:aws:iam::000000000000:root"));
}

static void test_keys__unknown_key_is_refused_as_aws_does(void **state)
{
    struct fixture *f = *state;
    struct str secret;
    struct principal principal;
    assert_int_equal(find(f, STR("AKIAIOSFODNN7EXAMPLE"), STR_EMPTY, &secret, &principal),
                     ERR_UNRECOGNIZED_CLIENT);
    assert_string_equal(f->error.message, "The security token included in the request is invalid.");
}

/* --- Session tokens --- */

static struct credentials root_session(struct fixture *f)
{
    struct session session = {
        .kind = SESSION_OF_ROOT,
        .expires_ms = clock_wall_ms() + 60 * 1000,
        .name = STR("root"),
    };
    struct credentials credentials;
    iam_session_start(IAM(f), &f->arena, &session, &credentials);
    return credentials;
}

static void test_keys__session_token_gives_its_secret(void **state)
{
    struct fixture *f = *state;
    struct credentials credentials = root_session(f);
    struct str secret;
    struct principal principal;
    assert_int_equal(
        find(f, credentials.access_key_id, credentials.session_token, &secret, &principal), OK);
    assert_str(secret, credentials.secret_access_key);
}

static void test_keys__session_survives_a_restart(void **state)
{
    struct fixture *f = *state;
    struct credentials credentials = root_session(f);
    struct str secret;
    struct principal principal;
    stop_server(f);
    start_server(f);
    assert_int_equal(
        find(f, credentials.access_key_id, credentials.session_token, &secret, &principal), OK);
}

static void test_keys__changed_session_token_is_refused(void **state)
{
    struct fixture *f = *state;
    struct credentials credentials = root_session(f);
    char *token = arena_cstr(&f->arena, credentials.session_token);
    token[40] = token[40] == 'A' ? 'B' : 'A';
    struct str secret;
    struct principal principal;
    assert_int_equal(find(f, credentials.access_key_id, str_from(token), &secret, &principal),
                     ERR_UNRECOGNIZED_CLIENT);
}

static void test_keys__session_token_of_another_key_is_refused(void **state)
{
    struct fixture *f = *state;
    struct credentials one = root_session(f), two = root_session(f);
    struct str secret;
    struct principal principal;
    assert_int_equal(find(f, one.access_key_id, two.session_token, &secret, &principal),
                     ERR_UNRECOGNIZED_CLIENT);
}

static void test_keys__expired_session_is_told(void **state)
{
    struct fixture *f = *state;
    struct credentials credentials = root_session(f);
    struct str secret;
    struct principal principal;
    clock_fake_ms(credentials.expires_ms);
    assert_int_equal(
        find(f, credentials.access_key_id, credentials.session_token, &secret, &principal),
        ERR_EXPIRED_TOKEN);
    assert_string_equal(f->error.message, "The security token included in the request is expired");
}

static void test_keys__temporary_key_without_its_token_is_refused(void **state)
{
    struct fixture *f = *state;
    struct credentials credentials = root_session(f);
    struct str secret;
    struct principal principal;
    assert_int_equal(find(f, credentials.access_key_id, STR_EMPTY, &secret, &principal),
                     ERR_UNRECOGNIZED_CLIENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_keys__writes_the_root_key_as_a_credentials_file),
        TEST(test_keys__root_key_has_the_form_of_awss),
        TEST(test_keys__credentials_file_is_for_its_owner_only),
        TEST(test_keys__root_key_stays_across_a_restart),
        TEST(test_keys__a_changed_credentials_file_is_written_anew),
        TEST(test_keys__root_key_is_the_account),
        TEST(test_keys__unknown_key_is_refused_as_aws_does),
        TEST(test_keys__session_token_gives_its_secret),
        TEST(test_keys__session_survives_a_restart),
        TEST(test_keys__changed_session_token_is_refused),
        TEST(test_keys__session_token_of_another_key_is_refused),
        TEST(test_keys__expired_session_is_told),
        TEST(test_keys__temporary_key_without_its_token_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
