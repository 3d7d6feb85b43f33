"""Errors of API Gateway's control plane that public test suites have recorded on AWS, operation by operation."""

import botocore.exceptions
import pytest

import gateway_api

JSON = "application/json"
BAD, MISSING, CONFLICT = "BadRequestException", "NotFoundException", "ConflictException"
VALIDATION, SERIALIZATION = "ValidationException", "SerializationException"
NO_API = "Invalid API identifier specified 000000000000:none"
NO_RESOURCE, NO_METHOD = "Invalid Resource identifier specified", "Invalid Method identifier specified"
NO_STATUS, NO_INTEGRATION = "Invalid Response status code specified", "Invalid Integration identifier specified"
NO_VALIDATOR, NO_PART = "Invalid Request Validator identifier specified", "Invalid Documentation part identifier specified"
OPS = "Member must satisfy enum value set: [add, remove, move, test, replace, copy]"
STATUS_PATTERN = r"Value 'wrong' at 'statusCode' failed to satisfy constraint: Member must satisfy regular expression pattern: [1-5]\d\d"
TYPES = (
    "Member must satisfy enum value set: [REQUEST_TOO_LARGE, RESOURCE_NOT_FOUND, AUTHORIZER_CONFIGURATION_ERROR, "
    "MISSING_AUTHENTICATION_TOKEN, BAD_REQUEST_BODY, INVALID_SIGNATURE, INVALID_API_KEY, BAD_REQUEST_PARAMETERS, "
    "AUTHORIZER_FAILURE, UNAUTHORIZED, INTEGRATION_TIMEOUT, ACCESS_DENIED, DEFAULT_4XX, DEFAULT_5XX, WAF_FILTERED, "
    "QUOTA_EXCEEDED, THROTTLED, API_CONFIGURATION_ERROR, UNSUPPORTED_MEDIA_TYPE, INTEGRATION_FAILURE, EXPIRED_TOKEN]"
)
NOT_A_TYPE = f"1 validation error detected: Value 'FAKE' at 'responseType' failed to satisfy constraint: {TYPES}"
LOCATIONS = (
    "Member must satisfy enum value set: [RESPONSE_BODY, RESPONSE, METHOD, MODEL, AUTHORIZER, RESPONSE_HEADER, RESOURCE, "
    "PATH_PARAMETER, REQUEST_BODY, QUERY_PARAMETER, API, REQUEST_HEADER]"
)
ENDPOINTS = (
    "Value '[wrong]' at 'createRestApiInput.endpointConfiguration.types' failed to satisfy constraint: "
    "Member must satisfy constraint: [Member must satisfy enum value set: [PRIVATE, EDGE, REGIONAL]]"
)
ADDRESSES = (
    "Value 'wrong' at 'createRestApiInput.endpointConfiguration.ipAddressType' failed to satisfy constraint: "
    "Member must satisfy enum value set: [ipv4, dualstack]"
)
NO_AUTHORIZER = (
    "Invalid authorizer ID specified. Setting the authorization type to CUSTOM or COGNITO_USER_POOLS requires a valid authorizer."
)
VERBS = "Invalid HttpMethod specified. Valid options are GET,PUT,POST,DELETE,PATCH,OPTIONS,HEAD,ANY"
NO_PROPERTY = "Model schema must have at least 1 property or array items defined"
NO_DESCRIPTION = "Description cannot be an empty string"
ONLY_REPLACE = "Invalid patch operation specified. Must be one of: [replace]"
COMPRESSION = "Invalid minimum compression size, must be between 0 and 10485760"
FUNCTION = gateway_api.lambda_uri("arn:aws:lambda:us-east-1:000000000000:function:f")
GREEDY = "Cannot create a child of a resource with a greedy path variable: {proxy+}"


def unsupported(path, op):
    return f"Invalid patch path  '{path}' specified for op '{op}'. Please choose supported operations"


def wrong_ops(operation, *places):
    listed = "; ".join(
        f"Value 'wrong' at '{operation}Input.patchOperations.{place}.member.op' failed to satisfy constraint: {OPS}"
        for place in places
    )
    return f"{len(places)} validation error{'s' if len(places) > 1 else ''} detected: {listed}"


