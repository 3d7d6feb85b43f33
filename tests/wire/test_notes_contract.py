"""The Notes API's contract: what each call answers, to the member."""

import re
import uuid

import pytest

import notes_api

UUID_V7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@pytest.fixture(scope="module")
def api(server):
    api = notes_api.notes_of(server)
    yield api
    api.close()


@pytest.fixture
def note(api):
    created = api.call("POST", "/notes", {"title": "Milk", "content": "two bottles"}).json
    yield created
    api.call("DELETE", "/notes/" + created["noteId"])


def test_create_answers_the_note_and_where_it_is(api):
    answer = api.call("POST", "/notes", {"title": "Milk", "content": "two bottles"})
    assert answer.status == 201
    assert set(answer.json) == {"noteId", "title", "content", "timestamp"}
    assert UUID_V7.fullmatch(answer.json["noteId"])
    assert TIMESTAMP.fullmatch(answer.json["timestamp"])
    assert answer.json["title"] == "Milk"
    assert answer.headers["Location"].endswith("/notes/" + answer.json["noteId"])
    assert answer.headers["Content-Type"].startswith("application/json")
    assert api.call("DELETE", "/notes/" + answer.json["noteId"]).status == 204


def test_get_answers_what_was_created(api, note):
    answer = api.call("GET", "/notes/" + note["noteId"])
    assert (answer.status, answer.json) == (200, note)


def test_text_comes_back_as_it_went(api):
    text = 'äöü ✓ 🎉 "quoted" \\ / \u0000 \u0001 \n\t\r ' + "\u2028"
    created = api.call("POST", "/notes", {"title": "ü" * 256, "content": text})
    assert created.status == 201, created
    read = api.call("GET", "/notes/" + created.json["noteId"]).json
    assert read["content"] == text
    assert read["title"] == "ü" * 256
    api.call("DELETE", "/notes/" + read["noteId"])


def test_content_may_be_empty(api):
    created = api.call("POST", "/notes", {"title": "x", "content": ""})
    assert (created.status, created.json["content"]) == (201, "")
    api.call("DELETE", "/notes/" + created.json["noteId"])


def test_update_changes_what_is_given_and_the_timestamp(api, note):
    answer = api.call("PUT", "/notes/" + note["noteId"], {"content": "three"})
    assert answer.status == 200
    assert answer.json["title"] == note["title"]
    assert answer.json["content"] == "three"
    assert answer.json["timestamp"] >= note["timestamp"]
    assert api.call("GET", "/notes/" + note["noteId"]).json == answer.json


def test_update_takes_the_id_from_the_body(api, note):
    answer = api.call("PUT", "/notes", {"noteId": note["noteId"], "title": "Bread"})
    assert (answer.status, answer.json["title"]) == (200, "Bread")


def test_delete_takes_the_id_from_the_body(api, note):
    answer = api.call("DELETE", "/notes", {"noteId": note["noteId"]})
    assert (answer.status, answer.body) == (204, b"")
    assert api.call("GET", "/notes/" + note["noteId"]).status == 404


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_an_unknown_note_is_404(api, method):
    body = {"title": "x"} if method == "PUT" else None
    answer = api.call(method, "/notes/" + str(uuid.uuid4()), body)
    assert answer.status == 404
    assert answer.json["message"]


def test_list_pages_through_all_notes_once(api):
    ids = {api.call("POST", "/notes", {"title": f"n{i}", "content": "c"}).json["noteId"] for i in range(7)}
    seen, cursor, pages = [], None, 0
    while True:
        path = "/notes?limit=3" + (f"&cursor={cursor}" if cursor else "")
        page = api.call("GET", path).json
        assert len(page["notes"]) <= 3
        seen += [note["noteId"] for note in page["notes"]]
        pages += 1
        cursor = page.get("cursor")
        if not cursor:
            break
    assert pages >= 3
    assert len(seen) == len(set(seen))
    assert ids <= set(seen)
    for note_id in ids:
        api.call("DELETE", "/notes/" + note_id)


BAD_NOTES = [
    ("{", None),
    ("", None),
    ("[]", None),
    ('"text"', None),
    ({"content": "c"}, "title"),
    ({"title": "", "content": "c"}, "title"),
    ({"title": "x" * 257, "content": "c"}, "title"),
    ({"title": 5, "content": "c"}, "title"),
    ({"title": None, "content": "c"}, "title"),
    ({"title": "t", "content": 5}, "content"),
    ({"title": "t", "content": ["c"]}, "content"),
    ({"title": "t"}, "content"),
]


@pytest.mark.parametrize("body,field", BAD_NOTES)
def test_a_bad_note_is_400_and_says_why(api, body, field):
    answer = api.call("POST", "/notes", body)
    assert answer.status == 400, answer
    assert field is None or field in answer.json["message"]


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "limit=-1", "limit=1000000", "cursor=nonsense"])
def test_a_bad_page_is_400_and_says_why(api, query):
    answer = api.call("GET", "/notes?" + query)
    assert answer.status == 400, answer
    assert query.split("=")[0] in answer.json["message"]


def test_update_with_nothing_to_change_is_400(api, note):
    assert api.call("PUT", "/notes/" + note["noteId"], {}).status == 400
    assert api.call("PUT", "/notes", {"title": "x"}).status == 400


def test_content_over_350_kib_is_413(api):
    largest = "c" * (350 * 1024)
    fits = api.call("POST", "/notes", {"title": "t", "content": largest})
    assert fits.status == 201, fits
    api.call("DELETE", "/notes/" + fits.json["noteId"])
    answer = api.call("POST", "/notes", {"title": "t", "content": largest + "c"})
    assert answer.status == 413, answer
    assert answer.json["message"]


def test_a_body_over_the_gateways_limit_is_413(api):
    answer = api.call("POST", "/notes", b"x" * (10 * 1024 * 1024 + 1))
    api.close()
    assert answer.status == 413, answer


def test_the_note_is_in_the_table(server, api, note):
    item = server.client("dynamodb").get_item(TableName="Notes", Key={"noteId": {"S": note["noteId"]}})["Item"]
    assert item == {name: {"S": value} for name, value in note.items()}
