#include "image/upload.h"

#include "base/text.h"
#include "image/challenge.h"
#include "image/digest.h"
#include "image/stream.h"
#include "sys/file.h"
#include "sys/read_at.h"

#include <fcntl.h>

#include <algorithm>
#include <memory>
#include <utility>

namespace berth::image {
namespace {

// For registries that want chunks. Two workers: this much may have to be sent twice.
constexpr uint64_t kUploadChunk = 16 << 20;
constexpr uint64_t kUploadChunkMin = 1 << 20;
constexpr uint64_t kUploadChunkMax = uint64_t{1} << 30;  // of what a registry asks for
constexpr size_t kMountsMax = 3;                         // repositories tried for one blob

bool is_good(int status) {
  return status >= 200 && status < 300;
}

// A piece of a file, told about as it goes.
class FilePiece final : public ByteSource {
 public:
  FilePiece(sys::Fd fd, uint64_t begin, uint64_t size,
            const std::function<Status(uint64_t)>& on_bytes)
      : fd_(std::move(fd)), at_(begin), left_(size), on_bytes_(on_bytes) {}

  Result<std::string_view> read() override {
    if (left_ == 0) return std::string_view();
    buffer_.resize(std::min<uint64_t>(kReadChunk, left_));
    size_t got = TRY(sys::read_at(fd_.get(), buffer_.data(), buffer_.size(), at_));
    if (got == 0) return fail(Errc::kCorrupt, "the blob in the store is shorter than it was");
    if (on_bytes_) TRY(on_bytes_(at_));
    at_ += got;
    left_ -= got;
    return std::string_view(buffer_.data(), got);
  }

 private:
  sys::Fd fd_;
  uint64_t at_;
  uint64_t left_;
  const std::function<Status(uint64_t)>& on_bytes_;
  std::string buffer_;
};

class BlobUpload {
 public:
  BlobUpload(RegistrySession& session, const UploadRequest& request, int attempts)
      : session_(session), request_(request), blob_(request.blob), attempts_(attempts) {}

  Result<Uploaded> run() {
    if (TRY(is_there())) return Uploaded::kWasThere;
    for (size_t i = 0; i < std::min(request_.mount_from.size(), kMountsMax); ++i) {
      if (TRY(mount(request_.mount_from[i]))) return Uploaded::kMounted;
    }
    if (request_.file.empty()) {
      return fail(Errc::kNotFound,
                  "the registry does not have it, and the store has no bytes of it (its layer was "
                  "unpacked from another image's blob); remove the image and pull it again");
    }
    TRY(send());
    return Uploaded::kSent;
  }

 private:
  Result<bool> is_there() {
    RegistryRequest head{Method::kHead, "/blobs/" + blob_.digest};
    auto response = session_.request(head);
    if (response) return true;
    if (response.error().code == Errc::kNotFound) return false;
    return tl::unexpected<Error>(push_denied(std::move(response).error()));
  }

  // 201: done. 202: the registry would rather have the bytes, at this Location.
  Result<bool> mount(const std::string& from) {
    if (!location_.empty()) return false;
    RegistryRequest post{
        Method::kPost, fmt::format("/blobs/uploads/?mount={}&from={}", percent_encode(blob_.digest),
                                   percent_encode(from))};
    HttpResponse response = TRY(session_.perform(post));
    if (response.status == 201) return true;
    if (response.status == 202) TRY(opened(response, session_.url(post.path)));
    return false;  // whatever it is, an ordinary upload will tell
  }

  Status send() {
    int failures = 0;
    while (true) {
      uint64_t before = sent_;
      auto answer = step();
      if (answer && is_done_) return {};
      if (sent_ > before || (answer && is_good(answer->status))) failures = 0;
      if (answer && is_good(answer->status)) continue;
      if (answer && TRY(gives_way(*answer))) continue;
      Error error = answer ? push_error(session_, *answer, last_) : std::move(answer).error();
      bool is_final = error.code != Errc::kUnavailable || ++failures >= attempts_;
      if (is_final) return tl::unexpected<Error>(std::move(error));
      TRY(session_.wait_before_retry(failures, answer ? &*answer : nullptr));
      if (!location_.empty()) TRY(ask_how_far());
    }
  }

  // The next request of the upload.
  Result<HttpResponse> step() {
    if (location_.empty()) return open();
    bool is_whole = sent_ == 0 && chunk_ == 0;
    if (is_whole) return put(0, blob_.size);
    if (sent_ < blob_.size) return patch();
    return put(blob_.size, 0);
  }

  Result<HttpResponse> open() {
    last_ = RegistryRequest{Method::kPost, "/blobs/uploads/"};
    HttpResponse response = TRY(session_.perform(last_));
    if (response.status == 202) TRY(opened(response, session_.url(last_.path)));
    if (is_good(response.status) && location_.empty()) {
      return fail(Errc::kInvalid, "{}: answers an upload with status {} and no Location",
                  session_.endpoint().host, response.status);
    }
    return response;
  }

  Status opened(const HttpResponse& response, const std::string& url) {
    TRY(follow(response, url));
    sent_ = 0;
    auto min = parse_u64(response.header("oci-chunk-min-length"));
    if (min && *min > 0) {
      chunk_min_ = std::min(*min, kUploadChunkMax);
      chunk_ = std::max({chunk_, chunk_min_, kUploadChunk});
    }
    return {};
  }

