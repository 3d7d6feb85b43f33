"""Import of API keys: what is taken, what is warned about, and that it is quick."""


import botocore.exceptions
import pytest


@pytest.fixture(scope="module")
def gateway(server):
    return server.client("apigateway")


@pytest.fixture
def plan(gateway):
    id = gateway.create_usage_plan(name="imported")["id"]
    yield id
    gateway.delete_usage_plan(usagePlanId=id)


@pytest.fixture
def imported(gateway):
    """Imports a text and deletes its keys afterwards."""
    ids = []

    def run(text, **arguments):
        answer = gateway.import_api_keys(body=text.encode(), format="csv", **arguments)
        ids.extend(answer["ids"])
        return answer

    yield run
    for id in ids:
        gateway.delete_api_key(apiKey=id)


def test_columns_come_in_any_order_and_case(gateway, imported, plan):
    answer = imported(
        "Enabled,KEY,usagePlanIds,name,description\r\n"
        f'TRUE,imported-value-00000001,"{plan}",first,"one, with ""quotes"""\r\n'
        ",imported-value-00000002,,second,\r\n"
    )
    assert answer["warnings"] == []
    first, second = (gateway.get_api_key(apiKey=id, includeValue=True) for id in answer["ids"])
    assert (first["name"], first["value"], first["enabled"]) == ("first", "imported-value-00000001", True)
    assert first["description"] == 'one, with "quotes"'
    assert (second["name"], second["enabled"]) == ("second", False)
    keys = gateway.get_usage_plan_keys(usagePlanId=plan)["items"]
    assert [key["id"] for key in keys] == [first["id"]]


ROWS = (
    "name,key,usageplanIds\n"
    "short,tooshort,\n"
    "twice,imported-value-00000003,\n"
    "twice,imported-value-00000003,\n"
    "lost,imported-value-00000004,nosuchplan\n"
)


def test_rows_that_do_not_go_are_warnings(imported):
    answer = imported(ROWS)
    assert len(answer["ids"]) == 2
    assert answer["warnings"] == [
        "Line 2: API Key value should be at least 20 characters",
        "Line 4: API Key already exists",
        "Line 5: Invalid Usage Plan ID specified",
    ]


def test_failing_on_warnings_imports_nothing(gateway, imported):
    before = len(gateway.get_api_keys(limit=500)["items"])
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        imported(ROWS, failOnWarnings=True)
    error = raised.value.response["Error"]
    assert error["Code"] == "BadRequestException"
    assert error["Message"].startswith("Warnings found during import:\n\tLine 2: API Key value")
    assert len(gateway.get_api_keys(limit=500)["items"]) == before


@pytest.mark.parametrize("text", ["", "name,description\nx,y\n"])
def test_a_file_without_its_columns_is_refused(imported, text):
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        imported(text)
    assert raised.value.response["Error"]["Code"] == "BadRequestException"


def test_many_keys_are_imported_in_one_call(own_server):
    gateway = own_server().client("apigateway")
    plan = gateway.create_usage_plan(name="many")["id"]
    rows = "".join(f"key-{i},many-imported-{i:08},{plan},true\n" for i in range(100_000))
    answer = gateway.import_api_keys(body=("name,key,usageplanIds,enabled\n" + rows).encode(), format="csv")
    assert (len(answer["ids"]), answer["warnings"]) == (100_000, [])
