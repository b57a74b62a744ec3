#include "image/foreign.h"

#include "base/text.h"
#include "image/endpoint.h"
#include "image/session.h"

#include <utility>

namespace berth::image {
namespace {

// One place after the other, as long as the sink has got nothing and finds nothing wrong.
class Tries {
 public:
  explicit Tries(const Sink& sink) : sink_(sink) {}

  Status take(std::string_view bytes) {
    bytes_ += bytes.size();
    Status taken = sink_(bytes);
    sink_failed_ = !taken;
    return taken;
  }

  // Whether there is nothing more to try after `done`.
  bool is_over(const Status& done, const std::string& place) {
    if (done || bytes_ > 0 || sink_failed_ || done.error().code == Errc::kCancelled) return true;
    said_ += fmt::format("{}{}: {}", said_.empty() ? "" : "; ", place, done.error().text);
    code_ = done.error().code;
    return false;
  }

  tl::unexpected<Error> failure() const {
    return fail(code_, "failed to copy a foreign layer: {}", said_);
  }

 private:
  const Sink& sink_;
  uint64_t bytes_ = 0;
  bool sink_failed_ = false;
  std::string said_;
  Errc code_ = Errc::kNotFound;
};

// A session that belongs to no registry: whatever is asked, nobody's credentials go along.
Status fetch(const std::string& url, const Descriptor& descriptor, const Sink& sink,
             const RegistryConfig& config, Env env, Cancel* cancel) {
  RegistrySession session(Endpoint{}, "", {}, config, env, cancel);
  RegistryRequest request;
  request.path = url;
  request.size = descriptor.size;
  request.sink = sink;
  TRY(session.request(request));
  return {};
}

}  // namespace

Status ForeignSource::blob(const Descriptor& descriptor, const Sink& sink) {
  if (!descriptor.is_foreign) return source_.blob(descriptor, sink);
  Tries tries(sink);
  Sink counted = [&tries](std::string_view bytes) { return tries.take(bytes); };
  Status done = source_.blob(descriptor, counted);
  if (tries.is_over(done, "where the image is")) return done;
  for (const std::string& url : descriptor.urls) {
    done = fetch(url, descriptor, counted, config_, env_, cancel_);
    if (tries.is_over(done, printable(url, 300))) return done;
  }
  return tries.failure();
}

}  // namespace berth::image
