// A layer as one file that the kernel mounts: entries cost no inode and no block of a disk's file
// system, all of them are one file to sync, to rename and to remove. Names and directories are held
// in memory until the end; files are not.
#pragma once

#include "base/result.h"
#include "image/erofs_writer.h"
#include "image/medium.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace berth::image {

// How much memory a layer's names and directories may take; kExhausted beyond. A file takes some
// 230 bytes while its directory is open, and a few more than its name else.
constexpr size_t kHeldMax = size_t{256} << 20;

class ErofsMedium final : public Medium {
 public:
  // Makes the file, which must not exist.
  static Result<std::unique_ptr<ErofsMedium>> create(const std::string& path,
                                                     size_t held_max = kHeldMax);

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
  bool is_waiting(const std::string&) const override { return false; }
  Status settle() override { return {}; }
  Status finish() override;

 private:
  struct Node;
  class Opened;
  using NodeRef = std::shared_ptr<Node>;

  ErofsMedium(ErofsWriter writer, size_t held_max);
  static Node& node_of(const DirectoryRef& directory);
  static Result<NodeRef> find(const Entry& entry);
  Status add(const Entry& entry, NodeRef node);
  Status hold(size_t bytes);
  static size_t bytes_of_name(const Node& node, const std::string& name);
  static void forget(Node& node);
  static Result<Looks*> looks_of(const Entry& entry);
  Status write_others(const NodeRef& directory);
  Status place_directories(const NodeRef& directory);
  Status write_directories(const NodeRef& directory, ErofsWriter::InodeNumber parent);
  static std::vector<ErofsWriter::Name> names_in(const Node& directory);

  ErofsWriter writer_;
  const size_t held_max_;
  size_t held_ = 0;  // bytes
  DirectoryRef root_;
  std::optional<NewFile> file_;  // that is being written
  std::vector<NodeRef> linked_;  // more than once, at some time
};

}  // namespace berth::image
