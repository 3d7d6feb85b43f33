"""Integrations of the types AWS, HTTP, HTTP_PROXY and MOCK: templates, mappings, selection patterns, passing through."""

import base64
import contextlib
import http.server
import json
import threading
import time

import botocore.exceptions
import pytest

import functions
import gateway_api

JSON = "application/json"


@pytest.fixture
def gateway(server):
    made = gateway_api.Gateway(server)
    yield made
    made.delete()


def refused(call, **arguments):
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        call(**arguments)
    return raised.value.response["Error"]["Message"]


# --- MOCK ---


def test_mock_chooses_by_the_status_that_its_template_gives(gateway):
    template = '{"statusCode": #if($input.params("scope") == "internal")200#{else}500#end}'
    gateway.method(
        gateway.resource("m"),
        parameters=["querystring.scope"],
        integration={"type": "MOCK", "requestTemplates": {JSON: template}},
        responses={
            "200": {
                "responseTemplates": {JSON: '{"id": "$context.requestId", "scope": "$input.params(\'scope\')"}'},
            },
            "500": {"selectionPattern": r"5\d{2}", "responseTemplates": {JSON: '{"message": "none of yours"}'}},
        },
    )
    api = gateway.deploy()
    good, bad = api.call("GET", "/m?scope=internal"), api.call("GET", "/m?scope=public")
    assert (good.status, good.json["scope"]) == (200, "internal")
    assert good.json["id"] == good.headers["x-amzn-RequestId"]
    assert (bad.status, bad.json) == (500, {"message": "none of yours"})


def test_of_several_patterns_the_one_of_the_integrations_status_goes_first(gateway):
    gateway.method(
        gateway.resource("m"),
        parameters=["querystring.s"],
        integration={"type": "MOCK", "requestTemplates": {JSON: '{"statusCode": $input.params("s")}'}},
        responses={
            status: {"selectionPattern": r"2\d{2}", "responseTemplates": {JSON: status}} for status in ("200", "201", "202")
        },
    )
    api = gateway.deploy()
    for sent, status in (("201", 201), ("202", 202), ("206", 200)):
        assert api.call("GET", f"/m?s={sent}").status == status


def test_templates_override_parameters_and_status(gateway):
    gateway.method(
        gateway.resource("m"),
        verb="POST",
        integration={
            "type": "MOCK",
            "requestTemplates": {
                JSON: '#set($context.requestOverride.path.body = $input.json("$")){"statusCode": 200}',
            },
        },
        responses={
            "200": {
                "responseParameters": {"method.response.header.X-Kept": "'kept'", "method.response.header.X-Set": "'before'"},
                "responseTemplates": {
                    JSON: '#set($body = $util.parseJson($context.requestOverride.path.body))'
                    '#set($context.responseOverride.status = $body.status)'
                    '#set($context.responseOverride.header.X-Set = "after $body.name"){"name": "$body.name"}'
                },
            }
        },
        status_headers=["X-Kept", "X-Set"],
    )
    answer = gateway.deploy().call("POST", "/m", {"status": 418, "name": "pot"})
    assert (answer.status, answer.json) == (418, {"name": "pot"})
    assert (answer.headers["X-Kept"], answer.headers.get_all("X-Set")) == ("kept", ["after pot"])


def test_a_template_that_fails_is_an_internal_error(gateway):
    gateway.method(
        gateway.resource("m"),
        integration={"type": "MOCK", "requestTemplates": {JSON: '{"statusCode": 200}'}},
        responses={"200": {"responseTemplates": {JSON: '$util.parseJson("{")'}}},
    )
    answer = gateway.deploy().call("GET", "/m")
    assert (answer.status, answer.json) == (500, {"message": "Internal server error"})


# --- AWS: functions ---


