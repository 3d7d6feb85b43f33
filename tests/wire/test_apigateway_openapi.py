"""OpenAPI documents: APIs imported from them, put over others, and exported again."""

import contextlib
import json
import os
import subprocess

import botocore.exceptions
import pytest
import yaml

import notes_api
import openapi

FUNCTION = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:000000000000:function:none/invocations"


def mock(status="200", template='{"statusCode": 200}', **response):
    return {
        "type": "mock",
        "requestTemplates": {"application/json": template},
        "passthroughBehavior": "when_no_match",
        "responses": {"default": {"statusCode": status, **response}},
    }


OPENAPI = {
    "openapi": "3.0.1",
    "info": {"title": "Pets", "description": "About pets", "version": 1.0},
    "servers": [{"url": "https://example.com/{base}/v1", "variables": {"base": {"default": "api"}}}],
    "x-amazon-apigateway-api-key-source": "HEADER",
    "x-amazon-apigateway-binary-media-types": ["image/png"],
    "x-amazon-apigateway-minimum-compression-size": 1024,
    "x-amazon-apigateway-request-validators": {
        "all": {"validateRequestBody": True, "validateRequestParameters": True}
    },
    "x-amazon-apigateway-gateway-responses": {
        "BAD_REQUEST_BODY": {
            "statusCode": 422,
            "responseTemplates": {"application/json": '{"why": "$context.error.validationErrorString"}'},
            "responseParameters": {"gatewayresponse.header.X-Bad": "'yes'"},
        }
    },
    "paths": {
        "/pets": {
            "parameters": [{"$ref": "#/components/parameters/Limit"}],
            "get": {
                "operationId": "listPets",
                "responses": {
                    "200": {
                        "description": "Pets",
                        "headers": {"X-Total": {"schema": {"type": "string"}}},
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Pets"}}},
                    }
                },
                "x-amazon-apigateway-integration": mock(
                    responseParameters={"method.response.header.X-Total": "'7'"},
                    responseTemplates={"application/json": "[]"},
                ),
            },
            "post": {
                "security": [{"key": []}],
                "x-amazon-apigateway-request-validator": "all",
                "requestBody": {
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Pet"}}}
                },
                "responses": {"201": {"$ref": "#/components/responses/Made"}},
                "x-amazon-apigateway-integration": mock("201", '{"statusCode": 201}'),
            },
        },
        "/pets/{petId}": {
            "x-amazon-apigateway-any-method": {
                "parameters": [{"name": "petId", "in": "path", "required": True, "schema": {"type": "string"}}],
                "responses": {"200": {"description": "A pet"}},
                "x-amazon-apigateway-integration": mock(),
            }
        },
    },
    "components": {
        "parameters": {"Limit": {"name": "limit", "in": "query", "schema": {"type": "integer"}}},
        "responses": {"Made": {"description": "Made"}},
        "schemas": {
            "Pet": {
                "type": "object",
                "required": ["name"],
                "properties": {"name": {"type": "string"}, "tag": {"$ref": "#/components/schemas/Tag"}},
            },
            "Pets": {"type": "array", "items": {"$ref": "#/components/schemas/Pet"}},
            "Tag": {"type": "string", "maxLength": 5},
        },
        "securitySchemes": {"key": {"type": "apiKey", "name": "x-api-key", "in": "header"}},
    },
}

SWAGGER = """
swagger: "2.0"
info: {title: Pets, version: "2"}
basePath: /old
consumes: [application/json]
produces: [application/json]
paths:
  /pets:
    post:
      parameters:
        - {in: body, name: pet, schema: {$ref: '#/definitions/Pet'}}
        - {in: query, name: dry, type: string, required: true}
      responses:
        200:
          description: ok
          schema: {$ref: '#/definitions/Pet'}
      x-amazon-apigateway-integration:
        type: MOCK
        requestTemplates: {application/json: '{"statusCode": 200}'}
        responses:
          default: {statusCode: 200}
definitions:
  Pet: {type: object, properties: {name: {type: string}}}
"""


@pytest.fixture(scope="module")
def gateway(server):
    return server.client("apigateway")


@pytest.fixture
def load(gateway):
    """Imports a document as an API, which goes after the test."""
    ids = []

    def run(document, **arguments):
        text = document if isinstance(document, str) else json.dumps(document)
        answer = gateway.import_rest_api(body=text.encode(), **arguments)
        ids.append(answer["id"])
        return answer

    yield run
    for id in ids:
        gateway.delete_rest_api(restApiId=id)


def paths(gateway, id):
    items = gateway.get_resources(restApiId=id, embed=["methods"], limit=500)["items"]
    return {item["path"]: item for item in items}


