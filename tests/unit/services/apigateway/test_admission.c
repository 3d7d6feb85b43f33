/* Admission as a whole: random requests and changes of plans against a plain reference on a clock
 * of the test's own, and exact counts while many threads ask. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "../../check.h"
#include "fixture.h"
#include "services/apigateway/plane/registry.h"

enum { KEYS = 3, PLANS = 2, VERBS = 2, STEPS = 20000, THREADS = 4 };

/* Parts of a token. A rate is a power of two up to 32, so refilling and rescaling leave no rest. */
static const int64_t token = INT64_C(32000000);

static const enum http_verb verbs[VERBS] = {VERB_GET, VERB_POST};
static const char *const verb_names[VERBS] = {"GET", "POST"};
static const char *const key_names[KEYS] = {"k0", "k1", "k2"};
static const char *const plan_names[PLANS] = {"p0", "p1"};
static const char *const stage_names[PLANS] = {"a1b2c3d4e5/prod", "a1b2c3d4e5/test"};

static const char snapshot[] =
    "{\"resources\":[{\"id\":\"r\",\"path\":\"/notes\",\"resourceMethods\":{\"GET\":"
    "{\"apiKeyRequired\":true},\"POST\":{\"apiKeyRequired\":true}}}]}";

/* --- The reference: a bucket says what is missing from it, a quota counts by date --- */

struct limits {
    int64_t rate, burst; /* burst 0: no throttle */
};

struct level {
    int64_t missing, at_us;
};

static bool level_take(struct level *level, const struct limits *limits, int64_t now_us)
{
    if (limits->burst == 0)
        return true;
    level->missing -= (now_us - level->at_us) * limits->rate * (token / 1000000);
    level->at_us = now_us;
    if (level->missing < 0)
        level->missing = 0;
    if (level->missing > limits->burst * token)
        level->missing = limits->burst * token;
    if (level->missing + token > limits->burst * token)
        return false;
    level->missing += token;
    return true;
}

/* What is missing comes back in the same time at another rate. */
static void level_rescale(struct level *level, int64_t old_rate, int64_t new_rate, int64_t now_us)
{
    level->missing -= (now_us - level->at_us) * old_rate * (token / 1000000);
    if (level->missing < 0)
        level->missing = 0;
    level->at_us = now_us;
    level->missing = level->missing * new_rate / old_rate;
}

struct plan {
    struct limits limits;
    struct limits method_limits; /* for POST */
    struct quota quota;
};

struct use {
    struct level level, method_level;
    uint32_t period, used; /* where its period began, and how many passed since */
};

struct model {
    struct arena arena;
    struct registry *registry;
    struct stage *stages[PLANS];
    struct plan plans[PLANS];
    bool is_enabled[KEYS];
    struct use uses[KEYS][PLANS];
    struct level stage_levels[PLANS][VERBS], account_level;
    struct limits stage_limits, account_limits;
    int64_t now_ms;
};

/* The first day of the period that `day` is in, by walking back day by day. */
static uint32_t reference_start(const struct quota *quota, uint32_t day)
{
    for (;; day--) {
        int year;
        unsigned month, day_of_month;
        day_to_date(day, &year, &month, &day_of_month);
        bool is_start = quota->period == QUOTA_DAY ||
                        (quota->period == QUOTA_WEEK && (day + 4) % 7 == quota->offset) ||
                        (quota->period == QUOTA_MONTH && day_of_month == quota->offset + 1);
        if (is_start)
            return day;
    }
}

static enum admission reference_admit(struct model *m, int key, int plan_at, int verb)
{
    struct plan *plan = &m->plans[plan_at];
    struct use *use = &m->uses[key][plan_at];
    int64_t now_us = m->now_ms * 1000;
    if (!m->is_enabled[key])
        return ADMISSION_FORBIDDEN;
    if ((verb == 1 && !level_take(&use->method_level, &plan->method_limits, now_us)) ||
        !level_take(&use->level, &plan->limits, now_us) ||
        !level_take(&m->stage_levels[plan_at][verb], &m->stage_limits, now_us) ||
        !level_take(&m->account_level, &m->account_limits, now_us))
        return ADMISSION_THROTTLED;
    if (plan->quota.period == QUOTA_NONE)
        return ADMITTED;
    uint32_t start = reference_start(&plan->quota, (uint32_t)(m->now_ms / 86400000));
    if (use->period != start)
        use->used = 0;
    use->period = start;
    if (use->used >= plan->quota.limit)
        return ADMISSION_QUOTA;
    use->used++;
    return ADMITTED;
}

