"""CloudWatch's metrics and alarms by Amazon's own tools, and what a real task uses."""

import collections
import datetime
import gzip
import hashlib
import json
import math
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
    dimensions, tags = [{"Name": "Host", "Value": "a"}], [{"Key": "team", "Value": "blue"}]
    cloudwatch.put_metric_data(Namespace="App", MetricData=[
        {"MetricName": "Load", "Dimensions": dimensions, "Value": value, "Unit": "Percent"} for value in (10.0, 30.0)])
    cloudwatch.put_metric_alarm(
        AlarmName="high", Namespace="App", MetricName="Load", Dimensions=dimensions, Statistic="Maximum", Period=60,
        EvaluationPeriods=5, DatapointsToAlarm=1, Threshold=20.0, ComparisonOperator="GreaterThanThreshold", Tags=tags)
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
    assert cloudwatch.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"] == tags

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


def plain_percentile(values, percent):
    """The least of them that so many percent are at or below: the definition, with nothing of berth's."""
    ordered = sorted(values)
    return ordered[max(math.ceil(percent * len(ordered) / 100 - 1e-9), 1) - 1]


def test_percentiles_are_those_of_the_values_that_were_put(daemon):
    cloudwatch, at = daemon.client("cloudwatch"), datetime.datetime.now(datetime.timezone.utc).replace(second=0, microsecond=0)
    few = [((i * 7919) % 400) / 8 for i in range(600)]  # 400 different ones, some of them twice
    many = [0.001 * 1.0005 ** ((i * 7919) % 15000) for i in range(6000)]  # 0.001 to 1.8
    spread = {"Few": few, "Many": many}
    for name, values in spread.items():
        for start in range(0, len(values), 1000):
            counted = collections.Counter(values[start:start + 1000])
            different = list(counted)
            cloudwatch.put_metric_data(Namespace="Pct", MetricData=[
                {"MetricName": name, "Timestamp": at, "Values": different[i:i + 150],
                 "Counts": [counted[value] for value in different[i:i + 150]]} for i in range(0, len(different), 150)])
    cloudwatch.put_metric_data(Namespace="Pct", MetricData=[
        {"MetricName": "Set", "Timestamp": at, "StatisticValues": {"SampleCount": 2, "Sum": 3, "Minimum": 1, "Maximum": 2}},
        {"MetricName": "Equal", "Timestamp": at, "StatisticValues": {"SampleCount": 2, "Sum": 14, "Minimum": 7, "Maximum": 7}}])
    asked = ["p0.0", "p1", "p25", "p50", "p90", "p99", "p99.9", "p100"]

    def statistics(name, **more):
        query = {"Namespace": "Pct", "MetricName": name, "Period": 60, **between(), **more}
        return [point["ExtendedStatistics"] for point in cloudwatch.get_metric_statistics(**query)["Datapoints"]]

    for _ in range(2):
        for name, tolerance in (("Few", 0), ("Many", 0.0101)):
            (found,) = statistics(name, ExtendedStatistics=asked)
            for stat in asked:
                exact = plain_percentile(spread[name], float(stat[1:]))
                assert abs(found[stat] - exact) <= tolerance * exact, (name, stat, found[stat], exact)
        ordered = sorted(few)
        (found,) = statistics("Few", ExtendedStatistics=["tm90", "TC(10:20)", "PR(:25)", "IQM"])
        assert found["tm90"] == pytest.approx(sum(ordered[:540]) / 540)
        assert found["TC(10:20)"] == sum(10 < value <= 20 for value in few)
        assert found["PR(:25)"] == pytest.approx(100 * sum(value <= 25 for value in few) / 600)
        assert found["IQM"] == pytest.approx(sum(ordered[150:450]) / 300)
        assert statistics("Set", ExtendedStatistics=["p50"]) == [], "a client has not told its values"
        assert statistics("Equal", ExtendedStatistics=["p50"]) == [{"p50": 7}]
        (result,) = cloudwatch.get_metric_data(**between(), MetricDataQueries=[
            {"Id": "m", "MetricStat": {"Metric": {"Namespace": "Pct", "MetricName": "Few"}, "Period": 60, "Stat": "p99"}}])["MetricDataResults"]
        assert result["Values"] == [plain_percentile(few, 99)]
        daemon.kill()  # they are all there again
        daemon.start()
        cloudwatch = daemon.client("cloudwatch")
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        statistics("Few", ExtendedStatistics=["p101"])
    assert caught.value.response["Error"]["Code"] == "InvalidParameterValue"


