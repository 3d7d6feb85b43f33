"""Counts: a quota never admits more than it says, however often the server is killed."""

import datetime
import random
import threading

import gateway_api
import hosting
import pytest

LIMIT = 200
LIVES = 5
CLIENTS = 4


@pytest.fixture
def gateway(own_host):
    return gateway_api.Gateway(own_host(hosting.ACCOUNTS[-1]))


def keyed(gateway, **quota):
    """A method that needs a key, and a key in a plan: the plan's id, the key's id and value."""
    gateway.method(
        gateway.root,
        integration={"type": "MOCK", "requestTemplates": {"application/json": '{"statusCode": 200}'}},
        responses={"200": {}},
        apiKeyRequired=True,
    )
    gateway.deploy()
    stage = {"apiId": gateway.id, "stage": "dev"}
    plan = gateway.client.create_usage_plan(name="counted", apiStages=[stage], **quota)["id"]
    key = gateway.client.create_api_key(name="counted", enabled=True)
    gateway.client.create_usage_plan_key(usagePlanId=plan, keyId=key["id"], keyType="API_KEY")
    return plan, key["id"], key["value"]


def api_of(gateway, value):
    api = gateway_api.notes_api.Api(f"http://{gateway.id}.execute-api.localhost:{gateway.server.port}/dev")
    api.key = value
    return api


def hammer(gateway, value, enough):
    """Calls by several clients until `enough` were let through, then ends the server as a power cut would. How many were."""
    admitted = []

    def call():
        api = api_of(gateway, value)
        try:
            while len(admitted) < enough:
                status = api.call("GET", "/").status
                assert status == 200, status
                admitted.append(status)
        except (OSError, gateway_api.notes_api.http.client.HTTPException):
            pass  # the server is gone

    threads = [threading.Thread(target=call) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    threads[0].join()
    gateway.server.kill()
    for thread in threads:
        thread.join()
    gateway.server.start()
    gateway.client = gateway.server.client("apigateway")
    return len(admitted)


def reported(gateway, plan, key):
    """The use of yesterday and today, and what remains."""
    today = datetime.datetime.now(datetime.timezone.utc).date()
    dates = {"startDate": str(today - datetime.timedelta(days=1)), "endDate": str(today)}
    days = gateway.client.get_usage(usagePlanId=plan, keyId=key, **dates)["items"][key]
    return sum(used for used, _ in days), days[-1][1]


def test_a_quota_holds_over_crashes(gateway):
    plan, key, value = keyed(gateway, quota={"limit": LIMIT, "period": "MONTH"})
    chance = random.Random(10)
    total = 0
    for _ in range(LIVES):
        total += hammer(gateway, value, chance.randint(1, 30))
        used, remaining = reported(gateway, plan, key)
        assert used >= total
        assert remaining <= LIMIT - total

    api = api_of(gateway, value)
    statuses = []
    while not statuses or statuses[-1] == 200:
        before, _ = reported(gateway, plan, key)
        statuses.append(api.call("GET", "/").status)
        assert reported(gateway, plan, key)[0] == before + (statuses[-1] == 200)
    assert statuses[-1] == 429
    total += statuses.count(200)
    assert total <= LIMIT
    assert total >= LIMIT - LIVES * 30  # a crash loses what was granted ahead, and no more
    assert reported(gateway, plan, key)[1] == 0


def test_counts_without_a_quota_are_never_too_low(gateway):
    plan, key, value = keyed(gateway)
    total = 0
    for enough in (1, 20, 50):
        total += hammer(gateway, value, enough)
        assert reported(gateway, plan, key)[0] >= total


def test_an_orderly_end_loses_nothing(gateway):
    plan, key, value = keyed(gateway, quota={"limit": LIMIT, "period": "MONTH"})
    api = api_of(gateway, value)
    for count in range(1, 4):
        assert api.call("GET", "/").status == 200
        gateway.server.stop()
        gateway.server.start()
        gateway.client = gateway.server.client("apigateway")
        api = api_of(gateway, value)
        assert reported(gateway, plan, key) == (count, LIMIT - count)