/* --- The same changes to both --- */

static struct throttle throttle_of(const struct limits *limits)
{
    return throttle_make((double)limits->rate, limits->burst);
}

static void set_plan(struct model *m, int at)
{
    struct plan *plan = &m->plans[at];
    struct method_limit limits[] = {
        {STR("/notes"), STR("POST"), throttle_of(&plan->method_limits)}};
    struct plan_stage stages[] = {
        {str_from(stage_names[at]), limits, plan->method_limits.burst ? 1 : 0}};
    registry_set_plan(m->registry, &(struct plan_config){
                                       .id = str_from(plan_names[at]),
                                       .is_throttled = plan->limits.burst > 0,
                                       .throttle = throttle_of(&plan->limits),
                                       .quota = plan->quota,
                                       .stages = stages,
                                       .stage_count = 1,
                                   });
}

static void set_key(struct model *m, int at)
{
    struct str plans[PLANS] = {str_from(plan_names[0]), str_from(plan_names[1])};
    registry_set_key(m->registry, str_from(key_names[at]), str_from(key_names[at]),
                     m->is_enabled[at], plans, PLANS);
}

static struct limits random_limits(int one_in)
{
    if (rand() % one_in)
        return (struct limits){.rate = 1 << rand() % 6, .burst = 1 + rand() % 20};
    return (struct limits){.rate = 1, .burst = 0};
}

/* Another throttle or limit under a plan that is in use. Its period stays: what a count is worth
 * when the period is another one is not AWS's promise. */
static void change_plan(struct model *m)
{
    int at = rand() % PLANS;
    struct plan *plan = &m->plans[at];
    struct limits old = plan->limits;
    plan->limits = random_limits(8);
    plan->method_limits = random_limits(2);
    if (plan->quota.period != QUOTA_NONE)
        plan->quota.limit = 1 + (uint32_t)rand() % 400;
    for (int key = 0; key < KEYS; key++) {
        level_rescale(&m->uses[key][at].level, old.rate, plan->limits.rate, m->now_ms * 1000);
        m->uses[key][at].method_level = (struct level){0};
    }
    set_plan(m, at);
}

static void pass_time(struct model *m)
{
    int kind = rand() % 1000;
    if (kind < 300)
        m->now_ms += rand() % 400;
    else if (kind < 302)
        m->now_ms += INT64_C(3600000) * (rand() % 60);
    else if (kind < 303)
        m->now_ms += INT64_C(86400000) * (rand() % 40);
}

static int setup(void **state)
{
    static struct model model;
    model = (struct model){
        .registry = registry_new(),
        .stage_limits = {.rate = 32, .burst = 40},
        .account_limits = {.rate = 32, .burst = 60},
        .now_ms = INT64_C(1700000000000),
    };
    static const char *const names[PLANS] = {"prod", "test"};
    for (int at = 0; at < PLANS; at++) {
        struct str text = arena_printf(
            &model.arena,
            "{\"stageName\":\"%s\",\"methodSettings\":{\"*/*\":{\"throttlingRateLimit\":32,"
            "\"throttlingBurstLimit\":40}}}",
            names[at]);
        model.stages[at] = make_stage(&model.arena, arena_cstr(&model.arena, text), snapshot);
    }
    registry_set_account_throttle(model.registry, throttle_of(&model.account_limits));
    *state = &model;
    return 0;
}

static int teardown(void **state)
{
    struct model *m = *state;
    for (int at = 0; at < PLANS; at++)
        stage_unref(m->stages[at]);
    registry_free(m->registry);
    arena_release(&m->arena);
    return 0;
}

static struct method *method_of(struct model *m, int plan, int verb)
{
    struct route route;
    assert_true(
        router_match(m->stages[plan]->router, STR("/notes"), verbs[verb], &m->arena, &route));
    return route.target;
}

static enum admission admit(struct model *m, int key, int plan, int verb)
{
    struct str id = {NULL, 0};
    struct arena arena = {0};
    enum admission admission =
        registry_admit(m->registry, m->stages[plan], method_of(m, plan, verb),
                       str_from(key_names[key]), m->now_ms, m->now_ms * 1000, &arena, &id);
    arena_release(&arena);
    return admission;
}

