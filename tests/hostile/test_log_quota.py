"""A log group holds no more than its quota: the oldest events go first, and what it says of its size is exact."""

import time

import hosting

GROUP = "/hostile/quota"
QUOTA = 200 * 1024
OVERHEAD = 26  # that AWS counts for an event besides its message


def put(logs, first, count, size):
    now = int(time.time() * 1000)
    events = [{"timestamp": now, "message": f"{first + i:08} ".ljust(size, "x")} for i in range(count)]
    logs.put_log_events(logGroupName=GROUP, logStreamName="s", logEvents=events)


def messages(logs):
    found, token = [], None
    while True:
        page = logs.filter_log_events(logGroupName=GROUP, **({"nextToken": token} if token else {}))
        found += [event["message"] for event in page["events"]]
        token = page.get("nextToken")
        if not token:
            return found


def stored(logs):
    return logs.describe_log_groups(logGroupNamePrefix=GROUP)["logGroups"][0]["storedBytes"]


def assert_exact(logs):
    assert stored(logs) == sum(len(message) + OVERHEAD for message in messages(logs))


def test_the_oldest_events_go_first(own_host):
    server = own_host(hosting.ACCOUNTS[-1], "--log-quota", "200K")
    logs = server.client("logs")
    logs.create_log_group(logGroupName=GROUP)
    logs.create_log_stream(logGroupName=GROUP, logStreamName="s")

    put(logs, 0, 1000, 100)
    assert len(messages(logs)) == 1000
    assert_exact(logs)
    for first in range(1000, 6000, 1000):  # short ones behind short ones, then long ones
        put(logs, first, 1000, 100)
        assert stored(logs) <= QUOTA
    for first in range(6000, 6010):
        put(logs, first, 1, 50000)
    kept = messages(logs)
    assert stored(logs) <= QUOTA
    assert [message[:8] for message in kept] == [f"{number:08}" for number in range(6010 - len(kept), 6010)]
    assert_exact(logs)

    deleted = server.client("cloudwatch").get_metric_statistics(
        Namespace="Skylite/Logs",
        MetricName="QuotaDeletedEvents",
        Dimensions=[{"Name": "LogGroupName", "Value": GROUP}],
        StartTime=time.time() - 600,
        EndTime=time.time() + 60,
        Period=3600,
        Statistics=["Sum"],
    )["Datapoints"]
    assert sum(point["Sum"] for point in deleted) == 6010 - len(kept)
    lines = [line for line in server.log.splitlines() if "--log-quota" in line and "deleted" in line]
    assert len(lines) == 1 and GROUP in lines[0]

    # A crash in the middle of writing leaves the sizes exact.
    before = stored(logs)
    server.kill()
    server.start()
    logs = server.client("logs")
    assert stored(logs) == before
    assert_exact(logs)

    # A quota that was made smaller holds for what is there.
    server.kill()
    server.arguments = (*server.arguments[:-1], "60000")
    server.start()
    logs = server.client("logs")
    until = time.monotonic() + 20
    while stored(logs) > 60000 and time.monotonic() < until:
        time.sleep(0.05)
    assert stored(logs) <= 60000
    assert_exact(logs)
