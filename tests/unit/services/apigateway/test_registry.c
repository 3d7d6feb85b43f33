/* Keys, plans and counts: who may pass. */
#include "services/apigateway/plane/registry.h"

#include "../../check.h"
#include "base/clock.h"
#include "fixture.h"

static const char stage_json[] = "{\"stageName\":\"prod\",\"deploymentId\":\"d\"}";
static const char snapshot[] =
    "{\"resources\":[{\"id\":\"r\",\"path\":\"/notes\",\"resourceMethods\":{\"GET\":"
    "{\"apiKeyRequired\":true},\"OPTIONS\":{},\"POST\":{\"apiKeyRequired\":true}}}]}";

struct fixture {
    struct arena arena;
    struct registry *registry;
    struct stage *stage;
    int64_t now_ms;
};

static int setup(void **state)
{
    static struct fixture f;
    f = (struct fixture){.now_ms = INT64_C(1769900000000)};
    f.registry = registry_new();
    f.stage = make_stage(&f.arena, stage_json, snapshot);
    stage_ref(f.stage);
    registry_set_stage(f.registry, f.stage->api_id, f.stage->name, f.stage);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    stage_unref(f->stage);
    registry_free(f->registry);
    arena_release(&f->arena);
    return 0;
}

static void set_plan(struct fixture *f, const char *id, double rate, int64_t burst,
                     struct quota quota)
{
    struct plan_stage stages[] = {{.name = STR("a1b2c3d4e5/prod")}};
    registry_set_plan(f->registry, &(struct plan_config){
                                       .id = str_from(id),
                                       .is_throttled = burst > 0,
                                       .throttle = throttle_make(rate, burst),
                                       .quota = quota,
                                       .stages = stages,
                                       .stage_count = 1,
                                   });
}

static void set_key(struct fixture *f, const char *id, const char *value, bool is_enabled,
                    const char *plan)
{
    struct str plans[] = {str_from(plan)};
    registry_set_key(f->registry, str_from(id), str_from(value), is_enabled, plans, plan ? 1 : 0);
}

static enum admission admit(struct fixture *f, enum http_verb verb, const char *key)
{
    struct route route;
    struct str key_id = {NULL, 0};
    assert_true(router_match(f->stage->router, STR("/notes"), verb, &f->arena, &route));
    return registry_admit(f->registry, f->stage, route.target, str_from(key), f->now_ms,
                          f->now_ms * 1000, &f->arena, &key_id);
}

static void test_registry__asks_for_a_key_only_where_the_method_does(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(admit(f, VERB_OPTIONS, NULL), ADMITTED);
    assert_int_equal(admit(f, VERB_GET, NULL), ADMISSION_FORBIDDEN);
}

static void test_registry__refuses_keys_that_do_not_open_the_stage(void **state)
{
    struct fixture *f = *state;
    struct plan_stage elsewhere[] = {{.name = STR("a1b2c3d4e5/test")}};
    set_plan(f, "p1", 0, 0, (struct quota){0});
    registry_set_plan(
        f->registry, &(struct plan_config){.id = STR("p2"), .stages = elsewhere, .stage_count = 1});
    set_key(f, "k1", "good", true, "p1");
    set_key(f, "k2", "disabled", false, "p1");
    set_key(f, "k3", "no-plan", true, NULL);
    set_key(f, "k4", "other-stage", true, "p2");
    assert_int_equal(admit(f, VERB_GET, "good"), ADMITTED);
    assert_int_equal(admit(f, VERB_GET, "unknown"), ADMISSION_FORBIDDEN);
    assert_int_equal(admit(f, VERB_GET, "disabled"), ADMISSION_FORBIDDEN);
    assert_int_equal(admit(f, VERB_GET, "no-plan"), ADMISSION_FORBIDDEN);
    assert_int_equal(admit(f, VERB_GET, "other-stage"), ADMISSION_FORBIDDEN);
}

static void test_registry__throttles_each_key_by_itself(void **state)
{
    struct fixture *f = *state;
    set_plan(f, "p1", 1, 2, (struct quota){0});
    set_key(f, "k1", "one", true, "p1");
    set_key(f, "k2", "two", true, "p1");
    assert_int_equal(admit(f, VERB_GET, "one"), ADMITTED);
    assert_int_equal(admit(f, VERB_GET, "one"), ADMITTED);
    assert_int_equal(admit(f, VERB_GET, "one"), ADMISSION_THROTTLED);
    assert_int_equal(admit(f, VERB_GET, "two"), ADMITTED);
    f->now_ms += 1000;
    assert_int_equal(admit(f, VERB_GET, "one"), ADMITTED);
}

