"""Two builds of Skylite in one run, in turns: what each workload of the gateway, DynamoDB and the Notes API costs in CPU time.

Usage: bench_compare.py OLD [--rounds N] [--seconds N] [--only TEXT]     OLD is another checkout that is built
Prints for each workload the median of CPU microseconds per request of either, and the ratio new/old; of a ratio, the median of
the rounds' own.
"""

import argparse
import contextlib
import pathlib
import statistics

import bench_dynamodb
import bench_gateway
import bench_notes
import measure

ITEMS = 10_000
OPERATIONS = ["GetItem", "PutItem", "UpdateItem", "Query", "BatchWriteItem", "TransactWriteItems"]
GATEWAY = (100, 1000)  # resources, keys


class Build:
    """A running server of one tree. `workloads` maps a name to the arguments of wrk: URL, headers, script."""

    def __init__(self, process, url, data, where):
        self.pid, self.url, self.data, self.where = process.pid, url, data, where
        self.workloads = {}

    def add_notes(self):
        outputs = dict(line.split("\t") for line in measure.skylite_command(self.data, "outputs", "notes").splitlines())
        host = outputs["NotesUrl"].split("/")[2]
        key = bench_notes.unthrottled_key(self.url, self.data, outputs["InvokeUrl"].split("/")[2].split(".")[0])
        note = bench_notes.call(self.url, host, key, "/notes", {"title": "Milk", "content": "two bottles"})
        headers = {"Host": host, "x-api-key": key}
        script = self.where / "post.lua"
        script.write_text(bench_notes.POST_SCRIPT)
        self.workloads["notes GET /notes/{id}"] = (f"{self.url}/notes/{note['noteId']}", headers, None)
        self.workloads["notes POST /notes"] = (f"{self.url}/notes", headers, script)

    def add_gateway(self):
        gateway = measure.aws_client("apigateway", self.url, self.data)
        resources, keys = GATEWAY
        bench_gateway.let_gateway_log(gateway, measure.aws_client("iam", self.url, self.data))
        api_id = bench_gateway.make_api(gateway, measure.aws_client("logs", self.url, self.data), resources)
        values = bench_gateway.make_keys(gateway, api_id, keys)
        script = self.where / "gateway.lua"
        paths = [f"/prod/r{number}" for number in range(resources)]
        script.write_text(bench_gateway.SCRIPT % (bench_gateway.quoted(values), bench_gateway.quoted(paths)))
        self.workloads["gateway MOCK"] = (self.url, {"Host": f"{api_id}.execute-api.localhost"}, script)

    def add_dynamodb(self):
        lines = (self.data / "credentials").read_text().splitlines()
        values = dict(line.split(" = ") for line in lines if " = " in line)
        keys = values["aws_access_key_id"], values["aws_secret_access_key"]
        server = bench_dynamodb.Server("", self.url, self.pid, self.data, keys)
        server.fill(ITEMS)
        for operation in OPERATIONS:
            script = server.script(self.where, operation, bench_dynamodb.inputs(operation, ITEMS))
            self.workloads[f"dynamodb {operation}"] = (self.url, None, script)

    def cost_us(self, name, seconds, connections):
        """CPU time per request."""
        url, headers, script = self.workloads[name]
        result = measure.wrk(name, self.pid, url, seconds, connections, headers, script)
        if result.errors:
            raise RuntimeError(f"{name}: {result.errors} of {result.requests} failed")
        return result.cpu / result.requests


@contextlib.contextmanager
def running(tree, where):
    where.mkdir()
    template = tree / "apps" / "notes" / "template.yaml"
    with measure.skylite(where / "data", "--deploy", template, program=tree / "build" / "skylite") as (process, url, _):
        build = Build(process, url, where / "data", where)
        build.add_notes()
        build.add_gateway()
        build.add_dynamodb()
        measure.settle(process.pid)
        yield build


def compare(old, new, name, options, connections):
    rounds = []
    for build in (old, new):
        build.cost_us(name, 1, connections)
    for number in range(options.rounds):
        order = (old, new) if number % 2 == 0 else (new, old)
        costs = {build: build.cost_us(name, options.seconds, connections) for build in order}
        rounds.append((costs[old], costs[new]))
    medians = [statistics.median(costs) for costs in zip(*rounds)]
    ratio = statistics.median(after / before for before, after in rounds)
    print(f"{name + f', {connections} conn.':<44} {medians[0]:>9.1f} {medians[1]:>9.1f} {ratio:>9.3f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 16])
    parser.add_argument("--only", default="", help="workloads with this in their name")
    options = parser.parse_args()
    with measure.folder() as where:
        where.chmod(0o755)
        with running(options.old.resolve(), where / "old") as old, running(measure.ROOT, where / "new") as new:
            print(f"{'CPU us per request':<44} {'old':>9} {'new':>9} {'new/old':>9}", flush=True)
            for name in new.workloads:
                for connections in options.connections if options.only in name else ():
                    compare(old, new, name, options, connections)


if __name__ == "__main__":
    main()
