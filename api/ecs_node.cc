#include "api/ecs_node.h"

#include "api/ecs_lookup.h"
#include "api/ecs_placement.h"
#include "api/ecs_shapes.h"

#include <fmt/core.h>

#include <algorithm>

namespace berth::api::ecs {
namespace {

using scheduler::ContainerDefinition;
using scheduler::NetworkMode;

// As recorded of ECS (tests/api/ecs_attributes_test.cc has the records); where none tells, as
// Amazon's agent names its abilities.
class Required {
 public:
  std::vector<std::string> take() && { return {names_.begin(), names_.end()}; }

  void of(const scheduler::TaskDefinition& definition) {
    if (definition.network_mode == NetworkMode::kAwsvpc) {
      add_api("1.18");
      add("ecs.capability.task-eni");
    }
    if (!definition.task_role_arn.empty()) {
      add("com.amazonaws.ecs.capability.task-iam-role");
      bool is_host = definition.network_mode == NetworkMode::kHost;
      if (is_host) add("com.amazonaws.ecs.capability.task-iam-role-network-host");
    }
    bool is_limited = definition.cpu || definition.memory_mib;
    if (is_limited && !definition.requires_fargate()) add("ecs.capability.task-cpu-mem-limit");
    if (definition.ephemeral_storage_gib) add("ecs.capability.extensible-ephemeral-storage");
    if (definition.enable_fault_injection) add("ecs.capability.fault-injection");
    if (definition.pid_mode != scheduler::PidMode::kPrivate ||
        definition.ipc_mode != scheduler::IpcMode::kPrivate) {
      add("ecs.capability.pid-ipc-namespace-sharing");
    }
    if (definition.proxy) add("ecs.capability.aws-appmesh");
    for (const scheduler::Volume& volume : definition.volumes) {
      if (!volume.efs) continue;
      add("ecs.capability.efs");
      if (volume.efs->iam || !volume.efs->access_point_id.empty()) add("ecs.capability.efsAuth");
    }
    for (const ContainerDefinition& container : definition.container_definitions) {
      of_container(definition, container);
    }
  }

 private:
  void add(std::string name) { names_.insert(std::move(name)); }
  void add_api(const char* version) {
    add(std::string("com.amazonaws.ecs.capability.docker-remote-api.") + version);
  }

  void of_container(const scheduler::TaskDefinition& definition,
                    const ContainerDefinition& container) {
    if (container.privileged) add("com.amazonaws.ecs.capability.privileged-container");
    const scheduler::LinuxParameters& asked = container.linux_parameters;
    bool has_capabilities = !asked.add_capabilities.empty() || !asked.drop_capabilities.empty();
    if (container.readonly_root_filesystem || has_capabilities) add_api("1.17");
    if (container.health_check) {
      add_api("1.24");
      add("ecs.capability.container-health-check");
    }
    if (!container.depends_on.empty()) add("ecs.capability.container-ordering");
    if (!container.environment_files.empty()) add("ecs.capability.env-files.s3");
    if (!container.repository_credentials.empty()) {
      add("ecs.capability.private-registry-authentication.secretsmanager");
    }
    bool has_role = !definition.execution_role_arn.empty();
    if (container.image.find(".dkr.ecr.") != std::string::npos) {
      add("com.amazonaws.ecs.capability.ecr-auth");
      if (has_role) add("ecs.capability.execution-role-ecr-pull");
    }
    for (const scheduler::SecretVariable& secret : container.secrets) {
      bool is_asm = secret.value_from.find(":secretsmanager:") != std::string::npos;
      add(is_asm ? "ecs.capability.secrets.asm.environment-variables"
                 : "ecs.capability.secrets.ssm.environment-variables");
    }
    if (container.firelens) {
      add(std::string("ecs.capability.firelens.") + name_of(container.firelens->type));
    }
    if (container.log_configuration) of_logs(*container.log_configuration, has_role);
  }

  void of_logs(const scheduler::LogConfiguration& logs, bool has_role) {
    add_api("1.18");
    add("com.amazonaws.ecs.capability.logging-driver." + logs.driver);
    if (logs.options.contains("mode") || logs.options.contains("max-buffer-size")) add_api("1.28");
    if (logs.driver != "awslogs") return;
    add_api("1.19");
    if (logs.options.contains("awslogs-create-group")) add_api("1.29");
    if (has_role) add("ecs.capability.execution-role-awslogs");
  }

  std::set<std::string> names_;
};

template <class HoldingOf>
Holding sum_of_tasks(const Ecs& ecs, HoldingOf holding_of_one) {
  Holding all;
  for (const scheduler::Task* task : ecs.core.living_tasks()) add(all, holding_of_one(*task));
  return all;
}

}  // namespace

Holding held(const Ecs& ecs) {
  return sum_of_tasks(ecs, [](const scheduler::Task& task) { return holding_of(task); });
}

Holding reserved(const Ecs& ecs) {
  return sum_of_tasks(ecs, [](const scheduler::Task& task) { return holding_of(task.definition); });
}

std::string shortage_of(const Ecs& ecs, const Holding& held, const Holding& wanted) {
  return scheduler::shortage_of({ecs.settings.cpu_units, ecs.settings.memory_mib}, held, wanted);
}

std::vector<scheduler::KeyValue> built_in_attributes(const Ecs& ecs) {
  return host_attributes(ecs.settings.architecture, availability_zone_of(ecs));
}

QueryFacts query_facts(const Ecs& ecs, const scheduler::Cluster& cluster) {
  QueryFacts facts;
  for (const scheduler::KeyValue& each : built_in_attributes(ecs)) {
    facts.emplace("attribute:" + each.name, each.value);
  }
  for (const scheduler::KeyValue& each : cluster.node.attributes) {
    facts.emplace("attribute:" + each.name, each.value);
  }
  int running = 0;
  for (const scheduler::Task* task : ecs.core.living_tasks()) {
    if (task->request.cluster != cluster.name || task->request.launch_type == "FARGATE") continue;
    facts.emplace("task:group", task->group);
    if (task->last_status() == scheduler::TaskStatus::kRunning) ++running;
  }
  facts.emplace("runningTasksCount", fmt::format("{}", running));
  facts.emplace("agentConnected", "true");
  facts.emplace("agentVersion", BERTH_VERSION);
  facts.emplace("registeredAt", format_rfc3339(ecs.catalog.node_registered_at()));
  return facts;
}

std::vector<std::string> required_attributes(const scheduler::TaskDefinition& definition) {
  Required required;
  required.of(definition);
  return std::move(required).take();
}

}  // namespace berth::api::ecs
