"""Stacks for tests: made, changed, waited for."""

import contextlib
import json
import time

import botocore.exceptions
import pytest

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"]


def wait(stacks, name):
    while True:
        found = stacks.describe_stacks(StackName=name)["Stacks"][0]
        if not found["StackStatus"].endswith("_IN_PROGRESS"):
            return found
        time.sleep(0.01)


def create(stacks, name, template, **arguments):
    arguments.setdefault("Capabilities", CAPABILITIES)
    stacks.create_stack(StackName=name, TemplateBody=json.dumps(template), **arguments)
    return wait(stacks, name)


def update(stacks, name, template, **arguments):
    arguments.setdefault("Capabilities", CAPABILITIES)
    stacks.update_stack(StackName=name, TemplateBody=json.dumps(template), **arguments)
    return wait(stacks, name)


def delete(stacks, name):
    """Deletes it and waits until it is gone; fine when it is not there."""
    with contextlib.suppress(botocore.exceptions.ClientError):
        stack_id = stacks.describe_stacks(StackName=name)["Stacks"][0]["StackId"]
        stacks.delete_stack(StackName=name)
        found = wait(stacks, stack_id)
        assert found["StackStatus"] == "DELETE_COMPLETE", found


def outputs(found):
    return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}


def physical(stacks, name, logical_id):
    detail = stacks.describe_stack_resource(StackName=name, LogicalResourceId=logical_id)
    return detail["StackResourceDetail"]["PhysicalResourceId"]


def events(stacks, name):
    """(logical id, status, reason) of all, oldest first."""
    found = stacks.describe_stack_events(StackName=name)["StackEvents"]
    return [(e["LogicalResourceId"], e["ResourceStatus"], e.get("ResourceStatusReason", "")) for e in reversed(found)]


def refused(call, *arguments, **named):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(*arguments, **named)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]