static void test_registry__throttles_single_methods_of_a_plan(void **state)
{
    struct fixture *f = *state;
    struct method_limit limits[] = {{STR("/notes"), STR("POST"), throttle_make(1, 1)}};
    struct plan_stage stages[] = {{STR("a1b2c3d4e5/prod"), limits, 1}};
    registry_set_plan(f->registry,
                      &(struct plan_config){.id = STR("p1"), .stages = stages, .stage_count = 1});
    set_key(f, "k1", "one", true, "p1");
    assert_int_equal(admit(f, VERB_POST, "one"), ADMITTED);
    assert_int_equal(admit(f, VERB_POST, "one"), ADMISSION_THROTTLED);
    assert_int_equal(admit(f, VERB_GET, "one"), ADMITTED);
}

static void test_registry__counts_quotas_by_period(void **state)
{
    struct fixture *f = *state;
    set_plan(f, "p1", 0, 0, (struct quota){QUOTA_DAY, 2, 0});
    set_key(f, "k1", "one", true, "p1");
    assert_int_equal(admit(f, VERB_GET, "one"), ADMITTED);
    assert_int_equal(admit(f, VERB_GET, "one"), ADMITTED);
    assert_int_equal(admit(f, VERB_GET, "one"), ADMISSION_QUOTA);
    f->now_ms += INT64_C(86400000);
    assert_int_equal(admit(f, VERB_GET, "one"), ADMITTED);
}

static void test_registry__does_not_count_throttled_requests(void **state)
{
    struct fixture *f = *state;
    struct usage_figures figures;
    set_plan(f, "p1", 1, 1, (struct quota){QUOTA_DAY, 10, 0});
    set_key(f, "k1", "one", true, "p1");
    admit(f, VERB_GET, "one");
    assert_int_equal(admit(f, VERB_GET, "one"), ADMISSION_THROTTLED);
    assert_true(
        registry_get_usage(f->registry, STR("p1"), STR("k1"), f->now_ms, &f->arena, &figures));
    assert_int_equal(figures.used, 1);
    assert_int_equal(figures.day_used, 1);
}

static void test_registry__keeps_counts_when_the_plan_changes(void **state)
{
    struct fixture *f = *state;
    set_plan(f, "p1", 0, 0, (struct quota){QUOTA_DAY, 1, 0});
    set_key(f, "k1", "one", true, "p1");
    assert_int_equal(admit(f, VERB_GET, "one"), ADMITTED);
    assert_int_equal(admit(f, VERB_GET, "one"), ADMISSION_QUOTA);
    set_plan(f, "p1", 0, 0, (struct quota){QUOTA_DAY, 2, 0});
    set_key(f, "k1", "one", true, "p1");
    assert_int_equal(admit(f, VERB_GET, "one"), ADMITTED);
    assert_int_equal(admit(f, VERB_GET, "one"), ADMISSION_QUOTA);
}

static void test_registry__restores_saved_counts(void **state)
{
    struct fixture *f = *state;
    set_plan(f, "p1", 0, 0, (struct quota){QUOTA_DAY, 10, 0});
    set_key(f, "k1", "one", true, "p1");
    uint32_t today = day_of_ms(f->now_ms);
    struct usage_figures saved = {.plan_id = STR("p1"),
                                  .key_id = STR("k1"),
                                  .quota_start = today,
                                  .used = 10,
                                  .bonus = 1,
                                  .day = today,
                                  .day_used = 10};
    assert_true(registry_set_usage(f->registry, &saved));
    assert_int_equal(admit(f, VERB_GET, "one"), ADMITTED);
    assert_int_equal(admit(f, VERB_GET, "one"), ADMISSION_QUOTA);
}

