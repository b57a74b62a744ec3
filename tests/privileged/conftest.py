import json
import pathlib
import re
import signal
import sys

import pytest

PROJECT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "tests" / "support"))

import leak_census  # noqa: E402
from berth import Instance, sh, task  # noqa: E402
from oci import Oci  # noqa: E402
from oci_bundle import Bundle  # noqa: E402
from registry import Registry  # noqa: E402

# A shell starts what it leaves in the background with SIGINT ignored, and programs that we start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def layouts():
    """OCI layouts of the test images, which the ctest privileged.images makes."""
    directory = PROJECT / "build" / "images"
    if not all((directory / name / "index.json").exists() for name in ("busybox", "nginx")):
        pytest.exit(f"no test images: tools/images/ensure {directory} busybox nginx")
    return {name: directory / name for name in ("busybox", "nginx")}


@pytest.fixture(scope="session")
def warm(tmp_path_factory, layouts):
    """An instance that all tests share, so that images are unpacked once."""
    images = {name: f"oci:{directory}:latest" for name, directory in layouts.items()}
    instance = Instance(tmp_path_factory.mktemp("berth"), images)
    outcome = instance.run(task(sh("true")))
    assert outcome.code == 0, outcome
    return instance


@pytest.fixture
def berth(warm):
    before = leak_census.take(warm.state, warm.root)
    yield warm
    leak_census.assert_equal(before, warm.state, warm.root)


@pytest.fixture(scope="session")
def warm_and_hurried(tmp_path_factory, layouts):
    images = {name: f"oci:{directory}:latest" for name, directory in layouts.items()}
    config = {"shim": str(PROJECT / "tests" / "support" / "hurried_shim")}
    return Instance(tmp_path_factory.mktemp("hurried"), images, config)


@pytest.fixture
def hurried(warm_and_hurried):
    """One whose seconds of health checks and restarts are hundredths."""
    before = leak_census.take(warm_and_hurried.state, warm_and_hurried.root)
    yield warm_and_hurried
    leak_census.assert_equal(before, warm_and_hurried.state, warm_and_hurried.root)


@pytest.fixture
def fresh(tmp_path, layouts):
    """An instance that never ran: for what happens to an empty store."""
    images = {name: f"oci:{directory}:latest" for name, directory in layouts.items()}
    instance = Instance(tmp_path, images)
    before = leak_census.take(instance.state, instance.root)
    yield instance
    leak_census.assert_equal(before, instance.state, instance.root)


@pytest.fixture
def registry(tmp_path):
    with Registry(tmp_path / "registry") as running:
        yield running


@pytest.fixture
def box(tmp_path):
    """A bundle for berth-oci; afterwards nothing of it may be left."""
    bundle = Bundle(tmp_path)
    yield bundle
    bundle.delete()
    assert bundle.leftovers() == []


@pytest.fixture
def oci(tmp_path):
    """berth-oci with a state root and bundles of its own."""
    runtime = Oci(tmp_path)
    yield runtime
    runtime.close()


@pytest.fixture
def detached(berth):
    """Starts tasks with --detach and gives their ids; those that still run are stopped at the end."""
    started = []

    def start(definition, *flags):
        outcome = berth.run(definition, "--detach", *flags)
        assert outcome.code == 0, outcome
        assert re.fullmatch(r"[0-9a-f]{32}\n", outcome.out), outcome
        started.append(outcome.out.strip())
        return started[-1]

    yield start
    running = {each["taskId"] for each in json.loads(berth.berth("ps", "--format", "json").out)}
    for each in running & set(started):
        berth.berth("stop", "--kill", each)
    leak_census.wait_for_sweepers(berth.name, (berth.state, berth.root))


@pytest.fixture(scope="module")
def daemon_instance(tmp_path_factory, layouts):
    """An instance for berthd: with another account and region than those that nobody has chosen."""
    images = {name: f"oci:{directory}:latest" for name, directory in layouts.items()}
    return Instance(tmp_path_factory.mktemp("daemon"), images, {"accountId": "123456789012", "region": "eu-central-1"})


@pytest.fixture
def daemon(daemon_instance):
    """A berthd. Its tasks are the test's to stop."""
    from daemon import Daemon  # brings boto3, which takes its time
    before = leak_census.take(daemon_instance.state, daemon_instance.root)
    with Daemon(daemon_instance) as running:
        yield running
    leak_census.assert_equal(before, daemon_instance.state, daemon_instance.root)