def deployed(server, gateway, id):
    gateway.create_deployment(restApiId=id, stageName="prod")
    return notes_api.Api(f"http://{id}.execute-api.localhost:{server.port}/prod")


def refusal(call, *arguments, **named):
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        call(*arguments, **named)
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def test_an_api_is_what_its_document_says(gateway, load):
    api = load(OPENAPI, parameters={"endpointConfigurationTypes": "REGIONAL"})
    assert (api["name"], api["description"], api["version"]) == ("Pets", "About pets", "1.0")
    assert (api["binaryMediaTypes"], api["minimumCompressionSize"]) == (["image/png"], 1024)
    assert api["endpointConfiguration"]["types"] == ["REGIONAL"]
    assert "warnings" not in api
    resources = paths(gateway, api["id"])
    assert set(resources) == {"/", "/pets", "/pets/{petId}"}
    get = resources["/pets"]["resourceMethods"]["GET"]
    assert get["operationName"] == "listPets"
    assert get["requestParameters"] == {"method.request.querystring.limit": False}
    assert get["methodResponses"]["200"] == {
        "statusCode": "200",
        "responseParameters": {"method.response.header.X-Total": False},
        "responseModels": {"application/json": "Pets"},
    }
    assert get["methodIntegration"]["type"] == "MOCK"
    assert get["methodIntegration"]["passthroughBehavior"] == "WHEN_NO_MATCH"
    post = resources["/pets"]["resourceMethods"]["POST"]
    assert post["apiKeyRequired"] and post["requestModels"] == {"application/json": "Pet"}
    validator = gateway.get_request_validators(restApiId=api["id"])["items"][0]
    assert (validator["name"], post["requestValidatorId"]) == ("all", validator["id"])
    any_method = resources["/pets/{petId}"]["resourceMethods"]["ANY"]
    assert any_method["requestParameters"] == {"method.request.path.petId": True}


def test_schemas_become_models_that_refer_to_each_other(gateway, load):
    id = load(OPENAPI)["id"]
    models = {model["name"]: json.loads(model["schema"]) for model in gateway.get_models(restApiId=id)["items"]}
    url = f"https://apigateway.amazonaws.com/restapis/{id}/models/"
    assert set(models) == {"Pet", "Pets", "Tag"}
    assert models["Pets"] == {"type": "array", "items": {"$ref": url + "Pet"}}
    assert models["Pet"]["properties"]["tag"] == {"$ref": url + "Tag"}


def test_an_imported_api_answers(server, gateway, load):
    id = load(OPENAPI)["id"]
    api = deployed(server, gateway, id)
    answer = api.call("GET", "/pets")
    assert (answer.status, answer.json, answer.headers["X-Total"]) == (200, [], "7")
    assert api.call("DELETE", "/pets/1").status == 200
    assert api.call("POST", "/pets", {"name": "Rex"}).status == 403
    plan = gateway.create_usage_plan(name="pets", apiStages=[{"apiId": id, "stage": "prod"}])["id"]
    key = gateway.create_api_key(name="pets", enabled=True)
    gateway.create_usage_plan_key(usagePlanId=plan, keyId=key["id"], keyType="API_KEY")
    keyed = notes_api.Api(f"http://{id}.execute-api.localhost:{server.port}/prod", key["value"])
    assert keyed.call("POST", "/pets", {"name": "Rex", "tag": "small"}).status == 201
    bad = keyed.call("POST", "/pets", {"name": "Rex", "tag": "too long"})
    assert (bad.status, bad.headers["X-Bad"]) == (422, "yes")
    gateway.delete_stage(restApiId=id, stageName="prod")
    gateway.delete_usage_plan(usagePlanId=plan)
    gateway.delete_api_key(apiKey=key["id"])


def test_swagger_in_yaml_is_read(gateway, load):
    api = load(SWAGGER)
    post = paths(gateway, api["id"])["/pets"]["resourceMethods"]["POST"]
    assert post["requestModels"] == {"application/json": "Pet"}
    assert post["requestParameters"] == {"method.request.querystring.dry": True}
    assert post["methodResponses"]["200"]["responseModels"] == {"application/json": "Pet"}
    assert post["authorizationType"] == "NONE"


@pytest.mark.parametrize("mode, expected", [("ignore", "/pets"), ("prepend", "/api/v1/pets"), ("split", "/v1/pets")])
def test_the_base_path_is_ignored_prepended_or_split(gateway, load, mode, expected):
    api = load(OPENAPI, parameters={"basepath": mode})
    assert expected in paths(gateway, api["id"])


