"""The operations beside AWS's own model of API Gateway: which there are, where they are, and that lists come in pages."""

import re

import botocore.session
import pytest

import conftest

SERVICE = botocore.session.get_session().get_service_model("apigateway")


def rows():
    """The rows of operations.def: name to HTTP method, path and status."""
    text = (conftest.ROOT / "src" / "services" / "apigateway" / "operations.def").read_text()
    paths = {}
    for name, value in re.findall(r"#define (\w+_PATH) (.*)", text):
        paths[name] = value
    row = re.compile(r"^(?:RAW_)?OPERATION\((\w+), \w+, (\w+), (.+), (\d+)\)$", re.M)

    def expand(expression):
        parts = re.findall(r'"([^"]*)"|(\w+)', expression)
        return "".join(literal or expand(paths[name]) for literal, name in parts)

    return {name: (verb, expand(path), int(status)) for name, verb, path, status in row.findall(text)}


ROWS = rows()


def test_every_operation_is_there():
    assert set(SERVICE.operation_names) == set(ROWS)


@pytest.mark.parametrize("name", sorted(set(ROWS) & set(SERVICE.operation_names)))
def test_an_operation_is_where_the_model_has_it(name):
    http = SERVICE.operation_model(name).http
    assert ROWS[name] == (http["method"], http["requestUri"], http.get("responseCode", 200))


# --- Pages ---

FUNCTION = (
    "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/"
    "arn:aws:lambda:us-east-1:000000000000:function:none/invocations"
)


@pytest.fixture(scope="module")
def gateway(server):
    return server.client("apigateway")


@pytest.fixture(scope="module")
def api(gateway):
    """An API with three of everything that is listed under one."""
    id = gateway.create_rest_api(name="pages")["id"]
    root = gateway.get_resources(restApiId=id)["items"][0]["id"]
    method = {"restApiId": id, "resourceId": root, "httpMethod": "GET"}
    gateway.put_method(authorizationType="NONE", **method)
    gateway.put_integration(type="MOCK", **method)
    for i in range(3):
        gateway.create_resource(restApiId=id, parentId=root, pathPart=f"r{i}")
        gateway.create_deployment(restApiId=id, stageName=f"s{i}")
        gateway.create_request_validator(restApiId=id, name=f"v{i}")
        gateway.create_model(restApiId=id, name=f"m{i}", contentType="application/json", schema="{}")
        gateway.create_authorizer(
            restApiId=id, name=f"a{i}", type="TOKEN", authorizerUri=FUNCTION, identitySource="method.request.header.A"
        )
        gateway.create_documentation_version(restApiId=id, documentationVersion=f"d{i}")
        gateway.create_documentation_part(restApiId=id, location={"type": "MODEL", "name": f"m{i}"}, properties="{}")
    yield id
    gateway.delete_rest_api(restApiId=id)


@pytest.fixture(scope="module")
def others(gateway, api):
    """Three of everything that is listed by itself, and a plan and a domain with three of theirs."""
    apis = [gateway.create_rest_api(name=f"pages{i}")["id"] for i in range(2)]
    plans = [gateway.create_usage_plan(name=f"pages{i}")["id"] for i in range(3)]
    keys = [gateway.create_api_key(name=f"pages{i}")["id"] for i in range(3)]
    domains = [f"pages{i}.localhost" for i in range(3)]
    for domain in domains:
        gateway.create_domain_name(domainName=domain)
    for i, key in enumerate(keys):
        gateway.create_usage_plan_key(usagePlanId=plans[0], keyId=key, keyType="API_KEY")
        gateway.create_base_path_mapping(domainName=domains[0], basePath=f"b{i}", restApiId=api, stage=f"s{i}")
    yield {"usagePlanId": plans[0], "domainName": domains[0]}
    for i in range(3):
        gateway.delete_base_path_mapping(domainName=domains[0], basePath=f"b{i}")
    for i in range(3):
        gateway.delete_domain_name(domainName=domains[i])
        gateway.delete_usage_plan(usagePlanId=plans[i])
        gateway.delete_api_key(apiKey=keys[i])
    for id in apis:
        gateway.delete_rest_api(restApiId=id)


def lists():
    """The operations that take a limit and a position, but for what is always whole or empty here."""
    never = {"GetTags", "GetUsage", "GetSdkTypes", "GetVpcLinks", "GetClientCertificates"}
    for name in sorted(set(ROWS) - never):
        members = SERVICE.operation_model(name).input_shape.members if name in SERVICE.operation_names else {}
        if {"limit", "position"} <= set(members):
            yield name


@pytest.mark.parametrize("name", lists())
def test_a_list_comes_in_pages(gateway, api, others, name):
    known = others | {"restApiId": api}
    shape = SERVICE.operation_model(name).input_shape
    arguments = {member: known[member] for member in shape.required_members}
    call = getattr(gateway, botocore.xform_name(name))
    whole = call(limit=500, **arguments)
    assert "position" not in whole
    paged, position = [], {}
    while True:
        page = call(limit=2, **arguments, **position)
        assert len(page.get("items", [])) <= 2 and "_links" not in page
        paged += page.get("items", [])
        if "position" not in page:
            break
        position = {"position": page["position"]}
    assert paged == whole.get("items", []) and len(paged) >= 3
