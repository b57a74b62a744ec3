// berth explain: the plan of a task as it is carried out, for people and programs.
#include "agent/aws_http.h"
#include "agent/container_environment.h"
#include "agent/explain.h"
#include "agent/registry_config.h"
#include "agent/task_table.h"
#include "aws/curl_http.h"
#include "base/text.h"
#include "image/platform.h"
#include "image/store.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/spawn.h"
#include "tools/commands.h"
#include "tools/task_commands.h"
#include "tools/task_input.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <map>
#include <optional>

namespace berth::tools {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kExitUnseen = 1;

struct Explained {
  std::vector<agent::Chapter> chapters;
  Json definition;                    // as the file has it; null for a task that runs
  std::map<std::string, pid_t> pids;  // of a task that runs
  bool runs = false;
};

// What asks for a step: a field of the definition with its value, if the definition is at hand.
struct Asker {
  std::string field;  // a JSON pointer, or below a container when there is no definition
  std::string value;  // JSON; "" when the field is not set
};

bool names_a_file(const std::string& subject) {
  return subject == "-" || subject.ends_with(".json") || sys::exists(subject);
}

// The images that are not in the store are pulled, as `berth run` would.
Result<std::map<std::string, image::Image>> images_for(
    const agent::Config& config, Env env, const scheduler::TaskDefinition& definition) {
  image::Store store = TRY(image::Store::open(config.root));
  aws::CurlHttp http(agent::aws_http_options(config, sys::own_environment()));
  std::map<std::string, image::Image> images;
  for (const scheduler::ContainerDefinition& container : definition.container_definitions) {
    if (images.contains(container.image)) continue;
    image::Puller::Request request{.reference = TRY(image::Reference::parse(container.image)),
                                   .platform = TRY(image::host_platform()),
                                   .policy = image::Policy::kIfMissing};
    image::PullerConfig settings = agent::puller_config_of(config);
    auto known = TRY(store.find(request.reference.to_string()));
    std::optional<image::Credentials> given;
    if (!known)
      given = TRY(agent::fetch_repository_credentials(config, container, http, env.clock));
    if (given) {
      settings.registry.given_credentials = {
          std::make_shared<image::GivenCredentials>(request.reference.registry, std::move(*given))};
    }
    auto pulled = image::Puller(store, settings, env).pull(request);
    if (!pulled) return wrap(std::move(pulled).error(), "CannotPullContainerError");
    images.emplace(container.image, std::move(*pulled));
  }
  return images;
}

Result<Explained> explain_file(const agent::Config& config, const ExplainOptions& options) {
  sys::SystemClock clock;
  sys::SystemRng rng;
  Env env{clock, rng};
  std::string text = TRY(read_task_input(options.subject));
  auto definition = TRY(effective_definition(
      {options.subject, text, options.overrides, options.env, options.volumes}));
  auto images = TRY(images_for(config, env, definition));
  agent::Blueprint blueprint =
      TRY(agent::rehearse(config, env, definition, images, !options.userns_host));
  Explained explained;
  explained.chapters = TRY(agent::explain(blueprint));
  explained.definition = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (explained.definition.contains("taskDefinition")) {
    explained.definition = Json(explained.definition["taskDefinition"]);
  }
  return explained;
}

Result<Explained> explain_task(const agent::Config& config, const ExplainOptions& options) {
  std::vector<agent::ListedTask> tasks = TRY(agent::list_tasks(config, true));
  const agent::ListedTask& task = *TRY(agent::choose_task(tasks, options.subject));
  agent::Blueprint blueprint = TRY(agent::blueprint_of(config, task));
  Explained explained;
  explained.chapters = TRY(agent::explain(blueprint));
  explained.runs = true;
  for (const agent::ListedContainer& container : task.containers) {
    if (container.pid != 0) explained.pids[container.info.name] = container.pid;
  }
  return explained;
}

// Chapters of other containers go.
Status keep_container(Explained& explained, const std::string& name) {
  if (name.empty()) return {};
  auto is_its = [&](const agent::Chapter& chapter) { return chapter.container == name; };
  if (std::ranges::none_of(explained.chapters, is_its)) {
    return fail(Errc::kNotFound, "--container {}: the task has no such container", name);
  }
  std::erase_if(explained.chapters,
                [&](const agent::Chapter& chapter) { return !is_its(chapter); });
  return {};
}

// ---- who asks ----

// A field of the task is its pointer already. One of a container: of this one, or for a step of the
// task of each.
std::vector<std::string> pointers_to(const Json& definition, const std::string& container,
                                     std::string field) {
  if (field.starts_with("/")) return {field};
  std::ranges::replace(field, '.', '/');
  std::vector<std::string> pointers;
  const Json containers = definition.value("containerDefinitions", Json::array());
  for (size_t i = 0; i < containers.size(); ++i) {
    bool is_its = container.empty() || containers[i].value("name", "") == container;
    if (is_its) pointers.push_back(fmt::format("/containerDefinitions/{}/{}", i, field));
  }
  return pointers;
}

std::vector<Asker> askers_of(const Explained& explained, const agent::Chapter& chapter,
                             const Step& step) {
  std::vector<Asker> askers;
  for (const std::string& field : agent::fields_of(step)) {
    if (explained.definition.is_null()) {
      askers.push_back({field, ""});
      continue;
    }
    for (const std::string& text : pointers_to(explained.definition, chapter.container, field)) {
      Json::json_pointer pointer(text);
      Json value = explained.definition.value(pointer, Json());
      bool is_set = !value.empty() && value != "";  // null and empty values mean unset, everywhere
      askers.push_back({text, is_set ? value.dump() : ""});
    }
  }
  return askers;
}

std::string shown(const Explained& explained, const std::vector<Asker>& askers) {
  std::vector<std::string> set;
  std::vector<std::string> unset;
  for (const Asker& asker : askers) {
    if (asker.value.empty()) {
      unset.push_back(asker.field);
    } else {
      set.push_back(fmt::format("{} = {}", asker.field, asker.value));
    }
  }
  if (!set.empty()) return join(set, ", ");
  if (unset.empty()) return "every task has it";
  if (explained.definition.is_null()) return join(unset, ", ");
  return fmt::format("the default ({} not set)", join(unset, ", "));
}

// ---- what can be seen ----

// Any process of the task will do for what its containers share.
pid_t process_for(const Explained& explained, const agent::Chapter& chapter) {
  auto found = explained.pids.find(chapter.container);
  if (found != explained.pids.end()) return found->second;
  bool is_shared = chapter.container.empty() && !explained.pids.empty();
  return is_shared ? explained.pids.begin()->second : 0;
}

std::string shown(const Look& look) {
  if (look.own_namespace) return fmt::format("readlink {}: not the host's", look.file);
  return fmt::format("{}: {}", look.file, join(look.words, " "));
}

// Nothing: the task does not run, or the container has no process to be looked at.
std::optional<bool> look_at(const Explained& explained, const agent::Chapter& chapter,
                            const Look& look) {
  pid_t pid = process_for(explained, chapter);
  if (!explained.runs || pid == 0) return std::nullopt;
  return agent::is_seen(look, pid);
}

// ---- output ----

void print_step(const Explained& explained, const agent::Chapter& chapter, size_t number,
                const Step& step) {
  std::printf("%3zu  %-20s %s\n", number, step.stage.c_str(), step.effect.c_str());
  auto line = [](const char* label, const std::string& text) {
    if (!text.empty()) std::printf("       %-8s %s\n", label, text.c_str());
  };
  line("calls", join(step.calls, "; "));
  line("why", step.purpose);
  line("from", shown(explained, askers_of(explained, chapter, step)));
  line("by hand", step.by_hand);
  for (const Look& look : step.looks) {
    auto seen = look_at(explained, chapter, look);
    line("see", shown(look) + (!seen ? "" : *seen ? "   [it is so]" : "   [IT IS NOT SO]"));
  }
}

void print_text(const Explained& explained) {
  size_t number = 0;
  for (const agent::Chapter& chapter : explained.chapters) {
    std::string whose = chapter.container.empty() ? "the task" : "container " + chapter.container;
    std::printf("%s== %s, for %s\n", number == 0 ? "" : "\n", chapter.process.c_str(),
                whose.c_str());
    for (const Step& step : chapter.steps) print_step(explained, chapter, ++number, step);
  }
}

Json json_of(const Explained& explained, const agent::Chapter& chapter, const Step& step) {
  Json from = Json::array();
  for (const Asker& asker : askers_of(explained, chapter, step)) {
    Json json = {{"field", asker.field}};
    if (!asker.value.empty()) json["value"] = Json::parse(asker.value);
    from.push_back(std::move(json));
  }
  Json looks = Json::array();
  for (const Look& look : step.looks) {
    Json json = {{"file", look.file}};
    if (look.own_namespace) {
      json["differsFromHost"] = true;
    } else {
      json["words"] = look.words;
    }
    if (auto seen = look_at(explained, chapter, look)) json["seen"] = *seen;
    looks.push_back(std::move(json));
  }
  Json json = {{"process", chapter.process}, {"stage", step.stage}, {"effect", step.effect}};
  if (!chapter.container.empty()) json["container"] = chapter.container;
  json["calls"] = step.calls;
  json["purpose"] = step.purpose;
  json["plan"] = step.asked_by;
  json["from"] = std::move(from);
  json["byHand"] = step.by_hand;
  json["looks"] = std::move(looks);
  return json;
}

void print_json(const Explained& explained) {
  Json steps = Json::array();
  for (const agent::Chapter& chapter : explained.chapters) {
    for (const Step& step : chapter.steps) steps.push_back(json_of(explained, chapter, step));
  }
  std::printf("%s\n", Json{{"steps", std::move(steps)}}
                          .dump(2, ' ', false, Json::error_handler_t::replace)
                          .c_str());
}

bool is_all_seen(const Explained& explained) {
  for (const agent::Chapter& chapter : explained.chapters) {
    for (const Step& step : chapter.steps) {
      for (const Look& look : step.looks) {
        if (!look_at(explained, chapter, look).value_or(true)) return false;
      }
    }
  }
  return true;
}

Result<int> explain(const agent::Config& config, const ExplainOptions& options) {
  bool is_file = names_a_file(options.subject);
  Explained explained =
      TRY(is_file ? explain_file(config, options) : explain_task(config, options));
  TRY(keep_container(explained, options.container));
  if (options.json) {
    print_json(explained);
  } else {
    print_text(explained);
  }
  return is_all_seen(explained) ? 0 : kExitUnseen;
}

}  // namespace

int explain_command(const agent::Config& config, const ExplainOptions& options) {
  auto code = explain(config, options);
  return code ? *code : report(code.error());
}

}  // namespace berth::tools