def test_merging_keeps_what_the_document_does_not_name(gateway, load):
    id = load(OPENAPI)["id"]
    gateway.put_rest_api(restApiId=id, mode="merge", body=SWAGGER.encode())
    resources = paths(gateway, id)
    assert "petId" in str(resources) and "GET" in resources["/pets"]["resourceMethods"]
    post = resources["/pets"]["resourceMethods"]["POST"]
    assert "requestValidatorId" not in post and not post["apiKeyRequired"]
    api = gateway.get_rest_api(restApiId=id)
    assert (api["version"], api["description"]) == ("2", "About pets")


def test_overwriting_leaves_only_the_document(gateway, load):
    id = load(OPENAPI)["id"]
    root = paths(gateway, id)["/"]["id"]
    gateway.put_rest_api(restApiId=id, mode="overwrite", body=SWAGGER.encode())
    resources = paths(gateway, id)
    assert set(resources) == {"/", "/pets"} and set(resources["/pets"]["resourceMethods"]) == {"POST"}
    assert [model["name"] for model in gateway.get_models(restApiId=id)["items"]] == ["Pet"]
    assert gateway.get_request_validators(restApiId=id)["items"] == []
    api = gateway.get_rest_api(restApiId=id)
    assert not {"binaryMediaTypes", "minimumCompressionSize", "description"} & set(api)
    assert resources["/"]["id"] == root


def test_an_endpoint_changes_with_the_document(gateway, load):
    id = load(OPENAPI)["id"]
    private = {"disableExecuteApiEndpoint": True, "types": ["PRIVATE"], "vpcEndpointIds": ["vpce-1"]}
    document = OPENAPI | {"x-amazon-apigateway-endpoint-configuration": private}
    api = gateway.put_rest_api(restApiId=id, body=json.dumps(document).encode())
    assert api["disableExecuteApiEndpoint"]
    assert (api["endpointConfiguration"]["types"], api["endpointConfiguration"]["vpcEndpointIds"]) == (
        ["PRIVATE"],
        ["vpce-1"],
    )


def test_merging_twice_keeps_the_ids(gateway, load):
    id = load(OPENAPI)["id"]
    before = gateway.get_request_validators(restApiId=id)["items"]
    gateway.put_rest_api(restApiId=id, body=json.dumps(OPENAPI).encode())
    assert gateway.get_request_validators(restApiId=id)["items"] == before


BROKEN = {
    "openapi": "3.0.1",
    "info": {"title": "Broken"},
    "paths": {
        "/a": {"get": {"x-amazon-apigateway-integration": {"type": "aws_proxy", "httpMethod": "POST", "uri": "x"}}},
        "/b c": {"get": {"responses": {}}},
        "/c": {"get": {"responses": {"200": {"$ref": "#/components/responses/None"}}}},
    },
}


def test_errors_are_told_together_and_nothing_is_made(gateway, load):
    before = gateway.get_rest_apis(limit=500)["items"]
    code, message = refusal(load, BROKEN)
    assert code == "BadRequestException"
    assert message.startswith("Errors found during import:\n\t")
    assert (
        "Unable to put integration on 'GET' for resource at path '/a': Invalid ARN specified in the request" in message
    )
    assert "Unable to create resource at path '/b c': Resource's path part only allow" in message
    assert "Invalid response '200' of method 'GET'" in message
    assert gateway.get_rest_apis(limit=500)["items"] == before


def test_a_failed_overwrite_changes_nothing(gateway, load):
    id = load(OPENAPI)["id"]
    before = paths(gateway, id)
    refusal(gateway.put_rest_api, restApiId=id, mode="overwrite", body=json.dumps(BROKEN).encode())
    assert paths(gateway, id) == before


def test_warnings_are_told_or_fail_the_import(gateway, load):
    document = OPENAPI | {"x-amazon-apigateway-cors": {"allowOrigins": ["*"]}}
    assert load(document)["warnings"] == ["x-amazon-apigateway-cors is only supported for HTTP APIs, ignoring"]
    unknown = mock() | {"retries": 3}
    odd = {"x-amazon-apigateway-unheard-of": 1, "paths": {"/": {"get": {"x-amazon-apigateway-integration": unknown}}}}
    odd["paths"]["/"]["get"]["responses"] = {"200": {"description": ""}}
    assert load(OPENAPI | odd)["warnings"] == [
        "x-amazon-apigateway-unheard-of is not supported, ignoring",
        "Integration member retries is not supported, ignoring",
    ]
    code, message = refusal(load, document, failOnWarnings=True)
    assert (code, message.split("\n")[0]) == ("BadRequestException", "Warnings found during import:")


