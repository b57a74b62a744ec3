"""The operations of ECS as boto3 sees them: every answer in the shapes of the public model, its exceptions, pages and waiters."""

import pytest

from probed_ecs import ProbedEcs

QUICK = {"Delay": 0, "MaxAttempts": 2}
NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-1"], "securityGroups": ["sg-1"], "assignPublicIp": "ENABLED"}}
WEB = {"family": "web", "containerDefinitions": [{"name": "a", "image": "busybox", "memory": 64, "cpu": 10}]}
FARGATE = {
    "family": "far", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512",
    "executionRoleArn": "arn:aws:iam::123456789012:role/r", "runtimePlatform": {"cpuArchitecture": "X86_64"},
    "volumes": [{"name": "v"}],
    "containerDefinitions": [{
        "name": "a", "image": "busybox", "essential": True, "command": ["true"], "stopTimeout": 5,
        "portMappings": [{"containerPort": 80, "protocol": "tcp"}], "environment": [{"name": "K", "value": "v"}],
        "mountPoints": [{"sourceVolume": "v", "containerPath": "/v"}], "dependsOn": [],
        "healthCheck": {"command": ["CMD", "true"], "interval": 5}, "ulimits": [{"name": "nofile", "softLimit": 1, "hardLimit": 2}],
        "linuxParameters": {"initProcessEnabled": True}, "dockerLabels": {"a": "b"},
        "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "g", "awslogs-region": "r",
                                                                 "awslogs-stream-prefix": "p"}}}]}


@pytest.fixture
def ecs():
    host = ProbedEcs()
    yield host
    host.close()


def test_a_task_from_register_to_stopped(ecs):
    client = ecs.client
    registered = client.register_task_definition(**FARGATE, tags=[{"key": "team", "value": "blue"}])
    described = client.describe_task_definition(taskDefinition="far", include=["TAGS"])
    assert described["tags"] == registered["tags"] and described["taskDefinition"] == registered["taskDefinition"]
    for name, value in FARGATE["containerDefinitions"][0].items():  # as it was written
        shown = described["taskDefinition"]["containerDefinitions"][0][name]
        assert shown == value or name in ("portMappings", "logConfiguration"), name
    run = client.run_task(taskDefinition="far", launchType="FARGATE", networkConfiguration=NETWORK, count=2,
                          propagateTags="TASK_DEFINITION", enableECSManagedTags=True, enableExecuteCommand=True,
                          overrides={"cpu": "512", "memory": "1024",
                                     "containerOverrides": [{"name": "a", "command": ["sleep", "9"], "cpu": 1}]})
    assert run["failures"] == [] and [task["lastStatus"] for task in run["tasks"]] == ["PROVISIONING"] * 2
    arns = [task["taskArn"] for task in run["tasks"]]
    ecs.ask(agent=True)
    client.get_waiter("tasks_running").wait(tasks=arns, WaiterConfig=QUICK)
    task = client.describe_tasks(tasks=arns, include=["TAGS"])["tasks"][0]
    assert {tag["key"]: tag["value"] for tag in task["tags"]} == {"team": "blue", "aws:ecs:clusterName": "default"}
    assert (task["cpu"], task["memory"], task["healthStatus"]) == ("512", "1024", "UNKNOWN")
    details = {detail["name"]: detail["value"] for detail in task["attachments"][0]["details"]}
    assert details["subnetId"] == "subnet-1" and details["privateIPv4Address"] == "172.29.0.2"
    ecs.ask(exit=arns[0].rsplit("/")[-1], code=3)
    client.stop_task(task=arns[1], reason="enough")
    ecs.ask(agent=True)
    client.get_waiter("tasks_stopped").wait(tasks=arns, WaiterConfig=QUICK)
    ended, stopped = client.describe_tasks(tasks=arns)["tasks"]
    assert (ended["stopCode"], ended["containers"][0]["exitCode"]) == ("EssentialContainerExited", 3)
    assert (stopped["stopCode"], stopped["stoppedReason"]) == ("UserInitiated", "enough")
    assert sorted(client.list_tasks(desiredStatus="STOPPED")["taskArns"]) == sorted(arns)


