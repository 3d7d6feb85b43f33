"""Which resource a path leads to, and what of it the integration gets."""

import pytest

import functions
import gateway_api

RESOURCES = ["/", "/things", "/things/new", "/things/{id}", "/things/{id}/parts", "/things/{id}/{rest+}", "/files/{path+}", "/a:b"]


@pytest.fixture(scope="module")
def api(server):
    client = server.client("lambda")
    role = functions.make_role(server, "paths-role")
    functions.make_function(server, "paths", functions.PROBE, "probe", role)
    function = client.get_function(FunctionName="paths")["Configuration"]["FunctionArn"]
    client.add_permission(
        FunctionName="paths", StatementId="api", Action="lambda:InvokeFunction", Principal="apigateway.amazonaws.com"
    )
    gateway = gateway_api.Gateway(server)
    integration = {"type": "AWS_PROXY", "integrationHttpMethod": "POST", "uri": gateway_api.lambda_uri(function)}
    made = {"": gateway.root}
    for path in RESOURCES:
        parent, _, part = path.rpartition("/")
        if part and parent not in made:
            made[parent] = gateway.resource(parent.removeprefix("/"))
        resource = made[path] = gateway.resource(part, made[parent]) if part else gateway.root
        gateway.method(resource, "POST", integration)
    api = gateway.deploy()
    yield api
    gateway.delete()
    client.delete_function(FunctionName="paths")
    server.client("iam").delete_role(RoleName="paths-role")


def event_of(api, target):
    answer = api.call("POST", target, {"do": "echo"})
    assert answer.status == 200, answer
    return answer.json


@pytest.mark.parametrize(
    ("path", "resource", "parameters"),
    [
        ("/", "/", None),
        ("/things", "/things", None),
        ("/things/", "/things", None),
        ("/things/new", "/things/new", None),  # before {id}
        ("/things/n%65w", "/things/new", None),
        ("/things/News", "/things/{id}", {"id": "News"}),
        ("/things/7/parts", "/things/{id}/parts", {"id": "7"}),  # before {rest+}
        ("/things/7/parts/1", "/things/{id}/{rest+}", {"id": "7", "rest": "parts/1"}),
        ("/things/new/x", "/things/{id}/{rest+}", {"id": "new", "rest": "x"}),  # there is nothing below the literal one
        ("/things/7/../new", "/things/{id}/{rest+}", {"id": "7", "rest": "../new"}),  # nothing is resolved
        ("/files/a/b/c.txt", "/files/{path+}", {"path": "a/b/c.txt"}),
        ("/a:b", "/a:b", None),
        ("/a%3ab", "/a:b", None),
        # REST APIs hand parameters of the path on as the client has written them.
        ("/things/a%20b", "/things/{id}", {"id": "a%20b"}),
        ("/things/a%2Fb", "/things/{id}", {"id": "a%2Fb"}),
        ("/things/a%7Cb+c", "/things/{id}", {"id": "a%7Cb+c"}),
        ("/things/100%25", "/things/{id}", {"id": "100%25"}),
        ("/things/%C3%BC", "/things/{id}", {"id": "%C3%BC"}),
        ("/files/a%20b/c%3Fd", "/files/{path+}", {"path": "a%20b/c%3Fd"}),
    ],
)
def test_a_path_leads_to_a_resource(api, path, resource, parameters):
    event = event_of(api, path)
    assert (event["resource"], event["pathParameters"]) == (resource, parameters)
    assert event["path"] == path
    assert event["requestContext"]["path"] == "/dev" + path
    assert event["requestContext"]["resourcePath"] == resource


@pytest.mark.parametrize(
    "target, path", [("/dev//things/new", "/things/new"), ("/dev///things", "/things"), ("//dev/things", "/things")]
)
def test_doubled_slashes_before_the_path_count_as_one(api, target, path):
    api.prefix, prefix = "", api.prefix
    try:
        event = event_of(api, target)
    finally:
        api.prefix = prefix
    assert (event["resource"], event["path"]) == (path, path)
    assert event["requestContext"]["path"] == target


def test_slashes_behind_the_first_part_stay(api):
    assert event_of(api, "/files/a//b")["pathParameters"] == {"path": "a//b"}


@pytest.mark.parametrize("path", ["/thing", "/files", "/Things", "/a+b", "/../things"])
def test_only_what_is_there(api, path):
    answer = api.call("POST", path, {"do": "echo"})
    assert (answer.status, answer.json) == (403, {"message": "Missing Authentication Token"})


@pytest.mark.parametrize(
    ("query", "last", "every"),
    [
        ("", None, None),
        ("q=a%20b", {"q": "a b"}, {"q": ["a b"]}),
        ("q=a+b", {"q": "a b"}, {"q": ["a b"]}),
        ("q=1&q=2&r=3", {"q": "2", "r": "3"}, {"q": ["1", "2"], "r": ["3"]}),
        ("q", {"q": ""}, {"q": [""]}),
        ("q=", {"q": ""}, {"q": [""]}),
        ("q=a%3Db%26c", {"q": "a=b&c"}, {"q": ["a=b&c"]}),
        ("a%5B%5D=1&a%5B%5D=2", {"a[]": "2"}, {"a[]": ["1", "2"]}),
        ("q=%C3%BC", {"q": "ü"}, {"q": ["ü"]}),
    ],
)
def test_parameters_of_the_query_are_decoded(api, query, last, every):
    event = event_of(api, "/things?" + query)
    assert (event["queryStringParameters"], event["multiValueQueryStringParameters"]) == (last, every)
    assert event["path"] == "/things"
