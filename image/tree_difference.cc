#include "image/tree_difference.h"

#include "base/text.h"
#include "image/erofs_format.h"
#include "image/stream.h"
#include "sys/file.h"
#include "sys/image_mount.h"
#include "sys/tree.h"

#include <fcntl.h>

#include <map>
#include <optional>
#include <set>
#include <utility>

namespace berth::image {
namespace {

constexpr size_t kShownPath = 200;

bool is_equal(const timespec& left, const timespec& right) {
  return left.tv_sec == right.tv_sec && left.tv_nsec == right.tv_nsec;
}

// A pair of directories or files that should be equal.
struct Both {
  int stored;
  int rebuilt;
};

// Keeps its memory from one pair of files to the next.
class Contents {
 public:
  // From where they stand.
  Result<bool> are_same(int stored, int rebuilt) {
    while (true) {
      auto left = TRY(read_chunk(stored, left_));
      auto right = TRY(read_chunk(rebuilt, right_));
      if (left != right) return false;
      if (left.empty()) return true;
    }
  }

 private:
  static Result<std::string_view> read_chunk(int fd, std::string& buffer) {
    buffer.resize(kReadChunk);
    size_t have = 0;
    while (have < buffer.size()) {
      size_t got = TRY(sys::read_some(fd, buffer.data() + have, buffer.size() - have));
      if (got == 0) break;
      have += got;
    }
    return std::string_view(buffer.data(), have);
  }

  std::string left_;
  std::string right_;
};

class Comparison {
 public:
  explicit Comparison(size_t max) : max_(max) {}

  Status compare(const Both& parents, const std::string& name, const std::string& path) {
    auto stored = TRY(sys::stat_at(parents.stored, name));
    auto rebuilt = TRY(sys::stat_at(parents.rebuilt, name));
    if (!stored || !rebuilt) {
      note(path, stored ? "is not in the image" : "is missing");
      return {};
    }
    if ((stored->st_mode & S_IFMT) != (rebuilt->st_mode & S_IFMT)) {
      note(path, "is of another type");
      return {};
    }
    compare_looks(*stored, *rebuilt, path);
    if (TRY(sys::xattrs_at(parents.stored, name)) != TRY(sys::xattrs_at(parents.rebuilt, name))) {
      note(path, "has other extended attributes");
    }
    if (S_ISDIR(stored->st_mode)) return compare_directories(parents, name, path);
    if (S_ISLNK(stored->st_mode)) {
      auto target = TRY(sys::read_link_at(parents.stored, name));
      if (target != TRY(sys::read_link_at(parents.rebuilt, name))) note(path, "has another target");
    }
    if (S_ISREG(stored->st_mode) && stored->st_size == rebuilt->st_size && is_new(*stored)) {
      return compare_contents(parents, name, path);
    }
    return {};
  }

  std::vector<std::string> take() { return std::move(found_); }
  bool is_full() const { return found_.size() >= max_; }

 private:
  void note(const std::string& path, const char* what) {
    if (is_full()) return;
    found_.push_back(fmt::format("\"/{}\" {}", printable(path, kShownPath), what));
  }

  void compare_looks(const struct stat& stored, const struct stat& rebuilt,
                     const std::string& path) {
    if (stored.st_mode != rebuilt.st_mode) note(path, "has another mode");
    if (stored.st_uid != rebuilt.st_uid || stored.st_gid != rebuilt.st_gid) {
      note(path, "has another owner");
    }
    if (stored.st_rdev != rebuilt.st_rdev) note(path, "is another device");
    bool is_directory = S_ISDIR(stored.st_mode);
    if (!is_directory && stored.st_size != rebuilt.st_size) note(path, "has another size");
    if (!is_equal(stored.st_mtim, rebuilt.st_mtim)) note(path, "has another time");
    // The same names must be links of one file on both sides.
    if (!is_directory &&
        twins_.emplace(stored.st_ino, rebuilt.st_ino).first->second != rebuilt.st_ino) {
      note(path, "is linked otherwise");
    }
    if (!is_directory && stored.st_nlink != rebuilt.st_nlink) {
      note(path, "has another number of links");
    }
  }

