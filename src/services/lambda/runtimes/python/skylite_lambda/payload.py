"""Events and answers as JSON."""

import decimal
import json
import os

from .errors import Fault

# From 3.12 on, Lambda's runtimes write characters as they are.
_ESCAPING = {"AWS_Lambda_python3.9", "AWS_Lambda_python3.10", "AWS_Lambda_python3.11"}


def _plain(value):
    """Numbers of DynamoDB."""
    if isinstance(value, decimal.Decimal):
        return int(value) if value.is_finite() and value == value.to_integral_value() else float(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


_encoder = json.JSONEncoder(default=_plain, ensure_ascii=os.environ.get("AWS_EXECUTION_ENV") in _ESCAPING)


def write(value):
    return _encoder.encode(value).encode(errors="replace")


def write_answer(value):
    if isinstance(value, bytes):
        return value
    try:
        return _encoder.encode(value).encode()
    except Exception as error:
        raise Fault("MarshalError", f"Unable to marshal response: {error}")


def read_event(body):
    try:
        return json.loads(body)
    except Exception as error:
        raise Fault("UnmarshalError", f"Unable to unmarshal input: {error}")