def test_an_alarm_may_be_about_a_percentile(daemon):
    cloudwatch = daemon.client("cloudwatch")
    before = datetime.datetime.now(datetime.timezone.utc).replace(second=0, microsecond=0) - datetime.timedelta(minutes=1)
    cloudwatch.put_metric_data(Namespace="Slow", MetricData=[
        {"MetricName": "Latency", "Timestamp": before, "Values": [0.1, 9.0], "Counts": [95, 5]}])
    for name, stat, low in (("p90", "p90", "evaluate"), ("p99", "p99", "evaluate"), ("few", "p99", "ignore")):
        cloudwatch.put_metric_alarm(
            AlarmName=name, Namespace="Slow", MetricName="Latency", ExtendedStatistic=stat, EvaluateLowSampleCountPercentile=low,
            Period=60, EvaluationPeriods=10, DatapointsToAlarm=1, Threshold=1.0, ComparisonOperator="GreaterThanThreshold")
    daemon.kill()
    daemon.start()  # it looks at once
    cloudwatch = daemon.client("cloudwatch")

    def states():
        return {alarm["AlarmName"]: alarm["StateValue"] for alarm in cloudwatch.describe_alarms()["MetricAlarms"]}

    wait_until(lambda: states() == {"p90": "OK", "p99": "ALARM", "few": "INSUFFICIENT_DATA"}, f"states: {daemon.log()}")
    (alarm,) = cloudwatch.describe_alarms(AlarmNames=["few"])["MetricAlarms"]
    assert (alarm["ExtendedStatistic"], alarm["EvaluateLowSampleCountPercentile"]) == ("p99", "ignore")
    assert "Statistic" not in alarm
    cloudwatch.delete_alarms(AlarmNames=["p90", "p99", "few"])


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


# Members that AWS has added since Debian's botocore, by shape, and what they are.
NEWER = {"MetricAlarm": {"StateTransitionedTimestamp": datetime.datetime}}


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
            if name not in shape.members and name in NEWER.get(shape.name, {}):
                assert isinstance(member, NEWER[shape.name][name]), f"{path}.{name}: {member!r}"
            else:
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
    assert ask_in_cbor(daemon, "DeleteAlarms", AlarmNames=["high"]).status_code == 200
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


def put_alarm(cloudwatch, name):
    cloudwatch.put_metric_alarm(
        AlarmName=name, Namespace="None", MetricName="x", Statistic="Sum", Period=60, EvaluationPeriods=1, Threshold=1,
        ComparisonOperator="GreaterThanThreshold", TreatMissingData="ignore")


def set_alarm(cloudwatch, name, state):
    cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="a test")


def metric_query(name, metric, stat="Sum", returned=False, period=60):
    return {"Id": name, "ReturnData": returned, "MetricStat": {
        "Metric": {"Namespace": "Math", "MetricName": metric}, "Period": period, "Stat": stat}}


