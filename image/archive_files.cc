#include "image/archive_files.h"

#include "base/text.h"
#include "image/layer_tree.h"
#include "image/stream.h"
#include "sys/file.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>

#include <memory>

namespace berth::image {
namespace {

struct ArchiveCloser {
  void operator()(archive* a) const { archive_read_free(a); }
};

Status write_entry(archive* a, const std::string& path) {
  sys::Fd fd = TRY(sys::create(path, O_WRONLY | O_TRUNC | O_NOFOLLOW, 0600));
  std::string buffer(kReadChunk, '\0');
  while (true) {
    la_ssize_t got = archive_read_data(a, buffer.data(), buffer.size());
    if (got < 0) return fail(Errc::kCorrupt, "{}", archive_error_string(a));
    if (got == 0) return {};
    TRY(sys::write_all(fd.get(), {buffer.data(), static_cast<size_t>(got)}));
  }
}

// Names may be missing: libarchive gives none for what it cannot convert.
Result<std::string> name_of(const char* name) {
  if (name == nullptr) return fail(Errc::kCorrupt, "an entry has no name");
  return clean_path(name);
}

}  // namespace

Result<ArchiveFiles> extract_files(int fd, const std::string& name, const std::string& directory) {
  std::unique_ptr<archive, ArchiveCloser> a(archive_read_new());
  archive_read_support_format_tar(a.get());
  archive_read_support_filter_gzip(a.get());
  archive_read_support_filter_zstd(a.get());
  if (archive_read_open_fd(a.get(), fd, kReadChunk) != ARCHIVE_OK) {
    return fail(Errc::kCorrupt, "{}: {}", name, archive_error_string(a.get()));
  }
  ArchiveFiles files;
  std::map<std::string, std::string> links;
  size_t count = 0;  // of files written: a name may come twice, and the last one wins
  archive_entry* entry = nullptr;
  int status = ARCHIVE_OK;
  while ((status = archive_read_next_header(a.get(), &entry)) == ARCHIVE_OK) {
    if (count + links.size() >= kArchiveFilesMax) {
      return fail(Errc::kExhausted, "{}: more than {} files", name, kArchiveFilesMax);
    }
    std::string entry_name = TRY(name_of(archive_entry_pathname(entry)));
    if (const char* target = archive_entry_hardlink(entry)) {
      links[entry_name] = TRY(clean_path(target));
    } else if (const char* link = archive_entry_symlink(entry)) {
      size_t slash = entry_name.rfind('/');
      std::string parent = slash == std::string::npos ? "" : entry_name.substr(0, slash + 1);
      links[entry_name] = TRY(clean_path(parent + link));
    } else if (archive_entry_filetype(entry) == AE_IFREG) {
      std::string path = fmt::format("{}/{}", directory, count++);
      auto written = write_entry(a.get(), path);
      if (!written) {
        return wrap(std::move(written).error(), "{}: {}", name, printable(entry_name, 200));
      }
      files[entry_name] = path;
    }
  }
  if (status != ARCHIVE_EOF) {
    return fail(Errc::kCorrupt, "{}: {}", name, archive_error_string(a.get()));
  }
  for (const auto& [link, target] : links) {
    if (auto found = files.find(target); found != files.end()) files[link] = found->second;
  }
  return files;
}

Result<std::string> must_have(const ArchiveFiles& files, const std::string& name) {
  auto found = files.find(TRY(clean_path(name)));
  if (found != files.end()) return found->second;
  return fail(Errc::kInvalid, "the archive has no \"{}\"", printable(name, 200));
}

}  // namespace berth::image
