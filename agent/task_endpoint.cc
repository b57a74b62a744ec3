#include "agent/task_endpoint.h"

#include "agent/fault_injection.h"
#include "agent/role_credentials.h"
#include "agent/task_protection.h"
#include "base/log.h"
#include "base/text.h"
#include "sys/host.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace berth::agent {
namespace {

using http::Response;

constexpr size_t kIdShown = 100;
constexpr const char* kOverRate = "You have reached maximum request limit.";
constexpr const char* kOverFaultRate = "You have reached maximum request limit";

Response json_answer(std::string text) {
  return {.status = 200, .body = std::move(text)};
}

// Errors of the endpoint are JSON strings.
Response json_refusal(int status, const std::string& text) {
  return {.status = status, .body = nlohmann::json(text).dump()};
}

Response plain_refusal(int status, std::string text) {
  return {.status = status, .content_type = "text/plain; charset=utf-8", .body = std::move(text)};
}

// With the very keys of Amazon's agent, capitals included.
Response credentials_refusal(int status, const char* code, const std::string& message) {
  nlohmann::ordered_json body = {{"code", code}, {"message", message}, {"HTTPErrorCode", status}};
  return {.status = status, .body = body.dump()};
}

Response other_method(const char* allowed) {
  Response refusal = plain_refusal(405, "");
  refusal.headers["Allow"] = allowed;
  return refusal;
}

Response no_such_page() {
  return plain_refusal(404, "404 page not found\n");
}

// "/v4//x/" is "/v4/x/" to Amazon's agent, which says so by a redirect.
std::string collapsed(const std::string& path) {
  std::string out;
  for (char c : path) {
    if (c == '/' && !out.empty() && out.back() == '/') continue;
    out += c;
  }
  return out;
}

const char* version_name(MetadataVersion version) {
  switch (version) {
    case MetadataVersion::kV2:
      return "V2";
    case MetadataVersion::kV3:
      return "V3";
    case MetadataVersion::kV4:
      return "V4";
  }
  return "";
}

Response unknown_id(MetadataVersion version, const std::string& id) {
  int status = version == MetadataVersion::kV4 ? 404 : 400;
  return json_refusal(status,
                      fmt::format("{} container metadata handler: unable to get container ID from "
                                  "request: unable to get docker ID from v3 endpoint ID: {}",
                                  version_name(version), printable(id, kIdShown)));
}

}  // namespace

struct TaskEndpoint::Asked {
  std::vector<std::string> words;  // of the path
  size_t listener = 0;
  const http::Request& request;
  const http::Server::Reply& reply;

  // What stands behind the first two words, "task/stats".
  std::string rest() const {
    return words.size() <= 2 ? "" : join({words.begin() + 2, words.end()}, "/");
  }
};

TaskEndpoint::TaskEndpoint(runtime::TaskPlan plan, TaskMetadata metadata, Sources sources,
                           sys::Loop& loop, Env env)
    : plan_(std::move(plan)),
      sockets_(endpoint_sockets(plan_)),
      metadata_(std::move(metadata)),
      sources_(std::move(sources)),
      env_(env),
      sampler_(loop, env.clock),
      buckets_(sockets_.size(), http::TokenBucket(kEndpointRate)) {}

void TaskEndpoint::handle(const http::Request& request, size_t listener,
                          const http::Server::Reply& reply) {
  if (!buckets_.at(listener).take(env_.clock.now())) return reply(plain_refusal(429, kOverRate));
  std::string path = collapsed(request.path);
  if (path != request.path) {
    Response moved = plain_refusal(301, "");
    moved.headers["Location"] = path + (request.query.empty() ? "" : "?" + request.query);
    return reply(moved);
  }
  if (path.size() > 1 && path.back() == '/') path.pop_back();
  Asked asked{split(path.substr(1), '/'), listener, request, reply};
  if (asked.words[0] == "api") return route_agent_call(asked);
  if (request.method != "GET" && request.method != "HEAD") {
    return reply(other_method("GET, HEAD"));
  }
  route(asked);
}

void TaskEndpoint::route(const Asked& asked) {
  const std::string& first = asked.words[0];
  if (asked.words.size() < 2) return asked.reply(no_such_page());
  const std::string& query = asked.request.query;
  bool for_credentials = asked.words[1] == "credentials";
  if (first == "v1" && for_credentials && asked.words.size() == 2) {
    return answer_credentials(asked, query.starts_with("id=") ? query.substr(3) : "");
  }
  if (first == "v2" && for_credentials && asked.words.size() <= 3) {
    return answer_credentials(asked, asked.words.size() == 3 ? asked.words[2] : "");
  }
  if (first == "v4") return answer_metadata(asked, MetadataVersion::kV4, asked.words[1]);
  if (first == "v3") return answer_metadata(asked, MetadataVersion::kV3, asked.words[1]);
  if (first == "v2") return answer_old_metadata(asked);
  asked.reply(no_such_page());
}

