// The text of AWS's shared files, ~/.aws/config and ~/.aws/credentials. Pure.
//
//   [default]                 [profile NAME] in config, [NAME] in credentials
//   region = eu-west-1        names without regard to case; " #" and " ;" begin a comment
//   s3 =
//     endpoint_url = ...      indented below an empty value: members of that value
//   [services NAME]           endpoints by service, for profiles that name it
//   [sso-session NAME]        where people sign in, for profiles that name it
//
// Sections of other kinds are skipped. Lines that are nothing of that are errors with their number;
// no error quotes a value, which may be a key.
#pragma once

#include "base/result.h"

#include <map>
#include <string>
#include <string_view>

namespace berth::aws {

constexpr size_t kConfigFileMax = 1024 * 1024;

struct Section {
  std::map<std::string, std::string> values;
  std::map<std::string, std::map<std::string, std::string>> nested;
};

struct ConfigFile {
  std::map<std::string, Section> profiles;
  std::map<std::string, Section> services;
  std::map<std::string, Section> sso_sessions;
};

enum class FileKind { kConfig, kCredentials };

// `name` is the file's, for errors.
Result<ConfigFile> parse_config_file(std::string_view text, const std::string& name, FileKind kind);

}  // namespace berth::aws
