"""Application Auto Scaling by boto3, over real tasks that burn what they have reserved; time is moved by `berth system clock`."""

import datetime
import json
import os
import signal

import botocore.exceptions
import pytest

import leak_census
from berth import Instance, children, proc
from daemon import Daemon, ask
from service_host import first_processes
from services_test import Host
from waiting import wait_until

# Burns a processor until SIGUSR1.
BURNS = ('trap "exit 0" TERM; yes >/dev/null & burner=$!; trap "kill $burner" USR1; '
         "while :; do sleep 1000 & wait $!; done")
TARGET = {"ServiceNamespace": "ecs", "ScalableDimension": "ecs:service:DesiredCount"}
CPU = {"TargetValue": 100.0, "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"}}


@pytest.fixture(scope="module")
def scaling_instance(tmp_path_factory, layouts):
    images = {name: f"oci:{directory}:latest" for name, directory in layouts.items()}
    config = {"accountId": "123456789012", "region": "eu-central-1", "serviceHealthySeconds": 1}
    return Instance(tmp_path_factory.mktemp("scaling"), images, config)


class ScalingHost(Host):
    def again(self):
        super().again()
        self.scaling = self.daemon.client("application-autoscaling")
        self.cloudwatch = self.daemon.client("cloudwatch")
        self.events = self.daemon.client("events")

    def create(self, name, count=1, script=None, **fields):
        definition = self.register(script, cpu=64, **fields) if script else self.register(cpu=64, **fields)
        self.ecs.create_service(serviceName=name, taskDefinition=definition, desiredCount=count, launchType="EC2")
        self.stable(name)
        return {**TARGET, "ResourceId": f"service/default/{name}"}

    def advance(self, duration):
        """An hour has sixty minutes: each is looked at."""
        moved = self.berth("system", "clock", "advance", duration)
        assert moved.code == 0, moved
        return moved

    def cloudwatch_now(self):
        shown = json.loads(self.berth("system", "clock", "--format", "json").out)["now"]
        return datetime.datetime.fromisoformat(shown[:19]).replace(tzinfo=datetime.timezone.utc) + datetime.timedelta(seconds=1)

    def desired(self, name):
        return self.service(name)["desiredCount"]

    def activities(self, target):
        return self.scaling.describe_scaling_activities(
            ServiceNamespace="ecs", ResourceId=target["ResourceId"])["ScalingActivities"]

    def refusals(self, target):
        """Debian's boto3 does not know how to ask for them."""
        headers = {"X-Amz-Target": "AnyScaleFrontendService.DescribeScalingActivities"}
        body = {"ServiceNamespace": "ecs", "ResourceId": target["ResourceId"], "IncludeNotScaledActivities": True}
        status, _, answer = ask(self.daemon.instance.state / "berth.sock", headers=headers, body=json.dumps(body).encode())
        assert status == 200, answer
        return [each["NotScaledReasons"] for each in json.loads(answer)["ScalingActivities"] if "NotScaledReasons" in each]


@pytest.fixture
def host(scaling_instance):
    before = leak_census.take(scaling_instance.state, scaling_instance.root)
    with Daemon(scaling_instance, "--virtual-clock") as daemon:
        running = ScalingHost(daemon)
        yield running
        for arn in running.ecs.list_services()["serviceArns"]:
            running.remove(arn)
        wait_until(lambda: not first_processes(scaling_instance), "nothing runs")
    leak_census.wait_for_sweepers(scaling_instance.name, (scaling_instance.state, scaling_instance.root))
    leak_census.assert_equal(before, scaling_instance.state, scaling_instance.root)


def processor_seconds(pids):
    """Of the children of containers' first processes, so far."""
    ticks = 0
    for child in (child for pid in pids for child in children(pid)):
        fields = proc(child, "stat").rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12]) if fields else 0  # else it has gone
    return ticks / os.sysconf("SC_CLK_TCK")


def burners(pids):
    return [child for pid in pids for child in children(pid) if proc(child, "comm") == "yes\n"]


