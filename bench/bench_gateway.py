"""The gateway alone: a MOCK method behind an API key and a usage plan, with access log and metrics, beside nginx in one run.

nginx answers `return 200` behind `limit_req` by the same header, without and with an access log. Each request takes another of
the resources and another of the keys.
"""

import argparse
import json
import time

import measure

KEYS_IN_USE = 1000  # of all keys, those that requests are made with
KEYS_PER_IMPORT = 1000

SCRIPT = """
local keys, paths, n = {%s}, {%s}, 0
function request()
    n = n + 1
    wrk.headers["x-api-key"] = keys[n %% #keys + 1]
    return wrk.format("GET", paths[n %% #paths + 1])
end
"""


def make_mock(gateway, api_id, parent_id, part):
    """GET on a resource, answered with a short JSON text."""
    resource_id = gateway.create_resource(restApiId=api_id, parentId=parent_id, pathPart=part)["id"]
    method = {"restApiId": api_id, "resourceId": resource_id, "httpMethod": "GET"}
    gateway.put_method(**method, authorizationType="NONE", apiKeyRequired=True)
    gateway.put_method_response(**method, statusCode="200")
    gateway.put_integration(**method, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'})
    gateway.put_integration_response(
        **method, statusCode="200", responseTemplates={"application/json": '{"message": "hello"}'}
    )


def let_gateway_log(gateway, iam):
    """The account's role without which no stage may log."""
    trust = {"Effect": "Allow", "Principal": {"Service": "apigateway.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = iam.create_role(
        RoleName="gateway-logs", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )["Role"]
    iam.attach_role_policy(
        RoleName="gateway-logs",
        PolicyArn="arn:aws:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs",
    )
    gateway.update_account(patchOperations=[{"op": "replace", "path": "/cloudwatchRoleArn", "value": role["Arn"]}])


def make_api(gateway, logs, resources):
    """A deployed API with that many resources below the root, access log and metrics on."""
    api_id = gateway.create_rest_api(name="bench")["id"]
    root = gateway.get_resources(restApiId=api_id)["items"][0]["id"]
    for number in range(resources):
        make_mock(gateway, api_id, root, f"r{number}")
    logs.create_log_group(logGroupName="bench-access")
    gateway.create_deployment(restApiId=api_id, stageName="prod")
    log_format = '{"id":"$context.requestId","ip":"$context.identity.sourceIp","key":"$context.identity.apiKeyId","status":$context.status}'
    group = logs.describe_log_groups(logGroupNamePrefix="bench-access")["logGroups"][0]["arn"].removesuffix(":*")
    gateway.update_stage(
        restApiId=api_id,
        stageName="prod",
        patchOperations=[
            {"op": "replace", "path": "/accessLogSettings/destinationArn", "value": group},
            {"op": "replace", "path": "/accessLogSettings/format", "value": log_format},
            {"op": "replace", "path": "/*/*/metrics/enabled", "value": "true"},
            {"op": "replace", "path": "/*/*/throttling/rateLimit", "value": "10000000"},
            {"op": "replace", "path": "/*/*/throttling/burstLimit", "value": "10000000"},
        ],
    )
    return api_id


def make_keys(gateway, api_id, count):
    """That many keys in one plan; returns the values of those that are used."""
    plan_id = gateway.create_usage_plan(
        name="bench",
        apiStages=[{"apiId": api_id, "stage": "prod"}],
        throttle={"rateLimit": 1_000_000, "burstLimit": 1_000_000},
        quota={"limit": 2_000_000_000, "period": "MONTH"},
    )["id"]
    values = [f"key-of-the-benchmark-number-{number:08}" for number in range(count)]
    for start in range(0, count, KEYS_PER_IMPORT):
        rows = ["name,key,enabled,usageplanIds"]
        rows += [f"{value},{value},true,{plan_id}" for value in values[start : start + KEYS_PER_IMPORT]]
        gateway.import_api_keys(body="\n".join(rows).encode(), format="csv", failOnWarnings=True)
    return values[:: max(1, count // KEYS_IN_USE)]


def quoted(texts):
    return ",".join(f'"{text}"' for text in texts)


def bench_skylite(where, options, resources, keys):
    data = where / f"data-{resources}-{keys}"
    results = []
    with measure.skylite(data) as (process, url, _):
        gateway = measure.aws_client("apigateway", url, data)
        measure.lift_account_throttle(gateway)
        let_gateway_log(gateway, measure.aws_client("iam", url, data))
        api_id = make_api(gateway, measure.aws_client("logs", url, data), resources)
        started = time.monotonic()
        values = make_keys(gateway, api_id, keys)
        print(f"{keys} keys made in {time.monotonic() - started:.1f} s")
        script = where / "load.lua"
        paths = [f"/prod/r{number}" for number in range(resources)]
        script.write_text(SCRIPT % (quoted(values), quoted(paths)))
        host = {"Host": f"{api_id}.execute-api.localhost"}
        measure.settle(process.pid)
        for count in options.connections:
            measure.wrk("", process.pid, url, 1, count, host, script)
            name = f"skylite, {resources} resources, {keys} keys, {count} conn."
            results.append(measure.wrk(name, process.pid, url, options.seconds, count, host, script))
        print(f"memory after the load: {measure.memory_kib(process.pid) / 1024:.1f} MiB")
    with measure.skylite(data) as (process, _, ready):
        print(f"start with {resources} resources and {keys} keys: ready in {ready * 1000:.0f} ms")
    return results


def bench_nginx(where, options):
    script = where / "load.lua"  # as it was left
    ports = {"": measure.free_port(), " and access log": measure.free_port()}
    http = "limit_req_zone $http_x_api_key zone=keys:32m rate=1000000r/s;\n"
    for name, port in ports.items():
        log = f"access_log {where}/access.log;" if name else ""
        http += f"""server {{ listen 127.0.0.1:{port}; {log} limit_req zone=keys burst=1000000 nodelay;
            location / {{ default_type application/json; return 200 '{{"message": "hello"}}'; }} }}\n"""
    results = []
    with measure.nginx(where, http) as pid:
        for count in options.connections:
            for name, port in ports.items():
                url = f"http://127.0.0.1:{port}/"
                measure.wrk("", pid, url, 1, count, None, script)
                name = f"nginx return 200, limit_req{name}, {count} conn."
                results.append(measure.wrk(name, pid, url, options.seconds, count, None, script))
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 16])
    parser.add_argument("--resources", type=int, default=1000, help="of the larger of the two APIs")
    parser.add_argument("--keys", type=int, default=100_000, help="of the larger of the two APIs")
    options = parser.parse_args()
    with measure.folder() as where:
        results = []
        if (options.resources, options.keys) != (1, 1):
            results += bench_skylite(where, options, options.resources, options.keys)
        results += bench_skylite(where, options, 1, 1)
        results += bench_nginx(where, options)
    print(measure.HEADER)
    for result in results:
        print(result.row())


if __name__ == "__main__":
    main()
