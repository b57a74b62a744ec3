// berth images, tag and rmi: what is in the store, by name.
#include "base/text.h"
#include "image/digest.h"
#include "image/lookup.h"
#include "image/store.h"
#include "tools/commands.h"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <set>

namespace berth::tools {
namespace {

constexpr size_t kListedDigest = 19;  // "sha256:" and twelve digits

std::string render_table(const std::vector<image::ImageRecord>& images, size_t shown_digest) {
  size_t width = std::string_view("REFERENCE").size();
  for (const image::ImageRecord& image : images) width = std::max(width, image.reference.size());
  std::string table = fmt::format("{:<{}}  {:<{}}  {:<12}  SIZE\n", "REFERENCE", width, "DIGEST",
                                  shown_digest, "PLATFORM");
  for (const image::ImageRecord& image : images) {
    table += fmt::format("{:<{}}  {:<{}}  {:<12}  {}\n", image.reference, width,
                         image.resolved_digest.substr(0, shown_digest), shown_digest,
                         image.platform, format_bytes(image.size));
  }
  return table;
}

std::string render_json(const std::vector<image::ImageRecord>& images) {
  nlohmann::json list = nlohmann::json::array();
  for (const image::ImageRecord& image : images) {
    list.push_back({{"reference", image.reference},
                    {"digest", image.resolved_digest},
                    {"manifestDigest", image.manifest_digest},
                    {"configDigest", image.config_digest},
                    {"platform", image.platform},
                    {"layers", image.layers},
                    {"size", image.size},
                    {"imported", image.imported}});
  }
  return list.dump(2) + "\n";
}

Status list_images(const agent::Config& config, const ImagesOptions& options) {
  image::Store store = TRY(image::Store::open(config.root));
  std::vector<image::ImageRecord> images = TRY(store.list());
  size_t shown = options.digests ? image::kDigestSize : kListedDigest;
  std::fputs((options.json ? render_json(images) : render_table(images, shown)).c_str(), stdout);
  return {};
}

Status tag(const agent::Config& config, const std::string& source, const std::string& target) {
  image::Store store = TRY(image::Store::open(config.root));
  image::ImageRecord record = TRY(image::tag_image(store, source, target));
  std::printf("%s@%s\n", record.reference.c_str(), record.resolved_digest.c_str());
  return {};
}

// Nothing is removed unless every name is known.
Status remove_images(const agent::Config& config, const std::vector<std::string>& wanted) {
  image::Store store = TRY(image::Store::open(config.root));
  std::vector<image::ImageRecord> records = TRY(store.list());
  std::set<std::string> names;
  for (const std::string& text : wanted) {
    for (const image::ImageRecord& record : TRY(image::find_records(records, text))) {
      names.insert(record.reference);
    }
  }
  for (const std::string& name : names) TRY(store.remove(name));
  for (const std::string& name : names) std::printf("%s: removed\n", name.c_str());
  const char* them = names.size() == 1 ? "it" : "them";
  auto garbage = store.remove_garbage();
  if (!garbage && garbage.error().code == Errc::kUnavailable) {
    // What is being pulled may need it, and nothing names that yet.
    std::printf("a pull or a check runs: layers and blobs of %s go with the next clean-up\n", them);
    return {};
  }
  TRY(garbage);
  std::printf("%zu layers and %zu blobs removed with %s, %s\n", garbage->layers.size(),
              garbage->blobs.size(), them, format_bytes(garbage->bytes).c_str());
  return {};
}

}  // namespace

int images_command(const agent::Config& config, const ImagesOptions& options) {
  return exit_code(list_images(config, options));
}

int tag_command(const agent::Config& config, const std::string& source, const std::string& target) {
  return exit_code(tag(config, source, target));
}

int rmi_command(const agent::Config& config, const std::vector<std::string>& images) {
  return exit_code(remove_images(config, images));
}

}  // namespace berth::tools
