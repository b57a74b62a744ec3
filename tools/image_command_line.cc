// The command line of all that has to do with images.
#include "tools/command_line.h"
#include "tools/commands.h"

#include <CLI/CLI.hpp>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace berth::tools {
namespace {

void add_transfer_options(CLI::App& app, TransferOptions& options) {
  auto* quiet = app.add_flag("-q,--quiet", options.quiet, "print the digest only");
  app.add_option_function<std::string>(
         "--progress", [&options](const std::string& style) { options.json = style == "json"; },
         "auto, or json: an event a line on standard output")
      ->check(CLI::IsMember({"auto", "json"}))
      ->excludes(quiet);
}

void add_pull(CLI::App& app, Command& chosen) {
  CLI::App* pull = app.add_subcommand("pull", "Pull an image into the store");
  auto reference = std::make_shared<std::string>();  // lives as long as the callback
  auto options = std::make_shared<TransferOptions>();
  pull->add_option("REFERENCE", *reference)->required();
  add_transfer_options(*pull, *options);
  pull->callback([reference, options, &chosen] {
    chosen = [=](const agent::Config& config) {
      return pull_command(config, *reference, *options);
    };
  });
}

void add_push(CLI::App& app, Command& chosen) {
  CLI::App* push = app.add_subcommand("push", "Push an image of the store to a registry");
  auto options = std::make_shared<PushOptions>();
  push->add_option("IMAGE", options->image, "its name or digest")->required();
  push->add_option("DESTINATION", options->destination, "REGISTRY/NAME[:TAG]; else its name");
  add_transfer_options(*push, options->transfer);
  push->callback([options, &chosen] {
    chosen = [options](const agent::Config& config) { return push_command(config, *options); };
  });
}

void add_login(CLI::App& app, Command& chosen) {
  CLI::App* login = app.add_subcommand("login", "Keep credentials for a registry");
  auto options = std::make_shared<LoginOptions>();
  login->add_option("REGISTRY", options->registry, "HOST[:PORT]")->required();
  login->add_option("-u,--username", options->user, "else it is asked for");
  login->add_flag("--password-stdin", options->password_stdin, "read the password, do not ask");
  login->callback([options, &chosen] {
    chosen = [options](const agent::Config& config) { return login_command(config, *options); };
  });

  CLI::App* logout = app.add_subcommand("logout", "Forget the credentials for a registry");
  auto registry = std::make_shared<std::string>();
  logout->add_option("REGISTRY", *registry, "HOST[:PORT]")->required();
  logout->callback([registry, &chosen] {
    chosen = [registry](const agent::Config&) { return logout_command(*registry); };
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

void add_referrers(CLI::App& app, Command& chosen) {
  CLI::App* referrers =
      app.add_subcommand("referrers", "List what refers to an image in a registry");
  auto options = std::make_shared<ReferrersOptions>();
  referrers->add_option("REFERENCE", options->reference)->required();
  referrers->add_option("--type", options->artifact_type, "of this artifact type only");
  referrers
      ->add_option_function<std::string>(
          "--format", [options](const std::string& format) { options->json = format == "json"; },
          "table or json")
      ->check(CLI::IsMember({"table", "json"}));
  referrers->callback([options, &chosen] {
    chosen = [options](const agent::Config& config) { return referrers_command(config, *options); };
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

void add_save(CLI::App& app, Command& chosen) {
  static const std::map<std::string, image::ArchiveFormat> kFormats = {
      {"oci-archive", image::ArchiveFormat::kOciArchive},
      {"docker-archive", image::ArchiveFormat::kDockerArchive},
      {"oci-dir", image::ArchiveFormat::kOciDirectory}};
  CLI::App* save = app.add_subcommand("save", "Write images of the store into an archive");
  auto options = std::make_shared<SaveOptions>();
  save->add_option("IMAGE", options->images, "names or digests")->required();
  save->add_option("-o,--output", options->output, "the file, or directory; else standard output");
  save->add_option_function<std::string>(
          "--format", [options](const std::string& name) { options->format = kFormats.at(name); },
          "oci-archive (the default), docker-archive or oci-dir")
      ->check(CLI::IsMember(kFormats));
  save->callback([options, &chosen] {
    chosen = [options](const agent::Config& config) { return save_command(config, *options); };
  });
}

void add_load(CLI::App& app, Command& chosen) {
  CLI::App* load = app.add_subcommand("load", "Take the images of an archive into the store");
  auto options = std::make_shared<LoadOptions>();
  load->add_option("-i,--input", options->input,
                   "an archive, or the directory of an OCI layout; else standard input");
  load->add_option("--name", options->name, "for images that the archive gives no whole name");
  load->callback([options, &chosen] {
    chosen = [options](const agent::Config& config) { return load_command(config, *options); };
  });
}

}  // namespace

void add_image_commands(CLI::App& app, Command& chosen) {
  add_pull(app, chosen);
  add_push(app, chosen);
  add_login(app, chosen);
  add_import(app, chosen);
  add_save(app, chosen);
  add_load(app, chosen);
  add_images(app, chosen);
  add_tag(app, chosen);
  add_referrers(app, chosen);
  add_rmi(app, chosen);
}

}  // namespace berth::tools
