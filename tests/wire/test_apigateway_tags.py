"""Tags: on everything that can have them, by the Create calls and by TagResource."""

import os
import subprocess

import botocore.exceptions
import pytest


@pytest.fixture(scope="module")
def gateway(server):
    return server.client("apigateway")


@pytest.fixture
def api(gateway):
    id = gateway.create_rest_api(name="tagged", tags={"first": "1"})["id"]
    yield id
    gateway.delete_rest_api(restApiId=id)


def arn(path):
    return "arn:aws:apigateway:us-east-1::" + path


@pytest.fixture
def stage(gateway, api):
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    method = {"restApiId": api, "resourceId": root, "httpMethod": "GET"}
    gateway.put_method(authorizationType="NONE", **method)
    gateway.put_integration(type="MOCK", **method)
    deployment = gateway.create_deployment(restApiId=api)["id"]
    gateway.create_stage(restApiId=api, stageName="prod", deploymentId=deployment, tags={"first": "1"})
    return arn(f"/restapis/{api}/stages/prod")


@pytest.fixture
def key(gateway):
    id = gateway.create_api_key(name="tagged", tags={"first": "1"})["id"]
    yield arn(f"/apikeys/{id}")
    gateway.delete_api_key(apiKey=id)


@pytest.fixture
def plan(gateway):
    id = gateway.create_usage_plan(name="tagged", tags={"first": "1"})["id"]
    yield arn(f"/usageplans/{id}")
    gateway.delete_usage_plan(usagePlanId=id)


@pytest.fixture
def domain(gateway):
    gateway.create_domain_name(domainName="tagged.localhost", tags={"first": "1"})
    yield arn("/domainnames/tagged.localhost")
    gateway.delete_domain_name(domainName="tagged.localhost")


@pytest.mark.parametrize("what", ["stage", "key", "plan", "domain"])
def test_tags_are_set_and_taken_away(gateway, request, what):
    resource = request.getfixturevalue(what)
    assert gateway.get_tags(resourceArn=resource)["tags"] == {"first": "1"}
    gateway.tag_resource(resourceArn=resource, tags={"first": "one", "second": "", "third": "ü"})
    assert gateway.get_tags(resourceArn=resource)["tags"] == {"first": "one", "second": "", "third": "ü"}
    gateway.untag_resource(resourceArn=resource, tagKeys=["second", "third", "none"])
    assert gateway.get_tags(resourceArn=resource)["tags"] == {"first": "one"}
    gateway.untag_resource(resourceArn=resource, tagKeys=["first"])
    assert gateway.get_tags(resourceArn=resource)["tags"] == {}


def test_tags_are_told_with_the_resource(gateway, api):
    gateway.tag_resource(resourceArn=arn(f"/restapis/{api}"), tags={"second": "2"})
    assert gateway.get_rest_api(restApiId=api)["tags"] == {"first": "1", "second": "2"}


def test_the_cli_tags(server, api):
    resource = arn(f"/restapis/{api}")
    command = ["/usr/bin/aws", "--endpoint-url", server.url, "apigateway"]
    environment = os.environ | server.environment()
    subprocess.run([*command, "tag-resource", "--resource-arn", resource, "--tags", "cli=yes"], env=environment, check=True)
    output = subprocess.check_output(
        [*command, "get-tags", "--resource-arn", resource, "--query", "tags.cli", "--output", "text"],
        env=environment,
        text=True,
    )
    assert output == "yes\n"


@pytest.mark.parametrize(
    "tags",
    [{"aws:x": "1"}, {"k" * 129: "1"}, {"": "1"}, {"k": "v" * 257}, {f"k{i}": "" for i in range(50)}],
    ids=["reserved", "long key", "empty key", "long value", "too many"],
)
def test_bad_tags_are_refused(gateway, api, tags):
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        gateway.tag_resource(resourceArn=arn(f"/restapis/{api}"), tags=tags)
    assert raised.value.response["Error"]["Code"] == "BadRequestException"
    assert gateway.get_rest_api(restApiId=api)["tags"] == {"first": "1"}


@pytest.mark.parametrize(
    "create",
    [
        lambda gateway, tags: gateway.create_rest_api(name="n", tags=tags),
        lambda gateway, tags: gateway.create_api_key(name="n", tags=tags),
        lambda gateway, tags: gateway.create_usage_plan(name="n", tags=tags),
        lambda gateway, tags: gateway.create_domain_name(domainName="n.localhost", tags=tags),
    ],
)
def test_bad_tags_are_refused_when_creating(gateway, create):
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        create(gateway, {"aws:x": "1"})
    assert raised.value.response["Error"]["Code"] == "BadRequestException"


@pytest.mark.parametrize("path, code", [
    ("/restapis/none", "NotFoundException"),
    ("/apikeys/none", "NotFoundException"),
    ("/restapis/none/resources/x", "BadRequestException"),
    ("", "BadRequestException"),
])  # fmt: skip
def test_what_is_not_there_has_no_tags(gateway, path, code):
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        gateway.get_tags(resourceArn=arn(path))
    assert raised.value.response["Error"]["Code"] == code
