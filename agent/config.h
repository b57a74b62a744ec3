// What one instance of berth is told about its host. From /etc/berth/berth.json when it exists,
// or the file of --config; flags override. docs/configuration.md lists the members.
#pragma once

#include "agent/dns_settings.h"
#include "agent/efs_settings.h"
#include "agent/registry_settings.h"
#include "agent/role_settings.h"
#include "agent/secret_settings.h"
#include "base/result.h"
#include "netns/security_group.h"
#include "netns/vpc.h"
#include "sys/tcp.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace berth::agent {

constexpr const char* kConfigPath = "/etc/berth/berth.json";

// Whose keys Amazon's services are asked with, and where; what is empty is as AWS's tools find it.
struct AwsConfig {
  std::string profile;
  std::string ecr_endpoint;  // http://HOST[:PORT] or https://
};

// Images that nobody uses go by themselves, as the ECS agent does it (ECS_IMAGE_CLEANUP_INTERVAL
// and its like, whose defaults these are). Unlike there, it is off unless asked for.
struct ImageCleanup {
  bool enabled = false;
  uint64_t interval_minutes = 30;     // between two cycles
  uint64_t minimum_age_minutes = 60;  // since the pull
  uint64_t images_per_cycle = 5;
  uint64_t unused_for_minutes = 0;  // since the last start; 0: any that no task uses
  uint64_t high_bytes = 0;  // nothing goes while the store is not above; 0: whatever its size
  uint64_t low_bytes = 0;   // above high_bytes: down to this
};

// The loopback, and the port that tools for emulators of AWS expect.
inline constexpr sys::TcpAddress kDefaultListen{Ipv4{0x7f000001}, 4566};

struct Config {
  std::string root = "/var/lib/berth";   // durable: images, layers, leases, logs
  std::string run = "/run/berth";        // gone with a reboot: task directories, sockets
  std::string oci_runtime;               // path of berth-oci or of another OCI runtime
  std::string shim;                      // path of berth-shim
  std::string init;                      // path of berth-init, process 1 of containers that ask
  std::string resolver;                  // path of berth-resolver, who answers 169.254.169.253
  std::string subnet = "172.29.0.0/16";  // tasks' addresses; the bridge has the first one
  std::string subnet6;                   // their IPv6 addresses; "": none. "ipv6Subnet" in the file
  std::string region = "us-east-1";  // for names such as ip-172-29-0-2.us-east-1.compute.internal
  std::string account_id = "000000000000";  // the account in the names (ARNs) of tasks
  uint64_t task_pids_limit = 4096;          // processes and threads of one task (pids.max)
  uint64_t service_healthy_seconds = 40;    // a task without health checks counts as healthy then
  ImageCleanup image_cleanup;
  RegistrySettings registries;  // insecureRegistries, registries, certificates, proxy
  // "layers" in the file: whether layers are unpacked to directories even where the host can mount
  // images of them.
  bool layers_as_directories = false;
  AwsConfig aws;
  std::vector<netns::SecurityGroup> security_groups;
  std::vector<netns::VpcSubnet> subnets;  // none: one, which is all of `subnet`
  RoleSettings roles;
  SecretSettings secrets;
  EnvironmentFileSettings environment_files;
  EfsSettings efs;
  DnsSettings dns;
  sys::TcpAddress listen = kDefaultListen;  // where berthd answers Amazon's API
};

// Reads the members of `text` over the defaults. Errors: kInvalid with the member's path for
// unknown members, wrong types and values out of range; `name` is the file's.
Result<Config> parse_config(std::string_view text, const std::string& name);

// "127.0.0.1:4566"; port 0 is one that the kernel chooses. `name` is what the text is, for errors.
Result<sys::TcpAddress> parse_listen(const std::string& text, const std::string& name);
std::string render_listen(sys::TcpAddress address);

// The configuration in force, as JSON.
std::string render_config(const Config& config);

// "default" for the default run directory, else "i" and eight hexadecimal digits of a hash of the
// path: the tag of everything global that this instance makes (links, cgroups, nft tables), so that
// several instances live side by side.
std::string instance_of(const std::string& run);

// The name of the instance's bridge: "berth0", or "br-" and the tag.
std::string bridge_of(const std::string& instance);

// The path of a program that is installed beside this one ("berth-shim").
Result<std::string> sibling_program(const std::string& name);

}  // namespace berth::agent
