#include "image/import.h"

#include "image/digest.h"
#include "image/layer_fetch.h"
#include "image/media_types.h"
#include "image/source.h"
#include "image/stream.h"
#include "sys/file.h"

#include <nlohmann/json.hpp>

#include <utility>

namespace berth::image {
namespace {

// The magic decides when it is unpacked; the type that most tools understand.

// The one blob of an import: a descriptor, read to its end.
class StreamSource final : public Source {
 public:
  StreamSource(int fd, Cancel* cancel) : fd_(fd), cancel_(cancel) {}
  Result<Descriptor> resolve() override { return Descriptor{}; }
  Result<std::string> manifest(const Descriptor&) override { return std::string(); }
  Status blob(const Descriptor&, const Sink& sink) override {
    std::string buffer(kReadChunk, '\0');
    while (size_t got = TRY(sys::read_some(fd_, buffer.data(), buffer.size()))) {
      if (cancel_ != nullptr && cancel_->is_cancelled()) return fail(Errc::kCancelled, "cancelled");
      TRY(sink({buffer.data(), got}));
    }
    return {};
  }

 private:
  int fd_;
  Cancel* cancel_;
};

// {"80/tcp": {}} of 80/tcp.
nlohmann::json keys(const std::vector<std::string>& names) {
  nlohmann::json object = nlohmann::json::object();
  for (const std::string& name : names) object[name] = nlohmann::json::object();
  return object;
}

std::string render_config(const ImportRequest& request, const std::string& diff_id, Env env) {
  const ImageConfig& config = request.config;
  nlohmann::json process = nlohmann::json::object();
  if (!config.entrypoint.empty()) process["Entrypoint"] = config.entrypoint;
  if (!config.cmd.empty()) process["Cmd"] = config.cmd;
  if (!config.env.empty()) process["Env"] = config.env;
  if (!config.user.empty()) process["User"] = config.user;
  if (!config.working_dir.empty()) process["WorkingDir"] = config.working_dir;
  if (!config.stop_signal.empty()) process["StopSignal"] = config.stop_signal;
  if (!config.exposed_ports.empty()) process["ExposedPorts"] = keys(config.exposed_ports);
  if (!config.volumes.empty()) process["Volumes"] = keys(config.volumes);
  for (const auto& [label, value] : config.labels) process["Labels"][label] = value;
  nlohmann::json root = {
      {"created", format_rfc3339(env.clock.wall())},
      {"architecture", request.platform.architecture},
      {"os", request.platform.os},
      {"config", process},
      {"rootfs", {{"type", "layers"}, {"diff_ids", {diff_id}}}},
      {"history", {{{"created_by", "berth import"}}}},
  };
  if (!request.platform.variant.empty()) root["variant"] = request.platform.variant;
  return root.dump();
}

std::string render_manifest(const std::string& config_digest, size_t config_size,
                            const std::string& layer_digest, uint64_t layer_size) {
  nlohmann::json config = {
      {"mediaType", kConfigType}, {"digest", config_digest}, {"size", config_size}};
  nlohmann::json layer = {
      {"mediaType", kGzipLayerType}, {"digest", layer_digest}, {"size", layer_size}};
  nlohmann::json root = {{"schemaVersion", 2}, {"mediaType", kManifestType}, {"config", config}};
  root["layers"] = nlohmann::json::array({layer});
  return root.dump();
}

Result<Image> import_image(Store& store, const ImportRequest& request, Env env) {
  StreamSource source(request.tar_fd, request.cancel);
  LayerFetch job{{}, "", "", nullptr, request.limits, request.layers, nullptr};
  std::vector<Store::Finished> finished;
  finished.push_back(*TRY(fetch_layer(store, source, job)));  // of unknown digest: always something
  TRY(store.commit(finished));
  const Store::LayerRecord& layer = *finished.front().layer;
  auto layer_size = static_cast<uint64_t>(TRY(sys::stat(store.blob_path(layer.blob))).st_size);
  std::string config = render_config(request, layer.diff_id, env);
  std::string config_digest = TRY(store.write_blob(config));
  std::string manifest = render_manifest(config_digest, config.size(), layer.blob, layer_size);
  std::string manifest_digest = TRY(store.write_blob(manifest));
  ImageRecord record{
      request.reference.to_string(),           manifest_digest,  manifest_digest, config_digest,
      normalize(request.platform).to_string(), {layer.chain_id}, layer_size,      true};
  record.pulled_at =
      std::chrono::duration_cast<std::chrono::seconds>(env.clock.wall().time_since_epoch()).count();
  TRY(store.record(record));
  return load_image(store, record);
}

}  // namespace

Result<Image> import_root_file_system(Store& store, const ImportRequest& request, Env env) {
  if (request.reference.transport != Transport::kRegistry || !request.reference.digest.empty()) {
    return fail(Errc::kInvalid, "import {}: the name must be NAME[:TAG]",
                request.reference.to_string());
  }
  sys::Fd lock = TRY(store.lock_for_pull());
  auto image = import_image(store, request, env);
  if (!image) return wrap(std::move(image).error(), "import {}", request.reference.to_string());
  return image;
}

}  // namespace berth::image
