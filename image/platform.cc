#include "image/platform.h"

#include "base/text.h"
#include "sys/host.h"

#include <array>
#include <utility>

namespace berth::image {
namespace {

struct Machine {
  std::string_view uname;
  std::string_view architecture;
  std::string_view variant;
};
constexpr std::array<Machine, 12> kMachines = {{
    {"x86_64", "amd64", ""},
    {"aarch64", "arm64", ""},
    {"armv8l", "arm", "v8"},
    {"armv7l", "arm", "v7"},
    {"armv6l", "arm", "v6"},
    {"armv5tel", "arm", "v5"},
    {"i686", "386", ""},
    {"i386", "386", ""},
    {"ppc64le", "ppc64le", ""},
    {"s390x", "s390x", ""},
    {"riscv64", "riscv64", ""},
    {"loongarch64", "loong64", ""},
}};

// 7 of "v7"; 0 of anything else.
int number_of(std::string_view variant) {
  if (!variant.starts_with('v')) return 0;
  auto number = parse_u64(variant.substr(1));
  return number && *number < 100 ? static_cast<int>(*number) : 0;
}

// What a host of this kind runs besides itself, best first (containerd's platformVector).
std::vector<Platform> also_runs(const Platform& host) {
  std::vector<Platform> others;
  auto add_down_from = [&](std::string_view architecture, int from, int least) {
    for (int n = from; n >= least; --n) {
      others.push_back(normalize({host.os, std::string(architecture), fmt::format("v{}", n)}));
    }
  };
  if (host.architecture == "amd64") {
    add_down_from("amd64", number_of(host.variant) - 1, 1);
    others.push_back({host.os, "386", ""});
  } else if (host.architecture == "arm64") {
    add_down_from("arm64", number_of(host.variant) - 1, 8);
    add_down_from("arm", 8, 5);
  } else if (host.architecture == "arm") {
    add_down_from("arm", number_of(host.variant) - 1, 5);
  }
  return others;
}

}  // namespace

std::string Platform::to_string() const {
  std::string text = os + "/" + architecture;
  if (!variant.empty()) text += "/" + variant;
  return text;
}

Result<Platform> parse_platform(std::string_view text) {
  auto parts = split(text, '/');
  for (const std::string& part : parts) {
    if (part.empty() || parts.size() > 3) {
      return fail(Errc::kInvalid, "platform \"{}\": must be OS/ARCHITECTURE[/VARIANT]",
                  printable(text, 100));
    }
  }
  if (parts.size() == 1) return normalize({"linux", parts[0], ""});
  return normalize({parts[0], parts[1], parts.size() == 3 ? parts[2] : ""});
}

Platform platform_of_machine(std::string_view machine) {
  for (const Machine& known : kMachines) {
    if (known.uname == machine) {
      return normalize({"linux", std::string(known.architecture), std::string(known.variant)});
    }
  }
  return {"linux", std::string(machine), ""};
}

Result<Platform> host_platform() {
  return platform_of_machine(TRY(sys::machine_name()));
}

Platform normalize(Platform platform) {
  platform.os = to_lower(platform.os);
  platform.architecture = to_lower(platform.architecture);
  platform.variant = to_lower(platform.variant);
  std::string& architecture = platform.architecture;
  std::string& variant = platform.variant;
  if (architecture == "x86_64" || architecture == "x86-64") architecture = "amd64";
  if (architecture == "i386" || architecture == "i686") architecture = "386";
  if (architecture == "aarch64") architecture = "arm64";
  if (architecture == "armhf") architecture = "arm", variant = "v7";
  if (architecture == "armel") architecture = "arm", variant = "v6";
  if (!variant.empty() && variant[0] >= '0' && variant[0] <= '9') variant = "v" + variant;
  if (architecture == "amd64" && variant == "v1") variant.clear();
  if (architecture == "arm64" && variant == "v8") variant.clear();
  if (architecture == "arm" && variant.empty()) variant = "v7";
  return platform;
}

std::optional<int> match(const Platform& host, const Platform& offered) {
  Platform wanted = normalize(offered);
  if (normalize(host) == wanted) return 0;
  int rank = 1;
  for (const Platform& other : also_runs(normalize(host))) {
    if (other == wanted) return rank;
    ++rank;
  }
  return std::nullopt;
}

}  // namespace berth::image
