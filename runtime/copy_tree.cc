#include "runtime/copy_tree.h"

#include "base/text.h"
#include "sys/file.h"
#include "sys/tree.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <string>

namespace berth::runtime {
namespace {

constexpr int kDepthMax = 128;  // of directories in each other; images are not trusted

uint32_t owner_of(uint32_t id, OwnersFrom owners) {
  return id < owners.first ? id : id - owners.first;
}

Status copy_file(int from, int to, const std::string& name, mode_t mode) {
  sys::Fd source = TRY(sys::open_at(from, name, O_RDONLY | O_NOFOLLOW));
  sys::Fd made = TRY(sys::create_at(to, name, mode));
  return sys::copy_content(source.get(), made.get());
}

class TreeCopy {
 public:
  explicit TreeCopy(OwnersFrom owners) : owners_(owners) {}

  Status copy_directory(int from, int to, int depth) const {
    if (depth > kDepthMax) return fail(Errc::kInvalid, "more than {} directories deep", kDepthMax);
    for (const std::string& name : TRY(sys::list_directory(sys::proc_path(from)))) {
      auto copied = copy_entry(from, to, name, depth);
      if (!copied) return wrap(std::move(copied).error(), "{}", printable(name, 128));
    }
    return {};
  }

 private:
  Status copy_subdirectory(int from, int to, const std::string& name, int depth) const {
    sys::Fd source = TRY(sys::open_directory_at(from, name));
    TRY(sys::make_directory_at(to, name, 0700));
    sys::Fd made = TRY(sys::open_directory_at(to, name));
    return copy_directory(source.get(), made.get(), depth + 1);
  }

  Status copy_entry(int from, int to, const std::string& name, int depth) const {
    auto there = TRY(sys::stat_at(from, name));
    if (!there || S_ISSOCK(there->st_mode)) return {};  // a socket is nothing without its process
    mode_t mode = there->st_mode & 07777;
    if (S_ISDIR(there->st_mode)) {
      TRY(copy_subdirectory(from, to, name, depth));
    } else if (S_ISREG(there->st_mode)) {
      TRY(copy_file(from, to, name, mode));
    } else if (S_ISLNK(there->st_mode)) {
      TRY(sys::symlink_at(TRY(sys::read_link_at(from, name)), to, name));
    } else {
      TRY(sys::make_node_at(to, name, there->st_mode, there->st_rdev));
    }
    TRY(sys::chown_at(to, name,
                      {owner_of(there->st_uid, owners_), owner_of(there->st_gid, owners_)}));
    if (!S_ISLNK(there->st_mode)) TRY(sys::chmod_at(to, name, mode));  // chown took setuid away
    return sys::set_times_at(to, name, {there->st_atim, there->st_mtim});
  }

  OwnersFrom owners_;
};

}  // namespace

Status copy_tree(int from, int to, OwnersFrom owners) {
  return TreeCopy(owners).copy_directory(from, to, 0);
}

}  // namespace berth::runtime