  Status follow(const HttpResponse& response, const std::string& url) {
    std::string location = response.header("location");
    if (!location.empty()) location_ = TRY(resolve_url(url, location));
    return {};
  }

  Result<HttpResponse> put(uint64_t begin, uint64_t size) {
    last_ = RegistryRequest{Method::kPut, with_digest(location_, blob_.digest)};
    last_.headers = {{"Content-Type", "application/octet-stream"}};
    last_.body = piece(begin, size);
    HttpResponse response = TRY(session_.perform(last_));
    is_done_ = is_good(response.status);
    return response;
  }

  Result<HttpResponse> patch() {
    uint64_t left = blob_.size - sent_;
    uint64_t size = chunk_ == 0 ? left : std::min(chunk_, left);
    last_ = RegistryRequest{Method::kPatch, location_};
    last_.headers = {{"Content-Type", "application/octet-stream"},
                     {"Content-Range", fmt::format("{}-{}", sent_, sent_ + size - 1)}};
    last_.body = piece(sent_, size);
    HttpResponse response = TRY(session_.perform(last_));
    if (!is_good(response.status)) return response;
    TRY(follow(response, location_));
    uint64_t told = parse_upload_range(response.header("range")).value_or(sent_ + size);
    if (told <= sent_ || told > sent_ + size) {
      return fail(Errc::kInvalid, "{}: took {} bytes of an upload and says Range: {}",
                  session_.endpoint().host, sent_ + size, printable(response.header("range"), 100));
    }
    sent_ = told;
    return response;
  }

  HttpBody piece(uint64_t begin, uint64_t size) {
    HttpBody body;
    body.size = size;
    body.open = [this, begin, size]() -> Result<std::unique_ptr<ByteSource>> {
      sys::Fd fd = TRY(sys::open(request_.file, O_RDONLY));
      return std::unique_ptr<ByteSource>(
          std::make_unique<FilePiece>(std::move(fd), begin, size, request_.on_bytes));
    };
    return body;
  }

  // Answers that are no failure but a wish.
  Result<bool> gives_way(const HttpResponse& answer) {
    if (answer.status == 413 &&
        sends_bytes()) {  // too large: for the registry or a proxy before it
      uint64_t smaller = chunk_ == 0 ? kUploadChunk : chunk_ / 2;
      if (smaller < std::max(chunk_min_, kUploadChunkMin)) return false;
      chunk_ = smaller;
      restart();  // what a PUT has come to is not known
      return true;
    }
    bool is_gone = answer.status == 404 && !location_.empty() && last_.method != Method::kPost;
    if (is_gone || answer.status == 416) {
      if (++restarts_ >= attempts_) return false;
      if (answer.status == 416) {
        TRY(ask_how_far());
      } else {
        restart();
      }
      return true;
    }
    return false;
  }

  bool sends_bytes() const { return last_.body.size > 0; }

  void restart() {
    location_.clear();
    sent_ = 0;
  }

  // After a cut. A registry that cannot say is begun anew.
  Status ask_how_far() {
    RegistryRequest get{Method::kGet, location_};
    auto response = session_.perform(get);
    if (!response && response.error().code == Errc::kCancelled) {
      return tl::unexpected<Error>(response.error());
    }
    auto next = response && is_good(response->status)
                    ? parse_upload_range(response->header("range"))
                    : std::nullopt;
    if (!next || *next > blob_.size) {
      restart();
      return {};
    }
    TRY(follow(*response, location_));
    sent_ = *next;
    return {};
  }

  static Error push_denied(Error error);

  RegistrySession& session_;
  const UploadRequest& request_;
  const Descriptor& blob_;
  int attempts_;
  std::string location_;    // of the upload, absolute; empty before it is opened
  uint64_t sent_ = 0;       // what the registry has of it
  uint64_t chunk_ = 0;      // 0: all at once
  uint64_t chunk_min_ = 0;  // what the registry asked for
  int restarts_ = 0;
  bool is_done_ = false;
  RegistryRequest last_;
};

// Sessions speak of pulls.
std::string about_pushing(std::string text) {
  constexpr std::string_view kPull =
      "pull access denied, repository does not exist or may require authorization: ";
  size_t at = text.find(kPull);
  if (at != std::string::npos) {
    text.replace(at, kPull.size(),
                 "push access denied (`berth login` gives credentials for a registry): ");
  }
  return text;
}

Error BlobUpload::push_denied(Error error) {
  error.text = about_pushing(std::move(error.text));
  return error;
}

}  // namespace

std::optional<uint64_t> parse_upload_range(std::string_view range) {
  if (range.starts_with("bytes=")) range.remove_prefix(6);
  if (!range.starts_with("0-")) return std::nullopt;
  auto last = parse_u64(range.substr(2));
  if (!last || *last >= kBlobMax) return std::nullopt;
  return *last == 0 ? 0 : *last + 1;
}

std::string with_digest(const std::string& location, const std::string& digest) {
  bool has_query = location.find('?') != std::string::npos;
  return fmt::format("{}{}digest={}", location, has_query ? "&" : "?", percent_encode(digest));
}

Error push_error(RegistrySession& session, const HttpResponse& response,
                 const RegistryRequest& request) {
  Error error = session.error_of(response, request);
  error.text = about_pushing(std::move(error.text));
  return error;
}

Result<Uploaded> upload_blob(RegistrySession& session, const UploadRequest& request, int attempts) {
  return BlobUpload(session, request, attempts).run();
}

}  // namespace berth::image