// $ECS_AGENT_URI is /api/<id>: what containers may ask of the agent itself.
void TaskEndpoint::route_agent_call(const Asked& asked) {
  const std::vector<std::string>& words = asked.words;
  if (asked.rest() == "task-protection/v1/state") {
    if (asked.request.method == "GET" || asked.request.method == "PUT") {
      return answer_protection(asked);
    }
    return asked.reply(other_method("GET, PUT"));
  }
  if (words.size() != 6 || words[2] != "fault" || words[3] != "v1") {
    return asked.reply(no_such_page());
  }
  auto call = parse_fault_call({words.begin() + 4, words.end()});
  if (!call) return asked.reply(no_such_page());
  if (asked.request.method != "POST") return asked.reply(other_method("POST"));
  answer_fault(asked, *call);
}

// In the order of the agent: what is wrong with the body is told before what is wrong with the id.
void TaskEndpoint::answer_fault(const Asked& asked, FaultCall call) {
  auto container = find_container(asked.words[1], asked.listener);
  if (container) {
    auto bucket = fault_buckets_.try_emplace({*container, call}, kFaultRate).first;
    if (!bucket->second.take(env_.clock.now())) {
      return asked.reply(plain_refusal(429, kOverFaultRate));
    }
  }
  std::optional<Fault> fault;
  if (has_fault_body(call)) {
    auto parsed = parse_fault(call.kind, asked.request.body);
    if (!parsed) return asked.reply(fault_refusal(400, parsed.error().text));
    fault = *std::move(parsed);
  }
  if (!container) {
    return asked.reply(fault_refusal(
        404, "unable to get task arn from request: unable to get task Arn from v3 endpoint ID: " +
                 printable(asked.words[1], kIdShown)));
  }
  if (!metadata_.fault_injection_enabled()) {
    return asked.reply(fault_refusal(
        400, "enableFaultInjection is not enabled for task: " + metadata_.task_arn()));
  }
  // A container of a host mode task may have no network at all.
  if (!has_fault_network(sockets_)) {
    return asked.reply(
        fault_refusal(400, "none mode is not supported. Please use either host or awsvpc mode."));
  }
  sources_.faults(call, std::move(fault), asked.reply);
}

// In the order of the agent, too.
void TaskEndpoint::answer_protection(const Asked& asked) {
  std::optional<ProtectionRequest> request;
  if (asked.request.method == "PUT") {
    auto parsed = parse_protection_request(asked.request.body);
    if (!parsed) {
      return asked.reply(
          protection_error(400, "", "InvalidParameterException", parsed.error().text));
    }
    request = *parsed;
  }
  if (!find_container(asked.words[1], asked.listener)) {
    return asked.reply(protection_error(404, "", "ResourceNotFoundException",
                                        "Failed to find a task for the request"));
  }
  ProtectionAsker asker{metadata_.task_arn(), metadata_.role().has_value()};
  auto refusal = refuse_protection(asker, request);
  // Tasks of services come with services: until then each stands alone.
  asked.reply(refusal ? *std::move(refusal) : standalone_protection(asker));
}

void TaskEndpoint::answer_metadata(const Asked& asked, MetadataVersion version,
                                   const std::string& id) {
  std::string rest = asked.rest();
  bool is_known = rest.empty() || rest == "task" || rest == "taskWithTags" || rest == "stats" ||
                  rest == "task/stats";
  if (!is_known) return asked.reply(no_such_page());
  auto container = find_container(id, asked.listener);
  if (!container) return asked.reply(unknown_id(version, id));
  if (rest.empty()) return answer_container(asked, version, *container);
  if (rest == "stats") return answer_stats(asked, *container);
  if (rest == "task/stats") return answer_all_stats(asked);
  observe_ephemeral_storage();
  Tags tags = rest == "task" ? Tags::kWithout : Tags::kWith;
  asked.reply(json_answer(metadata_.render_task(version, tags)));
}

// We are in the shim's mount namespace, where it is mounted.
void TaskEndpoint::observe_ephemeral_storage() {
  auto directory = metadata_.ephemeral_storage();
  if (!directory) return;
  auto use = sys::file_system_use(*directory);
  if (use) metadata_.observe_ephemeral_storage(use->used_bytes, use->size_bytes);
}

// Version 2 knows no ids: it is for tasks that have an address of their own.
void TaskEndpoint::answer_old_metadata(const Asked& asked) {
  const std::string& what = asked.words[1];
  bool is_known = (what == "metadata" || what == "stats") && asked.words.size() <= 3;
  if (!is_known || !sockets_.at(asked.listener).shared) return asked.reply(no_such_page());
  if (asked.words.size() == 2) {
    if (what == "stats") return answer_all_stats(asked);
    return asked.reply(json_answer(metadata_.render_task(MetadataVersion::kV2, Tags::kWithout)));
  }
  for (const MetadataContainer& each : metadata_.containers()) {
    if (each.docker_id != asked.words[2]) continue;
    if (what == "stats") return answer_stats(asked, each.name);
    return answer_container(asked, MetadataVersion::kV2, each.name);
  }
  asked.reply(json_refusal(400, "unable to get container metadata for container: " +
                                    printable(asked.words[2], kIdShown)));
}