@pytest.mark.parametrize("text", ["", "{", "[]", "openapi: 3.1.0\n", "a: [b\n", '{"swagger": "1.2"}'])
def test_what_is_no_document_is_refused(load, text):
    code, message = refusal(load, text)
    assert code == "BadRequestException" and message.startswith("Invalid OpenAPI input")


def test_a_document_can_be_too_large(load):
    code, message = refusal(load, json.dumps(OPENAPI) + " " * 6 * 1024 * 1024)
    assert (code, message) == ("BadRequestException", "Invalid OpenAPI input: it is larger than 6 MB")


def test_modes_are_checked(gateway, load):
    id = load(OPENAPI)["id"]
    assert refusal(gateway.put_rest_api, restApiId=id, mode="replace", body=b"{}")[0] == "ValidationException"
    assert refusal(gateway.put_rest_api, restApiId="none", body=SWAGGER.encode())[0] == "NotFoundException"
    assert refusal(load, OPENAPI, parameters={"basepath": "drop"})[0] == "BadRequestException"


# --- Export ---


def exported(gateway, id, type="oas30", extensions="apigateway", accepts="application/json", stage="prod"):
    parameters = {"extensions": extensions} if extensions else {}
    answer = gateway.get_export(
        restApiId=id, stageName=stage, exportType=type, parameters=parameters, accepts=accepts
    )
    return answer["body"].read().decode()


def essence(text, id):
    """A document without what tells one API from another."""
    document = yaml.safe_load(text.replace(id, "ID"))
    document["info"].pop("version")
    return document


def undeclared(document):
    """A document without path parameters, which methods have once they were imported."""
    for item in document["paths"].values():
        for operation in item.values():
            kept = [parameter for parameter in operation.pop("parameters", []) if parameter["in"] != "path"]
            if kept:
                operation["parameters"] = kept
    return document


@pytest.fixture
def other(gateway):
    """A method over models that refer to each other, a validator and all else that control calls can say."""
    id = gateway.create_rest_api(
        name="other", description="d", binaryMediaTypes=["image/png"], minimumCompressionSize=0
    )["id"]
    root = gateway.get_resources(restApiId=id)["items"][0]["id"]
    url = f"https://apigateway.amazonaws.com/restapis/{id}/models/"
    models = {
        "Leaf": {"type": "string"},
        "Tree": {"type": "array", "items": {"$ref": url + "Leaf"}},
        "Unused": {"type": "object"},
    }
    for name, schema in models.items():
        gateway.create_model(restApiId=id, name=name, contentType="application/json", schema=json.dumps(schema))
    validator = gateway.create_request_validator(restApiId=id, name="body only", validateRequestBody=True)["id"]
    gateway.put_gateway_response(
        restApiId=id, responseType="DEFAULT_4XX", responseParameters={"gatewayresponse.header.A": "'b'"}
    )
    part = gateway.create_resource(restApiId=id, parentId=root, pathPart="{name+}")["id"]
    method = {"restApiId": id, "resourceId": part, "httpMethod": "PUT"}
    gateway.put_method(
        authorizationType="NONE",
        apiKeyRequired=True,
        operationName="putTree",
        requestValidatorId=validator,
        requestParameters={
            "method.request.path.name": True,
            "method.request.querystring.q": False,
            "method.request.header.X-H": True,
        },
        requestModels={"application/json": "Tree"},
        **method,
    )
    gateway.put_method_response(
        statusCode="200", responseModels={"application/json": "Tree", "text/plain": "Empty"},
        responseParameters={"method.response.header.X-R": True}, **method
    )  # fmt: skip
    gateway.put_method_response(statusCode="400", **method)
    gateway.put_integration(
        type="MOCK",
        requestTemplates={"application/json": '{"statusCode": 200}'},
        passthroughBehavior="NEVER",
        timeoutInMillis=1000,
        cacheNamespace="shared",
        cacheKeyParameters=["method.request.path.name"],
        **method,
    )
    gateway.put_integration_response(
        statusCode="200", responseParameters={"method.response.header.X-R": "'r'"},
        responseTemplates={"application/json": "[]"}, **method
    )  # fmt: skip
    gateway.put_integration_response(statusCode="400", selectionPattern="4\\d\\d", **method)
    gateway.create_deployment(restApiId=id, stageName="prod")
    yield id
    gateway.delete_rest_api(restApiId=id)


