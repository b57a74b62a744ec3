#include "tools/session_archive.h"

#include "agent/aws_http.h"
#include "sys/spawn.h"

namespace berth::tools {
namespace {

constexpr std::string_view kCutNote = "\n[the session showed more, which is not kept]\n";

}  // namespace

Result<SessionArchive> SessionArchive::begin(const agent::Config& config, ArchivePlace place,
                                             Clock& clock) {
  auto http =
      std::make_unique<aws::CurlHttp>(agent::aws_http_options(config, sys::own_environment()));
  auto store = TRY(agent::ObjectStore::make(config, *http, clock));
  if (place.must_be_encrypted) {
    auto encrypted = store.is_encrypted(place.bucket);
    if (!encrypted) {
      return wrap(std::move(encrypted).error(), "whether bucket {} is encrypted", place.bucket);
    }
    if (!*encrypted) {
      return fail(
          Errc::kInvalid,
          "encryption is not set up on the selected Amazon S3 bucket {}: encrypt it, or set "
          "s3EncryptionEnabled to false",
          place.bucket);
    }
  }
  return SessionArchive(std::move(http), std::move(store), std::move(place));
}

// Terminals end lines with \r\n, files with \n.
void SessionArchive::add(std::string_view bytes) {
  for (char byte : bytes) {
    if (text_.size() >= kSessionArchiveMax) {
      is_cut_ = true;
      return;
    }
    if (byte == '\n' && text_.ends_with('\r')) text_.pop_back();
    text_ += byte;
  }
}

Status SessionArchive::finish() {
  if (is_cut_) text_ += kCutNote;
  auto put = store_.put({place_.bucket, place_.key}, std::move(text_));
  if (!put) return wrap(std::move(put).error(), "{}/{}", place_.bucket, place_.key);
  return put;
}

}  // namespace berth::tools
