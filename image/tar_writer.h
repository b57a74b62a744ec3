// TarWriter: a tar of regular files that depends on nothing but their names and bytes: mode 0644,
// owner 0, time 0. Names and sizes that ustar cannot say are said in pax headers.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace berth::image {

class TarWriter {
 public:
  // `fd` is borrowed.
  explicit TarWriter(int fd);
  TarWriter(const TarWriter&) = delete;
  TarWriter& operator=(const TarWriter&) = delete;
  ~TarWriter();

  Status begin(const std::string& name, uint64_t size);
  // In all, as much as begin() was told: kInternal for more.
  Status write(std::string_view bytes);
  // The end blocks.
  Status finish();

  struct Writer;  // what libarchive's callback is given

 private:
  tl::unexpected<Error> failed();
  std::unique_ptr<Writer> writer_;
};

}  // namespace berth::image
