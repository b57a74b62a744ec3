"""CloudWatch's metrics and alarms by Amazon's own tools, and what a real task uses."""

import datetime
import gzip
import hashlib
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.exceptions
import cbor2
import pytest
import requests

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
    # It is looked at at each full minute, of which one may just have been.
    assert alarm["Threshold"] == 20.0 and alarm["StateValue"] in ("INSUFFICIENT_DATA", "ALARM")

    def by_hand():
        cloudwatch.set_alarm_state(AlarmName="high", StateValue="ALARM", StateReason="a test")
        alarms = daemon.aws("cloudwatch", "describe-alarms", "--state-value", "ALARM")["MetricAlarms"]
        return [each["StateReason"] for each in alarms] == ["a test"]
    wait_until(by_hand, "what was said by hand is so until the next minute")
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


def ask_in_cbor(daemon, operation, **members):
    """As SDKs do that speak Smithy's RPC v2 (Debian's does not)."""
    variables = daemon.variables()
    body = cbor2.dumps(members, datetime_as_timestamp=True)
    request = botocore.awsrequest.AWSRequest(
        "POST", f"{daemon.url()}/service/GraniteServiceVersion20100801/operation/{operation}", data=body,
        headers={"Smithy-Protocol": "rpc-v2-cbor", "Content-Type": "application/cbor", "Accept": "application/cbor",
                 "X-Amz-Content-SHA256": hashlib.sha256(body).hexdigest()})
    keys = botocore.credentials.Credentials(variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"])
    botocore.auth.SigV4Auth(keys, "monitoring", variables["AWS_REGION"]).add_auth(request)
    answer = requests.post(request.url, data=body, headers=dict(request.headers), timeout=60)
    assert answer.headers["Smithy-Protocol"] == "rpc-v2-cbor"
    return answer


def check_shape(value, shape, path):
    """That what was decoded is what Amazon's model of the operation says: a time is a time and no number."""
    kinds = {"timestamp": datetime.datetime, "string": str, "boolean": bool, "double": (int, float), "integer": int, "list": list,
             "structure": dict}
    assert isinstance(value, kinds[shape.type_name]), f"{path}: {value!r} is no {shape.type_name}"
    if shape.type_name == "list":
        for element in value:
            check_shape(element, shape.member, path + "[]")
    if shape.type_name == "structure":
        for name, member in value.items():
            check_shape(member, shape.members[name], f"{path}.{name}")


def test_newer_sdks_ask_in_cbor(daemon):
    model = daemon.client("cloudwatch").meta.service_model
    now = datetime.datetime.now(datetime.timezone.utc)
    put = ask_in_cbor(daemon, "PutMetricData", Namespace="App", MetricData=[
        {"MetricName": "Load", "Timestamp": now, "Values": [1.5, 2], "Counts": [1, 3], "Unit": "Count"}])
    assert (put.status_code, put.content, "Content-Type" in put.headers) == (200, b"", False)
    alarm = {"AlarmName": "high", "Namespace": "App", "MetricName": "Load", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1,
             "Threshold": 1.5, "ComparisonOperator": "GreaterThanThreshold"}
    assert ask_in_cbor(daemon, "PutMetricAlarm", **alarm).status_code == 200
    query = {"Namespace": "App", "MetricName": "Load"}
    stat = {"Metric": query, "Period": 3600, "Stat": "Sum"}
    told = {}
    for operation, members in (("GetMetricStatistics", {**query, **between(), "Period": 3600, "Statistics": ["Sum", "SampleCount"]}),
                               ("GetMetricData", {**between(), "MetricDataQueries": [{"Id": "a", "MetricStat": stat}]}),
                               ("ListMetrics", {"Namespace": "App"}), ("DescribeAlarms", {})):
        answer = ask_in_cbor(daemon, operation, **members)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/cbor")
        told[operation] = cbor2.loads(answer.content)
        check_shape(told[operation], model.operation_model(operation).output_shape, operation)
    assert sum(point["Sum"] for point in told["GetMetricStatistics"]["Datapoints"]) == 7.5
    (result,) = told["GetMetricData"]["MetricDataResults"]
    assert sum(result["Values"]) == 7.5 and all(abs(at - now) < datetime.timedelta(hours=1) for at in result["Timestamps"])
    assert told["DescribeAlarms"]["MetricAlarms"][0]["Threshold"] == 1.5
    refused = ask_in_cbor(daemon, "DeleteAlarms", AlarmNames=["nobody"])
    assert (refused.status_code, refused.headers["x-amzn-query-error"]) == (400, "ResourceNotFound;Sender")
    assert cbor2.loads(refused.content)["__type"].split("#")[1] == "ResourceNotFound"


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