@pytest.mark.parametrize("type", ["oas30", "swagger"])
@pytest.mark.parametrize("accepts", ["application/json", "application/yaml"])
def test_what_is_exported_can_be_imported(gateway, load, other, type, accepts):
    first = exported(gateway, other, type, accepts=accepts)
    copy = load(first)
    assert "warnings" not in copy
    gateway.create_deployment(restApiId=copy["id"], stageName="prod")
    assert essence(exported(gateway, copy["id"], type, accepts=accepts), copy["id"]) == essence(first, other)


def test_an_export_says_what_the_api_is(gateway, other):
    document = json.loads(exported(gateway, other))
    assert document["openapi"] == "3.0.1"
    assert document["info"]["title"] == "other"
    assert document["servers"][0]["variables"] == {"basePath": {"default": "prod"}}
    put = document["paths"]["/{name+}"]["put"]
    assert put["operationId"] == "putTree"
    assert put["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Tree"}
    assert put["security"] == [{"api_key": []}]
    assert put["x-amazon-apigateway-request-validator"] == "body only"
    integration = put["x-amazon-apigateway-integration"]
    assert (integration["type"], integration["passthroughBehavior"]) == ("mock", "never")
    assert set(integration["responses"]) == {"default", "4\\d\\d"}
    assert set(document["components"]["schemas"]) == {"Tree", "Leaf", "Empty"}
    assert document["components"]["schemas"]["Tree"]["items"] == {"$ref": "#/components/schemas/Leaf"}
    assert document["x-amazon-apigateway-binary-media-types"] == ["image/png"]


def test_without_extensions_there_are_none(gateway, other):
    assert "x-amazon-apigateway" not in exported(gateway, other, extensions=None)
    assert "x-amazon-apigateway" not in exported(gateway, other, extensions="postman")


def test_an_export_is_a_file(gateway, other):
    answer = gateway.get_export(restApiId=other, stageName="prod", exportType="swagger", accepts="application/yaml")
    assert answer["contentType"] == "application/octet-stream"
    assert answer["contentDisposition"].startswith('attachment; filename="swagger_')
    assert answer["contentDisposition"].endswith('.yaml"')


TYPED = {
    "swagger": "2.0",
    "info": {"title": "typed", "version": "1.2.3"},
    "paths": {
        "/p/{pid}/{rest+}": {
            "get": {
                "consumes": ["application/json"],
                "produces": ["text/html"],
                "parameters": [{"name": "q", "in": "query", "required": False, "type": "string"}],
                "responses": {"200": {"description": "ok"}},
                "x-amazon-apigateway-integration": {
                    "type": "mock",
                    "requestTemplates": {"application/json": '{"statusCode":200}', "text/plain": '{"statusCode":200}'},
                    "requestParameters": {
                        "integration.request.header.a": "'text'",
                        "integration.request.header.b": True,
                        "integration.request.header.c": 1,
                    },
                    "responses": {"default": {"statusCode": "200", "responseTemplates": {"text/xml": "<a/>"}}},
                },
            }
        }
    },
}


def test_a_document_declares_what_its_paths_have(gateway, load):
    id = load(json.dumps(TYPED))["id"]
    resources = gateway.get_resources(restApiId=id, embed=["methods"])["items"]
    resource = next(resource for resource in resources if "resourceMethods" in resource)
    assert set(resource) <= {"id", "parentId", "path", "pathPart", "resourceMethods"}
    method = resource["resourceMethods"]["GET"]
    assert method["requestParameters"] == {
        "method.request.path.pid": True,
        "method.request.path.rest": True,
        "method.request.querystring.q": False,
    }
    assert method["methodIntegration"]["requestParameters"] == {"integration.request.header.a": "'text'"}


def test_an_export_tells_the_types_of_its_document(gateway, load):
    id = load(json.dumps(TYPED))["id"]
    gateway.create_deployment(restApiId=id, stageName="prod")
    swagger = json.loads(exported(gateway, id, "swagger", extensions=None))
    assert list(swagger["paths"]) == ["/p/{pid}/{rest+}"]
    get = swagger["paths"]["/p/{pid}/{rest+}"]["get"]
    assert (get["consumes"], get["produces"]) == (["application/json", "text/plain"], ["text/html", "text/xml"])
    assert [(parameter["name"], parameter["required"]) for parameter in get["parameters"]] == [
        ("pid", True),
        ("rest", True),
        ("q", False),
    ]
    document = json.loads(exported(gateway, id, "oas30", extensions=None))
    assert document["components"] == {}
    assert "required" not in document["paths"]["/p/{pid}/{rest+}"]["get"]["parameters"][2]


