"""berthd replaced by another one: the same process, the same sockets, and clients that notice nothing."""

import signal
import socket
import threading

from daemon import Daemon, ask
from waiting import wait_until

ECS = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "AmazonEC2ContainerServiceV20141113.ListClusters"}


class Clients:
    """Ask again and again, each time on a new connection, by both doors."""

    def __init__(self, daemon):
        self.answers, self.failures = 0, []
        self._over = threading.Event()
        places = (daemon.address(), str(daemon.instance.state / "berth.sock"))
        self._threads = [threading.Thread(target=self._ask, args=(place,)) for place in places]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, place):
        wanted = 403 if isinstance(place, tuple) else 200  # one door asks for signatures
        while not self._over.is_set():
            try:
                status = ask(place, headers=ECS, body=b"{}")[0]
            except (ConnectionRefusedError, FileNotFoundError, socket.timeout) as error:
                self.failures.append((place, error))
                continue
            except (ConnectionError, IndexError):
                continue  # it was being answered: clients try again
            if status not in (wanted, 400):
                self.failures.append((place, status))
            self.answers += 1


def test_an_upgrade_refuses_nobody(daemon):
    daemon.client("ecs").create_cluster(clusterName="kept")
    with Clients(daemon) as clients:
        for turn in range(1, 4):
            before = clients.answers
            daemon.process.send_signal(signal.SIGHUP)
            daemon.hear("READY=1", times=turn + 1)
            wait_until(lambda: clients.answers > before + 4)
    assert not clients.failures
    names = [arn.rsplit("/")[-1] for arn in daemon.client("ecs").list_clusters()["clusterArns"]]
    assert sorted(names) == ["default", "kept"]
    assert daemon.process.poll() is None
    daemon.client("ecs").delete_cluster(cluster="kept")


def test_a_successor_that_does_not_take_the_configuration_is_none(daemon):
    config = daemon.instance.state.parent / "berth.json"
    before, ecs = config.read_text(), daemon.client("ecs")
    try:
        config.write_text('{"listne": "127.0.0.1:1"}')
        daemon.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "berthd stays what it is" in daemon.log())
        assert "listne" in daemon.log()
        assert ecs.list_clusters()["clusterArns"]
    finally:
        config.write_text(before)


def test_sockets_of_a_supervisor_are_taken(daemon_instance):
    """As systemd gives them: from descriptor 3 on, to this process alone."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        daemon = Daemon(daemon_instance, "--listen", f"127.0.0.1:{port}")
        plain = daemon.command
        give = f'exec 3<&{listener.fileno()}; export LISTEN_PID=$$ LISTEN_FDS=1; exec "$@"'
        daemon.command = lambda *flags: ["bash", "-c", give, "bash", *plain(*flags)]
        daemon.pass_fds = (listener.fileno(),)
        with daemon:
            assert daemon.address() == ("127.0.0.1", port)
            assert ask(("127.0.0.1", port), headers=ECS, body=b"{}")[0] in (400, 403)
