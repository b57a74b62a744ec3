#include "image/erofs_medium.h"

#include "base/text.h"
#include "image/merged.h"

#include <sys/stat.h>

#include <cerrno>
#include <map>
#include <utility>

namespace berth::image {
namespace {

// What a name takes in the map of an open directory and while that is written, beside itself; in a
// packed one; what is known of anything that is not written yet.
constexpr size_t kNodeBytes = 224;
constexpr size_t kPackedBytes = 9;
constexpr size_t kUnwrittenBytes = 256;

}  // namespace

// Regular files are written when they are whole: of them nothing but their place is known later. So
// in a directory that nobody has open they are a few bytes each, however many a layer has.
struct ErofsMedium::Node {
  struct Unwritten {
    Looks looks;
    std::string target;  // of a symlink
    dev_t device = 0;
    unsigned opened = 0;  // by so many
    bool is_removed = false;
    std::map<std::string, NodeRef> children;
    std::string packed;  // those files that nobody else knows: name, '\0', where it is

    // Both give the number of files.
    size_t pack();
    size_t unpack();
  };

  mode_t type;
  uint32_t links = 1;
  ErofsWriter::InodeNumber inode = 0;  // 0: not known yet
  std::unique_ptr<Unwritten> unwritten;

  bool is_directory() const { return type == S_IFDIR; }
};

size_t ErofsMedium::Node::Unwritten::pack() {
  return std::erase_if(children, [this](const auto& each) {
    const auto& [name, node] = each;
    if (node->type != S_IFREG || node.use_count() > 1) return false;
    packed.append(name).push_back('\0');
    packed.append(reinterpret_cast<const char*>(&node->inode), sizeof node->inode);
    return true;
  });
}

size_t ErofsMedium::Node::Unwritten::unpack() {
  size_t files = 0;
  for (size_t at = 0; at < packed.size();) {
    size_t end = packed.find('\0', at);
    auto node = std::make_shared<Node>(Node{S_IFREG});
    packed.copy(reinterpret_cast<char*>(&node->inode), sizeof node->inode, end + 1);
    children.emplace_hint(children.end(), packed.substr(at, end - at), std::move(node));
    at = end + 1 + sizeof node->inode;
    ++files;
  }
  packed.clear();
  return files;
}

class ErofsMedium::Opened final : public Medium::Directory {
 public:
  // `held` counts the bytes of what is not packed.
  Opened(NodeRef node, size_t& held) : node_(std::move(node)), held_(held) {
    if (node_->unwritten->opened++ == 0) held_ += node_->unwritten->unpack() * kNodeBytes;
  }
  ~Opened() override {
    if (--node_->unwritten->opened == 0) held_ -= node_->unwritten->pack() * kNodeBytes;
  }
  const NodeRef& node() const { return node_; }

