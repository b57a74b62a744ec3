"""A plugin of pytest for tests of LocalStack: their calls go to a berthd of each test's own.

Beside the tests lie answers that were recorded from AWS itself (`*.snapshot.json`), with which what berthd answers is compared in
full: what LocalStack exempts because it differs from AWS (`skip_snapshot_verify`) is compared here. The code that prepares the
comparison is LocalStack's own; of what else it has, tests get what is pure, and leave themselves out when they need more.
"""

import os
import pathlib
import signal
import sys
import tempfile
import time
import types

import boto3
import botocore.config
import botocore.session
import pytest

PROJECT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "tests" / "support"))

import json_path  # noqa: E402
from berth import Instance  # noqa: E402
from daemon import Daemon  # noqa: E402
from stand_in import StandIn  # noqa: E402

SOURCE = pathlib.Path(os.environ["LOCALSTACK_SOURCE"])
ACCOUNT, REGION = "735146018294", "us-east-1"  # an account that no test names
LONGEST_TEST_S, LONGEST_SLEEP_S = 180, 2
SERVICES = ("application_autoscaling", "cloudwatch", "ec2", "ecs", "events", "logs", "secretsmanager", "ssm", "sts")

REAL = ("localstack.constants", "localstack.testing.pytest.fixtures", "localstack.testing.pytest.marking",
        "localstack.testing.snapshots.transformer_utility", "localstack.utils.aws.arns", "localstack.utils.functions",
        "localstack.utils.numbers", "localstack.utils.strings", "localstack.utils.sync", "localstack.utils.time")
ROOTS = ("aws_cdk", "cachetools", "deepdiff", "json5", "jsonpath_ng", "localstack", "localstack_snapshot.pytest", "moto",
         "pytest_httpserver", "rolo", "tests.aws.scenario", "tests.aws.services.firehose", "tests.aws.services.kinesis",
         "tests.aws.services.lambda_", "werkzeug", "xmltodict")
KNOWN = {
    "deepdiff": {"DeepDiff": None},
    "jsonpath_ng": {"DatumInContext": None},
    "jsonpath_ng.ext": {"parse": json_path.Path},
    "localstack.aws.accounts": {"DEFAULT_AWS_ACCOUNT_ID": ACCOUNT},
    "localstack.aws.spec": {"load_service": lambda name: botocore.session.get_session().get_service_model(name)},
    "localstack.config": {"DEFAULT_ENCODING": "utf-8", "is_env_true": lambda _: False},
    # The tests then do what they do with AWS, and those run that LocalStack does not pass.
    "localstack.testing.aws.util": {"is_aws_cloud": lambda: True},
    "localstack.testing.config": {"TEST_AWS_ACCOUNT_ID": ACCOUNT, "TEST_AWS_REGION_NAME": REGION},
    "localstack.utils.bootstrap": {"is_api_enabled": lambda _: True},
    "localstack.utils.net": {"IP_REGEX": r"^\d{1,3}(\.\d{1,3}){3}$"},
    "localstack.version": {"__version__": "0"},
    "localstack_snapshot.pytest.snapshot": {"is_aws": lambda: True},
}
sys.meta_path.insert(0, StandIn(ROOTS, KNOWN, REAL, SOURCE))

from localstack.testing.pytest import fixtures, marking  # noqa: E402
from localstack.utils import functions, numbers, strings, sync  # noqa: E402
from localstack.utils import time as times  # noqa: E402

KNOWN["localstack.utils.common"] = {name: value for module in (functions, numbers, strings, sync, times)
                                    for name, value in vars(module).items() if not name.startswith("_")}
KNOWN["localstack.testing.pytest"] = {"markers": marking.Markers}
for asks_when_there_is_no_daemon in ("account_id", "region_name"):
    delattr(fixtures, asks_when_there_is_no_daemon)
sys.modules["localstack.testing.pytest"].markers = marking.Markers
os.environ["TEST_TARGET"] = "AWS_CLOUD"

from localstack.testing.snapshots import transformer_utility  # noqa: E402
from localstack.utils.aws.arns import get_partition  # noqa: E402
from localstack_snapshot.snapshots.prototype import SnapshotSession  # noqa: E402
from localstack_snapshot.snapshots.transformer import RegexTransformer  # noqa: E402

pytest_plugins = ["localstack.testing.pytest.fixtures"]

