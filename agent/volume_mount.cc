#include "agent/volume_mount.h"

#include "base/text.h"
#include "runtime/mount_options.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace berth::agent {
namespace {

using runtime::OptionKind;

constexpr std::string_view kServerAddress = "addr=";

std::string option_of(const scheduler::DriverOpts& options, const char* name) {
  auto found = options.find(name);
  return found == options.end() ? "" : found->second;
}

std::vector<std::string> words_of_options(const std::string& text) {
  std::vector<std::string> words = split(text, ',');
  std::erase(words, "");
  return words;
}

bool is_bind(const std::string& word) {
  const runtime::MountOption* option = runtime::find_mount_option(word);
  return option != nullptr &&
         (option->kind == OptionKind::kBind || option->kind == OptionKind::kRecursiveBind);
}

bool is_network_file_system(const std::string& type) {
  return type == "nfs" || type == "nfs4";
}

Result<std::string> address_of_server(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  int code = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (code != 0) {
    return fail(Errc::kUnavailable, "lookup {}: {}", printable(host, 200), ::gai_strerror(code));
  }
  std::array<char, NI_MAXHOST> address{};
  code = ::getnameinfo(found->ai_addr, found->ai_addrlen, address.data(), address.size(), nullptr,
                       0, NI_NUMERICHOST);
  ::freeaddrinfo(found);
  if (code == 0) return std::string(address.data());
  return fail(Errc::kUnavailable, "lookup {}: {}", printable(host, 200), ::gai_strerror(code));
}

// A tmpfs is made for the task: it belongs to the root of its containers, and ids that the options
// name are those inside.
Status give_to_task(std::vector<std::string>& words, const IdRange& ids) {
  for (const char* id : {"uid=", "gid="}) {
    auto given =
        std::ranges::find_if(words, [&](const auto& word) { return word.starts_with(id); });
    uint64_t inside = 0;
    if (given != words.end()) {
      auto number = parse_u64(given->substr(std::strlen(id)));
      if (!number || *number >= ids.size) {  // the next ones are another task's
        return fail(Errc::kInvalid, "o: \"{}\": the ids of a task are 0 to {}",
                    printable(*given, 200), ids.size - 1);
      }
      inside = *number;
      words.erase(given);
    }
    words.push_back(id + std::to_string(ids.first + inside));
  }
  return {};
}

}  // namespace

Result<MountedVolume> mounted_volume(const std::string& name, const scheduler::DriverOpts& options,
                                     const std::optional<IdRange>& ids) {
  MountedVolume volume;
  runtime::VolumePlan& plan = volume.plan;
  plan.name = name;
  plan.on_failure =
      fmt::format("error while mounting volume '{}': failed to mount local volume", name);
  plan.type = option_of(options, "type");
  plan.source = option_of(options, "device");
  plan.options = words_of_options(option_of(options, "o"));
  volume.read_only = std::ranges::find(plan.options, "ro") != plan.options.end();
  if (std::ranges::any_of(plan.options, is_bind)) {
    plan.type.clear();
    if (plan.source.starts_with('/')) return volume;
    return fail(Errc::kInvalid, "{}: device \"{}\" is not an absolute path", plan.on_failure,
                printable(plan.source, 200));
  }
  for (std::string& word : plan.options) {
    if (!word.starts_with(kServerAddress)) continue;
    auto address = address_of_server(word.substr(kServerAddress.size()));
    if (!address) return wrap(std::move(address).error(), "{}", plan.on_failure);
    word = std::string(kServerAddress) + *address;
  }
  if (plan.type == "tmpfs") {
    volume.id_mapped = false;
    if (ids) {
      auto given = give_to_task(plan.options, *ids);
      if (!given) return wrap(std::move(given).error(), "{}", plan.on_failure);
    }
  }
  if (is_network_file_system(plan.type) && ids) {
    return fail(Errc::kUnsupported,
                "{}: {} cannot map the ids of a task; --userns=host does without", plan.on_failure,
                plan.type);
  }
  return volume;
}

}  // namespace berth::agent