@pytest.mark.parametrize("version, name", [("1.2.3", "1.2.3"), ('a "b"/c', "a__b__c")])
def test_an_exports_file_is_named_after_the_apis_version(gateway, load, version, name):
    id = load(json.dumps({**TYPED, "info": {"title": "typed", "version": version}}))["id"]
    gateway.create_deployment(restApiId=id, stageName="prod")
    for type in ("swagger", "oas30"):
        answer = gateway.get_export(restApiId=id, stageName="prod", exportType=type)
        assert answer["contentDisposition"] == f'attachment; filename="{type}_{name}.json"'


def test_what_cannot_be_exported_is_refused(gateway, other):
    arguments = {"restApiId": other, "stageName": "prod"}
    assert refusal(gateway.get_export, exportType="raml", **arguments) == (
        "BadRequestException",
        "No API exporter for type 'raml'",
    )
    assert refusal(gateway.get_export, exportType="oas30", accepts="text/html", **arguments)[0] == "BadRequestException"
    assert refusal(gateway.get_export, exportType="oas30", restApiId=other, stageName="no")[0] == "NotFoundException"


@contextlib.contextmanager
def notes_client(server, gateway, id):
    """The stage prod of an API that has become one of the notes, with a key, and with rights to invoke the functions."""
    functions = server.client("lambda")
    names = [item["FunctionName"] for item in functions.list_functions()["Functions"] if item["FunctionName"].startswith("notes-")]
    for name in names:
        functions.add_permission(
            FunctionName=name,
            StatementId="copy",
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
            SourceArn=f"arn:aws:execute-api:us-east-1:000000000000:{id}/*",
        )
    plan = gateway.create_usage_plan(name="copy", apiStages=[{"apiId": id, "stage": "prod"}])["id"]
    key = gateway.create_api_key(name="copy", enabled=True)
    gateway.create_usage_plan_key(usagePlanId=plan, keyId=key["id"], keyType="API_KEY")
    yield notes_api.Api(f"http://{id}.execute-api.localhost:{server.port}/prod", key["value"])
    for name in names:
        functions.remove_permission(FunctionName=name, StatementId="copy")
    gateway.delete_stage(restApiId=id, stageName="prod")
    gateway.delete_usage_plan(usagePlanId=plan)
    gateway.delete_api_key(apiKey=key["id"])


def assert_it_keeps_notes(api):
    note = api.call("POST", "/notes", {"title": "moved", "content": ""})
    assert note.status == 201
    assert api.call("GET", "/notes/" + note.json["noteId"]).json == note.json
    assert api.call("DELETE", "/notes/" + note.json["noteId"]).status == 204
    assert api.call("GET", "/notes", key=None).status == 403


def notes_id(server):
    return server.outputs("notes")["InvokeUrl"].split("/")[2].split(".")[0]


def test_the_notes_api_moves_by_its_document(server, gateway, load):
    id = notes_id(server)
    first = exported(gateway, id)
    copy = load(first)["id"]
    gateway.create_deployment(restApiId=copy, stageName="prod")
    assert undeclared(essence(exported(gateway, copy), copy)) == undeclared(essence(first, id))
    with notes_client(server, gateway, copy) as api:
        assert_it_keeps_notes(api)


def put_integrations(gateway, source, id):
    """Puts behind the methods of an API what stands behind the same ones of another."""
    for path, resource in paths(gateway, source).items():
        for verb, method in resource.get("resourceMethods", {}).items():
            where = {"restApiId": id, "resourceId": paths(gateway, id)[path]["id"], "httpMethod": verb}
            integration = method["methodIntegration"]
            responses = integration.pop("integrationResponses", {})
            integration.pop("cacheNamespace"), integration.pop("cacheKeyParameters")
            gateway.put_integration(**where, integrationHttpMethod=integration.pop("httpMethod", "POST"), **integration)
            for response in responses.values():
                gateway.put_integration_response(**where, **response)


def test_the_notes_document_goes_round(server, gateway, load):
    """The document says what the methods are; what stands behind them is put there as for any API."""
    made = load(openapi.DOCUMENT.read_text())
    assert made["name"] == "Notes API" and "warnings" not in made
    assert paths(gateway, made["id"])["/notes/{id}"]["resourceMethods"]["GET"]["apiKeyRequired"]
    put_integrations(gateway, notes_id(server), made["id"])
    gateway.create_deployment(restApiId=made["id"], stageName="prod")
    with notes_client(server, gateway, made["id"]) as api:
        assert_it_keeps_notes(api)
        preflight = api.call("OPTIONS", "/notes", key=None)
        assert (preflight.status, preflight.headers["Access-Control-Allow-Origin"]) == (200, "*")
        first = exported(gateway, made["id"])
    again = load(first)
    assert "warnings" not in again
    gateway.create_deployment(restApiId=again["id"], stageName="prod")
    assert essence(exported(gateway, again["id"]), again["id"]) == essence(first, made["id"])
    operations = [
        (path, verb, operation["operationId"])
        for path, item in yaml.safe_load(openapi.DOCUMENT.read_text())["paths"].items()
        for verb, operation in item.items() if verb != "parameters"
    ]
    kept = json.loads(first)["paths"]
    assert [(path, verb, kept[path][verb]["operationId"]) for path, verb, _ in operations] == operations