static void test_registry__tells_what_changed_once(void **state)
{
    struct fixture *f = *state;
    struct usage_figures *changed;
    set_plan(f, "p1", 0, 0, (struct quota){QUOTA_DAY, 10, 0});
    set_key(f, "k1", "one", true, "p1");
    set_key(f, "k2", "two", true, "p1");
    admit(f, VERB_GET, "one");
    admit(f, VERB_GET, "one");
    assert_int_equal(registry_take_changed(f->registry, &f->arena, &changed), 1);
    assert_str(changed[0].key_id, STR("k1"));
    assert_int_equal(changed[0].day_used, 2);
    assert_int_equal(registry_take_changed(f->registry, &f->arena, &changed), 0);
    f->now_ms += INT64_C(86400000);
    admit(f, VERB_GET, "one");
    assert_int_equal(registry_take_changed(f->registry, &f->arena, &changed), 1);
    assert_int_equal(changed[0].day_used, 1);
    assert_int_equal(changed[0].earlier_used, 2);
}

static void count_wish(void *arg)
{
    (*(int *)arg)++;
}

static enum admission admit_again(struct fixture *f, const char *key)
{
    return registry_admit_again(f->registry, f->stage, str_from(key), f->now_ms);
}

/* As the saver does, once the figures are in the store. */
static struct usage_figures grant(struct fixture *f)
{
    struct usage_figures *changed;
    assert_int_equal(registry_take_changed(f->registry, &f->arena, &changed), 1);
    registry_grant(f->registry, &changed[0]);
    return changed[0];
}

static void test_registry__admits_no_more_than_was_granted(void **state)
{
    struct fixture *f = *state;
    struct quota quotas[] = {{QUOTA_DAY, 1000, 0}, {QUOTA_NONE, 0, 0}};
    for (int i = 0; i < 2; i++) {
        const char *key = i ? "two" : "one", *plan = i ? "p2" : "p1";
        int wishes = 0;
        uint32_t count = 0;
        registry_require_grants(f->registry, count_wish, &wishes);
        set_plan(f, plan, 0, 0, quotas[i]);
        set_key(f, key, key, true, plan);
        assert_int_equal(admit(f, VERB_GET, key), ADMISSION_WAITS);
        assert_int_equal(admit_again(f, key), ADMISSION_WAITS);
        uint32_t granted = grant(f).granted;
        assert_int_equal(granted, 16);
        assert_int_equal(admit_again(f, key), ADMITTED);
        for (count = 1; count < granted; count++) {
            assert_int_equal(wishes, count > granted / 2 - 1);
            assert_int_equal(admit(f, VERB_GET, key), ADMITTED);
        }
        assert_int_equal(admit(f, VERB_GET, key), ADMISSION_WAITS);
        assert_int_equal(grant(f).granted, granted + 4 * granted); /* it grows with the demand */

        f->now_ms += INT64_C(86400000);
        assert_int_equal(admit(f, VERB_GET, key), ADMISSION_WAITS);
        struct usage_figures next = grant(f);
        assert_int_equal(next.granted, 16);
        assert_int_equal(i ? next.earlier_used : next.used, i ? granted : 0);
        assert_int_equal(admit_again(f, key), ADMITTED);
        registry_end_grants(f->registry);
        assert_int_equal(grant(f).day_used, 1);
        registry_remove_key(f->registry, str_from(key));
    }
}

static void test_registry__grants_less_when_less_is_left(void **state)
{
    struct fixture *f = *state;
    int wishes = 0, admitted = 0;
    set_plan(f, "p1", 0, 0, (struct quota){QUOTA_DAY, 40, 0});
    set_key(f, "k1", "one", true, "p1");
    registry_require_grants(f->registry, count_wish, &wishes);
    for (;;) {
        enum admission admission = admit(f, VERB_GET, "one");
        if (admission == ADMISSION_QUOTA)
            break;
        admitted += admission == ADMITTED;
        if (admission == ADMITTED)
            continue;
        struct usage_figures figures = grant(f);
        assert_true(figures.granted > figures.used);
        assert_true(figures.granted - figures.used <= (40 - figures.used) / 8 + 1);
    }
    assert_int_equal(admitted, 40);
}

