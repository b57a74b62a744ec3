#include "image/layer_fetch.h"

#include "base/log.h"
#include "image/decompress.h"
#include "image/digest.h"
#include "image/disk_medium.h"
#include "image/erofs_medium.h"
#include "image/stream.h"
#include "sys/file.h"

#include <fcntl.h>

#include <functional>
#include <memory>
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
  Medium& medium;         // what is unpacked goes there
  int blob_fd;            // the compressed bytes are kept there; -1: they are in the store already
};

// The compressed bytes: counted, hashed, kept.
class Intake {
 public:
  Intake(const LayerFetch& fetch, int blob_fd) : fetch_(fetch), blob_fd_(blob_fd) {}

  Status take(std::string_view bytes) {
    bytes_ += bytes.size();
    if (fetch_.blob.size != 0 && bytes_ > fetch_.blob.size) {
      return fail(Errc::kCorrupt, "there are more bytes than the {} that the manifest says",
                  fetch_.blob.size);
    }
    hash_.update(bytes);
    if (blob_fd_ >= 0) TRY(sys::write_all(blob_fd_, bytes));
    return fetch_.on_bytes ? fetch_.on_bytes(bytes_) : Status();
  }

  // The digest, verified.
  Result<std::string> finish() {
    if (fetch_.blob.size != 0 && bytes_ != fetch_.blob.size) {
      return fail(Errc::kCorrupt, "the manifest says {} bytes but there are {}", fetch_.blob.size,
                  bytes_);
    }
    std::string digest = hash_.finish();
    TRY(must_equal("the digest", fetch_.blob.digest, digest));
    return digest;
  }

 private:
  const LayerFetch& fetch_;
  int blob_fd_;
  uint64_t bytes_ = 0;
  Sha256 hash_;
};

// The first thread's part: fetch, take in, inflate.
class Front {
 public:
  Front(const LayerFetch& fetch, const Workplace& place, Output& plain)
      : intake_(fetch, place.blob_fd),
        decompressor_({fetch.limits.layer_bytes_max, fetch.limits.ratio_max,
                       fetch.limits.ratio_free_bytes, place.directory},
                      plain) {}

  Status run(const Feed& feed) {
    TRY(feed([this](std::string_view bytes) -> Status {
      TRY(intake_.take(bytes));
      return decompressor_.write(bytes);
    }));
    blob_digest = TRY(intake_.finish());
    return decompressor_.finish();
  }

  uint64_t plain_bytes() const { return decompressor_.plain_bytes(); }

  std::string blob_digest;

 private:
  Intake intake_;
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

struct Found {
  std::string blob;  // digest
  std::string diff_id;
  uint64_t plain_bytes;
  HighestOwner owner;

