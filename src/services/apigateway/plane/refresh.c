/* Keeping the data plane's tables as the store is. */
#include <stdlib.h>

#include "base/log.h"
#include "services/apigateway/plane/compile.h"
#include "services/apigateway/plane/plane.h"
#include "services/apigateway/state.h"

struct touch {
    enum touch_kind kind;
    struct str id, name;
};

/* What was touched since the last refresh. Only the writer thread uses it. */
struct touched {
    struct arena arena;
    struct touch *items;
    size_t count, capacity;
};

/* What one refresh works with. */
struct refresh {
    struct plane *plane;
    struct arena arena;
    struct error error;
    struct view view;
};

static void refresh_init(struct refresh *refresh, struct plane *plane)
{
    *refresh = (struct refresh){.plane = plane};
    refresh->view = (struct view){
        .store = plane->skylite->store,
        .arena = &refresh->arena,
        .error = &refresh->error,
    };
}

/* --- Stages --- */

static enum err load_stage(struct refresh *refresh, struct str api_id, struct str name,
                           yyjson_val *document)
{
    yyjson_val *api = NULL, *snapshot = NULL, *canary = NULL;
    struct str deployment = json_get_str(document, "deploymentId");
    struct str canary_deployment =
        json_get_str(json_get(document, "canarySettings"), "deploymentId");
    enum err rc =
        state_get(&refresh->view, state_key(&refresh->arena, "api", api_id, NO_PART), &api);
    if (rc == OK && deployment.ptr)
        rc = state_get(&refresh->view, state_key(&refresh->arena, "snapshot", api_id, deployment),
                       &snapshot);
    if (rc == OK && canary_deployment.ptr)
        rc = state_get(&refresh->view,
                       state_key(&refresh->arena, "snapshot", api_id, canary_deployment), &canary);
    if (rc)
        return rc;
    struct stage_source source = {
        .metrics = &refresh->plane->skylite->metrics,
        .account = refresh->plane->skylite->config.account,
        .region = refresh->plane->skylite->config.region,
        .api = api,
        .stage = document,
        .snapshot = snapshot,
        .canary = canary,
    };
    struct stage *stage = document && api && snapshot ? stage_compile(&source) : NULL;
    registry_set_stage(refresh->plane->registry, api_id, name, stage);
    return OK;
}

static enum err refresh_stage(struct refresh *refresh, struct str api_id, struct str name)
{
    yyjson_val *document;
    enum err rc =
        state_get(&refresh->view, state_key(&refresh->arena, "stage", api_id, name), &document);
    return rc ? rc : load_stage(refresh, api_id, name, document);
}

/* --- Plans --- */

/* "/notes/GET" to path and verb. */
static bool split_method(struct str text, struct str *out_path, struct str *out_verb)
{
    size_t slash = text.len;
    while (slash > 0 && text.ptr[slash - 1] != '/')
        slash--;
    if (slash == 0)
        return false;
    *out_verb = str_slice(text, slash, text.len);
    *out_path = slash == 1 ? str_slice(text, 0, 1) : str_slice(text, 0, slash - 1);
    return true;
}

static struct throttle read_throttle(yyjson_val *document)
{
    double rate = 0;
    int64_t burst = 0;
    json_get_double(document, "rateLimit", &rate);
    json_get_i64(document, "burstLimit", &burst);
    return throttle_make(rate, burst);
}

static struct plan_stage read_plan_stage(struct arena *arena, yyjson_val *document)
{
    yyjson_val *throttles = json_get(document, "throttle"), *key, *value;
    struct method_limit *limits =
        arena_array(arena, struct method_limit, yyjson_obj_size(throttles) + 1);
    size_t count = 0, i, max;
    yyjson_obj_foreach (throttles, i, max, key, value) {
        struct method_limit *limit = &limits[count];
        limit->throttle = read_throttle(value);
        count += split_method(json_str(key), &limit->path, &limit->verb);
    }
    struct str api_id = json_get_str(document, "apiId"), stage = json_get_str(document, "stage");
    return (struct plan_stage){
        .name = arena_printf(arena, "%.*s/%.*s", STR_ARG(api_id), STR_ARG(stage)),
        .limits = limits,
        .limit_count = count,
    };
}

struct quota plane_quota(yyjson_val *document)
{
    int64_t limit = 0, offset = 0;
    struct str period = json_get_str(document, "period");
    if (!json_get_i64(document, "limit", &limit))
        return (struct quota){0};
    json_get_i64(document, "offset", &offset);
    return (struct quota){
        .period = str_eq(period, STR("DAY"))    ? QUOTA_DAY
                  : str_eq(period, STR("WEEK")) ? QUOTA_WEEK
                                                : QUOTA_MONTH,
        .limit = (uint32_t)limit,
        .offset = (uint32_t)offset,
    };
}

