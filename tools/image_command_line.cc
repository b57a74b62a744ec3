// The command line of all that has to do with images.
#include "tools/command_line.h"
#include "tools/commands.h"

#include <CLI/CLI.hpp>

#include <memory>
#include <string>
#include <vector>

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
  auto options = std::make_shared<ImagesOptions>();
  images->add_flag("--digests", options->digests, "show whole digests");
  images
      ->add_option_function<std::string>(
          "--format", [options](const std::string& format) { options->json = format == "json"; },
          "table or json")
      ->check(CLI::IsMember({"table", "json"}));
  images->callback([options, &chosen] {
    chosen = [options](const agent::Config& config) { return images_command(config, *options); };
  });
}

void add_tag(CLI::App& app, Command& chosen) {
  CLI::App* tag = app.add_subcommand("tag", "Give an image of the store a further name");
  auto source = std::make_shared<std::string>();
  auto target = std::make_shared<std::string>();
  tag->add_option("SOURCE", *source, "its name or digest")->required();
  tag->add_option("TARGET", *target, "the further name")->required();
  tag->callback([source, target, &chosen] {
    chosen = [=](const agent::Config& config) { return tag_command(config, *source, *target); };
  });
}

void add_rmi(CLI::App& app, Command& chosen) {
  CLI::App* rmi = app.add_subcommand("rmi", "Remove images from the store");
  auto images = std::make_shared<std::vector<std::string>>();
  rmi->add_option("IMAGE", *images, "names or digests")->required();
  rmi->callback([images, &chosen] {
    chosen = [images](const agent::Config& config) { return rmi_command(config, *images); };
  });
}

}  // namespace

void add_image_commands(CLI::App& app, Command& chosen) {
  add_pull(app, chosen);
  add_import(app, chosen);
  add_images(app, chosen);
  add_tag(app, chosen);
  add_rmi(app, chosen);
}

}  // namespace berth::tools