@pytest.fixture(scope="module")
def probe(server):
    """The URI of the probe function, which any API may invoke."""
    role = functions.make_role(server, "integrations-role")
    functions.make_function(server, "integrations-probe", functions.PROBE, "probe", role, Timeout=1)
    client = server.client("lambda")
    client.add_permission(
        FunctionName="integrations-probe",
        StatementId="gateway",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
    )
    arn = client.get_function(FunctionName="integrations-probe")["Configuration"]["FunctionArn"]
    yield gateway_api.lambda_uri(arn)
    client.delete_function(FunctionName="integrations-probe")
    server.client("iam").delete_role(RoleName="integrations-role")


def test_a_function_gets_what_the_template_makes(gateway, probe):
    template = (
        '{"do": "answer", "with": {"id": "$input.params(\'id\')", "title": $input.json("$.title"),'
        ' "stage": "$stageVariables.color", "method": "$context.httpMethod"}}'
    )
    gateway.method(
        gateway.resource("{id}", gateway.resource("f")),
        verb="POST",
        parameters=["path.id"],
        integration={"type": "AWS", "integrationHttpMethod": "POST", "uri": probe, "requestTemplates": {JSON: template}},
        responses={
            "200": {
                "responseParameters": {
                    "method.response.header.X-Title": "integration.response.body.title",
                    "method.response.header.X-Type": "integration.response.header.Content-Type",
                },
                "responseTemplates": {JSON: '{"seen": "$input.path(\'$\').id in $input.path(\'$.stage\')"}'},
            }
        },
        status_headers=["X-Title", "X-Type"],
    )
    answer = gateway.deploy(variables={"color": "blue"}).call("POST", "/f/7", {"title": "Tea"})
    assert (answer.status, answer.json) == (200, {"seen": "7 in blue"})
    assert (answer.headers["X-Title"], answer.headers["X-Type"]) == ("Tea", JSON)


def test_a_functions_error_message_selects_the_response(gateway, probe):
    gateway.method(
        gateway.resource("f"),
        verb="POST",
        integration={"type": "AWS", "integrationHttpMethod": "POST", "uri": probe},
        responses={
            "200": {},
            "400": {"selectionPattern": ".*told to.*", "responseTemplates": {JSON: '{"why": $input.json("$.errorMessage")}'}},
            "504": {"selectionPattern": ".*Task timed out.*"},
            "502": {"selectionPattern": "(\n|.)+"},
        },
    )
    api = gateway.deploy()
    assert api.call("POST", "/f", {"do": "answer", "with": {"a": [1]}}).json == {"a": [1]}
    failed = api.call("POST", "/f", {"do": "fail"})
    assert (failed.status, failed.json) == (400, {"why": "told to fail"})
    assert api.call("POST", "/f", {"do": "exit", "number": 3}).status == 502
    assert api.call("POST", "/f", {"do": "loop"}).status == 504


def test_a_functions_error_without_a_pattern_is_the_default_response(gateway, probe):
    gateway.method(
        gateway.resource("f"),
        verb="POST",
        integration={"type": "AWS", "integrationHttpMethod": "POST", "uri": probe},
        responses={"200": {}},
    )
    answer = gateway.deploy().call("POST", "/f", {"do": "fail"})
    assert (answer.status, answer.json["errorMessage"]) == (200, "told to fail")


def test_a_function_can_be_invoked_without_waiting(gateway, probe, server):
    gateway.method(
        gateway.resource("f"),
        verb="POST",
        integration={
            "type": "AWS",
            "integrationHttpMethod": "POST",
            "uri": probe,
            "requestParameters": {"integration.request.header.X-Amz-Invocation-Type": "'Event'"},
        },
        responses={"202": {"responseTemplates": {JSON: '{"accepted": true}'}}},
    )
    api = gateway.deploy()
    started = time.monotonic()
    answer = api.call("POST", "/f", {"do": "sleep", "number": 1000})
    assert (answer.status, answer.json) == (202, {"accepted": True})
    assert time.monotonic() - started < 0.9
    api.call("POST", "/f", {"do": "print", "path": "ran for itself"})
    logs = server.client("logs")
    for _ in range(100):
        found = logs.filter_log_events(logGroupName="/aws/lambda/integrations-probe", filterPattern='"ran for itself"')
        if found["events"]:
            return
        time.sleep(0.1)
    raise AssertionError("the function was not run")


