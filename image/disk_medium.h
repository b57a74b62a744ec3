// A layer as a directory, which overlayfs can stack as it is.
#pragma once

#include "base/result.h"
#include "image/file_writer.h"
#include "image/medium.h"
#include "sys/fd.h"

#include <memory>
#include <optional>
#include <string>

namespace berth::image {

class DiskMedium final : public Medium {
 public:
  // `target` is an empty directory.
  static Result<std::unique_ptr<DiskMedium>> open(const std::string& target);

  DirectoryRef root() override { return root_; }
  Result<DirectoryRef> open_directory(const Entry& entry) override;
  Result<std::optional<mode_t>> type_of(const Entry& entry) override;
  Result<std::string> read_link(const Entry& entry) override;
  Status make_directory(const Entry& entry, mode_t mode) override;
  Status make_symlink(const Entry& entry, const std::string& target) override;
  Status make_node(const Entry& entry, mode_t mode, dev_t device) override;
  Status link(const Entry& from, const Entry& to) override;
  Status remove(const Entry& entry) override;
  Result<bool> remove_empty_directory(const Entry& entry) override;
  Status dress(const Entry& entry, const Looks& looks) override;
  Status set_times(const Entry& entry, const sys::Times& times) override;
  Status remove_attributes(const Entry& entry) override;
  Status mark_opaque(const Entry& directory) override;
  Status begin_file(NewFile file) override;
  Status add_content(std::string_view bytes, int64_t offset) override;
  Status commit_file() override;
  bool is_waiting(const std::string& path) const override { return files_.is_waiting(path); }
  Status settle() override { return files_.settle(); }
  Status finish() override { return files_.settle(); }

 private:
  explicit DiskMedium(sys::Fd root);

  FileWriter files_;
  DirectoryRef root_;
  // A large file, which is written as it is read.
  struct Large {
    NewFile file;
    sys::Fd fd;
    int64_t end = 0;
  };
  std::optional<Large> large_;
};

}  // namespace berth::image