static void test_registry__forgets_removed_keys_and_plans(void **state)
{
    struct fixture *f = *state;
    set_plan(f, "p1", 0, 0, (struct quota){QUOTA_DAY, 10, 0});
    set_key(f, "k1", "one", true, "p1");
    set_key(f, "k2", "two", true, "p1");
    admit(f, VERB_GET, "one");
    registry_remove_key(f->registry, STR("k1"));
    assert_int_equal(admit(f, VERB_GET, "one"), ADMISSION_FORBIDDEN);
    admit(f, VERB_GET, "two");
    registry_remove_plan(f->registry, STR("p1"));
    assert_int_equal(admit(f, VERB_GET, "two"), ADMISSION_FORBIDDEN);
}

static void test_registry__holds_the_account_to_its_throttle(void **state)
{
    struct fixture *f = *state;
    registry_set_account_throttle(f->registry, throttle_make(1, 1));
    assert_int_equal(admit(f, VERB_OPTIONS, NULL), ADMITTED);
    assert_int_equal(admit(f, VERB_OPTIONS, NULL), ADMISSION_THROTTLED);
}

static void test_registry__maps_base_paths_of_domains(void **state)
{
    struct fixture *f = *state;
    struct mapping_config mappings[] = {
        {STR(""), STR("a"), STR("prod")},
        {STR("v1"), STR("b"), STR("")},
    };
    struct mapping_config found;
    registry_set_domain(f->registry, STR("notes.localhost"), mappings, 2);
    assert_int_equal(registry_find_domain(f->registry, STR("notes.localhost"), STR("/v1/prod/x"),
                                          &f->arena, &found),
                     DOMAIN_MAPPED);
    assert_str(found.api_id, STR("b"));
    registry_find_domain(f->registry, STR("notes.localhost"), STR("/v11"), &f->arena, &found);
    assert_str(found.api_id, STR("a"));
    registry_set_domain(f->registry, STR("notes.localhost"), mappings + 1, 1);
    assert_int_equal(
        registry_find_domain(f->registry, STR("notes.localhost"), STR("/x"), &f->arena, &found),
        DOMAIN_UNMAPPED);
    registry_remove_domain(f->registry, STR("notes.localhost"));
    assert_int_equal(
        registry_find_domain(f->registry, STR("notes.localhost"), STR("/x"), &f->arena, &found),
        DOMAIN_UNKNOWN);
}

static void test_stage__throttles_methods_by_its_settings(void **state)
{
    struct fixture *f = *state;
    struct stage *stage =
        make_stage(&f->arena,
                   "{\"stageName\":\"prod\",\"methodSettings\":{\"*/*\":{\"throttlingRateLimit\":1,"
                   "\"throttlingBurstLimit\":3},\"~1notes/OPTIONS\":{\"throttlingBurstLimit\":1}}}",
                   snapshot);
    struct route route;
    struct method *method;
    router_match(stage->router, STR("/notes"), VERB_OPTIONS, &f->arena, &route);
    method = route.target;
    assert_true(method->is_throttled);
    assert_int_equal(method->throttle.span, throttle_make(1, 1).span);
    router_match(stage->router, STR("/notes"), VERB_GET, &f->arena, &route);
    method = route.target;
    assert_int_equal(method->throttle.span, throttle_make(1, 3).span);
    stage_unref(stage);
}

#define REGISTRY_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        REGISTRY_TEST(test_registry__asks_for_a_key_only_where_the_method_does),
        REGISTRY_TEST(test_registry__refuses_keys_that_do_not_open_the_stage),
        REGISTRY_TEST(test_registry__throttles_each_key_by_itself),
        REGISTRY_TEST(test_registry__throttles_single_methods_of_a_plan),
        REGISTRY_TEST(test_registry__counts_quotas_by_period),
        REGISTRY_TEST(test_registry__does_not_count_throttled_requests),
        REGISTRY_TEST(test_registry__keeps_counts_when_the_plan_changes),
        REGISTRY_TEST(test_registry__restores_saved_counts),
        REGISTRY_TEST(test_registry__tells_what_changed_once),
        REGISTRY_TEST(test_registry__admits_no_more_than_was_granted),
        REGISTRY_TEST(test_registry__grants_less_when_less_is_left),
        REGISTRY_TEST(test_registry__forgets_removed_keys_and_plans),
        REGISTRY_TEST(test_registry__holds_the_account_to_its_throttle),
        REGISTRY_TEST(test_registry__maps_base_paths_of_domains),
        REGISTRY_TEST(test_stage__throttles_methods_by_its_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
