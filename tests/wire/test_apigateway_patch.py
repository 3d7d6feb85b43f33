"""PATCH of APIs and stages: every path that AWS documents, and what is refused."""

import botocore.exceptions
import pytest


@pytest.fixture(scope="module")
def gateway(server):
    return server.client("apigateway")


@pytest.fixture
def api(gateway):
    id = gateway.create_rest_api(name="patched", description="d", binaryMediaTypes=["image/png"])["id"]
    root = gateway.get_resources(restApiId=id)["items"][0]["id"]
    method = {"restApiId": id, "resourceId": root, "httpMethod": "GET"}
    gateway.put_method(authorizationType="NONE", **method)
    gateway.put_integration(type="MOCK", **method)
    gateway.create_deployment(restApiId=id, stageName="prod")
    yield id
    gateway.delete_rest_api(restApiId=id)


def op(path, value=None, op="replace"):
    return {"op": op, "path": path} | ({} if value is None else {"value": value})


def refusal(call, **named):
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        call(**named)
    error = raised.value.response["Error"]
    assert error["Code"] == "BadRequestException"
    return error["Message"]


API = [
    ([op("/name", "n")], "name", "n"),
    ([op("/description", "x")], "description", "x"),
    ([op("/description", op="remove")], "description", None),
    ([op("/version", "2")], "version", "2"),
    ([op("/binaryMediaTypes/a~1b", op="add")], "binaryMediaTypes", ["image/png", "a/b"]),
    ([op("/binaryMediaTypes/image~1png", op="remove")], "binaryMediaTypes", None),
    ([op("/binaryMediaTypes/image~1png", "c/d")], "binaryMediaTypes", ["c/d"]),
    ([op("/minimumCompressionSize", "10")], "minimumCompressionSize", 10),
    ([op("/minimumCompressionSize", "10"), op("/minimumCompressionSize", "")], "minimumCompressionSize", None),
    ([op("/apiKeySource", "AUTHORIZER")], "apiKeySource", "AUTHORIZER"),
    ([op("/disableExecuteApiEndpoint", "true")], "disableExecuteApiEndpoint", True),
]


@pytest.mark.parametrize("operations, member, value", API)
def test_an_api_changes(gateway, api, operations, member, value):
    patched = gateway.update_rest_api(restApiId=api, patchOperations=operations)
    assert patched.get(member) == value
    assert gateway.get_rest_api(restApiId=api).get(member) == value


def test_an_endpoint_changes(gateway, api):
    operations = [op("/endpointConfiguration/types/EDGE", "PRIVATE")]
    operations += [op("/endpointConfiguration/vpcEndpointIds", f"vpce-{i}", "add") for i in range(2)]
    operations += [op("/endpointConfiguration/vpcEndpointIds", "vpce-0", "remove")]
    endpoint = gateway.update_rest_api(restApiId=api, patchOperations=operations)["endpointConfiguration"]
    assert (endpoint["types"], endpoint["vpcEndpointIds"]) == (["PRIVATE"], ["vpce-1"])


@pytest.mark.parametrize(
    "operation",
    [op("/id", "x"), op("/name", ""), op("/minimumCompressionSize", "-1"), op("/apiKeySource", "BODY"),
     op("/endpointConfiguration/types/EDGE", "LOCAL"), op("/endpointConfiguration/vpcEndpointIds", "", "add")],
)  # fmt: skip
def test_a_bad_change_of_an_api_is_refused(gateway, api, operation):
    refusal(gateway.update_rest_api, restApiId=api, patchOperations=[operation])


SETTINGS = [
    ("throttling/rateLimit", "1.5", "throttlingRateLimit", 1.5),
    ("throttling/burstLimit", "7", "throttlingBurstLimit", 7),
    ("metrics/enabled", "true", "metricsEnabled", True),
    ("logging/dataTrace", "true", "dataTraceEnabled", True),
    ("logging/loglevel", "OFF", "loggingLevel", "OFF"),
    ("caching/enabled", "true", "cachingEnabled", True),
    ("caching/ttlInSeconds", "60", "cacheTtlInSeconds", 60),
    ("caching/dataEncrypted", "true", "cacheDataEncrypted", True),
    ("caching/requireAuthorizationForCacheControl", "false", "requireAuthorizationForCacheControl", False),
    ("caching/unauthorizedCacheControlHeaderStrategy", "FAIL_WITH_403", "unauthorizedCacheControlHeaderStrategy",
     "FAIL_WITH_403"),
]  # fmt: skip


@pytest.mark.parametrize("where", ["*/*", "~1a~1{b}/GET", "~1/POST"])
def test_settings_of_methods_change(gateway, api, where):
    operations = [op(f"/{where}/{path}", value) for path, value, *_ in SETTINGS]
    stage = gateway.update_stage(restApiId=api, stageName="prod", patchOperations=operations)
    assert stage["methodSettings"][where] == {member: value for *_, member, value in SETTINGS}
    stage = gateway.update_stage(restApiId=api, stageName="prod", patchOperations=[op(f"/{where}", op="remove")])
    assert where not in stage.get("methodSettings", {})


STAGE = [
    (op("/description", "x"), "description", "x"),
    (op("/variables/a", "1"), "variables", {"a": "1"}),
    (op("/tracingEnabled", "true"), "tracingEnabled", True),
    (op("/cacheClusterEnabled", "true"), "cacheClusterEnabled", True),
    (op("/cacheClusterSize", "0.5"), "cacheClusterSize", "0.5"),
]


@pytest.mark.parametrize("operation, member, value", STAGE)
def test_a_stage_changes(gateway, api, operation, member, value):
    gateway.update_stage(restApiId=api, stageName="prod", patchOperations=[operation])
    assert gateway.get_stage(restApiId=api, stageName="prod").get(member) == value


@pytest.mark.parametrize(
    "operation",
    [op("/stageName", "x"), op("/deploymentId", "none"), op("/variables/a b", "1"), op("/variables/a", "\u00fc"),
     op("/clientCertificateId", "none"), op("/cacheClusterSize", "7"), op("/documentationVersion", "none"),
     op("/*/*/throttling/rateLimit", "fast"), op("/*/*/logging/loglevel", "ALL"),
     op("/*/*/caching/ttlInSeconds", "3601"), op("/*/*/caching/unauthorizedCacheControlHeaderStrategy", "PASS"),
     op("/*/*/nothing/enabled", "true"), op("/accessLogSettings/destinationArn", "nowhere")],
)  # fmt: skip
def test_a_bad_change_of_a_stage_is_refused(gateway, api, operation):
    refusal(gateway.update_stage, restApiId=api, stageName="prod", patchOperations=[operation])


def test_a_deployment_changes_its_description_only(gateway, api):
    id = gateway.get_deployments(restApiId=api)["items"][0]["id"]
    which = {"restApiId": api, "deploymentId": id}
    gateway.update_deployment(patchOperations=[op("/description", "x")], **which)
    assert gateway.get_deployment(**which)["description"] == "x"
    refusal(gateway.update_deployment, patchOperations=[op("/id", "x")], **which)
