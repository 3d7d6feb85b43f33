/* What authorizers answer, and how long it is kept. */
#include "services/apigateway/plane/authorizer_cache.h"

#include <stdio.h>

#include "../../check.h"

#define POLICY "'policyDocument':{'Version':'2012-10-17','Statement':[]}"

/* `text` with single quotes for double ones. */
static struct cached_answer *parse(const char *text)
{
    char json[1024];
    size_t len = 0;
    for (; text[len] && len < sizeof(json); len++)
        json[len] = text[len] == '\'' ? '"' : text[len];
    return cached_answer_parse(str_make(json, len));
}

static void test_answer__says_who_it_is_with_what_rights(void **state)
{
    (void)state;
    struct cached_answer *answer =
        parse("{'principalId':'ann'," POLICY ",'context':{'n':7},'usageIdentifierKey':'k'}");
    assert_non_null(answer);
    assert_str(answer->authorized.principal_id, STR("ann"));
    assert_str(answer->authorized.policy, STR("{\"Version\":\"2012-10-17\",\"Statement\":[]}"));
    assert_str(answer->authorized.usage_key, STR("k"));
    assert_int_equal(yyjson_get_int(yyjson_obj_get(answer->authorized.context, "n")), 7);
    cached_answer_unref(answer);
}

static void test_answer__needs_neither_context_nor_key(void **state)
{
    (void)state;
    struct cached_answer *answer = parse("{'principalId':'ann'," POLICY ",'context':null}");
    assert_non_null(answer);
    assert_null(answer->authorized.usage_key.ptr);
    assert_null(answer->authorized.context);
    cached_answer_unref(answer);
}

static void test_answer__of_another_form_is_none(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "null",
        "[]",
        "'ann'",
        "{",
        "{'principalId':'ann'}",
        "{" POLICY "}",
        "{'principalId':''," POLICY "}",
        "{'principalId':7," POLICY "}",
        "{'principalId':'ann','policyDocument':'{}'}",
        "{'principalId':'ann'," POLICY ",'context':[]}",
        "{'principalId':'ann'," POLICY ",'context':'x'}",
        "{'principalId':'ann'," POLICY ",'context':{'a':{}}}",
        "{'principalId':'ann'," POLICY ",'context':{'a':[]}}",
        "{'principalId':'ann'," POLICY ",'context':{'a':null}}",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (parse(bad[i]))
            fail_msg("taken: %s", bad[i]);
    }
}

/* Keeps an answer until `expires_ms` in epoch 1, and nothing else of it. */
static void keep(struct authorizer_cache **cache, const char *key, const char *principal,
                 int64_t expires_ms)
{
    char text[256];
    snprintf(text, sizeof(text), "{'principalId':'%s'," POLICY "}", principal);
    struct cached_answer *answer = parse(text);
    answer->expires_ms = expires_ms;
    answer->epoch = 1;
    authorizer_cache_keep(cache, str_from(key), answer);
    cached_answer_unref(answer);
}

static bool knows(struct authorizer_cache *cache, const char *key, int64_t now_ms, uint64_t epoch,
                  const char *principal)
{
    struct cached_answer *answer = authorizer_cache_find(cache, str_from(key), now_ms, epoch);
    if (!answer)
        return false;
    bool is_it = str_eq(answer->authorized.principal_id, str_from(principal));
    cached_answer_unref(answer);
    return is_it;
}

static void test_cache__gives_what_it_keeps_until_it_expires(void **state)
{
    (void)state;
    struct authorizer_cache *cache = NULL;
    assert_false(knows(cache, "a", 0, 1, "ann"));
    keep(&cache, "a", "ann", 1000);
    assert_true(knows(cache, "a", 999, 1, "ann"));
    assert_false(knows(cache, "b", 999, 1, "ann"));
    assert_false(knows(cache, "a", 1000, 1, "ann"));
    assert_false(knows(cache, "a", 999, 1, "ann"));
    authorizer_cache_free(cache);
}

static void test_cache__forgets_with_its_epoch(void **state)
{
    (void)state;
    struct authorizer_cache *cache = NULL;
    keep(&cache, "a", "ann", 1000);
    assert_false(knows(cache, "a", 0, 2, "ann"));
    authorizer_cache_free(cache);
}

static void test_cache__keeps_the_newest_of_a_key(void **state)
{
    (void)state;
    struct authorizer_cache *cache = NULL;
    keep(&cache, "a", "ann", 1000);
    keep(&cache, "a", "bob", 1000);
    assert_true(knows(cache, "a", 0, 1, "bob"));
    authorizer_cache_free(cache);
}

static void test_cache__lets_an_answer_live_that_is_in_use(void **state)
{
    (void)state;
    struct authorizer_cache *cache = NULL;
    keep(&cache, "a", "ann", 1000);
    struct cached_answer *answer = authorizer_cache_find(cache, STR("a"), 0, 1);
    authorizer_cache_free(cache);
    assert_str(answer->authorized.principal_id, STR("ann"));
    cached_answer_unref(answer);
}

static void test_cache__is_bounded_whatever_keys_callers_think_of(void **state)
{
    (void)state;
    struct authorizer_cache *cache = NULL;
    char last[32] = "";
    for (int i = 0; i < AUTHORIZER_CACHE_BYTES / 8192; i++) {
        snprintf(last, sizeof(last), "key %d", i);
        keep(&cache, last, "ann", 1000);
    }
    assert_false(knows(cache, "key 0", 0, 1, "ann"));
    assert_true(knows(cache, last, 0, 1, "ann"));
    authorizer_cache_free(cache);
}

static void test_cache__counts_what_is_replaced_once(void **state)
{
    (void)state;
    struct authorizer_cache *cache = NULL;
    keep(&cache, "first", "ann", 1000);
    for (int i = 0; i < AUTHORIZER_CACHE_BYTES / 8192; i++)
        keep(&cache, "again", "bob", 1000);
    assert_true(knows(cache, "first", 0, 1, "ann"));
    authorizer_cache_free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answer__says_who_it_is_with_what_rights),
        cmocka_unit_test(test_answer__needs_neither_context_nor_key),
        cmocka_unit_test(test_answer__of_another_form_is_none),
        cmocka_unit_test(test_cache__gives_what_it_keeps_until_it_expires),
        cmocka_unit_test(test_cache__forgets_with_its_epoch),
        cmocka_unit_test(test_cache__keeps_the_newest_of_a_key),
        cmocka_unit_test(test_cache__lets_an_answer_live_that_is_in_use),
        cmocka_unit_test(test_cache__is_bounded_whatever_keys_callers_think_of),
        cmocka_unit_test(test_cache__counts_what_is_replaced_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
