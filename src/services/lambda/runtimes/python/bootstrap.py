"""Runs a Lambda function written in Python: loads its handler, then answers invocations until the sandbox ends."""

import os
import resource
import sys
import threading

from skylite_lambda import log, payload
from skylite_lambda.boto import point_boto_here
from skylite_lambda.context import LambdaContext
from skylite_lambda.errors import describe
from skylite_lambda.handler import load
from skylite_lambda.runtime_api import RuntimeApi


def bound_stacks():
    """Without a control group, what is reserved counts as used, and a thread reserves 8 MB for its stack."""
    if resource.getrlimit(resource.RLIMIT_DATA)[0] != resource.RLIM_INFINITY:
        threading.stack_size(1024 * 1024)


def prepare():
    """Makes the function's own modules the first that are found, in the place of ours."""
    sys.path[0] = os.environ["LAMBDA_TASK_ROOT"]
    bound_stacks()
    log.set_up()
    name = os.environ["AWS_EXECUTION_ENV"].removeprefix("AWS_Lambda_")
    version = ".".join(map(str, sys.version_info[:3]))
    log.write(f"{name} runs on Python {version} ({sys.executable})")
    point_boto_here()


def advise(missing):
    """Lambda brings boto3 along."""
    if getattr(missing, "name", None) in ("boto3", "botocore"):
        log.write("boto3 is not part of Python: install the package python3-boto3, or put it into the function's zip")


def load_or_exit(api):
    try:
        return load(os.environ["_HANDLER"])
    except Exception as exception:
        error = describe(exception)
        log.write_error(error)
        advise(exception.__context__)
        api.fail_init(payload.write(error))
        sys.exit(1)


def begin(invocation):
    log.request_id = invocation.request_id
    if invocation.trace_id is None:
        os.environ.pop("_X_AMZN_TRACE_ID", None)
    else:
        os.environ["_X_AMZN_TRACE_ID"] = invocation.trace_id


def run(api, handler, invocation):
    try:
        event = payload.read_event(invocation.body)
        answer = handler(event, LambdaContext(invocation))
        api.answer(invocation.request_id, payload.write_answer(answer))
    except Exception as exception:
        error = describe(exception, invocation.request_id)
        log.write_error(error)
        api.fail(invocation.request_id, payload.write(error))
    log.flush()


def main():
    prepare()
    api = RuntimeApi(os.environ["AWS_LAMBDA_RUNTIME_API"])
    handler = load_or_exit(api)
    while True:
        invocation = api.next()
        begin(invocation)
        run(api, handler, invocation)


main()
