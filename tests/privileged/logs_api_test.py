"""CloudWatch Logs as Amazon's own tools read it: what a real task prints, over deaths of berthd, and what clients put."""

import itertools
import json
import subprocess
import time

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.eventstream
import botocore.exceptions
import pytest
import requests

from berth import PATIENCE, Instance
from daemon import Daemon
from ecs_model import watch
from waiting import wait_until

GROUP = "/ecs/web"
COUNT = "i=0; while [ ! -e /host/stop ]; do i=$((i+1)); echo line $i; usleep 20000; done; echo last"


class Tail:
    """What `aws logs tail --follow` does: FilterLogEvents alone, from the newest time on, each event once by its id."""

    def __init__(self, client):
        self.client, self.seen, self.messages = client, {}, []
        self.start = int(time.time() * 1000) - 600_000

    def poll(self):
        request = {"logGroupName": GROUP, "interleaved": True, "startTime": self.start}
        while True:
            page = self.client.filter_log_events(**request)
            for event in page["events"]:
                if event["eventId"] not in self.seen:
                    self.seen[event["eventId"]] = event
                    self.messages.append(event["message"])
                self.start = max(self.start, event["timestamp"])
            if "nextToken" not in page:
                return self.messages
            request["nextToken"] = page["nextToken"]


@pytest.fixture
def logs(daemon):
    client = daemon.client("logs")
    watch(client)
    client.create_log_group(logGroupName=GROUP, tags={"team": "blue"})
    yield client
    daemon.client("logs").delete_log_group(logGroupName=GROUP)


def run_task(daemon, host, script):
    ecs = daemon.client("ecs")
    container = {"name": "main", "image": daemon.instance.images["busybox"], "memory": 64, "command": ["sh", "-c", script],
                 "mountPoints": [{"sourceVolume": "host", "containerPath": "/host"}],
                 "logConfiguration": {"logDriver": "awslogs", "options": {
                     "awslogs-group": GROUP, "awslogs-region": "eu-central-1", "awslogs-stream-prefix": "p"}}}
    ecs.register_task_definition(family="logs", networkMode="bridge", containerDefinitions=[container],
                                 volumes=[{"name": "host", "host": {"sourcePath": str(host)}}])
    return ecs.run_task(taskDefinition="logs")["tasks"][0]["taskArn"]


def test_what_a_task_prints_is_followed_over_the_death_of_the_daemon(daemon, logs, tmp_path):
    arn = run_task(daemon, tmp_path, COUNT)
    tail = Tail(logs)
    wait_until(lambda: len(tail.poll()) > 10, f"lines of the task: {daemon.log()}")
    daemon.kill()
    daemon.start()
    tail.client = logs = daemon.client("logs")
    known = len(tail.messages)
    wait_until(lambda: len(tail.poll()) > known + 10, "more of them")
    whole = Tail(logs)
    whole.poll()
    assert set(tail.seen) - set(whole.seen) == set(), "ids changed with the restart"
    follower = subprocess.Popen(
        ["/usr/bin/aws", "--endpoint-url", daemon.url(), "logs", "tail", GROUP, "--follow", "--format", "short"],
        stdout=subprocess.PIPE, text=True, env={**daemon.instance.environment, **daemon.variables(), "AWS_PAGER": "", "PYTHONUNBUFFERED": "1"})
    try:
        printed = [follower.stdout.readline().split(" ", 1)[1].strip()]
        (tmp_path / "stop").touch()
        while printed[-1] != "last":
            printed.append(follower.stdout.readline().split(" ", 1)[1].strip())
    finally:
        follower.kill()
        follower.communicate()
    wait_until(lambda: tail.poll()[-1] == "last", "the last line")
    count = len(tail.messages) - 1
    lines = [f"line {i}" for i in range(1, count + 1)] + ["last"]
    assert tail.messages == lines
    assert printed == lines
    times = [event["timestamp"] for event in tail.seen.values()]
    assert times == sorted(times)
    stream = f"p/main/{arn.rsplit('/', 1)[1]}"
    paged, request = [], {"logGroupName": GROUP, "logStreamName": stream, "startFromHead": True, "limit": 7}
    while (page := logs.get_log_events(**request))["nextForwardToken"] != request.get("nextToken"):
        paged += [event["message"] for event in page["events"]]
        request["nextToken"] = page["nextForwardToken"]
    assert paged == lines
    last = daemon.aws("logs", "get-log-events", "--log-group-name", GROUP, "--log-stream-name", stream, "--limit", "2")
    assert [event["message"] for event in last["events"]] == lines[-2:]
    searched = daemon.aws("logs", "filter-log-events", "--log-group-name", GROUP, "--filter-pattern", "'[word, number=1*]'",
                          "--log-stream-name-prefix", "p/")
    assert [event["message"] for event in searched["events"]] == [line for line in lines if line.startswith("line 1")]
    assert daemon.instance.berth("log-group", "events", GROUP).out.count("\n") == len(lines)
    (described,) = logs.describe_log_streams(logGroupName=GROUP, orderBy="LastEventTime", descending=True)["logStreams"]
    assert (described["logStreamName"], described["lastEventTimestamp"]) == (stream, times[-1])
    daemon.client("ecs").get_waiter("tasks_stopped").wait(tasks=[arn], WaiterConfig={"Delay": 1})


