// The command line of `berth service`.
#include "tools/command_line.h"
#include "tools/service_commands.h"

#include <CLI/CLI.hpp>

#include <memory>

namespace berth::tools {
namespace {

void add_cluster(CLI::App& app, std::string& cluster, const char* help) {
  app.add_option("--cluster", cluster, help);
}

void add_service(CLI::App& app, ServiceOptions& options) {
  app.add_option("SERVICE", options.name, "its name or ARN")->required();
  add_cluster(app, options.cluster, "the service's cluster; without it the default one");
}

void add_service_format(CLI::App& app, bool& json, const char* help) {
  app.add_option_function<std::string>(
         "--format", [&json](const std::string& format) { json = format == "json"; }, help)
      ->check(CLI::IsMember({"table", "json"}));
}

void add_wait(CLI::App& app, bool& wait) {
  app.add_flag("--wait", wait, "show what happens until it is done, as berth service watch");
}

// `options` live as long as the callback.
template <class Options>
void run_by(CLI::App& app, Command& chosen, const std::shared_ptr<Options>& options,
            int (*command)(const agent::Config&, const Options&)) {
  app.callback([options, command, &chosen] {
    chosen = [options, command](const agent::Config& config) { return command(config, *options); };
  });
}

void add_create_service(CLI::App& parent, Command& chosen) {
  CLI::App* app = parent.add_subcommand("create", "Make a service, and print its ARN");
  auto options = std::make_shared<CreateServiceOptions>();
  app->add_option("FILE", options->file,
                  "the JSON of `aws ecs create-service --cli-input-json`; - is standard input")
      ->required();
  add_wait(*app, options->wait);
  run_by(*app, chosen, options, create_service_command);
}

void add_update_service(CLI::App& parent, Command& chosen) {
  CLI::App* app = parent.add_subcommand("update", "Change a service: another task definition, say");
  auto options = std::make_shared<UpdateServiceOptions>();
  add_service(*app, options->service);
  app->add_option("--task-definition", options->task_definition, "FAMILY, FAMILY:REVISION or ARN");
  app->add_option("--desired", options->desired_count, "how many tasks it is to have");
  app->add_flag("--force", options->force, "a new deployment though nothing is changed");
  app->add_option("--file", options->file, "the JSON of `aws ecs update-service --cli-input-json`");
  add_wait(*app, options->wait);
  run_by(*app, chosen, options, update_service_command);
}

void add_scale_service(CLI::App& parent, Command& chosen) {
  CLI::App* app = parent.add_subcommand("scale", "Say how many tasks a service is to have");
  auto options = std::make_shared<UpdateServiceOptions>();
  add_service(*app, options->service);
  app->add_option("COUNT", options->desired_count)->required();
  add_wait(*app, options->wait);
  run_by(*app, chosen, options, update_service_command);
}

void add_rollback_service(CLI::App& parent, Command& chosen) {
  CLI::App* app = parent.add_subcommand(
      "rollback", "Stop the deployment that is under way, and go back to what was before");
  auto options = std::make_shared<RollbackOptions>();
  add_service(*app, options->service);
  add_wait(*app, options->wait);
  run_by(*app, chosen, options, rollback_service_command);
}

void add_continue_service(CLI::App& parent, Command& chosen) {
  CLI::App* app = parent.add_subcommand(
      "continue", "Let a deployment go on that pauses at a hook of its stage");
  auto options = std::make_shared<ContinueOptions>();
  add_service(*app, options->service);
  app->add_option("--hook", options->hook, "its id; without it the one that waits");
  add_wait(*app, options->wait);
  run_by(*app, chosen, options, continue_service_command);
}

void add_hold_service(CLI::App& parent, Command& chosen) {
  for (bool is_held : {true, false}) {
    CLI::App* app = parent.add_subcommand(
        is_held ? "hold" : "resume", is_held ? "Freeze the tasks of a service, until it is resumed"
                                             : "Let a service go on that is held");
    auto options = std::make_shared<HoldOptions>();
    options->is_held = is_held;
    add_service(*app, options->service);
    run_by(*app, chosen, options, hold_service_command);
  }
}

void add_remove_services(CLI::App& parent, Command& chosen) {
  CLI::App* app = parent.add_subcommand("rm", "Remove services");
  auto options = std::make_shared<RemoveServicesOptions>();
  app->add_option("SERVICE", options->names)->required();
  add_cluster(*app, options->cluster, "their cluster; without it the default one");
  app->add_flag("--force", options->force, "also one that is to have tasks");
  run_by(*app, chosen, options, remove_services_command);
}

void add_list_services(CLI::App& parent, Command& chosen) {
  CLI::App* app = parent.add_subcommand("ls", "List services");
  auto options = std::make_shared<ListServicesOptions>();
  add_cluster(*app, options->cluster, "only those of a cluster");
  app->add_flag("-q,--quiet", options->quiet, "names only");
  add_service_format(*app, options->json, "table or json");
  run_by(*app, chosen, options, list_services_command);
}

void add_service_events(CLI::App& parent, Command& chosen) {
  CLI::App* app = parent.add_subcommand("events", "Show what has happened to a service");
  auto options = std::make_shared<ServiceEventsOptions>();
  add_service(*app, options->service);
  app->add_flag("-f,--follow", options->follow, "go on until the service is INACTIVE");
  add_service_format(*app, options->service.json, "table, or json: an object a line");
  run_by(*app, chosen, options, service_events_command);
}

void add_watch_service(CLI::App& parent, Command& chosen) {
  CLI::App* app = parent.add_subcommand(
      "watch", "Show what happens until a deployment is over; 1 when it did not succeed");
  auto options = std::make_shared<ServiceOptions>();
  add_service(*app, *options);
  add_service_format(*app, options->json, "table, or json: an object a line");
  run_by(*app, chosen, options, watch_service_command);
}

}  // namespace

void add_service_commands(CLI::App& app, Command& chosen) {
  CLI::App* parent = app.add_subcommand("service", "Look after the services that berthd keeps");
  parent->require_subcommand(1);
  add_create_service(*parent, chosen);
  add_update_service(*parent, chosen);
  add_scale_service(*parent, chosen);
  add_continue_service(*parent, chosen);
  add_rollback_service(*parent, chosen);
  add_hold_service(*parent, chosen);
  add_remove_services(*parent, chosen);
  add_list_services(*parent, chosen);
  add_service_events(*parent, chosen);
  add_watch_service(*parent, chosen);
}

}  // namespace berth::tools