 private:
  NodeRef node_;
  size_t& held_;
};

namespace {

// Of looks that say nothing yet: an entry is dressed once it is made.
Looks undressed(mode_t mode) {
  return {{0, 0}, mode & 07777, {}, {}};
}

size_t bytes_of_attributes(const Looks& looks) {
  size_t bytes = 0;
  for (const auto& [name, value] : looks.attributes) bytes += name.size() + value.size();
  return bytes;
}

constexpr size_t kTargetMax = 4095;  // of a symlink, as any file system has it

}  // namespace

ErofsMedium::ErofsMedium(ErofsWriter writer, size_t held_max)
    : writer_(std::move(writer)), held_max_(held_max) {
  auto root = std::make_shared<Node>(Node{S_IFDIR});
  root->unwritten = std::make_unique<Node::Unwritten>(Node::Unwritten{undressed(0755)});
  root_ = std::make_shared<Opened>(std::move(root), held_);
}

Result<std::unique_ptr<ErofsMedium>> ErofsMedium::create(const std::string& path, size_t held_max) {
  ErofsWriter writer = TRY(ErofsWriter::create(path));
  return std::unique_ptr<ErofsMedium>(new ErofsMedium(std::move(writer), held_max));
}

ErofsMedium::Node& ErofsMedium::node_of(const DirectoryRef& directory) {
  return *static_cast<const Opened&>(*directory).node();
}

Result<ErofsMedium::NodeRef> ErofsMedium::find(const Entry& entry) {
  if (entry.name.empty()) return static_cast<const Opened&>(*entry.directory).node();
  const Node::Unwritten& directory = *node_of(entry.directory).unwritten;
  auto found = directory.children.find(entry.name);
  if (found != directory.children.end() && !directory.is_removed) return found->second;
  return fail_errno(ENOENT, "{}", entry.name);
}

// With what is known of it.
size_t ErofsMedium::bytes_of_name(const Node& node, const std::string& name) {
  size_t bytes = name.size() + kPackedBytes + kNodeBytes;
  if (node.unwritten == nullptr || node.links > 1) return bytes;  // its last name's
  return bytes + kUnwrittenBytes + node.unwritten->target.size() +
         bytes_of_attributes(node.unwritten->looks);
}

Status ErofsMedium::hold(size_t bytes) {
  held_ += bytes;
  if (held_ <= held_max_) return {};
  return fail(Errc::kExhausted,
              "the names and attributes of the layer take more than {} of memory; \"layers\": "
              "\"directories\" in berth.json does without",
              format_bytes(held_max_));
}

Status ErofsMedium::add(const Entry& entry, NodeRef node) {
  auto& children = node_of(entry.directory).unwritten->children;
  auto [added, is_new] = children.try_emplace(entry.name, std::move(node));
  if (!is_new) return fail_errno(EEXIST, "{}", entry.name);
  return hold(bytes_of_name(*added->second, entry.name));
}

Result<Medium::DirectoryRef> ErofsMedium::open_directory(const Entry& entry) {
  NodeRef node = TRY(find(entry));
  if (node->type == S_IFLNK) return fail_errno(ELOOP, "{}", entry.name);
  if (!node->is_directory()) return fail_errno(ENOTDIR, "{}", entry.name);
  return std::make_shared<Opened>(std::move(node), held_);
}

Result<std::optional<mode_t>> ErofsMedium::type_of(const Entry& entry) {
  auto node = find(entry);
  if (!node) return std::optional<mode_t>();
  return std::optional<mode_t>((*node)->type);
}

Result<std::string> ErofsMedium::read_link(const Entry& entry) {
  NodeRef node = TRY(find(entry));
  if (node->type == S_IFLNK) return node->unwritten->target;
  return fail_errno(EINVAL, "{}", entry.name);
}

Status ErofsMedium::make_directory(const Entry& entry, mode_t mode) {
  return make_node(entry, S_IFDIR | mode, 0);
}

Status ErofsMedium::make_symlink(const Entry& entry, const std::string& target) {
  if (target.empty()) return fail_errno(ENOENT, "symlink {}", entry.name);
  if (target.size() > kTargetMax) return fail_errno(ENAMETOOLONG, "symlink {}", entry.name);
  TRY(make_node(entry, S_IFLNK | 0777, 0));
  TRY(find(entry))->unwritten->target = target;
  return hold(target.size());
}

Status ErofsMedium::make_node(const Entry& entry, mode_t mode, dev_t device) {
  auto node = std::make_shared<Node>(Node{mode & S_IFMT});
  node->unwritten = std::make_unique<Node::Unwritten>(Node::Unwritten{undressed(mode)});
  node->unwritten->device = device;
  return add(entry, std::move(node));
}

Status ErofsMedium::link(const Entry& from, const Entry& to) {
  NodeRef node = TRY(find(from));
  ++node->links;
  auto added = add(to, node);
  if (!added) {
    --node->links;
    return added;
  }
  if (node->links == 2) linked_.push_back(std::move(node));
  return {};
}

Status ErofsMedium::remove(const Entry& entry) {
  auto& children = node_of(entry.directory).unwritten->children;
  auto found = children.find(entry.name);
  if (found == children.end()) return {};
  held_ -= bytes_of_name(*found->second, entry.name);
  forget(*found->second);
  children.erase(found);
  return {};
}

void ErofsMedium::forget(Node& node) {
  --node.links;
  if (!node.is_directory()) return;
  node.unwritten->is_removed = true;
  // What is packed is nobody else's: no other name has to be told.
  for (auto& [name, child] : node.unwritten->children) forget(*child);
}

Result<bool> ErofsMedium::remove_empty_directory(const Entry& entry) {
  NodeRef node = TRY(find(entry));
  if (!node->is_directory()) return fail_errno(ENOTDIR, "{}", entry.name);
  const Node::Unwritten& it = *node->unwritten;
  if (!it.children.empty() || !it.packed.empty()) return false;
  TRY(remove(entry));
  return true;
}

Result<Looks*> ErofsMedium::looks_of(const Entry& entry) {
  NodeRef node = TRY(find(entry));
  if (node->unwritten != nullptr) return &node->unwritten->looks;
  return fail(Errc::kInternal, "{} is written already", entry.name);
}

Status ErofsMedium::dress(const Entry& entry, const Looks& looks) {
  Looks* old = TRY(looks_of(entry));
  old->owner = looks.owner;
  old->mode = looks.mode;
  size_t before = bytes_of_attributes(*old);
  for (const auto& [name, value] : looks.attributes) set_attribute(old->attributes, name, value);
  held_ -= before;
  TRY(hold(bytes_of_attributes(*old)));
  return ErofsWriter::check(*old);
}

Status ErofsMedium::set_times(const Entry& entry, const sys::Times& times) {
  TRY(looks_of(entry))->times = times;
  return {};
}

Status ErofsMedium::remove_attributes(const Entry& entry) {
  Looks* looks = TRY(looks_of(entry));
  held_ -= bytes_of_attributes(*looks);
  std::erase_if(looks->attributes,
                [](const auto& each) { return !each.first.starts_with(kOverlayAttributes); });
  return hold(bytes_of_attributes(*looks));
}

Status ErofsMedium::mark_opaque(const Entry& directory) {
  Looks* looks = TRY(looks_of(directory));
  held_ -= bytes_of_attributes(*looks);
  set_attribute(looks->attributes, kOpaqueAttribute, "y");
  return hold(bytes_of_attributes(*looks));
}

Status ErofsMedium::begin_file(NewFile file) {
  TRY(writer_.begin_file(std::move(file.looks), file.size));
  file_ = std::move(file);
  return {};
}

Status ErofsMedium::add_content(std::string_view bytes, int64_t offset) {
  return writer_.add_content(bytes, offset);
}

Status ErofsMedium::commit_file() {
  auto node = std::make_shared<Node>(Node{S_IFREG});
  node->inode = TRY(writer_.end_file());
  auto file = std::exchange(file_, std::nullopt);
  Entry entry{file->directory, file->name};
  if (TRY(type_of(entry)) == S_IFDIR) return fail_errno(EISDIR, "{}", file->name);
  TRY(remove(entry));
  return add(entry, std::move(node));
}

Status ErofsMedium::finish() {
  const NodeRef& root = static_cast<const Opened&>(*root_).node();
  TRY(write_others(root));
  for (const NodeRef& node : linked_) {
    if (node->links > 0 && node->inode != 0) writer_.set_links(node->inode, node->links);
  }
  TRY(place_directories(root));
  TRY(write_directories(root, root->inode));
  return writer_.finish();
}

// Symlinks, devices and the like.
Status ErofsMedium::write_others(const NodeRef& directory) {
  Opened opened(directory, held_);
  for (auto& [name, child] : directory->unwritten->children) {
    if (child->is_directory()) TRY(write_others(child));
    if (child->is_directory() || child->inode != 0) continue;
    const Node::Unwritten& it = *child->unwritten;
    bool is_symlink = child->type == S_IFLNK;
    child->inode = TRY(is_symlink ? writer_.add_symlink(it.looks, it.target)
                                  : writer_.add_node(it.looks, child->type, it.device));
  }
  return {};
}

Status ErofsMedium::place_directories(const NodeRef& directory) {
  Opened opened(directory, held_);
  directory->inode =
      TRY(writer_.place_directory(directory->unwritten->looks, names_in(*directory)));
  for (auto& [name, child] : directory->unwritten->children) {
    if (child->is_directory()) TRY(place_directories(child));
  }
  return {};
}

Status ErofsMedium::write_directories(const NodeRef& directory, ErofsWriter::InodeNumber parent) {
  Opened opened(directory, held_);
  TRY(writer_.write_directory(directory->unwritten->looks, parent, names_in(*directory)));
  for (const auto& [name, child] : directory->unwritten->children) {
    if (child->is_directory()) TRY(write_directories(child, directory->inode));
  }
  return {};
}

std::vector<ErofsWriter::Name> ErofsMedium::names_in(const Node& directory) {
  std::vector<ErofsWriter::Name> names;
  names.reserve(directory.unwritten->children.size());
  for (const auto& [name, child] : directory.unwritten->children) {
    names.push_back({name, child->inode, child->type});
  }
  return names;
}

}  // namespace berth::image