def patch(*operations):
    """Operations as (op, path, value)."""
    return [
        {name: part for name, part in zip(("op", "path", "value"), operation) if part is not None}
        for operation in operations
    ]


@pytest.fixture(scope="module")
def client(server):
    """Also of a model from before APIs had types of addresses."""
    made = server.client("apigateway")
    shapes = made.meta.service_model._shape_resolver._shape_map
    shapes["EndpointConfiguration"]["members"].setdefault("ipAddressType", {"shape": "String"})
    return made


@pytest.fixture(scope="module")
def made(server, client):
    """One of everything; the names stand in the arguments of the rows below."""
    api = gateway_api.Gateway(server, "errors")
    ids = {"API": api.id, "ROOT": api.root, "PETS": api.resource("pets")}
    ids["CATS"] = api.resource("cats", ids["PETS"])
    ids["DOGS"] = api.resource("dogs")
    ids["PROXY"] = api.resource("{proxy+}")
    where = {"restApiId": api.id, "resourceId": ids["PETS"]}
    client.create_model(restApiId=api.id, name="Used", contentType=JSON, schema='{"title":"x","type":"object"}')
    client.put_method(httpMethod="GET", authorizationType="NONE", requestModels={JSON: "Used"}, **where)
    client.put_method_response(httpMethod="GET", statusCode="200", **where)
    client.put_integration(httpMethod="GET", type="MOCK", **where)
    ids["VALIDATOR"] = client.create_request_validator(restApiId=api.id, name="v")["id"]
    ids["PART"] = client.create_documentation_part(restApiId=api.id, location={"type": "API"}, properties="{}")["id"]
    ids["KEY"] = client.create_api_key(name="errors")["id"]
    client.put_gateway_response(
        restApiId=api.id, responseType="DEFAULT_5XX", responseTemplates={JSON: "{}"}, statusCode="500"
    )
    api.deploy("dev")
    client.put_method(httpMethod="POST", authorizationType="NONE", **where)
    ids["PLAN"] = client.create_usage_plan(name="errors")["id"]
    ids["DEPLOYMENT"] = client.get_deployments(restApiId=api.id)["items"][0]["id"]
    yield ids
    client.delete_usage_plan(usagePlanId=ids["PLAN"])
    client.delete_api_key(apiKey=ids["KEY"])
    api.delete()


def filled(value, ids):
    """The arguments with ids in the place of names in capitals between < and >."""
    if isinstance(value, dict):
        return {filled(key, ids): filled(member, ids) for key, member in value.items()}
    if isinstance(value, list):
        return [filled(member, ids) for member in value]
    if isinstance(value, str):
        for name, id in ids.items():
            value = value.replace(f"<{name}>", id)
    return value


A = {"restApiId": "<API>"}
R = {**A, "resourceId": "<PETS>"}
M = {**R, "httpMethod": "GET"}
S = {**M, "statusCode": "200"}
NOT_API, NOT_RESOURCE, NOT_METHOD = {"restApiId": "none"}, {"resourceId": "none"}, {"httpMethod": "PUT"}
NONE = {"authorizationType": "NONE"}
MOCK = {"type": "MOCK"}

