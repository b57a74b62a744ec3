// pull_stages WORK URL LAYOUT DIGEST...: what each stage of a pull costs by itself, on the layers
// DIGEST of an OCI layout that a registry serves under URL
// ("http://127.0.0.1:5000/v2/many/blobs/"). Prints the seconds of processor time of each stage as
// JSON; layers are unpacked as pulls unpack them here, or to directories with
// BERTH_LAYERS=directories. A stage is measured by the clock of the one thread that does it, so its
// neighbours do not count; but for the download and the write-back, which others do (the registry,
// threads of the kernel): there the whole machine's time counts, so nothing else may run on it.
#include "image/decompress.h"
#include "image/digest.h"
#include "image/disk_medium.h"
#include "image/erofs_medium.h"
#include "image/puller.h"
#include "image/stream.h"
#include "image/transport.h"
#include "image/unpack.h"
#include "sys/clock.h"
#include "sys/file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace berth {
namespace {

constexpr size_t kChunk = 512 * 1024;
constexpr image::DecompressLimits kNoLimits = {UINT64_MAX, UINT64_MAX, UINT64_MAX};

double thread_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

// What all processors have done since the start of the machine, but for idling and waiting.
double machine_seconds() {
  unsigned long user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, soft = 0;
  FILE* file = std::fopen("/proc/stat", "r");
  if (file == nullptr) return 0;
  int got = std::fscanf(file, "cpu %lu %lu %lu %lu %lu %lu %lu", &user, &nice, &system, &idle,
                        &wait, &irq, &soft);
  std::fclose(file);
  if (got != 7) return 0;
  unsigned long ticks = user + nice + system + irq + soft;
  return static_cast<double>(ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

struct Stages {
  double download = 0, hash = 0, keep = 0, inflate = 0, hash_plain = 0, unpack = 0, write_back = 0;
};

// The seconds that `step` adds to `total`.
Status timed(double& total, const std::function<Status()>& step,
             double (*seconds)() = thread_seconds) {
  double begin = seconds();
  auto done = step();
  total += seconds() - begin;
  return done;
}

Status each_chunk(const std::string& path, const image::Sink& sink) {
  sys::Fd fd = TRY(sys::open(path, O_RDONLY));
  std::string buffer(kChunk, '\0');
  while (size_t got = TRY(sys::read_some(fd.get(), buffer.data(), buffer.size()))) {
    TRY(sink({buffer.data(), got}));
  }
  return {};
}

// Forgets.
class Nowhere final : public image::Output {
 public:
  Result<std::span<char>> room() override { return std::span(bytes_); }
  Status commit(size_t) override { return {}; }

 private:
  std::vector<char> bytes_ = std::vector<char>(image::kPipeChunk);
};

Status inflate(const std::string& path, image::Output& output) {
  image::Decompressor decompressor(kNoLimits, output);
  TRY(each_chunk(path, [&](std::string_view bytes) { return decompressor.write(bytes); }));
  return decompressor.finish();
}

Status download(const std::string& url) {
  constexpr Duration kPatience = std::chrono::seconds(30);
  sys::SystemClock clock;
  image::HttpClient client(
      {.connect_timeout = kPatience, .answer_timeout = kPatience, .stall_timeout = kPatience},
      clock);
  image::HttpRequest request;
  request.url = url;
  request.sink = [](std::string_view) -> Status { return {}; };
  auto response = TRY(client.perform(std::move(request), nullptr));
  if (response.status == 200) return {};
  return fail(Errc::kUnavailable, "{}: status {}", url, response.status);
}

Status hash_plain(image::ByteSource& plain) {
  image::Sha256 hash;
  while (true) {
    std::string_view bytes = TRY(plain.read());
    if (bytes.empty()) break;
    hash.update(bytes);
  }
  (void)hash.finish();
  return {};
}

Result<std::unique_ptr<image::Medium>> make_medium(const std::string& target) {
  const char* layers = std::getenv("BERTH_LAYERS");
  std::string directory = target.substr(0, target.rfind('/'));
  bool is_wanted = layers == nullptr || std::string_view(layers) != "directories";
  if (is_wanted &&
      image::usable(image::LayerFormat::kImage, directory) == image::LayerFormat::kImage) {
    return TRY(image::ErofsMedium::create(target));
  }
  TRY(sys::make_directories(target, 0755));
  return TRY(image::DiskMedium::open(target));
}

Status measure(const std::string& path, const std::string& url, const std::string& target,
               Stages& stages) {
  TRY(timed(
      stages.download, [&] { return download(url); }, machine_seconds));
  TRY(timed(stages.hash, [&] {
    image::Sha256 hash;
    return each_chunk(path, [&](std::string_view bytes) -> Status {
      hash.update(bytes);
      return {};
    });
  }));
  TRY(timed(stages.keep, [&]() -> Status {
    sys::Fd copy = TRY(sys::create(target + ".blob", O_WRONLY | O_EXCL, 0600));
    return each_chunk(path,
                      [&](std::string_view bytes) { return sys::write_all(copy.get(), bytes); });
  }));
  TRY(timed(stages.inflate, [&] {
    Nowhere nowhere;
    return inflate(path, nowhere);
  }));
  auto medium = TRY(make_medium(target));
  image::Pipe pipe(2);
  Status hashed;
  Status unpacked;
  std::thread hashing(
      [&] { hashed = timed(stages.hash_plain, [&] { return hash_plain(pipe.reader(0)); }); });
  std::thread unpacking([&] {
    unpacked = timed(stages.unpack, [&] {
      auto owner = image::unpack(pipe.reader(1), *medium,
                                 {.entries_max = UINT64_MAX,
                                  .disk_reserve_bytes = 0,
                                  .disk = target.substr(0, target.rfind('/')),
                                  .lower = nullptr});
      return owner ? Status() : tl::unexpected(std::move(owner).error());
    });
    if (!unpacked) pipe.close_read(unpacked.error());
  });
  Status inflated = inflate(path, pipe);
  pipe.close_write(inflated);
  hashing.join();
  unpacking.join();
  TRY(std::move(unpacked));
  return hashed;
}

Status write_back(const std::string& work, Stages& stages) {
  sys::Fd directory = TRY(sys::open(work, O_RDONLY | O_DIRECTORY));
  return timed(
      stages.write_back, [&] { return sys::sync_file_system(directory.get()); }, machine_seconds);
}

}  // namespace
}  // namespace berth

int main(int argc, char** argv) {
  if (argc < 5) return 2;
  std::string work = argv[1];
  std::string url = argv[2];
  std::string blobs = std::string(argv[3]) + "/blobs/sha256/";
  berth::Stages stages;
  for (int i = 4; i < argc; ++i) {
    std::string digest = argv[i];
    auto done = berth::measure(blobs + digest.substr(digest.find(':') + 1), url + digest,
                               work + "/" + std::to_string(i), stages);
    if (done) continue;
    std::fprintf(stderr, "%s: %s\n", digest.c_str(), done.error().text.c_str());
    return 1;
  }
  auto synced = berth::write_back(work, stages);
  if (!synced) {
    std::fprintf(stderr, "%s: %s\n", work.c_str(), synced.error().text.c_str());
    return 1;
  }
  std::printf(
      R"({"download": %.3f, "hash": %.3f, "keep": %.3f, "inflate": %.3f, "hash plain": %.3f, "unpack": %.3f, "write back": %.3f})",
      stages.download, stages.hash, stages.keep, stages.inflate, stages.hash_plain, stages.unpack,
      stages.write_back);
}
