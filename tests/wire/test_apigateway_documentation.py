"""Documentation parts and versions: kept, listed, imported, exported with the stage that names them."""

import json

import botocore.exceptions
import pytest

METHOD = {"type": "METHOD", "path": "/", "method": "GET"}


@pytest.fixture(scope="module")
def gateway(server):
    return server.client("apigateway")


@pytest.fixture
def api(gateway):
    id = gateway.create_rest_api(name="documented")["id"]
    root = gateway.get_resources(restApiId=id)["items"][0]["id"]
    method = {"restApiId": id, "resourceId": root, "httpMethod": "GET"}
    gateway.put_method(authorizationType="NONE", **method)
    gateway.put_integration(type="MOCK", **method)
    gateway.create_deployment(restApiId=id, stageName="prod")
    yield id
    gateway.delete_rest_api(restApiId=id)


def refusal(call, **named):
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        call(**named)
    return raised.value.response["Error"]["Code"]


def test_a_part_lives(gateway, api):
    part = gateway.create_documentation_part(restApiId=api, location=METHOD, properties='{"description": "one"}')
    which = {"restApiId": api, "documentationPartId": part["id"]}
    assert part["location"] == METHOD
    operation = {"op": "replace", "path": "/properties", "value": '{"description": "two"}'}
    gateway.update_documentation_part(patchOperations=[operation], **which)
    assert gateway.get_documentation_part(**which)["properties"] == '{"description": "two"}'
    gateway.create_documentation_part(restApiId=api, location={"type": "API"}, properties="{}")
    assert len(gateway.get_documentation_parts(restApiId=api)["items"]) == 2
    assert [item["id"] for item in gateway.get_documentation_parts(restApiId=api, type="METHOD")["items"]] == [part["id"]]
    gateway.delete_documentation_part(**which)
    assert refusal(gateway.get_documentation_part, **which) == "NotFoundException"


def test_bad_parts_are_refused(gateway, api):
    create = gateway.create_documentation_part
    assert refusal(create, restApiId=api, location={"type": "ALL"}, properties="{}") == "ValidationException"
    assert refusal(create, restApiId=api, location={"type": "API"}, properties="x") == "BadRequestException"
    create(restApiId=api, location={"type": "API"}, properties="{}")
    assert refusal(create, restApiId=api, location={"type": "API"}, properties="{}") == "ConflictException"


def test_a_version_is_exported_and_imported(gateway, api):
    create = gateway.create_documentation_part
    create(restApiId=api, location=METHOD, properties='{"description":"as it was"}')
    gateway.create_documentation_version(restApiId=api, documentationVersion="1", stageName="prod", description="d")
    create(restApiId=api, location={"type": "API"}, properties="{}")
    assert gateway.get_stage(restApiId=api, stageName="prod")["documentationVersion"] == "1"
    text = gateway.get_export(
        restApiId=api, stageName="prod", exportType="oas30", parameters={"extensions": "apigateway"}
    )["body"].read()
    documentation = json.loads(text)["x-amazon-apigateway-documentation"]
    parts = [{"location": METHOD, "properties": {"description": "as it was"}}]
    assert documentation == {"version": "1", "documentationParts": parts}

    copy = gateway.import_rest_api(body=text)["id"]
    (part,) = gateway.get_documentation_parts(restApiId=copy)["items"]
    assert (part["location"], json.loads(part["properties"])) == (METHOD, parts[0]["properties"])
    answer = gateway.import_documentation_parts(restApiId=copy, mode="merge", body=text)
    assert answer["ids"] == [part["id"]]
    gateway.delete_rest_api(restApiId=copy)
    bare = gateway.import_rest_api(body=text, parameters={"ignore": "documentation"})["id"]
    assert gateway.get_documentation_parts(restApiId=bare)["items"] == []
    gateway.delete_rest_api(restApiId=bare)


def test_a_version_lives(gateway, api):
    which = {"restApiId": api, "documentationVersion": "v1"}
    gateway.create_documentation_version(**which)
    assert refusal(gateway.create_documentation_version, **which) == "ConflictException"
    operation = {"op": "replace", "path": "/description", "value": "x"}
    gateway.update_documentation_version(patchOperations=[operation], **which)
    assert gateway.get_documentation_version(**which)["description"] == "x"
    assert [item["version"] for item in gateway.get_documentation_versions(restApiId=api)["items"]] == ["v1"]
    gateway.delete_documentation_version(**which)
    assert refusal(gateway.get_documentation_version, **which) == "NotFoundException"
