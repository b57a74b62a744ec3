#include "image/trust.h"

#include "sys/file.h"

#include <algorithm>

namespace berth::image {
namespace {

constexpr size_t kAuthoritiesMax = 1024 * 1024;

bool is_there(const std::vector<std::string>& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

std::string without(const std::string& name, std::string_view ending) {
  return name.substr(0, name.size() - ending.size());
}

}  // namespace

Result<std::string> client_pair(const std::vector<std::string>& names) {
  std::string first;
  for (const std::string& name : names) {
    if (name.ends_with(".cert")) {
      std::string stem = without(name, ".cert");
      if (!is_there(names, stem + ".key")) {
        return fail(
            Errc::kInvalid,
            "missing key {}.key for client certificate {} (authorities' certificates end in "
            ".crt)",
            stem, name);
      }
      if (first.empty() || stem < first) first = stem;
    }
    if (name.ends_with(".key") && !is_there(names, without(name, ".key") + ".cert")) {
      return fail(Errc::kInvalid, "missing client certificate {}.cert for key {}",
                  without(name, ".key"), name);
    }
  }
  return first;
}

Result<Trust> load_trust(const std::string& directory, const std::string& host) {
  std::string path = directory + "/" + host;
  auto names = sys::list_directory(path);
  if (!names && names.error().code == Errc::kNotFound) return Trust();
  if (!names) return tl::unexpected<Error>(std::move(names).error());
  Trust trust;
  for (const std::string& name : *names) {
    if (!name.ends_with(".crt")) continue;
    trust.authorities += TRY(sys::read_file(path + "/" + name, kAuthoritiesMax)) + "\n";
  }
  auto pair = client_pair(*names);
  if (!pair) return wrap(std::move(pair).error(), "{}", path);
  if (!pair->empty()) {
    trust.certificate = path + "/" + *pair + ".cert";
    trust.key = path + "/" + *pair + ".key";
  }
  return trust;
}

}  // namespace berth::image