static void test_admission__agrees_with_the_reference_through_changes_of_plans(void **state)
{
    struct model *m = *state;
    static const struct quota quotas[] = {
        {QUOTA_NONE, 0, 0},   {QUOTA_DAY, 200, 0},   {QUOTA_WEEK, 300, 0},
        {QUOTA_WEEK, 300, 5}, {QUOTA_MONTH, 500, 0}, {QUOTA_MONTH, 500, 27},
    };
    size_t outcomes[4] = {0};
    srand(11);
    for (int at = 0; at < PLANS; at++) {
        m->plans[at] = (struct plan){random_limits(8), random_limits(2), quotas[rand() % 6]};
        set_plan(m, at);
    }
    for (int key = 0; key < KEYS; key++) {
        m->is_enabled[key] = true;
        set_key(m, key);
    }
    for (int step = 0; step < STEPS; step++) {
        int key = rand() % KEYS, plan = rand() % PLANS, verb = rand() % VERBS;
        enum admission expected = reference_admit(m, key, plan, verb);
        enum admission got = admit(m, key, plan, verb);
        if (got != expected)
            print_message("step %d: %s asks %s of %s\n", step, key_names[key], verb_names[verb],
                          plan_names[plan]);
        assert_int_equal(got, expected);
        outcomes[got]++;
        pass_time(m);
        if (rand() % 100 == 0)
            change_plan(m);
        if (rand() % 200 == 0) {
            m->is_enabled[key] = !m->is_enabled[key];
            set_key(m, key);
        }
    }
    for (int outcome = ADMITTED; outcome <= ADMISSION_QUOTA; outcome++)
        assert_true(outcomes[outcome] > STEPS / 100);
}

static void test_quota__starts_where_a_walk_through_the_calendar_finds_it(void **state)
{
    (void)state;
    /* From 1996 to 2036: leap years with and without the century. */
    for (uint32_t day = 9497; day < 24107; day += 1) {
        for (uint32_t offset = 0; offset < 28; offset += 3) {
            struct quota month = {QUOTA_MONTH, 1, offset}, week = {QUOTA_WEEK, 1, offset % 7};
            assert_int_equal(quota_start(&month, day), reference_start(&month, day));
            assert_int_equal(quota_start(&week, day), reference_start(&week, day));
        }
    }
}

/* --- Many threads --- */

struct race {
    struct model *model;
    struct method *methods[VERBS];
    _Atomic int admitted, refused;
    _Atomic bool is_over;
};

static void *ask(void *arg)
{
    struct race *race = arg;
    for (int i = 0; i < 5000; i++) {
        struct str id = {NULL, 0};
        struct arena arena = {0};
        enum admission admission =
            registry_admit(race->model->registry, race->model->stages[0], race->methods[i % VERBS],
                           str_from(key_names[0]), race->model->now_ms, 0, &arena, &id);
        arena_release(&arena);
        atomic_fetch_add(admission == ADMITTED ? &race->admitted : &race->refused, 1);
    }
    return NULL;
}

/* The plan is put again and again while others ask: counts stay. */
static void *change(void *arg)
{
    struct race *race = arg;
    while (!atomic_load(&race->is_over)) {
        set_plan(race->model, 0);
        set_key(race->model, 0);
    }
    return NULL;
}

static void test_admission__counts_exactly_from_many_threads(void **state)
{
    struct model *m = *state;
    registry_set_account_throttle(m->registry, (struct throttle){0});
    m->plans[0] = (struct plan){.quota = {QUOTA_DAY, 12345, 0}, .limits = {1, 0}};
    set_plan(m, 0);
    m->is_enabled[0] = true;
    set_key(m, 0);
    struct race race = {.model = m};
    for (int verb = 0; verb < VERBS; verb++) {
        race.methods[verb] = method_of(m, 0, verb);
        race.methods[verb]->is_throttled = false;
    }
    pthread_t threads[THREADS], changer;
    pthread_create(&changer, NULL, change, &race);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, ask, &race);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    atomic_store(&race.is_over, true);
    pthread_join(changer, NULL);

    assert_int_equal(race.admitted, 12345);
    assert_int_equal(race.refused, THREADS * 5000 - 12345);
    struct usage_figures figures;
    assert_true(registry_get_usage(m->registry, str_from(plan_names[0]), str_from(key_names[0]),
                                   m->now_ms, &m->arena, &figures));
    assert_int_equal(figures.used, 12345);
    assert_int_equal(figures.day_used, 12345);
}

#define MODEL_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        MODEL_TEST(test_admission__agrees_with_the_reference_through_changes_of_plans),
        MODEL_TEST(test_admission__counts_exactly_from_many_threads),
        cmocka_unit_test(test_quota__starts_where_a_walk_through_the_calendar_finds_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
