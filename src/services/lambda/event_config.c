/* Put-, Update-, Get-, Delete- and ListFunctionEventInvokeConfig(s). */
#include "services/lambda/event_config.h"

#include "base/clock.h"
#include "services/lambda/events.h"
#include "services/lambda/operations.h"
#include "services/lambda/page.h"
#include "services/lambda/settings.h"
#include "services/lambda/violations.h"

#define RETRIES "MaximumRetryAttempts"
#define AGE     "MaximumEventAgeInSeconds"

struct str lambda_event_config_key(struct arena *arena, struct str key)
{
    return arena_printf(arena, LAMBDA_EVENT_CONFIGS "%.*s", STR_ARG(key));
}

void event_config_load(struct lambda *lambda, struct str key, struct event_config *out)
{
    struct arena arena = {0};
    struct error error;
    struct str text = STR_EMPTY;
    bool is_found;
    *out = (struct event_config){.max_retries = EVENT_MAX_RETRIES, .max_age_s = EVENT_MAX_AGE_S};
    enum err rc = store_get(lambda->skylite->store, STORE_META,
                            lambda_event_config_key(&arena, key), &arena, &is_found, &text, &error);
    if (rc == OK && is_found) {
        yyjson_val *document = json_parse(&arena, text);
        json_get_i64(document, RETRIES, &out->max_retries);
        json_get_i64(document, AGE, &out->max_age_s);
    }
    arena_release(&arena);
}

/* --- Which one --- */

struct config_change {
    struct function_name name;
    struct str key;        /* in the store */
    struct str arn;        /* of the function, version or alias */
    yyjson_mut_val *value; /* as stored */
};

static enum err find(struct request *request, struct config_change **out)
{
    struct config_change *change = arena_new(request->arena, struct config_change);
    enum err rc =
        lambda_parse_name(request_str(request, "FunctionName"), request_str(request, "Qualifier"),
                          &change->name, &request->error);
    if (rc)
        return rc;
    struct function_name name = change->name;
    change->key = lambda_event_config_key(request->arena, lambda_key(request->arena, name));
    struct str qualifier = name.qualifier.len ? name.qualifier : STR("$LATEST");
    change->arn = skylite_arn(
        request->skylite, request->arena, "lambda",
        arena_printf(request->arena, "function:%.*s:%.*s", STR_ARG(name.name), STR_ARG(qualifier)));
    *out = change;
    return OK;
}

/* The same for what must be there. */
static enum err find_owner(struct request *request, struct config_change **out)
{
    struct lambda *lambda = request_self(request, struct lambda);
    struct lambda_target target;
    enum err rc = find(request, out);
    if (rc)
        return rc;
    rc = lambda_find(lambda, request_str(request, "FunctionName"),
                     request_str(request, "Qualifier"), &target, &request->error);
    if (rc == ERR_LAMBDA_RESOURCE_NOT_FOUND)
        return request_fail(request, rc, "The function doesn't exist.");
    if (rc == OK)
        lambda_target_release(&target);
    return rc;
}

static enum err not_there(struct request *request, const struct config_change *change)
{
    return request_fail(request, ERR_LAMBDA_RESOURCE_NOT_FOUND,
                        "The function %.*s doesn't have an EventInvokeConfig",
                        STR_ARG(change->arn));
}

static void answer(struct request *request, yyjson_mut_val *object, const yyjson_val *document)
{
    yyjson_mut_doc *doc = request->doc;
    int64_t modified_ms = 0;
    json_get_i64(document, "LastModified", &modified_ms);
    request_add_time(request, object, "LastModified", modified_ms);
    json_add_copy(doc, object, "FunctionArn", json_get(document, "FunctionArn"));
    json_add_copy(doc, object, RETRIES, json_get(document, RETRIES));
    json_add_copy(doc, object, AGE, json_get(document, AGE));
    yyjson_mut_val *destinations = json_add_obj(doc, object, "DestinationConfig");
    json_add_obj(doc, destinations, "OnSuccess");
    json_add_obj(doc, destinations, "OnFailure");
}

/* --- Changing --- */

static enum err check(struct request *request)
{
    static const char *const sides[] = {"OnSuccess", "OnFailure"};
    struct violations violations;
    int64_t number;
    violations_init(&violations, request->arena);
    if (json_get_i64(request->input, RETRIES, &number))
        violations_range(&violations, number, "maximumRetryAttempts", 0, EVENT_MAX_RETRIES);
    if (json_get_i64(request->input, AGE, &number))
        violations_range(&violations, number, "maximumEventAgeInSeconds", 60, EVENT_MAX_AGE_S);
    yyjson_val *destinations = json_get(request->input, "DestinationConfig");
    for (size_t i = 0; i < sizeof(sides) / sizeof(*sides); i++) {
        if (json_get_str(json_get(destinations, sides[i]), "Destination").len)
            return request_fail(request, ERR_LAMBDA_INVALID_PARAMETER_VALUE,
                                "DestinationConfig is not available on this server.");
    }
    return violations_check(&violations, &request->error);
}

