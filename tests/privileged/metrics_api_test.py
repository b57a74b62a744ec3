"""CloudWatch's metrics and alarms by Amazon's own tools, and what a real task uses."""

import datetime
import gzip
import urllib.parse

import botocore.exceptions
import pytest

from waiting import wait_until

HOLD = "trap 'exit 0' TERM; while :; do usleep 50000; done"


def between(minutes=10):
    now = datetime.datetime.now(datetime.timezone.utc)
    return {"StartTime": now - datetime.timedelta(minutes=minutes), "EndTime": now + datetime.timedelta(minutes=minutes)}


def test_what_is_put_is_there_after_a_death_and_raises_alarms(daemon):
    cloudwatch = daemon.client("cloudwatch")
    dimensions = [{"Name": "Host", "Value": "a"}]
    cloudwatch.put_metric_data(Namespace="App", MetricData=[
        {"MetricName": "Load", "Dimensions": dimensions, "Value": value, "Unit": "Percent"} for value in (10.0, 30.0)])
    cloudwatch.put_metric_alarm(
        AlarmName="high", Namespace="App", MetricName="Load", Dimensions=dimensions, Statistic="Maximum", Period=60,
        EvaluationPeriods=5, DatapointsToAlarm=1, Threshold=20.0, ComparisonOperator="GreaterThanThreshold")
    daemon.kill()
    daemon.start()
    cloudwatch = daemon.client("cloudwatch")
    (listed,) = cloudwatch.list_metrics(Namespace="App")["Metrics"]
    assert listed == {"Namespace": "App", "MetricName": "Load", "Dimensions": dimensions}
    query = {"Namespace": "App", "MetricName": "Load", "Dimensions": dimensions, "Period": 3600}
    points = cloudwatch.get_metric_statistics(**query, **between(), Statistics=["Average", "SampleCount"])["Datapoints"]
    assert sum(point["Average"] * point["SampleCount"] for point in points) == 40
    metric = {"Namespace": "App", "MetricName": "Load", "Dimensions": dimensions}
    (result,) = cloudwatch.get_metric_data(**between(), MetricDataQueries=[
        {"Id": "m", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Maximum"}}])["MetricDataResults"]
    assert max(result["Values"]) == 30 and result["Timestamps"][0].tzinfo
    (alarm,) = cloudwatch.describe_alarms(AlarmNames=["high"])["MetricAlarms"]
    assert (alarm["Threshold"], alarm["StateValue"]) == (20.0, "INSUFFICIENT_DATA")
    cloudwatch.set_alarm_state(AlarmName="high", StateValue="ALARM", StateReason="a test")
    assert daemon.aws("cloudwatch", "describe-alarms", "--state-value", "ALARM")["MetricAlarms"][0]["StateReason"] == "a test"
    cloudwatch.delete_alarms(AlarmNames=["high"])
    for call, arguments, code in ((cloudwatch.delete_alarms, {"AlarmNames": ["high"]}, "ResourceNotFound"),
                                  (cloudwatch.put_metric_data, {"Namespace": "AWS/ECS", "MetricData": [{"MetricName": "x", "Value": 1}]},
                                   "InvalidParameterValue")):
        with pytest.raises(botocore.exceptions.ClientError) as caught:
            call(**arguments)
        assert caught.value.response["Error"]["Code"] == code


def test_a_request_may_come_as_gzip(daemon):
    """As newer SDKs send a large one; Debian's does not."""
    cloudwatch, packed = daemon.client("cloudwatch"), []

    def pack(request, **_):
        packed.append(request)
        request.data = gzip.compress(request.data if isinstance(request.data, bytes) else urllib.parse.urlencode(request.data).encode())
        request.headers["Content-Encoding"] = "gzip"

    cloudwatch.meta.events.register("before-sign.cloudwatch.PutMetricData", pack)
    cloudwatch.put_metric_data(Namespace="Packed", MetricData=[
        {"MetricName": f"m{i}", "Value": 1, "Dimensions": [{"Name": "Name", "Value": "v" * 100}]} for i in range(100)])
    assert len(packed) == 1
    listed = cloudwatch.get_paginator("list_metrics").paginate(Namespace="Packed")
    assert {each["MetricName"] for page in listed for each in page["Metrics"]} == {f"m{i}" for i in range(100)}


def test_what_a_task_uses_is_told(daemon):
    ecs, cloudwatch = daemon.client("ecs"), daemon.client("cloudwatch")
    container = {"name": "main", "image": daemon.instance.images["busybox"], "memory": 64, "command": ["sh", "-c", HOLD]}
    ecs.register_task_definition(family="used", networkMode="bridge", containerDefinitions=[container])
    arn = ecs.run_task(taskDefinition="used")["tasks"][0]["taskArn"]
    wait_until(lambda: ecs.describe_tasks(tasks=[arn])["tasks"][0]["lastStatus"] == "RUNNING")
    daemon.kill()
    daemon.start()  # it looks at once, and then once a minute
    ecs, cloudwatch = daemon.client("ecs"), daemon.client("cloudwatch")
    query = {"Namespace": "AWS/ECS", "MetricName": "MemoryUtilization", "Dimensions": [{"Name": "ClusterName", "Value": "default"}]}
    points = wait_until(lambda: cloudwatch.get_metric_statistics(
        **query, **between(), Period=3600, Statistics=["Average"])["Datapoints"], f"figures: {daemon.log()}")
    assert all(0 < point["Average"] < 50 and point["Unit"] == "Percent" for point in points)
    ecs.stop_task(task=arn)
    ecs.get_waiter("tasks_stopped").wait(tasks=[arn], WaiterConfig={"Delay": 1})
