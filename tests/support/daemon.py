"""A berthd of an instance, and Amazon's own tools that speak to it."""

import contextlib
import json
import re
import signal
import socket
import subprocess
import time

import boto3
import botocore.config

from berth import BIN, PATIENCE

WATCHDOG_USEC = 400_000


class Daemon:
    """Runs berthd as systemd would; the context ends it with SIGTERM, which must not end tasks."""

    def __init__(self, instance, *flags, watchdog=False):
        self.instance, self.flags = instance, flags
        self._watchdog = {"WATCHDOG_USEC": str(WATCHDOG_USEC)} if watchdog else {}
        self.told = []
        self.process = None
        self.pass_fds = ()
        self.extra = {}  # variables of its environment

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()

    def start(self):
        """Until it says that it is ready; nothing is polled."""
        path = self.instance.state.parent / "notify"
        path.unlink(missing_ok=True)
        self.told = []
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notify.bind(str(path))
        self._notify.settimeout(0.2)
        self._log = open(self.instance.state.parent / "berthd.log", "a+")
        self.process = subprocess.Popen(
            self.command(*self.flags), stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log,
            pass_fds=self.pass_fds, env={**self.instance.environment, "NOTIFY_SOCKET": str(path), **self._watchdog, **self.extra})
        self.hear("READY=1")

    def hear(self, wanted, times=1):
        """Waits until it has said so, as often; AssertionError at once when it has died."""
        deadline = time.monotonic() + 60 * PATIENCE
        is_over = False
        while self.told.count(wanted) < times:
            try:
                self.told.append(self._notify.recv(4096).decode())
            except socket.timeout:
                if is_over:
                    raise AssertionError(f"never told {wanted}: {self.log()}") from None
                is_over = self.process.poll() is not None or time.monotonic() > deadline  # then one more look

    def command(self, *flags):
        program, *options = self.instance.command(())
        listen = [] if "--listen" in flags else ["--listen", "127.0.0.1:0"]
        return [str(BIN / "berthd"), *options, *listen, *flags]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(60 * PATIENCE) == 0, self.log()
        self.hear("STOPPING=1")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def log(self):
        self._log.seek(0)
        return self._log.read()

    def address(self):
        host, port = json.loads((self.instance.state / "berthd.json").read_text())["listen"].split(":")
        return host, int(port)

    def url(self):
        return "http://{}:{}".format(*self.address())

    def variables(self):
        """What `berth env` exports."""
        printed = self.instance.berth("env")
        assert printed.code == 0, printed
        return dict(re.findall(r"^export (\w+)='(.*)'$", printed.out, re.MULTILINE))

    def client(self, service, **options):
        """boto3's, with the root key unless `options` say otherwise."""
        variables = self.variables()
        options = {"aws_access_key_id": variables["AWS_ACCESS_KEY_ID"],
                   "aws_secret_access_key": variables["AWS_SECRET_ACCESS_KEY"],
                   "region_name": variables["AWS_REGION"], **options}
        config = botocore.config.Config(retries={"max_attempts": 1})
        return boto3.client(service, endpoint_url=self.url(), config=config, **options)

    def aws(self, *arguments):
        """Amazon's command line in a shell that has read `berth env`."""
        script = 'eval "$("$@" env)" && exec aws --endpoint-url "$AWS_ENDPOINT_URL" --output json ' + " ".join(arguments)
        environment = {name: value for name, value in self.instance.environment.items() if not name.startswith("AWS_")}
        done = subprocess.run(["bash", "-c", script, "bash", *self.instance.command(())], capture_output=True, text=True,
                              env={**environment, "AWS_SESSION_TOKEN": "of another account", "AWS_PAGER": ""},
                              timeout=180 * PATIENCE, check=False)
        assert done.returncode == 0, done
        return json.loads(done.stdout) if done.stdout.strip() else None


def stop_all(ecs):
    """berthd leaves tasks running when it ends."""
    for cluster in ecs.list_clusters()["clusterArns"]:
        for service in ecs.list_services(cluster=cluster)["serviceArns"]:
            ecs.delete_service(cluster=cluster, service=service, force=True)
        tasks = ecs.list_tasks(cluster=cluster)["taskArns"]
        for task in tasks:
            ecs.stop_task(cluster=cluster, task=task)
        if tasks:
            ecs.get_waiter("tasks_stopped").wait(cluster=cluster, tasks=tasks, WaiterConfig={"Delay": 1, "MaxAttempts": 60})


@contextlib.contextmanager
def connection(address):
    """A plain stream to a host and port, or to the path of a unix socket."""
    is_unix = not isinstance(address, tuple)
    with socket.socket(socket.AF_UNIX if is_unix else socket.AF_INET) as peer:
        peer.settimeout(60 * PATIENCE)
        peer.connect(str(address) if is_unix else address)
        yield peer


def ask(address, method="POST", path="/", headers=None, body=b""):
    """One request as it is written here, unsigned: status, headers in lower case, body."""
    lines = [f"{method} {path} HTTP/1.1", "Host: h", "Connection: close", f"Content-Length: {len(body)}",
             *(f"{name}: {value}" for name, value in (headers or {}).items())]
    with connection(address) as peer:
        peer.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        answer = b"".join(iter(lambda: peer.recv(65536), b""))
    head, _, rest = answer.partition(b"\r\n\r\n")
    first, *others = head.decode().split("\r\n")
    return int(first.split()[1]), dict((line.split(": ", 1)[0].lower(), line.split(": ", 1)[1]) for line in others), rest
