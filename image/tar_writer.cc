#include "image/tar_writer.h"

#include "base/check.h"
#include "sys/file.h"

#include <archive.h>
#include <archive_entry.h>

#include <cerrno>
#include <optional>

namespace berth::image {

struct TarWriter::Writer {
  explicit Writer(int to) : fd(to) {}
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer() { archive_write_free(handle); }

  int fd;
  archive* handle = archive_write_new();
  std::optional<Error> error;  // of our callback: libarchive knows no more than an errno
};

namespace {

la_ssize_t write_block(archive* handle, void* self, const void* bytes, size_t size) {
  auto* writer = static_cast<TarWriter::Writer*>(self);
  auto written = sys::write_all(writer->fd, {static_cast<const char*>(bytes), size});
  if (written) return static_cast<la_ssize_t>(size);
  writer->error = written.error();
  archive_set_error(handle, EIO, "%s", writer->error->text.c_str());
  return -1;
}

}  // namespace

TarWriter::TarWriter(int fd) : writer_(std::make_unique<Writer>(fd)) {
  archive* handle = writer_->handle;
  CHECK(handle != nullptr);
  CHECK(archive_write_set_format_pax_restricted(handle) == ARCHIVE_OK);
  archive_write_set_bytes_in_last_block(handle, 1);  // nothing after the end blocks
  CHECK(archive_write_open(handle, writer_.get(), nullptr, write_block, nullptr) == ARCHIVE_OK);
}
TarWriter::~TarWriter() {
  // What was not finished is not to be finished now.
  if (writer_) archive_write_fail(writer_->handle);
}

tl::unexpected<Error> TarWriter::failed() {
  if (writer_->error) return tl::unexpected<Error>(*writer_->error);
  const char* why = archive_error_string(writer_->handle);
  return fail(Errc::kInternal, "write archive: {}", why != nullptr ? why : "unknown error");
}

Status TarWriter::begin(const std::string& name, uint64_t size) {
  std::unique_ptr<archive_entry, decltype(&archive_entry_free)> entry(archive_entry_new(),
                                                                      archive_entry_free);
  CHECK(entry != nullptr);
  archive_entry_set_pathname(entry.get(), name.c_str());
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  archive_entry_set_perm(entry.get(), 0644);
  archive_entry_set_size(entry.get(), static_cast<la_int64_t>(size));
  archive_entry_set_mtime(entry.get(), 0, 0);
  archive_entry_set_uid(entry.get(), 0);
  archive_entry_set_gid(entry.get(), 0);
  if (archive_write_header(writer_->handle, entry.get()) != ARCHIVE_OK) return failed();
  return {};
}

Status TarWriter::write(std::string_view bytes) {
  while (!bytes.empty()) {
    la_ssize_t taken = archive_write_data(writer_->handle, bytes.data(), bytes.size());
    if (taken <= 0) return failed();  // nothing is taken beyond the size of the entry
    bytes.remove_prefix(static_cast<size_t>(taken));
  }
  return {};
}

Status TarWriter::finish() {
  if (archive_write_close(writer_->handle) != ARCHIVE_OK) return failed();
  return {};
}

}  // namespace berth::image
