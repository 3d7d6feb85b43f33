"""The function's log: standard output and `logging`, in the formats of Lambda's Python runtimes.

What an entry of several lines is, the server learns from the character between the lines.
"""

import json
import logging
import os
import sys
import time
import traceback

LINE_BREAK = "\x1e"
INDENT = "\u00a0"  # logs are shown without leading blanks
TEXT_FORMAT = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s"
TIME_FORMAT = "%Y-%m-%dT%H:%M:%S"

is_json = os.environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON"
request_id = ""
_stream = sys.stdout


def write(text):
    """Writes one entry."""
    _stream.write(text.rstrip("\n").replace("\n", LINE_BREAK) + "\n")


def flush():
    _stream.flush()
    sys.stderr.flush()


# --- Errors ---


def _indent(line):
    text = line.lstrip(" ")
    return INDENT * (len(line) - len(text)) + text


def _error_text(error):
    lines = [f"[ERROR] {error['errorType']}: {error['errorMessage']}", "Traceback (most recent call last):"]
    for frame in error["stackTrace"]:
        lines += map(_indent, frame.splitlines())
    return "\n".join(lines)


def write_error(error):
    if is_json:
        now = time.strftime(TIME_FORMAT, time.gmtime())
        write(json.dumps({"timestamp": now + "Z", "level": "ERROR", **error}, ensure_ascii=False))
    else:
        write(_error_text(error))


# --- logging ---


class JsonFormatter(logging.Formatter):
    known = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "aws_request_id", "taskName"}

    def format(self, record):
        entry = {
            "timestamp": f"{time.strftime(TIME_FORMAT, time.gmtime(record.created))}.{int(record.msecs):03d}Z",
            "level": record.levelname,
            "message": record.getMessage(),
            "logger": record.name,
            "requestId": record.aws_request_id,
        }
        if record.exc_info and record.exc_info[0]:
            kind, value, trace = record.exc_info
            entry["stackTrace"] = traceback.format_tb(trace)
            entry["errorType"] = kind.__name__
            entry["errorMessage"] = str(value)
            entry["location"] = f"{record.pathname}:{record.funcName}:{record.lineno}"
        extra = {name: value for name, value in vars(record).items() if name not in self.known}
        return json.dumps({**extra, **entry}, ensure_ascii=False, default=str)


class LambdaLoggerFilter(logging.Filter):
    def filter(self, record):
        record.aws_request_id = request_id
        return True


class LambdaLoggerHandler(logging.Handler):
    def emit(self, record):
        try:
            write(self.format(record))
        except Exception:
            self.handleError(record)


def set_up():
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
    logging.Formatter.converter = time.gmtime
    handler = LambdaLoggerHandler()
    handler.setFormatter(JsonFormatter() if is_json else logging.Formatter(TEXT_FORMAT, TIME_FORMAT))
    handler.addFilter(LambdaLoggerFilter())
    logging.getLogger().addHandler(handler)
    level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "").upper().replace("TRACE", "DEBUG").replace("FATAL", "CRITICAL")
    if isinstance(logging.getLevelName(level), int):
        logging.getLogger().setLevel(level)
