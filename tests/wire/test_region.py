"""`serve --region`: kept in the data folder, and followed by all that names a region."""

import subprocess

import botocore.exceptions
import pytest

import conftest
import functions
import notes_api

ELSEWHERE = "eu-west-1"


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    data = tmp_path_factory.mktemp("region") / "data"
    running = conftest.Server(data, "--region", ELSEWHERE, "--deploy", conftest.TEMPLATE).start()
    yield running
    running.stop()


def test_a_project_of_another_region_deploys_and_runs(elsewhere):
    """The functions sign for their own region: AWS_REGION in the sandbox is the server's."""
    notes = notes_api.notes_of(elsewhere)
    note = notes.call("POST", "/notes", {"title": "t", "content": "c"})
    assert note.status == 201
    assert notes.call("GET", "/notes/" + note.json["noteId"]).status == 200


def test_what_a_shell_and_awss_tools_are_told(elsewhere):
    environment = elsewhere.environment()
    assert environment["AWS_REGION"] == environment["AWS_DEFAULT_REGION"] == ELSEWHERE
    assert f"region = {ELSEWHERE}\n" in (elsewhere.data / "credentials").read_text()


def test_arns_name_the_region(elsewhere):
    table = elsewhere.client("dynamodb").describe_table(TableName="Notes")["Table"]["TableArn"]
    (function, *_) = elsewhere.client("lambda").list_functions()["Functions"]
    (stack,) = elsewhere.client("cloudformation").describe_stacks()["Stacks"]
    (group, *_) = elsewhere.client("logs").describe_log_groups()["logGroups"]
    for arn in (table, function["FunctionArn"], stack["StackId"], group["arn"]):
        assert arn.split(":")[3] == ELSEWHERE


def test_the_commands_sign_for_it(elsewhere, tmp_path):
    (tmp_path / "items.json").write_text('{"Item": {"noteId": {"S": "x"}}}\n')
    assert elsewhere.outputs("notes")["NotesUrl"]
    for command in (["status"], ["import", "Notes", tmp_path / "items.json"], ["deploy", conftest.TEMPLATE]):
        elsewhere.skylite(*command)


def make_bucket(server, name, location):
    client = server.client("s3")
    where = {"CreateBucketConfiguration": {"LocationConstraint": location}} if location else {}
    try:
        client.create_bucket(Bucket=name, **where)
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"], error.response["Error"]["Message"]
    found = client.get_bucket_location(Bucket=name)["LocationConstraint"]
    client.delete_bucket(Bucket=name)
    return found


INCOMPATIBLE = "The {} location constraint is incompatible for the region specific endpoint this request was sent to."


@pytest.mark.parametrize(
    "location, expected",
    [
        (ELSEWHERE, ELSEWHERE),
        (None, ("IllegalLocationConstraintException", INCOMPATIBLE.format("unspecified"))),
        ("eu-central-1", ("IllegalLocationConstraintException", INCOMPATIBLE.format("eu-central-1"))),
        ("nowhere", ("InvalidLocationConstraint", "The specified location-constraint is not valid")),
    ],
)
def test_buckets_are_of_the_region(elsewhere, location, expected):
    assert make_bucket(elsewhere, "located", location) == expected


@pytest.mark.parametrize("location", [None, "eu-west-1", "EU"])
def test_us_east_1_makes_buckets_for_every_region(server, location):
    assert make_bucket(server, "located", location) is None


def refusal(*arguments):
    done = subprocess.run(
        [conftest.SKYLITE, "serve", "--listen", "127.0.0.1:0", *arguments], capture_output=True, text=True, timeout=60
    )
    return done.returncode, done.stderr


def test_a_region_stays(own_server):
    first = own_server("--region", ELSEWHERE)
    arn = functions.make_role(first, "kept")
    first.stop()
    code, text = refusal("--data", first.data, "--region", "us-east-1")
    assert (code, f"is of the region {ELSEWHERE}" in text) == (1, True)
    again = own_server()
    assert again.region == ELSEWHERE
    assert again.client("iam").get_role(RoleName="kept")["Role"]["Arn"] == arn


@pytest.mark.parametrize("name", ["nowhere", "", "cn-north-1", "us-gov-west-1"])
def test_what_is_no_region_of_the_partition_is_refused(name, tmp_path):
    code, text = refusal("--data", tmp_path / "data", "--region", name)
    assert (code, "--region wants a region" in text) == (2, True)
    assert not (tmp_path / "data").exists()
