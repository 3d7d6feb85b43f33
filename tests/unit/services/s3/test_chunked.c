/* aws-chunked bodies. */
#include "services/s3/chunked.h"

#include "../../check.h"

struct fixture {
    struct arena arena;
    struct error error;
    struct s3_chunked chunked;
};

static enum err decode(struct fixture *f, const char *body)
{
    return s3_chunked_decode(&f->arena, str_from(body), NULL, &f->chunked, &f->error);
}

static int setup(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){0};
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    arena_release(&f->arena);
    return 0;
}

static void test_chunked__joins_signed_chunks(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(decode(f, "3;chunk-signature=aa\r\nabc\r\n2;chunk-signature=bb\r\nde\r\n"
                               "0;chunk-signature=cc\r\n\r\n"),
                     OK);
    assert_str(f->chunked.data, STR("abcde"));
}

static void test_chunked__sizes_are_hexadecimal(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(decode(f, "a\r\n0123456789\r\n0\r\n\r\n"), OK);
    assert_int_equal(f->chunked.data.len, 10);
}

static void test_chunked__finds_trailers(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(decode(f, "1\r\na\r\n0\r\nx-amz-checksum-crc32:6LdDvg==\r\n"
                               "x-amz-trailer-signature:00\r\n\r\n"),
                     OK);
    assert_str(s3_chunked_trailer(&f->chunked, STR("x-amz-checksum-crc32")), STR("6LdDvg=="));
}

static void test_chunked__missing_trailer_is_null(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(decode(f, "0\r\n\r\n"), OK);
    assert_null(s3_chunked_trailer(&f->chunked, STR("x-amz-checksum-crc32")).ptr);
}

static void test_chunked__refuses_a_body_that_ends_early(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(decode(f, "5\r\nabc"), ERR_S3_INCOMPLETE_BODY);
    assert_int_equal(decode(f, "3\r\nabc\r\n"), ERR_S3_INCOMPLETE_BODY);
    assert_int_equal(decode(f, ""), ERR_S3_INCOMPLETE_BODY);
}

static void test_chunked__refuses_what_is_behind_the_end(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(decode(f, "0\r\n\r\nx"), ERR_S3_INCOMPLETE_BODY);
    assert_int_equal(decode(f, "0\r\n"), ERR_S3_INCOMPLETE_BODY);
    assert_int_equal(decode(f, "0\r\na:b\r\n"), ERR_S3_INCOMPLETE_BODY);
    assert_int_equal(decode(f, "0\r\nab\r\n\r\n"), ERR_S3_MALFORMED_TRAILER);
}

static void test_chunked__takes_trailers_that_end_twice(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(decode(f, "0\r\nx-amz-checksum-crc32:AAAAAA==\n\r\n\r\n"), OK);
    assert_str(s3_chunked_trailer(&f->chunked, STR("x-amz-checksum-crc32")), STR("AAAAAA=="));
}

static void test_chunked__refuses_a_wrong_size(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(decode(f, "2\r\nabc\r\n0\r\n\r\n"), ERR_S3_INCOMPLETE_BODY);
    assert_int_equal(decode(f, "x\r\nabc\r\n0\r\n\r\n"), ERR_S3_INCOMPLETE_BODY);
    assert_int_equal(decode(f, "fffffffff\r\nabc\r\n0\r\n\r\n"), ERR_S3_INCOMPLETE_BODY);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_chunked__joins_signed_chunks),
        TEST(test_chunked__sizes_are_hexadecimal),
        TEST(test_chunked__finds_trailers),
        TEST(test_chunked__missing_trailer_is_null),
        TEST(test_chunked__refuses_a_body_that_ends_early),
        TEST(test_chunked__refuses_what_is_behind_the_end),
        TEST(test_chunked__takes_trailers_that_end_twice),
        TEST(test_chunked__refuses_a_wrong_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
