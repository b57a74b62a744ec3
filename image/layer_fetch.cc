#include "image/layer_fetch.h"

#include "base/log.h"
#include "image/decompress.h"
#include "image/digest.h"
#include "sys/file.h"

#include <fcntl.h>

#include <functional>
#include <thread>
#include <utility>

namespace berth::image {
namespace {

constexpr size_t kReadChunk = 512 * 1024;

// The bytes of the compressed layer, in order, each once.
using Feed = std::function<Status(const Sink& sink)>;

Status feed_file(const std::string& path, const Sink& sink) {
  sys::Fd fd = TRY(sys::open(path, O_RDONLY));
  std::string buffer(kReadChunk, '\0');
  while (size_t got = TRY(sys::read_some(fd.get(), buffer.data(), buffer.size()))) {
    TRY(sink({buffer.data(), got}));
  }
  return {};
}

Status must_equal(std::string_view what, const std::string& wanted, const std::string& found) {
  if (wanted.empty() || wanted == found) return {};
  return fail(Errc::kCorrupt, "{} is {} but the bytes have {}", what, wanted, found);
}

// The first thread's half: hash, keep, inflate, hash, hand over.
class Front {
 public:
  Front(const LayerFetch& fetch, int blob_fd, Pipe& pipe)
      : fetch_(fetch),
        blob_fd_(blob_fd),
        decompressor_(
            {fetch.limits.layer_bytes_max, fetch.limits.ratio_max, fetch.limits.ratio_free_bytes},
            [this, &pipe](std::string_view plain) -> Status {
              plain_hash_.update(plain);
              return pipe.write(plain);
            }) {}

  Status run(const Feed& feed) {
    TRY(feed([this](std::string_view bytes) { return take(bytes); }));
    if (fetch_.blob.size != 0 && bytes_ != fetch_.blob.size) {
      return fail(Errc::kCorrupt, "the manifest says {} bytes but there are {}", fetch_.blob.size,
                  bytes_);
    }
    blob_digest = hash_.finish();
    TRY(must_equal("the digest", fetch_.blob.digest, blob_digest));
    TRY(decompressor_.finish());
    diff_id = plain_hash_.finish();
    return must_equal("the diff_id", fetch_.diff_id, diff_id);
  }

  uint64_t plain_bytes() const { return decompressor_.plain_bytes(); }

  std::string blob_digest;
  std::string diff_id;

 private:
  Status take(std::string_view bytes) {
    bytes_ += bytes.size();
    if (fetch_.blob.size != 0 && bytes_ > fetch_.blob.size) {
      return fail(Errc::kCorrupt, "there are more bytes than the {} that the manifest says",
                  fetch_.blob.size);
    }
    hash_.update(bytes);
    if (blob_fd_ >= 0) TRY(sys::write_all(blob_fd_, bytes));
    if (fetch_.on_bytes) TRY(fetch_.on_bytes(bytes_));
    return decompressor_.write(bytes);
  }

  const LayerFetch& fetch_;
  int blob_fd_;
  uint64_t bytes_ = 0;
  Sha256 hash_;
  Sha256 plain_hash_;
  Decompressor decompressor_;
};

// Both threads; `front` has the digests afterwards.
Status run_pipeline(const LayerFetch& fetch, Front& front, Pipe& pipe, const Feed& feed,
                    const std::string& target) {
  Status unpacked;
  std::thread back([&] {
    UnpackOptions options{fetch.limits.entries_max, fetch.limits.disk_reserve_bytes, fetch.lower};
    unpacked = unpack(pipe, target, options);
    if (!unpacked) pipe.close_read(unpacked.error());
  });
  Status fed = front.run(feed);
  pipe.close_write(fed);
  back.join();
  // A failure of either side reaches the other as its own: any of the two tells the cause.
  return fed ? unpacked : fed;
}

Result<Store::LayerRecord> fetch_into_scratch(Store& store, const LayerFetch& fetch,
                                              const Feed& feed, bool keep_blob) {
  Scratch scratch = TRY(store.make_scratch());
  std::string target = scratch.path() + "/layer/fs";
  TRY(sys::make_directories(target, 0755));
  TRY(sys::chmod(target, 0755));  // whatever the umask
  std::string blob_file = scratch.path() + "/blob";
  sys::Fd blob_fd;
  if (keep_blob) blob_fd = TRY(sys::create(blob_file, O_WRONLY | O_EXCL, 0600));
  Pipe pipe;
  Front front(fetch, blob_fd.get(), pipe);
  TRY(run_pipeline(fetch, front, pipe, feed, target));
  if (keep_blob) TRY(store.commit_blob(blob_file, front.blob_digest));
  Store::LayerRecord record{fetch.chain_id.empty() ? front.diff_id : fetch.chain_id, front.diff_id,
                            front.blob_digest, front.plain_bytes()};
  TRY(store.commit_layer(scratch, record));
  return record;
}

}  // namespace

Result<Store::LayerRecord> fetch_layer(Store& store, Source& source, const LayerFetch& fetch) {
  sys::Fd lock;
  if (!fetch.chain_id.empty()) {
    lock = TRY(store.lock_layer(fetch.chain_id));
    if (store.has_layer(fetch.chain_id)) {
      return Store::LayerRecord{fetch.chain_id, fetch.diff_id, fetch.blob.digest, 0};
    }
  }
  if (!fetch.blob.digest.empty() && store.has_blob(fetch.blob.digest)) {
    std::string path = store.blob_path(fetch.blob.digest);
    Feed kept = [&](const Sink& sink) { return feed_file(path, sink); };
    auto done = fetch_into_scratch(store, fetch, kept, /*keep_blob=*/false);
    if (done || done.error().code != Errc::kCorrupt) return done;
    LOG(kWarn, "blob in the store is damaged; fetched again", {{"digest", fetch.blob.digest}});
  }
  Feed fresh = [&](const Sink& sink) { return source.blob(fetch.blob, sink); };
  return fetch_into_scratch(store, fetch, fresh, /*keep_blob=*/true);
}

}  // namespace berth::image
