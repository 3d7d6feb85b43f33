/* The five functions against a table that plays a script. */
#include <stdio.h>

#include "../check.h"
#include "../sdk/fake_server.h"
#include "base/clock.h"
#include "notes.h"

#define NOW_MS 1767225600123 /* 2026-01-01T00:00:00.123Z */
#define ITEM                                                                                       \
    "{\"noteId\":{\"S\":\"n-1\"},\"title\":{\"S\":\"Milk\"},\"content\":{\"S\":\"two\"},"          \
    "\"timestamp\":{\"S\":\"2025-12-31T00:00:00.000Z\"}}"
#define NOTE                                                                                       \
    "{\"noteId\":\"n-1\",\"title\":\"Milk\",\"content\":\"two\","                                  \
    "\"timestamp\":\"2025-12-31T00:00:00.000Z\"}"
#define CONDITION_FAILED                                                                           \
    "{\"__type\":\"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException\","            \
    "\"message\":\"The conditional request failed\"}"
#define NO_TABLE                                                                                   \
    "{\"__type\":\"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException\","                  \
    "\"message\":\"Requested resource not found\"}"

/* One call of a function. The table answers once; without an answer it must not be asked. */
struct call {
    struct fake_server server;
    struct fake_step step;
    struct arena arena;
    struct notes notes;
    struct api_event event;
    struct api_response response;
    struct str body; /* of what the table was asked */
};

static struct str http_answer(struct arena *arena, int status, const char *body)
{
    return arena_printf(arena, "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n\r\n%s", status,
                        strlen(body), body);
}

static void call(struct call *c, api_handler_fn handler, const char *event, int status,
                 const char *answer)
{
    struct error error;
    *c = (struct call){.notes = {.table = STR("\"Notes\"")}};
    if (answer)
        c->step = (struct fake_step){1, http_answer(&c->arena, status, answer).ptr};
    fake_server_start(&c->server, &c->step, answer ? 1 : 0);
    const struct dynamodb_options options = {
        .endpoint = str_from(c->server.url),
        .region = STR("us-east-1"),
        .access_key = STR("k"),
        .secret_key = STR("s"),
        .max_attempts = 1,
    };
    assert_int_equal(dynamodb_new(&options, &c->notes.client, &error), OK);
    assert_int_equal(api_event_parse(&c->arena, str_from(event), &c->event, &error), OK);

    struct lambda_context context = {.arena = &c->arena, .user = &c->notes, .request_id = STR("r")};
    api_response_init(&c->response, &c->arena);
    clock_fake_ms(NOW_MS);
    assert_int_equal(handler(&context, &c->event, &c->response, &error), OK);
    clock_fake_ms(0);
    fake_server_join(&c->server);
    struct str received = buf_str(&c->server.received);
    ptrdiff_t head_end = str_find(received, STR("\r\n\r\n"));
    c->body = head_end < 0 ? STR_EMPTY : str_slice(received, (size_t)head_end + 4, received.len);
}

static void end(struct call *c)
{
    dynamodb_free(c->notes.client);
    fake_server_release(&c->server);
    arena_release(&c->arena);
}

static struct str header(const struct call *c, const char *name)
{
    for (size_t i = 0; i < c->response.header_count; i++) {
        if (str_eq(c->response.headers[i].name, str_from(name)))
            return c->response.headers[i].value;
    }
    return STR_EMPTY;
}

static void answers(api_handler_fn handler, const char *event, int table_status,
                    const char *table_answer, int status, const char *body)
{
    struct call c;
    call(&c, handler, event, table_status, table_answer);
    assert_int_equal(c.response.status, status);
    assert_str(c.response.body, str_from(body));
    assert_str(header(&c, "Access-Control-Allow-Origin"), STR("*"));
    end(&c);
}

static void asks(api_handler_fn handler, const char *event, const char *table_answer,
                 const char *input)
{
    struct call c;
    call(&c, handler, event, 200, table_answer);
    assert_str(c.body, str_from(input));
    end(&c);
}

#define EVENT(method, rest) "{\"httpMethod\":\"" method "\",\"path\":\"/notes\"," rest "}"
#define BY_ID(method)       EVENT(method, "\"pathParameters\":{\"id\":\"n-1\"},\"body\":null")
#define BODY(method, body)  EVENT(method, "\"pathParameters\":null,\"body\":\"" body "\"")
#define BY_ID_AND_BODY(method, body)                                                               \
    EVENT(method, "\"pathParameters\":{\"id\":\"n-1\"},\"body\":\"" body "\"")
#define QUERY(query) EVENT("GET", "\"queryStringParameters\":{" query "},\"body\":null")

/* --- notes.insert --- */

