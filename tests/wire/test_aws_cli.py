"""The AWS CLI of Debian, as the README and its own documentation use it."""

import json


def test_it_knows_who_it_is(aws):
    assert aws("sts", "get-caller-identity")["Account"] == "000000000000"


def test_a_table_from_the_command_line(aws):
    aws("dynamodb", "create-table", "--table-name", "Cli", "--attribute-definitions", "AttributeName=id,AttributeType=S",
        "--key-schema", "AttributeName=id,KeyType=HASH", "--billing-mode", "PAY_PER_REQUEST")  # fmt: skip
    aws("dynamodb", "wait", "table-exists", "--table-name", "Cli")
    aws("dynamodb", "put-item", "--table-name", "Cli", "--item", '{"id":{"S":"1"},"n":{"N":"1.50"}}')
    item = aws("dynamodb", "get-item", "--table-name", "Cli", "--key", '{"id":{"S":"1"}}')["Item"]
    assert item == {"id": {"S": "1"}, "n": {"N": "1.5"}}
    update = aws("dynamodb", "update-item", "--table-name", "Cli", "--key", '{"id":{"S":"1"}}', "--update-expression",
                 "SET n = n + :one", "--expression-attribute-values", '{":one":{"N":"1"}}', "--return-values", "ALL_NEW")  # fmt: skip
    assert update["Attributes"]["n"] == {"N": "2.5"}
    aws("dynamodb", "delete-table", "--table-name", "Cli")
    refused = aws("dynamodb", "describe-table", "--table-name", "Cli", check=False)
    assert "ResourceNotFoundException" in refused.stderr


def test_the_notes_stack_from_the_command_line(aws):
    stack = aws("cloudformation", "describe-stacks", "--stack-name", "notes")["Stacks"][0]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    resources = aws("cloudformation", "describe-stack-resources", "--stack-name", "notes")["StackResources"]
    assert {"AWS::Lambda::Function", "AWS::ApiGateway::RestApi", "AWS::DynamoDB::Table"} <= {
        resource["ResourceType"] for resource in resources
    }
    functions = aws("lambda", "list-functions")["Functions"]
    assert "notes-get" in {function["FunctionName"] for function in functions}
    apis = aws("apigateway", "get-rest-apis")["items"]
    assert [api["name"] for api in apis].count("notes") == 1


def test_invoke_from_the_command_line(aws, tmp_path):
    event = {"httpMethod": "GET", "path": "/notes/x", "pathParameters": {"id": "x"}, "headers": {}}
    answer = aws("lambda", "invoke", "--function-name", "notes-get", "--cli-binary-format", "raw-in-base64-out",
                 "--payload", json.dumps(event), tmp_path / "out")  # fmt: skip
    assert answer["StatusCode"] == 200
    assert json.loads((tmp_path / "out").read_text())["statusCode"] == 404


def test_the_logs_of_a_function(aws):
    groups = aws("logs", "describe-log-groups", "--log-group-name-prefix", "/aws/lambda/notes-")["logGroups"]
    assert groups
