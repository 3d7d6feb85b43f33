/* The note's rules: what clients may send, ids, forms. */
#include "note.h"

#include "../check.h"

struct reading {
    struct arena arena;
    struct note note;
    struct error error;
    enum err rc;
};

static void read_body(struct reading *reading, struct str body)
{
    *reading = (struct reading){0};
    reading->rc = note_read(&reading->arena, body, &reading->note, &reading->error);
}

static void refuses(struct str body, enum err code, const char *message)
{
    struct reading reading;
    read_body(&reading, body);
    assert_int_equal(reading.rc, code);
    assert_string_equal(reading.error.message, message);
    arena_release(&reading.arena);
}

static struct str title_of(struct arena *arena, const char *character, size_t count)
{
    struct buf body;
    buf_init_arena(&body, arena, SIZE_MAX / 2);
    buf_add(&body, STR("{\"title\":\""));
    for (size_t i = 0; i < count; i++)
        buf_add(&body, str_from(character));
    buf_add(&body, STR("\"}"));
    return buf_str(&body);
}

static struct str content_of(struct arena *arena, size_t len)
{
    char *text = arena_alloc(arena, len + 1);
    memset(text, 'c', len);
    text[len] = '\0';
    return arena_printf(arena, "{\"content\":\"%s\"}", text);
}

/* --- Reading --- */

static void test_note__takes_what_is_given(void **state)
{
    (void)state;
    struct reading reading;
    read_body(&reading, STR("{\"title\":\"Milk\",\"other\":5,\"content\":\"two\\u0000\"}"));
    assert_int_equal(reading.rc, OK);
    assert_str(reading.note.title, STR("Milk"));
    assert_str(reading.note.content, STR("two\0"));
    assert_null(reading.note.id.ptr);
    arena_release(&reading.arena);
}

static void test_note__keeps_no_timestamp_from_clients(void **state)
{
    (void)state;
    struct reading reading;
    read_body(&reading, STR("{\"timestamp\":\"1970-01-01T00:00:00.000Z\"}"));
    assert_int_equal(reading.rc, OK);
    assert_null(reading.note.timestamp.ptr);
    arena_release(&reading.arena);
}

static void test_note__refuses_what_is_no_object(void **state)
{
    (void)state;
    refuses(STR_EMPTY, ERR_VALIDATION, "the body is empty; it must be a JSON object");
    refuses((struct str){NULL, 0}, ERR_VALIDATION, "the body is empty; it must be a JSON object");
    refuses(STR("{"), ERR_VALIDATION, "the body is not valid JSON");
    refuses(STR("{\"title\":\"\xff\"}"), ERR_VALIDATION, "the body is not valid JSON");
    refuses(STR("[]"), ERR_VALIDATION, "the body must be a JSON object");
    refuses(STR("\"text\""), ERR_VALIDATION, "the body must be a JSON object");
}

static void test_note__names_the_member_of_the_wrong_type(void **state)
{
    (void)state;
    refuses(STR("{\"title\":5}"), ERR_VALIDATION, "title must be a string");
    refuses(STR("{\"title\":null}"), ERR_VALIDATION, "title must be a string");
    refuses(STR("{\"content\":[\"c\"]}"), ERR_VALIDATION, "content must be a string");
    refuses(STR("{\"noteId\":true}"), ERR_VALIDATION, "noteId must be a string");
}

static void test_note__counts_a_titles_characters(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct reading reading;
    read_body(&reading, title_of(&arena, "\xF0\x9F\x8E\x89", 256));
    assert_int_equal(reading.rc, OK);
    arena_release(&reading.arena);
    refuses(title_of(&arena, "\xC3\xBC", 257), ERR_VALIDATION,
            "title must be 1 to 256 characters long");
    refuses(STR("{\"title\":\"\"}"), ERR_VALIDATION, "title must be 1 to 256 characters long");
    arena_release(&arena);
}

static void test_note__counts_contents_bytes(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct reading reading;
    read_body(&reading, content_of(&arena, NOTE_MAX_CONTENT));
    assert_int_equal(reading.rc, OK);
    arena_release(&reading.arena);
    refuses(content_of(&arena, NOTE_MAX_CONTENT + 1), ERR_REQUEST_ENTITY_TOO_LARGE,
            "content must be 358400 bytes long at most");
    arena_release(&arena);
}