static void test_insert__stores_a_note_and_answers_it(void **state)
{
    (void)state;
    struct call c;
    call(&c, notes_insert, BODY("POST", "{\\\"title\\\":\\\"Milk\\\",\\\"content\\\":\\\"\\\"}"),
         200, "{}");
    assert_int_equal(c.response.status, 201);
    yyjson_val *item = json_get(json_parse(&c.arena, c.body), "Item");
    struct note stored = note_from_item(item);
    assert_str(stored.title, STR("Milk"));
    assert_str(stored.content, STR(""));
    assert_str(stored.timestamp, STR("2026-01-01T00:00:00.123Z"));
    assert_true(str_starts(stored.id, STR("019b76da-a87b-7")));
    yyjson_val *answered = json_parse(&c.arena, c.response.body);
    assert_str(json_get_str(answered, "noteId"), stored.id);
    assert_str(json_get_str(answered, "timestamp"), stored.timestamp);
    end(&c);
}

static void test_insert__says_where_the_note_is(void **state)
{
    (void)state;
    struct call c;
    call(&c, notes_insert,
         "{\"httpMethod\":\"POST\",\"path\":\"/notes\",\"requestContext\":{\"path\":\"/prod/"
         "notes\"},"
         "\"body\":\"{\\\"title\\\":\\\"t\\\",\\\"content\\\":\\\"c\\\"}\"}",
         200, "{}");
    struct str id = json_get_str(json_parse(&c.arena, c.response.body), "noteId");
    struct str location = header(&c, "Location");
    assert_true(str_starts(location, STR("/prod/notes/")));
    assert_true(str_ends(location, id));
    end(&c);
}

static void test_insert__asks_for_title_and_content(void **state)
{
    (void)state;
    answers(notes_insert, BODY("POST", "{\\\"content\\\":\\\"c\\\"}"), 0, NULL, 400,
            "{\"message\":\"title is missing\"}");
    answers(notes_insert, BODY("POST", "{\\\"title\\\":\\\"t\\\"}"), 0, NULL, 400,
            "{\"message\":\"content is missing\"}");
    answers(notes_insert, EVENT("POST", "\"body\":null"), 0, NULL, 400,
            "{\"message\":\"the body is empty; it must be a JSON object\"}");
}

/* --- notes.get --- */

static void test_get__answers_the_note(void **state)
{
    (void)state;
    answers(notes_get, BY_ID("GET"), 200, "{\"Item\":" ITEM "}", 200, NOTE);
    asks(notes_get, BY_ID("GET"), "{}",
         "{\"TableName\":\"Notes\",\"Key\":{\"noteId\":{\"S\":\"n-1\"}},\"ConsistentRead\":true}");
}

static void test_get__misses_a_note_that_is_not_there(void **state)
{
    (void)state;
    answers(notes_get, BY_ID("GET"), 200, "{}", 404,
            "{\"message\":\"there is no note with this noteId\"}");
}

static void test_get__does_not_ask_for_an_impossible_id(void **state)
{
    (void)state;
    char event[4096], id[2050];
    memset(id, 'x', sizeof(id) - 1);
    id[sizeof(id) - 1] = '\0';
    snprintf(event, sizeof(event), "{\"httpMethod\":\"GET\",\"pathParameters\":{\"id\":\"%s\"}}",
             id);
    answers(notes_get, event, 0, NULL, 404, "{\"message\":\"there is no note with this noteId\"}");
}

/* --- notes.list --- */

static void test_list__asks_for_a_page(void **state)
{
    (void)state;
    asks(notes_list, EVENT("GET", "\"queryStringParameters\":null"), "{\"Items\":[]}",
         "{\"TableName\":\"Notes\",\"ConsistentRead\":true,\"Limit\":25}");
    asks(notes_list, QUERY("\"limit\":\"3\",\"cursor\":\"eyJub3RlSWQiOnsiUyI6ImEifX0\""),
         "{\"Items\":[]}",
         "{\"TableName\":\"Notes\",\"ConsistentRead\":true,\"Limit\":3,"
         "\"ExclusiveStartKey\":{\"noteId\":{\"S\":\"a\"}}}");
}

static void test_list__answers_notes_and_a_cursor_where_there_is_more(void **state)
{
    (void)state;
    answers(notes_list, QUERY(""), 200, "{\"Items\":[" ITEM "," ITEM "],\"Count\":2}", 200,
            "{\"notes\":[" NOTE "," NOTE "]}");
    answers(notes_list, QUERY(""), 200,
            "{\"Items\":[" ITEM "],\"LastEvaluatedKey\":{\"noteId\":{\"S\":\"a\"}}}", 200,
            "{\"notes\":[" NOTE "],\"cursor\":\"eyJub3RlSWQiOnsiUyI6ImEifX0\"}");
    answers(notes_list, QUERY(""), 200, "{\"Items\":[],\"Count\":0}", 200, "{\"notes\":[]}");
}

