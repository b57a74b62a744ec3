"""Answers of services held against their public models, member by member, as the installed botocore has it."""

import base64
import json

# Members that AWS has added since Debian's botocore, by shape. Whatever else the model does not know is a fault of ours.
NEWER = {
    "CapacityProvider": {"type"},
    "Cluster": {"serviceConnectDefaults"},
    "ContainerDefinition": {"restartPolicy", "versionConsistency", "credentialSpecs"},
    "Deployment": {"volumeConfigurations"},
    "DeploymentConfiguration": {"alarms", "bakeTimeInMinutes", "canaryConfiguration", "lifecycleHooks", "linearConfiguration",
                                "strategy"},
    "DeploymentCircuitBreaker": {"resetOnHealthyTask", "thresholdConfiguration"},
    "LogGroup": {"deletionProtectionEnabled", "logGroupArn", "logGroupClass"},
    "NetworkBinding": {"containerPortRange", "hostPortRange"},
    "ParameterMetadata": {"ARN"},
    "PortMapping": {"containerPortRange", "name", "appProtocol"},
    "Service": {"availabilityZoneRebalancing", "currentServiceDeployment", "currentServiceRevisions"},
    "Setting": {"type"},
    "Task": {"fargateEphemeralStorage"},
    "TaskDefinition": {"deleteRequestedAt", "enableFaultInjection"},
    "Volume": {"configuredAtLaunch"},
}
# Words that it does not know yet, by shape.
NEWER_WORDS = {"SettingName": {"defaultLogDriverMode", "dualStackIPv6", "fargateFIPSMode", "fargateTaskRetirementWaitPeriod",
                               "guardDutyActivate", "tagResourceAuthorization"},
               "TaskDefinitionStatus": {"DELETE_IN_PROGRESS"}}
# What an answer always has, because typed clients and waiters read it.
ALWAYS = {
    "Attachment": {"id", "type", "status", "details"},
    "Cluster": {"clusterArn", "clusterName", "status", "registeredContainerInstancesCount", "runningTasksCount",
                "pendingTasksCount", "activeServicesCount", "statistics", "tags", "settings", "capacityProviders",
                "defaultCapacityProviderStrategy"},
    "Container": {"containerArn", "taskArn", "name", "image", "lastStatus", "networkInterfaces", "cpu"},
    "ContainerInstance": {"containerInstanceArn", "version", "versionInfo", "remainingResources", "registeredResources",
                          "status", "agentConnected", "runningTasksCount", "pendingTasksCount", "attributes", "registeredAt"},
    "Deployment": {"id", "status", "taskDefinition", "desiredCount", "pendingCount", "runningCount", "failedTasks", "createdAt",
                   "updatedAt", "rolloutState", "rolloutStateReason"},
    "Failure": {"arn", "reason"},
    "Service": {"serviceArn", "serviceName", "clusterArn", "loadBalancers", "serviceRegistries", "status", "desiredCount",
                "runningCount", "pendingCount", "deploymentConfiguration", "deployments", "roleArn", "events",
                "createdAt", "placementConstraints", "placementStrategy", "healthCheckGracePeriodSeconds", "schedulingStrategy",
                "deploymentController", "createdBy", "enableECSManagedTags", "propagateTags", "enableExecuteCommand"},
    "ServiceEvent": {"id", "createdAt", "message"},
    "Task": {"attachments", "attributes", "availabilityZone", "clusterArn", "containers", "createdAt", "desiredStatus",
             "enableExecuteCommand", "group", "lastStatus", "launchType", "overrides", "tags", "taskArn", "taskDefinitionArn",
             "version"},
    "TaskDefinition": {"taskDefinitionArn", "containerDefinitions", "family", "revision", "volumes", "status",
                       "requiresAttributes", "placementConstraints", "compatibilities", "registeredAt"},
}
SCALARS = {
    "blob": lambda value: base64.b64encode(base64.b64decode(value)).decode() == value,
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**31,
    "long": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "double": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "float": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "timestamp": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool) and value > 1_000_000_000,
}


def faults(shape, value, path):
    """What is wrong with a value of a shape, one line each."""
    kind = shape.type_name
    if kind == "structure":
        if not isinstance(value, dict):
            return [f"{path}: no object but {value!r}"]
        found = [f"{path}.{name}: missing" for name in sorted({*ALWAYS.get(shape.name, ()), *shape.required_members} - set(value))]
        for name, member in value.items():
            if name in shape.members:
                found += faults(shape.members[name], member, f"{path}.{name}")
            elif name not in NEWER.get(shape.name, ()):
                found.append(f"{path}.{name}: no member of {shape.name}")
        return found
    if kind == "list":
        if not isinstance(value, list):
            return [f"{path}: no list but {value!r}"]
        return [fault for index, item in enumerate(value) for fault in faults(shape.member, item, f"{path}[{index}]")]
    if kind == "map":
        if not isinstance(value, dict):
            return [f"{path}: no map but {value!r}"]
        return [fault for name, item in value.items() for fault in faults(shape.value, item, f"{path}[{name}]")]
    if not SCALARS[kind](value):
        return [f"{path}: {value!r} is no {kind}"]
    words = getattr(shape, "enum", None)
    if words and value not in words and value not in NEWER_WORDS.get(shape.name, ()):
        return [f"{path}: {value!r} is none of {words}"]
    return []


def message_member(service):
    """In which member its exceptions say why; those of Systems Manager do not agree about it."""
    names = {name for shape in service.error_shapes for name in shape.members if name.lower() == "message"}
    return names.pop() if len(names) == 1 else "message"


def watch(client):
    """Every answer that the client gets from now on is checked; returns the set of operations that were."""
    seen = set()

    def check(http_response, model, **_):
        body = http_response.content
        if http_response.status_code != 200:
            error = json.loads(body)
            assert http_response.status_code == 400, (model.name, error)
            known = {shape.name for shape in model.error_shapes}
            assert error["__type"] in {*known, "SerializationException"}, (model.name, error, known)
            assert isinstance(error[message_member(model.service_model)], str), error
            return
        seen.add(model.name)
        if model.output_shape is not None:  # else whatever is answered is passed over
            assert faults(model.output_shape, json.loads(body), model.name) == []

    client.meta.events.register(f"after-call.{client.meta.service_model.service_id.hyphenize()}", check)
    return seen
