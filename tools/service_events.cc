// What happens to a service, as it happens: berth service events, watch, and berth why
// service/NAME.
#include "base/text.h"
#include "tools/clock_text.h"
#include "tools/commands.h"
#include "tools/daemon_client.h"
#include "tools/event_follower.h"
#include "tools/service_commands.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <set>

namespace berth::tools {
namespace {

using EventJson = nlohmann::ordered_json;

constexpr int kNotSuccessful = 1;

// Each event of a service once, oldest first.
class EventPrinter {
 public:
  explicit EventPrinter(bool json) : json_(json) {}

  void print(const EventJson& service) {
    const EventJson& events = service.at("events");
    for (auto event = events.rbegin(); event != events.rend(); ++event) {
      std::string message = event->value("message", "");
      if (message.empty() || !seen_.insert(event->value("id", "")).second) continue;
      if (json_) {
        std::printf("%s\n", event->dump().c_str());
      } else {
        std::printf("%s  %s\n", clock_of_epoch(event->value("createdAt", 0.0)).c_str(),
                    printable(message, message.size()).c_str());
      }
    }
    std::fflush(stdout);
  }

 private:
  bool json_;
  std::set<std::string> seen_;
};

// Blocks until something of the service may be different.
Status wait_for_news(EventFollower& feed, const std::string& service) {
  std::string name = service.substr(service.rfind('/') + 1);  // of an ARN, too
  for (;;) {
    EventJson page = TRY(feed.next());
    const EventJson& events = page.at("events");
    bool is_news = std::any_of(events.begin(), events.end(),
                               [&](const EventJson& event) { return is_of_service(event, name); });
    if (is_news || events.empty() || page.value("missed", false)) return {};
  }
}

Status print_service_events(const agent::Config& config, const ServiceEventsOptions& options) {
  EventFollower feed(config);
  TRY(feed.latest());  // before the service is looked at, so that nothing happens between the two
  EventPrinter printer(options.service.json);
  for (;;) {
    EventJson service = TRY(describe_service(config, options.service));
    printer.print(service);
    if (!options.follow || service.value("status", "") == "INACTIVE") return {};
    TRY(wait_for_news(feed, options.service.name));
  }
}

std::string definition_of(const EventJson& deployment) {
  std::string arn = deployment.value("taskDefinition", "");
  return arn.substr(arn.rfind('/') + 1);
}

// "PRIMARY web:2 1/2 running; ACTIVE web:1 2/2 running".
std::string progress_of(const EventJson& service) {
  std::vector<std::string> parts;
  for (const EventJson& each : service.at("deployments")) {
    std::string part =
        fmt::format("{} {} {}/{} running", each.value("status", ""), definition_of(each),
                    each.value("runningCount", 0), each.value("desiredCount", 0));
    int pending = each.value("pendingCount", 0);
    if (pending > 0) part += fmt::format(", {} pending", pending);
    parts.push_back(std::move(part));
  }
  return parts.empty() ? service.value("status", "") : join(parts, "; ");
}

bool are_sets_steady(const EventJson& service) {
  const EventJson& sets = service.at("taskSets");
  return std::all_of(sets.begin(), sets.end(), [](const EventJson& set) {
    return set.value("stabilityStatus", "") == "STEADY_STATE";
  });
}

bool is_settled(const EventJson& service) {
  if (service.value("status", "") != "ACTIVE") return service.value("status", "") == "INACTIVE";
  if (service.value("taskSets", EventJson::array()).size() > 0) return are_sets_steady(service);
  return service.at("deployments").size() == 1 &&
         service.value("runningCount", 0) == service.value("desiredCount", 0) &&
         service.value("pendingCount", 0) == 0;
}

// "hook ecs-pause-1 waits at PRE_SCALE_UP until 21:00:00: berth service continue web, or berth
// service rollback web"; "" while none does.
std::string wait_of_hooks(const EventJson& deployment, const std::string& service) {
  auto hooks = deployment.find("lifecycleHookDetails");
  if (hooks == deployment.end()) return "";
  std::vector<std::string> waits;
  for (const EventJson& hook : *hooks) {
    if (hook.value("status", "") != "AWAITING_ACTION") continue;
    std::string wait = fmt::format("hook {} waits at {}", hook.value("hookId", ""),
                                   hook.value("lifecycleStage", ""));
    if (hook.contains("expiresAt")) {
      wait += fmt::format(" until {}, then {}", clock_of_epoch(hook.value("expiresAt", 0.0)),
                          hook.value("timeoutAction", ""));
    }
    waits.push_back(fmt::format("{}: berth service continue {}, or berth service rollback {}", wait,
                                service, service));
  }
  return join(waits, "; ");
}

// "BAKE_TIME until 21:00:00, 100 % of production traffic"; "" for a deployment without stages.
std::string stage_of(const EventJson& deployment, const std::string& service) {
  std::string stage = deployment.value("lifecycleStage", "");
  if (stage.empty() || deployment.value("status", "") != "IN_PROGRESS") return "";
  if (deployment.contains("bakesUntil")) {
    stage += fmt::format(" until {}", clock_of_epoch(deployment.value("bakesUntil", 0.0)));
  }
  const EventJson& target = deployment.at("targetServiceRevision");
  std::string text = fmt::format("{}, {} % of production traffic, {} % of test traffic", stage,
                                 target.value("requestedProductionTrafficWeight", 0.0),
                                 target.value("requestedTestTrafficWeight", 0.0));
  std::string wait = wait_of_hooks(deployment, service);
  return wait.empty() ? text : fmt::format("{}; {}", text, wait);
}

bool is_deployment_over(const std::string& status) {
  return status.empty() || status == "SUCCESSFUL" || status == "STOPPED" ||
         status == "ROLLBACK_SUCCESSFUL" || status == "ROLLBACK_FAILED";
}

void print_causes(const EventJson& service) {
  const EventJson& events = service.at("events");
  for (auto event = events.rbegin(); event != events.rend(); ++event) {
    std::string message = event->value("message", "");
    std::string cause = event->value("cause", "");
    if (message.empty()) message = event->value("name", "");
    std::printf("%s  %s\n", clock_of_epoch(event->value("createdAt", 0.0)).c_str(),
                printable(message, message.size()).c_str());
    if (cause.empty()) continue;
    std::printf("%*s  because %s\n", static_cast<int>(kClockWidth), "",
                printable(cause, cause.size()).c_str());
  }
}

// Its state, and what it is in the middle of.
void print_service_state(const EventJson& service, const EventJson& deployment) {
  std::printf("service %s is %s: %d of %d tasks run\n", service.value("serviceName", "").c_str(),
              service.value("status", "").c_str(), service.value("runningCount", 0),
              service.value("desiredCount", 0));
  if (service.value("x-berth-hold", false)) {
    std::printf("  because it is held: its tasks are frozen until berth service resume\n");
  }
  for (const EventJson& each : service.at("deployments")) {
    std::string reason = each.value("rolloutStateReason", "");
    std::printf("  because %s deployment %s of %s is %s%s%s\n", each.value("status", "").c_str(),
                each.value("id", "").c_str(), definition_of(each).c_str(),
                each.value("rolloutState", "").c_str(), reason.empty() ? "" : ": ",
                printable(reason, reason.size()).c_str());
  }
  for (const EventJson& each : service.value("taskSets", EventJson::array())) {
    std::printf("  because %s task set %s of %s runs %d of %d, %s\n",
                each.value("status", "").c_str(), each.value("id", "").c_str(),
                definition_of(each).c_str(), each.value("runningCount", 0),
                each.value("computedDesiredCount", 0), each.value("stabilityStatus", "").c_str());
  }
  std::string stage = stage_of(deployment, service.value("serviceName", ""));
  if (!stage.empty()) std::printf("  because its deployment is at %s\n", stage.c_str());
  std::printf("\n");
}

Status why_service(const agent::Config& config, const ServiceOptions& options) {
  EventJson service = TRY(describe_service(config, options));
  if (options.json) {
    std::printf("%s\n", service.dump(2).c_str());
    return {};
  }
  EventJson deployment =
      TRY(describe_deployment(config, service.value("currentServiceDeployment", "")));
  print_service_state(service, deployment);
  print_causes(service);
  return {};
}

}  // namespace

Result<EventJson> describe_deployment(const agent::Config& config, const std::string& arn) {
  if (arn.empty()) return EventJson::object();
  EventJson request = {{"serviceDeploymentArns", {arn}}, {"include", {"WAITS"}}};
  EventJson answer = TRY(ask_ecs(config, "DescribeServiceDeployments", request));
  EventJson& found = answer["serviceDeployments"];
  return found.empty() ? EventJson::object() : std::move(found.front());
}

Result<int> watch_service(const agent::Config& config, const ServiceOptions& options) {
  EventFollower feed(config);
  TRY(feed.latest());
  EventPrinter printer(options.json);
  std::string watched;
  std::string shown;
  for (;;) {
    EventJson service = TRY(describe_service(config, options));
    if (watched.empty()) watched = service.value("currentServiceDeployment", "");
    printer.print(service);
    EventJson deployment = TRY(describe_deployment(config, watched));
    std::string progress = progress_of(service);
    std::string stage = stage_of(deployment, service.value("serviceName", ""));
    if (!stage.empty()) progress += "; " + stage;
    if (progress != shown && !options.json) std::fprintf(stderr, "%s\n", progress.c_str());
    shown = progress;
    std::string status = deployment.value("status", "");
    bool is_good = status.empty() || status == "SUCCESSFUL";
    if (is_deployment_over(status) && (is_settled(service) || !is_good)) {
      if (is_good) return 0;
      std::fprintf(stderr, "%s: %s\n", status.c_str(),
                   deployment.value("statusReason", "").c_str());
      return kNotSuccessful;
    }
    TRY(wait_for_news(feed, options.name));
  }
}

int service_events_command(const agent::Config& config, const ServiceEventsOptions& options) {
  return exit_code(print_service_events(config, options));
}

int why_service_command(const agent::Config& config, const ServiceOptions& options) {
  return exit_code(why_service(config, options));
}

}  // namespace berth::tools
