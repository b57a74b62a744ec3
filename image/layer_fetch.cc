#include "image/layer_fetch.h"

#include "base/log.h"
#include "image/decompress.h"
#include "image/digest.h"
#include "image/stream.h"
#include "sys/file.h"

#include <fcntl.h>

#include <functional>
#include <optional>
#include <thread>
#include <utility>

namespace berth::image {
namespace {

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

// Where a layer is worked on.
struct Workplace {
  std::string directory;  // of the scratch
  std::string target;     // what is unpacked goes there
  int blob_fd;            // the compressed bytes are kept there; -1: they are in the store already
};

// The first thread's part: fetch, hash, keep, inflate.
class Front {
 public:
  Front(const LayerFetch& fetch, const Workplace& place, Output& plain)
      : fetch_(fetch),
        blob_fd_(place.blob_fd),
        decompressor_({fetch.limits.layer_bytes_max, fetch.limits.ratio_max,
                       fetch.limits.ratio_free_bytes, place.directory},
                      plain) {}

  Status run(const Feed& feed) {
    TRY(feed([this](std::string_view bytes) { return take(bytes); }));
    if (fetch_.blob.size != 0 && bytes_ != fetch_.blob.size) {
      return fail(Errc::kCorrupt, "the manifest says {} bytes but there are {}", fetch_.blob.size,
                  bytes_);
    }
    blob_digest = hash_.finish();
    TRY(must_equal("the digest", fetch_.blob.digest, blob_digest));
    return decompressor_.finish();
  }

  uint64_t plain_bytes() const { return decompressor_.plain_bytes(); }

  std::string blob_digest;

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
  Decompressor decompressor_;
};

// The second thread's part.
Result<std::string> hash_all(ByteSource& plain) {
  Sha256 hash;
  while (true) {
    std::string_view bytes = TRY(plain.read());
    if (bytes.empty()) return hash.finish();
    hash.update(bytes);
  }
}

struct Digests {
  std::string blob;
  std::string diff_id;
  uint64_t plain_bytes;
};

// All three threads. A failure of one reaches the others as theirs: any of them tells the cause.
Result<Digests> run_pipeline(const LayerFetch& fetch, const Feed& feed, const Workplace& place) {
  Pipe pipe(2);
  Front front(fetch, place, pipe);
  Result<std::string> diff_id = std::string();
  std::thread hashing([&] { diff_id = hash_all(pipe.reader(0)); });
  Status unpacked;
  std::thread unpacking([&] {
    UnpackOptions options{fetch.limits.entries_max, fetch.limits.disk_reserve_bytes, fetch.lower};
    unpacked = unpack(pipe.reader(1), place.target, options);
    if (!unpacked) pipe.close_read(unpacked.error());
  });
  Status fed = front.run(feed);
  pipe.close_write(fed);
  hashing.join();
  unpacking.join();
  TRY(std::move(fed));
  // What does not have the diff_id is not what was meant to be unpacked: that comes first.
  if (diff_id) TRY(must_equal("the diff_id", fetch.diff_id, *diff_id));
  TRY(std::move(unpacked));
  std::string plain_digest = TRY(std::move(diff_id));
  return Digests{front.blob_digest, std::move(plain_digest), front.plain_bytes()};
}

// The directory of the scratch that the layer is unpacked to.
Result<std::string> make_target(const Scratch& scratch) {
  std::string target = scratch.path() + "/layer/fs";
  TRY(sys::make_directories(target, 0755));
  TRY(sys::chmod(target, 0755));  // whatever the umask
  return target;
}

Result<Store::LayerRecord> fetch_into_scratch(Store& store, const LayerFetch& fetch,
                                              const Feed& feed, bool keep_blob) {
  Scratch scratch = TRY(store.make_scratch());
  std::string target = TRY(make_target(scratch));
  std::string blob_file = scratch.path() + "/blob";
  sys::Fd blob_fd;
  if (keep_blob) blob_fd = TRY(sys::create(blob_file, O_WRONLY | O_EXCL, 0600));
  Digests found = TRY(run_pipeline(fetch, feed, {scratch.path(), target, blob_fd.get()}));
  if (keep_blob) TRY(store.commit_blob(blob_file, found.blob));
  Store::LayerRecord record{fetch.chain_id.empty() ? found.diff_id : fetch.chain_id, found.diff_id,
                            found.blob, found.plain_bytes};
  TRY(store.commit_layer(scratch, record));
  return record;
}

}  // namespace

Result<Store::LayerRecord> fetch_layer(Store& store, Source& source, const LayerFetch& fetch) {
  std::optional<sys::FileLock> lock;
  if (!fetch.chain_id.empty()) {
    lock.emplace(TRY(store.lock_layer(fetch.chain_id)));
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

Result<Store::LayerRecord> rebuild_layer(const Store& store, const LayerFetch& fetch,
                                         const Scratch& scratch) {
  std::string target = TRY(make_target(scratch));
  std::string path = store.blob_path(fetch.blob.digest);
  Feed kept = [&](const Sink& sink) { return feed_file(path, sink); };
  Digests found = TRY(run_pipeline(fetch, kept, {scratch.path(), target, -1}));
  return Store::LayerRecord{fetch.chain_id, found.diff_id, found.blob, found.plain_bytes};
}

}  // namespace berth::image
