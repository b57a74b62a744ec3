#include "agent/registry_settings.h"

#include "base/text.h"
#include "image/endpoint.h"
#include "image/proxy.h"

#include <nlohmann/json.hpp>

#include <utility>

namespace berth::agent {
namespace {

// HOST[:PORT]: what a mirror is without scheme and prefix.
Status check_registry(const std::string& name, const std::string& path) {
  auto host = image::parse_mirror(name, {});
  if (host && host->registry == name) return {};
  return fail(Errc::kInvalid, "{}: \"{}\" is not a registry's HOST[:PORT]", path,
              printable(name, 200));
}

Result<RegistryRule> read_rule(const json::Node& node) {
  TRY(node.only({"mirrors", "tlsVerify"}));
  RegistryRule rule;
  rule.tls_verify = TRY(node.find_bool("tlsVerify")).value_or(true);
  for (const json::Node& mirror : TRY(node.find_array("mirrors"))) {
    rule.mirrors.push_back(TRY(mirror.as_string()));
    auto parsed = image::parse_mirror(rule.mirrors.back(), {});
    if (!parsed) return wrap(std::move(parsed).error(), "{}", mirror.path());
  }
  if (rule.mirrors.size() > kMirrorsMax) {
    return fail(Errc::kInvalid, "{}.mirrors: {} are more than {}", node.path(), rule.mirrors.size(),
                kMirrorsMax);
  }
  return rule;
}

Result<Secret> read_proxy_url(const json::Node& node, std::string_view key) {
  std::string url = TRY(node.find_string(key)).value_or("");
  if (url.empty()) return Secret();
  auto checked = image::check_proxy(url);
  if (!checked) return wrap(std::move(checked).error(), "{}", node.find(key)->path());
  return Secret(std::move(url));
}

Result<ProxyRule> read_proxy(const json::Node& node) {
  TRY(node.only({"http", "https", "noProxy"}));
  ProxyRule proxy;
  proxy.http = TRY(read_proxy_url(node, "http"));
  proxy.https = TRY(read_proxy_url(node, "https"));
  proxy.no_proxy = TRY(node.find_strings("noProxy"));
  return proxy;
}

nlohmann::ordered_json render_proxy(const ProxyRule& proxy) {
  nlohmann::ordered_json out = nlohmann::ordered_json::object();
  if (!proxy.http.empty()) out["http"] = image::shown_proxy(proxy.http);
  if (!proxy.https.empty()) out["https"] = image::shown_proxy(proxy.https);
  out["noProxy"] = proxy.no_proxy;
  return out;
}

}  // namespace

Result<RegistrySettings> read_registry_settings(const json::Node& root) {
  RegistrySettings settings;
  settings.insecure = TRY(root.find_strings("insecureRegistries"));
  if (auto certificates = TRY(root.find_string("certificates"))) {
    if (!certificates->starts_with('/')) {
      return fail(Errc::kInvalid, "certificates: \"{}\" is not an absolute path",
                  printable(*certificates, 200));
    }
    settings.certificates = *certificates;
  }
  auto foreign = TRY(root.find_string("foreignLayers")).value_or("fetch");
  if (foreign != "fetch" && foreign != "refuse") {
    return fail(Errc::kInvalid, "foreignLayers: \"{}\" is neither \"fetch\" nor \"refuse\"",
                printable(foreign, 200));
  }
  settings.fetches_foreign_layers = foreign == "fetch";
  if (auto proxy = root.find("proxy")) settings.proxy = TRY(read_proxy(*proxy));
  auto registries = root.find("registries");
  if (!registries) return settings;
  for (const auto& [name, node] : TRY(registries->as_object())) {
    TRY(check_registry(name, registries->path()));
    settings.rules[name] = TRY(read_rule(node));
  }
  if (settings.rules.size() > kRegistriesMax) {
    return fail(Errc::kInvalid, "registries: {} are more than {}", settings.rules.size(),
                kRegistriesMax);
  }
  return settings;
}

void render_registry_settings(const RegistrySettings& settings, nlohmann::ordered_json& out) {
  out["insecureRegistries"] = settings.insecure;
  out["registries"] = nlohmann::ordered_json::object();
  for (const auto& [name, rule] : settings.rules) {
    out["registries"][name] = {{"mirrors", rule.mirrors}, {"tlsVerify", rule.tls_verify}};
  }
  out["certificates"] = settings.certificates;
  out["foreignLayers"] = settings.fetches_foreign_layers ? "fetch" : "refuse";
  if (settings.proxy) out["proxy"] = render_proxy(*settings.proxy);
}

}  // namespace berth::agent
