// berth images and rmi: what is in the store, by name.
#include "base/text.h"
#include "image/reference.h"
#include "image/store.h"
#include "tools/commands.h"

#include <cstdio>

namespace berth::tools {
namespace {

constexpr size_t kShownDigest = 19;  // "sha256:" and twelve digits

Status list_images(const agent::Config& config) {
  image::Store store = TRY(image::Store::open(config.root));
  std::vector<image::ImageRecord> images = TRY(store.list());
  size_t width = std::string_view("REFERENCE").size();
  for (const image::ImageRecord& image : images) width = std::max(width, image.reference.size());
  std::string table =
      fmt::format("{:<{}}  {:<19}  {:<12}  SIZE\n", "REFERENCE", width, "DIGEST", "PLATFORM");
  for (const image::ImageRecord& image : images) {
    table += fmt::format("{:<{}}  {:<19}  {:<12}  {}\n", image.reference, width,
                         image.manifest_digest.substr(0, kShownDigest), image.platform,
                         format_bytes(image.size));
  }
  std::fputs(table.c_str(), stdout);
  return {};
}

Status remove_image(const agent::Config& config, const std::string& text) {
  auto reference = TRY(image::Reference::parse(text));
  image::Store store = TRY(image::Store::open(config.root));
  TRY(store.remove(reference.to_string()));
  image::Garbage garbage = TRY(store.remove_garbage());
  std::printf("%s: removed with %zu layers and %zu blobs, %s\n", reference.to_string().c_str(),
              garbage.layers.size(), garbage.blobs.size(), format_bytes(garbage.bytes).c_str());
  return {};
}

}  // namespace

int images_command(const agent::Config& config) {
  return exit_code(list_images(config));
}

int rmi_command(const agent::Config& config, const std::string& reference) {
  return exit_code(remove_image(config, reference));
}

}  // namespace berth::tools