static void test_list__says_which_parameter_is_wrong(void **state)
{
    (void)state;
    static const char *const limits[] = {"0", "101", "-1", "x", "", "1.5", "99999999999999999999"};
    char event[256];
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        snprintf(event, sizeof(event),
                 "{\"httpMethod\":\"GET\",\"queryStringParameters\":{\"limit\":\"%s\"}}",
                 limits[i]);
        answers(notes_list, event, 0, NULL, 400,
                "{\"message\":\"limit must be a whole number from 1 to 100\"}");
    }
    answers(notes_list, QUERY("\"cursor\":\"nonsense\""), 0, NULL, 400,
            "{\"message\":\"cursor must be the cursor of a page that came before\"}");
}

/* Three notes of control characters: six bytes each in JSON, seven in the answer around it. */
static void test_list__ends_a_page_before_it_is_too_long(void **state)
{
    (void)state;
    enum { LEN = 340 * 1024 };
    struct arena arena = {0};
    struct buf answer;
    buf_init_arena(&answer, &arena, SIZE_MAX / 2);
    buf_add(&answer, STR("{\"Items\":["));
    for (int i = 0; i < 3; i++) {
        buf_printf(&answer, "%s{\"noteId\":{\"S\":\"n-%d\"},\"content\":{\"S\":\"", i ? "," : "",
                   i);
        for (int at = 0; at < LEN; at++)
            buf_add(&answer, STR("\\u0001"));
        buf_add(&answer, STR("\"}}"));
    }
    buf_add(&answer, STR("]}"));

    struct call c;
    call(&c, notes_list, QUERY(""), 200, arena_cstr(&arena, buf_str(&answer)));
    yyjson_val *page = json_parse(&c.arena, c.response.body);
    assert_int_equal(yyjson_arr_size(json_get(page, "notes")), 1);
    assert_str(json_get_str(page, "cursor"), STR("eyJub3RlSWQiOnsiUyI6Im4tMCJ9fQ"));
    assert_true(api_response_write(&c.response).len < 6 * 1024 * 1024);
    end(&c);
    arena_release(&arena);
}

/* --- notes.update --- */

static void test_update__changes_what_is_given(void **state)
{
    (void)state;
    asks(notes_update, BY_ID_AND_BODY("PUT", "{\\\"content\\\":\\\"three\\\"}"),
         "{\"Attributes\":" ITEM "}",
         "{\"TableName\":\"Notes\",\"Key\":{\"noteId\":{\"S\":\"n-1\"}},"
         "\"UpdateExpression\":\"SET #timestamp = :timestamp, #content = :content\","
         "\"ConditionExpression\":\"attribute_exists(noteId)\","
         "\"ExpressionAttributeNames\":{\"#timestamp\":\"timestamp\",\"#content\":\"content\"},"
         "\"ExpressionAttributeValues\":{\":timestamp\":{\"S\":\"2026-01-01T00:00:00.123Z\"},"
         "\":content\":{\"S\":\"three\"}},\"ReturnValues\":\"ALL_NEW\"}");
    asks(notes_update,
         BODY("PUT",
              "{\\\"noteId\\\":\\\"n-1\\\",\\\"title\\\":\\\"T\\\",\\\"content\\\":\\\"\\\"}"),
         "{\"Attributes\":" ITEM "}",
         "{\"TableName\":\"Notes\",\"Key\":{\"noteId\":{\"S\":\"n-1\"}},\"UpdateExpression\":"
         "\"SET #timestamp = :timestamp, #title = :title, #content = :content\","
         "\"ConditionExpression\":\"attribute_exists(noteId)\",\"ExpressionAttributeNames\":"
         "{\"#timestamp\":\"timestamp\",\"#title\":\"title\",\"#content\":\"content\"},"
         "\"ExpressionAttributeValues\":{\":timestamp\":{\"S\":\"2026-01-01T00:00:00.123Z\"},"
         "\":title\":{\"S\":\"T\"},\":content\":{\"S\":\"\"}},\"ReturnValues\":\"ALL_NEW\"}");
}

static void test_update__answers_the_note_as_it_is_now(void **state)
{
    (void)state;
    answers(notes_update, BY_ID_AND_BODY("PUT", "{\\\"title\\\":\\\"Milk\\\"}"), 200,
            "{\"Attributes\":" ITEM "}", 200, NOTE);
}

static void test_update__misses_a_note_that_is_not_there(void **state)
{
    (void)state;
    answers(notes_update, BY_ID_AND_BODY("PUT", "{\\\"title\\\":\\\"Milk\\\"}"), 400,
            CONDITION_FAILED, 404, "{\"message\":\"there is no note with this noteId\"}");
}

