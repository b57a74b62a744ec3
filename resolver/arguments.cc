#include "resolver/arguments.h"

#include "base/text.h"

namespace berth::resolver {
namespace {

constexpr size_t kArgumentShown = 200;
constexpr const char* kBothFamilies = "ipv4,ipv6";

Status read_option(const std::string& option, const std::string& value, Settings& settings) {
  if (option == "--names") {
    settings.names = value;
  } else if (option == "--domain") {
    settings.domain = TRY(dns::Name::parse(value));
  } else if (option == "--subnet") {
    settings.subnet = TRY(parse_ipv4_net(value));
  } else if (option == "--families") {
    if (value != kBothFamilies) {
      return fail(Errc::kInvalid, "--families: \"{}\" is not \"{}\"",
                  printable(value, kArgumentShown), kBothFamilies);
    }
    settings.ipv6 = true;
  } else if (option == "--server") {
    settings.servers.push_back(TRY(dns::parse_server_address(value)));
  } else {
    return fail(Errc::kInvalid, "{}: no such option", printable(option, kArgumentShown));
  }
  return {};
}

}  // namespace

std::vector<std::string> render_settings(const Settings& settings) {
  std::vector<std::string> arguments = {"--names",  settings.names,
                                        "--domain", settings.domain.to_text(),
                                        "--subnet", to_string(settings.subnet)};
  if (settings.ipv6) arguments.insert(arguments.end(), {"--families", kBothFamilies});
  for (const dns::ServerAddress& server : settings.servers) {
    arguments.emplace_back("--server");
    arguments.push_back(dns::to_text(server));
  }
  return arguments;
}

Result<Arguments> parse_arguments(const std::vector<std::string>& arguments) {
  Arguments parsed;
  size_t i = 0;
  for (; i + 1 < arguments.size(); i += 2) {
    TRY(read_option(arguments[i], arguments[i + 1], parsed.settings));
  }
  auto networks = i < arguments.size() ? parse_u64(arguments[i]) : std::nullopt;
  if (!networks || *networks == 0 || *networks > kNetworksMax) {
    return fail(Errc::kInvalid, "the last argument is the number of networks, 1 to {}",
                kNetworksMax);
  }
  parsed.networks = *networks;
  if (parsed.settings.names.empty() || parsed.settings.domain.is_root()) {
    return fail(Errc::kInvalid, "--names and --domain are required");
  }
  return parsed;
}

}  // namespace berth::resolver