static enum err check_setting(struct request *request)
{
    static const char *const members[] = {RETRIES, AGE, "DestinationConfig"};
    for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
        yyjson_val *value = json_get(request->input, members[i]);
        if (value && !yyjson_is_null(value))
            return OK;
    }
    return request_fail(request, ERR_LAMBDA_INVALID_PARAMETER_VALUE,
                        "You must specify at least one of error handling or destination setting.");
}

static void take_number(struct request *request, yyjson_mut_val *value, const char *key)
{
    int64_t number;
    if (json_get_i64(request->input, key, &number))
        settings_put(request->doc, value, key, yyjson_mut_sint(request->doc, number));
}

/* Put starts anew, Update goes on from what is there. */
static enum err write_config(struct request *request, struct store_txn *txn)
{
    struct config_change *change = request->handler_state;
    bool is_update = str_eq(str_from(request->operation->http_method), STR("POST"));
    bool is_found = false;
    struct str text;
    enum err rc = store_txn_get(txn, STORE_META, change->key, request->arena, &is_found, &text,
                                &request->error);
    if (rc)
        return rc;
    if (is_update && !is_found)
        return not_there(request, change);
    change->value = is_update ? yyjson_val_mut_copy(request->doc, json_parse(request->arena, text))
                              : yyjson_mut_obj(request->doc);
    settings_put_text(request->doc, change->value, "FunctionArn", change->arn);
    settings_put(request->doc, change->value, "LastModified",
                 yyjson_mut_sint(request->doc, clock_wall_ms()));
    take_number(request, change->value, RETRIES);
    take_number(request, change->value, AGE);
    store_txn_put(txn, STORE_META, change->key, json_write(request->arena, change->value));
    return OK;
}

static enum err answer_written(struct request *request)
{
    const struct config_change *change = request->handler_state;
    struct str text = json_write(request->arena, change->value);
    answer(request, request_output(request), json_parse(request->arena, text));
    return OK;
}

enum err lambda_put_event_config(struct request *request)
{
    struct config_change *change;
    enum err rc = check(request);
    if (rc == OK)
        rc = find_owner(request, &change);
    if (rc == OK)
        rc = check_setting(request);
    if (rc)
        return rc;
    request->handler_state = change;
    return request_write(request, write_config, answer_written);
}

static enum err delete_config(struct request *request, struct store_txn *txn)
{
    const struct config_change *change = request->handler_state;
    bool is_found = false;
    struct str text;
    enum err rc = store_txn_get(txn, STORE_META, change->key, request->arena, &is_found, &text,
                                &request->error);
    if (rc == OK && !is_found)
        rc = not_there(request, change);
    if (rc == OK)
        store_txn_delete(txn, STORE_META, change->key);
    return rc;
}

enum err lambda_delete_event_config(struct request *request)
{
    struct config_change *change;
    enum err rc = find(request, &change);
    if (rc)
        return rc;
    request->handler_state = change;
    return request_write(request, delete_config, NULL);
}

/* --- Reading --- */

enum err lambda_get_event_config(struct request *request)
{
    struct config_change *change;
    bool is_found = false;
    struct str text;
    enum err rc = find(request, &change);
    if (rc == OK)
        rc = store_get(request->skylite->store, STORE_META, change->key, request->arena, &is_found,
                       &text, &request->error);
    if (rc == OK && !is_found)
        rc = not_there(request, change);
    if (rc == OK)
        answer(request, request_output(request), json_parse(request->arena, text));
    return rc;
}

enum err lambda_list_event_configs(struct request *request)
{
    struct arena *arena = request->arena;
    struct config_change *change;
    struct page page;
    bool has_more = false;
    enum err rc = find_owner(request, &change);
    if (rc == OK)
        rc = page_read(request, &page);
    if (rc)
        return rc;
    yyjson_mut_val *list =
        json_add_arr(request->doc, request_output(request), "FunctionEventInvokeConfigs");
    struct str first = lambda_event_config_key(arena, change->name.name);
    struct str start = page.after.len ? arena_printf(arena, LAMBDA_EVENT_CONFIGS "%.*s%c",
                                                     STR_ARG(page.after), '\0')
                                      : first;
    struct str key, value, last = STR_EMPTY;
    struct store_iter *iter = store_iter_new(request->skylite->store, STORE_META, start,
                                             arena_printf(arena, "%.*s;", STR_ARG(first)), false);
    while (!has_more && store_iter_next(iter, &key, &value)) {
        if (key.len > first.len && key.ptr[first.len] != ':')
            continue; /* of another function, whose name goes on */
        has_more = (int64_t)yyjson_mut_arr_size(list) == page.size;
        if (has_more)
            break;
        last = arena_str(arena, str_slice(key, strlen(LAMBDA_EVENT_CONFIGS), key.len));
        answer(request, yyjson_mut_arr_add_obj(request->doc, list),
               json_parse(arena, arena_str(arena, value)));
    }
    rc = store_iter_error(iter, &request->error);
    store_iter_free(iter);
    if (rc == OK && has_more)
        page_add_marker(request, last);
    return rc;
}