static void test_update__needs_something_to_change(void **state)
{
    (void)state;
    answers(notes_update, BY_ID_AND_BODY("PUT", "{}"), 0, NULL, 400,
            "{\"message\":\"there is nothing to change: give title, content or both\"}");
}

static void test_update__needs_one_id(void **state)
{
    (void)state;
    answers(notes_update, BODY("PUT", "{\\\"title\\\":\\\"t\\\"}"), 0, NULL, 400,
            "{\"message\":\"noteId is missing\"}");
    answers(notes_update,
            BY_ID_AND_BODY("PUT", "{\\\"noteId\\\":\\\"n-2\\\",\\\"title\\\":\\\"t\\\"}"), 0, NULL,
            400, "{\"message\":\"noteId differs from the one in the path\"}");
}

/* --- notes.delete --- */

static void test_delete__deletes_by_path_or_body(void **state)
{
    (void)state;
    const char *input = "{\"TableName\":\"Notes\",\"Key\":{\"noteId\":{\"S\":\"n-1\"}},"
                        "\"ConditionExpression\":\"attribute_exists(noteId)\"}";
    asks(notes_delete, BY_ID("DELETE"), "{}", input);
    asks(notes_delete, BODY("DELETE", "{\\\"noteId\\\":\\\"n-1\\\"}"), "{}", input);
}

static void test_delete__answers_nothing(void **state)
{
    (void)state;
    struct call c;
    call(&c, notes_delete, BY_ID("DELETE"), 200, "{}");
    assert_int_equal(c.response.status, 204);
    assert_int_equal(c.response.body.len, 0);
    assert_str(header(&c, "Content-Type"), STR(""));
    end(&c);
}

static void test_delete__misses_a_note_that_is_not_there(void **state)
{
    (void)state;
    answers(notes_delete, BY_ID("DELETE"), 400, CONDITION_FAILED, 404,
            "{\"message\":\"there is no note with this noteId\"}");
}

static void test_delete__needs_an_id(void **state)
{
    (void)state;
    answers(notes_delete, BODY("DELETE", "{}"), 0, NULL, 400,
            "{\"message\":\"noteId is missing\"}");
    answers(notes_delete, EVENT("DELETE", "\"body\":null"), 0, NULL, 400,
            "{\"message\":\"the body is empty; it must be a JSON object\"}");
}

/* --- Failures --- */

static void test_functions__tell_clients_nothing_of_the_inside(void **state)
{
    (void)state;
    const char *body = "{\"message\":\"Internal server error\"}";
    answers(notes_get, BY_ID("GET"), 400, NO_TABLE, 500, body);
    answers(notes_list, QUERY(""), 400, NO_TABLE, 500, body);
    answers(notes_delete, BY_ID("DELETE"), 400, NO_TABLE, 500, body);
    answers(notes_update, BY_ID_AND_BODY("PUT", "{\\\"title\\\":\\\"t\\\"}"), 400, NO_TABLE, 500,
            body);
    answers(notes_insert, BODY("POST", "{\\\"title\\\":\\\"t\\\",\\\"content\\\":\\\"c\\\"}"), 400,
            NO_TABLE, 500, body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_insert__stores_a_note_and_answers_it),
        cmocka_unit_test(test_insert__says_where_the_note_is),
        cmocka_unit_test(test_insert__asks_for_title_and_content),
        cmocka_unit_test(test_get__answers_the_note),
        cmocka_unit_test(test_get__misses_a_note_that_is_not_there),
        cmocka_unit_test(test_get__does_not_ask_for_an_impossible_id),
        cmocka_unit_test(test_list__asks_for_a_page),
        cmocka_unit_test(test_list__answers_notes_and_a_cursor_where_there_is_more),
        cmocka_unit_test(test_list__says_which_parameter_is_wrong),
        cmocka_unit_test(test_list__ends_a_page_before_it_is_too_long),
        cmocka_unit_test(test_update__changes_what_is_given),
        cmocka_unit_test(test_update__answers_the_note_as_it_is_now),
        cmocka_unit_test(test_update__misses_a_note_that_is_not_there),
        cmocka_unit_test(test_update__needs_something_to_change),
        cmocka_unit_test(test_update__needs_one_id),
        cmocka_unit_test(test_delete__deletes_by_path_or_body),
        cmocka_unit_test(test_delete__answers_nothing),
        cmocka_unit_test(test_delete__misses_a_note_that_is_not_there),
        cmocka_unit_test(test_delete__needs_an_id),
        cmocka_unit_test(test_functions__tell_clients_nothing_of_the_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
