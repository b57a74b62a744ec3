#include "agent/log_plan.h"

#include "base/pattern.h"
#include "base/text.h"
#include "logs/log_store.h"
#include "runtime/log_events.h"
#include "runtime/log_journald.h"
#include "scheduler/firelens.h"
#include "scheduler/log_configuration.h"
#include "scheduler/log_tag.h"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>

namespace berth::agent {
namespace {

// Of one file of a log stream: old events go file by file.
constexpr uint64_t kStreamFileBytes = 16 * 1024 * 1024;

constexpr uint64_t kCopyFileBytes = 20 * 1000 * 1000;
constexpr uint32_t kCopyFiles = 5;
constexpr size_t kShortIdDigits = 12;  // Docker's

using Attributes = std::map<std::string, std::string>;

const std::string* log_option(const scheduler::LogConfiguration& log, const char* name) {
  auto found = log.options.find(name);
  return found == log.options.end() ? nullptr : &found->second;
}

// Those of `values` that `option` lists or whose names its pattern (`option`-regex) matches.
Status choose_attributes(const scheduler::LogConfiguration& log, const std::string& option,
                         const Attributes& values, Attributes& chosen) {
  for (const std::string& name : scheduler::log_words_of(log, option)) {
    auto value = values.find(name);
    if (value != values.end()) chosen[name] = value->second;
  }
  const std::string* text = log_option(log, (option + "-regex").c_str());
  if (text == nullptr) return {};
  Pattern pattern = TRY(Pattern::parse(*text));
  for (const auto& [name, value] : values) {
    if (pattern.matches(name)) chosen[name] = value;
  }
  return {};
}

Attributes variables_of(const std::vector<std::string>& environment) {
  Attributes variables;
  for (const std::string& variable : environment) {
    size_t equals = variable.find('=');
    if (equals == std::string::npos) continue;
    variables[variable.substr(0, equals)] = variable.substr(equals + 1);
  }
  return variables;
}

Result<std::string> tag_of(const scheduler::LogConfiguration& log, const LoggedContainer& logged) {
  const std::string* tag = log_option(log, "tag");
  return scheduler::render_log_tag(tag == nullptr ? "{{.ID}}" : *tag,
                                   {.full_id = logged.id,
                                    .name = logged.name,
                                    .image_full_id = logged.image_digest,
                                    .image_name = logged.image_name});
}

enum class WithTag { kNo, kYes };

Result<Attributes> attributes_of(const scheduler::ContainerDefinition& container,
                                 const LoggedContainer& logged, WithTag with_tag) {
  const scheduler::LogConfiguration& log = *container.log_configuration;
  Attributes chosen;
  TRY(choose_attributes(log, "labels", container.docker_labels, chosen));
  TRY(choose_attributes(log, "env", variables_of(logged.environment), chosen));
  if (with_tag == WithTag::kYes && log_option(log, "tag") != nullptr) {
    chosen["tag"] = TRY(tag_of(log, logged));
  }
  return chosen;
}

Result<std::vector<std::pair<std::string, std::string>>> attribute_list(
    const scheduler::ContainerDefinition& container, const LoggedContainer& logged,
    WithTag with_tag) {
  Attributes chosen = TRY(attributes_of(container, logged, with_tag));
  return std::vector<std::pair<std::string, std::string>>(chosen.begin(), chosen.end());
}

// ---- options that are secrets ----

bool has_secret(const LoggedContainer& logged, const std::string& option) {
  return std::ranges::any_of(logged.secret_options,
                             [&](const auto& secret) { return secret.first == option; });
}

// What could not be said before their values were known. An option that has none is left out, as by
// the ECS agent.
Result<scheduler::ContainerDefinition> with_secret_options(scheduler::ContainerDefinition container,
                                                           const LoggedContainer& logged) {
  scheduler::LogConfiguration& log = *container.log_configuration;
  for (const auto& [name, value] : logged.secret_options) {
    if (!value.empty()) log.options[name] = value.reveal();
  }
  log.secret_options.clear();
  for (const scheduler::LogProblem& problem : scheduler::check_log_options(log)) {
    if (!has_secret(logged, problem.option)) {
      return fail(Errc::kInvalid, "logConfiguration.options.{}: {}", problem.option,
                  problem.message);
    }
    return fail(Errc::kInvalid,
                "logConfiguration.secretOptions: log driver {} cannot take what the secret of {} "
                "says, and berth does not repeat it",
                log.driver, problem.option);
  }
  return container;
}

// ---- drivers that send lines elsewhere ----

// The supervisor is linked statically and asks no name server: names are looked up here, once.
Result<std::string> look_up(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  int code = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (code != 0) {
    return fail(Errc::kUnavailable, "lookup {}: {}", host, ::gai_strerror(code));
  }
  std::array<char, NI_MAXHOST> address{};
  code = ::getnameinfo(found->ai_addr, found->ai_addrlen, address.data(), address.size(), nullptr,
                       0, NI_NUMERICHOST);
  ::freeaddrinfo(found);
  if (code != 0) return fail(Errc::kUnavailable, "lookup {}: {}", host, ::gai_strerror(code));
  return std::string(address.data());
}

Result<sys::Endpoint> receiver_of(const scheduler::LogConfiguration& log) {
  sys::Endpoint receiver;
  if (log.driver == "journald") {
    receiver.address = runtime::kJournalSocket;
    return receiver;
  }
  auto address = scheduler::log_address_of(log);
  if (!address) {
    receiver.address = "/dev/log";
    return receiver;
  }
  receiver.port = address->port;
  bool is_unix = address->transport == "unix" || address->transport == "unixgram";
  receiver.address = is_unix ? address->host : TRY(look_up(address->host));
  if (address->transport == "udp") receiver.transport = sys::Transport::kUdp;
  if (address->transport == "tcp") receiver.transport = sys::Transport::kTcp;
  if (address->transport == "unix") receiver.transport = sys::Transport::kUnixStream;
  return receiver;
}

// As the ECS agent: fluentd's driver, asynchronous, with the socket of the router.
runtime::LogPlan router_plan_of(const scheduler::LogConfiguration& log,
                                const LoggedContainer& logged, runtime::LogPlan plan) {
  plan.driver = runtime::LogDriverKind::kFluentd;
  plan.receiver = {sys::Transport::kForeignUnixStream, logged.router_socket};
  plan.settings = scheduler::log_settings_of(log);
  plan.settings["tag"] = logged.router_tag;
  plan.settings["container_id"] = logged.id;
  plan.settings["container_name"] = "/" + logged.name;
  plan.buffer_lines = parse_u64(plan.settings["buffer_lines"]).value_or(0);
  plan.file.max_bytes = kCopyFileBytes;
  plan.file.max_files = kCopyFiles;
  plan.file.compress = true;
  return plan;
}

Status plan_receiver(const scheduler::LogConfiguration& log, const LoggedContainer& logged,
                     runtime::LogPlan& plan) {
  auto receiver = receiver_of(log);
  bool is_secret = has_secret(logged, log.driver + "-address");
  if (!receiver && is_secret) {
    return fail(receiver.error().code, "failed to initialize logging driver: {}",
                runtime::kSecretReceiver);
  }
  if (!receiver) {
    return wrap(std::move(receiver).error(), "failed to initialize logging driver");
  }
  plan.receiver = std::move(*receiver);
  plan.settings = scheduler::log_settings_of(log);
  if (is_secret) plan.settings[runtime::kReceiverIsSecret] = "true";
  std::string tag = TRY(tag_of(log, logged));
  if (log.driver == "syslog") {
    plan.driver = runtime::LogDriverKind::kSyslog;
    plan.settings["hostname"] = logged.host_name;
    plan.settings["tag"] = tag;
  } else if (log.driver == "journald") {
    plan.driver = runtime::LogDriverKind::kJournald;
    plan.settings = {{"CONTAINER_ID", logged.id.substr(0, kShortIdDigits)},
                     {"CONTAINER_ID_FULL", logged.id},
                     {"CONTAINER_NAME", logged.name},
                     {"CONTAINER_TAG", tag},
                     {"IMAGE_NAME", logged.image_name},
                     {"SYSLOG_IDENTIFIER", tag}};
  } else if (log.driver == "gelf") {
    plan.driver = runtime::LogDriverKind::kGelf;
    plan.settings["hostname"] = logged.host_name;
    plan.settings.insert({{"_container_id", logged.id},
                          {"_container_name", logged.name},
                          {"_image_id", logged.image_digest},
                          {"_image_name", logged.image_name},
                          {"_command", join(logged.command, " ")},
                          {"_tag", tag},
                          {"_created", format_rfc3339(logged.created)}});
  } else {
    plan.driver = runtime::LogDriverKind::kFluentd;
    plan.settings["tag"] = tag;
    plan.settings["container_id"] = logged.id;
    plan.settings["container_name"] = "/" + logged.name;
    if (plan.settings.contains("buffer_lines")) {
      plan.buffer_lines = parse_u64(plan.settings["buffer_lines"]).value_or(0);
    }
  }
  // What is kept here beside it, as Docker's dual logging has it.
  plan.file.max_bytes = kCopyFileBytes;
  plan.file.max_files = kCopyFiles;
  plan.file.compress = true;
  return {};
}

bool is_awslogs(const scheduler::ContainerDefinition& container) {
  return container.log_configuration && container.log_configuration->driver == "awslogs";
}

// As the ECS agent names it; without a prefix, as Docker does.
std::string stream_of(const scheduler::Task& task, const scheduler::ContainerDefinition& container,
                      const scheduler::AwslogsTarget& target) {
  if (!target.stream_prefix.empty()) {
    return target.stream_prefix + "/" + container.name + "/" + task.id;
  }
  std::string id = task.find_container(container.name)->id;
  std::erase(id, '-');
  return id;
}

Status prepare_stream(const logs::LogStore& store, const scheduler::AwslogsTarget& target,
                      const std::string& stream, WallTime now) {
  if (target.create_group && !store.find_group(target.group)) {
    auto made = store.create_group(target.group, now);
    bool raced = !made && made.error().code == Errc::kExists;  // another task was quicker
    if (!made && !raced) return made;
  }
  return store.create_stream(target.group, stream, now);
}

}  // namespace

Status prepare_logs(const InstancePaths& paths, const scheduler::Task& task, WallTime now) {
  for (const auto& container : task.definition.container_definitions) {
    if (!is_awslogs(container)) continue;
    scheduler::AwslogsTarget target = scheduler::awslogs_target_of(*container.log_configuration);
    auto prepared = prepare_stream(logs::LogStore(paths.root, target.region), target,
                                   stream_of(task, container, target), now);
    if (prepared) continue;
    // What it is called on Fargate.
    return wrap(std::move(prepared).error(),
                "failed to validate logger args: create stream has been retried 1 times: failed to "
                "create Cloudwatch log stream: ResourceNotFoundException");
  }
  return {};
}

std::string log_path_of(const InstancePaths& paths, const scheduler::Task& task,
                        const scheduler::ContainerDefinition& container) {
  if (is_awslogs(container)) {
    scheduler::AwslogsTarget target = scheduler::awslogs_target_of(*container.log_configuration);
    logs::LogStore store(paths.root, target.region);
    return store.events_path(target.group, stream_of(task, container, target));
  }
  return paths.logs(task.id) + "/" + container.name + ".log";
}

namespace {

Result<runtime::LogPlan> plan_of(const scheduler::ContainerDefinition& container,
                                 const LoggedContainer& logged, const std::string& path) {
  runtime::LogPlan plan;
  plan.file.path = path;
  if (!container.log_configuration) return plan;
  const scheduler::LogConfiguration& log = *container.log_configuration;
  scheduler::LogDelivery delivery = scheduler::log_delivery_of(log);
  plan.mode = delivery.blocking ? runtime::LogMode::kBlocking : runtime::LogMode::kNonBlocking;
  plan.buffer_bytes = delivery.buffer_bytes;
  if (is_awslogs(container)) {
    plan.driver = runtime::LogDriverKind::kAwslogs;
    plan.line_max = runtime::kLogEventMax;
    plan.event_pattern = scheduler::awslogs_target_of(log).event_pattern;
    plan.file.max_bytes = kStreamFileBytes;
    plan.file.max_files = 0;  // they go when they are older than the group's retention
    return plan;
  }
  if (scheduler::uses_firelens(container)) return router_plan_of(log, logged, std::move(plan));
  if (log.driver != "json-file") {
    TRY(plan_receiver(log, logged, plan));
    plan.attributes = TRY(attribute_list(container, logged, WithTag::kNo));
    return plan;
  }
  scheduler::LogRotation rotation = scheduler::log_rotation_of(log);
  plan.file.max_bytes = rotation.max_bytes;
  plan.file.max_files = rotation.max_files;
  plan.file.compress = rotation.compress;
  plan.attributes = TRY(attribute_list(container, logged, WithTag::kYes));
  return plan;
}

}  // namespace

Result<runtime::LogPlan> log_plan_of(const scheduler::ContainerDefinition& container,
                                     const LoggedContainer& logged, const std::string& path) {
  // Those of a container with a router are the router's (agent/firelens.h).
  bool has_secrets = container.log_configuration && !logged.secret_options.empty();
  if (!has_secrets || scheduler::uses_firelens(container)) {
    return plan_of(container, logged, path);
  }
  return plan_of(TRY(with_secret_options(container, logged)), logged, path);
}

}  // namespace berth::agent
