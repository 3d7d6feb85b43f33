"""What callers are told of an exception, in the form of Lambda's Python runtimes."""

import os
import traceback

OURS = os.path.dirname(os.path.dirname(os.path.realpath(__file__))) + os.sep


class Fault(Exception):
    """An error with a type of Lambda's own: Runtime.ImportModuleError and others."""

    def __init__(self, kind, message, trace=()):
        super().__init__(message)
        self.kind = "Runtime." + kind
        self.trace = list(trace)


def _stack_trace(exception):
    """The frames from the function's own code on."""
    frames = traceback.extract_tb(exception.__traceback__)
    while frames and os.path.realpath(frames[0].filename).startswith(OURS):
        frames.pop(0)
    # As Lambda, without the marks that newer versions of Python set below lines.
    return traceback.format_list([(frame.filename, frame.lineno, frame.name, frame.line) for frame in frames])


def describe(exception, request_id=""):
    is_fault = isinstance(exception, Fault)
    return {
        "errorMessage": str(exception),
        "errorType": exception.kind if is_fault else type(exception).__name__,
        "requestId": request_id,
        "stackTrace": exception.trace if is_fault else _stack_trace(exception),
    }
