#include "runtime/gzip.h"

#include "sys/fd.h"
#include "sys/file.h"

#include <fcntl.h>
#include <zlib.h>

#include <memory>

namespace berth::runtime {
namespace {

constexpr size_t kGzipChunk = 64 * 1024;
constexpr int kZlibWindow = 15;       // bits
constexpr int kGzipWindow = 15 + 16;  // the same, and gzip's header instead of zlib's
constexpr int kGzipMemory = 8;        // zlib's default

// What deflateInit2 allocated goes with it.
class Deflater {
 public:
  static Result<std::unique_ptr<Deflater>> make(Zip zip) {
    std::unique_ptr<Deflater> deflater(new Deflater);
    int window = zip.form == ZipForm::kGzip ? kGzipWindow : kZlibWindow;
    int made = ::deflateInit2(&deflater->stream_, zip.level, Z_DEFLATED, window, kGzipMemory,
                              Z_DEFAULT_STRATEGY);
    if (made != Z_OK) return fail(Errc::kExhausted, "deflateInit2: {}", made);
    return deflater;
  }
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;
  ~Deflater() { (void)::deflateEnd(&stream_); }  // also right for one that was not made

  // All of it goes to `sink` (const std::string& -> Status); `flush` is Z_FINISH with the last
  // bytes.
  template <typename Sink>
  Status write(std::string& bytes, int flush, const Sink& sink) {
    stream_.next_in = reinterpret_cast<Bytef*>(bytes.data());
    stream_.avail_in = static_cast<uInt>(bytes.size());
    do {
      out_.resize(kGzipChunk);
      stream_.next_out = reinterpret_cast<Bytef*>(out_.data());
      stream_.avail_out = static_cast<uInt>(out_.size());
      (void)::deflate(&stream_, flush);  // cannot fail with room and a good stream
      out_.resize(out_.size() - stream_.avail_out);
      TRY(sink(out_));
    } while (stream_.avail_out == 0);
    return {};
  }

 private:
  Deflater() = default;

  z_stream stream_{};
  std::string out_;
};

Status gzip_into(int source, int target) {
  auto deflater = TRY(Deflater::make({.level = Z_DEFAULT_COMPRESSION}));
  auto sink = [target](const std::string& bytes) { return sys::write_all(target, bytes); };
  std::string chunk;
  while (true) {
    chunk.resize(kGzipChunk);
    chunk.resize(TRY(sys::read_some(source, chunk.data(), chunk.size())));
    bool is_end = chunk.empty();
    TRY(deflater->write(chunk, is_end ? Z_FINISH : Z_NO_FLUSH, sink));
    if (is_end) return {};
  }
}

}  // namespace

Status gzip_file(const std::string& source, const std::string& target) {
  sys::Fd from = TRY(sys::open(source, O_RDONLY));
  std::string draft = target + ".new";
  sys::Fd to = TRY(sys::create(draft, O_WRONLY | O_TRUNC, 0640));
  auto written = gzip_into(from.get(), to.get());
  if (written) return sys::rename(draft, target);
  (void)sys::remove_file(draft);  // the first error is the one to tell
  return wrap(std::move(written).error(), "compress {}", source);
}

Result<std::string> compress(std::string bytes, Zip zip) {
  auto deflater = TRY(Deflater::make(zip));
  std::string compressed;
  TRY(deflater->write(bytes, Z_FINISH, [&](const std::string& piece) {
    compressed += piece;
    return Status();
  }));
  return compressed;
}

}  // namespace berth::runtime