def test_expressions_are_computed_from_what_was_put(daemon):
    cloudwatch = daemon.client("cloudwatch")
    end = datetime.datetime.now(datetime.timezone.utc).replace(second=0, microsecond=0)
    minutes = [end - datetime.timedelta(minutes=i) for i in (4, 3, 2, 1)]
    errors, requests_ = [1, None, 3, 8], [10, 20, 30, 0]
    cloudwatch.put_metric_data(Namespace="Math", MetricData=[
        {"MetricName": name, "Timestamp": at, "Value": value} for name, row in (("Errors", errors), ("Requests", requests_))
        for at, value in zip(minutes, row) if value is not None])
    queries = [metric_query("errors", "Errors"), metric_query("all", "Requests"),
               {"Id": "share", "Expression": "100 * errors / all", "Label": "Errors in percent"},
               {"Id": "filled", "Expression": "IF(FILL(errors, 0) > 2, share)"},
               {"Id": "each", "Expression": "RUNNING_SUM(SORT(METRICS(), MAX, DESC))", "Label": "So far"}]
    window = {"StartTime": minutes[0], "EndTime": end, "ScanBy": "TimestampAscending"}
    told = cloudwatch.get_metric_data(MetricDataQueries=queries, **window)["MetricDataResults"]
    rows = [(each["Id"], each["Label"], dict(zip(each["Timestamps"], each["Values"]))) for each in told]
    assert rows == [
        ("share", "Errors in percent", {minutes[0]: 10, minutes[2]: 10}),
        ("filled", "filled", {minutes[2]: 10}),
        ("each", "So far Requests", dict(zip(minutes, (10, 30, 60, 60)))),
        ("each", "So far Errors", {minutes[0]: 1, minutes[2]: 4, minutes[3]: 12})]
    shown = ask_in_cbor(daemon, "GetMetricData", MetricDataQueries=queries, **window)
    assert [each["Values"] for each in cbor2.loads(shown.content)["MetricDataResults"]] == [each["Values"] for each in told]
    check_shape(cbor2.loads(shown.content), cloudwatch.meta.service_model.operation_model("GetMetricData").output_shape, "GetMetricData")
    search = {"Id": "found", "Expression": "SEARCH('{Math} MetricName=\"Requests\"', 'Maximum', 300)"}
    (found,) = cloudwatch.get_metric_data(MetricDataQueries=[search], **window)["MetricDataResults"]
    assert (found["Id"], found["Label"], max(found["Values"])) == ("found", "Requests", 30)
    for expression, why in (("errors +", "at character 9"), ("none", "Undefined metric id 'none'"), ("share", "about itself"),
                            ("LAMBDA('x')", "LAMBDA is not supported"), ("MAX(errors)", "TIME_SERIES")):
        with pytest.raises(botocore.exceptions.ClientError, match=why) as caught:
            cloudwatch.get_metric_data(MetricDataQueries=[queries[0], {"Id": "share", "Expression": expression}], **window)
        assert caught.value.response["Error"]["Code"] == "ValidationError"
        refused = ask_in_cbor(daemon, "GetMetricData", MetricDataQueries=[queries[0], {"Id": "share", "Expression": expression}], **window)
        assert (refused.status_code, cbor2.loads(refused.content)["__type"].split("#")[-1]) == (400, "ValidationError")


def test_an_alarm_may_be_about_an_expression(daemon):
    cloudwatch = daemon.client("cloudwatch")
    before = datetime.datetime.now(datetime.timezone.utc).replace(second=0, microsecond=0) - datetime.timedelta(minutes=1)
    cloudwatch.put_metric_data(Namespace="Math", MetricData=[
        {"MetricName": name, "Timestamp": before, "Value": value} for name, value in (("Failed", 30.0), ("Whole", 100.0))])
    metrics = [metric_query("failed", "Failed"), metric_query("whole", "Whole"),
               {"Id": "share", "Expression": "100 * failed / whole", "Label": "Failed", "ReturnData": True}]
    alarm = {"Metrics": metrics, "EvaluationPeriods": 30, "DatapointsToAlarm": 1, "ComparisonOperator": "GreaterThanThreshold"}
    names = ["one of them", "many fail", "most fail"]
    cloudwatch.put_metric_alarm(AlarmName="many fail", Threshold=20, **alarm)
    cloudwatch.put_metric_alarm(AlarmName="most fail", Threshold=50, **alarm)
    cloudwatch.put_composite_alarm(AlarmName="one of them", AlarmRule="AT_LEAST(1, ALARM, (\"many fail\", \"most fail\"))")
    daemon.kill()
    daemon.start()  # it looks at once
    cloudwatch = daemon.client("cloudwatch")

    def states():
        found = cloudwatch.describe_alarms(AlarmNames=names, AlarmTypes=["CompositeAlarm", "MetricAlarm"])
        return {each["AlarmName"]: each["StateValue"] for each in found["MetricAlarms"] + found["CompositeAlarms"]}

    wait_until(lambda: states() == {"many fail": "ALARM", "most fail": "OK", "one of them": "ALARM"}, f"states: {daemon.log()}")
    (told,) = cloudwatch.describe_alarms(AlarmNames=["many fail"])["MetricAlarms"]
    for query in metrics[:2]:
        query["MetricStat"]["Metric"]["Dimensions"] = []
    assert told["Metrics"] == metrics
    assert "MetricName" not in told and json.loads(told["StateReasonData"])["recentDatapoints"] == [30]
    with pytest.raises(botocore.exceptions.ClientError, match="Exactly one element of the metrics list") as caught:
        cloudwatch.put_metric_alarm(AlarmName="x", Threshold=1, **{**alarm, "Metrics": metrics[:2]})
    assert caught.value.response["Error"]["Code"] == "ValidationError"
    cloudwatch.delete_alarms(AlarmNames=names)