  // A file with many names is read once.
  bool is_new(const struct stat& stored) {
    return stored.st_nlink == 1 || read_.insert(stored.st_ino).second;
  }

  Status compare_directories(const Both& parents, const std::string& name,
                             const std::string& path) {
    sys::Fd stored = TRY(open_directory(parents.stored, name));
    sys::Fd rebuilt = TRY(open_directory(parents.rebuilt, name));
    std::set<std::string> names;
    for (int fd : {stored.get(), rebuilt.get()}) {
      for (std::string& child : TRY(sys::list_directory(sys::proc_path(fd)))) {
        names.insert(std::move(child));
      }
    }
    for (const std::string& child : names) {
      if (is_full()) return {};
      std::string child_path = path.empty() ? child : path + "/" + child;
      TRY(compare({stored.get(), rebuilt.get()}, child, child_path));
    }
    return {};
  }

  static Result<sys::Fd> open_directory(int dirfd, const std::string& name) {
    return name.empty() ? sys::duplicate(dirfd) : sys::open_directory_at(dirfd, name);
  }

  Status compare_contents(const Both& parents, const std::string& name, const std::string& path) {
    sys::Fd stored = TRY(sys::open_beneath(parents.stored, name, O_RDONLY, 0));
    sys::Fd rebuilt = TRY(sys::open_beneath(parents.rebuilt, name, O_RDONLY, 0));
    if (!TRY(contents_.are_same(stored.get(), rebuilt.get()))) note(path, "has other content");
    return {};
  }

  size_t max_;
  std::vector<std::string> found_;
  std::map<ino_t, ino_t> twins_;  // stored -> rebuilt
  std::set<ino_t> read_;
  Contents contents_;
};

Result<bool> is_file(const std::string& path) {
  return S_ISREG(TRY(sys::stat(path)).st_mode);
}

Result<bool> are_same_files(const Trees& trees) {
  sys::Fd stored = TRY(sys::open(trees.stored, O_RDONLY));
  sys::Fd rebuilt = TRY(sys::open(trees.rebuilt, O_RDONLY));
  return Contents().are_same(stored.get(), rebuilt.get());
}

Result<std::string> writer_of(const std::string& image) {
  constexpr size_t kEnd = erofs::kSuperOffset + sizeof(erofs::Super);
  sys::Fd fd = TRY(sys::open(image, O_RDONLY));
  std::string bytes(kEnd, '\0');
  bytes.resize(TRY(sys::read_some(fd.get(), bytes.data(), bytes.size())));
  size_t begin = erofs::kSuperOffset + offsetof(erofs::Super, volume_name);
  return bytes.size() == kEnd ? bytes.substr(begin, sizeof(erofs::Super::volume_name)) : "";
}

// Another version of berth may have put the same layer into other bytes.
Result<bool> are_of_one_writer(const Trees& trees) {
  return TRY(writer_of(trees.stored)) == TRY(writer_of(trees.rebuilt));
}

}  // namespace

// Images of the same bytes need not be mounted. Of others with the same content in them something
// is damaged that nobody has seen yet.
Result<std::vector<std::string>> differences(const Trees& trees, size_t max) {
  bool are_images = TRY(is_file(trees.stored)) && TRY(is_file(trees.rebuilt));
  if (are_images && TRY(are_same_files(trees))) return std::vector<std::string>();
  sys::Fd stored = TRY(sys::open_tree_of(trees.stored));
  sys::Fd rebuilt = TRY(sys::open_tree_of(trees.rebuilt));
  Comparison comparison(max);
  TRY(comparison.compare({stored.get(), rebuilt.get()}, "", ""));
  auto found = comparison.take();
  if (are_images && found.empty() && TRY(are_of_one_writer(trees))) {
    found.emplace_back("the image has other bytes");
  }
  return found;
}

}  // namespace berth::image