def test_a_service_from_created_to_inactive(ecs):
    client = ecs.client
    (container,) = FARGATE["containerDefinitions"]
    unchecked = {name: value for name, value in container.items() if name != "healthCheck"}  # nobody tells of health here
    client.register_task_definition(**{**FARGATE, "containerDefinitions": [unchecked]})
    vpc = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}
    made = client.create_service(
        serviceName="s", taskDefinition="far", desiredCount=2, launchType="FARGATE", networkConfiguration=vpc,
        deploymentConfiguration={"deploymentCircuitBreaker": {"enable": True, "rollback": True}, "maximumPercent": 150},
        tags=[{"key": "team", "value": "blue"}], enableECSManagedTags=True, propagateTags="SERVICE")["service"]
    assert made["status"] == "ACTIVE" and made["deployments"][0]["rolloutState"] == "IN_PROGRESS"
    for _ in range(2):
        ecs.ask(agent=True)
        ecs.ask(**{"pass": 41})
    client.get_waiter("services_stable").wait(services=["s"], WaiterConfig=QUICK)
    client.update_service(service="s", forceNewDeployment=True)
    for _ in range(4):
        ecs.ask(agent=True)
        ecs.ask(**{"pass": 41})
    client.get_waiter("services_stable").wait(services=["s"], WaiterConfig=QUICK)
    client.update_service(service="s", desiredCount=1)
    ecs.ask(agent=True)
    client.get_waiter("services_stable").wait(services=[made["serviceArn"]], WaiterConfig=QUICK)
    shown = client.describe_services(services=["s", "no"], include=["TAGS"])
    assert shown["failures"][0]["reason"] == "MISSING" and shown["services"][0]["tags"] == [{"key": "team", "value": "blue"}]
    assert len(list(client.get_paginator("list_services").paginate())) == 1
    assert len(client.list_tasks(serviceName="s")["taskArns"]) == 1
    client.describe_clusters(include=["STATISTICS"])
    with pytest.raises(client.exceptions.InvalidParameterException):
        client.delete_service(service="s")
    with pytest.raises(client.exceptions.ClusterContainsServicesException):
        client.delete_cluster(cluster="default")
    client.delete_service(service="s", force=True)
    with pytest.raises(client.exceptions.ServiceNotActiveException):
        client.update_service(service="s", desiredCount=1)
    ecs.ask(agent=True)
    client.get_waiter("services_inactive").wait(services=["s"], WaiterConfig=QUICK)


def test_waiters_end_when_they_cannot_succeed(ecs):
    with pytest.raises(Exception, match="MISSING"):
        ecs.client.get_waiter("tasks_running").wait(tasks=["0" * 32], WaiterConfig=QUICK)
    with pytest.raises(Exception, match="MISSING"):
        ecs.client.get_waiter("services_stable").wait(services=["s"], WaiterConfig=QUICK)


def test_exceptions_are_the_models(ecs):
    client, known = ecs.client, ecs.client.exceptions
    client.register_task_definition(**WEB)
    for kind, call in [
            (known.ClusterNotFoundException, lambda: client.list_tasks(cluster="no")),
            (known.ClientException, lambda: client.describe_task_definition(taskDefinition="no")),
            (known.ClientException, lambda: client.register_task_definition(family="f", containerDefinitions=[])),
            (known.InvalidParameterException, lambda: client.run_task(taskDefinition="web", launchType="FARGATE")),
            (known.InvalidParameterException, lambda: client.stop_task(task="no")),
            (known.ServiceNotFoundException, lambda: client.delete_service(service="s")),
            (known.InvalidParameterException, lambda: client.create_service(serviceName="s")),
            (known.UnsupportedFeatureException, lambda: client.create_service(
                serviceName="s", taskDefinition="web", desiredCount=1, loadBalancers=[{"targetGroupArn": "t"}])),
            (known.TargetNotFoundException, lambda: client.put_attributes(attributes=[{"name": "a", "targetId": "x"}])),
            (known.NoUpdateAvailableException, lambda: client.update_container_agent(containerInstance="x"))]:
        with pytest.raises(kind):
            call()


