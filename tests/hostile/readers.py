"""Clients that ask for the same things over and over until their input ends: a process of its own, of low priority, so that
the work of the clients is no burden on what is measured beside them.

usage: readers.py, with a line of JSON: {"url", "keys", "readers", "calls": [[service, operation, arguments], ...]}"""

import json
import os
import sys
import threading

import boto3
import botocore.config


def main():
    os.nice(19)
    told = json.loads(sys.stdin.readline())
    stop, failures = threading.Event(), []

    def client(service):
        config = botocore.config.Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"})
        return boto3.client(service, endpoint_url=told["url"], region_name="us-east-1", config=config, **told["keys"])

    def read(calls):
        try:
            while not stop.is_set():
                for function, arguments in calls:
                    function(**arguments)
        except Exception as error:
            failures.append(error)

    all_calls = [
        [(getattr(client(service), operation), arguments) for service, operation, arguments in told["calls"]]
        for _ in range(told["readers"])
    ]
    threads = [threading.Thread(target=read, args=(calls,)) for calls in all_calls]
    for thread in threads:
        thread.start()
    print("reading", flush=True)
    sys.stdin.read()
    stop.set()
    for thread in threads:
        thread.join()
    if failures:
        sys.exit(f"a reader was refused: {failures[0]}")


if __name__ == "__main__":
    main()