void TaskEndpoint::answer_container(const Asked& asked, MetadataVersion version,
                                    const std::string& container) {
  asked.reply(json_answer(metadata_.render_container(version, container)));
}

void TaskEndpoint::answer_credentials(const Asked& asked, const std::string& id) {
  auto role = metadata_.role();
  if (id.empty()) {
    return asked.reply(credentials_refusal(
        400, "NoIdInRequest", "CredentialsV2Request: No Credential ID in the request"));
  }
  if (!role || role->id != id) {
    return asked.reply(credentials_refusal(400, "InvalidIdInRequest",
                                           "CredentialsV2Request: Credentials not found"));
  }
  sources_.credentials(
      [reply = asked.reply, arn = role->arn](const Result<aws::Credentials>& found) {
        if (found) return reply(json_answer(render_role_answer(arn, *found)));
        // Why is for whoever runs the host: it names profiles and endpoints.
        LOG(kError, "no credentials for a task role", {{"role", arn}, {"why", found.error().text}});
        reply(credentials_refusal(503, "CredentialsUninitialized",
                                  "CredentialsV2Request: Credentials uninitialized for ID"));
      });
}

void TaskEndpoint::answer_stats(const Asked& asked, const std::string& container) {
  for (const MetadataContainer& each : metadata_.containers()) {
    if (each.name != container) continue;
    if (!each.running) break;
    return sampler_.ask({wanted_of(each)}, [reply = asked.reply, id = each.docker_id](
                                               const std::map<std::string, std::string>& answers) {
      auto found = answers.find(id);
      reply(json_answer(found == answers.end() ? "null" : found->second));
    });
  }
  asked.reply(json_answer("null"));
}

void TaskEndpoint::answer_all_stats(const Asked& asked) {
  std::vector<StatsSampler::Wanted> wanted;
  std::vector<std::string> ids;
  for (const MetadataContainer& each : metadata_.containers()) {
    ids.push_back(each.docker_id);
    if (each.running) wanted.push_back(wanted_of(each));
  }
  sampler_.ask(std::move(wanted),
               [reply = asked.reply, ids](const std::map<std::string, std::string>& answers) {
                 std::vector<std::string> members;
                 for (const std::string& id : ids) {
                   auto found = answers.find(id);
                   members.push_back(nlohmann::json(id).dump() + ":" +
                                     (found == answers.end() ? "null" : found->second));
                 }
                 reply(json_answer("{" + join(members, ",") + "}"));
               });
}

std::vector<EndpointSocket> endpoint_sockets(const runtime::TaskPlan& plan) {
  std::vector<EndpointSocket> sockets;
  if (plan.endpoint && plan.endpoint->host_listener) sockets.emplace_back();
  for (const runtime::NamespacePlan& network : plan.networks) {
    sockets.push_back({network.name, network.shared});
  }
  return sockets;
}

bool is_in_hosts_network(const EndpointSocket& socket) {
  return socket.container.empty() && !socket.shared;
}

bool has_fault_network(const std::vector<EndpointSocket>& sockets) {
  return !sockets.empty() && (sockets.front().shared || is_in_hosts_network(sockets.front()));
}

std::optional<std::string> TaskEndpoint::find_container(const std::string& id,
                                                        size_t listener) const {
  auto container = metadata_.container_of(id);
  if (!container) return std::nullopt;
  const EndpointSocket& asked = sockets_.at(listener);
  if (asked.shared) return container;
  return asked.container == (has_network(*container) ? *container : "") ? container : std::nullopt;
}

bool TaskEndpoint::has_network(const std::string& container) const {
  return std::ranges::any_of(sockets_, [&](const EndpointSocket& socket) {
    return socket.shared || socket.container == container;
  });
}

StatsSampler::Wanted TaskEndpoint::wanted_of(const MetadataContainer& container) const {
  StatsSampler::Wanted wanted;
  wanted.name = {container.docker_id, container.docker_name};
  // The interfaces of the host are none of the task's.
  wanted.source.pid = has_network(container.name) ? container.pid : 0;
  if (plan_.limits.memory_bytes) {
    wanted.source.task_memory = static_cast<uint64_t>(*plan_.limits.memory_bytes);
  }
  for (const runtime::ContainerPlan& each : plan_.containers) {
    if (each.name == container.name) wanted.source.cgroup = each.cgroup;
  }
  return wanted;
}

}  // namespace berth::agent