def test_pages_have_everything_once(ecs):
    for _ in range(5):
        ecs.client.register_task_definition(**WEB)
    pages = list(ecs.client.get_paginator("list_task_definitions").paginate(PaginationConfig={"PageSize": 2}))
    arns = [arn for page in pages for arn in page["taskDefinitionArns"]]
    assert [len(page["taskDefinitionArns"]) for page in pages] == [2, 2, 1]
    assert [arn.rsplit(":")[-1] for arn in arns] == ["1", "2", "3", "4", "5"]
    names = [item["name"] for page in ecs.client.get_paginator("list_account_settings").paginate(effectiveSettings=True)
             for item in page["settings"]]
    assert len(names) == len(set(names)) == 11


def test_all_else_that_answers(ecs):
    client = ecs.client
    client.create_cluster(clusterName="c", tags=[{"key": "k", "value": "v"}],
                          settings=[{"name": "containerInsights", "value": "enabled"}],
                          configuration={"executeCommandConfiguration": {"logging": "DEFAULT"}},
                          capacityProviders=["FARGATE"], serviceConnectDefaults={"namespace": "n"},
                          defaultCapacityProviderStrategy=[{"capacityProvider": "FARGATE", "weight": 1}])
    everything = ["ATTACHMENTS", "CONFIGURATIONS", "SETTINGS", "STATISTICS", "TAGS"]
    cluster = client.describe_clusters(clusters=["c", "no"], include=everything)
    assert cluster["failures"][0]["reason"] == "MISSING" and cluster["clusters"][0]["statistics"]
    client.list_clusters()
    client.update_cluster(cluster="c", settings=[{"name": "containerInsights", "value": "disabled"}])
    client.update_cluster_settings(cluster="c", settings=[{"name": "containerInsights", "value": "enabled"}])
    client.put_cluster_capacity_providers(cluster="c", capacityProviders=[], defaultCapacityProviderStrategy=[])
    client.describe_capacity_providers()
    for _ in range(2):
        client.register_task_definition(**WEB)
    client.list_task_definition_families()
    client.deregister_task_definition(taskDefinition="web:2")
    deleted = client.delete_task_definitions(taskDefinitions=["web:2", "web:1"]) if hasattr(
        client, "delete_task_definitions") else None
    assert deleted is None or len(deleted["failures"]) == 1
    node = client.list_container_instances()["containerInstanceArns"][0]
    instance = client.describe_container_instances(containerInstances=[node], include=["TAGS"])["containerInstances"][0]
    assert {item["name"]: item["integerValue"] for item in instance["remainingResources"]
            if item["type"] == "INTEGER"} == {"CPU": 4096, "MEMORY": 8192}
    task = client.start_task(taskDefinition="web:1", containerInstances=[node], startedBy="me")["tasks"][0]
    ecs.ask(agent=True)
    bindings = client.describe_tasks(tasks=[task["taskArn"]])["tasks"][0]["containers"][0]["networkBindings"]
    assert bindings[0]["hostPort"] == 32768
    client.update_container_instances_state(containerInstances=[node], status="DRAINING")
    assert client.run_task(taskDefinition="web:1")["failures"][0]["arn"] == node
    client.put_attributes(attributes=[{"name": "stack", "value": "x", "targetId": node}])
    client.list_attributes(targetType="container-instance", attributeName="stack")
    client.delete_attributes(attributes=[{"name": "stack", "targetId": node}])
    for arn in (node, task["taskArn"], task["taskDefinitionArn"], task["clusterArn"]):
        client.tag_resource(resourceArn=arn, tags=[{"key": "a", "value": "b"}])
        client.untag_resource(resourceArn=arn, tagKeys=["a"])
        assert client.list_tags_for_resource(resourceArn=arn)["tags"] == []
    client.put_account_setting(name="containerInsights", value="enabled")
    client.put_account_setting_default(name="containerInsights", value="enabled")
    client.list_account_settings()
    client.delete_account_setting(name="containerInsights")
    client.get_task_protection(cluster="default", tasks=[task["taskArn"]])
    client.update_task_protection(cluster="default", tasks=[task["taskArn"]], protectionEnabled=True)
    client.list_services()
    client.list_services_by_namespace(namespace="n")
    client.describe_services(services=["s"])
    client.delete_cluster(cluster="c")
    assert len(ecs.seen) >= 32, sorted(ecs.seen)