def test_a_function_may_be_invoked_by_a_role(gateway, probe, server):
    arn = probe.split("/functions/")[1].split("/invocations")[0]
    allowed = gateway_api.gateway_role(
        server, "invoker", [{"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": arn}]
    )
    denied = gateway_api.gateway_role(server, "bystander", [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}])
    try:
        for part, role in (("yes", allowed), ("no", denied)):
            gateway.method(
                gateway.resource(part),
                verb="POST",
                integration={"type": "AWS", "integrationHttpMethod": "POST", "uri": probe, "credentials": role},
                responses={"200": {}},
            )
        api = gateway.deploy()
        assert api.call("POST", "/yes", {"do": "answer", "with": 1}).body == b"1"
        assert api.call("POST", "/no", {"do": "answer", "with": 1}).status == 500
    finally:
        iam = server.client("iam")
        for name in ("invoker", "bystander"):
            iam.delete_role_policy(RoleName=name, PolicyName="inline")
            iam.delete_role(RoleName=name)


# --- AWS: DynamoDB ---


@pytest.fixture(scope="module")
def table(server):
    client = server.client("dynamodb")
    client.create_table(
        TableName="IntegrationNotes",
        AttributeDefinitions=[{"AttributeName": "noteId", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "noteId", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    arn = client.describe_table(TableName="IntegrationNotes")["Table"]["TableArn"]
    role = gateway_api.gateway_role(
        server,
        "integration-notes",
        [{"Effect": "Allow", "Action": ["dynamodb:PutItem", "dynamodb:GetItem", "dynamodb:Scan"], "Resource": arn}],
    )
    yield role
    client.delete_table(TableName="IntegrationNotes")
    server.client("iam").delete_role_policy(RoleName="integration-notes", PolicyName="inline")
    server.client("iam").delete_role(RoleName="integration-notes")


def action(name, role, template):
    return {
        "type": "AWS",
        "integrationHttpMethod": "POST",
        "uri": gateway_api.action_uri("dynamodb", name),
        "credentials": role,
        "requestTemplates": {JSON: template},
        "passthroughBehavior": "NEVER",
    }


def test_notes_without_any_function(gateway, table):
    notes = gateway.resource("notes")
    note = gateway.resource("{id}", notes)
    gateway.method(
        notes,
        verb="POST",
        integration=action(
            "PutItem",
            table,
            '{"TableName": "IntegrationNotes", "Item": {"noteId": {"S": "$context.requestId"},'
            ' "title": {"S": $input.json("$.title")}}, "ConditionExpression": "attribute_not_exists(noteId)"}',
        ),
        responses={"201": {"responseTemplates": {JSON: '{"noteId": "$context.requestId"}'}}},
    )
    gateway.method(
        notes,
        integration=action("Scan", table, '{"TableName": "IntegrationNotes"}'),
        responses={
            "200": {
                "responseTemplates": {
                    JSON: '[#foreach($n in $input.path("$.Items")){"title": "$n.title.S"}#if($foreach.hasNext),#end#end]'
                }
            }
        },
    )
    gateway.method(
        note,
        parameters=["path.id"],
        integration=action(
            "GetItem", table, '{"TableName": "IntegrationNotes", "Key": {"noteId": {"S": "$input.params(\'id\')"}}}'
        ),
        responses={
            "200": {
                "responseTemplates": {
                    JSON: '#if($input.path("$.Item"))#set($i = $input.path("$.Item")){"title": "$i.title.S"}'
                    '#else#set($context.responseOverride.status = 404){"message": "no such note"}#end'
                }
            }
        },
    )
    gateway.method(
        note,
        verb="DELETE",
        integration=action(
            "DeleteItem", table, '{"TableName": "IntegrationNotes", "Key": {"noteId": {"S": "$input.params(\'id\')"}}}'
        ),
        responses={
            "204": {},
            "403": {
                "selectionPattern": "4\\d\\d",
                "responseTemplates": {JSON: '{"type": $input.json("$.__type"), "message": $input.json("$.Message")}'},
            },
        },
    )
    api = gateway.deploy()
    made = api.call("POST", "/notes", {"title": 'Tea "for" two'})
    assert made.status == 201
    found = api.call("GET", "/notes/" + made.json["noteId"])
    assert found.status == 200
    assert api.call("GET", "/notes/none").status == 404
    assert len(api.call("GET", "/notes").body) > 10
    denied = api.call("DELETE", "/notes/" + made.json["noteId"])
    assert denied.status == 403
    assert denied.json["type"].endswith("#AccessDeniedException")
    assert "is not authorized to perform: dynamodb:DeleteItem on resource" in denied.json["message"]
    assert ":assumed-role/integration-notes/BackplaneAssumeRoleSession" in denied.json["message"]
    plain = api.call("POST", "/notes", "x", headers={"Content-Type": "text/plain"})
    assert (plain.status, plain.json) == (415, {"message": "Unsupported Media Type"})


def test_a_role_that_the_gateway_may_not_assume(gateway, table, server):
    functions.make_role(server, "for-lambda-only")
    role = server.client("iam").get_role(RoleName="for-lambda-only")["Role"]["Arn"]
    gateway.method(gateway.resource("t"), integration=action("Scan", role, "{}"), responses={"200": {}})
    answer = gateway.deploy().call("GET", "/t")
    server.client("iam").delete_role(RoleName="for-lambda-only")
    assert (answer.status, answer.json) == (500, {"message": "Internal server error"})


# --- HTTP ---


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path.startswith("/slow"):
            time.sleep(0.4)
        if self.path.startswith("/cut"):
            self.close_connection = True
            return
        if self.path.startswith("/image"):
            self.reply(200, b"\x89PNG\xff\x00", {"Content-Type": "image/png"})
            return
        seen = {
            "method": self.command,
            "path": self.path,
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "body": body.decode("latin-1"),
        }
        status = int(self.path.split("/")[-1].split("?")[0]) if self.path.startswith("/status/") else 200
        headers = {"Content-Type": JSON, "X-From": "upstream", "X-Many": "1", "Server": "other", "Location": "/elsewhere"}
        self.reply(status, json.dumps(seen).encode(), headers)

    def reply(self, status, body, headers):
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = answer

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def upstream():
    """An HTTP server that tells what it was asked."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.daemon_threads = True
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()
        thread.join()


def test_http_proxy_passes_everything_on(gateway, upstream):
    gateway.method(
        gateway.resource("{proxy+}"),
        verb="ANY",
        parameters=["path.proxy"],
        integration={
            "type": "HTTP_PROXY",
            "integrationHttpMethod": "ANY",
            "uri": upstream + "/{proxy}",
            "requestParameters": {
                "integration.request.path.proxy": "method.request.path.proxy",
                "integration.request.header.X-Static": "'fixed'",
                "integration.request.header.X-Request": "context.requestId",
                "integration.request.querystring.stage": "context.stage",
            },
            "requestTemplates": {"text/x": "never applied"},
        },
    )
    api = gateway.deploy()
    answer = api.call("PUT", "/a/b%20c?x=1&x=2&y=%26", b"raw \xff", headers={"Content-Type": "text/x", "X-Own": "mine"})
    assert answer.status == 200
    seen = answer.json
    assert (seen["method"], seen["body"]) == ("PUT", "raw \xff")
    assert seen["path"] == "/a/b%20c?x=1&x=2&y=%26&stage=dev"
    headers = seen["headers"]
    assert (headers["content-type"], headers["x-own"], headers["x-static"]) == ("text/x", "mine", "fixed")
    assert headers["x-request"] == answer.headers["x-amzn-RequestId"]
    assert (headers["x-forwarded-for"], headers["x-amzn-apigateway-api-id"]) == ("127.0.0.1", gateway.id)
    assert headers["host"] == upstream.removeprefix("http://")
    assert (answer.headers["X-From"], answer.headers["x-amzn-Remapped-Server"]) == ("upstream", "other")
    assert api.call("GET", "/status/302").status == 302
    assert api.call("HEAD", "/x").body == b""
    assert api.call("DELETE", "/x").json["method"] == "DELETE"


def test_http_is_made_of_templates_and_mappings(gateway, upstream):
    gateway.method(
        gateway.resource("{id}", gateway.resource("h")),
        verb="POST",
        parameters=["path.id", "querystring.q", "header.X-In"],
        integration={
            "type": "HTTP",
            "integrationHttpMethod": "PUT",
            "uri": upstream + "/items/{item}/${stageVariables.kind}?fixed=1",
            "requestParameters": {
                "integration.request.path.item": "method.request.path.id",
                "integration.request.querystring.all": "method.request.multivaluequerystring.q",
                "integration.request.header.X-Title": "method.request.body.title",
                "integration.request.header.X-Out": "method.request.header.X-In",
            },
            "requestTemplates": {JSON: '{"wrapped": $input.json("$")}'},
        },
        responses={
            "200": {"responseParameters": {"method.response.header.X-Back": "integration.response.header.X-From"}},
            "404": {"selectionPattern": "404"},
        },
        status_headers=["X-Back"],
    )
    api = gateway.deploy(variables={"kind": "small"})
    answer = api.call("POST", "/h/a%2Fb%20c?q=1&q=2&r=3", {"title": "Tea"}, headers={"X-In": "in", "X-Other": "o"})
    seen = answer.json
    assert (answer.status, answer.headers["X-Back"], answer.headers["Content-Type"]) == (200, "upstream", JSON)
    assert answer.headers["X-From"] is None
    assert (seen["method"], seen["body"]) == ("PUT", '{"wrapped": {"title":"Tea"}}')
    assert seen["path"].endswith("/small?fixed=1&all=1&all=2")
    assert (seen["headers"]["x-title"], seen["headers"]["x-out"]) == ("Tea", "in")
    assert "x-other" not in seen["headers"]
    assert seen["headers"]["user-agent"] == f"AmazonAPIGateway_{gateway.id}"


def test_http_statuses_select_the_response(gateway, upstream):
    gateway.method(
        gateway.resource("{code}"),
        parameters=["path.code"],
        integration={
            "type": "HTTP",
            "integrationHttpMethod": "GET",
            "uri": upstream + "/status/{code}",
            "requestParameters": {"integration.request.path.code": "method.request.path.code"},
        },
        responses={
            "200": {"selectionPattern": "2\\d\\d"},
            "404": {"selectionPattern": "4\\d\\d", "responseTemplates": {JSON: '{"was": $input.json("$.path")}'}},
        },
    )
    api = gateway.deploy()
    assert api.call("GET", "/201").status == 200
    missing = api.call("GET", "/410")
    assert (missing.status, missing.json) == (404, {"was": "/status/410"})
    assert api.call("GET", "/500").status == 500  # no match, and no default


def test_http_failures_are_the_gateways(gateway, upstream):
    for part, uri, timeout in (
        ("slow", upstream + "/slow", 100),
        ("cut", upstream + "/cut", 5000),
        ("refused", "http://127.0.0.1:1/", 5000),
    ):
        gateway.method(
            gateway.resource(part),
            integration={"type": "HTTP_PROXY", "integrationHttpMethod": "GET", "uri": uri, "timeoutInMillis": timeout},
        )
    api = gateway.deploy()
    slow, cut, closed = (api.call("GET", path) for path in ("/slow", "/cut", "/refused"))
    assert (slow.status, slow.json) == (504, {"message": "Endpoint request timed out"})
    assert (cut.status, cut.json) == (504, {"message": "Network error communicating with endpoint"})
    assert (closed.status, closed.json) == (504, {"message": "Network error communicating with endpoint"})


def test_binary_answers_are_converted_by_what_is_accepted(server, upstream):
    gateway = gateway_api.Gateway(server, binaryMediaTypes=["image/*"])
    with contextlib.ExitStack() as stack:
        stack.callback(gateway.delete)
        integration = {"type": "HTTP", "integrationHttpMethod": "GET", "uri": upstream + "/image"}
        gateway.method(gateway.resource("plain"), integration=integration, responses={"200": {}})
        text = {"200": {"contentHandling": "CONVERT_TO_TEXT"}}
        gateway.method(gateway.resource("text"), integration=integration, responses=text)
        api = gateway.deploy()
        image = b"\x89PNG\xff\x00"
        assert api.call("GET", "/plain", headers={"Accept": "image/png"}).body == image
        assert api.call("GET", "/plain", headers={"Accept": JSON}).body == base64.b64encode(image)
        assert api.call("GET", "/text", headers={"Accept": "image/png"}).body == base64.b64encode(image)


# --- Passing through ---


@pytest.mark.parametrize(
    ("behaviour", "templates", "type_sent", "status"),
    [
        ("WHEN_NO_MATCH", {JSON: "{}"}, "text/plain", 200),
        ("WHEN_NO_TEMPLATES", {JSON: "{}"}, "text/plain", 415),
        ("WHEN_NO_TEMPLATES", {}, "text/plain", 200),
        ("NEVER", {}, JSON, 415),
        ("NEVER", {JSON: "{}"}, JSON + "; charset=utf-8", 200),
    ],
)
def test_bodies_without_a_template(gateway, upstream, behaviour, templates, type_sent, status):
    gateway.method(
        gateway.resource("p"),
        verb="POST",
        integration={
            "type": "HTTP",
            "integrationHttpMethod": "POST",
            "uri": upstream + "/p",
            "requestTemplates": templates,
            "passthroughBehavior": behaviour,
        },
        responses={"200": {}},
    )
    answer = gateway.deploy().call("POST", "/p", '"sent"', headers={"Content-Type": type_sent})
    assert answer.status == status
    if status == 200:
        assert answer.json["body"] == ("{}" if JSON in type_sent else '"sent"')


# --- What is refused when it is put ---


def test_what_cannot_be_is_refused(gateway):
    resource = gateway.resource("r")
    where = {"restApiId": gateway.id, "resourceId": resource, "httpMethod": "GET"}
    gateway.client.put_method(**where, authorizationType="NONE")
    put = gateway.client.put_integration
    role = "arn:aws:iam::000000000000:role/x"
    assert refused(put, **where, type="HTTP", integrationHttpMethod="GET", uri="ftp://x/") == (
        "Invalid HTTP endpoint specified for URI"
    )
    assert refused(put, **where, type="HTTP", uri="http://x/") == "Enumeration value for HttpMethod must be non-empty"
    assert "supported for Lambda functions" in refused(
        put, **where, type="AWS", integrationHttpMethod="POST", uri=gateway_api.action_uri("sqs", "SendMessage")
    )
    assert "supported for Lambda functions" in refused(
        put, **where, type="AWS", integrationHttpMethod="POST", uri=gateway_api.action_uri("dynamodb", "MakeTea")
    )
    assert refused(put, **where, type="MOCK", credentials="role") == "Invalid ARN specified in the request"
    assert "#end is missing at line 1" in refused(put, **where, type="MOCK", requestTemplates={JSON: "#if(true)"})
    undeclared = {"integration.request.header.X": "method.request.querystring.q"}
    assert refused(put, **where, type="MOCK", credentials=role, requestParameters=undeclared) == (
        "Invalid mapping expression specified: Validation Result: warnings : [], errors : "
        "[Invalid mapping expression parameter specified: method.request.querystring.q]"
    )
    elsewhere = {"integration.request.cookie.X": "'x'"}
    assert "integration.request.cookie.X" in refused(put, **where, type="MOCK", requestParameters=elsewhere)


def test_integrations_are_patched(gateway, upstream):
    resource = gateway.resource("p")
    gateway.method(
        resource,
        parameters=["querystring.q"],
        integration={"type": "HTTP_PROXY", "integrationHttpMethod": "GET", "uri": upstream + "/a"},
    )
    where = {"restApiId": gateway.id, "resourceId": resource, "httpMethod": "GET"}
    update = gateway.client.update_integration
    changed = update(
        **where,
        patchOperations=[
            {"op": "replace", "path": "/uri", "value": upstream + "/b"},
            {"op": "add", "path": "/requestParameters/integration.request.header.X-Q", "value": "method.request.querystring.q"},
            {"op": "replace", "path": "/timeoutInMillis", "value": "5000"},
        ],
    )
    assert changed["requestParameters"] == {"integration.request.header.X-Q": "method.request.querystring.q"}
    seen = gateway.deploy().call("GET", "/p?q=7").json
    assert (seen["path"], seen["headers"]["x-q"]) == ("/b?q=7", "7")
    bad = [{"op": "replace", "path": "/uri", "value": "nowhere"}]
    assert refused(update, **where, patchOperations=bad) == "Invalid HTTP endpoint specified for URI"
    bad = [{"op": "add", "path": "/requestParameters/integration.request.header.Y", "value": "method.request.querystring.z"}]
    assert "method.request.querystring.z" in refused(update, **where, patchOperations=bad)


# --- Headers ---

# What becomes of a header: what templates and an HTTP_PROXY integration see of a client's, whether a
# mapping to it fails AWS and HTTP integrations or is dropped, and the name that it leaves under.
SEEN, GONE, FAILS, SET = "seen", "gone", "fails", "set"
REMAPPED, SAME = "x-amzn-Remapped-", ""
FATES = {
    "Accept": (SEEN, SEEN, SET, SET, SAME),
    "Age": (SEEN, SEEN, SET, SET, SAME),
    "Authorization": (SEEN, SEEN, FAILS, SET, REMAPPED),
    "Connection": (GONE, GONE, FAILS, GONE, REMAPPED),
    "Content-Encoding": (SEEN, GONE, SET, SET, SAME),
    "Content-Length": (GONE, GONE, FAILS, FAILS, REMAPPED),
    "Content-MD5": (GONE, GONE, SET, SET, REMAPPED),
    "Date": (SEEN, SEEN, SET, SET, REMAPPED),
    "Expect": (GONE, GONE, FAILS, GONE, REMAPPED),
    "Host": (SEEN, GONE, SET, GONE, REMAPPED),
    "Max-Forwards": (GONE, GONE, SET, SET, REMAPPED),
    "Pragma": (SEEN, SEEN, SET, SET, SAME),
    "Proxy-Authenticate": (GONE, GONE, FAILS, GONE, REMAPPED),
    "Range": (SEEN, SEEN, SET, SET, SAME),
    "Referer": (SEEN, SEEN, SET, SET, SAME),
    "Server": (GONE, GONE, SET, SET, REMAPPED),
    "TE": (GONE, GONE, FAILS, GONE, SAME),
    "Trailer": (GONE, GONE, SET, SET, REMAPPED),
    "Transfer-Encoding": (GONE, GONE, FAILS, FAILS, None),
    "Upgrade": (GONE, GONE, SET, SET, REMAPPED),
    "User-Agent": (SEEN, SEEN, SET, SET, REMAPPED),
    "Via": (SEEN, GONE, SET, GONE, SAME),
    "WWW-Authenticate": (GONE, GONE, SET, SET, REMAPPED),
    "Warn": (SEEN, SEEN, SET, SET, SAME),
}
NOT_TO_SEND = ("Connection", "Content-Length", "Expect", "Host", "Transfer-Encoding", "Upgrade")


def test_what_becomes_of_a_clients_headers(gateway, upstream):
    names = [name for name in FATES if name not in NOT_TO_SEND]
    shown = ",".join(f'"{name}": "$input.params(\'{name}\')"' for name in names)
    gateway.method(
        gateway.resource("t"),
        integration={"type": "MOCK", "requestTemplates": {JSON: '{"statusCode": 200}'}},
        responses={"200": {"responseTemplates": {JSON: '{%s, "all": "$input.params().header.keySet()"}' % shown}}},
    )
    gateway.method(
        gateway.resource("p"),
        integration={"type": "HTTP_PROXY", "integrationHttpMethod": "GET", "uri": upstream + "/p"},
    )
    api = gateway.deploy()
    headers = {name: "x" for name in names}
    template, proxied = api.call("GET", "/t", headers=headers).json, api.call("GET", "/p", headers=headers).json
    for name in names:
        assert (template[name], name in template["all"]) == (("x", True) if FATES[name][0] == SEEN else ("", False)), name
        assert (name.lower() in proxied["headers"]) == (FATES[name][1] == SEEN), name


def test_headers_that_integrations_may_not_set(gateway, upstream, probe):
    for name in FATES:
        mapped = {"requestParameters": {f"integration.request.header.{name}": "'x'"}}
        gateway.method(
            gateway.resource("a-" + name),
            integration={"type": "AWS_PROXY", "integrationHttpMethod": "POST", "uri": probe, **mapped},
        )
        gateway.method(
            gateway.resource("h-" + name),
            integration={"type": "HTTP_PROXY", "integrationHttpMethod": "GET", "uri": upstream + "/p", **mapped},
        )
    api = gateway.deploy()
    for name, (_, _, aws, http_fate, _) in FATES.items():
        # The probe does not answer as a proxy integration's function does.
        assert api.call("GET", "/a-" + name).status == (500 if aws == FAILS else 502), name
        answer = api.call("GET", "/h-" + name)
        assert answer.status == (500 if http_fate == FAILS else 200), name
        if http_fate == FAILS:
            assert answer.json == {"message": "Internal server error"}
        else:
            assert (answer.json["headers"].get(name.lower()) == "x") == (http_fate == SET), name


def test_headers_leave_under_the_names_that_the_gateway_leaves_them(gateway):
    gateway.method(
        gateway.resource("r"),
        integration={"type": "MOCK", "requestTemplates": {JSON: '{"statusCode": 200}'}},
        responses={"200": {"responseParameters": {f"method.response.header.{name}": "'x'" for name in FATES}}},
        status_headers=list(FATES),
    )
    answer = gateway.deploy().call("GET", "/r")
    for name, (*_, prefix) in FATES.items():
        if prefix is None:
            assert answer.headers[name] != "x", name
        else:
            assert answer.headers[prefix + name] == "x", name


def test_lambda_refuses_what_is_no_json(gateway, probe):
    gateway.method(
        gateway.resource("bad"),
        verb="POST",
        integration={
            "type": "AWS",
            "integrationHttpMethod": "POST",
            "uri": probe,
            "requestTemplates": {JSON: '{"do": "answer", "with": "$util.escapeJavaScript($input.path(\'$.s\'))"}'},
        },
        responses={"200": {}},
    )
    answer = gateway.deploy().call("POST", "/bad", {"s": "it's"})
    assert answer.status == 200
    assert answer.json["Type"] == "User"
    assert answer.json["message"].startswith("Could not parse request body into json: ")