static enum err load_plan(void *arg, struct str id, yyjson_val *document)
{
    struct refresh *refresh = arg;
    if (!document) {
        registry_remove_plan(refresh->plane->registry, id);
        return OK;
    }
    yyjson_val *stages = json_get(document, "apiStages"), *throttle, *stage;
    struct plan_stage *covered =
        arena_array(&refresh->arena, struct plan_stage, yyjson_arr_size(stages) + 1);
    size_t i, max;
    yyjson_arr_foreach (stages, i, max, stage) {
        covered[i] = read_plan_stage(&refresh->arena, stage);
    }
    throttle = json_get(document, "throttle");
    registry_set_plan(refresh->plane->registry,
                      &(struct plan_config){
                          .id = id,
                          .is_throttled = throttle,
                          .throttle = read_throttle(throttle),
                          .quota = plane_quota(json_get(document, "quota")),
                          .stages = covered,
                          .stage_count = yyjson_arr_size(stages),
                      });
    return OK;
}

static enum err refresh_plan(struct refresh *refresh, struct str id)
{
    yyjson_val *document;
    enum err rc =
        state_get(&refresh->view, state_key(&refresh->arena, "plan", id, NO_PART), &document);
    return rc ? rc : load_plan(refresh, id, document);
}

/* --- Keys --- */

static enum err load_key(void *arg, struct str id, yyjson_val *document)
{
    struct refresh *refresh = arg;
    if (!document) {
        registry_remove_key(refresh->plane->registry, id);
        return OK;
    }
    struct str *plans;
    size_t count;
    enum err rc =
        state_names(&refresh->view, state_prefix(&refresh->arena, "keyplan", id), &plans, &count);
    if (rc == OK)
        registry_set_key(refresh->plane->registry, id, json_get_str(document, "value"),
                         json_get_bool(document, "enabled", false), plans, count);
    return rc;
}

static enum err refresh_key(struct refresh *refresh, struct str id)
{
    yyjson_val *document;
    enum err rc =
        state_get(&refresh->view, state_key(&refresh->arena, "key", id, NO_PART), &document);
    return rc ? rc : load_key(refresh, id, document);
}

/* --- Domains --- */

struct mapping_items {
    struct arena *arena;
    struct mapping_config *items;
    size_t count, capacity;
};

static enum err add_mapping(void *arg, struct str name, yyjson_val *document)
{
    struct mapping_items *list = arg;
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 8;
        list->items =
            arena_realloc(list->arena, list->items, list->capacity * sizeof(struct mapping_config),
                          capacity * sizeof(struct mapping_config));
        list->capacity = capacity;
    }
    list->items[list->count++] = (struct mapping_config){
        .base_path = str_eq(name, STR("(none)")) ? STR_EMPTY : arena_str(list->arena, name),
        .api_id = arena_str(list->arena, json_get_str(document, "restApiId")),
        .stage = arena_str(list->arena, json_get_str(document, "stage")),
    };
    return OK;
}

static enum err load_domain(void *arg, struct str name, yyjson_val *document)
{
    struct refresh *refresh = arg;
    if (!document) {
        registry_remove_domain(refresh->plane->registry, name);
        return OK;
    }
    struct mapping_items list = {.arena = &refresh->arena};
    enum err rc = state_each(&refresh->view, state_prefix(&refresh->arena, "mapping", name),
                             STR_EMPTY, add_mapping, &list);
    if (rc == OK)
        registry_set_domain(refresh->plane->registry, name, list.items, list.count);
    return rc;
}

static enum err refresh_domain(struct refresh *refresh, struct str name)
{
    yyjson_val *document;
    enum err rc =
        state_get(&refresh->view, state_key(&refresh->arena, "domain", name, NO_PART), &document);
    return rc ? rc : load_domain(refresh, name, document);
}

/* --- Account --- */

static enum err refresh_account(struct refresh *refresh)
{
    yyjson_val *document, *throttle;
    enum err rc = state_get(&refresh->view, state_key(&refresh->arena, "account", NO_PART, NO_PART),
                            &document);
    if (rc)
        return rc;
    throttle = json_get(document, "throttleSettings");
    registry_set_account_throttle(refresh->plane->registry,
                                  throttle
                                      ? read_throttle(throttle)
                                      : throttle_make(DEFAULT_RATE_LIMIT, DEFAULT_BURST_LIMIT));
    return OK;
}

