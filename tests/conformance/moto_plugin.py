"""A plugin of pytest for tests of moto: their calls go to a berthd of each test's own.

moto's tests say `from moto import mock_aws`; the modules of that name here mock nothing. What a test asks of EC2 so
that there is a host for its tasks is answered from the host that there is: berth makes no instances and no networks.
"""

import contextlib
import datetime
import functools
import inspect
import json
import pathlib
import re
import sys
import tempfile
import time
import types
import uuid

import boto3
import pytest

PROJECT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "tests" / "support"))

from berth import Instance  # noqa: E402
from daemon import Daemon, stop_all  # noqa: E402
from stand_in import StandIn  # noqa: E402

ACCOUNT = "123456789012"


class NoMock(contextlib.ContextDecorator):
    def __enter__(self):
        return self

    def __exit__(self, *_):
        return False


def mock_aws(function=None, **_):
    return NoMock() if function is None else function


class FrozenTime(NoMock):
    """Of freezegun: the clock is berthd's own, so a test, or a part of one, that stops it is left out."""

    def __init__(self, *_, **__):
        pass

    def __call__(self, function):
        return pytest.mark.skip(reason="stops the clock")(function)

    def __enter__(self):
        pytest.skip("stops the clock")


# What moto calls its server mode: tests that reach into its memory then leave themselves out.
KNOWN = {
    "moto": {"mock_aws": mock_aws},
    "moto.settings": {"TEST_SERVER_MODE": True, "TEST_DECORATOR_MODE": False},
    "moto.core": {"DEFAULT_ACCOUNT_ID": ACCOUNT},
    "moto.core.config": {"default_user_config": {"core": {}}},
    "moto.core.utils": {"utcnow": lambda: datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None),
                        "unix_time_millis": lambda at=None: (at.replace(tzinfo=datetime.timezone.utc).timestamp() if at
                                                             else time.time()) * 1000},
    "freezegun": {"freeze_time": FrozenTime},
    # Limits of Amazon's that moto has as well.
    "moto.logs.models": {"MAX_RESOURCE_POLICIES_PER_REGION": 10},
    "moto.ssm.models": {"PARAMETER_VERSION_LIMIT": 100, "PARAMETER_HISTORY_MAX_RESULTS": 50},
    "moto.sts.responses": {"MAX_FEDERATION_TOKEN_POLICY_LENGTH": 2048, "MAX_ROLE_NAME_LENGTH": 64},
    "moto.ec2.utils": {"generate_instance_identity_document": lambda instance: {"instanceId": instance.id}},
}


def the_instance(client, cluster):
    (arn,) = client.list_container_instances(cluster=cluster)["containerInstanceArns"]
    return client.describe_container_instances(cluster=cluster, containerInstances=[arn])["containerInstances"][0]


def answer_for(operation, params, client):
    """What there is in the place of what would have been made; nothing for other operations."""
    if operation == "RegisterContainerInstance":
        return {"containerInstance": the_instance(client("ecs"), params.get("cluster", "default"))}
    if operation == "RunInstances":
        return {"Instances": [{"InstanceId": "i-" + uuid.uuid4().hex[:17]}]}
    if operation == "CreateVpc":
        return {"Vpc": client("ec2").describe_vpcs()["Vpcs"][0]}
    if operation == "CreateSubnet":
        return {"Subnet": client("ec2").describe_subnets()["Subnets"][0]}
    if operation == "GetRole":  # which tests ask for until there is one
        return {"Role": {"Arn": f"arn:aws:iam::{ACCOUNT}:role/{params['RoleName']}"}}
    return None


def region_of(test):
    """The one that it names: berth's names have the region of its configuration."""
    named = re.search(r'"((?:us|eu|ap)-[a-z]+-\d)"', inspect.getsource(test))
    return named.group(1) if named else "us-east-1"


@pytest.fixture(autouse=True)
def berthd(monkeypatch, request):
    """One that knows nothing of the tests before."""
    region = region_of(request.function)
    with tempfile.TemporaryDirectory(prefix="berth-moto-") as directory:
        instance = Instance(directory, {}, {"accountId": ACCOUNT, "region": region})
        with Daemon(instance) as daemon:
            for name, value in daemon.variables().items():
                monkeypatch.setenv(name, value)
            client = functools.partial(boto3.Session(region_name=region).client, endpoint_url=daemon.url())
            session = boto3.Session(region_name=region)

            def short_cut(model, params, **_):
                asked = params.get("body") or b"{}"
                fields = json.loads(asked) if isinstance(asked, (str, bytes)) else asked
                answer = answer_for(model.name, fields, client)
                return None if answer is None else (types.SimpleNamespace(status_code=200), answer)
            session.events.register("before-call", short_cut)
            monkeypatch.setattr(boto3, "DEFAULT_SESSION", session)
            monkeypatch.setattr(boto3, "client", functools.partial(session.client, endpoint_url=daemon.url()))
            monkeypatch.setattr(boto3, "resource", functools.partial(session.resource, endpoint_url=daemon.url()))
            yield daemon
            stop_all(client("ecs"))


sys.meta_path.insert(0, StandIn(("moto", "freezegun"), KNOWN))
