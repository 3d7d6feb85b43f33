"""What a Lambda proxy integration makes of a function's answers, errors, time-outs and rights."""

import base64
import json

import pytest

import functions
import notes_api


@pytest.fixture(scope="module")
def api(server):
    """An API of one greedy resource over the probe function, one that waits less, and one that may not invoke it."""
    gateway, functions_api = server.client("apigateway"), server.client("lambda")
    role = functions.make_role(server, "gateway-probe-role")
    functions.make_function(server, "gateway-probe", functions.PROBE, "probe", role, Timeout=1)
    arn = functions_api.get_function(FunctionName="gateway-probe")["Configuration"]["FunctionArn"]
    api_id = gateway.create_rest_api(name="probe", binaryMediaTypes=["application/octet-stream"])["id"]
    root = gateway.get_resources(restApiId=api_id)["items"][0]["id"]
    uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations"
    for part, timeout in (("{proxy+}", 29000), ("impatient", 300), ("denied", 29000)):
        resource = gateway.create_resource(restApiId=api_id, parentId=root, pathPart=part)["id"]
        gateway.put_method(restApiId=api_id, resourceId=resource, httpMethod="ANY", authorizationType="NONE")
        gateway.put_integration(
            restApiId=api_id, resourceId=resource, httpMethod="ANY", type="AWS_PROXY", integrationHttpMethod="POST", uri=uri,
            timeoutInMillis=timeout,
        )  # fmt: skip
    gateway.create_deployment(restApiId=api_id, stageName="dev")
    for number, part in enumerate(("{proxy+}", "impatient")):
        functions_api.add_permission(
            FunctionName="gateway-probe",
            StatementId=f"gateway-{number}",
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
            SourceArn=f"arn:aws:execute-api:us-east-1:000000000000:{api_id}/*/*/{part}",
        )
    yield notes_api.Api(f"http://{api_id}.execute-api.localhost:{server.port}/dev")
    gateway.delete_rest_api(restApiId=api_id)
    functions_api.delete_function(FunctionName="gateway-probe")
    server.client("iam").delete_role(RoleName="gateway-probe-role")


def answer_with(api, answer, **arguments):
    return api.call("POST", "/x", {"do": "answer", "with": answer}, **arguments)


def test_status_headers_and_body_are_the_functions(api):
    answer = answer_with(
        api,
        {
            "statusCode": 418,
            "headers": {"X-One": "1", "Content-Type": "text/plain"},
            "multiValueHeaders": {"X-Many": ["a", "b"]},
            "body": "short and stout",
        },
    )
    assert (answer.status, answer.body) == (418, b"short and stout")
    assert answer.headers["X-One"] == "1"
    assert answer.headers.get_all("X-Many") == ["a", "b"]
    assert answer.headers["Content-Type"] == "text/plain"


def test_a_binary_body_comes_decoded_when_it_is_accepted(api):
    data = bytes(range(256))
    answer = answer_with(
        api,
        {
            "statusCode": 200,
            "headers": {"Content-Type": "application/octet-stream"},
            "body": base64.b64encode(data).decode(),
            "isBase64Encoded": True,
        },
        headers={"Accept": "application/octet-stream"},
    )
    assert answer.body == data


@pytest.mark.parametrize("answer", ["text", {"statusCode": "x"}, {"statusCode": 200, "headers": []}, [1], None])
def test_a_malformed_answer_is_502(api, answer):
    got = answer_with(api, answer)
    assert (got.status, got.body) == (502, b'{"message": "Internal server error"}')
    assert got.headers["x-amzn-ErrorType"] == "InternalServerErrorException"


@pytest.mark.parametrize("what", ["crash", "fail"])
def test_a_function_that_fails_is_502(api, what):
    answer = api.call("POST", "/x", {"do": what})
    assert (answer.status, answer.body) == (502, b'{"message": "Internal server error"}')


def test_a_function_that_takes_more_than_its_time_has_failed(api):
    answer = api.call("POST", "/x", {"do": "loop"})
    assert (answer.status, answer.json) == (502, {"message": "Internal server error"})


def test_a_function_that_takes_more_than_the_integrations_time_is_504(api):
    answer = api.call("POST", "/impatient", {"do": "sleep", "number": 800})
    assert (answer.status, answer.json) == (504, {"message": "Endpoint request timed out"})


def test_without_permission_to_invoke_it_is_500(api):
    answer = api.call("POST", "/denied", {"do": "nothing"})
    assert (answer.status, json.loads(answer.body)) == (500, {"message": "Internal server error"})
