#include "image/disk_medium.h"

#include "image/merged.h"
#include "sys/file.h"

#include <fcntl.h>

#include <utility>

namespace berth::image {

DiskMedium::DiskMedium(sys::Fd root) : root_(std::make_shared<DiskDirectory>(std::move(root))) {}

Result<std::unique_ptr<DiskMedium>> DiskMedium::open(const std::string& target) {
  sys::Fd root = TRY(sys::open(target, O_RDONLY | O_DIRECTORY));
  return std::unique_ptr<DiskMedium>(new DiskMedium(std::move(root)));
}

Result<Medium::DirectoryRef> DiskMedium::open_directory(const Entry& entry) {
  sys::Fd fd =
      TRY(sys::open_beneath(fd_of(entry.directory), entry.name, O_RDONLY | O_DIRECTORY, 0));
  return std::make_shared<DiskDirectory>(std::move(fd));
}

Result<std::optional<mode_t>> DiskMedium::type_of(const Entry& entry) {
  auto st = TRY(sys::stat_at(fd_of(entry.directory), entry.name));
  if (!st) return std::optional<mode_t>();
  return std::optional<mode_t>(st->st_mode & S_IFMT);
}

Result<std::string> DiskMedium::read_link(const Entry& entry) {
  return sys::read_link_at(fd_of(entry.directory), entry.name);
}

Status DiskMedium::make_directory(const Entry& entry, mode_t mode) {
  return sys::make_directory_at(fd_of(entry.directory), entry.name, mode);
}

Status DiskMedium::make_symlink(const Entry& entry, const std::string& target) {
  return sys::symlink_at(target, fd_of(entry.directory), entry.name);
}

Status DiskMedium::make_node(const Entry& entry, mode_t mode, dev_t device) {
  return sys::make_node_at(fd_of(entry.directory), entry.name, mode, device);
}

Status DiskMedium::link(const Entry& from, const Entry& to) {
  return sys::link_at({fd_of(from.directory), from.name}, {fd_of(to.directory), to.name});
}

Status DiskMedium::remove(const Entry& entry) {
  return sys::remove_tree_at(fd_of(entry.directory), entry.name);
}

Result<bool> DiskMedium::remove_empty_directory(const Entry& entry) {
  return sys::remove_empty_directory_at(fd_of(entry.directory), entry.name);
}

Status DiskMedium::dress(const Entry& entry, const Looks& looks) {
  sys::Entry at{fd_of(entry.directory), entry.name};
  return files_.dresser().set_owner_and_mode(looks, {at, at});
}

Status DiskMedium::set_times(const Entry& entry, const sys::Times& times) {
  return sys::set_times_at(fd_of(entry.directory), entry.name, times);
}

Status DiskMedium::remove_attributes(const Entry& entry) {
  int directory = fd_of(entry.directory);
  for (const auto& [attribute, value] : TRY(sys::xattrs_at(directory, entry.name))) {
    if (attribute.starts_with(kOverlayAttributes)) continue;
    TRY(sys::remove_xattr_at(directory, entry.name, attribute));
  }
  return {};
}

Status DiskMedium::mark_opaque(const Entry& directory) {
  return sys::set_xattr_at(fd_of(directory.directory), directory.name, kOpaqueAttribute, "y");
}

Status DiskMedium::begin_file(NewFile file) {
  if (file.size <= kSmallFileMax) {
    files_.begin(std::move(file));
    return {};
  }
  sys::Fd fd = TRY(create_file(file));
  large_ = Large{std::move(file), std::move(fd)};
  return {};
}

Status DiskMedium::add_content(std::string_view bytes, int64_t offset) {
  if (!large_) {
    files_.add_content(bytes, offset);
    return {};
  }
  TRY(sys::write_at(large_->fd.get(), bytes, offset));
  large_->end = offset + static_cast<int64_t>(bytes.size());
  return {};
}

Status DiskMedium::commit_file() {
  if (!large_) return files_.commit();
  auto large = std::exchange(large_, std::nullopt);
  return finish_file(large->file, large->fd.get(), large->end, files_.dresser());
}

}  // namespace berth::image