def code_of(call, **arguments):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Code"]


def test_what_clients_put_is_there_for_good(daemon, logs):
    logs.create_log_stream(logGroupName=GROUP, logStreamName="mine")
    now = int(time.time() * 1000)
    events = [{"timestamp": now + i, "message": json.dumps({"n": i})} for i in range(5)]
    logs.put_log_events(logGroupName=GROUP, logStreamName="mine", logEvents=events)
    late = [{"timestamp": now - 15 * 86_400_000, "message": "old"}]
    assert logs.put_log_events(logGroupName=GROUP, logStreamName="mine",
                               logEvents=late)["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 1}
    daemon.kill()
    daemon.start()
    logs = daemon.client("logs")
    watch(logs)
    found = logs.get_paginator("filter_log_events").paginate(
        logGroupName=GROUP, filterPattern="{ $.n >= 3 }", PaginationConfig={"PageSize": 1})
    assert [event["message"] for page in found for event in page["events"]] == ['{"n": 3}', '{"n": 4}']
    (group,) = logs.describe_log_groups(logGroupNamePrefix=GROUP)["logGroups"]
    assert logs.list_tags_log_group(logGroupName=GROUP)["tags"] == {"team": "blue"}
    assert group["arn"] == f"arn:aws:logs:eu-central-1:123456789012:log-group:{GROUP}:*"
    logs.put_retention_policy(logGroupName=GROUP, retentionInDays=1)
    assert logs.describe_log_groups()["logGroups"][0]["retentionInDays"] == 1
    assert code_of(logs.put_retention_policy, logGroupName=GROUP, retentionInDays=2) == "InvalidParameterException"
    assert code_of(logs.create_log_group, logGroupName=GROUP) == "ResourceAlreadyExistsException"
    assert code_of(logs.get_log_events, logGroupName=GROUP, logStreamName="none") == "ResourceNotFoundException"
    assert code_of(logs.start_query, logGroupName=GROUP, startTime=0, endTime=1, queryString="x") == "InvalidParameterException"
    other = daemon.client("logs", region_name="eu-west-1")
    assert other.describe_log_groups()["logGroups"] == [], "groups belong to a region"


class LiveTail:
    """StartLiveTail as newer SDKs ask for it (Debian's does not know it), its stream read by botocore's parser."""

    def __init__(self, daemon, **members):
        variables, body = daemon.variables(), json.dumps(members).encode()
        request = botocore.awsrequest.AWSRequest("POST", daemon.url() + "/", data=body, headers={
            "Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "Logs_20140328.StartLiveTail"})
        keys = botocore.credentials.Credentials(variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"])
        botocore.auth.SigV4Auth(keys, "logs", variables["AWS_REGION"]).add_auth(request)
        self.answer = requests.post(request.url, data=body, headers=dict(request.headers), stream=True, timeout=PATIENCE)
        self.messages = self.read()

    def read(self):
        buffer = botocore.eventstream.EventStreamBuffer()
        for chunk in self.answer.iter_content(None):
            buffer.add_data(chunk)
            for message in buffer:
                yield message.headers, json.loads(message.payload)

    def updates(self):
        for headers, payload in self.messages:
            assert (headers[":event-type"], headers[":message-type"]) == ("sessionUpdate", "event"), (headers, payload)
            yield payload

    def results_until(self, is_enough):
        """Of all updates so far, once that is true of their messages."""
        results = []
        for update in self.updates():
            results += update["sessionResults"]
            assert update["sessionMetadata"] == {"sampled": False}
            if is_enough([each["message"] for each in results]):
                return results
        raise AssertionError(f"it ended with {results}")

    def close(self):
        self.answer.close()


def test_a_live_tail_tells_what_comes(daemon, logs, tmp_path):
    (group,) = logs.describe_log_groups(logGroupNamePrefix=GROUP)["logGroups"]
    arn = group["arn"].removesuffix(":*")
    logs.create_log_stream(logGroupName=GROUP, logStreamName="put")
    started = time.time()
    tail = LiveTail(daemon, logGroupIdentifiers=[arn], logEventFilterPattern='?line ?"status"')
    assert (tail.answer.status_code, tail.answer.headers["Content-Type"]) == (200, "application/vnd.amazon.eventstream")
    assert [next(tail.messages)[0][":event-type"] for _ in range(1)] == ["initial-response"]
    headers, start = next(tail.messages)
    assert headers == {":event-type": "sessionStart", ":content-type": "application/json", ":message-type": "event"}
    assert start["logGroupIdentifiers"] == [arn] and start["logEventFilterPattern"] == '?line ?"status"' and start["sessionId"]
    arn_of_task = run_task(daemon, tmp_path, COUNT)
    results = tail.results_until(lambda messages: len(messages) > 20)
    assert [each["message"] for each in results][:3] == ["line 1", "line 2", "line 3"], "in order, each once"
    assert len({each["message"] for each in results}) == len(results)
    stream = f"p/main/{arn_of_task.split('/')[-1]}"
    assert {(each["logGroupIdentifier"], each["logStreamName"]) for each in results} == {(arn, stream)}
    assert all(started * 1000 - 1 <= each["timestamp"] <= time.time() * 1000 for each in results)
    (tmp_path / "stop").touch()
    now = int(time.time() * 1000)
    logs.put_log_events(logGroupName=GROUP, logStreamName="put", logEvents=[
        {"timestamp": now, "message": "nothing"}, {"timestamp": now, "message": '{"status": 500}'}])
    seen = tail.results_until(lambda messages: '{"status": 500}' in messages)
    assert "nothing" not in [each["message"] for each in seen] and "last" not in [each["message"] for each in seen]
    (put,) = [each for each in seen if each["logStreamName"] == "put"]
    assert put["timestamp"] == now and put["ingestionTime"] >= now - 1
    tail.close()
    daemon.client("ecs").get_waiter("tasks_stopped").wait(tasks=[arn_of_task], WaiterConfig={"Delay": 1})


def test_live_tails_are_refused_in_words_and_are_not_without_end(daemon, logs):
    for members, code in (({"logGroupIdentifiers": []}, "InvalidParameterException"),
                          ({"logGroupIdentifiers": ["/ecs/none"]}, "ResourceNotFoundException"),
                          ({"logGroupIdentifiers": [GROUP], "logEventFilterPattern": '"'}, "InvalidParameterException"),
                          ({"logGroupIdentifiers": [GROUP, GROUP], "logStreamNames": ["a"]}, "InvalidParameterException"),
                          ({"logGroupIdentifiers": [GROUP], "logStreamNames": ["a"], "logStreamNamePrefixes": ["b"]},
                           "InvalidParameterException")):
        answer = LiveTail(daemon, **members).answer
        assert (answer.status_code, answer.json()["__type"]) == (400, code), (members, answer.text)
    tails = [LiveTail(daemon, logGroupIdentifiers=[GROUP]) for _ in range(15)]
    assert all(tail.answer.status_code == 200 for tail in tails)
    assert LiveTail(daemon, logGroupIdentifiers=[GROUP]).answer.json()["__type"] == "LimitExceededException"
    for tail in tails:
        tail.close()

    def again():
        tail = LiveTail(daemon, logGroupIdentifiers=[GROUP])
        tail.close()
        return tail.answer.status_code == 200

    wait_until(again, f"room for one: {daemon.log()}")
    (tail,) = [LiveTail(daemon, logGroupIdentifiers=[GROUP])]
    assert tail.answer.status_code == 200
    daemon.kill()
    with pytest.raises(requests.exceptions.RequestException):
        for _ in tail.messages:
            pass
    daemon.start()


def test_a_live_tail_ends_after_three_hours(tmp_path_factory, layouts):
    images = {name: f"oci:{directory}:latest" for name, directory in layouts.items()}
    instance = Instance(tmp_path_factory.mktemp("tails"), images, {"accountId": "123456789012", "region": "eu-central-1"})
    with Daemon(instance, "--virtual-clock") as daemon:
        daemon.client("logs").create_log_group(logGroupName=GROUP)
        started, moved = time.monotonic(), 0
        tail = LiveTail(daemon, logGroupIdentifiers=[GROUP])
        assert [next(tail.messages)[0][":event-type"] for _ in range(2)] == ["initial-response", "sessionStart"]
        last = None
        while last is None:
            assert moved <= 3 * 3600, "it has lasted for longer"
            outcome = instance.berth("system", "clock", "advance", "10m")
            assert outcome.code == 0, outcome
            moved += 600
            # One a second, so that few are left unread; behind the last one there is the end of the stream.
            for headers, payload in itertools.islice(tail.messages, 590 if moved < 3 * 3600 else None):
                assert last is None, "nothing comes after it"
                if headers[":message-type"] != "event":
                    last = headers, payload
        assert moved + time.monotonic() - started >= 3 * 3600, "it has ended too early"
        headers, payload = last
        assert headers == {":exception-type": "SessionTimeoutException", ":content-type": "application/json", ":message-type": "exception"}
        assert payload == {"message": "The session has lasted for three hours."}
        assert LiveTail(daemon, logGroupIdentifiers=[GROUP]).answer.status_code == 200