ROWS = [
    # REST APIs
    ("get_rest_api", {"restApiId": "none"}, MISSING, NO_API),
    ("create_rest_api", {"name": "x", "description": ""}, BAD, NO_DESCRIPTION),
    ("create_rest_api", {"name": "x", "minimumCompressionSize": 10485761}, BAD, COMPRESSION),
    (
        "create_rest_api",
        {"name": "x", "endpointConfiguration": {"types": []}},
        BAD,
        "REGIONAL Configuration and EDGE Configuration cannot be both DISABLED.",
    ),
    (
        "create_rest_api",
        {"name": "x", "endpointConfiguration": {"types": ["EDGE", "PRIVATE"]}},
        BAD,
        "Cannot create an api with multiple Endpoint Types.",
    ),
    (
        "create_rest_api",
        {"name": "x", "endpointConfiguration": {"types": ["REGIONAL"], "ipAddressType": "wrong"}},
        VALIDATION,
        "1 validation error detected: " + ADDRESSES,
    ),
    (
        "create_rest_api",
        {"name": "x", "description": "", "endpointConfiguration": {"types": ["wrong"], "ipAddressType": "wrong"}},
        VALIDATION,
        f"2 validation errors detected: {ENDPOINTS}; {ADDRESSES}",
    ),
    (
        "create_rest_api",
        {"name": "x", "endpointConfiguration": {"types": ["wrong"]}},
        VALIDATION,
        "1 validation error detected: " + ENDPOINTS,
    ),
    (
        "create_rest_api",
        {"name": "x", "description": "", "endpointConfiguration": {"types": []}},
        BAD,
        NO_DESCRIPTION,
    ),
    (
        "create_rest_api",
        {"name": "x", "endpointConfiguration": {"types": ["PRIVATE"], "ipAddressType": "ipv4"}},
        BAD,
        "Only dualstack ipAddressType is supported for Private APIs.",
    ),
    (
        "create_rest_api",
        {"name": "x", "description": "", "endpointConfiguration": {"types": ["PRIVATE"], "ipAddressType": "ipv4"}},
        BAD,
        NO_DESCRIPTION,
    ),
    ("update_rest_api", {**NOT_API, "patchOperations": patch(("replace", "/name", "x"))}, MISSING, NO_API),
    ("update_rest_api", {**A, "patchOperations": patch(("replace", "/minimumCompressionSize", "-1"))}, BAD, COMPRESSION),
    ("update_rest_api", {**A, "patchOperations": patch(("replace", "/minimumCompressionSize", "x"))}, BAD, COMPRESSION),
    ("update_rest_api", {**A, "patchOperations": patch(("add", "/minimumCompressionSize", "1"))}, BAD, ONLY_REPLACE),
    (
        "update_rest_api",
        {**A, "patchOperations": patch(("add", "/binaryMediaTypes", "a/b"))},
        BAD,
        "Invalid patch path /binaryMediaTypes",
    ),
    (
        "update_rest_api",
        {**A, "patchOperations": patch(("replace", "/endpointConfiguration/ipAddressType", "wrong"))},
        BAD,
        "ipAddressType must be either ipv4 or dualstack.",
    ),
    (
        "update_rest_api",
        {**A, "patchOperations": patch(("replace", "/endpointConfiguration/types/EDGE", "wrong"))},
        BAD,
        "Invalid EndpointTypes specified. Valid options are REGIONAL,EDGE,PRIVATE",
    ),
    (
        "update_rest_api",
        {**A, "patchOperations": patch(("add", "/endpointConfiguration/ipAddressType", "ipv4"))},
        BAD,
        ONLY_REPLACE,
    ),
    (
        "update_rest_api",
        {**A, "patchOperations": patch(("copy", "/endpointConfiguration/types/EDGE", "REGIONAL"))},
        BAD,
        "Invalid patch operation specified. Must be 'add'|'remove'|'replace'",
    ),
    (
        "update_rest_api",
        {**A, "patchOperations": patch(("wrong", "/name", "x"), ("replace", "/name", "x"), ("wrong", "/name", "x"))},
        VALIDATION,
        wrong_ops("updateRestApi", 1, 3),
    ),
    # Resources
    ("update_resource", {**A, **NOT_RESOURCE, "patchOperations": []}, MISSING, NO_RESOURCE),
    (
        "update_resource",
        {**R, "patchOperations": patch(("replace", "/invalid", "x"))},
        BAD,
        "Invalid patch path  '/invalid' specified for op 'replace'. Must be one of: [/parentId, /pathPart]",
    ),
    ("update_resource", {**R, "patchOperations": patch(("replace", "/parentId", "none"))}, MISSING, NO_RESOURCE),
    (
        "update_resource",
        {**R, "patchOperations": patch(("replace", "/pathPart", "dogs"))},
        CONFLICT,
        "Another resource with the same parent already has this name: dogs",
    ),
    (
        "update_resource",
        {**R, "patchOperations": patch(("replace", "/parentId", "<CATS>"))},
        BAD,
        "Resources cannot be cyclical.",
    ),
    ("update_resource", {**R, "patchOperations": patch(("remove", "/pathPart"))}, BAD, unsupported("/pathPart", "remove")),
    ("update_resource", {**R, "patchOperations": patch(("add", "/pathPart", "x"))}, BAD, unsupported("/pathPart", "add")),
    (
        "update_resource",
        {**A, "resourceId": "<ROOT>", "patchOperations": patch(("replace", "/pathPart", "x"))},
        BAD,
        "Root resource cannot update its pathPart.",
    ),
    (
        "update_resource",
        {**A, "resourceId": "<ROOT>", "patchOperations": patch(("replace", "/parentId", "<PETS>"))},
        BAD,
        "Root resource cannot update its parentId.",
    ),
    ("delete_resource", {**A, **NOT_RESOURCE}, MISSING, NO_RESOURCE),
    ("create_resource", {**A, "parentId": "none", "pathPart": "x"}, MISSING, NO_RESOURCE),
    (
        "create_resource",
        {**A, "parentId": "<ROOT>", "pathPart": "{x}"},
        BAD,
        "A sibling ({proxy+}) of this resource already has a variable path part -- only one is allowed",
    ),
    ("create_resource", {**A, "parentId": "<PROXY>", "pathPart": "x"}, BAD, GREEDY),
    ("create_resource", {**A, "parentId": "<PROXY>", "pathPart": "{x}"}, BAD, GREEDY),
    # Authorizers
    (
        "create_authorizer",
        {**NOT_API, "name": "x", "type": "TOKEN", "authorizerUri": FUNCTION, "identitySource": "method.request.header.A"},
        CONFLICT,
        "Unable to complete operation due to concurrent modification. Please try again later.",
    ),
    ("get_authorizers", NOT_API, MISSING, NO_API),
    # Methods
    ("get_method", {**R, **NOT_METHOD}, MISSING, NO_METHOD),
    ("delete_method", {**R, **NOT_METHOD}, MISSING, NO_METHOD),
    (
        "put_method",
        {
            **R, **NOT_METHOD, **NONE,
            "requestParameters": {"method.request.querystring.a": True, "method.request.header.a": True},
        },
        BAD,
        "Parameter names must be unique across querystring, header and path",
    ),
    ("put_method", {**NOT_API, "resourceId": "<PETS>", **NOT_METHOD, **NONE}, MISSING, NO_RESOURCE),
    ("put_method", {**A, **NOT_RESOURCE, **NOT_METHOD, **NONE}, MISSING, NO_RESOURCE),
    ("put_method", {**R, "httpMethod": "WRONG", **NONE}, BAD, VERBS),
    ("put_method", {**R, **NOT_METHOD, "authorizationType": "CUSTOM"}, BAD, NO_AUTHORIZER),
    ("put_method", {**R, **NOT_METHOD, **NONE, "requestValidatorId": "none"}, BAD, NO_VALIDATOR),
    (
        "put_method",
        {**R, **NOT_METHOD, **NONE, "requestModels": {JSON: "petModel"}},
        BAD,
        "Invalid model identifier specified: petModel",
    ),
    (
        "put_method",
        {**R, **NOT_METHOD, **NONE, "requestParameters": {"method.request.path.issuer": "true", "wrong": True}},
        BAD,
        "Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping expression "
        "parameter specified: wrong]",
    ),
    ("update_method", {**NOT_API, "resourceId": "<PETS>", "httpMethod": "GET", "patchOperations": []}, MISSING, NO_RESOURCE),
    ("update_method", {**A, **NOT_RESOURCE, "httpMethod": "GET", "patchOperations": []}, MISSING, NO_RESOURCE),
    ("update_method", {**R, **NOT_METHOD, "patchOperations": []}, MISSING, NO_METHOD),
    ("update_method", {**M, "patchOperations": patch(("add", "/authorizationType", "AWS_IAM"))}, BAD, ONLY_REPLACE),
    ("update_method", {**M, "patchOperations": patch(("remove", "/apiKeyRequired", "true"))}, BAD, ONLY_REPLACE),
    (
        "update_method",
        {**M, "patchOperations": patch(("replace", "/httpMethod", "PUT"))},
        BAD,
        "Invalid patch path /httpMethod",
    ),
    (
        "update_method",
        {**M, "patchOperations": patch(("replace", "/requestParameters", "x"))},
        BAD,
        "Invalid patch path /requestParameters",
    ),
    (
        "update_method",
        {**M, "patchOperations": patch(("add", "/requestModels/application/json", "Used"))},
        BAD,
        "Invalid patch path /requestModels/application/json",
    ),
    ("update_method", {**M, "patchOperations": patch(("replace", "/authorizationType", "CUSTOM"))}, BAD, NO_AUTHORIZER),
    (
        "update_method",
        {**M, "patchOperations": patch(("replace", "/authorizationType", "CUSTOM"), ("replace", "/authorizerId", "none"))},
        BAD,
        NO_AUTHORIZER,
    ),
    ("update_method", {**M, "patchOperations": patch(("replace", "/requestValidatorId", "none"))}, BAD, NO_VALIDATOR),
    # Models
    (
        "delete_model",
        {**A, "modelName": "Used"},
        CONFLICT,
        "Cannot delete model 'Used', is referenced in method request: /pets/GET",
    ),
    ("create_model", {**NOT_API, "name": "M", "contentType": JSON, "schema": '{"type":"object"}'}, MISSING, NO_API),
    ("get_models", NOT_API, MISSING, NO_API),
    ("get_model", {**NOT_API, "modelName": "M"}, MISSING, "Invalid model name specified: M"),
    ("delete_model", {**NOT_API, "modelName": "M"}, MISSING, "Invalid model name specified: M"),
    (
        "create_model",
        {**A, "name": "Used", "contentType": JSON, "schema": '{"type":"object"}'},
        CONFLICT,
        "Model name already exists for this REST API",
    ),
    (
        "create_model",
        {**A, "name": "", "contentType": JSON, "schema": '{"type":"object"}'},
        BAD,
        "Model name must be non-empty",
    ),
    ("create_model", {**A, "name": "E", "contentType": JSON, "schema": ""}, BAD, NO_PROPERTY),
    ("create_model", {**A, "name": "E", "contentType": JSON}, BAD, NO_PROPERTY),
    ("create_model", {**A, "name": "E", "contentType": "application/xml"}, BAD, NO_PROPERTY),
    (
        "update_model",
        {**NOT_API, "modelName": "M", "patchOperations": patch(("replace", "/schema", "{}"))},
        MISSING,
        "Invalid model name specified: M",
    ),
    (
        "update_model",
        {**A, "modelName": "Used", "patchOperations": patch(("add", "/wrong-path", "x"))},
        BAD,
        unsupported("/wrong-path", "add"),
    ),
    (
        "update_model",
        {**A, "modelName": "Used", "patchOperations": patch(("replace", "/name", "x"))},
        BAD,
        "Invalid patch path  '/name' specified for op 'replace'. Must be one of: [/description, /schema]",
    ),
    ("update_model", {**A, "modelName": "Used", "patchOperations": patch(("replace", "/schema", ""))}, BAD, NO_PROPERTY),
    # Request validators
    ("create_request_validator", {**NOT_API, "name": "v"}, BAD, "Invalid REST API identifier specified"),
    ("get_request_validators", NOT_API, MISSING, NO_API),
    ("get_request_validator", {**NOT_API, "requestValidatorId": "x"}, MISSING, NO_VALIDATOR),
    ("get_request_validator", {**A, "requestValidatorId": "x"}, MISSING, NO_VALIDATOR),
    ("delete_request_validator", {**NOT_API, "requestValidatorId": "x"}, MISSING, NO_VALIDATOR),
    ("delete_request_validator", {**A, "requestValidatorId": "x"}, MISSING, NO_VALIDATOR),
    (
        "update_request_validator",
        {**A, "requestValidatorId": "<VALIDATOR>", "patchOperations": patch(("add", "/validateRequestBody", "true"))},
        BAD,
        unsupported("/validateRequestBody", "add"),
    ),
    (
        "update_request_validator",
        {**A, "requestValidatorId": "<VALIDATOR>", "patchOperations": patch(("replace", "/invalidPath", "true"))},
        BAD,
        "Invalid patch path  '/invalidPath' specified for op 'replace'. Must be one of: "
        "[/name, /validateRequestParameters, /validateRequestBody]",
    ),
    (
        "update_request_validator",
        {**A, "requestValidatorId": "<VALIDATOR>", "patchOperations": patch(("replace", "/name", ""))},
        BAD,
        "Request Validator name cannot be blank",
    ),
    # Gateway responses
    ("get_gateway_responses", NOT_API, MISSING, NO_API),
    ("get_gateway_response", {**NOT_API, "responseType": "THROTTLED"}, MISSING, NO_API),
    ("delete_gateway_response", {**NOT_API, "responseType": "THROTTLED"}, MISSING, NO_API),
    ("update_gateway_response", {**NOT_API, "responseType": "THROTTLED", "patchOperations": []}, MISSING, NO_API),
    ("delete_gateway_response", {**A, "responseType": "THROTTLED"}, MISSING, "Gateway response type not defined on api"),
    ("get_gateway_response", {**A, "responseType": "FAKE"}, VALIDATION, NOT_A_TYPE),
    ("delete_gateway_response", {**A, "responseType": "FAKE"}, VALIDATION, NOT_A_TYPE),
    ("update_gateway_response", {**A, "responseType": "FAKE", "patchOperations": []}, VALIDATION, NOT_A_TYPE),
    ("put_gateway_response", {**A, "responseType": "FAKE"}, VALIDATION, NOT_A_TYPE),
    *(
        ("update_gateway_response", {**A, "responseType": "DEFAULT_5XX", "patchOperations": patch(operation)}, code, message)
        for operation, code, message in [
            (("add", "/statusCode", "500"), BAD, "Invalid patch path /statusCode"),
            (("remove", "/statusCode", None), BAD, "Invalid patch path /statusCode"),
            (
                ("replace", "/responseParameters/gatewayresponse.header.Foo", "'x'"),
                MISSING,
                "Invalid parameter name specified",
            ),
            (("add", None, "x"), BAD, "Invalid patch path null"),
            (("wrong", "/statusCode", "500"), VALIDATION, wrong_ops("updateGatewayResponse", 1)),
            (("replace", "/wrongPath", "500"), BAD, "Invalid patch path /wrongPath"),
            (
                ("replace", "/responseTemplates/application~1json", None),
                BAD,
                "Invalid null or empty value in responseTemplates",
            ),
            (
                ("add", "/responseParameters/gatewayresponse.header.Bar", None),
                BAD,
                "Invalid null or empty value in responseParameters",
            ),
        ]
    ),
    # Integrations
    (
        "put_integration",
        {**M, "type": "HTTPS_PROXY", "uri": "https://a.example", "integrationHttpMethod": "GET"},
        VALIDATION,
        "1 validation error detected: Value 'HTTPS_PROXY' at 'putIntegrationInput.type' failed to satisfy constraint: "
        "Member must satisfy enum value set: [HTTP, MOCK, AWS_PROXY, HTTP_PROXY, AWS]",
    ),
    ("put_integration", {**R, **NOT_METHOD, **MOCK}, MISSING, NO_METHOD),
    ("put_integration", {**A, **NOT_RESOURCE, "httpMethod": "GET", **MOCK}, MISSING, NO_RESOURCE),
    (
        "put_integration",
        {**M, **MOCK, "requestParameters": {"integration.request.path.issuer": True}},
        SERIALIZATION,
        "class java.lang.Boolean can not be converted to an String",
    ),
    ("get_integration", {**NOT_API, "resourceId": "<PETS>", "httpMethod": "GET"}, MISSING, NO_RESOURCE),
    ("get_integration", {**A, **NOT_RESOURCE, "httpMethod": "GET"}, MISSING, NO_RESOURCE),
    ("get_integration", {**R, **NOT_METHOD}, MISSING, NO_METHOD),
    ("get_integration", {**R, "httpMethod": "POST"}, MISSING, NO_INTEGRATION),
    # Integration responses
    ("put_integration_response", {**R, **NOT_METHOD, "statusCode": "200"}, MISSING, NO_METHOD),
    ("put_integration_response", {**S, **NOT_RESOURCE}, MISSING, NO_RESOURCE),
    ("put_integration_response", {**S, **NOT_API}, MISSING, NO_RESOURCE),
    ("get_integration_response", {**S, **NOT_API}, MISSING, NO_RESOURCE),
    ("get_integration_response", {**S, **NOT_RESOURCE}, MISSING, NO_RESOURCE),
    ("get_integration_response", {**S, **NOT_METHOD}, MISSING, NO_METHOD),
    ("get_integration_response", {**S, "httpMethod": "POST"}, MISSING, NO_INTEGRATION),
    ("get_integration_response", {**S, "statusCode": "201"}, MISSING, NO_STATUS),
    ("put_integration_response", {**S, "statusCode": "wrong"}, VALIDATION, "1 validation error detected: " + STATUS_PATTERN),
    ("get_integration_response", {**S, "statusCode": "wrong"}, VALIDATION, "1 validation error detected: " + STATUS_PATTERN),
    (
        "put_integration_response",
        {**S, "responseTemplates": {JSON: 123}},
        SERIALIZATION,
        "class com.amazon.coral.value.json.numbers.TruncatingBigNumber can not be converted to an String",
    ),
    (
        "put_integration_response",
        {**S, "responseTemplates": {"123": "x"}},
        BAD,
        "Validation Result: warnings : [], errors : [Invalid content type specified: 123]",
    ),
    ("delete_integration_response", {**S, **NOT_RESOURCE}, MISSING, NO_RESOURCE),
    ("delete_integration_response", {**S, **NOT_API}, MISSING, NO_RESOURCE),
    ("delete_integration_response", {**S, **NOT_METHOD}, MISSING, NO_INTEGRATION),
    ("delete_integration_response", {**S, "httpMethod": "bad"}, MISSING, NO_INTEGRATION),
    ("delete_integration_response", {**S, "statusCode": "201"}, MISSING, NO_STATUS),
    # Method responses
    *(
        ("update_method_response", {**S, **arguments, "patchOperations": patch(*operations)}, code, message)
        for arguments, operations, code, message in [
            ({}, [("wrong", "/a", "b")], VALIDATION, wrong_ops("updateMethodResponse", 1)),
            (
                {},
                [("wrong", "/a", "b"), ("replace", "/a", "b"), ("wrong", "/a", "b")],
                VALIDATION,
                wrong_ops("updateMethodResponse", 1, 3),
            ),
            ({"statusCode": "201"}, [("add", "/a", "b")], MISSING, NO_STATUS),
            ({"statusCode": "wrong"}, [("add", "/a", "b")], VALIDATION, "1 validation error detected: " + STATUS_PATTERN),
            (
                {"statusCode": "wrong"},
                [("wrong", "/a", "b")],
                VALIDATION,
                "2" + wrong_ops("updateMethodResponse", 1)[1:].replace("error ", "errors ", 1) + "; " + STATUS_PATTERN,
            ),
            (NOT_RESOURCE, [("add", "/a", "b")], MISSING, NO_RESOURCE),
            (NOT_METHOD, [("add", "/a", "b")], MISSING, NO_METHOD),
            (
                {},
                [("replace", "/responseParameters/method.response.header.my-header", "true")],
                MISSING,
                "Invalid parameter name specified",
            ),
            ({}, [("replace", "/responseParameters/wrong", "true")], MISSING, "Invalid parameter name specified"),
            (
                {},
                [("replace", "/responseModels/application~1json", "Used")],
                MISSING,
                "Content-Type specified was not found",
            ),
            (
                {},
                [("replace", "/wrong/method.response.header.my-header", "true")],
                BAD,
                "Invalid patch path /wrong/method.response.header.my-header",
            ),
        ]
    ),
    # TestInvokeMethod
    ("test_invoke_method", {**R, **NOT_METHOD}, MISSING, NO_METHOD),
    ("test_invoke_method", {**M, **NOT_RESOURCE}, MISSING, NO_RESOURCE),
    ("test_invoke_method", {**M, **NOT_API}, MISSING, NO_RESOURCE),
    # Documentation
    ("create_documentation_part", {**NOT_API, "location": {"type": "API"}, "properties": "{}"}, MISSING, NO_API),
    ("get_documentation_parts", NOT_API, MISSING, NO_API),
    ("get_documentation_part", {**NOT_API, "documentationPartId": "x"}, MISSING, NO_PART),
    ("get_documentation_part", {**A, "documentationPartId": "x"}, MISSING, NO_PART),
    (
        "update_documentation_part",
        {**NOT_API, "documentationPartId": "x", "patchOperations": patch(("replace", "/properties", "{}"))},
        MISSING,
        NO_PART,
    ),
    (
        "update_documentation_part",
        {**A, "documentationPartId": "<PART>", "patchOperations": patch(("add", "/properties", "{}"))},
        BAD,
        unsupported("/properties", "add"),
    ),
    (
        "update_documentation_part",
        {**A, "documentationPartId": "<PART>", "patchOperations": patch(("replace", "/invalidPath", "{}"))},
        BAD,
        "Invalid patch path  '/invalidPath' specified for op 'replace'. Must be one of: [/properties]",
    ),
    (
        "create_documentation_part",
        {**A, "location": {"type": "INVALID"}, "properties": "{}"},
        VALIDATION,
        "1 validation error detected: Value 'INVALID' at 'createDocumentationPartInput.location.type' failed to satisfy "
        f"constraint: {LOCATIONS}",
    ),
    ("delete_documentation_part", {**NOT_API, "documentationPartId": "<PART>"}, MISSING, NO_API),
    ("delete_documentation_part", {**A, "documentationPartId": "x"}, MISSING, NO_PART),
    *(
        (
            "import_documentation_parts",
            {**A, "mode": "overwrite", "body": body},
            BAD,
            "Unable to build importer with provided input.",
        )
        for body in (b"}", b'{"a')
    ),
    # VPC links
    ("get_vpc_link", {"vpcLinkId": "none"}, MISSING, "Invalid Vpc Link identifier specified"),
    ("delete_vpc_link", {"vpcLinkId": "none"}, MISSING, "Invalid Vpc Link identifier specified"),
    ("update_vpc_link", {"vpcLinkId": "none", "patchOperations": []}, MISSING, "Invalid Vpc Link identifier specified"),
    ("create_vpc_link", {"name": "", "targetArns": ["arn:aws:a:b"]}, BAD, "Name cannot be empty"),
    (
        "create_vpc_link",
        {"name": "x", "targetArns": ["invalid-arn"]},
        BAD,
        "Invalid ARN. ARN is not well formed invalid-arn",
    ),
    # API keys
    ("create_api_key", {"name": "x" * 1025}, BAD, "Invalid API Key name, can be at most 1024 characters."),
    ("create_api_key", {"name": "x", "value": "short"}, BAD, "API Key value should be at least 20 characters"),
    ("create_api_key", {"name": "x", "value": "v" * 129}, BAD, "API Key value exceeds maximum size of 128 characters"),
    ("create_api_key", {"name": "x", "description": "d" * 125001}, BAD, "Invalid API Key description specified."),
    (
        "update_api_key",
        {"apiKey": "<KEY>", "patchOperations": patch(("replace", "/description", "d" * 125001))},
        BAD,
        "Invalid API Key description specified.",
    ),
    (
        "update_api_key",
        {"apiKey": "<KEY>", "patchOperations": patch(("replace", "/id", "x"))},
        BAD,
        "Invalid patch path  '/id' specified for op 'replace'. Must be one of: [/description, /enabled, /name, /customerId]",
    ),
    # Usage plans
    (
        "update_usage_plan",
        {"usagePlanId": "none", "patchOperations": patch(("replace", "/name", "x"))},
        MISSING,
        "Invalid Usage Plan ID specified",
    ),
    *(
        ("update_usage_plan", {"usagePlanId": "<PLAN>", "patchOperations": patch(("add", "/apiStages", value))}, code, message)
        for value, code, message in [
            (None, BAD, "Invalid API Stage specified"),
            ("<API>dev", BAD, "Invalid API Stage specified"),
            ("none:dev", MISSING, "Invalid API Stage {api: none, stage: dev} specified for usageplan <PLAN>"),
            ("<API>:fake", MISSING, "Invalid API Stage {api: <API>, stage: fake} specified for usageplan <PLAN>"),
        ]
    ),
    # Deployments
    (
        "delete_deployment",
        {**A, "deploymentId": "<DEPLOYMENT>"},
        BAD,
        "Active stages pointing to this deployment must be moved or deleted",
    ),
]


@pytest.mark.parametrize("operation, arguments, code, message", ROWS, ids=[row[0] for row in ROWS])
def test_what_aws_refuses_is_refused_in_its_words(client, made, operation, arguments, code, message):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        getattr(client, operation)(**filled(arguments, made))
    error = caught.value.response["Error"]
    assert (error["Code"], error["Message"]) == (code, filled(message, made))