def test_the_cli_imports_and_exports(server, tmp_path):
    command = ["/usr/bin/aws", "--endpoint-url", server.url, "apigateway"]
    environment = os.environ | server.environment()
    document, out = tmp_path / "pets.yaml", tmp_path / "out.json"
    document.write_text(SWAGGER)
    id = subprocess.check_output(
        [*command, "import-rest-api", "--body", f"fileb://{document}", "--parameters", "basepath=prepend",
         "--query", "id", "--output", "text"], env=environment, text=True
    ).strip()  # fmt: skip
    run = lambda *arguments: subprocess.run([*command, *arguments, "--rest-api-id", id], env=environment, check=True)
    run("create-deployment", "--stage-name", "prod")
    run("get-export", "--stage-name", "prod", "--export-type", "swagger", out)
    assert set(json.loads(out.read_text())["paths"]) == {"/old/pets"}
    run("put-rest-api", "--mode", "overwrite", "--body", f"fileb://{document}")
    run("delete-rest-api")


def test_a_clone_is_the_same_but_for_ids(gateway, other):
    copy = gateway.create_rest_api(name="other", cloneFrom=other)["id"]
    try:
        gateway.create_deployment(restApiId=copy, stageName="prod")
        first = exported(gateway, other)
        assert essence(exported(gateway, copy), copy) == essence(first, other)
        ids = {item["id"] for item in gateway.get_resources(restApiId=other)["items"]}
        assert not ids & {item["id"] for item in gateway.get_resources(restApiId=copy)["items"]}
        assert {model["name"] for model in gateway.get_models(restApiId=copy)["items"]} >= {"Unused", "Empty"}
    finally:
        gateway.delete_rest_api(restApiId=copy)
    assert refusal(gateway.create_rest_api, name="x", cloneFrom="none")[0] == "NotFoundException"


# --- Integrations of all types ---

INTEGRATIONS = {
    "http_proxy": {
        "type": "http_proxy",
        "httpMethod": "ANY",
        "uri": "http://127.0.0.1:9/{path}",
        "requestParameters": {"integration.request.path.path": "method.request.path.path"},
        "passthroughBehavior": "when_no_match",
        "timeoutInMillis": 1000,
        "connectionType": "INTERNET",
        "responses": {"default": {"statusCode": "200"}},
    },
    "http": {
        "type": "http",
        "httpMethod": "POST",
        "uri": "https://${stageVariables.host}/x",
        "requestTemplates": {"application/json": "$input.json('$.a')"},
        "passthroughBehavior": "never",
        "contentHandling": "CONVERT_TO_TEXT",
        "responses": {
            "default": {"statusCode": "200", "responseTemplates": {"application/json": "#set($a = 1)$a"}},
            "5\\d{2}": {"statusCode": "502", "contentHandling": "CONVERT_TO_BINARY"},
        },
    },
    "aws": {
        "type": "aws",
        "httpMethod": "POST",
        "uri": "arn:aws:apigateway:us-east-1:dynamodb:action/ListTables",
        "credentials": "arn:aws:iam::000000000000:role/tables",
        "requestTemplates": {"application/json": "{}"},
        "passthroughBehavior": "when_no_templates",
        "responses": {
            "default": {
                "statusCode": "200",
                "responseParameters": {"method.response.header.Id": "integration.response.header.x-amzn-RequestId"},
            }
        },
    },
    "aws_proxy": {
        "type": "aws_proxy",
        "httpMethod": "POST",
        "uri": FUNCTION,
        "passthroughBehavior": "when_no_match",
        "cacheKeyParameters": ["method.request.path.path"],
        "cacheNamespace": "shared",
    },
}


