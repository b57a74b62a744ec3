"""EC2's security groups over real tasks: boto3 and Amazon's command line open and close ports, packets are asked whether they
obey, at once and after a death of berthd."""

import ipaddress
import json
import subprocess

import botocore.exceptions
import pytest

from berth import BIN, Instance
from waiting import wait_until

QUICK = {"Delay": 1, "MaxAttempts": 60}
SERVE = 'mkdir -p /www; echo page >/www/index.html; httpd -p 80 -h /www; trap "exit 0" TERM; while :; do sleep 0.1; done'
WAITS = 'trap "exit 0" TERM; while :; do sleep 0.1; done'
SUBNETS = {"subnet-1": {"cidr": "172.29.0.0/17"}, "subnet-upper": {"cidr": "172.29.128.0/20", "availabilityZone": "b"}}
GROUPS = {"operators": {"ingress": [{"protocol": "tcp", "fromPort": 22, "toPort": 22, "cidrs": ["10.0.0.0/8"]}]}}


@pytest.fixture(scope="module")
def daemon_instance(tmp_path_factory, layouts):
    images = {name: f"oci:{directory}:latest" for name, directory in layouts.items()}
    config = {"accountId": "123456789012", "region": "eu-central-1", "securityGroups": GROUPS, "subnets": SUBNETS}
    return Instance(tmp_path_factory.mktemp("ec2"), images, config)


class Host:
    def __init__(self, daemon):
        self.daemon, self.image = daemon, f"{daemon.instance.images['busybox']}"
        self.again()

    def again(self):
        self.ecs, self.ec2 = self.daemon.client("ecs"), self.daemon.client("ec2")

    def start(self, family, script, *groups, subnet="subnet-1"):
        """The id of a task that runs, and its address."""
        self.ecs.register_task_definition(
            family=family, networkMode="awsvpc",
            containerDefinitions=[{"name": "main", "image": self.image, "memory": 32, "command": ["sh", "-c", script],
                                   "stopTimeout": 5}])
        run = self.ecs.run_task(taskDefinition=family, networkConfiguration={
            "awsvpcConfiguration": {"subnets": [subnet], "securityGroups": list(groups)}})
        assert run["failures"] == []
        arn = run["tasks"][0]["taskArn"]
        self.ecs.get_waiter("tasks_running").wait(tasks=[arn], WaiterConfig=QUICK)
        task = self.ecs.describe_tasks(tasks=[arn])["tasks"][0]
        details = {each["name"]: each["value"] for each in task["attachments"][0]["details"]}
        return arn.rsplit("/", 1)[1], details | {"zone": task["availabilityZone"]}

    def answers(self, client, address):
        """Whether a new connection of the client gets the page."""
        asked = self.daemon.instance.berth("exec", client, "timeout", "2", "wget", "-qO", "-", f"http://{address}/")
        return asked.out == "page\n"

    def reaches(self, client, address):
        """The same, sooner or later: who is let in may be served slowly on a busy host."""
        return wait_until(lambda: self.answers(client, address), "a page")

    def code(self, operation, **arguments):
        with pytest.raises(botocore.exceptions.ClientError) as refused:
            getattr(self.ec2, operation)(**arguments)
        return refused.value.response["Error"]["Code"]


def forget_rules(group):
    """What a death between a group's file and its rules would have left."""
    listed = json.loads(subprocess.run(["nft", "-j", "list", "chains", "inet"], capture_output=True, check=True).stdout)
    name = "in_" + group.replace("-", "_2d")
    (table,) = [each["chain"]["table"] for each in listed["nftables"] if each.get("chain", {}).get("name") == name]
    subprocess.run(["nft", "flush", "chain", "inet", table, name], check=True)