/* --- Use --- */

/* What an operator granted; the counts themselves are newer in memory. */
static enum err refresh_usage(struct refresh *refresh, struct str plan_id, struct str key_id)
{
    bool found;
    struct str value;
    int64_t start = 0, bonus = 0;
    enum err rc = store_get(refresh->plane->skylite->store, STORE_METRICS,
                            state_key(&refresh->arena, "quota", plan_id, key_id), &refresh->arena,
                            &found, &value, &refresh->error);
    if (rc || !found)
        return rc;
    yyjson_val *document = json_parse(&refresh->arena, value);
    json_get_i64(document, "start", &start);
    json_get_i64(document, "bonus", &bonus);
    registry_set_bonus(refresh->plane->registry, plan_id, key_id, (uint32_t)start, (int32_t)bonus);
    return OK;
}

/* --- All of it --- */

void plane_touch(struct plane *plane, enum touch_kind kind, struct str id, struct str name)
{
    if (!plane->touched) {
        plane->touched = calloc(1, sizeof(*plane->touched));
        if (!plane->touched)
            abort();
    }
    struct touched *touched = plane->touched;
    struct touch *last = touched->count ? &touched->items[touched->count - 1] : NULL;
    if (last && last->kind == kind && str_eq(last->id, id) && str_eq(last->name, name))
        return;
    if (touched->count == touched->capacity) {
        size_t capacity = touched->capacity ? touched->capacity * 2 : 16;
        touched->items =
            arena_realloc(&touched->arena, touched->items, touched->capacity * sizeof(struct touch),
                          capacity * sizeof(struct touch));
        touched->capacity = capacity;
    }
    touched->items[touched->count++] = (struct touch){
        .kind = kind,
        .id = arena_str(&touched->arena, id),
        .name = arena_str(&touched->arena, name),
    };
}

static enum err refresh_one(struct refresh *refresh, const struct touch *touch)
{
    switch (touch->kind) {
    case TOUCH_STAGE:
        return refresh_stage(refresh, touch->id, touch->name);
    case TOUCH_PLAN:
        return refresh_plan(refresh, touch->id);
    case TOUCH_KEY:
        return refresh_key(refresh, touch->id);
    case TOUCH_DOMAIN:
        return refresh_domain(refresh, touch->id);
    case TOUCH_ACCOUNT:
        return refresh_account(refresh);
    case TOUCH_USAGE:
        return refresh_usage(refresh, touch->id, touch->name);
    }
    return OK;
}

void plane_refresh(struct plane *plane)
{
    struct touched *touched = plane->touched;
    for (size_t i = 0; touched && i < touched->count; i++) {
        struct refresh refresh;
        refresh_init(&refresh, plane);
        if (refresh_one(&refresh, &touched->items[i]))
            log_error("apigateway", "a change is not in effect before a restart: %s",
                      refresh.error.message);
        arena_release(&refresh.arena);
    }
    if (touched) {
        arena_release(&touched->arena);
        *touched = (struct touched){0};
    }
}

void plane_forget_touched(struct plane *plane)
{
    if (plane->touched)
        arena_release(&plane->touched->arena);
    free(plane->touched);
    plane->touched = NULL;
}

static enum err load_stage_key(void *arg, struct str name, yyjson_val *document)
{
    struct str api_id;
    str_cut(&name, '/', &api_id);
    return load_stage(arg, api_id, name, document);
}

enum err plane_load(struct plane *plane, struct error *error)
{
    struct refresh refresh;
    refresh_init(&refresh, plane);
    const struct view *view = &refresh.view;
    struct arena *arena = &refresh.arena;
    enum err rc = refresh_account(&refresh);
    if (rc == OK)
        rc = state_each(view, state_prefix(arena, "plan", NO_PART), STR_EMPTY, load_plan, &refresh);
    if (rc == OK)
        rc = state_each(view, state_prefix(arena, "key", NO_PART), STR_EMPTY, load_key, &refresh);
    if (rc == OK)
        rc = state_each(view, state_prefix(arena, "domain", NO_PART), STR_EMPTY, load_domain,
                        &refresh);
    if (rc == OK)
        rc = state_each(view, state_prefix(arena, "stage", NO_PART), STR_EMPTY, load_stage_key,
                        &refresh);
    if (rc)
        error_set(error, rc, "%s", refresh.error.message);
    arena_release(&refresh.arena);
    return rc;
}
