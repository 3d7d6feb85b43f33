"""The context that handlers are given (https://docs.aws.amazon.com/lambda/latest/dg/python-context.html)."""

import json
import os
import time

from . import log
from .errors import Fault


class _Record:
    """An object with the given names as attributes, None where `values` has none."""

    _names = ()

    def __init__(self, values):
        for name in self._names:
            setattr(self, name, values.get(name))

    def __repr__(self):
        return f"{type(self).__name__}([{','.join(f'{name}={getattr(self, name)}' for name in self._names)}])"


class CognitoIdentity(_Record):
    _names = ("cognito_identity_id", "cognito_identity_pool_id")


class Client(_Record):
    _names = ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name")


class ClientContext(_Record):
    _names = ("custom", "env", "client")


def _parse(text, what):
    try:
        return json.loads(text)
    except ValueError as error:
        raise Fault("LambdaContextUnmarshalError", f"Unable to parse {what} JSON: {error}")


def _client_context(text):
    if not text:
        return None
    context = ClientContext(_parse(text, "Client Context"))
    if context.client is not None:
        context.client = Client(context.client)
    return context


def _identity(text):
    identity = _parse(text, "Cognito Identity") if text else {}
    return CognitoIdentity(
        {
            "cognito_identity_id": identity.get("cognitoIdentityId"),
            "cognito_identity_pool_id": identity.get("cognitoIdentityPoolId"),
        }
    )


class LambdaContext(_Record):
    _names = (
        "aws_request_id",
        "log_group_name",
        "log_stream_name",
        "function_name",
        "memory_limit_in_mb",
        "function_version",
        "invoked_function_arn",
        "client_context",
        "identity",
    )

    def __init__(self, invocation):
        environment = os.environ.get
        self.aws_request_id = invocation.request_id
        self.log_group_name = environment("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = environment("AWS_LAMBDA_LOG_STREAM_NAME")
        self.function_name = environment("AWS_LAMBDA_FUNCTION_NAME")
        self.memory_limit_in_mb = environment("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.function_version = environment("AWS_LAMBDA_FUNCTION_VERSION")
        self.invoked_function_arn = invocation.function_arn
        self.client_context = _client_context(invocation.client_context)
        self.identity = _identity(invocation.identity)
        self._deadline_ms = invocation.deadline_ms

    def get_remaining_time_in_millis(self):
        return max(self._deadline_ms - int(time.time() * 1000), 0)

    def log(self, message):
        log.write(str(message))
