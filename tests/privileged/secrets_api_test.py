"""Secrets Manager and the Parameter Store as Amazon's own tools use them, and tasks that are given what is kept there."""

import botocore.exceptions
import pytest

from berth import sh, task
from ecs_model import watch
from waiting import wait_until

EXECUTOR = "arn:aws:iam::123456789012:role/executor"


@pytest.fixture
def clients(daemon):
    made = [daemon.client(service) for service in ("secretsmanager", "ssm", "ecs")]
    for client in made:
        watch(client)
    return made


def code_of(call, **arguments):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Code"]


def run_task(daemon, ecs, host, secrets):
    """What a task of berthd's finds in its environment; or why it does not start."""
    names = " ".join(f"${secret['name']}" for secret in secrets)
    container = {"name": "main", "image": daemon.instance.images["busybox"], "memory": 64, "secrets": secrets,
                 "command": ["sh", "-c", f'echo "{names}" >/host/found'],
                 "mountPoints": [{"sourceVolume": "host", "containerPath": "/host"}]}
    ecs.register_task_definition(family="secrets", networkMode="bridge", executionRoleArn=EXECUTOR, containerDefinitions=[container],
                                 volumes=[{"name": "host", "host": {"sourcePath": str(host)}}])
    arn = ecs.run_task(taskDefinition="secrets")["tasks"][0]["taskArn"]

    def ended():
        (found,) = ecs.describe_tasks(tasks=[arn])["tasks"]
        return found if found["lastStatus"] == "STOPPED" else None

    stopped = wait_until(ended, f"the task stops: {daemon.log()}")
    found = host / "found"
    return found.read_text().strip() if found.exists() else stopped["stoppedReason"]


def test_tasks_are_given_what_the_api_keeps(daemon, clients, tmp_path):
    manager, ssm, ecs = clients
    secret = manager.create_secret(Name="app/db", SecretString='{"user": "u1", "password": "hid-den-1"}', Tags=[{"Key": "a", "Value": "b"}])
    manager.put_secret_value(SecretId="app/db", SecretString='{"user": "u2", "password": "hid-den-2"}')
    ssm.put_parameter(Name="/app/url", Value="http://db", Type="String")
    ssm.put_parameter(Name="/token", Value="hid-den-3", Type="SecureString")
    token = ssm.get_parameter(Name="/token", WithDecryption=True)["Parameter"]
    assert token["Value"] == "hid-den-3"
    secrets = [{"name": "A", "valueFrom": secret["ARN"] + ":password::"},
               {"name": "B", "valueFrom": secret["ARN"] + ":user:AWSPREVIOUS:"},
               {"name": "C", "valueFrom": "/app/url"}, {"name": "D", "valueFrom": token["ARN"]}]
    daemon.kill()
    daemon.start()
    manager, ssm, ecs = clients = [daemon.client(service) for service in ("secretsmanager", "ssm", "ecs")]
    expected = "hid-den-2 u1 http://db hid-den-3"
    assert run_task(daemon, ecs, tmp_path, secrets) == expected
    run = daemon.instance.run(task(sh('echo "$A $B $C $D"', secrets=secrets), executionRoleArn=EXECUTOR))
    assert run.code == 0 and expected in run.out, run
    kept = b"".join(path.read_bytes() for path in (daemon.instance.root / "secrets").iterdir() if path.is_file())
    assert b"hid-den" not in kept and b"app/db" in kept
    assert "app/db" in daemon.instance.berth("secrets", "list").out
    manager.delete_secret(SecretId="app/db", RecoveryWindowInDays=7)
    (tmp_path / "found").unlink()
    assert "marked for deletion" in run_task(daemon, ecs, tmp_path, secrets)
    assert code_of(manager.get_secret_value, SecretId="app/db") == "InvalidRequestException"
    manager.restore_secret(SecretId=secret["ARN"])
    assert manager.get_secret_value(SecretId="app/db", VersionId=secret["VersionId"])["SecretString"] == '{"user": "u1", "password": "hid-den-1"}'
    manager.delete_secret(SecretId="app/db", ForceDeleteWithoutRecovery=True)
    assert code_of(manager.describe_secret, SecretId="app/db") == "ResourceNotFoundException"
    assert ssm.delete_parameters(Names=["/app/url", "/token"])["InvalidParameters"] == []


def test_the_command_line_and_the_api_keep_the_same_things(daemon, clients):
    manager, ssm, _ = clients
    source = daemon.instance.state.parent / "value"
    source.write_text("typed")
    assert daemon.instance.berth("secrets", "put", "typed", "--file", str(source)).code == 0
    assert daemon.instance.berth("secrets", "put", "--parameter", "/typed", "--file", str(source)).code == 0
    assert manager.get_secret_value(SecretId="typed")["SecretString"] == "typed"
    assert [each["Name"] for each in manager.list_secrets()["SecretList"]] == ["typed"]
    assert daemon.aws("ssm", "get-parameter", "--name", "/typed", "--with-decryption")["Parameter"]["Value"] == "typed"
    put = manager.create_secret(Name="bytes", SecretBinary=b"\0\1\2")
    assert manager.get_secret_value(SecretId=put["ARN"])["SecretBinary"] == b"\0\1\2"
    assert daemon.aws("secretsmanager", "get-secret-value", "--secret-id", "bytes")["SecretBinary"] == "AAEC"
    assert code_of(manager.rotate_secret, SecretId="bytes") == "InvalidRequestException"
    assert code_of(ssm.get_parameter, Name="/none") == "ParameterNotFound"
    for number in range(12):
        ssm.put_parameter(Name=f"/many/{number}", Value="v", Type="StringList")
    pages = ssm.get_paginator("get_parameters_by_path").paginate(Path="/many")
    assert len([each for page in pages for each in page["Parameters"]]) == 12
    described = ssm.get_paginator("describe_parameters").paginate(PaginationConfig={"PageSize": 5})
    assert len([each for page in described for each in page["Parameters"]]) == 13
    for name in ("typed", "bytes"):
        manager.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    ssm.delete_parameters(Names=[f"/many/{number}" for number in range(10)])
    ssm.delete_parameters(Names=["/many/10", "/many/11", "/typed"])
