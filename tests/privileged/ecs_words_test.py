"""What ECS refuses, it refuses in Amazon's words: the exception and the text of each public record. Behind the text may
stand which member it is about."""

import json

import boto3
import pytest

import ecs_words
from probed_ecs import ProbedEcs

EFS = {"volumes": [{"name": "v", "efsVolumeConfiguration": {"fileSystemId": "fs-12345678"}}]}
MOUNTED = ecs_words.container(mountPoints=[{"sourceVolume": "data", "containerPath": "/data"}])
LAUNCHED = {"containerDefinitions": [MOUNTED], "volumes": [{"name": "data", "configuredAtLaunch": True}]}


def made(ecs, operation, **request):
    answer = ecs.ask(operation=operation, body=json.dumps(request))
    assert answer["status"] == 200, answer
    return json.loads(answer["body"])


@pytest.fixture(scope="module")
def ecs():
    host = ProbedEcs()
    for family, members in [("web", {}), ("vpc", {"networkMode": "awsvpc"}), ("far", ecs_words.FARGATE),
                            ("files", {**ecs_words.FARGATE, **EFS}), ("old", {}), ("launched", LAUNCHED)]:
        made(host, "RegisterTaskDefinition", **{**ecs_words.definition(**members), "family": family})
    made(host, "DeregisterTaskDefinition", taskDefinition="old:1")
    for cluster in ("other", "gone"):
        made(host, "CreateCluster", clusterName=cluster)
    made(host, "DeleteCluster", cluster="gone")
    made(host, "RunTask", cluster="other", taskDefinition="web")
    for service in ("s", "away", "drains"):
        made(host, "CreateService", serviceName=service, taskDefinition="web", desiredCount=1)
    made(host, "CreateService", serviceName="ext", deploymentController={"type": "EXTERNAL"})
    made(host, "DeleteService", service="away", force=True)
    host.ask(agent=True)
    made(host, "DeleteService", service="drains", force=True)
    yield host
    host.close()


@pytest.fixture(scope="module")
def tasks(ecs):
    def run(**members):
        return made(ecs, "RunTask", taskDefinition="web", **members)["tasks"][0]["taskArn"].rsplit("/")[-1]
    return {"$TASK": run(enableExecuteCommand=True), "$PLAIN": run()}


def refused(ecs, operation, request):
    answer = ecs.ask(operation=operation, body=json.dumps(request))
    body = json.loads(answer["body"])
    return answer["status"], body.get("__type"), body.get("message")


def says(message, text):
    return message == text or message.startswith(text + " ")


def known_exceptions():
    model = boto3.client("ecs", region_name="eu-central-1").meta.service_model
    return {name: {shape.name for shape in model.operation_model(name).error_shapes} for name in model.operation_names}


def test_definitions_are_refused_in_amazons_words(ecs):
    wrong = []
    for request, text, record in ecs_words.DEFINITIONS:
        status, code, message = refused(ecs, "RegisterTaskDefinition", request)
        if (status, code) != (400, "ClientException") or not says(message, text):
            wrong.append((text, status, code, message, record))
    assert not wrong, "\n".join(map(str, wrong))


def test_requests_are_refused_in_amazons_words(ecs, tasks):
    wrong = []
    for operation, request, exception, text, record in ecs_words.REQUESTS:
        named = {name: tasks.get(value, value) if isinstance(value, str) else value for name, value in request.items()}
        status, code, message = refused(ecs, operation, named)
        if (status, code) != (400, exception) or not says(message, text):
            wrong.append((operation, text, status, code, message, record))
    assert not wrong, "\n".join(map(str, wrong))


def test_the_tables_are_of_exceptions_that_the_operations_have():
    known = known_exceptions()
    unknown = {(row[0], row[2]) for row in ecs_words.REQUESTS if row[2] not in known[row[0]]}
    assert not unknown