@pytest.mark.parametrize("type", INTEGRATIONS)
def test_an_integration_stays_what_it_is(gateway, load, type):
    operation = {
        "parameters": [{"name": "path", "in": "path", "required": True, "schema": {"type": "string"}}],
        "responses": {
            "200": {"description": "", "headers": {"Id": {"schema": {"type": "string"}}}},
            "502": {"description": ""},
        },
        "x-amazon-apigateway-integration": INTEGRATIONS[type],
    }
    id = load({"openapi": "3.0.1", "info": {"title": type}, "paths": {"/{path}": {"post": operation}}})["id"]
    gateway.create_deployment(restApiId=id, stageName="prod")
    document = json.loads(exported(gateway, id))
    given = document["paths"]["/{path}"]["post"]["x-amazon-apigateway-integration"]
    assert given.pop("connectionType", "INTERNET") == "INTERNET"
    assert given == {key: value for key, value in INTEGRATIONS[type].items() if key != "connectionType"}


# --- Who may call ---


def test_policies_and_signatures_go_both_ways(gateway, load):
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/*"}
        ],
    }
    signed = {"type": "apiKey", "name": "Authorization", "in": "header", "x-amazon-apigateway-authtype": "awsSigv4"}
    operation = {
        "security": [{"signed": []}],
        "responses": {"200": {"description": ""}},
        "x-amazon-apigateway-integration": mock(),
    }
    document = {
        "openapi": "3.0.1",
        "info": {"title": "signed"},
        "x-amazon-apigateway-policy": policy,
        "paths": {"/": {"get": operation, "put": operation | {"security": []}}},
        "components": {"securitySchemes": {"signed": signed}},
    }
    id = load(document)["id"]
    methods = paths(gateway, id)["/"]["resourceMethods"]
    assert [methods[verb]["authorizationType"] for verb in ("GET", "PUT")] == ["AWS_IAM", "NONE"]
    gateway.create_deployment(restApiId=id, stageName="prod")
    out = json.loads(exported(gateway, id))
    assert out["paths"]["/"]["get"]["security"] == [{"sigv4": []}]
    assert out["components"]["securitySchemes"]["sigv4"] == signed
    (statement,) = out["x-amazon-apigateway-policy"]["Statement"]
    assert statement["Resource"] == f"arn:aws:execute-api:us-east-1:000000000000:{id}/*"
    copy = gateway.create_rest_api(name="signed", cloneFrom=id)
    gateway.delete_rest_api(restApiId=copy["id"])
    assert copy["id"] in copy["policy"] and id not in copy["policy"]


def custom(header, **authorizer):
    return {
        "type": "apiKey",
        "name": header,
        "in": "header",
        "x-amazon-apigateway-authtype": "custom",
        "x-amazon-apigateway-authorizer": {"authorizerUri": FUNCTION} | authorizer,
    }


AUTHORIZERS = {
    "token": custom("Auth", type="token", authorizerResultTtlInSeconds=60, identityValidationExpression="^x-[a-z]+"),
    "request": custom(
        "Unused", type="request", authorizerResultTtlInSeconds=0, identitySource="method.request.header.A,context.stage"
    ),
}


def guarded(schemes):
    operations = {
        verb: {
            "security": [{name: []}],
            "responses": {"200": {"description": ""}},
            "x-amazon-apigateway-integration": mock(),
        }
        for verb, name in zip(("get", "put"), schemes)
    }
    return {
        "openapi": "3.0.1",
        "info": {"title": "guarded"},
        "paths": {"/": operations},
        "components": {"securitySchemes": schemes},
    }


def test_authorizers_go_both_ways(gateway, load):
    id = load(guarded(AUTHORIZERS))["id"]
    authorizers = {item["name"]: item for item in gateway.get_authorizers(restApiId=id)["items"]}
    assert {name: item["type"] for name, item in authorizers.items()} == {"token": "TOKEN", "request": "REQUEST"}
    assert authorizers["token"]["identitySource"] == "method.request.header.Auth"
    get = paths(gateway, id)["/"]["resourceMethods"]["GET"]
    assert (get["authorizationType"], get["authorizerId"]) == ("CUSTOM", authorizers["token"]["id"])
    gateway.create_deployment(restApiId=id, stageName="prod")
    document = json.loads(exported(gateway, id))
    assert document["components"]["securitySchemes"] == AUTHORIZERS
    assert document["paths"]["/"]["put"]["security"] == [{"request": []}]
    gateway.put_rest_api(restApiId=id, mode="merge", body=json.dumps(guarded(AUTHORIZERS)).encode())
    assert {item["name"]: item for item in gateway.get_authorizers(restApiId=id)["items"]} == authorizers


def test_an_authorizer_that_cannot_be_fails_the_import(load):
    code, message = refusal(load, guarded({"odd": custom("Auth", type="jwt")}))
    assert code == "BadRequestException"
    assert "Unable to create authorizer 'odd': Invalid authorizer type specified" in message