def test_ports_are_opened_and_closed_for_tasks_that_run(daemon):
    host = Host(daemon)
    group = host.ec2.create_security_group(GroupName="pages", Description="of a test", VpcId="vpc-1")["GroupId"]
    callers = daemon.aws("ec2", "create-security-group", "--group-name", "callers", "--description", "'of a test'")["GroupId"]
    _, served = host.start("server", SERVE, group)
    client, asking = host.start("client", WAITS, callers, "operators", subnet="subnet-upper")
    assert ipaddress.ip_address(asking["privateIPv4Address"]) in ipaddress.ip_network(SUBNETS["subnet-upper"]["cidr"])
    assert (served["zone"], asking["zone"]) == ("eu-central-1a", "eu-central-1b")
    address = served["privateIPv4Address"]
    pair = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "UserIdGroupPairs": [{"GroupId": callers}]}

    assert not host.answers(client, address), "nothing is let in yet"
    host.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[pair])
    assert host.reaches(client, address), "at once, for tasks that run"
    assert host.code("authorize_security_group_ingress", GroupId=group, IpPermissions=[pair]) == "InvalidPermission.Duplicate"

    daemon.kill()
    forget_rules(group)
    daemon.start()
    host.again()
    (kept,) = host.ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["pag*"]}])["SecurityGroups"]
    assert kept["IpPermissions"][0]["UserIdGroupPairs"] == [{"GroupId": callers, "UserId": "123456789012"}]
    # One thread does both, in order: when this is answered, what was to be restored is.
    assert host.reaches(client, address), "the rules are those of the disk again"

    host.ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[pair])
    assert not host.answers(client, address)
    daemon.aws("ec2", "authorize-security-group-ingress", "--group-id", group, "--protocol", "tcp", "--port", "80",
               "--cidr", asking["privateIPv4Address"] + "/32")
    assert host.reaches(client, address), "by the address"
    everything = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    host.ec2.revoke_security_group_egress(GroupId=callers, IpPermissions=[everything])
    assert host.reaches(client, address), "its other group lets it out"

    (interface,) = host.ec2.describe_network_interfaces(Filters=[{"Name": "group-id", "Values": [group]}])["NetworkInterfaces"]
    assert interface["NetworkInterfaceId"] == served["networkInterfaceId"]
    assert interface["PrivateIpAddress"] == address
    assert host.code("delete_security_group", GroupId=group) == "DependencyViolation"
    assert host.code("delete_security_group", GroupId="sg-operators") == "OperationNotPermitted"

    tasks = host.ecs.list_tasks()["taskArns"]
    for each in tasks:
        host.ecs.stop_task(task=each)
    host.ecs.get_waiter("tasks_stopped").wait(tasks=tasks, WaiterConfig=QUICK)
    for each in (group, callers):
        host.ec2.delete_security_group(GroupId=each)
    with pytest.raises(host.ecs.exceptions.InvalidParameterException, match="The security group 'sg-.*' does not exist"):
        host.start("client", WAITS, group)


def test_the_network_of_the_host_is_described(daemon):
    ec2 = daemon.client("ec2")
    (vpc,) = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    subnets = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc["VpcId"]]}])["Subnets"]
    assert [(each["SubnetId"], each["CidrBlock"], each["AvailabilityZone"][-1]) for each in subnets] == [
        ("subnet-1", "172.29.0.0/17", "a"), ("subnet-upper", "172.29.128.0/20", "b")]
    zones = daemon.aws("ec2", "describe-availability-zones")["AvailabilityZones"]
    assert [each["ZoneName"] for each in zones] == [each["AvailabilityZone"] for each in subnets]
    names = {each["GroupName"]: each["GroupId"] for page in ec2.get_paginator("describe_security_groups").paginate(
        PaginationConfig={"PageSize": 5}) for each in page["SecurityGroups"]}
    assert names == {"default": "sg-1", "operators": "sg-operators"}


@pytest.mark.parametrize("subnets, error", [
    ({"here": {"cidr": "172.29.0.0/20"}}, 'subnets: "here" must be "subnet-" and'),
    ({"subnet-a": {"cidr": "172.30.0.0/20"}}, 'subnets.subnet-a.cidr: 172.30.0.0/20 must be a part of "subnet" (172.29.0.0/16)'),
    ({"subnet-a": {"cidr": "172.29.0.1/20"}}, "without bits beyond its prefix"),
    ({"subnet-a": {"cidr": "172.29.0.0/20"}, "subnet-b": {"cidr": "172.29.8.0/24"}}, "overlaps that of subnet-a"),
    ({"subnet-a": {"cidr": "172.29.0.0/20", "availabilityZone": "eu-1a"}}, "must be the letter behind the region"),
])
def test_subnets_that_cannot_be_are_named(tmp_path, subnets, error):
    path = tmp_path / "berth.json"
    path.write_text(json.dumps({"subnets": subnets}))
    done = subprocess.run([BIN / "berth", "--config", path, "system", "config"], capture_output=True, text=True, check=False)
    assert done.returncode == 125
    assert error in done.stderr
