// The command line of all that has to do with images.
#include "tools/command_line.h"
#include "tools/commands.h"

#include <CLI/CLI.hpp>

#include <memory>
#include <string>

namespace berth::tools {
namespace {

void add_pull(CLI::App& app, Command& chosen) {
  CLI::App* pull = app.add_subcommand("pull", "Pull an image into the store");
  auto reference = std::make_shared<std::string>();  // lives as long as the callback
  pull->add_option("REFERENCE", *reference)->required();
  pull->callback([reference, &chosen] {
    chosen = [=](const agent::Config& config) { return pull_command(config, *reference); };
  });
}

void add_import(CLI::App& app, Command& chosen) {
  CLI::App* import = app.add_subcommand("import", "Make an image of a root file system tar");
  auto tar = std::make_shared<std::string>();
  auto reference = std::make_shared<std::string>();
  import->add_option("FILE", *tar, "the archive; - is standard input")->required();
  import->add_option("REFERENCE", *reference, "its name in the store")->required();
  import->callback([tar, reference, &chosen] {
    chosen = [=](const agent::Config& config) { return import_command(config, *tar, *reference);
};
}  // namespace
);
}  // namespace berth::tools

void add_images(CLI::App& app, Command& chosen) {
  CLI::App* images = app.add_subcommand("images", "List the images in the store");
  images->callback([&chosen] { chosen = images_command; });
}

void add_rmi(CLI::App& app, Command& chosen) {
  CLI::App* rmi = app.add_subcommand("rmi", "Remove an image from the store");
  auto reference = std::make_shared<std::string>();
  rmi->add_option("REFERENCE", *reference)->required();
  rmi->callback([reference, &chosen] {
    chosen = [=](const agent::Config& config) { return rmi_command(config, *reference); };
  });
}

}  // namespace

void add_image_commands(CLI::App& app, Command& chosen) {
  add_pull(app, chosen);
  add_import(app, chosen);
  add_images(app, chosen);
  add_rmi(app, chosen);
}

}  // namespace berth::tools
