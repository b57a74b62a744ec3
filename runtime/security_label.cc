#include "runtime/security_label.h"

#include "runtime/child.h"
#include "sys/host.h"

#include <fcntl.h>
#include <sys/statfs.h>
#include <unistd.h>

namespace berth::runtime {
namespace {

constexpr const char* kUnconfined = "unconfined";

}  // namespace

Result<SecurityLabel> security_label_of(const ProcessSpec& process) {
  SecurityLabel label;
  const std::string& profile = process.apparmor_profile;
  if (!profile.empty() && !process.selinux_label.empty()) {
    return fail(Errc::kUnsupported, "process.selinuxLabel: not together with apparmorProfile");
  }
  if (!process.selinux_label.empty()) {
    if (!sys::has_selinux()) {
      return fail(Errc::kUnsupported, "process.selinuxLabel: SELinux is not enabled on this host");
    }
    return SecurityLabel{{"/proc/thread-self/attr/exec"},
                         process.selinux_label,
                         "process.selinuxLabel: " + process.selinux_label};
  }
  bool has_apparmor = !profile.empty() && sys::has_apparmor();
  // Without AppArmor everything is unconfined.
  if (profile.empty() || (profile == kUnconfined && !has_apparmor)) return label;
  if (!has_apparmor) {
    return fail(Errc::kUnsupported,
                "process.apparmorProfile: AppArmor is not enabled on this host");
  }
  // A module of its own name first, for hosts that stack several (Linux >= 5.8).
  return SecurityLabel{{"/proc/thread-self/attr/apparmor/exec", "/proc/thread-self/attr/exec"},
                       "exec " + profile,
                       "process.apparmorProfile: " + profile};
}

void take_security_label(const SecurityLabel& label) {
  if (label.text.empty()) return;
  child::position.stage = Stage::kLabel;
  const char* detail = label.detail.c_str();
  int file = -1;
  for (size_t i = 0; i < label.files.size() && file < 0; ++i) {
    file = static_cast<int>(child::attempt(
        [&] { return ::open(label.files[i].c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW); }));
    if (file < 0 && errno != ENOENT) child::die(errno, detail);
  }
  if (file < 0) child::die(ENOENT, detail);
  struct statfs file_system {};
  child::must(detail, [&] { return ::fstatfs(file, &file_system); });
  if (file_system.f_type != child::kProcMagic) child::die(ELOOP, detail);
  child::must(detail, [&] { return ::write(file, label.text.data(), label.text.size()); });
  ::close(file);
}

}  // namespace berth::runtime
