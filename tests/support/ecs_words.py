"""What Amazon ECS says to requests that it refuses, from public records: the request, the exception, the text, where it
was recorded. All records but those of `BENCH`, which are of September 2026, are of whom it happened to."""

BENCH = "https://github.com/badmintoncryer/cdk-preflight/tree/main/rules/ecs/pf-ecs-"  # deployed by its author: meta.yaml
QUOTED = "quoted by several public repositories"
MOTO = "https://github.com/getmoto/moto: tests/test_ecs/test_ecs.py"
GUIDE = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/"


def bench(rule):
    return BENCH + rule


def issue(repository, number):
    return f"https://github.com/{repository}/issues/{number}"


def container(**members):
    return {"name": "app", "image": "nginx", "memory": 128, **members}


def definition(*containers, **members):
    return {"family": "f", "containerDefinitions": list(containers) or [container()], **members}


FARGATE = {"networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512"}
ROLE = {"executionRoleArn": "arn:aws:iam::123456789012:role/r"}
VPC = {"networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}}


def fargate(*containers, **members):
    return definition(*containers, **{**FARGATE, **members})


def awslogs(*options):
    every = {"awslogs-group": "g", "awslogs-region": "eu-central-1", "awslogs-stream-prefix": "p"}
    return {"logConfiguration": {"logDriver": "awslogs", "options": {name: every[name] for name in options}}}


def health(**members):
    return container(healthCheck={"command": ["CMD", "true"], **members})


def ports(*mappings):
    return container(portMappings=list(mappings))


def depends(condition, on):
    return container(dependsOn=[{"containerName": on, "condition": condition}])


def efs(**members):
    return definition(volumes=[{"name": "v", "efsVolumeConfiguration": {"fileSystemId": "fs-12345678", **members}}])


SECRET = {"name": "KEY", "valueFrom": "arn:aws:ssm:eu-central-1:123456789012:parameter/key"}
LOGS = ["awslogs-group", "awslogs-region", "awslogs-stream-prefix"]

# Of RegisterTaskDefinition, all of them ClientException: the request, the text, the record.
DEFINITIONS = [
    (definition(family="a.b"), "Family contains invalid characters.", issue("aws/amazon-ecs-cli", 37)),
    ({"family": "f", "containerDefinitions": []}, "Container list cannot be empty.", bench("container-definitions-empty")),
    ({**definition(), "tags": []}, "Tags can not be empty.",
     "https://github.com/hashicorp/terraform-provider-aws: aws/resource_aws_ecs_task_definition.go of 1.46.0"),
    (definition(container(name="")), "Container.name should not be null or empty.", issue("hashicorp/terraform", 2888)),
    (definition(container(name="a b")), "Container.name contains invalid characters.",
     issue("hashicorp/terraform-provider-aws", 5950)),
    (definition(container(image="")), "Container.image should not be null or empty.", issue("aws/aws-cli", 5924)),
    (definition(container(image="#{image} 1")), "Container.image contains invalid characters.",
     issue("OctopusDeploy/Issues", 10033)),
    (definition(container(), container()), "Container names must be unique within a task definition",
     bench("duplicate-container-names")),
    (definition(container(essential=False)), "Task definition doesn't have any essential container",
     bench("essential-container")),
    ({"family": "f", "containerDefinitions": [{"name": "app", "image": "nginx"}]},
     "Invalid setting for container 'app'. At least one of 'memory' or 'memoryReservation' must be specified.",
     issue("klothoplatform/klotho", 892)),
    (definition(container(memoryReservation=256)), "'memory' must be greater than or equal to 'memoryReservation'",
     bench("container-memory-reservation")),
    (fargate(container(memory=1024)), "The 'memory' setting for container 'app' is greater than for the task.",
     issue("pulumi/pulumi-awsx", 188)),
    (fargate(container(cpu=512)),
     "The sum of all container 'cpu' values cannot be greater than the value of the task 'cpu'.",
     issue("aws/aws-cdk", 1553)),
    (definition(cpu="few"), "Invalid 'cpu' setting for task.", GUIDE + "task-cpu-memory-error.html"),
    (fargate(cpu=None), "Fargate requires that 'cpu' be defined at the task level.",
     issue("hackoregon/civic-devops", 246)),
    (fargate(memory=None), "Fargate requires that 'memory' be defined at the task level.",
     bench("fargate-task-cpu-memory")),
    (fargate(networkMode="bridge"), "Fargate only supports network mode ‘awsvpc’.", bench("fargate-network-mode")),
    (fargate(networkMode=None), "Fargate only supports network mode ‘awsvpc’.", bench("fargate-network-mode")),
    (fargate(container(privileged=True)),
     "Fargate requires that the ‘privileged’ setting be ‘false’ at the container level.", bench("fargate-privileged")),
    (fargate(ipcMode="task"), "Fargate compatible task definitions do not support ipcMode", bench("fargate-ipc-mode")),
    (fargate(pidMode="host"),
     "Tasks using the Fargate launch type do not support pidMode 'host'. The supported value for pidMode is 'task'.",
     bench("fargate-pid-mode-host")),
    (fargate(container(dockerSecurityOptions=["no-new-privileges"])),
     "Fargate compatible task definitions do not support dockerSecurityOptions", bench("fargate-docker-security-options")),
    (fargate(container(linuxParameters={"devices": [{"hostPath": "/dev/null"}]})),
     "Fargate compatible task definitions do not support devices", bench("fargate-devices")),
    (fargate(container(linuxParameters={"sharedMemorySize": 64})),
     "Fargate compatible task definitions do not support sharedMemorySize", bench("fargate-shared-memory-size")),
    (fargate(container(linuxParameters={"maxSwap": 64})),
     "Fargate compatible task definitions do not support maxSwap", bench("fargate-max-swap")),
    (fargate(container(linuxParameters={"capabilities": {"add": ["NET_ADMIN"]}})),
     "NET_ADMIN is not allowed on Fargate.", bench("fargate-capabilities-add")),
    (fargate(container(resourceRequirements=[{"type": "GPU", "value": "1"}])),
     "Tasks using the Fargate launch type do not support GPU resource requirements.", bench("fargate-gpu-resource")),
    (fargate(volumes=[{"name": "v", "host": {"sourcePath": "/v"}}]),
     "Fargate compatible task definitions do not support sourcePath",
     issue("cloudposse/terraform-aws-ecs-alb-service-task", 174)),
    (fargate(volumes=[{"name": "v", "dockerVolumeConfiguration": {"scope": "task"}}]),
     "Fargate compatible task definitions do not support dockerVolumeConfiguration", bench("fargate-docker-volume")),
    (fargate(placementConstraints=[{"type": "memberOf", "expression": "attribute:a == b"}]),
     "Fargate compatible task definitions do not support constraints", bench("fargate-placement-constraints")),
    (fargate(container(logConfiguration={"logDriver": "json-file"})),
     "json-file is not a valid log driver. Must be one of [awslogs,splunk,awsfirelens]",
     bench("fargate-log-driver-unsupported")),
    (fargate(container(**awslogs(*LOGS[:2])), **ROLE),
     "Fargate requires log configuration options to include awslogs-stream-prefix to support log driver awslogs.",
     bench("awslogs-fargate-missing-stream-prefix")),
    (fargate(container(**awslogs(*LOGS))),
     "Fargate requires task definition to have execution role ARN to support log driver awslogs.",
     issue("virtual-kubelet/virtual-kubelet", 193)),
    (fargate(container(image="123456789012.dkr.ecr.eu-central-1.amazonaws.com/app:1")),
     "Fargate requires task definition to have execution role ARN to support ECR images.",
     issue("hashicorp/terraform-provider-aws", 3051)),
    (definition(container(**awslogs(LOGS[1]))), "Log driver awslogs requires options: awslogs-region, awslogs-group",
     issue("klothoplatform/klotho", 892)),
    (definition(container(logConfiguration={"logDriver": "awsfirelens"})),
     "When awsfirelens log driver is specified in log configuration, a firelens configuration object must be "
     "configured in one of the containers.", bench("awsfirelens-without-router")),
    (definition(ephemeralStorage={"sizeInGiB": 20}, **FARGATE), "EphemeralStorage size should be at least 21",
     bench("ephemeral-storage-range")),
    (definition(ephemeralStorage={"sizeInGiB": 201}, **FARGATE), "EphemeralStorage size should be at most 200",
     bench("ephemeral-storage-range")),
    (definition(ephemeralStorage={"sizeInGiB": 21}, requiresCompatibilities=["EC2"]),
     "Tasks using the EC2 launch type do not support EphemeralStorage.", bench("fargate-ephemeral-storage-ec2")),
    (definition(inferenceAccelerators=[{"deviceName": "d", "deviceType": "t"}]),
     "Unsupported field 'inferenceAccelerators'.", bench("fargate-inference-accelerator")),
    (definition(placementConstraints=[{"type": "distinctInstance", "expression": "e"}]),
     "constraint.type 'distinctInstance' is not supported.", issue("aws-samples/aws-cdk-examples", 628)),
    (definition(container(hostname="h"), networkMode="awsvpc"),
     "hostname is not supported on container when networkMode=awsvpc.", bench("awsvpc-hostname")),
    (definition(container(links=["b"]), container(name="b"), networkMode="awsvpc"),
     "Links are not supported when networkMode=awsvpc.", bench("fargate-links")),
    (definition(container(environment=[{"name": "", "value": "v"}])), "Environment variable name cannot be null or blank.",
     issue("thnery/terraform-aws-template", 2)),
    (definition(container(environmentFiles=[{"type": "s3", "value": f"arn:aws:s3:::b/{n}.env"} for n in range(11)])),
     "The maximum number of environment files was exceeded. Specify ten or less and try again.",
     bench("environment-files-max")),
    (definition(container(environmentFiles=[{"type": "s3", "value": "b/one.env"}])), "Invalid arn syntax.",
     bench("environment-files-type")),
    (definition(container(secrets=[SECRET])),
     "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'.",
     issue("fabfuel/ecs-deploy", 87)),
    (definition(container(secrets=[SECRET], environment=[{"name": "KEY", "value": "v"}]), **ROLE),
     "The secret name must be unique and not shared with any new or existing environment variables set on the "
     "container, such as 'KEY'.", issue("dagster-io/dagster", 11622)),
    (definition(container(secrets=[SECRET, SECRET]), **ROLE),
     "Duplicate secret names found: KEY. Each secret name must be unique.", issue("CircleCI-Public/aws-ecs-orb", 190)),
    (definition(health(interval=301)),
     "Health check interval must be less than or equal to the maximum allowed value 300 for container 'app'",
     bench("healthcheck-interval-range")),
    (definition(health(timeout=61)),
     "Health check timeout must be less than or equal to the maximum allowed value 60 for container 'app'",
     bench("healthcheck-timeout-range")),
    (definition(health(retries=11)),
     "Health check retries must be less than or equal to the maximum allowed value 10 for container 'app'",
     bench("healthcheck-retries-range")),
    (definition(health(startPeriod=301)),
     "Health check startPeriod must be less than or equal to the maximum allowed value 300 for container 'app'",
     bench("healthcheck-start-period-range")),
    (definition(container(restartPolicy={"enabled": True, "restartAttemptPeriod": 59})),
     "The 'restartAttemptPeriod' setting for container 'app' must be between 60 and 1800.",
     bench("restart-policy-attempt-period-range")),
    (definition(depends("START", "nope")), "Cannot depend on container + 'nope' because it does not exist",
     bench("dependson-container-missing")),
    (definition(depends("SUCCESS", "b"), container(name="b")),
     "A dependency container with SUCCESS or COMPLETE condition cannot be an essential container",
     issue("boto/boto3", 2436)),
    (definition(depends("HEALTHY", "b"), container(name="b")),
     "A dependency container with HEALTHY condition must have health check configured",
     bench("dependson-healthy-without-healthcheck")),
    (definition(container(mountPoints=[{"sourceVolume": "root-RO", "containerPath": "/r"}])), "Unknown volume 'root-RO'.",
     issue("ansible/ansible", 35751)),
    (definition(volumes=[{"name": "v", "host": {"sourcePath": "/v"},
                          "efsVolumeConfiguration": {"fileSystemId": "fs-12345678"}}]),
     "When the volume parameter is specified, only one volume configuration type should be used.",
     issue("cloudposse/terraform-aws-ecs-alb-service-task", 185)),
    (efs(rootDirectory="/data", transitEncryption="ENABLED", authorizationConfig={"accessPointId": "fsap-12345678"}),
     'When using an EFS access point, the root directory must either be set to "/" or be omitted.',
     bench("efs-access-point-with-root-directory")),
    (efs(authorizationConfig={"iam": "ENABLED"}), "EFS IAM authorization requires TransitEncryption to be enabled.",
     bench("efs-iam-without-transit-encryption")),
    (efs(transitEncryptionPort=2999), "TransitEncryptionPort requires that TransitEncryption is enabled.",
     bench("efs-transit-encryption-port-without-encryption")),
    (definition(ports({"containerPort": 80, "hostPort": 81}), networkMode="host"),
     "When networkMode=host, the host ports and container ports in port mappings must match.",
     bench("host-network-host-port-mismatch")),
    (definition(ports({"containerPort": 80, "hostPort": 81}), networkMode="awsvpc"),
     "When networkMode=awsvpc, the host ports and container ports in port mappings must match.",
     issue("pulumi/pulumi-awsx", 935)),
    (definition(ports({"hostPort": 7000})), "Invalid 'containerPort' setting for container 'app'.",
     issue("aws/aws-cli", 7288)),
    (definition(ports({"containerPortRange": "90-80"})), "Invalid 'containerPortRange' setting for container 'app'.",
     bench("port-range-reversed")),
    (definition(ports({"containerPortRange": "80-90", "containerPort": 80})),
     "Invalid port mapping for container 'app', cannot specify both single port and port range.",
     bench("port-range-with-host-port")),
    (definition(ports({"containerPortRange": "8080-8090"}, {"containerPortRange": "8085-8095"}), networkMode="awsvpc"),
     "TCP container port '8085' is used multiple times in task when networkMode=awsvpc.", bench("port-range-overlap")),
    (definition(ports({"containerPort": 80, "name": "web"}, {"containerPort": 81, "name": "web"}), networkMode="awsvpc"),
     "When networkMode=awsvpc, port mapping name is already used", bench("port-mapping-duplicate-name")),
    (definition(ports({"containerPort": 80, "hostPort": 3000}, {"containerPort": 81, "hostPort": 3000})),
     "TCP host port '3000' is mapped multiple times in task.", issue("aws/amazon-ecs-agent", 1220)),
]

CLIENT, INVALID = "ClientException", "InvalidParameterException"
ACCOUNT = "arn:aws:ecs:eu-central-1:123456789012:"
PROVIDERS = "capacityProviderStrategy"
DAEMON = {"serviceName": "d", "taskDefinition": "web", "schedulingStrategy": "DAEMON"}
REPLICA = {"serviceName": "n", "taskDefinition": "web", "desiredCount": 1}


def strategy(*items):
    return [dict(zip(("capacityProvider", "weight", "base"), item)) for item in items]


def volume(name):
    managed = {"roleArn": "arn:aws:iam::123456789012:role/r", "sizeInGiB": 1}
    return {"volumeConfigurations": [{"name": name, "managedEBSVolume": managed}]}


def execution(**members):
    return {"configuration": {"executeCommandConfiguration": members}}


# What there is: the definitions web (bridge), vpc (awsvpc), far (Fargate), old:1 (INACTIVE) and launched, which has a
# volume `data` that is configured at launch; the clusters other and gone, which is INACTIVE; the services s, away,
# which is INACTIVE, ext, whose controller is EXTERNAL, and drains; $TASK, in which commands can be executed and which
# has none but a container that has not started, and $PLAIN, of which that was not asked.
REQUESTS = [
    ("RunTask", {"taskDefinition": "web", "cluster": "no"}, "ClusterNotFoundException", "Cluster not found.",
     issue("github-developer/octochat-aws", 9)),
    ("CreateService", {**REPLICA, "cluster": "gone"}, "ClusterNotFoundException", "The referenced cluster was inactive.",
     QUOTED),
    ("RunTask", {"taskDefinition": "no"}, CLIENT, "TaskDefinition not found.", issue("Cloud-CV/EvalAI", 2419)),
    ("UpdateService", {"service": "s", "taskDefinition": "old:1"}, CLIENT, "TaskDefinition is inactive",
     issue("aws/aws-cdk", 33195)),
    ("CreateService", {**REPLICA, "taskDefinition": "1.dkr.ecr.eu-west-2.amazonaws.com/a"}, CLIENT,
     "Family contains invalid characters.", issue("aws/aws-cli", 6774)),
    ("DescribeTaskDefinition", {"taskDefinition": "no"}, CLIENT, "Unable to describe task definition.",
     issue("hashicorp/terraform-provider-aws", 29749)),
    ("DescribeTaskDefinition", {"taskDefinition": ""}, INVALID, "Task Definition can not be blank.",
     issue("awslabs/fargatecli", 11)),
    ("RunTask", {"taskDefinition": "web", "launchType": "FARGATE"}, INVALID,
     "Task definition does not support launch_type FARGATE.", issue("aws/aws-cli", 3983)),
    ("RunTask", {"taskDefinition": "vpc"}, INVALID,
     "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
     MOTO),
    ("CreateService", {**REPLICA, **VPC}, INVALID,
     "Network Configuration is not valid for the given networkMode of this task definition.",
     bench("service-network-config-mode")),
    ("RunTask", {"taskDefinition": "vpc", "networkConfiguration": {"awsvpcConfiguration": {"subnets": []}}}, INVALID,
     "subnets can not be empty.", MOTO),
    ("RunTask", {"taskDefinition": "vpc", "networkConfiguration": {"awsvpcConfiguration": {
        "subnets": ["subnet-1"], "assignPublicIp": "ENABLED"}}}, INVALID,
     "Assign public IP is not supported for this launch type.", issue("aws/aws-cdk", 13348)),
    ("RunTask", {"taskDefinition": "web", "overrides": {"containerOverrides": [{"name": "django"}]}}, INVALID,
     "Override for container named django is not a container in the TaskDefinition.",
     issue("azavea/django-ecsmanage", 21)),
    ("RunTask", {"taskDefinition": "web", "tags": [{"key": "flow", "value": "Hello World: '"}]}, INVALID,
     "Some tags contain invalid characters. Valid characters: UTF-8 letters, spaces, numbers and _ . / = + - : @.",
     issue("prefect-archive/prefect-aws", 223)),
    ("RunTask", {"taskDefinition": "far", "launchType": "FARGATE", "platformVersion": "1.4", **VPC},
     "PlatformUnknownException", "The specified platform does not exist.", issue("jenkinsci/amazon-ecs-plugin", 218)),
    ("RunTask", {"taskDefinition": "files", "launchType": "FARGATE", "platformVersion": "1.3.0", **VPC},
     "PlatformTaskDefinitionIncompatibilityException",
     "One or more of the requested capabilities are not supported.", issue("CircleCI-Public/aws-ecs-orb", 121)),
    ("CreateService", {**REPLICA, "launchType": "EC2", "platformVersion": "1.4.0"}, INVALID,
     "The platform version must be null when specifying an EC2 launch type.", bench("service-platform-version-ec2")),
    ("CreateService", {**REPLICA, "launchType": "EC2", PROVIDERS: strategy(("FARGATE", 1))}, INVALID,
     "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.",
     bench("service-launch-type-capacity-provider")),
    ("CreateService", {**REPLICA, PROVIDERS: strategy(("FARGATE", 1, 1), ("FARGATE_SPOT", 1, 1))}, INVALID,
     "There are multiple capacity providers in the specified capacity provider strategy with a base value greater than "
     "zero. Only one capacity provider can have a base value greater than zero. Specify a valid capacity provider "
     "strategy and try again.", bench("svc-capacity-provider-multiple-base")),
    ("CreateService", {**REPLICA, PROVIDERS: strategy(("FARGATE", 0), ("FARGATE_SPOT", 0))}, INVALID,
     "There are no capacity providers in the capacity provider strategy with a weight value greater than zero. Specify "
     "a weight value greater than zero for at least one capacity provider and try again.",
     bench("svc-capacity-provider-zero-weight")),
    ("CreateCluster", {"clusterName": "c", "capacityProviders": ["FARGATE"],
                       "defaultCapacityProviderStrategy": strategy(("FARGATE_SPOT", 1))}, INVALID,
     "The specified capacity provider strategy cannot contain a capacity provider that is not associated with the "
     "cluster. Associate the capacity provider with the cluster or specify a valid capacity provider and try again.",
     bench("cluster-default-strategy-provider-not-listed")),
    ("CreateCluster", {"clusterName": "a.b"}, INVALID, "ClusterName must match ^[a-zA-Z0-9\\-_]{1,255}$",
     bench("cluster-name")),
    ("DescribeServices", {"cluster": "my.ter", "services": ["s"]}, INVALID,
     "Cluster must match ^[a-zA-Z0-9\\-_]{1,255}$, but was my.ter", issue("awslabs/amazon-ecs-nodejs-microservices", 18)),
    ("CreateService", {**REPLICA, "serviceName": "a.b"}, INVALID,
     "ServiceName must match ^[a-zA-Z0-9\\-_]{1,255}$, but was a.b", bench("service-name")),
    ("CreateCluster", execution(logging="DEFAULT", logConfiguration={"cloudWatchLogGroupName": "g"}), INVALID,
     "You must set logging to 'OVERRIDE' when you supply a log configuration.",
     bench("cluster-execute-command-default-with-log-config")),
    ("CreateCluster", execution(logging="OVERRIDE"), INVALID,
     "A CloudWatch log group name or S3 bucket name must be specified when overriding the default log configuration.",
     bench("cluster-execute-command-override-without-log-config")),
    ("UpdateCluster", {"cluster": "default", "settings": [{"name": "containerInsights", "value": "enhaced"}]}, INVALID,
     "Invalid setting 'value'", issue("terraform-aws-modules/terraform-aws-ecs", 264)),
    ("PutAccountSetting", {"name": "taskLongArnFormat", "value": "ENABLED"}, INVALID, "Invalid setting 'value'",
     issue("aws/aws-cli", 3785)),
    ("DeleteCluster", {"cluster": "default"}, "ClusterContainsServicesException",
     "The Cluster cannot be deleted while Services are active.", QUOTED),
    ("DeleteCluster", {"cluster": "other"}, "ClusterContainsTasksException",
     "The Cluster cannot be deleted while Tasks are active.", QUOTED),
    ("DescribeTasks", {"tasks": []}, INVALID, "Tasks cannot be empty.", issue("sil-org/ecs-deploy", 63)),
    ("DescribeServices", {"services": []}, INVALID, "Services cannot be empty.", issue("vend/ecs-cleaner", 2)),
    ("DescribeTasks", {"tasks": ["0" * 32] * 101}, INVALID, "taskIds can have at most 100 items.",
     issue("sil-org/ecs-deploy", 266)),
    ("DescribeServices", {"services": ["s"] * 11}, INVALID, "service names can have at most 10 items.",
     issue("aws/aws-toolkit-vscode", 2362)),
    ("DescribeContainerInstances", {"containerInstances": ["i"] * 101}, INVALID,
     "instanceIds can have at most 100 items.", issue("traefik/traefik", 3625)),
    ("UpdateContainerInstancesState", {"containerInstances": ["i"] * 11, "status": "DRAINING"}, INVALID,
     "instanceIds can have at most 10 items.", "https://github.com/minamijoyo/myaws/pull/25"),
    ("DescribeTasks", {"tasks": [ACCOUNT + "cluster/default"]}, INVALID, "Unsupported resource type: cluster",
     issue("aws/aws-cli", 7875)),
    ("DescribeTasks", {"tasks": [ACCOUNT + "task/default/" + "0" * 32 + "\n" + ACCOUNT + "task/default/" + "1" * 32]},
     INVALID, "Invalid identifier: Unexpected number of separators", "https://github.com/sil-org/ecs-deploy/pull/312"),
    ("DescribeServices", {"services": [ACCOUNT + "service/other/s"]}, INVALID,
     "Invalid identifier: Identifier is for cluster other. Your cluster is default", issue("aws/aws-toolkit-vscode", 2915)),
    ("DescribeTasks", {"tasks": ["arn:aws:ecs:eu-central-1:210987654321:task/default/" + "0" * 32]}, INVALID,
     "Identifier is for 210987654321. Your accountId is 123456789012",
     issue("aws-actions/amazon-ecs-deploy-task-definition", 261)),
    ("DescribeTasks", {"tasks": ["None"]}, INVALID, "taskId length should be one of [32,36]",
     QUOTED),
    ("ListTasks", {"startedBy": "me", "family": "web"}, INVALID, "cannot specify startedBy with other arguments",
     issue("aws/aws-sdk-go-v2", 1893)),
    ("ListTasks", {"family": "weird_dir@letssee.cats"}, INVALID, "family must match ^[a-zA-Z0-9\\-_]+$",
     issue("aws/amazon-ecs-cli", 542)),
    ("StopTask", {"task": "0" * 32}, INVALID, "The referenced task was not found.", issue("wazuh/wazuh", 25439)),
    ("ExecuteCommand", {"task": "task", "command": "id", "interactive": True}, INVALID,
     "task length should be one of [32,36]", issue("Mic-U/ecsher", 56)),
    ("ExecuteCommand", {"task": "$PLAIN", "command": "id", "interactive": True}, INVALID,
     "The execute command failed because execute command was not enabled when the task was run or the execute command "
     "agent isn’t running. Wait and try again or run a new task with execute command enabled and try again.",
     QUOTED),
    ("ExecuteCommand", {"task": "$TASK", "command": "id", "interactive": True}, "TargetNotConnectedException",
     "The execute command failed due to an internal error. Try again later.", issue("aws/aws-cli", 6456)),
    ("TagResource", {"resourceArn": ACCOUNT + "service/s", "tags": [{"key": "a", "value": "b"}]}, INVALID,
     "Long arn format must be used for tagging operations", issue("boto/boto3", 2473)),
    ("CreateService", {**REPLICA, "serviceName": "s", "desiredCount": 2}, INVALID,
     "Creation of service was not idempotent.", issue("hashicorp/terraform-provider-aws", 23462)),
    ("CreateService", {**REPLICA, "serviceName": "drains"}, INVALID,
     "Unable to Start a service that is still Draining.", QUOTED),
    ("CreateService", {**REPLICA, "desiredCount": 100000}, INVALID, "Desired count exceeds limit.",
     issue("aws/containers-roadmap", 768)),
    ("UpdateService", {"service": "no"}, "ServiceNotFoundException", "Service not found.",
     "https://github.com/hashicorp/terraform/pull/15073"),
    ("UpdateService", {"service": "away"}, "ServiceNotActiveException", "Service was not ACTIVE.",
     "https://github.com/alchemy-run/alchemy/pull/1581"),
    ("DeleteService", {"service": "s"}, INVALID, "The service cannot be stopped while it is scaled above 0.",
     MOTO),
    ("CreateService", {**DAEMON, "desiredCount": 0}, INVALID,
     "The daemon scheduling strategy does not support a desired count for services. Remove the desired count value and "
     "try again", bench("service-daemon-desired-count")),
    ("CreateService", {**DAEMON, "placementStrategy": [{"type": "random"}]}, INVALID,
     "The daemon scheduling strategy does not support placement strategies. Remove the placement strategy and try again",
     bench("svc-daemon-with-placement-strategies")),
    ("CreateService", {**DAEMON, "deploymentConfiguration": {"maximumPercent": 200}}, INVALID,
     "The daemon scheduling strategy does not support values above 100 for maximumPercent on a deployment "
     "configuration. Change the maximumPercent value to 100, and try again", bench("svc-daemon-max-percent")),
    ("CreateService", {**DAEMON, "availabilityZoneRebalancing": "ENABLED"}, INVALID,
     "The service couldn't be created because Availability Zone Rebalancing does not support DAEMON as scheduling "
     "strategy. Update scheduling strategy and try again.", bench("svc-az-rebalancing-with-daemon")),
    ("CreateService", {**REPLICA, "deploymentConfiguration": {"minimumHealthyPercent": 101}}, INVALID,
     "minimumHealthyPercent must be at most 100", bench("service-deployment-percent")),
    ("CreateService", {**REPLICA, "deploymentConfiguration": {"minimumHealthyPercent": 100, "maximumPercent": 100}},
     INVALID, "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments.",
     bench("svc-min-healthy-over-max-percent")),
    ("CreateService", {**REPLICA, "placementStrategy": [{"type": "binpack", "field": "instanceId"}]}, INVALID,
     "binpack field 'instanceId' is invalid.", bench("svc-binpack-field")),
    ("CreateService", {**REPLICA, "placementStrategy": [{"type": "random", "field": "cpu"}]}, INVALID,
     "random field should not be specified.", bench("svc-random-with-field")),
    ("CreateService", {**REPLICA, "placementStrategy": [{"type": "spread", "field": "host"}] * 6}, INVALID,
     "Maximum number of strategies is 5.", bench("svc-placement-strategies-max6")),
    ("CreateService", {**REPLICA, "placementConstraints": [{"type": "distinctInstance", "expression": "a"}]}, INVALID,
     "distinctInstance expression should not be specified.",
     bench("svc-placement-constraint-distinct-instance-expression")),
    ("CreateService", {**REPLICA, "taskDefinition": "far", "launchType": "FARGATE", **VPC,
                       "placementConstraints": [{"type": "distinctInstance"}]}, INVALID,
     "Placement constraints are not supported with FARGATE launch type.", bench("service-fargate-placement")),
    ("CreateService", {**REPLICA, "taskDefinition": "far", "launchType": "FARGATE", **VPC,
                       "placementStrategy": [{"type": "random"}]}, INVALID,
     "Placement strategies are not supported with FARGATE launch type.", bench("service-fargate-placement")),
    ("CreateService", {**REPLICA, "deploymentController": {"type": "EXTERNAL"}}, INVALID, "TaskDefinition must be blank.",
     bench("svc-external-with-taskdef")),
    ("CreateService", {**REPLICA, "taskDefinition": "launched", **volume("nope")}, INVALID,
     "The volume name 'nope' in your request does not have a matching volume in your Task Definition that is "
     "configurable at launch.", bench("svc-ebs-name-not-in-taskdef")),
    ("CreateService", {**REPLICA, **volume("data")}, INVALID,
     "Volume configuration provided but no matching configuredAtLaunch volume found in task definition.",
     bench("svc-ebs-volume-without-size-or-snapshot")),
    ("CreateTaskSet", {"cluster": "default", "service": "s", "taskDefinition": "web"}, INVALID,
     "Amazon ECS only supports task set management on services configured to use external deployment controllers.",
     issue("hashicorp/terraform-provider-aws", 30347)),
    ("DescribeTaskSets", {"cluster": "default", "service": "ext", "taskSets": [ACCOUNT + "task/default/" + "0" * 32]},
     INVALID, "Task Set Identifier is invalid", issue("boto/boto3", 3895)),
]
