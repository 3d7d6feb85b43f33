"""GetItem and Query where a table has few items and where it has many: latency, CPU, memory and disk.

Both servers run at once and are measured in turn, so that the machine's mood is the same for both. Keys are drawn from the whole
table. Usage: bench_dynamodb_scale.py [--items N] [--few N] [--seconds N] [--rounds N] [--connections N...]
"""

import argparse
import base64
import contextlib
import pathlib
import random
import time

import bench_dynamodb
import measure

REQUESTS = 20000  # signed beforehand, each for another key
PART = 1_000_000  # items that are written into a file and imported at once
TEXT_LENGTH = 400
# Text that does not compress, of which each item has a part.
TEXT = base64.b64encode(random.Random(1).randbytes(3 << 19)).decode()


def line(number):
    start = number * 7919 % (len(TEXT) - TEXT_LENGTH)
    text = TEXT[start : start + TEXT_LENGTH]
    return (
        f'{{"p":{{"S":"partition-{number // 20}"}},"s":{{"N":"{number % 20}"}},"text":{{"S":"{text}"}},'
        f'"number":{{"N":"{number}"}},"flag":{{"BOOL":true}}}}\n'
    )


def inputs(operation, items):
    draw = random.Random(2)
    for _ in range(REQUESTS):
        key = bench_dynamodb.key(draw.randrange(items))
        if operation == "GetItem":
            yield {"TableName": "Bench", "Key": key}
        else:
            yield {
                "TableName": "Bench",
                "KeyConditionExpression": "p = :p",
                "ExpressionAttributeValues": {":p": key["p"]},
            }


def fill(server, where, items):
    server.create()
    started = time.monotonic()
    path = where / "part.json"
    for first in range(0, items, PART):
        with open(path, "w") as part:
            part.writelines(line(number) for number in range(first, min(first + PART, items)))
        measure.skylite_command(server.data, "import", "Bench", path)
        print(f"{min(first + PART, items):,} items after {time.monotonic() - started:.0f} s", flush=True)
    path.unlink()


def settle(server):
    """Until the server has no more to do in the background."""
    while True:
        before = measure.cpu_us(server.pid)
        time.sleep(5)
        if measure.cpu_us(server.pid) - before < 250_000:
            return


def disk_bytes(path):
    return sum(file.stat().st_size for file in pathlib.Path(path).rglob("*") if file.is_file())


def measure_in_turn(servers, options):
    for operation in ("GetItem", "Query"):
        scripts = [server.script(where, operation, inputs(operation, items)) for server, where, items in servers]
        for connections in options.connections:
            for round_ in range(options.rounds + 1):  # the first one warms
                for (server, _, items), script in zip(servers, scripts, strict=True):
                    name = f"{operation} of {items:,} items, {connections} connections"
                    result = measure.wrk(name, server.pid, server.url, options.seconds, connections, script=script)
                    if round_:
                        print(result.row(), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=10_000_000)
    parser.add_argument("--few", type=int, default=100_000)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 16])
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        servers = []
        for items in (options.few, options.items):
            where = stack.enter_context(measure.folder())
            server = stack.enter_context(bench_dynamodb.skylite(where))
            fill(server, where, items)
            servers.append((server, where, items))
        for server, _, _ in servers:
            settle(server)
        print(measure.HEADER, flush=True)
        measure_in_turn(servers, options)
        for server, _, items in servers:
            mib = measure.memory_kib(server.pid) / 1024
            peak = measure.peak_memory_kib(server.pid) / 1024
            disk = disk_bytes(server.data) / (1 << 20)
            print(f"{items:,} items: memory {mib:.0f} MiB now, {peak:.0f} at most; disk {disk:.0f} MiB")


if __name__ == "__main__":
    main()