static void test_note__refuses_an_id_that_no_note_can_have(void **state)
{
    (void)state;
    refuses(STR("{\"noteId\":\"\"}"), ERR_VALIDATION, "noteId must be 1 to 2048 bytes long");
}

static void test_note__says_what_a_new_one_lacks(void **state)
{
    (void)state;
    struct error error;
    struct note note = {.content = STR("")};
    assert_int_equal(note_check_complete(&note, &error), ERR_VALIDATION);
    assert_string_equal(error.message, "title is missing");
    note = (struct note){.title = STR("t")};
    assert_int_equal(note_check_complete(&note, &error), ERR_VALIDATION);
    assert_string_equal(error.message, "content is missing");
    note.content = STR("");
    assert_int_equal(note_check_complete(&note, &error), OK);
}

/* --- Ids --- */

static void test_note__ids_are_uuids_of_version_7(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct str id = note_new_id(&arena, 0x0123456789ab);
    assert_int_equal(id.len, 36);
    assert_str(str_slice(id, 0, 15), STR("01234567-89ab-7"));
    assert_non_null(strchr("89ab", id.ptr[19]));
    assert_int_equal(id.ptr[18], '-');
    assert_int_equal(id.ptr[23], '-');
    arena_release(&arena);
}

static void test_note__ids_sort_by_time(void **state)
{
    (void)state;
    struct arena arena = {0};
    assert_true(str_cmp(note_new_id(&arena, 1700000000000), note_new_id(&arena, 1700000000001)) <
                0);
    arena_release(&arena);
}

static void test_note__ids_differ_within_a_millisecond(void **state)
{
    (void)state;
    struct arena arena = {0};
    assert_false(str_eq(note_new_id(&arena, 1), note_new_id(&arena, 1)));
    arena_release(&arena);
}

/* --- Forms --- */

static void test_note__is_written_as_clients_get_it(void **state)
{
    (void)state;
    struct buf out;
    struct note note = {STR("i"), STR("\"t\""), STR(""), STR("1970")};
    buf_init(&out, NOTE_MAX_JSON);
    note_add_json(&out, &note);
    assert_str(buf_str(&out), STR("{\"noteId\":\"i\",\"title\":\"\\\"t\\\"\",\"content\":\"\","
                                  "\"timestamp\":\"1970\"}"));
    buf_release(&out);
}

static void test_note__leaves_out_what_an_item_lacks(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct buf out;
    yyjson_val *item =
        json_parse(&arena, STR("{\"noteId\":{\"S\":\"i\"},\"title\":{\"N\":\"5\"}}"));
    struct note note = note_from_item(item), nothing = {0};
    buf_init(&out, NOTE_MAX_JSON);
    note_add_json(&out, &note);
    note_add_json(&out, &nothing);
    assert_str(buf_str(&out), STR("{\"noteId\":\"i\"}{}"));
    buf_release(&out);
    arena_release(&arena);
}

static void test_note__comes_back_from_its_attributes(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct buf out;
    struct note note = {STR("i"), STR("t\n"), STR("c"), STR("1970")};
    buf_init_arena(&out, &arena, NOTE_MAX_JSON);
    buf_add_byte(&out, '{');
    note_add_attributes(&out, &note);
    buf_add_byte(&out, '}');
    struct note back = note_from_item(json_parse(&arena, buf_str(&out)));
    assert_str(back.id, note.id);
    assert_str(back.title, note.title);
    assert_str(back.content, note.content);
    assert_str(back.timestamp, note.timestamp);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_note__takes_what_is_given),
        cmocka_unit_test(test_note__keeps_no_timestamp_from_clients),
        cmocka_unit_test(test_note__refuses_what_is_no_object),
        cmocka_unit_test(test_note__names_the_member_of_the_wrong_type),
        cmocka_unit_test(test_note__counts_a_titles_characters),
        cmocka_unit_test(test_note__counts_contents_bytes),
        cmocka_unit_test(test_note__refuses_an_id_that_no_note_can_have),
        cmocka_unit_test(test_note__says_what_a_new_one_lacks),
        cmocka_unit_test(test_note__ids_are_uuids_of_version_7),
        cmocka_unit_test(test_note__ids_sort_by_time),
        cmocka_unit_test(test_note__ids_differ_within_a_millisecond),
        cmocka_unit_test(test_note__is_written_as_clients_get_it),
        cmocka_unit_test(test_note__leaves_out_what_an_item_lacks),
        cmocka_unit_test(test_note__comes_back_from_its_attributes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