  Store::LayerRecord record(const std::string& chain_id) const {
    return {chain_id.empty() ? diff_id : chain_id, diff_id, blob, plain_bytes, owner};
  }
};

// All three threads. A failure of one reaches the others as theirs: any of them tells the cause.
Result<Found> run_pipeline(const LayerFetch& fetch, const Feed& feed, const Workplace& place) {
  Pipe pipe(2);
  Front front(fetch, place, pipe);
  Result<std::string> diff_id = std::string();
  std::thread hashing([&] { diff_id = hash_all(pipe.reader(0)); });
  Result<HighestOwner> owner = HighestOwner();
  std::thread unpacking([&] {
    UnpackOptions options{fetch.limits.entries_max, fetch.limits.disk_reserve_bytes,
                          place.directory, fetch.lower};
    owner = unpack(pipe.reader(1), place.medium, options);
    if (!owner) pipe.close_read(owner.error());
  });
  Status fed = front.run(feed);
  pipe.close_write(fed);
  hashing.join();
  unpacking.join();
  TRY(std::move(fed));
  // What does not have the diff_id is not what was meant to be unpacked: that comes first.
  if (diff_id) TRY(must_equal("the diff_id", fetch.diff_id, *diff_id));
  HighestOwner highest = TRY(std::move(owner));
  std::string plain_digest = TRY(std::move(diff_id));
  return Found{front.blob_digest, std::move(plain_digest), front.plain_bytes(), highest};
}

// What the layer is unpacked to.
Result<std::unique_ptr<Medium>> make_medium(const Scratch& scratch, LayerFormat format) {
  std::string tree = TRY(Store::new_tree(scratch, format));
  if (format == LayerFormat::kImage) return TRY(ErofsMedium::create(tree));
  TRY(sys::make_directory(tree, 0755));
  TRY(sys::chmod(tree, 0755));  // whatever the umask
  return TRY(DiskMedium::open(tree));
}

enum class Blob { kIsKept, kIsNew };

Result<Store::Finished> unpack_from(Store& store, const LayerFetch& fetch, const Feed& feed,
                                    Blob blob) {
  Store::Finished finished{TRY(store.make_scratch()), "", std::nullopt, std::nullopt};
  const std::string& directory = finished.scratch.path();
  auto medium = TRY(make_medium(finished.scratch, usable(fetch.format, directory)));
  sys::Fd blob_fd;
  if (blob == Blob::kIsNew) {
    blob_fd = TRY(sys::create(directory + "/blob", O_WRONLY | O_EXCL, 0600));
  }
  Found found = TRY(run_pipeline(fetch, feed, {directory, *medium, blob_fd.get()}));
  if (blob == Blob::kIsNew) finished.blob = found.blob;
  finished.layer = found.record(fetch.chain_id);
  return finished;
}

Result<Store::Finished> unpack_layer(Store& store, Source& source, const LayerFetch& fetch) {
  if (!fetch.blob.digest.empty() && store.has_blob(fetch.blob.digest)) {
    std::string path = store.blob_path(fetch.blob.digest);
    Feed kept = [&](const Sink& sink) { return feed_file(path, sink); };
    auto done = unpack_from(store, fetch, kept, Blob::kIsKept);
    if (done || done.error().code != Errc::kCorrupt) return done;
    LOG(kWarn, "blob in the store is damaged; fetched again", {{"digest", fetch.blob.digest}});
  }
  Feed fresh = [&](const Sink& sink) { return source.blob(fetch.blob, sink); };
  return unpack_from(store, fetch, fresh, Blob::kIsNew);
}

Result<Store::Finished> fetch_blob(Store& store, Source& source, const LayerFetch& fetch) {
  Store::Finished finished{TRY(store.make_scratch()), "", std::nullopt, std::nullopt};
  std::string file = finished.scratch.path() + "/blob";
  sys::Fd fd = TRY(sys::create(file, O_WRONLY | O_EXCL, 0600));
  Intake intake(fetch, fd.get());
  TRY(source.blob(fetch.blob, [&](std::string_view bytes) { return intake.take(bytes); }));
  finished.blob = TRY(intake.finish());
  return finished;
}

}  // namespace

Result<std::optional<Store::Finished>> fetch_layer(Store& store, Source& source,
                                                   const LayerFetch& fetch) {
  if (fetch.chain_id.empty()) return TRY(unpack_layer(store, source, fetch));
  sys::FileLock lock = TRY(store.lock_layer(fetch.chain_id));
  bool is_unpacked = store.has_layer(fetch.chain_id);
  if (is_unpacked && store.has_blob(fetch.blob.digest)) return std::optional<Store::Finished>();
  auto finished =
      TRY(is_unpacked ? fetch_blob(store, source, fetch) : unpack_layer(store, source, fetch));
  finished.lock = std::move(lock);
  return finished;
}

Result<Store::LayerRecord> rebuild_layer(const Store& store, const LayerFetch& fetch,
                                         const Scratch& scratch) {
  auto medium = TRY(make_medium(scratch, fetch.format));
  std::string path = store.blob_path(fetch.blob.digest);
  Feed kept = [&](const Sink& sink) { return feed_file(path, sink); };
  Found found = TRY(run_pipeline(fetch, kept, {scratch.path(), *medium, -1}));
  return found.record(fetch.chain_id);
}

}  // namespace berth::image
