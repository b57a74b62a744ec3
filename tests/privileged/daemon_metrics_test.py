"""What berthd tells of itself to Prometheus: the page is well-formed, and Debian's Prometheus finds in it what happened."""

import json
import socket
import subprocess
import urllib.parse
import urllib.request

import pytest

from berth import PATIENCE
from daemon import ask
from waiting import wait_until

QUICK = {"Delay": 1, "MaxAttempts": 60}


class Prometheus:
    """One that scrapes berthd each second."""

    def __init__(self, directory, target):
        config = directory / "prometheus.yml"
        config.write_text(json.dumps({"global": {"scrape_interval": "1s"}, "scrape_configs": [
            {"job_name": "berth", "static_configs": [{"targets": [target]}]}]}))
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self._log = open(directory / "prometheus.log", "w+")
        self._process = subprocess.Popen(
            ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={directory}/data",
             f"--web.listen-address=127.0.0.1:{self._port}"], stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(60 * PATIENCE)

    def value(self, query):
        """Of the one series that the query finds; None while there is none, or nobody to ask."""
        url = f"http://127.0.0.1:{self._port}/api/v1/query?" + urllib.parse.urlencode({"query": query})
        try:
            with urllib.request.urlopen(url, timeout=20 * PATIENCE) as answer:
                found = json.load(answer)["data"]["result"]
        except OSError:
            return None
        return float(found[0]["value"][1]) if found else None

    def finds(self, query, wanted):
        """A scrape that was too slow leaves a gap: then the next one has it."""
        wait_until(lambda: self.value(query) == wanted, f"{query} is {wanted}")


@pytest.fixture
def stopped_task(daemon, layouts):
    """The API, after one task has run and stopped."""
    ecs = daemon.client("ecs")
    image = f"oci:{layouts['busybox']}:latest"
    ecs.register_task_definition(family="once", networkMode="none", containerDefinitions=[
        {"name": "main", "image": image, "memory": 64, "command": ["true"]}])
    arn = ecs.run_task(taskDefinition="once")["tasks"][0]["taskArn"]
    ecs.get_waiter("tasks_stopped").wait(tasks=[arn], WaiterConfig=QUICK)
    return ecs


def test_prometheus_finds_what_happened(daemon, stopped_task, tmp_path):
    with pytest.raises(stopped_task.exceptions.ClientException):
        stopped_task.describe_task_definition(taskDefinition="none")
    status, headers, page = ask(daemon.address(), method="GET", path="/metrics")
    assert status == 200 and headers["content-type"].startswith("text/plain; version=0.0.4")
    checked = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, check=False)
    assert checked.returncode == 0, checked
    with Prometheus(tmp_path, "{}:{}".format(*daemon.address())) as prometheus:
        prometheus.finds('up{job="berth"}', 1)
        prometheus.finds("berth_tasks_begun_total", 1)
        prometheus.finds('berth_tasks_ended_total{code="EssentialContainerExited"}', 1)
        prometheus.finds('berth_tasks{cluster="default",status="STOPPED"}', 1)
        prometheus.finds('berth_api_requests_total{service="ecs",operation="RunTask",outcome="OK"}', 1)
        prometheus.finds('berth_api_requests_total{operation="DescribeTaskDefinition",outcome="ClientException"}', 1)
        prometheus.finds('histogram_quantile(0.5, berth_api_request_duration_seconds_bucket{service="ecs"}) > bool 0', 1)
        prometheus.finds("process_resident_memory_bytes > bool 1024 * 1024", 1)
        prometheus.finds('berth_api_requests_total{operation="ListClusters"}', None)
        stopped_task.list_clusters()
        prometheus.finds('berth_api_requests_total{operation="ListClusters",outcome="OK"}', 1)


def test_a_made_up_operation_makes_no_series(daemon):
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "AmazonEC2ContainerServiceV20141113.MadeUp"}
    status, _, body = ask(str(daemon.instance.state / "berth.sock"), headers=headers, body=b"{}")
    assert status == 400 and b"UnknownOperation" in body
    _, _, page = ask(daemon.address(), method="GET", path="/metrics")
    assert b"MadeUp" not in page and b'operation=""' in page
