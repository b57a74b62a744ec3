"""taskRoleArn: stock SDKs in a container find the keys of the role with no settings. Whose signatures are right is
botocore's judgement, on the other side too (tests/support/fake_aws.py)."""

import datetime
import json
import os
import pathlib

import leak_census
import pytest
from berth import Instance, sh, task
from fake_aws import FakeAws
from inside import Inside
from waiting import wait_until

HOLD = "trap 'exit 0' TERM; while :; do usleep 50000; done"
HOST_KEYS = {"AKIDHOST": ("host/+=", ""), "AKIDSTATIC": ("static/+=", "")}
ROLE = "arn:aws:iam::123456789012:role/team/{}"
WHO_AM_I = """
import boto3, sys
print(boto3.client("sts", endpoint_url=sys.argv[1]).get_caller_identity()["Arn"])
"""


@pytest.fixture
def aws():
    with FakeAws(HOST_KEYS, ["unused"], address=("0.0.0.0", 0)) as fake:
        yield fake


@pytest.fixture
def berth(tmp_path, layouts, aws):
    """An instance whose host has a profile with keys, and roles of each kind."""
    port = aws.server.server_address[1]
    config = {"accountId": "123456789012", "roles": {
        ROLE.format("static"): {"keys": {"accessKeyId": "AKIDSTATIC", "secretAccessKey": "static/+="}},
        ROLE.format("profile"): {"profile": "dev"},
        "assumed": {"assumeRole": {"profile": "dev", "stsEndpoint": f"http://127.0.0.1:{port}"}}}}
    instance = Instance(tmp_path, {"busybox": f"oci:{layouts['busybox']}:latest"}, config)
    os.chmod(tmp_path / "berth.json", 0o600)
    instance.give_aws_profile("dev", "AKIDHOST", "host/+=")
    before = leak_census.take(instance.state, instance.root)
    yield instance
    leak_census.assert_equal(before, instance.state, instance.root)


@pytest.fixture
def start(berth, detached):
    def inside(definition, *flags):
        task_id = detached(definition, *flags)
        return Inside(berth.listed(task_id)["containers"][0]["pid"])

    return inside