def test_history_outlives_a_death_and_its_alarm(daemon):
    cloudwatch, topic = daemon.client("cloudwatch"), "arn:aws:sns:eu-central-1:000000000000:t"
    alarm = {"Namespace": "None", "MetricName": "x", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1, "Threshold": 1,
             "ComparisonOperator": "GreaterThanThreshold", "TreatMissingData": "ignore"}
    cloudwatch.put_metric_alarm(AlarmName="told", AlarmActions=[topic], **alarm)
    set_alarm(cloudwatch, "told", "ALARM")
    daemon.kill()
    daemon.start()
    cloudwatch = daemon.client("cloudwatch")
    cloudwatch.put_metric_alarm(AlarmName="told", **alarm)
    cloudwatch.delete_alarms(AlarmNames=["told"])
    pages = cloudwatch.get_paginator("describe_alarm_history").paginate(
        AlarmName="told", ScanBy="TimestampAscending", PaginationConfig={"PageSize": 2})
    items = [item for page in pages for item in page["AlarmHistoryItems"]]
    assert [item["HistoryItemType"] for item in items] == [
        "ConfigurationUpdate", "StateUpdate", "Action", "ConfigurationUpdate", "ConfigurationUpdate"]
    assert [items[i]["HistorySummary"] for i in (0, 1, 3, 4)] == [
        'Alarm "told" created', "Alarm updated from INSUFFICIENT_DATA to ALARM", 'Alarm "told" updated', 'Alarm "told" deleted']
    assert items[2]["HistorySummary"].startswith(f"Failed to execute action {topic}. Received error: ")
    state = json.loads(items[1]["HistoryData"])
    assert (state["oldState"]["stateValue"], state["newState"]["stateReason"]) == ("INSUFFICIENT_DATA", "a test")
    told = daemon.aws("cloudwatch", "describe-alarm-history", "--alarm-name", "told", "--history-item-type", "Action")
    assert [item["HistorySummary"] for item in told["AlarmHistoryItems"]] == [items[2]["HistorySummary"]]
    told = ask_in_cbor(daemon, "DescribeAlarmHistory", AlarmName="told")
    check_shape(cbor2.loads(told.content), cloudwatch.meta.service_model.operation_model("DescribeAlarmHistory").output_shape,
                "DescribeAlarmHistory")
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        cloudwatch.describe_alarm_history(NextToken="none")
    assert caught.value.response["Error"]["Code"] == "InvalidNextToken"


def test_alarms_are_found_by_their_metric_and_their_actions_disabled(daemon):
    cloudwatch = daemon.client("cloudwatch")
    put_alarm(cloudwatch, "cpu")
    (alarm,) = cloudwatch.describe_alarms()["MetricAlarms"]
    metric = {member: alarm[member] for member in ("Namespace", "MetricName", "Dimensions")}
    assert cloudwatch.describe_alarms_for_metric(**metric)["MetricAlarms"] == [alarm]
    assert cloudwatch.describe_alarms_for_metric(**metric, Period=3600)["MetricAlarms"] == []
    cloudwatch.disable_alarm_actions(AlarmNames=["cpu", "none"])
    daemon.kill()
    daemon.start()
    cloudwatch = daemon.client("cloudwatch")
    assert not cloudwatch.describe_alarms()["MetricAlarms"][0]["ActionsEnabled"]
    cloudwatch.enable_alarm_actions(AlarmNames=["cpu"])
    told = cbor2.loads(ask_in_cbor(daemon, "DescribeAlarmsForMetric", **metric).content)
    check_shape(told, cloudwatch.meta.service_model.operation_model("DescribeAlarmsForMetric").output_shape, "DescribeAlarmsForMetric")
    assert told["MetricAlarms"][0]["ActionsEnabled"]


