"""Plans under load: what four connections with two keys get through is what the plans let through, and is what is counted."""

import datetime
import http.client
import threading
import time

import pytest

import gateway_api

JSON = "application/json"
SECONDS = 5
RATE, BURST = 100, 50
TOLERANCE = 0.01


@pytest.fixture
def gateway(server):
    made = gateway_api.Gateway(server)
    made.method(
        made.resource("x"),
        apiKeyRequired=True,
        integration={"type": "MOCK", "requestTemplates": {JSON: '{"statusCode": 200}'}},
        responses={"200": {}},
    )
    made.api = made.deploy()
    yield made
    made.delete()


@pytest.fixture
def plans(gateway):
    """Makes plans of the stage dev with one key each; returns (plan id, key id, value)."""
    client, made = gateway.client, []

    def make(**settings):
        plan = client.create_usage_plan(name="load", apiStages=[{"apiId": gateway.id, "stage": "dev"}], **settings)
        key = client.create_api_key(name="load", enabled=True)
        client.create_usage_plan_key(usagePlanId=plan["id"], keyId=key["id"], keyType="API_KEY")
        made.append((plan["id"], key["id"], key["value"]))
        return made[-1]

    yield make
    for plan, key, _ in made:
        client.delete_api_key(apiKey=key)
        operation = {"op": "remove", "path": "/apiStages", "value": f"{gateway.id}:dev"}
        client.update_usage_plan(usagePlanId=plan, patchOperations=[operation])
        client.delete_usage_plan(usagePlanId=plan)


def load(api, key, until, counts):
    """Sends as fast as it can; counts the answers by status."""
    connection = http.client.HTTPConnection("127.0.0.1", api.port)
    headers = {"Host": api.host, "x-api-key": key}
    while time.monotonic() < until:
        connection.request("GET", api.prefix + "/x", headers=headers)
        response = connection.getresponse()
        response.read()
        counts[response.status] = counts.get(response.status, 0) + 1
    connection.close()


def test_what_gets_through_is_what_the_plan_lets_through(gateway, plans):
    throttle = {"rateLimit": RATE, "burstLimit": BURST}
    made = [plans(throttle=throttle, quota={"limit": 1_000_000, "period": "DAY"}) for _ in range(2)]
    api = gateway.api
    counts = [{} for _ in range(4)]
    start = time.monotonic()
    threads = [
        threading.Thread(target=load, args=(api, made[i % 2][2], start + SECONDS, counts[i])) for i in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed = time.monotonic() - start
    today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    for number, (plan, key, _) in enumerate(made):
        of_key = counts[number::2]
        assert {status for count in of_key for status in count} == {200, 429}
        admitted = sum(count[200] for count in of_key)
        allowed = BURST + RATE * elapsed
        assert abs(admitted - allowed) <= allowed * TOLERANCE + 1, (admitted, allowed)
        used = gateway.client.get_usage(usagePlanId=plan, keyId=key, startDate=today, endDate=today)["items"][key]
        assert used == [[admitted, 1_000_000 - admitted]]


def test_a_quota_ends_and_can_be_raised(gateway, plans):
    plan, key, value = plans(quota={"limit": 3, "period": "WEEK"})
    api = gateway.api
    api.key = value
    assert [api.call("GET", "/x").status for _ in range(4)] == [200, 200, 200, 429]
    assert api.call("GET", "/x").json == {"message": "Limit Exceeded"}
    operation = {"op": "replace", "path": "/remaining", "value": "2"}
    gateway.client.update_usage(usagePlanId=plan, keyId=key, patchOperations=[operation])
    assert [api.call("GET", "/x").status for _ in range(3)] == [200, 200, 429]
    operation = {"op": "replace", "path": "/quota/limit", "value": "100"}
    gateway.client.update_usage_plan(usagePlanId=plan, patchOperations=[operation])
    assert api.call("GET", "/x").status == 200


def test_usage_comes_by_days_and_keys(gateway, plans):
    plan, key, value = plans(quota={"limit": 10, "period": "MONTH"})
    api = gateway.api
    api.call("GET", "/x", key=value)
    today = datetime.datetime.now(datetime.timezone.utc).date()
    start = (today - datetime.timedelta(days=2)).isoformat()
    usage = gateway.client.get_usage(usagePlanId=plan, startDate=start, endDate=today.isoformat())
    assert (usage["usagePlanId"], usage["startDate"], usage["endDate"]) == (plan, start, today.isoformat())
    days = usage["items"][key]
    assert len(days) == 3
    assert days[-1] == [1, 9]
    with pytest.raises(gateway.client.exceptions.BadRequestException):
        gateway.client.get_usage(usagePlanId=plan, startDate="yesterday", endDate=today.isoformat())