def test_a_service_that_burns_its_processors_gets_more_tasks_and_gives_them_back(host):
    target = host.create("burns", script=BURNS)
    host.scaling.register_scalable_target(**target, MinCapacity=1, MaxCapacity=3)
    put = host.scaling.put_scaling_policy(
        **target, PolicyName="cpu", PolicyType="TargetTrackingScaling", TargetTrackingScalingPolicyConfiguration=CPU)
    assert [alarm["AlarmName"].rsplit("-", 5)[0] for alarm in put["Alarms"]] == [
        "TargetTracking-service/default/burns-AlarmHigh", "TargetTracking-service/default/burns-AlarmLow"]
    minutes = 0
    while host.desired("burns") == 1:
        pids = first_processes(host.daemon.instance).values()
        burnt = processor_seconds(pids)
        wait_until(lambda: processor_seconds(pids) > burnt + 0.05, "it burns")
        host.advance("1m")
        minutes += 1
        assert minutes < 7, (host.daemon.log(), host.cloudwatch.describe_alarms())
    assert minutes >= 3, "three datapoints are asked for"
    assert host.desired("burns") == 3, "it wants more, and its maximum is three"
    wait_until(lambda: len(first_processes(host.daemon.instance)) == 3, "three run")
    wait_until(lambda: host.service("burns")["runningCount"] == 3, "three are RUNNING")
    (activity,) = host.activities(target)
    assert activity["StatusCode"] == "Successful" and activity["Description"] == "Setting desired count to 3."
    high = put["Alarms"][0]["AlarmName"]
    assert activity["Cause"] == f"monitor alarm {high} in state ALARM triggered policy cpu"
    assert host.service("burns")["deployments"][0]["rolloutState"] == "COMPLETED", "scaling is no deployment"
    why = host.berth("why", "service/burns").out
    assert "ECSServiceAverageCPUUtilization is" in why and "desired count 3 instead of 1" in why, why
    assert high in host.berth("service", "events", "burns").out

    for pid in first_processes(host.daemon.instance).values():  # the new ones, too, from the beginning of this minute
        wait_until(lambda: processor_seconds([pid]) > 0.2, "each burns")  # noqa: B023
    host.advance("1m")  # still high, and there is no more to be had
    assert host.refusals(target) == [[{"Code": "AlreadyAtMaxCapacity", "MaxCapacity": 3, "CurrentCapacity": 3}]]

    for pid in first_processes(host.daemon.instance).values():
        os.kill(pid, signal.SIGUSR1)
    wait_until(lambda: not burners(first_processes(host.daemon.instance).values()), "they rest")
    host.advance("13m")
    assert host.desired("burns") == 3, "AWS waits for fifteen minutes"
    host.advance("5m")
    assert host.desired("burns") == 1
    host.stable("burns")
    assert host.activities(target)[0]["Description"] == "Setting desired count to 1."


def test_steps_schedules_and_bounds_and_a_death_between(host):
    target = host.create("steps")
    host.scaling.register_scalable_target(**target, MinCapacity=2, MaxCapacity=9)
    assert host.desired("steps") == 2, "bounds are kept at once"
    assert host.activities(target)[0]["Cause"] == "minimum capacity was set to 2"
    policy = host.scaling.put_scaling_policy(
        **target, PolicyName="more", PolicyType="StepScaling", StepScalingPolicyConfiguration={
            "AdjustmentType": "ChangeInCapacity", "Cooldown": 60, "StepAdjustments": [
                {"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 50, "ScalingAdjustment": 1},
                {"MetricIntervalLowerBound": 50, "ScalingAdjustment": 2}]})["PolicyARN"]
    host.cloudwatch.put_metric_alarm(
        AlarmName="queue", Namespace="App", MetricName="Depth", Statistic="Average", Period=60, EvaluationPeriods=1,
        Threshold=100, ComparisonOperator="GreaterThanThreshold", AlarmActions=[policy], TreatMissingData="notBreaching")
    host.cloudwatch.put_metric_data(Namespace="App", MetricData=[{"MetricName": "Depth", "Value": 160}])
    host.advance("1m")
    assert host.desired("steps") == 4, host.daemon.log()
    host.advance("1m")
    assert host.cloudwatch.describe_alarms(AlarmNames=["queue"])["MetricAlarms"][0]["StateValue"] == "OK"
    host.cloudwatch.set_alarm_state(AlarmName="queue", StateValue="ALARM", StateReason="by hand")
    wait_until(lambda: host.desired("steps") == 5, "it is called at once")

    host.scaling.put_scheduled_action(
        **target, ScheduledActionName="evening", Schedule="rate(1 hour)", Timezone="Europe/Berlin",
        ScalableTargetAction={"MinCapacity": 1, "MaxCapacity": 1})
    host.daemon.kill()
    host.daemon.start()
    host.again()
    (kept,) = host.scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]
    assert kept["PolicyARN"] == policy and [each["AlarmName"] for each in kept["Alarms"]] == ["queue"]
    assert host.desired("steps") == 5
    host.advance("61m")
    assert host.desired("steps") == 1
    causes = [each["Cause"] for each in host.activities(target)]
    assert causes[:2] == ["maximum capacity was set to 1", "scheduled action name evening was triggered"], causes
    host.stable("steps")

    host.scaling.register_scalable_target(
        **target, MaxCapacity=9, SuspendedState={"DynamicScalingOutSuspended": True, "ScheduledScalingSuspended": True})
    host.cloudwatch.set_alarm_state(AlarmName="queue", StateValue="ALARM", StateReason="by hand")
    host.advance("61m")
    assert host.desired("steps") == 1, "all that would do something is suspended"
    with pytest.raises(botocore.exceptions.ClientError, match="ALBRequestCountPerTarget: berth has no load balancers"):
        host.scaling.put_scaling_policy(
            **target, PolicyName="alb", PolicyType="TargetTrackingScaling", TargetTrackingScalingPolicyConfiguration={
                "TargetValue": 5, "PredefinedMetricSpecification": {"PredefinedMetricType": "ALBRequestCountPerTarget"}})
    host.remove("steps")
    host.advance("1m")
    assert not host.scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"], "it goes with its service"