def test_composite_alarms_follow_their_rules_over_a_death(daemon):
    cloudwatch = daemon.client("cloudwatch")
    for name in ("cpu", "disk of (a)"):
        put_alarm(cloudwatch, name)
    (cpu,) = cloudwatch.describe_alarms(AlarmNames=["cpu"])["MetricAlarms"]
    rule = f"ALARM({cpu['AlarmArn']}) AND NOT (OK(\"disk of (a)\") OR FALSE)"
    cloudwatch.put_composite_alarm(AlarmName="both", AlarmRule=rule, ActionsSuppressor="disk of (a)",
                                   ActionsSuppressorWaitPeriod=3600, ActionsSuppressorExtensionPeriod=60)
    cloudwatch.put_composite_alarm(AlarmName="above", AlarmRule="ALARM(both)", AlarmActions=["arn:aws:sns:eu-central-1:000000000000:t"])

    def raised():
        found = cloudwatch.describe_alarms(
            AlarmNames=["cpu", "disk of (a)", "both", "above"], AlarmTypes=["CompositeAlarm", "MetricAlarm"], StateValue="ALARM")
        return {alarm["AlarmName"] for alarm in found["CompositeAlarms"] + found["MetricAlarms"]}

    assert raised() == set()
    set_alarm(cloudwatch, "cpu", "ALARM")
    assert raised() == {"cpu", "both", "above"}
    daemon.kill()
    daemon.start()
    cloudwatch = daemon.client("cloudwatch")
    assert raised() == {"cpu", "both", "above"}
    (told,) = cloudwatch.describe_alarms(AlarmNames=["both"], AlarmTypes=["CompositeAlarm"])["CompositeAlarms"]
    assert (told["ActionsSuppressedBy"], told["ActionsSuppressedReason"]) == ("WaitPeriod", "Actions suppressed by WaitPeriod")
    set_alarm(cloudwatch, "disk of (a)", "OK")
    assert raised() == {"cpu"}
    (told,) = daemon.aws("cloudwatch", "describe-alarms", "--alarm-types", "CompositeAlarm", "--alarm-names", "both")["CompositeAlarms"]
    assert (told["AlarmRule"], told["StateValue"], told["ActionsSuppressorWaitPeriod"]) == (rule, "OK", 3600)
    assert "ActionsSuppressedBy" not in told
    children = cloudwatch.describe_alarms(ChildrenOfAlarmName="both")
    assert {each["AlarmName"]: each["StateValue"] for each in children["MetricAlarms"]} == {"cpu": "ALARM", "disk of (a)": "OK"}
    assert [each["AlarmName"] for each in cloudwatch.describe_alarms(ParentsOfAlarmName="both")["CompositeAlarms"]] == ["above"]
    for call, arguments, why in (
            (cloudwatch.delete_alarms, {"AlarmNames": ["cpu"]}, "both"),
            (cloudwatch.put_composite_alarm, {"AlarmName": "both", "AlarmRule": "ALARM(above)"}, "about both again"),
            (cloudwatch.put_composite_alarm, {"AlarmName": "x", "AlarmRule": "ALARM(gone)"}, "do not exist"),
            (cloudwatch.put_composite_alarm, {"AlarmName": "x", "AlarmRule": "ALARM(cpu) XOR OK(cpu)"}, "at character 12")):
        with pytest.raises(botocore.exceptions.ClientError, match=why) as caught:
            call(**arguments)
        assert caught.value.response["Error"]["Code"] == "ValidationError"
    told = ask_in_cbor(daemon, "DescribeAlarms", AlarmTypes=["CompositeAlarm"])
    check_shape(cbor2.loads(told.content), cloudwatch.meta.service_model.operation_model("DescribeAlarms").output_shape, "DescribeAlarms")
    cloudwatch.delete_alarms(AlarmNames=["above", "both", "cpu", "disk of (a)"])
    assert raised() == set()
