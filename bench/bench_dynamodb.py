"""DynamoDB's operations, signed, beside dynalite (a DynamoDB of npm, on disk), nginx serving a static file, and RocksDB itself.

One run measures all of them, so their ratios hold although the machine's speed changes from hour to hour. Durable writes: an
answer means that the item is on disk. Usage: bench_dynamodb.py [--seconds N] [--connections N...] [--items N]
"""

import argparse
import contextlib
import json
import os
import signal
import socket
import subprocess
import time
import urllib.request

import botocore.auth
import botocore.awsrequest
import botocore.credentials

import measure

VALUE = "x" * 400
REQUESTS = 1000  # signed beforehand, and sent again and again
TABLE = {
    "TableName": "Bench",
    "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}],
    "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": "s", "AttributeType": "N"}],
    "BillingMode": "PAY_PER_REQUEST",
}


def key(number):
    """Twenty items have the same partition key."""
    return {"p": {"S": f"partition-{number // 20}"}, "s": {"N": str(number % 20)}}


def item(number):
    return {**key(number), "text": {"S": VALUE}, "number": {"N": str(number)}, "flag": {"BOOL": True}}


def spread(number, items):
    """Walks over all items in no order."""
    return number * 7919 % items


def inputs(operation, items):
    """The inputs that one operation is measured with."""
    for i in range(REQUESTS):
        number = spread(i, items)
        if operation == "GetItem":
            yield {"TableName": "Bench", "Key": key(number)}
        elif operation == "PutItem":
            yield {"TableName": "Bench", "Item": item(number)}
        elif operation == "UpdateItem":
            yield {
                "TableName": "Bench",
                "Key": key(number),
                "UpdateExpression": "SET #n = #n + :one",
                "ExpressionAttributeNames": {"#n": "number"},
                "ExpressionAttributeValues": {":one": {"N": "1"}},
            }
        elif operation == "Query":
            yield {
                "TableName": "Bench",
                "KeyConditionExpression": "p = :p",
                "ExpressionAttributeValues": {":p": key(number)["p"]},
            }
        elif operation == "BatchWriteItem":
            puts = [{"PutRequest": {"Item": item(spread(i * 25 + j, items))}} for j in range(25)]
            yield {"RequestItems": {"Bench": puts}}
        elif operation == "TransactWriteItems":
            puts = [{"Put": {"TableName": "Bench", "Item": item(spread(i * 4 + j, items))}} for j in range(4)]
            yield {"TransactItems": puts}


class Server:
    def __init__(self, name, url, pid, data, credentials):
        self.name, self.url, self.pid, self.data = name, url, pid, data
        self.credentials = botocore.credentials.Credentials(*credentials)

    def signed(self, operation, value):
        body = json.dumps(value).encode()
        headers = {"X-Amz-Target": "DynamoDB_20120810." + operation, "Content-Type": "application/x-amz-json-1.0"}
        request = botocore.awsrequest.AWSRequest("POST", self.url + "/", headers=headers, data=body)
        botocore.auth.SigV4Auth(self.credentials, "dynamodb", "us-east-1").add_auth(request)
        return body, dict(request.headers.items())

    def call(self, operation, value):
        body, headers = self.signed(operation, value)
        with urllib.request.urlopen(urllib.request.Request(self.url, data=body, headers=headers)) as answer:
            return json.load(answer)

    def create(self):
        self.call("CreateTable", TABLE)
        while self.call("DescribeTable", {"TableName": "Bench"})["Table"]["TableStatus"] != "ACTIVE":
            time.sleep(0.1)

    def fill(self, items):
        self.create()
        for first in range(0, items, 25):
            puts = [{"PutRequest": {"Item": item(i)}} for i in range(first, min(first + 25, items))]
            self.call("BatchWriteItem", {"RequestItems": {"Bench": puts}})

    def script(self, where, operation, values):
        """A program for wrk that sends the signed requests in turn."""
        host = self.url.removeprefix("http://")
        lines = ["local requests = {"]
        for value in values:
            body, headers = self.signed(operation, value)
            head = f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n"
            head += "".join(f"{name}: {text}\r\n" for name, text in headers.items()) + "\r\n"
            lines.append("[==[" + head + body.decode() + "]==],")
        # The long brackets would drop the carriage returns: they are put back here.
        lines += ["}", "for i, r in ipairs(requests) do requests[i] = r:gsub('\\r?\\n', '\\r\\n') end"]
        lines += ["local at = 0", "function request() at = at % #requests + 1; return requests[at] end"]
        path = where / f"{operation}.lua"
        path.write_text("\n".join(lines))
        return path


