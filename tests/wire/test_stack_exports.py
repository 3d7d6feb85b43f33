"""Values that stacks export and others import."""

import pytest

from stacks import create, delete, outputs, refused, update

KEY = {"Type": "AWS::ApiGateway::ApiKey", "Properties": {"Name": "exported"}}


@pytest.fixture
def stacks(server):
    client = server.client("cloudformation")
    yield client
    for name in ("t-importer", "t-importer-2", "t-exporter", "t-exporter-2"):
        delete(client, name)


def exporter(name="t-key", value="v"):
    return {
        "Resources": {"Key": KEY},
        "Outputs": {"Out": {"Value": value, "Export": {"Name": {"Fn::Sub": name}}}},
    }


def importer(name="t-key"):
    return {
        "Parameters": {"Name": {"Type": "String", "Default": name}},
        "Resources": {"Key": {"Type": KEY["Type"], "Properties": {"Name": {"Fn::ImportValue": {"Ref": "Name"}}}}},
        "Outputs": {"Again": {"Value": {"Fn::Join": ["-", [{"Fn::ImportValue": {"Fn::Sub": "${Name}"}}, "again"]]}}},
    }


def test_a_stack_imports_what_another_exports(stacks):
    found = create(stacks, "t-exporter", exporter("t-${AWS::Region}", "v1"))
    assert found["Outputs"] == [{"OutputKey": "Out", "OutputValue": "v1", "ExportName": "t-us-east-1"}]
    assert {"ExportingStackId": found["StackId"], "Name": "t-us-east-1", "Value": "v1"} in stacks.list_exports()["Exports"]
    assert outputs(create(stacks, "t-importer", importer("t-us-east-1"))) == {"Again": "v1-again"}
    assert stacks.list_imports(ExportName="t-us-east-1")["Imports"] == ["t-importer"]
    delete(stacks, "t-importer")
    assert refused(stacks.list_imports, ExportName="t-us-east-1") == (
        "ValidationError",
        "Export 't-us-east-1' is not imported by any stack.",
    )
    delete(stacks, "t-exporter")
    assert not [export for export in stacks.list_exports()["Exports"] if export["Name"] == "t-us-east-1"]


def test_what_is_not_exported_cannot_be_imported(stacks):
    assert refused(create, stacks, "t-importer", importer("t-none")) == (
        "ValidationError",
        "No export named t-none found",
    )


def test_what_is_imported_cannot_go(stacks):
    create(stacks, "t-exporter", exporter())
    create(stacks, "t-importer", importer())
    message = "Export t-key cannot be deleted as it is in use by t-importer"
    assert refused(stacks.delete_stack, StackName="t-exporter") == ("ValidationError", message)
    found = update(stacks, "t-exporter", exporter("t-other"))
    assert (found["StackStatus"], found["StackStatusReason"]) == ("UPDATE_ROLLBACK_COMPLETE", message)
    assert found["Outputs"][0]["ExportName"] == "t-key"
    assert update(stacks, "t-importer", {"Resources": {"Key": KEY}})["StackStatus"] == "UPDATE_COMPLETE"
    assert update(stacks, "t-exporter", exporter("t-other"))["StackStatus"] == "UPDATE_COMPLETE"


def test_a_name_is_exported_once(stacks):
    create(stacks, "t-exporter", exporter())
    found = create(stacks, "t-exporter-2", exporter())
    assert found["StackStatus"] == "ROLLBACK_COMPLETE"
    assert found["StackStatusReason"] == "Export with name t-key is already exported by stack t-exporter."
