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
        sh("true", secrets=[{"name": "A", "valueFrom": "arn:aws:ssm:x"}], credentialSpecs=["credentialspec:file://x"],
           logConfiguration={"logDriver": "awslogs", "options": {"awslogs-group": "g", "awslogs-region": "r"}}),
        cpu="256", memory="512", pidMode="host", ipcMode="task",
        placementConstraints=[{"type": "memberOf", "expression": "attribute:ecs.os-type == linux"}])
    document = validate(berth, definition, "--launch-type", "fargate")
    assert pointers(document, "berth") == ["/containerDefinitions/0/credentialSpecs"]
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


def test_a_place_that_is_none_is_told_before_anything_is_pulled(berth):
    """Constraints hold or do not; what is no expression is a finding; nobody has GPUs to give."""
    here = {"type": "memberOf", "expression": "attribute:ecs.os-type == linux and attribute:ecs.capability.task-eni exists"}
    there = {"type": "memberOf", "expression": "attribute:stack == blue"}
    assert berth.run(task(sh("true"), placementConstraints=[here])).code == 0
    outcome = berth.run(task(sh("true", image="no.such.host/image"), placementConstraints=[here, there]))
    assert outcome.code == 125 and outcome.err.startswith(
        'berth: placementConstraints: MemberOf placement constraint unsatisfied. "attribute:stack == blue" does not hold of '
        "this host, which has ecs.availability-zone us-east-1a, "), outcome
    assert validate(berth, task(sh("true"), placementConstraints=[there]))["valid"]
    document = validate(berth, task(sh("true"), placementConstraints=[{**here, "expression": "attribute:x =="}]))
    assert pointers(document, "aws") == ["/placementConstraints/0/expression"]
    wants = task(sh("true", image="no.such.host/image", resourceRequirements=[{"type": "GPU", "value": "2"}]))
    outcome = berth.run(wants)
    assert outcome.code == 125 and "RESOURCE:GPU: resourceRequirements ask for 2 GPUs" in outcome.err, outcome
