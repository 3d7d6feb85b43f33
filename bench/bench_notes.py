"""The Notes API end to end (gateway, key, plan, function in its sandbox, table) beside nginx, in one run.

CPU counts every process of the server side: server, launcher and functions; for nginx its master and workers.
"""

import argparse
import json
import time
import urllib.request

import measure


def unthrottled_key(url, data, api_id):
    """A key in a plan without limits, and an account beyond its default of 10,000 a second: what is measured is the server."""
    gateway = measure.aws_client("apigateway", url, data)
    measure.lift_account_throttle(gateway)
    key = gateway.create_api_key(name="bench", enabled=True)
    plan = gateway.create_usage_plan(name="bench", apiStages=[{"apiId": api_id, "stage": "prod"}])
    gateway.create_usage_plan_key(usagePlanId=plan["id"], keyId=key["id"], keyType="API_KEY")
    return key["value"]


def call(url, host, key, path, body=None):
    request = urllib.request.Request(
        url + path, data=json.dumps(body).encode() if body else None, headers={"Host": host, "x-api-key": key}
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


POST_SCRIPT = """
wrk.method = "POST"
wrk.body = '{"title":"Milk","content":"two bottles, and some bread if there is any left"}'
wrk.headers["Content-Type"] = "application/json"
"""


def bench_skylite(where, seconds, connections):
    data = where / "data"
    template = measure.ROOT / "apps" / "notes" / "template.yaml"
    results = []
    with measure.skylite(data, "--deploy", template) as (process, url, _):
        print(f"idle memory after the first start: {measure.memory_kib(process.pid) / 1024:.1f} MiB")
        outputs = dict(line.split("\t") for line in measure.skylite_command(data, "outputs", "notes").splitlines())
        host = outputs["NotesUrl"].split("/")[2]
        api_id = outputs["InvokeUrl"].split("/")[2].split(".")[0]
        key = unthrottled_key(url, data, api_id)
        note = call(url, host, key, "/notes", {"title": "Milk", "content": "two bottles"})
        headers = {"Host": host, "x-api-key": key}
        script = where / "post.lua"
        script.write_text(POST_SCRIPT)
        for count in connections:
            measure.wrk("", process.pid, f"{url}/notes/{note['noteId']}", 1, count, headers)
            results.append(
                measure.wrk(
                    f"skylite GET /notes/{{id}}, {count} connections",
                    process.pid, f"{url}/notes/{note['noteId']}", seconds, count, headers,
                )
            )
            results.append(
                measure.wrk(
                    f"skylite POST /notes (durable), {count} connections",
                    process.pid, f"{url}/notes", seconds, count, headers, script,
                )
            )
        print(f"memory after the load: {measure.memory_kib(process.pid) / 1024:.1f} MiB")

    started = time.monotonic()
    with measure.skylite(data, "--deploy", template) as (process, url, ready):
        call(url, host, key, f"/notes/{note['noteId']}")
        answered = time.monotonic() - started
        print(f"start with data in place: ready in {ready * 1000:.0f} ms, first note answered after {answered * 1000:.0f} ms")
        print(f"idle memory: {measure.memory_kib(process.pid) / 1024:.1f} MiB")
    return results, json.dumps(note)


def bench_nginx(where, seconds, connections, body):
    static, proxied = measure.free_port(), measure.free_port()
    (where / "www").mkdir()
    (where / "www" / "note").write_text(body)
    (where / "www").chmod(0o755)
    http = f"""
    upstream notes {{ server unix:{where}/upstream.sock; keepalive 64; }}
    server {{ listen 127.0.0.1:{static}; root {where}/www; default_type application/json; }}
    server {{ listen unix:{where}/upstream.sock; root {where}/www; default_type application/json; }}
    server {{
        listen 127.0.0.1:{proxied};
        location / {{ proxy_pass http://notes; proxy_http_version 1.1; proxy_set_header Connection ""; }}
    }}"""
    results = []
    with measure.nginx(where, http) as pid:
        for count in connections:
            for name, port in (("static file", static), ("proxy to a Unix socket", proxied)):
                url = f"http://127.0.0.1:{port}/note"
                measure.wrk("", pid, url, 1, count)
                results.append(
                    measure.wrk(f"nginx {name}, {count} connections", pid, url, seconds, count)
                )
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 16])
    options = parser.parse_args()
    with measure.folder() as where:
        results, note = bench_skylite(where, options.seconds, options.connections)
        results += bench_nginx(where, options.seconds, options.connections, note)
    print(measure.HEADER)
    for result in results:
        print(result.row())


if __name__ == "__main__":
    main()
