// Compressing with zlib: a file as gzip(1) does, and what is in memory.
#pragma once

#include "base/result.h"

#include <string>

namespace berth::runtime {

// `target` is there whole or not at all; `source` stays.
Status gzip_file(const std::string& source, const std::string& target);

enum class ZipForm { kGzip, kZlib };  // RFC 1952, RFC 1950
struct Zip {
  ZipForm form = ZipForm::kGzip;
  int level = 6;  // 0 to 9; -1: zlib's default
};
// kExhausted without memory.
Result<std::string> compress(std::string bytes, Zip zip);

}  // namespace berth::runtime