def credentials_of(inside):
    return inside.json("http://169.254.170.2" + inside.environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"])


def test_a_task_of_no_service_cannot_be_protected(start):
    """What no task role may ask, and what ECS says of a task that stands alone."""
    main = start(task(sh(HOLD), taskRoleArn=ROLE.format("static")))
    state = main.environment["ECS_AGENT_URI"] + "/task-protection/v1/state"
    arn = main.task()["TaskARN"]

    def ask(method, body="", url=state):
        status, _, text = main.ask(url, method, body)
        return status, json.loads(text)

    alone = (200, {"failure": {"Arn": arn, "Detail": None, "Reason": "TASK_NOT_VALID"}})
    assert ask("GET") == alone
    assert ask("PUT", '{"ProtectionEnabled": true, "ExpiresInMinutes": 2880}') == alone
    assert ask("PUT", '{"ExpiresInMinutes": 1}') == (400, {"error": {
        "Arn": arn, "Code": "InvalidParameterException",
        "Message": "Invalid request: does not contain 'ProtectionEnabled' field"}})
    assert ask("PUT", '{"Protect": true}') == (400, {"error": {
        "Code": "InvalidParameterException", "Message": "UpdateTaskProtection: failed to decode request"}})
    code, answer = ask("PUT", '{"ProtectionEnabled": true, "ExpiresInMinutes": 2881}')
    assert (code, answer["error"]["Code"]) == (400, "InvalidParameterException")
    assert main.ask(state, "DELETE")[0] == 405
    assert ask("GET", url="http://169.254.170.2/api/unknown/task-protection/v1/state") == (404, {"error": {
        "Code": "ResourceNotFoundException", "Message": "Failed to find a task for the request"}})
    poor = start(task(sh(HOLD)))
    status, _, text = poor.ask(poor.environment["ECS_AGENT_URI"] + "/task-protection/v1/state")
    assert (status, json.loads(text)["error"]["Code"]) == (403, "AccessDeniedException")


def test_boto3_and_the_command_line_find_the_keys_of_an_assumed_role(berth, start, aws):
    inside = start(task(sh(HOLD), taskRoleArn=ROLE.format("assumed")))
    endpoint = f"http://172.29.0.1:{aws.server.server_address[1]}"
    done = inside.run("/usr/bin/python3", "-c", WHO_AM_I, endpoint)
    assert done.stdout.strip().endswith("assumed-role/ASIAHANDEDOUT"), done.stderr
    done = inside.run("/usr/bin/aws", "sts", "get-caller-identity", "--endpoint-url", endpoint, "--output", "json")
    assert json.loads(done.stdout)["UserId"] == "ASIAHANDEDOUT", done.stderr
    # The host's keys asked once, for this task by name; the second client got what was kept.
    assert aws.asked == ["sts AssumeRole AKIDHOST", "sts GetCallerIdentity ASIAHANDEDOUT",
                         "sts GetCallerIdentity ASIAHANDEDOUT"]
    task_id = json.loads(berth.berth("ps", "--format", "json").out)[0]["taskId"]
    assert aws.sessions == [(ROLE.format("assumed"), task_id)]
    found = credentials_of(inside)
    assert list(found) == ["RoleArn", "AccessKeyId", "SecretAccessKey", "Token", "Expiration"]
    assert found["RoleArn"] == ROLE.format("assumed")
    # Of its id, nobody knows anything but root and the container.
    status, _, text = inside.ask("http://169.254.170.2/v2/credentials/of-somebody-else")
    assert (status, json.loads(text)) == (400, {"code": "InvalidIdInRequest", "HTTPErrorCode": 400,
                                                "message": "CredentialsV2Request: Credentials not found"})
    assert json.loads(inside.ask("http://169.254.170.2/v2/credentials")[2])["code"] == "NoIdInRequest"


def test_what_is_soon_to_end_is_renewed(start, aws):
    aws.role_seconds = 900
    inside = start(task(sh(HOLD), taskRoleArn=ROLE.format("assumed")))
    first = credentials_of(inside)
    assert credentials_of(inside) == first
    assert aws.asked == ["sts AssumeRole AKIDHOST"]
    aws.role_seconds = 1
    aws.asked.clear()
    inside = start_again(inside)
    short = credentials_of(inside)
    assert short["Expiration"] < first["Expiration"]
    aws.role_seconds = 3600
    aws.handed_out = {**aws.handed_out, "Token": "another"}
    # Not before half of its second is over.
    wait_until(lambda: credentials_of(inside)["Token"] == "another", "it is not renewed")


def start_again(inside):
    """The same container, whose endpoint has forgotten what it kept."""
    for entry in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = entry.read_bytes().replace(b"\0", b" ").decode()
            if " system endpoint " in command and os.readlink(entry.parent / "ns" / "net") == os.readlink("/proc/self/ns/net"):
                os.kill(int(entry.parent.name), 9)
        except OSError:  # it has gone by itself
            continue
    return inside


def test_a_role_may_be_keys_or_a_profile_of_the_host(berth, start, aws):
    for role, key in (("static", "AKIDSTATIC"), ("profile", "AKIDHOST")):
        overrides = pathlib.Path(berth.root).parent / "overrides.json"
        overrides.write_text(json.dumps({"taskRoleArn": ROLE.format(role)}))
        inside = start(task(sh(HOLD), taskRoleArn="assumed"), "--overrides", overrides)
        found = credentials_of(inside)
        assert (found["AccessKeyId"], found["Token"]) == (key, "")
        left = datetime.datetime.strptime(found["Expiration"], "%Y-%m-%dT%H:%M:%SZ") - datetime.datetime.utcnow()
        assert left > datetime.timedelta(minutes=50)
        done = inside.run("/usr/bin/python3", "-c", WHO_AM_I, f"http://172.29.0.1:{aws.server.server_address[1]}")
        assert done.stdout.strip().endswith("/" + key), done.stderr
        berth.berth("stop", "--kill", json.loads(berth.berth("ps", "--format", "json").out)[0]["taskId"])


def test_in_the_network_of_the_host_too(start):
    inside = start(task(sh(HOLD), networkMode="host", taskRoleArn=ROLE.format("static")))
    assert "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI" not in inside.environment
    assert inside.json(inside.environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"])["AccessKeyId"] == "AKIDSTATIC"


def test_what_cannot_be_had_is_said_to_both_sides(berth, start, aws):
    inside = start(task(sh(HOLD), taskRoleArn=ROLE.format("assumed")))
    aws.keys["AKIDHOST"] = ("another", "")
    status, _, text = inside.ask("http://169.254.170.2" +
                                 inside.environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"])
    assert (status, json.loads(text)["code"]) == (503, "CredentialsUninitialized")
    assert inside.task()["KnownStatus"] == "RUNNING", "the metadata does not depend on it"
    (log,) = (berth.state / "tasks").glob("*/shim.log")
    wait_until(lambda: "InvalidSignatureException" in log.read_text(), "it is logged")
    assert "host/+=" not in log.read_text()


def test_a_role_that_is_not_mapped_is_refused_by_name(berth):
    outcome = berth.run(task(sh("true"), taskRoleArn=ROLE.format("unknown")))
    assert outcome.code == 125
    assert (f"taskRoleArn: the role '{ROLE.format('unknown')}' is not in \"roles\" of berth.json" in outcome.err), outcome


def test_keys_are_not_for_everybody_to_read(berth, tmp_path):
    shown = berth.berth("system", "config").out
    assert "static/+=" not in shown and json.loads(shown)["roles"][ROLE.format("static")]["keys"] == {
        "accessKeyId": "AKIDSTATIC", "secretAccessKey": "***"}
    os.chmod(tmp_path / "berth.json", 0o644)
    outcome = berth.berth("ps")
    assert outcome.code == 125 and "chmod 600" in outcome.err
    os.chmod(tmp_path / "berth.json", 0o600)
