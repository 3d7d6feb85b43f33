"""Models in other forms, caches, and what there is none of."""

import json

import botocore.exceptions
import pytest


@pytest.fixture(scope="module")
def gateway(server):
    return server.client("apigateway")


@pytest.fixture(scope="module")
def api(gateway):
    id = gateway.create_rest_api(name="models")["id"]
    url = f"https://apigateway.amazonaws.com/restapis/{id}/models/"
    schemas = {
        "Tag": {"type": "string"},
        "Pet": {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "age": {"type": "integer"},
                "tags": {"type": "array", "items": {"$ref": url + "Tag"}},
                "parent": {"$ref": url + "Pet"},
            },
        },
        "Pets": {"type": "array", "items": {"$ref": url + "Pet"}},
        "Order": {"type": "object", "properties": {"good": {"type": "boolean"}, "price": {"type": "number"}}},
    }
    for name, schema in schemas.items():
        gateway.create_model(restApiId=id, name=name, contentType="application/json", schema=json.dumps(schema))
    yield id
    gateway.delete_rest_api(restApiId=id)


def refusal(call, **named):
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        call(**named)
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_flat_model_has_its_references_inside(gateway, api):
    schema = json.loads(gateway.get_model(restApiId=api, modelName="Pets", flatten=True)["schema"])
    assert schema["items"] == {"$ref": "#/definitions/Pet"}
    assert set(schema["definitions"]) == {"Pet", "Tag"}
    assert schema["definitions"]["Pet"]["properties"]["parent"] == {"$ref": "#/definitions/Pet"}
    plain = json.loads(gateway.get_model(restApiId=api, modelName="Pets")["schema"])
    assert plain["items"]["$ref"].startswith("https://")


def test_a_template_has_a_sample_of_every_member(gateway, api):
    template = gateway.get_model_template(restApiId=api, modelName="Order")["value"]
    assert template == '#set($inputRoot = $input.path(\'$\'))\n{\n  "good" : true,\n  "price" : 3.14\n}'
    template = gateway.get_model_template(restApiId=api, modelName="Pets")["value"]
    assert "#foreach($elem in $elem.tags)" in template
    assert '"parent" : {}' in template
    assert refusal(gateway.get_model_template, restApiId=api, modelName="None")[0] == "NotFoundException"


def test_models_come_in_pages(gateway, api):
    names, position = [], {}
    while True:
        page = gateway.get_models(restApiId=api, limit=4, **position)
        names += [model["name"] for model in page["items"]]
        if "position" not in page:
            break
        position = {"position": page["position"]}
    assert names == ["Empty", "Error", "Order", "Pet", "Pets", "Tag"]


def test_models_that_an_api_starts_with_can_go(gateway):
    id = gateway.create_rest_api(name="models")["id"]
    gateway.update_model(
        restApiId=id, modelName="Empty", patchOperations=[{"op": "replace", "path": "/description", "value": "x"}]
    )
    assert gateway.get_model(restApiId=id, modelName="Empty")["description"] == "x"
    gateway.delete_model(restApiId=id, modelName="Error")
    assert [model["name"] for model in gateway.get_models(restApiId=id)["items"]] == ["Empty"]
    gateway.delete_rest_api(restApiId=id)


def test_caches_of_a_stage_can_be_flushed(gateway, server):
    host, stage = server.outputs("notes")["InvokeUrl"].split("/")[2:4]
    id = host.split(".")[0]
    for flush in (gateway.flush_stage_cache, gateway.flush_stage_authorizers_cache):
        assert flush(restApiId=id, stageName=stage)["ResponseMetadata"]["HTTPStatusCode"] == 202
        assert refusal(flush, restApiId=id, stageName="none")[0] == "NotFoundException"


def test_what_there_is_none_of_is_said(gateway, api):
    assert gateway.get_vpc_links()["items"] == []
    assert gateway.get_client_certificates()["items"] == []
    assert gateway.get_sdk_types()["items"] == []
    assert refusal(gateway.create_vpc_link, name="x", targetArns=["arn"])[0] == "BadRequestException"
    assert refusal(gateway.get_vpc_link, vpcLinkId="x")[0] == "NotFoundException"
    assert refusal(gateway.generate_client_certificate)[0] == "BadRequestException"
    assert refusal(gateway.get_client_certificate, clientCertificateId="x")[0] == "NotFoundException"
    assert refusal(gateway.get_sdk, restApiId=api, stageName="x", sdkType="ruby")[0] == "BadRequestException"