def test_a_rule_runs_its_tasks(host):
    container = {"name": "main", "image": host.daemon.instance.images["busybox"], "memory": 32, "command": ["sh", "-c", "exit 3"]}
    host.ecs.register_task_definition(family="job", networkMode="none", containerDefinitions=[container])
    cluster = "arn:aws:ecs:eu-central-1:123456789012:cluster/default"
    target = {"Id": "one", "Arn": cluster, "EcsParameters": {"TaskDefinitionArn": "job", "TaskCount": 2, "LaunchType": "EC2"},
              "Input": '{"containerOverrides": [{"name": "main", "command": ["sh", "-c", "exit 7"]}]}'}
    host.events.put_rule(Name="nightly", ScheduleExpression="cron(0 2 * * ? *)", Tags=[{"Key": "team", "Value": "blue"}])
    assert host.events.put_targets(Rule="nightly", Targets=[target])["FailedEntryCount"] == 0
    host.daemon.kill()
    host.daemon.start()
    host.again()
    assert host.events.list_targets_by_rule(Rule="nightly")["Targets"] == [target]
    shown = json.loads(host.berth("system", "clock", "--format", "json").out)["now"]
    now = datetime.datetime.fromisoformat(shown[:19])
    at = now.replace(hour=2, minute=0, second=30) + datetime.timedelta(days=int(now.hour >= 2))
    host.advance(f"{int((at - now).total_seconds())}s")
    arns = wait_until(lambda: len(found := host.ecs.list_tasks(startedBy="events-rule/nightly", desiredStatus="STOPPED")["taskArns"]) == 2
                      and found, "both have ended")
    for each in host.ecs.describe_tasks(tasks=arns)["tasks"]:
        host.ecs.get_waiter("tasks_stopped").wait(tasks=[each["taskArn"]], WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    for each in host.ecs.describe_tasks(tasks=arns)["tasks"]:
        assert each["containers"][0]["exitCode"] == 7 and each["startedBy"] == "events-rule/nightly", each
    host.ecs.deregister_task_definition(taskDefinition="job:1")  # it fails from now on, and says so
    began = host.cloudwatch_now() - datetime.timedelta(hours=1)  # both days
    host.advance("24h")
    told = host.berth("why", "rule/nightly")
    assert told.code == 0 and "rule nightly did not run all of its tasks" in told.out, told
    assert "RULE_RAN" in told.out and "RULE_FAILED" in told.out and "ClientException" in told.out, told
    listed = host.berth("events", "--rule", "nightly").out
    assert "rule nightly  target one: 0 tasks began" in listed and "because: ClientException" in listed, listed
    for metric, count in (("Invocations", 2), ("FailedInvocations", 1)):
        points = host.cloudwatch.get_metric_statistics(
            Namespace="AWS/Events", MetricName=metric, Dimensions=[{"Name": "RuleName", "Value": "nightly"}], StartTime=began,
            EndTime=host.cloudwatch_now(), Period=300, Statistics=["Sum"])["Datapoints"]
        assert sum(point["Sum"] for point in points) == count, (metric, points)
    unknown = host.berth("why", "rule/hourly")
    assert unknown.code == 125 and "was not due since berthd began" in unknown.err, unknown
    host.events.disable_rule(Name="nightly")
    host.advance("24h")  # those of the day before are forgotten, and there are no others
    for status in ("RUNNING", "STOPPED"):
        assert not host.ecs.list_tasks(startedBy="events-rule/nightly", desiredStatus=status)["taskArns"]
    with pytest.raises(botocore.exceptions.ClientError, match="must be the ARN of a cluster"):
        host.events.put_targets(Rule="nightly", Targets=[{"Id": "q", "Arn": "arn:aws:sqs:eu-central-1:123456789012:q"}])
    host.events.remove_targets(Rule="nightly", Ids=["one"])
    host.events.delete_rule(Name="nightly")
