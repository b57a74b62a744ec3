#include "agent/log_follower.h"

#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "sys/call.h"
#include "sys/file.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

namespace berth::agent {
namespace {

constexpr size_t kChunk = 64 * 1024;
constexpr std::string_view kSuffix = ".log";

}  // namespace

Result<LogRecord> parse_log_record(std::string_view line) {
  auto document = json::Document::parse(line, {.name = "log record"});
  if (!document) {
    return fail(Errc::kCorrupt, "{}: {}", document.error().text, printable(line, 80));
  }
  json::Node root = document->root();
  return LogRecord{.text = TRY(root.string_at("log")),
                   .stream = TRY(root.string_at("stream")),
                   .time = TRY(root.string_at("time"))};
}

LogFollower::LogFollower(sys::Loop& loop, std::string directory, Sink sink,
                         sys::DirectoryWatch watch)
    : loop_(loop),
      directory_(std::move(directory)),
      sink_(std::move(sink)),
      watch_(std::move(watch)) {}

LogFollower::~LogFollower() {
  loop_.unwatch(watch_.fd());
}

Result<std::unique_ptr<LogFollower>> LogFollower::start(sys::Loop& loop,
                                                        const std::string& directory,
                                                        const std::vector<std::string>& containers,
                                                        Sink sink) {
  // The watch comes before the first read, so that nothing falls between.
  auto watch = TRY(sys::DirectoryWatch::make(directory));
  std::unique_ptr<LogFollower> follower(
      new LogFollower(loop, directory, std::move(sink), std::move(watch)));
  for (const std::string& container : containers) follower->files_[container];
  LogFollower* self = follower.get();
  TRY(loop.watch(follower->watch_.fd(), EPOLLIN, [self](uint32_t) {
    auto changes = self->watch_.take();
    if (!changes || changes->overflowed) return self->drain();
    for (const std::string& name : changes->names) {
      if (!name.ends_with(kSuffix)) continue;
      auto file = self->files_.find(name.substr(0, name.size() - kSuffix.size()));
      if (file != self->files_.end()) self->read_more(file->first, file->second);
    }
  }));
  follower->drain();
  return follower;
}

void LogFollower::drain() {
  for (auto& [container, file] : files_) read_more(container, file);
}

void LogFollower::read_more(const std::string& container, File& file) {
  if (!file.fd) {
    auto fd = sys::open(directory_ + "/" + container + std::string(kSuffix), O_RDONLY);
    if (!fd) return;  // not there yet: its creation will tell
    file.fd = std::move(*fd);
  }
  std::string chunk(kChunk, '\0');
  while (true) {
    auto got = sys::read_some(file.fd.get(), chunk.data(), chunk.size());
    if (!got || *got == 0) return;
    file.pending.append(chunk, 0, *got);
    size_t start = 0;
    for (size_t end = file.pending.find('\n'); end != std::string::npos;
         end = file.pending.find('\n', start)) {
      auto record = parse_log_record(std::string_view(file.pending).substr(start, end - start));
      if (record) {
        sink_(container, *record);
      } else {
        LOG(kWarn, "log record skipped", {{"container", container}, {"why", record.error().text}});
      }
      start = end + 1;
    }
    file.pending.erase(0, start);
  }
}

}  // namespace berth::agent
