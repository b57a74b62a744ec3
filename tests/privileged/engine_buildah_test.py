"""buildah with berth-oci as its runtime: commands in a working container, and builds whose steps run in it."""

import subprocess

import pytest

from engine import LIMITS, RUNTIME, Engine, cgroups

NETWORK = ("--network", "none")
ULIMITS = tuple(f"--ulimit={limit}" for limit in LIMITS)


class Buildah(Engine):
    def __init__(self, layout):
        super().__init__("buildah", "buildah")
        self.image = f"oci:{layout}:latest"

    def words(self):
        return ["buildah", "--root", self.directory / "root", "--runroot", self.directory / "run"]

    def container(self, *flags, image=None):
        return self.good("from", "--quiet", *ULIMITS, *NETWORK, *flags, image or self.image)

    def run(self, container, *flags, command=("true",), **options):
        return self("run", "--runtime", RUNTIME, *NETWORK, *flags, container, *command, **options)

    def build(self, *lines, flags=()):
        """A build of these steps on the test image, below the name `built`."""
        context = self.directory / "context"
        context.mkdir(exist_ok=True)
        (context / "given").write_text("from the context\n")
        (context / "Containerfile").write_text("\n".join([f"FROM {self.image}", *lines, ""]))
        return self("bud", "--runtime", RUNTIME, *ULIMITS, *NETWORK, "--tag", "built", *flags, context)

    def close(self):
        self("rm", "--all")
        subprocess.run(["umount", self.directory / "root/overlay"], stderr=subprocess.DEVNULL, check=False)
        super().close()


@pytest.fixture(scope="module")
def buildah(layouts):
    engine = Buildah(layouts["busybox"])
    yield engine
    engine.close()


@pytest.fixture
def box(buildah):
    return buildah.container()


def test_output_input_and_exit_codes(buildah, box):
    outcome = buildah.run(box, command=["sh", "-c", "cat; echo err >&2; exit 7"], stdin="typed\n")
    assert (outcome.code, outcome.out) == (7, "typed\n")
    assert "err\n" in outcome.err


def test_a_program_that_cannot_be_executed(buildah, box):
    outcome = buildah.run(box, command=["nosuch"])
    assert outcome.code != 0
    assert 'exec: "nosuch": executable file not found in $PATH' in outcome.err


def test_user_and_working_directory(buildah, box):
    outcome = buildah.run(box, "--user", "5:6", "--workingdir", "/tmp", command=["sh", "-c", "id -u; id -g; pwd"])
    assert outcome.out.split() == ["5", "6", "/tmp"]


def test_what_a_run_writes_is_there_for_the_next(buildah, box):
    assert buildah.run(box, command=["sh", "-c", "echo kept >/file"]).code == 0
    assert buildah.run(box, command=["cat", "/file"]).out == "kept\n"


def test_volumes(buildah, box, tmp_path):
    (tmp_path / "host").write_text("from the host\n")
    outcome = buildah.run(box, "--volume", f"{tmp_path}:/v", "--volume", f"{tmp_path}:/ro:ro",
                          command=["sh", "-c", "cat /v/host; echo x >/v/made; touch /ro/x"])
    assert outcome.out == "from the host\n"
    assert "/ro/x: Read-only file system" in outcome.err
    assert (tmp_path / "made").read_text() == "x\n"


def test_a_terminal(buildah, box):
    code, shown = buildah.in_terminal("run", "--runtime", RUNTIME, *NETWORK, "--tty", box, "sh", "-c",
                                      "tty; echo ready; read word; echo got $word; exit 4", typed=b"hello\n")
    assert code == 4, shown
    assert "/dev/pts/0" in shown
    assert "got hello" in shown


def test_user_namespace(buildah):
    box = buildah.container("--userns-uid-map", "0:100000:65536", "--userns-gid-map", "0:200000:65536")
    outcome = buildah.run(box, command=["sh", "-c", "cat /proc/self/uid_map; id -u; stat -c %u /bin; echo x >/f"])
    assert outcome.out.split() == ["0", "100000", "65536", "0", "0"], outcome


def test_capabilities(buildah, box):
    def has_kill(*flags):
        outcome = buildah.run(box, *flags, command=["grep", "CapEff", "/proc/self/status"])
        return (int(outcome.out.split()[1], 16) >> 5) & 1

    assert has_kill() == 1
    assert has_kill("--cap-drop", "CAP_KILL") == 0


def test_steps_of_a_build_run_in_the_runtime(buildah):
    outcome = buildah.build("COPY given /given", "RUN cat /given >/made && id -u >>/made", "USER 5:6", "WORKDIR /w",
                            "RUN id -u && pwd && ! touch /x", "CMD cat /made")
    assert outcome.code == 0, outcome
    assert "\n5\n/w\n" in outcome.out + outcome.err
    assert buildah.run(buildah.container(image="built"), command=["cat", "/made"]).out == "from the context\n0\n"


def test_a_step_that_fails_fails_the_build(buildah):
    outcome = buildah.build("RUN exit 9")
    assert outcome.code == 9
    assert "exit status 9" in outcome.err


def test_a_step_with_mounts_and_secrets(buildah, tmp_path):
    (tmp_path / "secret").write_text("hidden\n")
    outcome = buildah.build("RUN --mount=type=secret,id=key cat /run/secrets/key",
                            "RUN --mount=type=tmpfs,target=/t touch /t/x && grep -c ' /t tmpfs' /proc/mounts",
                            "RUN ! test -e /run/secrets/key", flags=("--secret", f"id=key,src={tmp_path}/secret"))
    assert outcome.code == 0, outcome
    assert {"hidden", "1"} <= set(outcome.out.splitlines())


def test_nothing_is_left(buildah, box):
    assert buildah.run(box).code == 0
    assert [path for path in cgroups("") if path.name.startswith(("buildah", "berth-buildah"))] == []