# What AWS shows after a while, berth shows at once.
sleep = time.sleep
time.sleep = lambda seconds: sleep(min(seconds, LONGEST_SLEEP_S))


class Clients:
    """boto3's clients of the berthd that there is, by the names of LocalStack."""

    daemon = None

    def __init__(self, **options):
        self._options = options
        self._made = {}

    def __call__(self, **options):
        """As a factory of others."""
        return Clients(**{name: value for name, value in options.items() if name != "endpoint_url"})

    def get_client(self, service, **options):
        return getattr(self(**options), service)

    def __getattr__(self, service):
        if service.startswith("_"):
            raise AttributeError(service)
        if service not in SERVICES:
            pytest.skip(f"needs {service}")
        key = (service, Clients.daemon)
        if key not in self._made:
            retries = botocore.config.Config(retries={"max_attempts": 1})
            config = self._options.get("config")
            options = {**self._options, "config": config.merge(retries) if config else retries}
            session = boto3.Session(region_name=REGION)  # with the keys of this berthd
            client = session.client(service.replace("_", "-"), endpoint_url=Clients.daemon.url(), **options)
            client._client = client  # as if it were wrapped
            self._made[key] = client
        return self._made[key]


class Recorded(SnapshotSession):
    """What AWS answered, and what berthd does."""

    skip_verification_paths = ()

    def check(self):
        if not self.observed_state:
            return
        self.observed_state = observed = self._transform(self.observed_state)
        lines = [line for key in observed
                 for line in json_path.differences(self.recorded_state[key], observed[key], key)]
        if lines:
            pytest.fail("\n".join(["AWS answered otherwise:", *lines]), pytrace=False)


@pytest.fixture(autouse=True)
def berthd():
    with tempfile.TemporaryDirectory(prefix="berth-localstack-") as directory:
        instance = Instance(directory, {}, {"accountId": ACCOUNT, "region": REGION})
        with Daemon(instance) as daemon, pytest.MonkeyPatch.context() as patch:
            for name, value in daemon.variables().items():
                patch.setenv(name, value)
            Clients.daemon = daemon
            yield daemon


@pytest.fixture(scope="session")
def aws_session():
    return boto3.Session(region_name=REGION)


@pytest.fixture(scope="session")
def aws_client():
    return Clients()


@pytest.fixture(scope="session")
def aws_client_factory():
    return Clients()


@pytest.fixture(scope="session")
def account_id():
    return ACCOUNT


@pytest.fixture(scope="session")
def region_name():
    return REGION


@pytest.fixture(scope="session")
def secondary_aws_client():
    pytest.skip("needs another account")


secondary_aws_client_factory = secondary_aws_client


@pytest.fixture
def infrastructure_setup():
    pytest.skip("needs cloudformation")


@pytest.fixture
def snapshot(request):
    """With what tests/conftest.py of LocalStack adds."""
    path = pathlib.Path(request.fspath)
    recorded = Recorded(base_file_path=str(path.with_suffix("")), scope_key=request.node.nodeid, verify=True)
    recorded.transform = transformer_utility.TransformerUtility
    for pattern, name in ((ACCOUNT, "1" * 12), (REGION, "<region>"), (f"arn:{get_partition(REGION)}:", "arn:<partition>:")):
        recorded.add_transformer(RegexTransformer(pattern, name), priority=2)
    is_older = path.parent.name in ("cloudwatch", "events", "logs", "secretsmanager")
    recorded.add_transformer(transformer_utility.SNAPSHOT_BASIC_TRANSFORMER if is_older else
                             transformer_utility.SNAPSHOT_BASIC_TRANSFORMER_NEW, priority=2)
    return recorded


def out_of_time(*_):
    raise TimeoutError(f"no end after {LONGEST_TEST_S} s")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    signal.signal(signal.SIGALRM, out_of_time)
    signal.alarm(LONGEST_TEST_S)
    outcome = yield
    signal.alarm(0)
    if outcome.excinfo is None and "snapshot" in item.funcargs:
        item.funcargs["snapshot"].check()


def pytest_collection_modifyitems(items):
    """AWS passes what is marked so, nobody knows whether it does what is not."""
    for item in items:
        names = {mark.name for mark in item.iter_markers()}
        if "aws_validated" not in names:
            item.add_marker(pytest.mark.skip(reason="is not known to be true of AWS"))
