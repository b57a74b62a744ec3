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

class Required {
 public:
  std::vector<std::string> take() && { return {names_.begin(), names_.end()}; }

  void of(const scheduler::TaskDefinition& definition) {
    add("com.amazonaws.ecs.capability.docker-remote-api.1.18");
    if (definition.network_mode == NetworkMode::kAwsvpc) add("ecs.capability.task-eni");
    if (!definition.task_role_arn.empty()) add("com.amazonaws.ecs.capability.task-iam-role");
    if (definition.cpu || definition.memory_mib) add("ecs.capability.task-cpu-mem-limit");
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

  void of_container(const scheduler::TaskDefinition& definition,
                    const ContainerDefinition& container) {
    if (container.privileged) add("com.amazonaws.ecs.capability.privileged-container");
    if (container.health_check) {
      add("com.amazonaws.ecs.capability.docker-remote-api.1.24");
      add("ecs.capability.container-health-check");
    }
    if (!container.depends_on.empty()) add("ecs.capability.container-ordering");
    if (!container.environment_files.empty()) add("ecs.capability.env-files.s3");
    if (!container.repository_credentials.empty()) {
      add("ecs.capability.private-registry-authentication.secretsmanager");
    }
    bool has_role = !definition.execution_role_arn.empty();
    if (has_role && container.image.find(".dkr.ecr.") != std::string::npos) {
      add("ecs.capability.execution-role-ecr-pull");
    }
    for (const scheduler::SecretVariable& secret : container.secrets) {
      bool is_asm = secret.value_from.find(":secretsmanager:") != std::string::npos;
      add(is_asm ? "ecs.capability.secrets.asm.environment-variables"
                 : "ecs.capability.secrets.ssm.environment-variables");
    }
    if (container.firelens) {
      add(std::string("ecs.capability.firelens.") + name_of(container.firelens->type));
    }
    if (!container.log_configuration) return;
    const std::string& driver = container.log_configuration->driver;
    add("com.amazonaws.ecs.capability.logging-driver." + driver);
    if (driver != "awslogs") return;
    add("com.amazonaws.ecs.capability.docker-remote-api.1.19");
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