@contextlib.contextmanager
def skylite(where):
    with measure.skylite(where / "data") as (process, url, _):
        lines = (where / "data" / "credentials").read_text().splitlines()
        values = dict(line.split(" = ") for line in lines if " = " in line)
        yield Server("skylite", url, process.pid, where / "data", (values["aws_access_key_id"], values["aws_secret_access_key"]))


@contextlib.contextmanager
def dynalite(where):
    port = measure.free_port()
    program = measure.ROOT / "tests" / "node" / "node_modules" / "dynalite" / "cli.js"
    command = ["/usr/bin/node", program, "--port", str(port), "--path", where / "dynalite", "--createTableMs", "1"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.1)
        yield Server("dynalite", f"http://127.0.0.1:{port}", process.pid, where / "dynalite", ("key", "secret"))
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


def bench(server, where, operations, options):
    server.fill(options.items)
    for operation in operations:
        script = server.script(where, operation, inputs(operation, options.items))
        for connections in options.connections:
            measure.wrk("", server.pid, server.url, 1, connections, script=script)
            name = f"{server.name} {operation}, {connections} connections"
            yield measure.wrk(name, server.pid, server.url, options.seconds, connections, script=script)


def bench_nginx(where, options):
    port = measure.free_port()
    (where / "www").mkdir()
    (where / "www" / "item").write_text(json.dumps(item(1)))
    (where / "www").chmod(0o755)
    http = f"server {{ listen 127.0.0.1:{port}; root {where}/www; default_type application/json; }}"
    with measure.nginx(where, http) as pid:
        for connections in options.connections:
            measure.wrk("", pid, f"http://127.0.0.1:{port}/item", 1, connections)
            name = f"nginx static file, {connections} connections"
            yield measure.wrk(name, pid, f"http://127.0.0.1:{port}/item", options.seconds, connections)


def bench_rocksdb(where, options):
    subprocess.run(["ninja", "-C", measure.ROOT / "build", "bench/rocksdb_batches"], check=True, stdout=subprocess.DEVNULL)
    program = measure.ROOT / "build" / "bench" / "rocksdb_batches"
    size = len(json.dumps(item(1)))
    done = subprocess.run([program, where / "raw", str(options.seconds), "64", str(size)], capture_output=True, text=True, check=True)
    return int(done.stdout)


def main():
    operations = ["GetItem", "PutItem", "UpdateItem", "Query", "BatchWriteItem", "TransactWriteItems"]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 64])
    parser.add_argument("--items", type=int, default=10000)
    parser.add_argument("--operations", nargs="+", default=operations, choices=operations)
    options = parser.parse_args()
    print(measure.HEADER, flush=True)
    with measure.folder() as where:
        for make in (skylite, dynalite):
            with make(where) as server:
                for result in bench(server, where, options.operations, options):
                    print(result.row(), flush=True)
                print(f"{server.name}: memory after the load {measure.memory_kib(server.pid) / 1024:.0f} MiB", flush=True)
        for result in bench_nginx(where, options):
            print(result.row(), flush=True)
        print(f"RocksDB itself, batches of 64 with a sync each: {bench_rocksdb(where, options)} puts/s")


if __name__ == "__main__":
    main()
