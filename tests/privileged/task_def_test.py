"""`berth task-def validate`: all findings at once, for the launch type that is asked for."""

import json

import pytest

from berth import sh, task


def validate(berth, definition, *flags):
    outcome = berth.berth("task-def", "validate", berth.write(definition), "--format", "json", *flags)
    document = json.loads(outcome.out)
    assert outcome.code == (0 if document["valid"] else 1), outcome
    return document


def pointers(document, by=None):
    return [finding["pointer"] for finding in document["findings"] if by in (None, finding["refusedBy"])]


def test_a_good_definition_is_valid(berth):
    document = validate(berth, task(sh("true"), cpu="256", memory="512"), "--launch-type", "fargate")
    assert document == {**document, "valid": True, "complete": True, "findings": [], "launchType": "fargate"}
    outcome = berth.berth("task-def", "validate", berth.write(task(sh("true"))))
    assert outcome.code == 0
    assert outcome.out.endswith(": valid (as written)\n")


def test_the_launch_type_decides(berth):
    definition = task(sh("true", privileged=True, linuxParameters={"sharedMemorySize": 64}), networkMode="bridge")
    assert validate(berth, definition, "--launch-type", "ec2")["valid"]
    document = validate(berth, definition, "--launch-type", "fargate")
    assert pointers(document) == ["/networkMode", "/cpu", "/memory", "/containerDefinitions/0/privileged",
                                  "/containerDefinitions/0/linuxParameters/sharedMemorySize"]
    assert all(finding["exception"] == "ClientException" for finding in document["findings"])
    # And the other way: what the definition says of itself is not asked.
    assert validate(berth, {**definition, "requiresCompatibilities": ["FARGATE"]}, "--launch-type", "ec2")["valid"]


def test_what_berth_refuses_is_told_apart_from_what_fargate_refuses(berth):
    definition = task(
        sh("true", secrets=[{"name": "A", "valueFrom": "arn:aws:ssm:x"}],
           logConfiguration={"logDriver": "awslogs", "options": {"awslogs-group": "g", "awslogs-region": "r"}}),
        cpu="256", memory="512", pidMode="host", ipcMode="task", placementConstraints=[{"type": "memberOf"}])
    document = validate(berth, definition, "--launch-type", "fargate")
    assert pointers(document, "berth") == ["/placementConstraints"]
    assert pointers(document, "aws") == [
        "/pidMode", "/ipcMode", "/placementConstraints", "/containerDefinitions/0/secrets",
        "/containerDefinitions/0/logConfiguration/options", "/executionRoleArn"]
    messages = [finding["message"] for finding in document["findings"] if finding["refusedBy"] == "aws"]
    assert messages[1] == "Fargate compatible task definitions do not support ipcMode"


def test_what_cannot_be_read_is_told_with_the_rest(berth):
    document = validate(berth, task(sh("true", memory="64", healthCheck={"command": ["CMD", "x"], "retries": 11}), volumes={}))
    assert sorted(pointers(document)) == ["/containerDefinitions/0/healthCheck/retries", "/containerDefinitions/0/memory",
                                          "/volumes"]
    assert not document["complete"]


def test_text_that_is_no_json_is_a_finding(berth):
    document = validate(berth, '{"family": }')
    assert document["findings"][0]["pointer"] == ""
    assert "line 1" in document["findings"][0]["message"]


def test_a_table_for_people(berth):
    outcome = berth.berth("task-def", "validate", berth.write(task(sh("true", stopTimeout=-1))))
    assert outcome.code == 1
    assert outcome.out.splitlines()[0].startswith("aws    /containerDefinitions/0/stopTimeout: must be between 0 and")


@pytest.mark.parametrize("arguments", [("/nowhere.json",), ("-", "--launch-type", "moon")])
def test_what_cannot_be_asked_fails(berth, arguments):
    assert berth.berth("task-def", "validate", *arguments).code == 125
